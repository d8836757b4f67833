"""The kernels' entry points: what Python calls, with memoryviews as the contract.

Arithmetic lives here and in the .pxd files beside it, and at the end what must happen between two
instructions of Python: OneSample and Turn. Kernels check nothing about values, allocate nothing
and raise nothing: fastnn/_data_checks.py has looked at all that comes in, workspace is handed in
zeroed, and randomness stays in Python, which makes the order of the samples. But arrays of the
user's may change while a kernel runs: what is an address or a count there is not read from them.

x input · W weights · b biases · z = xW + b · a = activation(z) · y target · L loss
delta = ∂L/∂z · eta learning rate · lambda the L2 coefficient

vectors       the vector type, and whatever knows of it
exponential   exp, expm1, log1p
activations   a = f(z) and derivatives
losses        L and ∂L/∂z of the output layer
layers        how a network lies in memory
samples       the user's data, and blocks of it
compression   rows without their zeros
fingerprint   a number by which data are known again
dense         one layer, one sample
tile          one layer, a block of samples
quad          the first layer, four samples, without their zeros
forms         the first layer in per-sample SGD: direct, fused, zero_skip, blocked
passes        the layers above it, forward and backward
decay         L2 regularisation
optimizers    what a step makes of a batch's gradient
narrow        per-sample SGD where each layer fits into one vector
batch         a block of samples that all see the same parameters
sgd           epochs, blocks and batches
online        one step on one sample, if it keeps every parameter finite
cpu           what this CPU can do
"""
from libc.float cimport DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN
from libc.math cimport NAN, fabs
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy
from time import sleep

cimport numpy as np
from cpython.pythread cimport PyThread_get_thread_ident

from cpu cimport cpu_has_avx2
from layers cimport Layer, Network, network
from losses cimport prepare_share, read_target
from optimizers cimport Optimizer
from samples cimport BLOCK, Block, Samples, fill
from sgd cimport Course, Kept, Plan
from vectors cimport real, vec, vd, vf, as_vecs, at
cimport activations
cimport batch
cimport compression
cimport exponential
cimport fingerprint as fingerprints
cimport forms
cimport losses as loss_functions
cimport online
cimport optimizers
cimport sgd

cdef extern from *:
    """
    #ifdef _WIN32
      #include <process.h>
      #define fastnn_process() ((long) _getpid())
    #else
      #include <unistd.h>
      #define fastnn_process() ((long) getpid())
    #endif
    """
    long this_process "fastnn_process"() noexcept

np.import_array()
fingerprints.make_keys()


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
    "exp": activations.EXP,
    "softmax": activations.SOFTMAX,
}
LOSSES = {
    "mse": loss_functions.MSE,
    "mae": loss_functions.MAE,
    "huber": loss_functions.HUBER,
    "bce": loss_functions.BCE,
    "cross_entropy": loss_functions.CROSS_ENTROPY,
    "perceptron": loss_functions.PERCEPTRON,
    "squared_error": loss_functions.SQUARED_ERROR,
    "log_loss": loss_functions.LOG_LOSS,
    "binary_log_loss": loss_functions.BINARY_LOG_LOSS,
    "poisson": loss_functions.POISSON,
}
PAUSE = 2e-5  # seconds; an update of the smallest networks that needs checks takes as long
# What users of Network do not name: the loss of step units, and what scikit-learn's classes have.
INTERNAL = {"exp", "perceptron", "squared_error", "log_loss", "binary_log_loss", "poisson"}
FORMS = {
    "direct": forms.DIRECT,
    "fused": forms.FUSED,
    "zero_skip": forms.ZERO_SKIP,
    "blocked": forms.BLOCKED,
    "narrow": forms.NARROW,
    "quads": forms.QUADS,
    "singles": forms.SINGLES,
}
OPTIMIZERS = {
    "sgd": optimizers.SGD,
    "momentum": optimizers.MOMENTUM,
    "adam": optimizers.ADAM,
    "rmsprop": optimizers.RMSPROP,
    "adagrad": optimizers.ADAGRAD,
}


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


def all_finite(const real[::1] numbers):
    """Whether none of the numbers is infinite or NaN."""
    cdef size_t n = numbers.shape[0]
    cdef bint finite = True
    if n:
        with nogil:
            finite = are_finite(&numbers[0], n)
    return finite


