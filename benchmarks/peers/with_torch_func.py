"""PyTorch's torch.func: `vmap` of a step of one network over stacks of parameters.

The step is by hand: `vmap(grad(loss))` with `functional_call` takes three times as long for single
samples, and twice for batches. Under torch.compile, which takes up to 15 seconds once, it is a
sixth of the time for single samples, as the stacks by hand of `with_pytorch`, and for batches 1.6
times theirs.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import vmap
from torch.nn.functional import linear

from benchmarks.workloads import Parameters, Workload

torch.set_num_threads(1)

Layers = tuple[tuple[Tensor, Tensor], ...]

UNITS = {
    "sigmoid": (torch.sigmoid, lambda dL_da, a: dL_da * (a * (1 - a))),
    "tanh": (torch.tanh, lambda dL_da, a: dL_da * (1 - a * a)),
    "identity": (lambda z: z, lambda dL_da, a: dL_da),
}


def step(layers: Layers, x: Tensor, y: Tensor, workload: Workload) -> Layers:
    """An update with one sample, or with rows of them."""
    units = [x]
    for (W, b), name in zip(layers, workload.activations, strict=True):
        units.append(UNITS[name][0](linear(units[-1], W, b)))
    dL_da = (units[-1] - y) * (2 * workload.learning_rate / y.numel())
    found = []
    for layer in reversed(range(len(layers))):
        W, b = layers[layer]
        delta = UNITS[workload.activations[layer]][1](dL_da, units[layer + 1])
        if layer:
            dL_da = delta @ W
        if x.ndim == 1:
            found.append((W - torch.outer(delta, units[layer]), b - delta))
        else:
            found.append((W - delta.T @ units[layer], b - delta.sum(0)))
    return tuple(reversed(found))


def many_networks(workload: Workload) -> Callable[[], Parameters]:
    X, y = torch.from_numpy(workload.X), torch.from_numpy(workload.y)
    if workload.batch_size > 1:
        X, y = X.split(workload.batch_size), y.split(workload.batch_size)
    batches = list(zip(X, y, strict=True))
    steps = vmap(lambda layers, x, y: step(layers, x, y, workload), in_dims=(0, None, None))

    @torch.inference_mode()
    def train() -> Parameters:
        start = zip(workload.start.weights, workload.start.biases, strict=True)
        layers = tuple((torch.from_numpy(W.mT.copy()), torch.from_numpy(b)) for W, b in start)
        for _ in range(workload.epochs):
            for x, y in batches:
                layers = steps(layers, x, y)
        return Parameters([W.mT.numpy() for W, _ in layers], [b.numpy() for _, b in layers])

    return train
