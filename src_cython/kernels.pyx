"""The kernels' entry points: what Python calls, with memoryviews as the contract.

Only arithmetic lives here and in the .pxd files beside it. Kernels check nothing about values,
allocate nothing and raise nothing: fastnn/_checks.py has looked at all that comes in, workspace
is handed in zeroed, and randomness stays in Python, which makes the order of the samples.

x input · W weights · b biases · z = xW + b · a = activation(z) · y target · L loss
delta = ∂L/∂z · eta learning rate

vectors       the vector type, and whatever knows of it
exponential   exp, expm1, log1p
activations   a = f(z) and derivatives
losses        L and ∂L/∂z of the output layer
layers        how a network lies in memory
dense         one layer, one sample
direct        the first layer, in the plain form
passes        the layers above it, forward and backward
narrow        per-sample SGD where each layer fits into one vector
cpu           what this CPU can do
"""
from cpu cimport cpu_has_avx2
from layers cimport Layer, Network, network
from losses cimport prepare_share, read_target
from vectors cimport real, vec, vd, vf, at, constant
cimport activations
cimport direct
cimport exponential
cimport losses as loss_functions
cimport narrow
cimport passes


ACTIVATIONS = {
    "identity": activations.IDENTITY,
    "step": activations.STEP,
    "sigmoid": activations.SIGMOID,
    "tanh": activations.TANH,
    "relu": activations.RELU,
    "leaky_relu": activations.LEAKY_RELU,
    "elu": activations.ELU,
    "softplus": activations.SOFTPLUS,
    "silu": activations.SILU,
    "gelu": activations.GELU,
    "softmax": activations.SOFTMAX,
}
LOSSES = {
    "mse": loss_functions.MSE,
    "mae": loss_functions.MAE,
    "huber": loss_functions.HUBER,
    "bce": loss_functions.BCE,
    "cross_entropy": loss_functions.CROSS_ENTROPY,
    "perceptron": loss_functions.PERCEPTRON,
}


cdef struct Plan:
    Py_ssize_t batch_size
    double eta
    double tol              # a better epoch's loss is below best - tol; NaN: never stop
    Py_ssize_t patience
    # How far training has come. Kept between chunks, so that where they are cut changes nothing.
    Py_ssize_t epoch        # epochs done since the losses' start
    Py_ssize_t position     # samples done in this epoch
    double loss_sum         # of this epoch's samples
    double best
    Py_ssize_t stale        # epochs since the last better one
    Py_ssize_t stopped      # by tol and patience


def has_avx2():
    """Whether this CPU and system run the AVX2 build."""
    return cpu_has_avx2()


