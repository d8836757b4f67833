"""The first layer and four samples: products of matrices over the inputs that are not zero.

Inputs are sorted by which of the four samples have a number there, which makes fifteen kinds. Then
a row of W is read once for all its samples, and several rows of a kind at once; zeros take no part.
Four samples of MNIST touch 301 of the 784 rows, where one touches 149: W, which a core reads from
its L2 cache, is read and written half as often as sample by sample.

For dense rows only, of at most MOST_INPUTS numbers.
"""
from libc.stdint cimport uint64_t

from compiler cimport in_register, kernel, lowest_bit
from vectors cimport real, vec, as_vecs, at, constant
from compression cimport bits_of


cdef enum:
    MOST_INPUTS = 1024
    KINDS = 16          # bit s of a kind: sample s has a number there


cdef struct Quad:
    int n                               # samples, 4 or fewer
    const void* x[4]
    unsigned short inputs[MOST_INPUTS]  # by kind
    size_t end[KINDS]                   # of each kind in inputs; kind 0 is empty


cdef inline kernel sort_inputs(
    Quad* quad, const void** x, Py_ssize_t n, size_t n_in, const vec* like, real like_number
) noexcept nogil:
    """Make a quad of n dense rows."""
    cdef unsigned short of_kind[KINDS][MOST_INPUTS]
    cdef size_t count[KINDS]
    cdef uint64_t bits[4]
    cdef uint64_t touched
    cdef size_t start = 0, kind, i
    cdef int s, j
    for kind in range(<size_t> KINDS):
        count[kind] = 0
    for s in range(4):
        bits[s] = 0
    quad.n = <int> min(n, 4)
    for s in range(quad.n):
        quad.x[s] = x[s]
    while start < n_in:
        for s in range(quad.n):
            bits[s] = bits_of(
                as_vecs(like, <const real*> x[s] + start), min(n_in - start, <size_t> 64),
                like_number,
            )
        touched = bits[0] | bits[1] | bits[2] | bits[3]
        while touched:
            j = lowest_bit(touched)
            kind = (
                (bits[0] >> j & 1) | (bits[1] >> j & 1) << 1
                | (bits[2] >> j & 1) << 2 | (bits[3] >> j & 1) << 3
            )
            of_kind[kind][count[kind]] = <unsigned short> (start + j)
            count[kind] += 1
            touched &= touched - 1
        start += 64
    quad.end[0] = 0
    for kind in range(1, <size_t> KINDS):
        start = quad.end[kind - 1]
        for i in range(count[kind]):
            quad.inputs[start + i] = of_kind[kind][i]
        quad.end[kind] = start + count[kind]


cdef inline int samples_of(
    const Quad* quad, size_t kind, const vec* units, size_t row_bytes, const real** x,
    const vec** rows,
) noexcept nogil:
    """x of the samples of a kind, and a row for each from `units` on; how many they are."""
    cdef int s, m = 0
    for s in range(quad.n):
        if kind >> s & 1:
            x[m] = <const real*> quad.x[s]
            rows[m] = at(units, s * row_bytes)
            m += 1
    return m


cdef inline void meet_rows(
    bint updates, int m, int n, const vec* W, size_t stride, const unsigned short* inputs,
    const real** x, const vec** units, size_t n_vec,
) noexcept nogil:
    """m samples and n inputs: see meet. updates, m and n are constants where this is inlined."""
    cdef const vec* rows[8]
    cdef vec x_j[9]
    cdef vec w[8]
    cdef vec d[4]
    cdef vec total
    cdef size_t k
    cdef int r, s
    for r in range(n):
        rows[r] = at(W, inputs[r] * stride)
        in_register(rows[r])
        for s in range(m):
            x_j[s * n + r] = constant(W[0], x[s][inputs[r]])
    if updates:
        for k in range(n_vec):
            for s in range(m):
                d[s] = units[s][k]
            for r in range(n):
                total = rows[r][k]
                for s in range(m):
                    total = total + x_j[s * n + r] * d[s]
                (<vec*> rows[r])[k] = total
    else:
        for k in range(n_vec):
            for r in range(n):
                w[r] = rows[r][k]
            for s in range(m):
                total = units[s][k]
                for r in range(n):
                    total = total + x_j[s * n + r] * w[r]
                (<vec*> units[s])[k] = total


cdef inline void meet_kind(
    bint updates, int m, int n, const vec* W, size_t stride, const unsigned short* inputs,
    size_t count, const real** x, const vec** units, size_t n_vec,
) noexcept nogil:
    while count >= <size_t> n:
        meet_rows(updates, m, n, W, stride, inputs, x, units, n_vec)
        inputs += n
        count -= n
    while count > 0:
        meet_rows(updates, m, 1, W, stride, inputs, x, units, n_vec)
        inputs += 1
        count -= 1


cdef inline size_t place_of(const Quad* quad, size_t kind, size_t j) noexcept nogil:
    """In quad.inputs, of the first input of a kind from j on; those of a kind lie in order."""
    cdef size_t low = quad.end[kind - 1], high = quad.end[kind], middle
    while low < high:
        middle = (low + high) // 2
        if quad.inputs[middle] < j:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline void meet(
    bint updates, const Quad* quad, const vec* W, size_t stride, const vec* units,
    size_t units_bytes, size_t n_vec, size_t start, size_t end, real like,
) noexcept nogil:
    """Each row W[j] meets row s of `units`, z or steps, of every sample that has an x_sj there.

    For the inputs from start to end. Where `updates`, a constant, W[j] += x_sj units[s]; elsewhere
    units[s] += x_sj W[j].
    """
    cdef const real* x[4]
    cdef const vec* units_of[4]
    cdef const unsigned short* inputs
    cdef size_t kind, count
    cdef int m
    for kind in range(1, <size_t> KINDS):
        m = samples_of(quad, kind, units, units_bytes, x, units_of)
        count = place_of(quad, kind, start)
        inputs = quad.inputs + count
        count = place_of(quad, kind, end) - count
        # As many numbers x_sj at once as registers can keep beside what else is read.
        if m == 1:
            meet_kind(updates, 1, 4 if updates else 8, W, stride, inputs, count, x, units_of, n_vec)
        elif m == 2:
            meet_kind(updates, 2, 4, W, stride, inputs, count, x, units_of, n_vec)
        elif m == 3:
            meet_kind(updates, 3, 2 if updates else 3, W, stride, inputs, count, x, units_of, n_vec)
        else:
            meet_kind(updates, 4, 2, W, stride, inputs, count, x, units_of, n_vec)


cdef inline kernel forward(
    const Quad* quad, const vec* W, size_t stride, const vec* b, vec* z, size_t units,
    size_t n_vec, real like,
) noexcept nogil:
    """z[s] = x[s]W + b; rows of z lie `units` bytes apart."""
    cdef size_t k
    cdef int s
    for s in range(quad.n):
        for k in range(n_vec):
            at(z, s * units)[k] = b[k]
    meet(False, quad, W, stride, z, units, n_vec, 0, <size_t> MOST_INPUTS, like)


cdef inline kernel update(
    const Quad* quad, vec* W, size_t stride, const vec* step, size_t units, size_t n_vec,
    size_t start, size_t end, real like,
) noexcept nogil:
    """W <- W + xᵀstep in the rows from start to end; rows of step lie `units` bytes apart."""
    meet(True, quad, W, stride, step, units, n_vec, start, end, like)
