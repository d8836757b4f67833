"""The cost curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastnn import _checks, _words
from fastnn.plot import _axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from fastnn.history import History


class HistoryDisplay:
    """The cost curve: what a training has reported, against its epochs.

    Use `from_history` to make one. What belongs together, such as "loss" and "val_loss", shares
    axes: lines of training and validation.

    Parameters
    ----------
    epoch : list of int
    columns : dict of str to list of float
        What is drawn, by its names in ``History.history``.

    Attributes
    ----------
    epoch, columns
        As given.
    ax_ : matplotlib Axes
        The first axes.
    axes_ : list of matplotlib Axes
        One for each quantity, from the top.
    figure_ : matplotlib Figure
    lines_ : dict of str to matplotlib Line2D
        By the names of columns.

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> from fastnn.plot import HistoryDisplay
    >>> X, y = datasets.load_moons()
    >>> net = Network([2, 8, 1], activation=["tanh", "sigmoid"], loss="bce", seed=0)
    >>> history = net.train(
    ...     X[:150], y[:150], epochs=100, learning_rate=0.1, metrics="accuracy",
    ...     validation_data=(X[150:], y[150:]),
    ... )
    >>> display = HistoryDisplay.from_history(history, columns=["loss", "accuracy"])
    >>> list(display.lines_)
    ['loss', 'val_loss', 'accuracy', 'val_accuracy']
    >>> display.figure_.savefig("cost.png")
    """

    ax_: Axes
    axes_: list[Axes]
    figure_: Figure
    lines_: dict[str, Line2D]

    def __init__(self, *, epoch: Sequence[int], columns: Mapping[str, Sequence[float]]) -> None:
        self.epoch = list(epoch)
        self.columns = {name: list(values) for name, values in columns.items()}

    @classmethod
    @_words.explained
    def from_history(
        cls, history: History, *, columns: str | Sequence[str] | None = None, ax: Any = None
    ) -> Self:
        """Draw what a training has reported.

        Parameters
        ----------
        history : History
            What `Network.train` has returned.
        columns : str, sequence of str, or None; default None
            Names in ``history.history``, each with that of validation where there is one: "loss",
            metrics, "learning_rate"; or "val_loss" and the like for validation alone. "all": all of
            them. None: "loss".
        ax : matplotlib Axes, sequence of them, or None; default None
            Where to draw: as many as there are quantities. None: the axes of a new figure.

        Returns
        -------
        HistoryDisplay

        Raises
        ------
        TypeError, ValueError
            For what is no history, and names that it does not have.
        ImportError
            Without Matplotlib.
        """
        found = getattr(history, "history", None)
        if not isinstance(found, dict) or not hasattr(history, "epoch"):
            raise TypeError(
                "history must be a fastnn.History, which Network.train returns, got "
                f"{_checks.description(history)}"
            )
        drawn = {name: found[name] for name in _names(columns, list(found))}
        return cls(epoch=history.epoch, columns=drawn).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw it once more.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of them, or None; default None
            As for `from_history`.

        Returns
        -------
        HistoryDisplay
            This one.
        """
        quantities = list(dict.fromkeys(name.removeprefix("val_") for name in self.columns))
        self.axes_ = _axes.several_axes(ax, "a picture of a history", len(quantities))
        self.ax_ = self.axes_[0]
        self.figure_ = _axes.figure_of(self.ax_)
        self.lines_ = {}
        for axes, quantity in zip(self.axes_, quantities, strict=True):
            names = [name for name in self.columns if name.removeprefix("val_") == quantity]
            self._plot_quantity(axes, quantity, names)
        self.axes_[-1].set_xlabel("epoch")
        return self

    def _plot_quantity(self, ax: Axes, quantity: str, names: Sequence[str]) -> None:
        from matplotlib.ticker import MaxNLocator

        is_first = not ax.has_data()
        for name in names:
            values = self.columns[name]
            alone = _alone(values)
            # A line shows nothing of a point without a neighbour. What diverged may be shorter.
            (self.lines_[name],) = ax.plot(
                self.epoch[: len(values)], values, marker="o" if alone else "", markevery=alone,
                color=_axes.colour_of(len(ax.get_lines()), ax),
                label="validation" if name.startswith("val_") else "training",
            )  # fmt: skip
        ax.set_ylabel(quantity.replace("_", " "))
        # As many ticks as there is room for.
        ax.xaxis.set_major_locator(
            MaxNLocator("auto", integer=True, steps=[1, 2, 2.5, 5, 10], min_n_ticks=1)
        )
        if self.epoch and not any(np.isfinite(self.columns[name]).any() for name in names):
            ax.text(0.5, 0.5, "no finite value", ha="center", va="center", transform=ax.transAxes)
        if is_first and len(self.epoch) == 1:
            ax.set_xlim(-0.5, 0.5, auto=True)
        if len(names) > 1:
            ax.legend()
        if quantity == "learning_rate" and _spans_decades(self.columns[quantity]):
            ax.set_yscale("log")


def _alone(values: Sequence[float]) -> list[int]:
    """The places of finite values that have none beside them."""
    finite = np.pad(np.isfinite(values), 1)
    return np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:]).tolist()


def _spans_decades(values: Sequence[float]) -> bool:
    return len(values) > 0 and min(values) > 0 and max(values) >= 10 * min(values)


def _names(columns: Any, known: list[str]) -> list[str]:
    """The columns that are meant, those of validation behind their own."""
    if columns is None:
        given = ["loss"]
    elif columns == "all":
        given = [name for name in known if not name.startswith("val_")]
    else:
        one = [columns] if isinstance(columns, str) else columns
        given = _checks.sequence(one, "columns", 'names of columns, such as ["loss", "accuracy"]')
    found: list[str] = []
    for name in given:
        if name not in known:
            _refuse(name, known)
        found += [one for one in (name, f"val_{name}") if one in known]
    return list(dict.fromkeys(found))


def _refuse(name: Any, known: list[str]) -> None:
    _checks.text(name, "a name in columns")
    if name.startswith("val_"):
        hint = "; give validation_data=(X, y) to train"
        if name != "val_loss" and name.removeprefix("val_") not in known:
            hint += ", and metrics=[...]"
    else:
        hint = _words.hint(name, known) or "; give metrics=[...] to train"
    listed = ", ".join(map(repr, known))
    raise ValueError(f"columns must be of {listed} in this history, got {name!r}{hint}")
