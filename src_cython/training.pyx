"""Training: a chunk of the samples of a lap, on working copies of what training changes.

x input · W weights · b biases · z = xW + b · a = activation(z) · y target · L loss
delta = ∂L/∂z · eta learning rate · lambda the L2 coefficient
"""
from libc.string cimport memcpy
from numpy import asarray

cimport numpy as np

from compression cimport are_finite
from layers cimport Layer, Network, network
from optimizers cimport Optimizer
from samples cimport Samples
from sgd cimport Lap, Plan, Progress, Snapshot
from stretch cimport Help, Part
from vectors cimport real, vd, vf
cimport decay
cimport forms
cimport optimizers
cimport quad
cimport sgd

np.import_array()

FORMS = {
    "direct": forms.DIRECT,
    "fused": forms.FUSED,
    "zero_skip": forms.ZERO_SKIP,
    "blocked": forms.BLOCKED,
    "narrow": forms.NARROW,
    "quads": forms.QUADS,
    "batches": forms.BATCHES,
}
OPTIMIZERS = {
    "sgd": optimizers.SGD,
    "momentum": optimizers.MOMENTUM,
    "adam": optimizers.ADAM,
    "rmsprop": optimizers.RMSPROP,
    "adagrad": optimizers.ADAGRAD,
}

cdef Plan no_plan
cdef Progress no_progress
cdef Snapshot no_snapshot
cdef Optimizer no_optimizer
cdef Help no_help
# What Python must know, too, to make what kernels take.
PLAN = asarray(<Plan[:1]> &no_plan).dtype
PROGRESS = asarray(<Progress[:1]> &no_progress).dtype
SNAPSHOT = asarray(<Snapshot[:1]> &no_snapshot).dtype
OPTIMIZER = asarray(<Optimizer[:1]> &no_optimizer).dtype
BYTES_OF_PART = sizeof(Part)
HELP = asarray(<Help[:1]> &no_help).dtype
MOST_INPUTS_OF_QUADS = quad.MOST_INPUTS
STRONGEST_DECAY = 1 - decay.least_keep()


def train(
    const Layer[::1] layers, size_t loss, size_t n_targets, real[::1] parameters,
    const Samples[::1] samples, const Py_ssize_t[:, ::1] order, const double[:, ::1] rates,
    const Plan[::1] plan, Progress[::1] progress, Optimizer[::1] optimizer, Py_ssize_t n_samples,
    double[::1] losses, real[::1] gradient, real[::1] state, real[::1] workspace,
    const Snapshot[::1] snapshot, bint begins, const Help[::1] help,
):
    """SGD from where training stands, for about n_samples samples, or to the last of the losses.

    0 if all is finite then, and else the place in the epoch that training had come to. A finite
    loss does not prove it: relu swallows a NaN, sigmoid an infinity.

    parameters, progress, optimizer, gradient and state are working copies, which nobody else knows
    of. In the end they become what is kept, at one moment, as nothing else runs in Python then; if
    something is not finite, they become again what is kept. So what is kept is always a snapshot of
    what some completed step has left. Where training `begins`, it may have changed since, but for a
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
    cdef Lap lap = Lap(
        &net, &samples[0], &order[0, 0], order.shape[0], order.shape[1], &rates[0, 0],
        rates.shape[0], rates.shape[1], &losses[0], losses.shape[0], &plan[0], &progress[0],
        &optimizer[0], &help[0],
    )
    with nogil:
        if begins:
            return_to(snapshot, 4)
        if real is float:
            sgd.train(
                &lap, <vf*> &parameters[0], <vf*> &gradient[0], <vf*> &state[0],
                <vf*> &workspace[0], n_samples, <float> 0,
            )
        else:
            sgd.train(
                &lap, <vd*> &parameters[0], <vd*> &gradient[0], <vd*> &state[0],
                <vd*> &workspace[0], n_samples, <double> 0,
            )
        finite = are_finite(&parameters[0], parameters.shape[0])
        if not plan[0].is_lenient:
            finite = (
                finite and are_finite(&progress[0].loss_sum, 1)
                and are_finite(&losses[0], progress[0].epoch)
                and (&state[0] == &parameters[0] or are_finite(&state[0], state.shape[0]))
            )
        place = order.shape[1] if progress[0].position == 0 else progress[0].position
        if not finite:
            return_to(snapshot, snapshot.shape[0])
    if not finite:
        return place
    keep(snapshot)
    return 0


cdef void return_to(const Snapshot[::1] snapshot, Py_ssize_t n) noexcept nogil:
    """The first n of what is kept become the working copies, as far as there are so many."""
    cdef Py_ssize_t i
    for i in range(min(n, snapshot.shape[0])):
        memcpy(
            <void*> snapshot[i].working, <const void*> snapshot[i].kept, snapshot[i].n_bytes
        )


cdef void keep(const Snapshot[::1] snapshot) noexcept:
    """The working copies become what is kept. With Python's lock, as whoever reads this has it."""
    cdef Py_ssize_t i
    for i in range(snapshot.shape[0]):
        memcpy(
            <void*> snapshot[i].kept, <const void*> snapshot[i].working, snapshot[i].n_bytes
        )


def note_snapshot(list working, list kept, Snapshot[::1] snapshot):
    """Say where working copies lie, and what is kept of them."""
    cdef Py_ssize_t i
    for i in range(snapshot.shape[0]):
        snapshot[i].working = <size_t> np.PyArray_DATA(working[i])
        snapshot[i].kept = <size_t> np.PyArray_DATA(kept[i])
        snapshot[i].n_bytes = np.PyArray_NBYTES(kept[i])
