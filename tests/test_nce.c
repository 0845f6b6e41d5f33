/* test_nce.c: noise-contrastive estimation: golden values, gradients, training by steps, errata. */
#include <wengert.h>
#include <wengert/op.h>
#include "composed.h"
#include "golden_kinds.h"
#include "nce_kit.h"

static void golden(void)
{
    golden_run_file("loss_nce", golden_kinds_loss);
}

/* ---- gradients, batches, element types, files ---- */

struct kind {
    wg_nce_hyper hyper;
    bool frozen;
    wg_layer *layer; /* made at the first use of a store */
};

static wg_tensor *nce(wg_graph *g, wg_params *store, wg_tensor *const *in, const void *arg)
{
    struct kind *k = (struct kind *)(uintptr_t)arg;
    wg_tensor *x[4] = { in[0], in[1], in[2], wg_constant(g, WG_F64_ARRAY(noise5, 5)) }, *y[2];

    if (!k->layer) k->layer = wg_nce_loss(store, "nce", k->hyper);
    if (k->frozen) wg_layer_freeze(k->layer);
    wg_apply_all(k->layer, k->hyper.keep_log_label_prob ? 3 : 4, x, y);
    /* both results, so that both are differentiated */
    return wg_add(y[0], wg_sum(y[1], WG_ALL_AXES, false));
}

static void compositions(void)
{
    static const composed_input in[] = { { "X", COMPOSED_NORMAL, 3, { -1, 2, 3 }, 0 },
                                         { "target", COMPOSED_INDEX, 1, { -1 }, 5 },
                                         { "neg", COMPOSED_INDEX, 1, { 4 }, 5 } };
    struct kind kinds[] = {
        { { .n_classes = 5, .num_negative_samples = 4 }, false, NULL },
        { { .n_classes = 5, .num_negative_samples = 4, .keep_log_label_prob = true }, false, NULL }
    };

    for (int i = 0; i < 2; i++) {
        composed_check(&(composed){ i ? "negative sampling" : "nce", 3, in, nce, &kinds[i] });
        wg_layer_free(kinds[i].layer);
    }
}

/* Frozen or in prediction only the targets count: the negatives are not even asked for. */
static void evaluation(void)
{
    static double X[] = { 1, 2, -1, 0.5 };
    static int64_t target[] = { 3, 1 }, neg[] = { 0, 2 };

    for (int frozen = 0; frozen < 2; frozen++) {
        wg_params *w = wg_params_new(WG_F64, 3);
        wg_graph *g = wg_graph_new();
        wg_layer *l = wg_nce_loss(w, "nce", (wg_nce_hyper){ 5, 2, NULL, false });
        wg_tensor *x[4] = { wg_input(g, "X", WG_F64, WG_SHAPE(1, 1, 2)),
                            wg_input(g, "target", WG_I64, WG_SHAPE(1)),
                            wg_input(g, "neg", WG_I64, WG_SHAPE(2)),
                            wg_constant(g, WG_F64_ARRAY(noise5, 5)) },
                  *y[2];
        const double *weight, *p;
        wg_plan *plan;
        double loss = 0;

        if (frozen) wg_layer_freeze(l);
        wg_begin(g, "f", frozen ? WG_TRAIN : WG_PREDICT);
        wg_apply_all(l, 4, x, y);
        wg_output("loss", y[0]);
        wg_output("y_pred", y[1]);
        wg_end(g);
        NO_ERROR(wg_graph_error(g));
        plan = wg_plan_new(g, w, "f", NULL);
        wg_plan_feed(plan, "X", WG_F64_ARRAY(X, 2, 1, 2));
        wg_plan_feed(plan, "target", WG_I64_ARRAY(target, 2));
        EQ_INT(wg_plan_feed(plan, "neg", WG_I64_ARRAY(neg, 2)), WG_ENAME);
        EQ_INT(wg_plan_run(plan), WG_OK);
        weight = wg_params_find(w, "nce/W")->value.data;
        p = wg_plan_value(plan, "y_pred")->data;
        for (int i = 0; i < 2; i++) {
            int64_t t = target[i];
            double z = X[2 * i] * weight[2 * t] + X[2 * i + 1] * weight[2 * t + 1] - log(noise5[t]);

            loss += log1p(exp(-z));
            CLOSE1(p[i], 1 / (1 + exp(-z)), 1e-14, 0);
        }
        CLOSE1(wg_item(wg_plan_value(plan, "loss")), loss, 1e-14, 0);
        wg_plan_free(plan);
        wg_layer_free(l);
        wg_graph_free(g);
        wg_params_free(w);
    }
}

