"""MLPClassifier and MLPRegressor beside scikit-learn's own: the same model from the same script."""

import copy
import inspect
import io
import pickle
import signal
import subprocess
import sys
import unittest
import warnings
from contextlib import redirect_stdout
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from sklearn import datasets, neural_network
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastnn.sklearn
from fastnn import Network
from fastnn._training.course import Course
from fastnn.callbacks import EarlyStopping, LambdaCallback, ModelCheckpoint
from fastnn.exceptions import TrainingDivergedError

CLASSES = ["MLPClassifier", "MLPRegressor"]
every_class = pytest.mark.parametrize("name", CLASSES)
every_solver = pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
pytestmark = [
    pytest.mark.unwatched,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

DATASETS = {
    "iris": datasets.load_iris,
    "breast cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}
SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.002, "tol": 0.01,
        "n_iter_no_change": 2,
    },
    "adam, two layers": {
        "activation": "tanh", "hidden_layer_sizes": (20, 10), "batch_size": 32, "alpha": 0.1,
        "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-6,
    },
    "adam, early stopping": {
        "activation": "logistic", "early_stopping": True, "n_iter_no_change": 3, "batch_size": 50,
    },
    "sgd, in order": {
        "solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5, "shuffle": False,
        "activation": "identity", "batch_size": 17, "tol": 0,
    },
    "sgd, one by one": {
        "solver": "sgd", "momentum": 0, "batch_size": 1, "learning_rate_init": 1e-4, "alpha": 0.01,
    },
}  # fmt: skip
# Where rounding grows: of a unit near its limit, 1 - a² or a (1 - a) is made of a's last bits; and
# without scaling, steps that are too large throw parameters about.
GROWS = {
    ("breast cancer", "adam, two layers"),
    ("breast cancer", "adam, early stopping"),
    ("breast cancer", "sgd, one by one"),
    ("wine", "sgd, one by one"),
}


def load(name, scaled=False):
    X, y = DATASETS[name](return_X_y=True)
    if scaled:
        X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)
    return X, y


def blobs(n=90, n_classes=3, n_features=5, seed=0):
    return datasets.make_blobs(n, n_features, centers=n_classes, cluster_std=4, random_state=seed)


def data_for(name, n=90):
    X, y = blobs(n)
    return X, y if name == "MLPClassifier" else y + X[:, 0] / 3


def pair(name, **settings):
    """An estimator of scikit-learn, and ours."""
    settings = {"random_state": 3, "max_iter": 30, **settings}
    return getattr(neural_network, name)(**settings), getattr(fastnn.sklearn, name)(**settings)


def fitted(name, X, y, *, fit=None, **settings):
    both = pair(name, **settings)
    for one in both:
        one.fit(X, y, **(fit or {}))
    return both


def outputs(estimator, X):
    return getattr(estimator, "predict_proba", estimator.predict)(X)


def assert_same(theirs, ours, X, rtol=1e-8):
    """In whatever is public."""
    public = [name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")]
    assert {name for name in vars(ours) if name.endswith("_") and name[0] != "_"} == set(public)
    for name in public:
        expected, found = getattr(theirs, name), getattr(ours, name)
        if name in ("coefs_", "intercepts_"):
            for one, other in zip(expected, found, strict=True):
                assert other.dtype == one.dtype
                np.testing.assert_allclose(other, one, rtol=rtol, atol=rtol)
        elif isinstance(expected, float | list):
            np.testing.assert_allclose(found, expected, rtol=rtol)
        elif isinstance(expected, np.ndarray):
            np.testing.assert_array_equal(found, expected)
        else:
            assert found == expected, name
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=rtol)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", DATASETS)
def test_the_same_fit(name, settings, scaled):
    """To 1e-8 over 40 epochs, of 600 digits; one by one over 10, where scikit-learn takes long."""
    X, y = (part[:600] for part in load(name, scaled))
    if not scaled and (name, settings) in GROWS:
        X = X / X.max(axis=0)
    kind = "MLPRegressor" if name == "diabetes" else "MLPClassifier"
    max_iter = 10 if (name, settings) == ("digits", "sgd, one by one") else 40
    assert_same(*fitted(kind, X, y, max_iter=max_iter, **SETTINGS[settings]), X)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", DATASETS)
def test_lbfgs(name, scaled):
    X, y = load(name, scaled)
    kind = "MLPRegressor" if name == "diabetes" else "MLPClassifier"
    theirs, ours = fitted(kind, X, y, solver="lbfgs", max_iter=40)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-4)


