/* The functions of vmath.h for one type and level: included through each_real.h only. */

#include "vmath_limits.h"
#if BITS == 32
#define OF(f) f##_f32 /* of this type, for all levels */
#else
#define OF(f) f##_f64
#endif
#define U(c) ((UINT)(c))

/* The bits of a number as lanes of integers, without a union in every function. */
WG_INLINE VU FN(bits_of)(REAL c)
{
    return (VU)VSPLAT(c);
}

/* Horner's rule: fewer operations than any other, and rows leave enough of them independent. */
WG_INLINE V FN(poly)(V x, const REAL *c, int n)
{
    V y = VSPLAT(c[n - 1]);

    WG_UNROLL
    for (int i = n - 2; i >= 0; i--) y = FN(vfma)(y, x, VSPLAT(c[i]));
    return y;
}
#define POLY(x, name) FN(poly)(x, OF(name), (int)(sizeof(OF(name)) / sizeof(OF(name)[0])))

/* x = n ln 2 + r, |r| <= ln 2 / 2; n in the low bits of *t. */
WG_INLINE V FN(exp_reduce)(V x, V *t, V *n)
{
    V r;

    *t = FN(vfma)(x, VSPLAT((REAL)0x1.71547652b82fep0), VSPLAT(MAGIC));
    *n = *t - MAGIC;
    r = FN(vfma)(-*n, VSPLAT(LN2_HI), x);
    return FN(vfma)(-*n, VSPLAT(LN2_LO), r);
}

/* y 2^n, rounded once, for y near 1 and any n a reduction gives. */
WG_INLINE V FN(exp_scale)(V y, V t, V n)
{
#if LEVEL == 2 && BITS == 32
    (void)t;
    return _mm512_scalef_ps(y, n);
#elif LEVEL == 2
    (void)t;
    return _mm512_scalef_pd(y, n);
#else
    /* Two factors, for 2^n may be no normal number; n + 2 BIAS is their biased exponents' sum. */
    VU both = (VU)t - FN(bits_of)(MAGIC) + U(2 * BIAS), half = both >> 1;

    (void)n;
    return y * (V)(half << MANTISSA) * (V)((both - half) << MANTISSA);
#endif
}

/* e^x for EXP_MIN <= x <= EXP_MAX. */
WG_INLINE V FN(exp_core)(V x)
{
    V t, n, r = FN(exp_reduce)(x, &t, &n);
    V y = FN(vfma)(POLY(r, exp), r, VSPLAT(1));

    return FN(exp_scale)(FN(vfma)(y, r, VSPLAT(1)), t, n);
}

WG_INLINE V FN(vexp)(V x)
{
    return FN(exp_core)(FN(vmax_raw)(VSPLAT(EXP_MIN), FN(vmin_raw)(VSPLAT(EXP_MAX), x)));
}

WG_INLINE V FN(exp_minus_abs)(V x)
{
    return FN(exp_core)(FN(vmax_raw)(VSPLAT(EXP_MIN), -FN(vabs)(x)));
}

/* (e^x - 1) / 2 = 2^(n-1) (e^r - 1) + (2^(n-1) - 1/2), for |x| < 40 where the caller divides by the
 * result or takes it from 1: so ln 2 need not be split where FMA subtracts the exact product. */
WG_INLINE V FN(half_expm1)(V x)
{
    V t = FN(vfma)(x, VSPLAT((REAL)0x1.71547652b82fep0), VSPLAT(MAGIC)), n = t - MAGIC;
#if LEVEL == 0
    V high = x - n * LN2_HI, low = n * LN2_LO, r = high - low;
    V p = r + (POLY(r, exp) * r * r + ((high - r) - low)); /* with what r lost */
#else
    V r = FN(vfma)(-n, VSPLAT((REAL)0x1.62e42fefa39efp-1), x);
    V p = FN(vfma)(POLY(r, exp) * r, r, r);
#endif
    V s = (V)(((VU)t - FN(bits_of)(MAGIC) + U(BIAS - 1)) << MANTISSA);

    return FN(vfma)(s, p, s - (REAL)0.5);
}

