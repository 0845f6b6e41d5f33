/* test_verbs.c: layers on arrays: forward, backward, update, summary, set_params; and the class
 * machinery by classes of its own: a module with components, a cell with a state. */
#include <wengert.h>
#include <wengert/layer.h>

#include "harness.h"

/* ---- classes of the test's own ---- */

typedef struct {
    int64_t width;
    double gain;
    const char *act_fn;
    bool no_skip;
} pair_hyper;

enum { GAIN = 2 };

static const wg_field pair_fields[] = { WG_FIELD(pair_hyper, width),
                                        WG_FIELD_NUM(pair_hyper, gain, GAIN),
                                        WG_FIELD_STR(pair_hyper, act_fn, "Tanh"),
                                        WG_FIELD_NOT(pair_hyper, no_skip, "skip"), WG_FIELDS_END };

static bool pair_make(wg_layer *l)
{
    const pair_hyper *h = wg_layer_hyper(l);

    if (h->width < 1) return wg_layer_fail(l, WG_EARG, "width is %d", (int)h->width);
    return wg_layer_add(l, "first", "FullyConnected",
                        &(wg_fc_hyper){ .n_out = h->width, .act_fn = h->act_fn }) &&
           wg_layer_add(l, "second", "FullyConnected", &(wg_fc_hyper){ .n_out = h->width });
}

/* (second(first(x)) + first(x)) gain, and gain * first(x) */
static bool pair_apply(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y)
{
    const pair_hyper *h = wg_layer_hyper(l);
    wg_tensor *a = wg_apply(wg_layer_component(l, "first"), x[0]), *b, *gain;

    (void)n;
    gain = wg_scalar_like(a, h->gain);
    wg_layer_value(l, a, "first_out");
    wg_layer_value_grad(l, a, "dLdFirst");
    b = wg_apply(wg_layer_component(l, "second"), a);
    if (!h->no_skip) b = wg_add(b, a);
    y[0] = wg_mul(b, gain);
    y[1] = wg_mul(a, gain);
    return true;
}

static const wg_layer_class pair = { .name = "Pair",
                                     .hyper_size = sizeof(pair_hyper),
                                     .hyper = pair_fields,
                                     .n_in = 1,
                                     .n_out = 2,
                                     .make = pair_make,
                                     .apply_all = pair_apply };

static const wg_field no_fields[] = { WG_FIELDS_END };

static wg_shape count_state(const wg_layer *l, const wg_type *const *x, int i)
{
    (void)l;
    (void)i;
    return x[0]->shape;
}

static bool count_init(wg_layer *l, int n, const wg_type *const *x)
{
    (void)n;
    (void)x;
    return wg_layer_param(l, "u", WG_SHAPE(1), true, "ones", NULL);
}

/* h' = tanh(x + u h) */
static wg_tensor *count_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    (void)n;
    return wg_tanh(wg_add(x[0], wg_mul(wg_layer_leaf(l, wg_tensor_graph(x[0]), "u"), x[1])));
}

static const wg_layer_class cell = { .name = "Cell",
                                     .hyper_size = 1,
                                     .hyper = no_fields,
                                     .n_in = 2,
                                     .n_state = 1,
                                     .init = count_init,
                                     .apply = count_apply,
                                     .state = count_state };

/* ---- helpers ---- */

