"""Checks of what streams bring, samples with named features; as fastnn/_data_checks.py."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from fastnn._checks import array, description
from fastnn._data_checks import all_finite, converted, refuse, same_length

Array = np.ndarray[Any, Any]
LABELS = {bool, int, str}
# What to do about a feature that is no number.
ENCODE = "; encode it first, for example with river.preprocessing.OneHotEncoder"
LEAVE_OUT = (
    "; leave it out of the sample, or fill it, for example with river.preprocessing.StatImputer"
)


def number(value: Any, name: str) -> float:
    """A finite number as Python's own: whatever float takes, but for text."""
    if type(value) is float and math.isfinite(value):
        return value
    try:
        found = array(value, name)
        inside: Any = found[()]
        if found.ndim or found.dtype.kind not in "biufO" or isinstance(inside, str | bytes):
            raise TypeError
        converted = float(inside)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} must be a number, got {description(value)}") from None
    if not math.isfinite(converted):
        raise ValueError(f"{name} must be finite, got {converted}")
    return converted


def numbers(values: Array, name: str, if_not: str = "") -> Array:
    """Finite numbers of any kind in one dimension, as a new array of float64.

    if_not is what to do about values that are there and are no numbers.
    """
    if values.dtype.kind in "biuf":
        return np.array(converted(values, name, np.dtype(np.float64)))
    found = np.empty(len(values))
    for i, value in enumerate(map(key, values)):
        try:
            if _is_missing(value):
                raise ValueError
            found[i] = number(value, name)
        except ValueError:
            raise ValueError(
                f"{name} must be finite, got {value!s} in row {i}; remove or fill such values"
            ) from None
        except TypeError:
            raise TypeError(
                f"{name} must hold numbers, got {description(value)} in row {i}{if_not}"
            ) from None
    return found


def _is_missing(value: Any) -> bool:
    """Whether it is None, or one of those that do not equal themselves."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ArithmeticError):  # from pandas.NA, and from Decimal's signaling NaN
        return True
    except ValueError:  # from an array
        return False


def features(x: Any) -> dict[Any, float]:
    """One sample, whose numbers have names."""
    if not isinstance(x, Mapping):
        raise TypeError(f"x must be a dict of features by name, got {description(x)}")
    return {
        name if type(name) is str else feature_name(name): _feature(value, name)
        for name, value in x.items()
    }


def _feature(value: Any, name: Hashable) -> float:
    if type(value) is float and math.isfinite(value):
        return value
    try:
        return number(value, f"x[{name!r}]")
    except ValueError as error:
        raise ValueError(f"{error}{LEAVE_OUT}") from None
    except TypeError as error:
        raise TypeError(f"{error}{LEAVE_OUT if _is_missing(value) else ENCODE}") from None


def columns(table: Array, names: Sequence[Any]) -> Array:
    """Many samples, whose columns have names, as a new array of float64."""
    found = np.array(table, np.float64, order="C")
    if not all_finite(found):
        for name, column in zip(names, found.T, strict=True):
            converted(column, f"X[{name!r}]", found.dtype)
    return found


def label(y: Any, name: str) -> Hashable:
    """A class: whatever can be a key, and equals itself."""
    if type(y) in LABELS:
        return cast("Hashable", y)
    if _is_missing(y) or not isinstance(y, Hashable):
        raise ValueError(f"{name} must be a class, such as True, 3 or 'spam', got {description(y)}")
    return key(y)


def key(name: Hashable) -> Hashable:
    """NumPy's scalars as Python's own objects where these are the same key of a dict.

    They are not for times and records, some of which would become ints.
    """
    if isinstance(name, np.generic) and name.dtype.kind not in "mMV":
        return cast("Hashable", name.item())
    return name


def feature_name(name: Hashable) -> Hashable:
    """A key that will be found again."""
    if name is not None and _is_missing(name):
        raise ValueError(f"the names of features must equal themselves, got {description(name)}")
    return key(name)


def weight(value: Any, name: str) -> float:
    """How much one sample counts."""
    found = number(value, name)
    if found < 0:
        raise ValueError(f"{name} must not be negative, got {found}")
    return found


def weights(value: Any, name: str, n_samples: int) -> Array:
    """How much each sample counts, from one number for all or one for each."""
    # As objects, or a single text would make texts of all.
    found = array(np.array(value, object) if isinstance(value, list | tuple) else value, name)
    if found.ndim == 0:
        return np.full(n_samples, weight(found[()], name))
    if found.ndim != 1:
        raise ValueError(
            f"{name} must be a number or of shape ({n_samples},), one for each sample, "
            f"got shape {found.shape}"
        )
    same_length(found, name, n_samples)
    each = numbers(found, name)
    refuse(found, each < 0, name, "not be negative")
    return each
