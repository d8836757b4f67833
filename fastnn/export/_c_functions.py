"""The functions of a C header, as text: layers and activations.

In it `real` is float or double, a number that ends in r is of that type, `$name` is filled in, and
all names begin with `model_`. Activations are loops over a layer's z, which becomes a.

exp and its relatives are here, and not the C library's: those take one number a call, and these are
loops that compilers make vectors of, smaller on a microcontroller, and the same numbers everywhere.
For GCC to make vectors without -ffast-math, conditions must choose between numbers that are there
already, and no constant may make what follows a constant: so the loop with exp's series is one of
its own, after that which bounds its numbers.

exp gets numbers from -87 or -708 to 0, so nothing overflows, and what is converted to int is no
NaN; the loops at the end let z stay NaN.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

DENSE = """
/* z = x W + b; W has a row of n_out weights for each of n_in inputs. */
static inline void model_dense(
    const real *W, const real *b, const real *x, real *z, int n_in, int n_out)
{
    const int n_by_four = n_in - n_in % 4;
    for (int k = 0; k < n_out; k++)
        z[k] = b[k];
    for (int j = 0; j < n_by_four; j += 4, W += 4 * n_out)
        for (int k = 0; k < n_out; k++)
            z[k] += (x[j] * W[k] + x[j + 1] * W[n_out + k])
                + (x[j + 2] * W[2 * n_out + k] + x[j + 3] * W[3 * n_out + k]);
    for (int j = n_by_four; j < n_in; j++, W += n_out)
        for (int k = 0; k < n_out; k++)
            z[k] += x[j] * W[k];
}
"""

DENSE_INT8 = """
/* z = x W + b; W has a row of n_out weights for each of n_in inputs, in units of scale[k]. */
static inline void model_dense(
    const signed char *W, const real *scale, const real *b, const real *x, real *z,
    int n_in, int n_out)
{
    const int n_by_four = n_in - n_in % 4;
    for (int k = 0; k < n_out; k++)
        z[k] = 0;
    for (int j = 0; j < n_by_four; j += 4, W += 4 * n_out)
        for (int k = 0; k < n_out; k++)
            z[k] += (x[j] * (real)W[k] + x[j + 1] * (real)W[n_out + k])
                + (x[j + 2] * (real)W[2 * n_out + k] + x[j + 3] * (real)W[3 * n_out + k]);
    for (int j = n_by_four; j < n_in; j++, W += n_out)
        for (int k = 0; k < n_out; k++)
            z[k] += x[j] * (real)W[k];
    for (int k = 0; k < n_out; k++)
        z[k] = z[k] * scale[k] + b[k];
}
"""

EXP_PART = """
typedef char model_needs_real_of_ieee_754[sizeof(real) == sizeof($uint) ? 1 : -1];

/* -|z|, but no less than $lowest, at which exp is nearly 0 */
static inline real model_exponent(real z)
{
    const real x = z < 0 ? z : -z;
    return x > ${lowest}r ? x : ${lowest}r;
}

