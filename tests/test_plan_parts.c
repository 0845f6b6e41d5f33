/* test_plan_parts.c: softmax and log_softmax that run as the entries they are made of give the bits
 * of their own kernels (WG_PASS_PARTS). */
#include "graph/plan.h"

#include <wengert.h>

#include "harness.h"

enum { MOST = 96 * 1024 };

static float x[MOST], dy[MOST];

static void fill(int kind)
{
    for (int i = 0; i < MOST; i++) {
        x[i] = (float)(4 * sin(i * 0.7) + i % 3);
        dy[i] = (float)cos(i * 1.3);
    }
    for (int i = 0; kind > 0 && i < MOST; i += 97) x[i] = kind == 1 ? -INFINITY : 1e30f;
    for (int i = 500; kind == 2 && i < MOST; i += 4001) x[i] = i % 2 ? NAN : INFINITY;
}

static wg_plan *run(int n, wg_tensor **y, wg_type type, wg_plan_options o)
{
    wg_plan *p = wg_plan_of(n, y, NULL, &o, NULL);

    if (!CHECK(p != NULL)) return NULL;
    EQ_INT(wg_plan_feed(p, "x", (wg_array){ type, x }), WG_OK);
    EQ_INT(wg_plan_feed(p, "dy", (wg_array){ type, dy }), WG_OK);
    EQ_INT(wg_plan_run(p), WG_OK);
    EQ_INT(wg_plan_run(p), WG_OK);
    return p;
}

/* NaN are alike, whichever they are. */
static bool same(const wg_array *a, const wg_array *b)
{
    const float *u = a->data, *v = b->data;

    if (!wg_type_equal(&a->type, &b->type)) return false;
    for (int64_t i = 0; i < wg_shape_count(&a->type.shape); i++)
        if (memcmp(&u[i], &v[i], sizeof *u) && !(isnan(u[i]) && isnan(v[i]))) return false;
    return true;
}

static void compare(int n, wg_tensor **y, wg_type type, int64_t split)
{
    for (int way = 0; way < 4; way++) {
        wg_plan_options with = { .threads = 1 + way % 2, .grain = 1, .cache = way < 2 ? 0 : 1 },
                        without = with;
        wg_plan *p, *q;
        wg_plan_stats s, t;

        without.passes_off = WG_PASS_PARTS;
        p = run(n, y, type, with);
        q = run(n, y, type, without);
        if (p && q) {
            for (int i = 0; i < n; i++) CHECK(same(wg_plan_value_at(p, i), wg_plan_value_at(q, i)));
            EQ_INT(p->now->stats.split, p->level < WG_LEVEL_AVX512 ? 0 : split);
            EQ_INT(q->now->stats.split, 0);
            EQ_INT(wg_plan_report(p, &s), WG_OK);
            EQ_INT(wg_plan_report(q, &t), WG_OK);
            EQ_INT(s.entries, t.entries);
            EQ_INT(s.naive_bytes, t.naive_bytes);
        }
        wg_plan_free(p);
        wg_plan_free(q);
    }
}

/* The result, what is made of it, and the gradient; of two equal ones the parts are made once. */
static void record(wg_graph *g, wg_type type, int axis, bool logarithm, wg_tensor *y[3])
{
    wg_tensor *in = wg_input(g, "x", type.dtype, type.shape),
              *by = wg_input(g, "dy", type.dtype, type.shape), *again;

    y[0] = logarithm ? wg_log_softmax(in, axis) : wg_softmax(in, axis);
    again = logarithm ? wg_log_softmax(in, axis) : wg_softmax(in, axis);
    y[1] = wg_add(wg_mul(again, by), in);
    wg_grad(wg_sum(wg_mul(y[0], by), WG_ALL_AXES, false), 1, &in, &y[2]);
}

static void shapes(void)
{
    static const struct {
        wg_shape shape;
        int axis;
        bool split;
    } list[] = {
        { { 2, { 96, 1024 } }, -1, true }, { { 2, { 90, 1000 } }, 1, true },
        { { 2, { 5, 257 } }, 1, true },    { { 2, { 5, 256 } }, 1, false },   /* two in a block */
        { { 2, { 7, 4096 } }, -1, true },  { { 2, { 7, 4097 } }, -1, false }, /* too long */
        { { 2, { 1, 1024 } }, -1, false }, { { 2, { 300, 40 } }, 0, false },
        { { 3, { 2, 3, 513 } }, 2, true }, { { 3, { 2, 700, 3 } }, 1, false },
        { { 2, { 0, 1024 } }, 1, false },  { { 2, { 8, 0 } }, 1, false },
        { { 1, { 2000 } }, 0, false },
    };

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        for (int kind = 0; kind < 6; kind++) {
            wg_graph *g = wg_graph_new();
            wg_type type = { WG_F32, list[i].shape };
            wg_tensor *y[3];

            fill(kind / 2);
            record(g, type, list[i].axis, kind % 2, y);
            if (CHECK(wg_graph_error(g) == NULL)) compare(3, y, type, list[i].split ? 2 : 0);
            wg_graph_free(g);
        }
}

/* Fed other extents, a plan may take the parts or leave them. */
static void extents_change(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *in = wg_input(g, "x", WG_F32, WG_SHAPE(8, 100)), *y = wg_softmax(in, -1);
    wg_plan *p = wg_plan_of(1, &y, NULL, NULL, NULL);
    static const int64_t length[] = { 100, 600, 0, 4096, 30, 512 };

    fill(0);
    for (int i = 0; CHECK(p != NULL) && i < 12; i++) {
        int64_t n = length[i % 6];
        const wg_array *a;

        EQ_INT(wg_plan_feed(p, "x", (wg_array){ { WG_F32, WG_SHAPE(8, n) }, x }), WG_OK);
        if (!EQ_INT(wg_plan_run(p), WG_OK)) break;
        a = wg_plan_value_at(p, 0);
        EQ_INT(p->now->stats.split, p->level == WG_LEVEL_AVX512 && n > 256);
        for (int64_t row = 0; row < 8; row++) {
            double sum = 0;

            for (int64_t k = 0; k < n; k++) sum += ((const float *)a->data)[row * n + k];
            CHECK(n == 0 || fabs(sum - 1) < 1e-5);
        }
    }
    wg_plan_free(p);
    wg_graph_free(g);
}

/* Where every entry is looked at, or kept, or in f64, there are no parts. */
static void whole(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *in = wg_input(g, "x", WG_F32, WG_SHAPE(8, 1024)), *y = wg_softmax(in, -1),
              *wide = wg_softmax(wg_cast(in, WG_F64), -1);
    wg_plan_options way[] = { { .check = true },
                              { .keep = true },
                              { .passes_off = WG_PASS_CHAIN } };

    fill(0);
    for (int i = 0; i < 4; i++) {
        wg_tensor *of = i < 3 ? y : wide;
        wg_plan *p = wg_plan_of(1, &of, NULL, i < 3 ? &way[i] : NULL, NULL);

        if (!CHECK(p != NULL)) continue;
        EQ_INT(wg_plan_feed(p, "x", (wg_array){ { WG_F32, WG_SHAPE(8, 1024) }, x }), WG_OK);
        EQ_INT(wg_plan_run(p), WG_OK);
        EQ_INT(p->now->stats.split, 0);
        wg_plan_free(p);
    }
    wg_graph_free(g);
}

TESTS(TEST(shapes), TEST(extents_change), TEST(whole))
