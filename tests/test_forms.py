"""The forms of the first layer in per-sample SGD, and mini-batches: all compute the same."""

import itertools

import numpy as np
import pytest
from common import every_dtype
from hypothesis import given
from hypothesis import strategies as st
from random_networks import (
    ANY_WIDTH,
    DENSITIES,
    UNITS,
    Case,
    assert_all_close,
    assert_equal_to_reference,
    bits,
    cases,
    every_combination,
    examples,
    parameters,
    put_zeros,
    trained,
)
from scipy.sparse import csr_array

from fastnn import Network, datasets
from fastnn._core import kernels
from fastnn._core.samples import Compressed, Samples
from fastnn._training import course
from fastnn._training.forms import FORMS
from fastnn.optimizers import SGD

every_form = pytest.mark.parametrize("form", FORMS)
every_density = pytest.mark.parametrize("density", [1, 0.2])

# Widths around those of vectors and of their groups, and numbers of inputs around those of a tile.
WIDTHS = [*range(1, 41), 63, 64, 65, 128, 130]
INPUTS = [1, 2, 3, 5, 6, 7, 8, 9, 11, 31, 32, 33, 127, 128, 129, 131, 257]
SHAPES = sorted({*itertools.product(INPUTS, [3, 33, 65]), *itertools.product([5, 64, 131], WIDTHS)})
N = 75  # samples: two blocks, and a part of one that fills no tile


# Whole numbers, small enough for every sum to be exact, whatever its order


def whole_numbers(n_in, n_out, density=1):
    """X of -1, 0 and 1, y of 0 and 1, and W and b of the first layer."""
    rng = np.random.default_rng([n_in, n_out])
    X = rng.integers(-1, 2, (N, n_in)).astype(float)
    put_zeros(X, density, rng)
    y = rng.integers(2, size=(N, n_out))
    return X, y, rng.integers(-1, 2, (n_in, n_out)), rng.integers(-1, 2, n_out)


def learn_by_the_perceptron_rule(X, y, W, b):
    """W <- W + xᵀ(y - a), b alike, sample by sample; returns the mean of (y - a)²."""
    losses = []
    for x, y_x in zip(X.astype(int), y, strict=True):
        error = y_x - (x @ W + b > 0)
        W += np.outer(x, error)
        b += error
        losses.append(np.mean(error**2))
    return np.mean(losses)


@every_dtype
@every_density
def test_perceptrons_of_whole_numbers_are_exact(density, dtype):
    for n_in, n_out in SHAPES:
        X, y, W, b = whole_numbers(n_in, n_out, density)
        net = Network.from_parameters([W.astype(dtype)], [b.astype(dtype)], activation="step")
        loss = learn_by_the_perceptron_rule(X, y, W, b)
        for form in ("auto", *FORMS):
            one, history = trained(net, X, y, epochs=1, learning_rate=1, shuffle=False, form=form)
            np.testing.assert_array_equal(one.weights[0], W, f"{form}, W of {n_in} x {n_out}")
            np.testing.assert_array_equal(one.biases[0], b, f"{form}, b of {n_in} x {n_out}")
            assert history.history["loss"] == pytest.approx([loss], rel=1e-6)


@every_dtype
@every_density
def test_predictions_and_gradients_of_whole_numbers_are_exact(density, dtype):
    """One output that adds up identity units, for as many samples as there may be in a block."""
    for i, (n_in, n_hidden) in enumerate(SHAPES):
        n = 1 + i % N
        X, _, W, b = whole_numbers(n_in, n_hidden, density)
        X, signs = X[:n], np.resize([1, -1, 0, 1], (n_hidden, 1))
        net = Network.from_parameters(
            [W.astype(dtype), signs.astype(dtype)],
            [b.astype(dtype), np.zeros(1, dtype)],
            activation="identity",
        )
        z = X @ W + b
        delta = 2 * z @ signs  # y is 0
        weight_gradients = X.T @ delta @ signs.T, z.T @ delta
        bias_gradients = (delta @ signs.T).sum(axis=0), delta.sum(axis=0)
        where = f"{n} samples through {n_in} x {n_hidden}"
        np.testing.assert_array_equal(net.feedforward(X), z @ signs, where)
        of_net = net.gradients(X, np.zeros(n))
        for actual, expected in zip(of_net, (weight_gradients, bias_gradients), strict=True):
            for g, sum_of_samples in zip(actual, expected, strict=True):
                mean = sum_of_samples.astype(dtype) / g.dtype.type(n)
                np.testing.assert_array_equal(g, mean, where)


# The forms beside the direct one

ROUNDING = {"float64": 1e-13, "float32": 5e-5}


