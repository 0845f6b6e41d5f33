/* test_lanes.c: small steps side by side: that they are, the same bits, failures inside, memory. */
#include "graph/plan.h"
#include "harness.h"
#include "plan_records.h"

enum { STEPS = 12, SIDE = 64 };

static float start[SIDE * SIDE];

/* h = tanh(h w) STEPS times, from x or its negative, with a weight of its own. */
static wg_tensor *chain(wg_graph *g, const char *weight, wg_tensor *x)
{
    wg_tensor *w = wg_input(g, weight, WG_F32, WG_SHAPE(SIDE, SIDE)), *h = x;

    for (int i = 0; i < STEPS; i++) h = wg_tanh(wg_matmul(h, w));
    return h;
}

static wg_plan *run_plan(int n, wg_tensor *const *out, wg_plan_options o, wg_status want)
{
    wg_plan *p = wg_plan_of(n, out, NULL, &o, NULL);
    static const char *const names[] = { "x", "v", "w" };

    if (!CHECK(p != NULL)) return NULL;
    for (int i = 0; i < 3; i++) wg_plan_feed(p, names[i], WG_F32_ARRAY(start, SIDE, SIDE));
    for (int i = 0; i < 3; i++) EQ_INT(wg_plan_run(p), want);
    return p;
}

static void fill(void)
{
    for (int i = 0; i < SIDE * SIDE; i++) start[i] = (float)sin(i) / 4;
}

static bool same(wg_plan *a, wg_plan *b, int i)
{
    return memcmp(wg_plan_value_at(a, i)->data, wg_plan_value_at(b, i)->data, sizeof start) == 0;
}

/* Two chains: one bundle with one of them in each lane. One chain: nothing to put beside it. */
static void two_chains(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(SIDE, SIDE)), *out[2];
    wg_plan *one, *two, *off, *watched, *kept, *single;

    fill();
    out[0] = chain(g, "v", x);
    out[1] = chain(g, "w", wg_neg(x));
    one = run_plan(2, out, (wg_plan_options){ .threads = 1 }, WG_OK);
    two = run_plan(2, out, (wg_plan_options){ .threads = 2 }, WG_OK);
    off = run_plan(2, out, (wg_plan_options){ .threads = 2, .passes_off = WG_PASS_LANES }, WG_OK);
    watched = run_plan(2, out, (wg_plan_options){ .threads = 2, .timing = true }, WG_OK);
    kept = run_plan(2, out, (wg_plan_options){ .threads = 2, .keep = true }, WG_OK);
    single = wg_plan_of(1, out, NULL, &(wg_plan_options){ .threads = 2 }, NULL);
    if (one && two && off && watched && kept && single) {
        const wg_spec *s = two->now;
        wg_plan_stats stats;

        EQ_INT(one->now->stats.bundles, 0);
        EQ_INT(off->now->stats.bundles, 0);
        if (EQ_INT(s->stats.bundles, 1)) {
            int64_t n = s->bundle[0].split - s->bundle[0].first;

            CHECK(n >= 2 * STEPS - 2);
            CHECK(s->bundle[0].end - s->bundle[0].split >= 2 * STEPS - 2);
        }
        /* a lane uses its own memory again: hardly more than twice that of one at a time */
        CHECK(s->stats.arena_bytes <= 2 * one->now->stats.arena_bytes);
        for (int i = 0; i < 2; i++) {
            CHECK(same(one, two, i));
            CHECK(same(one, off, i));
            CHECK(same(one, watched, i));
            CHECK(same(one, kept, i));
        }
        wg_plan_feed(single, "x", WG_F32_ARRAY(start, SIDE, SIDE));
        wg_plan_feed(single, "v", WG_F32_ARRAY(start, SIDE, SIDE));
        EQ_INT(wg_plan_report(single, &stats), WG_OK);
        EQ_INT(single->now->stats.bundles, 0);
    }
    wg_plan_free(one);
    wg_plan_free(two);
    wg_plan_free(off);
    wg_plan_free(watched);
    wg_plan_free(kept);
    wg_plan_free(single);
    wg_graph_free(g);
}

/* A kernel that refuses in one lane, or in both: the error is that of the earlier entry, as without
 * lanes, and the next run is sound. */
static void a_lane_fails(void)
{
    static float zero[1], bad[1] = { -77 };
    static const char *const flag[] = { "f", "g" }, *const scope[] = { "first", "second" };
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(SIDE, SIDE)), *out[2];

    fill();
    for (int i = 0; i < 2; i++) {
        out[i] = chain(g, i ? "w" : "v", i ? wg_neg(x) : x);
        wg_scope_begin(g, "%s", scope[i]);
        out[i] = p_add(out[i], p_total(wg_input(g, flag[i], WG_F32, WG_SHAPE(1))));
        wg_scope_end(g);
        out[i] = wg_tanh(wg_matmul(out[i], out[i]));
    }
    for (int threads = 1; threads <= 2; threads++) {
        wg_plan *p = wg_plan_of(2, out, NULL, &(wg_plan_options){ .threads = threads }, NULL);

        if (!CHECK(p != NULL)) continue;
        wg_plan_feed(p, "x", WG_F32_ARRAY(start, SIDE, SIDE));
        wg_plan_feed(p, "v", WG_F32_ARRAY(start, SIDE, SIDE));
        wg_plan_feed(p, "w", WG_F32_ARRAY(start, SIDE, SIDE));
        for (int which = 0; which <= 4; which++) {
            for (int i = 0; i < 2; i++)
                wg_plan_feed(p, flag[i], WG_F32_ARRAY((which >> i & 1) ? bad : zero, 1));
            EQ_INT(wg_plan_run(p), which % 4 ? WG_EINDEX : WG_OK);
            if (which % 4) EQ_STR(wg_plan_error(p)->scope, scope[which == 2]);
            if (which % 4) EQ_STR(wg_plan_error(p)->op, "total");
        }
        EQ_INT(p->now->stats.bundles, threads - 1);
        wg_plan_free(p);
    }
    wg_graph_free(g);
}

TESTS(TEST(two_chains), TEST(a_lane_fails))
