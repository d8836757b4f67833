"""Metrics beside the loss: ``Network.train(..., metrics=["accuracy", my_metric])``.

"accuracy", "mae" and "r2" by name; or any function of the targets and the outputs that gives a
number. It gets y as handed to `train`, class numbers as integers, and the outputs: for a network of
one output both are of shape (n,), and otherwise the outputs are (n, n_outputs). So functions of
`sklearn.metrics` for numbers can be given as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastnn.network import Network

    Array = np.ndarray[Any, Any]
    Metric = Callable[[Array, Array], float]

LARGER_IS_BETTER = frozenset({"accuracy", "r2"})


def accuracy(net: Network, Y: Array, a: Array) -> float:
    """The part of the targets that are met.

    With several outputs, that of the samples whose largest output is in the place of the largest
    target. With one output, or several under "bce", which are labels of their own, that of the
    outputs on the same side of 1/2 as their target; of 0 where the output layer is tanh.
    """
    n_outputs = a.shape[1]
    if n_outputs > 1 and net.loss != "bce":
        classes = Y[:, 0] if Y.shape[1] == 1 else Y.argmax(axis=1)
        return float((a.argmax(axis=1) == classes).mean())
    middle = 0.0 if net.activations[-1] == "tanh" else 0.5
    is_on, should_be_on = a > middle, middle < Y
    return float((is_on == should_be_on).mean())


def mae(net: Network, Y: Array, a: Array) -> float:
    """The mean of |a - y|."""
    return float(np.abs(a - Y).mean(dtype=np.float64))


def r2(net: Network, Y: Array, a: Array) -> float:
    """1 - Σ (a - y)² / Σ (y - mean of y)², the mean over outputs; 1 or 0 for an output of which all
    targets are the same, as they are met or not.
    """
    errors = ((a - Y).astype(np.float64) ** 2).sum(axis=0)
    spread = ((Y - Y.mean(axis=0, dtype=np.float64)) ** 2).sum(axis=0)
    varies = (Y[0] != Y).any(axis=0)
    parts = np.where(varies, 1 - errors / np.where(varies, spread, 1), errors == 0)
    return float(parts.mean())


METRICS = {"accuracy": accuracy, "mae": mae, "r2": r2}


def measure(net: Network, metrics: dict[str, Metric | None], Y: Array, a: Array) -> list[float]:
    """The value of each metric; None stands for the one of fastnn's that has the name."""
    values = []
    for name, function in metrics.items():
        if function is None:
            values.append(METRICS[name](net, Y, a))
            continue
        y = Y.astype(np.intp) if Y.shape[1] < a.shape[1] else Y.view()
        y.setflags(write=False)  # it may be the user's own
        value = function(*(rows[:, 0] if rows.shape[1] == 1 else rows for rows in (y, a)))
        try:
            values.append(float(value))
        except (TypeError, ValueError) as error:
            raise TypeError(f"the metric {name!r} must return a number, got {value!r}") from error
    return values
