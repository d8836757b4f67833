"""The course of one call of ``Network.train``: what the kernel gets, lap by lap, chunk by chunk.

A lap is the epochs whose orders and learning rates are made at once. Neither laps nor chunks change
a bit of the result.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

import numpy as np

from fastnn import _data_checks
from fastnn._core import chunks, kernels
from fastnn._core.layout import Layout
from fastnn._core.model import copies
from fastnn._core.pace import WORTH_MEETINGS, Pace, n_threads_for
from fastnn._core.samples import Compressed, Samples, compress, room_for
from fastnn._core.teams import NO_HELP, Room, help_of
from fastnn._training.forms import choose_form, takes_quads
from fastnn._training.orders import InOrder, Order, Shuffled
from fastnn._training.unscaled import advice
from fastnn.exceptions import TrainingDivergedError
from fastnn.history import Lap

if TYPE_CHECKING:
    from fastnn._core.data import Data
    from fastnn._core.kernels import Team
    from fastnn._training.bar import Bar
    from fastnn.network import Network
    from fastnn.optimizers import Optimizer
    from fastnn.schedules import Schedule

Array = np.ndarray[Any, Any]


class Settings(NamedTuple):
    """What `Network.train` is told beside data."""

    epochs: int
    learning_rate: float | Schedule | Callable[[int], float]
    batch_size: int
    shuffle: bool
    optimizer: Optimizer
    tol: float | None = None
    patience: int = 1
    form: str = "auto"
    # A batch's gradient is Σ w_i g_i / Σ w_i instead of Σ w_i g_i / n, and lambda is divided by
    # Σ w_i, too.
    divides_by_weight: bool = False
    # With tol, an epoch whose loss is just good enough is a better one, and one of NaN; and losses,
    # and what the optimizer keeps, may overflow while parameters are finite.
    is_lenient: bool = False

    def n_threads_for(self, data: Data) -> int:
        """As many as may train on these data."""
        model, optimizer = data.model, self.optimizer
        if self.batch_size == 1 and (
            not optimizer.is_plain or optimizer.l2
            or (self.divides_by_weight and data.weights is not None)
            or len(model.activations) == 1 or model.activations[0] == "softmax"
        ):  # fmt: skip
            return 1
        n = len(data.X)
        nanoseconds = self.epochs * n * chunks.nanoseconds(model.layout)
        if data.n_threads is None and nanoseconds < WORTH_MEETINGS:
            return 1
        return n_threads_for(model.layout, n, self.batch_size, data.n_threads)


class Course:
    """Training on some data by some settings, in the network's turn.

    Kernels work on copies of what training changes. Those become what is kept, that is, the
    network's parameters, the optimizer's state and the progress that is read here, when a chunk is
    done and finite: so whatever ends training, they are as a completed step has left them.
    """

    def __init__(
        self, net: Network, data: Data, settings: Settings, order: Order | None = None,
        team: Team | None = None,
    ) -> None:  # fmt: skip
        self.net, self.model, self.settings, self.n = net, data.model, settings, len(data.X)
        self.data = data
        if net._model is not data.model:  # whose trainer and generator are not for this one
            self._refuse_another_model()
        layout = self.model.layout
        if order is None:
            order = Shuffled(self.n, net._rng) if settings.shuffle else InOrder(self.n)
        self.order = order
        optimizer, batch_size = settings.optimizer, settings.batch_size
        trainer = net._trainer
        self.state = state = trainer.of_optimizer(optimizer, layout)

        self.samples, form, density = _in_form(layout, data, settings)
        divides = settings.divides_by_weight and data.weights is not None
        if batch_size == 1 and (divides or not optimizer.is_plain):
            form = "batches"
        self.form = form
        passes, n_parts = 0.0, state.n_parts
        if optimizer.l2 or not optimizer.is_plain:
            # All of W changes, after each batch or block.
            in_blocks = batch_size == 1 and form != "batches" and not self._may_decay_strongly()
            passes = (1 + n_parts) / (kernels.SAMPLES_IN_BLOCK if in_blocks else batch_size)
        self.chunk = chunks.samples_per_chunk(layout, density, passes)
        self.team: Team | None = None
        self.pace = Pace(1, adapts=False)
        if team is not None and not self.samples.has_room:  # which one thread alone can use
            with contextlib.suppress(MemoryError):  # else one thread has room enough
                batch = min(batch_size, self.n)
                if batch_size == 1:
                    self.room = Room.of_panels(team.size, layout, self.n)
                else:
                    self.room = Room.of_blocks(
                        team.size, layout, self.samples.bytes_of_inputs, batch
                    )
                self.team = team
                self.pace = self.model.pace(team.size, data.n_threads is None, batch)
        # In epochs: about a chunk, so that of many networks orders do not take much memory.
        self.longest_lap = max(1, self.chunk // self.n)

        self.plan = _plan(
            batch_size, form, optimizer.l2, settings.tol, settings.patience,
            settings.divides_by_weight, settings.is_lenient,
        )  # fmt: skip
        self.progress = np.zeros(1, kernels.PROGRESS)
        if settings.tol is not None:
            best, stale = trainer.of_stopping(settings.tol, settings.patience)
            self.progress["best"], self.progress["stale"] = best, stale
        # Views, as it costs ten times as much to ask for a field.
        self.epoch, self.position = self.progress["epoch"], self.progress["position"]
        self.stopped, self.loss_sum = self.progress["stopped"], self.progress["loss_sum"]

        self.kept = [self.model.parameters, state.block, state.record, self.progress]
        needs_gradient = batch_size > kernels.SAMPLES_IN_BLOCK or not optimizer.is_plain
        n_rows = min(self.n, kernels.SAMPLES_IN_BLOCK)
        self.working = self.model.take_spare(n_parts, needs_gradient, n_rows)
        if needs_gradient:
            self.kept.append(self.working.begun_batch)
        kernels.note_snapshot(self.working.copies, self.kept, self.working.snapshot)
        uses_steps = "step" in self.model.activations
        self.loss = kernels.LOSSES["perceptron" if uses_steps else self.model.loss]
        self.losses, self.rates_of_lap = np.empty(0), np.empty((0, 1))
        if isinstance(settings.learning_rate, float):
            self.rates_of_lap = np.array([[settings.learning_rate]])  # of all laps
        self.last_loss = math.nan
        self.done = 0  # epochs before this lap
        self.is_settled = True  # what is kept beside the chunks is where they have come to

    def keep_room(self) -> None:
        """After the last lap: a further training may have the blocks, unless a batch is begun."""
        if not self.position[0]:
            if self.working.gradient is not self.working.parameters:
                self.working.gradient.fill(0)  # which a chunk that was taken back may have left
            self.model.keep_spare(self.working)

    def _refuse_another_model(self) -> NoReturn:
        raise RuntimeError(
            "the network was set up anew while it was being trained, for example by its "
            "__init__ or __setstate__ in a callback: make another network instead"
        )

    def _may_decay_strongly(self) -> bool:
        """Whether L2 may take samples one by one: see src_cython/decay.pxd."""
        rate, l2 = self.settings.learning_rate, self.settings.optimizer.l2
        return not isinstance(rate, float) or rate * l2 > kernels.STRONGEST_DECAY

    @property
    def has_stopped(self) -> bool:
        """Whether tol and patience have ended training."""
        return bool(self.stopped[0])

    def run_lap(self, n_epochs: int, done: int, shown: Bar | None) -> Lap:
        """At most n_epochs epochs, after `done` of them."""
        with self.lap(n_epochs, done):
            while True:
                if self.has_ended:
                    break
                self._run_parts(shown)
        return self.last_lap()

    def _run_parts(self, shown: Bar | None) -> None:
        """A chunk, in parts where the clock wants to know more; it diverges as a whole."""
        start, left = None, self.chunk
        while left > 0 and not self.has_ended:
            n_threads, done = self.pace.next(), self._samples_done()
            n_samples = min(left, self.pace.samples(self.chunk))
            if n_samples < left and start is None:
                start = copies(*self.kept)
            if self._run_chunk(n_samples, n_threads):
                if start is not None:
                    kernels.copy(start, self.kept)
                    kernels.copy(start, self.working.copies)
                raise self.divergence()
            done = self._samples_done() - done
            left -= done
            self.pace.note(done)
            self.note_chunk(shown)

    def lap(self, n_epochs: int, done: int) -> Self:
        """To be entered, and then chunks are run until it has ended."""
        settings, trainer = self.settings, self.net._trainer
        n_epochs = min(n_epochs, self.longest_lap)
        n_updates = -(-self.n // settings.batch_size)
        self.time = 0
        if not isinstance(settings.learning_rate, float):
            self.time = trainer.time_of(settings.learning_rate)
            from fastnn import schedules  # which take long to import

            self.rates_of_lap = schedules.table(
                settings.learning_rate, self.time, n_epochs, n_updates
            )
        self.epoch[0] = 0
        self.losses = np.empty(n_epochs)
        self.done, self.begins = done, True
        self.before = trainer.optimizer
        self.order.begin()
        self.is_settled = False  # before the orders are drawn, as Ctrl-C may come at once
        self.orders = self.order.draw(n_epochs)
        return self

    def __enter__(self) -> None:
        """A generator's context would take as long as a few epochs."""

    def __exit__(self, *_: object) -> None:
        self.settle()

    def settle(self) -> None:
        """What ends a training leaves it where it has come to.

        Ctrl-C may break this off, or come before this lap is entered: so it may be done once more.
        """
        if self.is_settled:
            return
        ran = self.epoch.item()
        n_begun = ran + bool(self.position[0])
        if n_begun:
            self._keep_time(self.time + ran)
        else:
            self.net._trainer.optimizer = self.before
        if n_begun < len(self.losses):
            self.order.keep(n_begun)
        self.is_settled = True

    def last_lap(self) -> Lap:
        """What has come of it."""
        ran = self.epoch.item()
        return Lap(self.losses[:ran], self.rates_of_lap[:ran, 0].copy())

    @property
    def has_ended(self) -> bool:
        """This lap: it has had its epochs, or tol and patience have ended training."""
        return bool(self.epoch.item() >= len(self.losses) or self.has_stopped)

    def _keep_time(self, time: int) -> None:
        """What a further training with these settings goes on from."""
        settings, trainer = self.settings, self.net._trainer
        if not isinstance(settings.learning_rate, float):
            trainer.schedule, trainer.time = settings.learning_rate, time
        if settings.tol is not None:
            # After it has stopped, a further training is a new one.
            trainer.stopping = None if self.has_stopped else (settings.tol, settings.patience)
            # Where y changes meanwhile, a loss may be below 0.
            trainer.lowest = max(self.progress["best"].item(), 0.0)
            trainer.stale = self.progress["stale"].item()

    def note_chunk(self, shown: Bar | None) -> None:
        """That one is done, and all is finite."""
        ran = self.epoch.item()
        if ran:
            self.last_loss = self.losses[ran - 1].item()
        if shown:
            shown.show(self.done + ran + self.position.item() / self.n, self.last_loss)

    def next_chunk(self, n_samples: int) -> tuple[Any, ...]:
        """What the kernel is given for one, but for help.

        Where the lap begins, what is kept may have been changed by others.
        """
        if self.net._model is not self.model:
            self._refuse_another_model()
        begins, self.begins = self.begins, False
        if begins and not self.settings.optimizer.is_plain:
            self.net._trainer.optimizer = self.state  # which this chunk makes true
        working = self.working
        return (
            self.model.layout.layers, self.loss, self.samples.n_targets, working.parameters,
            self.samples.record, self.orders, self.rates_of_lap, self.plan, working.progress,
            working.record, n_samples, self.losses, working.gradient, working.state,
            working.workspace, working.snapshot, begins,
        )  # fmt: skip

    def _run_chunk(self, n_samples: int, n_threads: int = 1) -> int:
        """0 if all is finite, or else the place in its epoch to which training had come."""
        help = NO_HELP
        if self.team:
            help = help_of(self.team, self.pace.most, n_threads, self.room.places)
        given = *self.next_chunk(n_samples), help
        place: int = kernels.train(*given)
        return place

    def run_stretch(self, n_samples: int) -> tuple[int, list[float]] | None:
        """So many samples, or a chunk if that is less, to a block's end: how many, and terms of
        the sum of their losses.

        Some of these are negative, and `math.fsum` makes the same number of them wherever chunks
        end. None if the samples diverge.
        """
        done, first, before = self._samples_done(), self.epoch.item(), self._loss_of_begun()
        if self._run_chunk(min(n_samples, self.chunk)):
            return None
        self.note_chunk(None)
        whole = self.losses[first : self.epoch[0]] * self.n
        return self._samples_done() - done, [-before, *whole.tolist(), self._loss_of_begun()]

    def _samples_done(self) -> int:
        """In this lap."""
        return int(self.epoch[0]) * self.n + int(self.position[0])

    def _loss_of_begun(self) -> float:
        """Of the samples of an epoch that has not ended."""
        return self.loss_sum.item() if self.position[0] else 0.0

    def divergence(self) -> TrainingDivergedError:
        """The chunk is run once more, in pieces, to see where; and then all is as at its start."""
        for name, arrays in (("weights", self.net.weights), ("biases", self.net.biases)):
            for i, array in enumerate(arrays):
                _data_checks.finite(array, f"{name}[{i}]")  # else it is not training that diverged
        start = copies(*self.kept)
        loss, piece, left = self.last_loss, self.chunk, self.chunk
        losses, rates, done = self.losses, self.rates_of_lap, self.done
        place = 0
        # A piece that does not diverge is done, of another one the first half is looked at.
        while piece and left > 0 and not self.has_ended:
            epoch, position = self.epoch.item(), self.position.item()
            if position:
                loss = self.loss_sum.item() / position
            elif epoch:
                loss = losses[epoch - 1].item()
            place = self._run_chunk(piece)
            if place:
                piece //= 2
            else:
                left -= piece
        kernels.copy(start, self.kept)
        where = ""
        if place:  # else it does not do so again, as its data have changed meanwhile
            batch_size = self.settings.batch_size
            first, last = position // batch_size + 1, -(-place // batch_size)
            row, column = epoch if len(rates) > 1 else 0, first - 1 if rates.shape[1] > 1 else 0
            where = (
                f" in epoch {done + epoch}, step {first}"
                f"{f' to {last}' if last > first else ''}, at learning_rate="
                f"{float(rates[row, column])!r}"
            )
        return TrainingDivergedError(
            f"training diverged{where}: the loss or a parameter is no longer finite. "
            f"{f'The last finite loss was {loss:.6g}. ' if math.isfinite(loss) else ''}"
            f"The network keeps its last finite parameters. {advice(self.data)}"
        )


