/*
 * test_reduce.c: values of reductions against plain loops in double, over every set of axes, for
 * all element types, processor levels and one and two threads. Kernels are called through the
 * records of recorded entries, so constructors and shape rules run too.
 */
#include "reduce_kit.h"

static void sums(void)
{
    for (int i = 0; i < N_SHAPES; i++)
        for (wg_dtype d = WG_F32; d <= WG_I64; d++)
            every_axes(wg_sum, ref_sum, shapes[i], d, 0.5, 1.5, 0);
}

static void products(void)
{
    for (int i = 0; i < 5; i++)
        for (wg_dtype d = WG_F32; d <= WG_F64; d++)
            every_axes(wg_prod, ref_prod, shapes[i], d, 0.7, 1.3, 0);
    every_axes(wg_prod, ref_prod, WG_SHAPE(2, 1300, 3), WG_F64, 0.99, 1.01, 0);
    every_axes(wg_prod, ref_prod, WG_SHAPE(5, 1111), WG_F64, 0.99, 1.01, 0);
    every_axes(wg_prod, ref_prod, WG_SHAPE(2, 3, 2, 2), WG_I64, -0.5, 0.5, 0);
}

static void extremes(void)
{
    for (int i = 0; i < N_SHAPES; i++)
        for (wg_dtype d = WG_F32; d <= WG_I64; d++) {
            every_axes(wg_max, ref_max, shapes[i], d, -9, 9, 0);
            every_axes(wg_min, ref_min, shapes[i], d, -9, 9, 0);
        }
}

static void norms(void)
{
    for (int i = 0; i < N_SHAPES; i++)
        for (wg_dtype d = WG_F32; d <= WG_F64; d++)
            every_axes(wg_norm, ref_norm, shapes[i], d, -2, 2, 0);
}

static void logsumexps(void)
{
    for (int i = 0; i < N_SHAPES; i++)
        for (wg_dtype d = WG_F32; d <= WG_F64; d++)
            every_axes(wg_logsumexp, ref_logsumexp, shapes[i], d, -2, 2, tolerance(d));
}

/* ---- special values ---- */

static double one(wg_tensor *t, const void *x, int level)
{
    void *y = run(t, level, 1, (const void *const[]){ x }, NULL);
    double r = harness_number(y, wg_tensor_type(t)->dtype, 0);

    free(y);
    return r;
}

static void special_values(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(40)),
              *d = wg_input(g, "d", WG_F64, WG_SHAPE(40));
    float none[40], big[40], tiny[40], nan[40];
    double huge[40], small[40], zero[40] = { 0 };

    for (int i = 0; i < 40; i++) {
        none[i] = -INFINITY;
        big[i] = 1e38f;
        tiny[i] = 1e-44f;
        nan[i] = i == 33 ? NAN : (float)i;
        huge[i] = 1e300;
        small[i] = 1e-310;
    }
    for (int level = 0; level <= wg_level(); level++) {
        CHECK(one(wg_logsumexp(x, WG_ALL_AXES, false), none, level) == -INFINITY);
        none[7] = INFINITY;
        CHECK(one(wg_logsumexp(x, WG_ALL_AXES, false), none, level) == INFINITY);
        none[7] = -INFINITY;
        CLOSE1(one(wg_logsumexp(x, WG_ALL_AXES, false), big, level), (double)1e38f, 1e-6, 0);
        CHECK(isnan(one(wg_logsumexp(x, WG_ALL_AXES, false), nan, level)));
        CLOSE1(one(wg_norm(d, WG_ALL_AXES, false), huge, level), sqrt(40) * 1e300, 1e-15, 0);
        CLOSE1(one(wg_norm(d, WG_ALL_AXES, false), small, level), sqrt(40) * 1e-310, 1e-13, 0);
        CHECK(one(wg_norm(d, WG_ALL_AXES, false), zero, level) == 0);
        CLOSE1(one(wg_norm(x, WG_ALL_AXES, false), tiny, level), sqrt(40) * (double)1e-44f, 0.02,
               0);
        CHECK(one(wg_norm(x, WG_ALL_AXES, false), big, level) == INFINITY);
        big[20] = INFINITY;
        CHECK(one(wg_norm(x, WG_ALL_AXES, false), big, level) == INFINITY);
        big[20] = 1e38f;
        CHECK(isnan(one(wg_norm(x, WG_ALL_AXES, false), nan, level)));
        CHECK(isnan(one(wg_max(x, WG_ALL_AXES, false), nan, level)));
        CHECK(isnan(one(wg_min(x, WG_ALL_AXES, false), nan, level)));
        CHECK(isnan(one(wg_sum(x, WG_ALL_AXES, false), nan, level)));
        EQ_INT(one(wg_argmax(x, 0, false), nan, level), 33);
        EQ_INT(one(wg_argmin(x, 0, false), nan, level), 33);
        CHECK(one(wg_max(x, WG_ALL_AXES, false), none, level) == -INFINITY);
        EQ_INT(one(wg_argmax(x, 0, false), none, level), 0);
        /* one -inf among numbers gets no share; all of them have no softmax */
        big[3] = -INFINITY;
        CHECK(one(wg_softmax(x, 0), big, level) > 0);
        CHECK(one(wg_softmax(x, 0), none, level) != one(wg_softmax(x, 0), none, level));
        big[3] = 1e38f;
    }
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

