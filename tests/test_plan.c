/* test_plan.c: plans: feeding, running, reading; draws; simplification. */
#include "plan_world.h"

static float fa[1 << 18], fb[1 << 18];

/* ---- running and reading ---- */

/* x w + b, w [3] and b [3] in the store */
static void line(struct world *o)
{
    wg_tensor *x = wg_input(o->g, "x", WG_F32, WG_SHAPE(1, 3));

    wg_begin(o->g, "f", WG_PREDICT);
    wg_output("y", p_add(p_mul(x, entry(o, "w", 3, 1)), entry(o, "b", 3, 10)));
    wg_end(o->g);
}

static void runs_at_any_batch(void)
{
    struct world o = world_make();
    wg_plan_stats stats;
    wg_plan *p;

    line(&o);
    p = plan(&o);
    REQUIRE(p != NULL);
    for (int round = 0; round < 2; round++)
        for (int64_t n = 1; n <= 20000; n = n * 3 + 1) {
            int64_t wrong = 0;

            for (int64_t i = 0; i < 3 * n; i++) fa[i] = (float)i;
            CHECK(wg_plan_feed(p, "x", WG_F32_ARRAY(fa, n, 3)) == WG_OK);
            CHECK(wg_plan_run(p) == WG_OK);
            REQUIRE(wg_plan_value(p, "y") && wg_plan_value(p, "y")->type.shape.dim[0] == n);
            for (int64_t i = 0; i < 3 * n; i++)
                wrong += value(p, "y", i) != (float)i * (float)(i % 3 + 1) + (float)(i % 3 + 10);
            EQ_INT(wrong, 0);
        }
    CHECK(wg_plan_report(p, &stats) == WG_OK);
    EQ_INT(stats.specialisations, 4);
    EQ_INT(stats.steps, 1);
    EQ_INT(stats.fused_entries, 2);
    EQ_INT(stats.entries, 5);
    EQ_INT(stats.runs, 18);
    EQ_INT(stats.param_bytes, 24);
    wg_plan_free(p);
    world_free(&o);
}

/* Specialisations share an arena; one that has moved meanwhile must still be right. */
static void arena_moves(void)
{
    static const int64_t sizes[] = { 2, 600, 2, 9000, 2, 600, 80000, 2, 9000, 600 };
    struct world o = world_make();
    wg_plan *p;

    line(&o);
    p = plan(&o);
    REQUIRE(p != NULL);
    for (int k = 0; k < 10; k++) {
        for (int64_t i = 0; i < 3 * sizes[k]; i++) fa[i] = (float)(i + k);
        wg_plan_feed(p, "x", WG_F32_ARRAY(fa, sizes[k], 3));
        CHECK(wg_plan_run(p) == WG_OK);
        CLOSE1(value(p, "y", 4), (4 + k) * 2 + 11, 0, 0);
        CLOSE1(value(p, "y", 3 * sizes[k] - 1), (float)(3 * sizes[k] - 1 + k) * 3 + 12, 0, 0);
    }
    wg_plan_free(p);
    world_free(&o);
}

static void broadcasts(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(1, 1, 1)),
              *a = wg_input(o.g, "a", WG_F32, WG_SHAPE(1, 1, 1)), *t;
    static const int64_t shapes[][6] = { { 5, 7, 3, 1, 7, 1 },     { 5, 7, 3, 5, 1, 3 },
                                         { 40, 3, 50, 40, 1, 50 }, { 40, 3, 50, 1, 3, 1 },
                                         { 2, 1, 900, 1, 1, 900 }, { 2, 2, 2500, 1, 1, 2500 },
                                         { 0, 2, 3, 1, 2, 1 },     { 3, 2, 3, 1, 1, 1 },
                                         { 600, 1, 4, 600, 1, 1 }, { 4, 30, 30, 4, 1, 1 } };
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    t = p_mul(x, a);
    wg_output("y", p_pick(p_less(t, p_sub(a, x)), p_add(t, a), a));
    wg_end(o.g);
    p = plan_with(&o, (wg_plan_options){ .threads = 3, .grain = 1 });
    REQUIRE(p != NULL);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        const int64_t *d = shapes[s];
        int64_t n = d[0] * d[1] * d[2], m = d[3] * d[4] * d[5], wrong = 0;

        for (int64_t i = 0; i < n; i++) fa[i] = (float)(i % 23) - 11;
        for (int64_t i = 0; i < m; i++) fb[i] = (float)(i % 19) - 9;
        wg_plan_feed(p, "x", wg_array_of(WG_F32, wg_shape_of(3, d), fa));
        wg_plan_feed(p, "a", wg_array_of(WG_F32, wg_shape_of(3, d + 3), fb));
        CHECK(wg_plan_run(p) == WG_OK);
        NO_ERROR(wg_plan_error(p));
        for (int64_t i = 0; i < n; i++) {
            int64_t i2 = i % d[2], i1 = i / d[2] % d[1], i0 = i / d[2] / d[1];
            float av =
                fb[((d[3] > 1 ? i0 : 0) * d[4] + (d[4] > 1 ? i1 : 0)) * d[5] + (d[5] > 1 ? i2 : 0)];
            float tv = fa[i] * av;

            wrong += value(p, "y", i) != (tv < av - fa[i] ? tv + av : av);
        }
        EQ_INT(wrong, 0);
    }
    wg_plan_free(p);
    world_free(&o);
}

