"""What the models of others have in common: layers that become a network, or are refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from fastnn import _checks, _words
from fastnn._checks import description, plural
from fastnn.exceptions import ModelFileError

if TYPE_CHECKING:
    from fastnn._exchange import Exchanging

    Array = np.ndarray[Any, Any]
    N = TypeVar("N", bound=Exchanging)

# The losses that belong to an output layer, where nobody names one.
OBVIOUS_LOSS = {activation: loss for loss, activation in _checks.REQUIRED_OUTPUT.items()}


def refuse(layer: str, why: str, remedy: str, error: type[ValueError] = ValueError) -> NoReturn:
    """layer: its name, as `named` writes it."""
    raise error(f"{layer} cannot be taken over: {why}; {remedy}")


def named(layer: Any, name: str) -> str:
    """A layer as messages call it."""
    return f"layer {name!r} ({type(layer).__name__})" if name else f"the {type(layer).__name__}"


def as_set(
    layer: str,
    ours: str,
    found: Mapping[str, Any],
    required: Mapping[str, Any],
    remedy: str,
) -> str:
    """The name of our activation, if a layer's settings are those that it has here.

    found and required are settings by the names that the layer's library has for them.
    """
    for setting, value in required.items():
        is_last_axis = value == -1 and found[setting] == 1  # of rows
        if found[setting] != value and not is_last_axis:
            why = f"its {setting} is {found[setting]!r}, and {ours} of fastnn has {value!r}"
            if ours == "gelu":
                why += " (the tanh form, which is up to 0.0005 off the exact one)"
            refuse(layer, why, remedy)
    return ours


@contextlib.contextmanager
def faults_of(source: str) -> Iterator[None]:
    """Whatever goes wrong with what stands in a file is a ModelFileError that names the file."""
    try:
        yield
    except (MemoryError, ModelFileError):
        raise
    except Exception as error:  # those who parse it have errors of several kinds
        raise ModelFileError(f"{source!r} holds no network: {error}"[:500]) from error


def loss_for(output_activation: str, loss: str | None) -> str:
    """The loss that is named, or else the one that belongs to the output layer."""
    return OBVIOUS_LOSS.get(output_activation, "mse") if loss is None else loss


def checked_loss(loss: Any) -> str | None:
    """A name of ours; for an object of another library, which one is meant."""
    if loss is None or isinstance(loss, str):
        return None if loss is None else _checks.known_name(loss, "loss", _checks.LOSSES)
    meant = loss.__name__ if isinstance(loss, type) else type(loss).__name__
    raise TypeError(
        f"loss must be one of {', '.join(map(repr, _checks.LOSSES))}, got {description(loss)}"
        f"{_words.hint(meant, _checks.LOSSES)}"
    )


class Chain:
    """Dense layers and their activations, in the order of their model."""

    def __init__(self, error: type[ValueError] = ValueError) -> None:
        """error: what is raised for a layer that cannot be taken over."""
        self._error = error
        self.weights: list[Array] = []
        self.biases: list[Array] = []
        self.activations: list[str | None] = []  # None: a layer has none so far
        self._last = ""

    def add_dense(self, layer: str, W: Array, b: Array | None) -> None:
        """W (n_in, n_out), and b (n_out,), or None where the layer has no biases."""
        why, remedy = "", "give layers that fit to each other"
        n_before = self.weights[-1].shape[1] if self.weights else len(W)
        b = np.zeros(W.shape[1], W.dtype) if b is None else b
        if 0 in W.shape:
            why = f"it has {W.shape[0]} inputs and {W.shape[1]} outputs"
        elif len(W) != n_before:
            why = (
                f"it has {len(W)} input{plural(len(W))}, and the layer before it {n_before} "
                f"output{plural(n_before)}"
            )
        elif b.shape != W.shape[1:]:
            why = f"its weights have {W.shape[1]} outputs, and its biases the shape {b.shape}"
        elif not (np.isfinite(W).all() and np.isfinite(b).all()):
            why, remedy = "some of its weights or biases are not finite", "train it anew"
        if why:
            refuse(layer, why, remedy, self._error)
        if self.activations and self.activations[-1] == "softmax":
            refuse(
                self._last, "softmax is for the output layer alone", "train with another activation"
            )
        self.weights.append(W)
        self.biases.append(b)
        self.activations.append(None)
        self._last = layer

    def add_activation(self, layer: str, activation: str) -> None:
        """Of the dense layer before it."""
        if not self.activations:
            refuse(
                layer, "no dense layer is before it, whose activation it could be",
                "leave it out, and apply it to the data",
            )  # fmt: skip
        before = self.activations[-1]
        if before is not None:
            refuse(
                layer, f"the dense layer before it has an activation already, {before}",
                "leave one of them out",
            )  # fmt: skip
        self.activations[-1] = activation
        self._last = layer

    def refuse_other(self, layer: str, known: Iterable[str]) -> NoReturn:
        """A layer that is none of these."""
        remedy = "train a model without it"
        if not self.weights:
            remedy = "apply it to the data, and give a model of the layers behind it"
        refuse(layer, f"what can be is {', '.join(known)}", remedy)

    def network(self, network: type[N], loss: str | None, seed: int | None, model: str) -> N:
        """The network, whose loss is the one that is given, or that of the output layer.

        Where that layer has no activation, and the loss needs one, it gets it: elsewhere such
        losses are computed from the output layer's z. model: its name, for messages.
        """
        loss = checked_loss(loss)
        if not self.weights:
            raise ValueError(f"{model} must have a dense layer, and has none")
        last = self.activations[-1]
        activations = [one or "identity" for one in self.activations]
        if last is None and loss in _checks.REQUIRED_OUTPUT:
            activations[-1] = _checks.REQUIRED_OUTPUT[loss]
            _checks.several_classes(activations, "the network", self.weights[-1].shape[1])
        return network.from_parameters(
            self.weights, self.biases, activation=activations,
            loss=loss_for(activations[-1], loss), seed=seed,
        )  # fmt: skip


def not_a(expected: str, name: str, value: Any, hint: str = "") -> TypeError:
    """What came in place of a model."""
    hint = _checks.instead_of_class(value) or hint
    return TypeError(f"{name} must be {expected}, got {description(value)}{hint}")
