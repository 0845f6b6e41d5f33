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

/* Smaller strides and more rounds, up to every float there is, are for a change of the formulas. */
#ifndef WG_STRIDE
#define WG_STRIDE 8009
#endif
#ifndef WG_ROUNDS
#define WG_ROUNDS 40
#endif

#define WG_TEMPLATE "../../tests/test_vmath.c" /* seen from each_real.h */
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
/* X(name): rounded correctly or, vrsqrt, twice. */
#define EXACT(X) X(sqrt) X(rsqrt) X(floor) X(round) X(abs)

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
#define ROW(f) { #f, exact_##f, RUNS(f, f32), RUNS(f, f64) },

static const struct function {
    const char *name;
    exact_fn *exact;
    run_f32 *f32[3];
    run_f64 *f64[3];
} functions[] = { FUNCTIONS(ROW) EXACT(ROW) };

/* Functions that stand alone: NAME_f32[level], NAME_f64[level]. */
#define LEVELS_OF(type, name, f)                                                                   \
    static type##32 *const name##_f32[] = RUNS(f, f32);                                            \
    static type##64 *const name##_f64[] = RUNS(f, f64);

typedef void run2_f32(float *y, const float *a, const float *b, int64_t n);
typedef void run2_f64(double *y, const double *a, const double *b, int64_t n);
typedef float sums_f32(const float *x, int64_t n);
typedef double sums_f64(const double *x, int64_t n);
typedef void columns_fn_f32(float *y, const float *x, int64_t n, int64_t step, int64_t m);

LEVELS_OF(run2_f, pow, pow)
LEVELS_OF(run2_f, min, min)
LEVELS_OF(run2_f, max, max)
LEVELS_OF(sums_f, sum, sum)
static columns_fn_f32 *const columns_f32[] = RUNS(columns, f32);

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

/* Every WG_STRIDE-th float, of all signs, exponents and NaNs. */
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

/* ---- special values ---- */

#define INF  ((double)INFINITY)
#define NANS ((double)NAN)

static const struct special {
    const char *name;
    double x, y;
} specials[] = {
    { "exp", -0.0, 1 },
    { "exp", INF, INF },
    { "exp", -INF, 0 },
    { "exp", NANS, NANS },
    { "exp", 710, INF },
    { "exp", -746, 0 },
    { "expm1", -0.0, -0.0 },
    { "expm1", 0, 0 },
    { "expm1", INF, INF },
    { "expm1", -INF, -1 },
    { "expm1", NANS, NANS },
    { "expm1", -100, -1 },
    { "log", 0, -INF },
    { "log", -0.0, -INF },
    { "log", 1, 0 },
    { "log", INF, INF },
    { "log", -1, NANS },
    { "log", -INF, NANS },
    { "log", NANS, NANS },
    { "log1p", -0.0, -0.0 },
    { "log1p", 0, 0 },
    { "log1p", -1, -INF },
    { "log1p", -2, NANS },
    { "log1p", -INF, NANS },
    { "log1p", INF, INF },
    { "log1p", NANS, NANS },
    { "sin", -0.0, -0.0 },
    { "sin", 0, 0 },
    { "sin", INF, NANS },
    { "sin", -INF, NANS },
    { "sin", NANS, NANS },
    { "cos", -0.0, 1 },
    { "cos", 0, 1 },
    { "cos", INF, NANS },
    { "cos", NANS, NANS },
    { "tanh", -0.0, -0.0 },
    { "tanh", 0, 0 },
    { "tanh", INF, 1 },
    { "tanh", -INF, -1 },
    { "tanh", NANS, NANS },
    { "tanh", 50, 1 },
    { "sigmoid", 0, 0.5 },
    { "sigmoid", -0.0, 0.5 },
    { "sigmoid", INF, 1 },
    { "sigmoid", -INF, 0 },
    { "sigmoid", NANS, NANS },
    { "erf", -0.0, -0.0 },
    { "erf", 0, 0 },
    { "erf", INF, 1 },
    { "erf", -INF, -1 },
    { "erf", NANS, NANS },
    { "softplus", INF, INF },
    { "softplus", -INF, 0 },
    { "softplus", NANS, NANS },
    { "softplus", 1e30, 1e30 },
    { "sqrt", -0.0, -0.0 },
    { "sqrt", -1, NANS },
    { "sqrt", INF, INF },
    { "sqrt", 4, 2 },
    { "rsqrt", 4, 0.5 },
    { "rsqrt", 0, INF },
    { "rsqrt", INF, 0 },
    { "floor", -0.0, -0.0 },
    { "floor", -0.5, -1 },
    { "floor", 0.5, 0 },
    { "floor", 2.75, 2 },
    { "floor", -3, -3 },
    { "floor", 1e30, 1e30 },
    { "floor", -INF, -INF },
    { "floor", NANS, NANS },
    { "round", 0.5, 0 },
    { "round", 1.5, 2 },
    { "round", 2.5, 2 },
    { "round", -0.5, -0.0 },
    { "round", -1.5, -2 },
    { "round", 8388609, 8388609 },
    { "round", INF, INF },
    { "round", NANS, NANS },
};

