"""With how many threads something goes on, chunk by chunk: no result depends on it.

Where nobody says how many, it is what the clock finds to be faster. Others may take the cores, or
give them back, at any time: so several threads are left as soon as they are slower than one was,
and the other number is tried at once, soon again, and then more and more rarely.
"""

from __future__ import annotations

from time import perf_counter_ns

from fastnn import threads
from fastnn._core import chunks
from fastnn._core.kernels import BYTES_OF_PANEL, SAMPLES_IN_BLOCK
from fastnn._core.layout import Layout

SOONEST, LATEST = 4, 64  # chunks from one trial to the next
PARTS_OF_CHUNK, PARTS_IN_A_CROWD = 4, 16
WORTH_IT = 0.97  # of one thread's time; with more, several are not worth their cores
# What several threads cost, measured on two cores: for each batch a thread reads what the others
# have written, of the parameters and of the samples' units; and they meet.
NS_OF_PARAMETERS = 0.6  # for each byte of them that others have written
NS_OF_UNITS = 0.2
NS_OF_MEETINGS = 5_000  # for each thread
SAMPLES_IN_TURN = 128  # whose gradients a thread adds to a sum before it hands it on
NS_OF_EXCHANGE = 300  # for each thread and sample, where these go one by one
OF_ONE_BY_ONE = 0.6  # what a sample costs in a batch, of what it costs by itself
LEAST_GAIN = 0.8  # of one thread's time, as costs and times are guessed
FEWEST_ROWS = 4  # for a thread, of those that see the same parameters
MOST_BYTES = 2**26  # of units, for all threads that go through rows
WORTH_A_HELPER = 1_000_000  # ns that rows would cost in training: of those that are only read
WORTH_MEETINGS = 5_000_000  # and where gradients are added, as one may come late to a single call


def n_threads_for_rows(
    layout: Layout, n: int, wanted: int | None, least: int = WORTH_A_HELPER
) -> int:
    """As many as may help to go through so many rows that change nothing."""
    if wanted is None and n * chunks.nanoseconds(layout) < least:
        return 1
    of_one = min(max(n, 1), SAMPLES_IN_BLOCK) * layout.units_bytes
    return min(threads.most(wanted), max(1, min(n // FEWEST_ROWS, MOST_BYTES // of_one)))


def n_threads_for(layout: Layout, n: int, batch_size: int, wanted: int | None) -> int:
    """As many as may help to train on n samples: one where several never do."""
    most = threads.most(wanted)
    if batch_size == 1:
        most = min(most, -(-layout.first_row // BYTES_OF_PANEL))
    if wanted is not None or most == 1:
        return most
    batch = min(batch_size, n)
    if batch_size > 1:
        most = min(most, batch // FEWEST_ROWS)
    numbers = range(2, most + 1)
    best = min(numbers, key=lambda number: of_one_thread(layout, batch, number), default=1)
    return best if of_one_thread(layout, batch, best) < LEAST_GAIN else 1


def of_one_thread(layout: Layout, batch: int, n_threads: int) -> float:
    """The time that a batch takes several threads, as a part of what it takes one: a guess."""
    if n_threads == 1:
        return 1.0
    alone = chunks.nanoseconds(layout)
    others = (n_threads - 1) / n_threads
    if batch == 1:  # they share the units of the first layer
        of_first_layer = alone - chunks.nanoseconds(layout, density=0)
        return 1 + (NS_OF_EXCHANGE * n_threads - others * of_first_layer) / alone
    alone *= OF_ONE_BY_ONE * batch
    # Where batches are large, it is not the units that go to others, but sums of gradients: kernels
    # choose what costs less.
    turns = max(batch / (n_threads * SAMPLES_IN_TURN), 1)
    shared = min(
        NS_OF_UNITS * batch * layout.units_bytes * others, NS_OF_PARAMETERS * layout.n_bytes * turns
    )
    read = NS_OF_PARAMETERS * layout.n_bytes * others + shared
    return 1 / n_threads + (read + NS_OF_MEETINGS * n_threads) / alone


class Pace:
    """With `most` threads; or if it may, one, where that is faster.

    Trials are short, and so is what comes after one that has gone well: helpers that have slept get
    their cores at once, and only then share them with whoever else computes there.
    """

    def __init__(self, most: int, adapts: bool, one_first: bool = False) -> None:
        """one_first: where it goes on for long, the first chunk is a trial of one thread."""
        self.most, self.adapts = most, adapts and most > 1
        self.is_crowded = most > 1 and most > threads.usable_cores()
        self.n = self.now = most
        self.times: dict[int, float] = {}  # of a sample, by the number of threads
        # Chunks between trials, and to the next one.
        self.wait, self.left = SOONEST, 0 if one_first else 1
        self.in_a_row = 0  # chunks with n threads
        self.begun = 0

    def next(self) -> int:
        """With how many threads the next chunk goes."""
        if self.adapts:
            self.now = self.n
            if self.left == 0:
                self.now = 1 if self.n > 1 else self.most
            self.begun = perf_counter_ns()
        return self.now

    def samples(self, chunk: int) -> int:
        """How many the next chunk has, after `next`."""
        if self.is_crowded:  # they wait for each other's turns, and somebody may for Ctrl-C
            return max(1, chunk // PARTS_IN_A_CROWD)
        is_trial = self.now != self.n
        if self.adapts and (is_trial or (self.n > 1 and self.in_a_row < PARTS_OF_CHUNK)):
            return max(1, chunk // PARTS_OF_CHUNK)
        return chunk

    def note(self, n_samples: int) -> None:
        """The chunk is done."""
        if not self.adapts or n_samples == 0:  # as where it diverges
            return
        is_trial = self.now != self.n
        self.times[self.now] = (perf_counter_ns() - self.begun) / n_samples
        if not is_trial:
            self.left -= 1
            self.in_a_row += 1
        if len(self.times) == 1:
            self.left = self.wait if is_trial else 0
            return
        better = self.most if self.times[self.most] < WORTH_IT * self.times[1] else 1
        if better == self.n:
            if is_trial:
                self.wait = self.left = min(2 * self.wait, LATEST)
            return
        if not is_trial:  # several have become slower, or were so as soon as they had to share
            self.wait = SOONEST if self.in_a_row > self.wait else min(2 * self.wait, LATEST)
        self.n, self.left, self.in_a_row = better, self.wait, 0