/* e^x = power + power part: x = r - m log(2), power = 2^-m, part = e^r - 1 by its series. */
static inline real model_exp_part(real x, real *power)
{
    const int m = (int)(0.5r - ${log2_e}r * x);
    const real r = (x + (real)m * ${log_2_high}r) + (real)m * ${log_2_low}r;
    const $uint bits = ($uint)($bias - m) << $shift;
    memcpy(power, &bits, sizeof bits);
    const real q = r * r;
    return r * (
        $exp_series);
}
"""

EXP = """
/* e <- exp(e) */
static inline void model_exp(real *e, int n)
{
    for (int k = 0; k < n; k++) {
        real power;
        const real part = model_exp_part(e[k], &power);
        e[k] = power + power * part;
    }
}
"""

EXPM1 = """
/* e <- exp(e) - 1 */
static inline void model_expm1(real *e, int n)
{
    for (int k = 0; k < n; k++) {
        real power;
        const real part = model_exp_part(e[k], &power);
        e[k] = (power - 1.0r) + power * part;
    }
}
"""

STEP = """
static inline void model_step(real *z, int n)
{
    for (int k = 0; k < n; k++)
        z[k] = z[k] > 0 ? 1.0r : 0.0r;
}
"""

RELU = """
static inline void model_relu(real *z, int n)
{
    for (int k = 0; k < n; k++)
        z[k] = z[k] < 0 ? 0.0r : z[k];
}
"""

LEAKY_RELU = """
static inline void model_leaky_relu(real *z, int n)
{
    for (int k = 0; k < n; k++) {
        const real small = 0.01r * z[k];
        z[k] = z[k] < 0 ? small : z[k];
    }
}
"""

SIGMOID = """
/* 1 / (1 + exp(-z)), or exp(z) / (1 + exp(z)) */
static inline void model_sigmoid(real *z, real *e, int n)
{
    for (int k = 0; k < n; k++)
        e[k] = model_exponent(z[k]);
    model_exp(e, n);
    for (int k = 0; k < n; k++)
        z[k] = (z[k] < 0 ? e[k] : z[k] >= 0 ? 1.0r : z[k]) / (1.0r + e[k]);
}
"""

TANH = """
/* tanh(|z|) = -t / (2 + t), t = exp(-2 |z|) - 1 */
static inline void model_tanh(real *z, real *e, int n)
{
    for (int k = 0; k < n; k++)
        e[k] = model_exponent(z[k]);
    model_expm1(e, n);
    for (int k = 0; k < n; k++) {
        const real t = e[k] * (2.0r + e[k]);
        e[k] = t / (2.0r + t);
    }
    for (int k = 0; k < n; k++)
        z[k] = z[k] < 0 ? e[k] : z[k] > 0 ? -e[k] : z[k];
}
"""

ELU = """
/* z, or exp(z) - 1 below 0 */
static inline void model_elu(real *z, real *e, int n)
{
    for (int k = 0; k < n; k++)
        e[k] = model_exponent(z[k]);
    model_expm1(e, n);
    for (int k = 0; k < n; k++)
        z[k] = z[k] < 0 ? e[k] : z[k];
}
"""

SOFTPLUS = """
/* max(0, z) + log(1 + exp(-|z|)), log(1 + e) by the series of 2 atanh(e / (2 + e)) */
static inline void model_softplus(real *z, real *e, int n)
{
    for (int k = 0; k < n; k++)
        e[k] = model_exponent(z[k]);
    model_exp(e, n);
    for (int k = 0; k < n; k++) {
        const real s = e[k] / (2.0r + e[k]), r = s * s, q = r * r;
        e[k] = 2.0r * s * (
            $log_series);
    }
    for (int k = 0; k < n; k++)
        z[k] = (z[k] < 0 ? 0.0r : z[k]) + e[k];
}
"""

SILU = """
/* z sigmoid(z), which is nearly 0 from $lowest on */
static inline void model_silu(real *z, real *e, int n)
{
    for (int k = 0; k < n; k++)
        z[k] = z[k] < ${lowest}r ? ${lowest}r : z[k];
    for (int k = 0; k < n; k++)
        e[k] = model_exponent(z[k]);
    model_exp(e, n);
    for (int k = 0; k < n; k++)
        z[k] = z[k] * ((z[k] < 0 ? e[k] : 1.0r) / (1.0r + e[k]));
}
"""

GELU = """
/* z/2 (1 + tanh(u)) = z sigmoid(2u), u = sqrt(2/pi) (z + 0.044715 z^3); 0 or z beyond $most */
static inline void model_gelu(real *z, real *e, int n)
{
    for (int k = 0; k < n; k++)
        z[k] = z[k] < -${most}r ? -${most}r : z[k];
    for (int k = 0; k < n; k++)
        e[k] = z[k] < ${most}r ? z[k] : ${most}r;
    for (int k = 0; k < n; k++) {
        const real u = ${twice_root}r * (e[k] + 0.044715r * (e[k] * e[k] * e[k]));
        e[k] = model_exponent(u);
    }
    model_exp(e, n);
    for (int k = 0; k < n; k++)
        z[k] = z[k] * ((z[k] < 0 ? e[k] : 1.0r) / (1.0r + e[k]));
}
"""

SOFTMAX = """
/* exp(z_k) / sum of exp(z_i), with the largest z taken off each */
static inline void model_softmax(real *z, real *e, int n)
{
    real largest = z[0], total = 0;
    for (int k = 1; k < n; k++)
        largest = z[k] > largest ? z[k] : largest;
    for (int k = 0; k < n; k++)
        e[k] = model_exponent(z[k] -= largest);
    model_exp(e, n);
    for (int k = 0; k < n; k++) {
        z[k] = z[k] <= 0 ? e[k] : z[k];
        total += z[k];
    }
    for (int k = 0; k < n; k++)
        z[k] /= total;
}
"""

EXP_OF_EACH = """
static inline void model_exp_of_each(real *z, int n)
{
    for (int k = 0; k < n; k++)
        z[k] = exp${f}(z[k]);
}
"""


class Activation(NamedTuple):
    """Its C function's name and text, and the shared functions that it calls."""

    name: str
    text: str
    calls: tuple[str, ...] = ()

    @property
    def has_scratch(self) -> bool:
        """Whether it needs an array as long as z."""
        return "real *e" in self.text


SHARED = {"exp": EXP, "expm1": EXPM1}
ACTIVATIONS = {
    "step": Activation("step", STEP),
    "relu": Activation("relu", RELU),
    "leaky_relu": Activation("leaky_relu", LEAKY_RELU),
    "sigmoid": Activation("sigmoid", SIGMOID, ("exp",)),
    "tanh": Activation("tanh", TANH, ("expm1",)),
    "elu": Activation("elu", ELU, ("expm1",)),
    "softplus": Activation("softplus", SOFTPLUS, ("exp",)),
    "silu": Activation("silu", SILU, ("exp",)),
    "gelu": Activation("gelu", GELU, ("exp",)),
    "softmax": Activation("softmax", SOFTMAX, ("exp",)),
    "exp": Activation("exp_of_each", EXP_OF_EACH),
}


