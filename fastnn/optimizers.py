"""Optimizers: what a training step makes of a gradient. ``Network.train(..., optimizer=...)``.

eta is the learning rate, g the gradient of the loss over a batch, theta a parameter, t the number
of the step, from 1. What an optimizer keeps from step to step begins at zero; and where it falls
below the smallest normal number, as where gradients have ended, it is zero again, for CPUs take a
hundred times as long for such numbers. It stays with the network, and the next ``train`` with an
equal optimizer goes on with it.

All have two settings more:

l2 : float, default 0.0
    lambda, the coefficient of L2 regularisation (weight decay); 0: none. lambda W is added to g
    for the weights of all layers, and for no bias. The losses that `train` reports then include
    ½ lambda ‖W‖², the squares of all weights as they were before each update; those of `evaluate`
    do not.
clip_norm : float or None, default None
    Where the norm of g, over all parameters and without lambda W, is larger, g is scaled down to
    it (Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, 2013).

Each raises TypeError or ValueError for a setting that is not a number, or not in its range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastnn import _checks, _data_checks, _words
from fastnn._core import kernels
from fastnn._value_object import ValueObject

if TYPE_CHECKING:
    from fastnn._core.layout import Layout

    Array = np.ndarray[Any, Any]

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Momentum", "Nesterov", "RMSprop"]

RANGES = {
    "l2": _checks.NOT_NEGATIVE,
    "clip_norm": _checks.ABOVE_ZERO,
    "momentum": _checks.UP_TO_ONE,
    "beta_1": _checks.BELOW_ONE,
    "beta_2": _checks.BELOW_ONE,
    "epsilon": _checks.ABOVE_ZERO,
    "weight_decay": _checks.NOT_NEGATIVE,
    "rho": _checks.BELOW_ONE,
}
FLAGS = ("rate_inside", "epsilon_hat")
# How many numbers the kernels keep for each parameter, by their number of the kind.
N_STATES = {
    kernels.OPTIMIZERS[kind]: n
    for kind, n in {"sgd": 0, "momentum": 1, "adam": 2, "rmsprop": 1, "adagrad": 1}.items()
}
# Settings whose field in the kernels' record has another name.
IN_RECORD = {"beta_1": "momentum", "beta_2": "memory", "rho": "memory"}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Optimizer(ValueObject):
    """What all optimizers have in common; not to be used itself."""

    l2: float = 0.0
    clip_norm: float | None = None

    kind: ClassVar[str]  # of the kernel

    def __post_init__(self) -> None:
        for name, value in self.settings().items():
            if name in FLAGS:
                object.__setattr__(self, name, _checks.flag(value, name))
            elif name != "clip_norm" or value is not None:
                object.__setattr__(self, name, _checks.number(value, name, RANGES[name]))

    def settings(self) -> dict[str, Any]:
        """The value of each setting, by its name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def is_plain(self) -> bool:
        """Whether a step can go into the parameters without a gradient of its own."""
        return self.kind == "sgd" and self.clip_norm is None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SGD(Optimizer):
    """Stochastic gradient descent: theta <- theta - eta g.

    With batch size 1 and without `clip_norm`, this is what fastnn is made for; see the settings of
    all optimizers above.

    Examples
    --------
    >>> from fastnn import Network, datasets, optimizers
    >>> X, y = datasets.load_people()
    >>> net = Network([2, 2, 1], seed=0)
    >>> sgd = optimizers.SGD(l2=0.001)
    >>> history = net.train(X, y, epochs=1000, learning_rate=0.1, optimizer=sgd)
    """

    kind: ClassVar[str] = "sgd"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Momentum(Optimizer):
    """v <- mu v + g, theta <- theta - eta v (Polyak 1964, in PyTorch's form).

    Parameters
    ----------
    momentum : float, default 0.9
        mu, from 0 to 1.
    rate_inside : bool, default False
        v <- mu v - eta g, theta <- theta + v, as in scikit-learn and Sutskever et al. 2013. That is
        the same as long as eta does not change.
    """

    momentum: float = 0.9
    rate_inside: bool = False

    kind: ClassVar[str] = "momentum"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Nesterov(Momentum):
    """v <- mu v + g, theta <- theta - eta (g + mu v) (Nesterov 1983, in PyTorch's form).

    Parameters
    ----------
    momentum : float, default 0.9
        mu, from 0 to 1.
    rate_inside : bool, default False
        v <- mu v - eta g, theta <- theta + mu v - eta g, as in scikit-learn.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, algorithm 1).

    m <- beta_1 m + (1 - beta_1) g, v <- beta_2 v + (1 - beta_2) g²,
    theta <- theta - eta m̂ / (√v̂ + epsilon), m̂ = m / (1 - beta_1^t), v̂ = v / (1 - beta_2^t)

    Parameters
    ----------
    beta_1, beta_2 : float, default 0.9, 0.999
        From 0 to below 1.
    epsilon : float, default 1e-8
        Above 0.
    epsilon_hat : bool, default False
        epsilon is added to √v before its correction by 1 - beta_2^t and not after it: what the
        paper calls ε̂, and scikit-learn and Keras do. PyTorch has False.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    epsilon_hat: bool = False

    kind: ClassVar[str] = "adam"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AdamW(Adam):
    """Adam, and beside it W <- W - eta weight_decay W for all weights (Loshchilov and Hutter 2019).

    Parameters
    ----------
    weight_decay : float, default 0.01
        At least 0. Not part of the loss that is reported, unlike `l2`, which is a part of g.
    beta_1, beta_2, epsilon, epsilon_hat
        As for Adam.
    """

    weight_decay: float = 0.01


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RMSprop(Optimizer):
    """v <- rho v + (1 - rho) g², theta <- theta - eta g / (√v + epsilon) (Hinton 2012, lecture 6e).

    Parameters
    ----------
    rho : float, default 0.99
        From 0 to below 1; PyTorch's alpha.
    epsilon : float, default 1e-8
        Above 0.
    """

    rho: float = 0.99
    epsilon: float = 1e-8

    kind: ClassVar[str] = "rmsprop"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Adagrad(Optimizer):
    """v <- v + g², theta <- theta - eta g / (√v + epsilon) (Duchi, Hazan and Singer 2011).

    Parameters
    ----------
    epsilon : float, default 1e-10
        Above 0.
    """

    epsilon: float = 1e-10

    kind: ClassVar[str] = "adagrad"


def _record(optimizer: Optimizer) -> Array:
    """What kernels get of an optimizer, at its beginning."""
    record = np.zeros(1, kernels.OPTIMIZER)
    record["kind"] = kernels.OPTIMIZERS[optimizer.kind]
    record[["power_1", "power_2"]] = 1
    record["nesterov"] = isinstance(optimizer, Nesterov)
    for name, value in optimizer.settings().items():
        if name != "l2":  # which is in the plan, as every form needs it
            record[IN_RECORD.get(name, name)] = math.inf if value is None else value
    return record


@lru_cache
def _known_record(optimizer: Optimizer) -> bytes:
    return _record(optimizer).tobytes()


class State:
    """What an optimizer keeps for a network from step to step."""

    def __init__(
        self, optimizer: Optimizer, layout: Layout, block: np.ndarray[Any, Any] | None = None
    ) -> None:
        """At its beginning, or with what is in a block that fits."""
        self.optimizer = optimizer
        is_ours = type(optimizer) in KINDS  # one of the user's may answer otherwise the next time
        # A copy of bytes, as NumPy takes ten times as long to copy a record.
        known = _known_record(optimizer) if is_ours else _record(optimizer).tobytes()
        self.record = np.frombuffer(bytearray(known), kernels.OPTIMIZER)
        n_parts = N_STATES[self.record["kind"].item()]
        self.block = layout.parameter_block(n_parts) if block is None else block

    @classmethod
    def of(cls, optimizer: Optimizer, block: Array, record: Array) -> State:
        """With arrays that are there already."""
        state = cls.__new__(cls)
        state.optimizer, state.block, state.record = optimizer, block, record
        return state

    @classmethod
    def checked(cls, given: Any, layout: Layout) -> State:
        """One like another, which may be anybody's, and must fit a network of this layout."""
        if not isinstance(given, State):
            raise TypeError(
                "trainer.optimizer must be None or the state of an optimizer, "
                f"got {_checks.description(given)}"
            )
        _checks.state(vars(given), "trainer.optimizer", ("optimizer", "block", "record"))
        optimizer = get(given.optimizer, "trainer.optimizer.optimizer")
        state = cls(optimizer, layout)
        _data_checks.fill_block(state.block, given.block, "trainer.optimizer.block", layout)
        if getattr(given.record, "dtype", None) != kernels.OPTIMIZER or given.record.shape != (1,):
            raise ValueError(
                "trainer.optimizer.record must be a record as training makes it, "
                f"got {_checks.description(given.record)}"
            )
        state.powers = tuple(
            _checks.number(power, "a power in trainer.optimizer.record", _checks.UP_TO_ONE)
            for power in given.powers
        )
        return state

    def fits(self, layout: Layout) -> bool:
        """Whether kernels can go on with it in a network of this layout."""
        return bool(
            self.record.dtype == kernels.OPTIMIZER
            and self.record["kind"].tolist() == [kernels.OPTIMIZERS[self.optimizer.kind]]
            and self.block.nbytes == self.n_parts * layout.n_bytes
        )

    def part(self, k: int) -> np.ndarray[Any, Any]:
        """The block of the k-th number that is kept for each parameter."""
        size = len(self.block) // self.n_parts
        return self.block[k * size : (k + 1) * size]

    @property
    def n_parts(self) -> int:
        """How many numbers are kept for each parameter, by the kind that kernels see."""
        return N_STATES[self.record["kind"].item()]

    @property
    def powers(self) -> tuple[float, ...]:
        """Of beta_1 and beta_2, by which steps are counted."""
        return tuple(self.record[["power_1", "power_2"]][0].item())

    @powers.setter
    def powers(self, powers: tuple[float, ...]) -> None:
        self.record[["power_1", "power_2"]] = powers


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(),
    "momentum": Momentum(),
    "nesterov": Nesterov(),
    "adam": Adam(),
    "adamw": AdamW(),
    "rmsprop": RMSprop(),
    "adagrad": Adagrad(),
}
KINDS: tuple[type[Optimizer], ...] = tuple(type(one) for one in OPTIMIZERS.values())
_words.explain_construction(*KINDS)


