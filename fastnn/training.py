"""The epoch loop that ``Network.train`` runs: order of the samples, chunks, stopping, divergence.

A chunk is a stretch of the sequence of samples, run in one call of the kernel: part of an epoch
where data is large, many epochs where it is small. Its length comes from a count of operations
and never from a clock; where chunks are cut changes no bit of the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _kernels
from fastnn._checks import all_finite
from fastnn._layout import PLAN, PLAN_START
from fastnn.exceptions import TrainingDivergedError

if TYPE_CHECKING:
    from fastnn.network import Network

# Ctrl-C is answered between chunks, within 100 ms: this is about 5 ms of work with AVX2, and four
# times that with the baseline kernels. What stands around a chunk costs some 20 µs.
CHUNK_OPERATIONS = 100_000_000


def samples_per_chunk(net: Network) -> int:
    """How many samples make a chunk, from what one costs.

    Three multiply-adds a parameter, tens of operations a unit for its activation, and about
    200 for what stands around a sample.
    """
    size = net.dtype.itemsize
    operations = (6 * net._layout.n_bytes + 20 * net._layout.workspace_bytes) // size + 200
    return max(1, CHUNK_OPERATIONS // operations)


def train(
    net: Network,
    X: np.ndarray[Any, Any],
    Y: np.ndarray[Any, Any],
    *,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    shuffle: bool,
    tol: float | None,
    patience: int,
) -> np.ndarray[Any, Any]:
    """Train on checked data; one loss per epoch that ran."""
    plan = np.array(
        [(batch_size, learning_rate, np.nan if tol is None else tol, patience, *PLAN_START)], PLAN
    )
    loss = _kernels.LOSSES["perceptron" if "step" in net.activations else net.loss]
    chunk = samples_per_chunk(net)
    lap = max(1, chunk // len(X))
    gradient = net._layout.parameter_block() if batch_size > 1 else net._parameters
    units = net._layout.workspace()
    laps: list[np.ndarray[Any, Any]] = []
    done = 0
    while done < epochs and not plan["stopped"][0]:
        losses = np.empty(min(lap, epochs - done))
        before = net._rng.bit_generator.state if shuffle and tol is not None else None
        order = _order(net._rng, len(X), len(losses) if shuffle else 0)
        plan["epoch"] = 0
        while plan["epoch"][0] < len(losses) and not plan["stopped"][0]:
            start = net._parameters.copy()
            _kernels.train(
                net._layout.layers, loss, net._parameters, X, Y, order,
                plan, chunk, losses, gradient, units,
            )  # fmt: skip
            _raise_if_diverged(net, start, losses, plan[0], done)
        ran = int(plan["epoch"][0])
        if before and ran < len(losses):
            net._rng.bit_generator.state = before
            _order(net._rng, len(X), ran)
        laps.append(losses[:ran])
        done += ran
    return np.concatenate(laps) if laps else np.empty(0)


def _order(rng: np.random.Generator, n: int, shuffled_epochs: int) -> np.ndarray[Any, Any]:
    """A row of sample numbers per shuffled epoch, or one in order for all epochs.

    Many epochs drawn at once are the same stream as one after the other.
    """
    in_order = np.arange(n, dtype=np.intp)
    if not shuffled_epochs:
        return in_order[np.newaxis]
    orders = np.tile(in_order, (shuffled_epochs, 1))
    return rng.permuted(orders, axis=1, out=orders)


def _raise_if_diverged(
    net: Network, start: np.ndarray[Any, Any], losses: np.ndarray[Any, Any], plan: Any, done: int
) -> None:
    """A finite loss does not prove finite parameters: relu swallows a NaN, sigmoid an infinity."""
    ran = int(plan["epoch"])
    if all_finite(losses[:ran]) and math.isfinite(plan["loss_sum"]) and all_finite(net._parameters):
        return
    net._parameters[:] = start
    finite = np.isfinite(losses[:ran])
    last = ran if plan["position"] else ran - 1
    epoch = done + (last if finite.all() else int(np.argmin(finite)))
    raise TrainingDivergedError(
        f"training diverged in epoch {epoch} at learning_rate={float(plan['eta'])!r}: the loss or "
        "a parameter is no longer finite. The network keeps its last finite parameters. Use a "
        "smaller learning_rate, or scale the inputs and targets (for example to mean 0 and "
        "standard deviation 1)"
    )


def row_chunks(net: Network, n: int) -> Iterator[slice]:
    """Stretches of rows for calls without updates, so that Ctrl-C is answered there too."""
    chunk = samples_per_chunk(net)
    for start in range(0, n, chunk):
        yield slice(start, min(start + chunk, n))
