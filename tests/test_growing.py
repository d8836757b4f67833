"""A network whose inputs and outputs appear one by one is the one that had them from the start."""

import contextlib
import enum
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn import Network
from fastnn.optimizers import OPTIMIZERS
from fastnn.river._growing import GrowingNetwork

FEATURES = "abcdefgh"
SAMPLES = st.lists(
    st.dictionaries(st.sampled_from(FEATURES), st.floats(-2, 2), min_size=1),
    min_size=1, max_size=12,
)  # fmt: skip


def growing(n_hidden=(3,), loss="mse", seed=0):
    output = "softmax" if loss == "cross_entropy" else "identity"
    activations = ("tanh",) * len(n_hidden) + (output,)
    return GrowingNetwork(n_hidden, activations, loss, np.dtype(float), seed)


def learn(net, row, target, optimizer):
    net.train(
        row[np.newaxis], [target], epochs=1, learning_rate=0.1, optimizer=optimizer, form="direct"
    )


@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "adamw"])
@settings(max_examples=20, deadline=None)
@given(samples=SAMPLES)
def test_an_input_that_comes_later_had_been_zero(optimizer, samples):
    later, at_once = growing((4, 3)), growing((4, 3))
    at_once.grow(FEATURES, "y")
    for x in samples:
        learn(later.grow(x, "y"), later.row(x), sum(x.values()), optimizer)
        learn(at_once.net, at_once.row(x), sum(x.values()), optimizer)
    # A gradient of 1e-17 that should be 0 is divided by sqrt(0) + 1e-8, or in Adagrad 1e-10.
    atol = {"rmsprop": 1e-9, "adam": 1e-9, "adagrad": 1e-7}.get(optimizer, 1e-12)
    for x in samples:
        outputs, expected = (one.net.feedforward(one.row(x)) for one in (later, at_once))
        np.testing.assert_allclose(outputs, expected, rtol=1e-9, atol=atol)


def known(net, block):
    """The numbers of the inputs a and b and the outputs p and q in a block of parameters."""
    (first, middle, last), (b_1, b_2, b_3) = net._layout.views(block)
    return np.hstack([one.ravel() for one in (first[:2], middle, last[:, :2], b_1, b_2, b_3[:2])])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_is_there_stays_when_the_network_grows(optimizer):
    one = growing((4, 3), "cross_entropy")
    for target, label in enumerate("pq"):
        x = {"a": 1.0, "b": -0.5}
        learn(one.grow(x, label), one.row(x), target, optimizer)
    before, state = one.net, one.net._trainer.optimizer
    p = before.feedforward(one.row(x))
    after = one.grow("abcdefgh", "r")
    kept = known(before, before._parameters)
    np.testing.assert_array_equal(known(after, after._parameters), kept)
    grown_p = after.feedforward(one.row(x))
    np.testing.assert_allclose(grown_p[0] / grown_p[1], p[0] / p[1], rtol=1e-12)
    if optimizer != "sgd":
        grown_state = after._trainer.optimizer
        assert grown_state.powers == state.powers
        for k in range(state.n_parts):
            kept = known(before, state.part(k))
            assert np.count_nonzero(kept) > len(kept) / 2
            np.testing.assert_array_equal(known(after, grown_state.part(k)), kept)
            assert np.count_nonzero(grown_state.part(k)) == np.count_nonzero(state.part(k))


def test_first_weights_come_from_the_seed_and_the_name_alone():
    at_once, one_by_one, other_seed = growing(), growing(), growing(seed=1)
    at_once.grow(["b", "a", 3], "y")
    for name in (3, "a", "b"):
        one_by_one.grow([name], "y")
    other_seed.grow(["b", "a", 3], "y")
    for name in ("a", "b", 3):
        networks = (at_once, one_by_one, other_seed)
        weights = [one.net.weights[0][one.inputs[name]] for one in networks]
        np.testing.assert_array_equal(weights[0], weights[1])
        assert not np.any(weights[0] == weights[2])
    first = at_once.net.weights[0]
    assert len(np.unique(first[:3])) == first[:3].size
    np.testing.assert_array_equal(at_once.net.weights[1], one_by_one.net.weights[1])


def test_layers_between_have_the_same_first_weights_whatever_the_inputs():
    few, many = growing((4, 3, 2)), growing((4, 3, 2))
    few.grow("a", "y")
    many.grow("abcdefgh", "y")
    for i in (1, 2):
        np.testing.assert_array_equal(few.net.weights[i], many.net.weights[i])
    assert few.net.weights[1].std() > 0.1


def test_variance_of_first_weights():
    n_units = 50
    for activation, expected in (("tanh", 1 / n_units), ("relu", 2 / n_units)):
        one = GrowingNetwork((n_units,), (activation, "identity"), "mse", np.dtype(float), 0)
        one.grow(range(200), "y")
        assert one.net.weights[0][:200].var() == pytest.approx(expected, rel=0.05)


