"""exp, and the activations that rest on it, against mpmath.

Errors are counted in ulp: in distances between neighbouring floats at the exact result.
"""

from dataclasses import dataclass

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from fastnn import Network
from fastnn._core import kernels

every_width = pytest.mark.parametrize("dtype", ["float64", "float32"])


@pytest.fixture(autouse=True)
def _many_digits():
    with mpmath.workprec(120):
        yield


def kernel_exp(z):
    """The kernels' exp, which takes whole vectors of up to 8 numbers."""
    whole_vectors = np.zeros(-(-len(z) // 8) * 8, z.dtype)
    whole_vectors[: len(z)] = z
    out = np.full_like(whole_vectors, np.nan)
    kernels.exp(whole_vectors, out)
    return out[: len(z)]


def assert_within(actual, f, z, ulp, beyond=None):
    """|actual - f(z)| <= ulp, and an absolute error beyond for each z; NaN is never within."""
    errors = []
    for a, z_k, more in zip(actual, z, np.zeros(len(z)) if beyond is None else beyond, strict=True):
        exact = f(mpf(float(z_k)))
        spacing = np.spacing(np.abs(actual.dtype.type(exact)))
        # Divided before it is rounded: a fraction of the smallest float is none itself.
        errors.append(float((abs(mpf(float(a)) - exact) - float(more)) / mpf(float(spacing))))
    worst = np.argmax(errors)  # NaN counts as the largest
    assert errors[worst] <= ulp, f"{errors[worst]:.3g} ulp at z = {z[worst]!r}"


def with_neighbours(z, dtype):
    """z in a float type, and the floats next to them."""
    z = np.asarray(z).astype(dtype)
    below, above = (np.nextafter(z, dtype.type(end)) for end in (-np.inf, np.inf))
    return np.concatenate([below, z, above])


def range_of_exp(dtype):
    """The logarithms of the smallest subnormal, the smallest normal and the largest float."""
    info = np.finfo(dtype)
    return [float(mpmath.log(float(x))) for x in (info.smallest_subnormal, info.tiny, info.max)]


@every_width
def test_exp_of_a_dense_grid(dtype):
    _, low, high = range_of_exp(dtype)
    size = np.geomspace(1e-30, 1, 1000)
    z = np.concatenate([np.linspace(low, high, 4001)[1:-1], size, -size]).astype(dtype)
    assert_within(kernel_exp(z), mpmath.exp, z, ulp=2)


@every_width
def test_exp_where_the_range_reduction_jumps(dtype):
    dtype = np.dtype(dtype)
    _, low, high = range_of_exp(dtype)
    half = np.log(2) / 2
    multiples = np.arange(np.ceil(low / half) + 1, np.floor(high / half)) * half
    z = with_neighbours(multiples, dtype)
    assert_within(kernel_exp(z), mpmath.exp, z, ulp=2)


@every_width
def test_exp_at_the_ends_of_the_range(dtype):
    dtype = np.dtype(dtype)
    lowest, low, high = range_of_exp(dtype)
    largest = np.finfo(dtype).max

    z = with_neighbours([high], dtype)
    fits = np.array([mpmath.exp(float(z_k)) <= float(largest) for z_k in z])
    assert set(fits) == {True, False}
    assert np.all(np.isfinite(kernel_exp(z)) == fits)
    assert_within(kernel_exp(z[fits]), mpmath.exp, z[fits], ulp=2)

    below_normal = np.concatenate([np.linspace(lowest - 1, low, 2001), [low]]).astype(dtype)
    z = np.concatenate([below_normal, with_neighbours([lowest, low], dtype)])
    assert np.any(kernel_exp(z) == np.finfo(dtype).smallest_subnormal)
    assert_within(kernel_exp(z), mpmath.exp, z, ulp=1)


@every_width
def test_exp_has_exact_limits(dtype):
    _, _, high = range_of_exp(dtype)
    info = np.finfo(dtype)
    nan, inf = np.nan, np.inf
    z = np.array([-inf, inf, nan, 0, -0.0, info.max, -info.max, high + 0.1, 1e4, -1e4], dtype)
    with np.errstate(all="raise"):
        actual = kernel_exp(z)
    expected = np.array([0, inf, nan, 1, 1, inf, 0, inf, inf, 0], dtype)
    np.testing.assert_array_equal(actual, expected)
    # Each lane of a vector is on its own.
    for special in (nan, inf, -inf):
        z = np.zeros(16, dtype)
        z[3] = special
        np.testing.assert_array_equal(np.delete(kernel_exp(z), 3), np.ones(15))


# The activations, as units of one layer with z in the biases


@dataclass(frozen=True)
class Activation:
    """f and f' as mpmath says, and their limits: at the right f(z) = z or f(z) = 1, f' = 1 or 0."""

    f: object
    derivative: object
    limit_at_left: float
    grows: bool


def sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


def gelu_inner(z):
    return mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (z + mpf("0.044715") * z**3))


def gelu_derivative(z):
    t = gelu_inner(z)
    inner_derivative = mpmath.sqrt(2 / mpmath.pi) * (1 + 3 * mpf("0.044715") * z**2)
    return (1 + t + z * (1 - t**2) * inner_derivative) / 2


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, lambda z: sigmoid(z) * sigmoid(-z), 0, grows=False),
    "tanh": Activation(mpmath.tanh, lambda z: 1 / mpmath.cosh(z) ** 2, -1, grows=False),
    "elu": Activation(
        lambda z: z if z > 0 else mpmath.expm1(z),
        lambda z: 1 if z > 0 else mpmath.exp(z),
        -1,
        grows=True,
    ),
    "softplus": Activation(
        lambda z: max(z, 0) + mpmath.log1p(mpmath.exp(-abs(z))), sigmoid, 0, grows=True
    ),
    "silu": Activation(
        lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * sigmoid(-z)), 0, grows=True
    ),
    "gelu": Activation(lambda z: z / 2 * (1 + gelu_inner(z)), gelu_derivative, 0, grows=True),
}
every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def units(name, z, loss):
    return Network.from_parameters(
        [np.zeros((1, len(z)), z.dtype)], [z], activation=name, loss=loss
    )


