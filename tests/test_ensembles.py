"""MLPEnsembleClassifier and MLPEnsembleRegressor: lone fits, averaged."""

import inspect
import pickle
import unittest

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastnn.sklearn
from fastnn import TrainingDivergedError
from fastnn.callbacks import EarlyStopping
from fastnn.sklearn import (
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
    _many,
)

KINDS = ["Classifier", "Regressor"]
every_kind = pytest.mark.parametrize("kind", KINDS)
pytestmark = [
    pytest.mark.unwatched,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = {"Classifier": np.arange(60) % 3, "Regressor": X[:, 0] + RNG.normal(size=60) / 9}
X += Y["Classifier"][:, np.newaxis]
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 5, "n_estimators": 4, "random_state": 3}


def ensemble(kind, **settings):
    return getattr(fastnn.sklearn, f"MLPEnsemble{kind}")(**{**SMALL, **settings})


def member(kind, seed, **settings):
    settings = {name: one for name, one in settings.items() if name in inspect.signature(
        getattr(fastnn.sklearn, f"MLP{kind}")
    ).parameters}  # fmt: skip
    of_member = {"hidden_layer_sizes": (6,), "max_iter": 5, **settings, "random_state": seed}
    return getattr(fastnn.sklearn, f"MLP{kind}")(**of_member)


def seeds(n=4, seed=3):
    random_state = np.random.RandomState(seed)
    return [random_state.randint(np.iinfo(np.int32).max) for _ in range(n)]


def outputs(one, X):
    return getattr(one, "predict_proba", one.predict)(X)


def mean(arrays):
    return sum(arrays[1:], arrays[0]) / len(arrays)


@every_kind
def test_the_signature(kind):
    alone = inspect.signature(getattr(fastnn.sklearn, f"MLP{kind}")).parameters
    together = dict(inspect.signature(type(ensemble(kind))).parameters)
    added = {name: together.pop(name).default for name in ("n_estimators", "bootstrap", "n_jobs")}
    assert added == {"n_estimators": 16, "bootstrap": False, "n_jobs": None}
    assert together == dict(alone)


def fail_as_expected(estimator):
    """As scikit-learn expects of its forests and of bagging: draws differ, with other rows."""
    kinds = ("dense", "sparse") if estimator.bootstrap else ()
    return {f"check_sample_weight_equivalence_on_{kind}_data": "draws of rows" for kind in kinds}


@parametrize_with_checks(
    [
        getattr(fastnn.sklearn, f"MLPEnsemble{kind}")(**settings)
        for kind in KINDS
        for settings in ({"max_iter": 60, "n_estimators": 3}, {"max_iter": 60, "bootstrap": True})
    ],
    expected_failed_checks=fail_as_expected,
)
def test_scikit_learns_own_checks(estimator, check):
    try:
        check(estimator)
    except unittest.SkipTest as skipped:
        pytest.skip(str(skipped))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "settings",
    [
        {}, {"early_stopping": True}, {"solver": "lbfgs"}, {"solver": "sgd", "batch_size": 1},
        {"alpha": 0.1, "n_threads": 2}, {"callbacks": EarlyStopping(monitor="loss", patience=1)},
    ],
    ids=str,
)  # fmt: skip
@every_kind
def test_lone_fits_averaged(kind, settings, dtype):
    samples, weights = X.astype(dtype), np.linspace(1, 2, len(X))
    for given in None, weights:
        found = ensemble(kind, **settings).fit(samples, Y[kind], given)
        lone = [member(kind, seed, **settings).fit(samples, Y[kind], given) for seed in seeds()]
        for mine, one in zip(found.estimators_, lone, strict=True):
            assert mine.get_params() == one.get_params()
            assert mine.loss_curve_ == one.loss_curve_ if hasattr(one, "loss_curve_") else True
            assert mine.coefs_[0].tobytes() == one.coefs_[0].tobytes()
        expected = mean([outputs(one, samples) for one in lone])
        assert expected.dtype == dtype
        assert outputs(found, samples).tobytes() == expected.tobytes()
        if kind == "Classifier":
            assert found.predict(samples).tolist() == expected.argmax(axis=1).tolist()
            assert found.predict_log_proba(samples).tolist() == np.log(expected).tolist()
            assert found.score(samples, Y[kind]) == np.mean(expected.argmax(axis=1) == Y[kind])
        else:
            assert found.predict(samples).tolist() == expected.tolist()
            average, std = found.predict(samples, return_std=True)
            assert average.tolist() == expected.tolist()
            wanted = np.std([one.predict(samples) for one in lone], axis=0)
            np.testing.assert_allclose(std, wanted, rtol=1e-4 if dtype == "float32" else 1e-12)
        alone = np.concatenate([outputs(found, row[np.newaxis]) for row in samples[:9]])
        assert alone.tobytes() == outputs(found, samples)[:9].tobytes()


