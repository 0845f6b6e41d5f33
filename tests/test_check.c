/* test_check.c: the gradient check: what it passes, catches, calls a kink, reports, refuses and prints. */
#include "harness.h"
#include "op_cases.h"

/* ---- every row passes, at both orders ---- */

static void every_row_passes(void)
{
    for (int i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        wg_check_report report;
        wg_error error;
        op_feeds feeds;
        op_record r;

        if (c->flags & (VALUE_ONLY | DRAWS)) continue;
        /* in f32, to be checked in f64 all the same */
        op_record_make(&r, c, WG_F32, 3, 1, NULL, NULL);
        NO_ERROR(wg_graph_error(r.g));
        op_feeds_make(&feeds, &r, 3);
        if (harness_check(
                wg_check_grad(r.s[0], r.store, feeds.n, feeds.feed, NULL, &report, &error) == WG_OK,
                __FILE__, __LINE__, "%s: %s", c->name, error.text)) {
            for (int k = 0; k < report.n; k++)
                harness_check(
                    report.item[k].pass, __FILE__, __LINE__,
                    "%s, %s, order %d: recorded %.15g, differences %.15g, estimate %.2g%s", c->name,
                    report.item[k].name, report.item[k].order, report.item[k].analytic,
                    report.item[k].numeric, report.item[k].estimate,
                    report.item[k].kink ? " (kink)" : "");
            CHECK(report.pass && report.n >= 2 * r.n_wrt);
            wg_check_free(&report);
        }
        op_feeds_free(&feeds);
        op_record_free(&r);
    }
}

/* ---- records with faults, as a user might write them ---- */

static double square_row_factor; /* unused by kernels: y = x x */

static void square_row(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    (void)attr;
    for (int64_t i = 0; i < n; i++) {
        double v = ((const double *)x[0])[i * step[0]];

        ((double *)y)[i] = v * v;
    }
}

static void scaled_rule(const wg_vjp *v, wg_tensor **dx)
{
    wg_tensor *factor = wg_scalar_like(v->dy, square_row_factor);

    dx[0] = wg_mul(v->dy, wg_mul(factor, v->x[0]));
}

/* Right at first order, but cut off from x: its own derivative is lost. */
static void detached_rule(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, wg_mul(wg_scalar_like(v->dy, 2), wg_detach(v->x[0])));
}

static const wg_op op_scaled = { .name = "scaled",
                                 .doc = "x x",
                                 .n_in = 1,
                                 .infer = wg_infer_same,
                                 .row = WG_ROW_KERNELS({ [WG_F64] = { square_row } }),
                                 .vjp = scaled_rule };
static const wg_op op_detached = { .name = "detached",
                                   .doc = "x x",
                                   .n_in = 1,
                                   .infer = wg_infer_same,
                                   .row = WG_ROW_KERNELS({ [WG_F64] = { square_row } }),
                                   .vjp = detached_rule };

/* loss = sum of op(w) over a store entry of n normal values */
static wg_status check_op(const wg_op *op, int64_t n, const wg_check_options *o,
                          wg_check_report *report, wg_error *error)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_graph *g = wg_graph_new();
    wg_status status;

    wg_params_add(w, "W", WG_F64, WG_SHAPE(n), true, NULL, NULL);
    wg_params_fill_normal(w, "W", 0, 1, NULL);
    status =
        wg_check_grad(wg_sum(wg_record1(op, NULL, wg_param_leaf(g, w, "W")), WG_ALL_AXES, false), w,
                      0, NULL, o, report, error);
    wg_graph_free(g);
    wg_params_free(w);
    return status;
}

