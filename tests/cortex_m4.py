"""C headers on an emulated Cortex-M4: their own tests, and how large they are.

    python -P tests/cortex_m4.py    or, as it needs a compiler and QEMU: nox -s cortex

Each header is compiled with -Os, -O2 and -O3, its test is linked with newlib, whose semihosting
prints what the test finds, and QEMU runs it. Sizes are those of model_predict and model_classify
in bytes, of an object of -Os: code, and what is constant. What is not in the object, a library's
exp for example, is named.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import Network
from fastnn.export import to_c
from fastnn.sklearn import MLPClassifier, MLPRegressor

TARGET = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wdouble-promotion"]
QEMU = ["qemu-system-arm", "-machine", "mps2-an386", "-nographic", "-semihosting", "-kernel"]
# Of the machine: memory for code from 0 on, where the first two words are the stack's end and where
# to begin; the FPU is off then.
START = """
#include <stdint.h>
extern void _start(void);
void begin(void)
{
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm__ volatile("dsb; isb");
    _start();
}
__attribute__((section(".vectors"), used)) void *const vectors[] = {
    (void *)0x20400000, (void *)begin
};
"""
LINK = [
    "--specs=rdimon.specs", "-Wl,--section-start=.vectors=0", "-Wl,-Ttext=0x10000",
    "-Wl,-Tdata=0x20000000", "-Wl,--no-warn-rwx-segments",
]  # fmt: skip
CALLS = """
#include "{name}.h"
void run(const {real} *x, {real} *y);
void run(const {real} *x, {real} *y) {{ {name}_predict(x, y); }}
"""
CALL_CLASSIFY = """
int classify(const {real} *x);
int classify(const {real} *x) {{ return {name}_classify(x); }}
"""


def headers():
    """By name: a header's text."""
    X, y = (one.astype(np.float32) for one in load_iris(return_X_y=True))
    digits, digit = load_digits(return_X_y=True)
    digits = digits.astype(np.float32)

    def network(activation, dtype="float32"):
        return Network([4, 16, 3], activation=[activation, "softmax"], loss="cross_entropy",
                       dtype=dtype, seed=0)  # fmt: skip

    hidden = ("relu", "leaky_relu", "sigmoid", "tanh", "elu", "softplus", "silu", "gelu", "step")
    settings = {"solver": "lbfgs", "max_iter": 50, "random_state": 0}
    iris = make_pipeline(StandardScaler(), MLPClassifier((16,), activation="tanh", **settings))
    wide = MLPClassifier((32,), **settings)
    poisson = MLPRegressor("poisson", (16,), **settings)
    return {
        **{f"a_{one}": network(one).to_c(name=f"a_{one}") for one in hidden},
        "tanh_double": network("tanh", "float64").to_c(name="tanh_double"),
        "pipeline": to_c(iris.fit(X, y.astype(int)), name="pipeline", data=(X, y.astype(int))),
        "digits": wide.fit(digits, digit).to_c(name="digits", data=(digits, digit)),
        "digits_int8": wide.to_c(name="digits_int8", quantize="int8", data=(digits, digit)),
        "poisson": poisson.fit(X, y).to_c(name="poisson"),
    }


def run(*command):
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def compiled(*given):
    return run("arm-none-eabi-gcc", *TARGET, *WARNINGS, *given)


def sizes(folder, name, text):
    """Code, constants, and what it needs from elsewhere."""
    real = "double" if "const double *W" in text else "float"
    source, built = folder / f"{name}.c", folder / f"{name}.o"
    calls = CALLS + (CALL_CLASSIFY if f"int {name}_classify" in text else "")
    source.write_text(calls.format(name=name, real=real))
    compiled("-Os", "-c", source, "-o", built)
    sections = re.findall(r"^\.(text|rodata)\S*\s+(\d+)", run("arm-none-eabi-size", "-A", built),
                          re.MULTILINE)  # fmt: skip
    parts = {kind: sum(int(n) for k, n in sections if k == kind) for kind in ("text", "rodata")}
    elsewhere = re.findall(r" U (\S+)", run("arm-none-eabi-nm", built))
    return parts["text"], parts["rodata"], elsewhere


def main():
    folder = Path(tempfile.mkdtemp())
    start = folder / "start.c"
    start.write_text(START)
    print("model, bytes of code, of constants, and what is from elsewhere")
    for name, text in headers().items():
        (folder / f"{name}.h").write_text(text)
        code, constants, elsewhere = sizes(folder, name, text)
        print(f"{name:12} {code:6,} {constants:7,}  {' '.join(elsewhere)}", flush=True)
        if code > 4096:
            sys.exit(f"{name} is larger than 4 kB")
        for level in ("-Os", "-O2", "-O3"):
            program = folder / f"{name}.elf"
            test = f"-D{name.upper()}_TEST", "-x", "c", folder / f"{name}.h", start
            compiled(level, *test, "-x", "none", *LINK, "-o", program, "-lm")
            printed = run(*QEMU, program).strip()
            if not re.fullmatch(rf"{name}: \d+ rows, right", printed):
                sys.exit(f"{name}, {level}: {printed}")


if __name__ == "__main__":
    main()
