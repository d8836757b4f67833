"""A number made of all numbers of an array, by which a later training knows the same data.

Of each stretch of STRETCH numbers, counted through all rows, it takes Σ w_i k_i mod 2^64 over the
words w of 32 bits, with a key k_i for each place. One number that changes, or two that change
places, always change the sum. Zeros add nothing, so that a row says the same without them, and -0
is 0. What stretches make of their sums is added up.
"""
from libc.stdint cimport uint32_t, uint64_t

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


cdef inline uint32_t bijection(uint32_t h) noexcept nogil:
    """The end of MurmurHash3, whose only root is 0."""
    h = (h ^ (h >> 16)) * <uint32_t> 0x85ebca6b
    h = (h ^ (h >> 13)) * <uint32_t> 0xc2b2ae35
    return h ^ (h >> 16)


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


cdef inline uint64_t of_numbers(
    const real* numbers, size_t first, size_t last, bint is_end
) noexcept nogil:
    """Of the whole stretches from number `first` on, which begins one, to `last`; or to the end."""
    cdef uint64_t total = 0
    cdef size_t n
    while first < last:
        n = min(last - first, <size_t> STRETCH)
        if n < STRETCH and not is_end:
            break
        total += of_stretch(word_sum(numbers + first, n), first // STRETCH)
        first += n
    return total


cdef inline bint of_compressed(
    const Py_ssize_t* starts, const int* columns, const real* values, size_t n_rows, size_t n_in,
    uint64_t* total,
) noexcept nogil:
    """Adds that of rows without their zeros to the total; False if their columns do not ascend."""
    cdef uint64_t in_stretch = 0
    cdef size_t t, place, stretch = 0, least = 0
    cdef Py_ssize_t i
    cdef size_t n_words = sizeof(real) // sizeof(word)
    cdef real[1] x
    cdef const word* words = <const word*> x
    for t in range(n_rows):
        for i in range(starts[t], starts[t + 1]):
            place = t * n_in + <size_t> columns[i]
            if place < least:
                return False
            least = place + 1
            if place // STRETCH != stretch:
                total[0] += of_stretch(in_stretch, stretch)
                in_stretch = 0
                stretch = place // STRETCH
            place = place % STRETCH * n_words
            x[0] = values[i] + 0
            in_stretch += <uint64_t> words[0] * keys[place]
            if n_words == 2:
                in_stretch += <uint64_t> words[1] * keys[place + 1]
    total[0] += of_stretch(in_stretch, stretch)
    return True
