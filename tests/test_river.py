"""The estimators in river: its own checks, frames, pipelines, features and classes that come."""

import copy
import datetime
import itertools
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import reference
from river import (
    checks,
    compose,
    datasets,
    ensemble,
    evaluate,
    imblearn,
    linear_model,
    metrics,
    multiclass,
    preprocessing,
)

from fastnn import TrainingDivergedError, optimizers
from fastnn.river import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.unwatched

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


def state(model):
    """All that there is to it."""
    return pickle.dumps(model)


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
    others = [
        pickle.loads(pickle.dumps(model)), copy.deepcopy(model),
        model.clone(include_attributes=True),
    ]  # fmt: skip
    for x, y in samples[40:]:
        for one in (model, *others):
            one.learn_one(x, y)
    assert {parameters(one) for one in others} == {parameters(model)}


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


BAD_SAMPLES = [
    ({"a": 1.0, "b": "red"}, TypeError, r"x\['b'\] must be a number, got str 'red'; encode"),
    ({"a": 1.0, "b": "2"}, TypeError, r"x\['b'\] must be a number, got str '2'; encode"),
    ({"a": 1.0, "b": np.array("2", object)}, TypeError, r"x\['b'\] must be a number, got"),
    ({"a": 1.0, "b": None}, TypeError, r"x\['b'\] must be a number, got None.*; leave it out"),
    ({"a": 1.0, "b": pd.NA}, TypeError, r"x\['b'\] must be a number, got NA.*; leave it out"),
    ({"a": 1.0, "b": [1.0]}, TypeError, r"x\['b'\] must be a number, got list"),
    ({"a": 1.0, "b": np.ones(2)}, TypeError, r"x\['b'\] must be a number, got ndarray"),
    ({"a": 1.0, "b": Decimal("snan")}, TypeError, r"x\['b'\] must be a number, got Decimal"),
    ({"a": 1.0, "b": [1, [2]]}, TypeError, r"x\['b'\] must be a number, got list"),
    ({"a": 1.0, "b": 1j}, TypeError, r"x\['b'\] must be a number, got complex"),
    ({"a": float("nan"), "b": 1.0}, ValueError, r"x\['a'\] must be finite, got nan; leave it out"),
    ({"a": 10**400, "b": 1.0}, TypeError, r"x\['a'\] must be a number"),
    ({"new": float("inf"), "b": 1.0}, ValueError, r"x\['new'\] must be finite, got inf"),
    ([1.0, 2.0], TypeError, r"x must be a dict of features by name, got list"),
]
BAD_NAMES = [
    ({"a": 1.0, float("nan"): 1.0}, ValueError, r"names of features must equal themselves.*nan"),
    ({"a": 1.0, pd.NA: 1.0}, ValueError, r"names of features must equal themselves, got NA"),
]
BAD_WEIGHTS = [
    (-1, ValueError, r"w must not be negative, got -1"),
    (-1e-300, ValueError, r"w must not be negative, got -1e-300"),
    (float("nan"), ValueError, r"w must be finite, got nan"),
    (float("inf"), ValueError, r"w must be finite, got inf"),
    (10**400, TypeError, r"w must be a number, got int"),
    ("heavy", TypeError, r"w must be a number, got str.* 'heavy'|got str_"),
    ("1", TypeError, r"w must be a number, got str"),
    (None, TypeError, r"w must be a number, got None"),
    (1j, TypeError, r"w must be a number, got complex"),
    ({"a": 1.0}, TypeError, r"w must be a number, got dict"),
]
BAD_TARGETS = [
    (float("nan"), ValueError, r"\by must be finite, got nan"),
    (float("inf"), ValueError, r"\by must be finite, got inf"),
    (Decimal("nan"), ValueError, r"\by must be finite, got nan"),
    (None, TypeError, r"\by must be a number, got None"),
    ("1", TypeError, r"\by must be a number, got str '1'"),
    ([1.0, 2.0], TypeError, r"\by must be a number, got list"),
    (np.timedelta64(1, "ns"), TypeError, r"\by must be a number, got timedelta64"),
    (10**400, TypeError, r"\by must (be a number|hold real numbers), got int"),
]
BAD_CLASSES = [
    (one, ValueError, r"y must be a class, such as True, 3 or 'spam', got")
    for one in (None, float("nan"), pd.NA, [1], np.array(["a", "b"]), Decimal("snan"))
]
NEW = {**GOOD, "new": 1.0}
REFUSED = [
    *((kind, {"x": x}, error, message)
      for kind in (MLPRegressor, MLPClassifier)
      for x, error, message in BAD_SAMPLES + BAD_NAMES),
    *((kind, {"w": w}, error, message)
      for kind in (MLPRegressor, MLPClassifier)
      for w, error, message in [*BAD_WEIGHTS, ([1.0], TypeError, r"w must be a number, got list")]),
    *((MLPRegressor, {"y": y}, error, message) for y, error, message in BAD_TARGETS),
    *((MLPClassifier, {"y": y}, error, message) for y, error, message in BAD_CLASSES),
]  # fmt: skip