/* A step may read more operands that broadcast than anybody would list. */
static void many_broadcast_operands(void)
{
    enum { N = 40, ROWS = 700, COLUMNS = 10 };
    struct world o = world_make();
    wg_tensor *y = wg_input(o.g, "x", WG_F32, WG_SHAPE(ROWS, COLUMNS));
    int64_t wrong = 0;
    char name[16];
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "b%d", i);
        y = wg_add(y, wg_input(o.g, name, WG_F32, WG_SHAPE(COLUMNS)));
    }
    wg_output("y", y);
    wg_end(o.g);
    p = plan_with(&o, (wg_plan_options){ .threads = 1 });
    REQUIRE(p != NULL);
    for (int64_t i = 0; i < ROWS * COLUMNS; i++) fa[i] = (float)(i % 23);
    for (int64_t i = 0; i < N * COLUMNS; i++) fb[i] = (float)(i / COLUMNS + i % COLUMNS);
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, ROWS, COLUMNS));
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "b%d", i);
        wg_plan_feed(p, name, WG_F32_ARRAY(fb + i * COLUMNS, COLUMNS));
    }
    CHECK(wg_plan_run(p) == WG_OK);
    NO_ERROR(wg_plan_error(p));
    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        wrong += value(p, "y", i) != (float)(i % 23 + N * (N - 1) / 2 + N * (i % COLUMNS));
    EQ_INT(wrong, 0);
    wg_plan_free(p);
    world_free(&o);
}

