"""The first layer's direct form: the plain algorithm, z = xW + b and W <- W + scale xᵀdelta.

A form of the first layer is three operations, between which the shared pass through the layers
above runs: produce z of a sample, accept its delta, finish the block of samples.
"""
from layers cimport Layer, vecs
from vectors cimport real, vec, at
cimport dense


cdef inline void produce(
    const Layer* layer, const vec* parameters, const real* x, vec* z
) noexcept nogil:
    dense.forward(
        at(parameters, layer.W), at(parameters, layer.b),
        x, z, layer.n_in, vecs(layer, z),
    )


cdef inline void accept(
    const Layer* layer, vec* target, const real* x, const vec* delta, real scale
) noexcept nogil:
    dense.update(
        at(target, layer.W), at(target, layer.b),
        x, delta, scale, layer.n_in, vecs(layer, delta),
    )


cdef inline void finish(const Layer* layer, vec* target) noexcept nogil:
    """Nothing is put off: each sample's update is in target already."""
