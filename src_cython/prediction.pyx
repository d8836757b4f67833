"""Prediction, losses and gradients: what is computed with parameters that nobody changes.

And at the end what must happen between two instructions of Python: Gate, with the update by a
single sample, and Turn.

x input · W weights · b biases · z = xW + b · a = activation(z) · y target · L loss
delta = ∂L/∂z · eta learning rate
"""
from libc.float cimport DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN
from libc.math cimport NAN, fabs
from time import sleep

cimport numpy as np
from cpython.exc cimport PyErr_CheckSignals
from cpython.pythread cimport PyThread_get_thread_ident

from layers cimport Layer, Network, network
from losses cimport prepare_share, read_target
from samples cimport BLOCK, Block, Samples, fill, samples_for
from stretch cimport Help, Part, Room, Stretch, help_now
from team cimport Team
from vectors cimport real, vec, vd, vf, at
cimport activations
cimport batch
cimport losses as loss_functions
cimport passes
cimport single
cimport stretch
cimport team
cimport tile

np.import_array()

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
    "product": loss_functions.PRODUCT,
    "product_of_z": loss_functions.PRODUCT_OF_Z,
}
# What users of Network do not name: the loss of step units, what scikit-learn's classes have, and
# that of gradients that are given.
INTERNAL = {
    "exp", "perceptron", "squared_error", "log_loss", "binary_log_loss", "poisson", "product",
    "product_of_z",
}
cdef object plain = "sgd"
PLAIN = plain
cdef np.npy_int64 LARGEST_EXACT = 2 ** 53
cdef enum:
    PIECES = 4  # of rows, for each member: who comes late takes fewer of them
PAUSE = 2e-5  # seconds; an update of the smallest networks that needs checks takes as long


cdef struct Rows:
    # What members are told of rows that they take, some at a time.
    const Network* net
    const void* parameters
    const Samples* samples
    Py_ssize_t start
    Py_ssize_t n
    Py_ssize_t at_once
    bint are_doubles
    void* outputs           # a of the last layer, one row after the other; NULL: not wanted
    double* losses          # alike
    size_t workspaces       # one for each member
    size_t workspace_bytes
    size_t n_taken
    size_t are_unfit        # where some row is not finite


def feedforward(
    np.ndarray layers not None, np.ndarray parameters not None, np.ndarray samples not None,
    Py_ssize_t start, np.ndarray out not None, np.ndarray workspaces not None,
    np.ndarray help not None, bint holds_lock=False,
):
    """out[t] = a of the last layer for sample start + t; whether the samples are finite.

    Those that are dense need not have been checked, if there is room to compress one: they are
    read once, and where False is returned, out is of no use. There are as many workspaces as
    members, and so there is room. holds_lock, here and below: no other thread runs Python
    meanwhile, and so none changes the parameters.
    """
    cdef Network net = network_of(layers, 0, 0)
    cdef Help now = help_now(<const Help*> np.PyArray_DATA(help))
    cdef Rows rows = rows_of(&net, parameters, samples, start, workspaces, &now)
    rows.n, rows.outputs = np.PyArray_DIM(out, 0), np.PyArray_DATA(out)
    if holds_lock:
        go_through(&rows, &now)
    else:
        with nogil:
            go_through(&rows, &now)
    return not rows.are_unfit


def loss(
    np.ndarray layers not None, size_t loss, size_t n_targets, np.ndarray parameters not None,
    np.ndarray samples not None, Py_ssize_t start, np.ndarray losses not None,
    np.ndarray out not None, np.ndarray workspaces not None, np.ndarray help not None,
    double total, bint holds_lock=False,
):
    """total + the losses of samples times their weights, and the outputs in out if that has rows.

    losses is room for as many as are wanted. They are added one by one, so that it does not matter
    where X is cut.
    """
    cdef Network net = network_of(layers, loss, n_targets)
    cdef Help now = help_now(<const Help*> np.PyArray_DATA(help))
    cdef Rows rows = rows_of(&net, parameters, samples, start, workspaces, &now)
    cdef Py_ssize_t t
    rows.n, rows.losses = np.PyArray_DIM(losses, 0), <double*> np.PyArray_DATA(losses)
    if np.PyArray_DIM(out, 0):
        rows.outputs = np.PyArray_DATA(out)
    if holds_lock:
        go_through(&rows, &now)
    else:
        with nogil:
            go_through(&rows, &now)
    for t in range(rows.n):
        total += rows.losses[t]
    return total


