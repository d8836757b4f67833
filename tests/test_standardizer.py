"""Standardizers, alone, in networks and in files; and what is said where they are missing."""

import copy
import io
import json
import math
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from common import every_dtype
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from test_refused_model_file import members_of, refusal, sealed

from fastnn import Network, TrainingDivergedError, train_many
from fastnn.exceptions import ModelFileError
from fastnn.preprocessing import Standardizer, _blocks

rng = np.random.default_rng(0)
SIZES = np.array([1.0, 4e4, 0.02, 3.0])
CENTERS = np.array([5.0, 9e4, -3.0, 0.0])
X = rng.normal(size=(60, 4)) * SIZES + CENTERS
Y = np.column_stack([3 * X[:, 1] + 1e4 * X[:, 0], X[:, 2] * X[:, 3]])


def trained(dtype="float64", outputs=1, activation=("tanh", "identity"), loss="mse"):
    """A network on standardized data, its standardizers, and the data as they are."""
    x, y = X.astype(dtype), Y[:, :outputs].astype(dtype)
    of_X, of_y = Standardizer().fit(x), Standardizer().fit(y)
    net = Network([4, 7, outputs], activation=list(activation), loss=loss, dtype=dtype, seed=0)
    net.train(of_X.transform(x), of_y.transform(y), epochs=30, learning_rate=0.05)
    return net, of_X, of_y, x, y


def saved(net, **options):
    file = io.BytesIO()
    net.save(file, **options)
    return file.getvalue()


def same(one, other):
    assert np.array_equal(one.mean, other.mean)
    assert np.array_equal(one.scale, other.scale)
    assert one.feature_names == other.feature_names


# Alone


@every_dtype
@pytest.mark.parametrize("order", ["C", "F"])
def test_it_is_scikit_learns(dtype, order):
    table = np.asarray(X, dtype, order=order)
    mine, theirs = Standardizer().fit(table), StandardScaler().fit(table)
    np.testing.assert_allclose(mine.mean, theirs.mean_, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(mine.scale, theirs.scale_, rtol=1e-12)
    rounding = 4 * np.finfo(dtype).eps
    found = mine.transform(table)
    assert found.dtype == dtype
    # scikit-learn subtracts in float32, ours in float64.
    lost = rounding * (1 + np.abs(theirs.mean_) / theirs.scale_)
    assert (np.abs(found - theirs.transform(table)) < lost * 4).all()
    back = mine.inverse_transform(found)
    assert back.dtype == dtype
    assert (np.abs(back - table) <= rounding * (np.abs(table).max(axis=0) + theirs.scale_)).all()


COLUMNS = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=2, max_size=50).map(
    np.array
)


@settings(deadline=None, max_examples=300)
@given(COLUMNS, st.sampled_from([0, 1, -3e5]), st.sampled_from([1e-6, 1, 1e9]))
def test_columns_of_any_kind(column, shift, factor):
    column = column * factor + shift
    mine, theirs = Standardizer().fit(column), StandardScaler().fit(column[:, np.newaxis])
    np.testing.assert_allclose(mine.scale, theirs.scale_, rtol=1e-6)
    z = mine.transform(column)
    assert z.shape == column.shape
    if column.min() == column.max():
        assert (z == 0).all()
    if mine.scale[0] != 1:
        lost = 1e-15 * (1 + np.abs(mine.mean[0]) / mine.scale[0])
        assert abs(z.mean()) < 10 * lost
        assert abs(z.std() - 1) < 1e-9 + 10 * lost


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9 / 3, 1e200, 1.7e308, 5e-324])
@pytest.mark.parametrize("n", [1, 3, 1000])
def test_a_constant_column_becomes_zeros(value, n):
    scaler = Standardizer().fit(np.full((n, 2), value))
    assert scaler.mean.tolist() == [value] * 2
    assert scaler.scale.tolist() == [1, 1]
    assert not scaler.transform(np.full((n, 2), value)).any()