def begun(kind, optimizer, n):
    """A model that has learned n samples."""
    model = kind((4,), seed=0, optimizer=optimizer)
    for y in (True, False, True)[:n]:
        model.learn_one(GOOD, y)
    return model


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("n_before", [0, 3])
@pytest.mark.parametrize(("kind", "wrong", "error", "message"), REFUSED)
def test_a_refused_sample_changes_nothing(kind, wrong, error, message, n_before, optimizer):
    """Neither where all else is known, nor where it has a new feature and a new class."""
    model = begun(kind, optimizer, n_before)
    before = state(model)
    for x, y, w in itertools.product((GOOD, NEW), (True, 3), (1.0, 0.0, 2.0)):
        with pytest.raises(error, match=message):
            model.learn_one(**{"x": x, "y": y, "w": w, **wrong})
        if "w" not in wrong:
            with pytest.raises(error, match=message):
                model.learn_one(**{"x": x, "y": y, **wrong})
    assert state(model) == before


@pytest.mark.parametrize(("x", "error", "message"), BAD_SAMPLES)
def test_bad_samples_are_not_predicted(x, error, message):
    model = begun(MLPClassifier, "sgd", 3)
    before = state(model)
    with pytest.raises(error, match=message):
        model.predict_proba_one(x)
    assert state(model) == before


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("n_before", [0, 3])
@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_a_bad_learning_rate_changes_nothing(kind, n_before, optimizer):
    model = begun(kind, optimizer, n_before)
    model.mutate({"learning_rate": -1.0})
    before = state(model)
    for w in (1.0, 2.0):
        with pytest.raises(ValueError, match=r"learning_rate must be positive and finite"):
            model.learn_one(NEW, 3, w=w)
        with pytest.raises(ValueError, match=r"learning_rate must be positive and finite"):
            model.learn_many(pd.DataFrame([NEW, NEW]), pd.Series([3, 4]), w=w)
    assert state(model) == before


BAD_COLUMNS = [
    (["red", "blue"], r"X\['b'\] must hold numbers, got str 'red' in row 0; encode it first"),
    (["1", "2"], r"X\['b'\] must hold numbers, got str '1' in row 0; encode it first"),
    ([None, "blue"], r"X\['b'\] must be finite, got (None|nan) in row 0; remove or fill"),
    ([1.0, None], r"X\['b'\] must be finite, got nan in row 1; remove or fill"),
    ([True, None], r"X\['b'\] must be finite, got (None|nan) in row 1; remove or fill"),
    ([1.0, np.inf], r"X\['b'\] must be finite, got inf in row 1; remove or fill"),
    ([datetime.datetime(2020, 1, 1)] * 2, r"X\['b'\] must hold numbers, got datetime64.* in row 0"),
    ([datetime.date(2020, 1, 1)] * 2, r"X\['b'\] must hold numbers, got date.* in row 0"),
    ([[1.0], [2.0]], r"X\['b'\] must hold numbers, got .* in row 0"),
]
OF_PANDAS = [
    ([1.0, "blue"], r"X\['b'\] must hold numbers, got str 'blue' in row 1; encode it first"),
    ([1j, 1.0], r"X\['b'\] must hold numbers, got complex 1j in row 0; encode it first"),
    (pd.array([1, None], "Int64"), r"X\['b'\] must be finite, got nan in row 1; remove or fill"),
    (pd.Categorical(["red", "blue"]), r"X\['b'\] must hold numbers, got str 'red' in row 0"),
    ([Decimal(1), Decimal("nan")], r"X\['b'\] must be finite, got NaN in row 1"),
]
BAD_FRAMES = [
    *((frame, column, message) for frame, _ in FRAMES for column, message in BAD_COLUMNS),
    *((pd.DataFrame, column, message) for column, message in OF_PANDAS),
]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(("frame", "column", "message"), BAD_FRAMES)
def test_bad_columns_are_named_and_change_nothing(frame, column, message, alone):
    others = {} if alone else {"a": [1.0, 2.0], "c": [True, False]}
    X = frame({**others, "b": column})
    for model in (begun(MLPClassifier, "sgd", 3), MLPRegressor(seed=0)):
        before = state(model)
        for w in (1.0, 0.0):
            with pytest.raises((TypeError, ValueError), match=message):
                model.learn_many(X, pd.Series([3, 4]), w=w)
        if isinstance(model, MLPClassifier):
            with pytest.raises((TypeError, ValueError), match=message):
                model.predict_many(X)
        assert state(model) == before


