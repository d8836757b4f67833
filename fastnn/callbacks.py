"""What watches training and may stop it: ``Network.train(..., callbacks=[EarlyStopping()])``.

A plain function will do: ``def show(net, epoch, logs)`` is called at the end of each epoch, with
`logs` a dict of what `History` gets of it: "loss", "learning_rate", and where there are such,
"val_loss" and metrics. Training stops after the epoch if it returns True, and for nothing else: a
number, as ``file.write`` returns it, means nothing. A class of your own derives from `Callback`.

Callbacks are called in the order in which they are given, those that save the network after all
others.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastnn import _checks, _words
from fastnn._training.trainer_state import Best
from fastnn._value_object import ValueObject
from fastnn.metrics import LARGER_IS_BETTER, METRICS

if TYPE_CHECKING:
    from fastnn.history import History
    from fastnn.network import Network

__all__ = ["CSVLogger", "Callback", "EarlyStopping", "LambdaCallback", "ModelCheckpoint"]

Logs = dict[str, float]
MODES = ("auto", "min", "max")


class EpochLogs(Logs):
    """Logs that know of which metrics more is better, whatever their names."""

    def __init__(self, found: Logs, larger_is_better: frozenset[str]) -> None:
        super().__init__(found)
        self.larger_is_better = larger_is_better


class Callback:
    """What all callbacks have; override what you need.

    Attributes
    ----------
    every : int, default 1
        `on_epoch_end` is called after each `every`-th epoch of a call of `train`: with 10, after
        epochs 9, 19, 29 and so on. In between, training pays nothing for it.
    saves : bool, default False
        Of a class: it saves the network, and so is called after the others, whatever their order.
    """

    every: int = 1
    saves: ClassVar[bool] = False

    def check(self, names: Sequence[str], name: str) -> None:
        """Before training: whether what it needs will be in logs, beside "learning_rate".

        name is that of the argument, for the message of an error.
        """

    def on_train_begin(self, net: Network) -> None:
        """Before the first epoch of a call of `train`, whose arguments are good."""

    def on_epoch_end(self, net: Network, epoch: int, logs: Logs) -> bool | None:
        """After an epoch, counted from 0 in each call of `train`. True stops training."""

    def on_train_end(self, net: Network, history: History) -> None:
        """After the last epoch, however training came to its end, but for an error."""


class LambdaCallback(Callback):
    """A callback of functions.

    Parameters
    ----------
    on_epoch_end : function of (net, epoch, logs), or None
    on_train_begin : function of (net), or None
    on_train_end : function of (net, history), or None
    every : int, default 1
        See `Callback`.

    Examples
    --------
    >>> from fastnn import Network, callbacks, datasets
    >>> X, y = datasets.load_people()
    >>> net = Network([2, 2, 1], seed=0)
    >>> show = callbacks.LambdaCallback(
    ...     lambda net, epoch, logs: print(f"epoch {epoch}: {logs['loss']:.4f}"), every=500
    ... )
    >>> history = net.train(X, y, epochs=1000, learning_rate=0.1, callbacks=show)
    epoch 499: 0.0049
    epoch 999: 0.0023
    """

    @_words.explained
    def __init__(
        self,
        on_epoch_end: Callable[[Network, int, Logs], object] | None = None,
        *,
        on_train_begin: Callable[[Network], object] | None = None,
        on_train_end: Callable[[Network, History], object] | None = None,
        every: int = 1,
    ) -> None:
        self.every = _checks.integer(every, "every", 1)
        for name, function in (
            ("on_epoch_end", on_epoch_end),
            ("on_train_begin", on_train_begin),
            ("on_train_end", on_train_end),
        ):
            if function is not None:
                setattr(self, name, _checks.function(function, name))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Monitor(ValueObject, Callback):
    """What those that look for the best epoch have in common; not to be used itself.

    What it has seen stays with the network, and the next `train` with an equal one goes on with it.
    """

    monitor: str = "val_loss"
    mode: str = "auto"
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        _checks.text(self.monitor, "monitor")
        _checks.known_name(self.mode, "mode", MODES)
        object.__setattr__(
            self, "min_delta", _checks.number(self.min_delta, "min_delta", _checks.NOT_NEGATIVE)
        )

    def check(self, names: Sequence[str], name: str) -> None:
        check_monitor(self.monitor, f"{name}.monitor", names)

    def best(self, net: Network) -> Best:
        """The best epoch so far: its `value`, and how often it has looked since."""
        return net._trainer.best.setdefault(self, Best())

    def look(self, net: Network, logs: Logs) -> bool:
        """Whether this epoch is the best so far, which then it becomes."""
        value = logs[self.monitor]
        best = self.best(net)
        known = logs.larger_is_better if isinstance(logs, EpochLogs) else LARGER_IS_BETTER
        larger = self.mode == "max" or (
            self.mode == "auto" and self.monitor.removeprefix("val_") in known
        )
        if best.value is None:
            gain = math.inf
        else:
            gain = value - best.value if larger else best.value - value
        # Another object, as others may copy what is there at any time.
        if math.isnan(value) or not gain > self.min_delta:
            net._trainer.best[self] = replace(best, waited=best.waited + 1)
            return False
        net._trainer.best[self] = Best(value, 0, self.snapshot(net))
        return True

    def snapshot(self, net: Network) -> np.ndarray[Any, Any] | None:
        """The parameters, if they are kept of the best epoch."""
        return None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EarlyStopping(Monitor):
    """Stop when `monitor` has not become better for `patience` epochs, and go back to the best.

    Parameters
    ----------
    monitor : str, default "val_loss"
        What is watched: "loss", "val_loss", or a metric, such as "val_accuracy".
    patience : int, default 10
        How many epochs in a row may be no better.
    min_delta : float, default 0.0
        By how much more than this an epoch must be better than the best one, which it then becomes.
        Small gains add up until they are enough, which with `tol` of `Network.train` they do not.
    mode : {"auto", "min", "max"}, default "auto"
        Whether small or large is good; "auto" takes "max" for accuracy, f1, roc_auc and r2, by
        whatever name a mapping gives them, and for functions of these names; and else "min".
    restore_best : bool, default True
        When training ends, however it does, the network gets the parameters of the best epoch. A
        further `train` with an equal callback goes on from the last one, as if there had been one
        call; unless the callback has stopped the first, or the parameters are others by then.

    Examples
    --------
    >>> from fastnn import Network, callbacks, datasets
    >>> X, y = datasets.load_digits()
    >>> net = Network([64, 30, 10], activation=["sigmoid", "softmax"], loss="cross_entropy", seed=0)
    >>> history = net.train(
    ...     X[:1500] / 16, y[:1500], epochs=1000, learning_rate=0.1,
    ...     validation_data=(X[1500:] / 16, y[1500:]), callbacks=callbacks.EarlyStopping(),
    ... )
    >>> len(history.epoch) < 200
    True
    """

    patience: int = 10
    restore_best: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "patience", _checks.integer(self.patience, "patience", 1))
        object.__setattr__(self, "restore_best", _checks.flag(self.restore_best, "restore_best"))

    def on_epoch_end(self, net: Network, epoch: int, logs: Logs) -> bool:
        return not self.look(net, logs) and self.best(net).waited >= self.patience

    def snapshot(self, net: Network) -> np.ndarray[Any, Any] | None:
        return net._parameters.copy() if self.restore_best else None

    def on_train_end(self, net: Network, history: History) -> None:
        self.end(net, goes_on=True)

    def end(self, net: Network, goes_on: bool) -> None:
        """Go back to the best epoch; goes_on: a further training may go on from the last one."""
        trainer = net._trainer
        best = trainer.best.get(self)
        if best is None:
            return
        has_stopped = best.waited >= self.patience
        if best.parameters is not None and not np.array_equal(best.parameters, net._parameters):
            if has_stopped or not goes_on:
                trainer.last = None
            elif trainer.last is None:  # else another one has gone back from there before
                trainer.last = net._parameters.copy()
            self.restore(net)
        if has_stopped:
            del trainer.best[self]  # a further training is a new one

    def restore(self, net: Network) -> None:
        """Give the network the parameters of the best epoch so far, if they are kept."""
        parameters = self.best(net).parameters
        if parameters is not None:
            net._model.write(parameters)

    def go_on(self, net: Network) -> None:
        """Before training: from where it had come to, if `end` has gone back from there."""
        trainer = net._trainer
        best = trainer.best.get(self)
        if (
            best is not None and best.parameters is not None and trainer.last is not None
            and np.array_equal(best.parameters, net._parameters)
        ):  # fmt: skip
            net._model.write(trainer.last)
            trainer.last = None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ModelCheckpoint(Monitor):
    """Save the network while it is trained, with all that a new process needs to go on.

    Parameters
    ----------
    path : str or path-like
        Of the file. It may hold the fields of a format string, filled in from `logs` and the
        epoch: ``"epoch-{epoch:03d}-{val_loss:.4f}.npz"``. Without, one file is replaced each time.
    monitor : str or None, default None
        Save only when this is better than ever before. None: each time.
    mode, min_delta
        As for `EarlyStopping`.
    every : int, default 1
        See `Callback`.
    """

    path: str | os.PathLike[str] = field(kw_only=False)
    monitor: str | None = None  # type: ignore[assignment]
    every: int = 1

    saves: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", _checks.path(self.path, "path"))
        object.__setattr__(self, "every", _checks.integer(self.every, "every", 1))
        if self.monitor is not None:
            super().__post_init__()

    def check(self, names: Sequence[str], name: str) -> None:
        if self.monitor is not None:
            super().check(names, name)
        try:
            paths = [
                self._path(epoch, dict.fromkeys([*names, "learning_rate"], float(epoch)))
                for epoch in range(2)
            ]
        except (KeyError, IndexError, ValueError) as error:
            fields = ", ".join(["epoch", *names, "learning_rate"])
            raise ValueError(
                f"{name}.path must have no fields but {fields} in this training, and braces that "
                f"stand for themselves doubled; got {self.path!r}"
            ) from error
        if os.path.dirname(paths[0]) == os.path.dirname(paths[1]):  # else somebody may yet make it
            _checks.new_file(paths[0], f"{name}.path")

    def on_epoch_end(self, net: Network, epoch: int, logs: Logs) -> None:
        if self.monitor is None:
            net.save(self._path(epoch, logs), trainer=True)
            return
        from fastnn import _files  # which takes long to import

        path = self._path(epoch, logs)
        before, file = self.best(net), _files.identity(path)
        if self.look(net, logs):
            try:
                net.save(path, trainer=True)
            except BaseException:
                if _files.identity(path) == file:  # an epoch that is not saved does not count
                    net._trainer.best[self] = before
                raise

    def _path(self, epoch: int, logs: Logs) -> str:
        return str(self.path).format(epoch=epoch, **logs)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CSVLogger(ValueObject, Callback):
    """Write `logs` into a file, a row per epoch under a row of names.

    Parameters
    ----------
    path : str or path-like
    append : bool, default False
        Go on with a file that exists. False: a new one at the beginning of each `train`.
    every : int, default 1
        See `Callback`.
    """

    path: str | os.PathLike[str] = field(kw_only=False)
    append: bool = False
    every: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", _checks.path(self.path, "path"))
        object.__setattr__(self, "append", _checks.flag(self.append, "append"))
        object.__setattr__(self, "every", _checks.integer(self.every, "every", 1))

    def check(self, names: Sequence[str], name: str) -> None:
        _checks.new_file(os.fspath(self.path), f"{name}.path")

    def on_train_begin(self, net: Network) -> None:
        with open(self.path, "a" if self.append else "w"):
            pass

    def on_epoch_end(self, net: Network, epoch: int, logs: Logs) -> None:
        import csv  # by one callback alone

        with open(self.path, "a", newline="") as file:
            rows = csv.writer(file)
            if file.tell() == 0:
                rows.writerow(["epoch", *logs])
            rows.writerow([epoch, *logs.values()])


_words.explain_construction(EarlyStopping, ModelCheckpoint, CSVLogger)


def get(value: Any) -> list[Callback]:
    """Callbacks, which functions become, from one of them, a sequence, or None."""
    name = "callbacks"
    if value is None:
        return []
    expected = "a sequence of callbacks, such as [EarlyStopping()] of fastnn.callbacks"
    is_one = isinstance(value, Callback) or callable(value)
    found = []
    for i, one in enumerate([value] if is_one else _checks.sequence(value, name, expected)):
        if isinstance(one, type) or not (isinstance(one, Callback) or callable(one)):
            raise TypeError(
                f"{name}[{i}] must be a function, or an object of a class derived from "
                f"fastnn.callbacks.Callback, got {_checks.description(one)}"
                f"{_checks.instead_of_class(one)}"
            )
        callback = one if isinstance(one, Callback) else LambdaCallback(one)
        _checks.integer(callback.every, f"{name}[{i}].every", 1)
        # What they have seen is kept by what they are, and two that are equal would add to it.
        if type(callback) not in (EarlyStopping, ModelCheckpoint) or callback not in found:
            found.append(callback)
    return found


def check_monitor(value: str, name: str, names: Sequence[str]) -> None:
    """Whether what is monitored will be there, in a training that has these names in its logs."""
    if value in names:
        return
    measured = {*METRICS, *(one for one in names if not one.startswith("val_"))}
    possible = measured | {f"val_{one}" for one in measured}
    hint = _words.hint(value, sorted(possible))
    if value in possible:
        metric = value.removeprefix("val_")
        needed = [] if metric in names else [f"metrics=[{metric!r}]"]
        if metric != value and "val_loss" not in names:
            needed.insert(0, "validation_data=(X_valid, y_valid)")
        hint = f"; give {' and '.join(needed)} to train"
    listed = ", ".join(repr(one) for one in names)
    raise ValueError(f"{name} must be one of {listed} in this training, got {value!r}{hint}")
