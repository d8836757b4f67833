"""Callbacks: when they are called, that they change no bit, and what the ready-made ones do."""

import contextlib
import csv
import itertools
import math
import os
import pickle
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import bits, parameters

from fastnn import History, Network
from fastnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
)
from fastnn.exceptions import TrainingDivergedError
from fastnn.schedules import ExponentialDecay

pytestmark = pytest.mark.unwatched

NETWORKS = {
    "tiny": {"layer_sizes": [2, 2, 1], "activation": "tanh"},
    "digits": {
        "layer_sizes": [64, 30, 10],
        "activation": ["sigmoid", "softmax"],
        "loss": "cross_entropy",
    },
}
OPTIONS = {"epochs": 6, "learning_rate": 0.1}
every_network = pytest.mark.parametrize("name", NETWORKS)
every_batch_size = pytest.mark.parametrize("batch_size", [1, 16])
every_shuffle = pytest.mark.parametrize("shuffle", [True, False])


def make(name="tiny", n=40):
    """A network, data to train on, and others that it learns nothing about from these."""
    net = Network(**NETWORKS[name], seed=0)
    rng = np.random.default_rng(1)
    data = []
    for _ in range(2):
        X = rng.normal(size=(n, net.layer_sizes[0]))
        y = rng.integers(net.layer_sizes[-1], size=n) if name == "digits" else rng.normal(size=n)
        data.append((X, y))
    return net, *data


def content(net):
    """All that is kept with a network, to be compared with ==."""
    return [one.tobytes() for one in parameters(net)], net._rng.bit_generator.state


class Recorder(Callback):
    """Notes its calls, and the parameters after each epoch that it sees."""

    def __init__(self, every=1, calls=None, name=""):
        self.every, self.name = every, name
        self.calls = [] if calls is None else calls
        self.parameters, self.logs = {}, {}

    def on_train_begin(self, net):
        self.calls.append((self.name, "begin", net))

    def on_epoch_end(self, net, epoch, logs):
        self.calls.append((self.name, epoch, net))
        self.parameters[epoch] = content(net)[0]
        self.logs[epoch] = logs

    def on_train_end(self, net, history):
        self.calls.append((self.name, "end", net))
        self.history = history


# When they are called, and with what


def test_order_and_arguments():
    net, data, validation = make()
    calls = []
    first, second = (Recorder(calls=calls, name=name) for name in ("first", "second"))
    history = net.train(
        *data, epochs=3, learning_rate=ExponentialDecay(0.1, 0.5), metrics=["mae", "r2"],
        validation_data=validation, callbacks=[first, second],
    )  # fmt: skip
    moments = ["begin", 0, 1, 2, "end"]
    assert calls == [(name, moment, net) for moment in moments for name in ("first", "second")]
    assert type(history) is History
    assert second.history is history
    assert {type(epoch) for epoch in first.logs} == {int}
    names = ["loss", "mae", "r2", "val_loss", "val_mae", "val_r2", "learning_rate"]
    for epoch in range(3):
        logs = first.logs[epoch]
        assert sorted(logs) == sorted(names)
        assert {type(value) for value in logs.values()} == {float}
        assert logs == {name: history.history[name][epoch] for name in names}
    assert first.parameters[2] == content(net)[0]
    assert len({b"".join(one) for one in first.parameters.values()}) == 3


def test_logs_hold_what_there_is():
    net, data, _ = make()
    recorder = Recorder()
    net.train(*data, **OPTIONS, callbacks=recorder)
    assert set(recorder.logs[0]) == {"loss", "learning_rate"}


def test_each_callback_may_change_its_logs():
    net, data, _ = make()
    recorder = Recorder()
    history = net.train(
        *data, **OPTIONS, callbacks=[lambda net, epoch, logs: logs.clear(), recorder]
    )
    assert [recorder.logs[e]["loss"] for e in range(6)] == history.history["loss"]


def test_those_that_save_come_last(tmp_path):
    """So that a file holds what the others have noted of the epoch."""
    net, data, _ = make()
    path = tmp_path / "net.npz"
    seen = []
    net.train(
        *data, epochs=2, learning_rate=0.1,
        callbacks=[ModelCheckpoint(path), lambda *_: seen.append(path.exists())],
    )  # fmt: skip
    assert seen == [False, True]


def test_without_epochs_training_begins_and_ends():
    net, data, _ = make()
    recorder = Recorder()
    net.train(*data, epochs=0, learning_rate=0.1, callbacks=recorder)
    assert [moment for _, moment, _ in recorder.calls] == ["begin", "end"]


@pytest.mark.parametrize("alone", [True, False])
def test_a_function_is_a_callback(alone):
    net, data, _ = make()
    calls = []

    def note(*arguments):
        calls.append(arguments)

    history = net.train(*data, **OPTIONS, callbacks=note if alone else [note])
    assert [(given, epoch) for given, epoch, _ in calls] == [(net, epoch) for epoch in range(6)]
    assert [logs["loss"] for *_, logs in calls] == history.history["loss"]


@pytest.mark.parametrize("callbacks", [None, (), []])
def test_no_callbacks(callbacks):
    net, data, _ = make()
    assert len(net.train(*data, **OPTIONS, callbacks=callbacks).epoch) == 6


@pytest.mark.parametrize("with_metrics", [True, False])
@pytest.mark.parametrize("tight", [True, False])
def test_every(with_metrics, tight, chunks_have):
    """Also where laps are shorter, and beside others that look at other epochs."""
    net, data, _ = make()
    if tight:
        chunks_have(100)
    tens, sevens = Recorder(10), Recorder(np.int64(7))
    history = net.train(
        *data, epochs=35, learning_rate=0.1, callbacks=[tens, sevens],
        metrics=["mae"] if with_metrics else (),
    )  # fmt: skip
    assert list(tens.logs) == [9, 19, 29]
    assert list(sevens.logs) == [6, 13, 20, 27, 34]
    assert len(history.epoch) == 35
    assert [tens.logs[e]["loss"] for e in tens.logs] == history.history["loss"][9::10]
    net.train(*data, epochs=15, learning_rate=0.1, callbacks=tens)
    assert [moment for _, moment, _ in tens.calls][-3:] == ["begin", 9, "end"]


