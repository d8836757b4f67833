"""The data that a user hands in, and blocks of it. fastnn/_core/samples.py makes these records.

X is there as dense rows, or as the non-zero numbers of each row with their columns (the layout of
a scipy.sparse CSR array), or both; or as dense rows with room to compress one, or a block of them.
A block is a few samples that follow each other in the order of training.
"""
from vectors cimport real, vec, as_vecs
cimport compression


cdef enum:
    BLOCK = 32              # samples in a block at most
    QUADS_IN_BLOCK = 8
    SPARSE = 3              # where one number of so many is not zero, or fewer, zeros are skipped


cdef struct Samples:
    size_t X            # where the dense rows start, in memory; 0: there are none
    size_t X_row        # bytes from one row to the next
    size_t Y            # where the rows of targets start
    size_t Y_row
    size_t starts       # where those arrays start that a CSR array calls indptr, indices and data;
    size_t columns      # 0: there are none
    size_t values
    size_t room         # without starts, for how many rows each member has room in the others
    size_t weights      # where the samples' weights start, doubles; 0: all are 1


cdef struct Block:
    Py_ssize_t n
    bint has_next               # whether x[n], the first sample of the next block, is known
    bint is_compressed          # whether all rows are there without their zeros
    bint has_weights            # whether not all weights are 1
    const void* x[BLOCK + 1]    # dense rows
    const int* columns[BLOCK + 1]
    const void* values[BLOCK + 1]
    size_t count[BLOCK + 1]     # of non-zero numbers
    const void* y[BLOCK + 1]
    double weight[BLOCK + 1]
    double gram[BLOCK][BLOCK]   # of the blocked form: x_s · x_t for s >= t


cdef inline Samples samples_for(const Samples* samples, size_t member, real like) noexcept nogil:
    """The same, with the room that is this member's."""
    cdef Samples own = samples[0]
    cdef size_t before = member * samples.room * (samples.X_row // sizeof(real))
    own.columns += before * sizeof(int)
    own.values += before * sizeof(real)
    return own


cdef inline void fill(
    Block* block, const Samples* samples, const Py_ssize_t* order, Py_ssize_t first, Py_ssize_t n,
    bint has_next, const vec* like_vec, real like,
) noexcept nogil:
    """At most n samples from place `first` on in an order, NULL for that of the rows."""
    cdef const Py_ssize_t* starts = <const Py_ssize_t*> samples.starts
    cdef size_t n_in = samples.X_row // sizeof(real)
    cdef Py_ssize_t s, t
    block.n = min(n, <Py_ssize_t> BLOCK)
    block.has_next = has_next
    block.has_weights = samples.weights != 0
    block.is_compressed = starts != NULL or samples.room > BLOCK
    for s in range(block.n + (1 if has_next else 0)):
        t = first + s if order == NULL else order[first + s]
        block.x[s] = <const void*> (samples.X + t * samples.X_row)
        block.y[s] = <const void*> (samples.Y + t * samples.Y_row)
        if block.has_weights:
            block.weight[s] = (<const double*> samples.weights)[t]
        if starts != NULL:
            block.columns[s] = <const int*> samples.columns + starts[t]
            block.values[s] = <const real*> samples.values + starts[t]
            block.count[s] = starts[t + 1] - starts[t]
        elif block.is_compressed:
            block.columns[s] = <const int*> samples.columns + s * n_in
            block.values[s] = <const real*> samples.values + s * n_in
            block.count[s] = compression.compress(
                as_vecs(like_vec, <const real*> block.x[s]), n_in,
                <int*> samples.columns + s * n_in, <real*> samples.values + s * n_in, n_in,
            )
