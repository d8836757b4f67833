"""Rows of X without their zeros: the layout of a scipy.sparse CSR array."""
from libc.stdint cimport uint64_t

from compiler cimport lowest_bit
from vectors cimport (
    real, vd, vec, vf, absolute, as_vecs, constant, if_positive, lanes, nonzero, sum_of_lanes,
)


cdef enum:
    STRETCH = 1048576   # numbers; float32 counts up to 2^24


cdef inline size_t scan(const vec* row, size_t n_in, real* differences) noexcept nogil:
    """How many numbers of a row are not zero; adds 0 to differences, or NaN for what is not finite.
    """
    cdef size_t start = 0, count = 0
    while start < n_in:
        count += <size_t> scan_stretch(
            row + start // lanes(row), min(n_in - start, <size_t> STRETCH), differences
        )
        start += STRETCH
    return count


cdef inline real scan_stretch(const vec* row, size_t n_in, real* differences) noexcept nogil:
    cdef vec counts = constant(row[0], 0), difference = constant(row[0], 0)
    cdef vec one = constant(row[0], 1), zero = constant(row[0], 0), x
    cdef const real* x_j = <const real*> row
    cdef size_t j, whole = n_in - n_in % lanes(row)
    cdef real count
    for j in range(whole // lanes(row)):
        x = row[j]
        counts = counts + if_positive(absolute(x), one, zero)
        difference = difference + (x - x)
    differences[0] += sum_of_lanes(difference, differences[0])
    count = sum_of_lanes(counts, differences[0])
    for j in range(whole, n_in):
        count += x_j[j] != 0
        differences[0] += x_j[j] - x_j[j]
    return count


cdef inline bint are_finite(const real* numbers, size_t n) noexcept nogil:
    """Whether none of the numbers is infinite or NaN."""
    cdef real differences = 0
    if real is float:
        scan(as_vecs(<const vf*> NULL, numbers), n, &differences)
    else:
        scan(as_vecs(<const vd*> NULL, numbers), n, &differences)
    return differences == 0


cdef inline uint64_t bits_of(const vec* row, size_t n, real like) noexcept nogil:
    """Bit j is set where number j of n <= 64 is not zero."""
    cdef const real* x = <const real*> row
    cdef size_t i, n_lanes = lanes(row), n_vec = n // n_lanes
    cdef uint64_t bits = 0
    for i in range(n_vec):
        bits |= <uint64_t> nonzero(row + i) << (i * n_lanes)
    for i in range(n_vec * n_lanes, n):
        bits |= <uint64_t> (x[i] != 0) << i
    return bits


cdef inline uint64_t first_bits(uint64_t bits, size_t n) noexcept nogil:
    """The n lowest of the bits that are set."""
    cdef uint64_t found = 0
    while bits and n > 0:
        found |= bits & (~bits + 1)
        bits &= bits - 1
        n -= 1
    return found


cdef inline size_t compress(
    const vec* row, size_t n_in, int* columns, real* values, size_t room
) noexcept nogil:
    """The numbers of a row that are not zero, and their columns; how many they are.

    At most as many as there is room for: somebody else may write into the row meanwhile.
    64 numbers at a time become bits, and then only the bits that are set are looked at.
    """
    cdef const real* x = <const real*> row
    cdef size_t start = 0, j, count = 0
    cdef uint64_t bits
    while start < n_in:
        bits = bits_of(row, min(n_in - start, <size_t> 64), x[0])
        if count + 64 > room:
            bits = first_bits(bits, room - count)
        while bits:
            j = start + lowest_bit(bits)
            columns[count] = <int> j
            values[count] = x[j]
            count += 1
            bits &= bits - 1
        row += 64 // lanes(row)
        start += 64
    return count