cdef bint are_finite(const real* numbers, size_t n) noexcept nogil:
    cdef real differences = 0
    if real is float:
        compression.scan(as_vecs(<const vf*> NULL, numbers), n, &differences)
    else:
        compression.scan(as_vecs(<const vd*> NULL, numbers), n, &differences)
    return differences == 0


def scan(const real[:, ::1] X, Py_ssize_t[::1] counts, bint hashed=False):
    """counts[t] = how many numbers of row t are not zero.

    (whether all of X is finite, its fingerprint or 0), which is taken while rows are in the cache.
    """
    cdef bint finite
    cdef uint64_t hash = 0
    with nogil:
        if real is float:
            finite = scan_rows(<const vf*> NULL, X, counts, &hash if hashed else NULL)
        else:
            finite = scan_rows(<const vd*> NULL, X, counts, &hash if hashed else NULL)
    return finite, hash


cdef bint scan_rows(
    const vec* like, const real[:, ::1] X, Py_ssize_t[::1] counts, uint64_t* hash
) noexcept nogil:
    cdef Py_ssize_t t, n_in = X.shape[1]
    cdef size_t begin = 0, end
    cdef real differences = 0
    for t in range(X.shape[0]):
        counts[t] = <Py_ssize_t> compression.scan(as_vecs(like, &X[t, 0]), n_in, &differences)
        end = (t + 1) * n_in
        if hash != NULL and (end - begin >= fingerprints.STRETCH or t == X.shape[0] - 1):
            fingerprints.add_numbers(hash, &X[0, 0], begin, end, t == X.shape[0] - 1)
            begin = end - end % fingerprints.STRETCH
    return differences == 0


def fingerprint(const real[::1] numbers):
    """Of an array, whatever its shape was."""
    cdef uint64_t hash = 0
    if numbers.shape[0]:
        with nogil:
            fingerprints.add_numbers(&hash, &numbers[0], 0, numbers.shape[0], True)
    return hash


def scan_compressed(
    const Py_ssize_t[::1] starts, const int[::1] columns, const real[::1] values, Py_ssize_t n_in,
    bint hashed=False,
):
    """Of rows without their zeros: (whether columns ascend in each, from 0 to below n_in; whether
    all of them are finite; the fingerprint of the same rows with zeros, or 0).

    starts must not descend, and end with the number of columns. Each row is looked at while it is
    in the cache.
    """
    cdef fingerprints.Running running
    cdef Py_ssize_t t, i, n, start
    cdef int wrong = 0
    cdef real difference = 0
    running.total = running.in_stretch = running.stretch = 0
    with nogil:
        for t in range(starts.shape[0] - 1):
            start, n = starts[t], starts[t + 1] - starts[t]
            if n == 0:
                continue
            for i in range(start + 1, start + n):
                wrong |= columns[i - 1] >= columns[i]
            wrong |= columns[start] < 0 or columns[start + n - 1] >= n_in
            if real is float:
                compression.scan(as_vecs(<const vf*> NULL, &values[start]), n, &difference)
            else:
                compression.scan(as_vecs(<const vd*> NULL, &values[start]), n, &difference)
            if hashed and not wrong:
                fingerprints.add_compressed(
                    &running, &columns[start], &values[start], n, t * n_in
                )
        fingerprints.finish(&running)
    return not wrong, difference == 0, running.total


def compress(
    const real[:, ::1] X, const Py_ssize_t[::1] starts, int[::1] columns, real[::1] values
):
    """The numbers of X that are not zero, row by row, and their columns; both have a place more.

    Where there are fewer in a row than its places, as it has changed since they were counted, the
    others get zeros.
    """
    cdef Py_ssize_t t, i
    with nogil:
        for t in range(X.shape[0]):
            if real is float:
                i = compress_row(<const vf*> NULL, X, starts, t, columns, values)
            else:
                i = compress_row(<const vd*> NULL, X, starts, t, columns, values)
            for i in range(starts[t] + i, starts[t + 1]):
                columns[i] = 0
                values[i] = 0


