"""By what a training knows that its data are those of the one before: equal numbers, wherever."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from fastnn import Network
from fastnn._core import kernels
from fastnn.callbacks import EarlyStopping

DTYPES = [np.float32, np.float64]
SHAPES = [(1, 1), (3, 7), (1, 1024), (2, 1023), (5, 1025), (4000, 2), (33, 784), (3, 5000)]
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
MASK = 2**64 - 1


def rows(shape, dtype, seed=0, density=0.5):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) * (rng.random(shape) < density)).astype(dtype)


def found(X):
    """As the scan of dense rows finds it."""
    return kernels.scan(X, np.empty(len(X), np.intp), True)[1]


def key(i):
    """The key of word i of a stretch: the end of MurmurHash3 in 32 bits, of i + 1."""
    h = i + 1
    h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
    h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
    return h ^ h >> 16


KEYS = [key(i) for i in range(2048)]


def in_python(X):
    total = 0
    for stretch, start in enumerate(range(0, X.size, 1024)):
        words = (X.reshape(-1)[start : start + 1024] + 0).view(np.uint32).tolist()
        h = sum(word * k for word, k in zip(words, KEYS, strict=False)) & MASK
        if h:
            h = (h + (stretch + 1) * 0x9E3779B97F4A7C15) & MASK
            h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & MASK
            h = (h ^ h >> 27) * 0x94D049BB133111EB & MASK
            total = (total + (h ^ h >> 31)) & MASK
    return total


def test_keys_differ():
    assert len(set(KEYS)) == 2048
    assert 0 not in KEYS


@every_dtype
@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_in_every_layout(shape, dtype):
    X = rows(shape, dtype)
    expected = in_python(X)
    assert found(X) == kernels.fingerprint(X.reshape(-1)) == expected
    compressed = sparse.csr_array(X)
    parts = compressed.indptr.astype(np.intp), compressed.indices.astype(np.int32), compressed.data
    assert kernels.scan_compressed(*parts, shape[1], True) == (True, True, expected)


@every_dtype
def test_the_sign_of_zero_and_what_is_stored_of_it_make_no_difference(dtype):
    X = rows((20, 60), dtype)
    other = np.where(X == 0, dtype(-0.0), X)
    assert found(other) == found(X)
    stored = sparse.csr_array(X)
    stored.data[::3] = 0
    assert task_of(stored) == task_of(stored.toarray())


@every_dtype
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_is_not_the_same_is_seen(dtype, data):
    """One number, to its last bit; two that change places; rows and columns too."""
    n, m = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 60))
    X = rows((n, m), dtype, data.draw(st.integers(0, 9)), density=0.8)
    before = found(X)
    t, j = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, m - 1))
    s, i = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, m - 1))
    changed = X.copy()
    changed[t, j] = np.nextafter(X[t, j], dtype(np.inf))
    assert found(changed) != before
    for swapped in (X.copy() for _ in range(3)):
        swapped[t, j], swapped[s, i] = X[s, i], X[t, j]
        assert (found(swapped) == before) == (X[s, i] == X[t, j])
    order = np.arange(n)
    order[[t, s]] = order[[s, t]]
    assert (found(X[order]) == before) == np.array_equal(X[order], X)
    order = np.arange(m)
    order[[j, i]] = order[[i, j]]
    moved = np.ascontiguousarray(X[:, order])
    assert (found(moved) == before) == np.array_equal(moved, X)


def test_binary_rows():
    """Sums of places would not tell these apart."""
    patterns = np.array(list(itertools.product([0.0, 1.0], repeat=12)))
    assert len({found(row[np.newaxis]) for row in patterns}) == len(patterns)


def network(dtype="float64", n_inputs=6):
    return Network([n_inputs, 3, 1], activation=["tanh", "identity"], seed=0, dtype=dtype)


def task_of(X, dtype="float64", y=None, **options):
    """What a training with these data belongs to."""
    X_shape = np.shape(X) if not sparse.issparse(X) else X.shape
    net = network(dtype, X_shape[1])
    y = np.arange(X_shape[0]) if y is None else y
    net.train(X, y, epochs=1, learning_rate=1e-6, tol=0.0, **options)
    return net._trainer.task


def test_the_same_data_in_whatever_array(tmp_path):
    X = rows((30, 6), np.float32).astype(float)
    path = tmp_path / "X.npy"
    np.save(path, X)
    mapped = np.load(path, mmap_mode="r")
    unsorted = sparse.csr_array(X)
    unsorted.indices = unsorted.indices.copy()
    for start, end in itertools.pairwise(unsorted.indptr):
        unsorted.indices[start:end] = unsorted.indices[start:end][::-1]
        unsorted.data[start:end] = unsorted.data[start:end][::-1].copy()
    for dtype in ("float32", "float64"):
        expected = task_of(X, dtype)
        for same in (
            X.tolist(), np.asfortranarray(X), X.astype(np.float32), X[::-1][::-1], mapped,
            sparse.csr_array(X), sparse.csc_array(X), unsorted, X.astype(">f8"),
        ):  # fmt: skip
            assert task_of(same, dtype) == expected


@pytest.mark.unwatched  # which has one build
def test_in_another_process_and_by_another_build():
    X = rows((30, 6), float)
    program = (
        "import numpy as np, test_task as t;"
        "print(t.task_of(t.rows((30, 6), float)), t.found(t.rows((33, 784), np.float32)))"
    )
    expected = f"{task_of(X)} {found(rows((33, 784), np.float32))}\n"
    for level in {"baseline", kernels.LEVEL}:
        command = [sys.executable, "-c", program]
        env = os.environ | {"FASTNN_KERNELS": level, "PYTHONPATH": ":".join(sys.path)}
        # Not in the source folder, whose fastnn may have no kernels.
        found_there = subprocess.check_output(
            command, text=True, env=env, cwd=os.path.dirname(__file__)
        )
        assert found_there == expected


def test_what_belongs_to_the_data():
    X, y = rows((30, 6), float), np.arange(30.0)
    w = np.linspace(0, 1, 30)
    V = rows((9, 6), float, seed=1), np.arange(9.0)
    expected = task_of(X, y=y)
    assert task_of(X, y=y, sample_weight=np.full(30, 7)) != expected  # as weights are kept
    tasks = [
        expected, task_of(X, y=y + 1), task_of(X[:-1], y=y[:-1]), task_of(X, y=y, sample_weight=w),
        task_of(X, y=y, validation_data=V), task_of(X, y=y, validation_data=(*V, w[:9])),
        task_of(X, y=y, validation_data=(V[0], V[1] + 1)),
        task_of(X, y=y, validation_data=(V[0] + 1, V[1])), task_of(X, "float32", y),
        task_of(X.reshape(15, 12), y=y[:15]),
    ]  # fmt: skip
    assert len(set(tasks)) == len(tasks)
    for other in ({"shuffle": False}, {"batch_size": 7}, {"optimizer": "adam"}):
        assert task_of(X, y=y, **other) == expected
    weights = {"sample_weight": w, "validation_data": V}
    doubled = {"sample_weight": 2 * w, "validation_data": V}
    assert task_of(X, y=y, **weights) == task_of(X, y=y, **doubled)


def test_only_what_compares_looks_for_it():
    X, y = rows((30, 6), float), np.arange(30.0)
    net = network()
    net.train(X, y, epochs=1, learning_rate=1e-6)
    assert net._trainer.task is None
    net.train(X, y, epochs=1, learning_rate=1e-6, callbacks=EarlyStopping(monitor="loss"))
    task = net._trainer.task
    assert task is not None
    net.train(X + 1, y, epochs=1, learning_rate=1e-6)
    net.train(X + 1, y, epochs=0, learning_rate=1e-6, tol=0.0)
    assert net._trainer.task == task


def test_tol_counts_anew_on_other_data():
    """And goes on with the same, or with same_task."""
    X, y = rows((30, 6), float), np.arange(30.0)
    options = {"epochs": 1, "learning_rate": 1e-9, "tol": 1e300, "patience": 3}

    def until_it_stops(data, **more):
        net = network()
        for n, block in enumerate(data, 1):
            net.train(*block, **options, **more)
            if net._trainer.stopping is None:
                return n
        return None

    copies = [(X.copy(), y.copy()) for _ in range(6)]
    others = [(X + i, y) for i in range(6)]
    assert until_it_stops(copies) == until_it_stops(others, same_task=True)
    assert until_it_stops(others) is None
    assert until_it_stops(copies) is not None


def test_of_samples_without_numbers():
    empty = sparse.csr_array((4, 6))
    assert task_of(empty) == task_of(np.zeros((4, 6)))
    assert found(np.zeros((4, 6))) == 0


@every_dtype
def test_the_scan_of_rows_without_zeros(dtype):
    starts = np.array([0, 2, 2, 5])
    columns = np.array([0, 3, 1, 2, 5], np.int32)
    values = np.arange(5, dtype=dtype)
    scan = kernels.scan_compressed
    assert scan(starts, columns, values, 6)[:2] == (True, True)
    assert scan(starts, columns, values, 5)[:2] == (False, True)
    for place, column in ((0, -1), (1, 0), (3, 1), (3, 5), (4, 6)):
        changed = columns.copy()
        changed[place] = column
        assert scan(starts, changed, values, 6)[0] is False, (place, column)
    for place in range(5):
        changed = values.copy()
        changed[place] = np.inf
        assert scan(starts, columns, changed, 6)[:2] == (True, False)
