"""Numba with loops that leave out the inputs that are zero.

Here W[j] are the weights of input j, so that a zero leaves out a row. The inputs that are not zero
are listed first, and z takes four of their rows at a time, which quarters the reads and writes of
z. On MNIST this takes 0.3 times as long as the plain loops of `with_numba.py`, on inputs without
zeros up to 1.5 times.
"""

from collections.abc import Callable
from math import exp

import numpy as np
from numba import njit

from benchmarks.peers.with_numba import adam_step, in_shapes
from benchmarks.workloads import Floats, Parameters, Workload


@njit(fastmath=True)
def list_inputs(x, places, values):
    """Write down the inputs that are not zero; how many they are.

    The others are written too, and overwritten: that is faster than a branch.
    """
    n = 0
    for j in range(len(x)):
        places[n] = j
        values[n] = x[j]
        n += x[j] != 0
    return n


@njit(fastmath=True)
def sigmoid_units(places, values, n, W, b, a):
    """a <- sigmoid(xW + b) for a listed x."""
    one = a.dtype.type(1)
    n_units = len(b)
    for k in range(n_units):
        a[k] = b[k]
    in_fours = n - n % 4
    for i in range(0, in_fours, 4):
        x0, x1, x2, x3 = values[i], values[i + 1], values[i + 2], values[i + 3]
        W0, W1, W2, W3 = W[places[i]], W[places[i + 1]], W[places[i + 2]], W[places[i + 3]]
        for k in range(n_units):
            a[k] += x0 * W0[k] + x1 * W1[k] + x2 * W2[k] + x3 * W3[k]
    for i in range(in_fours, n):
        x, W_j = values[i], W[places[i]]
        for k in range(n_units):
            a[k] += x * W_j[k]
    for k in range(n_units):
        a[k] = one / (one + exp(-a[k]))


@njit(fastmath=True)
def output_units(a1, W2, b2, a2):
    """a2 <- sigmoid(a1 W2 + b2), W2 being (n_outputs, n_hidden)."""
    one = a2.dtype.type(1)
    for k in range(len(b2)):
        z = b2[k]
        for j in range(len(a1)):
            z += a1[j] * W2[k, j]
        a2[k] = one / (one + exp(-z))


@njit(fastmath=True)
def train_two_layers(X, Y, W1, b1, W2, b2, eta, orders, batch_size):
    """Deltas of a whole batch are made before the first of its updates; each is times eta.

    W1 is (n_inputs, n_hidden), W2 (n_outputs, n_hidden).
    """
    n_inputs, n_hidden, n_outputs = X.shape[1], len(b1), len(b2)
    zero, one = X.dtype.type(0), X.dtype.type(1)
    places = np.empty((batch_size, n_inputs), np.int32)
    values = np.empty((batch_size, n_inputs), X.dtype)
    n = np.empty(batch_size, np.int64)
    a1 = np.empty((batch_size, n_hidden), X.dtype)
    delta1 = np.empty((batch_size, n_hidden), X.dtype)
    a2 = np.empty(n_outputs, X.dtype)
    delta2 = np.empty((batch_size, n_outputs), X.dtype)

    for order in orders:
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            factor = eta * X.dtype.type(2) / X.dtype.type(n_outputs * len(batch))
            for i in range(len(batch)):
                t = batch[i]
                n[i] = list_inputs(X[t], places[i], values[i])
                sigmoid_units(places[i], values[i], n[i], W1, b1, a1[i])
                output_units(a1[i], W2, b2, a2)
                for j in range(n_hidden):
                    delta1[i, j] = zero
                for k in range(n_outputs):
                    delta2[i, k] = factor * (a2[k] - Y[t, k]) * a2[k] * (one - a2[k])
                    for j in range(n_hidden):
                        delta1[i, j] += W2[k, j] * delta2[i, k]
                for j in range(n_hidden):
                    delta1[i, j] *= a1[i, j] * (one - a1[i, j])
            for i in range(len(batch)):
                for k in range(n_outputs):
                    b2[k] -= delta2[i, k]
                    for j in range(n_hidden):
                        W2[k, j] -= a1[i, j] * delta2[i, k]
                for k in range(n_hidden):
                    b1[k] -= delta1[i, k]
                for place in range(n[i]):
                    x, W_j = values[i, place], W1[places[i, place]]
                    for k in range(n_hidden):
                        W_j[k] -= x * delta1[i, k]


