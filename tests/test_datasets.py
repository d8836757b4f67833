"""The data sets that come with fastnn: those of the source, and made from a seed."""

import sys

import numpy as np
import pytest
import sklearn.datasets

from fastnn import Network, datasets
from fastnn.datasets import (
    load_digits,
    load_iris,
    load_moons,
    load_penguins,
    load_people,
    load_regression,
    load_spirals,
    load_wine,
)

MADE = [load_moons, load_spirals, load_regression]
TABLES = [load_iris, load_wine, load_penguins]


def test_digits_have_the_documented_shapes_types_and_ranges():
    X, y = load_digits()
    assert X.shape == (1797, 64)
    assert X.dtype == np.float64
    assert X.min() == 0.0
    assert X.max() == 1.0
    assert y.shape == (1797,)
    assert y.dtype == np.int64


def test_digits_are_those_of_the_source():
    # Class distribution of the testing set as the UCI repository states it.
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(load_digits()[1]).tolist() == counts


def test_digits_equal_scikit_learns():
    X, y = load_digits()
    expected_X, expected_y = sklearn.datasets.load_digits(return_X_y=True)
    np.testing.assert_array_equal(16 * X, expected_X)
    np.testing.assert_array_equal(y, expected_y)


def test_people_are_the_four_rows_of_the_table():
    X, y = load_people()
    assert X.dtype == np.float64
    assert y.dtype == np.float64
    assert X.tolist() == [[-2, -1], [25, 6], [17, 4], [-15, -6]]
    assert y.tolist() == [1, 0, 0, 1]


@pytest.mark.unwatched
@pytest.mark.parametrize("name", ["iris", "wine"])
def test_tables_equal_scikit_learns(name):
    X, y = getattr(datasets, f"load_{name}")()
    expected = getattr(sklearn.datasets, f"load_{name}")()
    np.testing.assert_array_equal(X, expected.data)
    np.testing.assert_array_equal(y, expected.target)
    assert (X.dtype, y.dtype) == (np.float64, np.int64)
    frame, labels = getattr(datasets, f"load_{name}")(as_frame=True)
    np.testing.assert_array_equal(frame.to_numpy(), X)
    assert labels.nunique() == 3
    assert [labels[y == k].nunique() for k in range(3)] == [1, 1, 1]


@pytest.mark.unwatched
def test_species_of_irises_have_their_names():
    _, y = load_iris()
    _, species = load_iris(as_frame=True)
    assert np.unique(species).tolist() == sklearn.datasets.load_iris().target_names.tolist()
    assert species[y == 1].unique().tolist() == ["versicolor"]


@pytest.mark.unwatched
def test_penguins_are_those_of_the_source():
    # Numbers as the documentation of palmerpenguins has them.
    frame, species = load_penguins(as_frame=True)
    assert species.value_counts().to_dict() == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}
    assert frame["island"].value_counts().to_dict() == {
        "Biscoe": 168, "Dream": 124, "Torgersen": 52,
    }  # fmt: skip
    assert frame["year"].value_counts().to_dict() == {2009: 120, 2008: 114, 2007: 110}
    assert frame["sex"].isna().sum() == 11
    X, y = load_penguins()
    assert (X.shape, X.dtype, y.dtype) == ((342, 4), np.float64, np.int64)
    assert np.bincount(y).tolist() == [151, 68, 123]
    np.testing.assert_allclose(X.mean(axis=0), [43.92, 17.15, 200.92, 4201.75], atol=0.005)
    measured = frame.dropna(subset=frame.columns[1:5])
    np.testing.assert_array_equal(measured[frame.columns[1:5]], X)
    np.testing.assert_array_equal(np.unique(species[measured.index], return_inverse=True)[1], y)


@pytest.mark.parametrize("load", TABLES)
def test_frames_need_pandas(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="as_frame=True needs pandas: pip install pandas"):
        load(as_frame=True)
    assert load()[0].size
    with pytest.raises(TypeError, match="as_frame must be True or False, got int 1"):
        load(as_frame=1)


@pytest.mark.unwatched
def test_a_frame_trains_a_network_that_keeps_its_names():
    frame, _ = load_iris(as_frame=True)
    _, y = load_iris()
    net = Network([4, 3], activation="softmax", loss="cross_entropy", seed=0)
    net.train(frame, y, epochs=1, learning_rate=0.1)
    assert net.feature_names == tuple(frame.columns)


