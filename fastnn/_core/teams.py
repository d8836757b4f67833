"""Teams of threads for kernels: those that wait for work, and the room that they need for it."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Self

import numpy as np

from fastnn._core import kernels
from fastnn._core.layout import Layout

# Of inputs and units of a stretch: what fits into a core's L2 cache. Where members meet more often,
# they wait for whoever happens to be late.
BYTES_OF_STRETCH = 2**21
MOST_BLOCKS = 8  # of a stretch, for each member
LINES = 128  # bytes of two cache lines, which a core fetches together

_idle: list[tuple[kernels.Team, object]] = []  # and the cores that its threads may use
_all: weakref.WeakSet[kernels.Team] = weakref.WeakSet()
_process = os.getpid()

Array = np.ndarray[Any, Any]

NO_ROOM = 0, 0, 0, 0
NO_HELP: Array = np.array([(0, 1, 1, NO_ROOM)], kernels.HELP)


def team_of(n_threads: int) -> AbstractContextManager[kernels.Team | None]:
    """A team of so many threads, which nobody else has meanwhile; None for one thread."""
    return nullcontext() if n_threads == 1 else _team_of(n_threads)


@contextmanager
def _team_of(n_threads: int) -> Iterator[kernels.Team]:
    if os.getpid() != _process:
        _forget_helpers()  # where C has forked, of which Python knows nothing
    cores = _cores()
    team = None
    for one in _idle.copy():
        if one[0].size == n_threads and one[1] == cores:
            try:
                _idle.remove(one)
            except ValueError:  # another thread was sooner
                continue
            team = one[0]
            break
    if team is None:
        team = kernels.Team(n_threads)
        _all.add(team)
    try:
        yield team
    finally:
        # The threads of others end, now that nobody has them.
        n_idle = sum(one.size - 1 for one, _ in _idle)
        if team.size == n_threads and n_idle + n_threads - 1 <= (os.cpu_count() or 1):
            _idle.append((team, cores))


def _cores() -> object:
    """Which this thread may use, and so may helpers that it makes."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


def help_of(team: kernels.Team | None, most: int, n: int, room: tuple[int, ...] = NO_ROOM) -> Array:
    """What kernels get of a team: n members of at most so many, for whom there is room.

    Those of them that could be started, and in the child of a fork one, as kernels find out.
    """
    if team is None:
        return NO_HELP
    return np.array([(team.address, most, n, room)], kernels.HELP)


class Room:
    """What members of a team need beside what one thread has."""

    def __init__(self, layout: Layout, n: int, bytes_of_part: int, n_samples: int) -> None:
        """For n parts of so many bytes, and n workspaces of so many samples."""
        self.parts = np.empty(n * bytes_of_part + LINES, np.uint8)
        self.workspaces = layout.workspace(n_samples, n)
        first_part = kernels.address(self.parts)
        self.places = (
            first_part + -first_part % LINES, kernels.address(self.workspaces),
            self.workspaces.nbytes // n, n,
        )  # fmt: skip

    @classmethod
    def of_panels(cls, n_members: int, layout: Layout, n_samples: int) -> Self:
        """For each member's part of the units of the first layer."""
        return cls(layout, n_members, kernels.bytes_of_panel(layout.layers), n_samples)

    @classmethod
    def of_blocks(
        cls, n_members: int, layout: Layout, bytes_of_inputs: int, batch_size: int
    ) -> Self:
        """For gradients of the samples that members have at once, each of so many bytes."""
        block = kernels.SAMPLES_IN_BLOCK
        bytes_of_block = block * (layout.units_bytes + bytes_of_inputs)
        needed = -(-batch_size // (n_members * block))
        of_member = min(BYTES_OF_STRETCH // (bytes_of_block * n_members), MOST_BLOCKS, needed)
        n_blocks = max(of_member, 1) * n_members
        return cls(layout, n_blocks, kernels.BYTES_OF_PART, batch_size)


def _end_idle() -> None:
    """Before a fork: whoever has one thread alone is not warned of what others may hold."""
    _idle.clear()


def _forget_helpers() -> None:
    global _process
    _process = os.getpid()
    for team in _all:
        team.forget_helpers()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_end_idle, after_in_child=_forget_helpers)
