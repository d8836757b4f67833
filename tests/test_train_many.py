"""train_many: each network as its own train would have it, bit for bit, in any company."""

import re
import signal

import numpy as np
import pytest
import scipy.sparse
from common import chunks_of, every_dtype

from fastnn import Network, TrainingDivergedError, optimizers, schedules, train_many
from fastnn._training import together
from fastnn.callbacks import Callback, CSVLogger, EarlyStopping, ModelCheckpoint

ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu"]
SIZES = [(2, 2, 1), (8, 16, 1), (4, 5, 3), (3, 7, 9, 2), (1, 1), (5, 8, 8), (30, 4, 2), (6, 40, 3)]


def all_of(net, history):
    state = net._trainer.optimizer
    return (
        net._parameters.tobytes(), history.history, net._rng.bit_generator.state,
        net._trainer.time, net._trainer.lowest, net._trainer.stale,
        None if state is None else (state.block.tobytes(), state.record.tobytes()),
    )  # fmt: skip


def structure(rng):
    """Sizes, activation and loss, of which several networks may be."""
    sizes = SIZES[rng.integers(len(SIZES))]
    hidden = [ACTIVATIONS[i] for i in rng.integers(len(ACTIVATIONS), size=len(sizes) - 2)]
    loss = str(rng.choice(["mse", "mae", "huber", "bce", "cross_entropy"]))
    if loss == "cross_entropy" and sizes[-1] == 1:
        loss = "mse"
    last = {"bce": "sigmoid", "cross_entropy": "softmax"}.get(loss, str(rng.choice(ACTIVATIONS)))
    return sizes, [*hidden, last], loss


def targets(rng, n, n_outputs, loss):
    if loss == "cross_entropy":
        return rng.integers(n_outputs, size=n)
    return rng.random((n, n_outputs))


def random_settings(rng):
    """Of one network."""
    per_sample = rng.random() < 0.75
    return {
        "epochs": int(rng.choice([3, 7, 7, 7])),
        "learning_rate": rng.choice([0.01, 0.02, 0.05]) if rng.random() < 0.7
        else schedules.InverseTimeDecay(0.05, 0.3),
        "batch_size": 1 if per_sample else int(rng.choice([4, 16])),
        "shuffle": bool(rng.random() < 0.5),
        "optimizer": "sgd" if rng.random() < 0.7 else [optimizers.SGD(l2=0.01), "adam"][per_sample],
        "tol": 0.002 if rng.random() < 0.3 else None,
        "patience": int(rng.integers(1, 3)),
    }  # fmt: skip


@every_dtype
@pytest.mark.parametrize("seed", range(25))
def test_any_company_and_number_of_threads(seed, dtype):
    """Three lists that have the networks in another order, and others among them."""
    rng = np.random.default_rng([seed, 2018])
    sizes, activation, loss = structure(rng)
    n = int(rng.integers(3, 60))
    X, y = rng.normal(size=(n, sizes[0])), targets(rng, n, sizes[-1], loss)
    made = [
        Network(sizes, activation=activation, loss=loss, dtype=dtype, seed=i) for i in range(20)
    ]
    common = random_settings(rng)
    settings = [
        common if rng.random() < 0.8 else random_settings(rng) for _ in made
    ]  # fmt: skip
    expected = []
    for net, one in zip(made, settings, strict=True):
        lone = net.copy()
        expected.append(all_of(lone, lone.train(X, y, **one)))
    for n_threads, size in (1, 20), (2, 13), (3, 20):
        places = rng.permutation(20)[:size]
        nets = [made[i].copy() for i in places]
        each = {name: [settings[i][name] for i in places] for name in common}
        with chunks_of(int(rng.choice([0, 7, 50]))):
            histories = train_many(nets, X, y, **each, n_threads=n_threads)
        for i, net, history in zip(places, nets, histories, strict=True):
            assert all_of(net, history) == expected[i]


