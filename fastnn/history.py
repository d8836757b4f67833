"""What training reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastnn._once import once

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["History"]

Array = np.ndarray[Any, Any]


class Lap(NamedTuple):
    """What is known of each epoch of a lap."""

    losses: Array
    rates: Array  # of the first update; a single one where all are the same


class History:
    """What one call of ``train`` reports, as Keras users know it.

    Attributes
    ----------
    history : dict of str to list of float
        Each has a value for each epoch. ``"loss"``: the mean of the samples' losses, each taken
        before the sample's (or its batch's) update. Metrics by their names, of the training data
        at the end of the epoch; with validation data ``"val_loss"`` and metrics with ``val_``
        before their names, at the end of the epoch too. ``"learning_rate"``: that of the epoch's
        first update.
    epoch : list of int
        The epochs that ran, from 0.
    """

    def __init__(self, laps: list[Lap], columns: dict[str, list[float]]) -> None:
        self._laps, self._columns = laps, columns

    # Lists are made when asked for: an epoch of a small table lasts less than making a float.
    @once
    def history(self) -> dict[str, list[float]]:
        return {
            "loss": [loss for lap in self._laps for loss in lap.losses.tolist()],
            **self._columns,
            "learning_rate": [
                rate
                for lap in self._laps
                for rate in np.broadcast_to(lap.rates, len(lap.losses)).tolist()
            ],
        }

    @once
    def epoch(self) -> list[int]:
        return list(range(sum(len(lap.losses) for lap in self._laps)))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the cost curve: loss, and validation loss where there is one, against epochs.

        Parameters
        ----------
        ax : matplotlib Axes or None, default None
            Where to draw. None: the axes of a new figure.

        Returns
        -------
        matplotlib Axes
            With labels. ``matplotlib.pyplot.savefig("cost.png")`` saves the new figure.
            `fastnn.plot.HistoryDisplay` draws metrics and learning rates, too.

        Raises
        ------
        ImportError
            Without Matplotlib, which ``pip install "fastnn[plot]"`` installs.
        """
        from fastnn.plot._history import HistoryDisplay

        return HistoryDisplay.from_history(self, ax=ax).ax_

    def __repr__(self) -> str:
        n, losses = len(self.epoch), ""
        if n:
            first, last = self._laps[0].losses[0], self._laps[-1].losses[-1]
            losses = f", loss {first:.6g} to {last:.6g}"
        return f"<History of {n} epoch{'' if n == 1 else 's'}{losses}>"
