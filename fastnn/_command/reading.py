"""Tables from files: CSV in its dialects, and Parquet, as columns of text."""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from shlex import quote

from fastnn._command.streams import STANDARD, Failure, content_of, listed, opened, shown

TAB = "\t"
DELIMITERS = {",": "comma", ";": "semicolon", TAB: "tab", "|": "bar"}
EXCEL = "is a workbook of Excel; save the sheet as 'CSV UTF-8', and give that"
OTHER_FILES = {  # by how they begin: what they are, and what to do
    b"\x1f\x8b": "is compressed by gzip; give what gunzip makes of it",
    b"BZh": "is compressed by bzip2; give what bunzip2 makes of it",
    b"\xfd7zXZ": "is compressed by xz; give what unxz makes of it",
    b"\x28\xb5\x2f\xfd": "is compressed by Zstandard; give what unzstd makes of it",
    b"\xd0\xcf\x11\xe0": EXCEL,
    b"PAR1": "is Parquet, whose name must end in .parquet or .pq; rename it",
    b"\x93NUMPY": "is an array of NumPy; save it as CSV with the names of its columns",
}
SEP = re.compile(r'"?sep=([^\w\s"]|\t)"?(?=[\r\n])', re.IGNORECASE)
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16


@dataclass(frozen=True)
class Sheet:
    """A table as it was read. Spaces around names and values are no part of them."""

    name: str  # of the file, for messages
    columns: dict[str, list[str]]
    places: Sequence[int]  # of each row: its line in the file, or its number
    word: str  # what places count
    decimal: str = "."  # of numbers
    is_decimal_given: bool = False  # or only what is taken, if nobody says otherwise
    n_nameless: int = 0  # columns, which are not among the others

    def __len__(self) -> int:
        return len(self.places)

    def place(self, i: int) -> str:
        return f"{self.name}, {self.word} {self.places[i]}"


def read(path: str, delimiter: str | None, decimal: str | None) -> Sheet:
    """A table with names and at least one row."""
    is_parquet = path != STANDARD and os.path.splitext(path)[1].lower() in (".parquet", ".pq")
    sheet = _parquet(path, decimal) if is_parquet else _csv(path, delimiter, decimal)
    if not len(sheet):
        raise Failure(f"{sheet.name} has names of columns, and no rows")
    return sheet


def _csv(path: str, delimiter: str | None, decimal: str | None) -> Sheet:
    name, content = content_of(path)
    text = _text(name, content)
    del content
    if not text.strip():
        raise Failure(f"{name} is empty")
    said = SEP.match(text)  # by Excel, in a line of its own, which stays as an empty one
    if said:
        text = text[said.end() :]
        delimiter = delimiter or said[1]
    if delimiter is None:
        delimiter = _sniffed(text)
    records = _records(name, text, delimiter)
    first, header = next(records)
    names = [one.strip() for one in header]
    _check_names(name, names)
    cells: list[list[str]] = [[] for _ in names]
    lines = []
    for line, record in records:
        if len(record) != len(names):
            raise Failure(
                f"{name}, line {line} has {_fields(len(record))}, and the names in line {first} "
                f"are {len(names)}, with {DELIMITERS.get(delimiter, shown(delimiter))} as the "
                f"delimiter{_other_delimiter(header, record, delimiter)}"
            )
        lines.append(line)
        for column, cell in zip(cells, record, strict=True):
            column.append(cell.strip())
    columns = {one: column for one, column in zip(names, cells, strict=True) if one}
    return Sheet(name, columns, lines, "line", decimal or ".", decimal is not None, names.count(""))


def _other_delimiter(header: list[str], record: list[str], delimiter: str) -> str:
    """What to do where another delimiter would do, at the end of a message."""
    names, row = delimiter.join(header), delimiter.join(record)
    for other, word in DELIMITERS.items():
        n = row.count(other) + 1
        if other != delimiter and n > 1:
            if n == names.count(other) + 1:
                return f"; add --delimiter {'tab' if other == TAB else quote(other)}"
            if n == len(header):
                return f"; the row has a {word} there: write all lines with the same delimiter"
    return ""


