"""
Neurons, layers and networks without activations, in plain Python and by fastnn
===============================================================================

After "What EXACTLY is a Neural Network? (with the math) — Let's build one from scratch!" by
Michael Ye (Medium, 2019): a neuron computes w·x + b; a layer f(X) = WX + B, where a row of W holds
the connections into one neuron; a network is layers in a chain.

fastnn computes x @ W + b, so that a *column* of W holds the connections into one neuron: the
document's matrices are handed over transposed.
"""

import random
from itertools import pairwise
from time import perf_counter

import numpy as np

from fastnn import Network


class Neuron:
    def __init__(self, weights, bias):
        self.weights = weights
        self.bias = bias

    def output(self, inputs):
        return sum(w * x for w, x in zip(self.weights, inputs, strict=True)) + self.bias


class NeuronLayer:
    def __init__(self, W, B):
        self.W, self.B = W, B
        self.neurons = [Neuron(row, bias) for row, bias in zip(W, B, strict=True)]

    def output(self, inputs):
        return [neuron.output(inputs) for neuron in self.neurons]


class NeuralNetwork:
    def __init__(self, layers):
        self.layers = layers

    def output(self, inputs):
        for layer in self.layers:
            inputs = layer.output(inputs)
        return inputs


def in_fastnn(*layers):
    """The same layers as a network of fastnn."""
    return Network.from_parameters(
        [np.transpose(layer.W) for layer in layers],
        [layer.B for layer in layers],
        activation="identity",
    )


def random_layer(inputs, neurons):
    W = [[random.uniform(-1, 1) for _ in range(inputs)] for _ in range(neurons)]
    return NeuronLayer(W, [random.uniform(-1, 1) for _ in range(neurons)])


def show(what, plain, fast):
    print(what)
    print(f"  plain   {[round(value, 12) for value in plain]}")
    print(f"  fastnn  {[round(value, 12) for value in fast.tolist()]}")


def main():
    random.seed(1)

    # A neuron is a network of one layer with one neuron: f(x) = mx + b.
    neuron = NeuronLayer([[0.5]], [2])
    show("One neuron, 0.5 x + 2 at x = 3", neuron.output([3]), in_fastnn(neuron).feedforward([3]))

    # A layer is a network of one layer: three neurons that see two inputs.
    layer = random_layer(2, 3)
    x = [1.5, -0.5]
    show("A layer of 3 neurons, WX + B", layer.output(x), in_fastnn(layer).feedforward(x))

    # An output neuron with weights 1 and bias 0 adds the three up.
    adder = NeuronLayer([[1, 1, 1]], [0])
    chain = NeuralNetwork([layer, adder])
    show("2-3-1, their sum", chain.output(x), in_fastnn(layer, adder).feedforward(x))

    # Three hidden layers.
    sizes = [2, 4, 4, 4, 1]
    layers = [random_layer(*pair) for pair in pairwise(sizes)]
    plain, fast = NeuralNetwork(layers), in_fastnn(*layers)
    show("2-4-4-4-1, three hidden layers", plain.output(x), fast.feedforward(x))

    # Without activations, layers in a chain are no more than one layer: W2 (W1 X + B1) + B2.
    W, B = np.eye(2), np.zeros(2)
    for layer in layers:
        W, B = layer.W @ W, layer.W @ B + layer.B
    one = NeuronLayer(W.tolist(), B.tolist())
    show("The four layers multiplied out into one", one.output(x), in_fastnn(one).feedforward(x))

    points = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(10_000)]
    start = perf_counter()
    plain_outputs = [plain.output(point) for point in points]
    plain_ms = (perf_counter() - start) * 1e3

    X = np.array(points)
    start = perf_counter()
    fast_outputs = fast.feedforward(X)
    fast_ms = (perf_counter() - start) * 1e3

    print(f"\n2-4-4-4-1 on {len(points):,} inputs")
    print(f"  largest difference: {abs(fast_outputs - plain_outputs).max():.1e}")
    print(f"  plain {plain_ms:.2f} ms, fastnn {fast_ms:.2f} ms, ratio {plain_ms / fast_ms:.0f}")


if __name__ == "__main__":
    main()
