"""Files of safetensors: parameters by name, as PyTorch has them."""

from __future__ import annotations

import json
import re
import struct
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from fastnn import _checks, _files
from fastnn._core import kernels
from fastnn.exceptions import ModelFileError
from fastnn.interop._layers import Chain, checked_loss, faults_of, loss_for

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from fastnn._exchange import Exchanging
    from fastnn.export._exported import Exportable

    Array = np.ndarray[Any, Any]
    N = TypeVar("N", bound=Exchanging)

# Of the file, and what is read as them; bfloat16, which NumPy does not have, are upper halves of
# float32.
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
OURS = "fastnn"  # in the metadata


def to_safetensors(net: Exportable, path: str | os.PathLike[str]) -> None:
    """Write the parameters of a network into a file for safetensors.

    Parameters
    ----------
    net : Network
    path : str or path-like
        An older file of the same name is there, whole, until the new one is.

    Notes
    -----
    The tensors have the names, shapes and dtype of ``net.to_torch().state_dict()``: ``0.weight``
    (n_out, n_in) and ``0.bias`` (n_out,) of the first layer, ``2.weight`` and ``2.bias`` of the
    second, and so on, so that PyTorch loads them with
    ``module.load_state_dict(safetensors.torch.load_file(path))``. The metadata have "format": "pt",
    and in "fastnn" the activations, the loss and the names of the inputs, as JSON.

    Raises
    ------
    ImportError
        Without safetensors, which ``pip install "fastnn[safetensors]"`` installs.
    OSError
        If the file cannot be written; FileNotFoundError where there is no such folder.

    Examples
    --------
    >>> from fastnn import Network
    >>> net = Network([2, 3, 1], activation=["relu", "sigmoid"], loss="bce", seed=0)
    >>> net.to_safetensors("net.safetensors")
    >>> Network.from_safetensors("net.safetensors")
    <Network([2, 3, 1], activation=['relu', 'sigmoid'], loss='bce', dtype='float64'), 13 parameters>
    """
    safetensors = _safetensors("to_safetensors")
    to, found = _checks.path(path, "path"), net._exported()
    tensors = {}
    for i, (W, b) in enumerate(zip(found.weights, found.biases, strict=True)):
        tensors[f"{2 * i}.weight"] = np.ascontiguousarray(W.T)
        tensors[f"{2 * i}.bias"] = np.ascontiguousarray(b)
    about = {"activations": found.activations, "loss": found.loss}
    if found.feature_names is not None:
        about["feature_names"] = found.feature_names
    metadata = {"format": "pt", OURS: json.dumps(about)}
    _files.write(to, safetensors.numpy.save(tensors, metadata))


def from_safetensors(
    path: str | os.PathLike[str],
    *,
    layers: Sequence[str] | None = None,
    activation: str | Sequence[str] | None = None,
    loss: str | None = None,
    seed: int | None = None,
    network: type[N],
) -> N:
    """A network with the parameters in a file of safetensors.

    Parameters
    ----------
    path : str or path-like
        A file of `to_safetensors`, or another one that holds a tensor for each layer whose name
        ends in "weight", (n_out, n_in) as in PyTorch, one whose name ends in "bias", (n_out,), if
        the layer has biases, and nothing else. float32 and float64 are kept; float16 and bfloat16
        become float32.
    layers : sequence of str or None, default None
        What stands before ".weight" in the names, in the order of the layers: ["fc1", "out"]. None:
        by the numbers in the names, in which alone they may differ then.
    activation : str, sequence of str or None, default None
        As for `Network`. None: what the file says, if it is one of `to_safetensors`.
    loss : str or None, default None
        As for `Network`. None: what the file says; if it says nothing, or another activation is
        given, cross_entropy for a softmax output layer, bce for a sigmoid one, and else mse.
    seed : int or None, default None
        As for `Network`.
    network : type
        The class of the network: `fastnn.Network`.

    Returns
    -------
    Network

    Raises
    ------
    ImportError
        Without safetensors, which ``pip install "fastnn[safetensors]"`` installs.
    OSError
        If the file cannot be read.
    ModelFileError
        If it is damaged, truncated or none of safetensors, or if its tensors are no layers; the
        message names the tensor.
    ValueError
        If no activation is given and the file names none, and if `layers` are others than in it.
    """
    safetensors = _safetensors("from_safetensors")
    source, loss = _checks.path(path, "path"), checked_loss(loss)
    content = _files.read(source)
    with faults_of(source):
        tensors = {name: _array(name, one) for name, one in _read(safetensors, content)}
        heads = _heads(tensors)
    heads = _in_order(heads, layers, source)
    chain = Chain(ModelFileError)
    for head in heads:
        W, b = tensors[_joined(head, "weight")], tensors.get(_joined(head, "bias"))
        chain.add_dense(f"tensor {_joined(head, 'weight')!r} of {source!r}", W.T, b)
    with faults_of(source):
        about = _metadata(content, len(heads), len(chain.weights[0]))
    if activation is not None:
        names = _checks.activations(activation, "activation", len(heads))
        loss = loss_for(names[-1], loss)
    elif about is not None:
        names, loss = about.activations, loss or about.loss
    else:
        raise ValueError(
            f"activation must be given for {source!r}, which names none: one name for all layers, "
            f"or one for each of {', '.join(map(repr, heads))}"
        )
    net = network.from_parameters(
        chain.weights, chain.biases, activation=names, loss=loss, seed=seed
    )
    if about is not None:
        net._model.feature_names = about.feature_names
    return net


