"""Metrics, validation, History and the progress bar: what is told of training."""

import decimal
import io
import math
import pickle
import re
import subprocess
import sys
from fractions import Fraction
from functools import partial
from types import MappingProxyType

import matplotlib
import numpy as np
import pytest
from common import every_dtype
from random_networks import bits, put_zeros, trained
from scipy.sparse import csr_array
from sklearn import metrics as theirs

import fastnn._core.chunks
import fastnn.metrics
from fastnn import Network, TrainingDivergedError
from fastnn.callbacks import EarlyStopping
from fastnn.optimizers import SGD
from fastnn.schedules import CosineDecay

pytestmark = pytest.mark.unwatched

matplotlib.use("Agg")


N, N_TRAINING = 75, 50
OPTIONS = {"epochs": 3, "learning_rate": 0.05}

# Outputs, their activation, the loss, and what y is like.
TASKS = {
    "class numbers": (4, "softmax", "cross_entropy", "numbers"),
    "one-hot rows": (4, "softmax", "cross_entropy", "rows"),
    "rows under mse": (4, "identity", "mse", "rows"),
    "rows of reals": (4, "identity", "huber", "reals"),
    "one sigmoid, bce": (1, "sigmoid", "bce", "labels"),
    "one sigmoid, mse": (1, "sigmoid", "mse", "labels"),
    "one sigmoid, a column": (1, "sigmoid", "mse", "columns"),
    "labels": (4, "sigmoid", "bce", "columns"),
    "one tanh": (1, "tanh", "mse", "signs"),
    "one identity": (1, "identity", "mae", "real"),
}
every_task = pytest.mark.parametrize("task", TASKS)


def make(task="class numbers", dtype="float64"):
    """A network, X and y for training, X and y for validation."""
    n_outputs, output, loss, kind = TASKS[task]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 6)).astype(dtype)
    put_zeros(X, 0.7, rng)
    scores = X[:, :n_outputs] + rng.normal(size=(N, n_outputs)) / 2
    y = {
        "numbers": scores.argmax(axis=1),
        "rows": np.eye(n_outputs)[scores.argmax(axis=1)],
        "reals": scores,
        "real": scores[:, 0],
        "columns": (scores > 0).astype(float),
        "labels": (scores[:, 0] > 0).astype(int),
        "signs": np.sign(scores[:, 0]),
    }[kind]
    net = Network([6, 7, n_outputs], activation=["tanh", output], loss=loss, dtype=dtype, seed=0)
    return net, X[:N_TRAINING], y[:N_TRAINING], X[N_TRAINING:], y[N_TRAINING:]


def accuracy(task, y, outputs):
    """By scikit-learn, from decisions made here."""
    kind = TASKS[task][3]
    if kind == "numbers":
        return theirs.accuracy_score(y, outputs.argmax(axis=1))
    if kind in ("rows", "reals"):
        return theirs.accuracy_score(y.argmax(axis=1), outputs.argmax(axis=1))
    middle = 0 if kind in ("signs", "real") else 0.5
    return theirs.accuracy_score(y.ravel() > middle, outputs.ravel() > middle)


# Which of fastnn's metrics make sense for each task, beside accuracy.
QUANTITIES = ["mae", "rmse", "r2"]
OTHERS = {
    "class numbers": ["f1", "roc_auc", "log_loss"],
    "one-hot rows": ["f1", "roc_auc", "log_loss", *QUANTITIES],
    "rows under mse": ["f1", "roc_auc", *QUANTITIES],
    "rows of reals": QUANTITIES,
    "one sigmoid, bce": ["f1", "roc_auc", "log_loss", *QUANTITIES],
    "one sigmoid, mse": ["f1", "roc_auc", "log_loss", *QUANTITIES],
    "one sigmoid, a column": ["f1", "roc_auc", "log_loss", *QUANTITIES],
    "labels": ["f1", "roc_auc", *QUANTITIES],
    "one tanh": ["f1", "roc_auc", *QUANTITIES],
    "one identity": QUANTITIES,
}


def f1_of_scikit_learn(task, y, outputs):
    kind = TASKS[task][3]
    if kind in ("numbers", "rows"):
        true, found = y if kind == "numbers" else y.argmax(axis=1), outputs.argmax(axis=1)
    else:
        middle = 0 if kind == "signs" else 0.5
        true, found = (one > middle for one in (y.reshape(outputs.shape), outputs))
    return theirs.f1_score(true, found, average="macro", zero_division=0)


