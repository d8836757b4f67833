"""Metrics: by name in ``Network.train`` and ``Network.evaluate``, or as functions to be called.

``metrics=["accuracy", my_metric]`` measures both at the end of each epoch. Names are those of the
functions here that give a number, "accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse" and "r2";
the functions themselves may stand for them. A mapping gives names of your own, in `History` too:
``metrics={"top2": lambda y, outputs: ..., "acc": "accuracy"}``.

A function of your own takes the targets and the outputs, and returns a number. It gets copies: y as
handed to `train`, class numbers as integers, and the outputs. For a network of one output both are
of shape (n,), and otherwise the outputs are (n, n_outputs). So functions of `sklearn.metrics` for
numbers can be given as they are.

The functions here take y in the shapes that `train` takes, and outputs as `Network.feedforward`
gives them; what they give equals scikit-learn's. Weights of samples have no part in metrics.

Examples
--------
>>> from fastnn import Network, datasets, metrics
>>> X, y = datasets.load_digits()
>>> net = Network([64, 30, 10], activation=["sigmoid", "softmax"], loss="cross_entropy", seed=0)
>>> def top2(y, outputs):
...     return (outputs.argsort(axis=1)[:, -2:] == y[:, None]).any(axis=1).mean()
>>> history = net.train(
...     X[:1500], y[:1500], epochs=5, learning_rate=0.2, metrics={"acc": "accuracy", "top2": top2}
... )
>>> list(history.history)
['loss', 'acc', 'top2', 'learning_rate']
>>> found = net.evaluate(X[1500:], y[1500:], metrics=["accuracy", metrics.f1])
>>> list(found)
['loss', 'accuracy', 'f1']
>>> found["f1"] == metrics.f1(y[1500:], net.feedforward(X[1500:]))
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsFloat

import numpy as np

from fastnn import _checks, _data_checks, _words

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from fastnn._core.data import Data

__all__ = ["accuracy", "confusion_matrix", "f1", "log_loss", "mae", "r2", "rmse", "roc_auc"]

Array = np.ndarray[Any, Any]
Metric = Callable[[Array, Array], SupportsFloat]
Metrics = str | Metric | Sequence[str | Metric] | Mapping[str, str | Metric]


@_words.explained
def accuracy(y: ArrayLike, outputs: ArrayLike, *, threshold: float | None = None) -> float:
    """The part of the targets that are met.

    With several outputs, that of the samples whose largest output is in the place of the largest
    target. With one output, that of the samples whose output is on where the target is, and off
    where it is not.

    Parameters
    ----------
    y : array_like, (n,) or (n, n_outputs)
        Class numbers, or rows whose largest number is at the class. For one output 0 and 1, or
        -1 and 1: what is above 1/2 is on, or where any number is negative, what is above 0.
    outputs : array_like, (n, n_outputs), or (n,) for one output
        As `Network.feedforward` gives them.
    threshold : float or None, default None
        Above which an output is on. None: of one output, as for y. A number with several outputs:
        each is a label of its own, and the result is the part of all labels that are met; as under
        the loss "bce", where `Network.train` and `evaluate` take 1/2. What `train` takes for its
        data goes for validation data, too.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If y or outputs are empty, not real or not finite, or do not fit each other.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.accuracy([0, 2], [[0.5, 0.3, 0.2], [0.6, 0.1, 0.3]])
    0.5
    >>> metrics.accuracy([[1, 1], [0, 1]], [[0.9, 0.2], [0.1, 0.7]], threshold=0.5)
    0.75
    """
    return _of_users("accuracy", y, outputs, threshold)


@_words.explained
def f1(y: ArrayLike, outputs: ArrayLike, *, threshold: float | None = None) -> float:
    """The mean of the classes' F1 scores (macro): that of a class is 2 TP / (2 TP + FP + FN).

    TP of its samples are found to be of it, FN are not, and FP of other classes' samples are. The
    mean is over the classes that occur in y or are found; one output stands for two classes. It is
    scikit-learn's ``f1_score(average="macro", zero_division=0)``.

    Parameters
    ----------
    y : array_like, (n,) or (n, n_outputs)
        Class numbers, or rows with a single 1; for one output 0 and 1, or -1 and 1.
    outputs : array_like, (n, n_outputs), or (n,) for one output
        As `Network.feedforward` gives them. The class found is the place of the largest.
    threshold : float or None, default None
        As for `accuracy`. With a number and several outputs, which are labels then, rows of y are
        0 and 1, and the mean is over all labels; one that neither occurs nor is found counts 0.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    TypeError, ValueError
        As `accuracy`, and if y holds no classes.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.f1([0, 0, 1, 1], [0.2, 0.4, 0.9, 0.8])
    1.0
    """
    return _of_users("f1", y, outputs, threshold)


@_words.explained
def roc_auc(y: ArrayLike, outputs: ArrayLike) -> float:
    """The area under the ROC curve: how often a sample of a class has more of it than another.

    Of all pairs of a sample of the class and another, it is the part in which the former has the
    larger output, and half of that in which they have the same (Hanley and McNeil 1982). With
    several outputs it is the mean over them, of each class against all others, as of scikit-learn's
    ``roc_auc_score(multi_class="ovr", average="macro")``, or of labels.

    Parameters
    ----------
    y : array_like, (n,) or (n, n_outputs)
        Class numbers, or rows of 0 and 1; for one output 0 and 1, or -1 and 1.
    outputs : array_like, (n, n_outputs), or (n,) for one output
        As `Network.feedforward` gives them. They need not be probabilities.

    Returns
    -------
    float
        From 0 to 1; 1/2 for outputs that have nothing to do with y.

    Raises
    ------
    TypeError, ValueError
        As `accuracy`, and if y holds no classes, or not for each of them samples of it and others:
        there is no pair then (scikit-learn warns, and gives NaN).

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.roc_auc([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.9])
    0.875
    """
    return _of_users("roc_auc", y, outputs)


@_words.explained
def log_loss(y: ArrayLike, outputs: ArrayLike) -> float:
    """The mean over samples of -Σ y log(p), where p are the probabilities of the classes.

    Of one output a, these are 1 - a and a. They are clipped to eps and 1 - eps, where eps is the
    distance from 1 to the next number of the outputs' dtype, 2.2e-16 or in float32 1.2e-7, as
    scikit-learn does: a class that occurs with probability 0 costs 36.04, or 15.94. The losses
    "cross_entropy" and "bce" are the same without clipping.

    Parameters
    ----------
    y : array_like, (n,) or (n, n_outputs)
        Class numbers, or rows that sum to 1; for one output numbers from 0 to 1.
    outputs : array_like, (n, n_outputs), or (n,) for one output
        Probabilities, as of softmax, whose rows sum to 1 up to 1e-5, or of one sigmoid unit.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        As `accuracy`, and if y or outputs are no probabilities.

    Examples
    --------
    >>> from fastnn import metrics
    >>> round(metrics.log_loss([1, 0], [0.5, 0.5]), 4)
    0.6931
    """
    return _of_users("log_loss", y, outputs)


@_words.explained
def mae(y: ArrayLike, outputs: ArrayLike) -> float:
    """The mean of abs(outputs - y).

    Parameters
    ----------
    y : array_like, (n, n_outputs), or (n,) for one output
    outputs : array_like, (n, n_outputs), or (n,) for one output
        As `Network.feedforward` gives them.

    Returns
    -------
    float
        In the unit of y.

    Raises
    ------
    TypeError, ValueError
        As `accuracy`, and if y holds class numbers.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.mae([1, 2], [1.5, 2.25])
    0.375
    """
    return _of_users("mae", y, outputs)


@_words.explained
def rmse(y: ArrayLike, outputs: ArrayLike) -> float:
    """The square root of the mean of (outputs - y)²; of several outputs, the mean of their roots.

    Parameters
    ----------
    y : array_like, (n, n_outputs), or (n,) for one output
    outputs : array_like, (n, n_outputs), or (n,) for one output
        As `Network.feedforward` gives them.

    Returns
    -------
    float
        In the unit of y.

    Raises
    ------
    TypeError, ValueError
        As `accuracy`, and if y holds class numbers.

    Examples
    --------
    >>> from fastnn import metrics
    >>> round(metrics.rmse([1, 2], [4, 6]), 3)
    3.536
    """
    return _of_users("rmse", y, outputs)


@_words.explained
def r2(y: ArrayLike, outputs: ArrayLike) -> float:
    """1 - Σ (outputs - y)² / Σ (y - mean of y)²; of several outputs, the mean of theirs.

    Parameters
    ----------
    y : array_like, (n, n_outputs), or (n,) for one output
    outputs : array_like, (n, n_outputs), or (n,) for one output
        As `Network.feedforward` gives them.

    Returns
    -------
    float
        At most 1; 0 for outputs that are always the mean of y. Of an output whose targets are all
        the same it is 1 or 0, as they are met or not; of a single sample NaN.

    Raises
    ------
    TypeError, ValueError
        As `accuracy`, and if y holds class numbers.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.r2([1, 2, 3], [1, 2, 4])
    0.5
    """
    return _of_users("r2", y, outputs)


@_words.explained
def confusion_matrix(
    y: ArrayLike, outputs: ArrayLike, *, threshold: float | None = None
) -> NDArray[np.int_]:
    """How many samples of each class are found to be of which.

    Parameters
    ----------
    y : array_like, (n,) or (n, n_outputs)
        Class numbers, or rows with a single 1; for one output 0 and 1, or -1 and 1.
    outputs : array_like, (n, n_outputs), or (n,) for one output
        As `Network.feedforward` gives them.
    threshold : float or None, default None
        For one output: above which it is found to be on. None: halfway between the targets.

    Returns
    -------
    ndarray of int, (n_classes, n_classes)
        A row for each class of y, a column for each that is found; of one output (2, 2). `train`
        and `evaluate` do not take it as a metric, as it is no number.

    Raises
    ------
    TypeError, ValueError
        As `f1`, and for a threshold with several outputs: labels have a matrix each.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.confusion_matrix([0, 0, 1, 1], [0.2, 0.6, 0.9, 0.8])
    array([[1, 1],
           [0, 2]])
    """
    name = "confusion_matrix"
    Y, a, threshold = checked(name, y, outputs, threshold, name)
    n_outputs = a.shape[1]
    if n_outputs > 1 and threshold is not None:
        raise ValueError(
            f"threshold must be None for the classes of {n_outputs} outputs, got {threshold}; for "
            "the matrix of label k give y[:, k] and outputs[:, k]"
        )
    n_classes = max(n_outputs, 2)
    true, found = (one.ravel().astype(np.intp) for one in decisions(Y, a, threshold))
    counts = np.bincount(true * n_classes + found, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


# What is computed, from targets as `_data_checks.targets` makes them, outputs (n, n_outputs), and
# the threshold of outputs that each decide alone. The outputs of a training may be infinite or NaN;
# then so may be the result.


def decisions(Y: Array, a: Array, threshold: float | None) -> tuple[Array, Array]:
    """Targets and outputs as class numbers (n,), or as on or off, (n, n_outputs)."""
    if threshold is None:
        return Y[:, 0].astype(np.intp) if Y.shape[1] < a.shape[1] else Y.argmax(1), a.argmax(1)
    return _middle(Y) < Y, a > threshold


def _middle(Y: Array) -> float:
    """Halfway between 0 and 1, or between -1 and 1."""
    return 0.0 if (Y < 0).any() else 0.5


def _accuracy(Y: Array, a: Array, threshold: float | None) -> float:
    true, found = decisions(Y, a, threshold)
    return float((true == found).mean())


def _f1(Y: Array, a: Array, threshold: float | None) -> float:
    true, found = decisions(Y, a, threshold)
    if true.ndim == 2 and true.shape[1] > 1:
        hits, both = (true & found).sum(axis=0), true.sum(axis=0) + found.sum(axis=0)
        return float((2 * hits / np.maximum(both, 1)).mean())
    true, found = true.ravel().astype(np.intp), found.ravel().astype(np.intp)
    n_classes = max(a.shape[1], 2)
    hits, of_true, of_found = (
        np.bincount(one, minlength=n_classes) for one in (true[true == found], true, found)
    )
    occurs = of_true + of_found > 0
    return float((2 * hits[occurs] / (of_true + of_found)[occurs]).mean())


def _roc_auc(Y: Array, a: Array, threshold: float | None) -> float:
    areas = []
    for k, scores in enumerate(a.T):
        is_of_class = Y[:, 0] == k if Y.shape[1] < a.shape[1] else Y[:, k] == 1
        areas.append(_area(is_of_class, scores))
    return float(np.mean(areas))


def _area(is_of_class: Array, scores: Array) -> float:
    if np.isnan(scores).any():
        return np.nan
    values, place = np.unique(scores, return_inverse=True)
    n_values = len(values)
    inside = np.bincount(place[is_of_class], minlength=n_values)
    outside = np.bincount(place[~is_of_class], minlength=n_values)
    below = np.cumsum(outside) - outside
    # In whole numbers, and so exact.
    return float((inside * (2 * below + outside)).sum() / (2 * inside.sum() * outside.sum()))


def _log_loss(Y: Array, a: Array, threshold: float | None) -> float:
    eps = np.finfo(a.dtype).eps
    if a.shape[1] == 1:
        Y, a = np.hstack((1 - Y, Y)), np.hstack((1 - a, a))
    p = np.clip(a, eps, 1 - eps)
    if Y.shape[1] < p.shape[1]:
        logs = np.log(np.take_along_axis(p, Y.astype(np.intp), axis=1), dtype=np.float64)
    else:
        logs = Y * np.log(p, dtype=np.float64)
    return float(-logs.sum(axis=1).mean())


def _mae(Y: Array, a: Array, threshold: float | None) -> float:
    return float(np.abs(_errors(Y, a)).mean())


def _rmse(Y: Array, a: Array, threshold: float | None) -> float:
    return float(np.sqrt((_errors(Y, a) ** 2).mean(axis=0)).mean())


def _r2(Y: Array, a: Array, threshold: float | None) -> float:
    if len(Y) < 2:
        return np.nan
    errors = (_errors(Y, a) ** 2).sum(axis=0)
    spread = ((Y - Y.mean(axis=0, dtype=np.float64)) ** 2).sum(axis=0)
    varies = (Y[0] != Y).any(axis=0)
    parts = np.where(varies, 1 - errors / np.where(varies, spread, 1), errors == 0)
    return float(parts.mean())


def _errors(Y: Array, a: Array) -> Array:
    return np.subtract(a, Y, dtype=np.float64)


class Own(NamedTuple):
    """A metric of fastnn's: the function that users call, and what it computes."""

    function: Callable[..., float]
    compute: Callable[[Array, Array, float | None], float]
    larger_is_better: bool


