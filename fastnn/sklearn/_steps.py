"""A fit by the solvers "sgd" and "adam", epoch by epoch, as scikit-learn's ``_fit_stochastic``."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnn._core.model import copies
from fastnn._core.teams import team_of
from fastnn._training.course import Course, Settings
from fastnn._training.orders import InOrder, Order, Reshuffled
from fastnn._training.watching import Watch
from fastnn._warnings import warn
from fastnn.exceptions import TrainingDivergedError
from fastnn.history import History
from fastnn.sklearn._held_out import HeldOut
from fastnn.sklearn._optimizers import begun_state, core_optimizer, keep_state, rate_of_step
from fastnn.sklearn._scikit_learn import LOSS_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from fastnn._core.data import Data
    from fastnn._training.loop import Laps, Request
    from fastnn.callbacks import Callback
    from fastnn.history import Lap
    from fastnn.network import Network

Array = np.ndarray[Any, Any]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, by which a fit has ended as it should."""


class Steps:
    """What a fit needs while it runs; what it finds out goes into attributes of the estimator."""

    def __init__(
        self, estimator: Any, net: Network, data_of: Callable[..., Data], incremental: bool,
        before: dict[str, Any],
    ) -> None:  # fmt: skip
        self.estimator, self.net, self.data_of = estimator, net, data_of
        self.before = before  # attributes, to which an error goes back that comes before all laps
        self.incremental = incremental
        self.optimizer = estimator._optimizer
        self.held_out: HeldOut | None = None
        self.best: tuple[float, Array] | None = None  # score and parameters of the best epoch
        self.steps_in_epoch = 0  # of one that was broken off
        self.is_interrupted = False
        self.is_whole = False  # it has come to its end
        self.diverged: TrainingDivergedError | None = None  # and not a callback's own

    def laps(
        self, X: Any, y: Array, sample_weight: Array | None, callbacks: list[Callback],
        first: bool, alone: bool, bootstrap: np.random.RandomState | None,
    ) -> Laps:  # fmt: skip
        """As those of `fastnn._training.loop`; after Ctrl-C they end, and say so by an error.

        first: no epoch of a fit before this one can have been the best. bootstrap: draws those of
        the samples to train on that are trained on.
        """
        estimator, net = self.estimator, self.net
        shares_X = not estimator.early_stopping and bootstrap is None
        if estimator.early_stopping:
            X, y, sample_weight = self._hold_out(X, y, sample_weight)
            self.best = (-np.inf, copies(net._parameters)[0]) if first else None
        if bootstrap is not None:
            X, y, sample_weight = drawn(bootstrap, X, y, sample_weight)
        data = self.data_of(net, X, y, sample_weight, shares_X)
        self.n = len(data.X)
        self.samples_before = estimator.t_
        self.dtype_of_loss = dtype_of_loss(estimator, (X.dtype, net.dtype), y, sample_weight)
        settings = self._settings()
        net.reset_trainer()
        net._trainer.optimizer = begun_state(self.optimizer, settings.optimizer, net)
        n_before = getattr(self.optimizer, "t", 0)
        order: Order = InOrder(self.n)
        if estimator.shuffle:
            order = Reshuffled(self.n, estimator._random_state)
        with (
            net._model.turn(trains=True),
            team_of(settings.n_threads_for(data) if alone else 1) as team,
        ):  # fmt: skip
            self.course = course = Course(net, data, settings, order, team)
            course.progress["stale"] = estimator._no_improvement_count
            if not estimator.early_stopping:
                course.progress["best"] = self._best_loss()
            estimator.n_iter_ = 0
            watch = Watch(net, data, callbacks=callbacks)
            watch.larger_is_better |= {"validation_score"}
            try:
                yield from self._laps(watch)
                if alone:
                    course.keep_room()
                self.is_whole = True
            finally:
                try:
                    self._end(watch, n_before)
                except BaseException:  # such as a second Ctrl-C
                    self._end(watch, n_before)
                    raise
                # They have this object, too, and data that may be large.
                del self.course, self.diverged
        if self.is_interrupted:
            raise Interrupted

    def _end(self, watch: Watch, n_before: int) -> None:
        """What is gone on from, if the optimizer had made so many steps before.

        It may be done once more.
        """
        if not self.is_whole:
            watch.break_off(diverges=self.diverged is not None)
        course = self.course
        course.settle()
        n_steps = self.estimator.n_iter_ * -(-self.n // course.settings.batch_size)
        keep_state(self.optimizer, course.state, n_before + n_steps + self.steps_in_epoch)
        if self.best is not None:
            self.estimator.best_validation_score_, parameters = self.best
            self.net._model.write(parameters)

    def _best_loss(self) -> Any:
        """That of calls before, not rounded: epochs in several calls are compared as in one."""
        best = self.estimator.best_loss_
        if best is None:  # after early stopping
            return np.inf
        unrounded = vars(self.estimator).get("_unrounded_best_loss")
        if unrounded is None or np.result_type(best).type(unrounded) != best:  # somebody set it
            return best
        return unrounded

    def _settings(self) -> Settings:
        estimator = self.estimator
        if estimator.batch_size == "auto":
            batch_size = min(200, self.n)
        else:
            if estimator.batch_size > self.n:
                warn(
                    "Got `batch_size` less than 1 or larger than "
                    "sample size. It is going to be clipped"
                )
            batch_size = int(np.clip(estimator.batch_size, 1, self.n))
        patience = estimator.n_iter_no_change
        return Settings(
            epochs=estimator.max_iter,
            learning_rate=self._rate,
            batch_size=batch_size,
            shuffle=estimator.shuffle,
            optimizer=core_optimizer(self.optimizer, estimator.alpha),
            tol=None if estimator.early_stopping else float(estimator.tol),
            patience=sys.maxsize if patience == np.inf else patience + 1,
            divides_by_weight=True,
            is_lenient=True,
        )

    def _rate(self, epoch: int) -> float:
        """The learning rate in an epoch of this fit."""
        optimizer = self.optimizer
        if epoch > 0 and getattr(optimizer, "lr_schedule", None) == "invscaling":
            t = self.samples_before + epoch * self.n
            return float(optimizer.learning_rate_init) / (t + 1) ** optimizer.power_t
        return rate_of_step(optimizer)

    def _hold_out(
        self, X: Any, y: Array, sample_weight: Array | None
    ) -> tuple[Any, Array, Array | None]:
        """What is left to train on; by the estimator's random state."""
        estimator = self.estimator
        is_classifier = hasattr(estimator, "_label_binarizer")
        parts = [X, y] if sample_weight is None else [X, y, sample_weight]
        X, X_val, y, y_val, *weights = train_test_split(
            *parts, random_state=estimator._random_state, test_size=estimator.validation_fraction,
            stratify=y if is_classifier and estimator.n_outputs_ == 1 else None,
        )  # fmt: skip
        if X_val.shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                "or the size of your dataset."
            )
        sample_weight, weight_val = weights or (None, None)
        data = self.data_of(self.net, X_val, y_val, weight_val)
        self.held_out = HeldOut(estimator, self.net, data, X_val, y_val, weight_val)
        return X, y, sample_weight

    def _laps(self, watch: Watch) -> Generator[Request, Lap, None]:
        """Until there have been enough."""
        estimator, course = self.estimator, self.course
        laps: list[Lap] = []
        watch.begin()
        self.before = {}
        try:
            while True:
                if estimator.n_iter_ >= estimator.max_iter:
                    break
                n_epochs = min(
                    self._epochs_until_stop(),
                    estimator.max_iter - estimator.n_iter_,
                    watch.epochs_until_look(estimator.n_iter_),
                )
                noted = course.losses
                self.before_lap = estimator.n_iter_, estimator.t_, len(estimator.loss_curve_)
                try:
                    lap = yield course, n_epochs, estimator.n_iter_
                    laps.append(lap)
                    self._note(lap.losses)
                except BaseException as error:
                    if isinstance(error, TrainingDivergedError):
                        self.diverged = error
                    if course.losses is not noted:
                        self._note(course.losses[: course.epoch.item()])
                        self.steps_in_epoch = course.position.item() // course.settings.batch_size
                    raise
                self._say_loss()
                found = self._validated()
                if watch.look(estimator.n_iter_, lap, found) or self._has_stopped():
                    break
                if self.incremental:
                    break
                if estimator.n_iter_ == estimator.max_iter:
                    warn(
                        f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) "
                        "reached and the optimization hasn't converged yet.",
                        ConvergenceWarning,
                    )
        except KeyboardInterrupt:
            self.is_interrupted = True
            warn("Training interrupted by user.")
        except TrainingDivergedError as error:
            if error is not self.diverged:
                raise
            self._end_divergence(error)
        watch.end(History(laps, watch.columns))

    def _epochs_until_stop(self) -> int:
        """How many there are at least, so that no order is drawn in vain."""
        estimator = self.estimator
        if self.incremental or self.held_out or estimator.verbose:
            return 1
        if estimator.n_iter_no_change == np.inf:
            return sys.maxsize
        return max(1, int(estimator.n_iter_no_change) + 1 - estimator._no_improvement_count)

    def _note(self, losses: Array) -> None:
        """What a lap's epochs have found. Ctrl-C may break this off, and it is done once more."""
        estimator, progress = self.estimator, self.course.progress
        n_iter, t, n_losses = self.before_lap
        curve = estimator.loss_curve_
        for loss in losses[len(curve) - n_losses :].tolist():
            curve.append(self.dtype_of_loss.type(loss))
        if losses.size:
            estimator.n_iter_, estimator.t_ = n_iter + losses.size, t + self.n * losses.size
            estimator.loss_ = curve[-1]
            self.optimizer.iteration_ends(estimator.t_)
        if not estimator.early_stopping:
            estimator._no_improvement_count = progress["stale"].item()
            if progress["best"] != estimator.best_loss_:
                best = progress["best"].item()
                estimator.best_loss_ = self.dtype_of_loss.type(best)
                if self.dtype_of_loss != np.float64:
                    estimator._unrounded_best_loss = best

    def _say_loss(self) -> None:
        """Of the last epoch."""
        estimator = self.estimator
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {float(estimator.loss_):.8f}")

    def _validated(self) -> dict[str, float]:
        """For callbacks, the score of an epoch, whose parameters are kept if it is the best."""
        if self.held_out is None:
            return {}
        score = self.held_out.score()
        found = {"validation_score": score}
        if self.estimator.validation_loss:
            found["val_loss"] = self.held_out.loss()
        self._note_validation(found)
        if score > self.estimator.best_validation_score_:
            self.best = score, copies(self.net._parameters)[0]
            self.estimator.best_validation_score_ = score
        return found

    def _note_validation(self, found: dict[str, float]) -> None:
        estimator, score = self.estimator, found["validation_score"]
        estimator.validation_scores_.append(score)
        if "val_loss" in found:
            estimator.validation_loss_curve_.append(found["val_loss"])
        if score < estimator.best_validation_score_ + estimator.tol:
            estimator._no_improvement_count += 1
        else:
            estimator._no_improvement_count = 0
        if estimator.verbose:
            print(f"Validation score: {score:f}")

    def _has_stopped(self) -> bool:
        """Whether there were too many epochs without a better one; or, by "adaptive", to go on."""
        estimator, progress = self.estimator, self.course.progress
        if estimator._no_improvement_count <= estimator.n_iter_no_change:
            return False
        what = "Validation score did" if estimator.early_stopping else "Training loss did"
        message = (
            f"{what} not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change:d} consecutive epochs."
        )
        if self.optimizer.trigger_stopping(message, estimator.verbose):
            return True
        estimator._no_improvement_count = 0
        progress["stale"] = progress["stopped"] = 0
        return False

    def _end_divergence(self, error: TrainingDivergedError) -> None:
        """Parameters would not be finite: an error, unless those of a best epoch are kept."""
        if self.held_out is None:
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            ) from error
        self._note(np.array([np.nan]))
        self.steps_in_epoch = 0  # it counts as a whole
        self._say_loss()
        found = {"validation_score": np.nan}
        self._note_validation(
            found | ({"val_loss": np.nan} if self.estimator.validation_loss else {})
        )
        warn(
            f"Training diverged in epoch {self.estimator.n_iter_}: parameters would not be finite. "
            "Those of the best epoch are kept; use a smaller learning_rate_init, or scale the "
            "data, for example with sklearn.preprocessing.StandardScaler.",
            ConvergenceWarning,
        )


