"""Optimizers: numbers of PyTorch, of scikit-learn and of the reference, and what they keep."""

import copy
import dataclasses
import itertools
import json
import pickle

import numpy as np
import optimizers_of_torch as torch_
import pytest
import reference
from common import chunks_of, every_dtype
from random_networks import TOLERANCE, assert_all_close, bits, parameters, put_zeros, trained
from scipy.sparse import csr_array
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from fastnn import Network, TrainingDivergedError, optimizers
from fastnn.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, Momentum, Nesterov, RMSprop

OF_TORCH = json.loads(torch_.FILE.read_text(encoding="utf-8"))
WITH_STATE = [name for name in OPTIMIZERS if name != "sgd"]
every_optimizer = pytest.mark.parametrize("name", WITH_STATE)
every_batch_size = pytest.mark.parametrize("batch_size", [1, 3, 40, 75])

N = 75  # samples: two blocks, and a part of one


def make(dtype="float64", density=1, activation="tanh"):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 20))
    put_zeros(X, density, rng)
    y = rng.normal(size=(N, 3))
    return Network([20, 13, 3], activation=[activation, "identity"], dtype=dtype, seed=0), X, y


# Independent numbers


@pytest.mark.parametrize("batch_size", [1, 2, 5])
@pytest.mark.parametrize("name", torch_.CASES)
@every_dtype
def test_parameters_are_those_of_torch(name, batch_size, dtype):
    kind, settings, *_ = torch_.CASES[name]
    weights = [np.array(W, dtype) for W in torch_.W]
    biases = [np.array(b, dtype) for b in torch_.B]
    net = Network.from_parameters(weights, biases, activation=["tanh", "sigmoid"])
    options = {"epochs": torch_.EPOCHS, "learning_rate": torch_.LEARNING_RATE, "shuffle": False}
    optimizer = getattr(optimizers, kind)(**settings)
    net.train(torch_.X, torch_.Y, batch_size=batch_size, optimizer=optimizer, **options)
    expected = OF_TORCH[f"{name}, batches of {batch_size}"]
    tolerance = {"float64": 1e-12, "float32": 2e-5}[dtype]
    assert_all_close(parameters(net), expected, tolerance)


@pytest.mark.parametrize(
    ("theirs", "settings", "optimizer"),
    [
        (AdamOptimizer, {}, Adam(epsilon_hat=True)),
        (
            AdamOptimizer,
            {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 0.01},
            Adam(beta_1=0.8, beta_2=0.9, epsilon=0.01, epsilon_hat=True),
        ),
        (SGDOptimizer, {"nesterov": False}, Momentum(rate_inside=True)),
        (SGDOptimizer, {"momentum": 0.7}, Nesterov(momentum=0.7, rate_inside=True)),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 25])
def test_parameters_are_those_of_scikit_learn(theirs, settings, optimizer, batch_size):
    """Its optimizers by our gradients, which other tests hold against other numbers."""
    net, X, y = make()
    ours, _ = trained(
        net, X, y, epochs=2, batch_size=batch_size, learning_rate=0.01, shuffle=False,
        optimizer=optimizer,
    )  # fmt: skip
    expected = theirs(parameters(net), learning_rate_init=0.01, **settings)
    for start in [*range(0, N, batch_size)] * 2:
        batch = slice(start, start + batch_size)
        weights, biases = net.gradients(X[batch], y[batch])
        expected.update_params(parameters(net), [*weights, *biases])
    assert_all_close(parameters(ours), parameters(net), 1e-12)


