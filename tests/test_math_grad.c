/*
 * test_math_grad.c: gradients of element-wise ops, first and second order, against differences; and where they are a
 * matter of choice: at ties, kinks, zeros, and beside values that are not finite.
 */
#include "harness.h"
#include "wengert.h"

enum { N = 6 };

/* A function of two operands; those of one ignore b. */
typedef wg_tensor *build_fn(wg_tensor *a, wg_tensor *b);

#define ONE(f)                                                                                     \
    static wg_tensor *build_##f(wg_tensor *a, wg_tensor *b)                                        \
    {                                                                                              \
        (void)b;                                                                                   \
        return wg_##f(a);                                                                          \
    }
#define TWO(f)                                                                                     \
    static wg_tensor *build_##f(wg_tensor *a, wg_tensor *b)                                        \
    {                                                                                              \
        return wg_##f(a, b);                                                                       \
    }
ONE(neg)
ONE(square)
ONE(sqrt)
ONE(rsqrt)
ONE(reciprocal)
ONE(abs)
ONE(exp)
ONE(expm1)
ONE(log)
ONE(log1p)
ONE(sin)
ONE(cos)
ONE(tanh)
ONE(sigmoid)
ONE(erf)
ONE(normal_cdf)
ONE(normal_pdf)
ONE(softplus)
ONE(relu)
TWO(add)
TWO(sub)
TWO(mul)
TWO(mul_no_nan)
TWO(div)
TWO(pow)
TWO(maximum)
TWO(minimum)

static wg_tensor *build_clip(wg_tensor *a, wg_tensor *b)
{
    (void)b;
    return wg_clip(a, -0.6, 1.1);
}
static wg_tensor *build_where(wg_tensor *a, wg_tensor *b)
{
    return wg_where(wg_gt(a, b), wg_square(a), wg_mul(a, b));
}
static wg_tensor *build_cast(wg_tensor *a, wg_tensor *b)
{
    return wg_cast_like(wg_cast(wg_mul(a, b), WG_F64), a);
}

/* lo..hi: where a lies, away from kinks; b lies in 0.5..2, for ops of two operands. */
static const struct {
    const char *name;
    build_fn *build;
    double lo, hi;
    bool two;
} cases[] = {
    { "neg", build_neg, -2, 2, false },
    { "square", build_square, -2, 2, false },
    { "sqrt", build_sqrt, 0.3, 3, false },
    { "rsqrt", build_rsqrt, 0.3, 3, false },
    { "reciprocal", build_reciprocal, -2, -0.4, false },
    { "abs", build_abs, -2, 2, false },
    { "exp", build_exp, -2, 2, false },
    { "expm1", build_expm1, -2, 2, false },
    { "log", build_log, 0.2, 3, false },
    { "log1p", build_log1p, -0.7, 2, false },
    { "sin", build_sin, -4, 4, false },
    { "cos", build_cos, -4, 4, false },
    { "tanh", build_tanh, -2, 2, false },
    { "sigmoid", build_sigmoid, -3, 3, false },
    { "erf", build_erf, -2, 2, false },
    { "normal_cdf", build_normal_cdf, -3, 3, false },
    { "normal_pdf", build_normal_pdf, -3, 3, false },
    { "softplus", build_softplus, -3, 3, false },
    { "relu", build_relu, -2, 2, false },
    { "clip", build_clip, -2, 2, false },
    { "add", build_add, -2, 2, true },
    { "sub", build_sub, -2, 2, true },
    { "mul", build_mul, -2, 2, true },
    { "mul_no_nan", build_mul_no_nan, -2, 2, true },
    { "div", build_div, -2, 2, true },
    { "pow", build_pow, 0.3, 2, true },
    { "maximum", build_maximum, -2, 3, true },
    { "minimum", build_minimum, -2, 3, true },
    { "where", build_where, -2, 3, true },
    { "cast", build_cast, -2, 2, true },
};

