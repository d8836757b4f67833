"""Named workloads: what is computed, on which data, for how long, and how fast fastnn wants to be.

All networks learn by the squared error, mean over the outputs, at a constant learning rate. A
workload is of one kind of work:

    per_sample_sgd      training, an update per sample
    mini_batch_sgd      training, an update per `batch_size` samples
    adam                training by Adam, an update per `batch_size` samples
    one_update          a call from Python per sample, which makes an update
    one_prediction      a call from Python per sample, which gives the outputs
    batch_prediction    one call from Python for all samples
    many_networks       training of many networks on the same samples, as of the first two kinds
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks import data
from benchmarks.data import Floats, Samples

SEED = 0


@dataclass(frozen=True)
class Parameters:
    """Weights, each of shape (n_in, n_out), and biases, one array per layer.

    Of many networks, stacks of these.
    """

    weights: list[Floats]
    biases: list[Floats]


@dataclass(frozen=True)
class Goal:
    """How many times as long as fastnn the best peer should need, or the one that is named."""

    ratio: float
    peer: str | None = None


@dataclass(frozen=True)
class Workload:
    """A round goes `epochs` times over the samples.

    `hidden` is the activation of every layer but the last, `output` that of the last. `versus` is
    what the peers do, and `peers` which of them, where that is other work than fastnn's.
    """

    name: str
    kind: str
    layer_sizes: tuple[int, ...]
    dtype: str
    samples: Callable[[], Samples]
    epochs: int
    goal: Goal | None = None
    learning_rate: float = 0.1
    batch_size: int = 1
    shuffle: bool = False
    hidden: str = "sigmoid"
    output: str = "sigmoid"
    loss: str = "mse"
    n_networks: int = 1
    versus: "Workload | None" = None
    peers: tuple[str, ...] = ()

    @cached_property
    def X(self) -> Floats:
        """(n, n_inputs)"""
        return np.ascontiguousarray(self.samples()[0], self.dtype)

    @cached_property
    def y(self) -> Floats:
        """(n, n_outputs)"""
        return np.ascontiguousarray(self.samples()[1], self.dtype)

    @property
    def n_samples(self) -> int:
        """How many samples a round goes through, with each of its networks."""
        return self.epochs * len(self.X) * self.n_networks

    @property
    def activations(self) -> list[str]:
        """One name per layer."""
        return [self.hidden] * (len(self.layer_sizes) - 2) + [self.output]

    def part(self, n_samples: int) -> "Workload":
        """The beginning of a round, for slow peers: whole epochs, or else whole batches of rows."""
        n_samples //= self.n_networks
        if n_samples >= len(self.X):
            return replace(self, epochs=min(n_samples // len(self.X), self.epochs))
        n_rows = max(1, n_samples // self.batch_size) * self.batch_size
        return replace(self, samples=lambda: (self.X[:n_rows], self.y[:n_rows]), epochs=1)

    @cached_property
    def start(self) -> Parameters:
        """Where every implementation starts, on copies: small normal numbers."""
        rng = np.random.default_rng(SEED)
        parameters = Parameters([], [])
        many = (self.n_networks,) if self.n_networks > 1 else ()
        for n_in, n_out in pairwise(self.layer_sizes):
            scale = 1 / np.sqrt(n_in)
            W, b = (rng.normal(0, scale, (*many, *shape)) for shape in ((n_in, n_out), (n_out,)))
            parameters.weights.append(W.astype(self.dtype))
            parameters.biases.append(b.astype(self.dtype))
        return parameters

    def orders(self) -> NDArray[np.intp]:
        """A row of sample numbers per epoch: those of a fastnn network with the seed SEED.

        fastnn draws them while it trains, so its peers call this inside of what is timed.
        """
        orders = np.tile(np.arange(len(self.X), dtype=np.intp), (self.epochs, 1))
        if self.shuffle:
            np.random.default_rng(SEED).permuted(orders, axis=1, out=orders)
        return orders


# Layer sizes, samples, and epochs that make 20 to 100 ms of a compiled loop: a call's fixed costs
# then weigh as little as they do in a real training.
PEOPLE = {"layer_sizes": (2, 2, 1), "samples": data.people, "epochs": 100_000}
DIGITS = {"layer_sizes": (64, 30, 10), "samples": data.digits, "epochs": 20}
MNIST_30 = {"layer_sizes": (784, 30, 10), "samples": data.mnist, "epochs": 4}
MNIST_128 = {"layer_sizes": (784, 128, 10), "samples": data.mnist, "epochs": 3}
NO_ZEROS_128 = {"layer_sizes": (784, 128, 10), "samples": data.no_zeros, "epochs": 1}

# Of Adam, PyTorch's and Keras' defaults.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
BOXES = {
    "layer_sizes": (4, 32, 16, 4), "samples": partial(data.stream, 4, 4, n=10_000), "epochs": 20,
    "hidden": "tanh", "output": "identity",
}  # fmt: skip

# What mlpfile offers.
RELU = {"hidden": "relu", "output": "identity", "dtype": "float32", "learning_rate": 0.01}


def per_sample_sgd() -> Iterator[Workload]:
    """In the samples' order, with goals, then in a new order in each epoch."""
    rows = [
        ("2-2-1", PEOPLE, {"float32": 1.1, "float64": 1.1}),
        ("64-30-10", DIGITS, {"float32": 3, "float64": 2.5}),
        ("784-30-10", MNIST_30, {"float32": 4, "float64": 4}),
        ("784-128-10", MNIST_128, {"float32": 6, "float64": 6}),
        ("784-128-10 no zeros", NO_ZEROS_128, {"float32": 2.3, "float64": 2.5}),
    ]
    for name, network, goals in rows:
        for dtype, ratio in goals.items():
            in_order = Workload(
                f"{name} {dtype}", "per_sample_sgd", dtype=dtype, goal=Goal(ratio), **network
            )
            yield in_order
            yield replace(in_order, name=f"{in_order.name} shuffled", shuffle=True, goal=None)


