"""Stop, save, and go on in a new process: not a bit differs from never having stopped.

This file is also what the new process runs, on a folder of saved networks.
"""

import functools
import itertools
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import Network
from fastnn.callbacks import EarlyStopping
from fastnn.optimizers import OPTIMIZERS
from fastnn.schedules import CosineDecay, Cyclical

pytestmark = pytest.mark.unwatched

EPOCHS = 32
CUTS = range(1, 21)
PATIENCE = 20  # no run stops before the last cut
N = 60  # samples: batches of 16 leave a smaller one at the end
RATES = {
    "sgd": 10,
    "momentum": 1,
    "nesterov": 1,
    "rmsprop": 1.5,
    "adagrad": 25,
}  # relative to others
CASES = list(itertools.product(OPTIMIZERS, (1, 16), (True, False), (True, False)))
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)


def network():
    return Network([8, 6, 3], activation=["tanh", "softmax"], loss="cross_entropy", seed=0)


def samples(seed, n=N):
    """Classes that hang on the numbers a little: what the network learns is soon by heart."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 8))
    return X, (X[:, :3] + 1.5 * rng.normal(size=(n, 3))).argmax(axis=1)


def train(net, case, epochs, data=None, **changed):
    """Its History, as lists by their names."""
    optimizer, batch_size, shuffle, stops_early = case
    rate = 0.001 * RATES.get(optimizer, 3) * {1: 1, 16: 6}[batch_size]
    schedule = Cyclical(rate / 2, rate, 3.5, "triangular2")
    options = {
        "learning_rate": schedule if batch_size == 1 else CosineDecay(rate, 25, rate / 9),
        "batch_size": batch_size,
        "shuffle": shuffle,
        "optimizer": optimizer,
        "metrics": ["accuracy"],
        "validation_data": samples(1),
        "callbacks": EarlyStopping(patience=PATIENCE) if stops_early else (),
    }
    return net.train(*data or samples(0), epochs=epochs, **options | changed).history


def result(net, *histories):
    """All that training makes: bytes of the parameters and of each column, and the generator."""
    columns = {
        name: np.concatenate([history[name] for history in histories]).tobytes()
        for name in histories[0]
    }
    parameters = [array.tobytes() for array in net.weights + net.biases]
    return parameters, columns, net._rng.bit_generator.state


@functools.cache
def never_stopped(case):
    net = network()
    return result(net, train(net, case, EPOCHS))


# What the new process does


def go_on(case, path, histories):
    """From a file, after the epochs of these."""
    net = Network.load(path)
    done = sum(len(history["loss"]) for history in histories)
    return result(net, *histories, train(net, case, EPOCHS - done))


def go_on_with_blocks(case, path, done):
    net = Network.load(path)
    histories = [train(net, case, 1, block) for block in blocks(path.parent)[done:]]
    return result(net, *histories)


def in_a_new_process(function, jobs, folder):
    """function(*job) for each of the jobs."""
    (folder / "jobs").write_bytes(pickle.dumps((function.__name__, jobs)))
    source = str(Path(fastnn.__file__).parent.parent)
    subprocess.run(
        [sys.executable, "-W", "error", __file__, folder],
        check=True, timeout=120, env=os.environ | {"PYTHONPATH": source},
    )  # fmt: skip
    process, results = pickle.loads((folder / "results").read_bytes())
    assert process != os.getpid()
    return results


# From files


@pytest.fixture(autouse=True)
def _without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@every_optimizer
def test_from_any_of_20_epochs(optimizer, tmp_path):
    cases = [case for case in CASES if case[0] == optimizer]
    jobs, expected = [], []
    for i, case in enumerate(cases):
        whole = never_stopped(case)
        net, histories = network(), []
        for cut in CUTS:
            histories.append(train(net, case, 1))
            path = tmp_path / f"{i}-{cut}.npz"
            net.save(path, trainer=True)
            jobs.append((case, path, histories[:]))
            expected.append(whole)
    results = in_a_new_process(go_on, jobs, tmp_path)
    assert len(results) == 8 * len(CUTS)
    for (case, path, _), found, whole in zip(jobs, results, expected, strict=True):
        assert found == whole, (case, path.name)


@every_optimizer
def test_without_its_trainer_going_on_differs(optimizer, tmp_path):
    """So that the comparison can fail: in the order, the rate, the optimizer and the stopping."""
    for case in CASES:
        if case[0] != optimizer:
            continue
        whole = never_stopped(case)
        net = network()
        history = train(net, case, 10)
        net.save(tmp_path / "net.npz")
        parameters, columns, _ = go_on(case, tmp_path / "net.npz", [history])
        assert parameters != whole[0]
        assert columns["loss"] != whole[1]["loss"]
        assert columns["learning_rate"] != whole[1]["learning_rate"]


@pytest.mark.parametrize("case", [case for case in CASES if case[3]], ids=repr)
def test_early_stopping_comes_after_the_last_cut_and_restores(case):
    net = network()
    losses = train(net, case, EPOCHS)["val_loss"]
    best = int(np.argmin(losses))
    assert max(CUTS) < len(losses) == best + PATIENCE + 1 < EPOCHS
    assert net.evaluate(*samples(1)) == losses[best]


def test_each_setting_makes_a_difference():
    results = {case: never_stopped(case) for case in CASES}
    assert len({pickle.dumps(parameters) for parameters, *_ in results.values()}) == len(CASES)
    for case in CASES:
        net = network()
        train(net, case, EPOCHS, learning_rate=0.01)
        assert result(net, {})[0] != results[case][0]


@every_optimizer
@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("lost", ["optimizer", "schedule", "best", "generator"])
def test_each_part_of_the_trainers_state_makes_a_difference(optimizer, batch_size, lost):
    """At one cut, forgotten by hand."""
    case = (optimizer, batch_size, True, True)
    cut = 19  # after the best epoch
    net = network()
    history = train(net, case, cut)
    if lost == "generator":
        net._rng = np.random.default_rng(99)
    elif lost == "best":
        net._trainer.best.clear()
    else:
        setattr(net._trainer, lost, None)
    found = result(net, history, train(net, case, EPOCHS - cut))
    same = found == never_stopped(case)
    assert same == (lost == "optimizer" and optimizer == "sgd")  # which keeps nothing


# Over the blocks of a stream


def blocks(folder):
    """Of memory-mapped tables, the last one smaller."""
    X, y = (np.load(folder / name, mmap_mode="r") for name in ("X.npy", "y.npy"))
    assert isinstance(X, np.memmap)
    return [(X[i : i + 50], y[i : i + 50]) for i in range(0, len(X), 50)]


@every_optimizer
def test_a_stream_of_blocks_with_a_file_after_each(optimizer, tmp_path):
    """In one process, saved and loaded after each block, and gone on with in a new one."""
    for name, array in zip(("X.npy", "y.npy"), samples(2, 280), strict=True):
        np.save(tmp_path / name, array)
    jobs, expected = [], []
    for i, case in enumerate(case for case in CASES if case[0] == optimizer and case[2]):
        uncut = network()
        histories = [train(uncut, case, 1, block) for block in blocks(tmp_path)]
        assert len(histories) == 6
        net = network()
        for done, block in enumerate(blocks(tmp_path)):
            assert train(net, case, 1, block) == histories[done]
            path = tmp_path / f"{i}-{done}.npz"
            net.save(path, trainer=True)
            net = Network.load(path)
            if done in (0, 4):
                jobs.append((case, path, done + 1))
                expected.append((uncut, histories[done + 1 :]))
        assert result(net, *histories) == result(uncut, *histories)
    results = in_a_new_process(go_on_with_blocks, jobs, tmp_path)
    assert results == [result(net, *histories) for net, histories in expected]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    function, jobs = pickle.loads((folder / "jobs").read_bytes())
    results = [globals()[function](*job) for job in jobs]
    (folder / "results").write_bytes(pickle.dumps((os.getpid(), results)))
