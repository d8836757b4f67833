"""How many threads compute: ``fastnn.set_num_threads``, or ``n_threads`` of a single call.

No result depends on it. Where nobody says anything, there are as many threads as make the work
faster, and at most as many as this process may use: cores by its affinity and its cgroup's quota,
and by the environment variable FASTNN_NUM_THREADS, or else OMP_NUM_THREADS. In a child of
multiprocessing, joblib or Dask for which these say nothing it is one: the others have the cores.

What somebody says is done, whatever the cores, up to 64 threads; in this order: the argument of a
call, `use_threads`, `set_num_threads`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from fastnn import _checks
from fastnn._core.kernels import MOST_THREADS

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["num_threads", "set_num_threads", "use_threads"]

_of_process: int | None = None
of_context: ContextVar[int | None] = ContextVar("fastnn threads", default=None)


def set_num_threads(n_threads: int | None) -> None:
    """Let calls that do not say otherwise compute with so many threads.

    Parameters
    ----------
    n_threads : int or None
        At least 1. None: as many as help, as at the beginning.
    """
    global _of_process
    _of_process = _number(n_threads, "n_threads")


def num_threads() -> int:
    """How many threads a call may have that does not say.

    Where nobody says, by `set_num_threads` or `use_threads`, these are as many as may help at most.

    Returns
    -------
    int
    """
    return most(get(None, "n_threads"))


@contextmanager
def use_threads(n_threads: int | None) -> Iterator[None]:
    """``with use_threads(2):`` calls in there compute with so many threads.

    In this thread, and where its context goes along, as in tasks of asyncio. A generator that
    yields in there shares it with whoever asks it.

    Parameters
    ----------
    n_threads : int or None
        As for `set_num_threads`.
    """
    token = of_context.set(_number(n_threads, "n_threads"))
    try:
        yield
    finally:
        of_context.reset(token)


def get(value: object, name: str) -> int | None:
    """How many threads somebody wants for a call with this argument; None: nobody says."""
    for wanted in _number(value, name), of_context.get(), _of_process:
        if wanted is not None:
            return wanted
    return None


def _number(value: object, name: str) -> int | None:
    return None if value is None else min(_checks.integer(value, name, 1), MOST_THREADS)


def most(wanted: int | None) -> int:
    """As many as somebody wants, or else as many as there may be."""
    if wanted is not None:
        return wanted
    for name in ("FASTNN_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "").partition(",")[0].strip()  # "4,2" is of nested regions
        if value.isdecimal() and len(value) < 10 and int(value) > 0:
            return min(int(value), usable_cores(), MOST_THREADS)
    return 1 if _is_child() else min(usable_cores(), MOST_THREADS)


def usable_cores() -> int:
    """How many cores this process may use."""
    n_cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        n_cores = len(os.sched_getaffinity(0))
    return max(1, int(min(n_cores, _quota())))


def _is_child() -> bool:
    """Whether multiprocessing, or what stands on it, has started this process."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


@cache
def _quota(root: str | Path = "/") -> float:
    """Cores, by the cgroups that this process is in."""
    from pathlib import Path  # whose import takes milliseconds: not before it is needed

    root, least = Path(root), float("inf")
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):  # there are none, or their names are no text
        return least
    names: tuple[str, ...]
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if controllers == "":
            top, names = root / "sys/fs/cgroup", ("cpu.max",)
        elif "cpu" in controllers.split(","):
            top, names = (
                root / "sys/fs/cgroup" / controllers,
                ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
            )
            if not top.is_dir():
                top = root / "sys/fs/cgroup/cpu"
        else:
            continue
        # In a container the place may be that outside of it, and the files those of the top.
        folder = top / place.lstrip("/")
        for one in (folder, *folder.parents):
            least = min(least, _quota_in(one, names))
            if one == top:
                break
    return least


def _quota_in(folder: Path, names: tuple[str, ...]) -> float:
    try:
        numbers = " ".join((folder / name).read_text() for name in names).split()
        quota, period = int(numbers[0]), int(numbers[1])
    except (OSError, ValueError, IndexError):  # "max", or no such file
        return float("inf")
    return quota / period if quota > 0 and period > 0 else float("inf")
