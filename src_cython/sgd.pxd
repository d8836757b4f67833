"""Stochastic gradient descent: epochs, blocks and batches of samples, from where a plan stands."""
from compiler cimport kernel
from layers cimport Network
from losses cimport prepare_share, read_target
from optimizers cimport Optimizer
from quad cimport Quad
from samples cimport BLOCK, QUADS, Block, Samples, fill
from vectors cimport MOST_IN_ROW, real, vec, at, constant, in_row
cimport batch
cimport decay
cimport forms
cimport narrow
cimport optimizers
cimport passes


cdef struct Plan:
    Py_ssize_t batch_size
    size_t form             # of the first layer at batch size 1
    double l2               # lambda
    double tol              # a better epoch's loss is below best - tol; NaN: never stop
    Py_ssize_t patience
    # A batch's weights are divided by their sum, and lambda too; an epoch is a better one unless
    # its loss is above best - tol, which NaN is not; and only parameters must be finite.
    Py_ssize_t as_sklearn
    # How far training has come. Kept between chunks, so that where they are cut changes nothing.
    Py_ssize_t epoch        # epochs done since the losses' start
    Py_ssize_t position     # samples done in this epoch
    double weight           # of this batch: the number of its samples, or the sum of their weights
    double loss_sum         # of this epoch's samples
    double norm             # with L2, Σ W² of all layers
    double best
    Py_ssize_t stale        # epochs since the last better one
    Py_ssize_t stopped      # by tol and patience
    Py_ssize_t samples[forms.N_FORMS]   # that have gone through each form; batches are SINGLES


cdef struct Kept:
    # What training changes is a working copy of what is kept: see train in kernels.pyx.
    size_t working
    size_t kept
    size_t n_bytes


cdef struct Course:
    const Network* net
    const Samples* samples
    const Py_ssize_t* orders    # one after the other; or a single one for all epochs
    Py_ssize_t n_orders
    Py_ssize_t n                # samples in an epoch
    const double* rates         # eta: n_rates rows, or one for all epochs, each of rates_in_epoch:
    Py_ssize_t n_rates          # one for each update, or one for all
    Py_ssize_t rates_in_epoch
    double* losses              # the mean of the samples' losses before their updates
    Py_ssize_t n_epochs
    Plan* plan
    Optimizer* optimizer


