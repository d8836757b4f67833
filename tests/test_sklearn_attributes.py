"""Attributes of fitted estimators beside scikit-learn's: their types, and that assigning counts."""

import copy
import pickle
import warnings
import weakref

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import LabelBinarizer, StandardScaler

import fastnn.sklearn
from fastnn._core import kernels
from fastnn._core.layout import Layout
from fastnn._training.orders import Reshuffled
from fastnn.sklearn import MLPClassifier, MLPRegressor, _parameters

pytestmark = [
    pytest.mark.unwatched,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]
MODULES = [neural_network, fastnn.sklearn]
CLASSES = ["MLPClassifier", "MLPRegressor"]
# What an estimator must have to be trained on, when nothing else of it is known.
OF_A_REGRESSOR = [
    "coefs_", "intercepts_", "n_layers_", "out_activation_", "t_", "loss_curve_", "best_loss_",
    "_no_improvement_count",
]  # fmt: skip


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X, y / 400


def regressors(**settings):
    """scikit-learn's and ours, fitted alike."""
    X, y = diabetes()
    settings = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0, **settings}
    return [module.MLPRegressor(**settings).fit(X, y) for module in MODULES]


def type_of(value):
    if isinstance(value, np.ndarray):
        return np.ndarray, value.dtype
    if isinstance(value, list):
        return list, {type_of(one) for one in value}
    return type(value)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"solver": "sgd"}, {"solver": "lbfgs"}, {"early_stopping": True}],
    ids=["adam", "sgd", "lbfgs", "early stopping"],
)
def test_types_of_attributes(name, dtype, settings):
    """Of lbfgs in float32, scikit-learn makes parameters of float64; here they stay float32."""
    X, y = load_iris(return_X_y=True)
    both = [
        getattr(module, name)(max_iter=5, random_state=0, **settings).fit(X.astype(dtype), y)
        for module in MODULES
    ]
    theirs, ours = ({key: type_of(one) for key, one in vars(each).items()} for each in both)
    left_out = {"_best_coefs", "_best_intercepts"}  # copies, which are not read any more
    if settings.get("solver") == "lbfgs":
        left_out |= {"coefs_", "intercepts_"}
    expected = {key: kind for key, kind in theirs.items() if key not in left_out}
    assert {key: ours.get(key) for key in expected} == expected
    assert both[1].loss_.round(3) == np.round(both[0].loss_, 3)
    for array in both[1].coefs_ + both[1].intercepts_:
        assert array.flags.c_contiguous
        assert array.flags.owndata


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("alpha", [1e-4, np.float64(1e-4)], ids=["float", "np.float64"])
@pytest.mark.parametrize("weights", [None, "float32", "float64"])
@pytest.mark.parametrize("targets", ["classes", "two classes", "labels", "float32", "float64"])
def test_types_of_losses_in_float32(targets, weights, alpha, solver):
    """Which hang on all that losses are made of, and on the version of SciPy."""
    X, classes = load_iris(return_X_y=True)
    y = {
        "classes": classes, "two classes": classes > 0, "labels": np.eye(3, dtype=int)[classes],
        "float32": classes.astype("float32"), "float64": classes.astype("float64"),
    }[targets]  # fmt: skip
    name = "MLPRegressor" if targets in ("float32", "float64") else "MLPClassifier"
    given = {"sample_weight": np.ones(150, weights)} if weights else {}
    settings = {"solver": solver, "alpha": alpha, "max_iter": 3, "random_state": 0}
    theirs, ours = (
        getattr(module, name)(**settings).fit(X.astype("float32"), y, **given) for module in MODULES
    )
    for attribute in ("loss_", *(("loss_curve_", "best_loss_") if solver == "adam" else ())):
        found, expected = (getattr(one, attribute) for one in (ours, theirs))
        assert type_of(found) == type_of(expected), attribute
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_epochs_in_several_calls_are_compared_as_in_one():
    """In float32, where losses may be better than the best by less than attributes show."""
    X, y = (array.astype("float32") for array in diabetes())
    settings = {
        "solver": "sgd", "learning_rate_init": 1e-8, "momentum": 0, "shuffle": False, "tol": 0,
        "n_iter_no_change": 100, "random_state": 0,
    }  # fmt: skip
    whole = MLPRegressor(**settings, max_iter=30).fit(X, y)
    parts = MLPRegressor(**settings)
    for _ in range(30):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, y)))
    assert type(whole.best_loss_) is np.float32
    assert len(set(whole.loss_curve_)) < 30
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts._no_improvement_count == whole._no_improvement_count < 30
    assert not hasattr(parts.to_sklearn(), "_unrounded_best_loss")
    parts.best_loss_ = np.float32(0)
    parts.partial_fit(X, y)
    assert parts._no_improvement_count == whole._no_improvement_count + 1
    assert parts.best_loss_ == 0


