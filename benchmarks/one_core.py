"""One core for this process and for every thread that a library starts in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pin() -> Iterator[None]:
    """Keep the process, and with it the threads that are started meanwhile, on one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
