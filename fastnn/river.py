"""Neural networks for river: MLPClassifier and MLPRegressor, which learn sample by sample."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from river import base
from river.utils.dataframe import (
    into_frame,
    into_series,
    to_native_frame,
    to_native_series,
    to_numpy,
)

from fastnn import _checks, _data_checks
from fastnn.growing import GrowingNetwork
from fastnn.optimizers import OPTIMIZERS
from fastnn.single_steps import SingleSteps

if TYPE_CHECKING:
    from fastnn.network import Network

Array = np.ndarray[Any, Any]

DTYPE = np.dtype(np.float64)


class _OnlineNetwork(base.Estimator):
    """What both classes have in common: a network that learns samples with named features."""

    hidden_layer_sizes: Any
    activation: Any
    learning_rate: Any
    optimizer: Any
    seed: Any

    def _begin(self, output_activation: str, loss: str) -> None:
        sizes, activations = _checks.hidden_layers(self.hidden_layer_sizes, self.activation)
        _checks.positive_number(self.learning_rate, "learning_rate", DTYPE)
        self._optimizer = _checks.optimizer(self.optimizer, "optimizer", OPTIMIZERS)
        # Network.update then does the same, with less around it.
        self._is_plain = self._optimizer.is_plain and not self._optimizer.l2
        seed = int(_checks.generator(self.seed, "seed").integers(2**63))
        self._growing = GrowingNetwork(sizes, (*activations, output_activation), loss, DTYPE, seed)
        self._steps: SingleSteps | None = None
        self._y_name: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_steps": None}

    @property
    def _mutable_attributes(self) -> set[str]:
        return {"learning_rate"}

    def _grown_for(self, x: Any, output: Hashable) -> tuple[Network, Array]:
        """The network with all features of x and the output, and its inputs for x."""
        growing, net, row = self._growing, self._growing.net, self._growing.row_of_known(x)
        if row is None or net is None or output not in growing.outputs:
            x = _data_checks.features(x, DTYPE)
            net = growing.grow(x, output)
            row = growing.row(x)
        return net, row

    def _learn(self, net: Network, row: Array, target: Any) -> None:
        """One step on checked inputs."""
        if self._is_plain:
            net.update(row, target, self.learning_rate)
            return
        steps = self._steps
        if steps is None or steps.net is not net or steps.learning_rate != self.learning_rate:
            rate = _checks.positive_number(self.learning_rate, "learning_rate", DTYPE)
            self._steps = steps = SingleSteps(net, self._optimizer, rate)
        if net.loss != "cross_entropy":
            target = _data_checks.target_of_one(target, "y", net.loss, 1, DTYPE)
        steps.step(row, target)

    def _train(self, net: Network, rows: Array, targets: Any) -> None:
        """A step on each row, with the same bits however many there are."""
        n = len(rows)
        at_once = 1 if self._optimizer.l2 else n  # L2 is rounded at the ends of blocks of samples
        for start in range(0, n, at_once):
            samples = slice(start, start + at_once)
            net.train(
                rows[samples], targets[samples], epochs=1, learning_rate=self.learning_rate,
                optimizer=self._optimizer, shuffle=False, form="direct",
            )  # fmt: skip

    def _outputs_of_one(self, net: Network, x: Any) -> Array:
        row = self._growing.row_of_known(x)
        if row is None:
            row = self._growing.row(_data_checks.features(x, DTYPE))
        return net.feedforward(row)

    def _outputs_of_many(self, net: Network, X: Any) -> Array:
        return net.feedforward(self._growing.rows(*_columns(X)))


def _columns(X: Any) -> tuple[list[Any], Array]:
    """Names and numbers of a frame."""
    frame = into_frame(X)
    return frame.columns, _data_checks.columns(to_numpy(frame), frame.columns, DTYPE)


class MLPRegressor(_OnlineNetwork, base.MiniBatchRegressor):
    """A multilayer perceptron with one output, trained by SGD on each sample as it comes.

    Features may appear and disappear: one that a sample does not have is 0, and the weights of a
    new one come from the seed and its name alone. Scale them first, as with
    ``river.preprocessing.StandardScaler``.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default (16,)
        The number of units of each hidden layer, of which there is at least one.
    activation : str or sequence of str, default "tanh"
        Of the hidden layers, one for all or one for each; as in `fastnn.Network`. One that has
        bounds, such as tanh, survives a feature that is not scaled.
    loss : {"mse", "mae", "huber"}, default "mse"
        As in `fastnn.Network`.
    learning_rate : float, default 0.01
        eta, positive; may be changed between samples.
    optimizer : str or fastnn.optimizers.Optimizer, default "sgd"
        sgd, momentum, nesterov, adam, adamw, rmsprop or adagrad, with their defaults; or an object
        of `fastnn.optimizers`.
    seed : int or None, default None
        Of the initial parameters. None: different each time.

    Examples
    --------
    >>> from fastnn.river import MLPRegressor
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> net = MLPRegressor(learning_rate=0.03, seed=1)
    >>> model = preprocessing.StandardScaler() | preprocessing.TargetStandardScaler(net)
    >>> evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    MAE: 0.26918
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (16,),
        activation: Any = "tanh",
        loss: str = "mse",
        learning_rate: float = 0.01,
        optimizer: Any = "sgd",
        seed: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = _checks.known_name(loss, "loss", ("mse", "mae", "huber"))
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.seed = seed
        self._begin("identity", loss)

    def learn_one(self, x: Any, y: Any) -> None:
        """One step on a sample.

        Parameters
        ----------
        x : dict
            Numbers by the names of features.
        y : float
        """
        net, row = self._grown_for(x, None)
        self._learn(net, row, y)

    def learn_many(self, X: Any, y: Any) -> None:
        """A step on each sample in turn, as `learn_one` in a loop.

        Parameters
        ----------
        X : DataFrame, (n_samples, n_features)
        y : Series, (n_samples,)
        """
        names, numbers = _columns(X)
        targets = into_series(y)
        self._y_name = targets.name
        if len(numbers):
            net = self._growing.grow(names, None)
            self._train(net, self._growing.rows(names, numbers), targets.to_numpy())

    def predict_one(self, x: Any) -> float:
        """The output for a sample; 0 before the first that is learned.

        Parameters
        ----------
        x : dict
            Numbers by the names of features.
        """
        net = self._growing.net
        return self._outputs_of_one(net, x).item() if net else 0.0

    def predict_many(self, X: Any) -> Any:
        """The outputs for samples.

        Parameters
        ----------
        X : DataFrame, (n_samples, n_features)

        Returns
        -------
        Series, (n_samples,), of X's kind
        """
        net = self._growing.net
        values = self._outputs_of_many(net, X)[:, 0] if net else np.zeros(len(X))
        return to_native_series(values, name=self._y_name, like=into_frame(X))


