"""What the compiler is told beyond the language.

kernel      the return type, void, of inline functions that are not inlined. Every other inline
            function is, by force: left to choose, compilers inline too few of the small ones, and
            code takes 1.5 times as long. But where all of training becomes one function, its loops
            run out of registers; so those that work through a matrix stay functions.
in_register a pointer is computed here, once: GCC would rather compute the address of each vec of
            a row from the matrix's start, with twice as many instructions
lowest_bit  the place of the lowest bit that is set; for a number other than 0
prefetch    a hint that an address will be read soon; or written, where another core has the line
"""

cdef extern from *:
    """
    /* Cython writes "static CYTHON_INLINE" before a function's type, where "inline" is always
       forced (see setup.py): let that declare something else, and begin anew. */
    #ifdef __GNUC__
      #define FASTNN_KERNEL void fastnn_nothing(void); static __attribute__((noinline)) void
      #define FASTNN_IN_REGISTER(pointer) __asm__("" : "+r"(pointer))
      #define FASTNN_PREFETCH(address) __builtin_prefetch(address)
      #define FASTNN_LOWEST_BIT(bits) __builtin_ctzll(bits)
      #ifdef __x86_64__
        /* Compilers make it only for CPUs that are known to have it; to others it is nothing. */
        #define FASTNN_PREFETCH_TO_WRITE(address) \\
            __asm__ volatile("prefetchw %0" : : "m"(*(const char *) (address)))
      #else
        #define FASTNN_PREFETCH_TO_WRITE(address) __builtin_prefetch(address, 1)
      #endif
    #else
      #define FASTNN_KERNEL void fastnn_nothing(void); static void
      #define FASTNN_IN_REGISTER(pointer) ((void) 0)
      #define FASTNN_PREFETCH(address) ((void) (address))
      #define FASTNN_PREFETCH_TO_WRITE(address) ((void) (address))
      static int fastnn_lowest_bit(unsigned long long bits) {
          int place = 0;
          for (; !(bits & 1); bits >>= 1)
              place++;
          return place;
      }
      #define FASTNN_LOWEST_BIT(bits) fastnn_lowest_bit(bits)
    #endif
    """
    ctypedef void kernel "FASTNN_KERNEL"
    void in_register "FASTNN_IN_REGISTER"(const void* pointer) noexcept nogil
    int lowest_bit "FASTNN_LOWEST_BIT"(unsigned long long bits) noexcept nogil
    void prefetch "FASTNN_PREFETCH"(const void* address) noexcept nogil
    void prefetch_to_write "FASTNN_PREFETCH_TO_WRITE"(const void* address) noexcept nogil


cdef inline void fetch(const void* start, size_t n_bytes) noexcept nogil:
    """What another core has written comes sooner in its order than in that of a product."""
    cdef size_t place
    for place in range(0, n_bytes, 64):
        prefetch(<const char*> start + place)
