"""How the command line learns: standardized, by Adam, until rows that were held out say stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import metrics
from fastnn._command.encoding import class_numbers
from fastnn._command.streams import Failure
from fastnn.callbacks import EarlyStopping, LambdaCallback
from fastnn.network import Network
from fastnn.optimizers import Adam
from fastnn.preprocessing import Standardizer

if TYPE_CHECKING:
    from fastnn._command.encoding import Encoding
    from fastnn.history import History

    Array = np.ndarray[Any, Any]

FEWEST_ROWS = 10
FEWEST_TRAINED = 5
STOPPING = 0.2  # of the rows that are not tested on
LEARNING_RATE = 0.003
BATCH_SIZE = 32
PATIENCE = 50
L2 = 10  # over the number of rows that are trained on, of which there be at least FEW_ROWS
FEW_ROWS = 1000


@dataclass(frozen=True)
class Learned:
    """A network for inputs as they are, and how it has come about."""

    net: Network
    history: History
    rows: dict[str, Array]  # which "train", "stop" training, and "test"
    losses: list[float]  # of the rows trained on, after each epoch, if they were asked for


def parts(y: Array, are_classes: bool, test: float, seed: int) -> dict[str, Array]:
    """The rows of each part, at random; each class in all of them, as far as it goes.

    Rows are put in the order of their rank in their class, as a part of its size: the last of each
    class come last, and so are trained on.
    """
    n = len(y)
    order = np.random.default_rng(seed).permutation(n)
    if are_classes:
        place = np.empty(n)
        for k in np.unique(y):
            own = np.flatnonzero(y[order] == k)
            place[own] = np.arange(1, len(own) + 1) / len(own)
        order = order[np.argsort(place, kind="stable")]
    n_test = max(1, round(test * n)) if test else 0
    n_stop = max(1, round(STOPPING * (n - n_test)))
    tested, stop, train = np.split(order, [n_test, n_test + n_stop])
    return {"train": train, "stop": stop, "test": tested}


def learn(
    X: Array, y: Array, encoding: Encoding, *, hidden: list[int], epochs: int, test: float,
    seed: int, watch: Callable[..., object] | None = None, with_losses: bool = False,
) -> Learned:  # fmt: skip
    """with_losses: measure the rows trained on as those held out are, without the penalty of L2."""
    rows = parts(y, encoding.classes is not None, test, seed)
    n_known = len(np.unique(y[rows["train"]])) if encoding.classes else 0
    if len(rows["train"]) < FEWEST_TRAINED or n_known < len(encoding.classes or ()):
        raise Failure(
            f"{len(rows['train'])} of {len(y)} rows are left to train on, which is too few; make "
            "--test-fraction smaller"
        )
    n_outputs = encoding.n_outputs
    output, loss = "softmax", "cross_entropy"
    if n_outputs == 1:
        output, loss = ("identity", "mse") if encoding.classes is None else ("sigmoid", "bce")
    net = Network(
        [X.shape[1], *hidden, n_outputs], activation=[*["relu"] * len(hidden), output], loss=loss,
        seed=seed,
    )  # fmt: skip
    inputs = Standardizer.from_parameters(
        *Standardizer().fit(X[rows["train"]])._fitted(), feature_names=encoding.inputs
    )
    targets = None if encoding.classes else Standardizer().fit(y[rows["train"]])
    x, t = inputs.transform(X), y if targets is None else targets.transform(y)
    try:
        net.with_standardizer(inputs, targets=targets)  # as it will be in the end
    except ValueError as error:
        raise Failure(f"{error}; or leave it out by --ignore") from error
    callbacks: list[Any] = [EarlyStopping(patience=PATIENCE)]
    if watch is not None:
        callbacks.append(LambdaCallback(watch))
    losses: list[float] = []
    if with_losses:
        known = x[rows["train"]], t[rows["train"]]
        callbacks.append(LambdaCallback(lambda net, *_: losses.append(net.evaluate(*known))))
    history = net.train(
        x[rows["train"]], t[rows["train"]], epochs=epochs, learning_rate=LEARNING_RATE,
        batch_size=BATCH_SIZE, optimizer=Adam(l2=L2 / max(len(rows["train"]), FEW_ROWS)),
        validation_data=(x[rows["stop"]], t[rows["stop"]]), callbacks=callbacks,
    )  # fmt: skip
    return Learned(net.with_standardizer(inputs, targets=targets), history, rows, losses)


def scores(found: Learned, encoding: Encoding, X: Array, y: Array, part: str) -> dict[str, float]:
    """On the rows of a part: how often the class is right, or how near a number is."""
    rows = found.rows[part]
    outputs, y = found.net.feedforward(X[rows]), y[rows]
    if encoding.classes is not None:
        often = np.bincount(y.astype(int)).max() / len(y)
        return {"accuracy": float((class_numbers(outputs) == y).mean()), "often": float(often)}
    found_scores = {"mae": metrics.mae(y, outputs)}
    return found_scores if y.min() == y.max() else {"R2": metrics.r2(y, outputs), **found_scores}
