"""
Quantiles instead of a mean: a loss that fastnn does not have, by its gradient
==============================================================================

After Koenker and Bassett, Regression quantiles (1978). For the quantile q of y, with d = y - a,

    L = Σ max(q d, (q - 1) d) / n,    ∂L/∂a = -q / n for d > 0, else (1 - q) / n.

A network with three outputs learns the 10 %, 50 % and 90 % quantiles of numbers whose spread grows
with x; how many of them lie below each is known here.
"""

import numpy as np

from fastnn import Network

QUANTILES = np.array([0.1, 0.5, 0.9])


def draw(rng, n):
    """y is normal around sin(3x), with a standard deviation of 0.1 to 0.5."""
    x = rng.uniform(-1, 1, (n, 1))
    return x, np.sin(3 * x) + (0.3 + 0.2 * x) * rng.normal(size=(n, 1))


def loss(a, y):
    d = y - a
    return np.maximum(QUANTILES * d, (QUANTILES - 1) * d).sum() / len(y)


def gradient(a, y):
    return np.where(y > a, -QUANTILES, 1 - QUANTILES) / len(y)


def main():
    rng = np.random.default_rng(0)
    x, y = draw(rng, 2000)
    net = Network([1, 32, 3], activation=["tanh", "identity"], seed=0)
    print(f"loss before {loss(net.feedforward(x), y):.3f}")
    for epoch in range(200):
        eta = 0.01 * 0.98**epoch
        for rows in np.split(rng.permutation(len(x)), 20):
            a = net.feedforward(x[rows])
            found = net.backward(x[rows], gradient(a, y[rows]))
            net.step(found, optimizer="adam", learning_rate=eta)
    print(f"loss after  {loss(net.feedforward(x), y):.3f}")

    x, y = draw(rng, 20_000)
    a = net.feedforward(x)
    for q, below in zip(QUANTILES, (y < a).mean(axis=0), strict=True):
        print(f"quantile {q:.1f}: {below:.3f} of new numbers lie below it")
    print("   x   10 %   50 %   90 %")
    for at in (-0.8, 0.0, 0.8):
        low, middle, high = net.feedforward([at])
        print(f"{at:4.1f}  {low:5.2f}  {middle:5.2f}  {high:5.2f}")


if __name__ == "__main__":
    main()
