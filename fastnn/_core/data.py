"""Samples that have been checked for a network, and what is summed over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._core import chunks, kernels
from fastnn._core.pace import WORTH_MEETINGS, Pace, n_threads_for, n_threads_for_rows
from fastnn._core.samples import Compressed, Samples, room_for
from fastnn._core.teams import NO_ROOM, Room, help_of, team_of
from fastnn._once import once

if TYPE_CHECKING:
    from fastnn._core.model import Model

Array = np.ndarray[Any, Any]


@dataclass(eq=False, repr=False)
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
    n_threads: int | None = 1  # that work on them; None: as many as help
    own_bytes: int = 0  # of memory that nobody else shares, where many train at once

    @once
    def most_threads(self) -> int:
        """Where nothing is changed."""
        return n_threads_for_rows(self.model.layout, len(self.X), self.n_threads)

    @once
    def pace(self) -> Pace:
        return Pace(self.most_threads, self.n_threads is None)

    @once
    def samples(self) -> Samples:
        """For kernels that skip the zeros of a row where it has many."""
        n_inputs, dtype = self.model.layer_sizes[0], self.model.layout.dtype
        room = room_for(1, n_inputs, dtype, self.most_threads)
        return Samples(self.X, self.Y, room, self.weights)

    @once
    def workspaces(self) -> Array:
        return self.model.layout.workspace(len(self.X), self.most_threads)

    @once
    def room(self) -> Room | None:
        """For gradients, by several threads, where these help with them."""
        layout, n, wanted = self.model.layout, len(self.X), self.n_threads
        if (
            self.most_threads == 1 or n_threads_for_rows(layout, n, wanted, WORTH_MEETINGS) == 1
            or n_threads_for(layout, n, n, wanted) == 1
        ):  # fmt: skip
            return None
        return Room.of_blocks(self.most_threads, layout, self.samples.bytes_of_inputs, n)

    def _chunks(
        self, most: int, room: tuple[int, ...] = NO_ROOM
    ) -> Iterator[tuple[int, int, Array]]:
        """Rows from here to there, and the help of at most so many threads with them."""
        with team_of(most) as team:
            for start, end in chunks.row_chunks(self.model.layout, len(self.X), most):
                yield start, end, help_of(team, most, self.pace.next(), room)
                self.pace.note(end - start)

    def loss(self, l2: float = 0.0, outputs: Array | None = None) -> float:
        """The mean of the samples' losses and ½ l2 ‖W‖²; the outputs of the network go there."""
        layout, n = self.model.layout, len(self.X)
        parameters, holds_lock = self.model.to_read(n, again=l2 > 0)
        if outputs is None:
            outputs = np.empty((0, self.model.layer_sizes[-1]), layout.dtype)
        total = 0.0
        for start, end, help in self._chunks(self.most_threads):
            total = kernels.loss(
                layout.layers, kernels.LOSSES[self.model.loss], self.samples.n_targets, parameters,
                self.samples.record, start, np.empty(end - start), outputs[start:end],
                self.workspaces, help, total, holds_lock,
            )  # fmt: skip
        weights = layout.views(parameters)[0] if l2 else ()
        with np.errstate(over="ignore"):
            squares = sum(float(np.square(W, dtype=np.float64).sum()) for W in weights)
        return total / n + l2 / 2 * squares

    def add_gradients(
        self, parameters: Array, gradient: Array | None, holds_lock: bool = False,
        loss: str | None = None, outputs: Array | None = None,
        input_gradients: Array | None = None,
    ) -> float:  # fmt: skip
        """gradient += those of all samples, by their weights; the sum of their losses likewise.

        At any parameters, which lie in a block as the model's do, and so does the gradient. Where
        they are wanted, outputs and input_gradients get a row for each sample: a of the last layer,
        and ∂L/∂x without the weights, in rows of whole vecs.
        """
        layout = self.model.layout
        number = kernels.LOSSES[loss or self.model.loss]
        nothing = np.empty((0, 1), layout.dtype)
        total = 0.0
        room = self.room
        shared = (1,) if room is None else (self.most_threads, room.places)
        for start, end, help in self._chunks(*shared):
            total = kernels.gradients(
                layout.layers, number, self.samples.n_targets, parameters, self.samples.record,
                start, end, nothing if gradient is None else gradient,
                nothing if outputs is None else outputs[start:end],
                nothing if input_gradients is None else input_gradients[start:end],
                self.workspaces, help, total, holds_lock,
            )  # fmt: skip
        return total
