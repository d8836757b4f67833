"""Samples that follow each other and see the same parameters, block by block; a team shares them.

First each member takes the rows of its own blocks forward and back. When all have met, each adds
the steps or gradients of all blocks, in their order, to its own rows of every W. So all sums are
those of one thread that goes through the samples in their order, wherever blocks end.

    gradients   z, a, the losses and delta of the samples of a member's blocks
    add_losses  the losses, one by one
    updates     a member's rows of the sum of the samples' gradients
"""
from layers cimport Network
from losses cimport prepare_share
from quad cimport Quad
from samples cimport BLOCK, QUADS_IN_BLOCK, Block, Samples, fill
from team cimport Team, present
from vectors cimport real, vec, at
cimport batch


cdef struct Part:
    Block block
    Quad[QUADS_IN_BLOCK] quads
    double[BLOCK] losses


cdef struct Room:
    # A Part and a workspace for each of so many blocks.
    size_t parts
    size_t workspaces
    size_t workspace_bytes
    Py_ssize_t most_blocks


cdef struct Help:
    # Other threads, and room for what they do; both numbers are 1 without.
    size_t team
    size_t most_members     # for whom there is room
    size_t n_members        # who work
    Room room


cdef inline Help help_now(const Help* help) noexcept nogil:
    """With as many members as there are."""
    cdef Help now = help[0]
    now.n_members = present(<Team*> help.team, help.n_members)
    return now


cdef struct Stretch:
    const Samples* samples
    const Py_ssize_t* order     # NULL: that of the rows
    Py_ssize_t first            # in this order
    Py_ssize_t n
    Py_ssize_t n_blocks         # as many for each member
    bint in_quads
    const Room* room


cdef inline Py_ssize_t length(
    const Room* room, Py_ssize_t left, Py_ssize_t n_members
) noexcept nogil:
    """Of a stretch, where so many samples are left; whole blocks of one thread's, until the last.
    """
    return min(left, room.most_blocks // n_members * n_members * BLOCK)


cdef inline Stretch stretch(
    const Samples* samples, const Py_ssize_t* order, Py_ssize_t first, Py_ssize_t n,
    bint in_quads, const Room* room, Py_ssize_t n_members,
) noexcept nogil:
    cdef Py_ssize_t n_blocks = 1
    if n_members > 1:
        n_blocks = ((n + n_members - 1) // n_members + BLOCK - 1) // BLOCK * n_members
    return Stretch(samples, order, first, n, n_blocks, in_quads, room)


cdef inline Py_ssize_t start_of(const Stretch* stretch, Py_ssize_t i) noexcept nogil:
    """Of block i; quads stay whole."""
    if i == 0:
        return 0
    if i == stretch.n_blocks:
        return stretch.n
    return min(stretch.n, (stretch.n * i // stretch.n_blocks + 3) // 4 * 4)


cdef inline Part* part_of(const Stretch* stretch, Py_ssize_t i) noexcept nogil:
    return <Part*> stretch.room.parts + i


cdef inline vec* workspace_of(
    const Stretch* stretch, Py_ssize_t i, const vec* like
) noexcept nogil:
    return <vec*> (stretch.room.workspaces + i * stretch.room.workspace_bytes)


cdef inline void gradients(
    const Network* net, const vec* parameters, const Stretch* stretch, double scale,
    double factor, bint is_single, Py_ssize_t member, Py_ssize_t n_members, real like,
) noexcept nogil:
    """delta comes scaled, the losses times factor; a member's blocks are next to each other."""
    cdef Py_ssize_t of_member = 1 if n_members == 1 else stretch.n_blocks // n_members
    cdef Py_ssize_t i, start, n
    cdef Part* part
    cdef vec* workspace
    cdef Quad* quads
    cdef real differences = 0
    for i in range(member * of_member, (member + 1) * of_member):
        part = part_of(stretch, i)
        workspace = workspace_of(stretch, i, parameters)
        quads = part.quads if stretch.in_quads else NULL
        start = start_of(stretch, i)
        n = start_of(stretch, i + 1) - start
        fill(
            &part.block, stretch.samples, stretch.order, stretch.first + start, n, False,
            workspace, like,
        )
        prepare_share(net, workspace, <real> scale)
        batch.read_targets(net, &part.block, workspace, like)
        batch.forward(
            net, parameters, stretch.samples, &part.block, workspace, quads, &differences
        )
        batch.losses(net, &part.block, workspace, factor, part.losses, like)
        batch.deltas(net, parameters, &part.block, workspace, is_single, like)


cdef inline double add_losses(const Stretch* stretch, double total) noexcept nogil:
    """total + the losses that gradients has left."""
    cdef const Part* part
    cdef Py_ssize_t i, s
    for i in range(stretch.n_blocks):
        part = part_of(stretch, i)
        for s in range(part.block.n):
            total += part.losses[s]
    return total


cdef inline void updates(
    const Network* net, const Stretch* stretch, vec* target, Py_ssize_t member,
    Py_ssize_t n_members, real like,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef Part* part
    for i in range(stretch.n_blocks):
        part = part_of(stretch, i)
        batch.updates(
            net, &part.block, workspace_of(stretch, i, target), target,
            part.quads if stretch.in_quads else NULL, member, n_members, like,
        )
