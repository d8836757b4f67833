"""Per-sample SGD of a wide first layer by a team: each member has some of the layer's units.

A member computes z and a of its own units and changes their columns of W, for every sample. What
others need of that is a, once a sample. The layers above are small: each member goes through all of
them by itself, with parameters of its own. So every sum is made as one thread makes it, where the
columns are whole groups of those that dense.forward sums in one way.

The columns of a member lie in a panel: left in W, they would have a neighbour's beside them in the
cache lines that a core fetches ahead, and both cores would wait for each other's all the time.

    begin       a member takes its columns, and the layers above
    next_block  members prepare blocks for each other, one each at a time
    exchange    each gets what the others have made of the present sample
    agree       where an epoch ends, all go on, or none
    end         what members have learned becomes the network's
"""
from libc.string cimport memcpy

from compiler cimport prefetch_to_write
from layers cimport Layer, Network
from quad cimport Quad
from samples cimport Block
from team cimport Number, Team, change, load, meet, wait
from vectors cimport real, vec, at


cdef enum:
    GROUP = 256             # bytes of a row that dense.forward sums without chains
    LINES = 128             # bytes of two cache lines, which a core fetches together
    LEFT_OUT = 64           # bytes between rows, where they would share a few of the cache's sets


cdef struct Prepared:
    # A block of samples, and what a form knows of it that looks back.
    Number round
    Block block
    Quad quad


cdef struct Panel:
    Layer layer             # of the member's units, in its own parameters
    size_t first            # bytes before these in a row of the whole layer
    size_t member
    size_t n_members
    size_t rooms            # where members have what they send, and their parameters
    size_t n_sent           # samples whose a has been exchanged
    size_t n_rounds         # of blocks, of which each member prepares one
    size_t turn             # whose block is next
    const Py_ssize_t* stopped   # by tol and patience, as member 0 finds
    Team* team


cdef inline size_t rounded(size_t n_bytes) noexcept nogil:
    return (n_bytes + LINES - 1) // LINES * LINES


cdef inline size_t most_members(const Network* net) noexcept nogil:
    return (net.layer.row + GROUP - 1) // GROUP


cdef inline size_t bytes_of_room(const Network* net) noexcept nogil:
    """A member's: two messages, two prepared blocks, and parameters."""
    return (
        2 * bytes_of_message(net) + 2 * rounded(sizeof(Prepared))
        + rounded(net.last.b + net.last.row)
    )


cdef inline size_t bytes_of_message(const Network* net) noexcept nogil:
    """How many have been sent in this place, and a."""
    return sizeof(Number) + rounded(net.layer.row)


cdef inline Number* message_of(
    const Panel* panel, const Network* net, size_t member
) noexcept nogil:
    """Of the present sample; that of the one before others may be reading yet."""
    cdef size_t room = panel.rooms + member * bytes_of_room(net)
    return <Number*> (room + panel.n_sent % 2 * bytes_of_message(net))


cdef inline Prepared* prepared_by(
    const Panel* panel, const Network* net, size_t member
) noexcept nogil:
    """In this round; in what it prepared in the one before others may be reading yet."""
    cdef size_t room = panel.rooms + member * bytes_of_room(net) + 2 * bytes_of_message(net)
    return <Prepared*> (room + panel.n_rounds % 2 * rounded(sizeof(Prepared)))


cdef inline vec* parameters_of(
    const Panel* panel, const Network* net, const vec* like
) noexcept nogil:
    cdef size_t room = panel.rooms + panel.member * bytes_of_room(net)
    return <vec*> (room + 2 * bytes_of_message(net) + 2 * rounded(sizeof(Prepared)))


