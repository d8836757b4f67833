"""The first layer's zero-skip form: the plain algorithm over the inputs that are not zero.

What x_j = 0 leaves out is exactly nothing: 0 · W[j] adds nothing to z, and W[j] gets no step.
Mini-batches and prediction skip zeros by the same two functions. Wide dense rows are taken four
samples at a time instead, outside of prediction: see quad.pxd.
"""
from compiler cimport in_register, kernel, prefetch
from layers cimport Layer, vecs
from samples cimport Block
from vectors cimport real, vec, at, constant
from dense cimport add_rows, join_chains
cimport dense


cdef inline void forward_columns(
    int n, int chains, const vec* W, size_t stride, const vec* b, const int* columns,
    const real* values, size_t count, vec* z,
) noexcept nogil:
    """As dense.forward_columns."""
    cdef vec s[8]
    cdef vec x_j
    cdef const vec* row
    cdef size_t i = 0
    cdef int c, k
    for k in range(n):
        s[k] = b[k]
        for c in range(1, chains):
            s[c * n + k] = constant(b[0], 0)
    while i + chains <= count:
        for c in range(chains):
            x_j = constant(b[0], values[i + c])
            row = at(W, columns[i + c] * stride)
            in_register(row)
            for k in range(n):
                s[c * n + k] = s[c * n + k] + x_j * row[k]
        i += chains
    for c in range(chains - 1):
        if i < count:
            x_j = constant(b[0], values[i])
            row = at(W, columns[i] * stride)
            in_register(row)
            for k in range(n):
                s[c * n + k] = s[c * n + k] + x_j * row[k]
            i += 1
    join_chains(n, chains, s, z)


cdef inline void forward_wide(
    const vec* W, size_t stride, const vec* b, const int* columns, const real* values,
    size_t count, vec* z, size_t n_vec,
) noexcept nogil:
    """As dense.forward_wide."""
    cdef const vec* rows[8]
    cdef size_t i = 0, k
    cdef int r
    for k in range(n_vec):
        z[k] = b[k]
    while i + 8 <= count:
        for r in range(8):
            rows[r] = at(W, columns[i + r] * stride)
        add_rows(8, rows, values + i, z, n_vec)
        i += 8
    while i < count:
        rows[0] = at(W, columns[i] * stride)
        add_rows(1, rows, values + i, z, n_vec)
        i += 1


cdef inline kernel forward(
    const vec* W, size_t stride, const vec* b, const int* columns, const real* values,
    size_t count, vec* z, size_t n_vec,
) noexcept nogil:
    """z = xW + b"""
    cdef size_t k = n_vec - n_vec % 8
    if k > 0:
        forward_wide(W, stride, b, columns, values, count, z, k)
    while n_vec - k >= 4:
        forward_columns(4, 2, W + k, stride, b + k, columns, values, count, z + k)
        k += 4
    while n_vec - k >= 2:
        forward_columns(2, 4, W + k, stride, b + k, columns, values, count, z + k)
        k += 2
    while n_vec - k >= 1:
        forward_columns(1, 4, W + k, stride, b + k, columns, values, count, z + k)
        k += 1


cdef inline void update_columns(
    int n, vec* W, size_t stride, const int* columns, const real* values, size_t count,
    const vec* step,
) noexcept nogil:
    """As dense.update_columns."""
    cdef vec d[8]
    cdef vec x_j
    cdef vec* row
    cdef size_t i
    cdef int k
    for k in range(min(n, 8)):
        d[k] = step[k]
    for i in range(count):
        x_j = constant(step[0], values[i])
        row = at(W, columns[i] * stride)
        in_register(row)
        for k in range(n):
            row[k] = row[k] + x_j * (d[k] if n <= 8 else step[k])


cdef inline kernel update(
    vec* W, size_t stride, const int* columns, const real* values, size_t count,
    const vec* step, size_t n_vec,
) noexcept nogil:
    """W <- W + xᵀstep"""
    cdef size_t k = 0
    while n_vec - k >= 16:
        update_columns(16, W + k, stride, columns, values, count, step + k)
        k += 16
    while n_vec - k >= 8:
        update_columns(8, W + k, stride, columns, values, count, step + k)
        k += 8
    while n_vec - k >= 4:
        update_columns(4, W + k, stride, columns, values, count, step + k)
        k += 4
    while n_vec - k >= 2:
        update_columns(2, W + k, stride, columns, values, count, step + k)
        k += 2
    while n_vec - k >= 1:
        update_columns(1, W + k, stride, columns, values, count, step + k)
        k += 1


cdef inline size_t place_of(const int* columns, size_t count, size_t j) noexcept nogil:
    """Of the first column from j on; they ascend."""
    cdef size_t low = 0, high = count, middle
    while low < high:
        middle = (low + high) // 2
        if <size_t> columns[middle] < j:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline void fetch_next(const Block* block, Py_ssize_t s, real like) noexcept nogil:
    """Of shuffled samples, nothing else tells the processor which comes after s."""
    cdef const int* columns = block.columns[s + 1]
    cdef const real* values = <const real*> block.values[s + 1]
    cdef size_t i
    if s + 1 < block.n and columns != block.columns[s] + block.count[s]:
        for i in range(0, block.count[s + 1], 16):
            prefetch(columns + i)
            prefetch(values + i)


cdef inline void produce(
    const Layer* layer, const vec* parameters, const Block* block, Py_ssize_t s, vec* z, real like
) noexcept nogil:
    forward(
        at(parameters, layer.W), layer.stride, at(parameters, layer.b),
        block.columns[s], <const real*> block.values[s], block.count[s], z, vecs(layer, z),
    )


cdef inline void accept(
    const Layer* layer, vec* target, const Block* block, Py_ssize_t s, const vec* step, real like
) noexcept nogil:
    dense.update_biases(at(target, layer.b), step, vecs(layer, step))
    update(
        at(target, layer.W), layer.stride, block.columns[s], <const real*> block.values[s],
        block.count[s], step, vecs(layer, step),
    )


cdef inline void update_rows(
    const Layer* layer, vec* target, const Block* block, Py_ssize_t s, const vec* step,
    size_t start, size_t end, real like,
) noexcept nogil:
    """Of W, the rows from start to end."""
    cdef const int* columns = block.columns[s]
    cdef size_t i = 0, count = block.count[s]
    if start > 0 or end < layer.n_in:
        i = place_of(columns, count, start)
        count = place_of(columns, count, end) - i
    update(
        at(target, layer.W), layer.stride, columns + i, <const real*> block.values[s] + i, count,
        step, vecs(layer, step),
    )
