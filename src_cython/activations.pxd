"""Activations a = f(z), each with its derivative directly below it.

Functions of one vec, then the loops over a layer. A derivative is taken from the output a where
that is possible, else from z. softmax, whose outputs depend on each other, stands at the end.
"""
from libc.math cimport NAN

from compiler cimport kernel
from vectors cimport (
    real, vec, absolute, at, constant, copy_sign, if_greater, if_positive, lanes, sum_of_lanes,
    within,
)
from exponential cimport exp, expm1, expm1_up_to_50, log1p, one_plus_exp


cdef enum Activation:
    IDENTITY
    STEP
    SIGMOID
    TANH
    RELU
    LEAKY_RELU
    ELU
    SOFTPLUS
    SILU
    GELU
    EXP
    SOFTMAX


cdef inline vec step(vec z) noexcept nogil:
    """1 for z > 0, else 0. Trained by the perceptron rule alone: it has no useful derivative."""
    return if_positive(z, constant(z, 1), constant(z, 0))


cdef inline vec sigmoid(vec z) noexcept nogil:
    """1 / (1 + e^-z); 0 where that is no normal number"""
    return 1 / one_plus_exp(-z)


cdef inline vec sigmoid_derivative(vec a) noexcept nogil:
    return a * (1 - a)


cdef inline vec tanh(vec z) noexcept nogil:
    """sign(z) t / (t + 2), t = e^(2|z|) - 1"""
    cdef vec t = 2 * absolute(z)
    cdef vec most = constant(z, 50)
    t = expm1_up_to_50(if_greater(t, most, most, t))
    return copy_sign(t / (t + 2), z)


cdef inline vec tanh_derivative(vec a) noexcept nogil:
    return 1 - a * a


cdef inline vec relu(vec z) noexcept nogil:
    """max(0, z); NaN stays NaN"""
    return if_greater(constant(z, 0), z, constant(z, 0), z)


cdef inline vec relu_derivative(vec a) noexcept nogil:
    return step(a)


cdef inline vec leaky_relu(vec z) noexcept nogil:
    """z for z > 0, else 0.01 z"""
    return if_positive(z, z, z * constant(z, 0.01))


cdef inline vec leaky_relu_derivative(vec a) noexcept nogil:
    return if_positive(a, constant(a, 1), constant(a, 0.01))


cdef inline vec elu(vec z) noexcept nogil:
    """z for z > 0, else e^z - 1"""
    return if_positive(z, z, expm1(z))


cdef inline vec elu_derivative(vec a) noexcept nogil:
    return if_positive(a, constant(a, 1), a + 1)


cdef inline vec softplus(vec z) noexcept nogil:
    """log(1 + e^z) = max(0, z) + log(1 + e^-|z|)"""
    return relu(z) + log1p(exp(-absolute(z)))


cdef inline vec softplus_derivative(vec a) noexcept nogil:
    """sigmoid(z) = 1 - e^-a"""
    return -expm1(-a)


cdef inline vec silu(vec z) noexcept nogil:
    """z sigmoid(z)"""
    return z * sigmoid(z)


cdef inline vec silu_derivative(vec z, vec a) noexcept nogil:
    cdef vec s = sigmoid(z)
    return s + a * (1 - s)


cdef inline vec gelu_inner(vec z) noexcept nogil:
    """tanh(√(2/π) (z + 0.044715 z³))"""
    return tanh(constant(z, 0.7978845608028654) * (z + constant(z, 0.044715) * (z * z * z)))


cdef inline vec gelu(vec z) noexcept nogil:
    """z/2 (1 + tanh(√(2/π) (z + 0.044715 z³)))"""
    return constant(z, 0.5) * z * (1 + gelu_inner(z))


cdef inline vec gelu_derivative(vec z) noexcept nogil:
    cdef vec t, inner
    # Beyond ±50 the derivative is constant, and z² must not overflow.
    z = within(z, -50, 50)
    t = gelu_inner(z)
    inner = constant(z, 0.7978845608028654) * (1 + constant(z, 0.134145) * (z * z))
    return constant(z, 0.5) * ((1 + t) + z * (1 - t * t) * inner)


cdef inline void softmax(
    const vec* z, vec* a, size_t n_vec, size_t n_out, real like
) noexcept nogil:
    """a_k = e^z_k / Σ e^z_i, with the largest z taken off each z so that no power overflows."""
    cdef size_t k
    cdef const real* z_lane = <const real*> z
    cdef real* a_lane = <real*> a
    cdef real largest = z_lane[0], total = 0
    for k in range(1, n_out):
        if z_lane[k] > largest:
            largest = z_lane[k]
    for k in range(n_vec):
        a[k] = exp(z[k] - constant(z[0], largest))
    for k in range(n_out):
        total += a_lane[k]
    for k in range(n_vec):
        a[k] = a[k] / constant(a[0], total)
    for k in range(n_out, n_vec * lanes(a)):
        a_lane[k] = 0


