"""The accuracy on MNIST after training in each form of the first layer: all compute the same.

    python -m benchmarks.accuracy [--write]

784-128-10, sigmoid, squared error, 10 epochs of per-sample SGD over 6,000 shuffled images; accuracy
on the other 2,000.
"""

import argparse

import numpy as np

from benchmarks import data
from benchmarks.readme import fill, table
from fastnn import Network

FORMS = ("direct", "fused", "zero_skip", "blocked", "auto")
N_TRAIN, EPOCHS, LEARNING_RATE = 6000, 10, 0.5


def accuracy(form: str, dtype: str) -> tuple[int, float]:
    """Right answers of 2,000, and the loss of the last epoch."""
    X, y = (np.ascontiguousarray(array, dtype) for array in data.mnist())
    net = Network([784, 128, 10], dtype=dtype, seed=0)
    history = net.train(
        X[:N_TRAIN], y[:N_TRAIN], epochs=EPOCHS, learning_rate=LEARNING_RATE, form=form
    )
    predicted = net.feedforward(X[N_TRAIN:]).argmax(axis=1)
    return int((predicted == y[N_TRAIN:].argmax(axis=1)).sum()), history.history["loss"][-1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    given = parser.parse_args()
    rows = [["form", "right of 2,000, float32", "loss", "right of 2,000, float64", "loss"]]
    for form in FORMS:
        row = [form]
        for dtype in ("float32", "float64"):
            right, loss = accuracy(form, dtype)
            row += [f"{right:,}", f"{loss:.12g}" if dtype == "float64" else f"{loss:.7g}"]
        rows.append(row)
    print(table(rows))
    if given.write:
        fill("accuracy", table(rows))


if __name__ == "__main__":
    main()
