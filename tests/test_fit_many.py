"""fit_many: each estimator as its own fit would leave it, bit for bit, in any company."""

import contextlib
import os
import signal
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from common import chunks_of, on_dask
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import KFold, cross_validate
from sklearn.utils._param_validation import InvalidParameterError

from fastnn import TrainingDivergedError
from fastnn._training import together
from fastnn._training.course import Course
from fastnn.callbacks import EarlyStopping
from fastnn.sklearn import MLPClassifier, MLPRegressor, _many, fit_many

pytestmark = [
    pytest.mark.unwatched,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

PLAIN = (
    "loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_",
    "validation_loss_curve_", "n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_",
    "n_features_in_", "_no_improvement_count",
)  # fmt: skip


def of_generator(random_state):
    kind, keys, *rest = random_state.get_state()
    return kind, keys.tobytes(), *rest


def all_of(estimator):
    """What a fit leaves, to be compared."""
    attributes = vars(estimator)
    found = {name: repr(attributes[name]) for name in PLAIN if name in attributes}
    for name in "coefs_", "intercepts_":
        found[name] = [(one.dtype, one.tobytes()) for one in getattr(estimator, name)]
    if "classes_" in attributes:
        found["classes_"] = estimator.classes_.tolist()
        found["labels"] = repr(vars(estimator._label_binarizer))
    if "feature_names_in_" in attributes:
        found["names"] = estimator.feature_names_in_.tolist()
    if "_optimizer" in attributes:
        state = estimator._optimizer.state
        kept = {name: one for name, one in vars(estimator._optimizer).items() if name != "state"}
        found["optimizer"] = repr(kept), state.block.tobytes(), state.record.tobytes(), state.powers
    found["random"] = of_generator(estimator._random_state)
    if isinstance(estimator.random_state, np.random.RandomState):
        assert estimator._random_state is estimator.random_state
    return found


@contextlib.contextmanager
def told():
    """Warnings, as (category, text, file)."""
    found = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    found += [(one.category, str(one.message), one.filename) for one in caught]


def random_estimator(rng, seed):
    """And whether it may diverge."""
    solver = str(rng.choice(["adam", "adam", "sgd", "sgd", "lbfgs"]))
    settings = {
        "hidden_layer_sizes": [(7,), (12, 5), (40,)][rng.integers(3)],
        "activation": str(rng.choice(["relu", "tanh", "gelu"])),
        "solver": solver,
        "alpha": float(rng.choice([0, 1e-4, 0.1])),
        "batch_size": ["auto", 1, 16, 32][rng.integers(4)],
        "learning_rate": str(rng.choice(["constant", "invscaling", "adaptive"])),
        "learning_rate_init": float(rng.choice([1e-3, 1e-2])),
        "max_iter": int(rng.integers(1, 9)),
        "shuffle": bool(rng.random() < 0.8),
        "tol": float(rng.choice([1e-4, 0.05])),
        "momentum": float(rng.choice([0, 0.9])),
        "warm_start": bool(rng.random() < 0.3),
        "n_iter_no_change": int(rng.integers(1, 4)),
        "random_state": seed if rng.random() < 0.5 else np.random.RandomState(seed),
    }
    if solver != "lbfgs":
        settings["early_stopping"] = bool(rng.random() < 0.4)
        settings["validation_loss"] = settings["early_stopping"]
        if rng.random() < 0.1:
            settings |= {"solver": "sgd", "learning_rate_init": 1e20, "activation": "relu"}
        if rng.random() < 0.4:
            stopping = EarlyStopping(monitor="loss", patience=1)
            last = int(rng.integers(6))
            settings["callbacks"] = [stopping, lambda net, epoch, logs: epoch == last]
    if rng.random() < 0.5:
        return MLPRegressor(**settings)
    balanced = "balanced" if rng.random() < 0.3 else None
    return MLPClassifier(**settings, class_weight=balanced)


def random_data(rng):
    n = int(rng.integers(20, 70))
    X = rng.normal(size=(n, 5)).astype(rng.choice(["float32", "float64"]))
    X[rng.random(X.shape) < rng.choice([0, 0.7])] = 0
    kind = rng.choice(["array", "fortran", "csr", "csc", "frame", "list"])
    forms = {
        "array": np.asarray, "fortran": np.asfortranarray, "csr": sparse.csr_matrix,
        "csc": sparse.csc_array, "frame": lambda X: pd.DataFrame(X, columns=[*"abcde"]),
        "list": lambda X: X.tolist(),
    }  # fmt: skip
    y = np.arange(n) % rng.choice([2, 3])
    return forms[kind](X), y, rng.uniform(0.5, 2, n) if rng.random() < 0.4 else None


def fit_alone(estimator, X, y, weights):
    """And whether it has diverged."""
    try:
        estimator.fit(X, y, weights)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("seed", range(40))
def test_any_company_and_number_of_threads(seed):
    """Three lists in other orders, each fitted twice."""
    rng = np.random.default_rng([seed, 2019])
    X, y, weights = random_data(rng)
    made = [random_estimator(rng, i) for i in range(9)]
    chunk = int(rng.choice([0, 7, 50]))  # to whose start a fit goes back that diverges
    expected = []
    for one in made:
        lone = clone(one)
        for _ in range(2):
            with chunks_of(chunk), told() as warned:
                error = fit_alone(lone, X, y, weights)
            expected.append((all_of(lone), error, warned))
    for n_threads, size in (1, 9), (2, 6), (3, 9):
        places = rng.permutation(9)[:size]
        mine = [clone(made[i]) for i in places]
        for turn in range(2):
            with chunks_of(chunk), told() as warned:
                try:
                    assert fit_many(
                        mine, X, y, sample_weight=weights, n_threads=n_threads
                    ) == mine  # fmt: skip
                    diverged, message = (), ""
                except TrainingDivergedError as error:
                    diverged, message = error.networks, str(error)
            wanted = []
            for k, (i, one) in enumerate(zip(places, mine, strict=True)):
                state, error, warnings_of_one = expected[2 * i + turn]
                assert all_of(one) == state
                assert bool(error) == (k in diverged)
                assert error in message
                wanted += warnings_of_one
            assert sorted(map(str, warned)) == sorted(map(str, wanted))


DIVERGING = {"solver": "sgd", "learning_rate_init": 1e30, "batch_size": 2, "alpha": 1.0}


def blobs(n=60, n_features=4):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    return rng.normal(size=(n, n_features)) + y[:, np.newaxis], y


def several(n=6, **settings):
    settings = {"hidden_layer_sizes": (6,), "max_iter": 5, **settings}
    return [MLPClassifier(**settings, random_state=i) for i in range(n)]


def test_they_go_together(monkeypatch):
    """What the tests here would be without."""
    X, y = blobs()
    seen, run_tasks = [], together._Together._run_tasks
    monkeypatch.setattr(
        together._Together, "_run_tasks",
        lambda self, tasks, *rest: seen.append((len(tasks), self.most))
        or run_tasks(self, tasks, *rest),
    )  # fmt: skip
    fit_many(several(6), X, y, n_threads=3)
    assert set(seen) == {(6, 3)}


def test_x_is_converted_once(monkeypatch):
    X, y = blobs()
    seen, counted = [], _many.OnKernels._data
    monkeypatch.setattr(
        _many.OnKernels, "_data",
        lambda self, net, X, *rest: seen.append(X) or counted(self, net, X, *rest),
    )  # fmt: skip
    fit_many(several(), np.asfortranarray(X), y)
    assert len(seen) == 6
    assert all(one is seen[0] for one in seen)
    assert seen[0].flags.c_contiguous
    seen.clear()
    fit_many(several(), X.tolist(), y, KFold(2))
    assert len(seen) == 12
    assert len({id(one) for one in seen}) == 2


def test_many_take_turns(monkeypatch):
    monkeypatch.setattr(together, "NETWORKS_AT_ONCE", 1)
    X, y = blobs()
    for found, one in zip(fit_many(several(), X, y, n_threads=2), several(), strict=True):
        assert all_of(found) == all_of(one.fit(X, y))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_one_random_state_for_several(solver):
    X, y = blobs()

    def made():
        shared = np.random.RandomState(0)
        both = several(5, solver=solver)
        for i in 0, 2, 3:
            both[i].set_params(random_state=shared)
        return both

    found, lone = fit_many(made(), X, y, n_threads=2), [one.fit(X, y) for one in made()]
    assert [all_of(one) for one in found] == [all_of(one) for one in lone]
    assert found[0]._random_state is found[3]._random_state


def test_numpys_own_random_state():
    """Each has another seed, and the same after numpy.random.seed."""
    X, y = blobs()
    found = []
    for n_threads in 1, 2:
        np.random.seed(3)  # noqa: NPY002
        models = [one.set_params(random_state=None) for one in several(4)]
        found.append([one.loss_curve_ for one in fit_many(models, X, y, n_threads=n_threads)])
    np.random.seed(3)  # noqa: NPY002
    of_each = [np.random.randint(2**31 - 1) for _ in range(4)]  # noqa: NPY002
    lone = [one.set_params(random_state=i) for one, i in zip(several(4), of_each, strict=True)]
    assert found[0] == found[1] == [one.fit(X, y).loss_curve_ for one in lone]


class Mine(MLPClassifier):
    def fit(self, X, y, sample_weight=None):
        self.scale_ = 2.0
        return super().fit(X / self.scale_, y, sample_weight)


class TheirArithmetic(MLPRegressor):
    def _backprop(self, *arguments):
        return super()._backprop(*arguments)


def test_subclasses_with_weights_or_without():
    X, y = blobs()
    weights = np.linspace(1, 2, len(y))
    settings = {"max_iter": 3, "random_state": 0}
    for given in None, weights:
        models = [Mine(**settings), TheirArithmetic(**settings), MLPClassifier(**settings)]
        for found in fit_many(models, X, y, sample_weight=given):
            lone = clone(found).fit(X, y, given)
            assert found.loss_curve_ == lone.loss_curve_
            assert found.coefs_[0].tobytes() == lone.coefs_[0].tobytes()
    assert models[0].scale_ == 2


def test_folds():
    X, y = blobs()
    weights = np.linspace(1, 2, len(y))
    models = [
        *several(3), MLPRegressor(max_iter=4, random_state=np.random.RandomState(1)),
        MLPClassifier((5,), solver="lbfgs", max_iter=9, random_state=2),
    ]  # fmt: skip
    before = of_generator(models[3].random_state)
    splits = list(KFold(3).split(X))
    masks = [tuple(np.isin(np.arange(len(y)), rows) for rows in split) for split in splits]
    frame = pd.DataFrame(X, columns=[*"abcd"])
    for data, folds in (X, 3), (X, KFold(3)), (frame, splits), (sparse.csc_array(X), masks):
        found = fit_many(models, data, y, folds, sample_weight=weights, n_threads=2)
        assert [len(of_one) for of_one in found] == [3] * 5
        for model, of_one in zip(models, found, strict=True):
            for (fitted, score), (train, test) in zip(of_one, splits, strict=True):
                rows = data.iloc if data is frame else data
                lone = clone(model).fit(rows[train], y[train], weights[train])
                assert all_of(fitted) == all_of(lone)
                assert score == lone.score(rows[test], y[test])
    assert not any(hasattr(one, "coefs_") for one in models)
    assert of_generator(models[3].random_state) == before


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([np.arange(30)], r"folds\[0\] must be a pair \(train, test\) of rows, got"),
        ([(np.arange(30), [])], r"test of folds\[0\] must be whole numbers of rows of X"),
        ([(np.arange(30.0), [1])], r"train of folds\[0\] must be .* use astype\(int\)"),
        ([(np.arange(30), [60])], r"test of folds\[0\] must be in 0 to 59"),
        ([(np.arange(30), [-1])], r"test of folds\[0\] must be in 0 to 59"),
        ([], "folds must be a number, a splitter .*, got none"),
        (2.5, "folds must be a number, a splitter of scikit-learn, or an iterable"),
    ],
)
def test_folds_that_are_none(folds, message):
    X, y = np.zeros((60, 2)), np.arange(60) % 2
    with pytest.raises((TypeError, ValueError), match=message):
        fit_many([MLPClassifier()], X, y, folds)


