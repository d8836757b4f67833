"""Fits of scikit-learn's multilayer perceptrons, with the arithmetic of fastnn.

Whatever is not arithmetic comes from scikit-learn's classes, beside which OnKernels stands:
parameters, checks, warnings, initial weights, scores. What replaces their methods does what these
do, to rounding, from the same random numbers; the source to compare with is
sklearn/neural_network/_multilayer_perceptron.py and _stochastic_optimizers.py.
"""

from __future__ import annotations

import operator
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import validate_data

from fastnn import _checks, _data_checks, _kernels
from fastnn._samples import Samples, room_for
from fastnn.callbacks import Callback, LambdaCallback
from fastnn.chunks import row_chunks
from fastnn.course import Course, Data, Settings
from fastnn.exceptions import TrainingDivergedError
from fastnn.history import History
from fastnn.network import Network
from fastnn.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from fastnn.orders import InOrder, Orders
from fastnn.watching import Watch

if TYPE_CHECKING:
    Estimator = Any  # of scikit-learn, beside which this stands
else:
    Estimator = object

Array = np.ndarray[Any, Any]

HIDDEN = {name for name in _checks.ACTIVATIONS if name not in ("softmax", "step")} | {"logistic"}
SMALLEST_RATE = 1e-6
OF_THE_NETWORK = {"_network", "_made_of"}  # and what it is made of: see _as_network


class Reshuffled:
    """The orders of scikit-learn: each epoch's is that of the one before, shuffled once more."""

    def __init__(self, n: int, random_state: np.random.RandomState) -> None:
        self.order = np.arange(n, dtype=np.intp)
        self.random_state = random_state

    def draw(self, n_epochs: int) -> Orders:
        self.before = self.order, self.random_state.get_state()
        orders = np.empty((n_epochs, len(self.order)), np.intp)
        for row in orders:
            places = np.arange(len(self.order))
            self.random_state.shuffle(places)
            self.order = np.take(self.order, places, out=row)
        return orders

    def keep(self, n_epochs: int) -> None:
        self.order, state = self.before
        self.random_state.set_state(state)
        self.draw(n_epochs)


