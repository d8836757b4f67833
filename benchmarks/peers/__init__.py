"""The implementations, one module each.

A module offers, for each kind of work that it can do, a function that prepares it and returns the
work as a callable without arguments, which always starts afresh and is what gets timed::

    def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]

returns a callable that trains from ``workload.start()`` as the workload says, and returns the
parameters it ends with. ``SAMPLES_PER_ROUND`` limits a slow peer to the beginning of a round.
"""

from importlib import import_module
from types import ModuleType

# In the order in which reports show them; fastnn is what the others are held against.
PEERS = {
    "fastnn": "with_fastnn",
    "Numba": "with_numba",
    "NumPy": "with_numpy",
    "pure Python": "pure_python",
}


def load(peer: str) -> ModuleType | None:
    """The module of a peer, or None where the library that it needs is not installed."""
    try:
        return import_module(f"{__name__}.{PEERS[peer]}")
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] in ("benchmarks", "fastnn", "tests"):
            raise
        return None
