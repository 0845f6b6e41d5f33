/*
 * test_limits.c: every element-wise op and activation at 0, -0, +-infinity, NaN, the largest and the
 * smallest numbers: value, first and, where there is one, second derivative are the mathematical
 * limits, in f32 and f64. Where no limit exists nothing is asked. Then softmax and its kin on lines
 * that hold -infinity.
 */
#include <float.h>
#include <wengert.h>
#include <wengert/reference.h>

#include "harness.h"

typedef long double wide;
typedef wide function(wide x);
typedef wg_tensor *build_fn(wg_tensor *x);

/* Which numbers a function is asked about: of one that is defined for x >= 0 not at -0, whose sign
 * says from which side; a slope not at NaN, where ReLU's is 0. */
enum { ANY, POSITIVE, NUMBERS };

struct row {
    const char *name;
    build_fn *build;
    function *of[3]; /* value, slope, bend; NULL: not asked */
    int domain;
};

/* ---- limits: the oracles ---- */

#define NONE ((wide)NAN) /* no limit */

static wide zero(wide x)
{
    return isnan(x) ? x : 0;
}
static wide one(wide x)
{
    return isnan(x) ? x : 1;
}
static wide same(wide x)
{
    return x;
}
static wide minus(wide x)
{
    return -x;
}
static wide minus_one(wide x)
{
    return -one(x);
}
static wide sq(wide x)
{
    return x * x;
}
static wide twice(wide x)
{
    return 2 * x;
}
static wide two(wide x)
{
    return 2 * one(x);
}
static wide sqrt_slope(wide x)
{
    return 0.5L / sqrtl(x);
}
static wide rsqrt_of(wide x)
{
    return 1 / sqrtl(x);
}
static wide rsqrt_slope(wide x)
{
    return -0.5L / x / sqrtl(x);
}
static wide inverse(wide x)
{
    return 1 / x;
}
static wide inverse_slope(wide x)
{
    return -1 / x / x;
}
static wide magnitude(wide x)
{
    return fabsl(x);
}
static wide sign_of(wide x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}
static wide expm1_slope(wide x)
{
    return expl(x);
}
static wide log1p_slope(wide x)
{
    return 1 / (1 + x);
}
static wide minus_sin(wide x)
{
    return -sinl(x);
}
static wide tails(wide x, wide v)
{
    return isinf(x) ? 0 : v;
}
static wide tanh_slope(wide x)
{
    return 1 / coshl(x) / coshl(x);
}
static wide tanh_bend(wide x)
{
    return -2 * tanhl(x) * tanh_slope(x);
}
static wide s(wide x)
{
    return 1 / (1 + expl(-x));
}
static wide s_slope(wide x)
{
    return s(x) * s(-x);
}
static wide s_bend(wide x)
{
    return -s_slope(x) * tanhl(x / 2);
}
static wide bell(wide x)
{
    return 2 / sqrtl(acosl(-1)) * expl(-x * x);
}
static wide bell_slope(wide x)
{
    return tails(x, -2 * x * bell(x));
}
static wide cdf(wide x)
{
    return 0.5L * erfcl(-x / sqrtl(2));
}
static wide pdf(wide x)
{
    return expl(-0.5L * x * x) / sqrtl(2 * acosl(-1));
}
static wide pdf_slope(wide x)
{
    return tails(x, -x * pdf(x));
}
static wide pdf_bend(wide x)
{
    return tails(x, (x * x - 1) * pdf(x));
}
static wide plus(wide x)
{
    return fmaxl(x, 0) + log1pl(expl(-fabsl(x)));
}
static wide positive(wide x)
{
    return isnan(x) || x > 0 ? x : 0;
}
static wide step(wide x)
{
    return isnan(x) ? NONE : x > 0;
}
static wide within(wide x)
{
    return isnan(x) ? x : fminl(fmaxl(x, -0.5L), 0.75L);
}
static wide inside(wide x)
{
    return isnan(x) ? NONE : x >= -0.5L && x <= 0.75L;
}
static wide nearest(wide x)
{
    return rintl(x);
}
static wide leaky(wide x)
{
    return x > 0 ? x : 0.3L * x;
}
static wide leaky_slope(wide x)
{
    return isnan(x) ? NONE : x > 0 ? 1 : 0.3L;
}
static wide elu(wide x)
{
    return x > 0 ? x : 1.5L * expm1l(x);
}
static wide elu_slope(wide x)
{
    return x > 0 ? 1 : 1.5L * expl(x);
}
static wide selu(wide x)
{
    return 1.0507009873554804934L * (x > 0 ? x : 1.6732632423543772848L * expm1l(x));
}
static wide selu_slope(wide x)
{
    return 1.0507009873554804934L * (x > 0 ? 1 : 1.6732632423543772848L * expl(x));
}
static wide gelu(wide x)
{
    return x == -INFINITY ? 0 : x * cdf(x);
}
static wide gelu_slope(wide x)
{
    return cdf(x) + tails(x, x * pdf(x));
}
static wide gelu_bend(wide x)
{
    return tails(x, (2 - x * x) * pdf(x));
}
/* Its own slopes but for the far tails: checked against differences in test_act. */
static wide gelu_tanh(wide x)
{
    return x == -INFINITY ? 0 : x * s(2 * sqrtl(2 / acosl(-1)) * (x + 0.044715L * x * x * x));
}
static wide gelu_tanh_slope(wide x)
{
    return isnan(x) ? x : x > 1 ? 1 : x < -1 ? 0 : 0.5L;
}
static wide hard(wide x)
{
    return isnan(x) ? x : fminl(fmaxl(0.2L * x + 0.5L, 0), 1);
}
static wide hard_slope(wide x)
{
    return isnan(x) ? NONE : fabsl(x) <= 2.5L ? 0.2L : 0;
}

