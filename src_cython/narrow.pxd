"""Per-sample SGD for networks whose layers each fit into one vector, such as 2-2-1.

Such a step is one chain of dependent operations, and most of what the general pass adds to it is
waiting for what it has just stored to be read back, some ten cycles each time. Here a layer's z,
a and delta are handed on in registers. The arithmetic is the same.
"""
from activations cimport (
    SOFTMAX, activation_of, derivative_of, multiply_softmax_derivative, softmax,
)
from layers cimport Layer, Network
from losses cimport HUBER, MAE, MSE, read_target, sample_loss
from vectors cimport real, vec, at, constant, lanes, sums
cimport losses


cdef inline bint fits(const Network* net) noexcept nogil:
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        if net.layer[l].row != 32:
            return False
    return True


cdef inline vec z_of(
    const vec* W, const vec* b, const real* x, size_t n_in
) noexcept nogil:
    cdef vec even = b[0], odd = constant(b[0], 0)
    cdef size_t j = 0
    while j + 2 <= n_in:
        even = even + constant(even, x[j]) * W[j]
        odd = odd + constant(odd, x[j + 1]) * W[j + 1]
        j += 2
    if j < n_in:
        even = even + constant(even, x[j]) * W[j]
    return even + odd


cdef inline vec a_of(const Layer* layer, vec z, real like) noexcept nogil:
    cdef vec a = activation_of(layer.activation, z)
    if layer.activation == SOFTMAX:
        softmax(&z, &a, 1, layer.n_out, like)
    return a


cdef inline vec delta_of(
    const Network* net, vec z, vec a, const vec* y, const vec* share, real like
) noexcept nogil:
    """∂L/∂z of the output layer."""
    cdef size_t activation = net.last.activation
    cdef vec delta = share[0] * losses.derivative_of(net.loss, a, y[0])
    if net.loss == MSE or net.loss == MAE or net.loss == HUBER:
        delta = delta * derivative_of(activation, z, a)
        if activation == SOFTMAX:
            multiply_softmax_derivative(&a, &delta, 1, like)
    return delta


cdef inline vec delta_below_of(const Layer* layer, const vec* W, vec delta, real like) noexcept nogil:
    """W·delta"""
    cdef vec s[8]
    cdef size_t r
    if layer.n_out == 1:
        # Rows of one number: their sums are W's only column, and do not wait for delta.
        return sums(W) * constant(delta, (<real*> &delta)[0])
    for r in range(lanes(W)):
        s[r] = W[r] * delta
    return sums(s)


cdef inline void update(
    vec* W, vec* b, const real* x, vec delta, real scale, size_t n_in
) noexcept nogil:
    cdef size_t j
    for j in range(n_in):
        W[j] = W[j] + constant(delta, scale * x[j]) * delta
    b[0] = b[0] + constant(delta, scale) * delta


cdef inline double step(
    const Network* net, vec* parameters, const real* x, const real* target, real scale, vec* units
) noexcept nogil:
    """parameters += scale · gradient of one sample; its loss before that."""
    cdef const Layer* layer = net.layer
    cdef vec* y = at(units, net.y)
    cdef const vec* share = at(units, net.share)
    cdef const vec* a_below
    cdef Py_ssize_t l
    cdef double L
    cdef vec z, a, delta, delta_below
    read_target(net, target, y)
    z = z_of(at(parameters, layer.W), at(parameters, layer.b), x, layer.n_in)
    a = a_of(layer, z, scale)
    for l in range(1, net.n_layers):
        at(units, layer.z)[0] = z
        at(units, layer.a)[0] = a
        a_below = at(units, layer.a)
        layer = &net.layer[l]
        z = z_of(
            at(parameters, layer.W), at(parameters, layer.b), <const real*> a_below, layer.n_in
        )
        a = a_of(layer, z, scale)
    L = sample_loss(net, &z, &a, y, share, scale)
    delta = delta_of(net, z, a, y, share, scale)
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l - 1]
        a_below = at(units, layer.a)
        delta_below = delta_below_of(
            &net.layer[l], at(parameters, net.layer[l].W), delta, scale
        )
        delta_below = delta_below * derivative_of(
            layer.activation, at(units, layer.z)[0], a_below[0]
        )
        update(
            at(parameters, net.layer[l].W), at(parameters, net.layer[l].b),
            <const real*> a_below, delta, scale, net.layer[l].n_in,
        )
        delta = delta_below
    layer = net.layer
    update(at(parameters, layer.W), at(parameters, layer.b), x, delta, scale, layer.n_in)
    return L
