/* test_plan_store.c: what a plan does to its store: updates, and that a failing run does nothing. */
#include "plan_world.h"

static float fa[1000];

/* ---- updates ---- */

/* Every way a new value may come about, in one run; with and without writing in place. */
static void updates_commit(void)
{
    for (unsigned off = 0; off < 2; off++) {
        struct world o = world_make();
        wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(4)), *a, *b, *c, *s;
        const float in[4] = { 5, 6, 7, 8 };
        wg_plan *p;

        a = entry(&o, "a", 4, 0);
        b = entry(&o, "b", 4, 10);
        c = entry(&o, "c", 4, 20);
        entry(&o, "d", 4, 30);
        entry(&o, "e", 4, 40);
        entry(&o, "fed", 4, 50);
        entry(&o, "same", 4, 60);
        entry(&o, "none", 0, 0);
        entry(&o, "one", 4, 70);
        s = p_add(c, x);
        wg_begin(o.g, "f", WG_TRAIN);
        wg_output("old", a);
        wg_output("view", wg_reshape(b, WG_SHAPE(2, 2)));
        wg_output("in", x);
        wg_output("k", wg_constant(o.g, WG_F32_ARRAY(in, 4)));
        wg_update("a", b); /* exchanged */
        wg_update("b", a);
        wg_update("c", s); /* one tensor, two entries */
        wg_update("d", s);
        wg_update("e", p_add(wg_param_leaf(o.g, o.w, "e"),
                             wg_param_leaf(o.g, o.w, "d"))); /* reads what changes */
        wg_update("fed", x);
        wg_update("same", wg_param_leaf(o.g, o.w, "same"));
        wg_update("none", wg_param_leaf(o.g, o.w, "none"));
        wg_update("one", wg_constant(o.g, WG_F32_ARRAY(in, 4)));
        wg_end(o.g);
        p = plan_with(&o, (wg_plan_options){ .passes_off = off ? WG_PASS_ALL : 0 });
        REQUIRE(p != NULL);
        wg_plan_feed(p, "x", WG_F32_ARRAY(in, 4));
        for (int run = 0; run < 3; run++) {
            float was_a = at(&o, "a", 1), was_b = at(&o, "b", 1);

            CHECK(wg_plan_run(p) == WG_OK);
            NO_ERROR(wg_plan_error(p));
            CLOSE1(at(&o, "a", 1), was_b, 0, 0);
            CLOSE1(at(&o, "b", 1), was_a, 0, 0);
            CLOSE1(value(p, "old", 1), was_a, 0, 0); /* outputs are made from the old store */
            CLOSE1(value(p, "view", 1), was_b, 0, 0);
            CLOSE1(value(p, "in", 3), 8, 0, 0);
            CLOSE1(value(p, "k", 2), 7, 0, 0);
        }
        CLOSE1(at(&o, "c", 2), 22 + 3 * 7, 0, 0);
        CLOSE1(at(&o, "d", 2), 22 + 3 * 7, 0, 0);
        CLOSE1(at(&o, "e", 2), 42 + 32 + (22 + 7) + (22 + 14), 0, 0);
        CLOSE1(at(&o, "fed", 3), 8, 0, 0);
        CLOSE1(at(&o, "same", 3), 63, 0, 0);
        CLOSE1(at(&o, "one", 0), 5, 0, 0);
        wg_plan_free(p);
        world_free(&o);
    }
}

/* All three arrays have one size, so they go in one step, which writes straight into the store. */
static void optimiser_is_one_step(void)
{
    for (int64_t n = 3; n < 100000; n *= 30) {
        float want[2][4];

        for (unsigned off = 0; off < 2; off++) {
            struct world o = world_make();
            wg_plan_stats stats;
            wg_plan *p;

            wg_begin(o.g, "f", WG_TRAIN);
            momentum(&o, n, "W", "M");
            wg_end(o.g);
            p = plan_with(&o, (wg_plan_options){ .passes_off = off ? WG_PASS_ALL : 0 });
            REQUIRE(p != NULL);
            wg_plan_feed(p, "x", WG_F32_ARRAY(((float[]){ 0.001f }), 1));
            CHECK(wg_plan_run(p) == WG_OK && wg_plan_run(p) == WG_OK);
            CHECK(wg_plan_report(p, &stats) == WG_OK);
            if (off == 0) {
                EQ_INT(stats.steps, 3); /* product, total, everything else */
                EQ_INT(stats.fused_entries, 5);
                /* product and the sum's own memory, the sum; W and M need none */
                CHECK(stats.arena_bytes <= 2 * 4 * n + 3 * 64 + 20000);
            }
            want[off][0] = at(&o, "W", 1);
            want[off][1] = at(&o, "M", n - 1);
            want[off][2] = at(&o, "W", n / 2);
            want[off][3] = at(&o, "M", 0);
            wg_plan_free(p);
            world_free(&o);
        }
        SAME_BITS(want[0], want[1], sizeof want[0]);
    }
}

