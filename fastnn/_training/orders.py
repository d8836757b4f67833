"""In which order the epochs of a training take its samples."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

Orders = np.ndarray[Any, np.dtype[np.intp]]


class Order(Protocol):
    """What draws the orders of several epochs at once, as one stream."""

    def begin(self) -> None:
        """Nothing has been drawn that `keep` could give back."""
        ...

    def draw(self, n_epochs: int) -> Orders:
        """A row of sample numbers for each epoch; a single row serves all of them.

        Of several, all are drawn, or if that is broken off none.
        """
        ...

    def keep(self, n_epochs: int) -> None:
        """As if so many epochs had been drawn since `begin`, if any were."""
        ...


class InOrder:
    """The same order for all epochs."""

    def __init__(self, n: int) -> None:
        self.order = np.arange(n, dtype=np.intp)[np.newaxis]

    def begin(self) -> None:
        pass

    def draw(self, n_epochs: int) -> Orders:
        return self.order

    def keep(self, n_epochs: int) -> None:
        pass


class Shuffled:
    """A new order for each epoch, from a random generator."""

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self.order = np.arange(n, dtype=np.intp)
        self.rng = rng
        self.before: Any = None

    def begin(self) -> None:
        self.before = None

    def draw(self, n_epochs: int) -> Orders:
        self.before = before = self.rng.bit_generator.state
        try:
            orders = np.empty((n_epochs, len(self.order)), np.intp)
            orders[:] = self.order
            return self.rng.permuted(orders, axis=1, out=orders)
        except BaseException:
            self.rng.bit_generator.state = before
            raise

    def keep(self, n_epochs: int) -> None:
        if self.before is not None:
            self.rng.bit_generator.state = self.before
            self.draw(n_epochs)


class Reshuffled:
    """The orders of scikit-learn: each epoch's is that of the one before, shuffled once more."""

    def __init__(self, n: int, random_state: np.random.RandomState) -> None:
        self.order = np.arange(n, dtype=np.intp)
        self.random_state = random_state
        self.before: tuple[Orders, Any] | None = None

    def begin(self) -> None:
        self.before = None

    def draw(self, n_epochs: int) -> Orders:
        # Which takes as long as a short epoch. A single one has been drawn, also if it is cut off.
        self.before = (self.order, self.random_state.get_state()) if n_epochs > 1 else None
        try:
            orders = np.empty((n_epochs, len(self.order)), np.intp)
            for row in orders:
                places = np.arange(len(self.order))
                self.random_state.shuffle(places)
                self.order = np.take(self.order, places, out=row)
        except BaseException:
            self._return()
            raise
        return orders

    def keep(self, n_epochs: int) -> None:
        if self.before is not None:
            self._return()
            self.draw(n_epochs)

    def _return(self) -> None:
        """To before the last draw."""
        if self.before is not None:
            self.order, state = self.before
            self.random_state.set_state(state)
