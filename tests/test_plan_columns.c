/* test_plan_columns.c: sums of rows inside fused steps (WG_PASS_COLUMNS) have the bits of the
 * kernel, whatever the number of rows, columns, threads and members. */
#include "graph/plan.h"

#include <stdlib.h>
#include <wengert.h>

#include "harness.h"

enum { MOST = 1 << 18, OUTPUTS = 8 };

static double data[3][MOST];
static float data32[3][MOST];
static int64_t sums, shared;

static void fill(void)
{
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < MOST; i++) {
            data[k][i] = sin((double)i * (k + 1)) * (i % 7 == 0 ? 1e4 : 1);
            data32[k][i] = (float)data[k][i];
        }
    for (int i = 0; i < 64; i++) data32[1][i * 20] = -0.0f, data[1][i * 20] = -0.0;
}

static int64_t count(const wg_plan *p)
{
    int64_t n = 0;

    for (int64_t i = 0; i < p->now->n_instr; i++) {
        const wg_instr *in = &p->now->instr[i];

        if (in->kind != WG_I_BLOCKS) continue;
        n += in->as.blocks->n_columns;
        shared += in->as.blocks->n_columns > 0 && in->as.blocks->slices > 1;
    }
    sums += n;
    return n;
}

static wg_plan *run(int n, wg_tensor *const *out, wg_dtype dtype, wg_shape shape, wg_plan_options o)
{
    static const char *const names[] = { "a", "b", "c" };
    wg_plan *p = wg_plan_of(n, out, NULL, &o, NULL);

    if (!CHECK(p != NULL)) return NULL;
    for (int k = 0; k < 3; k++) {
        void *from = dtype == WG_F32 ? (void *)data32[k] : (void *)data[k];
        wg_shape row = { 1, { shape.dim[shape.rank - 1] } };
        wg_status s = wg_plan_feed(p, names[k], (wg_array){ { dtype, k < 2 ? shape : row }, from });

        CHECK(s == WG_OK || s == WG_ENAME);
    }
    if (CHECK(wg_plan_run(p) == WG_OK && wg_plan_run(p) == WG_OK)) return p;
    wg_plan_free(p);
    return NULL;
}

static bool same(const wg_array *x, const wg_array *y)
{
    return wg_type_equal(&x->type, &y->type) &&
           memcmp(x->data, y->data, (size_t)wg_type_bytes(&x->type)) == 0;
}

/* Every output against a plan without any pass. Returns the sums in steps of the last way. */
static int64_t compare(int n, wg_tensor *const *out, wg_dtype dtype, wg_shape shape,
                       const char *what)
{
    static const wg_plan_options ways[] = {
        { .threads = 2, .grain = 1 },
        { .threads = 3, .grain = 1, .cache = 1 },
        { .threads = 2, .grain = 1, .block = 100, .passes_off = WG_PASS_CHAIN },
        { .threads = 1, .passes_off = WG_PASS_LINES | WG_PASS_STREAM },
        { .threads = 1, .cache = 1 },
        { .threads = 1, .passes_off = WG_PASS_ALL & ~(WG_PASS_FUSE | WG_PASS_COLUMNS) },
        { .threads = 1 },
    };
    wg_plan *want =
        run(n, out, dtype, shape, (wg_plan_options){ .threads = 1, .passes_off = WG_PASS_ALL });
    int64_t in_steps = 0;

    for (size_t k = 0; want && k < sizeof ways / sizeof *ways; k++) {
        wg_plan *p = run(n, out, dtype, shape, ways[k]);

        for (int i = 0; p && i < n; i++)
            harness_check(same(wg_plan_value_at(p, i), wg_plan_value_at(want, i)), __FILE__,
                          __LINE__, "%s, way %zu: output %d of %" PRId64 " x %" PRId64 " differs",
                          what, k, i, wg_shape_count(&shape) / shape.dim[shape.rank - 1],
                          shape.dim[shape.rank - 1]);
        in_steps = p ? count(p) : 0;
        wg_plan_free(p);
    }
    wg_plan_free(want);
    return in_steps;
}

static const int64_t extents[][2] = {
    { 2, 300 },   { 15, 64 },   { 16, 64 },   { 17, 33 },   { 100, 100 }, { 511, 20 },
    { 512, 16 },  { 513, 64 },  { 1024, 17 }, { 1500, 40 }, { 2048, 32 }, { 4100, 18 },
    { 520, 500 }, { 40, 1030 }, { 64, 2048 }, { 70, 70 },
};
enum { EXTENTS = sizeof extents / sizeof *extents };

/* The sum of a value that is read again, of one that is not, and of an operand; as gradients. */
static void sums_of_what_a_step_makes(void)
{
    fill();
    for (int k = 0; k < 2 * EXTENTS; k++) {
        int64_t rows = extents[k / 2][0], row = extents[k / 2][1];
        wg_dtype dtype = k % 2 ? WG_F64 : WG_F32;
        wg_shape shape = WG_SHAPE(rows, row);
        wg_graph *g = wg_graph_new();
        wg_tensor *a = wg_input(g, "a", dtype, shape), *b = wg_input(g, "b", dtype, shape);
        wg_tensor *c = wg_input(g, "c", dtype, WG_SHAPE(row)), *t = wg_tanh(wg_mul(a, b));
        wg_tensor *u = wg_sub(wg_mul(t, c), b);
        wg_tensor *out[] = { u, wg_sum(u, WG_AXES(0), false),
                             wg_sum(wg_square(u), WG_AXES(0), true),
                             wg_sum_to_like(wg_mul(u, t), c), wg_sum(a, WG_AXES(0), false) };
        bool fits = row * 16 * (dtype == WG_F64 ? 8 : 4) <= WG_COLUMN_BYTES;

        EQ_INT(compare(5, out, dtype, shape, "sums"), fits ? 4 : 0);
        wg_graph_free(g);
    }
    CHECK(sums > 400 && shared > 10);
}

