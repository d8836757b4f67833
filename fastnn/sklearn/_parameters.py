"""coefs_ and intercepts_ of an estimator, and the network that computes with them.

The lists are what counts, as in scikit-learn, whoever makes them or writes into their arrays. The
network has rows that are padded, and so it is a copy. After a fit nobody but the estimator has the
lists; from the moment when somebody asks for one, each call compares them with the network, until
he holds it no longer. So calls of an estimator whose parameters nobody looks at pay nothing.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks
from fastnn._core import kernels
from fastnn._core.model import Model
from fastnn.network import Network

if TYPE_CHECKING:
    from fastnn.network import Floats

    Estimator = Any  # of scikit-learn, beside which this stands
else:
    Estimator = object

Array = np.ndarray[Any, Any]

HIDDEN = {name for name in _checks.ACTIVATIONS if name not in ("softmax", "step")} | {"logistic"}


class Listed:
    """coefs_ or intercepts_: what stands under its name in the estimator's __dict__."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, estimator: Any, owner: type | None = None) -> Any:
        if estimator is None:
            return self
        attributes = estimator.__dict__
        if self.name not in attributes:
            raise AttributeError(
                f"{type(estimator).__name__!r} object has no attribute {self.name!r}"
            )
        backing = attributes.get("_backing")
        if backing is not None:
            if backing.is_trained or backing.is_ahead:
                backing.into_lists()
            backing.is_shown = True
        return attributes[self.name]

    def __set__(self, estimator: Any, value: Any) -> None:
        backing = estimator.__dict__.get("_backing")
        if backing is not None and backing.is_trained:
            raise RuntimeError(
                f"{self.name} cannot be set while the estimator is being fitted: a callback may "
                "write into net.weights and net.biases, or wait until the fit has ended"
            )
        estimator.__dict__[self.name] = value  # another list than that of the backing

    def __delete__(self, estimator: Any) -> None:
        self.__get__(estimator)
        del estimator.__dict__[self.name]


class Backing:
    """The network behind two lists, and of which settings of the estimator it is."""

    coefs: Any
    intercepts: Any

    def __init__(self, net: Network, settings: tuple[Any, ...]) -> None:
        self.net, self.settings = net, settings
        self.views = [*net.weights, *net.biases]
        self.is_shown = True  # somebody else may have the lists, or their arrays
        self.is_trained = False  # a fit is running
        self.is_ahead = False  # the network has what the lists have yet to get
        self.wider: Network | None = None  # in float64, for samples that a network of float32 gets

    def is_as_lists(self) -> bool:
        """Whether the network has the numbers of the lists, bit for bit."""
        arrays = [*self.coefs, *self.intercepts]
        return len(arrays) == len(self.views) and kernels.equal(arrays, self.views)

    def into_lists(self) -> None:
        """The network's parameters into the lists' arrays, or where they do not fit, new ones."""
        arrays = [*self.coefs, *self.intercepts]
        if len(arrays) != len(self.views) or not kernels.unpad(self.views, arrays):
            n_layers = len(self.views) // 2
            self.coefs[:] = map(_into, self.coefs, self.views[:n_layers])
            self.intercepts[:] = map(_into, self.intercepts, self.views[n_layers:])
        self.is_ahead = False


def _into(array: Any, view: Array) -> Array:
    """The array itself, where it can have the view's numbers, or else a new one."""
    if (
        isinstance(array, np.ndarray) and array.shape == view.shape and array.dtype.kind == "f"
        and array.flags.writeable
    ):  # fmt: skip
        array[...] = view
        return array
    return view.copy()


