"""Which form the first layer takes: all give the same result, one is the fastest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn._layout import BLOCK, VECTOR_BYTES

if TYPE_CHECKING:
    from fastnn._layout import Layout

FORMS = ("direct", "fused", "zero_skip", "blocked")

# Measured over widths of 2 to 2,048, densities of 0.02 to 1, in float32 and float64:
# python -m benchmarks.choice. Zeros are worth skipping up to SPARSE; in rows of a single vector,
# where little is skipped with each, up to SPARSE_IN_ONE_VECTOR. Blocks pay from rows of WIDE bytes
# and MANY_INPUTS on: below, W stays in the L1 cache, and a Gram matrix costs more than it saves.
SPARSE = 0.35
SPARSE_IN_ONE_VECTOR = 0.1
# A network whose layers each fit into one vector goes through a pass of its own, unless it has many
# inputs.
FEW_INPUTS = 4
MANY_INPUTS = 32
WIDE = 12 * VECTOR_BYTES
# With L2, what is stored in a block is true parameters over a product of up to 32 times
# 1 - eta lambda (src_cython/decay.pxd). Where that could be below 2^-20, each sample is a batch.
SMALLEST_KEEP = 2 ** (-20 / BLOCK)


def choose_form(layout: Layout, density: float, batch_size: int, l2: float) -> str:
    """The form for a network and for data of which a part `density` is not zero.

    With batches, "zero_skip" means that zeros are skipped, any other that they are not. The pass
    for narrow networks has no L2 regularisation.
    """
    first = layout.layers[0]
    is_narrow = (layout.layers["row"] == VECTOR_BYTES).all() and first["n_in"] < MANY_INPUTS
    if batch_size == 1 and is_narrow and not l2:
        return "narrow"
    sparse = SPARSE_IN_ONE_VECTOR if first["row"] == VECTOR_BYTES else SPARSE
    if first["n_in"] > FEW_INPUTS and density <= sparse:
        return "zero_skip"
    return "blocked" if first["row"] >= WIDE and first["n_in"] >= MANY_INPUTS else "fused"
