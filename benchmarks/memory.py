"""The peak of the memory in use while fastnn trains, beside the size of the data.

    python -m benchmarks.memory [--write]

1,000,000 samples of 100 inputs in float32 are 400 MB, so that a copy would show. Dense data is not
copied. Data of which much is zero is compressed once if training skips zeros, which takes as much
again as there are numbers that are not zero, with their places.
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
    given = parser.parse_args()
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
