"""The network that people call: construct, feedforward, update, train, gradients."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks, _kernels, training
from fastnn._layout import Layout
from fastnn._samples import CSR, Compressed, Samples, room_for_one
from fastnn.forms import FORMS
from fastnn.history import History
from fastnn.initializers import INITIALIZERS
from fastnn.optimizers import OPTIMIZERS, Optimizer, State

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    Array = np.ndarray[Any, Any]

# Central differences of step h err by h² and by rounding / h; this is near the best of both.
DIFFERENCE_STEP = 1e-5


class Network:
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
    initializer : str, default "auto"
        "he", "glorot", "normal" (weights and biases standard normal), "small" (weights of
        standard deviation 0.01), or "auto": "he" for layers of the relu family, "glorot" for
        others. Biases start at zero except under "normal".
    dtype : {"float64", "float32"}, default "float64"
        Of parameters and arithmetic.
    seed : int or None, default None
        Of the network's random generator, which makes the initial parameters and then the order
        of the samples. None: different each time.

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

    def __init__(
        self,
        layer_sizes: Sequence[int],
        *,
        activation: str | Sequence[str] = "sigmoid",
        loss: str = "mse",
        initializer: str = "auto",
        dtype: DTypeLike = "float64",
        seed: int | None = None,
    ) -> None:
        self._set_up(
            _checks.layer_sizes(layer_sizes, "layer_sizes"),
            activation,
            loss,
            _checks.dtype(dtype, "dtype"),
            _checks.generator(seed, "seed"),
        )
        initialize = INITIALIZERS[_checks.initializer(initializer, "initializer")]
        for W, b, name in zip(self.weights, self.biases, self._activations, strict=True):
            n_in, n_out = W.shape
            W[:], b[:] = initialize(self._rng, n_in, n_out, name)

    @classmethod
    def from_parameters(
        cls,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike],
        *,
        activation: str | Sequence[str] = "sigmoid",
        loss: str = "mse",
        seed: int | None = None,
    ) -> Network:
        """A network with copies of given parameters.

        Parameters
        ----------
        weights : sequence of array_like, one (n_in, n_out) per layer
        biases : sequence of array_like, one (n_out,) per layer
            If all arrays are float32, so is the network; otherwise it is float64.
        activation, loss, seed
            As for `Network`.
        """
        W, b, dtype = _checks.parameters(weights, biases)
        net = cls.__new__(cls)
        sizes = (W[0].shape[0], *(len(b_l) for b_l in b))
        net._set_up(sizes, activation, loss, dtype, _checks.generator(seed, "seed"))
        for mine, given in zip(net.weights + net.biases, W + b, strict=True):
            mine[:] = given
        return net

    def _set_up(
        self,
        layer_sizes: tuple[int, ...],
        activation: str | Sequence[str],
        loss: str,
        dtype: np.dtype[Any],
        rng: np.random.Generator,
    ) -> None:
        """Everything but the values of the parameters, which stay zero."""
        n_layers = len(layer_sizes) - 1
        self._layer_sizes = layer_sizes
        self._activations = _checks.activations(activation, "activation", n_layers)
        self._loss = _checks.loss(loss, "loss", self._activations[-1])
        self._layout = Layout(
            layer_sizes, [_kernels.ACTIVATIONS[name] for name in self._activations], dtype
        )
        self._rng = rng
        self._parameters = self._layout.parameter_block()
        self._state: State | None = None  # what the last optimizer keeps from step to step
        self._steps_one_by_one = "step" not in self._activations
        self._one_sample = _kernels.OneSample(
            _checks.NUMBERS, _checks.INTEGERS, self._layout.layers, _kernels.LOSSES[self._loss],
            self._parameters, self._layout.workspace(1),
            Samples(None, compressed=room_for_one(layer_sizes[0], dtype)),
        )  # fmt: skip

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """The number of inputs, then of units in each layer."""
        return self._layer_sizes

    @property
    def activations(self) -> tuple[str, ...]:
        """The name of each layer's activation."""
        return self._activations

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self._loss

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self._layout.dtype

    @property
    def weights(self) -> tuple[Array, ...]:
        """W of each layer, (n_in, n_out): views into the network, so writing changes it."""
        return self._layout.views(self._parameters)[0]

    @property
    def biases(self) -> tuple[Array, ...]:
        """b of each layer, (n_out,): views into the network, so writing changes it."""
        return self._layout.views(self._parameters)[1]

    @property
    def n_parameters(self) -> int:
        """How many weights and biases there are."""
        return sum(
            (n_in + 1) * n_out
            for n_in, n_out in zip(self._layer_sizes, self._layer_sizes[1:], strict=False)
        )

    def feedforward(
        self, X: ArrayLike | CSR, out: Array | None = None, *, n_threads: int = 1
    ) -> Array:
        """The outputs of the network.

        Parameters
        ----------
        X : array_like or scipy.sparse CSR array, (n_inputs,) or (n, n_inputs)
            One sample, or one per row.
        out : ndarray or None, default None
            Where to put the outputs: C-contiguous, of the result's shape and the network's dtype.
            None: a new array. After an error it holds anything.
        n_threads : int, default 1
            How many threads share the rows; the result is the same for any number.

        Returns
        -------
        ndarray, (n_outputs,) or (n, n_outputs), of the network's dtype
            A row predicted alone equals the same row among others, bit for bit.

        Raises
        ------
        TypeError, ValueError
            If X has another shape, is not real, or not finite in the network's dtype.
        """
        if n_threads == 1:
            a: Array | None = self._one_sample.feedforward(X, out)
            if a is not None:
                return a
        return self._feedforward_rows(X, out, n_threads)

    def _feedforward_rows(self, X: ArrayLike | CSR, out: Array | None, n_threads: int) -> Array:
        """feedforward in general. Apart, because names that a function within it uses cost time."""
        n_threads = _checks.integer(n_threads, "n_threads", 1)
        n_inputs, dtype = self._layer_sizes[0], self.dtype
        X = _checks.array_or_csr(X, "X")
        rows, single = _checks.one_or_many(X, "X", n_inputs, dtype, finite=False)
        n, n_outputs = len(rows), self._layer_sizes[-1]
        shape = (n_outputs,) if single else (n, n_outputs)
        if out is None:
            out = np.empty(shape, dtype)
        else:
            _checks.output(out, "out", shape, dtype)
        out_rows = out.reshape(n, n_outputs)

        def predict(start: int, end: int) -> None:
            samples = self._samples(rows)  # with room of its own, as threads need it
            finite = _kernels.feedforward(
                self._layout.layers, self._parameters, samples.record, start,
                out_rows[start:end], self._layout.workspace(end - start),
            )  # fmt: skip
            if not finite:
                _checks.one_or_many(X, "X", n_inputs, dtype)

        training.run_chunks(self, n, predict, n_threads)
        return out

    def train(
        self,
        X: ArrayLike | CSR,
        y: ArrayLike,
        *,
        epochs: int,
        learning_rate: float,
        batch_size: int = 1,
        shuffle: bool = True,
        tol: float | None = None,
        patience: int = 10,
        optimizer: str | Optimizer = "sgd",
        form: str = "auto",
    ) -> History:
        """Stochastic gradient descent: W <- W - eta ∂L/∂W for each batch, b alike.

        Training goes on from the present parameters. Two calls of 500 epochs equal one of 1,000,
        bit for bit. Ctrl-C raises KeyboardInterrupt and leaves the network at a completed step.

        A network of one layer of "step" units learns by the perceptron rule:
        W <- W + eta xᵀ(y - a), b alike (Rosenblatt 1958), with batch size 1 and loss "mse".

        Parameters
        ----------
        X : array_like or scipy.sparse CSR array, (n, n_inputs)
            float arrays of the network's dtype, C-contiguous, are not copied. Where many of the
            numbers are zero and the first layer is narrow, those that are not are: 4 bytes for
            each, and its own. That is at most as much again as X.
        y : array_like, (n, n_outputs)
            Or (n,) for one output. For cross_entropy class numbers (n,), or rows that sum to 1.
        epochs : int
            How often to go through all samples; 0 does nothing.
        learning_rate : float
            eta, positive.
        batch_size : int, default 1
            Samples per update, whose gradients are averaged; 1 is per-sample SGD, and n or more
            is the full batch. The last batch of an epoch may be smaller.
        shuffle : bool, default True
            A new order of the samples in each epoch, from the network's generator; False: the
            order of the rows.
        tol, patience : float or None, int; default None, 10
            Stop after `patience` epochs in a row whose loss is not below the best one before
            them by more than `tol`. None: run all epochs.
        optimizer : str or optimizer, default "sgd"
            "sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop" or "adagrad"; or one of
            `fastnn.optimizers`, with settings: ``optimizers.Adam(beta_1=0.8, l2=0.001)``. What it
            keeps from step to step stays with the network, and is used again by the next call with
            an equal optimizer.
        form : str, default "auto"
            How the first layer is computed at batch size 1, for experts: "direct", "fused",
            "zero_skip" or "blocked". All give the same result to rounding; "auto" takes the one
            that is fastest for the network and the data.

        Returns
        -------
        History
            ``history["loss"]`` has one value per epoch: the mean of the samples' losses, each
            before its update, and with the penalty of L2 regularisation where there is one.

        Raises
        ------
        TypeError, ValueError
            For bad data or settings; the parameters stay as they were.
        TrainingDivergedError
            If the loss or a parameter stops being finite.
        """
        rows, counts = _checks.counted_samples(X, "X", self._layer_sizes[0], self.dtype)
        Y = self._targets(y, len(rows))
        batch_size = min(_checks.integer(batch_size, "batch_size", 1), len(rows))
        _checks.trainable(self._activations, self._loss, batch_size)
        chosen = _checks.optimizer(optimizer, "optimizer", OPTIMIZERS)
        _checks.optimizer_fits(chosen, "optimizer", self.dtype, self._activations)
        return History(
            training.train(
                self,
                rows,
                counts,
                Y,
                epochs=_checks.integer(epochs, "epochs", 0),
                learning_rate=_checks.positive_number(learning_rate, "learning_rate", self.dtype),
                batch_size=batch_size,
                shuffle=_checks.flag(shuffle, "shuffle"),
                tol=_checks.tolerance(tol, "tol"),
                patience=_checks.integer(patience, "patience", 1),
                optimizer=chosen,
                form=_checks.known_name(form, "form", ("auto", *FORMS)),
            )
        )

    def update(self, x: ArrayLike, y: ArrayLike, learning_rate: float) -> float:
        """One step of SGD on one sample.

        Parameters
        ----------
        x : array_like, (n_inputs,)
        y : array_like, (n_outputs,)
            Or a number for one output, or a class number for cross_entropy.
        learning_rate : float
            eta, positive.

        Returns
        -------
        float
            The sample's loss before the step.

        Raises
        ------
        TypeError, ValueError
            For bad data or settings; the parameters stay as they were.
        TrainingDivergedError
            If the loss or a parameter would not be finite; the parameters stay as they were.
        """
        if self._steps_one_by_one:
            loss = self._one_sample.update(x, y, learning_rate)
            if loss is not None:
                return loss
        X = _checks.one_sample(x, "x", self._layer_sizes[0], self.dtype)
        Y = _checks.target_of_one(y, "y", self._loss, self._layer_sizes[-1], self.dtype)
        _checks.trainable(self._activations, self._loss, 1)
        losses = training.train(
            self,
            X,
            None,
            Y,
            epochs=1,
            learning_rate=_checks.positive_number(learning_rate, "learning_rate", self.dtype),
            batch_size=1,
            shuffle=False,
            tol=None,
            patience=1,
            optimizer=OPTIMIZERS["sgd"],
            form="direct",
        )
        return float(losses[0])

    def evaluate(self, X: ArrayLike | CSR, y: ArrayLike) -> float:
        """The loss of the network on samples and targets, shaped as for `train`."""
        rows = _checks.samples(X, "X", self._layer_sizes[0], self.dtype)
        return self._mean_loss(rows, self._targets(y, len(rows)))

    def gradients(self, X: ArrayLike | CSR, y: ArrayLike) -> tuple[list[Array], list[Array]]:
        """The gradient of the loss that `evaluate` gives, by backpropagation.

        Parameters
        ----------
        X, y
            As for `train`.

        Returns
        -------
        weight_gradients : list of ndarray, ∂L/∂W of each layer, (n_in, n_out)
        bias_gradients : list of ndarray, ∂L/∂b of each layer, (n_out,)

        Raises
        ------
        ValueError
            For bad data, and for a network with step units, which have no useful derivative.
        """
        _checks.differentiable(self._activations)
        rows = _checks.samples(X, "X", self._layer_sizes[0], self.dtype)
        Y = self._targets(y, len(rows))
        samples = self._samples(rows, Y)
        gradient = self._layout.parameter_block()
        workspace = self._layout.workspace(len(rows))
        for start, end in training.row_chunks(self, len(rows)):
            _kernels.gradients(
                self._layout.layers, _kernels.LOSSES[self._loss], samples.n_targets,
                self._parameters, samples.record, start, end, gradient, workspace,
            )  # fmt: skip
        gradient /= len(rows)
        weights, biases = self._layout.views(gradient)
        return list(weights), list(biases)

    def check_gradients(self, X: ArrayLike | CSR, y: ArrayLike) -> float:
        """How far `gradients` is from central differences of `evaluate`.

        Computed in float64 whatever the network's dtype. Kinks (relu, leaky_relu, mae) near a
        sample's z make differences meaningless there.

        Returns
        -------
        float
            max |g - c| / max |g| over all parameters, g the gradient and c the central
            difference (L(w + h) - L(w - h)) / 2h; 0 if both are zero everywhere.
        """
        net = self._in_float64()
        rows = _checks.samples(X, "X", net._layer_sizes[0], net.dtype)
        Y = net._targets(y, len(rows))
        weight_gradients, bias_gradients = net.gradients(X, y)
        g = np.concatenate([one.ravel() for one in weight_gradients + bias_gradients])
        c = np.empty_like(g)
        i = 0
        for parameters in net.weights + net.biases:
            for place in np.ndindex(parameters.shape):
                w = parameters[place]
                parameters[place] = w + DIFFERENCE_STEP
                loss_above = net._mean_loss(rows, Y)
                parameters[place] = w - DIFFERENCE_STEP
                c[i] = (loss_above - net._mean_loss(rows, Y)) / (2 * DIFFERENCE_STEP)
                parameters[place] = w
                i += 1
        largest_error = np.abs(g - c).max()
        return float(largest_error / np.abs(g).max()) if largest_error else 0.0

    def copy(self) -> Network:
        """An independent network with the same parameters and the same random generator."""
        return copy.deepcopy(self)

    def __copy__(self) -> Network:
        return self.copy()  # a generator shared by two networks would tie their results together

    def __repr__(self) -> str:
        names = set(self._activations)
        activation = names.pop() if len(names) == 1 else list(self._activations)
        return (
            f"<Network({list(self._layer_sizes)}, activation={activation!r}, loss={self._loss!r}, "
            f"dtype={self.dtype.name!r}), {self.n_parameters:,} parameters>"
        )

    def __getstate__(self) -> dict[str, Any]:
        """Without layout and alignment, which are made anew."""
        return {
            "layer_sizes": self._layer_sizes,
            "activations": self._activations,
            "loss": self._loss,
            "rng": self._rng,
            "parameters": np.array(self._parameters),
            "state": self._state,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        parameters = state["parameters"]
        self._set_up(
            state["layer_sizes"],
            state["activations"],
            state["loss"],
            parameters.dtype,
            state["rng"],
        )
        self._parameters[:] = parameters
        self._state = state["state"]

    def _samples(self, X: Array | Compressed, Y: Array | None = None) -> Samples:
        """Samples of which kernels skip the zeros where a row has many."""
        return Samples(X, Y, room_for_one(self._layer_sizes[0], self.dtype))

    def _targets(self, y: ArrayLike, n_samples: int) -> Array:
        return _checks.targets(y, "y", n_samples, self._loss, self._layer_sizes[-1], self.dtype)

    def _mean_loss(self, X: Array | Compressed, Y: Array) -> float:
        samples = self._samples(X, Y)
        workspace = self._layout.workspace(len(X))
        total = 0.0
        for start, end in training.row_chunks(self, len(X)):
            total = _kernels.loss(
                self._layout.layers, _kernels.LOSSES[self._loss], samples.n_targets,
                self._parameters, samples.record, start, end, workspace, total,
            )  # fmt: skip
        return total / len(X)

    def _in_float64(self) -> Network:
        return Network.from_parameters(
            [W.astype(np.float64) for W in self.weights],
            [b.astype(np.float64) for b in self.biases],
            activation=self._activations,
            loss=self._loss,
        )
