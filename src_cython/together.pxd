"""Chunks of several networks of one structure, in lanes: per-sample SGD, sample by sample.

The networks are at the same place of their epochs, and have as many samples; which samples these
are, in which order, and eta are each one's own.
"""
from libc.string cimport memcmp

from chunk cimport Chunk
from compiler cimport kernel
from layers cimport Layer, Network
from lanes cimport MOST_VECS, Places, Room, places, sgd_step
from losses cimport is_summed
from samples cimport Samples
from sgd cimport Lap, Plan, Progress, eta_at, note_loss
from vectors cimport real, vd, vec, vf, constant, lanes
cimport chunk
cimport forms


cdef enum:
    MOST_NETWORKS = 32


cdef struct Group:
    Chunk* chunks[MOST_NETWORKS]
    size_t n
    size_t n_vecs       # of each number: 1, 2 or 4
    void* room


cdef struct Side:
    # What is one network's own.
    const char* X
    const char* Y
    const Py_ssize_t* order     # of this epoch
    const Plan* plan
    Progress* progress
    double* losses
    bint is_active              # not stopped by tol


cdef inline size_t bytes_of(const Network* net, size_t n_vecs, size_t row) noexcept nogil:
    """How much room a group needs."""
    cdef Places of = places(net)
    cdef size_t n_out = net.last.n_out
    return n_vecs * row * (
        of.parameters[net.n_layers] + 3 * of.units[net.n_layers] + 2 * net.layer.n_in + 3 * n_out
    )


cdef inline void run(Group* group) noexcept nogil:
    if group.chunks[0].is_double:
        run_as(group, <vd*> group.room, <double> 0)
    else:
        run_as(group, <vf*> group.room, <float> 0)


cdef inline void run_as(Group* group, vec* room, real like) noexcept nogil:
    if group.n_vecs == 1:
        train_in_1(group, room, like)
    elif group.n_vecs == 2:
        train_in_2(group, room, like)
    else:
        train_in_4(group, room, like)


# Functions of their own, for the sake of the stack.
cdef inline kernel train_in_1(Group* group, vec* room, real like) noexcept nogil:
    train(1, group, room, like)


cdef inline kernel train_in_2(Group* group, vec* room, real like) noexcept nogil:
    train(2, group, room, like)


cdef inline kernel train_in_4(Group* group, vec* room, real like) noexcept nogil:
    train(4, group, room, like)


cdef inline void train(int n, Group* group, vec* start, real like) noexcept nogil:
    """n is the number of vecs."""
    cdef Chunk* first = group.chunks[0]
    cdef const Network* net = &first.net
    cdef const Lap* lap = &first.lap
    cdef Places of = places(net)
    cdef size_t n_out = net.last.n_out, n_units = of.units[net.n_layers]
    cdef vec* x = start + of.parameters[net.n_layers] * n
    cdef vec* x_next = x + net.layer.n_in * n
    cdef vec* y = x_next + net.layer.n_in * n
    cdef vec* y_next = y + n_out * n
    cdef vec* share = y_next + n_out * n
    cdef vec* units = share + n_out * n
    cdef vec* a = units + n_units * n
    cdef Room room = Room(start, NULL, NULL, share, units, a, a + n_units * n)
    cdef Side[MOST_NETWORKS] side
    cdef double[MOST_NETWORKS] losses
    cdef double[MOST_NETWORKS] sums
    cdef bint is_narrow = lap.plan.form == forms.NARROW
    cdef bint alike, rates_differ = lap.rates_in_epoch > 1
    cdef Py_ssize_t n_left = first.n_samples, epoch, t, end, begun
    cdef size_t i, n_active = group.n
    for i in range(group.n, <size_t> MOST_NETWORKS):
        sums[i] = 0
    for i in range(group.n):
        chunk.begin(group.chunks[i])
        side[i].is_active = True
        side[i].plan, side[i].progress = group.chunks[i].lap.plan, group.chunks[i].lap.progress
        side[i].losses = group.chunks[i].lap.losses
        sums[i] = group.chunks[i].lap.progress.loss_sum
        look_at_epoch(group.chunks[i], &side[i])
        move(n, group.chunks[i], i, True, start, like)
    epoch, t = lap.progress.epoch, lap.progress.position
    set_share(n, group, side, share, t, like)
    alike = are_alike(group, side)
    while n_left > 0 and epoch < lap.n_epochs and n_active > 0:
        begun = t
        end = min(lap.n, t + n_left)
        read(n, alike, group, side, t, x, y, like)
        while t < end:
            if rates_differ:
                set_share(n, group, side, share, t, like)
            # What is written number by number is read as vecs, which must not come soon after.
            room.x, room.y = x, y
            x, y, x_next, y_next = x_next, y_next, x, y
            t += 1
            if t < end:
                read(n, alike, group, side, t, x, y, like)
            sgd_step(n, net, &of, is_narrow, &room, losses, start, like)
            for i in range(n * lanes(start)):
                sums[i] += losses[i]
        n_left -= end - begun
        if t == lap.n:
            for i in range(n * lanes(start)):
                losses[i] = sums[i] / lap.n
                sums[i] = 0
        for i in range(group.n):
            if not side[i].is_active:
                continue
            note(&side[i], sums[i], t if t < lap.n else 0, end - begun)
            if t == lap.n:
                note_loss(side[i].plan, side[i].progress, side[i].losses, losses[i])
            if side[i].progress.stopped:
                move(n, group.chunks[i], i, False, start, like)
                side[i].is_active = False
                n_active -= 1
        if t < lap.n:
            break
        t = 0
        epoch += 1
        if lap.n_rates > 1:
            set_share(n, group, side, share, 0, like)
        if lap.n_orders > 1 and epoch < lap.n_epochs:
            for i in range(group.n):
                look_at_epoch(group.chunks[i], &side[i])
            alike = are_alike(group, side)
    for i in range(group.n):
        if side[i].is_active:
            move(n, group.chunks[i], i, False, start, like)
        chunk.end(group.chunks[i])


