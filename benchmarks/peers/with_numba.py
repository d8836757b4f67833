"""Numba: plain loops, as its user would write them for speed.

Here W[k, j] leads from input j to unit k, so that the long loops over the inputs run along memory.
The first layer's sums are made for two units at a time, which halves the reads of x. Along
(n_in, n_out) rows, whose length is the number of units, such loops need 1.2 to 2 times as long for
the two larger networks; sizes fixed at compilation gain nothing there.

`zero`, `one` and `factor` carry the dtype: Python numbers would make float32 arithmetic float64.
"""

from collections.abc import Callable
from math import exp

import numpy as np
from numba import njit

from benchmarks.workloads import Parameters, Workload

SAMPLES_PER_ROUND = None


@njit(fastmath=True)
def train_two_layers(X, Y, W1, b1, W2, b2, eta, epochs):
    n_samples, n_inputs = X.shape
    n_hidden, n_outputs = len(b1), len(b2)
    zero, one = X.dtype.type(0), X.dtype.type(1)
    factor = eta * X.dtype.type(2) / X.dtype.type(n_outputs)
    a1 = np.empty_like(b1)
    dL_da1 = np.empty_like(b1)

    for _ in range(epochs):
        for t in range(n_samples):
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


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    start = workload.start()
    eta = np.dtype(workload.dtype).type(workload.learning_rate)

    def train() -> Parameters:
        W1, W2 = (np.array(W.T, order="C") for W in start.weights)
        b1, b2 = (b.copy() for b in start.biases)
        train_two_layers(workload.X, workload.y, W1, b1, W2, b2, eta, workload.epochs)
        return Parameters([W1.T, W2.T], [b1, b2])

    return train
