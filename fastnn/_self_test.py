"""Kernels on a little data, beside what plain Python once computed of it: tests/test_self_test.py.

A compiler that nobody has tried may build kernels that train wrongly, and without a word. Those are
refused when fastnn is imported, which costs less than a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np

from fastnn import _kernels
from fastnn._layout import KEPT, PLAN, Layout
from fastnn._samples import Samples, compress
from fastnn.optimizers import OPTIMIZERS, State

Array = np.ndarray[Any, Any]

N = 33  # samples: a block, and one more
LEARNING_RATE = 0.5
MSE = _kernels.LOSSES["mse"]
ORDER, RATES = np.arange(N)[np.newaxis], np.array([[LEARNING_RATE]])
NOTHING_KEPT = np.empty(0, KEPT)
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}
NETWORKS = {
    "narrow": ((3, 4, 2), ("tanh", "sigmoid")),
    "wide": ((13, 11, 6, 3), ("tanh", "softplus", "sigmoid")),
}
# A network, a form of its first layer, the size of batches, and an optimizer; and after an epoch
# with mse, for parameters θ that were θ₀ at the start, the mean loss, θ₀·θ and θ·θ.
CASES = {
    ("narrow", "narrow", 1, "sgd"): (0.07351704536431776, 1.125395103151557, 1.2935944123580547),
    ("wide", "fused", 1, "sgd"): (0.07176110057967942, 9.726291264672904, 9.880912059476621),
    ("wide", "zero_skip", 1, "sgd"): (0.07176110057967942, 9.726291264672904, 9.880912059476621),
    ("wide", "blocked", 1, "sgd"): (0.07176110057967942, 9.726291264672904, 9.880912059476621),
    ("wide", "quads", 1, "sgd"): (0.07176110057967942, 9.726291264672904, 9.880912059476621),
    ("wide", "fused", 20, "sgd"): (0.07774924287239185, 9.743950204785785, 9.746475280078903),
    ("wide", "zero_skip", 20, "adam"): (0.11790960739962687, 7.251895051032415, 123.21965249788096),
}


def samples(n_inputs: int, n_outputs: int) -> tuple[Array, Array]:
    """X, of which two thirds are zero, and y from 0 to 1; exact in float32 too."""
    i, k = np.arange(N * n_inputs), np.arange(N * n_outputs)
    X = np.where(i % 3 == 0, (i * 5 % 17 - 8) / 8, 0)
    return X.reshape(N, n_inputs), (k * 3 % 7 / 8).reshape(N, n_outputs)


def start(shape: tuple[int, ...]) -> Array:
    """W or b of a layer; exact in float32 too."""
    i = np.arange(math.prod(shape))
    return ((i * 7 % 11 - 5) / 16).reshape(shape)


class Trainee:
    """A network and its samples, for the kernels."""

    def __init__(self, layout: Layout, theta: Sequence[Array], X: Array, y: Array) -> None:
        self.layout = layout
        self.start = layout.parameter_block()
        for view, values in zip(chain(*layout.views(self.start)), theta, strict=True):
            view[:] = values
        X, y = X.astype(layout.dtype), y.astype(layout.dtype)
        counts = np.empty(N, np.intp)
        _kernels.scan(X, counts)
        self.dense, self.compressed = Samples(X, y), Samples(X, y, compress(X, counts))
        self.workspace = layout.workspace(N)
        self.gradient = layout.parameter_block()
        self.plan, self.loss = np.zeros(1, PLAN), np.empty(1)

    def train(self, form: str, batch_size: int, optimizer: State) -> tuple[float, float, float]:
        """What CASES has of an epoch."""
        theta, plan = self.start.copy(), self.plan
        samples = self.compressed if form == "zero_skip" else self.dense
        plan.fill(0)
        plan["batch_size"], plan["form"], plan["tol"] = batch_size, _kernels.FORMS[form], math.nan
        _kernels.train(
            self.layout.layers, MSE, samples.n_targets, theta, samples.record, ORDER, RATES, plan,
            optimizer.record, N, self.loss, self.gradient,
            optimizer.block if optimizer.n_parts else theta, self.workspace, NOTHING_KEPT, False,
        )  # fmt: skip
        return self.loss.item(), float(self.start @ theta), float(theta @ theta)


def check() -> None:
    """ImportError if the kernels in use compute something else."""
    for name, (sizes, activations) in NETWORKS.items():
        numbers = [_kernels.ACTIVATIONS[activation] for activation in activations]
        theta = [*map(start, pairwise(sizes)), *(start((n,)) for n in sizes[1:])]
        X, y = samples(sizes[0], sizes[-1])
        for dtype, tolerance in TOLERANCE.items():
            layout = Layout(sizes, numbers, np.dtype(dtype))
            trainee = Trainee(layout, theta, X, y)
            sgd = State(OPTIMIZERS["sgd"], layout)
            for (of, form, batch_size, optimizer), expected in CASES.items():
                if of != name:
                    continue
                state = sgd if optimizer == "sgd" else State(OPTIMIZERS[optimizer], layout)
                found = trainee.train(form, batch_size, state)
                near = (
                    math.isclose(number, known, rel_tol=tolerance)
                    for number, known in zip(found, expected, strict=True)
                )
                if not all(near):
                    raise ImportError(
                        f"fastnn's compiled kernels ({_kernels.LEVEL}) compute wrong numbers "
                        f"({form}, batch size {batch_size}, {dtype}), and so are of no use: build "
                        "them anew, with GCC 11, clang 13 or a newer one, and without CFLAGS"
                    )
