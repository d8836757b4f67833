"""A script as users write it, with each public class of fastnn, for type checkers and to be run.

``nox -s lint`` gives it to mypy and pyright in their strict modes: `assert_type` is an error where
a type is another one, so that what comes out of fastnn is known, and nothing of it is Any.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, assert_type

import numpy as np
import pandas
import polars
from numpy.typing import NDArray

import fastnn
from fastnn import Network, callbacks, datasets, metrics, optimizers, plot, schedules
from fastnn.preprocessing import Standardizer

Floats = NDArray[np.floating[Any]]


class Stop(callbacks.Callback):
    """A callback of the user's own."""

    every = 2

    def check(self, names: Sequence[str], name: str) -> None:
        assert "loss" in names

    def on_epoch_end(self, net: Network, epoch: int, logs: callbacks.Logs) -> bool:
        return logs["loss"] < 1e-3 or epoch > net.n_parameters


class Mine(Network):
    """A network of the user's own."""


def certain(y: NDArray[np.integer[Any]], a: Floats) -> np.float32:
    """A metric of the user's own."""
    assert y.shape == a.shape[:1]
    return np.float32((a.max(axis=1) > 0.9).mean())


def halved(epoch: int) -> float:
    return 0.1 * 0.5**epoch


def narrow(
    rng: np.random.Generator, n_in: int, n_out: int, activation: str
) -> tuple[Floats, list[float]]:
    """An initializer of the user's own."""
    return rng.normal(0, 0.1, (n_in, n_out)), [0.0] * n_out


X, y = datasets.load_digits()
assert_type(X, NDArray[np.float64])
assert_type(y, NDArray[np.int64])
people, women = datasets.load_people()
assert_type(women, NDArray[np.float64])

net = Network([64, 12, 10], activation=["tanh", "softmax"], loss="cross_entropy", dtype="float32")
every_optimizer: list[str | optimizers.Optimizer] = [
    "sgd",
    optimizers.SGD(l2=1e-4, clip_norm=1.0),
    optimizers.Momentum(momentum=0.8),
    optimizers.Nesterov(),
    optimizers.Adam(beta_1=0.8),
    optimizers.AdamW(weight_decay=0.02),
    optimizers.RMSprop(rho=0.9),
    optimizers.Adagrad(epsilon=1e-8),
]
every_schedule: list[schedules.Schedule] = [
    schedules.StepDecay(0.01, every=3),
    schedules.ExponentialDecay(0.01, factor=0.9),
    schedules.InverseTimeDecay(0.01, decay=0.1),
    schedules.WarmUp(schedules.CosineDecay(0.01, epochs=5), epochs=1),
    schedules.OneCycle(0.01, epochs=9),
    schedules.Cyclical(0.001, 0.01),
]
for optimizer in every_optimizer:
    net.train(X[:99], y[:99], epochs=1, learning_rate=0.001, optimizer=optimizer, batch_size=9)
for schedule in every_schedule:
    net.train(X[:99], y[:99], epochs=1, learning_rate=schedule, class_weight={3: 2.0})
    assert_type(schedule([0.0, 0.5]), NDArray[np.float64])
net.train(X[:99], y[:99], epochs=1, learning_rate=halved, sample_weight=np.ones(99))

memory = io.StringIO()
history = net.train(
    X[:900],
    y[:900],
    epochs=5,
    learning_rate=schedules.CosineDecay(0.01, epochs=5),
    validation_data=(X[900:], y[900:]),
    metrics=["accuracy", certain],
    callbacks=[
        callbacks.EarlyStopping(monitor="val_accuracy", patience=3),
        callbacks.LambdaCallback(lambda net, epoch, logs: memory.write(f"{logs['loss']}"), every=2),
        lambda net, epoch, logs: logs["val_loss"] < 0.01 and epoch > net.n_parameters,
        Stop(),
    ],
)
assert_type(history, fastnn.History)
assert_type(history.history, dict[str, list[float]])
assert_type(history.epoch, list[int])

a = net.feedforward(X)
assert_type(a, Floats)
assert_type(net.feedforward(X[0], out=np.empty(10, np.float32)), Floats)
assert_type(net.to_c(name="digits", quantize="int8", data=(X, y), dtype="float32"), str)
assert_type(net.weights, tuple[Floats, ...])
assert_type(net.biases, tuple[Floats, ...])
assert_type(net.gradients(X, y), tuple[list[Floats], list[Floats]])
assert_type(net.check_gradients(X[:1], y[:1]), float)
assert_type(net.evaluate(X, y, l2=0.1), float)
assert_type(net.evaluate(X, y, metrics=["f1", metrics.roc_auc, certain]), dict[str, float])
assert_type(net.evaluate(X, y, metrics={"sure": certain, "acc": "accuracy"}), dict[str, float])
for metric in (metrics.accuracy, metrics.f1, metrics.roc_auc, metrics.log_loss):
    assert_type(metric(y, a), float)
for metric in (metrics.mae, metrics.rmse, metrics.r2):
    assert_type(metric(y == 3, a[:, 3]), float)
