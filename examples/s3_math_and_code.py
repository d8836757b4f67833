"""
A two-layer network learns a table of yes and no over the whole table at once
=============================================================================

After "How to create a neural network from scratch in Python — Math & Code" by PAB (Pierre-Antoine
Bannier, 2019): small random weights of shapes (inputs, hidden) and (hidden, outputs), sigmoid,
cross-entropy, backpropagation, 1000 epochs of gradient descent, the cost against the epochs.

The table is made up: four factors of health, and whether a person has diabetes. The curves are
written to cost_curve.png (needs Matplotlib), beside that of a cyclical learning rate, which the
article recommends to look at.
"""

from time import perf_counter

import numpy as np
from matplotlib import pyplot

from fastnn import Network
from fastnn.schedules import Cyclical

HIDDEN = 4
LEARNING_RATE = 10.0
EPOCHS = 1000
UP_AND_DOWN = Cyclical(2.0, 18.0, step_size=50)  # 50 epochs up, 50 down
PICTURE = "cost_curve.png"

# overweight, inactive, in the family, older than 45; has diabetes
TABLE = np.array(
    [
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 1, 0, 0, 0],
        [0, 1, 0, 1, 0],
        [0, 1, 1, 1, 1],
        [1, 0, 0, 0, 0],
        [1, 0, 1, 0, 1],
        [1, 0, 1, 1, 1],
        [1, 1, 0, 0, 0],
        [1, 1, 0, 1, 1],
        [1, 1, 1, 0, 1],
        [1, 1, 1, 1, 1],
    ]
)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class NeuralNetwork:
    def __init__(self, inputs, hidden, outputs, rng):
        self.weight1 = 0.1 * rng.normal(size=(inputs, hidden))
        self.weight2 = 0.1 * rng.normal(size=(hidden, outputs))
        self.bias1 = np.zeros(hidden)
        self.bias2 = np.zeros(outputs)

    def feedforward(self, X):
        self.a1 = sigmoid(X @ self.weight1 + self.bias1)
        return sigmoid(self.a1 @ self.weight2 + self.bias2)

    def train(self, X, y):
        """Return the cost J of each epoch, the mean cross-entropy before its step."""
        costs = []
        for _ in range(EPOCHS):
            output = self.feedforward(X)
            costs.append(-np.mean(y * np.log(output) + (1 - y) * np.log(1 - output)))
            # ∂J/∂z of both layers, with the mean's 1/n
            delta2 = (output - y) / len(X)
            delta1 = delta2 @ self.weight2.T * self.a1 * (1 - self.a1)
            self.weight2 -= LEARNING_RATE * self.a1.T @ delta2
            self.bias2 -= LEARNING_RATE * delta2.sum(axis=0)
            self.weight1 -= LEARNING_RATE * X.T @ delta1
            self.bias1 -= LEARNING_RATE * delta1.sum(axis=0)
        return costs


def main():
    X, y = TABLE[:, :4].astype(float), TABLE[:, 4:].astype(float)

    plain = NeuralNetwork(4, HIDDEN, 1, np.random.default_rng(0))
    net = Network.from_parameters(
        [plain.weight1, plain.weight2], [plain.bias1, plain.bias2], loss="bce"
    )

    cyclical = net.copy()

    start = perf_counter()
    plain_costs = plain.train(X, y)
    plain_ms = (perf_counter() - start) * 1e3

    start = perf_counter()
    history = net.train(
        X, y, epochs=EPOCHS, learning_rate=LEARNING_RATE, batch_size=len(X), shuffle=False
    )
    fast_ms = (perf_counter() - start) * 1e3
    fast_costs = history.history["loss"]

    print(f"epoch  {'cost, plain':>11}  {'cost, fastnn':>12}")
    for epoch in (*range(0, EPOCHS, 100), EPOCHS - 1):
        print(f"{epoch:5}  {plain_costs[epoch]:11.6f}  {fast_costs[epoch]:12.6f}")

    plain_outputs, fast_outputs = plain.feedforward(X), net.feedforward(X)
    print(f"\nfactors  diabetes  {'plain':>6}  {'fastnn':>6}")
    for row, output, fast in zip(TABLE, plain_outputs, fast_outputs, strict=True):
        print(f"{' '.join(map(str, row[:4]))}  {row[4]:8}  {output[0]:6.3f}  {fast[0]:6.3f}")
    cycles = cyclical.train(
        X, y, epochs=EPOCHS, learning_rate=UP_AND_DOWN, batch_size=len(X), shuffle=False
    )
    ax = history.plot()
    cycles.plot(ax)
    ax.set_yscale("log")
    ax.set_title("Cost of each epoch")
    low, high = UP_AND_DOWN.minimum, UP_AND_DOWN.maximum
    ax.legend([f"rate {LEARNING_RATE:g}", f"rate {low:g} to {high:g} and back"])
    pyplot.savefig(PICTURE)
    print(f"\nLast cost with a cyclical rate: {cycles.history['loss'][-1]:.6f} ({PICTURE})")

    print(f"\nLargest difference of an output: {abs(plain_outputs - fast_outputs).max():.1e}")
    print(f"Largest difference of a cost: {abs(np.subtract(plain_costs, fast_costs)).max():.1e}")
    print(f"Plain {plain_ms:.1f} ms, fastnn {fast_ms:.2f} ms, ratio {plain_ms / fast_ms:.0f}")


if __name__ == "__main__":
    main()