/* ---- what is asked ---- */

static wg_tensor *clip(wg_tensor *x)
{
    return wg_clip(x, -0.5, 0.75);
}

#define ACT(name, text)                                                                            \
    static wg_tensor *name(wg_tensor *x)                                                           \
    {                                                                                              \
        return wg_act(text, x);                                                                    \
    }
#define SLOPE_OF(name, order, text)                                                                \
    static wg_tensor *name(wg_tensor *x)                                                           \
    {                                                                                              \
        return wg_act_##order(text, x);                                                            \
    }
#define ACTS(name, text)                                                                           \
    ACT(act_##name, text) SLOPE_OF(d_##name, grad, text) SLOPE_OF(dd_##name, grad2, text)
ACTS(identity, "Identity")
ACTS(sigmoid, "Sigmoid")
ACTS(tanh, "Tanh")
ACTS(relu, "ReLU")
ACTS(leaky, "Leaky ReLU(alpha=0.3)")
ACTS(elu, "ELU(alpha=1.5)")
ACTS(selu, "SELU")
ACTS(gelu, "GELU(approximate=False)")
ACTS(gelu_tanh, "GELU(approximate=True)")
ACTS(exp, "Exponential")
ACTS(hard, "Hard Sigmoid")
ACTS(plus, "SoftPlus")

#define ONE(op) #op, wg_##op
#define OF(name, text, value, slope, bend)                                                         \
    { text, act_##name, { value, slope, bend }, ANY }, { text "'", d_##name, { slope }, NUMBERS }, \
    {                                                                                              \
        text "''", dd_##name, { bend }, NUMBERS                                                    \
    }

static const struct row rows[] = {
    { ONE(neg), { minus, minus_one, zero }, ANY },
    { ONE(square), { sq, twice, two }, ANY },
    { ONE(sqrt), { sqrtl, sqrt_slope }, POSITIVE },
    { ONE(rsqrt), { rsqrt_of, rsqrt_slope }, POSITIVE },
    { ONE(reciprocal), { inverse, inverse_slope }, ANY },
    { ONE(abs), { magnitude, sign_of }, ANY },
    { ONE(sign), { sign_of }, ANY },
    { ONE(exp), { expl, expl, expl }, ANY },
    { ONE(expm1), { expm1l, expm1_slope, expm1_slope }, ANY },
    { ONE(log), { logl, inverse }, POSITIVE },
    { ONE(log1p), { log1pl, log1p_slope }, ANY },
    { ONE(sin), { sinl, cosl, minus_sin }, ANY },
    { ONE(cos), { cosl, minus_sin }, ANY },
    { ONE(tanh), { tanhl, tanh_slope, tanh_bend }, ANY },
    { ONE(sigmoid), { s, s_slope, s_bend }, ANY },
    { ONE(erf), { erfl, bell, bell_slope }, ANY },
    { ONE(normal_cdf), { cdf, pdf, pdf_slope }, ANY },
    { ONE(normal_pdf), { pdf, pdf_slope, pdf_bend }, ANY },
    { ONE(softplus), { plus, s, s_slope }, ANY },
    { ONE(relu), { positive, step }, ANY },
    { "clip", clip, { within, inside }, ANY },
    { ONE(floor), { floorl, zero }, ANY },
    { ONE(round), { nearest, zero }, ANY },
    OF(identity, "Identity", same, one, zero),
    OF(sigmoid, "Sigmoid", s, s_slope, s_bend),
    OF(tanh, "Tanh", tanhl, tanh_slope, tanh_bend),
    OF(relu, "ReLU", positive, step, NULL),
    OF(leaky, "Leaky ReLU", leaky, leaky_slope, NULL),
    OF(elu, "ELU", elu, elu_slope, NULL),
    OF(selu, "SELU", selu, selu_slope, NULL),
    OF(gelu, "GELU(approximate=False)", gelu, gelu_slope, gelu_bend),
    OF(gelu_tanh, "GELU", gelu_tanh, gelu_tanh_slope, NULL),
    OF(exp, "Exponential", expl, expl, expl),
    OF(hard, "Hard Sigmoid", hard, hard_slope, NULL),
    OF(plus, "SoftPlus", plus, s, s_slope),
};

enum { POINTS = 9 };

static void points_of(wg_dtype d, double x[POINTS])
{
    const double most = d == WG_F32 ? (double)FLT_MAX : DBL_MAX,
                 least = d == WG_F32 ? (double)FLT_TRUE_MIN : DBL_TRUE_MIN;
    const double all[POINTS] = {
        0, -0.0, (double)INFINITY, -(double)INFINITY, (double)NAN, most, -most, least, -least
    };

    memcpy(x, all, sizeof all);
}

/* ---- asking ---- */

/* The number as the type holds it: beyond its range infinite. */
static double held(wide v, wg_dtype d)
{
    return d == WG_F32 ? (double)(float)v : (double)v;
}

/* `scale`: of what may be lost of the smallest numbers. */
static void compare(const struct row *r, int order, wg_dtype d, double x, double got, wide want,
                    double scale)
{
    double e = held(want, d), rel = d == WG_F32 ? 2e-6 : 4e-15;
    double small = 4 * scale * (d == WG_F32 ? (double)FLT_TRUE_MIN : DBL_TRUE_MIN);
    bool ok = isinf(e) || isinf(got) ? got == e : fabs(got - e) <= rel * fabs(e) + small;

    harness_check(isnan(e) ? isnan(got) : ok, __FILE__, __LINE__,
                  "%s of %s, derivative %d at %g: %g, not %g", r->name, d == WG_F32 ? "f32" : "f64",
                  order, x, got, e);
}

/* What is asked of the number; NONE where there is no limit. */
static wide limit(const struct row *r, int order, double x)
{
    bool outside = r->domain == POSITIVE && (x < 0 || (x == 0 && signbit(x)));

    if (order > 0 && (outside || isnan(x) || isnan(r->of[0](x)))) return NONE;
    return r->domain == POSITIVE && x == 0 && signbit(x) ? NONE : r->of[order](x);
}

static void read_all(wg_tensor *t, wg_dtype d, const void *data, double got[POINTS])
{
    wg_feed feed = { "x", wg_array_of(d, WG_SHAPE(POINTS), (void *)(uintptr_t)data) };
    wg_error error = { .code = WG_OK };
    wg_array a = { 0 };

    wg_read(t, NULL, 1, &feed, &a, &error);
    NO_ERROR(&error);
    for (int i = 0; i < POINTS && a.data; i++) got[i] = harness_number(a.data, d, i);
    wg_free(a.data);
}

static void ask(const struct row *r, wg_dtype d, double factor)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", d, WG_SHAPE(POINTS)), *of[3];
    double at[POINTS], got[POINTS];
    float narrow[POINTS];

    points_of(d, at);
    for (int i = 0; i < POINTS; i++) narrow[i] = (float)at[i];
    of[0] = wg_mul(r->build(x), wg_scalar_like(x, factor));
    for (int k = 1; k < 3; k++) of[k] = wg_grad1(wg_sum(of[k - 1], WG_ALL_AXES, false), x);
    for (int k = 0; k < 3; k++) {
        if (!r->of[k]) continue;
        read_all(of[k], d, d == WG_F32 ? (void *)narrow : (void *)at, got);
        for (int i = 0; i < POINTS; i++) {
            wide want = limit(r, k, at[i]);
            bool nothing = isnan(want) && (k > 0 || (at[i] == 0 && signbit(at[i])) ||
                                           (isnan(at[i]) && r->domain == NUMBERS));

            if (!nothing) compare(r, k, d, at[i], got[i], (wide)factor * want, factor);
        }
    }
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

static void every_function_has_its_limits(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!rows[i].of[0]) continue;
        ask(&rows[i], WG_F32, 1);
        ask(&rows[i], WG_F64, 1);
    }
}

