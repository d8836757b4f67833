"""One network on several cores: `n_threads=None` and 2 over 1, and None beside other processes.

    python -m benchmarks.cores [--rounds 9] [--write]

Over a grid of work, on two cores, the numbers of threads take turns with each other. "busy" is
beside a process that keeps one of the cores busy; "four" is four processes that train at once, with
None or with 1. CPU time over wall time says how many threads worked. `--write` puts the tables into
the README, and after them what fastnn's model of the costs says of more cores than there are here.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, process_time, sleep
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from benchmarks.readme import fill, table
from fastnn import Network
from fastnn._core.pace import n_threads_for, of_one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS_PER_TURN = 0.2
N_PROCESSES = 4
MORE_CORES = (2, 4, 8, 16)


@dataclass(frozen=True)
class Row:
    """What is done: a call on n samples."""

    what: str  # "train", "feedforward", "evaluate" or "gradients"
    sizes: tuple[int, ...]
    dtype: str
    n: int
    batch_size: int = 1
    optimizer: str = "sgd"
    density: float = 1.0  # of X

    @property
    def name(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        how = f"{self.what}, {self.n:,} rows"
        if self.what == "train":
            how = f"{self.optimizer}, batch {self.batch_size:,}"
            if self.batch_size == 1:
                how = "sgd, sample by sample"
        if self.density < 1:
            how += f", {1 - self.density:.0%} zeros"
        return f"{sizes} {self.dtype}, {how}"


def training(sizes: tuple[int, ...], dtype: str, batch_size: int, optimizer: str = "sgd") -> Row:
    return Row("train", sizes, dtype, max(batch_size, 2000), batch_size, optimizer)


GRID = [
    Row("train", (784, 128, 10), "float32", 2000, density=0.19),  # as MNIST's
    training((784, 128, 10), "float32", 1),
    training((784, 128, 10), "float64", 1),
    training((784, 512, 10), "float32", 1),
    training((100, 100, 1), "float64", 1),
    *(
        training((784, 128, 10), dtype, 200, optimizer)
        for optimizer in ("sgd", "adam")
        for dtype in ("float32", "float64")
    ),
    training((100, 512, 256, 10), "float32", 256),
    training((100, 256, 128, 1), "float32", 200, "adam"),
    training((100, 256, 128, 1), "float64", 1000, "adam"),
    training((100, 100, 1), "float64", 200, "adam"),
    training((64, 30, 10), "float32", 32),
    training((64, 30, 10), "float32", 256),
    training((4, 32, 16, 4), "float32", 10_000, "adam"),
    training((784, 30, 10), "float32", 32),
    training((20, 50, 50, 3), "float32", 64, "adam"),
    training((2, 2, 1), "float64", 100),
    *(
        Row(what, sizes, "float32", n)
        for what in ("feedforward", "evaluate", "gradients")
        for sizes, n in (((784, 128, 10), 2000), ((100, 100, 1), 1000), ((64, 30, 10), 1797))
    ),
]


def work_of(row: Row) -> Callable[[int | None], object]:
    """A call with so many threads, about a turn long."""
    rng = np.random.default_rng(0)
    X = rng.uniform(0.1, 1, (row.n, row.sizes[0])).astype(row.dtype)
    X[rng.random(X.shape) >= row.density] = 0
    y = rng.random((row.n, row.sizes[-1])).astype(row.dtype)
    net = Network(row.sizes, activation="tanh", dtype=row.dtype, seed=0)
    if row.what == "train":
        settings: dict[str, Any] = {
            "batch_size": row.batch_size, "optimizer": row.optimizer, "learning_rate": 1e-4,
            "shuffle": False,
        }  # fmt: skip

        def calls(n: int, n_threads: int | None) -> None:
            net.train(X, y, epochs=n, n_threads=n_threads, **settings)
    else:
        given = (X,) if row.what == "feedforward" else (X, y)

        def calls(n: int, n_threads: int | None) -> None:
            for _ in range(n):
                getattr(net, row.what)(*given, n_threads=n_threads)

    calls(1, 1)
    start = perf_counter()
    calls(3, 1)
    n_calls = max(1, round(SECONDS_PER_TURN / ((perf_counter() - start) / 3)))
    return lambda n_threads: calls(n_calls, n_threads)


def times(work: Callable[[int | None], object], n_threads: int | None) -> tuple[float, float]:
    """Wall and CPU seconds."""
    cpu, start = process_time(), perf_counter()
    work(n_threads)
    return perf_counter() - start, process_time() - cpu


@contextmanager
def busy() -> Iterator[None]:
    """Another process keeps a core busy."""
    process = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
    process.start()
    sleep(0.5)
    try:
        yield
    finally:
        process.terminate()
        process.join()


def spin() -> None:
    while True:
        pass


def measure(row: Row, rounds: int) -> dict[str, float]:
    """Ratios of one thread's time, medians over rounds."""
    work = work_of(row)
    two, none, threads, disturbed = [], [], [], []
    for _ in range(rounds):
        one, _ = times(work, 1)
        wall, cpu = times(work, 2)
        two.append(one / wall)
        threads.append(cpu / wall)
        wall, _ = times(work, None)
        none.append(one / wall)
    with busy():
        for _ in range(rounds):
            one, _ = times(work, 1)
            disturbed.append(one / times(work, None)[0])
    of = {"two": two, "threads": threads, "None": none, "busy": disturbed}
    return {name: statistics.median(found) for name, found in of.items()}


