"""The network that people call: construct, feedforward, update, train, gradients."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any, Self, overload

import numpy as np

from fastnn import (
    _checks,
    _data_checks,
    _initializers,
    _words,
    optimizers,
    threads,
)
from fastnn._backward import Backpropagating, Backward
from fastnn._core import kernels
from fastnn._core.data import Data
from fastnn._core.model import Model, copies
from fastnn._core.samples import Sparse
from fastnn._exchange import Exchanging
from fastnn._rows import Rows, data_of, targets
from fastnn._standardizing import Standardizable, Standardizers
from fastnn._training import loop
from fastnn._training.course import Settings
from fastnn._training.forms import FORMS
from fastnn._training.single_steps import settings as of_single_steps
from fastnn._training.task import task_of
from fastnn._training.trainer_state import TrainerState
from fastnn._training.watching import Watch
from fastnn.callbacks import Callback, Monitor
from fastnn.callbacks import get as get_callbacks
from fastnn.history import History
from fastnn.metrics import check_fit, evaluated, threshold_of
from fastnn.metrics import get as get_metrics
from fastnn.optimizers import Optimizer, State

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from fastnn._core.layout import Layout
    from fastnn._initializers import Initializer
    from fastnn.callbacks import Logs
    from fastnn.export._exported import Exported
    from fastnn.metrics import Metrics
    from fastnn.schedules import Schedule

    Array: TypeAlias = np.ndarray[Any, Any]
    Floats: TypeAlias = NDArray[np.floating[Any]]
    CallbackLike: TypeAlias = Callback | Callable[["Network", int, Logs], object]
    ValidationData: TypeAlias = (
        tuple[ArrayLike | Sparse, ArrayLike]
        | tuple[ArrayLike | Sparse, ArrayLike, ArrayLike | None]
        | list[Any]
    )

__all__ = ["Backward", "Network"]

# Central differences of step h err by h² and by rounding / h; this is near the best of both.
DIFFERENCE_STEP = 1e-5
STATE = ("layer_sizes", "activations", "loss", "rng", "parameters", "trainer")


class Network(Backpropagating, Standardizable, Exchanging, _words.Explaining):
    """A multilayer perceptron, trained by exact stochastic gradient descent.

    Each layer computes z = x @ W + b and a = activation(z). One sample's loss is the mean over
    its outputs for mse, mae, huber and bce, and -Σ y log(a) for cross_entropy; the loss of
    several samples is the mean of theirs.

    Parameters
    ----------
    layer_sizes : sequence of int
        The number of inputs, then the number of units of each layer: ``[2, 2, 1]`` has two
        inputs, a hidden layer of two units and one output. At least two numbers, each >= 1.
    activation : str or sequence of str, default "sigmoid"
        One name for all layers, or one per layer (``["relu", "softmax"]``): identity, step,
        sigmoid, tanh, relu, leaky_relu (slope 0.01), elu (alpha 1), softplus, silu, gelu (the
        tanh form), and softmax on the output layer.
    loss : str, default "mse"
        mse, mae, huber (delta 1), bce (needs a sigmoid output layer) or cross_entropy (needs a
        softmax one). Definitions and constants are PyTorch's defaults.
    initializer : str or function, default "auto"
        "he", "glorot", "normal" (weights and biases standard normal), "small" (weights of
        standard deviation 0.01), or "auto": "he" for layers of the relu family, "glorot" for
        others. Biases start at zero except under "normal". Or a function of (rng, n_in, n_out,
        activation), which is called for each layer with the network's random generator, and
        returns W (n_in, n_out) and b (n_out,).
    dtype : {"float64", "float32"}, default "float64"
        Of parameters and arithmetic.
    seed : int or None, default None
        Of the network's random generator, which makes the initial parameters and then the order
        of the samples: NumPy's ``default_rng(seed)``, by whose ``permuted(arange(n))`` each epoch
        takes them. None: different each time.

    Attributes
    ----------
    feature_names : tuple of str, or None
        The names of the columns of the table that the network was trained on.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or value; the message names it.
    MemoryError
        For a network larger than the machine's memory, with the bytes it needs.

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> X, y = datasets.load_people()
    >>> net = Network([2, 2, 1], seed=0)
    >>> history = net.train(X, y, epochs=1000, learning_rate=0.1)
    >>> net.feedforward([-7, -3]).round(1)
    array([1.])
    """

    @_words.explained
    def __init__(
        self,
        layer_sizes: Sequence[int],
        *,
        activation: str | Sequence[str] = "sigmoid",
        loss: str = "mse",
        initializer: str | Initializer = "auto",
        dtype: DTypeLike = "float64",
        seed: int | None = None,
    ) -> None:
        sizes = _checks.layer_sizes(layer_sizes, "layer_sizes")
        activations = _checks.activations(activation, "activation", len(sizes) - 1)
        _checks.several_classes(activations, "activation", sizes[-1])
        loss = _checks.loss(loss, "loss", activations[-1])
        model = Model(sizes, activations, loss, _checks.dtype(dtype, "dtype"))
        rng = _checks.generator(seed, "seed")
        initialize = _initializers.get(initializer, "initializer")
        with np.errstate(over="ignore"):
            for W, b, name in zip(*model.layout.views(model.parameters), activations, strict=True):
                n_in, n_out = W.shape
                W[:], b[:] = initialize(rng, n_in, n_out, name)
        if not _data_checks.all_finite(model.parameters):
            raise ValueError(
                "initializer must return numbers that are finite in the network's "
                f"{model.layout.dtype}, and some are not"
            )
        self._become(model, rng, TrainerState())  # whole, as others may use what it was before

    @classmethod
    @_words.explained
    def from_parameters(
        cls,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike],
        *,
        activation: str | Sequence[str] = "sigmoid",
        loss: str = "mse",
        seed: int | None = None,
    ) -> Self:
        """A network with copies of given parameters.

        Parameters
        ----------
        weights : sequence of array_like, one (n_in, n_out) per layer
        biases : sequence of array_like, one (n_out,) per layer
            If all arrays are float32, so is the network; otherwise it is float64.
        activation, loss, seed
            As for `Network`, which refuses softmax of one unit, though, as it has nothing to learn:
            a network that is there already may have it.
        """
        W, b, dtype = _data_checks.parameters(weights, biases)
        sizes = (W[0].shape[0], *(len(b_l) for b_l in b))
        activations = _checks.activations(activation, "activation", len(W), kernels.INTERNAL)
        loss = _checks.loss(loss, "loss", activations[-1], kernels.INTERNAL)
        rng = _checks.generator(seed, "seed")
        net = cls._of(Model(sizes, activations, loss, dtype), rng)
        for mine, given in zip(net.weights + net.biases, W + b, strict=True):
            mine[:] = given
        return net

    @classmethod
    def _of(
        cls, model: Model, rng: np.random.Generator, trainer: TrainerState | None = None
    ) -> Self:
        """A network of a model that no other one has."""
        net = cls.__new__(cls)
        net._become(model, rng, trainer or TrainerState())
        return net

    def _become(self, model: Model, rng: np.random.Generator, trainer: TrainerState) -> None:
        """Refused while what the network was before is being trained."""
        before: Model | None = getattr(self, "_model", None)
        with contextlib.nullcontext() if before is None else before.turn(trains=True):
            self._model = model
            self._gate = model.gate  # from here, update finds it sooner
            self._rng = rng
            self._trainer = trainer

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """The number of inputs, then of units in each layer."""
        return self._model.layer_sizes

    @property
    def activations(self) -> tuple[str, ...]:
        """The name of each layer's activation."""
        return self._model.activations

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self._model.loss

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """float32 or float64."""
        return self._model.layout.dtype

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the inputs, in their order; None if there are none.

        They are those of the columns of a table that the network was trained on, by `train`, or by
        `update` on one of its rows; if all of them are text. From then on a table with other
        columns, or with these in another order, is refused; arrays, and tables whose columns have
        no names, are taken. They stay with the network in copies, pickles and files;
        `reset_trainer` forgets them.
        """
        return self._model.feature_names

    @property
    def _layout(self) -> Layout:
        return self._model.layout

    @property
    def _parameters(self) -> Array:
        return self._model.parameters

    @property
    def weights(self) -> tuple[Floats, ...]:
        """W of each layer, (n_in, n_out): views into the network, so writing changes it."""
        model = self._model
        return model.layout.views(model.parameters)[0]

    @property
    def biases(self) -> tuple[Floats, ...]:
        """b of each layer, (n_out,): views into the network, so writing changes it."""
        model = self._model
        return model.layout.views(model.parameters)[1]

    @property
    def n_parameters(self) -> int:
        """How many weights and biases there are."""
        return sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.layer_sizes))

    def feedforward(
        self, X: ArrayLike | Sparse, out: Floats | None = None, *, n_threads: int | None = None
    ) -> Floats:
        """The outputs of the network.

        Parameters
        ----------
        X : array_like, table or scipy.sparse array, (n_inputs,) or (n, n_inputs)
            One sample, or one per row; of the kinds that `train` takes. A pandas Series is one
            sample.
        out : ndarray or None, default None
            Where to put the outputs: C-contiguous, of the result's shape and the network's dtype.
            None: a new array. It may overlap X, and must not be the weights or biases. After an
            error it holds anything.
        n_threads : int or None, default None
            How many threads share the rows; the result is the same for any number. None: what
            `fastnn.threads` says, and else as many as make it faster.

        Returns
        -------
        ndarray, (n_outputs,) or (n, n_outputs), of the network's dtype
            A row predicted alone equals the same row among others, bit for bit.

        Raises
        ------
        TypeError, ValueError
            If X has another shape, is not real, or not finite in the network's dtype; or if it is
            a table of other columns than the network was trained on.
        """
        if n_threads is None or n_threads == 1:
            a: Floats | None = self._gate.feedforward(X, out)
            if a is not None:
                return a
        return self._feedforward_rows(X, out, n_threads)

    def _feedforward_rows(
        self, X: ArrayLike | Sparse, out: Array | None, n_threads: int | None
    ) -> Array:
        """feedforward in general."""
        n_threads = threads.get(n_threads, "n_threads")
        model = self._model
        layout, n_inputs, n_outputs = model.layout, model.layer_sizes[0], model.layer_sizes[-1]
        given = _data_checks.given(X, "X")
        if model.feature_names is not None:
            _data_checks.feature_names(given, model.feature_names)
        rows, single = _data_checks.one_or_many(given, "X", n_inputs, layout.dtype, finite=False)
        n = len(rows)
        shape = (n_outputs,) if single else (n, n_outputs)
        if out is None:
            out = outputs = np.empty(shape, layout.dtype)
        else:
            outputs = _data_checks.output(out, "out", shape, layout.dtype, model.parameters)
            rows = _data_checks.apart(rows, outputs)
        if not model.feedforward(rows, outputs.reshape(n, n_outputs), n_threads):
            _data_checks.one_or_many(given, "X", n_inputs, layout.dtype)
            raise ValueError("X must not change while it is read, and it did; give a copy")
        return out

    @_words.explained
    def train(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        *,
        epochs: int,
        learning_rate: float | Schedule | Callable[[int], float],
        batch_size: int = 1,
        shuffle: bool = True,
        tol: float | None = None,
        patience: int = 10,
        optimizer: str | Optimizer = "sgd",
        sample_weight: ArrayLike | None = None,
        class_weight: str | Mapping[int, float] | None = None,
        validation_data: ValidationData | None = None,
        metrics: Metrics | None = None,
        callbacks: CallbackLike | Sequence[CallbackLike] | None = None,
        same_task: bool = False,
        progress: bool = False,
        form: str = "auto",
        n_threads: int | None = None,
    ) -> History:
        """Stochastic gradient descent: W <- W - eta ∂L/∂W for each batch, b alike.

        Training goes on from where the last call left it: from its parameters, and with equal
        settings from what its optimizer and its schedule of learning rates had come to; with equal
        data, too, from what `tol` and callbacks that monitor have seen. Two calls of 500 epochs
        equal one of 1,000, bit for bit; `reset_trainer` begins anew. Ctrl-C raises
        KeyboardInterrupt and leaves the network at a completed step.

        A network of one layer of "step" units learns by the perceptron rule:
        W <- W + eta xᵀ(y - a), b alike (Rosenblatt 1958), with batch size 1 and loss "mse".

        Parameters
        ----------
        X : array_like, table or scipy.sparse array, (n, n_inputs)
            float arrays of the network's dtype, C-contiguous, are not copied, and so may be
            memory-mapped files larger than memory (`numpy.memmap`). Where many of the numbers are
            zero and the first layer is narrow, those that are not are copied, unless X is
            memory-mapped: 4 bytes for each, and its own. That is at most as much again as X.
            Tables are frames of pandas or polars, and tables of PyArrow, whose columns are numbers
            and booleans of any type; they are copied. The network keeps the names of their columns
            in `feature_names`. Sparse arrays stay sparse; CSR arrays are not copied, others are
            made CSR by their `tocsr`, which takes 12 bytes for each number that is stored.
        y : array_like, table or column of a table, (n, n_outputs)
            Or (n,) for one output. For cross_entropy class numbers (n,), or rows that sum to 1.
        epochs : int
            How often to go through all samples; 0 does nothing.
        learning_rate : float, schedule or function
            eta, positive: a number; one of `fastnn.schedules`, which is asked at each update; or a
            function of the epoch, counted from 0, that gives a number for all of its updates. It
            is called for some epochs ahead.
        batch_size : int, default 1
            Samples per update, whose gradients are averaged; 1 is per-sample SGD, and n or more
            is the full batch. The last batch of an epoch may be smaller.
        shuffle : bool, default True
            A new order of the samples in each epoch, from the network's generator; False: the
            order of the rows.
        tol, patience : float or None, int; default None, 10
            Stop after `patience` epochs in a row whose loss is not below the lowest one before
            each by more than `tol`. None: run all epochs. Gains of less do not add up, unlike with
            `min_delta` of `fastnn.callbacks.EarlyStopping`. Data that are others than in the call
            before, by their numbers, have no lowest one yet; see `same_task`.
        optimizer : str or optimizer, default "sgd"
            "sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop" or "adagrad"; or one of
            `fastnn.optimizers`, with settings: ``optimizers.Adam(beta_1=0.8, l2=0.001)``. What it
            keeps from step to step stays with the network, and is used again by the next call with
            an equal optimizer.
        sample_weight : array_like (n,) or None, default None
            How much each sample counts, at least 0; scaled to mean 1. A batch's gradient is
            Σ w_i g_i / (samples in the batch), and losses are weighted alike. None: all alike.
        class_weight : "balanced", mapping or None, default None
            Weights of classes, by which those of their samples are multiplied: of each class by its
            number, 1 where it is not named; "balanced": n / (number of classes · n of the class),
            of the classes in y. The classes are class numbers, the places of the 1 in rows with a
            single 1, or for one output 0 and 1.
        validation_data : (X, y) or (X, y, sample_weight), or None; default None
            Whose loss, and metrics, are taken at the end of each epoch.
        metrics : name, function, sequence or mapping of them, or None; default None
            "accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2", or functions of
            (y, outputs) that return a number; see `fastnn.metrics`. A mapping says by which names
            `History` has them: ``{"top2": lambda y, outputs: ...}``. They are taken at the end of
            each epoch, which costs a prediction of X; without weights.
        callbacks : callback, function, sequence of them, or None; default None
            See `fastnn.callbacks`: early stopping, checkpoints, your own.
        same_task : bool, default False
            Let `tol` and the callbacks that monitor go on from what they have seen, although the
            data are others than before: for a stream that comes in blocks.
        progress : bool, default False
            Show a bar, with tqdm: ``pip install "fastnn[progress]"``.
        form : str, default "auto"
            How the first layer is computed at batch size 1, for experts: "direct", "fused",
            "zero_skip" or "blocked". All give the same result to rounding; "auto" takes the one
            that is fastest for the network and the data.
        n_threads : int or None, default None
            How many threads share the rows of each batch, and those of validation and metrics; at
            batch size 1, by "sgd" without L2, the units of a first layer of more than 64 in float32
            or 32 in float64, and else it is one. The result is the same for any number. None: what
            `fastnn.threads` says, and else as many as make it faster, which is found out while it
            trains. More than there are cores make it slower.

        Returns
        -------
        History
            Its ``history["loss"]`` has one value per epoch: the mean of the samples' losses, each
            before its update, and with the penalty of L2 regularisation where there is one. Beside
            it "learning_rate", and "val_loss" and metrics where there are any.

        Raises
        ------
        TypeError, ValueError
            For bad data or settings, such as a table of other columns than the network was
            trained on before; the network stays as it was.
        TrainingDivergedError
            If the loss or a parameter stops being finite: see docs/how_to/scaling.md.
        RuntimeError
            While the network is being trained, by another thread or by the `train` that a callback
            belongs to: see docs/explain/threads.md.

        Warns
        -----
        UserWarning
            Where a schedule has come to its end, and its rate to 0, before the last epoch; and
            after ten epochs where large inputs have made the first layer flat, so that nothing is
            learned any more: see docs/how_to/scaling.md.
        """
        model = self._model
        listed = get_callbacks(callbacks)
        compares = compares_losses(tol, listed)
        rows = Rows.checked(X, model, compares)
        Y = targets(model, y, len(rows.rows), "y")
        training = self._training(
            rows, Y, epochs=epochs, learning_rate=learning_rate, batch_size=batch_size,
            shuffle=shuffle, tol=tol, patience=patience, optimizer=optimizer,
            sample_weight=sample_weight, class_weight=class_weight,
            validation_data=validation_data, metrics=metrics, callbacks=listed,
            same_task=same_task, form=form, n_threads=n_threads,
        )  # fmt: skip
        del rows  # whose numbers may be a copy
        return loop.train(training, _checks.flag(progress, "progress"))

    def _training(
        self,
        of_X: Rows,
        Y: Array,
        *,
        epochs: int,
        learning_rate: float | Schedule | Callable[[int], float],
        batch_size: int,
        shuffle: bool,
        tol: float | None,
        patience: int,
        optimizer: str | Optimizer,
        sample_weight: ArrayLike | None,
        class_weight: str | Mapping[int, float] | None,
        validation_data: ValidationData | None,
        metrics: Metrics | None,
        callbacks: list[Callback],
        same_task: bool,
        form: str,
        n_threads: int | None,
    ) -> loop.Training:
        """What `train` is given, checked; X and y have been."""
        model = self._model
        model.check_trained()
        n_outputs, dtype = model.layer_sizes[-1], model.layout.dtype
        names = _data_checks.feature_names(of_X.given, model.feature_names)
        rows = _data_checks.apart(of_X.rows, model.parameters)
        Y = _data_checks.apart(Y, model.parameters)
        weights = _data_checks.sample_weight(sample_weight, "sample_weight", len(rows))
        weights = _data_checks.class_weight(class_weight, "class_weight", Y, n_outputs, weights)
        data = Data(
            model, rows, Y, of_X.counts, weights, _data_checks.is_mapped(rows), of_X.fingerprint,
            names, threads.get(n_threads, "n_threads"),
        )  # fmt: skip
        full = "; the full batch is len(X)"
        batch_size = min(_checks.integer(batch_size, "batch_size", 1, hint=full), len(rows))
        _checks.trainable(model.activations, model.loss, batch_size)
        chosen = optimizers.get(optimizer)
        optimizers.check_fit(chosen, "optimizer", dtype, model.activations)
        settings = Settings(
            epochs=_checks.integer(epochs, "epochs", 0),
            learning_rate=_learning_rate(learning_rate, dtype),
            batch_size=batch_size,
            shuffle=_checks.flag(shuffle, "shuffle"),
            tol=_checks.number_or_none(tol, "tol", _checks.NOT_NEGATIVE),
            patience=_checks.integer(patience, "patience", 1),
            optimizer=chosen,
            form=_checks.known_name(form, "form", ("auto", *FORMS)),
        )
        same_task = _checks.flag(same_task, "same_task")
        watch = self._watch(data, validation_data, metrics, callbacks)
        task = task_of(data, watch.validation) if compares_losses(tol, callbacks) else None
        return loop.Training(self, data, settings, watch, task, same_task)

    def _watch(
        self, data: Data, validation_data: Any, metrics: Any, listed: list[Callback]
    ) -> Watch:
        validation = None
        if validation_data is not None:
            X, y, weights = _data_checks.pair(validation_data, "validation_data")
            known = data.feature_names or data.model.feature_names
            validation = data_of(
                data.model, X, y, weights, known, data.n_threads, "validation_data: "
            )
        watch = Watch(self, data, validation, get_metrics(metrics), listed)
        for name, samples in (("y", data), ("validation_data: y", validation)):
            if samples is not None:
                check_fit(watch.metrics, samples, name)
        for i, callback in enumerate(listed):
            callback.check(["loss", *watch.names()], f"callbacks[{i}]")
        return watch

    def reset_trainer(self) -> None:
        """Forget what training has left beside the parameters.

        That is what the optimizer keeps, how far a schedule of learning rates is, and what early
        stopping has seen: the next `train` begins anew with these. And it is `feature_names`, so
        that the next one may be on other columns.

        Raises
        ------
        RuntimeError
            While the network is being trained.
        """
        with self._model.turn(trains=True):
            self._trainer = TrainerState()
            self._model.feature_names = None

    def update(
        self,
        x: ArrayLike,
        y: ArrayLike,
        learning_rate: float,
        optimizer: str | Optimizer = kernels.PLAIN,
    ) -> float:
        """One step on one sample, of SGD or by another optimizer.

        Parameters
        ----------
        x : array_like, (n_inputs,)
            Or a pandas Series, whose labels are the names of the inputs, or a table or a
            scipy.sparse array of one row.
        y : array_like, (n_outputs,)
            Or a number for one output, or a class number for cross_entropy.
        learning_rate : float
            eta, positive.
        optimizer : str or optimizer, default "sgd"
            As for `train`, and what it keeps from step to step is that of `train`, too. All but
            "sgd" go the way of `train`, which takes a small network about a twentieth of a
            millisecond.

        Returns
        -------
        float
            The sample's loss before the step, with the penalty of `l2` where the optimizer has one.

        Raises
        ------
        TypeError, ValueError
            For bad data or settings; the parameters stay as they were.
        TrainingDivergedError
            If the loss or a parameter would not be finite; the parameters stay as they were.
        RuntimeError
            While the network is being trained. Updates from several threads take turns.
        """
        loss = self._gate.update(x, y, learning_rate, optimizer)
        if loss is not None:
            return loss
        model = self._model
        model.check_trained()
        dtype, parameters = model.layout.dtype, model.parameters
        given = _data_checks.given(x, "x")
        names = _data_checks.feature_names(given, model.feature_names)
        X = _data_checks.one_sample(given, "x", model.layer_sizes[0], dtype)
        Y = _data_checks.target_of_one(y, "y", model.loss, model.layer_sizes[-1], dtype)
        _checks.trainable(model.activations, model.loss, 1)
        chosen = optimizers.get(optimizer)
        optimizers.check_fit(chosen, "optimizer", dtype, model.activations)
        X, Y = _data_checks.apart(X, parameters), _data_checks.apart(Y, parameters)
        eta = _checks.number(learning_rate, "learning_rate", _checks.positive_in(dtype))
        data = Data(model, X, Y, feature_names=names)
        return loop.update(self, data, of_single_steps(chosen, eta))

    @overload
    def evaluate(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        l2: float = 0.0,
        metrics: None = None,
        n_threads: int | None = None,
    ) -> float: ...

    @overload
    def evaluate(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        l2: float = 0.0,
        metrics: Metrics,
        n_threads: int | None = None,
    ) -> dict[str, float]: ...

    @_words.explained
    def evaluate(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        l2: float = 0.0,
        metrics: Metrics | None = None,
        n_threads: int | None = None,
    ) -> float | dict[str, float]:
        """The loss of the network: Σ w_i L_i / Σ w_i + ½ l2 ‖W‖²; and metrics, where asked for.

        Parameters
        ----------
        X, y, sample_weight
            As for `train`.
        l2 : float, default 0.0
            lambda, the coefficient of L2 regularisation; ‖W‖² are the squares of all weights.
        metrics : name, function, sequence or mapping of them, or None; default None
            As for `train`, and as there without weights; see `fastnn.metrics`.
        n_threads : int or None, default None
            As for `feedforward`.

        Returns
        -------
        float or dict of str to float
            The loss; with metrics, a dict of "loss" and the metrics by their names, all from the
            same outputs.

        Raises
        ------
        TypeError, ValueError
            For bad data or settings, and for metrics that make no sense for the network or y.

        Examples
        --------
        >>> from fastnn import Network, datasets
        >>> X, y = datasets.load_people()
        >>> net = Network([2, 2, 1], seed=0)
        >>> history = net.train(X, y, epochs=1000, learning_rate=0.1)
        >>> round(net.evaluate(X, y), 4)
        0.0023
        >>> found = net.evaluate(X, y, metrics=["accuracy", "roc_auc"])
        >>> {name: round(value, 4) for name, value in found.items()}
        {'loss': 0.0023, 'accuracy': 1.0, 'roc_auc': 1.0}
        """
        model, wanted = self._model, threads.get(n_threads, "n_threads")
        data = data_of(model, X, y, sample_weight, model.feature_names, wanted)
        l2 = _checks.number(l2, "l2", _checks.NOT_NEGATIVE)
        if metrics is None:
            return data.loss(l2)
        found = get_metrics(metrics)
        check_fit(found, data, "y")
        return evaluated(data, found, threshold_of(data), l2)

    @_words.explained
    def gradients(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        l2: float = 0.0,
        n_threads: int | None = None,
    ) -> tuple[list[Floats], list[Floats]]:
        """The gradient of the loss that `evaluate` gives, by backpropagation.

        Parameters
        ----------
        X, y, sample_weight, l2, n_threads
            As for `evaluate`.

        Returns
        -------
        weight_gradients : list of ndarray, ∂L/∂W of each layer, (n_in, n_out)
        bias_gradients : list of ndarray, ∂L/∂b of each layer, (n_out,)

        Raises
        ------
        ValueError
            For bad data, and for a network with step units, which have no useful derivative.
        """
        model = self._model
        _checks.differentiable(model.activations)
        wanted = threads.get(n_threads, "n_threads")
        data = data_of(model, X, y, sample_weight, model.feature_names, wanted)
        return _gradients(data, _checks.number(l2, "l2", _checks.NOT_NEGATIVE))

    @_words.explained
    def check_gradients(
        self,
        X: ArrayLike | Sparse,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        l2: float = 0.0,
    ) -> float:
        """How far `gradients` is from central differences of `evaluate`.

        Computed in float64 whatever the network's dtype. Kinks (relu, leaky_relu, mae) near a
        sample's z make differences meaningless there. It takes two evaluations of all samples for
        each parameter: give a few samples, and a small network.

        Parameters
        ----------
        X, y, sample_weight, l2
            As for `evaluate`.

        Returns
        -------
        float
            ``max |g - c| / max |g|`` over all parameters, g the gradient and c the central
            difference (L(w + h) - L(w - h)) / 2h; 0 if both are zero everywhere.
        """
        net = self._in_float64()
        data = data_of(net._model, X, y, sample_weight, net.feature_names)
        _checks.differentiable(net.activations)
        l2 = _checks.number(l2, "l2", _checks.NOT_NEGATIVE)
        weight_gradients, bias_gradients = _gradients(data, l2)
        g = np.concatenate([one.ravel() for one in weight_gradients + bias_gradients])
        c = np.empty_like(g)
        i = 0
        for parameters in net.weights + net.biases:
            for place in np.ndindex(parameters.shape):
                w = parameters[place]
                parameters[place] = w + DIFFERENCE_STEP
                loss_above = data.loss(l2)
                parameters[place] = w - DIFFERENCE_STEP
                c[i] = (loss_above - data.loss(l2)) / (2 * DIFFERENCE_STEP)
                parameters[place] = w
                i += 1
        largest_error = np.abs(g - c).max()
        return float(largest_error / np.abs(g).max()) if largest_error else 0.0

    @_words.explained
    def save(
        self, path: str | bytes | os.PathLike[str] | IO[bytes], *, trainer: bool = False
    ) -> None:
        """Write the network into a file, from which `Network.load` makes it anew.

        The file is an archive of NumPy's (npz) with a checksum over all of it. An older one of the
        same name is there, whole, until the new one is.

        Parameters
        ----------
        path : str, path-like, or file opened in binary mode
            The file's name, to which nothing is added. Into an open file, such as an io.BytesIO, it
            is written from where that is; after an error a part of it may be there.
        trainer : bool, default False
            Keep what training needs to go on, too: what the optimizer keeps from step to step, how
            far a schedule of learning rates is, what early stopping has seen, and the random
            generator. Training after `load` then gives the same bits as if it had never stopped.

        Raises
        ------
        OSError
            If the file cannot be written; FileNotFoundError where there is no such folder.
        """
        from fastnn import _model_file  # a twentieth of the time to import fastnn

        to, trainer = _checks.path_or_file(path, "path", "wb"), _checks.flag(trainer, "trainer")
        net = self._copy(trainer)  # which does not change
        _model_file.save(net, to, trainer)

    @classmethod
    @_words.explained
    def load(cls, path: str | bytes | os.PathLike[str] | IO[bytes]) -> Self:
        """The network that `save` wrote into a file.

        Without the state of its trainer, it has a random generator that is different each time.

        Parameters
        ----------
        path : str, path-like, or file opened in binary mode
            An open file, such as an io.BytesIO, is read to its end, from where it is. If there is
            more behind the model, it goes back to the model's end, which needs a file that can
            seek; after an error it may be anywhere.

        Raises
        ------
        OSError
            If the file cannot be read.
        ModelFileError
            If it holds no network, is empty, damaged or truncated, or from a newer fastnn; and if
            there is more behind it, in a file of that path or one that cannot seek.
        """
        from fastnn import _model_file

        return _model_file.load(_checks.path_or_file(path, "path", "rb"), cls)

    def copy(self) -> Self:
        """An independent network with the same parameters and the same random generator."""
        return copy.deepcopy(self)

    def __copy__(self) -> Self:
        return self.copy()  # a generator shared by two networks would tie their results together

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._copy(with_trainer=True)

    def _copy(self, with_trainer: bool) -> Self:
        model, parameters, trainer = self._at_one_moment(with_trainer)
        own = Model(
            model.layer_sizes, model.activations, model.loss, model.layout.dtype,
            model.standardizers,
        )  # fmt: skip
        own.parameters[:] = parameters
        own.feature_names = model.feature_names
        return self._of(own, copy.deepcopy(self._rng), trainer)

    def summary(self) -> None:
        """Print a table of the layers: their shapes, activations and numbers of parameters.

        In a notebook, the network as the last line of a cell shows it with a drawing.

        Examples
        --------
        >>> from fastnn import Network
        >>> Network([64, 30, 10], activation=["relu", "softmax"], loss="cross_entropy").summary()
        Network of 2 layers, float64, loss cross_entropy
        layer  weights   biases  activation  parameters
        0      (64, 30)  (30,)   relu             1,950
        1      (30, 10)  (10,)   softmax            310
                                 in all           2,260
        """
        from fastnn import _summary  # which few need

        print(_summary.text(type(self).__name__, self._model))

    def _repr_html_(self) -> str:
        """For notebooks."""
        from fastnn import _summary

        return _summary.html(type(self).__name__, self._model)

    def __repr__(self) -> str:
        names = set(self.activations)
        activation = names.pop() if len(names) == 1 else list(self.activations)
        return (
            f"<Network({list(self.layer_sizes)}, activation={activation!r}, loss={self.loss!r}, "
            f"dtype={self.dtype.name!r}), {self.n_parameters:,} parameters"
            f"{', with a standardizer' if self._model.standardizers else ''}>"
        )

    def _at_one_moment(self, with_trainer: bool) -> tuple[Model, Array, TrainerState]:
        """Copies of the parameters and of the trainer's state, as one step has left them.

        What belongs to whole epochs is as the last of them has left it.
        """
        while True:
            # Without a call in between, in which another thread may set the network up anew.
            model, trainer = self._model, self._trainer
            trainer = trainer if with_trainer else TrainerState()
            state, own = trainer.optimizer, copy.deepcopy(trainer)
            if state is None:
                (parameters,), own.optimizer = copies(model.parameters), None
            else:
                parameters, block, record = copies(model.parameters, state.block, state.record)
                own.optimizer = State.of(state.optimizer, block, record)
            if trainer.optimizer is state:  # else another thread's step has brought its own
                return model, parameters, own

    def __getstate__(self) -> dict[str, Any]:
        """Without layout and alignment, which are made anew."""
        model, parameters, trainer = self._at_one_moment(with_trainer=True)
        state = {
            "layer_sizes": model.layer_sizes,
            "activations": model.activations,
            "loss": model.loss,
            "rng": self._rng,
            "parameters": parameters,
            "trainer": trainer,
        }
        optional = {"feature_names": model.feature_names, "standardizers": model.standardizers}
        return state | {name: value for name, value in optional.items() if value is not None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """What `__getstate__` gives, checked as `from_parameters` does: it may be anybody's."""
        _checks.state(state, "the state of a network", STATE)
        sizes = _checks.layer_sizes(state["layer_sizes"], "layer_sizes")
        activations = _checks.activations(
            state["activations"], "activations", len(sizes) - 1, kernels.INTERNAL
        )
        loss = _checks.loss(state["loss"], "loss", activations[-1], kernels.INTERNAL)
        dtype = _data_checks.dtype_of_block(state["parameters"], "parameters")
        standardizers = Standardizers.checked(state.get("standardizers"), sizes)
        model = Model(sizes, activations, loss, dtype, standardizers)
        _data_checks.fill_block(model.parameters, state["parameters"], "parameters", model.layout)
        names = _checks.feature_names(state.get("feature_names"), "feature_names", sizes[0])
        model.feature_names = names
        rng = _checks.generator_of_state(state["rng"], "rng")
        self._become(
            model, copy.deepcopy(rng), TrainerState.checked(state["trainer"], model.layout)
        )

    def _exported(self) -> Exported:
        from fastnn.export._exported import Exported

        model = self._model
        weights, biases = model.layout.views(copies(model.parameters)[0])
        standardizers = model.standardizers
        return Exported(
            [np.ascontiguousarray(W) for W in weights], list(biases), model.activations,
            model.loss, feature_names=model.feature_names,
            scaling=None if standardizers is None else standardizers.scaling(),
        )  # fmt: skip

    def _with(
        self, weights: Sequence[Array], biases: Sequence[Array], standardizers: Standardizers | None
    ) -> Self:
        """One of the same structure with these parameters, and these standardizers in them."""
        before = self._model
        model = Model(
            before.layer_sizes, before.activations, before.loss, before.layout.dtype, standardizers
        )
        places = model.layout.views(model.parameters)
        for views, given in zip(places, (weights, biases), strict=True):
            for mine, one in zip(views, given, strict=True):
                mine[:] = one
        model.feature_names = before.feature_names
        if before.feature_names is None and standardizers is not None and standardizers.inputs:
            model.feature_names = standardizers.inputs.feature_names
        return self._of(model, copy.deepcopy(self._rng))

    def _in_float64(self) -> Network:
        model = self._model
        weights, biases = model.layout.views(copies(model.parameters)[0])
        net = Network.from_parameters(
            [W.astype(np.float64) for W in weights],
            [b.astype(np.float64) for b in biases],
            activation=model.activations,
            loss=model.loss,
        )
        net._model.feature_names = model.feature_names
        return net


def _learning_rate(value: Any, dtype: np.dtype[Any]) -> Any:
    """A number, or what gives one at any time."""
    if isinstance(value, float):
        return _checks.number(value, "learning_rate", _checks.positive_in(dtype))
    from fastnn import schedules  # which take long to import

    return schedules.get(value, "learning_rate", dtype)


def compares_losses(tol: object, callbacks: list[Callback]) -> bool:
    """Whether a training compares losses, and so asks whether its data are those of another."""
    return tol is not None or any(isinstance(one, Monitor) for one in callbacks)


def _gradients(data: Data, l2: float) -> tuple[list[Array], list[Array]]:
    """The gradient of the loss of checked samples."""
    model = data.model
    layout, n = model.layout, len(data.X)
    gradient = layout.parameter_block()
    parameters, holds_lock = model.to_read(n, again=l2 > 0)
    data.add_gradients(parameters, gradient, holds_lock)
    gradient /= n
    weight_gradients, bias_gradients = layout.views(gradient)
    if l2:
        for dL_dW, W in zip(weight_gradients, layout.views(parameters)[0], strict=True):
            dL_dW += l2 * W
    return list(weight_gradients), list(bias_gradients)
