"""The text of a C header: parameters, what computes with them, and a test of that."""

from __future__ import annotations

import hashlib
import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _checks
from fastnn._once import once
from fastnn.export._c_functions import ACTIVATIONS, decimal, functions, includes, settings_of
from fastnn.export._c_words import check_name, file_name, name_of, quoted, string
from fastnn.export._outputs import decision
from fastnn.export._program import Program

if TYPE_CHECKING:
    from fastnn.export._c_functions import Settings
    from fastnn.export._program import Layer, TestRows

    Array = np.ndarray[Any, Any]

WIDTH = 100
UNITS_OF_VECTOR = 4  # of the shortest that PCs have, and half of others


@dataclass(frozen=True)
class Header:
    """A program by its name; its parts are the methods."""

    program: Program
    name: str
    is_hex: bool
    file: str  # in which it will be, for its comment

    @classmethod
    def of(
        cls, model: Any, path: str | None, *, name: str | None, numbers: str,
        quantize: str | None, data: Any, dtype: Any,
    ) -> Header:  # fmt: skip
        """Of a model, by what `to_c` is given."""
        name = name_of(path) if name is None else check_name(name)
        _checks.known_name(numbers, "numbers", ("hex", "decimal"))
        if quantize is not None:
            _checks.known_name(quantize, "quantize", ("int8",))
        in_dtype = None if dtype is None else _checks.dtype(dtype, "dtype")
        program = Program.of(model, quantize is not None, data, in_dtype)
        return cls(program, name, numbers == "hex", file_name(path, name))

    def text(self) -> str:
        code = "".join([self._functions(), self._parameters(), self._predict(), self._classify()])
        beginning = self._beginning()
        found = hashlib.sha256((beginning + code).encode()).hexdigest()[:8]
        macro, name = self.macro, self.name
        return "".join([
            self._comment(),
            f"#ifndef {macro}_PREDICT_H\n#define {macro}_PREDICT_H\n",
            f"#define {macro}_ID 0x{found}UL\n",
            NEEDS_HEX if self.is_hex else "",
            "\n",
            beginning,
            code,
            self._test(),
            f"\n#elif {macro}_ID != 0x{found}UL\n",
            f'#error "two different models are named {name}: export one with another name"\n',
            f"#endif  /* {macro}_PREDICT_H */\n",
        ])  # fmt: skip

    @property
    def macro(self) -> str:
        """How names of macros begin."""
        return self.name.upper()

    @property
    def settings(self) -> Settings:
        return settings_of(self.program.found.dtype)

    @property
    def real(self) -> str:
        return self.settings.name

    @once
    def test_rows(self) -> TestRows | None:
        return self.program.test_rows()

    @once
    def layers(self) -> list[Layer]:
        """As they are computed: rows of hidden layers are whole vectors, where that is not much."""
        *hidden, last = self.program.layers
        return [*map(_filled_up, hidden), last]

    @once
    def steps(self) -> tuple[list[str], dict[str, int]]:
        """What predict does, and how long its arrays are; two take turns to be a layer's outputs.

        While a layer's activation is computed, its inputs are not needed, and their array is free.
        """
        steps: list[str] = []
        sizes: dict[str, int] = {}
        layers, activations = self.layers, self.program.found.activations
        current = "x"
        if self.program.inputs is not None:
            n = len(layers[0].W)
            steps += [
                f"for (int j = 0; j < {n}; j++)",
                f"    a[j] = (x[j] - {self.name}_center[j]) * {self.name}_factor[j];",
            ]
            current, sizes["a"] = "a", n
        for i, (layer, activation) in enumerate(zip(layers, activations, strict=True), 1):
            n_in, n_out = layer.W.shape
            target = "y" if i == len(layers) else "b" if current == "a" else "a"
            free = current if current != "x" else "b" if target == "a" else "a"
            if target != "y":
                sizes[target] = max(n_out, sizes.get(target, 0))
            parameters = ["W", "b"] if layer.scale is None else ["W", "scale", "b"]
            given = ", ".join(f"{self.name}_{one}{i}" for one in parameters)
            steps.append(f"{self.name}_dense({given}, {current}, {target}, {n_in}, {n_out});")
            if activation != "identity":
                function, arrays = ACTIVATIONS[activation], target
                if function.has_scratch:
                    arrays = f"{target}, {free}"
                    sizes[free] = max(n_out, sizes.get(free, 0))
                n = self.program.layers[i - 1].W.shape[1] if activation == "softmax" else n_out
                steps.append(f"{self.name}_{function.name}({arrays}, {n});")
            current = target
        return steps, dict(sorted(sizes.items()))

    def _comment(self) -> str:
        program, name = self.program, self.name
        found, layers = program.found, self.layers
        sizes = "-".join(map(str, found.layer_sizes))
        n_parameters = sum(W.size + b.size for W, b, _ in program.layers)
        n_bytes = sum(one.nbytes for layer in layers for one in layer if one is not None)
        kind = "weights in int8, " if layers[0].scale is not None else ""
        n_stack = sum(self.steps[1].values()) * found.dtype.itemsize
        library = " -lm" if "exp" in found.activations else ""
        is_double = found.dtype.itemsize == 8
        advice = '\n           (dtype="float32" for FPUs of single precision)' if is_double else ""
        lines = [
            f"{self.file}: a neural network, trained and written by fastnn.",
            "",
            f"Layers  {sizes}: {', '.join(found.activations)}.",
            f"Size    {n_parameters:,} parameters in {n_bytes:,} bytes, {kind}computed in "
            f"{self.real}{advice}.",
            f"Memory  {n_stack:,} bytes of stack for arrays, no heap, nothing that changes.",
            f"Build   cc -O3 program.c{library}, where program.c includes this file; C99, or "
            f"C++{'17' if self.is_hex else '11'}.",
        ]
        if self.test_rows is not None:
            lines.append(
                f"Test    cc -D{self.macro}_TEST -x c {self.file} -o {name}_test{library} && "
                f"./{name}_test\n           or {name}_self_test() in a program, which returns how "
                f"many of {len(self.test_rows.x)} rows are wrong."
            )
        if program.lost is not None:
            lost = f"Lost    by {program.lost}."
            lines += textwrap.wrap(lost, WIDTH - 4, subsequent_indent=" " * 8)
        lines += ["", *self._example(), "", *self._inputs(), "", *self._outputs()]
        text = "\n".join(f"   {line}".rstrip() for line in lines)
        return f"/* {text.lstrip()}\n*/\n"

    def _example(self) -> list[str]:
        name, macro, how = self.name, self.macro, decision(self.program.found)
        lines = [
            "From any number of threads:",
            "",
            f"    {self.real} x[{macro}_INPUTS] = {{0}}, y[{macro}_OUTPUTS];",
            f"    {name}_predict(x, y);",
        ]
        if how == "each":
            lines += [f"    int on[{macro}_OUTPUTS];", f"    {name}_classify(x, on);"]
        elif how is not None:
            lines.append(f"    int k = {name}_classify(x);")
        if how is not None and self.program.found.classes is not None:
            lines[-1] += f"  and {name}_classes[k]"
        lines += ["", "x and y must not overlap."]
        if how is not None:
            k = "on[k]" if how == "each" else "k"
            lines.append(f"An input that is NaN makes outputs NaN, and {k} -1: look at it first.")
        return lines

    def _inputs(self) -> list[str]:
        names, n = self.program.found.feature_names, self.program.found.layer_sizes[0]
        lines = ["Inputs" + (", as they are before scaling" if self.program.scaling else "") + ":"]
        if names is None:
            return [*lines, f"    x[0] to x[{n - 1}]" if n > 1 else "    x[0]"]
        return [*lines, *(f"    x[{j}]  {quoted(one)}" for j, one in enumerate(names))]

    def _outputs(self) -> list[str]:
        found = self.program.found
        n, how, classes = found.layer_sizes[-1], decision(found), found.classes
        what = {
            "largest": "the probability of class",
            "each": "the probability of label",
            None: "what is predicted" if found.kind == "regressor" else "the output",
        }
        if how == "one":
            of = [quoted(one) for one in classes or (0, 1)]
            return ["Outputs:", f"    y[0]  the probability of class {of[-1]}"]
        if classes is not None:
            lines = [f"    y[{k}]  {what[how]} {quoted(one)}" for k, one in enumerate(classes)]
        else:
            each = f"    y[k]  {what[how]} k, from 0 to {n - 1}"
            lines = [each if n > 1 else f"    y[0]  {what[how]}"]
        return ["Outputs:", *lines]

    def _beginning(self) -> str:
        macro, found = self.macro, self.program.found
        needed = [f"#include <{one}>" for one in includes(found.activations)]
        lines = [*needed, ""] if needed else []
        lines += [
            f"#define {macro}_INPUTS {found.layer_sizes[0]}",
            f"#define {macro}_OUTPUTS {found.layer_sizes[-1]}",
        ]
        if found.classes is not None:
            lines.append(f"#define {macro}_CLASSES {len(found.classes)}")
        return "\n".join(lines) + "\n"

    def _functions(self) -> str:
        found, is_int8 = self.program.found, self.program.layers[0].scale is not None
        text = functions(found.activations, found.dtype, is_int8)
        return text.replace("model_", f"{self.name}_")

    def _parameters(self) -> str:
        parts = []
        if self.program.inputs is not None:
            parts += [self._array(*one) for one in self.program.inputs._asdict().items()]
        for i, (W, b, scale) in enumerate(self.layers, 1):
            parts.append(self._array(f"W{i}", W))
            if scale is not None:
                parts.append(self._array(f"scale{i}", scale))
            parts.append(self._array(f"b{i}", b))
        return "\n" + "\n".join(parts)

    def _predict(self) -> str:
        steps, sizes = self.steps
        real, macro = self.real, self.macro
        arrays = ", ".join(f"{name}[{n}]" for name, n in sizes.items())
        lines = [f"{real} {arrays};", ""] if arrays else []
        return _function(
            f"void {self.name}_predict(const {real} x[{macro}_INPUTS], {real} y[{macro}_OUTPUTS])",
            [*lines, *steps],
        )

    def _classify(self) -> str:
        found, name, macro, real = self.program.found, self.name, self.macro, self.real
        how, x = decision(found), f"const {self.real} x[{self.macro}_INPUTS]"
        if how is None:
            return ""
        lines = [f"{real} y[{macro}_OUTPUTS];", "", f"{name}_predict(x, y);"]
        if how == "each":
            lines += [
                f"for (int k = 0; k < {macro}_OUTPUTS; k++)",
                f"    on[k] = y[k] >= 0 ? y[k] > {self._number(0.5)} : -1;",
            ]
            head = f"void {name}_classify({x}, int on[{macro}_OUTPUTS])"
            return self._classes() + _function(head, lines)
        if how == "largest":
            lines[1:1] = ["int best = 0;"]
            lines += [
                f"for (int k = 0; k < {macro}_OUTPUTS; k++) {{",
                "    if (!(y[k] >= 0))",
                "        return -1;",
                "    best = y[k] > y[best] ? k : best;",
                "}",
                "return best;",
            ]
        elif found.classes is not None and len(found.classes) == 1:
            lines.append("return y[0] >= 0 ? 0 : -1;")
        else:
            lines.append(f"return y[0] >= 0 ? y[0] > {self._number(0.5)} : -1;")
        return self._classes() + _function(f"int {name}_classify({x})", lines)

    def _classes(self) -> str:
        """Their names or numbers."""
        classes = self.program.found.classes
        if classes is None:
            return ""
        kind, texts = _literals(classes)
        lines = ",\n".join(_in_lines(texts))
        return (
            f"\nstatic const {kind}{self.name}_classes[{self.macro}_CLASSES] = {{\n{lines}\n}};\n"
        )

    def _test(self) -> str:
        rows = self.test_rows
        if rows is None:
            return ""
        arrays = [self._array("test_x", rows.x), self._array("test_y", rows.y)]
        check = ""
        if rows.classes is not None:
            arrays.append(self._array("test_classes", rows.classes, "int"))
            check = EACH_CHECK if rows.classes.ndim == 2 else CLASS_CHECK
        unused = "" if self.program.found.classes is None else "\n    (void)model_classes;"
        one = f"1.0{self.settings.suffix}"
        text = TEST.replace("$check", check).replace("$unused", unused)
        text = text.replace("real", self.real).replace("$one", one)
        text = text.replace("MODEL_", f"{self.macro}_").replace("model_", f"{self.name}_")
        return Template(text).substitute(
            name=self.name,
            rows=len(rows.x),
            tolerance=f"{rows.tolerance:.1e}{self.settings.suffix}",
            arrays="\n".join(arrays),
        )

    def _number(self, value: Any) -> str:
        """From which a compiler reads the same bits."""
        number, settings = float(value), self.settings
        if not self.is_hex:
            return decimal(number, settings) + settings.suffix
        mantissa, _, exponent = number.hex().partition("p")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}p{exponent}{settings.suffix}"

    def _array(self, name: str, rows: Array, kind: str = "signed char") -> str:
        """One of one dimension, in whose text each row begins a line; kind is of integers."""
        is_real = rows.dtype.kind == "f"
        lines = [
            line
            for row in np.atleast_2d(rows)
            for line in _in_lines(map(self._number if is_real else str, row.tolist()))
        ]
        head = f"static const {self.real if is_real else kind} {self.name}_{name}[{rows.size}]"
        return f"{head} = {{\n" + ",\n".join(lines) + "\n};\n"


