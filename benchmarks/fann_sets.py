"""Data sets of FANN's benchmarks: error and time beside FANN and scikit-learn's MLP.

    python -m benchmarks.fann_sets [--write]

FASTNN_DATA names the folder with fann/*.train and fann/*.test. fastnn does what the peer does.
Beside FANN that is its incremental training: per-sample SGD of sigmoid units on the squared error,
from the same parameters; and its default, RPROP in full batches, for as many epochs. Beside
scikit-learn's MLP it is the loss and the output layer that it has (cross-entropy, of one output for
two classes, or squares of identity outputs), from its initial parameters: SGD at batch size 1, or
Adam in batches of 16 with relu units where SGD does not come to the solution. All go through the
samples in the same order.

Errors are the share of test samples that are classified wrongly, or the mean of the squares; they
and the ratios of times are medians over seeds, in turns, on one core.
"""

import argparse
import ctypes
import statistics
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks import data
from benchmarks.data import Floats, Samples
from benchmarks.one_core import pin
from benchmarks.peers import with_fann
from benchmarks.readme import fill, table
from benchmarks.workloads import Parameters, Workload
from fastnn import Network
from fastnn.optimizers import Adam

SEEDS = range(5)
BATCH = 16
TRAIN_RPROP, ERROR_TANH = 2, 1  # of FANN
# scikit-learn's output layers, and the losses that go with them.
OUTPUTS = {
    "identity": ("identity", "mse"),
    "logistic": ("sigmoid", "bce"),
    "softmax": ("softmax", "cross_entropy"),
}


@dataclass(frozen=True)
class Set:
    """A data set, the network for it, and how it is trained. A scale of None: X as it is."""

    name: str
    layer_sizes: tuple[int, ...]
    epochs: int
    learning_rate: float  # of SGD, for the loss ½ Σ (a - y)²
    classes: bool = True
    adam: float | None = None  # its learning rate, where scikit-learn gets Adam and relu units
    scale: float | None = None
    initializer: str = "glorot"  # of the network beside FANN

    def samples(self, part: str, seed: int) -> Samples:
        """In an order of the seed's."""
        X, y = data.fann(self.name, part)
        order = np.random.default_rng(seed).permutation(len(X))
        return (X if self.scale is None else (X - 0.5) * self.scale)[order], y[order]


SETS = (
    Set("mushroom", (125, 32, 2), 5, 0.2),
    Set("thyroid", (21, 10, 3), 15, 0.5),
    Set("diabetes", (8, 8, 2), 50, 0.2),
    Set("kin32fm", (32, 20, 1), 25, 0.2, classes=False),
    Set("abelone", (10, 10, 1), 25, 0.2, classes=False),
    Set("two-spiral", (2, 40, 20, 1), 3000, 0.4, adam=0.003, scale=4.0, initializer="normal"),
    Set("parity8", (8, 16, 1), 1000, 1.0, adam=0.01, scale=2.0, initializer="normal"),
)


def error(of: Set, outputs: Floats, y: Floats) -> float:
    if not of.classes:
        return float(np.mean((outputs - y) ** 2))
    if y.shape[1] == 1:
        return float(np.mean((outputs > 0.5) != (y > 0.5)))
    return float(np.mean(outputs.argmax(axis=1) != y.argmax(axis=1)))


