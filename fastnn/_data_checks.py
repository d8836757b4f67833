"""Checks of a user's data and parameters, in the manner of _checks.py.

ndim is looked at before shape, and shape before values. The caller's arrays are never written; and
whoever else holds them may write into them at any time, also after a check and while a kernel runs.
So what kernels use as an address or a count, of an array of the user's, is a copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, MappingView, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

import numpy as np

from fastnn import _checks
from fastnn._checks import array, description, plural, sequence
from fastnn._core import kernels
from fastnn._core.samples import Compressed
from fastnn._tables import Table, argument, as_number, in_words, is_missing, remedy, table_of

if TYPE_CHECKING:
    from fastnn._core.layout import Layout

Array = np.ndarray[Any, Any]
Rows = TypeVar("Rows", Array, Compressed, Array | Compressed)
ROWS, ONE = ("row", "column"), ("", "place")  # of samples, and of a single one in a row of its own
NUMBERED = "; number the classes: classes, y = numpy.unique(y, return_inverse=True)"


class CSR(NamedTuple):
    """The parts of a scipy.sparse CSR array, each asked for once."""

    shape: tuple[int, ...]
    indptr: Any
    indices: Any
    data: Any


Given = Array | Table | CSR


def given(X: Any, name: str) -> Given:
    """Samples, such that to look at them twice gives the same numbers twice."""
    if isinstance(X, (Table, CSR)):
        return X
    if type(X) is np.ndarray and (numbers := X.view()).dtype.kind in "biuf":
        return numbers  # which most have, and nothing else need be looked for
    table = table_of(X, name, is_sample=True)
    if table is not None:
        return table
    X = _sparse(X, name) if _is_sparse(X) else X
    return X if isinstance(X, CSR) else _real_array(X, name)


def _is_sparse(X: Any) -> bool:
    """Whether this is a scipy.sparse array or matrix, in whatever format."""
    found = getattr(X, "format", None)
    return isinstance(found, str) and (found == "csr" or hasattr(type(X), "tocsr"))


def _sparse(X: Any, name: str) -> CSR | Any:
    """A sparse array in CSR format; or a dense one, where it has one dimension."""
    try:
        if len(X.shape) == 1:
            return X.toarray()
        rows = X if X.format == "csr" else X.tocsr()
        return CSR(tuple(rows.shape), rows.indptr, rows.indices, rows.data)
    except MemoryError:
        raise
    except Exception as error:  # from anybody's class
        raise ValueError(
            f"{name} must be a scipy.sparse array that can be read, got {description(X)}: {error}"
        ) from error


def feature_names(X: Given, known: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The names of the columns of a table, if it has any; those of a network must be the same."""
    return X.names_beside(known) if isinstance(X, Table) else None


def one_or_many(
    X: Any, name: str, n_inputs: int, dtype: np.dtype[Any], finite: bool = True
) -> tuple[Array | Compressed, bool]:
    """Samples as rows, and whether X was a single one of shape (n_inputs,)."""
    X = given(X, name)
    found = X.numbers if isinstance(X, Table) else X
    if isinstance(found, np.ndarray) and found.ndim == 1:
        return one_sample(X, name, n_inputs, dtype), True
    return samples(X, name, n_inputs, dtype, minimum=0, finite=finite), False


def one_sample(x: Any, name: str, n_inputs: int, dtype: np.dtype[Any]) -> Array:
    """One sample as a row of shape (1, n_inputs).

    A table or a sparse array may have it as its only row: many have no other way to hold one.
    """
    x = given(x, name)
    if isinstance(x, CSR):
        return _only_row(_compressed(x, name, n_inputs, dtype, 0)[0], name, n_inputs)
    found, table = _numbers(x)
    if table is not None and found.ndim == 2 and len(found) == 1:
        found = found[0]
    if found.ndim != 1:
        hint = f"; one sample is {name}.ravel()" if found.size == n_inputs else ""
        raise ValueError(
            f"{name} must be one sample of shape ({n_inputs},), got {found.shape}{hint}"
        )
    if len(found) != n_inputs:
        hint = "; for many samples of one input use X.reshape(-1, 1)" if n_inputs == 1 else ""
        raise ValueError(
            f"{name} must have {n_inputs} number{plural(n_inputs)}, one per input of the network, "
            f"got {len(found)}{hint}"
        )
    return converted(found[np.newaxis], name, dtype, table=table, axes=ONE)


