"""Rows of X without their zeros: the layout of a scipy.sparse CSR array."""
from libc.stdint cimport uint64_t

from vectors cimport real, vec, absolute, at, constant, if_positive, lanes, sum_of_lanes


cdef inline real scan(const vec* row, size_t n_in, real* differences) noexcept nogil:
    """How many numbers of a row are not zero; adds 0 to differences, or NaN for what is not finite.

    The count is exact below 2^24 for each lane.
    """
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


cdef inline size_t compress(
    const real* x, size_t n_in, int* columns, real* values
) noexcept nogil:
    """The numbers of x that are not zero, and their columns; how many they are.

    One place beyond them is written, and may be written again.
    """
    cdef const uint64_t* bits
    cdef size_t j = 0, k, count = 0, group = 4 * sizeof(uint64_t) // sizeof(real)
    while j + group <= n_in:
        bits = <const uint64_t*> (x + j)
        if bits[0] | bits[1] | bits[2] | bits[3]:
            for k in range(j, j + group):
                columns[count] = <int> k
                values[count] = x[k]
                count += x[k] != 0
        j += group
    for k in range(j, n_in):
        columns[count] = <int> k
        values[count] = x[k]
        count += x[k] != 0
    return count