/* An old value that is read later, or through another shape, must be read before it is written over. */
static void old_values_are_read_first(void)
{
    for (unsigned off = 0; off < 2; off++) {
        struct world o = world_make();
        wg_tensor *a = entry(&o, "a", 3, 1), *b, *c;
        float *b_data, *c_data;
        wg_plan *p;

        wg_params_add(o.w, "b", WG_F32, WG_SHAPE(3, 3), true, NULL, NULL);
        wg_params_add(o.w, "c", WG_F32, WG_SHAPE(1), true, NULL, NULL);
        b_data = wg_params_find(o.w, "b")->value.data;
        c_data = wg_params_find(o.w, "c")->value.data;
        b = wg_param_leaf(o.g, o.w, "b");
        c = wg_param_leaf(o.g, o.w, "c");
        wg_begin(o.g, "f", WG_TRAIN);
        wg_update("a", p_add(a, c));
        wg_update("b", p_add(b, a)); /* reads a row by row */
        wg_update("c", p_add(c, p_mul(c, c)));
        wg_update("d", p_add(entry(&o, "d", 3, 0), a)); /* beside the new a, which comes first */
        wg_end(o.g);
        p = plan_with(&o, (wg_plan_options){ .passes_off = off ? WG_PASS_ALL : 0 });
        REQUIRE(p != NULL);
        c_data[0] = 1;
        CHECK(wg_plan_run(p) == WG_OK);
        CLOSE(b_data, ((float[]){ 1, 2, 3, 1, 2, 3, 1, 2, 3 }), 9, 0, 0);
        CHECK(wg_plan_run(p) == WG_OK);
        CLOSE(b_data, ((float[]){ 3, 5, 7, 3, 5, 7, 3, 5, 7 }), 9, 0, 0);
        CLOSE1(at(&o, "a", 2), 6, 0, 0);
        CLOSE1(at(&o, "c", 0), 6, 0, 0);
        CLOSE1(at(&o, "d", 2), 2 + 3 + 4, 0, 0);
        wg_plan_free(p);
        world_free(&o);
    }
}

/* Fed memory that is the store's own, or the plan's own output. */
static void feeds_its_own_memory(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(4)), *a = entry(&o, "a", 4, 1);
    wg_plan *p;

    wg_begin(o.g, "f", WG_TRAIN);
    wg_update("a", p_add(a, a));
    wg_output("y", p_add(p_total(x), x));
    wg_output("z", p_mul(x, a));
    wg_end(o.g);
    p = plan(&o);
    REQUIRE(p != NULL);
    wg_plan_feed(p, "x", wg_params_find(o.w, "a")->value);
    CHECK(wg_plan_run(p) == WG_OK);
    CLOSE_ARRAY(wg_plan_value(p, "y"), ((float[]){ 11, 12, 13, 14 }), 4, 0, 0);
    CLOSE_ARRAY(wg_plan_value(p, "z"), ((float[]){ 1, 4, 9, 16 }), 4, 0, 0);
    CLOSE1(at(&o, "a", 3), 8, 0, 0);
    CHECK(wg_plan_feed(p, "x", *wg_plan_value(p, "y")) == WG_OK);
    CHECK(wg_plan_run(p) == WG_OK);
    CLOSE_ARRAY(wg_plan_value(p, "y"), ((float[]){ 61, 62, 63, 64 }), 4, 0, 0);
    CLOSE_ARRAY(wg_plan_value(p, "z"), ((float[]){ 22, 48, 78, 112 }), 4, 0, 0);
    wg_plan_free(p);
    world_free(&o);
}

/* ---- failures ---- */