@pytest.mark.parametrize("yes", [True, np.True_])
def test_true_stops(yes):
    net, data, _ = make()
    after, recorder = [], Recorder()
    history = net.train(
        *data, **OPTIONS,
        callbacks=[
            lambda net, epoch, logs: yes if epoch == 2 else None,
            lambda net, epoch, logs: after.append(epoch),
            recorder,
        ],
    )  # fmt: skip
    assert history.epoch == after == [0, 1, 2]
    assert recorder.history is history
    assert recorder.parameters[2] == content(net)[0]


@pytest.mark.parametrize("answer", [False, None, 1, 1.0, "yes", [True], np.ones(1), np.False_])
def test_nothing_else_stops(answer):
    net, data, _ = make()
    assert len(net.train(*data, **OPTIONS, callbacks=lambda *_: answer).epoch) == 6


def test_true_stops_only_after_the_epochs_that_it_sees():
    net, data, _ = make()
    stop = LambdaCallback(lambda *_: True, every=4)
    assert net.train(*data, **OPTIONS, callbacks=stop).epoch == [0, 1, 2, 3]


def test_an_error_in_a_callback_leaves_the_network_at_the_epochs_end():
    net, data, _ = make()
    uncut, *_ = make()
    history = uncut.train(*data, **OPTIONS)
    recorder = Recorder()

    def fail(net, epoch, logs):
        if epoch == 2:
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match=r"^mine$"):
        net.train(*data, **OPTIONS, callbacks=[recorder, fail])
    assert "end" not in [moment for _, moment, _ in recorder.calls]
    rest = net.train(*data, epochs=3, learning_rate=0.1)
    assert rest.history["loss"] == history.history["loss"][3:]
    assert content(net) == content(uncut)


@every_network
@every_batch_size
@every_shuffle
def test_callbacks_change_no_bit(name, batch_size, shuffle, tmp_path):
    options = {"epochs": 11, "learning_rate": 0.1, "batch_size": batch_size, "shuffle": shuffle}
    net, data, validation = make(name)
    before = content(net)
    history = net.train(*data, **options)
    expected = bits(net, history), content(net)
    assert content(net) != before
    for callbacks in (
        [Recorder()],
        [Recorder(every=3)],
        [Recorder(every=3), Recorder(every=4)],
        [Recorder(every=100)],
        [
            ModelCheckpoint(tmp_path / "net", every=5),
            CSVLogger(tmp_path / "log", every=2),
            EarlyStopping(monitor="loss", patience=100, restore_best=False),
        ],
    ):
        net, *_ = make(name)
        history = net.train(*data, **options, callbacks=callbacks)
        assert (bits(net, history), content(net)) == expected
    net, *_ = make(name)
    stopping = EarlyStopping(patience=100, restore_best=False)
    history = net.train(*data, **options, validation_data=validation, callbacks=stopping)
    assert (bits(net, history), content(net)) == expected


def test_lambda_callback():
    net, data, _ = make()
    calls = []

    def note(name):
        return lambda *arguments: calls.append((name, *arguments))

    callback = LambdaCallback(
        note("epoch"), on_train_begin=note("begin"), on_train_end=note("end"), every=4
    )
    history = net.train(*data, **OPTIONS, callbacks=callback)
    loss = history.history["loss"][3]
    assert calls == [
        ("begin", net),
        ("epoch", net, 3, {"loss": loss, "learning_rate": 0.1}),
        ("end", net, history),
    ]
    calls.clear()
    net.train(*data, **OPTIONS, callbacks=LambdaCallback(on_train_end=note("end")))
    assert [name for name, *_ in calls] == ["end"]


# EarlyStopping


def better_epochs(values, larger, min_delta=0.0):
    """The epochs that are the best up to then."""
    best, found = None, []
    for epoch, value in enumerate(values):
        gain = math.inf if best is None else value - best if larger else best - value
        if not math.isnan(value) and gain > min_delta:
            best = value
            found.append(epoch)
    return found


def stopping_epoch(values, patience, larger=False, min_delta=0.0):
    """The first epoch after `patience` of them that were no better, and the best one before it."""
    better = better_epochs(values, larger, min_delta)
    for epoch in range(len(values)):
        best = max((one for one in better if one <= epoch), default=-1)
        if epoch - best >= patience:
            return epoch, best
    return None, max(better, default=-1)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    values=st.lists(
        st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, math.nan, math.inf, -math.inf])
        | st.floats(-2, 2),
        max_size=30,
    ),
    patience=st.integers(1, 6),
    monitor=st.sampled_from(["loss", "val_loss", "val_accuracy", "accuracy", "r2", "val_r2", "m"]),
    mode=st.sampled_from(["auto", "min", "max"]),
    min_delta=st.sampled_from([0.0, 0.25, 1.0]) | st.floats(0, 1),
    restore_best=st.booleans(),
)
def test_it_stops_where_a_plain_count_says(
    values, patience, monitor, mode, min_delta, restore_best
):
    net = Network([1, 1], seed=0)
    stopping = EarlyStopping(
        monitor=monitor, patience=patience, mode=mode, min_delta=min_delta,
        restore_best=restore_best,
    )  # fmt: skip
    larger = mode == "max" or (mode == "auto" and monitor.endswith(("accuracy", "r2")))
    expected, best = stopping_epoch(values, patience, larger, min_delta)
    stopped = None
    for epoch, value in enumerate(values):
        net.weights[0][:] = net.biases[0][:] = epoch  # by which it is known again
        other = 0.5 if monitor == "loss" else math.nan
        if stopping.on_epoch_end(net, epoch, {"other": other, monitor: value}):
            stopped = epoch
            stopping.on_train_end(net, None)
            break
    assert stopped == expected
    if stopped is None:
        assert net.weights[0] == len(values) - 1 or not values
        stopping.restore(net)
        stopped = len(values) - 1
    if values:
        assert net.weights[0] == net.biases[0] == (best if restore_best and best >= 0 else stopped)


