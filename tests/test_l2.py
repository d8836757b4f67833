"""L2 in every form: W <- W - eta (∂L/∂W + lambda W), and ½ lambda ‖W‖² in the loss."""

import copy
import dataclasses
import itertools

import numpy as np
import pytest
from common import chunks_of, every_dtype
from finite_differences import central_differences
from hypothesis import given
from hypothesis import strategies as st
from random_networks import (
    ANY_WIDTH,
    DENSITIES,
    Case,
    assert_equal_to_reference,
    bits,
    cases,
    draw,
    every_combination,
    examples,
    parameters,
    put_zeros,
    trained,
)

from fastnn import Network, TrainingDivergedError, optimizers
from fastnn._core import chunks
from fastnn._training.forms import FORMS
from fastnn.optimizers import SGD

every_form = pytest.mark.parametrize("form", FORMS)

N = 75  # samples: two blocks, and a part of one

# eta lambda. From 0.352 on, 1 - eta lambda to the power of 32 is below 2^-20; 1 makes each W anew.
GENTLE = [1e-3, 0.03, 0.35]
STRONG = [0.36, 0.5, 1, 1.5]


def make(layer_sizes=(20, 13, 3), dtype="float64", density=1):
    """A network, X and y; the sigmoids in the padding of a are not zero."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, layer_sizes[0])).astype(dtype)
    put_zeros(X, density, rng)
    y = rng.normal(size=(N, layer_sizes[-1])).astype(dtype)
    activations = ["sigmoid"] * (len(layer_sizes) - 2) + ["identity"]
    net = Network(layer_sizes, activation=activations, dtype=dtype, seed=0)
    for b in net.biases:
        b[:] = rng.normal(size=b.shape)
    return net, X, y


def half_squares(net):
    return sum(np.sum(W.astype(float) ** 2) for W in net.weights) / 2


# Beside the reference


@pytest.mark.unwatched
@every_dtype
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@examples(6)
@given(st.data())
def test_random_networks_in_every_form(depth, dtype, data):
    case = data.draw(cases(depth, dtype, ANY_WIDTH, st.integers(1, 20), DENSITIES))
    n = data.draw(st.integers(33, 90) | st.integers(1, 33))
    options = {"shuffle": data.draw(st.booleans()), "decay": data.draw(st.sampled_from(GENTLE))}
    assert_equal_to_reference(case, n, ("auto", *FORMS), epochs=2, **options)


@every_dtype
@every_combination
def test_every_activation_with_every_loss_in_every_form(hidden, output, loss, dtype):
    case = Case([5, 9, 2], [hidden, output], loss, dtype, seed=0, density=0.5)
    assert_equal_to_reference(case, 37, ("auto", *FORMS), epochs=1, decay=0.1)


@every_dtype
@pytest.mark.parametrize("decay", [*GENTLE, *STRONG])
@pytest.mark.parametrize("density", [1, 0.2])
@pytest.mark.parametrize("layer_sizes", [[3, 2, 1], [17, 33, 5], [40, 100, 3, 10]])
def test_weak_and_strong(layer_sizes, density, decay, dtype):
    """In a block, c goes down to 2^-19.9 at a decay of 0.35."""
    activations = ["sigmoid"] * (len(layer_sizes) - 2) + ["identity"]
    case = Case(layer_sizes, activations, "mse", dtype, 0, density)
    assert_equal_to_reference(case, 45, ("auto", *FORMS), epochs=1, decay=decay)


@every_dtype
@pytest.mark.parametrize("decay", STRONG)
def test_strong_by_the_rate_and_not_by_lambda(decay, dtype):
    case = Case([9, 13, 1], ["sigmoid"] * 2, "mse", dtype, 0, 0.5)
    assert_equal_to_reference(case, 45, ("auto", *FORMS), epochs=1, decay=decay, eta=2 * decay)


@every_dtype
@pytest.mark.parametrize("batch_size", [2, 3, 31, 32, 33, 40, 64, 65, N])
@pytest.mark.parametrize("decay", [0.01, 0.5, 1.5])
def test_mini_batches(decay, batch_size, dtype):
    for width, density in ((9, 1), (9, 0.2), (70, 0.2)):  # four samples at a time in wide rows
        case = Case([7, width, 4], ["tanh", "softmax"], "cross_entropy", dtype, 0, density)
        options = {"epochs": 2, "batch_size": batch_size, "shuffle": True, "decay": decay}
        assert_equal_to_reference(case, N, ("auto", "direct", "zero_skip"), **options)


# PyTorch 2.13: torch.optim.SGD([{"params": W, "weight_decay": 0.05}, {"params": b}], lr=0.2), ten
# times over the batches in order, mse_loss(sigmoid(tanh(x @ W[0] + b[0]) @ W[1] + b[1]), y)
W = [[0.5, -0.25], [0.75, 0.125], [-0.5, 1.0]], [[1.0, -0.5], [0.25, 0.75]]
B = [0.1, -0.2], [0.3, 0.4]
X_OF_TORCH = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [-1.0, 0.75, 1.0], [0.0, -2.0, 0.5]]
Y_OF_TORCH = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
OF_TORCH = {
    1: (
        [
            [0.1688266937220423, -0.22857038355261405],
            [0.5216137554622261, 0.41951687358528056],
            [-0.08082374659820103, 0.6331038866170221],
        ],
        [[0.49577822317897474, 0.1658460987217365], [0.6327318123097406, 0.3740108696797816]],
        [0.15475561880270078, -0.32449063613471646],
        [0.23568609444194377, 0.2581209740876339],
    ),
    2: (
        [
            [0.29987095891251414, -0.216134146857637],
            [0.6043892875040012, 0.331880742943048],
            [-0.24134438505794667, 0.7675035325316157],
        ],
        [[0.6790184365563112, -0.09981032518326248], [0.48357239464736, 0.49330146628332394]],
        [0.1398473062129996, -0.27742949573846837],
        [0.28575545190108553, 0.3214244920946149],
    ),
}


@pytest.mark.parametrize("form", ["auto", *FORMS])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_weights_and_biases_are_those_of_torch(batch_size, form):
    net = Network.from_parameters(W, B, activation=["tanh", "sigmoid"])
    options = {"epochs": 10, "learning_rate": 0.2, "shuffle": False, "form": form}
    net.train(X_OF_TORCH, Y_OF_TORCH, batch_size=batch_size, optimizer=SGD(l2=0.05), **options)
    for actual, expected in zip(parameters(net), OF_TORCH[batch_size], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-13)


# The gradient, and the loss


@every_form
def test_one_step_goes_down_the_gradient_of_the_penalised_loss(form):
    net, X, y = make()
    eta, l2 = 1e-3, 0.7

    def penalised_loss():
        return net.evaluate(X[:1], y[:1]) + l2 * half_squares(net)

    expected = central_differences(penalised_loss, parameters(net))
    options = {"epochs": 1, "learning_rate": eta, "optimizer": SGD(l2=l2), "form": form}
    after, history = trained(net, X[:1], y[:1], **options)
    assert history.history["loss"] == [pytest.approx(penalised_loss(), rel=1e-14)]
    for p, p_after, g in zip(parameters(net), parameters(after), expected, strict=True):
        assert np.abs(g).max() > 1e-3
        np.testing.assert_allclose((p - p_after) / eta, g, rtol=0, atol=1e-8)


@pytest.mark.unwatched
@pytest.mark.parametrize("batch_size", [1, 20, 40])
@every_dtype
def test_the_loss_is_reported_to_rounding(dtype, batch_size):
    """Its penalty, many times the rest, would show it if the norm went astray in an epoch."""
    reference, net, X, y = draw(Case([20, 33, 9, 3], ["sigmoid"] * 3, "mse", dtype, 0), 500)
    mean_loss = net.evaluate(X, y)
    options = {"epochs": 3, "learning_rate": 2**-9, "batch_size": batch_size}
    expected = reference.train(X.tolist(), y.tolist(), l2=0.25, **options)
    assert expected[0] > 4 * mean_loss
    options |= {"shuffle": False, "optimizer": SGD(l2=0.25)}
    for form in FORMS:
        _, history = trained(net, X, y, form=form, **options)
        np.testing.assert_allclose(
            history.history["loss"], expected, rtol=50 * np.finfo(dtype).eps, err_msg=form
        )


def test_a_norm_of_zero_and_no_inputs():
    """Weights, inputs and then steps are zero; b alone moves."""
    for form in FORMS:
        net = Network([9, 10, 2], activation="identity", initializer="small", seed=0)
        for W_l in net.weights:
            W_l[:] = 0
        X, y = np.zeros((40, 9)), np.ones((40, 2))
        options = {"epochs": 40, "learning_rate": 0.5, "optimizer": SGD(l2=0.1), "form": form}
        losses = net.train(X, y, **options).history["loss"]
        assert losses[0] > 0
        assert losses[-1] < 1e-3
        np.testing.assert_allclose(net.biases[1], 1, rtol=1e-6)
        np.testing.assert_array_equal(net.weights[0], 0)


# Rounding


@every_form
def test_weights_decay_as_they_should_and_biases_do_not(form):
    """Dead units get no step. In float32, keep = 1 - 1e-6 has an error of 3 % of its decay."""
    net = Network([5, 12, 1], activation=["relu", "identity"], dtype="float32", seed=0)
    net.biases[0][:] = -100 - np.arange(12)
    before = [W.copy() for W in net.weights], net.biases[0].copy()
    X = np.random.default_rng(0).normal(size=(1000, 5))
    y = np.zeros(1000)
    net.train(X, y, epochs=100, learning_rate=0.01, optimizer=SGD(l2=1e-4), form=form)
    np.testing.assert_allclose(net.biases[0], before[1], rtol=2e-5)
    for W_l, W_before in zip(net.weights, before[0], strict=True):
        np.testing.assert_allclose(W_l, W_before * np.exp(-0.1), rtol=5e-4)


def train_plainly(net, X, y, eta, l2, dtype):
    """W and b in a dtype after the plain algorithm, for tanh units below identity units and mse."""
    W = [array.astype(dtype) for array in net.weights]
    b = [array.astype(dtype) for array in net.biases]
    eta, l2 = np.dtype(dtype).type(eta), np.dtype(dtype).type(l2)
    last = len(W) - 1
    for x, y_x in zip(X.astype(dtype), y.astype(dtype), strict=True):
        a = [x]
        for layer in range(last + 1):
            z = a[layer] @ W[layer] + b[layer]
            a.append(np.tanh(z) if layer < last else z)
        delta = 2 * (a[-1] - y_x) / y_x.dtype.type(len(y_x))
        for layer in range(last, -1, -1):
            delta_below = W[layer] @ delta * (1 - a[layer] ** 2)
            W[layer] -= eta * (np.outer(a[layer], delta) + l2 * W[layer])
            b[layer] -= eta * delta
            delta = delta_below
    return np.concatenate([np.ravel(array) for array in (*W, *b)])


@pytest.mark.unwatched
@every_dtype
@pytest.mark.parametrize("density", [1, 0.2])
@pytest.mark.parametrize(("decay", "factor"), [(1e-6, 1.25), (1e-3, 1.25), (0.03, 3), (0.35, 3)])
@pytest.mark.parametrize("layer_sizes", [[4, 6, 3], [64, 30, 10]])
def test_no_form_errs_much_more_than_the_plain_algorithm(
    layer_sizes, decay, factor, density, dtype
):
    """Nor more than twice as much as the direct one. In 20 trainings together.

    A sample's step rounds b three times, as c goes from b and comes back, and not once. That is
    seen where W, which strong decay makes small, no longer has most of the error.
    """
    one = np.longdouble(1)  # whose digits may be fewer than NumPy says, as under valgrind
    if one + np.finfo(dtype).eps / 100 == one:
        pytest.skip("here a long double is not longer than a double")
    errors = {form: [] for form in ("plain", *FORMS)}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(100, layer_sizes[0])).astype(dtype)
        put_zeros(X, density, rng)
        y = np.tanh(X[:, :1] * rng.normal(size=layer_sizes[-1])).astype(dtype)
        net = Network(layer_sizes, activation=["tanh", "identity"], dtype=dtype, seed=seed)
        step = layer_sizes[-1] / (layer_sizes[1] + np.mean(np.sum(X**2, axis=1))) / 4
        eta = 2.0 ** np.floor(np.log2(step))
        l2 = float(np.dtype(dtype).type(decay / eta))
        exact = train_plainly(net, X, y, eta, l2, np.longdouble)
        results = {"plain": train_plainly(net, X, y, eta, l2, dtype)}
        for form in FORMS:
            options = {"epochs": 1, "learning_rate": eta, "shuffle": False, "form": form}
            one, _ = trained(net, X, y, optimizer=SGD(l2=l2), **options)
            results[form] = np.concatenate([np.ravel(array) for array in parameters(one)])
        for name, result in results.items():
            errors[name].append(np.linalg.norm((result - exact).astype(float)))
    for form in FORMS:
        assert np.linalg.norm(errors[form]) <= factor * np.linalg.norm(errors["plain"]), form
        assert np.linalg.norm(errors[form]) <= 2 * np.linalg.norm(errors["direct"]), form


# No cut changes a bit


@pytest.mark.unwatched
@pytest.mark.parametrize("batch_size", [1, 3, 40])
@pytest.mark.parametrize("form", ["auto", *FORMS])
@every_dtype
@pytest.mark.parametrize("decay", [0.01, 0.5])
@pytest.mark.parametrize("layer_sizes", [[3, 2, 1], [20, 13, 12, 3]])
def test_cuts_into_chunks_and_calls(layer_sizes, decay, dtype, form, batch_size):
    for shuffle, density in itertools.product([True, False], [1, 0.1]):
        net, X, y = make(layer_sizes, dtype, density)
        options = {"learning_rate": 0.05, "optimizer": SGD(l2=decay / 0.05), "form": form}
        options |= {"batch_size": batch_size, "shuffle": shuffle}
        twin = net.copy()
        losses = twin.train(X, y, epochs=5, **options).history["loss"]
        for chunk in (1, 31, 32, 33, 64, N - 1, N, N + 1, 3 * N + 40):
            with chunks_of(chunk):
                cut = net.copy()
                parts = [cut.train(X, y, epochs=e, **options).history["loss"] for e in (2, 0, 3)]
            assert list(itertools.chain(*parts)) == losses
            assert cut._rng.bit_generator.state == twin._rng.bit_generator.state
            assert cut._parameters.tobytes() == twin._parameters.tobytes()


@pytest.mark.unwatched
@every_form
@pytest.mark.parametrize("shuffle", [True, False])
def test_cuts_where_tolerance_stops(form, shuffle):
    options = {"epochs": 300, "learning_rate": 0.02, "tol": 1e-3, "patience": 2}
    options |= {"form": form, "shuffle": shuffle, "optimizer": SGD(l2=0.1)}
    net, X, y = make()
    stopped, history = trained(net, X, y, **options)
    assert 3 < len(history.epoch) < 300
    for chunk in (1, 33, N, 10**9):
        with chunks_of(chunk):
            assert bits(*trained(net, X, y, **options)) == bits(stopped, history)


@pytest.mark.parametrize(
    ("decay", "batch_size", "passes"),
    [(0, 1, 0), (0, 2, 0), (0.01, 1, 1 / 32), (0.01, 2, 1 / 2), (0.01, 20, 1 / 20), (0.5, 1, 1)],
)
def test_chunks_are_as_short_as_passes_through_all_weights_are_many(
    decay, batch_size, passes, monkeypatch
):
    """In a chunk of sparse samples, which Ctrl-C waits for."""
    seen = []
    monkeypatch.setattr(chunks, "samples_per_chunk", lambda _, *parts: seen.append(parts) or 100)
    net, X, y = make(density=0.1)
    options = {"epochs": 1, "learning_rate": 0.05, "batch_size": batch_size, "form": "zero_skip"}
    net.train(X, y, optimizer=SGD(l2=decay / 0.05), **options)
    density = np.count_nonzero(X) / X.size
    assert seen == [(pytest.approx(density), pytest.approx(passes))]


@every_dtype
@pytest.mark.parametrize("form", ["auto", *FORMS])
@pytest.mark.parametrize("batch_size", [1, 3, 40])
@pytest.mark.parametrize("layer_sizes", [[3, 2, 1], [20, 13, 3]])
def test_a_lambda_of_zero_is_no_lambda(layer_sizes, batch_size, form, dtype):
    net, X, y = make(layer_sizes, dtype, density=0.5)
    options = {"epochs": 2, "learning_rate": 0.05, "batch_size": batch_size, "form": form}
    without = bits(*trained(net, X, y, **options))
    for optimizer in ("sgd", SGD(), SGD(l2=0), SGD(l2=-0.0)):
        assert bits(*trained(net, X, y, optimizer=optimizer, **options)) == without
    assert bits(*trained(net, X, y, optimizer=SGD(l2=1e-9), **options)) != without


@every_dtype
@pytest.mark.parametrize("decay", [0.01, 0.5])
@pytest.mark.parametrize("batch_size", [1, 20, N])
def test_compressed_input(batch_size, decay, dtype):
    sparse = pytest.importorskip("scipy.sparse")
    net, X, y = make(dtype=dtype, density=0.2)
    options = {"epochs": 2, "learning_rate": 0.05, "optimizer": SGD(l2=decay / 0.05)}
    options |= {"batch_size": batch_size, "form": "zero_skip"}
    assert bits(*trained(net, sparse.csr_array(X), y, **options)) == bits(
        *trained(net, X, y, **options)
    )


# The rest


@every_form
def test_padding_stays_zero(form):
    for decay in (0.03, 0.5):
        net, X, y = make([5, 9, 3], density=0.5)
        net.train(X, y, epochs=2, learning_rate=0.05, optimizer=SGD(l2=decay / 0.05), form=form)
        block = net._parameters.copy()
        for views in net._layout.views(block):
            for view in views:
                assert view.all()
                view[:] = 0
        assert not block.any()


@pytest.mark.parametrize("form", ["auto", *FORMS])
def test_divergence(form):
    """W is multiplied by -3 each time."""
    net, X, y = make()
    net.train(X, y, epochs=1, learning_rate=0.05)
    before = net._parameters.tobytes()
    with pytest.raises(TrainingDivergedError, match=r"learning_rate=0.05"):
        net.train(X, y, epochs=1000, learning_rate=0.05, optimizer=SGD(l2=80.0), form=form)
    assert net._parameters.tobytes() == before


def test_sgd_is_a_value():
    assert SGD() == SGD(l2=0) == SGD(l2=np.float32(0))
    assert type(SGD(l2=np.float32(0.5)).l2) is float
    assert repr(SGD(l2=0.5)) == "SGD(l2=0.5, clip_norm=None)"
    assert copy.deepcopy(SGD(l2=0.5)) == SGD(l2=0.5)
    assert dataclasses.replace(SGD(), l2=0.25) == SGD(l2=0.25)
    assert optimizers.OPTIMIZERS["sgd"] == SGD()
    with pytest.raises(dataclasses.FrozenInstanceError):
        SGD().l2 = 1


def test_evaluate_and_update_know_no_penalty():
    net, X, y = make()
    before = net.evaluate(X[:1], y[:1])
    history = net.train(X[:1], y[:1], epochs=1, learning_rate=1e-9, optimizer=SGD(l2=0.5))
    assert history.history["loss"][0] > before + 0.4 * half_squares(net)
    assert net.evaluate(X[:1], y[:1]) == pytest.approx(before, rel=1e-6)
    for x, target in ((X[0], y[0]), (X[0].tolist(), y[0].tolist())):
        assert net.update(x, target, 1e-9) == pytest.approx(before, rel=1e-6)


def test_the_penalty_of_large_weights_is_infinite():
    net, X, y = make()
    net.weights[0][0, 0] = 1e200
    assert net.evaluate(np.zeros_like(X[:2]), y[:2], l2=0.1) == np.inf
