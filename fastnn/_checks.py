"""Checks of a user's settings, one function per kind of thing; _data_checks.py has those of data.

Each takes the value and the name of the argument that it came from, and returns the value as the
kernels want it, or raises TypeError or ValueError with the argument, what was expected, what came
and what to do.
"""

from __future__ import annotations

import errno
import math
import operator
import os
import reprlib
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from fastnn import _words
from fastnn._core import kernels
from fastnn._initializers import INITIALIZERS

Array = np.ndarray[Any, Any]
T = TypeVar("T")

REQUIRED_OUTPUT = {"bce": "sigmoid", "cross_entropy": "softmax"}
INTEGERS = frozenset({int, *(np.dtype(code).type for code in np.typecodes["AllInteger"])})
NUMBERS = INTEGERS | {float, np.float16, np.float32, np.float64}
ACTIVATIONS = [name for name in kernels.ACTIVATIONS if name not in kernels.INTERNAL]
LOSSES = [name for name in kernels.LOSSES if name not in kernels.INTERNAL]


def integer(
    value: Any,
    name: str,
    minimum: int,
    maximum: float = sys.maxsize,
    expected: str = "an integer",
    hint: str = "",
) -> int:
    """A whole number; bool and float are refused, whatever their value."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be {expected}, got {description(value)}{hint}")
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {description(number)}")
    if number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {description(number)}")
    return number


def _real_number(value: Any, name: str, expected: str = "a number", kinds: str = "iufO") -> float:
    """Whatever float takes, but for text; what is too large for float is infinite."""
    found = array(value, name)
    if found.ndim == 0 and found.dtype.kind in kinds:
        try:
            return float(found[()])
        except OverflowError:
            return math.inf
        except (TypeError, ValueError):
            pass
    raise TypeError(
        f"{name} must be {expected}, got {description(value)}{_instead_of_class(value)}"
    )


def positive_number(value: Any, name: str, dtype: np.dtype[Any]) -> float:
    """A number that is positive and finite in the network's dtype too."""
    number = _real_number(value, name)
    limits = np.finfo(dtype)
    if not (float(limits.tiny) <= number <= float(limits.max)):
        raise ValueError(
            f"{name} must be positive and finite, {limits.tiny:.3g} to {limits.max:.3g} in the "
            f"network's {dtype}, got {description(value)}"
        )
    return number


def number(value: Any, name: str) -> float:
    found = _real_number(value, name)
    if not math.isfinite(found):
        raise ValueError(f"{name} must be a finite number, got {description(value)}")
    return found


def tolerance(value: Any, name: str) -> float | None:
    """None (never stop early), or a number >= 0."""
    if value is None:
        return None
    expected = "None or a finite number of at least 0"
    number = _real_number(value, name, expected)
    if not (0 <= number < math.inf):
        raise ValueError(f"{name} must be {expected}, got {description(value)}")
    return number


def not_negative(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 <= number < math.inf):
        raise ValueError(f"{name} must be a finite number of at least 0, got {description(value)}")
    return number


def above_zero(value: Any, name: str, expected: str = "a number") -> float:
    number = _real_number(value, name, expected)
    if not (0 < number < math.inf):
        raise ValueError(f"{name} must be a finite number above 0, got {description(value)}")
    return number


def below_one(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 <= number < 1):
        raise ValueError(f"{name} must be from 0 to below 1, got {description(value)}")
    return number


def at_most_one(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 <= number <= 1):
        raise ValueError(f"{name} must be from 0 to 1, got {description(value)}")
    return number


def share(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 < number <= 1):
        raise ValueError(f"{name} must be above 0 and at most 1, got {description(value)}")
    return number


def between_zero_and_one(value: Any, name: str) -> float:
    number = _real_number(value, name)
    if not (0 < number < 1):
        raise ValueError(f"{name} must be above 0 and below 1, got {description(value)}")
    return number


def learning_rate(
    value: Any, name: str, dtype: np.dtype[Any], schedules: Iterable[type] = ()
) -> Any:
    """A number, or what gives one: one of these schedules, or a function of the epoch."""
    if callable(value) and not isinstance(value, type):
        return value
    try:
        return positive_number(value, name, dtype)
    except TypeError:
        hint = ""
        if isinstance(value, str):
            names = [one.__name__ for one in schedules]
            hint = _words.hint(value, names, "fastnn.schedules.{}(...)".format)
        raise TypeError(
            f"{name} must be a number, one of fastnn.schedules, or a function of the epoch, "
            f"got {description(value)}{_instead_of_class(value)}{hint}"
        ) from None


