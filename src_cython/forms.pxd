"""The first layer in per-sample SGD: the forms that it takes, behind their five operations.

    prepare    a block of samples is known; whatever parameters are
    begin      the block begins
    produce    z of sample s
    accept     the step of sample s, -eta delta
    finish     the block ends: W and b are what the plain algorithm would have made them

All compute what the plain algorithm computes. DIRECT, FUSED, ZERO_SKIP and BLOCKED are the forms
that users know; QUADS is what ZERO_SKIP is for wide dense rows. NARROW and BATCHES come here as
names only: there sgd.pxd takes another way through the whole network. In a block, sample s has
units of its own, at s · net.units bytes from the first's, in forms that look back.
"""
from layers cimport Layer, Network, vecs
from quad cimport Quad
from samples cimport BLOCK, Block
from vectors cimport real, vec, at
cimport blocked
cimport decay
cimport direct
cimport fused
cimport zero_skip


cdef enum Form:
    DIRECT
    FUSED
    ZERO_SKIP
    BLOCKED
    QUADS       # four samples at a time: see quad.pxd
    NARROW      # the whole step in one pass: see narrow.pxd
    BATCHES     # of one sample, too: where an optimizer needs the gradient, or weights divide
    N_FORMS


cdef inline bint looks_back(size_t form) noexcept nogil:
    """Whether z of a sample needs the steps of those before it in the block, and so their units."""
    return form == BLOCKED or form == QUADS


cdef inline Py_ssize_t block_size(size_t form) noexcept nogil:
    return 4 if form == QUADS else BLOCK


cdef inline void prepare(
    size_t form, const Network* net, Block* block, Quad* quad, const vec* like_vec, real like
) noexcept nogil:
    if looks_back(form):
        blocked.prepare(net.layer, block, quad if form == QUADS else NULL, like_vec, like)


cdef inline void begin(
    size_t form, const Network* net, const vec* parameters, const Block* block, bint is_first,
    vec* units, const Quad* quad, real like,
) noexcept nogil:
    cdef vec* z = at(units, net.layer.z)
    if looks_back(form):
        blocked.begin(
            net.layer, parameters, block, z, at(units, net.layer.delta), net.units,
            quad if form == QUADS else NULL, like,
        )
    elif form == FUSED and is_first:
        direct.produce(net.layer, parameters, block, 0, z, like)


cdef inline void produce(
    size_t form, const Network* net, const vec* parameters, const Block* block, Py_ssize_t s,
    vec* units, real like,
) noexcept nogil:
    cdef const Layer* layer = net.layer
    cdef vec* z = at(units, layer.z)
    if form == DIRECT:
        direct.produce(layer, parameters, block, s, z, like)
    elif form == ZERO_SKIP:
        zero_skip.fetch_next(block, s, like)
        zero_skip.produce(layer, parameters, block, s, z, like)
    elif looks_back(form):
        blocked.produce(
            block, s, at(parameters, layer.b), z, net.units, layer.delta - layer.z, vecs(layer, z)
        )


cdef inline void accept(
    size_t form, const Network* net, vec* parameters, const Block* block, Py_ssize_t s,
    vec* units, real like,
) noexcept nogil:
    cdef const Layer* layer = net.layer
    cdef const vec* step = at(units, layer.delta)
    if form == DIRECT:
        direct.accept(layer, parameters, block, s, step, like)
    elif form == FUSED:
        fused.accept(layer, parameters, block, s, step, at(units, layer.z), like)
    elif form == ZERO_SKIP:
        zero_skip.accept(layer, parameters, block, s, step, like)
    elif looks_back(form):
        blocked.accept(layer, parameters, at(step, s * net.units))


cdef inline double squares_of_x(
    size_t form, const Network* net, const Block* block, Py_ssize_t s, const vec* like, real number
) noexcept nogil:
    """‖x_s‖²"""
    if form == ZERO_SKIP:
        return decay.squares(like, <const real*> block.values[s], block.count[s])
    elif looks_back(form):
        return block.gram[s][s]
    return decay.squares(like, <const real*> block.x[s], net.layer.n_in)


cdef inline void finish(
    size_t form, const Network* net, vec* parameters, const Block* block, vec* units,
    const Quad* quad, real like,
) noexcept nogil:
    if looks_back(form):
        blocked.finish(
            net.layer, parameters, block, at(units, net.layer.delta), net.units,
            quad if form == QUADS else NULL, like,
        )
