"""Inputs and targets of very different sizes, brought to one scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks, _data_checks
from fastnn._tables import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Array = np.ndarray[Any, Any]
    Floats = NDArray[np.floating[Any]]

__all__ = ["Standardizer"]

NUMBERS_AT_ONCE = 2**16  # that are in float64 beside the data
FLAT = ("row", "")  # of numbers in one dimension, each of a row


class Standardizer:
    """Mean 0 and standard deviation 1 for each column: (x - mean) / scale.

    It has the mean and the standard deviation (of all rows, divided by n) of each column of the
    data that it was fitted to, as scikit-learn's StandardScaler; of a column that is constant, but
    for rounding, the scale is 1. All is computed in float64. Fit it to the inputs that a network is
    to learn from, and for a regression another one to the targets; `Network.with_standardizer` then
    makes them part of the network that is used and saved.

    Attributes
    ----------
    mean, scale : ndarray of float64, (n_columns,), or None before `fit`
    feature_names : tuple of str, or None
        The names of the columns of the table that it was fitted to.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import Network
    >>> from fastnn.preprocessing import Standardizer
    >>> X = np.array([[0.03, 51_000.0], [0.05, 38_000.0], [0.04, 42_000.0], [0.07, 29_000.0]])
    >>> y = 3 * X[:, 1] * (1 - X[:, 0])
    >>> of_X, of_y = Standardizer().fit(X), Standardizer().fit(y)
    >>> of_X.mean.round(3).tolist(), of_X.scale.round(3).tolist()
    ([0.048, 40000.0], [0.015, 7905.694])
    >>> net = Network([2, 8, 1], activation=["tanh", "identity"], seed=0)
    >>> history = net.train(
    ...     of_X.transform(X), of_y.transform(y), epochs=1000, learning_rate=0.1
    ... )
    >>> whole = net.with_standardizer(of_X, targets=of_y)
    >>> bool(abs(whole.feedforward(X)[:, 0] - y).max() < 1_000)
    True
    """

    def __init__(self) -> None:
        self._mean: Array | None = None
        self._scale: Array | None = None
        self._feature_names: tuple[str, ...] | None = None

    @classmethod
    def from_parameters(
        cls, mean: ArrayLike, scale: ArrayLike, *, feature_names: Sequence[str] | None = None
    ) -> Standardizer:
        """One with known numbers, such as those of a StandardScaler: ``mean_`` and ``scale_``.

        Parameters
        ----------
        mean, scale : array_like, (n_columns,)
            Finite, and scale above zero.
        feature_names : sequence of str or None, default None
            The names of the columns.

        Raises
        ------
        TypeError, ValueError
            For bad numbers or names.
        """
        dtype = np.dtype(np.float64)
        parts = {}
        for name, value in (("mean", mean), ("scale", scale)):
            found = np.array(_data_checks.given(value, name), ndmin=0)
            if found.ndim != 1 or not found.size:
                raise ValueError(f"{name} must have shape (n_columns,), got {found.shape}")
            parts[name] = _data_checks.converted(found, name, dtype, axes=("column",)).copy()
        if len(parts["mean"]) != len(parts["scale"]):
            raise ValueError(
                f"scale must be as long as mean, {len(parts['mean'])}, got {len(parts['scale'])}"
            )
        _data_checks.refuse(
            parts["scale"], parts["scale"] <= 0, "scale", "be above zero", ("column",)
        )
        made = cls()
        made._mean, made._scale = parts["mean"], parts["scale"]
        made._feature_names = _checks.feature_names(
            feature_names, "feature_names", len(parts["mean"])
        )
        return made

    @property
    def mean(self) -> NDArray[np.float64] | None:
        """Of each column, a copy."""
        return None if self._mean is None else self._mean.copy()

    @property
    def scale(self) -> NDArray[np.float64] | None:
        """The standard deviation of each column, or 1 of a constant one; a copy."""
        return None if self._scale is None else self._scale.copy()

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the columns, if it was fitted to a table with names that are text."""
        return self._feature_names

    def fit(self, X: ArrayLike) -> Standardizer:
        """Learn mean and scale of each column, instead of those of any fit before.

        Parameters
        ----------
        X : array_like or table, (n, n_columns), or (n,) for one column, such as targets
            At least one row. Of the kinds that `Network.train` takes, but for sparse arrays.

        Returns
        -------
        Standardizer
            This one.

        Raises
        ------
        TypeError, ValueError
            For bad data, and for a column whose numbers are too large for their squares; all stays
            as it was.
        """
        rows, names = _rows(X)
        if not len(rows):
            raise ValueError(f"X must have at least one row, got shape {rows.shape}")
        self._mean, self._scale = _mean_and_scale(rows)
        self._feature_names = names
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """(X - mean) / scale, in a new array.

        Parameters
        ----------
        X : array_like or table, (n, n_columns), or (n_columns,) for one sample
            For a Standardizer of one column also (n,). A table must have the columns that it was
            fitted to, if they have names.

        Returns
        -------
        ndarray of the shape of X
            float32 of float32, and else float64. A row alone equals the same row among others.

        Raises
        ------
        TypeError, ValueError
            For bad data, and before `fit`.
        """
        return self._applied(X, forth=True)

    def fit_transform(self, X: ArrayLike) -> Floats:
        """`fit`, and `transform` of the same data."""
        return self.fit(X).transform(X)

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """X * scale + mean: what `transform` was given, to rounding.

        Parameters
        ----------
        X : array_like, of the shapes that `transform` takes

        Returns
        -------
        ndarray of the shape of X
            float32 of float32, and else float64.

        Raises
        ------
        TypeError, ValueError
            For bad data, and before `fit`.
        """
        return self._applied(X, forth=False)

    def _fitted(self) -> tuple[Array, Array]:
        if self._mean is None or self._scale is None:
            raise ValueError("this Standardizer knows no data yet: call fit(X) first")
        return self._mean, self._scale

    def _copy(self) -> Standardizer:
        """One that no later fit changes."""
        mean, scale = self._fitted()
        return Standardizer.from_parameters(mean, scale, feature_names=self._feature_names)

    def _applied(self, X: Any, forth: bool) -> Floats:
        mean, scale = self._fitted()
        given = _given(X)
        if forth:
            _data_checks.feature_names(given, self._feature_names)
        found = given.numbers if isinstance(given, Table) else given
        shape, n_columns = found.shape, len(mean)
        axes, table = _data_checks.ROWS, given if isinstance(given, Table) else None
        if found.ndim == 1 and n_columns == 1:
            found, axes, table = found[:, np.newaxis], FLAT, None
        elif found.ndim == 1:
            found, axes = found[np.newaxis], _data_checks.ONE
        if found.ndim != 2 or found.shape[1] != n_columns:
            one = "(n,)" if n_columns == 1 else f"({n_columns},) for one sample"
            raise ValueError(
                f"X must have shape (n, {n_columns}) or {one}, one number for each column that the "
                f"Standardizer was fitted to; got {shape}"
            )
        rows = _data_checks.converted(found, "X", _dtype(found), table=table, axes=axes)
        out = np.empty_like(rows)
        with np.errstate(over="ignore"):
            for place, block in _blocks(rows):
                out[place] = (block - mean) / scale if forth else block * scale + mean
        if not _data_checks.all_finite(out):
            _data_checks.refuse(
                rows, ~np.isfinite(out), "X", f"be finite in {out.dtype} when it is standardized, "
                "or back", axes, "; is it of the kind that the Standardizer was fitted to?"
            )  # fmt: skip
        return out.reshape(shape)

    def __repr__(self) -> str:
        if self._mean is None:
            return "<Standardizer, not fitted>"
        n = len(self._mean)
        return f"<Standardizer of {n} column{_checks.plural(n)}>"