static void a_thousandth_is_caught(void)
{
    static const int64_t sizes[] = { 1, 10, 64, 65, 20000 };
    static const double factors[] = { 2, 2.002, 1.998, 2.00002, -2, 0 };

    for (int s = 0; s < 5; s++) {
        for (int f = 0; f < 6; f++) {
            wg_check_report report;
            wg_error error;

            square_row_factor = factors[f];
            if (!CHECK(check_op(&op_scaled, sizes[s], &(wg_check_options){ .order = 1 }, &report,
                                &error) == WG_OK))
                continue;
            EQ_INT(report.n, 1);
            harness_check(report.pass == (f == 0), __FILE__, __LINE__, "%d elements, factor %g: %s",
                          (int)sizes[s], factors[f], report.pass ? "pass" : "fail");
            CHECK(!report.item[0].kink);
            EQ_INT(report.item[0].by_direction, sizes[s] > 64);
            wg_check_free(&report);
        }
    }
}

static void a_rule_wrong_at_second_order_is_caught(void)
{
    wg_check_report report;
    wg_error error;

    REQUIRE(check_op(&op_detached, 5, NULL, &report, &error) == WG_OK);
    REQUIRE(report.n == 2);
    CHECK(!report.pass && report.item[0].pass && !report.item[1].pass && !report.item[1].kink);
    EQ_INT(report.item[0].order, 1);
    EQ_INT(report.item[1].order, 2);
    CHECK(report.item[1].analytic == 0 && fabs(report.item[1].numeric) > 0.1);
    wg_check_free(&report);
}

/* One wrong entry among many good ones: found where every entry is looked at, and by directions too. */
static void one_wrong_entry(void)
{
    for (int n = 60; n <= 2000; n += 1940) {
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(n)), *y, *first;
        double *v = room(n, sizeof *v);
        wg_feed feed = { "x", WG_F64_ARRAY(v, n) };
        wg_check_report report;
        wg_error error;

        for (int i = 0; i < n; i++) v[i] = 1 + 0.001 * i;
        square_row_factor = 2.02;
        first = wg_record1(&op_scaled, NULL, wg_slice_axis(x, 0, 41, 42, 1));
        y = wg_concat(2, (wg_tensor *[]){ first, wg_square(wg_slice_axis(x, 0, 42, n, 1)) }, 0);
        y = wg_add(wg_sum(y, WG_ALL_AXES, false),
                   wg_sum(wg_square(wg_slice_axis(x, 0, 0, 41, 1)), WG_ALL_AXES, false));
        if (CHECK(wg_check_grad(y, NULL, 1, &feed, &(wg_check_options){ .order = 1 }, &report,
                                &error) == WG_OK)) {
            CHECK(!report.pass && !report.item[0].kink);
            if (n == 60) {
                EQ_INT(report.item[0].index, 41);
                CLOSE1(report.item[0].error, 0.02 * v[41], 1e-6, 0);
            }
            wg_check_free(&report);
        } else {
            NO_ERROR(&error);
        }
        free(v);
        wg_graph_free(g);
    }
}

/* ---- kinks ---- */

static wg_check_item check_at(wg_tensor *(*f)(wg_tensor *), double at)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2)), *y = f(wg_slice_axis(x, 0, 0, 1, 1));
    double v[2] = { at, 1 }; /* the second says of what size the values are */
    wg_check_report report = { 0 };
    wg_check_item item = { 0 };
    wg_error error;
    wg_feed feed = { "x", WG_F64_ARRAY(v, 2) };

    if (CHECK(wg_check_grad(wg_sum(y, WG_ALL_AXES, false), NULL, 1, &feed,
                            &(wg_check_options){ .order = 1 }, &report, &error) == WG_OK) &&
        EQ_INT(report.n, 1))
        item = report.item[0];
    item.name = item.site = NULL;
    wg_check_free(&report);
    wg_graph_free(g);
    return item;
}

static wg_tensor *cliff(wg_tensor *x)
{
    return wg_mul(wg_floor(x), x);
}

static wg_tensor *root(wg_tensor *x)
{
    return wg_sqrt(wg_abs(x));
}

static wg_tensor *smooth_but_steep(wg_tensor *x)
{
    return wg_tanh(wg_mul(x, wg_scalar_like(x, 1000)));
}

static wg_tensor *flat_start(wg_tensor *x)
{
    return wg_square(wg_relu(x));
}

static wg_tensor *clip01(wg_tensor *x)
{
    return wg_clip(x, 0, 1);
}

