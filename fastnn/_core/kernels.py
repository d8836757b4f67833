"""Picks the build of the kernels that suits this CPU.

``FASTNN_KERNELS=baseline`` in the environment picks the build for any CPU of the platform.
"""

import importlib
import os
from types import ModuleType


def _unit(unit: str, level: str) -> ModuleType:
    """One of the units of src_cython/, as it was built for a level."""
    try:
        return importlib.import_module(f"fastnn._core._{unit}_{level}")
    except ModuleNotFoundError:
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        raise ImportError(
            f"fastnn's compiled kernels ({level}) are not in {folder}: if this is a source folder, "
            'run Python from another folder (after "pip install ."), or build the kernels here '
            'with "pip install -e ."'
        ) from None


_has_avx2 = _unit("data", "baseline").has_avx2()
LEVEL = os.environ.get("FASTNN_KERNELS") or ("avx2" if _has_avx2 else "baseline")
if LEVEL not in ("baseline", "avx2"):
    raise ImportError(f'FASTNN_KERNELS must be "baseline" or "avx2", got {LEVEL!r}')
if LEVEL == "avx2" and not _has_avx2:
    raise ImportError('FASTNN_KERNELS is "avx2", which this CPU does not support: use "baseline"')

_data = _unit("data", LEVEL)
LAYER = _data.LAYER
ROW_BYTES = _data.ROW_BYTES
SAMPLES = _data.SAMPLES
SAMPLES_IN_BLOCK = _data.SAMPLES_IN_BLOCK
SPARSE_DENSITY = _data.SPARSE_DENSITY
address = _data.address
all_finite = _data.all_finite
compress = _data.compress
copy = _data.copy
equal = _data.equal
exp = _data.exp
fingerprint = _data.fingerprint
samples_of = _data.samples_of
scan = _data.scan
scan_compressed = _data.scan_compressed
total = _data.total
unpad = _data.unpad

_prediction = _unit("prediction", LEVEL)
ACTIVATIONS = _prediction.ACTIVATIONS
INTERNAL = _prediction.INTERNAL
LOSSES = _prediction.LOSSES
PLAIN = _prediction.PLAIN
Gate = _prediction.Gate
Turn = _prediction.Turn
feedforward = _prediction.feedforward
gradients = _prediction.gradients
loss = _prediction.loss

_training = _unit("training", LEVEL)
BYTES_OF_PANEL = _training.BYTES_OF_PANEL
BYTES_OF_PART = _training.BYTES_OF_PART
FORMS = _training.FORMS
HELP = _training.HELP
LANES = _training.LANES
MOST_INPUTS_OF_QUADS = _training.MOST_INPUTS_OF_QUADS
MOST_LAYERS_IN_LANES = _training.MOST_LAYERS_IN_LANES
MOST_OUTPUTS_IN_LANES = _training.MOST_OUTPUTS_IN_LANES
MOST_VECS = _training.MOST_VECS
OPTIMIZER = _training.OPTIMIZER
OPTIMIZERS = _training.OPTIMIZERS
PLAN = _training.PLAN
PROGRESS = _training.PROGRESS
SNAPSHOT = _training.SNAPSHOT
STRONGEST_DECAY = _training.STRONGEST_DECAY
bytes_of_panel = _training.bytes_of_panel
bytes_together = _training.bytes_together
note_snapshot = _training.note_snapshot
step = _training.step
train = _training.train
train_together = _training.train_together

_threads = _unit("threads", "baseline")
MOST_THREADS = _threads.MOST_THREADS
Team = _threads.Team
