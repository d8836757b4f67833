/* Probes of what one core can do at most; floors.py compiles and times them.

   Each takes its number of repetitions and returns something that depends on all of its work, so
   that none of it can be left out. GCC and Clang turn vector arithmetic into vector instructions,
   and a * b + c into one multiply-add where the machine has it. */

typedef float float_vec __attribute__((vector_size(32)));
typedef double double_vec __attribute__((vector_size(32)));

/* Twelve independent chains of multiply-adds: more than are needed to hide their latency. */
#define PEAK(name, real, vec)                                                   \
    real name(long n, real factor, real term)                                   \
    {                                                                           \
        vec f = factor - (vec){0}, c = term - (vec){0};                         \
        vec a0 = c, a1 = c + 1, a2 = c + 2, a3 = c + 3, a4 = c + 4, a5 = c + 5, \
            a6 = -c, a7 = a1 - 8, a8 = a2 - 8, a9 = a3 - 8, b0 = a4 - 8, b1 = a5 - 8; \
        for (long i = 0; i < n; i++) {                                          \
            a0 = a0 * f + c; a1 = a1 * f + c; a2 = a2 * f + c; a3 = a3 * f + c; \
            a4 = a4 * f + c; a5 = a5 * f + c; a6 = a6 * f + c; a7 = a7 * f + c; \
            a8 = a8 * f + c; a9 = a9 * f + c; b0 = b0 * f + c; b1 = b1 * f + c; \
        }                                                                       \
        vec sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + b0 + b1;    \
        real total = 0;                                                         \
        for (unsigned long k = 0; k < sizeof(vec) / sizeof(real); k++)          \
            total += sum[k];                                                    \
        return total;                                                           \
    }

PEAK(peak_float32, float, float_vec)
PEAK(peak_float64, double, double_vec)

/* One chain of multiply-adds, each of which waits for the one before. */
double chain(long n, double factor, double term)
{
    double a = term;
    for (long i = 0; i < n; i++)
        a = a * factor + term;
    return a;
}

/* Read n_vecs vectors, n times over; n_vecs is a multiple of 8. */
float read_block(long n, const float_vec *x, long n_vecs)
{
    float_vec s[8] = {{0}};
    for (long i = 0; i < n; i++)
        for (long j = 0; j < n_vecs; j += 8) {
            s[0] += x[j]; s[1] += x[j + 1]; s[2] += x[j + 2]; s[3] += x[j + 3];
            s[4] += x[j + 4]; s[5] += x[j + 5]; s[6] += x[j + 6]; s[7] += x[j + 7];
        }
    return (s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7])[0];
}

/* Read, change and write n_vecs vectors, n times over; n_vecs is a multiple of 4. An addition,
   and not a multiply-add, is what runs at the speed of the caches here. */
void update_block(long n, float_vec *x, long n_vecs, float term)
{
    float_vec c = term - (float_vec){0};
    for (long i = 0; i < n; i++)
        for (long j = 0; j < n_vecs; j += 4) {
            x[j] += c; x[j + 1] += c; x[j + 2] += c; x[j + 3] += c;
        }
}
