"""fastnn's estimators beside scikit-learn's and river's: the same script with another import.

    python -m benchmarks.estimators [--rounds N] [--deep-river PYTHON] [--write]

scikit-learn: `fit` at its defaults (Adam, 100 relu units, batches of 200) and with batch_size=1,
and predictions of one row and of all, on scikit-learn's own data sets, scaled, and on MNIST. Both
come to the same losses. "in the kernel" is the part of fastnn's time that its kernel takes; the
rest is mostly scikit-learn's: the check of arguments and data, orders, classes as rows. Beside
river: a call of `learn_one` and of `predict_one`, at 20 features and 16 hidden units; deep-river
wants an older river, and so an environment of its own. All on one core, in turns; medians of the
rounds.
"""

import argparse
import json
import statistics
import subprocess
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest import mock

import numpy as np
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

import fastnn.sklearn
from benchmarks import data
from benchmarks.one_core import pin
from benchmarks.readme import fill, table, three_digits
from fastnn._core import kernels

SETS: dict[str, Callable[[], Any]] = {
    "iris": partial(datasets.load_iris, return_X_y=True),
    "wine": partial(datasets.load_wine, return_X_y=True),
    "breast cancer": partial(datasets.load_breast_cancer, return_X_y=True),
    "digits": partial(datasets.load_digits, return_X_y=True),
    "diabetes": partial(datasets.load_diabetes, return_X_y=True),
}
REGRESSION = {"diabetes"}
# Fewer epochs than the default where scikit-learn would take minutes.
EPOCHS = {"MNIST": {"auto": 10, 1: 1}}
EPOCHS_OF_SINGLE_STEPS = 20
CALLS = 200  # of predict in a round
FEATURES, HIDDEN, SAMPLES = 20, 16, 1000  # of a stream for river


