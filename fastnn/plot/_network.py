"""A network: its units, and weights as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastnn import _checks, _drawing, _words
from fastnn._core.model import copies
from fastnn.plot import _axes
from fastnn.plot._inputs import network_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    from fastnn.plot._inputs import NetworkLike

Array = np.ndarray[Any, Any]

THICKEST = 3.0  # points


class NetworkDisplay:
    """A network with its weights: widths of lines say how large they are, colours their sign.

    In each layer the largest weight that is drawn has the thickest line. A unit has its bias as its
    ring, likewise. Layers of many units are summed up: one dot, with their number beside it, stands
    for those that are not drawn, and grey lines for the mean of the absolute values of their
    weights. Use `from_network` to make one.

    Parameters
    ----------
    weights : sequence of array (n_in, n_out)
    biases : sequence of array (n_out,)
    activations : sequence of str
        One for each layer.
    max_units : int, default 12
        How many units of a layer are drawn.
    feature_names, class_names : sequence of str, or None

    Attributes
    ----------
    weights, biases, activations
        As given.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : matplotlib LineCollection

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> from fastnn.plot import NetworkDisplay
    >>> X, y = datasets.load_people()
    >>> net = Network([2, 2, 1], seed=0)
    >>> history = net.train(X, y, epochs=1000, learning_rate=0.1)
    >>> display = NetworkDisplay.from_network(net, feature_names=["weight", "height"])
    >>> display.figure_.savefig("network.png")
    """

    ax_: Axes
    figure_: Figure
    lines_: LineCollection

    def __init__(
        self,
        *,
        weights: Sequence[Array],
        biases: Sequence[Array],
        activations: Sequence[str],
        max_units: int = 12,
        feature_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.weights, self.biases, self.activations = weights, biases, activations
        self.max_units = max_units
        self.feature_names, self.class_names = feature_names, class_names

    @classmethod
    @_words.explained
    def from_network(
        cls,
        net: NetworkLike,
        *,
        max_units: int = 12,
        feature_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw a network with the weights that it has now.

        Parameters
        ----------
        net : Network
            Or a fitted MLPClassifier or MLPRegressor.
        max_units : int, default 12
            How many units of a layer are drawn, at least 3; larger layers are summed up.
        feature_names : sequence of str, or None; default None
            Beside the inputs. None: those of the table that the network was trained on, if any.
        class_names : sequence of str, or None; default None
            Beside the outputs.
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        TypeError, ValueError
            For what is no network, and bad settings.
        ImportError
            Without Matplotlib.
        """
        net = network_of(net)
        max_units = _checks.integer(max_units, "max_units", 3)
        model = net._model
        n_inputs, n_outputs = model.layer_sizes[0], model.layer_sizes[-1]
        if feature_names is None:
            feature_names = net.feature_names
        else:
            feature_names = _axes.names_of(feature_names, "feature_names", n_inputs)
        if class_names is not None:
            class_names = _axes.names_of(class_names, "class_names", n_outputs)
        weights, biases = model.layout.views(copies(model.parameters)[0])  # of one moment
        return cls(
            weights=weights, biases=biases, activations=model.activations, max_units=max_units,
            feature_names=feature_names, class_names=class_names,
        ).plot(ax)  # fmt: skip

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw it once more.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            As for `from_network`.

        Returns
        -------
        NetworkDisplay
            This one.
        """
        self.ax_ = ax = _axes.axes(ax, "a picture of a network")
        self.figure_ = _axes.figure_of(ax)
        drawn = _drawing.drawing(self.weights, self.biases, self.max_units)
        self._plot_lines(ax, drawn)
        self._plot_units(ax, drawn)
        self._write(ax, drawn)
        ax.set_axis_off()
        return self

    def _plot_lines(self, ax: Any, drawn: _drawing.Drawing) -> None:
        from matplotlib.collections import LineCollection
        from matplotlib.lines import Line2D

        colours = [_axes.colour_of(0, ax), _axes.colour_of(1, ax), "grey"]
        lines = sorted(drawn.lines, key=lambda line: not line.is_mean)  # below the others
        self.lines_ = LineCollection(
            [[(line.layer - 1, line.start), (line.layer, line.end)] for line in lines],
            linewidths=[self._width(line.weight, drawn) for line in lines],
            colors=[colours[2 if line.is_mean else line.weight < 0] for line in lines],
            zorder=1,
        )
        ax.add_collection(self.lines_)
        ax.legend(
            [Line2D([], [], color=colour, linewidth=THICKEST) for colour in colours[:2]],
            ["positive", "negative"], loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2,
            frameon=False, borderpad=0,
        )  # fmt: skip

    def _plot_units(self, ax: Any, drawn: _drawing.Drawing) -> None:
        text, behind = _axes.foreground(ax), _axes.background(ax)
        whole = [unit for unit in drawn.units if unit.place is not None]
        ax.scatter(
            [unit.layer for unit in whole], [unit.height for unit in whole],
            s=min(200, 2500 / drawn.height), zorder=2, facecolors=[behind] * len(whole),
            linewidths=[max(1.0, self._width(unit.bias, drawn)) for unit in whole],
            edgecolors=[
                _axes.colour_of(unit.bias < 0, ax) if unit.bias else text for unit in whole
            ],
        )  # fmt: skip
        box = {"boxstyle": "round", "pad": 0.2, "facecolor": behind, "edgecolor": "grey"}
        look = {"color": text, "fontsize": "small", "ha": "center", "va": "center", "bbox": box}
        for unit in drawn.units:
            if unit.place is None:
                ax.text(unit.layer, unit.height, f"+{unit.n:,}", zorder=3, **look)

    def _write(self, ax: Any, drawn: _drawing.Drawing) -> None:
        """Names, and what each layer is."""
        text, last, bottom = _axes.foreground(ax), len(self.weights), -drawn.height / 2
        sides: list[tuple[int, Any, int, str]] = [
            (0, self.feature_names, -10, "right"),
            (last, self.class_names, 10, "left"),
        ]
        for layer, names, away, align in sides:
            for unit in drawn.units:
                if names is None or unit.layer != layer or unit.place is None:
                    continue
                ax.annotate(
                    _axes.shortened(names[unit.place]), (layer, unit.height), (away, 0), color=text,
                    textcoords="offset points", ha=align, va="center", fontsize="small",
                )  # fmt: skip
        captions = [f"{len(self.weights[0]):,} inputs"] if len(self.weights[0]) > 1 else ["1 input"]
        captions += [
            f"{len(b):,} {name}" for b, name in zip(self.biases, self.activations, strict=True)
        ]
        for layer, caption in enumerate(captions):
            ax.annotate(
                caption, (layer, bottom), (0, -6), textcoords="offset points", color=text,
                ha="center", va="top", fontsize="small", annotation_clip=False,
            )  # fmt: skip
        ax.set_xlim(-0.4, last + 0.4)
        ax.set_ylim(bottom, drawn.height / 2)

    def _width(self, weight: float, drawn: _drawing.Drawing) -> float:
        """In points: thinner where there are many."""
        return max(0.2, min(THICKEST, 18 / drawn.height) * abs(weight))
