"""Metrics, validation, History and the progress bar: what is told of training."""

import io
import pickle
import sys

import matplotlib
import numpy as np
import pytest
from random_networks import bits, put_zeros, trained
from scipy.sparse import csr_array
from sklearn import metrics as theirs

import fastnn.chunks
from fastnn import Network, TrainingDivergedError
from fastnn.callbacks import EarlyStopping
from fastnn.optimizers import SGD
from fastnn.schedules import CosineDecay

matplotlib.use("Agg")

every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])

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
    _, output, _, kind = TASKS[task]
    if kind == "numbers":
        return theirs.accuracy_score(y, outputs.argmax(axis=1))
    if kind in ("rows", "reals"):
        return theirs.accuracy_score(y.argmax(axis=1), outputs.argmax(axis=1))
    middle = 0 if output == "tanh" else 0.5
    return theirs.accuracy_score(y.ravel() > middle, outputs.ravel() > middle)


@every_task
@every_dtype
def test_metrics_are_those_of_scikit_learn(task, dtype):
    net, X, y, X_val, y_val = make(task, dtype)
    numbers = TASKS[task][3] == "numbers"
    names = ["accuracy"] if numbers else ["accuracy", "mae", "r2"]
    values = {name: [] for name in [*names, *(f"val_{name}" for name in names)]}
    for _ in range(6):
        options = {**OPTIONS, "epochs": 2, "metrics": names, "validation_data": (X_val, y_val)}
        history = net.train(X, y, **options).history
        for prefix, rows, targets in (("", X, y), ("val_", X_val, y_val)):
            outputs = net.feedforward(rows).astype(float)
            expected = {"accuracy": accuracy(task, targets, outputs)}
            if not numbers:
                arrays = targets.reshape(outputs.shape), outputs
                expected["mae"] = theirs.mean_absolute_error(*arrays)
                expected["r2"] = theirs.r2_score(*arrays)
            for name, value in expected.items():
                column = history[prefix + name]
                assert column[-1] == pytest.approx(value, rel={"float64": 1e-12}.get(dtype, 1e-5))
                assert [type(one) for one in column] == [float, float]
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


def test_names_of_functions():
    net, X, y, *_ = make()
    history = net.train(X, y, **OPTIONS, metrics=[Share(), lambda y, a: True]).history
    assert list(history) == ["loss", "Share", "<lambda>", "learning_rate"]
    assert history["Share"] == [0.25] * 3
    assert history["<lambda>"] == [1.0] * 3


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
def test_validation_and_metrics_change_no_bit(task, batch_size, shuffle, monkeypatch):
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
            monkeypatch.setattr(fastnn.chunks, "samples_per_chunk", lambda *_: 7)
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
def test_progress_is_shown_and_changes_no_bit(options, chunk, capsys, monkeypatch):
    if chunk:
        monkeypatch.setattr(fastnn.chunks, "samples_per_chunk", lambda *_: chunk)
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


@pytest.mark.parametrize(
    ("metrics", "exception", "fragments"),
    [
        (
            3,
            TypeError,
            ["metrics must be a sequence of names and functions, such as ['accuracy'], got int"],
        ),
        ({"accuracy"}, TypeError, ["metrics must be a sequence of names and functions"]),
        ("Accuracy", ValueError, ["metrics[0] must be one of 'accuracy', 'mae', 'r2'", "Accuracy"]),
        (["accuracy", "f1"], ValueError, ["metrics[1] must be one of", "got str 'f1'"]),
        (["accuracy", 3], TypeError, ["metrics[1] must be a function, got int 3"]),
        ([None], TypeError, ["metrics[0] must be a function, got NoneType None"]),
        (["accuracy"] * 2, ValueError, ["names of their own", "'accuracy' in metrics[1]"]),
        ([len, len], ValueError, ["names of their own", "'len' in metrics[1]"]),
        (
            ["accuracy", accuracy_of_another_kind],
            ValueError,
            ["names of their own", "'accuracy' in metrics[1]"],
        ),
        (loss, ValueError, ["which History has for nothing else", "'loss' in metrics[0]"]),
        (learning_rate, ValueError, ["'learning_rate' in metrics[0]"]),
        (["mae"], ValueError, ['metrics must not have "mae" where y holds class numbers']),
        (["accuracy", "r2"], ValueError, ['must not have "r2" where y holds class numbers']),
    ],
)
def test_bad_metrics(metrics, exception, fragments):
    net, X, y, X_val, y_val = make()
    for options in ({}, {"validation_data": (X_val, y_val)}):
        assert_refused(net, X, y, exception, fragments, metrics=metrics, **options)


def test_quantities_for_class_numbers_of_validation_alone():
    net, X, y, X_val, y_val = make()
    fragments = ['metrics must not have "mae"']
    options = {"metrics": "mae", "validation_data": (X_val, y_val)}
    assert_refused(net, X, np.eye(4)[y], ValueError, fragments, **options)
    options["validation_data"] = X_val, np.eye(4)[y_val]
    history = net.train(X, np.eye(4)[y], **OPTIONS, **options).history
    assert list(history) == ["loss", "mae", "val_loss", "val_mae", "learning_rate"]


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
