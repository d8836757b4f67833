"""The parts of a training step, for losses of one's own: methods of `Network`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastnn import _checks, _data_checks, _words, optimizers, threads
from fastnn._core import kernels
from fastnn._core.data import Data
from fastnn._core.layout import aligned_zeros, row_bytes
from fastnn._core.model import copies
from fastnn._rows import targets
from fastnn.exceptions import TrainingDivergedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from fastnn._core.model import Model
    from fastnn._core.samples import Compressed, Sparse
    from fastnn._training.trainer_state import TrainerState
    from fastnn.optimizers import Optimizer

    Array = np.ndarray[Any, Any]
    Floats = NDArray[np.floating[Any]]
    Gradients = tuple[list[Floats], list[Floats]]


# The kernels' losses whose gradients are given ones.
LOSSES = {"a": "product", "z": "product_of_z"}


class Backward(NamedTuple):
    """What `Network.backward` gives.

    Attributes
    ----------
    outputs : ndarray, (n, n_outputs), or (n_outputs,) for one sample
    weight_gradients : list of ndarray, ∂L/∂W of each layer, (n_in, n_out)
    bias_gradients : list of ndarray, ∂L/∂b of each layer, (n_out,)
    input_gradients : ndarray, ∂L/∂x of each sample, of the shape of X; or None
    """

    outputs: Floats
    weight_gradients: list[Floats]
    bias_gradients: list[Floats]
    input_gradients: Floats | None


class Backpropagating:
    """A network that is differentiated and changed step by step."""

    _model: Model
    _trainer: TrainerState

    @_words.explained
    def backward(
        self,
        X: ArrayLike | Sparse,
        output_gradients: ArrayLike,
        *,
        of: str = "a",
        input_gradients: bool = True,
        n_threads: int | None = None,
    ) -> Backward:
        """Backpropagation from ∂L/∂a of the outputs: for any loss, whose gradient you have.

        With J the Jacobian of the outputs, this is the vector-Jacobian product gᵀJ (reverse-mode
        differentiation; Rumelhart, Hinton and Williams 1986), as ``out.backward(g)`` gives it in
        PyTorch: summed over the samples, and divided by nothing.

        Parameters
        ----------
        X : array_like, table or scipy.sparse array, (n_inputs,) or (n, n_inputs)
            One sample, or one per row; as for `feedforward`.
        output_gradients : array_like, (n_outputs,) or (n, n_outputs)
            ∂L/∂a of each output of each sample, for the outputs that `feedforward` gives for X; for
            a network of one output also (n,), or for one sample a number.
        of : {"a", "z"}, default "a"
            "z": output_gradients are ∂L/∂z, z being what goes into the outputs' activation. For log
            likelihoods of softmax and sigmoid outputs, a - y, this is exact where probabilities
            are 0 or 1; and with 1 for one class and 0 for the others, input_gradients are those of
            that class's score.
        input_gradients : bool, default True
            Whether ∂L/∂x is wanted, too; without it, a wide first layer takes less time.
        n_threads : int or None, default None
            As for `feedforward`; the result is the same for any number.

        Returns
        -------
        Backward
            (outputs, weight_gradients, bias_gradients, input_gradients), in the network's dtype;
            arrays that nobody else has. What overflows there is infinite or NaN, which `step`
            refuses.

        Raises
        ------
        TypeError, ValueError
            For bad data, and for a network with step units, which have no useful derivative.

        Examples
        --------
        L = Σ (a - y)⁴, which is no loss of fastnn's:

        >>> from fastnn import Network, datasets
        >>> X, y = datasets.load_people()
        >>> net = Network([2, 2, 1], seed=0)
        >>> for step in range(1000):
        ...     a = net.feedforward(X)
        ...     found = net.backward(X, 4 * (a - y.reshape(-1, 1)) ** 3)
        ...     net.step(found, learning_rate=0.1)
        >>> net.feedforward([-7, -3]).round(1)
        array([0.9])
        """
        model, layout = self._model, self._model.layout
        _checks.differentiable(model.activations)
        wanted = threads.get(n_threads, "n_threads")
        with_inputs = _checks.flag(input_gradients, "input_gradients")
        loss = LOSSES[_checks.known_name(of, "of", LOSSES)]
        rows, single = _rows_of(model, X)
        n, n_outputs = len(rows), model.layer_sizes[-1]
        G = _data_checks.output_gradients(
            output_gradients, "output_gradients", n, n_outputs, single, layout.dtype
        )
        data = Data(model, rows, _data_checks.apart(G, model.parameters), n_threads=wanted)
        parameters, holds_lock = model.to_read(n)
        gradient, outputs = layout.parameter_block(), np.empty((n, n_outputs), layout.dtype)
        dL_dx = _room_for_inputs(model, n) if with_inputs else None
        data.add_gradients(parameters, gradient, holds_lock, loss, outputs, dL_dx)
        weight_gradients, bias_gradients = layout.views(gradient)
        return Backward(
            outputs[0] if single else outputs,
            list(weight_gradients),
            list(bias_gradients),
            None if dL_dx is None else _of_inputs(model, dL_dx, single),
        )

    @_words.explained
    def input_gradients(
        self, X: ArrayLike | Sparse, y: ArrayLike, *, n_threads: int | None = None
    ) -> Floats:
        """∂L/∂x of each sample, with L its own loss: what a change of its inputs would do to it.

        Parameters
        ----------
        X : array_like, table or scipy.sparse array, (n_inputs,) or (n, n_inputs)
            One sample, or one per row.
        y : array_like
            As for `train`; for one sample as for `update`.
        n_threads : int or None, default None
            As for `feedforward`.

        Returns
        -------
        ndarray, (n_inputs,) or (n, n_inputs)
            Not divided by the number of samples: a row is the same in whatever company.

        Raises
        ------
        TypeError, ValueError
            As for `gradients`.

        Examples
        --------
        >>> from fastnn import Network, datasets
        >>> X, y = datasets.load_people()
        >>> net = Network([2, 2, 1], seed=0)
        >>> history = net.train(X, y, epochs=1000, learning_rate=0.1)
        >>> net.input_gradients(X, y).shape
        (4, 2)
        """
        model = self._model
        _checks.differentiable(model.activations)
        wanted = threads.get(n_threads, "n_threads")
        rows, single = _rows_of(model, X)
        if single:
            dtype, n_outputs = model.layout.dtype, model.layer_sizes[-1]
            Y = _data_checks.target_of_one(y, "y", model.loss, n_outputs, dtype)
        else:
            Y = targets(model, y, len(rows), "y")
        data = Data(model, rows, _data_checks.apart(Y, model.parameters), n_threads=wanted)
        parameters, holds_lock = model.to_read(len(rows))
        dL_dx = _room_for_inputs(model, len(rows))
        data.add_gradients(parameters, None, holds_lock, input_gradients=dL_dx)
        return _of_inputs(model, dL_dx, single)

    @_words.explained
    def hidden(self, X: ArrayLike | Sparse, layer: int, *, n_threads: int | None = None) -> Floats:
        """a of the units of a layer: what the network has made of its inputs up to there.

        Parameters
        ----------
        X : array_like, table or scipy.sparse array, (n_inputs,) or (n, n_inputs)
            One sample, or one per row; as for `feedforward`.
        layer : int
            As in `weights`: 0 is the first hidden layer, -2 the last one, -1 the outputs.
        n_threads : int or None, default None
            As for `feedforward`.

        Returns
        -------
        ndarray, (n_units,) or (n, n_units), of the network's dtype

        Raises
        ------
        TypeError, ValueError
            As for `feedforward`, and if there is no such layer.
        """
        model = self._model
        wanted = threads.get(n_threads, "n_threads")
        n_layers = len(model.activations)
        layer = _checks.integer(layer, "layer", -n_layers)
        if layer >= n_layers:
            raise ValueError(
                f"layer must be below {n_layers}, as in weights, which are {n_layers}; got {layer}"
            )
        rows, single = _rows_of(model, X)
        layer %= n_layers
        out = np.empty((len(rows), model.layer_sizes[layer + 1]), model.layout.dtype)
        if not model.feedforward(rows, out, wanted, layer):
            raise ValueError("X must not change while it is read, and it did; give a copy")
        return out[0] if single else out

    @_words.explained
    def step(
        self,
        weight_gradients: Backward | Sequence[ArrayLike] | Gradients,
        bias_gradients: Sequence[ArrayLike] | None = None,
        *,
        learning_rate: float,
        optimizer: str | Optimizer = "sgd",
    ) -> None:
        """One step of an optimizer by a gradient, such as `backward` or `gradients` give.

        Parameters
        ----------
        weight_gradients : sequence of array_like, ∂L/∂W of each layer, (n_in, n_out)
            Or what `backward` or `gradients` has given, which has those of the biases, too.
        bias_gradients : sequence of array_like, ∂L/∂b of each layer, (n_out,)
        learning_rate : float
            eta, at least 0; of a schedule its value, ``schedule(epoch)``.
        optimizer : str or optimizer, default "sgd"
            As for `train`. What it keeps from step to step stays with the network, and goes on with
            steps of an equal optimizer, here and in `train` and `update`. One with other settings,
            such as another `clip_norm`, begins anew; plain "sgd" keeps nothing, and so leaves what
            is there.

        Raises
        ------
        TypeError, ValueError
            For bad gradients or settings; the parameters stay as they were.
        TrainingDivergedError
            If a parameter, or what the optimizer keeps, would not be finite; all stays as it was.
        RuntimeError
            While the network is being trained. Steps from several threads take turns.
        """
        model = self._model
        model.check_trained()
        layout = model.layout
        chosen = optimizers.get(optimizer)
        optimizers.check_fit(chosen, "optimizer", layout.dtype, model.activations)
        if callable(learning_rate):
            raise TypeError(
                "learning_rate must be a number, got "
                f"{_checks.description(learning_rate)}; give its value: schedule(epoch)"
            )
        eta = _checks.number(learning_rate, "learning_rate", _checks.NOT_NEGATIVE)
        if isinstance(weight_gradients, Backward):
            weight_gradients, bias_gradients = weight_gradients[1:3]
        elif bias_gradients is None:
            weight_gradients, bias_gradients = _both(weight_gradients)
        gradient = layout.parameter_block()
        _data_checks.fill_gradient(gradient, weight_gradients, bias_gradients, layout)
        with model.turn(trains=False):
            if self._model is not model:
                raise RuntimeError(
                    "the network was set up anew meanwhile, for example by its __setstate__"
                )
            state = self._trainer.of_optimizer(chosen, layout)
            kept = [model.parameters, state.block, state.record]
            parameters, block, record = new = copies(*kept)
            of_each = block if state.n_parts else parameters
            if not kernels.step(
                layout.layers, parameters, gradient, of_each, record, eta, chosen.l2
            ):
                raise TrainingDivergedError(
                    f"the step of {optimizer!r} at learning_rate={eta!r} would leave a parameter, "
                    "or what the optimizer keeps, that is not finite; the network stays as it was. "
                    "Use a smaller learning_rate, or scale the gradients down, for example by the "
                    "optimizer's clip_norm"
                )
            if not chosen.is_plain:
                self._trainer.optimizer = state
            kernels.copy(new, kept)


def _rows_of(model: Model, X: Any) -> tuple[Array | Compressed, bool]:
    """Checked samples as rows that are not the network's own, and whether X was a single one."""
    given = _data_checks.given(X, "X")
    if model.feature_names is not None:
        _data_checks.feature_names(given, model.feature_names)
    rows, single = _data_checks.one_or_many(given, "X", model.layer_sizes[0], model.layout.dtype)
    return _data_checks.apart(rows, model.parameters), single


def _both(given: Any) -> tuple[Any, Any]:
    """The gradients of weights and of biases, as `Network.gradients` gives them."""
    if type(given) is tuple and len(given) == 2 and all(type(one) is list for one in given):
        return given
    raise TypeError(
        "weight_gradients must be followed by bias_gradients, or be what backward or gradients "
        f"has given, which has both; got {_checks.description(given)}"
    )


def _room_for_inputs(model: Model, n: int) -> Array:
    """For ∂L/∂x of n samples, in rows of whole vecs."""
    dtype = model.layout.dtype
    row = row_bytes(model.layer_sizes[0], dtype)
    try:
        return aligned_zeros(n * row, dtype).reshape(n, row // dtype.itemsize)
    except MemoryError as error:
        raise MemoryError(
            f"the gradients of {n:,} samples' inputs need {n * row:,} bytes, which cannot be had; "
            "take fewer samples at a time, or backward(..., input_gradients=False)"
        ) from error


def _of_inputs(model: Model, dL_dx: Array, single: bool) -> Array:
    found = np.ascontiguousarray(dL_dx[:, : model.layer_sizes[0]])
    return found[0] if single else found