cdef Py_ssize_t compress_row(
    const vec* like, const real[:, ::1] X, const Py_ssize_t[::1] starts, Py_ssize_t t,
    int[::1] columns, real[::1] values,
) noexcept nogil:
    """How many numbers of row t are not zero."""
    return <Py_ssize_t> compression.compress(
        as_vecs(like, &X[t, 0]), X.shape[1], &columns[starts[t]], &values[starts[t]],
        starts[t + 1] - starts[t],
    )


def feedforward(
    const Layer[::1] layers, const real[::1] parameters, const Samples[::1] samples,
    Py_ssize_t start, real[:, ::1] out, real[::1] workspace, bint alone=False,
):
    """out[t] = a of the last layer for sample start + t; whether the samples are finite.

    Those that are dense need not have been checked, if there is room to compress one: they are
    read once, and where False is returned, out is of no use. alone, here and below: no other
    thread runs Python meanwhile, and so none changes the parameters.
    """
    cdef bint finite
    if alone:
        finite = predict(layers, &parameters[0], &samples[0], start, out, &workspace[0])
    else:
        with nogil:
            finite = predict(layers, &parameters[0], &samples[0], start, out, &workspace[0])
    return finite


cdef inline bint predict(
    const Layer[::1] layers, const real* parameters, const Samples* samples, Py_ssize_t start,
    real[:, ::1] out, real* workspace,
) noexcept nogil:
    if real is float:
        return predict_rows(layers, <const vf*> parameters, samples, start, out, <vf*> workspace)
    else:
        return predict_rows(layers, <const vd*> parameters, samples, start, out, <vd*> workspace)


cdef bint predict_rows(
    const Layer[::1] layers, const vec* parameters, const Samples* samples, Py_ssize_t start,
    real[:, ::1] out, vec* workspace,
) noexcept nogil:
    cdef Network net = network(&layers[0], layers.shape[0], 0, 0)
    cdef vec* units = batch.units_in(&net, workspace)
    cdef Block block
    cdef real differences = 0
    cdef Py_ssize_t t = 0, s
    while t < out.shape[0] and differences == 0:
        fill(&block, samples, NULL, start + t, out.shape[0] - t, False, units, differences)
        batch.forward(&net, parameters, samples, &block, workspace, NULL, &differences)
        for s in range(block.n):
            copy_outputs(&net, at(units, s * net.units), &out[t + s, 0])
        t += block.n
    return differences == 0


cdef inline void copy_outputs(const Network* net, const vec* units, real* out) noexcept nogil:
    """out = a of the last layer of a sample"""
    cdef const real* a = <const real*> at(units, net.last.a)
    cdef size_t k
    for k in range(net.last.n_out):
        out[k] = a[k]


def loss(
    const Layer[::1] layers, size_t loss, size_t n_targets, const real[::1] parameters,
    const Samples[::1] samples, Py_ssize_t start, Py_ssize_t end, real[:, ::1] out,
    real[::1] workspace, double total, bint alone=False,
):
    """total + the samples' losses times their weights, and the outputs in out unless that is empty.

    The losses are added one by one, so that it does not matter where X is cut.
    """
    cdef Network net = network(&layers[0], layers.shape[0], loss, n_targets)
    if alone:
        return with_losses(
            &net, &parameters[0], &samples[0], start, end, out, &workspace[0], total
        )
    with nogil:
        total = with_losses(
            &net, &parameters[0], &samples[0], start, end, out, &workspace[0], total
        )
    return total


cdef inline double with_losses(
    const Network* net, const real* parameters, const Samples* samples, Py_ssize_t start,
    Py_ssize_t end, real[:, ::1] out, real* workspace, double total,
) noexcept nogil:
    if real is float:
        return add_losses(
            net, <const vf*> parameters, samples, start, end, out, <vf*> workspace, total
        )
    else:
        return add_losses(
            net, <const vd*> parameters, samples, start, end, out, <vd*> workspace, total
        )


cdef double add_losses(
    const Network* net, const vec* parameters, const Samples* samples, Py_ssize_t start,
    Py_ssize_t end, real[:, ::1] out, vec* workspace, double total,
) noexcept nogil:
    cdef vec* units = batch.units_in(net, workspace)
    cdef Block block
    cdef real differences = 0
    cdef Py_ssize_t t = 0, s
    prepare_share(net, workspace, differences)
    while start + t < end:
        fill(&block, samples, NULL, start + t, end - start - t, False, units, differences)
        batch.read_targets(net, &block, workspace, differences)
        batch.forward(net, parameters, samples, &block, workspace, NULL, &differences)
        total = batch.losses(net, &block, workspace, 1, total, differences)
        for s in range(block.n if out.shape[0] else 0):
            copy_outputs(net, at(units, s * net.units), &out[t + s, 0])
        t += block.n
    return total


