/*
 * test_vmath.c: elementary functions and sums of vectors, at every level this processor has: error in units in
 * the last place over all arguments, special values, tails equal to whole vectors, one order of sums.
 */
#ifndef REAL
#include "harness.h"
#include "ops/vmath.h"

/* X(name): the functions of one argument. */
#define FUNCTIONS(X)                                                                               \
    X(exp) X(expm1) X(log) X(log1p) X(sin) X(cos) X(tanh) X(sigmoid) X(erf) X(softplus)

#define WG_TEMPLATE "../../tests/test_vmath.c" /* seen from each_real.h */
#include "ops/each_real.h"

typedef void run_f32(float *y, const float *x, int64_t n);
typedef void run_f64(double *y, const double *x, int64_t n);
typedef long double exact_fn(long double x);

static long double exact_sigmoid(long double x) { return 1 / (1 + expl(-x)); }
static long double exact_softplus(long double x)
{
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}
#define exact_exp   expl
#define exact_expm1 expm1l
#define exact_log   logl
#define exact_log1p log1pl
#define exact_sin   sinl
#define exact_cos   cosl
#define exact_tanh  tanhl
#define exact_erf   erfl

#if WG_X86
#define RUNS(f, type) { run_##f##_##type##_0, run_##f##_##type##_1, run_##f##_##type##_2 }
#else
#define RUNS(f, type) { run_##f##_##type##_0 }
#endif
#define ROW(f) { #f, exact_##f, RUNS(f, f32), RUNS(f, f64) },

static const struct function {
    const char *name;
    exact_fn   *exact;
    run_f32    *f32[3];
    run_f64    *f64[3];
} functions[] = { FUNCTIONS(ROW) };

#define N_FUNCTIONS ((int)(sizeof functions / sizeof functions[0]))

/* The number of levels this processor runs. */
static int levels(void)
{
#if WG_X86
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 1;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return 2;
    return 3;
#else
    return 1;
#endif
}

/* |got - want| in units of the last place of want, for a type of that many bits and least exponent. */
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

enum { CHUNK = 4096 };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Every 509th float, of all signs, exponents and NaNs. */
static void f32_within_2_ulp(void)
{
    static float x[CHUNK], y[CHUNK];
    static long double want[CHUNK];

    for (int f = 0; f < N_FUNCTIONS; f++) {
        double worst[3] = { 0 };
        float at[3] = { 0 };

        for (uint64_t first = 0; first < (uint64_t)1 << 32; first += (uint64_t)CHUNK * WG_STRIDE) {
            for (int i = 0; i < CHUNK; i++) {
                uint32_t bits = (uint32_t)(first + (uint64_t)i * WG_STRIDE);

                memcpy(&x[i], &bits, sizeof bits);
                want[i] = functions[f].exact(x[i]);
            }
            for (int level = 0; level < levels(); level++) {
                functions[f].f32[level](y, x, CHUNK);
                for (int i = 0; i < CHUNK; i++) {
                    double u = ulps(y[i], want[i], 24, -149, 0x1.fffffep127L);

                    if (u > worst[level]) worst[level] = u, at[level] = x[i];
                }
            }
        }
        for (int level = 0; level < levels(); level++) {
            if (getenv("WG_VERBOSE"))
                printf("f32 %s level %d: %.3f ulp at %a\n", functions[f].name, level, worst[level],
                       (double)at[level]);
            harness_check(worst[level] <= 2, __FILE__, __LINE__, "%s level %d: %.3f ulp at %a",
                          functions[f].name, level, worst[level], (double)at[level]);
        }
    }
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

static void f64_within_3_ulp(void)
{
    static double x[CHUNK], y[CHUNK];
    static long double want[CHUNK];

    for (int f = 0; f < N_FUNCTIONS; f++) {
        double worst[3] = { 0 }, at[3] = { 0 };
        uint64_t state = 1;

        for (int round = 0; round < WG_ROUNDS; round++) {
            for (int i = 0; i < CHUNK; i++) {
                x[i] = pick_f64(&state, i % 4);
                want[i] = functions[f].exact(x[i]);
            }
            for (int level = 0; level < levels(); level++) {
                functions[f].f64[level](y, x, CHUNK);
                for (int i = 0; i < CHUNK; i++) {
                    double u = ulps(y[i], want[i], 53, -1074, 0x1.fffffffffffffp1023L);

                    if (u > worst[level]) worst[level] = u, at[level] = x[i];
                }
            }
        }
        for (int level = 0; level < levels(); level++) {
            if (getenv("WG_VERBOSE"))
                printf("f64 %s level %d: %.3f ulp at %a\n", functions[f].name, level, worst[level],
                       at[level]);
            harness_check(worst[level] <= 3, __FILE__, __LINE__, "%s level %d: %.3f ulp at %a",
                          functions[f].name, level, worst[level], at[level]);
        }
    }
}
TESTS(TEST(f32_within_2_ulp), TEST(f64_within_3_ulp))

#else
#define RUN(f)                                                                                     \
    static void FN(run_##f)(REAL * y, const REAL *x, int64_t n)                                    \
    {                                                                                              \
        int64_t i = 0;                                                                             \
                                                                                                   \
        for (; i + VN <= n; i += VN) VSTORE(y + i, v##f(VLOAD(x + i)));                            \
        if (i < n) VSTORE_N(y + i, v##f(VLOAD_N(x + i, (int)(n - i))), (int)(n - i));              \
    }
FUNCTIONS(RUN)
#undef RUN
#endif
