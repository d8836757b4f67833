"""What pictures are of: networks, their data and their outputs, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from fastnn import _checks, _data_checks
from fastnn.network import Network

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]


class Estimator(Protocol):
    """One of scikit-learn's kind."""

    def get_params(self, deep: bool = ...) -> Any: ...


NetworkLike: TypeAlias = Network | Estimator


def network_of(value: Any) -> Network:
    """A network, or that of a fitted estimator."""
    if isinstance(value, Network):
        return value
    if not isinstance(value, type) and hasattr(value, "get_params"):
        return Network.from_sklearn(value)
    raise TypeError(
        "net must be a fastnn.Network, or a fitted MLPClassifier or MLPRegressor, got "
        f"{_checks.description(value)}{_checks.instead_of_class(value)}"
    )


def rows_of(net: Network, X: Any) -> tuple[Array, tuple[str, ...] | None]:
    """Samples as dense rows, and the names of the inputs, if they have any."""
    given = _data_checks.given(X, "X")
    names = _data_checks.feature_names(given, net.feature_names)
    rows = _data_checks.samples(given, "X", net.layer_sizes[0], net.dtype)
    if not isinstance(rows, np.ndarray):
        raise TypeError("X must be dense to be drawn, got a sparse array; use X.toarray()")
    return rows, names or net.feature_names
