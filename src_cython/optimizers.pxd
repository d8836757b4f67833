"""What a step makes of a batch's gradient g, for all parameters theta in one pass.

momentum   v <- mu v + g                        theta <- theta - eta v, nesterov: eta (g + mu v)
adam       m <- beta_1 m + (1 - beta_1) g       theta <- theta - eta m̂ / (√v̂ + epsilon)
           v <- beta_2 v + (1 - beta_2) g²      m̂ = m / (1 - beta_1^t), v̂ = v / (1 - beta_2^t)
rmsprop    v <- rho v + (1 - rho) g²            theta <- theta - eta g / (√v + epsilon)
adagrad    v <- v + g²                          theta <- theta - eta g / (√v + epsilon)

g is ∂L/∂theta, for weights with lambda W of L2 regularisation; the sources are named in
fastnn/optimizers.py. Plain SGD, whose steps go into the parameters as they are made, comes here
only where a batch is larger than a block, or to be clipped.
"""
from libc.float cimport DBL_MIN, FLT_MIN
from libc.math cimport INFINITY, sqrt

from compiler cimport kernel, prefetch_to_write
from layers cimport Layer, Network, first_row
from vectors cimport real, vec, vf, absolute, at, constant, if_greater, multiply, square_root
cimport decay


cdef enum Kind:
    SGD
    MOMENTUM
    ADAM
    RMSPROP
    ADAGRAD


cdef struct Optimizer:
    size_t kind
    double clip_norm        # infinite: the gradient's norm is not bounded
    double momentum         # mu or beta_1
    double memory           # beta_2 or rho
    double epsilon
    double weight_decay     # of AdamW: W <- W - eta weight_decay W beside the step
    size_t nesterov
    size_t rate_inside      # momentum keeps eta g instead of g
    size_t epsilon_hat      # Adam's epsilon is added to √v instead of √v̂
    # Kept between calls.
    double power_1          # beta_1^t
    double power_2          # beta_2^t


cdef inline bint clips(const Optimizer* optimizer) noexcept nogil:
    return optimizer.clip_norm < INFINITY


cdef inline bint is_plain(const Optimizer* optimizer) noexcept nogil:
    """Whether steps can go into the parameters as they are made."""
    return optimizer.kind == SGD and not clips(optimizer)


cdef inline double scale_of_gradient(const Optimizer* optimizer, double eta) noexcept nogil:
    """What the gradient that `step` gets is a multiple of."""
    return -eta if optimizer.kind == SGD or optimizer.rate_inside else 1


cdef inline void clip(
    const Optimizer* optimizer, const Network* net, vec* gradient, double eta, real like
) noexcept nogil:
    """Scale the gradient of a batch down to the norm that is allowed."""
    cdef double scale = scale_of_gradient(optimizer, eta)
    clip_to(
        gradient, (net.last.b + net.last.row) // sizeof(vec), abs(scale) * optimizer.clip_norm, like
    )


cdef inline void count_step(Optimizer* optimizer) noexcept nogil:
    optimizer.power_1 *= optimizer.momentum
    optimizer.power_2 *= optimizer.memory


cdef inline void step_by(
    Optimizer* optimizer, const Network* net, vec* parameters, vec* gradient, vec* state,
    double eta, double l2, real like,
) noexcept nogil:
    """The next step by a whole gradient ∂L/∂theta, which is zero afterwards."""
    cdef double norm
    cdef size_t n_vec = (net.last.b + net.last.row) // sizeof(vec)
    if clips(optimizer):
        clip_to(gradient, n_vec, optimizer.clip_norm, like)
    multiply(gradient, n_vec, scale_of_gradient(optimizer, eta))
    count_step(optimizer)
    if l2 > 0 and optimizer.kind == SGD:
        decay.norm_and_decay(net, parameters, eta * l2, &norm, like)
    step(optimizer, net, parameters, gradient, state, eta, l2, 0, 1, like)