@every_class
def test_the_signature(name):
    """Of scikit-learn, and further parameters at its end."""
    theirs, ours = (
        list(inspect.signature(getattr(module, name)).parameters.values())
        for module in (neural_network, fastnn.sklearn)
    )
    for one, other in zip(theirs, ours, strict=False):
        assert (other.name, other.default, other.kind) == (one.name, one.default, one.kind)
    assert len(ours) > len(theirs)


@parametrize_with_checks(
    [
        getattr(fastnn.sklearn, name)(**{"max_iter": 100, **settings})
        for name in CLASSES
        for settings in (
            {}, {"solver": "sgd"}, {"solver": "lbfgs", "max_iter": 40},
            {"solver": "sgd", "momentum": 0, "activation": "tanh", "learning_rate_init": 0.1},
        )
    ]
)  # fmt: skip
def test_scikit_learns_own_checks(estimator, check):
    try:
        check(estimator)
    except unittest.SkipTest as skipped:  # pytest would skip the test, too
        if str(skipped) != "MLPClassifier does not have a decision_function method.":
            raise
        assert not hasattr(neural_network.MLPClassifier, "decision_function")


@every_class
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_partial_fit(name, solver, learning_rate):
    X, y = data_for(name)
    settings = {"solver": solver, "learning_rate": learning_rate, "learning_rate_init": 0.002}
    theirs, ours = pair(name, **settings, batch_size=20, tol=0.05, n_iter_no_change=1)
    for i in range(12):
        part = slice(i % 3 * 30, i % 3 * 30 + 30)
        for one in (theirs, ours):
            if name == "MLPClassifier" and i == 0:
                one.partial_fit(X[part], y[part], classes=np.unique(y))
            else:
                one.partial_fit(X[part], y[part])
        if i == 5:
            ours = pickle.loads(pickle.dumps(ours))
        assert_same(theirs, ours, X)


@every_class
@every_solver
def test_warm_start(name, solver):
    X, y = data_for(name)
    both = pair(name, solver=solver, warm_start=True, max_iter=7, learning_rate="invscaling")
    for _ in range(3):
        for one in both:
            one.fit(X, y)
        assert_same(*both, X, 1e-8 if solver != "lbfgs" else 1e-4)
    theirs, ours = (clone(one).set_params(warm_start=False).fit(X, y) for one in both)
    assert_same(theirs, ours, X, 1e-8 if solver != "lbfgs" else 1e-4)


@every_solver
def test_several_labels(solver):
    X, y = datasets.make_multilabel_classification(80, 6, random_state=0)
    assert_same(*fitted("MLPClassifier", X, y, solver=solver, max_iter=15), X, 1e-7)


@every_solver
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_several_outputs(solver, loss):
    X, y = datasets.make_regression(80, 4, n_targets=3, random_state=0)
    y = np.abs(y / 50).round() if loss == "poisson" else y / 50
    both = fitted("MLPRegressor", X, y, solver=solver, loss=loss, max_iter=15)
    assert_same(*both, X, 1e-6)


@every_class
@every_solver
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_sparse_input(name, solver, kind):
    X, y = data_for(name)
    X[np.random.default_rng(0).random(X.shape) < 0.7] = 0
    assert_same(*fitted(name, kind(X), y, solver=solver, max_iter=15), kind(X), 1e-6)


@every_class
@every_solver
@pytest.mark.parametrize("batch_size", [1, 20, "auto"])
@pytest.mark.parametrize("momentum", [0, 0.9, 1])
def test_sample_weights(name, solver, batch_size, momentum):
    X, y = data_for(name)
    w = np.random.default_rng(0).integers(1, 4, len(y)) / 2
    settings = {"solver": solver, "batch_size": batch_size, "momentum": momentum, "alpha": 0.1}
    settings["learning_rate_init"] = 1e-6 if momentum == 1 else 1e-4
    both = fitted(name, X, y, fit={"sample_weight": w}, **settings, max_iter=10)
    assert_same(*both, X, 1e-6)
    unweighted = clone(both[1]).fit(X, y)
    assert abs(outputs(unweighted, X) / outputs(both[1], X) - 1).max() > 1e-6


@every_class
def test_sample_weights_in_early_stopping(name):
    X, y = data_for(name)
    w = np.random.default_rng(0).integers(1, 4, len(y))
    settings = {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 2}
    assert_same(*fitted(name, X, y, fit={"sample_weight": w}, **settings), X)


@every_class
@every_solver
def test_float32_stays_float32(name, solver):
    X, y = data_for(name)
    theirs, ours = fitted(name, X.astype("float32"), y, solver=solver)
    assert {array.dtype for array in ours.coefs_ + ours.intercepts_} == {np.dtype("float32")}
    assert outputs(ours, X.astype("float32")).dtype == np.float32
    assert outputs(ours, X).dtype == np.float64
    found, expected = outputs(ours, X.astype("float32")), outputs(theirs, X.astype("float32"))
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-2)


