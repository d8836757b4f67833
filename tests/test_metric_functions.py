"""The functions of fastnn.metrics, called with targets and outputs, beside scikit-learn's."""

import math
import tracemalloc

import numpy as np
import pytest
from common import every_dtype
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from fastnn import Network, datasets, metrics

ALL = ["accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2", "confusion_matrix"]
OF_CLASSES = ["accuracy", "f1", "roc_auc", "log_loss", "confusion_matrix"]
QUANTITIES = ["mae", "rmse", "r2"]


def close(value, expected):
    assert type(value) is float
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-14)


@st.composite
def classified(draw):
    """Class numbers, of which some may be missing, and outputs with many equal ones."""
    n, n_classes = draw(st.integers(1, 40)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    y = rng.choice(rng.permutation(n_classes)[: draw(st.integers(1, n_classes))], size=n)
    levels = draw(st.sampled_from([2, 3, 10, 10**6]))
    return y, rng.integers(levels, size=(n, n_classes)) / levels


many = settings(derandomize=True, deadline=None, max_examples=100)


def auc(rows, outputs):
    """By scikit-learn, or None where it is not defined."""
    if any(len(set(column)) < 2 for column in np.transpose(rows)):
        return None
    return theirs.roc_auc_score(rows, outputs, average="macro")


def check_auc(y, outputs, expected):
    if expected is None:
        with pytest.raises(ValueError, match="roc_auc compares samples of each class with others"):
            metrics.roc_auc(y, outputs)
    else:
        close(metrics.roc_auc(y, outputs), expected)


@many
@given(classified())
def test_classes(case):
    y, outputs = case
    n_classes = outputs.shape[1]
    labels, found = np.arange(n_classes), outputs.argmax(axis=1)
    rows = np.eye(n_classes)[y]
    f1 = theirs.f1_score(y, found, average="macro", zero_division=0)
    accuracy, area = theirs.accuracy_score(y, found), auc(rows, outputs)
    matrix = theirs.confusion_matrix(y, found, labels=labels)
    for targets in (y, y.tolist(), y.astype(float), y.astype(np.uint8), rows, rows.astype(bool)):
        close(metrics.accuracy(targets, outputs), accuracy)
        close(metrics.f1(targets, outputs), f1)
        counts = metrics.confusion_matrix(targets, outputs)
        assert counts.dtype.kind == "i"
        np.testing.assert_array_equal(counts, matrix)
        check_auc(targets, outputs, area)
    p = (outputs + 1e-3) / (outputs + 1e-3).sum(axis=1, keepdims=True)
    for targets in (y, rows):
        close(metrics.log_loss(targets, p), theirs.log_loss(y, p, labels=labels))
    for k, name in enumerate(("mean_absolute_error", "root_mean_squared_error")):
        expected = getattr(theirs, name)(rows, outputs)
        close(getattr(metrics, QUANTITIES[k])(rows, outputs), expected)
    if len(y) > 1:
        close(metrics.r2(rows, outputs), theirs.r2_score(rows, outputs))


@many
@given(classified(), st.sampled_from([0, 0.25, 0.5, 0.9]))
def test_one_output(case, threshold):
    y, scores = case[0] % 2, case[1][:, 0]
    area = auc(y[:, np.newaxis], scores)
    for low in (0, -1):
        targets, middle = np.where(y == 1, 1, low), 0 if low and not y.all() else 0.5
        pairs = [
            (given_y, outputs)
            for given_y in (targets, targets[:, np.newaxis], targets.astype(np.float32))
            for outputs in (scores, scores[:, np.newaxis], scores.tolist())
        ]
        for options, above in (({}, middle), ({"threshold": threshold}, threshold)):
            found = scores > above
            f1 = theirs.f1_score(y, found, average="macro", zero_division=0)
            accuracy = theirs.accuracy_score(y, found)
            matrix = theirs.confusion_matrix(y, found, labels=[0, 1])
            for pair in pairs:
                close(metrics.f1(*pair, **options), f1)
                close(metrics.accuracy(*pair, **options), accuracy)
                np.testing.assert_array_equal(metrics.confusion_matrix(*pair, **options), matrix)
        for pair in pairs:
            check_auc(*pair, area)
    expected = theirs.log_loss(y, np.column_stack((1 - scores, scores)), labels=[0, 1])
    close(metrics.log_loss(y, scores), expected)


@many
@given(classified(), st.integers(0, 2**32))
def test_labels(case, seed):
    outputs = case[1]
    y = (np.random.default_rng(seed).random(outputs.shape) < outputs).astype(float)
    found = outputs > 0.5
    expected = theirs.f1_score(y, found, average="macro", zero_division=0)
    close(metrics.f1(y, outputs, threshold=0.5), expected)
    expected = theirs.accuracy_score(y.ravel(), found.ravel())
    close(metrics.accuracy(y, outputs, threshold=0.5), expected)
    check_auc(y, outputs, auc(y, outputs))


@many
@given(
    st.integers(2, 30), st.integers(1, 4), st.integers(0, 2**32),
    st.sampled_from([1e-150, 1e-3, 1, 1e6, 1e150]),
)  # fmt: skip
def test_quantities(n, n_outputs, seed, scale):
    rng = np.random.default_rng(seed)
    y, errors = rng.normal(size=(2, n, n_outputs))
    y, outputs = scale * y, scale * (y + errors)
    flat = (y[:, 0], outputs[:, 0]) if n_outputs == 1 else (y, outputs)
    for pair in ((y, outputs), flat, (np.asfortranarray(y)[::-1], outputs[::-1])):
        close(metrics.mae(*pair), theirs.mean_absolute_error(y, outputs))
        close(metrics.rmse(*pair), theirs.root_mean_squared_error(y, outputs))
        assert metrics.r2(*pair) == pytest.approx(theirs.r2_score(y, outputs), rel=1e-9)


# Closed forms


@every_dtype
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_log_loss_of_certainty(dtype, value):
    eps = float(np.finfo(dtype).eps)
    outputs = np.full(3, value, dtype)
    one = np.eye(2, dtype=dtype)[[int(value)] * 3]
    for y in (0, 1):
        expected = -math.log(1 - eps if y == value else eps)
        for targets, a in (([y] * 3, outputs), ([[y]] * 3, outputs[:, None]), ([y] * 3, one)):
            assert metrics.log_loss(targets, a) == pytest.approx(expected, rel=1e-6)
            found = theirs.log_loss([y] * 3, a if a is one else a.ravel(), labels=[0, 1])
            assert found == pytest.approx(expected, rel=1e-6)


@every_dtype
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_log_loss_is_the_loss_that_networks_learn_by(dtype, n_outputs):
    loss = {1: "bce", 3: "cross_entropy"}[n_outputs]
    activation = {1: "sigmoid", 3: "softmax"}[n_outputs]
    net = Network([5, n_outputs], activation=activation, loss=loss, dtype=dtype, seed=0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5))
    y = rng.dirichlet(np.ones(3), 40) if n_outputs == 3 else rng.random(40)  # no classes
    found = net.evaluate(X, y, metrics="log_loss")
    rel = {"float64": 1e-12, "float32": 1e-5}[dtype]
    assert found["log_loss"] == pytest.approx(found["loss"], rel=rel)
    assert metrics.log_loss(y, net.feedforward(X)) == pytest.approx(found["loss"], rel=rel)


