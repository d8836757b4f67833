"""Teams of threads, as Python makes and ends them."""
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, WAIT_LOCK,
)

cimport team
from team cimport Team as Members

cdef extern from *:
    """
    /* Python's threads cannot be waited for; and whoever forks must know that they are gone. */
    #ifdef __GNUC__
      #include <pthread.h>
      #include <signal.h>
      typedef pthread_t fastnn_thread;
      static int fastnn_start(fastnn_thread *thread, void *(*work)(void *), void *argument) {
          pthread_attr_t attributes;
          int failed = pthread_attr_init(&attributes);
          if (failed)
              return failed;
          /* Whatever threads of the user's have. */
          failed = pthread_attr_setstacksize(&attributes, 1048576);
      #ifndef _WIN32
          sigset_t all, before;  /* signals are for others */
          sigfillset(&all);
          pthread_sigmask(SIG_SETMASK, &all, &before);
      #endif
          if (!failed)
              failed = pthread_create(thread, &attributes, work, argument);
      #ifndef _WIN32
          pthread_sigmask(SIG_SETMASK, &before, NULL);
      #endif
          pthread_attr_destroy(&attributes);
          return failed;
      }
      #define fastnn_join(thread) ((void) pthread_join(thread, NULL))
    #else
      typedef int fastnn_thread;
      static int fastnn_start(fastnn_thread *thread, void *(*work)(void *), void *argument) {
          return 1;
      }
      #define fastnn_join(thread) ((void) (thread))
    #endif
    """
    ctypedef struct Thread "fastnn_thread":
        pass
    bint start "fastnn_start"(Thread* thread, void* (*work)(void*) noexcept nogil, void* argument)
    void join "fastnn_join"(Thread thread)

MOST_THREADS = team.MOST_MEMBERS if team.HAS_TEAMS else 1


cdef struct Helper:
    Members* team
    size_t member
    Thread thread


cdef class Team:
    """size threads that work together: size - 1 helpers, and whoever hands the team to a kernel.

    For one of them at a time. address is what kernels take.
    """
    cdef Members* members
    cdef Helper* helpers
    cdef size_t n_helpers       # that have been started
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
        self.members.process = team.this_process()
        self._start_helpers()

    cdef void _start_helpers(self) noexcept:
        """As many as can be had."""
        cdef size_t i
        for i in range(1, self.size):
            self.helpers[i].team = self.members
            self.helpers[i].member = i
            if start(&self.helpers[i].thread, help, &self.helpers[i]):
                self.size = self.members.size = i
                break
            self.n_helpers = i

    @property
    def address(self):
        return <size_t> self.members

    def __dealloc__(self):
        cdef size_t i
        if self.members != NULL:
            if self.members.process == team.this_process():
                team.end(self.members)
                for i in range(1, self.n_helpers + 1):
                    join(self.helpers[i].thread)
            for i in range(<size_t> team.MOST_MEMBERS):
                if self.members.member[i].bell != NULL:
                    PyThread_free_lock(self.members.member[i].bell)
        PyMem_RawFree(self.members)
        PyMem_RawFree(self.helpers)

    def forget_helpers(self):
        """In the child of a fork, where there are none."""
        self.size = self.members.size = 1
        self.n_helpers = 0


cdef void* help(void* helper) noexcept nogil:
    team.help((<Helper*> helper).team, (<Helper*> helper).member)
    return NULL
