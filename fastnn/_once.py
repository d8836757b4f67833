"""Attributes that are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):
    """As functools.cached_property, but without a lock.

    That of Python 3.11 is one for all objects: threads wait there for each other, and the child of
    a fork for ever, if another thread has it at that moment.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self.make, self.__doc__ = make, make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, of: None, owner: type) -> Self: ...

    @overload
    def __get__(self, of: object, owner: type) -> T: ...

    def __get__(self, of: object | None, owner: type) -> T | Self:
        if of is None:
            return self
        made: T = self.make(of)
        return of.__dict__.setdefault(self.name, made)  # type: ignore[no-any-return]
