"""Forward and backward through the layers above the first, n samples at a time.

The first layer is reached through a form's operations alone (see forms.pxd): a form hands in z of
the first layer, and takes its delta. The samples' units lie net.units bytes apart. n is 1 in
per-sample SGD, where it is known when this is inlined.
"""
from activations cimport activate, multiply_derivative
from layers cimport Layer, Network, first_row, vecs
from samples cimport BLOCK
from vectors cimport real, vec, at
cimport decay
cimport dense
cimport losses
cimport tile


cdef inline void rows_of(
    const Network* net, const vec* units, size_t place, Py_ssize_t n, const void** rows
) noexcept nogil:
    """Where each sample's a of a layer lies."""
    cdef Py_ssize_t s
    for s in range(n):
        rows[s] = <const void*> at(units, s * net.units + place)


cdef inline void forward(
    const Network* net, const vec* parameters, vec* units, Py_ssize_t n,
    const decay.Scale* scale, real like,
) noexcept nogil:
    """From z of the first layer to a of the last. scale is NULL where parameters are the true ones.
    """
    to_a(net, net.layer, units, n, scale, like)
    forward_above(net, parameters, units, n, scale, like)


cdef inline void forward_above(
    const Network* net, const vec* parameters, vec* units, Py_ssize_t n,
    const decay.Scale* scale, real like,
) noexcept nogil:
    """From a of the first layer to a of the last."""
    cdef const void* a_below[BLOCK]
    cdef Py_ssize_t l
    cdef const Layer* layer
    for l in range(1, net.n_layers):
        layer = &net.layer[l]
        rows_of(net, units, net.layer[l - 1].a, n, a_below)
        tile.forward(
            at(parameters, layer.W), layer.stride, at(parameters, layer.b), a_below, n,
            at(units, layer.z), net.units, layer.n_in, vecs(layer, units), like,
        )
        to_a(net, layer, units, n, scale, like)


cdef inline void to_a(
    const Network* net, const Layer* layer, vec* units, Py_ssize_t n, const decay.Scale* scale,
    real like,
) noexcept nogil:
    """a from the z that is in its place."""
    cdef Py_ssize_t s
    if scale != NULL:
        for s in range(n):
            decay.to_true_z(scale, layer, at(units, s * net.units))
    activate(
        layer.activation, at(units, layer.z), at(units, layer.a), net.units, n, vecs(layer, units),
        layer.n_out, like,
    )


cdef inline double loss(
    const Network* net, const vec* units, const vec* y, const vec* share, real like
) noexcept nogil:
    """L of one sample after a forward pass."""
    return losses.sample_loss(
        net, at(units, net.last.z), at(units, net.last.a), y, share, vecs(net.last, units), like
    )


cdef inline void output_deltas(
    const Network* net, const vec* y, const vec* share, vec* units, Py_ssize_t n, real like
) noexcept nogil:
    """delta of the last layer. y has a row for each sample.

    What the loss's share is scaled by, delta is, in every layer: -eta makes it a step.
    """
    cdef const Layer* last = net.last
    losses.output_deltas(
        net, at(units, last.z), at(units, last.a), y, share, at(units, last.delta), net.units, n,
        vecs(last, units), like,
    )


cdef inline void deltas(
    const Network* net, const vec* parameters, vec* units, Py_ssize_t n, bint is_single,
    real like,
) noexcept nogil:
    """From delta of the last layer to that of the first.

    is_single says that n is 1 in every call. In blocks a sample's delta is summed in one order,
    however many samples there are.
    """
    cdef const void* delta[BLOCK]
    cdef Py_ssize_t l
    cdef const Layer* layer
    cdef const Layer* below
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        below = &net.layer[l - 1]
        if is_single:
            dense.backward(
                at(parameters, layer.W), layer.stride, at(units, layer.delta),
                at(units, below.delta), layer.n_in, vecs(layer, units),
            )
        else:
            rows_of(net, units, layer.delta, n, delta)
            tile.backward(
                at(parameters, layer.W), layer.stride, delta, n, at(units, below.delta),
                net.units, layer.n_in, layer.n_out, like,
            )
        to_delta(net, below, units, n, like)


cdef inline void to_delta(
    const Network* net, const Layer* layer, vec* units, Py_ssize_t n, real like
) noexcept nogil:
    """delta = ∂L/∂z from the ∂L/∂a that is in its place."""
    multiply_derivative(
        layer.activation, at(units, layer.z), at(units, layer.a), at(units, layer.delta),
        net.units, n, vecs(layer, units), like,
    )


cdef inline void updates(
    const Network* net, const vec* units, Py_ssize_t n, vec* target, size_t part, size_t n_parts,
    real like,
) noexcept nogil:
    """A part of the rows of W of target, above the first layer, += aᵀdelta; and b += delta."""
    cdef const void* a_below[BLOCK]
    cdef Py_ssize_t l
    cdef const Layer* layer
    cdef size_t j
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        j = first_row(layer, part, n_parts)
        rows_of(net, units, net.layer[l - 1].a + j * sizeof(real), n, a_below)
        tile.update_weights(
            at(target, layer.W + j * layer.stride), layer.stride, a_below, n,
            at(units, layer.delta), net.units, first_row(layer, part + 1, n_parts) - j,
            vecs(layer, units), like,
        )
        update_biases(layer, target, units, n, net.units, part)


cdef inline void update_biases(
    const Layer* layer, vec* target, const vec* units, Py_ssize_t n, size_t of_sample, size_t part
) noexcept nogil:
    """b += delta of n samples: in the first part."""
    if part == 0:
        tile.update_biases(
            at(target, layer.b), n, at(units, layer.delta), of_sample, vecs(layer, units)
        )


cdef inline void deltas_and_updates(
    const Network* net, const Layer* first, vec* parameters, vec* units, decay.Scale* scale,
    real like,
) noexcept nogil:
    """deltas and updates of the parameters themselves for one sample, in one sweep over each W.

    first is the first layer, or a part of its units, of which alone delta is wanted.
    """
    cdef const real* x
    cdef Py_ssize_t l
    cdef const Layer* layer
    cdef const Layer* below
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        below = &net.layer[l - 1]
        x = <const real*> at(units, below.a)
        if scale != NULL:
            decay.to_stored_step(
                scale, layer, parameters, decay.squares(units, x, layer.n_in), units, like
            )
        dense.backward_and_update(
            at(parameters, layer.W), layer.stride, at(parameters, layer.b), x,
            at(units, layer.delta), at(units, below.delta), layer.n_in, vecs(layer, units),
        )
        if scale != NULL:
            decay.to_true_step(scale, below, units)
        to_delta(net, below if l > 1 else first, units, 1, like)