METRICS = {
    "accuracy": Own(accuracy, _accuracy, True),
    "f1": Own(f1, _f1, True),
    "roc_auc": Own(roc_auc, _roc_auc, True),
    "log_loss": Own(log_loss, _log_loss, False),
    "mae": Own(mae, _mae, False),
    "rmse": Own(rmse, _rmse, False),
    "r2": Own(r2, _r2, True),
}
LARGER_IS_BETTER = frozenset(name for name, own in METRICS.items() if own.larger_is_better)


def _of_users(name: str, y: ArrayLike, outputs: ArrayLike, threshold: float | None = None) -> float:
    return _computed(name, *checked(name, y, outputs, threshold, name))


def checked(
    name: str, y: ArrayLike, outputs: ArrayLike, threshold: float | None, who: str
) -> tuple[Array, Array, float | None]:
    """What a metric, which is called so in messages, is computed from."""
    Y, a = _data_checks.targets_and_outputs(y, outputs)
    n_outputs = a.shape[1]
    if threshold is not None:
        threshold = _checks.number(threshold, "threshold")
    elif n_outputs == 1:
        threshold = _middle(Y)
    _check_fit(name, who, Y, "y", n_outputs, are_labels=threshold is not None)
    if name == "log_loss":
        _data_checks.probabilities(a, "outputs", who)
    return Y, a, threshold


