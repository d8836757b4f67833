"""scikit-learn's MLPClassifier and MLPRegressor, with the arithmetic of fastnn.

Here stand their parameters, and what is the matter of one of them: classes, or outputs. How they
are fitted stands in _fits.py; all the rest comes from scikit-learn's classes of the same name. The
same of ensembles of them: _ensembles.py has what both have.
"""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, overload

import numpy as np
from sklearn import neural_network
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelBinarizer

from fastnn.callbacks import Callback
from fastnn.export._skl2onnx import register_when_imported
from fastnn.sklearn._ensembles import Ensemble
from fastnn.sklearn._fits import OnKernels, weighted
from fastnn.sklearn._many import fit_many
from fastnn.sklearn._parameters import HIDDEN
from fastnn.sklearn._patching import classes, patch, unpatch
from fastnn.sklearn._scikit_learn import Interval, StrOptions, available_if

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal, Self

    from numpy.typing import ArrayLike, NDArray

    from fastnn.network import CallbackLike, Floats
    from fastnn.sklearn._fits import SamplesLike

__all__ = [
    "MLPClassifier", "MLPEnsembleClassifier", "MLPEnsembleRegressor", "MLPRegressor", "fit_many",
    "patch", "unpatch",
]  # fmt: skip

Array = np.ndarray[Any, Any]

CORE_LOSSES = {"mse", "mae", "huber"}
FURTHER_CONSTRAINTS = {
    "activation": [StrOptions(HIDDEN), "array-like"],
    "callbacks": [callable, Callback, "array-like", None],
    "validation_loss": ["boolean"],
    "n_threads": [Interval(Integral, 1, None, closed="left"), None],
}
OF_ENSEMBLES = {
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "bootstrap": ["boolean"],
    "n_jobs": [Integral, None],
}


