"""Gradients for losses of one's own: backward, input_gradients, hidden, step."""

import contextlib
import json
import threading

import backward_of_torch as torch_
import numpy as np
import pytest
import scipy.sparse
from common import chunks_of, every_dtype
from finite_differences import central_differences
from random_networks import OUTPUTS, UNITS, every_combination
from test_gradients import draw

from fastnn import Network, TrainingDivergedError
from fastnn._once import once
from fastnn.optimizers import SGD, Adagrad, Adam, AdamW, Momentum, Nesterov, RMSprop
from fastnn.schedules import CosineDecay

FOUND_BY_TORCH = json.loads(torch_.FILE.read_text(encoding="utf-8"))
OPTIMIZERS = [
    SGD(), SGD(l2=0.01), SGD(clip_norm=0.05), Momentum(), Momentum(rate_inside=True, l2=0.01),
    Nesterov(clip_norm=0.05), Adam(), Adam(l2=0.01, epsilon_hat=True), AdamW(), RMSprop(),
    Adagrad(l2=0.01, clip_norm=0.05),
]  # fmt: skip
SHAPES = [[3, 2], [5, 7, 3], [9, 33, 8, 4, 1], [40, 17, 12]]


def random_network(sizes, dtype="float64", seed=0, **options):
    """All parameters and data are of order one; and gradients for its outputs."""
    rng = np.random.default_rng(seed)
    options.setdefault("activation", "tanh")
    net = Network(sizes, initializer="normal", dtype=dtype, seed=seed, **options)
    for W in net.weights:
        W /= np.sqrt(len(W))
    X = rng.normal(size=(50, sizes[0])).astype(dtype)
    return net, X, rng.normal(size=(50, sizes[-1])).astype(dtype)


def arrays_of(found):
    return [found.outputs, *found.weight_gradients, *found.bias_gradients, found.input_gradients]


