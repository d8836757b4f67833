"""Turn a result file of pytest-benchmark into Markdown tables and a chart.

    python -m benchmarks.report results.json                  the summary
    python -m benchmarks.report results.json --chart all.png  and a chart of it
    python -m benchmarks.report results.json --write          both into the READMEs, and medians
                                                              into results/, as this version's

A ratio is the median time of a peer over that of fastnn. Forms of fastnn that were forced are
shown, but are no peers.
"""

import argparse
import json
from itertools import groupby
from pathlib import Path
from typing import Any

import fastnn
from benchmarks.peers import IMPLEMENTATIONS, OWN
from benchmarks.readme import HERE, PROJECT, fill, table, three_digits
from benchmarks.workloads import WORKLOADS

CHART = HERE / "results.png"
RELEASES = HERE / "results"  # a file for each version
CHART_OF_RELEASES = HERE / "releases.png"
# Each kind of work, and both ways of who is ahead.
ON_FRONT = (
    "2-2-1 float32", "64-30-10 float32", "784-128-10 float32", "64-30-10 float32 batch 32",
    "784-128-10 no zeros float32 8,000 predictions",
)  # fmt: skip
SUMMARY_HEAD = (
    "workload", "fastnn", "best peer", "its time", "best peer / fastnn", "goal", "floor",
)  # fmt: skip
TITLES = {
    "per_sample_sgd": "Per-sample SGD",
    "mini_batch_sgd": "Mini-batches",
    "adam": "Adam",
    "one_update": "One update, called from Python",
    "one_prediction": "One prediction, called from Python",
    "batch_prediction": "Many predictions in one call",
}

Stats = dict[str, float]


class Race:
    """What the implementations took for one workload."""

    def __init__(self, name: str) -> None:
        self.workload = WORKLOADS[name]
        self.stats: dict[str, Stats] = {}
        self.floor: dict[str, Any] | None = None

    def add(self, result: dict[str, Any]) -> None:
        self.stats[result["params"]["name"]] = result["stats"]
        self.floor = result["extra_info"].get("floor", self.floor)

    def ratio(self, peer: str) -> float:
        return self.stats[peer]["median"] / self.stats["fastnn"]["median"]

    @property
    def best_peer(self) -> str | None:
        peers = [name for name in self.stats if name not in OWN]
        return min(peers, key=self.ratio) if peers else None

    def goal(self) -> str:
        """The goal, and whether it is missed; its peer and ratio where that is not the best."""
        goal = self.workload.goal
        if goal is None:
            return ""
        peer = goal.peer or self.best_peer
        if peer not in self.stats:
            return f"{goal.ratio:g}, not measured"
        ratio = self.ratio(peer)
        shown = f"{goal.ratio:g}"
        if goal.peer and goal.peer != self.best_peer:
            shown = f"{goal.ratio:g} over {goal.peer}: {ratio:.2f}"
        return f"{shown} (**below {goal.ratio:g}**)" if ratio < goal.ratio else shown

    def floor_and_part(self) -> str:
        """The floor in µs, what makes it, and the part that it is of fastnn's time."""
        if self.floor is None:
            return ""
        part = self.floor["seconds"] / self.stats["fastnn"]["median"]
        floor = three_digits(self.floor["seconds"] * 1e6)
        return f"{floor} ({self.floor['bound']}): {100 * part:.0f} %"

    def summary(self) -> list[str]:
        peer = self.best_peer
        peer_cells = ["", "", ""]
        if peer is not None:
            peer_cells = [peer, microseconds(self.stats[peer]), f"{self.ratio(peer):.2f}"]
        own = microseconds(self.stats["fastnn"])
        return [self.workload.name, own, *peer_cells, self.goal(), self.floor_and_part()]


def races(results: dict[str, Any]) -> list[Race]:
    found = {}
    for result in results["benchmarks"]:
        name = result["group"]
        found.setdefault(name, Race(name)).add(result)
    order = list(WORKLOADS)
    return sorted(found.values(), key=lambda race: order.index(race.workload.name))


def microseconds(stats: Stats) -> str:
    """Median and, in brackets, the quartiles, in three digits."""
    median, q1, q3 = (three_digits(stats[key] * 1e6) for key in ("median", "q1", "q3"))
    return f"{median} ({q1} to {q3})"


def summary(chosen: list[Race]) -> str:
    return table([SUMMARY_HEAD, *(race.summary() for race in chosen)])