@lru_cache
def _plan(
    batch_size: int, form: str, l2: float, tol: float | None, patience: int,
    divides_by_weight: bool, is_lenient: bool,
) -> Array:  # fmt: skip
    """For the kernels, which only read it."""
    plan = np.zeros(1, kernels.PLAN)
    plan["batch_size"], plan["form"], plan["l2"] = batch_size, kernels.FORMS[form], l2
    plan["tol"], plan["patience"] = math.nan if tol is None else tol, patience
    plan["divides_by_weight"], plan["is_lenient"] = divides_by_weight, is_lenient
    plan.flags.writeable = False
    return plan


def _in_form(layout: Layout, data: Data, settings: Settings) -> tuple[Samples, str, float]:
    """The samples as a form of the first layer wants them, and the part of X that it looks at.

    "auto" is chosen here.
    """
    X, Y, form, weights = data.X, data.Y, settings.form, data.weights
    batch_size, optimizer = settings.batch_size, settings.optimizer
    n_inputs = layout.n_inputs
    if isinstance(X, Compressed):
        density = X.n_numbers / (len(X) * n_inputs)
        return Samples(X, Y, weights=weights), "zero_skip", density
    if data.counts is None:
        return Samples(X, Y, weights=weights), form, 1.0
    density = kernels.total(data.counts) / X.size
    if form == "auto":
        form = choose_form(layout, density, batch_size, optimizer)
    if form != "zero_skip":
        return Samples(X, Y, weights=weights), form, 1.0
    if takes_quads(layout, batch_size, optimizer):
        return Samples(X, Y, weights=weights), "quads", density
    if data.is_mapped:
        block_and_next = room_for(kernels.SAMPLES_IN_BLOCK + 1, n_inputs, layout.dtype)
        return Samples(X, Y, block_and_next, weights), form, density
    return Samples(X, Y, compress(X, data.counts), weights), form, density