static void asked_too_early_or_wrongly(void)
{
    struct world o = world_make();
    wg_error error;
    wg_tensor *x;
    wg_plan *p;
    double d = 1;

    line(&o);
    x = wg_function_output(o.g, 0, 0);
    p = plan(&o);
    REQUIRE(p != NULL);
    CHECK(wg_plan_value(p, "y") == NULL);
    ERROR_IS(wg_plan_error(p), WG_ESTATE,
             "plan_value: no run has succeeded since the plan was made or the last run failed",
             NULL);
    CHECK(wg_plan_value_at(p, 0) == NULL && wg_plan_value_of(p, x) == NULL);
    CHECK(wg_plan_run(p) == WG_ESTATE);
    ERROR_IS(wg_plan_error(p), WG_ESTATE,
             "plan_run: input \"x\" was never fed, f32[1 x 3] for example: call wg_plan_feed",
             wg_tensor_site(wg_graph_at(o.g, 0)));
    CHECK(wg_plan_feed(p, "z", WG_F32_ARRAY(fa, 1, 3)) == WG_ENAME);
    ERROR_IS(wg_plan_error(p), WG_ENAME, "plan_feed: no input \"z\" is needed here", NULL);
    CHECK(wg_plan_feed(p, "x", WG_F64_ARRAY(&d, 1, 1)) == WG_EDTYPE);
    ERROR_IS(wg_plan_error(p), WG_EDTYPE, "plan_feed: input \"x\" is f32[1 x 3]: fed f64[1 x 1]",
             wg_tensor_site(wg_graph_at(o.g, 0)));
    CHECK(wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 3)) == WG_ESHAPE);
    ERROR_IS(wg_plan_error(p), WG_ESHAPE,
             "plan_feed: input \"x\" is f32[1 x 3]: fed another rank, f32[3]",
             wg_tensor_site(wg_graph_at(o.g, 0)));
    CHECK(wg_plan_feed(p, "x", WG_F32_ARRAY(NULL, 1, 3)) == WG_EARG);
    CHECK(wg_plan_feed(p, "x", WG_F32_ARRAY(fa, -1, 3)) == WG_ESHAPE);
    CHECK(wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 1, 3)) == WG_OK);
    NO_ERROR(wg_plan_error(p));
    CHECK(wg_plan_run(p) == WG_OK);
    CHECK(wg_plan_value(p, "q") == NULL);
    ERROR_IS(wg_plan_error(p), WG_ENAME,
             "plan_value: no output \"q\": other tensors can be read with the option keep", NULL);
    CHECK(wg_plan_value_at(p, 1) == NULL);
    CHECK(wg_plan_value_at(p, 0) == wg_plan_value(p, "y") &&
          wg_plan_value_of(p, x) == wg_plan_value(p, "y"));
    CHECK(wg_plan_value_of(p, wg_tensor_in(x, 0)) == NULL);
    CHECK(wg_plan_feed(p, "x", (wg_array){ 0 }) == WG_OK);
    CHECK(wg_plan_run(p) == WG_ESTATE);
    CHECK(wg_plan_value(p, "y") == NULL);
    wg_plan_free(p);
    CHECK(wg_plan_new_error(o.g, o.w, "nothing", NULL, &error) == NULL);
    ERROR_IS(&error, WG_ENAME, "plan_new: the graph has no function \"nothing\"", NULL);
    CHECK(wg_plan_new_error(o.g, NULL, "f", NULL, &error) == NULL);
    ERROR_IS(&error, WG_ENAME, "plan_new: \"w\" is a parameter, but there is no store",
             wg_tensor_site(wg_graph_at(o.g, 1)));
    CHECK(wg_plan_run(NULL) == WG_EARG && wg_plan_feed(NULL, "x", (wg_array){ 0 }) == WG_EARG);
    CHECK(wg_plan_error(NULL)->code == WG_EARG && wg_plan_value(NULL, "y") == NULL);
    wg_plan_free(NULL);
    world_free(&o);
}

static void store_that_does_not_fit(void)
{
    struct world o = world_make();
    wg_params *other = wg_params_new(WG_F32, 1);
    wg_error error;

    line(&o);
    CHECK(wg_plan_new_error(o.g, other, "f", NULL, &error) == NULL);
    ERROR_IS(&error, WG_ENAME, "plan_new: the store has no entry \"w\"",
             wg_tensor_site(wg_graph_at(o.g, 1)));
    wg_params_add(other, "w", WG_F32, WG_SHAPE(4), true, NULL, NULL);
    CHECK(wg_plan_new_error(o.g, other, "f", NULL, &error) == NULL);
    ERROR_IS(&error, WG_ESHAPE, "plan_new: parameter \"w\" is f32[3], in the store f32[4]",
             wg_tensor_site(wg_graph_at(o.g, 1)));
    CHECK(wg_plan_new(o.g, other, "f", NULL) == NULL);
    CHECK(wg_graph_error(o.g) && wg_graph_error(o.g)->code == WG_ESHAPE);
    wg_params_free(other);
    world_free(&o);
}

static void extents_that_do_not_fit(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(1, 3)),
              *y = wg_input(o.g, "y", WG_F32, WG_SHAPE(1, 3)), *z;
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    wg_scope_begin(o.g, "mlp");
    z = p_sub(x, y);
    wg_scope_end(o.g);
    wg_output("z", z);
    wg_end(o.g);
    p = plan(&o);
    REQUIRE(p != NULL);
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 7, 3));
    wg_plan_feed(p, "y", WG_F32_ARRAY(fb, 5, 3));
    CHECK(wg_plan_run(p) == WG_ESHAPE);
    ERROR_IS(wg_plan_error(p), WG_ESHAPE, "sub: cannot broadcast f32[7 x 3] with f32[5 x 3]",
             wg_tensor_site(z));
    EQ_STR(wg_plan_error(p)->scope, "mlp");
    wg_plan_feed(p, "y", WG_F32_ARRAY(fb, 7, 3));
    CHECK(wg_plan_run(p) == WG_OK);
    wg_plan_free(p);
    world_free(&o);
}