def details(chosen: list[Race]) -> str:
    """A table per kind of work, with a column for each implementation that can do it."""
    parts = []
    for kind, group in groupby(chosen, key=lambda race: race.workload.kind):
        same_kind = list(group)
        names = [n for n in IMPLEMENTATIONS if any(n in race.stats for race in same_kind)]
        rows = [["workload", *names]]
        for race in same_kind:
            cells = [microseconds(race.stats[n]) if n in race.stats else "" for n in names]
            rows.append([race.workload.name, *cells])
        parts.append(f"### {TITLES[kind]}\n\n{table(rows)}")
    return "\n\n".join(parts)


def machine(results: dict[str, Any]) -> str:
    """Processor, system and versions, and who is not there."""
    info = results["machine_info"]
    packages = {"Python": info["python_version"], **info["packages"]}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    system = f"{info['cpu']['brand_raw']}, one core; {info['system']} {info['machine']}"
    left_out = ", ".join(info.get("left_out", ()))
    return f"{system}; {versions}." + f" Left out, as not installed: {left_out}." * bool(left_out)


def draw(chosen: list[Race], path: Path) -> None:
    """How many times as long as fastnn each peer takes, a line per workload."""
    from matplotlib import pyplot as plt

    rows = [race for race in chosen if race.best_peer]
    figure, axes = plt.subplots(figsize=(10, 1.6 + 0.27 * len(rows)), layout="constrained")
    peers = [name for name in IMPLEMENTATIONS if name not in OWN]
    markers = "os^Dv<>Ph*Xd"
    for name, marker in zip(peers, markers, strict=False):
        places = [y for y, race in enumerate(rows) if name in race.stats]
        ratios = [rows[y].ratio(name) for y in places]
        if places:
            axes.plot(ratios, places, marker, label=name, markersize=6, alpha=0.85)
    goals = [(race.workload.goal.ratio, y) for y, race in enumerate(rows) if race.workload.goal]
    axes.plot(*zip(*goals, strict=True), "|", color="black", markersize=13, label="goal")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_yticks(range(len(rows)), [race.workload.name for race in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(alpha=0.3)
    axes.set_xlabel("time of the peer / time of fastnn (right of 1, fastnn is the faster one)")
    figure.legend(loc="outside upper center", ncols=6, frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def keep(results: dict[str, Any], chosen: list[Race]) -> None:
    """The medians in µs as those of this version, in place of older ones."""
    found = {
        "version": fastnn.__version__,
        "date": results["datetime"][:10],
        "machine": machine(results),
        "microseconds": {
            race.workload.name: {
                name: float(f"{stats['median'] * 1e6:.4g}") for name, stats in race.stats.items()
            }
            for race in chosen
        },
    }
    RELEASES.mkdir(exist_ok=True)
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    (RELEASES / f"{fastnn.__version__}.json").write_text(text, encoding="utf-8")


def draw_releases(path: Path) -> None:
    """How many times as long as fastnn the best peer took, version by version.

    A ratio within one run: times of several years would be those of several machines.
    """
    from matplotlib import pyplot as plt
    from packaging.version import Version

    files = sorted(RELEASES.glob("*.json"), key=lambda one: Version(one.stem))
    releases = [json.loads(one.read_text("utf-8")) for one in files]
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for workload, marker in zip(ON_FRONT, "os^Dv", strict=True):
        ratios = []
        for release in releases:
            times = release["microseconds"].get(workload, {})
            peers = [time for name, time in times.items() if name not in OWN]
            ratios.append(min(peers) / times["fastnn"] if peers else float("nan"))
        axes.plot(range(len(releases)), ratios, f"{marker}-", label=workload)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.set_xticks(range(len(releases)), [one["version"] for one in releases])
    axes.set_xlabel("version")
    axes.set_ylabel("best peer's time / fastnn's")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def write(results: dict[str, Any]) -> None:
    """The results into benchmarks/README.md, and a few of them into that of the project."""
    chosen = races(results)
    draw(chosen, CHART)
    keep(results, chosen)
    draw_releases(CHART_OF_RELEASES)
    measured_on = f"Measured on: {machine(results)}"
    fill("results", "\n\n".join([summary(chosen), measured_on, details(chosen)]))
    fill("results", summary([race for race in chosen if race.workload.name in ON_FRONT]), PROJECT)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("file", type=Path, help="what --benchmark-json wrote")
    parser.add_argument("--chart", type=Path, help="where to draw a chart")
    parser.add_argument("--details", action="store_true", help="every implementation's time")
    parser.add_argument("--write", action="store_true", help="put the results into the READMEs")
    given = parser.parse_args()
    results = json.loads(given.file.read_text())
    chosen = races(results)
    print(f"µs per sample: median of the rounds (first to third quartile). {machine(results)}\n")
    print(summary(chosen))
    if given.details:
        print(f"\n{details(chosen)}")
    if given.chart:
        draw(chosen, given.chart)
    if given.write:
        write(results)


if __name__ == "__main__":
    main()
