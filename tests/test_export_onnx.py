"""Models of ONNX: what ONNX Runtime makes of them, beside what the model itself says."""

import json
import re
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import onnx
import pytest
from common import every_dtype
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_linnerud
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from with_onnx_runtime import outputs, session, signature

import fastnn
from fastnn import Network
from fastnn._checks import ACTIVATIONS
from fastnn.export import to_onnx
from fastnn.export._exported import Exported
from fastnn.export._onnx import labels, model_of
from fastnn.sklearn import (
    MLPClassifier,
    MLPEnsembleClassifier,
    MLPEnsembleRegressor,
    MLPRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*Maximum iterations:Warning")
TOLERANCE = {"float32": 2e-6, "float64": 1e-12}
KINDS = {"float32": "tensor(float)", "float64": "tensor(double)"}
FLOWERS, SPECIES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


FORMULAS = {
    "identity": lambda z: z,
    "step": lambda z: (z > 0).astype(z.dtype),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, z / 100),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "softplus": lambda z: np.logaddexp(0, z),
    "silu": lambda z: z * sigmoid(z),
    "gelu": lambda z: (
        z / 2 * (1 + np.tanh(np.sqrt(2 / np.longdouble(np.pi)) * (z + 0.044715 * z**3)))
    ),
    "softmax": softmax,
    "exp": np.exp,
}


def in_long_double(net, X):
    """The outputs, and how near to its step each row comes in any unit, beside the largest z."""
    a, distance = X.astype(np.longdouble), np.full(len(X), np.inf)
    with np.errstate(over="ignore"):
        for W, b, name in zip(net.weights, net.biases, net.activations, strict=True):
            z = a @ W.astype(np.longdouble) + b
            if name == "step":
                of_rows = np.abs(z).min(axis=1) / np.maximum(1, np.abs(z).max(axis=1))
                distance = np.minimum(distance, of_rows)
            a = FORMULAS[name](z)
    return a, distance


def drawn(seed, dtype):
    """A network and 400 rows for it, of any scale."""
    rng = np.random.default_rng(seed)
    depth = rng.integers(1, 6)
    sizes = rng.integers(1, 41, size=depth + 1).tolist()
    hidden = [name for name in ACTIVATIONS if name != "softmax"]
    names = rng.choice(hidden, depth - 1).tolist()
    names.append(str(rng.choice(ACTIVATIONS if sizes[-1] > 1 else hidden)))
    weights = [
        (rng.normal(size=(n_in, n_out)) / np.sqrt(n_in)).astype(dtype)
        for n_in, n_out in pairwise(sizes)
    ]
    biases = [(rng.normal(size=n_out) / 4).astype(dtype) for n_out in sizes[1:]]
    net = Network.from_parameters(weights, biases, activation=names)
    scale = 10 ** rng.uniform(-4, 4)
    return net, rng.uniform(-scale, scale, (400, sizes[0])).astype(dtype), scale


def assert_as_the_network(seed, dtype):
    """Each row; but beyond a scale of 1, where z are large and so is their rounding, the worst one.

    It may then be as much further off as twice fastnn's own worst row is from the truth: in a
    single row fastnn may be right by luck, and others with their order of sums not.
    """
    net, X, scale = drawn(seed, dtype)
    Y, expected = outputs(net.to_onnx(), X)["Y"], net.feedforward(X)
    assert (Y.shape, Y.dtype) == (expected.shape, dtype)
    exact, distance = in_long_double(net, X)
    is_clear = distance > 10 * TOLERANCE[dtype]
    assert is_clear.sum() >= len(X) / 4
    largest = np.maximum(1, np.abs(expected).max(axis=1))
    error, own = (np.abs(expected - one).max(axis=1) / largest for one in (Y, exact))
    allowed = 2 * own[is_clear].max() if scale > 1 else 0
    assert error[is_clear].max() <= TOLERANCE[dtype] + allowed, (net, scale)