def assert_same_bits(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", torch_.CASES)
def test_as_autograd_of_torch(name):
    hidden, output = torch_.CASES[name]
    weights, biases = (list(map(np.array, one)) for one in (torch_.W, torch_.B))
    net = Network.from_parameters(weights, biases, activation=[hidden, hidden, output])
    found, theirs = net.backward(torch_.X, torch_.G), FOUND_BY_TORCH[name]
    for part in found._fields:
        mine, their = getattr(found, part), theirs[part]
        for a, b in zip(mine, their, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("output", [*UNITS, "softmax"])
@pytest.mark.parametrize("hidden", UNITS)
def test_central_differences(hidden, output):
    weights, biases, names, X, _ = draw(hidden, output, "mse")
    G = np.random.default_rng(1).normal(size=(len(X), 2))

    def L():
        return (G * Network.from_parameters(weights, biases, **names).feedforward(X)).sum()

    found = Network.from_parameters(weights, biases, **names).backward(X, G)
    differences = central_differences(L, [*weights, *biases, X])
    assert max(np.abs(one).max() for one in differences) > 1e-3
    for gradient, difference in zip(arrays_of(found)[1:], differences, strict=True):
        np.testing.assert_allclose(gradient, difference, rtol=1e-6, atol=1e-8)


@every_combination
def test_input_gradients_are_central_differences(hidden, output, loss):
    weights, biases, names, X, y = draw(hidden, output, loss)
    net = Network.from_parameters(weights, biases, **names)
    [differences] = central_differences(lambda: len(X) * net.evaluate(X, y), [X])
    found = net.input_gradients(X, y)
    assert np.abs(found).max() > 1e-3
    np.testing.assert_allclose(found, differences, rtol=1e-5, atol=1e-7)
    assert_same_bits([found[2]], [net.input_gradients(X[2], y[2])])


@every_dtype
@pytest.mark.parametrize("loss", OUTPUTS)
def test_input_gradients_are_those_of_backward(loss, dtype):
    """By ∂L/∂a of a network that ends below its output layer's activation, where L is of z."""
    net, X, _ = random_network([6, 9, 3], dtype, activation=["tanh", OUTPUTS[loss][-1]], loss=loss)
    rng = np.random.default_rng(1)
    y = rng.dirichlet(np.ones(3), len(X)).astype(dtype)
    a = net.feedforward(X)
    below = Network.from_parameters(net.weights, net.biases, activation=["tanh", "identity"])
    dL_dz = {"bce": (a - y) / 3, "cross_entropy": a - y}.get(loss)
    if dL_dz is None:
        d = a - y
        dL_da = {"mse": 2 * d, "mae": np.sign(d), "huber": np.clip(d, -1, 1)}[loss] / 3
        found = net.backward(X, dL_da).input_gradients
    else:
        found = below.backward(X, dL_dz).input_gradients
    tolerance = 1e-13 if dtype == "float64" else 2e-5
    np.testing.assert_allclose(net.input_gradients(X, y), found, rtol=0, atol=tolerance)


@every_dtype
@pytest.mark.parametrize("sizes", SHAPES)
def test_no_bit_depends_on_company_chunks_or_threads(sizes, dtype):
    net, X, G = random_network(sizes, dtype)
    found = net.backward(X, G)
    assert_same_bits([found.outputs], [net.feedforward(X)])
    for n_threads in (1, 2, 3, 8):
        with chunks_of(7 if n_threads == 3 else None):
            assert_same_bits(arrays_of(found), arrays_of(net.backward(X, G, n_threads=n_threads)))
    for s in (0, 31, 49):
        alone = net.backward(X[s], G[s])
        assert alone.outputs.shape == (sizes[-1],)
        assert_same_bits([found.outputs[s]], [alone.outputs])
        assert_same_bits([found.input_gradients[s]], [alone.input_gradients])
    without = net.backward(X, G, input_gradients=False)
    assert without.input_gradients is None
    assert_same_bits(arrays_of(found)[:-1], arrays_of(without)[:-1])


@every_dtype
def test_it_sums_over_samples(dtype):
    net, X, G = random_network([5, 7, 3], dtype)
    of_rows = [net.backward(x, g) for x, g in zip(X, G, strict=True)]
    found = net.backward(X, G)
    for part in ("weight_gradients", "bias_gradients"):
        for layer, total in enumerate(getattr(found, part)):
            parts = [getattr(one, part)[layer] for one in of_rows]
            tolerance = 1e-12 if dtype == "float64" else 1e-4
            np.testing.assert_allclose(total, np.sum(parts, axis=0), rtol=0, atol=tolerance)


def test_sparse_rows_are_as_dense_ones():
    net, X, G = random_network([40, 17, 12])
    X[np.random.default_rng(2).random(X.shape) < 0.8] = 0
    dense, sparse = net.backward(X, G), net.backward(scipy.sparse.csr_array(X), G)
    for a, b in zip(arrays_of(dense), arrays_of(sparse), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


def test_the_gradient_of_mse_is_that_of_gradients():
    net, X, y = random_network([5, 7, 3])
    found = net.backward(X, 2 * (net.feedforward(X) - y) / y.size)
    for a, b in zip(net.gradients(X, y), found[1:3], strict=True):
        for mine, given in zip(a, b, strict=True):
            np.testing.assert_allclose(mine, given, rtol=0, atol=1e-15)


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "tanh", "identity"])
def test_gradients_of_z_are_those_of_a_network_without_the_outputs_activation(output):
    net, X, G = random_network([6, 9, 3], activation=["tanh", output])
    below = Network.from_parameters(net.weights, net.biases, activation=["tanh", "identity"])
    found, expected = net.backward(X, G, of="z"), below.backward(X, G)
    assert_same_bits([found.outputs], [net.feedforward(X)])
    assert_same_bits(arrays_of(found)[1:], arrays_of(expected)[1:])


def test_gradients_of_z_where_probabilities_have_come_to_0_and_1():
    net = Network.from_parameters([np.eye(2)], [[0, 0]], activation="softmax", loss="cross_entropy")
    X, y = np.array([[-900.0, 900.0]]), np.array([[1.0, 0.0]])
    found = net.backward(X, net.feedforward(X) - y, of="z")
    for mine, theirs in zip(found[1:3], net.gradients(X, y), strict=True):
        assert_same_bits(mine, theirs)
    assert found.bias_gradients[0].tolist() == [-1, 1]


def test_one_output_and_no_rows():
    net, X, G = random_network([9, 33, 8, 4, 1])
    found = net.backward(X, G)
    assert_same_bits(arrays_of(found), arrays_of(net.backward(X, G.ravel())))
    assert_same_bits(arrays_of(net.backward(X[0], G[0])), arrays_of(net.backward(X[0], G[0, 0])))
    nothing = net.backward(X[:0], G[:0])
    assert nothing.outputs.shape == (0, 1)
    assert nothing.input_gradients.shape == (0, 9)
    assert not any(one.any() for one in nothing.weight_gradients + nothing.bias_gradients)


def test_what_is_given_and_the_network_stay_as_they_were():
    net, X, G = random_network([5, 7, 3])
    before = [one.copy() for one in (X, G, *net.weights, *net.biases)]
    found = net.backward(X, G)
    found.weight_gradients[0][:] = 7
    net.hidden(X, 0)[:] = 7
    assert_same_bits(before, [X, G, *net.weights, *net.biases])
    W = net.weights[1]  # which is read while the gradient is made, and is not the gradient
    assert_same_bits(arrays_of(net.backward(W[:, :1].T @ np.ones((7, 5)) / 7, G[:1]))[:1],
                     [net.feedforward(W[:, :1].T @ np.ones((7, 5)) / 7)])  # fmt: skip


@every_dtype
@pytest.mark.parametrize("sizes", SHAPES)
def test_hidden_is_what_the_first_layers_make(sizes, dtype):
    net, X, _ = random_network(sizes, dtype)
    n_layers = len(sizes) - 1
    for layer in range(n_layers):
        ends = Network.from_parameters(
            net.weights[: layer + 1], net.biases[: layer + 1], activation="tanh"
        )
        found = net.hidden(X, layer)
        assert found.dtype == dtype
        assert_same_bits([found], [ends.feedforward(X)])
        assert_same_bits(
            [found, found[3]], [net.hidden(X, layer - n_layers), net.hidden(X[3], layer)]
        )


@pytest.mark.parametrize("batch_size", [1, 5, 50])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_backward_and_step_are_train(optimizer, batch_size):
    net, X, y = random_network([5, 7, 3])
    X, y = X[: 10 * batch_size], y[: 10 * batch_size]  # rounding grows with the number of steps
    trained = net.copy()
    trained.train(
        X, y, epochs=3, learning_rate=0.05, batch_size=batch_size, shuffle=False,
        optimizer=optimizer,
    )  # fmt: skip
    for _ in range(3):
        for start in range(0, len(X), batch_size):
            x, target = X[start : start + batch_size], y[start : start + batch_size]
            found = net.backward(x, 2 * (net.feedforward(x) - target) / target.size)
            net.step(
                found.weight_gradients, found.bias_gradients, learning_rate=0.05,
                optimizer=optimizer,
            )  # fmt: skip
    for mine, theirs in zip(
        net.weights + net.biases, trained.weights + trained.biases, strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "sgd"])
