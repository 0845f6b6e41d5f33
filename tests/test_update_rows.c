/* test_update_rows.c: updates that add rows to a store entry: in place, with the bits of a plan
 * that copies, and nothing written when an index is out of range; plain SGD on tables. */
#include <wengert.h>

#include "harness.h"

enum { ROWS = 500, WIDTH = 8, TABLE = ROWS * WIDTH };

struct world {
    wg_graph *g;
    wg_params *w;
    wg_tensor *idx, *x; /* fed: i64 [n], f32 [n, WIDTH] */
};

static void table(struct world *o, const char *name, double first)
{
    static float v[TABLE];

    for (int i = 0; i < TABLE; i++) v[i] = (float)(first + 0.37 * i);
    EQ_INT(wg_params_add(o->w, name, WG_F32, WG_SHAPE(ROWS, WIDTH), true, NULL, NULL), WG_OK);
    EQ_INT(wg_params_set(o->w, name, WG_F32_ARRAY(v, ROWS, WIDTH), NULL), WG_OK);
}

/* Two tables, and a function about to be recorded. */
static struct world world_make(void)
{
    struct world o = { wg_graph_new(), wg_params_new(WG_F32, 3), NULL, NULL };

    table(&o, "a", -7);
    table(&o, "b", 11);
    o.idx = wg_input(o.g, "idx", WG_I64, WG_SHAPE(1));
    o.x = wg_input(o.g, "x", WG_F32, WG_SHAPE(1, WIDTH));
    wg_begin(o.g, "f", WG_TRAIN);
    return o;
}

static void world_free(struct world *o)
{
    wg_graph_free(o->g);
    wg_params_free(o->w);
}

static wg_tensor *leaf(const struct world *o, const char *name)
{
    return wg_param_leaf(o->g, o->w, name);
}

static const int64_t some[] = { 3, 499, 3, 0, 77 };

static wg_plan *ready(const struct world *o, wg_plan_options options)
{
    static float x[5 * WIDTH];
    wg_error error = { .code = WG_OK };
    wg_plan *p;

    wg_end(o->g);
    NO_ERROR(wg_graph_error(o->g));
    p = wg_plan_new_error(o->g, o->w, "f", &options, &error);
    NO_ERROR(&error);
    if (!p) return NULL;
    for (int i = 0; i < 5 * WIDTH; i++) x[i] = 0.1f * (float)(i - 9);
    wg_plan_feed(p, "idx", WG_I64_ARRAY(some, 5));
    wg_plan_feed(p, "x", WG_F32_ARRAY(x, 5, WIDTH));
    return p;
}

static void *entry(const struct world *o, const char *name)
{
    return wg_params_find(o->w, name)->value.data;
}

/* Ways to use a table besides its update; what makes a row of the table matters to some of them. */
static void record(struct world *o, int way)
{
    wg_tensor *a = leaf(o, "a"), *b = leaf(o, "b"), *idx = o->idx, *x = o->x, *sum;

    switch (way) {
    case 0: /* alone */
        wg_update("a", wg_scatter_add(a, idx, x, 0));
        break;
    case 1: /* rows made from what is read before, two tables */
        x = wg_mul(wg_gather(a, idx, 0), wg_gather(b, idx, 0));
        wg_output("x", x);
        wg_update("a", wg_scatter_add(a, idx, x, 0));
        wg_update("b", wg_scatter_add(b, idx, wg_neg(x), 0));
        break;
    case 2: /* the old table is an output */
        wg_output("old", a);
        wg_update("a", wg_scatter_add(a, idx, x, 0));
        break;
    case 3: /* the new table is an output */
        wg_output("new", wg_update("a", wg_scatter_add(a, idx, x, 0)));
        break;
    case 4: /* another update reads the old one, and the new one */
        sum = wg_scatter_add(a, idx, x, 0);
        wg_update("a", sum);
        wg_update("b", wg_add(wg_mul(a, b), sum));
        break;
    case 5: /* the rows are the table's own */
        idx = wg_arange(o->g, WG_I64, 0, ROWS, 1);
        wg_update("a", wg_scatter_add(a, idx, a, 0));
        break;
    case 6: /* one value, two entries */
        sum = wg_scatter_add(a, idx, x, 0);
        wg_update("a", sum);
        wg_update("b", sum);
        break;
    case 7: /* the other table's value */
        wg_update("a", wg_scatter_add(b, idx, x, 0));
        wg_update("b", wg_scatter_add(a, idx, x, 0));
        break;
    case 8: /* indices that only updates need */
        idx = wg_sub(wg_scalar_like(idx, ROWS - 1), idx);
        wg_update("a", wg_scatter_add(a, idx, x, 0));
        wg_update("b", wg_add(b, wg_scalar_like(b, 1)));
        break;
    case 9: /* one upon another */
        wg_update("a", wg_scatter_add(wg_scatter_add(a, idx, x, 0), idx, x, 0));
        break;
    default: /* the old table is read elsewhere later */
        wg_update("a", wg_scatter_add(a, idx, x, 0));
        wg_output("mean", wg_mean(wg_matmul_t(a, b, true, false), WG_ALL_AXES, false));
    }
}