WG_INLINE V FN(vexpm1)(V x)
{
    V a = FN(vmax_raw)(VSPLAT(EXPM1_MIN), FN(vmin_raw)(VSPLAT(EXP_MAX), x)), t, n;
    V r = FN(exp_reduce)(a, &t, &n);
    V p = FN(vfma)(POLY(r, exp) * r, r, r);
    V s = (V)(((VU)t - FN(bits_of)(MAGIC) + U(BIAS - 1)) << MANTISSA); /* 2^n itself may overflow */
    V y = 2 * FN(vfma)(s, p, s - (REAL)0.5);

    /* Halving denormals would lose bits, and -0 its sign. */
    return FN(vsel)(FN(vlt)(FN(vabs)(x), VSPLAT(4 * LEAST)), x, y);
}

/* log(x) for x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2). */
WG_INLINE V FN(log_core)(V f, V k)
{
    V half = f * f * (REAL)0.5;
#if BITS == 32
    V rest = FN(vfma)(f * f * f, POLY(f, log), FN(vfma)(k, VSPLAT(LN2_LO), -half));

    return FN(vfma)(k, VSPLAT(LN2_HI), f + rest);
#else
    V s = f / (f + 2), z = s * s;
    V rest = FN(vfma)(k, VSPLAT(LN2_LO), s * (half + z * POLY(z, log)));

    return FN(vfma)(k, VSPLAT(LN2_HI), f - (half - rest));
#endif
}

/* x = 2^k m with m as above, for normal x > 0; one way for all levels: two additions and a mask. */
WG_INLINE V FN(log_split)(V x, V *k)
{
    VU up = (VU)x + (U(BIAS) << MANTISSA) - U(ROOT_HALF);
    VU exponent = up >> MANTISSA; /* k + BIAS */

    *k = (V)(exponent | FN(bits_of)(MAGIC)) - (MAGIC + BIAS);
    return (V)((VU)x - (exponent << MANTISSA) + (U(BIAS) << MANTISSA));
}

WG_INLINE V FN(vlog)(V x)
{
    V k, m, y, a = x, shift = VSPLAT(0);
    M normal = FN(vand)(FN(vle)(VSPLAT(LEAST), x), FN(vlt)(x, VSPLAT((REAL)INFINITY)));
    M rare = FN(vnot)(normal);

    if (WG_RARE(FN(vany)(rare))) {
        M small = FN(vlt)(x, VSPLAT(LEAST));

        a = FN(vsel)(small, x * (REAL)(U(1) << (MANTISSA + 1)), x);
        shift = FN(vsel)(small, VSPLAT(MANTISSA + 1), shift);
    }
    m = FN(log_split)(a, &k);
    y = FN(log_core)(m - 1, k - shift);
    if (WG_RARE(FN(vany)(rare))) {
        y = FN(vsel)(FN(vlt)(x, VSPLAT((REAL)INFINITY)), y, x); /* infinity and NaN */
        y = FN(vsel)(FN(vlt)(x, VSPLAT(0)), VSPLAT((REAL)NAN), y);
        y = FN(vsel)(FN(veq)(x, VSPLAT(0)), VSPLAT(-(REAL)INFINITY), y);
    }
    return y;
}

/* log(1 + x): the exponent is that of 1 + x, f comes from x itself: 2^-k x + (2^-k - 1), exact but
 * for one rounding. The sign of the result is that of x. Wants -1 < x < LARGE. */
WG_INLINE V FN(log1p_core)(V x)
{
    V k, s;

    FN(log_split)(x + 1, &k);
    s = (V)((FN(bits_of)(MAGIC) + U(BIAS) - (VU)(k + MAGIC)) << MANTISSA);
    return FN(vcopysign)(FN(log_core)(FN(vfma)(x, s, s - 1), k), x);
}

WG_INLINE V FN(vlog1p)(V x)
{
    M rare = FN(vnot)(FN(vand)(FN(vlt)(VSPLAT(-1), x), FN(vlt)(x, VSPLAT(LARGE))));

    if (WG_RARE(FN(vany)(rare))) {
        V a = FN(vsel)(rare, VSPLAT(0), x), far = FN(vsel)(rare, x, VSPLAT(1));

        far = FN(vlog)(FN(vsel)(FN(vlt)(far, VSPLAT(0)), far + 1, far));
        return FN(vsel)(rare, far, FN(log1p_core)(a));
    }
    return FN(log1p_core)(x);
}