def function(value: Any, name: str) -> Any:
    if not callable(value) or isinstance(value, type):
        raise TypeError(
            f"{name} must be a function, got {description(value)}{_instead_of_class(value)}"
        )
    return value


def text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {description(value)}")
    return value


def path(value: Any, name: str) -> str:
    """The path of a file, as text."""
    try:
        return os.fsdecode(value)
    except TypeError:
        raise TypeError(f"{name} must be a path, got {description(value)}") from None


def path_or_file(value: Any, name: str, mode: str) -> Any:
    """The path of a file, as text, or a file that somebody has opened in a mode, "rb" or "wb"."""
    if isinstance(value, str | bytes | os.PathLike):
        return path(value, name)
    if isinstance(value, type) or not hasattr(value, "read" if mode == "rb" else "write"):
        raise TypeError(
            f'{name} must be a path, or a file opened in binary mode, as by open(..., "{mode}"), '
            f"got {description(value)}"
        )
    return value


def new_file(path: str, name: str) -> None:
    """Whether a file can be made at a path, or one that is there replaced; nothing is made."""
    real = os.path.realpath(path)
    folder = os.path.dirname(real)
    if os.path.isdir(real):
        number, what = errno.EISDIR, "must be that of a file, and is that of a folder"
    elif not os.path.exists(folder):
        number = errno.ENOENT
        what = f"must be in a folder that exists, and {folder!r} does not; make it by os.makedirs"
    elif not os.path.isdir(folder):
        number, what = errno.ENOTDIR, f"must be in a folder, and {folder!r} is none"
    elif not os.path.exists(real) and not os.access(folder, os.W_OK):
        number, what = errno.EACCES, f"must be where files may be made, and not in {folder!r}"
    else:
        return
    raise OSError(number, f"{name} {what}", path)  # of the class that belongs to the number


def flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {description(value)}")
    return bool(value)


def known_name(value: Any, name: str, known: Iterable[str], internal: Collection[str] = ()) -> str:
    """One of the known names; or an internal one, which comes from a network, not from a user."""
    names = ", ".join(repr(one) for one in known)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {names}, got {description(value)}")
    found = str(value)  # neither NumPy's kind nor anybody's
    if found not in known and found not in internal:
        hint = _words.hint(found, known)
        raise ValueError(f"{name} must be one of {names}, got {description(value)}{hint}")
    return found


