"""Every call of fastnn's estimators beside the same call of scikit-learn's.

    python -m benchmarks.sklearn_calls [--rounds N] [--write]

Of a narrow and of a wide classifier and regressor of 20 features: `fit`, `partial_fit`, `predict`,
`predict_proba` and `score` on 1, 10 and 1,000 rows that come as an array, as a list of lists or as
a DataFrame; and `fit` with early stopping. An estimator gets rows of the kind that it was fitted
on, but for lists, which are fitted on arrays. Both on one core, in turns that take turns to be
first; what is printed is the median over rounds of fastnn's time divided by scikit-learn's.

scikit-learn's products of matrices are OpenBLAS's, which uses what the processor has, AVX-512 for
example; fastnn has kernels for AVX2. Columns with AVX2 are of a second run, in which OpenBLAS is
told to use no more (OPENBLAS_CORETYPE=Haswell): they tell which differences are of that kind.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning

import fastnn.sklearn
from benchmarks.one_core import pin
from benchmarks.readme import fill, table

MODULES = {"fastnn": fastnn.sklearn, "scikit-learn": neural_network}
WIDTHS = {"narrow": (30,), "wide": (128, 256, 512, 256, 128)}
KINDS = ("array", "list", "frame")
ROWS = (1, 10, 1000)
# One row has no classes to be told apart, nor R²; and a part of ten is too small to be held out.
ROWS_OF = {"fit": ROWS[1:], "early stopping": ROWS[2:]}
FEATURES = 20
EPOCHS = 10
SECONDS_PER_TURN = 0.02
CALLS = {
    "MLPClassifier": ("fit", "partial_fit", "predict", "predict_proba", "score"),
    "MLPRegressor": ("fit", "partial_fit", "predict", "score"),
}


def samples(name: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(max(ROWS), FEATURES))
    y = X @ rng.normal(size=FEATURES)
    return X, np.digitize(y, [-2, 2]) if name == "MLPClassifier" else y


def as_kind(X: Any, kind: str) -> Any:
    if kind == "frame":
        return pd.DataFrame(X, columns=[f"feature {j}" for j in range(X.shape[1])])
    return X.tolist() if kind == "list" else X


def call(name: str, width: str, method: str, n: int, kind: str) -> dict[str, Callable[[], Any]]:
    """The same call of both, ready to be timed."""
    X, y = samples(name)
    works: dict[str, Callable[[], Any]] = {}
    for of, module in MODULES.items():
        settings = {"hidden_layer_sizes": WIDTHS[width], "max_iter": EPOCHS, "random_state": 0}
        estimator = getattr(module, name)(**settings)
        rows, targets = as_kind(X[:n], kind), y[:n]
        if method in ("fit", "early stopping"):
            estimator.set_params(early_stopping=method == "early stopping")
            works[of] = partial(estimator.fit, rows, targets)
            continue
        estimator.set_params(max_iter=2).fit(as_kind(X, kind) if kind == "frame" else X, y)
        takes_y = method in ("score", "partial_fit")
        works[of] = partial(getattr(estimator, method), rows, *([targets] if takes_y else []))
    return works


def seconds(work: Callable[[], Any], repeats: int) -> float:
    start = perf_counter()
    for _ in range(repeats):
        work()
    return (perf_counter() - start) / repeats


def ratio(works: dict[str, Callable[[], Any]], rounds: int) -> tuple[float, float]:
    """The median of fastnn's time over scikit-learn's, and of fastnn's time."""
    repeats = {}
    for of, work in works.items():
        work()
        repeats[of] = max(1, int(SECONDS_PER_TURN / seconds(work, 1)))
    ratios, times = [], []
    order = list(works)
    for _ in range(rounds):
        spent = {of: seconds(works[of], repeats[of]) for of in order}
        ratios.append(spent["fastnn"] / spent["scikit-learn"])
        times.append(spent["fastnn"])
        order.reverse()
    return statistics.median(ratios), statistics.median(times)


def measured(rounds: int) -> list[list[str]]:
    """For each class, network, call and number of rows: these, µs, and a ratio for each kind."""
    found = []
    for name in CALLS:
        for width in WIDTHS:
            for method in (*CALLS[name], "early stopping"):
                for n in ROWS_OF.get(method, ROWS):
                    each = [ratio(call(name, width, method, n, kind), rounds) for kind in KINDS]
                    own = f"{each[0][1] * 1e6:.3g}"
                    row = [name, width, method, f"{n:,}", own, *(f"{one:.2f}" for one, _ in each)]
                    found.append(row)
                    print(row, file=sys.stderr, flush=True)
    return found


def in_a_process(rounds: int, core: str | None) -> list[list[str]]:
    """With one thread for scikit-learn, and OpenBLAS as for a certain processor if there is one."""
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | ({"OPENBLAS_CORETYPE": core} if core else {})
    command = [sys.executable, "-m", "benchmarks.sklearn_calls", "--json", f"--rounds={rounds}"]
    rows: list[list[str]] = json.loads(subprocess.check_output(command, env=env, text=True))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sklearn_calls", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.json:
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        with pin():
            print(json.dumps(measured(given.rounds)))
        return
    as_it_is, with_avx2 = (in_a_process(given.rounds, core) for core in (None, "Haswell"))
    columns = [*KINDS, *(f"{kind}, AVX2" for kind in KINDS)]
    rows = [["class", "network", "call", "rows", "fastnn, array, µs", *columns]]
    rows += [[*one, *other[5:]] for one, other in zip(as_it_is, with_avx2, strict=True)]
    print(table(rows))
    if given.write:
        fill("sklearn calls", table(rows))


if __name__ == "__main__":
    main()
