/* test_models.c: BernoulliVAE and Word2Vec: golden steps of all models, recorded functions, names.
 */
#include "model_kit.h"

static void golden_vae(void)
{
    golden_run_file("model_bernoulli_vae", golden_kinds_model);
}
static void golden_wgan(void)
{
    golden_run_file("model_wgan_gp", golden_kinds_model);
}
static void golden_word2vec(void)
{
    golden_run_file("model_word2vec", golden_kinds_model);
}

static wg_bernoulli_vae_hyper small_vae(void)
{
    return (wg_bernoulli_vae_hyper){ .T = 2,
                                     .latent_dim = 16,
                                     .enc_conv1_out_ch = 4,
                                     .enc_conv2_out_ch = 4,
                                     .enc_conv1_kernel_shape = { 3, 3 },
                                     .enc_conv2_kernel_shape = { 2, 2 },
                                     .optimizer = "RMSProp(lr=0.01)" };
}

/* n images of 8 x 8, left or right half lit. */
static wg_array images(int n)
{
    double *v = calloc((size_t)n * 64, sizeof *v);

    for (int i = 0; i < n * 64; i++) v[i] = (i % 8 < 4) == (i / 64 % 2 == 0);
    return WG_F64_ARRAY(v, n, 8, 8, 1);
}

/* ---- BernoulliVAE ---- */