enum { WAYS = 11 };

static void same_as_copying(void)
{
    for (int way = 0; way < WAYS; way++) {
        struct world o[2];

        for (int off = 0; off < 2; off++) {
            wg_plan_options options = { .passes_off = off ? WG_PASS_ALL : 0, .threads = 1 + off };
            wg_plan *p;

            o[off] = world_make();
            record(&o[off], way);
            p = ready(&o[off], options);
            REQUIRE(p != NULL);
            for (int run = 0; run < 3; run++) EQ_INT(wg_plan_run(p), WG_OK);
            NO_ERROR(wg_plan_error(p));
            wg_plan_free(p);
        }
        SAME_BITS(entry(&o[0], "a"), entry(&o[1], "a"), TABLE * 4);
        SAME_BITS(entry(&o[0], "b"), entry(&o[1], "b"), TABLE * 4);
        for (int off = 0; off < 2; off++) world_free(&o[off]);
    }
}

/* Where nothing else needs a copy of the table, there is none. */
static void in_place(void)
{
    static const int alone[] = { 0, 1 };

    for (int i = 0; i < 2; i++) {
        struct world o = world_make();
        wg_plan_stats stats;
        wg_plan *p;

        record(&o, alone[i]);
        p = ready(&o, (wg_plan_options){ 0 });
        REQUIRE(p != NULL);
        EQ_INT(wg_plan_run(p), WG_OK);
        wg_plan_report(p, &stats);
        CHECK(stats.arena_bytes < TABLE * 4 / 2);
        wg_plan_free(p);
        world_free(&o);
    }
}

/* An index out of range in either table, and nothing of any entry is written. */
static void all_or_nothing(void)
{
    for (int bad = 0; bad < 2; bad++) {
        struct world o = world_make();
        wg_tensor *other = wg_input(o.g, "other", WG_I64, WG_SHAPE(1));
        const int64_t wrong[] = { 1, ROWS };
        float was[2][TABLE];
        wg_plan *p;

        wg_params_add(o.w, "n", WG_F32, WG_SHAPE(1), true, NULL, NULL);
        wg_update("a", wg_scatter_add(leaf(&o, "a"), o.idx, o.x, 0));
        wg_update("b",
                  wg_scatter_add(leaf(&o, "b"), other, wg_gather(o.x, wg_zeros_like(other), 0), 0));
        wg_update("n", wg_add(leaf(&o, "n"), wg_scalar_like(leaf(&o, "n"), 1)));
        p = ready(&o, (wg_plan_options){ 0 });
        REQUIRE(p != NULL);
        wg_plan_feed(p, "other", WG_I64_ARRAY(some, 2));
        EQ_INT(wg_plan_run(p), WG_OK);
        memcpy(was[0], entry(&o, "a"), sizeof was[0]);
        memcpy(was[1], entry(&o, "b"), sizeof was[1]);
        if (bad) {
            wg_plan_feed(p, "other", WG_I64_ARRAY(wrong, 2));
        } else {
            static float x[2 * WIDTH];

            wg_plan_feed(p, "idx", WG_I64_ARRAY(wrong, 2));
            wg_plan_feed(p, "x", WG_F32_ARRAY(x, 2, WIDTH));
        }
        EQ_INT(wg_plan_run(p), WG_EINDEX);
        CHECK(strstr(wg_plan_error(p)->text,
                     "index 500 at [1] is out of range for axis 0 of f32[500 x 8]") != NULL);
        SAME_BITS(was[0], entry(&o, "a"), sizeof was[0]);
        SAME_BITS(was[1], entry(&o, "b"), sizeof was[1]);
        CLOSE1(((const float *)entry(&o, "n"))[0], 1, 0, 0);
        wg_plan_free(p);
        world_free(&o);
    }
}

/* Fed memory that is the table's own: nothing is written before all is read. */
static void fed_from_the_store(void)
{
    struct world o = world_make();
    float want[WIDTH], *a;
    wg_plan *p;

    record(&o, 0);
    p = ready(&o, (wg_plan_options){ 0 });
    REQUIRE(p != NULL);
    a = entry(&o, "a");
    for (int i = 0; i < WIDTH; i++) want[i] = a[3 * WIDTH + i] + a[i] + a[2 * WIDTH + i];
    wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(5, WIDTH), a));
    EQ_INT(wg_plan_run(p), WG_OK);
    CLOSE(a + 3 * WIDTH, want, WIDTH, 1e-6, 0);
    wg_plan_free(p);
    world_free(&o);
}

/* ---- plain SGD ---- */

/* Two looks into one table, as NCE's; the gradient is a sum of two lots of rows. Returns the
 * arena's bytes. A clip_norm that is never reached multiplies by one, and keeps the gradient whole.
 * */