@pytest.mark.parametrize(
    ("solver", "settings"),
    [
        ("adam", {"beta_1": 0.8, "epsilon": 1e-6}),
        ("sgd", {"learning_rate": "invscaling"}),
        ("sgd", {"momentum": 0.5, "nesterovs_momentum": False}),
        ("sgd", {"learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1}),
    ],
)
def test_the_optimizer(solver, settings):
    """Its public attributes, and that a rate which somebody writes there is used."""
    X, y = diabetes()
    both = regressors(solver=solver, **settings)
    for _ in range(3):
        for one in both:
            one.partial_fit(X, y)
        theirs, ours = (vars(one._optimizer) for one in both)
        for key, value in theirs.items():
            if isinstance(value, int | float | np.floating):
                assert ours[key] == pytest.approx(value, rel=1e-12), key
            elif not isinstance(value, list):
                assert ours[key] == value
        for one in both:
            one._optimizer.learning_rate = one._optimizer.learning_rate_init = 0.01
            one.set_params(momentum=0.1, beta_2=0.5)  # of which a begun optimizer knows nothing
        np.testing.assert_allclose(both[1].predict(X), both[0].predict(X), rtol=1e-9)


def test_out_activation():
    """1 / (1 + e^-z) of the outputs from before, as scikit-learn; and it is trained on with it."""
    X, y = diabetes()
    both = regressors()
    z = both[1].predict(X[:1])
    for one in both:
        one.out_activation_ = "logistic"
    assert both[1].predict(X[:1]) == pytest.approx(1 / (1 + np.exp(-z)), rel=1e-14)
    assert both[1].predict(X[:1]) == pytest.approx([0.57165], abs=1e-5)
    for train in (
        lambda one: one.partial_fit(X, y),
        lambda one: one.set_params(warm_start=True).fit(X, y),
    ):
        for one in both:
            train(one)
        np.testing.assert_allclose(both[1].predict(X), both[0].predict(X), rtol=1e-9)


@pytest.mark.parametrize("trained", [False, True])
def test_an_estimator_from_attributes_alone(trained):
    X, y = diabetes()
    rebuilt = []
    for fitted in regressors():
        one = type(fitted)(hidden_layer_sizes=(8,), max_iter=20, random_state=0)
        for name in OF_A_REGRESSOR:
            setattr(one, name, getattr(fitted, name))
        if trained:
            one.partial_fit(X, y)
        rebuilt.append(one.predict(X))
    np.testing.assert_allclose(rebuilt[1], rebuilt[0], rtol=1e-12)
    if trained:
        assert rebuilt[1][:2] == pytest.approx([0.29547, 0.27075], abs=3e-5)


def test_a_classifier_with_the_attributes_of_scikit_learns():
    """Which goes on where that one would, from what its optimizer keeps on."""
    X, y = load_iris(return_X_y=True)
    for solver in ("adam", "sgd"):
        theirs = neural_network.MLPClassifier(solver=solver, random_state=0, max_iter=5).fit(X, y)
        ours = MLPClassifier(solver=solver, random_state=0, max_iter=5)
        vars(ours).update(copy.deepcopy(vars(theirs)))
        for _ in range(3):
            np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-10)
            for one in (theirs, ours):
                one.partial_fit(X, y)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64"])
@pytest.mark.parametrize("of_X", ["float16", "float32", "float64", "int64"])
def test_parameters_of_other_dtypes(dtype, of_X):
    """Computed as widely as scikit-learn does it, or more."""
    X = (diabetes()[0] * 100).astype(of_X)
    both = regressors()
    for one in both:
        one.coefs_ = [(W * 8).astype(dtype) for W in one.coefs_]
        one.intercepts_ = [(b * 8).astype(dtype) for b in one.intercepts_]
    for one in (both[1], pickle.loads(pickle.dumps(both[1]))):
        found, expected = one.predict(X), both[0].predict(X)
        assert found.dtype == expected.dtype
        computed_in = np.result_type(of_X, dtype)
        rtol = {"float16": 4e-2, "float32": 1e-4}.get(computed_in.name, 1e-12)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=10 * rtol)