def gradients(
    const Layer[::1] layers, size_t loss, size_t n_targets, const real[::1] parameters,
    const Samples[::1] samples, Py_ssize_t start, Py_ssize_t end, real[::1] gradient,
    real[::1] workspace, bint alone=False,
):
    """gradient += the samples' gradients times their weights; laid out as the parameters are.

    The sum of their losses times their weights.
    """
    cdef Network net = network(&layers[0], layers.shape[0], loss, n_targets)
    cdef double total
    if alone:
        return with_gradients(
            &net, &parameters[0], &samples[0], start, end, &gradient[0], &workspace[0]
        )
    with nogil:
        total = with_gradients(
            &net, &parameters[0], &samples[0], start, end, &gradient[0], &workspace[0]
        )
    return total


cdef inline double with_gradients(
    const Network* net, const real* parameters, const Samples* samples, Py_ssize_t start,
    Py_ssize_t end, real* gradient, real* workspace,
) noexcept nogil:
    if real is float:
        return add_gradients(
            net, <const vf*> parameters, samples, start, end, <vf*> gradient, <vf*> workspace,
            <float> 1,
        )
    else:
        return add_gradients(
            net, <const vd*> parameters, samples, start, end, <vd*> gradient, <vd*> workspace,
            <double> 1,
        )


cdef double add_gradients(
    const Network* net, const vec* parameters, const Samples* samples, Py_ssize_t start,
    Py_ssize_t end, vec* gradient, vec* workspace, real scale,
) noexcept nogil:
    cdef Block block
    cdef real differences = 0
    cdef double total = 0
    prepare_share(net, workspace, scale)
    while start < end:
        fill(&block, samples, NULL, start, end - start, False, workspace, scale)
        batch.read_targets(net, &block, workspace, scale)
        batch.forward(net, parameters, samples, &block, workspace, NULL, &differences)
        total = batch.losses(net, &block, workspace, 1, total, scale)
        batch.deltas(net, parameters, &block, workspace, False, scale)
        batch.updates(net, &block, workspace, gradient, NULL, scale)
        start += block.n
    return total


def train(
    const Layer[::1] layers, size_t loss, size_t n_targets, real[::1] parameters,
    const Samples[::1] samples, const Py_ssize_t[:, ::1] order, const double[:, ::1] rates,
    Plan[::1] plan, Optimizer[::1] optimizer, Py_ssize_t n_samples, double[::1] losses,
    real[::1] gradient, real[::1] state, real[::1] workspace, const Kept[::1] kept, bint begins,
):
    """SGD from where the plan stands, for about n_samples samples, or to the last of the losses.

    0 if all is finite then, and else the place in the epoch that training had come to. A finite
    loss does not prove it: relu swallows a NaN, sigmoid an infinity. As scikit-learn has it, losses
    may overflow, and what the optimizer keeps.

    parameters, plan, optimizer, gradient and state are working copies, which nobody else knows of.
    In the end they become what is kept, at one moment, as nothing else runs in Python then; if
    something is not finite, they become again what is kept. So what is kept is always there as
    some completed step has left it. Where training `begins`, it may have changed since, but for a
    begun batch, which stands behind the first four.

    Row e of order is the order of the samples in epoch e; a single row serves all epochs. Row e
    of rates has eta of each update in epoch e, or one for all; a single row serves all epochs.
    losses[e] becomes the mean of the samples' losses before their updates. Training is left at
    the end of a block of samples, counted from an epoch's start, or from a batch's. gradient
    collects a batch that is larger than a block or whose gradient the optimizer needs, and holds
    a begun one between chunks; state is what the optimizer keeps for each parameter; parameters
    stands in for it where that is nothing.
    """
    cdef bint finite
    cdef Py_ssize_t place
    cdef Network net = network(&layers[0], layers.shape[0], loss, n_targets)
    cdef Course course = Course(
        &net, &samples[0], &order[0, 0], order.shape[0], order.shape[1], &rates[0, 0],
        rates.shape[0], rates.shape[1], &losses[0], losses.shape[0], &plan[0], &optimizer[0],
    )
    with nogil:
        if begins:
            return_to(kept, 4)
        if real is float:
            sgd.train(
                &course, <vf*> &parameters[0], <vf*> &gradient[0], <vf*> &state[0],
                <vf*> &workspace[0], n_samples, <float> 0,
            )
        else:
            sgd.train(
                &course, <vd*> &parameters[0], <vd*> &gradient[0], <vd*> &state[0],
                <vd*> &workspace[0], n_samples, <double> 0,
            )
        finite = are_finite(&parameters[0], parameters.shape[0])
        if not plan[0].as_sklearn:
            finite = (
                finite and are_finite(&plan[0].loss_sum, 1)
                and are_finite(&losses[0], plan[0].epoch)
                and (&state[0] == &parameters[0] or are_finite(&state[0], state.shape[0]))
            )
        place = order.shape[1] if plan[0].position == 0 else plan[0].position
        if not finite:
            return_to(kept, kept.shape[0])
    if not finite:
        return place
    keep(kept)
    return 0