def printed(estimator, X, y):
    with redirect_stdout(io.StringIO()) as out:
        estimator.fit(X, y)
    return out.getvalue()


@every_class
@pytest.mark.parametrize("settings", ["adam", "adaptive", "adam, early stopping"])
def test_verbose_output(name, settings):
    X, y = data_for(name)
    both = pair(name, **SETTINGS[settings] | {"max_iter": 300, "tol": 0.01}, verbose=True)
    expected, found = (printed(one, X, y) for one in both)
    assert found == expected
    assert "Stopping" in found


def warnings_of(estimator, X, y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y)
    return [(one.category, str(one.message)) for one in caught]


@every_class
@every_solver
def test_the_same_warnings(name, solver):
    X, y = data_for(name)
    both = pair(name, solver=solver, max_iter=2, batch_size=1000)
    expected, found = (warnings_of(one, X, y) for one in both)
    assert [category for category, _ in expected] == [category for category, _ in found]
    if solver != "lbfgs":  # whose message has the gradient in it
        assert found == expected
        assert {UserWarning, ConvergenceWarning} <= set(dict(found))


def error_of(function, *arguments):
    with pytest.raises(Exception) as found:  # noqa: PT011 -- class and message are compared
        function(*arguments)
    return type(found.value), str(found.value)


MISTAKES = [
    {"hidden_layer_sizes": (3, 0)}, {"solver": "adamw"}, {"alpha": -1}, {"batch_size": 0},
    {"learning_rate": 0.1}, {"learning_rate_init": 0}, {"momentum": 1.1}, {"max_iter": 0},
    {"early_stopping": True, "validation_fraction": 0.001}, {"tol": -1}, {"beta_1": 1},
]  # fmt: skip


@every_class
@pytest.mark.parametrize("settings", MISTAKES, ids=str)
def test_the_same_errors(name, settings):
    X, y = data_for(name)
    theirs, ours = pair(name, **settings)
    assert error_of(ours.fit, X, y) == error_of(theirs.fit, X, y)


@every_class
@pytest.mark.parametrize("X", [[[np.nan] * 5], np.ones((2, 4)), np.ones(5), "text"], ids=str)
def test_the_same_errors_of_predict(name, X):
    theirs, ours = fitted(name, *data_for(name), max_iter=2)
    X = X if isinstance(X, str) else np.asarray(X, float)
    assert error_of(ours.predict, X) == error_of(theirs.predict, X)
    with pytest.raises(NotFittedError):
        getattr(fastnn.sklearn, name)().predict(X)


def test_parameters_that_are_not_finite():
    X, y = data_for("MLPRegressor")
    both = pair("MLPRegressor", solver="sgd", learning_rate_init=1e10)
    messages = []
    for one in both:
        with pytest.raises(ValueError, match="non-finite") as error, np.errstate(all="ignore"):
            one.fit(X, y)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


LATER_X = {
    "plain": lambda X: X,
    "Fortran": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "lists": lambda X: X.tolist(),
}
LATER_Y = {
    "as before": lambda y: y,
    "a column": lambda y: y[:, np.newaxis],
    "a list": lambda y: y.tolist(),
    "other numbers": lambda y: y.astype(np.float32),
    "integers": lambda y: y.astype(np.int16),
}


@pytest.mark.filterwarnings("ignore:A column-vector y")
@every_class
@pytest.mark.parametrize("later_X", LATER_X.values(), ids=LATER_X)
@pytest.mark.parametrize("later_y", LATER_Y.values(), ids=LATER_Y)
def test_later_calls_of_partial_fit_take_what_scikit_learn_takes(name, later_X, later_y):
    X, y = data_for(name)
    estimators = pair(name, hidden_layer_sizes=(5,), batch_size=10)
    for one in estimators:
        one.partial_fit(X[:30], y[:30], **all_classes(name, y))
        for _ in range(3):
            one.partial_fit(later_X(X[30:90]), later_y(y[30:90]), **all_classes(name, y))
    theirs, ours = estimators
    rtol = 1e-4 if later_X is LATER_X["float32"] else 1e-8
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=rtol)
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X), rtol=rtol)


def all_classes(name, y):
    return {"classes": np.unique(y)} if name == "MLPClassifier" else {}


@pytest.mark.parametrize("n", [2, 4])
def test_another_number_of_outputs(n):
    X, y = data_for("MLPRegressor")
    for one in pair("MLPRegressor", hidden_layer_sizes=(5,)):
        one.partial_fit(X, np.array([y, y, y]).T)
        # In scikit-learn, that is an error of NumPy's.
        with pytest.raises(ValueError, match=r"broadcast|y has . outputs, but the model has"):
            one.partial_fit(X, np.array([y] * n).T)


