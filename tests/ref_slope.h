/* ref_slope.h: numbers to try a reference with, and slopes of what it computes. */
#ifndef REF_SLOPE_H
#define REF_SLOPE_H

#include "harness.h"

/* n numbers in [-1, 1), the same for the same seed. */
static inline void slope_fill(int64_t n, double *x, uint64_t seed)
{
    uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;

    for (int64_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = (double)(state >> 11) / 4503599627370496.0 - 1;
    }
}

static inline double slope_dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* dS / de at x + e v by a central difference; x is as before. */
static inline double slope_difference(double (*S)(void *), void *context, int64_t n, double *x,
                                      const double *v, double h, double *at)
{
    double up, down;

    memcpy(at, x, (size_t)n * sizeof *at);
    for (int64_t i = 0; i < n; i++) x[i] = at[i] + h * v[i];
    up = S(context);
    for (int64_t i = 0; i < n; i++) x[i] = at[i] - h * v[i];
    down = S(context);
    memcpy(x, at, (size_t)n * sizeof *at);
    return (up - down) / (2 * h);
}

/* The same by Richardson's extrapolation, with a step that shrinks until whole and half agree: a
 * kink within it keeps them apart. */
static inline double slope_along(double (*S)(void *), void *context, int64_t n, double *x,
                                 const double *v)
{
    double *at = malloc((size_t)(n + 1) * sizeof *at), best = INFINITY, d = NAN;

    for (double h = 1e-3; h > 5e-7 && at; h /= 10) {
        double whole = slope_difference(S, context, n, x, v, h, at);
        double half = slope_difference(S, context, n, x, v, h / 2, at);

        if (!(fabs(half - whole) < best)) continue;
        best = fabs(half - whole);
        d = (4 * half - whole) / 3;
        if (best <= 1e-6 * (1 + fabs(half))) break;
    }
    free(at);
    return d;
}

/* The gradient dx of S (context) at x (n) against slopes along three directions. */
static inline void slope_close(double (*S)(void *), void *context, int64_t n, double *x,
                               const double *dx, double tol, const char *what, const char *file,
                               int line)
{
    double *v = malloc((size_t)(n + 1) * sizeof *v);

    for (uint64_t k = 0; k < 3 && v; k++) {
        double want, got;

        slope_fill(n, v, 100 + k);
        want = slope_along(S, context, n, x, v);
        got = slope_dot(n, dx, v);
        harness_check(fabs(got - want) <= tol * (1 + fabs(want)), file, line,
                      "%s: slope %.17g, differences give %.17g", what, got, want);
    }
    harness_check(v != NULL, file, line, "%s: memory", what);
    free(v);
}
#define SLOPE_CLOSE(S, context, n, x, dx, tol)                                                     \
    slope_close((S), (context), (n), (x), (dx), (tol), #dx, __FILE__, __LINE__)

#endif
