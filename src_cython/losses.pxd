"""Losses L of one output, each with its derivative directly below it, then the loss of a sample.

mse, mae and huber are functions of the output a and give ∂L/∂a. bce (on a sigmoid) and
cross_entropy (on a softmax) are computed from z, so that no log(0) exists, and give ∂L/∂z at once.
PERCEPTRON is mse on step units with the perceptron rule's delta in place of a derivative.

SQUARED_ERROR, LOG_LOSS, BINARY_LOG_LOSS and POISSON are scikit-learn's (_base.py of its
neural_network), for an output layer of identity, softmax, sigmoid and exp: delta of each is a - y,
whatever the loss is divided by, and log losses are cut as if no a were 0 or 1.

PRODUCT is Σ a y, whose ∂L/∂a is y, and PRODUCT_OF_Z is Σ z y: of any loss whose gradients somebody
else has.

Outputs and targets lie in rows padded to whole vecs. The row `share` holds the part of each
output in delta: 1/K for the mean over K outputs, 1 for cross_entropy, PERCEPTRON and scikit-learn's
losses, 0 in the padding, which so counts for nothing.
"""
from libc.float cimport DBL_EPSILON, FLT_EPSILON
from libc.math cimport NAN, exp, log

from activations cimport multiply_derivative, softplus
from layers cimport Layer, Network
from vectors cimport real, vec, absolute, at, constant, if_greater, if_positive, sum_of_lanes


cdef enum Loss:
    MSE
    MAE
    HUBER
    BCE
    CROSS_ENTROPY
    # From here on, and in CROSS_ENTROPY, losses are summed over outputs: see is_summed.
    PERCEPTRON
    SQUARED_ERROR
    LOG_LOSS
    BINARY_LOG_LOSS
    POISSON
    PRODUCT
    PRODUCT_OF_Z


cdef inline bint is_summed(size_t loss) noexcept nogil:
    """Whether delta is not divided by the number of outputs."""
    return loss == CROSS_ENTROPY or loss >= PERCEPTRON


cdef inline vec mse(vec a, vec y) noexcept nogil:
    return (a - y) * (a - y)


cdef inline vec mse_derivative(vec a, vec y) noexcept nogil:
    return 2 * (a - y)


cdef inline vec mae(vec a, vec y) noexcept nogil:
    return absolute(a - y)


cdef inline vec mae_derivative(vec a, vec y) noexcept nogil:
    """The sign of a - y, 0 at 0"""
    cdef vec zero = constant(a, 0)
    cdef vec one = constant(a, 1)
    return if_greater(a, y, one, if_greater(y, a, -one, zero))


cdef inline vec huber(vec a, vec y) noexcept nogil:
    """d²/2 for |d| <= 1, else |d| - 1/2, with d = a - y"""
    cdef vec d = absolute(a - y)
    cdef vec half = constant(a, 0.5)
    return if_greater(d, constant(a, 1), d - half, d * d * half)


cdef inline vec huber_derivative(vec a, vec y) noexcept nogil:
    cdef vec d = a - y
    return if_greater(absolute(d), constant(a, 1), mae_derivative(a, y), d)


cdef inline vec bce(vec z, vec y) noexcept nogil:
    """-y log(a) - (1 - y) log(1 - a) with a = sigmoid(z): log(1 + e^z) - y z"""
    return softplus(z) - y * z


cdef inline double log_loss(
    const vec* z, const vec* a, const vec* y, size_t n_out, bint is_binary, real like
) noexcept nogil:
    """-Σ y_k log(a_k), and for binary outputs -Σ y_k log(a_k) + (1 - y_k) log(1 - a_k).

    As scikit-learn has it: from a, which is cut to eps and 1 - eps. Where a is so near to 1 that
    its last bits are all there is of 1 - a, they must be scikit-learn's.
    """
    cdef const real* z_k = <const real*> z
    cdef const real* a_k = <const real*> a
    cdef const real* y_k = <const real*> y
    cdef real eps = FLT_EPSILON if real is float else DBL_EPSILON
    cdef real p
    cdef size_t k
    cdef double total = 0
    for k in range(n_out):
        p = a_k[k]
        if is_binary and z_k[k] > 15:
            p = <real> (1 / (1 + exp(-<double> z_k[k])))
        p = min(max(p, eps), 1 - eps)
        if y_k[k] != 0:
            total -= y_k[k] * log(p)
        if is_binary and y_k[k] != 1:
            total -= (1 - y_k[k]) * log(1 - p)
    return total


cdef inline double poisson(
    const vec* z, const vec* a, const vec* y, size_t n_out, real like
) noexcept nogil:
    """Σ y_k log(y_k / a_k) - y_k + a_k with a = e^z: half of the deviance"""
    cdef const real* z_k = <const real*> z
    cdef const real* a_k = <const real*> a
    cdef const real* y_k = <const real*> y
    cdef size_t k
    cdef double total = 0
    for k in range(n_out):
        total += a_k[k] - y_k[k]
        if y_k[k] > 0:
            total += y_k[k] * (log(y_k[k]) - z_k[k])
    return total