/* At a kink, on it, or within the shortest step: neither pass nor fail. */
static void kinks_are_called_kinks(void)
{
    static const struct {
        wg_tensor *(*f)(wg_tensor *);
        double at;
    } points[] = { { wg_relu, 0 }, { wg_relu, 1e-13 }, { wg_relu, -1e-13 },
                   { wg_abs, 0 },  { clip01, 1 },      { cliff, 2 } };

    for (int i = 0; i < (int)(sizeof points / sizeof points[0]); i++) {
        wg_check_item item = check_at(points[i].f, points[i].at);

        harness_check(item.kink && !item.pass, __FILE__, __LINE__,
                      "point %d: recorded %g, differences %g, estimate %g: %s", i, item.analytic,
                      item.numeric, item.estimate, item.pass ? "pass" : "fail");
    }
}

/* Near a kink but clear of it, steep, or with a kink in the slope only: judged, and right. */
static void clear_points_pass(void)
{
    static const struct {
        wg_tensor *(*f)(wg_tensor *);
        double at;
    } points[] = { { wg_relu, 1e-4 },
                   { wg_relu, -1e-4 },
                   { wg_abs, 1e-5 },
                   { clip01, 0.999 },
                   { cliff, 2.0001 },
                   { root, 0.01 },
                   { smooth_but_steep, 0.0005 },
                   { flat_start, 0 },
                   { wg_exp, 30 },
                   { wg_log, 1e-8 },
                   { wg_reciprocal, -1e-6 },
                   { wg_sin, 1e4 } };

    for (int i = 0; i < (int)(sizeof points / sizeof points[0]); i++) {
        wg_check_item item = check_at(points[i].f, points[i].at);

        harness_check(item.pass && !item.kink, __FILE__, __LINE__,
                      "point %d: recorded %.15g, differences %.15g, estimate %g: %s", i,
                      item.analytic, item.numeric, item.estimate, item.kink ? "kink" : "fail");
    }
}

/* The slope of the root of |x| at 0 is 0 times infinity. */
static void a_gradient_that_is_nan_fails(void)
{
    wg_check_item item = check_at(root, 0);

    CHECK(!item.pass && !item.kink && isnan(item.analytic));
}

/* relu(x) - relu(-x) is x, but with the slope 0 that relu has at 0 the recorded gradient there is 0: no slope of
 * either side, and no fault of a rule. */
static wg_tensor *two_relus(wg_tensor *x)
{
    wg_tensor *up = wg_relu(x), *down = wg_relu(wg_neg(x));

    return wg_add(wg_sub(up, down), wg_mul(up, wg_scalar_like(x, 0.5)));
}

static void kinks_that_meet_are_a_kink(void)
{
    wg_check_item item = check_at(two_relus, 0);

    CHECK(!item.pass && item.kink && item.analytic == 0);
}

/* A net of relu has kinks within any long step; shorter ones see a smooth function. */
static void relu_net(void)
{
    wg_params *w = wg_params_new(WG_F32, 11);
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, 24)), *h, *loss;
    float xs[20 * 24];
    wg_feed feed = { "x", WG_F32_ARRAY(xs, 20, 24) };
    wg_check_report report;
    wg_error error;

    for (int i = 0; i < 20 * 24; i++) xs[i] = (float)sin(1.7 * i);
    wg_params_add(w, "W", WG_F32, WG_SHAPE(24, 24), true, NULL, NULL);
    wg_params_add(w, "b", WG_F32, WG_SHAPE(24), true, NULL, NULL);
    wg_params_fill_normal(w, "W", 0, 0.3, NULL);
    wg_params_fill_normal(w, "b", 0, 0.1, NULL);
    /* products without matmul: [n, 1, 24] with [24, 24] */
    h = wg_sum(wg_mul(wg_unsqueeze(x, WG_AXES(1)), wg_param_leaf(g, w, "W")), WG_AXES(2), false);
    h = wg_relu(wg_add(h, wg_param_leaf(g, w, "b")));
    loss = wg_mean(wg_square(h), WG_ALL_AXES, false);
    if (CHECK(wg_check_grad(loss, w, 1, &feed, NULL, &report, &error) == WG_OK)) {
        for (int i = 0; i < report.n; i++)
            harness_check(report.item[i].pass, __FILE__, __LINE__,
                          "%s, order %d: recorded %.12g, differences %.12g, "
                          "estimate %.2g%s",
                          report.item[i].name, report.item[i].order, report.item[i].analytic,
                          report.item[i].numeric, report.item[i].estimate,
                          report.item[i].kink ? " (kink)" : "");
        EQ_INT(report.n, 6);
        wg_check_free(&report);
    } else {
        NO_ERROR(&error);
    }
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- what it leaves alone, and what holds still ---- */

