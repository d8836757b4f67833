"""The loop that ``Network.train`` runs: laps of epochs, and between them those who watch."""

from __future__ import annotations

import math
import os
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._core.pace import n_threads_for
from fastnn._core.teams import team_of
from fastnn._training.bar import bar
from fastnn._training.course import Course, Settings
from fastnn.exceptions import TrainingDivergedError
from fastnn.history import History, Lap
from fastnn.schedules import Schedule, zero_from

if TYPE_CHECKING:
    from fastnn._core.data import Data
    from fastnn._training.watching import Watch
    from fastnn.network import Network

in_training: weakref.WeakValueDictionary[int, Network] = weakref.WeakValueDictionary()  # by id


def train(
    net: Network, data: Data, settings: Settings, watch: Watch, task: int | None, same_task: bool,
    progress: bool,
) -> History:  # fmt: skip
    """Train on checked data, lap after lap of epochs. Between laps those who watch have their turn.

    Laps end where somebody wants to look; where they end changes no bit of the result. task says
    what losses are compared for, if they are.
    """
    laps: list[Lap] = []
    done = 0
    stops = False
    with (
        data.model.turn(trains=True), bar(settings.epochs, progress) as shown,
        team_of(n_threads_for(
            data.model.layout, len(data.X), settings.batch_size, data.n_threads
        )) as team,
    ):  # fmt: skip
        if settings.shuffle:
            in_training[id(net)] = net
        if isinstance(settings.learning_rate, Schedule):
            time = net._trainer.time_of(settings.learning_rate)
            warn_of_zero_rates(settings.learning_rate, time, settings.epochs)
        _refuse_other_names(data)
        model, trainer = data.model, net._trainer
        before = trainer.task, trainer.stopping, trainer.best, trainer.last, model.feature_names
        course = None
        try:
            anew = False
            if task is not None and settings.epochs:
                anew = trainer.begins_anew(task, same_task)
            course = Course(net, data, settings, team=team)
            if settings.epochs and data.feature_names is not None:
                model.feature_names = data.feature_names
            watch.begin(settings.epochs > 0, anew)
            while done < settings.epochs and not stops:
                n_epochs = min(settings.epochs - done, watch.epochs_until_look(done))
                lap = course.run_lap(n_epochs, done, shown)
                laps.append(lap)
                done += len(lap.losses)
                stops = watch.look(done, lap) or course.has_stopped
            course.end()
            history = History(laps, watch.columns)
            watch.end(history)
        except BaseException as error:
            has_begun = course is not None and (
                done or course.epoch[0] or course.position[0]
                or isinstance(error, TrainingDivergedError)
            )  # fmt: skip
            if not has_begun:
                (
                    trainer.task, trainer.stopping, trainer.best, trainer.last,
                    model.feature_names,
                ) = before  # fmt: skip
            watch.break_off(error)
            raise
        in_training.pop(id(net), None)
    return history


def warn_of_zero_rates(schedule: Schedule, time: int, n: int) -> None:
    """Where a schedule comes to its end before the last of n epochs, which begin at this time."""
    first_idle = zero_from(schedule)
    if n == 0 or time + n - 1 < first_idle:
        return
    n_idle = min(time + n - math.ceil(first_idle), n)
    which = "all" if n_idle == n else f"the last {n_idle:,}"
    warnings.warn(
        f"learning_rate={schedule!r} is 0 after {first_idle:g} epochs, and {time:,} of them are "
        f"gone: {which} of {n:,} epochs change nothing. Give the schedule more epochs, or a final "
        "rate above 0; or let it begin anew by reset_trainer()",
        stacklevel=5,
    )


def update(net: Network, data: Data, settings: Settings) -> float:
    """One step on one checked sample; its loss before it."""
    with data.model.turn(trains=False):
        _refuse_other_names(data)
        lap = Course(net, data, settings).run_lap(1, 0, None)
        if data.feature_names is not None:
            data.model.feature_names = data.feature_names
    return float(lap.losses[0])


def _refuse_other_names(data: Data) -> None:
    """Than those that another thread's training has left since the data were checked."""
    names, known = data.feature_names, data.model.feature_names
    if names is not None and known is not None and names != known:
        raise RuntimeError(
            "the network was trained on other columns meanwhile, by another thread: let threads "
            "train it one after the other"
        )


def _free_generators() -> None:
    """After a fork, a draw that another thread was in has left its generator locked for ever."""
    for net in in_training.values():
        lock = net._rng.bit_generator.lock
        if lock.acquire(blocking=False):
            lock.release()
        else:
            unlocked: Any = np.random.PCG64()
            unlocked.state = net._rng.bit_generator.state
            net._rng = np.random.Generator(unlocked)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_generators)
