/*
 * test_scale.c: recording, differentiating and compiling are linear in the number of entries, without
 * recursion. Times are of this process's own processor time, the best of a few runs.
 */
#include <wengert.h>

#include "graph/internal.h"
#include "growth.h"

/* ---- a chain ---- */

struct cost {
    double record, grad, compile, run, total;
    size_t graph_bytes, plan_bytes;
    int64_t entries;
};

/* What is left of x after n steps of 0.9 sin; its gradient is the product of all 0.9 cos. */
static bool chain(int64_t n, struct cost *c)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE_SCALAR), *f = wg_scalar(g, WG_F64, 0.9),
              *y = x, *d;
    double at = 1.25, value = at, slope = 1, start = user_seconds(), t;
    wg_plan *p;
    wg_error error;
    bool ok;

    for (int64_t i = 0; i < n / 2; i++) {
        y = wg_mul(wg_sin(y), f);
        slope *= 0.9 * cos(value);
        value = 0.9 * sin(value);
    }
    c->record = (t = user_seconds()) - start;
    d = wg_grad1(y, x);
    c->grad = user_seconds() - t;
    c->entries = wg_graph_count(g);
    t = user_seconds();
    p = wg_plan_of(2, (wg_tensor *[]){ y, d }, NULL, &(wg_plan_options){ .threads = 1 }, &error);
    ok = p && wg_plan_feed(p, "x", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &at)) == WG_OK &&
         wg_plan_run(p) == WG_OK;
    c->compile = user_seconds() - t;
    t = user_seconds();
    ok = ok && wg_plan_run(p) == WG_OK;
    c->run = user_seconds() - t;
    c->total = user_seconds() - start;
    if (ok) {
        CLOSE1(wg_item(wg_plan_value_at(p, 0)), value, 1e-9, 1e-300);
        CLOSE1(wg_item(wg_plan_value_at(p, 1)), slope, 1e-9, 1e-300);
    } else {
        NO_ERROR(p ? wg_plan_error(p) : wg_graph_error(g) ? wg_graph_error(g) : &error);
    }
    wg_plan_free(p);
    wg_graph_free(g);
    return ok;
}

static void print_cost(const char *what, int64_t n, const struct cost *c)
{
    printf("    %-9s %9" PRId64 " recorded, %9" PRId64
           " with gradient: record %.3f s, gradient %.3f s, "
           "compile and first run %.3f s, run %.4f s\n",
           what, n, c->entries, c->record, c->grad, c->compile, c->run);
}

static double chained(int64_t n)
{
    struct cost c;

    if (!chain(n, &c)) return 0;
    print_cost("chain of", n, &c);
    return c.total;
}

static void a_million_entries(void)
{
    million_grows_linearly(chained, "chain");
}

/* ---- one tensor with a million users, and one user with many operands ---- */

static void many_users_of_one(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE_SCALAR), *sum = x, *d;
    double at = 3, start = user_seconds();
    wg_array a;

    for (int i = 0; i < 200000; i++) sum = wg_add(sum, x);
    d = wg_grad1(sum, x);
    if (CHECK(wg_read(d, NULL, 1, (wg_feed[]){ { "x", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &at) } },
                      &a, NULL) == WG_OK)) {
        CHECK(wg_item(&a) == 200001);
        wg_free(a.data);
    }
    harness_check(user_seconds() - start < 5, __FILE__, __LINE__, "200,000 users took %.1f s",
                  user_seconds() - start);
    wg_graph_free(g);
}

/* ---- an unrolled sequence ---- */

enum { ROWS = 4, WIDTH = 8 };

/* h[t] = tanh(x[t] w + h[t-1] u), where x [ROWS, T, WIDTH] is cut into T pieces; the h are joined again,
 * by stack or by concat, and weighed. */
