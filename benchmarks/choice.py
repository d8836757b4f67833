"""How much slower the form that fastnn chooses is than the best one that it could have chosen.

    python -m benchmarks.choice [--write]

Per-sample SGD on random data, over a grid of widths of the inputs and of the first layer, depths,
densities of the inputs and both float widths. In each cell every form and "auto" take turns.
Their ratio is made in each round, from runs that lie a moment apart, and the median of the rounds
counts: that cancels the machine's changes of pace. "auto" can be below 1 where it takes a way
that cannot be forced.

Above the first layer, which is all that a form is about, layers are at most UPPER_WIDTH wide:
they cost the same in every form, and wide ones would hide what is looked for. A cell above the
goal is measured again for ten times as long, and that counts. `--write` makes
choice.csv, a row per cell, and puts the summary into the README.
"""

import argparse
import csv
import statistics
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from itertools import product
from time import perf_counter

import numpy as np

from benchmarks.interleaving import timed
from benchmarks.one_core import pin
from benchmarks.peers import FORMS
from benchmarks.peers.with_fastnn import takes_a_form
from benchmarks.readme import HERE, fill, table
from fastnn import Network

WIDTHS = (2, 8, 32, 128, 512, 2048)
DEPTHS = (1, 2, 3, 4)
DENSITIES = (0.02, 0.2, 1.0)
DTYPES = ("float32", "float64")
UPPER_WIDTH = 32

CSV = HERE / "choice.csv"
N_WORST = 15
MEDIAN_GOAL, WORST_GOAL = 1.03, 1.25

SECONDS_PER_TURN = 0.005
SECONDS_PER_CELL = 0.3
MIN_ROUNDS = 3
MIN_ROWS, MAX_ROWS = 64, 1024  # blocks of samples lie within an epoch: it must hold some
VALUES_AT_MOST = 2**18  # of X, so that it lies in a cache and not in the memory


@dataclass(frozen=True)
class Cell:
    n_inputs: int
    width: int
    depth: int
    density: float
    dtype: str

    @property
    def layer_sizes(self) -> list[int]:
        """As many layers as the depth, the first `width` wide; the last has 10 outputs above it."""
        upper = [min(self.width, UPPER_WIDTH)] * (self.depth - 2) + [10] * (self.depth > 1)
        return [self.n_inputs, self.width, *upper]


@dataclass(frozen=True)
class Result:
    """A row of the CSV file: the cell, who won, and what "auto" took."""

    n_inputs: int
    width: int
    depth: int
    density: float
    dtype: str
    best_form: str
    best_microseconds: float
    auto_microseconds: float
    auto_over_best: float


def cells() -> Iterator[Cell]:
    for values in product(WIDTHS, WIDTHS, DEPTHS, DENSITIES, DTYPES):
        yield Cell(*values)


def measure(cell: Cell, seconds_of_all: float = SECONDS_PER_CELL) -> Result:
    rng = np.random.default_rng(0)
    n_rows = max(MIN_ROWS, min(MAX_ROWS, VALUES_AT_MOST // cell.n_inputs))
    X = rng.uniform(0.1, 1, (n_rows, cell.n_inputs))
    X = (X * (rng.random(X.shape) < cell.density)).astype(cell.dtype)
    y = rng.random((n_rows, cell.layer_sizes[-1])).astype(cell.dtype)
    net = Network(cell.layer_sizes, dtype=cell.dtype, seed=0)

    def train(form: str, epochs: int) -> None:
        settings = {"learning_rate": 1e-3, "shuffle": False}
        net.train(X, y, epochs=epochs, form=form, **settings)

    began = perf_counter()
    forms = [*FORMS.values(), "auto"]
    pace = min(timed(lambda form=form: train(form, 1))[1] for form in forms)
    epochs = max(1, round(SECONDS_PER_TURN / pace))
    measured: dict[str, list[float]] = {form: [] for form in forms}
    while perf_counter() - began < seconds_of_all or len(measured["auto"]) < MIN_ROUNDS:
        for form in forms:
            measured[form].append(timed(lambda form=form: train(form, epochs))[1])
        forms.append(forms.pop(0))

    over = {
        form: statistics.median(
            auto / other for auto, other in zip(measured["auto"], measured[form], strict=True)
        )
        for form in FORMS.values()
    }
    best = max(over, key=over.__getitem__)
    per_sample = {
        form: statistics.median(times) / (epochs * n_rows) * 1e6 for form, times in measured.items()
    }
    return Result(
        **asdict(cell),
        best_form=best,
        best_microseconds=per_sample[best],
        auto_microseconds=per_sample["auto"],
        auto_over_best=over[best],
    )


def markdown(results: list[Result]) -> str:
    """The summary, what wins where, and the worst cells."""
    ratios = [result.auto_over_best for result in results]
    verdict = (
        f"Over {len(results)} cells: median {statistics.median(ratios):.3f} "
        f"(goal: at most {MEDIAN_GOAL}), worst {max(ratios):.2f} (goal: at most {WORST_GOAL}), "
        f"{sum(ratio > WORST_GOAL for ratio in ratios)} cells above that."
    )
    groups = [
        ["density", "dtype", "depth", "median", "worst", *(f"{f} best" for f in FORMS.values())]
    ]
    for density, dtype, depth in product(DENSITIES, DTYPES, DEPTHS):
        group = [r for r in results if (r.density, r.dtype, r.depth) == (density, dtype, depth)]
        if group:
            ratios = [result.auto_over_best for result in group]
            wins = [sum(result.best_form == form for result in group) for form in FORMS.values()]
            median, worst = f"{statistics.median(ratios):.3f}", f"{max(ratios):.2f}"
            groups.append([density, dtype, depth, median, worst, *wins])
    worst = sorted(results, key=lambda result: -result.auto_over_best)[:N_WORST]
    worst_rows = table([HEAD, *map(row, worst)])
    return f"{verdict}\n\n{table(groups)}\n\nThe worst of them:\n\n{worst_rows}"


HEAD = [field.name for field in fields(Result)]


def row(result: Result) -> list[object]:
    values = asdict(result).values()
    return [round(value, 3) if isinstance(value, float) else value for value in values]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.choice", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="measure each n-th cell only")
    parser.add_argument("--write", action="store_true", help="choice.csv, and the README")
    given = parser.parse_args()
    if not takes_a_form():
        raise SystemExit("This version of fastnn has no forms to choose from.")
    chosen = list(cells())[:: given.every]
    results = []
    with pin():
        for n_done, cell in enumerate(chosen, 1):
            result = measure(cell)
            if result.auto_over_best > WORST_GOAL:
                result = measure(cell, 10 * SECONDS_PER_CELL)
            results.append(result)
            if n_done % 50 == 0:
                print(f"{n_done} of {len(chosen)} cells are measured", file=sys.stderr)
    print(markdown(results))
    if given.write:
        fill("choice", markdown(results))
        with CSV.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEAD, *map(row, results)])


if __name__ == "__main__":
    main()
