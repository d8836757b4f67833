"""Files of models: read whole, and written so that they are there whole, or as before."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import stat
from typing import IO, Any

from fastnn import _checks
from fastnn.exceptions import ModelFileError


def read(path: str) -> bytes:
    """All of a regular file; another one, such as a device, might have no end."""
    is_regular = stat.S_ISREG(os.stat(path).st_mode)
    if not is_regular and not os.path.isdir(path):  # which open refuses in its own words
        raise ModelFileError(f"{path!r} is no regular file")
    with open(path, "rb") as file:
        return file.read(os.fstat(file.fileno()).st_size)


def write(to: str | IO[bytes], content: bytes) -> None:
    """Into an open file, from where it is; or at a path, where a file is replaced at one moment."""
    if isinstance(to, str):
        _write_atomically(to, content)
    else:
        _write_into(to, content)


def _write_into(file: IO[bytes], content: bytes) -> None:
    """Into an open file, from where it is; a raw one may take a part at a time."""
    rest: Any = content
    while len(rest):
        try:
            n: Any = file.write(rest)
        except TypeError as error:
            raise TypeError(
                'path must be a file opened in binary mode, as by open(..., "wb"): its write does '
                f"not take bytes ({error})"
            ) from error
        if not isinstance(file, io.RawIOBase):
            return
        if not n:
            raise OSError(f"{file!r} takes no more: {len(rest):,} bytes are left")
        rest = rest[n:]


def identity(path: str) -> tuple[int, ...] | None:
    """What differs when a file is replaced; None if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _write_atomically(path: str, content: bytes) -> None:
    """Errors name this path, and not that of a file on the way to it."""
    _checks.new_file(path, "path")
    try:
        _replace(os.path.realpath(path), content)  # a link goes on to be one
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, path) from None


def _replace(path: str, content: bytes) -> None:
    """The file has all of its content on the disk before it takes its name."""
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise OSError(f"{path!r} is no regular file, which could be replaced")
    mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else None
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f".{secrets.token_hex(8)}.fastnn")
    try:
        with open(temporary, "xb") as file:
            if mode is not None:
                os.chmod(temporary, mode)  # before there is something to be read
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
