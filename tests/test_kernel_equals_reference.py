"""Kernels and reference against closed forms, then the kernels against the reference."""

import itertools
import math

import numpy as np
import pytest
import reference
from common import every_dtype
from hypothesis import given
from hypothesis import strategies as st
from random_networks import (
    TOLERANCE,
    Case,
    assert_all_close,
    cases,
    draw,
    every_combination,
    examples,
)

from fastnn import _checks

LN2, LN3, LN4 = math.log(2), math.log(3), math.log(4)
# z (1 + tanh u) / 2 with u = sqrt(2 / pi) (z + 0.044715 z^3), and its derivative, to 30 digits.
GELU_OF_1 = 0.841191990608276704781995777045
GELU_DERIVATIVE_OF_1 = 1.08296408384578255513964241867


def test_the_reference_has_all_that_users_name():
    assert set(_checks.ACTIVATIONS) == {*reference.UNITS, "softmax"}
    assert set(_checks.LOSSES) == {*reference.LOSSES, "bce", "cross_entropy"}


# Closed forms, over the reference and over the kernels


@pytest.mark.parametrize(
    ("activation", "z", "a", "derivative"),
    [
        ("identity", -2.5, -2.5, 1),
        ("sigmoid", 0, 1 / 2, 1 / 4),
        ("sigmoid", LN3, 3 / 4, 3 / 16),
        ("sigmoid", -LN3, 1 / 4, 3 / 16),
        ("tanh", LN2, 3 / 5, 16 / 25),
        ("tanh", -LN2, -3 / 5, 16 / 25),
        ("relu", 2.5, 2.5, 1),
        ("relu", -2.5, 0, 0),
        ("relu", 0, 0, 0),
        ("leaky_relu", 2.5, 2.5, 1),
        ("leaky_relu", -2.5, -0.025, 0.01),
        ("leaky_relu", 0, 0, 0.01),
        ("elu", 2.5, 2.5, 1),
        ("elu", -LN2, -1 / 2, 1 / 2),
        ("elu", 0, 0, 1),
        ("softplus", 0, LN2, 1 / 2),
        ("softplus", LN3, LN4, 3 / 4),
        ("softplus", -LN3, math.log(4 / 3), 1 / 4),
        ("silu", 0, 0, 1 / 2),
        ("silu", LN3, 3 / 4 * LN3, 3 / 4 + 3 / 16 * LN3),
        ("silu", -LN3, -1 / 4 * LN3, 1 / 4 - 3 / 16 * LN3),
        ("gelu", 0, 0, 1 / 2),
        ("gelu", 1, GELU_OF_1, GELU_DERIVATIVE_OF_1),
        ("gelu", -1, GELU_OF_1 - 1, 1 - GELU_DERIVATIVE_OF_1),
        ("softmax", 0.7, 1, 0),
    ],
)
def test_activation_and_its_derivative(implementation, activation, z, a, derivative):
    one_unit = implementation.network([[[0]]], [[z]], activation=activation)
    implementation.assert_close(one_unit.feedforward([1.0]), [a])
    # The squared error of 1/2 has dL/da = 1, so that dL/db = da/dz.
    _, (dL_db,) = one_unit.gradients([[1.0]], [[a - 0.5]])
    np.testing.assert_allclose(dL_db, [derivative], rtol=0, atol=implementation.rounding)


@pytest.mark.parametrize(
    ("activation", "z", "a"),
    [
        ("sigmoid", [1000, -1000], [1, 0]),
        ("tanh", [1000, -1000], [1, -1]),
        ("elu", [1000, -1000], [1000, -1]),
        ("softplus", [1000, -1000], [1000, 0]),
        ("silu", [1000, -1000], [1000, 0]),
        ("gelu", [1000, -1000], [1000, 0]),
        ("softmax", [1000, -1000], [1, 0]),
        ("step", [1e-30, 0], [1, 0]),
    ],
)
def test_activation_at_its_limits(implementation, activation, z, a):
    net = implementation.network([np.zeros((1, 2))], [z], activation=activation)
    np.testing.assert_array_equal(net.feedforward([1.0]), a)