@every_dtype
@every_density
def test_every_shape(density, dtype):
    for n_in, n_out in SHAPES:
        where = f"{n_in} x {n_out}"
        rng = np.random.default_rng([n_in, n_out])
        X = rng.normal(size=(N, n_in))
        put_zeros(X, density, rng)
        y = rng.normal(size=(N, 3))
        net = Network([n_in, n_out, 3], activation=["tanh", "identity"], dtype=dtype, seed=0)
        options = {"epochs": 2, "learning_rate": 0.5 / (n_in * density + n_out)}
        direct = trained(net, X, y, form="direct", **options)
        assert bits(*direct) != bits(net, direct[1])
        assert bits(*trained(net, X, y, form="fused", **options)) == bits(*direct), where
        for form in ("zero_skip", "blocked"):
            other, history = trained(net, X, y, form=form, **options)
            assert_all_close(parameters(other), parameters(direct[0]), ROUNDING[dtype])
            np.testing.assert_allclose(
                history.history["loss"], direct[1].history["loss"], rtol=ROUNDING[dtype]
            )


# The forms beside the reference


@pytest.mark.unwatched
@every_dtype
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@examples(10)
@given(st.data())
def test_random_networks_in_every_form(depth, dtype, data):
    case = data.draw(cases(depth, dtype, ANY_WIDTH, st.integers(1, 20), DENSITIES))
    uneven = st.integers(33, 90).filter(lambda n: n % kernels.SAMPLES_IN_BLOCK)
    n = data.draw(uneven | st.integers(1, 33))
    shuffle = data.draw(st.booleans())
    assert_equal_to_reference(case, n, ("auto", *FORMS), epochs=2, shuffle=shuffle)


@every_dtype
@every_combination
def test_every_activation_with_every_loss_in_every_form(hidden, output, loss, dtype):
    case = Case([5, 9, 2], [hidden, output], loss, dtype, seed=0, density=0.5)
    assert_equal_to_reference(case, 37, FORMS, epochs=1)


@pytest.mark.unwatched
@every_dtype
@examples(10)
@given(
    layer_sizes=st.lists(ANY_WIDTH, min_size=2, max_size=4),
    activation=st.sampled_from(UNITS),
    batch_size=st.integers(2, 100),
    n=st.integers(2, 110),
    density=st.sampled_from(DENSITIES),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_mini_batches(layer_sizes, activation, batch_size, n, density, seed, dtype):
    """Compressed for zero_skip, as they are for direct; with two samples or more, and with all."""
    layer_sizes[1:] = [1 + size % 40 for size in layer_sizes[1:]]
    activations = [activation] * (len(layer_sizes) - 1)
    case = Case(layer_sizes, activations, "mse", dtype, seed, density)
    forms = ("auto", "direct", "zero_skip")
    assert_equal_to_reference(case, n, forms, epochs=2, batch_size=batch_size, shuffle=True)


@every_dtype
@pytest.mark.parametrize("width", [63, 64, 65, 127, 128, 129, 300])
def test_mini_batches_of_wide_upper_layers(width, dtype):
    """Whose deltas are summed piece by piece on their way down: see DEPTH in tile.pxd."""
    case = Case([3, 21, width, 2], ["tanh", "sigmoid", "identity"], "mse", dtype, seed=0)
    assert_equal_to_reference(case, 37, ["direct"], epochs=1, batch_size=35)


@every_dtype
@every_density
def test_every_size_of_batches(density, dtype):
    case = Case([7, 9, 4], ["tanh", "softmax"], "cross_entropy", dtype, 0, density)
    for batch_size in range(2, 101):
        n = min(100, 2 * batch_size + batch_size // 2)
        forms = ("direct", "zero_skip")
        assert_equal_to_reference(case, n, forms, epochs=1, batch_size=batch_size)


@every_dtype
@every_density
@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 32, 40])
def test_four_samples_at_a_time(batch_size, density, dtype):
    """A hidden layer of 12 vectors and more; 70 inputs are more than 64 bits."""
    case = Case([70, 100, 2], ["tanh", "identity"], "mse", dtype, 0, density)
    forms = ("direct", "fused", "zero_skip")
    for n in (3, 43):
        assert_equal_to_reference(case, n, forms, epochs=1, batch_size=batch_size)


# Rounding: no form errs more than twice as much as the direct one


def train_in_long_doubles(net, X, y, eta):
    """W and b after SGD on tanh units below identity units, with mse."""
    W = [array.astype(np.longdouble) for array in net.weights]
    b = [array.astype(np.longdouble) for array in net.biases]
    last = len(W) - 1
    for x, y_x in zip(X.astype(np.longdouble), y.astype(np.longdouble), strict=True):
        a = [x]
        for layer in range(last + 1):
            z = a[layer] @ W[layer] + b[layer]
            a.append(np.tanh(z) if layer < last else z)
        delta = 2 * (a[-1] - y_x) / len(y_x)
        for layer in range(last, -1, -1):
            delta_below = W[layer] @ delta * (1 - a[layer] ** 2)
            W[layer] -= eta * np.outer(a[layer], delta)
            b[layer] -= eta * delta
            delta = delta_below
    return [*W, *b]


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays])


