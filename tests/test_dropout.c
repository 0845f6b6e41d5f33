/* test_dropout.c: the Dropout wrapper: masks, both scalings, and where numpy-ml is wrong. */
#include "layer_rows.h"

static const double xs[] = { 1, -2, 3, 0.5, -1, 2, 0.25, -0.75, 4, -3, 1.5, 0.125 };

static wg_layer *dense(wg_params *w, const char *name, double p, int64_t scale)
{
    return wg_dropout(
        w, name,
        (wg_dropout_hyper){ .p = p,
                            .scale = scale,
                            .wrapped = "FullyConnected",
                            .hyperparameters = "{\"n_out\": 2, \"act_fn\": \"Tanh\"}" });
}

/* y = tanh(m x W + b) with m = mask inner, times outer, written out; x [3, 4]. */
static void by_hand(const wg_layer *l, const double *mask, double inner, double outer, double *y)
{
    const wg_layer *in = wg_layer_component(l, "layer");
    const double *W = wg_layer_parameter(in, "W").data, *b = wg_layer_parameter(in, "b").data;

    for (int r = 0; r < 3; r++)
        for (int j = 0; j < 2; j++) {
            double z = b[j];

            for (int i = 0; i < 4; i++) z += mask[4 * r + i] * inner * xs[4 * r + i] * W[2 * i + j];
            y[2 * r + j] = outer * tanh(z);
        }
}

/* ---- dropout ---- */

/* The mask is 0 or 1, 1 with probability 1 - p, other in each run, the same from seed and name. */
static void masks(void)
{
    wg_params *w = wg_params_new(WG_F32, 5), *v = wg_params_new(WG_F32, 5);
    wg_layer *l = wg_dropout(w, "d", (wg_dropout_hyper){ .p = 0.3, .wrapped = "Flatten" });
    wg_layer *m = wg_dropout(v, "d", (wg_dropout_hyper){ .p = 0.3, .wrapped = "Flatten" });
    float *data = calloc(10000, sizeof *data), *first = calloc(10000, sizeof *first);
    wg_array x = WG_F32_ARRAY(data, 100, 100), y, mask;
    double kept = 0;

    for (int i = 0; i < 10000; i++) data[i] = 1;
    for (int run = 0; run < 2; run++) {
        CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
        mask = wg_layer_derived(l, "dropout_mask");
        REQUIRE(mask.data != NULL);
        if (run == 0) memcpy(first, mask.data, 40000);
        for (int i = 0; i < 10000; i++) {
            float one = ((float *)mask.data)[i];

            if (one != 0 && one != 1) CHECK(false);
            if (run == 0) kept += (double)one;
        }
    }
    CHECK(fabs(kept - 7000) < 5 * sqrt(10000 * 0.3 * 0.7));
    CHECK(memcmp(first, mask.data, 40000) != 0);
    CHECK(wg_layer_forward(m, 1, &x, true, &y) == WG_OK);
    SAME_BITS(wg_layer_derived(m, "dropout_mask").data, first, 40000);
    free(data);
    free(first);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(w);
    wg_params_free(v);
}

/* dX = mask * (the layer's gradient at the scaled output): numpy-ml forgets the mask. */
static void erratum_W1_mask_in_backward(void)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l = dense(w, "d", 0.4, WG_DROPOUT_OUTPUT), *in;
    wg_array x = WG_F64_ARRAY(xs, 3, 4), y, dx, mask;
    double dy[6] = { 1, 1, 1, 1, 1, 1 }, m[12], want[6], scale = 1 / 0.6;
    wg_array up = WG_F64_ARRAY(dy, 3, 2);

    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    in = wg_layer_component(l, "layer");
    mask = wg_layer_derived(l, "dropout_mask");
    REQUIRE(in && mask.data);
    memcpy(m, mask.data, sizeof m);
    by_hand(l, m, 1, scale, want);
    CLOSE((double *)y.data, want, 6, 1e-13, 0);
    memcpy(want, y.data, sizeof want);
    CHECK(wg_layer_backward(l, 1, &up, true, &dx) == WG_OK);
    for (int r = 0; r < 3; r++)
        for (int i = 0; i < 4; i++) {
            const double *W = wg_layer_parameter(in, "W").data;
            double d = 0;

            for (int j = 0; j < 2; j++) {
                double t = want[2 * r + j] / scale;

                d += scale * (1 - t * t) * W[2 * i + j];
            }
            CLOSE1(((double *)dx.data)[4 * r + i], m[4 * r + i] * d, 1e-12, 1e-13);
        }
    CHECK(wg_layer_gradient(in, "W").data != NULL);
    wg_layer_free(l);
    wg_params_free(w);
}

