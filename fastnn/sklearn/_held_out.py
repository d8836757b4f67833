"""The samples that early stopping holds out, and their score after each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer

from fastnn.sklearn._scikit_learn import replaces_any

if TYPE_CHECKING:
    from fastnn._core.data import Data
    from fastnn.network import Network

Array = np.ndarray[Any, Any]

# What users may replace to have another score; scikit-learn calls these.
WAYS_TO_A_SCORE = ("_score", "_score_with_function", "_predict", "_forward_pass_fast")


class HeldOut:
    """Samples and targets, as scikit-learn scores them: by accuracy, or by R².

    From the network's outputs, where the estimator's classes are scikit-learn's; in any other case
    by the estimator's own methods.
    """

    def __init__(
        self, estimator: Any, net: Network, data: Data, X: Any, y: Array, weight: Array | None
    ) -> None:
        self.estimator, self.net, self.data, self.X, self.weight = estimator, net, data, X, weight
        binarizer = getattr(estimator, "_label_binarizer", None)
        self.is_classifier = binarizer is not None
        ours = next(one for one in type(estimator).__mro__ if one.__module__ == "fastnn.sklearn")
        self.is_plain = not replaces_any(estimator, WAYS_TO_A_SCORE, ours) and (
            not self.is_classifier or type(binarizer) is LabelBinarizer
        )
        self.y, self.labels = y, y
        if binarizer is not None:
            self.labels = binarizer.inverse_transform(y)
        self.outputs = np.empty((len(y), net.layer_sizes[-1]), net.dtype)

    def loss(self) -> float:
        """The mean of the samples' losses, by their weights."""
        n, weights = len(self.data.X), self.data.weights
        return self.data.loss() * n / (n if weights is None else weights.sum().item())

    def score(self) -> float:
        """Of the network as it is."""
        if not self.is_plain:
            weights = {} if self.weight is None else {"sample_weight": self.weight}
            return float(self.estimator._score(self.X, self.labels, **weights))
        a = self.outputs
        self.net._model.feedforward(self.data.X, a, self.data.n_threads)
        if not self.is_classifier:
            return r2(self.y, a, self.weight)
        if self.estimator.out_activation_ == "softmax":
            return accuracy(a.argmax(axis=1) == self.y.argmax(axis=1), self.weight)
        return accuracy(((a > 0.5) == self.y).all(axis=1), self.weight)


def accuracy(is_right: Array, weight: Array | None) -> float:
    return float(np.average(is_right, weights=weight))


def r2(y: Array, a: Array, weight: Array | None) -> float:
    """The mean over outputs of 1 - Σ w (y - a)² / Σ w (y - mean of y)²; NaN if a is not finite.

    Where all targets are the same, 1 or 0 for that output, as they are met or not.
    """
    if not np.isfinite(a).all():
        return np.nan
    w = np.ones((1, 1), a.dtype) if weight is None else weight[:, np.newaxis]
    mean = np.average(y, axis=0, weights=weight)
    with np.errstate(over="ignore"):
        errors = (w * (y - a) ** 2).sum(axis=0, dtype=np.float64)
        spread = (w * (y - mean) ** 2).sum(axis=0, dtype=np.float64)
    varies = spread != 0
    with np.errstate(invalid="ignore"):
        parts = np.where(varies, 1 - errors / np.where(varies, spread, 1), errors == 0)
    return float(np.average(parts))