def ordinary(rng, shape):
    return rng.normal(size=shape)


def far_from_zero(rng, shape):
    return rng.normal(5, 1, shape)


def mostly_zero(rng, shape):
    X = rng.uniform(size=shape)
    put_zeros(X, 0.2, rng)
    return X


@pytest.mark.unwatched
@every_dtype
@pytest.mark.parametrize("data", [ordinary, far_from_zero, mostly_zero])
@pytest.mark.parametrize(
    "layer_sizes", [[4, 6, 3], [10, 5, 3], [64, 30, 10], [150, 20, 10, 4], [70, 96, 3]]
)
def test_no_form_errs_more_than_twice_as_much_as_the_direct_one(layer_sizes, data, dtype):
    """In 20 trainings together; a single one may be lucky, and then counts to within 4 eps.

    Training is far from where it would be unstable, and errors would grow.
    """
    eps = np.finfo(dtype).eps
    if np.finfo(np.longdouble).eps > eps / 100:
        pytest.skip("here a long double is not longer than a double")
    errors = {form: [] for form in FORMS}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = data(rng, (100, layer_sizes[0])).astype(dtype)
        y = np.tanh(X[:, :1] * rng.normal(size=layer_sizes[-1])).astype(dtype)
        activations = ["tanh"] * (len(layer_sizes) - 2) + ["identity"]
        net = Network(layer_sizes, activation=activations, dtype=dtype, seed=seed)
        step = layer_sizes[-1] / (layer_sizes[1] + np.mean(np.sum(X**2, axis=1))) / 4
        eta = 2.0 ** np.floor(np.log2(step))  # the same in both float widths
        exact = flat(train_in_long_doubles(net, X, y, eta))
        for form in FORMS:
            options = {"epochs": 1, "learning_rate": eta, "shuffle": False, "form": form}
            difference = flat(parameters(trained(net, X, y, **options)[0])) - exact
            errors[form].append(np.linalg.norm(difference.astype(float)))
        floor = 4 * eps * np.linalg.norm(exact.astype(float))
        for form in FORMS:
            assert errors[form][-1] <= max(2 * errors["direct"][-1], floor), form
    for form in FORMS:
        assert np.linalg.norm(errors[form]) <= 2 * np.linalg.norm(errors["direct"]), form


# Which form runs


@pytest.fixture
def runs(monkeypatch):
    """For each call of the training kernel: the form's name, and whether rows were compressed.

    Of a sample alone, only that form has taken samples.
    """
    seen = []
    names = {number: name for name, number in kernels.FORMS.items()}
    train = kernels.train

    def noting(*arguments):
        samples, plan, progress = (
            next(a[0] for a in arguments if getattr(a, "dtype", None) == dtype)
            for dtype in (kernels.SAMPLES, kernels.PLAN, kernels.PROGRESS)
        )
        place = train(*arguments)
        form = int(plan["form"])
        seen.append((names[form], bool(samples["starts"])))
        if plan["batch_size"] > 1:
            form = kernels.FORMS["batches"]
        assert np.flatnonzero(progress["samples"]).tolist() == [form]
        return place

    monkeypatch.setattr(kernels, "train", noting)
    return seen


def sparse_problem(dtype="float32", layer_sizes=(200, 9, 3)):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, layer_sizes[0]))
    put_zeros(X, 0.2, rng)
    y = rng.normal(size=(N, layer_sizes[-1]))
    return Network(layer_sizes, activation="tanh", dtype=dtype, seed=0), X, y


def test_forced_forms_run(runs):
    """In every build, one without vectors too."""
    net, X, y = sparse_problem("float64", (200, 3, 3))
    results = {
        form: bits(*trained(net, X, y, epochs=1, learning_rate=0.02, form=form)) for form in FORMS
    }
    assert runs == [(form, form == "zero_skip") for form in FORMS]
    assert len(set(kernels.FORMS.values())) == len(kernels.FORMS)
    # They do not only have other names: sums in another order are rounded otherwise.
    assert results["zero_skip"] != results["direct"]
    assert results["blocked"] not in (results["direct"], results["zero_skip"])


@pytest.mark.parametrize("batch_size", [1, 20, 50])
def test_wide_dense_samples_go_by_fours(batch_size, runs):
    options = {"epochs": 1, "learning_rate": 0.02, "form": "zero_skip", "batch_size": batch_size}
    net, X, y = sparse_problem(layer_sizes=(1024, 96, 3))
    trained(net, X, y, **options)
    trained(net, csr_array(X.astype("float32")), y, **options)
    trained(net, X, y, optimizer=SGD(l2=0.01), **options)
    for layer_sizes in ((1025, 96, 3), (1024, 88, 3)):
        trained(*sparse_problem(layer_sizes=layer_sizes), **options)
    with_l2 = ("zero_skip", True) if batch_size == 1 else ("quads", False)
    assert runs == [("quads", False), ("zero_skip", True), with_l2, *[("zero_skip", True)] * 2]