def test_a_column_that_is_constant_but_for_rounding_is_constant():
    column = 1e6 + np.array([0.1, 0.2, 0.3] * 100).cumsum() % 1e-10
    assert np.ptp(column) > 0
    assert StandardScaler().fit(column[:, np.newaxis]).scale_ == 1
    assert Standardizer().fit(column).scale == 1


def test_large_means_do_not_cost_the_scale():
    table = 1.7e9 + rng.normal(size=(10_000, 3))
    scaler = Standardizer().fit(table)
    exact = np.array([math.fsum(column) / 10_000 for column in table.T])
    np.testing.assert_array_max_ulp(scaler.mean, exact, 1)
    np.testing.assert_allclose(scaler.scale, np.std(table - 1.7e9, axis=0), rtol=1e-12)


@every_dtype
def test_a_row_alone_equals_the_same_row_among_others(dtype):
    scaler, table = Standardizer().fit(X), np.tile(X.astype(dtype), (500, 1))
    assert len(list(_blocks(table))) > 1
    found = scaler.transform(table)
    for i in (0, 7, 29_999):
        assert scaler.transform(table[i]).tobytes() == found[i].tobytes()
        assert scaler.transform(table[i : i + 1])[0].tobytes() == found[i].tobytes()
    exact = (table.astype(np.float64) - scaler.mean) / scaler.scale
    assert np.array_equal(found, exact.astype(dtype))


def test_what_goes_in_stays_as_it_is(tmp_path):
    before = X.copy()
    scaler = Standardizer().fit(X)
    assert scaler.fit_transform(X).tobytes() == scaler.transform(X).tobytes()
    assert np.array_equal(X, before)
    scaler.mean[:], scaler.scale[:] = 0, 0  # copies
    same(scaler, Standardizer().fit(X))
    mapped = np.memmap(tmp_path / "X", X.dtype, "w+", shape=X.shape)
    mapped[:] = X
    same(Standardizer().fit(mapped), scaler)
    integers = np.arange(12).reshape(4, 3)
    assert Standardizer().fit_transform(integers).dtype == np.float64


@pytest.mark.parametrize("library", [pd, pl])
def test_tables(library):
    names = ["a", "b", "c", "d"]
    table = library.DataFrame({name: X[:, j] for j, name in enumerate(names)})
    scaler = Standardizer().fit(table)
    assert scaler.feature_names == tuple(names)
    expected = Standardizer().fit(X)
    assert np.array_equal(scaler.transform(table), expected.transform(X))
    assert np.array_equal(scaler.transform(X), expected.transform(X))
    with pytest.raises(ValueError, match=r"order of net\.feature_names"):
        scaler.transform(table[["b", "a", "c", "d"]])
    with pytest.raises(ValueError, match="lacks 'a'"):
        scaler.transform(table[["b", "c", "d"]])
    same(scaler.fit(X), expected)  # which has no names


def test_targets_of_a_series():
    y = pd.Series(Y[:, 0], index=[f"p{i}" for i in range(60)])
    scaler = Standardizer().fit(y)
    assert scaler.feature_names is None
    assert np.array_equal(scaler.transform(y), Standardizer().fit_transform(Y[:, 0]))
    assert scaler.inverse_transform(np.zeros((3, 1))).shape == (3, 1)


def test_numbers_that_are_known():
    theirs = StandardScaler().fit(X)
    mine = Standardizer.from_parameters(theirs.mean_, theirs.scale_, feature_names=list("abcd"))
    np.testing.assert_allclose(mine.transform(X), theirs.transform(X), rtol=1e-12, atol=1e-12)
    assert mine.feature_names == tuple("abcd")
    assert repr(mine) == "<Standardizer of 4 columns>"
    assert repr(Standardizer()) == "<Standardizer, not fitted>"
    assert Standardizer().mean is Standardizer().scale is None
    for other in (copy.deepcopy(mine), pickle.loads(pickle.dumps(mine))):
        same(other, mine)


