/* test_plan_turn.c: a matrix that many small products read transposed is transposed once, and the
 * products keep their bits (WG_PASS_TURN). */
#include "graph/plan.h"

#include <wengert.h>

#include "harness.h"

enum { MOST_ROWS = 80, N = 21, MOST_STEPS = 12 };

static float data[MOST_ROWS * N];
static double wide[MOST_ROWS * N];

static void fill(void)
{
    for (int i = 0; i < MOST_ROWS * N; i++) data[i] = (float)(wide[i] = sin(i * 0.7) / 3);
}

/* A sequence whose steps read w against its rows, with a sum that lies between them. */
static wg_tensor *steps(wg_tensor *x, wg_tensor *w, int n)
{
    for (int i = 0; i < n; i++) x = wg_tanh(wg_add(x, wg_matmul_t(x, w, false, true)));
    return x;
}

static wg_plan *run(wg_tensor *y, wg_dtype dtype, int64_t rows, wg_plan_options o)
{
    void *const from = dtype == WG_F32 ? (void *)data : (void *)wide;
    wg_plan *p = wg_plan_of(1, &y, NULL, &o, NULL);

    if (!CHECK(p != NULL)) return NULL;
    EQ_INT(wg_plan_feed(p, "x", (wg_array){ { dtype, WG_SHAPE(rows, N) }, from }), WG_OK);
    EQ_INT(wg_plan_feed(p, "w", (wg_array){ { dtype, WG_SHAPE(N, N) }, from }), WG_OK);
    EQ_INT(wg_plan_run(p), WG_OK);
    EQ_INT(wg_plan_run(p), WG_OK);
    return p;
}

/* The same bits with the pass and without; `turned` products read the matrix turned. */
static void compare(wg_tensor *y, wg_dtype dtype, int64_t rows, int64_t turned)
{
    for (int threads = 1; threads <= 2; threads++) {
        wg_plan_options with = { .threads = threads, .grain = 1 }, without = with;
        wg_plan *p = run(y, dtype, rows, with), *q;
        const wg_array *a, *b;
        wg_plan_stats s, t;

        without.passes_off = WG_PASS_TURN;
        q = run(y, dtype, rows, without);
        if (!p || !q) continue;
        a = wg_plan_value_at(p, 0);
        b = wg_plan_value_at(q, 0);
        CHECK(wg_type_equal(&a->type, &b->type) &&
              memcmp(a->data, b->data, (size_t)wg_type_bytes(&a->type)) == 0);
        EQ_INT(p->now->stats.turned, turned);
        EQ_INT(q->now->stats.turned, 0);
        EQ_INT(wg_plan_report(p, &s), WG_OK);
        EQ_INT(wg_plan_report(q, &t), WG_OK);
        EQ_INT(s.entries, t.entries);
        EQ_INT(s.computed, t.computed + (turned > 0));
        wg_plan_free(p);
        wg_plan_free(q);
    }
}

static wg_tensor *image(wg_graph *g, const char *name, wg_dtype dtype, int64_t rows)
{
    return wg_input(g, name, dtype, WG_SHAPE(rows, N));
}

static void sequences(void)
{
    static const struct {
        int64_t rows;
        int steps;
        bool turned;
    } list[] = {
        { 8, MOST_STEPS, true }, { 8, 4, true },   { 8, 3, false }, /* too few products */
        { 5, 5, true },          { 4, 5, false },  /* summed in lanes */
        { 64, 5, true },         { 65, 5, false }, /* packing is cheap beside so many rows */
        { 1, 6, false },
    };

    fill();
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        for (int type = 0; type < 2; type++) {
            wg_dtype dtype = type ? WG_F64 : WG_F32;
            wg_graph *g = wg_graph_new();
            wg_tensor *x = image(g, "x", dtype, list[i].rows), *w = image(g, "w", dtype, N);

            compare(steps(x, w, list[i].steps), dtype, list[i].rows,
                    list[i].turned ? list[i].steps : 0);
            wg_graph_free(g);
        }
}

/* The gradient by what a sequence begins with reads the matrix against its rows, a part of it cut
 * out twice over; both parts are one. */
static void gradients(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = image(g, "x", WG_F32, 8), *w = image(g, "w", WG_F32, N), *y = x, *d, *part[2];

    fill();
    for (int k = 0; k < 2; k++)
        part[k] = wg_add(wg_slice_axis(w, 0, 0, WG_SLICE_END, 1), wg_scalar_like(w, 0.25));
    for (int i = 0; i < 6; i++) y = wg_tanh(wg_matmul(y, part[i % 2]));
    wg_grad(wg_sum(y, WG_ALL_AXES, false), 1, &x, &d);
    compare(d, WG_F32, 8, 0); /* three readers of each, as they are recorded */
    for (int i = 0; i < 2; i++) y = wg_tanh(wg_matmul(y, part[i]));
    wg_grad(wg_sum(y, WG_ALL_AXES, false), 1, &x, &d);
    compare(d, WG_F32, 8, 8);
    wg_graph_free(g);
}

/* The example has few rows; what is fed decides. */
static void other_extents(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = image(g, "x", WG_F32, 6), *w = image(g, "w", WG_F32, N);
    wg_tensor *y = steps(x, w, 5);

    fill();
    compare(y, WG_F32, 30, 5);
    compare(y, WG_F32, 80, 0);
    compare(y, WG_F32, 3, 0);
    wg_graph_free(g);
}

/* With check and keep every value is that of its own entry. */
static void not_when_watched(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = image(g, "x", WG_F32, 8), *w = image(g, "w", WG_F32, N);
    wg_tensor *y = steps(x, w, 5);
    wg_plan *p = run(y, WG_F32, 8, (wg_plan_options){ .check = true });

    if (p) EQ_INT(p->now->stats.turned, 0);
    wg_plan_free(p);
    p = run(y, WG_F32, 8, (wg_plan_options){ .keep = true });
    if (p) EQ_INT(p->now->stats.turned, 0);
    wg_plan_free(p);
    wg_graph_free(g);
}

TESTS(TEST(sequences), TEST(gradients), TEST(other_extents), TEST(not_when_watched))
