/* test_norm.c: batch and layer normalisation: running statistics, prediction, frozen layers, other
 * sizes, and where numpy-ml is wrong. */
#include "golden.h"
#include "layer_rows.h"

static double entry(const wg_params *w, const char *name, int i)
{
    const wg_param *p = wg_params_find(w, name);

    return p ? harness_number(p->value.data, p->value.type.dtype, i) : NAN;
}

static const double x42[] = { 1, 2, 3, -1, 5, 0.5, -3, 2.5 }; /* columns: mean 1.5, 1 */
static const double mean2[] = { 1.5, 1 }, var2[] = { 8.75, 1.875 };

/* ---- running statistics ---- */

/* running = momentum running + (1 - momentum) batch, once a run, from mean 0 and variance 1. */
static void running_statistics(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_batchnorm1d(w, "bn", (wg_batchnorm_hyper){ .momentum = 0.8 });
    wg_array x = WG_F64_ARRAY(x42, 4, 2), y;
    double mean[2] = { 0, 0 }, var[2] = { 1, 1 };

    for (int run = 0; run < 3; run++) {
        CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
        for (int i = 0; i < 2; i++) {
            mean[i] = 0.8 * mean[i] + 0.2 * mean2[i];
            var[i] = 0.8 * var[i] + 0.2 * var2[i];
            CLOSE1(entry(w, "bn/running_mean", i), mean[i], 1e-14, 0);
            CLOSE1(entry(w, "bn/running_var", i), var[i], 1e-14, 0);
        }
        for (int i = 0; i < 8; i++)
            CLOSE1(((double *)y.data)[i], (x42[i] - mean2[i % 2]) / sqrt(var2[i % 2] + 1e-5), 1e-13,
                   1e-13);
    }
    /* prediction uses them and leaves them alone */
    CHECK(wg_layer_forward(l, 1, &x, false, &y) == WG_OK);
    for (int i = 0; i < 8; i++)
        CLOSE1(((double *)y.data)[i], (x42[i] - mean[i % 2]) / sqrt(var[i % 2] + 1e-5), 1e-13,
               1e-13);
    CLOSE1(entry(w, "bn/running_mean", 0), mean[0], 1e-14, 0);
    /* so does a frozen layer in training */
    wg_layer_freeze(l);
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CLOSE1(((double *)y.data)[0], (1 - mean[0]) / sqrt(var[0] + 1e-5), 1e-13, 0);
    CLOSE1(entry(w, "bn/running_mean", 0), mean[0], 1e-14, 0);
    wg_layer_free(l);
    wg_params_free(w);
}

/* They are entries of the store that no optimiser moves. */
static void statistics_do_not_learn(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_batchnorm2d(w, "bn", (wg_batchnorm_hyper){ 0 });
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2, 1, 1, 2));

    wg_apply(l, x);
    NO_ERROR(wg_graph_error(g));
    EQ_INT(wg_layer_n_params(l), 4);
    CHECK(wg_params_find(w, "bn/scaler")->trainable &&
          wg_params_find(w, "bn/intercept")->trainable);
    CHECK(!wg_params_find(w, "bn/running_mean")->trainable);
    CHECK(!wg_params_find(w, "bn/running_var")->trainable);
    wg_layer_freeze(l);
    CHECK(!wg_params_find(w, "bn/scaler")->trainable);
    wg_layer_unfreeze(l);
    CHECK(wg_params_find(w, "bn/scaler")->trainable);
    CHECK(!wg_params_find(w, "bn/running_var")->trainable);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* A batch of nothing gives nothing, and its mean, which is none, is not kept. */