def _safetensors(function: str) -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f'{function} needs safetensors: install it with pip install "fastnn[safetensors]"'
        ) from error
    return safetensors


def _read(safetensors: Any, content: bytes) -> Any:
    try:
        return safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        raise ValueError(f"it is no file of safetensors, or damaged ({error})") from error


def _array(name: str, found: dict[str, Any]) -> Array:
    """A tensor of a file, as `safetensors.deserialize` gives it: bytes, dtype and shape."""
    kind = found["dtype"]
    if kind not in DTYPES:
        raise ValueError(f"its tensor {name!r} is {kind}, and not F64, F32, F16 or BF16")
    array = np.frombuffer(found["data"], DTYPES[kind]).reshape(found["shape"])
    if kind == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float64 if kind == "F64" else np.float32)


def _joined(head: str, kind: str) -> str:
    return f"{head}.{kind}" if head else kind


def _heads(tensors: dict[str, Array]) -> list[str]:
    """What stands before ".weight" in the names; there must be nothing else but their biases."""
    heads = []
    for name, tensor in sorted(tensors.items()):  # which safetensors gives in any order
        head, _, kind = name.rpartition(".")
        if kind == "weight" and tensor.ndim == 2:
            heads.append(head)
        elif kind != "bias" or tensor.ndim != 1 or _joined(head, "weight") not in tensors:
            raise ValueError(
                f"its tensor {name!r} of shape {tensor.shape} is neither the weight (n_out, n_in) "
                "of a dense layer nor the bias (n_out,) of one"
            )
    if not heads:
        raise ValueError("it has no tensors")
    return heads


def _in_order(heads: list[str], layers: Sequence[str] | None, source: str) -> list[str]:
    if layers is not None:
        given = [*map(str, _checks.sequence(layers, "layers", "a sequence of names"))]
        if sorted(given) != sorted(heads):
            raise ValueError(
                f"layers must be {', '.join(map(repr, heads))} in the order of the layers, as they "
                f"are called in {source!r}; got {_checks.description(layers)}"
            )
        return given
    if len({re.sub("[0-9]+", "0", head) for head in heads}) > 1:
        raise ValueError(
            f"layers must be given for {source!r}, as more than numbers is different in their "
            f"names: {', '.join(map(repr, heads))}, in the order of the layers"
        )
    # By the numbers, as which longer ones are larger.
    by_number = {head: [(len(n), n) for n in re.findall("[0-9]+", head)] for head in heads}
    return sorted(heads, key=by_number.__getitem__)


class About(NamedTuple):
    """What `to_safetensors` writes beside the parameters."""

    activations: tuple[str, ...]
    loss: str
    feature_names: tuple[str, ...] | None


def _metadata(content: bytes, n_layers: int, n_inputs: int) -> About | None:
    """From the header of a file that safetensors has read; None if the file is another's."""
    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    if OURS not in metadata:
        return None
    found = json.loads(metadata[OURS])
    names = _checks.activations(found["activations"], "activations", n_layers, kernels.INTERNAL)
    loss = _checks.loss(found["loss"], "loss", names[-1], kernels.INTERNAL)
    of_inputs = _checks.feature_names(found.get("feature_names"), "feature_names", n_inputs)
    return About(names, loss, of_inputs)