# GCC has them in older C++ where it may go beyond the standard, and does not say so.
NEEDS_HEX = """
#if defined(__cplusplus) && __cplusplus < 201703L && defined(__STRICT_ANSI__) && !defined(__clang__)
#error "hexadecimal floats are C++17: use -std=c++17 or gnu++11, or export decimal numbers"
#endif
"""
TEST = """
$arrays
/* How many of $rows rows have other outputs than fastnn has computed. */
static inline int model_self_test(void)
{
    int n_wrong = 0;

    for (int i = 0; i < $rows; i++) {
        const real *x = model_test_x + i * MODEL_INPUTS;
        const real *expected = model_test_y + i * MODEL_OUTPUTS;
        real y[MODEL_OUTPUTS];
        int wrong = 0;

        model_predict(x, y);
        for (int k = 0; k < MODEL_OUTPUTS; k++) {
            const real d = y[k] < expected[k] ? expected[k] - y[k] : y[k] - expected[k];
            const real size = expected[k] < 0 ? -expected[k] : expected[k];
            wrong |= !(d <= $tolerance * (size > $one ? size : $one));
        }
$check        n_wrong += wrong;
    }
    return n_wrong;
}

#ifdef MODEL_TEST
#include <stdio.h>

int main(void)
{
    const int n_wrong = model_self_test();
$unused
    if (n_wrong > 0)
        printf("$name: %d of $rows rows are WRONG\\n", n_wrong);
    else
        printf("$name: $rows rows, right\\n");
    return n_wrong > 0;
}
#endif  /* MODEL_TEST */
"""
CLASS_CHECK = """\
        wrong |= model_classify(x) != model_test_classes[i];
"""
EACH_CHECK = """\
        int on[MODEL_OUTPUTS];
        model_classify(x, on);
        for (int k = 0; k < MODEL_OUTPUTS; k++)
            wrong |= on[k] != model_test_classes[i * MODEL_OUTPUTS + k];
"""


