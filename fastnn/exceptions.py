"""The errors of fastnn's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastnn.history import History

__all__ = ["ModelFileError", "TrainingDivergedError"]


class TrainingDivergedError(ValueError):
    """Training produced a loss or a parameter that is not finite.

    The message names the epoch, the step in it, the learning rate, the last finite loss, how large
    the data are, and the remedy: see docs/how_to/scaling.md. The network keeps the parameters that
    it had a little earlier in training, all of them finite.

    Attributes
    ----------
    history : History
        Of the epochs before, in a `train`; `update` and `step` have none.
    networks : tuple of int
        Of `fastnn.train_many` and `fastnn.sklearn.fit_many`: the places of those that have diverged
        in its list. Else empty.
    histories : list of History
        Of `fastnn.train_many`: those of all networks.
    """

    history: History
    networks: tuple[int, ...] = ()
    histories: list[History]


class ModelFileError(ValueError):
    """A file holds no network that can be loaded. The message names the file and what is wrong."""