class OnKernels(Estimator):
    """What replaces methods of scikit-learn's BaseMultilayerPerceptron."""

    activation: Any
    coefs_: Any
    intercepts_: Any
    best_loss_: Any
    best_validation_score_: Any
    _best_coefs: Any
    _best_intercepts: Any
    _no_improvement_count: Any
    _optimizer: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
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
        if getattr(self, "class_weight", None) is not None:
            sample_weight = weighted(self.class_weight, y, sample_weight)
        if sample_weight is None:  # which scikit-learn 1.6 does not know
            return super().fit(X, y)
        return super().fit(X, y, sample_weight)

    def _validate_params(self) -> None:
        super()._validate_params()
        sizes = self.hidden_layer_sizes
        self._hidden_activations(len(list(sizes)) if hasattr(sizes, "__iter__") else 1)
        self._checked_callbacks()

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Any]:
        if incremental and not reset and not self.warm_start and self._is_plain(X):
            targets = self._plain_targets(y, len(X)) if _data_checks.all_finite(X) else None
            if targets is not None:
                return X, targets
        return super()._validate_input(X, y, incremental, reset)

    def _is_plain(self, X: Any) -> bool:
        """Whether scikit-learn's checks would change nothing in X, once it is finite."""
        return (
            type(X) is np.ndarray and X.ndim == 2 and X.dtype == self.coefs_[0].dtype
            and len(X) > 0 and X.shape[1] == self.n_features_in_
            and "feature_names_in_" not in self.__dict__
        )  # fmt: skip

    def _hidden_activations(self, n_hidden: int) -> list[str]:
        """Of each of n_hidden layers, as given."""
        given = self.activation
        hidden = [given] * n_hidden if isinstance(given, str) else list(given)
        if len(hidden) != n_hidden or not all(
            isinstance(name, str) and name in HIDDEN for name in hidden
        ):
            raise ValueError(
                f"activation must be one of {', '.join(sorted(HIDDEN))}, or a list with one for "
                f"each of {n_hidden} hidden layer{_checks.plural(n_hidden)}, got {given!r}."
            )
        return hidden

    def _core_activations(self) -> list[str]:
        """Of each layer, by their names in fastnn."""
        names = *self._hidden_activations(len(self.coefs_) - 1), self.out_activation_
        return ["sigmoid" if name == "logistic" else name for name in names]

    def _checked_callbacks(self) -> list[Any]:
        callbacks = _checks.callbacks(self.callbacks, "callbacks", Callback, LambdaCallback)
        for i, callback in enumerate(callbacks):
            callback.check(["loss"], f"callbacks[{i}]")
        return callbacks

    def _core_loss(self) -> str:
        if self.loss == "log_loss" and self.out_activation_ == "logistic":
            return "binary_log_loss"
        return self.loss

    def _initialize(self, y: Array, layer_units: list[int], dtype: np.dtype[Any]) -> None:
        super()._initialize(y, layer_units, dtype)
        if self.loss == "poisson":
            self.out_activation_ = "exp"  # scikit-learn 1.6 does not know it
        self.__dict__.pop("_optimizer", None)
        if self.validation_loss:
            self.validation_loss_curve_: list[float] = []

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

    def _to_network(self) -> Network:
        """A network with the parameters, of which coefs_ and intercepts_ become views."""
        net = self._as_network()
        self.coefs_, self.intercepts_ = list(net.weights), list(net.biases)
        self._network = net
        self._made_of = (*self.coefs_, *self.intercepts_, self.activation, self.loss)
        return net

    def _as_network(self) -> Network:
        """A network with copies of coefs_ and intercepts_, or the one whose views they are."""
        made_of = (*self.coefs_, *self.intercepts_, self.activation, self.loss)
        before = self.__dict__.get("_made_of", ())
        if len(before) == len(made_of) and all(map(operator.is_, before, made_of)):
            return self._network
        net = Network.__new__(Network)
        sizes = (len(self.coefs_[0]), *(len(b) for b in self.intercepts_))
        activations, loss = tuple(self._core_activations()), self._core_loss()
        net._set_up(sizes, activations, loss, self.coefs_[0].dtype, np.random.default_rng(0))
        given_parameters = (*self.coefs_, *self.intercepts_)
        for mine, given in zip(net.weights + net.biases, given_parameters, strict=True):
            mine[:] = given
        return net

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in OF_THE_NETWORK}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if getattr(self, "coefs_", None):  # there are none yet where a first fit was interrupted
            self._to_network()

    def _rows(self, X: Any) -> tuple[Any, Array | None]:
        """Checked samples as kernels take them, and how many numbers in each row are not zero."""
        if getattr(X, "format", "csr") != "csr":
            X = X.tocsr()
        dtype = self.coefs_[0].dtype
        return _data_checks.counted_samples(X, "X", self.n_features_in_, dtype)

    def _targets(self, y: Array) -> Array:
        """What scikit-learn has made of y, as kernels take it."""
        dtype, n_outputs = self.coefs_[0].dtype, len(self.intercepts_[-1])
        if y.shape[1] != n_outputs:
            raise ValueError(f"y has {y.shape[1]} outputs, but the model has learned {n_outputs}.")
        if self._core_loss() == "log_loss":
            y = y.argmax(axis=1)[:, np.newaxis]
        return np.ascontiguousarray(y, dtype)

    def _data(self, X: Any, y: Array, sample_weight: Array | None) -> Data:
        rows, counts = self._rows(X)
        weights = None if sample_weight is None else np.ascontiguousarray(sample_weight, np.float64)
        return Data(self._network._model, rows, self._targets(y), counts, weights)

    def _settings(self, n_samples: int) -> Settings:
        if self.batch_size == "auto":
            batch_size = min(200, n_samples)
        else:
            if self.batch_size > n_samples:
                warnings.warn(
                    "Got `batch_size` less than 1 or larger than "
                    "sample size. It is going to be clipped",
                    stacklevel=2,
                )
            batch_size = int(np.clip(self.batch_size, 1, n_samples))
        optimizer: Optimizer
        if self.solver == "adam":
            optimizer = Adam(
                beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon, epsilon_hat=True,
                l2=self.alpha,
            )  # fmt: skip
        elif self.momentum == 0:
            optimizer = SGD(l2=self.alpha)
        else:
            kind = Nesterov if self.nesterovs_momentum else Momentum
            optimizer = kind(momentum=self.momentum, rate_inside=True, l2=self.alpha)
        patience = sys.maxsize - 1 if self.n_iter_no_change == np.inf else self.n_iter_no_change
        return Settings(
            epochs=self.max_iter,
            learning_rate=self._rate,
            batch_size=batch_size,
            shuffle=self.shuffle,
            optimizer=optimizer,
            tol=None if self.early_stopping else float(self.tol),
            patience=patience + 1,
            as_sklearn=True,
        )

    def _rate(self, epoch: int) -> float:
        """The learning rate in an epoch of this fit."""
        if self.solver == "sgd" and self.learning_rate == "invscaling" and epoch > 0:
            t = self._t_before + epoch * self._n_samples
            return float(self.learning_rate_init) / (t + 1) ** self.power_t
        return self._learning_rate

    def _fit_stochastic(self, X: Any, y: Array, *rest: Any) -> None:
        """rest is sample_weight (since scikit-learn 1.7), five lists, and whether to go on."""
        incremental, sample_weight = rest[-1], rest[0] if len(rest) > 6 else None
        goes_on = incremental and hasattr(self, "_optimizer")
        if not goes_on:
            self._learning_rate = float(self.learning_rate_init)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        net = self._to_network()
        net.reset_trainer()
        validation = None
        if self.early_stopping:
            X, validation, y, sample_weight = self._split(X, y, sample_weight)
        if goes_on:
            net._trainer.optimizer = self._optimizer
        data = self._data(X, y, sample_weight)
        self._n_samples, self._t_before = len(data.X), self.t_
        settings = self._settings(self._n_samples)
        order: Any = InOrder(self._n_samples)
        if self.shuffle:
            order = Reshuffled(self._n_samples, self._random_state)
        with net._model.turn(trains=True):
            course = Course(net, data, settings, order)
            course.plan["stale"] = self._no_improvement_count
            if not self.early_stopping:
                course.plan["best"] = self.best_loss_
            self._train(course, data, validation, incremental)

    def _train(
        self, course: Course, data: Data, validation: tuple[Any, ...] | None, incremental: bool
    ) -> None:
        """Epochs, until there have been enough."""
        net = course.net
        watch = Watch(net, data, callbacks=self._checked_callbacks())
        self.n_iter_ = 0
        laps = []
        watch.begin()
        try:
            while self.n_iter_ < self.max_iter:
                n_epochs = min(
                    1 if incremental or self.early_stopping or self.verbose else self.max_iter,
                    self.max_iter - self.n_iter_,
                    watch.epochs_until_look(self.n_iter_),
                )
                try:
                    lap = course.run_lap(n_epochs, self.n_iter_, None)
                except KeyboardInterrupt:
                    self._after(course.losses[: course.epoch.item()], course, None)
                    raise
                laps.append(lap)
                self._after(lap.losses, course, validation)
                stops = watch.look(self.n_iter_, lap)
                if stops or self._has_stopped(course) or incremental:
                    break
                if self.n_iter_ == self.max_iter:
                    warnings.warn(
                        f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) "
                        "reached and the optimization hasn't converged yet.",
                        ConvergenceWarning,
                        stacklevel=2,
                    )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        except TrainingDivergedError as error:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            ) from error
        self._learning_rate = self._rate(self.n_iter_)
        self._optimizer = course.state
        if self.early_stopping:
            best_parameters = self._best_coefs + self._best_intercepts
            for mine, best in zip(net.weights + net.biases, best_parameters, strict=True):
                mine[:] = best
        watch.end(History(laps, watch.columns))

    def _split(self, X: Any, y: Array, sample_weight: Array | None) -> tuple[Any, ...]:
        """What is trained on, and what is validated on, from the estimator's random state."""
        stratify = y if hasattr(self, "_label_binarizer") and self.n_outputs_ == 1 else None
        parts = [X, y] if sample_weight is None else [X, y, sample_weight]
        X, X_val, y, y_val, *weights = train_test_split(
            *parts, random_state=self._random_state, test_size=self.validation_fraction,
            stratify=stratify,
        )  # fmt: skip
        if X_val.shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        sample_weight, weight_val = weights or (None, None)
        data = self._data(X_val, y_val, weight_val) if self.validation_loss else None
        if hasattr(self, "_label_binarizer"):
            y_val = self._label_binarizer.inverse_transform(y_val)
        return X, (X_val, y_val, weight_val, data), y, sample_weight

    def _after(self, losses: Array, course: Course, validation: tuple[Any, ...] | None) -> None:
        """After some epochs, or one with validation."""
        for loss in losses.tolist():
            self.n_iter_ += 1
            self.t_ += self._n_samples
            self.loss_ = loss
            self.loss_curve_.append(loss)
            if self.verbose:
                print(f"Iteration {self.n_iter_}, loss = {loss:.8f}")
        if not self.early_stopping:
            self._no_improvement_count = course.plan["stale"].item()
            self.best_loss_ = course.plan["best"].item()
        elif validation is not None:
            self._validate(*validation)

    def _validate(self, X: Any, y: Array, sample_weight: Array | None, data: Data | None) -> None:
        """The score of an epoch, whose parameters are kept if it is the best."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        score = self._score(X, y, **weights)
        self.validation_scores_.append(score)
        if self.verbose:
            print(f"Validation score: {score:f}")
        if data is not None:
            total = len(data.X) if data.weights is None else data.weights.sum()
            loss = data.loss() * len(data.X) / total
            self.validation_loss_curve_.append(float(loss))
        if score < self.best_validation_score_ + self.tol:
            self._no_improvement_count += 1
        else:
            self._no_improvement_count = 0
        if score > self.best_validation_score_:
            self.best_validation_score_ = score
            self._best_coefs = [W.copy() for W in self.coefs_]
            self._best_intercepts = [b.copy() for b in self.intercepts_]

    def _has_stopped(self, course: Course) -> bool:
        """Whether there were too many epochs without a better one; or, by "adaptive", to go on."""
        if self._no_improvement_count <= self.n_iter_no_change:
            return False
        what = "Validation score did" if self.early_stopping else "Training loss did"
        message = (
            f"{what} not improve more than tol={self.tol:f} for {self.n_iter_no_change:d} "
            "consecutive epochs."
        )
        adapts = self.solver == "sgd" and self.learning_rate == "adaptive"
        stops = not adapts or self._learning_rate <= SMALLEST_RATE
        if stops:
            message += " Learning rate too small. Stopping." if adapts else " Stopping."
        else:
            self._learning_rate /= 5
            self._no_improvement_count = 0
            course.plan["stale"] = course.plan["stopped"] = 0
            message += f" Setting learning rate to {self._learning_rate:f}"
        if self.verbose:
            print(message)
        return stops

    def _fit_lbfgs(self, X: Any, y: Array, *rest: Any) -> None:
        """rest is sample_weight (since scikit-learn 1.7), and five lists."""
        net = self._to_network()
        data = self._data(X, y, rest[0] if len(rest) > 5 else None)
        self._objective = Objective(net, data, self.alpha)
        try:
            super()._fit_lbfgs(X, y, *rest)
        finally:
            del self._objective

    def _loss_grad_lbfgs(self, packed_coef_inter: Array, *_: Any) -> tuple[float, Array]:
        self._unpack(packed_coef_inter)
        return self._objective.loss_and_gradient()

    def _unpack(self, packed_parameters: Array) -> None:
        place = 0
        for view in (*self.coefs_, *self.intercepts_):
            view[:] = packed_parameters[place : place + view.size].reshape(view.shape)
            place += view.size

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> Array:
        if check_input:
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        if getattr(X, "format", "csr") != "csr":
            X = X.tocsr()
        outputs = self._as_network().feedforward(X)
        return outputs.astype(np.result_type(outputs, X.dtype), copy=False)

    def _outputs_of_plain(self, X: Any) -> Array | None:
        """Outputs for what needs no conversion, without scikit-learn's checks; else None."""
        if "_network" not in self.__dict__ or not self._is_plain(X):
            return None
        net = self._as_network()
        try:
            return net.feedforward(X[0])[np.newaxis] if len(X) == 1 else net.feedforward(X)
        except ValueError:  # scikit-learn says what is wrong
            return None


