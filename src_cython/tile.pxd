"""One dense layer and a block of samples: Z = XW + b, D_below = DWᵀ and W <- W + XᵀD.

A tile of the result, a few rows by a few vecs, stays in registers while its sums are made, so that
each number read serves several multiply-adds. Rows of X, and of D where it takes that place, are
given by a pointer each, because the samples of a block lie anywhere; other rows lie `units` bytes
apart. A row of Z is summed in the order in which dense.forward sums it: a row predicted alone
equals the same row in a batch.
"""
from compiler cimport kernel
from vectors cimport real, vec, at, constant, lanes, transpose
cimport dense


cdef enum:
    # Bytes of each row of X at a time: all 32 rows of a block, and the rows of W that go with them,
    # stay in the L1 cache.
    DEPTH = 512
    STRIP = 256     # vecs of a strip of Wᵀ: two for each number in so many bytes of float32


cdef inline void forward_tile(
    int rows, int cols, int chains, const vec* W, size_t stride, const void** x, const vec* first,
    size_t apart, vec* z, size_t units, size_t start, size_t end, real like,
) noexcept nogil:
    """z = first + x[start:end] W for `rows` rows and `cols` vecs.

    Rows of first lie `apart` bytes apart. rows · cols · chains <= 12 registers are in use.

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
            s[r * cols + k] = at(first, r * apart)[k]
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
    int cols, int chains, const vec* W, size_t stride, const void** x, size_t n, const vec* first,
    size_t apart, vec* z, size_t units, size_t start, size_t end, real like,
) noexcept nogil:
    """z = first + x[start:end] W for n rows and `cols` vecs"""
    cdef size_t s = 0
    if cols * chains == 2:
        # 8 rows are two tiles of 4 and 7 are 4 and 3: a tile of 1 or 2 would wait for its sums.
        while n - s >= 6 and n - s != 7 and n - s != 8:
            forward_tile(
                6, cols, chains, W, stride, x + s, at(first, s * apart), apart, at(z, s * units),
                units, start, end, like,
            )
            s += 6
        while n - s >= 4:
            forward_tile(
                4, cols, chains, W, stride, x + s, at(first, s * apart), apart, at(z, s * units),
                units, start, end, like,
            )
            s += 4
    while n - s >= 3:
        forward_tile(
            3, cols, chains, W, stride, x + s, at(first, s * apart), apart, at(z, s * units),
            units, start, end, like,
        )
        s += 3
    if n - s == 2:
        forward_tile(
            2, cols, chains, W, stride, x + s, at(first, s * apart), apart, at(z, s * units),
            units, start, end, like,
        )
    elif n - s == 1:
        forward_tile(
            1, cols, chains, W, stride, x + s, at(first, s * apart), apart, at(z, s * units),
            units, start, end, like,
        )


cdef inline kernel forward_wide(
    const vec* W, size_t stride, const void** x, size_t n, const vec* first, size_t apart, vec* z,
    size_t units, size_t start, size_t end, size_t n_vec, real like,
) noexcept nogil:
    """z = first + x[start:end] W for n rows and an even number of vecs, without chains."""
    cdef size_t k
    for k in range(0, n_vec, 2):
        forward_strip(
            2, 1, W + k, stride, x, n, first + k, apart, z + k, units, start, end, like
        )


cdef inline kernel forward(
    const vec* W, size_t stride, const vec* b, const void** x, size_t n, vec* z, size_t units,
    size_t n_in, size_t n_vec, real like,
) noexcept nogil:
    """z[s] = x[s]W + b for n rows"""
    cdef const vec* first = b
    cdef size_t k, apart = 0, start = 0, wide = n_vec - n_vec % 8, depth = DEPTH // sizeof(real)
    if n == 1:
        dense.forward(W, stride, b, <const real*> x[0], z, n_in, n_vec)
        return
    while wide and start < n_in:
        forward_wide(
            at(W, start * stride), stride, x, n, first, apart, z, units, start,
            min(start + depth, n_in), wide, like,
        )
        first = z
        apart = units
        start += depth
    k = wide
    while k < n_vec - n_vec % 4:
        forward_strip(2, 2, W + k, stride, x, n, b + k, 0, z + k, units, 0, n_in, like)
        k += 2
    while n_vec - k >= 1:
        forward_strip(1, 4, W + k, stride, x, n, b + k, 0, z + k, units, 0, n_in, like)
        k += 1


cdef inline kernel backward(
    const vec* W, size_t stride, const void** delta, size_t n, vec* delta_below, size_t units,
    size_t n_in, size_t n_out, real like,
) noexcept nogil:
    """delta_below[s] = W·delta[s] for n rows: a product with W transposed, strip by strip.

    W has rows of zeros up to a whole number of vecs.
    """
    cdef size_t k, rows = lanes(W), n_below = (n_in + rows - 1) // rows
    for k in range(0, n_below - n_below % 2, 2):
        backward_strip(
            2, at(W, k * rows * stride), stride, delta, n, delta_below + k, units, n_out, like
        )
    if n_below % 2:
        k = n_below - 1
        backward_strip(
            1, at(W, k * rows * stride), stride, delta, n, delta_below + k, units, n_out, like
        )


cdef inline void backward_strip(
    int cols, const vec* W, size_t stride, const void** delta, size_t n, vec* delta_below,
    size_t units, size_t n_out, real like,
) noexcept nogil:
    """delta_below[s] = W·delta[s] for n rows and as many rows of W as fill one or two vecs."""
    cdef vec strip[STRIP]
    cdef vec zeros[2]
    cdef const vec* first = zeros
    cdef size_t apart = 0, start = 0, end, depth = DEPTH // sizeof(real)
    zeros[0] = zeros[1] = constant(W[0], 0)
    while start < n_out:
        end = min(start + depth, n_out)
        transpose_strip(cols, W, stride, strip, start // lanes(W), end)
        if cols == 2:
            forward_wide(
                strip, cols * sizeof(vec), delta, n, first, apart, delta_below, units, start, end,
                2, like,
            )
        else:
            forward_strip(
                cols, 2, strip, cols * sizeof(vec), delta, n, first, apart, delta_below, units,
                start, end, like,
            )
        first = delta_below
        apart = units
        start = end


cdef inline void transpose_strip(
    int cols, const vec* W, size_t stride, vec* strip, size_t k, size_t end
) noexcept nogil:
    """Numbers from vec k to number `end` of as many rows as fill `cols` vecs, as columns."""
    cdef vec s[8]
    cdef size_t i, rows = lanes(W)
    cdef int c
    while k * rows < end:
        for c in range(cols):
            for i in range(rows):
                s[i] = at(W, (c * rows + i) * stride)[k]
            transpose(s)
            for i in range(rows):
                strip[i * cols + c] = s[i]
        strip += rows * cols
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


cdef inline void update_bias_columns(
    int cols, vec* b, size_t n, const vec* step, size_t units
) noexcept nogil:
    """b <- b + Σ step for n rows and `cols` vecs, which is a constant where this is inlined."""
    cdef vec s[4]
    cdef size_t t
    cdef int k
    for k in range(cols):
        s[k] = b[k]
    for t in range(n):
        for k in range(cols):
            s[k] = s[k] + at(step, t * units)[k]
    for k in range(cols):
        b[k] = s[k]


cdef inline void update_biases(
    vec* b, size_t n, const vec* step, size_t units, size_t n_vec
) noexcept nogil:
    """b <- b + Σ step for n rows"""
    cdef size_t k = 0
    while n_vec - k >= 4:
        update_bias_columns(4, b + k, n, step + k, units)
        k += 4
    while n_vec - k >= 1:
        update_bias_columns(1, b + k, n, step + k, units)
        k += 1


cdef inline void update(
    vec* W, size_t stride, vec* b, const void** x, size_t n, const vec* step, size_t units,
    size_t n_in, size_t n_vec, real like,
) noexcept nogil:
    """W <- W + xᵀstep, b <- b + Σ step for n rows of x and of step."""
    update_biases(b, n, step, units, n_vec)
    update_weights(W, stride, x, n, step, units, n_in, n_vec, like)