def test_intercepts_of_two_dimensions():
    X, y = diabetes()
    both = regressors()
    before = both[1].predict(X)
    for one in both:
        one.intercepts_ = [b.reshape(1, -1).copy() for b in one.intercepts_]
    assert both[1].predict(X).tobytes() == before.tobytes()
    for one in both:
        one.intercepts_[0][0, 3] += 0.5
        one.partial_fit(X, y)
    np.testing.assert_allclose(both[1].predict(X), both[0].predict(X), rtol=1e-12)
    assert both[1].intercepts_[0].shape == (1, 8)


WAYS_TO_CHANGE = {
    "a number": lambda one, W: one.coefs_[0].__setitem__((2, 3), 5.0),
    "a flat view": lambda one, W: one.coefs_[0].reshape(-1).__setitem__(5, 5.0),
    "an array kept": lambda one, W: W.__setitem__((2, 3), 5.0),
    "an array in the list": lambda one, W: one.coefs_.__setitem__(0, np.ones_like(W)),
    "another list": lambda one, W: setattr(one, "coefs_", [np.ones_like(W), one.coefs_[1]]),
    "a tuple": lambda one, W: setattr(one, "coefs_", (np.ones_like(W), one.coefs_[1])),
    "another shape": lambda one, W: (
        setattr(one, "coefs_", [np.ones((10, 3)), np.ones((3, 1))]),
        setattr(one, "intercepts_", [np.ones(3), np.ones(1)]),
    ),
    "arrays of another shape in the lists": lambda one, W: (
        one.coefs_.__setitem__(slice(None), [np.ones((10, 3)), np.ones((3, 1))]),
        one.intercepts_.__setitem__(slice(None), [np.ones(3), np.ones(1)]),
    ),
    "not a number": lambda one, W: one.coefs_[1].__setitem__((0, 0), np.nan),
}


@pytest.mark.parametrize("change", WAYS_TO_CHANGE)
@pytest.mark.parametrize("twice", [False, True])
def test_writing_to_parameters_counts(change, twice):
    """Wherever somebody has the array from, and also after a prediction in between."""
    X, _ = diabetes()
    both = regressors()
    expected = []
    for one in both:
        W = one.coefs_[0]
        one.predict(X)
        if twice:
            one.predict(X[:1])
        WAYS_TO_CHANGE[change](one, W)
        expected.append([one.predict(X), one.predict(X[:1])])
    np.testing.assert_allclose(expected[1][0], expected[0][0], rtol=1e-12)
    np.testing.assert_array_equal(expected[1][1], expected[1][0][:1])
    assert not np.array_equal(expected[1][0], regressors()[1].predict(X))


def test_arrays_that_somebody_keeps_are_trained_in_place():
    """As scikit-learn's optimizers do it."""
    X, y = diabetes()
    for one in regressors():
        W, b = one.coefs_[0], one.intercepts_[1]
        before = W.copy(), b.copy()
        one.partial_fit(X, y)
        assert one.coefs_[0] is W
        assert one.intercepts_[1] is b
        assert not np.array_equal(W, before[0])
        assert not np.array_equal(b, before[1])


def test_parameters_that_cannot_be_written_are_replaced():
    X, y = diabetes()
    one = regressors()[1]
    for W in one.coefs_:
        W.flags.writeable = False  # as those of a file that is mapped
    before = one.coefs_[0]
    one.partial_fit(X, y)
    assert not np.array_equal(one.coefs_[0], before)
    assert one.coefs_[0].flags.writeable


def test_parameters_that_do_not_fit_together():
    X, _ = diabetes()
    one = regressors()[1]
    one.coefs_ = [np.ones((10, 8)), np.ones((4, 1))]
    with pytest.raises(ValueError, match=r"coefs_\[1\] must have shape \(8, n_units\), got \(4, 1"):
        one.predict(X)
    one.coefs_ = [np.ones((10, 3)), np.ones((3, 1))]
    with pytest.raises(ValueError, match=r"intercepts_\[0\] must have shape \(3,\)"):
        one.predict(X)
    del one.coefs_
    assert not hasattr(one, "coefs_")


