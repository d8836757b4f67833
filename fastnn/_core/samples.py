"""The samples of a call as the kernels read them: dense rows, or the numbers that are not zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from fastnn._core import kernels

Array = np.ndarray[Any, Any]


class Sparse(Protocol):
    """By what a type checker knows a scipy.sparse array or matrix, without SciPy.

    They have a shape too, but that of matrices is a property that no protocol has.
    """

    @property
    def format(self) -> str: ...

    def tocsr(self) -> Any:
        """The same numbers, as indptr, indices and data."""


@dataclass(frozen=True, eq=False, repr=False)
class Compressed:
    """The numbers of each row that are not zero: row i has those from starts[i] to starts[i + 1].

    The layout of a scipy.sparse CSR array, whose names for the arrays are indptr, indices and data.
    starts is None where there is room for a few rows only, into which kernels compress.
    """

    starts: Array | None  # intp, one more than there are rows
    columns: Array  # int32, which ascend in each row
    values: Array

    def __len__(self) -> int:
        assert self.starts is not None
        return len(self.starts) - 1

    def take(self, rows: Array) -> Compressed:
        """These rows, in this order."""
        assert self.starts is not None
        firsts, counts = self.starts[:-1][rows], np.diff(self.starts)[rows]
        starts = np.zeros(len(rows) + 1, np.intp)
        np.cumsum(counts, out=starts[1:])
        # Of number i of the result, where it has been.
        places = np.arange(starts[-1]) + np.repeat(firsts - starts[:-1], counts)
        # With one more, so that an empty row at the end has a place.
        columns = np.append(self.columns[places], self.columns.dtype.type(0))
        return Compressed(
            starts, columns, np.append(self.values[places], self.values.dtype.type(0))
        )

    @property
    def n_numbers(self) -> int:
        """How many numbers all rows have together."""
        assert self.starts is not None
        return int(self.starts[-1])

    @property
    def nbytes(self) -> int:
        return self.columns.nbytes + self.values.nbytes


class Samples:
    """Rows of X, dense or compressed or both, and where there are any of targets Y, and weights.

    `record` is what kernels get. It holds addresses, and this object the arrays behind them.
    """

    def __init__(
        self,
        X: Array | Compressed | None,
        Y: Array | None = None,
        compressed: Compressed | None = None,
        weights: Array | None = None,
    ) -> None:
        if isinstance(X, Compressed):
            X, compressed = None, X
        self.n_targets = 0 if Y is None else Y.shape[1]
        starts = columns = values = None
        room = 0
        if compressed is not None:
            starts, columns, values = compressed.starts, compressed.columns, compressed.values
            room = columns.shape[1] if starts is None else 0
        self.record = kernels.samples_of(X, Y, starts, columns, values, room, weights)
        self._arrays = (X, Y, compressed, weights)
        self.has_room = room > 0
        self.bytes_of_inputs = 0 if X is None else X.shape[1] * X.itemsize


def compress(X: Array, counts: Array) -> Compressed:
    """The non-zero numbers of dense rows, counts[t] in row t: 4 bytes for each, and its own.

    There is a place more, so that an empty row at the end has a place too.
    """
    starts = np.zeros(len(X) + 1, np.intp)
    np.cumsum(counts, out=starts[1:])
    columns = np.empty(starts[-1] + 1, np.int32)
    values = np.empty(starts[-1] + 1, X.dtype)
    kernels.compress(X, starts, columns, values)
    return Compressed(starts, columns, values)


def room_for(n_rows: int, n_inputs: int, dtype: np.dtype[Any], n_members: int = 1) -> Compressed:
    """Where each member compresses one row after the other, or each block of samples."""
    shape = (n_members, n_rows, n_inputs)
    return Compressed(None, np.empty(shape, np.int32), np.empty(shape, dtype))
