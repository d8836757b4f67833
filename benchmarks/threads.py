"""Two trainings in two threads beside one alone, on two cores.

    python -m benchmarks.threads

Kernels run without Python's lock, and trainings share nothing: the two should take as long as one.
They take turns with one, so that a change of the machine's pace meets both.
"""

import statistics
from threading import Thread
from time import perf_counter

from benchmarks import data
from fastnn import Network

ROUNDS = 15
GOAL = 1.15


def train() -> None:
    X, y = data.digits()
    Network([64, 30, 10], seed=0).train(X, y, epochs=150, learning_rate=0.1)


def seconds(n_threads: int) -> float:
    """How long so many trainings at once take."""
    threads = [Thread(target=train) for _ in range(n_threads)]
    start = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return perf_counter() - start


def main() -> None:
    train()
    ratio = statistics.median([seconds(2) / seconds(1) for _ in range(ROUNDS)])
    print(f"two trainings at once take {ratio:.2f} times as long as one (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