@every_class
def test_a_row_alone_has_the_outputs_of_the_row_among_others(name):
    X, y = data_for(name)
    ours = pair(name, max_iter=5)[1].fit(X, y)
    for k in range(10):
        assert outputs(ours, X[k : k + 1]).tobytes() == outputs(ours, X)[k : k + 1].tobytes()
        assert ours.predict(X[k : k + 1]).tolist() == ours.predict(X)[k : k + 1].tolist()


def test_with_tol_0_an_equal_validation_score_is_no_worse():
    settings = {"early_stopping": True, "tol": 0, "n_iter_no_change": 2, "max_iter": 8}
    theirs, ours = fitted("MLPClassifier", *blobs(), learning_rate_init=1e-9, **settings)
    assert len(set(ours.validation_scores_)) == 1
    assert ours.validation_scores_ == theirs.validation_scores_
    assert ours.n_iter_ == theirs.n_iter_ == 8


@every_class
@pytest.mark.parametrize("n_features", [1, 3])
@pytest.mark.parametrize(
    "lay_out", [np.asfortranarray, lambda X: np.repeat(X, 2, axis=1)[:, ::2], lambda X: X[::-1]]
)
def test_the_order_in_memory_changes_nothing_in_later_calls(name, n_features, lay_out):
    X, y = data_for(name)
    X = lay_out(X[:, :n_features])
    found = []
    for samples in (X, np.ascontiguousarray(X)):
        one = pair(name, hidden_layer_sizes=(5,))[1]
        for _ in range(2):
            one.partial_fit(samples, y, **all_classes(name, y))
        found.append(
            [one.loss_curve_, one.predict(samples).tolist(), outputs(one, samples[:1]).tolist()]
        )
    assert found[0] == found[1]


def test_with_warm_start_a_later_call_of_partial_fit_wants_all_classes():
    X, y = data_for("MLPClassifier")
    messages = []
    for one in pair("MLPClassifier", hidden_layer_sizes=(5,), warm_start=True):
        one.partial_fit(X, y, classes=np.unique(y))
        with pytest.raises(ValueError, match=r"same classes as in the previous call") as raised:
            one.partial_fit(X[y > 0], y[y > 0])
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("labels", [[False, True], ["no", "yes"], [3, 7, 5], [2.0, 1.0]])
@pytest.mark.parametrize("in_order", [True, False])
def test_labels_in_later_calls_of_partial_fit(labels, in_order):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.choice(labels, 60)
    classes = np.unique(y) if in_order else np.array(labels)
    estimators = pair("MLPClassifier", hidden_layer_sizes=(5,), batch_size=10)
    for one in estimators:
        for k in range(4):
            one.partial_fit(X[k * 15 :][:15], y[k * 15 :][:15], classes=classes)
    theirs, ours = estimators
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-8)
    assert ours.predict(X).tolist() == theirs.predict(X).tolist()


def test_other_classes_in_later_calls_of_partial_fit():
    X, y = data_for("MLPClassifier")
    for classes in (np.arange(4), np.arange(2), np.array([0, 1, 5]), [0, 1, 5]):
        messages = []
        for one in pair("MLPClassifier", hidden_layer_sizes=(5,)):
            one.partial_fit(X, y, classes=np.arange(3))
            messages.append(error_of(one.partial_fit, X, y, None, classes))
        assert messages[0] == messages[1]


@every_class
@pytest.mark.parametrize(
    "spoil",
    [
        lambda X, y: (np.where(X[3, 1] == X, np.nan, X), y),
        lambda X, y: (np.where(X[3, 1] == X, np.inf, X), y),
        lambda X, y: (X[:, :-1], y),
        lambda X, y: (X[:0], y[:0]),
        lambda X, y: (X[0], y),
        lambda X, y: (X, y[:-1]),
        lambda X, y: (X, np.where(np.arange(len(y)) == 3, 99, y)),
        lambda X, y: (X, np.where(np.arange(len(y)) == 3, -1, y)),
        lambda X, y: (X, np.where(np.arange(len(y)) == 3, np.nan, y)),
        lambda X, y: (X, np.where(np.arange(len(y)) == 3, 0.5, y)),
        lambda X, y: (X, y.astype(complex)),
        lambda X, y: (X, y.astype(object)),
        lambda X, y: (X, None),
    ],
)  # fmt: skip
def test_the_same_errors_in_later_calls_of_partial_fit(name, spoil):
    X, y = data_for(name)
    found = []
    for one in pair(name, hidden_layer_sizes=(5,)):
        one.partial_fit(X, y, **all_classes(name, y))
        try:
            one.partial_fit(*spoil(X, y))
        except Exception as error:
            found.append((type(error), str(error)))
        else:
            found.append(one.loss_)
    if isinstance(found[0], float):
        assert found[1] == pytest.approx(found[0], rel=1e-8)
    else:
        assert found[1] == found[0]


