/*
 * vmath_kit.h: the elementary functions at every level, what they shall be, and how far off they
 * are: for the test that keeps the bounds, and for the program that writes docs/numerics.md.
 */
#ifndef VMATH_KIT_H
#define VMATH_KIT_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "levels.h"
#include "ops/vmath.h"

/* X(name, bound of f32, bound of f64): the functions of one argument. The last are rounded once,
 * or, rsqrt, twice. */
#define FUNCTIONS(X)                                                                               \
    X(exp, 1.25, 1.25)                                                                             \
    X(expm1, 1.7, 2.25)                                                                            \
    X(log, 0.9, 0.85)                                                                              \
    X(log1p, 1.5, 1.4)                                                                             \
    X(sin, 1.65, 1.65)                                                                             \
    X(cos, 1.65, 1.65)                                                                             \
    X(tanh, 2, 2.2)                                                                                \
    X(sigmoid, 1.8, 1.95)                                                                          \
    X(erf, 1.85, 1.95)                                                                             \
    X(softplus, 1.75, 1.8)                                                                         \
    X(sqrt, 0.501, 0.501)                                                                          \
    X(rsqrt, 1.5, 1.5)                                                                             \
    X(floor, 0, 0)                                                                                 \
    X(round, 0, 0)                                                                                 \
    X(abs, 0, 0)
#define POW_BOUND_32 0.55
#define POW_BOUND_64 1

#define WG_TEMPLATE "../../tests/vmath_runs.h" /* seen from each_real.h */
#include "ops/each_real.h"

typedef void run_f32(float *y, const float *x, int64_t n);
typedef void run_f64(double *y, const double *x, int64_t n);
typedef long double exact_fn(long double x);

static long double exact_sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}
static long double exact_softplus(long double x)
{
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}
static long double exact_rsqrt(long double x)
{
    return 1 / sqrtl(x);
}
#define exact_sqrt  sqrtl
#define exact_floor floorl
#define exact_round nearbyintl
#define exact_abs   fabsl
#define exact_exp   expl
#define exact_expm1 expm1l
#define exact_log   logl
#define exact_log1p log1pl
#define exact_sin   sinl
#define exact_cos   cosl
#define exact_tanh  tanhl
#define exact_erf   erfl

#if WG_X86
#define RUNS(f, type)                                                                              \
    {                                                                                              \
        run_##f##_##type##_0, run_##f##_##type##_1, run_##f##_##type##_2                           \
    }
#else
#define RUNS(f, type)                                                                              \
    {                                                                                              \
        run_##f##_##type##_0                                                                       \
    }
#endif
#define ROW(f, b32, b64) { #f, b32, b64, exact_##f, RUNS(f, f32), RUNS(f, f64) },

static const struct function {
    const char *name;
    double bound32, bound64; /* of the error, in units in the last place */
    exact_fn *exact;
    run_f32 *f32[3];
    run_f64 *f64[3];
} functions[] = { FUNCTIONS(ROW) };

/* Functions that stand alone: NAME_f32[level], NAME_f64[level]. */
#define LEVELS_OF(type, name, f)                                                                   \
    __attribute__((unused)) static type##32 *const name##_f32[] = RUNS(f, f32);                    \
    __attribute__((unused)) static type##64 *const name##_f64[] = RUNS(f, f64);

typedef void run2_f32(float *y, const float *a, const float *b, int64_t n);
typedef void run2_f64(double *y, const double *a, const double *b, int64_t n);
typedef float sums_f32(const float *x, int64_t n);
typedef double sums_f64(const double *x, int64_t n);
typedef void columns_fn_f32(float *y, const float *x, int64_t n, int64_t step, int64_t m);

LEVELS_OF(run2_f, pow, pow)
LEVELS_OF(run2_f, min, min)
LEVELS_OF(run2_f, max, max)
LEVELS_OF(sums_f, sum, sum)
__attribute__((unused)) static columns_fn_f32 *const columns_f32[] = RUNS(columns, f32);

#define N_FUNCTIONS ((int)(sizeof functions / sizeof functions[0]))

/* |got - want| in units of the last place of want, for a type of that many bits and least
 * exponent. */
