"""Kernels on a little data, beside what plain Python once computed of it: tests/test_self_test.py.

A compiler that nobody has tried may build kernels that train wrongly, and without a word. Those are
refused when fastnn is imported, which costs about a millisecond.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np

from fastnn._core import kernels
from fastnn._core.layout import Layout
from fastnn._core.samples import Samples, compress
from fastnn._core.teams import NO_HELP
from fastnn.optimizers import OPTIMIZERS, State

Array = np.ndarray[Any, Any]

N = 33  # samples: a block, and one more
LEARNING_RATE = 0.5
MSE = kernels.LOSSES["mse"]
ORDER, RATES = np.arange(N)[np.newaxis], np.array([[LEARNING_RATE]])
NOTHING_KEPT = np.empty(0, kernels.SNAPSHOT)
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


# From these all numbers are taken; they are exact in float32 too. Two thirds of X are zero.
i = np.arange(500)
PARAMETERS, X, Y = (
    (i * 7 % 11 - 5) / 16,
    np.where(i % 3 == 0, (i * 5 % 17 - 8) / 8, 0),
    i * 3 % 7 / 8,
)


def taken(numbers: Array, *shape: int) -> Array:
    """As many of the numbers as an array of this shape has."""
    return numbers[: math.prod(shape)].reshape(shape)


class Trainee:
    """A network and its samples, for the kernels."""

    def __init__(self, layout: Layout, n_inputs: int, n_outputs: int) -> None:
        self.layout = layout
        self.start = layout.parameter_block()
        for view in chain(*layout.views(self.start)):
            view[:] = taken(PARAMETERS, *view.shape)
        x, y = (
            taken(X, N, n_inputs).astype(layout.dtype),
            taken(Y, N, n_outputs).astype(layout.dtype),
        )
        counts = np.empty(N, np.intp)
        kernels.scan(x, counts)
        self.dense, self.compressed = Samples(x, y), Samples(x, y, compress(x, counts))
        self.workspace = layout.workspace(N)
        self.gradient = layout.parameter_block()
        self.plan, self.progress = np.zeros(1, kernels.PLAN), np.zeros(1, kernels.PROGRESS)
        self.loss = np.empty(1)

    def train(self, form: str, batch_size: int, optimizer: State) -> tuple[float, float, float]:
        """What CASES has of an epoch."""
        theta, plan = self.start.copy(), self.plan
        rows = self.compressed if form == "zero_skip" else self.dense
        self.progress.fill(0)
        plan["batch_size"], plan["form"], plan["tol"] = batch_size, kernels.FORMS[form], math.nan
        kernels.train(
            self.layout.layers, MSE, rows.n_targets, theta, rows.record, ORDER, RATES, plan,
            self.progress, optimizer.record, N, self.loss, self.gradient,
            optimizer.block if optimizer.n_parts else theta, self.workspace, NOTHING_KEPT, False,
            NO_HELP,
        )  # fmt: skip
        return self.loss.item(), float(self.start @ theta), float(theta @ theta)


def check() -> None:
    """ImportError if the kernels in use compute something else."""
    for name, (sizes, activations) in NETWORKS.items():
        numbers = tuple([kernels.ACTIVATIONS[activation] for activation in activations])
        for dtype, tolerance in TOLERANCE.items():
            layout = Layout(sizes, numbers, np.dtype(dtype))
            trainee = Trainee(layout, sizes[0], sizes[-1])
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
                        f"fastnn's compiled kernels ({kernels.LEVEL}) compute wrong numbers "
                        f"({form}, batch size {batch_size}, {dtype}), and so are of no use: build "
                        "them anew, with GCC 11, clang 13 or a newer one, and without CFLAGS"
                    )
