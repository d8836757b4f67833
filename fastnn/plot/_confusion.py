"""Confusion matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastnn import _checks, _words
from fastnn.metrics import confusion_matrix
from fastnn.plot import _axes
from fastnn.plot._inputs import network_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import ArrayLike

    from fastnn.plot._inputs import NetworkLike

Array = np.ndarray[Any, Any]

MOST_CLASSES = 20  # that have numbers in their cells, and each its name
AXES = {"true": 1, "pred": 0, "all": None}


class ConfusionMatrixDisplay:
    """How many samples of each class a network takes for which.

    Use `from_network` or `from_predictions` to make one.

    Parameters
    ----------
    confusion_matrix : array of shape (n_classes, n_classes)
        A row for each class, a column for each that is found; numbers of samples, or parts.
    class_names : sequence of str, or None

    Attributes
    ----------
    confusion_matrix, class_names
        As given.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
    text_ : array of matplotlib Text, of the matrix's shape
        Of None where there are more than 20 classes, whose numbers nobody could read.

    Examples
    --------
    >>> from fastnn.plot import ConfusionMatrixDisplay
    >>> display = ConfusionMatrixDisplay.from_predictions([0, 0, 1, 1], [0.2, 0.6, 0.9, 0.8])
    >>> display.confusion_matrix
    array([[1, 1],
           [0, 2]])
    """

    ax_: Axes
    figure_: Figure
    image_: AxesImage
    text_: np.ndarray[Any, np.dtype[np.object_]]

    def __init__(
        self, confusion_matrix: Array, *, class_names: Sequence[str] | None = None
    ) -> None:
        self.confusion_matrix, self.class_names = confusion_matrix, class_names

    @classmethod
    @_words.explained
    def from_network(
        cls,
        net: NetworkLike,
        X: Any,
        y: ArrayLike,
        *,
        threshold: float | None = None,
        normalize: str | None = None,
        class_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what a network takes samples for.

        Parameters
        ----------
        net : Network
            Or a fitted MLPClassifier.
        X, y
            As for `Network.evaluate`; y holds classes.
        threshold, normalize, class_names, ax
            As for `from_predictions`.

        Returns
        -------
        ConfusionMatrixDisplay

        Raises
        ------
        TypeError, ValueError
            For bad data or settings.
        ImportError
            Without Matplotlib.
        """
        return cls.from_predictions(
            y, network_of(net).feedforward(X), threshold=threshold, normalize=normalize,
            class_names=class_names, ax=ax,
        )  # fmt: skip

    @classmethod
    @_words.explained
    def from_predictions(
        cls,
        y: ArrayLike,
        outputs: ArrayLike,
        *,
        threshold: float | None = None,
        normalize: str | None = None,
        class_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what outputs say of samples.

        Parameters
        ----------
        y, outputs, threshold
            As for `fastnn.metrics.confusion_matrix`.
        normalize : {"true", "pred", "all"} or None, default None
            Parts instead of numbers: of the samples of each class, of those that are found to be of
            it, or of all of them. None: numbers.
        class_names : sequence of str, or None; default None
            None: numbers.
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        ConfusionMatrixDisplay

        Raises
        ------
        TypeError, ValueError
            For bad data or settings.
        ImportError
            Without Matplotlib.
        """
        found: Array = confusion_matrix(y, outputs, threshold=threshold)
        if normalize is not None:
            axis = AXES[_checks.known_name(normalize, "normalize", AXES)]
            total = found.sum(axis=axis, keepdims=True)
            found = found / np.maximum(total, 1)  # a class without samples has parts of 0
        if class_names is not None:
            class_names = _axes.names_of(class_names, "class_names", len(found))
        return cls(found, class_names=class_names).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw it once more.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            As for `from_predictions`.

        Returns
        -------
        ConfusionMatrixDisplay
            This one.
        """
        self.ax_ = ax = _axes.axes(ax, "a picture of a confusion matrix", "constrained")
        self.figure_ = _axes.figure_of(ax)
        matrix = self.confusion_matrix
        n, largest = len(matrix), float(matrix.max()) or 1.0
        # Most samples are right, and would leave mistakes as pale as none.
        shades = np.sqrt(matrix / largest)
        colours = _axes.from_background(ax, _axes.colour_of(0, ax))
        self.image_ = ax.imshow(shades, cmap=colours, vmin=0, vmax=1)
        self.text_ = np.empty((n, n), object)
        are_parts = matrix.dtype.kind == "f"
        for (i, j), value in np.ndenumerate(matrix) if n <= MOST_CLASSES else ():
            self.text_[i, j] = ax.text(
                j, i, f"{value:.2f}" if are_parts else f"{value:,}", ha="center", va="center",
                color=_axes.text_on(colours(shades[i, j])), fontsize="small" if n > 5 else None,
            )  # fmt: skip
        step = -(-n // MOST_CLASSES)
        names = list(map(_axes.shortened, _axes.names_of(self.class_names, "class_names", n)))
        names, places = names[::step], range(0, n, step)
        turned = "horizontal" if max(map(len, names)) <= 20 // len(names) + 1 else "vertical"
        ax.set_xticks(places, names, rotation=turned)
        ax.set_yticks(places, names)
        ax.grid(visible=False)
        ax.set_xlabel("class found")
        ax.set_ylabel("class")
        return self
