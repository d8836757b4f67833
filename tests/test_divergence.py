"""Training that runs away is stopped with advice, and leaves finite parameters."""

import gc
import weakref

import numpy as np
import pytest
from scipy.sparse import csr_array

from fastnn import Network, TrainingDivergedError, train_many
from fastnn._core import kernels
from fastnn._training import course
from fastnn.sklearn import MLPRegressor, fit_many


def one_input(dtype="float64"):
    """z = x + 1; with y = 0 and loss z², a step on x = 1 multiplies z by 1 - 4 eta."""
    return Network.from_parameters(
        [np.ones((1, 1), dtype)], [np.ones(1, dtype)], activation="identity"
    )


def parameters(net):
    return np.concatenate([array.ravel() for array in (*net.weights, *net.biases)])


def in_order(net, epochs, eta, X=((1,),), y=(0,), **settings):
    return net.train(X, y, epochs=epochs, learning_rate=eta, shuffle=False, **settings)


# z is 2, 2e30, ..., 2e150 in float64 and 2, 2e10 in float32; the next z² is infinite.
RUNAWAYS = [("float64", 2.5e29, 6), ("float32", 2.5e9, 2)]


@pytest.mark.parametrize(("dtype", "eta", "epoch"), RUNAWAYS)
@pytest.mark.parametrize("batch_size", [1, 2])
def test_the_message_names_epoch_learning_rate_and_remedy(dtype, eta, epoch, batch_size):
    where = f"diverged in epoch {epoch}, step 1, at learning_rate={eta}"
    expected = f"{where}: .* last finite loss was .* smaller learning_rate"
    X, y = np.ones((batch_size, 1)), np.zeros(batch_size)
    with pytest.raises(TrainingDivergedError, match=expected.replace("+", r"\+")):
        in_order(one_input(dtype), 50, eta, X, y, batch_size=batch_size)


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_the_message_names_the_largest_numbers(kind):
    X, y = kind([[1.0, 0.0], [0.0, -40_000.0], [3.0, 2.0]]), [0.5, -0.25, 0.1]
    with pytest.raises(
        TrainingDivergedError, match=r"given \|x\| up to 4e\+04 and \|y\| up to 0.5"
    ):
        Network([2, 1], activation="identity", seed=0).train(X, y, epochs=99, learning_rate=0.1)


def test_the_message_names_no_numbers_that_are_classes():
    net = Network([1, 30], activation="softmax", loss="cross_entropy", seed=0)
    with pytest.raises(TrainingDivergedError, match=r"given \|x\| up to 1e\+300\. Scale inputs to"):
        net.train([[1e300], [-1e300]], [29, 3], epochs=9, learning_rate=1e10)


def test_a_mapped_file_is_not_read_anew(tmp_path):
    X = np.memmap(tmp_path / "X", np.float64, "w+", shape=(3, 1))
    X[:] = 1e200
    with pytest.raises(TrainingDivergedError, match=r"last finite parameters\. Use a smaller"):
        Network([1, 1], activation="identity", seed=0).train(
            X, [1, 2, 3], epochs=9, learning_rate=1
        )


def test_it_is_a_value_error():
    assert issubclass(TrainingDivergedError, ValueError)


