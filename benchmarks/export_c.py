"""One prediction by an exported C header, beside fastnn's own kernel and emlearn's code.

    python -m benchmarks.export_c [--rounds N] [--write]

The kernel's time is that of its gate, `Network._gate.feedforward(x, out)`, on a contiguous array
of the dtype, less that of the same call for a network of one unit without activation: what is left
is the kernel's, as Python's share is the same for both. The header's is that of a call of predict
that is not inlined, in a loop in C. Kernels are for AVX2, as -march=x86-64-v3 is; -O3 alone is for
any x86-64, SSE2. The compilers' own default is -std=gnu17, which has multiply-adds where the
processor does. emlearn (PyPI; left out where it is not installed) writes C for the same network
from scikit-learn's estimator, with the C library's expf and tanhf.

Implementations take turns, round by round, on one core; times are medians over rounds, in ns, and
behind them is how many times the kernel's they are. x has no zeros, of which the kernel would skip
many. The last columns are bytes of code and of constants in an object of -Os.
"""

import argparse
import contextlib
import re
import shutil
import statistics
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.one_core import pin
from benchmarks.readme import fill, table, three_digits
from fastnn import Network

try:
    import emlearn
except ImportError:
    emlearn = None

NETWORKS: list[tuple[list[int], str, str]] = [
    ([2, 2, 1], "sigmoid", "sigmoid"),
    ([4, 16, 3], "relu", "softmax"),
    ([4, 16, 3], "tanh", "softmax"),
    ([30, 7, 2], "relu", "softmax"),
    ([10, 100, 1], "tanh", "sigmoid"),
    ([64, 30, 10], "sigmoid", "softmax"),
    ([40, 100, 100, 10], "relu", "softmax"),
    ([8, 64, 64, 4], "sigmoid", "softmax"),
    ([784, 128, 10], "sigmoid", "softmax"),
]
FLAGS = {"-O3": ["-O3"], "-O3 AVX2": ["-O3", "-march=x86-64-v3"]}
SECONDS_PER_TURN = 0.004
# A program that prints the seconds that a number of calls take.
PROGRAM = """
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "{header}"
__attribute__((noinline)) static void run(const {real} *x, {real} *y) {{ {call}; }}
int main(int argc, char **argv)
{{
    const long n = argc > 1 ? atol(argv[1]) : 1;
    static {real} x[{n_in}], y[{n_out}];
    struct timespec start, end;
    for (int j = 0; j < {n_in}; j++) x[j] = ({real})(j * 37 % 11 - 5.5) / 5;
    for (int warm = 1; warm >= 0; warm--) {{
        clock_gettime(CLOCK_MONOTONIC, &start);
        for (long i = warm ? n - n / 10 : 0; i < n; i++) {{
            run(x, y);
            __asm__ volatile("" : : "g"(x), "g"(y) : "memory");
        }}
        clock_gettime(CLOCK_MONOTONIC, &end);
    }}
    const double ns = (double)(end.tv_nsec - start.tv_nsec);
    printf("%.12g", (double)(end.tv_sec - start.tv_sec) + 1e-9 * ns);
    return 0;
}}
"""
CALLS = """
#include "model.h"
void run(const {real} *x, {real} *y) {{ model_predict(x, y); }}
"""
Timed = Callable[[int], float]  # seconds for so many calls


def inputs(n: int, dtype: str) -> Any:
    return ((np.arange(n) * 37 % 11 - 5.5) / 5).astype(dtype)


def of_kernel(net: Network) -> Timed:
    nothing = Network([1, 1], activation="identity", dtype=net.dtype, seed=0)

    def timed(n: int) -> float:
        found = []
        for one in (net, nothing):
            x = inputs(one.layer_sizes[0], net.dtype.name)
            out, feedforward = np.empty(one.layer_sizes[-1], net.dtype), one._gate.feedforward
            start = perf_counter()
            for _ in range(n):
                feedforward(x, out)
            found.append(perf_counter() - start)
        return found[0] - found[1]

    return timed