def test_the_network_is_made_once(monkeypatch):
    """Not at every prediction, whoever has the arrays."""
    X, y = load_digits(return_X_y=True)
    fitted = MLPClassifier((30,), max_iter=2).fit(X, y)
    made = []
    make = _parameters.WithParameters._empty_network
    monkeypatch.setattr(
        _parameters.WithParameters, "_empty_network",
        lambda *arguments: made.append(1) or make(*arguments),
    )  # fmt: skip
    compared = []
    equal = kernels.equal
    monkeypatch.setattr(kernels, "equal", lambda *lists: compared.append(1) or equal(*lists))
    fitted.coefs_[0] = fitted.coefs_[0].copy()
    for _ in range(5):
        fitted.predict(X[:1])
    assert (len(made), len(compared)) == (0, 1)
    kept = fitted.coefs_[0]
    for _ in range(5):
        fitted.predict(X[:1])
    assert (len(made), len(compared)) == (0, 6)
    del kept
    fitted.predict(X[:1])
    fitted.predict(X[:1])
    assert (len(made), len(compared)) == (0, 7)
    loaded = pickle.loads(pickle.dumps(fitted))
    for _ in range(5):
        loaded.predict(X[:1])
    assert len(made) == 1


def test_a_shallow_copy_shares_its_parameters():
    X, _ = diabetes()
    for one in regressors():
        other = copy.copy(one)
        before = one.predict(X), other.predict(X)
        other.coefs_[0][:] = 0
        assert np.array_equal(one.predict(X), other.predict(X))
        assert not np.array_equal(one.predict(X), before[0])


class Soft:
    """A course's template for soft labels: what transform gives is what is trained on."""

    y_type_ = "multiclass"

    def transform(self, y):
        return y

    def inverse_transform(self, y):
        return y.argmax(axis=1)


def with_soft_labels(base):
    class Student(base):
        def _validate_input(self, X, y, incremental, reset):
            self._label_binarizer, self.classes_ = Soft(), np.arange(y.shape[1])
            return X, y

    return Student


@pytest.mark.parametrize("early_stopping", [False, True])
def test_soft_labels(early_stopping):
    X, d = load_digits(return_X_y=True)
    X, y = X / 16, np.eye(10)[d] * 0.9 + 0.01
    both = [
        with_soft_labels(module.MLPClassifier)(
            (30,), max_iter=20, random_state=0, early_stopping=early_stopping
        ).fit(X, y)
        for module in MODULES
    ]
    assert both[1].loss_curve_ == pytest.approx(both[0].loss_curve_, rel=1e-10)
    np.testing.assert_array_equal(both[1].predict(X), both[0].predict(X))
    if early_stopping:
        assert both[1].validation_scores_ == both[0].validation_scores_
    else:
        assert both[1].loss_ == pytest.approx(1.109, abs=1e-3)


def test_soft_labels_of_several_outputs():
    X, _ = load_iris(return_X_y=True)
    y = np.random.default_rng(0).uniform(size=(150, 3))

    class Several(Soft):
        y_type_ = "multilabel-indicator"

    both = []
    for module in MODULES:
        student = with_soft_labels(module.MLPClassifier)

        class Student(student):
            def _validate_input(self, X, y, incremental, reset):
                X, y = super()._validate_input(X, y, incremental, reset)
                self._label_binarizer = Several()
                return X, y

        both.append(Student(max_iter=20, random_state=0).fit(X, y))
    assert both[1].loss_curve_ == pytest.approx(both[0].loss_curve_, rel=1e-10)


