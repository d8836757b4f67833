"""What this CPU and its operating system can run."""

cdef extern from *:
    """
    #if defined(__x86_64__) && defined(__GNUC__)
      /* Asked here, as __builtin_cpu_supports says no to everything in what Zig's clang links. */
      #include <cpuid.h>
      #define FASTNN_CPUID(leaf, r) __cpuid_count(leaf, 0, (r)[0], (r)[1], (r)[2], (r)[3])
      static unsigned fastnn_saved(void) {
          unsigned low, high;
          __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
          return low;
      }
    #elif defined(_M_X64)
      #include <intrin.h>
      #define FASTNN_CPUID(leaf, r) __cpuidex((int*) (r), leaf, 0)
      #define fastnn_saved() ((unsigned) _xgetbv(0))
    #endif
    #ifdef FASTNN_CPUID
      static int fastnn_cpu_has_avx2(void) {
          unsigned leaf0[4], leaf1[4], leaf7[4];
          FASTNN_CPUID(0, leaf0);
          if (leaf0[0] < 7)
              return 0;
          FASTNN_CPUID(1, leaf1);
          FASTNN_CPUID(7, leaf7);
          /* FMA, OSXSAVE; the system saves YMM; AVX2, BMI1, BMI2 */
          return (leaf1[2] & (1 << 12)) && (leaf1[2] & (1 << 27)) && (fastnn_saved() & 6) == 6
              && (leaf7[1] & (1 << 5)) && (leaf7[1] & (1 << 3)) && (leaf7[1] & (1 << 8));
      }
    #else
      static int fastnn_cpu_has_avx2(void) { return 0; }
    #endif
    """
    bint cpu_has_avx2 "fastnn_cpu_has_avx2"() noexcept
