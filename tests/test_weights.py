"""Weights of samples and of classes: repetitions, updates by hand, the reference, scikit-learn."""

import itertools
import pickle
import tracemalloc

import numpy as np
import pytest
import reference
from common import every_dtype
from random_networks import TOLERANCE, assert_all_close, bits, parameters, put_zeros, trained
from scipy.sparse import csr_array
from sklearn.utils.class_weight import compute_sample_weight

from fastnn import Network
from fastnn._training.forms import FORMS
from fastnn.optimizers import SGD, Adam, AdamW, Momentum

every_form = pytest.mark.parametrize("form", ["auto", *FORMS])
every_batch_size = pytest.mark.parametrize("batch_size", [1, 3, 40])

N = 75  # samples: two blocks, and a part of one

# The activations and the loss of two layers.
TASKS = {
    "numbers": (["tanh", "identity"], "mse"),
    "numbers apart": (["gelu", "identity"], "huber"),
    "medians": (["softplus", "tanh"], "mae"),
    "labels": (["silu", "sigmoid"], "bce"),
    "classes": (["sigmoid", "softmax"], "cross_entropy"),
    "rows": (["elu", "softmax"], "cross_entropy"),
}
every_task = pytest.mark.parametrize("task", TASKS)


def make(task="numbers", layer_sizes=(20, 13, 3), dtype="float64", density=1.0, n=N):
    """A network, X, y, and weights, of which some are 0."""
    rng = np.random.default_rng(0)
    n_outputs = layer_sizes[-1]
    X = rng.normal(size=(n, layer_sizes[0])).astype(dtype)
    put_zeros(X, density, rng)
    y = {
        "numbers": lambda: rng.normal(size=(n, n_outputs)),
        "labels": lambda: rng.uniform(size=(n, n_outputs)),
        "classes": lambda: rng.integers(n_outputs, size=n),
        "rows": lambda: rng.dirichlet(np.ones(n_outputs), n).astype(dtype),
    }.get(task, lambda: rng.normal(size=(n, n_outputs)))()
    activations, loss = TASKS[task]
    if len(layer_sizes) == 2:
        activations = activations[1:]
    net = Network(layer_sizes, activation=activations, loss=loss, dtype=dtype, seed=0)
    for b in net.biases:
        b[:] = rng.normal(size=b.shape) / 4
    return net, X, y if task == "classes" else y.astype(dtype), rng.integers(4, size=n)


class WeightedReference(reference.ReferenceNetwork):
    """y holds pairs of a target and the sample's weight."""

    def _mean_loss_and_gradients(self, X, y):
        L, parts = 0.0, []
        for x, (target, w) in zip(X, y, strict=True):
            L_x, *gradients = super()._mean_loss_and_gradients([x], [target])
            L += w * L_x / len(X)
            parts.append((w / len(X), gradients))
        return L, *(self._sum([(w, both[i]) for w, both in parts]) for i in (0, 1))

    def _sum(self, parts):
        if isinstance(parts[0][1], float):
            return sum(w * g for w, g in parts)
        return [self._sum([(w, g[i]) for w, g in parts]) for i in range(len(parts[0][1]))]


def reference_of(net, kind=WeightedReference):
    return kind.from_parameters(
        [W.tolist() for W in net.weights], [b.tolist() for b in net.biases],
        activation=net.activations, loss=net.loss,
    )  # fmt: skip


def mean_one(w):
    return np.asarray(w, float) * (len(w) / np.sum(w))


# What a weight is


