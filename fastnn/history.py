"""What training reports."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np


class History:
    """The course of one ``train`` call, as Keras users know it.

    Attributes
    ----------
    history : dict of str to list of float
        ``"loss"``: for each epoch the mean of its samples' losses, each taken before the
        sample's (or its batch's) update.
    epoch : list of int
        The epochs that ran, from 0.
    """

    def __init__(self, losses: np.ndarray[Any, Any]) -> None:
        self._losses = losses

    # Lists are made when asked for: an epoch of a small table lasts less than making a float.
    @cached_property
    def history(self) -> dict[str, list[float]]:
        return {"loss": self._losses.tolist()}

    @cached_property
    def epoch(self) -> list[int]:
        return list(range(len(self._losses)))

    def __repr__(self) -> str:
        n = len(self._losses)
        course = f", loss {self._losses[0]:.6g} to {self._losses[-1]:.6g}" if n else ""
        return f"<History of {n} epoch{'' if n == 1 else 's'}{course}>"