def _given(X: Any) -> Array | Table:
    found = _data_checks.given(X, "X")
    if isinstance(found, _data_checks.CSR):
        raise TypeError(
            f"X must be dense, as its zeros would become other numbers, got "
            f"{_checks.description(X)}; use X.toarray(), or scikit-learn's MaxAbsScaler, which "
            "leaves zeros as they are"
        )
    return found


def _dtype(found: Array) -> np.dtype[Any]:
    is_float32 = found.dtype.newbyteorder("=") == np.float32
    return np.dtype(np.float32 if is_float32 else np.float64)


def _rows(X: Any) -> tuple[Array, tuple[str, ...] | None]:
    """Checked numbers to be learned from, and the names of their columns."""
    given = _given(X)
    found, table = (given.numbers, given) if isinstance(given, Table) else (given, None)
    if found.ndim == 1:
        return _data_checks.converted(found[:, np.newaxis], "X", _dtype(found), axes=FLAT), None
    if found.ndim != 2:
        raise ValueError(
            f"X must have shape (n, n_columns), or (n,) for one column, got {found.shape}"
        )
    rows = _data_checks.converted(found, "X", _dtype(found), table=table)
    return rows, None if table is None else table.feature_names


def _blocks(rows: Array) -> Iterator[tuple[slice, Array]]:
    """Rows in float64, some at a time: they may be a file that is larger than memory."""
    n_rows = max(1, NUMBERS_AT_ONCE // max(1, rows.shape[1]))
    for start in range(0, len(rows), n_rows):
        place = slice(start, start + n_rows)
        yield place, rows[place].astype(np.float64)


def _mean_and_scale(rows: Array) -> tuple[Array, Array]:
    """In two passes, of which the second also corrects the mean of the first."""
    n = len(rows)
    with np.errstate(all="ignore"):
        least, most = (np.asarray(of(rows, axis=0)).astype(np.float64) for of in (np.min, np.max))
        mean = sum(block.sum(axis=0) for _, block in _blocks(rows)) / n
        sums = np.zeros((2, rows.shape[1]))
        for _, block in _blocks(rows):
            block -= mean
            sums += block.sum(axis=0), np.square(block).sum(axis=0)
        rest, squares = sums / n
        mean, variance = mean + rest, np.maximum(squares - rest**2, 0)
        # What rounding alone makes of a column, by the bound of scikit-learn's.
        epsilon = np.finfo(np.float64).eps
        is_constant = variance <= n * epsilon * variance + (n * epsilon * mean) ** 2
        is_constant |= least == most
    wrong = ~(np.isfinite(mean) & np.isfinite(variance)) & (least != most)
    if wrong.any():
        j = int(wrong.argmax())
        largest = max(abs(least[j]), abs(most[j]))
        raise ValueError(
            f"X must have numbers whose squares are finite, and column {j} has some up to "
            f"{largest:.3g}; give that column in a larger unit"
        )
    mean = np.where(least == most, least, mean)
    return mean, np.where(is_constant, 1.0, np.sqrt(variance))
