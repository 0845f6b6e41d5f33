/*
 * Elementary functions of vectors (see vec.h for the language):
 *
 *   vexp vexpm1 vlog vlog1p vsin vcos vtanh vsigmoid verf vsoftplus vrsqrt vpow(a, b)
 *
 * f32 within 2 units in the last place of the exact value, f64 within 3, over all arguments;
 * special values as in C99 Annex F. Polynomials are this library's own: scripts/fit_vmath.py.
 */
#ifndef WG_VMATH_H
#define WG_VMATH_H

#include <math.h>
#include "vec.h"
#include "vmath_coef.h"

#define vexp(x)      WG_PICK(vexp, x)(x)
#define vexpm1(x)    WG_PICK(vexpm1, x)(x)
#define vlog(x)      WG_PICK(vlog, x)(x)
#define vlog1p(x)    WG_PICK(vlog1p, x)(x)
#define vsin(x)      WG_PICK(vsin, x)(x)
#define vcos(x)      WG_PICK(vcos, x)(x)
#define vtanh(x)     WG_PICK(vtanh, x)(x)
#define vsigmoid(x)  WG_PICK(vsigmoid, x)(x)
#define verf(x)      WG_PICK(verf, x)(x)
#define vsoftplus(x) WG_PICK(vsoftplus, x)(x)
#define vrsqrt(x)    (1 / vsqrt(x))
#define vpow(a, b)   WG_PICK(vpow, a)(a, b)

/* Where no short formula is exact enough: element by element, for all levels. */
__attribute__((unused, noinline)) static void wg_far_f32(float *y, const float *x, int n,
                                                         float limit, bool cosine)
{
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > limit) y[i] = (float)(cosine ? cos((double)x[i]) : sin((double)x[i]));
}

__attribute__((unused, noinline)) static void wg_far_f64(double *y, const double *x, int n,
                                                         double limit, bool cosine)
{
    for (int i = 0; i < n; i++)
        if (fabs(x[i]) > limit) y[i] = cosine ? cos(x[i]) : sin(x[i]);
}

__attribute__((unused, noinline)) static void wg_pow_lanes(double *y, const double *a,
                                                           const double *b, int n)
{
    for (int i = 0; i < n; i++) y[i] = pow(a[i], b[i]);
}

#define WG_TEMPLATE "vmath_real.h"
#include "each_real.h"

#endif
