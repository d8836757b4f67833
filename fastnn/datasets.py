"""Small data sets that come with fastnn, for first steps, examples and tests."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["load_digits", "load_people"]

_DATA = Path(__file__).parent / "data"


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
    Both arrays are new in each call, so you may write to them. Neighbouring images are often by
    the same hand: shuffle before you split.

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
    with np.load(_DATA / "digits.npz") as file:
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
    Both arrays are new in each call, so you may write to them.

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
