"""The five systems (S0 to S4), each with the numbers that its document gives.

Every network runs as the reference and as the kernels in float64 and float32, unless it needs
what only fastnn.Network has: initialisers and a shuffled order.
"""

import itertools
import math

import numpy as np
import pytest
import scalar_program
from common import every_dtype
from finite_differences import central_differences

from fastnn import Network, datasets

LN3 = math.log(3)  # sigmoid(LN3) = 3/4, sigmoid(-LN3) = 1/4

in_float64 = pytest.mark.parametrize("implementation", ["reference", "float64"], indirect=True)


# S0: z = Wx + b; prediction f(z); W' = W - alpha dL/dW and b' = b - alpha dL/db


def test_s0_the_three_equations_by_hand(implementation):
    X, y = [[1, 2], [-1, 1], [0, -2]], [1, 0, 1]
    net = implementation.network([[[LN3], [0]]], [[0]], activation="sigmoid", loss="bce")

    # 1 and 2: z = [ln 3, -ln 3, 0], prediction = sigmoid(z)
    implementation.assert_close(net.feedforward(X), [[3 / 4], [1 / 4], [1 / 2]])

    # 3: the document's L is a sum over the three examples, evaluate a mean of them.
    L = -math.log(3 / 4) - math.log(1 - 1 / 4) - math.log(1 / 2)
    implementation.assert_close(3 * net.evaluate(X, y), L)

    # prediction - y = [-1/4, 1/4, -1/2], times each column of X
    dL_dW = [[-1 / 4 - 1 / 4], [-1 / 2 + 1 / 4 + 1]]
    dL_db = [-1 / 2]
    # So is the gradient: alpha = 1/10 there is a learning rate of 3/10 here.
    net.train(X, y, epochs=1, learning_rate=0.3, batch_size=3, shuffle=False)
    implementation.assert_close(net.weights[0], np.subtract([[LN3], [0]], np.multiply(0.1, dL_dW)))
    implementation.assert_close(net.biases[0], np.multiply(-0.1, dL_db))


def test_s0_a_classifier_learns(implementation):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (40, 2))
    y = (X[:, 0] > X[:, 1]).astype(float)
    net = implementation.network([[[0], [0]]], [[0]], activation="sigmoid", loss="bce")
    history = net.train(X, y, epochs=100, learning_rate=2.0, batch_size=40, shuffle=False)
    losses = history.history["loss"]
    assert losses[0] == pytest.approx(math.log(2))
    assert np.all(np.diff(losses) < 0)
    assert np.array_equal(net.feedforward(X)[:, 0] > 0.5, y == 1)


