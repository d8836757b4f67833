"""Samples, and the weights of units, as images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastnn import _checks, _data_checks, _words, metrics
from fastnn._core.model import copies
from fastnn.plot import _axes
from fastnn.plot._inputs import network_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.text import Text
    from numpy.typing import ArrayLike

    from fastnn.plot._inputs import NetworkLike

Array = np.ndarray[Any, Any]

SHORTEST_NAME = 4  # characters
PART_OF_IMAGES = 0.84  # of the axes' width, where there is a scale beside them


def shape_of(shape: Any, n: int) -> tuple[int, int]:
    """Of images of n pixels: as given, or a square."""
    if shape is None:
        side = math.isqrt(n)
        if side * side != n:
            raise ValueError(
                f"shape must be given where {n} pixels make no square, as (rows, columns); got None"
            )
        return side, side
    expected = "None or (rows, columns)"
    found = _checks.sequence(shape, "shape", expected)
    if len(found) != 2:
        raise ValueError(f"shape must be {expected}, got {_checks.description(shape)}")
    rows, columns = (_checks.integer(one, f"shape[{i}]", 1) for i, one in enumerate(found))
    if rows * columns != n:
        raise ValueError(
            f"shape must be that of images of {n} pixels, got {(rows, columns)} of {rows * columns}"
        )
    return rows, columns


def images_of(X: Any) -> Array:
    """Rows of pixels."""
    given = _data_checks.given(X, "X")
    numbers = getattr(given, "numbers", given)
    if not isinstance(numbers, np.ndarray) or numbers.ndim != 2 or not numbers.size:
        raise ValueError(
            "X must be dense and of shape (n, pixels), with the pixels of an image in a row, got "
            f"{_checks.description(X)}"
        )
    rows = _data_checks.samples(given, "X", numbers.shape[1], np.dtype(np.float64))
    assert isinstance(rows, np.ndarray)
    return rows


def mosaic(images: Array, n_columns: int, gap: int) -> Array:
    """Images (n, rows, columns) beside and below each other, with NaN between them."""
    n, height, width = images.shape
    n_rows = -(-n // n_columns)
    found = np.full((n_rows * (height + gap), n_columns * (width + gap)), np.nan)
    for i, image in enumerate(images):
        y, x = i // n_columns * (height + gap), i % n_columns * (width + gap)
        found[y : y + height, x : x + width] = image
    return found


class _Mosaic:
    """Images on axes, side by side."""

    images: Array
    ax_: Axes
    figure_: Figure
    image_: AxesImage

    def _plot_images(
        self, ax: Any, columns: int | None, gap: int, **scale: Any
    ) -> list[tuple[float, float]]:
        """The places below the images, where words may be."""
        self.ax_ = ax
        self.figure_ = _axes.figure_of(ax)
        n, height, width = self.images.shape
        across = columns or _columns_for(n)
        self.image_ = ax.imshow(mosaic(self.images, across, gap), **scale)
        grid = {"color": "grey", "linewidth": 0.5}
        places = []
        for i in range(n):
            y, x = i // across * (height + gap) - 0.5, i % across * (width + gap) - 0.5
            ax.plot(
                [x, x + width, x + width, x, x], [y, y, y + height, y + height, y],
                **grid, scalex=False, scaley=False,
            )  # fmt: skip
            places.append((x + width / 2, y + height))
        ax.set_xlim(-1, across * (width + gap) - gap)
        ax.set_ylim(-(-n // across) * (height + gap) - 0.5, -1)
        ax.set_axis_off()
        return places


def _columns_for(n: int) -> int:
    """For a whole that is a little wider than high, with few places left over."""
    wanted = 1.2 * math.sqrt(n)
    return min(range(1, n + 1), key=lambda k: -n % k / k + abs(k - wanted) / 2)


class ImagesDisplay(_Mosaic):
    """Samples that are images, with what a network takes them for.

    What is wrong is in another colour, with what is right behind it. Use `from_network` or
    `from_predictions` to make one.

    Parameters
    ----------
    images : array of shape (n, rows, columns)
    found : sequence of str
        What each is taken for.
    true : sequence of str, or None
        What each is.
    columns : int or None
        How many images are in a row.

    Attributes
    ----------
    images, found, true
        As given.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
    text_ : list of matplotlib Text
        A caption for each image.

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> from fastnn.plot import ImagesDisplay
    >>> X, y = datasets.load_digits()
    >>> net = Network([64, 30, 10], activation=["sigmoid", "softmax"], loss="cross_entropy", seed=0)
    >>> history = net.train(X[:1500], y[:1500], epochs=10, learning_rate=0.2)
    >>> display = ImagesDisplay.from_network(net, X[1500:1524], y[1500:1524])
    >>> display.images.shape, display.text_[0].get_text()
    ((24, 8, 8), '1')
    """

    text_: list[Text]

    def __init__(
        self,
        images: Array,
        found: Sequence[str],
        *,
        true: Sequence[str] | None = None,
        columns: int | None = None,
    ) -> None:
        self.images, self.found, self.true, self.columns = images, found, true, columns

    @classmethod
    @_words.explained
    def from_network(
        cls,
        net: NetworkLike,
        X: Any,
        y: ArrayLike | None = None,
        *,
        shape: tuple[int, int] | None = None,
        class_names: Sequence[str] | None = None,
        columns: int | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw images, and what a network takes them for.

        Parameters
        ----------
        net : Network
            Or a fitted MLPClassifier.
        X : array_like or table, (n, n_inputs)
            As many as there is room for: some dozens.
        y, shape, class_names, columns, ax
            As for `from_predictions`.

        Returns
        -------
        ImagesDisplay

        Raises
        ------
        TypeError, ValueError
            For bad data or settings.
        ImportError
            Without Matplotlib.
        """
        net = network_of(net)
        rows, _ = rows_of(net, X)
        return cls.from_predictions(
            rows, net.feedforward(rows), y, shape=shape, class_names=class_names, columns=columns,
            ax=ax,
        )  # fmt: skip

    @classmethod
    @_words.explained
    def from_predictions(
        cls,
        X: ArrayLike,
        outputs: ArrayLike,
        y: ArrayLike | None = None,
        *,
        shape: tuple[int, int] | None = None,
        class_names: Sequence[str] | None = None,
        columns: int | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw images, and what outputs say of them.

        Parameters
        ----------
        X : array_like, (n, pixels)
            Images, row by row; darker is more on a light background, and brighter on a dark one.
        outputs : array_like, (n, n_outputs), or (n,) for one output
            As `Network.feedforward` gives them.
        y : array_like or None, default None
            Classes, as for `fastnn.metrics.accuracy`. None: it is not said what is wrong.
        shape : (int, int) or None, default None
            Rows and columns of an image. None: they are squares.
        class_names : sequence of str, or None; default None
            None: numbers.
        columns : int or None, default None
            How many images are in a row. None: such that the whole is a little wider than high.
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        ImagesDisplay

        Raises
        ------
        TypeError, ValueError
            For bad data or settings.
        ImportError
            Without Matplotlib.
        """
        if columns is not None:
            columns = _checks.integer(columns, "columns", 1)
        rows = images_of(X)
        n = len(rows)
        images = rows.reshape(n, *shape_of(shape, rows.shape[1]))
        given = np.zeros(len(np.asarray(outputs))) if y is None else y
        Y, a, threshold = metrics.checked("confusion_matrix", given, outputs, None, "a caption")
        if len(a) != n:
            raise ValueError(f"outputs must be as long as X, {n}, got {len(a)}")
        true, found = (one.ravel().astype(int) for one in metrics.decisions(Y, a, threshold))
        names = _axes.names_of(class_names, "class_names", max(a.shape[1], 2))
        return cls(
            images, [names[k] for k in found], columns=columns,
            true=None if y is None else [names[k] for k in true],
        ).plot(ax)  # fmt: skip

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw it once more.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            As for `from_predictions`.

        Returns
        -------
        ImagesDisplay
            This one.
        """
        # A caption has the place of some rows of pixels, and one of a row of 28 is no higher.
        gap = max(3, round(0.35 * self.images.shape[1]))
        ax = _axes.axes(ax, "a picture of images")
        places = self._plot_images(
            ax, self.columns, gap, cmap=_axes.from_background(ax, _axes.foreground(ax))
        )
        self.text_ = []
        ax.apply_aspect()
        left, right = ax.get_xlim()
        room = ax.get_window_extent().width * (self.images.shape[2] + gap - 1) / (right - left)
        for i, place in enumerate(places):
            colour = _axes.foreground(ax)
            names = [self.found[i]]
            if self.true is not None and self.found[i] != self.true[i]:
                names, colour = [self.found[i], self.true[i]], _axes.colour_of(1, ax)
            look: dict[str, Any] = {"color": colour, "ha": "center", "va": "top"}
            text = ax.annotate(
                "", place, (0, -2), textcoords="offset points", size="small", **look
            )  # fmt: skip
            for longest in range(_axes.LONGEST_NAME, SHORTEST_NAME - 1, -1):
                text.set_text(", not ".join(_axes.shortened(one, longest) for one in names))
                if text.get_window_extent().width <= room:
                    break
            self.text_.append(text)
        return self


class WeightsDisplay(_Mosaic):
    """The weights of the first hidden units as images: what each unit looks for in the inputs.

    Blue weights are positive, red and orange ones negative, and what is 0 has the colour of the
    background. All units have one scale, beyond which one weight in fifty may be. Use
    `from_network` to make one.

    Parameters
    ----------
    images : array of shape (n, rows, columns)
    columns : int or None
        How many images are in a row.
    colorbar : bool, default True

    Attributes
    ----------
    images : array of shape (n, rows, columns)
        As given.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> from fastnn.plot import WeightsDisplay
    >>> X, y = datasets.load_digits()
    >>> net = Network([64, 30, 10], activation=["sigmoid", "softmax"], loss="cross_entropy", seed=0)
    >>> history = net.train(X, y, epochs=10, learning_rate=0.2)
    >>> display = WeightsDisplay.from_network(net)
    >>> display.images.shape
    (30, 8, 8)
    """

    def __init__(self, images: Array, *, columns: int | None = None, colorbar: bool = True) -> None:
        self.images, self.columns, self.colorbar = images, columns, colorbar

    @classmethod
    @_words.explained
    def from_network(
        cls,
        net: NetworkLike,
        *,
        shape: tuple[int, int] | None = None,
        max_units: int = 40,
        columns: int | None = None,
        colorbar: bool = True,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the weights from all inputs to each unit of the first layer.

        Parameters
        ----------
        net : Network
            Whose inputs are pixels; or a fitted MLPClassifier or MLPRegressor.
        shape : (int, int) or None, default None
            Rows and columns of an image. None: they are squares.
        max_units : int, default 40
            The first so many units.
        columns : int or None, default None
            How many images are in a row. None: such that the whole is a little wider than high.
        colorbar : bool, default True
            With a scale beside the images.
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        WeightsDisplay

        Raises
        ------
        TypeError, ValueError
            For what is no network, and bad settings.
        ImportError
            Without Matplotlib.
        """
        net = network_of(net)
        max_units = _checks.integer(max_units, "max_units", 1)
        if columns is not None:
            columns = _checks.integer(columns, "columns", 1)
        colorbar = _checks.flag(colorbar, "colorbar")
        found = shape_of(shape, net.layer_sizes[0])
        model = net._model
        W = model.layout.views(copies(model.parameters)[0])[0][0]
        images = W.T[:max_units].reshape(-1, *found)
        return cls(images, columns=columns, colorbar=colorbar).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw it once more.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            As for `from_network`.

        Returns
        -------
        WeightsDisplay
            This one.
        """
        gap = max(1, self.images.shape[1] // 8)
        # A few large weights would leave all others pale.
        largest = float(np.quantile(np.abs(self.images), 0.98)) or 1.0
        ax = _axes.axes(ax, "a picture of weights")
        self._plot_images(ax, self.columns, gap, cmap=_axes.signed(ax), vmin=-largest, vmax=largest)
        if self.colorbar:
            # Beside the images and as high as they are, in a part of the axes of its own.
            left, right = ax.get_xlim()
            ax.set_xlim(left, left + (right - left) / PART_OF_IMAGES)
            scale = ax.inset_axes((PART_OF_IMAGES + 0.01, 0, 0.025, 1))
            self.figure_.colorbar(self.image_, cax=scale, label="weight", extend="both")
        return self