def rows(X):
    return sorted(map(tuple, X.round(12).tolist()))


def test_moons_are_those_of_scikit_learn():
    # Which has each moon's points evenly from end to end; here they take turns.
    n = 101
    X, y = load_moons(n, noise=0)
    t = np.linspace(0, np.pi, n)
    theirs, their_y = sklearn.datasets.make_moons((n, n), shuffle=False, noise=None)
    np.testing.assert_allclose(theirs[their_y == 0][:, 0], np.cos(t), atol=1e-12)
    assert rows(X[y == 0]) == rows(theirs[their_y == 0][::2])
    assert rows(X[y == 1]) == rows(theirs[their_y == 1][1::2])


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_spirals_are_turned_copies_of_each_other(n_classes):
    n = 20 * n_classes
    X, y = load_spirals(n, n_classes=n_classes, noise=0)
    assert np.bincount(y).tolist() == [20] * n_classes
    z = X[:, 0] + 1j * X[:, 1]
    r = np.abs(z)
    assert (r.min(), r.max()) == (pytest.approx(0.1), pytest.approx(1))
    turned_back = z * np.exp(-2j * np.pi * y / n_classes)
    np.testing.assert_allclose(turned_back, r * np.exp(2j * np.pi * r), atol=1e-12)


@pytest.mark.parametrize("n_inputs", [1, 2])
def test_the_wave_is_what_it_says(n_inputs):
    X, y = load_regression(50, n_inputs=n_inputs, noise=0)
    assert X.shape == (50, n_inputs)
    assert np.abs(X).max() <= 1
    expected = [
        np.sin(np.pi * row[0]) * (np.cos(np.pi * row[1]) if n_inputs == 2 else 1) for row in X
    ]
    np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize("load", MADE)
def test_noise_is_as_large_as_is_said(load):
    clean, noisy = load(4000, noise=0), load(4000, noise=0.3)
    if load is load_regression:
        np.testing.assert_array_equal(clean[0], noisy[0])
        assert np.std(noisy[1] - clean[1]) == pytest.approx(0.3, rel=0.05)
    else:
        np.testing.assert_array_equal(clean[1], noisy[1])
        assert np.std(noisy[0] - clean[0]) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("load", MADE)
def test_seeds(load):
    (X, y), (same_X, same_y) = load(30), load(30, seed=0)
    np.testing.assert_array_equal(X, same_X)
    np.testing.assert_array_equal(y, same_y)
    assert X.shape[0] == len(y) == 30
    assert not np.array_equal(X, load(30, seed=1)[0])
    assert not np.array_equal(load(30, seed=None)[0], load(30, seed=None)[0])


@pytest.mark.parametrize("load", [load_moons, load_spirals])
def test_classes_are_mixed_and_of_equal_size(load):
    _, y = load(100)
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [50, 50]
    assert 30 < (np.diff(y) != 0).sum() < 70


@pytest.mark.parametrize(
    ("load", "given", "exception", "message"),
    [
        (load_moons, {"n": 1}, ValueError, "n must be at least 2, got int 1"),
        (load_moons, {"n": 2.0}, TypeError, "n must be an integer, got float 2.0"),
        (load_moons, {"noise": -1}, ValueError, "noise must be a finite number of at least 0"),
        (load_moons, {"seed": "a"}, TypeError, "seed must be None or an integer"),
        (load_spirals, {"n": 2, "n_classes": 3}, ValueError, "n must be at least 3, got int 2"),
        (load_spirals, {"n_classes": 1}, ValueError, "n_classes must be at least 2, got int 1"),
        (load_regression, {"n": 0}, ValueError, "n must be at least 1, got int 0"),
        (load_regression, {"n_inputs": 3}, ValueError, "n_inputs must be at most 2, got int 3"),
        (load_regression, {"n_samples": 3}, TypeError, "has no argument 'n_samples'"),
    ],
)
def test_what_is_refused(load, given, exception, message):
    with pytest.raises(exception, match=message):
        load(**given)


@pytest.mark.parametrize("load", [load_digits, load_people, *TABLES, *MADE])
def test_arrays_are_new_in_each_call(load):
    X, y = load()
    X_before, y_before = X.copy(), y.copy()
    X[:] = 7
    y[:] = 7
    X_again, y_again = load()
    np.testing.assert_array_equal(X_again, X_before)
    np.testing.assert_array_equal(y_again, y_before)