def expected_values(task, y, outputs):
    """By scikit-learn."""
    n_outputs, *_, kind = TASKS[task]
    rows = np.eye(n_outputs)[y] if kind == "numbers" else y.reshape(outputs.shape)
    p = np.hstack((1 - outputs, outputs)) if n_outputs == 1 else outputs
    p = p / p.sum(axis=1, keepdims=True)  # as of float32 they sum to 1 for that only
    classes = rows.ravel() if n_outputs == 1 else rows.argmax(axis=1)
    functions = {
        "accuracy": lambda: accuracy(task, y, outputs),
        "f1": lambda: f1_of_scikit_learn(task, y, outputs),
        "roc_auc": lambda: theirs.roc_auc_score(rows, outputs, average="macro"),
        "log_loss": lambda: theirs.log_loss(classes, p),
        "mae": lambda: theirs.mean_absolute_error(rows, outputs),
        "rmse": lambda: theirs.root_mean_squared_error(rows, outputs),
        "r2": lambda: theirs.r2_score(rows, outputs),
    }
    return {name: functions[name]() for name in ["accuracy", *OTHERS[task]]}


@every_task
@every_dtype
def test_metrics_are_those_of_scikit_learn(task, dtype):
    """By names, by functions, and by the functions called with outputs, in train and evaluate."""
    net, X, y, X_val, y_val = make(task, dtype)
    names = ["accuracy", *OTHERS[task]]
    functions = [getattr(fastnn.metrics, name) for name in names]
    values = {name: [] for name in [*names, *(f"val_{name}" for name in names)]}
    rel = {"float64": 1e-12}.get(dtype, 1e-5)
    for _ in range(6):
        options = {**OPTIONS, "epochs": 2, "validation_data": (X_val, y_val)}
        twin = net.copy()
        history = net.train(X, y, **options, metrics=names).history
        assert twin.train(X, y, **options, metrics=functions).history == history
        for prefix, rows, targets in (("", X, y), ("val_", X_val, y_val)):
            outputs = net.feedforward(rows)
            expected = expected_values(task, targets, outputs.astype(float))
            assert list(expected) == names
            evaluated = net.evaluate(rows, targets, metrics=names)
            assert evaluated == net.evaluate(rows, targets, metrics=functions)
            assert list(evaluated) == ["loss", *names]
            assert evaluated["loss"] == net.evaluate(rows, targets)
            for name, value in expected.items():
                column = history[prefix + name]
                assert column[-1] == pytest.approx(value, rel=rel)
                assert [type(one) for one in column] == [float, float]
                assert column[-1] == evaluated[name]
                if task != "labels" or name not in ("accuracy", "f1"):
                    found = getattr(fastnn.metrics, name)(targets, outputs)
                else:
                    found = getattr(fastnn.metrics, name)(targets, outputs, threshold=0.5)
                assert type(found) is float
                assert found == pytest.approx(value, rel=rel)
                values[prefix + name] += column
    for column in values.values():
        assert len(set(column)) > 1


def test_accuracy_may_be_had_alone_and_without_a_list():
    net, X, y, *_ = make()
    one, *others = [
        trained(net, X, y, **OPTIONS, metrics=metrics)[1].history
        for metrics in ("accuracy", ("accuracy",), np.array(["accuracy"]))
    ]
    assert others == [one, one]
    assert list(one) == ["loss", "accuracy", "learning_rate"]


@pytest.mark.parametrize("target", [0.1, 0.5, 3])
@every_dtype
def test_r2_of_targets_that_are_all_the_same(target, dtype):
    """1 if they are met, and 0 if not, however their mean is rounded."""
    net = Network([2, 2], activation="identity", dtype=dtype, seed=0)
    X, y = np.ones((15, 2)), np.full((15, 2), target)
    y[:, 1] = np.arange(15)
    for W in net.weights:
        W[:] = 0
    net.biases[0][:] = target, y[:, 1].mean()
    options = {"epochs": 1, "learning_rate": lambda epoch: 0, "metrics": "r2"}
    met = net.train(X, y, **options).history["r2"]
    assert met == pytest.approx([(1 + 0) / 2], abs=1e-6)
    net.biases[0][0] += 0.5
    missed = net.train(X, y, **options).history["r2"]
    assert missed == pytest.approx([(0 + 0) / 2], abs=1e-6)


# Functions


def test_functions_of_scikit_learn_as_they_are():
    net, X, y, X_val, y_val = make("one identity")
    functions = [
        theirs.mean_squared_error, theirs.root_mean_squared_error, theirs.r2_score, theirs.max_error
    ]  # fmt: skip
    options = {**OPTIONS, "metrics": functions, "validation_data": (X_val, y_val)}
    history = net.train(X, y, **options).history
    for function in functions:
        for name, rows, targets in (("", X, y), ("val_", X_val, y_val)):
            expected = function(targets, net.feedforward(rows)[:, 0])
            assert history[name + function.__name__][-1] == pytest.approx(expected, rel=1e-12)
    net, X, y, *_ = make()
    history = net.train(X, y, **OPTIONS, metrics=theirs.log_loss).history
    expected = theirs.log_loss(y, net.feedforward(X))
    assert history["log_loss"][-1] == pytest.approx(expected, rel=1e-12)
    assert net.evaluate(X, y) == pytest.approx(expected, rel=1e-12)
    net, X, y, *_ = make("one sigmoid, bce")
    metrics = [theirs.roc_auc_score, theirs.average_precision_score]
    history = net.train(X, y, **OPTIONS, metrics=metrics).history
    expected = [function(y, net.feedforward(X)[:, 0]) for function in metrics]
    assert [history[f.__name__][-1] for f in metrics] == pytest.approx(expected, rel=1e-12)


