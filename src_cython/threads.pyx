"""Teams of threads, as Python makes and ends them."""
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_get_stacksize,
    PyThread_set_stacksize, PyThread_start_new_thread, WAIT_LOCK,
)

cimport team
from team cimport Team as Members

cdef extern from *:
    """
    #ifdef _WIN32
      #define fastnn_block_signals() ((void) 0)
      #define fastnn_unblock_signals() ((void) 0)
    #else
      #include <signal.h>
      #include <pthread.h>
      static sigset_t fastnn_signals;
      static void fastnn_block_signals(void) {
          sigset_t all;
          sigfillset(&all);
          pthread_sigmask(SIG_SETMASK, &all, &fastnn_signals);
      }
      static void fastnn_unblock_signals(void) {
          pthread_sigmask(SIG_SETMASK, &fastnn_signals, NULL);
      }
    #endif
    """
    void block_signals "fastnn_block_signals"() noexcept
    void unblock_signals "fastnn_unblock_signals"() noexcept

cdef enum:
    BYTES_OF_STACK = 1048576  # whatever threads of the user's have

MOST_THREADS = team.MOST_MEMBERS if team.HAS_TEAMS else 1


cdef struct Helper:
    Members* team
    size_t member


cdef class Team:
    """size threads that work together: size - 1 helpers, and whoever hands the team to a kernel.

    For one of them at a time. address is what kernels take.
    """
    cdef Members* members
    cdef Helper* helpers
    cdef readonly size_t size
    cdef object __weakref__

    def __cinit__(self, size_t size):
        cdef size_t i
        if not 1 <= size <= <size_t> MOST_THREADS:
            raise ValueError(f"size must be from 1 to {MOST_THREADS}, got {size}")
        self.members = <Members*> PyMem_RawCalloc(1, sizeof(Members))
        self.helpers = <Helper*> PyMem_RawCalloc(size, sizeof(Helper))
        if self.members == NULL or self.helpers == NULL:
            raise MemoryError()
        for i in range(size):
            self.members.member[i].bell = PyThread_allocate_lock()
            if self.members.member[i].bell == NULL:
                raise MemoryError()
            PyThread_acquire_lock(self.members.member[i].bell, WAIT_LOCK)
            self.size = self.members.size = i + 1
        self._start_helpers()

    cdef void _start_helpers(self) noexcept:
        """As many as can be had. They inherit that signals are for others."""
        cdef size_t i, stack_size = PyThread_get_stacksize()
        PyThread_set_stacksize(<size_t> BYTES_OF_STACK)
        block_signals()
        for i in range(1, self.size):
            self.helpers[i] = Helper(self.members, i)
            if PyThread_start_new_thread(help, &self.helpers[i]) == -1:
                self.size = self.members.size = i
                break
            self.members.n_helpers = i
        unblock_signals()
        PyThread_set_stacksize(stack_size)

    @property
    def address(self):
        return <size_t> self.members

    def __dealloc__(self):
        cdef size_t i
        if self.members != NULL:
            team.end(self.members)
            for i in range(<size_t> team.MOST_MEMBERS):
                if self.members.member[i].bell != NULL:
                    PyThread_free_lock(self.members.member[i].bell)
        PyMem_RawFree(self.members)
        PyMem_RawFree(self.helpers)

    def forget_helpers(self):
        """In the child of a fork, where there are none."""
        self.size = self.members.size = 1
        self.members.n_helpers = 0


cdef void help(void* helper) noexcept nogil:
    team.help((<Helper*> helper).team, (<Helper*> helper).member)
