"""One step of SGD on one sample that is taken only if every parameter stays finite.

The step is known before W changes. Where Σ|x_j| · Σ|step_k| is below a quarter of a unit in the
last place of the largest number, no finite parameter becomes infinite by it. That is tested: it
costs a look at the units instead of one at the parameters.
"""
from libc.math cimport NAN

from layers cimport Layer, Network, vecs
from vectors cimport real, vec, vf, absolute, at, sum_of_lanes
cimport dense
cimport passes


cdef inline double size_of(const vec* numbers, size_t n_vec, real like) noexcept nogil:
    """Σ |number|; infinite or NaN if one of them is."""
    cdef vec total = absolute(numbers[0])
    cdef size_t k
    for k in range(1, n_vec):
        total = total + absolute(numbers[k])
    return sum_of_lanes(total, like)


cdef inline bint stays_finite(
    const Network* net, vec* units, double size_of_x, real like
) noexcept nogil:
    cdef double limit = 2.0 ** 102 if vec is vf else 2.0 ** 969
    cdef double inputs = size_of_x
    cdef const Layer* layer
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        layer = &net.layer[l]
        if not size_of(at(units, layer.delta), vecs(layer, units), like) * (1 + inputs) < limit:
            return False
        # The padding of a is f(0), which only makes this larger.
        inputs = size_of(at(units, layer.a), vecs(layer, units), like)
    return True


cdef inline double sgd_step(
    const Network* net, vec* parameters, const real* x, double size_of_x, const vec* y,
    const vec* share, vec* units, real eta,
) noexcept nogil:
    """The sample's loss before the step; NaN if the step was not taken."""
    cdef const Layer* layer = net.layer
    cdef double L
    dense.forward(
        at(parameters, layer.W), layer.stride, at(parameters, layer.b), x, at(units, layer.z),
        layer.n_in, vecs(layer, units),
    )
    passes.forward(net, parameters, units, 1, NULL, eta)
    L = passes.loss(net, units, y, share, eta)
    passes.output_deltas(net, y, at(share, net.last.row), units, 1, eta)
    passes.deltas(net, parameters, units, 1, True, eta)
    if not (L - L == 0 and stays_finite(net, units, size_of_x, eta)):
        return NAN
    passes.updates(net, units, 1, parameters, 0, 1, eta)
    dense.update(
        at(parameters, layer.W), layer.stride, at(parameters, layer.b), x,
        at(units, layer.delta), layer.n_in, vecs(layer, units),
    )
    return L