/* ---- one example by hand: X = 1, W zero, so that b is the logit ---- */

struct by_hand {
    wg_params *w;
    wg_graph *g;
    wg_layer *l;
    wg_tensor *y[2], *db, *dx;
};

static struct by_hand by_hand(const double *b, bool keep, const int64_t *neg, wg_array *loss,
                              wg_array *db)
{
    static double one[] = { 1 };
    static int64_t target[] = { 1 };
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_nce_loss(w, "nce", (wg_nce_hyper){ 5, 2, "zeros", keep });
    wg_tensor *x[4] = { wg_input(g, "X", WG_F64, WG_SHAPE(1, 1, 1)),
                        wg_input(g, "target", WG_I64, WG_SHAPE(1)),
                        wg_input(g, "neg", WG_I64, WG_SHAPE(2)),
                        wg_constant(g, WG_F64_ARRAY(noise5, 5)) };
    wg_feed feed[] = { { "X", WG_F64_ARRAY(one, 1, 1, 1) },
                       { "target", WG_I64_ARRAY(target, 1) },
                       { "neg", WG_I64_ARRAY(neg, 2) } };
    struct by_hand h = { .w = w, .g = g, .l = l };
    wg_error error = { .code = WG_OK };

    wg_begin(g, "f", WG_TRAIN);
    wg_apply_all(l, keep ? 3 : 4, x, h.y);
    h.db = wg_loss_grad(wg_output("loss", h.y[0]), wg_param_leaf(g, w, "nce/b"));
    h.dx = wg_loss_grad(h.y[0], x[0]);
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    wg_params_set(w, "nce/b", WG_F64_ARRAY(b, 1, 5), &error);
    wg_read(h.y[0], w, 3, feed, loss, &error);
    wg_read(h.db, w, 3, feed, db, &error);
    NO_ERROR(&error);
    return h;
}

static void by_hand_free(struct by_hand *h, wg_array *loss, wg_array *db)
{
    wg_free(loss->data);
    wg_free(db->data);
    wg_layer_free(h->l);
    wg_graph_free(h->g);
    wg_params_free(h->w);
}

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

static double softplus(double z)
{
    return fmax(z, 0) + log1p(exp(-fabs(z)));
}

/* A noise sample that equals the target: both terms are in the loss, and both in its gradient. */
static void erratum_L2_accidental_hits_keep_both_terms(void)
{
    static const double b[] = { 0.3, -0.4, 0.2, 0.1, 0 };
    wg_array loss = { 0 }, db = { 0 };

    for (int keep = 0; keep < 2; keep++) {
        struct by_hand h = by_hand(b, keep, (int64_t[]){ 1, 2 }, &loss, &db);
        double z1 = b[1] - (keep ? 0 : log(noise5[1])), z2 = b[2] - (keep ? 0 : log(noise5[2]));
        double want[5] = { 0, sigmoid(z1) - 1 + sigmoid(z1), sigmoid(z2), 0, 0 };

        CLOSE1(wg_item(&loss), softplus(-z1) + softplus(z1) + softplus(z2), 1e-14, 0);
        CLOSE_ARRAY(&db, want, 5, 1e-14, 1e-16);
        by_hand_free(&h, &loss, &db);
    }
}

/* Logits of 60 and 900 the wrong way round. */
static void erratum_L3_no_saturation(void)
{
    static const double b[] = { 60, -60, 900, 0, 0 };
    wg_array loss = { 0 }, db = { 0 };
    struct by_hand h = by_hand(b, true, (int64_t[]){ 0, 2 }, &loss, &db);
    double want[5] = { 1, -1, 1, 0, 0 };

    CLOSE1(wg_item(&loss), 60 + 60 + 900, 1e-15, 0);
    CLOSE_ARRAY(&db, want, 5, 1e-15, 0);
    by_hand_free(&h, &loss, &db);
}