/* It scales the caller's dY in place, and takes no list: two forwards, one backward. */
static void erratum_W2_dY_stays(void)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l = dense(w, "d", 0.5, WG_DROPOUT_OUTPUT);
    wg_array x = WG_F64_ARRAY(xs, 3, 4), y, dx[2];
    double dy[6] = { 1, 1, 1, 1, 1, 1 };
    wg_array up[2] = { WG_F64_ARRAY(dy, 3, 2), WG_F64_ARRAY(dy, 3, 2) };

    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CHECK(wg_layer_backward(l, 2, up, true, dx) == WG_OK);
    for (int i = 0; i < 6; i++) CLOSE1(dy[i], 1, 0, 0);
    CHECK(memcmp(dx[0].data, dx[1].data, 96) != 0); /* each forward has a mask of its own */
    wg_layer_free(l);
    wg_params_free(w);
}

/* Published (inverted) dropout scales what is kept of the input: both readings. */
static void erratum_W3_both_scalings(void)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l = dense(w, "d", 0.25, WG_DROPOUT_INPUT), *same;
    wg_array x = WG_F64_ARRAY(xs, 3, 4), y;
    double m[12], want[6];

    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    memcpy(m, wg_layer_derived(l, "dropout_mask").data, sizeof m);
    by_hand(l, m, 1 / 0.75, 1, want);
    CLOSE((double *)y.data, want, 6, 1e-13, 0);
    /* p = 0: nothing is dropped, both are the layer itself */
    same = dense(w, "s", 0, WG_DROPOUT_OUTPUT);
    CHECK(wg_layer_forward(same, 1, &x, true, &y) == WG_OK);
    for (int i = 0; i < 12; i++) m[i] = 1;
    by_hand(same, m, 1, 1, want);
    CLOSE((double *)y.data, want, 6, 1e-13, 0);
    wg_layer_free(l);
    wg_layer_free(same);
    wg_params_free(w);
}

/* unfreeze unfreezes, the layer inside too; frozen and in prediction nothing is dropped. */
static void erratum_W4_unfreeze(void)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l = dense(w, "d", 0.5, WG_DROPOUT_OUTPUT);
    wg_array x = WG_F64_ARRAY(xs, 3, 4), y;
    double m[12], want[6];

    for (int i = 0; i < 12; i++) m[i] = 1;
    CHECK(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
    by_hand(l, m, 1, 1, want);
    CLOSE((double *)y.data, want, 6, 1e-13, 0);
    wg_layer_freeze(l);
    CHECK(!wg_layer_trainable(wg_layer_component(l, "layer")));
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CLOSE((double *)y.data, want, 6, 1e-13, 0);
    EQ_INT(wg_layer_update(l, NAN), WG_ESTATE);
    wg_layer_unfreeze(l);
    CHECK(wg_layer_trainable(l) && wg_layer_trainable(wg_layer_component(l, "layer")));
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CHECK(fabs(((double *)y.data)[0] - want[0]) > 1e-6);
    wg_layer_free(l);
    wg_params_free(w);
}

/* update takes a loss or none, and moves the layer inside. */
static void erratum_W5_update(void)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l = dense(w, "d", 0.25, WG_DROPOUT_OUTPUT);
    wg_array x = WG_F64_ARRAY(xs, 3, 4), y, W;
    double before[8];

    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    W = wg_layer_parameter(wg_layer_component(l, "layer"), "W");
    REQUIRE(W.data != NULL);
    memcpy(before, W.data, sizeof before);
    CHECK(wg_layer_backward(l, 1, &y, true, NULL) == WG_OK);
    CHECK(wg_layer_update(l, NAN) == WG_OK);
    CHECK(memcmp(before, W.data, sizeof before) != 0);
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CHECK(wg_layer_backward(l, 1, &y, true, NULL) == WG_OK);
    CHECK(wg_layer_update(l, 0.5) == WG_OK);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A wrapper made from its text has the p that stands there. */
static void erratum_W6_made_with_its_p(void)
{
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(
        w, "d", "Dropout", "{\"p\": 0.25, \"scale\": \"input\", \"wrapped\": \"Flatten\"}", &error);
    wg_array x = WG_F64_ARRAY(xs, 3, 4), y;

    NO_ERROR(&error);
    REQUIRE(l != NULL);
    CLOSE1(((const wg_dropout_hyper *)wg_layer_hyper(l))->p, 0.25, 0, 0);
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    for (int i = 0; i < 12; i++) {
        double v = ((double *)y.data)[i];

        CHECK(v == 0 || fabs(v - xs[i] / 0.75) < 1e-14);
    }
    wg_layer_free(l);
    wg_params_free(w);
}