def _only_row(rows: Compressed, name: str, n_inputs: int) -> Array:
    if len(rows) != 1:
        raise ValueError(
            f"{name} must be one sample of shape ({n_inputs},), got {(len(rows), n_inputs)}"
        )
    row = np.zeros((1, n_inputs), rows.values.dtype)
    row[0, rows.columns] = rows.values
    return row


def counted_samples(
    X: Any, name: str, n_inputs: int, dtype: np.dtype[Any], hashed: bool = False
) -> tuple[Array | Compressed, Array | None, int | None]:
    """Samples; if they are dense, how many numbers of each row are not zero, and their fingerprint.

    The latter if hashed.
    """
    X = given(X, name)
    if isinstance(X, CSR):
        compressed, fingerprint = _compressed(X, name, n_inputs, dtype, 1, hashed)
        return compressed, None, fingerprint if hashed else None
    rows: Any = samples(X, name, n_inputs, dtype, finite=False)
    counts = np.empty(len(rows), np.intp)
    finite, fingerprint = kernels.scan(rows, counts, hashed)
    if not finite:
        samples(X, name, n_inputs, dtype)
    return rows, counts, fingerprint if hashed else None


def samples(
    X: Any, name: str, n_inputs: int, dtype: np.dtype[Any], minimum: int = 1, finite: bool = True
) -> Array | Compressed:
    """Rows of shape (n, n_inputs), C-contiguous, aligned, finite in the network's dtype.

    A scipy.sparse array or matrix becomes, or stays, compressed. With finite=False, dense rows may
    hold NaN: a caller who finds one as it reads them calls this again, for the error.
    """
    X = given(X, name)
    if isinstance(X, CSR):
        return _compressed(X, name, n_inputs, dtype, minimum)[0]
    found, table = _numbers(X)
    if found.ndim != 2:
        raise ValueError(
            f"{name} must have two dimensions, (samples, {n_inputs}), got shape {found.shape}"
            f"{_as_rows(found, table, argument(name), n_inputs)}"
        )
    if found.shape[1] != n_inputs:
        hint = ""
        if table is None and found.shape[0] == n_inputs:
            hint = f"; if each column is a sample, use {argument(name)}.T"
        raise ValueError(
            f"{name} must have {n_inputs} column{plural(n_inputs)}, one per input of the network, "
            f"got shape {found.shape}{hint}"
        )
    if len(found) < minimum:
        raise ValueError(f"{name} must have at least one sample, got shape {found.shape}")
    return converted(found, name, dtype, finite, table)


def _as_rows(found: Array, table: Table | None, it: str, n_inputs: int) -> str:
    """How numbers of other than two dimensions become samples."""
    if found.ndim == 1 and table is not None:
        return "; one sample is a frame of one row, as df.iloc[[0]], a column one as df[['a']]"
    if found.ndim == 1:
        return "; one sample is X.reshape(1, -1), a table of one column X.reshape(-1, 1)"
    if found.ndim > 2 and math.prod(found.shape[1:]) == n_inputs:
        return f"; {n_inputs} numbers of each sample are a row in {it}.reshape(len({it}), -1)"
    return ""


def _numbers(X: Array | Table) -> tuple[Array, Table | None]:
    return (X.numbers, X) if isinstance(X, Table) else (X, None)


