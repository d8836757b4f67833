"""With how many threads a training goes on, chunk by chunk: no result depends on it.

Where nobody says how many, it is what the clock finds to be faster. Others may take the cores, or
give them back, at any time, so the other number is tried again: soon at first, and then more and
more rarely.
"""

from __future__ import annotations

from time import perf_counter_ns

from fastnn import threads
from fastnn._core import chunks
from fastnn._core.layout import Layout

SOONEST, LATEST = 4, 64  # chunks from one trial to the next
WORTH_IT = 0.97  # of one thread's time; with more, several are not worth their cores
# What several threads cost, measured on two cores: a thread reads what another has written, for
# each batch half of the parameters and half of the samples' units; and they meet.
NS_OF_PARAMETERS = 0.3  # for each byte of them
NS_OF_UNITS = 0.1
NS_OF_MEETINGS = 10_000
OF_ONE_BY_ONE = 0.6  # what a sample costs in a batch, of what it costs by itself
LEAST_GAIN = 0.8  # of one thread's time, as costs and times are guessed


def n_threads_for(layout: Layout, n: int, batch_size: int, wanted: int | None) -> int:
    """As many as may help on n samples: one where several never do."""
    if batch_size == 1:
        return 1
    most = threads.most(wanted)
    if wanted is not None or most == 1:
        return most
    batch = min(batch_size, n)
    alone = OF_ONE_BY_ONE * batch * chunks.nanoseconds(layout)
    costs = (
        NS_OF_PARAMETERS * layout.n_bytes
        + NS_OF_UNITS * batch * layout.units_bytes
        + NS_OF_MEETINGS
    )
    return most if alone / most + costs < LEAST_GAIN * alone else 1


class Pace:
    """With `most` threads; or if it may, one, where that is faster."""

    def __init__(self, most: int, adapts: bool) -> None:
        self.most, self.adapts = most, adapts
        self.n = most
        self.times: dict[int, float] = {}  # of a sample, by the number of threads
        self.wait = self.left = SOONEST  # chunks between trials, and to the next one
        self.begun = 0

    def next(self) -> int:
        """With how many threads the next chunk goes."""
        if not self.adapts:
            return self.most
        self.begun = perf_counter_ns()
        return self._of_chunk()

    def note(self, n_samples: int) -> None:
        """The chunk is done."""
        if not self.adapts or n_samples == 0:  # as where it diverges
            return
        self.times[self._of_chunk()] = (perf_counter_ns() - self.begun) / n_samples
        self.left -= 1
        if self.left >= 0:
            return
        better = self.most if self.times[self.most] < WORTH_IT * self.times[1] else 1
        self.wait = SOONEST if better != self.n else min(2 * self.wait, LATEST)
        self.n, self.left = better, self.wait

    def _of_chunk(self) -> int:
        if self.left > 0:
            return self.n
        return 1 if self.n > 1 else self.most
