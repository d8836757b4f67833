"""A scipy.sparse array in place of X gives what its dense rows give."""

import pickle
import re

import numpy as np
import pytest
from common import every_dtype

from fastnn import Network

sparse = pytest.importorskip("scipy.sparse")

N = 45  # samples: a block of 32, and a part of one


def make(dtype, layer_sizes=(30, 11, 3)):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, layer_sizes[0])).astype(dtype)
    X[rng.random(X.shape) < 0.8] = 0
    X[0], X[1], X[-1] = 0, 1, 0
    return Network(layer_sizes, activation="tanh", dtype=dtype, seed=0), X, rng.uniform(size=(N, 3))


def with_wide_indices(X):
    X = sparse.csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def with_stored_zeros(X):
    """Half of what is zero is stored, too."""
    stored = (X != 0) | (np.random.default_rng(1).random(X.shape) < 0.5)
    compressed = sparse.csr_array(np.where(stored, 1, 0).astype(X.dtype))
    compressed.data = X[stored]
    return compressed


def with_columns_backwards(X):
    compressed = sparse.csr_array(X)
    for start, end in zip(compressed.indptr, compressed.indptr[1:], strict=False):
        for array in (compressed.indices, compressed.data):
            array[start:end] = array[start:end][::-1].copy()
    return compressed


def with_numbers_in_parts(X):
    """Each number is the sum of two in the same place."""
    compressed = sparse.csr_array(X)
    columns, values = (np.repeat(array, 2) for array in (compressed.indices, compressed.data / 2))
    return sparse.csr_array((values, columns, 2 * compressed.indptr), X.shape)


def read_only(X):
    compressed = sparse.csr_array(X)
    for array in (compressed.data, compressed.indices, compressed.indptr):
        array.flags.writeable = False
    return compressed


SAME_BITS = [sparse.csr_array, sparse.csr_matrix, with_wide_indices, read_only]
SAME_NUMBERS = [with_stored_zeros, with_columns_backwards, with_numbers_in_parts]


@every_dtype
@pytest.mark.parametrize("batch_size", [1, 20, N])
@pytest.mark.parametrize("compressed", SAME_BITS + SAME_NUMBERS)
def test_training(compressed, batch_size, dtype):
    net, X, y = make(dtype)
    twin = net.copy()
    given = compressed(X)
    before = pickle.dumps((given.data, given.indices, given.indptr))
    options = {"epochs": 2, "learning_rate": 0.1, "batch_size": batch_size}
    losses = net.train(X, y, form="zero_skip", **options).history["loss"]
    of_compressed = twin.train(given, y, **options).history["loss"]
    assert pickle.dumps((given.data, given.indices, given.indptr)) == before
    if compressed in SAME_BITS:
        assert of_compressed == losses
        assert twin._parameters.tobytes() == net._parameters.tobytes()
    rounding = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(of_compressed, losses, rtol=rounding)
    np.testing.assert_allclose(twin._parameters, net._parameters, rtol=0, atol=rounding)


@every_dtype
@pytest.mark.parametrize("compressed", SAME_BITS + SAME_NUMBERS)
def test_without_training(compressed, dtype):
    net, X, y = make(dtype)
    given = compressed(X)
    rounding = {"rtol": 0, "atol": 100 * np.finfo(dtype).eps}
    outputs = net.feedforward(given)
    np.testing.assert_allclose(outputs, net.feedforward(X), **rounding)
    for i in range(N):
        assert net.feedforward(given[[i]]).tobytes() == outputs[i].tobytes()
    np.testing.assert_allclose(net.evaluate(given, y), net.evaluate(X, y), **rounding)
    of_both = zip(net.gradients(given, y), net.gradients(X, y), strict=True)
    for of_compressed, of_rows in of_both:
        for g, g_of_rows in zip(of_compressed, of_rows, strict=True):
            np.testing.assert_allclose(g, g_of_rows, **rounding)
    assert net.check_gradients(given, y) < 1e-7


@pytest.mark.parametrize("dtype", ["int8", "bool", "float32", ">f8", "longdouble"])
def test_numbers_of_other_types(dtype):
    net, X, y = make("float64")
    X = (X > 0).astype(dtype)
    twin = net.copy()
    net.train(X, y, epochs=1, learning_rate=0.1, form="zero_skip")
    compressed = sparse.csr_array(X.astype(float))
    compressed.data = compressed.data.astype(dtype)
    twin.train(compressed, y, epochs=1, learning_rate=0.1)
    assert twin._parameters.tobytes() == net._parameters.tobytes()


def test_no_rows():
    net, X, _ = make("float64")
    assert net.feedforward(sparse.csr_array(X)[:0]).shape == (0, 3)


def replaced(**arrays):
    def make_bad(X):
        X = sparse.csr_array(X)
        for name, change in arrays.items():
            setattr(X, name, change(getattr(X, name)))
        return X

    return make_bad


def with_first(value):
    return lambda array: np.concatenate([[value], array[1:]]).astype(array.dtype)


DO_NOT_FIT = "X must be a valid CSR array, and its indptr, indices and data do not fit together"


