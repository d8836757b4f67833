"""A team: threads that do one piece of work together, and meet on the way.

Member 0 is the thread that calls `run` or `share`; the others are helpers, which wait for it in
`help`. Each does the same work. In `run` all of them take part, and each decides by its number
which part is its own; in `share` whoever comes takes piece after piece. No result may hang on how
many there are.

Who waits looks at a number again and again for some microseconds, which is how soon the others
come if they have a core each; then lets others have its core; and then sleeps.
"""
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_release_lock, PyThread_type_lock, WAIT_LOCK,
)

cdef extern from *:
    """
    #include <fenv.h>
    #ifdef _WIN32
      #include <windows.h>
      #include <process.h>
      #define fastnn_let_others() ((void) SwitchToThread())
      #define fastnn_process() ((long) _getpid())
    #else
      #include <sched.h>
      #include <unistd.h>
      #define fastnn_let_others() ((void) sched_yield())
      #define fastnn_process() ((long) getpid())
    #endif
    #ifdef __GNUC__
      #define FASTNN_HAS_TEAMS 1
      #define FASTNN_LOAD(place) __atomic_load_n(place, __ATOMIC_SEQ_CST)
      #define FASTNN_STORE(place, value) __atomic_store_n(place, value, __ATOMIC_SEQ_CST)
      #define FASTNN_ADD(place, value) __atomic_add_fetch(place, value, __ATOMIC_SEQ_CST)
      #define FASTNN_EXCHANGE(place, value) __atomic_exchange_n(place, value, __ATOMIC_SEQ_CST)
      static inline int fastnn_replace(size_t *place, size_t old, size_t value) {
          return __atomic_compare_exchange_n(
              place, &old, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
      }
    #else
      #define FASTNN_HAS_TEAMS 0
      #define FASTNN_LOAD(place) (*(place))
      #define FASTNN_STORE(place, value) ((void) (*(place) = (value)))
      #define FASTNN_ADD(place, value) (*(place) += (value))
      #define FASTNN_EXCHANGE(place, value) (*(place) = (value), 0)
      #define fastnn_replace(place, old, value) (*(place) = (value), (void) (old), 1)
    #endif
    #if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
      #define FASTNN_PAUSE() __builtin_ia32_pause()
    #elif defined(__GNUC__) && defined(__aarch64__)
      #define FASTNN_PAUSE() __asm__ volatile("yield")
    #else
      #define FASTNN_PAUSE() ((void) 0)
    #endif
    """
    ctypedef struct fenv_t:
        pass
    int fegetenv(fenv_t*) noexcept nogil
    int fesetenv(const fenv_t*) noexcept nogil
    bint HAS_TEAMS "FASTNN_HAS_TEAMS"
    long this_process "fastnn_process"() noexcept nogil
    void let_others "fastnn_let_others"() noexcept nogil
    void pause "FASTNN_PAUSE"() noexcept nogil
    size_t load "FASTNN_LOAD"(const size_t* place) noexcept nogil
    void store "FASTNN_STORE"(size_t* place, size_t value) noexcept nogil
    size_t add "FASTNN_ADD"(size_t* place, size_t value) noexcept nogil
    size_t exchange "FASTNN_EXCHANGE"(size_t* place, size_t value) noexcept nogil
    bint replace "fastnn_replace"(size_t* place, size_t old, size_t value) noexcept nogil


cdef enum:
    MOST_MEMBERS = 64
    ONE_COMMAND = 256   # in its lower part a command has the number of members
    SHARED = 128        # and this, where they share pieces
    CLOSED = 255
    LOOKS = 1500        # of some 40 ns: longer than it takes to wake somebody up
    YIELDS = 20
    MOST_PIECES = 8     # of what members hand on


ctypedef void (*Work)(void* task, size_t member) noexcept nogil


cdef struct Number:
    # What many look at, on a cache line that nothing else is on, and that of its neighbour.
    size_t value
    char[120] apart


cdef struct Member:
    size_t sleeps_for           # the place of the number whose change it sleeps for, or 0
    PyThread_type_lock bell     # taken, but for a moment when it rings
    char[112] apart


cdef struct Team:
    size_t size                 # of those that may sleep: helpers, and the member that is none
    long process                # in which they are
    Work work
    void* task
    fenv_t arithmetic           # how member 0 rounds, which others do too
    Number command              # counts them, and how many members it is for: none ends the team
    Number arrived              # at the present meeting
    Number meeting              # counts them
    Number shared               # the last command to share, and how many helpers have come to it
    Number left                 # how many of those have done what they had taken
    Number[MOST_PIECES] turn    # whose turn it is to have a piece, counted from a work's beginning
    Member[MOST_MEMBERS] member


cdef inline size_t present(const Team* team, size_t n) noexcept nogil:
    """How many of n members there are: in the child of a fork, whenever that was, one."""
    if n == 1 or team.process != this_process():
        return 1
    return min(n, team.size)