class WithParameters(Estimator):
    """What an estimator's parameters are, and the network that they make."""

    activation: str | Sequence[str]
    loss: str
    out_activation_: str

    if TYPE_CHECKING:  # as which they appear
        coefs_: list[Floats]
        intercepts_: list[Floats]
    else:
        coefs_ = Listed()
        intercepts_ = Listed()

    def __getstate__(self) -> dict[str, Any]:
        backing = self.__dict__.get("_backing")
        if backing is not None:
            if backing.is_trained or backing.is_ahead:
                backing.into_lists()
            backing.is_shown = True  # a shallow copy has the same arrays
        state = dict(super().__getstate__())
        state.pop("_backing", None)
        return state

    def _hidden_activations(self, n_hidden: int) -> list[str]:
        """Of each of n_hidden layers, as given."""
        given = self.activation
        hidden = [given] * n_hidden if isinstance(given, str) else list(given)
        if len(hidden) != n_hidden or not all(
            isinstance(name, str) and name in HIDDEN for name in hidden
        ):
            raise ValueError(
                f"activation must be one of {', '.join(sorted(HIDDEN))}, or a list with one for "
                f"each of {n_hidden} hidden layer{_checks.plural(n_hidden)}, got {given!r}."
            )
        return hidden

    def _core_activations(self, n_layers: int) -> list[str]:
        """Of each layer, by their names in fastnn."""
        names = *self._hidden_activations(n_layers - 1), self.out_activation_
        return ["sigmoid" if name == "logistic" else name for name in names]

    def _core_loss(self, n_outputs: int) -> str:
        if self.loss == "log_loss" and (self.out_activation_ == "logistic" or n_outputs == 1):
            return "binary_log_loss"
        return str(self.loss)

    def _settings_of_network(self) -> tuple[Any, ...]:
        given = self.activation
        return given if type(given) is str else tuple(given), self.out_activation_, self.loss

    def _network(self) -> Network:
        """The network that the lists make."""
        backing: Backing | None = self.__dict__.get("_backing")
        if backing is None or backing.is_shown or not self._has_backing(backing):
            backing = self._compared_backing()
        return backing.net

    def _has_backing(self, backing: Backing) -> bool:
        """Whether it is that of the present lists and settings."""
        attributes = self.__dict__
        return bool(
            backing.coefs is attributes.get("coefs_")
            and backing.intercepts is attributes.get("intercepts_")
            and backing.settings == self._settings_of_network()
        )

    def _compared_backing(self) -> Backing:
        """What computes with the lists, after a look at each number in them."""
        backing: Backing | None = self.__dict__.get("_backing")
        if backing is None or not self._has_backing(backing) or not backing.is_as_lists():
            backing = self._made_backing()
        backing.is_shown = _are_held(backing)
        return backing

    def _made_backing(self) -> Backing:
        """What computes with the lists as they are; a network that can do so is used again."""
        attributes = self.__dict__
        for name in ("coefs_", "intercepts_"):
            if type(getattr(self, name)) is not list:
                attributes[name] = list(attributes[name])
        weights, biases = _matrices(attributes["coefs_"], attributes["intercepts_"])
        wanted = np.result_type(np.float32, *weights, *biases)
        dtype = np.dtype(np.float32 if wanted == np.float32 else np.float64)
        settings = self._settings_of_network()
        backing: Backing | None = attributes.get("_backing")
        if backing is None or backing.settings != settings or not _fit(backing.net, dtype, weights):
            backing = Backing(self._empty_network(dtype, weights), settings)
        _write(backing.net, weights, biases)
        backing.coefs, backing.intercepts = attributes["coefs_"], attributes["intercepts_"]
        attributes["_backing"] = backing
        return backing

    def _empty_network(self, dtype: np.dtype[Any], weights: Sequence[Array]) -> Network:
        sizes = (len(weights[0]), *(W.shape[1] for W in weights))
        activations = tuple(self._core_activations(len(weights)))
        model = Model(sizes, activations, self._core_loss(sizes[-1]), dtype)
        return Network._of(model, np.random.default_rng(0))

    def _network_for(self, dtype: np.dtype[Any]) -> Network:
        """The network for samples of a dtype, which computes in float64 if these are wider."""
        net = self._network()
        if net.dtype == np.float64 or np.result_type(dtype, np.float32) == np.float32:
            return net
        backing = self.__dict__["_backing"]
        if backing.wider is None:
            backing.wider = self._empty_network(np.dtype(np.float64), net.weights)
        _write(backing.wider, net.weights, net.biases)
        return backing.wider


def _matrices(coefs: Any, intercepts: Any) -> tuple[list[Array], list[Array]]:
    """Arrays that fit to each other, of lists that may be anybody's."""
    weights: list[Array] = []
    biases: list[Array] = []
    for i, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        W = W.toarray() if hasattr(W, "toarray") else np.asarray(W)  # somebody may have pruned it
        if W.ndim != 2 or 0 in W.shape or (i and len(W) != weights[-1].shape[1]):
            n_in = weights[-1].shape[1] if i else "n_features"
            raise ValueError(f"coefs_[{i}] must have shape ({n_in}, n_units), got {W.shape}")
        b = np.asarray(b)
        if b.size not in (1, W.shape[1]):
            raise ValueError(
                f"intercepts_[{i}] must have shape ({W.shape[1]},), as coefs_[{i}] has "
                f"{W.shape[1]} column{_checks.plural(W.shape[1])}; got {b.shape}"
            )
        weights.append(W)
        biases.append(np.broadcast_to(b.ravel(), W.shape[1:]))
    return weights, biases


def _fit(net: Network, dtype: np.dtype[Any], weights: list[Array]) -> bool:
    """Whether the network can have these parameters."""
    return net.dtype == dtype and [W.shape for W in net.weights] == [W.shape for W in weights]


def _write(net: Network, weights: Sequence[Array], biases: Sequence[Array]) -> None:
    """Give the network parameters at one moment, if it has others."""
    given = *weights, *biases
    if all(map(np.array_equal, net.weights + net.biases, given)):
        return
    block = net._layout.parameter_block()
    for mine, new in zip(chain(*net._layout.views(block)), given, strict=True):
        mine[...] = new
    net._model.write(block)


def _are_held(backing: Backing) -> bool:
    """Whether somebody but the estimator may have the lists, or memory of their arrays."""
    arrays = *backing.coefs, *backing.intercepts
    plain = all(
        type(one) is np.ndarray and one.base is None and not weakref.getweakrefcount(one)
        for one in arrays
    )
    del arrays
    return not plain or _most_references(backing) > NOBODY_ELSE


def _most_references(backing: Backing) -> int:
    """To one of the lists and of their arrays; what runs here has some, too."""
    most = max(sys.getrefcount(backing.coefs), sys.getrefcount(backing.intercepts))
    for part in (backing.coefs, backing.intercepts):
        for one in part:
            most = max(most, sys.getrefcount(one))
    return most


def _references_of_nobody_else() -> int:
    estimator = {"coefs_": [np.empty(1)], "intercepts_": [np.empty(1)]}
    backing = Backing(Network([1, 1]), ())
    backing.coefs, backing.intercepts = estimator["coefs_"], estimator["intercepts_"]
    return _most_references(backing)


NOBODY_ELSE = _references_of_nobody_else()