def test_a_subclass_with_arithmetic_of_its_own():
    """Is fitted by scikit-learn's methods, which call its own; predictions are the kernels'."""
    X, y = diabetes()

    def half_steps(base):
        class Half(base):
            def _backprop(self, *arguments):
                loss, coef_grads, intercept_grads = super()._backprop(*arguments)
                return loss, [g / 2 for g in coef_grads], intercept_grads

        return Half

    for settings in ({"solver": "sgd"}, {"early_stopping": True}, {"solver": "lbfgs"}):
        both = [
            half_steps(module.MLPRegressor)(max_iter=8, random_state=0, **settings).fit(X, y)
            for module in MODULES
        ]
        np.testing.assert_allclose(both[1].predict(X), both[0].predict(X), rtol=1e-6)
        usual = MLPRegressor(max_iter=8, random_state=0, **settings).fit(X, y)
        assert not np.allclose(both[1].predict(X), usual.predict(X), rtol=1e-6)
    both = [
        half_steps(module.MLPRegressor)(max_iter=8, random_state=0).partial_fit(X, y)
        for module in MODULES
    ]
    np.testing.assert_allclose(both[1].predict(X), both[0].predict(X), rtol=1e-6)


@pytest.mark.parametrize("score", [None, lambda *_, **__: 0.5])
@pytest.mark.parametrize("owner", ["subclass", "object"])
def test_a_score_of_its_own(owner, score):
    X, y = diabetes()
    both = []
    for module in MODULES:

        class Scored(module.MLPRegressor):
            pass

        one = Scored(early_stopping=True, max_iter=40, n_iter_no_change=3, random_state=0)
        if score is not None:
            (Scored if owner == "subclass" else one)._score = score
        both.append(one.fit(X, y))
    assert both[1].validation_scores_ == pytest.approx(both[0].validation_scores_, rel=1e-12)
    np.testing.assert_allclose(both[1].predict(X), both[0].predict(X), rtol=1e-10)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("MLPClassifier", lambda y: y), ("MLPClassifier", lambda y: y > 0),
        ("MLPClassifier", lambda y: np.stack([y > 0, y > 1, y < 0], axis=1)),
        ("MLPRegressor", lambda y: y * 1.5), ("MLPRegressor", lambda y: np.stack([y, y * 0], 1)),
    ],
    ids=["classes", "two classes", "labels", "number", "numbers, of which one is always the same"],
)  # fmt: skip
def test_scores_of_early_stopping(name, targets, weights):
    """Bit for bit where they are accuracies."""
    X, y = load_iris(return_X_y=True)
    fit = {"sample_weight": np.linspace(0.1, 2, 150)} if weights else {}
    both = [
        getattr(module, name)(early_stopping=True, max_iter=30, random_state=0, tol=0).fit(
            X, targets(y), **fit
        )
        for module in MODULES
    ]
    scores = [one.validation_scores_ for one in both]
    assert scores[1] == (
        scores[0] if name == "MLPClassifier" else pytest.approx(scores[0], rel=1e-9)
    )
    assert {type(score) for score in scores[1]} == {float}


def test_divergence_in_early_stopping_keeps_the_best(chunks_have):
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    settings = {
        "solver": "sgd", "learning_rate_init": 0.3, "early_stopping": True, "max_iter": 200,
        "n_iter_no_change": 200, "alpha": 0, "random_state": 3,
    }  # fmt: skip
    ours = MLPRegressor(**settings, validation_loss=True)
    with pytest.warns(ConvergenceWarning, match=r"diverged in epoch \d+: .* best epoch are kept"):
        ours.fit(X, y)
    with warnings.catch_warnings(action="ignore"):
        theirs = neural_network.MLPRegressor(**settings).fit(X, y)
    assert ours.best_validation_score_ == pytest.approx(0.531, abs=1e-3)
    assert ours.score(X, y) == pytest.approx(0.482, abs=1e-3)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-8)
    assert np.isnan(ours.loss_)
    assert np.isnan(ours.validation_scores_[-1])
    n = ours.n_iter_
    assert len(ours.loss_curve_) == len(ours.validation_scores_) == n < theirs.n_iter_
    assert len(ours.validation_loss_curve_) == n
    np.testing.assert_allclose(ours.loss_curve_[:-1], theirs.loss_curve_[: n - 1], rtol=1e-8)
    adam = MLPRegressor(**settings | {"solver": "adam", "learning_rate_init": 1e200}, batch_size=9)
    chunks_have(9)  # of which the first is finite
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 1"):
        adam.fit(X, y)
    assert adam._optimizer.t == adam.n_iter_ * -(-397 // 9)  # the last epoch counts as a whole
    # At once, when there is no best epoch but the initial parameters.
    ours = MLPRegressor(**settings | {"learning_rate_init": 1e200})
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 1"):
        ours.fit(X, y)
    initial = MLPRegressor(**settings | {"learning_rate_init": 1e-300, "max_iter": 1}).fit(X, y)
    np.testing.assert_array_equal(ours.predict(X), initial.predict(X))


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(
    ("dtype", "scale", "weight"),
    [("float32", 1e18, None), ("float64", 1e160, None), ("float64", 1, 1e-180)],
)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_loss_that_overflows_is_no_divergence(dtype, scale, weight, solver):
    X, y = load_diabetes(return_X_y=True)
    fit = {} if weight is None else {"sample_weight": np.full(len(y), weight)}
    settings = {"max_iter": 5, "random_state": 0, "solver": solver}
    if solver == "sgd":
        settings |= {"learning_rate_init": 1e-30 / scale, "alpha": 0}
    for module in MODULES:
        one = module.MLPRegressor(**settings).fit(X.astype(dtype), y * scale, **fit)
        assert all(np.isfinite(array).all() for array in one.coefs_ + one.intercepts_)
        assert one.n_iter_ == 5


# What was once not seen, or lost


def classifier(module=fastnn.sklearn, **settings):
    X, y = load_iris(return_X_y=True)
    settings = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0, **settings}
    return module.MLPClassifier(**settings), X, y