/* A function with several refusing entries among its updates; each in turn is made to refuse. */
static void failing_step(unsigned off, bool check)
{
    struct world o = world_make();
    wg_tensor *x[5];
    char name[8];
    size_t bytes;
    unsigned char *before;
    wg_plan *p;
    float bad = -77, nan_value = NAN, good = 1;

    wg_begin(o.g, "f", WG_TRAIN);
    for (int i = 0; i < 5; i++) {
        wg_tensor *a, *t;

        snprintf(name, sizeof name, "x%d", i);
        x[i] = wg_input(o.g, name, WG_F32, WG_SHAPE(1));
        snprintf(name, sizeof name, "a%d", i);
        a = entry(&o, name, 100, (float)i);
        t = p_total(x[i]);
        /* the update does not depend on every refusing entry */
        wg_update(name, i % 2 ? p_add(a, t) : p_add(a, a));
        wg_output(name, t);
    }
    wg_end(o.g);
    p = plan_with(&o, (wg_plan_options){ .passes_off = off, .check = check });
    before = snapshot(o.w, &bytes);
    REQUIRE(p != NULL);
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 5; k++) {
            snprintf(name, sizeof name, "x%d", k);
            wg_plan_feed(p, name, WG_F32_ARRAY(k == i ? check ? &nan_value : &bad : &good, 1));
        }
        CHECK(wg_plan_run(p) == (check ? WG_ENONFINITE : WG_EINDEX));
        if (check) {
            char text[80];

            snprintf(text, sizeof text,
                     "input: first non-finite value at [0] of f32[1], fed as \"x%d\"", i);
            ERROR_IS(wg_plan_error(p), WG_ENONFINITE, text, wg_tensor_site(x[i]));
        } else {
            ERROR_IS(wg_plan_error(p), WG_EINDEX, "total: the first element is -77",
                     wg_tensor_site(wg_function_output(o.g, 0, i)));
        }
        CHECK(wg_plan_value_at(p, 0) == NULL);
        same_store(o.w, before);
    }
    for (int k = 0; k < 5; k++) {
        snprintf(name, sizeof name, "x%d", k);
        wg_plan_feed(p, name, WG_F32_ARRAY(&good, 1));
    }
    CHECK(wg_plan_run(p) == WG_OK);
    CLOSE1(at(&o, "a3", 5), 9, 0, 0);
    CLOSE1(at(&o, "a4", 5), 18, 0, 0);
    free(before);
    wg_plan_free(p);
    world_free(&o);
}

static void a_failing_run_leaves_the_store(void)
{
    failing_step(0, false);
    failing_step(WG_PASS_ALL, false);
    failing_step(WG_PASS_FUSE, false);
    failing_step(WG_PASS_IN_PLACE, false);
    failing_step(0, true);
}

/* A new value that something refusing reads: it may not be in the store yet. */
static void refused_after_the_new_value(void)
{
    struct world o = world_make();
    wg_tensor *a = entry(&o, "a", 4, -38.5f), *b;
    wg_plan *p;

    wg_begin(o.g, "f", WG_TRAIN);
    b = p_add(a, a);
    wg_update("a", b);
    wg_output("t", p_total(b));
    wg_end(o.g);
    p = plan(&o);
    REQUIRE(p != NULL);
    CHECK(wg_plan_run(p) == WG_EINDEX);
    CLOSE1(at(&o, "a", 0), -38.5, 0, 0);
    wg_plan_free(p);
    world_free(&o);
}

/* The other errors of a run. */
static void errors_before_the_first_step(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(3)), *a = entry(&o, "a", 3, 1), *t;
    size_t bytes;
    unsigned char *before;
    char text[160];
    wg_plan *p;

    wg_begin(o.g, "f", WG_TRAIN);
    wg_output("n", p_total(p_mul(x, x)));
    t = p_add(a, x);
    wg_update("a", t);
    wg_end(o.g);
    p = plan_with(&o, (wg_plan_options){ .max_bytes = 4096 });
    REQUIRE(p != NULL);
    before = snapshot(o.w, &bytes);
    CHECK(wg_plan_run(p) == WG_ESTATE);
    same_store(o.w, before);
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 1000));
    CHECK(wg_plan_run(p) == WG_ESHAPE); /* [3] with [1000] */
    same_store(o.w, before);
    wg_plan_free(p);
    world_free(&o);

    o = world_make();
    x = wg_input(o.g, "x", WG_F32, WG_SHAPE(3));
    a = entry(&o, "a", 3, 1);
    free(before);
    before = snapshot(o.w, &bytes);
    wg_begin(o.g, "f", WG_TRAIN);
    wg_output("n", p_total(p_mul(x, x)));
    wg_update("a", p_add(a, a));
    t = wg_update("rng/run", p_add(wg_param_leaf(o.g, o.w, "rng/run"), wg_scalar(o.g, WG_I64, 1)));
    wg_end(o.g);
    p = plan_with(&o, (wg_plan_options){ .max_bytes = 4096, .passes_off = WG_PASS_REUSE });
    REQUIRE(p != NULL);
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 1000));
    CHECK(wg_plan_run(p) == WG_ELIMIT);
    snprintf(text, sizeof text, "plan_run: the values need %d bytes, allowed are 4096: allow more or feed less; "
             "largest: mul f32[1000], total f32[]",
             4032 + 4032 + 64);
    ERROR_IS(wg_plan_error(p), WG_ELIMIT, text, NULL);
    same_store(o.w, before);
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 10));
    CHECK(wg_plan_run(p) == WG_OK);
    EQ_INT(*(int64_t *)wg_params_find(o.w, "rng/run")->value.data, 1);
    wg_plan_free(p);
    free(before);
    world_free(&o);
}