@pytest.mark.parametrize("frame", [one for one, _ in FRAMES])
def test_columns_of_all_kinds_of_numbers(frame):
    columns = {
        "float": [0.5, -1.0], "int": [1, 2], "bool": [True, False],
        "decimal": [Decimal("0.25"), Decimal(3)],
    }  # fmt: skip
    many, one = MLPRegressor(seed=0), MLPRegressor(seed=0)
    many.learn_many(frame(columns), pd.Series([1.0, 2.0]))
    for i in range(2):
        one.learn_one({name: column[i] for name, column in columns.items()}, i + 1.0)
    assert parameters(many) == parameters(one)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"X": np.eye(2)}, TypeError, r"X must be a DataFrame, got ndarray of shape \(2, 2\)"),
        ({"X": GOOD}, TypeError, r"X must be a DataFrame, got dict"),
        ({"y": [3, 4]}, TypeError, r"y must be a Series, got list \[3, 4\]"),
        ({"y": pd.Series([3])}, ValueError, r"y must have one .* for each row of X, 2; got 1"),
        ({"y": pd.Series([3, None])}, ValueError, r"y must be .*, got .*nan"),
        ({"y": pl.Series([3, None])}, ValueError, r"y must be .*, got (None|nan)"),
        ({"w": [1.0]}, ValueError, r"w must be as long as X, 2 samples, got 1"),
        ({"w": [[1.0, 2.0]]}, ValueError, r"w must be a number or of shape \(2,\)"),
        ({"w": [1.0, -2.0]}, ValueError, r"w must not be negative; got -2.0 in row 1"),
        ({"w": pd.Series([1.0, None])}, ValueError, r"w must be finite, got nan in row 1"),
        ({"w": [1.0, None]}, ValueError, r"w must be finite, got None in row 1"),
        ({"w": [1.0, "a"]}, TypeError, r"w must hold numbers, got str 'a' in row 1"),
        *(({"w": w}, error, message) for w, error, message in BAD_WEIGHTS),
    ],
)
@pytest.mark.parametrize("n_before", [0, 3])
@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_refused_samples_change_nothing(kind, n_before, wrong, error, message):
    model = begun(kind, "adam", n_before)
    before = state(model)
    good = {"X": pd.DataFrame([NEW, NEW]), "y": pd.Series([3, 4], name="name")}
    with pytest.raises(error, match=message):
        model.learn_many(**{**good, **wrong})
    assert state(model) == before


@pytest.mark.parametrize("y", [["1", "2"], [1.0, "2"], [datetime.datetime(2020, 1, 1)] * 2])
def test_targets_that_are_no_numbers_are_named(y):
    model = MLPRegressor(seed=0)
    before = state(model)
    with pytest.raises(
        TypeError, match=r"y must hold numbers, got (str|datetime64) .* in row [01]"
    ):
        model.learn_many(pd.DataFrame([GOOD, GOOD]), pd.Series(y))
    assert state(model) == before


