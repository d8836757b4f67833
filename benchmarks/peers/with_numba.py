"""Numba: plain loops, as its user would write them for speed, compiled before any timing.

Here W[k, j] leads from input j to unit k, so that the long loops over the inputs run along memory.
The first layer's sums are made for two units at a time, which halves the reads of x. Along
(n_in, n_out) rows, whose length is the number of units, such loops need 1.2 to 2 times as long
where the inputs are not zero; `with_numba_zero_skip.py` has them for where they are. Batches use
np.dot, which Numba hands to a BLAS. A call from Python costs Numba time for every array that it is
given, so networks for single calls are one block of numbers and one of units.

Adam works through blocks of rows; its tanh is made of exp, with which all takes 0.4 times as long.

`zero`, `one` and `factor` carry the dtype: Python numbers would make float32 arithmetic float64.
"""

from collections.abc import Callable
from itertools import pairwise
from math import exp

import numpy as np
from numba import njit

from benchmarks.workloads import BETA_1, BETA_2, EPSILON, Floats, Parameters, Workload

ROWS_AT_A_TIME = 512  # of large batches: their hidden units stay in the cache


@njit(fastmath=True)
def train_two_layers(X, Y, W1, b1, W2, b2, eta, orders):
    n_inputs = X.shape[1]
    n_hidden, n_outputs = len(b1), len(b2)
    zero, one = X.dtype.type(0), X.dtype.type(1)
    factor = eta * X.dtype.type(2) / X.dtype.type(n_outputs)
    a1 = np.empty_like(b1)
    dL_da1 = np.empty_like(b1)

    for t in orders.flat:
        x = X[t]
        for k in range(0, n_hidden - 1, 2):
            z, z_next = b1[k], b1[k + 1]
            for j in range(n_inputs):
                z += x[j] * W1[k, j]
                z_next += x[j] * W1[k + 1, j]
            a1[k], a1[k + 1] = z, z_next
        if n_hidden % 2:
            k = n_hidden - 1
            z = b1[k]
            for j in range(n_inputs):
                z += x[j] * W1[k, j]
            a1[k] = z
        for k in range(n_hidden):
            a1[k] = one / (one + exp(-a1[k]))
            dL_da1[k] = zero

        for k in range(n_outputs):
            z = b2[k]
            for j in range(n_hidden):
                z += a1[j] * W2[k, j]
            a = one / (one + exp(-z))
            eta_delta = factor * (a - Y[t, k]) * a * (one - a)
            b2[k] -= eta_delta
            for j in range(n_hidden):
                dL_da1[j] += W2[k, j] * eta_delta
                W2[k, j] -= a1[j] * eta_delta

        for k in range(n_hidden):
            eta_delta = dL_da1[k] * a1[k] * (one - a1[k])
            b1[k] -= eta_delta
            for j in range(n_inputs):
                W1[k, j] -= x[j] * eta_delta


@njit(fastmath=True)
def add_and_squash(z, b):
    """z <- sigmoid(z + b), row by row."""
    one = z.dtype.type(1)
    for t in range(len(z)):
        for k in range(len(b)):
            z[t, k] = one / (one + exp(-z[t, k] - b[k]))


@njit(fastmath=True)
def train_two_layers_in_batches(X, Y, W1, b1, W2, b2, eta, epochs, batch_size):
    """W is (n_in, n_out) here."""
    one = X.dtype.type(1)
    for _ in range(epochs):
        for first in range(0, len(X), batch_size):
            x, y = X[first : first + batch_size], Y[first : first + batch_size]
            factor = eta * X.dtype.type(2) / X.dtype.type(y.size)
            a1 = np.dot(x, W1)
            add_and_squash(a1, b1)
            a2 = np.dot(a1, W2)
            add_and_squash(a2, b2)
            delta2 = (a2 - y) * a2 * (one - a2) * factor
            delta1 = np.dot(delta2, W2.T) * a1 * (one - a1)
            W2 -= np.dot(a1.T, delta2)
            W1 -= np.dot(x.T, delta1)
            for t in range(len(x)):
                b2 -= delta2[t]
                b1 -= delta1[t]


@njit(fastmath=True, error_model="numpy")
def add_and_activate(z, b, name):
    one, two = z.dtype.type(1), z.dtype.type(2)
    if name == "sigmoid":
        add_and_squash(z, b)
    elif name == "tanh":
        for t in range(len(z)):
            for k in range(len(b)):
                z[t, k] = one - two / (exp(two * (z[t, k] + b[k])) + one)
    else:
        for t in range(len(z)):
            for k in range(len(b)):
                z[t, k] += b[k]


@njit(fastmath=True)
def times_derivative(dL_da, a, name):
    one = a.dtype.type(1)
    if name == "sigmoid":
        for t in range(len(a)):
            for k in range(a.shape[1]):
                dL_da[t, k] *= a[t, k] * (one - a[t, k])
    elif name == "tanh":
        for t in range(len(a)):
            for k in range(a.shape[1]):
                dL_da[t, k] *= one - a[t, k] * a[t, k]