class MLPClassifier(OnKernels, neural_network.MLPClassifier):
    """scikit-learn's ``MLPClassifier``, tens of times faster in training.

    The parameters of `sklearn.neural_network.MLPClassifier
    <https://scikit-learn.org/stable/modules/generated/sklearn.neural_network.MLPClassifier.html>`_
    mean what they mean there, and the same ``random_state`` gives the same model, to rounding.
    Further ones:

    Parameters
    ----------
    activation : str or list of str, default "relu"
        Also any other activation of hidden layers in `fastnn.Network`, or one for each of them.
    loss : {"log_loss", "mse", "mae", "huber"}, default "log_loss"
        The others as in `fastnn.Network`, of outputs that are probabilities still.
    class_weight : dict, "balanced" or None, default None
        At least 0; by which samples of each class count, beside their ``sample_weight``.
        ``partial_fit`` takes a dict only, as it does not see all samples.
    callbacks : callback, function, sequence of them, or None, default None
        Of `fastnn.callbacks`, called by the solvers "sgd" and "adam". Their logs have "loss" and
        "learning_rate"; with ``early_stopping`` "validation_score" too, and with
        ``validation_loss`` "val_loss".
    validation_loss : bool, default False
        With ``early_stopping``, keep the loss of the held-out samples after each epoch in
        ``validation_loss_curve_``.
    n_threads : int or None, default None
        How many threads work on a fit or a prediction; the result is the same for any number. None:
        what `fastnn.threads` says, and else as many as make it faster.

    Examples
    --------
    >>> from fastnn.sklearn import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> MLPClassifier(max_iter=500, random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    if TYPE_CHECKING:  # of scikit-learn's, whose methods have no types
        class_weight: Any
        classes_: NDArray[Any]

        def predict_log_proba(self, X: SamplesLike) -> Floats: ...

    _theirs = neural_network.MLPClassifier
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **neural_network.MLPClassifier._parameter_constraints,
        **FURTHER_CONSTRAINTS,
        "loss": [StrOptions({"log_loss", *CORE_LOSSES})],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: Literal["adam", "sgd", "lbfgs"] = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 10,
        max_fun: int = 15000,
        loss: Literal["log_loss", "mse", "mae", "huber"] = "log_loss",
        class_weight: dict[Any, Any] | Literal["balanced"] | None = None,
        callbacks: CallbackLike | Sequence[CallbackLike] | None = None,
        validation_loss: bool = False,
        n_threads: int | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.loss = loss
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.validation_loss = validation_loss
        self.n_threads = n_threads

    @available_if(lambda estimator: estimator._check_solver())
    def partial_fit(
        self,
        X: SamplesLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """One epoch over the data, as scikit-learn's class of the same name.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)
        y : array_like, (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like, (n_samples,), or None, default None
        classes : array_like, (n_classes,), or None, default None
            All that may come; needed in the first call.

        Returns
        -------
        self
        """
        if self.class_weight is not None:
            sample_weight = weighted(self._weights_of_present(y), y, sample_weight)
        known = self.__dict__.get("classes_")
        if type(classes) is np.ndarray and known is not None and np.array_equal(classes, known):
            classes = None  # to compare them again takes scikit-learn a third of a short call
        if sample_weight is None:
            return super().partial_fit(X, y, classes=classes)
        return super().partial_fit(X, y, sample_weight, classes)

    def _weights_of_present(self, y: Any) -> dict[Any, float]:
        """class_weight without the classes that are not in y, which scikit-learn might refuse."""
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" is not supported for partial_fit, which does not see all '
                "samples; give a dict, made by sklearn.utils.class_weight.compute_class_weight "
                "from y, or from a large enough part of it."
            )
        present = np.unique(y)
        return {label: w for label, w in self.class_weight.items() if label in present}

    def _plain_targets(self, y: Any, n: int) -> Array | None:
        """What scikit-learn makes of y, if that needs none of its checks; else None."""
        classes = self.classes_
        if (
            type(y) is not np.ndarray or y.shape != (n,) or y.dtype != classes.dtype
            or y.dtype.kind not in "biufU" or len(classes) < 2
        ):  # fmt: skip
            return None
        places = classes.searchsorted(y)
        known = classes.take(places, mode="clip") == y
        if not known.all():
            return None
        if len(classes) == 2:
            return (places == 1)[:, np.newaxis]
        return places[:, np.newaxis] == np.arange(len(classes))

    def predict(self, X: SamplesLike) -> NDArray[Any]:
        """The class of each sample.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)

        Returns
        -------
        ndarray, (n_samples,) or (n_samples, n_classes) for several labels
        """
        outputs = self._outputs_of_plain(X)
        return super().predict(X) if outputs is None else self._labels(outputs)

    def _labels(self, outputs: Array) -> NDArray[Any]:
        """Those of outputs, (n_samples, n_outputs_)."""
        binarizer: Any = self._label_binarizer
        if type(binarizer) is LabelBinarizer:
            n = len(binarizer.classes_)
            if binarizer.y_type_ == "multiclass" and n == outputs.shape[1] > 1:
                return binarizer.classes_.take(outputs.argmax(axis=1))
            if binarizer.y_type_ == "binary" and n == 2 and outputs.shape[1] == 1:
                return binarizer.classes_.take(outputs[:, 0] > 0.5)
        return binarizer.inverse_transform(outputs.ravel() if self.n_outputs_ == 1 else outputs)

    def predict_proba(self, X: SamplesLike) -> Floats:
        """The probability of each class.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)

        Returns
        -------
        ndarray, (n_samples, n_classes)
        """
        outputs = self._outputs_of_plain(X)
        if outputs is not None and self.n_outputs_ > 1:
            return outputs
        return super().predict_proba(X)


class MLPRegressor(OnKernels, neural_network.MLPRegressor):
    """scikit-learn's ``MLPRegressor``, tens of times faster in training.

    The parameters of `sklearn.neural_network.MLPRegressor
    <https://scikit-learn.org/stable/modules/generated/sklearn.neural_network.MLPRegressor.html>`_
    mean what they mean there, and the same ``random_state`` gives the same model, to rounding.
    Further ones:

    Parameters
    ----------
    loss : {"squared_error", "poisson", "mse", "mae", "huber"}, default "squared_error"
        The last three as in `fastnn.Network`.
    activation : str or list of str, default "relu"
        Also any other activation of hidden layers in `fastnn.Network`, or one for each of them.
    callbacks : callback, function, sequence of them, or None, default None
        Of `fastnn.callbacks`, called by the solvers "sgd" and "adam". Their logs have "loss" and
        "learning_rate"; with ``early_stopping`` "validation_score" too, and with
        ``validation_loss`` "val_loss".
    validation_loss : bool, default False
        With ``early_stopping``, keep the loss of the held-out samples after each epoch in
        ``validation_loss_curve_``.
    n_threads : int or None, default None
        How many threads work on a fit or a prediction; the result is the same for any number. None:
        what `fastnn.threads` says, and else as many as make it faster.
    """

    if TYPE_CHECKING:  # of scikit-learn's, whose methods have no types

        def partial_fit(
            self, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None = None
        ) -> Self: ...

    _theirs = neural_network.MLPRegressor
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **neural_network.MLPRegressor._parameter_constraints,
        **FURTHER_CONSTRAINTS,
        "loss": [StrOptions({"squared_error", "poisson", *CORE_LOSSES})],
    }

    def __init__(
        self,
        loss: Literal["squared_error", "poisson", "mse", "mae", "huber"] = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: Literal["adam", "sgd", "lbfgs"] = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 10,
        max_fun: int = 15000,
        callbacks: CallbackLike | Sequence[CallbackLike] | None = None,
        validation_loss: bool = False,
        n_threads: int | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.loss = loss
        self.callbacks = callbacks
        self.validation_loss = validation_loss
        self.n_threads = n_threads

    def _plain_targets(self, y: Any, n: int) -> Array | None:
        """y, if scikit-learn's checks would change nothing in it; else None."""
        if (
            type(y) is not np.ndarray or y.shape != (n,) or y.dtype.kind not in "iuf"
            or self.n_outputs_ > 1 or not np.isfinite(y).all()
        ):  # fmt: skip
            return None
        return y

    def predict(self, X: SamplesLike) -> NDArray[Any]:
        """The outputs.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)

        Returns
        -------
        ndarray, (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._outputs_of_plain(X)
        if outputs is None:
            return super().predict(X)
        return _without_axis(outputs)


class MLPEnsembleClassifier(ClassifierMixin, Ensemble):
    """An ensemble of `MLPClassifier`, all fitted at once, whose probabilities are averaged.

    Its members differ in their initial weights, in the order in which they learn the samples, and
    in what early stopping holds out. What `fit_many` says about threads, clusters and errors holds.

    Parameters
    ----------
    n_estimators : int, default 16
        How many members.
    bootstrap : bool, default False
        Whether each member learns as many samples as there are, drawn with replacement. All members
        know all classes, and class_weight is that of all samples. Early stopping holds samples out
        before, so that none is in both parts.
    n_jobs : int or None, default None
        How many shares of the members joblib gives to its workers: see `fit_many`.
    random_state : int, RandomState or None, default None
        Of which each member gets a number as its own random_state, in their order: the first 8 of
        16 members are those of an ensemble of 8.
    warm_start : bool, default False
        Whether a further fit goes on with the members that are there, each as by its own
        warm_start, and makes new ones only if n_estimators has grown; fewer are refused.
    others
        As for `MLPClassifier`, for all members. One callback serves all members, as
        `fastnn.callbacks.EarlyStopping` can, which keeps what it sees with each network.

    Attributes
    ----------
    estimators_ : list of MLPClassifier
        The members, each of which can be used alone, and has its own ``loss_curve_``. The samples
        that a bootstrap has drawn are ``RandomState(member.random_state).randint(n, size=n)``, of
        the n that early stopping has left, if any.
    classes_ : ndarray, (n_classes,)
    n_features_in_, n_outputs_ : int
    n_iter_ : int
        The most epochs, or iterations of L-BFGS, that a member has had.
    feature_names_in_ : ndarray, (n_features,)
        If X had names of columns.

    Examples
    --------
    >>> from fastnn.sklearn import MLPEnsembleClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPEnsembleClassifier(
    ...     (20,), n_estimators=8, learning_rate_init=0.02, tol=0.001, random_state=0
    ... ).fit(X, y)
    >>> len(model.estimators_), model.predict_proba(X).shape, model.score(X, y) > 0.9
    (8, (150, 3), True)
    """

    if TYPE_CHECKING:  # of scikit-learn's, whose methods have no types

        def score(
            self, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None = None
        ) -> float: ...

    classes_: NDArray[Any]
    estimators_: list[MLPClassifier]
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MLPClassifier._parameter_constraints,
        **OF_ENSEMBLES,
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        n_estimators: int = 16,
        bootstrap: bool = False,
        n_jobs: int | None = None,
        solver: Literal["adam", "sgd", "lbfgs"] = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 10,
        max_fun: int = 15000,
        loss: Literal["log_loss", "mse", "mae", "huber"] = "log_loss",
        class_weight: dict[Any, Any] | Literal["balanced"] | None = None,
        callbacks: CallbackLike | Sequence[CallbackLike] | None = None,
        validation_loss: bool = False,
        n_threads: int | None = None,
    ) -> None:
        super().__init__(MLPClassifier(), locals())

    def predict(self, X: SamplesLike) -> NDArray[Any]:
        """The class of each sample, by the mean of the members' probabilities.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)

        Returns
        -------
        ndarray, (n_samples,) or (n_samples, n_classes) for several labels
        """
        outputs = self._mean_output(X)
        return self.estimators_[0]._labels(outputs)

    def predict_proba(self, X: SamplesLike) -> Floats:
        """The probability of each class: the mean of the members'.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)

        Returns
        -------
        ndarray, (n_samples, n_classes)
        """
        outputs = self._mean_output(X)
        return outputs if outputs.shape[1] > 1 else np.hstack([1 - outputs, outputs])

    def predict_log_proba(self, X: SamplesLike) -> Floats:
        """The logarithm of `predict_proba`.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)

        Returns
        -------
        ndarray, (n_samples, n_classes)
        """
        return np.log(self.predict_proba(X))


class MLPEnsembleRegressor(RegressorMixin, Ensemble):
    """An ensemble of `MLPRegressor`, all fitted at once, whose outputs are averaged.

    Its members differ in their initial weights, in the order in which they learn the samples, and
    in what early stopping holds out. What `fit_many` says about threads, clusters and errors holds.

    Parameters
    ----------
    n_estimators : int, default 16
        How many members.
    bootstrap : bool, default False
        Whether each member learns as many samples as there are, drawn with replacement.
        Early stopping holds samples out before, so that none is in both parts.
    n_jobs : int or None, default None
        How many shares of the members joblib gives to its workers: see `fit_many`.
    random_state : int, RandomState or None, default None
        Of which each member gets a number as its own random_state, in their order: the first 8 of
        16 members are those of an ensemble of 8.
    warm_start : bool, default False
        Whether a further fit goes on with the members that are there, each as by its own
        warm_start, and makes new ones only if n_estimators has grown; fewer are refused.
    others
        As for `MLPRegressor`, for all members. One callback serves all members, as
        `fastnn.callbacks.EarlyStopping` can, which keeps what it sees with each network.

    Attributes
    ----------
    estimators_ : list of MLPRegressor
        The members, each of which can be used alone, and has its own ``loss_curve_``. The samples
        that a bootstrap has drawn are ``RandomState(member.random_state).randint(n, size=n)``, of
        the n that early stopping has left, if any.
    n_features_in_, n_outputs_ : int
    n_iter_ : int
        The most epochs, or iterations of L-BFGS, that a member has had.
    feature_names_in_ : ndarray, (n_features,)
        If X had names of columns.

    Examples
    --------
    >>> from fastnn.sklearn import MLPEnsembleRegressor
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(100, 5, random_state=0)
    >>> model = MLPEnsembleRegressor(n_estimators=8, tol=1, random_state=0).fit(X, y / y.std())
    >>> mean, std = model.predict(X, return_std=True)
    >>> mean.shape, std.shape, len(model.estimators_)
    ((100,), (100,), 8)
    """

    if TYPE_CHECKING:  # of scikit-learn's, whose methods have no types

        def score(
            self, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None = None
        ) -> float: ...

    estimators_: list[MLPRegressor]
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MLPRegressor._parameter_constraints,
        **OF_ENSEMBLES,
    }

    def __init__(
        self,
        loss: Literal["squared_error", "poisson", "mse", "mae", "huber"] = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        n_estimators: int = 16,
        bootstrap: bool = False,
        n_jobs: int | None = None,
        solver: Literal["adam", "sgd", "lbfgs"] = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: Literal["constant", "invscaling", "adaptive"] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 10,
        max_fun: int = 15000,
        callbacks: CallbackLike | Sequence[CallbackLike] | None = None,
        validation_loss: bool = False,
        n_threads: int | None = None,
    ) -> None:
        super().__init__(MLPRegressor(), locals())

    @overload
    def predict(self, X: SamplesLike, return_std: Literal[False] = False) -> Floats: ...

    @overload
    def predict(self, X: SamplesLike, return_std: Literal[True]) -> tuple[Floats, Floats]: ...

    def predict(self, X: SamplesLike, return_std: bool = False) -> Any:
        """The mean of the members' outputs.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)
        return_std : bool, default False
            Whether to return the standard deviation over the members, too: how far they disagree.

        Returns
        -------
        ndarray, (n_samples,) or (n_samples, n_outputs); or with return_std two of them
        """
        mean = self._mean_output(X)
        if not return_std:
            return _without_axis(mean)
        squares = sum((one - mean) ** 2 for one in self._each_output(X))
        return _without_axis(mean), _without_axis(np.sqrt(squares / len(self.estimators_)))


def _without_axis(outputs: Array) -> Array:
    """Of a single output, (n_samples,)."""
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs


classes.update((ours._theirs, ours) for ours in (MLPClassifier, MLPRegressor))
register_when_imported(
    classifiers=[MLPClassifier, MLPEnsembleClassifier],
    regressors=[MLPRegressor, MLPEnsembleRegressor],
)
