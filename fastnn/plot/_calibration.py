"""Reliability curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from fastnn import _checks, _words, metrics
from fastnn.plot import _axes
from fastnn.plot._inputs import network_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import ArrayLike

    from fastnn.plot._inputs import NetworkLike

Array = np.ndarray[Any, Any]

STRATEGIES = ("uniform", "quantile")


class Reliability(NamedTuple):
    """What is said and what is so, in bins of what is said."""

    prob_pred: Array
    prob_true: Array
    counts: Array


def reliability(said: Array, is_so: Array, n_bins: int, strategy: str) -> Reliability:
    """Of probabilities and of what has come true, from 0 to 1 each."""
    said = said.astype(np.float64)
    edges = np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        edges = np.quantile(said, edges)
    bins = np.searchsorted(edges[1:-1], said)
    counts = np.bincount(bins, minlength=n_bins)
    sums = [np.bincount(bins, of, minlength=n_bins) for of in (said, is_so)]
    occurs = counts > 0
    pred, true = (of[occurs] / counts[occurs] for of in sums)
    return Reliability(pred, true, counts[occurs])


class CalibrationDisplay:
    """The reliability curve: how often it is so, where a network says that it is likely so.

    Of a network that can be relied on, the points lie on the diagonal. Below it, it is too sure of
    itself. Use `from_network` or `from_predictions` to make one.

    Parameters
    ----------
    prob_pred : float64 array of shape (n,)
        The mean of the probabilities in each bin that has any.
    prob_true : float64 array of shape (n,)
        How often it is so in that bin.
    counts : int array of shape (n,)
        How many samples are in it.
    of_class_found : bool, default False
        Of several classes: the probability is that of the class that is found.

    Attributes
    ----------
    prob_pred, prob_true, counts
        As given.
    error : float
        The expected calibration error, Σ counts abs(prob_true - prob_pred) / Σ counts (Guo et al.
        2017).
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D

    Examples
    --------
    >>> from fastnn.plot import CalibrationDisplay
    >>> display = CalibrationDisplay.from_predictions(
    ...     [0, 0, 1, 0, 1, 1], [0.1, 0.15, 0.3, 0.6, 0.8, 0.9], n_bins=2
    ... )
    >>> display.prob_true.round(2)
    array([0.33, 0.67])
    """

    ax_: Axes
    figure_: Figure
    line_: Line2D

    def __init__(
        self, *, prob_pred: Array, prob_true: Array, counts: Array, of_class_found: bool = False
    ) -> None:
        self.prob_pred, self.prob_true, self.counts = prob_pred, prob_true, counts
        self.of_class_found = of_class_found

    @property
    def error(self) -> float:
        return float(np.average(np.abs(self.prob_true - self.prob_pred), weights=self.counts))

    @classmethod
    @_words.explained
    def from_network(
        cls,
        net: NetworkLike,
        X: Any,
        y: ArrayLike,
        *,
        n_bins: int = 10,
        strategy: str = "uniform",
        ax: Axes | None = None,
    ) -> Self:
        """Draw how far the probabilities that a network gives can be relied on.

        Parameters
        ----------
        net : Network
            Of softmax, or one sigmoid unit; or a fitted MLPClassifier.
        X, y
            As for `Network.evaluate`; y holds classes.
        n_bins, strategy, ax
            As for `from_predictions`.

        Returns
        -------
        CalibrationDisplay

        Raises
        ------
        TypeError, ValueError
            For bad data or settings, and outputs that are no probabilities.
        ImportError
            Without Matplotlib.
        """
        outputs = network_of(net).feedforward(X)
        return cls.from_predictions(y, outputs, n_bins=n_bins, strategy=strategy, ax=ax)

    @classmethod
    @_words.explained
    def from_predictions(
        cls,
        y: ArrayLike,
        outputs: ArrayLike,
        *,
        n_bins: int = 10,
        strategy: str = "uniform",
        ax: Axes | None = None,
    ) -> Self:
        """Draw how far probabilities can be relied on.

        Parameters
        ----------
        y, outputs
            As for `fastnn.metrics.log_loss`. Of one output it is the probability of class 1; of
            several, that of the class that is found, and how often that is right. For one class of
            several give ``y == k`` and ``outputs[:, k]``.
        n_bins : int, default 10
            How many bins there are.
        strategy : {"uniform", "quantile"}, default "uniform"
            Bins of the same width from 0 to 1, or of the same number of samples.
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        CalibrationDisplay

        Raises
        ------
        TypeError, ValueError
            For bad data or settings, and outputs that are no probabilities.
        ImportError
            Without Matplotlib.
        """
        n_bins = _checks.integer(n_bins, "n_bins", 1)
        strategy = _checks.known_name(strategy, "strategy", STRATEGIES)
        Y, a, _ = metrics.checked("log_loss", y, outputs, None, "a reliability curve")
        found, said = a.argmax(axis=1), a.max(axis=1)  # a single output is found in any case
        if Y.shape[1] < a.shape[1]:
            is_so = (Y[:, 0] == found).astype(np.float64)
        else:
            is_so = Y[np.arange(len(Y)), found]
        made = reliability(np.clip(said, 0, 1), is_so, n_bins, strategy)
        return cls(**made._asdict(), of_class_found=a.shape[1] > 1).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw it once more.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            As for `from_predictions`.

        Returns
        -------
        CalibrationDisplay
            This one.
        """
        self.ax_ = ax = _axes.axes(ax, "a picture of a reliability curve")
        self.figure_ = _axes.figure_of(ax)
        ax.plot([0, 1], [0, 1], "--", color="grey", linewidth=1, label="reliable")
        colour = _axes.colour_of(0, ax)
        (self.line_,) = ax.plot(
            self.prob_pred,
            self.prob_true,
            "-",
            color=colour,
            label=f"network, error {self.error:.3f}",
        )
        # Areas are as numbers of samples.
        ax.scatter(
            self.prob_pred, self.prob_true, s=15 + 200 * self.counts / self.counts.max(),
            color=colour, edgecolors=_axes.foreground(ax), linewidths=0.7, zorder=3,
        )  # fmt: skip
        ax.set_aspect("equal", adjustable="box")
        found = self.of_class_found
        ax.set_xlabel("probability of the class found" if found else "probability of class 1")
        ax.set_ylabel("how often it is right" if found else "how often it is class 1")
        ax.legend()
        return self
