"""What a network is made of, in one object: whoever holds it never sees parts of two networks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from fastnn import _checks
from fastnn._core import chunks, kernels
from fastnn._core.layout import Layout, layout_of
from fastnn._core.pace import Pace, n_threads_for_rows
from fastnn._core.samples import Compressed, Samples, room_for
from fastnn._core.teams import help_of, team_of

if TYPE_CHECKING:
    from fastnn._standardizing import Standardizers

Array = np.ndarray[Any, Any]

# To copy the parameters takes as long as a few rows do; so this costs them a twentieth at most.
FEW_ROWS = 100
MOST_SPARE = 2**26  # bytes that networks of one structure keep for their next trainings
FEW_PARTS = 10  # of a chunk: about a millisecond, in which no other thread runs


class Model:
    """The structure of a network, its parameters, and the gate to them.

    Only parameters change, and the names of the inputs, which come with a table to train on. Where
    the network is trained, parameters go from the end of one step to that of a later one at a
    single moment: training works on copies (see src_cython/training.pyx).
    """

    def __init__(
        self,
        layer_sizes: tuple[int, ...],
        activations: tuple[str, ...],
        loss: str,
        dtype: np.dtype[Any],
        standardizers: Standardizers | None = None,
    ) -> None:
        """All parameters are zero."""
        self.layer_sizes = layer_sizes
        self.activations = activations
        self.loss = loss
        self.feature_names: tuple[str, ...] | None = None
        self.standardizers = standardizers
        numbers = tuple([kernels.ACTIVATIONS[name] for name in activations])
        self.layout: Layout = layout_of(layer_sizes, numbers, dtype)
        self.parameters = self.layout.parameter_block()
        self._spares = _spares_of(self.layout)
        self._pace: tuple[Any, Pace] | None = None
        self.gate = kernels.Gate(
            _checks.NUMBERS, _checks.INTEGERS, self.layout.layers, kernels.LOSSES[loss],
            self.parameters, self.layout.workspace(1), partial(_few_rows, self.layout),
            Samples(None, compressed=room_for(1, layer_sizes[0], dtype)),
            "step" not in activations and standardizers is None,
        )  # fmt: skip

    def check_trained(self) -> None:
        """Refuse to train what has standardizers in its parameters."""
        if self.standardizers is None:
            return
        inputs, targets = self.standardizers
        data = [
            f"net.{name}.transform({letter})" if one else letter
            for one, name, letter in (
                (inputs, "standardizer", "X"), (targets, "target_standardizer", "y"),
            )
        ]  # fmt: skip
        raise ValueError(
            "a network with a standardizer takes inputs that are not standardized, and so is not "
            f"trained; train net.without_standardizer() on ({', '.join(data)})"
        )

    def turn(self, trains: bool) -> kernels.Turn:
        """To be held while the parameters are changed, by a training or by an update."""
        return kernels.Turn(self.gate, trains)

    def take_spare(self, n_parts: int, needs_gradient: bool, n_rows: int) -> Working:
        """What a training works on, from before if there is such."""
        try:  # not to ask first whether it is there: another thread may take it then
            spare = self._spares.pop()
        except IndexError:
            spare = None
        if spare and spare.kind == (n_parts, needs_gradient) and spare.n_rows >= n_rows:
            return spare
        return Working(self.layout, n_parts, needs_gradient, n_rows)

    def keep_spare(self, working: Working) -> None:
        """For a training to come, unless it is much; the block of a begun batch is all zero."""
        if working.n_bytes * (len(self._spares) + 1) <= MOST_SPARE:
            self._spares.append(working)

    def pace(self, most: int, adapts: bool, batch_size: int) -> Pace:
        """That of the last training, if it was of this kind: it knows what pays."""
        kind = most, adapts, batch_size
        if self._pace is None or self._pace[0] != kind:
            self._pace = kind, Pace(most, adapts, one_first=True)
        return self._pace[1]

    def to_read(self, n: int, again: bool = False) -> tuple[Array, bool]:
        """Parameters as one completed step has left them, for a kernel that reads them for n rows.

        And whether that kernel is to hold Python's lock: few rows are done sooner so than the
        parameters are copied. again says that they are read for something else, too.
        """
        chunk = chunks.samples_per_chunk(self.layout)
        if not again and n <= min(chunk, max(FEW_ROWS, chunk // FEW_PARTS)):
            return self.parameters, True
        block = self.layout.parameter_block()  # aligned, as kernels are faster then
        kernels.copy([self.parameters], [block])
        return block, False

    def feedforward(
        self, rows: Array | Compressed, out: Array, n_threads: int | None = None,
        layer: int | None = None,
    ) -> bool:  # fmt: skip
        """The outputs for checked samples into out, (n, n_outputs), if all samples are finite.

        Whether they are; dense rows need not have been looked at for that. With a layer, the
        outputs of that one.
        """
        layout, n = self.layout if layer is None else self._layout_up_to(layer), len(out)
        parameters, holds_lock = self.to_read(n)
        most = n_threads_for_rows(layout, n, n_threads)
        samples = Samples(
            rows, compressed=room_for(1, self.layer_sizes[0], layout.dtype, n_members=most)
        )
        workspaces = layout.workspace(n, most)
        pace = Pace(most, n_threads is None)
        with team_of(most) as team:
            for start, end in chunks.row_chunks(layout, n, most):
                finite = kernels.feedforward(
                    layout.layers, parameters, samples.record, start, out[start:end], workspaces,
                    help_of(team, most, pace.next()), holds_lock,
                )  # fmt: skip
                if not finite:
                    return False
                pace.note(end - start)
        return True

    def _layout_up_to(self, layer: int) -> Layout:
        """Of the network that ends there, whose parameters are the first of this one's block."""
        numbers = tuple(self.layout.layers["activation"][: layer + 1].tolist())
        return layout_of(self.layer_sizes[: layer + 2], numbers, self.layout.dtype)

    def write(self, parameters: Array) -> None:
        """Take over all parameters from a block like this one, at one moment."""
        kernels.copy([parameters], [self.parameters])


