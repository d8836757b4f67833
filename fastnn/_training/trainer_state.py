"""What training keeps with a network between two calls: the second goes on with the first."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks, _data_checks
from fastnn._checks import description
from fastnn.optimizers import Optimizer, State

if TYPE_CHECKING:
    from fastnn._core.layout import Layout
    from fastnn.callbacks import Callback
    from fastnn.schedules import Schedule


@dataclass(eq=False, repr=False)
class Best:
    """The best epoch that a callback has seen."""

    value: float | None = None
    waited: int = 0  # how often it has looked since
    parameters: np.ndarray[Any, Any] | None = None

    def checked(self, layout: Layout) -> Best:
        """One like this, which may be anybody's, and must fit a network of this layout."""
        _checks.state(vars(self), "a Best in trainer.best", (field.name for field in fields(self)))
        best = Best(waited=_checks.integer(self.waited, "waited in trainer.best", 0))
        if self.value is not None:
            best.value = _number(self.value, "value in trainer.best")
        if self.parameters is not None:
            best.parameters = layout.parameter_block()
            name = "parameters in trainer.best"
            _data_checks.fill_block(best.parameters, self.parameters, name, layout)
        return best


@dataclass(eq=False, repr=False)
class TrainerState:
    """Each part belongs to settings, and is made anew where a call comes with other ones."""

    optimizer: State | None = None
    schedule: Schedule | Callable[[int], float] | str | None = None  # of a function, its name
    time: int = 0  # of the schedule, in epochs
    stopping: tuple[float, int] | None = None  # tol and patience
    lowest: float = math.inf  # loss of an epoch
    stale: int = 0  # epochs since one that was better
    best: dict[Callback, Best] = field(default_factory=dict)
    task: int | None = None  # to which stopping and best belong; None: it is not known
    # Parameters at the end of a training which then went back to its best epoch.
    last: np.ndarray[Any, Any] | None = None

    @classmethod
    def checked(cls, given: Any, layout: Layout) -> TrainerState:
        """One like another, which may be anybody's, and must fit a network of this layout."""
        if not isinstance(given, TrainerState):
            raise TypeError(f"trainer must be a TrainerState, got {description(given)}")
        state = {"task": None, "last": None} | vars(given)  # which have not always been there
        _checks.state(state, "trainer", (field.name for field in fields(cls)))
        trainer = cls(time=_checks.integer(given.time, "trainer.time", 0))
        if given.task is not None:
            trainer.task = _checks.integer(given.task, "trainer.task", 0)
        if given.last is not None:
            trainer.last = layout.parameter_block()
            _data_checks.fill_block(trainer.last, given.last, "trainer.last", layout)
        if given.optimizer is not None:
            trainer.optimizer = State.checked(given.optimizer, layout)
        trainer.schedule = given.schedule
        if not (callable(given.schedule) or isinstance(given.schedule, str | None)):
            raise TypeError(
                "trainer.schedule must be None, a schedule, a function or the name of one, "
                f"got {description(given.schedule)}"
            )
        if given.stopping is not None:
            stopping = _checks.sequence(given.stopping, "trainer.stopping", "tol and patience")
            if len(stopping) != 2:
                raise ValueError(f"trainer.stopping must be tol and patience, got {stopping!r}")
            trainer.stopping = (
                _checks.number(stopping[0], "tol in trainer.stopping", _checks.NOT_NEGATIVE),
                _checks.integer(stopping[1], "patience in trainer.stopping", 1),
            )
        trainer.lowest = _number(given.lowest, "trainer.lowest", 0)
        trainer.stale = _checks.integer(given.stale, "trainer.stale", 0)
        if not isinstance(given.best, dict):
            raise TypeError(f"trainer.best must be a dict, got {description(given.best)}")
        for monitor, best in given.best.items():
            if not isinstance(best, Best):
                raise TypeError(f"trainer.best must hold a Best each, got {description(best)}")
            trainer.best[monitor] = best.checked(layout)
        return trainer

    def begins_anew(self, task: int, same_task: bool) -> bool:
        """Whether what compares losses has seen other data; tol forgets what it has seen then."""
        is_other = task != self.task and self.task is not None and not same_task
        if is_other:
            self.stopping = None
        self.task = task
        return is_other

    def of_optimizer(self, optimizer: Optimizer, layout: Layout) -> State:
        """What an optimizer has kept, or begins with."""
        if self.optimizer is None or self.optimizer.optimizer != optimizer:
            return State(optimizer, layout)
        if not self.optimizer.fits(layout):
            raise ValueError(
                "the optimizer's state is that of another network: reset_trainer() begins anew"
            )
        return self.optimizer

    def time_of(self, learning_rate: float | Schedule | Callable[[int], float]) -> int:
        """When an epoch by this schedule begins."""
        same = self.schedule == learning_rate
        if isinstance(self.schedule, str):
            same = self.schedule == name_of(learning_rate)
        return self.time if same else 0

    def of_stopping(self, tol: float, patience: int) -> tuple[float, int]:
        """The lowest loss of an epoch, and for how many epochs there was no better one."""
        return (self.lowest, self.stale) if self.stopping == (tol, patience) else (math.inf, 0)

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainerState:
        # Keys of best and the schedule are settings; and a function is whichever it is.
        best = {one: deepcopy(seen, memo) for one, seen in self.best.copy().items()}
        optimizer = deepcopy(self.optimizer, memo)
        return TrainerState(**{**vars(self), "optimizer": optimizer, "best": best})

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "schedule": storable(self.schedule)}


def _number(value: Any, name: str, least: float = -math.inf) -> float:
    """One that is not NaN; it may be infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        raise ValueError(f"{name} must be a number of at least {least}, got {description(value)}")
    return float(value)


def storable(schedule: Schedule | Callable[[int], float] | str | None) -> Schedule | str | None:
    """Functions, and schedules of a user's classes, may not be there when this is read; their names
    tell whether training goes on with the same one.
    """
    if schedule is None or isinstance(schedule, str):
        return schedule
    from fastnn.schedules import are_ours  # which take long to import

    if are_ours(schedule):
        return schedule
    return name_of(schedule)


def name_of(schedule: Any) -> str:
    """Of a function, where it stands; of a schedule a digest of its settings, too."""
    kind = type(schedule)
    module = getattr(schedule, "__module__", kind.__module__)
    name = f"{module}.{getattr(schedule, '__qualname__', kind.__qualname__)}"
    from fastnn.schedules import Schedule

    if not isinstance(schedule, Schedule):
        return name
    from hashlib import sha256  # with all of OpenSSL: not before it is needed

    settings = [
        (field.name, _setting(getattr(schedule, field.name)))
        for field in fields(schedule)
        if field.compare
    ]
    return f"{name}({sha256(repr(settings).encode()).hexdigest()[:16]})"


def _setting(value: Any) -> Any:
    """What has the same repr in another process, and for equal settings."""
    if callable(value):
        return name_of(value)
    if isinstance(value, list | tuple):
        return [_setting(one) for one in value]
    with contextlib.suppress(TypeError, ValueError):
        return float(value)
    return value