def values(name, z):
    return units(name, z, "mse").feedforward([0.0])


def derivatives(name, z):
    """da/dz, as n times the gradient of the mean absolute error to a target below every a."""
    _, (dL_db,) = units(name, z, "mae").gradients([[0.0]], [[-np.finfo(z.dtype).max] * len(z)])
    return dL_db * len(z)


def grid(dtype):
    size = np.geomspace(1e-30, 1, 300)
    steps = [np.linspace(-end, end, 801) for end in (8, 90, 750)]
    return np.concatenate([*steps, size, -size]).astype(dtype)


def beyond_ulp(name, z):
    """What the error of a value may be in addition to 4 ulp, where the formula costs digits."""
    info = np.finfo(z.dtype)
    if name == "sigmoid":  # below the normal numbers it is 0
        return np.full_like(z, info.tiny)
    if name == "silu":
        return np.abs(z) * info.tiny
    if name == "gelu":  # 1 + tanh cancels at the left
        return np.where(z < 0, -z * info.eps, 0)
    return np.zeros_like(z)


@every_width
@every_activation
def test_values(name, dtype):
    z = grid(dtype)
    assert_within(values(name, z), ACTIVATIONS[name].f, z, ulp=4, beyond=beyond_ulp(name, z))


@pytest.mark.unwatched
@every_width
@every_activation
def test_derivatives(name, dtype):
    z = grid(dtype)
    exact = np.array([float(ACTIVATIONS[name].derivative(mpf(float(z_k)))) for z_k in z])
    # Where these two level off, terms as large as z cancel.
    scale = np.maximum(1, np.abs(z)) if name in ("silu", "gelu") else 1
    errors = np.abs(derivatives(name, z).astype(float) - exact) / scale
    assert errors.max() <= 4 * np.finfo(dtype).eps


@every_width
@every_activation
def test_limits_of_values_and_derivatives(name, dtype):
    activation = ACTIVATIONS[name]
    z = np.array([1e4, 1e30, np.finfo(dtype).max], dtype)
    np.testing.assert_array_equal(values(name, z), z if activation.grows else np.ones(3))
    np.testing.assert_array_equal(values(name, -z), np.full(3, activation.limit_at_left))
    np.testing.assert_array_equal(derivatives(name, z), np.full(3, float(activation.grows)))
    np.testing.assert_array_equal(derivatives(name, -z), np.zeros(3))


@every_width
@pytest.mark.parametrize("name", [*ACTIVATIONS, "identity", "relu", "leaky_relu"])
def test_no_finite_z_gives_nan(name, dtype):
    info = np.finfo(dtype)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp)
    powers = np.ldexp(info.dtype.type(1), exponents)
    size = np.concatenate([powers, powers * info.dtype.type(1.75), [info.max, 0]])
    z = np.concatenate([size, -size, np.linspace(-760, 760, 200_001, dtype=dtype)])
    assert np.isfinite(z).all()
    assert np.isfinite(values(name, z)).all()
    assert np.all(np.abs(derivatives(name, z)) < 1.2)  # false for NaN
