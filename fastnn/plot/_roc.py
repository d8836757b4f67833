"""ROC curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from fastnn import _words, metrics
from fastnn.plot import _axes
from fastnn.plot._inputs import network_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import ArrayLike

    from fastnn.plot._inputs import NetworkLike

Array = np.ndarray[Any, Any]


class RocCurve(NamedTuple):
    """The ROC curve of one class against all others.

    Attributes
    ----------
    fpr : float64 array of shape (n,)
        The part of the other samples whose output is at least the threshold, from 0 to 1.
    tpr : float64 array of shape (n,)
        The part of the samples of the class likewise.
    thresholds : float64 array of shape (n,)
        From infinity down through all outputs that occur.
    auc : float
        The area under the curve, as `fastnn.metrics.roc_auc` has it.
    """

    fpr: Array
    tpr: Array
    thresholds: Array
    auc: float


def roc_curve(is_of_class: Array, scores: Array) -> RocCurve:
    """Of samples of a class and others, of each of which there is one at least."""
    values, place = np.unique(-scores.astype(np.float64), return_inverse=True)  # from the largest
    inside = np.bincount(place[is_of_class], minlength=len(values))
    outside = np.bincount(place[~is_of_class], minlength=len(values))
    tpr = np.concatenate(([0.0], np.cumsum(inside) / inside.sum()))
    fpr = np.concatenate(([0.0], np.cumsum(outside) / outside.sum()))
    area = float((np.diff(fpr) * (tpr[1:] + tpr[:-1])).sum() / 2)
    return RocCurve(fpr, tpr, np.concatenate(([np.inf], -values)), area)


class RocCurveDisplay:
    """ROC curves: how many samples of a class are found at the price of how many others.

    Of several classes or labels each has a curve, against all others. Use `from_network` or
    `from_predictions` to make one.

    Parameters
    ----------
    curves : list of RocCurve
        One, or one for each class: fpr, tpr, thresholds and auc.
    class_names : sequence of str, or None

    Attributes
    ----------
    curves, class_names
        As given.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        As curves.

    Examples
    --------
    >>> from fastnn.plot import RocCurveDisplay
    >>> display = RocCurveDisplay.from_predictions([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.9])
    >>> display.curves[0].auc
    0.875
    >>> display.curves[0].tpr
    array([0. , 0.5, 1. , 1. ])
    """

    ax_: Axes
    figure_: Figure
    lines_: list[Line2D]

    def __init__(self, curves: list[RocCurve], *, class_names: Sequence[str] | None = None) -> None:
        self.curves, self.class_names = curves, class_names

    @classmethod
    @_words.explained
    def from_network(
        cls,
        net: NetworkLike,
        X: Any,
        y: ArrayLike,
        *,
        class_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw how well the outputs of a network part classes.

        Parameters
        ----------
        net : Network
            Or a fitted MLPClassifier.
        X, y
            As for `Network.evaluate`; y holds classes or labels.
        class_names, ax
            As for `from_predictions`.

        Returns
        -------
        RocCurveDisplay

        Raises
        ------
        TypeError, ValueError
            For bad data, and if there are not samples of each class and others.
        ImportError
            Without Matplotlib.
        """
        outputs = network_of(net).feedforward(X)
        return cls.from_predictions(y, outputs, class_names=class_names, ax=ax)

    @classmethod
    @_words.explained
    def from_predictions(
        cls,
        y: ArrayLike,
        outputs: ArrayLike,
        *,
        class_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw how well outputs part classes.

        Parameters
        ----------
        y, outputs
            As for `fastnn.metrics.roc_auc`.
        class_names : sequence of str, or None; default None
            Of several classes. None: numbers.
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        RocCurveDisplay

        Raises
        ------
        TypeError, ValueError
            For bad data, and if there are not samples of each class and others.
        ImportError
            Without Matplotlib.
        """
        Y, a, _ = metrics.checked("roc_auc", y, outputs, None, "a ROC curve")
        n = a.shape[1]
        if class_names is not None:
            class_names = _axes.names_of(class_names, "class_names", n)
        curves = [
            roc_curve(Y[:, 0] == k if Y.shape[1] < n else Y[:, k] == 1, a[:, k]) for k in range(n)
        ]
        return cls(curves, class_names=class_names).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw it once more.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            As for `from_predictions`.

        Returns
        -------
        RocCurveDisplay
            This one.
        """
        self.ax_ = ax = _axes.axes(ax, "a picture of a ROC curve")
        self.figure_ = _axes.figure_of(ax)
        n = len(self.curves)
        names = _axes.names_of(self.class_names, "class_names", n)
        self.lines_ = []
        for k, curve in enumerate(self.curves):
            label = names[k] if self.class_names is not None else f"class {names[k]}"
            if n == 1 and self.class_names is None:
                label = "network"
            # Where colours come again, lines are of another kind.
            style = ("-", "--", ":")[k // _axes.N_COLOURS % 3]
            self.lines_ += ax.plot(
                curve.fpr, curve.tpr, style, color=_axes.colour_of(k, ax),
                label=f"{label}, area {curve.auc:.3f}",
            )  # fmt: skip
        ax.plot([0, 1], [0, 1], "--", color="grey", linewidth=1, label="chance")
        ax.set_aspect("equal", adjustable="box")
        ax.set_xlabel("part of the others that is found")
        ax.set_ylabel("part of the class that is found")
        ax.legend(loc="lower right", fontsize="small" if n > 4 else None)
        return self
