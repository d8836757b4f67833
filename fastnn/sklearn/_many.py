"""Many fits at once: ``fastnn.sklearn.fit_many``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import check_cv
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from fastnn import _checks, _data_checks, threads
from fastnn._once import once
from fastnn._training import together
from fastnn._training.loop import run
from fastnn._warnings import warn
from fastnn.exceptions import TrainingDivergedError
from fastnn.sklearn._fits import REPLACED, OnKernels, Shared
from fastnn.sklearn._scikit_learn import (
    BaseMultilayerPerceptron,
    check_sample_weight,
    replaces_any,
    safe_indexing,
)
from fastnn.sklearn._steps import Interrupted

if TYPE_CHECKING:
    from typing import TypeVar

    from numpy.typing import ArrayLike

    from fastnn._training.loop import Laps
    from fastnn.sklearn._fits import SamplesLike

    Estimator = TypeVar("Estimator", bound=OnKernels)

Array = np.ndarray[Any, Any]

# Methods of ours. Where a subclass has its own, it is its `fit` that runs.
OURS = ("fit", "_fit", "_validate_input")
FOLDS = "a number, a splitter of scikit-learn, or an iterable of pairs (train, test) of rows"


@overload
def fit_many(
    estimators: Sequence[Estimator], X: SamplesLike, y: ArrayLike, folds: None = None, *,
    sample_weight: ArrayLike | None = None, n_threads: int | None = None,
    n_jobs: int | None = None,
) -> list[Estimator]: ...  # fmt: skip


@overload
def fit_many(
    estimators: Sequence[Estimator], X: SamplesLike, y: ArrayLike, folds: Any, *,
    sample_weight: ArrayLike | None = None, n_threads: int | None = None,
    n_jobs: int | None = None,
) -> list[list[tuple[Estimator, float]]]: ...  # fmt: skip


def fit_many(
    estimators: Sequence[Any],
    X: SamplesLike,
    y: ArrayLike,
    folds: Any = None,
    *,
    sample_weight: ArrayLike | None = None,
    n_threads: int | None = None,
    n_jobs: int | None = None,
) -> list[Any]:
    """Fit several estimators to the same data at once, each as its own `fit` would, bit for bit.

    Fits by "adam" and "sgd" share the threads, one to a thread, and X, which is checked and
    converted once. Whoever else is in the list, in whatever order, changes nothing.

    Parameters
    ----------
    estimators : sequence of MLPClassifier and MLPRegressor
        Each once; or of subclasses. Those with an own `fit`, or with arithmetic of their own, are
        fitted one after the other, and so are those by "lbfgs", with all threads for each.
    X : array_like, DataFrame or sparse matrix, (n_samples, n_features)
    y : array_like, (n_samples,) or (n_samples, n_outputs)
    folds : None, int, splitter of scikit-learn, or iterable of (train, test); default None
        None: the estimators themselves are fitted, to all samples. Else copies of them are, to
        each fold's samples, and have a score on its others: folds are what
        `sklearn.model_selection.check_cv` makes of this. A number is that of folds, stratified if
        all estimators are classifiers; train and test are numbers of rows, or masks.
    sample_weight : array_like, (n_samples,), or None, default None
        For all estimators; scores are without.
    n_threads : int or None, default None
        How many threads share the fits by "adam" and "sgd", in place of the estimators' own
        n_threads. None: what `fastnn.threads` says, and else all cores that this process may use.
    n_jobs : int or None, default None
        How many shares of the list joblib gives to its workers: processes, or a cluster of Dask or
        Ray; n_threads is then for each of them. None: what ``joblib.parallel_config`` says, and
        else all happens here, without joblib. Fitted states come back into the estimators; what
        callbacks write elsewhere stays with the workers.

    Returns
    -------
    list of estimators, or with folds list of list of (estimator, float)
        Those of the list, fitted; or for each of them, fold by fold, a fitted copy and its score.

    Raises
    ------
    TypeError, ValueError
        For an estimator that is there twice, or has bad parameters, before any is fitted; for bad
        data. A note says for which of the estimators. Other fits end then where they are.
    TrainingDivergedError
        A ValueError, as of `fit`: after all have ended, if some have diverged; its `networks` are
        their places in the list. With folds the score of such a fit is NaN, with a FitFailedWarning
        as by `sklearn.model_selection.cross_validate`; this is raised only if all have diverged.
    RuntimeError
        If an estimator is being fitted elsewhere.

    Notes
    -----
    Ctrl-C ends all fits as it does one, with a warning, where all have begun; else
    KeyboardInterrupt is raised after that. With n_jobs it is raised, estimators that processes
    have are as they were, and threads of joblib's go on to the end of their fits.

    Estimators that share one instance of RandomState draw from it one after the other, and so are
    fitted one after the other; folds' copies have copies of it. An estimator whose random_state is
    None gets a generator of its own, which NumPy's draws: after ``numpy.random.seed`` the list has
    the same result again, but not that of `fit` after `fit`.

    Examples
    --------
    >>> from fastnn.sklearn import MLPClassifier, fit_many
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> settings = {"hidden_layer_sizes": (20,), "learning_rate_init": 0.02, "tol": 0.001}
    >>> models = [MLPClassifier(**settings, random_state=seed) for seed in range(4)]
    >>> fit_many(models, X, y)[0] is models[0]
    True
    >>> results = fit_many(models, X, y, folds=3)
    >>> len(results), [score > 0.9 for fitted, score in results[0]]
    (4, [True, True, True])
    """
    given = _estimators(estimators)
    if folds is None:
        fits = [Fit(f"estimators[{i}]", one) for i, one in enumerate(given)]
        fit_all(fits, X, y, sample_weight, n_threads=n_threads, n_jobs=n_jobs)
        return given
    check_consistent_length(X, y)
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X)
    splits = _splits(folds, X, y, all(is_classifier(one) for one in given))
    fits = [
        Fit(f"estimators[{i}] in folds[{k}]", clone(one), k)
        for k in range(len(splits))
        for i, one in enumerate(given)
    ]
    fit_all(fits, X, y, sample_weight, splits, n_threads=n_threads, n_jobs=n_jobs)
    return [
        [(fit.estimator, fit.score) for fit in fits[i :: len(given)]] for i in range(len(given))
    ]


def _splits(folds: Any, X: Any, y: Any, stratified: bool) -> list[tuple[Array, Array]]:
    """Rows to train on and to test on, of each fold."""
    is_number = isinstance(folds, int | np.integer) and not isinstance(folds, bool)
    if not is_number and not hasattr(folds, "split") and not hasattr(folds, "__iter__"):
        raise TypeError(f"folds must be {FOLDS}, got {_checks.description(folds)}")
    n, found = X.shape[0] if hasattr(X, "shape") else len(X), []
    if is_number or hasattr(folds, "split"):
        folds = check_cv(folds, y, classifier=stratified).split(X, y)
    for k, fold in enumerate(folds):
        try:
            train, test = fold
        except (TypeError, ValueError):
            raise TypeError(
                f"folds[{k}] must be a pair (train, test) of rows, got "
                f"{_checks.description(fold)}; folds are {FOLDS}"
            ) from None
        found.append((
            _data_checks.row_numbers(train, f"train of folds[{k}]", n),
            _data_checks.row_numbers(test, f"test of folds[{k}]", n),
        ))  # fmt: skip
    if not found:
        raise ValueError(f"folds must be {FOLDS}, got none")
    return found


def _estimators(estimators: Any) -> list[Any]:
    given = _checks.sequence(estimators, "estimators", "a list of estimators")
    for i, one in enumerate(given):
        if not isinstance(one, OnKernels):
            raise TypeError(
                f"estimators[{i}] must be an MLPClassifier or MLPRegressor of fastnn.sklearn, got "
                f"{_checks.description(one)}{_way_out(one)}"
            )
    _checks.each_once(given, "estimators", "sklearn.base.clone")
    return given


def _way_out(one: Any) -> str:
    """What to do with another estimator."""
    if isinstance(one, type):
        return "; give an instance"
    if isinstance(one, BaseMultilayerPerceptron):
        return " of scikit-learn; import it from fastnn.sklearn"
    if hasattr(one, "fit"):
        return (
            "; for others, such as pipelines and ensembles, there are GridSearchCV and "
            'cross_val_score: joblib.parallel_config("threading", n_jobs=...) shares the cores'
        )
    return ""


@dataclass
class Fit:
    """One estimator's, and what comes of it."""

    name: str  # for errors
    estimator: Any
    fold: int | None = None
    bootstrap: np.random.RandomState | None = None  # that draws samples
    random_state: np.random.RandomState | None = None  # in place of NumPy's own
    goes_alone: bool = False
    has_ended: bool = False
    error: ValueError | None = None  # if it has diverged
    score: float = math.nan

    def laps(self, data: Source, alone: bool) -> Laps:
        """As OnKernels has them; none, where it all happens at once."""
        estimator = self.estimator
        try:
            if self.is_own():
                X, y, weight = data.given(self.fold)
                weights = {} if weight is None else {"sample_weight": weight}
                estimator.fit(X, y, **weights)
            else:
                X, y, weight, shared = data.of_fold(self.fold)
                alone |= self.goes_alone
                laps = estimator._laps(
                    X, y, estimator._weights(y, weight), alone=alone, shared=shared,
                    random_state=self.random_state, bootstrap=self.bootstrap,
                )  # fmt: skip
                if alone:
                    run(laps)
                else:
                    yield from laps
        except Interrupted:
            self.has_ended = True
            raise
        except ValueError as error:
            if not isinstance(error.__cause__, TrainingDivergedError):
                raise
            self.error = error.with_traceback(None)  # which has the data
            error.__cause__.with_traceback(None)
        self.has_ended = True

    def is_own(self) -> bool:
        """A fit by a subclass, or by scikit-learn for it."""
        return replaces_any(self.estimator, OURS, OnKernels) or replaces_any(
            self.estimator, REPLACED, BaseMultilayerPerceptron
        )

    def take_over(self, done: Fit) -> None:
        """What has come of this in another process, or here."""
        self.has_ended, self.error, self.score = done.has_ended, done.error, done.score
        mine, found = self.estimator, done.estimator
        if mine is found:
            return
        attributes = vars(mine)
        parameters = {name: attributes[name] for name in mine.get_params(deep=False)}
        attributes.clear()
        attributes.update(found.__getstate__())
        attributes.update(parameters)
        if isinstance(mine.random_state, np.random.RandomState):
            mine.random_state.set_state(found.random_state.get_state())
            attributes["_random_state"] = mine.random_state


