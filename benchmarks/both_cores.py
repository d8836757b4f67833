"""fastnn beside its peers where each may take two cores.

    python -m benchmarks.both_cores [--rounds 7] [--write]

fastnn, PyTorch, scikit-learn's BLAS and XLA may have two threads each; fastnn and XLA decide how
many they take. Everybody's result is held against fastnn's before anything is timed. Then they take
turns, and a rest before each lets the threads of the last one go to sleep, which wait for more in a
loop. CPU time over wall time says how many threads worked. `--write` puts it into the README.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import warnings
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time, sleep
from typing import Any

import numpy as np
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import fastnn.sklearn
from benchmarks import data, peers
from benchmarks.interleaving import Contender, enter, timed
from benchmarks.peers import elsewhere
from benchmarks.readme import fill, table, three_digits
from benchmarks.workloads import RELU, WORKLOADS, Workload

N_THREADS = 2
REST = 0.2
SECONDS_PER_TURN = 0.3
PEERS = ("JAX", "JAX 0.4", "PyTorch", "scikit-learn")
WIDE = Workload(
    "100-512-256-10 float32, sgd, batch 256", "mini_batch_sgd", (100, 512, 256, 10),
    samples=partial(data.stream, 100, 10, n=10_240), epochs=2, batch_size=256, **RELU,
)  # fmt: skip
BOXES = WORKLOADS["4-32-16-4 tanh float32 Adam full batch"]


def give_two_threads() -> None:
    """To everybody, and two cores to this process and its children."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:N_THREADS])
    os.environ["FASTNN_NUM_THREADS"] = str(N_THREADS)
    os.environ["XLA_FLAGS"] = ""  # XLA takes the cores that there are, once JAX asks for it
    threadpool_limits(N_THREADS)
    if peers.load("PyTorch"):
        import torch

        torch.set_num_threads(N_THREADS)


def of_workload(workload: Workload) -> dict[str, Contender]:
    """Those who can do it."""
    names = ["fastnn", *filter(peers.load, PEERS)]
    entered = {name: enter(name, workload, SECONDS_PER_TURN) for name in names}
    return {name: contender for name, contender in entered.items() if contender}


def of_estimators(dtype: str, hidden: tuple[int, ...], **settings: Any) -> dict[str, Contender]:
    """`fit` of a classifier on 20,000 x 100; both come to the same losses."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 100)).astype(dtype)
    y = X @ rng.normal(size=100) + rng.normal(size=len(X)) > 0
    settings = {"hidden_layer_sizes": hidden, "random_state": 0, "tol": 0, **settings}
    models = {
        "fastnn": fastnn.sklearn.MLPClassifier(**settings),
        "scikit-learn": neural_network.MLPClassifier(**settings),
    }
    if settings.get("solver") == "lbfgs":
        models["fastnn, one thread"] = fastnn.sklearn.MLPClassifier(**settings, n_threads=1)
    losses = [model.fit(X, y).loss_ for model in models.values()]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-4 if dtype == "float32" else 1e-8)
    n_samples = settings["max_iter"] * len(X)
    return {
        name: Contender(partial(model.fit, X, y), n_samples, []) for name, model in models.items()
    }


ROWS: dict[str, Callable[[], dict[str, Contender]]] = {
    **{
        f"fit, 100-256-128-1 {dtype}, adam, batch {settings.get('batch_size', 200):,}": partial(
            of_estimators, dtype, (256, 128), max_iter=2, **settings
        )
        for settings in ({}, {"batch_size": 1000})
        for dtype in ("float64", "float32")
    },
    "fit, 100-100-1 float64, lbfgs": partial(
        of_estimators, "float64", (100,), max_iter=5, solver="lbfgs"
    ),
    WIDE.name: partial(of_workload, WIDE),
    "4-32-16-4 float32, adam, batch 10,000": partial(of_workload, BOXES),
}


def measure(contenders: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Seconds per sample, and CPU time over wall time, or NaN for a process of its own."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            sleep(REST)
            cpu = process_time()
            start = perf_counter()
            _, seconds = timed(contender.work)
            threads = (process_time() - cpu) / (perf_counter() - start)
            if isinstance(contender.work, elsewhere.Work):
                threads = float("nan")
            found[name].append((seconds / contender.n_samples, threads))
    return {
        name: [statistics.median(values) for values in zip(*turns, strict=True)]
        for name, turns in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.both_cores", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="rows with this in their names")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    given = parser.parse_args()
    give_two_threads()
    missing = [name for name in PEERS if not peers.load(name)]
    if missing:
        print(f"left out, as not installed: {', '.join(missing)}", file=sys.stderr)
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = [
        [
            *("work", "fastnn, µs a sample", "its threads at work"),
            *("beside", "its µs", "its threads at work", "it / fastnn"),
        ]
    ]
    for row, contenders in ROWS.items():
        if given.only not in row:
            continue
        measured = measure(contenders(), given.rounds)
        own, threads = measured.pop("fastnn")
        for name, (seconds, its_threads) in measured.items():
            rows.append(
                [
                    *(row, three_digits(own * 1e6), f"{threads:.2f}"),
                    *(name, three_digits(seconds * 1e6), f"{its_threads:.2f}".replace("nan", "")),
                    f"{seconds / own:.2f}",
                ]
            )
            print(*rows[-1], sep=" | ", file=sys.stderr)
    if given.write:
        fill("both cores", table(rows))
    else:
        print(table(rows))


if __name__ == "__main__":
    main()