@pytest.mark.parametrize(
    ("activation", "loss", "z", "y", "L", "delta"),
    [
        ("identity", "mse", [1, -2], [0.5, 0], 17 / 8, [1 / 2, -2]),
        ("identity", "mae", [1, -2], [0.5, 0], 5 / 4, [1 / 2, -1 / 2]),
        ("identity", "mae", [1, -2], [1, 0], 1, [0, -1 / 2]),
        ("identity", "huber", [1, -2], [0.5, 0], 13 / 16, [1 / 4, -1 / 2]),
        ("identity", "huber", [1, -2], [0, -2], 1 / 4, [1 / 2, 0]),
        ("sigmoid", "bce", [LN3, 0], [1, 0], math.log(8 / 3) / 2, [-1 / 8, 1 / 4]),
        ("sigmoid", "bce", [LN3, 0], [0.5, 0.5], LN4 / 2 - LN3 / 4 + LN2 / 2, [1 / 8, 0]),
        ("sigmoid", "bce", [1000, -1000], [0, 1], 1000, [1 / 2, -1 / 2]),
        ("sigmoid", "bce", [1000, -1000], [1, 0], 0, [0, 0]),
        ("softmax", "cross_entropy", [LN3, 0], 0, math.log(4 / 3), [-1 / 4, 1 / 4]),
        ("softmax", "cross_entropy", [LN3, 0], 1, LN4, [3 / 4, -3 / 4]),
        ("softmax", "cross_entropy", [LN3, 0], [0.5, 0.5], LN4 - LN3 / 2, [1 / 4, -1 / 4]),
        ("softmax", "cross_entropy", [1000, -1000], 1, 2000, [1, -1]),
        ("softmax", "mse", [LN3, 0], [1, 0], 1 / 16, [-3 / 32, 3 / 32]),
        ("softmax", "mae", [LN3, 0], [1, 0], 1 / 4, [-3 / 16, 3 / 16]),
        ("softmax", "huber", [LN3, 0], [1, 0], 1 / 32, [-3 / 64, 3 / 64]),
    ],
)
def test_loss_and_delta_of_one_sample(implementation, activation, loss, z, y, L, delta):
    net = implementation.network([np.zeros((1, 2))], [z], activation=activation, loss=loss)
    implementation.assert_close(net.evaluate([[1.0]], [y]), L)
    (dL_dW,), (dL_db,) = net.gradients([[2.0]], [y])
    implementation.assert_close(dL_db, delta)
    implementation.assert_close(dL_dW, [np.multiply(2, delta)])


def test_loss_and_gradients_of_several_samples_are_means(implementation):
    net = implementation.network([[[2]]], [[1]], activation="identity")
    X, y = [[0.0], [1.0], [2.0]], [0.0, 0.0, 6.0]  # errors 1, 3 and -1
    implementation.assert_close(net.evaluate(X, y), (1 + 9 + 1) / 3)
    (dL_dW,), (dL_db,) = net.gradients(X, y)
    implementation.assert_close(dL_dW, [[2 * (0 + 3 - 2) / 3]])
    implementation.assert_close(dL_db, [2 * (1 + 3 - 1) / 3])


def test_the_last_batch_is_averaged_over_its_own_size(implementation):
    net = implementation.network([[[0]]], [[0]], activation="identity")
    X, y = [[0.0], [0.0], [0.0]], [1.0, 1.0, 4.0]
    history = net.train(X, y, epochs=1, learning_rate=0.25, batch_size=2, shuffle=False)
    # b: 0, then 0 + 0.25 * 2 * 1 = 1/2, then 1/2 + 0.25 * 2 * (4 - 1/2) = 9/4.
    implementation.assert_close(net.biases[0], [9 / 4])
    implementation.assert_close(history.history["loss"], [(1 + 1 + 3.5**2) / 3])


def test_update_is_one_step_and_returns_the_loss_before_it(implementation):
    net = implementation.network([[[1], [0]]], [[0]], activation="identity")
    loss = net.update([1.0, 2.0], 3.0, 0.25)  # error -2, delta -4
    assert isinstance(loss, float)
    assert loss == 4
    implementation.assert_close(net.weights[0], [[2], [2]])
    implementation.assert_close(net.biases[0], [1])


def test_training_stops_after_patience_epochs_without_improvement(implementation):
    net = implementation.network([[[0]]], [[0]], activation="identity")
    history = net.train(
        [[0.0]], [1.0], epochs=100, learning_rate=0.5, tol=0.0, patience=3, shuffle=False
    )
    assert history.history["loss"] == [1, 0, 0, 0, 0]
    assert list(history.epoch) == [0, 1, 2, 3, 4]