assert_type(metrics.accuracy(y == 3, a[:, 3], threshold=0.9), float)
assert_type(metrics.confusion_matrix(y, a), NDArray[np.int_])
assert_type(fastnn.num_threads(), int)
fastnn.set_num_threads(None)
with fastnn.use_threads(1):
    net.train(X, y, epochs=1, learning_rate=0.1, batch_size=2, n_threads=2)
assert_type(net.update(X[0], 3, 0.01), float)
assert_type(net.update(X[0], 3, 0.01, optimizer="adam"), float)
assert_type(net.update(X[0], 3, 0.01, optimizers.Adam(l2=0.1)), float)
assert_type(Network([2, 3, 1], initializer=narrow), Network)
assert_type(net.dtype, np.dtype[np.floating[Any]])
assert_type(net.layer_sizes, tuple[int, ...])
assert_type(net.activations, tuple[str, ...])
assert_type((net.loss, fastnn.kernel_level()), tuple[str, str])
print((a.argmax(axis=1) == y).mean())

fresh = Network([64, 30, 10], activation=["relu", "softmax"], loss="cross_entropy", seed=0)
found = fastnn.find_learning_rate(fresh, X, y, batch_size=9, optimizer="adam")
assert_type(found, fastnn.LearningRateCurve)
assert_type(found.rates, NDArray[np.float64])
assert_type(found.suggestion, float)
assert_type(net.summary(), None)
frame, species = datasets.load_penguins(as_frame=True)
assert_type(frame, pandas.DataFrame)
moons, sides = datasets.load_moons(50, noise=0.2, seed=1)
animation = plot.DecisionBoundaryAnimation(moons, sides, every=1, resolution=5)
one_output = Network([2, 1], loss="bce", seed=0)
one_output.train(moons, sides, epochs=1, learning_rate=0.1, callbacks=animation)
animation.save("moons.gif", dpi=20)
assert_type(animation.frames[0].loss, float | None)
assert_type(
    plot.DecisionBoundaryDisplay.from_network(one_output, moons, sides),
    plot.DecisionBoundaryDisplay,
)
plot.HistoryDisplay.from_history(history, columns="all")
plot.LearningRateDisplay.from_curve(found)
plot.NetworkDisplay.from_network(net)
plot.WeightsDisplay.from_network(net, max_units=3)
plot.ImagesDisplay.from_network(net, X[:3], y[:3])
assert_type(plot.RocCurveDisplay.from_network(net, X, y).curves[0].auc, float)
assert_type(plot.CalibrationDisplay.from_network(net, X, y).error, float)
plot.ConfusionMatrixDisplay.from_predictions(y, a, class_names=list("0123456789"))

file = io.BytesIO()
mine = Mine.from_parameters(net.weights, net.biases, activation=net.activations, loss=net.loss)
mine.save(file, trainer=True)
file.seek(0)
assert_type(Mine.load(file), Mine)
assert_type(mine.copy(), Mine)
try:
    Network.load(io.BytesIO(b"no network"))
except fastnn.ModelFileError as error:
    print(error)

frame = pandas.DataFrame(people, columns=["pounds", "inches"])
column = pandas.Series(women)
by_name = Network([2, 2, 1], seed=0)
by_name.train(
    frame,
    column,
    epochs=2,
    learning_rate=0.1,
    tol=0.0,
    same_task=True,
    validation_data=(frame, column),
)
assert_type(by_name.feature_names, tuple[str, ...] | None)
assert_type(by_name.feedforward(frame), Floats)
assert_type(by_name.update(frame.iloc[0], 1.0, 0.1), float)
assert_type(by_name.evaluate(frame, column), float)
as_polars = polars.DataFrame(people, schema=["pounds", "inches"])
by_name.train(as_polars, polars.Series(women), epochs=1, learning_rate=0.1)
assert_type(by_name.evaluate(as_polars, polars.Series(women), metrics="r2"), dict[str, float])

by_name.to_fann("net.net")
by_name.to_safetensors("net.safetensors")
assert_type(Mine.from_fann("net.net", dtype="float32", loss="bce", seed=0), Mine)
assert_type(Mine.from_safetensors("net.safetensors", layers=["0", "2"], activation="tanh"), Mine)

scaler = Standardizer().fit(frame)
assert_type(scaler.mean, NDArray[np.float64] | None)
assert_type(scaler.transform(people), Floats)
assert_type(Standardizer().fit_transform(column), Floats)
assert_type(scaler.inverse_transform(scaler.transform(frame)), Floats)
whole = Mine([2, 3, 1], seed=0).with_standardizer(scaler)
assert_type(whole, Mine)
assert_type(whole.standardizer, Standardizer | None)
assert_type(whole.target_standardizer, Standardizer | None)
assert_type(whole.without_standardizer(), Mine)
assert_type(Standardizer.from_parameters([0.0], [1.0]), Standardizer)

one = Network([2, 1], activation="identity", seed=0)
try:
    one.train(
        people, women, epochs=999, learning_rate=9.0, callbacks=callbacks.CSVLogger("log.csv")
    )
except fastnn.TrainingDivergedError as error:
    print(error)
one.train(people, women, epochs=1, learning_rate=1e-3, callbacks=callbacks.ModelCheckpoint("net"))
one.reset_trainer()

if TYPE_CHECKING:  # the checkers must find that there is no such name
    print(fastnn.train_mny)  # type: ignore[attr-defined]  # pyright: ignore