cdef inline double cross_entropy(
    const vec* z, const vec* a, const vec* y, size_t n_out, real like
) noexcept nogil:
    """-Σ y_k log(a_k) with a = softmax(z), Σ y_k = 1: log Σ e^z_k - Σ y_k z_k

    The largest z is taken off every z, and then the sum of powers is 1 / a of the largest.
    """
    cdef const real* z_k = <const real*> z
    cdef const real* a_k = <const real*> a
    cdef const real* y_k = <const real*> y
    cdef size_t k, top = 0
    cdef double total = 0
    for k in range(1, n_out):
        if z_k[k] > z_k[top]:
            top = k
    for k in range(n_out):
        if y_k[k] != 0:  # the difference may be infinite
            total += y_k[k] * (z_k[top] - z_k[k])
    return total - log(a_k[top])


cdef inline void prepare_share(const Network* net, vec* share, real scale) noexcept nogil:
    """share, and in the row after it scale · share; their padding is 0 from the start."""
    cdef const Layer* last = net.last
    cdef real* share_k = <real*> share
    cdef real* scaled_k = <real*> at(share, last.row)
    cdef size_t k
    for k in range(last.n_out):
        share_k[k] = 1 if is_summed(net.loss) else <real> 1 / <real> last.n_out
        scaled_k[k] = scale * share_k[k]


cdef inline void read_target(
    const Network* net, const real* y_row, vec* y, const vec* share
) noexcept nogil:
    """A row of y, or the row with 1 at the class number; 0 in the padding."""
    cdef const Layer* last = net.last
    cdef real* y_k = <real*> y
    cdef size_t k
    if last.n_out == 1:
        # Written as a whole, because a vec cannot be read soon after one of its numbers is written.
        y[0] = if_positive(share[0], constant(y[0], y_row[0]), constant(y[0], 0))
    elif net.n_targets == last.n_out:
        for k in range(last.n_out):
            y_k[k] = y_row[k]
    else:
        for k in range(last.n_out):
            y_k[k] = 0
        y_k[<size_t> y_row[0]] = 1


cdef inline bint fits(size_t loss, double y) noexcept nogil:
    """Whether y may be a target, as fastnn/_data_checks.py demands it of a number."""
    return y - y == 0 and (loss != BCE or 0 <= y <= 1)


cdef inline vec product(vec a, vec y) noexcept nogil:
    """a y; or z y, where that is what is given"""
    return a * y


cdef inline vec product_derivative(vec y) noexcept nogil:
    return y


cdef inline vec loss_of(size_t loss, vec z, vec a, vec y) noexcept nogil:
    """L of each output; those that are no function of one vec are not asked for."""
    if loss == MSE or loss == PERCEPTRON or loss == SQUARED_ERROR:
        return mse(a, y)
    elif loss == MAE:
        return mae(a, y)
    elif loss == HUBER:
        return huber(a, y)
    elif loss == BCE:
        return bce(z, y)
    elif loss == PRODUCT:
        return product(a, y)
    elif loss == PRODUCT_OF_Z:
        return product(z, y)
    return constant(a, NAN)


cdef inline vec derivative_of(size_t loss, vec a, vec y) noexcept nogil:
    """∂L/∂a for mse, mae, huber and PRODUCT, else ∂L/∂z."""
    if loss == MSE:
        return mse_derivative(a, y)
    elif loss == MAE:
        return mae_derivative(a, y)
    elif loss == HUBER:
        return huber_derivative(a, y)
    elif loss == PRODUCT or loss == PRODUCT_OF_Z:
        return product_derivative(y)
    elif loss == BCE or is_summed(loss):
        return a - y
    return constant(a, NAN)


cdef inline double sample_loss(
    const Network* net, const vec* z, const vec* a, const vec* y, const vec* share, size_t n_vec,
    real like,
) noexcept nogil:
    """L of one sample, from z and a of the output layer."""
    cdef size_t k
    cdef vec total = constant(a[0], 0)
    if net.loss == CROSS_ENTROPY:
        return cross_entropy(z, a, y, net.last.n_out, like)
    if net.loss == LOG_LOSS or net.loss == BINARY_LOG_LOSS:
        return log_loss(z, a, y, net.last.n_out, net.loss == BINARY_LOG_LOSS, like)
    if net.loss == POISSON:
        return poisson(z, a, y, net.last.n_out, like)
    for k in range(n_vec):
        total = total + share[k] * loss_of(net.loss, z[k], a[k], y[k])
    if net.loss == SQUARED_ERROR:
        return sum_of_lanes(total, like) / (2 * net.last.n_out)
    if net.last.n_out == 1:
        return (<const real*> &total)[0]
    if net.loss == PERCEPTRON:
        return sum_of_lanes(total, like) / net.last.n_out
    return sum_of_lanes(total, like)


cdef inline void output_deltas(
    const Network* net, const vec* z, const vec* a, const vec* y, const vec* share, vec* delta,
    size_t units, Py_ssize_t n, size_t n_vec, real like,
) noexcept nogil:
    """delta = ∂L/∂z of the output layer, or a multiple of it, as share is, for n samples.

    Their z, a and delta lie `units` bytes apart.
    """
    cdef Py_ssize_t s
    cdef size_t k
    for s in range(n):
        for k in range(n_vec):
            at(delta, s * units)[k] = share[k] * derivative_of(
                net.loss, at(a, s * units)[k], at(y, s * net.last.row)[k]
            )
    if net.loss == MSE or net.loss == MAE or net.loss == HUBER or net.loss == PRODUCT:
        multiply_derivative(net.last.activation, z, a, delta, units, n, n_vec, like)
