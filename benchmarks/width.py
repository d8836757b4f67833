"""What a sample costs in per-sample SGD against the width of the network, as a chart.

    python -m benchmarks.width [--rounds 7] [--write]

As many inputs as hidden units, 10 outputs, sigmoid, float32, dense random data: one number then
says how large a network is, from 2, where nothing but latency counts, to 2,048, where W has 16 MB
and the memory sets the pace. The inputs are without zeros, so that nobody gains by skipping.
Beside fastnn stand the best peers: Numba and JAX in narrow networks, PyTorch and NumPy, which call
a BLAS, in wide ones; the two that are the nearest on the whole are drawn in full. `--write` puts
the table and the chart into the README.
"""

import argparse
import statistics
import sys
from pathlib import Path

import numpy as np

from benchmarks import peers
from benchmarks.interleaving import enter, seconds_per_sample
from benchmarks.one_core import pin
from benchmarks.readme import HERE, fill, table, three_digits
from benchmarks.workloads import Workload

WIDTHS = [2**n for n in range(1, 12)]
PEERS = ("Numba", "JAX", "JAX 0.4", "PyTorch", "NumPy")
SECONDS_PER_TURN = 0.25  # much, beside the making of 16 MB of weights
VALUES = 2**20  # of X
CHART = HERE / "width.png"


def workload(width: int) -> Workload:
    n_rows = max(128, min(8192, VALUES // width))

    def samples() -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(1)
        return 1 - rng.random((n_rows, width)), rng.random((n_rows, 10))

    # The steps get smaller as the samples get longer, for the same progress.
    sizes = (width, width, 10)
    return Workload(
        f"width {width}", "per_sample_sgd", sizes, "float32", samples,
        epochs=max(1, 2_000_000 // (n_rows * width)), learning_rate=0.1 / width,
    )  # fmt: skip


def measure(rounds: int) -> dict[str, dict[int, float]]:
    """Median µs per sample of each implementation at each width."""
    names = [name for name in ("fastnn", *PEERS) if peers.load(name)]
    found: dict[str, dict[int, float]] = {name: {} for name in names}
    for width in WIDTHS:
        contenders = {name: enter(name, workload(width), SECONDS_PER_TURN) for name in names}
        for name, seconds in seconds_per_sample(contenders, rounds, lambda: None).items():
            found[name][width] = statistics.median(seconds) * 1e6
        print(f"width {width} is measured", file=sys.stderr)
    return found


def two_best(found: dict[str, dict[int, float]]) -> list[str]:
    """The peers whose times are the smallest by their geometric mean."""
    by_mean = sorted(
        (statistics.geometric_mean(times.values()), name)
        for name, times in found.items()
        if name != "fastnn"
    )
    return [name for _, name in by_mean[:2]]


def markdown(found: dict[str, dict[int, float]]) -> str:
    rows = [[width, *(three_digits(times[width]) for times in found.values())] for width in WIDTHS]
    return table([["width", *found], *rows])


def draw(found: dict[str, dict[int, float]], path: Path) -> None:
    from matplotlib import pyplot as plt

    best = two_best(found)
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for name, times in found.items():
        style = {"linewidth": 2, "marker": "o"} if name in ("fastnn", *best) else {"alpha": 0.4}
        axes.plot(times.keys(), times.values(), label=name, **style)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(WIDTHS, map(str, WIDTHS))
    axes.set_xlabel("width: inputs, and hidden units")
    axes.set_ylabel("µs per sample, per-sample SGD, float32")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.width", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="put the results into the README")
    given = parser.parse_args()
    with pin():
        found = measure(given.rounds)
    print(markdown(found))
    if given.write:
        draw(found, CHART)
        fill("width", markdown(found))


if __name__ == "__main__":
    main()