def test_step_and_train_go_on_with_each_other(optimizer):
    """And after save and load, as train does."""
    options = {"learning_rate": 0.05, "optimizer": optimizer}

    def step(net):
        net.step(*net.gradients(X, y), **options)

    def train(net):
        net.train(X, y, epochs=1, batch_size=len(X), shuffle=False, **options)

    net, X, y = random_network([5, 7, 3])
    once = net.copy()
    for one in (step, train, step, train):
        one(net)
    once.train(X, y, epochs=4, batch_size=len(X), shuffle=False, **options)
    for mine, theirs in zip(net.weights + net.biases, once.weights + once.biases, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-13)
    copied = net.copy()
    step(net)
    step(copied)
    assert_same_bits(net.weights, copied.weights)


def test_a_step_that_would_diverge_changes_nothing():
    net, X, y = random_network([5, 7, 3], "float32")
    net.step(*net.gradients(X, y), learning_rate=0.1, optimizer="adam")
    before = net.copy()
    gradients = [[3e38 * np.ones_like(one) for one in part] for part in (net.weights, net.biases)]
    with pytest.raises(TrainingDivergedError, match=r"learning_rate=1e\+38.*clip_norm"):
        net.step(*gradients, learning_rate=1e38)
    with pytest.raises(TrainingDivergedError):
        net.step(*gradients, learning_rate=0.1, optimizer="adagrad")
    for one in (net, before):
        one.step(*one.gradients(X, y), learning_rate=0.1, optimizer="adam")
    assert_same_bits(net.weights + net.biases, before.weights + before.biases)


def test_a_step_takes_what_backward_and_gradients_give():
    net, X, y = random_network([5, 7, 3])
    by_parts, by_both = net.copy(), net.copy()
    found, both = net.backward(X, y), net.gradients(X, y)
    net.step(found, learning_rate=0.1)
    by_parts.step(found.weight_gradients, found.bias_gradients, learning_rate=0.1)
    assert_same_bits(net.weights + net.biases, by_parts.weights + by_parts.biases)
    by_both.step(both, learning_rate=0.1)
    by_parts = Network.from_parameters(
        [W - 0.1 * dL_dW for W, dL_dW in zip(NET.weights, both[0], strict=True)], NET.biases
    )
    np.testing.assert_allclose(by_both.weights[0], by_parts.weights[0], rtol=0, atol=1e-15)


