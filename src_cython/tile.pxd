"""One dense layer and a block of samples: Z = XW + b and W <- W + XᵀD as products of matrices.

A tile of the result, a few rows by a few vecs, stays in registers while its sums are made, so that
each number read serves several multiply-adds. Rows of X are given by a pointer each, because the
samples of a block lie anywhere; rows of Z and D lie `units` bytes apart. A row of Z is summed in
the order in which dense.forward sums it: a row predicted alone equals the same row in a batch.
"""
from compiler cimport kernel
from vectors cimport real, vec, at, constant
cimport dense


cdef enum:
    # Bytes of each row of X at a time: all 32 rows of a block, and the rows of W that go with them,
    # stay in the L1 cache.
    DEPTH = 512


cdef inline void forward_tile(
    int rows, int cols, int chains, const vec* W, size_t stride, const void** x, vec* z,
    size_t units, size_t start, size_t end, real like,
) noexcept nogil:
    """z += x[start:end] W for `rows` rows and `cols` vecs, in rows · cols · chains <= 12 registers.

    All three are constants where this is inlined; for chains see dense.forward_columns.
    """
    cdef vec s[12]
    cdef vec w[2]
    cdef vec x_j
    cdef const real* row[6]
    cdef size_t j = start
    cdef int c, k, r
    for r in range(rows):
        row[r] = <const real*> x[r]
        for k in range(cols):
            s[r * cols + k] = at(z, r * units)[k]
            for c in range(1, chains):
                s[(c * rows + r) * cols + k] = constant(W[0], 0)
    while j + chains <= end:
        for c in range(chains):
            for k in range(cols):
                w[k] = W[k]
            for r in range(rows):
                x_j = constant(w[0], row[r][j + c])
                for k in range(cols):
                    s[(c * rows + r) * cols + k] = s[(c * rows + r) * cols + k] + x_j * w[k]
            W = at(W, stride)
        j += chains
    for c in range(chains - 1):
        if j < end:
            for r in range(rows):
                x_j = constant(W[0], row[r][j])
                for k in range(cols):
                    s[(c * rows + r) * cols + k] = s[(c * rows + r) * cols + k] + x_j * W[k]
            W = at(W, stride)
            j += 1
    dense.join_chains(rows * cols, chains, s, s)
    for r in range(rows):
        for k in range(cols):
            at(z, r * units)[k] = s[r * cols + k]


cdef inline void forward_strip(
    int cols, int chains, const vec* W, size_t stride, const void** x, size_t n, vec* z,
    size_t units, size_t start, size_t end, real like,
) noexcept nogil:
    """z += x[start:end] W for n rows and `cols` vecs"""
    if cols * chains == 2:
        # 8 rows are two tiles of 4 and 7 are 4 and 3: a tile of 1 or 2 would wait for its sums.
        while n >= 6 and n != 7 and n != 8:
            forward_tile(6, cols, chains, W, stride, x, z, units, start, end, like)
            x += 6
            z = at(z, 6 * units)
            n -= 6
        while n >= 4:
            forward_tile(4, cols, chains, W, stride, x, z, units, start, end, like)
            x += 4
            z = at(z, 4 * units)
            n -= 4
    while n >= 3:
        forward_tile(3, cols, chains, W, stride, x, z, units, start, end, like)
        x += 3
        z = at(z, 3 * units)
        n -= 3
    if n == 2:
        forward_tile(2, cols, chains, W, stride, x, z, units, start, end, like)
    elif n == 1:
        forward_tile(1, cols, chains, W, stride, x, z, units, start, end, like)


cdef inline kernel forward(
    const vec* W, size_t stride, const vec* b, const void** x, size_t n, vec* z, size_t units,
    size_t n_in, size_t n_vec, real like,
) noexcept nogil:
    """z[s] = x[s]W + b for n rows"""
    cdef size_t k, s, start = 0, wide = n_vec - n_vec % 8, depth = DEPTH // sizeof(real)
    if n == 1:
        dense.forward(W, stride, b, <const real*> x[0], z, n_in, n_vec)
        return
    for s in range(n):
        for k in range(n_vec):
            at(z, s * units)[k] = b[k]
    while wide and start < n_in:
        for k in range(0, wide, 2):
            forward_strip(
                2, 1, at(W, start * stride) + k, stride, x, n, z + k, units,
                start, min(start + depth, n_in), like,
            )
        start += depth
    k = wide
    while n_vec - k >= 4:
        forward_strip(2, 2, W + k, stride, x, n, z + k, units, 0, n_in, like)
        forward_strip(2, 2, W + k + 2, stride, x, n, z + k + 2, units, 0, n_in, like)
        k += 4
    while n_vec - k >= 1:
        forward_strip(1, 4, W + k, stride, x, n, z + k, units, 0, n_in, like)
        k += 1


cdef inline void update_tile(
    int rows, int cols, vec* W, size_t stride, const void** x, size_t n, const vec* step,
    size_t units, size_t j, real like,
) noexcept nogil:
    """W <- W + xᵀstep for `rows` rows from j on and `cols` vecs, both constants where inlined."""
    cdef vec s[12]
    cdef vec x_j
    cdef const real* row
    cdef size_t t
    cdef int r, k
    for r in range(rows):
        for k in range(cols):
            s[r * cols + k] = at(W, r * stride)[k]
    for t in range(n):
        row = <const real*> x[t] + j
        for r in range(rows):
            x_j = constant(step[0], row[r])
            for k in range(cols):
                s[r * cols + k] = s[r * cols + k] + x_j * step[k]
        step = at(step, units)
    for r in range(rows):
        for k in range(cols):
            at(W, r * stride)[k] = s[r * cols + k]


cdef inline void update_rows(
    int rows, vec* W, size_t stride, const void** x, size_t n, const vec* step, size_t units,
    size_t j, size_t n_vec, real like,
) noexcept nogil:
    """W <- W + xᵀstep for `rows` rows from j on"""
    cdef size_t k
    for k in range(0, n_vec - n_vec % 2, 2):
        update_tile(rows, 2, W + k, stride, x, n, step + k, units, j, like)
    if n_vec % 2:
        update_tile(rows, 1, W + n_vec - 1, stride, x, n, step + n_vec - 1, units, j, like)


cdef inline kernel update_weights(
    vec* W, size_t stride, const void** x, size_t n, const vec* step, size_t units,
    size_t n_in, size_t n_vec, real like,
) noexcept nogil:
    """W <- W + xᵀstep for n rows of x and of step."""
    cdef size_t j = 0
    if n == 1:
        dense.update_weights(W, stride, <const real*> x[0], step, n_in, n_vec)
        return
    while j + 6 <= n_in:
        update_rows(6, at(W, j * stride), stride, x, n, step, units, j, n_vec, like)
        j += 6
    if j + 4 <= n_in:
        update_rows(4, at(W, j * stride), stride, x, n, step, units, j, n_vec, like)
        j += 4
    if j + 2 <= n_in:
        update_rows(2, at(W, j * stride), stride, x, n, step, units, j, n_vec, like)
        j += 2
    if j + 1 <= n_in:
        update_rows(1, at(W, j * stride), stride, x, n, step, units, j, n_vec, like)


cdef inline void update(
    vec* W, size_t stride, vec* b, const void** x, size_t n, const vec* step, size_t units,
    size_t n_in, size_t n_vec, real like,
) noexcept nogil:
    """W <- W + xᵀstep, b <- b + Σ step for n rows of x and of step."""
    cdef size_t s
    for s in range(n):
        dense.update_biases(b, at(step, s * units), n_vec)
    update_weights(W, stride, x, n, step, units, n_in, n_vec, like)
