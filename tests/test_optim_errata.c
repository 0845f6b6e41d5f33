/* test_optim_errata.c: where numpy-ml's optimisers are wrong and these are right; what they
 * refuse. */
#include <math.h>
#include <string.h>

#include <wengert.h>

#include "harness.h"

static wg_optim *from_text(wg_params *w, const char *text)
{
    wg_error error = { .code = WG_OK };
    wg_optim *o = wg_optim_from_text(w, "o", text, &error);

    NO_ERROR(&error);
    return o;
}

/* ---- errata of numpy-ml ---- */

static void erratum_I7_set_params_restores_cache_and_rate(void)
{
    wg_optim *o = from_text(NULL, "SGD(momentum=0.9)"), *p = from_text(NULL, "SGD");
    double w[2] = { 1, 1 }, v[2], g[2] = { 1, 2 };
    wg_error error = { .code = WG_OK };
    char *text;

    wg_optim_update(o, "W", WG_F64_ARRAY(w, 2), WG_F64_ARRAY(g, 2), 0, &error);
    memcpy(v, w, sizeof w);
    text = wg_optim_summary(o);
    EQ_STR(text, "{\"cache\":{\"W\":{\"shape\":[2],\"data\":[0.01,0.02]},\"/step\":0,\"/lr\":0.01},"
                 "\"hyperparameters\":{\"id\":\"SGD\",\"lr\":0.01,\"momentum\":0.90000000000000002,"
                 "\"clip_norm\":null,\"lr_scheduler\":\"ConstantScheduler(lr=0.01)\"}}");
    CHECK(wg_optim_set_params(p, text, &error) == WG_OK);
    CHECK(wg_optim_set_params(p, "{\"lr\": 0.1}", &error) == WG_OK);
    CHECK(wg_optim_set_params(o, "{\"hyperparameters\": {\"lr\": 0.1}}", &error) == WG_OK);
    wg_optim_update(o, "W", WG_F64_ARRAY(w, 2), WG_F64_ARRAY(g, 2), 0, &error);
    wg_optim_update(p, "W", WG_F64_ARRAY(v, 2), WG_F64_ARRAY(g, 2), 0, &error);
    NO_ERROR(&error);
    SAME_BITS(v, w, sizeof w);
    CLOSE1(wg_optim_lr(o), 0.1, 0, 0);
    CLOSE(w, ((double[]){ 1 - 0.01 - (0.009 + 0.1), 1 - 0.02 - (0.018 + 0.2) }), 2, 1e-15, 0);
    wg_free(text);
    wg_optim_free(o);
    wg_optim_free(p);
}

/* Two layers with parameters of one name and other shapes: one optimiser for both. */
static void erratum_O1_one_state_per_parameter(void)
{
    wg_optim *o = from_text(NULL, "SGD(lr=0.1, momentum=0.9)");
    double a[2] = { 0, 0 }, b[3] = { 0, 0, 0 }, g[3] = { 1, 1, 1 };
    wg_error error = { .code = WG_OK };

    wg_optim_step(o, &error);
    wg_optim_update(o, "one/W", WG_F64_ARRAY(a, 2), WG_F64_ARRAY(g, 2), 0, &error);
    wg_optim_update(o, "two/W", WG_F64_ARRAY(b, 3), WG_F64_ARRAY(g, 3), 0, &error);
    NO_ERROR(&error);
    CLOSE(a, ((double[]){ -0.1, -0.1 }), 2, 0, 0); /* the first step of both */
    CLOSE(b, ((double[]){ -0.1, -0.1, -0.1 }), 3, 0, 0);
    wg_optim_free(o);
}

static void erratum_O2_noam_without_step(void)
{
    wg_optim *o = from_text(NULL, "Adam(lr_scheduler=NoamScheduler(model_dim=16, warmup_steps=4))");
    double w = 1, g = 1;
    wg_error error = { .code = WG_OK };

    CHECK(wg_optim_update(o, "W", WG_F64_ARRAY(&w, 1), WG_F64_ARRAY(&g, 1), 0, &error) == WG_OK);
    NO_ERROR(&error);
    CLOSE1(wg_optim_lr(o), 0.03125, 1e-15, 0);
    wg_optim_free(o);
}

