/* test_nce_refused.c: what NCELoss and its draws refuse, and each allocation refused to them. */
#include <wengert.h>
#include <wengert/op.h>

#include "gate.h"
#include "nce_kit.h"

/* ---- what is refused ---- */

static void refused_operands(void)
{
    static const struct {
        wg_nce_hyper hyper;
        int n, ranks[4];
        int64_t dims[4][3];
        wg_status code;
        const char *message;
    } bad[] = {
        { { 0, 2, NULL, false },
          4,
          { 3, 1, 1, 1 },
          { { 1, 2, 3 }, { 1 }, { 2 }, { 5 } },
          WG_EARG,
          "NCELoss: n_classes is 0, wanted at least 1" },
        { { 5, 0, NULL, false },
          4,
          { 3, 1, 1, 1 },
          { { 1, 2, 3 }, { 1 }, { 2 }, { 5 } },
          WG_EARG,
          "NCELoss: num_negative_samples is 0, wanted 1 to n_classes, which is 5" },
        { { 5, 6, NULL, false },
          4,
          { 3, 1, 1, 1 },
          { { 1, 2, 3 }, { 1 }, { 6 }, { 5 } },
          WG_EARG,
          "NCELoss: num_negative_samples is 6, wanted 1 to n_classes, which is 5" },
        { { 5, 2, NULL, false },
          4,
          { 2, 1, 1, 1 },
          { { 1, 3 }, { 1 }, { 2 }, { 5 } },
          WG_ESHAPE,
          "NCELoss: X is f64[1 x 3], wanted [n_ex, n_c, n_in]" },
        { { 5, 2, NULL, false },
          4,
          { 3, 2, 1, 1 },
          { { 1, 2, 3 }, { 1, 1 }, { 2 }, { 5 } },
          WG_ESHAPE,
          "NCELoss: target is i64[1 x 1], wanted i64 of rank 1" },
        { { 5, 2, NULL, false },
          4,
          { 3, 1, 1, 1 },
          { { 3, 2, 3 }, { 1 }, { 2 }, { 5 } },
          WG_ESHAPE,
          "NCELoss: target is i64[1] and X is f64[3 x 2 x 3], wanted a target for each example" },
        { { 5, 2, NULL, false },
          4,
          { 3, 1, 1, 1 },
          { { 1, 2, 3 }, { 1 }, { 3 }, { 5 } },
          WG_ESHAPE,
          "NCELoss: neg_samples is i64[3], wanted num_negative_samples, which is 2" },
        { { 5, 2, NULL, false },
          3,
          { 3, 1, 1 },
          { { 1, 2, 3 }, { 1 }, { 2 } },
          WG_ESHAPE,
          "NCELoss: subtract_log_label_prob needs noise_probs, the fourth operand" },
        { { 5, 2, NULL, false },
          4,
          { 3, 1, 1, 1 },
          { { 1, 2, 3 }, { 1 }, { 2 }, { 4 } },
          WG_ESHAPE,
          "NCELoss: noise_probs is f64[4], wanted the probabilities of 5 classes" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wg_params *w = wg_params_new(WG_F64, 3);
        wg_graph *g = wg_graph_new();
        wg_layer *l = wg_nce_loss(w, "nce", bad[i].hyper);
        wg_tensor *x[4], *y[2];

        for (int k = 0; k < bad[i].n; k++)
            x[k] = wg_input(g, (const char *[]){ "X", "t", "n", "q" }[k],
                            k == 1 || k == 2 ? WG_I64 : WG_F64,
                            wg_shape_of(bad[i].ranks[k], bad[i].dims[k]));
        wg_apply_all(l, bad[i].n, x, y);
        ERROR_IS(wg_graph_error(g), bad[i].code, bad[i].message,
                 harness_site((char[64]){ 0 }, __FILE__, __LINE__ - 2));
        wg_layer_free(l);
        wg_graph_free(g);
        wg_params_free(w);
    }
}

/* Recorded at batch 1 everything fits; what is fed does not. The store stays as it was. */
static void refused_feeds(void)
{
    static double X[24];
    static const struct {
        int64_t n_target, target[4], n_neg, neg[3];
        wg_status code;
        const char *message;
    } bad[] = {
        { 4,
          { 0, 1, 2, 5 },
          2,
          { 0, 1 },
          WG_EINDEX,
          "gather: index 5 at [3] is out of range for axis 0 of f64[5 x 3]" },
        { 4,
          { 0, 1, -2, 4 },
          2,
          { 0, 1 },
          WG_EINDEX,
          "gather: index -2 at [2] is out of range for axis 0 of f64[5 x 3]" },
        { 4,
          { 0, 1, 2, 4 },
          2,
          { 0, 7 },
          WG_EINDEX,
          "gather: index 7 at [1] is out of range for axis 0 of f64[5 x 3]" },
        { 1,
          { 0 },
          2,
          { 0, 1 },
          WG_ESHAPE,
          "expand_like: i64[1] is not f64[4] reduced: wanted i64[4]" },
        { 4,
          { 0, 1, 2, 4 },
          3,
          { 0, 1, 2 },
          WG_ESHAPE,
          "reshape: i64[3] has 3 elements, i64[2] has 2" },
    };
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_nce_loss(w, "nce", (wg_nce_hyper){ 5, 2, NULL, false });
    wg_graph *g = trainer(w, l);
    wg_plan *p = wg_plan_new(g, w, "train", NULL);
    double before[15];

    memcpy(before, wg_params_find(w, "nce/W")->value.data, sizeof before);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wg_plan_feed(p, "X", WG_F64_ARRAY(X, 4, 2, 3));
        wg_plan_feed(p, "target", WG_I64_ARRAY(bad[i].target, bad[i].n_target));
        wg_plan_feed(p, "neg", WG_I64_ARRAY(bad[i].neg, bad[i].n_neg));
        EQ_INT(wg_plan_run(p), bad[i].code);
        ERROR_IS(wg_plan_error(p), bad[i].code, bad[i].message, wg_plan_error(p)->site);
        EQ_STR(wg_plan_error(p)->scope, "nce");
    }
    SAME_BITS(before, wg_params_find(w, "nce/W")->value.data, sizeof before);
    wg_plan_free(p);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

static void refused_draws(void)
{
    static const double few[] = { 0.5, 0, 0.5, 0, 0 };
    wg_discrete_sampler *s = wg_discrete_sampler_new(5, few, false, true, NULL);
    wg_error error = { .code = WG_OK };
    wg_array probs = { 0 };
    int64_t neg[3];

    EQ_INT(wg_nce_draw(s, 1, "nce", 0, 2, neg, &error), WG_OK);
    EQ_INT(wg_nce_draw(s, 1, "nce", 0, 3, neg, &error), WG_EARG);
    ERROR_IS(&error, WG_EARG,
             "nce_draw: the noise has 2 possible values, fewer than the 3 negative samples", NULL);
    error.code = WG_OK;
    EQ_INT(wg_nce_draw(NULL, 1, "nce", 0, 3, neg, &error), WG_EARG);
    error.code = WG_OK;
    EQ_INT(wg_nce_noise_probs(NULL, &probs, &error), WG_EARG);
    ERROR_IS(&error, WG_EARG, "nce_noise_probs: the sampler is NULL", NULL);
    wg_discrete_sampler_free(s);
}

/* ---- without memory ---- */

static wg_status one_loss(void *arg, wg_error *error)
{
    static double x[6] = { 0.5, 0.25, 0.25, 0.2, 0.3, 0.5 };
    static int64_t k[2] = { 0, 2 };
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_nce_loss(w, "nce", (wg_nce_hyper){ 5, 2, NULL, false });
    wg_tensor *in[4] = { wg_input(g, "X", WG_F64, WG_SHAPE(2, 1, 3)),
                         wg_input(g, "t", WG_I64, WG_SHAPE(2)),
                         wg_input(g, "n", WG_I64, WG_SHAPE(2)),
                         wg_constant(g, WG_F64_ARRAY(noise5, 5)) },
              *y[2];
    wg_feed feed[] = { { "X", WG_F64_ARRAY(x, 2, 1, 3) },
                       { "t", WG_I64_ARRAY(k, 2) },
                       { "n", WG_I64_ARRAY(k, 2) } };
    wg_status status = WG_ENOMEM;
    wg_array value = { 0 };

    (void)arg;
    if (!w || !g || !l) wg_fail(error, WG_ENOMEM, "one_loss", "out of memory");
    else {
        wg_begin(g, "f", WG_TRAIN);
        wg_apply_all(l, 4, in, y);
        wg_output("loss", y[0]);
        wg_end(g);
        if (!wg_graph_error(g)) status = wg_read(y[0], w, 3, feed, &value, error);
        else {
            *error = *wg_graph_error(g);
            status = error->code;
        }
    }
    wg_free(value.data);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
    return status;
}

static wg_status probs_job(void *arg, wg_error *error)
{
    wg_array probs = { 0 };
    wg_status status = wg_nce_noise_probs(arg, &probs, error);

    wg_free(probs.data);
    return status;
}

static wg_status kept_job(void *arg, wg_error *error)
{
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_discrete_sampler *s = NULL;
    wg_status status = WG_ENOMEM;

    if (!w) wg_fail(error, WG_ENOMEM, "kept_job", "out of memory");
    else status = wg_nce_keep_noise(w, "q", arg, error);
    if (status == WG_OK) {
        s = wg_nce_kept_noise(w, "q", false, error);
        status = error->code;
    }
    wg_discrete_sampler_free(s);
    wg_params_free(w);
    return status;
}

static void without_memory(void)
{
    wg_discrete_sampler *s;

    gate_every_allocation(one_loss, NULL, "NCELoss");
    s = wg_discrete_sampler_new(5, noise5, false, true, NULL);
    gate_every_allocation(probs_job, s, "nce_noise_probs");
    gate_every_allocation(kept_job, s, "nce_keep_noise");
    wg_discrete_sampler_free(s);
}

TESTS(TEST(refused_operands), TEST(refused_feeds), TEST(refused_draws), TEST(without_memory))
