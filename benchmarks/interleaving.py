"""Timing implementations in turns, so that a change of the machine's pace meets all of them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.workloads import Parameters

ROUNDS = 21
TOLERANCES = {"float32": 1e-4, "float64": 1e-10}


@dataclass(frozen=True)
class Contender:
    """Work to be timed, how many samples it goes through, and the result it must give."""

    work: Callable[[], Parameters]
    n_samples: int
    expected: Parameters
    dtype: str

    def check(self, result: Parameters) -> None:
        """Demand |result - expected| <= tolerance |expected| of each array."""
        tolerance = TOLERANCES[self.dtype]
        expected = [*self.expected.weights, *self.expected.biases]
        for array, goal in zip([*result.weights, *result.biases], expected, strict=True):
            assert array.shape == goal.shape
            error = np.linalg.norm(array - goal) / np.linalg.norm(goal)
            assert error <= tolerance, f"{self.work.__module__} is {error:.1e} off {self.dtype}"


def seconds_per_sample(contenders: dict[str, Contender]) -> dict[str, list[float]]:
    """Time ROUNDS rounds of each contender, one of each in turn, first come last in the next.

    Every result is checked: once before any timing, which also compiles what compiles on first
    use, then after each round.
    """
    for contender in contenders.values():
        contender.check(contender.work())
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    order = deque(contenders)
    for _ in range(ROUNDS):
        for name in order:
            contender = contenders[name]
            start = perf_counter()
            result = contender.work()
            seconds[name].append((perf_counter() - start) / contender.n_samples)
            contender.check(result)
        order.rotate(-1)
    return seconds


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
