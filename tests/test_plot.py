"""What pictures are drawn from: numbers beside scikit-learn's and the network's own; and refusals.

How they look is held by test_pictures.py.
"""

import base64
import io
import itertools
import os
import pickle
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import colors, pyplot
from PIL import Image
from scipy.sparse import csr_array
from sklearn import metrics as theirs
from sklearn.calibration import calibration_curve
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier as TheirClassifier

from fastnn import History, LearningRateCurve, Network, datasets, plot, schedules, train_many
from fastnn._drawing import drawing
from fastnn.history import Lap
from fastnn.plot import _axes
from fastnn.plot._images import _columns_for
from fastnn.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.unwatched

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def of_digits(n_outputs=10, n=300, seed=0):
    """A network that has begun to learn, samples, and class numbers."""
    X, y = datasets.load_digits()
    X, y = X[:n], y[:n] % n_outputs
    net = Network(
        [64, 8, n_outputs], activation=["tanh", "softmax"], loss="cross_entropy", seed=seed
    )
    net.train(X, y, epochs=2, learning_rate=0.05)
    return net, X, y


def of_moons(dtype="float64", seed=0):
    X, y = datasets.load_moons(100, noise=0.2)
    net = Network(
        [2, 5, 1], activation=["tanh", "sigmoid"], loss="bce", dtype=dtype, seed=seed
    )  # fmt: skip
    net.train(X, y, epochs=5, learning_rate=0.1)
    return net, X, y


def a_history(epochs=5, **columns):
    return History([Lap(np.linspace(1, 0.1, epochs), np.full(1, 0.1))], columns)


# What all have in common


def test_pictures_and_matplotlib_are_imported_by_nobody():
    program = """
import sys
import fastnn
X, y = fastnn.datasets.load_people()
net = fastnn.Network([2, 2, 1])
net.train(X, y, epochs=1, learning_rate=0.1)
fastnn.find_learning_rate(net, X, y)
net.summary(), net._repr_html_()
print([name for name in sys.modules if name.startswith(("matplotlib", "fastnn.plot", "PIL"))])
import fastnn.plot
print("matplotlib" in sys.modules)
"""
    command = [sys.executable, "-P", "-c", program]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed.splitlines()[-2:] == ["[]", "False"]


net, X, y = of_digits()
moons = of_moons()
CURVE = LearningRateCurve(np.array([0.1, 1.0]), np.ones(2), np.ones(2), np.nan)
DRAWN = {
    "history": lambda **given: plot.HistoryDisplay.from_history(a_history(), **given),
    "curve": lambda **given: plot.LearningRateDisplay.from_curve(CURVE, **given),
    "boundary": lambda **given: plot.DecisionBoundaryDisplay.from_network(*moons, **given),
    "network": lambda **given: plot.NetworkDisplay.from_network(net, **given),
    "confusion": lambda **given: plot.ConfusionMatrixDisplay.from_network(net, X, y, **given),
    "roc": lambda **given: plot.RocCurveDisplay.from_network(net, X, y, **given),
    "calibration": lambda **given: plot.CalibrationDisplay.from_network(net, X, y, **given),
    "images": lambda **given: plot.ImagesDisplay.from_network(net, X[:9], y[:9], **given),
    "weights": lambda **given: plot.WeightsDisplay.from_network(net, **given),
}
every_display = pytest.mark.parametrize("draw", DRAWN.values(), ids=list(DRAWN))


@every_display
def test_displays_are_as_scikit_learns(draw):
    display = draw()
    assert isinstance(display.ax_, matplotlib.axes.Axes)
    assert display.figure_ is display.ax_.figure
    assert pyplot.get_fignums() == [display.figure_.number]
    figure, (ax, other) = pyplot.subplots(1, 2)
    before = pyplot.get_fignums()
    assert draw(ax=ax).ax_ is ax
    assert display.plot(other) is display
    assert (display.ax_, display.figure_) == (other, figure)
    assert pyplot.get_fignums() == before
    assert display.plot().ax_ not in (ax, other)


@every_display
@pytest.mark.parametrize("ax", ["ax", 1, pyplot, [None]])
def test_wrong_axes(draw, ax):
    with pytest.raises(TypeError, match="ax must be None or Matplotlib axes, got"):
        draw(ax=ax)
    assert not pyplot.get_fignums()


@every_display
def test_without_matplotlib(draw, monkeypatch):
    for name in [one for one in sys.modules if one.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'needs Matplotlib: .* pip install "fastnn\[plot\]"'):
        draw()


@every_display
def test_axes_in_a_subfigure_and_another_size_of_text(draw):
    figure = pyplot.figure(layout="constrained")
    left, _ = figure.subfigures(1, 2)
    with pyplot.rc_context({"font.size": 6}):
        assert draw(ax=left.add_subplot()).figure_ is left
        figure.canvas.draw()


FROM_NETWORK = [
    (name, getattr(plot, name).from_network)
    for name in plot.__all__
    if hasattr(getattr(plot, name), "from_network")
]


@pytest.mark.parametrize(("name", "draw"), FROM_NETWORK, ids=[name for name, _ in FROM_NETWORK])
def test_estimators_stand_for_their_networks(name, draw):
    X, y = datasets.load_moons(60)
    if name == "WeightsDisplay":
        X = np.hstack((X, X))
    needed = {"NetworkDisplay": (), "WeightsDisplay": ()}.get(name, (X, y))
    if name == "ImagesDisplay":
        needed = (X, y)
    shape = {"shape": (1, 2)} if name == "ImagesDisplay" else {}
    for kind in (MLPClassifier, TheirClassifier):
        model = kind([4], solver="lbfgs", max_iter=5, random_state=0, tol=1)
        with pytest.raises(NotFittedError, match="not fitted yet"):
            draw(model, *needed, **shape)
        model.fit(X, y)
        found, expected = draw(model, *needed, **shape), Network.from_sklearn(model)
        of_network = draw(expected, *needed, **shape)
        for key, value in vars(of_network).items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                np.testing.assert_array_equal(vars(found)[key], value)
    for wrong in ("net", Network, object()):
        with pytest.raises(TypeError, match=r"net must be a fastnn.Network, or a fitted MLP"):
            draw(wrong, *needed, **shape)


# Colours