@pytest.mark.parametrize("series", [pd.Series, pl.Series])
@pytest.mark.parametrize(
    "y", [2, True, np.True_, np.float32(2), np.int8(2), Decimal(2), Fraction(2)]
)
def test_targets_of_all_kinds_of_numbers(y, series):
    expected, one, many = (MLPRegressor(seed=0) for _ in range(3))
    expected.learn_one(GOOD, float(y))
    one.learn_one(GOOD, y)
    assert parameters(one) == parameters(expected)
    if series is pd.Series or isinstance(y, int | Decimal):
        many.learn_many(pd.DataFrame([GOOD]), series([y]))
        assert parameters(many) == parameters(expected)


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
    before, undisturbed = state(model), copy.deepcopy(model)
    for x, w in itertools.product((GOOD, NEW), (1.0, 2.0)):
        with pytest.raises(TrainingDivergedError, match=r"smaller learning_rate"):
            model.learn_one(x, 1e300, w=w)
    with pytest.raises(TrainingDivergedError, match=r"smaller learning_rate"):
        model.learn_many(pd.DataFrame([NEW, NEW]), pd.Series([1e300, 1.0]))
    assert state(model) == before
    for one in (model, undisturbed):
        one.learn_one(NEW, 1.0)
    assert parameters(model) == parameters(undisturbed)


def test_divergence_forgets_a_class_that_it_was_to_learn():
    model = begun(MLPClassifier, "sgd", 3)
    model.mutate({"learning_rate": 1e10})
    before = state(model)
    with pytest.raises(TrainingDivergedError):
        model.learn_one(NEW, "new", w=1e300)
    with pytest.raises(TrainingDivergedError):
        model.learn_many(pd.DataFrame([NEW, NEW]), pd.Series(["new", "p"]), w=[1e300, 1.0])
    assert state(model) == before


# Weights of samples

WEIGHTS = [1.0, 2.0, 0.5, 0.0, 3.7, 1e-3, 0, 1, 12]
STEPS = {
    "sgd": lambda theta, g, kept, eta, t: theta - eta * g,
    "momentum": reference.momentum(),
    "nesterov": reference.momentum(nesterov=True),
    "adam": reference.adam(),
    "adamw": reference.adam(),
    "rmsprop": reference.rmsprop(),
    "adagrad": reference.adagrad(),
}
WITH_SETTINGS = {
    "sgd": optimizers.SGD(l2=0.1),
    "nesterov": optimizers.Nesterov(clip_norm=0.3),
    "momentum": optimizers.Momentum(l2=0.1, clip_norm=0.3),
    "adam": optimizers.Adam(l2=0.1, clip_norm=0.3),
}
FORMULAS = [(name, name) for name in STEPS] + list(WITH_SETTINGS.items())


