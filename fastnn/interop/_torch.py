"""PyTorch: a Sequential of Linear layers and activations, to and from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from fastnn.interop._layers import Chain, as_set, named, not_a, refuse

if TYPE_CHECKING:
    import numpy as np

    from fastnn._exchange import Exchanging
    from fastnn.export._exported import Exportable

    Array = np.ndarray[Any, Any]
    N = TypeVar("N", bound=Exchanging)

# Classes of torch.nn, and the activations that they are with these settings.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "Sigmoid": ("sigmoid", {}),
    "Tanh": ("tanh", {}),
    "ReLU": ("relu", {}),
    "LeakyReLU": ("leaky_relu", {"negative_slope": 0.01}),
    "ELU": ("elu", {"alpha": 1.0}),
    "Softplus": ("softplus", {"beta": 1.0}),
    "SiLU": ("silu", {}),
    "GELU": ("gelu", {"approximate": "tanh"}),
    "Softmax": ("softmax", {"dim": -1}),
    "LogSoftmax": ("softmax", {"dim": -1}),
}
PASSED_OVER = ("Identity", "Dropout", "AlphaDropout", "FeatureAlphaDropout", "Flatten")
LEAST_THRESHOLD = 20  # of Softplus, from which on PyTorch takes z for it: 2e-9 off at most
# From here on, that is log(1 + exp(z)) to the last bit, of float64 too.
EXACT_THRESHOLD = 40


def from_torch(
    module: Any, *, loss: str | None = None, seed: int | None = None, network: type[N]
) -> N:
    """The network that a ``torch.nn.Sequential`` is.

    Parameters
    ----------
    module : torch.nn.Sequential
        Of Linear layers, with ``bias=False``, too, each followed by at most one of ReLU, LeakyReLU
        (slope 0.01), ELU (alpha 1), Softplus (beta 1), SiLU, GELU (``approximate="tanh"``), Sigmoid
        and Tanh, and the last one by Softmax, too; it may hold further Sequentials. Identity,
        Dropout and Flatten are passed over: the network computes what the module does after
        ``module.eval()``, and takes samples as rows. A LogSoftmax at the end becomes softmax, so
        that outputs are probabilities, and not their logarithms. A Linear alone is taken, too.
        The parameters may be on any device. float32 and float64 are kept; float16 and bfloat16
        become float32, in which the network computes.
    loss : str or None, default None
        For training to go on, as for `Network`. None: cross_entropy for a softmax output layer, bce
        for a sigmoid one, and else mse. Where the last Linear has no activation, as for
        CrossEntropyLoss and BCEWithLogitsLoss, "cross_entropy" makes a softmax output layer of it,
        and "bce" a sigmoid one: outputs are then probabilities, and not logits.
    seed : int or None, default None
        As for `Network`.
    network : type
        The class of the network: `fastnn.Network`.

    Returns
    -------
    Network
        Of the module's dtype, with copies of its parameters.

    Raises
    ------
    TypeError
        If it is no module.
    ValueError
        If it has a layer that cannot be taken over; the message names it, why, and what to do.

    Notes
    -----
    Outputs are those of the module to rounding, except of Softplus, for which PyTorch takes z above
    a threshold of 20: that is up to 2e-9 off.

    Examples
    --------
    >>> import torch
    >>> from fastnn import Network
    >>> module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    >>> Network.from_torch(module, loss="cross_entropy").activations
    ('tanh', 'softmax')
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(module, torch.nn.Module):
        hint = "; give the module whose parameters they are" if isinstance(module, dict) else ""
        raise not_a("a torch.nn.Sequential", "module", module, hint)
    if type(module).__module__.startswith("keras."):
        raise not_a("a torch.nn.Sequential", "module", module, "; write from_keras")
    chain = Chain()
    for name, layer in _layers(torch.nn, module, ""):
        _add(chain, torch, layer, name)
    return chain.network(network, loss, seed, "module")


def to_torch(net: Exportable) -> Any:
    """The network as a ``torch.nn.Sequential``, on the CPU.

    Parameters
    ----------
    net : Network
        Of any activations but step.

    Returns
    -------
    torch.nn.Sequential
        Of Linear layers and their activations, of the network's dtype, with copies of its
        parameters, which are trainable: ``0.weight``, ``0.bias``, ``2.weight``, ... by name. A
        hidden layer without activation is followed by Identity. Where training is to go on with
        CrossEntropyLoss or BCEWithLogitsLoss, ``module[:-1]`` gives logits.

    Raises
    ------
    ImportError
        Without PyTorch, which ``pip install "fastnn[torch]"`` installs.
    ValueError
        If the network has an activation that PyTorch does not have; the message names the layer.

    Notes
    -----
    Softplus gets a threshold of 40, where PyTorch's own is 20: so it is exact.

    Examples
    --------
    >>> from fastnn import Network
    >>> Network([2, 3, 1], activation=["relu", "sigmoid"], loss="bce").to_torch()
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
      (2): Linear(in_features=3, out_features=1, bias=True)
      (3): Sigmoid()
    )
    """
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            'to_torch needs PyTorch: install it with pip install "fastnn[torch]"'
        ) from error
    found = net._exported()
    layers: list[Any] = []
    last = len(found.weights) - 1
    for i, (W, b, name) in enumerate(
        zip(found.weights, found.biases, found.activations, strict=True)
    ):
        # Without numbers at first, or PyTorch would draw some from its generator.
        linear = torch.nn.Linear(*W.shape, device="meta", dtype=getattr(torch, W.dtype.name))
        linear = linear.to_empty(device="cpu")
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
        layers.append(linear)
        if name != "identity" or i < last:
            layers.append(_module(torch.nn, name, i))
    return torch.nn.Sequential(*layers)


