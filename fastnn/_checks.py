"""Every check of a user's data and parameters, one function per kind of thing.

Each takes the value and the name of the argument that it came from, and returns the value as the
kernels want it, or raises TypeError or ValueError with the argument, what was expected, what came
and what to do. ndim is looked at before shape, and shape before values. The caller's arrays are
never written.
"""

from __future__ import annotations

import math
import operator
import os
import reprlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from fastnn import _kernels
from fastnn._samples import Compressed
from fastnn.initializers import INITIALIZERS

Array = np.ndarray[Any, Any]
T = TypeVar("T")

REQUIRED_OUTPUT = {"bce": "sigmoid", "cross_entropy": "softmax"}
INTEGERS = frozenset({int, *(np.dtype(code).type for code in np.typecodes["AllInteger"])})
NUMBERS = INTEGERS | {float, np.float16, np.float32, np.float64}
LOSSES = [name for name in _kernels.LOSSES if name != "perceptron"]


def integer(value: Any, name: str, minimum: int, maximum: float = sys.maxsize) -> int:
    """A whole number; bool and float are refused, whatever their value."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {_description(value)}")
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {_description(number)}")
    if number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {_description(number)}")
    return number


def _real_number(value: Any, name: str) -> float:
    """Whatever float takes, but for text; what is too large for float is infinite."""
    found = _array(value, name)
    if found.ndim == 0 and found.dtype.kind in "iufO":
        try:
            return float(found[()])
        except OverflowError:
            return math.inf
        except (TypeError, ValueError):
            pass
    raise TypeError(f"{name} must be a number, got {_description(value)}")


def positive_number(value: Any, name: str, dtype: np.dtype[Any]) -> float:
    """A number that is positive and finite in the network's dtype too."""
    number = _real_number(value, name)
    limits = np.finfo(dtype)
    if not (float(limits.tiny) <= number <= float(limits.max)):
        raise ValueError(
            f"{name} must be positive and finite, {limits.tiny:.3g} to {limits.max:.3g} in the "
            f"network's {dtype}, got {_description(value)}"
        )
    return number


def tolerance(value: Any, name: str) -> float | None:
    """None (never stop early), or a number >= 0."""
    if value is None:
        return None
    number = _real_number(value, name)
    if not (0 <= number < math.inf):
        raise ValueError(
            f"{name} must be None or a finite number of at least 0, got {_description(value)}"
        )
    return number


def not_negative(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 <= number < math.inf):
        raise ValueError(f"{name} must be a finite number of at least 0, got {_description(value)}")
    return number


def above_zero(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 < number < math.inf):
        raise ValueError(f"{name} must be a finite number above 0, got {_description(value)}")
    return number


def below_one(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 <= number < 1):
        raise ValueError(f"{name} must be from 0 to below 1, got {_description(value)}")
    return number


def share(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 < number <= 1):
        raise ValueError(f"{name} must be above 0 and at most 1, got {_description(value)}")
    return number


def between_zero_and_one(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 < number < 1):
        raise ValueError(f"{name} must be above 0 and below 1, got {_description(value)}")
    return number


def learning_rate(value: Any, name: str, dtype: np.dtype[Any]) -> Any:
    """A number, or what gives one: a schedule, or a function of the epoch."""
    if callable(value) and not isinstance(value, type):
        return value
    try:
        return positive_number(value, name, dtype)
    except TypeError:
        raise TypeError(
            f"{name} must be a number, one of fastnn.schedules, or a function of the epoch, "
            f"got {_description(value)}"
        ) from None


def function(value: Any, name: str) -> Any:
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {_description(value)}")
    return value


def text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {_description(value)}")
    return value


def path(value: Any, name: str) -> str:
    """The path of a file, as text."""
    try:
        return os.fsdecode(value)
    except TypeError:
        raise TypeError(f"{name} must be a path, got {_description(value)}") from None


def flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {_description(value)}")
    return bool(value)


def known_name(value: Any, name: str, known: Iterable[str]) -> str:
    names = ", ".join(repr(one) for one in known)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {names}, got {_description(value)}")
    if value not in known:
        raise ValueError(f"{name} must be one of {names}, got {_description(value)}")
    return str(value)  # not NumPy's kind


