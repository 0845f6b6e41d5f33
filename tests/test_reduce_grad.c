/*
 * test_reduce_grad.c: gradients of reductions, first and second order, against differences;
 * recorded with one row and run with two. Ties, zeros, norms of nothing and sums of no mass have
 * gradients that are stated: those are checked too.
 */
#include <wengert.h>

#include "harness.h"

typedef wg_tensor *reduction(wg_tensor *x);

#define REDUCTION(name, expression)                                                                \
    static wg_tensor *name(wg_tensor *x)                                                           \
    {                                                                                              \
        return expression;                                                                         \
    }
REDUCTION(sum_rows, wg_sum(x, WG_AXES(-1), false))
REDUCTION(sum_columns, wg_sum(x, WG_AXES(0), true))
REDUCTION(sum_apart, wg_sum(x, WG_AXES(0, 2), false))
REDUCTION(mean_all, wg_mean(x, WG_ALL_AXES, false))
REDUCTION(mean_rows, wg_mean(x, WG_AXES(1, 2), true))
REDUCTION(var_rows, wg_var(x, WG_AXES(1, 2), 0, true))
REDUCTION(var_apart, wg_var(x, WG_AXES(0, 2), 1, false))
REDUCTION(prod_rows, wg_prod(x, WG_AXES(2), false))
REDUCTION(prod_apart, wg_prod(x, WG_AXES(0, 2), true))
REDUCTION(prod_all, wg_prod(x, WG_ALL_AXES, false))
REDUCTION(max_rows, wg_max(x, WG_AXES(2), true))
REDUCTION(max_columns, wg_max(x, WG_AXES(0), false))
REDUCTION(min_apart, wg_min(x, WG_AXES(0, 2), false))
REDUCTION(logsumexp_rows, wg_logsumexp(x, WG_AXES(2), true))
REDUCTION(logsumexp_apart, wg_logsumexp(x, WG_AXES(0, 2), false))
REDUCTION(norm_rows, wg_norm(x, WG_AXES(2), false))
REDUCTION(norm_all, wg_norm(x, WG_ALL_AXES, true))
REDUCTION(softmax_last, wg_softmax(x, -1))
REDUCTION(softmax_middle, wg_softmax(x, 1))
REDUCTION(log_softmax_first, wg_log_softmax(x, 0))
REDUCTION(log_softmax_last, wg_log_softmax(x, 2))
REDUCTION(cumsum_up, wg_cumsum(x, 1, false))
REDUCTION(cumsum_down, wg_cumsum(x, 2, true))
REDUCTION(to_and_fro, wg_sum_to_like(wg_square(x), wg_sum(x, WG_AXES(0, 1), true)))
REDUCTION(fro_and_to, wg_broadcast_like(wg_sum(x, WG_AXES(2), true), x))
REDUCTION(expanded, wg_mul(wg_expand_like(wg_prod(x, WG_AXES(1), false), x, WG_AXES(1), false), x))
REDUCTION(picked, wg_extreme_pick(wg_square(x), x, WG_AXES(1), false, true))
REDUCTION(others, wg_prod_others(1, &x, WG_AXES(1, 2)))

static const struct {
    const char *name;
    reduction *apply;
    bool product; /* is looked at with zeros too */
} reductions[] = {
#define ROW(name, product)                                                                         \
    {                                                                                              \
#name, name, product                                                                       \
    }
    ROW(sum_rows, false),       ROW(sum_columns, false),       ROW(sum_apart, false),
    ROW(mean_all, false),       ROW(mean_rows, false),         ROW(var_rows, false),
    ROW(var_apart, false),      ROW(prod_rows, true),          ROW(prod_apart, true),
    ROW(prod_all, true),        ROW(max_rows, false),          ROW(max_columns, false),
    ROW(min_apart, false),      ROW(logsumexp_rows, false),    ROW(logsumexp_apart, false),
    ROW(norm_rows, false),      ROW(norm_all, false),          ROW(softmax_last, false),
    ROW(softmax_middle, false), ROW(log_softmax_first, false), ROW(log_softmax_last, false),
    ROW(cumsum_up, false),      ROW(cumsum_down, false),       ROW(to_and_fro, false),
    ROW(fro_and_to, false),     ROW(expanded, true),           ROW(picked, false),
    ROW(others, true),
#undef ROW
};
enum { N_REDUCTIONS = sizeof reductions / sizeof reductions[0] };

/* 24 numbers in [0.3, 1.8), no two alike; the first `zeros` of each four are 0. */
static void fill(double *v, int zeros)
{
    for (int i = 0; i < 24; i++) v[i] = i % 4 < zeros ? 0 : 0.3 + (i * 7 % 24) / 16.0;
}