@pytest.mark.parametrize(("dtype", "eta", "epoch"), RUNAWAYS)
@pytest.mark.parametrize("chunk", [1, 2, 4, 5, 10**6])
def test_parameters_are_those_at_the_start_of_the_last_chunk(chunks_have, dtype, eta, epoch, chunk):
    chunks_have(chunk)
    net, kept = one_input(dtype), one_input(dtype)
    in_order(kept, epoch // chunk * chunk, eta)
    with pytest.raises(TrainingDivergedError, match=f"epoch {epoch}, "):
        in_order(net, 50, eta)
    assert np.isfinite(parameters(net)).all()
    assert parameters(net).tobytes() == parameters(kept).tobytes()


def test_a_chunk_within_an_epoch(chunks_have):
    """Chunks end after the second and the fourth sample, whose loss is infinite and alone is."""
    chunks_have(2)
    X, y = [[1], [2], [3], [1], [1], [2]], [0, 0, 0, 1e200, 0, 0]
    net, kept = one_input(), one_input()
    in_order(kept, 1, 0.1, X[:2], y[:2])
    with pytest.raises(TrainingDivergedError, match="epoch 0, "):
        in_order(net, 3, 0.1, X, y)
    assert parameters(net).tobytes() == parameters(kept).tobytes()


def test_a_network_that_diverged_can_be_trained():
    net = one_input()
    with pytest.raises(TrainingDivergedError):
        in_order(net, 50, 2.5e29)
    losses = in_order(net, 50, 0.1).history["loss"]
    assert losses[0] == 4.0
    assert losses[-1] < 1e-6


def relu():
    """z = 1 - infinity after the first step; relu makes 0 of it, and mae has come to its 0."""
    net = Network.from_parameters(
        [[[1.0]], [[10.0]]], [[0.0], [0.0]], activation=["relu", "identity"], loss="mae"
    )
    return net, [[1.0]], [-1e308], 1e308


def sigmoid():
    """z = 0 with weights that nearly overflow; then one of them is infinite, and a = 1."""
    net = Network.from_parameters([[[1.79e308], [-1.79e308]]], [[0.0]], activation="sigmoid")
    return net, [[1.0, 1.0]], [1.0], 1e308


def step():
    """The first step makes an infinite weight, with which the sample is classified rightly."""
    net = Network.from_parameters([[[-1.0]]], [[0.0]], activation="step")
    return net, [[1e300]], [1.0], 1e10


@pytest.mark.parametrize("case", [relu, sigmoid, step])
def test_parameters_that_the_loss_does_not_show(monkeypatch, case):
    net, X, y, eta = case()
    before = parameters(net)
    expected = r"epoch 0, step 1, .* parameter is no longer finite"
    with pytest.raises(TrainingDivergedError, match=expected):
        in_order(net, 5, eta, X, y)
    assert parameters(net).tobytes() == before.tobytes()

    losses = []
    train = kernels.train

    def noting(*arguments):
        place = train(*arguments)
        losses.append(arguments[11].item())
        return place

    monkeypatch.setattr(kernels, "train", noting)
    with pytest.raises(TrainingDivergedError):
        in_order(net, 1, eta, X, y)
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("case", [relu, sigmoid, step])
def test_update(case):
    net, X, y, eta = case()
    before = parameters(net)
    with pytest.raises(TrainingDivergedError, match=r"epoch 0, .* smaller learning_rate"):
        net.update(X[0], y[0], eta)
    assert parameters(net).tobytes() == before.tobytes()


# Whatever comes in between


def runaway():
    """A problem that diverges in its first epoch, after some hundred steps."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2000, 40)) * 3, rng.normal(size=(2000, 1)) * 100
    net = Network([40, 30, 1], activation=["relu", "identity"], seed=0)
    return net, X, y


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("call", range(5))
def test_an_error_while_training_diverges(call, error, monkeypatch):
    """Right after a call of the kernel: the first one that is not finite, and of the search."""
    net, X, y = runaway()
    twin = net.copy()
    train = kernels.train
    calls = 0

    def failing(*arguments):
        nonlocal calls
        place = train(*arguments)
        if place or calls:
            calls += 1
        if calls == call + 1:
            raise error
        return place

    monkeypatch.setattr(kernels, "train", failing)
    with pytest.raises(error):
        in_order(net, 1, 0.001, X, y)
    monkeypatch.undo()
    found = parameters(net)
    assert np.isfinite(found).all()
    done = 0
    while found.tobytes() != parameters(twin).tobytes():  # until it diverges itself
        in_order(twin, 1, 0.001, X[done : done + 1], y[done : done + 1])
        done += 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_error_before_the_search(error, monkeypatch):
    net, X, y = runaway()
    before = parameters(net)

    def failing(*arrays):
        raise error

    monkeypatch.setattr(course, "copies", failing)
    with pytest.raises(error):
        in_order(net, 1, 0.001, X, y)
    assert parameters(net).tobytes() == before.tobytes()


@pytest.mark.parametrize("chunk", [6, 7, 500, 10**6])
def test_the_search_ends_when_it_finds_nothing(chunk, monkeypatch, chunks_have):
    """X is NaN for a moment, as another thread may write it."""
    chunks_have(chunk)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 4)), rng.normal(size=300)
    net = Network([4, 3, 1], activation="tanh", seed=0)
    train = kernels.train
    calls = 0

    def changing(*arguments):
        nonlocal calls
        calls += 1
        number = X[5, 0]
        if calls == 1:
            X[5, 0] = np.nan
        place = train(*arguments)
        X[5, 0] = number
        return place

    monkeypatch.setattr(kernels, "train", changing)
    before = parameters(net)
    with pytest.raises(TrainingDivergedError, match="training diverged: the loss"):
        net.train(X, y, epochs=3, learning_rate=0.01, shuffle=False)
    assert parameters(net).tobytes() == before.tobytes()
    monkeypatch.undo()
    net.train(X, y, epochs=3, learning_rate=0.01)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_weights_that_are_not_finite_are_blamed(optimizer, number):
    for where in ("weights", "biases"):
        net = Network([4, 3, 1], activation="tanh", seed=0)
        array = getattr(net, where)[1]
        array[(0,) * array.ndim] = number
        before = parameters(net)
        place = "row 0, column 0" if where == "weights" else "place 0"
        expected = rf"{where}\[1\] must be finite, got {number} in {place}"
        with pytest.raises(ValueError, match=expected) as found:
            net.train(np.ones((9, 4)), np.ones(9), epochs=2, learning_rate=0.1, optimizer=optimizer)
        assert type(found.value) is ValueError
        if np.isnan(number):  # tanh makes a number of an infinite z, and of what comes from it
            with pytest.raises(ValueError, match=expected):
                net.update(np.ones(4), 1.0, 0.1)
        assert parameters(net).tobytes() == before.tobytes()


# What an error has


def interrupt(net, epoch, logs):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "train",
    [
        lambda net, X, y: net.train(X, y, epochs=9, learning_rate=1e300),
        lambda net, X, y: train_many([net, net.copy()], X, y, epochs=9, learning_rate=1e300),
        lambda net, X, y: net.update(X[0], y[0], 1e300, "adam"),
        lambda net, X, y: net.train(X, y, epochs=9, learning_rate=0.1, callbacks=interrupt),
        lambda net, X, y: MLPRegressor(solver="sgd", learning_rate_init=1e300).fit(X, y),
        lambda net, X, y: MLPRegressor(early_stopping=True, validation_fraction=1e-9).fit(X, y),
        lambda net, X, y: fit_many([MLPRegressor(solver="sgd", learning_rate_init=1e300)], X, y),
    ],
)
def test_no_data_live_on_with_an_error(train):
    """Not even until garbage is collected."""
    net = Network([4, 5, 1], activation="identity", seed=0)
    X, y = np.full((60, 4), 1e150), np.ones(60)
    alive = weakref.ref(X)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises((TrainingDivergedError, KeyboardInterrupt, ValueError)) as raised:
            train(net, X, y)
        del X, y, raised
        assert alive() is None
    finally:
        gc.enable()
