"""Small data sets for first steps, examples and tests: some made from a seed, some of real things.

Each function gives X, float64 with a sample in each row, and y. Both arrays are new in each call,
so you may write to them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from fastnn import _checks, _words

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "load_digits",
    "load_iris",
    "load_moons",
    "load_penguins",
    "load_people",
    "load_regression",
    "load_spirals",
    "load_wine",
]

_DATA = os.path.join(os.path.dirname(__file__), "data")


def load_digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Load 1,797 handwritten digits of 8x8 pixels.

    Returns
    -------
    X : float64 array of shape (1797, 64)
        The pixels of each image, row by row, from 0 (paper) to 1 (ink): the sixteenths of the
        original data, divided by 16. ``X[i].reshape(8, 8)`` is image i.
    y : int64 array of shape (1797,)
        The digit that was written, 0 to 9.

    Notes
    -----
    Neighbouring images are often by the same hand: shuffle before you split.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998, https://doi.org/10.24432/C50P49, under CC BY 4.0. The values equal
    those of ``sklearn.datasets.load_digits`` divided by 16.

    Examples
    --------
    >>> from fastnn.datasets import load_digits
    >>> X, y = load_digits()
    >>> X.shape, y.shape
    ((1797, 64), (1797,))
    """
    with np.load(os.path.join(_DATA, "digits.npz")) as file:
        return file["images"] / 16.0, file["labels"].astype(np.int64)


def load_people() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Load the table of four people on which a first network can learn to tell women from men.

    Returns
    -------
    X : float64 array of shape (4, 2)
        Weight in pounds minus 135 and height in inches minus 66, of Alice, Bob, Charlie, Diana.
    y : float64 array of shape (4,)
        1 for a woman, 0 for a man.

    Notes
    -----
    Source: the worked example of Victor Zhou, Machine Learning for Beginners: An Introduction to
    Neural Networks, 2019, https://victorzhou.com/blog/intro-to-neural-networks/.

    Examples
    --------
    >>> from fastnn.datasets import load_people
    >>> X, y = load_people()
    >>> X[0], y[0]
    (array([-2., -1.]), np.float64(1.0))
    """
    X = np.array([[-2.0, -1.0], [25.0, 6.0], [17.0, 4.0], [-15.0, -6.0]])
    y = np.array([1.0, 0.0, 0.0, 1.0])
    return X, y


@_words.explained
def load_moons(
    n: int = 200, *, noise: float = 0.1, seed: int | None = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Make two half moons that reach into each other: two classes that no line parts.

    The first task for which a hidden layer is needed, and whose decision boundary can be drawn.

    Parameters
    ----------
    n : int, default 200
        How many samples, at least 2, half of each class.
    noise : float, default 0.1
        Standard deviation of what is added to each coordinate, at least 0.
    seed : int or None, default 0
        The same seed gives the same samples. None: others each time.

    Returns
    -------
    X : float64 array of shape (n, 2)
        Of class 0 (cos t, sin t), of class 1 (1 - cos t, 1/2 - sin t), for t from 0 to π.
    y : int64 array of shape (n,)
        0 or 1. The samples are shuffled.

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> X, y = datasets.load_moons()
    >>> net = Network([2, 8, 1], activation=["tanh", "sigmoid"], loss="bce", seed=0)
    >>> history = net.train(X, y, epochs=300, learning_rate=0.1)
    >>> net.evaluate(X, y, metrics="accuracy")["accuracy"] > 0.98
    True
    """
    n, noise, rng = _of_made(n, 2, noise, seed)
    y = np.arange(n) % 2
    t = np.linspace(0, np.pi, n)  # which both classes have, in turns, from end to end
    upper, lower = np.array([np.cos(t), np.sin(t)]), np.array([1 - np.cos(t), 0.5 - np.sin(t)])
    return _shuffled(np.where(y == 0, upper, lower).T, y, noise, rng)


