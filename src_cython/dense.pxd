"""One dense layer and one sample: z = xW + b, W·delta, and the update of W and b.

Rows of W belong to inputs: forward and update add x_j times a contiguous row, and only W·delta,
for the layer below, is a sum along a row. In the order of its sums, each function looks at the
layer's size alone. `stride` is the number of bytes from one row of W to the next.
"""
from compiler cimport kernel
from vectors cimport real, vec, at, constant, lanes, sums


cdef inline void forward_columns(
    int n, int chains, const vec* W, size_t stride, const vec* b, const real* x, vec* z,
    size_t n_in,
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
                s[c * n + k] = s[c * n + k] + x_j * W[k]
            W = at(W, stride)
        j += chains
    for c in range(chains - 1):
        if j < n_in:
            x_j = constant(b[0], x[j])
            for k in range(n):
                s[c * n + k] = s[c * n + k] + x_j * W[k]
            W = at(W, stride)
            j += 1
    join_chains(n, chains, s, z)


cdef inline void join_chains(int n, int chains, const vec* s, vec* z) noexcept nogil:
    """z = the sum of each column's chains."""
    cdef int k
    for k in range(n):
        if chains == 4:
            z[k] = (s[k] + s[n + k]) + (s[2 * n + k] + s[3 * n + k])
        elif chains == 2:
            z[k] = s[k] + s[n + k]
        else:
            z[k] = s[k]


cdef inline void add_rows(
    int n, const vec** rows, const real* x, vec* z, size_t n_vec
) noexcept nogil:
    """z += Σ x_r rows[r] for n rows, n a constant where this is inlined.

    Wide rows are read whole, n at a time: W, which may not fit into the L1 cache, is then read
    along memory, and z, which does, once for n rows.
    """
    cdef vec x_r[8]
    cdef vec s
    cdef size_t k
    cdef int r
    for r in range(n):
        x_r[r] = constant(z[0], x[r])
    for k in range(n_vec):
        s = z[k]
        for r in range(n):
            s = s + x_r[r] * rows[r][k]
        z[k] = s


cdef inline void forward_wide(
    const vec* W, size_t stride, const vec* b, const real* x, vec* z, size_t n_in, size_t n_vec
) noexcept nogil:
    """z = xW + b, summed one j after the other."""
    cdef const vec* rows[8]
    cdef size_t j = 0, k
    cdef int r
    for k in range(n_vec):
        z[k] = b[k]
    while j + 8 <= n_in:
        for r in range(8):
            rows[r] = at(W, r * stride)
        add_rows(8, rows, x + j, z, n_vec)
        W = at(W, 8 * stride)
        j += 8
    while j < n_in:
        rows[0] = W
        add_rows(1, rows, x + j, z, n_vec)
        W = at(W, stride)
        j += 1


cdef inline kernel forward(
    const vec* W, size_t stride, const vec* b, const real* x, vec* z, size_t n_in, size_t n_vec
) noexcept nogil:
    """z = xW + b"""
    cdef size_t k = n_vec - n_vec % 8
    if k > 0:
        forward_wide(W, stride, b, x, z, n_in, k)
    while n_vec - k >= 4:
        forward_columns(4, 2, W + k, stride, b + k, x, z + k, n_in)
        k += 4
    while n_vec - k >= 2:
        forward_columns(2, 4, W + k, stride, b + k, x, z + k, n_in)
        k += 2
    while n_vec - k >= 1:
        forward_columns(1, 4, W + k, stride, b + k, x, z + k, n_in)
        k += 1


cdef inline kernel backward(
    const vec* W, size_t stride, const vec* delta, vec* delta_below, size_t n_in, size_t n_vec
) noexcept nogil:
    """delta_below = W·delta, which is ∂L/∂a of the layer below.

    As many rows at a time as fill a vec; W has rows of zeros up to there.
    """
    cdef size_t j, rows = lanes(W)
    for j in range((n_in + rows - 1) // rows):
        row_sums(W, stride, delta, delta_below + j, n_vec)
        W = at(W, rows * stride)


cdef inline void update_columns(
    int n, vec* W, size_t stride, const real* x, const vec* step, size_t n_in
) noexcept nogil:
    """W <- W + xᵀstep for n columns of vecs, n a constant wherever this is inlined."""
    cdef vec d[8]
    cdef vec x_j
    cdef size_t j
    cdef int k
    for k in range(n):
        d[k] = step[k]
    for j in range(n_in):
        x_j = constant(step[0], x[j])
        for k in range(n):
            W[k] = W[k] + x_j * d[k]
        W = at(W, stride)


cdef inline kernel update_weights(
    vec* W, size_t stride, const real* x, const vec* step, size_t n_in, size_t n_vec
) noexcept nogil:
    """W <- W + xᵀstep, where step is -eta delta."""
    cdef size_t k = 0
    while n_vec - k >= 8:
        update_columns(8, W + k, stride, x, step + k, n_in)
        k += 8
    while n_vec - k >= 4:
        update_columns(4, W + k, stride, x, step + k, n_in)
        k += 4
    while n_vec - k >= 2:
        update_columns(2, W + k, stride, x, step + k, n_in)
        k += 2
    while n_vec - k >= 1:
        update_columns(1, W + k, stride, x, step + k, n_in)
        k += 1


cdef inline void update_biases(vec* b, const vec* step, size_t n_vec) noexcept nogil:
    """b <- b + step"""
    cdef size_t k
    for k in range(n_vec):
        b[k] = b[k] + step[k]


cdef inline void update(
    vec* W, size_t stride, vec* b, const real* x, const vec* step, size_t n_in, size_t n_vec
) noexcept nogil:
    update_biases(b, step, n_vec)
    update_weights(W, stride, x, step, n_in, n_vec)


cdef inline kernel backward_and_update(
    vec* W, size_t stride, vec* b, const real* x, const vec* step, vec* step_below,
    size_t n_in, size_t n_vec,
) noexcept nogil:
    """step_below = W·step, and then what update does, in one sweep over W."""
    cdef size_t k
    if n_vec == 1:
        backward_and_update_rows(1, W, stride, x, step, step_below, n_in, n_vec)
    elif n_vec == 2:
        backward_and_update_rows(2, W, stride, x, step, step_below, n_in, n_vec)
    elif n_vec == 3:
        backward_and_update_rows(3, W, stride, x, step, step_below, n_in, n_vec)
    else:
        backward_and_update_rows(0, W, stride, x, step, step_below, n_in, n_vec)
    for k in range(n_vec):
        b[k] = b[k] + step[k]


cdef inline void backward_and_update_rows(
    int n, vec* W, size_t stride, const real* x, const vec* step, vec* step_below,
    size_t n_in, size_t n_vec,
) noexcept nogil:
    """n is n_vec if that is known where this is inlined, else 0."""
    cdef size_t j = 0, rows = lanes(W)
    if n > 0:
        n_vec = n
    while j + rows <= n_in:
        row_sums(W, stride, step, step_below, n_vec)
        update_rows(W, stride, x + j, step, rows, n_vec)
        W = at(W, rows * stride)
        step_below += 1
        j += rows
    if j < n_in:
        row_sums(W, stride, step, step_below, n_vec)
        update_rows(W, stride, x + j, step, n_in - j, n_vec)


cdef inline void row_sums(
    const vec* W, size_t stride, const vec* delta, vec* delta_below, size_t n_vec
) noexcept nogil:
    """delta_below = W·delta for as many rows as fill a vec.

    The sums begin at 0: of two products that are added, one alone is rounded by itself, and
    compilers choose which, here and there not the same.
    """
    cdef vec s[8]
    cdef size_t k, r, rows = lanes(W)
    for r in range(rows):
        s[r] = constant(W[0], 0)
    for k in range(n_vec):
        for r in range(rows):
            s[r] = s[r] + at(W, r * stride)[k] * delta[k]
    delta_below[0] = sums(s)


cdef inline void update_rows(
    vec* W, size_t stride, const real* x, const vec* step, size_t n_rows, size_t n_vec
) noexcept nogil:
    """W <- W + xᵀstep, row by row"""
    cdef vec x_j
    cdef size_t r, k
    for r in range(n_rows):
        x_j = constant(step[0], x[r])
        for k in range(n_vec):
            W[k] = W[k] + x_j * step[k]
        W = at(W, stride)
