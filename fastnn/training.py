"""The epoch loop that ``Network.train`` runs: order of the samples, chunks, stopping, divergence.

A chunk is a stretch of the sequence of samples, run in one call of the kernel: part of an epoch
where data is large, many epochs where it is small. Its length comes from a count of operations
and never from a clock; where chunks are cut changes no bit of the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _kernels
from fastnn._checks import all_finite
from fastnn._layout import BLOCK, PLAN, PLAN_START
from fastnn._samples import Compressed, Samples, compress
from fastnn.exceptions import TrainingDivergedError
from fastnn.forms import SMALLEST_KEEP, choose_form, takes_quads
from fastnn.optimizers import State

if TYPE_CHECKING:
    from fastnn.network import Network
    from fastnn.optimizers import Optimizer

# Ctrl-C is answered between chunks, within 100 ms: this is 3 to 15 ms of work with AVX2, and four
# times that with the baseline kernels. What stands around a chunk costs some 20 µs, and a look at
# each parameter.
CHUNK_OPERATIONS = 200_000_000


def samples_per_chunk(net: Network, density: float = 1.0) -> int:
    """How many samples make a chunk, from what one costs.

    Three multiply-adds a parameter, tens of operations a unit for its activation, and about
    200 for what stands around a sample. density is the part of the inputs that is not skipped.
    """
    size = net.dtype.itemsize
    skipped = int((1 - density) * int(net._layout.layers["b"][0]))
    operations = (6 * (net._layout.n_bytes - skipped) + 20 * net._layout.units_bytes) // size + 200
    return max(1, CHUNK_OPERATIONS // operations)


def train(
    net: Network,
    X: np.ndarray[Any, Any] | Compressed,
    counts: np.ndarray[Any, Any] | None,
    Y: np.ndarray[Any, Any],
    *,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    shuffle: bool,
    tol: float | None,
    patience: int,
    optimizer: Optimizer,
    form: str,
) -> np.ndarray[Any, Any]:
    """Train on checked data; one loss per epoch that ran.

    counts says how many numbers of each row are not zero where X is dense. None: nobody counted,
    and zeros are not skipped.
    """
    n = len(X)
    l2 = optimizer.l2
    samples, form, density = _in_form(net, X, counts, Y, batch_size, optimizer, form)
    if batch_size == 1 and (not optimizer.is_plain or 1 - learning_rate * l2 < SMALLEST_KEEP):
        form = "singles"
    if l2 or not optimizer.is_plain:
        # All of W changes, after each batch or block.
        samples_per_pass = BLOCK if batch_size == 1 and form != "singles" else batch_size
        density = min(1.0, density + (1 + optimizer.n_states) / samples_per_pass)
    stop = (np.nan if tol is None else tol, patience)
    settings = (batch_size, _kernels.FORMS[form], learning_rate, l2, *stop)
    plan = np.array([(*settings, *PLAN_START)], PLAN)
    loss = _kernels.LOSSES["perceptron" if "step" in net.activations else net.loss]
    chunk = samples_per_chunk(net, density)
    lap = max(1, chunk // n)
    state = _state(net, optimizer)
    needs_gradient = batch_size > BLOCK or not optimizer.is_plain
    trained = (net._parameters, state.block, state.record)
    gradient = net._layout.parameter_block() if needs_gradient else net._parameters
    kept = state.block if optimizer.n_states else gradient  # what is empty has no address
    workspace = net._layout.workspace(n)
    laps: list[np.ndarray[Any, Any]] = []
    done = 0
    while done < epochs and not plan["stopped"][0]:
        losses = np.empty(min(lap, epochs - done))
        before = net._rng.bit_generator.state if shuffle and tol is not None else None
        order = _order(net._rng, n, len(losses) if shuffle else 0)
        plan["epoch"] = 0
        while plan["epoch"][0] < len(losses) and not plan["stopped"][0]:
            start = [array.copy() for array in trained]
            _kernels.train(
                net._layout.layers, loss, samples.n_targets, net._parameters, samples.record,
                order, plan, state.record, chunk, losses, gradient, kept, workspace,
            )  # fmt: skip
            _raise_if_diverged(trained, start, losses, plan[0], done)
        ran = int(plan["epoch"][0])
        if before and ran < len(losses):
            net._rng.bit_generator.state = before
            _order(net._rng, n, ran)
        laps.append(losses[:ran])
        done += ran
    return laps[0] if len(laps) == 1 else np.concatenate([*laps, np.empty(0)])


def _state(net: Network, optimizer: Optimizer) -> State:
    """The network's, if this optimizer left it. Plain SGD needs none, and leaves it alone."""
    if optimizer.is_plain:
        return State(optimizer, net._layout)
    if net._state is None or net._state.optimizer != optimizer:
        net._state = State(optimizer, net._layout)
    return net._state


def _in_form(
    net: Network,
    X: np.ndarray[Any, Any] | Compressed,
    counts: np.ndarray[Any, Any] | None,
    Y: np.ndarray[Any, Any],
    batch_size: int,
    optimizer: Optimizer,
    form: str,
) -> tuple[Samples, str, float]:
    """The samples as a form of the first layer wants them, and the part of X that it looks at.

    "auto" is chosen here.
    """
    if isinstance(X, Compressed):
        return Samples(X, Y), "zero_skip", X.n_numbers / (len(X) * net.layer_sizes[0])
    if counts is None:
        return Samples(X, Y), form, 1.0
    density = int(counts.sum()) / X.size
    if form == "auto":
        form = choose_form(net._layout, density, batch_size, optimizer)
    if form != "zero_skip":
        return Samples(X, Y), form, 1.0
    if takes_quads(net._layout, batch_size, optimizer):
        return Samples(X, Y), "quads", density
    return Samples(X, Y, compress(X, counts)), form, density


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
    trained: Sequence[np.ndarray[Any, Any]],
    start: Sequence[np.ndarray[Any, Any]],
    losses: np.ndarray[Any, Any],
    plan: Any,
    done: int,
) -> None:
    """A finite loss does not prove finite parameters: relu swallows a NaN, sigmoid an infinity.

    trained are the parameters, the optimizer's state and its record; start is what they were.
    """
    ran = int(plan["epoch"])
    parameters, state, _ = trained
    sums_are_finite = all_finite(losses[:ran]) and math.isfinite(plan["loss_sum"])
    if sums_are_finite and all_finite(parameters) and all_finite(state):
        return
    for array, before in zip(trained, start, strict=True):
        array[:] = before
    finite = np.isfinite(losses[:ran])
    last = ran if plan["position"] else ran - 1
    epoch = done + (last if finite.all() else int(np.argmin(finite)))
    raise TrainingDivergedError(
        f"training diverged in epoch {epoch} at learning_rate={float(plan['eta'])!r}: the loss or "
        "a parameter is no longer finite. The network keeps its last finite parameters. Use a "
        "smaller learning_rate, or scale the inputs and targets (for example to mean 0 and "
        "standard deviation 1)"
    )


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