@njit(fastmath=True)
def adam_in_batches(X, Y, layers, gradients, state, settings):
    """W and its gradients are as in `train_two_layers`. A step changes all weights nevertheless."""
    (W, b), (dL_dW, dL_db) = layers, gradients
    (W1, W2), (b1, b2), (dL_dW1, dL_dW2), (dL_db1, dL_db2) = W, b, dL_dW, dL_db
    theta, g, m, v = state
    learning_rate, epochs, batch_size = settings
    n_inputs, n_hidden, n_outputs = X.shape[1], len(b1), len(b2)
    zero, one = X.dtype.type(0), X.dtype.type(1)
    places = np.empty(n_inputs, np.int32)
    values = np.empty(n_inputs, X.dtype)
    a1, delta1 = np.empty_like(b1), np.empty_like(b1)
    a2 = np.empty_like(b2)
    step = 0

    for _ in range(epochs):
        for first in range(0, len(X), batch_size):
            end = min(first + batch_size, len(X))
            factor = X.dtype.type(2) / X.dtype.type(n_outputs * (end - first))
            g[:] = zero
            for t in range(first, end):
                n = list_inputs(X[t], places, values)
                sigmoid_units(places, values, n, W1, b1, a1)
                output_units(a1, W2, b2, a2)
                for j in range(n_hidden):
                    delta1[j] = zero
                for k in range(n_outputs):
                    delta = factor * (a2[k] - Y[t, k]) * a2[k] * (one - a2[k])
                    dL_db2[k] += delta
                    for j in range(n_hidden):
                        delta1[j] += W2[k, j] * delta
                        dL_dW2[k, j] += a1[j] * delta
                for j in range(n_hidden):
                    delta1[j] *= a1[j] * (one - a1[j])
                    dL_db1[j] += delta1[j]
                for i in range(n):
                    x, row = values[i], dL_dW1[places[i]]
                    for k in range(n_hidden):
                        row[k] += x * delta1[k]
            step += 1
            adam_step(theta, g, m, v, learning_rate, step)


@njit(fastmath=True)
def predict_rows(X, W1, b1, W2, b2):
    places = np.empty(X.shape[1], np.int32)
    values = np.empty(X.shape[1], X.dtype)
    a1 = np.empty_like(b1)
    out = np.empty((len(X), len(b2)), X.dtype)
    for t in range(len(X)):
        n = list_inputs(X[t], places, values)
        sigmoid_units(places, values, n, W1, b1, a1)
        output_units(a1, W2, b2, out[t])
    return out


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    start = workload.start
    eta = np.dtype(workload.dtype).type(workload.learning_rate)

    def train() -> Parameters:
        W1, W2 = start.weights[0].copy(), np.array(start.weights[1].T, order="C")
        b1, b2 = (b.copy() for b in start.biases)
        train_two_layers(
            workload.X, workload.y, W1, b1, W2, b2, eta, workload.orders(), workload.batch_size
        )
        return Parameters([W1, W2.T], [b1, b2])

    return train


mini_batch_sgd = per_sample_sgd


def adam(workload: Workload) -> Callable[[], Parameters] | None:
    if workload.activations != ["sigmoid", "sigmoid"]:
        return None
    W1, W2 = workload.start.weights
    weights, biases = [W1, np.array(W2.T, order="C")], workload.start.biases
    settings = workload.learning_rate, workload.epochs, workload.batch_size

    def train() -> Parameters:
        theta = np.concatenate([array.ravel() for array in (*weights, *biases)])
        state = theta, np.empty_like(theta), np.zeros_like(theta), np.zeros_like(theta)
        layers, gradients = (in_shapes(block, weights, biases) for block in state[:2])
        adam_in_batches(workload.X, workload.y, layers, gradients, state, settings)
        (W1, W2), (b1, b2) = layers
        return Parameters([W1, W2.T], [b1, b2])

    return train


def batch_prediction(workload: Workload) -> Callable[[], Floats]:
    start = workload.start
    W1, W2 = start.weights[0], np.array(start.weights[1].T, order="C")

    def predict() -> Floats:
        for _ in range(workload.epochs):
            outputs = predict_rows(workload.X, W1, start.biases[0], W2, start.biases[1])
        return outputs

    return predict


def one_prediction(workload: Workload) -> Callable[[], list[Floats]] | None:
    if set(workload.activations) != {"sigmoid"}:
        return None
    start = workload.start
    W1, W2 = start.weights[0], np.array(start.weights[1].T, order="C")
    b1, b2 = start.biases
    samples = list(workload.X[:, np.newaxis])

    def predict() -> list[Floats]:
        for _ in range(workload.epochs):
            outputs = [predict_rows(x, W1, b1, W2, b2) for x in samples]
        return outputs

    return predict
