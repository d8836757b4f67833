"""What happens between epochs: validation, metrics, callbacks.

Training stops for nothing else; `tol` ends it in the kernel.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from fastnn._once import once
from fastnn.callbacks import EarlyStopping, EpochLogs, Monitor
from fastnn.metrics import LARGER_IS_BETTER, evaluated, threshold_of

if TYPE_CHECKING:
    from fastnn._core.data import Data
    from fastnn.callbacks import Callback
    from fastnn.history import History, Lap
    from fastnn.metrics import Metric
    from fastnn.network import Network

EMPTY: Mapping[str, float] = MappingProxyType({})


@dataclass(eq=False, repr=False)
class Watch:
    """Looks at a network after some or all of its epochs."""

    net: Network
    data: Data
    validation: Data | None = None
    metrics: dict[str, str | Metric] = field(default_factory=dict)
    callbacks: Sequence[Callback] = ()

    def __post_init__(self) -> None:
        self.callbacks = sorted(
            self.callbacks,  # those that save each time save what the others have seen
            key=lambda one: (one.saves, one.saves and getattr(one, "monitor", None) is None),
        )
        self.early_stopping = [one for one in self.callbacks if isinstance(one, EarlyStopping)]
        self.columns: dict[str, list[float]] = {name: [] for name in self.names()}
        # What validation is measured by is that of the training data.
        self.threshold = threshold_of(self.data) if self.metrics else None

    @once
    def larger_is_better(self) -> frozenset[str]:
        """Names of metrics."""
        return frozenset(
            name
            for name, metric in self.metrics.items()
            if (metric if isinstance(metric, str) else name) in LARGER_IS_BETTER
        )

    def names(self) -> list[str]:
        """What is found out about an epoch beside its loss and its learning rate."""
        if self.validation is None:
            return list(self.metrics)
        return [*self.metrics, "val_loss", *(f"val_{name}" for name in self.metrics)]

    def begin(self, trains: bool = True, anew: bool = False) -> None:
        """trains: there is at least one epoch to come. anew: what was the best one is of no use."""
        trainer = self.net._trainer
        if trains:
            for callback in self.early_stopping:
                callback.go_on(self.net)
            trainer.last = None
        monitors = [callback for callback in self.callbacks if isinstance(callback, Monitor)]
        if anew:
            trainer.best = {}
        elif monitors and trains:
            best = trainer.best
            trainer.best = {one: best[one] for one in monitors if one in best}
        for one in self.callbacks:
            one.on_train_begin(self.net)

    def epochs_until_look(self, done: int) -> int:
        """How many epochs may run, after `done` of them, before somebody wants to look."""
        if self.columns:
            return 1
        waits = [callback.every - done % callback.every for callback in self.callbacks]
        return min(waits, default=sys.maxsize)

    def look(self, done: int, lap: Lap, more: Mapping[str, float] = EMPTY) -> bool:
        """After `done` epochs, the last of which end the lap: whether training is to stop.

        more: what else is known of that epoch, for callbacks.
        """
        callbacks = [callback for callback in self.callbacks if done % callback.every == 0]
        if not callbacks and not self.columns:
            return False
        found = {"loss": lap.losses[-1].item()}
        if self.metrics:
            found = evaluated(self.data, self.metrics, self.threshold) | found
        if self.validation is not None:
            measured = evaluated(self.validation, self.metrics, self.threshold)
            found |= {f"val_{name}": value for name, value in measured.items()}
        for name, column in self.columns.items():
            column.append(found[name])
        found |= {**more, "learning_rate": lap.rates[-1].item()}
        stops = False
        for callback in callbacks:
            answer = callback.on_epoch_end(
                self.net, done - 1, EpochLogs(found, self.larger_is_better)
            )
            stops |= isinstance(answer, bool | np.bool_) and bool(answer)
        return stops

    def break_off(self, diverges: bool) -> None:
        """After an error, which may be Ctrl-C: where training diverges, it would do so again."""
        for callback in self.early_stopping:
            callback.end(self.net, goes_on=not diverges)

    def end(self, history: History) -> None:
        best = self.net._trainer.best
        has_stopped = any(
            one in best and best[one].waited >= one.patience for one in self.early_stopping
        )
        for callback in self.callbacks:
            if history.epoch or not isinstance(callback, EarlyStopping):  # no epoch does nothing
                callback.on_train_end(self.net, history)
        if has_stopped:
            self.net._trainer.last = None  # where another one has gone back from, too