cdef void return_to(const Kept[::1] kept, Py_ssize_t n) noexcept nogil:
    """The first n of what is kept become the working copies, as far as there are so many."""
    cdef Py_ssize_t i
    for i in range(min(n, kept.shape[0])):
        memcpy(<void*> kept[i].working, <const void*> kept[i].kept, kept[i].n_bytes)


cdef void keep(const Kept[::1] kept) noexcept:
    """The working copies become what is kept. With Python's lock, as whoever reads this has it."""
    cdef Py_ssize_t i
    for i in range(kept.shape[0]):
        memcpy(<void*> kept[i].kept, <const void*> kept[i].working, kept[i].n_bytes)


def note_kept(list working, list kept, Kept[::1] records):
    """Say in records where working copies lie, and what is kept of them."""
    cdef Py_ssize_t i
    for i in range(records.shape[0]):
        records[i].working = <size_t> np.PyArray_DATA(working[i])
        records[i].kept = <size_t> np.PyArray_DATA(kept[i])
        records[i].n_bytes = np.PyArray_NBYTES(kept[i])


def copy(list sources, list targets):
    """Copy contiguous arrays into others of the same sizes, all at one moment."""
    cdef size_t n_bytes
    for source, target in zip(sources, targets, strict=True):
        if (
            np.PyArray_NBYTES(source) != np.PyArray_NBYTES(target)
            or not np.PyArray_IS_C_CONTIGUOUS(source) or not np.PyArray_IS_C_CONTIGUOUS(target)
        ):
            raise ValueError("arrays to be copied must be contiguous and have the same size")
    for source, target in zip(sources, targets, strict=True):
        n_bytes = np.PyArray_NBYTES(source)
        memcpy(np.PyArray_DATA(target), np.PyArray_DATA(source), n_bytes)


def equal(list arrays, list views):
    """Whether contiguous arrays have the bytes that views of parameters have, of W or b each."""
    cdef Py_ssize_t i, n_rows, row, n_bytes
    for array, view in zip(arrays, views, strict=True):
        if not fits(array, view):
            return False
        n_rows, n_bytes, row = rows_of(view)
        for i in range(n_rows):
            if memcmp(
                <const char*> np.PyArray_DATA(array) + i * n_bytes,
                <const char*> np.PyArray_DATA(view) + i * row, n_bytes,
            ):
                return False
    return True


def unpad(list views, list arrays):
    """Copy views of parameters, of W or b each, into contiguous arrays; False if one does not fit.
    """
    cdef Py_ssize_t i, n_rows, row, n_bytes
    for array, view in zip(arrays, views, strict=True):
        if not fits(array, view) or not np.PyArray_ISWRITEABLE(array):
            return False
    for array, view in zip(arrays, views, strict=True):
        n_rows, n_bytes, row = rows_of(view)
        for i in range(n_rows):
            memcpy(
                <char*> np.PyArray_DATA(array) + i * n_bytes,
                <const char*> np.PyArray_DATA(view) + i * row, n_bytes,
            )
    return True


