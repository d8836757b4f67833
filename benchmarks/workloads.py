"""Named workloads: a network, data, and how long to train it.

All networks are sigmoid in every layer, with the squared error, mean over the outputs, and learn
by per-sample SGD from the samples in their order.
"""

import gzip
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets import load_digits, load_people

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Parameters:
    """Weights, each of shape (n_in, n_out), and biases, one array per layer."""

    weights: list[Floats]
    biases: list[Floats]


@dataclass(frozen=True)
class Workload:
    """One round trains for `epochs` epochs over X, (n, n_inputs), and y, (n, n_outputs)."""

    name: str
    layer_sizes: tuple[int, ...]
    dtype: str
    X: Floats
    y: Floats
    learning_rate: float
    epochs: int

    @property
    def n_samples(self) -> int:
        """How many updates a round makes."""
        return self.epochs * len(self.X)

    def part(self, n_samples: int) -> "Workload":
        """The beginning of a round, for slow peers: whole epochs, or else the first rows."""
        rows = min(n_samples, len(self.X))
        epochs = min(n_samples // rows, self.epochs)
        return replace(self, X=self.X[:rows], y=self.y[:rows], epochs=epochs)

    def start(self) -> Parameters:
        """Where every implementation starts: small normal numbers, the same in every run."""
        rng = np.random.default_rng(0)
        parameters = Parameters([], [])
        for n_in, n_out in zip(self.layer_sizes, self.layer_sizes[1:], strict=False):
            scale = 1 / np.sqrt(n_in)
            parameters.weights.append(rng.normal(0, scale, (n_in, n_out)).astype(self.dtype))
            parameters.biases.append(rng.normal(0, scale, n_out).astype(self.dtype))
        return parameters


def one_hot(labels: NDArray[np.integer]) -> Floats:
    return np.eye(10)[labels]


def people() -> tuple[Floats, Floats]:
    X, y = load_people()
    return X, y[:, np.newaxis]


def digits() -> tuple[Floats, Floats]:
    X, labels = load_digits()
    return X, one_hot(labels)


@cache
def mnist() -> tuple[Floats, Floats]:
    """The first 8,000 of MNIST's 10,000 test images, pixels from 0 to 1."""
    folder = os.environ.get("FASTNN_DATA")
    if folder:
        images = _read_idx(Path(folder, "mnist", "t10k-images-idx3-ubyte.gz"), header=16)
        labels = _read_idx(Path(folder, "mnist", "t10k-labels-idx1-ubyte.gz"), header=8)
        images = images.reshape(-1, 784)
    else:
        from sklearn.datasets import fetch_openml

        print(
            "FASTNN_DATA does not name a folder with mnist/t10k-*-ubyte.gz: "
            "reading MNIST through sklearn.datasets.fetch_openml",
            file=sys.stderr,
        )
        images, labels = fetch_openml(
            "mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff"
        )
        images, labels = images[60000:], labels[60000:].astype(int)
    return images[:8000] / 255, one_hot(labels[:8000])


def _read_idx(path: Path, header: int) -> NDArray[np.uint8]:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


# Name of the network: layer sizes, data, epochs in a round (20 to 300 ms of a compiled loop, so
# that a call's fixed costs weigh as little as they do in a real training).
NETWORKS: dict[str, tuple[tuple[int, ...], Callable[[], tuple[Floats, Floats]], int]] = {
    "2-2-1": ((2, 2, 1), people, 100_000),
    "64-30-10": ((64, 30, 10), digits, 30),
    "784-30-10": ((784, 30, 10), mnist, 5),
}


def load(network: str, dtype: str) -> Workload:
    """The workload of a name in NETWORKS, in "float32" or "float64"."""
    layer_sizes, data, epochs = NETWORKS[network]
    X, y = (np.ascontiguousarray(array, dtype) for array in data())
    return Workload(f"{network} {dtype}", layer_sizes, dtype, X, y, 0.1, epochs)
