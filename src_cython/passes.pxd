"""Forward and backward through the layers above the first, one sample at a time.

The first layer is reached through a form's three operations alone (see direct.pxd): a form hands
in z of the first layer, and takes delta of the first layer out.
"""
from activations cimport activate, multiply_derivative
from layers cimport Layer, Network, vecs
from losses cimport output_delta, sample_loss
from vectors cimport real, vec, at
cimport dense


cdef inline void forward(
    const Network* net, const vec* parameters, vec* units, real like
) noexcept nogil:
    """From z of the first layer to a of the last."""
    cdef Py_ssize_t l
    cdef size_t n_vec
    cdef const Layer* layer
    cdef vec* z
    cdef vec* a
    cdef vec* a_below = NULL
    for l in range(net.n_layers):
        layer = &net.layer[l]
        z = at(units, layer.z)
        a = at(units, layer.a)
        n_vec = vecs(layer, z)
        if l > 0:
            dense.forward(
                at(parameters, layer.W), at(parameters, layer.b),
                <const real*> a_below, z, layer.n_in, n_vec,
            )
        activate(layer.activation, z, a, n_vec, layer.n_out, like)
        a_below = a


cdef inline double loss(
    const Network* net, const vec* units, real like
) noexcept nogil:
    """L after a forward pass, for the target in y."""
    return sample_loss(
        net, at(units, net.last.z), at(units, net.last.a),
        at(units, net.y), at(units, net.share), vecs(net.last, units), like,
    )


cdef inline void backward(
    const Network* net, const vec* parameters, vec* units, vec* target, real scale
) noexcept nogil:
    """From y to delta of the first layer; target += scale · gradient for the layers above it.

    target may be the parameters themselves: each layer's delta is taken before its W changes.
    """
    cdef Py_ssize_t l = net.n_layers - 1
    cdef const Layer* layer = net.last
    cdef const Layer* below
    cdef vec* delta = at(units, layer.delta)
    cdef vec* delta_below
    cdef const vec* a_below
    cdef size_t n_vec = vecs(layer, delta), n_vec_below
    output_delta(
        net, at(units, layer.z), at(units, layer.a),
        at(units, net.y), at(units, net.share), delta, n_vec, scale,
    )
    while l > 0:
        below = &net.layer[l - 1]
        a_below = at(units, below.a)
        delta_below = at(units, below.delta)
        n_vec_below = vecs(below, delta)
        dense.backward(at(parameters, layer.W), delta, delta_below, layer.n_in, n_vec)
        multiply_derivative(
            below.activation, at(units, below.z), a_below, delta_below, n_vec_below, scale
        )
        dense.update(
            at(target, layer.W), at(target, layer.b),
            <const real*> a_below, delta, scale, layer.n_in, n_vec,
        )
        layer = below
        delta = delta_below
        n_vec = n_vec_below
        l -= 1