cdef bint fits(array, view):
    """Whether a contiguous array has as many numbers in each row as a view of W or b."""
    return (
        np.PyArray_CheckExact(array) and np.PyArray_ISCARRAY_RO(array)
        and np.PyArray_TYPE(array) == np.PyArray_TYPE(view)
        and np.PyArray_NBYTES(array) == np.PyArray_NBYTES(view)
        and (
            np.PyArray_NDIM(view) == 1 or (
                np.PyArray_NDIM(array) == 2
                and np.PyArray_DIMS(array)[0] == np.PyArray_DIMS(view)[0]
            )
        )
    )


cdef inline (Py_ssize_t, Py_ssize_t, Py_ssize_t) rows_of(view):
    """How many rows there are, the bytes in each, and from one to the next."""
    cdef Py_ssize_t n_rows = np.PyArray_DIMS(view)[0] if np.PyArray_NDIM(view) == 2 else 1
    return n_rows, np.PyArray_NBYTES(view) // n_rows, np.PyArray_STRIDES(view)[0]


cdef class OneSample:
    """feedforward and update for one sample in the plain case, with little around the arithmetic.

    And feedforward for a few rows.

    The plain case is NumPy arrays, contiguous, of the network's dtype, of the right length, all
    finite, and numbers of Python or NumPy; and for update that nobody trains the network meanwhile.
    Everything else gets None, and goes the way through fastnn/_data_checks.py. The arrays handed in
    here are kept, and so are the addresses in them. Python's lock is held from the beginning to
    the end, and so there is always one call at a time.

    turn is that of a training or an update that the network is in, or None.
    """
    cdef readonly Turn turn
    cdef object numbers, integers, kept
    cdef Network net
    cdef Samples room
    cdef size_t parameter_block, end_of_parameters, workspace, itemsize
    cdef np.npy_intp most_rows
    cdef object for_few_rows, workspace_of_rows
    cdef int dtype
    cdef bint is_class_number, learns
    cdef double smallest_eta, largest_eta

    def __init__(
        self, numbers, integers, layers, size_t loss, parameters, workspace, for_few_rows, samples,
        bint learns,
    ):
        """numbers, and of these integers, are types; workspace is for one sample, and samples room
        to compress it; for_few_rows() says how many rows there may be, up to a block, and makes a
        workspace for these. learns says whether updates are steps of SGD.
        """
        cdef const Layer[::1] records = layers
        cdef const Samples[::1] room = samples.record
        self.numbers, self.integers = numbers, integers
        self.kept = (layers, parameters, workspace, samples)
        self.room = room[0]
        self.is_class_number = loss == loss_functions.CROSS_ENTROPY
        self.net = network(
            &records[0], records.shape[0], loss,
            1 if self.is_class_number else records[records.shape[0] - 1].n_out,
        )
        self.learns = learns
        self.for_few_rows, self.most_rows = for_few_rows, BLOCK
        self.parameter_block = <size_t> np.PyArray_DATA(parameters)
        self.end_of_parameters = self.parameter_block + <size_t> np.PyArray_NBYTES(parameters)
        self.workspace = <size_t> np.PyArray_DATA(workspace)
        self.dtype = np.PyArray_TYPE(parameters)
        self.itemsize = np.PyArray_ITEMSIZE(parameters)
        self.smallest_eta = FLT_MIN if self.dtype == np.NPY_FLOAT else DBL_MIN
        self.largest_eta = FLT_MAX if self.dtype == np.NPY_FLOAT else DBL_MAX

    cdef void* get(self, array, size_t n):
        """The address of an array of n numbers of the network's dtype, in order; or NULL.

        NULL too if these are parameters of the network, which change as it learns.
        """
        cdef size_t place, end
        if (
            np.PyArray_CheckExact(array)
            and np.PyArray_NDIM(array) == 1
            and np.PyArray_DIMS(array)[0] == <Py_ssize_t> n
            and np.PyArray_TYPE(array) == self.dtype
            and np.PyArray_ISCARRAY_RO(array)
        ):
            place = <size_t> np.PyArray_DATA(array)
            end = place + n * self.itemsize
            if end <= self.parameter_block or place >= self.end_of_parameters:
                return <void*> place
        return NULL

    def feedforward(self, x, out):
        """The outputs for x, in out if that is not None; None if this is not the plain case."""
        cdef np.npy_intp n_out = self.net.last.n_out
        cdef const void* numbers = self.get(x, self.net.layer.n_in)
        cdef void* outputs
        cdef bint done
        if numbers == NULL:
            return self.few_rows(x) if out is None else None
        if out is None:
            out = np.PyArray_SimpleNew(1, &n_out, self.dtype)
        outputs = self.get(out, n_out)
        if outputs == NULL or not np.PyArray_ISWRITEABLE(out):
            return None
        if self.dtype == np.NPY_FLOAT:
            done = predict_one(
                &self.net, <const vf*> self.parameter_block, &self.room, <const float*> numbers,
                <float*> outputs, <vf*> self.workspace,
            )
        else:
            done = predict_one(
                &self.net, <const vd*> self.parameter_block, &self.room, <const double*> numbers,
                <double*> outputs, <vd*> self.workspace,
            )
        return out if done else None

    cdef object few_rows(self, X):
        """The outputs for at most most_rows rows; None if this is not the plain case."""
        cdef np.npy_intp[2] shape
        cdef bint done
        if (
            not np.PyArray_CheckExact(X) or np.PyArray_NDIM(X) != 2
            or np.PyArray_DIMS(X)[1] != <np.npy_intp> self.net.layer.n_in
            or not 1 <= np.PyArray_DIMS(X)[0] <= self.most_rows
            or np.PyArray_TYPE(X) != self.dtype or not np.PyArray_ISCARRAY_RO(X)
        ):
            return None
        if self.workspace_of_rows is None:  # many networks never need one
            most_rows, workspace = self.for_few_rows()
            self.most_rows, self.workspace_of_rows = most_rows, workspace
            return self.few_rows(X)
        shape[0], shape[1] = np.PyArray_DIMS(X)[0], self.net.last.n_out
        out = np.PyArray_SimpleNew(2, shape, self.dtype)
        if self.dtype == np.NPY_FLOAT:
            done = predict_few(
                &self.net, <const vf*> self.parameter_block, &self.room, shape[0],
                <const float*> np.PyArray_DATA(X), <float*> np.PyArray_DATA(out),
                <vf*> np.PyArray_DATA(self.workspace_of_rows),
            )
        else:
            done = predict_few(
                &self.net, <const vd*> self.parameter_block, &self.room, shape[0],
                <const double*> np.PyArray_DATA(X), <double*> np.PyArray_DATA(out),
                <vd*> np.PyArray_DATA(self.workspace_of_rows),
            )
        return out if done else None

    cdef bint is_number(self, y):
        """Whether y is of a type that can be a target."""
        if self.is_class_number:
            return type(y) in self.integers
        return self.net.last.n_out == 1 and type(y) in self.numbers

    def update(self, x, y, eta):
        """The loss before one step of SGD; None if this is not the plain case, or not finite."""
        cdef const void* inputs
        cdef const void* target = NULL
        cdef double number = 0, rate, L = NAN
        cdef float as_float
        cdef bint is_number = self.is_number(y)
        if type(eta) not in self.numbers:
            return None
        try:
            rate = eta
            if is_number:
                number = y
        except OverflowError:  # an int too large for a float
            return None
        # From here on nothing of the user's runs, which might train the network.
        if self.turn is not None or not self.learns:
            return None
        inputs = self.get(x, self.net.layer.n_in)
        if is_number:
            if self.is_class_number and not 0 <= number < self.net.last.n_out:
                return None
            if self.is_class_number and self.net.last.n_out == 1:
                number = 1  # of a single class, targets are the outputs
            as_float = <float> number
            target = &as_float if self.dtype == np.NPY_FLOAT else <const void*> &number
        elif not self.is_class_number:
            target = self.get(y, self.net.last.n_out)
        if inputs != NULL and target != NULL:
            L = self.step(inputs, target, rate)
        return None if L != L else L

    cdef double step(self, const void* x, const void* y, double eta) noexcept:
        if not self.smallest_eta <= eta <= self.largest_eta:
            return NAN
        if self.dtype == np.NPY_FLOAT:
            return update_one(
                &self.net, <vf*> self.parameter_block, &self.room, <const float*> x,
                <const float*> y, <vf*> self.workspace, <float> eta,
            )
        return update_one(
            &self.net, <vd*> self.parameter_block, &self.room, <const double*> x,
            <const double*> y, <vd*> self.workspace, eta,
        )


