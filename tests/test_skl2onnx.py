"""Estimators of fastnn.sklearn under skl2onnx, beside scikit-learn's own under it."""

import subprocess
import sys
import types
import warnings

import numpy as np
import pytest
import skl2onnx
from common import every_dtype
from sklearn import neural_network
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris, load_linnerud
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingRegressor, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)
from with_onnx_runtime import outputs, session, signature

from fastnn.export._skl2onnx import register_when_imported
from fastnn.sklearn import (
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*Maximum iterations:Warning")
TOLERANCE = {"float32": 2e-6, "float64": 1e-12}
FLOWERS, SPECIES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
WITHOUT_ZIPMAP = {"zipmap": False}


def converted(model, X, last=None, **options):
    """By skl2onnx; options are those of the estimator, which is the model's last step."""
    given = {id(model if last is None else last): options} if options else None
    return skl2onnx.to_onnx(model, X[:1], options=given)


def assert_as_the_classifier(model, X, last=None):
    found = outputs(converted(model, X, last, zipmap=False), X)
    assert list(found) == ["label", "probabilities"]
    np.testing.assert_array_equal(found["label"], model.predict(X))
    assert found["probabilities"].dtype == X.dtype
    np.testing.assert_allclose(
        found["probabilities"], model.predict_proba(X), rtol=0, atol=TOLERANCE[X.dtype.name]
    )


def assert_as_the_regressor(model, X):
    found, expected = outputs(converted(model, X), X), model.predict(X)
    assert list(found) == ["variable"]
    expected = expected.reshape(len(X), -1)
    assert (found["variable"].shape, found["variable"].dtype) == (expected.shape, X.dtype)
    scale = np.maximum(1, np.abs(expected).max())
    np.testing.assert_allclose(
        found["variable"], expected, rtol=0, atol=TOLERANCE[X.dtype.name] * scale
    )


CLASSES = {
    "integers": SPECIES,
    "negative": -SPECIES,
    "text": NAMES,
    "booleans": SPECIES > 0,
    "whole floats": SPECIES * 2.0,
    "two": SPECIES % 2,
    "two texts": np.array(["no", "yes"])[SPECIES % 2],
    "large": SPECIES * 2**61 - 2**62,  # which skl2onnx makes int32 for scikit-learn's
    "several labels": np.stack([SPECIES == 0, SPECIES > 0, SPECIES == 2], axis=1).astype(int),
    "two labels": np.stack([SPECIES == 0, SPECIES > 1], axis=1).astype(int),
}


@every_dtype
@pytest.mark.parametrize("ensemble", [False, True], ids=["one", "ensemble"])
@pytest.mark.parametrize("kind", CLASSES)
def test_classifiers(kind, ensemble, dtype):
    X = FLOWERS.astype(dtype)
    model = MLPEnsembleClassifier(n_estimators=3) if ensemble else MLPClassifier()
    model.set_params(hidden_layer_sizes=(6, 5), activation="gelu", max_iter=10, random_state=0)
    assert_as_the_classifier(model.fit(X, CLASSES[kind]), X)


@every_dtype
@pytest.mark.parametrize("ensemble", [False, True], ids=["one", "ensemble"])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_regressors(loss, ensemble, dtype):
    X, Y = load_linnerud(return_X_y=True)
    X, Y = StandardScaler().fit_transform(X).astype(dtype), Y / Y.mean(axis=0)
    model = MLPEnsembleRegressor(loss, n_estimators=3) if ensemble else MLPRegressor(loss)
    model.set_params(hidden_layer_sizes=(6, 5), activation="elu", max_iter=10, random_state=0)
    for y in (Y, Y[:, 0]):
        assert_as_the_regressor(model.fit(X, y), X)
        assert signature(converted(model, X))[1][2] == [None, Y.shape[1] if y is Y else 1]


OPTIONS = [
    {},
    WITHOUT_ZIPMAP,
    {"zipmap": "columns"},
    {"nocl": True},
    {"zipmap": False, "nocl": True},
    {"zipmap": False, "output_class_labels": True},
]


AS_THEIRS = [
    (kind, options)
    for kind in ("integers", "text", "booleans", "two texts")
    for options in OPTIONS
    # Labels that theirs declares integers, and that are texts; and what skl2onnx takes for none.
    if not ("text" in kind and "nocl" in options)
    and not (kind == "booleans" and "output_class_labels" in options)
]


@pytest.mark.parametrize(("kind", "options"), AS_THEIRS, ids=str)
def test_options_as_for_scikit_learns(kind, options):
    """Names, types, shapes and labels."""
    X, y = FLOWERS.astype("float32"), CLASSES[kind]
    settings = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}
    ours = MLPClassifier(**settings).fit(X, y)
    theirs = neural_network.MLPClassifier(**settings).fit(X, y)
    theirs, ours = converted(theirs, X, **options), converted(ours, X, **options)
    assert signature(ours) == signature(theirs)
    found, expected = outputs(ours, X), outputs(theirs, X)
    for name, one in expected.items():
        if isinstance(one, list):  # of a dict for each row
            assert [[*row] for row in found[name]] == [[*row] for row in one]
            one, found[name] = ([[*row.values()] for row in each] for each in (one, found[name]))
        if np.asarray(one).dtype.kind == "f":
            np.testing.assert_allclose(found[name], one, atol=1e-5)
        else:
            np.testing.assert_array_equal(found[name], one)


