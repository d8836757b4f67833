"""What stands in a column of text: numbers, and what is missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._command.reading import Sheet
from fastnn._command.streams import Failure, shown

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

# What stands for a number that is missing; in a column of text it is a category.
MISSING = {"na", "n/a", "nan", "null", "none", "nil", "#n/a", "?", "-", "."}
LARGEST = 1e100  # of a number, so that squares and sums are finite
NUMBERS = {
    decimal: re.compile(rf"[+-]?([0-9]+{re.escape(decimal)}?[0-9]*|{re.escape(decimal)}[0-9]+)"
                        r"([eE][+-]?[0-9]+)?")
    for decimal in ".,"
}  # fmt: skip


def numbers(sheet: Sheet, name: str, values: list[str]) -> Array:
    """(n,) of a column of which each value must be a number."""
    pattern = NUMBERS[sheet.decimal]
    for i, value in enumerate(values):
        if not pattern.fullmatch(value):
            raise no_number(sheet, name, values, i)
    found = np.array([float(value.replace(",", ".")) for value in values])
    too_large = np.abs(found) > LARGEST
    if too_large.any():
        i = int(too_large.argmax())
        raise Failure(
            f"{sheet.place(i)}, column {shown(name)}: {shown(values[i])} is too large for a number"
        )
    return found


def are_numbers(values: list[str], decimal: str) -> list[bool]:
    pattern = NUMBERS[decimal]
    return [pattern.fullmatch(value) is not None for value in values]


def no_number(sheet: Sheet, name: str, values: list[str], i: int, hint: str = "") -> Failure:
    if not values[i] or values[i].lower() in MISSING:
        return missing(sheet, name, values, i)
    other = "," if sheet.decimal == "." else "."
    if NUMBERS[other].fullmatch(values[i]):
        hint = f'; if "{other}" stands before decimals, add --decimal "{other}"'
    return Failure(f"{sheet.place(i)}, column {shown(name)}: {shown(values[i])} is no number{hint}")


def missing(sheet: Sheet, name: str, values: list[str], i: int) -> Failure:
    what = f"{shown(values[i])}, so the value is missing" if values[i] else "the value is missing"
    n = sum(value == values[i] for value in values)
    return Failure(
        f"{sheet.place(i)}, column {shown(name)}: {what}"
        f"{how_often(n, len(values))}; fill or remove such rows"
    )


def how_often(n: int, n_rows: int) -> str:
    return f", as in {n:,} of {n_rows:,} rows" if n > 1 else ""
