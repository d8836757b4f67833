"""Outputs of a model that is exported: what they say, and how well they say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fastnn import _checks, _data_checks, _tables, metrics
from fastnn._core.data import Data
from fastnn._core.model import Model

if TYPE_CHECKING:
    from fastnn.export._exported import Exported

    Array = np.ndarray[Any, Any]


def decision(found: Exported) -> Literal["largest", "one", "each"] | None:
    """How outputs say a class: by the largest, or those above 1/2, of one or of each."""
    one = found.layer_sizes[-1] == 1
    if found.kind == "multilabel" or (found.kind == "network" and found.loss == "bce" and not one):
        return "each"
    if found.kind == "classifier" or found.loss == "bce":
        return "one" if one else "largest"
    return "largest" if found.loss == "cross_entropy" else None


def has_one_class(found: Exported) -> bool:
    """Which is that of each row, whatever the output says."""
    return found.kind == "classifier" and len(found.classes or ()) == 1


def classes(found: Exported, y: Array) -> tuple[Array | None, Array]:
    """The class of each row of outputs, or whether each is on; and how far that is from another."""
    how = decision(found)
    if how is None:
        return None, np.full(len(y), np.inf)
    if has_one_class(found) or (how == "largest" and y.shape[1] == 1):
        return np.zeros(len(y), int), np.full(len(y), np.inf)
    if how == "largest":
        least, most = np.sort(y, axis=1)[:, -2:].T
        return y.argmax(axis=1), most - least
    on = (y > 0.5).astype(int)
    return on[:, 0] if how == "one" else on, np.abs(y - 0.5).min(axis=1)


def outputs(found: Exported, rows: Array) -> Array:
    """(n, n_outputs), of rows in the dtype; NaN, if one of the rows is not finite."""
    made = np.empty((len(rows), found.layer_sizes[-1]), found.dtype)
    if not _model(found).feedforward(np.ascontiguousarray(rows, found.dtype), made):
        made[:] = np.nan
    return made


def _model(found: Exported) -> Model:
    model = Model(found.layer_sizes, found.activations, found.loss, found.dtype)
    weights, biases = model.layout.views(model.parameters)
    for mine, given in zip(weights + biases, found.weights + found.biases, strict=True):
        mine[:] = given
    return model


def checked(found: Exported, data: Any) -> tuple[Array, Array]:
    """X in the dtype and y as `score` takes them, of data=(X, y)."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(f"data must be a tuple (X, y), got {_checks.description(data)}")
    X, y = data
    X = X.toarray() if callable(getattr(X, "toarray", None)) else X
    given = _data_checks.given(X, "data[0]")
    if isinstance(given, _tables.Table):
        of = _tables.NAMES if found.kind == "network" else "model.feature_names_in_"
        given.names_beside(found.feature_names, of)
    rows: Any = _data_checks.samples(given, "data[0]", found.layer_sizes[0], found.dtype)
    return rows, _targets(found, y, len(rows))


def _targets(found: Exported, y: Any, n: int) -> Array:
    """Class numbers of a classifier, and of others y as `Network.evaluate` takes it."""
    loss, n_outputs, dtype = found.loss, found.layer_sizes[-1], np.dtype(np.float64)
    if found.kind == "classifier":
        given = np.asarray(y)
        if given.shape not in ((n,), (n, 1)):
            raise ValueError(f"data[1] must be {n} classes, one of each row, got {given.shape}")
        places = {one: k for k, one in enumerate(found.classes or ())}
        unknown = [one for one in given.ravel().tolist() if one not in places]
        if unknown:
            raise ValueError(
                f"data[1] must hold classes that the model knows, got {unknown[0]!r}; they are "
                f"{', '.join(map(repr, places))}"
            )
        numbers = np.array([places[one] for one in given.ravel().tolist()])
        return numbers.astype(dtype) if n_outputs == 1 else numbers
    if found.kind == "multilabel":
        loss = "bce"
    return _data_checks.targets(y, "data[1]", n, loss, n_outputs, dtype)


def score(found: Exported, rows: Array, y: Array) -> tuple[str, float]:
    """Its name and the accuracy, of a regressor R², or of another network its loss."""
    how = decision(found)
    if how is not None:
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        threshold = None if how == "largest" else 0.5
        made = outputs(found, rows)
        if has_one_class(found):
            made[:] = 0  # which is its number
        return "accuracy", metrics.accuracy(y, made, threshold=threshold)
    if found.kind == "regressor":
        return "R2", metrics.r2(y, outputs(found, rows))
    model = _model(found)
    return found.loss, Data(model, rows.astype(found.dtype), y.astype(found.dtype)).loss()
