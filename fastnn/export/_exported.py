"""What of a model goes elsewhere: its layers, and what its outputs mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]
    Kind = Literal["network", "classifier", "multilabel", "regressor"]


class Scaling(NamedTuple):
    """What the network gets of an input x: factor * x + shift, one of each per input.

    Both are long double, so that to put scalings into each other and into weights rounds once.
    """

    factor: Array
    shift: Array


@dataclass(frozen=True)
class Exported:
    """Copies of a model's layers, as one completed step has left them.

    weights are (n_in, n_out) and biases (n_out,), of one dtype, which is that of all arithmetic.
    activations are the names of `Network`, and "exp" on the output layer of Poisson regressors.
    A classifier of two classes has one output, the probability of the second; a multilabel one has
    one for each label.
    """

    weights: list[Array]
    biases: list[Array]
    activations: tuple[str, ...]
    loss: str
    kind: Kind = "network"
    classes: tuple[Any, ...] | None = None  # of a classifier, in the order of its outputs
    feature_names: tuple[str, ...] | None = None
    scaling: Scaling | None = None  # that the first layer has in it, of a standardizer

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.weights[0].dtype
        return dtype

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        return (len(self.weights[0]), *(len(b) for b in self.biases))


class Exportable(Protocol):
    """A network, or an estimator of fastnn.sklearn."""

    def _exported(self) -> Exported: ...
