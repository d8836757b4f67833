"""Keras: a chain of Dense layers and activations, by Sequential or by functions."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from fastnn import _checks
from fastnn.interop._layers import Chain, as_set, named, not_a, refuse

if TYPE_CHECKING:
    from fastnn._exchange import Exchanging

    Array = np.ndarray[Any, Any]
    N = TypeVar("N", bound=Exchanging)

# Functions of keras.activations, our names, and the settings that ours have there.
FUNCTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "sigmoid": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "relu": ("relu", {"negative_slope": 0.0, "max_value": None, "threshold": 0.0}),
    "leaky_relu": ("leaky_relu", {"negative_slope": 0.01}),
    "elu": ("elu", {"alpha": 1.0}),
    "softplus": ("softplus", {}),
    "silu": ("silu", {}),
    "gelu": ("gelu", {"approximate": True}),
    "softmax": ("softmax", {"axis": -1}),
}
# Layers of keras.layers that are one of these functions, with the settings as attributes.
LAYERS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax"}
# What does nothing in prediction.
PASSED_OVER = (
    "InputLayer", "Identity", "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "ActivityRegularization",
)  # fmt: skip
# Functions of keras.losses; with their default settings they are ours.
LOSSES = {
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "huber": "huber",
    "binary_crossentropy": "bce",
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
}


def from_keras(
    model: Any, *, loss: str | None = None, seed: int | None = None, network: type[N]
) -> N:
    """The network that a model of Keras 3 is, on any backend.

    Parameters
    ----------
    model : keras.Sequential, or a functional keras.Model that is a chain
        Of Dense layers, whose activation may be an argument, an Activation or one of ReLU,
        LeakyReLU (slope 0.01), ELU (alpha 1) and Softmax: relu, elu, softplus, silu, sigmoid, tanh,
        linear, and softmax for outputs. Of gelu and leaky_relu Keras' own settings are others:
        ``functools.partial(keras.activations.gelu, approximate=True)`` and
        ``functools.partial(keras.activations.leaky_relu, negative_slope=0.01)`` are taken. Models
        may be parts of the model. Layers that do nothing in prediction, such as Dropout, are passed
        over, and so is Flatten: the network takes samples as rows. float32 and float64 are kept;
        what is narrower becomes float32, in which the network computes.
    loss : str or None, default None
        For training to go on, as for `Network`. None: that with which the model was compiled; if it
        was not, cross_entropy for a softmax output layer, bce for a sigmoid one, and else mse.
        Where the last Dense has no activation, "cross_entropy" makes a softmax output layer of it,
        and "bce" a sigmoid one, and so does a compiled loss with ``from_logits=True``: outputs are
        then probabilities, and not logits.
    seed : int or None, default None
        As for `Network`.
    network : type
        The class of the network: `fastnn.Network`.

    Returns
    -------
    Network
        Of the model's dtype, with copies of its parameters.

    Raises
    ------
    TypeError
        If it is no model of Keras 3.
    ValueError
        If it has a layer, or was compiled with a loss, that cannot be taken over; the message names
        it, why, and what to do.

    Notes
    -----
    Of models in float64 Keras itself computes products in float32, unless on TensorFlow.

    Examples
    --------
    >>> import keras
    >>> from fastnn import Network
    >>> layers = keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1, "sigmoid")
    >>> Network.from_keras(keras.Sequential(layers))
    <Network([2, 3, 1], activation=['tanh', 'sigmoid'], loss='bce', dtype='float32'), 13 parameters>
    """
    keras: Any = sys.modules.get("keras")
    # Keras 2 has no ops.
    if not hasattr(keras, "ops") or not isinstance(model, keras.Model):
        hint = "; write keras.models.load_model(path)" if isinstance(model, str) else ""
        raise not_a("a model of Keras 3", "model", model, hint)
    layers = list(_layers(keras, model, named(model, "")))
    if not model.built:
        refuse(named(model, ""), "it has no weights yet", "call it once, on some of the data")
    are_rows = len(model.inputs[0].shape) == 2
    chain = Chain()
    for layer in layers:
        are_rows = _add(chain, keras, layer, are_rows)
    if loss is None and getattr(model, "loss", None) is not None:
        loss = _compiled_loss(keras, model.loss, chain.activations[-1:])
    return chain.network(network, loss, seed, "model")


def _layers(keras: Any, model: Any, name: str) -> Iterator[Any]:
    """The layers of a model, and of those that are parts of it, in the order of the data."""
    # Whose call it is that runs: a subclass may have its own.
    owner = next(one for one in type(model).__mro__ if "call" in vars(one))
    if owner.__module__.partition(".")[0] != "keras" or owner is keras.Model:
        refuse(
            name, "only its call knows what it does with its layers",
            "give a keras.Sequential of them in their order",
        )  # fmt: skip
    layers = model.layers if isinstance(model, keras.Sequential) else _of_graph(model, name)
    for layer in layers:
        if isinstance(layer, keras.Model):
            yield from _layers(keras, layer, named(layer, layer.name))
        else:
            yield layer


def _of_graph(model: Any, name: str) -> list[Any]:
    """The layers from the only output of a functional model back to its only input."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        refuse(
            name, f"it has {len(model.inputs)} inputs and {len(model.outputs)} outputs",
            "give a keras.Model from one input to one output",
        )  # fmt: skip
    layers: list[Any] = []
    tensor = model.outputs[0]
    while tensor is not model.inputs[0]:
        # A layer has a node for each of its calls, and may be in other models, too.
        layer, i, _ = tensor._keras_history
        node = layer._inbound_nodes[i]
        before = node.input_tensors
        if node.arguments.kwargs.get("training"):
            refuse(
                named(layer, layer.name), "it is called with training=True, also in prediction",
                "give a model without it",
            )  # fmt: skip
        if len(before) != 1:
            refuse(
                named(layer, layer.name), f"it joins {len(before)} others, and makes no chain",
                "give a model without it",
            )  # fmt: skip
        layers.insert(0, layer)
        tensor = before[0]
    return layers