#define OK(call, l)                                                                                \
    harness_check((call) == WG_OK, __FILE__, __LINE__, "%s: %s", #call, wg_layer_error(l)->text)

static const double X[6] = { 0.5, -1, 2, 0.25, 0.75, -0.5 };

static double at(wg_array a, int i)
{
    return a.data ? ((const double *)a.data)[i] : NAN;
}

static void near(double a, double b, int line)
{
    harness_check(fabs(a - b) <= 1e-7 * (1 + fabs(b)), __FILE__, line, "%.12g is not %.12g", a, b);
}
#define NEAR(a, b) near((a), (b), __LINE__)

/* S = sum of y weighed by 1, 2, 3, ... over all results */
static double weighed(wg_layer *l, const double *x, int64_t n, int64_t m)
{
    wg_array y[2];
    double s = 0;

    if (!OK(wg_layer_forward(l, 1, (wg_array[]){ WG_F64_ARRAY(x, n, m) }, false, y), l)) return NAN;
    for (int k = 0; k < wg_layer_n_out(l); k++)
        for (int i = 0; i < wg_shape_count(&y[k].type.shape); i++) s += (i + 1) * at(y[k], i);
    return s;
}

/* dy of weighed(), of the type of y */
static wg_array weights(wg_array y, double *to)
{
    for (int i = 0; i < wg_shape_count(&y.type.shape); i++) to[i] = i + 1;
    y.data = to;
    return y;
}

static void against_differences(wg_layer *l, wg_array p, wg_array grad, const double *x)
{
    double *v = p.data, h = 1e-5;

    if (!CHECK(p.data && grad.data && wg_type_equal(&p.type, &grad.type))) return;
    for (int i = 0; i < wg_shape_count(&p.type.shape); i++) {
        double old = v[i], up, down;

        v[i] = old + h;
        up = weighed(l, x, 2, 3);
        v[i] = old - h;
        down = weighed(l, x, 2, 3);
        v[i] = old;
        NEAR(at(grad, i), (up - down) / (2 * h));
    }
}

/* ---- tests ---- */

static void gradients_of_a_module(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_layer_new(&pair, w, "pair", &(pair_hyper){ .width = 2 });
    wg_layer *first = wg_layer_component(l, "first"), *second = wg_layer_component(l, "second");
    wg_array x = WG_F64_ARRAY(X, 2, 3), y[2], dx;
    double dy[2][4], moved[6];

    EQ_INT(wg_layer_n_components(l), 2);
    EQ_STR(wg_layer_component_id(l, 1), "second");
    EQ_STR(wg_layer_name(second), "pair/second");
    EQ_INT(wg_layer_n_params(first), 0);
    OK(wg_layer_forward(l, 1, &x, true, y), l);
    CHECK(y[0].type.shape.dim[0] == 2 && y[0].type.shape.dim[1] == 2);
    EQ_INT(wg_layer_n_params(first), 2);
    NEAR(at(wg_layer_derived(l, "first_out"), 1), at(y[1], 1) / 2);
    OK(wg_layer_backward(l, 1, (wg_array[]){ weights(y[0], dy[0]), weights(y[1], dy[1]) }, true,
                         &dx),
       l);
    memcpy(moved, X, sizeof X);
    for (int i = 0; i < 6; i++) {
        double up, down;

        moved[i] = X[i] + 1e-5;
        up = weighed(l, moved, 2, 3);
        moved[i] = X[i] - 1e-5;
        down = weighed(l, moved, 2, 3);
        moved[i] = X[i];
        NEAR(at(dx, i), (up - down) / 2e-5);
    }
    CHECK(wg_layer_derived(l, "dLdFirst").data != NULL);
    against_differences(l, wg_layer_parameter(first, "W"), wg_layer_gradient(first, "W"), X);
    against_differences(l, wg_layer_parameter(first, "b"), wg_layer_gradient(first, "b"), X);
    against_differences(l, wg_layer_parameter(second, "W"), wg_layer_gradient(second, "W"), X);
    wg_layer_free(l);
    wg_params_free(w);
}

static void a_retained_forward_stays(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 2, .act_fn = "Tanh" });
    wg_array x = WG_F64_ARRAY(X, 2, 3), y, dx;
    double dy[4] = { 1, 2, 3, 4 }, before[6], g[6], xs[6];

    memcpy(xs, X, sizeof X);
    x.data = xs;
    OK(wg_layer_forward(l, 1, &x, true, &y), l);
    OK(wg_layer_backward(l, 1, (wg_array[]){ WG_F64_ARRAY(dy, 2, 2) }, true, &dx), l);
    memcpy(before, dx.data, sizeof before);
    memcpy(g, wg_layer_gradient(l, "W").data, sizeof g);
    /* neither new parameters nor another input change what the forward has kept */
    for (int i = 0; i < 6; i++) ((double *)wg_layer_parameter(l, "W").data)[i] += 1;
    for (int i = 0; i < 6; i++) xs[i] = 9;
    OK(wg_layer_backward(l, 1, (wg_array[]){ WG_F64_ARRAY(dy, 2, 2) }, true, &dx), l);
    for (int i = 0; i < 6; i++) CHECK(at(dx, i) == before[i]);
    for (int i = 0; i < 6; i++) CHECK(at(wg_layer_gradient(l, "W"), i) == 2 * g[i]);
    /* without retain_grads nothing is added */
    OK(wg_layer_backward(l, 1, (wg_array[]){ WG_F64_ARRAY(dy, 2, 2) }, false, &dx), l);
    for (int i = 0; i < 6; i++) CHECK(at(wg_layer_gradient(l, "W"), i) == 2 * g[i]);
    wg_layer_flush_gradients(l);
    CHECK(wg_layer_gradient(l, "W").data == NULL);
    CHECK(wg_layer_backward(l, 1, (wg_array[]){ WG_F64_ARRAY(dy, 2, 2) }, true, &dx) == WG_ESTATE);
    EQ_STR(wg_layer_error(l)->text,
           "fc: backward of 1 forwards, 0 are retained; forward with retain first");
    wg_layer_free(l);
    wg_params_free(w);
}

