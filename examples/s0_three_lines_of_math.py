"""
One layer of neurons in three equations, by NumPy and by fastnn
===============================================================

After "How to build a Neural Net in three lines of math" by Ajay Uppili Arasanipalai
(freeCodeCamp, 2019):

    1. z = Wx + b
    2. ŷ = sigmoid(z) for classes, ŷ = ReLU(z) for numbers
    3. W' = W - alpha ∂L/∂W, and the same for b

A classifier (cat or dog; sigmoid, binary cross-entropy) and a predictor of numbers (the age of a
child; ReLU, squared error) learn from made-up tables.

The document sums its loss L over the n examples, fastnn takes their mean. Its gradient is n times
ours, and for the same steps its learning rate alpha is ours divided by n.
"""

from time import perf_counter

import numpy as np

from fastnn import Network

EPOCHS = 2000

# weight in kg minus 10, height at the shoulder in dm minus 4; 0 is a cat, 1 is a dog
ANIMALS = np.array([[-6, -1.6], [-5, -1.4], [-7, -1.7], [-3, -0.9], [2, 0.3], [9, 1.4]])
SPECIES = np.array([[0], [0], [0], [1], [1], [1]])

# height in m minus 1.2, gender; the age in years
CHILDREN = np.array([[-0.25, 0], [-0.13, 1], [-0.01, 0], [0.12, 1], [0.22, 0], [0.37, 1]])
AGES = np.array([[3], [5], [7], [9], [11], [13]])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return np.maximum(0, z)


def binary_cross_entropy(y, y_hat):
    return -np.sum(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))


def squared_error(y, y_hat):
    return np.sum((y - y_hat) ** 2)


def train_plainly(W, b, X, y, alpha, activation):
    """Follow the three equations; a row of X is an example x."""
    for _ in range(EPOCHS):
        z = X @ W + b
        y_hat = activation(z)
        # The chain rule; for the sigmoid and binary cross-entropy most factors cancel.
        dz = y_hat - y if activation is sigmoid else 2 * (y_hat - y) * (z > 0)
        W = W - alpha * X.T @ dz
        b = b - alpha * dz.sum(axis=0)
    return W, b


def compare(title, X, y, alpha, activation, loss):
    """Train both ways from the same start and print what came out."""
    n = len(X)
    net = Network(
        [2, 1],
        activation=activation.__name__,
        loss="bce" if activation is sigmoid else "mse",
        seed=1,
    )
    W, b = net.weights[0].copy(), net.biases[0].copy()
    before = loss(y, activation(X @ W + b))

    start = perf_counter()
    W, b = train_plainly(W, b, X, y, alpha, activation)
    plain_ms = (perf_counter() - start) * 1e3
    y_plain = activation(X @ W + b)

    start = perf_counter()
    net.train(X, y, epochs=EPOCHS, learning_rate=alpha * n, batch_size=n)
    fast_ms = (perf_counter() - start) * 1e3
    y_fast = net.feedforward(X)

    print(title)
    print(f"  {'example':>15}  {'y':>6}  {'plain':>8}  {'fastnn':>8}")
    for x, target, plain, fast in zip(X, y, y_plain, y_fast, strict=True):
        print(f"  {x!s:>15}  {target[0]:6}  {plain[0]:8.4f}  {fast[0]:8.4f}")
    print(f"  L before training  {before:.6f}")
    print(f"  L after, plain     {loss(y, y_plain):.6f}")
    print(f"  L after, fastnn    {n * net.evaluate(X, y):.6f}")
    difference = max(abs(net.weights[0] - W).max(), abs(net.biases[0] - b).max())
    print(f"  largest difference of a weight or bias: {difference:.1e}")
    print(f"  plain {plain_ms:.2f} ms, fastnn {fast_ms:.2f} ms, ratio {plain_ms / fast_ms:.0f}\n")


if __name__ == "__main__":
    compare("Cat (0) or dog (1)?", ANIMALS, SPECIES, 0.01, sigmoid, binary_cross_entropy)
    compare("How old is the child?", CHILDREN, AGES, 0.05, relu, squared_error)
