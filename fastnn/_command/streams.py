"""How the command line speaks: standard streams, files, and the errors that are the user's."""

from __future__ import annotations

import os
import reprlib
import stat
import sys
from shlex import quote
from typing import BinaryIO

from fastnn import _checks, _files

STANDARD = "-"  # in place of a path
LONGEST_NAME = 60


class Failure(Exception):
    """Something about the data, or a file, that the user can mend: one line, and exit status 1."""


class Misuse(Exception):
    """Flags that do not go together: one line, and exit status 2."""


def shown(text: str) -> str:
    """Text of the user's, as a part of one line."""
    short = reprlib.Repr()
    short.maxstring = LONGEST_NAME
    return short.repr(text)


def listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(shown, names[:most])) + more


def say(text: str = "") -> None:
    """A line of the report, at once; what the terminal cannot show, as an escape."""
    if sys.stdout is None:
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def note(verb: str | None, text: str) -> None:
    """A line beside the output."""
    if sys.stderr is not None:
        print(f"fastnn{f' {verb}' if verb else ''}: {text}", file=sys.stderr, flush=True)


def content_of(path: str) -> tuple[str, bytes]:
    """All of a file, or of the standard input, and what messages call it."""
    if path == STANDARD:
        if sys.stdin is None:
            raise Failure("standard input is closed, and - asks to read it")
        try:
            return "standard input", sys.stdin.buffer.read()
        except OSError as error:
            raise Failure(f"standard input: {error.strerror}") from error
    with opened(path) as file:
        return path, file.read()


def opened(path: str) -> BinaryIO:
    """A file to be read to its end, so it must have one."""
    kind = os.stat(path).st_mode
    if stat.S_ISDIR(kind):
        raise Failure(f"{shown(path)} is a folder, and must be a file")
    if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
        raise Failure(f"{shown(path)} is no regular file")
    return open(path, "rb")


def check_new(path: str | None, flag: str, read: str) -> None:
    """Whether a file can be written at a path, and is not the one that is read."""
    if path is None:
        return
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.exists(folder):
        raise Failure(
            f"{flag} must be in a folder that exists, and {folder!r} does not; make it by mkdir -p "
            f"{quote(folder)}"
        )
    _checks.new_file(path, flag)
    if os.path.exists(path):
        if not os.path.isfile(path):
            raise Failure(f"{flag}: {shown(path)} is no regular file, which could be replaced")
        if os.path.exists(read) and os.path.samefile(path, read):
            raise Failure(f"{flag}: {shown(path)} is the file that is read; give another name")


def write(path: str | None, content: bytes) -> None:
    """To a path, whole or not at all; or, without one, to the standard output."""
    if path is not None:
        _files.write(path, content)
        return
    if sys.stdout is None:
        raise Failure("standard output is closed; give a file by -o")
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def abandon_output() -> None:
    """After an error: Python flushes the standard output once more, and may do so to nowhere."""
    if sys.stdout is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