static void erratum_O7_common_norm(void)
{
    wg_optim *o = from_text(NULL, "SGD(lr=1, clip_global_norm=1)");
    double a[2] = { 0, 0 }, b[1] = { 0 }, ga[2] = { 3, 0 }, gb[1] = { 4 };
    static const char *const name[2] = { "a", "b" };
    wg_array param[2] = { WG_F64_ARRAY(a, 2), WG_F64_ARRAY(b, 1) },
             grad[2] = { WG_F64_ARRAY(ga, 2), WG_F64_ARRAY(gb, 1) };
    wg_error error = { .code = WG_OK };

    CHECK(wg_optim_update_n(o, 2, name, param, grad, 0, &error) == WG_OK);
    NO_ERROR(&error);
    CLOSE(a, ((double[]){ -0.6, 0 }), 2, 1e-15, 0);
    CLOSE1(b[0], -0.8, 1e-15, 0);
    CHECK(wg_optim_update(o, "a", param[0], grad[0], 0, &error) == WG_ESTATE);
    ERROR_IS(&error, WG_ESTATE,
             "SGD: clip_global_norm needs all gradients at once: use wg_optim_update_n", NULL);
    wg_optim_free(o);
}

/* Three steps of two parameters are three losses. */
static void erratum_O8_one_loss_a_step(void)
{
    wg_optim *o = from_text(NULL, "SGD(lr_scheduler=KingScheduler(patience=4))");
    double w = 1, b = 1, g = 1;
    char *text;

    for (int t = 1; t <= 3; t++) {
        CHECK(wg_optim_step(o, NULL) == WG_OK);
        CHECK(wg_optim_update(o, "W", WG_F64_ARRAY(&w, 1), WG_F64_ARRAY(&g, 1), t, NULL) == WG_OK);
        CHECK(wg_optim_update(o, "b", WG_F64_ARRAY(&b, 1), WG_F64_ARRAY(&g, 1), t, NULL) == WG_OK);
    }
    text = wg_optim_summary(o);
    CHECK(text && strstr(text, "\"/losses\":{\"shape\":[6],\"data\":[0.0,0.0,0.0,1.0,2.0,3.0]}"));
    CHECK(text && strstr(text, "\"/n_losses\":3"));
    wg_free(text);
    wg_optim_free(o);
}

static void erratum_O9_lr_is_the_starting_rate(void)
{
    wg_optim *o = from_text(NULL, "SGD(lr=0.5, lr_scheduler=\"ExponentialScheduler(decay=0.5)\")");
    char *text = wg_optim_text(o);

    CLOSE1(wg_optim_lr(o), 0.5, 0, 0);
    EQ_STR(text, "SGD(lr=0.5, momentum=0.0, clip_norm=None, lr_scheduler=ExponentialScheduler("
                 "initial_lr=0.5, stage_length=500, staircase=False, decay=0.5))");
    wg_free(text);
    wg_optim_free(o);
    o = from_text(NULL, "SGD(lr=0.5, lr_scheduler=ExponentialScheduler(initial_lr=0.2))");
    CLOSE1(wg_optim_lr(o), 0.2, 0, 0);
    CHECK(wg_optim_set_params(o, "{\"lr\": 0.7}", NULL) == WG_OK);
    CLOSE1(wg_optim_lr(o), 0.2, 0, 0);
    wg_optim_free(o);
    o = from_text(NULL, "SGD(lr=0.5, lr_scheduler=KingScheduler(patience=5))");
    CHECK(wg_optim_set_params(o, "{\"lr\": 0.7}", NULL) == WG_OK);
    CLOSE1(wg_optim_lr(o), 0.7, 0, 0);
    wg_optim_free(o);
}

/* ---- mistakes ---- */