def optimizer(value: Any, name: str, known: Mapping[str, T]) -> T:
    """An optimizer, or the name of one with its defaults. known has one of each kind."""
    for default in known.values():
        if isinstance(value, type(default)):
            return value
    if isinstance(value, str):
        return known[known_name(value, name, known)]
    kinds = ", ".join(type(default).__name__ for default in known.values())
    names = ", ".join(repr(one) for one in known)
    raise TypeError(
        f"{name} must be one of {names}, or an object of fastnn.optimizers ({kinds}), "
        f"got {_description(value)}"
    )


def optimizer_fits(
    optimizer: Any, name: str, dtype: np.dtype[Any], layer_activations: tuple[str, ...]
) -> None:
    """Whether a network's numbers can hold an optimizer's, and its units can learn by it."""
    largest = float(np.finfo(dtype).max)
    for setting in ("l2", "weight_decay"):
        value = getattr(optimizer, setting, 0.0)
        if value > largest:
            raise ValueError(
                f"{name}.{setting} must be at most {largest:.3g} in the network's {dtype}, "
                f"got {_description(value)}"
            )
    for setting in ("epsilon", "clip_norm"):
        value = getattr(optimizer, setting, None)
        if value is not None:
            positive_number(value, f"{name}.{setting}", dtype)
    if "step" not in layer_activations:
        return
    if not optimizer.is_plain:
        raise ValueError(
            f'{name} must be plain SGD for a network of "step" units, which learns by the '
            f"perceptron rule, got {optimizer!r}; use another activation, such as sigmoid"
        )
    if optimizer.l2:
        raise ValueError(
            f'{name}.l2 must be 0 for a network of "step" units, got {_description(optimizer.l2)}: '
            "the perceptron rule descends no loss to which a penalty could be added; use another "
            "activation, such as sigmoid"
        )


def initializer(value: Any, name: str) -> str:
    return known_name(value, name, INITIALIZERS)


def dtype(value: Any, name: str) -> np.dtype[Any]:
    try:
        # None, which NumPy takes for float64, is more likely a slip here.
        found = "" if value is None else np.dtype(value).name
    except Exception:  # NumPy raises many kinds
        found = ""
    if found not in ("float32", "float64"):
        raise ValueError(f'{name} must be "float32" or "float64", got {_description(value)}')
    return np.dtype(found)


def generator(seed: Any, name: str) -> np.random.Generator:
    """A generator of the network's own: one handed in would be shared with whoever made it."""
    if seed is not None:
        seed = integer(seed, name, 0, maximum=math.inf)
    return np.random.default_rng(seed)


def layer_sizes(value: Any, name: str) -> tuple[int, ...]:
    sizes = _sequence(value, name, "a sequence of integers, such as [2, 3, 1]")
    if len(sizes) < 2:
        raise ValueError(
            f"{name} must hold the number of inputs and at least one layer, as in [2, 1]; "
            f"got {_description(value)}"
        )
    return tuple(integer(size, f"{name}[{i}]", 1) for i, size in enumerate(sizes))


def activations(value: Any, name: str, n_layers: int) -> tuple[str, ...]:
    """One name for all layers or one per layer; softmax on the output layer only."""
    if isinstance(value, str):
        names = (known_name(value, name, _kernels.ACTIVATIONS),) * n_layers
    else:
        listed = _sequence(value, name, "a name, or a sequence of one name per layer")
        if len(listed) != n_layers:
            raise ValueError(
                f"{name} must hold one name per layer, {n_layers} in all (the inputs are not "
                f"a layer); got {len(listed)}: {_description(value)}"
            )
        names = tuple(
            known_name(one, f"{name}[{i}]", _kernels.ACTIVATIONS) for i, one in enumerate(listed)
        )
    if "softmax" in names[:-1]:
        suggestion = ["sigmoid"] * (n_layers - 1) + ["softmax"]
        raise ValueError(
            f'{name} must have "softmax" on the output layer only, got {_description(value)}; '
            f"use for example {suggestion}"
        )
    return names


def loss(value: Any, name: str, output_activation: str) -> str:
    found = known_name(value, name, LOSSES)
    required = REQUIRED_OUTPUT.get(found, output_activation)
    if output_activation != required:
        raise ValueError(
            f'{name}="{found}" needs "{required}" as the activation of the output layer, '
            f'got "{output_activation}"'
        )
    return found


