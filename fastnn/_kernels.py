"""Picks the build of the kernels that suits this CPU.

``FASTNN_KERNELS=baseline`` in the environment picks the build for any CPU of the platform.
"""

import importlib
import os

try:
    _build = importlib.import_module("fastnn._kernels_baseline")
except ModuleNotFoundError as error:
    raise ImportError(
        "fastnn's compiled kernels are not in "
        f"{os.path.dirname(os.path.abspath(__file__))}: if this is a source folder, run Python "
        'from another folder (after "pip install ."), or build the kernels here with '
        '"pip install -e ."'
    ) from error

LEVEL = os.environ.get("FASTNN_KERNELS", "")
if LEVEL not in ("", "baseline", "avx2"):
    raise ImportError(f'FASTNN_KERNELS must be "baseline" or "avx2", got {LEVEL!r}')
if not LEVEL:
    LEVEL = "avx2" if _build.has_avx2() else "baseline"
elif LEVEL == "avx2" and not _build.has_avx2():
    raise ImportError('FASTNN_KERNELS is "avx2", which this CPU does not support: use "baseline"')
if LEVEL == "avx2":
    _build = importlib.import_module("fastnn._kernels_avx2")

ACTIVATIONS = _build.ACTIVATIONS
LOSSES = _build.LOSSES
exp = _build.exp
feedforward = _build.feedforward
gradients = _build.gradients
loss = _build.loss
train = _build.train