static bool same_number(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

static void special_values(void)
{
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        const struct special *s = &specials[i];
        /* 1e30 is another number as a float, 710 overflows before. */
        float x32 = (float)s->x, y32;
        double y64;

        for (int f = 0; f < N_FUNCTIONS; f++) {
            if (strcmp(functions[f].name, s->name) != 0) continue;
            for (int level = 0; level < levels(); level++) {
                functions[f].f32[level](&y32, &x32, 1);
                functions[f].f64[level](&y64, &s->x, 1);
                harness_check(same_number(y32, (float)s->y), __FILE__, __LINE__,
                              "f32 %s(%g) level %d is %g, not %g", s->name, s->x, level,
                              (double)y32, s->y);
                harness_check(same_number(y64, s->y), __FILE__, __LINE__,
                              "f64 %s(%g) level %d is %g, not %g", s->name, s->x, level, y64, s->y);
            }
        }
    }
}

/* Powers of all pairs of these, against C's pow: bits of the specials, 2 units otherwise. */
static void powers(void)
{
    static const double value[] = { 0,     -0.0,  1,      -1,     2,        -2,   0.5,  -0.5,
                                    3,     -3,    1.5,    -1.5,   7,        1e10, 1e-3, -1e-3,
                                    1e-30, 40,    -41,    127.5,  -149,     1e30, -INF, INF,
                                    NANS,  1e-45, 0.9999, 1.0001, 16777215, -88 };
    enum { N = sizeof value / sizeof value[0] };

    for (int level = 0; level < levels(); level++) {
        for (int i = 0; i < N; i++) {
            double x64[N], y64[N];
            float x32[N], e32[N], y32[N];

            for (int j = 0; j < N; j++) {
                x64[j] = value[i];
                x32[j] = (float)value[i];
                e32[j] = (float)value[j];
            }
            pow_f32[level](y32, x32, e32, N);
            pow_f64[level](y64, x64, value, N);
            for (int j = 0; j < N; j++) {
                long double want = powl(x32[j], e32[j]);
                double u = ulps(y32[j], want, 24, -149, 0x1.fffffep127L);

                harness_check(u <= 1, __FILE__, __LINE__, "f32 %g ^ %g level %d is %g, not %Lg",
                              (double)x32[j], (double)e32[j], level, (double)y32[j], want);
                want = powl(x64[j], value[j]);
                u = ulps(y64[j], want, 53, -1074, 0x1.fffffffffffffp1023L);
                harness_check(u <= 1, __FILE__, __LINE__, "f64 %g ^ %g level %d is %g, not %Lg",
                              x64[j], value[j], level, y64[j], want);
            }
        }
    }
}

/* An element's bits do not depend on where it stands: n from 1 to 40, each against the whole run. */
static void tails_have_the_same_bits(void)
{
    enum { N = 40 };
    float x32[N], whole32[N], part32[N + 1];
    double x64[N], whole64[N], part64[N + 1];
    uint64_t state = 3;

    for (int i = 0; i < N; i++) {
        x64[i] = pick_f64(&state, 1 + i % 3);
        x32[i] = (float)x64[i];
    }
    for (int f = 0; f < N_FUNCTIONS; f++) {
        for (int level = 0; level < levels(); level++) {
            functions[f].f32[level](whole32, x32, N);
            functions[f].f64[level](whole64, x64, N);
            for (int first = 0; first < 16; first++) {
                int n = N - first - first % 3;

                memset(part32, 0x55, sizeof part32);
                memset(part64, 0x55, sizeof part64);
                functions[f].f32[level](part32, x32 + first, n);
                functions[f].f64[level](part64, x64 + first, n);
                SAME_BITS(part32, whole32 + first, n * 4);
                SAME_BITS(part64, whole64 + first, n * 8);
                CHECK(memcmp(&part32[n], "\x55\x55\x55\x55", 4) == 0);
                CHECK(memcmp(&part64[n], "\x55\x55\x55\x55\x55\x55\x55\x55", 8) == 0);
            }
        }
    }
}