static void tensors_without_function(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(2)), *s = p_total(p_add(x, x)),
              *both[2] = { s, x };
    wg_array sum = { 0 };
    wg_feed feed = { "x", WG_F32_ARRAY(((float[]){ 1, 2, 3 }), 3) };
    wg_error error;
    wg_plan *p;

    CHECK(wg_read(s, NULL, 1, &feed, &sum, &error) == WG_OK);
    NO_ERROR(&error);
    CLOSE1(wg_item(&sum), 12, 0, 0);
    wg_free(sum.data);
    CHECK(wg_read(s, NULL, 0, NULL, &sum, &error) == WG_ESTATE);
    CHECK(sum.data == NULL);
    CHECK(wg_read(s, NULL, 1, &(wg_feed){ "no", feed.value }, &sum, NULL) == WG_ENAME);
    p = wg_plan_of(2, both, NULL, NULL, &error);
    REQUIRE(p != NULL);
    wg_plan_feed(p, "x", feed.value);
    CHECK(wg_plan_run(p) == WG_OK);
    CLOSE1(wg_item(wg_plan_value_at(p, 0)), 12, 0, 0);
    CLOSE_ARRAY(wg_plan_value_of(p, x), ((float[]){ 1, 2, 3 }), 3, 0, 0);
    CHECK(wg_plan_value(p, "x") == NULL);
    wg_graph_free(o.g); /* the plan keeps it */
    o.g = NULL;
    CHECK(wg_plan_run(p) == WG_OK);
    wg_plan_free(p);
    CHECK(wg_plan_of(0, NULL, NULL, NULL, &error) == NULL && error.code == WG_EARG);
    world_free(&o);
}

/* What is recorded later belongs to later plans. */
static void recording_goes_on(void)
{
    struct world o = world_make();
    wg_plan *p, *q;

    line(&o);
    p = plan(&o);
    REQUIRE(p != NULL);
    for (int i = 0; i < 6; i++) fa[i] = (float)i;
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 2, 3));
    wg_begin(o.g, "g", WG_PREDICT);
    wg_output("z", p_mul(wg_function_output(o.g, 0, 0), entry(&o, "c", 3, 5)));
    wg_end(o.g);
    for (int i = 0; i < 1000; i++)
        p_add(wg_input(o.g, "x", WG_F32, WG_SHAPE(1, 3)), wg_function_output(o.g, 0, 0));
    CHECK(wg_plan_run(p) == WG_OK);
    CLOSE1(value(p, "y", 5), 27, 0, 0);
    q = wg_plan_new(o.g, o.w, "g", NULL);
    REQUIRE(q != NULL);
    wg_plan_feed(q, "x", WG_F32_ARRAY(fa, 2, 3));
    CHECK(wg_plan_run(q) == WG_OK);
    CLOSE1(value(q, "z", 5), 27 * 7, 0, 0);
    CLOSE1(value(p, "y", 5), 27, 0, 0);
    wg_plan_free(p);
    wg_plan_free(q);
    world_free(&o);
}

static void keeps_everything(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(2)), *h, *like;
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    wg_scope_begin(o.g, "fc1");
    h = wg_name(p_mul(x, entry(&o, "fc1/W", 2, 3)), "h");
    wg_scope_end(o.g);
    like = wg_name(p_add(x, x), "like");
    wg_output("y", p_add(p_log(h), wg_ones_like(like)));
    wg_update("fc1/W", p_add(h, h));
    wg_end(o.g);
    p = plan_with(&o, (wg_plan_options){ .keep = true });
    REQUIRE(p != NULL);
    wg_plan_feed(p, "x", WG_F32_ARRAY(((float[]){ 1, 2 }), 2));
    CHECK(wg_plan_run(p) == WG_OK);
    CLOSE_ARRAY(wg_plan_value(p, "fc1/h"), ((float[]){ 3, 8 }), 2, 0, 0);
    CLOSE_ARRAY(wg_plan_value(p, "fc1/W"), ((float[]){ 3, 4 }), 2, 0, 0); /* as the run read it */
    CLOSE_ARRAY(wg_plan_value(p, "x"), ((float[]){ 1, 2 }), 2, 0, 0);
    CLOSE_ARRAY(wg_plan_value_of(p, wg_function_update(o.g, 0, 0)), ((float[]){ 6, 16 }), 2, 0, 0);
    CLOSE1(at(&o, "fc1/W", 1), 16, 0, 0);
    CHECK(wg_plan_value(p, "like") == NULL);
    ERROR_IS(wg_plan_error(p), WG_EARG, "plan_value: \"like\" lends its type only: it has no value",
             NULL);
    CHECK(wg_plan_value(p, "h") == NULL);
    ERROR_IS(wg_plan_error(p), WG_ENAME,
             "plan_value: no output \"h\": other tensors are read as scope/name", NULL);
    wg_plan_free(p);
    world_free(&o);
}