static void many_forwards_one_backward(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 1 });
    wg_array a = WG_F64_ARRAY(X, 2, 3), b = WG_F64_ARRAY(X, 1, 3), y, dx[2];
    double da[2] = { 1, 1 }, db[1] = { 10 };

    /* two batches of other sizes; Z = x W + b, so dW = sum x dy */
    OK(wg_layer_forward(l, 1, &a, true, &y), l);
    OK(wg_layer_forward(l, 1, &b, true, &y), l);
    OK(wg_layer_backward(l, 2, (wg_array[]){ WG_F64_ARRAY(da, 2, 1), WG_F64_ARRAY(db, 1, 1) }, true,
                         dx),
       l);
    for (int i = 0; i < 3; i++) {
        NEAR(at(wg_layer_gradient(l, "W"), i), X[i] + X[3 + i] + 10 * X[i]);
        NEAR(at(dx[1], i), 10 * at(wg_layer_parameter(l, "W"), i));
    }
    NEAR(at(wg_layer_gradient(l, "b"), 0), 12);
    EQ_INT(dx[0].type.shape.dim[0], 2);
    EQ_INT(dx[1].type.shape.dim[0], 1);
    CHECK(wg_layer_backward(l, 2, (wg_array[]){ WG_F64_ARRAY(da, 1, 2), WG_F64_ARRAY(db, 1, 1) },
                            true, dx) == WG_ESHAPE);
    EQ_STR(wg_layer_error(l)->text, "fc: the gradient of result 0 of forward 0 is f64[1 x 2], the "
                                    "result was f64[2 x 1]");
    NEAR(at(wg_layer_gradient(l, "b"), 0), 12);
    wg_layer_free(l);
    wg_params_free(w);
}

static void frozen(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_layer_new(&pair, w, "pair", &(pair_hyper){ .width = 2 });
    wg_layer *first = wg_layer_component(l, "first"), *second = wg_layer_component(l, "second");
    wg_array x = WG_F64_ARRAY(X, 2, 3), y[2], dx;
    double dy[4] = { 1, 1, 1, 1 }, old;
    wg_array d[2] = { WG_F64_ARRAY(dy, 2, 2), { .data = NULL } };

    wg_layer_freeze(second);
    OK(wg_layer_forward(l, 1, &x, true, y), l);
    OK(wg_layer_backward(l, 1, d, true, &dx), l);
    CHECK(wg_layer_gradient(second, "W").data == NULL && wg_layer_gradient(first, "W").data);
    /* the rest trains, the frozen component does not move */
    old = at(wg_layer_parameter(second, "W"), 0);
    x.data = wg_layer_parameter(first, "W").data;
    OK(wg_layer_update(l, NAN), l);
    CHECK(at(wg_layer_parameter(second, "W"), 0) == old);
    x = WG_F64_ARRAY(X, 2, 3);
    wg_layer_freeze(l);
    CHECK(!wg_layer_trainable(first));
    OK(wg_layer_forward(l, 1, &x, true, y), l);
    OK(wg_layer_backward(l, 1, d, true, &dx), l);
    CHECK(dx.data && wg_layer_gradient(first, "W").data == NULL);
    CHECK(wg_layer_update(l, NAN) == WG_ESTATE);
    EQ_STR(wg_layer_error(l)->text, "pair: the layer is frozen; unfreeze it first");
    wg_layer_unfreeze(l);
    CHECK(wg_layer_trainable(first) && !wg_layer_trainable(second));
    wg_layer_free(l);
    wg_params_free(w);
}

