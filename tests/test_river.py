"""The estimators in river: its own checks, frames, pipelines, features and classes that come."""

import copy
import datetime
import itertools
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from river import checks, compose, datasets, evaluate, metrics, preprocessing

from fastnn import TrainingDivergedError, optimizers
from fastnn.river import MLPClassifier, MLPRegressor

SETTINGS = [
    {},
    {"optimizer": "adam", "learning_rate": 0.001, "seed": 3},
    {"hidden_layer_sizes": (8, 4), "activation": ["tanh", "sigmoid"], "optimizer": "momentum"},
]
FRAMES = [(pd.DataFrame, pd.Series), (pl.DataFrame, pl.Series)]
MODELS = [kind(**one) for kind in (MLPRegressor, MLPClassifier) for one in SETTINGS]
CHECKS = [(model, check) for model in MODELS for check in checks.yield_checks(model)]


@pytest.mark.parametrize(
    ("model", "check"), CHECKS, ids=lambda one: getattr(one, "__name__", type(one).__name__)
)
def test_checks_of_river(model, check):
    assert check.__name__ not in model._unit_test_skips()
    check(model.clone())


def parameters(model):
    net = model._growing.net
    return b"".join(np.ascontiguousarray(a).tobytes() for a in net.weights + net.biases)


def scaled(dataset, n):
    scaler = preprocessing.StandardScaler()
    for x, y in itertools.islice(dataset, n):
        scaler.learn_one(x)
        yield scaler.transform_one(x), y


