"""How columns of text become inputs, and outputs predictions: learned once, kept with the network.

A column of numbers is one input. A column of text is one input for each of its categories, 1 for
that which stands there and 0 for the others; its name is the column's and the category, joined by
_, as pandas.get_dummies has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._checks import plural
from fastnn._command.cells import are_numbers, missing, numbers
from fastnn._command.reading import Sheet, did_you_mean, require
from fastnn._command.streams import Failure, listed, shown

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

MOST_WORDS = 12  # about columns, in a line


@dataclass(frozen=True)
class Column:
    """One of a table that is learned from."""

    name: str
    categories: tuple[str, ...] | None  # None: it holds numbers

    @property
    def inputs(self) -> list[str]:
        if self.categories is None:
            return [self.name]
        return [f"{self.name}_{category}" for category in self.categories]

    def encode(self, sheet: Sheet, values: list[str]) -> Array:
        """(n, inputs)"""
        if self.categories is None:
            return numbers(sheet, self.name, values)[:, np.newaxis]
        places = {category: k for k, category in enumerate(self.categories)}
        found = [places.get(value, -1) for value in values]
        if -1 in found:
            i = found.index(-1)
            if not values[i]:
                raise missing(sheet, self.name, values, i)
            raise Failure(
                f"{sheet.place(i)}, column {shown(self.name)}: {shown(values[i])} is none of the "
                f"categories that the network was trained on, {listed(list(self.categories))}"
                f"{did_you_mean(values[i], self.categories)}"
            )
        return np.eye(len(self.categories))[found]


@dataclass(frozen=True)
class Encoding:
    """Of a table, and of the target among its columns."""

    columns: tuple[Column, ...]
    target: str
    classes: tuple[str, ...] | None  # in the order of outputs; None: the target is a number

    @property
    def inputs(self) -> list[str]:
        return [name for column in self.columns for name in column.inputs]

    @property
    def n_outputs(self) -> int:
        """Of two classes there is one output, the probability of the second."""
        return 1 if self.classes is None or len(self.classes) == 2 else len(self.classes)

    def encode(self, sheet: Sheet) -> Array:
        """(n, inputs), float64, of a sheet that may have other columns, too."""
        lacking = [column.name for column in self.columns if column.name not in sheet.columns]
        if lacking:
            known = {column.name for column in self.columns}
            others = [name for name in sheet.columns if name not in known]
            raise Failure(
                f"{sheet.name} lacks the column{plural(len(lacking))} {listed(lacking)}, which the "
                f"network was trained on; it has {listed(list(sheet.columns))}"
                f"{did_you_mean(lacking[0], others)}"
            )
        return np.concatenate(
            [column.encode(sheet, sheet.columns[column.name]) for column in self.columns], axis=1
        )

    def targets(self, sheet: Sheet) -> Array:
        """(n,) of the target's column: names of classes, or numbers."""
        values = require(sheet, self.target, "the target")
        if self.classes is None:
            return numbers(sheet, self.target, values)
        names: dict[str | float, str] = {one: one for one in self.classes}
        if all(are_numbers(list(self.classes), sheet.decimal)):  # which may be written otherwise
            names |= {_number(one): one for one in self.classes}
            keys = [_number(one) if is_one else one for one, is_one in
                    zip(values, are_numbers(values, sheet.decimal), strict=True)]  # fmt: skip
        else:
            keys = list(values)
        unknown = [i for i, key in enumerate(keys) if key not in names]
        if unknown:
            i = unknown[0]
            if not values[i]:
                raise missing(sheet, self.target, values, i)
            raise Failure(
                f"{sheet.place(i)}, column {shown(self.target)}: {shown(values[i])} is none of the "
                f"classes that the network was trained on, {listed(list(self.classes))}"
            )
        return np.array([names[key] for key in keys], object)

    def predictions(self, outputs: Array) -> list[str]:
        """A class, or a number with all of its digits, for each row of outputs."""
        if self.classes is None:
            return [repr(number) for number in outputs[:, 0].tolist()]
        return [self.classes[k] for k in class_numbers(outputs)]

    def described(self) -> dict[str, Any]:
        """For a model file."""
        return {
            "columns": [
                {"name": one.name}
                if one.categories is None
                else {"name": one.name, "categories": one.categories}
                for one in self.columns
            ],
            "target": {"name": self.target}
            if self.classes is None
            else {"name": self.target, "classes": self.classes},
        }

    @classmethod
    def of(cls, described: Any, layer_sizes: Sequence[int]) -> Encoding:
        """The contrary of `described`; ValueError if it is none, or not of such a network."""
        try:
            columns = tuple(
                Column(_text(one["name"]), _texts(one.get("categories")))
                for one in described["columns"]
            )
            target = described["target"]
            found = cls(columns, _text(target["name"]), _texts(target.get("classes")))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("its table is described otherwise") from error
        if (len(found.inputs), found.n_outputs) != (layer_sizes[0], layer_sizes[-1]):
            raise ValueError("its table is that of another network")
        return found


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list | None):
        raise TypeError
    return None if value is None else tuple(map(_text, value))


def class_numbers(outputs: Array) -> Array:
    """Of one output the second class, where it is above a half; else the largest output."""
    if outputs.shape[1] == 1:
        return np.asarray((outputs[:, 0] > 0.5).astype(int))
    return np.asarray(outputs.argmax(axis=1))


def left_out(
    sheet: Sheet, encoding: Encoding, reasons: Mapping[str, str | None], other: str = ""
) -> str:
    """Which columns are no inputs, and why; those of which the reason is None go without saying."""
    inputs = {column.name for column in encoding.columns}
    found = {name: reasons.get(name, other) for name in sheet.columns if name not in inputs}
    words = [f"{shown(name)}{reason}" for name, reason in found.items() if reason is not None]
    n = sheet.n_nameless
    if n:
        words.append(f"{n} column{plural(n)} without a name")
    more = f" and {len(words) - MOST_WORDS} more" if len(words) > MOST_WORDS else ""
    return ", ".join(words[:MOST_WORDS]) + more