@every_task
@every_dtype
def test_a_weight_is_so_many_repetitions_in_a_full_batch(task, dtype):
    for optimizer, density in itertools.product(
        (SGD(), SGD(l2=0.1), SGD(clip_norm=0.05), Momentum(), Adam(epsilon=0.1, l2=0.1)), (1, 0.2)
    ):
        net, X, y, w = make(task, dtype=dtype, density=density)
        repeated = np.repeat(np.arange(N), w)
        assert len(repeated) != N
        options = {"epochs": 4, "learning_rate": 0.05, "batch_size": 1000, "optimizer": optimizer}
        expected, history = trained(net, X[repeated], y[repeated], **options)
        for weights in (w, w * 0.37, (w * 8).tolist(), w.astype("f4") / 4):
            ours, ours_history = trained(net, X, y, sample_weight=weights, **options)
            tolerance = {"float64": 1e-13, "float32": 5e-6}[dtype]
            assert_all_close(parameters(ours), parameters(expected), tolerance)
            losses = [ours_history.history["loss"]], [history.history["loss"]]
            assert_all_close(*losses, tolerance)


@every_task
@every_dtype
def test_loss_and_gradients_are_those_of_repetitions(task, dtype):
    for density in (1, 0.2):
        net, X, y, w = make(task, dtype=dtype, density=density)
        repeated = np.repeat(np.arange(N), w)
        tolerance = {"float64": 1e-13, "float32": 5e-6}[dtype]
        for l2 in (0, 0.3):
            loss = net.evaluate(X[repeated], y[repeated], l2=l2)
            assert net.evaluate(X, y, sample_weight=w, l2=l2) == pytest.approx(loss, rel=tolerance)
            ours = net.gradients(X, y, sample_weight=w, l2=l2)
            expected = net.gradients(X[repeated], y[repeated], l2=l2)
            for mine, theirs in zip(ours, expected, strict=True):
                assert_all_close(mine, theirs, tolerance)


@every_task
@every_dtype
def test_evaluate_gives_the_weighted_mean_by_hand(task, dtype):
    net, X, y, w = make(task, dtype=dtype)
    losses = [net.evaluate(X[i : i + 1], y[i : i + 1]) for i in range(N)]
    half_squares = sum(np.sum(W.astype(float) ** 2) for W in net.weights) / 2
    expected = np.average(losses, weights=w)
    assert net.evaluate(X, y, sample_weight=w) == pytest.approx(expected, rel=1e-6)
    if dtype == "float64":
        assert net.evaluate(X, y, sample_weight=w) == pytest.approx(expected, rel=1e-14)
    difference = net.evaluate(X, y, sample_weight=w, l2=3) - net.evaluate(X, y, sample_weight=w)
    assert difference == pytest.approx(3 * half_squares, rel=1e-13)
    assert net.evaluate(X, y, l2=3) == net.evaluate(X, y) + 3 * half_squares


@pytest.mark.unwatched
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "elu", "softplus", "silu", "gelu"])
@pytest.mark.parametrize(
    ("output", "loss"),
    [("identity", "mse"), ("tanh", "huber"), ("sigmoid", "bce"), ("softmax", "cross_entropy")],
)
@pytest.mark.parametrize(("weighted", "l2"), [(True, 0), (False, 0.7), (True, 0.7)])
def test_gradients_are_derivatives(activation, output, loss, weighted, l2):
    net = Network([4, 5, 3], activation=[activation, output], loss=loss, seed=0)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 4)), rng.dirichlet(np.ones(3), 9)
    w = rng.integers(4, size=9) if weighted else None
    assert net.check_gradients(X, y, sample_weight=w, l2=l2) < 1e-8
    assert net.check_gradients(csr_array(X), y, sample_weight=w, l2=l2) < 1e-8
    plain, penalised = (net.gradients(X, y, sample_weight=w, l2=one) for one in (0, 0.7))
    for W, b, with_l2, without in zip(net.weights, plain[1], penalised[0], plain[0], strict=True):
        np.testing.assert_allclose(with_l2, without + 0.7 * W, rtol=1e-15)
        assert b.any()
    assert [b.tolist() for b in penalised[1]] == [b.tolist() for b in plain[1]]