def test_lanes_are_taken(monkeypatch):
    """What the test above would be without."""
    rng = np.random.default_rng(0)
    seen, run = [], together.kernels.train_together
    monkeypatch.setattr(
        together.kernels, "train_together",
        lambda tasks, help: seen.extend((task[0], len(task[2])) for task in tasks)
        or run(tasks, help),
    )  # fmt: skip
    X, y = rng.normal(size=(9, 2)), rng.random(9)
    for dtype, n, expected in ("float32", 64, {(4, 32)}), ("float64", 3, {(1, 3)}), (
        "float64", 1, {(0, 1)},
    ):  # fmt: skip
        seen.clear()
        nets = [Network([2, 2, 1], dtype=dtype, seed=i) for i in range(n)]
        train_many(nets, X, y, epochs=3, learning_rate=0.1, n_threads=1)
        if together.kernels.LANES["d"] > 1:
            assert set(seen) == expected


def problem(n_networks=6, n=30, dtype="float64"):
    rng = np.random.default_rng(0)
    nets = [Network([4, 5, 1], dtype=dtype, seed=i) for i in range(n_networks)]
    return nets, rng.normal(size=(n, 4)), rng.random(n)


def test_each_has_its_own_data():
    nets, X, y = problem()
    rng = np.random.default_rng(1)
    rows = [rng.integers(30, size=25) for _ in range(3)] + [np.arange(30) % 2 == 0] * 3
    ys = [y + i for i in range(6)]
    weights = rng.random(30)
    for form in np.asarray, scipy.sparse.csr_array:
        mine, lone = [net.copy() for net in nets], [net.copy() for net in nets]
        found = train_many(
            mine, form(X), ys, epochs=4, learning_rate=0.1, samples=rows, sample_weight=weights,
            tol=0.0,
        )  # fmt: skip
        for i, net in enumerate(lone):
            history = net.train(
                form(X)[rows[i]], ys[i][rows[i]], epochs=4, learning_rate=0.1,
                sample_weight=weights[rows[i]], tol=0.0,
            )  # fmt: skip
            assert all_of(net, history) == all_of(mine[i], found[i])
            assert net._trainer.task == mine[i]._trainer.task


def test_class_numbers_of_samples():
    X, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3
    nets = [
        Network([4, 5, 3], activation=["tanh", "softmax"], loss="cross_entropy", seed=i)
        for i in range(5)
    ]
    lone = [net.copy() for net in nets]
    rows = np.arange(0, 30, 2)
    train_many(nets, X, y, epochs=3, learning_rate=0.1, samples=rows)
    for mine, net in zip(nets, lone, strict=True):
        net.train(X[rows], y[rows], epochs=3, learning_rate=0.1)
        assert net._parameters.tobytes() == mine._parameters.tobytes()