def test_zero_skip_needs_no_dense_rows(monkeypatch):
    net, X, y = sparse_problem()
    options = {"epochs": 2, "learning_rate": 0.02, "form": "zero_skip"}
    for batch_size in (1, 20, 50):
        expected = bits(*trained(net, X, y, batch_size=batch_size, **options))
        with monkeypatch.context() as patch:
            patch.setattr(course, "Samples", lambda X, *rest: Samples(X * np.nan, *rest))
            assert bits(*trained(net, X, y, batch_size=batch_size, **options)) == expected


@every_form
def test_auto_is_the_form_that_was_chosen(form, monkeypatch, runs):
    net, X, y = sparse_problem()
    monkeypatch.setattr(course, "choose_form", lambda *of_network_and_data: form)
    options = {"epochs": 2, "learning_rate": 0.02}
    chosen = bits(*trained(net, X, y, **options))
    assert chosen == bits(*trained(net, X, y, form=form, **options))
    assert {name for name, _ in runs} == {form}


@pytest.mark.parametrize("density", [0, 0.02, 0.2, 0.5, 1])
@every_dtype
@pytest.mark.parametrize(
    "layer_sizes", [[2, 4, 1], [3, 5, 1], [2, 9, 1], [64, 30, 10], [784, 128, 10], [30, 300]]
)
def test_the_choice_is_followed(layer_sizes, dtype, density, monkeypatch, runs):
    chosen = []

    def choose(*of_network_and_data):
        chosen.append(training_choice(*of_network_and_data))
        return chosen[-1]

    training_choice = course.choose_form
    monkeypatch.setattr(course, "choose_form", choose)
    net = Network(layer_sizes, dtype=dtype, seed=0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, layer_sizes[0]))
    X[rng.random(X.shape) >= density] = 0
    y = rng.uniform(size=(N, layer_sizes[-1]))
    options = {"epochs": 2, "learning_rate": 0.1}
    auto = bits(*trained(net, X, y, **options))
    assert len(chosen) == 1
    assert {"zero_skip" if name == "quads" else name for name, _ in runs} == set(chosen)
    fit_into_a_vector = max(layer_sizes[1:]) * net.dtype.itemsize <= 32
    assert (chosen == ["narrow"]) == fit_into_a_vector
    if not fit_into_a_vector:
        assert auto == bits(*trained(net, X, y, form=chosen[0], **options))


@every_dtype
@pytest.mark.parametrize("n_in", [1, 3, 4, 5, 7, 8, 9, 16, 33, 130])
@pytest.mark.parametrize("density", [1, 0.5, 0.1, 0])
def test_compressed_rows(density, n_in, dtype, monkeypatch):
    """What training hands to the kernel: the non-zero numbers of each row, in order."""
    compressed = []

    def noting(X, Y, rows, *rest):
        compressed.append(rows)
        return Samples(X, Y, rows, *rest)

    monkeypatch.setattr(course, "Samples", noting)
    rng = np.random.default_rng(n_in)
    X = rng.normal(size=(N, n_in)).astype(dtype)
    put_zeros(X, density, rng)
    tiny = np.finfo(dtype).smallest_subnormal
    X[2, ::2], X[-1] = -tiny, -0.0
    net = Network([n_in, 1], dtype=dtype, seed=0)
    net.train(X, np.zeros(N), epochs=1, learning_rate=0.1, form="zero_skip")
    (rows,) = compressed
    assert isinstance(rows, Compressed)
    assert rows.values.dtype == dtype
    row, column = np.nonzero(X)
    n = len(row)
    assert rows.starts.tolist() == [0, *np.cumsum(np.count_nonzero(X, axis=1))]
    assert rows.columns[:n].tolist() == column.tolist()
    assert rows.values[:n].tobytes() == X[row, column].tobytes()


# Real data


@every_dtype
def test_digits_are_learned_alike(dtype):
    X, y = datasets.load_digits()
    net = Network(
        [64, 30, 10], activation=["relu", "softmax"], loss="cross_entropy", dtype=dtype, seed=0
    )
    classes = {}
    for form in FORMS:
        one, _ = trained(net, X, y, epochs=10, learning_rate=0.02, form=form)
        classes[form] = one.feedforward(X).argmax(axis=1)
    assert np.mean(classes["direct"] == y) > 0.97
    for form in FORMS:
        assert np.array_equal(classes[form], classes["direct"]), form