@every_dtype
@pytest.mark.parametrize("seed", range(30))
def test_random_networks(seed, dtype):
    assert_as_the_network(seed, dtype)


@pytest.mark.long
@every_dtype
@pytest.mark.parametrize("seed", range(30, 330))
def test_more_random_networks(seed, dtype):
    assert_as_the_network(seed, dtype)


def test_random_networks_have_all_there_is():
    nets = [drawn(seed, "float64")[0] for seed in range(30)]
    assert {name for net in nets for name in net.activations} == set(ACTIVATIONS)
    assert {len(net.activations) for net in nets} == {1, 2, 3, 4, 5}


# To roundings of 1, which ONNX Runtime's own operators have; and these in float64 to roundings of
# the result, near 0.
NEAR_0 = {"elu", "leaky_relu", "silu", "gelu", "tanh"}


@every_dtype
@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "softmax"])
def test_activations_are_right_wherever_they_are_asked(name, dtype):
    """From next to 0 to where powers are infinite, and beyond where squares are."""
    sizes = np.geomspace(1e-8, 88 if name == "exp" else 1e20, 400)
    z = np.concatenate([-sizes[::-1], [-0.0, 0.0], sizes]).astype(dtype)
    one = np.ones((1, 1), dtype)
    with np.errstate(over="ignore"):
        exact = FORMULAS[name](z.astype(np.longdouble))
    found = outputs(model_of([Exported([one], [one[0] * 0], (name,), "mse")]), z[:, np.newaxis])
    a = found["Y"][:, 0].astype(np.longdouble)
    scale = np.maximum(1, np.abs(exact)) if name != "gelu" else np.maximum(1, np.abs(z))
    assert (np.abs(a - exact) <= np.finfo(dtype).eps * 4 * scale).all()
    if name in NEAR_0 and dtype == "float64":
        is_near = np.abs(z) < 1
        assert (np.abs(a - exact) <= 1e-15 * np.abs(exact))[is_near].all()


@every_dtype
def test_softmax_of_large_inputs_and_of_one_unit(dtype):
    z = np.array([[1e4, 1e4 - 1, -1e4], [-1e4, -1e4, -1e4], [0, 80, 90]], dtype)
    net = Network.from_parameters([np.eye(3, dtype=dtype)], [z[0] * 0], activation="softmax")
    found = outputs(net.to_onnx(), z)["Y"]
    np.testing.assert_allclose(found, softmax(z.astype(np.longdouble)).astype(dtype), atol=1e-7)
    single = Network.from_parameters([z[:, :1]], [z[0, :1]], activation="softmax")
    assert (outputs(single.to_onnx(), z)["Y"] == 1).all()


@every_dtype
def test_names_shapes_and_versions(dtype):
    net = Network([3, 4, 4, 2], activation=["tanh", "gelu", "identity"], dtype=dtype, seed=0)
    model = net.to_onnx()
    kind = KINDS[dtype]
    assert signature(model) == [("X", kind, [None, 3]), ("Y", kind, [None, 2])]
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)]
    assert model.ir_version == 8
    assert (model.producer_name, model.producer_version) == ("fastnn", fastnn.__version__)
    assert len(model.metadata_props) == 0
    names = [one.name for one in model.graph.node]
    assert names[:4] == ["layer_1_MatMul", "layer_1_Add", "layer_1_Tanh", "layer_2_MatMul"]
    assert names[-1] == "layer_3_Add"
    assert [one.name for one in model.graph.initializer][:4] == ["W_1", "b_1", "W_2", "b_2"]
    values = [name for one in model.graph.node for name in (*one.input, *one.output)]
    assert {"X", "z_1", "a_1", "z_2", "a_2", "Y"} <= set(values)
    assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) for name in (*names, *values))
    assert len(set(names)) == len(names)