cdef bint predict_one(
    const Network* net, const vec* parameters, const Samples* room, const real* x, real* out,
    vec* workspace,
) noexcept nogil:
    """out = a of the last layer; False, and nothing written, if x is not finite."""
    cdef Block block
    cdef real differences = 0
    block.n = 1
    block.is_compressed = False
    block.x[0] = x
    batch.forward(net, parameters, room, &block, workspace, NULL, &differences)
    if differences != 0:
        return False
    copy_outputs(net, batch.units_in(net, workspace), out)
    return True


cdef bint predict_few(
    const Network* net, const vec* parameters, const Samples* room, Py_ssize_t n, const real* X,
    real* out, vec* workspace,
) noexcept nogil:
    """out = a of the last layer for n rows, up to a block; False if X is not finite."""
    cdef vec* units = batch.units_in(net, workspace)
    cdef Block block
    cdef real differences = 0
    cdef Py_ssize_t s
    block.n = n
    block.is_compressed = False
    for s in range(n):
        block.x[s] = X + s * <Py_ssize_t> net.layer.n_in
    batch.forward(net, parameters, room, &block, workspace, NULL, &differences)
    for s in range(n):
        copy_outputs(net, at(units, s * net.units), out + s * <Py_ssize_t> net.last.n_out)
    return differences == 0