def seconds(work: Callable[[], None]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def by_rprop(workload: Workload) -> Callable[[], Parameters]:
    """What FANN does unless it is told otherwise: full batches by RPROP, on an error of its own."""
    net = with_fann.Net(workload)
    net.library.fann_set_training_algorithm(net.fann, TRAIN_RPROP)
    net.library.fann_set_train_error_function(net.fann, ERROR_TANH)
    inputs, outputs = with_fann.row_addresses(workload.X), with_fann.row_addresses(workload.y)

    def train() -> Parameters:
        net.put_at(workload.start)
        rows = with_fann.Data(
            num_data=len(inputs),
            num_input=workload.layer_sizes[0],
            num_output=workload.layer_sizes[-1],
            input=inputs.ctypes.data,
            output=outputs.ctypes.data,
        )
        for _ in range(workload.epochs):
            net.library.fann_train_epoch(net.fann, ctypes.byref(rows))
        return net.parameters()

    return train


def beside_fann(of: Set, seed: int) -> list[tuple[float, float]]:
    """Test error and seconds of fastnn, of FANN and of its RPROP."""
    X, y = of.samples("train", seed)
    X_test, y_test = of.samples("test", seed)
    sizes = of.layer_sizes
    net = Network(sizes, initializer=of.initializer, seed=seed)
    workload = Workload(
        of.name, "per_sample_sgd", sizes, "float64", lambda: (X, y), of.epochs,
        learning_rate=of.learning_rate * sizes[-1] / 2,
    )  # fmt: skip
    workload.__dict__["start"] = Parameters(list(net.weights), list(net.biases))
    train = with_fann.per_sample_sgd(workload)
    assert train is not None
    peers = []
    for work in (train, by_rprop(workload)):
        found: list[Parameters] = []
        spent = seconds(lambda work=work, found=found: found.append(work()))
        fanns = Network.from_parameters(found[0].weights, found[0].biases)
        peers.append((error(of, fanns.feedforward(X_test), y_test), spent))
    own_seconds = seconds(
        lambda: net.train(
            X, y, epochs=of.epochs, learning_rate=workload.learning_rate, shuffle=False
        )
    )
    return [(error(of, net.feedforward(X_test), y_test), own_seconds), *peers]


def beside_scikit_learn(of: Set, seed: int) -> list[tuple[float, float]]:
    """Test error and seconds of fastnn and of scikit-learn."""
    X, y = of.samples("train", seed)
    X_test, y_test = of.samples("test", seed)
    labels = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]
    batch_size = 1 if of.adam is None else BATCH
    settings = {
        "hidden_layer_sizes": of.layer_sizes[1:-1],
        "activation": "logistic" if of.adam is None else "relu",
        "solver": "sgd" if of.adam is None else "adam",
        "alpha": 0.0,
        "batch_size": batch_size,
        "learning_rate_init": of.adam or of.learning_rate,
        "max_iter": of.epochs,
        "tol": 0.0,
        "n_iter_no_change": of.epochs,
        "momentum": 0.0,
        "shuffle": False,
        "random_state": seed,
    }
    kind = MLPClassifier if of.classes else MLPRegressor
    unmoved = kind(**settings | {"max_iter": 1, "learning_rate_init": 1e-300}).fit(X, labels)
    peer = kind(**settings)
    peer_seconds = seconds(lambda: peer.fit(X, labels))

    last, loss = OUTPUTS[peer.out_activation_]
    net = Network.from_parameters(
        unmoved.coefs_,
        unmoved.intercepts_,
        activation=["sigmoid" if of.adam is None else "relu"] * (peer.n_layers_ - 2) + [last],
        loss=loss,
        seed=seed,
    )
    optimizer = "sgd" if of.adam is None else Adam(epsilon_hat=True)
    # Half a square for scikit-learn, a whole one here.
    eta = of.adam or (of.learning_rate / 2 if loss == "mse" else of.learning_rate)
    own_seconds = seconds(
        lambda: net.train(
            X, labels, epochs=of.epochs, batch_size=batch_size, learning_rate=eta,
            optimizer=optimizer, shuffle=False,
        )
    )  # fmt: skip
    outputs = peer.predict_proba(X_test) if of.classes else peer.predict(X_test)[:, np.newaxis]
    own_outputs = net.feedforward(X_test)
    if last == "sigmoid":
        own_outputs = np.hstack([1 - own_outputs, own_outputs])
    if of.classes and y_test.shape[1] == 1:
        y_test = np.hstack([1 - y_test, y_test])
    return [
        (error(of, own_outputs, y_test), own_seconds),
        (error(of, outputs, y_test), peer_seconds),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fann_sets", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = [
        [
            *("set", "network", "epochs"),
            *("error, fastnn", "FANN", "its RPROP", "FANN / fastnn, time", "its RPROP"),
            *("error, fastnn", "scikit-learn", "scikit-learn / fastnn, time"),
        ]
    ]
    with pin():
        for of in SETS:
            row = [of.name, "-".join(map(str, of.layer_sizes)), f"{of.epochs:,}"]
            for beside in (beside_fann, beside_scikit_learn):
                runs = [beside(of, seed) for seed in SEEDS]
                sides = range(len(runs[0]))
                errors = [statistics.median(run[i][0] for run in runs) for i in sides]
                ratios = [statistics.median(run[i][1] / run[0][1] for run in runs) for i in sides]
                row += [f"{one:.2%}" if of.classes else f"{one:.5f}" for one in errors]
                row += [f"{one:.3g}" for one in ratios[1:]]
            rows.append(row)
            print(row, flush=True)
    print(table(rows))
    if given.write:
        fill("fann_sets", table(rows))


if __name__ == "__main__":
    main()
