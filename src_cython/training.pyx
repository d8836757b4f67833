"""Training: a chunk of the samples of a lap, on working copies of what training changes.

x input · W weights · b biases · z = xW + b · a = activation(z) · y target · L loss
delta = ∂L/∂z · eta learning rate · lambda the L2 coefficient
"""
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from numpy import asarray

cimport numpy as np

from chunk cimport Chunk
from compression cimport are_finite
from layers cimport Layer, Network, network
from optimizers cimport Optimizer
from samples cimport Samples
from sgd cimport Lap, Plan, Progress, Snapshot
from stretch cimport Help, Part, help_now
from team cimport Team
from together cimport Group
from vectors cimport real, vd, vf
cimport chunk
cimport decay
cimport forms
cimport optimizers
cimport lanes
cimport panels
cimport quad
cimport team
cimport together

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
cdef Help alone
alone.n_members = alone.most_members = 1
# What Python must know, too, to make what kernels take.
PLAN = asarray(<Plan[:1]> &no_plan).dtype
PROGRESS = asarray(<Progress[:1]> &no_progress).dtype
SNAPSHOT = asarray(<Snapshot[:1]> &no_snapshot).dtype
OPTIMIZER = asarray(<Optimizer[:1]> &no_optimizer).dtype
BYTES_OF_PANEL = panels.GROUP
BYTES_OF_PART = sizeof(Part)
HELP = asarray(<Help[:1]> &no_help).dtype
LANES = {"f": sizeof(vf) // sizeof(float), "d": sizeof(vd) // sizeof(double)}
MOST_LAYERS_IN_LANES = lanes.MOST_LAYERS
MOST_OUTPUTS_IN_LANES = lanes.MOST_OUTPUTS
MOST_VECS = lanes.MOST_VECS
MOST_INPUTS_OF_QUADS = quad.MOST_INPUTS
STRONGEST_DECAY = 1 - decay.least_keep()


def train(
    layers, loss, n_targets, parameters, samples, order, rates, plan, progress, optimizer,
    n_samples, losses, gradient, state, workspace, snapshot, begins, help,
):
    """SGD from where training stands, for about n_samples samples, or to the last of the losses.

    0 if all is finite then, and else the place in the epoch that training had come to.

    parameters, progress, optimizer, gradient and state are working copies, which nobody else knows
    of: see chunk.pxd. Where training `begins`, what is kept may have changed since.

    Row e of order is the order of the samples in epoch e; a single row serves all epochs. Row e
    of rates has eta of each update in epoch e, or one for all; a single row serves all epochs.
    losses[e] becomes the mean of the samples' losses before their updates. Training is left at
    the end of a block of samples, counted from an epoch's start, or from a batch's. gradient
    collects a batch that is larger than a block or whose gradient the optimizer needs, and holds
    a begun one between chunks; state is what the optimizer keeps for each parameter; parameters
    stands in for it where that is nothing.
    """
    cdef Help now = help_now(<const Help*> np.PyArray_DATA(help))
    cdef Chunk one
    fill_chunk(&one, (
        layers, loss, n_targets, parameters, samples, order, rates, plan, progress, optimizer,
        n_samples, losses, gradient, state, workspace, snapshot, begins,
    ), &now)
    with nogil:
        chunk.run(&one)
    return ended(&one)


def train_together(list tasks, const Help[::1] help):
    """What train does for each of several networks, by a team, whose members take task after task.

    A task is (n_vecs, room, what train is given for each network). n_vecs is 0 for one network
    alone; several go in lanes, n_vecs vecs side by side: see together.pxd. The result has what
    train would give, network by network.
    """
    cdef size_t n_tasks = len(tasks), n_chunks = sum([len(task[2]) for task in tasks]), i, place = 0
    cdef Chunk* chunks = <Chunk*> PyMem_RawCalloc(n_chunks, sizeof(Chunk))
    cdef Group* groups = <Group*> PyMem_RawCalloc(n_tasks, sizeof(Group))
    cdef Tasks all_tasks = Tasks(groups, n_tasks, 0)
    cdef Help now = help_now(&help[0])
    try:
        if chunks == NULL or groups == NULL:
            raise MemoryError()
        for i in range(n_tasks):
            n_vecs, room, of_networks = tasks[i]
            groups[i].n_vecs, groups[i].room = n_vecs, np.PyArray_DATA(room) if n_vecs else NULL
            groups[i].n = len(of_networks)
            for j, given in enumerate(of_networks):
                groups[i].chunks[<size_t> j] = &chunks[place]
                fill_chunk(&chunks[place], given, &alone)
                place += 1
        with nogil:
            team.share(<Team*> now.team, now.n_members, take_tasks, &all_tasks)
        return [ended(&chunks[i]) for i in range(n_chunks)]
    finally:
        PyMem_RawFree(chunks)
        PyMem_RawFree(groups)


cdef struct Tasks:
    Group* groups
    size_t n
    size_t n_taken


cdef void take_tasks(void* tasks, size_t member) noexcept nogil:
    """One after the other, until none is left."""
    cdef Tasks* all_tasks = <Tasks*> tasks
    cdef Group* group
    cdef size_t i
    while True:
        i = team.add(&all_tasks.n_taken, 1) - 1
        if i >= all_tasks.n:
            break
        group = &all_tasks.groups[i]
        if group.n_vecs == 0:
            chunk.run(group.chunks[0])
        else:
            together.run(group)


cdef int fill_chunk(Chunk* one, given, const Help* help) except -1:
    """From what train is given, but for help."""
    (
        layers, loss, n_targets, parameters, samples, order, rates, plan, progress, optimizer,
        n_samples, losses, gradient, state, workspace, snapshot, begins,
    ) = given
    one.net = network(
        <const Layer*> np.PyArray_DATA(layers), np.PyArray_DIM(layers, 0), loss, n_targets
    )
    one.lap = Lap(
        NULL, <const Samples*> np.PyArray_DATA(samples), <Py_ssize_t*> np.PyArray_DATA(order),
        np.PyArray_DIM(order, 0), np.PyArray_DIM(order, 1), <double*> np.PyArray_DATA(rates),
        np.PyArray_DIM(rates, 0), np.PyArray_DIM(rates, 1), <double*> np.PyArray_DATA(losses),
        np.PyArray_DIM(losses, 0), <Plan*> np.PyArray_DATA(plan),
        <Progress*> np.PyArray_DATA(progress), <Optimizer*> np.PyArray_DATA(optimizer), help,
    )
    one.n_samples, one.begins = n_samples, begins
    one.parameters, one.n_parameters = np.PyArray_DATA(parameters), np.PyArray_DIM(parameters, 0)
    one.gradient, one.workspace = np.PyArray_DATA(gradient), np.PyArray_DATA(workspace)
    one.state, one.n_state = np.PyArray_DATA(state), np.PyArray_DIM(state, 0)
    one.snapshot = <const Snapshot*> np.PyArray_DATA(snapshot)
    one.n_snapshots = np.PyArray_DIM(snapshot, 0)
    one.is_double = np.PyArray_TYPE(parameters) == np.NPY_DOUBLE
    return 0


cdef object ended(Chunk* one):
    """What train gives: what has come of a chunk is kept, or taken back."""
    cdef Py_ssize_t place = chunk.place_of(one)
    if one.is_finite:
        chunk.keep(one)
        return 0
    chunk.return_to(one, one.n_snapshots)
    return place


def step(
    np.ndarray layers not None, np.ndarray parameters not None, np.ndarray gradient not None,
    np.ndarray state not None, np.ndarray optimizer not None, double eta, double l2,
):
    """A step by a gradient that is given, and zero afterwards; whether all is finite then.

    All arrays are copies that nobody else knows of; parameters stand in for state as in train.
    """
    cdef Network net = network(
        <const Layer*> np.PyArray_DATA(layers), np.PyArray_DIM(layers, 0), 0, 0
    )
    cdef Optimizer* kept = <Optimizer*> np.PyArray_DATA(optimizer)
    cdef void* theta = np.PyArray_DATA(parameters)
    cdef void* g = np.PyArray_DATA(gradient)
    cdef void* kept_of_each = np.PyArray_DATA(state)
    cdef size_t n = np.PyArray_SIZE(parameters), n_state = np.PyArray_SIZE(state)
    cdef bint is_finite
    with nogil:
        if np.PyArray_TYPE(parameters) == np.NPY_DOUBLE:
            optimizers.step_by(
                kept, &net, <vd*> theta, <vd*> g, <vd*> kept_of_each, eta, l2, <double> 0
            )
            is_finite = both_are_finite(<double*> theta, n, <double*> kept_of_each, n_state)
        else:
            optimizers.step_by(
                kept, &net, <vf*> theta, <vf*> g, <vf*> kept_of_each, eta, l2, <float> 0
            )
            is_finite = both_are_finite(<float*> theta, n, <float*> kept_of_each, n_state)
    return is_finite


cdef inline bint both_are_finite(
    const real* theta, size_t n, const real* state, size_t n_state
) noexcept nogil:
    return are_finite(theta, n) and are_finite(state, n_state)


def bytes_together(const Layer[::1] layers, size_t n_vecs):
    """How much room networks need for n_vecs vecs side by side."""
    cdef Network net = network(&layers[0], layers.shape[0], 0, 0)
    return together.bytes_of(&net, n_vecs)


def bytes_of_panel(const Layer[::1] layers):
    """How much room each member needs who shares the first layer's units."""
    cdef Network net = network(&layers[0], layers.shape[0], 0, 0)
    return panels.bytes_of_room(&net)


def note_snapshot(list working, list kept, np.ndarray snapshot not None):
    """Say where working copies lie, and what is kept of them."""
    cdef Snapshot* notes = <Snapshot*> np.PyArray_DATA(snapshot)
    cdef Py_ssize_t i
    for i in range(np.PyArray_DIM(snapshot, 0)):
        notes[i].working = <size_t> np.PyArray_DATA(working[i])
        notes[i].kept = <size_t> np.PyArray_DATA(kept[i])
        notes[i].n_bytes = np.PyArray_NBYTES(kept[i])
