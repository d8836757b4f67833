"""The curve of a learning-rate range test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastnn import _checks, _words
from fastnn.plot import _axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from fastnn.rates import LearningRateCurve

Floats = np.ndarray[Any, np.dtype[np.float64]]


class LearningRateDisplay:
    """Losses against the learning rates that they were trained with, and which one to take.

    Use `from_curve` to make one, or `LearningRateCurve.plot`.

    Parameters
    ----------
    rates, losses, smoothed : float64 array of shape (n,)
    suggestion : float
        NaN: there is none.

    Attributes
    ----------
    rates, losses, smoothed, suggestion
        As given, and as `LearningRateCurve` has them.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The smoothed losses.
    suggestion_line_ : matplotlib Line2D or None

    Examples
    --------
    >>> from fastnn import Network, datasets, find_learning_rate
    >>> from fastnn.plot import LearningRateDisplay
    >>> X, y = datasets.load_digits()
    >>> net = Network([64, 30, 10], activation=["sigmoid", "softmax"], loss="cross_entropy", seed=0)
    >>> display = LearningRateDisplay.from_curve(find_learning_rate(net, X, y))
    >>> display.ax_.get_xscale()
    'log'
    """

    ax_: Axes
    figure_: Figure
    line_: Line2D
    suggestion_line_: Line2D | None

    def __init__(
        self, *, rates: Floats, losses: Floats, smoothed: Floats, suggestion: float
    ) -> None:
        self.rates, self.losses, self.smoothed = rates, losses, smoothed
        self.suggestion = suggestion

    @classmethod
    @_words.explained
    def from_curve(cls, curve: LearningRateCurve, *, ax: Axes | None = None) -> Self:
        """Draw what `find_learning_rate` has found.

        Parameters
        ----------
        curve : LearningRateCurve
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        LearningRateDisplay

        Raises
        ------
        TypeError
            For another object.
        ImportError
            Without Matplotlib.
        """
        names = ("rates", "losses", "smoothed", "suggestion")
        if isinstance(curve, type) or not all(hasattr(curve, name) for name in names):
            raise TypeError(
                "curve must be what fastnn.find_learning_rate returns, got "
                f"{_checks.description(curve)}"
            )
        return cls(**{name: getattr(curve, name) for name in names}).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw it once more.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            As for `from_curve`.

        Returns
        -------
        LearningRateDisplay
            This one.
        """
        self.ax_ = ax = _axes.axes(ax, "a picture of learning rates")
        self.figure_ = _axes.figure_of(ax)
        colour = _axes.colour_of(0, ax)
        ax.plot(self.rates, self.losses, color=colour, alpha=0.5, linewidth=1, label="loss")
        (self.line_,) = ax.plot(self.rates, self.smoothed, color=colour, label="smoothed")
        self.suggestion_line_ = None
        if not math.isnan(self.suggestion):
            self.suggestion_line_ = ax.axvline(
                self.suggestion, color=_axes.colour_of(1, ax), linestyle="--",
                label=f"suggestion {self.suggestion:.2g}",
            )  # fmt: skip
        else:
            ax.set_title("no suggestion: the loss does not fall clearly")
        ax.set_xscale("log")
        ax.set_xlabel("learning rate")
        ax.set_ylabel("loss")
        # Where training has gone wrong, losses of any size would hide how they fell before.
        # What has no suggestion has nothing but a rise, up to twice the first losses.
        factor = 3.0 if math.isnan(self.suggestion) else 1.5
        lowest, highest = self.losses.min(), factor * self.smoothed[0]
        if self.losses.max() > highest > lowest:
            ax.set_ylim(lowest - 0.05 * (highest - lowest), highest)
        ax.legend()
        return self
