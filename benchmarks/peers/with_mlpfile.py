"""mlpfile: single updates and predictions of networks with relu units and identity outputs.

Its network is float32, is read from a file, and learns by half the sum of squares, so fastnn's
learning rate times 2 / n_outputs makes the same step.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import mlpfile
import numpy as np

from benchmarks.workloads import Floats, Parameters, Workload

LINEAR, RELU = 2, 3


def supports(workload: Workload) -> bool:
    wanted = (workload.hidden, workload.output, workload.dtype)
    return wanted == ("relu", "identity", "float32")


def model(workload: Workload) -> mlpfile.Model:
    """A model read from a file: the kinds of the layers first, then their numbers."""
    start = workload.start
    sizes = workload.layer_sizes
    n_layers = 2 * len(start.weights) - 1
    head = [n_layers, sizes[0]]
    for n_out in sizes[1:]:
        head += [LINEAR, n_out, RELU]
    numbers = [
        array
        for W, b in zip(start.weights, start.biases, strict=True)
        for array in (W.T.ravel(), b)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        path.write_bytes(
            np.array(head[:-1], np.uint32).tobytes() + np.concatenate(numbers).tobytes()
        )
        return mlpfile.Model.load(str(path))


def one_update(workload: Workload) -> Callable[[], Parameters] | None:
    if not supports(workload):
        return None
    samples = list(zip(workload.X, workload.y, strict=True))
    eta = workload.learning_rate * 2 / workload.layer_sizes[-1]
    loss = mlpfile.squared_error
    fresh = model(workload)

    def train() -> Parameters:
        net = fresh.__copy__()
        update = net.grad_update
        for _ in range(workload.epochs):
            for x, y in samples:
                update(x, y, loss, eta)
        linear = [layer for layer in net.layers if layer.type == mlpfile.Linear]
        return Parameters([layer.W.T for layer in linear], [layer.b for layer in linear])

    return train


def one_prediction(workload: Workload) -> Callable[[], list[Floats]] | None:
    if not supports(workload):
        return None
    samples = list(workload.X)
    forward = model(workload).forward

    def predict() -> list[Floats]:
        for _ in range(workload.epochs):
            outputs = [forward(x) for x in samples]
        return outputs

    return predict
