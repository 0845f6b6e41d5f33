/*
 * test_vmath.c: elementary functions and sums of vectors, at every level this processor has: error in units in
 * the last place over all arguments, special values, tails equal to whole vectors, one order of sums.
 */
#include <wengert/op.h>

#include "harness.h"
#include "vmath_kit.h"

/* Smaller strides and more rounds, up to every float there is, are for a change of the formulas;
 * bench/numerics takes them for docs/numerics.md. */
#ifndef WG_STRIDE
#define WG_STRIDE 8009
#endif
#ifndef WG_ROUNDS
#define WG_ROUNDS 40
#endif

static void within(const char *name, const char *type, const worst_errors *w, double bound)
{
    for (int level = 0; level < levels(); level++)
        harness_check(w->ulp[level] <= bound, __FILE__, __LINE__,
                      "%s %s level %d: %.3f ulp, above %g, at %a %a", type, name, level,
                      w->ulp[level], bound, w->at[level][0], w->at[level][1]);
}

static void f32_within_bounds(void)
{
    worst_errors w;

    for (int f = 0; f < N_FUNCTIONS; f++) {
        worst_f32(&functions[f], WG_STRIDE, &w);
        within(functions[f].name, "f32", &w, functions[f].bound32);
    }
    worst_pow_f32(WG_ROUNDS, &w);
    within("pow", "f32", &w, POW_BOUND_32);
}

static void f64_within_bounds(void)
{
    worst_errors w;

    for (int f = 0; f < N_FUNCTIONS; f++) {
        worst_f64(&functions[f], WG_ROUNDS, &w);
        within(functions[f].name, "f64", &w, functions[f].bound64);
    }
    worst_pow_f64(WG_ROUNDS, &w);
    within("pow", "f64", &w, POW_BOUND_64);
}

/* AVX2 and AVX-512 differ in the number of lanes only: an element's bits are the same. */
static void avx_levels_have_the_same_bits(void)
{
    worst_errors w;

    for (int f = 0; f < N_FUNCTIONS; f++) {
        worst_f32(&functions[f], 16 * WG_STRIDE, &w);
        EQ_INT(w.differ[2], 0);
        worst_f64(&functions[f], WG_ROUNDS / 4, &w);
        EQ_INT(w.differ[2], 0);
    }
}

/* A row of docs/numerics.md: for f32 first, for f64 further down. */
static void in_document(const char *text, const char *name, double bound32, double bound64)
{
    char row[64];
    const char *at;

    snprintf(row, sizeof row, "\n| %s | %g |", name, bound32);
    at = strstr(text, row);
    snprintf(row, sizeof row, "\n| %s | %g |", name, bound64);
    harness_check(at && strstr(at + 1, row), __FILE__, __LINE__,
                  "docs/numerics.md lacks %s with the bounds %g and %g: run bench/numerics", name,
                  bound32, bound64);
}

static void document_has_these_bounds(void)
{
    static char text[1 << 16];
    FILE *in = fopen("../docs/numerics.md", "r");

    REQUIRE(in != NULL);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    for (int f = 0; f < N_FUNCTIONS; f++)
        in_document(text, functions[f].name, functions[f].bound32, functions[f].bound64);
    in_document(text, "pow", POW_BOUND_32, POW_BOUND_64);
}

/* ---- the normal distribution: ops of their own, whose errors are stated in other units ---- */

static const double half_units_cdf = 2; /* of 0.5, absolute */

/* Beside the exponential's and a product's, half a unit for each rounding of x x / 2, x^2 / 2
 * times. */
static double pdf_bound(double x)
{
    return 2.5 + x * x / 2;
}

static long double exact_cdf(long double x)
{
    return 0.5L * erfcl(-x / sqrtl(2));
}

static long double exact_pdf(long double x)
{
    return expl(-0.5L * x * x) / sqrtl(2 * acosl(-1));
}

/* Arguments all over, and every other one where the functions change. */
static double pick_normal(uint64_t *state, int i)
{
    return i % 2 ? 18 * ((double)(next_random(state) >> 11) * 0x1p-53) - 9
                 : pick_f64(state, i / 2 % 4);
}

static void rows_within(wg_dtype d, int level)
{
    static double x[CHUNK], cdf[CHUNK], pdf[CHUNK];
    static float x32[CHUNK], cdf32[CHUNK], pdf32[CHUNK];
    const wg_op_list list = wg_std_ops();
    wg_row_fn *p = wg_op_find(&list, "normal_cdf")->row[d][level],
              *q = wg_op_find(&list, "normal_pdf")->row[d][level];
    const void *in = d == WG_F32 ? (void *)x32 : (void *)x;
    const int moves = 1;
    uint64_t state = 9;
    double unit = d == WG_F32 ? 0x1p-24 : 0x1p-53, off = 0, worst = 0, at = 0;

    for (int64_t round = 0; round < WG_ROUNDS; round++) {
        for (int i = 0; i < CHUNK; i++) {
            x32[i] = (float)(x[i] = pick_normal(&state, i));
            if (d == WG_F32) x[i] = x32[i];
        }
        p(NULL, CHUNK, &in, &moves, d == WG_F32 ? (void *)cdf32 : (void *)cdf);
        q(NULL, CHUNK, &in, &moves, d == WG_F32 ? (void *)pdf32 : (void *)pdf);
        for (int i = 0; i < CHUNK; i++) {
            double y = d == WG_F32 ? (double)cdf32[i] : cdf[i], share;
            double z = d == WG_F32 ? (double)pdf32[i] : pdf[i];
            long double want = exact_pdf(x[i]);

            CHECK(isnan(x[i]) ? isnan(y) && isnan(z) : y >= 0 && y <= 1 && z >= 0);
            if (isnan(x[i])) continue;
            off = fmax(off, (double)fabsl(y - exact_cdf(x[i])) / unit);
            share = (d == WG_F32 ? ulps_f32(z, want) : ulps_f64(z, want)) / pdf_bound(x[i]);
            if (share > worst) worst = share, at = x[i];
        }
    }
    harness_check(off <= half_units_cdf, __FILE__, __LINE__,
                  "normal_cdf of %s, level %d: off by %.3f units of 0.5", wg_dtype_name(d), level,
                  off);
    harness_check(worst <= 1, __FILE__, __LINE__,
                  "normal_pdf of %s, level %d: %.3f of its bound at %a", wg_dtype_name(d), level,
                  worst, at);
}

static void normal_distribution_within_bounds(void)
{
    for (int level = 0; level < levels(); level++) {
        rows_within(WG_F32, level);
        rows_within(WG_F64, level);
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

TESTS(TEST(f32_within_bounds), TEST(f64_within_bounds), TEST(avx_levels_have_the_same_bits),
      TEST(document_has_these_bounds), TEST(normal_distribution_within_bounds),
      TEST(special_values), TEST(powers), TEST(tails_have_the_same_bits),
      TEST(smallest_and_largest), TEST(sums_have_one_order))
