"""X and y of a call, checked for a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastnn import _data_checks
from fastnn._core import kernels
from fastnn._core.data import Data
from fastnn._core.samples import Compressed, Sparse

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastnn._core.model import Model

    Array = np.ndarray[Any, Any]


class Rows(NamedTuple):
    """X of one call or several, checked for networks with as many inputs, of one dtype."""

    given: Any
    rows: Array | Compressed
    counts: Array | None
    fingerprint: int | None

    @classmethod
    def checked(cls, X: Any, model: Model, compares: bool) -> Rows:
        """compares: it will be asked whether the data are those of another call."""
        given, n_inputs = _data_checks.given(X, "X"), model.layer_sizes[0]
        _data_checks.feature_names(given, model.feature_names)
        dtype = model.layout.dtype
        return cls(given, *_data_checks.counted_samples(given, "X", n_inputs, dtype, compares))

    def take(self, places: Array, model: Model, compares: bool) -> Rows:
        """These rows, as if they had been given alone."""
        rows = self.rows
        if isinstance(rows, Compressed):
            rows = rows.take(places)
            fingerprint = None
            if compares:
                assert rows.starts is not None
                *_, fingerprint = kernels.scan_compressed(
                    rows.starts, rows.columns, rows.values, model.layer_sizes[0], True
                )
            return Rows(self.given, rows, None, fingerprint)
        X = np.ascontiguousarray(rows[places])
        n_inputs, dtype = model.layer_sizes[0], model.layout.dtype
        return Rows(self.given, *_data_checks.counted_samples(X, "X", n_inputs, dtype, compares))


def data_of(
    model: Model,
    X: ArrayLike | Sparse,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    known: tuple[str, ...] | None,
    n_threads: int | None = 1,
    prefix: str = "",
) -> Data:
    """Checked samples to be evaluated; of a table with these names, if they are known."""
    dtype = model.layout.dtype
    given = _data_checks.given(X, f"{prefix}X")
    if known is not None:
        _data_checks.feature_names(given, known)
    rows = _data_checks.samples(given, f"{prefix}X", model.layer_sizes[0], dtype)
    Y = _data_checks.apart(targets(model, y, len(rows), f"{prefix}y"), model.parameters)
    weights = _data_checks.sample_weight(sample_weight, f"{prefix}sample_weight", len(rows))
    rows = _data_checks.apart(rows, model.parameters)
    return Data(model, rows, Y, weights=weights, n_threads=n_threads)


def targets(model: Model, y: ArrayLike, n_samples: int, name: str) -> Array:
    """Checked targets for networks with such outputs."""
    return _data_checks.targets(
        y, name, n_samples, model.loss, model.layer_sizes[-1], model.layout.dtype
    )