@pytest.mark.parametrize(("frame", "series"), FRAMES)
@pytest.mark.parametrize("size", [1, 7, 60])
@pytest.mark.parametrize(
    "optimizer", ["sgd", optimizers.SGD(l2=0.01), optimizers.SGD(clip_norm=0.1), "nesterov", "adam"]
)
@pytest.mark.parametrize(
    ("kind", "dataset"),
    [(MLPClassifier, datasets.ImageSegments()), (MLPRegressor, datasets.TrumpApproval())],
)
def test_many_are_a_loop_of_one(kind, dataset, optimizer, size, frame, series):
    """Also where classes appear within a frame, columns come and go, and calls alternate."""
    one = kind((8,), "tanh", optimizer=optimizer, seed=1)
    many = one.clone()
    samples = list(scaled(dataset, 60))
    for i in range(60 // size):
        batch = samples[i * size : (i + 1) * size]
        names = sorted(samples[0][0])[i % 3 :]
        xs = [{name: x[name] for name in names} for x, _ in batch]
        for x, (_, y) in zip(xs, batch, strict=True):
            one.learn_one(x, y)
            if i % 3 == 1:
                many.learn_one(x, y)
        if i % 3 != 1:
            many.learn_many(frame(xs), series([y for _, y in batch]))
    assert parameters(one) == parameters(many)


def test_a_sample_is_one_step_of_the_network():
    model = MLPRegressor((6,), "tanh", seed=0)
    samples = list(scaled(datasets.TrumpApproval(), 50))
    model.learn_one(*samples[0])
    net = model._growing.net.copy()
    n_padding = net.layer_sizes[0] - len(samples[0][0])
    for x, y in samples[1:]:
        model.learn_one(x, y)
        row = [x[name] for name in sorted(x)] + [0.0] * n_padding
        net.update(np.array(row), y, 0.01)
        assert model.predict_one(x) == net.feedforward(np.array(row)).item()
    assert parameters(model) == b"".join(
        np.ascontiguousarray(a).tobytes() for a in net.weights + net.biases
    )


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_order_of_a_dict_changes_nothing(optimizer):
    model = MLPClassifier(seed=0, optimizer=optimizer)
    other = model.clone()
    rng = np.random.default_rng(0)
    for x, y in scaled(datasets.ImageSegments(), 100):
        names = rng.permutation(list(x)).tolist()
        model.learn_one(x, y)
        other.learn_one({name: x[name] for name in names}, y)
    assert parameters(model) == parameters(other)


def test_it_learns():
    for dataset, metric, least in [
        (datasets.ImageSegments(), metrics.MacroF1, 0.85),
        (datasets.Phishing(), metrics.Accuracy, 0.88),
    ]:
        model = MLPClassifier(learning_rate=0.03, seed=1)
        pipeline = compose.Pipeline(preprocessing.StandardScaler(), model)
        assert evaluate.progressive_val_score(dataset, pipeline, metric()).get() > least
    model = preprocessing.TargetStandardScaler(MLPRegressor(learning_rate=0.03, seed=1))
    pipeline = preprocessing.StandardScaler() | model
    error = evaluate.progressive_val_score(datasets.TrumpApproval(), pipeline, metrics.MAE())
    assert error.get() < 0.35


def test_a_pickle_goes_on_with_the_same_bits():
    model = MLPClassifier(optimizer="adam", seed=0)
    samples = list(scaled(datasets.ImageSegments(), 80))
    for x, y in samples[:40]:
        model.learn_one(x, y)
    loaded, copied = pickle.loads(pickle.dumps(model)), copy.deepcopy(model)
    for x, y in samples[40:]:
        for one in (model, loaded, copied):
            one.learn_one(x, y)
    assert parameters(model) == parameters(loaded) == parameters(copied)


def test_without_a_seed_models_differ_and_with_one_they_do_not():
    x, y = {"a": 1.0, "b": 2.0}, True
    models = [MLPClassifier(), MLPClassifier(), MLPClassifier(seed=5), MLPClassifier(seed=5)]
    for model in models:
        model.learn_one(x, y)
    first, second, seeded, same = map(parameters, models)
    assert first != second
    assert seeded == same


def test_before_learning():
    X = pd.DataFrame({"a": [1.0, 2.0]}, index=[7, 9])
    regressor, classifier = MLPRegressor(), MLPClassifier()
    assert regressor.predict_one({"a": 1.0}) == 0.0
    assert regressor.predict_many(X).to_dict() == {7: 0.0, 9: 0.0}
    assert classifier.predict_proba_one({"a": 1.0}) == {}
    assert classifier.predict_one({"a": 1.0}) is None
    assert classifier.predict_many(X).to_dict() == {7: None, 9: None}
    assert classifier.predict_proba_many(X).shape == (2, 0)


@pytest.mark.parametrize(("frame", "series"), FRAMES)
def test_frames_come_back_as_they_were(frame, series):
    X = frame({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 0.5]})
    classifier, regressor = MLPClassifier(seed=0), MLPRegressor(seed=0)
    classifier.learn_many(X, series(["p", "q", "p"]))
    p = classifier.predict_proba_many(X)
    assert isinstance(p, frame)
    assert list(p.columns) == ["p", "q"]
    assert isinstance(classifier.predict_many(X), series)
    regressor.learn_many(X, series([1.0, 2.0, 3.0]))
    assert isinstance(regressor.predict_many(X), series)
    named = pd.Series([1.0, 2.0, 3.0], name="price", index=[3, 4, 5])
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=[3, 4, 5])
    regressor.learn_many(X, named)
    classifier.learn_many(X, named)
    for model in (regressor, classifier):
        found = model.predict_many(X)
        assert found.name == "price"
        assert found.index.tolist() == [3, 4, 5]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_the_learning_rate_may_change(optimizer):
    model = MLPRegressor(optimizer=optimizer, seed=0)
    x = {"a": 1.0, "b": 2.0}
    model.learn_one(x, 1.0)
    before = parameters(model)
    model.mutate({"learning_rate": 1e-300})
    model.learn_one(x, 1.0)
    assert parameters(model) == before


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"hidden_layer_sizes": ()}, ValueError, r"hidden_layer_sizes must hold at least one"),
        ({"hidden_layer_sizes": 16}, TypeError, r"hidden_layer_sizes must be a sequence of integ"),
        ({"hidden_layer_sizes": (0,)}, ValueError, r"hidden_layer_sizes\[0\] must be at least 1"),
        ({"activation": "rleu"}, ValueError, r"activation must be one of .*rleu"),
        ({"activation": ["relu"] * 2}, ValueError, r"activation must hold one name per layer"),
        ({"activation": "softmax"}, ValueError, r"softmax"),
        ({"activation": "step"}, ValueError, r'activation must not be "step" in a hidden layer'),
        ({"learning_rate": 0}, ValueError, r"learning_rate must be positive and finite"),
        ({"learning_rate": "fast"}, TypeError, r"learning_rate must be a number, got str 'fast'"),
        ({"optimizer": "adma"}, ValueError, r"optimizer must be one of .*adma"),
        ({"optimizer": 3}, TypeError, r"optimizer must be one of .*got int 3"),
        ({"seed": -1}, ValueError, r"seed must be at least 0, got int -1"),
    ],
)
@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_bad_settings(kind, settings, error, message):
    with pytest.raises(error, match=message):
        kind(**settings)


def test_a_bad_loss():
    with pytest.raises(ValueError, match=r"loss must be one of .*got str 'bce'"):
        MLPRegressor(loss="bce")


GOOD = {"a": 1.0, "b": 2.0}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ({"a": 1.0, "b": "red"}, TypeError, r"x\['b'\] must be a number, got str 'red'; encode"),
        ({"a": 1.0, "b": "2"}, TypeError, r"x\['b'\] must be a number, got str '2'; encode"),
        ({"a": 1.0, "b": None}, TypeError, r"x\['b'\] must be a number, got None"),
        ({"a": 1.0, "b": [1.0]}, TypeError, r"x\['b'\] must be a number, got list"),
        ({"a": float("nan"), "b": 1.0}, ValueError, r"x\['a'\] must be finite, got nan"),
        ({"a": 10**400, "b": 1.0}, TypeError, r"x\['a'\] must be a number"),
        ({"new": float("inf"), "b": 1.0}, ValueError, r"x\['new'\] must be finite, got inf"),
        ([1.0, 2.0], TypeError, r"x must be a dict of features by name, got list"),
    ],
)
def test_bad_samples_change_nothing(x, error, message, optimizer):
    model = MLPClassifier(seed=0, optimizer=optimizer)
    for y in (True, False):
        model.learn_one(GOOD, y)
    before = parameters(model)
    for y in (True, "a new class"):
        with pytest.raises(error, match=message):
            model.learn_one(x, y)
    with pytest.raises(error, match=message):
        model.predict_proba_one(x)
    assert parameters(model) == before


