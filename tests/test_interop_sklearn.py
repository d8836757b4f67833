"""Networks from estimators of scikit-learn, and of fastnn.sklearn."""

import pickle

import numpy as np
import pandas
import pytest
from common import every_dtype
from interop_networks import assert_near, described
from sklearn import neural_network
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastnn.sklearn
from fastnn import Network

pytestmark = pytest.mark.filterwarnings("ignore:.*Maximum iterations:Warning")
SETTINGS = {"max_iter": 3, "random_state": 0}
both_libraries = pytest.mark.parametrize("library", [neural_network, fastnn.sklearn])


def quantities(dtype="float64"):
    X = np.random.default_rng(0).normal(size=(60, 4)).astype(dtype)
    return X, X[:, 0] - X[:, 1]


def classes(n, dtype="float64"):
    X, y = make_classification(n_classes=n, n_informative=4, n_redundant=0, random_state=0)
    return X.astype(dtype), np.array(["ant", "bee", "cat"])[y]


@every_dtype
@both_libraries
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (3,), (3, 4, 2)])
def test_regressors(hidden, activation, library, dtype):
    X, y = quantities(dtype)
    y = np.column_stack([y, y**2])
    model = library.MLPRegressor(
        hidden_layer_sizes=hidden, activation=activation, **SETTINGS
    ).fit(X, y)  # fmt: skip
    net = Network.from_sklearn(model)
    name = "sigmoid" if activation == "logistic" else activation
    assert net.activations == (*[name] * len(hidden), "identity")
    assert (net.loss, net.dtype, net.feature_names) == ("mse", dtype, None)
    assert_near(net.feedforward(X), model.predict(X), dtype)
    assert net.evaluate(X, y) == pytest.approx(np.mean((model.predict(X) - y) ** 2))


@every_dtype
@both_libraries
def test_two_classes(library, dtype):
    X, y = classes(2, dtype)
    model = library.MLPClassifier(hidden_layer_sizes=(5,), **SETTINGS).fit(X, y)
    net = Network.from_sklearn(model)
    assert (net.activations, net.loss) == (("relu", "sigmoid"), "bce")
    assert_near(net.feedforward(X)[:, 0], model.predict_proba(X)[:, 1], dtype)


@every_dtype
@both_libraries
def test_more_classes(library, dtype):
    X, y = classes(3, dtype)
    model = library.MLPClassifier(hidden_layer_sizes=(5,), **SETTINGS).fit(X, y)
    net = Network.from_sklearn(model)
    assert (net.activations, net.loss) == (("relu", "softmax"), "cross_entropy")
    assert_near(net.feedforward(X), model.predict_proba(X), dtype)
    found = model.classes_[net.feedforward(X).argmax(axis=1)]
    assert (found == model.predict(X)).all()


@both_libraries
def test_labels(library):
    X, Y = make_multilabel_classification(n_labels=2, n_classes=3, random_state=0)
    model = library.MLPClassifier(hidden_layer_sizes=(5,), **SETTINGS).fit(X, Y)
    net = Network.from_sklearn(model)
    assert (net.activations[-1], net.loss) == ("sigmoid", "bce")
    assert_near(net.feedforward(X), model.predict_proba(X), "float64")


def poisson_regressors():
    X, y = quantities()
    for library in (neural_network, fastnn.sklearn):
        model = library.MLPRegressor(hidden_layer_sizes=(5,), loss="poisson", **SETTINGS)
        yield model.fit(X, np.exp(y).round())


@pytest.mark.skipif(
    "loss" not in neural_network.MLPRegressor().get_params(), reason="scikit-learn 1.6 has none"
)
def test_poisson_regressors_are_networks_that_predict_train_and_are_saved(tmp_path):
    X, y = quantities()
    for model in poisson_regressors():
        net = Network.from_sklearn(model, seed=0)
        assert (net.activations[-1], net.loss) == ("exp", "poisson")
        assert_near(net.feedforward(X)[:, 0], model.predict(X), "float64")
        net.save(tmp_path / "net")
        assert described(Network.load(tmp_path / "net")) == described(net)
        losses = net.train(X, np.exp(y).round(), epochs=20, learning_rate=0.01).history["loss"]
        assert losses[-1] < losses[0] - 0.01


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_further_losses_and_activations_of_fastnn(loss):
    X, y = quantities()
    model = fastnn.sklearn.MLPRegressor(
        hidden_layer_sizes=(5, 4), activation=["gelu", "silu"], loss=loss, **SETTINGS
    )
    net = model.fit(X, y).to_network()
    assert (net.activations, net.loss) == (("gelu", "silu", "identity"), loss)
    assert (net.feedforward(X)[:, 0] == model.predict(X)).all()
    X, y = classes(3)
    model = fastnn.sklearn.MLPClassifier((5,), loss=loss, **SETTINGS).fit(X, y)
    net = model.to_network()
    assert (net.activations[-1], net.loss) == ("softmax", loss)
    assert (net.feedforward(X) == model.predict_proba(X)).all()