/* The documented log Q(w) is subtracted, not log(k Q(w)). */
static void erratum_L4_log_q_without_k(void)
{
    static const double b[] = { 0, 0, 0, 0, 0 };
    wg_array loss = { 0 }, db = { 0 };
    struct by_hand h = by_hand(b, false, (int64_t[]){ 0, 2 }, &loss, &db);

    CLOSE1(wg_item(&loss), softplus(log(0.3)) + softplus(-log(0.1)) + softplus(-log(0.2)), 1e-14,
           0);
    by_hand_free(&h, &loss, &db);
}

static void erratum_L5_noise_from_logarithms(void)
{
    double logs[5];
    wg_discrete_sampler *s;
    wg_array probs = { 0 };
    wg_error error = { .code = WG_OK };

    for (int i = 0; i < 5; i++) logs[i] = log(noise5[i]);
    s = wg_discrete_sampler_new(5, logs, true, true, &error);
    EQ_INT(wg_nce_noise_probs(s, &probs, &error), WG_OK);
    NO_ERROR(&error);
    CLOSE_ARRAY(&probs, noise5, 5, 1e-14, 0);
    wg_free(probs.data);
    wg_discrete_sampler_free(s);
}

/* [n_ex, n_c, n_in], whatever the context. */
static void erratum_L9_shape_of_the_input_gradient(void)
{
    static const double b[] = { 0, 0, 0, 0, 0 };
    wg_array loss = { 0 }, db = { 0 };
    struct by_hand h = by_hand(b, false, (int64_t[]){ 0, 2 }, &loss, &db);

    EQ_INT(wg_tensor_type(h.dx)->shape.rank, 3);
    by_hand_free(&h, &loss, &db);
}

/* ---- negatives: a function of the step ---- */

static void draws_by_step(void)
{
    wg_discrete_sampler *s = wg_discrete_sampler_new(5, noise5, false, false, NULL);
    int64_t a[3], b[3], c[3];
    bool differ = false;

    for (uint64_t step = 0; step < 20; step++) {
        EQ_INT(wg_nce_draw(s, 7, "loss", step, 3, a, NULL), WG_OK);
        EQ_INT(wg_nce_draw(s, 7, "loss", step, 3, b, NULL), WG_OK);
        EQ_INT(wg_nce_draw(s, 7, "other", step, 3, c, NULL), WG_OK);
        SAME_BITS(a, b, sizeof a);
        differ |= memcmp(a, c, sizeof a) != 0;
        for (int i = 0; i < 3; i++) CHECK(a[i] >= 0 && a[i] < 5);
        CHECK(a[0] != a[1] && a[1] != a[2] && a[0] != a[2]);
    }
    CHECK(differ);
    wg_discrete_sampler_free(s);
}

/* ---- training, and going on from a file ---- */

/* Steps first..last-1; the loss of the last one. */
static double train(wg_graph *g, wg_params *w, wg_discrete_sampler *s, uint64_t first,
                    uint64_t last)
{
    wg_plan *p = wg_plan_new(g, w, "train", NULL);
    double X[4 * 2 * 3], loss = NAN;
    int64_t target[4] = { 1, 4, 3, 1 }, neg[2];

    wg_random_normal(1, 2, 3, 0, 24, WG_F64, X);
    wg_plan_feed(p, "X", WG_F64_ARRAY(X, 4, 2, 3));
    wg_plan_feed(p, "target", WG_I64_ARRAY(target, 4));
    for (uint64_t step = first; step < last; step++) {
        wg_nce_draw(s, wg_params_seed(w), "nce", step, 2, neg, NULL);
        wg_plan_feed(p, "neg", WG_I64_ARRAY(neg, 2));
        wg_plan_run(p);
        NO_ERROR(wg_plan_error(p));
        loss = wg_item(wg_plan_value(p, "loss"));
    }
    wg_plan_free(p);
    return loss;
}