@every_form
@every_dtype
@pytest.mark.parametrize("layer_sizes", [[3, 2, 1], [20, 13, 3], [40, 50, 3]])
def test_single_samples_are_updates_with_their_share_of_the_rate_to_rounding(
    layer_sizes, dtype, form
):
    for density, task in ((1, "labels"), (0.2, "numbers")):
        net, X, y, w = make(task, layer_sizes, dtype, density)
        options = {"learning_rate": 0.05, "shuffle": False, "form": form}
        ours, history = trained(net, X, y, epochs=2, sample_weight=w, **options)
        losses = []
        for _ in range(2):
            total = 0.0
            for x, y_x, w_x in zip(X, y, mean_one(w).tolist(), strict=True):
                total += w_x * net.update(x, y_x, 0.05 * w_x) if w_x else 0
            losses.append(total / N)
        tolerance = 200 * np.finfo(dtype).eps
        assert_all_close(parameters(ours), parameters(net), tolerance)
        assert_all_close([history.history["loss"]], [losses], tolerance)


@pytest.mark.unwatched
@pytest.mark.parametrize(
    ("optimizer", "step", "options"),
    [
        (SGD(), None, {}),
        (SGD(l2=0.5), None, {"l2": 0.5}),
        (SGD(l2=15), None, {"l2": 15}),
        (SGD(clip_norm=0.5, l2=0.1), None, {"clip_norm": 0.5, "l2": 0.1}),
        (Momentum(), reference.momentum(), {}),
        (
            AdamW(epsilon=0.1, l2=0.1),
            reference.adam(epsilon=0.1),
            {"weight_decay": 0.01, "l2": 0.1},
        ),
    ],
    ids=["sgd", "weak l2", "strong l2", "clipped", "momentum", "adamw"],
)
@every_batch_size
@every_dtype
def test_losses_and_parameters_are_those_of_the_reference(
    optimizer, step, options, batch_size, dtype
):
    net, X, y, w = make("classes", (9, 5, 3), dtype, density=0.4)
    plain = reference_of(net)
    targets = list(zip(y.tolist(), mean_one(w).tolist(), strict=True))
    shared = {"epochs": 2, "learning_rate": 0.03, "batch_size": batch_size}
    losses = plain.train(X.tolist(), targets, optimizer=step, **shared, **options)
    for form in ("auto", *FORMS):
        ours, history = trained(
            net, X, y, shuffle=False, optimizer=optimizer, sample_weight=w, form=form, **shared
        )
        assert_all_close([history.history["loss"]], [losses], TOLERANCE[dtype])
        assert_all_close(parameters(ours), plain.weights + plain.biases, TOLERANCE[dtype])


def test_a_perceptron_has_weights_too():
    net = Network([5, 2], activation="step", seed=0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 5))
    y, w = (X[:, :2] > 0.3).astype(float), rng.integers(4, size=N)
    plain = reference_of(net)
    targets = list(zip(y.tolist(), mean_one(w).tolist(), strict=True))
    losses = plain.train(X.tolist(), targets, epochs=3, learning_rate=0.1)
    options = {"epochs": 3, "learning_rate": 0.1, "shuffle": False}
    history = net.train(X, y, sample_weight=w, **options)
    assert_all_close(parameters(net), plain.weights + plain.biases, 1e-12)
    assert_all_close([history.history["loss"]], [losses], 1e-12)


@every_batch_size
def test_weights_follow_their_samples_when_these_are_shuffled(batch_size):
    net, X, y, w = make(n=400)
    rng = np.random.default_rng()
    rng.bit_generator.state = net._rng.bit_generator.state
    order = rng.permuted(np.arange(400))
    options = {"epochs": 1, "learning_rate": 0.05, "batch_size": batch_size}
    ours, _ = trained(net, X, y, sample_weight=w, **options)
    options["shuffle"] = False
    expected, _ = trained(net, X[order], y[order], sample_weight=w[order], **options)
    assert_all_close(parameters(ours), parameters(expected), 1e-13)


