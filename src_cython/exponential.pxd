"""exp, expm1 and log1p on vectors, from a range reduction and a polynomial.

z = n ln 2 + r with n whole and |r| <= ln 2 / 2, so that e^z = 2^n e^r. With

    q(r) = e^r - 1 = r + r² P(r),    P a minimax polynomial (degree 4 in float32, 9 in float64),

exp(z) = 2^n (1 + q) and expm1(z) = 2^n q + (2^n - 1). Rounding to n is done by adding
ROUND = 1.5 · 2^(mantissa bits), after which the lowest bits of the sum are n. ln 2 is taken in
two parts, the first short enough for its product with n to be exact. The error stays below 2 ulp
for normal results; +inf, -inf and NaN give what exp gives.

The coefficients make the largest error relative to e^r - 1, or to log(1 + u), as small as can be,
but for their own rounding (Remez); the parts of ln 2 are those of Moshier's Cephes.
"""
from vectors cimport vec, vf, constant, to_power_of_two, within


cdef inline vec rounding_shift(vec like) noexcept nogil:
    """ROUND"""
    return constant(like, 12582912.0) if vec is vf else constant(like, 6755399441055744.0)


cdef inline vec remainder(vec z, vec n) noexcept nogil:
    """r = z - n ln 2."""
    if vec is vf:
        return (z - n * constant(z, 0.693359375)) - n * constant(z, -2.12194440e-4)
    else:
        return (z - n * constant(z, 6.93145751953125e-1)) - n * constant(z, 1.4286068203094172e-6)


cdef inline vec P(vec r) noexcept nogil:
    """(e^r - 1 - r) / r²; terms in pairs, because a chain of multiply-adds would wait."""
    cdef vec r2 = r * r
    cdef vec r4 = r2 * r2
    cdef vec p01, p23, p45, p67, p89
    if vec is vf:
        p01 = constant(r, 0.50000000583451062) + r * constant(r, 0.16666545448542699)
        p23 = constant(r, 0.041666290361724422) + r * constant(r, 0.0083663474287107838)
        return (p01 + r2 * p23) + r4 * constant(r, 0.001394600507352842)
    else:
        p01 = constant(r, 0.50000000000000046) + r * constant(r, 0.16666666666666684)
        p23 = constant(r, 0.04166666666658206) + r * constant(r, 0.0083333333333156343)
        p45 = constant(r, 0.0013888888930171342) + r * constant(r, 0.00019841269900952766)
        p67 = constant(r, 2.4801506690883439e-5) + r * constant(r, 2.75572296698978e-6)
        p89 = constant(r, 2.7625545553939298e-7) + r * constant(r, 2.5113968123325587e-8)
        return (p01 + r2 * p23) + r4 * ((p45 + r2 * p67) + r4 * p89)


cdef inline vec q(vec r) noexcept nogil:
    return r + (r * r) * P(r)


cdef inline vec exp(vec z) noexcept nogil:
    cdef vec shift = rounding_shift(z)
    cdef vec n, half, power
    z = within(z, -104.0, 89.0) if vec is vf else within(z, -746.0, 710.0)
    n = (z * constant(z, 1.4426950408889634) + shift) - shift
    # 2^n in two factors: n may lie outside the exponent's range where the result does not.
    half = (n * constant(z, 0.5) + shift) - shift
    power = (1 + q(remainder(z, n))) * to_power_of_two(half + shift)
    return power * to_power_of_two((n - half) + shift)


cdef inline vec one_plus_exp(vec z) noexcept nogil:
    """1 + e^z, or inf where e^z is beyond the normal numbers.

    What a sigmoid waits for, so its chain is short: 2^n is one factor, since an e^z below the
    normal numbers adds nothing to 1, and (1 + 2^n (1 + r)) + 2^n r² P(r) ends in one multiply-add.
    Where 2^n is inf, r is never 0, and 1 + r is positive: both sums are inf, and not NaN.
    """
    cdef vec shift = rounding_shift(z)
    cdef vec shifted, power, r
    z = within(z, -87.0, 88.8) if vec is vf else within(z, -708.0, 709.8)
    shifted = z * constant(z, 1.4426950408889634) + shift
    power = to_power_of_two(shifted)
    r = remainder(z, shifted - shift)
    return (1 + power * (1 + r)) + (power * (r * r)) * P(r)


cdef inline vec expm1(vec z) noexcept nogil:
    """e^z - 1 for |z| <= 50; beyond, the value at ±50 (-1 to rounding on the left)."""
    return expm1_up_to_50(within(z, -50, 50))


cdef inline vec expm1_up_to_50(vec z) noexcept nogil:
    """e^z - 1 for |z| <= 50"""
    cdef vec shift = rounding_shift(z)
    cdef vec shifted, power
    shifted = z * constant(z, 1.4426950408889634) + shift
    power = to_power_of_two(shifted)
    return power * q(remainder(z, shifted - shift)) + (power - 1)


cdef inline vec log1p(vec u) noexcept nogil:
    """log(1 + u) for 0 <= u <= 1: 2 artanh(s) = 2 s (1 + s² L(s²)) with s = u / (2 + u)."""
    cdef vec s = u / (2 + u)
    cdef vec s2 = s * s
    cdef vec s4 = s2 * s2
    cdef vec p01, p23, p45, p67, p89
    if vec is vf:
        p01 = constant(u, 0.33333213030415335) + s2 * constant(u, 0.20010548879849761)
        p23 = constant(u, 0.14003791051429995) + s2 * constant(u, 0.13993781745202163)
        return 2 * (s + s * s2 * (p01 + s4 * p23))
    else:
        p01 = constant(u, 0.33333333333333209) + s2 * constant(u, 0.2000000000006223)
        p23 = constant(u, 0.14285714275667166) + s2 * constant(u, 0.11111111890560595)
        p45 = constant(u, 0.090908749289135264) + s2 * constant(u, 0.076932225992419304)
        p67 = constant(u, 0.066511788816894163) + s2 * constant(u, 0.060479636442157749)
        p89 = constant(u, 0.041908018651798929) + s2 * constant(u, 0.084730987408196057)
        return 2 * (s + s * s2 * ((p01 + s4 * p23) + s4 * s4 * ((p45 + s4 * p67) + s4 * s4 * p89)))