@every_class
def test_a_new_activation_of_a_fitted_model(name):
    X, y = data_for(name)
    theirs, ours = pair(name, warm_start=True, max_iter=4)
    for one in (theirs, ours):
        one.fit(X, y).set_params(activation="tanh")
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X), rtol=1e-8)
    for one in (theirs, ours):
        one.fit(X, y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-8)
    np.testing.assert_allclose(outputs(ours, X[:1]), outputs(theirs, X[:1]), rtol=1e-8)


@every_class
@every_solver
def test_copies_and_pickles(name, solver):
    X, y = data_for(name)
    fitted_one = pair(name, solver=solver)[1].fit(X, y)
    expected = outputs(fitted_one, X).tobytes()
    for other in (copy.deepcopy(fitted_one), pickle.loads(pickle.dumps(fitted_one))):
        assert outputs(other, X).tobytes() == expected
        other.coefs_[0][:] = 0
        assert outputs(other, X).tobytes() != expected
    assert outputs(fitted_one, X).tobytes() == expected
    assert not hasattr(clone(fitted_one), "coefs_")
    parameters = sum(array.nbytes for array in fitted_one.coefs_ + fitted_one.intercepts_)
    states = {"sgd": 1, "adam": 2, "lbfgs": 0}[solver]
    assert len(pickle.dumps(fitted_one)) < (4 + states) * parameters + 6000


@every_class
def test_parameters_may_be_changed(name):
    X, y = data_for(name)
    theirs, ours = fitted(name, X, y)
    for one in (theirs, ours):
        one.coefs_[0][0] *= 2
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X))
    for one in (theirs, ours):
        one.intercepts_ = [b + 1 for b in one.intercepts_]
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X))
    for one in (theirs, ours):
        one.partial_fit(X, y)
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X))


@pytest.mark.usefixtures("_alarm")
@every_class
def test_ctrl_c(name):
    """Training ends with a warning, and what was learned so far stays."""
    X, y = data_for(name, 3000)
    estimator = pair(name, max_iter=10**6, tol=0, n_iter_no_change=10**6)[1]
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        estimator.fit(X, y)
    assert estimator.n_iter_ == len(estimator.loss_curve_) > 0
    assert estimator.loss_curve_[-1] < estimator.loss_curve_[0]