FITTED = Standardizer().fit(X)
BAD = [
    (lambda: Standardizer().transform(X), ValueError, "knows no data yet"),
    (lambda: Standardizer().inverse_transform(X), ValueError, "knows no data yet"),
    (lambda: Standardizer().fit(sparse.csr_array(X)), TypeError, r"dense.*toarray\(\)"),
    (lambda: FITTED.transform(sparse.csr_array(X)), TypeError, r"dense.*toarray\(\)"),
    (lambda: Standardizer().fit(X[:0]), ValueError, r"at least one row.*\(0, 4\)"),
    (lambda: Standardizer().fit(3.0), ValueError, r"shape \(n, n_columns\)"),
    (lambda: Standardizer().fit(X.reshape(5, 12, 4)), ValueError, r"got \(5, 12, 4\)"),
    (lambda: Standardizer().fit([[1, 2], [3, np.nan]]), ValueError, "got nan in row 1, column 1"),
    (lambda: Standardizer().fit([1, np.inf]), ValueError, "got inf in row 1"),
    (lambda: Standardizer().fit([["a"]]), TypeError, "real numbers"),
    (lambda: Standardizer().fit([[0, 1e200], [0, 0]]), ValueError, "column 1.*1e.200.*unit"),
    (lambda: Standardizer().fit([[1e308], [1.5e308]]), ValueError, "column 0.*1.5e.308"),
    (lambda: Standardizer().fit(pd.DataFrame({"a": [1, None]})), ValueError, "column 'a', row 1"),
    (lambda: FITTED.transform(X[:, :3]), ValueError, r"\(n, 4\) or \(4,\).*got \(60, 3\)"),
    (lambda: FITTED.transform(X[:, 0]), ValueError, "must have 4 numbers|shape"),
    (lambda: Standardizer().fit(X[:, 0]).transform(X), ValueError, r"\(n, 1\) or \(n,\)"),
    (
        lambda: Standardizer().fit(np.float32([[0], [1e-30]])).transform(np.float32([[1e30]])),
        ValueError,
        "finite in float32 when it is standardized",
    ),
    (lambda: Standardizer.from_parameters([0], [0]), ValueError, "scale must be above zero"),
    (lambda: Standardizer.from_parameters([0], [-1]), ValueError, "scale must be above zero"),
    (lambda: Standardizer.from_parameters([0], [np.nan]), ValueError, "scale must be finite"),
    (lambda: Standardizer.from_parameters([0, 0], [1]), ValueError, "as long as mean, 2, got 1"),
    (lambda: Standardizer.from_parameters(0, 1), ValueError, r"\(n_columns,\)"),
    (lambda: Standardizer.from_parameters([], []), ValueError, r"\(n_columns,\)"),
    (lambda: Standardizer.from_parameters(["a"], [1]), TypeError, "mean must hold real"),
    (
        lambda: Standardizer.from_parameters([0, 0], [1, 1], feature_names=["a"]),
        ValueError,
        "2 different names",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=range(len(BAD)))
def test_what_is_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_fit_that_is_refused_changes_nothing():
    scaler = Standardizer().fit(X)
    with pytest.raises(ValueError, match="nan"):
        scaler.fit([[np.nan]])
    same(scaler, FITTED)


# In a network


@every_dtype
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_network_takes_inputs_as_they_are(dtype, outputs):
    net, of_X, of_y, x, y = trained(dtype, outputs)
    expected = of_y.inverse_transform(net.feedforward(of_X.transform(x)))
    whole = net.with_standardizer(of_X, targets=of_y)
    rounding = np.finfo(dtype).eps * (1 + np.abs(of_X.mean / of_X.scale).max())
    assert np.abs((whole.feedforward(x) - expected) / of_y.scale).max() < 20 * rounding
    inputs_alone = net.with_standardizer(of_X).feedforward(x)
    standardized = net.feedforward(of_X.transform(x))
    assert np.abs(inputs_alone - standardized).max() < 20 * rounding
    targets_alone = net.with_standardizer(None, targets=of_y).feedforward(of_X.transform(x))
    assert np.abs((targets_alone - expected) / of_y.scale).max() < 20 * rounding
    if outputs == 1:  # the loss is of numbers as they are
        loss = whole.evaluate(x, y) / of_y.scale[0] ** 2
        assert abs(loss / net.evaluate(of_X.transform(x), of_y.transform(y)) - 1) < 50 * rounding


@every_dtype
def test_each_parameter_is_rounded_once(dtype):
    net, of_X, of_y, *_ = trained(dtype, 2)
    whole = net.with_standardizer(of_X, targets=of_y)
    mean, scale = of_X.mean.astype(np.longdouble), of_X.scale.astype(np.longdouble)
    W, b = net.weights[0].astype(np.longdouble), net.biases[0].astype(np.longdouble)
    np.testing.assert_array_max_ulp(whole.weights[0], (W / scale[:, None]).astype(dtype), 1)
    shift = -mean / scale
    np.testing.assert_array_max_ulp(whole.biases[0], (b + shift @ W).astype(dtype), 1)
    W, b = net.weights[1].astype(np.longdouble), net.biases[1].astype(np.longdouble)
    np.testing.assert_array_max_ulp(whole.weights[1], (W * of_y.scale).astype(dtype), 1)
    np.testing.assert_array_max_ulp(whole.biases[1], (b * of_y.scale + of_y.mean).astype(dtype), 1)


@every_dtype
def test_a_single_layer_has_both(dtype):
    of_X, of_y = Standardizer().fit(X), Standardizer().fit(Y)
    net = Network([4, 2], activation="identity", dtype=dtype, seed=0)
    whole = net.with_standardizer(of_X, targets=of_y)
    expected = of_y.inverse_transform(net.feedforward(of_X.transform(X)))
    lost = 20 * np.finfo(dtype).eps * (1 + np.abs(of_X.mean / of_X.scale).max())
    assert np.abs((whole.feedforward(X) - expected) / of_y.scale).max() < lost
    back = whole.without_standardizer()
    for mine, theirs in zip(back.weights + back.biases, net.weights + net.biases, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=lost)


@every_dtype
def test_training_goes_on_without_it(dtype):
    net, of_X, of_y, x, y = trained(dtype)
    whole = net.with_standardizer(of_X, targets=of_y)
    again = whole.without_standardizer()
    assert again.standardizer is again.target_standardizer is None
    rounding = 50 * np.finfo(dtype).eps * (1 + np.abs(of_X.mean / of_X.scale).max())
    for mine, theirs in zip(again.weights + again.biases, net.weights + net.biases, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=rounding)
    data = whole.standardizer.transform(x), whole.target_standardizer.transform(y)
    before = again.evaluate(*data)
    again.train(*data, epochs=50, learning_rate=0.05)
    assert again.evaluate(*data) < 0.9 * before
    assert again.with_standardizer(of_X).update is not None


def test_the_network_that_was_trained_stays_as_it_is():
    net, of_X, of_y, x, y = trained()
    before = saved(net, trainer=True)
    whole = net.with_standardizer(of_X, targets=of_y)
    whole.feedforward(x)
    whole.biases[0][:] = 7
    assert saved(net, trainer=True) == before
    mean = whole.standardizer.mean
    of_X.fit(X[:3] * 2)
    whole.standardizer.fit(X[:3] * 3)
    assert np.array_equal(whole.standardizer.mean, mean)
    net.train(of_X.transform(x), y, epochs=1, learning_rate=1e-12)


@pytest.mark.parametrize("copied", [
    lambda net: net.copy(),
    lambda net: pickle.loads(pickle.dumps(net)),
    lambda net: Network.load(io.BytesIO(saved(net))),
    lambda net: Network.load(io.BytesIO(saved(net, trainer=True))),
], ids=["copy", "pickle", "file", "with trainer"])  # fmt: skip
@pytest.mark.parametrize("parts", ["both", "inputs", "targets"])
@every_dtype
def test_copies_and_files_keep_it(copied, parts, dtype):
    net, of_X, of_y, x, _ = trained(dtype)
    of_X = Standardizer.from_parameters(of_X.mean, of_X.scale, feature_names=list("abcd"))
    whole = net.with_standardizer(
        None if parts == "targets" else of_X, targets=None if parts == "inputs" else of_y
    )
    other = copied(whole)
    assert other.feedforward(x).tobytes() == whole.feedforward(x).tobytes()
    assert saved(other) == saved(whole)
    for mine, theirs in (
        (other.standardizer, whole.standardizer),
        (other.target_standardizer, whole.target_standardizer),
    ):
        if theirs is None:
            assert mine is None
        else:
            same(mine, theirs)
    assert (other.standardizer is None) == (parts == "targets")
    assert other.feature_names == (None if parts == "targets" else tuple("abcd"))
    assert "with a standardizer" in repr(other)
    with pytest.raises(ValueError, match="not trained"):
        other.train(x, Y[:, 0], epochs=1, learning_rate=0.1)
    assert other.without_standardizer().feedforward(x[0]).shape == (1,)


def test_names_are_those_of_the_table():
    table = pd.DataFrame(X, columns=list("abcd"))
    scaler = Standardizer().fit(table)
    net = Network([4, 3, 1], seed=0)
    net.train(scaler.transform(table), Y[:, 0] > 0, epochs=1, learning_rate=0.1)
    whole = net.with_standardizer(scaler)
    assert whole.feature_names == tuple("abcd")
    with pytest.raises(ValueError, match=r"order of net\.feature_names"):
        whole.feedforward(table[list("bacd")])
    back = whole.without_standardizer()
    assert back.feature_names == tuple("abcd")
    other = Standardizer().fit(table.rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match="columns that the network was trained on"):
        back.with_standardizer(other)
    assert back.with_standardizer(Standardizer().fit(X)).feature_names == tuple("abcd")


def test_what_trains_is_refused():
    net, of_X, of_y, x, y = trained()
    whole = net.with_standardizer(of_X)
    before = saved(whole, trainer=True)
    gradients = whole.gradients(x, y)
    advice = r"net.without_standardizer\(\) on \(net.standardizer.transform\(X\), y\)"
    for train in (
        lambda: whole.train(x, y, epochs=1, learning_rate=0.1),
        lambda: whole.update(x[0], y[0], 0.1),
        lambda: whole.update(list(x[0]), float(y[0, 0]), 0.1),
        lambda: whole.update(x[0], y[0], 0.1, "adam"),
        lambda: whole.step(*gradients, learning_rate=0.1),
        lambda: train_many([net.copy(), whole], x, y, epochs=1, learning_rate=1e-9),
    ):
        with pytest.raises(ValueError, match=advice):
            train()
    assert saved(whole, trainer=True) == before
    whole = net.with_standardizer(None, targets=of_y)
    with pytest.raises(ValueError, match=r"on \(X, net.target_standardizer.transform\(y\)\)"):
        whole.update(x[0], y[0], 0.1)


def test_what_does_not_fit_is_refused():
    net, of_X, of_y, *_ = trained()
    whole = net.with_standardizer(of_X)
    classifier = Network([4, 3], activation="softmax", loss="cross_entropy", seed=0)
    for call, kind, message in (
        (lambda: net.with_standardizer(None), ValueError, "targets has none"),
        (lambda: net.with_standardizer(Standardizer()), ValueError, "knows no data yet"),
        (lambda: net.with_standardizer(of_y), ValueError, "4 columns.*each input.*got 1"),
        (lambda: net.with_standardizer(of_X, targets=of_X), ValueError, "1 column,.*output.*got 4"),
        (lambda: net.with_standardizer(Standardizer), TypeError, "an object of it"),
        (lambda: net.with_standardizer(StandardScaler().fit(X)), TypeError, "from_parameters"),
        (lambda: net.with_standardizer(X), TypeError, "fitted fastnn.preprocessing.Standardizer"),
        (lambda: whole.with_standardizer(of_X), ValueError, "already"),
        (lambda: net.without_standardizer(), ValueError, "has no standardizer"),
        (
            lambda: classifier.with_standardizer(of_X, targets=Standardizer().fit(Y[:, [0] * 3])),
            ValueError,
            'output layer is "identity", and here it is "softmax"',
        ),
    ):
        with pytest.raises(kind, match=message):
            call()


def test_numbers_that_do_not_go_together_are_refused():
    """float32 has 7 digits: of a time in seconds, none is left for an hour."""
    seconds = Standardizer().fit(1.7e9 + 3600 * rng.normal(size=(50, 1)))
    for dtype in ("float32", "float64"):
        net = Network([1, 2, 1], activation=["tanh", "identity"], dtype=dtype, seed=0)
        if dtype == "float64":
            assert net.with_standardizer(seconds).feedforward([1.7e9]).shape == (1,)
        else:
            with pytest.raises(ValueError, match=r"column 0 .*float32 keeps too few.*float64"):
                net.with_standardizer(seconds)
        tiny = Standardizer.from_parameters([0], [1e-300])
        net.weights[0][:] = 1e10
        with pytest.raises(ValueError, match=f"first layer's weights exceed {dtype}"):
            net.with_standardizer(tiny)
        net.weights[1][:] = 1e10
        with pytest.raises(ValueError, match=f"last layer's parameters exceed {dtype}"):
            net.with_standardizer(None, targets=Standardizer.from_parameters([0], [1e300]))


# In files and states that are anybody's


def described(change):
    """The error about a file whose description of standardizers, or arrays, are others."""
    net, of_X, of_y, *_ = trained()
    members = members_of(saved(net.with_standardizer(of_X, targets=of_y)))
    description = json.loads(members["model.json"])
    change(description, members)
    return refusal(sealed(members | {"model.json": json.dumps(description)}, 3))


def npy(value):
    file = io.BytesIO()
    np.save(file, value)
    return file.getvalue()


@pytest.mark.parametrize(("change", "message"), [
    (lambda d, _: d.update(standardizers={}), "does not describe"),
    (lambda d, _: d.update(standardizers=5), "does not describe"),
    (lambda d, _: d["standardizers"].update(inputs=None), "does not describe"),
    (lambda d, _: d["standardizers"].update(inputs={"feature_names": ["a"]}), "does not describe"),
    (lambda d, _: d["standardizers"].update(other={"feature_names": None}), "what else is"),
    (lambda d, _: d["standardizers"].pop("inputs"), "what is 'inputs_mean'"),
    (lambda d, _: d.pop("standardizers"), "what is 'inputs_mean'"),
    (lambda _, m: m.pop("inputs_mean.npy"), "does not describe"),
    (lambda _, m: m.update({"inputs_mean.npy": npy(np.zeros(3))}), "does not describe"),
    (lambda _, m: m.update({"inputs_scale.npy": npy(np.zeros(4))}), "above zero"),
    (lambda _, m: m.update({"inputs_scale.npy": npy(np.full(4, np.nan))}), "finite"),
    (lambda _, m: m.update({"targets_mean.npy": npy(np.zeros((1, 1)))}), "does not describe"),
], ids=range(12))  # fmt: skip
def test_a_file_that_is_wrong(change, message):
    assert message in described(change)


def test_files_of_networks_without_are_as_ever():
    net, of_X, *_ = trained()
    assert b"fastnn model 0001" in saved(net)
    assert b"fastnn model 0003" in saved(net.with_standardizer(of_X))
    content = saved(net).replace(b"fastnn model 0001", b"fastnn model 0003")
    with pytest.raises(ModelFileError, match="is damaged: it says that it has format 3"):
        Network.load(io.BytesIO(content))


@pytest.mark.parametrize("given", [5, (), (None, None), (FITTED,), (FITTED, FITTED), (X, None)])
def test_a_state_that_is_wrong(given):
    net = trained()[0]
    state = net.__getstate__() | {"standardizers": given}
    with pytest.raises((TypeError, ValueError), match=r"standardizer|targets"):
        Network.__new__(Network).__setstate__(state)


# What is said where inputs are not standardized


LOANS = np.column_stack([rng.normal(0.05, 0.02, 200), rng.normal(40_000, 9_000, 200)])
AMOUNTS = 3 * LOANS[:, 1] * (1 - LOANS[:, 0])


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "elu", "silu"])
@every_dtype
def test_units_that_large_inputs_have_made_flat(activation, dtype):
    net = Network([2, 8, 1], activation=[activation, "identity"], dtype=dtype, seed=0)
    y = (AMOUNTS - AMOUNTS.mean()) / AMOUNTS.std()
    with pytest.warns(UserWarning, match=r"\|x\| is 2\.\d+e\+04 on average.*Standardizer") as found:
        net.train(LOANS, y, epochs=10, learning_rate=0.01)
    assert found[0].filename == __file__
    assert net.evaluate(LOANS, y) > 0.9


