/*
 * lanes.c: the functions of vec.h and vmath.h as texts for graph/lane.c, which knows those that are
 * one instruction. Each gives the bits of the f32 function at AVX-512, NaN for NaN; what that one
 * does rarely is chosen here lane by lane. So vsin, vcos and vpow have none.
 *
 * Beside the language of vec.h: poly(name, x), a polynomial of vmath_coef.h; scale(y, n), y 2^n;
 * and of bits, as integers: and, or, iadd, isub, shl, shr; bits(c), a float with these bits.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "vmath_coef.h"

#define BITS 32
#include "vmath_limits.h"
#define LOG2_E 0x1.71547652b82fep0
#define LN2    0x1.62e42fefa39efp-1

/* graph/lane.h declares the same. */
const char *wg__lane_function(const char *name, size_t length, const float **c, int *terms);

#define TEXT_(...) #__VA_ARGS__
#define TEXT(...)  TEXT_(__VA_ARGS__)

/* clang-format off */
static const struct {
    char name[14];
    const char *text;
} functions[] = {
    /* vec.h */
    { "vabs", "and(x, bits(0x7fffffff))" },
    { "vmin", "vsel(vne(a, a), a, vmin_raw(a, b))" },
    { "vmax", "vsel(vne(a, a), a, vmax_raw(a, b))" },
    { "vgt", "vlt(b, a)" },
    { "vge", "vle(b, a)" },
    { "vrsqrt", "1 / vsqrt(x)" },
    /* vmath_real.h; (t - MAGIC) << MANTISSA is t << MANTISSA, in which MAGIC has no bits */
    { "exp_core", TEXT(
        t = vfma(x, LOG2_E, MAGIC); n = t - MAGIC;
        r = vfma(-n, LN2_HI, x); r = vfma(-n, LN2_LO, r);
        scale(vfma(vfma(poly(exp, r), r, 1), r, 1), n)) },
    { "vexp", TEXT(exp_core(vmax_raw(EXP_MIN, vmin_raw(EXP_MAX, x)))) },
    { "half_power", TEXT(shl(iadd(x, bits(126)), MANTISSA)) },
    { "half_expm1", TEXT(
        t = vfma(x, LOG2_E, MAGIC); n = t - MAGIC;
        r = vfma(-n, LN2, x); p = vfma(poly(exp, r) * r, r, r);
        s = half_power(t);
        vfma(s, p, s - 0.5)) },
    { "vexpm1", TEXT(
        a = vmax_raw(EXPM1_MIN, vmin_raw(EXP_MAX, x));
        t = vfma(a, LOG2_E, MAGIC); n = t - MAGIC;
        r = vfma(-n, LN2_HI, a); r = vfma(-n, LN2_LO, r); p = vfma(poly(exp, r) * r, r, r);
        s = half_power(t);
        vsel(vlt(vabs(x), 0x1p-124), x, 2 * vfma(s, p, s - 0.5))) },
    { "log_core", TEXT( /* of f, k */
        rest = vfma(a * a * a, poly(log, a), vfma(b, LN2_LO, -(a * a * 0.5)));
        vfma(b, LN2_HI, a + rest)) },
    { "log_exponent", TEXT(shr(iadd(x, isub(bits(0x3f800000), bits(ROOT_HALF))), MANTISSA)) },
    { "log_k", TEXT(or(log_exponent(x), MAGIC) - 0x1.8000fep23) },
    { "log_f", TEXT(iadd(isub(x, shl(log_exponent(x), MANTISSA)), bits(0x3f800000)) - 1) },
    { "vlog", TEXT(
        small = vlt(x, LEAST); a = vsel(small, x * 0x1p24, x);
        y = log_core(log_f(a), log_k(a) - vsel(small, 24, 0));
        y = vsel(vlt(x, INFINITY), y, x); y = vsel(vlt(x, 0), NAN, y);
        vsel(veq(x, 0), -INFINITY, y)) },
    { "log1p_f", TEXT( /* of x, k */
        s = shl(isub(bits(BIAS), b + MAGIC), MANTISSA);
        vfma(a, s, s - 1)) },
    { "log1p_core", TEXT(
        k = log_k(x + 1);
        vcopysign(log_core(log1p_f(x, k), k), x)) },
    { "vlog1p", TEXT(
        u = x + 1; k = log_k(u);
        f = vsel(vlt(x, LARGE), log1p_f(x, k), log_f(u));
        y = vcopysign(log_core(f, k), x);
        y = vsel(vlt(x, INFINITY), y, x); y = vsel(vlt(x, -1), NAN, y);
        vsel(veq(x, -1), -INFINITY, y)) },
    { "vsoftplus", TEXT(
        vmax_raw(0, x) + log1p_core(exp_core(vmax_raw(-vabs(x), EXP_MIN)))) },
    { "vtanh", TEXT(
        a = vmin_raw(TANH_MAX, vabs(x)); z = a + a; small = vlt(a, 0.3);
        h = half_expm1(vsel(small, -z, z)); q = h / (h + 1);
        vcopysign(vsel(small, vfma(-h, q, h), q), x)) },
    { "vsigmoid", TEXT(
        e = exp_core(vmax_raw(EXP_MIN, -vabs(x))); m = vsel(vlt(x, 0), e, 1);
        vfma(-m, e / (e + 1), m)) },
    { "verf", TEXT(
        a = vmin_raw(ERF_MAX, vabs(x)); g = vfma(poly(erf, a), a, a);
        vcopysign(2 * half_expm1(-g), x)) },
};
/* clang-format on */

#define POLY(name) { #name, sizeof name##_f32 / sizeof name##_f32[0], name##_f32 }
static const struct {
    char name[7];
    unsigned char terms;
    const float *c;
} polynomials[] = { POLY(exp), POLY(log), POLY(erf) };

static bool same(const char *name, size_t length, const char *as)
{
    return strncmp(name, as, length) == 0 && as[length] == '\0';
}

const char *wg__lane_function(const char *name, size_t length, const float **c, int *terms)
{
    for (size_t i = 0; c && i < sizeof polynomials / sizeof polynomials[0]; i++) {
        if (!same(name, length, polynomials[i].name)) continue;
        *c = polynomials[i].c;
        *terms = polynomials[i].terms;
    }
    for (size_t i = 0; !c && i < sizeof functions / sizeof functions[0]; i++)
        if (same(name, length, functions[i].name)) return functions[i].text;
    return NULL;
}