class Source:
    """The data of many fits, checked and converted once for all; and those of each fold."""

    def __init__(
        self, X: Any, y: Any, sample_weight: Any, splits: Sequence[tuple[Array, Array]],
        estimator: Any,
    ) -> None:  # fmt: skip
        self.X, self.y, self.sample_weight, self.splits = X, y, sample_weight, splits
        self.estimator = estimator  # for errors
        has_names = hasattr(X, "columns") or hasattr(X, "__dataframe__")
        self.table = X if has_names else None
        self.last: tuple[int | None, tuple[Any, Any, Any, Shared]] | None = None

    @once
    def rows(self) -> Any:
        """X as kernels take it, as far as that does not hang on the estimator."""
        rows = check_array(
            self.X, accept_sparse=["csr", "csc"], dtype=[np.float64, np.float32],
            estimator=self.estimator, input_name="X",
        )  # fmt: skip
        return rows.tocsr() if hasattr(rows, "tocsr") else np.ascontiguousarray(rows)

    def of_fold(self, fold: int | None) -> tuple[Any, Any, Any, Shared]:
        """Rows, y and weights to train on; the last fold's are kept for the next estimator."""
        if self.last is None or self.last[0] != fold:
            self.last = fold, (*self._rows_of(fold, self.rows), Shared(self.table))
        return self.last[1]

    def given(self, fold: int | None) -> tuple[Any, Any, Any]:
        """The same, X of the kind in which it came."""
        return self._rows_of(fold, self.X)

    def _rows_of(self, fold: int | None, X: Any) -> tuple[Any, Any, Any]:
        X, y, weight = (
            one if one is None or fold is None else safe_indexing(one, self.splits[fold][0])
            for one in (X, self.y, self.sample_weight)
        )
        return X, y, weight