static void graph_and_store_stay(void)
{
    wg_params *w = wg_params_new(WG_F32, 5);
    wg_graph *g = wg_graph_new();
    wg_tensor *p, *noise, *loss;
    wg_check_report report;
    wg_error error;
    float before[6], after[6];
    int64_t run = -1, entries;

    wg_params_add(w, "W", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_params_fill_normal(w, "W", 0, 1, NULL);
    wg_params_get(w, "W", WG_F32_ARRAY(before, 2, 3), NULL);
    p = wg_param_leaf(g, w, "W");
    wg_begin(g, "train", WG_TRAIN);
    noise = wg_normal_like(p, "noise", 0, 1);
    loss = wg_sum(wg_mul(noise, wg_square(p)), WG_ALL_AXES, false);
    wg_output("loss", loss);
    wg_update("W", wg_sub(p, wg_grad1(loss, p)));
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    entries = wg_graph_count(g);
    REQUIRE(wg_check_grad(loss, w, 0, NULL, NULL, &report, &error) == WG_OK);
    CHECK(report.pass);
    EQ_INT(report.n, 2);
    EQ_STR(report.item[0].name, "W");
    wg_check_free(&report);
    EQ_INT(wg_graph_count(g), entries);
    NO_ERROR(wg_graph_error(g));
    wg_params_get(w, "W", WG_F32_ARRAY(after, 2, 3), NULL);
    SAME_BITS(after, before, sizeof before);
    wg_params_get(w, "rng/run", wg_array_of(WG_I64, WG_SHAPE_SCALAR, &run), NULL);
    EQ_INT(run, 0);
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- the report ---- */

static void items_name_the_nearest_op(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2)),
              *z = wg_input(g, "z", WG_F32, WG_SHAPE(2)), *y;
    wg_tensor *i = wg_input(g, "i", WG_I64, WG_SHAPE(2));
    double v[2] = { 1, 2 };
    float f[2] = { 3, 4 };
    int64_t k[2] = { 1, 0 };
    wg_feed feeds[] = { { "i", WG_I64_ARRAY(k, 2) },
                        { "z", WG_F32_ARRAY(f, 2) },
                        { "x", WG_F64_ARRAY(v, 2) } };
    wg_check_report report;
    wg_error error;
    char line[64];

    y = wg_gather(wg_exp(x), i, 0);
    snprintf(line, sizeof line, "test_check.c:%d", __LINE__ - 1);
    y = wg_sum(wg_mul(y, wg_cast(z, WG_F64)), WG_ALL_AXES, false);
    REQUIRE(wg_check_grad(y, NULL, 3, feeds, NULL, &report, &error) == WG_OK);
    wg_graph_free(g); /* the report outlives it */
    REQUIRE(report.n == 4);
    CHECK(report.pass);
    EQ_STR(report.item[0].name, "x");
    EQ_STR(report.item[0].op, "exp");
    EQ_STR(harness_base(report.item[0].site), line);
    EQ_STR(report.item[1].name, "z");
    EQ_STR(report.item[1].op, "cast");
    CHECK(report.item[0].error == report.item[0].analytic - report.item[0].numeric);
    wg_check_free(&report);
    EQ_INT(report.n, 0);
}

static void printed(const wg_check_report *report, char *text, size_t n)
{
    FILE *f = fmemopen(text, n, "w");

    memset(text, 0, n);
    wg_check_print(report, f);
    fclose(f);
}