def samples(name: str) -> tuple[Any, Any]:
    if name == "MNIST":
        X, y = data.mnist()
        return X, y.argmax(axis=1)
    X, y = SETS[name]()
    return scale(X), y


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def medians_in_turns(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of each, which has run once before."""
    for work in works.values():
        work()
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            spent[name].append(seconds(work))
    return {name: statistics.median(times) for name, times in spent.items()}


def in_kernels(work: Callable[[], object]) -> float:
    """The part of its time that fastnn's kernel takes."""
    inside = 0.0
    train = kernels.train

    def timed(*arguments: Any) -> Any:
        nonlocal inside
        start = perf_counter()
        try:
            return train(*arguments)
        finally:
            inside += perf_counter() - start

    with mock.patch.object(kernels, "train", timed):
        spent = seconds(work)
    return inside / spent


def beside_scikit_learn(name: str, rounds: int) -> list[str]:
    X, y = samples(name)
    kind = "MLPRegressor" if name in REGRESSION else "MLPClassifier"
    modules = {"fastnn": fastnn.sklearn, "scikit-learn": neural_network}
    row = [name, "-".join(map(str, X.shape))]
    fitted: dict[str, Any] = {}
    for batch_size in ("auto", 1):
        settings = {"batch_size": batch_size, "random_state": 0}
        if batch_size == 1 or name in EPOCHS:
            settings["max_iter"] = EPOCHS.get(name, {}).get(batch_size, EPOCHS_OF_SINGLE_STEPS)
        models = {of: getattr(module, kind)(**settings) for of, module in modules.items()}
        spent = medians_in_turns(
            {of: partial(model.fit, X, y) for of, model in models.items()}, rounds
        )
        curves = [model.loss_curve_ for model in models.values()]
        np.testing.assert_allclose(*curves, rtol=1e-8)
        row += [
            f"{1000 * spent['fastnn']:.3g} ms",
            f"{in_kernels(partial(models['fastnn'].fit, X, y)):.0%}",
            f"**{spent['scikit-learn'] / spent['fastnn']:.3g}**",
        ]
        fitted = fitted or models
    for rows, calls in ((X[:1], CALLS), (X, 1 + 2000 // len(X))):
        spent = medians_in_turns(
            {
                of: lambda model=model, rows=rows, calls=calls: [
                    model.predict(rows) for _ in range(calls)
                ]
                for of, model in fitted.items()
            },
            rounds,
        )
        row += [
            f"{three_digits(spent['fastnn'] / calls * 1e6)} µs",
            f"**{spent['scikit-learn'] / spent['fastnn']:.3g}**",
        ]
    return row


def beside_river(rounds: int, deep_river: str | None) -> list[list[str]]:
    """µs of learn_one and predict_one, by model."""
    from river import linear_model

    from fastnn.river import MLPClassifier, MLPRegressor

    rng = np.random.default_rng(0)
    names = [f"feature {i}" for i in range(FEATURES)]
    xs = [dict(zip(names, x, strict=True)) for x in rng.normal(size=(SAMPLES, FEATURES)).tolist()]
    classes = [x["feature 0"] + x["feature 1"] * x["feature 2"] > 0 for x in xs]
    numbers = [float(y) for y in classes]
    adam = {"optimizer": "adam", "learning_rate": 0.001}
    models: dict[str, tuple[Any, list[Any]]] = {
        "fastnn MLPClassifier": (MLPClassifier((HIDDEN,), seed=0), classes),
        "fastnn MLPClassifier, Adam": (MLPClassifier((HIDDEN,), **adam, seed=0), classes),
        "fastnn MLPRegressor": (MLPRegressor((HIDDEN,), seed=0), numbers),
        "river LogisticRegression": (linear_model.LogisticRegression(), classes),
        "river LinearRegression": (linear_model.LinearRegression(), numbers),
        "river SoftmaxRegression": (linear_model.SoftmaxRegression(), classes),
    }

    def learn(model: Any, ys: list[Any]) -> None:
        for x, y in zip(xs, ys, strict=True):
            model.learn_one(x, y)

    def predict(model: Any) -> None:
        for x in xs:
            model.predict_one(x)

    learned = medians_in_turns(
        {name: partial(learn, model, ys) for name, (model, ys) in models.items()}, rounds
    )
    predicted = medians_in_turns(
        {name: partial(predict, model) for name, (model, _) in models.items()}, rounds
    )
    found = {name: [learned[name], predicted[name]] for name in models}
    if deep_river:
        found["deep-river Classifier"] = of_deep_river(deep_river, xs, classes, rounds)
    else:
        print("deep-river was left out: --deep-river names no Python that has it")
    return [
        [name, *(three_digits(one / SAMPLES * 1e6) for one in spent)]
        for name, spent in found.items()
    ]


def of_deep_river(python: str, xs: list[Any], classes: list[Any], rounds: int) -> list[float]:
    """Seconds of learning and of predicting, in an environment that has it."""
    samples = list(zip(xs, classes, strict=True))
    stream = json.dumps({"n_hidden": HIDDEN, "rounds": rounds, "samples": samples})
    program = Path(__file__).parent / "peers" / "with_deep_river.py"
    found = subprocess.run(
        [python, program], input=stream, check=True, capture_output=True, text=True
    )
    return [float(one) for one in json.loads(found.stdout.splitlines()[-1])]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimators", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--deep-river", metavar="PYTHON", help="an interpreter that has it")
    parser.add_argument("--write", action="store_true", help="put the tables into the README")
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = [
        [
            *("set", "shape", "fit", "in the kernel", "scikit-learn / fastnn"),
            *("batch size 1", "in the kernel", "scikit-learn / fastnn"),
            *("predict one", "scikit-learn / fastnn", "predict all", "scikit-learn / fastnn"),
        ]
    ]
    with pin():
        for name in (*SETS, "MNIST"):
            rows.append(beside_scikit_learn(name, given.rounds))
            print(rows[-1], flush=True)
        stream = [
            ["model", "learn_one, µs", "predict_one, µs"],
            *beside_river(given.rounds, given.deep_river),
        ]
    for name, one in (("estimators", rows), ("stream", stream)):
        print(table(one))
        if given.write:
            fill(name, table(one))


if __name__ == "__main__":
    main()