WG_INLINE V FN(vtanh)(V x)
{
    V a = FN(vmin_raw)(VSPLAT(TANH_MAX), FN(vabs)(x));
    M small = FN(vlt)(a, VSPLAT((REAL)0.3));
    /* With h = (e^z - 1) / 2, z = 2a or -2a, q = h / (h + 1) is +-tanh. For z > 0 an error of h
     * hardly counts where a is large; small ones are more exact for z < 0, as h - h q, where the
     * rounding of h + 1 and of the quotient hardly counts. */
    V h = FN(half_expm1)(FN(vsel)(small, -(a + a), a + a)), q = h / (h + 1);

    return FN(vcopysign)(FN(vsel)(small, FN(vfma)(-h, q, h), q), x);
}

/* With e = e^-|x| and q = e / (1 + e): 1 - q, or q itself, written as e - e q, where the rounding
 * of 1 + e and of the quotient hardly counts. */
WG_INLINE V FN(vsigmoid)(V x)
{
    V e = FN(exp_minus_abs)(x), m = FN(vsel)(FN(vlt)(x, VSPLAT(0)), e, VSPLAT(1));

    return FN(vfma)(-m, e / (e + 1), m);
}

/* max(x, 0) + log(1 + e^-|x|). A NaN comes from the first term alone: of two a sum takes whichever
 * stands first in the compiler's order. */
WG_INLINE V FN(vsoftplus)(V x)
{
    V e = FN(exp_core)(FN(vmax_raw)(-FN(vabs)(x), VSPLAT(EXP_MIN)));

    return FN(vmax_raw)(VSPLAT(0), x) + FN(log1p_core)(e);
}

/* erf(x) = -expm1(-g), g = -log(erfc(x)), and g / x is smooth: one polynomial for all of x >= 0. It
 * leaves 1 to the last addition, since near 0 the whole result hangs on its value. */
WG_INLINE V FN(verf)(V x)
{
    V a = FN(vmin_raw)(VSPLAT(ERF_MAX), FN(vabs)(x));

    V g = FN(vfma)(POLY(a, erf), a, a);

    return FN(vcopysign)(2 * FN(half_expm1)(-g), x);
}

/* ---- sine and cosine ---- */

#if BITS == 32
#define SIN_FAR (LEVEL == 0 ? 400.0f : 100000.0f)
#else
#define SIN_FAR 1e6
#endif

/* x = n pi/2 + r + *tail, with pi/2 in parts. With FMA each product is exact before it is
 * subtracted; without, the parts are short enough for the product with n to be exact, and what the
 * subtractions lose is the tail. */
WG_INLINE V FN(sin_reduce)(V x, VU *n, V *tail)
{
    V t = FN(vfma)(x, VSPLAT((REAL)0x1.45f306dc9c883p-1), VSPLAT(MAGIC));
    V m = MAGIC - t;

    *n = (VU)t;
#if LEVEL == 0
    *tail = VSPLAT(0);
    WG_UNROLL
    for (int i = 3; i < (int)(sizeof(OF(half_pi)) / sizeof(REAL)); i++) {
        V part = m * OF(half_pi)[i], sum = x + part;

        *tail += (x - sum) + part;
        x = sum;
    }
#else
    *tail = VSPLAT(0);
    WG_UNROLL
    for (int i = 0; i < 3; i++) x = FN(vfma)(m, VSPLAT(OF(half_pi)[i]), x);
#endif
    return x;
}

WG_INLINE V FN(sin_or_cos)(V x, bool cosine)
{
    V a = FN(vabs)(x), r, tail, z, sine, cosi, near, y;
    VU n, odd, sign;

    r = FN(sin_reduce)(a, &n, &tail);
    z = r * r;
    near = 1 - z * (REAL)0.5;
#if LEVEL == 0
    sine = r + (r * z * POLY(z, sin) + tail);
    cosi = near + (z * z * POLY(z, cos) + ((1 - near) - z * (REAL)0.5 - r * tail));
#else
    (void)tail;
    sine = FN(vfma)(r * z, POLY(z, sin), r);
    cosi = FN(vfma)(z * z, POLY(z, cos), near);
#endif
    if (cosine) n += 1;
    odd = 0 - (n & 1);
#if LEVEL == 2 && BITS == 32
    y = _mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)odd), sine, cosi);