@every_dtype
def test_any_number_of_rows(dtype):
    flowers = FLOWERS.astype(dtype)
    classifier = MLPClassifier((5,), max_iter=5, random_state=0).fit(flowers, NAMES)
    for model, y in ((classifier, (3,)), (classifier._network(), None)):
        made = session(model.to_onnx())
        for n in (0, 1, 2, 150):
            found = made.run(None, {"X": flowers[:n]})
            assert [one.shape for one in found] == [(n,)] * (y is not None) + [(n, 3)]


def test_parameters_are_those_of_the_moment():
    net = Network([2, 1], activation="identity", seed=0)
    model = net.to_onnx()
    before = net.feedforward([[1.0, 2.0]])
    net.weights[0][:] = 0
    np.testing.assert_allclose(outputs(model, np.array([[1.0, 2.0]]))["Y"], before)


def fitted(estimator, X, y):
    return estimator.set_params(max_iter=20, random_state=0).fit(X, y)


def assert_as_the_classifier(model, X, exported=None):
    exported = model.to_onnx() if exported is None else exported
    found = outputs(exported, X)
    assert list(found) == ["label", "probabilities"]
    label, expected = found["label"], model.predict(X)
    assert label.dtype == (object if expected.dtype.kind in "OU" else np.int64)
    np.testing.assert_array_equal(label, expected)
    probabilities = model.predict_proba(X)
    assert found["probabilities"].dtype == X.dtype
    assert found["probabilities"].shape == probabilities.shape
    np.testing.assert_allclose(
        found["probabilities"], probabilities, rtol=0, atol=TOLERANCE[X.dtype.name]
    )


LABELS = {
    "integers": SPECIES,
    "negative integers": SPECIES - 2,
    "large integers": SPECIES * 2**61 - 2**62,
    "text": NAMES,
    "objects": NAMES.astype(object),
    "any text": np.array(["", "naïve 木", "line\nend"])[SPECIES],
    "whole floats": SPECIES * 2.0,
    "booleans": SPECIES == 1,
    "two classes": (SPECIES == 1).astype(int),
    "two texts": np.array(["no", "yes"])[SPECIES // 2],
    "several labels": np.stack([SPECIES == 0, SPECIES > 0, SPECIES == 2], axis=1).astype(int),
    "two labels": np.stack([SPECIES == 0, SPECIES > 1], axis=1).astype(int),
}


@every_dtype
@pytest.mark.parametrize("kind", LABELS)
def test_classifiers(kind, dtype):
    X = FLOWERS.astype(dtype)
    model = fitted(MLPClassifier((8,), learning_rate_init=0.02), X, LABELS[kind])
    assert_as_the_classifier(model, X)
    is_text = LABELS[kind].dtype.kind in "OU"
    n_classes = model.predict_proba(X).shape[1]
    shape = [None, n_classes] if LABELS[kind].ndim == 2 else [None]
    assert signature(model.to_onnx())[1:] == [
        ("label", "tensor(string)" if is_text else "tensor(int64)", shape),
        ("probabilities", KINDS[dtype], [None, n_classes]),
    ]


@every_dtype
@pytest.mark.parametrize("loss", ["log_loss", "mse", "huber"])
@pytest.mark.parametrize("y", [SPECIES, SPECIES == 1], ids=["three classes", "two classes"])
def test_classifiers_of_other_losses(loss, y, dtype):
    model = fitted(MLPClassifier((4, 3), ["gelu", "elu"], loss=loss), FLOWERS.astype(dtype), y)
    assert_as_the_classifier(model, FLOWERS.astype(dtype))


def test_digits_with_the_same_accuracy():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype("float32")
    model = fitted(MLPClassifier((30,), learning_rate_init=0.01), X, y)
    assert_as_the_classifier(model, X)
    assert np.mean(outputs(model.to_onnx(), X)["label"] == y) == model.score(X, y) > 0.95


def assert_as_the_regressor(model, X, exported=None):
    exported = model.to_onnx() if exported is None else exported
    found, expected = outputs(exported, X), model.predict(X)
    assert list(found) == ["variable"]
    expected = expected.reshape(len(X), -1)
    assert (found["variable"].shape, found["variable"].dtype) == (expected.shape, X.dtype)
    scale = np.maximum(1, np.abs(expected).max())
    np.testing.assert_allclose(
        found["variable"], expected, rtol=0, atol=TOLERANCE[X.dtype.name] * scale
    )


@every_dtype
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "mae"])
@pytest.mark.parametrize("load", [load_diabetes, load_linnerud])
def test_regressors(load, loss, dtype):
    X, y = load(return_X_y=True)
    X, y = StandardScaler().fit_transform(X).astype(dtype), y / y.mean(axis=0)
    model = fitted(MLPRegressor(loss, (10, 5), "tanh"), X, y)
    assert_as_the_regressor(model, X)
    assert signature(model.to_onnx())[1][2] == [None, 3 if load is load_linnerud else 1]