/* What reads a sum runs in a later step; sums of lines stand beside sums of rows. */
static void sums_of_lines_and_of_rows(void)
{
    fill();
    for (int k = 0; k < EXTENTS; k++) {
        int64_t rows = extents[k][0], row = extents[k][1];
        wg_shape shape = WG_SHAPE(rows, row);
        wg_graph *g = wg_graph_new();
        wg_tensor *a = wg_input(g, "a", WG_F32, shape), *b = wg_input(g, "b", WG_F32, shape);
        wg_tensor *c = wg_input(g, "c", WG_F32, WG_SHAPE(row));
        wg_tensor *n = wg_sub(a, wg_mean(a, WG_AXES(-1), true)), *y = wg_relu(wg_add(n, c));
        wg_tensor *m = wg_mean(y, WG_AXES(0), true), *v = wg_var(wg_mul(b, y), WG_AXES(0), 0, true);
        wg_tensor *z = wg_mul(wg_sub(y, m), wg_rsqrt(wg_add(v, wg_scalar(g, WG_F32, 1e-3))));
        wg_tensor *wrt[] = { a, c }, *d[2], *out[OUTPUTS];

        wg_vjp_of(z, b, 2, wrt, d);
        out[0] = z;
        out[1] = d[0];
        out[2] = d[1];
        out[3] = wg_sum(wg_softmax(z, -1), WG_AXES(0), false);
        CHECK(compare(4, out, WG_F32, shape, "lines") > 0);
        wg_graph_free(g);
    }
}

/* As many rows as columns: a sum of rows has as many elements as one of lines, read as either. */
static void sums_of_squares(void)
{
    fill();
    for (int64_t n = 20; n <= 400; n += 190) {
        wg_shape shape = WG_SHAPE(n, n);
        wg_graph *g = wg_graph_new();
        wg_tensor *a = wg_input(g, "a", WG_F32, shape), *b = wg_input(g, "b", WG_F32, shape);
        wg_tensor *s = wg_sum(wg_mul(a, b), WG_AXES(0), true);
        wg_tensor *l = wg_sum(wg_mul(a, b), WG_AXES(1), true);
        wg_tensor *out[] = { wg_mul(wg_mul(a, b), wg_reshape(s, WG_SHAPE(n, 1))),
                             wg_add(wg_reshape(s, WG_SHAPE(n, 1)), l),
                             wg_mul(wg_add(a, b), wg_add(wg_reshape(s, WG_SHAPE(n, 1)), l)),
                             wg_sum(wg_mul(wg_tanh(a), l), WG_AXES(0), false),
                             wg_add(wg_mul(a, b), s) };

        CHECK(compare(5, out, WG_F32, shape, "squares") > 0);
        wg_graph_free(g);
    }
}

/* The sum goes into the store, where its step reads the old value of it. */
static void sums_as_updates(void)
{
    float first[64];

    fill();
    for (int k = 0; k < 64; k++) first[k] = (float)k / 8;
    for (int way = 0; way < 4; way++) {
        wg_plan_options o = { .threads = 1 + way % 2, .grain = way % 2 };
        float got[2][64];

        for (int with = 0; with < 2; with++) {
            wg_graph *g = wg_graph_new();
            wg_params *w = wg_params_new(WG_F32, 1);
            wg_tensor *a = wg_input(g, "a", WG_F32, WG_SHAPE(2048, 64)), *s, *x;
            wg_plan *p;

            wg_params_add(w, "s", WG_F32, WG_SHAPE(64), true, NULL, NULL);
            wg_params_set(w, "s", (wg_array){ { WG_F32, WG_SHAPE(64) }, first }, NULL);
            s = wg_param_leaf(g, w, "s");
            wg_begin(g, "f", WG_TRAIN);
            x = wg_mul(wg_mul(a, s), wg_scalar(g, WG_F32, 1e-3));
            if (way < 2) wg_output("y", wg_sum(wg_tanh(x), WG_AXES(1), false));
            wg_update("s", wg_sum(x, WG_AXES(0), false));
            wg_end(g);
            o.passes_off = with ? 0 : WG_PASS_ALL;
            p = wg_plan_new(g, w, "f", &o);
            wg_plan_feed(p, "a", (wg_array){ { WG_F32, WG_SHAPE(2048, 64) }, data32[0] });
            CHECK(wg_plan_run(p) == WG_OK && wg_plan_run(p) == WG_OK);
            if (with) CHECK(count(p) == 1);
            memcpy(got[with], wg_params_find(w, "s")->value.data, sizeof got[with]);
            wg_plan_free(p);
            wg_params_free(w);
            wg_graph_free(g);
        }
        CHECK(memcmp(got[0], got[1], sizeof got[0]) == 0);
    }
}

TESTS(TEST(sums_of_what_a_step_makes), TEST(sums_of_lines_and_of_rows), TEST(sums_of_squares),
      TEST(sums_as_updates))
