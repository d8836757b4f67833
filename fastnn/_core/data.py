"""Samples that have been checked for a network, and what is summed over them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._core import chunks, kernels
from fastnn._core.samples import Compressed, Samples, room_for

if TYPE_CHECKING:
    from fastnn._core.model import Model

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Data:
    """Samples for one model, and what belongs to them; for one thread at a time."""

    model: Model
    X: Array | Compressed
    Y: Array
    # How many numbers of each row are not zero, where X is dense. None: nobody has counted, and
    # training skips no zeros.
    counts: Array | None = None
    weights: Array | None = None  # None: all are 1
    is_mapped: bool = False  # X is a file, which may be larger than memory
    fingerprint: int | None = None  # of X, where somebody has wanted it
    feature_names: tuple[str, ...] | None = None  # of the columns of X, if they have any

    @cached_property
    def samples(self) -> Samples:
        """For kernels that skip the zeros of a row where it has many."""
        room = room_for(1, self.model.layer_sizes[0], self.model.layout.dtype)
        return Samples(self.X, self.Y, room, self.weights)

    @cached_property
    def workspace(self) -> Array:
        return self.model.layout.workspace(len(self.X))

    def loss(self, l2: float = 0.0, outputs: Array | None = None) -> float:
        """The mean of the samples' losses and ½ l2 ‖W‖²; the outputs of the network go there."""
        layout, n = self.model.layout, len(self.X)
        parameters, holds_lock = self.model.to_read(n, again=l2 > 0)
        if outputs is None:
            outputs = np.empty((0, self.model.layer_sizes[-1]), layout.dtype)
        total = 0.0
        for start, end in chunks.row_chunks(layout, n):
            total = kernels.loss(
                layout.layers, kernels.LOSSES[self.model.loss], self.samples.n_targets, parameters,
                self.samples.record, start, end, outputs[start:end], self.workspace, total,
                holds_lock,
            )  # fmt: skip
        weights = layout.views(parameters)[0] if l2 else ()
        squares = sum(float(np.square(W, dtype=np.float64).sum()) for W in weights)
        return total / n + l2 / 2 * squares

    def add_gradients(self, parameters: Array, gradient: Array, holds_lock: bool = False) -> float:
        """gradient += those of all samples, by their weights; the sum of their losses likewise.

        At any parameters, which lie in a block as the model's do, and so does the gradient.
        """
        layout = self.model.layout
        total = 0.0
        for start, end in chunks.row_chunks(layout, len(self.X)):
            total += kernels.gradients(
                layout.layers, kernels.LOSSES[self.model.loss], self.samples.n_targets, parameters,
                self.samples.record, start, end, gradient, self.workspace, holds_lock,
            )  # fmt: skip
        return total