static void steps(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 1 });
    wg_array x = WG_F64_ARRAY(X, 2, 3), y;
    double first = NAN, last = NAN, dy[2];

    /* squared error to the targets 1 and -1 falls */
    OK(wg_layer_set_optimizer(l, "SGD(lr=0.1)"), l);
    for (int i = 0; i < 50; i++) {
        OK(wg_layer_forward(l, 1, &x, true, &y), l);
        dy[0] = at(y, 0) - 1;
        dy[1] = at(y, 1) + 1;
        last = dy[0] * dy[0] + dy[1] * dy[1];
        if (i == 0) first = last;
        OK(wg_layer_backward(l, 1, (wg_array[]){ WG_F64_ARRAY(dy, 2, 1) }, true, NULL), l);
        OK(wg_layer_update(l, NAN), l);
    }
    CHECK(last < 1e-3 * first);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A scheduler that asks for the loss: without it nothing moves, not even the count of steps. */
static void a_missing_loss(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 1 });
    wg_array x = WG_F64_ARRAY(X, 2, 3), y;
    double dy[2] = { 1, 2 };
    char *before, *after;

    OK(wg_layer_set_optimizer(l, "SGD(momentum=0.9, lr_scheduler=KingScheduler())"), l);
    for (int i = 0; i < 2; i++) {
        OK(wg_layer_forward(l, 1, &x, true, &y), l);
        OK(wg_layer_backward(l, 1, (wg_array[]){ WG_F64_ARRAY(dy, 2, 1) }, true, NULL), l);
        before = wg_layer_summary(l);
        CHECK(wg_layer_update(l, NAN) == WG_EARG);
        EQ_STR(wg_layer_error(l)->text, "wants the loss of the step: cur_loss is missing");
        after = wg_layer_summary(l);
        EQ_STR(after, before);
        NEAR(at(wg_layer_gradient(l, "b"), 0), 3);
        OK(wg_layer_update(l, 0.5), l);
        wg_free(before);
        wg_free(after);
    }
    wg_layer_free(l);
    wg_params_free(w);
}

static void cells_step_backwards(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_layer_new(&cell, w, "cell", NULL);
    double u = 0.8, xs[3] = { 0.3, -0.2, 0.5 }, h = 0, hs[3], d = 0, du = 0, one = 1, want[3];
    wg_array y, dx;

    OK(wg_layer_forward(l, 1, (wg_array[]){ WG_F64_ARRAY(&xs[0], 1, 1) }, true, &y), l);
    *(double *)wg_layer_parameter(l, "u").data = u;
    for (int round = 0; round < 2; round++) {
        wg_layer_flush_gradients(l);
        h = d = du = 0;
        for (int t = 0; t < 3; t++) {
            OK(wg_layer_forward(l, 1, (wg_array[]){ WG_F64_ARRAY(&xs[t], 1, 1) }, true, &y), l);
            hs[t] = h = tanh(xs[t] + u * h);
            NEAR(at(y, 0), h);
        }
        for (int t = 2; t >= 0; t--) {
            double dz = (1 + d) * (1 - hs[t] * hs[t]);

            want[t] = dz;
            du += dz * (t ? hs[t - 1] : 0);
            d = dz * u;
            OK(wg_layer_backward(l, 1, (wg_array[]){ WG_F64_ARRAY(&one, 1, 1) }, true, &dx), l);
            NEAR(at(dx, 0), want[t]);
        }
        NEAR(at(wg_layer_gradient(l, "u"), 0), du);
        CHECK(wg_layer_backward(l, 1, (wg_array[]){ WG_F64_ARRAY(&one, 1, 1) }, true, &dx) ==
              WG_ESTATE);
    }
    wg_layer_free(l);
    wg_params_free(w);
}

