"""Learning-rate schedules, as in ``train(..., learning_rate=CosineDecay(0.1, epochs=50))``.

Each gives eta as a function of the time t in epochs. It is asked at every update: in epoch e,
update k of n is at t = e + k / n. So an epoch's first update has the rate of a whole t, which is
what other libraries give when they are asked once per epoch.

Time begins at 0 with the first training by a schedule. It stays with the network, and the next
``train`` with an equal schedule goes on with it, so that 3 + 3 epochs equal 6;
``Network.reset_trainer`` puts it back. A schedule that has an end is told where, and stays at its
last rate from there on.

A function of the epoch may stand for a schedule. It is asked once for each epoch, with its number
from 0, counted through calls of ``train`` with that function, and what it gives is the rate of all
updates of that epoch.

Each raises TypeError or ValueError for a setting that is not a number, or not in its range.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from fastnn import _checks, _words
from fastnn._value_object import ValueObject

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "CosineDecay",
    "Cyclical",
    "ExponentialDecay",
    "InverseTimeDecay",
    "OneCycle",
    "Schedule",
    "StepDecay",
    "WarmUp",
]

Array = np.ndarray[Any, Any]

CYCLES = ("triangular", "triangular2", "exp_range")
RANGES = {
    "initial": _checks.ABOVE_ZERO,
    "minimum": _checks.NOT_NEGATIVE,
    "maximum": _checks.ABOVE_ZERO,
    "final": _checks.NOT_NEGATIVE,
    "every": _checks.ABOVE_ZERO,
    "epochs": _checks.ABOVE_ZERO,
    "step_size": _checks.ABOVE_ZERO,
    "factor": _checks.FACTOR,
    "start_factor": _checks.FACTOR,
    "gamma": _checks.FACTOR,
    "warm_up": _checks.FRACTION,
    "decay": _checks.NOT_NEGATIVE,
    "start_divisor": _checks.ABOVE_ZERO,
    "final_divisor": _checks.ABOVE_ZERO,
}


@dataclass(frozen=True, eq=False, repr=False)
class Schedule(ValueObject):
    """What all schedules have in common; not to be used itself.

    A schedule of your own derives from it as a frozen dataclass, so that settings can be compared,
    and overrides `rates`.
    """

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name in RANGES:
                object.__setattr__(self, name, _checks.number(value, name, RANGES[name]))

    def __call__(self, t: ArrayLike) -> NDArray[np.float64]:
        """eta at the times t, an array or a number."""
        with np.errstate(all="ignore"):
            times = np.asarray(t, np.float64)
            # Not one number: NumPy's functions of arrays may round otherwise than those of numbers.
            at_times = np.array(times, ndmin=1)
            rates = _checks.array(self.rates(at_times), "what rates returns")
        if rates.dtype.kind not in "iuf" or rates.shape != at_times.shape:
            raise ValueError(
                f"rates must return a number for each of the times of shape {at_times.shape}, got "
                f"{_checks.description(rates)} of {rates.dtype}"
            )
        return rates.astype(np.float64).reshape(times.shape)

    def rates(self, t: Array) -> Array:
        """eta at the times t, an array of any shape: as many numbers of at least 0."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, repr=False)
class StepDecay(Schedule):
    """initial · factor^⌊t / every⌋: times `factor` after every so many epochs.

    Parameters
    ----------
    initial : float
        The rate at the beginning, above 0.
    every : float
        Epochs from one step to the next, above 0.
    factor : float, default 0.1
        Above 0, at most 1.
    """

    initial: float
    every: float
    factor: float = 0.1

    def rates(self, t: Array) -> Array:
        # 0.3 / 0.1 is rounded to just below 3, and that is a step.
        return self.initial * self.factor ** np.floor(t / self.every * (1 + 1e-12))


@dataclass(frozen=True, eq=False, repr=False)
class ExponentialDecay(Schedule):
    """initial · factor^t.

    Parameters
    ----------
    initial : float
        The rate at the beginning, above 0.
    factor : float
        From one epoch to the next; above 0, at most 1.
    """

    initial: float
    factor: float

    def rates(self, t: Array) -> Array:
        return self.initial * self.factor**t