@every_class
def test_ctrl_c_keeps_the_epochs_that_are_done(name, monkeypatch):
    X, y = data_for(name)
    run_chunk, ends = Course._run_chunk, []

    def interrupted(course, n_samples, n_threads):
        if len(ends) == 2:
            raise KeyboardInterrupt
        found = run_chunk(course, n_samples // 3, n_threads)  # so that the lap has not ended
        ends.append(course.epoch.item())
        return found

    monkeypatch.setattr(Course, "_run_chunk", interrupted)
    estimator = pair(name, max_iter=10**4, tol=0, n_iter_no_change=10**4)[1]
    with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        estimator.fit(X, y)
    assert estimator.n_iter_ == ends[1] > ends[0] > 0
    monkeypatch.undo()
    whole = clone(estimator).set_params(max_iter=ends[1]).fit(X, y)
    assert estimator.loss_curve_ == whole.loss_curve_
    assert estimator.t_ == whole.t_


# Beyond scikit-learn


@every_class
def test_an_activation_per_layer(name):
    X, y = data_for(name)
    settings = {"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 5}
    kind = getattr(fastnn.sklearn, name)
    same = kind(activation=["tanh", "tanh"], **settings).fit(X, y)
    assert same.loss_curve_ == kind(activation="tanh", **settings).fit(X, y).loss_curve_
    mixed = kind(activation=["gelu", "softplus"], **settings).fit(X, y)
    net = Network.from_parameters(
        mixed.coefs_, mixed.intercepts_,
        activation=["gelu", "softplus", "softmax" if name == "MLPClassifier" else "identity"],
    )  # fmt: skip
    assert outputs(mixed, X).tobytes() == np.squeeze(net.feedforward(X)).tobytes()


@every_class
def test_initial_weights_are_those_of_the_layers_activation(name):
    X, y = data_for(name)

    def start(activation):
        settings = {"solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1}
        estimator = pair(name, activation=activation, hidden_layer_sizes=(6, 5), **settings)[1]
        return estimator.fit(X, y).coefs_

    logistic, tanh = start("logistic"), start("tanh")
    for same in (["logistic", "logistic"], "sigmoid", ["sigmoid", "logistic"]):
        for W, expected in zip(start(same), logistic, strict=True):
            assert W.tobytes() == expected.tobytes()
    mixed = start(["tanh", "logistic"])
    for W, expected in zip(mixed, (tanh[0], logistic[1], logistic[2]), strict=True):
        assert W.tobytes() == expected.tobytes()


@every_class
@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (["tanh"], r"one for each of 2 hidden layers, got \['tanh'\]"),
        (["tanh", "bogus"], "got .*bogus"),
        (["tanh", "softmax"], "got .*softmax"),
        (["step", "tanh"], "got .*step"),
        ([["tanh"], 3], r"got \[\['tanh'\], 3\]"),
    ],
)
def test_bad_activations_lose_nothing(name, activation, message):
    X, y = data_for(name)
    estimator = pair(name, hidden_layer_sizes=(6, 5), max_iter=2)[1].fit(X, y)
    before = outputs(estimator, X)
    with pytest.raises(ValueError, match=message):
        estimator.set_params(activation=activation).fit(X, y)
    estimator.set_params(activation="relu")
    assert outputs(estimator, X).tobytes() == before.tobytes()


@pytest.mark.parametrize("stops", [False, True])
def test_another_networks_divergence_is_its_own(stops):
    X, y = data_for("MLPRegressor")
    own = []

    def diverge(net, epoch, logs):
        if epoch == 2:
            other = Network([1, 1], activation="identity", seed=0)
            try:
                other.train([[1e99]], [1.0], epochs=9, learning_rate=1e99)
            except TrainingDivergedError as error:
                own.append(error)
                raise

    estimator = pair("MLPRegressor", max_iter=9, early_stopping=stops)[1]
    estimator.set_params(callbacks=diverge)
    with pytest.raises(TrainingDivergedError) as raised:
        estimator.fit(X, y)
    assert [raised.value] == own
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 3


@pytest.mark.parametrize("fitted", [False, True])
def test_an_error_before_the_first_step_changes_nothing(fitted):
    X, y = data_for("MLPRegressor")

    def fail(net):
        raise ZeroDivisionError

    for settings, error in (
        ({"callbacks": LambdaCallback(on_train_begin=fail)}, ZeroDivisionError),
        ({"early_stopping": True, "validation_fraction": 1e-9}, ValueError),
    ):
        estimator = pair("MLPRegressor", max_iter=2)[1]
        if fitted:
            estimator.fit(X, y)
        estimator.set_params(**settings)
        before = vars(estimator).copy()
        with pytest.raises(error):
            estimator.fit(X[:, :2], y)
        assert vars(estimator) == before
        if fitted:
            assert estimator.predict(X).shape == (len(X),)


def test_a_refused_first_partial_fit_changes_nothing():
    X, y = data_for("MLPRegressor")
    estimator = pair("MLPRegressor", early_stopping=True)[1]
    before = vars(estimator).copy()
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        estimator.partial_fit(X, y)
    assert vars(estimator) == before


def test_lbfgs_keeps_what_ctrl_c_leaves(monkeypatch):
    """As scikit-learn's class does: the point that it looked at last."""
    X, y = data_for("MLPRegressor")
    both = pair("MLPRegressor", solver="lbfgs", max_iter=50)
    for estimator in both:
        calls, function = [], type(estimator)._loss_grad_lbfgs

        def interrupted(self, *arguments, calls=calls, function=function):
            calls.append(self)
            if len(calls) == 9:
                raise KeyboardInterrupt
            return function(self, *arguments)

        with monkeypatch.context() as patched:
            patched.setattr(type(estimator), "_loss_grad_lbfgs", interrupted)
            with pytest.raises(KeyboardInterrupt):
                estimator.fit(X, y)
    theirs, ours = both
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X), rtol=1e-6)
    assert ours.coefs_[0].flags.c_contiguous


def test_parameters_are_compared_until_nobody_holds_them():
    X, y = data_for("MLPRegressor")
    estimator = pair("MLPRegressor")[1].partial_fit(X, y)
    assert len(estimator.coefs_) > 1
    for _ in range(2):
        estimator.partial_fit(X, y)
    assert not estimator._backing.is_shown


