"""Per-sample SGD for networks whose layers each fit into one vector, such as 2-2-1.

Such a step is one chain of dependent operations, and most of what the general pass adds to it is
waiting for what it has just stored to be read back, some ten cycles each time. Here a layer's z,
a and delta are local, so that they stay in registers; the arithmetic is that of the same
functions. 2-2-1 then needs about two thirds of the time (benchmarks/test_per_sample_sgd.py).
"""
from activations cimport activate, multiply_derivative
from layers cimport Layer, Network
from losses cimport output_delta, read_target, sample_loss
from vectors cimport real, vec, at, constant, sums
cimport dense


cdef inline bint fits(const Network* net, const vec* like) noexcept nogil:
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        if net.layer[l].row != sizeof(vec):
            return False
    return True


cdef inline vec z_of(
    const Layer* layer, const vec* parameters, const real* x
) noexcept nogil:
    cdef vec z
    dense.forward_columns(
        1, 2, at(parameters, layer.W), at(parameters, layer.b), x, &z, layer.n_in, 1
    )
    return z


cdef inline vec delta_below_of(
    const Layer* layer, const vec* parameters, vec delta, real like
) noexcept nogil:
    """W·delta"""
    cdef const vec* W = at(parameters, layer.W)
    cdef vec delta_below
    if layer.n_out == 1:
        # Rows of one number: their sums are W's only column, and need not wait for delta.
        return sums(W) * constant(delta, (<real*> &delta)[0])
    dense.backward(W, &delta, &delta_below, 1, 1)  # the first vec of rows is all there is
    return delta_below


cdef inline double sgd_step(
    const Network* net, vec* parameters, const real* x, const real* y_row, real scale, vec* units
) noexcept nogil:
    """parameters += scale · gradient of one sample; its loss before that."""
    cdef const Layer* layer = net.layer
    cdef const Layer* below
    cdef vec* y = at(units, net.y)
    cdef const vec* share = at(units, net.share)
    cdef const real* inputs
    cdef Py_ssize_t l
    cdef double L
    cdef vec z, a, delta, delta_below
    read_target(net, y_row, y, share)
    z = z_of(layer, parameters, x)
    activate(layer.activation, &z, &a, 1, layer.n_out, scale)
    for l in range(1, net.n_layers):
        at(units, layer.z)[0] = z
        at(units, layer.a)[0] = a
        inputs = <const real*> at(units, layer.a)
        layer = &net.layer[l]
        z = z_of(layer, parameters, inputs)
        activate(layer.activation, &z, &a, 1, layer.n_out, scale)
    L = sample_loss(net, &z, &a, y, share, 1, scale)
    output_delta(net, &z, &a, y, share, &delta, 1, scale)
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        below = &net.layer[l - 1]
        delta_below = delta_below_of(layer, parameters, delta, scale)
        multiply_derivative(
            below.activation, at(units, below.z), at(units, below.a), &delta_below, 1, scale
        )
        dense.update(
            at(parameters, layer.W), at(parameters, layer.b),
            <const real*> at(units, below.a), &delta, scale, layer.n_in, 1,
        )
        delta = delta_below
    layer = net.layer
    dense.update(
        at(parameters, layer.W), at(parameters, layer.b), x, &delta, scale, layer.n_in, 1
    )
    return L