@dataclass(frozen=True, eq=False, repr=False)
class InverseTimeDecay(Schedule):
    """initial / (1 + decay · t), whose steps add up without bound while their squares do not
    (Robbins and Monro 1951).

    Parameters
    ----------
    initial : float
        The rate at the beginning, above 0.
    decay : float
        At least 0; the rate is half of the first after 1 / decay epochs.
    """

    initial: float
    decay: float

    def rates(self, t: Array) -> Array:
        return self.initial / (1 + self.decay * t)


@dataclass(frozen=True, eq=False, repr=False)
class CosineDecay(Schedule):
    """final + (initial - final) (1 + cos(π t / epochs)) / 2, and then `final`
    (Loshchilov and Hutter 2017, without restarts).

    Parameters
    ----------
    initial : float
        The rate at the beginning, above 0.
    epochs : float
        When it reaches `final`; above 0.
    final : float, default 0.0
        At least 0. Where it is 0, epochs after the end change nothing, and `train` warns of them.
    """

    initial: float
    epochs: float
    final: float = 0.0

    def rates(self, t: Array) -> Array:
        return _cosine(self.initial, self.final, t / self.epochs)


@dataclass(frozen=True, eq=False, repr=False)
class WarmUp(Schedule):
    """A line from start_factor times the first rate of `then` to that rate, and then `then`
    (Goyal et al. 2017).

    Parameters
    ----------
    then : float or schedule
        What follows; its time begins where the line ends.
    epochs : float
        How long the line is; above 0.
    start_factor : float, default 0.1
        Above 0, at most 1.
    """

    then: float | Schedule
    epochs: float
    start_factor: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.then, Schedule):
            expected = "a number or one of fastnn.schedules"
            then = _checks.number(self.then, "then", _checks.ABOVE_ZERO, expected)
            object.__setattr__(self, "then", then)

    def rates(self, t: Array) -> Array:
        after = np.maximum(t - self.epochs, 0)
        rates = self.then(after) if isinstance(self.then, Schedule) else self.then
        grown = np.minimum(t / self.epochs, 1)
        return np.asarray(rates * (self.start_factor + (1 - self.start_factor) * grown))


@dataclass(frozen=True, eq=False, repr=False)
class OneCycle(Schedule):
    """Up to `maximum` and down to almost nothing, each along half a cosine (Smith and Topin 2018,
    in the form of fastai and PyTorch).

    Parameters
    ----------
    maximum : float
        The highest rate, above 0.
    epochs : float
        The length of the cycle, above 0.
    warm_up : float, default 0.3
        The part of the cycle in which the rate rises; above 0, below 1.
    start_divisor : float, default 25.0
        The first rate is maximum / start_divisor.
    final_divisor : float, default 1e4
        The last rate is the first one / final_divisor.
    """

    maximum: float
    epochs: float
    warm_up: float = 0.3
    start_divisor: float = 25.0
    final_divisor: float = 1e4

    def rates(self, t: Array) -> Array:
        first = self.maximum / self.start_divisor
        top = self.warm_up * self.epochs
        rising = _cosine(first, self.maximum, t / top)
        falling = _cosine(self.maximum, first / self.final_divisor, (t - top) / (self.epochs - top))
        return np.where(t < top, rising, falling)


@dataclass(frozen=True, eq=False, repr=False)
class Cyclical(Schedule):
    """Up and down between two rates in straight lines, again and again (Smith 2017).

    With x = ``|t / step_size - 2 cycle + 1|``, cycle = ⌊1 + t / (2 step_size)⌋, the rate is
    minimum + (maximum - minimum) (1 - x) · scale.

    Parameters
    ----------
    minimum, maximum : float
        At least 0; above 0, and not below `minimum`.
    step_size : float, default 4.0
        Half a cycle in epochs, above 0; Smith suggests 2 to 10.
    mode : {"triangular", "triangular2", "exp_range"}, default "triangular"
        scale is 1, or halved after each cycle, or gamma^t.
    gamma : float, default 0.99
        Of "exp_range", from one epoch to the next; above 0, at most 1.
    """

    minimum: float
    maximum: float
    step_size: float = 4.0
    mode: str = "triangular"
    gamma: float = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "mode", _checks.known_name(self.mode, "mode", CYCLES))
        if self.maximum < self.minimum:
            raise ValueError(
                f"maximum must be at least minimum, {self.minimum!r}, got {self.maximum!r}"
            )

    def rates(self, t: Array) -> Array:
        cycle = np.floor(1 + t / (2 * self.step_size))
        height = 1 - np.abs(t / self.step_size - 2 * cycle + 1)
        if self.mode == "triangular2":
            height = height * 0.5 ** (cycle - 1)
        elif self.mode == "exp_range":
            height = height * self.gamma**t
        return np.asarray(self.minimum + (self.maximum - self.minimum) * height)