@pytest.mark.parametrize("form", [
    "standardized", "few epochs", "one layer", "same target", "same inputs", "small", "learns",
    "sparse", "step",
])  # fmt: skip
def test_nothing_is_said_where_it_may_be_otherwise(form):
    X, y = LOANS, (AMOUNTS.mean() < AMOUNTS).astype(float)
    layers, activation, settings = [2, 8, 1], "tanh", {"epochs": 10, "learning_rate": 0.01}
    if form == "standardized":
        X = Standardizer().fit_transform(X)
    elif form == "few epochs":
        settings["epochs"] = 9
    elif form == "one layer":
        layers = [2, 1]
    elif form == "same target":
        y = np.ones_like(y)
    elif form == "same inputs":
        X = np.tile(X[0], (200, 1))
    elif form == "small":
        X = X / 1e4
    elif form == "learns":
        activation, settings["learning_rate"] = "identity", 1e-13
    elif form == "sparse":
        X = sparse.csr_array(X)
    elif form == "step":
        layers, activation = [2, 1], "step"
    net = Network(layers, activation=activation, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.train(X, y, **settings)


def test_divergence_says_first_what_is_large():
    settings = {"epochs": 100, "learning_rate": 0.01}
    net = Network([2, 3, 1], activation="identity", seed=0)
    with pytest.raises(TrainingDivergedError, match=r"Scale inputs and targets to .*Standardizer"):
        net.train(LOANS, AMOUNTS, **settings)
    with pytest.raises(TrainingDivergedError, match=r"Scale inputs to mean 0"):
        net.train(LOANS, AMOUNTS / AMOUNTS.max(), **settings)
    with pytest.raises(TrainingDivergedError, match=r"Scale inputs to mean 0"):
        net.train(sparse.csr_array(LOANS), AMOUNTS / AMOUNTS.max(), **settings)
    with pytest.raises(TrainingDivergedError, match=r"Use a smaller learning_rate, or scale .*Sta"):
        net.train(LOANS / LOANS.max(axis=0), AMOUNTS / AMOUNTS.max(), epochs=9, learning_rate=1e9)


@settings(deadline=None, max_examples=100)
@given(arrays.arrays(np.float64, (5, 3), elements=st.floats(-1e3, 1e3, width=32)))
def test_with_and_without_are_the_same_function(table):
    """Of any columns: constant ones too, and such as differ by little."""
    scaler = Standardizer().fit(table)
    if (np.abs(scaler.mean) / scaler.scale > 1e6).any():
        return
    net = Network([3, 4, 2], activation=["tanh", "identity"], seed=1)
    expected = net.feedforward(scaler.transform(table))
    np.testing.assert_allclose(
        net.with_standardizer(scaler).feedforward(table), expected, atol=1e-8
    )