class Objective:
    """Loss and gradient of a network on all data, as scikit-learn has them, for SciPy."""

    def __init__(self, net: Network, data: Data, alpha: float) -> None:
        self.net, self.alpha, self.n = net, alpha, len(data.X)
        self.samples = Samples(
            data.X, data.Y, room_for(1, net.layer_sizes[0], net.dtype), data.weights
        )
        self.total_weight = self.n if data.weights is None else data.weights.sum()
        self.gradient = net._layout.parameter_block()
        self.workspace = net._layout.workspace(self.n)
        self.views = net._layout.views(self.gradient)

    def loss_and_gradient(self) -> tuple[float, Array]:
        net = self.net
        self.gradient[:] = 0
        loss = 0.0
        for start, end in row_chunks(net._layout, self.n):
            loss += _kernels.gradients(
                net._layout.layers, _kernels.LOSSES[net.loss], self.samples.n_targets,
                net._parameters, self.samples.record, start, end, self.gradient, self.workspace,
            )  # fmt: skip
        for dL_dW, W in zip(self.views[0], net.weights, strict=True):
            dL_dW += self.alpha * W
            loss += self.alpha / 2 * float(np.vdot(W, W))
        packed = np.concatenate([part.ravel() for part in (*self.views[0], *self.views[1])])
        return loss / self.total_weight, packed.astype(np.float64) / self.total_weight


def weighted(class_weight: Any, y: Any, sample_weight: Any) -> Any:
    """The samples' weights times those of their classes."""
    of_classes = compute_sample_weight(class_weight, y)
    return of_classes if sample_weight is None else of_classes * sample_weight