cdef inline double eta_at(const Course* course, Py_ssize_t position) noexcept nogil:
    """eta of the update by the sample in this place of the present epoch."""
    cdef const double* rates = course.rates
    if course.n_rates > 1:
        rates += course.plan.epoch * course.rates_in_epoch
    return rates[position // course.plan.batch_size if course.rates_in_epoch > 1 else 0]


cdef inline kernel share_of_sample(
    const Course* course, Py_ssize_t position, double weight, vec* workspace, real like
) noexcept nogil:
    """-eta of the sample in this place, times its weight, into the scaled share."""
    prepare_share(course.net, workspace, <real> (-eta_at(course, position) * weight))


cdef inline bint differ(const Course* course) noexcept nogil:
    """Whether samples differ in eta or in weight."""
    return course.rates_in_epoch > 1 or course.samples.weights != 0


cdef inline void train(
    const Course* course, vec* parameters, vec* gradient, vec* state, vec* workspace,
    Py_ssize_t n_samples, real like,
) noexcept nogil:
    """At least n_samples samples, to the end of a block, or until the last epoch is done."""
    cdef Plan* plan = course.plan
    cdef const Py_ssize_t* order
    cdef Py_ssize_t start, left
    cdef bint rates_differ = course.n_rates > 1 or course.rates_in_epoch > 1
    cdef bint they_differ = differ(course)
    prepare_share(course.net, workspace, <real> -eta_at(course, plan.position))
    while n_samples > 0 and plan.epoch < course.n_epochs and not plan.stopped:
        order = course.orders + (plan.epoch * course.n if course.n_orders > 1 else 0)
        start = plan.position
        left = min(n_samples, course.n - start)
        if rates_differ:
            prepare_share(course.net, workspace, <real> -eta_at(course, start))
        if plan.batch_size > 1 or plan.form == forms.SINGLES:
            train_batches(course, parameters, order, left, gradient, state, workspace, like)
        elif plan.form == forms.NARROW and they_differ:
            train_narrow(True, course, parameters, order, left, workspace, like)
        elif plan.form == forms.NARROW:
            train_narrow(False, course, parameters, order, left, workspace, like)
        elif plan.l2 > 0:
            train_decaying_block(course, parameters, order, gradient, state, workspace, like)
        else:
            train_blocks(course, parameters, order, left, workspace, like)
        n_samples -= plan.position - start
        if plan.position == course.n:
            finish_epoch(plan, course.n, course.losses)


cdef inline void train_narrow(
    bint they_differ, const Course* course, vec* parameters, const Py_ssize_t* order,
    Py_ssize_t n_samples, vec* workspace, real like,
) noexcept nogil:
    """n_samples samples through the pass for narrow layers."""
    cdef const Network* net = course.net
    cdef const Samples* samples = course.samples
    cdef Plan* plan = course.plan
    cdef vec* units = batch.units_in(net, workspace)
    cdef Py_ssize_t i, end = plan.position + n_samples
    cdef size_t k
    cdef vec y[MOST_IN_ROW]
    cdef double weight = 1
    for k in range(in_row(y)):
        y[k] = constant(y[0], 0)  # its padding stays 0
    for i in range(plan.position, end):
        if they_differ:
            if samples.weights:
                weight = (<const double*> samples.weights)[order[i]]
            share_of_sample(course, i, weight, workspace, like)
        read_target(net, <const real*> (samples.Y + order[i] * samples.Y_row), y, workspace)
        plan.loss_sum += weight * narrow.sgd_step(
            net, parameters, <const real*> (samples.X + order[i] * samples.X_row), y, workspace,
            units,
        )
    plan.position = end
    plan.samples[<int> forms.NARROW] += n_samples


cdef inline void train_decaying_block(
    const Course* course, vec* parameters, const Py_ssize_t* order, vec* gradient, vec* state,
    vec* workspace, real like,
) noexcept nogil:
    """A block of samples with L2, which is batches of one sample where decay is strong."""
    cdef Plan* plan = course.plan
    cdef Py_ssize_t i, end = min(plan.position + BLOCK, course.n)
    cdef double eta = eta_at(course, plan.position)
    for i in range(plan.position + 1, end if course.rates_in_epoch > 1 else 0):
        eta = max(eta, eta_at(course, i))
    if decay.is_too_strong(eta * plan.l2):
        train_batches(
            course, parameters, order, end - plan.position, gradient, state, workspace, like
        )
        decay.norm_and_decay(course.net, parameters, 0, &plan.norm, like)
    else:
        train_blocks(course, parameters, order, end - plan.position, workspace, like)


cdef inline kernel train_blocks(
    const Course* course, vec* parameters, const Py_ssize_t* order, Py_ssize_t n_samples,
    vec* workspace, real like,
) noexcept nogil:
    """At least n_samples samples, to the end of a block, through a form of the first layer."""
    cdef const Network* net = course.net
    cdef Plan* plan = course.plan
    cdef Py_ssize_t n = course.n
    cdef const vec* scaled_share = at(workspace, net.last.row)
    cdef vec* units = batch.units_in(net, workspace)
    cdef vec* of_sample
    cdef const vec* y
    cdef Block block
    cdef Quad quad_of_block
    cdef Quad* quads = &quad_of_block if plan.form == forms.QUADS else NULL
    cdef Py_ssize_t size = forms.block_size(plan.form)
    cdef Py_ssize_t s, start = plan.position, end = plan.position + n_samples
    cdef double weight = 1
    cdef bint decays = plan.l2 > 0, they_differ = differ(course)
    cdef decay.Scale scale_of_block
    cdef decay.Scale* scale = NULL
    if decays:
        if plan.position == 0:
            decay.norm_and_decay(net, parameters, 0, &plan.norm, like)
        scale_of_block = decay.scale_of(plan.l2, plan.norm)
        scale = &scale_of_block
    while plan.position < end:
        # With L2, a block's end multiplies W: no block looks into the next.
        fill(
            &block, course.samples, order, plan.position, min(n - plan.position, size),
            plan.position + size < n and not decays, units, like,
        )
        batch.read_targets(net, &block, workspace, like)
        forms.begin(
            plan.form, net, parameters, &block, plan.position == start or decays, units,
            quads, like,
        )
        if decays:
            decay.begin(scale)
        for s in range(block.n):
            if decays:
                decay.advance(scale, eta_at(course, plan.position + s), like)
            if they_differ:
                weight = block.weight[s] if block.has_weights else 1
                share_of_sample(course, plan.position + s, weight, workspace, like)
            of_sample = units if forms.shares_units(plan.form) else at(units, s * net.units)
            y = at(batch.targets_in(net, workspace), s * net.last.row)
            forms.produce(plan.form, net, parameters, &block, s, units, like)
            passes.forward(net, parameters, of_sample, 1, scale, like)
            plan.loss_sum += weight * passes.loss(net, of_sample, y, workspace, like)
            if decays:
                plan.loss_sum += decay.penalty(scale)
            passes.output_deltas(net, y, scaled_share, of_sample, 1, like)
            passes.deltas_and_updates(net, parameters, of_sample, scale, like)
            if decays:
                decay.to_stored_step(
                    scale, net.layer, parameters,
                    forms.squares_of_x(plan.form, net, &block, s, units, like), of_sample, like,
                )
            forms.accept(plan.form, net, parameters, &block, s, units, like)
        forms.finish(plan.form, net, parameters, &block, units, quads, like)
        if decays:
            decay.fold(net, scale, parameters)
            plan.norm = scale.norm
        plan.position += block.n
        plan.samples[<int> plan.form] += block.n


cdef inline kernel train_batches(
    const Course* course, vec* parameters, const Py_ssize_t* order, Py_ssize_t n_samples,
    vec* gradient, vec* state, vec* workspace, real like,
) noexcept nogil:
    """At least n_samples samples, to the end of a block, in mini-batches.

    In plain SGD a batch of one block goes into the parameters at once; all others by way of
    gradient, of which the optimizer makes a step.
    """
    cdef const Network* net = course.net
    cdef const Samples* samples = course.samples
    cdef Plan* plan = course.plan
    cdef Optimizer* optimizer = course.optimizer
    cdef double eta, lambda_
    cdef bint at_once = plan.batch_size <= BLOCK and optimizers.is_plain(optimizer)
    cdef bint is_last
    cdef Block block
    cdef Quad quads_of_block[QUADS]
    cdef Quad* quads = quads_of_block if plan.form == forms.QUADS else NULL
    cdef real differences = 0
    cdef Py_ssize_t end = plan.position + n_samples, batch_start, in_batch, size
    while plan.position < end:
        batch_start = plan.position - plan.position % plan.batch_size
        size = min(plan.batch_size, course.n - batch_start)
        in_batch = plan.position - batch_start
        eta = eta_at(course, batch_start)
        if in_batch == 0:
            plan.weight = weight_of_batch(course, order, size)
        lambda_ = plan.l2 / plan.weight if plan.as_sklearn else plan.l2
        fill(&block, samples, order, plan.position, size - in_batch, False, workspace, like)
        prepare_share(
            net, workspace, <real> (optimizers.scale_of_gradient(optimizer, eta) / plan.weight)
        )
        batch.read_targets(net, &block, workspace, like)
        batch.forward(net, parameters, samples, &block, workspace, quads, &differences)
        plan.loss_sum = batch.losses(
            net, &block, workspace, size / plan.weight, plan.loss_sum, like
        )
        batch.deltas(net, parameters, &block, workspace, plan.batch_size == 1, like)
        is_last = in_batch + block.n == size
        if is_last and plan.l2 > 0:
            decay.norm_and_decay(
                net, parameters, eta * lambda_ if optimizer.kind == optimizers.SGD else 0,
                &plan.norm, like,
            )
            plan.loss_sum += size * lambda_ / 2 * plan.norm
        batch.updates(net, &block, workspace, parameters if at_once else gradient, quads, like)
        plan.position += block.n
        plan.samples[<int> forms.SINGLES] += block.n
        if is_last and not at_once:
            optimizers.step(optimizer, net, parameters, gradient, state, eta, lambda_, like)


cdef inline double weight_of_batch(
    const Course* course, const Py_ssize_t* order, Py_ssize_t size
) noexcept nogil:
    """What the sum of a batch's gradients is divided by, at the batch's start."""
    cdef const double* weights = <const double*> course.samples.weights
    cdef Py_ssize_t i, start = course.plan.position
    cdef double total = 0
    if not course.plan.as_sklearn or weights == NULL:
        return <double> size
    for i in range(start, start + size):
        total += weights[order[i]]
    return total


cdef inline void finish_epoch(Plan* plan, Py_ssize_t n, double* losses) noexcept nogil:
    cdef double L = plan.loss_sum / n
    losses[plan.epoch] = L
    plan.epoch += 1
    plan.position = 0
    plan.loss_sum = 0
    cdef bint is_better = L < plan.best - plan.tol
    if plan.as_sklearn:
        is_better = not L > plan.best - plan.tol
    plan.stale = 0 if is_better else plan.stale + 1
    if L < plan.best:
        plan.best = L
    plan.stopped = plan.tol == plan.tol and plan.stale >= plan.patience
