"""feedforward's ways to the same outputs: one sample or many, into out, from several threads."""

import numpy as np
import pytest
from common import every_dtype
from scipy.sparse import csr_array

from fastnn import Network
from fastnn._core import kernels

SIZES = [70, 20, 3]
N = 101


def problem(dtype):
    """A network, and rows of which some are compressed, and some are not."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, SIZES[0])).astype(dtype)
    X[::3][rng.random(X[::3].shape) < 0.9] = 0
    X[5] = 0
    return Network(SIZES, activation="tanh", dtype=dtype, seed=0), X


# One sample goes through a gate of its own


@pytest.fixture
def rows_of_calls(monkeypatch):
    """How many rows each call of the kernel for many rows has."""
    seen = []
    kernel = kernels.feedforward

    def noting(layers, parameters, samples, start, out, *rest):
        seen.append(len(out))
        return kernel(layers, parameters, samples, start, out, *rest)

    monkeypatch.setattr(kernels, "feedforward", noting)
    return seen


@every_dtype
def test_the_gate_takes_the_plain_case_and_leaves_the_rest(dtype, rows_of_calls):
    net, X = problem(dtype)
    other = {"float64": np.float32, "float32": np.float64}[dtype]
    x = np.round(X[1], 1).astype(np.float32).astype(dtype)  # the same number in both widths
    expected = net.feedforward(x).tobytes()
    out = np.empty(3, dtype)
    assert net.feedforward(x, out) is out
    assert out.tobytes() == expected
    assert rows_of_calls == []
    unaligned = np.frombuffer(b"-" + x.tobytes(), np.uint8)[1:].view(dtype)
    strided = np.repeat(x, 2)[::2]
    swapped = x.astype(x.dtype.newbyteorder())
    for plain in x.tolist(), x.astype(other):
        assert net.feedforward(plain).tobytes() == expected
        assert net.feedforward(plain, out) is out
    assert rows_of_calls == []
    for plain_no_more in unaligned, strided, swapped, x.view(np.ma.MaskedArray):
        assert net.feedforward(plain_no_more).tobytes() == expected
    assert rows_of_calls == [1] * 4


@every_dtype
@pytest.mark.parametrize(
    "values",
    [
        [1, 2.5, -3], [0.1, 1e30, -1e-30], [2**53, -(2**53), 0], [2**53 + 1, 2**60 + 1, 3],
        [2**24 + 1, 2**25 + 1, 2**31 - 1], [3, 200, 0], [-0.0, 5e-324, 1e-45],
    ],
)  # fmt: skip
def test_numbers_of_any_type_are_as_numpy_converts_them(values, dtype):
    """In feedforward and in update, for x and for y."""
    net = Network([3, 4, 3], activation="tanh", dtype=dtype, seed=0)
    forms = [values, tuple(values), np.array(values)]
    if all(isinstance(one, int) for one in values):
        forms.append(np.array(values, "int64"))
        forms += [np.array(values, "int32")] if max(values) < 2**31 else []
        forms += [np.array(values, "uint8")] if min(values) >= 0 and max(values) < 256 else []
    expected = net.feedforward(np.array(values, dtype)).tobytes()
    assert {net.feedforward(one).tobytes() for one in forms} == {expected}
    targets = [0.5, 1, 0]
    lone = net.copy()
    loss = lone.update(np.array(values, dtype), np.array(targets, dtype), 1e-9)
    for x in values, np.array(values):
        for y in targets, np.array(targets, "float32"), np.array(targets):
            twin = net.copy()
            assert twin.update(x, y, 1e-9) == loss
            assert twin._parameters.tobytes() == lone._parameters.tobytes()


@every_dtype
def test_lists_that_are_refused(dtype):
    net = Network([3, 1], dtype=dtype)
    nan, large = float("nan"), 10**400
    for x in (
        [1, 2], [1, 2, "a"], [1, 2, None], [1, 2, [3]], [1, 2, nan], [1, 2, large], [[1, 2]],
        [1, 2, 1j],
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match=r"^X must"):
            net.feedforward(x)
        with pytest.raises((TypeError, ValueError), match=r"^x must"):
            net.update(x, [1], 0.1)
    if dtype == "float32":
        with pytest.raises(ValueError, match="finite"):
            net.feedforward([1, 2, 1e300])


@every_dtype
def test_the_gate_takes_a_few_rows(dtype, rows_of_calls):
    """With the bits that they have among others; more of them go another way."""
    net, X = problem(dtype)
    expected = net.feedforward(X)
    assert rows_of_calls == [N]
    for n in range(1, 34):
        for start in (0, 5):
            found = net.feedforward(X[start : start + n])
            assert found.tobytes() == expected[start : start + n].tobytes()
            assert found.dtype == dtype
    assert rows_of_calls == [N, 33, 33]
    for other in (np.asfortranarray(X[:4]), X[::2][:4], X[:4].tolist(), X[:4].astype("f2")):
        rows = np.asarray(other, dtype)
        del rows_of_calls[:]
        assert net.feedforward(other).tobytes() == net.feedforward(rows.copy()).tobytes()
        assert rows_of_calls == [4]
    assert net.feedforward(X[:0]).shape == (0, 3)
    with pytest.raises(ValueError, match="70 columns"):
        net.feedforward(np.ones((4, 69), dtype))
    for place in ((0, 0), (3, 69)):
        bad = X[:4].copy()
        bad[place] = np.nan
        with pytest.raises(ValueError, match="finite"):
            net.feedforward(bad)


@every_dtype
def test_a_few_rows_of_wide_layers_are_no_more_than_a_chunk(dtype, chunks_have, rows_of_calls):
    """As nothing else of Python runs meanwhile, not even Ctrl-C."""
    chunks_have(7)
    net, X = problem(dtype)
    for n in (7, 8):
        net.feedforward(X[:n])
    assert rows_of_calls == [7, 1]


@every_dtype
def test_no_output_for_what_is_not_finite(dtype):
    net, X = problem(dtype)
    for place in (0, 33, 69):
        for value in (np.nan, np.inf, -np.inf):
            for row in (3, 4):  # compressed and not
                x = X[row].copy()
                x[place] = value
                out = np.full(3, 7, dtype)
                with pytest.raises(ValueError, match=rf"X must be finite, got .* place {place};"):
                    net.feedforward(x, out)
                assert (out == 7).all()
                Xs = X.copy()
                Xs[40 + row] = x
                with pytest.raises(ValueError, match=f"row {40 + row}, column {place}"):
                    net.feedforward(Xs)


# out


@every_dtype
def test_out(dtype):
    net, X = problem(dtype)
    for value in (X, X[:1], X[:0], X[7], csr_array(X), X[:5].tolist(), X.astype("float16")):
        expected = net.feedforward(value)
        out = np.full_like(expected, np.nan)
        assert net.feedforward(value, out=out) is out
        assert out.tobytes() == expected.tobytes()


@every_dtype
def test_out_must_fit(dtype):
    net, X = problem(dtype)
    read_only = np.empty(3, dtype)
    read_only.flags.writeable = False
    wrong = [
        (X[0], np.empty(4, dtype), ValueError),
        (X[0], np.empty((1, 3), dtype), ValueError),
        (X[0], np.empty(6, dtype)[::2], ValueError),
        (X[0], read_only, ValueError),
        (X[0], np.empty(3, "int64"), ValueError),
        (X[0], [0.0, 0.0, 0.0], TypeError),
        (X, np.empty(3, dtype), ValueError),
        (X, np.empty((3, N), dtype).T, ValueError),
        (X, np.empty((N, 3), {"float64": "float32", "float32": "float64"}[dtype]), ValueError),
    ]
    for value, out, error in wrong:
        before = np.array(out)
        with pytest.raises(error, match=r"^out must "):
            net.feedforward(value, out)
        assert np.array(out).tobytes() == before.tobytes()


# Threads


@every_dtype
@pytest.mark.parametrize("n_threads", [2, 3, 6])
def test_threads_change_no_bit(dtype, n_threads, chunks_have):
    net, X = problem(dtype)
    one = net.feedforward(X, n_threads=1).tobytes()
    for cut in 10_000, 1 + N // 6, 5:
        chunks_have(cut)
        for value in (X, csr_array(X)):
            assert net.feedforward(value, n_threads=n_threads).tobytes() == one
    one = net.feedforward(X[0]).tobytes()
    assert net.feedforward(X[0], n_threads=n_threads).tobytes() == one
    assert net.feedforward(X[:0], n_threads=n_threads).shape == (0, 3)


def test_errors_leave_the_threads(chunks_have):
    net, X = problem("float64")
    chunks_have(10)
    X[77, 7] = np.nan
    with pytest.raises(ValueError, match="row 77, column 7"):
        net.feedforward(X, n_threads=3)


@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)]
)
def test_n_threads_must_be_a_positive_integer(value, error):
    net, X = problem("float64")
    for rows in (X, X[0]):
        with pytest.raises(error, match=r"^n_threads must be"):
            net.feedforward(rows, n_threads=value)
