"""What the kernels take and return.

Float arrays of one call have one dtype, float32 or float64, and are C-contiguous. `layers` and
`plan` are records of `fastnn._layout`; `parameters` and `gradient` are parameter blocks; `units`
is a workspace from `Layout.workspace`. Nothing is checked here.
"""

from typing import Any, TypeAlias

import numpy as np

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]
Records: TypeAlias = np.ndarray[Any, np.dtype[np.void]]

LEVEL: str
ACTIVATIONS: dict[str, int]
LOSSES: dict[str, int]

def exp(z: Floats, out: Floats) -> None: ...
def feedforward(
    layers: Records, parameters: Floats, X: Floats, out: Floats, units: Floats
) -> None: ...
def loss(
    layers: Records, loss: int, parameters: Floats, X: Floats, Y: Floats, units: Floats
) -> float: ...
def gradients(
    layers: Records,
    loss: int,
    parameters: Floats,
    X: Floats,
    Y: Floats,
    gradient: Floats,
    units: Floats,
) -> None: ...
def train(
    layers: Records,
    loss: int,
    parameters: Floats,
    X: Floats,
    Y: Floats,
    order: np.ndarray[Any, np.dtype[np.intp]],
    plan: Records,
    n_samples: int,
    losses: np.ndarray[Any, np.dtype[np.float64]],
    gradient: Floats,
    units: Floats,
) -> None: ...
