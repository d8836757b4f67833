"""Arrays that somebody else writes into, or that are the network's own: numbers, or an error."""

import contextlib
import subprocess
import sys
import threading

import numpy as np
import pytest
from common import every_dtype
from random_networks import bits, parameters
from scipy.sparse import csr_array

from fastnn import Network
from fastnn._core import kernels
from fastnn.optimizers import SGD


@pytest.fixture
def before(monkeypatch):
    """Do something at the last moment before a kernel is called, as another thread may."""

    def do(name, change):
        kernel = getattr(kernels, name)

        def changed(*arguments):
            change()
            return kernel(*arguments)

        monkeypatch.setattr(kernels, name, changed)

    return do


def csr(rows):
    """With arrays of the types that kernels want, which would need no copy."""
    X = csr_array(np.asarray(rows, float))
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.intp)
    return X


# Written by others


TARGETS_CHANGE = """
import threading
import numpy as np
from fastnn import Network
rng = np.random.default_rng(0)
X, y = rng.random((64, 20)), rng.random((64, 1))
net, ends = Network([20, 128, 1], seed=0), []
def write():
    while not ends:
        y[:] = 5
        y[:] = -5
writer = threading.Thread(target=write)
writer.start()
for _ in range(80):
    net.train(X, y, epochs=50, learning_rate=1e-6, tol=0.0, patience=2, n_threads=2, shuffle=False)
ends.append(1)
writer.join()
"""


@pytest.mark.unwatched
def test_targets_that_stop_one_thread_and_not_the_other():
    """They read them at different moments, and must stop together; a hang ends nothing but this."""
    subprocess.run([sys.executable, "-P", "-c", TARGETS_CHANGE], check=True, timeout=100)


@every_dtype
@pytest.mark.parametrize("n_numbers", [0, 5, 64])
def test_dense_rows_between_counting_and_compressing(n_numbers, dtype, before):
    """64 inputs of which one is not zero, as long as they are counted."""
    X = np.zeros((50, 64), dtype)
    X[:, 0] = 1
    net = Network([64, 30, 1], dtype=dtype, seed=0)

    def change():
        X[:] = 0
        X[:, :n_numbers] = 1

    before("compress", change)
    net.train(X, np.zeros(50), epochs=2, learning_rate=0.01)
    assert all(np.isfinite(array).all() for array in parameters(net))


@every_dtype
@pytest.mark.parametrize("n_places", [0, 1, 3, 63, 64, 65])
def test_rows_keep_to_their_places(n_places, dtype):
    """Which were counted when they had fewer numbers."""
    n_in = 200
    X = np.ones((2, n_in), dtype)
    starts = np.arange(3) * n_places
    columns, values = np.full(3 * n_in, -7, np.int32), np.full(3 * n_in, -7, dtype)
    kernels.compress(X, starts, columns, values)
    n = 2 * n_places
    np.testing.assert_array_equal(columns[:n], np.tile(np.arange(n_places), 2))
    np.testing.assert_array_equal(values[:n], 1)
    assert (columns[n:] == -7).all()
    assert (values[n:] == -7).all()


def test_dense_rows_while_a_kernel_runs():
    """The tests' builds that watch memory see what goes beyond it."""
    X = np.zeros((2000, 64))
    X[:, 0] = 1
    ends = threading.Event()

    def write():
        while not ends.is_set():
            X[:, 1:] = 1
            X[:, 1:] = 0

    thread = threading.Thread(target=write)
    thread.start()
    try:
        net = Network([64, 30, 1], seed=0)
        for _ in range(60):
            net.train(X, np.zeros(2000), epochs=1, learning_rate=0.01)
    finally:
        ends.set()
        thread.join()
    assert np.isfinite(net.weights[0]).all()


ROWS = [[0.0, 1, 0], [2, 0, 3], [0, 0, 0], [4, 5, 6]]
Y = [[1.0], [0], [1], [0]]