cdef inline void multiply_softmax_derivative(
    const vec* a, vec* delta, size_t n_vec, real like
) noexcept nogil:
    """delta_k <- a_k (delta_k - Σ delta_i a_i)"""
    cdef size_t k
    cdef vec products = constant(a[0], 0)
    cdef vec total
    for k in range(n_vec):
        products = products + delta[k] * a[k]
    total = constant(a[0], sum_of_lanes(products, like))
    for k in range(n_vec):
        delta[k] = a[k] * (delta[k] - total)


cdef inline vec activation_of(size_t activation, vec z) noexcept nogil:
    """a = f(z); softmax is no function of one vec, and is not asked for."""
    if activation == SIGMOID:
        return sigmoid(z)
    elif activation == TANH:
        return tanh(z)
    elif activation == RELU:
        return relu(z)
    elif activation == LEAKY_RELU:
        return leaky_relu(z)
    elif activation == ELU:
        return elu(z)
    elif activation == SOFTPLUS:
        return softplus(z)
    elif activation == SILU:
        return silu(z)
    elif activation == GELU:
        return gelu(z)
    elif activation == EXP:
        return exp(z)
    elif activation == STEP:
        return step(z)
    elif activation == IDENTITY:
        return z
    return constant(z, NAN)


cdef inline vec derivative_of(size_t activation, vec z, vec a) noexcept nogil:
    """f'(z); identity, whose is 1, softmax, which has a Jacobian, and step are not asked for."""
    if activation == SIGMOID:
        return sigmoid_derivative(a)
    elif activation == TANH:
        return tanh_derivative(a)
    elif activation == RELU:
        return relu_derivative(a)
    elif activation == LEAKY_RELU:
        return leaky_relu_derivative(a)
    elif activation == ELU:
        return elu_derivative(a)
    elif activation == SOFTPLUS:
        return softplus_derivative(a)
    elif activation == SILU:
        return silu_derivative(z, a)
    elif activation == GELU:
        return gelu_derivative(z)
    elif activation == EXP:
        return a
    return constant(z, NAN)


cdef inline void activate(
    size_t activation, const vec* z, vec* a, size_t units, Py_ssize_t n, size_t n_vec,
    size_t n_out, real like,
) noexcept nogil:
    """a = f(z) in a layer for n samples, whose z and a lie `units` bytes apart."""
    cdef Py_ssize_t s
    # Where f is a constant, what it needs stays in registers from vec to vec.
    if activation == SIGMOID:
        activate_as(SIGMOID, z, a, units, n, n_vec)
    elif activation == TANH:
        activate_as(TANH, z, a, units, n, n_vec)
    elif activation == RELU:
        activate_as(RELU, z, a, units, n, n_vec)
    elif activation == IDENTITY:
        activate_as(IDENTITY, z, a, units, n, n_vec)
    elif activation == SOFTMAX:
        for s in range(n):
            softmax(at(z, s * units), at(a, s * units), n_vec, n_out, like)
    else:
        activate_as_another(activation, z, a, units, n, n_vec)


cdef inline kernel activate_as_another(
    size_t activation, const vec* z, vec* a, size_t units, Py_ssize_t n, size_t n_vec
) noexcept nogil:
    activate_as(activation, z, a, units, n, n_vec)


cdef inline void activate_as(
    size_t activation, const vec* z, vec* a, size_t units, Py_ssize_t n, size_t n_vec
) noexcept nogil:
    cdef Py_ssize_t s
    cdef size_t k
    for s in range(n):
        for k in range(n_vec):
            at(a, s * units)[k] = activation_of(activation, at(z, s * units)[k])


cdef inline void multiply_derivative(
    size_t activation, const vec* z, const vec* a, vec* delta, size_t units, Py_ssize_t n,
    size_t n_vec, real like,
) noexcept nogil:
    """delta <- delta f'(z) in a layer for n samples: from ∂L/∂a to ∂L/∂z."""
    cdef Py_ssize_t s
    if activation == SIGMOID:
        multiply_derivative_of(SIGMOID, z, a, delta, units, n, n_vec)
    elif activation == TANH:
        multiply_derivative_of(TANH, z, a, delta, units, n, n_vec)
    elif activation == RELU:
        multiply_derivative_of(RELU, z, a, delta, units, n, n_vec)
    elif activation == SOFTMAX:
        for s in range(n):
            multiply_softmax_derivative(at(a, s * units), at(delta, s * units), n_vec, like)
    elif activation != IDENTITY:
        multiply_derivative_of_another(activation, z, a, delta, units, n, n_vec)


cdef inline kernel multiply_derivative_of_another(
    size_t activation, const vec* z, const vec* a, vec* delta, size_t units, Py_ssize_t n,
    size_t n_vec,
) noexcept nogil:
    multiply_derivative_of(activation, z, a, delta, units, n, n_vec)


cdef inline void multiply_derivative_of(
    size_t activation, const vec* z, const vec* a, vec* delta, size_t units, Py_ssize_t n,
    size_t n_vec,
) noexcept nogil:
    cdef Py_ssize_t s
    cdef size_t k
    for s in range(n):
        for k in range(n_vec):
            at(delta, s * units)[k] = at(delta, s * units)[k] * derivative_of(
                activation, at(z, s * units)[k], at(a, s * units)[k]
            )
