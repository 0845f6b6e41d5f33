/* test_plan_inline.c: a product that is added to what lies in memory is added there by its own
 * kernel, rows that are products and are added at indices by one, and means of gathered rows are made
 * by one, with the bits of one after the other (WG_PASS_INLINE). */
#define _POSIX_C_SOURCE 200112L
#include <stdlib.h>

#include "graph/plan.h"

#include <wengert.h>

#include "harness.h"

enum { MOST = 300 * 260 };

static float data[4][MOST];
static double wide[4][MOST];
static const char *const names[] = { "x", "w", "b", "c" };

static void fill(void)
{
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < MOST; i++)
            data[k][i] = (float)(wide[k][i] = sin(i * 0.7 + k) / (k + 2));
}

/* Operands of a sum: [m, k] and [k, n], turned where the flags say so; a row of n; [m, n]. */
typedef struct {
    wg_graph *g;
    wg_tensor *x, *w, *b, *c, *product;
    wg_dtype dtype;
    int64_t m, n, k;
    bool ta, tb;
} operands;

static void record(operands *o)
{
    o->g = wg_graph_new();
    o->x = wg_input(o->g, "x", o->dtype, o->ta ? WG_SHAPE(o->k, o->m) : WG_SHAPE(o->m, o->k));
    o->w = wg_input(o->g, "w", o->dtype, o->tb ? WG_SHAPE(o->n, o->k) : WG_SHAPE(o->k, o->n));
    o->b = wg_input(o->g, "b", o->dtype, WG_SHAPE(1, o->n));
    o->c = wg_input(o->g, "c", o->dtype, WG_SHAPE(o->m, o->n));
    o->product = wg_matmul_t(o->x, o->w, o->ta, o->tb);
}

static wg_plan *run(const operands *o, wg_tensor *y, wg_plan_options options)
{
    wg_tensor *const leaf[] = { o->x, o->w, o->b, o->c };
    wg_plan *p = wg_plan_of(1, &y, NULL, &options, NULL);

    if (!CHECK(p != NULL)) return NULL;
    for (int k = 0; k < 4; k++) {
        void *from = o->dtype == WG_F32 ? (void *)data[k] : (void *)wide[k];
        wg_status got = wg_plan_feed(p, names[k], (wg_array){ *wg_tensor_type(leaf[k]), from });

        CHECK(got == WG_OK || got == WG_ENAME); /* not every sum reads all */
    }
    EQ_INT(wg_plan_run(p), WG_OK);
    EQ_INT(wg_plan_run(p), WG_OK);
    return p;
}

/* The same bits with the pass and without, at every level, with one thread and with `most`; so many
 * products are made inside. */
static void compare(const operands *o, wg_tensor *y, int most, int64_t inside)
{
    static const char *const level[] = { "0", "1", "2" };
    int highest = wg_level();

    for (int i = 0; i <= highest; i++) {
        setenv("WENGERT_LEVEL", level[i], 1);
        for (int threads = 1; threads <= most; threads += most - 1) {
            wg_plan_options with = { .threads = threads, .grain = 1 }, without = with;
            wg_plan *p = run(o, y, with), *q;

            without.passes_off = WG_PASS_INLINE;
            q = run(o, y, without);
            if (p && q) {
                const wg_array *a = wg_plan_value_at(p, 0), *b = wg_plan_value_at(q, 0);

                CHECK(wg_type_equal(&a->type, &b->type) &&
                      memcmp(a->data, b->data, (size_t)wg_type_bytes(&a->type)) == 0);
                EQ_INT(p->now->stats.inlined, inside);
                EQ_INT(q->now->stats.inlined, 0);
            }
            wg_plan_free(p);
            wg_plan_free(q);
        }
    }
    unsetenv("WENGERT_LEVEL");
}

/* Whole tiles and parts of them, packed and read in place, and products that are summed in another
 * way. */
static void sizes(void)
{
    static const struct {
        int64_t m, n, k;
        int ways; /* of ta, tb: bits of the products that may be made inside */
    } list[] = {
        { 32, 128, 128, 15 }, { 33, 47, 19, 15 }, { 300, 70, 12, 15 },
        { 32, 2, 256, 15 },   { 12, 40, 7, 15 },  { 60, 260, 200, 15 },
        { 1, 70, 50, 3 },     { 4, 33, 50, 11 },  { 9, 1, 50, 0 },
        { 20, 20, 257, 0 },   { 20, 20, 1, 0 },   { 9, 7, 50, 0 }, /* too small to pay */
    };

    fill();
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        for (int way = 0; way < 8; way++) {
            operands o = { .dtype = way & 4 ? WG_F64 : WG_F32,
                           .m = list[i].m,
                           .n = list[i].n,
                           .k = list[i].k,
                           .ta = way & 1,
                           .tb = way >> 1 & 1 };
            int64_t inside = list[i].ways >> (way & 3) & 1;

            record(&o);
            compare(&o, wg_tanh(wg_add(o.product, o.c)), 2, inside);
            compare(&o, wg_tanh(wg_add(o.b, o.product)), 2, inside);
            wg_graph_free(o.g);
        }
}

/* ((x w + y) + x w') + ...: each sum is made by the last of its products. */
static void sums_of_products(void)
{
    operands o = { .dtype = WG_F32, .m = 32, .n = 40, .k = 24 };
    wg_tensor *sum;

    fill();
    record(&o);
    sum = o.product;
    for (int i = 0; i < 5; i++) {
        wg_tensor *w = wg_mul(o.w, wg_scalar_like(o.w, 2 + i));

        sum = wg_add(sum, wg_matmul(o.x, w));
    }
    compare(&o, wg_tanh(sum), 2, 5);
    wg_graph_free(o.g);
}