def test_lengths_with_folds():
    X, y = np.zeros((60, 2)), np.arange(60) % 2
    splits = [(np.arange(40), np.arange(40, 60))]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fit_many([MLPClassifier()], X, np.r_[y, y], splits)
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(100,\), expected \(60,\)"):
        fit_many([MLPClassifier()], X, y, splits, sample_weight=np.ones(100))


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden_layer_sizes": (0,)}, {"activation": ["relu", "relu"]},
        {"callbacks": EarlyStopping(monitor="val_loss")}, {"solver": "lbfgs", "callbacks": print},
    ],
)  # fmt: skip
def test_bad_settings_lose_no_fit(settings):
    X, y = np.zeros((60, 2)), np.arange(60) % 2
    models = [MLPClassifier((3,), max_iter=2, random_state=i).fit(X, y) for i in range(3)]
    before = [all_of(one) for one in models]
    models[2].set_params(**settings)
    with pytest.raises(ValueError, match=r"must|needs|callbacks") as raised:
        fit_many(models, X, y)
    assert raised.value.__notes__ == ["This is for estimators[2]."]
    assert [all_of(one) for one in models] == before


def test_a_fit_of_a_subclass_gets_what_was_given():
    class Imputing(MLPClassifier):
        def fit(self, X, y, sample_weight=None):
            return super().fit(np.nan_to_num(X), y, sample_weight)

    X, y = np.zeros((60, 2)), np.arange(60) % 2
    X[3, 1] = np.nan
    models = [Imputing((3,), max_iter=2, random_state=0)]
    assert fit_many(models, X, y)[0].n_iter_ == 2