def stream(n, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        x = dict(zip("abc", rng.normal(size=3).tolist(), strict=True))
        yield x, "pqr"[int(rng.integers(3))], float(rng.normal()), WEIGHTS[i % len(WEIGHTS)]


@pytest.mark.parametrize(("name", "optimizer"), FORMULAS)
@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_a_weight_multiplies_the_gradient(kind, name, optimizer):
    """By each optimizer's formula; and a sample of weight 0 is not there."""
    eta = 0.05
    model = kind((4,), "tanh", learning_rate=eta, optimizer=optimizer, seed=0)
    for output in "pqr" if kind is MLPClassifier else [None]:
        net = model._growing.grow("abc", output)
    net = net.copy()
    l2, clip_norm = getattr(optimizer, "l2", 0.0), getattr(optimizer, "clip_norm", None)
    kept, t = [{} for _ in range(net.n_parameters)], 0
    for x, label, number, w in stream(40):
        y = label if kind is MLPClassifier else number
        model.learn_one(x, y, w=w)
        if not w:
            continue
        t += 1
        row, place = np.array([list(x.values())]), "pqr".index(label)
        target = [place] if kind is MLPClassifier else [number]
        gradients = [w * one for part in net.gradients(row, target) for one in part]
        norm = np.sqrt(sum(np.square(one).sum() for one in gradients))
        if clip_norm is not None and norm > clip_norm:
            gradients = [clip_norm / norm * one for one in gradients]
        i = 0
        for theta, g in zip(net.weights + net.biases, gradients, strict=True):
            decay = l2 if theta.ndim == 2 else 0.0
            for where in np.ndindex(theta.shape):
                total = float(g[where] + decay * theta[where])
                beside = (
                    eta * 0.01 * theta[where] if optimizer == "adamw" and theta.ndim == 2 else 0
                )
                theta[where] = STEPS[name](float(theta[where]), total, kept[i], eta, t) - beside
                i += 1
    trained = model._growing.net
    for found, expected in zip(
        trained.weights + trained.biases, net.weights + net.biases, strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
def test_a_weight_is_a_factor_of_the_learning_rate_of_sgd(kind):
    weighted = kind((4,), learning_rate=0.25, seed=0)
    faster = kind((4,), learning_rate=0.5, seed=0)
    for x, label, number, _ in stream(20):
        y = label if kind is MLPClassifier else number
        weighted.learn_one(x, y, w=2)
        faster.learn_one(x, y)
    assert parameters(weighted) == parameters(faster)


def test_weights_beyond_what_a_learning_rate_may_be():
    """Their products with it are too small, or too large, for a number of full precision."""
    model = MLPRegressor((4,), seed=0, learning_rate=1e-3)
    model.learn_one(GOOD, 1.0)
    before = parameters(model)
    model.learn_one(GOOD, 2.0, w=1e-306)
    assert parameters(model) == before
    model.mutate({"learning_rate": 1e10})
    with pytest.raises(TrainingDivergedError, match=r"at learning_rate=10000000000\.0"):
        model.learn_one(GOOD, 2.0, w=1e300)
    assert parameters(model) == before


@pytest.mark.parametrize("optimizer", ["sgd", optimizers.SGD(l2=0.1), "momentum", "adamw"])
@pytest.mark.parametrize("n_before", [0, 3])
@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
@pytest.mark.parametrize("zero", [0, 0.0, -0.0, False, np.float32(0), Decimal(0)])
def test_a_weight_of_zero_changes_nothing(kind, n_before, optimizer, zero):
    model = begun(kind, optimizer, n_before)
    before = state(model)
    for x, y in itertools.product((GOOD, NEW, {}), (True, 3)):
        model.learn_one(x, y, w=zero)
    X, y = pd.DataFrame([NEW, NEW]), pd.Series([3, 4], name="name")
    model.learn_many(X, y, w=zero)
    model.learn_many(X, y, w=pd.Series([zero, zero]))
    assert state(model) == before
    other = copy.deepcopy(model)
    model.learn_many(X, y, w=[zero, 1])
    other.learn_one(NEW, 4)
    assert parameters(model) == parameters(other)
    if kind is MLPClassifier:
        assert 3 not in model.predict_proba_one(NEW)


@pytest.mark.parametrize("optimizer", ["sgd", optimizers.SGD(l2=0.01), "nesterov", "adam"])
@pytest.mark.parametrize("kind", [MLPRegressor, MLPClassifier])
@pytest.mark.parametrize("weights", [list, np.array, pd.Series, pl.Series, lambda w: w[2]])
def test_many_of_weights_are_a_loop_of_one(kind, optimizer, weights):
    one, many = (kind((4,), seed=0, optimizer=optimizer) for _ in range(2))
    samples = list(stream(36))
    for batch in (samples[:9], samples[9:20], samples[20:]):
        w = weights([float(sample[3]) for sample in batch])
        ys = [sample[1 if kind is MLPClassifier else 2] for sample in batch]
        many.learn_many(pd.DataFrame([x for x, *_ in batch]), pd.Series(ys), w=w)
        each = [w] * len(batch) if isinstance(w, float) else list(w)
        for (x, *_), y, w_of_one in zip(batch, ys, each, strict=True):
            one.learn_one(x, y, w=w_of_one)
    assert parameters(one) == parameters(many)


def rare_class_without_weight():
    # As progressive_val_score takes the weights out of them, they are made anew each time.
    for i in range(600):
        yield {"a": float(i % 2)}, i % 3 == 0, {"w": 0.0 if i % 3 == 0 else 5.0}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("delay", [None, 3])
def test_weights_of_a_dataset(optimizer, delay):
    model, expected = (MLPClassifier(seed=0, optimizer=optimizer) for _ in range(2))
    evaluate.progressive_val_score(
        rare_class_without_weight(), model, metrics.Accuracy(), delay=delay
    )
    for x, y, extra in rare_class_without_weight():
        if extra["w"]:
            expected.learn_one(x, y, w=5.0)
    assert parameters(model) == parameters(expected)
    assert model.predict_proba_one({"a": 1.0})[True] == 0
    rivers = linear_model.LogisticRegression()
    evaluate.progressive_val_score(rare_class_without_weight(), rivers, metrics.Accuracy())
    assert rivers.predict_proba_one({"a": 1.0})[True] < 0.05


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda model: compose.Pipeline(preprocessing.MinMaxScaler(), model),
        lambda model: ensemble.BaggingClassifier(model, n_models=2, seed=1),
        lambda model: ensemble.ADWINBaggingClassifier(model, n_models=2, seed=1),
        lambda model: ensemble.AdaBoostClassifier(model, n_models=2, seed=1),
        lambda model: multiclass.OneVsRestClassifier(model),
        lambda model: imblearn.RandomUnderSampler(model, {True: 0.5, False: 0.5}, seed=1),
    ],
)
def test_wrappers_of_river_hand_weights_on(wrapped):
    """A weight of 4 at a learning rate of 1/64 is a learning rate of 1/16."""
    weighted = wrapped(MLPClassifier(seed=0, learning_rate=1 / 64))
    faster = wrapped(MLPClassifier(seed=0, learning_rate=1 / 16))
    slower = wrapped(MLPClassifier(seed=0, learning_rate=1 / 64))
    for model, extra in ((weighted, {"w": 4.0}), (faster, {}), (slower, {})):
        dataset = ((x, y, dict(extra)) for x, y in scaled(datasets.Phishing(), 60))
        evaluate.progressive_val_score(dataset, model, metrics.Accuracy())
    x, _ = next(scaled(datasets.Phishing(), 1))
    found, expected, other = (one.predict_proba_one(x) for one in (weighted, faster, slower))
    assert found == expected
    assert found != other