def _layers(nn: Any, module: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The layers of a Sequential, and of those in it, by their names in its state_dict."""
    if hasattr(module, "has_uninitialized_params") and module.has_uninitialized_params():
        _refuse_empty(named(module, name))
    if getattr(module, "_forward_hooks", None) or getattr(module, "_forward_pre_hooks", None):
        refuse(
            named(module, name), "its hooks may change what it computes",
            "remove them (weight norms and pruning by the functions of torch.nn.utils)",
        )  # fmt: skip
    if not _is_as_in(nn, module, "Sequential"):
        yield name, module
        return
    for key, inner in module._modules.items():  # named_children leaves out what is there twice
        yield from _layers(nn, inner, f"{name}.{key}" if name else key)


def _is_as_in(nn: Any, layer: Any, kind: str) -> bool:
    """Whether it computes what this class of torch.nn does; subclasses may do otherwise."""
    theirs = getattr(nn, kind)
    return (
        isinstance(layer, theirs)
        and type(layer).forward is theirs.forward
        and "forward" not in vars(layer)
    )


def _add(chain: Chain, torch: Any, layer: Any, name: str) -> None:
    nn, layer_named = torch.nn, named(layer, name)
    if _is_as_in(nn, layer, "Linear"):
        W = _array(torch, layer_named, layer.weight)
        b = None if layer.bias is None else _array(torch, layer_named, layer.bias)
        chain.add_dense(layer_named, W.T, b)
        return
    for kind in PASSED_OVER:
        if _is_as_in(nn, layer, kind):
            if kind == "Flatten" and (layer.start_dim, layer.end_dim) != (1, -1):
                refuse(
                    layer_named, "it does not make a row of each sample", "use torch.nn.Flatten()"
                )
            return
    for kind in ACTIVATIONS:
        if _is_as_in(nn, layer, kind):
            chain.add_activation(layer_named, _our_activation(layer, layer_named, kind))
            return
    parts = [key for key, _ in layer.named_children()]
    if parts:
        refuse(
            layer_named, f"only its forward knows what it does with {', '.join(parts)}",
            "give a torch.nn.Sequential of its layers in their order, such as "
            "torch.nn.Sequential(module.fc1, torch.nn.ReLU(), module.fc2)",
        )  # fmt: skip
    chain.refuse_other(layer_named, ["Linear", *ACTIVATIONS, *PASSED_OVER])


def _our_activation(layer: Any, layer_named: str, kind: str) -> str:
    ours, required = ACTIVATIONS[kind]
    found = {setting: getattr(layer, setting) for setting in required}
    settings = ", ".join(f"{setting}={value!r}" for setting, value in required.items())
    remedy = f"train a module with torch.nn.{kind}({settings})"
    if kind == "Softplus" and layer.threshold < LEAST_THRESHOLD:
        refuse(layer_named, f"its threshold of {layer.threshold} makes it another function", remedy)
    return as_set(layer_named, ours, found, required, remedy)


def _array(torch: Any, layer_named: str, tensor: Any) -> Array:
    """Its numbers, which may be in its memory."""
    if tensor.is_meta:
        _refuse_empty(layer_named)
    found = tensor.detach().cpu()
    if found.dtype in (torch.float16, torch.bfloat16):
        found = found.float()
    if found.dtype not in (torch.float32, torch.float64):
        refuse(layer_named, f"its parameters are of {found.dtype}", "use module.float()")
    array: Array = found.numpy()
    return array


def _refuse_empty(layer_named: str) -> NoReturn:
    refuse(layer_named, "it has no numbers yet", "call the module once, or load its parameters")


def _module(nn: Any, activation: str, i: int) -> Any:
    """The module that is this activation, of layer i."""
    if activation == "identity":
        return nn.Identity()
    if activation == "softplus":
        return nn.Softplus(threshold=EXACT_THRESHOLD)
    for kind, (ours, settings) in ACTIVATIONS.items():
        if ours == activation:
            return getattr(nn, kind)(**settings)
    raise ValueError(
        f"layer {i} has the activation {activation!r}, which torch.nn does not have; use another "
        "one, such as sigmoid"
    )