def test_a_text_that_cannot_be_printed_loses_nothing(monkeypatch):
    def closed(*_):
        raise BrokenPipeError

    X, y = data_for("MLPRegressor")
    estimator = pair("MLPRegressor", max_iter=9, verbose=True)[1]
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=closed, flush=closed))
    with pytest.raises(BrokenPipeError):
        estimator.fit(X, y)
    monkeypatch.undo()
    assert estimator.n_iter_ == len(estimator.loss_curve_) == 1
    one = pair("MLPRegressor", max_iter=1)[1].fit(X, y)
    assert outputs(estimator, X).tobytes() == outputs(one, X).tobytes()
    assert estimator.t_ == one.t_
    assert estimator._optimizer.t == one._optimizer.t


@every_class
def test_bad_callbacks_lose_nothing(name):
    X, y = data_for(name)
    estimator = pair(name, max_iter=2)[1].fit(X, y)
    before = outputs(estimator, X)
    with pytest.raises(TypeError, match=r"callbacks\[0\] must be a function"):
        estimator.set_params(callbacks=["print"]).fit(X, y)
    needed = "monitor .* 'val_loss', which needs early_stopping=True and validation_loss=True"
    with pytest.raises(ValueError, match=needed):
        estimator.set_params(callbacks=EarlyStopping()).fit(X, y)
    with pytest.raises(ValueError, match="which needs early_stopping=True"):
        estimator.set_params(callbacks=EarlyStopping(monitor="validation_score")).fit(X, y)
    hint = r"early_stopping=True there is 'validation_score', the accuracy or R² of the samples"
    with pytest.raises(ValueError, match=hint):
        estimator.set_params(callbacks=EarlyStopping(monitor="val_accuracy")).fit(X, y)
    with pytest.raises(ValueError, match="solver='lbfgs' does not have"):
        estimator.set_params(callbacks=print, solver="lbfgs").fit(X, y)
    assert outputs(estimator, X).tobytes() == before.tobytes()


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_losses_of_the_core(loss):
    X, y = data_for("MLPRegressor")
    settings = {"loss": loss, "alpha": 0, "shuffle": False, "solver": "sgd", "momentum": 0}
    ours = fastnn.sklearn.MLPRegressor(
        **settings, random_state=0, max_iter=9, hidden_layer_sizes=4, batch_size=10, tol=0
    )
    start = clone(ours).set_params(max_iter=1, learning_rate_init=1e-300).fit(X, y)
    ours.fit(X, y)
    net = Network.from_parameters(
        start.coefs_, start.intercepts_, activation=["relu", "identity"], loss=loss
    )
    history = net.train(X, y, epochs=9, learning_rate=0.001, batch_size=10, shuffle=False)
    assert ours.loss_curve_ == history.history["loss"]


def test_class_weights():
    X, y = data_for("MLPClassifier")
    w = np.random.default_rng(0).uniform(1, 2, len(y))
    for given in ({0: 1, 1: 2, 2: 5}, "balanced"):
        expected = compute_sample_weight(given, y[20:])
        weighted = pair("MLPClassifier")[1].set_params(class_weight=given)
        for weights in (None, w[20:]):
            plain = pair("MLPClassifier")[1].fit(
                X[20:], y[20:], expected * (1 if weights is None else weights)
            )
            found = clone(weighted).fit(X[20:], y[20:], weights)
            assert found.loss_curve_ == plain.loss_curve_


def test_class_weights_in_partial_fit():
    X, y = data_for("MLPClassifier")
    given = {0: 3, 2: 5}
    weighted = pair("MLPClassifier")[1].set_params(class_weight=given)
    plain = pair("MLPClassifier")[1]
    w = np.random.default_rng(0).uniform(1, 2, len(y))
    of_classes = np.array([3.0, 1, 5])[y]
    for rows in (slice(40), np.flatnonzero(y == 1)[:9], np.flatnonzero(y < 2)[9:30]):
        weighted.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        plain.partial_fit(X[rows], y[rows], of_classes[rows], classes=[0, 1, 2])
        weighted.partial_fit(X[rows], y[rows], w[rows])
        plain.partial_fit(X[rows], y[rows], w[rows] * of_classes[rows])
    assert weighted.loss_curve_ == plain.loss_curve_
    with pytest.raises(ValueError, match='class_weight="balanced" is not supported'):
        weighted.set_params(class_weight="balanced").partial_fit(X, y)


@pytest.mark.parametrize("weight", [-1, -1e-300, np.nan])
def test_class_weights_must_not_be_negative(weight):
    X, y = data_for("MLPClassifier")
    estimator = pair("MLPClassifier", max_iter=2)[1].fit(X, y)
    before = outputs(estimator, X)
    estimator.set_params(class_weight={0: 1, 2: weight})
    for fit in (estimator.fit, estimator.partial_fit):
        with pytest.raises(ValueError, match=r"class_weight must not be negative.* class 2"):
            fit(X, y)
    assert outputs(estimator, X).tobytes() == before.tobytes()