@pytest.mark.usefixtures("_alarm")
def test_ctrl_c_where_some_have_ended():
    """Errors that end one after the other make no ring."""
    X, y = np.zeros((60, 2)), np.arange(60) % 2
    models = [
        MLPClassifier((3,), max_iter=n, tol=0, n_iter_no_change=10**6, callbacks=lambda *_: None)
        for n in (1, 1000, 1, 1000, 1000)
    ]

    def interrupt(net, epoch, logs):
        if epoch == 20:
            raise KeyboardInterrupt

    models[4].set_params(callbacks=interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        fit_many(models, X, y, n_threads=1)
    assert [one.n_iter_ for one in models] == [1, 21, 1, 21, 21]


def test_a_number_of_folds_is_stratified_for_classifiers():
    X, y = blobs(30)
    y = np.sort(y)
    found = fit_many(several(2), X, y, 3)
    expected = cross_validate(several(2)[1], X, y, cv=3)["test_score"]
    assert [score for _, score in found[1]] == expected.tolist()


@pytest.mark.parametrize("n_threads", [1, 2])
def test_divergence_stops_nobody_else(n_threads):
    X, y = blobs()
    models = several(5)
    for i in 1, 3:
        models[i].set_params(**DIVERGING)
    message = r"^2 of 5 estimators diverged, estimators\[1\] first: Solver produced non-finite"
    with pytest.raises(TrainingDivergedError, match=message) as raised:
        fit_many(models, X, y, n_threads=n_threads)
    assert raised.value.networks == (1, 3)
    for i, one in enumerate(models):
        lone = clone(one)
        assert bool(fit_alone(lone, X, y, None)) == (i in (1, 3))
        assert all_of(one) == all_of(lone)
    with pytest.warns(FitFailedWarning, match=r"^4 of 10 fits diverged, estimators\[1\] in fold"):
        found = fit_many(models, X, y, 2, n_threads=n_threads)
    scores = np.array([[score for _, score in of_one] for of_one in found])
    assert np.isnan(scores).any(axis=1).tolist() == [i in (1, 3) for i in range(5)]
    with pytest.raises(TrainingDivergedError, match=r"^4 of 4 fits diverged"):
        fit_many([models[1], models[3]], X, y, 2)


def test_what_is_refused_before_anything_starts():
    X, y = blobs()
    models = several(3)
    with pytest.raises(ValueError, match=r"^estimators must each be there once, but estimators\[3"):
        fit_many([*models, models[1]], X, y)
    with pytest.raises(TypeError, match=r"^estimators\[1\] must be an MLPClassifier"):
        fit_many([models[0], "model"], X, y)
    with pytest.raises(TypeError, match=r"^estimators must be a list"):
        fit_many(models[0], X, y)
    with pytest.raises(ValueError, match=r"^n_threads must be"):
        fit_many(models, X, y, n_threads=0)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fit_many(models, np.where(X[3] == X, np.nan, X), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples") as raised:
        fit_many(models, X, y[:-1])
    assert raised.value.__notes__ == ["This is for estimators[0]."]
    models[2].set_params(alpha=-1)
    with pytest.raises(InvalidParameterError, match="alpha") as raised:
        fit_many(models, X, y)
    assert raised.value.__notes__ == ["This is for estimators[2]."]
    models[2].set_params(alpha=0, callbacks=["print"])
    with pytest.raises(TypeError, match=r"callbacks\[0\]") as raised:
        fit_many(models, X, y, 2)
    assert raised.value.__notes__ == ["This is for estimators[2] in folds[0]."]
    assert not any(hasattr(one, "_backing") for one in models[2:])
    warm = several(1, warm_start=True)[0].fit(X, y % 2)
    with pytest.raises(ValueError, match="warm_start can only be used where") as raised:
        fit_many([models[0], warm], X, y)
    assert raised.value.__notes__ == ["This is for estimators[1]."]
    assert fit_many([], X, y) == fit_many([], X, y, 3) == []
    refused = []

    def fit_all(net, epoch, logs):
        with pytest.raises(RuntimeError, match="the estimator is being fitted"):
            fit_many([models[0]], X, y)
        refused.append(epoch)

    models[0].set_params(callbacks=fit_all).fit(X, y)
    assert refused == [0, 1, 2, 3, 4]


def test_an_error_of_a_callback_ends_all():
    X, y = blobs()
    models = several(4, max_iter=9, n_iter_no_change=1)

    def fail(net, epoch, logs):
        if epoch == 2:
            raise ZeroDivisionError

    models[1].set_params(callbacks=fail)
    with pytest.raises(ZeroDivisionError) as raised:
        fit_many(models, X, y)
    assert raised.value.__notes__ == ["This is for estimators[1]."]
    for one in models:  # each of which is as after some epochs, and can be fitted
        assert len(one.loss_curve_) == one.n_iter_ < 9
        lone = clone(one).set_params(max_iter=max(1, one.n_iter_), callbacks=None)
        if one.n_iter_:
            assert lone.fit(X, y).coefs_[0].tobytes() == one.coefs_[0].tobytes()
        assert one.set_params(callbacks=None).fit(X, y).n_iter_ == 9


def test_warnings_are_at_the_callers_line():
    X, y = blobs()
    for fit in (
        lambda: fit_many(several(2, batch_size=100), X, y),
        lambda: fit_many(several(2, batch_size=100), X, y, 2),
        lambda: several(1, batch_size=100)[0].fit(X, y),
    ):
        with told() as warned:
            fit()
        assert {category for category, *_ in warned} == {ConvergenceWarning, UserWarning}
        assert {file for *_, file in warned} == {__file__}


@pytest.mark.usefixtures("_alarm")
@pytest.mark.parametrize("stops", [False, True])
def test_ctrl_c(stops):
    """All end as one does: with a warning, and what was learned so far."""
    X, y = blobs(3000)
    settings = {"max_iter": 10**6, "tol": 0, "n_iter_no_change": 10**6, "early_stopping": stops}
    models = several(4, **settings)
    signal.setitimer(signal.ITIMER_REAL, 0.4)
    with told() as warned:
        fit_many(models, X, y, n_threads=2)
    assert {text for _, text, _ in warned} == {"Training interrupted by user."}
    assert {file for *_, file in warned} == {__file__}
    assert len(warned) == 4
    for one in models:
        assert one.n_iter_ == len(one.loss_curve_) > 0
        assert one.t_ == one.n_iter_ * (2700 if stops else 3000)
        one.set_params(max_iter=1).fit(X, y)


def test_ctrl_c_keeps_the_epochs_that_are_done(monkeypatch):
    X, y = blobs()
    ends, run_tasks = [], together._Together._run_tasks

    def interrupted(self, tasks, courses, found):
        if len(ends) == 3:
            raise KeyboardInterrupt
        run_tasks(self, tasks, courses, found)
        ends.append([one.epoch.item() for one in courses.values()])

    monkeypatch.setattr(together._Together, "_run_tasks", interrupted)
    models = several(3, max_iter=10**4, tol=0, n_iter_no_change=10**4)
    with chunks_of(80), pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        fit_many(models, X, y)
    monkeypatch.undo()
    for one in models:
        assert one.n_iter_ == len(one.loss_curve_) > 0
        whole = clone(one).set_params(max_iter=one.n_iter_).fit(X, y)
        assert one.loss_curve_ == whole.loss_curve_
        assert one.t_ == whole.t_


def test_ctrl_c_before_all_have_begun(monkeypatch):
    monkeypatch.setattr(together, "NETWORKS_AT_ONCE", 1)
    X, y = blobs()
    models = several(3)
    begun = []

    def interrupt(net, epoch, logs):
        begun.append(epoch)
        raise KeyboardInterrupt

    models[1].set_params(callbacks=interrupt)
    with (
        pytest.warns(UserWarning, match="interrupted by user"),
        pytest.raises(KeyboardInterrupt),
    ):
        fit_many(models, X, y, n_threads=1)
    assert [hasattr(one, "coefs_") for one in models] == [True, True, False]
    assert models[0].n_iter_ == 5
    assert models[1].n_iter_ == 1


def test_ctrl_c_comes_between_laps(monkeypatch):
    """Wherever it comes in a lone fit, too."""
    X, y = blobs()
    last_lap, calls = Course.last_lap, []

    def interrupted(course):
        calls.append(course)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return last_lap(course)

    monkeypatch.setattr(Course, "last_lap", interrupted)
    (model,) = several(1, max_iter=40, n_iter_no_change=3)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) > 4


def mixed():
    shared = np.random.RandomState(7)
    models = [
        *several(3, early_stopping=True), MLPRegressor(max_iter=4, random_state=shared),
        MLPClassifier((5,), solver="lbfgs", max_iter=9, random_state=2),
        MLPClassifier((5,), max_iter=4, random_state=shared, warm_start=True),
    ]  # fmt: skip
    return [one.set_params(n_iter_no_change=2) for one in models]


def check_shares(n_jobs):
    X, y = blobs()
    models, lone = mixed(), mixed()
    shared = models[3].random_state
    for _ in range(2):
        given = [vars(one) for one in models]
        assert fit_many(models, X, y, n_jobs=n_jobs) == models
        assert all(vars(one) is before for one, before in zip(models, given, strict=True))
        for one in lone:
            one.fit(X, y)
        assert [all_of(one) for one in models] == [all_of(one) for one in lone]
    assert models[3].random_state is models[5].random_state is shared
    found = fit_many(models, X, y, 2, n_jobs=n_jobs)
    alone = fit_many(lone, X, y, 2)
    for of_one, expected in zip(found, alone, strict=True):
        assert [score for _, score in of_one] == [score for _, score in expected]
        assert [all_of(one) for one, _ in of_one] == [all_of(one) for one, _ in expected]
    diverging = several(2, **DIVERGING)
    with pytest.raises(TrainingDivergedError, match=r"^2 of 4 estimators diverged, estimators\[2"):
        fit_many([*several(2), *diverging], X, y, n_jobs=n_jobs)
    assert diverging[0].n_iter_ == 0


class InProcess(MLPClassifier):
    """Which says where it was fitted."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.process_ = os.getpid()
        return self


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_in_processes():
    check_shares(2)
    X, y = blobs()
    found = fit_many([InProcess(max_iter=1) for _ in range(4)], X, y, n_jobs=2)
    assert os.getpid() not in {one.process_ for one in found}
    models = several(3)
    models[2].set_params(callbacks=["print"])
    with pytest.raises(TypeError, match="callbacks") as raised:
        fit_many(models, X, y, n_jobs=2)
    assert raised.value.__notes__ == ["This is for estimators[2]."]


def test_in_threads_of_joblib():
    with joblib.parallel_config(backend="threading"):
        check_shares(2)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_on_dask(tmp_path):
    """Over worker processes of a cluster, as it would be on many machines."""
    with on_dask(tmp_path):
        check_shares(None)


def test_without_joblib(monkeypatch):
    monkeypatch.setattr(_many, "Parallel", None)
    fit_many(several(), *blobs())