SCALERS = {
    "standard": [StandardScaler()],
    "minmax": [MinMaxScaler((-1, 1))],
    "maxabs": [MaxAbsScaler()],
    "robust": [RobustScaler()],
    "two": [make_pipeline(MaxAbsScaler(), StandardScaler())],
}


@every_dtype
@pytest.mark.parametrize("scalers", SCALERS.values(), ids=SCALERS)
def test_pipelines_of_scalers(scalers, dtype):
    X = FLOWERS.astype(dtype)
    classifier, regressor = MLPClassifier((6,), max_iter=20), MLPRegressor("mse", (6,), max_iter=20)
    pipeline = make_pipeline(*scalers, classifier).fit(X, NAMES)
    assert_as_the_classifier(pipeline, X, to_onnx(pipeline))
    pipeline = make_pipeline(*scalers, regressor).fit(X, np.stack([SPECIES, -SPECIES], axis=1))
    assert_as_the_regressor(pipeline, X, to_onnx(pipeline))


@every_dtype
@pytest.mark.parametrize("kind", ["text", "two classes", "several labels"])
def test_ensembles(kind, dtype):
    X, y = FLOWERS.astype(dtype), LABELS[kind]
    model = fitted(MLPEnsembleClassifier((5,), n_estimators=3), X, y)
    assert_as_the_classifier(model, X)
    pipeline = make_pipeline(StandardScaler(), MLPEnsembleClassifier((5,), n_estimators=2))
    pipeline[-1].set_params(max_iter=5)
    pipeline.fit(X, y)
    assert_as_the_classifier(pipeline, X, to_onnx(pipeline))
    regressor = fitted(MLPEnsembleRegressor("mse", (5,), n_estimators=3), X, SPECIES)
    assert_as_the_regressor(regressor, X)
    names = [one.name for one in regressor.to_onnx().graph.node]
    assert {"member_1_layer_1_Add", "member_3_layer_2_Add", "mean_Div"} <= set(names)


def test_an_ensemble_of_one():
    model = fitted(MLPEnsembleClassifier((5,), n_estimators=1), FLOWERS, NAMES)
    assert_as_the_classifier(model, FLOWERS)
    pipeline = make_pipeline(MaxAbsScaler(), make_pipeline(StandardScaler(), model))
    assert_as_the_classifier(pipeline.fit(FLOWERS, NAMES), FLOWERS, to_onnx(pipeline))


def test_feature_names_are_in_the_metadata():
    pd = pytest.importorskip("pandas")
    names = ["sepal length (cm)", 'a "quoted"\nname', "Blütenblatt 花", ""]
    frame = pd.DataFrame(FLOWERS, columns=names)
    classifier = fitted(MLPClassifier((3,)), frame, NAMES)
    net = Network([4, 1], seed=0)
    net.train(frame, SPECIES / 2, epochs=1, learning_rate=0.01)
    pipeline = make_pipeline(StandardScaler(), MLPRegressor("mse", (3,), max_iter=2))
    pipeline.fit(frame, SPECIES)
    for model in (classifier, net, pipeline):
        exported = onnx.load_from_string(to_onnx(model).SerializeToString())
        found = {one.key: json.loads(one.value) for one in exported.metadata_props}
        assert found == {"feature_names": names}