@every_class
def test_callbacks(name):
    X, y = data_for(name)
    seen = []
    estimator = pair(name)[1]
    plain = clone(estimator).fit(X, y)
    estimator.set_params(callbacks=LambdaCallback(lambda net, epoch, logs: seen.append(logs)))
    estimator.fit(X, y)
    assert [logs["loss"] for logs in seen] == estimator.loss_curve_ == plain.loss_curve_
    estimator.set_params(callbacks=lambda net, epoch, logs: epoch == 6).fit(X, y)
    assert estimator.n_iter_ == 7
    assert estimator.loss_curve_ == plain.loss_curve_[:7]


@every_class
def test_callbacks_see_the_validation(name):
    X, y = data_for(name)
    seen = []
    settings = {"early_stopping": True, "validation_loss": True, "random_state": 0, "max_iter": 40}
    estimator = getattr(fastnn.sklearn, name)(
        **settings, callbacks=[lambda net, epoch, logs: seen.append(logs)]
    ).fit(X, y)
    for key, attribute in (
        ("validation_score", "validation_scores_"), ("val_loss", "validation_loss_curve_"),
        ("loss", "loss_curve_"),
    ):  # fmt: skip
        assert [logs[key] for logs in seen] == getattr(estimator, attribute)
    best = EarlyStopping(monitor="val_loss", patience=1)
    stopped = clone(estimator).set_params(callbacks=best, learning_rate_init=0.5).fit(X, y)
    assert stopped.n_iter_ < 40
    best = EarlyStopping(monitor="validation_score", patience=3)  # of which more is better
    stopped = clone(estimator).set_params(callbacks=best).fit(X, y)
    scores = stopped.validation_scores_
    assert stopped.n_iter_ == 40 or np.argmax(scores) == stopped.n_iter_ - 4
    assert np.argmax(scores) > 0


@every_class
def test_a_refused_call_changes_nothing(name):
    """Where it is refused after scikit-learn's checks, too."""
    X, y = data_for(name)
    estimator = pair(name, max_iter=2)[1].fit(X, y)
    before = pickle.dumps(estimator)
    with pytest.raises(ValueError, match=r"outputs, but the model has|classes not in"):
        estimator.partial_fit(X, np.stack([y, y, y, y], axis=1) > 0)
    assert vars(pickle.loads(before)).keys() == vars(estimator).keys() - {"_backing"}
    assert estimator.n_outputs_ == pickle.loads(before).n_outputs_


@every_class
def test_validation_loss(name):
    X, y = data_for(name)
    settings = {"early_stopping": True, "validation_loss": True}
    estimator = getattr(fastnn.sklearn, name)(**settings, random_state=0, max_iter=20).fit(X, y)
    assert len(estimator.validation_loss_curve_) == estimator.n_iter_
    assert estimator.validation_loss_curve_[-1] < estimator.validation_loss_curve_[0]


def test_import_fastnn_imports_no_extra(tmp_path):
    code = "import fastnn, sys; print(sys.modules.keys() & {'sklearn', 'scipy', 'river', 'pandas'})"
    command = [sys.executable, "-P", "-c", code]
    found = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert found.stdout == "set()\n"


@pytest.mark.parametrize(
    ("name", "targets", "settings"),
    [
        ("MLPClassifier", 3, {}),
        ("MLPClassifier", 2, {}),
        ("MLPClassifier", "several", {}),
        ("MLPRegressor", "numbers", {}),
        ("MLPRegressor", "numbers", {"loss": "poisson"}),
    ],
    ids=str,
)
def test_a_checkpoint_of_a_fit_loads(name, targets, settings, tmp_path):
    """Its losses and activations may be scikit-learn's, which Network itself does not offer."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    if targets == "several":
        y = rng.integers(2, size=(60, 3))
    else:
        y = rng.uniform(1, 2, 60) if targets == "numbers" else rng.integers(targets, size=60)
    path = tmp_path / "net"
    kind = getattr(fastnn.sklearn, name)
    estimator = kind(
        hidden_layer_sizes=(5,), **settings, max_iter=3, callbacks=ModelCheckpoint(path)
    ).fit(X, y)
    net = Network.load(path)
    assert net.feedforward(X).tobytes() == estimator._forward_pass_fast(X).tobytes()
    again = Network.from_parameters(
        net.weights, net.biases, activation=net.activations, loss=net.loss
    )
    assert again.feedforward(X).tobytes() == net.feedforward(X).tobytes()
    assert (again.loss, again.activations) == (net.loss, net.activations)