def _compressed(
    X: CSR, name: str, n_inputs: int, dtype: np.dtype[Any], minimum: int, hashed: bool = False
) -> tuple[Compressed, int]:
    """A CSR array, whose own data are used where they are of the dtype; and its fingerprint."""
    shape = X.shape
    if len(shape) != 2 or shape[1] != n_inputs:
        raise ValueError(
            f"{name} must have {n_inputs} column{plural(n_inputs)}, one per input of the network, "
            f"got shape {shape}"
        )
    if shape[0] < minimum:
        raise ValueError(f"{name} must have at least one sample, got shape {shape}")
    starts = _indices(X.indptr, f"{name}.indptr", np.dtype(np.intp))
    columns = _indices(X.indices, f"{name}.indices", np.dtype(np.int32))
    data = _real_array(X.data, f"{name}.data")
    if (
        starts is None or columns is None or data.ndim != 1
        or len(starts) != shape[0] + 1 or starts[0] != 0 or (starts[1:] < starts[:-1]).any()
        or starts[-1] > min(len(columns), len(data))
    ):  # fmt: skip
        _refuse_csr(name)
    columns, data = columns[: starts[-1]], data[: starts[-1]]
    values = converted(data, f"{name}.data", dtype, finite=False)
    ascend, finite, fingerprint = kernels.scan_compressed(starts, columns, values, n_inputs, hashed)
    if not ascend:
        if ((columns < 0) | (columns >= n_inputs)).any():
            _refuse_csr(name)
        starts, columns, values = _in_order(starts, columns, values)
        _, finite, fingerprint = kernels.scan_compressed(starts, columns, values, n_inputs, hashed)
    if not finite:
        converted(data, f"{name}.data", dtype)
        converted(values, f"{name}.data", dtype)
    return Compressed(starts, columns, values), fingerprint


def _refuse_csr(name: str) -> NoReturn:
    raise ValueError(
        f"{name} must be a valid CSR array, and its indptr, indices and data do not fit "
        "together; build it anew with scipy.sparse.csr_array"
    )


def _indices(value: Any, name: str, dtype: np.dtype[Any]) -> Array | None:
    """A copy of whole numbers in one dimension; None if they are none, or beyond the dtype."""
    found = _real_array(value, name)
    with np.errstate(invalid="ignore"):
        copy = found.astype(dtype)
    fits = found.ndim == 1 and (found.dtype == dtype or np.array_equal(copy, found))
    return copy if fits else None


def _in_order(starts: Array, columns: Array, data: Array) -> tuple[Array, Array, Array]:
    """The same rows, in which columns ascend: the numbers of one that stands twice are summed."""
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((columns, rows))
    sorted_rows, sorted_columns = rows[order], columns[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(sorted_rows) > 0) | (np.diff(sorted_columns) > 0)
    first = np.flatnonzero(is_first)
    starts = np.searchsorted(sorted_rows[first], np.arange(len(starts)))
    with np.errstate(all="ignore"):  # an infinite sum is refused later
        return starts, sorted_columns[first], np.add.reduceat(data[order], first)


def apart(rows: Rows, written: Array) -> Rows:
    """Samples or targets that are not in an array that is written while they are read."""
    if isinstance(rows, Compressed):
        return replace(rows, values=apart(rows.values, written))
    return rows.copy() if np.may_share_memory(rows, written) else rows


def targets(
    y: Any,
    name: str,
    n_samples: int,
    loss_name: str,
    n_outputs: int,
    dtype: np.dtype[Any],
    axes: tuple[str, str] = ROWS,
) -> Array:
    """Targets as rows of shape (n_samples, n_outputs), or class numbers of shape (n_samples, 1)."""
    found, table = _column_numbers(y, name, is_target=True)
    if found.ndim == 1 and loss_name == "cross_entropy":
        same_length(found, name, n_samples)
        return _class_numbers(found, name, n_outputs, dtype, table, axes)
    if found.ndim == 1 and n_outputs == 1:
        found = found[:, np.newaxis]
    expected = f"({n_samples}, {n_outputs})"
    if loss_name == "cross_entropy":
        expected = f"({n_samples},) for class numbers or {expected} for rows that sum to 1"
    elif n_outputs == 1:
        expected = f"({n_samples},) or {expected}"
    if found.ndim != 2:
        hint = ""
        if found.ndim == 1:
            hint = (
                f"; class numbers go with loss='cross_entropy', or as rows: "
                f"numpy.eye({n_outputs})[{name}]"
            )
        elif found.ndim > 2 and math.prod(found.shape[1:]) == n_outputs:
            hint = f"; use {argument(name)}.reshape(len({argument(name)}), -1)"
        raise ValueError(f"{name} must have shape {expected}, got {found.shape}{hint}")
    same_length(found, name, n_samples)
    if found.shape[1] != n_outputs:
        hint = ""
        if loss_name == "cross_entropy" and found.shape[1] == 1:
            hint = f"; class numbers are {argument(name)}.ravel()"
        raise ValueError(
            f"{name} must have shape {expected}, got {found.shape}: the network has {n_outputs} "
            f"output{plural(n_outputs)}{hint}"
        )
    rows = converted(found, name, dtype, table=table, axes=axes)
    if loss_name == "bce":
        refuse(rows, (rows < 0) | (rows > 1), name, "lie in 0 to 1 for loss='bce'", axes)
    elif loss_name == "cross_entropy":
        _distributions(rows, name, "loss='cross_entropy'", axes)
    return rows