cdef inline Network network_of(np.ndarray layers, size_t loss, size_t n_targets):
    return network(
        <const Layer*> np.PyArray_DATA(layers), np.PyArray_DIM(layers, 0), loss, n_targets
    )


cdef inline Rows rows_of(
    const Network* net, np.ndarray parameters, np.ndarray samples, Py_ssize_t start,
    np.ndarray workspaces, const Help* help,
):
    """No rows, of which nothing is wanted."""
    return Rows(
        net, np.PyArray_DATA(parameters), <const Samples*> np.PyArray_DATA(samples), start, 0, 0,
        np.PyArray_TYPE(parameters) == np.NPY_DOUBLE, NULL, NULL,
        <size_t> np.PyArray_DATA(workspaces), np.PyArray_NBYTES(workspaces) // help.most_members,
        0, 0,
    )


cdef inline void go_through(Rows* rows, const Help* help) noexcept nogil:
    """Rows are cut where blocks end, if there are many, and elsewhere where there are few."""
    cdef Py_ssize_t whole = BLOCK if rows.n > <Py_ssize_t> (BLOCK * help.n_members) else 4
    rows.at_once = rows.n
    if help.n_members > 1:
        rows.at_once //= PIECES * help.n_members
        rows.at_once = (rows.at_once // whole + 1) * whole
    if rows.are_doubles:
        team.share(<Team*> help.team, help.n_members, take_rows_of_double, rows)
    else:
        team.share(<Team*> help.team, help.n_members, take_rows_of_float, rows)


cdef void take_rows_of_float(void* rows, size_t member) noexcept nogil:
    take_rows(<Rows*> rows, member, <vf*> NULL, <float> 0)


cdef void take_rows_of_double(void* rows, size_t member) noexcept nogil:
    take_rows(<Rows*> rows, member, <vd*> NULL, <double> 0)


cdef inline void take_rows(
    Rows* rows, size_t member, const vec* like_vec, real like
) noexcept nogil:
    """Piece after piece, until none is left."""
    cdef Samples samples = samples_for(rows.samples, member, like)
    cdef vec* workspace = <vec*> (rows.workspaces + member * rows.workspace_bytes)
    cdef Py_ssize_t first = 0
    if rows.losses != NULL:
        prepare_share(rows.net, workspace, like)
    while True:
        first = <Py_ssize_t> (team.add(&rows.n_taken, 1) - 1) * rows.at_once
        if first >= rows.n:
            break
        see_rows(
            rows, &samples, first, min(first + rows.at_once, rows.n), <const vec*> rows.parameters,
            workspace, like,
        )


cdef inline void see_rows(
    Rows* rows, const Samples* samples, Py_ssize_t first, Py_ssize_t end, const vec* parameters,
    vec* workspace, real like,
) noexcept nogil:
    cdef const Network* net = rows.net
    cdef vec* units = batch.units_in(net, workspace)
    cdef size_t n_out = net.last.n_out
    cdef real* out = <real*> rows.outputs
    cdef Block block
    cdef real differences = 0
    cdef Py_ssize_t s
    while first < end:
        fill(&block, samples, NULL, rows.start + first, end - first, False, units, like)
        if rows.losses != NULL:
            batch.read_targets(net, &block, workspace, like)
        batch.forward(net, parameters, samples, &block, workspace, NULL, &differences)
        if rows.losses != NULL:
            batch.losses(net, &block, workspace, 1, rows.losses + first, like)
        for s in range(block.n if out != NULL else 0):
            copy_outputs(net, at(units, s * net.units), out + (first + s) * <Py_ssize_t> n_out)
        first += block.n
    if differences != 0:
        team.store(&rows.are_unfit, 1)


cdef inline void copy_outputs(const Network* net, const vec* units, real* out) noexcept nogil:
    """out = a of the last layer of a sample"""
    cdef const real* a = <const real*> at(units, net.last.a)
    cdef size_t k
    for k in range(net.last.n_out):
        out[k] = a[k]


cdef struct Sum:
    # What members are told of rows whose gradients are added; what is NULL is not wanted.
    const Network* net
    const void* parameters
    const Samples* samples
    Py_ssize_t start
    Py_ssize_t end
    bint are_doubles
    void* gradient
    void* outputs           # a of the last layer, one row after the other
    void* input_gradients   # ∂L/∂x in rows of whole vecs
    size_t input_row        # their bytes
    const Help* help
    Room room
    double total            # of the losses


def gradients(
    np.ndarray layers not None, size_t loss, size_t n_targets, np.ndarray parameters not None,
    np.ndarray samples not None, Py_ssize_t start, Py_ssize_t end,
    np.ndarray gradient not None, np.ndarray outputs not None,
    np.ndarray input_gradients not None, np.ndarray workspace not None,
    np.ndarray help not None, double total, bint holds_lock=False,
):
    """gradient += the samples' gradients times their weights; laid out as the parameters are.

    total + their losses times their weights, added one by one. outputs and input_gradients, in
    rows of whole vecs, have a row for each of these samples. Of the three, those that are empty are
    not wanted.
    """
    cdef Network net = network_of(layers, loss, n_targets)
    cdef Help now = help_now(<const Help*> np.PyArray_DATA(help))
    cdef Sum sum_ = Sum(
        &net, np.PyArray_DATA(parameters), <const Samples*> np.PyArray_DATA(samples), start, end,
        np.PyArray_TYPE(parameters) == np.NPY_DOUBLE, wanted(gradient), wanted(outputs),
        wanted(input_gradients), np.PyArray_STRIDES(input_gradients)[0], &now, now.room, total,
    )
    cdef Part part
    if now.n_members == 1:
        sum_.room = Room(<size_t> &part, <size_t> np.PyArray_DATA(workspace), 0, 1)
    if holds_lock:
        add_gradients(&sum_)
    else:
        with nogil:
            add_gradients(&sum_)
    return sum_.total


cdef inline void* wanted(np.ndarray array):
    return np.PyArray_DATA(array) if np.PyArray_SIZE(array) else NULL


cdef void add_gradients(Sum* sum_) noexcept nogil:
    cdef const Help* help = sum_.help
    if sum_.are_doubles:
        team.run(<Team*> help.team, help.n_members, add_share_of_double, sum_)
    else:
        team.run(<Team*> help.team, help.n_members, add_share_of_float, sum_)


cdef void add_share_of_float(void* sum_, size_t member) noexcept nogil:
    add_share(<Sum*> sum_, member, <vf*> (<Sum*> sum_).gradient, <float> 0)


cdef void add_share_of_double(void* sum_, size_t member) noexcept nogil:
    add_share(<Sum*> sum_, member, <vd*> (<Sum*> sum_).gradient, <double> 0)


cdef inline void add_share(Sum* sum_, size_t member, vec* gradient, real like) noexcept nogil:
    """A member's share, with two meetings in each stretch where sums are not handed on."""
    cdef const Help* help = sum_.help
    cdef Team* team_ = <Team*> help.team
    cdef size_t n_members = help.n_members, turn = 0
    cdef Samples samples = samples_for(sum_.samples, member, like)
    cdef Stretch rows
    cdef Py_ssize_t start = sum_.start
    while start < sum_.end:
        rows = stretch.stretch(
            sum_.net, &samples, NULL, start, sum_.end - start, sum_.end - sum_.start, False,
            &sum_.room, n_members,
        )
        stretch.gradients(
            sum_.net, <const vec*> sum_.parameters, &rows, 1, 1, False, member, n_members, like
        )
        keep_rows(
            sum_, &rows, <const vec*> sum_.parameters, start - sum_.start, member, n_members, like
        )
        if rows.is_handed_on and gradient != NULL:
            stretch.add_in_turn(
                sum_.net, &rows, gradient, &sum_.total, team_, turn, member, n_members, like
            )
            turn += n_members
        else:
            team.meet(team_, n_members, member)
            if member == 0:
                sum_.total = stretch.add_losses(&rows, 0, rows.n_blocks, sum_.total)
            if gradient != NULL:
                stretch.updates(sum_.net, &rows, gradient, member, n_members, like)
            team.meet(team_, n_members, member)
        start += rows.n


cdef inline void keep_rows(
    Sum* sum_, const Stretch* rows, const vec* parameters, Py_ssize_t first, size_t member,
    size_t n_members, real like,
) noexcept nogil:
    """What is wanted of each row of a member's blocks, once their deltas are there."""
    cdef const Network* net = sum_.net
    cdef const Layer* layer = net.layer
    cdef real* out = <real*> sum_.outputs
    cdef vec* dL_dx = <vec*> sum_.input_gradients
    cdef const void* delta[BLOCK]
    cdef const vec* units
    cdef Py_ssize_t of_member = rows.n_blocks // <Py_ssize_t> n_members
    cdef Py_ssize_t i, s, row, n
    for i in range(<Py_ssize_t> member * of_member, <Py_ssize_t> (member + 1) * of_member):
        row = first + stretch.start_of(rows, i)
        n = stretch.part_of(rows, i).block.n
        units = batch.units_in(net, stretch.workspace_of(rows, i, parameters))
        for s in range(n if out != NULL else 0):
            copy_outputs(
                net, at(units, s * net.units), out + (row + s) * <Py_ssize_t> net.last.n_out
            )
        if dL_dx != NULL and n > 0:
            passes.rows_of(net, units, layer.delta, n, delta)
            tile.backward(
                at(parameters, layer.W), layer.stride, delta, n,
                at(dL_dx, row * <Py_ssize_t> sum_.input_row), sum_.input_row, layer.n_in,
                layer.n_out, like,
            )


cdef class Gate:
    """feedforward and update for one sample in the plain case, with little around the arithmetic.

    And feedforward for a few rows.

    The plain case is NumPy arrays, contiguous, of real numbers, and lists of numbers of Python, of
    the right length, all finite; and numbers of Python or NumPy; and for update that nobody trains
    the network meanwhile. Everything else gets None, and goes the way through
    fastnn/_data_checks.py. The arrays handed in here are kept, and so are the addresses in them.
    Python's lock is held from the beginning to the end, and so there is always one call at a time.

    turn is that of a training or an update that the network is in, or None.
    """
    cdef readonly Turn turn
    cdef object numbers, integers, kept
    cdef Network net
    cdef Samples room
    cdef size_t parameter_block, end_of_parameters, workspace, itemsize
    cdef object own_x, own_y    # what is of another type, in the network's dtype
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
        cdef np.npy_intp n_in = records[0].n_in, n_out = records[records.shape[0] - 1].n_out
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
        self.own_x = np.PyArray_ZEROS(1, &n_in, self.dtype, 0)
        self.own_y = np.PyArray_ZEROS(1, &n_out, self.dtype, 0)
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

    cdef void* read(self, given, size_t n, own):
        """As get; or where these are numbers of another type, the address of own, which has them.
        """
        cdef void* place = self.get(given, n)
        cdef bint are_read = False
        if place != NULL:
            return place
        place = np.PyArray_DATA(own)
        if type(given) is list:
            if len(given) == <Py_ssize_t> n:
                if self.dtype == np.NPY_FLOAT:
                    are_read = read_list(given, <float*> place)
                else:
                    are_read = read_list(given, <double*> place)
        elif (
            np.PyArray_CheckExact(given) and np.PyArray_NDIM(given) == 1
            and np.PyArray_DIMS(given)[0] == <Py_ssize_t> n and np.PyArray_ISCARRAY_RO(given)
        ):
            if self.dtype == np.NPY_FLOAT:
                are_read = read_array(given, <float*> place)
            else:
                are_read = read_array(given, <double*> place)
        return place if are_read else NULL

    def feedforward(self, x, out):
        """The outputs for x, in out if that is not None; None if this is not the plain case."""
        cdef np.npy_intp n_out = self.net.last.n_out
        cdef const void* numbers = self.read(x, self.net.layer.n_in, self.own_x)
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

    def update(self, x, y, eta, optimizer):
        """The loss before one step of SGD; None if this is not the plain case, or not finite.

        Of optimizers, PLAIN itself is.
        """
        cdef const void* inputs
        cdef const void* target = NULL
        cdef double number = 0, rate, L = NAN
        cdef float as_float
        cdef bint is_number = self.is_number(y)
        if optimizer is not plain or type(eta) not in self.numbers:
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
        inputs = self.read(x, self.net.layer.n_in, self.own_x)
        if is_number:
            if self.is_class_number and not 0 <= number < self.net.last.n_out:
                return None
            if self.is_class_number and self.net.last.n_out == 1:
                number = 1  # of a single class, targets are the outputs
            as_float = <float> number
            target = &as_float if self.dtype == np.NPY_FLOAT else <const void*> &number
        elif not self.is_class_number:
            target = self.read(y, self.net.last.n_out, self.own_y)
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


cdef bint read_list(list given, real* numbers):
    """Whether all are floats and ints of Python, and none is too large to be exact as a float."""
    cdef size_t k = 0
    cdef double number
    for one in given:
        if type(one) is float:
            number = <double> one
        elif type(one) is int and -LARGEST_EXACT <= one <= LARGEST_EXACT:
            number = <double> one
        else:
            return False
        numbers[k] = <real> number
        k += 1
    return True


cdef bint read_array(given, real* numbers) noexcept:
    """Whether they are of a common type, and none is too large to be exact as a float."""
    cdef int kind = np.PyArray_TYPE(given)
    cdef void* place = np.PyArray_DATA(given)
    cdef size_t n = np.PyArray_DIMS(given)[0], k
    if kind == np.NPY_FLOAT:
        for k in range(n):
            numbers[k] = <real> (<float*> place)[k]
    elif kind == np.NPY_DOUBLE:
        for k in range(n):
            numbers[k] = <real> (<double*> place)[k]
    elif kind == np.NPY_INT32:
        for k in range(n):
            numbers[k] = <real> (<np.npy_int32*> place)[k]
    elif kind == np.NPY_INT64:
        for k in range(n):
            if not -LARGEST_EXACT <= (<np.npy_int64*> place)[k] <= LARGEST_EXACT:
                return False
            numbers[k] = <real> (<np.npy_int64*> place)[k]
    elif kind == np.NPY_UINT8:
        for k in range(n):
            numbers[k] = <real> (<np.npy_uint8*> place)[k]
    else:
        return False
    return True


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
    return single.sgd_step(
        net, parameters, own_x, size_of_x, batch.targets_in(net, workspace), workspace,
        batch.units_in(net, workspace), eta,
    )


cdef class Turn:
    """``with Turn(...)``: a stretch of time in which one thread alone changes the parameters.

    A training is refused while another one runs, and so is an update; updates take turns. What the
    network is in is set and taken back between two instructions of Python, so that no Ctrl-C comes
    in between. In the child of a fork a turn of the parent's is none.
    """
    cdef Gate gate
    cdef bint trains
    cdef long process
    cdef unsigned long thread

    def __init__(self, Gate gate, bint trains):
        self.gate = gate
        self.trains = trains

    def __enter__(self):
        cdef Turn other
        cdef long process = team.this_process()
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
            PyErr_CheckSignals()
        self.process, self.thread = process, thread
        self.gate.turn = self
        return self

    def __exit__(self, kind, error, traceback):
        if self.gate.turn is self:
            self.gate.turn = None
