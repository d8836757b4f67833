"""Laps of several networks, which threads share: for ``fastnn.train_many`` and the like.

Networks of one structure that learn sample by sample go side by side, in the lanes of vectors,
where that is faster; the others one by one. It changes no bit of what becomes of each.
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import threads
from fastnn._core import kernels
from fastnn._core.layout import aligned_zeros
from fastnn._core.teams import help_of, team_of
from fastnn._training.loop import advance, end
from fastnn.exceptions import TrainingDivergedError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Iterator, Sequence

    from fastnn._core.kernels import Team
    from fastnn._training.bar import Bar
    from fastnn._training.course import Course
    from fastnn._training.loop import Laps, Request
    from fastnn.history import Lap

    Array = np.ndarray[Any, Any]

# At once, so that what training needs beside the networks stays little.
BYTES_AT_ONCE = 2**26
NETWORKS_AT_ONCE = 32  # for each thread: the lanes of four vectors
TASKS_AT_ONCE = 4  # for each thread, so that Ctrl-C is answered
# In lanes: measured with AVX2 against the lone network's pass. Beyond so many parameters a group no
# longer fits into the L1 cache, and wider networks fill vectors by themselves.
MOST_PARAMETERS = 300
FORMS_IN_LANES = ("direct", "fused", "narrow")
LOSSES_IN_LANES = ("bce", "cross_entropy", "huber", "mae", "mse")


def train(
    begins: Sequence[Callable[[bool], Laps]], names: Sequence[str], wanted: int | None,
    shown: Bar | None = None,
) -> tuple[dict[int, Any], dict[int, TrainingDivergedError]]:  # fmt: skip
    """What comes of each as by itself, by its place; and for those that have diverged, the error.

    Each begins as `loop.Training.laps` does. Any other error, whose note has the name, ends them
    all, and so does Ctrl-C.
    """
    most = min(threads.most(wanted), max(1, len(begins)))
    with team_of(most) as team:
        together = _Together(begins, names, team, most, shown)
        while True:
            if together.n_begun == len(begins):
                break
            together.train_some()
    return together.results, together.errors


def _bytes_of(course: Course) -> int:
    """What one needs while it trains, about: copies of its parameters, orders, X without zeros."""
    data, layout = course.data, course.model.layout
    needed = 4 * layout.n_bytes + data.own_bytes
    if course.settings.shuffle:
        needed += 8 * max(course.n, course.chunk)
    if data.counts is not None:  # then X is dense
        n_numbers = kernels.total(data.counts)
        if 2 * n_numbers < len(data.X) * layout.n_inputs:
            needed += n_numbers * (4 + layout.dtype.itemsize)
    return needed


def _end_all(laps: list[Laps], error: BaseException) -> None:
    """By this error; or the next by the one with which the last has ended."""
    while laps:
        try:
            end(laps.pop(), error)
        except BaseException as raised:
            _end_all(laps, raised)
            raise


class _Together:
    """Trainings, by their place in the list, and what becomes of them."""

    def __init__(
        self, begins: Sequence[Callable[[bool], Laps]], names: Sequence[str], team: Team | None,
        most: int, shown: Bar | None,
    ) -> None:  # fmt: skip
        self.begins, self.names = begins, names
        self.team, self.most, self.shown = team, most, shown
        self.n_begun = 0
        self.results: dict[int, Any] = {}
        self.errors: dict[int, TrainingDivergedError] = {}
        self.epochs: dict[int, float] = {}  # done
        self.losses: dict[int, float] = {}

    def train_some(self) -> None:
        """The next ones, from beginning to end: as many as may be at once."""
        laps: dict[int, Laps] = {}
        try:
            requests: dict[int, Request] = {}
            n_bytes = 0
            while True:
                if self.n_begun == len(self.begins) or not self._has_room(len(requests), n_bytes):
                    break
                i = self.n_begun
                self.n_begun += 1
                laps[i] = self.begins[i](False)
                self._go_on(i, laps[i], None, requests)
                if i in requests:
                    n_bytes += _bytes_of(requests[i][0])
            while True:
                if not requests:
                    break
                asked, requests = requests, {}
                for i, found in self._run_laps(asked).items():
                    self._go_on(i, laps[i], found, requests)
        except BaseException as error:
            _end_all(list(laps.values()), error)
            raise

    def _has_room(self, n: int, n_bytes: int) -> bool:
        """Whether one more may begin beside n that have so many bytes."""
        return n < self.most or (n_bytes < BYTES_AT_ONCE and n < NETWORKS_AT_ONCE * self.most)

    def _go_on(
        self, i: int, laps: Laps, found: Lap | TrainingDivergedError | None,
        requests: dict[int, Request],
    ) -> None:  # fmt: skip
        """To the network's next request, or to its end, with what its last lap has found."""
        try:
            with self._saying(i):
                asked = advance(laps, found)
        except TrainingDivergedError as error:
            if error is not found:  # but a callback's own
                raise
            self.errors[i] = error.with_traceback(None)  # which has all data
            return
        if isinstance(asked, tuple):
            requests[i] = asked
        else:
            self.results[i] = asked

    @contextlib.contextmanager
    def _saying(self, i: int) -> Iterator[None]:
        """Which network an error is about."""
        try:
            yield
        except Exception as error:
            error.add_note(f"This is for {self.names[i]}.")
            raise

    def _run_laps(self, requests: dict[int, Request]) -> dict[int, Lap | TrainingDivergedError]:
        """The next lap of each network, or why it has none."""
        found: dict[int, Lap | TrainingDivergedError] = {}
        left = {i: course for i, (course, *_) in requests.items()}
        with contextlib.ExitStack() as stack:
            for i, (course, n_epochs, done) in requests.items():
                with self._saying(i):
                    stack.enter_context(course.lap(n_epochs, done))
            while True:
                if not left:
                    break
                tasks, size = _tasks(left, self.most), TASKS_AT_ONCE * self.most
                for start in range(0, len(tasks), size):
                    self._run_tasks(tasks[start : start + size], left, found)
                left = _without_ended(left, found)
        for i, (course, *_) in requests.items():
            found.setdefault(i, course.last_lap())
        return {i: found[i] for i in requests}

    def _run_tasks(
        self, tasks: Sequence[list[int]], courses: dict[int, Course],
        found: dict[int, Lap | TrainingDivergedError],
    ) -> None:  # fmt: skip
        """A chunk of each network."""
        given = []
        for task in tasks:
            of_networks = [courses[i].next_chunk(courses[i].chunk) for i in task]
            given.append((*_room(courses[task[0]], len(task)), of_networks))
        places = kernels.train_together(given, help_of(self.team, self.most, self.most))
        for i, place in zip((i for task in tasks for i in task), places, strict=True):
            course = courses[i]
            if place:
                found[i] = course.divergence()
                continue
            course.note_chunk(None)
            self.epochs[i] = course.done + course.epoch.item() + course.position.item() / course.n
            self.losses[i] = course.last_loss
        if self.shown:
            mean = math.fsum(self.losses.values()) / max(1, len(self.losses))
            self.shown.show(math.fsum(self.epochs.values()), mean)