@njit(fastmath=True, error_model="numpy")
def adam_step(theta, g, m, v, learning_rate, t):
    """The t-th step, from 1. A division that could raise an error would keep it from vectors."""
    number = theta.dtype.type
    into_m, into_v, epsilon = number(1 - BETA_1), number(1 - BETA_2), number(EPSILON)
    rate = number(learning_rate / (1 - BETA_1**t))
    scale = number(1 / np.sqrt(1 - BETA_2**t))
    for i in range(len(theta)):
        m[i] += into_m * (g[i] - m[i])
        v[i] += into_v * (g[i] * g[i] - v[i])
        theta[i] -= rate * m[i] / (np.sqrt(v[i]) * scale + epsilon)


@njit(fastmath=True)
def adam_in_batches(X, Y, layers, gradients, units, deltas, names, state, settings):
    """W is (n_in, n_out) here. `state` is one block each of parameters, gradient, m and v."""
    (W, b), (dL_dW, dL_db) = layers, gradients
    theta, g, m, v = state
    learning_rate, epochs, batch_size = settings
    n_layers = len(W)
    step = 0
    for _ in range(epochs):
        for first in range(0, len(X), batch_size):
            end = min(first + batch_size, len(X))
            factor = X.dtype.type(2) / X.dtype.type((end - first) * Y.shape[1])
            for start in range(first, end, ROWS_AT_A_TIME):
                stop = min(start + ROWS_AT_A_TIME, end)
                n = stop - start
                below = X[start:stop]
                for layer in range(n_layers):
                    a = units[layer][:n]
                    np.dot(below, W[layer], a)
                    add_and_activate(a, b[layer], names[layer])
                    below = a
                last = deltas[n_layers - 1]
                for t in range(n):
                    for k in range(Y.shape[1]):
                        last[t, k] = factor * (below[t, k] - Y[start + t, k])
                for layer in range(n_layers - 1, -1, -1):
                    delta = deltas[layer][:n]
                    times_derivative(delta, units[layer][:n], names[layer])
                    below = units[layer - 1][:n] if layer else X[start:stop]
                    if layer:
                        np.dot(delta, W[layer].T, deltas[layer - 1][:n])
                    if start == first:
                        np.dot(below.T, delta, dL_dW[layer])
                        dL_db[layer][:] = 0
                    else:
                        dL_dW[layer][:] += np.dot(below.T, delta)
                    for t in range(n):
                        dL_db[layer][:] += delta[t]
            step += 1
            adam_step(theta, g, m, v, learning_rate, step)


@njit(fastmath=True)
def predict_rows(X, W1, b1, W2, b2, out):
    """W is (n_in, n_out) here."""
    for first in range(0, len(X), ROWS_AT_A_TIME):
        a1 = np.dot(X[first : first + ROWS_AT_A_TIME], W1)
        add_and_squash(a1, b1)
        a2 = np.dot(a1, W2)
        add_and_squash(a2, b2)
        out[first : first + ROWS_AT_A_TIME] = a2


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    start = workload.start
    eta = np.dtype(workload.dtype).type(workload.learning_rate)

    def train() -> Parameters:
        W1, W2 = (np.array(W.T, order="C") for W in start.weights)
        b1, b2 = (b.copy() for b in start.biases)
        train_two_layers(workload.X, workload.y, W1, b1, W2, b2, eta, workload.orders())
        return Parameters([W1.T, W2.T], [b1, b2])

    return train


def mini_batch_sgd(workload: Workload) -> Callable[[], Parameters]:
    start = workload.start
    eta = np.dtype(workload.dtype).type(workload.learning_rate)

    def train() -> Parameters:
        W1, W2 = (W.copy() for W in start.weights)
        b1, b2 = (b.copy() for b in start.biases)
        train_two_layers_in_batches(
            workload.X, workload.y, W1, b1, W2, b2, eta, workload.epochs, workload.batch_size
        )
        return Parameters([W1, W2], [b1, b2])

    return train


def in_shapes(
    block: Floats, weights: list[Floats], biases: list[Floats]
) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    """Views of a block, in the shapes of these arrays."""
    found, end = [], 0
    for array in (*weights, *biases):
        found.append(block[end : end + array.size].reshape(array.shape))
        end += array.size
    return tuple(found[: len(weights)]), tuple(found[len(weights) :])


def adam(workload: Workload) -> Callable[[], Parameters]:
    start = workload.start
    n_rows = min(ROWS_AT_A_TIME, workload.batch_size)
    units, deltas = (
        tuple(np.empty((n_rows, len(b)), workload.dtype) for b in start.biases) for _ in range(2)
    )
    settings = workload.learning_rate, workload.epochs, workload.batch_size

    def train() -> Parameters:
        theta = np.concatenate([array.ravel() for array in (*start.weights, *start.biases)])
        state = theta, np.empty_like(theta), np.zeros_like(theta), np.zeros_like(theta)
        layers, gradients = (in_shapes(block, start.weights, start.biases) for block in state[:2])
        adam_in_batches(
            workload.X, workload.y, layers, gradients, units, deltas, tuple(workload.activations),
            state, settings,
        )  # fmt: skip
        return Parameters(*map(list, layers))

    return train


