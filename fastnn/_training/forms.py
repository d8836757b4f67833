"""Which form the first layer takes: all give the same result, one is the fastest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnn._core.kernels import MOST_INPUTS_OF_QUADS, ROW_BYTES, SPARSE_DENSITY

if TYPE_CHECKING:
    from fastnn._core.layout import Layout
    from fastnn.optimizers import Optimizer

FORMS = ("direct", "fused", "zero_skip", "blocked")

# Measured over widths of 2 to 2,048, densities of 0.02 to 1, in float32 and float64: python -m
# benchmarks.choice. Zeros are worth skipping up to SPARSE_DENSITY, in prediction too, and sample by
# sample up to SPARSE_IN_WIDER_ROWS where rows of THREE_VECTORS and more are not wide enough for
# blocks. In rows of a single vector, little is skipped with each: there up to
# SPARSE_IN_MANY_VECTORS for MANY_VECTORS rows and more, SPARSE_IN_FEW_VECTORS for fewer. Blocks pay
# from rows of WIDE bytes and MANY_INPUTS on: below, W stays in the L1 cache, and a Gram matrix
# costs more than it saves.
SPARSE_IN_WIDER_ROWS = 0.5
THREE_VECTORS = 3 * ROW_BYTES
SPARSE_IN_MANY_VECTORS = 0.25
SPARSE_IN_FEW_VECTORS = 0.1
MANY_VECTORS = 128
# A network whose layers each fit into one vector goes through a pass of its own, unless it has many
# inputs.
FEW_INPUTS = 4
MANY_INPUTS = 32
WIDE = 12 * ROW_BYTES


def takes_quads(layout: Layout, batch_size: int, optimizer: Optimizer) -> bool:
    """Whether "zero_skip" takes dense samples four at a time, instead of compressing them.

    That is faster in rows of WIDE bytes. With L2 at batch size 1, each block of samples ends with a
    pass through all of W, and four are too few for a block; and with most optimizers each sample.
    """
    fits = layout.first_row >= WIDE and layout.n_inputs <= MOST_INPUTS_OF_QUADS
    return bool(fits and (batch_size > 1 or (optimizer.is_plain and not optimizer.l2)))


def choose_form(layout: Layout, density: float, batch_size: int, optimizer: Optimizer) -> str:
    """The form for a network and for data of which a part `density` is not zero.

    With batches, and where an optimizer needs the gradient, "zero_skip" means that zeros are
    skipped, any other that they are not. The pass for narrow networks has SGD alone, with L2 or
    without.
    """
    one_by_one = batch_size == 1 and optimizer.is_plain
    row, n_inputs = layout.first_row, layout.n_inputs
    is_narrow = layout.has_narrow_rows and n_inputs < MANY_INPUTS
    if one_by_one and is_narrow:
        return "narrow"
    sparse = SPARSE_DENSITY
    if row == ROW_BYTES:
        many = n_inputs >= MANY_VECTORS
        sparse = SPARSE_IN_MANY_VECTORS if many else SPARSE_IN_FEW_VECTORS
    elif one_by_one and THREE_VECTORS <= row < WIDE:
        sparse = SPARSE_IN_WIDER_ROWS
    if n_inputs > FEW_INPUTS and density <= sparse:
        return "zero_skip"
    return "blocked" if row >= WIDE and n_inputs >= MANY_INPUTS else "fused"