@_words.explained
def load_spirals(
    n: int = 300, *, n_classes: int = 2, noise: float = 0.02, seed: int | None = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Make spirals that wind around each other: classes whose boundary needs many units.

    Parameters
    ----------
    n : int, default 300
        How many samples, at least one for each class, which have as many each as can be.
    n_classes : int, default 2
        How many arms, at least 2.
    noise : float, default 0.02
        Standard deviation of what is added to each coordinate, at least 0; an arm is 1 long from
        the middle outwards.
    seed : int or None, default 0
        The same seed gives the same samples. None: others each time.

    Returns
    -------
    X : float64 array of shape (n, 2)
        Of class k (r cos t, r sin t), with r from 0.1 to 1 and t = 2π (r + k / n_classes).
    y : int64 array of shape (n,)
        The class, from 0. The samples are shuffled.

    Examples
    --------
    >>> from fastnn.datasets import load_spirals
    >>> X, y = load_spirals(300, n_classes=3)
    >>> X.shape, sorted(set(y.tolist()))
    ((300, 2), [0, 1, 2])
    """
    n_classes = _checks.integer(n_classes, "n_classes", 2)
    n, noise, rng = _of_made(n, n_classes, noise, seed)
    y = np.arange(n) % n_classes
    r = np.linspace(0.1, 1, n)
    t = 2 * np.pi * (r + y / n_classes)
    return _shuffled(np.column_stack((r * np.cos(t), r * np.sin(t))), y, noise, rng)


@_words.explained
def load_regression(
    n: int = 200, *, n_inputs: int = 1, noise: float = 0.1, seed: int | None = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Make samples of a wave: a curve of one input, or a surface over two, with noise.

    For regression that can be drawn.

    Parameters
    ----------
    n : int, default 200
        How many samples, at least 1.
    n_inputs : {1, 2}, default 1
        1: the curve sin(π x). 2: the surface sin(π x_0) cos(π x_1).
    noise : float, default 0.1
        Standard deviation of what is added to y, at least 0.
    seed : int or None, default 0
        The same seed gives the same samples. None: others each time.

    Returns
    -------
    X : float64 array of shape (n, n_inputs)
        Evenly distributed from -1 to 1.
    y : float64 array of shape (n,)

    Examples
    --------
    >>> from fastnn import Network, datasets
    >>> X, y = datasets.load_regression()
    >>> net = Network([1, 10, 1], activation=["tanh", "identity"], seed=0)
    >>> history = net.train(X, y, epochs=300, learning_rate=0.02)
    >>> net.evaluate(X, y, metrics="rmse")["rmse"] < 0.15
    True
    """
    n_inputs = _checks.integer(n_inputs, "n_inputs", 1, 2)
    n, noise, rng = _of_made(n, 1, noise, seed)
    X = rng.uniform(-1, 1, (n, n_inputs))
    y = np.sin(np.pi * X[:, 0])
    if n_inputs == 2:
        y *= np.cos(np.pi * X[:, 1])
    return X, y + rng.normal(scale=noise, size=n)


@overload
def load_iris(
    *, as_frame: Literal[False] = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...


@overload
def load_iris(*, as_frame: Literal[True]) -> tuple[pd.DataFrame, pd.Series[Any]]: ...


@_words.explained
def load_iris(*, as_frame: bool = False) -> Any:
    """Load 150 irises, measured by Anderson and published by Fisher: three species.

    The smallest real table for a classifier of several classes.

    Parameters
    ----------
    as_frame : bool, default False
        True: a frame of pandas, with names of columns, and a series of species by their names.

    Returns
    -------
    X : float64 array of shape (150, 4)
        Length and width of the sepals, length and width of the petals, in centimetres.
    y : int64 array of shape (150,)
        0 setosa, 1 versicolor, 2 virginica: 50 of each, in this order; shuffle before you split.

    Raises
    ------
    ImportError
        For a frame without pandas.

    Notes
    -----
    Source: R. A. Fisher, Iris, UCI Machine Learning Repository, 1936,
    https://doi.org/10.24432/C56C76, under CC BY 4.0. The values equal those of
    ``sklearn.datasets.load_iris``.

    Examples
    --------
    >>> from fastnn.datasets import load_iris
    >>> X, y = load_iris()
    >>> X[0], int(y[0])
    (array([5.1, 3.5, 1.4, 0.2]), 0)
    """
    if _checks.flag(as_frame, "as_frame"):
        return _frame("iris", "species")
    return _arrays("iris", slice(4), "species")


@overload
def load_wine(
    *, as_frame: Literal[False] = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...


@overload
def load_wine(*, as_frame: Literal[True]) -> tuple[pd.DataFrame, pd.Series[Any]]: ...


@_words.explained
def load_wine(*, as_frame: bool = False) -> Any:
    """Load 178 analyses of wines from three cultivars: columns of very different sizes.

    Between the first column, around 13, and the last, up to 1,680, scaling decides whether a
    network learns.

    Parameters
    ----------
    as_frame : bool, default False
        True: a frame of pandas, with names of columns, and a series of cultivars, 1 to 3.

    Returns
    -------
    X : float64 array of shape (178, 13)
        Alcohol, malic acid, ash, alcalinity of ash, magnesium, total phenols, flavanoids,
        nonflavanoid phenols, proanthocyanins, color intensity, hue, OD280/OD315 of diluted wines,
        proline.
    y : int64 array of shape (178,)
        The cultivar, 0 to 2, in this order; shuffle before you split.

    Raises
    ------
    ImportError
        For a frame without pandas.

    Notes
    -----
    Source: S. Aeberhard and M. Forina, Wine, UCI Machine Learning Repository, 1992,
    https://doi.org/10.24432/C5PC7J, under CC BY 4.0. The values equal those of
    ``sklearn.datasets.load_wine``.

    Examples
    --------
    >>> from fastnn.datasets import load_wine
    >>> X, y = load_wine()
    >>> X.max(axis=0)[[0, -1]]
    array([  14.83, 1680.  ])
    """
    if _checks.flag(as_frame, "as_frame"):
        return _frame("wine", "cultivar")
    return _arrays("wine", slice(13), "cultivar")


@overload
def load_penguins(
    *, as_frame: Literal[False] = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...


@overload
def load_penguins(*, as_frame: Literal[True]) -> tuple[pd.DataFrame, pd.Series[Any]]: ...


@_words.explained
def load_penguins(*, as_frame: bool = False) -> Any:
    """Load penguins of three species: a real table, with text and with what nobody has measured.

    As arrays it is a classifier's first table of measures in different units. As a frame it is what
    tables are like before anybody has prepared them; its body masses are for regression.

    Parameters
    ----------
    as_frame : bool, default False
        True: all 344 penguins, as a frame of pandas of the columns island, bill_length_mm,
        bill_depth_mm, flipper_length_mm, body_mass_g, sex and year, of which some are missing, and
        a series of species by their names.

    Returns
    -------
    X : float64 array of shape (342, 4)
        Length and depth of the bill and length of the flippers in millimetres, body mass in grams,
        of those that were measured.
    y : int64 array of shape (342,)
        0 Adelie, 1 Chinstrap, 2 Gentoo; sorted by species: shuffle before you split.

    Raises
    ------
    ImportError
        For a frame without pandas.

    Notes
    -----
    Source: K. B. Gorman, T. D. Williams and W. R. Fraser, Ecological Sexual Dimorphism and
    Environmental Variability within a Community of Antarctic Penguins (Genus Pygoscelis), PLoS ONE
    9(3), 2014, e90081, https://doi.org/10.1371/journal.pone.0090081; as in A. M. Horst, A. P. Hill
    and K. B. Gorman, palmerpenguins, 2020, https://doi.org/10.5281/zenodo.3960218, under CC0.

    Examples
    --------
    >>> from fastnn.datasets import load_penguins
    >>> X, y = load_penguins()
    >>> X.shape, X[0]
    ((342, 4), array([  39.1,   18.7,  181. , 3750. ]))
    """
    if _checks.flag(as_frame, "as_frame"):
        return _frame("penguins", "species")
    return _arrays("penguins", slice(2, 6), "species")


def _of_made(n: Any, minimum: int, noise: Any, seed: Any) -> tuple[int, float, np.random.Generator]:
    """What samples that are made from a seed have in common, checked."""
    n = _checks.integer(n, "n", minimum)
    noise = _checks.number(noise, "noise", _checks.NOT_NEGATIVE)
    return n, noise, _checks.generator(seed, "seed")


def _shuffled(
    X: NDArray[np.float64], y: NDArray[np.int64], noise: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    order = rng.permutation(len(X))
    return X[order] + rng.normal(scale=noise, size=X.shape), y[order].astype(np.int64)


def _rows(name: str) -> tuple[list[str], list[list[str]]]:
    """The names of a table's columns, and its rows."""
    import csv  # rarely needed, as in callbacks

    with open(os.path.join(_DATA, f"{name}.csv"), newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


def _arrays(
    name: str, columns: slice, target: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """These columns of the rows that have them all, and numbers of the target's classes."""
    header, rows = _rows(name)
    place = header.index(target)
    whole = [row for row in rows if all(row[columns])]
    y = np.unique([row[place] for row in whole], return_inverse=True)[1]
    return np.array([row[columns] for row in whole], np.float64), y.astype(np.int64)


def _frame(name: str, target: str) -> tuple[pd.DataFrame, pd.Series[Any]]:
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("as_frame=True needs pandas: pip install pandas") from error
    frame = pd.read_csv(os.path.join(_DATA, f"{name}.csv"))
    return frame.drop(columns=target), frame[target]