class Working:
    """What kernels work on in a training: copies of what it changes, and a workspace.

    Memory that is new costs more to get than a step on a few samples takes.
    """

    def __init__(self, layout: Layout, n_parts: int, needs_gradient: bool, n_rows: int) -> None:
        """n_parts are the numbers that the optimizer keeps for each parameter."""
        self.kind, self.n_rows = (n_parts, needs_gradient), n_rows
        blocks = layout.parameter_block(1 + n_parts + needs_gradient)
        size = layout.n_bytes // layout.dtype.itemsize
        self.parameters, state = blocks[:size], blocks[size : (1 + n_parts) * size]
        self.record = np.empty(1, kernels.OPTIMIZER)
        self.progress = np.empty(1, kernels.PROGRESS)
        self.copies = [self.parameters, state, self.record, self.progress]
        self.state = state if n_parts else self.parameters  # what is empty has no address
        self.begun_batch = layout.parameter_block(needs_gradient)
        self.gradient = self.parameters
        if needs_gradient:  # which may hold a part of a batch
            self.gradient = blocks[-size:]
            self.copies.append(self.gradient)
        self.workspace = layout.workspace(n_rows)
        self.snapshot = np.empty(len(self.copies), kernels.SNAPSHOT)
        self.n_bytes = blocks.nbytes + self.begun_batch.nbytes + self.workspace.nbytes


class Spares(list[Working]):
    """What trainings have worked on, for those to come, while there are networks for them."""


_spares: WeakValueDictionary[Layout, Spares] = WeakValueDictionary()


def _spares_of(layout: Layout) -> Spares:
    return _spares.get(layout) or _spares.setdefault(layout, Spares())


def _few_rows(layout: Layout) -> tuple[int, Array]:
    """How many rows are predicted while nothing else of Python runs, and a workspace for them."""
    n = min(kernels.SAMPLES_IN_BLOCK, chunks.samples_per_chunk(layout))
    return n, layout.workspace(n)


def copies(*arrays: Array) -> list[Array]:
    """Copies of arrays as they are at one moment, whatever other threads do."""
    made = [np.empty_like(array) for array in arrays]
    kernels.copy(list(arrays), made)
    return made