def dtype_of_loss(
    estimator: Any, dtypes: tuple[np.dtype[Any], ...], y: Array, sample_weight: Array | None
) -> np.dtype[Any]:
    """In which scikit-learn's fit to such y has its losses; of losses that it lacks, float64.

    dtypes: of X and of the parameters.
    """
    name = estimator.loss
    if any(dtype != np.float32 for dtype in dtypes) or name not in LOSS_FUNCTIONS:
        return np.dtype(np.float64)
    if name == "log_loss" and estimator.out_activation_ == "logistic":
        name = "binary_log_loss"
    of_mean = _dtype_of_mean_loss(name, y.dtype, y.shape[1] == 1)
    weights = [] if sample_weight is None else [sample_weight.dtype]
    return np.result_type(of_mean, 0.5 * estimator.alpha, *weights)


@functools.cache
def _dtype_of_mean_loss(name: str, dtype: np.dtype[Any], is_one_column: bool) -> np.dtype[Any]:
    """Of outputs in float32 and targets of a dtype.

    It is asked of the function itself: for bool, xlogy gives float64 up to SciPy 1.17, and then
    float32.
    """
    outputs = np.full((1, 1 if is_one_column else 2), 0.5, np.float32)
    return np.result_type(LOSS_FUNCTIONS[name](np.ones(outputs.shape, dtype), outputs))


def drawn(
    rng: np.random.RandomState, X: Any, y: Array, sample_weight: Array | None
) -> tuple[Any, Array, Array | None]:
    """As many samples, with replacement."""
    rows = rng.randint(len(y), size=len(y))
    return X[rows], y[rows], None if sample_weight is None else sample_weight[rows]
