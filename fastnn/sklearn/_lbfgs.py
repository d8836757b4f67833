"""What the solver "lbfgs" minimises, as SciPy wants it."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fastnn._core.data import Data

Array = np.ndarray[Any, Any]


class Objective:
    """Loss and gradient of a network on all data, as scikit-learn has them."""

    def __init__(self, data: Data, alpha: float) -> None:
        self.data, self.alpha = data, alpha
        layout = data.model.layout
        self.total_weight = len(data.X) if data.weights is None else data.weights.sum()
        self.parameters, self.gradient = layout.parameter_block(), layout.parameter_block()
        self.views, self.gradient_views = (
            [*chain(*layout.views(block))] for block in (self.parameters, self.gradient)
        )

    def loss_and_gradient(self, packed_parameters: Array) -> tuple[np.float64, Array]:
        """At parameters one after the other, first those of all weights."""
        place = 0
        for view in self.views:
            view[...] = packed_parameters[place : place + view.size].reshape(view.shape)
            place += view.size
        self.gradient[:] = 0
        loss = self.data.add_gradients(self.parameters, self.gradient)
        n_layers = len(self.views) // 2
        for dL_dW, W in zip(self.gradient_views[:n_layers], self.views, strict=False):
            dL_dW += self.alpha * W
            loss += self.alpha / 2 * float(np.vdot(W, W))
        packed = np.concatenate([part.ravel() for part in self.gradient_views])
        total_weight = self.total_weight
        return np.float64(loss / total_weight), packed.astype(np.float64) / total_weight
