"""fastnn: small neural networks, trained on the CPU by exact SGD, as fast as the machine allows."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from fastnn import _self_test, callbacks, exceptions, metrics, optimizers, preprocessing, threads
from fastnn._core.kernels import LEVEL as _LEVEL
from fastnn.exceptions import ModelFileError, TrainingDivergedError
from fastnn.history import History
from fastnn.network import Network
from fastnn.threads import num_threads, set_num_threads, use_threads

if TYPE_CHECKING:
    from fastnn import datasets, many, rates, schedules
    from fastnn.many import train_many
    from fastnn.rates import LearningRateCurve, find_learning_rate

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

# What not all programs need is imported when it is asked for, with what is in it.
_LATER: dict[str, tuple[str, ...]] = {
    "datasets": (),
    "many": ("train_many",),
    "rates": ("LearningRateCurve", "find_learning_rate"),
    "schedules": (),
}

_self_test.check()


if not TYPE_CHECKING:  # as a type checker then takes any name for one of fastnn's

    def __getattr__(name: str) -> object:
        for module, names in _LATER.items():
            if name == module:
                return import_module(f"fastnn.{module}")
            if name in names:
                return getattr(import_module(f"fastnn.{module}"), name)
        # With what Python needs to say what may have been meant.
        raise AttributeError(
            f"module 'fastnn' has no attribute {name!r}", name=name, obj=sys.modules.get(__name__)
        )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__} - {"TYPE_CHECKING", "import_module", "sys"})


def kernel_level() -> str:
    """The build of the kernels in use: "avx2", or "baseline" for any CPU of the platform."""
    return _LEVEL