static void mistakes(void)
{
    wg_optim *o = from_text(NULL, "Adam(lr_scheduler=KingScheduler(patience=5))");
    double w[6] = { 1, 2, 3, 4, 5, 6 }, before[6], g[6] = { 1, 1, 1, 1, 1, 1 };
    wg_array p = WG_F64_ARRAY(w, 2, 3), d = WG_F64_ARRAY(g, 2, 3), none = { p.type, NULL },
             i = WG_I64_ARRAY(w, 6);
    double nan = (double)NAN;
    struct {
        const char *name;
        wg_array param, grad;
        double loss;
        wg_status code;
        const char *message;
    } one[] = {
        { "", p, d, 1, WG_ENAME, "Adam: the parameter's name is empty" },
        { NULL, p, d, 1, WG_ENAME, "Adam: the parameter's name is empty" },
        { "W", p, WG_F64_ARRAY(g, 3, 2), 1, WG_ESHAPE,
          "Adam: \"W\" is f64[2 x 3], its gradient f64[3 x 2]" },
        { "W", p, WG_F32_ARRAY(g, 2, 3), 1, WG_EDTYPE,
          "Adam: \"W\" is f64[2 x 3], its gradient f32[2 x 3]" },
        { "W", i, i, 1, WG_EDTYPE, "Adam: \"W\" is i64[6], wanted f32 or f64" },
        { "W", p, none, 1, WG_EARG, "Adam: \"W\": the gradient's data pointer is NULL" },
        { "W", none, d, 1, WG_EARG, "Adam: \"W\": the parameter's data pointer is NULL" },
        { "W", p, d, nan, WG_EARG,
          "KingScheduler: wants the loss of the step: cur_loss is missing" },
        { "W", p, d, 1, WG_OK, "" },
        { "W", WG_F64_ARRAY(w, 3, 2), WG_F64_ARRAY(g, 3, 2), 1, WG_ESHAPE,
          "Adam: \"W\" is f64[3 x 2], its cache is that of f64[2 x 3]" },
    };
    static const char *const twice[2] = { "x", "x" };
    wg_error error = { .code = WG_OK };

    memcpy(before, w, sizeof w);
    for (int k = 0; k < 10; k++) {
        error.code = WG_OK;
        if (k < 8) SAME_BITS(w, before, sizeof w);
        EQ_INT(wg_optim_update(o, one[k].name, one[k].param, one[k].grad, one[k].loss, &error),
               one[k].code);
        if (one[k].code != WG_OK) ERROR_IS(&error, one[k].code, one[k].message, NULL);
    }
    error.code = WG_OK;
    wg_optim_update_n(o, 2, twice, (wg_array[]){ p, p }, (wg_array[]){ d, d }, 1, &error);
    ERROR_IS(&error, WG_ENAME, "Adam: \"x\" is given twice", NULL);
    error.code = WG_OK;
    wg_optim_update(NULL, "W", p, d, 1, &error);
    ERROR_IS(&error, WG_EARG, "optim_update: the optimiser is NULL", NULL);
    error.code = WG_OK;
    wg_optim_step(NULL, &error);
    ERROR_IS(&error, WG_EARG, "optim_step: the optimiser is NULL", NULL);
    wg_optim_free(o);
    CHECK(wg_optim_copy(NULL) == NULL && wg_optim_text(NULL) == NULL &&
          wg_optim_summary(NULL) == NULL && isnan(wg_optim_lr(NULL)));
}

/* A mistake of the constructor is kept for the first use. */
static void constructor_mistakes(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_sgd_hyper h = wg_sgd_defaults();
    wg_adam_hyper a = wg_adamw_defaults();
    wg_rmsprop_hyper r = wg_rmsprop_defaults();
    wg_adagrad_hyper d = wg_adagrad_defaults();
    double x = 1;
    wg_array v = WG_F64_ARRAY(&x, 1);
    struct {
        wg_optim *o;
        const char *message;
    } one[5] = { 0 };

    h.lr_scheduler = "NoamSchedule(model_dims=3)";
    one[0].o = wg_sgd(w, "a", &h);
    one[0].message = "sched: unknown scheduler \"NoamSchedule\" at character 1, the nearest is "
                     "\"NoamScheduler\"";
    a.weight_decay = -0.1;
    one[1].o = wg_adamw(w, "b", &a);
    one[1].message = "AdamW: weight_decay is -0.1, wanted 0 or more";
    r.decay = 1;
    one[2].o = wg_rmsprop(w, "c", &r);
    one[2].message = "RMSProp: decay is 1, wanted 0 <= decay < 1";
    d.accumulate = -2;
    one[3].o = wg_adagrad(w, "d", &d);
    one[3].message = "AdaGrad: accumulate is -2, wanted 1 to 1000000000";
    one[4].o = wg_sgd(NULL, "e", NULL);
    one[4].message = "SGD: the store is NULL";
    for (int i = 0; i < 5; i++) {
        wg_error error = { .code = WG_OK };

        wg_optim_update(one[i].o, "W", v, v, 0, &error);
        ERROR_IS(&error, error.code, one[i].message, NULL);
        CHECK(error.code != WG_OK);
        wg_optim_free(one[i].o);
    }
    wg_params_free(w);
}