def batch_prediction(workload: Workload) -> Callable[[], Floats]:
    start = workload.start
    (W1, W2), (b1, b2) = start.weights, start.biases

    def predict() -> Floats:
        for _ in range(workload.epochs):
            out = np.empty((len(workload.X), len(b2)), workload.dtype)
            predict_rows(workload.X, W1, b1, W2, b2, out)
        return out

    return predict


def places(sizes: tuple[int, ...]) -> tuple[tuple[int, int, int, int], ...]:
    """For each layer n_in, n_out, and where W, (n_out, n_in), begins in the block, and b."""
    found, end = [], 0
    for n_in, n_out in pairwise(sizes):
        found.append((n_in, n_out, end, end + n_out * n_in))
        end += n_out * (n_in + 1)
    return tuple(found)


def block(parameters: Parameters) -> Floats:
    layers = zip(parameters.weights, parameters.biases, strict=True)
    return np.concatenate([array for W, b in layers for array in (W.T.ravel(), b)])


def layers_of(block: Floats, sizes: tuple[int, ...]) -> Parameters:
    parameters = Parameters([], [])
    for n_in, n_out, W, b in places(sizes):
        parameters.weights.append(block[W:b].reshape(n_out, n_in).T)
        parameters.biases.append(block[b : b + n_out])
    return parameters


def compile_for_calls(workload: Workload) -> tuple[Callable, Callable]:
    """Functions that make a prediction and an update, with sizes and activations compiled in.

    Units of all layers lie in one array, the inputs of a layer from `at[layer]`.
    """
    layers = places(workload.layer_sizes)
    n_layers, n_outputs = len(layers), workload.layer_sizes[-1]
    at = tuple(int(end) for end in np.cumsum([0, *workload.layer_sizes]))
    squash = workload.hidden == "sigmoid"
    squash_last = workload.output == "sigmoid"

    @njit(fastmath=True)
    def forward(x, parameters, a):
        zero, one = x.dtype.type(0), x.dtype.type(1)
        a[: len(x)] = x
        for layer in range(n_layers):
            n_in, n_out, W, b = layers[layer]
            below, above = a[at[layer] : at[layer] + n_in], a[at[layer + 1] : at[layer + 1] + n_out]
            for k in range(n_out):
                z = parameters[b + k]
                for j in range(n_in):
                    z += parameters[W + k * n_in + j] * below[j]
                if squash_last if layer == n_layers - 1 else squash:
                    z = one / (one + exp(-z))
                elif layer < n_layers - 1:
                    z = max(z, zero)
                above[k] = z

    @njit(fastmath=True)
    def predict(x, parameters, a):
        forward(x, parameters, a)
        return a[at[n_layers] :].copy()

    @njit(fastmath=True)
    def update(x, y, parameters, a, dL_da, eta):
        """For relu units and identity outputs."""
        zero = x.dtype.type(0)
        factor = eta * x.dtype.type(2) / x.dtype.type(n_outputs)
        forward(x, parameters, a)
        for k in range(n_outputs):
            dL_da[at[n_layers] + k] = factor * (a[at[n_layers] + k] - y[k])
        for step in range(n_layers):
            layer = n_layers - 1 - step
            n_in, n_out, W, b = layers[layer]
            for j in range(n_in):
                dL_da[at[layer] + j] = zero
            for k in range(n_out):
                delta = dL_da[at[layer + 1] + k]
                if step and a[at[layer + 1] + k] <= zero:
                    continue
                parameters[b + k] -= delta
                for j in range(n_in):
                    dL_da[at[layer] + j] += parameters[W + k * n_in + j] * delta
                    parameters[W + k * n_in + j] -= a[at[layer] + j] * delta

    return predict, update


def units(workload: Workload) -> Floats:
    return np.empty(sum(workload.layer_sizes), workload.dtype)


def one_update(workload: Workload) -> Callable[[], Parameters]:
    _, update = compile_for_calls(workload)
    samples = list(zip(workload.X, workload.y, strict=True))
    eta = np.dtype(workload.dtype).type(workload.learning_rate)
    a, dL_da = units(workload), units(workload)

    def train() -> Parameters:
        parameters = block(workload.start)
        for _ in range(workload.epochs):
            for x, y in samples:
                update(x, y, parameters, a, dL_da, eta)
        return layers_of(parameters, workload.layer_sizes)

    return train


def one_prediction(workload: Workload) -> Callable[[], list[Floats]]:
    predict_one, _ = compile_for_calls(workload)
    samples = list(workload.X)
    parameters, a = block(workload.start), units(workload)

    def predict() -> list[Floats]:
        for _ in range(workload.epochs):
            outputs = [predict_one(x, parameters, a) for x in samples]
        return outputs

    return predict
