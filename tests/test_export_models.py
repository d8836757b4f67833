"""What can be exported, and how scalers before an estimator become part of its first layer."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from fastnn import Network
from fastnn.export._models import exported, scaled
from fastnn.sklearn import MLPClassifier, MLPEnsembleClassifier, MLPRegressor

X, Y = load_iris(return_X_y=True)
SCALERS = {
    "standard": [StandardScaler()],
    "standard without mean": [StandardScaler(with_mean=False)],
    "standard without std": [StandardScaler(with_std=False)],
    "standard with neither": [StandardScaler(with_mean=False, with_std=False)],
    "minmax": [MinMaxScaler()],
    "minmax with a range": [MinMaxScaler((-3, 5))],
    "maxabs": [MaxAbsScaler()],
    "robust": [RobustScaler()],
    "robust with options": [RobustScaler(quantile_range=(5, 80), unit_variance=True)],
    "robust without center": [RobustScaler(with_centering=False)],
    "robust without scale": [RobustScaler(with_scaling=False)],
    "several": [StandardScaler(), "passthrough", MinMaxScaler((-1, 1)), RobustScaler()],
    "nested": [make_pipeline(MaxAbsScaler(), StandardScaler()), MinMaxScaler()],
    "none": ["passthrough", None],
}


def fitted(*scalers, X=X, y=Y, **settings):
    """A pipeline whose estimator knows the classes and has random parameters."""
    estimator = MLPClassifier((5,), max_iter=1, random_state=0, solver="sgd", **settings)
    pipeline = make_pipeline(*scalers, estimator)
    with pytest.warns(Warning, match="Maximum iterations"):
        return pipeline.fit(X, y)


def outputs(found, X):
    net = Network.from_parameters(
        found.weights, found.biases, activation=found.activations, loss=found.loss
    )
    assert net.dtype == found.dtype
    return net.feedforward(X)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", SCALERS)
def test_scalers_become_part_of_the_first_layer(name, dtype):
    rows = X.astype(dtype)
    pipeline = fitted(*SCALERS[name], X=rows)
    found = exported(pipeline)
    assert found.dtype == dtype
    tolerance = 1e-14 if dtype == "float64" else 2e-6
    expected = pipeline.predict_proba(rows)
    np.testing.assert_allclose(outputs(found, rows), expected, rtol=0, atol=tolerance)
    assert found.classes == (0, 1, 2)
    assert found.kind == "classifier"


def test_folding_rounds_once():
    """What was computed in long double differs by half a unit in the last place at most."""
    pipeline = fitted(StandardScaler(), RobustScaler(), X=X * 1e3)
    found, (factor, shift) = scaled(pipeline)
    folded = exported(pipeline)
    W, b = found.weights[0].astype(np.longdouble), found.biases[0]
    for exact, rounded in (
        (W * factor[:, None], folded.weights[0]), (b + shift @ W, folded.biases[0]),
    ):  # fmt: skip
        assert (abs(exact - rounded) <= np.spacing(abs(rounded)) / 2).all()
    np.testing.assert_allclose(factor * X[0] * 1e3 + shift, pipeline[:-1].transform(X[:1] * 1e3)[0])


def test_settings_of_scalers_count_as_they_are():
    """As transform takes them, also when they were changed after the fit."""
    pipeline = fitted(StandardScaler(), RobustScaler())
    pipeline.set_params(standardscaler__with_mean=False, robustscaler__with_scaling=False)
    got = outputs(exported(pipeline), X)
    np.testing.assert_allclose(got, pipeline.predict_proba(X), atol=1e-14)


def test_names_are_those_of_the_first_step():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X, columns=list("abcd"))
    scaler = StandardScaler().set_output(transform="pandas")
    for first in (scaler, StandardScaler()):
        assert exported(fitted(first, MinMaxScaler(), X=table)).feature_names == tuple("abcd")
    assert exported(fitted(X=table)).feature_names == tuple("abcd")
    assert exported(fitted(scaler)).feature_names is None


@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_networks_and_estimators_are_taken_as_they_are():
    net = Network([2, 3, 1], seed=0)
    found = exported(net)
    np.testing.assert_array_equal(found.weights[1], net.weights[1])
    assert found.kind == "network"
    regressor = MLPRegressor(max_iter=3, solver="lbfgs").fit(*load_diabetes(return_X_y=True))
    found = exported(make_pipeline(regressor))
    np.testing.assert_array_equal(found.weights[0], regressor.coefs_[0])
    assert found.kind == "regressor"


REFUSED = {
    "a number": (5, "model must be a fastnn.Network.*got int 5"),
    "a class": (MLPClassifier, "give a fitted object of it"),
    "a search": (
        GridSearchCV(MLPClassifier((2,), solver="lbfgs", max_iter=3), {"alpha": [0, 1]}),
        "give its best_estimator_",
    ),
    "an ensemble": (
        MLPEnsembleClassifier((2,), solver="lbfgs", max_iter=3),
        "give its members",
    ),
}


@pytest.mark.filterwarnings("ignore:lbfgs failed")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_model_is_refused(name):
    model, message = REFUSED[name]
    if hasattr(model, "fit") and not isinstance(model, type):
        model.fit(X, Y)
    with pytest.raises(TypeError, match=message):
        exported(model)


TARGETS = {
    "standard": StandardScaler(),
    "minmax": MinMaxScaler((-1, 2)),
    "maxabs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "none": None,
}


def transformed(transformer, y, before=(), **settings):
    regressor = MLPRegressor(
        hidden_layer_sizes=(5,), max_iter=30, random_state=0, solver="lbfgs", **settings
    )
    model = TransformedTargetRegressor(make_pipeline(*before, regressor), transformer=transformer)
    return model.fit(*y)


@pytest.mark.filterwarnings("ignore:lbfgs failed")
@pytest.mark.parametrize("name", TARGETS)
def test_scalers_of_targets_become_part_of_the_last_layer(name):
    rows, progress = load_diabetes(return_X_y=True)
    for y in (3 * progress + 10, np.stack([progress, 1e3 * progress**2], axis=1)):
        model = transformed(TARGETS[name], (rows, y), [StandardScaler()])
        found = exported(model)
        assert found.kind == "regressor"
        expected = model.predict(rows).reshape(len(rows), -1)
        scale = np.abs(expected).max(axis=0)
        np.testing.assert_allclose(outputs(found, rows) / scale, expected / scale, atol=1e-12)
    whole = make_pipeline(MaxAbsScaler(), transformed(TARGETS[name], (rows, y), [StandardScaler()]))
    whole.fit(rows, y)
    expected = whole.predict(rows)
    np.testing.assert_allclose(outputs(exported(whole), rows) / scale, expected / scale, atol=1e-12)


@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_transformations_of_targets_that_are_no_scaling_are_refused():
    rows, y = load_diabetes(return_X_y=True)
    remedy = "export its regressor_, and undo in C what its transformer_ does"
    with pytest.raises(
        TypeError, match=f"as its transformer .*got FunctionTransformer.*; {remedy}"
    ):
        exported(transformed(FunctionTransformer(np.log, np.exp), (rows, y)))
    with pytest.raises(ValueError, match=f"clip=True.*{remedy}"):
        exported(transformed(MinMaxScaler(clip=True), (rows, y)))
    with pytest.raises(ValueError, match=f'"identity", and here it is "exp"; {remedy}'):
        exported(transformed(MaxAbsScaler(), (rows, y), loss="poisson"))
    with pytest.raises(TypeError, match="and its regressor is LinearRegression"):
        exported(TransformedTargetRegressor(transformer=StandardScaler()).fit(rows, y))
    with pytest.raises(ValueError, match="not fitted"):
        exported(TransformedTargetRegressor(transformer=StandardScaler()))


@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_estimators_of_scikit_learns_own_have_a_twin():
    theirs = SklearnClassifier((2,), solver="lbfgs", max_iter=3)
    message = (
        r"its step 'mlpclassifier' is scikit-learn's own MLPClassifier; fit "
        r"fastnn.sklearn.MLPClassifier in its place \(same arguments\), or give Network"
    )
    with pytest.raises(TypeError, match=message):
        exported(make_pipeline(StandardScaler(), theirs).fit(X, Y))
    with pytest.raises(
        TypeError, match=r"got scikit-learn's own MLPClassifier; fit fastnn.sklearn"
    ):
        exported(theirs)


@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_steps_that_are_no_scaling_are_refused_by_name():
    for step in (PCA(2), FunctionTransformer()):
        kind = type(step).__name__
        with pytest.raises(TypeError, match=rf"'{kind.lower()}'.*{kind}; export the .*alone"):
            exported(fitted(step))

    class Own(StandardScaler):
        def transform(self, X):
            return X

    with pytest.raises(TypeError, match=r"'own'.*Own"):
        exported(fitted(Own()))
    for kind in (MinMaxScaler, MaxAbsScaler):
        if "clip" not in kind().get_params():
            continue
        pipeline = fitted(kind().set_params(clip=True))
        remedy = rf"pipeline.set_params\({kind.__name__.lower()}__clip=False\)"
        with pytest.raises(ValueError, match=remedy):
            exported(pipeline)
        pipeline.set_params(**{f"{kind.__name__.lower()}__clip": False})
        exported(pipeline)
    with pytest.raises(TypeError, match=r"must end in an estimator of fastnn.*'last'.*str"):
        exported(Pipeline([("last", "passthrough")]))


def test_what_is_not_fitted_is_refused():
    with pytest.raises(ValueError, match=r"StandardScaler.*not fitted"):
        exported(make_pipeline(StandardScaler(), MLPClassifier()))
    with pytest.raises(ValueError, match=r"MLPClassifier.*not fitted"):
        exported(MLPClassifier())
    fitted_alone = make_pipeline(StandardScaler().fit(X[:, :2]), fitted()[-1])
    with pytest.raises(ValueError, match=r"'standardscaler' .* 2 features, and the network 4"):
        exported(fitted_alone)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_parameters_that_are_not_finite_are_refused(value):
    net = Network([2, 3, 1], seed=0)
    net.weights[1][0, 0] = value
    with pytest.raises(ValueError, match=rf"weights\[1\], of layer 2 of 2, .* is {value}; train"):
        exported(net)
    net = Network([2, 3, 1], seed=0)
    net.biases[0][2] = value
    with pytest.raises(ValueError, match=r"biases\[0\], of layer 1 of 2"):
        exported(net)


def test_scales_that_exceed_the_dtype_are_refused():
    rows = X.astype("float32")
    pipeline = fitted(StandardScaler(), X=rows)
    pipeline[0].scale_[1] = 1e-39
    with pytest.raises(ValueError, match=r"input 1 is scaled by 1e\+39, .* exceed float32"):
        exported(pipeline)
    pipeline = fitted(StandardScaler(), X=rows)
    pipeline[0].mean_[1] = 1e39
    with pytest.raises(ValueError, match=r"shifted by up to .*e\+39"):
        exported(pipeline)