#elif LEVEL == 2
    y = _mm512_mask_blend_pd(_mm512_movepi64_mask((__m512i)odd), sine, cosi);
#else
    y = FN(vsel)((M)odd, cosi, sine);
#endif
    sign = n << (BITS - 2);
    if (!cosine) sign ^= (VU)x;
    y = (V)((VU)y ^ (sign & (U(1) << (BITS - 1))));
    if (WG_RARE(FN(vany)(FN(vlt)(VSPLAT(SIN_FAR), a)))) {
        REAL in[VN], out[VN];

        VSTORE(in, x);
        VSTORE(out, y);
        OF(wg_far)(out, in, VN, SIN_FAR, cosine);
        y = VLOAD(out);
    }
    return y;
}

WG_INLINE V FN(vsin)(V x)
{
    return FN(sin_or_cos)(x, false);
}
WG_INLINE V FN(vcos)(V x)
{
    return FN(sin_or_cos)(x, true);
}

/* ---- power ---- */

#if BITS == 32
#define D_(f, level)  f##_f64_##level
#define D__(f, level) D_(f, level)
#define D(f)          D__(f, LEVEL) /* the double one of this level */

/* Two vectors of double, the lower and the upper lanes of x; and back. */
#if LEVEL == 2
#define LOWER(x) _mm512_cvtps_pd(_mm512_castps512_ps256(x))
#define UPPER(x) _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1))
#define JOIN(a, b)                                                                                 \
    _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(a)), _mm512_cvtpd_ps(b), 1)
#elif LEVEL == 1
#define LOWER(x) _mm256_cvtps_pd(_mm256_castps256_ps128(x))
#define UPPER(x) _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1))
#define JOIN(a, b)                                                                                 \
    _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(a)), _mm256_cvtpd_ps(b), 1)
#else
#define LOWER(x)   ((D(wg_v)){ x[0], x[1] })
#define UPPER(x)   ((D(wg_v)){ x[2], x[3] })
#define JOIN(a, b) ((V){ (float)a[0], (float)a[1], (float)b[0], (float)b[1] })
#endif

/* |a|^b = e^(b log |a|) in double, so that 24 bits come out right; then what C99 says of signs and
 * ones. */
WG_INLINE V FN(vpow)(V a, V b)
{
    V m = FN(vabs)(a), one = VSPLAT(1), half = b * (REAL)0.5, y;
    D(wg_v) low = D(vexp)(LOWER(b) * D(vlog)(LOWER(m)));
    D(wg_v) high = D(vexp)(UPPER(b) * D(vlog)(UPPER(m)));
    M negative = FN(vlt)(FN(vcopysign)(one, a), VSPLAT(0)), whole = FN(veq)(FN(vround)(b), b);
    M odd = FN(vand)(whole, FN(vne)(FN(vround)(half), half)), flat, sure;

    y = JOIN(low, high);
    y = FN(vsel)(FN(vand)(negative, odd), -y, y);
    y = FN(vsel)(FN(vand)(FN(vlt)(a, VSPLAT(0)), FN(vnot)(whole)),
                 FN(vsel)(FN(veq)(m, VSPLAT((REAL)INFINITY)), y, VSPLAT((REAL)NAN)), y);
    flat = FN(vand)(FN(veq)(m, one), FN(veq)(FN(vabs)(b), VSPLAT((REAL)INFINITY))); /* (-1)^inf */
    sure = FN(vor)(FN(veq)(a, one), FN(veq)(b, VSPLAT(0)));                         /* NaN or not */
    return FN(vsel)(FN(vor)(flat, sure), one, y);
}

#undef D_
#undef D__
#undef D
#undef LOWER
#undef UPPER
#undef JOIN
#else
WG_INLINE V FN(vpow)(V a, V b)
{
    REAL x[VN], e[VN], y[VN];

    VSTORE(x, a);
    VSTORE(e, b);
    wg_pow_lanes(y, x, e, VN);
    return VLOAD(y);
}
#endif

#undef OF
#undef MANTISSA
#undef BIAS
#undef MAGIC
#undef LN2_HI
#undef LN2_LO
#undef EXP_MAX
#undef EXP_MIN
#undef EXPM1_MIN
#undef LEAST
#undef ROOT_HALF
#undef LARGE
#undef TANH_MAX
#undef ERF_MAX
#undef SIN_FAR
#undef U
#undef POLY