def four_processes(row: Row, rounds: int) -> float:
    """How long four trainings at once take with one thread each, over four that may take more."""
    context = multiprocessing.get_context("spawn")
    meeting = context.Barrier(N_PROCESSES + 1)
    others = [
        context.Process(target=repeat, args=(row, rounds, meeting), daemon=True)
        for _ in range(N_PROCESSES)
    ]
    for other in others:
        other.start()
    ratios = []
    meeting.wait()
    for _ in range(rounds):
        seconds = []
        for _ in (1, None):
            start = perf_counter()
            meeting.wait()
            meeting.wait()
            seconds.append(perf_counter() - start)
        ratios.append(seconds[0] / seconds[1])
    for other in others:
        other.join()
    return statistics.median(ratios)


def repeat(row: Row, rounds: int, meeting: Any) -> None:
    use_all_cores()
    work = work_of(row)
    meeting.wait()
    for _ in range(rounds):
        for n_threads in (1, None):
            meeting.wait()
            work(n_threads)
            meeting.wait()


def computed() -> str:
    """What the model says of more cores: how many threads None takes, and what they gain."""
    rows: list[list[object]] = [["work", *(f"{n} cores" for n in MORE_CORES)]]
    for row in GRID:
        if row.what != "train":
            continue
        layout = Network(row.sizes, dtype=row.dtype)._layout
        cells = []
        for n_cores in MORE_CORES:
            n = chosen(row, n_cores)
            gain = 1 / of_one_thread(layout, min(row.batch_size, row.n), n)
            cells.append(f"{n}: {gain:.1f}")
        rows.append([row.name, *cells])
    return table(rows)


def chosen(row: Row, n_cores: int) -> int:
    with mock.patch("fastnn.threads.most", return_value=n_cores):
        return n_threads_for(
            Network(row.sizes, dtype=row.dtype)._layout, row.n, row.batch_size, None
        )


def use_all_cores() -> None:
    """Where nothing is said; the other benchmarks, and children of multiprocessing, use one."""
    os.environ["FASTNN_NUM_THREADS"] = str(os.cpu_count())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="put the tables into the README")
    arguments = parser.parse_args()
    use_all_cores()
    names = ["two", "threads", "None", "busy"]
    rows: list[list[object]] = [
        ["work", "2 threads", "of them at work", "None", "None, busy", "None, four processes"]
    ]
    found: dict[str, list[float]] = {name: [] for name in [*names, "four"]}
    for row in GRID:
        measured = measure(row, arguments.rounds)
        measured["four"] = four_processes(row, arguments.rounds)
        for name, values in found.items():
            values.append(measured[name])
        rows.append([row.name, *(f"{measured[name]:.2f}" for name in found)])
        print(*rows[-1], file=sys.stderr)
    rows.append(["median", *(f"{statistics.median(values):.2f}" for values in found.values())])
    if arguments.write:
        fill("cores", table(rows))
        fill("more cores", computed())
    else:
        print(table(rows), computed(), sep="\n\n")


if __name__ == "__main__":
    main()