@every_form
@every_batch_size
def test_a_sample_of_weight_zero_is_not_there(form, batch_size):
    """Only its place is: at the end of a batch, which the others then fill less."""
    net, X, y, _ = make()
    w = np.ones(N)
    w[40:] = 0
    options = {"epochs": 1, "learning_rate": 0.05, "batch_size": batch_size, "shuffle": False}
    options["form"] = form
    ours, _ = trained(net, X, y, sample_weight=w, **options)
    if batch_size == 3:
        w[41] = 1e-300  # a batch of 39, 40 and 41 has one sample and two of nothing
    same, _ = trained(net, X, y * np.where(w > 0, 1, 7)[:, np.newaxis], sample_weight=w, **options)
    assert_all_close(parameters(ours), parameters(same), 1e-15)


# Weights that are all alike


@every_dtype
@every_form
@every_batch_size
@pytest.mark.parametrize("layer_sizes", [[3, 2, 1], [20, 13, 3], [40, 50, 3]])
def test_weights_that_are_all_the_same_change_no_bit(layer_sizes, batch_size, form, dtype):
    """[3, 2, 1] goes through a pass of its own, and rows of 50 units are wide."""
    for optimizer, density in ((SGD(), 1), (SGD(), 0.2), (SGD(l2=0.5), 0.2), (Adam(), 0.2)):
        net, X, y, _ = make("numbers", layer_sizes, dtype, density)
        options = {"epochs": 2, "learning_rate": 0.02, "batch_size": batch_size, "form": form}
        options["optimizer"] = optimizer
        expected = bits(*trained(net, X, y, **options))
        for one in (1 / 1024, 5e-324):
            weights = np.full(N, one)
            assert bits(*trained(net, X, y, sample_weight=weights, **options)) == expected


@every_task
def test_weights_that_are_all_the_same_change_no_bit_elsewhere(task):
    net, X, y, _ = make(task)
    weights = np.full(N, 2.0**600)
    assert net.evaluate(X, y, sample_weight=weights) == net.evaluate(X, y)
    plain, weighted = net.gradients(X, y), net.gradients(X, y, sample_weight=weights)
    for a, b in zip(plain[0] + plain[1], weighted[0] + weighted[1], strict=True):
        assert a.tobytes() == b.tobytes()


def test_weights_of_any_size_are_scaled():
    net, X, y, w = make()
    options = {"epochs": 2, "learning_rate": 0.05}
    expected = bits(*trained(net, X, y, sample_weight=w, **options))
    for factor in (2.0**1021, 2.0**-1072, 0.5):
        assert bits(*trained(net, X, y, sample_weight=w * factor, **options)) == expected
    kept = w.copy()
    kept.flags.writeable = False
    assert bits(*trained(net, X, y, sample_weight=kept, **options)) == expected
    strided = np.repeat(w.astype(">f4"), 2)[::2]
    assert bits(*trained(net, X, y, sample_weight=strided, **options)) == expected
    np.testing.assert_array_equal(w, kept)


# Classes


def classes(n_classes=3, n=N):
    rng = np.random.default_rng(1)
    y = rng.choice(n_classes, size=n, p=np.arange(1, n_classes + 1) / sum(range(n_classes + 1)))
    assert len(set(y)) == n_classes
    return y


def classifier(n_outputs, activation, loss, dtype="float64"):
    return Network(
        [20, 9, n_outputs], activation=["tanh", activation], loss=loss, dtype=dtype, seed=0
    )


# The network's outputs, and how class numbers become y.
TARGETS = {
    "numbers": (classifier, (3, "softmax", "cross_entropy"), lambda y: y),
    "floats": (classifier, (3, "softmax", "cross_entropy"), lambda y: y.astype(float).tolist()),
    "rows": (classifier, (3, "softmax", "cross_entropy"), lambda y: np.eye(3)[y]),
    "rows under mse": (classifier, (3, "identity", "mse"), lambda y: np.eye(3, dtype=int)[y]),
    "labels": (classifier, (3, "sigmoid", "bce"), lambda y: np.eye(3)[y]),
    "0 and 1": (classifier, (1, "sigmoid", "bce"), lambda y: y),
    "0 and 1 in a column": (classifier, (1, "identity", "mse"), lambda y: y.reshape(-1, 1)),
    "booleans": (classifier, (1, "sigmoid", "bce"), lambda y: y.astype(bool)),
}