/* ---- draws ---- */

static void draws_may_be_fed(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(1, 2)), *n;
    float mask[4] = { 1, 0, 0, 1 };
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    n = p_draw(x, "drop/mask");
    wg_output("y", p_mul(x, n));
    wg_output("n", n);
    wg_end(o.g);
    NO_ERROR(wg_graph_error(o.g));
    p = plan(&o);
    REQUIRE(p != NULL);
    for (int i = 0; i < 6; i++) fa[i] = (float)(i + 1);
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 2, 2));
    CHECK(wg_plan_run(p) == WG_OK);
    for (int i = 0; i < 4; i++) CLOSE1(value(p, "n", i), 0.5, 0, 0);
    CHECK(wg_plan_feed(p, "drop/mask", WG_F32_ARRAY(mask, 2, 2)) == WG_OK);
    CHECK(wg_plan_run(p) == WG_OK);
    CLOSE_ARRAY(wg_plan_value(p, "y"), ((float[]){ 1, 0, 0, 4 }), 4, 0, 0);
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 3, 2));
    CHECK(wg_plan_run(p) == WG_ESHAPE);
    ERROR_IS(wg_plan_error(p), WG_ESHAPE,
             "plan_run: draw \"drop/mask\" is f32[3 x 2] here: fed f32[2 x 2]", wg_tensor_site(n));
    wg_plan_feed(p, "drop/mask", (wg_array){ 0 });
    CHECK(wg_plan_run(p) == WG_OK);
    wg_plan_free(p);
    world_free(&o);
}

/* ---- simplification ---- */

static void equal_work_is_done_once(void)
{
    struct world o = world_make();
    wg_tensor *x = wg_input(o.g, "x", WG_F32, WG_SHAPE(6)), *a, *b;
    wg_plan_stats on, off;
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    a = p_add(p_mul(x, wg_scalar(o.g, WG_F32, 2)), x);
    b = p_add(x, p_mul(wg_scalar_like(x, 2), x)); /* commuted */
    wg_output("s", p_total(p_sub(wg_reshape(a, WG_SHAPE(2, 3)), wg_reshape(b, WG_SHAPE(2, 3)))));
    wg_output("t", p_total(wg_reshape(p_add(wg_ones_like(x), wg_full_like(x, 2)), WG_SHAPE(3, 2))));
    wg_end(o.g);
    for (int i = 0; i < 6; i++) fa[i] = (float)i;
    p = plan(&o);
    REQUIRE(p != NULL);
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 6));
    CHECK(wg_plan_run(p) == WG_OK);
    CLOSE1(value(p, "s", 0), 0, 0, 0);
    CLOSE1(value(p, "t", 0), 18, 0, 0);
    wg_plan_report(p, &on);
    wg_plan_free(p);
    p = plan_with(&o, (wg_plan_options){ .passes_off = WG_PASS_ALL });
    wg_plan_feed(p, "x", WG_F32_ARRAY(fa, 6));
    CHECK(wg_plan_run(p) == WG_OK);
    CLOSE1(value(p, "t", 0), 18, 0, 0);
    wg_plan_report(p, &off);
    wg_plan_free(p);
    EQ_INT(on.computed, 4); /* mul, add, sub, total: the other total is of constants */
    EQ_INT(off.computed, on.entries - 1);
    EQ_INT(off.steps, off.computed);
    CHECK(on.arena_bytes < off.arena_bytes);
    world_free(&o);
}

