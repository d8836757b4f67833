"""
A single neuron learns until it stops getting better, in plain Python and by fastnn
===================================================================================

After "Neural Networks: The Math" by Shashank Ravi (Medium, 2022): the perceptron with n inputs and
one output, z = x·w + b, the sigmoid or the binary step, the mean squared error as the cost C, its
gradient by the chain rule, and gradient descent with learning rate alpha until convergence.
"""

from itertools import product
from math import exp, inf
from time import perf_counter

import numpy as np

from fastnn import Network

ALPHA = 1.0
TOLERANCE = 1e-4
PATIENCE = 10
MOST_EPOCHS = 100_000

# Do at least four of seven people say yes? All 128 cases, and the answers.
VOTES = [list(votes) for votes in product((0, 1), repeat=7)]
MAJORITY = [int(sum(votes) >= 4) for votes in VOTES]


def weighted_sum(x, w, b):
    return sum(x_i * w_i for x_i, w_i in zip(x, w, strict=True)) + b


def sigmoid(z):
    return 1 / (1 + exp(-z))


def step(z):
    return 1 if z > 0 else 0


def descend(w, b):
    """Gradient descent on C over the whole table, until C stays the same."""
    n = len(VOTES)
    best, waited, epochs = inf, 0, 0
    while waited < PATIENCE and epochs < MOST_EPOCHS:
        cost, dw, db = 0.0, [0.0] * len(w), 0.0
        for x, y in zip(VOTES, MAJORITY, strict=True):
            y_hat = sigmoid(weighted_sum(x, w, b))
            cost += (y - y_hat) ** 2 / n
            # ∂C/∂z = ∂C/∂ŷ · ∂ŷ/∂z, then ∂z/∂w = x and ∂z/∂b = 1
            dz = 2 * (y_hat - y) / n * y_hat * (1 - y_hat)
            dw = [dw_i + dz * x_i for dw_i, x_i in zip(dw, x, strict=True)]
            db += dz
        w = [w_i - ALPHA * dw_i for w_i, dw_i in zip(w, dw, strict=True)]
        b -= ALPHA * db
        waited = 0 if cost < best - TOLERANCE else waited + 1
        best = min(best, cost)
        epochs += 1
    return w, b, epochs


def learn_from_mistakes(w, b):
    """Rosenblatt's rule with the step: correct each mistake, until an epoch has none."""
    epochs, mistakes = 0, 1
    while mistakes:
        mistakes = 0
        for x, y in zip(VOTES, MAJORITY, strict=True):
            error = y - step(weighted_sum(x, w, b))
            w = [w_i + ALPHA * error * x_i for w_i, x_i in zip(w, x, strict=True)]
            b += ALPHA * error
            mistakes += abs(error)
        epochs += 1
    return w, b, epochs


def descend_fast(net):
    history = net.train(
        VOTES,
        MAJORITY,
        epochs=MOST_EPOCHS,
        learning_rate=ALPHA,
        batch_size=len(VOTES),
        tol=TOLERANCE,
        patience=PATIENCE,
    )
    return len(history.epoch)


def learn_from_mistakes_fast(net):
    # An epoch without a mistake changes nothing, so that epochs too many do no harm.
    history = net.train(VOTES, MAJORITY, epochs=100, learning_rate=ALPHA, shuffle=False)
    return history.history["loss"].index(0) + 1


def compare(title, activation, train_plainly, train_fast):
    net = Network.from_parameters([np.zeros((7, 1))], [[0.0]], activation=activation.__name__)

    start = perf_counter()
    w, b, plain_epochs = train_plainly([0.0] * 7, 0.0)
    plain_ms = (perf_counter() - start) * 1e3
    start = perf_counter()
    fast_epochs = train_fast(net)
    fast_ms = (perf_counter() - start) * 1e3

    plain = [activation(weighted_sum(x, w, b)) for x in VOTES]
    fast = net.feedforward(VOTES)[:, 0].tolist()
    print(f"{title}\n  epochs: plain {plain_epochs}, fastnn {fast_epochs}")
    print("  votes          majority   plain  fastnn")
    for i in range(0, len(VOTES), 18):
        votes = " ".join(map(str, VOTES[i]))
        print(f"  {votes}  {MAJORITY[i]:8}  {plain[i]:6.3f}  {fast[i]:6.3f}")
    right = sum(round(y_hat) == y for y_hat, y in zip(fast, MAJORITY, strict=True))
    print(f"  right on {right} of {len(VOTES)} cases")
    ours = [*net.weights[0][:, 0], net.biases[0][0]]
    print(f"  largest difference of a weight or bias: {abs(np.subtract([*w, b], ours)).max():.1e}")
    print(f"  plain {plain_ms:.2f} ms, fastnn {fast_ms:.2f} ms, ratio {plain_ms / fast_ms:.1f}\n")


if __name__ == "__main__":
    compare("Sigmoid neuron, mean squared error", sigmoid, descend, descend_fast)
    compare("Perceptron with the step", step, learn_from_mistakes, learn_from_mistakes_fast)