static bool sequence(int64_t steps, bool stack, struct cost *c)
{
    wg_graph *g = wg_graph_new();
    size_t before = wg__live_bytes();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(ROWS, steps, WIDTH));
    wg_tensor *w = wg_input(g, "w", WG_F64, WG_SHAPE(WIDTH)),
              *u = wg_input(g, "u", WG_F64, WG_SHAPE(WIDTH));
    wg_tensor *h = wg_zeros_like(wg_select(x, 1, 0)), **all = calloc((size_t)steps, sizeof *all),
              *loss, *d[3];
    double *xs = calloc((size_t)(ROWS * steps * WIDTH), sizeof *xs), ws[WIDTH], us[WIDTH];
    double start = user_seconds(), t;
    wg_plan_stats stats;
    wg_plan *p;
    wg_error error;
    bool ok;

    for (int64_t i = 0; i < ROWS * steps * WIDTH; i++) xs[i] = sin((double)i);
    for (int i = 0; i < WIDTH; i++) ws[i] = us[i] = 0.5 - 0.1 * i;
    for (int64_t i = 0; i < steps; i++) {
        wg_tensor *xt =
            stack ? wg_select(x, 1, i) : wg_squeeze(wg_slice_axis(x, 1, i, i + 1, 1), WG_AXES(1));

        h = wg_tanh(wg_add(wg_mul(xt, w), wg_mul(h, u)));
        all[i] = stack ? h : wg_unsqueeze(h, WG_AXES(1));
    }
    h = stack ? wg_stack((int)steps, all, 1) : wg_concat((int)steps, all, 1);
    loss = wg_sum(wg_mul(h, x), WG_ALL_AXES, false);
    c->record = (t = user_seconds()) - start;
    wg_grad(loss, 3, (wg_tensor *[]){ x, w, u }, d);
    c->grad = user_seconds() - t;
    c->entries = wg_graph_count(g);
    c->graph_bytes = wg__live_bytes() - before;
    t = user_seconds();
    p = wg_plan_of(3, d, NULL, &(wg_plan_options){ .threads = 1 }, &error);
    ok = p && wg_plan_feed(p, "x", WG_F64_ARRAY(xs, ROWS, steps, WIDTH)) == WG_OK &&
         wg_plan_feed(p, "w", WG_F64_ARRAY(ws, WIDTH)) == WG_OK &&
         wg_plan_feed(p, "u", WG_F64_ARRAY(us, WIDTH)) == WG_OK && wg_plan_run(p) == WG_OK;
    c->compile = user_seconds() - t;
    t = user_seconds();
    ok = ok && wg_plan_run(p) == WG_OK;
    c->run = user_seconds() - t;
    c->total = user_seconds() - start;
    if (ok && CHECK(wg_plan_report(p, &stats) == WG_OK)) c->plan_bytes = (size_t)stats.arena_bytes;
    if (!ok) NO_ERROR(p ? wg_plan_error(p) : wg_graph_error(g) ? wg_graph_error(g) : &error);
    wg_plan_free(p);
    wg_graph_free(g);
    free(all);
    free(xs);
    return ok;
}

/* Entries and bytes, which no machine's load changes, at each doubling. */
static void grows_linearly(const struct cost *once, const struct cost *twice)
{
    CHECK((double)twice->entries <= 2.05 * (double)once->entries);
    CHECK((double)twice->graph_bytes <= 2.3 * (double)once->graph_bytes);
    CHECK((double)twice->plan_bytes <= 2.3 * (double)once->plan_bytes);
}

/* Time for twice the length, from where neither fits in a cache: across its end an entry costs half
 * as much again. Processor time, since another program's share of the core is no growth, and two
 * short ones beside a long one, since a slow moment shall meet both. */
static void twice_as_long(bool stack)
{
    const char *what = stack ? "stack of" : "concat of";
    struct cost once, twice, four, eight;
    double growth = INFINITY;

    REQUIRE(sequence(12000, stack, &once));
    REQUIRE(sequence(24000, stack, &twice));
    for (int i = 0; i < 6 && growth > 2.1; i++) {
        double apart = 0;

        for (int k = 0; k < 2; k++) {
            REQUIRE(sequence(48000, stack, &four));
            apart += four.total / 2;
        }
        REQUIRE(sequence(96000, stack, &eight));
        growth = fmin(growth, eight.total / apart);
    }
    print_cost(what, 48000, &four);
    print_cost(what, 96000, &eight);
    printf("    bytes: graph %zu, %zu, %zu and %zu, plan %zu, %zu, %zu and %zu\n", once.graph_bytes,
           twice.graph_bytes, four.graph_bytes, eight.graph_bytes, once.plan_bytes,
           twice.plan_bytes, four.plan_bytes, eight.plan_bytes);
    CHECK(once.entries > 12000);
    grows_linearly(&once, &twice);
    grows_linearly(&twice, &four);
    grows_linearly(&four, &eight);
    harness_check(growth <= 2.3, __FILE__, __LINE__, "twice the length took %.2f times as long",
                  growth);
}

static void stacked_sequence(void)
{
    twice_as_long(true);
}

static void concatenated_sequence(void)
{
    twice_as_long(false);
}

TESTS(TEST(a_million_entries), TEST(many_users_of_one), TEST(stacked_sequence),
      TEST(concatenated_sequence))
