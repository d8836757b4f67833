"""Chunks: stretches of the sequence of samples, each run in one call of a kernel.

A chunk is part of an epoch where data is large, many epochs where it is small. Its length comes
from a count of operations and never from a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastnn.network import Network

# Ctrl-C is answered between chunks, within 100 ms: this is 4 to 25 ms of work with AVX2, and up to
# four times that with the baseline kernels. What stands around a chunk costs some 50 µs, and a look
# at each parameter.
CHUNK_OPERATIONS = 300_000_000


def samples_per_chunk(net: Network, density: float = 1.0, passes: float = 0.0) -> int:
    """How many samples make a chunk, from what one costs.

    Three multiply-adds a parameter, tens of operations a unit for its activation, and about
    200 for what stands around a sample. density is the part of the inputs that is not skipped,
    and passes is how often beside it, per sample, all parameters or what an optimizer keeps for
    them is gone through, which from memory takes as long as 16 operations a parameter.
    """
    size = net.dtype.itemsize
    skipped = int((1 - density) * int(net._layout.layers["b"][0]))
    n_bytes = 6 * (net._layout.n_bytes - skipped) + 20 * net._layout.units_bytes
    n_bytes += int(16 * passes * net._layout.n_bytes)
    return max(1, CHUNK_OPERATIONS // (n_bytes // size + 200))


def row_chunks(net: Network, n: int) -> Iterator[tuple[int, int]]:
    """Stretches of rows for calls without updates, so that Ctrl-C is answered there too."""
    chunk = samples_per_chunk(net)
    for start in range(0, n, chunk):
        yield start, min(start + chunk, n)


def run_chunks(net: Network, n: int, run: Callable[[int, int], None], n_threads: int) -> None:
    """Call run(start, end) for all chunks of n rows, from several threads."""
    if n_threads == 1:
        for start, end in row_chunks(net, n):
            run(start, end)
        return
    from concurrent.futures import ThreadPoolExecutor  # 5 ms, which few need

    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for _ in pool.map(run, *zip(*row_chunks(net, n), strict=True)):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)  # else Ctrl-C would wait for all of them
            raise
