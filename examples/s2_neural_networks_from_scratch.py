"""
Three sigmoid neurons learn to tell women from men, one neuron at a time and by fastnn
======================================================================================

After "Machine Learning for Beginners: An Introduction to Neural Networks" by Victor Zhou (2019):
a neuron, a 2-2-1 network of neurons, the mean squared error, its partial derivatives by the chain
rule, and stochastic gradient descent over a table of four people.
"""

from time import perf_counter

import numpy as np

from fastnn import Network
from fastnn.datasets import load_people

LEARNING_RATE = 0.1
EPOCHS = 1000


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Neuron:
    def __init__(self, weights, bias):
        self.weights = np.array(weights, dtype=float)
        self.bias = bias

    def feedforward(self, inputs):
        return sigmoid(np.dot(self.weights, inputs) + self.bias)


class NeuronNetwork:
    """Two inputs, two hidden neurons h1 and h2, one output neuron o1."""

    def __init__(self, h1, h2, o1):
        self.h1, self.h2, self.o1 = h1, h2, o1

    def feedforward(self, x):
        return self.o1.feedforward([self.h1.feedforward(x), self.h2.feedforward(x)])

    def learn(self, x, target):
        """One step of SGD; dz is the derivative of the loss by a neuron's weighted sum z."""
        a1, a2 = self.h1.feedforward(x), self.h2.feedforward(x)
        y_hat = self.o1.feedforward([a1, a2])
        dz3 = -2 * (target - y_hat) * y_hat * (1 - y_hat)
        dz1 = dz3 * self.o1.weights[0] * a1 * (1 - a1)
        dz2 = dz3 * self.o1.weights[1] * a2 * (1 - a2)
        steps = (self.h1, dz1, x), (self.h2, dz2, x), (self.o1, dz3, np.array([a1, a2]))
        for neuron, dz, inputs in steps:
            neuron.weights -= LEARNING_RATE * dz * inputs
            neuron.bias -= LEARNING_RATE * dz

    def train(self, X, y):
        lines = []
        for epoch in range(EPOCHS):
            for x, target in zip(X, y, strict=True):
                self.learn(x, target)
            if epoch % 10 == 0:
                outputs = np.array([self.feedforward(x) for x in X])
                lines.append(f"Epoch {epoch} loss: {np.mean((y - outputs) ** 2):.3f}")
        return lines


def in_fastnn(*layers):
    """The same neurons as a network of fastnn: a column of weights and a bias for each neuron."""
    weights = [np.transpose([neuron.weights for neuron in layer]) for layer in layers]
    return Network.from_parameters(weights, [[neuron.bias for neuron in layer] for layer in layers])


def train_fast(net, X, y):
    """Train without shuffling, as the plain program does, and stop after epochs 0, 10, 20, ..."""
    lines = []
    for epoch in range(0, EPOCHS, 10):
        net.train(X, y, epochs=10 if epoch else 1, learning_rate=LEARNING_RATE, shuffle=False)
        lines.append(f"Epoch {epoch} loss: {net.evaluate(X, y):.3f}")
    net.train(X, y, epochs=9, learning_rate=LEARNING_RATE, shuffle=False)
    return lines


def main():
    # A neuron is a network of one layer with one neuron; three neurons make the document's network.
    n, x = Neuron([0, 1], 4), [2, 3]
    print(f"Neuron   plain {n.feedforward(x)}  fastnn {in_fastnn([n]).feedforward(x)[0]}")
    n = Neuron([0, 1], 0)
    plain, net = NeuronNetwork(n, n, n), in_fastnn([n, n], [n])
    print(f"Network  plain {plain.feedforward(x)}  fastnn {net.feedforward(x)[0]}\n")

    X, y = load_people()
    rng = np.random.default_rng(0)
    h1, h2, o1 = (Neuron(rng.normal(size=2), rng.normal()) for _ in range(3))
    net, again = in_fastnn([h1, h2], [o1]), in_fastnn([h1, h2], [o1])
    plain = NeuronNetwork(h1, h2, o1)

    start = perf_counter()
    plain_lines = plain.train(X, y)
    plain_ms = (perf_counter() - start) * 1e3
    start = perf_counter()
    fast_lines = train_fast(net, X, y)
    fast_ms = (perf_counter() - start) * 1e3
    start = perf_counter()
    again.train(X, y, epochs=EPOCHS, learning_rate=LEARNING_RATE, shuffle=False)
    call_ms = (perf_counter() - start) * 1e3

    print(f"{'Plain program':<24} | fastnn")
    for plain_line, fast_line in zip(plain_lines, fast_lines, strict=True):
        print(f"{plain_line:<24} | {fast_line}")
    print()
    for name, x in ("Emily", [-7, -3]), ("Frank", [20, 2]):
        print(f"{name}: plain {plain.feedforward(x):.3f}  fastnn {net.feedforward(x)[0]:.3f}")
    trained = in_fastnn([h1, h2], [o1])
    pairs = zip(trained.weights + trained.biases, net.weights + net.biases, strict=True)
    difference = max(abs(a - b).max() for a, b in pairs)
    print(f"Largest difference of a weight or bias: {difference:.1e}")
    print(f"Plain {plain_ms:.1f} ms, fastnn {fast_ms:.2f} ms, ratio {plain_ms / fast_ms:.0f}")
    print(f"All {EPOCHS} epochs in one call: {call_ms:.2f} ms, ratio {plain_ms / call_ms:.0f}")


if __name__ == "__main__":
    main()