def _is_as_in(keras: Any, layer: Any, kind: str) -> bool:
    """Whether it computes what this class of keras.layers does; subclasses may do otherwise."""
    theirs = getattr(keras.layers, kind, None)
    return theirs is not None and isinstance(layer, theirs) and type(layer).call is theirs.call


def _add(chain: Chain, keras: Any, layer: Any, are_rows: bool) -> bool:
    """are_rows: whether each sample is a row; returned is whether it is one behind the layer."""
    name = named(layer, layer.name)
    if _is_as_in(keras, layer, "Dense"):
        if not are_rows:
            refuse(name, "its samples are no rows", "put a Flatten before it")
        if getattr(layer, "quantization_mode", None):
            refuse(name, "it is quantized", "give the model from before")
        W = _array(keras, name, layer.kernel)
        chain.add_dense(name, W, _array(keras, name, layer.bias) if layer.use_bias else None)
        activation = _of_function(keras, layer.activation, name)
    elif _is_as_in(keras, layer, "Activation"):
        activation = _of_function(keras, layer.activation, name)
    elif _is_as_in(keras, layer, "Flatten"):
        if not are_rows and layer.data_format != "channels_last":
            refuse(name, "it changes the order of the inputs", "use data_format='channels_last'")
        return True
    elif any(_is_as_in(keras, layer, kind) for kind in PASSED_OVER):
        return are_rows
    else:
        activation = _of_layer(keras, layer, name)
        if activation is None:
            chain.refuse_other(name, ["Dense", "Activation", "Flatten", *LAYERS, *PASSED_OVER])
    if activation is not None:
        chain.add_activation(name, activation)
    return are_rows