@pytest.mark.unwatched
@pytest.mark.parametrize(
    ("optimizer", "step", "options"),
    [
        (Momentum(momentum=0.8), reference.momentum(0.8), {}),
        (Momentum(rate_inside=True, l2=0.02), reference.momentum(rate_inside=True), {"l2": 0.02}),
        (Nesterov(clip_norm=0.5), reference.momentum(nesterov=True), {"clip_norm": 0.5}),
        (
            Nesterov(rate_inside=True, clip_norm=0.5, l2=0.1),
            reference.momentum(nesterov=True, rate_inside=True),
            {"clip_norm": 0.5, "l2": 0.1},
        ),
        (Adam(beta_1=0.6, epsilon=0.1), reference.adam(0.6, epsilon=0.1), {}),
        (
            Adam(epsilon=0.1, epsilon_hat=True, l2=0.1),
            reference.adam(epsilon=0.1, epsilon_hat=True),
            {"l2": 0.1},
        ),
        (
            AdamW(epsilon=0.1, l2=0.1),
            reference.adam(epsilon=0.1),
            {"weight_decay": 0.01, "l2": 0.1},
        ),
        (RMSprop(epsilon=0.1, clip_norm=0.5), reference.rmsprop(epsilon=0.1), {"clip_norm": 0.5}),
        (Adagrad(epsilon=0.1, l2=0.1), reference.adagrad(epsilon=0.1), {"l2": 0.1}),
        (SGD(clip_norm=0.5), None, {"clip_norm": 0.5}),
        (SGD(clip_norm=0.5, l2=0.1), None, {"clip_norm": 0.5, "l2": 0.1}),
    ],
    ids=repr,
)
@every_batch_size
@every_dtype
def test_losses_and_parameters_are_those_of_the_reference(
    optimizer, step, options, batch_size, dtype
):
    """epsilon is large: where g is near 0, the sign of a step would hang on rounding."""
    net, X, y = make(dtype, density=0.4)
    plain = reference.ReferenceNetwork.from_parameters(
        [W.tolist() for W in net.weights], [b.tolist() for b in net.biases],
        activation=["tanh", "identity"],
    )  # fmt: skip
    shared = {"epochs": 4, "learning_rate": 0.02, "batch_size": batch_size}
    losses = plain.train(X.tolist(), y.tolist(), optimizer=step, **shared, **options)
    history = net.train(X, y, shuffle=False, optimizer=optimizer, **shared)
    assert_all_close([history.history["loss"]], [losses], TOLERANCE[dtype])
    assert_all_close(parameters(net), plain.weights + plain.biases, TOLERANCE[dtype])


@pytest.mark.parametrize("batch_size", [1, 3, 40])
@every_dtype
def test_a_clipped_step_is_as_long_as_it_may_be(batch_size, dtype):
    net, X, y = make(dtype)
    options = {"epochs": 1, "learning_rate": 0.25, "batch_size": batch_size}
    options["optimizer"] = SGD(clip_norm=0.125)
    clipped, _ = trained(net, X[:batch_size], y[:batch_size], **options)
    moved = [a - b for a, b in zip(parameters(clipped), parameters(net), strict=True)]
    length = np.sqrt(sum(np.sum(one.astype(float) ** 2) for one in moved))
    tolerance = {"float64": 1e-12, "float32": 1e-4}[dtype]
    assert length == pytest.approx(0.25 * 0.125, rel=tolerance)


# What an optimizer keeps


@every_optimizer
@every_dtype
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("density", [1, 0.1])
def test_no_cut_changes_a_bit(name, dtype, shuffle, density):
    """Cut into calls and chunks, copied and pickled in between."""
    for batch_size in (1, 3, 40, 75):
        net, X, y = make(dtype, density)
        options = {
            "learning_rate": 0.01, "batch_size": batch_size, "shuffle": shuffle, "optimizer": name,
        }  # fmt: skip
        uncut, history = trained(net, X, y, epochs=6, **options)
        losses = []
        with chunks_of(33):
            for epochs, passed_on in (
                (1, lambda net: net),
                (2, copy.deepcopy),
                (3, lambda net: pickle.loads(pickle.dumps(net))),
            ):
                losses += net.train(X, y, epochs=epochs, **options).history["loss"]
                net = passed_on(net)
        assert losses == history.history["loss"]
        assert bits(net, history) == bits(uncut, history)


@every_optimizer
def test_what_is_kept_is_used_again_by_an_equal_optimizer_only(name):
    net, X, y = make()
    options = {"epochs": 1, "learning_rate": 0.01, "shuffle": False, "batch_size": 25}
    net.train(X, y, optimizer=name, **options)
    again, _ = trained(net, X, y, optimizer=name, **options)
    same, another = (dataclasses.replace(OPTIMIZERS[name], l2=l2) for l2 in (0.0, 1e-300))
    equal, _ = trained(net, X, y, optimizer=same, **options)
    other, _ = trained(net, X, y, optimizer=another, **options)
    anew = Network.from_parameters(net.weights, net.biases, activation=net.activations)
    anew.train(X, y, optimizer=name, **options)
    results = [[one.tobytes() for one in parameters(net)] for net in (again, equal, other, anew)]
    assert results[0] == results[1]
    assert results[2] == results[3]
    assert results[0] != results[2]


def test_plain_sgd_and_updates_leave_what_another_optimizer_keeps():
    net, X, y = make()
    options = {"epochs": 1, "learning_rate": 0.01, "shuffle": False, "batch_size": 25}
    net.train(X, y, optimizer="adam", **options)
    start = [array.copy() for array in parameters(net)]
    expected, _ = trained(net, X, y, optimizer="adam", **options)
    net.train(X, y, optimizer=SGD(l2=0.5), **options)
    net.update(X[0], y[0], 0.1)
    net.update(X[0].tolist(), y[0], 0.1)
    for array, before in zip(parameters(net), start, strict=True):
        array[:] = before
    net.train(X, y, optimizer="adam", **options)
    assert_all_close(parameters(net), parameters(expected), 0)


