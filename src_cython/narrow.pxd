"""Per-sample SGD for networks whose layers each fit into one ROW, such as 2-2-1.

Such a step is one chain of dependent operations, and most of what the general pass adds to it is
waiting for what it has just stored to be read back, some ten cycles each time. Here a layer's z,
a and delta are local, so that they stay in registers; the arithmetic is that of the same
functions. (Rarer activations, which are no inline functions, get z and a from memory.)

A ROW is one vec, and its arrays are single registers, but where a vec is a single number.
"""
from activations cimport activate, multiply_derivative
from layers cimport Layer, Network
from losses cimport output_deltas, sample_loss
from vectors cimport (
    MOST_IN_ROW, ROW, real, vec, at, constant, in_row, lanes, sum_of_lanes, sums,
)
cimport dense


cdef inline void z_of(
    const Layer* layer, const vec* parameters, const real* x, vec* z
) noexcept nogil:
    cdef const vec* W = at(parameters, layer.W)
    cdef const vec* b = at(parameters, layer.b)
    cdef size_t k
    for k in range(in_row(z)):
        dense.forward_columns(1, 2, W + k, ROW, b + k, x, z + k, layer.n_in)


cdef inline void delta_below_of(
    const Layer* layer, const vec* parameters, const vec* delta, vec* delta_below, real like
) noexcept nogil:
    """W·delta"""
    cdef const vec* W = at(parameters, layer.W)
    cdef size_t k
    for k in range(in_row(W)):
        if layer.n_out == 1:
            # Rows of one number: their sums are W's only column, and need not wait for delta.
            delta_below[k] = sums(W) * constant(W[0], (<const real*> delta)[0])
        else:
            dense.row_sums(W, ROW, delta, delta_below + k, in_row(W))
        W = at(W, lanes(W) * ROW)


cdef inline void update(
    bint decays, real keep, const Layer* layer, vec* parameters, const real* x, const vec* step
) noexcept nogil:
    cdef vec* W = at(parameters, layer.W)
    dense.update_biases(at(parameters, layer.b), step, in_row(W))
    if decays:
        update_decaying(keep, W, x, step, layer.n_in)
    else:
        dense.update_columns(<int> in_row(W), W, ROW, x, step, layer.n_in)


cdef inline void update_decaying(
    real keep, vec* W, const real* x, const vec* step, size_t n_in
) noexcept nogil:
    """W <- keep W + xᵀstep"""
    cdef vec x_j, factor = constant(W[0], keep)
    cdef size_t j, k
    for j in range(n_in):
        x_j = constant(W[0], x[j])
        for k in range(in_row(W)):
            W[k] = factor * W[k] + x_j * step[k]
        W = at(W, ROW)


cdef inline double squares(const Network* net, const vec* parameters, real like) noexcept nogil:
    """Σ W² of all layers"""
    cdef const vec* W
    cdef vec total = constant(parameters[0], 0)
    cdef size_t k
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        W = at(parameters, net.layer[l].W)
        for k in range(net.layer[l].n_in * in_row(W)):
            total = total + W[k] * W[k]
    return sum_of_lanes(total, like)


cdef inline double sgd_step(
    bint decays, real keep, const Network* net, vec* parameters, const real* x, const vec* y,
    const vec* share, vec* units,
) noexcept nogil:
    """One step of SGD; the sample's loss before it. share is followed by its multiple by -eta.

    With L2, where it `decays`, a constant, W is multiplied by keep = 1 - eta lambda.
    """
    cdef const Layer* layer = net.layer
    cdef const Layer* below
    cdef const real* inputs
    cdef Py_ssize_t l
    cdef size_t k, n_vec = in_row(share)
    cdef double L
    cdef vec z[MOST_IN_ROW]
    cdef vec a[MOST_IN_ROW]
    cdef vec step[MOST_IN_ROW]
    cdef vec step_below[MOST_IN_ROW]
    z_of(layer, parameters, x, z)
    activate(layer.activation, z, a, 0, 1, n_vec, layer.n_out, x[0])
    for l in range(1, net.n_layers):
        for k in range(n_vec):
            at(units, layer.z)[k] = z[k]
            at(units, layer.a)[k] = a[k]
        inputs = <const real*> at(units, layer.a)
        layer = &net.layer[l]
        z_of(layer, parameters, inputs, z)
        activate(layer.activation, z, a, 0, 1, n_vec, layer.n_out, x[0])
    L = sample_loss(net, z, a, y, share, n_vec, x[0])
    output_deltas(net, z, a, y, at(share, ROW), step, 0, 1, n_vec, x[0])
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        below = &net.layer[l - 1]
        delta_below_of(layer, parameters, step, step_below, x[0])
        multiply_derivative(
            below.activation, at(units, below.z), at(units, below.a), step_below, 0, 1, n_vec,
            x[0],
        )
        update(decays, keep, layer, parameters, <const real*> at(units, below.a), step)
        for k in range(n_vec):
            step[k] = step_below[k]
    update(decays, keep, net.layer, parameters, x, step)
    return L