static void the_table(void)
{
    wg_check_item items[] = {
        { .name = "encoder/fc1/W",
          .order = 1,
          .pass = true,
          .index = 17,
          .analytic = 0.25,
          .numeric = 0.25,
          .error = 1e-12,
          .tolerance = 2.5e-7,
          .op = "matmul",
          .site = "model.c:42" },
        { .name = "b",
          .order = 2,
          .index = 3,
          .by_direction = true,
          .analytic = -1.5,
          .numeric = 1.5,
          .error = -3,
          .tolerance = 1.5e-6,
          .op = "add",
          .site = "model.c:43" },
        { .name = "x",
          .order = 1,
          .kink = true,
          .index = 0,
          .analytic = 1,
          .numeric = 0.5,
          .error = 0.5,
          .tolerance = 1e-6,
          .op = "relu" },
    };
    wg_check_report report = { .n = 3, .item = items };
    char text[2000];

    printed(&report, text, sizeof text);
    EQ_STR(text, "name           order  worst at                  recorded      by differences     "
                 "  error  tolerance  "
                 "verdict\n"
                 "encoder/fc1/W      1  entry 17                      0.25                0.25    "
                 "1.00e-12    2.5e-07  "
                 "pass\n"
                 "b                  2  direction 3                   -1.5                 1.5   "
                 "-3.00e+00    1.5e-06  "
                 "FAIL\n"
                 "x                  1  entry 0                          1                 0.5    "
                 "5.00e-01    1.0e-06  "
                 "kink\n"
                 "b: the gradient of order 2 is wrong: look at the rule of add (model.c:43) first, "
                 "then at those between "
                 "it and the loss\n"
                 "1 of 3 too close to a kink to judge: check again at another point (other inputs, "
                 "or weights moved a "
                 "little)\n"
                 "1 of 3 gradients fail\n");
    report.n = 1;
    report.pass = true;
    printed(&report, text, sizeof text);
    CHECK(strstr(text, "\nall 1 gradients agree with differences\n") != NULL);
    report.n = 0;
    printed(&report, text, sizeof text);
    CHECK(strstr(text, "\nnothing to check: the loss depends on no real parameter or input\n") !=
          NULL);
}

/* ---- refusals ---- */

