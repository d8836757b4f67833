"""A number made of all numbers of an array, by which a later training knows the same data.

Of each stretch of STRETCH numbers, counted through all rows, it takes Σ w_i k_i mod 2^64 over the
words w of 32 bits, with a key k_i for each place. One number that changes, or two that change
places, always change the sum. Zeros add nothing, so that a row says the same without them, and -0
is 0. What stretches make of their sums is added up. All of it wraps around on purpose.
"""
from libc.stdint cimport uint32_t, uint64_t

cimport cython

from vectors cimport real

cdef extern from *:
    """
    #if defined(__GNUC__)
      typedef uint32_t __attribute__((may_alias)) fastnn_word;
    #else
      typedef uint32_t fastnn_word;
    #endif
    static uint32_t fastnn_keys[2048];

    /* GCC would put words in order to multiply them, which takes four times as long. */
    #ifdef __AVX2__
      #include <immintrin.h>
      static inline uint64_t fastnn_sum_of_vecs(const void* numbers, size_t n_vec, int is_double) {
          const __m256i* k = (const __m256i*) fastnn_keys;
          __m256i even = _mm256_setzero_si256(), odd = even;
          size_t i;
          for (i = 0; i < n_vec; i++) {
              __m256i keys = _mm256_loadu_si256(k + i), words;
              if (is_double)
                  words = _mm256_castpd_si256(_mm256_add_pd(
                      _mm256_loadu_pd((const double*) numbers + 4 * i), _mm256_setzero_pd()));
              else
                  words = _mm256_castps_si256(_mm256_add_ps(
                      _mm256_loadu_ps((const float*) numbers + 8 * i), _mm256_setzero_ps()));
              even = _mm256_add_epi64(even, _mm256_mul_epu32(words, keys));
              odd = _mm256_add_epi64(odd, _mm256_mul_epu32(
                  _mm256_shuffle_epi32(words, 0xf5), _mm256_shuffle_epi32(keys, 0xf5)));
          }
          even = _mm256_add_epi64(even, odd);
          return (uint64_t) _mm256_extract_epi64(even, 0) + (uint64_t) _mm256_extract_epi64(even, 1)
              + (uint64_t) _mm256_extract_epi64(even, 2) + (uint64_t) _mm256_extract_epi64(even, 3);
      }
      #define FASTNN_BYTES_IN_VEC 32
    #else
      #define fastnn_sum_of_vecs(numbers, n_vec, is_double) 0
      #define FASTNN_BYTES_IN_VEC 0
    #endif
    """
    ctypedef uint32_t word "fastnn_word"
    uint32_t* keys "fastnn_keys"    # all different, and none is 0
    uint64_t sum_of_vecs "fastnn_sum_of_vecs"(
        const void* numbers, size_t n_vec, bint is_double
    ) noexcept nogil
    size_t IN_VEC "FASTNN_BYTES_IN_VEC"     # that are summed at once; 0 where they are not

cdef enum:
    STRETCH = 1024              # numbers
    N_KEYS = 2048               # words of so many numbers of float64


@cython.overflowcheck(False)
cdef inline uint32_t bijection(uint32_t h) noexcept nogil:
    """The end of MurmurHash3, whose only root is 0."""
    h = (h ^ (h >> 16)) * <uint32_t> 0x85ebca6b
    h = (h ^ (h >> 13)) * <uint32_t> 0xc2b2ae35
    return h ^ (h >> 16)


@cython.overflowcheck(False)
cdef inline uint64_t of_stretch(uint64_t total, uint64_t number) noexcept nogil:
    """What a stretch adds, by its sum and its number; nothing if all of it is zero."""
    if total == 0:
        return 0
    total += (number + 1) * <uint64_t> 0x9e3779b97f4a7c15
    total = (total ^ (total >> 30)) * <uint64_t> 0xbf58476d1ce4e5b9
    total = (total ^ (total >> 27)) * <uint64_t> 0x94d049bb133111eb
    return total ^ (total >> 31)


cdef inline void make_keys() noexcept nogil:
    cdef uint32_t i
    for i in range(N_KEYS):
        keys[i] = bijection(i + 1)


@cython.overflowcheck(False)
cdef inline uint64_t word_sum(const real* numbers, size_t n) noexcept nogil:
    """Σ w_i k_i of at most STRETCH numbers."""
    cdef uint64_t total = 0
    cdef size_t i, n_words = sizeof(real) // sizeof(word), in_vec = IN_VEC // sizeof(real)
    cdef size_t whole = n - n % in_vec if in_vec else 0
    cdef real[1] x
    cdef const word* words = <const word*> x
    if whole:
        total = sum_of_vecs(numbers, whole // in_vec, real is double)
    for i in range(whole, n):
        x[0] = numbers[i] + 0
        total += <uint64_t> words[0] * keys[i * n_words]
        if n_words == 2:
            total += <uint64_t> words[1] * keys[i * n_words + 1]
    return total


@cython.overflowcheck(False)
cdef inline void add_numbers(
    uint64_t* total, const real* numbers, size_t first, size_t last, bint is_end
) noexcept nogil:
    """Whole stretches from number `first` on, which begins one, to `last`; or all to the end."""
    cdef size_t n
    while first < last:
        n = min(last - first, <size_t> STRETCH)
        if n < STRETCH and not is_end:
            break
        total[0] += of_stretch(word_sum(numbers + first, n), first // STRETCH)
        first += n


cdef struct Running:
    uint64_t total
    uint64_t in_stretch     # the sum of this one so far
    Py_ssize_t stretch


@cython.overflowcheck(False)
cdef inline void add_compressed(
    Running* running, const int* columns, const real* values, Py_ssize_t n, Py_ssize_t first
) noexcept nogil:
    """Another row without its zeros, whose columns ascend; first is the place of its column 0."""
    cdef Py_ssize_t i = 0, end, offset, n_words = sizeof(real) // sizeof(word)
    cdef real[1] x
    cdef const word* words = <const word*> x
    while i < n:
        if (first + columns[i]) // STRETCH != running.stretch:
            finish(running)
            running.stretch = (first + columns[i]) // STRETCH
        offset = first - running.stretch * STRETCH
        end = n
        if offset + columns[n - 1] >= STRETCH:
            end = i + 1
            while offset + columns[end] < STRETCH:
                end += 1
        for i in range(i, end):
            x[0] = values[i] + 0
            running.in_stretch += <uint64_t> words[0] * keys[(offset + columns[i]) * n_words]
            if n_words == 2:
                running.in_stretch += <uint64_t> words[1] * keys[(offset + columns[i]) * 2 + 1]
        i = end


@cython.overflowcheck(False)
cdef inline void finish(Running* running) noexcept nogil:
    running.total += of_stretch(running.in_stretch, running.stretch)
    running.in_stretch = 0