static void integers_wrap(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_I64, WG_SHAPE(2, 2));
    int64_t v[4] = { INT64_MAX, 1, 3, INT64_MAX }, *y;
    const void *in[] = { v };

    y = run(wg_sum(x, WG_AXES(1), false), 0, 1, in, NULL);
    CHECK(y[0] == INT64_MIN && y[1] == INT64_MIN + 2);
    free(y);
    y = run(wg_cumsum(x, 1, true), 0, 1, in, NULL);
    CHECK(y[0] == INT64_MIN && y[1] == 1 && y[2] == INT64_MIN + 2);
    free(y);
    y = run(wg_prod(x, WG_AXES(0), false), 0, 1, in, NULL);
    CHECK(y[0] == INT64_MAX - 2 && y[1] == INT64_MAX); /* (2^63 - 1) 3 = 2^63 - 3 modulo 2^64 */
    free(y);
    wg_graph_free(g);
}

/* Sums and products over nothing, and results without elements. */
static void empty(void)
{
    static const wg_shape nothing[] = {
        { 2, { 0, 3 } }, { 2, { 3, 0 } }, { 3, { 2, 0, 3 } }, { 1, { 0 } }, { 2, { 0, 0 } }
    };

    for (int i = 0; i < 5; i++) {
        for (wg_dtype d = WG_F32; d <= WG_I64; d++) {
            every_axes(wg_sum, ref_sum, nothing[i], d, 0, 1, 0);
            every_axes(wg_prod, ref_prod, nothing[i], d, 0, 1, 0);
        }
        every_axes(wg_norm, ref_norm, nothing[i], WG_F64, 0, 1, 0);
        every_axes(wg_logsumexp, ref_logsumexp, nothing[i], WG_F64, 0, 1, 0);
    }
    /* beside 0 an extent may be anything: no product overflows, no table is made */
    for (int i = 0; i < 2; i++) {
        wg_graph *g = wg_graph_new();
        wg_axes axes = i ? WG_AXES(1, 2) : WG_AXES(1);
        wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(0, (int64_t)1 << 40, (int64_t)1 << 40));
        double none = 0;

        compare(wg_sum(x, axes, false), (const void *const[]){ &none }, &none, 0, 0);
        compare(wg_norm(x, axes, false), (const void *const[]){ &none }, &none, 0, 0);
        compare(wg_logsumexp(x, axes, true), (const void *const[]){ &none }, &none, 0, 0);
        compare(wg_prod_others(1, &x, axes), (const void *const[]){ &none }, &none, 0, 0);
        wg_graph_free(g);
    }
    for (int i = 0; i < 5; i++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F32, nothing[i]);
        double none = 0;

        compare(wg_softmax(x, 0), (const void *const[]){ &none }, &none, 0, 0);
        compare(wg_softmax(x, -1), (const void *const[]){ &none }, &none, 0, 0);
        compare(wg_cumsum(x, 0, true), (const void *const[]){ &none }, &none, 0, 0);
        compare(wg_prod_others(1, &x, WG_ALL_AXES), (const void *const[]){ &none }, &none, 0, 0);
        wg_graph_free(g);
    }
}

/* ---- errors ---- */

static wg_graph *wrong(wg_dtype dtype, wg_shape shape, wg_tensor **x)
{
    wg_graph *g = wg_graph_new();

    *x = wg_input(g, "x", dtype, shape);
    return g;
}

#define REFUSED(site, dtype, shape, call, code, message)                                           \
    do {                                                                                           \
        wg_tensor *x;                                                                              \
        wg_graph *g = wrong(dtype, shape, &x);                                                     \
        const char *here = (site);                                                                 \
                                                                                                   \
        call;                                                                                      \
        ERROR_IS(wg_graph_error(g), code, message, here);                                          \
        wg_graph_free(g);                                                                          \
    } while (0)

