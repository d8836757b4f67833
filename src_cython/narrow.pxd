"""Per-sample SGD for networks whose layers each fit into one vector, such as 2-2-1.

Such a step is one chain of dependent operations, and most of what the general pass adds to it is
waiting for what it has just stored to be read back, some ten cycles each time. Here a layer's z,
a and delta are local, so that they stay in registers; the arithmetic is that of the same
functions.
"""
from activations cimport activate, multiply_derivative
from layers cimport Layer, Network
from losses cimport output_deltas, sample_loss
from vectors cimport real, vec, at, constant, sums
cimport dense


cdef inline vec z_of(
    const Layer* layer, const vec* parameters, const real* x
) noexcept nogil:
    cdef vec z
    dense.forward_columns(
        1, 2, at(parameters, layer.W), sizeof(vec), at(parameters, layer.b), x, &z, layer.n_in
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
    dense.row_sums(W, sizeof(vec), &delta, &delta_below, 1)
    return delta_below


cdef inline void update(
    const Layer* layer, vec* parameters, const real* x, vec step
) noexcept nogil:
    cdef vec* b = at(parameters, layer.b)
    b[0] = b[0] + step
    dense.update_columns(1, at(parameters, layer.W), sizeof(vec), x, &step, layer.n_in)


cdef inline double sgd_step(
    const Network* net, vec* parameters, const real* x, const vec* y, const vec* share, vec* units
) noexcept nogil:
    """One step of SGD; the sample's loss before it. share is followed by its multiple by -eta."""
    cdef const Layer* layer = net.layer
    cdef const Layer* below
    cdef const real* inputs
    cdef Py_ssize_t l
    cdef double L
    cdef vec z, a, step, step_below
    z = z_of(layer, parameters, x)
    activate(layer.activation, &z, &a, 0, 1, 1, layer.n_out, x[0])
    for l in range(1, net.n_layers):
        at(units, layer.z)[0] = z
        at(units, layer.a)[0] = a
        inputs = <const real*> at(units, layer.a)
        layer = &net.layer[l]
        z = z_of(layer, parameters, inputs)
        activate(layer.activation, &z, &a, 0, 1, 1, layer.n_out, x[0])
    L = sample_loss(net, &z, &a, y, share, 1, x[0])
    output_deltas(net, &z, &a, y, share + 1, &step, 0, 1, 1, x[0])
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        below = &net.layer[l - 1]
        step_below = delta_below_of(layer, parameters, step, x[0])
        multiply_derivative(
            below.activation, at(units, below.z), at(units, below.a), &step_below, 0, 1, 1,
            x[0],
        )
        update(layer, parameters, <const real*> at(units, below.a), step)
        step = step_below
    update(net.layer, parameters, x, step)
    return L