@pytest.mark.parametrize("zipmap", [False, True])
def test_labels_without_classes(zipmap):
    """nocl, where scikit-learn's cannot be loaded."""
    X = FLOWERS.astype("float32")
    model = MLPClassifier((5,), max_iter=30, random_state=0).fit(X, NAMES)
    found = list(outputs(converted(model, X, nocl=True, zipmap=zipmap), X).values())
    np.testing.assert_array_equal(model.classes_[found[0]], model.predict(X))
    if zipmap:
        assert set(found[1][0]) == {0, 1, 2}


@pytest.mark.parametrize("kind", ["several labels", "two labels"])
def test_options_with_several_labels(kind):
    """For which scikit-learn's have wrong shapes."""
    X, y = FLOWERS.astype("float32"), CLASSES[kind]
    n = y.shape[1]
    model = MLPClassifier((5,), max_iter=30, random_state=0).fit(X, y)
    exported = converted(model, X, zipmap=False, output_class_labels=True)
    assert [one[2] for one in signature(exported)] == [[None, 4], [None, n], [None, n], [n]]
    probabilities = model.predict_proba(X)
    for options in ({}, {"zipmap": "columns"}):
        label, *rest = outputs(converted(model, X, **options), X).values()
        np.testing.assert_array_equal(label, model.predict(X))
        columns = rest if options else np.array([[*row.values()] for row in rest[0]]).T
        np.testing.assert_allclose(np.transpose(columns), probabilities, atol=1e-6)


SCALERS = [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), RobustScaler()]


@every_dtype
@pytest.mark.parametrize("scaler", SCALERS, ids=lambda one: type(one).__name__)
def test_pipelines_of_scalers(scaler, dtype):
    X = FLOWERS.astype(dtype)
    pipeline = make_pipeline(scaler, MLPClassifier((5,), max_iter=20, random_state=0))
    assert_as_the_classifier(pipeline.fit(X, NAMES), X, pipeline[-1])


def columns():
    """Whole numbers as categories beside measures, and names of what to predict."""
    codes = np.random.default_rng(0).integers(4, size=(len(FLOWERS), 1))
    return np.hstack([codes, FLOWERS])


@every_dtype
@pytest.mark.parametrize("task", ["classes", "outputs"])
def test_pipelines_of_steps_that_are_no_scalers(task, dtype):
    X = columns().astype(dtype)
    measures = make_pipeline(StandardScaler(), PCA(3))
    steps = ColumnTransformer([("codes", OneHotEncoder(), [0]), ("rest", measures, [1, 2, 3, 4])])
    if task == "classes":
        estimator = MLPClassifier((8, 4), ["silu", "softplus"], max_iter=20, random_state=0)
        pipeline = make_pipeline(steps, SelectKBest(k=5), estimator).fit(X, NAMES)
        assert_as_the_classifier(pipeline, X, estimator)
    else:
        estimator = MLPRegressor("mse", (8,), "leaky_relu", max_iter=20, random_state=0)
        pipeline = make_pipeline(steps, estimator).fit(X, np.stack([SPECIES, -SPECIES], axis=1))
        assert_as_the_regressor(pipeline, X)


def test_inside_other_estimators():
    X = FLOWERS.astype("float32")
    mlp = MLPClassifier((5,), max_iter=20, random_state=0)
    search = GridSearchCV(mlp, {"alpha": [1e-4, 1e-2]}, cv=2).fit(X, NAMES)
    assert_as_the_classifier(search, X)
    voting = VotingClassifier(
        [("a", mlp), ("b", LogisticRegression(solver="newton-cg"))],
        voting="soft",
        flatten_transform=False,
    )
    found = outputs(converted(voting.fit(X, NAMES), X, zipmap=False), X)
    np.testing.assert_array_equal(found["label"], voting.predict(X))
    regressor = MLPRegressor("mse", (5,), max_iter=20, random_state=0)
    stacking = StackingRegressor([("a", regressor), ("b", Ridge())]).fit(X, SPECIES)
    found = outputs(converted(stacking, X), X)["variable"][:, 0]
    np.testing.assert_allclose(found, stacking.predict(X), atol=1e-5)


def test_whole_numbers_as_samples():
    """In float32, as for other estimators."""
    X = (FLOWERS * 10).astype(np.int64)
    model = MLPRegressor("mse", (5,), max_iter=20, random_state=0).fit(X, SPECIES)
    exported = converted(model, X)
    assert [one[1] for one in signature(exported)] == ["tensor(int64)", "tensor(float)"]
    np.testing.assert_allclose(outputs(exported, X)["variable"][:, 0], model.predict(X), rtol=1e-4)