def _text(name: str, content: bytes) -> str:
    """What UTF-8 makes of it."""
    for start, what in OTHER_FILES.items():
        if content.startswith(start):
            raise Failure(f"{name} {what}")
    if content.startswith(b"PK\3\4"):
        raise Failure(f"{name} {_kind_of_zip(content)}")
    if content.startswith(BYTE_ORDER_MARKS):
        raise Failure(f"{name} is in UTF-16, and must be in UTF-8; save it so, as 'CSV UTF-8'")
    nul = content.find(b"\0")
    if nul >= 0:
        raise Failure(f"{name}, line {_line(content, nul)} has a NUL byte: it is no text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = content[error.start]
        raise Failure(
            f"{name}, line {_line(content, error.start)} is not in UTF-8 (byte 0x{wrong:02x}); "
            "convert it, for example by iconv -f latin1 -t utf-8"
        ) from None


def _kind_of_zip(content: bytes) -> str:
    if b"xl/workbook.xml" in content:
        return EXCEL
    if b"model.json" in content:
        return "is a model file of fastnn, not a table; predict takes both, the model first"
    if b".npy" in content:
        return "holds arrays of NumPy; save them as CSV with the names of columns"
    return "is compressed by zip; give what unzip makes of it"


def _line(content: bytes, place: int) -> int:
    return content.count(b"\n", 0, place) + 1


def _sniffed(text: str) -> str:
    """The delimiter that gives the names in the first line most columns."""
    header = io.StringIO(text, newline="")

    def n_columns(delimiter: str) -> int:
        header.seek(0)
        try:
            return len(next(csv.reader(header, delimiter=delimiter, strict=True)))
        except csv.Error:
            return 0

    return max(DELIMITERS, key=n_columns)


def _records(name: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each that is not empty, with the line where it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what = str(error)
            if what == "unexpected end of data":
                what = 'a quote (") is opened and not closed'
            raise Failure(f"{name}, line {line}: {what}") from None
        if len(record) > 1 or (record and record[0].strip()):
            yield line, record


def _check_names(name: str, names: list[str]) -> None:
    twice = [one for i, one in enumerate(names) if one and one in names[:i]]
    if twice:
        hint = _hint_at_header(names) or "; rename it"
        raise Failure(f"{name} has more than one column of the name {shown(twice[0])}{hint}")
    if not any(names):
        raise Failure(f"{name}, line 1 must have the names of the columns, and has none")


def _hint_at_header(names: list[str]) -> str:
    """Where names look as if they were a row."""
    n_numbers = sum(one.replace(".", "", 1).isdigit() for one in names)
    return "; the first line must have the names" if 2 * n_numbers >= len(names) else ""


def _fields(n: int) -> str:
    return f"{n} field{'' if n == 1 else 's'}"


def _parquet(path: str, decimal: str | None) -> Sheet:
    """Each value as text, from which a number comes back as it was."""
    with opened(path) as file:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise Failure(
                'Parquet needs PyArrow: install it with pip install "fastnn[parquet]"'
            ) from error
        try:
            table = parquet.read_table(pyarrow.PythonFile(file, "r"))
            names = [str(one).strip() for one in table.column_names]
            columns = [
                ["" if one is None else str(one).strip() for one in column.to_pylist()]
                for column in table.columns
            ]
        except pyarrow.ArrowException as error:
            what = str(error).partition("\n")[0]
            raise Failure(f"{shown(path)} is no Parquet that can be read: {what}") from None
    _check_names(path, names)
    by_name = {one: column for one, column in zip(names, columns, strict=True) if one}
    places = range(1, table.num_rows + 1)
    return Sheet(
        path, by_name, places, "row", is_decimal_given=decimal == ".",
        n_nameless=names.count(""),
    )  # fmt: skip


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that is not known; empty if none is like it."""
    known = list(known)
    like = [one for one in known if one.lower() == name.lower()]
    like = like or difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {shown(like[0])}?" if like else ""


def require(sheet: Sheet, name: str, what: str) -> list[str]:
    """A column that must be there."""
    if name not in sheet.columns:
        flag = what.removeprefix("for ")
        several = [one.strip() for one in name.split(",")]
        hint = did_you_mean(name, sheet.columns) or _hint_at_header(list(sheet.columns))
        if what != flag and len(several) > 1 and all(one in sheet.columns for one in several):
            hint = f"; give each its own: {' '.join(f'{flag} {quote(one)}' for one in several)}"
        raise Failure(
            f"{sheet.name} has no column {shown(name)}, {what}; it has "
            f"{listed(list(sheet.columns))}{hint}"
        )
    return sheet.columns[name]