def trainable(layer_activations: tuple[str, ...], loss_name: str, batch_size: int) -> None:
    """step has no useful derivative; one layer of it learns by the perceptron rule."""
    if "step" not in layer_activations:
        return
    n = len(layer_activations)
    if n > 1 or loss_name != "mse" or batch_size != 1:
        raise ValueError(
            'activation "step" has a derivative of zero, so nothing could be learned through it: '
            'it is trained by the perceptron rule, in a network of one layer with loss="mse" and '
            f"batch_size=1; got {n} layer{_s(n)}, loss={loss_name!r} and "
            f"batch_size={batch_size}; use another activation, such as sigmoid"
        )


def differentiable(layer_activations: tuple[str, ...]) -> None:
    if "step" in layer_activations:
        raise ValueError(
            'gradients need activations with a derivative, got "step", whose derivative is zero; '
            "use another activation, such as sigmoid"
        )


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
            f"{name} must have {n_inputs} number{_s(n_inputs)}, one per input of the network, "
            f"got {len(found)}{hint}"
        )
    return _converted(found[np.newaxis], name, dtype)


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
            f"{name} must have {n_inputs} column{_s(n_inputs)}, one per input of the network, "
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
            f"{name} must have {n_inputs} column{_s(n_inputs)}, one per input of the network, "
            f"got shape {shape}"
        )
    if shape[0] < minimum:
        raise ValueError(f"{name} must have at least one sample, got shape {shape}")
    starts = np.require(_real_array(X.indptr, f"{name}.indptr"), np.intp, ["C", "A"])
    columns = np.require(_real_array(X.indices, f"{name}.indices"), np.int32, ["C", "A"])
    values = _converted(_real_array(X.data, f"{name}.data"), f"{name}.data", dtype)
    fits = (
        starts.shape == (shape[0] + 1,)
        and columns.ndim == values.ndim == 1
        and starts[0] == 0
        and (np.diff(starts) >= 0).all()
        and starts[-1] <= min(len(columns), len(values))
    )
    used = columns[: starts[-1]] if fits else columns
    if not fits or (len(used) and (used.min() < 0 or used.max() >= n_inputs)):
        raise ValueError(
            f"{name} must be a valid CSR array, and its indptr, indices and data do not fit "
            "together; build it anew with scipy.sparse.csr_array"
        )
    return Compressed(starts, columns, values)


def targets(
    y: Any, name: str, n_samples: int, loss_name: str, n_outputs: int, dtype: np.dtype[Any]
) -> Array:
    """Targets as rows of shape (n_samples, n_outputs), or class numbers of shape (n_samples, 1)."""
    found = _real_array(y, name)
    if found.ndim == 1 and loss_name == "cross_entropy":
        _same_length(found, name, n_samples)
        return _class_numbers(found, name, n_outputs, dtype)
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
        raise ValueError(f"{name} must have shape {expected}, got {found.shape}")
    rows = _converted(found, name, dtype)
    if loss_name == "bce":
        _refuse(rows, (rows < 0) | (rows > 1), name, "lie in 0 to 1 for loss='bce'")
    elif loss_name == "cross_entropy":
        _refuse(rows, rows < 0, name, "not be negative for loss='cross_entropy'")
        with np.errstate(over="ignore"):
            total = rows.sum(axis=1, dtype=np.float64)
        wrong = np.abs(total - 1) > 1e-5
        _refuse(total, wrong, name, "have rows that sum to 1 for loss='cross_entropy'")
    return rows


def target_of_one(y: Any, name: str, loss_name: str, n_outputs: int, dtype: np.dtype[Any]) -> Array:
    """The target of one sample: a number, a class number or (n_outputs,)."""
    found = _real_array(y, name)
    may_be_number = n_outputs == 1 or loss_name == "cross_entropy"
    if found.shape != (n_outputs,) and not (may_be_number and found.ndim == 0):
        number = "a number or " if may_be_number else ""
        raise ValueError(
            f"{name} must be {number}of shape ({n_outputs},) for one sample, got {found.shape}"
        )
    return targets(found[np.newaxis], name, 1, loss_name, n_outputs, dtype)