/* A transpose that becomes a flag may change the order of a product's sums: within the bound of either order. */
static void transposes_are_absorbed(void)
{
    enum { M = 37, K = 53, N = 29 };
    struct world o = world_make();
    wg_tensor *a = wg_input(o.g, "a", WG_F32, WG_SHAPE(K, M)),
              *b = wg_input(o.g, "b", WG_F32, WG_SHAPE(N, K));
    wg_plan_stats stats[2];
    wg_plan *p[2];

    wg_begin(o.g, "f", WG_PREDICT);
    wg_output("y", wg_matmul(wg_transpose(a, 0, 1), wg_permute(b, WG_ALL_AXES)));
    wg_end(o.g);
    for (int i = 0; i < K * M; i++) fa[i] = (float)(i * 7 % 101 - 50) / 13;
    for (int i = 0; i < N * K; i++) fb[i] = (float)(i * 11 % 97 - 40) / 17;
    for (int i = 0; i < 2; i++) {
        p[i] = plan_with(&o, (wg_plan_options){ .passes_off = i ? WG_PASS_TRANSPOSE : 0 });
        REQUIRE(p[i] != NULL);
        wg_plan_feed(p[i], "a", WG_F32_ARRAY(fa, K, M));
        wg_plan_feed(p[i], "b", WG_F32_ARRAY(fb, N, K));
        CHECK(wg_plan_run(p[i]) == WG_OK);
        CHECK(wg_plan_report(p[i], &stats[i]) == WG_OK);
    }
    EQ_INT(stats[0].steps, 1);
    EQ_INT(stats[1].steps, 3);
    for (int i = 0; i < M * N; i++) {
        double sum = 0, size = 0;

        for (int k = 0; k < K; k++) {
            double term = (double)fa[k * M + i / N] * (double)fb[i % N * K + k];

            sum += term;
            size += fabs(term);
        }
        for (int w = 0; w < 2; w++) CLOSE1(value(p[w], "y", i), sum, 0, (K + 1) * 0x1p-24 * size);
    }
    wg_plan_free(p[0]);
    wg_plan_free(p[1]);
    world_free(&o);
}

/* A constant part that refuses refuses at every run, and as the others do. */
static void refusal_of_constants(void)
{
    struct world o = world_make();
    wg_tensor *t;
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    t = wg_output("t", p_total(wg_constant(o.g, WG_F32_ARRAY(((float[]){ -77, 1 }), 2))));
    wg_end(o.g);
    p = plan(&o);
    REQUIRE(p != NULL);
    for (int i = 0; i < 2; i++) {
        CHECK(wg_plan_run(p) == WG_EINDEX);
        ERROR_IS(wg_plan_error(p), WG_EINDEX, "total: the first element is -77", wg_tensor_site(t));
    }
    wg_plan_free(p);
    world_free(&o);
}

/* An entry that is made inside its reader's kernel is blamed for its own mistakes. */
static void refusal_inside(void)
{
    struct world o = world_make();
    wg_tensor *rows, *w;
    int64_t idx[4] = { 0, 1, 2, 2 };
    float one[4] = { 1, 2, 3, 4 };
    wg_plan_stats stats;
    wg_plan *p;

    wg_begin(o.g, "f", WG_PREDICT);
    w = wg_input(o.g, "w", WG_F32, WG_SHAPE(2, 1, 2));
    entry(&o, "table", 9, 1);
    rows = wg_gather(wg_reshape(wg_param_leaf(o.g, o.w, "table"), WG_SHAPE(3, 3)),
                     wg_input(o.g, "idx", WG_I64, WG_SHAPE(2, 2)), 0);
    wg_output("y", wg_matmul(w, rows));
    wg_end(o.g);
    p = plan(&o);
    REQUIRE(p != NULL);
    wg_plan_feed(p, "w", WG_F32_ARRAY(one, 2, 1, 2));
    wg_plan_feed(p, "idx", WG_I64_ARRAY(idx, 2, 2));
    CHECK(wg_plan_run(p) == WG_OK);
    CHECK(wg_plan_report(p, &stats) == WG_OK && stats.fused_steps == 1);
    CHECK(((const float *)wg_plan_value_at(p, 0)->data)[5] == 63);
    idx[3] = 3;
    CHECK(wg_plan_run(p) == WG_EINDEX);
    ERROR_IS(wg_plan_error(p), WG_EINDEX,
             "gather: index 3 at [1, 1] is out of range for axis 0 of f32[3 x 3]",
             wg_tensor_site(rows));
    wg_plan_free(p);
    world_free(&o);
}

TESTS(TEST(refusal_inside), TEST(runs_at_any_batch), TEST(arena_moves), TEST(broadcasts),
      TEST(many_broadcast_operands), TEST(asked_too_early_or_wrongly),
      TEST(store_that_does_not_fit), TEST(extents_that_do_not_fit), TEST(tensors_without_function),
      TEST(recording_goes_on), TEST(keeps_everything), TEST(draws_may_be_fed),
      TEST(equal_work_is_done_once), TEST(refusal_of_constants), TEST(transposes_are_absorbed))