def test_an_improvement_of_less_than_tol_is_none_though_many_add_up(implementation):
    net = implementation.network([[[0]]], [[0]], activation="identity", loss="mae")
    history = net.train(
        [[0.0]], [1.0], epochs=100, learning_rate=1 / 16, tol=1 / 8, patience=5, shuffle=False
    )
    assert history.history["loss"] == [1, 15 / 16, 14 / 16, 13 / 16, 12 / 16, 11 / 16]


def test_improving_training_is_not_stopped(implementation):
    net = implementation.network([[[0]]], [[0]], activation="identity", loss="mae")
    history = net.train(
        [[0.0]], [1.0], epochs=10, learning_rate=1 / 16, tol=1 / 32, patience=1, shuffle=False
    )
    assert history.history["loss"] == [1 - epoch / 16 for epoch in range(10)]


# The kernels against the reference, over 50 updates

# Batch size: samples and epochs that make 50 updates. The last batch of 13 samples has one.
SCHEDULES = {1: (10, 5), 3: (13, 10), "all": (6, 50)}


def assert_kernel_equals_reference(case, batch_size):
    """Outputs, loss and gradients before training; losses and parameters after 50 updates."""
    n, epochs = SCHEDULES[batch_size]
    batch_size = n if batch_size == "all" else batch_size
    training = {"epochs": epochs, "learning_rate": 0.05, "batch_size": batch_size}
    tolerance = TOLERANCE[case.dtype]

    for attempt in range(100):
        reference, kernel, X, y = draw(case, n, attempt)
        untrained = results(reference, X.tolist(), y.tolist())
        losses = reference.train(X.tolist(), y.tolist(), **training)
        if reference.distance > tolerance / 5:
            break
    else:
        raise AssertionError("every draw came too near to a kink")

    assert_all_close(results(kernel, X, y), untrained, tolerance)
    history = kernel.train(X, y, shuffle=False, **training)
    assert_all_close([history.history["loss"]], [losses], tolerance)
    assert_all_close(kernel.weights, reference.weights, tolerance)
    assert_all_close(kernel.biases, reference.biases, tolerance)


def results(network, X, y):
    """What a network says of X and y without training.

    Predictions lie in one array, and derivatives in another, lest one that cancels to almost
    nothing is asked for more digits than its terms have.
    """
    predictions = np.vstack([network.feedforward(X), network.feedforward(X[0])])
    if "step" in network.activations:
        return [predictions, network.evaluate(X, y)]
    gradients = itertools.chain(*network.gradients(X, y))
    derivatives = np.concatenate([np.ravel(gradient) for gradient in gradients])
    return [predictions, network.evaluate(X, y), derivatives]


@pytest.mark.unwatched
@every_dtype
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
@examples(20)
@given(st.data())
def test_random_networks(depth, dtype, data):
    widest = 40 if depth < 4 else 20  # what the reference computes in a second
    case = data.draw(cases(depth, dtype, st.integers(1, widest)))
    assert_kernel_equals_reference(case, data.draw(st.sampled_from([3, "all", 1])))


@pytest.mark.unwatched
@examples(20)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["float64", "float32"]),
    st.integers(0, 2**32 - 1),
)
def test_random_perceptrons(n_in, n_out, dtype, seed):
    assert_kernel_equals_reference(Case([n_in, n_out], ["step"], "mse", dtype, seed), 1)


@pytest.mark.parametrize("batch_size", [1, 3, "all"])
@every_dtype
@every_combination
def test_every_activation_with_every_loss(hidden, output, loss, dtype, batch_size):
    assert_kernel_equals_reference(
        Case([3, 4, 2], [hidden, output], loss, dtype, seed=0), batch_size
    )


@every_dtype
def test_step_perceptron(dtype):
    assert_kernel_equals_reference(Case([4, 3], ["step"], "mse", dtype, seed=0), 1)


@every_dtype
@pytest.mark.parametrize(
    ("output", "loss"),
    [
        *((output, loss) for output in ("identity", "step") for loss in ("mse", "mae", "huber")),
        ("sigmoid", "bce"),
        ("softmax", "cross_entropy"),
    ],
)
def test_step_units_that_cannot_be_trained_predict(output, loss, dtype):
    case = Case([5, 7, 7, 2], ["step", "step", output], loss, dtype, seed=0)
    reference, kernel, X, y = draw(case, n=20)
    assert_all_close(results(kernel, X, y), results(reference, X.tolist(), y.tolist()), 1e-6)
    assert np.ptp(kernel.feedforward(X), axis=0).min() > 0.1
