"""The network of system S2 as its document's reader writes it: 2-2-1, one variable per number."""

import math


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def predict(parameters, x):
    """The hidden neurons' outputs and the prediction, for parameters as `train` takes them."""
    w1, w2, w3, w4, w5, w6, b1, b2, b3 = parameters
    h1 = sigmoid(w1 * x[0] + w2 * x[1] + b1)
    h2 = sigmoid(w3 * x[0] + w4 * x[1] + b2)
    return h1, h2, sigmoid(w5 * h1 + w6 * h2 + b3)


def loss(parameters, rows, targets):
    """Mean squared error over the table."""
    errors = [y - predict(parameters, x)[2] for x, y in zip(rows, targets, strict=True)]
    return sum(error * error for error in errors) / len(errors)


def train(parameters, rows, targets, *, epochs, learning_rate):
    """The nine parameters (w1 ... w6, b1, b2, b3) after training, one row at a time, in order."""
    w1, w2, w3, w4, w5, w6, b1, b2, b3 = parameters
    for _ in range(epochs):
        for (x1, x2), y in zip(rows, targets, strict=True):
            h1, h2, o = predict((w1, w2, w3, w4, w5, w6, b1, b2, b3), (x1, x2))
            dL_do = -2 * (y - o)
            # f' = f (1 - f), and the chain rule, all with the weights before the update.
            do = o * (1 - o)
            dL_dh1 = dL_do * do * w5
            dL_dh2 = dL_do * do * w6
            dh1 = h1 * (1 - h1)
            dh2 = h2 * (1 - h2)
            w1 -= learning_rate * dL_dh1 * dh1 * x1
            w2 -= learning_rate * dL_dh1 * dh1 * x2
            b1 -= learning_rate * dL_dh1 * dh1
            w3 -= learning_rate * dL_dh2 * dh2 * x1
            w4 -= learning_rate * dL_dh2 * dh2 * x2
            b2 -= learning_rate * dL_dh2 * dh2
            w5 -= learning_rate * dL_do * do * h1
            w6 -= learning_rate * dL_do * do * h2
            b3 -= learning_rate * dL_do * do
    return w1, w2, w3, w4, w5, w6, b1, b2, b3