def test_callbacks_metrics_and_validation():
    nets, X, y = problem()
    seen = [[] for _ in nets]
    lone = [net.copy() for net in nets]
    callbacks = [
        [lambda net, epoch, logs, i=i: seen[i].append((epoch, logs["val_loss"]))] for i in range(6)
    ]
    stopping = [EarlyStopping(monitor="val_loss", patience=2) for _ in nets]
    found = train_many(
        nets, X, y, epochs=[8, 8, 8, 3, 8, 8], learning_rate=0.5, validation_data=(X, 1 - y),
        metrics=["mae"], callbacks=[[*callbacks[i], stopping[i]] for i in range(6)],
    )  # fmt: skip
    for i, net in enumerate(lone):
        history = net.train(
            X, y, epochs=3 if i == 3 else 8, learning_rate=0.5, validation_data=(X, 1 - y),
            metrics=["mae"], callbacks=EarlyStopping(monitor="val_loss", patience=2),
        )  # fmt: skip
        assert all_of(net, history) == all_of(nets[i], found[i])
        assert [loss for _, loss in seen[i]] == history.history["val_loss"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divergence_stops_nobody_else(dtype):
    nets, X, y = problem(dtype=dtype)
    nets = [
        Network([4, 5, 1], activation=["relu", "identity"], dtype=dtype, seed=i) for i in range(6)
    ]
    rates = [0.01, 1e30, 0.01, 0.01, 0.01, 1e20]
    lone = [net.copy() for net in nets]
    mine = [net.copy() for net in nets]
    with pytest.raises(
        TrainingDivergedError, match=r"^2 of 6 networks diverged, networks\[1\]"
    ) as e:
        train_many(nets, X, y, epochs=5, learning_rate=rates)
    histories = train_many(mine, X, y, epochs=5, learning_rate=rates, on_divergence="return")
    assert e.value.networks == (1, 5)
    for i, net in enumerate(lone):
        if i in e.value.networks:
            with pytest.raises(TrainingDivergedError) as alone:
                net.train(X, y, epochs=5, learning_rate=rates[i])
            history = alone.value.history
            assert i == 5 or str(alone.value) in str(e.value)
        else:
            history = net.train(X, y, epochs=5, learning_rate=rates[i])
        assert all_of(net, history) == all_of(nets[i], e.value.histories[i])
        assert all_of(net, history) == all_of(mine[i], histories[i])


def test_training_goes_on():
    nets, X, y = problem()
    lone = [net.copy() for net in nets]
    settings = {"learning_rate": schedules.CosineDecay(0.1, 10), "optimizer": "sgd", "tol": 0.0}
    train_many(nets, X, y, epochs=4, **settings)
    found = train_many([net.copy() for net in nets[:3]], X, y, epochs=3, **settings)
    for net in lone:
        net.train(X, y, epochs=4, **settings)
    for net, twin, history in zip(lone, nets, found, strict=False):
        assert net.train(X, y, epochs=3, **settings).history == history.history
        assert twin.train(X, y, epochs=3, **settings).history == history.history


@pytest.mark.usefixtures("_alarm")
@pytest.mark.parametrize("batch_size", [1, 8])
def test_ctrl_c_leaves_completed_steps(batch_size):
    nets, X, y = problem(12)
    settings = {"learning_rate": 0.01, "batch_size": batch_size}
    for delay in 0.02, 0.1:
        signal.setitimer(signal.ITIMER_REAL, delay)
        with pytest.raises(KeyboardInterrupt):
            train_many(nets, X, y, epochs=10**6, **settings, n_threads=2)
    found = train_many([net.copy() for net in nets], X, y, epochs=3, **settings)
    for net, history in zip(nets, found, strict=True):
        assert net.train(X, y, epochs=3, **settings).history == history.history


def test_an_error_of_a_callback_ends_all():
    nets, X, y = problem()

    def fail(net, epoch, logs):
        if epoch == 2:
            raise ZeroDivisionError

    each = [[fail] if i == 3 else [lambda *_: None] for i in range(6)]
    with pytest.raises(ZeroDivisionError):
        train_many(nets, X, y, epochs=5, learning_rate=0.1, callbacks=each)
    for net in nets:  # which can be trained
        net.train(X, y, epochs=1, learning_rate=0.1)


def test_what_is_refused_before_anything_starts():
    nets, X, y = problem()
    before = [net._parameters.tobytes() for net in nets]
    settings = {"epochs": 2, "learning_rate": 0.1}
    with pytest.raises(ValueError, match=r"^networks must each be there once, but networks\[6\]"):
        train_many([*nets, nets[2]], X, y, **settings)
    with pytest.raises(TypeError, match=r"^networks\[1\] must be a fastnn.Network, got"):
        train_many([nets[0], "net"], X, y, **settings)
    with pytest.raises(TypeError, match=r"^networks must be"):
        train_many(nets[0], X, y, **settings)
    with pytest.raises(ValueError, match=r"^learning_rate must be for all networks, or a list"):
        train_many(nets, X, y, epochs=2, learning_rate=[0.1, 0.2])
    with pytest.raises(ValueError, match=r"^y must be for all networks.*an array is for all"):
        train_many(nets, X, y.tolist(), **settings)
    with pytest.raises(ValueError, match=r"^learning_rate must") as raised:
        train_many(nets, X, y, epochs=2, learning_rate=[0.1] * 5 + [-1])
    assert raised.value.__notes__ == [
        "This is for networks[5]; a list has one value for each network."
    ]
    for wrong in [[0, 30]], [[-1]], [[0.5]], [[]], [[True, False]]:
        with pytest.raises(ValueError, match=r"^samples must be"):
            train_many(nets[:1], X, y, **settings, samples=wrong)
    with pytest.raises(ValueError, match=r"^samples must be .* an array is for all networks"):
        train_many(nets[:1], X, y, **settings, samples=np.array(3))
    pairs = [(np.arange(20), np.arange(20, 30)), (np.arange(10), np.arange(10, 30))]
    with pytest.raises(ValueError, match=r"^samples must .*take the first of each"):
        train_many(nets[:2], X, y, **settings, samples=pairs)
    for several in {"callbacks": [print] * 6}, {"metrics": ["mae"] * 6}:
        with pytest.raises(ValueError, match=r"^(callbacks|metrics) could be for all networks"):
            train_many(nets, X, y, **settings, **several)
    with pytest.raises(ValueError, match=r"^on_divergence must be"):
        train_many(nets, X, y, **settings, on_divergence="ignore")
    with pytest.raises(TypeError, match="has no argument 'lr'"):
        train_many(nets, X, y, epochs=2, lr=0.1)
    refused = []

    def train_all(net, epoch, logs):
        with pytest.raises(RuntimeError, match=r"work on a copy of it, .* or wait until"):
            train_many(nets, X, y, **settings)
        refused.append(epoch)

    lone = nets[4].copy()
    nets[4].train(X, y, **settings, callbacks=train_all)
    lone.train(X, y, **settings)
    assert refused == [0, 1]
    before[4] = lone._parameters.tobytes()
    assert [net._parameters.tobytes() for net in nets] == before


def test_none_and_nothing():
    nets, X, y = problem()
    assert train_many([], X, y, epochs=3, learning_rate=0.1) == []
    assert [len(one.epoch) for one in train_many(nets, X, y, epochs=0, learning_rate=0.1)] == [
        0
    ] * 6


def test_many_take_turns(monkeypatch):
    """In waves, where all at once would take much memory."""
    monkeypatch.setattr(together, "NETWORKS_AT_ONCE", 3)
    nets, X, y = problem(10)
    lone = [net.copy() for net in nets]
    found = train_many(nets, X, y, epochs=3, learning_rate=0.1, n_threads=1)
    for net, twin, history in zip(nets, lone, found, strict=True):
        assert all_of(twin, twin.train(X, y, epochs=3, learning_rate=0.1)) == all_of(net, history)


def test_a_bar_for_all(capsys):
    pytest.importorskip("tqdm")
    nets, X, y = problem()
    found = train_many(nets, X, y, epochs=[1, 2, 3, 4, 5, 5], learning_rate=0.1, progress=True)
    shown = capsys.readouterr().err
    assert "20/20" in shown
    mean = np.mean([history.history["loss"][-1] for history in found])
    assert float(re.findall(r"loss[= ]([\d.e-]+)", shown)[-1]) == pytest.approx(mean, rel=1e-3)


def test_divergence_in_a_later_chunk():
    """Where a chunk of the lone network ends with a block of samples, to which it goes back."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(39, 5)), rng.random(39)
    for sizes in (5, 12, 1), (5, 3, 1):
        nets = [
            Network(sizes, activation=["relu", "identity"], dtype="float32", seed=i)
            for i in range(9)
        ]
        settings = {"epochs": 30, "tol": 0.0, "patience": 100}
        for chunk in 33, 50, 100, 200:
            with chunks_of(chunk):
                mine = [net.copy() for net in nets]
                found = train_many(
                    mine, X, y, **settings, on_divergence="return",
                    learning_rate=lambda epoch: 1e-3 if epoch < 17 else 1e30,
                )  # fmt: skip
                lone = nets[4].copy()
                with pytest.raises(TrainingDivergedError) as alone:
                    lone.train(
                        X, y, **settings, learning_rate=lambda epoch: 1e-3 if epoch < 17 else 1e30
                    )
            assert all_of(lone, alone.value.history) == all_of(mine[4], found[4])


def test_sparse_rows_without_numbers():
    nets, _, y = problem()
    empty = scipy.sparse.csr_array((30, 4))
    lone = nets[0].copy()
    train_many(nets, empty, y, epochs=2, learning_rate=0.1, samples=np.arange(7))
    lone.train(empty[:7], y[:7], epochs=2, learning_rate=0.1)
    assert lone._parameters.tobytes() == nets[0]._parameters.tobytes()


def test_nothing_in_a_list():
    nets, X, y = problem()
    train_many(nets, X, y, epochs=1, learning_rate=0.1, callbacks=[], metrics=[])
    with pytest.raises(ValueError, match=r"^validation_data must .*a tuple \(X, y\) is for all"):
        train_many(
            nets, X, y, epochs=1, learning_rate=0.1, validation_data=[X.tolist(), y.tolist()]
        )


def test_parameters_of_a_neighbour_as_data():
    """Are as they are before anybody learns."""
    nets = [Network([8, 8, 1], seed=seed) for seed in (7, 8)]
    y = np.random.default_rng(0).random(8)
    lone = [net.copy() for net in nets]
    X = nets[1]._parameters[:64].reshape(8, 8)
    before = X.copy()
    with chunks_of(40):
        train_many(nets, X, y, epochs=100, learning_rate=0.1)
    for net, twin in zip(nets, lone, strict=True):
        twin.train(before, y, epochs=100, learning_rate=0.1)
        assert net._parameters.tobytes() == twin._parameters.tobytes()


def test_errors_and_warnings_after_the_start():
    """Say which network, and point to the line of the call."""
    nets, X, y = problem()
    rates = [0.1, 0.1, lambda epoch: -1.0, 0.1, 0.1, 0.1]
    with pytest.raises(ValueError, match=r"^learning_rate\(0\)") as raised:
        train_many(nets, X, y, epochs=2, learning_rate=rates)
    assert raised.value.__notes__ == ["This is for networks[2]."]
    with pytest.warns(UserWarning, match="epochs change nothing") as caught:
        train_many(nets[:1], X, y, epochs=9, learning_rate=schedules.CosineDecay(0.1, 3))
    assert caught[0].filename == __file__


class Diverges(Callback):
    def on_train_begin(self, net):
        raise TrainingDivergedError("of the user's own")


def test_an_error_of_the_users_own_before_the_first_lap():
    nets, X, y = problem()
    with pytest.raises(TrainingDivergedError, match="own"):
        nets[0].train(X, y, epochs=2, learning_rate=0.1, callbacks=Diverges())
    with pytest.raises(TrainingDivergedError, match="own"):
        train_many(nets, X, y, epochs=2, learning_rate=0.1, callbacks=Diverges())


def test_a_file_for_each_network(tmp_path):
    X, y = np.zeros((4, 2)), np.zeros(4)
    nets = [Network([2, 2, 1], seed=seed) for seed in range(3)]
    before = [net._parameters.tobytes() for net in nets]
    for callback in ModelCheckpoint(tmp_path / "a.npz", monitor="loss"), CSVLogger(tmp_path / "a"):
        with pytest.raises(ValueError, match=r"networks\[0\] and networks\[1\] have the same path"):
            train_many(nets, X, y, epochs=2, learning_rate=0.1, callbacks=callback)
    assert [net._parameters.tobytes() for net in nets] == before
    assert not [*tmp_path.iterdir()]


def test_what_is_for_all_is_about_no_network():
    nets = [Network([2, 2, 1], seed=seed) for seed in range(3)]
    with pytest.raises(ValueError, match=r"X must be finite") as raised:
        train_many(nets, np.full((4, 2), np.nan), np.zeros(4), epochs=2, learning_rate=0.1)
    assert not getattr(raised.value, "__notes__", None)
