"""fastnn: small neural networks, trained on the CPU by exact SGD, as fast as the machine allows."""

from fastnn import (
    _self_test,
    callbacks,
    datasets,
    exceptions,
    many,
    metrics,
    optimizers,
    preprocessing,
    rates,
    schedules,
    threads,
)
from fastnn._core.kernels import LEVEL as _LEVEL
from fastnn.exceptions import ModelFileError, TrainingDivergedError
from fastnn.history import History
from fastnn.many import train_many
from fastnn.network import Network
from fastnn.rates import LearningRateCurve, find_learning_rate
from fastnn.threads import num_threads, set_num_threads, use_threads

__all__ = [
    "History",
    "LearningRateCurve",
    "ModelFileError",
    "Network",
    "TrainingDivergedError",
    "callbacks",
    "datasets",
    "exceptions",
    "find_learning_rate",
    "kernel_level",
    "many",
    "metrics",
    "num_threads",
    "optimizers",
    "preprocessing",
    "rates",
    "schedules",
    "set_num_threads",
    "threads",
    "train_many",
    "use_threads",
]
__version__ = "0.1.0"

_self_test.check()


def kernel_level() -> str:
    """The build of the kernels in use: "avx2", or "baseline" for any CPU of the platform."""
    return _LEVEL
