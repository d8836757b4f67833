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
WHOLE = re.compile(r"[+-]?[0-9]+")
# Thousands, if each value with the sign is written so: of decimals some would begin with 0.
THOUSANDS = {
    sign: re.compile(rf"[+-]?[1-9][0-9]{{0,2}}({re.escape(sign)}[0-9]{{3}})+") for sign in ".,"
}
UNIT = r"(?:[%‰$€£¥₹]|EUR|USD|GBP|CHF)"
DRESSED = re.compile(  # as spreadsheets show numbers
    rf"[+-]?(?P<before>{UNIT}\s?)?[+-]?"
    r"(?P<whole>[0-9]{1,3}(?:(?P<between>[.,'’\s])[0-9]{3}(?:(?P=between)[0-9]{3})*)|[0-9]+)"
    rf"(?P<part>(?!(?P=between))[.,][0-9]+)?(?P<after>\s?{UNIT})?"
)


def numbers(sheet: Sheet, name: str, values: list[str]) -> Array:
    """(n,) of a column of which each value must be a number."""
    pattern = NUMBERS[sheet.decimal]
    for i, value in enumerate(values):
        if not pattern.fullmatch(value):
            raise no_number(sheet, name, values, i)
    if not sheet.is_decimal_given and _stands_in_thousands(values, sheet.decimal):
        raise _thousands(sheet, name, values, sheet.decimal)
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


def look_like_numbers(values: list[str]) -> list[bool]:
    """However they are written."""
    patterns = (*NUMBERS.values(), DRESSED)
    return [any(pattern.fullmatch(value) for pattern in patterns) for value in values]


def _may_be_thousands(values: list[str], sign: str) -> bool:
    """Whether all values that have the sign have three digits after it, as 1.485."""
    found = [value for value in values if sign in value]
    return bool(found) and all(THOUSANDS[sign].fullmatch(value) for value in found)


def _stands_in_thousands(values: list[str], sign: str) -> bool:
    """Whether it does by all that one sees: whole numbers beside are of less than four digits.

    Where decimals are meant, either all cells have as many, or some have one or two. A few small
    numbers, such as 0 or 7, may stand among decimals nevertheless.
    """
    if not _may_be_thousands(values, sign):
        return False
    whole = [value.lstrip("+-").lstrip("0") for value in values if WHOLE.fullmatch(value)]
    longest = max(map(len, whole), default=0)
    return longest == 3 or (longest == 2 and len({one for one in whole if len(one) == 2}) > 2)


def _thousands(sheet: Sheet, name: str, values: list[str], sign: str) -> Failure:
    have = [value for value in values if sign in value]
    i = values.index(have[0])
    if len(have) == 1:
        why = f'the one of {len(values):,} values with a "{sign}" has'
    else:
        why = f'all {len(have):,} of {len(values):,} values with a "{sign}" have'
    remedy = "if it stands between thousands, take it out; if before decimals, "
    remedy += f'add --decimal "{sign}"'
    if sign == sheet.decimal:
        remedy += " to say so"
    elif _stands_in_thousands(values, sign):
        remedy = "it seems to stand between thousands; take it out"
    return Failure(
        f"{sheet.place(i)}, column {shown(name)}: {shown(have[0])} may be "
        f"{have[0].replace(sign, '')}, as {why} three digits after it; {remedy}"
    )


def no_number(sheet: Sheet, name: str, values: list[str], i: int, otherwise: str = "") -> Failure:
    """otherwise: what else may be done than to correct it."""
    if not values[i] or values[i].lower() in MISSING:
        return missing(sheet, name, values, i)
    other = "," if sheet.decimal == "." else "."
    hint = f"; correct it, or {otherwise}" if otherwise else ""
    dressed = DRESSED.fullmatch(values[i])
    if NUMBERS[other].fullmatch(values[i]):
        if _may_be_thousands(values, other):
            return _thousands(sheet, name, values, other)
        hint = f'; if "{other}" stands before decimals, add --decimal "{other}"'
    elif dressed:
        remedy = _undressed(dressed, sheet.decimal)
        return Failure(
            f"{sheet.place(i)}, column {shown(name)} looks like numbers, such as "
            f"{shown(values[i])}; {remedy}{f', or {otherwise}' if otherwise else ''}"
        )
    return Failure(f"{sheet.place(i)}, column {shown(name)}: {shown(values[i])} is no number{hint}")


def _undressed(found: re.Match[str], decimal: str) -> str:
    """What is to be done with a number that is written as people read it."""
    between, part = found["between"] or "", found["part"] or ""
    units = [one for one in (found["before"], found["after"]) if one]
    marks = [one.strip() for one in units]
    # One sign between digits, such as in 1,234 €, is looked at when nothing else is there.
    if part or not units or between not in {".", ","}:
        marks.append(between)
    names = [f'"{one}"' for one in marks if one.strip()]
    if any(map(str.isspace, between)) or any(one != one.strip() for one in units):
        names.append("spaces")
    remedies = [f"take out {' and '.join(names)}"] if names else []
    if part and part[0] != decimal:
        remedies.append(f'add --decimal "{part[0]}"')
    return " and ".join(remedies)


def missing(sheet: Sheet, name: str, values: list[str], i: int) -> Failure:
    what = f"{shown(values[i])}, so the value is missing" if values[i] else "the value is missing"
    n = sum(value == values[i] for value in values)
    return Failure(
        f"{sheet.place(i)}, column {shown(name)}: {what}"
        f"{how_often(n, len(values))}; fill or remove such rows"
    )


def how_often(n: int, n_rows: int) -> str:
    return f", as in {n:,} of {n_rows:,} rows" if n > 1 else ""
