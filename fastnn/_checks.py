"""Checks of a user's settings that many have: numbers, flags, names; and those of networks.

_data_checks.py has those of data. What has a module of its own, such as optimizers or metrics, is
looked up there, by its `get`.

Each takes the value and the name of the argument that it came from, and returns the value as the
kernels want it, or raises TypeError or ValueError with the argument, what was expected, what came
and what to do.
"""

from __future__ import annotations

import contextlib
import errno
import math
import operator
import os
import reprlib
import sys
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fastnn import _words
from fastnn._core import kernels

Array = np.ndarray[Any, Any]

REQUIRED_OUTPUT = {"bce": "sigmoid", "cross_entropy": "softmax"}
BOOLS = bool, np.bool_  # a union, bool | np.bool_, would be made anew at each call
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
    number = None
    if not isinstance(value, BOOLS):  # of which those of older NumPys are indices, with a warning
        with contextlib.suppress(TypeError):
            number = operator.index(value)
    if number is None:
        raise TypeError(f"{name} must be {expected}, got {description(value)}{hint}")
    if number < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {description(number)}")
    if number > maximum:
        raise ValueError(f"{name} must be at most {maximum}, got {description(number)}")
    return number


def real_number(value: Any, name: str, expected: str = "a number", kinds: str = "iufO") -> float:
    """Whatever float takes, but for text; what is too large for float is infinite."""
    if type(value) is float:
        return value
    found = array(value, name)
    if found.ndim == 0 and found.dtype.kind in kinds:
        try:
            return float(found[()])
        except OverflowError:
            return math.inf
        except (TypeError, ValueError):
            pass
    raise TypeError(f"{name} must be {expected}, got {description(value)}{instead_of_class(value)}")


class Range(NamedTuple):
    """Which numbers a setting may have, and the words for it behind "must be"."""

    words: str
    low: float
    high: float
    with_low: bool = False
    with_high: bool = False

    def has(self, number: float) -> bool:
        """NaN is in none."""
        above = self.low <= number if self.with_low else self.low < number
        return above and (number <= self.high if self.with_high else number < self.high)


FINITE = Range("a finite number", -math.inf, math.inf)
NOT_NEGATIVE = Range("a finite number of at least 0", 0, math.inf, with_low=True)
ABOVE_ZERO = Range("a finite number above 0", 0, math.inf)
UP_TO_ONE = Range("from 0 to 1", 0, 1, with_low=True, with_high=True)
BELOW_ONE = Range("from 0 to below 1", 0, 1, with_low=True)
FACTOR = Range("above 0 and at most 1", 0, 1, with_high=True)
FRACTION = Range("above 0 and below 1", 0, 1)


@cache
def positive_in(dtype: np.dtype[Any]) -> Range:
    """Numbers that are positive and finite in the network's dtype, too."""
    limits = np.finfo(dtype)
    words = f"positive and finite, {limits.tiny:.3g} to {limits.max:.3g} in the network's {dtype}"
    return Range(words, float(limits.tiny), float(limits.max), True, True)


def number(value: Any, name: str, allowed: Range = FINITE, expected: str = "a number") -> float:
    """A number of this range; expected are the words for what is none."""
    found = real_number(value, name, expected)
    if not allowed.has(found):
        raise ValueError(f"{name} must be {allowed.words}, got {description(value)}")
    return found


def number_or_none(value: Any, name: str, allowed: Range) -> float | None:
    if value is None:
        return None
    words = f"None or {allowed.words}"
    return number(value, name, allowed._replace(words=words), words)


def function(value: Any, name: str) -> Any:
    if not callable(value) or isinstance(value, type):
        raise TypeError(
            f"{name} must be a function, got {description(value)}{instead_of_class(value)}"
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
    if not isinstance(value, BOOLS):
        raise TypeError(f"{name} must be True or False, got {description(value)}")
    return bool(value)


def known_name(value: Any, name: str, known: Iterable[str], internal: Collection[str] = ()) -> str:
    """One of the known names; or an internal one, which comes from a network, not from a user."""
    is_text = isinstance(value, str)
    found = str(value) if is_text else ""  # neither NumPy's kind nor anybody's
    if is_text and (found in known or found in internal):
        return found
    expected = f"{name} must be one of {', '.join(repr(one) for one in known)}"
    if not is_text:
        raise TypeError(f"{expected}, got {description(value)}")
    raise ValueError(f"{expected}, got {description(value)}{_words.hint(found, known)}")


def dtype(value: Any, name: str) -> np.dtype[Any]:
    try:
        # None, which NumPy takes for float64, is more likely a slip here.
        found = None if value is None else np.dtype(value)
    except Exception:  # NumPy raises many kinds
        found = None
    if found is None or found.kind != "f" or found.itemsize not in (4, 8):
        raise ValueError(f'{name} must be "float32" or "float64", got {description(value)}')
    return np.dtype(f"f{found.itemsize}")


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


def sequence(value: Any, name: str, expected: str) -> list[Any]:
    """What is in it, read once: a class of the user's may say another length each time."""
    if isinstance(value, np.ndarray) and value.ndim >= 1:
        return list(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return list(value)
    raise TypeError(f"{name} must be {expected}, got {description(value)}")


def each_once(given: Sequence[object], name: str, remedy: str) -> None:
    """ValueError if an object is there twice."""
    places: dict[int, int] = {}
    for i, one in enumerate(given):
        first = places.setdefault(id(one), i)
        if first != i:
            raise ValueError(
                f"{name} must each be there once, but {name}[{i}] is {name}[{first}]; use {remedy} "
                "for another one"
            )


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
    # Where there are fields, a mask has them, too.
    may_be_masked = isinstance(value, np.ndarray) and found.dtype.names is None
    mask = getattr(value, "mask", None) if may_be_masked else None
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


def instead_of_class(value: Any) -> str:
    """What to write for a class where an object of it is wanted, as the end of a message."""
    return f"; write {value.__name__}(...), an object of it" if isinstance(value, type) else ""


def plural(n: int) -> str:
    return "" if n == 1 else "s"