/* set_params leaves a wrapper, with p, scale and all of the layer inside. */
static void erratum_W7_set_params(void)
{
    wg_params *w = wg_params_new(WG_F64, 5), *v = wg_params_new(WG_F64, 5);
    wg_layer *l = dense(w, "d", 0.25, WG_DROPOUT_INPUT), *m = dense(v, "d", 0, WG_DROPOUT_OUTPUT);
    wg_array x = WG_F64_ARRAY(xs, 3, 4), y, z;
    double kept[6];
    char *text;

    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CHECK(wg_layer_backward(l, 1, &y, true, NULL) == WG_OK);
    CHECK(wg_layer_update(l, NAN) == WG_OK);
    text = wg_layer_summary(l);
    REQUIRE(text != NULL);
    CHECK(wg_layer_set_params(m, text) == WG_OK);
    NO_ERROR(wg_layer_error(m));
    wg_free(text);
    EQ_STR(wg_layer_kind(m), "Dropout");
    CLOSE1(((const wg_dropout_hyper *)wg_layer_hyper(m))->p, 0.25, 0, 0);
    EQ_INT(((const wg_dropout_hyper *)wg_layer_hyper(m))->scale, WG_DROPOUT_INPUT);
    CHECK(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
    memcpy(kept, y.data, sizeof kept);
    CHECK(wg_layer_forward(m, 1, &x, false, &z) == WG_OK);
    SAME_BITS(kept, z.data, sizeof kept);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(w);
    wg_params_free(v);
}

/* The mask of a recorded program may be fed, by the draw's full name. */
static void mask_fed(void)
{
    static const double mask[12] = { 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1 };
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_graph *g = wg_graph_new();
    wg_layer *l = dense(w, "d", 0.5, WG_DROPOUT_OUTPUT);
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 4));
    double want[6];
    wg_plan *p;

    wg_begin(g, "f", WG_TRAIN);
    wg_output("y", wg_apply(l, x));
    wg_output("again", wg_apply(l, x)); /* a mask of its own: d/dropout_mask_2 */
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    p = wg_plan_new(g, w, "f", NULL);
    REQUIRE(p != NULL);
    CHECK(wg_plan_feed(p, "x", WG_F64_ARRAY(xs, 3, 4)) == WG_OK);
    CHECK(wg_plan_feed(p, "d/dropout_mask", WG_F64_ARRAY(mask, 3, 4)) == WG_OK);
    CHECK(wg_plan_feed(p, "d/dropout_mask_2", WG_F64_ARRAY(mask, 3, 4)) == WG_OK);
    CHECK(wg_plan_run(p) == WG_OK);
    by_hand(l, mask, 1, 2, want);
    CLOSE_ARRAY(wg_plan_value(p, "y"), (double *)want, 6, 1e-13, 0);
    CLOSE_ARRAY(wg_plan_value(p, "again"), (double *)want, 6, 1e-13, 0);
    wg_plan_free(p);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

static void refused(void)
{
    static const struct {
        wg_dropout_hyper h;
        wg_status code;
        const char *text;
    } rows[] = {
        { { .p = 1, .wrapped = "Flatten" }, WG_EARG, "Dropout: p is 1, wanted 0 or more, below 1" },
        { { .p = -0.5, .wrapped = "Flatten" },
          WG_EARG,
          "Dropout: p is -0.5, wanted 0 or more, below 1" },
        { { .p = 0.5 }, WG_EARG, "Dropout: wrapped is not given: wanted a class of layers" },
        { { .p = 0.5, .wrapped = "Flaten" },
          WG_ENAME,
          "Dropout: no layer class is called Flaten; the nearest is Flatten" },
        { { .p = 0.5, .wrapped = "Add" },
          WG_EARG,
          "Dropout: Add cannot be wrapped: wanted one input, one result" },
        { { .p = 0.5, .scale = 7, .wrapped = "Flatten" },
          WG_EARG,
          "Dropout: scale 7 is neither output nor input" },
        { { .p = 0.5, .wrapped = "Flatten", .hyperparameters = "[1]" },
          WG_EFORMAT,
          "Dropout: hyperparameters is no JSON object" },
        { { .p = 0.5, .wrapped = "Softmax", .hyperparameters = "{\"dimm\": 1}" },
          WG_ENAME,
          "Softmax: no hyperparameter is called dimm; the nearest is dim" },
        { { .p = 0.5, .wrapped = "FullyConnected" },
          WG_EARG,
          "FullyConnected: n_out is 0, wanted at least 1" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = wg_dropout(w, "d", rows[i].h);

        ERROR_IS(wg_layer_error(l), rows[i].code, rows[i].text, NULL);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

TESTS(TEST(masks), TEST(erratum_W1_mask_in_backward), TEST(erratum_W2_dY_stays),
      TEST(erratum_W3_both_scalings), TEST(erratum_W4_unfreeze), TEST(erratum_W5_update),
      TEST(erratum_W6_made_with_its_p), TEST(erratum_W7_set_params), TEST(mask_fed), TEST(refused))