@every_task
@every_dtype
def test_functions_get_targets_and_outputs(task, dtype):
    net, X, y, X_val, y_val = make(task, dtype)
    got = []

    def note(y, outputs):
        got.append((y.copy(), outputs.copy()))
        return len(got)

    options = {**OPTIONS, "metrics": note, "validation_data": (X_val, y_val)}
    history = net.train(X, y, **options).history
    assert history["note"] == [1, 3, 5]
    assert history["val_note"] == [2, 4, 6]
    n_outputs, *_, kind = TASKS[task]
    for rows, expected, (targets, outputs) in zip((X, X_val), (y, y_val), got[-2:], strict=True):
        assert targets.dtype.kind == ("i" if kind == "numbers" else "f")
        one = kind == "numbers" or n_outputs == 1
        assert targets.shape == ((len(rows),) if one else (len(rows), n_outputs))
        np.testing.assert_allclose(targets, expected.reshape(targets.shape), rtol=1e-6)
        predicted = net.feedforward(rows)
        assert outputs.dtype == dtype
        assert outputs.tobytes() == predicted.tobytes()
        assert outputs.shape == ((len(rows),) if n_outputs == 1 else predicted.shape)


class Share:
    def __call__(self, y, outputs):
        return np.float32(0.25)


class OddName:
    __name__ = 3

    def __call__(self, y, outputs):
        return decimal.Decimal("0.5")


def test_names_of_functions():
    net, X, y, *_ = make()
    history = net.train(X, y, **OPTIONS, metrics=OddName()).history
    assert history["OddName"] == [0.5] * 3
    history = net.train(X, y, **OPTIONS, metrics=[Share(), lambda y, a: True]).history
    assert list(history) == ["loss", "Share", "<lambda>", "learning_rate"]
    assert history["Share"] == [0.25] * 3
    assert history["<lambda>"] == [1.0] * 3


def test_a_mapping_gives_names():
    net, X, y, X_val, y_val = make()
    options = {**OPTIONS, "validation_data": (X_val, y_val)}

    def top2(y, outputs):
        return (outputs.argsort(axis=1)[:, -2:] == y[:, None]).any(axis=1).mean()

    mapping = {
        "top2": lambda y, outputs: top2(y, outputs),
        "top2 again": lambda y, outputs: top2(y, outputs),
        "acc": "accuracy",
        "f": fastnn.metrics.f1,
        "mae": "log_loss",  # which is not that of fastnn, and so takes class numbers
    }
    _, expected = trained(net, X, y, **options, metrics=["accuracy", "f1", "log_loss", top2])
    net, history = trained(net, X, y, **options, metrics=MappingProxyType(mapping))
    assert list(history.history) == [
        "loss", *mapping, "val_loss", *(f"val_{name}" for name in mapping), "learning_rate"
    ]  # fmt: skip
    names = {**dict.fromkeys(mapping, "top2"), "acc": "accuracy", "f": "f1", "mae": "log_loss"}
    for name, own_name in names.items():
        for prefix in ("", "val_"):
            assert history.history[prefix + name] == expected.history[prefix + own_name]
    evaluated = net.evaluate(X_val, y_val, metrics=mapping)
    assert evaluated == {
        name.removeprefix("val_"): column[-1]
        for name, column in history.history.items()
        if name.startswith("val_")
    }


@pytest.mark.parametrize("monitored", ["val_x", "x"])
@pytest.mark.parametrize("own", ["accuracy", "f1", "roc_auc", "r2", "log_loss", "mae", "rmse"])
@pytest.mark.parametrize("as_function", [False, True])
def test_a_monitor_knows_what_is_better_by_any_name(monitored, own, as_function):
    net, X, y, *validation = make("one sigmoid, bce")
    options = {**OPTIONS, "epochs": 40, "learning_rate": 0.5, "validation_data": validation}
    larger = own in ("accuracy", "f1", "roc_auc", "r2")
    metric = getattr(fastnn.metrics, own) if as_function else own
    for metrics, monitor in (
        ({"x": metric}, monitored), (metric, monitored.replace("x", own)),
    ):  # fmt: skip
        stopping = EarlyStopping(monitor=monitor, patience=100)
        history = net.copy().train(X, y, **options, metrics=metrics).history[monitor]
        assert min(history) < max(history)
        twin = net.copy()
        twin.train(X, y, **options, metrics=metrics, callbacks=stopping)
        assert stopping.best(twin).value == (max if larger else min)(history)


