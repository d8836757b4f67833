"""The peak of the memory in use while fastnn trains, beside the size of the data.

    python -m benchmarks.memory [--write]

1,000,000 samples of 100 inputs in float32 are 400 MB, so that a copy would show. Dense data is not
copied. Data of which much is zero is compressed once if training skips zeros, which takes as much
again as there are numbers that are not zero, with their places.

And the peak of train_many with a thousand networks, beside what these and the data take once a loop
has trained them: networks that keep an optimizer's state, and histories.
"""

import argparse
import subprocess
import sys

from benchmarks.readme import fill, table

N_SAMPLES, N_INPUTS = 1_000_000, 100
NETWORK = (N_INPUTS, 32, 1)

# Run by a fresh interpreter, whose peak nothing else has raised. The data is made in place.
CHILD = """
import resource, sys
from pathlib import Path
import numpy as np
from fastnn import Network

def peak():
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1e3
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

n, n_inputs, density, shuffle = {n}, {n_inputs}, {density}, {shuffle}
rng = np.random.default_rng(0)
X = np.empty((n, n_inputs), np.float32)
y = np.empty((n, 1), np.float32)
for first in range(0, n, 10_000):
    rows = slice(first, first + 10_000)
    rng.random(out=X[rows], dtype=np.float32)
    X[rows][X[rows] > density] = 0
    y[rows, 0] = X[rows, 0] > X[rows, 1]
net = Network({sizes}, dtype="float32", seed=0)
net.train(X[:100], y[:100], epochs=1, learning_rate=0.1)
before = peak()
net.train(X, y, epochs=2, learning_rate=0.1, shuffle=shuffle)
print((X.nbytes + y.nbytes) / 1e6, before, peak())
"""

MANY = 1000
CASES_OF_MANY = [  # layer sizes, samples, settings
    ([2, 2, 1], 4, {}),
    ([8, 16, 1], 1000, {}),
    ([64, 30, 10], 1797, {}),
    ([20, 100, 1], 1000, {"batch_size": 200, "optimizer": "adam"}),
    ([784, 128, 10], 10_000, {}),
]
CHILD_OF_MANY = """
from pathlib import Path
import numpy as np
import fastnn
from fastnn import Network

def megabytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(dict(line.split(":", 1) for line in lines)[name].split()[0]) / 1e3

sizes, n, settings, n_threads, at_once = {sizes}, {n}, {settings}, {n_threads}, {at_once}
fastnn.set_num_threads(n_threads)
rng = np.random.default_rng(0)

def train(n_networks, n):
    X, y = (rng.random((n, width), dtype=np.float32) for width in (sizes[0], sizes[-1]))
    nets = [Network(sizes, seed=seed, dtype="float32") for seed in range(n_networks)]
    Path("/proc/self/clear_refs").write_text("5")
    options = {{"epochs": 3, "learning_rate": 0.1, **settings}}
    if at_once:
        return X, y, nets, fastnn.train_many(nets, X, y, **options)
    return X, y, nets, [net.train(X, y, **options) for net in nets]

train(3, max(2, n // 100))  # what is imported and kept at the first call
before = megabytes("VmRSS")
kept = train({many}, n)
print(megabytes("VmHWM") - before)
"""


def megabytes_of_many(
    sizes: list[int], n: int, settings: dict[str, object], n_threads: int, at_once: bool
) -> float:
    """The peak of a training of many networks, above what is there without them and the data."""
    code = CHILD_OF_MANY.format(
        sizes=sizes, n=n, settings=settings, n_threads=n_threads, at_once=at_once, many=MANY
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(run.stdout)


def rows_of_many() -> list[list[str]]:
    rows = [["1,000 networks, MB", "a loop", "train_many", "times", "two threads", "times"]]
    for sizes, n, settings in CASES_OF_MANY:
        loop = megabytes_of_many(sizes, n, settings, 1, False)
        peaks = [megabytes_of_many(sizes, n, settings, n_threads, True) for n_threads in (1, 2)]
        cells = [cell for peak in peaks for cell in (f"{peak:.1f}", f"{peak / loop:.2f}")]
        rows.append(["-".join(map(str, sizes)), f"{loop:.1f}", *cells])
    return rows


def megabytes(n: int, density: float, shuffle: bool) -> list[float]:
    """The data, the peak before training, and the peak after it."""
    settings = {"n": n, "n_inputs": N_INPUTS, "sizes": NETWORK}
    code = CHILD.format(**settings, density=density, shuffle=shuffle)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(number) for number in run.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--samples", type=int, default=N_SAMPLES)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    parser.add_argument("--many", action="store_true", help="a thousand networks, on Linux alone")
    given = parser.parse_args()
    if given.many:
        text = table(rows_of_many())
        print(text)
        if given.write:
            fill("memory of many", text)
        return
    rows = [["MB", "data", "peak before training", "peak after it", "training added"]]
    for density, kind in ((1.0, "no zeros"), (0.2, "one in five not zero")):
        for shuffle in (False, True):
            size, before, after = megabytes(given.samples, density, shuffle)
            numbers = [f"{mb:.0f}" for mb in (size, before, after, after - before)]
            rows.append([f"{kind}, {'shuffled' if shuffle else 'in order'}", *numbers])
    print(table(rows))
    if given.write:
        fill("memory", table(rows))


if __name__ == "__main__":
    main()
