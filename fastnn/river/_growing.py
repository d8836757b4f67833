"""A network to which inputs and outputs are added as they become known, for streams of data."""

from __future__ import annotations

import contextlib
import hashlib
import math
import operator
import struct
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._core.model import Model
from fastnn._initializers import INITIALIZERS, RELU_FAMILY
from fastnn.network import Network
from fastnn.optimizers import State
from fastnn.river import _data_checks

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

SPARE = 8  # when inputs are added, room for a further one to eight is made


class GrowingNetwork:
    """A network, and the places of its named inputs and outputs.

    What is added changes no parameter that is there, nor what an optimizer keeps for it. The
    weights of a new input or output come from the seed and its name alone; so the network is the
    one in which the input had been there from the start, and 0, as long as no weight decays.
    Inputs beyond the known ones are room for others: their weights are 0.
    """

    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...],
        activations: tuple[str, ...],
        loss: str,
        dtype: np.dtype[Any],
        seed: int,
    ) -> None:
        """activations are those of all layers."""
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activations = activations
        self.loss = loss
        self.dtype = dtype
        self.seed = seed
        self.inputs: dict[Hashable, int] = {}
        self.outputs: dict[Hashable, int] = {}
        self.net: Network | None = None  # until there is an output
        # Take so many known inputs out of a sample, and put them into a row.
        self._take: Any = None
        self._pack: Any = None
        self._n_taken = 0

    def grow(self, inputs: Iterable[Hashable], output: Hashable) -> Network:
        """Add those that are not there yet. The order of the inputs does not matter."""
        unknown = (name for name in inputs if name not in self.inputs)
        new = sorted(map(_data_checks.key, unknown), key=_spelling)
        n_inputs, n_outputs = len(self.inputs) + len(new), len(self.outputs)
        is_new = output not in self.outputs
        net = self.net
        if net is None or is_new or n_inputs > net.layer_sizes[0]:
            net = self._resized(n_inputs, n_outputs + is_new)
        first, last = net.weights[0], net.weights[-1]
        for place, name in enumerate(new, len(self.inputs)):
            first[place] = self._weights(first.shape[1], net.activations[0], "input", name)
        if is_new:
            last[:, n_outputs] = self._weights(last.shape[0], net.activations[-1], "output", output)
        self.net = net
        if is_new:
            self.outputs[output] = n_outputs
        self.inputs.update(zip(new, range(len(self.inputs), n_inputs), strict=True))
        return net

    @contextlib.contextmanager
    def growth(self, inputs: Iterable[Hashable], output: Hashable) -> Iterator[Network]:
        """The network with these, while it learns the first sample that has them.

        What is new is forgotten if that fails, and everything is as it was.
        """
        net, n_inputs, n_outputs = self.net, len(self.inputs), len(self.outputs)
        try:
            yield self.grow(inputs, output)
        except Exception:  # not Ctrl-C, which may come after the step
            self._forget(net, n_inputs, n_outputs)
            raise

    def _forget(self, net: Network | None, n_inputs: int, n_outputs: int) -> None:
        """All but the first inputs and outputs, which this network has."""
        self.net = net
        for places, n in ((self.inputs, n_inputs), (self.outputs, n_outputs)):
            while len(places) > n:
                places.popitem()
        if net is not None:
            net.weights[0][n_inputs:] = 0

    def row_of_known(self, x: Mapping[Hashable, Any]) -> Array | None:
        """A sample, if it has the known inputs and no other, all finite numbers; else None.

        Also None where their sum is too large: the caller then looks at each of them.
        """
        n = len(self.inputs)
        try:
            if len(x) != n or n < 2:  # for one name, itemgetter makes no tuple
                return None
            if n != self._n_taken:
                self._prepare_rows(n)
            numbers = self._take(x)
            row = np.frombuffer(self._pack(*numbers), self.dtype)
            return row if math.isfinite(sum(numbers)) else None
        except (KeyError, TypeError, struct.error, OverflowError):
            return None

    def _prepare_rows(self, n: int) -> None:
        assert self.net is not None
        n_padding = (self.net.layer_sizes[0] - n) * self.dtype.itemsize
        self._take = operator.itemgetter(*self.inputs)
        self._pack = struct.Struct(f"{n}{self.dtype.char}{n_padding}x").pack
        self._n_taken = n

    def row(self, x: Mapping[Hashable, float]) -> Array:
        """A sample, without inputs that are not known; those that it does not have are 0."""
        assert self.net is not None
        row = np.zeros(self.net.layer_sizes[0], self.dtype)
        for name, value in x.items():
            if name in self.inputs:
                row[self.inputs[name]] = value
        return row

    def rows(self, names: Sequence[Hashable], numbers: Array) -> Array:
        """Many samples, likewise; names are those of the columns."""
        assert self.net is not None
        rows = np.zeros((len(numbers), self.net.layer_sizes[0]), self.dtype)
        known = [j for j, name in enumerate(names) if name in self.inputs]
        rows[:, [self.inputs[names[j]] for j in known]] = numbers[:, known]
        return rows

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_take": None, "_pack": None, "_n_taken": 0}

    def _resized(self, n_inputs: int, n_outputs: int) -> Network:
        """With parameters of zero where there were none, but for layers between hidden ones."""
        old = self.net
        room = old.layer_sizes[0] if old else 0
        if n_inputs > room:
            room = max(1, n_inputs + n_inputs // SPARE)
        sizes = (room, *self.hidden_layer_sizes, n_outputs)
        model = Model(sizes, self.activations, self.loss, self.dtype)
        net = Network._of(model, np.random.default_rng(self.seed))
        if old is None:
            for layer, W in enumerate(net.weights[1:-1], 2):
                rng, activation = self._generator("layer", layer), self.activations[layer - 1]
                W[:], _ = INITIALIZERS["auto"](rng, W.shape[0], W.shape[1], activation)
            return net
        _copy_parameters(old, old._parameters, net, net._parameters)
        kept = old._trainer.optimizer
        if kept is not None:
            net._trainer.optimizer = state = State(kept.optimizer, net._layout)
            state.record[:] = kept.record
            for k in range(kept.n_parts):
                _copy_parameters(old, kept.part(k), net, state.part(k))
        return net

    def _weights(self, n_units: int, activation: str, kind: str, name: Hashable) -> Array:
        """Of one input or output, at the n_units units that it is connected to.

        Uniform, with the variance of He's and Glorot's initial weights in a layer that has as many
        inputs as outputs: what is yet to come is not known.
        """
        limit = math.sqrt((6 if activation in RELU_FAMILY else 3) / n_units)
        return self._generator(kind, name).uniform(-limit, limit, n_units)

    def _generator(self, kind: str, name: Hashable) -> np.random.Generator:
        digest = hashlib.sha256(f"{kind} {_spelling(name)}".encode()).digest()
        return np.random.default_rng([self.seed, int.from_bytes(digest)])


def _spelling(name: Hashable) -> str:
    """A name in characters: the same for equal texts, numbers, and tuples and sets of them.

    Keys of a dict that are equal are one key, such as 1, 1.0 and True, and have different reprs.
    """
    name = _data_checks.key(name)
    if isinstance(name, str):
        return str.__repr__(name)
    if isinstance(name, Number):
        return _spelling_of_number(name)
    if isinstance(name, tuple):
        return f"({', '.join(map(_spelling, name))})"
    if isinstance(name, frozenset):  # whose order differs from process to process
        return f"{{{', '.join(sorted(map(_spelling, name)))}}}"
    return repr(name)


def _spelling_of_number(number: Any) -> str:
    """A whole number's digits, or an exact fraction."""
    if isinstance(number, complex):
        if number.imag:
            return f"{_spelling_of_number(number.real)} + {_spelling_of_number(number.imag)} i"
        number = number.real
    try:
        numerator, denominator = number.as_integer_ratio()
    except (ValueError, OverflowError):  # not finite
        return str(float(number))
    except AttributeError:  # of a kind of its own
        return repr(number)
    return f"{numerator}" if denominator == 1 else f"{numerator}/{denominator}"


def _copy_parameters(old: Network, old_block: Array, net: Network, block: Array) -> None:
    """From a block of parameters into a larger network's, place by place."""
    for old_arrays, arrays in zip(
        old._layout.views(old_block), net._layout.views(block), strict=True
    ):
        for before, array in zip(old_arrays, arrays, strict=True):
            array[tuple(map(slice, before.shape))] = before
