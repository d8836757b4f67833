"""In which order the epochs of a training take its samples."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Orders = np.ndarray[Any, np.dtype[np.intp]]


class Order(Protocol):
    """What draws the orders of several epochs at once, as one stream."""

    def draw(self, n_epochs: int) -> Orders:
        """A row of sample numbers for each epoch; a single row serves all of them."""
        ...

    def keep(self, n_epochs: int) -> None:
        """As if so many epochs had been drawn last."""
        ...


class InOrder:
    """The same order for all epochs."""

    def __init__(self, n: int) -> None:
        self.order = np.arange(n, dtype=np.intp)[np.newaxis]

    def draw(self, n_epochs: int) -> Orders:
        return self.order

    def keep(self, n_epochs: int) -> None:
        pass


class Shuffled:
    """A new order for each epoch, from a random generator."""

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self.order = np.arange(n, dtype=np.intp)
        self.rng = rng

    def draw(self, n_epochs: int) -> Orders:
        self.before = self.rng.bit_generator.state
        orders = np.tile(self.order, (n_epochs, 1))
        return self.rng.permuted(orders, axis=1, out=orders)

    def keep(self, n_epochs: int) -> None:
        self.rng.bit_generator.state = self.before
        self.draw(n_epochs)
