"""Fits of scikit-learn's multilayer perceptrons, with the arithmetic of fastnn.

Whatever is not arithmetic comes from scikit-learn's classes, beside which OnKernels stands:
parameters, checks, warnings, initial weights, policies of the learning rate. What replaces their
methods does what these do, to rounding, from the same random numbers; the source to compare with is
sklearn/neural_network/_multilayer_perceptron.py and _stochastic_optimizers.py.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from fastnn import _data_checks, threads
from fastnn._core.data import Data
from fastnn._exchange import Exporting
from fastnn._training.loop import run
from fastnn.callbacks import get as get_callbacks
from fastnn.network import Network
from fastnn.sklearn._lbfgs import Objective
from fastnn.sklearn._optimizers import as_in_scikit_learn, new_optimizer, own_optimizer
from fastnn.sklearn._parameters import Backing, WithParameters
from fastnn.sklearn._scikit_learn import (
    BaseMultilayerPerceptron,
    check_sample_weight,
    fit_context,
    replaces_any,
    validate_data,
)
from fastnn.sklearn._steps import Interrupted, Steps, drawn, dtype_of_loss

if TYPE_CHECKING:
    from typing import Self, TypeAlias

    from numpy.typing import ArrayLike, NDArray

    from fastnn._core.samples import Sparse
    from fastnn._training.loop import Laps
    from fastnn.callbacks import Callback
    from fastnn.export._exported import Exported

    SamplesLike: TypeAlias = ArrayLike | Sparse

Array = np.ndarray[Any, Any]

THEIR_ACTIVATIONS = {"identity", "logistic", "relu", "tanh"}
THEIR_LOSSES = {"log_loss", "squared_error", "poisson"}
# Attributes that scikit-learn's estimators do not have.
NOT_THEIRS = {"_backing", "_unrounded_best_loss", "validation_loss_curve_"}
# For what callbacks may monitor.
NEEDED = {
    "validation_score": ", which needs early_stopping=True",
    "val_loss": ", which needs early_stopping=True and validation_loss=True",
}
# Methods of scikit-learn's that kernels stand in for. Where a subclass has its own, as for another
# loss, scikit-learn's fit is the one that calls it.
REPLACED = (
    "_fit_stochastic", "_fit_lbfgs", "_backprop", "_compute_loss_grad", "_forward_pass",
    "_update_no_improvement_count",
)  # fmt: skip


# What scikit-learn's checks of X and y leave in an estimator.
OF_INPUTS = ("n_features_in_", "feature_names_in_", "classes_", "_label_binarizer")


@dataclass
class Shared:
    """X and y that several fits have, made of the same data."""

    table: Any  # what X has been made of, if its columns have names
    # By the class of an estimator: X, y and attributes that its checks have made.
    inputs: dict[type, tuple[Any, Array, dict[str, Any]]] = field(default_factory=dict)


class OnKernels(Exporting, WithParameters):
    """What replaces methods of scikit-learn's BaseMultilayerPerceptron."""

    _theirs: ClassVar[Any]  # the class of scikit-learn's
    n_threads: int | None
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | Any  # None with early_stopping, and the next two without it
    validation_scores_: list[float] | Any
    best_validation_score_: float | Any
    validation_loss_curve_: list[float]
    n_iter_: int
    t_: int
    n_layers_: int
    n_outputs_: int
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    _no_improvement_count: Any
    _optimizer: Any

    if TYPE_CHECKING:  # of scikit-learn's, whose methods have no types

        def score(
            self, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None = None
        ) -> float: ...

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...

        def set_params(self, **params: Any) -> Self: ...

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to data, as scikit-learn's class of the same name.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix, (n_samples, n_features)
        y : array_like, (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like, (n_samples,), or None, default None

        Returns
        -------
        self
        """
        return self._fit(X, y, self._weights(y, sample_weight))

    def _weights(self, y: Any, sample_weight: Any) -> Any:
        """Those of the samples in a fit, also by their classes."""
        if getattr(self, "class_weight", None) is None:
            return sample_weight
        return weighted(self.class_weight, y, sample_weight)

    def _exported(self) -> Exported:
        check_is_fitted(self)
        found = self._network()._exported()
        names = getattr(self, "feature_names_in_", None)
        found = replace(
            found, kind="regressor", feature_names=None if names is None else tuple(names)
        )
        binarizer = getattr(self, "_label_binarizer", None)
        if binarizer is not None:
            is_multilabel = binarizer.y_type_.startswith("multilabel")
            found = replace(
                found, kind="multilabel" if is_multilabel else "classifier",
                classes=tuple(binarizer.classes_.tolist()),
            )  # fmt: skip
        return found

    def to_network(self, *, seed: int | None = None) -> Network:
        """A `fastnn.Network` with copies of the parameters: see `fastnn.interop.from_sklearn`.

        Parameters
        ----------
        seed : int or None, default None
            As for `Network`.
        """
        return Network.from_sklearn(self, seed=seed)

    def to_sklearn(self) -> Any:
        """scikit-learn's own estimator with the same parameters, fitted alike.

        For places without fastnn: its predictions are these to rounding, and what it does not have,
        such as callbacks, class weights and further losses, is left out, which another fit there
        would tell.

        Raises
        ------
        ValueError
            If scikit-learn does not have the activation, or not for layers that differ.
        """
        sizes = self.hidden_layer_sizes
        given = self._hidden_activations(len(list(sizes)) if hasattr(sizes, "__iter__") else 1)
        names = {"logistic" if name == "sigmoid" else name for name in given}
        if len(names) > 1 or not names <= THEIR_ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {', '.join(sorted(THEIR_ACTIVATIONS))} for "
                f"scikit-learn, the same for all layers, got {self.activation!r}."
            )
        own = self.get_params(deep=False)
        parameters = {name: own[name] for name in self._theirs().get_params(deep=False)}
        parameters["activation"] = names.pop() if names else "relu"
        if self.loss not in THEIR_LOSSES:
            parameters.pop("loss", None)
        theirs = self._theirs(**parameters)
        getattr(self, "coefs_", None)  # the lists as they are by now, in a fit
        left_out = {*own, *vars(theirs), *NOT_THEIRS}
        attributes = {name: one for name, one in vars(self).items() if name not in left_out}
        if "_optimizer" in attributes:
            attributes["_optimizer"] = as_in_scikit_learn(self._optimizer, self._network())
        vars(theirs).update(copy.deepcopy(attributes))
        if "coefs_" in attributes:  # which early stopping goes back to there
            theirs._best_coefs, theirs._best_intercepts = theirs.coefs_, theirs.intercepts_
        return theirs

    def _fit(self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False) -> Self:
        if replaces_any(self, REPLACED, BaseMultilayerPerceptron):
            weights = {} if sample_weight is None else {"sample_weight": sample_weight}
            return super()._fit(X, y, **weights, incremental=incremental)
        with contextlib.suppress(Interrupted):
            run(self._laps(X, y, sample_weight, incremental))
        return self

    def _checked_settings(self) -> tuple[list[int], list[Callback]]:
        """Sizes of the hidden layers, and callbacks; what scikit-learn's constraints do not see."""
        running: Backing | None = self.__dict__.get("_backing")
        if running is not None and running.is_trained:
            raise RuntimeError(
                "the estimator is being fitted, and this is a part of that, such as a callback, or "
                "another thread: work on a copy.deepcopy of it, or wait until the fit has ended"
            )
        sizes = self.hidden_layer_sizes
        hidden = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        self._hidden_activations(len(hidden))
        return hidden, self._checked_callbacks()

    def _laps(
        self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False, *,
        alone: bool = True, shared: Shared | None = None,
        random_state: np.random.RandomState | None = None,
        bootstrap: np.random.RandomState | None = None,
    ) -> Laps:  # fmt: skip
        """A fit, as a generator of laps: see `fastnn._training.loop`, and Steps.

        By L-BFGS there are none. shared: with other fits, X and y are. random_state: in place of
        NumPy's own, where the estimator has none. bootstrap: draws the samples to train on, of
        which X and y have all, and all classes.
        """
        hidden, callbacks = self._checked_settings()
        attributes = self.__dict__
        first = "coefs_" not in attributes or (not self.warm_start and not incremental)
        before = attributes.copy()
        try:
            X, y = self._checked_input(X, y, incremental, first, shared)
            if sample_weight is not None:
                sample_weight = check_sample_weight(sample_weight, X)
            if self.early_stopping and incremental:
                raise ValueError("partial_fit does not support early_stopping=True")
            y = self._begin(X, y, hidden, first, random_state)
        except BaseException:  # such as Ctrl-C: what the estimator has is of one fit
            self._take_back(before)
            raise
        if not first:
            before = {}  # else somebody would seem to hold coefs_
        if self.solver == "lbfgs":
            if bootstrap is not None:
                X, y, sample_weight = drawn(bootstrap, X, y, sample_weight)
            self._fit_by_lbfgs(X, y, sample_weight, [X.shape[1], *hidden, y.shape[1]])
            self._network()
            return
        if not incremental or "_optimizer" not in attributes:
            self._optimizer = new_optimizer(self)
        self._optimizer = own_optimizer(self._optimizer)
        net = self._network()
        backing: Backing = attributes["_backing"]
        steps = Steps(self, net, self._data, incremental, before)
        del before
        backing.is_trained = True
        try:
            yield from steps.laps(X, y, sample_weight, callbacks, first, alone, bootstrap)
        except Exception:
            if steps.before:
                self._take_back(steps.before)
            raise
        finally:
            backing.is_ahead, backing.is_trained = True, False  # Ctrl-C may end into_lists
            if attributes.get("_backing") is backing:  # and not what was there before
                backing.into_lists()
                attributes["coefs_"], attributes["intercepts_"] = backing.coefs, backing.intercepts

    def _take_back(self, before: dict[str, Any]) -> None:
        """To these attributes."""
        attributes = self.__dict__
        attributes.update(before)
        for name in attributes.keys() - before.keys():
            del attributes[name]

    def _begin(
        self, X: Any, y: Array, hidden: list[int], first: bool,
        random_state: np.random.RandomState | None,
    ) -> Array:  # fmt: skip
        """The generator, and at first all that a fit begins with; y, with a column per output."""
        attributes = self.__dict__
        if y.ndim == 1:
            y = y.reshape(-1, 1)
        if not first and y.shape[1] != np.shape(attributes["coefs_"][-1])[1]:
            raise ValueError(
                f"y has {y.shape[1]} outputs, but the model has learned "
                f"{np.shape(attributes['coefs_'][-1])[1]}."
            )
        self.n_outputs_ = y.shape[1]
        if random_state is None or self.random_state is not None:
            random_state = check_random_state(self.random_state)
        self._random_state = random_state
        if first:
            self._initialize(y, [X.shape[1], *hidden, self.n_outputs_], X.dtype)
            for copies in ("_best_coefs", "_best_intercepts"):  # which nobody would read
                attributes.pop(copies, None)
        return y

    def _checked_input(
        self, X: Any, y: Any, incremental: bool, reset: bool, shared: Shared | None
    ) -> tuple[Any, Array]:
        """X and y after scikit-learn's checks, which are made once for fits that share them."""
        if shared is None:
            return self._validate_input(X, y, incremental, reset)
        attributes = self.__dict__
        is_new = reset and not self.warm_start
        if is_new and type(self) in shared.inputs:
            X, y, found = shared.inputs[type(self)]
            for name in OF_INPUTS:
                attributes.pop(name, None)
            attributes.update(copy.deepcopy(found))
            return X, y
        names = None
        if shared.table is not None:
            validate_data(self, shared.table, reset=reset, skip_check_array=True)
            names = attributes.pop("feature_names_in_", None)
        try:
            X, y = self._validate_input(X, y, incremental, reset)
        finally:
            if names is not None:
                self.feature_names_in_ = names
        if is_new:
            found = {name: attributes[name] for name in OF_INPUTS if name in attributes}
            shared.inputs[type(self)] = X, y, copy.deepcopy(found)
        return X, y

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        if incremental and not reset and not self.warm_start and self._is_plain(X):
            targets = self._plain_targets(y, len(X)) if _data_checks.all_finite(X) else None
            if targets is not None:
                return X, targets
        return super()._validate_input(X, y, incremental, reset)

    def _is_plain(self, X: Any) -> bool:
        """Whether scikit-learn's checks would change nothing in X, once it is finite."""
        attributes = self.__dict__
        backing: Backing | None = attributes.get("_backing")
        return (
            type(X) is np.ndarray and X.ndim == 2 and len(X) > 0 and backing is not None
            and X.dtype == backing.net.dtype and X.shape[1] == backing.net.layer_sizes[0]
            and attributes.get("n_features_in_") in (None, X.shape[1])
            and "feature_names_in_" not in attributes
        )  # fmt: skip

    def _checked_callbacks(self) -> list[Callback]:
        callbacks = get_callbacks(self.callbacks)
        if callbacks and self.solver == "lbfgs":
            raise ValueError(
                "callbacks are called after epochs, which solver='lbfgs' does not have: use "
                "callbacks=None, or one of the solvers 'adam' and 'sgd'."
            )
        names = ["loss"]
        if self.early_stopping:
            names += ["validation_score", *(["val_loss"] if self.validation_loss else [])]
        for i, callback in enumerate(callbacks):
            monitored = getattr(callback, "monitor", None)
            if monitored is not None and monitored not in names:
                needed = NEEDED.get(
                    monitored,
                    "; with early_stopping=True there is 'validation_score', the accuracy or R² of "
                    "the samples that are held out",
                )
                raise ValueError(
                    f"callbacks[{i}].monitor must be one of {', '.join(map(repr, names))} in this "
                    f"fit, got {monitored!r}{needed}."
                )
            callback.check(names, f"callbacks[{i}]")
        return callbacks

    def _initialize(self, y: Array, layer_units: list[int], dtype: np.dtype[Any]) -> None:
        # A callback may have kept the network of the fit before.
        self.__dict__.pop("_backing", None)
        super()._initialize(y, layer_units, dtype)
        if self.loss == "poisson":
            self.out_activation_ = "exp"  # scikit-learn 1.6 does not know it
        self.__dict__.pop("_optimizer", None)
        if self.validation_loss:
            self.validation_loss_curve_ = []

    def _init_coef(self, fan_in: int, fan_out: int, dtype: np.dtype[Any]) -> Any:
        # Of "logistic" scikit-learn draws smaller ones, into the output layer too; here that one
        # goes by the layer below it.
        given = self.activation
        hidden = [given] if isinstance(given, str) else list(given)
        try:
            if hidden:
                name = hidden[min(len(self.coefs_), len(hidden) - 1)]
                self.activation = "logistic" if name == "sigmoid" else name
            return super()._init_coef(fan_in, fan_out, dtype)
        finally:
            self.activation = given

    def _data(
        self, net: Network, X: Any, y: Array, sample_weight: Array | None, shares_X: bool = True
    ) -> Data:
        """What scikit-learn's checks have made of the data, as kernels take it.

        shares_X: others may train on the same.
        """
        if getattr(X, "format", "csr") != "csr":
            X = X.tocsr()
        rows, counts, _ = _data_checks.counted_samples(X, "X", net.layer_sizes[0], net.dtype)
        if net.loss == "log_loss" and y.dtype == bool and (np.count_nonzero(y, axis=1) == 1).all():
            y = y.argmax(axis=1)[:, np.newaxis]
        weights = None if sample_weight is None else np.ascontiguousarray(sample_weight, np.float64)
        y = np.ascontiguousarray(y, net.dtype)
        own_bytes = y.nbytes + (0 if shares_X else rows.nbytes)
        return Data(
            net._model, rows, y, counts, weights, n_threads=self._n_threads(), own_bytes=own_bytes
        )

    def _n_threads(self) -> int | None:
        return threads.get(self.n_threads, "n_threads")

    def _fit_by_lbfgs(
        self, X: Any, y: Array, sample_weight: Array | None, layer_units: list[int]
    ) -> None:
        weights = [np.empty(shape) for shape in pairwise(layer_units)]
        net = self._empty_network(X.dtype, weights)
        self._objective = Objective(self._data(net, X, y, sample_weight), self.alpha)
        given = {"X": X, "y": y, "sample_weight": sample_weight, "layer_units": layer_units}
        try:
            names = inspect.signature(super()._fit_lbfgs).parameters
            # SciPy's sums would hang on how many threads a BLAS has, which look for work where
            # those of fastnn do it.
            with threadpool_limits(1, user_api="blas"):
                super()._fit_lbfgs(**{name: given.get(name) for name in names})
        except KeyboardInterrupt:  # with scikit-learn's, that is where it looked last
            views = self._objective.views
            if any(map(np.any, views)) and all(map(_data_checks.all_finite, views)):
                last = [view.astype(X.dtype) for view in views]
                self.coefs_, self.intercepts_ = last[: len(weights)], last[len(weights) :]
            raise
        finally:
            del self._objective
        dtype = dtype_of_loss(self, (X.dtype, net.dtype), y, sample_weight)
        self.loss_ = dtype.type(self.loss_)
        # SciPy has made them float64, and scikit-learn views into one array.
        self.coefs_ = [W.astype(X.dtype, order="C") for W in self.coefs_]
        self.intercepts_ = [b.astype(X.dtype) for b in self.intercepts_]

    def _loss_grad_lbfgs(
        self, packed_coef_inter: Array, X: Any, y: Array, *rest: Any
    ) -> tuple[np.float64, Array]:
        if replaces_any(self, REPLACED, BaseMultilayerPerceptron):
            return super()._loss_grad_lbfgs(packed_coef_inter, X, y, *rest)
        objective = self.__dict__.get("_objective")
        if objective is None:  # outside of a fit; rest is sample_weight, since 1.7, and four lists
            net = self._network()
            data = self._data(net, X, y, rest[0] if len(rest) > 4 else None)
            objective = Objective(data, self.alpha)
        return objective.loss_and_gradient(packed_coef_inter)

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> Array:
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        if getattr(X, "format", "csr") != "csr":
            X = X.tocsr()
        net = self._network_for(X.dtype)
        if type(X) is np.ndarray and X.ndim == 2 and X.shape[1] == net.layer_sizes[0]:
            outputs = self._outputs_of_rows(net, np.ascontiguousarray(X, net.dtype))
        else:
            outputs = net.feedforward(X, n_threads=self._n_threads())
        dtype = np.result_type(X.dtype, *(W.dtype for W in self.__dict__["coefs_"]))
        return outputs.astype(dtype, copy=False)

    def _outputs_of_plain(self, X: Any) -> Array | None:
        """Outputs for what needs no conversion, without scikit-learn's checks; else None."""
        ours = type(self)
        if (
            not self._is_plain(X) or ours._forward_pass_fast is not OnKernels._forward_pass_fast
            or ours._predict is not self._theirs._predict
            or "_forward_pass_fast" in vars(self) or "_predict" in vars(self)
        ):  # fmt: skip
            return None
        net = self._network()
        if net.dtype != X.dtype:
            return None
        try:
            return self._outputs_of_rows(net, np.ascontiguousarray(X))
        except ValueError:  # scikit-learn says what is wrong
            return None

    def _outputs_of_rows(self, net: Network, X: Array) -> Array:
        """Outputs for contiguous rows of the network's dtype, without fastnn's own checks."""
        outputs: Array | None = net._gate.feedforward(X, None)  # of a few rows
        if outputs is None:
            X = X if X.flags.aligned else X.copy()
            outputs = np.empty((len(X), net.layer_sizes[-1]), net.dtype)
            if not net._model.feedforward(X, outputs, self._n_threads()):
                raise ValueError("X must be finite.")
        return outputs


def weighted(class_weight: Any, y: Any, sample_weight: Any) -> Any:
    """The samples' weights times those of their classes."""
    if isinstance(class_weight, dict):
        for label, weight in class_weight.items():
            if not weight >= 0:
                raise ValueError(
                    f"class_weight must not be negative, got {weight!r} for class {label!r}."
                )
    of_classes = compute_sample_weight(class_weight, y)
    return of_classes if sample_weight is None else of_classes * sample_weight