/* The sum of f(a, b) times fixed numbers, so that no two elements count alike; b [1] broadcasts. */
static void first_and_second_order(void)
{
    static const double b_all[N] = { 0.7, 1.9, 1.2, 0.55, 1.43, 0.98 },
                        weight[N] = { 1, -2, 0.5, 3, -1.5, 0.75 };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int n_b = N; n_b >= (cases[i].two ? 1 : N); n_b -= N - 1) {
            wg_graph *g = wg_graph_new();
            wg_tensor *a = wg_input(g, "a", WG_F64, WG_SHAPE(N)),
                      *b = wg_input(g, "b", WG_F64, WG_SHAPE(n_b));
            wg_tensor *w = wg_constant(g, WG_F64_ARRAY(weight, N));
            wg_tensor *loss = wg_sum(wg_mul(w, cases[i].build(a, b)), WG_ALL_AXES, false);
            double a_all[N];
            wg_feed feeds[] = { { "a", WG_F64_ARRAY(a_all, N) },
                                { "b", WG_F64_ARRAY(b_all, n_b) } };
            wg_check_report report;
            wg_error error = { .code = WG_OK };

            for (int k = 0; k < N; k++)
                a_all[k] = cases[i].lo + (cases[i].hi - cases[i].lo) * (0.05 + 0.17 * k);
            if (CHECK(wg_check_grad(loss, NULL, 1 + cases[i].two, feeds, NULL, &report, &error) ==
                      WG_OK)) {
                harness_check(report.pass, __FILE__, __LINE__, "%s with b [%d]", cases[i].name,
                              n_b);
                if (!report.pass) wg_check_print(&report, stderr);
                wg_check_free(&report);
            }
            NO_ERROR(&error);
            NO_ERROR(wg_graph_error(g));
            wg_graph_free(g);
        }
    }
}

/* Gradients of sum f(a, b) at given points. */
static bool gradients(build_fn *build, const double *a_at, const double *b_at, int n, double *da,
                      double *db)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a = wg_constant(g, WG_F64_ARRAY(a_at, n)),
              *b = wg_constant(g, WG_F64_ARRAY(b_at, n));
    wg_tensor *loss = wg_sum(build(a, b), WG_ALL_AXES, false), *d[2];
    double *to[] = { da, db };
    bool ok = true;

    wg_grad(loss, 2, (wg_tensor *[]){ a, b }, d);
    for (int i = 0; i < 2 && ok; i++) {
        wg_array value;
        wg_error error = { .code = WG_OK };

        ok = CHECK(wg_read(d[i], NULL, 0, NULL, &value, &error) == WG_OK);
        NO_ERROR(&error);
        if (!ok) break;
        memcpy(to[i], value.data, (size_t)n * sizeof(double));
        wg_free(value.data);
    }
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
    return ok;
}

static void at_ties_and_kinks(void)
{
    static const double a[] = { 1, 2, 0, -1 }, b[] = { 1, 1, 0, 3 };
    static const double first[] = { 1, 1, 1, 0 }, second[] = { 0, 0, 0, 1 };
    static const double least[] = { 1, 0, 1, 1 }, other[] = { 0, 1, 0, 0 };
    static const double relu[] = { 1, 1, 0, 0 }, sign[] = { 1, 1, 0, -1 };
    double da[4], db[4];

    if (gradients(build_maximum, a, b, 4, da, db)) {
        CLOSE(da, first, 4, 0, 0);
        CLOSE(db, second, 4, 0, 0);
    }
    if (gradients(build_minimum, a, b, 4, da, db)) {
        CLOSE(da, least, 4, 0, 0);
        CLOSE(db, other, 4, 0, 0);
    }
    if (gradients(build_relu, a, b, 4, da, db)) CLOSE(da, relu, 4, 0, 0);
    if (gradients(build_abs, a, b, 4, da, db)) CLOSE(da, sign, 4, 0, 0);
}

/* 0^0 = 1 has slope 0 in a; x^0 too; nothing becomes 0 times infinity. */
static void powers_of_zero(void)
{
    static const double a[] = { 0, 0, 2, 0, -2 }, b[] = { 0, 1, 0, 2, 3 };
    static const double want_a[] = { 0, 1, 0, 0, 12 }, want_b[] = { 0, 0, 0.69314718055994531, 0 };
    double da[5], db[5];

    if (!gradients(build_pow, a, b, 5, da, db)) return;
    CLOSE(da, want_a, 5, 1e-15, 0);
    CLOSE(db, want_b, 4, 1e-15, 0);
}

static wg_tensor *build_guarded_log(wg_tensor *a, wg_tensor *b)
{
    wg_tensor *zero = wg_scalar_like(a, 0), *positive = wg_gt(a, zero);

    (void)b;
    return wg_where(positive, wg_log(wg_where(positive, a, wg_scalar_like(a, 1))), zero);
}

/* The gradient of where selects: NaN and infinity in the branch not taken stay there. */
static void where_selects(void)
{
    static const double a[] = { 2, 0, -1, 4 }, b[] = { 0, 0, 0, 0 }, want[] = { 0.5, 0, 0, 0.25 };
    double da[4], db[4];

    if (gradients(build_guarded_log, a, b, 4, da, db)) CLOSE(da, want, 4, 0, 0);
}

TESTS(TEST(first_and_second_order), TEST(at_ties_and_kinks), TEST(powers_of_zero),
      TEST(where_selects))
