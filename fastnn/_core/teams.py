"""Teams of threads for kernels: those that wait for work, and the room that they need for it."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastnn._core import kernels
from fastnn._core.layout import ALIGNMENT, Layout

# Of inputs and units of a stretch: what fits into a core's L2 cache. Where members meet more often,
# they wait for whoever happens to be late.
BYTES_OF_STRETCH = 2**21
MOST_BLOCKS = 8  # of a stretch, for each member

_idle: list[kernels.Team] = []
_all: weakref.WeakSet[kernels.Team] = weakref.WeakSet()

NO_HELP: np.ndarray[Any, Any] = np.zeros(1, kernels.HELP)
NO_HELP["n_members"] = 1


@contextmanager
def team_of(n_threads: int) -> Iterator[kernels.Team | None]:
    """A team of so many threads, which nobody else has meanwhile; None for one thread."""
    if n_threads == 1:
        yield None
        return
    team = None
    for one in _idle.copy():
        if one.size == n_threads:
            try:
                _idle.remove(one)
            except ValueError:  # another thread was sooner
                continue
            team = one
            break
    if team is None:
        team = kernels.Team(n_threads)
        _all.add(team)
    try:
        yield team
    finally:
        if team.size > 1:
            _idle.append(team)


class Help:
    """What kernels get of a team, and room for what its members do at once."""

    def __init__(self, team: kernels.Team, layout: Layout, bytes_of_inputs: int) -> None:
        """bytes_of_inputs is what a sample has."""
        self.team = team
        of_block = kernels.SAMPLES_IN_BLOCK * (layout.units_bytes + bytes_of_inputs)
        of_member = min(max(BYTES_OF_STRETCH // (of_block * team.size), 1), MOST_BLOCKS)
        n_blocks = of_member * team.size
        self.parts = np.empty(n_blocks * kernels.BYTES_OF_PART + ALIGNMENT, np.uint8)
        self.workspaces = layout.workspace(kernels.SAMPLES_IN_BLOCK, n_blocks)
        first_part = self.parts.ctypes.data
        room = (
            first_part + -first_part % ALIGNMENT, self.workspaces.ctypes.data,
            self.workspaces.nbytes // n_blocks, n_blocks,
        )  # fmt: skip
        self.record = np.array([(team.address, team.size, room)], kernels.HELP)

    def of(self, n_members: int) -> np.ndarray[Any, Any]:
        """The record for so many; in the child of a fork there is nobody else."""
        self.record["n_members"] = min(n_members, self.team.size)
        return self.record


def _end_idle() -> None:
    """Before a fork: whoever has one thread alone is not warned of what others may hold."""
    _idle.clear()


def _forget_helpers() -> None:
    for team in _all:
        team.forget_helpers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_end_idle, after_in_child=_forget_helpers)