def test_a_name_that_belongs_to_another_metric():
    """What is better goes with the metric; only of a function of the user's, with its name."""
    net, X, y, *_ = make("one identity")
    options = {**OPTIONS, "epochs": 9}
    values = iter([*range(5), *range(4)] * 2)
    stopping = EarlyStopping(monitor="r2", patience=100)
    for metrics, better in (({"r2": "mae"}, min), ({"r2": lambda y, outputs: next(values)}, max)):
        twin = net.copy()
        history = twin.train(X, y, **options, metrics=metrics, callbacks=stopping).history["r2"]
        assert stopping.best(twin).value == better(history)
        assert min(history) < max(history)


@every_task
@every_dtype
def test_what_a_function_writes_is_its_own(task, dtype):
    net, X, y, *validation = make(task, dtype)
    options = {**OPTIONS, "validation_data": validation}
    y_before, y_val_before = y.copy(), validation[1].copy()
    expected, expected_history = trained(net, X, y, **options, metrics="accuracy")

    def overwrites(y, outputs):
        y[...] = 1
        outputs[...] = 0
        return 0.0

    got = []

    def note(y, outputs):
        got.append((y.tobytes(), outputs.tobytes()))
        return 0.0

    metrics = [note, overwrites, "accuracy", OddName(), note_again(note)]
    found, history = trained(net, X, y, **options, metrics=metrics)
    assert bits(found, history) == bits(expected, expected_history)
    for name, column in expected_history.history.items():
        assert history.history[name] == column
    assert got[::2] == got[1::2]
    assert len(set(got)) == len(got) / 2
    assert y.tobytes() == y_before.tobytes()
    assert validation[1].tobytes() == y_val_before.tobytes()


def note_again(note):
    return lambda y, outputs: note(y, outputs)


# What functions return


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, 0.5),
        (3, 3.0),
        (True, 1.0),
        (np.bool_(False), 0.0),
        (np.float16(0.5), 0.5),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.int8(-3), -3.0),
        (np.array(0.25), 0.25),
        (np.array(7, ">i4"), 7.0),
        (Fraction(1, 4), 0.25),
        (decimal.Decimal("0.5"), 0.5),
        (10**400, math.inf),
        (-math.inf, -math.inf),
    ],
)
def test_numbers_that_a_function_may_return(value, expected):
    net, X, y, *_ = make()
    metrics = {"m": lambda y, outputs: value}
    assert net.train(X, y, **OPTIONS, metrics=metrics).history["m"] == [expected] * 3
    found = net.evaluate(X, y, metrics=metrics)["m"]
    assert found == expected
    assert type(found) is float


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (None, "NoneType None"),
        ("0.5", "str '0.5'"),
        (b"1", "bytes b'1'"),
        (np.str_("0.5"), "str_"),
        (1j, "complex 1j"),
        (np.complex128(1), "complex128"),
        (np.array([0.5]), "ndarray of shape (1,)"),
        (np.ones((2, 2)), "ndarray of shape (2, 2)"),
        ([0.5], "list [0.5]"),
        ((0.5, 0.25), "tuple (0.5, 0.25)"),
        (np.timedelta64(3, "s"), "timedelta64"),
        ({}, "dict {}"),
    ],
)
def test_what_a_function_must_not_return(value, got):
    net, X, y, *_ = make()
    expected, _ = trained(net, X, y, **{**OPTIONS, "epochs": 2})
    values = iter([0.5])
    for call in (
        lambda: net.train(X, y, **OPTIONS, metrics={"m": lambda y, a: next(values, value)}),
        lambda: net.evaluate(X, y, metrics={"m": lambda y, a: value}),
    ):
        with pytest.raises(TypeError) as error:
            call()
        assert f"what the metric 'm' returns must be a number, got {got}" in str(error.value)
        assert net._parameters.tobytes() == expected._parameters.tobytes()


# evaluate


@every_task
@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_evaluate_measures_the_outputs_that_the_loss_is_of(task, kind, monkeypatch):
    net, X, y, *_ = make(task)
    w = np.arange(1.0, len(X) + 1)
    options = {"sample_weight": w, "l2": 0.1}
    loss = net.evaluate(kind(X), y, **options)
    unweighted = net.evaluate(X, y, metrics="accuracy")["accuracy"]
    predictions = []
    monkeypatch.setattr(fastnn._core.kernels, "feedforward", lambda *_: predictions.append(1))
    expected = {"loss": loss, "accuracy": unweighted}
    assert net.evaluate(kind(X), y, **options, metrics=["accuracy"]) == expected
    assert net.evaluate(kind(X), y, **options, metrics=[]) == {"loss": loss}
    assert net.evaluate(kind(X), y, **options, metrics={}) == {"loss": loss}
    assert type(net.evaluate(kind(X), y, **options, metrics=None)) is float
    assert not predictions


@pytest.mark.parametrize("chunk", [1, 7])
def test_evaluate_in_chunks(chunk, chunks_have):
    net, X, y, *_ = make()
    metrics = ["accuracy", "log_loss", lambda y, outputs: outputs.sum()]
    expected = net.evaluate(X, y, metrics=metrics)
    chunks_have(chunk)
    assert net.evaluate(X, y, metrics=metrics) == expected


