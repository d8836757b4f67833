"""How a network lies in memory. fastnn/_layout.py makes these records and says what they mean."""
from vectors cimport vec, at


cdef struct Layer:
    Py_ssize_t n_in
    Py_ssize_t n_out
    Py_ssize_t width        # n_out rounded up to whole vectors: the length of rows of W, b, z, a ...
    Py_ssize_t W            # where W starts in the parameter block, in numbers
    Py_ssize_t b
    Py_ssize_t units        # where the layer's units start in each of z, a and delta
    Py_ssize_t activation


cdef struct Network:
    const Layer* layer
    Py_ssize_t n_layers
    Py_ssize_t loss
    Py_ssize_t n_targets    # numbers in a row of targets: n_out of the last layer, or 1 for a class number


# The workspace of one sample: z, a and delta of all units, then y and share of the output layer.

cdef inline Py_ssize_t n_units(const Network* net) noexcept nogil:
    cdef const Layer* last = &net.layer[net.n_layers - 1]
    return last.units + last.width


cdef inline vec* z_of(const Network* net, const vec* units, Py_ssize_t l) noexcept nogil:
    return at(units, net.layer[l].units)


cdef inline vec* a_of(const Network* net, const vec* units, Py_ssize_t l) noexcept nogil:
    return at(units, n_units(net) + net.layer[l].units)


cdef inline vec* delta_of(const Network* net, const vec* units, Py_ssize_t l) noexcept nogil:
    return at(units, 2 * n_units(net) + net.layer[l].units)


cdef inline vec* y_of(const Network* net, const vec* units) noexcept nogil:
    return at(units, 3 * n_units(net))


cdef inline vec* share_of(const Network* net, const vec* units) noexcept nogil:
    return at(units, 3 * n_units(net) + net.layer[net.n_layers - 1].width)
