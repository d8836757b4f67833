"""Samples that follow each other and see the same parameters, block by block; a team shares them.

First each member takes the rows of its own blocks forward and back. Then there are two ways to add
up, and all sums are those of one thread that goes through the samples in their order, wherever
blocks end. Where W is large, all meet, and each adds the steps or gradients of all blocks to its
own rows of every W. Where there are more bytes of units than of parameters, units stay where they
are, and the sums travel: each member adds its own blocks to them and hands them on to the next, who
has gone forward and back meanwhile; nobody meets before a batch ends.

    gradients   z, a, the losses and delta of the samples of a member's blocks
    add_losses  the losses, one by one
    updates     a member's rows of the sum of the samples' gradients
    add_in_turn both, of a member's own blocks, where sums are handed on
"""
from layers cimport Network
from losses cimport prepare_share
from quad cimport Quad
from samples cimport BLOCK, QUADS_IN_BLOCK, Block, Samples, fill
from team cimport MOST_PIECES, Team, hand_on, present, take
from vectors cimport real, vec, at
cimport batch


cdef enum:
    FEWEST_TURNS = 2            # of each member in a sum that is handed on
    BYTES_OF_PIECE = 65536      # of a sum that one may have while another has the next


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
    bint is_handed_on           # what is added up
    const Room* room


cdef inline Stretch stretch(
    const Network* net, const Samples* samples, const Py_ssize_t* order, Py_ssize_t first,
    Py_ssize_t left, Py_ssize_t n_in_sum, bint in_quads, const Room* room, Py_ssize_t n_members,
) noexcept nogil:
    """Of n_in_sum samples that are added up, the next, where so many are left.

    Its blocks are those of one thread, until the last.
    """
    cdef Py_ssize_t of_member = room.most_blocks // n_members, n, n_blocks = 1
    cdef Py_ssize_t handed_on = blocks_in_turn(net, of_member, n_in_sum, n_members)
    if handed_on > 0:
        of_member = handed_on
    n = min(left, of_member * n_members * BLOCK)
    if n_members > 1:
        n_blocks = ((n + n_members - 1) // n_members + BLOCK - 1) // BLOCK * n_members
    return Stretch(samples, order, first, n, n_blocks, in_quads, handed_on > 0, room)


cdef inline Py_ssize_t blocks_in_turn(
    const Network* net, Py_ssize_t most, Py_ssize_t n_in_sum, Py_ssize_t n_members
) noexcept nogil:
    """How many blocks a member has at once where sums are handed on; 0: where they are not."""
    cdef Py_ssize_t n
    if n_members == 1:
        return 0
    n = min(most, n_in_sum // (FEWEST_TURNS * n_members * BLOCK))
    return n if n * BLOCK * <Py_ssize_t> net.units >= <Py_ssize_t> bytes_of(net) else 0


cdef inline size_t bytes_of(const Network* net) noexcept nogil:
    """What parameters take, or a sum of gradients."""
    return net.last.b + net.last.row


cdef inline Py_ssize_t blocks_of(const Stretch* stretch, Py_ssize_t n_members) noexcept nogil:
    """Each member's."""
    return 1 if n_members == 1 else stretch.n_blocks // n_members


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
    cdef Py_ssize_t of_member = blocks_of(stretch, n_members)
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


cdef inline void add_in_turn(
    const Network* net, const Stretch* stretch, vec* target, double* total, Team* team,
    size_t turn, Py_ssize_t member, Py_ssize_t n_members, real like,
) noexcept nogil:
    """The losses and updates of a member's own blocks; turn is that of member 0."""
    cdef Py_ssize_t first = member * blocks_of(stretch, n_members)
    cdef Py_ssize_t end = first + blocks_of(stretch, n_members)
    cdef size_t n_pieces = pieces_of(net, n_members), i
    for i in range(n_pieces):
        take(team, member, i, turn + member)
        if i == 0:
            total[0] = add_losses(stretch, first, end, total[0])
        add_blocks(net, stretch, first, end, target, i, n_pieces, like)
        hand_on(team, i, turn + member)


cdef inline size_t pieces_of(const Network* net, size_t n_members) noexcept nogil:
    """Of what is handed on: with one for two members, they go forward and back half of the time."""
    cdef size_t wanted = max((n_members + 1) // 2, 1 + bytes_of(net) // BYTES_OF_PIECE)
    return min(min(wanted, n_members), <size_t> MOST_PIECES)


cdef inline double add_losses(
    const Stretch* stretch, Py_ssize_t first, Py_ssize_t end, double total
) noexcept nogil:
    """total + the losses that gradients has left in these blocks."""
    cdef const Part* part
    cdef Py_ssize_t i, s
    for i in range(first, end):
        part = part_of(stretch, i)
        for s in range(part.block.n):
            total += part.losses[s]
    return total


cdef inline void updates(
    const Network* net, const Stretch* stretch, vec* target, Py_ssize_t member,
    Py_ssize_t n_members, real like,
) noexcept nogil:
    add_blocks(net, stretch, 0, stretch.n_blocks, target, member, n_members, like)


cdef inline void add_blocks(
    const Network* net, const Stretch* stretch, Py_ssize_t first, Py_ssize_t end, vec* target,
    size_t share, size_t n_shares, real like,
) noexcept nogil:
    """These blocks to a share of the rows of every W."""
    cdef Py_ssize_t i
    cdef Part* part
    for i in range(first, end):
        part = part_of(stretch, i)
        batch.updates(
            net, &part.block, workspace_of(stretch, i, target), target,
            part.quads if stretch.in_quads else NULL, share, n_shares, like,
        )
