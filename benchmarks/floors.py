"""The least time that a workload can take on this machine, from what a small probe measures.

    python -m benchmarks.floors

A floor is the largest of three times that a program of any kind needs:

arithmetic   The multiply-adds of the workload, at the rate of twelve chains of them in registers.
             An input that is zero takes part in none. Per sample and weight they are one forward,
             one backward (not in the first layer) and one in the update.
traffic      The bytes of the weights that meet an input that is not zero, at the rate at which the
             core moves them from its L1 cache if all of the network's parameters fit into 32 KiB,
             and otherwise from its L2 (a network that does not fit there either is slower still).
             The forward pass reads them, the update reads and writes them, both once per batch.
             In per-sample SGD on inputs without zeros nothing is counted: every sample meets the
             same weights, so that several can share a sweep over them.
latency      The cycles of the chain of operations that wait for each other.

Samples with zeros can share sweeps too, over the rows that any of them meets: nothing goes below
arithmetic and latency, and little below traffic.
"""

import ctypes
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.workloads import Workload

SOURCE = Path(__file__).with_name("floors.c")
COMPILERS = ("cc", "gcc", "clang")

L1_BYTES = 32 * 1024
# Small enough to lie in the cache with room to spare, large enough to miss the one before.
PROBED_BYTES = {"L1": 16 * 1024, "L2": 256 * 1024}
LATENCY_OF_MULTIPLY_ADD = 4

# Cycles of a chain. A sigmoid is exp 31, add 3, divide 10, multiply 3; a tanh is expm1 35 and 19
# around it; before each stands at least one multiply-add of z. An update adds a(1 - a) times dL/da,
# two multiplications of 3, a product with W for the layer below, and the multiply-add to W itself.
FORWARD = {"sigmoid": 4 + 47, "tanh": 4 + 54, "relu": 4 + 1, "identity": 4}
BACKWARD = 2 * 3 + 4 + 4


@dataclass(frozen=True)
class Counts:
    """What one sample of a workload needs."""

    multiply_adds: float
    bytes_read: float
    bytes_updated: float
    cycles: float
    level: str


def counts(workload: Workload) -> Counts:
    sizes = workload.layer_sizes
    size = np.dtype(workload.dtype).itemsize
    first, above = sizes[1], sum(i * o for i, o in pairwise(sizes[1:]))
    forward = sum(FORWARD[name] for name in workload.activations)
    level = "L1" if size * sum((i + 1) * o for i, o in pairwise(sizes)) <= L1_BYTES else "L2"

    nonzero = workload.X != 0
    inputs = nonzero.sum(axis=1).mean()
    if workload.kind.endswith("prediction"):
        alone = workload.kind == "one_prediction"
        return Counts(
            multiply_adds=inputs * first + above,
            bytes_read=size * (inputs * first + above) if alone else 0,
            bytes_updated=0,
            cycles=forward if alone else 0,
            level=level,
        )
    batches = range(0, len(nonzero), workload.batch_size)
    touched = np.mean([nonzero[i : i + workload.batch_size].any(axis=0).sum() for i in batches])
    shared = workload.kind == "per_sample_sgd" and touched == sizes[0]
    moved = 0 if shared else size * (touched * first + above) / workload.batch_size
    if workload.kind == "adam":  # all parameters, m and v
        moved = 3 * size * (sizes[0] * first + above) / workload.batch_size
    return Counts(
        multiply_adds=2 * inputs * first + 3 * above,
        bytes_read=moved,
        bytes_updated=moved,
        cycles=(forward + BACKWARD * len(workload.activations)) / workload.batch_size,
        level=level,
    )


class Probe:
    """Rates of this machine, measured each time that `measure` is called.

    Arithmetic in multiply-adds, traffic in bytes and latency in cycles, all per second.
    """

    def __init__(self) -> None:
        self.measured: dict[str, list[float]] = defaultdict(list)
        self.probes = _probes(_compiled())

    def measure(self) -> None:
        for name, (work, amount) in self.probes.items():
            work()  # a core needs a while until its vector units run at full speed
            start = perf_counter()
            work()
            self.measured[name].append(amount / (perf_counter() - start))

    def rates(self) -> dict[str, float]:
        return {name: statistics.median(rates) for name, rates in self.measured.items()}

    def floor(self, workload: Workload) -> tuple[float, str]:
        """Seconds per sample, and what bounds them."""
        rates, needed = self.rates(), counts(workload)
        seconds = {
            "arithmetic": needed.multiply_adds / rates[f"multiply-adds {workload.dtype}"],
            "traffic": needed.bytes_read / rates[f"bytes read from {needed.level}"]
            + needed.bytes_updated / rates[f"bytes updated in {needed.level}"],
            "latency": needed.cycles / rates["cycles"],
        }
        bound = max(seconds, key=seconds.__getitem__)
        return seconds[bound], bound


def new_probe() -> Probe | None:
    """None, and a line that says so, where nothing compiles the probe."""
    try:
        return Probe()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"No floors: {SOURCE.name} could not be compiled ({error})", file=sys.stderr)
        return None


def _compiled() -> ctypes.CDLL:
    compiler = next(filter(None, map(shutil.which, COMPILERS)), COMPILERS[0])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder, "floors.so")
        flags = ["-O2", "-march=native", "-std=gnu11", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, str(SOURCE), "-o", str(path)], check=True)
        return ctypes.CDLL(str(path))


def _probes(library: ctypes.CDLL) -> dict[str, tuple[Callable[[], object], float]]:
    """The name of each rate, what to time, and how much of it that is."""
    probes: dict[str, tuple[Callable[[], object], float]] = {}

    def add(name: str, amount: float, function: str, *arguments: object) -> None:
        probes[name] = lambda: getattr(library, function)(*arguments), amount

    n = 20_000
    for dtype, real, lanes in (("float32", ctypes.c_float, 8), ("float64", ctypes.c_double, 4)):
        rate = f"multiply-adds {dtype}"
        add(rate, 12 * lanes * n, f"peak_{dtype}", ctypes.c_long(n), real(0.5), real(1))
    n_cycles = LATENCY_OF_MULTIPLY_ADD * n
    half, one = ctypes.c_double(0.5), ctypes.c_double(1)
    add("cycles", n_cycles, "chain", ctypes.c_long(n), half, one)
    for level, n_bytes in PROBED_BYTES.items():
        memory = np.zeros(n_bytes + 64, np.uint8)
        place = memory[-memory.ctypes.data % 64 :]
        n = 2**23 // n_bytes
        vectors = place.ctypes.data_as(ctypes.c_void_p), ctypes.c_long(n_bytes // 32)
        name = f"bytes read from {level}"
        add(name, n * n_bytes, "read_block", ctypes.c_long(n), *vectors)
        name, term = f"bytes updated in {level}", ctypes.c_float(1)
        add(name, n * n_bytes, "update_block", ctypes.c_long(n), *vectors, term)
    return probes


def main() -> None:
    probe = new_probe()
    if probe is None:
        return
    for _ in range(100):
        probe.measure()
    rates = probe.rates()
    for name, rate in rates.items():
        print(f"{name:22} {rate / 1e9:7.1f} a nanosecond, {rate / rates['cycles']:5.1f} a cycle")


if __name__ == "__main__":
    main()
