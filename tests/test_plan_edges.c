/* test_plan_edges.c: options and extents at the ends of what they may be, and ways of running that
 * change the order of steps. */
#include <limits.h>

#include <wengert.h>

#include "harness.h"

enum { SIDE = 64, N = 4096 };

static float start[SIDE * SIDE], small[N], large[N];

static wg_tensor *chain(wg_tensor *x, wg_tensor *w)
{
    for (int i = 0; i < 12; i++) x = wg_tanh(wg_matmul(x, w));
    return x;
}

static wg_plan *run_plan(int n, wg_tensor *const *out, wg_plan_options o, wg_status want)
{
    wg_plan *p = wg_plan_of(n, out, NULL, &o, NULL);

    if (!CHECK(p != NULL)) return NULL;
    wg_plan_feed(p, "x", WG_F32_ARRAY(start, SIDE, SIDE));
    wg_plan_feed(p, "w", WG_F32_ARRAY(start, SIDE, SIDE));
    EQ_INT(wg_plan_run(p), want);
    return p;
}

static void options_at_their_ends(void)
{
    static const wg_plan_options ends[] = {
        { .threads = 2, .grain = INT64_MAX },
        { .threads = 2, .grain = INT64_MAX, .block = INT_MAX, .cache = INT64_MAX },
        { .threads = 2, .grain = 1, .block = 1, .cache = 1 },
        { .threads = 7, .grain = 1, .block = 1, .cache = INT64_MAX },
        { .threads = 2, .max_bytes = INT64_MAX },
    };
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(SIDE, SIDE));
    wg_tensor *w = wg_input(g, "w", WG_F32, WG_SHAPE(SIDE, SIDE));
    wg_tensor *out[] = { chain(x, w), chain(wg_neg(x), w) };
    wg_plan *plain;

    for (int i = 0; i < SIDE * SIDE; i++) start[i] = (float)sin(i) / 4;
    plain = run_plan(2, out, (wg_plan_options){ .passes_off = WG_PASS_ALL, .threads = 1 }, WG_OK);
    for (size_t i = 0; plain && i < sizeof ends / sizeof ends[0]; i++) {
        wg_plan *p = run_plan(2, out, ends[i], WG_OK);

        for (int k = 0; p && k < 2; k++)
            CHECK(memcmp(wg_plan_value_at(p, k)->data, wg_plan_value_at(plain, k)->data,
                         sizeof start) == 0);
        wg_plan_free(p);
    }
    wg_plan_free(plain);
    wg_graph_free(g);
}

/* Each has extents that can be counted, but not all together; no pass adds them up. */
static void values_beyond_counting(void)
{
    static const wg_plan_options ways[] = {
        { .threads = 2 },
        { .threads = 2, .max_bytes = 1000 },
        { .threads = 2, .check = true },
        { .threads = 1, .passes_off = WG_PASS_ALL },
        { .threads = 2, .block = 1 << 16, .passes_off = WG_PASS_SCHEDULE | WG_PASS_STREAM },
    };
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(SIDE, SIDE));
    wg_tensor *w = wg_input(g, "w", WG_F32, WG_SHAPE(SIDE, SIDE));
    wg_tensor *one = wg_sum(wg_matmul(x, w), WG_ALL_AXES, false);
    wg_tensor *wide = wg_expand(one, WG_SHAPE(1 << 30, 1 << 29)), *a = wg_exp(wide);
    wg_tensor *b = wg_tanh(a), *c = wg_sin(wide);
    wg_tensor *out[] = {
        a, b, c, wg_mul(a, b), wg_cos(c), wg_softmax(a, 1), wg_transpose(a, 0, 1)
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        wg_plan *p = run_plan(sizeof out / sizeof out[0], out, ways[i], WG_ELIMIT);

        if (p) EQ_STR(wg_plan_error(p)->text, "the values need more bytes than can be counted");
        wg_plan_free(p);
    }
    wg_graph_free(g);
}

/* The second reader of the first value could run early, before the second value is there: then
 * that one would be passed over by the check. */
static void the_check_goes_in_order(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a = wg_exp(wg_input(g, "small", WG_F32, WG_SHAPE(N)));
    wg_tensor *b = wg_exp(wg_input(g, "large", WG_F32, WG_SHAPE(N)));
    wg_tensor *out[] = { wg_sum(a, WG_ALL_AXES, false), wg_sum(b, WG_ALL_AXES, false),
                         wg_max(a, WG_ALL_AXES, false) };

    large[7] = 1000;
    for (int threads = 1; threads <= 2; threads++) {
        wg_plan *p =
            wg_plan_of(3, out, NULL, &(wg_plan_options){ .check = true, .threads = threads }, NULL);

        if (!CHECK(p != NULL)) break;
        wg_plan_feed(p, "small", WG_F32_ARRAY(small, N));
        wg_plan_feed(p, "large", WG_F32_ARRAY(large, N));
        EQ_INT(wg_plan_run(p), WG_ENONFINITE);
        EQ_STR(wg_plan_error(p)->text,
               "first non-finite value at [7] of f32[4096], operand was 1000");
        wg_plan_free(p);
    }
    wg_graph_free(g);
}

TESTS(TEST(options_at_their_ends), TEST(values_beyond_counting), TEST(the_check_goes_in_order))
