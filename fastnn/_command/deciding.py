"""What the columns of a table are, as far as it shows: numbers or categories, and the target."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._command.cells import are_numbers, how_often, look_like_numbers, no_number, numbers
from fastnn._command.encoding import Column, Encoding
from fastnn._command.reading import Sheet, require
from fastnn._command.streams import Failure, Misuse, listed, shown

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

FEW_CLASSES = 20  # of whole numbers that are classes, unless it is said what they are
FEW_CATEGORIES = 20  # that nobody minds, however few rows there are
MOST_CATEGORIES = 1000
PADDED = re.compile(r"[+-]?0[0-9]+")
DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ].*)?|[0-9]{1,2}([./-])[0-9]{1,2}\2[0-9]{2,4}.*"
)


def learned(
    sheet: Sheet,
    target: str,
    kind: str | None,
    ignored: Collection[str],
    as_categories: Collection[str],
) -> tuple[Encoding, Array, Array]:
    """The encoding of a sheet; its inputs (n, inputs), and its targets (n,).

    kind: "classes" or "numbers", or None where the target says which. Columns that are the same in
    all rows are no inputs: what nothing was learned of must not matter, if it is another one day.
    """
    values = require(sheet, target, "the target")
    for name, flag in (*((one, "--ignore") for one in ignored),
                       *((one, "--categories") for one in as_categories)):  # fmt: skip
        require(sheet, name, f"for {flag}")
    if target in ignored:
        raise Misuse(f"--ignore {quote(target)} would leave out the target; leave the flag out")
    names = [name for name in sheet.columns if name != target and name not in ignored]
    if not names:
        raise Failure(f"{sheet.name} has no column beside the target that is not ignored")
    _refuse_missing(sheet, [target, *names])
    classes, y = _targets(sheet, target, values, kind)
    varied = [name for name in names if len(set(sheet.columns[name])) > 1]
    if not varied:
        raise Failure(f"{sheet.name} has the same in all rows, but for the target")
    columns = tuple(_column(sheet, name, name in as_categories) for name in varied)
    _refuse_many_texts(sheet, columns)
    encoding = Encoding(columns, target, classes)
    inputs = encoding.inputs
    twice = [one for i, one in enumerate(inputs) if one in inputs[:i]]
    if twice:
        raise Failure(
            f"{sheet.name} has two columns that would both be the input {shown(twice[0])}; "
            "rename one of them"
        )
    return encoding, encoding.encode(sheet), y


def _refuse_missing(sheet: Sheet, names: list[str]) -> None:
    """What is empty, in one message for all columns; the target is the first of the names."""
    empty = {name: sheet.columns[name].count("") for name in names}
    found = {name: k for name, k in empty.items() if k}
    if not found:
        return
    first = next(iter(found))
    i = sheet.columns[first].index("")
    others = ", ".join(f"{shown(name)} ({k:,})" for name, k in list(found.items())[1:6])
    often = how_often(found[first], len(sheet))
    ignore = "" if first == names[0] else f", or leave the column out by --ignore {quote(first)}"
    raise Failure(
        f"{sheet.place(i)}, column {shown(first)}: the value is missing{often}"
        f"{f'; others are in {others}' if others else ''}; fill or remove such rows{ignore}"
    )


def _column(sheet: Sheet, name: str, as_categories: bool) -> Column:
    """What a column holds: numbers, or few enough different texts."""
    values = sheet.columns[name]
    is_number = are_numbers(values, sheet.decimal)
    if all(is_number) and not as_categories:
        return Column(name, None)
    otherwise = f"add --categories {quote(name)} if these are categories, or --ignore {quote(name)}"
    if sum(is_number) * 2 >= len(values) and not as_categories:
        i = is_number.index(False)
        raise no_number(sheet, name, values, i, otherwise)
    if not as_categories:
        _refuse_other_numbers(sheet, name, values, otherwise)
    return Column(name, tuple(sorted(set(values))))


def _refuse_other_numbers(sheet: Sheet, name: str, values: list[str], otherwise: str) -> None:
    """What would be numbers, for the most part, if they were written otherwise."""
    look, are = look_like_numbers(values), are_numbers(values, sheet.decimal)
    if sum(look) * 2 >= len(values):
        i = next(i for i in range(len(values)) if look[i] and not are[i])
        raise no_number(sheet, name, values, i, otherwise)


def _refuse_many_texts(sheet: Sheet, columns: Sequence[Column]) -> None:
    """Of names, dates or numbers of tickets nothing can be learned, and so of any such column."""
    most = min(MOST_CATEGORIES, max(FEW_CATEGORIES, len(sheet) // 2))
    found = [one for one in columns if one.categories and len(one.categories) > most]
    if not found:
        return
    first, others = found[0], found[1:]
    assert first.categories is not None
    also = f", and so have {listed([one.name for one in others])}" if others else ""
    ignore = " ".join(f"--ignore {quote(one.name)}" for one in found)
    raise Failure(
        f"{sheet.name}, column {shown(first.name)} has {len(first.categories):,} different texts "
        f"in {len(sheet):,} rows, such as {shown(first.categories[0])}, too many for "
        f"categories{also}; leave out what is of no use by {ignore}"
    )


def _targets(
    sheet: Sheet, name: str, values: list[str], kind: str | None
) -> tuple[tuple[str, ...] | None, Array]:
    """Names of classes and the number of each row's; or None, and numbers."""
    is_number = are_numbers(values, sheet.decimal)
    all_numbers = all(is_number)
    otherwise = "add --as classes if these are classes"
    if kind is None and not all_numbers and sum(is_number) * 2 >= len(values):
        i = is_number.index(False)
        raise no_number(sheet, name, values, i, otherwise)
    if kind is None and not all_numbers:
        _refuse_other_numbers(sheet, name, values, otherwise)
    if kind is None:
        is_class = not all_numbers or _are_few_and_whole(sheet, name, values)
        kind = "classes" if is_class else "numbers"
    if kind == "classes":
        return _classes(sheet, name, values, all_numbers)
    y = numbers(sheet, name, values)
    if y.min() == y.max():
        raise Failure(
            f"{sheet.name}: the target, column {shown(name)}, is {values[0]} in each row, so that "
            "there is nothing to learn"
        )
    return None, y


