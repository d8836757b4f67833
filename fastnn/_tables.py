"""What a table of the user's is made of: its numbers, and the names of its columns.

pandas, polars and PyArrow, and what is like them, are known by what their classes have, and never
imported. (Instances would not do: there, names of columns are attributes too.) A table is asked
once, and a `Table` stands in its place from then on.
"""

from __future__ import annotations

import contextlib
import datetime
import math
import numbers
import reprlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fastnn._checks import NUMBERS, description

Array = np.ndarray[Any, Any]

NAMES = "net.feature_names"  # where messages say that they are
DATES = (datetime.date, datetime.time, np.datetime64)
DURATIONS = (datetime.timedelta, np.timedelta64)
NO_TABLES = (np.ndarray, list, tuple, float, int)  # what need not be looked at
# So many numbers of several types are sooner made objects than a frame is asked for its types.
FEW_NUMBERS = 1000
MOST_NAMES = 5  # in a message


class Advice(NamedTuple):
    """What helps, in the words of a library; {0} stands for the table."""

    encode: str
    read: str  # numbers from text
    fill: str
    select: str


PANDAS = Advice(
    "pandas.get_dummies({0})",
    "pandas.to_numeric",
    "{0}.fillna or {0}.dropna",
    "{0}[list(net.feature_names)]",
)
POLARS = Advice(
    "{0}.to_dummies()",
    "cast(polars.Float64)",
    "{0}.fill_null, {0}.fill_nan or {0}.drop_nulls",
    "{0}[list(net.feature_names)]",
)
ARROW = Advice(
    "pandas.get_dummies({0}.to_pandas())",
    "cast(pyarrow.float64())",
    "pyarrow.compute.fill_null or {0}.drop_null()",
    "{0}.select(list(net.feature_names))",
)


class Parts(NamedTuple):
    """What a table has answered."""

    advice: Advice
    content: Array | list[Array]  # all of it, or a frame's columns
    labels: Any = None  # of a frame's columns
    index: Any = None  # labels of the rows


