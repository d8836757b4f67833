"""
Which pixels make a digit what it is: gradients with respect to inputs
======================================================================

After Simonyan, Vedaldi and Zisserman, Deep inside convolutional networks (2014): the saliency of a
pixel is ``|∂L/∂x|``, how much the loss would change with it. One step of each pixel in the
direction that makes the loss larger (Goodfellow, Shlens and Szegedy, Explaining and harnessing
adversarial examples, 2015) shows that the gradient means what it says.
"""

import numpy as np

from fastnn import Network, datasets

SHADES = " .:-=+*#%@"
STEP = 0.1  # of pixels from 0 to 1


def drawn(image):
    """An image of 8 × 8 numbers from 0 up, in characters."""
    shades = (image / image.max() * (len(SHADES) - 1)).round().astype(int).reshape(8, 8)
    return ["".join(2 * SHADES[shade] for shade in row) for row in shades]


def accuracy(net, X, y):
    return net.evaluate(X, y, metrics="accuracy")["accuracy"]


def main():
    X, y = datasets.load_digits()
    net = Network([64, 30, 10], activation=["tanh", "softmax"], loss="cross_entropy", seed=0)
    net.train(X[:1500], y[:1500], epochs=20, learning_rate=0.1)
    X, y = X[1500:], y[1500:]
    dL_dx = net.input_gradients(X, y)

    print(f"{'digit':<17}{'saliency':<17}")
    for left, right in zip(drawn(X[0]), drawn(np.abs(dL_dx[0])), strict=True):
        print(f"{left} {right}")

    rng = np.random.default_rng(0)
    worse = np.clip(X + STEP * np.sign(dL_dx), 0, 1)
    noisy = np.clip(X + STEP * np.sign(rng.normal(size=X.shape)), 0, 1)
    print(f"right as they are:               {accuracy(net, X, y):.3f}")
    print(f"each pixel {STEP} to a random side: {accuracy(net, noisy, y):.3f}")
    print(f"each pixel {STEP} to the worse one: {accuracy(net, worse, y):.3f}")


if __name__ == "__main__":
    main()