def _without_ended(courses: dict[int, Course], found: Container[int]) -> dict[int, Course]:
    return {i: one for i, one in courses.items() if i not in found and not one.has_ended}


def _room(course: Course, n: int) -> tuple[int, Array | None]:
    """How many vecs n networks need side by side, and room for these; none for a single one."""
    if n == 1:
        return 0, None
    layout = course.model.layout
    n_lanes = kernels.LANES[layout.dtype.char]
    n_vecs = next(n_vecs for n_vecs in (1, 2, 4) if n_vecs * n_lanes >= n)
    return n_vecs, aligned_zeros(kernels.bytes_together(layout.layers, n_vecs), layout.dtype)


def _tasks(courses: dict[int, Course], n_threads: int) -> list[list[int]]:
    """Groups that can go in lanes, as many as threads if there are enough, and single networks."""
    tasks, alike = [], defaultdict(list)
    for i, course in courses.items():
        what = _in_lanes(course)
        if what is None:
            tasks.append([i])
        else:
            alike[what].append(i)
    for group in alike.values():
        n_lanes = kernels.LANES[courses[group[0]].model.layout.dtype.char]
        n_groups = -(-len(group) // (kernels.MOST_VECS * n_lanes))
        n_groups = max(n_groups, min(n_threads, len(group) // n_lanes))
        size = -(-len(group) // n_groups)
        for start in range(0, len(group), size):
            members = group[start : start + size]
            is_worth_it = 2 * len(members) > n_lanes and len(members) > 1
            tasks += [members] if is_worth_it else [[i] for i in members]
    return tasks


def _in_lanes(course: Course) -> Hashable:
    """What must be equal for networks to go side by side; None if this one goes alone."""
    model, settings, data = course.model, course.settings, course.data
    layout = model.layout
    outputs = model.activations[-1]
    if (
        settings.batch_size > 1 or not settings.optimizer.is_plain or settings.optimizer.l2
        or course.form not in FORMS_IN_LANES or data.weights is not None or settings.is_lenient
        or settings.divides_by_weight or model.loss not in LOSSES_IN_LANES
        or "step" in model.activations or "softmax" in model.activations[:-1]
        or (outputs == "softmax") != (model.loss == "cross_entropy")
        or layout.n_layers > kernels.MOST_LAYERS_IN_LANES
        or model.layer_sizes[-1] > kernels.MOST_OUTPUTS_IN_LANES
        or course.net.n_parameters > MOST_PARAMETERS
    ):  # fmt: skip
        return None
    return (
        model.layer_sizes, model.activations, model.loss, layout.dtype, course.n, course.form,
        course.chunk, course.samples.n_targets, course.orders.shape, course.rates_of_lap.shape,
        len(course.losses), course.epoch.item(), course.position.item(),
    )  # fmt: skip