def overfitting():
    """A network that soon learns its 40 samples by heart."""
    rng = np.random.default_rng(3)
    data, validation = ((rng.normal(size=(40, 4)), rng.normal(size=40)) for _ in range(2))
    net = Network([4, 8, 1], activation=["tanh", "identity"], seed=0)
    return net, data, {"epochs": 200, "learning_rate": 0.05, "validation_data": validation}


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("patience", [1, 4])
@pytest.mark.parametrize(("monitor", "larger"), [("val_loss", False), ("val_r2", True)])
def test_the_best_epochs_parameters_are_restored(batch_size, patience, monitor, larger):
    net, data, options = overfitting()
    recorder = Recorder()
    history = net.train(
        *data, **options, batch_size=batch_size, metrics="r2",
        callbacks=[recorder, EarlyStopping(monitor=monitor, patience=patience)],
    )  # fmt: skip
    stop, best = stopping_epoch(history.history[monitor], patience, larger)
    assert history.epoch[-1] == stop < 150
    assert content(net)[0] == recorder.parameters[best] != recorder.parameters[stop]
    assert net.evaluate(*options["validation_data"]) == history.history["val_loss"][best]


def test_it_need_not_restore():
    net, data, options = overfitting()
    recorder = Recorder()
    stopping = EarlyStopping(patience=4, restore_best=False)
    history = net.train(*data, **options, callbacks=[recorder, stopping])
    assert history.epoch[-1] == stopping_epoch(history.history["val_loss"], 4)[0]
    assert content(net)[0] == recorder.parameters[history.epoch[-1]]


def stops(net, epoch, logs):
    return epoch == 24


def interrupts(net, epoch, logs):
    if epoch == 24:
        raise KeyboardInterrupt


def fails(net, epoch, logs):
    if epoch == 24:
        raise RuntimeError("this callback fails")


def diverges(net, epoch, logs):
    if epoch == 24:
        net.weights[1][0] = 1e300  # whose steps are not finite


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (None, None), (stops, None), (interrupts, KeyboardInterrupt), (fails, RuntimeError),
        (diverges, TrainingDivergedError),
    ],
)  # fmt: skip
@pytest.mark.parametrize("restore_best", [True, False])
def test_the_best_epoch_is_restored_however_training_ends(end, error, restore_best):
    net, data, options = overfitting()
    stopping = EarlyStopping(patience=30, restore_best=restore_best)
    recorder = Recorder()
    callbacks = [recorder, stopping] if end is None else [recorder, stopping, end]
    epochs = 200 if end else 25
    with contextlib.nullcontext() if error is None else pytest.raises(error):
        net.train(*data, **options | {"epochs": epochs}, callbacks=callbacks)
    losses = [logs["val_loss"] for logs in recorder.logs.values()]
    best = int(np.argmin(losses[:25]))
    assert 0 < best < 24
    last = 25 if end is diverges else 24
    if restore_best:
        assert content(net)[0] == recorder.parameters[best]
        X, y = options["validation_data"]
        assert net.evaluate(X, y) == losses[best]
    elif end is not diverges:
        assert content(net)[0] == recorder.parameters[last]


def test_of_no_epoch_nothing_is_restored():
    net, data, options = overfitting()
    stopping = EarlyStopping(patience=30)
    net.train(*data, **options | {"epochs": 25}, callbacks=stopping)
    net.weights[0][:] = 7
    net.train(*data, **options | {"epochs": 0}, callbacks=stopping)
    assert (net.weights[0] == 7).all()
    assert stopping.restore(Network([4, 8, 1])) is None  # has seen no epoch of this one


def test_going_on_from_the_last_epoch_or_from_the_best():
    """From the last, as if there had been one call, where nothing else has happened since."""
    stopping = EarlyStopping(patience=30)

    def begun():
        net, data, options = overfitting()
        net.train(*data, **options | {"epochs": 25}, callbacks=stopping)
        return net, data, options | {"epochs": 5}

    def first_loss(net, data, options, callbacks=stopping):
        return net.train(*data, **options, callbacks=callbacks).history["loss"][0]

    whole, data, options = overfitting()
    one_call = whole.train(*data, **options | {"epochs": 30}, callbacks=stopping)
    net, data, options = begun()
    at_best = net.evaluate(*data)
    second = net.train(*data, **options, callbacks=stopping)
    assert second.history["loss"] == one_call.history["loss"][25:]
    assert content(net)[0] == content(whole)[0]

    plain, *_ = begun()
    plain.reset_trainer()
    from_best = first_loss(plain, data, options)
    assert from_best != second.history["loss"][0]
    for other in ((), EarlyStopping(patience=29)):
        net, data, options = begun()
        assert net.evaluate(*data) == at_best
        assert first_loss(net, data, options, other) == first_loss(begun()[0], data, options, ())
    net, data, options = begun()
    net.biases[0][0] += 1  # somebody's own parameters
    changed = net.copy()
    changed.reset_trainer()
    assert first_loss(net, data, options) == first_loss(changed, data, options)


def fails_in_the_end(net, history):
    raise OSError("this callback fails in the end")


def test_the_best_epoch_is_restored_if_training_fails_in_the_end():
    net, data, options = overfitting()
    recorder, stopping = Recorder(), EarlyStopping(patience=30)
    callbacks = [recorder, LambdaCallback(on_train_end=fails_in_the_end), stopping]
    with pytest.raises(OSError, match="in the end"):
        net.train(*data, **options | {"epochs": 25}, callbacks=callbacks)
    best = int(np.argmin([logs["val_loss"] for logs in recorder.logs.values()]))
    assert content(net)[0] == recorder.parameters[best]


def state_of(net):
    trainer = net._trainer
    best = {one: (seen.value, seen.waited) for one, seen in trainer.best.items()}
    return content(net), trainer.task, trainer.stopping, best


