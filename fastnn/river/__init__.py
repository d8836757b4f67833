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

from fastnn import _checks, optimizers
from fastnn._core.data import Data
from fastnn._core.kernels import PLAIN
from fastnn._data_checks import targets as targets_of
from fastnn._training.single_steps import SingleSteps, train_in_order
from fastnn.river import _data_checks
from fastnn.river._growing import GrowingNetwork

if TYPE_CHECKING:
    from fastnn.network import Network

__all__ = ["MLPClassifier", "MLPRegressor"]

Array = np.ndarray[Any, Any]

DTYPE = np.dtype(np.float64)
ONE = 1.0  # the weight where none is handed in: known by its identity, in less time than by value


class _StreamNetwork(base.Estimator):
    """What both classes have in common: a network that learns samples with named features."""

    hidden_layer_sizes: Any
    activation: Any
    learning_rate: Any
    optimizer: Any
    seed: Any

    def _begin(self, output_activation: str, loss: str) -> None:
        sizes, activations = _hidden_layers(self.hidden_layer_sizes, self.activation)
        self._rate()
        self._optimizer = optimizers.get(self.optimizer)
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

    def _learn_one(self, x: Any, output: Hashable, target: Any, w: Any) -> None:
        """A step on a sample. The output of a regressor is None; the target of a classifier is the
        place of the output, and None where that is new.

        A sample of weight 0 is looked at, as all that is handed in, and then there is no step.
        """
        growing, net, row = self._growing, self._growing.net, self._growing.row_of_known(x)
        if (
            w is ONE and self._is_plain
            and net is not None and row is not None and target is not None
            # As Network.update begins. What is not so plain, or refused, is looked at below.
            and net._gate.update(row, target, self.learning_rate, PLAIN) is not None
        ):  # fmt: skip
            return
        weight = _data_checks.weight(w, "w")
        if output is None:
            target = _data_checks.number(target, "y")
        if row is None:
            x = _data_checks.features(x)
        if not weight:
            return
        if net is None or target is None or (row is None and not x.keys() <= growing.inputs.keys()):
            with growing.growth(x, output) as net:
                place = growing.outputs[output]
                self._step(net, growing.row(x), place if target is None else target, weight)
        else:
            self._step(net, growing.row(x) if row is None else row, target, weight)

    def _rate(self) -> float:
        """The learning rate, which may have been changed."""
        return _checks.number(self.learning_rate, "learning_rate", _checks.positive_in(DTYPE))

    def _step(self, net: Network, row: Array, target: Any, weight: float) -> None:
        """On what is checked, but for the learning rate; with a weight above 0."""
        # A weight multiplies eta, unless their product is out of range, or the step is refused.
        if (
            self._is_plain
            and net._gate.update(row, target, self._rate() * weight, PLAIN) is not None
        ):
            return
        steps = self._steps
        if steps is None or steps.net is not net or steps.learning_rate != self.learning_rate:
            self._steps = steps = SingleSteps(net, self._optimizer, self._rate())
        steps.step(row, target, weight)

    def _learn_many(
        self, X: Any, y_name: Any, outputs: list[Any], targets: Array | None, w: Any
    ) -> None:
        """A step on each row in turn; targets are None where they are the places of outputs.

        All is looked at before the first step.
        """
        names, table = _columns(X)
        if len(outputs) != len(table):
            what = "class" if targets is None else "number"
            raise ValueError(
                f"y must have one {what} for each row of X, {len(table)}; got {len(outputs)}"
            )
        weights = _data_checks.weights(w, "w", len(table))
        if not weights.all():
            counts = np.flatnonzero(weights)
            table, weights = table[counts], weights[counts]
            outputs = [outputs[i] for i in counts]
            targets = None if targets is None else targets[counts]
        n, growing = len(table), self._growing
        first_of_new = {
            outputs.index(one) for one in dict.fromkeys(outputs) if one not in growing.outputs
        }
        for start, end in pairwise(sorted({0, *first_of_new, n})):
            with growing.growth(names, outputs[start]) as net:
                rows = growing.rows(names, table[start:end])
                of_rows = (
                    [growing.outputs[one] for one in outputs[start:end]]
                    if targets is None
                    else targets[start:end]
                )
                Y = targets_of(of_rows, "y", len(rows), net.loss, net.layer_sizes[-1], DTYPE)
                data = Data(net._model, rows, Y, weights=weights[start:end])
                self._train(net, data, 0, 1)
            self._train(net, data, 1, end - start)
        if n:
            self._y_name = y_name

    def _train(self, net: Network, data: Data, start: int, end: int) -> None:
        train_in_order(net, data, start, end, self._optimizer, self._rate())

    def _outputs_of_one(self, net: Network, x: Any) -> Array:
        row = self._growing.row_of_known(x)
        if row is None:
            row = self._growing.row(_data_checks.features(x))
        return net.feedforward(row)

    def _outputs_of_many(self, net: Network, X: Any) -> Array:
        return net.feedforward(self._growing.rows(*_columns(X)))