def _cosine(start: float, end: float, part: Array) -> Array:
    """From start to end along half a cosine, of which a part has been gone."""
    return end + (start - end) * (1 + np.cos(np.pi * np.minimum(np.maximum(part, 0), 1))) / 2


def get(value: Any, name: str, dtype: np.dtype[Any]) -> Any:
    """A learning rate: a number, or what gives one, a schedule or a function of the epoch.

    Of a schedule of these it is a copy, made by what checks settings anew: others may have written
    into theirs, and may yet.
    """
    if callable(value) and not isinstance(value, type):
        return _own(value)
    try:
        return _checks.number(value, name, _checks.positive_in(dtype))
    except TypeError:
        hint = ""
        if isinstance(value, str):
            names = [one.__name__ for one in SCHEDULES]
            hint = _words.hint(value, names, "fastnn.schedules.{}(...)".format)
        raise TypeError(
            f"{name} must be a number, one of fastnn.schedules, or a function of the epoch, "
            f"got {_checks.description(value)}{_checks.instead_of_class(value)}{hint}"
        ) from None


def _own(schedule: Any) -> Any:
    if type(schedule) not in SCHEDULES:
        return schedule
    settings = {field.name: _own(getattr(schedule, field.name)) for field in fields(schedule)}
    return type(schedule)(**settings)


def zero_from(schedule: Any) -> float:
    """From which time on the rate stays 0, and training changes nothing; infinite: never, or it is
    not known, as of a schedule of the user's.
    """
    if type(schedule) is WarmUp:
        return schedule.epochs + zero_from(schedule.then)
    ends_at_zero = type(schedule) is CosineDecay and schedule.final == 0
    return schedule.epochs if ends_at_zero else math.inf


def are_ours(schedule: Any) -> TypeGuard[Schedule]:
    """Whether it is a schedule which, with all that it is made of, is of the classes here."""
    if type(schedule) is WarmUp:
        return isinstance(schedule.then, float) or are_ours(schedule.then)
    return type(schedule) in SCHEDULES


def table(
    learning_rate: Schedule | Callable[[int], float],
    first_epoch: int,
    n_epochs: int,
    n_updates: int,
) -> Array:
    """eta for the kernels: a row per epoch with a number per update, or with one for all."""
    epochs = np.arange(first_epoch, first_epoch + n_epochs)
    if isinstance(learning_rate, Schedule):
        times = epochs[:, np.newaxis] + np.arange(n_updates) / n_updates
        rates = np.array(learning_rate(times), np.float64, order="C")
        if rates.shape != times.shape:  # of a class whose __call__ is another
            raise ValueError(
                f"learning_rate must give a rate for each of the times of shape {times.shape}, "
                f"got shape {rates.shape}"
            )
        if not ((rates >= 0) & (rates < np.inf)).all():
            wrong = rates[~((rates >= 0) & (rates < np.inf))][0]
            raise ValueError(f"learning_rate must give finite rates of at least 0, got {wrong}")
        return rates
    numbers = [
        _checks.number(learning_rate(epoch), f"learning_rate({epoch})", _checks.NOT_NEGATIVE)
        for epoch in epochs.tolist()
    ]
    return np.array(numbers)[:, np.newaxis]


SCHEDULES: tuple[type[Schedule], ...] = (
    StepDecay,
    ExponentialDecay,
    InverseTimeDecay,
    CosineDecay,
    WarmUp,
    OneCycle,
    Cyclical,
)
_words.explain_construction(*SCHEDULES)
# A number without a range would be taken as it comes.
assert {field.name for kind in SCHEDULES for field in fields(kind)} <= {*RANGES, "then", "mode"}