/* An update whose extents depend on what is fed. */
static void update_of_other_extents(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(3)), *t;
    wg_plan *p;

    entry(&o, "a", 3, 1);
    wg_begin(o.g, "f", WG_TRAIN);
    t = wg_update("a", p_add(x, x));
    wg_end(o.g);
    p = plan(&o);
    REQUIRE(p != NULL);
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 4));
    CHECK(wg_plan_run(p) == WG_ESHAPE);
    ERROR_IS(wg_plan_error(p), WG_ESHAPE, "plan_run: update of \"a\", which is f32[3], with f32[4]",
             wg_tensor_site(t));
    CLOSE1(at(&o, "a", 0), 1, 0, 0);
    wg_plan_free(p);
    world_free(&o);
}

static void finite_check_names_the_first(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(2, 3)), *a = entry(&o, "a", 3, 1), *l, *d;
    float ok[6] = { 1, 2, 3, 4, 5, 6 }, zero[6] = { 1, 2, 3, 4, 0, 6 },
          low[6] = { 1, 2, 3, -1, 0, 6 };
    wg_tensor *inf = wg_scalar(o.g, WG_F32, INFINITY);
    wg_plan *p;

    wg_begin(o.g, "f", WG_TRAIN);
    wg_scope_begin(o.g, "loss");
    l = p_log(x);
    d = p_sub(l, p_pick(p_less(x, inf), l, inf)); /* a constant may be infinite; inf - inf is not */
    wg_scope_end(o.g);
    wg_output("s", p_total(d));
    wg_update("a", p_add(a, a));
    wg_end(o.g);
    p = plan_with(&o, (wg_plan_options){ .check = true });
    REQUIRE(p != NULL);
    wg_plan_feed(p, "x", WG_F32_ARRAY(ok, 2, 3));
    CHECK(wg_plan_run(p) == WG_OK);
    NO_ERROR(wg_plan_error(p));
    wg_plan_feed(p, "x", WG_F32_ARRAY(zero, 2, 3));
    CHECK(wg_plan_run(p) == WG_ENONFINITE);
    ERROR_IS(wg_plan_error(p), WG_ENONFINITE,
             "log: first non-finite value at [1, 1] of f32[2 x 3], operand was 0",
             wg_tensor_site(l));
    EQ_STR(wg_plan_error(p)->scope, "loss");
    wg_plan_feed(p, "x", WG_F32_ARRAY(low, 2, 3));
    CHECK(wg_plan_run(p) == WG_ENONFINITE);
    ERROR_IS(wg_plan_error(p), WG_ENONFINITE,
             "log: first non-finite value at [1, 0] of f32[2 x 3], operand was -1",
             wg_tensor_site(l));
    CLOSE1(at(&o, "a", 0), 2, 0, 0);
    ((float *)wg_params_find(o.w, "a")->value.data)[2] = NAN;
    wg_plan_feed(p, "x", WG_F32_ARRAY(ok, 2, 3));
    CHECK(wg_plan_run(p) == WG_ENONFINITE);
    ERROR_IS(wg_plan_error(p), WG_ENONFINITE,
             "parameter: first non-finite value at [2] of f32[3], store entry \"a\"",
             wg_tensor_site(a));
    ((float *)wg_params_find(o.w, "a")->value.data)[2] = 3e38f;
    CHECK(wg_plan_run(p) == WG_ENONFINITE);
    ERROR_IS(wg_plan_error(p), WG_ENONFINITE,
             "add: first non-finite value at [2] of f32[3], operands were 3e+38, 3e+38",
             wg_tensor_site(wg_function_update(o.g, 0, 0)));
    wg_plan_free(p);
    world_free(&o);
}

TESTS(TEST(updates_commit), TEST(optimiser_is_one_step), TEST(old_values_are_read_first),
      TEST(feeds_its_own_memory), TEST(a_failing_run_leaves_the_store),
      TEST(refused_after_the_new_value), TEST(errors_before_the_first_step),
      TEST(update_of_other_extents), TEST(finite_check_names_the_first))