/* What comes from above times the largest x overflows, where the tail it meets is 0. */
static void whatever_comes_from_above(void)
{
    static const char *const bounded[] = { "tanh",       "sigmoid",    "erf",
                                           "normal_cdf", "normal_pdf", "GELU(approximate=False)" };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < sizeof bounded / sizeof *bounded; k++) {
            if (strcmp(rows[i].name, bounded[k]) != 0) continue;
            ask(&rows[i], WG_F32, 1024);
            ask(&rows[i], WG_F64, 1024);
        }
}

/* The oracles of the library that show users the formulas, at the same numbers. */
static void explicit_forms_have_the_same(void)
{
    static double (*const form[])(wg_ref_act, double) = { wg_ref_act_fn, wg_ref_act_grad,
                                                          wg_ref_act_grad2 };
    double at[POINTS];
    int asked = 0;

    points_of(WG_F64, at);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wg_ref_act act;
        char text[60] = "";

        /* the rows of names of their own, not their slopes */
        if (rows[i].name[0] < 'A' || rows[i].name[0] > 'Z' || rows[i].domain == NUMBERS) continue;
        snprintf(text, sizeof text, "%s%s", rows[i].name,
                 strcmp(rows[i].name, "Leaky ReLU") == 0 ? "(alpha=0.3)"
                 : strcmp(rows[i].name, "ELU") == 0      ? "(alpha=1.5)"
                                                         : "");
        REQUIRE(wg_ref_act_parse(text, &act));
        for (int k = 0; k < 3; k++)
            for (int j = 0; rows[i].of[k] && j < POINTS; j++) {
                wide want = limit(&rows[i], k, at[j]);

                if (isnan(want) && k > 0) continue;
                compare(&rows[i], k, WG_F64, at[j], form[k](act, at[j]), want, 1);
                asked++;
            }
    }
    CHECK(asked > 250);
}