@pytest.mark.parametrize("kind", TARGETS)
@every_dtype
@every_batch_size
def test_class_weights_are_weights_of_samples(kind, dtype, batch_size):
    make_net, arguments, encode = TARGETS[kind]
    net = make_net(*arguments, dtype)
    numbers = classes(max(2, arguments[0]))
    y, X = encode(numbers), np.random.default_rng(0).normal(size=(N, 20))
    options = {"epochs": 2, "learning_rate": 0.05, "batch_size": batch_size}

    def result(**weights):
        return bits(*trained(net, X, y, **options, **weights))

    of_sample = np.random.default_rng(2).integers(5, size=N)
    plain = result()
    for class_weight, expected in (
        ("balanced", compute_sample_weight("balanced", numbers)),
        ({0: 4, 1: 0.5}, np.where(numbers == 0, 4, np.where(numbers == 1, 0.5, 1))),
        ({np.int64(1): np.float32(0.25)}, np.where(numbers == 1, 0.25, 1)),
        ({0: 0}, np.where(numbers == 0, 0, 1)),
    ):
        assert result(class_weight=class_weight) == result(sample_weight=expected) != plain
        both = {"class_weight": class_weight, "sample_weight": of_sample}
        of_both, _ = trained(net, X, y, **options, **both)
        product, _ = trained(net, X, y, **options, sample_weight=of_sample * expected)
        alone, _ = trained(net, X, y, **options, sample_weight=expected)
        tolerance = 100 * np.finfo(dtype).eps
        assert_all_close(parameters(of_both), parameters(product), tolerance)
        with pytest.raises(AssertionError):
            assert_all_close(parameters(of_both), parameters(alone), tolerance)
    assert result(class_weight={}) == result(class_weight={0: 1, 1: 1.0}) == plain


def test_balanced_classes_may_be_missing():
    net = classifier(5, "softmax", "cross_entropy")
    y, X = classes(2) * 3, np.random.default_rng(0).normal(size=(N, 20))
    options = {"epochs": 2, "learning_rate": 0.05}
    balanced, history = trained(net, X, y, class_weight="balanced", **options)
    by_hand = trained(net, X, y, sample_weight=compute_sample_weight("balanced", y), **options)
    assert bits(balanced, history) == bits(*by_hand)


def test_balanced_makes_rare_classes_count():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(950, 2)) - 0.5, rng.normal(size=(50, 2)) + 0.5])
    y = np.repeat([0, 1], [950, 50])
    found = {}
    for class_weight in (None, "balanced"):
        net = Network([2, 1], loss="bce", seed=0)
        net.train(X, y, epochs=50, learning_rate=0.5, batch_size=50, class_weight=class_weight)
        found[class_weight] = (net.feedforward(X[y == 1]) > 0.5).mean()
    assert found[None] < 0.2
    assert found["balanced"] > 0.6


# Other kinds of X, and validation


@every_batch_size
@every_dtype
def test_compressed_rows(batch_size, dtype):
    for l2, (layer_sizes, forms) in itertools.product(
        (0, 0.5), (([20, 13, 3], ("zero_skip",)), ([3, 2, 1], ("zero_skip",)))
    ):
        net, X, y, w = make("numbers", layer_sizes, dtype, density=0.3)
        options = {"epochs": 2, "learning_rate": 0.05, "batch_size": batch_size}
        options |= {"sample_weight": w, "optimizer": SGD(l2=l2)}
        of_csr, history = trained(net, csr_array(X), y, **options)
        for form in forms:
            dense = trained(net, X, y, form=form, **options)
            assert bits(*dense) == bits(of_csr, history)
        of_direct, _ = trained(net, X, y, form="direct", **options)
        assert_all_close(parameters(of_csr), parameters(of_direct), TOLERANCE[dtype])
        loss = net.evaluate(csr_array(X), y, sample_weight=w, l2=l2)
        assert loss == pytest.approx(net.evaluate(X, y, sample_weight=w, l2=l2), rel=1e-6)
        of_both = (net.gradients(one, y, sample_weight=w, l2=l2) for one in (csr_array(X), X))
        for ours, expected in zip(*of_both, strict=True):
            assert_all_close(ours, expected, TOLERANCE[dtype])


