"""Many networks at once: ``fastnn.train_many``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks, _data_checks, _words, threads
from fastnn._rows import Rows, targets
from fastnn._training import together
from fastnn._training.bar import bar
from fastnn.callbacks import CSVLogger, ModelCheckpoint
from fastnn.callbacks import get as get_callbacks
from fastnn.exceptions import TrainingDivergedError
from fastnn.network import Network, compares_losses

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy.typing import ArrayLike

    from fastnn._core.model import Model
    from fastnn._core.samples import Sparse
    from fastnn._training.loop import Training
    from fastnn.history import History

    Array: TypeAlias = np.ndarray[Any, Any]

__all__ = ["train_many"]

# What is one value where it is a list, of which each network has one in a list of them.
LISTS = {
    "callbacks": (list, tuple),
    "metrics": (list, tuple, Mapping),
    "validation_data": (list, tuple),
}
WRITERS = (CSVLogger, ModelCheckpoint)  # of files


@_words.explained
def train_many(
    networks: Sequence[Network],
    X: ArrayLike | Sparse,
    y: Any,
    *,
    epochs: int | list[int],
    learning_rate: Any,
    batch_size: int | list[int] = 1,
    shuffle: bool | list[bool] = True,
    tol: float | list[float | None] | None = None,
    patience: int | list[int] = 10,
    optimizer: Any = "sgd",
    sample_weight: Any = None,
    class_weight: Any = None,
    validation_data: Any = None,
    metrics: Any = None,
    callbacks: Any = None,
    same_task: bool | list[bool] = False,
    progress: bool = False,
    form: str | list[str] = "auto",
    samples: Any = None,
    n_threads: int | None = None,
    on_divergence: str = "raise",
) -> list[History]:
    """Train several networks at once, each as its own `train` would, bit for bit.

    Small networks of the same sizes, activations, loss and dtype that learn sample by sample go
    side by side in the lanes of vectors, which is several times as fast as one after the other;
    others share the threads. Whoever else is in the list, in whatever order, changes nothing.

    Parameters
    ----------
    networks : sequence of Network
        Each network once.
    X : array_like, table or scipy.sparse array, (n, n_inputs)
        For all networks.
    y : as for `Network.train`, or a list of one for each network
        A list is always one of each network: for all of them give an array.
    epochs, learning_rate, batch_size, shuffle, tol, patience, optimizer, sample_weight, \
