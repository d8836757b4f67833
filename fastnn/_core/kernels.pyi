"""What the kernels take and return.

Float arrays of one call have one dtype, float32 or float64, and are C-contiguous. `layers`,
`samples`, `plan`, `progress`, `optimizer`, `snapshot` and `help` are records, whose dtypes stand in
capitals; `parameters` and `gradient` are parameter blocks; `workspace` is from `Layout.workspace`.
Nothing is checked here.
"""

from collections.abc import Callable
from typing import Any, Self, TypeAlias

import numpy as np
from typing_extensions import disjoint_base

from fastnn._core.samples import Samples

_Array: TypeAlias = np.ndarray[Any, Any]
_Floats: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]
_Integers: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
_Records: TypeAlias = np.ndarray[Any, np.dtype[np.void]]

LEVEL: str
LAYER: np.dtype[np.void]
SAMPLES: np.dtype[np.void]
PLAN: np.dtype[np.void]
PROGRESS: np.dtype[np.void]
SNAPSHOT: np.dtype[np.void]
OPTIMIZER: np.dtype[np.void]
HELP: np.dtype[np.void]
BYTES_OF_PANEL: int
BYTES_OF_PART: int
MOST_THREADS: int
ROW_BYTES: int
SAMPLES_IN_BLOCK: int
LANES: dict[str, int]
MOST_INPUTS_OF_QUADS: int
MOST_LAYERS_IN_LANES: int
MOST_OUTPUTS_IN_LANES: int
MOST_VECS: int
SPARSE_DENSITY: float
STRONGEST_DECAY: float
ACTIVATIONS: dict[str, int]
INTERNAL: set[str]
LOSSES: dict[str, int]
PLAIN: str
FORMS: dict[str, int]
OPTIMIZERS: dict[str, int]

@disjoint_base
class Gate:
    @property
    def turn(self) -> Turn | None: ...
    def __init__(
        self,
        numbers: frozenset[type],
        integers: frozenset[type],
        layers: _Records,
        loss: int,
        parameters: _Floats,
        workspace: _Floats,
        for_few_rows: Callable[[], tuple[int, _Floats]],
        samples: Samples,
        learns: bool,
    ) -> None: ...
    def feedforward(self, x: object, out: object) -> Any: ...
    def update(self, x: object, y: object, eta: object, optimizer: object) -> float | None: ...

@disjoint_base
class Turn:
    def __init__(self, gate: Gate, trains: bool) -> None: ...
    def __enter__(self) -> Turn: ...
    def __exit__(self, *_: object) -> None: ...

@disjoint_base
class Team:
    @property
    def size(self) -> int: ...
    @property
    def address(self) -> int: ...
    def __new__(cls, size: int) -> Self: ...
    def forget_helpers(self) -> None: ...

def note_snapshot(working: list[_Array], kept: list[_Array], snapshot: _Records) -> None: ...
def address(array: _Array) -> int: ...
def samples_of(
    X: _Array | None,
    Y: _Array | None,
    starts: _Integers | None,
    columns: _Array | None,
    values: _Array | None,
    room: int,
    weights: _Array | None,
) -> _Records: ...
def equal(arrays: list[_Array], views: list[_Array]) -> bool: ...
def unpad(views: list[_Array], arrays: list[_Array]) -> bool: ...
def copy(sources: list[_Array], targets: list[_Array]) -> None: ...
def exp(z: _Floats, out: _Floats) -> None: ...
def all_finite(numbers: _Floats) -> bool: ...
def scan(X: _Floats, counts: _Integers, hashed: bool = False) -> tuple[bool, int]: ...
def total(counts: _Integers) -> int: ...
def fingerprint(numbers: _Floats) -> int: ...
def scan_compressed(
    starts: _Integers,
    columns: np.ndarray[Any, np.dtype[np.int32]],
    values: _Floats,
    n_in: int,
    hashed: bool = False,
) -> tuple[bool, bool, int]: ...
def compress(
    X: _Floats, starts: _Integers, columns: np.ndarray[Any, np.dtype[np.int32]], values: _Floats
) -> None: ...
def feedforward(
    layers: _Records,
    parameters: _Floats,
    samples: _Records,
    start: int,
    out: _Floats,
    workspaces: _Floats,
    help: _Records,
    holds_lock: bool = False,
) -> bool: ...
def loss(
    layers: _Records,
    loss: int,
    n_targets: int,
    parameters: _Floats,
    samples: _Records,
    start: int,
    losses: np.ndarray[Any, np.dtype[np.float64]],
    out: _Floats,
    workspaces: _Floats,
    help: _Records,
    total: float,
    holds_lock: bool = False,
) -> float: ...
def gradients(
    layers: _Records,
    loss: int,
    n_targets: int,
    parameters: _Floats,
    samples: _Records,
    start: int,
    end: int,
    gradient: _Floats,
    outputs: _Floats,
    input_gradients: _Floats,
    workspace: _Floats,
    help: _Records,
    total: float,
    holds_lock: bool = False,
) -> float: ...
def step(
    layers: _Records,
    parameters: _Floats,
    gradient: _Floats,
    state: _Floats,
    optimizer: _Records,
    eta: float,
    l2: float,
) -> bool: ...
def train(
    layers: _Records,
    loss: int,
    n_targets: int,
    parameters: _Floats,
    samples: _Records,
    order: _Integers,
    rates: np.ndarray[Any, np.dtype[np.float64]],
    plan: _Records,
    progress: _Records,
    optimizer: _Records,
    n_samples: int,
    losses: np.ndarray[Any, np.dtype[np.float64]],
    gradient: _Floats,
    state: _Floats,
    workspace: _Floats,
    snapshot: _Records,
    begins: bool,
    help: _Records,
) -> int: ...
def train_together(
    tasks: list[tuple[int, _Floats | None, list[tuple[Any, ...]]]], help: _Records
) -> list[int]: ...
def bytes_of_panel(layers: _Records) -> int: ...
def bytes_together(layers: _Records, n_vecs: int) -> int: ...