class MLPClassifier(_OnlineNetwork, base.MiniBatchClassifier):
    """A multilayer perceptron with a softmax over classes, trained by SGD on each sample.

    Features may appear and disappear: one that a sample does not have is 0, and the weights of a
    new one come from the seed and its name alone. A class is known from the first sample of it on,
    whose weights come from the seed and its name. The loss is cross-entropy. Scale features first,
    as with ``river.preprocessing.StandardScaler``.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default (16,)
        The number of units of each hidden layer, of which there is at least one.
    activation : str or sequence of str, default "tanh"
        Of the hidden layers, one for all or one for each; as in `fastnn.Network`. One that has
        bounds, such as tanh, survives a feature that is not scaled.
    learning_rate : float, default 0.01
        eta, positive; may be changed between samples.
    optimizer : str or fastnn.optimizers.Optimizer, default "sgd"
        sgd, momentum, nesterov, adam, adamw, rmsprop or adagrad, with their defaults; or an object
        of `fastnn.optimizers`.
    seed : int or None, default None
        Of the initial parameters. None: different each time.

    Examples
    --------
    >>> from fastnn.river import MLPClassifier
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> model = preprocessing.StandardScaler() | MLPClassifier(learning_rate=0.03, seed=1)
    >>> evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    Accuracy: 89.43%
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (16,),
        activation: Any = "tanh",
        learning_rate: float = 0.01,
        optimizer: Any = "sgd",
        seed: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.seed = seed
        self._begin("softmax", "cross_entropy")

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: Any, y: Any) -> None:
        """One step on a sample.

        Parameters
        ----------
        x : dict
            Numbers by the names of features.
        y : bool, str, int or any other key
            Its class.
        """
        label = _data_checks.label(y, "y")
        net, row = self._grown_for(x, label)
        self._learn(net, row, self._growing.outputs[label])

    def learn_many(self, X: Any, y: Any) -> None:
        """A step on each sample in turn, as `learn_one` in a loop.

        Parameters
        ----------
        X : DataFrame, (n_samples, n_features)
        y : Series, (n_samples,)
        """
        names, numbers = _columns(X)
        series = into_series(y)
        self._y_name = series.name
        labels = [_data_checks.label(one, "y") for one in series.to_list()]
        if len(labels) != len(numbers):
            raise ValueError(
                f"y must have one class for each row of X, {len(numbers)}; got {len(labels)}"
            )
        growing = self._growing
        first_of_new = {
            labels.index(one) for one in dict.fromkeys(labels) if one not in growing.outputs
        }
        for start, end in pairwise(sorted({0, *first_of_new, len(labels)})):
            net = growing.grow(names, labels[start])
            places = [growing.outputs[one] for one in labels[start:end]]
            self._train(net, growing.rows(names, numbers[start:end]), places)

    def predict_proba_one(self, x: Any, **kwargs: Any) -> dict[Any, float]:
        """The probability of each class that is known; none before the first.

        Parameters
        ----------
        x : dict
            Numbers by the names of features.
        """
        return dict(zip(self._growing.outputs, self._probabilities(x), strict=True))

    def predict_one(self, x: Any, **kwargs: Any) -> Any:
        """The most probable class; None before the first is known.

        Parameters
        ----------
        x : dict
            Numbers by the names of features.
        """
        # As river's own, which makes a dict first: two thirds of the time.
        p = self._probabilities(x)
        return list(self._growing.outputs)[p.index(max(p))] if p else None

    def _probabilities(self, x: Any) -> list[float]:
        net = self._growing.net
        return self._outputs_of_one(net, x).tolist() if net else []

    def predict_proba_many(self, X: Any) -> Any:
        """The probabilities of classes for samples.

        Parameters
        ----------
        X : DataFrame, (n_samples, n_features)

        Returns
        -------
        DataFrame, (n_samples, n_classes), of X's kind
            Names of columns are classes, as text where frames cannot have others.
        """
        net = self._growing.net
        columns = {}
        if net is not None:
            p = self._outputs_of_many(net, X).T
            columns = dict(zip(self._growing.outputs, p, strict=True))
        return to_native_frame(columns, like=into_frame(X))

    def predict_many(self, X: Any) -> Any:
        """The most probable class of each sample; None before the first is known.

        Parameters
        ----------
        X : DataFrame, (n_samples, n_features)

        Returns
        -------
        Series, (n_samples,), of X's kind
        """
        net = self._growing.net
        values: list[Any] = [None] * len(X)
        if net is not None:
            labels = list(self._growing.outputs)
            values = [labels[k] for k in self._outputs_of_many(net, X).argmax(axis=1)]
        return to_native_series(values, name=self._y_name, like=into_frame(X))