static void vae_learns(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_bernoulli_vae(w, "vae", small_vae());
    wg_graph *g = wg_bernoulli_vae_record(l, wg_graph_new(), 8, 8, 1);
    wg_plan *p = wg_plan_new(g, w, "train", NULL), *q = wg_plan_new(g, w, "predict", NULL);
    wg_array x = images(6);
    double first;

    REQUIRE_PLAN(p, g);
    wg_plan_feed(p, "X", x);
    wg_plan_feed(q, "X", x);
    step_ok(q);
    first = loss_of(q, "loss");
    for (int i = 0; i < 300; i++) step_ok(p);
    step_ok(q);
    harness_check(loss_of(q, "loss") < 0.5 * first, __FILE__, __LINE__, "loss %g to %g", first,
                  loss_of(q, "loss"));
    EQ_INT(wg_plan_value(q, "X_recon")->type.shape.dim[0], 6);
    EQ_INT(wg_plan_value(q, "X_recon")->type.shape.dim[1], 64);
    free(x.data);
    wg_plan_free(p);
    wg_plan_free(q);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Draws are others in every run, the same after a load, and what is fed when something is. */
static void vae_goes_on_after_a_save(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_bernoulli_vae(w, "vae", small_vae());
    wg_graph *g = wg_bernoulli_vae_record(l, wg_graph_new(), 8, 8, 1);
    wg_plan *p = wg_plan_new(g, w, "train", NULL), *q;
    wg_array x = images(4);
    double noise[8] = { 0 }, t[2][8];
    wg_error error = { .code = WG_OK };
    wg_program loaded;
    size_t length;
    char *text;

    REQUIRE_PLAN(p, g);
    wg_plan_feed(p, "X", x);
    for (int i = 0; i < 2; i++) {
        step_ok(p);
        memcpy(t[i], wg_plan_value(p, "t")->data, sizeof t[i]);
    }
    CHECK(memcmp(t[0], t[1], sizeof t[0]) != 0);
    EQ_INT(wg_save_text(g, w, NULL, &text, &length, &error), WG_OK);
    NO_ERROR(&error);
    EQ_INT(wg_load_text(text, length, NULL, &loaded, &error), WG_OK);
    NO_ERROR(&error);
    wg_free(text);
    q = wg_plan_new(loaded.graph, loaded.params, "train", NULL);
    wg_plan_feed(q, "X", x);
    for (int i = 0; i < 3; i++) {
        step_ok(p);
        step_ok(q);
        SAME_BITS(wg_plan_value(p, "t")->data, wg_plan_value(q, "t")->data, sizeof t[0]);
        SAME_BITS(wg_plan_value(p, "loss")->data, wg_plan_value(q, "loss")->data, 8);
    }
    wg_plan_feed(p, "vae/noise", WG_F64_ARRAY(noise, 4, 2));
    step_ok(p);
    SAME_BITS(wg_plan_value(p, "t")->data, wg_plan_value(p, "t_mean")->data, sizeof t[0]);
    free(x.data);
    wg_plan_free(p);
    wg_plan_free(q);
    wg_program_free(&loaded);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml scales the noise by the variance, not by the standard deviation. */
static void erratum_D1_standard_deviation(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_bernoulli_vae(w, "vae", small_vae());
    wg_graph *g = wg_bernoulli_vae_record(l, wg_graph_new(), 8, 8, 1);
    wg_plan *p = wg_plan_new(g, w, "predict", NULL);
    double noise[8], *t, *mean, *log_var;
    wg_array x = images(4);

    REQUIRE_PLAN(p, g);
    for (int i = 0; i < 8; i++) noise[i] = i - 3.5;
    wg_plan_feed(p, "X", x);
    wg_plan_feed(p, "vae/noise", WG_F64_ARRAY(noise, 4, 2));
    step_ok(p);
    t = wg_plan_value(p, "t")->data;
    mean = wg_plan_value(p, "t_mean")->data;
    log_var = wg_plan_value(p, "t_log_var")->data;
    for (int i = 0; i < 8; i++)
        CLOSE1(t[i], mean[i] + noise[i] * exp(log_var[i] / 2), 1e-12, 1e-15);
    free(x.data);
    wg_plan_free(p);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Every property answers before the first forward, and the image size comes from X: D2 and D3. */
static void erratum_D2_hyperparameters_at_once(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_bernoulli_vae(w, "vae", (wg_bernoulli_vae_hyper){ .T = 0 });
    char *text = wg_layer_hyperparameters(l);
    const wg_bernoulli_vae_hyper *h = wg_layer_hyper(l);

    NO_ERROR(wg_layer_error(l));
    CHECK(text && strstr(text, "\"enc_conv1_in_ch\":0"));
    CHECK(text && strstr(text, "\"encoder\""));
    EQ_INT(h->T, 5);
    EQ_INT(h->latent_dim, 256);
    EQ_INT(h->enc_conv1_out_ch, 32);
    EQ_INT(h->enc_conv2_out_ch, 64);
    EQ_INT(h->enc_pool1_stride, 2);
    EQ_INT(h->enc_pool2_stride, 1);
    EQ_INT(h->enc_conv1_kernel_shape[0], 5);
    EQ_INT(h->enc_pool2_kernel_shape[1], 2);
    EQ_STR(h->optimizer, "RMSProp(lr=0.0001)");
    wg_free(text);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A first image that is too small for the kernels teaches nothing; the first that fits fixes the
 * size. */
static void vae_learns_the_image_size(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_bernoulli_vae(w, "vae", small_vae());
    wg_array x = images(2), y[4];

    CHECK(wg_layer_forward(l, 1, (wg_array[]){ WG_F64_ARRAY(x.data, 2, 2, 2, 1) }, true, y) !=
          WG_OK);
    EQ_INT(wg_layer_forward(l, 1, &x, true, y), WG_OK);
    NO_ERROR(wg_layer_error(l));
    EQ_INT(y[0].type.shape.dim[1], 64);
    EQ_INT(wg_layer_forward(l, 1, (wg_array[]){ WG_F64_ARRAY(x.data, 1, 8, 7, 1) }, true, y),
           WG_ESHAPE);
    ERROR_IS(wg_layer_error(l), WG_ESHAPE,
             "BernoulliVAE: X is f64[1 x 8 x 7 x 1], wanted images of 64 values", NULL);
    free(x.data);
    wg_layer_free(l);
    wg_params_free(w);
}

/* Twice in one function: two draws. */
static void vae_twice_in_one_graph(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_bernoulli_vae(w, "vae", small_vae());
    wg_graph *g = wg_graph_new();
    wg_tensor *X, *y[4];
    wg_plan *p;
    wg_array x = images(2);

    wg_begin(g, "f", WG_TRAIN);
    X = wg_input(g, "X", WG_F64, WG_SHAPE(1, 8, 8, 1));
    for (int i = 0; i < 2; i++) {
        wg_apply_all(l, 1, &X, y);
        wg_output(i ? "second" : "first", y[3]);
    }
    wg_end(g);
    p = wg_plan_new(g, w, "f", NULL);
    REQUIRE_PLAN(p, g);
    wg_plan_feed(p, "X", x);
    step_ok(p);
    CHECK(memcmp(wg_plan_value_at(p, 0)->data, wg_plan_value_at(p, 1)->data, 32) != 0);
    EQ_INT(wg_plan_feed(p, "vae/noise_2", WG_F64_ARRAY(((double[]){ 0, 0, 0, 0 }), 2, 2)), WG_OK);
    free(x.data);
    wg_plan_free(p);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

static void erratum_D3_forward_without_fit(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_bernoulli_vae(w, "vae", small_vae());
    wg_array x = images(2), y[4];

    EQ_INT(wg_layer_forward(l, 1, &x, true, y), WG_OK);
    NO_ERROR(wg_layer_error(l));
    EQ_INT(y[0].type.shape.dim[1], 64);
    EQ_INT(((const wg_bernoulli_vae_hyper *)wg_layer_hyper(l))->enc_conv1_in_ch, 1);
    free(x.data);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml's FC4 has glorot_uniform whatever was asked. */
static void erratum_D4_init_of_every_layer(void)
{
    static const char *const weights[] = { "encoder/Conv1", "encoder/Conv2", "encoder/FC4",
                                           "encoder/FC5",   "decoder/FC1",   "decoder/FC2" };
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_bernoulli_vae_hyper h = small_vae();
    wg_array x = images(2), y[4];
    wg_layer *l;

    h.init = "ones";
    l = wg_bernoulli_vae(w, "vae", h);
    EQ_INT(wg_layer_forward(l, 1, &x, false, y), WG_OK);
    for (int i = 0; i < 6; i++) {
        char name[64];
        const wg_param *p;

        snprintf(name, sizeof name, "vae/%s/W", weights[i]);
        p = wg_params_find(w, name);
        REQUIRE(p != NULL);
        for (int64_t k = 0; k < wg_shape_count(&p->value.type.shape); k++)
            CLOSE1(((double *)p->value.data)[k], 1, 0, 0);
    }
    free(x.data);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml's names, by the verbs; what the decoder sends to the mean is what arrives at t. */
static void vae_derived_variables(void)
{
    static const char *const names[] = { "noise",
                                         "t_mean",
                                         "t_log_var",
                                         "dDecoder_FC1_in",
                                         "dDecoder_t_mean",
                                         "dEncoder_FC5_out",
                                         "dDecoder_FC1_out",
                                         "dEncoder_FC4_out",
                                         "dEncoder_Pool2_out",
                                         "dEncoder_Conv2_out",
                                         "dEncoder_Pool1_out",
                                         "dEncoder_Conv1_out",
                                         "dDecoder_t_log_var",
                                         "dEncoder_Flatten3_out" };
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_bernoulli_vae(w, "vae", small_vae());
    wg_array x = images(3), y[4], dy[4] = { 0 }, dx, a, b, c, n;
    double ones[192];

    for (int i = 0; i < 192; i++) ones[i] = 1;
    EQ_INT(wg_layer_forward(l, 1, &x, true, y), WG_OK);
    dy[0] = WG_F64_ARRAY(ones, 3, 64);
    dy[1] = WG_F64_ARRAY(ones, 3, 2);
    EQ_INT(wg_layer_backward(l, 1, dy, true, &dx), WG_OK);
    for (int i = 0; i < 14; i++)
        harness_check(wg_layer_derived(l, names[i]).data != NULL, __FILE__, __LINE__, "no %s",
                      names[i]);
    a = wg_layer_derived(l, "dDecoder_FC1_in");
    b = wg_layer_derived(l, "dDecoder_t_mean");
    CLOSE_ARRAY(&b, (double *)a.data, 6, 1e-12, 0);
    b = wg_layer_derived(l, "dDecoder_t_log_var");
    c = wg_layer_derived(l, "t_log_var");
    n = wg_layer_derived(l, "noise");
    for (int i = 0; i < 6; i++)
        CLOSE1(((double *)b.data)[i],
               ((double *)a.data)[i] * ((double *)n.data)[i] / 2 * exp(((double *)c.data)[i] / 2),
               1e-10, 1e-14);
    b = wg_layer_derived(l, "dEncoder_FC5_out"); /* with what came to t_mean itself */
    for (int i = 0; i < 6; i++)
        CLOSE1(((double *)b.data)[i / 2 * 4 + i % 2], ((double *)a.data)[i] + 1, 1e-10, 1e-14);
    EQ_INT(wg_layer_update(l, NAN), WG_OK);
    free(x.data);
    wg_layer_free(l);
    wg_params_free(w);
}

/* ---- Word2Vec ---- */

static wg_word2vec_hyper small_w2v(bool skip_gram)
{
    return (wg_word2vec_hyper){ .vocab_size = 8,
                                .context_len = 2,
                                .embedding_dim = 4,
                                .num_negative_samples = 3,
                                .skip_gram = skip_gram };
}

/* Contexts by offsets and contexts padded with weight 0: one loss, one step. */
static void padded_and_ragged_contexts(void)
{
    int64_t ids[] = { 1, 2, 3, 4, 4, 5, 6 }, offsets[] = { 0, 3, 5, 7 };
    int64_t padded[] = { 1, 2, 3, 0, 4, 4, 0, 0, 5, 6, 0, 0 };
    double weights[] = { 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0 };
    int64_t target[] = { 7, 1, 2 }, neg[] = { 3, 7, 0 };
    wg_params *w[2];
    wg_plan *p[2];
    wg_layer *l[2];
    wg_graph *g[2];

    for (int way = 0; way < 2; way++) {
        w[way] = wg_params_new(WG_F64, 3);
        l[way] = wg_word2vec(w[way], "w2v", small_w2v(false));
        g[way] = wg_word2vec_record(l[way], wg_graph_new(), way == 1);
        p[way] = wg_plan_new(g[way], w[way], "train", NULL);
        REQUIRE_PLAN(p[way], g[way]);
        if (way) {
            wg_plan_feed(p[way], "ids", WG_I64_ARRAY(padded, 3, 4));
            wg_plan_feed(p[way], "weights", WG_F64_ARRAY(weights, 3, 4));
        } else {
            wg_plan_feed(p[way], "ids", WG_I64_ARRAY(ids, 7));
            wg_plan_feed(p[way], "offsets", WG_I64_ARRAY(offsets, 4));
        }
        wg_plan_feed(p[way], "target", WG_I64_ARRAY(target, 3));
        wg_plan_feed(p[way], "neg_samples", WG_I64_ARRAY(neg, 3));
    }
    for (int step = 0; step < 20; step++) {
        step_ok(p[0]);
        step_ok(p[1]);
        CLOSE1(loss_of(p[0], "loss"), loss_of(p[1], "loss"), 1e-12, 0);
    }
    for (int way = 0; way < 2; way++) {
        wg_plan_free(p[way]);
        wg_graph_free(g[way]);
        wg_layer_free(l[way]);
        wg_params_free(w[way]);
    }
}

static void word2vec_learns_and_embeds(void)
{
    int64_t ids[] = { 1, 2, 3, 4 }, offsets[] = { 0, 1, 2, 3, 4 }, target[] = { 5, 6, 5, 6 };
    int64_t neg[] = { 0, 7, 3 }, words[] = { 4, 1 };
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = wg_word2vec(w, "w2v", small_w2v(true));
    wg_graph *g = wg_word2vec_record(l, wg_graph_new(), false);
    wg_plan *p = wg_plan_new(g, w, "train", NULL), *q = wg_plan_new(g, w, "embed", NULL);
    wg_plan *r = wg_plan_new(g, w, "predict", NULL), *all[] = { p, r };
    const wg_param *W = wg_params_find(w, "w2v/embeddings/W");
    double first;

    REQUIRE_PLAN(p, g);
    for (int i = 0; i < 2; i++) {
        wg_plan_feed(all[i], "ids", WG_I64_ARRAY(ids, 4));
        wg_plan_feed(all[i], "offsets", WG_I64_ARRAY(offsets, 5));
        wg_plan_feed(all[i], "target", WG_I64_ARRAY(target, 4));
        wg_plan_feed(all[i], "neg_samples", WG_I64_ARRAY(neg, 3));
    }
    step_ok(r);
    first = loss_of(r, "loss");
    for (int i = 0; i < 100; i++) step_ok(p);
    step_ok(r);
    CHECK(loss_of(r, "loss") < 0.5 * first);
    wg_plan_feed(q, "words", WG_I64_ARRAY(words, 2));
    step_ok(q);
    SAME_BITS(wg_plan_value(q, "embeddings")->data, (double *)W->value.data + 16, 32);
    SAME_BITS((double *)wg_plan_value(q, "embeddings")->data + 4, (double *)W->value.data + 4, 32);
    wg_plan_free(p);
    wg_plan_free(q);
    wg_plan_free(r);
    wg_graph_free(g);
    wg_layer_free(l);
    wg_params_free(w);
}

/* No negative samples: numpy-ml documents hierarchical softmax and does nothing of the kind. */
static void erratum_D11_no_hierarchical_softmax(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(w, "w2v", "Word2Vec",
                                "{\"vocab_size\": 9, \"num_negative_samples\": 0}", &error);

    CHECK(l == NULL);
    ERROR_IS(&error, WG_EARG,
             "Word2Vec: num_negative_samples is 0, wanted 1 to vocab_size, which is 9", NULL);
    wg_layer_free(l);
    wg_params_free(w);
}

/* numpy-ml forgets these keys. */
static void erratum_D15_hyperparameters(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *a = wg_word2vec(w, "a", small_w2v(false)),
             *b = wg_wgan_gp(w, "b", (wg_wgan_gp_hyper){ .debug = true });
    char *x = wg_layer_hyperparameters(a), *y = wg_layer_hyperparameters(b);

    CHECK(x && strstr(x, "\"min_count\"") && strstr(x, "\"filter_stopwords\":true"));
    CHECK(y && strstr(y, "\"layer\":\"WGAN_GP\"") && strstr(y, "\"debug\":true"));
    wg_free(x);
    wg_free(y);
    wg_layer_free(a);
    wg_layer_free(b);
    wg_params_free(w);
}

static void bad_input(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_graph *g = wg_graph_new();
    wg_layer *l = wg_bernoulli_vae(w, "a", (wg_bernoulli_vae_hyper){ .optimizer = "SDG(lr=1)" });
    wg_error error;

    EQ_INT(wg_layer_error(l)->code, WG_ENAME);
    wg_layer_free(l);
    l = wg_bernoulli_vae(w, "a", (wg_bernoulli_vae_hyper){ .T = -1 });
    ERROR_IS(wg_layer_error(l), WG_EARG, "BernoulliVAE: T -1 and latent_dim 256 must be at least 1",
             NULL);
    wg_layer_free(l);
    REFUSES(wg_bernoulli_vae(w, "b", small_vae()), WG_ESHAPE,
            "BernoulliVAE: X is f64[2 x 64], wanted [n, rows, cols, ch]", WG_SHAPE(2, 64));
    l = wg_wgan_gp(w, "c", (wg_wgan_gp_hyper){ .lambda_ = -2 });
    ERROR_IS(wg_layer_error(l), WG_EARG, "WGAN_GP: lambda_ is -2, wanted 0 or more", NULL);
    wg_layer_free(l);
    REFUSES(wg_wgan_gp(w, "d", (wg_wgan_gp_hyper){ .n_feats = 4 }), WG_ESHAPE,
            "WGAN_GP: the input is f64[2 x 3], wanted [n, 4]", WG_SHAPE(2, 3));
    l = wg_word2vec(w, "e", (wg_word2vec_hyper){ .vocab_size = 20 });
    ERROR_IS(wg_layer_error(l), WG_EARG,
             "Word2Vec: num_negative_samples is 64, wanted 1 to vocab_size, which is 20", NULL);
    wg_word2vec_record(l, g, false);
    error = *wg_graph_error(g);
    error.site = NULL;
    ERROR_IS(&error, WG_EARG,
             "Word2Vec: num_negative_samples is 64, wanted 1 to vocab_size, which is 20", NULL);
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
}

TESTS(TEST(golden_vae), TEST(golden_wgan), TEST(golden_word2vec), TEST(vae_learns),
      TEST(vae_goes_on_after_a_save), TEST(erratum_D1_standard_deviation),
      TEST(erratum_D2_hyperparameters_at_once), TEST(vae_learns_the_image_size),
      TEST(vae_twice_in_one_graph), TEST(erratum_D3_forward_without_fit),
      TEST(erratum_D4_init_of_every_layer), TEST(vae_derived_variables),
      TEST(padded_and_ragged_contexts), TEST(word2vec_learns_and_embeds),
      TEST(erratum_D11_no_hierarchical_softmax), TEST(erratum_D15_hyperparameters), TEST(bad_input))
