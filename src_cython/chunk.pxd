"""A chunk of one network's training: some samples, on working copies of what training changes.

In the end those become what is kept, at one moment, or if something is not finite, what is kept
becomes them again: so what is kept is always a snapshot of what some completed step has left.
"""
from libc.string cimport memcpy

from compression cimport are_finite
from layers cimport Network
from sgd cimport Lap, Snapshot
from vectors cimport real, vd, vf
cimport sgd


cdef struct Chunk:
    Network net
    Lap lap
    Py_ssize_t n_samples
    void* parameters
    size_t n_parameters
    void* gradient
    void* state             # the parameters stand in for it where it is nothing
    size_t n_state
    void* workspace
    const Snapshot* snapshot
    Py_ssize_t n_snapshots
    bint is_double
    bint begins             # a training: what is kept may have been changed since
    bint is_finite          # what has come of it


cdef inline void run(Chunk* chunk) noexcept nogil:
    begin(chunk)
    if chunk.is_double:
        sgd.train(
            &chunk.lap, <vd*> chunk.parameters, <vd*> chunk.gradient, <vd*> chunk.state,
            <vd*> chunk.workspace, chunk.n_samples, <double> 0,
        )
    else:
        sgd.train(
            &chunk.lap, <vf*> chunk.parameters, <vf*> chunk.gradient, <vf*> chunk.state,
            <vf*> chunk.workspace, chunk.n_samples, <float> 0,
        )
    end(chunk)


cdef inline void begin(Chunk* chunk) noexcept nogil:
    """A begun batch, which stands behind the first four, is nobody else's."""
    chunk.lap.net = &chunk.net
    if chunk.begins:
        return_to(chunk, 4)


cdef inline void end(Chunk* chunk) noexcept nogil:
    """A finite loss does not prove that all is finite: relu swallows a NaN, sigmoid an infinity."""
    if chunk.is_double:
        chunk.is_finite = is_finite(
            chunk, <const double*> chunk.parameters, <const double*> chunk.state
        )
    else:
        chunk.is_finite = is_finite(
            chunk, <const float*> chunk.parameters, <const float*> chunk.state
        )


cdef inline Py_ssize_t place_of(const Chunk* chunk) noexcept nogil:
    """To which place in its epoch training has come."""
    cdef Py_ssize_t position = chunk.lap.progress.position
    return chunk.lap.n if position == 0 else position


cdef inline bint is_finite(
    const Chunk* chunk, const real* parameters, const real* state
) noexcept nogil:
    cdef const Lap* lap = &chunk.lap
    if not are_finite(parameters, chunk.n_parameters):
        return False
    return lap.plan.is_lenient or (
        are_finite(&lap.progress.loss_sum, 1)
        and are_finite(<const double*> lap.losses, lap.progress.epoch)
        and (state == parameters or are_finite(state, chunk.n_state))
    )


cdef inline void return_to(const Chunk* chunk, Py_ssize_t n) noexcept nogil:
    """The first n of what is kept become the working copies, as far as there are so many."""
    cdef const Snapshot* snapshot = chunk.snapshot
    cdef Py_ssize_t i
    for i in range(min(n, chunk.n_snapshots)):
        memcpy(<void*> snapshot[i].working, <const void*> snapshot[i].kept, snapshot[i].n_bytes)


cdef inline void keep(const Chunk* chunk) noexcept:
    """The working copies become what is kept. With Python's lock, as whoever reads this has it."""
    cdef const Snapshot* snapshot = chunk.snapshot
    cdef Py_ssize_t i
    for i in range(chunk.n_snapshots):
        memcpy(<void*> snapshot[i].kept, <const void*> snapshot[i].working, snapshot[i].n_bytes)