def test_a_step_of_rate_0_changes_nothing_but_what_the_optimizer_keeps():
    net, X, y = random_network([5, 7, 3])
    before = net.copy()
    net.step(net.gradients(X, y), learning_rate=np.array(0.0), optimizer="adam")
    assert_same_bits(before.weights, net.weights)
    for one in (before, net):
        one.step(one.gradients(X, y), learning_rate=0.1, optimizer="adam")
    assert (before.weights[0] != net.weights[0]).any()  # the second is a second step


@every_dtype
@pytest.mark.parametrize(
    ("power", "clip_norm"), [(15, 1), (30, 1), (37, 1e-6), (-15, 1e-16), (-30, 1e-31), (0, 1)]
)
@pytest.mark.parametrize("optimizer", [SGD, Momentum])
def test_the_norm_of_the_largest_and_smallest_gradients_is_bounded(
    optimizer, power, clip_norm, dtype
):
    """Their squares are not to be had."""
    size = 10.0 ** (power * (8 if dtype == "float64" else 1))
    clip_norm = size if power < 0 else clip_norm
    net = Network.from_parameters([np.zeros((3, 2), dtype)], [np.zeros(2, dtype)])
    rng = np.random.default_rng(0)
    gradients = [size * rng.normal(size=(3, 2))], [size * rng.normal(size=2)]
    net.step(*gradients, learning_rate=0.5, optimizer=optimizer(clip_norm=clip_norm))
    g = np.concatenate([gradients[0][0].ravel(), gradients[1][0]]) / size
    expected = -0.5 * g / np.linalg.norm(g)
    steps = np.concatenate([net.weights[0].ravel(), net.biases[0]]) / clip_norm
    np.testing.assert_allclose(steps, expected, rtol=1e-6 if dtype == "float32" else 1e-14)


def test_tiny_gradients_are_not_touched_where_the_bound_is_larger():
    plain, clipped = (Network.from_parameters([np.zeros((3, 2))], [np.zeros(2)]) for _ in range(2))
    gradients = [np.full((3, 2), 1e-200 / 3)], [np.zeros(2)]
    plain.step(*gradients, learning_rate=0.5)
    clipped.step(*gradients, learning_rate=0.5, optimizer=SGD(clip_norm=1))
    assert_same_bits(plain.weights, clipped.weights)