def test_a_class_that_is_not_known_has_probability_0():
    model = MLPClassifier(seed=0)
    assert model.predict_proba_one(GOOD)[True] == 0
    model.learn_one(GOOD, False)
    p = model.predict_proba_one(GOOD)
    assert p == {False: 1.0}
    assert p[True] == 0
    assert p == {False: 1.0}  # to ask adds nothing
    one_vs_rest = multiclass.OneVsRestClassifier(MLPClassifier(seed=0))
    one_vs_rest.learn_one(GOOD, "p", w=0.0)
    one_vs_rest.learn_one(GOOD, "q")
    assert one_vs_rest.predict_one(GOOD) == "q"


def test_names_of_classes_that_are_one_text():
    model = MLPClassifier(seed=0)
    for y in (1, "1"):
        model.learn_one(GOOD, y)
    assert list(model.predict_proba_many(pd.DataFrame([GOOD])).columns) == [1, "1"]
    with pytest.raises(ValueError, match=r"the classes list \[1, '1'\] must differ as text"):
        model.predict_proba_many(pl.DataFrame([GOOD]))


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


# As a user of river would


def test_before_any_name_is_known():
    for model in (MLPRegressor(seed=0), MLPClassifier(seed=0)):
        model.learn_one({}, True)
        model.learn_one({}, 0)
        first = model.predict_one({})
        assert model.predict_one({"unseen": 5.0}) == first
        model.learn_one(GOOD, 0)
        assert model.predict_one(GOOD) is not None


def test_a_pipeline_of_text_and_numbers():
    encode = compose.SelectType(str) | preprocessing.OneHotEncoder()
    scale = compose.Select("n") | preprocessing.StandardScaler()
    model = (encode + scale) | MLPClassifier(seed=0, learning_rate=0.05)
    dataset = [({"c": "xyz"[i % 3], "n": float(i % 7)}, "abc"[i % 3]) for i in range(400)]
    accuracy = evaluate.progressive_val_score(dataset, model, metrics.Accuracy(), delay=2)
    assert accuracy.get() > 0.85
