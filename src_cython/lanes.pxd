"""A sample of each of several networks at once: a lane of a vector belongs to one of them.

The networks have the same sizes, activations, loss and dtype. Each number of a network, such as a
weight or an output, is n vecs here, next to each other, with as many networks as these have lanes.
Each sum is made in the order in which the lone network makes it, in narrow.pxd or in dense.pxd, of
the same functions of vecs, so that each network gets the bits that it would get alone.

n is a constant, of 1 to MOST_VECS, wherever this is inlined.
"""
from activations cimport SOFTMAX, activate, multiply_derivative
from layers cimport Layer, Network
from losses cimport CROSS_ENTROPY, HUBER, MAE, MSE, cross_entropy, derivative_of, is_summed, loss_of
from vectors cimport real, vec, constant, if_greater, lanes
from exponential cimport exp
cimport dense


cdef enum:
    MOST_VECS = 4
    MOST_LAYERS = 8
    MOST_OUTPUTS = 64


cdef struct Places:
    # Of numbers, each of n vecs: how many there are before those of a layer.
    size_t[MOST_LAYERS + 1] parameters  # W row by row, then b
    size_t[MOST_LAYERS + 1] units       # of z, and so of a and delta
    # To which unit of a layer there is one chain in a sum, and from there two; from then on four.
    size_t[MOST_LAYERS] one
    size_t[MOST_LAYERS] two


cdef struct Room:
    # Where vecs lie.
    void* parameters
    void* x
    void* y
    void* share     # of each output in delta: -eta, or that through the number of outputs
    void* z
    void* a
    void* delta


cdef inline Places places(const Network* net, bint is_narrow, const vec* like) noexcept nogil:
    """For chains see dense.forward, and narrow.z_of."""
    cdef Places found
    cdef const Layer* layer
    cdef Py_ssize_t l
    cdef size_t n_vec, wide
    found.parameters[0] = found.units[0] = 0
    for l in range(net.n_layers):
        layer = &net.layer[l]
        found.parameters[l + 1] = found.parameters[l] + (layer.n_in + 1) * layer.n_out
        found.units[l + 1] = found.units[l] + layer.n_out
        n_vec = layer.row // sizeof(vec)
        wide = n_vec - n_vec % 8
        found.one[l] = 0 if is_narrow else min(layer.n_out, wide * lanes(like))
        if n_vec - wide >= 4:
            wide += 4
        found.two[l] = layer.n_out if is_narrow else min(layer.n_out, wide * lanes(like))
    return found


cdef inline void sum_of_unit(
    int n, int chains, const vec* W, size_t apart, const vec* b, const vec* x, size_t n_in, vec* z
) noexcept nogil:
    """z = xW + b of one unit, whose weights lie so many vecs apart: see dense.forward_columns."""
    cdef vec s[4 * MOST_VECS]
    cdef size_t j
    cdef int c, v
    for v in range(n):
        s[v] = b[v]
        for c in range(1, chains):
            s[c * n + v] = constant(b[0], 0)
    for c in range(chains):
        j = c
        while j < n_in:
            for v in range(n):
                s[c * n + v] = s[c * n + v] + x[j * n + v] * W[j * apart + v]
            j += chains
    dense.join_chains(n, chains, s, z)


cdef inline void z_of(
    int n, const Layer* layer, size_t one, size_t two, const vec* W, const vec* x, vec* z
) noexcept nogil:
    cdef const vec* b = W + layer.n_in * layer.n_out * n
    cdef size_t k, n_in = layer.n_in, apart = layer.n_out * n
    for k in range(one):
        sum_of_unit(n, 1, W + k * n, apart, b + k * n, x, n_in, z + k * n)
    for k in range(one, two):
        sum_of_unit(n, 2, W + k * n, apart, b + k * n, x, n_in, z + k * n)
    for k in range(two, layer.n_out):
        sum_of_unit(n, 4, W + k * n, apart, b + k * n, x, n_in, z + k * n)


cdef inline void softmax(int n, const vec* z, vec* a, size_t n_out) noexcept nogil:
    """As activations.softmax."""
    cdef vec largest[MOST_VECS]
    cdef vec total[MOST_VECS]
    cdef size_t k
    cdef int v
    for v in range(n):
        largest[v] = z[v]
        total[v] = constant(z[0], 0)
    for k in range(1, n_out):
        for v in range(n):
            largest[v] = if_greater(z[k * n + v], largest[v], z[k * n + v], largest[v])
    for k in range(n_out):
        for v in range(n):
            a[k * n + v] = exp(z[k * n + v] - largest[v])
            total[v] = total[v] + a[k * n + v]
    for k in range(n_out):
        for v in range(n):
            a[k * n + v] = a[k * n + v] / total[v]


