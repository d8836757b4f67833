"""Models of other libraries as networks, and networks as theirs.

`fastnn.Network` has these functions as methods: ``Network.from_torch(module)``, ``net.to_torch()``.
Each takes over what a network can be, a chain of dense layers and their activations, so that its
outputs are the model's to rounding; everything else is refused by the layer's name, with what to do
instead. Numbers are copies, and the model stays as it is.
"""

from fastnn.interop._fann import from_fann, to_fann
from fastnn.interop._keras import from_keras
from fastnn.interop._safetensors import from_safetensors, to_safetensors
from fastnn.interop._scikit_learn import from_sklearn
from fastnn.interop._torch import from_torch, to_torch

__all__ = [
    "from_fann",
    "from_keras",
    "from_safetensors",
    "from_sklearn",
    "from_torch",
    "to_fann",
    "to_safetensors",
    "to_torch",
]