static int64_t train(const char *optimizer, const int64_t *second, float *to)
{
    struct world o = world_make();
    wg_tensor *other = wg_input(o.g, "other", WG_I64, WG_SHAPE(1)), *y;
    wg_error error = { .code = WG_OK };
    wg_optim *sgd = wg_optim_from_text(o.w, "sgd", optimizer, &error);
    wg_plan_stats stats = { 0 };
    wg_plan *p;

    NO_ERROR(&error);
    wg_params_set_trainable(o.w, "b", false, NULL);
    y = wg_mul(wg_gather(leaf(&o, "a"), o.idx, 0), o.x);
    y = wg_add(wg_sum(wg_square(y), WG_ALL_AXES, false),
               wg_sum(wg_tanh(wg_gather(leaf(&o, "a"), other, 0)), WG_ALL_AXES, false));
    wg_minimize(sgd, wg_output("loss", y));
    p = ready(&o, (wg_plan_options){ 0 });
    CHECK(p != NULL);
    if (p) {
        wg_plan_feed(p, "other", WG_I64_ARRAY(second, 2));
        wg_plan_feed(p, "idx", WG_I64_ARRAY(some + 1, 4)); /* four different ones */
        wg_plan_feed(p, "x", WG_F32_ARRAY(((float[4 *WIDTH]){ 1, 2, 3, 0.5f }), 4, WIDTH));
        for (int run = 0; run < 4; run++) EQ_INT(wg_plan_run(p), WG_OK);
        wg_plan_report(p, &stats);
        memcpy(to, entry(&o, "a"), TABLE * 4);
    }
    wg_plan_free(p);
    wg_optim_free(sgd);
    world_free(&o);
    return stats.arena_bytes;
}

static void sgd_touches_used_rows(void)
{
    static const int64_t apart[] = { 5, 6 }, twice[] = { 77, 5 };
    static float rows[TABLE], whole[TABLE];
    int64_t few, many;

    few = train("SGD(lr=0.01)", apart, rows);
    many = train("SGD(lr=0.01, clip_norm=1e30)", apart, whole);
    SAME_BITS(rows, whole, sizeof rows);
    CHECK(many >= TABLE * 4);
    CHECK(few < TABLE * 4 / 2);
    /* a row that comes twice: its parts are subtracted one by one, not their sum */
    train("SGD(lr=0.01)", twice, rows);
    train("SGD(lr=0.01, clip_norm=1e30)", twice, whole);
    CLOSE(rows, whole, TABLE, 4e-7, 1e-6);
}

/* A column of numbers, gathered without its axis of one. */
static void rows_of_a_view(void)
{
    static const char *const text[] = { "SGD(lr=0.5)", "SGD(lr=0.5, clip_norm=1e30)" };
    float to[2][TABLE];

    for (int way = 0; way < 2; way++) {
        struct world o = world_make();
        wg_optim *sgd = wg_optim_from_text(o.w, "sgd", text[way], NULL);
        wg_plan_stats stats = { 0 };
        wg_plan *p;

        wg_params_set_trainable(o.w, "b", false, NULL);
        wg_params_add(o.w, "long", WG_F32, WG_SHAPE(1, TABLE), true, NULL, NULL);
        wg_minimize(
            sgd,
            wg_output("loss",
                      wg_sum(wg_exp(wg_gather(wg_squeeze(leaf(&o, "long"), WG_AXES(0)), o.idx, 0)),
                             WG_ALL_AXES, false)));
        p = ready(&o, (wg_plan_options){ 0 });
        REQUIRE(p != NULL);
        wg_plan_feed(p, "idx", WG_I64_ARRAY(some + 1, 4));
        for (int run = 0; run < 3; run++) EQ_INT(wg_plan_run(p), WG_OK);
        wg_plan_report(p, &stats);
        CHECK(way == 1 || stats.arena_bytes < TABLE);
        memcpy(to[way], entry(&o, "long"), sizeof to[way]);
        wg_plan_free(p);
        wg_optim_free(sgd);
        world_free(&o);
    }
    CHECK(to[0][some[1]] < -0.5f);
    SAME_BITS(to[0], to[1], sizeof to[0]);
}

/* What reads every row does so still. */
static void others_stay_whole(void)
{
    static const char *const text[] = { "SGD(lr=0.01, momentum=0.9)",
                                        "SGD(lr=0.01, weight_decay=0.1)",
                                        "SGD(lr=0.01, clip_global_norm=1e30)",
                                        "SGD(lr=0.01, accumulate=2)", "Adam(lr=0.01)" };
    static const int64_t apart[] = { 5, 6 };
    static float a[TABLE];

    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        harness_check(train(text[i], apart, a) > 0, __FILE__, __LINE__, "%s", text[i]);
    train("SGD(lr=0.01, weight_decay=0.1)", apart, a);
    CLOSE1(a[9 * WIDTH], (-7 + 0.37 * 9 * WIDTH) * pow(1 - 0.001, 4), 1e-5, 0);
}

TESTS(TEST(same_as_copying), TEST(in_place), TEST(all_or_nothing), TEST(fed_from_the_store),
      TEST(sgd_touches_used_rows), TEST(rows_of_a_view), TEST(others_stay_whole))
