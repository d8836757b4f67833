"""Results depend on data, settings and seed alone: no cut through training changes a bit."""

import copy
import io
import itertools
import pickle
from functools import partial

import joblib
import numpy as np
import pytest
from common import chunks_of, every_dtype
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import put_zeros

import fastnn._core.chunks
import fastnn._training.course
from fastnn import Network
from fastnn._core.data import Data
from fastnn._training.course import Course, Settings
from fastnn._training.forms import FORMS
from fastnn.exceptions import TrainingDivergedError
from fastnn.optimizers import SGD

N = 10  # samples: batches of 3 leave a smaller one at the end
MANY = 75  # samples: two blocks of 32, and a part of one

# Layers of up to 4 units fit into one vector, which per-sample SGD treats in a way of its own.
NETWORKS = {
    "one layer in one vector": {"layer_sizes": [5, 3]},
    "one wider layer": {
        "layer_sizes": [5, 11],
        "activation": "softmax",
        "loss": "cross_entropy",
    },
    "each layer in one vector": {"layer_sizes": [2, 3, 1], "activation": ["tanh", "sigmoid"]},
    "one layer too wide": {"layer_sizes": [3, 9, 2], "activation": "silu", "loss": "huber"},
    "wider layers": {
        "layer_sizes": [9, 12, 11, 10],
        "activation": ["relu", "gelu", "softmax"],
        "loss": "cross_entropy",
    },
    "layers of many vectors": {"layer_sizes": [9, 100, 3], "activation": "tanh", "loss": "mse"},
}
every_network = pytest.mark.parametrize("name", NETWORKS)
every_batch_size = pytest.mark.parametrize("batch_size", [1, 3, N])
every_form = pytest.mark.parametrize("form", ["auto", *FORMS])


def make(name, dtype="float64", seed=0, n=N, density=1):
    """A network, X and y, which depend on the arguments alone."""
    net = Network(**NETWORKS[name], dtype=dtype, seed=seed)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, net.layer_sizes[0]))
    put_zeros(X, density, rng)
    if net.loss == "cross_entropy":
        return net, X, rng.integers(net.layer_sizes[-1], size=n)
    return net, X, rng.uniform(size=(n, net.layer_sizes[-1]))


def bits(net):
    """All that training changes, to be compared with ==."""
    parameters = [array.tobytes() for array in net.weights + net.biases]
    return parameters, net._rng.bit_generator.state


def compare_cut_with_uncut(problem, chunk, calls, options):
    """Training for calls[i] epochs in call i, in chunks of so many samples, against one call."""
    uncut, X, y = problem()
    losses = uncut.train(X, y, epochs=sum(calls), **options).history["loss"]
    cut, X, y = problem()
    with chunks_of(chunk):
        of_calls = [cut.train(X, y, epochs=e, **options).history["loss"] for e in calls]
    assert list(itertools.chain(*of_calls)) == losses
    assert bits(cut) == bits(uncut)


@every_network
@every_dtype
@every_batch_size
def test_a_thousand_epochs_in_one_call_in_ten_and_stopped_by_tolerance(name, dtype, batch_size):
    options = {"learning_rate": 0.1, "batch_size": batch_size}
    one_call, X, y = make(name, dtype)
    before = bits(one_call)
    losses = one_call.train(X, y, epochs=1000, **options).history["loss"]
    assert len(losses) == 1000
    assert bits(one_call) != before

    ten_calls, X, y = make(name, dtype)
    ten = [ten_calls.train(X, y, epochs=100, **options).history["loss"] for _ in range(10)]
    assert list(itertools.chain(*ten)) == losses
    assert bits(ten_calls) == bits(one_call)

    stopped, X, y = make(name, dtype)
    some = stopped.train(X, y, epochs=1000, tol=0.01, patience=2, **options).history["loss"]
    assert 2 < len(some) < 100  # stopped well inside a chunk
    rest = stopped.train(X, y, epochs=1000 - len(some), **options).history["loss"]
    assert some + rest == losses
    assert bits(stopped) == bits(one_call)


@pytest.mark.unwatched
@every_network
@every_dtype
@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    batch_size=st.sampled_from([1, 3, 4, N]),
    shuffle=st.booleans(),
    chunk=st.sampled_from([1, 3, 7, N - 1, N, N + 1, 2 * N, 10**9]) | st.integers(1, 8 * N),
    calls=st.lists(st.integers(0, 9), max_size=6),
)
def test_cuts_into_calls_and_chunks(name, dtype, batch_size, shuffle, chunk, calls):
    options = {"learning_rate": 0.3, "batch_size": batch_size, "shuffle": shuffle}
    compare_cut_with_uncut(partial(make, name, dtype), chunk, calls, options)