def test_one_sample():
    assert math.isnan(metrics.r2([1.0], [1.0]))
    assert metrics.mae([1.0], [3.0]) == metrics.rmse([1.0], [3.0]) == 2
    assert metrics.f1([1], [[0.1, 0.9, 0.0]]) == metrics.accuracy([1], [[0.1, 0.9, 0.0]]) == 1
    matrix = metrics.confusion_matrix([2], [[0.1, 0.9, 0.0]])
    assert matrix.tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_r2_of_an_output_that_does_not_vary():
    y = np.array([[0.1, 1], [0.1, 2], [0.1, 3]])
    assert metrics.r2(y, y) == 1
    assert metrics.r2(y, y + np.array([1e-9, 0])) == 0.5


def test_roc_auc_is_exact():
    """Where sums of fractions would be rounded."""
    n = 10**5
    y = np.arange(2 * n) % 2
    assert metrics.roc_auc(y, np.zeros(2 * n)) == 0.5
    assert metrics.roc_auc(y, y) == 1
    assert metrics.roc_auc(y, -y) == 0
    assert metrics.roc_auc([0, 1], [-0.0, 0.0]) == 0.5


@many
@given(classified())
def test_roc_auc_counts_pairs(case):
    y, scores = case[0] % 2, case[1][:, 0]
    inside, outside = scores[y == 1][:, None], scores[y == 0]
    if inside.size and outside.size:
        expected = ((inside > outside) + (inside == outside) / 2).mean()
        close(metrics.roc_auc(y, scores), expected)
        close(metrics.roc_auc(1 - y, -scores), expected)
        close(metrics.roc_auc(y, np.exp(scores)), expected)