def optimizer(value: Any, name: str, known: Mapping[str, T]) -> T:
    """An optimizer, or that of a name with its defaults. known has one of each kind.

    A copy, made by what checks settings anew: others may have written into theirs, and may yet.
    """
    for default in known.values():
        if isinstance(value, type(default)):
            found: Any = value
            own: T = replace(found)
            return own
    if isinstance(value, str):
        return known[known_name(value, name, known)]
    kinds = ", ".join(type(default).__name__ for default in known.values())
    names = ", ".join(repr(one) for one in known)
    raise TypeError(
        f"{name} must be one of {names}, or an object of fastnn.optimizers ({kinds}), "
        f"got {description(value)}{_instead_of_class(value)}"
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
                f"got {description(value)}"
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
            f'{name}.l2 must be 0 for a network of "step" units, got {description(optimizer.l2)}: '
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
        raise ValueError(f'{name} must be "float32" or "float64", got {description(value)}')
    return np.dtype(found)


def generator(seed: Any, name: str) -> np.random.Generator:
    """A generator of the network's own: one handed in would be shared with whoever made it."""
    if seed is not None:
        hint = ""
        if isinstance(seed, np.random.Generator):
            hint = "; give one that it draws: generator.integers(2**32)"
        seed = integer(seed, name, 0, math.inf, "None or an integer of at least 0", hint)
    return np.random.default_rng(seed)


def layer_sizes(value: Any, name: str) -> tuple[int, ...]:
    sizes = sequence(value, name, "a sequence of integers, such as [2, 3, 1]")
    if len(sizes) < 2:
        raise ValueError(
            f"{name} must hold the number of inputs and at least one layer, as in [2, 1]; "
            f"got {description(value)}"
        )
    return tuple(integer(size, f"{name}[{i}]", 1) for i, size in enumerate(sizes))


def state(value: Any, name: str, keys: Iterable[str]) -> None:
    """A dict with these keys."""
    if not isinstance(value, dict) or not set(keys) <= set(value):
        raise ValueError(
            f"{name} must be a dict with {', '.join(keys)}, as its __getstate__ makes it, "
            f"got {description(value)}"
        )


def feature_names(value: Any, name: str, n_inputs: int) -> tuple[str, ...] | None:
    """A name for each input of a network, or None."""
    if value is None:
        return None
    expected = f"None or {n_inputs} different names"
    names = sequence(value, name, expected)
    if not all(isinstance(one, str) for one in names):
        raise TypeError(f"{name} must be {expected}, got {description(value)}")
    found = tuple(str.__str__(one) for one in names)  # nobody's own kind of text
    if len(found) != n_inputs or len(set(found)) < n_inputs:
        raise ValueError(f"{name} must be {expected}, got {description(value)}")
    return found


def generator_of_state(value: Any, name: str) -> np.random.Generator:
    """One that is made by default_rng, as model files know no other."""
    if type(value) is not np.random.Generator or type(value.bit_generator) is not np.random.PCG64:
        raise TypeError(
            f"{name} must be a numpy.random.Generator of PCG64, got {description(value)}"
        )
    return value


def activations(
    value: Any, name: str, n_layers: int, internal: Collection[str] = ()
) -> tuple[str, ...]:
    """One name for all layers or one per layer; softmax on the output layer only."""
    if isinstance(value, str):
        names = (known_name(value, name, ACTIVATIONS, internal),) * n_layers
    else:
        listed = sequence(value, name, "a name, or a sequence of one name per layer")
        if len(listed) != n_layers:
            raise ValueError(
                f"{name} must hold one name per layer, {n_layers} in all (the inputs are not "
                f"a layer); got {len(listed)}: {description(value)}"
            )
        names = tuple(
            known_name(one, f"{name}[{i}]", ACTIVATIONS, internal) for i, one in enumerate(listed)
        )
    if "softmax" in names[:-1]:
        suggestion = ["sigmoid"] * (n_layers - 1) + ["softmax"]
        raise ValueError(
            f'{name} must have "softmax" on the output layer only, got {description(value)}; '
            f"use for example {suggestion}"
        )
    return names


def several_classes(names: Sequence[str], name: str, n_outputs: int) -> None:
    """Of one unit, softmax is always 1."""
    if names[-1] == "softmax" and n_outputs == 1:
        raise ValueError(
            f'{name} must not have "softmax" on an output layer of one unit, whose output would '
            'always be 1; for two classes use one "sigmoid" unit and loss="bce", or two units of '
            '"softmax"'
        )


def hidden_layers(sizes: Any, activation: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Units and activation of each hidden layer, of which there is at least one."""
    listed = sequence(sizes, "hidden_layer_sizes", "a sequence of integers, such as (16,)")
    if not listed:
        raise ValueError("hidden_layer_sizes must hold at least one number, as in (16,); got none")
    found = tuple(integer(n, f"hidden_layer_sizes[{i}]", 1) for i, n in enumerate(listed))
    names = activations(activation, "activation", len(found))
    for wrong in {"softmax", "step"}.intersection(names):
        raise ValueError(
            f'activation must not be "{wrong}" in a hidden layer; use for example relu'
        )
    return found, names


def loss(value: Any, name: str, output_activation: str, internal: Collection[str] = ()) -> str:
    found = known_name(value, name, LOSSES, internal)
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
            f"batch_size=1; got {n} layer{plural(n)}, loss={loss_name!r} and "
            f"batch_size={batch_size}; use another activation, such as sigmoid"
        )


def differentiable(layer_activations: tuple[str, ...]) -> None:
    if "step" in layer_activations:
        raise ValueError(
            'gradients need activations with a derivative, got "step", whose derivative is zero; '
            "use another activation, such as sigmoid"
        )


def metrics(
    value: Any, name: str, known: Mapping[str, Any], no_numbers: Sequence[Any]
) -> dict[str, Any]:
    """Metrics by the names they get in History: a function for each, or the name of a known one.

    Of the known functions, no_numbers give something else.
    """
    if value is None:
        return {}
    given: list[tuple[str | None, Any, str]]
    if isinstance(value, Mapping):
        given = [
            (str(text(column, f"a name in {name}")), one, f"{name}[{column!r}]")
            for column, one in value.items()
        ]
    else:
        listed = [value] if isinstance(value, str) or callable(value) else value
        expected = (
            "a name, a function, a sequence of them, such as ['accuracy'], or a mapping that "
            "gives them names"
        )
        given = [
            (None, one, f"{name}[{i}]") for i, one in enumerate(sequence(listed, name, expected))
        ]
    found: dict[str, Any] = {}
    for column, one, place in given:
        metric = _metric(one, place, known, no_numbers)
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


def _metric(value: Any, name: str, known: Mapping[str, Any], no_numbers: Sequence[Any]) -> Any:
    if isinstance(value, str):
        return known_name(value, name, known)
    for own_name, own_function in known.items():
        if value is own_function:
            return own_name
    for one in no_numbers:
        if value is one:
            raise ValueError(
                f"{name} must give a number, which {one.__name__} does not; call it with y and the "
                "outputs of feedforward"
            )
    if isinstance(value, type) or not callable(value):
        raise TypeError(
            f"{name} must be the name of a metric or a function of (y, outputs), "
            f"got {description(value)}{_instead_of_class(value)}"
        )
    return value


def _name_of(function: Any) -> str:
    found = getattr(function, "__name__", None)
    return str(found) if isinstance(found, str) else type(function).__name__


def metric_value(value: Any, name: str) -> float:
    """What a metric of the user's has returned; True and False are numbers too."""
    return _real_number(value, f"what the metric {name!r} returns", kinds="biufO")


def callbacks(value: Any, name: str, base: type, from_function: Any) -> list[Any]:
    """Callbacks, which functions become."""
    if value is None:
        return []
    alone = isinstance(value, base) or callable(value)
    listed = (
        [value]
        if alone
        else sequence(
            value, name, "a sequence of callbacks, such as [EarlyStopping()] of fastnn.callbacks"
        )
    )
    found = []
    for i, one in enumerate(listed):
        if isinstance(one, type) or not (isinstance(one, base) or callable(one)):
            raise TypeError(
                f"{name}[{i}] must be a function, or an object of a class derived from "
                f"fastnn.callbacks.Callback, got {description(one)}{_instead_of_class(one)}"
            )
        callback: Any = one if isinstance(one, base) else from_function(one)
        integer(callback.every, f"{name}[{i}].every", 1)
        found.append(callback)
    return found


def monitor(value: str, name: str, names: Sequence[str], metrics: Iterable[str]) -> None:
    """Whether what is monitored will be there, where a training can have these metrics."""
    if value in names:
        return
    measured = {*metrics, *(one for one in names if not one.startswith("val_"))}
    possible = measured | {f"val_{one}" for one in measured}
    hint = _words.hint(value, sorted(possible))
    if value in possible:
        metric = value.removeprefix("val_")
        needed = [] if metric in names else [f"metrics=[{metric!r}]"]
        if metric != value and "val_loss" not in names:
            needed.insert(0, "validation_data=(X_valid, y_valid)")
        hint = f"; give {' and '.join(needed)} to train"
    listed = ", ".join(repr(one) for one in names)
    raise ValueError(f"{name} must be one of {listed} in this training, got {value!r}{hint}")


def sequence(value: Any, name: str, expected: str) -> list[Any]:
    """What is in it, read once: a class of the user's may say another length each time."""
    if isinstance(value, np.ndarray) and value.ndim >= 1:
        return list(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return list(value)
    raise TypeError(f"{name} must be {expected}, got {description(value)}")


def array(value: Any, name: str) -> Array:
    """Whatever NumPy makes of it, as an object of our own: others may set the shape of theirs."""
    try:
        found = np.asarray(value).view()
    except MemoryError:
        raise
    except Exception as error:  # from the __array__ of anybody's class
        hint = f"; use {name}.detach().cpu().numpy()" if hasattr(type(value), "detach") else ""
        raise ValueError(
            f"{name} must be a number or an array of numbers with rows of equal length, "
            f"got {description(value)}: {error}{hint}"
        ) from error
    mask = getattr(value, "mask", None) if isinstance(value, np.ndarray) else None
    if mask is not None and np.any(mask):
        raise ValueError(f"{name} must have no masked numbers; remove or fill them")
    return found


def description(value: Any) -> str:
    """What came, short enough for a message."""
    kind = type(value).__name__
    if isinstance(value, np.ndarray) and value.ndim:
        return f"{kind} of shape {value.shape}"
    try:
        text = reprlib.repr(value)
    except Exception:  # from the __repr__ of anybody's class
        return kind
    return f"{kind} {text}" if len(text) <= 60 and "\n" not in text else kind


def _instead_of_class(value: Any) -> str:
    """What to write for a class where an object of it is wanted, as the end of a message."""
    return f"; write {value.__name__}(...), an object of it" if isinstance(value, type) else ""


def plural(n: int) -> str:
    return "" if n == 1 else "s"