def test_feature_names_that_protobuf_would_refuse():
    exported = replace(Network([2, 1])._exported(), feature_names=("\ud800", "\0"))
    model = onnx.load_from_string(model_of([exported]).SerializeToString())
    assert json.loads(model.metadata_props[0].value) == ["\ud800", "\0"]


def test_files(tmp_path):
    net = Network([2, 3, 1], seed=0)
    path = tmp_path / "net.onnx"
    model = net.to_onnx(path)
    assert onnx.load(path) == model == to_onnx(net, str(path))
    assert [one.name for one in tmp_path.iterdir()] == ["net.onnx"]


def test_a_path_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    net = Network([2, 3, 1], seed=0)
    with pytest.raises(FileNotFoundError, match=r"in a folder that exists"):
        net.to_onnx(tmp_path / "missing" / "net.onnx")
    with pytest.raises(IsADirectoryError, match="is that of a folder"):
        net.to_onnx(tmp_path)
    with pytest.raises(TypeError, match="path must be a path, got int 3"):
        net.to_onnx(3)
    before = tmp_path / "net.onnx"
    before.write_bytes(b"before")
    net.weights[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        net.to_onnx(before)
    assert [one.name for one in tmp_path.iterdir()] == ["net.onnx"]
    assert before.read_bytes() == b"before"


def test_without_onnx(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "fastnn.export._onnx")
    monkeypatch.delattr(fastnn.export, "_onnx")
    with pytest.raises(ImportError, match=r'to_onnx needs onnx: .* pip install "fastnn\[onnx\]"'):
        Network([2, 1]).to_onnx()


def test_what_is_too_large_for_protobuf_is_refused():
    """Arrays of zero strides, which take no memory."""

    def network(n, dtype):
        W = np.broadcast_to(np.zeros((), dtype), (n, 2**15))
        return Exported([W], [W[0]], ("identity",), "mse")

    with pytest.raises(ValueError, match=r"has 2,147,6\d\d,\d\d\d bytes.* at most 2,147,483,647"):
        model_of([network(2**14, "float32")])
    with pytest.raises(ValueError, match=r'dtype="float32" takes half of it'):
        model_of([network(2**13, "float64")])
    with pytest.raises(ValueError, match="one message of protobuf's"):
        model_of([network(2**13, "float32")] * 2)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ((1.5, 2.0), r"texts or integers of 64 bits.*LabelEncoder"),
        ((1, 2**63), r"integers of 64 bits"),
        ((b"a", b"b"), r"texts or integers"),
        ((1, "a"), r"texts or integers"),
        (("a",), r"knows the class 'a' alone"),
        (("a", "\ud800"), r"cannot be written in UTF-8"),
    ],
)
def test_classes_that_onnx_does_not_have(classes, message):
    with pytest.raises(ValueError, match=message):
        labels(classes)


def test_refusals_name_step_and_remedy():
    pipeline = make_pipeline(PolynomialFeatures(), MLPClassifier((2,), max_iter=2))
    pipeline.fit(FLOWERS, SPECIES)
    with pytest.raises(TypeError, match=r"step 'polynomialfeatures' .*skl2onnx\.to_onnx"):
        to_onnx(pipeline)
    with pytest.raises(TypeError, match=r"model must be a fastnn\.Network"):
        to_onnx("net")
    with pytest.raises(ValueError, match="not fitted"):
        MLPEnsembleRegressor().to_onnx()
    one_class = fitted(MLPClassifier((2,)), FLOWERS, SPECIES * 0 + 7)
    with pytest.raises(ValueError, match=r"knows the class 7 alone.*two classes or more"):
        one_class.to_onnx()