def _distributions(rows: Array, name: str, purpose: str, axes: tuple[str, ...] = ROWS) -> None:
    refuse(rows, rows < 0, name, f"not be negative for {purpose}", axes)
    with np.errstate(over="ignore"):
        total = rows.sum(axis=1, dtype=np.float64)
    wrong = np.abs(total - 1) > 1e-5
    refuse(total, wrong, name, f"have rows that sum to 1 for {purpose}", axes)


def probabilities(rows: Array, name: str, purpose: str) -> None:
    """Of one output, from 0 to 1; of several, rows that sum to 1."""
    if rows.shape[1] > 1:
        _distributions(rows, name, purpose)
    else:
        refuse(rows, (rows < 0) | (rows > 1), name, f"lie in 0 to 1 for {purpose}")


def target_of_one(y: Any, name: str, loss_name: str, n_outputs: int, dtype: np.dtype[Any]) -> Array:
    """The target of one sample: a number, a class number or (n_outputs,)."""
    table = table_of(y, name, is_target=True)
    found = _real_array(y, name, is_target=True) if table is None else table.numbers
    may_be_number = n_outputs == 1 or loss_name == "cross_entropy"
    if table is not None and found.size == 1 and may_be_number:
        found = found.reshape(())
    elif table is not None and found.ndim == 2 and len(found) == 1:
        found = found[0]
    if found.shape != (n_outputs,) and not (may_be_number and found.ndim == 0):
        number = "a number or " if may_be_number else ""
        raise ValueError(
            f"{name} must be {number}of shape ({n_outputs},) for one sample, got {found.shape}"
        )
    axes = ONE if found.ndim else ("", "")
    return targets(found[np.newaxis], name, 1, loss_name, n_outputs, dtype, axes)


def sample_weight(value: Any, name: str, n_samples: int) -> Array | None:
    """Weights scaled to mean 1; None stays None."""
    if value is None:
        return None
    if isinstance(value, str | Mapping):
        raise TypeError(
            f"{name} must be a number for each sample, got {description(value)}; weights of "
            "classes go into class_weight"
        )
    numbers, table = _column_numbers(value, name)
    found = np.array(numbers)  # what is checked, nobody else may change
    if found.ndim != 1:
        raise ValueError(f"{name} must have shape ({n_samples},), got {found.shape}")
    same_length(found, name, n_samples)
    weights = converted(found, name, np.dtype(np.float64), table=table)
    refuse(found, weights < 0, name, "not be negative")
    return _to_mean_one(weights, name)


def row_numbers(value: Any, name: str, n_samples: int) -> Array:
    """Which of so many rows: by their numbers, or by a mask."""
    try:
        found = np.asarray(value)
    except ValueError:  # of rows of unequal length
        found = np.empty(0)
    if found.dtype.kind == "b" and found.shape == (n_samples,):
        found = np.flatnonzero(found)
    if found.ndim != 1 or found.dtype.kind not in "iu" or not found.size:
        hint = ""
        if found.ndim == 0:
            hint = "; an array is for all networks"
        elif isinstance(value, tuple) and len(value) == 2:
            hint = "; of pairs (train, test), as splitters give them, take the first of each"
        elif found.dtype.kind == "f" and found.ndim == 1 and found.size:
            hint = f" of {found.dtype}; use astype(int)"
        raise ValueError(
            f"{name} must be whole numbers of rows of X, (n,), at least one, or a mask of shape "
            f"({n_samples},); got {_checks.description(value)}{hint}"
        )
    wrong = (found < 0) | (found >= n_samples)
    if wrong.any():
        raise ValueError(
            f"{name} must be in 0 to {n_samples - 1}, as X has {n_samples} rows, got "
            f"{int(found[wrong][0])}"
        )
    return found.astype(np.intp)


