"""fastnn: small neural networks, trained on the CPU by exact SGD, as fast as the machine allows."""

from fastnn import datasets, optimizers
from fastnn._kernels import LEVEL as _LEVEL
from fastnn.exceptions import TrainingDivergedError
from fastnn.history import History
from fastnn.network import Network

__all__ = ["History", "Network", "TrainingDivergedError", "datasets", "kernel_level", "optimizers"]
__version__ = "0.1.0"


def kernel_level() -> str:
    """The build of the kernels in use: "avx2", or "baseline" for any CPU of the platform."""
    return _LEVEL
