"""Initial parameters of one layer, by name: ``Network(..., initializer=name)``.

Each function takes the network's random generator, the layer's numbers of inputs and outputs and
the name of its activation, and returns W (n_in, n_out) and b (n_out,) in float64. So may one of the
user's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks, _data_checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Parameters = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
    Generator = np.random.Generator
    Initializer = Callable[[Generator, int, int, str], tuple[ArrayLike, ArrayLike]]

RELU_FAMILY = {"relu", "leaky_relu", "elu", "softplus", "silu", "gelu"}


def he(rng: Generator, n_in: int, n_out: int, activation: str) -> Parameters:
    """W normal with variance 2 / n_in, b zero (He et al. 2015, arXiv 1502.01852)."""
    return rng.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in), np.zeros(n_out)


def glorot(rng: Generator, n_in: int, n_out: int, activation: str) -> Parameters:
    """W uniform in ±√(6 / (n_in + n_out)), b zero (Glorot & Bengio 2010)."""
    limit = np.sqrt(6 / (n_in + n_out))
    return rng.uniform(-limit, limit, (n_in, n_out)), np.zeros(n_out)


def auto(rng: Generator, n_in: int, n_out: int, activation: str) -> Parameters:
    """``he`` for the relu family, ``glorot`` for the other activations."""
    initializer = he if activation in RELU_FAMILY else glorot
    return initializer(rng, n_in, n_out, activation)


def normal(rng: Generator, n_in: int, n_out: int, activation: str) -> Parameters:
    """W and b standard normal."""
    return rng.standard_normal((n_in, n_out)), rng.standard_normal(n_out)


def small(rng: Generator, n_in: int, n_out: int, activation: str) -> Parameters:
    """W normal with standard deviation 0.01, b zero."""
    return rng.standard_normal((n_in, n_out)) * 0.01, np.zeros(n_out)


INITIALIZERS = {
    "auto": auto,
    "he": he,
    "glorot": glorot,
    "normal": normal,
    "small": small,
}


def get(value: Any, name: str) -> Initializer:
    """An initializer by name, or a function like one of these."""
    if callable(value) and not isinstance(value, type):
        return partial(_of_users, value)
    if not isinstance(value, str):
        names = ", ".join(map(repr, INITIALIZERS))
        raise TypeError(
            f"{name} must be one of {names}, or a function of (rng, n_in, n_out, activation), "
            f"got {_checks.description(value)}{_checks.instead_of_class(value)}"
        )
    return INITIALIZERS[_checks.known_name(value, name, INITIALIZERS)]


def _of_users(
    function: Callable[[Generator, int, int, str], Any],
    rng: Generator, n_in: int, n_out: int, activation: str,
) -> Parameters:  # fmt: skip
    """What a user's function gives for a layer, if it fits."""
    found = function(rng, n_in, n_out, activation)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise TypeError(
            f"initializer must return W and b of a layer, got {_checks.description(found)}"
        )
    try:
        (W,), (b,), _ = _data_checks.parameters([found[0]], [found[1]])
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"initializer must return W and b of a layer: {error}") from None
    if W.shape != (n_in, n_out):
        raise ValueError(
            f"initializer must return W of shape ({n_in}, {n_out}) for a layer of {n_in} inputs "
            f"and {n_out} units, got {W.shape}"
        )
    return W, b