def fit_all(
    fits: Sequence[Fit],
    X: Any,
    y: Any,
    sample_weight: Any,
    splits: Sequence[tuple[Array, Array]] = (),
    *,
    n_threads: int | None,
    n_jobs: int | None,
) -> None:
    """Fit, here or elsewhere, and score if there are folds; in the end errors of those diverged."""
    threads.get(n_threads, "n_threads")
    _check_parameters(fits)
    groups = _groups(fits)
    n_shares = min(effective_n_jobs(n_jobs), len(groups))
    if n_shares > 1:
        shares = [[fit for group in groups[k::n_shares] for fit in group] for k in range(n_shares)]
        found = Parallel(n_jobs=n_jobs)(
            delayed(_fit_share)(share, X, y, sample_weight, splits, n_threads) for share in shares
        )
        for share, done in zip(shares, found, strict=True):
            for fit, one in zip(share, done, strict=True):
                fit.take_over(one)
    elif fits:
        _fit_share(fits, X, y, sample_weight, splits, n_threads)
    _tell_divergence(fits)


def _check_parameters(fits: Sequence[Fit]) -> None:
    for fit in fits:
        try:
            fit.estimator._validate_params()
            if not fit.is_own():
                fit.estimator._checked_settings()
        except (TypeError, ValueError, RuntimeError) as error:
            error.add_note(f"This is for {fit.name}.")
            raise