def mini_batch_sgd() -> Iterator[Workload]:
    rows = [
        ("64-30-10", DIGITS, 32, 2),
        ("784-128-10", MNIST_128, 32, 2),
        ("784-128-10 no zeros", NO_ZEROS_128, 32, 1.5),
        ("784-128-10", MNIST_128, 256, 1.8),
    ]
    for name, network, batch_size, ratio in rows:
        yield Workload(
            f"{name} float32 batch {batch_size}", "mini_batch_sgd", dtype="float32",
            batch_size=batch_size, goal=Goal(ratio), **network,
        )  # fmt: skip


def adam() -> Iterator[Workload]:
    """MNIST in mini-batches, and a small network in full batches."""
    yield Workload(
        "784-128-10 float32 Adam batch 32", "adam", dtype="float32", batch_size=32,
        learning_rate=0.001, goal=Goal(1.5), **MNIST_128,
    )  # fmt: skip
    for dtype in ("float32", "float64"):
        yield Workload(
            f"4-32-16-4 tanh {dtype} Adam full batch", "adam", dtype=dtype, batch_size=10_000,
            learning_rate=0.001, goal=Goal(2, "JAX"), **BOXES,
        )  # fmt: skip


def headline() -> Iterator[Workload]:
    """fastnn with an update per sample, PyTorch and scikit-learn with one per 256 samples."""
    by_name = {workload.name: workload for workload in (*per_sample_sgd(), *mini_batch_sgd())}
    yield replace(
        by_name["784-128-10 float32"],
        name="784-128-10 float32 against batch 256",
        goal=Goal(1),
        versus=by_name["784-128-10 float32 batch 256"],
        peers=("PyTorch", "scikit-learn"),
    )


def one_update() -> Iterator[Workload]:
    rows = [("40-100-100-10", (40, 100, 100, 10), 30), ("2-2-1", (2, 2, 1), 100)]
    for name, sizes, epochs in rows:
        yield Workload(
            f"{name} relu float32 update", "one_update", sizes,
            samples=partial(data.stream, sizes[0], sizes[-1]), epochs=epochs,
            goal=Goal(4, "mlpfile"), **RELU,
        )  # fmt: skip


def one_prediction() -> Iterator[Workload]:
    rows = [("40-100-100-10", (40, 100, 100, 10), 2), ("2-2-1", (2, 2, 1), 2.5)]
    for name, sizes, ratio in rows:
        yield Workload(
            f"{name} relu float32 prediction", "one_prediction", sizes,
            samples=partial(data.stream, sizes[0], sizes[-1]), epochs=100,
            goal=Goal(ratio, "mlpfile"), **RELU,
        )  # fmt: skip
    sigmoid_rows = [
        ("64-30-10", DIGITS, Goal(8, "ONNX Runtime")),
        ("784-128-10", MNIST_128, Goal(5)),
        ("784-128-10 no zeros", NO_ZEROS_128, None),
    ]
    for name, network, goal in sigmoid_rows:
        yield Workload(
            f"{name} float32 prediction", "one_prediction", network["layer_sizes"], "float32",
            samples=partial(data.first_rows, network["samples"], 100), epochs=50, goal=goal,
        )  # fmt: skip


def batch_prediction() -> Iterator[Workload]:
    rows = [("784-128-10", MNIST_128, 2), ("784-128-10 no zeros", NO_ZEROS_128, 1.2)]
    for name, network, ratio in rows:
        yield Workload(
            f"{name} float32 8,000 predictions", "batch_prediction", dtype="float32",
            goal=Goal(ratio), **network | {"epochs": 2},
        )  # fmt: skip


def many_networks() -> Iterator[Workload]:
    """In the samples' order, which is the same for all networks then."""
    tanh = {"hidden": "tanh", "output": "identity"}
    boxes = partial(data.stream, 4, 4, n=1000)
    rows = [
        ("2-2-1", (2, 2, 1), data.people, 60_000, {}),
        ("8-16-1 tanh", (8, 16, 1), partial(data.stream, 8, 1, n=200), 400, tanh),
        ("4-32-16-4 tanh, batch 32", (4, 32, 16, 4), boxes, 40, tanh | {"batch_size": 32}),
    ]
    for name, sizes, samples, epochs, settings in rows:
        yield Workload(
            name, "many_networks", sizes, "float32", samples, epochs, learning_rate=0.01,
            n_networks=64, **settings,
        )  # fmt: skip


MANY_NETWORKS = {workload.name: workload for workload in many_networks()}
WORKLOADS = {
    workload.name: workload
    for kind in (
        per_sample_sgd,
        headline,
        mini_batch_sgd,
        adam,
        one_update,
        one_prediction,
        batch_prediction,
    )
    for workload in kind()
}
