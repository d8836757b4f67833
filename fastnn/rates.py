"""A learning rate for a network and its data: ``fastnn.find_learning_rate``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks, _words
from fastnn._core import kernels
from fastnn._rows import Rows, targets
from fastnn._training.course import Course
from fastnn._warnings import warn
from fastnn.network import Network
from fastnn.schedules import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from fastnn._core.samples import Sparse
    from fastnn.optimizers import Optimizer

__all__ = ["LearningRateCurve", "find_learning_rate"]

Floats = np.ndarray[Any, np.dtype[np.float64]]

N_NEIGHBOURS = 3  # on each side, over which losses are smoothed
FALL = 0.9  # the part of the loss's fall that the suggestion is derived from
CLEAR = 3.0  # a fall, in standard deviations of the losses
LARGEST_RISE = 2.0  # of the loss over that of the first rates, from which on nothing is learned


@dataclass(frozen=True, eq=False, repr=False)
class LearningRateCurve:
    """What `find_learning_rate` has found: the loss while the learning rate grew.

    Attributes
    ----------
    rates : float64 array of shape (n,)
        Learning rates, each that of the middle of a stretch of samples, and each larger than the
        one before. They end where training diverged, or the loss had doubled.
    losses : float64 array of shape (n,)
        The mean of the samples' losses in that stretch, each before its update.
    smoothed : float64 array of shape (n,)
        The mean of seven losses: those of a rate, the three before and the three after it.
    suggestion : float
        Half the first rate at which the smoothed loss has fallen by nine tenths of all that it
        falls. NaN: it does not fall by more than three standard deviations of the losses from one
        stretch to the next.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    suggestion: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw losses against learning rates, with the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        matplotlib Axes
            `fastnn.plot.LearningRateDisplay` gives the lines, too.

        Raises
        ------
        ImportError
            Without Matplotlib, which ``pip install "fastnn[plot]"`` installs.
        """
        from fastnn.plot._rates import LearningRateDisplay

        return LearningRateDisplay.from_curve(self, ax=ax).ax_

    def __repr__(self) -> str:
        return (
            f"<LearningRateCurve of {len(self.rates)} rates, {self.rates[0]:.3g} to "
            f"{self.rates[-1]:.3g}, suggestion {self.suggestion:.3g}>"
        )


@dataclass(frozen=True, eq=False, repr=False)
class _Growing(Schedule):
    """From minimum to maximum, by the same factor in the same time."""

    minimum: float
    maximum: float
    epochs: float

    def rates(self, t: Floats) -> Floats:
        found: Floats = self.minimum * (self.maximum / self.minimum) ** (t / self.epochs)
        return found


@_words.explained
def find_learning_rate(
    net: Network,
    X: ArrayLike | Sparse,
    y: ArrayLike,
    *,
    minimum: float = 1e-5,
    maximum: float = 100.0,
    steps: int = 100,
    batch_size: int = 1,
    shuffle: bool = True,
    optimizer: str | Optimizer = "sgd",
    sample_weight: ArrayLike | None = None,
    class_weight: str | Mapping[int, float] | None = None,
) -> LearningRateCurve:
    """Train a copy while the learning rate grows, to see which rates lower the loss.

    This is the range test of Smith, Cyclical Learning Rates for Training Neural Networks, 2017
    (https://arxiv.org/abs/1506.01186), with a rate that grows by the same factor from one update to
    the next. Too small a rate leaves the loss where it is, too large a one lets it rise or training
    diverge; between them is what to train with. The network itself, its random generator and what
    its trainer keeps stay as they are, bit for bit.

    Parameters
    ----------
    net : Network
        A new one, or one that has been trained, with the optimizer's state if it has one of these
        settings.
    X, y, batch_size, shuffle, optimizer, sample_weight, class_weight
        As for `Network.train`, and as they will be given to it: what is found is for them.
    minimum, maximum : float, default 1e-5, 100.0
        The first and the last rate.
    steps : int, default 100
        Over how many rates the samples are to be spread, at least 10: an epoch, or as many as give
        each rate a batch and 32 samples. It may become fewer where data are small.

    Returns
    -------
    LearningRateCurve
        With `rates`, `losses`, `suggestion`, and `plot`.

    Raises
    ------
    TypeError, ValueError
        For bad data or settings.
    TrainingDivergedError
        If training diverges at the first rate already.

    Warns
    -----
    UserWarning
        If the loss does not fall clearly, so that nothing is suggested; or if it still falls at the
        largest rate, or has fallen at the smallest, so that a better rate may lie beyond.

    Examples
    --------
    >>> from fastnn import Network, datasets, find_learning_rate
    >>> X, y = datasets.load_digits()
    >>> net = Network([64, 30, 10], activation=["sigmoid", "softmax"], loss="cross_entropy", seed=0)
    >>> found = find_learning_rate(net, X, y)
    >>> 0.05 < found.suggestion < 0.5
    True
    >>> history = net.train(X, y, epochs=10, learning_rate=found.suggestion)
    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be a fastnn.Network, got {_checks.description(net)}")
    positive = _checks.positive_in(net.dtype)
    low = _checks.number(minimum, "minimum", positive)
    high = _checks.number(maximum, "maximum", positive)
    if high <= low:
        raise ValueError(f"maximum must be above minimum, got {maximum!r} and {minimum!r}")
    steps = _checks.integer(steps, "steps", 10)
    copy = net.copy()
    rows = Rows.checked(X, copy._model, compares=False)
    n = len(rows.rows)
    batch_size = min(_checks.integer(batch_size, "batch_size", 1), n)
    n_epochs = -(-steps * max(batch_size, kernels.SAMPLES_IN_BLOCK) // n)
    training = copy._training(
        rows, targets(copy._model, y, n, "y"), epochs=n_epochs,
        learning_rate=_Growing(low, high, n_epochs), batch_size=batch_size, shuffle=shuffle,
        tol=None, patience=1, optimizer=optimizer, sample_weight=sample_weight,
        class_weight=class_weight, validation_data=None, metrics=None, callbacks=[],
        same_task=False, form="auto", n_threads=1,
    )  # fmt: skip
    course = Course(copy, training.data, training.settings)
    stretch = -(-n_epochs * n // steps)
    places, losses = _losses(course, n_epochs, stretch)
    rates = low * (high / low) ** (places / n_epochs)
    reached = (n_epochs - places[-1]) * n <= stretch  # and so it was not broken off
    return LearningRateCurve(rates, losses, *_judged(rates, losses, low, high if reached else None))


def _losses(course: Course, n_epochs: int, stretch: int) -> tuple[Floats, Floats]:
    """Losses of stretches of so many samples, and where in time, in epochs, each has its middle."""
    places: list[float] = []
    losses: list[float] = []
    terms: list[float] = []  # of the loss of a stretch that has begun with sample `first`
    n, done, first = course.n, 0, 0
    while done < n_epochs * n and not _has_risen(losses):
        with course.lap(n_epochs - done // n, done // n):
            while True:
                if course.has_ended or _has_risen(losses):
                    break
                found = course.run_stretch(first + stretch - done)
                if found is None:
                    if not losses:
                        raise course.divergence()
                    return np.array(places), np.array(losses)
                done += found[0]
                terms += found[1]
                if done - first >= stretch or done == n_epochs * n:
                    places.append((first + done) / 2 / n)
                    losses.append(math.fsum(term / (done - first) for term in terms))
                    terms, first = [], done
    return np.array(places), np.array(losses)


def _has_risen(losses: list[float]) -> bool:
    n = 2 * N_NEIGHBOURS + 1
    return len(losses) > n and bool(np.mean(losses[-n:]) > LARGEST_RISE * np.mean(losses[:n]))


def _smoothed(losses: Floats) -> Floats:
    """The mean of each and its neighbours, of which there are fewer at the ends."""
    n, k = len(losses), N_NEIGHBOURS
    return np.array([losses[max(0, i - k) : i + k + 1].mean() for i in range(n)])


def _scatter(losses: Floats) -> float:
    """The standard deviation of losses around a curve that is nearly straight from one to the next.

    A second difference of independent numbers has six times their variance.
    """
    bends = np.diff(losses, 2)
    with np.errstate(over="ignore"):  # where training diverges
        return math.sqrt(np.mean(bends**2) / 6) if len(bends) else 0.0


def _judged(
    rates: Floats, losses: Floats, minimum: float, maximum: float | None
) -> tuple[Floats, float]:
    """Smoothed losses, and a suggestion; None for a maximum that was not reached."""
    smoothed = _smoothed(losses)
    lowest = int(smoothed.argmin())
    fall = smoothed[0] - smoothed[lowest]
    if not fall > CLEAR * _scatter(losses[: max(lowest, 2 * N_NEIGHBOURS) + 1]):
        warn(
            "the loss did not fall clearly at any rate, so that none is suggested; the network may "
            "be trained already, or its inputs not scaled"
        )
        return smoothed, math.nan
    first = int(np.argmax(smoothed <= smoothed[0] - FALL * fall))
    suggestion = float(rates[first]) / 2
    edge = max(1, len(rates) // 10)
    if maximum is not None and first >= len(rates) - edge:
        warn(f"the loss still falls at the largest rate, {maximum:g}; give a larger maximum")
    elif first < edge or suggestion < minimum:
        warn(f"the loss falls at the smallest rate already, {minimum:g}; give a smaller minimum")
    return smoothed, suggestion