/* The loss weighs every element differently and bends, so that no term of a rule can hide. */
static void check(const char *name, reduction *apply, const double *v)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 3, 4)), *y = apply(x);
    wg_tensor *loss = wg_sum(wg_mul(wg_sin(y), wg_add(wg_square(y), wg_cumsum(y, -1, false))),
                             WG_ALL_AXES, false);
    wg_error error = { .code = WG_OK };
    wg_check_report report;

    if (wg_check_grad(loss, NULL, 1, &(wg_feed){ "x", WG_F64_ARRAY(v, 2, 3, 4) }, NULL, &report,
                      &error) == WG_OK) {
        harness_check(report.pass, __FILE__, __LINE__, "%s", name);
        if (!report.pass) wg_check_print(&report, stderr);
        EQ_INT(report.n, 2); /* first and second order */
        wg_check_free(&report);
    }
    NO_ERROR(&error);
    wg_graph_free(g);
}

static wg_tensor *with_axes(wg_tensor *y)
{
    return wg_unsqueeze(y, WG_AXES(-1));
}

static reduction *current;
static wg_tensor *current_with_axes(wg_tensor *x)
{
    return with_axes(current(x));
}

static void rules(void)
{
    double v[24];

    for (int i = 0; i < N_REDUCTIONS; i++) {
        current =
            reductions[i]
                .apply; /* reductions to one element have no axis to sum along: give them one */
        for (int zeros = 0; zeros < (reductions[i].product ? 4 : 1); zeros++) {
            fill(v, zeros);
            check(reductions[i].name, current_with_axes, v);
        }
    }
}

/* d3/dx3 of a product with zeros: what is left of x1 x2 x3 x4 by three derivatives is the fourth.
 */
static void third_order(void)
{
    static const double v[4] = { 0, 3, 0, 5 };
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(4)), *d = wg_prod(x, WG_ALL_AXES, false);
    wg_array got = { 0 };
    wg_error error = { .code = WG_OK };

    for (int axis = 0; axis < 3; axis++) d = wg_select(wg_grad1(d, x), 0, axis);
    wg_read(d, NULL, 1, &(wg_feed){ "x", WG_F64_ARRAY(v, 4) }, &got, &error);
    NO_ERROR(&error);
    CHECK(wg_item(&got) == 5);
    wg_free(got.data);
    wg_graph_free(g);
}

/* The gradient of sum(apply(x)) and what it must be. */
static void gradient_is(reduction *apply, int n, const double *v, const double *want, double rtol)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 1, n));
    wg_tensor *d = wg_grad1(wg_sum(apply(x), WG_ALL_AXES, false), x),
              *dd = wg_grad1(wg_sum(d, WG_ALL_AXES, false), x);
    wg_array got = { 0 };
    wg_error error = { .code = WG_OK };

    wg_read(d, NULL, 1, &(wg_feed){ "x", WG_F64_ARRAY(v, 1, 1, n) }, &got, &error);
    NO_ERROR(&error);
    if (got.data) CLOSE((double *)got.data, want, n, rtol, 0);
    wg_free(got.data);
    got.data = NULL;
    wg_read(dd, NULL, 1, &(wg_feed){ "x", WG_F64_ARRAY(v, 1, 1, n) }, &got, &error);
    NO_ERROR(&error);
    for (int i = 0; got.data && i < n; i++) CHECK(isfinite(((double *)got.data)[i]));
    wg_free(got.data);
    wg_graph_free(g);
}

REDUCTION(min_rows, wg_min(x, WG_AXES(2), false))

static void stated(void)
{
    const double inf = INFINITY;

    /* the first of equals */
    gradient_is(max_rows, 4, (double[]){ 1, 7, 7, 2 }, (double[]){ 0, 1, 0, 0 }, 0);
    gradient_is(min_rows, 4, (double[]){ 7, 1, 2, 1 }, (double[]){ 0, 1, 0, 0 }, 0);
    gradient_is(max_columns, 4, (double[]){ 1, 2, 3, 4 }, (double[]){ 1, 1, 1, 1 }, 0);
    /* nothing has no direction */
    gradient_is(norm_rows, 3, (double[]){ 0, 0, 0 }, (double[]){ 0, 0, 0 }, 0);
    gradient_is(norm_rows, 2, (double[]){ 3e200, 4e200 }, (double[]){ 0.6, 0.8 }, 2e-16);
    gradient_is(norm_rows, 2, (double[]){ 3, 4 }, (double[]){ 0.6, 0.8 }, 2e-16);
    /* no mass, no share */
    gradient_is(logsumexp_rows, 3, (double[]){ -inf, -inf, -inf }, (double[]){ 0, 0, 0 }, 0);
    gradient_is(logsumexp_rows, 3, (double[]){ -inf, 2, -inf }, (double[]){ 0, 1, 0 }, 0);
    /* 1000 + log 2 is known to half of 2^-43 */
    gradient_is(logsumexp_rows, 2, (double[]){ 1000, 1000 }, (double[]){ 0.5, 0.5 }, 1e-13);
    /* one zero leaves its own derivative, two leave none */
    gradient_is(prod_rows, 3, (double[]){ 2, 0, 5 }, (double[]){ 0, 10, 0 }, 0);
    gradient_is(prod_rows, 3, (double[]){ 0, 0, 5 }, (double[]){ 0, 0, 0 }, 0);
    gradient_is(prod_rows, 3, (double[]){ 2, 3, 5 }, (double[]){ 15, 10, 6 }, 0);
}

TESTS(TEST(rules), TEST(third_order), TEST(stated))
