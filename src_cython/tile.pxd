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
    # Inputs at a time: that many pieces of rows of W, and of all rows of X, stay in the L1 cache.
    DEPTH = 128


cdef inline void forward_tile(
    int rows, const vec* W, size_t stride, const void** x, vec* z, size_t units,
    size_t start, size_t end, real like,
) noexcept nogil:
    """z += x[start:end] W for `rows` rows and 2 vecs; rows is a constant where this is inlined."""
    cdef vec s[12]
    cdef vec w0, w1, x_j
    cdef const real* row[6]
    cdef size_t j
    cdef int r
    for r in range(rows):
        row[r] = <const real*> x[r]
        s[2 * r] = at(z, r * units)[0]
        s[2 * r + 1] = at(z, r * units)[1]
    for j in range(start, end):
        w0 = W[0]
        w1 = W[1]
        for r in range(rows):
            x_j = constant(w0, row[r][j])
            s[2 * r] = s[2 * r] + x_j * w0
            s[2 * r + 1] = s[2 * r + 1] + x_j * w1
        W = at(W, stride)
    for r in range(rows):
        at(z, r * units)[0] = s[2 * r]
        at(z, r * units)[1] = s[2 * r + 1]


cdef inline void forward_strip(
    const vec* W, size_t stride, const void** x, size_t n, vec* z, size_t units,
    size_t start, size_t end, real like,
) noexcept nogil:
    """z += x[start:end] W for n rows and 2 vecs"""
    # 8 rows are two tiles of 4 and 7 are 4 and 3: a tile of 1 or 2 would wait for its sums.
    while n >= 6 and n != 7 and n != 8:
        forward_tile(6, W, stride, x, z, units, start, end, like)
        x += 6
        z = at(z, 6 * units)
        n -= 6
    while n >= 4:
        forward_tile(4, W, stride, x, z, units, start, end, like)
        x += 4
        z = at(z, 4 * units)
        n -= 4
    if n == 3:
        forward_tile(3, W, stride, x, z, units, start, end, like)
    elif n == 2:
        forward_tile(2, W, stride, x, z, units, start, end, like)
    elif n == 1:
        forward_tile(1, W, stride, x, z, units, start, end, like)


cdef inline kernel forward(
    const vec* W, size_t stride, const vec* b, const void** x, size_t n, vec* z, size_t units,
    size_t n_in, size_t n_vec, real like,
) noexcept nogil:
    """z[s] = x[s]W + b for n rows"""
    cdef size_t k, s, start = 0, wide = n_vec - n_vec % 8
    if n == 1:
        dense.forward(W, stride, b, <const real*> x[0], z, n_in, n_vec)
        return
    for s in range(n):
        for k in range(wide):
            at(z, s * units)[k] = b[k]
        if wide < n_vec:
            dense.forward(
                W + wide, stride, b + wide, <const real*> x[s], at(z, s * units) + wide,
                n_in, n_vec - wide,
            )
    while wide and start < n_in:
        for k in range(0, wide, 2):
            forward_strip(
                at(W, start * stride) + k, stride, x, n, z + k, units,
                start, min(start + DEPTH, n_in), like,
            )
        start += DEPTH


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


cdef inline kernel update(
    vec* W, size_t stride, vec* b, const void** x, size_t n, const vec* step, size_t units,
    size_t n_in, size_t n_vec, real like,
) noexcept nogil:
    """W <- W + xᵀstep, b <- b + Σ step for n rows of x and of step."""
    cdef size_t j = 0, k, s
    if n == 1:
        dense.update(W, stride, b, <const real*> x[0], step, n_in, n_vec)
        return
    for s in range(n):
        for k in range(n_vec):
            b[k] = b[k] + at(step, s * units)[k]
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