@pytest.mark.parametrize("method", ["train", "evaluate", "gradients", "feedforward"])
@pytest.mark.parametrize(
    ("bad", "fragment"),
    [
        (lambda X: sparse.csr_array(X[:, 1:]), "X must have 30 columns, one per input of the"),
        (replaced(data=with_first(np.nan)), "X.data must be finite, got nan in row 0"),
        (replaced(data=with_first(-np.inf)), "X.data must be finite, got -inf in row 0"),
        (replaced(indices=with_first(30)), DO_NOT_FIT),
        (replaced(indices=with_first(-1)), DO_NOT_FIT),
        (replaced(indices=lambda array: array[:-1]), DO_NOT_FIT),
        (replaced(data=lambda array: array[:-1]), DO_NOT_FIT),
        (replaced(indptr=with_first(1)), DO_NOT_FIT),
        (replaced(indptr=with_first(-1)), DO_NOT_FIT),
        (replaced(indptr=lambda array: array[:-1]), DO_NOT_FIT),
        (replaced(indptr=lambda array: array[::-1]), DO_NOT_FIT),
        (replaced(indptr=lambda array: array + np.arange(len(array))), DO_NOT_FIT),
    ],
)
def test_bad_arrays(bad, fragment, method):
    net, X, y = make("float64")
    before = pickle.dumps(net)
    settings = {"epochs": 1, "learning_rate": 0.1} if method == "train" else {}
    arguments = [bad(X)] if method == "feedforward" else [bad(X), y]
    with pytest.raises(ValueError, match=re.escape(fragment)):
        getattr(net, method)(*arguments, **settings)
    assert pickle.dumps(net) == before


@pytest.mark.parametrize("method", ["train", "evaluate", "gradients"])
def test_no_samples(method):
    net, X, y = make("float64")
    settings = {"epochs": 1, "learning_rate": 0.1} if method == "train" else {}
    with pytest.raises(ValueError, match="X must have at least one sample, got shape"):
        getattr(net, method)(sparse.csr_array(X)[:0], y[:0], **settings)


FORMATS = ["csc", "coo", "lil", "dok", "bsr", "dia"]


@pytest.mark.parametrize("kind", [f"{one}_{of}" for one in FORMATS for of in ("array", "matrix")])
@every_dtype
def test_other_formats_are_those_of_their_csr_array(kind, dtype):
    net, X, y = make(dtype)
    other = getattr(sparse, kind)(X)
    found, expected = [], []
    for rows, results in ((other, found), (other.tocsr(), expected)):
        twin = net.copy()
        results += [twin.feedforward(rows).tobytes(), twin.evaluate(rows, y)]
        results += [one.tobytes() for part in twin.gradients(rows, y) for one in part]
        history = twin.train(rows, y, epochs=2, learning_rate=0.1, validation_data=(rows, y))
        results += [history.history, pickle.dumps(twin)]
    assert found == expected


def test_a_sample_of_one_dimension_or_of_one_row():
    net, X, y = make("float64")
    expected = net.feedforward(X[4])
    for one in (sparse.csr_array(X)[4], sparse.coo_array(X[4])):
        assert one.shape == (30,)
        assert net.feedforward(one).tobytes() == expected.tobytes()
    row = sparse.csr_matrix(X)[4]
    np.testing.assert_allclose(net.feedforward(row), expected[np.newaxis], rtol=1e-12)
    updated = []
    for one in (X[4], sparse.csr_array(X)[4], sparse.csc_array(X[4:5]), row):
        twin = net.copy()
        twin.update(one, y[4], 0.1)
        updated.append(pickle.dumps(twin))
    assert len(set(updated)) == 1


@pytest.mark.parametrize(
    ("method", "changed", "message"),
    [
        ("train", lambda X, y: {"X": sparse.coo_array(X[0])}, "one sample is X.reshape(1, -1)"),
        ("train", lambda X, y: {"y": sparse.csr_array(y)}, "y must hold real numbers, got csr_arr"),
        ("train", lambda X, y: {"y": sparse.coo_array(y)}, "; use y.toarray()"),
        ("train", lambda X, y: {"sample_weight": sparse.coo_array(X[0])}, "sample_weight.toarray"),
        (
            "update",
            lambda X, y: {"x": sparse.csr_array(X)},
            "one sample of shape (30,), got (45, 3",
        ),
        ("update", lambda X, y: {"x": sparse.csr_array(X[:1, :7])}, "x must have 30 columns, one"),
        ("feedforward", lambda X, y: {"X": sparse.csc_array(X[:, :7])}, "X must have 30 columns"),
        ("feedforward", lambda X, y: {"X": sparse.coo_array(X[0, :7])}, "X must have 30 numbers"),
        ("feedforward", lambda X, y: {"X": sparse.coo_array(X * np.inf)}, "X.data must be finite"),
        ("feedforward", lambda X, y: {"X": sparse.lil_array(X * 1j)}, "X.data must hold real numb"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_what_no_format_helps(method, changed, message):
    net, X, y = make("float64")
    good = {
        "train": {"X": X, "y": y, "epochs": 1, "learning_rate": 0.1},
        "update": {"x": X[0], "y": y[0], "learning_rate": 0.1},
        "feedforward": {"X": X},
    }
    before = pickle.dumps(net)
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        getattr(net, method)(**{**good[method], **changed(X, y)})
    assert pickle.dumps(net) == before


def test_a_sparse_array_that_cannot_be_read():
    class Broken(sparse.coo_array):
        def tocsr(self, copy=False):
            raise RuntimeError("no file")

    net, X, _ = make("float64")
    with pytest.raises(ValueError, match=r"X must be a scipy.sparse array .*: no file"):
        net.feedforward(Broken(X))