@pytest.mark.parametrize("part", ["indices", "indptr"])
@pytest.mark.parametrize("value", [2_000_000_000, -5])
@pytest.mark.parametrize(
    ("kernel", "call"),
    [
        ("train", lambda net, X: net.train(X, Y, epochs=2, learning_rate=0.1)),
        ("feedforward", lambda net, X: net.feedforward(X)),
        ("loss", lambda net, X: net.evaluate(X, Y)),
        ("gradients", lambda net, X: net.gradients(X, Y)),
    ],
)
def test_columns_and_starts_of_rows_after_their_check(kernel, call, value, part, before):
    """Kernels have copies of what they use as addresses."""
    X = csr(ROWS)
    array = getattr(X, part)
    good = array.copy()
    expected = Network([3, 4, 1], seed=0), Network([3, 4, 1], seed=0)
    call(expected[0], csr(ROWS))
    before(kernel, lambda: array.fill(value))
    call(expected[1], X)
    assert (array == value).all()
    assert not np.array_equal(array, good)
    assert [one.tobytes() for one in parameters(expected[0])] == [
        one.tobytes() for one in parameters(expected[1])
    ]


@every_dtype
@pytest.mark.parametrize("number", [3, -1])
def test_targets_that_a_metric_overwrites(number, dtype):
    """It may get y itself, but no class numbers that are addresses in a kernel."""

    def metric(y, outputs):
        while isinstance(y, np.ndarray):
            with contextlib.suppress(ValueError):  # not everything can be made writable
                y.flags.writeable = True
                y[...] = number
            y = y.base
        return 0.0

    for activation, loss, n in (("softmax", "cross_entropy", 3), ("sigmoid", "mse", 1)):
        net = Network([2, n], activation=activation, loss=loss, dtype=dtype, seed=0)
        data = np.ones((4, 2), dtype), np.array([0, 1, 0, 1], dtype)
        options = {"epochs": 3, "learning_rate": 0.1, "validation_data": data}
        history = net.train(*data, metrics=metric, **options)
        assert np.isfinite(history.history["val_loss"]).all()
        if loss == "cross_entropy":
            twin = Network([2, n], activation=activation, loss=loss, dtype=dtype, seed=0)
            assert twin.train(*data, **options).history["loss"] == history.history["loss"]


# Indices that are none

WRONG_STARTS = [
    [0, 1, 2, -(2**63)],
    [0, 2**62, -(2**62) - 1, -(2**62)],
    [0, 1, 2, 2**63 - 1],
    [0, 2, 1, 3],
    [1, 1, 2, 3],
    np.array([0, 1, 2, 2**63], np.uint64),
    np.array([0, 2**63, 2, 3], np.uint64),
    [0, 1, 2.5, 3],
    [0, 1, 2, np.nan],
    [0, 1, 2],
    [[0, 1, 2, 3]],
]
WRONG_COLUMNS = [
    [0, 1, 2**32],
    [0, 1, 2**32 + 1],
    [0, 1, -(2**32) + 1],
    [0, 1, -1],
    [0, 1, 3],
    [0, 1, 1.5],
    [0, 1, np.inf],
    np.array([0, 1, 2**63], np.uint64),
    [[0, 1, 2]],
]


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        *(("indptr", wrong) for wrong in WRONG_STARTS),
        *(("indices", wrong) for wrong in WRONG_COLUMNS),
    ],
    ids=str,
)
def test_indices_that_are_no_places(part, wrong):
    X = csr(np.eye(3))
    setattr(X, part, np.array(wrong))
    net = Network([3, 4, 1], seed=0)
    y = np.ones(3)
    for call in (
        lambda: net.feedforward(X),
        lambda: net.evaluate(X, y),
        lambda: net.gradients(X, y),
        lambda: net.train(X, y, epochs=1, learning_rate=0.1),
    ):
        with pytest.raises(ValueError, match="X must be a valid CSR array"):
            call()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint64", "float64", ">i4"])
def test_indices_of_another_type(dtype):
    X, other = csr(ROWS), csr(ROWS)
    other.indices, other.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    net = Network([3, 4, 1], seed=0)
    assert net.feedforward(other).tobytes() == net.feedforward(X).tobytes()


# A column that stands in a row twice


def twice(rng, n, n_inputs):
    """A CSR array of whole numbers with columns that stand twice, and the same rows, dense."""
    counts = rng.integers(0, 2 * n_inputs, n)
    starts = np.concatenate([[0], np.cumsum(counts)])
    columns = rng.integers(n_inputs, size=starts[-1])
    X = csr_array((rng.integers(-3, 4, starts[-1]), columns, starts), shape=(n, n_inputs))
    return X, X.toarray().astype(float)