static void refusals(void)
{
    wg_graph *g = wg_graph_new(), *bad = wg_graph_new();
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2)),
              *loss = wg_sum(wg_log(x), WG_ALL_AXES, false);
    double v[2] = { 1, 0 };
    wg_feed feed = { "x", WG_F64_ARRAY(v, 2) }, other = { "y", WG_F64_ARRAY(v, 2) };
    wg_check_report report;
    wg_error error;
    char line[64];

    CHECK(wg_check_grad(NULL, w, 0, NULL, NULL, &report, &error) == WG_EARG);
    ERROR_IS(&error, WG_EARG, "check_grad: the loss is NULL", NULL);
    CHECK(wg_check_grad(loss, w, 0, NULL, NULL, NULL, &error) == WG_EARG);
    ERROR_IS(&error, WG_EARG, "check_grad: the report is NULL", NULL);
    CHECK(wg_check_grad(x, w, 1, &feed, NULL, &report, &error) == WG_ESHAPE);
    ERROR_IS(&error, WG_ESHAPE, "check_grad: the loss must have one element, but is f64[2]", NULL);
    CHECK(wg_check_grad(wg_input(g, "i", WG_I64, WG_SHAPE_SCALAR), w, 0, NULL, NULL, &report,
                        &error) == WG_EDTYPE);
    ERROR_IS(&error, WG_EDTYPE, "check_grad: the loss is i64[]; only f32 and f64 have a gradient",
             NULL);
    CHECK(wg_check_grad(loss, w, 0, NULL, NULL, &report, &error) == WG_ESTATE);
    ERROR_IS(&error, WG_ESTATE, "check_grad: input \"x\" was not fed", NULL);
    CHECK(wg_check_grad(loss, w, 1, &other, NULL, &report, &error) == WG_ESTATE);
    CHECK(wg_check_grad(loss, w, 2, (wg_feed[]){ feed, other }, NULL, &report, &error) == WG_ENAME);
    CHECK(wg_check_grad(loss, w, 1, NULL, NULL, &report, &error) == WG_EARG);
    ERROR_IS(&error, WG_EARG, "check_grad: the list of feeds is NULL", NULL);
    CHECK(wg_check_grad(loss, w, 1, &feed, NULL, &report, &error) == WG_ENONFINITE);
    ERROR_IS(&error, WG_ENONFINITE, "check_grad: the loss is -inf at the point given", NULL);
    CHECK(wg_check_grad(loss, w, 1, &feed, &(wg_check_options){ .order = 3 }, &report, &error) ==
          WG_EARG);
    ERROR_IS(&error, WG_EARG, "check_grad: order 3: wanted 1 or 2", NULL);
    CHECK(wg_check_grad(loss, w, 1, &feed, &(wg_check_options){ .rtol = -1 }, &report, &error) ==
          WG_EARG);
    ERROR_IS(&error, WG_EARG, "check_grad: a tolerance or count is negative", NULL);
    CHECK(report.n == 0 && report.item == NULL && !report.pass);

    x = wg_parameter(g, "W", WG_F64, WG_SHAPE(2));
    CHECK(wg_check_grad(wg_sum(x, WG_ALL_AXES, false), w, 0, NULL, NULL, &report, &error) ==
          WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "check_grad: the store has no entry \"W\"", NULL);
    CHECK(wg_check_grad(wg_sum(x, WG_ALL_AXES, false), NULL, 0, NULL, NULL, &report, &error) ==
          WG_ENAME);

    loss = wg_sum(wg_input(bad, "x", WG_F64, WG_SHAPE(-1)), WG_ALL_AXES, false);
    snprintf(line, sizeof line, "test_check.c:%d", __LINE__ - 1);
    CHECK(wg_check_grad(loss, w, 1, &feed, NULL, &report, &error) == wg_graph_error(bad)->code);
    EQ_STR(harness_base(error.site), line);
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
    wg_graph_free(bad);
    wg_params_free(w);
    wg_check_free(NULL);
}

static const wg_op no_rule = { .name = "lone",
                               .doc = "x x",
                               .n_in = 1,
                               .infer = wg_infer_same,
                               .row = WG_ROW_KERNELS({ [WG_F64] = { square_row } }) };

/* A missing rule is the error of recording the gradient, with the line of the user's entry. */
static void a_missing_rule(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1)), *y;
    double v = 1;
    wg_feed feed = { "x", WG_F64_ARRAY(&v, 1) };
    wg_check_report report;
    wg_error error;
    char line[64];

    y = wg_at(WG_SITE, wg_record1(&no_rule, NULL, x));
    snprintf(line, sizeof line, "test_check.c:%d", __LINE__ - 1);
    CHECK(wg_check_grad(y, NULL, 1, &feed, NULL, &report, &error) == WG_EGRAD);
    ERROR_IS(&error, WG_EGRAD, "lone: no gradient rule, on the way from the result to f64[1]",
             line);
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

static void nothing_to_check(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *y = wg_square(wg_scalar(g, WG_F32, 2));
    wg_check_report report;
    wg_error error;

    CHECK(wg_check_grad(y, NULL, 0, NULL, NULL, &report, &error) == WG_OK);
    NO_ERROR(&error);
    CHECK(report.pass);
    EQ_INT(report.n, 0);
    wg_check_free(&report);
    wg_graph_free(g);
}

TESTS(TEST(nothing_to_check), TEST(every_row_passes), TEST(a_thousandth_is_caught),
      TEST(a_rule_wrong_at_second_order_is_caught), TEST(one_wrong_entry),
      TEST(kinks_are_called_kinks), TEST(clear_points_pass), TEST(kinks_that_meet_are_a_kink),
      TEST(a_gradient_that_is_nan_fails), TEST(relu_net), TEST(graph_and_store_stay),
      TEST(items_name_the_nearest_op), TEST(the_table), TEST(refusals), TEST(a_missing_rule))