def test_every_optimizer_and_the_order_make_a_difference():
    results = set()
    for name, shuffle in itertools.product(OPTIMIZERS, (True, False)):
        net, X, y = make()
        net.train(X, y, epochs=3, learning_rate=0.01, optimizer=name, shuffle=shuffle)
        results.add(b"".join(one.tobytes() for one in parameters(net)))
    assert len(results) == 2 * len(OPTIMIZERS)


@every_optimizer
@every_dtype
def test_after_divergence_all_is_as_at_the_chunks_start(name, dtype):
    """Parameters and what the optimizer keeps: training goes on as if nothing had been."""
    net, X, y = make(dtype, activation="identity")
    options = {"epochs": 2, "optimizer": name, "shuffle": False, "batch_size": 25}
    net.train(X, y, learning_rate=0.01, **options)
    expected, history = trained(net, X, y, learning_rate=0.01, **options)
    large = {"float64": 1e200, "float32": 1e30}[dtype]
    with pytest.raises(TrainingDivergedError):
        net.train(X * large, y, learning_rate=large, epochs=50, optimizer=name, batch_size=25)
    net.train(X, y, learning_rate=0.01, **options)
    assert bits(net, history) == bits(expected, history)


# Zeros, and padding


@every_optimizer
@every_batch_size
@every_dtype
def test_compressed_rows_and_forms(name, batch_size, dtype):
    """All skip zeros or none do, to rounding, and what was forced does not matter otherwise."""
    net, X, y = make(dtype, density=0.1)
    options = {"epochs": 2, "learning_rate": 0.01, "batch_size": batch_size, "shuffle": False}
    options["optimizer"] = dataclasses.replace(OPTIMIZERS[name], **large_epsilon(name))
    of_csr = parameters(trained(net, csr_array(X.astype(dtype)), y, **options)[0])
    for form in ("auto", "direct", "fused", "zero_skip", "blocked"):
        of_form = parameters(trained(net, X, y, form=form, **options)[0])
        assert_all_close(of_form, of_csr, TOLERANCE[dtype])


def large_epsilon(name):
    """Where g is near 0, the sign of a step would hang on rounding."""
    return {"epsilon": 0.1} if hasattr(OPTIMIZERS[name], "epsilon") else {}


@every_optimizer
@every_dtype
def test_padding_stays_zero(name, dtype):
    net, X, y = make(dtype)
    net.train(X, y, epochs=3, learning_rate=0.01, optimizer=name, batch_size=10)
    inside = net._layout.parameter_block()
    for view in itertools.chain(*net._layout.views(inside)):
        view[:] = 1
    is_padding = inside == 0
    kept = net._trainer.optimizer.block.reshape(-1, len(net._parameters))
    assert not net._parameters[is_padding].any()
    assert not kept[:, is_padding].any()
    assert np.count_nonzero(kept[:, ~is_padding]) > 0.99 * kept[:, ~is_padding].size


@every_optimizer
@every_dtype
def test_updates_are_steps_of_training(name, dtype):
    """And go on with what training has left, as training does with theirs."""
    net, X, y = make(dtype)
    single, samples = net.copy(), list(zip(X, y, strict=True))
    options = {"epochs": 1, "learning_rate": 0.01, "shuffle": False, "optimizer": name}
    losses = []
    for first in (True, False):
        history = net.train(X, y, **options)
        if first:
            losses = [single.update(*sample, 0.01, optimizer=name) for sample in samples]
            assert np.mean(losses) == pytest.approx(history.history["loss"][0], rel=1e-5)
        else:
            single.train(X, y, **options)
        for mine, theirs in zip(parameters(single), parameters(net), strict=True):
            assert mine.tobytes() == theirs.tobytes()
    assert losses[0] != losses[1]