def picked(value: Any, name: str, rows: Array, n_samples: int) -> Array:
    """These rows of targets, or of what else there is one of for each sample, as numbers."""
    table = table_of(value, name)
    found = _real_array(value, name) if table is None else table.numbers
    same_length(found, name, n_samples)
    return found[rows]


def class_weight(
    value: Any, name: str, Y: Array, n_outputs: int, weights: Array | None
) -> Array | None:
    """Weights of the samples, from those of their classes, times those they have already."""
    if value is None:
        return weights
    classes = _classes(Y, name, n_outputs)
    counts = np.bincount(classes, minlength=max(n_outputs, 2))
    if isinstance(value, str):
        _checks.known_name(value, name, ("balanced",))
        of_class = len(classes) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    elif isinstance(value, Mapping):
        of_class = np.ones(len(counts))
        for key, weight in value.items():
            number = _checks.integer(key, f"a class in {name}", 0, maximum=len(counts) - 1)
            of_class[number] = _checks.number(weight, f"{name}[{number}]", _checks.NOT_NEGATIVE)
    else:
        raise TypeError(
            f'{name} must be None, "balanced" or a mapping of class numbers to weights, '
            f"got {description(value)}; weights of samples go into sample_weight"
        )
    of_sample = of_class[classes]
    return _to_mean_one(of_sample if weights is None else weights * of_sample, name)


def _to_mean_one(weights: Array, name: str) -> Array:
    largest = weights.max()
    if largest == 0:
        raise ValueError(
            f"{name} must give a weight above zero to at least one sample, got zero for all"
        )
    weights = weights / largest  # whose sum cannot overflow
    return np.asarray(weights * (len(weights) / weights.sum()))


def _classes(Y: Array, name: str, n_outputs: int) -> Array:
    """The class of each sample, from class numbers, rows with a single 1, or 0 and 1."""
    Y = Y.copy()  # nobody else may change what is checked
    if Y.shape[1] < n_outputs or (n_outputs == 1 and ((Y == 0) | (Y == 1)).all()):
        return Y[:, 0].astype(np.intp)
    classes = Y.argmax(axis=1)
    if n_outputs == 1 or not np.array_equal(Y, np.eye(n_outputs)[classes]):
        raise ValueError(
            f"{name} needs targets that are classes: class numbers, rows with a single 1, or 0 and "
            "1 for one output; use sample_weight for others"
        )
    return np.asarray(classes)


def targets_and_outputs(y: Any, outputs: Any) -> tuple[Array, Array]:
    """What metrics compare: targets, as `targets` makes them, and the outputs of a network."""
    a = _real_array(outputs, "outputs")
    if a.ndim == 1:
        a = a[:, np.newaxis]
    if a.ndim != 2 or 0 in a.shape:
        raise ValueError(
            "outputs must have shape (n, n_outputs), or (n,) for one output, and at least one "
            f"sample, got {a.shape}"
        )
    dtype = np.dtype(np.float32 if a.dtype.newbyteorder("=") == np.float32 else np.float64)
    a = converted(a, "outputs", dtype)
    n, n_outputs = a.shape
    found = _real_array(y, "y", is_target=True)
    if found.shape not in ((n,), a.shape):
        raise ValueError(
            f"y must have shape ({n},) or {a.shape}, as outputs have {a.shape}, got {found.shape}"
        )
    # Class numbers and rows are told apart by their shape, as under cross_entropy.
    loss_name = "cross_entropy" if found.ndim == 1 and n_outputs > 1 else "mse"
    return targets(found, "y", n, loss_name, n_outputs, np.dtype(np.float64)), a


def pair(value: Any, name: str) -> tuple[Any, Any, Any]:
    """(X, y), or (X, y, sample_weight)."""
    if not isinstance(value, tuple | list) or len(value) not in (2, 3):
        raise TypeError(
            f"{name} must be (X, y) or (X, y, sample_weight), got {description(value)}"
            + (f" of {len(value)}" if isinstance(value, tuple | list) else "")
        )
    X, y, *weight = value
    return X, y, weight[0] if weight else None


def is_mapped(X: Any) -> bool:
    """Whether an array is a file mapped into memory, or a view into one."""
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            return True
        X = X.base
    return False