@pytest.mark.parametrize("classes", [["no", "yes"], [0, 1], [2.0, 5.0, 9.0]])
def test_labels(classes):
    y = np.array(classes)[np.arange(60) % len(classes)]
    found = ensemble("Classifier", max_iter=60, learning_rate_init=0.05).fit(X, y)
    assert found.classes_.tolist() == classes
    probabilities = mean([one.predict_proba(X) for one in found.estimators_])
    np.testing.assert_allclose(found.predict_proba(X), probabilities, rtol=1e-12)
    assert found.predict(X).tolist() == found.classes_[probabilities.argmax(axis=1)].tolist()
    assert found.predict(X.tolist()).dtype == found.classes_.dtype
    assert found.score(X, y) > 0.4


@pytest.mark.parametrize("bootstrap", [False, True])
def test_several_labels_and_outputs(bootstrap):
    samples, y = make_multilabel_classification(50, 6, n_classes=3, random_state=0)
    found = ensemble("Classifier", bootstrap=bootstrap, max_iter=30).fit(samples, y)
    probabilities = mean([one.predict_proba(samples) for one in found.estimators_])
    assert found.predict_proba(samples).tobytes() == probabilities.tobytes()
    assert found.predict(samples).tolist() == (probabilities > 0.5).astype(int).tolist()
    assert found.n_outputs_ == 3
    samples, y = make_regression(50, 6, n_targets=2, random_state=0)
    found = ensemble("Regressor", bootstrap=bootstrap).fit(samples, y)
    average, std = found.predict(samples, return_std=True)
    assert average.shape == std.shape == (50, 2)
    assert (std > 0).all()
    assert found.predict(samples).tolist() == average.tolist()


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@every_kind
def test_bootstrap(kind, solver):
    """Rows drawn by each member's own seed."""
    weights = np.linspace(1, 2, 60)
    for given in None, weights:
        found = ensemble(kind, bootstrap=True, solver=solver).fit(X, Y[kind], given)
        for one, seed in zip(found.estimators_, seeds(), strict=True):
            rows = np.random.RandomState(seed).randint(60, size=60)
            lone = member(kind, seed, solver=solver)
            lone.fit(X[rows], Y[kind][rows], None if given is None else given[rows])
            assert one.coefs_[0].tobytes() == lone.coefs_[0].tobytes()
            assert one.loss_ == lone.loss_
    sparsely = ensemble(kind, bootstrap=True, solver=solver).fit(sparse.csc_array(X), Y[kind])
    densely = ensemble(kind, bootstrap=True, solver=solver).fit(X, Y[kind])
    np.testing.assert_allclose(sparsely.estimators_[3].loss_, densely.estimators_[3].loss_)


def test_all_members_know_all_classes():
    """Also those that none of their samples has; and of which early stopping wants two."""
    y = np.where(np.arange(60) < 2, [7] * 60, Y["Classifier"])
    for stops in False, True:
        found = ensemble("Classifier", bootstrap=True, n_estimators=24, early_stopping=stops)
        found.fit(X, y)
        n = 54 if stops else 60
        draws = [np.random.RandomState(seed).randint(n, size=n) for seed in seeds(24)]
        assert stops or any(not (rows < 2).any() for rows in draws)
        assert all(one.classes_.tolist() == [0, 1, 2, 7] for one in found.estimators_)
        assert found.predict_proba(X).shape == (60, 4)


def test_early_stopping_holds_out_what_no_bootstrap_draws(monkeypatch):
    seen = []
    data = MLPClassifier._data
    monkeypatch.setattr(
        MLPClassifier, "_data",
        lambda self, net, X, *rest: seen.append({row.tobytes() for row in X})
        or data(self, net, X, *rest),
    )  # fmt: skip
    ensemble("Classifier", bootstrap=True, early_stopping=True).fit(X, Y["Classifier"])
    assert len(seen) == 8
    for held_out, drawn in zip(seen[::2], seen[1::2], strict=True):
        assert len(held_out) == 6
        assert 20 < len(drawn) < 54
        assert not held_out & drawn


@every_kind
def test_class_weights_and_frames(kind):
    frame = pd.DataFrame(X, columns=[*"abcd"])
    settings = {"class_weight": "balanced"} if kind == "Classifier" else {}
    y = np.minimum(Y[kind], 1)
    found = ensemble(kind, **settings).fit(frame, y)
    lone = member(kind, seeds()[0], **settings).fit(frame, y)
    assert found.estimators_[0].loss_curve_ == lone.loss_curve_
    for one in (found, found.estimators_[0]):
        assert one.feature_names_in_.tolist() == [*"abcd"]
        assert one.n_features_in_ == 4
        outputs(one, frame)  # without a warning
    with pytest.warns(UserWarning, match="X does not have valid feature names, but MLPEnsemble"):
        assert outputs(found, X).tobytes() == outputs(found, frame).tobytes()
    found.fit(X, y)
    assert not hasattr(found, "feature_names_in_")
    with pytest.raises(ValueError, match="X has 3 features, but MLPEnsemble"):
        found.predict(X[:, :3])
    with pytest.raises(ValueError, match="NaN"):
        found.predict(np.where(X[0] == X, np.nan, X))


