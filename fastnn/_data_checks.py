"""Checks of a user's data and parameters, in the manner of _checks.py.

ndim is looked at before shape, and shape before values. The caller's arrays are never written; and
whoever else holds them may write into them at any time, also after a check and while a kernel runs.
So what kernels use as an address or a count, of an array of the user's, is a copy.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fastnn import _checks, _kernels
from fastnn._checks import array, description, plural, sequence
from fastnn._samples import Compressed

if TYPE_CHECKING:
    from fastnn._layout import Layout

Array = np.ndarray[Any, Any]
Rows = TypeVar("Rows", Array, Compressed, Array | Compressed)
LABELS = {bool, int, str}
ROWS, ONE = ("row", "column"), ("", "place")  # of samples, and of a single one in a row of its own
NUMBERED = "; number the classes: classes, y = numpy.unique(y, return_inverse=True)"


def array_or_csr(X: Any, name: str) -> Any:
    """X, such that to look at it twice gives the same numbers twice."""
    return X if getattr(X, "format", None) == "csr" else _real_array(X, name)


def one_or_many(
    X: Any, name: str, n_inputs: int, dtype: np.dtype[Any], finite: bool = True
) -> tuple[Array | Compressed, bool]:
    """Samples as rows, and whether X was a single one of shape (n_inputs,)."""
    if getattr(X, "format", None) == "csr":
        return samples(X, name, n_inputs, dtype, minimum=0), False
    found = _real_array(X, name)
    if found.ndim == 1:
        return one_sample(found, name, n_inputs, dtype), True
    return samples(found, name, n_inputs, dtype, minimum=0, finite=finite), False


def one_sample(x: Any, name: str, n_inputs: int, dtype: np.dtype[Any]) -> Array:
    """One sample as a row of shape (1, n_inputs)."""
    found = _real_array(x, name)
    if found.ndim != 1:
        raise ValueError(f"{name} must be one sample of shape ({n_inputs},), got {found.shape}")
    if len(found) != n_inputs:
        hint = "; for many samples of one input use X.reshape(-1, 1)" if n_inputs == 1 else ""
        raise ValueError(
            f"{name} must have {n_inputs} number{plural(n_inputs)}, one per input of the network, "
            f"got {len(found)}{hint}"
        )
    return _converted(found[np.newaxis], name, dtype, axes=ONE)


def counted_samples(
    X: Any, name: str, n_inputs: int, dtype: np.dtype[Any]
) -> tuple[Array | Compressed, Array | None]:
    """Samples, and how many numbers of each row are not zero where the rows are dense."""
    X = array_or_csr(X, name)
    rows = samples(X, name, n_inputs, dtype, finite=False)
    if isinstance(rows, Compressed):
        return rows, None
    counts = np.empty(len(rows), np.intp)
    if not _kernels.scan(rows, counts):
        samples(X, name, n_inputs, dtype)
    return rows, counts


def samples(
    X: Any, name: str, n_inputs: int, dtype: np.dtype[Any], minimum: int = 1, finite: bool = True
) -> Array | Compressed:
    """Rows of shape (n, n_inputs), C-contiguous, aligned, finite in the network's dtype.

    A scipy.sparse CSR array or matrix stays compressed. With finite=False, dense rows may hold
    NaN: a caller who finds one as it reads them calls this again, for the error.
    """
    if getattr(X, "format", None) == "csr":
        return _compressed(X, name, n_inputs, dtype, minimum)
    found = _real_array(X, name)
    if found.ndim != 2:
        hint = ""
        if found.ndim == 1:
            hint = "; one sample is X.reshape(1, -1), a table of one column X.reshape(-1, 1)"
        raise ValueError(
            f"{name} must have two dimensions, (samples, {n_inputs}), got shape {found.shape}{hint}"
        )
    if found.shape[1] != n_inputs:
        raise ValueError(
            f"{name} must have {n_inputs} column{plural(n_inputs)}, one per input of the network, "
            f"got shape {found.shape}"
        )
    if len(found) < minimum:
        raise ValueError(f"{name} must have at least one sample, got shape {found.shape}")
    return _converted(found, name, dtype, finite)


def _compressed(X: Any, name: str, n_inputs: int, dtype: np.dtype[Any], minimum: int) -> Compressed:
    """A CSR array, whose own arrays are used where they are of the types that kernels want."""
    shape = tuple(X.shape)
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
        or (columns[: starts[-1]] < 0).any() or (columns[: starts[-1]] >= n_inputs).any()
    ):  # fmt: skip
        raise ValueError(
            f"{name} must be a valid CSR array, and its indptr, indices and data do not fit "
            "together; build it anew with scipy.sparse.csr_array"
        )
    starts, columns, data = _without_duplicates(starts, columns[: starts[-1]], data[: starts[-1]])
    return Compressed(starts, columns, _converted(data, f"{name}.data", dtype))


def _indices(value: Any, name: str, dtype: np.dtype[Any]) -> Array | None:
    """A copy of whole numbers in one dimension; None if they are none, or beyond the dtype."""
    found = _real_array(value, name)
    with np.errstate(invalid="ignore"):
        copy = found.astype(dtype)
    fits = found.ndim == 1 and (found.dtype == dtype or np.array_equal(copy, found))
    return copy if fits else None


def _without_duplicates(starts: Array, columns: Array, data: Array) -> tuple[Array, Array, Array]:
    """The same rows, in which no column stands twice: the numbers of such a one are summed."""
    ascends = columns[1:] > columns[:-1]
    ascends[starts[(starts > 0) & (starts < len(columns))] - 1] = True  # from row to row
    if ascends.all():
        return starts, columns, data
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((columns, rows))
    sorted_rows, sorted_columns = rows[order], columns[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(sorted_rows) > 0) | (np.diff(sorted_columns) > 0)
    if is_first.all():
        return starts, columns, data
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
    found = _real_array(y, name, NUMBERED)
    if found.ndim == 1 and loss_name == "cross_entropy":
        _same_length(found, name, n_samples)
        return _class_numbers(found, name, n_outputs, dtype, axes)
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
        raise ValueError(f"{name} must have shape {expected}, got {found.shape}{hint}")
    _same_length(found, name, n_samples)
    if found.shape[1] != n_outputs:
        hint = ""
        if loss_name == "cross_entropy" and found.shape[1] == 1:
            hint = f"; class numbers are {name}.ravel()"
        raise ValueError(
            f"{name} must have shape {expected}, got {found.shape}: the network has {n_outputs} "
            f"output{plural(n_outputs)}{hint}"
        )
    rows = _converted(found, name, dtype, axes=axes)
    if loss_name == "bce":
        _refuse(rows, (rows < 0) | (rows > 1), name, "lie in 0 to 1 for loss='bce'", axes)
    elif loss_name == "cross_entropy":
        _refuse(rows, rows < 0, name, "not be negative for loss='cross_entropy'", axes)
        with np.errstate(over="ignore"):
            total = rows.sum(axis=1, dtype=np.float64)
        wrong = np.abs(total - 1) > 1e-5
        _refuse(total, wrong, name, "have rows that sum to 1 for loss='cross_entropy'", axes)
    return rows


def target_of_one(y: Any, name: str, loss_name: str, n_outputs: int, dtype: np.dtype[Any]) -> Array:
    """The target of one sample: a number, a class number or (n_outputs,)."""
    found = _real_array(y, name, NUMBERED)
    may_be_number = n_outputs == 1 or loss_name == "cross_entropy"
    if found.shape != (n_outputs,) and not (may_be_number and found.ndim == 0):
        number = "a number or " if may_be_number else ""
        raise ValueError(
            f"{name} must be {number}of shape ({n_outputs},) for one sample, got {found.shape}"
        )
    axes = ONE if found.ndim else ("", "")
    return targets(found[np.newaxis], name, 1, loss_name, n_outputs, dtype, axes)


def features(x: Any, dtype: np.dtype[Any]) -> dict[Any, float]:
    """One sample, whose numbers have names."""
    if not isinstance(x, Mapping):
        raise TypeError(f"x must be a dict of features by name, got {description(x)}")
    return {name: _feature(value, f"x[{name!r}]", dtype) for name, value in x.items()}


def _feature(value: Any, name: str, dtype: np.dtype[Any]) -> float:
    if type(value) is float and dtype == np.float64 and math.isfinite(value):
        return value
    found = array(value, name)
    try:
        if found.ndim or found.dtype.kind not in "biufO":
            raise TypeError
        number = np.array([float(found[()])])
    except (TypeError, ValueError, OverflowError):
        raise TypeError(
            f"{name} must be a number, got {description(value)}; encode it first, for example "
            "with river.preprocessing.OneHotEncoder"
        ) from None
    return float(_converted(number, name, dtype, axes=ONE)[0])


def columns(numbers: Array, names: Sequence[Any], dtype: np.dtype[Any]) -> Array:
    """Many samples, whose columns have names."""
    if not all_finite(np.ascontiguousarray(numbers, dtype)):
        for name, column in zip(names, numbers.T, strict=True):
            _converted(column, f"X[{name!r}]", dtype)
    return numbers


def label(y: Any, name: str) -> Hashable:
    """A class: whatever can be a key, and equals itself."""
    if type(y) not in LABELS and (y is None or not isinstance(y, Hashable) or y != y):
        raise ValueError(f"{name} must be a class, such as True, 3 or 'spam', got {description(y)}")
    found: Hashable = y.item() if isinstance(y, np.generic) else y
    return found


def sample_weight(value: Any, name: str, n_samples: int) -> Array | None:
    """Weights scaled to mean 1; None stays None."""
    if value is None:
        return None
    if isinstance(value, str | Mapping):
        raise TypeError(
            f"{name} must be a number for each sample, got {description(value)}; weights of "
            "classes go into class_weight"
        )
    found = np.array(_real_array(value, name))  # what is checked, nobody else may change
    if found.ndim != 1:
        raise ValueError(f"{name} must have shape ({n_samples},), got {found.shape}")
    _same_length(found, name, n_samples)
    weights = _converted(found, name, np.dtype(np.float64))
    _refuse(found, weights < 0, name, "not be negative")
    return _to_mean_one(weights, name)


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
            of_class[number] = _checks.not_negative(weight, f"{name}[{number}]")
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


def metrics_fit(metrics: Mapping[str, Any], name: str, Y: Array, n_outputs: int) -> None:
    for metric in ("mae", "r2"):
        if metric in metrics and metrics[metric] is None and Y.shape[1] != n_outputs:
            raise ValueError(
                f'{name} must not have "{metric}" where y holds class numbers, which are no '
                'quantity; use "accuracy"'
            )


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
    W = [_converted(one, f"weights[{i}]", wanted) for i, one in enumerate(W)]
    b = [_converted(one, f"biases[{i}]", wanted, axes=ONE[1:]) for i, one in enumerate(b)]
    return W, b, wanted


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
    given = _converted(given.copy(), name, block.dtype)  # nobody else may change what is checked
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


def _real_array(value: Any, name: str, hint_for_text: str = "") -> Array:
    """Real numbers in any layout; complex, text and objects are refused."""
    found = array(value, name)
    if found.dtype.kind not in "biuf":
        is_text = found.dtype.kind in "UST" or (
            found.dtype.kind == "O" and any(isinstance(one, str) for one in found.flat)
        )
        raise TypeError(
            f"{name} must hold real numbers, got {description(value)}, of dtype {found.dtype}"
            f"{hint_for_text if is_text else ''}"
        )
    return found


def _real_arrays(value: Any, name: str) -> list[Array]:
    listed = sequence(value, name, "a sequence of one array per layer")
    return [_real_array(one, f"{name}[{i}]") for i, one in enumerate(listed)]


def _converted(
    found: Array,
    name: str,
    dtype: np.dtype[Any],
    finite: bool = True,
    axes: tuple[str, ...] = ROWS,
) -> Array:
    """The same numbers, C-contiguous, aligned and native; a copy only where needed."""
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
        if np.isfinite(value):
            raise ValueError(
                f"{name} must be finite in the network's {dtype}, got {value!s}{where}, "
                "which is too large for it; scale it, or use a network of float64"
            )
        raise ValueError(f"{name} must be finite, got {value}{where}; remove or fill such values")
    return converted


def finite(found: Array, name: str) -> None:
    """Refuse floats of which some are infinite or NaN."""
    _converted(found, name, found.dtype, axes=ROWS if found.ndim > 1 else ONE[1:])


def all_finite(array: Array) -> bool:
    """Whether no number of a float array is infinite or NaN."""
    return _kernels.all_finite(array.ravel())


def _class_numbers(
    found: Array, name: str, n_classes: int, dtype: np.dtype[Any], axes: tuple[str, str]
) -> Array:
    # Kernels use them as indices, so they are checked in a copy that nobody else holds.
    numbers = np.array(_converted(found, name, dtype, axes=axes))
    _refuse(found, numbers != np.floor(numbers), name, "hold whole class numbers", axes)
    _refuse(found, numbers != found, name, f"hold class numbers that are exact in {dtype}", axes)
    _refuse(
        found, (numbers < 0) | (numbers >= n_classes), name,
        f"hold class numbers from 0 to {n_classes - 1}, as the network has {n_classes} "
        f"output{plural(n_classes)}", axes, NUMBERED,
    )  # fmt: skip
    if n_classes == 1:
        return np.ones((len(numbers), 1), dtype)
    return numbers[:, np.newaxis]


def _refuse(
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
    named = [f"{axis} {i}" for axis, i in zip(axes, place, strict=False) if axis]
    return place, f" in {', '.join(named)}" if named else ""


def _same_length(found: Array, name: str, n_samples: int) -> None:
    if len(found) != n_samples:
        raise ValueError(
            f"{name} must be as long as X, {n_samples} sample{plural(n_samples)}, got {len(found)}"
        )