def test_memory_that_cannot_be_written_is_left_alone():
    """That of a mapped file, or of bytes which a pickle was read from."""
    estimator, X, y = classifier()
    estimator.fit(X, y)
    buffers = []
    stored = pickle.dumps(estimator, protocol=5, buffer_callback=buffers.append)
    frozen = [bytes(buffer) for buffer in buffers]
    before = [bytes(bytearray(one)) for one in frozen]
    loaded = pickle.loads(stored, buffers=frozen)
    estimator.partial_fit(X, y)
    loaded.partial_fit(X, y)
    assert frozen == before
    assert loaded.loss_ == estimator.loss_
    assert loaded.partial_fit(X, y).loss_ == estimator.partial_fit(X, y).loss_


def through_a_pickle(estimator):
    """Without its callback, which is a function of a test."""
    callbacks, estimator.callbacks = estimator.callbacks, None
    stored = pickle.dumps(estimator)
    estimator.callbacks = callbacks
    return pickle.loads(stored)


@pytest.mark.parametrize(
    "taken",
    [copy.deepcopy, copy.copy, through_a_pickle, lambda one: one.to_sklearn()],
    ids=["deepcopy", "copy", "pickle", "to_sklearn"],
)  # fmt: skip
def test_what_a_callback_takes_of_the_estimator_is_of_that_epoch(taken):
    estimator, X, y = classifier()
    seen = []

    def look(net, epoch, logs):
        other = taken(estimator)
        seen.append([W.copy() for W in other.coefs_])
        for W, expected in zip(seen[-1], net.weights, strict=True):
            np.testing.assert_array_equal(W, expected)

    # Not a parameter, which would be cloned.
    estimator.callbacks = look
    estimator.fit(X, y)
    assert len(seen) == 5
    assert not np.array_equal(seen[0][0], seen[4][0])


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("dtypes", [("float64", "float32"), ("float32", "float64")])
def test_parameters_of_another_dtype_keep_the_velocities(solver, dtypes):
    """To rounding of float32, where beginning anew makes a difference of a hundredth."""
    X, y = diabetes()
    both = []
    for module in MODULES:
        one = module.MLPRegressor(
            hidden_layer_sizes=(4,), random_state=0, learning_rate_init=0.05, solver=solver
        )
        for _ in range(10):
            one.partial_fit(X.astype(dtypes[0]), y)
        one.coefs_ = [W.astype(dtypes[1]) for W in one.coefs_]
        one.intercepts_ = [b.astype(dtypes[1]) for b in one.intercepts_]
        for _ in range(3):
            one.partial_fit(X, y)
        both.append(one)
    assert both[1].loss_ == pytest.approx(both[0].loss_, rel=1e-5)


def test_velocities_that_somebody_sets():
    X, y = diabetes()
    for solver, names in (("adam", ("ms", "vs")), ("sgd", ("velocities",))):
        both = regressors(solver=solver)
        for one in both:
            shapes = [array.shape for array in one.coefs_ + one.intercepts_]
            for name in names:
                setattr(one._optimizer, name, [np.full(shape, 0.25) for shape in shapes])
            one.partial_fit(X, y).partial_fit(X, y)
        np.testing.assert_allclose(both[1].predict(X), both[0].predict(X), rtol=1e-9)


