"""L2 regularisation, W <- W - eta (∂L/∂W + lambda W), and the norm of W for the loss.

With keep = 1 - eta lambda and step = -eta delta, the plain algorithm is W <- keep W + xᵀstep, for
every weight. But the zero-skip form leaves most weights alone, and the blocked form all of them
while a block runs. So what is stored then are the true W and b divided by a scale c, and to decay
is to make c smaller, c' = keep c (Bottou, Stochastic Gradient Descent Tricks, 2012, section 5.1;
wscale in scikit-learn). With c before an update and c' after it,

    z = c (x W_stored + b_stored)
    W_stored <- W_stored + xᵀ(step / c')
    b_stored <- (c b_stored) / c' + step / c'       since b does not decay

and the forms and layers, given the step divided by c', do what they always do. A block starts with
c = 1, and at its end all parameters are multiplied by c. ‖W‖² goes along, without a look at W:

    ‖W_stored + xᵀu‖² = ‖W_stored‖² + 2 (x W_stored)·u + ‖x‖² ‖u‖²     with u = step / c'

Batches, of which each costs a pass through W anyway, do what the plain algorithm does; and so do
narrow networks, whose W is a few vecs, and single samples where c would become too small in a
block, or 0, or negative.
"""
from compiler cimport kernel
from layers cimport Layer, Network, vecs
from samples cimport BLOCK
from vectors cimport real, vec, as_vecs, at, constant, lanes, multiply, sum_of_lanes


cdef struct Scale:
    double l2           # lambda
    double power        # of keep: what c_next is before it is rounded
    double c            # as vecs hold it, so that the roundings of c do not add up in W and b
    double c_next       # c'
    double norm         # Σ W_stored² of all layers


cdef inline Scale scale_of(double l2, double norm) noexcept nogil:
    return Scale(l2, 1, 1, 1, norm)


cdef inline double least_keep() noexcept nogil:
    """keep with which c is 2^-20 after a block."""
    return 2.0 ** (-20.0 / BLOCK)


cdef inline bint is_too_strong(double eta_lambda) noexcept nogil:
    """Whether c could be smaller than that."""
    return 1 - eta_lambda < least_keep()


cdef inline void begin(Scale* scale) noexcept nogil:
    """A block starts: what is stored is true."""
    scale.power = 1
    scale.c_next = 1


cdef inline void advance(Scale* scale, double eta, real like) noexcept nogil:
    """To the next sample of the block, or the first."""
    scale.c = scale.c_next
    # Not keep · power: the error of keep, where it is nearly 1, would be made once a sample.
    scale.power -= eta * scale.l2 * scale.power
    scale.c_next = <real> scale.power


cdef inline double penalty(const Scale* scale) noexcept nogil:
    """½ lambda ‖W‖²"""
    return scale.l2 / 2 * scale.c * scale.c * scale.norm


cdef inline void to_true_z(const Scale* scale, const Layer* layer, vec* units) noexcept nogil:
    multiply(at(units, layer.z), vecs(layer, units), scale.c)


cdef inline void to_true_step(const Scale* scale, const Layer* layer, vec* units) noexcept nogil:
    """What the layer above handed down is W_stored (step / c')."""
    multiply(at(units, layer.delta), vecs(layer, units), scale.c * scale.c_next)


cdef inline kernel to_stored_step(
    Scale* scale, const Layer* layer, vec* parameters, double squares_of_x, vec* units, real like
) noexcept nogil:
    """step / c' in place of step; b and the norm alike."""
    cdef vec* b = at(parameters, layer.b)
    cdef const vec* z = at(units, layer.z)
    cdef vec* step = at(units, layer.delta)
    cdef vec c = constant(b[0], scale.c), c_next = constant(b[0], scale.c_next)
    cdef vec true_b, products = constant(b[0], 0), steps = constant(b[0], 0)
    cdef double of_step = 1 / scale.c_next
    cdef size_t k
    for k in range(vecs(layer, units)):
        true_b = c * b[k]
        products = products + (z[k] - true_b) * step[k]
        steps = steps + step[k] * step[k]
        b[k] = true_b / c_next
        step[k] = step[k] / c_next
    scale.norm += 2 * of_step / scale.c * sum_of_lanes(products, like)
    scale.norm += of_step * of_step * squares_of_x * sum_of_lanes(steps, like)


cdef inline void fold(const Network* net, Scale* scale, vec* parameters) noexcept nogil:
    """The block ends: what is stored becomes true."""
    multiply(parameters, (net.last.b + net.last.row) // sizeof(vec), scale.c_next)
    scale.norm *= scale.c_next * scale.c_next


cdef inline double squares(const vec* like, const real* x, size_t n) noexcept nogil:
    """Σ x_j² of n numbers."""
    cdef const vec* x_vecs = as_vecs(like, x)
    cdef vec s[4]
    cdef size_t k = 0, j, n_vec = n // lanes(like)
    cdef int i
    cdef double total
    for i in range(4):
        s[i] = constant(like[0], 0)
    while k + 4 <= n_vec:
        for i in range(4):
            s[i] = s[i] + x_vecs[k + i] * x_vecs[k + i]
        k += 4
    while k < n_vec:
        s[0] = s[0] + x_vecs[k] * x_vecs[k]
        k += 1
    total = sum_of_lanes((s[0] + s[1]) + (s[2] + s[3]), <real> 0)
    for j in range(n_vec * lanes(like), n):
        total += <double> x[j] * x[j]
    return total


cdef inline kernel norm_and_decay(
    const Network* net, vec* parameters, double decay, double* norm, real like
) noexcept nogil:
    """norm = Σ W² of all layers, and then W <- W - decay W.

    In pieces that stay in the L1 cache between the two, and whose sums are added up in double.
    """
    cdef const Layer* layer
    cdef vec* W
    cdef size_t k, start, n, n_vec
    cdef Py_ssize_t l
    cdef vec factor = constant(parameters[0], -decay)
    norm[0] = 0
    for l in range(net.n_layers):
        layer = &net.layer[l]
        n_vec = (layer.b - layer.W) // sizeof(vec)
        for start in range(0, n_vec, 64):
            W = at(parameters, layer.W) + start
            n = min(n_vec - start, <size_t> 64)
            norm[0] += squares(W, <const real*> W, n * lanes(W))
            if decay != 0:
                for k in range(n):
                    W[k] = W[k] + factor * W[k]