def test_evaluate_lets_errors_of_functions_through():
    net, X, y, *_ = make()
    before = pickle.dumps(net)
    with pytest.raises(ZeroDivisionError):
        net.evaluate(X, y, metrics=lambda y, outputs: 1 / 0)
    assert pickle.dumps(net) == before


def test_outputs_that_overflow():
    """Names neither fail nor warn, as training goes on."""
    net = Network([1, 1], activation="identity", seed=0)
    net.weights[0][:] = 1e200
    X, y = [[1e200], [1.0]], [1, 0]
    names = ["accuracy", "f1", "roc_auc", "mae", "rmse", "r2"]
    found = net.evaluate(X, y, metrics=names)
    assert found == {
        "loss": math.inf, "accuracy": 0.5, "f1": 1 / 3, "roc_auc": 1.0, "mae": math.inf,
        "rmse": math.inf, "r2": -math.inf,
    }  # fmt: skip
    net = Network([2, 1], activation="identity", seed=0)
    net.weights[0][:] = [[1e200], [-1e200]]
    found = net.evaluate([[1e200, 1e200], [1.0, 1.0]], y, metrics=names)  # inf - inf
    assert math.isnan(found["roc_auc"])
    assert math.isnan(found["mae"])


def test_validation_is_measured_as_training_is():
    """Outputs of -1 to 1, also where no target of validation is below 0."""
    net, X, y, X_val, y_val = make("one tanh")
    positive = y_val > 0
    data = {"validation_data": (X_val[positive], y_val[positive])}
    history = net.train(X, y, **OPTIONS, metrics="accuracy", **data).history
    expected = (net.feedforward(X_val[positive]) > 0).mean()
    assert history["val_accuracy"][-1] == expected
    assert expected != (net.feedforward(X_val[positive]) > 0.5).mean()


# History


@pytest.mark.parametrize(
    ("metrics", "validated", "columns"),
    [
        ((), False, []),
        (None, False, []),
        ([], True, ["val_loss"]),
        ("accuracy", False, ["accuracy"]),
        (
            ["accuracy", theirs.log_loss],
            True,
            ["accuracy", "log_loss", "val_loss", "val_accuracy", "val_log_loss"],
        ),
    ],
)
def test_history_has_a_value_for_each_epoch(metrics, validated, columns):
    net, X, y, X_val, y_val = make()
    options = {**OPTIONS, "metrics": metrics}
    if validated:
        options["validation_data"] = X_val, y_val
    for epochs in (3, 1, 0):
        history = net.train(X, y, **{**options, "epochs": epochs})
        assert list(history.history) == ["loss", *columns, "learning_rate"]
        assert {len(column) for column in history.history.values()} == {epochs}
        assert history.epoch == list(range(epochs))


def test_history_after_early_stopping_has_the_epochs_that_ran():
    net, X, y, X_val, y_val = make()
    options = {**OPTIONS, "epochs": 500, "metrics": "accuracy", "validation_data": (X_val, y_val)}
    for stopping in ({"tol": 0.01, "patience": 2}, {"callbacks": EarlyStopping(patience=2)}):
        _, history = trained(net, X, y, **options, **stopping)
        assert 2 < len(history.epoch) < 500
        assert {len(column) for column in history.history.values()} == {len(history.epoch)}


@every_task
@every_dtype
@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_val_loss_is_what_evaluate_gives(task, dtype, kind):
    net, X, y, X_val, y_val = make(task, dtype)
    validation = kind(X_val), y_val
    options = {"validation_data": validation, "optimizer": SGD(l2=0.1), "batch_size": 4}
    for metrics in ((), "accuracy"):
        history = net.train(X, y, **OPTIONS, **options, metrics=metrics).history
        assert history["val_loss"][-1] == net.evaluate(*validation)
        assert len(set(history["val_loss"])) == 3


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [1, 4, N])
@every_task
def test_validation_and_metrics_change_no_bit(task, batch_size, shuffle, chunks_have):
    net, X, y, X_val, y_val = make(task)
    options = {
        "epochs": 5, "learning_rate": CosineDecay(0.05, epochs=5), "batch_size": batch_size,
        "shuffle": shuffle, "optimizer": "momentum" if batch_size == 4 else SGD(l2=0.1),
    }  # fmt: skip
    unwatched, history = trained(net, X, y, **options)
    watching = [
        {"validation_data": (X_val, y_val)},
        {"metrics": ["accuracy", lambda y, outputs: outputs.sum()]},
        {"validation_data": (csr_array(X_val), y_val), "metrics": "accuracy"},
    ]
    for chunk in (None, 7):
        if chunk:
            chunks_have(7)
        for watch in watching:
            watched, watched_history = trained(net, X, y, **options, **watch)
            assert bits(watched, watched_history) == bits(unwatched, history)
            assert watched._rng.bit_generator.state == unwatched._rng.bit_generator.state