def _filled_up(layer: Layer) -> Layer:
    """With units that give 0 to nobody, up to whole vectors, if a quarter more at most.

    Loops over what is left of a vector take compilers longer than one more vector.
    """
    n = layer.W.shape[1]
    more = -n % UNITS_OF_VECTOR
    if 4 * more > n:
        return layer
    W, b = np.pad(layer.W, ((0, 0), (0, more))), np.pad(layer.b, (0, more))
    scale = None if layer.scale is None else np.pad(layer.scale, (0, more), constant_values=1)
    return layer._replace(W=W, b=b, scale=scale)


def _function(head: str, lines: list[str]) -> str:
    body = "\n".join(f"    {line}".rstrip() for line in lines)
    return f"\nstatic inline {head}\n{{\n{body}\n}}\n"


def _in_lines(texts: Iterable[str]) -> list[str]:
    """With commas between, as many in a line as fit."""
    lines = [""]
    for text in texts:
        if lines[-1] and len(lines[-1]) + len(text) + 2 > WIDTH:
            lines.append("")
        lines[-1] += f"{', ' if lines[-1] else '    '}{text}"
    return lines


def _literals(classes: tuple[Any, ...]) -> tuple[str, list[str]]:
    """The C type of class names, and each of them; what is no number is written as text."""
    if all(isinstance(one, int) for one in classes):
        most = max(max(classes), -min(classes))
        for kind, suffix, bits in (("int ", "", 15), ("long ", "L", 31), ("long long ", "LL", 63)):
            if most < 2**bits:
                return kind, [f"{int(one)}{suffix}" for one in classes]
        if min(classes) >= 0 and most < 2**64:
            return "unsigned long long ", [f"{int(one)}ULL" for one in classes]
    if all(isinstance(one, float) and math.isfinite(one) for one in classes):
        return "double ", [repr(one) for one in classes]
    return "char *const ", [string(str(one)) for one in classes]