def output(
    value: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], parameters: Array
) -> Array:
    """An array that results can be written into, as one of NumPy's own class."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be None or a NumPy array, got {description(value)}")
    out = array(value, name)
    if out.shape != shape:
        raise ValueError(f"{name} must have the shape of the result, {shape}, got {out.shape}")
    if out.dtype != dtype or not out.dtype.isnative:
        raise ValueError(f"{name} must be of the network's {dtype}, got {out.dtype}")
    if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise ValueError(
            f"{name} must be C-contiguous, aligned and writable; use numpy.empty({shape}, "
            f'"{dtype}")'
        )
    if np.may_share_memory(out, parameters):
        raise ValueError(
            f"{name} must not be the weights or biases of the network, which the outputs would "
            f'overwrite; use numpy.empty({shape}, "{dtype}")'
        )
    return out


def parameters(weights: Any, biases: Any) -> tuple[list[Array], list[Array], np.dtype[Any]]:
    """W and b of each layer, fitting to each other, and the dtype they ask for."""
    W, b = _real_arrays(weights, "weights"), _real_arrays(biases, "biases")
    if not W:
        raise ValueError("weights must hold at least one array, got none")
    if len(b) != len(W):
        raise ValueError(
            f"biases must hold one array per layer, as weights: {len(W)}; got {len(b)}"
        )
    for i, (W_l, b_l) in enumerate(zip(W, b, strict=True)):
        if W_l.ndim != 2 or 0 in W_l.shape:
            raise ValueError(f"weights[{i}] must have shape (n_in, n_out), got {W_l.shape}")
        if i and W_l.shape[0] != W[i - 1].shape[1]:
            raise ValueError(
                f"weights[{i}] must have {W[i - 1].shape[1]} rows, one per output of the layer "
                f"below, got shape {W_l.shape}"
            )
        if b_l.shape != (W_l.shape[1],):
            hint = ""
            if b_l.shape == (W_l.shape[0],):
                hint = "; weights are (n_in, n_out): give the transpose of (n_out, n_in)"
            raise ValueError(
                f"biases[{i}] must have shape ({W_l.shape[1]},), as weights[{i}] has "
                f"{W_l.shape[1]} column{plural(W_l.shape[1])}; got {b_l.shape}{hint}"
            )
    all_float32 = all(one.dtype.newbyteorder("=") == np.float32 for one in W + b)
    wanted = np.dtype(np.float32 if all_float32 else np.float64)
    W = [converted(one, f"weights[{i}]", wanted) for i, one in enumerate(W)]
    b = [converted(one, f"biases[{i}]", wanted, axes=ONE[1:]) for i, one in enumerate(b)]
    return W, b, wanted


def output_gradients(
    value: Any, name: str, n_samples: int, n_outputs: int, single: bool, dtype: np.dtype[Any]
) -> Array:
    """∂L/∂a of each output, as rows of shape (n_samples, n_outputs)."""
    found, table = _column_numbers(value, name, is_target=True)
    shape = (n_outputs,) if single else (n_samples, n_outputs)
    if found.shape != shape and not (n_outputs == 1 and found.shape == shape[:-1]):
        raise ValueError(
            f"{name} must have the shape of the outputs, {shape}, one number for each output of "
            f"each sample; got {found.shape}"
        )
    try:
        return converted(found.reshape(n_samples, n_outputs), name, dtype, table=table)
    except ValueError as error:
        error.add_note(
            "If training has come to this: look at the sign of the gradient, and whether it is "
            "divided by the number of samples, and use a smaller learning_rate."
        )
        raise


def _fit_exactly(given: Any, places: Sequence[Array]) -> bool:
    """Whether they are arrays of these shapes and this dtype: what networks give, and most have."""
    return (
        type(given) in (list, tuple)
        and len(given) == len(places)
        and all(
            type(one) is np.ndarray and one.dtype == place.dtype and one.shape == place.shape
            for one, place in zip(given, places, strict=False)
        )
    )


def fill_gradient(block: Array, weights: Any, biases: Any, layout: Layout) -> None:
    """Put gradients of each layer, as `Network.gradients` gives them, into a block of zeros."""
    places_of_W, places_of_b = layout.views(block)
    if _fit_exactly(weights, places_of_W) and _fit_exactly(biases, places_of_b):
        for one, place in zip((*weights, *biases), places_of_W + places_of_b, strict=True):
            place[...] = one
        if all_finite(block):
            return
    for name, given, places in (
        ("weight_gradients", weights, places_of_W),
        ("bias_gradients", biases, places_of_b),
    ):
        arrays = _real_arrays(given, name)
        if len(arrays) != len(places):
            raise ValueError(
                f"{name} must hold one array per layer, {len(places)}; got {len(arrays)}"
            )
        for i, (one, place) in enumerate(zip(arrays, places, strict=True)):
            if one.shape != place.shape:
                raise ValueError(
                    f"{name}[{i}] must have the shape of what it is the gradient of, "
                    f"{place.shape}; got {one.shape}"
                )
            axes = ROWS if one.ndim == 2 else ONE[1:]
            place[...] = converted(one, f"{name}[{i}]", layout.dtype, axes=axes)


def dtype_of_block(value: Any, name: str) -> np.dtype[Any]:
    """Of a block of parameters; in the machine's order of bytes, whatever its own."""
    if isinstance(value, np.ndarray):
        dtype: np.dtype[Any] = value.dtype.newbyteorder("=")
        if dtype in (np.float32, np.float64):
            return dtype
    raise ValueError(f"{name} must be an array of float32 or float64, got {description(value)}")