def _computed(name: str, Y: Array, a: Array, threshold: float | None) -> float:
    with np.errstate(all="ignore"):
        return METRICS[name].compute(Y, a, threshold)


def get(value: Any) -> dict[str, str | Metric]:
    """Metrics by the names they get in History: a function for each, or the name of one here."""
    name = "metrics"
    if value is None:
        return {}
    given: list[tuple[str | None, Any, str]]
    if isinstance(value, Mapping):
        given = [
            (str(_checks.text(column, f"a name in {name}")), one, f"{name}[{column!r}]")
            for column, one in value.items()
        ]
    else:
        listed = [value] if isinstance(value, str) or callable(value) else value
        expected = (
            "a name, a function, a sequence of them, such as ['accuracy'], or a mapping that "
            "gives them names"
        )
        given = [
            (None, one, f"{name}[{i}]")
            for i, one in enumerate(_checks.sequence(listed, name, expected))
        ]
    found: dict[str, str | Metric] = {}
    for column, one, place in given:
        metric = _metric(one, place)
        if column is None:
            column = metric if isinstance(metric, str) else _name_of(metric)
        taken = column in found or column in ("loss", "learning_rate", "epoch")
        if taken or column.startswith("val_"):
            raise ValueError(
                f"{name} must have names of their own, which History has for nothing else; got "
                f"{column!r} in {place}; a mapping gives other names: "
                f'{name}={{"some_name": ...}}'
            )
        found[column] = metric
    return found