def exp(const real[::1] z, real[::1] out):
    """out = e^z for a whole number of vectors: for the tests, which measure its error."""
    cdef size_t n_bytes = z.shape[0] * sizeof(real)
    if real is float:
        exp_of(<const vf*> &z[0], <vf*> &out[0], n_bytes // sizeof(vf))
    else:
        exp_of(<const vd*> &z[0], <vd*> &out[0], n_bytes // sizeof(vd))


cdef void exp_of(const vec* z, vec* out, size_t n_vec) noexcept nogil:
    cdef size_t k
    for k in range(n_vec):
        out[k] = exponential.exp(z[k])


def feedforward(
    const Layer[::1] layers, const real[::1] parameters, const real[:, ::1] X,
    real[:, ::1] out, real[::1] units,
):
    """out[t] = a of the last layer for X[t]."""
    with nogil:
        if real is float:
            predict_rows(layers, <const vf*> &parameters[0], X, out, <vf*> &units[0])
        else:
            predict_rows(layers, <const vd*> &parameters[0], X, out, <vd*> &units[0])


cdef void predict_rows(
    const Layer[::1] layers, const vec* parameters, const real[:, ::1] X, real[:, ::1] out,
    vec* units,
) noexcept nogil:
    cdef Network net = network(&layers[0], layers.shape[0], 0, 0)
    cdef const real* a = <const real*> at(units, net.last.a)
    cdef Py_ssize_t t, k
    for t in range(X.shape[0]):
        direct.produce(net.layer, parameters, &X[t, 0], at(units, net.layer.z))
        passes.forward(&net, parameters, units, X[t, 0])
        for k in range(out.shape[1]):
            out[t, k] = a[k]


def loss(
    const Layer[::1] layers, size_t loss, const real[::1] parameters,
    const real[:, ::1] X, const real[:, ::1] Y, real[::1] units, double total,
):
    """total + the samples' losses, added one by one, so that it does not matter where X is cut."""
    with nogil:
        if real is float:
            total = add_losses(
                layers, loss, <const vf*> &parameters[0], X, Y, <vf*> &units[0], total
            )
        else:
            total = add_losses(
                layers, loss, <const vd*> &parameters[0], X, Y, <vd*> &units[0], total
            )
    return total


cdef double add_losses(
    const Layer[::1] layers, size_t loss, const vec* parameters,
    const real[:, ::1] X, const real[:, ::1] Y, vec* units, double total,
) noexcept nogil:
    cdef Network net = network(&layers[0], layers.shape[0], loss, Y.shape[1])
    cdef Py_ssize_t t
    prepare_share(&net, at(units, net.share), X[0, 0])
    for t in range(X.shape[0]):
        total += forward_step(&net, parameters, &X[t, 0], &Y[t, 0], units)
    return total


def gradients(
    const Layer[::1] layers, size_t loss, const real[::1] parameters,
    const real[:, ::1] X, const real[:, ::1] Y, real[::1] gradient, real[::1] units,
):
    """gradient += the sum of the samples' gradients; laid out as the parameters are."""
    with nogil:
        if real is float:
            add_gradients(
                layers, loss, <const vf*> &parameters[0], X, Y, <vf*> &gradient[0], <vf*> &units[0]
            )
        else:
            add_gradients(
                layers, loss, <const vd*> &parameters[0], X, Y, <vd*> &gradient[0], <vd*> &units[0]
            )


cdef void add_gradients(
    const Layer[::1] layers, size_t loss, const vec* parameters,
    const real[:, ::1] X, const real[:, ::1] Y, vec* gradient, vec* units,
) noexcept nogil:
    cdef Network net = network(&layers[0], layers.shape[0], loss, Y.shape[1])
    cdef Py_ssize_t t
    prepare_share(&net, at(units, net.share), X[0, 0])
    for t in range(X.shape[0]):
        sgd_step(&net, parameters, &X[t, 0], &Y[t, 0], gradient, 1, units)


cdef inline double forward_step(
    const Network* net, const vec* parameters, const real* x, const real* y, vec* units
) noexcept nogil:
    """The loss of one sample, with z and a left in units."""
    read_target(net, y, at(units, net.y), at(units, net.share))
    direct.produce(net.layer, parameters, x, at(units, net.layer.z))
    passes.forward(net, parameters, units, x[0])
    return passes.loss(net, units, x[0])


cdef inline double sgd_step(
    const Network* net, const vec* parameters, const real* x, const real* y,
    vec* target, real scale, vec* units,
) noexcept nogil:
    """target += scale · gradient of one sample; its loss before that."""
    cdef double L = forward_step(net, parameters, x, y, units)
    passes.backward(net, parameters, units, target, scale)
    direct.accept(net.layer, target, x, at(units, net.layer.delta), scale)
    return L


def train(
    const Layer[::1] layers, size_t loss, real[::1] parameters,
    const real[:, ::1] X, const real[:, ::1] Y, const Py_ssize_t[:, ::1] order,
    Plan[::1] plan, Py_ssize_t n_samples, double[::1] losses,
    real[::1] gradient, real[::1] units,
):
    """SGD from where the plan stands, for at most n_samples samples and losses.shape[0] epochs.

    Row e of order is the order of the samples in epoch e; a single row serves all epochs.
    losses[e] becomes the mean of the samples' losses before their updates. gradient collects a
    batch, and holds a begun batch between chunks.
    """
    with nogil:
        if real is float:
            train_samples(
                layers, loss, <vf*> &parameters[0], X, Y, order, &plan[0], n_samples, losses,
                <vf*> &gradient[0], <vf*> &units[0],
            )
        else:
            train_samples(
                layers, loss, <vd*> &parameters[0], X, Y, order, &plan[0], n_samples, losses,
                <vd*> &gradient[0], <vd*> &units[0],
            )


cdef void train_samples(
    const Layer[::1] layers, size_t loss, vec* parameters,
    const real[:, ::1] X, const real[:, ::1] Y, const Py_ssize_t[:, ::1] order,
    Plan* plan, Py_ssize_t n_samples, double[::1] losses, vec* gradient, vec* units,
) noexcept nogil:
    cdef Network net = network(&layers[0], layers.shape[0], loss, Y.shape[1])
    cdef size_t n_vec = (net.last.b + net.last.row) // sizeof(vec)
    cdef Py_ssize_t n = order.shape[1], row, i, t, in_batch
    cdef real eta = <real> plan.eta
    cdef Py_ssize_t end
    cdef bint is_narrow = narrow.fits(&net, units)
    prepare_share(&net, at(units, net.share), eta)
    while n_samples > 0 and plan.epoch < losses.shape[0] and not plan.stopped:
        row = plan.epoch if order.shape[0] > 1 else 0
        end = min(n, plan.position + n_samples)
        n_samples -= end - plan.position
        if plan.batch_size == 1 and is_narrow:
            for i in range(plan.position, end):
                t = order[row, i]
                plan.loss_sum += narrow.sgd_step(
                    &net, parameters, &X[t, 0], &Y[t, 0], -eta, units
                )
        elif plan.batch_size == 1:
            for i in range(plan.position, end):
                t = order[row, i]
                plan.loss_sum += sgd_step(
                    &net, parameters, &X[t, 0], &Y[t, 0], parameters, -eta, units
                )
        else:
            for i in range(plan.position, end):
                t = order[row, i]
                plan.loss_sum += sgd_step(
                    &net, parameters, &X[t, 0], &Y[t, 0], gradient, 1, units
                )
                in_batch = i % plan.batch_size + 1
                if in_batch == plan.batch_size or i + 1 == n:
                    descend(parameters, gradient, -eta / in_batch, n_vec)
        plan.position = end
        if end == n:
            finish_epoch(plan, n, losses)
    direct.finish(net.layer, parameters if plan.batch_size == 1 else gradient)


cdef inline void descend(
    vec* parameters, vec* gradient, real scale, size_t n_vec
) noexcept nogil:
    """parameters += scale · gradient; the gradient is zero afterwards."""
    cdef size_t k
    cdef vec zero = constant(gradient[0], 0)
    for k in range(n_vec):
        parameters[k] = parameters[k] + constant(zero, scale) * gradient[k]
        gradient[k] = zero


cdef void finish_epoch(Plan* plan, Py_ssize_t n, double[::1] losses) noexcept nogil:
    cdef double L = plan.loss_sum / n
    losses[plan.epoch] = L
    plan.epoch += 1
    plan.position = 0
    plan.loss_sum = 0
    if L < plan.best - plan.tol:
        plan.stale = 0
    else:
        plan.stale += 1
    if L < plan.best:
        plan.best = L
    plan.stopped = plan.tol == plan.tol and plan.stale >= plan.patience
