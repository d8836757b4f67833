"""The loop that ``Network.train`` runs: laps of epochs, and between them those who watch."""

from __future__ import annotations

import inspect
import math
import os
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from fastnn._core.teams import team_of
from fastnn._training.bar import bar
from fastnn._training.course import Course, Settings
from fastnn._training.unscaled import warn_of_flat_units
from fastnn._warnings import warn
from fastnn.exceptions import TrainingDivergedError
from fastnn.history import History, Lap

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeAlias

    from fastnn._core.data import Data
    from fastnn._training.bar import Bar
    from fastnn._training.watching import Watch
    from fastnn.network import Network
    from fastnn.schedules import Schedule

    Request: TypeAlias = tuple[Course, int, int]
    Laps: TypeAlias = Generator[Request, Lap, Any]

in_training: dict[int, weakref.ref[Network]] = {}  # by id


class Training(NamedTuple):
    """One network, and what `train` has been given for it, checked."""

    net: Network
    data: Data
    settings: Settings
    watch: Watch
    task: int | None  # what losses are compared for, if they are
    same_task: bool

    @property
    def n_threads(self) -> int:
        """As many as may share the work."""
        return self.settings.n_threads_for(self.data)

    def laps(self, alone: bool = True) -> Laps:
        """Lap after lap of epochs; between them those who watch have their turn.

        Whoever runs this is asked for a lap, of at most so many epochs after so many, and sends
        what has come of it, or throws the error. Laps end where somebody wants to look; where they
        end changes no bit of the result. alone: with threads of its own, and room that is kept for
        the next training of this network.
        """
        net, data, settings, watch = self.net, self.data, self.settings, self.watch
        laps: list[Lap] = []
        done = 0
        stops = False
        with data.model.turn(trains=True), team_of(self.n_threads if alone else 1) as team:
            if settings.shuffle:
                in_training[id(net)] = weakref.ref(net)
            if not isinstance(settings.learning_rate, float):
                time = net._trainer.time_of(settings.learning_rate)
                warn_of_zero_rates(settings.learning_rate, time, settings.epochs)
            _refuse_other_names(data)
            model, trainer = data.model, net._trainer
            before = trainer.task, trainer.stopping, trainer.best, trainer.last, model.feature_names
            course = diverged = None
            try:
                anew = False
                if self.task is not None and settings.epochs:
                    anew = trainer.begins_anew(self.task, self.same_task)
                course = Course(net, data, settings, team=team)
                if settings.epochs and data.feature_names is not None:
                    model.feature_names = data.feature_names
                watch.begin(settings.epochs > 0, anew)
                while True:  # Ctrl-C would go past `except` and `with` in a `while condition`
                    if done == settings.epochs or stops:
                        break
                    n_epochs = min(settings.epochs - done, watch.epochs_until_look(done))
                    try:
                        lap = yield course, n_epochs, done
                    except TrainingDivergedError as error:  # and not of a callback's network
                        diverged = error
                        raise
                    laps.append(lap)
                    done += len(lap.losses)
                    stops = watch.look(done, lap) or course.has_stopped
                if alone:
                    course.keep_room()
                history = History(laps, watch.columns)
                watch.end(history)
            except BaseException:
                try:
                    self._break_off(course, laps, diverged, before)
                except BaseException:  # such as a second Ctrl-C
                    self._break_off(course, laps, diverged, before)
                    raise
                raise
            finally:
                in_training.pop(id(net), None)
                diverged = None  # whose traceback has this frame, and so all data
        return history

    def _break_off(
        self, course: Course | None, laps: list[Lap], diverged: TrainingDivergedError | None,
        before: tuple[Any, ...],
    ) -> None:  # fmt: skip
        """What an error leaves. It may be done once more."""
        trainer = self.net._trainer
        has_begun = False
        if course is not None:
            course.settle()
            has_begun = bool(laps or course.epoch[0] or course.position[0] or diverged)
            if diverged:
                lap = course.last_lap()
                diverged.history = History(
                    [*laps, lap] if lap.losses.size else laps, self.watch.columns
                )
        if not has_begun:
            (
                trainer.task, trainer.stopping, trainer.best, trainer.last,
                self.data.model.feature_names,
            ) = before  # fmt: skip
        self.watch.break_off(diverges=diverged is not None)


def train(training: Training, progress: bool) -> History:
    """Train on checked data."""
    with bar(training.settings.epochs, progress) as shown:
        history: History = run(training.laps(), shown)
    warn_of_flat_units(training.data, sum(len(lap.losses) for lap in history._laps))
    return history


def run(laps: Laps, shown: Bar | None = None) -> Any:
    """Laps of one network, to their end; what comes of them."""
    try:
        asked = advance(laps, None)
        while True:
            if not isinstance(asked, tuple):
                return asked
            try:
                course, n_epochs, done = asked
                lap = course.run_lap(n_epochs, done, shown)
            except BaseException as error:
                asked = advance(laps, error)
            else:
                asked = advance(laps, lap)
    except BaseException as error:
        end(laps, error)
        raise


def end(laps: Laps, error: BaseException) -> None:
    """Where an error ends a training, its laps end. Ctrl-C comes to them as if amid a lap."""
    # One that has ended would raise this very error again, in the middle of its own context.
    has_ended = inspect.getgeneratorstate(laps) == inspect.GEN_CLOSED
    try:
        if isinstance(error, KeyboardInterrupt) and not has_ended:
            laps.throw(error)
        laps.close()
    finally:
        del error  # as in `advance`


def advance(laps: Laps, found: Lap | BaseException | None) -> Request | Any:
    """To the next request, or the end, with what the last lap has found, or why there is none."""
    try:
        if isinstance(found, BaseException):
            return laps.throw(found)
        return next(laps) if found is None else laps.send(found)
    except StopIteration as end:
        return end.value
    except RuntimeError as error:
        if isinstance(error.__cause__, StopIteration):  # of the user's, as generators have it
            raise error.__cause__ from None
        raise
    finally:
        found = None  # an error, whose traceback has this frame, and so all data


def warn_of_zero_rates(schedule: Schedule | Callable[[int], float], time: int, n: int) -> None:
    """Where a schedule comes to its end before the last of n epochs, which begin at this time."""
    from fastnn import schedules  # which take long to import

    first_idle = schedules.zero_from(schedule)
    if n == 0 or time + n - 1 < first_idle:
        return
    n_idle = min(time + n - math.ceil(first_idle), n)
    which = "all" if n_idle == n else f"the last {n_idle:,}"
    warn(
        f"learning_rate={schedule!r} is 0 after {first_idle:g} epochs, and {time:,} of them are "
        f"gone: {which} of {n:,} epochs change nothing. Give the schedule more epochs, or a final "
        "rate above 0; or let it begin anew by reset_trainer()"
    )


def update(net: Network, data: Data, settings: Settings) -> float:
    """One step on one checked sample; its loss before it."""
    with data.model.turn(trains=False):
        _refuse_other_names(data)
        course, before = Course(net, data, settings), data.model.feature_names
        try:
            if data.feature_names is not None:
                data.model.feature_names = data.feature_names
            lap = course.run_lap(1, 0, None)
        except BaseException:
            if not course.epoch[0]:  # the step has not been made
                data.model.feature_names = before
            raise
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
    for net in filter(None, [ref() for ref in in_training.values()]):
        lock: Any = net._rng.bit_generator.lock
        if lock.acquire(blocking=False):
            lock.release()
        else:  # a new generator would need the state, for which NumPy waits from 2.5 on
            lock._at_fork_reinit()  # as Python does with locks of its own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_generators)