@every_task
@pytest.mark.parametrize("kind", [np.asarray, csr_array, np.ndarray.tolist])
def test_validation_data_with_weights(task, kind):
    net, X, y, w = make(task, density=0.3)
    validation = kind(X[:30]), y[:30], w[:30]
    options = {"epochs": 1, "learning_rate": 0.02, "sample_weight": w}
    for _ in range(3):
        history = net.train(X, y, validation_data=validation, **options).history
        expected = net.evaluate(*validation[:2], sample_weight=w[:30])
        assert history["val_loss"] == [expected]
        assert expected != net.evaluate(*validation[:2])
    for without in ((*validation[:2], None), validation[:2], list(validation[:2])):
        history = net.train(X, y, validation_data=without, **options).history
        assert history["val_loss"] == [net.evaluate(*validation[:2])]


# Files


def memory_mapped(array, directory):
    path = directory / f"{len(list(directory.iterdir()))}.bin"
    array.tofile(path)
    return np.memmap(path, array.dtype, "r", shape=array.shape)


@every_form
@every_dtype
@pytest.mark.parametrize("layer_sizes", [[3, 2, 1], [20, 13, 3], [50, 100, 2]])
def test_a_memory_mapped_x_gives_the_same_bits(layer_sizes, dtype, form, tmp_path):
    for density in (1, 0.1):
        net, X, y, w = make("numbers", layer_sizes, dtype, density)
        mapped = memory_mapped(X, tmp_path)
        for batch_size, optimizer, weights in itertools.product(
            (1, 20), (SGD(), SGD(l2=1), SGD(l2=100), Momentum()), (None, w)
        ):
            options = {"epochs": 2, "learning_rate": 0.005, "batch_size": batch_size, "form": form}
            options |= {"optimizer": optimizer, "sample_weight": weights}
            expected = bits(*trained(net, X, y, **options))
            assert bits(*trained(net, mapped, y, **options)) == expected
        assert net.evaluate(mapped, y) == net.evaluate(X, y)


