"""The first layer's direct form: the plain algorithm, z = xW + b and W <- W + xᵀstep.

For samples that come one by one, where nothing is known of the next; and the measure of the other
forms, which give the same.
"""
from layers cimport Layer, vecs
from samples cimport Block
from vectors cimport real, vec, at
cimport dense


cdef inline void produce(
    const Layer* layer, const vec* parameters, const Block* block, Py_ssize_t s, vec* z, real like
) noexcept nogil:
    dense.forward(
        at(parameters, layer.W), layer.stride, at(parameters, layer.b),
        <const real*> block.x[s], z, layer.n_in, vecs(layer, z),
    )


cdef inline void accept(
    const Layer* layer, vec* parameters, const Block* block, Py_ssize_t s, const vec* step,
    real like,
) noexcept nogil:
    dense.update(
        at(parameters, layer.W), layer.stride, at(parameters, layer.b),
        <const real*> block.x[s], step, layer.n_in, vecs(layer, step),
    )