def test_an_optimizer_that_is_shared_with_scikit_learn_stays_whole():
    X, y = diabetes()
    theirs, ours = regressors()
    ours._optimizer = theirs._optimizer
    before = [m.copy() for m in theirs._optimizer.ms]
    ours.partial_fit(X, y)
    for m, expected in zip(theirs._optimizer.ms, before, strict=True):
        np.testing.assert_array_equal(m, expected)
    theirs.partial_fit(X, y)


@pytest.mark.parametrize("method", ["_forward_pass_fast", "_predict"])
def test_a_subclass_with_outputs_of_its_own(method):
    _, X, y = classifier()
    found = []
    for module in MODULES:

        class Own(module.MLPClassifier):
            pass

        real = getattr(module.MLPClassifier, method)
        setattr(
            Own, method, lambda self, X, real=real, **options: real(self, -np.asarray(X), **options)
        )
        fitted = Own(hidden_layer_sizes=(6,), max_iter=40, random_state=0).fit(X, y)
        found.append([fitted.predict(X), fitted.predict(X.tolist()), fitted.predict_proba(X)])
    for ours, theirs in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8)


CHANGES_OF_LABELS = {
    "another binarizer": lambda one: setattr(
        one, "_label_binarizer", LabelBinarizer().fit(["a", "b", "c"])
    ),
    "other classes": lambda one: setattr(one, "classes_", np.array(["a", "b", "c"])),
    "logistic": lambda one: setattr(one, "out_activation_", "logistic"),
    "relu": lambda one: setattr(one, "out_activation_", "relu"),
}


@pytest.mark.parametrize("change", CHANGES_OF_LABELS)
def test_labels_are_those_of_scikit_learn(change):
    found = []
    for module in MODULES:
        estimator, X, y = classifier(module, max_iter=40)
        estimator.fit(X, y)
        CHANGES_OF_LABELS[change](estimator)
        found.append([estimator.predict(X), estimator.predict(X.tolist())])
        assert np.array_equal(*found[-1])
    np.testing.assert_array_equal(found[1][0], found[0][0])


@pytest.mark.parametrize(
    "targets", [lambda y: y, lambda y: y > 0, lambda y: np.eye(3, dtype=int)[y]]
)
@pytest.mark.parametrize("out_activation", ["identity", "relu", "tanh", "logistic", "softmax"])
def test_losses_after_another_out_activation(targets, out_activation):
    losses = []
    for module in MODULES:
        estimator, X, y = classifier(module)
        estimator.fit(X, targets(y))
        estimator.out_activation_ = out_activation
        losses.append(estimator.partial_fit(X, targets(y)).loss_)
    assert losses[1] == pytest.approx(losses[0], rel=1e-8)


def test_a_fit_within_a_fit_is_refused():
    estimator, X, y = classifier()
    plain = copy.deepcopy(estimator).fit(X, y)

    def look(net, epoch, logs):
        for fit in (estimator.fit, estimator.partial_fit):
            with pytest.raises(RuntimeError, match="is being fitted"):
                fit(X, y)
        with pytest.raises(RuntimeError, match=r"coefs_ cannot be set while"):
            estimator.coefs_ = [W * 0 for W in estimator.coefs_]
        estimator.predict(X)

    estimator.callbacks = look
    estimator.fit(X, y)
    assert estimator.loss_curve_ == plain.loss_curve_
    np.testing.assert_array_equal(estimator.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("order", [np.asfortranarray, lambda W: np.repeat(W, 2, axis=1)[:, ::2]])
def test_arrays_of_any_order_are_trained_in_place(order):
    X, y = diabetes()
    both = regressors()
    for one in both:
        one.coefs_ = [order(W) for W in one.coefs_]
        W, b = one.coefs_[0], one.intercepts_[0]
        one.partial_fit(X, y)
        assert one.coefs_[0] is W
        assert one.intercepts_[0] is b
    np.testing.assert_allclose(both[1].coefs_[0], both[0].coefs_[0], rtol=1e-9)


def test_a_weak_reference_is_seen():
    X, _ = diabetes()
    one = regressors()[1]
    reference = weakref.ref(one.coefs_[0])
    before = one.predict(X)
    reference()[:] = 0
    assert not np.array_equal(one.predict(X), before)


def test_ctrl_c_when_parameters_are_handed_out(monkeypatch):
    """They are those of the fit whenever somebody asks for them next."""
    estimator, X, y = classifier()
    expected = copy.deepcopy(estimator).fit(X, y)
    unpad = kernels.unpad

    def interrupted(*arguments):
        monkeypatch.setattr(kernels, "unpad", unpad)
        raise KeyboardInterrupt

    monkeypatch.setattr(kernels, "unpad", interrupted)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, y)
    np.testing.assert_array_equal(estimator.coefs_[0], expected.coefs_[0])
    np.testing.assert_array_equal(estimator.predict_proba(X), expected.predict_proba(X))