def test_validation_with_early_stopping_by_loss_changes_no_bit():
    net, X, y, X_val, y_val = make()
    options = {"epochs": 500, "learning_rate": 0.05, "tol": 0.01, "patience": 2}
    unwatched, history = trained(net, X, y, **options)
    watched = trained(net, X, y, **options, validation_data=(X_val, y_val), metrics="accuracy")
    assert bits(*watched) == bits(unwatched, history)
    assert watched[0]._rng.bit_generator.state == unwatched._rng.bit_generator.state


def test_a_metric_that_raises_leaves_a_completed_epoch():
    net, X, y, *_ = make()
    expected, _ = trained(net, X, y, **{**OPTIONS, "epochs": 2})
    values = iter([0.5])

    def fails(y, outputs):
        return next(values)

    with pytest.raises(StopIteration):
        net.train(X, y, **OPTIONS, metrics=fails)
    assert net._parameters.tobytes() == expected._parameters.tobytes()


# The cost curve


@pytest.fixture
def pyplot():
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.mark.parametrize("validated", [False, True])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("epochs", [1, 4])
def test_plot(validated, given, epochs, pyplot):
    net, X, y, X_val, y_val = make()
    options = {**OPTIONS, "epochs": epochs, "metrics": "accuracy"}
    if validated:
        options["validation_data"] = X_val, y_val
    history = net.train(X, y, **options)
    axes = pyplot.subplots(1, 2)[1][1] if given else None
    figures = pyplot.get_fignums()
    drawn = history.plot(axes) if given else history.plot()
    assert isinstance(drawn, matplotlib.axes.Axes)
    if given:
        assert drawn is axes
        assert pyplot.get_fignums() == figures
    else:
        assert len(pyplot.get_fignums()) == len(figures) + 1
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("epoch", "loss")
    columns = {"training": "loss", "validation": "val_loss"} if validated else {"training": "loss"}
    lines = drawn.get_lines()
    assert [line.get_label() for line in lines] == list(columns)
    for line, name in zip(lines, columns.values(), strict=True):
        assert list(line.get_xdata()) == list(range(epochs))
        assert list(line.get_ydata()) == history.history[name]
        is_seen = line.get_linestyle() == "-" if epochs > 1 else line.get_marker() == "o"
        assert is_seen
    legend = drawn.get_legend()
    if validated:
        assert [text.get_text() for text in legend.get_texts()] == ["training", "validation"]
    else:
        assert legend is None
    file = io.BytesIO()
    drawn.figure.savefig(file)
    assert file.getvalue()


def test_two_curves_on_the_same_axes(pyplot):
    net, X, y, *_ = make()
    axes = net.train(X, y, **OPTIONS).plot()
    assert net.train(X, y, **OPTIONS).plot(ax=axes) is axes
    assert len(axes.get_lines()) == 2


def test_plot_without_matplotlib(monkeypatch):
    net, X, y, *_ = make()
    history = net.train(X, y, **OPTIONS)
    for name in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "fastnn\[plot\]"'):
        history.plot()


# The progress bar


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"epochs": 0},
        {"metrics": "accuracy"},
        {"batch_size": 7, "optimizer": "adam"},
        {"epochs": 500, "tol": 0.01, "patience": 2},
        {"epochs": 500, "callbacks": lambda net, epoch, logs: epoch == 3},
    ],
    ids=["plain", "none", "metrics", "batches", "tolerance", "callback"],
)
@pytest.mark.parametrize("chunk", [None, 7])
def test_progress_is_shown_and_changes_no_bit(options, chunk, capsys, chunks_have):
    if chunk:
        chunks_have(chunk)
    net, X, y, *_ = make()
    options = OPTIONS | options
    silent, history = trained(net, X, y, **options)
    assert capsys.readouterr() == ("", "")
    shown, shown_history = trained(net, X, y, **options, progress=True)
    assert bits(shown, shown_history) == bits(silent, history)
    assert shown_history.history == history.history
    assert shown._rng.bit_generator.state == silent._rng.bit_generator.state
    out, err = capsys.readouterr()
    assert out == ""
    last = err.rstrip("\n").split("\r")[-1]
    assert f"{len(history.epoch)}/{options['epochs']} [" in last
    assert ("100%" in last) == (0 < len(history.epoch) == options["epochs"])
    if history.epoch:
        assert "epoch/s" in last or "s/epoch" in last
        assert f"loss {history.history['loss'][-1]:.4g}" in last


def test_progress_may_end_with_an_error(capsys):
    net, X, y, *_ = make("one identity")
    with pytest.raises(TrainingDivergedError):
        net.train(X * 1e100, y, epochs=100, learning_rate=1e200, progress=True)
    assert "0/100" in capsys.readouterr().err


NOTEBOOK = """
import sys
from types import ModuleType, SimpleNamespace

sys.modules["ipykernel.zmqshell"] = sys.modules["IPython"] = ModuleType("IPython")
sys.modules["IPython"].get_ipython = lambda: SimpleNamespace()
sys.modules["ipywidgets"] = None
from fastnn import Network, datasets

X, y = datasets.load_people()
Network([2, 1], seed=0).train(X, y, epochs=3, learning_rate=0.1, progress=True)
"""


