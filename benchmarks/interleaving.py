"""Timing implementations in turns, so that a change of the machine's pace meets all of them."""

import gc
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import peers
from benchmarks.peers import Work
from benchmarks.workloads import Floats, Parameters, Workload

TOLERANCES = {"float32": 1e-4, "float64": 1e-10}
SECONDS_PER_TURN = 0.08


@dataclass(frozen=True)
class Contender:
    """Work to be timed, on how many samples, and the arrays that it gives each time."""

    work: Work
    n_samples: int
    arrays: list[Floats]


def enter(name: str, workload: Workload, turn: float = SECONDS_PER_TURN) -> Contender | None:
    """An implementation ready to be timed, or None where it cannot do the workload.

    It has then run once, which compiles what compiles on first use, and its result is that of
    fastnn: the norm of the difference of each array is at most a tolerance times the norm.
    """
    part = affordable(name, workload, turn)
    if part is None:
        return None
    work = peers.prepare(name, part)
    arrays = arrays_of(work())

    compared = peers.comparable(name, part)
    found = arrays if compared is part else arrays_of(peers.prepare(name, compared)())
    expected = arrays_of(peers.prepare("fastnn", compared)())
    for array, goal in zip(found, expected, strict=True):
        error = np.linalg.norm(array.reshape(goal.shape) - goal) / np.linalg.norm(goal)
        assert error <= TOLERANCES[workload.dtype], f"{name} is {error:.1e} off {workload.name}"
    return Contender(work, part.n_samples, arrays)


def affordable(name: str, workload: Workload, turn: float) -> Workload | None:
    """As much of the beginning of a round as takes about a turn's seconds."""
    n_samples = 4
    while True:
        part = workload.part(n_samples)
        work = peers.prepare(name, part)
        if work is None:
            return None
        spent = min(timed(work)[1], timed(work)[1])
        if part.n_samples == workload.n_samples or spent > turn / 2:
            return part
        growth = min(30, turn / spent)
        n_samples = int(growth * part.n_samples) + 1


def arrays_of(result: Parameters | list[Floats] | Floats) -> list[Floats]:
    """The arrays that a result consists of, copied."""
    if isinstance(result, Parameters):
        return [np.array(array) for array in (*result.weights, *result.biases)]
    return [np.array(result)]


def timed(work: Work) -> tuple[object, float]:
    """A call's result, and its seconds: by the clock of the process that did the work."""
    start = perf_counter()
    result = work()
    spent = perf_counter() - start
    return result, getattr(work, "seconds", spent)


def seconds_per_sample(
    contenders: dict[str, Contender], rounds: int, between: Callable[[], None]
) -> dict[str, list[float]]:
    """Time each contender once a round, in turns; who comes first is last in the next round.

    Every result is looked at: it must be what it was before. `between` is called in each round.
    """
    measured: dict[str, list[float]] = {name: [] for name in contenders}
    order = deque(contenders)
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name in order:
                contender = contenders[name]
                result, spent = timed(contender.work)
                measured[name].append(spent / contender.n_samples)
                for array, before in zip(arrays_of(result), contender.arrays, strict=True):
                    assert np.array_equal(array, before), f"{name} came to another result"
            between()
            order.rotate(-1)
    finally:
        gc.enable()
    return measured


class Replay:
    """A clock for pytest-benchmark that shows it durations measured before.

    pytest-benchmark runs all rounds of one test, then those of the next, and cannot interleave
    them. So the rounds are timed beforehand, and each test lets this clock advance by its own.
    """

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


replay = Replay()


def record(benchmark: BenchmarkFixture, seconds: list[float]) -> None:
    """Hand durations to the `benchmark` fixture of a test that is marked with timer=replay."""
    remaining = iter(seconds)
    benchmark.pedantic(replay.advance, setup=lambda: ((next(remaining),), {}), rounds=len(seconds))