/* wg_minimize needs weights, which a private store has not. */
static void private_store_records_nothing(void)
{
    wg_graph *g = wg_graph_new();
    wg_optim *o = from_text(NULL, "SGD");

    wg_begin(g, "train", WG_TRAIN);
    wg_minimize(o, wg_input(g, "x", WG_F64, WG_SHAPE_SCALAR));
    ERROR_IS(wg_graph_error(g), WG_EARG, "minimize: the optimiser was made without a store", ABOVE);
    wg_optim_free(o);
    wg_graph_free(g);
}

static void set_lr(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_optim *o = from_text(w, "SGD(lr_scheduler=ExponentialScheduler(initial_lr=0.4))"),
             *n = from_text(w, "SGD(lr_scheduler=Noam)");
    wg_error error = { .code = WG_OK };
    double x = 1, g = 0;

    wg_optim_step(o, &error);
    wg_optim_update(o, "W", WG_F64_ARRAY(&x, 1), WG_F64_ARRAY(&g, 1), 0, &error);
    CLOSE1(wg_optim_lr(o), 0.4 * pow(0.1, 1.0 / 500), 1e-15, 0);
    CHECK(wg_optim_set_lr(o, 2, &error) == WG_OK);
    wg_optim_step(o, &error);
    wg_optim_update(o, "W", WG_F64_ARRAY(&x, 1), WG_F64_ARRAY(&g, 1), 0, &error);
    CLOSE1(wg_optim_lr(o), 2 * pow(0.1, 2.0 / 500), 1e-15, 0);
    NO_ERROR(&error);
    CHECK(wg_optim_reset_step(o, &error) == WG_OK);
    wg_optim_step(o, &error);
    wg_optim_update(o, "W", WG_F64_ARRAY(&x, 1), WG_F64_ARRAY(&g, 1), 0, &error);
    CLOSE1(wg_optim_lr(o), 2 * pow(0.1, 1.0 / 500), 1e-15, 0);
    NO_ERROR(&error);
    CHECK(wg_optim_set_lr(n, 1, &error) == WG_ESTATE);
    ERROR_IS(&error, WG_ESTATE, "optim_set_lr: NoamScheduler has no starting rate", NULL);
    error.code = WG_OK;
    CHECK(wg_optim_set_lr(o, 0, &error) == WG_EARG);
    ERROR_IS(&error, WG_EARG, "optim_set_lr: lr is 0, wanted a positive number", NULL);
    wg_optim_free(o);
    wg_optim_free(n);
    wg_params_free(w);
}

/* f32 parameters keep an f32 cache; rates stay f64. */
static void single_precision(void)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_optim *o = from_text(w, "Adam(lr=0.1)");
    float x[3] = { 1, 2, 3 }, g[3] = { 0.1F, -0.2F, 0.3F };

    CHECK(wg_optim_update(o, "W", WG_F32_ARRAY(x, 3), WG_F32_ARRAY(g, 3), 0, NULL) == WG_OK);
    CLOSE(x, ((double[]){ 0.9, 2.1, 2.9 }), 3, 1e-6, 0);
    EQ_INT(wg_params_find(w, "W/o_m")->value.type.dtype, WG_F32);
    EQ_INT(wg_params_find(w, "o/lr")->value.type.dtype, WG_F64);
    EQ_INT(*(const int64_t *)wg_params_find(w, "W/o_t")->value.data, 1);
    wg_optim_free(o);
    wg_params_free(w);
}

TESTS(TEST(erratum_I7_set_params_restores_cache_and_rate), TEST(erratum_O1_one_state_per_parameter),
      TEST(erratum_O2_noam_without_step), TEST(erratum_O7_common_norm),
      TEST(erratum_O8_one_loss_a_step), TEST(erratum_O9_lr_is_the_starting_rate), TEST(mistakes),
      TEST(constructor_mistakes), TEST(private_store_records_nothing), TEST(set_lr),
      TEST(single_precision))
