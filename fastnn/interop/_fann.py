"""FANN: its text files of layered networks, read and written.

A unit of FANN's computes f(s z), where s is its steepness, and cuts s z off at ±150 / s before.
What a file holds is in `fann_save_internal_fd` of src/fann_io.c, and f in fann_activation.h.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from fastnn import _checks, _files, _warnings
from fastnn.exceptions import ModelFileError
from fastnn.interop._layers import Chain, checked_loss, faults_of, refuse

if TYPE_CHECKING:
    import os

    from numpy.typing import DTypeLike

    from fastnn._exchange import Exchanging
    from fastnn.export._exported import Exportable

    Array = np.ndarray[Any, Any]
    N = TypeVar("N", bound=Exchanging)

VERSION = "FANN_FLO_2.1"
# By their numbers. The last two are not in releases, up to 2.2.0, but in the sources since.
FUNCTIONS = (
    "LINEAR", "THRESHOLD", "THRESHOLD_SYMMETRIC", "SIGMOID", "SIGMOID_STEPWISE",
    "SIGMOID_SYMMETRIC", "SIGMOID_SYMMETRIC_STEPWISE", "GAUSSIAN", "GAUSSIAN_SYMMETRIC",
    "GAUSSIAN_STEPWISE", "ELLIOT", "ELLIOT_SYMMETRIC", "LINEAR_PIECE", "LINEAR_PIECE_SYMMETRIC",
    "SIN_SYMMETRIC", "COS_SYMMETRIC", "SIN", "COS", "LINEAR_PIECE_RECT", "LINEAR_PIECE_RECT_LEAKY",
)  # fmt: skip
# What is taken over: f(s z) is our activation of so many times s z.
READ = {
    "LINEAR": ("identity", 1.0),
    "SIGMOID": ("sigmoid", 2.0),
    "SIGMOID_SYMMETRIC": ("tanh", 1.0),
    "LINEAR_PIECE_RECT": ("relu", 1.0),
    "LINEAR_PIECE_RECT_LEAKY": ("leaky_relu", 1.0),
}
# What is written: function, steepness, and what W and b are multiplied by. That of identity is so
# small that FANN cuts outputs at 1.5e8 only; both factors are exact.
WRITTEN = {
    "identity": ("LINEAR", 2.0**-20, 2.0**20),
    "sigmoid": ("SIGMOID", 0.5, 1.0),
    "tanh": ("SIGMOID_SYMMETRIC", 1.0, 1.0),
}
NOT_WRITTEN = {
    "relu": "releases of FANN, up to 2.2.0, do not have it and compute something else",
    "leaky_relu": "releases of FANN, up to 2.2.0, do not have it and compute something else",
    "step": "that of FANN is 1 at z = 0, where it is 0 here",
}
NUMBER = "[-+.0-9A-Za-z]"  # what these are made of: also "nan", which is refused by its layer
NEURONS = "neurons (num_inputs, activation_function, activation_steepness)"
CONNECTIONS = "connections (connected_to_neuron, weight)"
# Settings of its training, which FANN wants to read in this order: those of a new network there.
TRAINING = """learning_momentum=0.000000
training_algorithm=2
train_error_function=1
train_stop_function=0
cascade_output_change_fraction=0.010000
quickprop_decay=-0.000100
quickprop_mu=1.750000
rprop_increase_factor=1.200000
rprop_decrease_factor=0.500000
rprop_delta_min=0.000000
rprop_delta_max=50.000000
rprop_delta_zero=0.100000
cascade_output_stagnation_epochs=12
cascade_candidate_change_fraction=0.010000
cascade_candidate_stagnation_epochs=12
cascade_max_out_epochs=150
cascade_min_out_epochs=50
cascade_max_cand_epochs=150
cascade_min_cand_epochs=50
cascade_num_candidate_groups=2
bit_fail_limit=0.35
cascade_candidate_limit=1000
cascade_weight_multiplier=0.4
cascade_activation_functions_count=10
cascade_activation_functions=3 5 7 8 10 11 14 15 16 17 
cascade_activation_steepnesses_count=4
cascade_activation_steepnesses=0.25 0.5 0.75 1 
"""  # noqa: W291 -- as FANN writes them


def to_fann(net: Exportable, path: str | os.PathLike[str]) -> None:
    """Write a network into a file that FANN reads: ``fann_create_from_file``.

    Parameters
    ----------
    net : Network
        Of the activations identity, sigmoid and tanh.
    path : str or path-like
        An older file of the same name is there, whole, until the new one is.

    Raises
    ------
    OSError
        If the file cannot be written; FileNotFoundError where there is no such folder.
    ValueError
        If the network has another activation; the message names the layer, and why.

    Notes
    -----
    FANN's library of the network's dtype, floatfann or doublefann, reads the numbers to the bit.
    sigmoid is FANN_SIGMOID of steepness 0.5, and tanh FANN_SIGMOID_SYMMETRIC of 1. identity is
    FANN_LINEAR of 2^-20, and its weights are 2^20 times as large: FANN cuts outputs off at ±150
    divided by the steepness. That is for prediction; its training would hardly move such units.

    Examples
    --------
    >>> from fastnn import Network
    >>> net = Network([2, 3, 1], activation="tanh", seed=0)
    >>> net.to_fann("net.net")
    >>> Network.from_fann("net.net")
    <Network([2, 3, 1], activation='tanh', loss='mse', dtype='float64'), 13 parameters>
    """
    to, found = _checks.path(path, "path"), net._exported()
    neurons, connections = [f"(0, 0, {_number(0)}) " * (found.layer_sizes[0] + 1)], []
    first = 0  # of the layer before, as FANN numbers all units
    for i, (W, b, name) in enumerate(
        zip(found.weights, found.biases, found.activations, strict=True)
    ):
        if name not in WRITTEN:
            why = NOT_WRITTEN.get(name, "it does not have it")
            raise ValueError(
                f"layer {i} has the activation {name!r}, which cannot be written for FANN: {why}; "
                "use sigmoid or tanh, or identity for outputs"
            )
        function, steepness, scale = WRITTEN[name]
        with np.errstate(over="ignore"):
            parameters = np.vstack([W, b]) * W.dtype.type(scale)
        if not np.isfinite(parameters).all():
            raise ValueError(
                f"layer {i} must have finite weights and biases, also times {scale:.0f}, and some "
                "are not"
            )
        n_in, n_out = W.shape
        number = FUNCTIONS.index(function)
        neurons.append(f"({n_in + 1}, {number}, {_number(steepness)}) " * n_out)
        neurons.append(f"(0, {number}, {_number(0)}) ")  # the bias of the layer above
        for of_unit in parameters.T.tolist():
            connections += [f"({first + k}, {_number(w)}) " for k, w in enumerate(of_unit)]
        first += n_in + 1
    sizes = "".join(f"{n + 1} " for n in found.layer_sizes)
    content = (
        f"{VERSION}\nnum_layers={len(found.layer_sizes)}\nlearning_rate=0.700000\n"
        f"connection_rate=1.000000\nnetwork_type=0\n{TRAINING}layer_sizes={sizes}\n"
        f"scale_included=0\n{NEURONS}={''.join(neurons)}\n{CONNECTIONS}={''.join(connections)}\n"
    )
    _files.write(to, content.encode("ascii"))


def _number(value: float) -> str:
    return f"{value:.20e}"


def from_fann(
    path: str | os.PathLike[str],
    *,
    loss: str = "mse",
    dtype: DTypeLike = "float64",
    seed: int | None = None,
    network: type[N],
) -> N:
    """The network in a file that FANN has written by ``fann_save``, with its steepness in weights.

    Parameters
    ----------
    path : str or path-like
        Of a network with all connections from layer to layer, whose layers are each of one of
        FANN_LINEAR, FANN_SIGMOID and FANN_SIGMOID_SYMMETRIC (which is tanh), and of later sources
        FANN_LINEAR_PIECE_RECT (relu) and FANN_LINEAR_PIECE_RECT_LEAKY (leaky_relu). What FANN
        creates has FANN_SIGMOID_STEPWISE until another one is set: pieces of straight lines, which
        are refused.
    loss : str, default "mse"
        As for `Network`.
    dtype : {"float64", "float32"}, default "float64"
        Of the network. Files of floatfann and doublefann do not differ.
    seed : int or None, default None
        As for `Network`.
    network : type
        The class of the network: `fastnn.Network`.

    Returns
    -------
    Network
        Its outputs are those of ``fann_run``, but where FANN cuts off the z of a unit, at ±150
        divided by its steepness, which only linear units notice.

    Raises
    ------
    OSError
        If the file cannot be read.
    ModelFileError
        If it is no such file, is damaged or truncated, or holds a network that cannot be taken
        over; the message says which layer, and why.

    Warns
    -----
    UserWarning
        If scales are included, which ``fann_run`` does not apply either: the data must be scaled as
        by ``fann_scale_input``.
    """
    loss = checked_loss(loss) or "mse"
    wanted, source = _checks.dtype(dtype, "dtype"), _checks.path(path, "path")
    content = _files.read(source)
    with faults_of(source):
        fields = _fields(content)
        sizes, neurons, connections = _parts(fields)
    if fields.get("scale_included") == "1":
        _warnings.warn(
            f"{source!r} includes scales, which are left out, as fann_run leaves them out: scale "
            "the data as fann_scale_input does, and outputs as fann_descale_output"
        )
    chain = Chain(ModelFileError)
    activations = []
    first = n_read = 0  # units of the layers before the one below, and connections
    for i, (n_below, n_units) in enumerate(pairwise(sizes)):
        layer = f"layer {i} of {source!r}"
        units = neurons[first + n_below :][: n_units - 1]
        block = connections[n_read:][: n_below * len(units)].reshape(len(units), n_below, 2)
        is_full = (units[:, 0] == n_below).all()
        if not is_full or (block[..., 0] != first + np.arange(n_below)).any():
            refuse(
                layer, "its units are not connected to each of the layer before and its bias alone",
                "give a network of fann_create_standard", ModelFileError,
            )  # fmt: skip
        activation, scales = _activation(layer, units)
        activations.append(activation)
        with np.errstate(over="ignore"):
            parameters = (block[..., 1] * scales[:, np.newaxis]).T.astype(wanted)
        chain.add_dense(layer, parameters[:-1], parameters[-1])
        first, n_read = first + n_below, n_read + n_below * len(units)
    return network.from_parameters(
        chain.weights, chain.biases, activation=activations, loss=loss, seed=seed
    )


def _fields(content: bytes) -> dict[str, str]:
    """The lines of a file, by what stands before their "="."""
    version, *lines = content.decode("ascii").splitlines() or [""]
    if version != VERSION:
        if version.startswith("FANN_FIX"):
            raise ValueError("it is of fixed point; write it by fann_save")
        if version.startswith("FANN_FLO"):
            raise ValueError(f"it is {version}; let FANN 2.2 read and save it, as {VERSION}")
        raise ValueError(f"it does not begin with {VERSION}, as files of fann_save do")
    return {name: value.strip() for name, _, value in (line.partition("=") for line in lines)}


def _parts(fields: dict[str, str]) -> tuple[list[int], Array, Array]:
    """Sizes of layers, units and connections, in numbers that fit to each other.

    The sizes count a bias in each layer, also in the last. Of a unit there are the number of
    connections, the function and the steepness; of a connection the unit that it comes from, and
    the weight.
    """
    if _field(fields, "network_type") != "0":
        raise ValueError("it has shortcuts between layers, as from cascade training")
    if float(_field(fields, "connection_rate")) < 1:
        raise ValueError("it is sparse: its connection_rate is below 1")
    sizes = [int(size) for size in _field(fields, "layer_sizes").split()]
    if len(sizes) != int(_field(fields, "num_layers")) or len(sizes) < 2 or min(sizes) < 2:
        raise ValueError(f"its layer_sizes are {_checks.description(sizes)}")
    neurons, connections = _rows(fields, NEURONS, 3), _rows(fields, CONNECTIONS, 2)
    n_connections = sum(n_below * (n_units - 1) for n_below, n_units in pairwise(sizes))
    for what, found, expected in (
        ("neurons", len(neurons), sum(sizes)),
        ("connections", len(connections), n_connections),
    ):
        if found != expected:
            raise ValueError(f"it has {found} {what}, and layers for {expected}: it is damaged")
    return sizes, neurons, connections


def _field(fields: dict[str, str], name: str) -> str:
    if name not in fields:
        raise ValueError(f"it has no line {name!r}: it is damaged or truncated")
    return fields[name]


def _rows(fields: dict[str, str], name: str, n_columns: int) -> Array:
    """The numbers of a line "(1, 2.5) (3, 4.5) "."""
    value = _field(fields, name)
    # What has matched is not tried again (++ and *+), nor kept for that, which takes much memory.
    row = r"\(" + ", ".join([f"{NUMBER}++"] * n_columns) + r"\) ?"
    if not re.fullmatch(f"(?:{row})*+", value):
        hint = "; write it where numbers have a decimal point" if re.search(r"\d,\d", value) else ""
        raise ValueError(f"its line {name!r} is damaged or truncated{hint}")
    numbers = (float(number[0]) for number in re.finditer(f"{NUMBER}+", value))
    return np.fromiter(numbers, np.float64).reshape(-1, n_columns)


def _activation(layer: str, units: Array) -> tuple[str, Array]:
    """That of a layer, and what z of each of its units is multiplied by before it."""
    numbers, steepness = units[:, 1], units[:, 2]
    known = dict(enumerate(FUNCTIONS))
    names = {known.get(number, f"function {number:g}") for number in numbers.tolist()}
    if len(names) > 1:
        refuse(
            layer, f"its units have different functions, {', '.join(sorted(names))}",
            "give each layer one", ModelFileError,
        )  # fmt: skip
    (name,) = names
    if name not in READ:
        why, remedy = f"its activation is {name}", f"what can be is {', '.join(READ)}"
        if name == "THRESHOLD":
            why += ", which is 1 at z = 0, and step of fastnn 0"
        if name.removesuffix("_STEPWISE") in READ:
            remedy = f"set FANN_{name.removesuffix('_STEPWISE')} there, which it approximates"
        refuse(layer, why, remedy, ModelFileError)
    if not ((steepness > 0) & np.isfinite(steepness)).all():
        refuse(
            layer, "the steepness of some units is not positive and finite", "set another one",
            ModelFileError,
        )  # fmt: skip
    activation, scale = READ[name]
    return activation, scale * steepness
