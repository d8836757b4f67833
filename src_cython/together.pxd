"""Chunks of several networks of one structure, in lanes: per-sample SGD, sample by sample.

The networks are at the same place of their epochs, and have as many samples; which samples these
are, in which order, and eta are each one's own.
"""
from libc.string cimport memcmp

from chunk cimport Chunk
from compiler cimport kernel
from layers cimport Layer, Network
from lanes cimport Places, Room, places, sgd_step
from losses cimport is_summed
from samples cimport BLOCK, Samples
from sgd cimport Lap, Plan, Progress, eta_in, note_loss
from vectors cimport real, vd, vec, vf, constant, lanes
cimport chunk
cimport forms


cdef enum:
    MOST_NETWORKS = 32
    MOST_KEPT = 16      # epochs whose losses wait to be written
    AHEAD = 16          # samples whose rows are looked up at once


cdef struct Group:
    Chunk* chunks[MOST_NETWORKS]
    size_t n
    size_t n_vecs       # of each number: 1, 2 or 4
    void* room


cdef struct Side:
    # What is one network's own.
    const char* X
    const char* Y
    const Py_ssize_t* orders    # of all epochs
    const Plan* plan
    Progress* progress
    double* losses
    bint is_active              # not stopped by tol


cdef inline size_t bytes_of(const Network* net, size_t n_vecs) noexcept nogil:
    """How much room a group needs at most: where a vec is a single number, doubles need more."""
    cdef Places of = places(net, False, <vd*> NULL)
    return n_vecs * sizeof(vd) * (
        of.parameters[net.n_layers] + 3 * of.units[net.n_layers] + net.layer.n_in
        + 2 * net.last.n_out
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
    cdef bint is_narrow = lap.plan.form == forms.NARROW
    cdef Places of = places(net, is_narrow, start)
    cdef size_t n_out = net.last.n_out, n_units = of.units[net.n_layers]
    cdef vec* x = start + of.parameters[net.n_layers] * n
    cdef vec* y = x + net.layer.n_in * n
    cdef vec* share = y + n_out * n
    cdef vec* units = share + n_out * n
    cdef vec* a = units + n_units * n
    cdef Room room = Room(start, x, y, share, units, a, a + n_units * n)
    cdef Side[MOST_NETWORKS] side
    cdef double[MOST_NETWORKS] losses
    cdef double[MOST_NETWORKS] sums
    cdef double[MOST_KEPT][MOST_NETWORKS] kept
    cdef Py_ssize_t[AHEAD * MOST_NETWORKS] rows
    cdef const Py_ssize_t* ahead = rows
    cdef bint alike, may_stop = False, rates_differ = lap.rates_in_epoch > 1
    cdef Py_ssize_t n_left = first.n_samples, n_seen = 0, n_done = 0, n_kept = 0, n_ahead = 0
    cdef Py_ssize_t epoch, t, end
    cdef size_t i, n_active = group.n
    for i in range(group.n, <size_t> MOST_NETWORKS):
        sums[i] = 0
    for i in range(group.n):
        chunk.begin(group.chunks[i])
        side[i] = side_of(&group.chunks[i].lap)
        sums[i] = side[i].progress.loss_sum
        may_stop |= side[i].plan.tol == side[i].plan.tol
        move(n, group.chunks[i], i, True, start, like)
    epoch, t = lap.progress.epoch, lap.progress.position
    set_share(n, group, side, share, epoch, t, like)
    alike = are_alike(lap, group.n, side)
    while n_left > 0 and epoch < lap.n_epochs and n_active > 0:
        # Where a chunk of the lone network ends, to whose start it goes back if it diverges.
        end = t + n_left
        if not is_narrow:
            end = t + (n_left + BLOCK - 1) // BLOCK * BLOCK
        end = min(lap.n, end)
        n_left -= end - t
        n_seen += end - t
        while t < end:
            if rates_differ:
                set_share(n, group, side, share, epoch, t, like)
            if alike:
                read_one(n, lap, side, t, x, y, like)
            else:
                if n_ahead == 0:
                    n_ahead = look_ahead(lap, group.n, side, epoch, t, rows)
                    ahead = rows
                read_each(n, lap, group.n, side, ahead, x, y, like)
                ahead += MOST_NETWORKS
                n_ahead -= 1
            t += 1
            sgd_step(n, net, &of, is_narrow, &room, losses, start, like)
            for i in range(n * lanes(start)):
                sums[i] += losses[i]
        if t < lap.n:
            break
        for i in range(n * lanes(start)):
            losses[i] = sums[i] / lap.n
            sums[i] = 0
        if not may_stop:
            # What note_loss writes, the loop of a small table would wait for; and what else it
            # notes is asked for by nobody who does not stop.
            for i in range(n * lanes(start)):
                kept[n_kept][i] = losses[i]
            n_done += 1
            n_kept += 1
            if n_kept == MOST_KEPT:
                write_losses(group, side, &kept[0][0], n_kept, epoch)
                n_kept = 0
        for i in range(group.n if may_stop else 0):
            if side[i].is_active:
                note_loss(side[i].plan, side[i].progress, side[i].losses, losses[i])
                if side[i].progress.stopped:
                    end_of(n, group.chunks[i], i, &side[i], 0, 0, n_seen, start, like)
                    n_active -= 1
        t = 0
        epoch += 1
        if lap.n_rates > 1:
            set_share(n, group, side, share, epoch, 0, like)
    write_losses(group, side, &kept[0][0], n_kept, epoch - 1)
    for i in range(group.n):
        if side[i].is_active:
            side[i].progress.epoch += n_done
            end_of(n, group.chunks[i], i, &side[i], sums[i], t, n_seen, start, like)
        chunk.end(group.chunks[i])


cdef inline Side side_of(const Lap* lap) noexcept nogil:
    return Side(
        <const char*> lap.samples.X, <const char*> lap.samples.Y, lap.orders, lap.plan,
        lap.progress, lap.losses, True,
    )


cdef inline bint are_alike(const Lap* lap, size_t n_networks, const Side* side) noexcept nogil:
    """Whether all networks see the same samples in the same order, in each epoch."""
    cdef size_t i
    if lap.n_orders > 1:
        return False
    for i in range(1, n_networks):
        if side[i].X != side.X or side[i].Y != side.Y:
            return False
        if memcmp(side[i].orders, side.orders, lap.n * sizeof(Py_ssize_t)) != 0:
            return False
    return True


cdef inline void write_losses(
    const Group* group, const Side* side, const double* kept, Py_ssize_t n, Py_ssize_t last
) noexcept nogil:
    """Of n epochs. Losses of networks may lie where one line of a cache must serve them all."""
    cdef Py_ssize_t e
    cdef size_t i
    for i in range(group.n):
        for e in range(n):
            side[i].losses[last - n + 1 + e] = kept[e * MOST_NETWORKS + i]


cdef inline void end_of(
    int n, Chunk* one, size_t i, Side* side, double loss_sum, Py_ssize_t position,
    Py_ssize_t n_seen, vec* parameters, real like,
) noexcept nogil:
    """Network i has seen so many samples, and is at this place; it sees no more."""
    side.progress.position = position
    side.progress.loss_sum = loss_sum
    side.progress.samples[<int> side.plan.form] += n_seen
    move(n, one, i, False, parameters, like)
    side.is_active = False


cdef inline void set_share(
    int n, const Group* group, const Side* side, vec* share, Py_ssize_t epoch, Py_ssize_t t,
    real like,
) noexcept nogil:
    """As losses.prepare_share, for the step on sample t."""
    cdef const Network* net = &group.chunks[0].net
    cdef size_t n_out = net.last.n_out, n_networks = n * lanes(share), i, k
    cdef real of_output = 1 if is_summed(net.loss) else <real> 1 / <real> n_out
    cdef real scale
    for i in range(group.n):
        if side[i].is_active and epoch < group.chunks[i].lap.n_epochs:
            scale = <real> -eta_in(&group.chunks[i].lap, epoch, t)
            for k in range(n_out):
                (<real*> share)[k * n_networks + i] = scale * of_output


cdef inline void read_one(
    int n, const Lap* lap, const Side* side, Py_ssize_t t, vec* x, vec* y, real like
) noexcept nogil:
    """Sample t, which all networks see."""
    cdef const Samples* samples = lap.samples
    cdef const real* row = <const real*> (side.X + side.orders[t] * samples.X_row)
    cdef const real* target = <const real*> (side.Y + side.orders[t] * samples.Y_row)
    cdef size_t j
    cdef int v
    for j in range(lap.net.layer.n_in):
        for v in range(n):
            x[j * n + v] = constant(x[0], row[j])
    for j in range(lap.net.last.n_out):
        for v in range(n):
            y[j * n + v] = constant(y[0], target_of(lap.net, target, j))


cdef inline void read_each(
    int n, const Lap* lap, size_t n_networks, const Side* side, const Py_ssize_t* rows, vec* x,
    vec* y, real like,
) noexcept nogil:
    """For each network its own sample, of which these are the rows."""
    cdef const Network* net = lap.net
    cdef size_t X_row = lap.samples.X_row, Y_row = lap.samples.Y_row, n_all = n * lanes(x), i, j
    cdef const real* row[MOST_NETWORKS]
    for i in range(n_networks):
        row[i] = <const real*> (side[i].X + rows[i] * X_row)
    for j in range(net.layer.n_in):
        for i in range(n_networks):
            (<real*> x)[j * n_all + i] = row[i][j]
    for i in range(n_networks):
        row[i] = <const real*> (side[i].Y + rows[i] * Y_row)
    for j in range(net.last.n_out):
        for i in range(n_networks):
            (<real*> y)[j * n_all + i] = <real> target_of(net, row[i], j)


cdef inline Py_ssize_t look_ahead(
    const Lap* lap, size_t n_networks, const Side* side, Py_ssize_t epoch, Py_ssize_t t,
    Py_ssize_t* rows,
) noexcept nogil:
    """The rows of the next samples of each network; of how many samples.

    Orders of networks may lie where one line of a cache must serve them all. Those of epochs follow
    each other.
    """
    cdef Py_ssize_t place = t, n = lap.n, s
    cdef size_t i
    if lap.n_orders > 1:
        place += epoch * lap.n
        n *= lap.n_epochs
    n = min(n - place, <Py_ssize_t> AHEAD)
    for i in range(n_networks):
        for s in range(n):
            rows[s * MOST_NETWORKS + i] = side[i].orders[place + s]
    return n


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