cdef inline void join_lanes(int n, vec* s, size_t n_sums) noexcept nogil:
    """s[0] = the sum of so many, of which the lone network has one in each lane: see sums()."""
    cdef size_t i, left = n_sums
    cdef int v
    while left > 1:
        for i in range(left // 2):
            for v in range(n):
                s[i * n + v] = s[2 * i * n + v] + s[(2 * i + 1) * n + v]
        if left % 2:
            for v in range(n):
                s[left // 2 * n + v] = s[(left - 1) * n + v]
        left = (left + 1) // 2
    if n_sums < lanes(s):
        for v in range(n):  # the padding there
            s[v] = s[v] + constant(s[0], 0)


cdef inline void losses(
    int n, const Network* net, const vec* z, const vec* a, const vec* y, double* found, real like
) noexcept nogil:
    """L of each network, before it learns: see losses.sample_loss."""
    cdef vec s[8 * MOST_VECS]
    cdef size_t n_out = net.last.n_out, n_lanes = lanes(z), n_sums = min(n_out, n_lanes), k
    cdef size_t i
    cdef int v
    cdef real share = 1 if is_summed(net.loss) else <real> 1 / <real> n_out
    cdef vec share_ = constant(z[0], share)
    if net.loss == CROSS_ENTROPY:
        for i in range(n * n_lanes):
            found[i] = cross_entropy_of(
                <const real*> z + i, <const real*> a + i, <const real*> y + i, n_out, n * n_lanes, z
            )
        return
    for k in range(n_sums * n):
        s[k] = constant(z[0], 0)
    for k in range(n_out):
        for v in range(n):
            s[k % n_lanes * n + v] = s[k % n_lanes * n + v] + share_ * loss_of(
                net.loss, z[k * n + v], a[k * n + v], y[k * n + v]
            )
    if n_out > 1:
        join_lanes(n, s, n_sums)
    for i in range(n * n_lanes):
        found[i] = (<const real*> s)[i]


cdef inline double cross_entropy_of(
    const real* z, const real* a, const real* y, size_t n_out, size_t apart, const vec* like
) noexcept nogil:
    """Of one network, whose numbers lie so far apart."""
    cdef vec own_z[MOST_OUTPUTS]
    cdef vec own_a[MOST_OUTPUTS]
    cdef vec own_y[MOST_OUTPUTS]
    cdef size_t k
    for k in range(n_out):
        (<real*> own_z)[k] = z[k * apart]
        (<real*> own_a)[k] = a[k * apart]
        (<real*> own_y)[k] = y[k * apart]
    return cross_entropy(own_z, own_a, own_y, n_out, z[0])


cdef inline void delta_below_of(
    int n, const Layer* layer, bint is_narrow, const vec* W, const vec* delta, vec* delta_below
) noexcept nogil:
    """W·delta: see narrow.delta_below_of and dense.row_sums."""
    cdef vec s[8 * MOST_VECS]
    cdef size_t n_out = layer.n_out, n_lanes = lanes(W), n_sums = min(n_out, n_lanes), _j, k
    cdef int v
    for _j in range(layer.n_in):
        if is_narrow and n_out == 1:
            for v in range(n):
                delta_below[v] = (W[v] + constant(W[0], 0)) * delta[v]
        else:
            for k in range(n_sums * n):
                s[k] = constant(W[0], 0)
            for k in range(n_out):
                for v in range(n):
                    s[k % n_lanes * n + v] = (
                        s[k % n_lanes * n + v] + W[k * n + v] * delta[k * n + v]
                    )
            join_lanes(n, s, n_sums)
            for v in range(n):
                delta_below[v] = s[v]
        W += n_out * n
        delta_below += n


cdef inline void update(
    int n, const Layer* layer, vec* W, const vec* x, const vec* step
) noexcept nogil:
    """W <- W + xᵀstep, b <- b + step"""
    cdef size_t _j, k
    cdef int v
    for _j in range(layer.n_in):
        for k in range(layer.n_out):
            for v in range(n):
                W[v] = W[v] + x[v] * step[k * n + v]
            W += n
        x += n
    for k in range(layer.n_out * n):
        W[k] = W[k] + step[k]


cdef inline void sgd_step(
    int n, const Network* net, const Places* places, bint is_narrow, const Room* room,
    double* losses_, const vec* like_vec, real like,
) noexcept nogil:
    """One step of each network on its sample, and the losses before it."""
    cdef vec* parameters = <vec*> room.parameters
    cdef const vec* inputs = <const vec*> room.x
    cdef vec* z = <vec*> room.z
    cdef vec* a = <vec*> room.a
    cdef vec* delta = <vec*> room.delta
    cdef const vec* y = <const vec*> room.y
    cdef const vec* share = <const vec*> room.share
    cdef const Layer* layer
    cdef Py_ssize_t l, last = net.n_layers - 1
    cdef size_t place = 0, below, k
    for l in range(net.n_layers):
        layer = &net.layer[l]
        place = places.units[l] * n
        z_of(
            n, layer, places.one[l], places.two[l], parameters + places.parameters[l] * n, inputs,
            z + place,
        )
        if layer.activation == SOFTMAX:
            softmax(n, z + place, a + place, layer.n_out)
        else:
            activate(
                layer.activation, z + place, a + place, 0, 1, layer.n_out * n, layer.n_out, like
            )
        inputs = a + place
    losses(n, net, z + place, a + place, y, losses_, like)
    for k in range(net.last.n_out * n):
        delta[place + k] = share[k] * derivative_of(net.loss, a[place + k], y[k])
    if net.loss == MSE or net.loss == MAE or net.loss == HUBER:
        multiply_derivative(
            net.last.activation, z + place, a + place, delta + place, 0, 1, net.last.n_out * n, like
        )
    for l in range(last, 0, -1):
        layer = &net.layer[l]
        place, below = places.units[l] * n, places.units[l - 1] * n
        delta_below_of(
            n, layer, is_narrow, parameters + places.parameters[l] * n, delta + place, delta + below
        )
        multiply_derivative(
            net.layer[l - 1].activation, z + below, a + below, delta + below, 0, 1,
            net.layer[l - 1].n_out * n, like,
        )
        update(n, layer, parameters + places.parameters[l] * n, a + below, delta + place)
    update(n, net.layer, parameters, <const vec*> room.x, delta)
