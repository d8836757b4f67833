"""Stochastic gradient descent: epochs, blocks and batches of samples."""
from compiler cimport fetch, kernel
from layers cimport Layer, Network
from losses cimport prepare_share, read_target
from optimizers cimport Optimizer
from panels cimport Panel, Prepared
from samples cimport BLOCK, Block, Samples, fill
from stretch cimport Help, Part, Room, Stretch
from team cimport Team, change, meet, run
from vectors cimport MOST_IN_ROW, real, vd, vec, vf, at, constant, in_row
cimport batch
cimport decay
cimport forms
cimport narrow
cimport optimizers
cimport panels
cimport passes
cimport stretch


cdef struct Plan:
    Py_ssize_t batch_size
    # Of the first layer at batch size 1. In batches it says whether these go through quads, or
    # samples without their zeros come as such.
    size_t form
    double l2               # lambda
    double tol              # a better epoch's loss is below best - tol; NaN: never stop
    Py_ssize_t patience
    # A batch's weights are divided by their sum and not by their number, and lambda by it too.
    size_t divides_by_weight
    # An epoch is a better one unless its loss is above best - tol, which NaN is not; and losses,
    # and what an optimizer keeps, may overflow while parameters are finite.
    size_t is_lenient


cdef struct Progress:
    # Kept between chunks, so that where they are cut changes nothing.
    Py_ssize_t epoch        # epochs done since the losses' start
    Py_ssize_t position     # samples done in this epoch
    double weight           # of this batch: the number of its samples, or the sum of their weights
    double loss_sum         # of this epoch's samples
    double norm             # with L2, Σ W² of all layers
    double best
    Py_ssize_t stale        # epochs since the last better one
    Py_ssize_t stopped      # by tol and patience
    Py_ssize_t samples[forms.N_FORMS]   # that have gone through each form


cdef struct Snapshot:
    # What training changes is a working copy of what is kept: see training.pyx.
    size_t working
    size_t kept
    size_t n_bytes


cdef struct Lap:
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
    const Plan* plan
    Progress* progress
    Optimizer* optimizer
    const Help* help


cdef struct Samplewise:
    # What members of a team are told of samples that they train on one by one.
    const Lap* lap
    void* parameters
    Py_ssize_t n_samples


cdef struct Batches:
    # What members of a team are told of some batches.
    const Lap* lap
    const Py_ssize_t* order
    Py_ssize_t start
    Py_ssize_t end
    double weight               # of a batch that is begun
    void* parameters
    void* gradient
    void* state
    Room room


cdef inline double eta_at(const Lap* lap, Py_ssize_t position) noexcept nogil:
    """eta of the update by the sample in this place of the present epoch."""
    return eta_in(lap, lap.progress.epoch, position)


