"""What a training is about: a number by which a later one knows whether its data are the same.

Equal numbers give the same one, in whatever array, process or file they come. What compares
losses, tol and the callbacks that monitor, belongs to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn._core import kernels
from fastnn._core.samples import Compressed

if TYPE_CHECKING:
    from fastnn._core.data import Data


def task_of(data: Data, validation: Data | None) -> int:
    """Of samples, targets and weights, and those of the validation."""
    import hashlib  # with all of OpenSSL: not before it is needed

    parts = [_of(data), None if validation is None else _of(validation)]
    # 56 bits, which a signed integer holds anywhere.
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=7).digest())


def _of(data: Data) -> tuple[Any, ...]:
    X, rows, n_inputs = data.fingerprint, data.X, data.model.layer_sizes[0]
    if X is None:
        if isinstance(rows, Compressed):
            assert rows.starts is not None
            *_, X = kernels.scan_compressed(rows.starts, rows.columns, rows.values, n_inputs, True)
        else:
            X = kernels.fingerprint(rows.reshape(-1))
    weights = None if data.weights is None else kernels.fingerprint(data.weights)
    Y = kernels.fingerprint(data.Y.reshape(-1))
    return len(data.X), X, data.Y.shape[1], Y, weights
