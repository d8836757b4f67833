"""How a network lies in memory: the records that the kernels read, and the blocks they work on.

All parameters lie in one aligned block, layer by layer, W before b. Rows of W belong to inputs.
Each row, as every array of units, is padded to whole vectors of 32 bytes, and W with rows of zeros
to as many rows as a vector has numbers: then no loop of the kernels over units has a remainder.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import numpy as np

from fastnn._core.kernels import LAYER, ROW_BYTES, SAMPLES_IN_BLOCK, address

CACHE_LINE = 64
WIDE_ROW = 256
ALIGNMENT = 64

# Parameters, a batch's gradient, and the copies of both that kernels work on; or, for a while, the
# float64 numbers that float32 parameters are drawn in.
BLOCKS_IN_TRAINING = 4


class Layout:
    """Sizes and places of a network's parameters and units; never changes.

    `layers` is what kernels get: in it row, stride, W, b, z, a and delta are in bytes.
    """

    def __init__(
        self, layer_sizes: tuple[int, ...], activations: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self.dtype = dtype
        n_units = sum(row_bytes(n, dtype) for n in layer_sizes[1:])
        rows = []
        place = units = 0
        for n_in, n_out, activation in zip(layer_sizes, layer_sizes[1:], activations, strict=False):
            row = row_bytes(n_out, dtype)
            stride = _stride(row)
            bias = place + row_bytes(n_in, dtype) // dtype.itemsize * stride
            z, a, delta = units, n_units + units, 2 * n_units + units
            rows.append((n_in, n_out, row, stride, place, bias, z, a, delta, activation))
            place = bias + row
            units += row
        self.n_bytes = place
        self.units_bytes = 3 * n_units
        self._refuse_if_larger_than_memory()
        self.layers = np.array(rows, LAYER)
        self.layers.flags.writeable = False
        # In numbers of Python, as they are asked for often.
        self.n_layers, self.last_row = len(rows), rows[-1][2]
        self.n_inputs, self.first_row, self.first_bias = layer_sizes[0], rows[0][2], rows[0][5]
        size = dtype.itemsize
        self._places = [
            (
                slice(W // size, (W + n_in * stride) // size), (n_in, stride // size),
                (slice(None), slice(n_out)), slice(b // size, b // size + n_out),
            )
            for n_in, n_out, _, stride, W, b, *_ in rows
        ]  # fmt: skip
        self.has_narrow_rows = all(row[2] == ROW_BYTES for row in rows)

    def _refuse_if_larger_than_memory(self) -> None:
        memory = _physical_memory()
        needed = BLOCKS_IN_TRAINING * self.n_bytes
        if needed > memory:
            raise MemoryError(
                f"layer_sizes must make a network that fits into memory: these need {needed:,} "
                f"bytes for the parameters and their copies in training, and this machine has "
                f"{memory:,}; use smaller layers"
            )

    def parameter_block(self, n: int = 1) -> np.ndarray[Any, Any]:
        """A block of zeros for parameters or their gradient, or n of them in a row."""
        return aligned_zeros(n * self.n_bytes, self.dtype)

    def workspace(self, n_samples: int, n: int = 1) -> np.ndarray[Any, Any]:
        """Zeros for z, a and delta of every unit, of so many samples, up to a block of them.

        Before them lie the share of each output in the loss, a multiple of that, and the targets
        of a block. n workspaces follow each other.
        """
        rows = (2 + SAMPLES_IN_BLOCK) * self.last_row
        n_bytes = rows + min(n_samples, SAMPLES_IN_BLOCK) * self.units_bytes
        return aligned_zeros(n * n_bytes, self.dtype)

    def views(
        self, block: np.ndarray[Any, Any]
    ) -> tuple[tuple[np.ndarray[Any, Any], ...], tuple[np.ndarray[Any, Any], ...]]:
        """Weights (n_in, n_out) and biases (n_out,) of each layer, as views into a block."""
        weights = [block[W].reshape(shape)[columns] for W, shape, columns, _ in self._places]
        return tuple(weights), tuple([block[b] for *_, b in self._places])


# One for all networks of the same structure.
layout_of = lru_cache(maxsize=64)(Layout)


def row_bytes(n: int, dtype: np.dtype[Any]) -> int:
    """Of n numbers, rounded up to whole vectors."""
    return -(-n * dtype.itemsize // ROW_BYTES) * ROW_BYTES


def _stride(row: int) -> int:
    """Bytes from one row of W to the next: rows of an even number of lines get one line more.

    Otherwise a few columns of many rows, as a tile reads them, would share a few of the cache's
    sets, and push each other out.
    """
    return row + CACHE_LINE if row >= WIDE_ROW and row % (2 * CACHE_LINE) == 0 else row


def _physical_memory() -> int:
    """Bytes of memory, or what an address can name where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 2**48


def aligned_zeros(n_bytes: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    try:
        raw = np.zeros(n_bytes + ALIGNMENT, np.uint8)
    except (MemoryError, ValueError) as error:
        raise MemoryError(f"the network needs {n_bytes:,} bytes, which cannot be had") from error
    start = -address(raw) % ALIGNMENT
    return raw[start : start + n_bytes].view(dtype)
