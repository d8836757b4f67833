"""The estimators in scikit-learn's tools: pipelines, searches, frames, parallel work, Dask."""

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from common import on_dask
from sklearn import config_context
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris, make_regression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn.sklearn import MLPClassifier, MLPRegressor

pytestmark = [
    pytest.mark.unwatched,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
GRID = {"alpha": [1e-4, 10.0, 1000.0], "hidden_layer_sizes": [(3,), (20,)]}
BACKENDS = ["loky", "threading"]


def small(**settings):
    return MLPClassifier(**{"max_iter": 30, "random_state": 0, **settings})


def test_a_pipeline():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), small(max_iter=300)).fit(X, y)
    alone = small(max_iter=300).fit(StandardScaler().fit_transform(X), y)
    assert pipeline[-1].loss_curve_ == alone.loss_curve_
    assert pipeline.score(X, y) > 0.95


@pytest.mark.parametrize("backend", BACKENDS)
def test_cross_validation_in_parallel(backend):
    X, y = load_iris(return_X_y=True)
    expected = cross_val_score(small(), X, y, cv=4)
    with joblib.parallel_config(backend=backend):
        np.testing.assert_array_equal(cross_val_score(small(), X, y, cv=4, n_jobs=2), expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_grid_search_in_parallel(backend):
    X, y = load_iris(return_X_y=True)
    alone = GridSearchCV(small(), GRID, cv=3).fit(X, y)
    with joblib.parallel_config(backend=backend):
        found = GridSearchCV(small(), GRID, cv=3, n_jobs=2).fit(X, y)
    expected = alone.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], expected)
    assert found.best_params_ == alone.best_params_
    assert found.predict_proba(X).tobytes() == alone.predict_proba(X).tobytes()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_grid_search_on_dask(tmp_path):
    """Over worker processes of a cluster, as it would be on many machines."""
    X, y = load_iris(return_X_y=True)
    alone = GridSearchCV(small(), GRID, cv=3).fit(X, y)
    with on_dask(tmp_path):
        found = GridSearchCV(small(), GRID, cv=3).fit(X, y)
    assert found.best_params_ == alone.best_params_
    expected = alone.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], expected)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_with_feature_names(frame):
    X, y = load_iris(return_X_y=True)
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    table = frame(dict(zip(names, X.T, strict=True)))
    fitted = small().fit(table, y)
    assert list(fitted.feature_names_in_) == names
    assert fitted.predict_proba(table).tobytes() == small().fit(X, y).predict_proba(X).tobytes()
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        fitted.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(table[names[::-1]])


def test_classes_that_are_words():
    X, y = load_iris(return_X_y=True)
    words = np.array(["setosa", "versicolor", "virginica"])
    for some in (y < 3, y < 2):
        fitted = small(max_iter=200).fit(X[some], words[y[some]])
        assert set(fitted.predict(X[some])) == set(fitted.classes_) == set(words[y[some]])


def test_set_output():
    X, y = make_regression(50, 3, random_state=0)
    scaled = make_column_transformer((StandardScaler(), [0, 1, 2])).set_output(transform="pandas")
    pipeline = make_pipeline(scaled, MLPRegressor(random_state=0, max_iter=10)).fit(X, y)
    assert len(pipeline[-1].feature_names_in_) == 3
    assert pipeline.predict(X).shape == (50,)


def test_weights_by_metadata_routing():
    X, y = load_iris(return_X_y=True)
    w = np.where(y == 0, 5.0, 1.0)
    with config_context(enable_metadata_routing=True):
        estimator = small().set_fit_request(sample_weight=True)
        estimator.set_score_request(sample_weight=False)
        options = {"return_estimator": True, "return_indices": True, "cv": 3}
        found = cross_validate(estimator, X, y, params={"sample_weight": w}, **options)
    for fitted, train in zip(found["estimator"], found["indices"]["train"], strict=True):
        expected = small().fit(X[train], y[train], w[train])
        assert fitted.loss_curve_ == expected.loss_curve_


def test_html():
    assert "MLPClassifier" in small()._repr_html_()