def fill_block(block: Array, given: Any, name: str, layout: Layout) -> None:
    """Put the parameters in a block that was handed in into one of the network's own.

    There may be several blocks in a row. Kernels rely on zeros between the parameters.
    """
    if dtype_of_block(given, name) != block.dtype or given.shape != block.shape:
        raise ValueError(
            f"{name} must be an array of {block.size:,} {block.dtype} numbers for these "
            f"layer_sizes, got {description(given)} of {given.dtype}"
        )
    given = converted(given.copy(), name, block.dtype)  # nobody else may change what is checked
    if not block.size:
        return
    n_blocks = block.nbytes // layout.n_bytes
    for part, given_part in zip(np.split(block, n_blocks), np.split(given, n_blocks), strict=True):
        for arrays, given_arrays in zip(layout.views(part), layout.views(given_part), strict=True):
            for mine, given_array in zip(arrays, given_arrays, strict=True):
                mine[:] = given_array
    if not np.array_equal(block, given):
        raise ValueError(
            f"{name} must be a block of parameters for these layer_sizes, and it has numbers "
            "where there is no parameter"
        )


def _column_numbers(
    value: Any, name: str, *, is_target: bool = False
) -> tuple[Array, Table | None]:
    """Numbers of samples, where a frame of one column is that column."""
    table = table_of(value, name, is_target=is_target)
    if table is None:
        return _real_array(value, name, is_target), None
    is_column = table.numbers.ndim == 2 and table.numbers.shape[1] == 1
    return table.numbers[:, 0] if is_column else table.numbers, table


def _real_array(value: Any, name: str, is_target: bool = False) -> Array:
    """Real numbers in any layout; complex, text and objects are refused."""
    found = array(value, name)
    if found.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, got {description(value)}, of dtype {found.dtype}"
            f"{_way_out(value, found, argument(name), is_target)}"
        )
    return found


def _way_out(value: Any, found: Array, it: str, is_target: bool) -> str:
    """What to do about a value that NumPy makes no real numbers of."""
    if isinstance(value, Mapping):
        return (
            f"; a table of columns by name is pandas.DataFrame({it}), or "
            f"numpy.column_stack(list({it}.values()))"
        )
    if isinstance(value, Iterator | MappingView):
        return f"; use list({it})"
    if isinstance(value, Set):
        return "; a set has no order: use a list"
    if _is_sparse(value):
        return f"; use {it}.toarray()"
    if hasattr(type(value), "collect"):
        return f"; a lazy frame is computed by {it}.collect()"
    if found.dtype.names:
        return f"; use numpy.lib.recfunctions.structured_to_unstructured({it})"
    if found.dtype.kind == "c":
        return ""
    for place, one in np.ndenumerate(found):
        if as_number(one) is not None:
            continue
        where = f" in {_in_words(place)}" if place else ""
        if is_missing(one):
            return f", with {one!s}{where}; remove or fill such values" if place else ""
        if isinstance(one, Mapping):
            return f", with a dict{where}; use pandas.DataFrame({it})"
        read = f"numpy.array({it}, dtype=float)"
        encode = "pandas.get_dummies or sklearn.preprocessing.OneHotEncoder"
        found_there = f", with {in_words(one)}{where}" if place else ""
        return found_there + remedy(one, is_target, encode, read, it)
    return f"; use numpy.array({it}, dtype=float)"