def get(value: Any, name: str = "optimizer") -> Optimizer:
    """An optimizer, or that of a name with its defaults.

    A copy, made by what checks settings anew: others may have written into theirs, and may yet.
    """
    if isinstance(value, KINDS):
        given: Optimizer = value
        return replace(given)
    if isinstance(value, str):
        return OPTIMIZERS[_checks.known_name(value, name, OPTIMIZERS)]
    kinds = ", ".join(kind.__name__ for kind in KINDS)
    names = ", ".join(repr(one) for one in OPTIMIZERS)
    raise TypeError(
        f"{name} must be one of {names}, or an object of fastnn.optimizers ({kinds}), "
        f"got {_checks.description(value)}{_checks.instead_of_class(value)}"
    )


def check_fit(
    optimizer: Optimizer, name: str, dtype: np.dtype[Any], activations: tuple[str, ...]
) -> None:
    """Whether a network's numbers can hold an optimizer's, and its units can learn by it."""
    largest = _checks.positive_in(dtype).high
    for setting in ("l2", "weight_decay"):
        value = getattr(optimizer, setting, 0.0)
        if value > largest:
            raise ValueError(
                f"{name}.{setting} must be at most {largest:.3g} in the network's {dtype}, "
                f"got {_checks.description(value)}"
            )
    for setting in ("epsilon", "clip_norm"):
        value = getattr(optimizer, setting, None)
        if value is not None:
            _checks.number(value, f"{name}.{setting}", _checks.positive_in(dtype))
    if "step" not in activations:
        return
    if not optimizer.is_plain:
        raise ValueError(
            f'{name} must be plain SGD for a network of "step" units, which learns by the '
            f"perceptron rule, got {optimizer!r}; use another activation, such as sigmoid"
        )
    if optimizer.l2:
        raise ValueError(
            f'{name}.l2 must be 0 for a network of "step" units, got '
            f"{_checks.description(optimizer.l2)}: the perceptron rule descends no loss to which a "
            "penalty could be added; use another activation, such as sigmoid"
        )