/* NaN wins on either side. */
static void smallest_and_largest(void)
{
    static const double a[] = { 1, 2, NANS, 3, NANS, -0.0, INF, -INF };
    static const double b[] = { 2, 1, 3, NANS, NANS, -0.0, 1, 1 };
    static const double low[] = { 1, 1, NANS, NANS, NANS, -0.0, 1, -INF };
    static const double high[] = { 2, 2, NANS, NANS, NANS, -0.0, INF, 1 };
    double y[8];
    float a32[8], b32[8], y32[8];

    for (int i = 0; i < 8; i++) a32[i] = (float)a[i], b32[i] = (float)b[i];
    for (int level = 0; level < levels(); level++) {
        min_f64[level](y, a, b, 8);
        CLOSE(y, low, 8, 0, 0);
        max_f64[level](y, a, b, 8);
        CLOSE(y, high, 8, 0, 0);
        min_f32[level](y32, a32, b32, 8);
        CLOSE(y32, low, 8, 0, 0);
        max_f32[level](y32, a32, b32, 8);
        CLOSE(y32, high, 8, 0, 0);
    }
}

/* ---- sums ---- */

/* The order of vec.h, written down once more as slowly as possible. */
static float slow_tree(const float *sum, int64_t n)
{
    int64_t half = 1;

    if (n == 1) return sum[0];
    while (half * 2 < n) half *= 2;
    return slow_tree(sum, half) + slow_tree(sum + half, n - half);
}

static float slow_sum(const float *x, int64_t n)
{
    static float block[64];
    int64_t blocks = 0;

    for (int64_t i = 0; i < n; i += 512) {
        float lane[16] = { 0 };

        for (int64_t j = 0; j < 512 && i + j < n; j++) lane[j % 16] += x[i + j];
        for (int half = 8; half > 0; half /= 2)
            for (int k = 0; k < half; k++) lane[k] += lane[k + half];
        block[blocks++] = lane[0];
    }
    return blocks ? slow_tree(block, blocks) : 0;
}

static void sums_have_one_order(void)
{
    static const int64_t sizes[] = { 0,    1,    5,    15,   16,      17,   31,
                                     100,  511,  512,  513,  1024,    1500, 2048,
                                     2049, 3000, 4096, 5000, 7 * 512, 9000, 20000 };
    static float x[20000], columns[20000];
    static double x64[20000];
    uint64_t state = 5;

    for (int i = 0; i < 20000; i++) {
        x[i] = (float)pick_f64(&state, 1);
        x64[i] = x[i];
    }
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int64_t n = sizes[s];
        float want = slow_sum(x, n);
        double first = 0;

        for (int level = 0; level < levels(); level++) {
            float got = sum_f32[level](x, n), turned[3];
            double got64 = sum_f64[level](x64, n);

            SAME_BITS(&got, &want, sizeof got);
            if (level == 0) first = got64;
            SAME_BITS(&got64, &first, sizeof first);
            CLOSE1(got64, want, 1e-4, 1e-2);
            /* Down the columns of [n, 3]: the same. */
            if (n > 6000) continue;
            for (int64_t i = 0; i < n; i++)
                for (int j = 0; j < 3; j++) columns[i * 3 + j] = x[i];
            columns_f32[level](turned, columns, n, 3, 3);
            for (int j = 0; j < 3; j++) SAME_BITS(&turned[j], &want, sizeof want);
        }
    }
}

TESTS(TEST(f32_within_2_ulp), TEST(f64_within_3_ulp), TEST(special_values), TEST(powers),
      TEST(tails_have_the_same_bits), TEST(smallest_and_largest), TEST(sums_have_one_order))

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
RUN(sqrt)
RUN(rsqrt)
RUN(floor)
RUN(round)
RUN(abs)
#undef RUN

#define RUN2(f)                                                                                    \
    static void FN(run_##f)(REAL * y, const REAL *a, const REAL *b, int64_t n)                     \
    {                                                                                              \
        for (int64_t i = 0; i < n; i += VN) {                                                      \
            int w = n - i < VN ? (int)(n - i) : VN;                                                \
                                                                                                   \
            VSTORE_N(y + i, v##f(VLOAD_N(a + i, w), VLOAD_N(b + i, w)), w);                        \
        }                                                                                          \
    }
RUN2(pow)
RUN2(min)
RUN2(max)
#undef RUN2

static REAL FN(run_sum)(const REAL *x, int64_t n)
{
    return FN(vsum)(x, n);
}
__attribute__((unused)) static void FN(run_columns)(REAL *y, const REAL *x, int64_t n, int64_t step,
                                                    int64_t m)
{
    FN(vsum_columns)(y, x, n, step, m);
}
#endif