cdef inline void look_at_epoch(const Chunk* one, Side* side) noexcept nogil:
    """Where its samples lie, and their order."""
    cdef const Lap* lap = &one.lap
    if not side.is_active:
        return
    side.X = <const char*> lap.samples.X
    side.Y = <const char*> lap.samples.Y
    side.order = lap.orders + (lap.progress.epoch * lap.n if lap.n_orders > 1 else 0)


cdef inline bint are_alike(const Group* group, const Side* side) noexcept nogil:
    """Whether all networks see the same sample at the same time."""
    cdef size_t i, n_bytes = group.chunks[0].lap.n * sizeof(Py_ssize_t)
    for i in range(1, group.n):
        if side[i].X != side[0].X or side[i].Y != side[0].Y:
            return False
        if memcmp(side[i].order, side[0].order, n_bytes) != 0:
            return False
    return True


cdef inline void note(
    const Side* side, double loss_sum, Py_ssize_t position, Py_ssize_t n
) noexcept nogil:
    """That a network has seen n samples, and is at this place."""
    side.progress.position = position
    side.progress.loss_sum = loss_sum
    side.progress.samples[<int> side.plan.form] += n


cdef inline void set_share(
    int n, const Group* group, const Side* side, vec* share, Py_ssize_t t, real like
) noexcept nogil:
    """As losses.prepare_share, for the step on sample t."""
    cdef const Network* net = &group.chunks[0].net
    cdef size_t n_out = net.last.n_out, n_networks = n * lanes(share), i, k
    cdef real of_output = 1 if is_summed(net.loss) else <real> 1 / <real> n_out
    cdef real scale
    for i in range(group.n):
        if side[i].is_active and group.chunks[i].lap.progress.epoch < group.chunks[i].lap.n_epochs:
            scale = <real> -eta_at(&group.chunks[i].lap, t)
            for k in range(n_out):
                (<real*> share)[k * n_networks + i] = scale * of_output


cdef inline void read(
    int n, bint alike, const Group* group, const Side* side, Py_ssize_t t, vec* x, vec* y, real like
) noexcept nogil:
    """Sample t of each network's order."""
    cdef const Network* net = &group.chunks[0].net
    cdef const Samples* samples = group.chunks[0].lap.samples
    cdef size_t n_networks = n * lanes(x), n_in = net.layer.n_in, n_out = net.last.n_out, i, j
    cdef size_t X_row = samples.X_row, Y_row = samples.Y_row
    cdef const real* row = <const real*> (side.X + side.order[t] * X_row)
    cdef const real* target = <const real*> (side.Y + side.order[t] * Y_row)
    cdef int v
    if alike:
        for j in range(n_in):
            for v in range(n):
                x[j * n + v] = constant(x[0], row[j])
        for j in range(n_out):
            for v in range(n):
                y[j * n + v] = constant(y[0], target_of(net, target, j))
        return
    for i in range(group.n):
        row = <const real*> (side[i].X + side[i].order[t] * X_row)
        target = <const real*> (side[i].Y + side[i].order[t] * Y_row)
        for j in range(n_in):
            (<real*> x)[j * n_networks + i] = row[j]
        for j in range(n_out):
            (<real*> y)[j * n_networks + i] = <real> target_of(net, target, j)


cdef inline double target_of(const Network* net, const real* target, size_t k) noexcept nogil:
    """Number k of a row of targets, or of that with 1 at a class number: see losses.read_target."""
    if net.n_targets == net.last.n_out:
        return target[k]
    return 1 if k == <size_t> target[0] else 0


cdef inline void move(
    int n, Chunk* one, size_t i, bint inwards, vec* parameters, real like
) noexcept nogil:
    """Parameters of network i from its own working copy, or back."""
    cdef const Network* net = &one.net
    cdef const Layer* layer
    cdef size_t n_networks = n * lanes(parameters), j, k
    cdef real* mine = <real*> parameters + i
    cdef real* own
    cdef size_t place
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        layer = &net.layer[l]
        for j in range(layer.n_in + 1):
            place = layer.b if j == layer.n_in else layer.W + j * layer.stride
            own = <real*> (<char*> one.parameters + place)
            for k in range(layer.n_out):
                if inwards:
                    mine[0] = own[k]
                else:
                    own[k] = mine[0]
                mine += n_networks
