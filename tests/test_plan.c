/* test_plan.c: plans: feeding, running, reading, updates, what is promised of failures and of memory. */
#include "harness.h"
#include "plan_records.h"

static float fa[1 << 16];

/* x w + b, w and b in the store */
struct line {
    wg_graph *g;
    wg_params *w;
    wg_tensor *x, *y;
};

static struct line line_make(void)
{
    struct line l = { wg_graph_new(), wg_params_new(WG_F32, 7), NULL, NULL };

    wg_params_add(l.w, "w", WG_F32, WG_SHAPE(3), true, NULL, NULL);
    wg_params_add(l.w, "b", WG_F32, WG_SHAPE(1, 3), true, NULL, NULL);
    wg_params_set(l.w, "w", WG_F32_ARRAY(((float[]){ 1, 2, 3 }), 3), NULL);
    wg_params_set(l.w, "b", WG_F32_ARRAY(((float[]){ 10, 20, 30 }), 1, 3), NULL);
    l.x = wg_input(l.g, "x", WG_F32, WG_SHAPE(1, 3));
    wg_begin(l.g, "predict", WG_PREDICT);
    l.y = wg_output("y", p_add(p_mul(l.x, wg_param_leaf(l.g, l.w, "w")), wg_param_leaf(l.g, l.w, "b")));
    wg_end(l.g);
    return l;
}

static void line_free(struct line *l)
{
    wg_graph_free(l->g);
    wg_params_free(l->w);
}

static void runs_at_any_batch(void)
{
    struct line l = line_make();
    wg_plan *p = wg_plan_new(l.g, l.w, "predict", NULL);
    wg_plan_stats stats;

    REQUIRE(p != NULL);
    for (int64_t n = 1; n <= 2000; n = n * 3 + 1) {
        const wg_array *y;

        for (int64_t i = 0; i < 3 * n; i++) fa[i] = (float)i;
        CHECK(wg_plan_feed(p, "x", WG_F32_ARRAY(fa, n, 3)) == WG_OK);
        CHECK(wg_plan_run(p) == WG_OK);
        NO_ERROR(wg_plan_error(p));
        y = wg_plan_value(p, "y");
        REQUIRE(y && y->type.shape.dim[0] == n);
        for (int64_t i = 0; i < 3 * n; i++)
            if (((float *)y->data)[i] != (float)i * (float)(i % 3 + 1) + (float)(i % 3 + 1) * 10) {
                CHECK(!"value");
                break;
            }
    }
    CHECK(wg_plan_report(p, &stats) == WG_OK);
    EQ_INT(stats.specialisations, 4);
    EQ_INT(stats.steps, 1);
    EQ_INT(stats.fused_entries, 2);
    wg_plan_free(p);
    line_free(&l);
}

TESTS(TEST(runs_at_any_batch))