def test_memory_grows_with_the_rows_alone():
    """A matrix of the classes would be 800 MB here."""
    y = np.arange(200) % 2
    outputs = np.zeros((200, 10**4))
    tracemalloc.start()
    metrics.f1(y, outputs)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


def test_the_matrix_has_what_accuracy_and_f1_are_made_of():
    X, y = datasets.load_digits()
    net = Network([64, 10], activation="softmax", loss="cross_entropy", seed=0)
    net.train(X, y, epochs=1, learning_rate=0.01)
    outputs = net.feedforward(X)
    matrix = metrics.confusion_matrix(y, outputs)
    assert matrix.sum(axis=1).tolist() == np.bincount(y).tolist()
    assert matrix.trace() / len(y) == metrics.accuracy(y, outputs)
    scores = 2 * matrix.diagonal() / (matrix.sum(axis=0) + matrix.sum(axis=1))
    assert metrics.f1(y, outputs) == pytest.approx(scores.mean(), rel=1e-14)


# Arrays of all kinds, which nothing is written into


@pytest.mark.parametrize("name", ALL)
def test_arrays_are_left_alone(name):
    rng = np.random.default_rng(0)
    classes = rng.permuted(np.arange(30) % 3)
    y = np.eye(3)[classes]
    a = rng.dirichlet(np.ones(3), 30)
    function = getattr(metrics, name)
    expected = function(y, a)
    if name in OF_CLASSES:
        np.testing.assert_array_equal(function(classes, a), expected)
        np.testing.assert_array_equal(function(classes.astype(">i2"), a), expected)
    for given_y, given_a in (
        (np.asfortranarray(y), np.asfortranarray(a)),
        (np.repeat(y, 2, axis=0)[::2], np.repeat(a, 2, axis=1)[:, ::2]),
        (y.astype(">f4"), a.astype(">f8")),
        (y.astype(int).tolist(), a.tolist()),
        (np.ma.array(y), np.ma.array(a)),
    ):
        np.testing.assert_array_equal(function(given_y, given_a), expected)
    y_before, a_before = y.copy(), a.copy()
    for one in (y, a):
        one.setflags(write=False)
    np.testing.assert_array_equal(function(y, a), expected)
    assert (y.tobytes(), a.tobytes()) == (y_before.tobytes(), a_before.tobytes())


def test_outputs_of_a_network_of_one_output():
    """As users have them: feedforward gives a column."""
    X, y = datasets.load_people()
    net = Network([2, 2, 1], seed=0)
    net.train(X, y, epochs=1000, learning_rate=0.1)
    outputs = net.feedforward(X)
    assert outputs.shape == (4, 1)
    for name in ALL[:-1]:
        assert getattr(metrics, name)(y, outputs) == net.evaluate(X, y, metrics=name)[name]


# What is refused


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("y", "outputs", "exception", "message"),
    [
        ([], [], ValueError, r"outputs must have shape .* at least one sample, got \(0, 1\)"),
        ([0], np.empty((1, 0)), ValueError, r"outputs must have shape .*, got \(1, 0\)"),
        ([0], 0.5, ValueError, r"outputs must have shape .*, got \(\)"),
        ([0], [[[0.5]]], ValueError, r"outputs must have shape .*, got \(1, 1, 1\)"),
        (1, [0.5], ValueError, r"y must have shape \(1,\) or \(1, 1\), .* got \(\)"),
        ([0, 1], [0.5], ValueError, r"y must have shape \(1,\) or \(1, 1\), .* got \(2,\)"),
        ([0], [0.5, 0.5], ValueError, r"y must have shape \(2,\) or \(2, 1\), .* got \(1,\)"),
        ([[0], [1]], [[0.5, 0.5]] * 2, ValueError, r"\(2,\) or \(2, 2\), .* got \(2, 1\)"),
        ([[0, 1]] * 2, [0.5, 0.5], ValueError, r"\(2,\) or \(2, 1\), .* got \(2, 2\)"),
        ([0, 1], [0.5, math.nan], ValueError, "outputs must be finite, got nan in row 1"),
        ([0, 1], [math.inf, 0.5], ValueError, "outputs must be finite, got inf in row 0"),
        ([math.nan, 1], [0.5, 0.5], ValueError, "y must be finite, got nan in row 0"),
        ([0, -math.inf], [0.5, 0.5], ValueError, "y must be finite, got -inf in row 1"),
        (["a", "b"], [0.5, 0.5], TypeError, "y must hold real.*; make class numbers of"),
        ([0, 1], ["a", "b"], TypeError, "outputs must hold real numbers"),
        ([0, 1], [0.5, 1j], TypeError, "outputs must hold real numbers"),
        ([None, 1], [0.5, 0.5], TypeError, "y must hold real numbers"),
        (np.ma.array([0, 1], mask=[0, 1]), [0.5, 0.5], ValueError, "y must have no masked numbers"),
    ],
)
def test_bad_arrays(name, y, outputs, exception, message):
    with pytest.raises(exception, match=message):
        getattr(metrics, name)(y, outputs)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("wrong", [3, -1, 0.5])