@pytest.mark.parametrize(
    "refused",
    [
        {"learning_rate": lambda epoch: -1.0},
        {"callbacks": LambdaCallback(on_train_begin=lambda net: fails_in_the_end(net, None))},
        {"epochs": 0, "callbacks": EarlyStopping(patience=7)},
    ],
    ids=["rate", "callback", "no epoch"],
)
def test_a_training_that_takes_no_step_forgets_nothing(refused):
    net, (X, y), options = overfitting()
    stopping = EarlyStopping(patience=30)
    begun = options | {"epochs": 25, "callbacks": stopping}
    net.train(X, y, **begun)
    before = state_of(net)
    undisturbed = net.copy()
    with contextlib.suppress(ValueError, OSError):
        net.train(X + 1, y, **begun | refused)
    assert state_of(net) == before
    for one in (net, undisturbed):
        one.train(X, y, **begun)
    assert content(net) == content(undisturbed)


def test_of_two_that_restore_the_one_that_stops_counts():
    """Whichever comes first: a further training goes on from what the network has."""
    found = []
    for turn in (1, -1):
        net, data, options = overfitting()
        both = [EarlyStopping(patience=2), EarlyStopping(monitor="loss", patience=50)][::turn]
        net.train(*data, **options, callbacks=both)
        assert net._trainer.last is None
        start = net.copy()
        start.reset_trainer()
        losses = [
            one.train(*data, **options | {"epochs": 1}, callbacks=both).history["loss"]
            for one in (net, start)
        ]
        assert losses[0] == losses[1]
        found.append(losses)


def test_checkpoints_of_the_best_know_the_epoch_that_others_save(tmp_path):
    """So that going on from the last one does not overwrite the best by a worse one."""
    net, data, options = overfitting()
    last, best = tmp_path / "last", tmp_path / "best"
    both = [ModelCheckpoint(last), ModelCheckpoint(best, monitor="val_loss")]
    first = net.train(*data, **options | {"epochs": 25}, callbacks=both)
    lowest = min(first.history["val_loss"])
    kept = best.read_bytes()
    again = Network.load(last)
    second = again.train(*data, **options | {"epochs": 3}, callbacks=both)
    assert min(second.history["val_loss"]) > lowest
    assert best.read_bytes() == kept


def test_training_that_uses_up_its_epochs_ends_at_the_best():
    """By a number from outside: the lowest loss of validation."""
    rng = np.random.default_rng(0)
    A, V = rng.normal(size=(60, 5)), rng.normal(size=(40, 5))
    a, v = np.sin(A.sum(1)), np.sin(V.sum(1))
    net = Network([5, 60, 1], activation=["tanh", "identity"], seed=1)
    history = net.train(
        A, a, epochs=61, learning_rate=0.1, batch_size=5, validation_data=(V, v),
        callbacks=EarlyStopping(patience=100),
    )  # fmt: skip
    assert net.evaluate(V, v) == min(history.history["val_loss"])
    assert net.evaluate(V, v) == pytest.approx(0.07084, abs=1e-5)


def test_with_other_data_comparing_begins_anew():
    """But nothing else; and with same_task not even that."""
    rng = np.random.default_rng(0)
    A, V = rng.normal(size=(60, 5)), rng.normal(size=(40, 5))
    a, v = np.sin(A.sum(1)), np.sin(V.sum(1))
    first = {"epochs": 8, "learning_rate": 0.02, "validation_data": (V, v)}
    second = {"epochs": 100, "learning_rate": 0.005, "validation_data": (V, 10 * v + 5)}
    found = {}
    for way in ("as it is", "another callback", "same task"):
        net = Network([5, 20, 1], activation=["tanh", "identity"], seed=1)
        stopping = EarlyStopping(patience=10)
        recorder = Recorder()
        net.train(A, a, **first, callbacks=[stopping, recorder])
        options = {"same_task": True} if way == "same task" else {}
        if way == "another callback":
            for mine, given_bytes in zip(
                net.weights + net.biases, recorder.parameters[7], strict=True
            ):
                mine[:] = np.frombuffer(given_bytes).reshape(mine.shape)
            stopping = EarlyStopping(patience=10, min_delta=1e-300)
        history = net.train(A, 10 * a + 5, **second, callbacks=stopping, **options)
        found[way] = len(history.epoch), net.evaluate(V, 10 * v + 5), content(net)[0]
    assert found["as it is"] == found["another callback"]
    assert found["as it is"][0] == 27
    assert found["as it is"][1] == pytest.approx(14.57, abs=0.005)
    # None is better than those of the first task, whose best parameters it gets.
    assert found["same task"][:2] == (9, pytest.approx(70.5, abs=0.05))


def test_after_it_stopped_training_begins_anew():
    net, data, options = overfitting()
    stopping = EarlyStopping(patience=4)
    first = net.train(*data, **options, callbacks=stopping)
    lowest = min(first.history["val_loss"])
    forgetful = net.copy()
    forgetful.reset_trainer()
    recorder = Recorder()
    second = net.train(*data, **options, callbacks=[recorder, stopping])
    stop, best = stopping_epoch(second.history["val_loss"], 4)
    assert second.epoch[-1] == stop < 199
    assert content(net)[0] == recorder.parameters[best]
    assert second.history["val_loss"][0] >= lowest  # which it was not held against
    assert bits(net, second) == bits(
        forgetful, forgetful.train(*data, **options, callbacks=stopping)
    )


@pytest.mark.parametrize("calls", [[3, 3], [1] * 6, [2, 4], [3, 0, 3], [7, 60], [4] * 20])
def test_calls_equal_one_call(calls):
    """With an equal callback, or with the same one."""
    one, data, options = overfitting()
    options["epochs"] = sum(calls)
    whole = one.train(*data, **options, callbacks=EarlyStopping(patience=6))
    net, *_ = overfitting()
    losses = []
    for epochs in calls:
        part = net.train(*data, **options | {"epochs": epochs}, callbacks=EarlyStopping(patience=6))
        losses += part.history["val_loss"]
        if len(losses) == len(whole.epoch):
            break
    assert losses == whole.history["val_loss"]
    assert content(net) == content(one)


