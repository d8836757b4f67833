"""What training keeps with a network between two calls: the second goes on with the first."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.optimizers import Optimizer, State
from fastnn.schedules import Schedule

if TYPE_CHECKING:
    from fastnn._layout import Layout
    from fastnn.callbacks import Callback


@dataclass
class Best:
    """The best epoch that a callback has seen."""

    value: float | None = None
    waited: int = 0  # how often it has looked since
    parameters: np.ndarray[Any, Any] | None = None


@dataclass
class TrainerState:
    """Each part belongs to settings, and is made anew where a call comes with other ones."""

    optimizer: State | None = None
    schedule: Schedule | Callable[[int], float] | str | None = None  # of a function, its name
    time: int = 0  # of the schedule, in epochs
    stopping: tuple[float, int] | None = None  # tol and patience
    lowest: float = math.inf  # loss of an epoch
    stale: int = 0  # epochs since one that was better
    best: dict[Callback, Best] = field(default_factory=dict)

    def of_optimizer(self, optimizer: Optimizer, layout: Layout) -> State:
        """What an optimizer has kept, or begins with."""
        if self.optimizer is None or self.optimizer.optimizer != optimizer:
            return State(optimizer, layout)
        return self.optimizer

    def time_of(self, learning_rate: float | Schedule | Callable[[int], float]) -> int:
        """When an epoch by this schedule begins."""
        same = self.schedule == learning_rate
        if isinstance(self.schedule, str):
            same = self.schedule == name_of(learning_rate)
        return self.time if same else 0

    def of_stopping(self, tol: float | None, patience: int) -> tuple[float, int]:
        """The lowest loss of an epoch, and for how many epochs there was no better one."""
        return (self.lowest, self.stale) if self.stopping == (tol, patience) else (math.inf, 0)

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainerState:
        parts = {name: deepcopy(part, memo) for name, part in vars(self).items()}
        return TrainerState(**{**parts, "schedule": self.schedule})  # whichever function it is

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "schedule": storable(self.schedule)}


def storable(schedule: Schedule | Callable[[int], float] | str | None) -> Schedule | str | None:
    """Functions cannot be stored; their names tell whether training goes on with the same one."""
    if schedule is None or isinstance(schedule, Schedule | str):
        return schedule
    return name_of(schedule)


def name_of(function: Any) -> str:
    kind = type(function)
    module = getattr(function, "__module__", kind.__module__)
    return f"{module}.{getattr(function, '__qualname__', kind.__qualname__)}"
