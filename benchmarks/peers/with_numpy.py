"""NumPy: nothing allocated in the loop over samples, and as few calls as possible.

A call costs more than its arithmetic there, so the biases are the last row of W and meet a constant
input of 1, which saves their own additions and updates.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.workloads import BETA_1, BETA_2, EPSILON, Floats, Parameters, Workload

ROWS_AT_A_TIME = 512  # of batch prediction: their hidden units stay in the cache


def sigmoid(z: Floats, one: Floats) -> None:
    """Replace z by 1 / (1 + exp(-z))."""
    np.negative(z, out=z)
    np.exp(z, out=z)
    np.add(z, one, out=z)
    np.reciprocal(z, out=z)


def per_sample_sgd(workload: Workload) -> Callable[[], Parameters]:
    start = workload.start
    dtype = workload.dtype
    _, n_hidden, n_outputs = workload.layer_sizes
    X = np.column_stack([workload.X, np.ones(len(workload.X), dtype)])
    samples = list(zip(X, X[:, :, np.newaxis], workload.y, strict=True))

    one = np.array(1, dtype)
    factor = np.array(2 * workload.learning_rate / n_outputs, dtype)
    a1_and_one = np.ones(n_hidden + 1, dtype)
    a1, a1_column = a1_and_one[:-1], a1_and_one[:, np.newaxis]
    slope1, eta_delta1 = np.empty_like(a1), np.empty_like(a1)
    a2, slope2, eta_delta2 = (np.empty(n_outputs, dtype) for _ in range(3))

    def train() -> Parameters:
        layers = zip(start.weights, start.biases, strict=True)
        W1, W2 = (np.vstack([W, b]) for W, b in layers)
        W2_inputs = W2[:-1]
        step1, step2 = np.empty_like(W1), np.empty_like(W2)
        for order in workload.orders().tolist():
            for t in order:
                x, x_column, y = samples[t]
                np.dot(x, W1, out=a1)
                sigmoid(a1, one)
                np.dot(a1_and_one, W2, out=a2)
                sigmoid(a2, one)

                np.subtract(one, a2, out=slope2)
                np.multiply(slope2, a2, out=slope2)
                np.subtract(a2, y, out=eta_delta2)
                np.multiply(eta_delta2, factor, out=eta_delta2)
                np.multiply(eta_delta2, slope2, out=eta_delta2)
                np.subtract(one, a1, out=slope1)
                np.multiply(slope1, a1, out=slope1)
                np.dot(W2_inputs, eta_delta2, out=eta_delta1)
                np.multiply(eta_delta1, slope1, out=eta_delta1)

                np.multiply(a1_column, eta_delta2, out=step2)
                np.subtract(W2, step2, out=W2)
                np.multiply(x_column, eta_delta1, out=step1)
                np.subtract(W1, step1, out=W1)
        return Parameters([W1[:-1], W2[:-1]], [W1[-1], W2[-1]])

    return train


def mini_batch_sgd(workload: Workload) -> Callable[[], Parameters]:
    start = workload.start
    one = np.array(1, workload.dtype)
    firsts = range(0, len(workload.X), workload.batch_size)
    slices = [slice(first, first + workload.batch_size) for first in firsts]
    batches = [(workload.X[rows], workload.y[rows]) for rows in slices]

    def train() -> Parameters:
        W1, W2 = (W.copy() for W in start.weights)
        b1, b2 = (b.copy() for b in start.biases)
        for _ in range(workload.epochs):
            for x, y in batches:
                a1 = np.dot(x, W1)
                a1 += b1
                sigmoid(a1, one)
                a2 = np.dot(a1, W2)
                a2 += b2
                sigmoid(a2, one)

                delta2 = a2 - y
                delta2 *= a2
                delta2 *= one - a2
                delta2 *= np.array(2 * workload.learning_rate / y.size, workload.dtype)
                delta1 = np.dot(delta2, W2.T)
                delta1 *= a1
                delta1 *= one - a1

                W2 -= np.dot(a1.T, delta2)
                b2 -= delta2.sum(axis=0)
                W1 -= np.dot(x.T, delta1)
                b1 -= delta1.sum(axis=0)
        return Parameters([W1, W2], [b1, b2])

    return train


def adam(workload: Workload) -> Callable[[], Parameters]:
    """Parameters, gradient, m and v are a block each, so that a step is few calls."""
    start, dtype = workload.start, workload.dtype
    one = np.array(1, dtype)
    firsts = range(0, len(workload.X), workload.batch_size)
    slices = [slice(first, first + workload.batch_size) for first in firsts]
    batches = [(workload.X[rows], workload.y[rows]) for rows in slices]
    arrays = [*start.weights, *start.biases]
    downwards = range(len(start.weights))[::-1]
    into_m, into_v, epsilon = (np.array(c, dtype) for c in (1 - BETA_1, 1 - BETA_2, EPSILON))

    def views(block: Floats) -> Parameters:
        ends = np.cumsum([array.size for array in arrays])
        found = [
            part.reshape(array.shape)
            for part, array in zip(np.split(block, ends[:-1]), arrays, strict=True)
        ]
        return Parameters(found[: len(start.weights)], found[len(start.weights) :])

    def train() -> Parameters:
        theta = np.concatenate([array.ravel() for array in arrays])
        g, rest, root = (np.empty_like(theta) for _ in range(3))
        m, v = np.zeros_like(theta), np.zeros_like(theta)
        parameters, gradient = views(theta), views(g)
        layers = list(zip(parameters.weights, parameters.biases, workload.activations, strict=True))
        t = 0
        for _ in range(workload.epochs):
            for x, y in batches:
                units = [x]
                for W, b, activation in layers:
                    z = np.dot(units[-1], W)
                    z += b
                    if activation == "sigmoid":
                        sigmoid(z, one)
                    elif activation == "tanh":
                        np.tanh(z, out=z)
                    units.append(z)
                delta = units[-1] - y
                delta *= np.array(2 / y.size, dtype)
                for layer in downwards:
                    a, activation = units[layer + 1], workload.activations[layer]
                    if activation == "sigmoid":
                        delta *= a
                        delta *= one - a
                    elif activation == "tanh":
                        np.multiply(a, a, out=a)
                        delta *= np.subtract(one, a, out=a)
                    np.dot(units[layer].T, delta, out=gradient.weights[layer])
                    np.sum(delta, axis=0, out=gradient.biases[layer])
                    if layer:
                        delta = np.dot(delta, parameters.weights[layer].T)

                t += 1
                np.subtract(g, m, out=rest)
                rest *= into_m
                m += rest
                np.multiply(g, g, out=g)
                g -= v
                g *= into_v
                v += g
                np.sqrt(v, out=root)
                root *= np.array(1 / np.sqrt(1 - BETA_2**t), dtype)
                root += epsilon
                np.divide(m, root, out=root)
                root *= np.array(workload.learning_rate / (1 - BETA_1**t), dtype)
                theta -= root
        return parameters

    return train


def one_update(workload: Workload) -> Callable[[], Parameters]:
    """For relu units and identity outputs."""
    start = workload.start
    samples = list(zip(workload.X, workload.y, strict=True))
    factor = np.array(2 * workload.learning_rate / workload.layer_sizes[-1], workload.dtype)

    def train() -> Parameters:
        W, b = [W.copy() for W in start.weights], [b.copy() for b in start.biases]
        downwards = range(len(W))[::-1]

        def update(x: Floats, y: Floats) -> None:
            units = [x]
            for W_l, b_l in zip(W, b, strict=True):
                z = np.dot(units[-1], W_l)
                z += b_l
                units.append(np.maximum(z, 0, out=z) if len(units) < len(W) else z)
            eta_delta = units[-1] - y
            eta_delta *= factor
            for layer in downwards:
                below = np.dot(W[layer], eta_delta) if layer else None
                W[layer] -= np.multiply(units[layer][:, np.newaxis], eta_delta)
                b[layer] -= eta_delta
                if layer:
                    below *= units[layer] > 0
                    eta_delta = below

        for _ in range(workload.epochs):
            for x, y in samples:
                update(x, y)
        return Parameters(W, b)

    return train


def predictor(workload: Workload) -> Callable[[Floats], Floats]:
    """Outputs for one sample or for rows of them."""
    start = workload.start
    one, zero = np.array(1, workload.dtype), np.array(0, workload.dtype)
    layers = list(zip(start.weights, start.biases, workload.activations, strict=True))

    def outputs(x: Floats) -> Floats:
        for W, b, activation in layers:
            x = np.dot(x, W)
            x += b
            if activation == "sigmoid":
                sigmoid(x, one)
            elif activation == "relu":
                np.maximum(x, zero, out=x)
        return x

    return outputs


def one_prediction(workload: Workload) -> Callable[[], list[Floats]]:
    outputs = predictor(workload)
    samples = list(workload.X)

    def predict() -> list[Floats]:
        for _ in range(workload.epochs):
            predicted = [outputs(x) for x in samples]
        return predicted

    return predict


def batch_prediction(workload: Workload) -> Callable[[], Floats]:
    outputs = predictor(workload)
    firsts = range(0, len(workload.X), ROWS_AT_A_TIME)
    parts = [workload.X[first : first + ROWS_AT_A_TIME] for first in firsts]

    def predict() -> Floats:
        for _ in range(workload.epochs):
            predicted = np.concatenate([outputs(x) for x in parts])
        return predicted

    return predict