def test_where_calls_are_cut_it_stops():
    """What the last test compares has stopped, in the longer ones."""
    net, data, options = overfitting()
    history = net.train(*data, **options | {"epochs": 67}, callbacks=EarlyStopping(patience=6))
    assert 8 < len(history.epoch) < 60


def test_one_with_other_settings_begins_anew():
    net, data, options = overfitting()
    options["epochs"] = 30
    patient = EarlyStopping(patience=100)
    net.train(*data, **options, callbacks=patient)
    history = net.train(*data, **options, callbacks=EarlyStopping(patience=2))
    expected = stopping_epoch(history.history["val_loss"], 2)[0]
    assert expected is not None
    assert history.epoch[-1] == expected


def test_one_is_fit_for_several_networks_at_once():
    options = {"epochs": 9, "learning_rate": 0.05}
    stopping = EarlyStopping(patience=5)
    nets, alone = [], []
    for seed in range(3):
        for among in (nets, alone):
            among.append(Network([4, 8, 1], activation=["tanh", "identity"], seed=seed))
    _, data, given = overfitting()
    options["validation_data"] = given["validation_data"]
    losses = [[], [], []]
    for _ in range(4):
        for net, of_net in zip(nets, losses, strict=True):
            of_net += net.train(*data, **options, callbacks=stopping).history["val_loss"]
    for net, of_net, twin in zip(nets, losses, alone, strict=True):
        expected = []
        for _ in range(4):
            history = twin.train(*data, **options, callbacks=EarlyStopping(patience=5))
            expected += history.history["val_loss"]
        assert of_net == expected
        assert content(net) == content(twin)
    assert len({tuple(of_net) for of_net in losses}) == 3
    assert min(map(len, losses)) < 36


def test_of_two_the_one_that_stops_restores():
    net, data, options = overfitting()
    recorder = Recorder()
    history = net.train(
        *data, **options,
        callbacks=[
            recorder,
            EarlyStopping(monitor="loss", patience=50),
            EarlyStopping(monitor="val_loss", patience=5),
        ],
    )  # fmt: skip
    stop, best = stopping_epoch(history.history["val_loss"], 5)
    assert history.epoch[-1] == stop
    assert content(net)[0] == recorder.parameters[best]


def test_what_another_restores_is_not_the_best_epoch():
    """Where one stops in an epoch that is the best for another, this keeps that epoch's."""
    net = Network([1, 1], seed=0)
    first = EarlyStopping(monitor="loss", patience=1)
    second = EarlyStopping(monitor="val_loss", patience=9)
    values = {"loss": [1.0, 2.0], "val_loss": [2.0, 1.0]}
    for epoch in range(2):
        net.weights[0][:] = epoch
        logs = {name: of_epochs[epoch] for name, of_epochs in values.items()}
        stops = [callback.on_epoch_end(net, epoch, logs) for callback in (first, second)]
    assert stops == [True, False]
    second.restore(net)
    assert net.weights[0] == 1


# ModelCheckpoint


def test_a_checkpoint_is_the_network_at_its_epoch(tmp_path):
    net, data, validation = make()
    recorder = Recorder()
    checkpoint = ModelCheckpoint(tmp_path / "epoch-{epoch:03d}-{val_loss:.6f}-{val_mae}.npz")
    history = net.train(
        *data, **OPTIONS, validation_data=validation, metrics="mae",
        callbacks=[checkpoint, recorder],
    )  # fmt: skip
    logs = history.history
    files = {
        f"epoch-{e:03d}-{logs['val_loss'][e]:.6f}-{logs['val_mae'][e]}.npz": e for e in range(6)
    }
    assert {path.name for path in tmp_path.iterdir()} == set(files)
    for name, epoch in files.items():
        loaded = Network.load(tmp_path / name)
        assert content(loaded)[0] == recorder.parameters[epoch]
        assert loaded.evaluate(*validation) == logs["val_loss"][epoch]
        rest = loaded.train(*data, epochs=5 - epoch, learning_rate=0.1)
        assert rest.history["loss"] == logs["loss"][epoch + 1 :]
        assert content(loaded) == content(net)


@pytest.mark.parametrize("kind", [str, lambda path: path, lambda path: str(path).encode()])
def test_one_file_is_replaced(kind, tmp_path):
    net, data, _ = make()
    recorder = Recorder()
    path = tmp_path / "net"
    net.train(*data, **OPTIONS, callbacks=[recorder, ModelCheckpoint(kind(path), every=4)])
    assert list(tmp_path.iterdir()) == [path]
    assert content(Network.load(path))[0] == recorder.parameters[3]


def test_every_and_epochs_in_names(tmp_path):
    net, data, _ = make()
    callbacks = ModelCheckpoint(tmp_path / "{epoch}", every=2)
    net.train(*data, **OPTIONS, callbacks=callbacks)
    assert {path.name for path in tmp_path.iterdir()} == {"1", "3", "5"}


@pytest.mark.parametrize(("monitor", "larger"), [("val_loss", False), ("val_r2", True)])
@pytest.mark.parametrize("min_delta", [0.0, 0.02])
def test_monitor_saves_better_epochs_only(monitor, larger, min_delta, tmp_path):
    net, data, options = overfitting()
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}", monitor=monitor, min_delta=min_delta)
    options |= {"epochs": 40, "metrics": "r2"}
    history = net.train(*data, **options, callbacks=checkpoint)
    better = better_epochs(history.history[monitor], larger, min_delta)
    assert 1 < len(better) < 40
    assert {int(path.name) for path in tmp_path.iterdir()} == set(better)


def test_monitor_looks_at_its_epochs_only(tmp_path):
    net, data, options = overfitting()
    options["epochs"] = 40
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}", monitor="val_loss", every=3)
    history = net.train(*data, **options, callbacks=checkpoint)
    seen = history.history["val_loss"][2::3]
    expected = {3 * i + 2 for i in better_epochs(seen, False)}
    assert {int(path.name) for path in tmp_path.iterdir()} == expected