/* Read twice, asked for, added to what a chain makes, or repeated by the sum. */
static void not_always(void)
{
    operands o = { .dtype = WG_F32, .m = 20, .n = 30, .k = 24 };
    wg_tensor *column;

    fill();
    record(&o);
    compare(&o, wg_mul(wg_add(o.product, o.c), o.product), 2, 0);
    compare(&o, wg_add(o.product, o.c), 2, 0);
    compare(&o, wg_tanh(wg_add(o.product, wg_exp(o.c))), 2, 0);
    compare(&o, wg_tanh(wg_add(o.product, wg_reshape(o.product, WG_SHAPE(1, 20, 30)))), 2, 0);
    column = wg_sum(o.c, WG_AXES(1), true);
    compare(&o, wg_tanh(wg_add(o.product, column)), 2, 0);
    wg_graph_free(o.g);
}

/* Rows at indices, of which some come again: enough of them for three threads, which share the
 * places or, where these are few, the columns. One in eight elements is -0. */
static void rows_at_indices(void)
{
    enum { GROUPS = 70, EACH = 5, ROWS = GROUPS * EACH };
    static const struct {
        int64_t places, columns;
    } list[] = { { 400, 161 }, { 7, 215 }, { 1, 200 }, { 50, 145 } };
    static int64_t index[ROWS];

    fill();
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < MOST; i += 8) data[k][i] = -0.f, wide[k][i] = -0.;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        for (int way = 0; way < 8; way++) {
            int64_t n = list[i].columns;
            operands o = { .g = wg_graph_new(), .dtype = way & 4 ? WG_F64 : WG_F32 };
            bool outer = !(way & 1), scaled = way & 1 || way & 2;
            wg_tensor *idx, *rows, *y;

            for (int k = 0; k < ROWS; k++) index[k] = k * k * 7 % list[i].places;
            o.x = wg_input(o.g, "x", o.dtype, WG_SHAPE(GROUPS, EACH, 1));
            o.w = wg_input(o.g, "w", o.dtype, outer ? WG_SHAPE(GROUPS, 1, n) : WG_SHAPE(ROWS, n));
            o.b = wg_input(o.g, "b", o.dtype, WG_SHAPE(1));
            o.c = wg_input(o.g, "c", o.dtype, WG_SHAPE(list[i].places, n));
            idx = wg_constant(o.g, (wg_array){ { WG_I64, WG_SHAPE(ROWS) }, index });
            rows = outer ? wg_reshape(wg_matmul(o.x, o.w), WG_SHAPE(ROWS, n)) : o.w;
            if (scaled) rows = way & 2 ? wg_mul(o.b, rows) : wg_mul(rows, o.b);
            y = way == 3 ? wg_scatter_add_like(rows, idx, o.c, 0)
                         : wg_scatter_add(o.c, idx, rows, 0);
            compare(&o, y, 3, outer + scaled);
            wg_graph_free(o.g);
        }
}

/* Weighted sums of gathered rows, divided by a number for each, for all, or for each column; added to
 * a row. */
static void means_of_rows(void)
{
    static const int64_t columns[] = { 2, 16, 47, 64, 111, 300 };
    static int64_t index[40 * 5];

    fill();
    for (int i = 0; i < 200; i++) index[i] = i * i % 37;
    for (int way = 0; way < 12; way++) {
        int64_t n = columns[way / 2], batch = 40;
        operands o = { .g = wg_graph_new(), .dtype = way & 1 ? WG_F64 : WG_F32 };
        wg_tensor *idx, *sum, *by;

        o.x = wg_input(o.g, "x", o.dtype, WG_SHAPE(batch, 1, 5));
        o.w = wg_input(o.g, "w", o.dtype, WG_SHAPE(37, n));
        o.b = wg_input(o.g, "b", o.dtype, WG_SHAPE(1, n));
        o.c = wg_input(o.g, "c", o.dtype, WG_SHAPE(batch, 1, 1));
        idx = wg_constant(o.g, (wg_array){ { WG_I64, WG_SHAPE(batch, 5) }, index });
        sum = wg_matmul(o.x, wg_gather(o.w, idx, 0));
        by = wg_add(o.c, wg_scalar_like(o.c, 2));
        compare(&o, wg_tanh(wg_div(sum, o.c)), 2, 2);
        compare(&o, wg_tanh(wg_div(sum, by)), 2, n <= 64 ? 1 : 2); /* made beside what it divides */
        compare(&o, wg_tanh(wg_div(sum, o.b)), 2, 1);
        compare(&o, wg_tanh(wg_div(wg_broadcast_like(o.c, sum), sum)), 2, 1);
        compare(&o, wg_tanh(wg_div(sum, sum)), 2, 1);
        compare(&o, wg_div(sum, o.c), 2, 1); /* asked for */
        idx = wg_constant(o.g, (wg_array){ { WG_I64, WG_SHAPE(5) }, index });
        sum = wg_matmul(wg_slice_axis(wg_reshape(o.x, WG_SHAPE(batch, 5)), 0, 0, 1, 1),
                        wg_gather(o.w, idx, 0));
        compare(&o, wg_tanh(wg_add(sum, o.b)), 2, 1);
        wg_graph_free(o.g);
    }
}

TESTS(TEST(means_of_rows), TEST(rows_at_indices), TEST(sizes), TEST(sums_of_products),
      TEST(not_always))