cdef inline void step(
    const Optimizer* optimizer, const Network* net, vec* parameters, vec* gradient, vec* state,
    double eta, double l2, size_t part, size_t n_parts, real like,
) noexcept nogil:
    """A step of a part of the rows by the gradient of a batch, which is zero there afterwards."""
    cdef size_t start, end
    cdef double scale = scale_of_gradient(optimizer, eta)
    cdef const Layer* layer
    cdef Py_ssize_t l
    for l in range(net.n_layers):
        layer = &net.layer[l]
        start = layer.W + layer.stride * first_row(layer, part, n_parts)
        end = layer.W + layer.stride * first_row(layer, part + 1, n_parts)
        step_in(
            optimizer, net, parameters, gradient, state, start,
            end if part + 1 < n_parts else layer.b, eta, l2 * scale,
            1 - eta * optimizer.weight_decay, like,
        )
        if part == 0:
            step_in(
                optimizer, net, parameters, gradient, state, layer.b, layer.b + layer.row, eta, 0,
                1, like,
            )


cdef inline void fetch(
    const Network* net, const vec* parameters, size_t part, size_t n_parts
) noexcept nogil:
    """What step will write: lines that others have read take long to get."""
    cdef const Layer* layer
    cdef Py_ssize_t l
    cdef size_t place, end
    for l in range(net.n_layers):
        layer = &net.layer[l]
        place = layer.W + layer.stride * first_row(layer, part, n_parts)
        end = layer.W + layer.stride * first_row(layer, part + 1, n_parts)
        while place < end:
            prefetch_to_write(at(parameters, place))
            place += 64