def in_linear_light(colour):
    rgb = np.array(colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(linear):
    """CIELAB, in which a distance of 2.3 is just noticed."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    t = np.array(to_xyz) @ linear / [0.9505, 1.0, 1.089]
    x, y, z = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


# Machado, Oliveira and Fernandes 2009, of full severity.
SIGHT = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("palette", [_axes.ON_LIGHT, _axes.ON_DARK], ids=["light", "dark"])
def test_the_colour_blind_can_tell_colours_apart(palette, sight):
    seen = [lab(np.clip(np.array(SIGHT[sight]) @ in_linear_light(one), 0, 1)) for one in palette]
    pairs = itertools.combinations(seen, 2)
    assert min(np.linalg.norm(one - other) for one, other in pairs) > 15


@pytest.mark.parametrize("style", ["default", *pyplot.style.available])
def test_text_and_lines_are_seen_in_every_style(style):
    with pyplot.style.context(style):
        ax = pyplot.subplots()[1]
        behind = _axes.background(ax)
        assert _axes.contrast(_axes.foreground(ax), behind) > 2.5
        for k in range(2):
            assert _axes.contrast(_axes.colour_of(k, ax), behind) > 2.5
        for k in range(_axes.N_COLOURS):
            assert _axes.contrast(_axes.colour_of(k, ax), behind) > 1.5


def test_black_text_on_black_axes_becomes_white():
    with pyplot.rc_context({"axes.facecolor": "black", "text.color": "black"}):
        assert _axes.foreground(pyplot.subplots()[1]) == "white"
    with pyplot.rc_context({"axes.facecolor": "none", "figure.facecolor": "black"}):
        ax = pyplot.subplots()[1]
        assert _axes.background(ax) == (0, 0, 0)
        assert _axes.colour_of(0, ax) == _axes.ON_DARK[0]
    with pyplot.rc_context({"axes.facecolor": "none", "figure.facecolor": "white"}):
        assert _axes.background(pyplot.subplots()[1]) == (1, 1, 1)


def test_contrast_is_that_of_the_guidelines():
    assert _axes.contrast("white", "black") == pytest.approx(21)
    assert _axes.contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)


def test_many_classes_differ_in_colour_or_marker():
    ax = pyplot.subplots()[1]
    looks = {(_axes.colour_of(k, ax), _axes.marker_of(k)) for k in range(70)}
    assert len(looks) == 70


# The cost curve


def test_columns_of_a_history():
    columns = {"accuracy": [0.5, 0.6, 0.7], "val_loss": [1.0, 0.9, 0.8], "val_accuracy": [0.4] * 3}
    history = a_history(3, **columns)
    display = plot.HistoryDisplay.from_history(history, columns="all")
    assert list(display.lines_) == [
        "loss", "val_loss", "accuracy", "val_accuracy", "learning_rate",
    ]  # fmt: skip
    for name, line in display.lines_.items():
        assert line.get_xdata().tolist() == [0, 1, 2]
        assert list(line.get_ydata()) == history.history[name] == display.columns[name]
    labels = [ax.get_ylabel() for ax in display.axes_]
    assert labels == ["loss", "accuracy", "learning rate"]
    assert [ax.get_xlabel() for ax in display.axes_] == ["", "", "epoch"]
    one = plot.HistoryDisplay.from_history(history, columns=["val_accuracy"])
    assert list(one.lines_) == ["val_accuracy"]
    assert list(plot.HistoryDisplay.from_history(history).lines_) == ["loss", "val_loss"]
    axes = pyplot.subplots(3)[1]
    assert plot.HistoryDisplay.from_history(history, columns="all", ax=axes).axes_ == list(axes)
    with pytest.raises(TypeError, match="ax must be None or 3 Matplotlib axes, got ndarray"):
        plot.HistoryDisplay.from_history(history, columns="all", ax=axes[:2])


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 7, 40, 1234])
def test_epochs_are_whole_numbers(epochs):
    ax = a_history(epochs).plot()
    ax.figure.canvas.draw()
    ticks = [tick for tick in ax.get_xticks() if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)
    if epochs == 1:
        assert ticks == [0]
        assert ax.get_xlim() == (-0.5, 0.5)
        a_history(4).plot(ax)
        assert ax.get_xlim()[1] > 2.5


def test_the_learning_rate_is_on_a_logarithmic_axis_where_it_spans_decades():
    for high, scale in ((0.5, "linear"), (10.0, "log")):
        history = History([Lap(np.ones(3), np.array([0.1, high, 0.2]))], {})
        display = plot.HistoryDisplay.from_history(history, columns="learning_rate")
        assert display.ax_.get_yscale() == scale


def test_histories_on_the_same_axes_have_colours_of_their_own():
    ax = a_history(val_loss=[1.0] * 5).plot()
    a_history(7).plot(ax)
    drawn = {line.get_color() for line in ax.get_lines()}
    assert len(drawn) == 3


def test_what_diverged_may_have_fewer_values():
    display = plot.HistoryDisplay.from_history(a_history(5, val_loss=[1.0] * 4))
    assert display.lines_["val_loss"].get_xdata().tolist() == [0, 1, 2, 3]


def test_finite_values_between_others_are_points():
    nan = np.nan
    columns = {"f1": [nan, 0.5, nan, 0.6, 0.7, np.inf, 0.8], "r2": [nan] * 7}
    history = a_history(7, **columns)
    display = plot.HistoryDisplay.from_history(history, columns=["loss", "f1", "r2"])
    assert display.lines_["loss"].get_marker() == ""  # nor in a legend
    assert display.lines_["f1"].get_markevery() == [1, 6]
    said = [[text.get_text() for text in ax.texts] for ax in display.axes_]
    assert said == [[], [], ["no finite value"]]
    history = a_history(7, f1=[nan, 0.5] * 3 + [nan])  # and so the pixels of three points
    ax = pyplot.figure().add_axes((0, 0, 1, 1))
    plot.HistoryDisplay.from_history(history, columns="f1", ax=ax)
    ax.set_axis_off()
    ax.figure.canvas.draw()
    assert (np.asarray(ax.figure.canvas.buffer_rgba())[..., 0] < 100).sum() > 3 * 20


def test_ticks_of_epochs_are_as_many_as_there_is_room_for():
    figure = pyplot.figure(figsize=(6, 4))
    for width, least, most in ((0.15, 1, 3), (0.8, 4, 11)):
        ax = figure.add_axes((0.1, 0.1, width, 0.8))
        a_history(1200).plot(ax)
        figure.canvas.draw()
        low, high = ax.get_xlim()
        shown = [one for one in ax.xaxis.get_major_ticks() if low <= one.get_loc() <= high]
        boxes = [one.label1.get_window_extent() for one in shown]
        assert least <= len(boxes) <= most
        for left, right in itertools.pairwise(boxes):
            assert left.x1 + 4 < right.x0
        figure.clear()


def test_no_epoch():
    history = Network([2, 1]).train([[0, 1]], [0], epochs=0, learning_rate=0.1)
    assert history.plot().get_ylabel() == "loss"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("val_loss", r"got 'val_loss'; give validation_data=\(X, y\) to train$"),
        (["loss", "val_f1"], r"got 'val_f1'; give validation_data=\(X, y\) to train, and metrics="),
        ("f1", r"of 'loss', 'learning_rate' in this history, got 'f1'; give metrics=\[...\]"),
        ("lr", "got 'lr'; write 'learning_rate'"),
    ],
)
def test_columns_that_are_not_there(columns, message):
    with pytest.raises(ValueError, match=message):
        plot.HistoryDisplay.from_history(a_history(), columns=columns)
    assert not pyplot.get_fignums()


@pytest.mark.parametrize("history", [{"loss": [1]}, None, Network([2, 1])])
def test_what_is_no_history(history):
    with pytest.raises(TypeError, match=r"history must be a fastnn\.History"):
        plot.HistoryDisplay.from_history(history)


# Learning rates


def test_the_curve_of_learning_rates():
    rates = np.geomspace(1e-4, 10, 20)
    losses = np.append(np.linspace(2, 1, 19), 1e30)
    curve = LearningRateCurve(rates, losses, losses, 0.05)
    display = plot.LearningRateDisplay.from_curve(curve)
    assert display.line_.get_xdata().tolist() == rates.tolist()
    assert display.line_.get_ydata().tolist() == losses.tolist()
    assert list(display.suggestion_line_.get_xdata()) == [0.05, 0.05]
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_ylim()[1] == 3
    assert curve.plot(display.ax_) is display.ax_
    without = plot.LearningRateDisplay.from_curve(CURVE)
    assert without.suggestion_line_ is None
    trained = LearningRateCurve(rates, losses, losses, np.nan)
    assert plot.LearningRateDisplay.from_curve(trained).ax_.get_ylim()[1] == 6
    assert without.ax_.get_title() == "no suggestion: the loss does not fall clearly"
    assert display.ax_.get_title() == ""
    with pytest.raises(TypeError, match=r"curve must be what fastnn\.find_learning_rate returns"):
        plot.LearningRateDisplay.from_curve(a_history())


# Decision boundaries


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_boundary_is_what_feedforward_gives(dtype):
    net, X, y = of_moons(dtype)
    display = plot.DecisionBoundaryDisplay.from_network(net, X, y, resolution=20, margin=0.5)
    points = np.column_stack((display.xx0.ravel(), display.xx1.ravel()))
    np.testing.assert_array_equal(display.response.ravel(), net.feedforward(points)[:, 0])
    assert display.response.shape == display.xx0.shape == (20, 20)
    low, high = X.min(axis=0), X.max(axis=0)
    for grid, k in ((display.xx0[0], 0), (display.xx1[:, 0], 1)):
        wider = 0.5 * (high[k] - low[k])
        np.testing.assert_allclose(grid[[0, -1]], [low[k] - wider, high[k] + wider])
    assert display.threshold == 0.5
    assert [len(one.get_offsets()) for one in display.points_] == [50, 50]
    np.testing.assert_allclose(display.points_[1].get_offsets(), X[y == 1])
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["class 0", "class 1"]
    # The image's colours are those of the classes, and the surer the stronger.
    image = np.asarray(display.surface_.get_array())
    is_one = display.response > 0.5
    assert {tuple(one) for one in image[is_one][:, :3]} == {colors.to_rgb(_axes.ON_LIGHT[1])}
    assert {tuple(one) for one in image[~is_one][:, :3]} == {colors.to_rgb(_axes.ON_LIGHT[0])}
    sureness = np.abs(display.response - 0.5).ravel()
    assert (np.diff(image[..., 3].ravel()[np.argsort(sureness)]) >= 0).all()


def test_a_boundary_of_several_classes():
    X, y = datasets.load_spirals(90, n_classes=3)
    net = Network([2, 6, 3], activation=["tanh", "softmax"], loss="cross_entropy", seed=0)
    display = plot.DecisionBoundaryDisplay.from_network(
        net, X, y, resolution=30, class_names=["a", "b", "c"]
    )
    assert display.response.shape == (30, 30, 3)
    winners = net.feedforward(np.dstack((display.xx0, display.xx1)).reshape(-1, 2)).argmax(axis=1)
    image = np.asarray(display.surface_.get_array())[..., :3].reshape(-1, 3)
    expected = np.array([colors.to_rgb(one) for one in _axes.ON_LIGHT])[winners]
    np.testing.assert_array_equal(image, expected)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["a", "b", "c"]
    rows = plot.DecisionBoundaryDisplay.from_network(net, X, np.eye(3)[y], resolution=5)
    np.testing.assert_array_equal(rows.y, y)
    one = plot.DecisionBoundaryDisplay.from_network(net, X, y, resolution=30, output=2)
    np.testing.assert_array_equal(one.response, display.response[..., 2])
    np.testing.assert_array_equal(one.y, y == 2)
    assert len(one.points_) == 2


def test_a_surface():
    X, y = datasets.load_regression(50, n_inputs=2)
    net = Network([2, 6, 1], activation=["tanh", "identity"], seed=0)
    display = plot.DecisionBoundaryDisplay.from_network(net, X, 10 * y, resolution=10)
    assert display.threshold is None
    np.testing.assert_array_equal(display.surface_.get_array(), display.response)
    both = np.append(display.response, 10 * y)
    assert display.surface_.get_clim() == (both.min(), both.max())
    np.testing.assert_array_equal(display.y, 10 * y)
    assert len(display.figure_.axes) == 2  # with a scale
    several = Network([2, 3], activation="identity", seed=0)
    display = plot.DecisionBoundaryDisplay.from_network(
        several, X, np.column_stack((y, 2 * y, 3 * y)), output=1, resolution=4
    )
    assert display.threshold is None
    np.testing.assert_array_equal(display.y, 2 * y)


@pytest.mark.parametrize(
    ("activation", "y", "threshold"),
    [
        ("step", [0, 1], 0.5),
        ("sigmoid", [0.2, 0.9], 0.5),
        ("tanh", [-1, 1], 0.0),
        ("tanh", [-0.9, 0.9], None),
        ("identity", [0, 1], None),
        ("sigmoid", None, 0.5),
        ("tanh", None, None),
    ],
)
def test_what_one_output_stands_for(activation, y, threshold):
    net = Network([2, 1], activation=activation, seed=0)
    display = plot.DecisionBoundaryDisplay.from_network(net, [[0, 1], [1, 0]], y, resolution=3)
    assert display.threshold == threshold
    if y is None:
        assert display.points_ == []
    other = "surface" if threshold is not None else "classes"
    display = plot.DecisionBoundaryDisplay.from_network(net, [[0, 1], [1, 0]], y, kind=other)
    assert (display.threshold is None) == (other == "surface")


def test_a_boundary_that_lies_elsewhere_and_samples_in_one_place():
    net = Network.from_parameters([np.zeros((2, 1))], [np.ones(1)], activation="sigmoid")
    display = plot.DecisionBoundaryDisplay.from_network(net, [[3, 3]], [1], resolution=3)
    assert display.xx0[0, [0, -1]].tolist() == [1.5, 4.5]  # half of what it is
    display = plot.DecisionBoundaryDisplay.from_network(net, [[0, 0.5]], [1], resolution=3)
    assert display.xx0[0, [0, -1]].tolist() == [-0.5, 0.5]  # or of 1
    assert display.xx1[[0, -1], 0].tolist() == [0, 1]


def test_names_of_columns_are_those_of_the_axes():
    net, X, y = of_moons()
    frame = pd.DataFrame(X, columns=["age", "income"])
    display = plot.DecisionBoundaryDisplay.from_network(net, frame, y, resolution=3)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("age", "income")
    net.train(frame, y, epochs=1, learning_rate=0.1)
    display = plot.DecisionBoundaryDisplay.from_network(net, X, y, resolution=3)
    assert display.ax_.get_xlabel() == "age"
    with pytest.raises(ValueError, match="X must have its columns in the order"):
        plot.DecisionBoundaryDisplay.from_network(net, frame[["income", "age"]], y)


LABELS = Network([2, 2], activation="sigmoid", loss="bce")


@pytest.mark.parametrize(
    ("given", "exception", "message"),
    [
        ({"net": Network([3, 1])}, ValueError, r"net must have two inputs .* got 3; use a network"),
        ({"net": LABELS}, ValueError, r"output must say which of the 2 outputs .* 0 to 1"),
        ({"X": [[1, 2, 3]]}, ValueError, "X must have 2 columns"),
        ({"X": csr_array(np.eye(2))}, TypeError, r"X must be dense .*; use X.toarray\(\)"),
        ({"y": [0, 1, 2]}, ValueError, "y must be as long as X"),
        ({"kind": "class"}, ValueError, "kind must be one of 'auto', 'classes', 'surface'"),
        ({"output": 1}, ValueError, "output must be at most 0"),
        ({"resolution": 1}, ValueError, "resolution must be at least 2"),
        ({"margin": -1}, ValueError, "margin must be a finite number of at least 0"),
        ({"class_names": ["a"]}, ValueError, "class_names must be None or a name for each of 2"),
        ({"class_names": "ab"}, TypeError, "class_names must be None or a sequence of 2 names"),
        ({"n_points": 3}, TypeError, "has no argument 'n_points'"),
    ],
)
def test_what_has_no_boundary(given, exception, message):
    good = {"net": Network([2, 1]), "X": [[0, 1], [1, 0]], "y": [0, 1]}
    with pytest.raises(exception, match=message):
        plot.DecisionBoundaryDisplay.from_network(**good | given)
    assert not pyplot.get_fignums()


# The animation


def test_frames_are_what_the_network_was_at_that_time():
    X, y = datasets.load_moons(40)
    settings = {"learning_rate": schedules.CosineDecay(0.2, epochs=20)}
    net, bare = (
        Network([2, 4, 1], activation=["tanh", "sigmoid"], loss="bce", seed=0) for _ in range(2)
    )
    animation = plot.DecisionBoundaryAnimation(X, y, every=4, resolution=7)
    responses = [bare.feedforward(points_of(X, 7))]
    history = net.train(X, y, epochs=10, callbacks=animation, **settings)
    losses = []
    for epochs in (4, 4, 2):
        losses += bare.train(X, y, epochs=epochs, **settings).history["loss"]
        responses.append(bare.feedforward(points_of(X, 7)))
    assert history.history["loss"] == losses
    assert [frame.epoch for frame in animation.frames] == [0, 4, 8, 10]
    assert [frame.loss for frame in animation.frames] == [None, *(losses[i] for i in (3, 7, 9))]
    for frame, response in zip(animation.frames, responses, strict=True):
        np.testing.assert_array_equal(frame.response.ravel(), response[:, 0])
    assert net._parameters.tobytes() == bare._parameters.tobytes()
    assert pickle.dumps(net._rng) == pickle.dumps(bare._rng)
    net.train(X, y, epochs=8, callbacks=animation, **settings)
    assert [frame.epoch for frame in animation.frames] == [0, 4, 8, 10, 14, 18]


def points_of(X, resolution):
    display = plot.DecisionBoundaryDisplay.from_network(Network([2, 1]), X, resolution=resolution)
    return np.column_stack((display.xx0.ravel(), display.xx1.ravel()))


def test_a_training_that_is_broken_off():
    X, y = datasets.load_moons(40)
    net = Network([2, 4, 1], seed=0)
    animation = plot.DecisionBoundaryAnimation(X, y, every=2, resolution=4)

    def interrupt(net, epoch, logs):
        if epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.train(X, y, epochs=10, learning_rate=0.1, callbacks=[animation, interrupt])
    net.train(X, y, epochs=2, learning_rate=0.1, callbacks=animation)
    assert [frame.epoch for frame in animation.frames] == [0, 2, 4, 6]


@pytest.mark.parametrize("kind", ["classes", "surface"])
def test_the_animation_is_saved(kind, tmp_path):
    X, y = datasets.load_moons(40)
    if kind == "surface":
        y = 0.01 * y  # so that the frames' responses, which differ, say how far the scale goes
    net = Network([2, 4, 1], seed=0)
    animation = plot.DecisionBoundaryAnimation(
        X, y, every=5, kind=kind, resolution=10,
        class_names=["up", "down"] if kind == "classes" else None,
    )  # fmt: skip
    net.train(X, y, epochs=10, learning_rate=0.5, callbacks=animation)
    animation.save(tmp_path / "moons.gif", fps=20, dpi=40)
    assert os.listdir(tmp_path) == ["moons.gif"]
    buffer = io.BytesIO()
    animation.save(buffer, fps=20, dpi=40)
    assert buffer.getvalue() == (tmp_path / "moons.gif").read_bytes()
    shown = animation._repr_mimebundle_(include=None, exclude=None)
    assert shown["text/plain"] == repr(animation)
    assert repr(animation) == "<DecisionBoundaryAnimation of 3 frames, epochs 0 to 10>"
    with Image.open(io.BytesIO(base64.b64decode(shown["image/gif"]))) as gif:
        assert (gif.n_frames, gif.size) == (3, (384, 288))
    frames, durations = [], []
    with Image.open(buffer) as gif:
        assert (gif.format, gif.n_frames, gif.size) == ("GIF", 3, (192, 144))
        assert gif.info["loop"] == 0
        for i in range(3):
            gif.seek(i)
            durations.append(gif.info["duration"])
            frames.append(np.asarray(gif.convert("RGB")))
    assert durations == [50, 50, 1500]
    assert not np.array_equal(frames[0], frames[2])
    assert not pyplot.get_fignums()
    scales = {animation.plot(i).surface_.get_clim() for i in range(3)}
    assert len(scales) == 1
    assert animation.plot().ax_.get_title() == f"epoch 10, loss {animation.frames[-1].loss:.4f}"
    assert animation.plot(0).ax_.get_title() == "epoch 0"


def test_animations_that_cannot_be_saved(tmp_path, monkeypatch):
    X, y = datasets.load_moons(40)
    animation = plot.DecisionBoundaryAnimation(X, y, resolution=4)
    said = "<DecisionBoundaryAnimation of 0 frames>"
    assert animation._repr_mimebundle_() == {"text/plain": said}
    for call in (lambda: animation.save(tmp_path / "x.gif"), animation.plot):
        with pytest.raises(ValueError, match="must have seen a training, and it has no frames yet"):
            call()
    Network([2, 1]).train(X, y, epochs=1, learning_rate=0.1, callbacks=animation)
    monkeypatch.setattr(animation, "_image", None)  # it takes long, and is not begun
    with pytest.raises(FileNotFoundError, match="path must be in a folder that exists"):
        animation.save(tmp_path / "nowhere" / "x.gif")
    for given, exception, message in (
        ({"path": "a.png"}, ValueError, r"path must end in \.gif, got 'a\.png'"),
        ({"path": 1}, TypeError, "path must be a path, or a file opened in binary mode"),
        ({"fps": 0}, ValueError, "fps must be above 0 and at most 50, got int 0"),
        ({"fps": 51}, ValueError, "fps must be above 0 and at most 50, got int 51"),
        ({"dpi": 0}, ValueError, "dpi must be a finite number above 0"),
    ):
        with pytest.raises(exception, match=message):
            animation.save(**{"path": tmp_path / "x.gif"} | given)
    with pytest.raises(ValueError, match="frame must be at most 1, got int 2"):
        animation.plot(2)
    assert os.listdir(tmp_path) == []


def test_animations_that_cannot_begin(monkeypatch):
    X, y = datasets.load_moons(40)
    for given, exception, message in (
        ({"every": 0}, ValueError, "every must be at least 1"),
        ({"X": np.ones((40, 3))}, ValueError, "X must have 2 columns"),
        ({"class_names": ["a"]}, ValueError, "class_names must be None or a name for each of 2"),
        ({"kind": "a"}, ValueError, "kind must be one of"),
    ):
        net = Network([2, 1], seed=0)
        before = pickle.dumps(net)
        with pytest.raises(exception, match=message):
            net.train(
                X, y, epochs=1, learning_rate=0.1,
                callbacks=plot.DecisionBoundaryAnimation(**{"X": X, "y": y} | given),
            )  # fmt: skip
        assert pickle.dumps(net) == before
    animation = plot.DecisionBoundaryAnimation(X, y)
    nets = [Network([2, 1], seed=seed) for seed in range(2)]
    with pytest.raises(ValueError, match="must be given to one network alone"):
        train_many(nets, X, y, epochs=1, learning_rate=0.1, callbacks=animation)
    with pytest.raises(ValueError, match=r"net must have two inputs .* got 64"):
        Network([64, 1]).train(
            np.ones((1, 64)), [0], epochs=1, learning_rate=0.1,
            callbacks=plot.DecisionBoundaryAnimation(X, y),
        )  # fmt: skip
    for name in [one for one in sys.modules if one.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    net = Network([2, 1], seed=0)
    before = pickle.dumps(net)
    with pytest.raises(ImportError, match=r'pip install "fastnn\[plot\]"'):
        net.train(X, y, epochs=1, learning_rate=0.1, callbacks=plot.DecisionBoundaryAnimation(X, y))
    assert pickle.dumps(net) == before


# Networks


def test_a_drawing_has_all_weights_of_a_small_network():
    rng = np.random.default_rng(0)
    W = [rng.normal(size=(3, 4)), rng.normal(size=(4, 2))]
    b = [rng.normal(size=4), np.zeros(2)]
    drawn = drawing(W, b, 4)
    assert [(unit.layer, unit.place) for unit in drawn.units] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1),
    ]  # fmt: skip
    heights = {(unit.layer, unit.place): unit.height for unit in drawn.units}
    assert [heights[0, i] for i in range(3)] == [1, 0, -1]
    assert [heights[1, i] for i in range(4)] == [1.5, 0.5, -0.5, -1.5]
    assert drawn.height == 4
    lines = {(line.layer, line.start, line.end): line for line in drawn.lines}
    assert len(lines) == len(drawn.lines) == 3 * 4 + 4 * 2
    for layer, of_layer in enumerate(W, 1):
        for (i, j), w in np.ndenumerate(of_layer):
            line = lines[layer, heights[layer - 1, i], heights[layer, j]]
            assert line.weight == pytest.approx(w / np.abs(of_layer).max())
            assert not line.is_mean
    of_layer = [line.weight for line in drawn.lines if line.layer == 1]
    assert of_layer == sorted(of_layer, key=abs)
    biases = [unit.bias for unit in drawn.units if unit.layer == 1]
    np.testing.assert_allclose(biases, b[0] / np.abs(b[0]).max())
    assert {unit.bias for unit in drawn.units if unit.layer != 1} == {0}


def test_large_layers_are_summed_up():
    rng = np.random.default_rng(0)
    W, b = [rng.normal(size=(100, 7))], [rng.normal(size=7)]
    drawn = drawing(W, b, 5)
    inputs = [(unit.place, unit.n) for unit in drawn.units if unit.layer == 0]
    assert inputs == [(0, 1), (1, 1), (2, 1), (None, 96), (99, 1)]
    outputs = [(unit.place, unit.n) for unit in drawn.units if unit.layer == 1]
    assert outputs == [(0, 1), (1, 1), (2, 1), (None, 3), (6, 1)]
    lines = {(line.start, line.end): line for line in drawn.lines}
    assert len(lines) == 25
    shown = W[0][np.ix_([0, 1, 2, 99], [0, 1, 2, 6])]
    largest = np.abs(shown).max()
    assert lines[2, 2].weight == pytest.approx(shown[0, 0] / largest)
    mean = lines[-1, 2]
    assert mean.is_mean
    assert mean.weight == pytest.approx(np.abs(W[0][3:99, 0]).mean() / largest)
    assert lines[-1, -1].weight == pytest.approx(np.abs(W[0][3:99, 3:6]).mean() / largest)
    assert drawing(W, b, 100).height == 100


def test_numbers_that_are_not_finite_do_not_hinder():
    drawn = drawing([np.array([[np.nan, 2.0], [np.inf, -1.0]])], [np.zeros(2)], 5)
    assert sorted(line.weight for line in drawn.lines) == [-0.5, 0, 0, 1]


def test_widths_are_sizes_and_colours_signs():
    net = Network.from_parameters([[[2.0, -1.0], [0.0, 0.5]]], [[1.0, -1.0]])
    display = plot.NetworkDisplay.from_network(net, feature_names=["a", "b" * 30])
    widths = dict(zip(
        (tuple(ends[:, 1]) for ends in display.lines_.get_segments()),
        display.lines_.get_linewidths(), strict=True,
    ))  # fmt: skip
    assert widths[0.5, 0.5] == pytest.approx(2 * widths[0.5, -0.5])
    assert widths[0.5, 0.5] == pytest.approx(4 * widths[-0.5, -0.5])
    assert widths[-0.5, 0.5] < widths[-0.5, -0.5]
    blue, red = (colors.to_rgba(one) for one in _axes.ON_LIGHT[:2])
    found = dict(zip(widths, map(tuple, display.lines_.get_colors()), strict=True))
    assert (found[0.5, 0.5], found[0.5, -0.5]) == (blue, red)
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts == ["a", "b" * 15 + "…", "2 inputs", "2 sigmoid"]
    net.weights[0][0] = 7  # the picture has numbers of its own
    assert display.weights[0][0, 0] == 2


def test_names_of_inputs_are_those_of_the_table():
    net = Network([2, 1], seed=0)
    net.train(pd.DataFrame({"age": [1, 2], "size": [3, 4]}), [0, 1], epochs=1, learning_rate=0.1)
    texts = [text.get_text() for text in plot.NetworkDisplay.from_network(net).ax_.texts]
    assert texts[:2] == ["age", "size"]


@pytest.mark.parametrize(
    ("given", "exception", "message"),
    [
        ({"max_units": 2}, ValueError, "max_units must be at least 3"),
        (
            {"feature_names": ["a"]},
            ValueError,
            "feature_names must be None or a name for each of 2",
        ),
        ({"class_names": "a"}, TypeError, "class_names must be None or a sequence of 1 names"),
    ],
)
def test_networks_that_are_not_drawn(given, exception, message):
    with pytest.raises(exception, match=message):
        plot.NetworkDisplay.from_network(Network([2, 1]), **given)


# Confusion matrices


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_a_confusion_matrix_is_scikit_learns(normalize):
    net, X, y = of_digits(5)
    display = plot.ConfusionMatrixDisplay.from_network(net, X, y, normalize=normalize)
    found = net.feedforward(X).argmax(axis=1)
    expected = theirs.confusion_matrix(y, found, labels=range(5), normalize=normalize)
    np.testing.assert_allclose(display.confusion_matrix, expected)
    form = "{:,}" if normalize is None else "{:.2f}"
    for place, text in np.ndenumerate(display.text_):
        assert text.get_text() == form.format(expected[place])
        assert (text.get_position()[1], text.get_position()[0]) == place
    rows = plot.ConfusionMatrixDisplay.from_predictions(np.eye(5)[y], net.feedforward(X))
    assert rows.confusion_matrix.sum() == len(y)


def test_long_names_of_classes_are_within_the_picture():
    names = [f"class of flowers {'xyz'[k]}, long" for k in range(3)]
    display = plot.ConfusionMatrixDisplay.from_predictions(
        [0, 1, 2], np.eye(3), class_names=names
    )  # fmt: skip
    figure = display.figure_
    figure.canvas.draw()
    labels = [*display.ax_.get_xticklabels(), *display.ax_.get_yticklabels()]
    assert {one.get_text() for one in labels} == {"class of flower…"}
    for one in (*labels, display.ax_.xaxis.label, display.ax_.yaxis.label):
        box = one.get_window_extent()
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1


def test_a_confusion_matrix_of_many_classes():
    y = np.arange(45)
    display = plot.ConfusionMatrixDisplay.from_predictions(y, np.eye(45))
    assert not display.ax_.texts
    assert not display.text_.any()
    expected = [str(k) for k in range(0, 45, 3)]
    assert [one.get_text() for one in display.ax_.get_xticklabels()] == expected
    assert [one.get_text() for one in display.ax_.get_yticklabels()] == expected
    display = plot.ConfusionMatrixDisplay.from_predictions(y[:20], np.eye(20))
    assert len(display.ax_.texts) == 400
    assert len(display.ax_.get_xticklabels()) == 20


def test_a_confusion_matrix_of_one_output():
    display = plot.ConfusionMatrixDisplay.from_predictions(
        [0, 1, 1], [0.6, 0.7, 0.1], threshold=0.65, class_names=["no", "yes"]
    )
    assert display.confusion_matrix.tolist() == [[1, 0], [1, 1]]
    assert [one.get_text() for one in display.ax_.get_xticklabels()] == ["no", "yes"]
    with pytest.raises(ValueError, match="normalize must be one of 'true', 'pred', 'all'"):
        plot.ConfusionMatrixDisplay.from_predictions([0, 1], [0, 1], normalize="rows")
    with pytest.raises(ValueError, match="class_names must be None or a name for each of 2"):
        plot.ConfusionMatrixDisplay.from_predictions([0, 1], [0, 1], class_names=range(3))
    with pytest.raises(ValueError, match="confusion_matrix needs targets that are classes"):
        plot.ConfusionMatrixDisplay.from_predictions([0, 0.3], [0, 1])


# ROC curves


def assert_is_theirs(curve, is_of_class, scores):
    fpr, tpr, thresholds = theirs.roc_curve(is_of_class, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.fpr, fpr)
    np.testing.assert_allclose(curve.tpr, tpr)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    assert curve.auc == pytest.approx(theirs.roc_auc_score(is_of_class, scores), abs=1e-12)


@pytest.mark.parametrize("decimals", [1, 15])
@pytest.mark.parametrize("low", [0, -1])
def test_a_roc_curve_is_scikit_learns(decimals, low):
    rng = np.random.default_rng(0)
    y = np.where(rng.random(200) < 0.3, 1, low)
    scores = (rng.random(200) + 0.5 * (y == 1)).round(decimals)
    display = plot.RocCurveDisplay.from_predictions(y, scores)
    (curve,) = display.curves
    assert_is_theirs(curve, y == 1, scores)
    assert display.lines_[0].get_xdata().tolist() == curve.fpr.tolist()
    assert display.lines_[0].get_ydata().tolist() == curve.tpr.tolist()
    assert display.lines_[0].get_label() == f"network, area {curve.auc:.3f}"


def test_roc_curves_of_classes_and_labels():
    net, X, y = of_digits()
    outputs = net.feedforward(X)
    display = plot.RocCurveDisplay.from_network(net, X, y)
    for k, curve in enumerate(display.curves):
        assert_is_theirs(curve, y == k, outputs[:, k])
    looks = {(line.get_color(), line.get_linestyle()) for line in display.lines_}
    assert len(looks) == 10
    labels = np.column_stack((y > 4, y % 2)).astype(int)
    display = plot.RocCurveDisplay.from_predictions(
        labels, outputs[:, :2], class_names=["large", "odd"]
    )
    for k, curve in enumerate(display.curves):
        assert_is_theirs(curve, labels[:, k], outputs[:, k])
    assert display.lines_[1].get_label().startswith("odd, area 0.")


def test_a_roc_curve_of_float32():
    y, scores = np.array([0, 1, 1]), np.array([0.1, 0.2, 0.1], np.float32)
    (curve,) = plot.RocCurveDisplay.from_predictions(y, scores).curves
    assert_is_theirs(curve, y, scores.astype(float))


def test_what_has_no_roc_curve():
    with pytest.raises(ValueError, match=r"a ROC curve compares samples .* y has none of class 1"):
        plot.RocCurveDisplay.from_predictions([0, 0], [0.1, 0.2])
    with pytest.raises(ValueError, match="a ROC curve needs targets that are classes"):
        plot.RocCurveDisplay.from_predictions([0.5, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="class_names must be None or a name for each of 1"):
        plot.RocCurveDisplay.from_predictions([0, 1], [0.1, 0.2], class_names=["a", "b"])


# Reliability curves


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("n_bins", [1, 5, 10, 30])
def test_a_reliability_curve_is_scikit_learns(strategy, n_bins):
    rng = np.random.default_rng(1)
    said = np.append(rng.random(301), [0, 0, 1, 1, 0.1, 0.2, 0.3])  # quantiles between them
    y = (rng.random(308) < said**2).astype(int)
    display = plot.CalibrationDisplay.from_predictions(y, said, n_bins=n_bins, strategy=strategy)
    true, pred = calibration_curve(y, said, n_bins=n_bins, strategy=strategy)
    np.testing.assert_allclose(display.prob_true, true)
    np.testing.assert_allclose(display.prob_pred, pred)
    assert display.counts.sum() == 308
    error = (np.abs(display.prob_true - display.prob_pred) * display.counts).sum() / 308
    assert display.error == pytest.approx(error)
    assert display.line_.get_ydata().tolist() == display.prob_true.tolist()


@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_reliability_curve_of_the_class_found(n_classes):
    net, X, y = of_digits(n_classes)
    outputs = net.feedforward(X)
    found, said = outputs.argmax(axis=1), outputs.max(axis=1)
    true, pred = calibration_curve(found == y, said, n_bins=6)
    for given in (y, np.eye(n_classes)[y]):
        display = plot.CalibrationDisplay.from_predictions(given, outputs, n_bins=6)
        np.testing.assert_allclose(display.prob_true, true)
        np.testing.assert_allclose(display.prob_pred, pred)
    assert display.ax_.get_xlabel() == "probability of the class found"


def test_what_has_no_reliability_curve():
    for y, outputs, message in (
        ([0, 1], [0.1, 1.2], "outputs must lie in 0 to 1 for a reliability curve"),
        ([0, 1], [[0.9, 0.9], [0.1, 0.2]], "outputs must have rows that sum to 1 for a reliab"),
        ([0, 2], [0.1, 0.2], "y must lie in 0 to 1 for a reliability curve"),
    ):
        with pytest.raises(ValueError, match=message):
            plot.CalibrationDisplay.from_predictions(y, outputs)
    with pytest.raises(ValueError, match="strategy must be one of 'uniform', 'quantile'"):
        plot.CalibrationDisplay.from_predictions([0, 1], [0, 1], strategy="equal")
    with pytest.raises(ValueError, match="n_bins must be at least 1"):
        plot.CalibrationDisplay.from_predictions([0, 1], [0, 1], n_bins=0)


# Images


def test_images_and_what_they_are_taken_for():
    net, X, y = of_digits()
    found = net.feedforward(X).argmax(axis=1)[:20]
    display = plot.ImagesDisplay.from_network(net, X[:20], y[:20])
    np.testing.assert_array_equal(display.images, X[:20].reshape(20, 8, 8))
    wrong = found != y[:20]
    assert 0 < wrong.sum() < 20
    for i, text in enumerate(display.text_):
        assert text.get_text() == (f"{found[i]}, not {y[i]}" if wrong[i] else f"{found[i]}")
        assert (text.get_color() == _axes.ON_LIGHT[1]) == wrong[i]
    shown = np.asarray(display.image_.get_array())
    assert np.nansum(shown) == pytest.approx(X[:20].sum())
    np.testing.assert_array_equal(shown[:8, :8], X[0].reshape(8, 8))
    assert [text.get_text() for text in plot.ImagesDisplay.from_network(net, X[:9]).text_] == [
        str(one) for one in found[:9]
    ]


def test_images_of_two_classes_and_other_shapes():
    X = np.arange(24.0).reshape(4, 6)
    display = plot.ImagesDisplay.from_predictions(
        pd.DataFrame(X), [0.1, 0.9, 0.6, 0.2], [0, 1, 0, 0], shape=(2, 3),
        class_names=["no", "yes"], columns=4,
    )  # fmt: skip
    texts = [text.get_text() for text in display.text_]
    assert texts == ["no", "yes", "yes, not no", "no"]
    np.testing.assert_array_equal(display.images[1], X[1].reshape(2, 3))
    height = {round(float(text.xy[1]), 6) for text in display.text_}
    assert len(height) == 1


@pytest.mark.parametrize("size", [(6.4, 4.8), (12, 9)])
def test_captions_of_images_do_not_reach_into_each_other(size):
    names = [f"{name} of the garden" for name in ("snapdragon", "chrysanthemum")]
    ax = pyplot.figure(figsize=size).add_subplot()
    display = plot.ImagesDisplay.from_predictions(
        np.ones((12, 64)), [0, 1] * 6, [1] * 12, class_names=names, ax=ax
    )  # fmt: skip
    display.figure_.canvas.draw()
    boxes = [text.get_window_extent() for text in display.text_]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    first, second = (text.get_text() for text in display.text_[:2])
    assert re.fullmatch("sna.*…, not chr.*…", first)
    assert second.startswith("chrysan")


def test_captions_keep_four_characters_in_the_smallest_room():
    ax = pyplot.figure(figsize=(1, 1)).add_subplot()
    display = plot.ImagesDisplay.from_predictions(
        np.ones((12, 64)), [0, 1] * 6, class_names=["snapdragon", "chrysanthemum"], ax=ax
    )  # fmt: skip
    assert {text.get_text() for text in display.text_} == {"sna…", "chr…"}


def test_images_are_in_few_rows_with_few_gaps():
    for n in range(1, 100):
        columns = _columns_for(n)
        rows = -(-n // columns)
        assert rows <= columns + 1
        assert columns <= 3 * rows
        assert columns * rows - n <= max(2, n / 5)
    ax = plot.ImagesDisplay(np.ones((30, 2, 2)), ["1"] * 30).plot().ax_
    assert len({text.xy[0] for text in ax.texts}) == 6


@pytest.mark.parametrize(
    ("given", "exception", "message"),
    [
        ({"X": np.ones((2, 5))}, ValueError, "shape must be given where 5 pixels make no square"),
        ({"shape": (2, 3)}, ValueError, r"must be that of images of 4 pixels, got \(2, 3\) of 6"),
        ({"shape": 2}, TypeError, r"shape must be None or \(rows, columns\), got int 2"),
        ({"shape": (4,)}, ValueError, r"shape must be None or \(rows, columns\), got tuple"),
        ({"X": np.ones((2, 2, 2))}, ValueError, r"X must be dense and of shape \(n, pixels\)"),
        ({"X": csr_array(np.eye(4))}, ValueError, "X must be dense"),
        ({"outputs": [0.1]}, ValueError, "outputs must be as long as X, 2, got 1"),
        ({"y": [0, 3]}, ValueError, "a caption needs targets that are classes"),
        ({"columns": 0}, ValueError, "columns must be at least 1"),
        ({"class_names": ["a"]}, ValueError, "class_names must be None or a name for each of 2"),
    ],
)
def test_images_that_are_not_drawn(given, exception, message):
    good = {"X": np.ones((2, 4)), "outputs": [0.1, 0.2]}
    with pytest.raises(exception, match=message):
        plot.ImagesDisplay.from_predictions(**good | given)
    assert not pyplot.get_fignums()


def test_weights_as_images():
    net = Network([64, 5, 2], seed=0)
    display = plot.WeightsDisplay.from_network(net, max_units=3)
    np.testing.assert_array_equal(display.images, net.weights[0].T[:3].reshape(3, 8, 8))
    low, high = display.image_.get_clim()
    assert -low == high == np.quantile(np.abs(display.images), 0.98)
    assert len(display.figure_.axes) == 1
    assert len(display.ax_.child_axes) == 1
    net.weights[0][:] = 7
    assert (display.images != 7).all()
    bare = plot.WeightsDisplay.from_network(net, colorbar=False, columns=1, shape=[4, 16])
    assert bare.ax_.child_axes == []
    assert bare.images.shape == (5, 4, 16)
    with pytest.raises(ValueError, match="shape must be given where 2 pixels make no square"):
        plot.WeightsDisplay.from_network(Network([2, 1]))
    with pytest.raises(TypeError, match="colorbar must be True or False"):
        plot.WeightsDisplay.from_network(net, colorbar="yes")
    with pytest.raises(ValueError, match="columns must be at least 1"):
        plot.WeightsDisplay.from_network(net, columns=0)
    regressor = MLPRegressor(hidden_layer_sizes=[3], random_state=0)
    regressor.partial_fit(np.random.default_rng(0).normal(size=(20, 4)), np.arange(20.0))
    assert plot.WeightsDisplay.from_network(regressor).images.shape == (3, 2, 2)
