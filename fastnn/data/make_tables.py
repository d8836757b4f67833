"""Make iris.csv, wine.csv and penguins.csv: ``python make_tables.py``.

It needs scikit-learn, whose copies of the first two are taken, and palmerpenguins (0.1.6 or newer).
"""

import csv
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris, load_wine


def main() -> None:
    """Write the tables beside this script."""
    iris = load_iris()
    names = [f"{name.removesuffix(' (cm)').replace(' ', '_')}_cm" for name in iris.feature_names]
    species = [iris.target_names[k] for k in iris.target]
    write("iris", [*names, "species"], rows_of(iris.data, species))

    wine = load_wine()
    write("wine", [*wine.feature_names, "cultivar"], rows_of(wine.data, wine.target + 1))

    source = files("palmerpenguins").joinpath("data", "penguins.csv").read_text("utf-8")
    header, *rows = csv.reader(source.splitlines())
    # R writes NA for what is missing.
    write("penguins", header, [["" if one == "NA" else one for one in row] for row in rows])


def rows_of(numbers: Iterable[Iterable[float]], labels: Iterable[object]) -> list[list[object]]:
    return [[*map(float, row), label] for row, label in zip(numbers, labels, strict=True)]


def write(name: str, header: list[str], rows: Iterable[Sequence[object]]) -> None:
    path = Path(__file__).with_name(f"{name}.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows([shortest(one) for one in row] for row in rows)
    print(f"wrote {path}, {path.stat().st_size:,} bytes")


def shortest(value: object) -> object:
    """A number as it was written, 3 and not 3.0, and anything else as it is."""
    return np.format_float_positional(value, trim="-") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
