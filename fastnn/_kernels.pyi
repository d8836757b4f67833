"""What the kernels take and return.

Float arrays of one call have one dtype, float32 or float64, and are C-contiguous. `layers` and
`plan` are records of `fastnn._layout`; `parameters` and `gradient` are parameter blocks; `units`
is a workspace from `Layout.workspace`. Nothing is checked here.
"""

from typing import Any, TypeAlias

import numpy as np

_Floats: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]
_Records: TypeAlias = np.ndarray[Any, np.dtype[np.void]]

LEVEL: str
ACTIVATIONS: dict[str, int]
LOSSES: dict[str, int]

def exp(z: _Floats, out: _Floats) -> None: ...
def feedforward(
    layers: _Records, parameters: _Floats, X: _Floats, out: _Floats, units: _Floats
) -> None: ...
def loss(
    layers: _Records,
    loss: int,
    parameters: _Floats,
    X: _Floats,
    Y: _Floats,
    units: _Floats,
    total: float,
) -> float: ...
def gradients(
    layers: _Records,
    loss: int,
    parameters: _Floats,
    X: _Floats,
    Y: _Floats,
    gradient: _Floats,
    units: _Floats,
) -> None: ...
def train(
    layers: _Records,
    loss: int,
    parameters: _Floats,
    X: _Floats,
    Y: _Floats,
    order: np.ndarray[Any, np.dtype[np.intp]],
    plan: _Records,
    n_samples: int,
    losses: np.ndarray[Any, np.dtype[np.float64]],
    gradient: _Floats,
    units: _Floats,
) -> None: ...
