"""Pictures that fastnn.plot is known by: ``python tests/pictures.py`` draws tests/pictures/ anew.

Look at each before you keep it. Text and ticks are left out, as fonts differ between versions of
Matplotlib; with ``--text FOLDER`` they are there, in larger pictures for looking at.
"""

import argparse
import io
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot
from matplotlib.text import Text
from PIL import Image

from fastnn import History, LearningRateCurve, Network, plot
from fastnn.history import Lap

FOLDER = Path(__file__).with_name("pictures")
STYLES = {"light": "default", "dark": "dark_background"}
DPI = 80


def history(epochs=40):
    """A training that has overfitted."""
    t = np.arange(epochs)
    columns = {
        "accuracy": list(1 - 0.5 * 0.9**t),
        "val_loss": list(0.35 + 0.7 * 0.9**t + 0.004 * t),
        "val_accuracy": list(0.9 - 0.4 * 0.85**t),
    }
    return History([Lap(0.9**t, 0.1 * 0.9**t)], columns)


def a_network(sizes, **names):
    """With weights that a formula gives, and so on each machine."""
    weights = [
        np.sin(1.0 + np.arange(n_in * n_out)).reshape(n_in, n_out) * 2
        for n_in, n_out in pairwise(sizes)
    ]
    return Network.from_parameters(weights, [np.cos(np.arange(n)) for n in sizes[1:]], **names)


def samples(n=60):
    t = np.arange(n)
    return np.column_stack((np.sin(1.7 * t), np.cos(0.9 * t + 1)))


def outputs(n, n_classes):
    """Probabilities, and classes that they are mostly right about."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    scores = rng.normal(size=(n, n_classes)) + 2 * np.eye(n_classes)[y]
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return y, p


def cost(ax):
    plot.HistoryDisplay.from_history(history(), ax=ax)


def cost_of_one_epoch(ax):
    plot.HistoryDisplay.from_history(history(1), ax=ax)


def learning_rate(ax):
    plot.HistoryDisplay.from_history(history(), columns="learning_rate", ax=ax)


def rates(ax):
    rates = 10 ** np.linspace(-5, 1, 60)
    smoothed = 2.3 - 1.8 / (1 + (0.03 / rates) ** 1.5) + (rates / 3) ** 3
    losses = smoothed * (1 + 0.1 * np.sin(np.arange(60) ** 2))
    curve = LearningRateCurve(rates, losses, smoothed, 0.05)
    plot.LearningRateDisplay.from_curve(curve, ax=ax)


def two_classes(ax):
    net = a_network([2, 6, 1], activation=["tanh", "sigmoid"], loss="bce")
    X = samples()
    y = net.feedforward(X)[:, 0] + 0.3 * np.sin(np.arange(60)) > 0.5
    plot.DecisionBoundaryDisplay.from_network(net, X, y, ax=ax)


def several_classes(ax):
    net = a_network([2, 8, 4], activation=["tanh", "softmax"], loss="cross_entropy")
    X = samples()
    y = net.feedforward(X).argmax(axis=1)
    plot.DecisionBoundaryDisplay.from_network(net, X, y, ax=ax)


def surface(ax):
    net = a_network([2, 6, 1], activation=["tanh", "identity"])
    X = samples()
    y = net.feedforward(X)[:, 0] + np.sin(np.arange(60))
    plot.DecisionBoundaryDisplay.from_network(net, X, y, ax=ax)


def network(ax):
    net = a_network([3, 4, 2], activation=["relu", "softmax"])
    plot.NetworkDisplay.from_network(net, feature_names=["age", "weight", "height"], ax=ax)


def large_network(ax):
    net = a_network([64, 30, 10], activation=["sigmoid", "softmax"])
    plot.NetworkDisplay.from_network(net, class_names=range(10), max_units=7, ax=ax)


def confusion(ax):
    y, p = outputs(400, 5)
    plot.ConfusionMatrixDisplay.from_predictions(y, p, ax=ax)


def roc(ax):
    y, p = outputs(300, 3)
    plot.RocCurveDisplay.from_predictions(y, p, ax=ax)


def reliability(ax):
    y, p = outputs(600, 3)
    plot.CalibrationDisplay.from_predictions(y, p, ax=ax)


def images(ax):
    rows, columns = np.mgrid[:8, :8]
    X = np.array([
        np.exp(-((np.hypot(rows - 3.5, columns - 3.5) - k / 2) ** 2)) for k in range(12)
    ]).reshape(12, 64)  # fmt: skip
    found = np.eye(10)[np.arange(12) % 7]
    plot.ImagesDisplay.from_predictions(X, found, np.arange(12) % 8, ax=ax)


def weights(ax):
    plot.WeightsDisplay.from_network(a_network([64, 6, 2]), ax=ax)


PICTURES = {
    function.__name__: function
    for function in (
        cost, cost_of_one_epoch, learning_rate, rates, two_classes, several_classes, surface,
        network, large_network, confusion, roc, reliability, images, weights,
    )
}  # fmt: skip


def draw(name, style, with_text=False):
    """A picture as pixels (height, width, 3)."""
    with pyplot.style.context(STYLES[style]):
        matplotlib.rcParams["figure.dpi"] = DPI
        figure = pyplot.figure(figsize=(5.5, 4.2) if with_text else (3, 2.4))
        ax = figure.add_subplot() if with_text else figure.add_axes((0.05, 0.05, 0.9, 0.9))
        PICTURES[name](ax)
        if not with_text:
            for one in figure.axes:
                one.set(xticks=[], yticks=[])
                one.minorticks_off()
                if one.get_legend():
                    one.get_legend().remove()
            for text in figure.findobj(Text):
                text.set_visible(False)
        file = io.BytesIO()
        figure.savefig(file, dpi=DPI)
        pyplot.close(figure)
    return np.asarray(Image.open(file).convert("RGB"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", metavar="FOLDER", type=Path)
    to = parser.parse_args().text
    folder = to or FOLDER
    folder.mkdir(exist_ok=True)
    for name in PICTURES:
        for style in STYLES:
            path = folder / f"{name}-{style}.png"
            image = Image.fromarray(draw(name, style, to is not None))
            if to is None:
                image = image.quantize(256, dither=Image.Dither.NONE)
            image.save(path, optimize=True)
            print(f"{path}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    matplotlib.use("Agg")
    main()