@pytest.mark.parametrize("y", [None, float("nan"), [1]])
def test_bad_classes_change_nothing(y):
    model = MLPClassifier(seed=0)
    model.learn_one(GOOD, "spam")
    before = parameters(model)
    with pytest.raises(ValueError, match=r"y must be a class, such as True, 3 or 'spam', got"):
        model.learn_one({"new": 1.0}, y)
    assert parameters(model) == before


def test_bad_targets_change_nothing():
    model = MLPRegressor(seed=0)
    model.learn_one(GOOD, 1.0)
    before = parameters(model)
    for y in (float("nan"), None, "1"):
        with pytest.raises((TypeError, ValueError), match=r"\by\b.* must"):
            model.learn_one(GOOD, y)
    assert parameters(model) == before


def test_bad_frames_change_nothing():
    model = MLPClassifier(seed=0)
    X, y = pd.DataFrame({"a": [1.0, 2.0]}), pd.Series([True, False])
    model.learn_many(X, y)
    before = parameters(model)
    with pytest.raises(ValueError, match=r"X\['b'\] must be finite, got nan in row 1"):
        model.learn_many(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.nan]}), y)
    with pytest.raises(ValueError, match=r"y must have one class for each row of X, 2; got 1"):
        model.learn_many(X, y[:1])
    assert parameters(model) == before


def test_an_empty_frame_is_no_step():
    X, y = pd.DataFrame({"a": [1.0, 2.0]}), pd.Series([1.0, 0.0])
    for model in (MLPClassifier(seed=0), MLPRegressor(seed=0)):
        model.learn_many(X, y)
        before = parameters(model)
        model.learn_many(X[:0], y[:0])
        assert parameters(model) == before


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_divergence_keeps_the_parameters(optimizer):
    model = MLPRegressor(learning_rate=0.1, optimizer=optimizer, seed=0)
    model.learn_one(GOOD, 1.0)
    before, undisturbed = parameters(model), copy.deepcopy(model)
    with pytest.raises(TrainingDivergedError, match=r"smaller learning_rate"):
        model.learn_one(GOOD, 1e300)
    assert parameters(model) == before
    for one in (model, undisturbed):
        one.learn_one(GOOD, 1.0)
    assert parameters(model) == parameters(undisturbed)


# Names

KEYS_OF_THEIR_OWN = [
    {1: 1.0, np.timedelta64(1, "ns"): -2.0, "1": 3.0},
    {np.datetime64(3, "ns"): 1.0, 3: -2.0, np.datetime64(3, "s"): 3.0},
    {np.datetime64("2020-01-01"): 1.0, datetime.date(2020, 1, 1): -2.0, "2020-01-01": 3.0},
    {0.1: 1.0, np.float32(0.1): -2.0, "0.1": 3.0},
]


@pytest.mark.parametrize("x", KEYS_OF_THEIR_OWN)
def test_keys_of_a_dict_are_inputs_of_their_own(x):
    model = MLPRegressor(seed=0)
    model.learn_one(x, 1.0)
    places = dict(model._growing.inputs)
    assert sorted(places.values()) == [0, 1, 2]
    for _ in range(3):
        model = pickle.loads(pickle.dumps(model))
        model.learn_one(x, 1.0)
    assert model._growing.inputs == places
    row = model._growing.row_of_known(x)
    assert [row[places[name]] for name in x] == [1.0, -2.0, 3.0]
    assert len({model.predict_one({name: 1.0}) for name in x}) == 3


def test_classes_that_are_keys_of_their_own():
    model = MLPClassifier(seed=0)
    for y in (1, np.timedelta64(1, "ns"), np.int64(1), True, np.float32(1), "1", np.str_("1")):
        model.learn_one(GOOD, y)
    assert list(map(repr, model.predict_proba_one(GOOD))) == ["1", "np.timedelta64(1,'ns')", "'1'"]


@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_equal_names_are_one_name(kind):
    models = [kind(seed=0, optimizer="adam") for _ in range(4)]
    names = [(0, 1, "a"), (False, True, np.str_("a")), (0.0, 1.0, "a"), (np.int8(0), np.True_, "a")]
    for i in range(12):
        for model, (zero, one, text) in zip(models, names[i % 4 :] + names[: i % 4], strict=True):
            y = (zero, one)[i % 2] if kind is MLPClassifier else float(i)
            model.learn_one({one: 1.0 + i, text: 0.5, zero: -1.0}, y)
    assert len({parameters(model) for model in models}) == 1
    assert len({tuple(model._growing.inputs) for model in models}) == 1
