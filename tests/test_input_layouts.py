"""However numbers lie in memory, the results are those of a plain copy, bit for bit.

A plain copy is contiguous, native and of the network's dtype. The caller's arrays are only read.
"""

import pickle
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn import Network, _data_checks
from fastnn._training import loop

N_SAMPLES, N_INPUTS, N_OUTPUTS = 5, 4, 3


def strided(array):
    return np.repeat(array, 2, axis=-1)[..., ::2]


def backwards(array):
    return array[::-1].copy()[::-1]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def memory_mapped(array):
    with tempfile.TemporaryFile() as file:
        file.write(array.tobytes())
        file.flush()
        return np.memmap(file, array.dtype, "r", shape=array.shape)


def unaligned(array):
    moved = np.ndarray(array.shape, array.dtype, bytes(1) + array.tobytes(), offset=1)
    assert not moved.flags.aligned or array.itemsize == 1
    return moved


def field_of_records(array):
    records = np.zeros(array.shape, [("flag", bool), ("number", array.dtype)])
    records["number"] = array
    return records["number"]


def byte_swapped(array):
    return array.astype(array.dtype.newbyteorder("S"))


class OddArray(np.ndarray):
    """A subclass whose methods are of no use to others."""

    def __getitem__(self, index):
        raise RuntimeError

    astype = __array_ufunc__ = __array_function__ = __getitem__


def subclass(array):
    return array.copy().view(OddArray)