@both_libraries
def test_names_of_features_stay(library):
    X, y = quantities()
    table = pandas.DataFrame(X, columns=list("abcd"))
    model = library.MLPRegressor(hidden_layer_sizes=(5,), **SETTINGS).fit(table, y)
    net = Network.from_sklearn(model)
    assert net.feature_names == ("a", "b", "c", "d")
    assert {type(name) for name in net.feature_names} == {str}
    assert_near(net.feedforward(table)[:, 0], model.predict(table), "float64")
    with pytest.raises(ValueError, match="columns"):
        net.feedforward(table[["b", "a", "c", "d"]])


@both_libraries
def test_nothing_is_shared_or_changed(library):
    X, y = quantities()
    model = library.MLPRegressor(hidden_layer_sizes=(5,), **SETTINGS).fit(X, y)
    before = pickle.dumps([model.coefs_, model.intercepts_])
    net = Network.from_sklearn(model, seed=0)
    net.train(X, y, epochs=1, learning_rate=0.1)
    assert pickle.dumps([model.coefs_, model.intercepts_]) == before
    weights = net.weights[0].copy()
    model.coefs_[0][:] = 0
    assert (net.weights[0] == weights).all()
    assert (Network.from_sklearn(model).weights[0] == 0).all()


def test_to_network_is_from_sklearn():
    X, y = quantities()
    model = fastnn.sklearn.MLPRegressor(hidden_layer_sizes=(5,), **SETTINGS).fit(X, y)
    nets = [model.to_network(seed=3), Network.from_sklearn(model, seed=3)]
    assert type(nets[0]) is Network
    assert described(nets[0]) == described(nets[1])
    losses = [net.train(X, y, epochs=2, learning_rate=0.01).history["loss"] for net in nets]
    assert losses[0] == losses[1]


def test_a_class_of_ones_own():
    class Own(Network):
        pass

    X, y = quantities()
    model = neural_network.MLPRegressor(hidden_layer_sizes=(5,), **SETTINGS).fit(X, y)
    assert type(Own.from_sklearn(model)) is Own


# What is refused


@both_libraries
def test_what_is_not_fitted(library):
    with pytest.raises(NotFittedError, match="MLPClassifier instance is not fitted yet"):
        Network.from_sklearn(library.MLPClassifier())


def fitted_pipeline():
    X, y = quantities()
    return make_pipeline(
        StandardScaler(), neural_network.MLPRegressor(hidden_layer_sizes=(2,), **SETTINGS)
    ).fit(X, y)


def fitted_search():
    model = neural_network.MLPRegressor(hidden_layer_sizes=(2,), **SETTINGS)
    return GridSearchCV(model, {"alpha": [0.1]}, cv=2).fit(*quantities())


def fitted_ensemble():
    return fastnn.sklearn.MLPEnsembleRegressor(
        hidden_layer_sizes=(2,), n_estimators=2, **SETTINGS
    ).fit(*quantities())


def fitted_targets():
    model = neural_network.MLPRegressor(hidden_layer_sizes=(2,), **SETTINGS)
    return TransformedTargetRegressor(model, transformer=StandardScaler()).fit(*quantities())


@pytest.mark.parametrize(
    ("model", "remedy", "inner"),
    [
        (
            fitted_pipeline,
            r"got .*; give its last step, model\[-1\], .* model\[:-1\]",
            lambda m: m[-1],
        ),
        (fitted_search, "got .*; give its best_estimator_$", lambda m: m.best_estimator_),
        (fitted_ensemble, r"got .*; give its estimators_\[0\]", lambda m: m.estimators_[0]),
        (fitted_targets, "got .*; give its regressor_$", lambda m: m.regressor_),
        (lambda: Network([4, 1]), r"got .*; a network has copy\(\)$", None),
        (lambda: neural_network.MLPRegressor, r"got .*; write MLPRegressor\(\.\.\.\)", None),
        (lambda: fastnn.sklearn.MLPRegressor, r"got .*; write MLPRegressor\(\.\.\.\)", None),
        (LogisticRegression, "got LogisticRegression", None),
        (neural_network.BernoulliRBM, "got BernoulliRBM", None),
        (lambda: None, "got NoneType None", None),
        (lambda: [1, 2], "got list", None),
    ],
)
def test_other_objects_are_refused_with_what_to_give(model, remedy, inner):
    model = model()
    expected = rf"^model must be a fitted MLPClassifier or MLPRegressor, {remedy}"
    with pytest.raises(TypeError, match=expected):
        Network.from_sklearn(model)
    if inner:
        assert Network.from_sklearn(inner(model)).layer_sizes[0] == 4


def test_the_pipelines_remedy_gives_its_predictions():
    pipeline, (X, _) = fitted_pipeline(), quantities()
    net = Network.from_sklearn(pipeline[-1])
    outputs = net.feedforward(pipeline[:-1].transform(X))[:, 0]
    assert_near(outputs, pipeline.predict(X), "float64")