@pytest.mark.parametrize("l2", [0, 0.01])
@pytest.mark.parametrize("batch_size", [1, 7])
def test_columns_that_stand_twice_are_summed(batch_size, l2):
    for seed in range(20):
        X, rows = twice(np.random.default_rng(seed), 40, 6)
        y = np.random.default_rng(seed).normal(size=40)
        nets = [Network([6, 5, 1], activation="tanh", seed=0) for _ in range(2)]
        found = [
            bits(
                net,
                net.train(
                    data, y, epochs=3, learning_rate=0.01, batch_size=batch_size, form="zero_skip",
                    optimizer=SGD(l2=l2),
                ),
            )
            for net, data in zip(nets, (X, rows), strict=True)
        ]  # fmt: skip
        np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-13)
        for a, b in zip(parameters(nets[0]), parameters(nets[1]), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(
            nets[0].feedforward(X), nets[0].feedforward(rows), rtol=1e-13, atol=1e-15
        )


def test_a_sum_that_is_infinite_is_refused():
    X = csr_array((np.array([1e308, 1e308]), np.array([1, 1]), np.array([0, 2])), shape=(1, 3))
    with pytest.raises(ValueError, match=r"X\.data must be finite"):
        Network([3, 1]).feedforward(X)


def test_columns_in_another_order_are_left_alone():
    X = csr_array((np.array([2.0, 1]), np.array([2, 0]), np.array([0, 2])), shape=(1, 3))
    net = Network([3, 4, 1], seed=0)
    net.train(X, [1.0], epochs=3, learning_rate=0.1)
    assert X.indices.tolist() == [2, 0]
    np.testing.assert_allclose(net.feedforward(X), net.feedforward(X.toarray()), rtol=1e-13)


# The network's own arrays


@pytest.mark.parametrize("n", [1, 2, 100])
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_out_that_overlaps_X(n, n_threads, shift):
    buffer = np.random.default_rng(0).normal(size=(n + 2, 4))
    net = Network([4, 4], seed=0)
    X, out = buffer[1 : n + 1], buffer[1 + shift :][:n]
    expected = net.feedforward(X.copy())
    assert net.feedforward(X, out=out, n_threads=n_threads) is out
    assert out.tobytes() == expected.tobytes()


def test_out_of_one_sample_that_overlaps_it():
    x = np.random.default_rng(0).normal(size=6)
    net = Network([4, 4], seed=0)
    expected = net.feedforward(x[1:5].copy())
    assert net.feedforward(x[1:5], out=x[2:6]).tobytes() == expected.tobytes()


def test_out_that_overlaps_the_numbers_of_a_csr_array():
    X = csr(np.eye(4) + 1)
    net = Network([4, 4], seed=0)
    expected = net.feedforward(X)
    out = X.data.reshape(4, 4)
    net.feedforward(X, out=out)
    assert out.tobytes() == expected.tobytes()


def test_out_that_is_the_weights_is_refused():
    net = Network([4, 4], seed=0)
    before_call = [array.tobytes() for array in parameters(net)]
    X = np.ones((4, 4))
    for x, out in ((X, net.weights[0]), (X[0], net.weights[0][1]), (X[0], net.biases[0])):
        with pytest.raises(ValueError, match="out must not be the weights or biases of the net"):
            net.feedforward(x, out=out)
    assert [array.tobytes() for array in parameters(net)] == before_call


@every_dtype
@pytest.mark.parametrize("batch_size", [1, 3])
def test_data_that_are_the_weights_are_as_their_copies(batch_size, dtype):
    def trained_on(take):
        net = Network([4, 4], activation="tanh", dtype=dtype, seed=0)
        W, b = net.weights[0], net.biases[0]
        options = {"epochs": 5, "learning_rate": 0.5, "batch_size": batch_size}
        history = net.train(
            take(W), take(np.broadcast_to(b, W.shape)), validation_data=(take(W), take(W)),
            callbacks=lambda *_: None, **options,
        )  # fmt: skip
        validation = history.history["val_loss"]
        net.train(csr_array((take(W).ravel(), *indices_of(W)), shape=W.shape), take(W), **options)
        losses = [net.update(take(W[0]), take(b), 0.5), net.update(take(b), take(W[:, 0]), 0.5)]
        return bits(net, history), validation, losses

    assert trained_on(lambda array: array) == trained_on(np.array)


def indices_of(W):
    """Of a CSR array that holds all of W."""
    n, m = W.shape
    return np.tile(np.arange(m, dtype=np.int32), n), np.arange(0, n * m + 1, m)
