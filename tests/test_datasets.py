import numpy as np
import pytest
import sklearn.datasets

from fastnn.datasets import load_digits, load_people


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


@pytest.mark.parametrize("load", [load_digits, load_people])
def test_arrays_are_new_in_each_call(load):
    X, y = load()
    X_before, y_before = X.copy(), y.copy()
    X[:] = 7
    y[:] = 7
    X_again, y_again = load()
    np.testing.assert_array_equal(X_again, X_before)
    np.testing.assert_array_equal(y_again, y_before)