static void summaries(void)
{
    wg_params *a = wg_params_new(WG_F64, 3), *b = wg_params_new(WG_F64, 4);
    wg_layer *l = wg_layer_new(&pair, a, "pair", &(pair_hyper){ .width = 2, .act_fn = "ReLU" });
    wg_layer *m = wg_layer_new(&pair, b, "other", &(pair_hyper){ .width = 3 });
    wg_array x = WG_F64_ARRAY(X, 2, 3), y[2], z[2];
    double dy[4] = { 1, 2, 3, 4 };
    wg_array d[2] = { WG_F64_ARRAY(dy, 2, 2), WG_F64_ARRAY(dy, 2, 2) };
    char *text;

    OK(wg_layer_set_optimizer(l, "SGD(lr=0.1, momentum=0.9)"), l);
    OK(wg_layer_forward(l, 1, &x, true, y), l);
    OK(wg_layer_backward(l, 1, d, true, NULL), l);
    OK(wg_layer_update(l, NAN), l);
    text = wg_layer_summary(l);
    OK(wg_layer_set_params(m, text), m);
    wg_free(text);
    EQ_INT(wg_layer_parameter(wg_layer_component(m, "first"), "W").type.shape.dim[1], 2);
    /* the same outputs, and the same next step */
    for (int i = 0; i < 2; i++) {
        OK(wg_layer_forward(l, 1, &x, true, y), l);
        OK(wg_layer_forward(m, 1, &x, true, z), m);
        for (int k = 0; k < 4; k++) CHECK(at(y[0], k) == at(z[0], k) && at(y[1], k) == at(z[1], k));
        OK(wg_layer_backward(l, 1, d, true, NULL), l);
        OK(wg_layer_backward(m, 1, d, true, NULL), m);
        OK(wg_layer_update(l, NAN), l);
        OK(wg_layer_update(m, NAN), m);
    }
    text = wg_layer_hyperparameters(l);
    CHECK(strstr(text, "\"component_ids\":[\"first\",\"second\"]") &&
          strstr(text, "\"skip\":true"));
    wg_free(text);
    /* a part of a summary; a new value is in use at once */
    OK(wg_layer_set_params(m, "{\"hyperparameters\": {\"gain\": 0}}"), m);
    OK(wg_layer_forward(m, 1, &x, true, z), m);
    CHECK(at(z[0], 0) == 0 && at(z[1], 3) == 0);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(a);
    wg_params_free(b);
}

/* A component may be changed by itself: what has recorded it does so anew, and it stays that way
 * unless the module itself is changed. */
static void summaries_of_components(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_layer_new(&pair, w, "pair", &(pair_hyper){ .width = 2, .act_fn = "Identity" });
    wg_layer *part = wg_layer_component(l, "first");
    wg_array x = WG_F64_ARRAY(X, 2, 3), y[2];
    double first;
    char *text;

    OK(wg_layer_forward(l, 1, &x, true, y), l);
    first = at(y[1], 0) / GAIN;
    OK(wg_layer_set_params(part, "{\"hyperparameters\": {\"act_fn\": \"Tanh\"}}"), l);
    OK(wg_layer_forward(l, 1, &x, true, y), l);
    NEAR(at(y[1], 0), GAIN * tanh(first));
    OK(wg_layer_set_params(l, "{\"hyperparameters\": {\"components\": {\"second\": "
                              "{\"act_fn\": \"ReLU\"}}}}"),
       l);
    OK(wg_layer_forward(l, 1, &x, true, y), l);
    NEAR(at(y[1], 0), GAIN * tanh(first));
    text = wg_layer_hyperparameters(wg_layer_component(l, "second"));
    CHECK(strstr(text, "\"act_fn\":\"ReLU\"") != NULL);
    wg_free(text);
    OK(wg_layer_set_params(l, "{\"hyperparameters\": {\"act_fn\": \"Exponential\"}}"), l);
    OK(wg_layer_forward(l, 1, &x, true, y), l);
    NEAR(at(y[1], 0), GAIN * exp(first));
    CHECK(wg_layer_component(l, "first") == part);
    wg_layer_free(l);
    wg_params_free(w);
}

static void refuses(wg_layer *l, const char *json, wg_status code, const char *text, int line)
{
    char *before = wg_layer_summary(l), *after;

    harness_check(wg_layer_set_params(l, json) == code, __FILE__, line, "%s: %s", json,
                  wg_layer_error(l)->text);
    harness_check(strcmp(wg_layer_error(l)->text, text) == 0, __FILE__, line, "%s",
                  wg_layer_error(l)->text);
    after = wg_layer_summary(l);
    harness_check(strcmp(before, after) == 0, __FILE__, line, "the layer has changed");
    wg_free(before);
    wg_free(after);
}
#define REFUSES(l, json, code, text) refuses((l), (json), (code), (text), __LINE__)