@pytest.mark.parametrize("batch_size", [1, 20])
@pytest.mark.parametrize("density", [1, 0.05])
@pytest.mark.parametrize("kind", ["mapped", "part of mapped", "in memory"])
def test_x_is_not_copied(kind, density, batch_size, tmp_path):
    """Nor by validation, metrics, evaluation and gradients. In memory, where few numbers are 0."""
    net, X, y, w = make("labels", [200, 5, 1], density=density, n=4000)
    given = X if kind == "in memory" else memory_mapped(X, tmp_path)
    if kind == "part of mapped":
        given, y, w = np.asarray(given)[:3500], y[:3500], w[:3500]
    forms = ("direct", "blocked") if kind == "in memory" else ("auto", "direct", "zero_skip")
    tracemalloc.start()
    try:
        for form in forms:
            options = {"learning_rate": 0.02, "batch_size": batch_size, "form": form}
            options |= {"validation_data": (given, y, w), "metrics": ["accuracy"]}
            net.train(given, y, epochs=2, sample_weight=w, **options)
        net.evaluate(given, y, sample_weight=w, l2=1)
        net.gradients(given, y, sample_weight=w, l2=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < given.nbytes / 10


# Bad input

BAD_WEIGHTS = [
    (np.ones(2), ValueError, ["must be as long as X, 3 samples, got 2"]),
    (np.ones(4), ValueError, ["must be as long as X, 3 samples, got 4"]),
    (np.ones((3, 1)), ValueError, ["must have shape (3,), got (3, 1)"]),
    (1.0, ValueError, ["must have shape (3,), got ()"]),
    ([1, -1, 1], ValueError, ["must not be negative; got -1 in row 1"]),
    ([1, 1, np.nan], ValueError, ["must be finite, got nan in row 2"]),
    ([1, np.inf, 1], ValueError, ["must be finite, got inf in row 1"]),
    ([0, 0, 0.0], ValueError, ["above zero", "got zero for all"]),
    (["1", "1", "1"], TypeError, ["must hold real numbers"]),
    ([1j, 1, 1], TypeError, ["must hold real numbers"]),
    ([None, 1, 1], TypeError, ["must hold real numbers"]),
    ("balanced", TypeError, ["must be a number for each sample", "go into class_weight"]),
    ({0: 1.0, 1: 2.0}, TypeError, ["must be a number for each sample", "go into class_weight"]),
    ([[1], [1, 2], [3]], ValueError, ["rows of equal length"]),
    (np.ma.array([1.0, 1, 1], mask=[0, 1, 0]), ValueError, ["no masked numbers"]),
]
BAD_CLASS_WEIGHTS = [
    ("Balanced", ValueError, ["must be one of 'balanced', got str 'Balanced'"]),
    (
        [1, 2],
        TypeError,
        ['must be None, "balanced" or a mapping of class numbers', "sample_weight"],
    ),
    (2.0, TypeError, ['must be None, "balanced" or a mapping of class numbers']),
    ({2: 1}, ValueError, ["a class in class_weight must be at most 1, got int 2"]),
    ({-1: 1}, ValueError, ["a class in class_weight must be at least 0, got int -1"]),
    ({"0": 1}, TypeError, ["a class in class_weight must be an integer, got str '0'"]),
    ({0.0: 1}, TypeError, ["a class in class_weight must be an integer, got float 0.0"]),
    ({True: 1}, TypeError, ["a class in class_weight must be an integer"]),
    ({0: -1}, ValueError, ["class_weight[0] must be a finite number of at least 0, got int -1"]),
    ({0: np.nan}, ValueError, ["class_weight[0] must be a finite number of at least 0"]),
    ({1: "2"}, TypeError, ["class_weight[1] must be a number, got str '2'"]),
    ({1: None}, TypeError, ["class_weight[1] must be a number, got NoneType None"]),
    ({0: 0, 1: 0}, ValueError, ["above zero", "got zero for all"]),
]
SMALL_X, SMALL_Y = np.array([[0.0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 0])
BAD_VALIDATION = [
    (SMALL_X, TypeError, ["validation_data must be (X, y) or (X, y, sample_weight)"]),
    ((SMALL_X,), TypeError, ["or (X, y, sample_weight), got tuple", "of 1"]),
    ((SMALL_X, SMALL_Y, None, 1), TypeError, ["or (X, y, sample_weight), got tuple", "of 4"]),
    ("Xy", TypeError, ["validation_data must be (X, y)"]),
    (0.2, TypeError, ["validation_data must be (X, y)"]),
    ((SMALL_X[:, :1], SMALL_Y), ValueError, ["validation_data: X must have 2 columns"]),
    ((SMALL_X[0], SMALL_Y), ValueError, ["validation_data: X must have two dimensions"]),
    ((SMALL_X[:0], SMALL_Y[:0]), ValueError, ["validation_data: X must have at least one sample"]),
    ((SMALL_X * np.nan, SMALL_Y), ValueError, ["validation_data: X must be finite, got nan"]),
    ((SMALL_X.astype(str), SMALL_Y), TypeError, ["validation_data: X must hold real numbers"]),
    ((SMALL_X, SMALL_Y[:2]), ValueError, ["validation_data: y must be as long as X, 3 samples"]),
    ((SMALL_X, SMALL_Y + 1), ValueError, ["validation_data: y must lie in 0 to 1", "2.0 in row 1"]),
    (
        (csr_array(SMALL_X)[:, :1], SMALL_Y),
        ValueError,
        ["validation_data: X must have 2 columns"],
    ),
]


def assert_refused(call, exception, fragments, net):
    before = pickle.dumps(net)
    with pytest.raises(exception) as error:
        call()
    assert type(error.value) is exception
    for fragment in fragments:
        assert fragment in str(error.value)
    assert pickle.dumps(net) == before


def small():
    return Network([2, 2, 1], loss="bce", seed=0)


TRAINING = {"epochs": 2, "learning_rate": 0.1}


@pytest.mark.parametrize(("value", "exception", "fragments"), BAD_WEIGHTS)
def test_bad_sample_weight(value, exception, fragments):
    net = small()
    data, with_name = (SMALL_X, SMALL_Y), [f"sample_weight {fragments[0]}", *fragments[1:]]
    if fragments[0].startswith(("above", "rows", "no ")):
        with_name = ["sample_weight must ", *fragments]
    for method, options in (
        ("train", TRAINING), ("evaluate", {}), ("gradients", {}), ("check_gradients", {}),
    ):  # fmt: skip
        call = getattr(net, method)
        assert_refused(
            lambda call=call, options=options: call(*data, sample_weight=value, **options),
            exception, with_name, net,
        )  # fmt: skip
    assert_refused(
        lambda: net.train(*data, **TRAINING, validation_data=(*data, value)),
        exception, ["validation_data: " + with_name[0], *with_name[1:]], net,
    )  # fmt: skip


@pytest.mark.parametrize(("value", "exception", "fragments"), BAD_CLASS_WEIGHTS)
def test_bad_class_weight(value, exception, fragments):
    net = small()
    for weights in (None, [1, 2, 3]):
        assert_refused(
            lambda weights=weights: net.train(
                SMALL_X, SMALL_Y, **TRAINING, class_weight=value, sample_weight=weights
            ),
            exception, ["class_weight", *fragments], net,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "activation", "y"),
    [
        ("mse", "identity", [[0.0, 2.0], [1, 0], [0, 1]]),
        ("mse", "identity", [[0.0, 0.0], [1, 0], [0, 1]]),
        ("bce", "sigmoid", [[1.0, 1.0], [1, 0], [0, 1]]),
        ("cross_entropy", "softmax", [[0.5, 0.5], [1, 0], [0, 1]]),
        ("mse", "identity", [0.0, 1.0, 0.5]),
        ("mse", "tanh", [-1.0, 1.0, 1.0]),
    ],
)
def test_class_weight_without_classes(loss, activation, y):
    net = Network([2, np.shape(y)[1] if np.ndim(y) == 2 else 1], activation=activation, loss=loss)
    for value in ("balanced", {0: 2.0}):
        assert_refused(
            lambda value=value: net.train(SMALL_X, y, **TRAINING, class_weight=value),
            ValueError, ["class_weight needs targets that are classes", "use sample_weight"], net,
        )  # fmt: skip


def test_weights_that_classes_and_samples_make_zero_together():
    net = small()
    options = {"class_weight": {1: 0}, "sample_weight": [0, 1, 0]}
    fragments = ["class_weight must give a weight above zero", "got zero for all"]
    call = lambda: net.train(SMALL_X, SMALL_Y, **TRAINING, **options)  # noqa: E731
    assert_refused(call, ValueError, fragments, net)


@pytest.mark.parametrize(("value", "exception", "fragments"), BAD_VALIDATION)
def test_bad_validation_data(value, exception, fragments):
    net = small()
    assert_refused(
        lambda: net.train(SMALL_X, SMALL_Y, **TRAINING, validation_data=value),
        exception, fragments, net,
    )  # fmt: skip