cdef inline double eta_in(const Lap* lap, Py_ssize_t epoch, Py_ssize_t position) noexcept nogil:
    cdef const double* rates = lap.rates
    if lap.n_rates > 1:
        rates += epoch * lap.rates_in_epoch
    return rates[position // lap.plan.batch_size if lap.rates_in_epoch > 1 else 0]


cdef inline kernel share_of_sample(
    const Lap* lap, Py_ssize_t position, double weight, vec* workspace, real like
) noexcept nogil:
    """-eta of the sample in this place, times its weight, into the scaled share."""
    prepare_share(lap.net, workspace, <real> (-eta_at(lap, position) * weight))


cdef inline bint differ(const Lap* lap) noexcept nogil:
    """Whether samples differ in eta or in weight."""
    return lap.rates_in_epoch > 1 or lap.samples.weights != 0


cdef inline void train(
    const Lap* lap, vec* parameters, vec* gradient, vec* state, vec* workspace,
    Py_ssize_t n_samples, real like,
) noexcept nogil:
    """At least n_samples samples, to the end of a block, or until the last epoch is done."""
    cdef size_t n_members = min(lap.help.n_members, panels.most_members(lap.net))
    cdef Samplewise samples = Samplewise(lap, parameters, n_samples)
    if lap.plan.batch_size > 1 or n_members == 1:
        train_epochs(lap, parameters, gradient, state, workspace, n_samples, NULL, like)
    elif real is float:
        run(<Team*> lap.help.team, n_members, train_panel_of_float, &samples)
    else:
        run(<Team*> lap.help.team, n_members, train_panel_of_double, &samples)


cdef inline void train_panel_of_float(void* samples, size_t member) noexcept nogil:
    train_panel(<Samplewise*> samples, member, <vf*> NULL, <float> 0)


cdef inline void train_panel_of_double(void* samples, size_t member) noexcept nogil:
    train_panel(<Samplewise*> samples, member, <vd*> NULL, <double> 0)


cdef inline void train_panel(
    const Samplewise* samples, size_t member, const vec* like_vec, real like
) noexcept nogil:
    """With a member's part of the first layer's units. What all members find, member 0 notes."""
    cdef Lap lap = samples.lap[0]
    cdef Progress progress = lap.progress[0]
    cdef const Room* room = &lap.help.room
    cdef vec* parameters = <vec*> samples.parameters
    cdef vec* workspace = <vec*> (room.workspaces + member * room.workspace_bytes)
    cdef Panel panel
    panel.team, panel.rooms = <Team*> lap.help.team, room.parts
    panel.member, panel.stopped = member, &samples.lap.progress.stopped
    panel.n_members = min(lap.help.n_members, panels.most_members(lap.net))
    if member > 0:
        lap.progress, lap.losses = &progress, NULL
    panels.begin(&panel, lap.net, parameters, like)
    meet(panel.team, panel.n_members, member)
    train_epochs(
        &lap, panels.parameters_of(&panel, lap.net, parameters), NULL, NULL, workspace,
        samples.n_samples, &panel, like,
    )
    panels.end(&panel, lap.net, parameters)


cdef inline kernel train_epochs(
    const Lap* lap, vec* parameters, vec* gradient, vec* state, vec* workspace,
    Py_ssize_t n_samples, Panel* panel, real like,
) noexcept nogil:
    """panel is NULL where one thread has all units of the first layer."""
    cdef const Plan* plan = lap.plan
    cdef Progress* progress = lap.progress
    cdef const Py_ssize_t* order
    cdef Py_ssize_t start, left
    cdef bint rates_differ = lap.n_rates > 1 or lap.rates_in_epoch > 1
    cdef bint they_differ = differ(lap)
    prepare_share(lap.net, workspace, <real> -eta_at(lap, progress.position))
    while n_samples > 0 and progress.epoch < lap.n_epochs and not progress.stopped:
        order = lap.orders + (progress.epoch * lap.n if lap.n_orders > 1 else 0)
        start = progress.position
        left = min(n_samples, lap.n - start)
        if rates_differ:
            prepare_share(lap.net, workspace, <real> -eta_at(lap, start))
        if plan.batch_size > 1 or plan.form == forms.BATCHES:
            train_batches(lap, parameters, order, left, gradient, state, workspace, like)
        elif plan.form == forms.NARROW and plan.l2 > 0:
            train_narrow_decaying(lap, parameters, order, left, workspace, like)
        elif plan.form == forms.NARROW and they_differ:
            train_narrow_differing(lap, parameters, order, left, workspace, like)
        elif plan.form == forms.NARROW:
            train_narrow_alike(lap, parameters, order, left, workspace, like)
        elif plan.l2 > 0:
            train_decaying_block(lap, parameters, order, gradient, state, workspace, like)
        else:
            train_blocks(lap, parameters, order, left, workspace, panel, like)
        n_samples -= progress.position - start
        if progress.position == lap.n:
            finish_epoch(lap)
            if panel != NULL and plan.tol == plan.tol:
                panels.agree(panel, &progress.stopped)


cdef inline void train_narrow(
    bint they_differ, bint decays, const Lap* lap, vec* parameters, const Py_ssize_t* order,
    Py_ssize_t n_samples, vec* workspace, real like,
) noexcept nogil:
    """n_samples samples through the pass for narrow layers.

    decays is a constant, and so is they_differ where it is False; each case is a kernel of its own,
    as one function for all would run out of registers.
    """
    cdef double lambda_ = lap.plan.l2
    cdef real keep = <real> (1 - eta_at(lap, lap.progress.position) * lambda_)
    cdef const Network* net = lap.net
    cdef const Samples* samples = lap.samples
    cdef Progress* progress = lap.progress
    cdef vec* units = batch.units_in(net, workspace)
    cdef Py_ssize_t i, end = progress.position + n_samples
    cdef size_t k
    cdef vec y[MOST_IN_ROW]
    cdef double weight = 1
    for k in range(in_row(y)):
        y[k] = constant(y[0], 0)  # its padding stays 0
    for i in range(progress.position, end):
        if they_differ:
            if samples.weights:
                weight = (<const double*> samples.weights)[order[i]]
            share_of_sample(lap, i, weight, workspace, like)
            if decays:
                keep = <real> (1 - eta_at(lap, i) * lambda_)
        if decays:
            progress.loss_sum += lambda_ / 2 * narrow.squares(net, parameters, like)
        read_target(net, <const real*> (samples.Y + order[i] * samples.Y_row), y, workspace)
        progress.loss_sum += weight * narrow.sgd_step(
            decays, keep, net, parameters, <const real*> (samples.X + order[i] * samples.X_row), y,
            workspace, units,
        )
    progress.position = end
    progress.samples[<int> forms.NARROW] += n_samples


cdef inline kernel train_narrow_alike(
    const Lap* lap, vec* parameters, const Py_ssize_t* order, Py_ssize_t n_samples,
    vec* workspace, real like,
) noexcept nogil:
    train_narrow(False, False, lap, parameters, order, n_samples, workspace, like)


cdef inline kernel train_narrow_differing(
    const Lap* lap, vec* parameters, const Py_ssize_t* order, Py_ssize_t n_samples,
    vec* workspace, real like,
) noexcept nogil:
    train_narrow(True, False, lap, parameters, order, n_samples, workspace, like)


cdef inline kernel train_narrow_decaying(
    const Lap* lap, vec* parameters, const Py_ssize_t* order, Py_ssize_t n_samples,
    vec* workspace, real like,
) noexcept nogil:
    train_narrow(differ(lap), True, lap, parameters, order, n_samples, workspace, like)


cdef inline void train_decaying_block(
    const Lap* lap, vec* parameters, const Py_ssize_t* order, vec* gradient, vec* state,
    vec* workspace, real like,
) noexcept nogil:
    """A block of samples with L2, which is batches of one sample where decay is strong."""
    cdef const Plan* plan = lap.plan
    cdef Progress* progress = lap.progress
    cdef Py_ssize_t i, end = min(progress.position + BLOCK, lap.n)
    cdef double eta = eta_at(lap, progress.position)
    for i in range(progress.position + 1, end if lap.rates_in_epoch > 1 else 0):
        eta = max(eta, eta_at(lap, i))
    if decay.is_too_strong(eta * plan.l2):
        train_batches(
            lap, parameters, order, end - progress.position, gradient, state, workspace, like
        )
        decay.norm_and_decay(lap.net, parameters, 0, &progress.norm, like)
    else:
        train_blocks(lap, parameters, order, end - progress.position, workspace, NULL, like)


cdef inline kernel train_blocks(
    const Lap* lap, vec* parameters, const Py_ssize_t* order, Py_ssize_t n_samples,
    vec* workspace, Panel* panel, real like,
) noexcept nogil:
    """At least n_samples samples, to the end of a block, through a form of the first layer.

    panel is NULL where one thread has all of that layer's units.
    """
    cdef const Network* net = lap.net
    cdef Network of_member = net[0]
    cdef const Layer* layer = net.layer if panel == NULL else &panel.layer
    cdef const Plan* plan = lap.plan
    cdef Progress* progress = lap.progress
    cdef const vec* scaled_share = at(workspace, net.last.row)
    cdef vec* units = batch.units_in(net, workspace)
    cdef vec* of_sample
    cdef const vec* y
    cdef Prepared of_one_thread
    cdef Prepared* prepared = &of_one_thread
    cdef Block* block
    cdef Py_ssize_t s, start = progress.position, end = progress.position + n_samples
    cdef double weight = 1
    cdef bint decays = plan.l2 > 0, they_differ = differ(lap)
    cdef decay.Scale scale_of_block
    cdef decay.Scale* scale = NULL
    of_member.layer = layer
    if panel != NULL:
        panel.turn = 0
    if decays:
        if progress.position == 0:
            decay.norm_and_decay(net, parameters, 0, &progress.norm, like)
        scale_of_block = decay.scale_of(plan.l2, progress.norm)
        scale = &scale_of_block
    while progress.position < end:
        if panel != NULL and forms.looks_back(plan.form):
            prepared = prepare_in_turn(lap, panel, order, end, units, like)
        else:
            prepare(lap, order, progress.position, prepared, units, like)
        block = &prepared.block
        batch.read_targets(net, block, workspace, like)
        forms.begin(
            plan.form, &of_member, parameters, block, progress.position == start or decays, units,
            &prepared.quad, like,
        )
        if decays:
            decay.begin(scale)
        for s in range(block.n):
            if decays:
                decay.advance(scale, eta_at(lap, progress.position + s), like)
            if they_differ:
                weight = block.weight[s] if block.has_weights else 1
                share_of_sample(lap, progress.position + s, weight, workspace, like)
            of_sample = at(units, s * net.units if forms.looks_back(plan.form) else 0)
            y = at(batch.targets_in(net, workspace), s * net.last.row)
            forms.produce(plan.form, &of_member, parameters, block, s, units, like)
            passes.to_a(net, layer, of_sample, 1, scale, like)
            if panel != NULL:
                panels.exchange(panel, net, of_sample)
            passes.forward_above(net, parameters, of_sample, 1, scale, like)
            progress.loss_sum += weight * passes.loss(net, of_sample, y, workspace, like)
            if decays:
                progress.loss_sum += decay.penalty(scale)
            passes.output_deltas(net, y, scaled_share, of_sample, 1, like)
            passes.deltas_and_updates(net, layer, parameters, of_sample, scale, like)
            if decays:
                decay.to_stored_step(
                    scale, net.layer, parameters,
                    forms.squares_of_x(plan.form, net, block, s, units, like), of_sample, like,
                )
            forms.accept(plan.form, &of_member, parameters, block, s, units, like)
        forms.finish(plan.form, &of_member, parameters, block, units, &prepared.quad, like)
        if decays:
            decay.fold(net, scale, parameters)
            progress.norm = scale.norm
        progress.position += block.n
        progress.samples[<int> plan.form] += block.n


cdef inline void prepare(
    const Lap* lap, const Py_ssize_t* order, Py_ssize_t first, Prepared* prepared,
    const vec* like_vec, real like,
) noexcept nogil:
    """The block of samples that begins in this place.

    With L2, a block's end multiplies W: no block looks into the next.
    """
    cdef Py_ssize_t size = forms.block_size(lap.plan.form)
    fill(
        &prepared.block, lap.samples, order, first, min(lap.n - first, size),
        first + size < lap.n and not lap.plan.l2 > 0, like_vec, like,
    )
    forms.prepare(lap.plan.form, lap.net, &prepared.block, &prepared.quad, like_vec, like)


cdef inline Prepared* prepare_in_turn(
    const Lap* lap, Panel* panel, const Py_ssize_t* order, Py_ssize_t end, const vec* like_vec,
    real like,
) noexcept nogil:
    """The next block, of those before this end, of which members prepare one each at a time."""
    cdef Py_ssize_t first
    cdef Prepared* own
    if panel.turn == 0:
        panel.n_rounds += 1
        own = panels.prepared_by(panel, lap.net, panel.member)
        first = lap.progress.position + panel.member * forms.block_size(lap.plan.form)
        if first < end:
            prepare(lap, order, first, own, like_vec, like)
            change(panel.team, &own.round.value, panel.n_rounds)
    return panels.next_block(panel, lap.net)


cdef inline void train_batches(
    const Lap* lap, vec* parameters, const Py_ssize_t* order, Py_ssize_t n_samples,
    vec* gradient, vec* state, vec* workspace, real like,
) noexcept nogil:
    """At least n_samples samples, to the end of a block, in mini-batches."""
    cdef Progress* progress = lap.progress
    cdef Part part
    cdef Batches batches = Batches(
        lap, order, progress.position, progress.position + n_samples, progress.weight, parameters,
        gradient, state, Room(<size_t> &part, <size_t> workspace, 0, 1),
    )
    cdef Team* team = <Team*> lap.help.team
    if lap.help.n_members == 1:
        train_alone(&batches, parameters, like)
        return
    batches.room = lap.help.room
    if real is float:
        run(team, lap.help.n_members, train_share_of_float, &batches)
    else:
        run(team, lap.help.n_members, train_share_of_double, &batches)


cdef inline kernel train_alone(
    const Batches* batches, const vec* like_vec, real like
) noexcept nogil:
    train_share(batches, 0, 1, like_vec, like)


cdef inline void train_share_of_float(void* batches, size_t member) noexcept nogil:
    train_share(
        <Batches*> batches, member, (<Batches*> batches).lap.help.n_members, <vf*> NULL, <float> 0
    )


cdef inline void train_share_of_double(void* batches, size_t member) noexcept nogil:
    train_share(
        <Batches*> batches, member, (<Batches*> batches).lap.help.n_members, <vd*> NULL, <double> 0
    )


cdef inline void train_share(
    const Batches* batches, size_t member, size_t n_members, const vec* like_vec, real like
) noexcept nogil:
    """A member's share of batches. Both numbers are constants where this is inlined for one thread.

    In plain SGD a batch of one block goes into the parameters at once; all others by way of
    gradient, of which the optimizer makes a step. What many threads cannot do is member 0's.
    """
    cdef const Lap* lap = batches.lap
    cdef const Network* net = lap.net
    cdef const Plan* plan = lap.plan
    cdef Progress* progress = lap.progress
    cdef Optimizer* optimizer = lap.optimizer
    cdef Team* team = <Team*> lap.help.team
    cdef vec* parameters = <vec*> batches.parameters
    cdef vec* gradient = <vec*> batches.gradient
    cdef bint at_once = plan.batch_size <= BLOCK and optimizers.is_plain(optimizer)
    cdef bint is_last, all_meet
    cdef Stretch samples
    cdef double eta, lambda_, weight = batches.weight
    cdef Py_ssize_t position = batches.start, start, size, left
    cdef size_t turn = 0    # of member 0, in what is handed on
    while position < batches.end:
        start = position - position % plan.batch_size
        size = min(plan.batch_size, lap.n - start)
        eta = eta_at(lap, start)
        if position == start:
            weight = weight_of_batch(lap, batches.order, start, size)
        lambda_ = plan.l2 / weight if plan.divides_by_weight else plan.l2
        left = min(start + size - position, (batches.end - position + BLOCK - 1) // BLOCK * BLOCK)
        samples = stretch.stretch(
            net, lap.samples, batches.order, position, left, size, plan.form == forms.QUADS,
            &batches.room, n_members,
        )
        if position == start and n_members > 1:
            fetch(parameters, net.last.b + net.last.row)
        stretch.gradients(
            net, parameters, &samples, optimizers.scale_of_gradient(optimizer, eta) / weight,
            size / weight, plan.batch_size == 1, member, n_members, like,
        )
        is_last = position + samples.n == start + size
        if member == 0 and is_last and not at_once:
            optimizers.count_step(optimizer)
        if samples.is_handed_on:
            stretch.add_in_turn(
                net, &samples, gradient, &progress.loss_sum, team, turn, member, n_members, like
            )
            turn += n_members
        all_meet = is_last or not samples.is_handed_on
        if all_meet:
            meet(team, n_members, member)
        if member == 0:
            if not samples.is_handed_on:
                progress.loss_sum = stretch.add_losses(
                    &samples, 0, samples.n_blocks, progress.loss_sum
                )
            if is_last and plan.l2 > 0:
                decay.norm_and_decay(
                    net, parameters, eta * lambda_ if optimizer.kind == optimizers.SGD else 0,
                    &progress.norm, like,
                )
                progress.loss_sum += size * lambda_ / 2 * progress.norm
        if at_once and plan.l2 > 0:
            meet(team, n_members, member)
        if n_members > 1 and is_last and not at_once:
            optimizers.fetch(net, parameters, member, n_members)
        if not samples.is_handed_on:
            stretch.updates(
                net, &samples, parameters if at_once else gradient, member, n_members, like
            )
        position += samples.n
        if is_last and not at_once:
            if optimizers.clips(optimizer):
                meet(team, n_members, member)
                if member == 0:
                    optimizers.clip(optimizer, net, gradient, eta, like)
            if optimizers.clips(optimizer) or plan.l2 > 0:
                meet(team, n_members, member)
            optimizers.step(
                optimizer, net, parameters, gradient, <vec*> batches.state, eta, lambda_, member,
                n_members, like,
            )
        if all_meet:
            meet(team, n_members, member)
        if member == 0:
            progress.weight = weight
            progress.position = position
            progress.samples[<int> forms.BATCHES] += samples.n


cdef inline double weight_of_batch(
    const Lap* lap, const Py_ssize_t* order, Py_ssize_t start, Py_ssize_t size
) noexcept nogil:
    """What the sum of a batch's gradients is divided by."""
    cdef const double* weights = <const double*> lap.samples.weights
    cdef Py_ssize_t i
    cdef double total = 0
    if not lap.plan.divides_by_weight or weights == NULL:
        return <double> size
    for i in range(start, start + size):
        total += weights[order[i]]
    return total


cdef inline void finish_epoch(const Lap* lap) noexcept nogil:
    note_loss(lap.plan, lap.progress, lap.losses, lap.progress.loss_sum / lap.n)
    lap.progress.position = 0
    lap.progress.loss_sum = 0


cdef inline void note_loss(
    const Plan* plan, Progress* progress, double* losses, double L
) noexcept nogil:
    """Of an epoch, which is done."""
    if losses != NULL:
        losses[progress.epoch] = L
    progress.epoch += 1
    cdef bint is_better = L < progress.best - plan.tol
    if plan.is_lenient:
        is_better = not L > progress.best - plan.tol
    progress.stale = 0 if is_better else progress.stale + 1
    if L < progress.best:
        progress.best = L
    progress.stopped = plan.tol == plan.tol and progress.stale >= plan.patience