# Through more samples than a block has

chunks_of_many = st.sampled_from([1, 31, 32, 33, 64, MANY - 1, MANY, MANY + 1, 10**9])
some_calls = st.lists(st.integers(0, 4), max_size=4)


@pytest.mark.unwatched
@every_network
@every_dtype
@every_form
@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    density=st.sampled_from([1, 0.1]),
    shuffle=st.booleans(),
    chunk=chunks_of_many | st.integers(1, 4 * MANY),
    calls=some_calls,
)
def test_cuts_through_every_form(name, dtype, form, density, shuffle, chunk, calls):
    options = {"learning_rate": 0.05, "shuffle": shuffle, "form": form}
    problem = partial(make, name, dtype, n=MANY, density=density)
    compare_cut_with_uncut(problem, chunk, calls, options)


@pytest.mark.unwatched
@every_network
@every_dtype
@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    batch_size=st.sampled_from([2, 31, 32, 33, 40, 64, 65, MANY]) | st.integers(2, MANY),
    density=st.sampled_from([1, 0.1]),
    shuffle=st.booleans(),
    chunk=chunks_of_many | st.integers(1, 4 * MANY),
    calls=some_calls,
)
def test_cuts_through_mini_batches(name, dtype, batch_size, density, shuffle, chunk, calls):
    options = {"learning_rate": 0.3, "batch_size": batch_size, "shuffle": shuffle}
    problem = partial(make, name, dtype, n=MANY, density=density)
    compare_cut_with_uncut(problem, chunk, calls, options)


@every_form
@pytest.mark.parametrize("chunk", [1, 33, MANY, 10**9])
@pytest.mark.parametrize("shuffle", [True, False])
def test_chunks_do_not_change_where_tolerance_stops_any_form(form, chunk, shuffle):
    options = {"epochs": 300, "learning_rate": 0.1, "tol": 1e-3, "patience": 3}
    options |= {"form": form, "shuffle": shuffle}
    net, X, y = make("wider layers", n=MANY)
    losses = net.train(X, y, **options).history["loss"]
    assert 3 < len(losses) < 300
    in_chunks, X, y = make("wider layers", n=MANY)
    with chunks_of(chunk):
        assert in_chunks.train(X, y, **options).history["loss"] == losses
    assert bits(in_chunks) == bits(net)


@every_form
@every_dtype
@every_network
def test_the_table_of_samples_is_not_written_nor_its_order_changed(name, dtype, form):
    net, X, y = make(name, dtype, n=MANY, density=0.5)
    X, y = X.astype(dtype), y.astype(dtype)
    before = X.tobytes(), y.tobytes()
    net.train(X, y, epochs=2, learning_rate=0.05, form=form)
    assert (X.tobytes(), y.tobytes()) == before


@pytest.mark.parametrize("chunk", [1, 3, 7, N, 3 * N, 10**9])
@pytest.mark.parametrize("shuffle", [True, False])
def test_chunks_do_not_change_where_tolerance_stops(chunk, shuffle):
    options = {"epochs": 300, "learning_rate": 0.5, "shuffle": shuffle, "tol": 1e-4, "patience": 4}
    net, X, y = make("each layer in one vector")
    losses = net.train(X, y, **options).history["loss"]
    assert 4 < len(losses) < 300
    in_chunks, X, y = make("each layer in one vector")
    with chunks_of(chunk):
        assert in_chunks.train(X, y, **options).history["loss"] == losses
    assert bits(in_chunks) == bits(net)


@pytest.mark.parametrize("chunk", [1, 7, 10**9])
def test_cuts_through_the_perceptron_rule(chunk):
    def make_perceptron():
        return Network([4, 2], activation="step", initializer="normal", seed=0)

    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(N, 4)), rng.integers(2, size=(N, 2))
    uncut, cut = make_perceptron(), make_perceptron()
    losses = uncut.train(X, y, epochs=20, learning_rate=0.1).history["loss"]
    with chunks_of(chunk):
        of_calls = [cut.train(X, y, epochs=e, learning_rate=0.1).history["loss"] for e in (7, 13)]
    assert bits(uncut) != bits(make_perceptron())
    assert list(itertools.chain(*of_calls)) == losses
    assert bits(cut) == bits(uncut)


def through_joblib(net):
    file = io.BytesIO()
    joblib.dump(net, file)
    file.seek(0)
    return joblib.load(file)