cdef inline void wait(Team* team, size_t member, const size_t* place, size_t value) noexcept nogil:
    """Until there is another value in that place."""
    cdef Member* me = &team.member[member]
    cdef size_t _i
    for _i in range(<size_t> LOOKS):
        if load(place) != value:
            return
        pause()
    for _i in range(<size_t> YIELDS):
        if load(place) != value:
            return
        let_others()
    while load(place) == value:
        store(&me.sleeps_for, <size_t> place)
        # Whoever changes the value looks afterwards who sleeps for it.
        if load(place) == value or not exchange(&me.sleeps_for, 0):
            PyThread_acquire_lock(me.bell, WAIT_LOCK)


cdef inline void change(Team* team, size_t* place, size_t value) noexcept nogil:
    """Put a value there, and wake those that sleep for it."""
    store(place, value)
    wake(team, place)


cdef inline void wake(Team* team, const size_t* place) noexcept nogil:
    """Those that sleep for a change of this value, which there has been."""
    cdef size_t i
    for i in range(team.size):
        if load(&team.member[i].sleeps_for) == <size_t> place:
            if exchange(&team.member[i].sleeps_for, 0):
                PyThread_release_lock(team.member[i].bell)


cdef inline void meet(Team* team, size_t n, size_t member) noexcept nogil:
    """All n members of the present work come here before any of them goes on."""
    cdef size_t meeting
    if n == 1:
        return
    meeting = load(&team.meeting.value)
    if add(&team.arrived.value, 1) == n:
        store(&team.arrived.value, 0)
        change(team, &team.meeting.value, meeting + 1)
    else:
        wait(team, member, &team.meeting.value, meeting)


cdef inline void take(Team* team, size_t member, size_t piece, size_t turn) noexcept nogil:
    """Have a piece of what members hand on, alone, as soon as this turn of 0, 1, 2, ... comes."""
    cdef size_t now = load(&team.turn[piece].value)
    while now != turn:
        wait(team, member, &team.turn[piece].value, now)
        now = load(&team.turn[piece].value)


cdef inline void hand_on(Team* team, size_t piece, size_t turn) noexcept nogil:
    """To whoever has the turn after this one."""
    change(team, &team.turn[piece].value, turn + 1)


cdef inline void run(Team* team, size_t n, Work work, void* task) noexcept nogil:
    """The work of n members, of whom this thread is one; done when all have done theirs.

    Of one, no team is needed.
    """
    cdef size_t i
    if n > 1:
        team.work = work
        team.task = task
        fegetenv(&team.arithmetic)
        for i in range(<size_t> MOST_PIECES):
            store(&team.turn[i].value, 0)
        command(team, n)
    work(task, 0)
    if n > 1:
        meet(team, n, 0)


cdef inline void share(Team* team, size_t n, Work work, void* task) noexcept nogil:
    """Work of at most n members, of whom this thread is one, that is done when it returns here.

    For it must take all that is left: a helper that comes later, as somebody else has its core, is
    turned away, and only those that are at work are waited for.
    """
    cdef size_t last, n_helpers, n_left
    if n > 1:
        team.work = work
        team.task = task
        fegetenv(&team.arithmetic)
        store(&team.left.value, 0)
        last = load(&team.command.value)
        store(&team.shared.value, (last // ONE_COMMAND + 1) * ONE_COMMAND)
        command(team, n + SHARED)
    work(task, 0)
    if n > 1:
        last = load(&team.command.value)
        n_helpers = exchange(&team.shared.value, last | CLOSED) % ONE_COMMAND
        n_left = load(&team.left.value)
        while n_left < n_helpers:
            wait(team, 0, &team.left.value, n_left)
            n_left = load(&team.left.value)


cdef inline bint joins(Team* team, size_t command) noexcept nogil:
    """Whether a helper can still do work that is shared by this command."""
    cdef size_t shared
    while True:
        shared = load(&team.shared.value)
        if shared // ONE_COMMAND != command // ONE_COMMAND or shared % ONE_COMMAND == CLOSED:
            return False
        if replace(&team.shared.value, shared, shared + 1):
            return True


cdef inline void command(Team* team, size_t n) noexcept nogil:
    """To n members; to none, so that the helpers end."""
    cdef size_t last = load(&team.command.value)
    change(team, &team.command.value, (last // ONE_COMMAND + 1) * ONE_COMMAND + n)


cdef inline void end(Team* team) noexcept nogil:
    """Where no work is done, the helpers end."""
    command(team, 0)


cdef inline void help(Team* team, size_t member) noexcept nogil:
    """What a helper does, until the team ends."""
    cdef size_t seen = 0, n
    while True:
        wait(team, member, &team.command.value, seen)
        seen = load(&team.command.value)
        n = seen % ONE_COMMAND
        if n == 0:
            break
        # Who is not of them looks at nothing else: by then it may be another work's.
        if n < SHARED and member < n:
            fesetenv(&team.arithmetic)
            team.work(team.task, member)
            meet(team, n, member)
        elif member + SHARED < n and joins(team, seen):
            fesetenv(&team.arithmetic)
            team.work(team.task, member)
            add(&team.left.value, 1)
            wake(team, &team.left.value)