/* The slope of a^b in b, log(a) a^b. */
static void a_power_goes_to_0(void)
{
    const double a[] = { (double)INFINITY, (double)INFINITY, 0, 2 }, b[] = { -2, 2, 2, -1e4 },
                 want[] = { 0, (double)INFINITY, 0, 0 };
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "a", WG_F64, WG_SHAPE(4)),
              *y = wg_input(g, "b", WG_F64, WG_SHAPE(4)),
              *db = wg_grad1(wg_sum(wg_pow(x, y), WG_ALL_AXES, false), y);
    wg_feed feed[] = { { "a", WG_F64_ARRAY(a, 4) }, { "b", WG_F64_ARRAY(b, 4) } };
    wg_array got = { 0 };

    REQUIRE(wg_read(db, NULL, 2, feed, &got, NULL) == WG_OK);
    for (int i = 0; i < 4; i++) CHECK(((double *)got.data)[i] == want[i]);
    wg_free(got.data);
    wg_graph_free(g);
}

/* ---- lines ---- */

static wg_tensor *softmax(wg_tensor *x)
{
    return wg_softmax(x, 0);
}

static wg_tensor *log_softmax(wg_tensor *x)
{
    return wg_log_softmax(x, 0);
}

static wg_tensor *logsumexp(wg_tensor *x)
{
    return wg_logsumexp(x, WG_ALL_AXES, false);
}