static void training_goes_on_from_a_file(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_nce_loss(w, "nce", (wg_nce_hyper){ 5, 2, NULL, false });
    wg_graph *g = trainer(w, l);
    wg_discrete_sampler *s = wg_discrete_sampler_new(5, noise5, false, true, NULL);
    wg_program program = { NULL, NULL };
    wg_error error = { .code = WG_OK };
    size_t length;
    double loss;
    char *text;

    train(g, w, s, 0, 5);
    wg_save_text(g, w, NULL, &text, &length, &error);
    wg_load_text(text, length, NULL, &program, &error);
    NO_ERROR(&error);
    wg_free(text);
    loss = train(g, w, s, 5, 60);
    CHECK(loss < 25);
    CLOSE1(train(program.graph, program.params, s, 5, 60), loss, 0, 0);
    SAME_BITS(wg_params_find(program.params, "nce/W")->value.data,
              wg_params_find(w, "nce/W")->value.data, 15 * 8);
    wg_program_free(&program);
    wg_discrete_sampler_free(s);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* numpy-ml's way: forward, backward of the loss, update; twice, and more than one forward. */
static void on_arrays(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_nce_loss(w, "nce", (wg_nce_hyper){ 5, 2, NULL, false });
    double X[24], one[1] = { 1 }, before, after;
    int64_t target[4] = { 1, 4, 3, 1 }, neg[2] = { 0, 1 };
    wg_array x[4] = { WG_F64_ARRAY(X, 4, 2, 3), WG_I64_ARRAY(target, 4), WG_I64_ARRAY(neg, 2),
                      WG_F64_ARRAY(noise5, 5) },
             y[2], dx[8],
             dy[4] = { { { WG_F64, { 0, { 0 } } }, one }, { { WG_F64, { 0, { 0 } } }, NULL } };

    dy[2] = dy[0];
    dy[3] = dy[1];
    wg_random_normal(1, 2, 3, 0, 24, WG_F64, X);
    EQ_INT(wg_layer_forward(l, 4, x, true, y), WG_OK);
    NO_ERROR(wg_layer_error(l));
    before = wg_item(&y[0]);
    EQ_INT(y[1].type.shape.dim[0] * 10 + y[1].type.shape.dim[1], 42);
    for (int step = 0; step < 2; step++) {
        EQ_INT(wg_layer_backward(l, 1, dy, true, dx), WG_OK);
        NO_ERROR(wg_layer_error(l));
        CHECK(wg_shape_equal(&dx[0].type.shape, &x[0].type.shape));
        EQ_INT(wg_layer_update(l, (double)NAN), WG_OK);
        EQ_INT(wg_layer_forward(l, 4, x, true, y), WG_OK);
        NO_ERROR(wg_layer_error(l));
    }
    after = wg_item(&y[0]);
    CHECK(after < before);
    EQ_INT(wg_layer_forward(l, 4, x, false, y), WG_OK);
    NO_ERROR(wg_layer_error(l));
    CHECK(wg_item(&y[0]) < after); /* targets alone */
    wg_layer_freeze(l);
    EQ_INT(wg_layer_update(l, (double)NAN), WG_ESTATE);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The noise lies in the store beside f32 weights: a loaded program draws and subtracts the same. */
static void noise_kept_in_the_store(void)
{
    wg_params *w = wg_params_new(WG_F32, 3), *single;
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_nce_loss(w, "nce", (wg_nce_hyper){ 5, 2, NULL, false });
    wg_discrete_sampler *s = wg_discrete_sampler_new(5, noise5, false, true, NULL), *kept, *again;
    wg_program program = { NULL, NULL };
    wg_error error = { .code = WG_OK };
    int64_t a[40], b[40];
    wg_tensor *x[4], *y[2];
    size_t length;
    char *text;

    EQ_INT(wg_nce_keep_noise(w, "nce/noise", s, &error), WG_OK);
    x[0] = wg_input(g, "X", WG_F32, WG_SHAPE(1, 2, 3));
    x[1] = wg_input(g, "target", WG_I64, WG_SHAPE(1));
    x[2] = wg_input(g, "neg", WG_I64, WG_SHAPE(2));
    x[3] = wg_param_leaf(g, w, "nce/noise");
    wg_begin(g, "train", WG_TRAIN);
    wg_apply_all(l, 4, x, y);
    wg_output("loss", y[0]);
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    wg_save_text(g, w, NULL, &text, &length, &error);
    wg_load_text(text, length, NULL, &program, &error);
    NO_ERROR(&error);
    wg_free(text);
    kept = wg_nce_kept_noise(w, "nce/noise", true, &error);
    again = wg_nce_kept_noise(program.params, "nce/noise", true, &error);
    NO_ERROR(&error);
    wg_nce_draw(kept, 7, "nce", 3, 40, a, &error);
    wg_nce_draw(again, 7, "nce", 3, 40, b, &error);
    EQ_INT(error.code, WG_EARG); /* 40 of 5 values */
    error.code = WG_OK;
    for (uint64_t step = 0; step < 50; step++) {
        wg_nce_draw(kept, 7, "nce", step, 4, a, &error);
        wg_nce_draw(again, 7, "nce", step, 4, b, &error);
        SAME_BITS(a, b, 4 * sizeof *a);
    }
    NO_ERROR(&error);
    wg_discrete_sampler_free(again);
    single = wg_params_copy(w, WG_F32);
    again = wg_nce_kept_noise(single, "nce/noise", true, &error);
    NO_ERROR(&error);
    CLOSE1(wg_discrete_sampler_prob(again, 1), 0.3, 1e-7, 0);
    CHECK(wg_nce_kept_noise(w, "nce/nose", true, &error) == NULL);
    ERROR_IS(&error, WG_ENAME, "nce_kept_noise: the store has no probabilities \"nce/nose\"", NULL);
    error.code = WG_OK;
    CHECK(wg_nce_kept_noise(w, "nce/W", true, &error) == NULL);
    EQ_INT(error.code, WG_ENAME);
    error.code = WG_OK;
    EQ_INT(wg_nce_keep_noise(NULL, "nce/noise", s, &error), WG_EARG);
    wg_discrete_sampler_free(kept);
    wg_discrete_sampler_free(again);
    wg_discrete_sampler_free(s);
    wg_program_free(&program);
    wg_params_free(single);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

/* What one layer's summary tells a fresh one: the same results. */
static void summary_and_back(void)
{
    wg_params *w = wg_params_new(WG_F64, 3), *v = wg_params_new(WG_F64, 4);
    wg_error error = { .code = WG_OK };
    wg_layer *a = wg_layer_make(w, "nce", "NCELoss",
                                "{\"n_classes\": 5, \"num_negative_samples\": 2, "
                                "\"subtract_log_label_prob\": false}",
                                &error);
    wg_layer *b = wg_layer_make(v, "nce", "NCELoss",
                                "{\"n_classes\": 9, \"num_negative_samples\": 1}", &error);
    double X[24];
    int64_t target[4] = { 1, 4, 3, 1 }, neg[2] = { 0, 1 };
    wg_array x[3] = { WG_F64_ARRAY(X, 4, 2, 3), WG_I64_ARRAY(target, 4), WG_I64_ARRAY(neg, 2) };
    wg_array y[2], z[2];
    char *text;

    NO_ERROR(&error);
    wg_random_normal(1, 2, 3, 0, 24, WG_F64, X);
    EQ_INT(wg_layer_forward(a, 3, x, true, y), WG_OK);
    text = wg_layer_summary(a);
    CHECK(text && strstr(text, "\"subtract_log_label_prob\":false") != NULL);
    EQ_INT(wg_layer_set_params(b, text), WG_OK);
    NO_ERROR(wg_layer_error(b));
    EQ_INT(wg_layer_forward(b, 3, x, true, z), WG_OK);
    NO_ERROR(wg_layer_error(b));
    SAME_BITS(y[0].data, z[0].data, 8);
    SAME_BITS(y[1].data, z[1].data, 64);
    wg_free(text);
    wg_layer_free(a);
    wg_layer_free(b);
    wg_params_free(w);
    wg_params_free(v);
}

TESTS(TEST(golden), TEST(compositions), TEST(evaluation),
      TEST(erratum_L2_accidental_hits_keep_both_terms), TEST(erratum_L3_no_saturation),
      TEST(erratum_L4_log_q_without_k), TEST(erratum_L5_noise_from_logarithms),
      TEST(erratum_L9_shape_of_the_input_gradient), TEST(draws_by_step),
      TEST(training_goes_on_from_a_file), TEST(on_arrays), TEST(noise_kept_in_the_store),
      TEST(summary_and_back))
