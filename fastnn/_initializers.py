"""Initial parameters of one layer, by name: ``Network(..., initializer=name)``.

Each function takes the network's random generator, the layer's numbers of inputs and outputs and
the name of its activation, and returns W (n_in, n_out) and b (n_out,) in float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Parameters = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
    Generator = np.random.Generator

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
