"""Pictures, by Matplotlib: ``pip install "fastnn[plot]"``. Not imported by ``import fastnn``.

Each is an object as scikit-learn has them: a class method draws what it is given, on new axes or on
those in `ax`, and returns an object that keeps the numbers that it has drawn, with the axes in
`ax_` and the figure in `figure_`; `plot` draws it once more, elsewhere. Networks may also be fitted
estimators, of `fastnn.sklearn` and of scikit-learn.

Backgrounds and text are as your style of Matplotlib has them, light or dark. Colours are such that
the colour-blind can tell them apart, and where there are several classes markers differ, too.

Two pictures in one figure:

>>> from matplotlib import pyplot
>>> from fastnn import Network, datasets
>>> from fastnn.plot import ConfusionMatrixDisplay, RocCurveDisplay
>>> X, y = datasets.load_digits()
>>> net = Network([64, 30, 10], activation=["sigmoid", "softmax"], loss="cross_entropy", seed=0)
>>> history = net.train(X[:1500], y[:1500], epochs=10, learning_rate=0.2)
>>> figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 5))
>>> matrix = ConfusionMatrixDisplay.from_network(net, X[1500:], y[1500:], ax=left)
>>> curves = RocCurveDisplay.from_network(net, X[1500:], y[1500:], ax=right)
>>> figure.savefig("digits.png")
"""

from fastnn.plot._animation import DecisionBoundaryAnimation
from fastnn.plot._boundary import DecisionBoundaryDisplay
from fastnn.plot._calibration import CalibrationDisplay
from fastnn.plot._confusion import ConfusionMatrixDisplay
from fastnn.plot._history import HistoryDisplay
from fastnn.plot._images import ImagesDisplay, WeightsDisplay
from fastnn.plot._network import NetworkDisplay
from fastnn.plot._rates import LearningRateDisplay
from fastnn.plot._roc import RocCurveDisplay

__all__ = [
    "CalibrationDisplay",
    "ConfusionMatrixDisplay",
    "DecisionBoundaryAnimation",
    "DecisionBoundaryDisplay",
    "HistoryDisplay",
    "ImagesDisplay",
    "LearningRateDisplay",
    "NetworkDisplay",
    "RocCurveDisplay",
    "WeightsDisplay",
]