def test_class_numbers_that_are_none(name, wrong):
    outputs = [[0.2, 0.3, 0.5]] * 3
    with pytest.raises(ValueError, match=r"y must hold (class|whole class) numbers"):
        getattr(metrics, name)([0, 1, wrong], outputs)


@pytest.mark.parametrize(
    ("name", "y", "outputs", "message"),
    [
        *((name, [0, 1], [[0.5, 0.5]] * 2, f"{name} needs targets that are quantities, and y holds")
          for name in QUANTITIES),
        ("f1", [0.3, 1], [0.5, 0.5], "f1 needs targets that are classes: numbers 0 and 1, or -1"),
        ("f1", [-1, 0], [0.5, 0.5], "f1 needs targets .* y has others, first in row 1"),
        ("roc_auc", [2, 1], [0.5, 0.5], "roc_auc needs targets that are classes: numbers 0 and 1"),
        ("f1", [[1, 1]] * 2, [[0.5, 0.5]] * 2, "f1 needs targets .* rows with a single 1 among"),
        ("confusion_matrix", [[0, 0]] * 2, [[0.5, 0.5]] * 2, "confusion_matrix needs targets that"),
        ("roc_auc", [[0, 0.5]] * 2, [[0.5, 0.5]] * 2, "roc_auc needs targets .* rows of 0 and 1"),
        ("roc_auc", [1, 1], [0.5, 0.6], "y has no others than those of class 1"),
        ("roc_auc", [0, 0], [0.5, 0.6], "y has none of class 1"),
        ("roc_auc", [0, 1], [[0.5, 0.3, 0.2]] * 2, "y has none of class 2"),
        ("log_loss", [0.5, 1.5], [0.5, 0.5], "y must lie in 0 to 1 for log_loss; got 1.5 in row 1"),
        ("log_loss", [0, 1], [0.5, 1.5], "outputs must lie in 0 to 1 for log_loss; got 1.5"),
        ("log_loss", [0, 1], [[0.5, 0.6]] * 2, "outputs must have rows that sum to 1 for log_loss"),
        ("log_loss", [0, 1], [[-0.5, 1.5]] * 2, "outputs must not be negative for log_loss"),
        ("log_loss", [[1, 1]] * 2, [[0.5, 0.5]] * 2, "y must have rows that sum to 1 for log_loss"),
    ],
)  # fmt: skip
def test_targets_and_outputs_that_make_no_sense(name, y, outputs, message):
    with pytest.raises(ValueError, match=message):
        getattr(metrics, name)(y, outputs)


@pytest.mark.parametrize("name", ["accuracy", "f1", "confusion_matrix"])
@pytest.mark.parametrize(
    ("threshold", "exception"),
    [("0.5", TypeError), ([0.5], TypeError), (math.nan, ValueError), (math.inf, ValueError)],
)
def test_bad_thresholds(name, threshold, exception):
    with pytest.raises(exception, match="threshold must be a"):
        getattr(metrics, name)([0, 1], [0.5, 0.5], threshold=threshold)


def test_labels_have_no_common_matrix():
    with pytest.raises(ValueError, match=r"threshold must be None .* got 0.5; .* y\[:, k\]"):
        metrics.confusion_matrix([[0, 1]] * 2, [[0.5, 0.5]] * 2, threshold=0.5)


def test_f1_of_labels_needs_labels():
    with pytest.raises(ValueError, match=r"f1 needs targets .* rows of 0 and 1"):
        metrics.f1([[0, 0.5]] * 2, [[0.5, 0.5]] * 2, threshold=0.5)


# Objects that others change, or that answer otherwise the second time


@pytest.mark.parametrize("name", ALL)
def test_it_is_asked_once(name):
    class Array:
        asked = 0

        def __init__(self, value):
            self.value = np.array(value, float)

        def __array__(self, dtype=None, copy=None):
            self.asked += 1
            return self.value if self.asked == 1 else np.full(10**3, -7.0)

    y, a = [0, 1, 1], [0.5, 0.25, 0.75]
    np.testing.assert_array_equal(
        getattr(metrics, name)(Array(y), Array(a)), getattr(metrics, name)(y, a)
    )