def sample_weight(value: Any, name: str, n_samples: int) -> Array | None:
    """Weights scaled to mean 1; None stays None."""
    if value is None:
        return None
    found = _real_array(value, name)
    if found.ndim != 1:
        raise ValueError(f"{name} must have shape ({n_samples},), got {found.shape}")
    _same_length(found, name, n_samples)
    weights = np.array(_converted(found, name, np.dtype(np.float64)))
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
        known_name(value, name, ("balanced",))
        of_class = len(classes) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    elif isinstance(value, Mapping):
        of_class = np.ones(len(counts))
        for key, weight in value.items():
            number = integer(key, f"a class in {name}", 0, maximum=len(counts) - 1)
            of_class[number] = not_negative(weight, f"{name}[{number}]")
    else:
        raise TypeError(
            f'{name} must be None, "balanced" or a mapping of class numbers to weights, '
            f"got {_description(value)}"
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
    if Y.shape[1] < n_outputs or (n_outputs == 1 and ((Y == 0) | (Y == 1)).all()):
        return Y[:, 0].astype(np.intp)
    classes = Y.argmax(axis=1)
    if n_outputs == 1 or not np.array_equal(Y, np.eye(n_outputs)[classes]):
        raise ValueError(
            f"{name} needs targets that are classes: class numbers, rows with a single 1, or 0 and "
            "1 for one output; use sample_weight for others"
        )
    return np.asarray(classes)


def metrics(value: Any, name: str, known: Iterable[str]) -> dict[str, Any]:
    """Metrics by the names they get in History: a function for each, or None for those known."""
    if value is None:
        return {}
    listed = [value] if isinstance(value, str) or callable(value) else value
    found: dict[str, Any] = {}
    for i, one in enumerate(_sequence(listed, name, "a sequence of names and functions")):
        if isinstance(one, str):
            metric = known_name(one, f"{name}[{i}]", known)
            found_metric = None
        else:
            metric = getattr(function(one, f"{name}[{i}]"), "__name__", type(one).__name__)
            found_metric = one
        taken = metric in found or metric in ("loss", "learning_rate", "epoch")
        if taken or metric.startswith("val_"):
            raise ValueError(
                f"{name} must have names of their own, which History has for nothing else; got "
                f"{metric!r} in {name}[{i}]"
            )
        found[metric] = found_metric
    return found


def metrics_fit(metrics: Mapping[str, Any], name: str, Y: Array, n_outputs: int) -> None:
    for metric in ("mae", "r2"):
        if metrics.get(metric, 0) is None and Y.shape[1] != n_outputs:
            raise ValueError(
                f'{name} must not have "{metric}" where y holds class numbers, which are no '
                'quantity; use "accuracy"'
            )


def callbacks(value: Any, name: str, base: type, from_function: Any) -> list[Any]:
    """Callbacks, which functions become."""
    if value is None:
        return []
    alone = isinstance(value, base) or callable(value)
    listed = [value] if alone else _sequence(value, name, "a sequence of callbacks")
    found = []
    for i, one in enumerate(listed):
        if isinstance(one, type) or not (isinstance(one, base) or callable(one)):
            raise TypeError(
                f"{name}[{i}] must be a function, or an object of a class derived from "
                f"fastnn.callbacks.Callback, got {_description(one)}"
            )
        callback: Any = one if isinstance(one, base) else from_function(one)
        integer(callback.every, f"{name}[{i}].every", 1)
        found.append(callback)
    return found


def monitor(value: str, name: str, names: Sequence[str]) -> None:
    """Whether what is monitored will be there."""
    if value not in names:
        listed = ", ".join(repr(one) for one in names)
        needs_validation = value.startswith("val_") and "val_loss" not in names
        hint = "; give validation_data" if needs_validation else ""
        raise ValueError(f"{name} must be one of {listed} in this training, got {value!r}{hint}")


def pair(value: Any, name: str) -> tuple[Any, Any, Any]:
    """(X, y), or (X, y, sample_weight)."""
    if not isinstance(value, tuple | list) or len(value) not in (2, 3):
        raise TypeError(
            f"{name} must be (X, y) or (X, y, sample_weight), got {_description(value)}"
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


def output(out: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """An array that results can be written into."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be None or a NumPy array, got {_description(out)}")
    if out.shape != shape:
        raise ValueError(f"{name} must have the shape of the result, {shape}, got {out.shape}")
    if out.dtype != dtype or not out.dtype.isnative:
        raise ValueError(f"{name} must be of the network's {dtype}, got {out.dtype}")
    if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise ValueError(
            f"{name} must be C-contiguous, aligned and writable; use numpy.empty({shape}, "
            f'"{dtype}")'
        )


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
            raise ValueError(
                f"biases[{i}] must have shape ({W_l.shape[1]},), as weights[{i}] has "
                f"{W_l.shape[1]} column{_s(W_l.shape[1])}; got {b_l.shape}"
            )
    all_float32 = all(one.dtype.newbyteorder("=") == np.float32 for one in W + b)
    wanted = np.dtype(np.float32 if all_float32 else np.float64)
    W = [_converted(one, f"weights[{i}]", wanted) for i, one in enumerate(W)]
    b = [_converted(one, f"biases[{i}]", wanted) for i, one in enumerate(b)]
    return W, b, wanted


def _sequence(value: Any, name: str, expected: str) -> Sequence[Any]:
    if isinstance(value, np.ndarray) and value.ndim >= 1:
        return list(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return value
    raise TypeError(f"{name} must be {expected}, got {_description(value)}")


def _array(value: Any, name: str) -> Array:
    """Whatever NumPy makes of it."""
    try:
        found = np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:  # from the __array__ of anybody's class
        raise ValueError(
            f"{name} must be a number or an array of numbers with rows of equal length, "
            f"got {_description(value)}: {error}"
        ) from error
    mask = getattr(value, "mask", None) if isinstance(value, np.ndarray) else None
    if mask is not None and np.any(mask):
        raise ValueError(f"{name} must have no masked numbers; remove or fill them")
    return found


def _real_array(value: Any, name: str) -> Array:
    """Real numbers in any layout; complex, text and objects are refused."""
    found = _array(value, name)
    if found.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, got {_description(value)}, of dtype {found.dtype}"
        )
    return found


def _real_arrays(value: Any, name: str) -> list[Array]:
    listed = _sequence(value, name, "a sequence of one array per layer")
    return [_real_array(one, f"{name}[{i}]") for i, one in enumerate(listed)]


def _converted(found: Array, name: str, dtype: np.dtype[Any], finite: bool = True) -> Array:
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
        place, where = _first(~np.isfinite(converted))
        value = found[place]
        if np.isfinite(value):
            raise ValueError(
                f"{name} must be finite in the network's {dtype}, got {value!s} in {where}, "
                "which is too large for it; scale it, or use a network of float64"
            )
        raise ValueError(
            f"{name} must be finite, got {value} in {where}; remove or fill such values"
        )
    return converted


def all_finite(array: Array) -> bool:
    """Whether no number of a contiguous float array is infinite or NaN."""
    return _kernels.all_finite(array.reshape(-1))


def _class_numbers(found: Array, name: str, n_classes: int, dtype: np.dtype[Any]) -> Array:
    # Kernels use them as indices, so they are checked in a copy that nobody else holds.
    numbers = np.array(_converted(found, name, dtype))
    _refuse(found, numbers != np.floor(numbers), name, "hold whole class numbers")
    _refuse(found, numbers != found, name, f"hold class numbers that are exact in {dtype}")
    _refuse(
        found, (numbers < 0) | (numbers >= n_classes), name,
        f"hold class numbers from 0 to {n_classes - 1}, as the network has {n_classes} "
        f"output{_s(n_classes)}",
    )  # fmt: skip
    if n_classes == 1:
        return np.ones((len(numbers), 1), dtype)
    return numbers[:, np.newaxis]


def _refuse(values: Array, wrong: Array, name: str, expected: str) -> None:
    if wrong.any():
        place, where = _first(wrong)
        raise ValueError(f"{name} must {expected}; got {values[place]!s} in {where}")


def _first(wrong: Array) -> tuple[tuple[Any, ...], str]:
    """The first place where wrong is true, as an index and in words."""
    axes = ("row", "column")
    place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    return place, ", ".join(f"{axis} {i}" for axis, i in zip(axes, place, strict=False))


def _same_length(found: Array, name: str, n_samples: int) -> None:
    if len(found) != n_samples:
        raise ValueError(
            f"{name} must be as long as X, {n_samples} sample{_s(n_samples)}, got {len(found)}"
        )


def _description(value: Any) -> str:
    """What came, short enough for a message."""
    kind = type(value).__name__
    if isinstance(value, np.ndarray) and value.ndim:
        return f"{kind} of shape {value.shape}"
    try:
        text = reprlib.repr(value)
    except Exception:  # from the __repr__ of anybody's class
        return kind
    return f"{kind} {text}" if len(text) <= 60 and "\n" not in text else kind


def _s(n: int) -> str:
    return "" if n == 1 else "s"
