"""Decision boundaries: what a network makes of each point of a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from fastnn import _checks, _words
from fastnn._rows import targets
from fastnn.plot import _axes
from fastnn.plot._inputs import network_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import ArrayLike

    from fastnn.network import Network
    from fastnn.plot._inputs import NetworkLike

Array = np.ndarray[Any, Any]

KINDS = ("auto", "classes", "surface")
PALEST, DENSEST = 0.2, 0.65  # alpha where a network is undecided, and where it is sure


class Plane(NamedTuple):
    """Points of a plane, and the samples in it."""

    x0: Array  # (resolution,)
    x1: Array
    X: Array  # (n, 2)
    Y: Array | None  # (n,): class numbers, or quantities
    labels: tuple[str, str]
    output: int | None  # which is looked at; None: all of them
    threshold: float | None  # of one output that decides between two classes
    n_classes: int  # 0 for a surface

    def response(self, net: Network) -> Array:
        """The outputs, (resolution, resolution), or with several (..., n_outputs)."""
        points = np.stack(np.meshgrid(self.x0, self.x1), axis=-1).reshape(-1, 2)
        outputs = net.feedforward(points)
        if self.output is not None:
            outputs = outputs[:, self.output]
        return outputs.reshape(len(self.x1), len(self.x0), *outputs.shape[1:])


def plane_of(
    net: Network, X: Any, y: Any, kind: Any, output: Any, resolution: Any, margin: Any
) -> Plane:
    """What is drawn for a network, checked."""
    kind = _checks.known_name(kind, "kind", KINDS)
    resolution = _checks.integer(resolution, "resolution", 2)
    margin = _checks.number(margin, "margin", _checks.NOT_NEGATIVE)
    n_inputs, n_outputs = net.layer_sizes[0], net.layer_sizes[-1]
    if n_inputs != 2:
        raise ValueError(
            "net must have two inputs for its outputs to be drawn over a plane, got "
            f"{n_inputs}; use a network of two of the columns, or of two principal components"
        )
    rows, names = rows_of(net, X)
    if output is not None:
        output = _checks.integer(output, "output", 0, n_outputs - 1)
    elif n_outputs == 1:
        output = 0
    elif net.loss == "bce" or kind == "surface":
        raise ValueError(
            f"output must say which of the {n_outputs} outputs is to be drawn, 0 to "
            f"{n_outputs - 1}, as each is a {'surface' if kind == 'surface' else 'label'} of its "
            "own; got None"
        )
    Y = None if y is None else targets(net._model, y, len(rows), "y")
    decides, threshold = _decides(net, Y, n_outputs), None
    if kind == "auto":
        kind = "classes" if output is None or decides else "surface"
    if output is not None and kind == "classes":
        threshold = 0.0 if Y is not None and (Y < 0).any() else 0.5
    x0, x1 = (_stretch(column, margin, resolution) for column in rows.T)
    return Plane(
        x0, x1, rows, _samples_of(Y, output, threshold, n_outputs, kind),
        ("$x_0$", "$x_1$") if names is None else (names[0], names[1]),
        output, threshold, (2 if output is not None else n_outputs) if kind == "classes" else 0,
    )  # fmt: skip


def _decides(net: Network, Y: Array | None, n_outputs: int) -> bool:
    """Whether an output by itself says how likely something is, or which of two sides it is on."""
    activation = net.activations[-1]
    is_sign = activation == "tanh" and n_outputs == 1
    if Y is None:
        return activation in ("sigmoid", "step", "softmax")
    return activation in ("sigmoid", "step", "softmax") or (
        is_sign and bool(np.isin(Y, (-1, 1)).all())
    )


def _samples_of(
    Y: Array | None, output: int | None, threshold: float | None, n_outputs: int, kind: str
) -> Array | None:
    """The targets as what is drawn: class numbers, or quantities."""
    if Y is None:
        return None
    are_numbers = Y.shape[1] < n_outputs
    if output is None:
        return Y[:, 0].astype(np.intp) if are_numbers else Y.argmax(axis=1)
    of_output: Array = Y[:, 0] == output if are_numbers else Y[:, output]
    if kind == "surface":
        return of_output.astype(np.float64)
    return of_output.astype(np.intp) if are_numbers else (of_output > threshold).astype(np.intp)


def _stretch(column: Array, margin: float, resolution: int) -> Array:
    """From the smallest number to the largest, and a part of their distance further."""
    low, high = float(column.min()), float(column.max())
    wider = margin * (high - low) or max(abs(low), 1.0) / 2
    return np.linspace(low - wider, high + wider, resolution)


class DecisionBoundaryDisplay:
    """What a network of two inputs makes of each point of a plane.

    Classes have a colour each, which is the stronger the surer the network is, and lines where they
    meet. Quantities are a surface with a scale of colours. Use `from_network` to make one.

    Parameters
    ----------
    xx0, xx1 : array of shape (resolution, resolution)
        The points.
    response : array of shape (resolution, resolution), or (..., n_outputs)
        The outputs of the network there.
    threshold : float or None
        Of one output: above which it says the second of two classes. None: response is a surface,
        or has the outputs of several classes, of which the largest counts.
    X : array of shape (n, 2), or None
        Samples.
    y : array of shape (n,), or None
        Their class numbers, or for a surface their targets.
    labels : (str, str)
        Names of the inputs.
    class_names : sequence of str, or None
    limits : (float, float) or None
        The ends of the scale of a surface. None: those of the response and of y.

    Attributes
    ----------
    xx0, xx1, response, threshold, X, y
        As given.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    surface_ : matplotlib AxesImage
    points_ : list of matplotlib PathCollection
        The samples of each class, or all of them; empty without y.

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> from fastnn.plot import DecisionBoundaryDisplay
    >>> X, y = datasets.load_moons()
    >>> net = Network([2, 8, 1], activation=["tanh", "sigmoid"], loss="bce", seed=0)
    >>> history = net.train(X, y, epochs=100, learning_rate=0.1)
    >>> display = DecisionBoundaryDisplay.from_network(net, X, y)
    >>> display.response.shape
    (200, 200)
    >>> display.figure_.savefig("moons.png")
    """

    ax_: Axes
    figure_: Figure
    surface_: AxesImage
    points_: list[Any]

    def __init__(
        self,
        *,
        xx0: Array,
        xx1: Array,
        response: Array,
        threshold: float | None = None,
        X: Array | None = None,
        y: Array | None = None,
        labels: tuple[str, str] = ("$x_0$", "$x_1$"),
        class_names: Sequence[str] | None = None,
        limits: tuple[float, float] | None = None,
    ) -> None:
        self.xx0, self.xx1, self.response, self.threshold = xx0, xx1, response, threshold
        self.X, self.y, self.labels = X, y, labels
        self.class_names, self.limits = class_names, limits

    @classmethod
    @_words.explained
    def from_network(
        cls,
        net: NetworkLike,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        kind: str = "auto",
        output: int | None = None,
        resolution: int = 200,
        margin: float = 0.1,
        class_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw what a network makes of the plane around some samples.

        Parameters
        ----------
        net : Network
            Of two inputs; or a fitted MLPClassifier or MLPRegressor.
        X : array_like or table, (n, 2)
            Samples, which say what part of the plane is drawn.
        y : array_like or None, default None
            As for `Network.train`. The samples are drawn by it; without, none are.
        kind : {"auto", "classes", "surface"}, default "auto"
            "classes": which class each point is of. "surface": the output as a quantity. "auto":
            classes for several outputs, and for one of sigmoid or step, or of tanh with y of -1 and
            1; and else a surface.
        output : int or None, default None
            Which of several outputs to draw alone, as of labels, or of several quantities. None:
            the class of the largest one.
        resolution : int, default 200
            How many points there are along each axis.
        margin : float, default 0.1
            How far the plane goes beyond the samples, as a part of how far these are apart.
        class_names : sequence of str, or None; default None
            For the legend. None: numbers.
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        DecisionBoundaryDisplay

        Raises
        ------
        TypeError, ValueError
            For a network that has not two inputs, bad data or settings.
        ImportError
            Without Matplotlib.
        """
        net = network_of(net)
        plane = plane_of(net, X, y, kind, output, resolution, margin)
        if class_names is not None:
            class_names = _axes.names_of(class_names, "class_names", plane.n_classes)
        return cls.of_plane(plane, plane.response(net), class_names).plot(ax)

    @classmethod
    def of_plane(
        cls, plane: Plane, response: Array, class_names: Sequence[str] | None,
        limits: tuple[float, float] | None = None,
    ) -> Self:  # fmt: skip
        """One that has yet to be drawn."""
        xx0, xx1 = np.meshgrid(plane.x0, plane.x1)
        return cls(
            xx0=xx0, xx1=xx1, response=response, threshold=plane.threshold, X=plane.X, y=plane.Y,
            labels=plane.labels, class_names=class_names, limits=limits,
        )  # fmt: skip

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw it once more.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            As for `from_network`.

        Returns
        -------
        DecisionBoundaryDisplay
            This one.
        """
        self.ax_ = ax = _axes.axes(ax, "a picture of a decision boundary")
        self.figure_ = _axes.figure_of(ax)
        self.points_ = []
        if self.response.ndim == 2 and self.threshold is None:
            self._plot_surface(ax)
        else:
            self._plot_classes(ax)
        ax.set_xlim(self.xx0[0, 0], self.xx0[0, -1])
        ax.set_ylim(self.xx1[0, 0], self.xx1[-1, 0])
        ax.set_xlabel(self.labels[0])
        ax.set_ylabel(self.labels[1])
        return self

    def _show(self, ax: Axes, image: Array, **kwargs: Any) -> None:
        x0, x1 = self.xx0[0], self.xx1[:, 0]
        half0, half1 = (x0[1] - x0[0]) / 2, (x1[1] - x1[0]) / 2
        extent = (x0[0] - half0, x0[-1] + half0, x1[0] - half1, x1[-1] + half1)
        self.surface_ = ax.imshow(image, extent=extent, origin="lower", aspect="auto", **kwargs)

    def _plot_surface(self, ax: Any) -> None:
        found = [self.response] if self.y is None else [self.response, self.y]
        low, high = self.limits or (min(map(np.min, found)), max(map(np.max, found)))
        scale = {"cmap": "cividis", "vmin": float(low), "vmax": float(high)}
        self._show(ax, self.response, interpolation="bilinear", **scale)
        if self.X is not None and self.y is not None:
            colours = self.surface_.to_rgba(self.y)
            edges = [_axes.text_on(colour) for colour in colours]
            self.points_.append(ax.scatter(*self.X.T, s=24, c=colours, edgecolors=edges, lw=0.7))
        ax.figure.colorbar(self.surface_, ax=ax, label="output")

    def _plot_classes(self, ax: Any) -> None:
        from matplotlib.colors import to_rgb

        if self.threshold is None:
            best_two = np.sort(self.response, axis=-1)[..., -2:]
            classes, lead = self.response.argmax(axis=-1), best_two[..., 1] - best_two[..., 0]
            n = self.response.shape[-1]
        else:
            # From 0 to 1, or from -1 to 1.
            away = (self.response - self.threshold) / (1 - self.threshold)
            classes, lead, n = (away > 0).astype(np.intp), np.abs(away), 2
        colours = np.array([to_rgb(_axes.colour_of(k, ax)) for k in range(n)])
        alpha = PALEST + (DENSEST - PALEST) * np.clip(lead, 0, 1)
        self._show(ax, np.dstack((colours[classes], alpha)), interpolation="nearest")
        for k in range(n if self.threshold is None else 1):
            self._plot_border(ax, k)
        if self.X is None or self.y is None:
            return
        names = _axes.names_of(self.class_names, "class_names", n)
        edges = {"edgecolors": _axes.foreground(ax), "linewidths": 0.7}
        for k, name in enumerate(names):
            look = {"color": _axes.colour_of(k, ax), "marker": _axes.marker_of(k), **edges}
            label = name if self.class_names is not None else f"class {name}"
            self.points_.append(ax.scatter(*self.X[self.y == k].T, s=24, label=label, **look))
        ax.legend(fontsize="small")

    def _plot_border(self, ax: Axes, k: int) -> None:
        """Where class k meets the others; of two classes by one output, where they meet."""
        if self.threshold is None:
            others = np.delete(self.response, k, axis=-1).max(axis=-1)
            lead = self.response[..., k] - others
        else:
            lead = self.response - self.threshold
        if lead.min() < 0 < lead.max():
            ax.contour(
                self.xx0, self.xx1, lead, levels=[0], colors=[_axes.foreground(ax)], linewidths=1.2
            )
