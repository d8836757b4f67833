"""What optimizers, schedules and callbacks are to Python: their settings, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, fields
from functools import lru_cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any


class ValueObject:
    """Equal, hashed and shown by its fields, as a dataclass is.

    They derive from it with ``dataclass(eq=False, repr=False)``, as dataclass compiles each method
    of each class anew: that took a tenth of the time to import fastnn.
    """

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        kind: Any = type(self)
        values = _values(kind, _is_compared)
        return bool(values(self) == values(other))

    def __hash__(self) -> int:
        kind: Any = type(self)
        return hash(_values(kind, _is_hashed)(self)[2:])

    @recursive_repr()
    def __repr__(self) -> str:
        kind: Any = type(self)
        shown = (one.name for one in fields(kind) if one.repr)
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({settings})"


@lru_cache  # as each call of train compares, and each look of a callback is kept by its hash
def _values(kind: Any, is_meant: Callable[[Field[Any]], bool]) -> Callable[[object], Any]:
    # With the class, and twice, as the getter of a single name makes no tuple.
    names = (one.name for one in fields(kind) if is_meant(one))
    return attrgetter("__class__", "__class__", *names)


def _is_compared(field: Field[Any]) -> bool:
    return field.compare


def _is_hashed(field: Field[Any]) -> bool:
    return field.compare if field.hash is None else field.hash