@dataclass(eq=False, repr=False)
class Table:
    """The numbers of a table, and words for their places.

    numbers is (n, columns) for a frame, of the type that NumPy finds for all columns; (n,) for a
    single column; and (columns,) for a single sample, as which a row of a pandas frame comes.
    """

    name: str  # of the argument
    advice: Advice
    labels: Any
    index: Any
    is_sample: bool
    is_target: bool
    numbers: Array = field(init=False)

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the columns, if all of these are text."""
        labels: Any = () if self.labels is None else self.labels
        # A tenth of the time that it takes to go through those of pandas.
        listed = labels.tolist() if hasattr(type(labels), "tolist") else list(labels)
        if set(map(type, listed)) != {str}:
            if not listed or not all(isinstance(label, str) for label in listed):
                return None
            listed = [str.__str__(label) for label in listed]  # nobody's own kind of text
        names = tuple(listed)
        if len(names) != self.numbers.shape[-1]:
            raise ValueError(
                f"{self.name} must have as many names as columns, got {len(names)} names and "
                f"{self.numbers.shape[-1]} columns"
            )
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"{self.name} must have a name of its own for each column, got {twice!r} more "
                "than once; rename or drop columns"
            )
        return names

    def names_beside(
        self, known: tuple[str, ...] | None, of: str = NAMES
    ) -> tuple[str, ...] | None:
        """feature_names, which must be those that a network was trained on, in their order.

        of is where a user finds them: a network's, or those of another model.
        """
        names = self.feature_names
        if names is None or known is None or names == known:
            return names
        select = f"use {self.advice.select.format(argument(self.name)).replace(NAMES, of)}"
        there, wanted = set(names), set(known)
        missing = [name for name in known if name not in there]
        new = [name for name in names if name not in wanted]
        if not missing and not new:
            raise ValueError(
                f"{self.name} must have its columns in the order of {of}, and has them in "
                f"another; {select}"
            )
        found = []
        if missing:
            found.append(f"lacks {_listed(missing)}")
            select = "rename or add columns"
            if of == NAMES:
                select += ", or let net.reset_trainer() forget the old ones"
        if new:
            found.append(f"has {_listed(new)}, which the network does not know")
        raise ValueError(
            f"{self.name} must have the columns that the network was trained on, {of}, and "
            f"{' and '.join(found)}; {select}"
        )

    def place(self, place: tuple[Any, ...]) -> str:
        """A place among the numbers, or among them as rows, by its labels and in words."""
        row, column = place[0], place[-1] if len(place) > 1 or self.is_sample else 0
        of_column = f"column {_label(self.labels, column)}"
        if self.is_sample:
            return of_column
        label = _label(self.index, row)
        of_row = f"row {row}" if label == str(row) else f"row {row} (index label {label})"
        return of_row if self.labels is None else f"{of_column}, {of_row}"

    def refusal(self, value: Any, place: tuple[Any, ...]) -> Exception:
        """The error about a value that is missing, or no number."""
        it, where = argument(self.name), self.place(place)
        if is_missing(value):
            return ValueError(
                f"{self.name} must have no missing values, got {value!s} in {where}; fill or drop "
                f"it, for example with {self.advice.fill.format(it)}"
            )
        encode = self.advice.encode.format(it)
        return TypeError(
            f"{self.name} must hold real numbers, got {in_words(value)} in {where}"
            f"{remedy(value, self.is_target, encode, self.advice.read, it)}"
        )

    def fill(self, content: Array | list[Array]) -> None:
        """Make numbers of all columns."""
        if not isinstance(content, list):
            self.numbers = self._real(content)
            return
        columns = [self._real(column, j) for j, column in enumerate(content)]
        shapes = {column.shape for column in columns} or {(0,)}
        if len(shapes) > 1 or len(min(shapes)) != 1:
            raise ValueError(
                f"{self.name} must have columns of one number in each row, got columns of shape "
                f"{' and '.join(map(str, sorted(shapes)))}"
            )
        dtype = np.result_type(*columns) if columns else np.float64
        self.numbers = np.empty((*shapes.pop(), len(columns)), dtype)
        for j, column in enumerate(columns):
            self.numbers[:, j] = column

    def _real(self, column: Array, *j: int) -> Array:
        """The numbers of the column j, or of all of what has no columns."""
        kind = column.dtype.kind
        if kind in "biuf":
            return column
        if kind != "O":
            first = int(np.isnat(column).argmin()) if kind in "mM" and column.size else 0
            objects: list[Any] = list(column.reshape(-1)[first : first + 1])
        else:
            first, objects = 0, column.tolist()
            if set(map(type, objects)) <= _plain_types():
                with contextlib.suppress(OverflowError, ValueError):
                    return column.astype(np.float64)
        found, missing = [], []
        for i, value in enumerate(objects, first):
            number = as_number(value)
            if number is not None:
                found.append(number)
            elif is_missing(value):
                missing.append((value, (i, *j)))
            else:
                raise self.refusal(value, (i, *j))
        if missing:  # text or dates, which are more to be done about, would have been named
            raise self.refusal(*missing[0])
        return np.array(found, np.float64)


def table_of(
    value: Any, name: str, *, is_sample: bool = False, is_target: bool = False
) -> Table | None:
    """What a table is made of; None of what is no table.

    is_sample: what has one dimension is a sample, whose numbers have names.
    """
    if isinstance(value, NO_TABLES):
        return None
    try:
        parts = _asked(value)
    except MemoryError:
        raise
    except Exception as error:  # from anybody's class
        raise ValueError(
            f"{name} must be a table that can be read, got {description(value)}: {error}"
        ) from error
    if parts is None:
        return None
    advice, content, labels, index = parts
    is_sample = is_sample and isinstance(content, np.ndarray) and content.ndim == 1
    if is_sample:
        labels, index = index, None
    table = Table(name, advice, labels, index, is_sample, is_target)
    table.fill(content)
    return table


def _asked(value: Any) -> Parts | None:
    kind = type(value)
    if hasattr(kind, "isna") and hasattr(kind, "compute"):  # Dask, which asks its sources for it
        return _asked(value.compute())
    if hasattr(kind, "column_names") and hasattr(kind, "schema"):
        return Parts(ARROW, [_array(one) for one in value.columns], value.column_names)
    if hasattr(kind, "get_columns"):
        with contextlib.suppress(Exception):  # for some types there is no common one
            block = _array(value)
            if block.dtype.kind in "biuf":
                return Parts(POLARS, block, value.columns)
        return Parts(POLARS, [_array(one) for one in value.get_columns()], value.columns)
    if hasattr(kind, "iloc") and hasattr(kind, "columns"):
        return Parts(PANDAS, _content_of_pandas(value), value.columns, value.index)
    if hasattr(kind, "isna") and hasattr(kind, "dtype"):
        return Parts(PANDAS, _array(value), index=value.index if hasattr(kind, "iloc") else None)
    if hasattr(kind, "to_arrow") and hasattr(kind, "dtype"):
        return Parts(POLARS, _array(value))
    if hasattr(kind, "null_count") and hasattr(kind, "type"):
        return Parts(ARROW, _array(value))
    return None


def _content_of_pandas(frame: Any) -> Array | list[Array]:
    """All numbers in one array, where none of them would become an object for it."""
    if frame.size <= FEW_NUMBERS:
        block = _array(frame)
        if block.dtype.kind in "biuf":
            return block
    dtypes = set(np.asarray(frame.dtypes).tolist())
    if all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in dtypes):
        return _array(frame, np.result_type(*dtypes) if dtypes else None)
    return [_array(column) for _, column in frame.items()]


def _array(value: Any, dtype: np.dtype[Any] | None = None) -> Array:
    """An object of our own, as others may set the shape of theirs."""
    return np.asarray(value, dtype).view()


@cache
def _plain_types() -> frozenset[type]:
    """Those of which NumPy makes what float does."""
    from decimal import Decimal  # these two take as long to import as kernels
    from fractions import Fraction

    return frozenset(NUMBERS | {bool, np.bool_, Decimal, Fraction})


@cache
def _real_types() -> tuple[Any, ...]:
    from decimal import Decimal

    return (numbers.Real, Decimal, np.bool_)


def as_number(value: Any) -> float | None:
    """What float makes of a real number, and None of anything else, or of what is missing."""
    if not isinstance(value, _real_types()) or isinstance(value, np.timedelta64):
        return None
    try:
        number = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except Exception:  # from the __float__ of anybody's class
        return None
    return None if math.isnan(number) else number


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT, or pandas' NA, of which not even != is known."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except Exception:
        return type(value).__name__ == "NAType"


def in_words(value: Any) -> str:
    """What came, where it is no number."""
    if isinstance(value, str | bytes):
        return f"text {reprlib.repr(value.item() if isinstance(value, np.generic) else value)}"
    if isinstance(value, DATES):
        return f"the date or time {value!s}"
    if isinstance(value, DURATIONS):
        return f"the duration {value!s}"
    return description(value)


def remedy(value: Any, is_target: bool, encode: str, read: str, it: str) -> str:
    """What to do about a value that is no number, such as the columns or labels of `it`."""
    if isinstance(value, DATES + DURATIONS):
        return "; make numbers of such values first, for example the days since a date"
    if not isinstance(value, str | bytes):
        return ""
    with contextlib.suppress(ValueError):
        float(value)
        return f"; make numbers of text first, for example with {read}"
    if is_target:
        return (
            "; make class numbers of labels, for example with numpy.unique"
            f"({it}, return_inverse=True) or pandas.factorize({it}), or use "
            "fastnn.sklearn.MLPClassifier, which takes labels as they are"
        )
    return f"; encode it first, for example with {encode}"


def argument(name: str) -> str:
    """The argument alone, of a name such as "validation_data: X"."""
    return name.rpartition(" ")[2]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(reprlib.repr, names[:MOST_NAMES])) + more


def _label(labels: Any, place: Any) -> str:
    """That of a place; or its number, if there is none."""
    try:
        label = labels[place]
        return reprlib.repr(label.item() if isinstance(label, np.generic) else label)
    except Exception:  # from anybody's class
        return str(place)