def test_s0_a_number_predictor_learns(implementation):
    """Age in decades, from height in metres and gender."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(0.5, 1.2, 40), rng.integers(2, size=40)])
    y = 2 * X[:, 0] - 0.25 * X[:, 1] + 0.1
    net = implementation.network([[[1], [0]]], [[0]], activation="relu", loss="mse")
    before = net.evaluate(X, y)
    losses = net.train(X, y, epochs=500, learning_rate=0.1, shuffle=False).history["loss"]
    assert losses[-1] < 1e-6 < 1e-2 < before
    np.testing.assert_allclose(net.feedforward(X)[:, 0], y, rtol=0, atol=0.01)


# S1: a neuron is w . x + b, a layer WX + B with a neuron in each row of W, a network their chain


def test_s1_one_neuron_is_a_line(implementation):
    net = implementation.network([[[2]]], [[-3]], activation="identity")
    implementation.assert_close(net.feedforward([5]), [2 * 5 - 3])


def test_s1_three_neurons_summed(implementation):
    """f(x) = (w1 x + b1) + (w2 x + b2) + (w3 x + b3)."""
    net = implementation.network([[[1, 2, -4]], [[1]] * 3], [[5, 0, 7], [0]], activation="identity")
    implementation.assert_close(net.feedforward([3]), [(3 + 5) + (6 + 0) + (-12 + 7)])


@pytest.mark.parametrize("layer_sizes", [[2, 3, 1], [2, 4, 4, 4, 1]])
def test_s1_identity_layers_are_the_matrix_formula(implementation, layer_sizes):
    rng = np.random.default_rng(1)
    W = [rng.normal(size=size) for size in zip(layer_sizes[1:], layer_sizes[:-1], strict=True)]
    B = [rng.normal(size=size) for size in layer_sizes[1:]]
    net = implementation.network([W_l.T for W_l in W], B, activation="identity")

    X = rng.normal(size=2)
    layer = X
    for W_l, B_l in zip(W, B, strict=True):
        layer = W_l @ layer + B_l
    implementation.assert_close(net.feedforward(X), layer)


@pytest.mark.parametrize("layer_sizes", [[2, 3, 1], [2, 4, 4, 4, 1], [3, 5, 2]])
def test_s1_identity_layers_are_one_linear_map(implementation, layer_sizes):
    rng = np.random.default_rng(2)
    weights = [rng.normal(size=size) for size in itertools.pairwise(layer_sizes)]
    biases = [rng.normal(size=size) for size in layer_sizes[1:]]
    W, b = weights[0], biases[0]
    for W_l, b_l in zip(weights[1:], biases[1:], strict=True):
        W, b = W @ W_l, b @ W_l + b_l

    X = rng.normal(size=(10, layer_sizes[0]))
    chain = implementation.network(weights, biases, activation="identity").feedforward(X)
    implementation.assert_close(chain, X @ W + b)
    one_layer = implementation.network([W], [b], activation="identity").feedforward(X)
    implementation.assert_close(chain, one_layer)


# S2: sigmoid, squared error, per-sample descent over four people

PEOPLE = [[-2, -1], [25, 6], [17, 4], [-15, -6]]
GENDERS = [1, 0, 0, 1]


def test_s2_one_neuron(implementation):
    net = implementation.network([[[0], [1]]], [[4]])
    implementation.assert_close(net.feedforward([2, 3]), [0.9990889488055994])


def test_s2_three_equal_neurons(implementation):
    net = implementation.network([[[0, 0], [1, 1]], [[0], [1]]], [[0, 0], [0]])
    implementation.assert_close(net.feedforward([2, 3]), [0.7216325609518421])


def test_s2_mean_squared_error_of_predicting_zero(implementation):
    net = implementation.network([[[0], [0]]], [[0]], activation="identity")
    assert net.evaluate(PEOPLE, GENDERS) == 0.5


def test_s2_the_partial_derivative_of_the_document(implementation):
    net = implementation.network([[[1, 1], [1, 1]], [[1], [1]]], [[0, 0], [0]])
    hidden = implementation.network([[[1, 1], [1, 1]]], [[0, 0]])
    np.testing.assert_allclose(hidden.feedforward([-2, -1]), 0.0474, rtol=0, atol=5e-5)
    np.testing.assert_allclose(net.feedforward([-2, -1]), 0.524, rtol=0, atol=5e-4)
    (dL_dW1, _), _ = net.gradients([[-2, -1]], [1])
    # The document rounds each factor, -0.952 * 0.249 * -0.0904, and gets 0.0214.
    np.testing.assert_allclose(
        dL_dW1,
        [[0.021469535265811107] * 2, [0.021469535265811107 / 2] * 2],
        rtol=implementation.rounding * 10,
    )


# w1 to w6, then b1 to b3: w1 and w2 lead to h1, w3 and w4 to h2, w5 and w6 from them to o1.
START = (0.5, -0.3, 0.8, 0.1, -0.6, 0.9, 0.2, -0.4, 0.05)


def network_of(implementation, parameters):
    w1, w2, w3, w4, w5, w6, b1, b2, b3 = parameters
    return implementation.network([[[w1, w3], [w2, w4]], [[w5], [w6]]], [[b1, b2], [b3]])


def parameters_of(net):
    (((w1, w3), (w2, w4)), ((w5,), (w6,))), ((b1, b2), (b3,)) = net.weights, net.biases
    return np.array([w1, w2, w3, w4, w5, w6, b1, b2, b3])


@in_float64
def test_s2_the_original_scalar_program_step_for_step(implementation):
    net, expected = network_of(implementation, START), START
    for x, y in zip(PEOPLE, GENDERS, strict=True):
        loss = net.update(x, y, 0.1)
        assert loss == pytest.approx(scalar_program.loss(expected, [x], [y]), rel=1e-13)
        expected = scalar_program.train(expected, [x], [y], epochs=1, learning_rate=0.1)
        np.testing.assert_allclose(parameters_of(net), expected, rtol=0, atol=1e-13)
    trained = network_of(implementation, START)
    trained.train(PEOPLE, GENDERS, epochs=1, learning_rate=0.1, shuffle=False)
    np.testing.assert_allclose(parameters_of(trained), expected, rtol=0, atol=1e-13)


@in_float64
def test_s2_the_original_scalar_program_after_1000_epochs(implementation):
    net = network_of(implementation, START)
    net.train(PEOPLE, GENDERS, epochs=1000, learning_rate=0.1, shuffle=False)
    expected = scalar_program.train(START, PEOPLE, GENDERS, epochs=1000, learning_rate=0.1)
    np.testing.assert_allclose(parameters_of(net), expected, rtol=0, atol=1e-9)


@in_float64
def test_s2_the_losses_printed_every_10_epochs(implementation):
    """The original computes them after the epochs 0, 10, 20 and so on."""
    net, expected = network_of(implementation, START), START
    losses = []
    for epochs in [1] + [10] * 99:
        net.train(PEOPLE, GENDERS, epochs=epochs, learning_rate=0.1, shuffle=False)
        expected = scalar_program.train(expected, PEOPLE, GENDERS, epochs=epochs, learning_rate=0.1)
        losses.append(net.evaluate(PEOPLE, GENDERS))
        assert losses[-1] == pytest.approx(
            scalar_program.loss(expected, PEOPLE, GENDERS), rel=0, abs=1e-9
        )
    assert losses[-1] < 0.01 < 0.2 < losses[0]


def test_s2_new_people(implementation):
    net = network_of(implementation, START)
    net.train(PEOPLE, GENDERS, epochs=1000, learning_rate=0.1, shuffle=False)
    emily, frank = net.feedforward([[-7, -3], [20, 2]])[:, 0]
    assert emily > 0.9
    assert frank < 0.1


@every_dtype
@pytest.mark.parametrize("seed", range(5))
def test_s2_as_the_document_runs_it(dtype, seed):
    """From standard normal weights and biases."""
    X, y = datasets.load_people()
    assert np.array_equal(X, PEOPLE)
    assert np.array_equal(y, GENDERS)
    net = Network([2, 2, 1], initializer="normal", dtype=dtype, seed=seed)
    assert all(np.all(start != 0) for start in [*net.weights, *net.biases])
    losses = net.train(X, y, epochs=1000, learning_rate=0.1).history["loss"]
    assert len(losses) == 1000
    assert losses[-1] < 0.02 < losses[0]
    emily, frank = net.feedforward([[-7, -3], [20, 2]])[:, 0]
    assert emily > 0.9
    assert frank < 0.1


# S3: two layers, small random start, sigmoid, cross-entropy, descent over the whole table

# Who smokes, is obese, exercises; obesity brings diabetes unless one exercises and does not smoke.
HEALTH = list(itertools.product([0, 1], repeat=3))
DIABETIC = [int(obese and (smokes or not exercises)) for smokes, obese, exercises in HEALTH]


def two_layers(implementation, hidden):
    start = Network([3, 4, 1], initializer="small", seed=0)
    assert 0 < max(np.abs(W).max() for W in start.weights) < 0.1
    return implementation.network(
        start.weights, start.biases, activation=[hidden, "sigmoid"], loss="bce"
    )


@in_float64
def test_s3_the_gradient_chain(implementation):
    net = two_layers(implementation, "sigmoid")
    weights, biases = [W.copy() for W in net.weights], [b.copy() for b in net.biases]

    def J():
        changed = implementation.network(weights, biases, activation="sigmoid", loss="bce")
        return changed.evaluate(HEALTH, DIABETIC)

    differences = central_differences(J, [*weights, *biases])
    gradients = itertools.chain(*net.gradients(HEALTH, DIABETIC))
    for gradient, difference in zip(gradients, differences, strict=True):  # W1, W2, b1, b2
        largest = np.abs(gradient).max()
        assert largest > 1e-6
        np.testing.assert_allclose(gradient, difference, rtol=0, atol=1e-6 * largest)


@pytest.mark.parametrize("hidden", ["sigmoid", "relu"])
def test_s3_the_table_is_learned(implementation, hidden):
    net = two_layers(implementation, hidden)
    history = net.train(
        HEALTH, DIABETIC, epochs=1000, learning_rate=1.0, batch_size=len(HEALTH), shuffle=False
    )
    costs = history.history["loss"]
    assert len(costs) == 1000
    assert costs[0] == pytest.approx(math.log(2), abs=0.01)
    assert costs[-1] < 0.02
    assert np.array_equal(net.feedforward(HEALTH)[:, 0] > 0.5, DIABETIC)


# S4: the perceptron, sigmoid or step, squared error C averaged over the table, until convergence


def test_s4_the_derivatives_of_the_cost_by_hand(implementation):
    X, y = [[1, 2], [-1, 1], [0, 4]], [1, 0, 0]
    net = implementation.network([[[LN3], [0]]], [[0]])
    # Predictions [3/4, 1/4, 1/2]; dC/dz = 2 (prediction - y) prediction (1 - prediction)
    implementation.assert_close(net.evaluate(X, y), (1 / 16 + 1 / 16 + 1 / 4) / 3)
    dC_dz = [2 * -1 / 4 * 3 / 16, 2 * 1 / 4 * 3 / 16, 2 * 1 / 2 * 1 / 4]
    (dC_dw,), (dC_db,) = net.gradients(X, y)
    implementation.assert_close(
        dC_dw, [[(dC_dz[0] - dC_dz[1]) / 3], [(2 * dC_dz[0] + dC_dz[1] + 4 * dC_dz[2]) / 3]]
    )
    implementation.assert_close(dC_db, [sum(dC_dz) / 3])


def test_s4_training_stops_by_itself_at_convergence(implementation):
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0.2, 0.3, 0.6, 0.5]
    net = implementation.network([[[0.5], [-0.5]]], [[0.5]])
    history = net.train(
        X, y, epochs=100_000, learning_rate=1.0, batch_size=4, tol=1e-7, patience=5, shuffle=False
    )
    costs = history.history["loss"]
    assert 100 < len(costs) < 100_000
    improvements = -np.diff(costs)
    assert np.all(improvements[:-5] > 1e-7)
    assert np.all(improvements[-5:] <= 1e-7)
    dC_dw, dC_db = net.gradients(X, y)
    assert max(np.abs(dC_dw).max(), np.abs(dC_db).max()) < 1e-3


@pytest.mark.parametrize("targets", [[0, 0, 0, 1], [0, 1, 1, 1]], ids=["and", "or"])
def test_s4_the_step_perceptron_separates_and_then_stays(implementation, targets):
    X = [[0, 0], [0, 1], [1, 0], [1, 1]]
    net = implementation.network([[[0], [0]]], [[0]], activation="step")
    # (w, b) = (1, 1, -3/2) separates "and", (1, 1, -1/2) "or". By Novikoff's theorem at most
    # |x|^2 |(w, b)|^2 / margin^2 = 3 * 4.25 / 0.25 = 51 updates change anything.
    mistakes = 0
    for _ in range(52):
        mistakes += sum(net.update(x, y, 1.0) for x, y in zip(X, targets, strict=True))
    assert 0 < mistakes <= 51
    assert np.array_equal(net.feedforward(X)[:, 0], targets)

    w, b = net.weights[0].copy(), net.biases[0].copy()
    history = net.train(X, targets, epochs=10, learning_rate=1.0, shuffle=False)
    assert history.history["loss"] == [0] * 10
    assert np.array_equal(net.weights[0], w)
    assert np.array_equal(net.biases[0], b)


def test_s4_the_perceptron_rule_by_hand(implementation):
    net = implementation.network([[[1], [-1]]], [[0]], activation="step")
    assert net.update([1, 2], 1, 0.5) == 1  # z = -1: w + 0.5 x, b + 0.5
    implementation.assert_close(net.weights[0], [[1.5], [0]])
    implementation.assert_close(net.biases[0], [0.5])
    assert net.update([2, 1], 0, 0.5) == 1  # z = 3.5: w - 0.5 x, b - 0.5
    implementation.assert_close(net.weights[0], [[0.5], [-0.5]])
    implementation.assert_close(net.biases[0], [0])
    assert net.update([1, 1], 0, 0.5) == 0  # z = 0, which the step takes for 0
    implementation.assert_close(net.weights[0], [[0.5], [-0.5]])
