"""The product of matrices behind batches and predictions beside NumPy's (OpenBLAS), on one core.

    python -m benchmarks.product [--write]

A layer without an activation over blocks of 32 samples, in one call of the kernel behind
`Network.feedforward`, bias and copying the outputs out included; and `numpy.matmul` of the same
blocks and weights, with `out=`, without a bias. They take turns.
"""

import argparse
import statistics
from collections.abc import Callable
from itertools import product
from time import perf_counter

import numpy as np

from benchmarks.one_core import pin
from benchmarks.readme import fill, table
from fastnn import Network
from fastnn._core import kernels
from fastnn._core.samples import Samples
from fastnn._core.teams import NO_HELP

SHAPES = {(784, 128): 1.0, (64, 30): 2.0}  # inputs, outputs: the goal for their ratio
BLOCK, N_BLOCKS = 32, 64
ROUNDS = 31
SECONDS_PER_TURN = 0.01


def contenders(n_in: int, n_out: int, dtype: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """fastnn and NumPy, each over all blocks; their results are the same."""
    rng = np.random.default_rng(0)
    X = rng.uniform(0.1, 1, (N_BLOCKS * BLOCK, n_in)).astype(dtype)
    net = Network([n_in, n_out], activation="identity", dtype=dtype, seed=0)
    W = np.ascontiguousarray(net.weights[0])
    found = np.empty((len(X), n_out), dtype)
    expected = np.empty_like(found)
    blocks = list(zip(np.split(X, N_BLOCKS), np.split(expected, N_BLOCKS), strict=True))

    layout, record = net._layout, Samples(X).record
    workspace = layout.workspace(BLOCK)

    def fastnn() -> None:
        kernels.feedforward(layout.layers, net._parameters, record, 0, found, workspace, NO_HELP)

    def numpy() -> None:
        for x, z in blocks:
            np.matmul(x, W, out=z)

    fastnn()
    numpy()
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert error < {"float32": 1e-5, "float64": 1e-13}[dtype], error
    return fastnn, numpy


def microseconds_of_a_block(work: Callable[[], None]) -> float:
    """The mean over a turn."""
    start = end = perf_counter()
    n = 0
    while end - start < SECONDS_PER_TURN:
        work()
        n += N_BLOCKS
        end = perf_counter()
    return 1e6 * (end - start) / n


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.product", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    given = parser.parse_args()
    rows = [["a block", "dtype", "fastnn, µs", "NumPy, µs", "NumPy / fastnn", "goal"]]
    with pin():
        for ((n_in, n_out), goal), dtype in product(SHAPES.items(), ("float32", "float64")):
            both = contenders(n_in, n_out, dtype)
            turns = [[microseconds_of_a_block(work) for work in both] for _ in range(ROUNDS)]
            medians = [f"{statistics.median(times):.3g}" for times in zip(*turns, strict=True)]
            ratio = statistics.median(numpy / fastnn for fastnn, numpy in turns)
            name = f"{BLOCK}x{n_in}x{n_out}"
            rows.append([name, dtype, *medians, f"{ratio:.2f}", f"{goal:g}"])
    print(table(rows))
    if given.write:
        fill("product", table(rows))


if __name__ == "__main__":
    main()
