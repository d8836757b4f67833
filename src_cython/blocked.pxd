"""The first layer's blocked form: the updates of a block of samples, put off to its end.

With D_t = -eta_t delta_t, the step of sample t, the plain algorithm's z of sample s is

    z_s = x_s (W + Σ_{t<s} x_tᵀ D_t) + b = x_s W + Σ_{t<s} (x_s · x_t) D_t + b

with W of the block's start, and b of the moment. So XW and XXᵀ are products of matrices made before
the first sample, a sum over the block's D remains to be made for each, and W <- W + XᵀD, once a
block, is a product of matrices again. The block's samples see what they would have seen one by one.
"""
from compiler cimport kernel
from layers cimport Layer, vecs
from quad cimport Quad
from samples cimport Block
from vectors cimport real, vec, at, constant, lanes, sums
cimport dense
cimport quad
cimport tile


cdef inline kernel prepare(
    const Layer* layer, Block* block, Quad* quads, const vec* like_vec, real like
) noexcept nogil:
    """What samples alone tell: the block's Gram matrix.

    quads is NULL, or a place for what is known of a block of at most four samples, whose zeros then
    are skipped.
    """
    cdef Py_ssize_t s, t
    if quads != NULL:
        quad.sort_inputs(quads, block.x, block.n, layer.n_in, like_vec, like)
    for s in range(0, block.n, 4):
        for t in range(0, min(s + 4, block.n), 2):
            gram_tile(block, s, t, layer.n_in, like_vec, like)


cdef inline kernel begin(
    const Layer* layer, const vec* parameters, const Block* block, vec* z, vec* step, size_t units,
    const Quad* quads, real like,
) noexcept nogil:
    """z[s] = x_s W for the whole block.

    The place of the first step, which is not yet there, serves as a bias of zeros.
    """
    cdef size_t k
    cdef const vec* W = at(parameters, layer.W)
    for k in range(vecs(layer, step)):
        step[k] = constant(step[k], 0)
    if quads != NULL:
        quad.forward(quads, W, layer.stride, step, z, units, vecs(layer, z), like)
    else:
        tile.forward(
            W, layer.stride, step, <const void**> block.x, block.n, z, units, layer.n_in,
            vecs(layer, z), like,
        )


cdef inline kernel gram_tile(
    Block* block, Py_ssize_t s, Py_ssize_t t, size_t n_in, const vec* like_vec, real like
) noexcept nogil:
    """gram for s to s + 3 and t to t + 1; what lies outside the block is left alone."""
    cdef vec products[8]
    cdef vec g[8]
    cdef vec x_0, x_1
    cdef const real* rows[4]
    cdef const real* others[2]
    cdef const real* sum_of = <const real*> g
    cdef size_t j = 0, n_lanes = lanes(like_vec), whole = n_in - n_in % n_lanes
    cdef int i, k
    cdef double total
    for i in range(4):
        rows[i] = <const real*> block.x[min(s + i, block.n - 1)]
        products[i] = constant(like_vec[0], 0)
        products[i + 4] = constant(like_vec[0], 0)
    for k in range(2):
        others[k] = <const real*> block.x[min(t + k, block.n - 1)]
    while j < whole:
        x_0 = (<const vec*> (others[0] + j))[0]
        x_1 = (<const vec*> (others[1] + j))[0]
        for i in range(4):
            products[i] = products[i] + x_0 * (<const vec*> (rows[i] + j))[0]
            products[i + 4] = products[i + 4] + x_1 * (<const vec*> (rows[i] + j))[0]
        j += n_lanes
    for i in range(8 // <int> n_lanes):
        g[i] = sums(products + i * <int> n_lanes)
    for i in range(4):
        for k in range(2):
            total = sum_of[4 * k + i]
            for j in range(whole, n_in):
                total += rows[i][j] * others[k][j]
            if s + i < block.n and t + k < block.n:
                block.gram[s + i][t + k] = total


cdef inline kernel produce(
    const Block* block, Py_ssize_t s, const vec* b, vec* z, size_t units, size_t to_step,
    size_t n_vec,
) noexcept nogil:
    """z_s, from what begin left there, the block's steps so far, and b.

    z is that of the block's first sample; the step of each lies to_step bytes after its z.
    """
    cdef size_t k = 0
    while n_vec - k >= 8:
        produce_columns(8, block, s, b + k, z + k, units, to_step)
        k += 8
    while n_vec - k >= 4:
        produce_columns(4, block, s, b + k, z + k, units, to_step)
        k += 4
    while n_vec - k >= 2:
        produce_columns(2, block, s, b + k, z + k, units, to_step)
        k += 2
    while n_vec - k >= 1:
        produce_columns(1, block, s, b + k, z + k, units, to_step)
        k += 1


cdef inline void produce_columns(
    int n, const Block* block, Py_ssize_t s, const vec* b, vec* z, size_t units, size_t to_step
) noexcept nogil:
    cdef vec sum_[8]
    cdef vec g
    cdef const vec* step = at(z, to_step)
    cdef vec* z_s = at(z, s * units)
    cdef Py_ssize_t t
    cdef int k
    for k in range(n):
        sum_[k] = z_s[k]
    for t in range(s):
        g = constant(z[0], block.gram[s][t])
        for k in range(n):
            sum_[k] = sum_[k] + g * step[k]
        step = at(step, units)
    for k in range(n):
        z_s[k] = sum_[k] + b[k]


cdef inline void accept(const Layer* layer, vec* parameters, const vec* step) noexcept nogil:
    dense.update_biases(at(parameters, layer.b), step, vecs(layer, step))


cdef inline void finish(
    const Layer* layer, vec* parameters, const Block* block, const vec* step, size_t units,
    const Quad* quads, real like,
) noexcept nogil:
    cdef vec* W = at(parameters, layer.W)
    if quads != NULL:
        quad.update(
            quads, W, layer.stride, step, units, vecs(layer, step), 0, layer.n_in, like
        )
    else:
        tile.update_weights(
            W, layer.stride, <const void**> block.x, block.n, step, units, layer.n_in,
            vecs(layer, step), like,
        )