def _groups(fits: Sequence[Fit]) -> list[list[Fit]]:
    """Those who draw from the same random numbers go one after the other, in one process."""
    groups: dict[int, list[Fit]] = {}
    for fit in fits:
        random_state = fit.estimator.random_state
        if random_state is None:
            seed = check_random_state(None).randint(np.iinfo(np.int32).max)
            fit.random_state = np.random.RandomState(seed)
        is_instance = isinstance(random_state, np.random.RandomState)
        groups.setdefault(id(random_state if is_instance else fit), []).append(fit)
    for group in groups.values():
        for fit in group:
            fit.goes_alone = len(group) > 1
    return list(groups.values())


def _fit_share(
    fits: Sequence[Fit], X: Any, y: Any, sample_weight: Any,
    splits: Sequence[tuple[Array, Array]], n_threads: int | None,
) -> Sequence[Fit]:  # fmt: skip
    """These, here."""
    wanted = threads.get(n_threads, "n_threads")
    data = Source(X, y, sample_weight, splits, fits[0].estimator)
    if len(fits) == 1:
        fits[0].goes_alone = True
    begins, names = [partial(fit.laps, data) for fit in fits], [fit.name for fit in fits]
    before = threads.of_context.get()
    try:  # and not `with use_threads`, whose end Ctrl-C may keep from running
        threads.of_context.set(wanted)
        try:
            together.train(begins, names, wanted)
        except KeyboardInterrupt:
            if not all(fit.has_ended for fit in fits):
                raise
        _score(fits, X, y, splits)
    finally:
        threads.of_context.set(before)
    return fits


def _score(fits: Sequence[Fit], X: Any, y: Any, splits: Sequence[tuple[Array, Array]]) -> None:
    """Those that have ended, on the rows that their folds have left out."""
    for k, (_, test) in enumerate(splits):
        X_test, y_test = safe_indexing(X, test), safe_indexing(y, test)
        for fit in fits:
            if fit.fold == k and fit.error is None:
                fit.score = float(fit.estimator.score(X_test, y_test))


def _tell_divergence(fits: Sequence[Fit]) -> None:
    diverged = [fit for fit in fits if fit.error is not None]
    if not diverged:
        return
    first = diverged[0]
    message = (
        f"{len(diverged)} of {len(fits)} {'estimators' if first.fold is None else 'fits'} "
        f"diverged, {first.name} first: {first.error}"
    )
    if first.fold is not None and len(diverged) < len(fits):
        warn(f"{message} The scores of those that diverged are NaN.", FitFailedWarning)
        return
    networks = (i for i, fit in enumerate(fits) if fit.error is not None)
    cause = first.error.__cause__ if first.error is not None else None
    raise _divergence(message, tuple(networks)) from cause


def _divergence(message: str, networks: tuple[int, ...]) -> TrainingDivergedError:
    """Which no frame that it goes through has: they have all data."""
    error = TrainingDivergedError(message)
    error.networks = networks
    return error
