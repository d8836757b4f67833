"""The data of the workloads: X, (n, n_inputs), and y, (n, n_outputs), in float64."""

import gzip
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Samples = tuple[Floats, Floats]


def one_hot(labels: NDArray[np.integer]) -> Floats:
    return np.eye(10)[labels]


def people() -> Samples:
    """The four people that come with fastnn."""
    from fastnn.datasets import load_people  # here, as a peer's own environment may be without it

    X, y = load_people()
    return X, y[:, np.newaxis]


@cache
def digits() -> Samples:
    """The 1,797 handwritten digits that come with fastnn; about half of the pixels are zero."""
    from fastnn.datasets import load_digits

    X, labels = load_digits()
    return X, one_hot(labels)


@cache
def mnist() -> Samples:
    """The first 8,000 of MNIST's 10,000 test images, pixels from 0 to 1, 149 of 784 not zero."""
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


@cache
def no_zeros() -> Samples:
    """Uniform random numbers from 0 (not included) to 1 in the shape of `mnist`, its targets."""
    X, y = mnist()
    return 1 - np.random.default_rng(1).random(X.shape), y


def first_rows(samples: Callable[[], Samples], n: int) -> Samples:
    """Few enough to stay in the cache, as a sample does that has just come in."""
    X, y = samples()
    return X[:n], y[:n]


@cache
def fann(name: str, part: str) -> Samples:
    """One of FANN's benchmark sets, "train" or "test"; inputs and outputs lie in 0 to 1."""
    folder = os.environ.get("FASTNN_DATA")
    if folder is None:
        raise FileNotFoundError("FASTNN_DATA must name a folder with fann/*.train and *.test")
    numbers = np.array(Path(folder, "fann", f"{name}.{part}").read_text().split(), float)
    _, n_inputs, n_outputs = numbers[:3].astype(int)
    rows = numbers[3:].reshape(-1, n_inputs + n_outputs)
    return rows[:, :n_inputs].copy(), rows[:, n_inputs:].copy()


def stream(n_inputs: int, n_outputs: int, n: int = 100) -> Samples:
    """Random samples of a noisy linear function, as an online learner may meet them."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, n_inputs))
    slopes = rng.normal(size=(n_inputs, n_outputs)) / np.sqrt(n_inputs)
    return X, X @ slopes + 0.1 * rng.normal(size=(n, n_outputs))
