"""Forward and backward through the layers above the first, one sample at a time.

The first layer is reached through a form's three operations alone (see direct.pxd): a form hands
in z of the first layer, and takes delta of the first layer out.
"""
from activations cimport activate, multiply_derivative
from layers cimport Layer, Network, a_of, delta_of, share_of, y_of, z_of
from losses cimport output_delta, sample_loss
from vectors cimport real, vec, at, lanes
cimport dense


cdef inline void forward(
    const Network* net, const vec* parameters, vec* units, bint narrow, real like
) noexcept nogil:
    """From z of the first layer to a of the last."""
    cdef Py_ssize_t l, n_vec
    cdef const Layer* layer
    cdef vec* z
    for l in range(net.n_layers):
        layer = &net.layer[l]
        z = z_of(net, units, l)
        n_vec = 1 if narrow else layer.width // lanes(z)
        if l > 0:
            dense.forward(
                at(parameters, layer.W), at(parameters, layer.b),
                <const real*> a_of(net, units, l - 1), z, layer.n_in, n_vec,
            )
        activate(layer.activation, z, a_of(net, units, l), n_vec, layer.n_out, like)


cdef inline double loss(
    const Network* net, const vec* units, bint narrow, real like
) noexcept nogil:
    """L after a forward pass, for the target in y."""
    cdef Py_ssize_t last = net.n_layers - 1
    return sample_loss(
        net, z_of(net, units, last), a_of(net, units, last),
        y_of(net, units), share_of(net, units), narrow, like,
    )


cdef inline void backward(
    const Network* net, const vec* parameters, vec* units, vec* target, bint narrow,
    real scale,
) noexcept nogil:
    """From y to delta of the first layer; target += scale · gradient for the layers above it.

    target may be the parameters themselves: each layer's delta is taken before its W changes.
    """
    cdef Py_ssize_t l = net.n_layers - 1, n_vec
    cdef const Layer* layer
    cdef const Layer* below
    cdef vec* delta
    output_delta(
        net, z_of(net, units, l), a_of(net, units, l),
        y_of(net, units), share_of(net, units), delta_of(net, units, l), narrow, scale,
    )
    for l in range(net.n_layers - 1, 0, -1):
        layer = &net.layer[l]
        below = &net.layer[l - 1]
        delta = delta_of(net, units, l)
        n_vec = 1 if narrow else layer.width // lanes(delta)
        dense.backward(
            at(parameters, layer.W), delta, delta_of(net, units, l - 1), layer.n_in, n_vec
        )
        multiply_derivative(
            below.activation, z_of(net, units, l - 1), a_of(net, units, l - 1),
            delta_of(net, units, l - 1), 1 if narrow else below.width // lanes(delta), scale,
        )
        dense.update(
            at(target, layer.W), at(target, layer.b),
            <const real*> a_of(net, units, l - 1), delta, scale, layer.n_in, n_vec,
        )
