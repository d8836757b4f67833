"""Random networks that go to other libraries, and how near outputs must be."""

import numpy as np

from fastnn import Network, _checks

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
HIDDEN = [name for name in _checks.ACTIVATIONS if name not in ("softmax", "step")]
OUTPUTS = [*HIDDEN, "softmax"]
LOSS = {"softmax": "cross_entropy", "sigmoid": "bce"}


def random_network(rng, dtype, hidden=HIDDEN, output=None):
    """Of up to four layers, up to nine units wide."""
    n_layers = rng.integers(1, 5)
    sizes = rng.integers(1, 10, n_layers + 1)
    output = output or rng.choice(OUTPUTS)
    sizes[-1] = max(sizes[-1], 2) if output == "softmax" else sizes[-1]
    activations = [*rng.choice(hidden, n_layers - 1), output]
    net = Network(sizes, activation=activations, loss=LOSS.get(output, "mse"), dtype=dtype, seed=1)
    for parameters in net.weights + net.biases:
        parameters[:] = rng.normal(size=parameters.shape) / np.sqrt(len(parameters))
    return net


def samples(rng, net, n=20):
    return rng.normal(size=(n, net.layer_sizes[0])).astype(net.dtype)


def assert_near(actual, expected, dtype):
    """At the scale of the largest number, but of 1 at least."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    scale = max(1, np.abs(expected).max())
    assert np.abs(actual - expected).max() <= TOLERANCE[np.dtype(dtype).name] * scale


def described(net):
    """All that a network is made of, to be compared with ==."""
    numbers = [array.tolist() for array in net.weights + net.biases]
    return net.activations, net.loss, net.dtype, net.feature_names, numbers