@every_kind
def test_warm_start(kind):
    found = ensemble(kind, warm_start=True).fit(X, Y[kind])
    lone = [member(kind, seed, warm_start=True).fit(X, Y[kind]) for seed in seeds(6)]
    members = found.estimators_
    found.set_params(n_estimators=6, max_iter=3).fit(X, Y[kind])
    assert all(one is other for one, other in zip(found.estimators_, members, strict=False))
    for i, (mine, one) in enumerate(zip(found.estimators_, lone, strict=True)):
        one = one if i < 4 else clone(one)
        one.set_params(max_iter=3).fit(X, Y[kind])
        assert mine.coefs_[0].tobytes() == one.coefs_[0].tobytes()
    kept = [one.random_state for one in found]
    found.set_params(random_state=9).fit(X, Y[kind])
    assert [one.random_state for one in found] == kept
    before = outputs(found, X).tobytes()
    for settings, data in ({"n_estimators": 2}, X), ({"activation": "tanh"}, X * np.nan):
        with pytest.raises(ValueError, match=r"n_estimators must be at least 6|NaN"):
            found.set_params(**settings).fit(data, Y[kind])
        assert outputs(found, X).tobytes() == before
        found.set_params(n_estimators=6, activation="relu")
    found.set_params(warm_start=False).fit(X, Y[kind])
    assert found[0] is not members[0]


@every_kind
def test_in_tools(kind):
    fitted = ensemble(kind).fit(X, Y[kind])
    expected = outputs(fitted, X).tobytes()
    assert outputs(pickle.loads(pickle.dumps(fitted)), X).tobytes() == expected
    assert not hasattr(clone(fitted), "estimators_")
    assert outputs(clone(fitted).fit(X, Y[kind]), X).tobytes() == expected
    assert [len(fitted), fitted[1], [*fitted]] == [4, fitted.estimators_[1], fitted.estimators_]
    search = GridSearchCV(ensemble(kind), {"alpha": [0.1, 1e3], "n_estimators": [2, 3]}, cv=2)
    assert search.fit(X, Y[kind]).best_params_["alpha"] == 0.1
    pipeline = make_pipeline(StandardScaler(), ensemble(kind)).set_output(transform="pandas")
    assert len(pipeline.fit(X, Y[kind])[-1].feature_names_in_) == 4
    assert f"MLPEnsemble{kind}" in fitted._repr_html_()
    smaller = ensemble(kind, n_estimators=2).fit(X, Y[kind])
    for one, other in zip(smaller.estimators_, fitted.estimators_, strict=False):
        assert one.coefs_[0].tobytes() == other.coefs_[0].tobytes()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@every_kind
def test_n_jobs(kind, monkeypatch):
    expected = outputs(ensemble(kind, bootstrap=True).fit(X, Y[kind]), X).tobytes()
    found = ensemble(kind, bootstrap=True, n_jobs=2).fit(X, Y[kind])
    assert outputs(found, X).tobytes() == expected
    with joblib.parallel_config(backend="threading", n_jobs=2):
        found = ensemble(kind, bootstrap=True).fit(X, Y[kind])
    assert outputs(found, X).tobytes() == expected
    monkeypatch.setattr(_many, "Parallel", None)
    with pytest.raises(TypeError, match="not callable"):
        ensemble(kind, n_jobs=2).fit(X, Y[kind])


@every_kind
def test_what_goes_wrong(kind):
    with pytest.raises(NotFittedError):
        ensemble(kind).predict(X)
    for wrong in {"n_estimators": 0}, {"bootstrap": 2}, {"n_jobs": "all"}, {"alpha": -1}:
        with pytest.raises(
            InvalidParameterError, match=f"'{next(iter(wrong))}' parameter of MLPEn"
        ):
            ensemble(kind, **wrong).fit(X, Y[kind])
    diverging = {"solver": "sgd", "learning_rate_init": 1e30, "batch_size": 2, "alpha": 1.0}
    found = ensemble(kind, **diverging)
    with pytest.raises(
        TrainingDivergedError, match=r"4 of 4 estimators diverged, estimators_\[0\]"
    ):
        found.fit(X, Y[kind])
    with pytest.raises(NotFittedError):
        found.predict(X)


def test_members_are_of_the_plain_classes():
    for kind, expected in ("Classifier", MLPClassifier), ("Regressor", MLPRegressor):
        found = ensemble(kind).fit(X, Y[kind])
        assert type(found) in (MLPEnsembleClassifier, MLPEnsembleRegressor)
        assert {type(one) for one in found.estimators_} == {expected}
        assert found.estimators_[0].predict(X).shape == (60,)
