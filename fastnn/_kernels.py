"""Picks the build of the kernels that suits this CPU.

``FASTNN_KERNELS=baseline`` in the environment picks the build for any CPU of the platform.
"""

import importlib
import os
from types import ModuleType


def _build(level: str) -> ModuleType:
    try:
        return importlib.import_module(f"fastnn._kernels_{level}")
    except ModuleNotFoundError:
        folder = os.path.dirname(os.path.abspath(__file__))
        raise ImportError(
            f"fastnn's compiled kernels ({level}) are not in {folder}: if this is a source folder, "
            'run Python from another folder (after "pip install ."), or build the kernels here '
            'with "pip install -e ."'
        ) from None


_has_avx2 = _build("baseline").has_avx2()
LEVEL = os.environ.get("FASTNN_KERNELS") or ("avx2" if _has_avx2 else "baseline")
if LEVEL not in ("baseline", "avx2"):
    raise ImportError(f'FASTNN_KERNELS must be "baseline" or "avx2", got {LEVEL!r}')
if LEVEL == "avx2" and not _has_avx2:
    raise ImportError('FASTNN_KERNELS is "avx2", which this CPU does not support: use "baseline"')

_kernels = _build(LEVEL)
ACTIVATIONS = _kernels.ACTIVATIONS
FORMS = _kernels.FORMS
INTERNAL = _kernels.INTERNAL
LOSSES = _kernels.LOSSES
OPTIMIZERS = _kernels.OPTIMIZERS
OneSample = _kernels.OneSample
Turn = _kernels.Turn
all_finite = _kernels.all_finite
compress = _kernels.compress
copy = _kernels.copy
equal = _kernels.equal
note_kept = _kernels.note_kept
exp = _kernels.exp
fingerprint = _kernels.fingerprint
fingerprint_of_compressed = _kernels.fingerprint_of_compressed
feedforward = _kernels.feedforward
gradients = _kernels.gradients
loss = _kernels.loss
scan = _kernels.scan
train = _kernels.train
