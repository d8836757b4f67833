"""Steps of any optimizer on one sample after another, with little around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._core.data import Data
from fastnn._training.course import Course, Settings

if TYPE_CHECKING:
    from fastnn.network import Network
    from fastnn.optimizers import Optimizer

    Array = np.ndarray[Any, Any]


def settings(optimizer: Optimizer, learning_rate: float) -> Settings:
    """Of one step on each sample, in order."""
    return Settings(
        epochs=1,
        learning_rate=learning_rate,
        batch_size=1,
        shuffle=False,
        optimizer=optimizer,
        form="direct",
    )


def train_in_order(
    net: Network, data: Data, start: int, end: int, optimizer: Optimizer, learning_rate: float
) -> None:
    """A step on each of these rows, with the same bits however many there are.

    Unlike in `Network.train`, weights are not scaled to mean 1: no row changes another one's step.
    """
    of_steps = settings(optimizer, learning_rate)
    X: Any = data.X
    at_once = 1 if optimizer.l2 else max(1, end - start)  # L2 is rounded at the ends of blocks
    with data.model.turn(trains=True):
        for i in range(start, end, at_once):
            rows = slice(i, i + at_once)
            weights = None if data.weights is None else data.weights[rows]
            part = Data(data.model, X[rows], data.Y[rows], weights=weights)
            Course(net, part, of_steps).run_lap(1, 0, None)


class SingleSteps:
    """What `Network.train` does for a single sample, but for what can be done once for all."""

    def __init__(self, net: Network, optimizer: Optimizer, learning_rate: float) -> None:
        self.net, self.learning_rate = net, learning_rate
        self.x = np.zeros((1, net.layer_sizes[0]), net.dtype)
        one_number = net.loss == "cross_entropy"
        self.y = np.ones((1, 1 if one_number else net.layer_sizes[-1]), net.dtype)
        self.weights, self.weight = np.ones(1), 1.0
        self.turn = net._model.turn(trains=False)
        data = Data(net._model, self.x, self.y, weights=self.weights)
        self.course = Course(net, data, settings(optimizer, learning_rate))

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """None: it belongs to this network, and that of a copy is made when it is needed."""

    def step(self, row: Array, target: Any, weight: float = 1.0) -> None:
        """On checked inputs and a checked target: (n_outputs,), a number or a class number."""
        with self.turn:
            self.x[0] = row
            if self.net.loss != "cross_entropy" or self.net.layer_sizes[-1] > 1:
                self.y[0] = target
            if weight != self.weight:
                self.weights[0] = self.weight = weight
            self.course.run_lap(1, 0, None)