def _of_layer(keras: Any, layer: Any, name: str) -> str | None:
    """The activation that a layer is; None if it is none that is known."""
    for kind, function in LAYERS.items():
        if _is_as_in(keras, layer, kind):
            ours, required = FUNCTIONS[function]
            found = {setting: getattr(layer, setting) for setting in required}
            return as_set(name, ours, found, required, _remedy(f"keras.layers.{kind}", required))
    return None


def _of_function(keras: Any, given: Any, name: str) -> str | None:
    """The activation that a function is, or a layer in its place; None if it does nothing."""
    if isinstance(given, keras.layers.Layer) and (found := _of_layer(keras, given, name)):
        return found
    function, set_by_partial = given, {}
    if isinstance(given, functools.partial) and not given.args:
        function, set_by_partial = given.func, given.keywords
    if function is keras.activations.linear:
        return None
    for theirs, (ours, required) in FUNCTIONS.items():
        if function is getattr(keras.activations, theirs):
            parameters = inspect.signature(function).parameters
            settings = {setting: parameters[setting].default for setting in required}
            settings |= set_by_partial
            call = f"functools.partial(keras.activations.{theirs}, ...)"
            return as_set(name, ours, settings, required, _remedy(call, required))
    known = ", ".join(["linear", *FUNCTIONS])
    called = getattr(function, "__name__", None) or _checks.description(function)
    refuse(
        name, f"its activation is {called}, and what can be is {known} of keras.activations",
        "train a model with one of these",
    )  # fmt: skip


def _remedy(call: str, required: dict[str, Any]) -> str:
    settings = ", ".join(f"{setting}={value!r}" for setting, value in required.items())
    call = call.replace("...", settings) if "..." in call else f"{call}({settings})"
    return f"train a model with {call}"


def _array(keras: Any, name: str, variable: Any) -> Array:
    found: Array = keras.ops.convert_to_numpy(variable)
    if found.dtype not in (np.float32, np.float64):
        if found.dtype.name not in ("float16", "bfloat16"):
            refuse(name, f"its weights are {found.dtype}", "use dtype='float32'")
        return found.astype(np.float32)
    return found


def _compiled_loss(keras: Any, given: Any, last: list[str | None]) -> str | None:
    """Our name of the loss with which a model was compiled.

    last: the activation of its output layer, which is None where losses take logits.
    """
    if isinstance(given, list | tuple | dict) and len(given) == 1:  # for each output
        (given,) = given.values() if isinstance(given, dict) else given
    settings: dict[str, Any] | None = {}
    function = given
    if isinstance(given, str):
        function = keras.losses.get(given)
    elif isinstance(given, keras.losses.Loss):
        # get_config leaves out the delta of Huber.
        function, settings = getattr(given, "fn", None), vars(given).get("_fn_kwargs")
    name: str = getattr(function, "__name__", "")
    ours = LOSSES.get(name)
    if ours is None or settings is None or function is not getattr(keras.losses, name):
        _refuse_loss(given, "it is none of those of fastnn")
    takes_logits = bool(settings.get("from_logits"))
    defaults = inspect.signature(function).parameters
    others = [
        f"{setting}={value!r}"
        for setting, value in settings.items()
        if setting != "from_logits" and value != defaults[setting].default
    ]
    if others:
        _refuse_loss(given, f"it has {', '.join(others)}")
    needed = _checks.REQUIRED_OUTPUT.get(ours)
    if needed is not None and last != [None if takes_logits else needed]:
        if takes_logits:
            _refuse_loss(given, "it has from_logits=True, and outputs are no logits")
        _refuse_loss(given, f"it needs {needed} outputs here")
    return ours


def _refuse_loss(given: Any, why: str) -> NoReturn:
    raise ValueError(
        f"the loss with which the model was compiled, {_checks.description(given)}, cannot be "
        f'taken over: {why}; give loss=, such as loss="mse", one of {", ".join(_checks.LOSSES)}'
    )
