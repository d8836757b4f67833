"""The demonstration behind ``fastnn demo``: a small network learns to read handwritten digits."""

import sys
from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets import load_digits
from fastnn.network import Network

SEED = 5
LEARNING_RATE = 0.2
SHOWN_EPOCHS = (1, 2, 3, 5, 10, 20, 30)
LONGEST_BAR = 40
DIGITS_IN_A_ROW = 4

BLOCKS = " ░▒▓█"
ASCII = " .:+#"


def shades() -> str:
    """Characters from paper to ink that the standard output can show."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        BLOCKS.encode(encoding)
    except UnicodeEncodeError:
        return ASCII
    return BLOCKS


def draw(images: NDArray[np.float64], captions: Sequence[str], ink: str) -> str:
    """Draw images side by side, with a caption under each.

    Parameters
    ----------
    images : float64 array of shape (n, 64)
        Pixels from 0 to 1, row by row.
    captions : sequence of n strings
        At most 16 characters each.
    ink : str
        Characters from paper to ink.

    Returns
    -------
    str
        Eight lines of pixels and one of captions.
    """
    levels = np.rint(images * (len(ink) - 1)).astype(int).reshape(-1, 8, 8)
    lines = []
    for row in range(8):
        # A character is about twice as high as wide, so two make one square pixel.
        lines.append(["".join(2 * ink[level] for level in image[row]) for image in levels])
    lines.append([caption.center(16) for caption in captions])
    return "\n".join(("  " + "  ".join(line)).rstrip() for line in lines)


def say(text: str = "") -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def run() -> None:
    """Train on four fifths of the digits and show how well the network reads the last fifth."""
    X, y = load_digits()
    order = np.random.default_rng(SEED).permutation(len(X))
    test, training = np.split(order, [len(X) // 5])
    net = Network([64, 30, 10], activation=["sigmoid", "softmax"], loss="cross_entropy", seed=SEED)

    say("Reading handwritten digits, 8 x 8 pixels each")
    say()
    say("  network   64 inputs, 30 sigmoid neurons, 10 softmax outputs")
    say(f"            ({net.n_parameters:,} parameters)")
    say(f"  training  {len(training):,} digits, one at a time (SGD, learning rate {LEARNING_RATE})")
    say(f"  testing   {len(test):,} digits that the network never learns from")
    say()
    say("  epoch    loss")

    done, seconds, highest = 0, 0.0, 0.0
    for epoch in SHOWN_EPOCHS:
        start = perf_counter()
        history = net.train(
            X[training], y[training], epochs=epoch - done, learning_rate=LEARNING_RATE
        )
        seconds += perf_counter() - start
        done = epoch
        loss = history.history["loss"][-1]
        highest = max(highest, loss)
        say(f"  {epoch:5}  {loss:.4f}  {'#' * round(LONGEST_BAR * loss / highest)}".rstrip())

    predicted = net.feedforward(X[test]).argmax(axis=1)
    right = predicted == y[test]
    say()
    say(f"  accuracy  {right.mean():.1%} of the test digits ({right.sum()} of {len(test)})")
    say(f"  speed     {seconds / (done * len(training)) * 1e6:.2f} microseconds per sample")
    say(f"            ({done * len(training):,} updates in {seconds:.3f} s)")

    ink = shades()
    for title, which in (
        ("The first test digits, as the network reads them:", np.arange(len(test))),
        ("The first that it gets wrong:", np.flatnonzero(~right)),
    ):
        shown = which[:DIGITS_IN_A_ROW]
        if len(shown) == 0:
            continue
        captions = [f"read {predicted[i]}, is {y[test[i]]}" for i in shown]
        say()
        say(title)
        say()
        say(draw(X[test[shown]], captions, ink))
