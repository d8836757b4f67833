"""A peer in another interpreter, for a library that this one's environment cannot have.

Another process prepares the same workloads by the same modules, does the work in the same turns,
on the same cores, and times it itself: what goes from one process to the other costs nobody.
It needs NumPy and the peer's library, not fastnn. As a program, it is that process::

    python -m benchmarks.peers.elsewhere with_jax
"""

import atexit
import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.workloads import Workload

PROJECT = Path(__file__).parents[2]


class Elsewhere:
    """Another interpreter with a module of peers, which has the last workload that was prepared."""

    def __init__(self, python: str, module: str) -> None:
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.peers.elsewhere", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
        )
        atexit.register(self.process.communicate)
        self.n_prepared = 0

    def ask(self, question: object) -> Any:
        pickle.dump(question, self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)

    def prepare(self, workload: Workload) -> "Work | None":
        samples = partial(tuple, (workload.X, workload.y))
        self.n_prepared += 1
        can = self.ask((self.n_prepared, replace(workload, samples=samples, versus=None)))
        return Work(self, self.n_prepared) if can else None


class Work:
    """A workload that is prepared elsewhere; `seconds` is what the last call took there."""

    def __init__(self, where: Elsewhere, number: int) -> None:
        self.where, self.number = where, number
        self.seconds = 0.0

    def __call__(self) -> object:
        result, self.seconds = self.where.ask((self.number, None))
        return result


def main() -> None:
    """Answer while there are questions: a number, and a workload to prepare, or None to do it."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    module = import_module(f"benchmarks.peers.{sys.argv[1]}")
    prepared: int | None = None
    work: Callable[[], object] | None = None
    gc.disable()  # as where the others are timed
    while True:
        try:
            number, workload = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if workload is None:
            assert number == prepared, "another workload has been prepared since"
            start = perf_counter()
            result = work()
            answer: object = result, perf_counter() - start
        else:
            prepared, work = number, None
            gc.collect()
            prepare = getattr(module, workload.kind, None)
            work = prepare and prepare(workload)
            answer = work is not None
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
