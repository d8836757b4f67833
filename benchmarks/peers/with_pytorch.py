"""PyTorch: one thread, no autograd, no DataLoader, gradients by hand into preallocated tensors.

Between operations goes most of its time here, so these are few and in place: the product adds the
bias, the update is a product that adds to W, and a derivative is the operation that autograd
itself calls. At 784-128-10 in float32 this takes 58 µs a sample where nn.Sequential with autograd
and SGD(fused=True) takes 460, and 10 µs a sample at batch size 32 where that takes 27. TorchScript
is no faster on large layers; torch.compile was not in prediction, and compiled for 24 seconds.
W is (n_out, n_in), which is faster here than its transpose.

Adam is the kernel of Adam(fused=True), called as that calls it, with one count of the steps for all
parameters: 58 µs a step at 784-128-10 in float32 where the optimizer itself takes 131, with
foreach=True 330.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.ops import aten

from benchmarks.workloads import BETA_1, BETA_2, EPSILON, Floats, Parameters, Workload

torch.set_num_threads(1)

ROWS_AT_A_TIME = 2000  # of batch prediction: fewer or more are slower


def sigmoid_derivative(dL_da: Tensor, a: Tensor) -> None:
    """dL/da becomes dL/dz, here and below."""
    aten.sigmoid_backward.grad_input(dL_da, a, grad_input=dL_da)


def tanh_derivative(dL_da: Tensor, a: Tensor) -> None:
    aten.tanh_backward.grad_input(dL_da, a, grad_input=dL_da)


def relu_derivative(dL_da: Tensor, a: Tensor) -> None:
    aten.threshold_backward.grad_input(dL_da, a, 0, grad_input=dL_da)


UNITS = {
    "sigmoid": (torch.sigmoid_, sigmoid_derivative),
    "tanh": (torch.tanh_, tanh_derivative),
    "relu": (torch.relu_, relu_derivative),
    "identity": (lambda z: z, lambda dL_da, a: None),
}


class Net:
    def __init__(self, workload: Workload) -> None:
        start = workload.start
        self.W = [torch.from_numpy(W.T.copy()) for W in start.weights]
        self.b = [torch.from_numpy(b.copy()) for b in start.biases]
        self.activate, self.times_derivative = zip(
            *(UNITS[name] for name in workload.activations), strict=True
        )
        self.factor = -2 * workload.learning_rate / workload.layer_sizes[-1]
        self.learning_rate = workload.learning_rate
        self.gradients = [torch.empty_like(array) for array in (*self.W, *self.b)]

    def units(self, *shape: int) -> list[Tensor]:
        """Room for a or delta of every layer."""
        return [torch.empty(*shape, len(b), dtype=b.dtype) for b in self.b]

    def parameters(self) -> Parameters:
        return Parameters([W.T.numpy() for W in self.W], [b.numpy() for b in self.b])

    def adam(self) -> Callable[[], None]:
        """A function that makes a step with `gradients`."""
        parameters = [*self.W, *self.b]
        m, v = ([torch.zeros_like(array) for array in parameters] for _ in range(2))
        count = torch.zeros(())
        counts = [count] * len(parameters)

        def step() -> None:
            count.add_(1)
            torch._fused_adam_(
                parameters, self.gradients, m, v, [], counts, lr=self.learning_rate, beta1=BETA_1,
                beta2=BETA_2, weight_decay=0.0, eps=EPSILON, amsgrad=False, maximize=False,
            )  # fmt: skip

        return step

    def sample_step(self) -> Callable[[Tensor, Tensor], None]:
        """A function that makes an update with one sample."""
        W, b, activate, times_derivative = self.W, self.b, self.activate, self.times_derivative
        factor, delta = self.factor, self.units()
        a = [delta[0], *self.units()]  # a[0] becomes x
        upwards, downwards = range(len(W)), range(len(W))[::-1]

        def step(x: Tensor, y: Tensor) -> None:
            a[0] = x
            for layer in upwards:
                activate[layer](torch.addmv(b[layer], W[layer], a[layer], out=a[layer + 1]))
            torch.sub(a[-1], y, out=delta[-1])
            for layer in downwards:
                times_derivative[layer](delta[layer], a[layer + 1])
                if layer:
                    torch.mv(W[layer].T, delta[layer], out=delta[layer - 1])
                W[layer].addr_(delta[layer], a[layer], alpha=factor)
                b[layer].add_(delta[layer], alpha=factor)

        return step

    def batch_step(
        self, n_samples: int, optimizer: Callable[[], None] | None = None
    ) -> Callable[[Tensor, Tensor], None]:
        """A function that makes an update with that many samples; without an optimizer, SGD."""
        dL_dW, dL_db = self.gradients[: len(self.W)], self.gradients[len(self.W) :]
        W, b, activate, times_derivative = self.W, self.b, self.activate, self.times_derivative
        factor, delta = self.factor / n_samples, self.units(n_samples)
        gradient_factor = -factor / self.learning_rate
        a = [delta[0], *self.units(n_samples)]
        ones = torch.ones(n_samples, dtype=W[0].dtype)
        upwards, downwards = range(len(W)), range(len(W))[::-1]

        def step(x: Tensor, y: Tensor) -> None:
            a[0] = x
            for layer in upwards:
                activate[layer](torch.addmm(b[layer], a[layer], W[layer].T, out=a[layer + 1]))
            torch.sub(a[-1], y, out=delta[-1])
            if optimizer is not None:
                delta[-1].mul_(gradient_factor)
            for layer in downwards:
                times_derivative[layer](delta[layer], a[layer + 1])
                if layer:
                    torch.mm(delta[layer], W[layer], out=delta[layer - 1])
                if optimizer is None:
                    W[layer].addmm_(delta[layer].T, a[layer], alpha=factor)
                    b[layer].addmv_(delta[layer].T, ones, alpha=factor)
                else:
                    torch.mm(delta[layer].T, a[layer], out=dL_dW[layer])
                    torch.mv(delta[layer].T, ones, out=dL_db[layer])
            if optimizer is not None:
                optimizer()

        return step


class Nets:
    """Many networks: W is (n, n_out, n_in), b (n, 1, n_out)."""

    def __init__(self, workload: Workload) -> None:
        start = workload.start
        self.W = [torch.from_numpy(W.mT.copy()) for W in start.weights]
        self.b = [torch.from_numpy(b[:, np.newaxis].copy()) for b in start.biases]
        self.activate, self.times_derivative = zip(
            *(UNITS[name] for name in workload.activations), strict=True
        )
        self.factor = -2 * workload.learning_rate / workload.layer_sizes[-1]

    def parameters(self) -> Parameters:
        return Parameters([W.mT.numpy() for W in self.W], [b[:, 0].numpy() for b in self.b])

    def step(self, n_samples: int) -> Callable[[Tensor, Tensor], None]:
        """A function that makes an update of each with that many samples."""
        W, b, activate, times_derivative = self.W, self.b, self.activate, self.times_derivative
        factor = self.factor / n_samples
        delta, above = (
            [torch.empty(len(b), n_samples, b.shape[2], dtype=b.dtype) for b in self.b]
            for _ in range(2)
        )
        a = [delta[0], *above]  # a[0] becomes x
        upwards, downwards = range(len(W)), range(len(W))[::-1]

        def step(x: Tensor, y: Tensor) -> None:
            a[0] = x.expand(len(W[0]), *x.shape)
            for layer in upwards:
                z = torch.baddbmm(b[layer], a[layer], W[layer].mT, out=a[layer + 1])
                activate[layer](z)
            torch.sub(a[-1], y, out=delta[-1])
            delta[-1].mul_(factor)
            for layer in downwards:
                times_derivative[layer](delta[layer], a[layer + 1])
                if layer:
                    torch.bmm(delta[layer], W[layer], out=delta[layer - 1])
                W[layer].baddbmm_(delta[layer].mT, a[layer])
                b[layer].add_(delta[layer] if n_samples == 1 else delta[layer].sum(1, True))

        return step


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    samples = list(zip(torch.from_numpy(workload.X), torch.from_numpy(workload.y), strict=True))

    @torch.inference_mode()
    def train() -> Parameters:
        net = Net(workload)
        step = net.sample_step()
        for order in workload.orders():
            for t in order.tolist():
                step(*samples[t])
        return net.parameters()

    return train


one_update = per_sample_sgd


def mini_batch_sgd(workload: Workload, uses_adam: bool = False) -> Callable[[], Parameters]:
    batches = list(
        zip(
            torch.from_numpy(workload.X).split(workload.batch_size),
            torch.from_numpy(workload.y).split(workload.batch_size),
            strict=True,
        )
    )

    @torch.inference_mode()
    def train() -> Parameters:
        net = Net(workload)
        optimizer = net.adam() if uses_adam else None
        steps = {len(x): net.batch_step(len(x), optimizer) for x, _ in (batches[0], batches[-1])}
        for _ in range(workload.epochs):
            for x, y in batches:
                steps[len(x)](x, y)
        return net.parameters()

    return train


adam = partial(mini_batch_sgd, uses_adam=True)


def one_prediction(workload: Workload) -> Callable[[], list[Floats]]:
    net = Net(workload)
    samples = list(torch.from_numpy(workload.X))

    def outputs(x: Tensor) -> Tensor:
        for W, b, activate in layers:
            x = activate(torch.addmv(b, W, x))
        return x

    layers = list(zip(net.W, net.b, net.activate, strict=True))

    @torch.inference_mode()
    def predict() -> list[Floats]:
        for _ in range(workload.epochs):
            predicted = [outputs(x) for x in samples]
        return [a.numpy() for a in predicted]

    return predict


def batch_prediction(workload: Workload) -> Callable[[], Floats]:
    net = Net(workload)
    layers = list(zip(net.W, net.b, net.activate, strict=True))
    parts = torch.from_numpy(workload.X).split(ROWS_AT_A_TIME)

    def outputs(x: Tensor) -> Tensor:
        for W, b, activate in layers:
            x = activate(torch.addmm(b, x, W.T))
        return x

    @torch.inference_mode()
    def predict() -> Floats:
        for _ in range(workload.epochs):
            predicted = torch.cat([outputs(x) for x in parts])
        return predicted.numpy()

    return predict


def many_networks(workload: Workload) -> Callable[[], Parameters]:
    """Products of stacks, in place: a third to a seventh of the time of torch.func (see there)."""
    rows = workload.batch_size
    samples = torch.from_numpy(workload.X), torch.from_numpy(workload.y)
    batches = list(zip(*(array.split(rows) for array in samples), strict=True))

    @torch.inference_mode()
    def train() -> Parameters:
        nets = Nets(workload)
        steps = {len(x): nets.step(len(x)) for x, _ in (batches[0], batches[-1])}
        for _ in range(workload.epochs):
            for x, y in batches:
                steps[len(x)](x, y)
        return nets.parameters()

    return train