static void bad_texts(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(w, "fc", "FullyConected", NULL, &error);
    wg_array x = WG_F64_ARRAY(X, 2, 3), y;

    CHECK(!l && error.code == WG_ENAME);
    EQ_STR(error.text, "no class is called \"FullyConected\"; the nearest is FullyConnected");
    error.code = WG_OK;
    CHECK(!wg_layer_make(w, "fc", "FullyConnected", "{\"n_ou\": 3}", &error));
    EQ_STR(error.text, "no hyperparameter is called n_ou; the nearest is n_out");
    error.code = WG_OK;
    CHECK(!wg_layer_make(w, "fc", "FullyConnected", "{\"n_out\": 3", &error) &&
          error.code == WG_EFORMAT);
    l = wg_layer_make(w, "fc", "fullyconnected", "{\"n_out\": 2, \"act_fn\": \"Tanh\"}", &error);
    REQUIRE(l != NULL);
    OK(wg_layer_forward(l, 1, &x, true, &y), l);
    REFUSES(l, "[]", WG_EFORMAT, "the text is no JSON object");
    REFUSES(l, "{\"layer\": \"Conv2D\"}", WG_ENAME, "fc: the text is of the class Conv2D");
    REFUSES(l, "{\"parametres\": {}}", WG_ENAME,
            "fc: no section is called parametres; the nearest is parameters");
    REFUSES(l, "{\"hyperparameters\": {\"n_out\": 2.5}}", WG_EARG, "n_out is no integer");
    REFUSES(l, "{\"hyperparameters\": {\"n_out\": 0}}", WG_EARG, "n_out is 0, wanted at least 1");
    REFUSES(l, "{\"parameters\": {\"b\": {\"shape\": [2], \"data\": [1, 2]}}}", WG_ESHAPE,
            "fc/b is f64[1 x 2], the text has f64[2]");
    REFUSES(l, "{\"parameters\": {\"c\": {\"shape\": [2], \"data\": [1, 2]}}}", WG_ENAME,
            "fc has no parameter c; the nearest is W");
    wg_layer_free(l);
    wg_params_free(w);
}

static void bad_calls(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 2 });
    wg_layer *bad = wg_fully_connected(w, "bad", (wg_fc_hyper){ .n_out = -1 });
    wg_array x = WG_F64_ARRAY(X, 2, 3), y, empty = WG_F64_ARRAY(X, 0, 3);

    CHECK(wg_layer_forward(l, 0, &x, true, &y) == WG_EARG);
    CHECK(wg_layer_forward(l, 2, (wg_array[]){ x, x }, true, &y) == WG_EARG);
    EQ_STR(wg_layer_error(l)->text, "fc: 2 inputs given, wanted 1");
    x.data = NULL;
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_EARG);
    EQ_STR(wg_layer_error(l)->text, "fc: input 0 has no data");
    x.data = (void *)(uintptr_t)X;
    OK(wg_layer_forward(l, 1, &x, true, &y), l);
    OK(wg_layer_forward(l, 1, &empty, true, &y), l);
    EQ_INT(y.type.shape.dim[0], 0);
    x = WG_F64_ARRAY(X, 3, 2);
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_ESHAPE);
    CHECK(wg_layer_forward(bad, 1, &x, true, &y) == WG_EARG);
    EQ_STR(wg_layer_error(bad)->text, "n_out is -1, wanted at least 1");
    CHECK(wg_layer_forward(NULL, 1, &x, true, &y) == WG_EARG);
    CHECK(wg_layer_backward(NULL, 1, &x, true, &y) == WG_EARG);
    wg_layer_free(bad);
    wg_layer_free(l);
    wg_params_free(w);
}

TESTS(TEST(gradients_of_a_module), TEST(a_retained_forward_stays), TEST(many_forwards_one_backward),
      TEST(frozen), TEST(steps), TEST(a_missing_loss), TEST(cells_step_backwards), TEST(summaries),
      TEST(summaries_of_components), TEST(bad_texts), TEST(bad_calls))