/* Of sum(y w), w = 1, 2, 3: value and gradient in both types. */
static void line(build_fn *build, const double x[3], const double *y, int n, const double dx[3])
{
    for (int k = 0; k < 2; k++) {
        wg_dtype d = k ? WG_F32 : WG_F64;
        const double weight[] = { 1, 2, 3 };
        const float narrow[] = { (float)x[0], (float)x[1], (float)x[2] }, few[] = { 1, 2, 3 };
        wg_shape shape = n == 1 ? WG_SHAPE_SCALAR : WG_SHAPE(3);
        wg_graph *g = wg_graph_new();
        wg_tensor *in = wg_input(g, "x", d, WG_SHAPE(3)), *out[2];
        wg_tensor *dy = wg_input(g, "dy", d, shape);
        wg_feed feed[] = {
            { "x", k ? WG_F32_ARRAY(narrow, 3) : WG_F64_ARRAY(x, 3) },
            { "dy", wg_array_of(d, shape, (void *)(uintptr_t)(k ? (const void *)few : weight)) }
        };

        out[0] = build(in);
        wg_vjp_of(out[0], dy, 1, &in, &out[1]);
        for (int i = 0; i < 2; i++) {
            wg_error error = { .code = WG_OK };
            wg_array a = { 0 };

            wg_read(out[i], NULL, i + 1, feed, &a, &error);
            NO_ERROR(&error);
            for (int j = 0; j < (i ? 3 : n) && a.data; j++) {
                double got = harness_number(a.data, d, j), want = i ? dx[j] : y[j];

                harness_check(got == want || fabs(got - want) < 1e-6, __FILE__, __LINE__,
                              "%s [%d] is %g, not %g", i ? "gradient" : "value", j, got, want);
            }
            wg_free(a.data);
        }
        NO_ERROR(wg_graph_error(g));
        wg_graph_free(g);
    }
}

static void lines_with_infinities(void)
{
    const double inf = (double)INFINITY, p = 1 / (1 + exp(1.0)), q = 1 - p;
    const double x[] = { 0, -inf, 1 }, none[] = { -inf, -inf, -inf };
    const double soft[] = { p, 0, q }, dot = p + 3 * q;
    const double dsoft[] = { p * (1 - dot), 0, q * (3 - dot) };
    const double logs[] = { log(p), -inf, log(q) };
    const double dlogs[] = { 1 - 6 * p, 2, 3 - 6 * q };
    const double sum[] = { log(1 + exp(1.0)) }, below[] = { -inf }, nothing[] = { 0, 0, 0 };

    line(softmax, x, soft, 3, dsoft);
    line(log_softmax, x, logs, 3, dlogs);
    line(logsumexp, x, sum, 1, soft);
    line(logsumexp, none, below, 1, nothing);
}

TESTS(TEST(every_function_has_its_limits), TEST(whatever_comes_from_above),
      TEST(explicit_forms_have_the_same), TEST(a_power_goes_to_0), TEST(lines_with_infinities))
