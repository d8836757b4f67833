"""Standardizers as part of a network: methods of `Network`.

z = (x - m)/s W + b is x (W/s) + (b - m/s W): so the network that takes inputs as they are is an
ordinary one, with other parameters in its first layer, and for targets in its last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from fastnn import _checks, _words
from fastnn.preprocessing import Standardizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastnn._core.model import Model
    from fastnn.export._exported import Exported, Scaling

    Array = np.ndarray[Any, Any]

MOST_LOST = 1e-3  # of a standard deviation, by the rounding of inputs as they are


class Standardizers(NamedTuple):
    """Those that a network has in its parameters; nobody else has these objects."""

    inputs: Standardizer | None
    targets: Standardizer | None

    @classmethod
    def checked(cls, given: Any, layer_sizes: Sequence[int]) -> Standardizers | None:
        """Copies of a pair like this, or None; they must fit a network of these sizes."""
        if given is None:
            return None
        found = _checks.sequence(given, "standardizers", "None, or one of inputs and of targets")
        if len(found) != 2 or all(one is None for one in found):
            raise ValueError(
                "standardizers must be None, or one of inputs and one of targets, of which one may "
                f"be None, got {_checks.description(given)}"
            )
        inputs, targets = (
            one if one is None else _fitting(one, *place)
            for one, place in zip(
                found,
                (("standardizer", layer_sizes[0], "input"), ("targets", layer_sizes[-1], "output")),
                strict=True,
            )
        )
        return cls(inputs, targets)

    def scaling(self) -> Scaling | None:
        """What that of inputs does to them."""
        from fastnn.export._exported import Scaling

        if self.inputs is None:
            return None
        mean, scale = _exact(self.inputs)
        return Scaling(1 / scale, -mean / scale)


class Standardizable:
    """A network that can have standardizers in its parameters."""

    _model: Model

    if TYPE_CHECKING:

        def _exported(self) -> Exported: ...
        def _with(
            self,
            weights: Sequence[Array],
            biases: Sequence[Array],
            standardizers: Standardizers | None,
        ) -> Self: ...

    @property
    def standardizer(self) -> Standardizer | None:
        """A copy of that which `with_standardizer` has made part of the network; or None."""
        return _copy(self._model.standardizers, 0)

    @property
    def target_standardizer(self) -> Standardizer | None:
        """A copy of that of targets which is part of the network; or None."""
        return _copy(self._model.standardizers, 1)

    @_words.explained
    def with_standardizer(
        self, standardizer: Standardizer | None, *, targets: Standardizer | None = None
    ) -> Self:
        """The network that takes inputs as they are, and for a regression gives targets so.

        For one that was trained on what `Standardizer.transform` gives. It is an ordinary network,
        as fast and as easily exported as any: W of its first layer is W / scale, and b is
        b - (mean / scale) W; for targets, W of the last layer is W scale, and b is b scale + mean.
        So it gives what this one gives for standardized inputs, to rounding. It keeps copies of the
        standardizers, in copies, pickles and files too.

        It cannot be trained, as inputs that are not standardized are what would go wrong: train
        this one, or what `without_standardizer` gives.

        Parameters
        ----------
        standardizer : Standardizer or None
            Fitted to the inputs, of as many columns.
        targets : Standardizer or None, default None
            Fitted to the targets; the output layer must be "identity".

        Returns
        -------
        Network
            A new one, of the same dtype. `feature_names` are those of this network, or else of the
            standardizer.

        Raises
        ------
        TypeError, ValueError
            For standardizers that are not fitted, or do not fit the network; if it has some
            already; and if parameters would not be finite in its dtype, or inputs as they are
            not be exact enough in it, because their mean is so much larger than their scale.

        Examples
        --------
        >>> from fastnn import Network, datasets
        >>> from fastnn.preprocessing import Standardizer
        >>> X, y = datasets.load_people()
        >>> scaler = Standardizer().fit(X)
        >>> net = Network([2, 2, 1], seed=0)
        >>> history = net.train(scaler.transform(X), y, epochs=1000, learning_rate=0.1)
        >>> whole = net.with_standardizer(scaler)
        >>> whole.feedforward(X).round(6) == net.feedforward(scaler.transform(X)).round(6)
        array([[ True],
               [ True],
               [ True],
               [ True]])
        """
        if standardizer is None and targets is None:
            raise ValueError("standardizer must be a Standardizer where targets has none, got None")
        model = self._model
        if model.standardizers is not None:
            raise ValueError(
                "the network has a standardizer already; use net.without_standardizer() first"
            )
        found = Standardizers.checked((standardizer, targets), model.layer_sizes)
        assert found is not None
        if targets is not None and model.activations[-1] != "identity":
            raise ValueError(
                'targets can be standardized where the output layer is "identity", and here it is '
                f'"{model.activations[-1]}"; leave targets out'
            )
        names = model.feature_names, standardizer and standardizer.feature_names
        if all(names) and names[0] != names[1]:
            raise ValueError(
                "standardizer must have the columns that the network was trained on, in their "
                f"order, {_checks.description(names[0])}, got {_checks.description(names[1])}"
            )
        self._check_exactness(found)
        from fastnn.export import _models
        from fastnn.export._exported import Scaling

        exported = self._exported()
        scaling = found.scaling()
        if scaling is not None:
            exported = _models.folded(exported, scaling)
        if found.targets is not None:
            mean, scale = _exact(found.targets)
            exported = _models.with_targets(exported, Scaling(scale, mean))
        return self._with(exported.weights, exported.biases, found)

    def without_standardizer(self) -> Self:
        """The network on standardized inputs and targets: what can be trained on.

        Its parameters are those that `with_standardizer` was called on, to rounding, if nobody has
        written others since.

        Returns
        -------
        Network
            A new one, without the state of a trainer.

        Raises
        ------
        ValueError
            If the network has no standardizer.

        Examples
        --------
        >>> from fastnn import Network, datasets
        >>> from fastnn.preprocessing import Standardizer
        >>> X, y = datasets.load_people()
        >>> whole = Network([2, 2, 1], seed=0).with_standardizer(Standardizer().fit(X))
        >>> net, scaler = whole.without_standardizer(), whole.standardizer
        >>> history = net.train(scaler.transform(X), y, epochs=1000, learning_rate=0.1)
        >>> net.with_standardizer(scaler).feedforward([-2, -1]).round()
        array([1.])
        """
        found = self._model.standardizers
        if found is None:
            raise ValueError("the network has no standardizer")
        from fastnn.export import _models
        from fastnn.export._exported import Scaling

        exported = self._exported()
        if exported.scaling is not None:
            exported = _models.unfolded(exported)
        if found.targets is not None:
            mean, scale = _exact(found.targets)
            exported = _models.with_targets(exported, Scaling(1 / scale, -mean / scale))
        return self._with(exported.weights, exported.biases, None)

    def _check_exactness(self, found: Standardizers) -> None:
        """Inputs whose mean is so much larger than their scale are lost where they are rounded."""
        dtype = self._model.layout.dtype
        if found.inputs is None:
            return
        lost = too_few_digits(
            *found.inputs._fitted(), dtype, "the standardizer", found.inputs.feature_names
        )
        if lost is not None:
            other = "a network of float64, or " if dtype == np.float32 else ""
            raise ValueError(f"{lost}; use {other}another origin for that column, such as its mean")


def too_few_digits(
    mean: Array, scale: Array, dtype: np.dtype[Any], of: str, names: Sequence[str] | None
) -> str | None:
    """Which column the rounding of inputs as they are spoils most, in words; None if it does not.

    A column's numbers are rounded by so much of their mean, which must be little of their scale.
    """
    lost = np.abs(mean) / scale * np.finfo(dtype).eps
    if not (lost > MOST_LOST).any():
        return None
    j = int(lost.argmax())
    column = j if names is None else repr(names[j])
    return (
        f"column {column} of {of} has mean {float(mean[j]):.6g} and scale {float(scale[j]):.3g}, "
        f"of which {dtype} keeps too few digits"
    )


def _copy(found: Standardizers | None, place: int) -> Standardizer | None:
    one = None if found is None else found[place]
    return None if one is None else one._copy()


def _fitting(one: Any, name: str, n: int, of: str) -> Standardizer:
    if not isinstance(one, Standardizer):
        raise TypeError(
            f"{name} must be a fitted fastnn.preprocessing.Standardizer or None, got "
            f"{_checks.description(one)}{_hint(one)}"
        )
    copy = one._copy()
    n_columns = len(copy._fitted()[0])
    if n_columns != n:
        raise ValueError(
            f"{name} must have {n} column{_checks.plural(n)}, one for each {of} of the network, "
            f"got {n_columns}"
        )
    return copy


def _hint(one: Any) -> str:
    if isinstance(one, type):
        return _checks.instead_of_class(one)
    if hasattr(one, "mean_") and hasattr(one, "scale_"):
        return "; use Standardizer.from_parameters(scaler.mean_, scaler.scale_)"
    return ""


def _exact(one: Standardizer) -> tuple[Array, Array]:
    mean, scale = one._fitted()
    return mean.astype(np.longdouble), scale.astype(np.longdouble)