cdef inline size_t first_byte(
    const Panel* panel, const Network* net, size_t member
) noexcept nogil:
    """Of a member's units, in a row of the layer."""
    return min(net.layer.row, most_members(net) * member // panel.n_members * GROUP)


cdef inline void begin(
    Panel* panel, const Network* net, const vec* parameters, real like
) noexcept nogil:
    """team, member, n_members and rooms are set. All members begin before one of them ends."""
    cdef const Layer* whole = net.layer
    cdef Layer* layer = &panel.layer
    cdef vec* mine = parameters_of(panel, net, parameters)
    cdef size_t first = first_byte(panel, net, panel.member), j
    panel.first = first
    for panel.n_sent in range(2):
        message_of(panel, net, panel.member).value = 0
    for panel.n_rounds in range(2):
        prepared_by(panel, net, panel.member).round.value = 0
    panel.n_sent = panel.n_rounds = 0
    layer[0] = whole[0]
    layer.row = first_byte(panel, net, panel.member + 1) - first
    layer.n_out = min(whole.n_out - first // sizeof(real), layer.row // sizeof(real))
    layer.stride = layer.row
    if layer.row % LINES == 0 and layer.row + LEFT_OUT <= whole.stride:
        layer.stride += LEFT_OUT
    layer.b += first
    layer.z += first
    layer.a += first
    layer.delta += first
    for j in range(whole.n_in):
        memcpy(
            at(mine, layer.W + j * layer.stride),
            at(parameters, whole.W + j * whole.stride + first), layer.row,
        )
    memcpy(at(mine, whole.b), at(parameters, whole.b), net.last.b + net.last.row - whole.b)


cdef inline void end(const Panel* panel, const Network* net, vec* parameters) noexcept nogil:
    cdef const Layer* whole = net.layer
    cdef const Layer* layer = &panel.layer
    cdef const vec* mine = parameters_of(panel, net, parameters)
    cdef size_t above = whole.b + whole.row, j
    for j in range(whole.n_in):
        memcpy(
            at(parameters, whole.W + j * whole.stride + panel.first),
            at(mine, layer.W + j * layer.stride), layer.row,
        )
    memcpy(at(parameters, layer.b), at(mine, layer.b), layer.row)
    if panel.member == 0:
        memcpy(at(parameters, above), at(mine, above), net.last.b + net.last.row - above)


cdef inline Prepared* next_block(Panel* panel, const Network* net) noexcept nogil:
    """That of the member whose turn it is, as soon as it is prepared."""
    cdef Prepared* prepared = prepared_by(panel, net, panel.turn)
    cdef size_t round = load(&prepared.round.value)
    while round != panel.n_rounds:
        wait(panel.team, panel.member, &prepared.round.value, round)
        round = load(&prepared.round.value)
    panel.turn = (panel.turn + 1) % panel.n_members
    return prepared


cdef inline void agree(const Panel* panel, Py_ssize_t* stopped) noexcept nogil:
    """On whether training has stopped: y may change meanwhile, and each has read its own."""
    meet(panel.team, panel.n_members, panel.member)
    stopped[0] = panel.stopped[0]


cdef inline void exchange(Panel* panel, const Network* net, vec* units) noexcept nogil:
    """a of all units for a's of a member's own.

    Whoever has got a sample of the others' knows that they have got the one before of its own.
    """
    cdef vec* a = at(units, net.layer.a)
    cdef Number* message = message_of(panel, net, panel.member)
    cdef size_t member, first, n_bytes, n_before = panel.n_sent // 2
    memcpy(&message[1], at(a, panel.first), panel.layer.row)
    change(panel.team, &message.value, n_before + 1)
    for member in range(panel.n_members):
        if member != panel.member:
            message = message_of(panel, net, member)
            wait(panel.team, panel.member, &message.value, n_before)
            first = first_byte(panel, net, member)
            n_bytes = first_byte(panel, net, member + 1) - first
            memcpy(at(a, first), &message[1], n_bytes)
    panel.n_sent += 1
    # Others have read what stands there: to get the lines back takes as long as to send some.
    message = message_of(panel, net, panel.member)
    for first in range(0, sizeof(Number) + panel.layer.row, 64):
        prefetch_to_write(<char*> message + first)