/* A site is the line its call stands on, so these stay on one. */
/* clang-format off */
static void errors(void)
{
    REFUSED(HERE, WG_BOOL, WG_SHAPE(3), wg_sum(x, WG_ALL_AXES, false), WG_EDTYPE,
            "sum: operand 0 is bool[3], wanted f32, f64 or i64: convert it with wg_cast");
    REFUSED(HERE, WG_I64, WG_SHAPE(3), wg_norm(x, WG_ALL_AXES, false), WG_EDTYPE,
            "norm: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    REFUSED(HERE, WG_I64, WG_SHAPE(3), wg_softmax(x, 0), WG_EDTYPE,
            "softmax: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    REFUSED(HERE, WG_I64, WG_SHAPE(3), wg_mean(x, WG_ALL_AXES, false), WG_EDTYPE,
            "mean: operand 0 is i64, wanted f32 or f64: convert it with wg_cast");
    REFUSED(HERE, WG_I64, WG_SHAPE(3), wg_var(x, WG_ALL_AXES, 0, false), WG_EDTYPE,
            "var: operand 0 is i64, wanted f32 or f64: convert it with wg_cast");
    REFUSED(HERE, WG_F32, WG_SHAPE(2, 3), wg_sum(x, WG_AXES(2), false), WG_EARG,
            "sum: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, WG_F32, WG_SHAPE(2, 3), wg_prod(x, WG_AXES(-3), false), WG_EARG,
            "prod: axis -3 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, WG_F32, WG_SHAPE(2, 3), wg_max(x, WG_AXES(1, -1), false), WG_EARG,
            "max: axis -1 is named twice");
    REFUSED(HERE, WG_F32, WG_SHAPE(2, 0), wg_max(x, WG_AXES(1), false), WG_ESHAPE,
            "max: no element to choose from: f32[2 x 0]");
    REFUSED(HERE, WG_F32, WG_SHAPE(2, 0), wg_min(x, WG_ALL_AXES, true), WG_ESHAPE,
            "min: no element to choose from: f32[2 x 0]");
    REFUSED(HERE, WG_F32, WG_SHAPE(2, 0), wg_argmax(x, 1, true), WG_ESHAPE,
            "argmax: no element to choose from: f32[2 x 0]");
    REFUSED(HERE, WG_F32, WG_SHAPE(2, 3), wg_argmin(x, 2, true), WG_EARG,
            "argmin: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, WG_F32, WG_SHAPE(2, 3), wg_cumsum(x, 2, true), WG_EARG,
            "cumsum: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, WG_F32, WG_SHAPE(2, 3), wg_log_softmax(x, 5), WG_EARG,
            "log_softmax: axis 5 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, WG_F32, WG_SHAPE(5, 3), wg_sum_to_like(x, wg_input(g, "y", WG_F32, WG_SHAPE(2, 3))), WG_ESHAPE,
            "sum_to_like: f32[2 x 3] does not broadcast to f32[5 x 3]");
    REFUSED(HERE, WG_F32, WG_SHAPE(5, 3), wg_broadcast_like(x, wg_input(g, "y", WG_F32, WG_SHAPE(3))), WG_ESHAPE,
            "broadcast_like: f32[5 x 3] does not broadcast to f32[3]");
    REFUSED(HERE, WG_F32, WG_SHAPE(5), wg_expand_like(x, wg_input(g, "y", WG_F32, WG_SHAPE(5, 4)), WG_AXES(0), false), WG_ESHAPE,
            "expand_like: f32[5] is not f32[5 x 4] reduced: wanted f32[4]");
    REFUSED(HERE, WG_F32, WG_SHAPE(5), wg_extreme_scatter(x, x, WG_AXES(0), false, false), WG_ESHAPE,
            "extreme_scatter: f32[5] is not f32[5] reduced: wanted f32[]");
    REFUSED(HERE, WG_F32, WG_SHAPE(5), wg_extreme_pick(x, wg_input(g, "y", WG_F32, WG_SHAPE(4)), WG_AXES(0), false, false), WG_ESHAPE,
            "extreme_pick: types differ: f32[5] and f32[4]");
    REFUSED(HERE, WG_F32, WG_SHAPE(5), wg_prod_others(7, (wg_tensor *[]){ x, x, x, x, x, x, x }, WG_ALL_AXES), WG_ELIMIT,
            "prod_others: a product can be differentiated 6 times at most");
}
/* clang-format on */

TESTS(TEST(sums), TEST(products), TEST(extremes), TEST(norms), TEST(logsumexps),
      TEST(special_values), TEST(integers_wrap), TEST(empty), TEST(errors))
