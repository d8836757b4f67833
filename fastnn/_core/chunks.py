"""Chunks: stretches of the sequence of samples, each run in one call of a kernel.

A chunk is part of an epoch where data is large, many epochs where it is small. Its length comes
from the sizes of things and never from a clock; by the clock a chunk may be run in parts (see
pace.py), but what goes back where training diverges is the chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastnn._core.layout import Layout

# Ctrl-C is answered between chunks, within 100 ms: this is 3 to 20 ms of work with AVX2, and up to
# four times that with the baseline kernels. What stands around a chunk costs some 20 µs, and a
# look at each parameter.
CHUNK_NANOSECONDS = 10_000_000
MOST_AT_ONCE = 8  # times as much, where threads share it; one may be left alone with it


def samples_per_chunk(layout: Layout, density: float = 1.0, passes: float = 0.0) -> int:
    """How many samples make a chunk, from what one costs with AVX2.

    50 ns for each layer; a fifth of one for each byte of units, whose activations are long
    formulas; a fiftieth for each byte of parameters, for three multiply-adds. density is the part
    of the inputs that is not skipped, and passes is how often beside it, per sample, all
    parameters or what an optimizer keeps for them is gone through: a tenth of a nanosecond for
    each byte, as large ones do not fit into a cache.
    """
    return max(1, int(CHUNK_NANOSECONDS / nanoseconds(layout, density, passes)))


@lru_cache(maxsize=256)
def nanoseconds(layout: Layout, density: float = 1.0, passes: float = 0.0) -> float:
    """What a sample costs: see samples_per_chunk."""
    skipped = (1 - density) * layout.first_bias
    return float(
        50 * layout.n_layers
        + layout.units_bytes / 5
        + (layout.n_bytes - skipped) / 50
        + passes * layout.n_bytes / 10
    )


def row_chunks(layout: Layout, n: int, n_threads: int = 1) -> Iterator[tuple[int, int]]:
    """Stretches of rows for calls without updates, so that Ctrl-C is answered there too."""
    chunk = samples_per_chunk(layout) * min(n_threads, MOST_AT_ONCE)
    for start in range(0, n, chunk):
        yield start, min(start + chunk, n)