def _metric(value: Any, name: str) -> str | Metric:
    if isinstance(value, str):
        return _checks.known_name(value, name, METRICS)
    for own_name, own in METRICS.items():
        if value is own.function:
            return own_name
    if value is confusion_matrix:
        raise ValueError(
            f"{name} must give a number, which confusion_matrix does not; call it with y and the "
            "outputs of feedforward"
        )
    if isinstance(value, type) or not callable(value):
        raise TypeError(
            f"{name} must be the name of a metric or a function of (y, outputs), "
            f"got {_checks.description(value)}{_checks.instead_of_class(value)}"
        )
    function: Metric = value
    return function


def _name_of(function: Any) -> str:
    found = getattr(function, "__name__", None)
    return str(found) if isinstance(found, str) else type(function).__name__


def check_fit(metrics: Mapping[str, str | Metric], data: Data, y_name: str) -> None:
    """Whether fastnn's own metrics make sense for a network and its targets."""
    model = data.model
    n_outputs, output = model.layer_sizes[-1], model.activations[-1]
    for metric in metrics.values():
        if not isinstance(metric, str):
            continue
        who = f'"{metric}" in metrics'
        if metric == "log_loss" and output != ("sigmoid" if n_outputs == 1 else "softmax"):
            raise ValueError(
                f"{who} needs outputs that are probabilities of classes, of softmax or of one "
                f"sigmoid unit, got {n_outputs} output{_checks.plural(n_outputs)} of {output}; "
                "leave it out, or use another activation"
            )
        _check_fit(metric, who, data.Y, y_name, n_outputs, are_labels=model.loss == "bce")


