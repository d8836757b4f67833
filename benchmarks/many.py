"""`train_many` over a loop of `train`, and beside what peers have for many networks, in turns.

    python -m benchmarks.many [--rounds 9] [--write]

64 networks that differ in their seeds. On one core, and where it says so on two, for which the loop
has one: what is measured is what a user gains who had a loop. Each round makes new networks, and
in the end both have the same parameters. The peers start from the same parameters, take the same
samples in their order, and come to the same networks up to rounding; what they compile is compiled
before. `--write` puts the tables into the README.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.interleaving import Contender, arrays_of, enter, seconds_per_sample
from benchmarks.one_core import pin
from benchmarks.peers import with_fastnn
from benchmarks.readme import fill, table, three_digits
from benchmarks.workloads import MANY_NETWORKS, Workload
from fastnn import Network, datasets, train_many

N_NETWORKS = 64
PEERS = ("JAX", "JAX 0.4", "PyTorch", "torch.func")
SECONDS_PER_TURN = 0.3  # enough for most to do all epochs, as figures are for each sample


@dataclass(frozen=True)
class Row:
    name: str
    sizes: tuple[int, ...]
    dtype: str
    n_samples: int
    epochs: int
    network: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    n_threads: int = 1


TANH = {"activation": ["tanh", "identity"]}
CLASSES = {"activation": ["tanh", "softmax"], "loss": "cross_entropy"}
ROWS = [
    *(
        Row(f"2-2-1{how}", (2, 2, 1), dtype, 4, 20_000, {}, {"shuffle": bool(how)})
        for how in ("", ", shuffled")
        for dtype in ("float32", "float64")
    ),
    *(
        Row(f"8-16-1 tanh{how}", (8, 16, 1), dtype, 200, 200, TANH, {"shuffle": bool(how)})
        for how in ("", ", shuffled")
        for dtype in ("float32", "float64")
    ),
    Row("4-8-3 classes, shuffled", (4, 8, 3), "float32", 150, 200, CLASSES),
    Row(
        "4-32-16-4 tanh, batch 32",
        (4, 32, 16, 4),
        "float32",
        1000,
        10,
        {"activation": ["tanh", "tanh", "identity"]},
        {"batch_size": 32},
    ),
    Row("64-30-10 digits", (64, 30, 10), "float32", 1797, 3, CLASSES),
    Row("64-30-10 digits, two threads", (64, 30, 10), "float32", 1797, 3, CLASSES, {}, 2),
]


def data_of(row: Row) -> tuple[np.ndarray, np.ndarray]:
    if row.sizes[0] == 64:
        X, y = datasets.load_digits()
        return X.astype(row.dtype), y
    if row.sizes == (2, 2, 1):
        X, y = datasets.load_people()
        return X.astype(row.dtype), y
    rng = np.random.default_rng(0)
    X = rng.normal(size=(row.n_samples, row.sizes[0])).astype(row.dtype)
    if row.network is CLASSES:
        return X, rng.integers(row.sizes[-1], size=row.n_samples)
    return X, rng.random((row.n_samples, row.sizes[-1])).astype(row.dtype)


def networks(row: Row) -> list[Network]:
    return [
        Network(row.sizes, dtype=row.dtype, seed=seed, **row.network) for seed in range(N_NETWORKS)
    ]


def measure(row: Row, rounds: int) -> tuple[float, float, float]:
    """Nanoseconds for each network and sample of the loop and of train_many; and their ratio."""
    X, y = data_of(row)
    settings = {"epochs": row.epochs, "learning_rate": 0.01, **row.training}
    one_by_one, at_once = [], []
    for _ in range(rounds):
        lone, many = networks(row), networks(row)
        start = perf_counter()
        for net in lone:
            net.train(X, y, **settings, n_threads=1)
        middle = perf_counter()
        train_many(many, X, y, **settings, n_threads=row.n_threads)
        one_by_one.append(middle - start)
        at_once.append(perf_counter() - middle)
        for net, other in zip(lone, many, strict=True):
            assert net._parameters.tobytes() == other._parameters.tobytes()
    per_sample = 1e9 / (N_NETWORKS * len(X) * row.epochs)
    ratio = statistics.median(a / b for a, b in zip(one_by_one, at_once, strict=True))
    loop, together = (statistics.median(times) * per_sample for times in (one_by_one, at_once))
    return loop, together, ratio


def beside_peers(workload: Workload, rounds: int) -> dict[str, float]:
    """Nanoseconds for each network and sample, of the loop, of train_many and of its peers."""
    lone = with_fastnn.many_networks(workload, at_once=False)
    names = ["fastnn", *filter(peers.load, PEERS)]
    contenders = {
        "one by one": Contender(lone, workload.n_samples, arrays_of(lone())),
        **{name: enter(name, workload, SECONDS_PER_TURN) for name in names},
    }
    measured = seconds_per_sample(contenders, rounds, lambda: None)
    return {name: 1e9 * statistics.median(seconds) for name, seconds in measured.items()}


def table_of_peers(rounds: int) -> str:
    missing = [name for name in PEERS if not peers.load(name)]
    if missing:
        print(f"left out, as not installed: {', '.join(missing)}", file=sys.stderr)
    shown = [name for name in PEERS if name not in missing]
    rows: list[list[object]] = [
        ["64 networks, float32, ns", "one by one", "train_many", *shown, "best peer / train_many"]
    ]
    for workload in MANY_NETWORKS.values():
        found = beside_peers(workload, rounds)
        ratio = min(found[name] for name in shown) / found["fastnn"]
        rows.append([workload.name, *map(three_digits, found.values()), f"{ratio:.2f}"])
        print(*rows[-1], file=sys.stderr)
    return table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="put the tables into the README")
    arguments = parser.parse_args()
    with pin():
        beside = table_of_peers(arguments.rounds)
    rows: list[list[object]] = [["64 networks", "dtype", "a loop, ns", "train_many, ns", "times"]]
    for row in ROWS:
        loop, together, ratio = measure(row, arguments.rounds)
        cells = three_digits(loop), three_digits(together), f"{ratio:.2f}"
        rows.append([row.name, row.dtype, *cells])
        print(*rows[-1], file=sys.stderr)
    if arguments.write:
        fill("many", table(rows))
        fill("many beside peers", beside)
    else:
        print(table(rows), beside, sep="\n\n")


if __name__ == "__main__":
    main()