@every_network
@every_dtype
@pytest.mark.parametrize(
    "copied",
    [
        Network.copy,
        copy.deepcopy,
        through_joblib,
        *(
            pytest.param(
                lambda net, protocol=protocol: pickle.loads(pickle.dumps(net, protocol)),
                id=f"pickle protocol {protocol}",
            )
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
def test_copies_made_in_the_middle_of_training_go_on_alike(copied, name, dtype):
    uncut, X, y = make(name, dtype)
    losses = uncut.train(X, y, epochs=20, learning_rate=0.3).history["loss"]

    net, X, y = make(name, dtype)
    net.train(X, y, epochs=7, learning_rate=0.3)
    twin = copied(net)
    in_the_middle = bits(net)
    assert bits(twin) == in_the_middle
    assert twin.train(X, y, epochs=13, learning_rate=0.3).history["loss"] == losses[7:]
    assert bits(twin) == bits(uncut)
    assert bits(net) == in_the_middle  # the twin shares nothing with it
    net.train(X, y, epochs=13, learning_rate=0.3)
    assert bits(net) == bits(uncut)


@every_network
@every_dtype
def test_the_seed_decides(name, dtype):
    def trained(seed):
        net, X, y = make(name, dtype, seed)
        untrained = bits(net)
        net.train(X, y, epochs=3, learning_rate=0.3)
        return untrained, bits(net)

    assert trained(5) == trained(5)
    for (parameters, generator), others in zip(trained(5), trained(6), strict=True):
        assert parameters != others[0]
        assert generator != others[1]


def test_without_a_seed_every_network_is_new():
    assert bits(Network([2, 3, 1])) != bits(Network([2, 3, 1]))


@every_network
@every_batch_size
def test_shuffling_takes_all_samples_in_a_new_order_each_epoch(name, batch_size):
    options = {"learning_rate": 0.3, "batch_size": batch_size}
    net, X, y = make(name)
    rng = copy.deepcopy(net._rng)
    losses = net.train(X, y, epochs=5, **options).history["loss"]

    by_hand, X, y = make(name)
    orders = [rng.permuted(np.arange(N)) for _ in range(5)]
    assert len({tuple(order) for order in orders}) == 5
    for order, loss in zip(orders, losses, strict=True):
        history = by_hand.train(X[order], y[order], epochs=1, shuffle=False, **options)
        assert history.history["loss"] == [loss]
    assert bits(by_hand)[0] == bits(net)[0]
    assert net._rng.bit_generator.state == rng.bit_generator.state


@every_network
@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_order_matters(name, batch_size):
    options = {"epochs": 5, "learning_rate": 0.3, "batch_size": batch_size}
    shuffled, X, y = make(name)
    shuffled.train(X, y, **options)
    in_order, X, y = make(name)
    in_order.train(X, y, shuffle=False, **options)
    for W, W_in_order in zip(shuffled.weights, in_order.weights, strict=True):
        assert np.abs(W - W_in_order).max() > 1e-4


def test_without_shuffling_the_generator_rests():
    net, X, y = make("wider layers")
    state = net._rng.bit_generator.state
    net.train(X, y, epochs=5, learning_rate=0.1, shuffle=False)
    net.update(X[0], y[0], 0.1)
    net.feedforward(X)
    net.evaluate(X, y)
    net.gradients(X, y)
    assert net._rng.bit_generator.state == state


@every_network
def test_no_epochs_change_nothing(name):
    net, X, y = make(name)
    before = bits(net)
    history = net.train(X, y, epochs=0, learning_rate=0.1)
    assert bits(net) == before
    assert history.history == {"loss": [], "learning_rate": []}
    assert history.epoch == []


@every_network
@every_dtype
def test_updates_in_order_are_per_sample_training(name, dtype):
    updated, X, y = make(name, dtype)
    total = 0.0
    for x, target in zip(X, y, strict=True):
        total += updated.update(x, target, 0.3)
    options = {"epochs": 1, "learning_rate": 0.3, "shuffle": False}
    trained, X, y = make(name, dtype)
    history = trained.train(X, y, form="direct", **options)
    assert bits(updated) == bits(trained)
    assert history.history["loss"] == [total / N]

    trained, X, y = make(name, dtype)
    history = trained.train(X, y, **options)
    assert_all_close(updated.weights + updated.biases, trained.weights + trained.biases, dtype)
    assert_all_close(history.history["loss"], [total / N], dtype)


def assert_all_close(actual, expected, dtype):
    """Up to the rounding of a few steps."""
    for a, b in zip(actual, expected, strict=True):
        assert np.linalg.norm(a - b) <= 50 * np.finfo(dtype).eps * np.linalg.norm(b)


# Rows alone and among others


@every_dtype
@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    n_in=st.integers(1, 40) | st.sampled_from([63, 64, 65, 127, 128, 129, 257]),
    widths=st.lists(
        st.integers(1, 40) | st.sampled_from([63, 64, 65, 128, 130]), min_size=1, max_size=3
    ),
    activation=st.sampled_from(["identity", "sigmoid", "tanh", "relu", "elu", "gelu", "softplus"]),
    softmax=st.booleans(),
    n=st.integers(1, MANY),
    densities=st.lists(st.sampled_from([1, 0.5, 0.3, 0.1, 0]), min_size=1, max_size=3),
    chunk=st.sampled_from([1, 3, 33, 10**9]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_row_alone_equals_the_same_row_among_others(
    dtype, n_in, widths, activation, softmax, n, densities, chunk, seed
):
    activations = [activation] * len(widths)
    if softmax and widths[-1] > 1:
        activations[-1] = "softmax"
    net = Network([n_in, *widths], activation=activations, dtype=dtype, seed=seed)
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_in)).astype(dtype)
    for i, density in enumerate(densities):  # dense rows and sparse ones by turns
        put_zeros(X[i :: len(densities)], density, rng)
    y = rng.dirichlet(np.ones(widths[-1]), n)
    alone = [net.feedforward(x).tobytes() for x in X]
    assert [net.feedforward(x[np.newaxis]).tobytes() for x in X] == alone
    with chunks_of(chunk):
        assert [row.tobytes() for row in net.feedforward(X)] == alone
        assert [row.tobytes() for row in net.feedforward(X[::-1])] == alone[::-1]
        loss = net.evaluate(X, y)
    total = 0.0  # added one by one, where Python's sum compensates since 3.12
    for i in range(n):
        total += net.evaluate(X[i : i + 1], y[i : i + 1])
    assert total / n == loss


@every_network
@every_dtype
@pytest.mark.parametrize("density", [1, 0.3])
@pytest.mark.parametrize("chunk", [1, 3, 7, 31, 32, 33, MANY])
def test_evaluate_and_gradients_in_chunks(name, dtype, chunk, density):
    net, X, y = make(name, dtype, n=MANY, density=density)
    loss = net.evaluate(X, y)
    gradients = [g.tobytes() for g in itertools.chain(*net.gradients(X, y))]
    with chunks_of(chunk):
        assert net.evaluate(X, y) == loss
        assert [g.tobytes() for g in itertools.chain(*net.gradients(X, y))] == gradients


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("ends", ["in time", "in a batch", "by divergence"])
def test_blocks_that_a_training_has_left_change_nothing(optimizer, ends, monkeypatch, chunks_have):
    """The next one works on the same memory, unless there is a begun batch in it."""
    chunks_have(32)
    net, X, y = make("wider layers", n=300)
    options = {"epochs": 2, "learning_rate": 0.01, "batch_size": 100, "optimizer": optimizer}
    net.train(X, y, **options)
    if ends == "in a batch":
        run, calls = fastnn._training.course.Course._run_chunk, []

        def interrupted(course, *arguments):
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return run(course, *arguments)

        monkeypatch.setattr(fastnn._training.course.Course, "_run_chunk", interrupted)
        with pytest.raises(KeyboardInterrupt):
            net.train(X, y, **options)
    elif ends == "by divergence":
        with pytest.raises(TrainingDivergedError):
            net.train(1e200 * X, y, **options)
    copied = net.copy()  # which works on the blocks that this one has left
    assert copied._model._spares is net._model._spares
    assert bool(net._model._spares) == (ends == "in time")
    for one in (net, copied):
        one.train(X, y, **options)
        one.train(X, y, **options | {"batch_size": 16})
        one.train(X, y, **options)
    assert bits(net) == bits(copied)


def test_a_course_that_has_stopped_runs_no_further():
    net, X, y = make("each layer in one vector")
    settings = Settings(
        epochs=50, learning_rate=1e-9, batch_size=1, shuffle=True, optimizer=SGD(), form="direct",
        tol=1, patience=3,
    )  # fmt: skip
    course = Course(net, Data(net._model, X, y), settings)
    assert len(course.run_lap(50, 0, None).losses) == 4
    assert course.has_stopped
    before = bits(net)
    assert len(course.run_lap(50, 4, None).losses) == 0
    assert bits(net) == before