def _check_fit(
    metric: str, who: str, Y: Array, y_name: str, n_outputs: int, are_labels: bool
) -> None:
    """Whether a metric of fastnn's makes sense for targets. who is it in messages.

    are_labels says that each of several outputs decides by itself.
    """
    if metric in ("mae", "rmse", "r2") and Y.shape[1] < n_outputs:
        raise ValueError(
            f"{who} needs targets that are quantities, and {y_name} holds class numbers; "
            'use "accuracy"'
        )
    if metric in ("f1", "confusion_matrix", "roc_auc"):
        _classes_or_labels(who, Y, y_name, n_outputs, are_labels or metric == "roc_auc")
    if metric == "roc_auc":
        _both_sides(who, Y, y_name, n_outputs)
    if metric == "log_loss" and Y.shape[1] == n_outputs:
        _data_checks.probabilities(Y, y_name, who)


def _classes_or_labels(who: str, Y: Array, y_name: str, n_outputs: int, are_labels: bool) -> None:
    if Y.shape[1] < n_outputs:
        return
    off = -1 if n_outputs == 1 and (Y < 0).any() else 0
    wrong = ((off != Y) & (Y != 1)).any(axis=1)
    if n_outputs == 1:
        expected = "numbers 0 and 1, or -1 and 1"
    elif are_labels:
        expected = "class numbers, or rows of 0 and 1"
    else:
        expected = "class numbers, or rows with a single 1 among zeros"
        wrong |= (Y == 1).sum(axis=1) != 1
    if wrong.any():
        raise ValueError(
            f"{who} needs targets that are classes: {expected}; {y_name} has others, first in row "
            f"{int(np.argmax(wrong))}; for quantities use mae, rmse or r2"
        )


def _both_sides(who: str, Y: Array, y_name: str, n_outputs: int) -> None:
    is_of_class = np.arange(n_outputs) == Y if Y.shape[1] < n_outputs else Y == 1
    counts = is_of_class.sum(axis=0)
    for k in np.flatnonzero((counts == 0) | (counts == len(Y))).tolist():
        found = "none" if counts[k] == 0 else "no others than those"
        raise ValueError(
            f"{who} compares samples of each class with others, and {y_name} has {found} of class "
            f"{1 if n_outputs == 1 else k}; give samples of it and others, or leave it out"
        )


def threshold_of(data: Data) -> float | None:
    """Above which an output is on; None where the largest of several decides."""
    if data.model.layer_sizes[-1] > 1 and data.model.loss != "bce":
        return None
    return _middle(data.Y)


def evaluated(
    data: Data, metrics: Mapping[str, str | Metric], threshold: float | None, l2: float = 0.0
) -> dict[str, float]:
    """The loss and the metrics by their names, all from the same outputs."""
    if not metrics:
        return {"loss": data.loss(l2)}
    model, Y = data.model, data.Y
    outputs = np.empty((len(data.X), model.layer_sizes[-1]), model.layout.dtype)
    found = {"loss": data.loss(l2, outputs)}
    for name, metric in metrics.items():
        if isinstance(metric, str):
            found[name] = _computed(metric, Y, outputs, threshold)
            continue
        y = Y.astype(np.intp) if Y.shape[1] < outputs.shape[1] else Y
        arrays = (rows[:, 0] if rows.shape[1] == 1 else rows for rows in (y, outputs))
        value = metric(*(rows.copy() for rows in arrays))
        found[name] = _checks.real_number(value, f"what the metric {name!r} returns", kinds="biufO")
    return found
