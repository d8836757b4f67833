"""A block of samples that all see the same parameters: prediction, gradients and mini-batches."""
from compiler cimport kernel
from layers cimport Layer, Network, first_row, vecs
from losses cimport read_target
from quad cimport Quad
from samples cimport BLOCK, SPARSE, Block, Samples
from vectors cimport real, vec, as_vecs, at, multiply
cimport compression
cimport passes
cimport quad
cimport tile
cimport zero_skip


cdef inline vec* targets_in(const Network* net, vec* workspace) noexcept nogil:
    """Where the rows of a block's targets start, after the rows share and scaled share."""
    return at(workspace, 2 * net.last.row)


cdef inline vec* units_in(const Network* net, vec* workspace) noexcept nogil:
    """Where the samples' units start, after the targets."""
    return at(workspace, (2 + BLOCK) * net.last.row)


cdef inline void read_targets(
    const Network* net, const Block* block, vec* workspace, real like
) noexcept nogil:
    """The targets of a block, well before their use: what was just stored is slow to read."""
    cdef vec* y = targets_in(net, workspace)
    cdef Py_ssize_t s
    for s in range(block.n):
        read_target(net, <const real*> block.y[s], at(y, s * net.last.row), workspace)


cdef inline bint compressed(
    const Network* net, const Samples* samples, Block* block, Py_ssize_t s, const vec* like,
    real* differences,
) noexcept nogil:
    """Whether sample s is there as its non-zero numbers.

    Where there is room to compress one row, it is if two thirds of its numbers are zero: that is
    decided by the row alone, and so is its result. differences becomes NaN if such a row is not
    finite.
    """
    cdef const real* x = <const real*> block.x[s]
    cdef size_t n_in = net.layer.n_in
    if block.is_compressed or not samples.columns:
        return block.is_compressed
    if SPARSE * compression.scan(as_vecs(like, x), n_in, differences) > n_in:
        return False
    block.columns[s] = <const int*> samples.columns
    block.values[s] = <const void*> samples.values
    block.count[s] = compression.compress(
        as_vecs(like, x), n_in, <int*> samples.columns, <real*> samples.values, n_in
    )
    return True


cdef inline kernel forward(
    const Network* net, const vec* parameters, const Samples* samples, Block* block,
    vec* workspace, Quad* quads, real* differences,
) noexcept nogil:
    """z and a of every layer for the samples of a block, from the same parameters.

    Rows that may be compressed need not have been checked: see compressed. quads is NULL, or a
    place for the block's quads, and then the first layer goes through these.
    """
    cdef const Layer* layer = net.layer
    cdef vec* units = units_in(net, workspace)
    cdef Py_ssize_t s = 0, end
    if quads != NULL:
        forward_in_quads(
            layer, parameters, block, at(units, layer.z), net.units, quads, differences[0]
        )
        s = block.n
    while s < block.n:
        end = s
        while end < block.n and not compressed(
            net, samples, block, end, units, differences
        ):
            end += 1
        if end > s:
            tile.forward(
                at(parameters, layer.W), layer.stride, at(parameters, layer.b), block.x + s,
                end - s, at(units, s * net.units + layer.z), net.units, layer.n_in,
                vecs(layer, units), differences[0],
            )
        if end < block.n:
            zero_skip.produce(
                layer, parameters, block, end, at(units, end * net.units + layer.z),
                differences[0],
            )
        s = end + 1
    passes.forward(net, parameters, units, block.n, NULL, differences[0])


cdef inline void forward_in_quads(
    const Layer* layer, const vec* parameters, Block* block, vec* z, size_t units,
    Quad* quads, real like,
) noexcept nogil:
    """z = xW + b of the first layer; z is that of the block's first sample."""
    cdef Py_ssize_t s
    for s in range(0, block.n, 4):
        quad.sort_inputs(&quads[s // 4], block.x + s, block.n - s, layer.n_in, z, like)
        quad.forward(
            &quads[s // 4], at(parameters, layer.W), layer.stride, at(parameters, layer.b),
            at(z, s * units), units, vecs(layer, z), like,
        )


cdef inline void losses(
    const Network* net, const Block* block, vec* workspace, double factor, double* found, real like
) noexcept nogil:
    """factor times each sample's loss times its weight, after a forward pass.

    Products are stored, and added in another loop: else some compilers would round both at once.
    """
    cdef const vec* y = targets_in(net, workspace)
    cdef const vec* units = units_in(net, workspace)
    cdef Py_ssize_t s
    for s in range(block.n):
        found[s] = factor * (block.weight[s] if block.has_weights else 1) * passes.loss(
            net, at(units, s * net.units), at(y, s * net.last.row), workspace, like
        )


cdef inline kernel deltas(
    const Network* net, const vec* parameters, const Block* block, vec* workspace, bint is_single,
    real like,
) noexcept nogil:
    """delta of every layer, scaled as share is and by the samples' weights.

    is_single says that there is one sample in every block.
    """
    cdef vec* units = units_in(net, workspace)
    cdef Py_ssize_t s
    passes.output_deltas(
        net, targets_in(net, workspace), at(workspace, net.last.row), units, block.n, like
    )
    if block.has_weights:
        for s in range(block.n):
            multiply(
                at(units, s * net.units + net.last.delta), vecs(net.last, units), block.weight[s]
            )
    passes.deltas(net, parameters, units, block.n, is_single, like)


cdef inline kernel updates(
    const Network* net, Block* block, vec* workspace, vec* target, const Quad* quads,
    size_t part, size_t n_parts, real like,
) noexcept nogil:
    """target += the sum of the samples' gradients, scaled as deltas are, once these are there.

    In a part of the rows of each W. quads is what forward was given.
    """
    cdef const Layer* layer = net.layer
    cdef vec* units = units_in(net, workspace)
    cdef size_t n_vec = vecs(layer, units)
    cdef size_t j = first_row(layer, part, n_parts), end = first_row(layer, part + 1, n_parts)
    cdef const vec* step = at(units, layer.delta)
    cdef const void* x[BLOCK]
    cdef const void** rows = block.x
    cdef Py_ssize_t s
    passes.updates(net, units, block.n, target, part, n_parts, like)
    passes.update_biases(layer, target, units, block.n, net.units, part)
    if quads != NULL:
        for s in range(0, block.n, 4):
            quad.update(
                &quads[s // 4], at(target, layer.W), layer.stride, at(step, s * net.units),
                net.units, n_vec, j, end, like,
            )
    elif block.is_compressed:
        for s in range(block.n):
            zero_skip.update_rows(
                layer, target, block, s, at(step, s * net.units), j, end, like
            )
    else:
        if j > 0:
            for s in range(block.n):
                x[s] = <const void*> (<const real*> block.x[s] + j)
            rows = x
        tile.update_weights(
            at(target, layer.W + j * layer.stride), layer.stride, rows, block.n, step, net.units,
            end - j, n_vec, like,
        )