def of_program(folder: Path, net: Network, header: str, call: str, *command: str) -> Timed:
    real = "float" if net.dtype == np.float32 else "double"
    n_in, n_out = net.layer_sizes[0], net.layer_sizes[-1]
    program = folder / f"program{len(list(folder.iterdir()))}"
    source = program.with_suffix(".c")
    source.write_text(PROGRAM.format(header=header, call=call, real=real, n_in=n_in, n_out=n_out))
    subprocess.run([*command, "-w", source, "-o", program, "-lm"], check=True)
    return lambda n: float(subprocess.check_output([program, str(n)]))


def as_estimator(net: Network) -> Any:
    """scikit-learn's, from which emlearn writes C."""
    from sklearn.neural_network import MLPClassifier

    n_in, *hidden, n_out = net.layer_sizes
    name = {"sigmoid": "logistic"}.get(net.activations[0], net.activations[0])
    model = MLPClassifier(hidden, name, max_iter=1, solver="sgd")
    n_classes = max(n_out, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(np.random.default_rng(0).normal(size=(20, n_in)), np.arange(20) % n_classes)
    model.coefs_, model.intercepts_ = list(net.weights), list(net.biases)
    return model


def implementations(folder: Path, net: Network) -> dict[str, Timed]:
    net.to_c(folder / "model.h")
    found = {"kernel": of_kernel(net)}
    for compiler in filter(shutil.which, ("gcc", "clang")):
        for name, flags in FLAGS.items():
            call = "model_predict(x, y)"
            found[f"{compiler} {name}"] = of_program(folder, net, "model.h", call, compiler, *flags)
    if emlearn is not None and net.dtype == np.float32:
        with contextlib.chdir(folder):  # where it leaves what it compiles
            written = emlearn.convert(as_estimator(net), method="inline", dtype="float")
            written.save(name="emlearned", file="emlearned.h")
        call = f"emlearned_regress(x, {net.layer_sizes[0]}, y, {net.layer_sizes[-1]})"
        flags = [*FLAGS["-O3 AVX2"], f"-I{emlearn.includedir}"]
        found["emlearn gcc -O3 AVX2"] = of_program(folder, net, "emlearned.h", call, "gcc", *flags)
    return found


def bytes_of(folder: Path, net: Network) -> tuple[int, int]:
    """Of code and of constants."""
    real = "float" if net.dtype == np.float32 else "double"
    (folder / "calls.c").write_text(CALLS.format(real=real))
    subprocess.run(["gcc", "-Os", "-c", "calls.c"], cwd=folder, check=True)
    sections = subprocess.check_output(["size", "-A", "calls.o"], cwd=folder, text=True)
    found = re.findall(r"^\.(text|rodata)\S*\s+(\d+)", sections, re.MULTILINE)
    code, constants = (sum(int(n) for k, n in found if k == kind) for kind in ("text", "rodata"))
    return code, constants


def measured(works: dict[str, Timed], rounds: int) -> dict[str, float]:
    """Medians over rounds, in ns."""
    repeats = {}
    for name, work in works.items():
        work(100)
        repeats[name] = max(100, int(100 * SECONDS_PER_TURN / max(work(100), 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(work(repeats[name]) / repeats[name] * 1e9)
    return {name: statistics.median(one) for name, one in times.items()}


def rows(rounds: int) -> list[list[str]]:
    found: list[list[str]] = []
    for dtype in ("float32", "float64"):
        for sizes, hidden, output in NETWORKS:
            activations = [hidden] * (len(sizes) - 2) + [output]
            net = Network(sizes, activation=activations, dtype=dtype, seed=0)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                works = implementations(folder, net)
                times = measured(works, rounds)
                n_bytes = bytes_of(folder, net)
            if not found:
                found.append(["network", *works, "code", "constants"])
            kernel = times["kernel"]
            cells = [f"{three_digits(t)} ({t / kernel:.2f})" for t in times.values()]
            cells[0] = three_digits(kernel)
            cells += [""] * (len(found[0]) - len(cells) - 3)
            title = f"{'-'.join(map(str, sizes))} {hidden} {dtype}"
            found.append([title, *cells, *(f"{n:,}" for n in n_bytes)])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export_c", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    given = parser.parse_args()
    with pin():
        found = rows(given.rounds)
    print(table(found))
    if given.write:
        fill("export c", table(found))


if __name__ == "__main__":
    main()