def test_another_networks_divergence_is_its_own():
    net, data, options = overfitting()
    stopping = EarlyStopping(patience=99)
    own = []

    def diverge(_, epoch, logs):
        if epoch == 60:
            other = Network([4, 8, 1], activation="identity", seed=0)
            try:
                other.train(data[0] * 1e200, data[1], epochs=1, learning_rate=1e9)
            except TrainingDivergedError as error:
                own.append((error, error.history))
                raise

    with pytest.raises(TrainingDivergedError) as raised:
        net.train(*data, **options, callbacks=[stopping, diverge])
    assert [(raised.value, raised.value.history)] == own
    assert net._trainer.last is not None  # from which a further training goes on


def test_ctrl_c_after_the_file_is_there(tmp_path, monkeypatch):
    """While the folder is written to the disk, which may take long: the epoch is saved."""
    net, data, options = overfitting()
    path, syncs, fsync = tmp_path / "net", [], os.fsync
    checkpoint = ModelCheckpoint(path, monitor="val_loss")

    def interrupted(descriptor):
        syncs.append(descriptor)
        if len(syncs) == 6:  # two for each file
            raise KeyboardInterrupt
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            net.train(*data, **options, callbacks=checkpoint)
    saved = Network.load(path)
    for mine, of_file in zip(parameters(net), parameters(saved), strict=True):
        np.testing.assert_array_equal(mine, of_file)
    best = net._trainer.best[checkpoint].value
    assert best == saved.evaluate(*options["validation_data"])


def test_a_further_call_knows_the_best_of_the_first(tmp_path):
    net, data, options = overfitting()
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}", monitor="val_loss")
    options["epochs"] = 30
    net.train(*data, **options, callbacks=checkpoint)
    for path in tmp_path.iterdir():
        path.unlink()
    history = net.train(*data, **options, callbacks=checkpoint)
    assert len(history.epoch) == 30
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_holds_what_early_stopping_has_seen(tmp_path):
    net, data, options = overfitting()
    stopping = EarlyStopping(patience=6)
    history = net.train(
        *data, **options, callbacks=[ModelCheckpoint(tmp_path / "{epoch}"), stopping]
    )
    n = len(history.epoch)
    assert 8 < n < 60
    for epoch in range(n - 1):
        loaded = Network.load(tmp_path / str(epoch))
        rest = loaded.train(*data, **options, callbacks=stopping)
        assert rest.history["val_loss"] == history.history["val_loss"][epoch + 1 :]
        assert content(loaded) == content(net)


def test_a_checkpoint_that_cannot_be_written_is_an_error(tmp_path):
    net, data, _ = make()
    with pytest.raises(FileNotFoundError, match="no such folder"):
        net.train(*data, **OPTIONS, callbacks=ModelCheckpoint(tmp_path / "no such folder" / "net"))


# CSVLogger