static double ulps(double got, long double want, int digits, int least, long double largest)
{
    long double rounded = digits == 24 ? (long double)(float)want : (long double)(double)want;
    int e;

    if (isnan(got) || isnan(want)) return isnan(got) && isnan(want) ? 0 : INFINITY;
    if (isinf(got) || isinf(rounded)) {
        if (got == (double)rounded) return 0;
        want = isinf(rounded) ? copysignl(largest, want) : want; /* off by a little at the border */
        if (isinf(got)) got = copysign((double)largest, got) * 1.0;
    }
    if (want == 0) return got == 0 && !signbit(got) == !signbit((double)want) ? 0 : INFINITY;
    frexpl(want, &e);
    if (e - digits < least) e = least + digits;
    return (double)(fabsl(got - want) / ldexpl(1, e - digits));
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* A third each: all bit patterns, [-40, 40], [-1, 1] with small exponents. */
static double pick_f64(uint64_t *state, int kind)
{
    uint64_t bits = next_random(state);
    double u = (double)(bits >> 11) * 0x1p-53, x;

    if (kind == 0) {
        memcpy(&x, &bits, sizeof x);
        return x;
    }
    if (kind == 1) return 80 * u - 40;
    if (kind == 2) return ldexp(2 * u - 1, -(int)(next_random(state) % 60));
    return ldexp(2 * u - 1, (int)(next_random(state) % 30));
}

/* ---- the largest error, and what it belongs to ---- */

enum { CHUNK = 4096 };

typedef struct {
    double ulp[3];     /* of each level */
    double at[3][2];   /* arguments */
    int64_t points, differ[3]; /* results whose bits are not those of the level before */
} worst_errors;

static inline double ulps_f32(double got, long double want)
{
    return ulps(got, want, 24, -149, 0x1.fffffep127L);
}

static inline double ulps_f64(double got, long double want)
{
    return ulps(got, want, 53, -1074, 0x1.fffffffffffffp1023L);
}

static inline void worst_of(worst_errors *w, int level, double ulp, double a, double b)
{
    if (!(ulp > w->ulp[level])) return;
    w->ulp[level] = ulp;
    w->at[level][0] = a;
    w->at[level][1] = b;
}

/* Results of the levels side by side: equal bits, or both NaN. */
#define COUNT_DIFFERENT(w, y, level)                                                               \
    for (int i = 0; (level) > 0 && i < CHUNK; i++)                                                 \
        (w)->differ[level] += memcmp(&(y)[level][i], &(y)[(level)-1][i], sizeof **(y)) != 0 &&     \
                              !(isnan((y)[level][i]) && isnan((y)[(level)-1][i]))

/* Every stride-th float, of all signs, exponents and NaNs. */
static inline void worst_f32(const struct function *f, int64_t stride, worst_errors *w)
{
    static float x[CHUNK], y[3][CHUNK];
    static long double want[CHUNK];

    memset(w, 0, sizeof *w);
    for (int64_t first = 0; first < (int64_t)1 << 32; first += CHUNK * stride) {
        for (int i = 0; i < CHUNK; i++) {
            uint32_t bits = (uint32_t)(first + i * stride);

            memcpy(&x[i], &bits, sizeof bits);
            want[i] = f->exact(x[i]);
        }
        w->points += CHUNK;
        for (int level = 0; level < levels(); level++) {
            f->f32[level](y[level], x, CHUNK);
            for (int i = 0; i < CHUNK; i++)
                worst_of(w, level, ulps_f32(y[level][i], want[i]), x[i], 0);
            COUNT_DIFFERENT(w, y, level);
        }
    }
}

static inline void worst_f64(const struct function *f, int64_t rounds, worst_errors *w)
{
    static double x[CHUNK], y[3][CHUNK];
    static long double want[CHUNK];
    uint64_t state = 1;

    memset(w, 0, sizeof *w);
    for (int64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < CHUNK; i++) {
            x[i] = pick_f64(&state, i % 4);
            want[i] = f->exact(x[i]);
        }
        w->points += CHUNK;
        for (int level = 0; level < levels(); level++) {
            f->f64[level](y[level], x, CHUNK);
            for (int i = 0; i < CHUNK; i++)
                worst_of(w, level, ulps_f64(y[level][i], want[i]), x[i], 0);
            COUNT_DIFFERENT(w, y, level);
        }
    }
}

/* Powers: a quarter with a near 1 and large exponents, the others over all a > 0 and |b| < 16. */
static inline void pick_power(uint64_t *state, int kind, double *a, double *b)
{
    double u = (double)(next_random(state) >> 11) * 0x1p-53;
    double v = (double)(next_random(state) >> 11) * 0x1p-52 - 1;

    *a = kind == 0 ? 1 + ldexp(u - 0.5, -4) : exp2(60 * u - 30);
    *b = kind == 0 ? 2000 * v : 16 * v;
}

static inline void worst_pow_f32(int64_t rounds, worst_errors *w)
{
    static float a[CHUNK], b[CHUNK], y[3][CHUNK];
    uint64_t state = 1;

    memset(w, 0, sizeof *w);
    for (int64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < CHUNK; i++) {
            double p, q;

            pick_power(&state, i % 4, &p, &q);
            a[i] = (float)p;
            b[i] = (float)q;
        }
        w->points += CHUNK;
        for (int level = 0; level < levels(); level++) {
            pow_f32[level](y[level], a, b, CHUNK);
            for (int i = 0; i < CHUNK; i++)
                worst_of(w, level, ulps_f32(y[level][i], powl(a[i], b[i])), a[i], b[i]);
            COUNT_DIFFERENT(w, y, level);
        }
    }
}

static inline void worst_pow_f64(int64_t rounds, worst_errors *w)
{
    static double a[CHUNK], b[CHUNK], y[3][CHUNK];
    uint64_t state = 1;

    memset(w, 0, sizeof *w);
    for (int64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < CHUNK; i++) pick_power(&state, i % 4, &a[i], &b[i]);
        w->points += CHUNK;
        for (int level = 0; level < levels(); level++) {
            pow_f64[level](y[level], a, b, CHUNK);
            for (int i = 0; i < CHUNK; i++)
                worst_of(w, level, ulps_f64(y[level][i], powl(a[i], b[i])), a[i], b[i]);
            COUNT_DIFFERENT(w, y, level);
        }
    }
}

#undef COUNT_DIFFERENT

#endif
