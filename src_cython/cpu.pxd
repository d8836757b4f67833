"""What this CPU and its operating system can run."""

cdef extern from *:
    """
    #if defined(__x86_64__) && defined(__GNUC__)
      static int fastnn_cpu_has_avx2(void) {
          __builtin_cpu_init();
          return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
      }
    #elif defined(_M_X64)
      #include <intrin.h>
      static int fastnn_cpu_has_avx2(void) {
          int leaf1[4], leaf7[4];
          __cpuid(leaf1, 1);
          __cpuidex(leaf7, 7, 0);
          /* FMA, OSXSAVE; the system saves YMM; AVX2, BMI1, BMI2 */
          return (leaf1[2] & (1 << 12)) && (leaf1[2] & (1 << 27)) && (_xgetbv(0) & 6) == 6
              && (leaf7[1] & (1 << 5)) && (leaf7[1] & (1 << 3)) && (leaf7[1] & (1 << 8));
      }
    #else
      static int fastnn_cpu_has_avx2(void) { return 0; }
    #endif
    """
    bint cpu_has_avx2 "fastnn_cpu_has_avx2"() noexcept
