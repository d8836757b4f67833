"""Backpropagation against derivatives that are taken from losses alone."""

import itertools

import numpy as np
import pytest
from common import every_dtype
from finite_differences import central_differences
from random_networks import every_combination

from fastnn import Network

in_float64 = pytest.mark.parametrize("implementation", ["reference", "float64"], indirect=True)


def draw(hidden, output, loss):
    """Parameters, names, X and y; every z and error is farther than h from the kinks."""
    layer_sizes, n = [3, 4, 3, 2], 5
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=size) * 0.7 for size in itertools.pairwise(layer_sizes)]
    biases = [rng.normal(size=size) * 0.3 for size in layer_sizes[1:]]
    X = rng.uniform(-1, 1, (n, layer_sizes[0]))
    probabilities = loss in ("bce", "cross_entropy")
    y = rng.dirichlet([1, 1], n) if probabilities else 2 * rng.normal(size=(n, 2))
    return weights, biases, {"activation": [hidden, hidden, output], "loss": loss}, X, y


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays])


def assert_equal_and_not_zero(gradients, differences, tolerance):
    """They agree to tolerance times the largest, and no array is (nearly) all zero."""
    largest = np.abs(flat(differences)).max()
    for gradient, difference in zip(gradients, differences, strict=True):
        assert np.any(np.abs(gradient) > 1e-4 * largest)
        np.testing.assert_allclose(gradient, difference, rtol=0, atol=tolerance * largest)


@every_combination
@every_dtype
def test_check_gradients(hidden, output, loss, dtype):
    weights, biases, names, X, y = draw(hidden, output, loss)
    net = Network.from_parameters(
        [W.astype(dtype) for W in weights], [b.astype(dtype) for b in biases], **names
    )
    assert 0 < net.check_gradients(X, y) <= 1e-6


@every_combination
@in_float64
def test_gradients_are_central_differences(implementation, hidden, output, loss):
    weights, biases, names, X, y = draw(hidden, output, loss)
    gradients = implementation.network(weights, biases, **names).gradients(X, y)

    def L():
        return implementation.network(weights, biases, **names).evaluate(X, y)

    differences = central_differences(L, [*weights, *biases])
    assert_equal_and_not_zero([*gradients[0], *gradients[1]], differences, 1e-6)


@pytest.mark.unwatched
@every_combination
@in_float64
def test_an_update_is_minus_eta_times_the_derivative(implementation, hidden, output, loss):
    weights, biases, names, X, y = draw(hidden, output, loss)
    net = implementation.network(weights, biases, **names)
    eta = 0.1
    assert net.update(X[0], y[0], eta) == pytest.approx(
        implementation.network(weights, biases, **names).evaluate(X[:1], y[:1])
    )
    after = [*net.weights, *net.biases]
    steps = [new - old for new, old in zip(after, [*weights, *biases], strict=True)]

    def L():
        return implementation.network(weights, biases, **names).evaluate(X[:1], y[:1])

    differences = central_differences(L, [*weights, *biases])
    assert_equal_and_not_zero(steps, [-eta * c for c in differences], 1e-6)


@every_combination
def test_float32_gradients_are_the_float64_ones(hidden, output, loss):
    weights, biases, names, X, y = draw(hidden, output, loss)
    weights, biases = ([a.astype(np.float32) for a in arrays] for arrays in (weights, biases))
    X, y = X.astype(np.float32), y.astype(np.float32)
    single = Network.from_parameters(weights, biases, **names)
    double = Network.from_parameters(
        [W.astype(float) for W in weights], [b.astype(float) for b in biases], **names
    )
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    expected = list(itertools.chain(*double.gradients(X, y)))
    assert_equal_and_not_zero(list(itertools.chain(*single.gradients(X, y))), expected, 1e-5)

    eta = 8.0  # a step so large that rounding the weights is small beside it
    single.update(X[0], y[0], eta)
    after = [*single.weights, *single.biases]
    steps = [new - old for new, old in zip(after, [*weights, *biases], strict=True)]
    expected = itertools.chain(*double.gradients(X[:1], y[:1]))
    assert_equal_and_not_zero(steps, [-eta * g for g in expected], 1e-5)