def test_steps_of_several_threads_are_all_made():
    net, _, _ = random_network([5, 7, 3])
    before = net.weights[0].copy()
    ones = [[np.ones_like(one) for one in part] for part in (net.weights, net.biases)]

    def steps():
        for _ in range(200):
            net.step(*ones, learning_rate=0.125)

    threads = [threading.Thread(target=steps) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    np.testing.assert_allclose(net.weights[0], before - 100, rtol=0, atol=1e-10)


def test_no_step_while_the_network_is_trained():
    net, X, y = random_network([5, 7, 3])
    refused = []

    def callback(net, epoch, logs):
        with contextlib.suppress(RuntimeError):
            net.step(*net.gradients(X, y), learning_rate=0.1)
            refused.append(epoch)

    net.train(X, y, epochs=2, learning_rate=0.1, callbacks=callback)
    assert refused == []


NET, X, G = random_network([5, 7, 3])
ZEROS = [[np.zeros(one.shape) for one in part] for part in (NET.weights, NET.biases)]
REFUSED = {
    "backward": [
        ((X, G[:-1]), ValueError, r"output_gradients must have the shape .*, \(50, 3\)"),
        ((X, G.T), ValueError, r"output_gradients .* got \(3, 50\)"),
        ((X[0], G), ValueError, r"output_gradients .*\(3,\).* got \(50, 3\)"),
        ((X, 1.0), ValueError, r"output_gradients .* got \(\)"),
        ((X, "abc"), TypeError, "output_gradients"),
        ((X, np.where(G > 2, np.nan, G)), ValueError, "output_gradients must be finite"),
        ((X[:, :4], G), ValueError, "X must have 5 columns"),
        ((np.where(X > 2, np.inf, X), G), ValueError, "X must be finite"),
        ((X, G, 1), TypeError, r"^Network\.backward\(\) takes only X and output_gradients"),
    ],
    "input_gradients": [
        ((X, G[:-1]), ValueError, "y must"),
        ((X[0], G), ValueError, "y must"),
        ((X,), TypeError, "'y'"),
    ],
    "hidden": [
        ((X, 2), ValueError, "layer must be below 2"),
        ((X, -3), ValueError, "layer must be .*-2"),
        ((X, 0.0), TypeError, "layer must be an integer"),
        ((X[:, 1:], 0), ValueError, "X must have 5 columns"),
    ],
    "step": [
        ((ZEROS[0][:1], ZEROS[1]), ValueError, "weight_gradients must hold one array per layer, 2"),
        ((ZEROS[0], ZEROS[0]), ValueError, r"bias_gradients\[0\] must have the shape .*\(7,\)"),
        (([one.T for one in ZEROS[0]], ZEROS[1]), ValueError, r"weight_gradients\[0\] .*\(5, 7\)"),
        (
            (ZEROS[0], [one + np.where(np.arange(len(one)) == 1, np.inf, 0) for one in ZEROS[1]]),
            ValueError, r"bias_gradients\[0\] must be finite, got inf in place 1;",
        ),
        ((7, ZEROS[1]), TypeError, "weight_gradients"),
        ((ZEROS[0],), TypeError, "weight_gradients must be followed by bias_gradients"),
        ((G, *ZEROS), TypeError, r"^Network\.step\(\)"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "arguments", "error", "message"),
    [(method, *case) for method, cases in REFUSED.items() for case in cases],
)
def test_refused(method, arguments, error, message):
    before = [one.copy() for one in NET.weights + NET.biases]
    options = {"learning_rate": 0.1} if method == "step" else {}
    with pytest.raises(error, match=message):
        getattr(NET, method)(*arguments, **options)
    assert_same_bits(before, NET.weights + NET.biases)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"learning_rate": -0.1}, ValueError, "learning_rate must be"),
        ({"learning_rate": CosineDecay(0.1, epochs=9)}, TypeError, r"its value: schedule\(epoch\)"),
        ({"learning_rate": 0.1, "optimizer": "adams"}, ValueError, "adam"),
        ({"learning_rate": 0.1, "optimizer": Adam}, TypeError, r"optimizer .*write Adam\("),
        ({}, TypeError, "learning_rate"),
    ],
)
def test_settings_of_step_that_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        NET.step(*ZEROS, **options)


def test_advice_where_gradients_are_no_longer_finite():
    with pytest.raises(ValueError, match="must be finite") as raised:
        NET.backward(X, np.full(G.shape, -np.inf))
    assert "smaller learning_rate" in "".join(raised.value.__notes__)
    with pytest.raises(ValueError, match="of must be one of"):
        NET.backward(X, G, of="logits")


def test_more_inputs_than_memory():
    net = Network([10**6, 1])
    X = scipy.sparse.csr_array((10**6, 10**6))
    with pytest.raises(MemoryError, match=r"8,000,000,000,000 bytes.*input_gradients=False"):
        net.backward(X, np.zeros(10**6))
    assert net.backward(X, np.zeros(10**6), input_gradients=False).input_gradients is None


def test_what_is_made_once_waits_for_nobody():
    """Not even for another thread that makes it: a fork might leave that one's lock behind."""
    began, goes_on = threading.Event(), threading.Event()

    class Made:
        def __init__(self, wait):
            self.wait = wait

        @once
        def value(self):
            if self.wait:
                began.set()
                assert goes_on.wait(30)
            return object()

    slow, quick = Made(True), Made(False)
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert began.wait(30)
    first = quick.value  # while the other one is being made
    goes_on.set()
    thread.join()
    assert quick.value is first


def test_step_units_have_no_gradients():
    net = Network([2, 1], activation="step")
    for call in (lambda: net.backward([[1, 2]], [[1]]), lambda: net.input_gradients([[1, 2]], [1])):
        with pytest.raises(ValueError, match="step"):
            call()


def test_tables_must_have_the_names_that_were_trained_on():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [0.5, 0.25]})
    net = Network([2, 3, 1], seed=0)
    net.train(frame, [0, 1], epochs=1, learning_rate=0.1)
    assert net.hidden(frame, 0).shape == (2, 3)
    for call in (lambda X: net.hidden(X, 0), lambda X: net.backward(X, [[1], [1]])):
        with pytest.raises(ValueError, match="columns"):
            call(frame[["b", "a"]])
