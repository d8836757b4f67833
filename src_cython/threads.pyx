"""Teams of threads, as Python makes and ends them."""
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from cpython.pythread cimport (
    PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_start_new_thread,
    WAIT_LOCK,
)

cimport team
from team cimport Team as Members

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
        for i in range(1, size):
            self.helpers[i] = Helper(self.members, i)
            if PyThread_start_new_thread(help, &self.helpers[i]) == -1:
                self.size = self.members.size = i  # as many as there are threads to be had
                break

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


cdef void help(void* helper) noexcept nogil:
    team.help((<Helper*> helper).team, (<Helper*> helper).member)