def test_progress_in_a_notebook_without_widgets_warns_of_nothing():
    command = [sys.executable, "-P", "-W", "always", "-c", NOTEBOOK]
    err = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    assert "3/3 [" in err
    assert "Warning" not in err


def test_progress_without_tqdm(monkeypatch):
    net, X, y, *_ = make()
    before = pickle.dumps(net)
    for name in ("tqdm", "tqdm.auto"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "fastnn\[progress\]"'):
        net.train(X, y, **OPTIONS, progress=True)
    assert pickle.dumps(net) == before
    net.train(X, y, **OPTIONS)


# Bad input


def loss(y, outputs):
    return 0.0


def learning_rate(y, outputs):
    return 0.0


def accuracy_of_another_kind(y, outputs):
    return 0.0


accuracy_of_another_kind.__name__ = "accuracy"

CLASS_NUMBERS = ['needs targets that are quantities, and y holds class numbers; use "accuracy"']


@pytest.mark.parametrize(
    ("metrics", "exception", "fragments"),
    [
        (3, TypeError, ["metrics must be a name, a function, a sequence of them, ", "got int 3"]),
        ({"accuracy"}, TypeError, ["metrics must be a name, a function, a sequence of them, "]),
        ("Accuracy", ValueError, ["metrics[0] must be one of 'accuracy', 'f1', ", "Accuracy"]),
        (["accuracy", "f2"], ValueError, ["metrics[1] must be one of", "got str 'f2'"]),
        (["accuracy", 3], TypeError, ["metrics[1] must be the name of a metric or a function"]),
        ([None], TypeError, ["or a function of (y, outputs), got NoneType None"]),
        (Share, TypeError, ["metrics[0] must be the name of a metric or a function"]),
        ({"a": Share}, TypeError, ["metrics['a'] must be the name of a metric or a function"]),
        ({"a": 3}, TypeError, ["metrics['a'] must be", "got int 3"]),
        ({"a": "f2"}, ValueError, ["metrics['a'] must be one of 'accuracy', ", "got str 'f2'"]),
        ({3: "f1"}, TypeError, ["a name in metrics must be a string, got int 3"]),
        ({"a": ["f1"]}, TypeError, ["metrics['a'] must be", "got list ['f1']"]),
        ({"loss": "f1"}, ValueError, ["for nothing else", "'loss' in metrics['loss']"]),
        ({"epoch": len}, ValueError, ["for nothing else", "'epoch' in metrics['epoch']"]),
        ({"learning_rate": len}, ValueError, ["'learning_rate' in metrics['learning_rate']"]),
        ({"val_f1": "f1"}, ValueError, ["'val_f1' in metrics['val_f1']"]),
        ("confusion_matrix", ValueError, ["metrics[0] must be one of", "'confusion_matrix'"]),
        (
            fastnn.metrics.confusion_matrix,
            ValueError,
            ["metrics[0] must give a number, which confusion_matrix does not; call it with y"],
        ),
        ({"a": fastnn.metrics.confusion_matrix}, ValueError, ["metrics['a'] must give a number"]),
        (
            [lambda y, a: 0, lambda y, a: 1],
            ValueError,
            ["'<lambda>' in metrics[1]; a mapping gives other names: metrics={"],
        ),
        ([partial(len), partial(max)], ValueError, ["'partial' in metrics[1]; a mapping gives"]),
        (["f1", fastnn.metrics.f1], ValueError, ["names of their own", "'f1' in metrics[1]"]),
        (["accuracy"] * 2, ValueError, ["names of their own", "'accuracy' in metrics[1]"]),
        ([len, len], ValueError, ["names of their own", "'len' in metrics[1]"]),
        (
            ["accuracy", accuracy_of_another_kind],
            ValueError,
            ["names of their own", "'accuracy' in metrics[1]"],
        ),
        (loss, ValueError, ["which History has for nothing else", "'loss' in metrics[0]"]),
        (learning_rate, ValueError, ["'learning_rate' in metrics[0]"]),
        (["mae"], ValueError, [*CLASS_NUMBERS, '"mae" in metrics needs']),
        (["accuracy", "r2"], ValueError, [*CLASS_NUMBERS, '"r2" in metrics needs']),
        (fastnn.metrics.rmse, ValueError, [*CLASS_NUMBERS, '"rmse" in metrics needs']),
        ({"a": "mae"}, ValueError, [*CLASS_NUMBERS, '"mae" in metrics needs']),
    ],
)
def test_bad_metrics(metrics, exception, fragments):
    net, X, y, X_val, y_val = make()
    for options in ({}, {"validation_data": (X_val, y_val)}):
        assert_refused(net, X, y, exception, fragments, metrics=metrics, **options)


def test_quantities_for_class_numbers_of_validation_alone():
    net, X, y, X_val, y_val = make()
    fragments = ['"mae" in metrics needs', "validation_data: y holds class numbers"]
    options = {"metrics": "mae", "validation_data": (X_val, y_val)}
    assert_refused(net, X, np.eye(4)[y], ValueError, fragments, **options)
    options["validation_data"] = X_val, np.eye(4)[y_val]
    history = net.train(X, np.eye(4)[y], **OPTIONS, **options).history
    assert list(history) == ["loss", "mae", "val_loss", "val_mae", "learning_rate"]


PROBABILITIES = '"log_loss" in metrics needs outputs that are probabilities of classes'
QUANTITIES_GOT = "needs targets that are classes:"


@pytest.mark.parametrize("as_function", [False, True])
@pytest.mark.parametrize("of_validation", [False, True])
@pytest.mark.parametrize(
    ("task", "metric", "change", "fragments"),
    [
        ("rows under mse", "log_loss", None, [PROBABILITIES, "got 4 outputs of identity"]),
        ("labels", "log_loss", None, [PROBABILITIES, "got 4 outputs of sigmoid"]),
        ("one tanh", "log_loss", None, [PROBABILITIES, "got 1 output of tanh; leave it out"]),
        ("one sigmoid, mse", "log_loss", (3, 1.5), ["y must lie in 0 to 1", "1.5 in row 3"]),
        ("rows of reals", "f1", None, [QUANTITIES_GOT, "class numbers, or rows with a single 1"]),
        ("rows under mse", "f1", ((5, 0), 2), [QUANTITIES_GOT, "y has others, first in row 5"]),
        ("rows under mse", "f1", (5, 1), [QUANTITIES_GOT, "y has others, first in row 5"]),
        ("rows under mse", "f1", (5, 0), [QUANTITIES_GOT, "y has others, first in row 5"]),
        ("one identity", "f1", None, [QUANTITIES_GOT, "0 and 1, or -1 and 1", "use mae, rmse"]),
        ("one tanh", "f1", (5, 0), [QUANTITIES_GOT, "y has others, first in row 5"]),
        ("labels", "f1", ((5, 2), 0.5), [QUANTITIES_GOT, "rows of 0 and 1", "first in row 5"]),
        ("one identity", "roc_auc", None, [QUANTITIES_GOT, "0 and 1, or -1 and 1"]),
        ("rows of reals", "roc_auc", None, [QUANTITIES_GOT, "rows of 0 and 1"]),
        ("one sigmoid, bce", "roc_auc", (slice(None), 1), ["y has no others than those of class"]),
        ("one tanh", "roc_auc", (slice(None), -1), ["y has none of class 1; give samples"]),
        ("class numbers", "roc_auc", (slice(None), 2), ["y has none of class 0; give samples"]),
        ("labels", "roc_auc", ((slice(None), 3), 1), ["no others than those of class 3"]),
    ],
)
def test_metrics_that_make_no_sense(task, metric, change, fragments, of_validation, as_function):
    net, X, y, X_val, y_val = make(task)
    one = getattr(fastnn.metrics, metric) if as_function else metric
    if change:
        wrong = (y_val if of_validation else y).astype(float)
        wrong[change[0]] = change[1]
        y, y_val = (y, wrong) if of_validation else (wrong, y_val)
    before = pickle.dumps(net)
    data = (X_val, y_val) if of_validation else (X, y)
    for metrics in (one, ["accuracy", one], {"other name": one}):
        options = {"validation_data": (X_val, y_val)} if of_validation else {}
        assert_refused(net, X, y, ValueError, fragments, metrics=metrics, **options)
        for fragment in fragments:
            with pytest.raises(ValueError, match=re.escape(fragment)):
                net.evaluate(*data, metrics=metrics)
    assert pickle.dumps(net) == before


def test_the_targets_that_make_no_sense_are_named():
    net, X, y, X_val, y_val = make("one sigmoid, bce")
    options = {"metrics": "roc_auc", "validation_data": (X_val, np.ones_like(y_val))}
    fragments = ["and validation_data: y has no others than those of class 1"]
    assert_refused(net, X, y, ValueError, fragments, **options)


def val_accuracy(y, outputs):
    return 7.0


@pytest.mark.parametrize("metrics", [["accuracy", val_accuracy], [val_accuracy, "accuracy"]])
def test_names_that_validation_takes(metrics):
    """A column must not be lost to another one."""
    net, X, y, X_val, y_val = make()
    options = {"metrics": metrics, "validation_data": (X_val, y_val)}
    assert_refused(net, X, y, ValueError, ["names of their own", "'val_accuracy'"], **options)


@pytest.mark.parametrize("value", [1, None, "yes", 0.0])
def test_bad_progress(value):
    net, X, y, *_ = make()
    assert_refused(net, X, y, TypeError, ["progress must be True or False, got "], progress=value)


def assert_refused(net, X, y, exception, fragments, **options):
    before = pickle.dumps(net)
    with pytest.raises(exception) as error:
        net.train(X, y, **OPTIONS, **options)
    assert type(error.value) is exception
    for fragment in fragments:
        assert fragment in str(error.value)
    assert pickle.dumps(net) == before