class Settings(NamedTuple):
    """What hangs on the type of numbers."""

    name: str
    suffix: str
    digits: int  # that give back every number of the type
    lowest: int  # e^lowest is a normal number
    most_of_gelu: int  # beyond it exp's argument would be below the lowest
    uint: str  # as long as it; 2^-m has bias - m in its bits from shift on
    bias: int
    shift: int
    n_exp: int  # terms of the series of e^r - 1, |r| <= log(2) / 2
    n_log: int  # and of log(1 + e), e <= 1
    log_2_high: float  # log(2) to so many bits that its product with m is exact
    log_2_low: float


FLOAT = Settings(
    "float", "f", 9, -87, 10, "uint32_t", 127, 23, 7, 8, 0.693359375, -2.12194440054690583e-4
)
DOUBLE = Settings(
    "double", "", 17, -708, 21, "uint64_t", 1023, 52, 13, 17, 6.93147180369123816490e-01,
    1.90821492927058770002e-10,
)  # fmt: skip


def settings_of(dtype: np.dtype[Any]) -> Settings:
    return FLOAT if dtype.itemsize == 4 else DOUBLE


def includes(activations: Iterable[str]) -> list[str]:
    """Which headers of C's they need; none of them needs a library, but math.h."""
    calls = [
        call for name in activations if name in ACTIVATIONS for call in ACTIVATIONS[name].calls
    ]
    return [
        *(["math.h"] if "exp" in activations else []),
        *(["stdint.h", "string.h"] if calls else []),
    ]


def functions(activations: Iterable[str], dtype: np.dtype[Any], is_int8: bool) -> str:
    """Those of a network with these activations, each after those that it calls."""
    settings = settings_of(dtype)
    wanted = [ACTIVATIONS[name] for name in dict.fromkeys(activations) if name != "identity"]
    calls = dict.fromkeys(call for one in wanted for call in one.calls)
    texts = [
        DENSE_INT8 if is_int8 else DENSE,
        *([EXP_PART] if calls else []),
        *(SHARED[call] for call in calls),
        *(one.text for one in wanted),
    ]
    return "".join(_filled(text, settings) for text in texts)


def decimal(number: float, settings: Settings) -> str:
    """A constant without its suffix, from which the type reads back the same number."""
    text = f"{number:.{settings.digits}g}"
    return text if set(text) & set(".e") else f"{text}.0"


def _filled(text: str, settings: Settings) -> str:
    def number(value: float) -> str:
        return decimal(value, settings)

    inverse_factorials = [1 / math.factorial(k) for k in range(1, settings.n_exp + 1)]
    inverse_odd = [1 / (2 * k + 1) for k in range(settings.n_log)]
    text = Template(text).substitute(
        lowest=number(settings.lowest),
        most=number(settings.most_of_gelu),
        log2_e=number(math.log2(math.e)),
        log_2_high=number(settings.log_2_high),
        log_2_low=number(settings.log_2_low),
        twice_root=number(2 * math.sqrt(2 / math.pi)),
        uint=settings.uint,
        bias=settings.bias,
        shift=settings.shift,
        exp_series=_series(inverse_factorials, settings, 8),
        log_series=_series(inverse_odd, settings, 12),
        f=settings.suffix,
    )
    text = re.sub(r"\breal\b", settings.name, text)
    return re.sub(r"(?<=[\d.])r\b", settings.suffix, text)


def _series(coefficients: list[float], settings: Settings, indent: int) -> str:
    """Σ c_k r^k, as two sums of powers of q = r², which need not wait for each other."""
    numbers = [f"{decimal(c, settings)}r" for c in coefficients]
    even, odd = (_horner(one, indent) for one in (numbers[::2], numbers[1::2]))
    return f"{even}\n{' ' * indent}+ r * {odd}"


def _horner(numbers: list[str], indent: int) -> str:
    """(c0 + q (c1 + q (c2 + ...)))"""
    *opening, last = [f"({c} + q * " for c in numbers[:-1]]
    return _in_lines([*opening, f"{last}{numbers[-1]}{')' * (len(numbers) - 1)}"], "", indent + 4)


def _in_lines(parts: list[str], between: str, indent: int) -> str:
    """Joined, with as many in a line as fit."""
    lines = [""]
    for i, part in enumerate(parts):
        part += between if i < len(parts) - 1 else ""
        if lines[-1] and len(lines[-1]) + len(part) + indent > 96:
            lines.append("")
        lines[-1] += part
    return f"\n{' ' * indent}".join(line.rstrip() for line in lines)
