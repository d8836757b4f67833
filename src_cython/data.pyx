"""Data: what is asked about arrays before they are trained on, and what is done with them.

README.md, in this folder, is the map of it, and says what holds for all kernels.
"""
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy
from numpy import asarray, empty

cimport numpy as np

from compression cimport are_finite
from cpu cimport cpu_has_avx2
from layers cimport Layer
from samples cimport BLOCK, SPARSE, Samples
from vectors cimport ROW, real, vec, vd, vf, as_vecs
cimport compression
cimport exponential
cimport fingerprint as fingerprints

np.import_array()
fingerprints.make_keys()

cdef Layer no_layer
cdef Samples no_samples
# What Python must know, too, to make what kernels take.
LAYER = asarray(<Layer[:1]> &no_layer).dtype
SAMPLES = asarray(<Samples[:1]> &no_samples).dtype
ROW_BYTES = ROW
SAMPLES_IN_BLOCK = BLOCK
SPARSE_DENSITY = 1.0 / SPARSE


def has_avx2():
    """Whether this CPU and system run the AVX2 build."""
    return cpu_has_avx2()


def exp(const real[::1] z, real[::1] out):
    """out = e^z for a whole number of vectors: for the tests, which measure its error."""
    cdef size_t n_bytes = z.shape[0] * sizeof(real)
    if real is float:
        exp_of(<const vf*> &z[0], <vf*> &out[0], n_bytes // sizeof(vf))
    else:
        exp_of(<const vd*> &z[0], <vd*> &out[0], n_bytes // sizeof(vd))


cdef void exp_of(const vec* z, vec* out, size_t n_vec) noexcept nogil:
    cdef size_t k
    for k in range(n_vec):
        out[k] = exponential.exp(z[k])


def all_finite(np.ndarray numbers not None):
    """Whether none of the numbers, float32 or float64, is infinite or NaN."""
    cdef size_t n = np.PyArray_SIZE(numbers)
    cdef const void* place = np.PyArray_DATA(numbers)
    cdef bint finite, is_double = np.PyArray_TYPE(numbers) == np.NPY_DOUBLE
    if not np.PyArray_ISCARRAY_RO(numbers) or numbers.itemsize != (8 if is_double else 4):
        raise ValueError("numbers must be float32 or float64, contiguous, aligned and native")
    with nogil:
        if is_double:
            finite = are_finite(<const double*> place, n)
        else:
            finite = are_finite(<const float*> place, n)
    return finite


def scan(np.ndarray X not None, np.ndarray counts not None, bint hashed=False):
    """counts[t] = how many numbers of row t are not zero.

    (whether all of X is finite, its fingerprint or 0), which is taken while rows are in the cache.
    """
    cdef const void* rows = np.PyArray_DATA(X)
    cdef Py_ssize_t* of_rows = <Py_ssize_t*> np.PyArray_DATA(counts)
    cdef Py_ssize_t n = np.PyArray_DIM(X, 0), n_in = np.PyArray_DIM(X, 1)
    cdef bint finite, is_double = np.PyArray_TYPE(X) == np.NPY_DOUBLE
    cdef uint64_t hash = 0
    cdef uint64_t* wanted = &hash if hashed else NULL
    with nogil:
        if is_double:
            finite = scan_rows(<const vd*> NULL, <const double*> rows, n, n_in, of_rows, wanted)
        else:
            finite = scan_rows(<const vf*> NULL, <const float*> rows, n, n_in, of_rows, wanted)
    return finite, hash


def total(np.ndarray counts not None):
    """Of what scan has counted: NumPy's sum takes as long as a step on a few samples."""
    cdef const Py_ssize_t* of_rows = <const Py_ssize_t*> np.PyArray_DATA(counts)
    cdef Py_ssize_t t, sum_ = 0
    for t in range(np.PyArray_SIZE(counts)):
        sum_ += of_rows[t]
    return sum_


cdef bint scan_rows(
    const vec* like, const real* X, Py_ssize_t n, Py_ssize_t n_in, Py_ssize_t* counts,
    uint64_t* hash,
) noexcept nogil:
    cdef Py_ssize_t t
    cdef size_t begin = 0, end
    cdef real differences = 0
    for t in range(n):
        counts[t] = <Py_ssize_t> compression.scan(as_vecs(like, X + t * n_in), n_in, &differences)
        end = (t + 1) * n_in
        if hash != NULL and (end - begin >= fingerprints.STRETCH or t == n - 1):
            fingerprints.add_numbers(hash, X, begin, end, t == n - 1)
            begin = end - end % fingerprints.STRETCH
    return differences == 0


def fingerprint(const real[::1] numbers):
    """Of an array, whatever its shape was."""
    cdef uint64_t hash = 0
    if numbers.shape[0]:
        with nogil:
            fingerprints.add_numbers(&hash, &numbers[0], 0, numbers.shape[0], True)
    return hash


def scan_compressed(
    const Py_ssize_t[::1] starts, const int[::1] columns, const real[::1] values, Py_ssize_t n_in,
    bint hashed=False,
):
    """Of rows without their zeros: (whether columns ascend in each, from 0 to below n_in; whether
    all of them are finite; the fingerprint of the same rows with zeros, or 0).

    starts must not descend, and end with the number of columns. Each row is looked at while it is
    in the cache.
    """
    cdef fingerprints.Running running
    cdef Py_ssize_t t, i, n, start
    cdef int wrong = 0
    cdef real difference = 0
    running.total = running.in_stretch = running.stretch = 0
    with nogil:
        for t in range(starts.shape[0] - 1):
            start, n = starts[t], starts[t + 1] - starts[t]
            if n == 0:
                continue
            for i in range(start + 1, start + n):
                wrong |= columns[i - 1] >= columns[i]
            wrong |= columns[start] < 0 or columns[start + n - 1] >= n_in
            if real is float:
                compression.scan(as_vecs(<const vf*> NULL, &values[start]), n, &difference)
            else:
                compression.scan(as_vecs(<const vd*> NULL, &values[start]), n, &difference)
            if hashed and not wrong:
                fingerprints.add_compressed(
                    &running, &columns[start], &values[start], n, t * n_in
                )
        fingerprints.finish(&running)
    return not wrong, difference == 0, running.total


def compress(
    const real[:, ::1] X, const Py_ssize_t[::1] starts, int[::1] columns, real[::1] values
):
    """The numbers of X that are not zero, row by row, and their columns; both have a place more.

    Where there are fewer in a row than its places, as it has changed since they were counted, the
    others get zeros.
    """
    cdef Py_ssize_t t, i
    with nogil:
        for t in range(X.shape[0]):
            if real is float:
                i = compress_row(<const vf*> NULL, X, starts, t, columns, values)
            else:
                i = compress_row(<const vd*> NULL, X, starts, t, columns, values)
            for i in range(starts[t] + i, starts[t + 1]):
                columns[i] = 0
                values[i] = 0


cdef Py_ssize_t compress_row(
    const vec* like, const real[:, ::1] X, const Py_ssize_t[::1] starts, Py_ssize_t t,
    int[::1] columns, real[::1] values,
) noexcept nogil:
    """How many numbers of row t are not zero."""
    return <Py_ssize_t> compression.compress(
        as_vecs(like, &X[t, 0]), X.shape[1], &columns[starts[t]], &values[starts[t]],
        starts[t + 1] - starts[t],
    )


def address(np.ndarray array):
    """Where the numbers of an array start: a tenth of the time that ctypes takes."""
    return <size_t> np.PyArray_DATA(array)


def samples_of(
    np.ndarray X, np.ndarray Y, np.ndarray starts, np.ndarray columns, np.ndarray values,
    size_t room, np.ndarray weights,
):
    """A record of Samples, of arrays that are there or None. It holds addresses alone."""
    record = empty(1, SAMPLES)
    cdef Samples* samples = <Samples*> np.PyArray_DATA(record)
    samples.X, samples.X_row = place_of(X), bytes_in_row(X)
    samples.Y, samples.Y_row = place_of(Y), bytes_in_row(Y)
    samples.starts, samples.columns = place_of(starts), place_of(columns)
    samples.values, samples.weights = place_of(values), place_of(weights)
    samples.room = room
    return record


cdef inline size_t place_of(np.ndarray array):
    return 0 if array is None else <size_t> np.PyArray_DATA(array)


cdef inline size_t bytes_in_row(np.ndarray rows):
    """Whatever the stride is, of a single row."""
    return 0 if rows is None else np.PyArray_DIM(rows, 1) * np.PyArray_ITEMSIZE(rows)


def copy(list sources, list targets):
    """Copy contiguous arrays into others of the same sizes, all at one moment."""
    cdef size_t n_bytes
    for source, target in zip(sources, targets, strict=True):
        if (
            np.PyArray_NBYTES(source) != np.PyArray_NBYTES(target)
            or not np.PyArray_IS_C_CONTIGUOUS(source) or not np.PyArray_IS_C_CONTIGUOUS(target)
        ):
            raise ValueError("arrays to be copied must be contiguous and have the same size")
    for source, target in zip(sources, targets, strict=True):
        n_bytes = np.PyArray_NBYTES(source)
        memcpy(np.PyArray_DATA(target), np.PyArray_DATA(source), n_bytes)


def equal(list arrays, list views):
    """Whether contiguous arrays have the bytes that views of parameters have, of W or b each."""
    cdef Py_ssize_t i, n_rows, row, n_bytes
    for array, view in zip(arrays, views, strict=True):
        if not fits(array, view):
            return False
        n_rows, n_bytes, row = rows_of(view)
        for i in range(n_rows):
            if memcmp(
                <const char*> np.PyArray_DATA(array) + i * n_bytes,
                <const char*> np.PyArray_DATA(view) + i * row, n_bytes,
            ):
                return False
    return True


def unpad(list views, list arrays):
    """Copy views of parameters, of W or b each, into contiguous arrays; False if one does not fit.
    """
    cdef Py_ssize_t i, n_rows, row, n_bytes
    for array, view in zip(arrays, views, strict=True):
        if not fits(array, view) or not np.PyArray_ISWRITEABLE(array):
            return False
    for array, view in zip(arrays, views, strict=True):
        n_rows, n_bytes, row = rows_of(view)
        for i in range(n_rows):
            memcpy(
                <char*> np.PyArray_DATA(array) + i * n_bytes,
                <const char*> np.PyArray_DATA(view) + i * row, n_bytes,
            )
    return True


cdef bint fits(array, view):
    """Whether a contiguous array has as many numbers in each row as a view of W or b."""
    return (
        np.PyArray_CheckExact(array) and np.PyArray_ISCARRAY_RO(array)
        and np.PyArray_TYPE(array) == np.PyArray_TYPE(view)
        and np.PyArray_NBYTES(array) == np.PyArray_NBYTES(view)
        and (
            np.PyArray_NDIM(view) == 1 or (
                np.PyArray_NDIM(array) == 2
                and np.PyArray_DIMS(array)[0] == np.PyArray_DIMS(view)[0]
            )
        )
    )


cdef inline (Py_ssize_t, Py_ssize_t, Py_ssize_t) rows_of(view):
    """How many rows there are, the bytes in each, and from one to the next."""
    cdef Py_ssize_t n_rows = np.PyArray_DIMS(view)[0] if np.PyArray_NDIM(view) == 2 else 1
    return n_rows, np.PyArray_NBYTES(view) // n_rows, np.PyArray_STRIDES(view)[0]