cdef inline void clip_to(vec* gradient, size_t n_vec, double clip_norm, real like) noexcept nogil:
    """Scale it down to a norm of clip_norm, if its own is larger, and finite."""
    cdef size_t n = n_vec * (sizeof(vec) // sizeof(real))
    cdef double norm = sqrt(sum_of_squares(gradient, n_vec, like)), largest
    if smallest_normal(gradient[0]) <= norm * norm < INFINITY:
        if norm > clip_norm:
            multiply(gradient, n_vec, clip_norm / norm)
        return
    # Of numbers like these, squares are too large or too small to be had.
    largest = largest_of(<const real*> gradient, n)
    if smallest_normal(gradient[0]) <= largest < INFINITY:
        norm = sqrt(sum_of_scaled_squares(<const real*> gradient, n, largest))
        if largest > clip_norm / norm:
            multiply(gradient, n_vec, 1 / largest)
            multiply(gradient, n_vec, clip_norm / norm)


cdef inline double sum_of_squares(const vec* gradient, size_t n_vec, real like) noexcept nogil:
    cdef double total = 0
    cdef size_t start, n
    for start in range(0, n_vec, 64):  # in float32, a longer sum would lose its last digits
        n = min(n_vec - start, <size_t> 64) * (sizeof(vec) // sizeof(real))
        total += decay.squares(gradient, <const real*> (gradient + start), n)
    return total


cdef inline double largest_of(const real* numbers, size_t n) noexcept nogil:
    """The largest |g|, or NaN if there is one."""
    cdef double largest = 0, size
    cdef size_t k
    for k in range(n):
        size = abs(<double> numbers[k])
        if size > largest or size != size:
            largest = size
    return largest


cdef inline double sum_of_scaled_squares(
    const real* numbers, size_t n, double largest
) noexcept nogil:
    cdef double total = 0
    cdef size_t k
    for k in range(n):
        total += (numbers[k] / largest) * (numbers[k] / largest)
    return total


cdef inline void step_in(
    const Optimizer* optimizer, const Network* net, vec* parameters, vec* gradient, vec* state,
    size_t start, size_t end, double eta, double l2, double keep, real like,
) noexcept nogil:
    """step for the bytes start to end of the parameter block, which are weights or biases.

    l2 theta is added to the gradient, and theta is multiplied by keep.
    """
    cdef vec* theta = at(parameters, start)
    cdef vec* g = at(gradient, start)
    cdef vec* first = at(state, start)
    cdef vec* second = at(state, net.last.b + net.last.row + start)
    cdef size_t n_vec = (end - start) // sizeof(vec)
    cdef double root_2 = sqrt(1 - optimizer.power_2)
    if optimizer.kind == SGD:
        descend(theta, g, n_vec)
    elif optimizer.kind == MOMENTUM:
        momentum(
            theta, g, first, n_vec, optimizer.momentum, l2,
            1 if optimizer.rate_inside else -eta, optimizer.nesterov, like,
        )
    elif optimizer.kind == ADAM:
        adam(
            optimizer, theta, g, first, second, n_vec, l2, keep,
            -eta / (1 - optimizer.power_1) * (root_2 if optimizer.epsilon_hat else 1),
            1 if optimizer.epsilon_hat else 1 / root_2, like,
        )
    else:
        scaled(
            theta, g, first, n_vec, optimizer.kind == RMSPROP, 1 - optimizer.memory,
            optimizer.epsilon, l2, -eta, like,
        )


cdef inline vec normal(vec v) noexcept nogil:
    """v, but for numbers so small that CPUs take a hundred cycles for each: 0.

    Where gradients end, as those of a unit that is never active, means of them go there and stay.
    """
    return if_greater(constant(v, smallest_normal(v)), absolute(v), constant(v, 0), v)


cdef inline double smallest_normal(vec like) noexcept nogil:
    return FLT_MIN if vec is vf else DBL_MIN


cdef inline kernel descend(vec* theta, vec* g, size_t n_vec) noexcept nogil:
    """theta += g, which is zero afterwards"""
    cdef size_t k
    cdef vec zero = constant(g[0], 0)
    for k in range(n_vec):
        theta[k] = theta[k] + g[k]
        g[k] = zero


cdef inline kernel momentum(
    vec* theta, vec* g, vec* v, size_t n_vec, double mu, double l2, double rate, bint nesterov,
    real like,
) noexcept nogil:
    cdef vec zero = constant(g[0], 0), mu_ = constant(g[0], mu), lambda_ = constant(g[0], l2)
    cdef vec rate_ = constant(g[0], rate), g_k
    cdef size_t k
    for k in range(n_vec):
        g_k = g[k] + lambda_ * theta[k]
        v[k] = normal(g_k + mu_ * v[k])
        theta[k] = theta[k] + rate_ * (g_k + mu_ * v[k] if nesterov else v[k])
        g[k] = zero


cdef inline kernel adam(
    const Optimizer* optimizer, vec* theta, vec* g, vec* m, vec* v, size_t n_vec, double l2,
    double keep, double rate, double root_factor, real like,
) noexcept nogil:
    cdef vec zero = constant(g[0], 0), lambda_ = constant(g[0], l2), keep_ = constant(g[0], keep)
    cdef vec into_m = constant(g[0], 1 - optimizer.momentum)
    cdef vec into_v = constant(g[0], 1 - optimizer.memory)
    cdef vec epsilon = constant(g[0], optimizer.epsilon), factor = constant(g[0], root_factor)
    cdef vec rate_ = constant(g[0], rate), infinity = constant(g[0], INFINITY), g_k
    cdef size_t k
    for k in range(n_vec):
        g_k = g[k] + lambda_ * theta[k]
        m[k] = normal(m[k] + into_m * (g_k - m[k]))
        # What has overflowed stays infinite, and its steps are none.
        v[k] = if_greater(infinity, v[k], normal(v[k] + into_v * (g_k * g_k - v[k])), v[k])
        theta[k] = keep_ * theta[k] + rate_ * m[k] / (epsilon + factor * square_root(v[k]))
        g[k] = zero


cdef inline kernel scaled(
    vec* theta, vec* g, vec* v, size_t n_vec, bint forgets, double into, double epsilon, double l2,
    double rate, real like,
) noexcept nogil:
    """RMSprop, or where nothing is forgotten Adagrad."""
    cdef vec zero = constant(g[0], 0), lambda_ = constant(g[0], l2), into_v = constant(g[0], into)
    cdef vec epsilon_ = constant(g[0], epsilon), rate_ = constant(g[0], rate), g_k
    cdef size_t k
    for k in range(n_vec):
        g_k = g[k] + lambda_ * theta[k]
        v[k] = normal(v[k] + into_v * (g_k * g_k - v[k])) if forgets else v[k] + g_k * g_k
        theta[k] = theta[k] + rate_ * g_k / (epsilon_ + square_root(v[k]))
        g[k] = zero
