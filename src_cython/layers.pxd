"""How a network lies in memory; fastnn/_core/layout.py makes these records."""
from vectors cimport vec


cdef struct Layer:
    size_t n_in
    size_t n_out
    size_t row          # bytes of n_out numbers in whole vectors: of a row of b, z, a and delta
    size_t stride       # bytes from one row of W to the next
    size_t W            # where W and b start in the parameter block, in bytes
    size_t b
    size_t z            # where the layer's z, a and delta start among a sample's units, in bytes
    size_t a
    size_t delta
    size_t activation


cdef struct Network:
    const Layer* layer
    const Layer* last
    Py_ssize_t n_layers
    size_t loss
    size_t n_targets    # numbers in a row of targets: n_out of the last layer; 1 for a class number
    size_t units        # bytes from the units of one sample to those of the next


cdef inline Network network(
    const Layer* layers, Py_ssize_t n_layers, size_t loss, size_t n_targets
) noexcept nogil:
    cdef Network net
    net.layer = layers
    net.last = &layers[n_layers - 1]
    net.n_layers = n_layers
    net.loss = loss
    net.n_targets = n_targets
    net.units = net.last.delta + net.last.row
    return net


cdef inline size_t first_row(const Layer* layer, size_t part, size_t n_parts) noexcept nogil:
    """Of a part, of so many, of W; in whole tiles where there are enough."""
    cdef size_t tile = 6 if layer.n_in >= 48 else 2
    if part == 0:  # what one thread asks for costs no division
        return 0
    if part == n_parts:
        return layer.n_in
    return layer.n_in * part // n_parts // tile * tile


cdef inline size_t vecs(const Layer* layer, const vec* like) noexcept nogil:
    """How many vecs hold a row."""
    return layer.row // sizeof(vec)