class_weight, validation_data, metrics, callbacks, same_task, form
        As for `Network.train`, for all networks; or a list with one for each. Of callbacks, metrics
        and validation_data, for which a list is one value already, a list of lists.
    progress : bool, default False
        Show a bar of the epochs of all networks, with the mean of their losses.
    samples : array_like of int or bool, list of them, or None; default None
        The rows of X, and of y and sample_weight, that a network learns, such as a fold or a
        bootstrap: an array for all networks, or a list with one for each. None: all rows.
    n_threads : int or None, default None
        How many threads share the networks. None: what `fastnn.threads` says, and else all cores
        that this process may use.
    on_divergence : {"raise", "return"}, default "raise"
        What becomes of networks whose loss or parameters stop being finite. The others train to
        their end in any case. "return": the history of such a network ends before.

    Returns
    -------
    list of History
        One for each network, as `Network.train` returns it.

    Raises
    ------
    TypeError, ValueError
        For bad data or settings, and a network that is there twice, before any network has changed.
        A note says for which of the networks.
    TrainingDivergedError
        After all networks have ended, if some have diverged: its `networks` are their places in the
        list, its `histories` what would have been returned.
    RuntimeError
        If a network is being trained elsewhere.

    Examples
    --------
    >>> from fastnn import Network, datasets, train_many
    >>> X, y = datasets.load_people()
    >>> nets = [Network([2, 2, 1], seed=seed) for seed in range(8)]
    >>> histories = train_many(nets, X, y, epochs=1000, learning_rate=[0.1, 0.2] * 4)
    >>> len(histories), len(histories[0].epoch)
    (8, 1000)
    """
    nets = _networks(networks)
    settings = {
        "y": y, "epochs": epochs, "learning_rate": learning_rate, "batch_size": batch_size,
        "shuffle": shuffle, "tol": tol, "patience": patience, "optimizer": optimizer,
        "sample_weight": sample_weight, "class_weight": class_weight,
        "validation_data": validation_data, "metrics": metrics, "callbacks": callbacks,
        "same_task": same_task, "form": form, "samples": samples,
    }  # fmt: skip
    each = {name: _of_each(value, name, len(nets)) for name, value in settings.items()}
    wanted = threads.get(n_threads, "n_threads")
    progress = _checks.flag(progress, "progress")
    _checks.known_name(on_divergence, "on_divergence", ("raise", "return"))
    data = _Data(X, nets)
    trainings = []
    for i, net in enumerate(nets):
        try:
            trainings.append(_training(net, data, {name: of[i] for name, of in each.items()}))
        except (TypeError, ValueError) as error:
            if i or any(one is not of[0] for of in each.values() for one in of):
                error.add_note(f"This is for networks[{i}]; a list has one value for each network.")
            raise
    _refuse_same_files(trainings)
    for net in nets:
        with net._model.turn(trains=True):  # which is refused where it has one elsewhere
            pass
    names = [f"networks[{i}]" for i in range(len(nets))]
    with bar(sum(one.settings.epochs for one in trainings), progress) as shown:
        found, errors = together.train([one.laps for one in trainings], names, wanted, shown)
    histories = [errors[i].history if i in errors else found[i] for i in range(len(nets))]
    if errors and on_divergence == "raise":
        raise _divergence(errors, histories)
    return histories


def _networks(networks: Any) -> list[Network]:
    nets = _checks.sequence(networks, "networks", "a list of networks")
    for i, net in enumerate(nets):
        if not isinstance(net, Network):
            raise TypeError(
                f"networks[{i}] must be a fastnn.Network, got {_checks.description(net)}"
            )
    _checks.each_once(nets, "networks", "copy()")
    return nets


def _of_each(value: Any, name: str, n: int) -> list[Any]:
    """A value for each network, of one for all or a list of them."""
    lists = LISTS.get(name)
    is_one = not isinstance(value, list) or (
        lists is not None
        and not (value and all(one is None or isinstance(one, lists) for one in value))
    )
    if is_one and lists is not None and isinstance(value, list) and len(value) == n > 1:
        raise ValueError(
            f"{name} could be for all networks, or one for each of the {n}: give a tuple for all, "
            f"or a list of {n} lists with what each has"
        )
    if is_one:
        return [value] * n
    if len(value) != n:
        one = "; an array is for all" if name in ("y", "sample_weight", "samples") else ""
        if name == "validation_data":
            one = "; a tuple (X, y) is for all"
        raise ValueError(
            f"{name} must be for all networks, or a list with one for each of the {n}, got a list "
            f"of {len(value)}{one}"
        )
    return list(value)


class _Data:
    """X and y, each checked once for all networks that can share them."""

    def __init__(self, X: Any, nets: list[Network]) -> None:
        self.X, self.nets = _data_checks.given(X, "X"), nets
        self.rows: dict[Any, Rows] = {}
        self.targets: dict[Any, Array] = {}

    def rows_of(self, model: Model, compares: bool, places: Array | None = None) -> Rows:
        """For this network; those in these places."""
        key = model.layer_sizes[0], model.layout.dtype, compares
        if key not in self.rows:
            found = Rows.checked(self.X, model, compares)
            self.rows[key] = found._replace(rows=self._apart(found.rows))
        every = self.rows[key]
        if places is None:
            return every
        of_places = *key, places.tobytes()
        if of_places not in self.rows:
            self.rows[of_places] = every.take(places, model, compares)
        return self.rows[of_places]

    def targets_of(self, model: Model, y: Any, n: int, places: Array | None) -> Array:
        """Of n rows, those in these places, for this network."""
        key = id(y), model.layer_sizes[-1], model.loss, model.layout.dtype
        if key not in self.targets:
            self.targets[key] = self._apart(targets(model, y, n, "y"))
        every = self.targets[key]
        if places is None:
            return every
        of_places = *key, places.tobytes()
        if of_places not in self.targets:
            self.targets[of_places] = every[places]
        return self.targets[of_places]

    def _apart(self, rows: Any) -> Any:
        """Not the parameters of networks, which change while others learn."""
        for net in self.nets:
            rows = _data_checks.apart(rows, net._parameters)
        return rows


def _training(net: Network, data: _Data, settings: dict[str, Any]) -> Training:
    model, callbacks = net._model, get_callbacks(settings.pop("callbacks"))
    compares = compares_losses(settings["tol"], callbacks)
    rows, places = data.rows_of(model, compares), None
    n, samples, weight = len(rows.rows), settings.pop("samples"), settings["sample_weight"]
    if samples is not None:
        places = _data_checks.row_numbers(samples, "samples", n)
        rows = data.rows_of(model, compares, places)
        if weight is not None:
            settings["sample_weight"] = _data_checks.picked(weight, "sample_weight", places, n)
    Y = data.targets_of(model, settings.pop("y"), n, places)
    return net._training(rows, Y, **settings, callbacks=callbacks, n_threads=1)


def _refuse_same_files(trainings: list[Training]) -> None:
    """Which callbacks of two networks would write."""
    writers: dict[Any, int] = {}
    for i, training in enumerate(trainings):
        for path in {one.path for one in training.watch.callbacks if isinstance(one, WRITERS)}:
            first = writers.setdefault(path, i)
            if first != i:
                raise ValueError(
                    "callbacks must write a file of its own for each network, but those of "
                    f"networks[{first}] and networks[{i}] have the same path, {path!r}: give a "
                    'list of lists, such as [[ModelCheckpoint(f"{i}.npz")] for i in range(8)]'
                )


def _divergence(
    errors: Mapping[int, TrainingDivergedError], histories: list[History]
) -> TrainingDivergedError:
    first = min(errors)
    found = TrainingDivergedError(
        f"{len(errors)} of {len(histories)} networks diverged, networks[{first}] first: "
        f"{errors[first]}"
    )
    found.networks, found.histories = tuple(sorted(errors)), histories
    found.history = histories[first]
    return found
