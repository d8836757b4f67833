"""Exported C headers, compiled and run; and what long double makes of the same networks."""

import itertools
import os
import shutil
import subprocess
from functools import cache

import numpy as np

from fastnn import Network

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wdouble-promotion"]
WARNINGS += ["-Wshadow"]
UBSAN = ["-fsanitize=undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
FLAGS = {"c99": ["-x", "c", "-std=c99"], "c++17": ["-x", "c++", "-std=c++17"]}
LIBRARIES = {"c99": ["-lm"], "c++17": ["-lm", "-lstdc++"]}

# What the program of several headers does: it reads rows, and writes outputs and classes.
MAIN = """
#include <stdio.h>
#include <stdlib.h>
{includes}
#define RUN(name, NAME, real, n, has_classes) \\
    for (int i = 0; i < (n); i++) {{ \\
        real x[NAME##_INPUTS], y[NAME##_OUTPUTS]; \\
        if (fread(x, sizeof x, 1, in) != 1) return 2; \\
        name##_predict(x, y); \\
        fwrite(y, sizeof y, 1, out); \\
        has_classes \\
    }}
#define ONE(name) {{ const int k = name##_classify(x); fwrite(&k, sizeof k, 1, out); }}
#define EACH(name, NAME) {{ \\
    int on[NAME##_OUTPUTS]; \\
    name##_classify(x, on); \\
    fwrite(on, sizeof on, 1, out); }}

int main(int argc, char **argv)
{{
    FILE *in = argc > 1 ? fopen(argv[1], "rb") : NULL;
    FILE *out = argc > 2 ? fopen(argv[2], "wb") : NULL;
    if (!in || !out) return 2;
{runs}
    fclose(in);
    return fclose(out);
}}
"""


@cache
def works(compiler, language="c99", options=()):
    """Whether it is here, and what it needs for that: C++ and UBSan are packages of their own."""
    if shutil.which(compiler) is None:
        return False
    command = [compiler, *FLAGS[language], *options, "-", "-o", os.devnull, *LIBRARIES[language]]
    program = "int main(void) { return 0; }"
    return not subprocess.run(command, input=program, capture_output=True, text=True).returncode


COMPILERS = [name for name in ("gcc", "clang") if works(name)]


def languages(compiler):
    return [language for language in FLAGS if works(compiler, language)]


def watched(compiler, language="c99"):
    """Options with which undefined behaviour ends a program, where the compiler has them."""
    return ["-O1", *(UBSAN if works(compiler, language, tuple(UBSAN)) else [])]


def compiled(source, folder, compiler, language="c99", options=("-O2",)):
    """The path of the program; warnings are errors."""
    program = folder / f"{source.stem}-{compiler}-{language}"
    command = [compiler, *FLAGS[language], *WARNINGS, *options, source, "-o", program]
    done = subprocess.run(
        [*command, *LIBRARIES[language]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:5000]
    assert done.stderr == ""
    return program


class Programs:
    """Headers by their names, in one program."""

    def __init__(self, folder):
        self.folder = folder
        self.rows = {}
        self.n_classes = {}

    def add(self, name, text, rows, n_classes=0):
        """n_classes: how many ints classify gives; 0 where there is none."""
        (self.folder / f"{name}.h").write_text(text, encoding="ascii")
        n_outputs = int(text.partition(f"#define {name.upper()}_OUTPUTS ")[2].split()[0])
        self.rows[name] = np.ascontiguousarray(rows), n_outputs
        self.n_classes[name] = n_classes

    def run(self, compiler, language="c99", options=("-O2",)):
        """Of each header its outputs, and classes or None."""
        includes, runs = [], []
        for name, (rows, _) in self.rows.items():
            real = "float" if rows.dtype == np.float32 else "double"
            classes = {0: "", 1: f"ONE({name})"}.get(
                self.n_classes[name], f"EACH({name}, {name.upper()})"
            )
            includes.append(f'#include "{name}.h"')
            runs.append(f"    RUN({name}, {name.upper()}, {real}, {len(rows)}, {classes})")
        source = self.folder / "main.c"
        source.write_text(MAIN.format(includes="\n".join(includes), runs="\n".join(runs)))
        program = compiled(source, self.folder, compiler, language, options)
        inputs, outputs = self.folder / "inputs", self.folder / "outputs"
        inputs.write_bytes(b"".join(rows.tobytes() for rows, _ in self.rows.values()))
        done = subprocess.run(
            [program, inputs, outputs], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return dict(self._read(outputs.read_bytes()))

    def _read(self, content):
        for name, (rows, n_outputs) in self.rows.items():
            n = self.n_classes[name]
            fields = [("y", rows.dtype, (n_outputs,)), ("classes", np.intc, (n,))]
            record = np.dtype(fields if n else fields[:1])
            found = np.frombuffer(content, record, len(rows))
            content = content[found.nbytes :]
            yield name, (found["y"], found["classes"] if n else None)
        assert not content


def in_long_double(net, X):
    """What the network makes of rows, to about 64 bits, by the textbook."""
    a = X.astype(np.longdouble)
    for W, b, name in zip(net.weights, net.biases, net.activations, strict=True):
        with np.errstate(over="ignore"):
            a = FUNCTIONS[name](a @ W.astype(np.longdouble) + b)
    return a


def _softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


FUNCTIONS = {
    "identity": lambda z: z,
    "step": lambda z: np.where(z > 0, 1, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(0, z),
    "leaky_relu": lambda z: np.where(z > 0, z, z * np.longdouble(1) / 100),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "softplus": lambda z: np.maximum(0, z) + np.log1p(np.exp(-np.abs(z))),
    "silu": lambda z: z / (1 + np.exp(-z)),
    # z/2 (1 + tanh(u)), of whose difference nothing would be left for small z
    "gelu": lambda z: z / (1 + np.exp(-2 * np.sqrt(2 / np.longdouble(np.pi)) * _inner(z))),
    "softmax": _softmax,
    "exp": np.exp,
}


def _inner(z):
    return z + np.longdouble(44715) / 1_000_000 * z**3


LOSS_OF = {"softmax": "cross_entropy", "exp": "poisson", "sigmoid": "bce"}


def random_network(rng, most, head):
    """Of any depth, dtype and hidden activations, with layers of at most so many units."""
    depth, dtype = int(rng.integers(1, 6)), rng.choice(["float32", "float64"])
    sizes = rng.integers(1, most + 1, depth + 1)
    hidden = [name for name in FUNCTIONS if name not in ("softmax", "exp")]
    activations = [*map(str, rng.choice(hidden, depth - 1)), head]
    weights = [
        (rng.normal(size=shape) / np.sqrt(shape[0])).astype(dtype)
        for shape in itertools.pairwise(sizes)
    ]
    biases = [(rng.normal(size=n) / 4).astype(dtype) for n in sizes[1:]]
    loss = LOSS_OF.get(head, "mse")
    if head != "exp" and rng.random() < 0.3:
        loss = "mse"
    return Network.from_parameters(weights, biases, activation=activations, loss=loss)


def is_at_a_step(net, X):
    """Whether rounding decides which side of a step some unit is on."""
    a = X.astype(np.longdouble)
    for W, b, name in zip(net.weights, net.biases, net.activations, strict=True):
        z = a @ W.astype(np.longdouble) + b
        near = np.abs(z) < 1e-4 * np.maximum(1, np.abs(a).max())
        if name == "step" and near.any():
            return True
        with np.errstate(over="ignore"):
            a = FUNCTIONS[name](z)
    return False