def _are_few_and_whole(sheet: Sheet, name: str, values: list[str]) -> bool:
    found = set(numbers(sheet, name, values).tolist())
    return len(found) <= FEW_CLASSES and all(number.is_integer() for number in found)


def _classes(
    sheet: Sheet, name: str, values: list[str], all_numbers: bool
) -> tuple[tuple[str, ...], Array]:
    """Numbers in their order, and equal ones as one, by the text that is there first."""
    keys: list[Any] = numbers(sheet, name, values).tolist() if all_numbers else values
    names: dict[Any, str] = {}
    for key, value in zip(keys, values, strict=True):
        names.setdefault(key, value)
    ordered = sorted(names)
    if len(ordered) == 1:
        raise Failure(
            f"{sheet.name}: the target, column {shown(name)}, has one class only, "
            f"{shown(values[0])}, so that there is nothing to learn"
        )
    if len(ordered) > max(2, len(values) // 2):
        remedy = "; add --as numbers to learn it as a number" if all_numbers else ""
        raise Failure(
            f"{sheet.name}: the target, column {shown(name)}, has {len(ordered):,} different "
            f"values in {len(values):,} rows, too many for classes{remedy}"
        )
    places = {key: k for k, key in enumerate(ordered)}
    return tuple(names[key] for key in ordered), np.array([places[key] for key in keys], float)


def hints(sheet: Sheet, encoding: Encoding, y: Array) -> Iterator[str]:
    """What may be a mistake in a table that was learned from, and may be meant."""
    target, classes = shown(encoding.target), encoding.classes
    if classes is not None:
        yield from _alike(f"classes of {target}", classes)
        once = [classes[k] for k in np.flatnonzero(np.bincount(y.astype(int)) == 1)]
        if once:
            word = "the class" if len(once) == 1 else "each of the classes"
            yield f"{word} {listed(once)} has one row only, which cannot be learned and tested"
    for column in encoding.columns:
        name, values = shown(column.name), sheet.columns[column.name]
        if column.categories is not None:
            yield from _alike(f"categories of {name}", column.categories)
            if all(DATE.fullmatch(one) for one in column.categories):
                yield (
                    f"column {name} has dates, which are taken for categories; make numbers of "
                    f"them, such as days, or add --ignore {quote(column.name)}"
                )
            continue
        padded = next((one for one in values if PADDED.fullmatch(one)), None)
        if padded is not None:
            yield (
                f"column {name} has numbers such as {shown(padded)}, whose zeros are lost; if they "
                f"are codes, add --categories {quote(column.name)}"
            )
        elif len(values) > 1 and (np.diff(numbers(sheet, column.name, values)) == 1).all():
            yield (
                f"column {name} grows by 1 from row to row; if it only counts rows, add --ignore "
                f"{quote(column.name)}"
            )


def _alike(what: str, names: Sequence[str]) -> Iterator[str]:
    """Of names that differ in capitals alone."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            yield f"{what}: {shown(other)} and {shown(name)} differ in capitals only, and are two"
