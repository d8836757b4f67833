"""The first layer's fused form: the update by a sample and z of the next one in a single sweep.

W is read once and written once per sample, where the direct form reads it twice. Each sum is made
in the order of dense.forward, so that the two forms give the same bits.
"""
from compiler cimport kernel
from layers cimport Layer, vecs
from samples cimport Block
from vectors cimport real, vec, at, constant
from dense cimport join_chains
cimport direct


cdef inline void sweep_columns(
    int n, int chains, vec* W, size_t stride, const vec* b, const real* x, const vec* step,
    const real* x_next, vec* z_next, size_t n_in,
) noexcept nogil:
    """W <- W + xᵀstep and z_next = x_next W + b for n columns, as dense.forward_columns."""
    cdef vec s[8]
    cdef vec d[8]
    cdef vec x_j, next_j, w
    cdef size_t j = 0
    cdef int c, k
    for k in range(n):
        d[k] = step[k]
        s[k] = b[k]
        for c in range(1, chains):
            s[c * n + k] = constant(b[0], 0)
    while j + chains <= n_in:
        for c in range(chains):
            x_j = constant(b[0], x[j + c])
            next_j = constant(b[0], x_next[j + c])
            for k in range(n):
                w = W[k] + x_j * d[k]
                W[k] = w
                s[c * n + k] = s[c * n + k] + next_j * w
            W = at(W, stride)
        j += chains
    for c in range(chains - 1):
        if j < n_in:
            x_j = constant(b[0], x[j])
            next_j = constant(b[0], x_next[j])
            for k in range(n):
                w = W[k] + x_j * d[k]
                W[k] = w
                s[c * n + k] = s[c * n + k] + next_j * w
            W = at(W, stride)
            j += 1
    join_chains(n, chains, s, z_next)


cdef inline kernel sweep(
    vec* W, size_t stride, vec* b, const real* x, const vec* step, const real* x_next,
    vec* z_next, size_t n_in, size_t n_vec,
) noexcept nogil:
    """W <- W + xᵀstep, b <- b + step, and then z_next = x_next W + b"""
    cdef size_t k = 0
    for k in range(n_vec):
        b[k] = b[k] + step[k]
    k = 0
    while n_vec - k >= 8:
        sweep_columns(8, 1, W + k, stride, b + k, x, step + k, x_next, z_next + k, n_in)
        k += 8
    while n_vec - k >= 4:
        sweep_columns(4, 2, W + k, stride, b + k, x, step + k, x_next, z_next + k, n_in)
        k += 4
    while n_vec - k >= 2:
        sweep_columns(2, 4, W + k, stride, b + k, x, step + k, x_next, z_next + k, n_in)
        k += 2
    while n_vec - k >= 1:
        sweep_columns(1, 4, W + k, stride, b + k, x, step + k, x_next, z_next + k, n_in)
        k += 1


cdef inline void accept(
    const Layer* layer, vec* parameters, const Block* block, Py_ssize_t s, const vec* step,
    vec* z_next, real like,
) noexcept nogil:
    """Take the step of sample s, and produce z of the next one where there is one."""
    if s + 1 < block.n or block.has_next:
        sweep(
            at(parameters, layer.W), layer.stride, at(parameters, layer.b),
            <const real*> block.x[s], step, <const real*> block.x[s + 1], z_next,
            layer.n_in, vecs(layer, step),
        )
    else:
        direct.accept(layer, parameters, block, s, step, like)
