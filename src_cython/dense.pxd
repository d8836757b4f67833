"""One dense layer and one sample: z = xW + b, W·delta, and the update of W and b.

Rows of W belong to inputs: forward and update add x_j times a contiguous row, and only W·delta,
for the layer below, is a sum along a row. In the order of its sums, each function looks at the
layer's size alone: a row predicted alone equals the same row in a batch.
"""
from vectors cimport real, vec, constant, lanes, sums


cdef inline void forward_columns(
    int n, int chains, const vec* W, const vec* b, const real* x, vec* z,
    size_t n_in, size_t n_vec,
) noexcept nogil:
    """z = xW + b for n columns of vecs, summed in n · chains <= 8 registers.

    A multiply-add waits four cycles for the one before it in its sum, so a few columns alone
    would leave the arithmetic idle: then every second or fourth j goes into a sum of its own.
    n and chains are constants wherever this is inlined.
    """
    cdef vec s[8]
    cdef vec x_j
    cdef size_t j = 0
    cdef int c, k
    for k in range(n):
        s[k] = b[k]
        for c in range(1, chains):
            s[c * n + k] = constant(b[0], 0)
    while j + chains <= n_in:
        for c in range(chains):
            x_j = constant(b[0], x[j + c])
            for k in range(n):
                s[c * n + k] = s[c * n + k] + x_j * W[c * n_vec + k]
        W += chains * n_vec
        j += chains
    while j < n_in:
        x_j = constant(b[0], x[j])
        for k in range(n):
            s[k] = s[k] + x_j * W[k]
        W += n_vec
        j += 1
    for k in range(n):
        if chains == 4:
            s[k] = (s[k] + s[n + k]) + (s[2 * n + k] + s[3 * n + k])
        elif chains == 2:
            s[k] = s[k] + s[n + k]
        z[k] = s[k]


cdef inline void forward(
    const vec* W, const vec* b, const real* x, vec* z, size_t n_in, size_t n_vec
) noexcept nogil:
    """z = xW + b"""
    cdef size_t k = 0
    while n_vec - k >= 8:
        forward_columns(8, 1, W + k, b + k, x, z + k, n_in, n_vec)
        k += 8
    if n_vec - k >= 4:
        forward_columns(4, 2, W + k, b + k, x, z + k, n_in, n_vec)
        k += 4
    if n_vec - k >= 2:
        forward_columns(2, 4, W + k, b + k, x, z + k, n_in, n_vec)
        k += 2
    if n_vec - k >= 1:
        forward_columns(1, 2, W + k, b + k, x, z + k, n_in, n_vec)


cdef inline void backward(
    const vec* W, const vec* delta, vec* delta_below, size_t n_in, size_t n_vec
) noexcept nogil:
    """delta_below = W·delta, which is ∂L/∂a of the layer below.

    As many rows at a time as fill a vec; W has rows of zeros up to there.
    """
    cdef vec s[8]
    cdef size_t j, k, r, rows = lanes(W)
    for j in range((n_in + rows - 1) // rows):
        for r in range(rows):
            s[r] = W[r * n_vec] * delta[0]
        for k in range(1, n_vec):
            for r in range(rows):
                s[r] = s[r] + W[r * n_vec + k] * delta[k]
        delta_below[j] = sums(s)
        W += rows * n_vec


cdef inline void update(
    vec* W, vec* b, const real* x, const vec* delta, real scale, size_t n_in, size_t n_vec
) noexcept nogil:
    """W <- W + scale xᵀdelta, b <- b + scale delta"""
    cdef vec scaled
    cdef size_t j, k
    for j in range(n_in):
        scaled = constant(W[0], scale * x[j])
        for k in range(n_vec):
            W[k] = W[k] + scaled * delta[k]
        W += n_vec
    scaled = constant(b[0], scale)
    for k in range(n_vec):
        b[k] = b[k] + scaled * delta[k]
