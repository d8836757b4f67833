"""What a training is about: a number by which a later one knows whether its data are the same.

Equal numbers give the same one, in whatever array, process or file they come. What compares
losses, tol and the callbacks that monitor, belongs to it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _kernels
from fastnn._samples import Compressed

if TYPE_CHECKING:
    from fastnn.course import Data

Array = np.ndarray[Any, Any]


def task_of(data: Data, validation: Data | None) -> int:
    """Of samples, targets and weights, and those of the validation."""
    parts = [_of(data), None if validation is None else _of(validation)]
    # 56 bits, which a signed integer holds anywhere.
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=7).digest())


def _of(data: Data) -> tuple[Any, ...]:
    X = data.fingerprint
    if X is None:
        X = of_samples(data.X, data.model.layer_sizes[0])
    weights = None if data.weights is None else _kernels.fingerprint(data.weights)
    Y = _kernels.fingerprint(data.Y.reshape(-1))
    return len(data.X), X, data.Y.shape[1], Y, weights


def of_samples(X: Array | Compressed, n_inputs: int) -> int:
    """As kernels find it while they scan dense rows."""
    if not isinstance(X, Compressed):
        return _kernels.fingerprint(X.reshape(-1))
    assert X.starts is not None
    found = _kernels.fingerprint_of_compressed(X.starts, X.columns, X.values, n_inputs)
    if found is None:  # as columns do not ascend
        rows = np.repeat(np.arange(len(X)), np.diff(X.starts))
        order = np.lexsort((X.columns, rows))
        found = _kernels.fingerprint_of_compressed(
            X.starts, X.columns[order], X.values[order], n_inputs
        )
        assert found is not None
    return found