cdef double update_one(
    const Network* net, vec* parameters, const Samples* room, const real* x, const real* y,
    vec* workspace, real eta,
) noexcept nogil:
    """The loss before one step; NaN if x or y is unfit, or something would not stay finite.

    x is read once, as others may write into it; the room for its numbers is there for feedforward.
    """
    cdef double size_of_x = 0
    cdef double[4] sizes
    cdef real* own_x = <real*> room.values
    cdef size_t k, i, n_in = net.layer.n_in, whole = n_in - n_in % 4
    for i in range(4):
        sizes[i] = 0
    for k in range(0, whole, 4):
        for i in range(4):  # an addition waits four cycles for the one before it
            own_x[k + i] = x[k + i]
            sizes[i] += fabs(own_x[k + i])
    for k in range(whole, n_in):
        own_x[k] = x[k]
        size_of_x += fabs(own_x[k])
    size_of_x += (sizes[0] + sizes[1]) + (sizes[2] + sizes[3])
    for k in range(net.n_targets):
        if not loss_functions.fits(net.loss, y[k]):
            return NAN
    prepare_share(net, workspace, -eta)
    read_target(net, y, batch.targets_in(net, workspace), workspace)
    return online.sgd_step(
        net, parameters, own_x, size_of_x, batch.targets_in(net, workspace), workspace,
        batch.units_in(net, workspace), eta,
    )


cdef class Turn:
    """``with Turn(...)``: a stretch of time in which one thread alone changes the parameters.

    A training is refused while another one runs, and so is an update; updates take turns. What the
    network is in is set and taken back between two instructions of Python, so that no Ctrl-C comes
    in between. In the child of a fork a turn of the parent's is none.
    """
    cdef OneSample gate
    cdef bint trains
    cdef long process
    cdef unsigned long thread

    def __init__(self, OneSample gate, bint trains):
        self.gate = gate
        self.trains = trains

    def __enter__(self):
        cdef Turn other
        cdef long process = this_process()
        cdef unsigned long thread = PyThread_get_thread_ident()
        while self.gate.turn is not None and self.gate.turn.process == process:
            other = self.gate.turn
            if other.thread == thread:
                raise RuntimeError(
                    "the network is being trained, and this is a part of that, such as a callback: "
                    "work on a copy of it, made by copy(), or wait until training has ended"
                )
            if other.trains:
                raise RuntimeError(
                    "the network is being trained by another thread: wait until that has ended, or "
                    "work on a copy of it, made by copy()"
                )
            sleep(PAUSE)
        self.process, self.thread = process, thread
        self.gate.turn = self
        return self

    def __exit__(self, kind, error, traceback):
        if self.gate.turn is self:
            self.gate.turn = None