def test_no_order_is_drawn_in_vain(monkeypatch):
    """Where training stops long before max_iter."""
    drawn = []
    draw = Reshuffled.draw

    def counted(order, n_epochs):
        drawn.append(n_epochs)
        return draw(order, n_epochs)

    monkeypatch.setattr(Reshuffled, "draw", counted)
    both = [
        module.MLPClassifier(
            (5, 2), solver="sgd", activation="logistic", max_iter=20000, random_state=1
        ).fit([[0.0, 0.0], [1.0, 1.0]], [0, 1])
        for module in MODULES
    ]
    assert both[1].loss_curve_ == pytest.approx(both[0].loss_curve_, rel=1e-12)
    assert sum(drawn) == both[1].n_iter_ == 12


def test_later_calls_of_partial_fit_ask_for_no_large_block(monkeypatch):
    """New memory costs a wide network more than a step on one row."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 20)), rng.normal(size=6)
    model = MLPRegressor(hidden_layer_sizes=(64, 64), random_state=0)
    for row in range(3):
        model.partial_fit(X[row : row + 1], y[row : row + 1])
    asked = []
    block = Layout.parameter_block
    monkeypatch.setattr(
        Layout, "parameter_block", lambda layout, n=1: asked.append(n) or block(layout, n)
    )
    for row in range(3, 6):
        model.partial_fit(X[row : row + 1], y[row : row + 1])
    assert not any(asked)


def test_without_early_stopping_after_it():
    """With warm_start, where scikit-learn itself fails."""
    estimator, X, y = classifier(early_stopping=True, warm_start=True)
    estimator.fit(X, y).set_params(early_stopping=False).fit(X, y)
    assert estimator.best_loss_ == min(estimator.loss_curve_[-5:])


def test_parameters_that_are_views_of_one_vector():
    """As evolutionary algorithms have them: who writes into the vector changes the model."""
    X, _ = diabetes()
    found = []
    for one in regressors():
        flat = np.concatenate([array.ravel() for array in one.coefs_ + one.intercepts_])
        place = 0
        for part in (one.coefs_, one.intercepts_):
            for i, array in enumerate(part):
                part[i] = flat[place : place + array.size].reshape(array.shape)
                place += array.size
        del part, array  # so that nobody but the vector knows of them
        one.predict(X)
        one.predict(X)
        flat *= 0.5
        found.append(one.predict(X))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


class Coarse(Soft):
    """Labels that stand for two classes each."""

    def inverse_transform(self, y):
        return y.argmax(axis=1) // 2


def test_scores_by_a_binarizer_of_ones_own():
    X, d = load_digits(return_X_y=True)
    both = []
    for module in MODULES:

        class Student(module.MLPClassifier):
            def _validate_input(self, X, y, incremental, reset):
                self._label_binarizer, self.classes_ = Coarse(), np.arange(5)
                return X, y

        settings = {"max_iter": 4, "random_state": 0, "early_stopping": True}
        both.append(Student((9,), **settings).fit(X / 16, np.eye(10)[d]))
    assert both[1].validation_scores_ == both[0].validation_scores_


def test_without_any_best_epoch_the_initial_parameters_return():
    X, y = diabetes()
    found = []
    for module in MODULES:

        class NeverGood(module.MLPRegressor):
            def _score(self, *_, **__):
                return np.nan

        settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
        found.append(NeverGood(early_stopping=True, **settings).fit(X, y).predict(X))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-10)