def read(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def assert_rows(rows, history, epochs):
    """Each number to the last bit; columns by their names."""
    header, *rows = rows
    assert header[0] == "epoch"
    assert sorted(header[1:]) == sorted(history.history)
    assert [int(row[0]) for row in rows] == list(epochs)
    for row in rows:
        for name, value in zip(header[1:], row[1:], strict=True):
            assert float(value) == history.history[name][int(row[0])]


@pytest.mark.parametrize("every", [1, 2, 4])
def test_the_log_is_the_history(every, tmp_path):
    net, data, validation = make()
    path = tmp_path / "log.csv"
    history = net.train(
        *data, epochs=9, learning_rate=ExponentialDecay(0.1, 0.9), metrics=["mae", "r2"],
        validation_data=validation, callbacks=CSVLogger(path, every=every),
    )  # fmt: skip
    assert_rows(read(path), history, range(every - 1, 9, every))


def test_a_log_is_begun_anew_or_gone_on_with(tmp_path):
    net, data, _ = make()
    path = tmp_path / "log.csv"
    net.train(*data, **OPTIONS, callbacks=CSVLogger(path))
    history = net.train(*data, **OPTIONS | {"epochs": 2}, callbacks=CSVLogger(str(path)))
    assert_rows(first := read(path), history, range(2))
    history = net.train(*data, **OPTIONS, callbacks=CSVLogger(path, append=True))
    rows = read(path)
    assert rows[:3] == first
    assert_rows([first[0], *rows[3:]], history, range(6))
    net.train(*data, **OPTIONS, callbacks=CSVLogger(new := tmp_path / "new.csv", append=True))
    assert [row[0] for row in read(new)] == ["epoch", *"012345"]


def test_a_log_holds_each_epoch_as_soon_as_it_is_done(tmp_path):
    net, data, _ = make()
    path, lengths = tmp_path / "log", []
    net.train(
        *data, **OPTIONS, callbacks=[CSVLogger(path), lambda *_: lengths.append(len(read(path)))]
    )  # fmt: skip
    assert lengths == [2, 3, 4, 5, 6, 7]


def test_a_log_that_cannot_be_written_is_an_error_before_training(tmp_path):
    net, data, _ = make()
    before = content(net)
    with pytest.raises(FileNotFoundError):
        net.train(*data, **OPTIONS, callbacks=CSVLogger(tmp_path / "no" / "log"))
    assert content(net) == before


# tol and patience


@pytest.mark.parametrize("calls", [[2] * 50, [1] * 100, [5, 95], [3, 0, 1, 96], [100]])
@pytest.mark.parametrize("patience", [2, 3, 5])
@every_batch_size
def test_tolerance_over_several_calls(calls, patience, batch_size):
    options = {"learning_rate": 0.1, "tol": 0.01, "patience": patience, "batch_size": batch_size}
    one, data, _ = make()
    whole = one.train(*data, epochs=sum(calls), **options)
    losses = whole.history["loss"]
    assert patience < len(losses) < 70
    assert len(losses) - 1 == stopping_epoch(losses, patience, min_delta=0.01)[0]
    net, *_ = make()
    some = []
    for epochs in calls:
        some += net.train(*data, epochs=epochs, **options).history["loss"]
        if len(some) == len(losses):
            break
    assert some == losses
    assert content(net) == content(one)


@pytest.mark.parametrize("calls", [[200], [2] * 100])
def test_after_tolerance_stopped_training_begins_anew(calls):
    options = {"learning_rate": 0.1, "tol": 1e-3, "patience": 3}
    net, data, _ = make()
    done = 0
    for epochs in calls:
        ran = len(net.train(*data, epochs=epochs, **options).epoch)
        done += ran
        if ran < epochs:
            break
    assert 3 < done < 60
    forgetful = net.copy()
    forgetful.reset_trainer()
    history = net.train(*data, epochs=200, **options)
    assert len(history.epoch) > 3  # the first is the best so far
    assert bits(net, history) == bits(forgetful, forgetful.train(*data, epochs=200, **options))


def test_other_tolerances_begin_anew():
    options = {"epochs": 4, "learning_rate": 0.1}
    net, data, _ = make()
    net.train(*data, epochs=40, learning_rate=0.1)
    net.train(*data, **options, tol=100, patience=5)
    assert len(net.copy().train(*data, **options, tol=100, patience=5).epoch) == 2
    assert len(net.copy().train(*data, **options, tol=100, patience=4).epoch) == 4
    assert len(net.copy().train(*data, **options, tol=99, patience=5).epoch) == 4
    net.train(*data, **options)  # without, they are left alone
    assert len(net.train(*data, **options, tol=100, patience=5).epoch) == 2


# Bad input


class Odd(Callback):
    def __init__(self, every):
        self.every = every


KNOWN = "must be one of 'loss' in this training"


@pytest.mark.parametrize(
    ("callbacks", "exception", "fragments"),
    [
        ("csv", TypeError, ["callbacks must be a sequence of callbacks", "got str 'csv'"]),
        (5, TypeError, ["callbacks must be a sequence of callbacks", "got int 5"]),
        ({1: 2}, TypeError, ["callbacks must be a sequence", "got dict"]),
        (iter([]), TypeError, ["callbacks must be a sequence", "iterator"]),
        ([None], TypeError, ["callbacks[0] must be a function, or an object", "got NoneType"]),
        ([print, "csv"], TypeError, ["callbacks[1] must be a function", "got str 'csv'"]),
        (EarlyStopping, TypeError, ["callbacks[0]", "got type <class", "write EarlyStopping(...)"]),
        ([Callback], TypeError, ["callbacks[0]", "derived from fastnn.callbacks.Callback"]),
        ([SimpleNamespace()], TypeError, ["callbacks[0] must be a function", "SimpleNamespace"]),
        (Odd(0), ValueError, ["callbacks[0].every must be at least 1, got int 0"]),
        ([print, Odd(-3)], ValueError, ["callbacks[1].every must be at least 1, got int -3"]),
        (Odd(2.0), TypeError, ["callbacks[0].every must be an integer, got float 2.0"]),
        (Odd(True), TypeError, ["callbacks[0].every must be an integer, got bool True"]),
        (Odd(None), TypeError, ["callbacks[0].every must be an integer, got NoneType"]),
        (
            EarlyStopping(),
            ValueError,
            [f"callbacks[0].monitor {KNOWN}, got 'val_loss'; give validation_data"],
        ),
        (
            [print, EarlyStopping(monitor="val_accuracy")],
            ValueError,
            [
                f"callbacks[1].monitor {KNOWN}, got 'val_accuracy'; give validation_data="
                "(X_valid, y_valid) and metrics=['accuracy'] to train"
            ],
        ),
        (
            EarlyStopping(monitor="mae"),
            ValueError,
            [f"[0].monitor {KNOWN}, got 'mae'; give metrics=['mae'] to train"],
        ),
        (EarlyStopping(monitor="acc"), ValueError, ["got 'acc'; write 'accuracy'"]),
        (EarlyStopping(monitor="val_acc"), ValueError, ["got 'val_acc'; write 'val_accuracy'"]),
        (EarlyStopping(monitor="val-loss"), ValueError, ["got 'val-loss'; write 'val_loss'"]),
        (EarlyStopping(monitor="train_loss"), ValueError, ["got 'train_loss'; write 'loss'"]),
        (EarlyStopping(monitor="val_los"), ValueError, ["did you mean 'val_loss'?"]),
        (
            ModelCheckpoint("no/such/net"),
            FileNotFoundError,
            ["callbacks[0].path must be in a folder that exists, and", "os.makedirs"],
        ),
        (
            [print, CSVLogger("no/such.csv")],
            FileNotFoundError,
            ["callbacks[1].path must be in a folder that exists, and", "os.makedirs"],
        ),
        (ModelCheckpoint("."), IsADirectoryError, ["callbacks[0].path must be that of a file"]),
        (CSVLogger("."), IsADirectoryError, ["callbacks[0].path must be that of a file"]),
        (EarlyStopping(monitor="learning_rate"), ValueError, [f"{KNOWN}, got 'learning_rate'"]),
        (ModelCheckpoint("x", monitor="epoch"), ValueError, [f"[0].monitor {KNOWN}, got 'epoch'"]),
        (
            [ModelCheckpoint("x", monitor="nonsense"), print],
            ValueError,
            [f"callbacks[0].monitor {KNOWN}, got 'nonsense'"],
        ),
    ],
    ids=repr,
)
def test_bad_callbacks_are_refused_before_training(callbacks, exception, fragments, tmp_path):
    net, data, _ = make()
    before = pickle.dumps(net)
    recorder = Recorder()
    log = tmp_path / "log"
    log.write_text("mine")
    if isinstance(callbacks, list):
        callbacks = [*callbacks, recorder, CSVLogger(log)]
    with pytest.raises(exception) as refusal:
        net.train(*data, **OPTIONS, callbacks=callbacks)
    assert type(refusal.value) is exception
    for fragment in fragments:
        assert fragment in str(refusal.value)
    assert pickle.dumps(net) == before
    assert recorder.calls == []
    assert log.read_text() == "mine"


def test_what_may_be_monitored_is_listed():
    net, data, validation = make()
    names = "'loss', 'mae', 'val_loss', 'val_mae' in this training, got"
    with pytest.raises(ValueError, match=names):
        net.train(
            *data, **OPTIONS, metrics="mae", validation_data=validation,
            callbacks=EarlyStopping(monitor="acc"),
        )  # fmt: skip


def test_who_has_validation_data_is_not_asked_for_them():
    net, data, validation = make()
    with pytest.raises(ValueError, match="got 'val_accuracy'") as refusal:
        net.train(
            *data, **OPTIONS, validation_data=validation,
            callbacks=EarlyStopping(monitor="val_accuracy"),
        )  # fmt: skip
    assert "give validation_data" not in str(refusal.value)


early = partial(pytest.param, EarlyStopping)
checkpoint = partial(pytest.param, partial(ModelCheckpoint, "x"))
logger = partial(pytest.param, partial(CSVLogger, "x"))
of_functions = partial(pytest.param, LambdaCallback)


@pytest.mark.parametrize(
    ("kind", "bad", "exception", "fragment"),
    [
        early({"monitor": 5}, TypeError, "monitor must be a string, got int 5"),
        early({"monitor": None}, TypeError, "monitor must be a string, got NoneType"),
        early({"patience": 0}, ValueError, "patience must be at least 1, got int 0"),
        early({"patience": 2.5}, TypeError, "patience must be an integer, got float 2.5"),
        early({"patience": True}, TypeError, "patience must be an integer, got bool True"),
        early({"min_delta": -0.1}, ValueError, "min_delta must be a finite number of at least 0"),
        early({"min_delta": math.nan}, ValueError, "min_delta must be a finite number"),
        early({"min_delta": math.inf}, ValueError, "min_delta must be a finite number"),
        early({"min_delta": "0"}, TypeError, "min_delta must be a number, got str '0'"),
        early({"mode": "down"}, ValueError, "mode must be one of 'auto', 'min', 'max', got str"),
        early({"mode": None}, TypeError, "mode must be one of 'auto', 'min', 'max', got None"),
        early({"restore_best": 1}, TypeError, "restore_best must be True or False, got int 1"),
        early({"every": 2}, TypeError, "every"),
        checkpoint({"every": 0}, ValueError, "every must be at least 1, got int 0"),
        checkpoint({"every": "2"}, TypeError, "every must be an integer, got str '2'"),
        checkpoint({"monitor": 5}, TypeError, "monitor must be a string, got int 5"),
        checkpoint({"monitor": "loss", "mode": "up"}, ValueError, "mode must be one of 'auto'"),
        checkpoint({"monitor": "loss", "min_delta": -1}, ValueError, "min_delta must be a finite"),
        pytest.param(ModelCheckpoint, {"path": 5}, TypeError, "path must be a path, got int 5"),
        pytest.param(ModelCheckpoint, {"path": None}, TypeError, "path must be a path, got None"),
        pytest.param(ModelCheckpoint, {}, TypeError, "path"),
        logger({"every": 0}, ValueError, "every must be at least 1, got int 0"),
        logger({"append": "yes"}, TypeError, "append must be True or False, got str 'yes'"),
        pytest.param(CSVLogger, {"path": 5}, TypeError, "path must be a path, got int 5"),
        of_functions({"on_epoch_end": 5}, TypeError, "on_epoch_end must be a function, got int 5"),
        of_functions({"on_train_begin": "x"}, TypeError, "on_train_begin must be a function"),
        of_functions({"on_train_end": []}, TypeError, "on_train_end must be a function, got list"),
        of_functions({"every": 0}, ValueError, "every must be at least 1, got int 0"),
        of_functions({"every": 1.0}, TypeError, "every must be an integer, got float 1.0"),
    ],
)
def test_bad_settings(kind, bad, exception, fragment):
    with pytest.raises(exception) as refusal:
        kind(**bad)
    assert type(refusal.value) is exception
    assert fragment in str(refusal.value)


@pytest.mark.parametrize("name", ["{nothing}", "{val_loss}", "{", "{epoch:x.y}", "{0}"])
def test_a_checkpoints_path_that_cannot_be_filled_in_is_refused_before_training(name, tmp_path):
    net, data, _ = make()
    before = pickle.dumps(net)
    with pytest.raises((ValueError, KeyError, IndexError)):
        net.train(*data, **OPTIONS, callbacks=ModelCheckpoint(tmp_path / name))
    assert pickle.dumps(net) == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (EarlyStopping(), EarlyStopping(patience=np.int64(10), min_delta=0)),
        (ModelCheckpoint("x"), ModelCheckpoint(b"x", every=1)),
        (CSVLogger("x"), CSVLogger(path="x", append=False)),
    ],
)
def test_equal_settings_make_equal_callbacks(one, other):
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one


def test_settings_make_a_difference():
    kinds = [
        EarlyStopping(), EarlyStopping(patience=3), EarlyStopping(monitor="loss"),
        EarlyStopping(mode="max"), EarlyStopping(min_delta=1), EarlyStopping(restore_best=False),
        ModelCheckpoint("x"), ModelCheckpoint("y"), ModelCheckpoint("x", monitor="loss"),
    ]  # fmt: skip
    assert all(one != other for one, other in itertools.combinations(kinds, 2))


def test_callbacks_that_are_equal_are_one():
    """What they have seen is kept by what they are."""
    net = Network([2, 3, 1], seed=0)
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    settings = {"epochs": 30, "learning_rate": 0.5, "validation_data": (X, 1 - y)}
    stopping = [[EarlyStopping(patience=3)] * 1, [EarlyStopping(patience=3) for _ in range(4)]]
    found = [net.copy().train(X, y, **settings, callbacks=one).history for one in stopping]
    assert found[0] == found[1]
    assert 3 < len(found[0]["loss"]) < 30