static void empty_batch(void)
{
    static const double zeros[2];
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_batchnorm1d(w, "bn", (wg_batchnorm_hyper){ .unbiased = true });
    wg_array x = WG_F64_ARRAY(x42, 4, 2), none = WG_F64_ARRAY(zeros, 0, 2), y;
    double mean, var;

    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    mean = entry(w, "bn/running_mean", 0);
    var = entry(w, "bn/running_var", 0);
    CHECK(wg_layer_forward(l, 1, &none, true, &y) == WG_OK);
    EQ_INT(y.type.shape.dim[0], 0);
    CLOSE1(entry(w, "bn/running_mean", 0), mean, 0, 0);
    CLOSE1(entry(w, "bn/running_var", 0), var, 0, 0);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Twice in one function: the second use goes on from the first. */
static void twice_in_one_run(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_batchnorm1d(w, "bn", (wg_batchnorm_hyper){ .momentum = 0.5 });
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(4, 2));
    wg_plan *p;

    wg_begin(g, "f", WG_TRAIN);
    wg_output("y", wg_apply(l, wg_add(wg_apply(l, x), x)));
    wg_end(g);
    p = wg_plan_new(g, w, "f", NULL);
    REQUIRE(p != NULL);
    CHECK(wg_plan_feed(p, "x", WG_F64_ARRAY(x42, 4, 2)) == WG_OK);
    CHECK(wg_plan_run(p) == WG_OK);
    /* the second batch has mean 1.5: normalised values have none */
    CLOSE1(entry(w, "bn/running_mean", 0), 0.5 * (0.5 * 1.5) + 0.5 * 1.5, 1e-13, 0);
    wg_plan_free(p);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- sizes ---- */

/* Images of any size share a BatchNorm2D; LayerNorm2D has parameters an element and refuses others.
 */
static void other_sizes(void)
{
    static const double zeros[256];
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *b = wg_batchnorm2d(w, "b", (wg_batchnorm_hyper){ 0 });
    wg_layer *l = wg_layernorm2d(w, "l", (wg_layernorm_hyper){ 0 });
    wg_layer *one = wg_batchnorm1d(w, "one", (wg_batchnorm_hyper){ 0 });
    wg_array small = WG_F64_ARRAY(zeros, 2, 3, 3, 2), large = WG_F64_ARRAY(zeros, 1, 5, 4, 2), y,
             narrow = WG_F64_ARRAY(zeros, 2, 1, 3, 2), wide = WG_F64_ARRAY(zeros, 4, 3),
             column = WG_F64_ARRAY(zeros, 4, 1);

    CHECK(wg_layer_forward(b, 1, &small, true, &y) == WG_OK);
    CHECK(wg_layer_forward(b, 1, &large, true, &y) == WG_OK);
    CHECK(wg_type_equal(&y.type, &large.type));
    CHECK(wg_layer_backward(b, 2, (wg_array[]){ small, large }, true, NULL) == WG_OK);
    CHECK(wg_layer_forward(l, 1, &small, true, &y) == WG_OK);
    CHECK(wg_layer_forward(l, 1, &large, true, &y) == WG_ESHAPE);
    ERROR_IS(wg_layer_error(l), WG_ESHAPE,
             "LayerNorm2D: the input is f64[1 x 5 x 4 x 2], wanted [n, rows, cols, ch] for scaler "
             "f64[3 x 3 x 2]",
             NULL);
    CHECK(wg_layer_forward(l, 1, &narrow, true, &y) == WG_ESHAPE);
    CHECK(wg_layer_forward(l, 1, &small, true, &y) == WG_OK); /* and goes on */
    /* one column does not become three */
    CHECK(wg_layer_forward(one, 1, &wide, true, &y) == WG_OK);
    CHECK(wg_layer_forward(one, 1, &column, true, &y) == WG_ESHAPE);
    ERROR_IS(wg_layer_error(one), WG_ESHAPE,
             "BatchNorm1D: the input is f64[4 x 1], wanted [n, n_in] for scaler f64[3]", NULL);
    wg_layer_free(b);
    wg_layer_free(l);
    wg_layer_free(one);
    wg_params_free(w);
}

/* A recorded layer that is fed another width is refused when it runs, in both modes. */
static void other_widths_when_fed(void)
{
    static const double zeros[64];

    for (int kind = 0; kind < 3; kind++)
        for (int mode = 0; mode < 2; mode++) {
            wg_params *w = wg_params_new(WG_F64, 1);
            wg_graph *g = wg_graph_new();
            wg_layer *l = kind == 0   ? wg_batchnorm1d(w, "l", (wg_batchnorm_hyper){ 0 })
                          : kind == 1 ? wg_layernorm1d(w, "l", (wg_layernorm_hyper){ 0 })
                                      : wg_batchnorm2d(w, "l", (wg_batchnorm_hyper){ 0 });
            wg_tensor *x =
                wg_input(g, "x", WG_F64, kind == 2 ? WG_SHAPE(2, 2, 2, 3) : WG_SHAPE(2, 3));
            wg_plan *p;

            wg_begin(g, "f", mode ? WG_PREDICT : WG_TRAIN);
            wg_output("y", wg_apply(l, x));
            wg_end(g);
            p = wg_plan_new(g, w, "f", NULL);
            REQUIRE(p != NULL);
            if (kind == 2) wg_plan_feed(p, "x", WG_F64_ARRAY(zeros, 2, 2, 2, 1));
            else wg_plan_feed(p, "x", WG_F64_ARRAY(zeros, 2, 1));
            EQ_INT(wg_plan_run(p), WG_ESHAPE);
            EQ_STR(wg_plan_error(p)->scope, "l");
            wg_plan_free(p);
            wg_layer_free(l);
            wg_graph_free(g);
            wg_params_free(w);
        }
}

/* ---- where numpy-ml is wrong ---- */

/* Published: the running variance has divisor m - 1. Both are to be had. */
static void erratum_Y14_unbiased_running_variance(void)
{
    for (int unbiased = 0; unbiased < 2; unbiased++) {
        wg_params *w = wg_params_new(WG_F64, 1);
        wg_layer *l = wg_batchnorm1d(w, "bn", (wg_batchnorm_hyper){ .unbiased = unbiased });
        wg_array x = WG_F64_ARRAY(x42, 4, 2), y, single = WG_F64_ARRAY(x42, 1, 2);
        double want = 0.9 + 0.1 * 8.75 * (unbiased ? 4.0 / 3 : 1);

        CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
        CLOSE1(entry(w, "bn/running_var", 0), want, 1e-14, 0);
        /* the batch itself is normalised by the biased one either way */
        CLOSE1(((double *)y.data)[0], -0.5 / sqrt(8.75 + 1e-5), 1e-13, 0);
        /* one example: variance 0, not 0 / 0 */
        CHECK(wg_layer_forward(l, 1, &single, true, &y) == WG_OK);
        CLOSE1(entry(w, "bn/running_var", 0), 0.9 * want, 1e-14, 0);
        wg_layer_free(l);
        wg_params_free(w);
    }
    {
        CASES("layer_batchnorm2d", c)
        {
            wg_array x = golden_array(c, "inputs", "X"), y,
                     want = golden_array(c, "outputs", "running_var_unbiased"),
                     mean = golden_array(c, "inputs", "running_mean"),
                     var = golden_array(c, "inputs", "running_var");
            wg_params *w = wg_params_new(WG_F64, 1);
            wg_batchnorm_hyper h = { .momentum = golden_number(c, "momentum", 0),
                                     .epsilon = golden_number(c, "epsilon", 0),
                                     .unbiased = true };
            wg_layer *l = wg_batchnorm2d(w, "bn", h);

            if (want.data) {
                wg_layer_forward(l, 1, &x, false, &y);
                wg_params_set(w, "bn/running_mean", mean, NULL);
                wg_params_set(w, "bn/running_var", var, NULL);
                wg_layer_forward(l, 1, &x, true, &y);
                GOLDEN_CLOSE(&wg_params_find(w, "bn/running_var")->value, &want, 1e-12,
                             "running_var_unbiased", c);
            }
            free(x.data);
            free(want.data);
            free(mean.data);
            free(var.data);
            wg_layer_free(l);
            wg_params_free(w);
        }
        json_decref(root);
    }
}

/* numpy-ml has no gradient in prediction; dX = dY scaler / sqrt(running_var + epsilon). */
static void erratum_Y15_gradient_in_prediction(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_batchnorm1d(w, "bn", (wg_batchnorm_hyper){ 0 });
    wg_array x = WG_F64_ARRAY(x42, 4, 2), dy = WG_F64_ARRAY(x42, 4, 2), dx, y, read;
    wg_tensor *in = wg_input(g, "x", WG_F64, WG_SHAPE(4, 2)), *s;
    wg_feed feed = { "x", x };

    wg_layer_freeze(l);
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    wg_params_fill(w, "bn/running_var", 3, NULL);
    wg_params_fill(w, "bn/scaler", 2, NULL);
    wg_layer_flush_gradients(l);
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_OK);
    CHECK(wg_layer_backward(l, 1, &dy, true, &dx) == WG_OK);
    for (int i = 0; i < 8; i++)
        CLOSE1(((double *)dx.data)[i], x42[i] * 2 / sqrt(3 + 1e-5), 1e-13, 0);
    /* recorded for prediction, parameters have their gradients too */
    wg_begin(g, "f", WG_PREDICT);
    s = wg_sum(wg_apply(l, in), WG_ALL_AXES, false);
    CHECK(wg_read(wg_grad1(s, wg_param_leaf(g, w, "bn/scaler")), w, 1, &feed, &read, NULL) ==
          WG_OK);
    CLOSE1(((double *)read.data)[0], (1 + 3 + 5 - 3) / sqrt(3 + 1e-5), 1e-13, 0);
    wg_free(read.data);
    wg_end(g);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* numpy-ml begins with a scaler drawn at random; published are ones. */
static void erratum_I9_scaler_begins_with_ones(void)
{
    static const double zeros[36];
    wg_params *w = wg_params_new(WG_F64, 5);
    wg_layer *l[4] = { wg_batchnorm1d(w, "a", (wg_batchnorm_hyper){ 0 }),
                       wg_batchnorm2d(w, "b", (wg_batchnorm_hyper){ 0 }),
                       wg_layernorm1d(w, "c", (wg_layernorm_hyper){ 0 }),
                       wg_layernorm2d(w, "d", (wg_layernorm_hyper){ 0 }) };
    wg_array x2 = WG_F64_ARRAY(zeros, 4, 3), x4 = WG_F64_ARRAY(zeros, 2, 2, 3, 3), y;

    for (int i = 0; i < 4; i++) {
        wg_array scaler, shift;

        CHECK(wg_layer_forward(l[i], 1, i % 2 ? &x4 : &x2, true, &y) == WG_OK);
        scaler = wg_layer_parameter(l[i], "scaler");
        shift = wg_layer_parameter(l[i], "intercept");
        for (int64_t k = 0; k < wg_shape_count(&scaler.type.shape); k++) {
            CLOSE1(((double *)scaler.data)[k], 1, 0, 0);
            CLOSE1(((double *)shift.data)[k], 0, 0, 0);
        }
        wg_layer_free(l[i]);
    }
    wg_params_free(w);
}

/* ---- mistakes ---- */

static void refused(void)
{
    static const double zeros[24];
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_layer *l = wg_batchnorm1d(w, "a", (wg_batchnorm_hyper){ .momentum = 1.5 });
    wg_array x = WG_F64_ARRAY(zeros, 2, 3, 4), y;
    wg_error error = { .code = WG_OK };

    ERROR_IS(wg_layer_error(l), WG_EARG, "BatchNorm1D: momentum is 1.5, wanted 0 to 1", NULL);
    wg_layer_free(l);
    l = wg_batchnorm2d(w, "a", (wg_batchnorm_hyper){ .momentum = NAN });
    ERROR_IS(wg_layer_error(l), WG_EARG, "BatchNorm2D: momentum is nan, wanted 0 to 1", NULL);
    wg_layer_free(l);
    l = wg_layernorm2d(w, "a", (wg_layernorm_hyper){ .epsilon = -1 });
    ERROR_IS(wg_layer_error(l), WG_EARG, "LayerNorm2D: epsilon is -1, wanted 0 or more", NULL);
    wg_layer_free(l);
    l = wg_layernorm1d(w, "a", (wg_layernorm_hyper){ 0 });
    CHECK(wg_layer_forward(l, 1, &x, true, &y) == WG_ESHAPE);
    ERROR_IS(wg_layer_error(l), WG_ESHAPE,
             "LayerNorm1D: the input is f64[2 x 3 x 4], wanted [n, n_in]", NULL);
    wg_layer_free(l);
    CHECK(!wg_layer_make(w, "b", "BatchNorm1D", "{\"epsilom\": 1}", &error));
    ERROR_IS(&error, WG_ENAME,
             "BatchNorm1D: no hyperparameter is called epsilom; the nearest is epsilon", NULL);
    /* zero, said in text, is zero */
    l = wg_layer_make(w, "b", "BatchNorm1D", "{\"momentum\": 0, \"epsilon\": 0}", NULL);
    REQUIRE(l != NULL);
    CLOSE1(((const wg_batchnorm_hyper *)wg_layer_hyper(l))->momentum, 0, 0, 0);
    wg_layer_free(l);
    wg_params_free(w);
}

TESTS(TEST(running_statistics), TEST(statistics_do_not_learn), TEST(twice_in_one_run),
      TEST(empty_batch), TEST(other_sizes), TEST(other_widths_when_fed),
      TEST(erratum_Y14_unbiased_running_variance), TEST(erratum_Y15_gradient_in_prediction),
      TEST(erratum_I9_scaler_begins_with_ones), TEST(refused))