def _hidden_layers(sizes: Any, activation: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Units and activation of each hidden layer, of which there is at least one."""
    expected = "a sequence of integers, such as (16,)"
    listed = _checks.sequence(sizes, "hidden_layer_sizes", expected)
    if not listed:
        raise ValueError("hidden_layer_sizes must hold at least one number, as in (16,); got none")
    found = tuple(_checks.integer(n, f"hidden_layer_sizes[{i}]", 1) for i, n in enumerate(listed))
    names = _checks.activations(activation, "activation", len(found))
    for wrong in {"softmax", "step"}.intersection(names):
        raise ValueError(
            f'activation must not be "{wrong}" in a hidden layer; use for example relu'
        )
    return found, names


def _columns(X: Any) -> tuple[list[Any], Array]:
    """Names and numbers of a frame, all finite, as an array of our own."""
    try:
        frame = into_frame(X)
    except TypeError:
        raise TypeError(f"X must be a DataFrame, got {_checks.description(X)}") from None
    names = [_data_checks.feature_name(name) for name in frame.columns]
    table = None
    if frame.implementation.is_pandas_like():  # whose array tells the same, in a tenth of the time
        table = frame.to_native().to_numpy()
    if table is None or table.dtype.kind not in "biuf":
        kinds = frame.schema.values()
        if all(kind.is_numeric() or str(kind) == "Boolean" for kind in kinds):
            table = to_numpy(frame)
        else:  # what is no number is named, before times and digits become some
            numbers = [
                _data_checks.numbers(column.to_numpy(), f"X[{name!r}]", _data_checks.ENCODE)
                for name, column in zip(names, frame.iter_columns(), strict=True)
            ]
            table = np.column_stack(numbers)
    return names, _data_checks.columns(table, names)


def _series(y: Any) -> Any:
    try:
        return into_series(y)
    except TypeError:
        raise TypeError(f"y must be a Series, got {_checks.description(y)}") from None


class Probabilities(dict[Any, float]):
    """Probabilities of the classes that are known; that of any other class is 0."""

    def __missing__(self, label: Any) -> float:
        return 0.0


class MLPRegressor(_StreamNetwork, base.MiniBatchRegressor):
    """A multilayer perceptron with one output, trained by SGD on each sample as it comes.

    Features may appear and disappear: one that a sample does not have is 0, and the weights of a
    new one come from the seed and its name alone. Names are equal as they are as keys of a dict:
    1, 1.0 and True are one. Scale features first, as with ``river.preprocessing.StandardScaler``.

    The weight w of a sample multiplies its gradient, before `clip_norm` and without lambda W: for
    plain SGD it is a factor of eta. A sample of weight 0 is checked, and then it is as if it had
    not come: features that it alone has stay unknown. One that is refused changes nothing either.
    river's ``TargetStandardScaler`` and other transformers of targets hand no weights on.

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

    def learn_one(self, x: Any, y: Any, w: Any = ONE) -> None:
        """One step on a sample.

        Parameters
        ----------
        x : dict
            Numbers by the names of features.
        y : float
        w : float, default 1.0
            How much the sample counts, at least 0: its gradient is multiplied by it.

        Raises
        ------
        TypeError, ValueError
            For what is no finite number, or a negative weight; the model stays as it was.
        TrainingDivergedError
            If the loss or a parameter would not be finite; the model stays as it was.
        """
        self._learn_one(x, None, y, w)

    def learn_many(self, X: Any, y: Any, w: Any = ONE) -> None:
        """A step on each sample in turn, as `learn_one` in a loop.

        Parameters
        ----------
        X : DataFrame, (n_samples, n_features)
        y : Series, (n_samples,)
        w : float, or Series or array_like (n_samples,); default 1.0
            How much each sample counts, at least 0; by place, whatever the indices of Series are.

        Raises
        ------
        TypeError, ValueError
            For what is no finite number, a negative weight, or lengths that differ; the model stays
            as it was.
        TrainingDivergedError
            If the loss or a parameter would not be finite; of the samples before, some are learned.
        """
        series = _series(y)
        targets = _data_checks.numbers(series.to_numpy(), "y")
        self._learn_many(X, series.name, [None] * len(targets), targets, w)

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


class MLPClassifier(_StreamNetwork, base.MiniBatchClassifier):
    """A multilayer perceptron with a softmax over classes, trained by SGD on each sample.

    Features may appear and disappear: one that a sample does not have is 0, and the weights of a
    new one come from the seed and its name alone. A class is known from the first sample of it on,
    whose weights come from the seed and its name. Names and classes are equal as they are as keys
    of a dict: 1, 1.0 and True are one. The loss is cross-entropy. Scale features first, as with
    ``river.preprocessing.StandardScaler``.

    The weight w of a sample multiplies its gradient, before `clip_norm` and without lambda W: for
    plain SGD it is a factor of eta. A sample of weight 0 is checked, and then it is as if it had
    not come: features and a class that it alone has stay unknown. One that is refused changes
    nothing either.

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

    def learn_one(self, x: Any, y: Any, w: Any = ONE) -> None:
        """One step on a sample.

        Parameters
        ----------
        x : dict
            Numbers by the names of features.
        y : bool, str, int or any other key
            Its class.
        w : float, default 1.0
            How much the sample counts, at least 0: its gradient is multiplied by it.

        Raises
        ------
        TypeError, ValueError
            For what is no finite number or no class, or a negative weight; the model stays as it
            was.
        TrainingDivergedError
            If the loss or a parameter would not be finite; the model stays as it was.
        """
        label = _data_checks.label(y, "y")
        self._learn_one(x, label, self._growing.outputs.get(label), w)

    def learn_many(self, X: Any, y: Any, w: Any = ONE) -> None:
        """A step on each sample in turn, as `learn_one` in a loop.

        Parameters
        ----------
        X : DataFrame, (n_samples, n_features)
        y : Series, (n_samples,)
        w : float, or Series or array_like (n_samples,); default 1.0
            How much each sample counts, at least 0; by place, whatever the indices of Series are.

        Raises
        ------
        TypeError, ValueError
            For what is no finite number or no class, a negative weight, or lengths that differ; the
            model stays as it was.
        TrainingDivergedError
            If the loss or a parameter would not be finite; of the samples before, some are learned.
        """
        series = _series(y)
        labels = [_data_checks.label(one, "y") for one in series.to_list()]
        self._learn_many(X, series.name, labels, None, w)

    def predict_proba_one(self, x: Any, **kwargs: Any) -> dict[Any, float]:
        """The probability of each class that is known; none before the first.

        Parameters
        ----------
        x : dict
            Numbers by the names of features.

        Returns
        -------
        dict
            Of the classes that are known; asked for another one, it gives 0.
        """
        return Probabilities(zip(self._growing.outputs, self._probabilities(x), strict=True))

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

        Raises
        ------
        ValueError
            If that text is the same for two classes, such as 1 and "1".
        """
        net, outputs = self._growing.net, self._growing.outputs
        columns = {}
        if net is not None:
            columns = dict(zip(outputs, self._outputs_of_many(net, X).T, strict=True))
        frame = to_native_frame(columns, like=into_frame(X))
        if len(into_frame(frame).columns) < len(outputs):
            raise ValueError(
                f"the classes {_checks.description(list(outputs))} must differ as text to name the "
                "columns of such a frame; use a pandas.DataFrame, or predict_proba_one"
            )
        return frame

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