@pytest.mark.parametrize("opset", range(9, 22))
def test_opsets(opset):
    """All activations and heads mean the same in each, as full checks and numbers tell."""
    names = ["elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "softplus", "tanh", "identity"]
    for dtype in ("float64", "float32"):
        X = FLOWERS.astype(dtype)
        model = MLPClassifier([4] * len(names), names, max_iter=2, random_state=0).fit(X, NAMES)
        exported = skl2onnx.to_onnx(
            model, X[:1], target_opset=opset, options={id(model): WITHOUT_ZIPMAP}
        )
        assert {one.domain: one.version for one in exported.opset_import}[""] == opset
        found = outputs(exported, X)
        np.testing.assert_array_equal(found["label"], model.predict(X))
        np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), atol=1e-5)


def test_an_opset_that_is_too_low_is_refused():
    model = MLPRegressor("mse", (3,), max_iter=2).fit(FLOWERS, SPECIES)
    with pytest.raises(RuntimeError, match=r"Opset number 9 is higher than targeted"):
        skl2onnx.to_onnx(model, FLOWERS[:1], target_opset=8)


@pytest.mark.parametrize("estimator", [MLPClassifier(), MLPEnsembleRegressor()])
def test_what_is_not_fitted_is_refused(estimator):
    """A ZipMap, which asks for classes before, skl2onnx refuses in its own words."""
    options = WITHOUT_ZIPMAP if isinstance(estimator, MLPClassifier) else {}
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        converted(estimator, FLOWERS, **options)


def test_parameters_beyond_float32_are_refused():
    model = MLPRegressor("mse", (3,), max_iter=2).fit(FLOWERS, SPECIES)
    model.intercepts_[0][1] = 1e200
    assert converted(model, FLOWERS)
    with pytest.raises(ValueError, match=r"biases\[0\], of layer 1, exceed float32.*float64"):
        converted(model, FLOWERS.astype("float32"))


def test_any_number_of_rows():
    X = FLOWERS.astype("float32")
    model = MLPClassifier((5,), max_iter=3).fit(X, NAMES)
    made = session(converted(model, X, zipmap=False))
    for n in (0, 1, 150):
        assert [one.shape for one in made.run(None, {"X": X[:n]})] == [(n,), (n, 3)]


PROGRAM = """
import sys, warnings
import numpy as np
warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(50, 3)).astype("float32")
def fit():
    return fastnn.sklearn.MLPClassifier((3,), max_iter=2).fit(X, X[:, 0] > 0)
{}
print(len(skl2onnx.to_onnx(model, X[:1]).graph.node) > 3)
print([one for one in sys.meta_path if type(one).__module__.startswith("fastnn")])
"""
ORDERS = {
    "skl2onnx first": """
import skl2onnx
import fastnn.sklearn
model = fit()
""",
    "fastnn first": """
import fastnn.sklearn
import skl2onnx
model = fit()
""",
    "after the fit": """
import fastnn.sklearn
model = fit()
from skl2onnx.common import data_types
import skl2onnx
""",
    "looked for before": """
import fastnn.sklearn
from importlib.util import find_spec
assert find_spec("skl2onnx") and find_spec("skl2onnx")
import skl2onnx
model = fit()
""",
    "in place of scikit-learn's": """
import fastnn.sklearn
fastnn.sklearn.patch()
import skl2onnx
from sklearn.neural_network import MLPClassifier
model = MLPClassifier((3,), "gelu", max_iter=2).fit(X, X[:, 0] > 0)
""",
}


def run(program):
    return subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_whichever_is_imported_first(order):
    done = run(PROGRAM.format(order))
    assert (done.stdout, done.returncode) == ("True\n[]\n", 0), done.stderr


def test_nothing_is_imported_before_it_is_used():
    names = "'onnx', 'skl2onnx', 'fastnn.export._onnx'"
    program = f"import sys, fastnn.sklearn; print([one for one in ({names}) if one in sys.modules])"
    assert run(program).stdout == "[]\n"
    program = "import sys, fastnn; print('fastnn.export' in sys.modules)"
    assert run(program).stdout == "False\n"


def test_where_skl2onnx_is_not_installed():
    program = """
import sys, fastnn.sklearn
sys.path[:] = [one for one in sys.path if "site-packages" not in one]
for name in ("skl2onnx", "skl2onnx", "another"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        print(error)
"""
    assert run(program).stdout.splitlines() == [
        "No module named 'skl2onnx'", "No module named 'skl2onnx'", "No module named 'another'",
    ]  # fmt: skip


def test_a_version_that_takes_no_converters_is_imported_all_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", types.ModuleType("skl2onnx"))
    with pytest.warns(UserWarning, match=r"does not take the converters.*fastnn\.export\.to_onnx"):
        register_when_imported([MLPClassifier], [])
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        register_when_imported([MLPClassifier], [])
