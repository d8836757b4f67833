"""Steps of any optimizer on one sample after another, with little around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.course import Course, Data, Settings

if TYPE_CHECKING:
    from fastnn.network import Network
    from fastnn.optimizers import Optimizer

    Array = np.ndarray[Any, Any]


class SingleSteps:
    """What `Network.train` does for a single sample, but for what can be done once for all."""

    def __init__(self, net: Network, optimizer: Optimizer, learning_rate: float) -> None:
        self.net, self.learning_rate = net, learning_rate
        self.x = np.zeros((1, net.layer_sizes[0]), net.dtype)
        one_number = net.loss == "cross_entropy"
        self.y = np.ones((1, 1 if one_number else net.layer_sizes[-1]), net.dtype)
        settings = Settings(
            epochs=1,
            learning_rate=learning_rate,
            batch_size=1,
            shuffle=False,
            optimizer=optimizer,
            form="direct",
        )
        self.turn = net._model.turn(trains=False)
        self.course = Course(net, Data(net._model, self.x, self.y), settings)

    def step(self, row: Array, target: Any) -> None:
        """On checked inputs and a checked target: (n_outputs,), a number or a class number."""
        with self.turn:
            self.x[0] = row
            if self.net.loss != "cross_entropy" or self.net.layer_sizes[-1] > 1:
                self.y[0] = target
            self.course.run_lap(1, 0, None)
