/* numbers.c: see numbers.h. */
#include "numbers.h"

#include <math.h>

double element(const wg_array *a, int64_t i)
{
    switch (a->type.dtype) {
    case WG_F32:
        return (double)((const float *)a->data)[i];
    case WG_F64:
        return ((const double *)a->data)[i];
    case WG_I64:
        return (double)((const int64_t *)a->data)[i];
    case WG_BOOL:
        return ((const bool *)a->data)[i] ? 1 : 0;
    default:
        return NAN;
    }
}

/* Mean and variance by Welford's updates, which keep their digits where the mean is far from 0. */
figures figures_of(const wg_array *a)
{
    figures f = { .n = wg_shape_count(&a->type.shape), .min = NAN, .max = NAN };
    double squares = 0, sum_abs = 0;

    for (int64_t i = 0; i < f.n; i++) {
        double v = element(a, i), was;

        if (!isfinite(v)) continue;
        f.finite++;
        f.zeros += v == 0;
        if (!(f.min <= v)) f.min = v;
        if (!(f.max >= v)) f.max = v;
        was = f.mean;
        f.mean += (v - was) / (double)f.finite;
        squares += (v - was) * (v - f.mean);
        sum_abs += fabs(v);
        f.max_abs = fmax(f.max_abs, fabs(v));
    }
    if (f.finite == 0) f.mean = f.std = f.mean_abs = f.max_abs = NAN;
    else f.std = sqrt(squares / (double)f.finite), f.mean_abs = sum_abs / (double)f.finite;
    return f;
}