class Table:
    """Not an array, but knows how to become one, as tables of other libraries do."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array

    def mask(self):
        """A method, as pandas has it, and not the mask of a masked array."""


def nested_list(array):
    return array.tolist()


def nested_tuple(array):
    return tuple(tuple(row) if array.ndim > 1 else row for row in array.tolist())


LAYOUTS = [
    np.array,
    np.asfortranarray,
    strided,
    backwards,
    read_only,
    memory_mapped,
    unaligned,
    field_of_records,
    byte_swapped,
    np.ma.array,
    subclass,
    Table,
    nested_list,
    nested_tuple,
]
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
DTYPES = ["bool", *INTEGERS, "float16", "float32", "float64", "longdouble"]


# Shapes of X and y. A single row may have any stride, and still counts as contiguous.
MANY, ONE_ROW, ONE = [(5, 4), (5, 3)], [(1, 4), (1, 3)], [(4,), (3,)]
CALLS = {
    "feedforward": (lambda net, X, y: net.feedforward(X), MANY),
    "feedforward of one row": (lambda net, X, y: net.feedforward(X), ONE_ROW),
    "feedforward of one": (lambda net, x, y: net.feedforward(x), ONE),
    "train": (lambda net, X, y: net.train(X, y, epochs=2, learning_rate=0.5).history, MANY),
    "train on one row": (
        lambda net, X, y: net.train(X, y, epochs=2, learning_rate=0.5).epoch,
        ONE_ROW,
    ),
    "update": (lambda net, x, y: net.update(x, y, learning_rate=0.5), ONE),
    "evaluate": (Network.evaluate, MANY),
    "gradients": (Network.gradients, MANY),
    "check_gradients": (Network.check_gradients, MANY),
}
every_call = pytest.mark.parametrize(("call", "shapes"), CALLS.values(), ids=CALLS)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)
every_width = pytest.mark.parametrize("width", ["float32", "float64"])


def numbers(shape, dtype="float64"):
    """From 0 to 2, exact in every dtype: 0 or 1 where it has no fractions."""
    return (np.random.default_rng(0).integers(0, 64, shape) / 32).astype(dtype)


def assert_like_plain_copies(call, arrays, layouts, width):
    """What comes back and what the network becomes, bit for bit; and nothing is written."""
    given = [layout(array) for layout, array in zip(layouts, arrays, strict=True)]
    before = [np.asarray(one).copy() for one in given]
    outcomes = []
    for data in given, [array.astype(width) for array in arrays]:
        net = Network([4, 6, 3], activation="tanh", dtype=width, seed=0)
        outcomes.append(pickle.dumps((call(net, *data), net)))
    assert outcomes[0] == outcomes[1]
    # As numbers: a longdouble has bytes that mean nothing.
    assert all(map(np.array_equal, map(np.asarray, given), before))


@every_width
@every_layout
@every_call
def test_layouts(call, shapes, layout, width):
    arrays = [numbers(shape) for shape in shapes]
    assert_like_plain_copies(call, arrays, [layout, layout], width)


@every_width
@pytest.mark.parametrize("dtype", DTYPES)
@every_call
def test_dtypes(call, shapes, dtype, width):
    arrays = [numbers(shape, dtype) for shape in shapes]
    assert_like_plain_copies(call, arrays, [np.array, np.array], width)


@settings(derandomize=True, deadline=None)
@given(
    call_and_shapes=st.sampled_from(list(CALLS.values())),
    layouts=st.tuples(*[st.sampled_from(LAYOUTS)] * 2),
    dtypes=st.tuples(*[st.sampled_from(DTYPES)] * 2),
    width=st.sampled_from(["float32", "float64"]),
)
def test_mixtures(call_and_shapes, layouts, dtypes, width):
    call, shapes = call_and_shapes
    arrays = [numbers(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    assert_like_plain_copies(call, arrays, layouts, width)


@every_layout
@every_width
def test_kernels_get_plain_arrays(layout, width):
    X = _data_checks.samples(layout(numbers((5, 4), width)), "X", 4, np.dtype(width))
    assert type(X) is np.ndarray
    assert X.flags.c_contiguous
    assert X.flags.aligned
    assert X.dtype == width
    assert X.dtype.isnative


@every_layout
@every_width
def test_layouts_of_parameters(layout, width):
    W, b = numbers((4, 3), width), numbers(3, width)
    given_W, given_b = layout(W), layout(b)
    net = Network.from_parameters([given_W], [given_b])
    is_list = layout in (nested_list, nested_tuple)
    assert net.dtype == ("float64" if is_list else width)
    assert net.weights[0].tobytes() == W.astype(net.dtype).tobytes()
    assert net.biases[0].tobytes() == b.astype(net.dtype).tobytes()
    net.update(numbers(4), numbers(3), learning_rate=1.0)
    assert np.array_equal(np.asarray(given_W), W)
    assert np.array_equal(np.asarray(given_b), b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_of_parameters(dtype):
    W, b = numbers((4, 3), dtype), numbers(3, dtype)
    net = Network.from_parameters([W], [b])
    assert net.dtype == ("float32" if dtype == "float32" else "float64")
    assert np.array_equal(net.weights[0], W)
    assert np.array_equal(net.biases[0], b)
    assert Network.from_parameters([W], [np.zeros(3)]).dtype == "float64"


# Class numbers, which kernels use as indices


def losses_and_network(classes, width):
    net = Network([4, 2], activation="softmax", loss="cross_entropy", dtype=width, seed=0)
    X = numbers((5, 4))
    return net.evaluate(X, classes), net.train(X, classes, epochs=2, learning_rate=0.5).history


@every_width
@every_layout
@pytest.mark.parametrize("dtype", DTYPES)
def test_class_numbers(dtype, layout, width):
    classes = np.array([0, 1, 1, 0, 1])
    rows = losses_and_network(np.eye(2)[classes], width)
    assert losses_and_network(layout(classes.astype(dtype)), width) == rows


@every_width
@pytest.mark.parametrize("dtype", DTYPES)
def test_checked_class_numbers_are_nobody_elses(dtype, width):
    classes = np.array([0, 1, 2]).astype(dtype)
    checked = _data_checks.targets(classes, "y", 3, "cross_entropy", 3, np.dtype(width))
    assert not np.shares_memory(checked, classes)


# One target and one learning rate, as numbers


@pytest.fixture
def calls_around_the_gate(monkeypatch):
    """The calls of update that take the long way, which every checked call takes."""
    seen = []
    update = loop.update

    def noting(*arguments):
        seen.append(arguments)
        return update(*arguments)

    monkeypatch.setattr(loop, "update", noting)
    return seen


def update(output, target, eta, width):
    """The loss and the network after one step, as bytes."""
    activation, loss = {1: ("tanh", "mse"), 2: ("softmax", "cross_entropy")}[output]
    net = Network([4, output], activation=activation, loss=loss, dtype=width, seed=0)
    return pickle.dumps((net.update(numbers(4, width), target, eta), net))


@every_width
@pytest.mark.parametrize("dtype", [float, int, *DTYPES])
def test_numbers_of_one_update(dtype, width, calls_around_the_gate):
    one = np.ones(1, dtype)[0] if isinstance(dtype, str) else dtype(1)
    assert update(1, one, 0.5, width) == update(1, np.ones(1, width), 0.5, width)
    if dtype != "bool":
        assert update(1, 0.25, one, width) == update(1, 0.25, 1.0, width)
    assert (calls_around_the_gate == []) == (dtype not in ("bool", "longdouble"))

    of_row = update(2, np.array([0, 1], width), 0.5, width)
    calls_around_the_gate.clear()
    assert update(2, one, 0.5, width) == of_row
    assert (calls_around_the_gate == []) == (dtype is int or dtype in INTEGERS)


@every_width
@pytest.mark.parametrize("number", range(3))
def test_each_class_goes_the_short_way(number, width, calls_around_the_gate):
    def net():
        return Network([4, 3], activation="softmax", loss="cross_entropy", dtype=width, seed=0)

    one, other, x = net(), net(), numbers(4, width)
    loss = one.update(x, number, 0.5)
    assert calls_around_the_gate == []
    assert loss == other.update(x, np.eye(3, dtype=width)[number], 0.5)
    assert pickle.dumps(one) == pickle.dumps(other)


@every_width
def test_the_number_of_the_only_class(width):
    """Softmax over a single output is 1: there is no error in it, and nothing to learn."""
    for x in (numbers(3, width), numbers(3, width).tolist()):
        W, b = np.ones((3, 1), width), np.zeros(1, width)
        net = Network.from_parameters([W], [b], activation="softmax", loss="cross_entropy")
        before = pickle.dumps(net)
        assert net.update(x, 0, 0.5) == 0
        assert pickle.dumps(net) == before
