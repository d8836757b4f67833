"""What to say where inputs or targets are large, and training diverges or comes to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn._core.samples import Compressed
from fastnn._warnings import warn

if TYPE_CHECKING:
    from fastnn._core.data import Data

Array = np.ndarray[Any, Any]

LARGE = 50  # in the mean of absolute values
FEW_EPOCHS = 10  # after which nobody can expect much
FEW_ROWS = 32
MANY_ROWS = 1000
FLAT = 1e-6  # difference of a unit's outputs
REMEDY = "mean 0 and standard deviation 1, as fastnn.preprocessing.Standardizer does"


def advice(data: Data) -> str:
    """What to do about divergence, after how large the data are."""
    if data.is_mapped:  # a file, which would be read anew
        return f"Use a smaller learning_rate, or scale inputs and targets to {REMEDY}"
    largest, large = [], []
    has_quantities = data.Y.shape[1] == data.model.layer_sizes[-1]  # and not class numbers
    X = data.X.values.reshape(-1, 1) if isinstance(data.X, Compressed) else data.X
    for letter, name, array in (("x", "inputs", X), ("y", "targets", data.Y)):
        if array.size and (letter == "x" or has_quantities):
            most = max(float(array.max()), -float(array.min()))  # without a copy
            largest.append(f"|{letter}| up to {most:.3g}")
            some = _some(array, MANY_ROWS)
            if np.abs(some).mean(axis=0, dtype=np.float64).max() > LARGE:
                large.append(name)
    given = f"It was given {' and '.join(largest)}. " if largest else ""
    if large:
        return f"{given}Scale {' and '.join(large)} to {REMEDY}, or use a smaller learning_rate"
    return f"{given}Use a smaller learning_rate, or scale inputs and targets to {REMEDY}"


def warn_of_flat_units(data: Data, n_epochs: int) -> None:
    """Where no unit of the first layer tells samples apart any more, which are large.

    All derivatives are zero there, and nothing is learned from then on.
    """
    model, X = data.model, data.X
    if n_epochs < FEW_EPOCHS or len(model.activations) == 1 or isinstance(X, Compressed):
        return
    X = _some(X, FEW_ROWS)
    numbers = X.ravel()
    if np.vdot(numbers, numbers) <= numbers.size * LARGE**2:  # which is soon known, and most likely
        return
    Y, size = _some(data.Y, FEW_ROWS), np.abs(X).mean(dtype=np.float64)
    if size <= LARGE or "step" in model.activations or (X[0] == X).all() or (Y[0] == Y).all():
        return
    a = np.empty((len(X), model.layer_sizes[1]), model.layout.dtype)
    model.feedforward(np.ascontiguousarray(X), a, 1, layer=0)
    if np.ptp(a, axis=0).max() <= FLAT:
        warn(
            f"inputs are large, |x| is {size:.3g} on average, and have thrown all units of the "
            f"first layer to where {model.activations[0]!r} is flat: the network gives the same "
            f"for all samples, and learns nothing more. Begin anew, with inputs of {REMEDY}; and "
            "so with the targets of a regression"
        )


def _some(rows: Array, n: int) -> Array:
    """About so many of them, from beginning to end."""
    return rows[:: -(-len(rows) // n)]