def test_names_of_numpy_are_those_of_python():
    ours, numpys = growing(), growing()
    ours.grow(["a", 1], True)
    numpys.grow([np.str_("a"), np.int64(1)], True)
    assert ours.inputs == numpys.inputs
    np.testing.assert_array_equal(ours.net.weights[0], numpys.net.weights[0])


class Text(enum.StrEnum):
    A = "a"


class Pair(NamedTuple):
    first: int
    second: str


EQUAL_NAMES = [
    [1, True, 1.0, 1 + 0j, np.int8(1), np.True_, np.float32(1), Decimal(1), Fraction(1)],
    [0.5, Decimal("0.5"), Fraction(1, 2), np.float16(0.5), np.longdouble(0.5), 0.5 + 0j],
    [10**30, Decimal(10**30), Fraction(10**30)],
    [float("inf"), Decimal("inf"), np.float32("inf")],
    [1 + 0.5j, np.complex64(1 + 0.5j)],
    ["a", np.str_("a"), Text.A],
    [(1, "a"), (True, np.str_("a")), (1.0, Text.A), Pair(1, "a"), (np.True_, "a")],
    [frozenset([0, 8]), frozenset([8, 0]), frozenset([8.0, False])],
]


def first_weights(name, kind="input"):
    one = growing()
    if kind == "input":
        return one.grow([name], "y").weights[0][0].tobytes()
    return one.grow(["x"], name).weights[1][:, 0].tobytes()


@pytest.mark.parametrize("names", EQUAL_NAMES, ids=repr)
def test_first_weights_of_equal_names(names):
    assert len(set(names)) == 1
    for kind in ("input", "output"):
        assert len({first_weights(name, kind) for name in names}) == 1


def test_first_weights_of_different_names():
    names = [group[0] for group in EQUAL_NAMES]
    names += ["1", "(1, 'a')", -1, 0, 2, "A", 1 - 0.5j, 1.5, ("1", "a"), ((1,), "a"), None, b"a"]
    names += [np.timedelta64(1, "ns"), np.datetime64(1, "ns"), float("-inf")]
    assert len(set(names)) == len(names)
    assert len({first_weights(name) for name in names}) == len(names)


def test_a_growth_that_fails_is_forgotten():
    """Also where there is room for the new input, and none for another output."""
    one, undisturbed = growing((4, 3), "cross_entropy"), growing((4, 3), "cross_entropy")
    learned = [("ab", "p"), ("abcdefghijklmnop", "p"), ("abcdefghijklmnopq", "p"), ("ar", "q")]
    for inputs, output in learned:
        for more in ("z", "xyz"):
            before = pickle.dumps(one)
            with (
                contextlib.suppress(ZeroDivisionError),
                one.growth([*inputs, *more], output) as net,
            ):
                assert net.weights[0][one.inputs["z"]].all()
                raise ZeroDivisionError
            assert "z" not in one.inputs
            assert pickle.dumps(one) == before
        with one.growth(inputs, output):
            pass
        undisturbed.grow(inputs, output)
        assert pickle.dumps(one) == pickle.dumps(undisturbed)


def test_room_for_further_inputs_grows_with_them():
    one, sizes = growing(), set()
    for i in range(1000):
        sizes.add(one.grow([i], "y").layer_sizes[0])
    assert len(sizes) < 60
    assert one.net.layer_sizes[0] < 1000 * 1.2


def test_rows():
    one = growing()
    one.grow("abc", "y")
    expected = [3.0, 0.0, -1.0]
    assert one.row({"c": -1.0, "a": 3.0, "new": 7.0})[:3].tolist() == expected
    rows = one.rows(["new", "c", "a"], np.array([[7.0, -1.0, 3.0]]))
    assert rows[0, :3].tolist() == expected
    assert one.row_of_known({"c": -1.0, "b": 0.0, "a": 3.0})[:3].tolist() == expected
    for x in ({"a": 3.0}, {"a": 1.0, "b": 2.0, "d": 3.0}, {"a": "1", "b": 2.0, "c": 3.0}):
        assert one.row_of_known(x) is None


def test_padding_changes_no_bit():
    """A row is as long as the room for inputs; what is after the known ones is 0."""
    one = growing((5,))
    names = "abcdefghijklmnop"
    net = one.grow(names, "y")
    assert net.layer_sizes[0] == 18
    exact = Network.from_parameters(
        [net.weights[0][:16], net.weights[1]], net.biases, activation=["tanh", "identity"]
    )
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.normal(size=16)
        row = one.row_of_known(dict(zip(names, values.tolist(), strict=True)))
        assert net.update(row, 0.5, 0.1) == exact.update(values, 0.5, 0.1)
    assert net.weights[0][:16].tobytes() == exact.weights[0].tobytes()
    assert not net.weights[0][16:].any()
