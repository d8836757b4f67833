"""Vectors: the only file that knows of the compiler's vector extension.

real    one number, float32 or float64
vec     ROW bytes of them: 8 of float32, 4 of float64. Where the compiler has no vector
        extension, a vec is a single number, and a row of as many bytes holds several.

Arithmetic between two vecs is lane by lane; a number becomes a vec through constant(). Rows of
weights and of units are padded to whole multiples of ROW, so no loop over vecs has a remainder.
How many numbers a vec holds is asked of lanes(), how many vecs a ROW holds of in_row(); nothing
may take ROW for the size of a vec. A parameter
`like` is there for its type alone, which says for which of the two widths a function is meant.
"""
from compiler cimport kernel


cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #include <string.h>

    /* FASTNN_NO_VECTORS builds what compilers other than GCC and clang get, for tests of it. */
    #if defined(__GNUC__) && !defined(FASTNN_NO_VECTORS)
      #define FASTNN_VECTORS
    #endif

    #ifdef FASTNN_VECTORS
      #ifdef __AVX__
        #include <immintrin.h>  /* as clang 22 has no __builtin_ia32_sqrtps256 any more */
      #endif
      typedef float   fastnn_vf __attribute__((vector_size(32), aligned(4), may_alias));
      typedef double  fastnn_vd __attribute__((vector_size(32), aligned(8), may_alias));
      typedef int32_t fastnn_vi32 __attribute__((vector_size(32)));
      typedef int64_t fastnn_vi64 __attribute__((vector_size(32)));
      #define FASTNN_SPLAT(vec, number) ((number) - (vec){0})
      #define FASTNN_CHOOSE(vec, ints, a, b, yes, no) \\
          ((vec)(((ints)((a) > (b)) & (ints)(yes)) | (~(ints)((a) > (b)) & (ints)(no))))
      /* GCC knows clang's name for it from 12 on. */
      #if defined(__clang__) || __GNUC__ >= 12
        #define FASTNN_SHUFFLE_F(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
        #define FASTNN_SHUFFLE_D(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
      #else
        #define FASTNN_SHUFFLE_F(a, b, ...) __builtin_shuffle(a, b, (fastnn_vi32){__VA_ARGS__})
        #define FASTNN_SHUFFLE_D(a, b, ...) __builtin_shuffle(a, b, (fastnn_vi64){__VA_ARGS__})
      #endif
      #define FASTNN_INLINE static inline __attribute__((always_inline, unused))
      #define FASTNN_MOST_IN_ROW 1
    #else
      /* Products are rounded by themselves: of numbers that are no vectors, compilers join some
         products and sums in one place and not in another, and rows would differ in their bits. */
      #if defined(__clang__)
        #pragma STDC FP_CONTRACT OFF
      #elif defined(__GNUC__)
        #pragma GCC optimize ("fp-contract=off")
      #elif defined(_MSC_VER)
        #pragma fp_contract (off)
      #endif
      typedef float   fastnn_vf;
      typedef double  fastnn_vd;
      typedef uint32_t fastnn_vi32;  /* whose shifts and sums wrap around, as those of vectors */
      typedef uint64_t fastnn_vi64;
      #define FASTNN_SPLAT(vec, number) (number)
      #define FASTNN_CHOOSE(vec, ints, a, b, yes, no) ((a) > (b) ? (yes) : (no))
      #define FASTNN_INLINE static inline
      #define FASTNN_MOST_IN_ROW 8
    #endif

    FASTNN_INLINE fastnn_vf fastnn_splat_f(float number) {
        return FASTNN_SPLAT(fastnn_vf, number);
    }
    FASTNN_INLINE fastnn_vd fastnn_splat_d(double number) {
        return FASTNN_SPLAT(fastnn_vd, number);
    }

    FASTNN_INLINE fastnn_vf fastnn_choose_f(fastnn_vf a, fastnn_vf b, fastnn_vf yes, fastnn_vf no) {
        return FASTNN_CHOOSE(fastnn_vf, fastnn_vi32, a, b, yes, no);
    }
    FASTNN_INLINE fastnn_vd fastnn_choose_d(fastnn_vd a, fastnn_vd b, fastnn_vd yes, fastnn_vd no) {
        return FASTNN_CHOOSE(fastnn_vd, fastnn_vi64, a, b, yes, no);
    }

    /* The highest bit is the sign. */
    FASTNN_INLINE fastnn_vf fastnn_copy_sign_f(fastnn_vf size, fastnn_vf sign) {
    #ifdef FASTNN_VECTORS
        fastnn_vi32 mask = FASTNN_SPLAT(fastnn_vi32, INT32_MAX);
        return (fastnn_vf)(((fastnn_vi32) size & mask) | ((fastnn_vi32) sign & ~mask));
    #else
        return copysignf(size, sign);
    #endif
    }
    FASTNN_INLINE fastnn_vd fastnn_copy_sign_d(fastnn_vd size, fastnn_vd sign) {
    #ifdef FASTNN_VECTORS
        fastnn_vi64 mask = FASTNN_SPLAT(fastnn_vi64, INT64_MAX);
        return (fastnn_vd)(((fastnn_vi64) size & mask) | ((fastnn_vi64) sign & ~mask));
    #else
        return copysign(size, sign);
    #endif
    }

    /* Neighbouring lanes are added first, then pairs, then (float32) halves. */
    FASTNN_INLINE fastnn_vf fastnn_sums_f(const fastnn_vf *s) {
    #ifdef FASTNN_VECTORS
        fastnn_vf pair[4], four[2];
        for (int i = 0; i < 4; i++)
            pair[i] = FASTNN_SHUFFLE_F(s[2 * i], s[2 * i + 1], 0, 2, 8, 10, 4, 6, 12, 14)
                    + FASTNN_SHUFFLE_F(s[2 * i], s[2 * i + 1], 1, 3, 9, 11, 5, 7, 13, 15);
        for (int i = 0; i < 2; i++)
            four[i] = FASTNN_SHUFFLE_F(pair[2 * i], pair[2 * i + 1], 0, 2, 8, 10, 4, 6, 12, 14)
                    + FASTNN_SHUFFLE_F(pair[2 * i], pair[2 * i + 1], 1, 3, 9, 11, 5, 7, 13, 15);
        return FASTNN_SHUFFLE_F(four[0], four[1], 0, 1, 2, 3, 8, 9, 10, 11)
             + FASTNN_SHUFFLE_F(four[0], four[1], 4, 5, 6, 7, 12, 13, 14, 15);
    #else
        return s[0];
    #endif
    }
    FASTNN_INLINE fastnn_vd fastnn_sums_d(const fastnn_vd *s) {
    #ifdef FASTNN_VECTORS
        fastnn_vd pair[2];
        for (int i = 0; i < 2; i++)
            pair[i] = FASTNN_SHUFFLE_D(s[2 * i], s[2 * i + 1], 0, 4, 2, 6)
                    + FASTNN_SHUFFLE_D(s[2 * i], s[2 * i + 1], 1, 5, 3, 7);
        return FASTNN_SHUFFLE_D(pair[0], pair[1], 0, 1, 4, 5)
             + FASTNN_SHUFFLE_D(pair[0], pair[1], 2, 3, 6, 7);
    #else
        return s[0];
    #endif
    }

    /* Rows become columns; whole pairs, then (float32) fours and halves change places. */
    FASTNN_INLINE void fastnn_transpose_f(fastnn_vf *s) {
    #ifdef FASTNN_VECTORS
        fastnn_vf pair[8], four[8];
        for (int i = 0; i < 8; i += 2) {
            pair[i] = FASTNN_SHUFFLE_F(s[i], s[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
            pair[i + 1] = FASTNN_SHUFFLE_F(s[i], s[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
        }
        for (int i = 0; i < 8; i += 4)
            for (int k = 0; k < 2; k++) {
                four[i + 2 * k] = FASTNN_SHUFFLE_F(
                    pair[i + k], pair[i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
                four[i + 2 * k + 1] = FASTNN_SHUFFLE_F(
                    pair[i + k], pair[i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
            }
        for (int i = 0; i < 4; i++) {
            s[i] = FASTNN_SHUFFLE_F(four[i], four[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
            s[i + 4] = FASTNN_SHUFFLE_F(four[i], four[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        }
    #endif
    }
    FASTNN_INLINE void fastnn_transpose_d(fastnn_vd *s) {
    #ifdef FASTNN_VECTORS
        fastnn_vd pair[4];
        for (int i = 0; i < 4; i += 2) {
            pair[i] = FASTNN_SHUFFLE_D(s[i], s[i + 1], 0, 4, 2, 6);
            pair[i + 1] = FASTNN_SHUFFLE_D(s[i], s[i + 1], 1, 5, 3, 7);
        }
        for (int i = 0; i < 2; i++) {
            s[i] = FASTNN_SHUFFLE_D(pair[i], pair[i + 2], 0, 1, 4, 5);
            s[i + 2] = FASTNN_SHUFFLE_D(pair[i], pair[i + 2], 2, 3, 6, 7);
        }
    #endif
    }

    FASTNN_INLINE fastnn_vf fastnn_sqrt_f(fastnn_vf v) {
    #if defined(FASTNN_VECTORS) && defined(__AVX__)
        return _mm256_sqrt_ps(v);
    #else
        float *lane = (float *) &v;
        for (unsigned i = 0; i < sizeof v / sizeof *lane; i++)
            lane[i] = sqrtf(lane[i]);
        return v;
    #endif
    }
    FASTNN_INLINE fastnn_vd fastnn_sqrt_d(fastnn_vd v) {
    #if defined(FASTNN_VECTORS) && defined(__AVX__)
        return _mm256_sqrt_pd(v);
    #else
        double *lane = (double *) &v;
        for (unsigned i = 0; i < sizeof v / sizeof *lane; i++)
            lane[i] = sqrt(lane[i]);
        return v;
    #endif
    }

    /* Bit i is set where lane i is not zero; NaN is not. */
    FASTNN_INLINE unsigned fastnn_nonzero_f(const fastnn_vf *v) {
    #if defined(FASTNN_VECTORS) && defined(__AVX__)
        return (unsigned) _mm256_movemask_ps((fastnn_vf)(*v != 0));
    #else
        unsigned bits = 0;
        const float *lane = (const float *) v;
        for (unsigned i = 0; i < sizeof *v / sizeof *lane; i++)
            bits |= (unsigned) (lane[i] != 0) << i;
        return bits;
    #endif
    }
    FASTNN_INLINE unsigned fastnn_nonzero_d(const fastnn_vd *v) {
    #if defined(FASTNN_VECTORS) && defined(__AVX__)
        return (unsigned) _mm256_movemask_pd((fastnn_vd)(*v != 0));
    #else
        unsigned bits = 0;
        const double *lane = (const double *) v;
        for (unsigned i = 0; i < sizeof *v / sizeof *lane; i++)
            bits |= (unsigned) (lane[i] != 0) << i;
        return bits;
    #endif
    }

    /* A number n + 1.5 * 2^(mantissa bits) holds the integer n in its lowest bits. */
    FASTNN_INLINE fastnn_vf fastnn_power_of_two_f(fastnn_vf shifted) {
        fastnn_vi32 bits;
        memcpy(&bits, &shifted, sizeof bits);
        bits = (bits << 23) + 0x3f800000;
        memcpy(&shifted, &bits, sizeof bits);
        return shifted;
    }
    FASTNN_INLINE fastnn_vd fastnn_power_of_two_d(fastnn_vd shifted) {
        fastnn_vi64 bits;
        memcpy(&bits, &shifted, sizeof bits);
        bits = (bits << 52) + 0x3ff0000000000000;
        memcpy(&shifted, &bits, sizeof bits);
        return shifted;
    }
    """
    enum:
        MOST_IN_ROW "FASTNN_MOST_IN_ROW"    # what in_row() may be
    ctypedef float vf "fastnn_vf"
    ctypedef double vd "fastnn_vd"
    vf splat_f "fastnn_splat_f"(float number) noexcept nogil
    vd splat_d "fastnn_splat_d"(double number) noexcept nogil
    vf choose_f "fastnn_choose_f"(vf a, vf b, vf yes, vf no) noexcept nogil
    vd choose_d "fastnn_choose_d"(vd a, vd b, vd yes, vd no) noexcept nogil
    vf copy_sign_f "fastnn_copy_sign_f"(vf size, vf sign) noexcept nogil
    vd copy_sign_d "fastnn_copy_sign_d"(vd size, vd sign) noexcept nogil
    vf sums_f "fastnn_sums_f"(const vf* s) noexcept nogil
    vd sums_d "fastnn_sums_d"(const vd* s) noexcept nogil
    void transpose_f "fastnn_transpose_f"(vf* s) noexcept nogil
    void transpose_d "fastnn_transpose_d"(vd* s) noexcept nogil
    vf sqrt_f "fastnn_sqrt_f"(vf v) noexcept nogil
    vd sqrt_d "fastnn_sqrt_d"(vd v) noexcept nogil
    unsigned int nonzero_f "fastnn_nonzero_f"(const vf* v) noexcept nogil
    unsigned int nonzero_d "fastnn_nonzero_d"(const vd* v) noexcept nogil
    vf power_of_two_f "fastnn_power_of_two_f"(vf shifted) noexcept nogil
    vd power_of_two_d "fastnn_power_of_two_d"(vd shifted) noexcept nogil


ctypedef fused real:
    float
    double

ctypedef fused vec:
    vf
    vd


cdef inline vec constant(vec like, double number) noexcept nogil:
    """`number` in every lane, in the type of `like`."""
    if vec is vf:
        return splat_f(<float> number)
    else:
        return splat_d(number)


cdef inline vec if_greater(vec a, vec b, vec yes, vec no) noexcept nogil:
    """a > b ? yes : no, lane by lane; `no` where a or b is NaN."""
    if vec is vf:
        return choose_f(a, b, yes, no)
    else:
        return choose_d(a, b, yes, no)


cdef inline vec if_positive(vec a, vec yes, vec no) noexcept nogil:
    return if_greater(a, constant(a, 0), yes, no)


cdef inline vec copy_sign(vec size, vec sign) noexcept nogil:
    """|size| with the sign of `sign`, that of 0 and NaN too"""
    if vec is vf:
        return copy_sign_f(size, sign)
    else:
        return copy_sign_d(size, sign)


cdef inline vec absolute(vec a) noexcept nogil:
    return copy_sign(a, constant(a, 0))


cdef inline vec square_root(vec a) noexcept nogil:
    if vec is vf:
        return sqrt_f(a)
    else:
        return sqrt_d(a)


cdef inline vec within(vec a, double low, double high) noexcept nogil:
    """The nearest number to a in low to high; NaN stays NaN."""
    cdef vec bottom = constant(a, low)
    cdef vec top = constant(a, high)
    return if_greater(a, top, top, if_greater(bottom, a, bottom, a))


cdef inline vec to_power_of_two(vec shifted) noexcept nogil:
    """2^n from `shifted` = n + ROUND (see exponential.pxd), n within the exponent's range."""
    if vec is vf:
        return power_of_two_f(shifted)
    else:
        return power_of_two_d(shifted)


cdef inline unsigned int nonzero(const vec* v) noexcept nogil:
    """Bit i is set where lane i is not zero; NaN is not."""
    if vec is vf:
        return nonzero_f(v)
    else:
        return nonzero_d(v)


cdef enum:
    ROW = 32    # bytes


cdef inline size_t in_row(const vec* like) noexcept nogil:
    """How many vecs hold ROW bytes: 1, but where a vec is a single number."""
    return ROW // sizeof(vec)


cdef inline size_t lanes(const vec* like) noexcept nogil:
    """How many numbers a vec holds."""
    return sizeof(vec) // sizeof(float) if vec is vf else sizeof(vec) // sizeof(double)


cdef inline vec* at(const vec* start, size_t n_bytes) noexcept nogil:
    """The place so many bytes after start."""
    return <vec*> (<const char*> start + n_bytes)


cdef inline const vec* as_vecs(const vec* like, const real* numbers) noexcept nogil:
    """Numbers in memory, to be read as vecs of the type of like."""
    return <const vec*> numbers


cdef inline vec sums(const vec* s) noexcept nogil:
    """In lane i the sum of the lanes of s[i], for as many vecs as a vec has lanes."""
    if vec is vf:
        return sums_f(s)
    else:
        return sums_d(s)


cdef inline void transpose(vec* s) noexcept nogil:
    """Lane k of s[i] and lane i of s[k] change places, for as many vecs as a vec has lanes."""
    if vec is vf:
        transpose_f(s)
    else:
        transpose_d(s)


cdef inline real sum_of_lanes(vec v, real like) noexcept nogil:
    """The sum of v's lanes; `like` names their type."""
    cdef vec s[8]
    cdef size_t i
    for i in range(lanes(&v)):
        s[i] = v
    s[0] = sums(s)
    return (<const real*> s)[0]


cdef inline kernel multiply(vec* numbers, size_t n_vec, double factor) noexcept nogil:
    cdef size_t k
    cdef vec f = constant(numbers[0], factor)
    for k in range(n_vec):
        numbers[k] = f * numbers[k]