def _real_arrays(value: Any, name: str) -> list[Array]:
    listed = sequence(value, name, "a sequence of one array per layer")
    return [_real_array(one, f"{name}[{i}]") for i, one in enumerate(listed)]


def converted(
    found: Array,
    name: str,
    dtype: np.dtype[Any],
    finite: bool = True,
    table: Table | None = None,
    axes: tuple[str, ...] = ROWS,
) -> Array:
    """The same numbers, C-contiguous, aligned and native; a copy only where needed.

    table is where they come from, and has words for places; axes are the words where there is none.
    """
    converted = found
    if found.dtype != dtype or not (found.flags.c_contiguous and found.flags.aligned):
        try:
            with np.errstate(all="ignore"):
                converted = np.require(found, dtype, ["C_CONTIGUOUS", "ALIGNED"])
        except MemoryError as error:
            n_bytes = found.size * dtype.itemsize
            raise MemoryError(
                f"{name} must fit into memory, and needs {n_bytes:,} bytes in the network's {dtype}"
            ) from error
    if finite and not all_finite(converted):
        place, where = _first(~np.isfinite(converted), axes)
        value = found[place]
        if table is not None:
            if np.isnan(value):
                raise table.refusal(value, place)
            where = f" in {table.place(place)}"
        if np.isfinite(value):
            raise ValueError(
                f"{name} must be finite in the network's {dtype}, got {value!s}{where}, "
                "which is too large for it; scale it, or use a network of float64"
            )
        raise ValueError(f"{name} must be finite, got {value}{where}; remove or fill such values")
    return converted


def finite(found: Array, name: str) -> None:
    """Refuse floats of which some are infinite or NaN."""
    converted(found, name, found.dtype, axes=ROWS if found.ndim > 1 else ONE[1:])


def all_finite(array: Array) -> bool:
    """Whether no number of a float array is infinite or NaN."""
    return kernels.all_finite(array.ravel())


def _class_numbers(
    found: Array,
    name: str,
    n_classes: int,
    dtype: np.dtype[Any],
    table: Table | None,
    axes: tuple[str, str],
) -> Array:
    # Kernels use them as indices, so they are checked in a copy that nobody else holds.
    numbers = np.array(converted(found, name, dtype, table=table, axes=axes))
    refuse(found, numbers != np.floor(numbers), name, "hold whole class numbers", axes)
    refuse(found, numbers != found, name, f"hold class numbers that are exact in {dtype}", axes)
    refuse(
        found, (numbers < 0) | (numbers >= n_classes), name,
        f"hold class numbers from 0 to {n_classes - 1}, as the network has {n_classes} "
        f"output{plural(n_classes)}", axes, NUMBERED,
    )  # fmt: skip
    if n_classes == 1:
        return np.ones((len(numbers), 1), dtype)
    return numbers[:, np.newaxis]


def refuse(
    values: Array,
    wrong: Array,
    name: str,
    expected: str,
    axes: tuple[str, ...] = ROWS,
    hint: str = "",
) -> None:
    if wrong.any():
        place, where = _first(wrong, axes)
        raise ValueError(f"{name} must {expected}; got {values[place]!s}{where}{hint}")


def _first(wrong: Array, axes: tuple[str, ...]) -> tuple[tuple[Any, ...], str]:
    """The first place where wrong is true, as an index and in words."""
    place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    where = _in_words(place, axes)
    return place, f" in {where}" if where else ""


def _in_words(place: tuple[Any, ...], axes: tuple[str, ...] = ROWS) -> str:
    """A place by its axes; those without a name are left out."""
    return ", ".join(f"{axis} {i}" for axis, i in zip(axes, place, strict=False) if axis)


def same_length(found: Array, name: str, n_samples: int) -> None:
    if len(found) != n_samples:
        raise ValueError(
            f"{name} must be as long as X, {n_samples} sample{plural(n_samples)}, got {len(found)}"
        )
