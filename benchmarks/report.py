"""Turn a result file of pytest-benchmark into a Markdown table."""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS

Stats = dict[str, float]


def table(results: dict[str, Any]) -> str:
    """A row per workload, a column per implementation, and the best peer's time over fastnn's."""
    groups: dict[str, dict[str, Stats]] = defaultdict(dict)
    for result in results["benchmarks"]:
        groups[result["group"]][result["params"]["peer"]] = result["stats"]
    shown = [peer for peer in PEERS if any(peer in group for group in groups.values())]

    rows = [["workload", *shown, "best peer / fastnn"], ["---"] * (len(shown) + 2)]
    for workload, stats in groups.items():
        cells = [microseconds(stats[peer]) if peer in stats else "" for peer in shown]
        rows.append([workload, *cells, ratio_to_best_peer(stats)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def microseconds(stats: Stats) -> str:
    """Median and, in brackets, the quartiles, in three digits."""
    values = [stats[key] * 1e6 for key in ("median", "q1", "q3")]
    median, q1, q3 = (f"{value:,.0f}" if value >= 100 else f"{value:#.3g}" for value in values)
    return f"{median} ({q1} to {q3})"


def ratio_to_best_peer(stats: dict[str, Stats]) -> str:
    medians = {peer: stats[peer]["median"] for peer in stats}
    own = medians.pop("fastnn")
    best = min(medians, key=medians.__getitem__)
    return f"{medians[best] / own:.2f} ({best})"


def machine(results: dict[str, Any]) -> str:
    """Processor, system and versions."""
    info = results["machine_info"]
    packages = {"Python": info["python_version"], **info["packages"]}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    return f"{info['cpu']['brand_raw']}, one core; {info['system']} {info['machine']}; {versions}."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("file", type=Path, help="what --benchmark-json wrote")
    results = json.loads(parser.parse_args().file.read_text())
    print("µs per sample: median of the rounds (first to third quartile).", machine(results))
    print()
    print(table(results))


if __name__ == "__main__":
    main()
