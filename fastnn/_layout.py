"""How a network lies in memory: the records that the kernels read, and the blocks they work on.

All parameters lie in one aligned block, layer by layer, W before b. Rows of W belong to inputs.
Each row, as every array of units, is padded with zeros to whole vectors of 32 bytes, and W with
rows of zeros to as many rows as a vector has numbers: then no loop of the kernels over units has
a remainder.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

VECTOR_BYTES = 32
ALIGNMENT = 64

# The fields mirror the structs Layer in src_cython/layers.pxd and Plan in src_cython/kernels.pyx.
LAYER = np.dtype(
    [(name, np.intp) for name in ("n_in", "n_out", "width", "W", "b", "units", "activation")]
)
PLAN = np.dtype(
    [
        ("batch_size", np.intp),
        ("eta", np.float64),
        ("tol", np.float64),
        ("patience", np.intp),
        ("epoch", np.intp),
        ("position", np.intp),
        ("loss_sum", np.float64),
        ("best", np.float64),
        ("stale", np.intp),
        ("stopped", np.intp),
    ]
)


class Layout:
    """Sizes and places of a network's parameters and units; never changes."""

    def __init__(
        self, layer_sizes: tuple[int, ...], activations: list[int], dtype: np.dtype[Any]
    ) -> None:
        lanes = VECTOR_BYTES // dtype.itemsize
        rows = []
        place = units = 0
        for n_in, n_out, activation in zip(layer_sizes, layer_sizes[1:], activations, strict=False):
            width = _rounded_up(n_out, lanes)
            bias = place + _rounded_up(n_in, lanes) * width
            rows.append((n_in, n_out, width, place, bias, units, activation))
            place = bias + width
            units += width
        self.dtype = dtype
        self.n_numbers = place
        self.n_units = units
        self._refuse_if_larger_than_memory()
        self.layers = np.array(rows, LAYER)

    def _refuse_if_larger_than_memory(self) -> None:
        n_bytes = self.n_numbers * self.dtype.itemsize
        memory = _physical_memory()
        if n_bytes > memory:
            raise MemoryError(
                f"layer_sizes must make a network that fits into memory: these need {n_bytes:,} "
                f"bytes for the parameters, and this machine has {memory:,}; use smaller layers"
            )

    def parameter_block(self) -> np.ndarray[Any, Any]:
        """A block of zeros for parameters or their gradient."""
        return _aligned_zeros(self.n_numbers, self.dtype)

    def workspace(self) -> np.ndarray[Any, Any]:
        """Zeros for z, a and delta of every unit, and y and share of the outputs."""
        return _aligned_zeros(3 * self.n_units + 2 * int(self.layers["width"][-1]), self.dtype)

    def views(
        self, block: np.ndarray[Any, Any]
    ) -> tuple[tuple[np.ndarray[Any, Any], ...], tuple[np.ndarray[Any, Any], ...]]:
        """Weights (n_in, n_out) and biases (n_out,) of each layer, as views into a block."""
        weights, biases = [], []
        for n_in, n_out, width, W, b, _, _ in self.layers.tolist():
            weights.append(block[W : W + n_in * width].reshape(n_in, width)[:, :n_out])
            biases.append(block[b : b + n_out])
        return tuple(weights), tuple(biases)


def _rounded_up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple


def _physical_memory() -> int:
    """Bytes of memory, or what an address can name where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 2**48


def _aligned_zeros(n: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    n_bytes = n * dtype.itemsize
    try:
        raw = np.zeros(n_bytes + ALIGNMENT, np.uint8)
    except (MemoryError, ValueError) as error:
        raise MemoryError(f"the network needs {n_bytes:,} bytes, which cannot be had") from error
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + n_bytes].view(dtype)