@every_dtype
@pytest.mark.parametrize("name", ["momentum", "nesterov", "adam", "rmsprop"])
def test_means_of_gradients_that_have_ended_become_zero(name, dtype):
    """And not ever smaller numbers with fewer digits, which take CPUs a hundred times as long."""
    rng = np.random.default_rng(0)
    X, y = rng.random((40, 5)).astype(dtype), rng.random(40)
    tiny = np.finfo(dtype).tiny
    found = []
    for kept in 0, 2 * tiny:
        net = Network([5, 6, 1], activation="relu", dtype=dtype, seed=0)
        net.weights[0][:, :3], net.biases[0][:3] = -1, -100  # these units are never active
        net.train(X, y, epochs=1, learning_rate=0.001, batch_size=40, optimizer=name)
        block = net._trainer.optimizer.block
        for means in block.reshape(-1, net._parameters.size):
            net._layout.views(means)[0][0][:, :3] = kept
        net.train(X, y, epochs=2000, learning_rate=0.001, batch_size=40, optimizer=name)
        found.append((net._parameters.tobytes(), block.tobytes()))
        assert not (abs(block[block != 0]) < tiny).any()
    assert found[0] == found[1]


@every_dtype
def test_updates_are_trainings_on_single_samples(dtype):
    """By changing rates and optimizers, from the beginning again, and after copies."""
    net, X, y = make(dtype)
    single = net.copy()
    ways = itertools.cycle(["adam", "adam", SGD(l2=0.01), "momentum", "sgd", Adam(l2=0.1), "adam"])
    for i, optimizer in zip(range(60), ways, strict=False):
        eta = 0.01 / (1 + i % 3)
        options = {"epochs": 1, "learning_rate": eta, "shuffle": False, "optimizer": optimizer}
        history = net.train(X[i : i + 1], y[i : i + 1], **options)
        loss = single.update(X[i], y[i], eta, optimizer=optimizer)
        assert loss == history.history["loss"][0]
        for mine, theirs in zip(parameters(single), parameters(net), strict=True):
            assert mine.tobytes() == theirs.tobytes()
        if i % 11 == 10:
            net.reset_trainer()
            single.reset_trainer()
        if i % 7 == 6:
            net, single = copy.deepcopy(net), copy.deepcopy(single)


@pytest.mark.parametrize("optimizer", ["momentum", SGD(clip_norm=1)])
def test_a_step_that_is_not_made_leaves_the_state_of_another_optimizer(optimizer):
    net, X, y = make()
    net.update(X[0], y[0], 0.01, "adam")
    same = net.copy()
    with pytest.raises(TrainingDivergedError):
        net.update(X[0], np.full(3, 1e300), 0.01, optimizer)
    with pytest.raises(TrainingDivergedError):
        net.train(X, np.full_like(y, 1e300), epochs=1, learning_rate=0.01, optimizer=optimizer)
    for one in (net, same):
        one.update(X[1], y[1], 0.01, "adam")
    for mine, theirs in zip(parameters(net), parameters(same), strict=True):
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("y", [1, [0.25, 0.5, 0.25]])
def test_updates_of_a_classifier(y):
    net = Network([4, 3], activation="softmax", loss="cross_entropy", seed=0)
    single, x = net.copy(), [[1.0, -1, 0.5, 2]]
    history = net.train(x, [y], epochs=1, learning_rate=0.1, optimizer="adam")
    assert single.update(x[0], y, 0.1, optimizer="adam") == history.history["loss"][0]
    assert single.weights[0].tobytes() == net.weights[0].tobytes()


def test_updates_with_l2_and_with_a_bound_on_the_gradient():
    """W <- W - eta (g + lambda W); the norm of g without lambda W is at most clip_norm."""
    net, X, y = make()
    (W, *_), (b, *_) = net.weights, net.biases
    W, b = W.copy(), b.copy()
    gradients = net.gradients(X[:1], y[:1])
    norm = np.sqrt(sum((g**2).sum() for of in gradients for g in of))
    before = net.evaluate(X[:1], y[:1], l2=0.1)
    loss = net.update(X[0], y[0], 0.5, optimizer=SGD(l2=0.1, clip_norm=norm / 2))
    assert loss == pytest.approx(before, rel=1e-12)
    expected = W - 0.5 * (gradients[0][0] / 2 + 0.1 * W)
    np.testing.assert_allclose(net.weights[0], expected, rtol=1e-12)
    np.testing.assert_allclose(net.biases[0], b - 0.5 * gradients[1][0] / 2, rtol=1e-12)


def test_a_refused_optimizer_of_an_update_changes_nothing():
    net, X, y = make()
    before = [array.tobytes() for array in parameters(net)]
    with pytest.raises(ValueError, match=r"optimizer must be one of 'sgd', .*, got str 'adma'"):
        net.update(X[0], y[0], 0.1, optimizer="adma")
    step = Network([2, 1], activation="step", seed=0)
    with pytest.raises(ValueError, match='optimizer must be plain SGD for a network of "step"'):
        step.update([1, 2], [1], 0.1, optimizer="adam")
    assert [array.tobytes() for array in parameters(net)] == before
