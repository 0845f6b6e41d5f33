/* test_fit_wgan.c: WGAN_GP: fit, its updates and verbs, what they leave; saved and loaded models.
 */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wengert.h>
#include <wengert/layer.h>
#include <wengert/op.h>

#include "harness.h"
#include "temp.h"

#define EQ_ERROR(e, status, words)                                                                 \
    do {                                                                                           \
        EQ_INT((e)->code, status);                                                                 \
        EQ_STR((e)->text, words);                                                                  \
    } while (0)

static double mean_of(wg_array a)
{
    int64_t n = wg_shape_count(&a.type.shape);
    double sum = 0;

    for (int64_t i = 0; i < n; i++) sum += (double)((float *)a.data)[i];
    return sum / (double)n;
}

enum { POINTS = 96 };

static float points[2 * POINTS];

/* Points near (2, 1). */
static wg_data cloud(void)
{
    wg_random_normal(5, wg_random_key("cloud"), 0, 0, POINTS * 2, WG_F32, points);
    for (int i = 0; i < POINTS * 2; i++) points[i] = 0.1f * points[i] + (i % 2 ? 1 : 2);
    return wg_data_of(WG_F32_ARRAY(points, POINTS, 2));
}

static wg_layer *small_gan(wg_params *w, bool debug)
{
    return wg_wgan_gp(w, "gan",
                      (wg_wgan_gp_hyper){ .g_hidden = 16,
                                          .optimizer = "Adam(lr=0.002, decay1=0.5, decay2=0.9)",
                                          .debug = debug });
}

/* The mean of samples comes to that of the data; the norm of the critic's gradient to 1. */
static void wgan_fit_learns(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_gan(w, false);
    wg_fit_options o = { .n_steps = 300, .batchsize = 32, .verbose = -1 };
    wg_error error = { .code = WG_OK };
    float noise[512];
    double at[2] = { 0, 0 };
    wg_fit_state s;
    wg_array y;

    EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, &s, &error), WG_OK);
    NO_ERROR(&error);
    EQ_INT(s.epoch, 300);
    EQ_INT(s.updates, 300 * 5);
    CHECK(s.gradient_norm > 0.7 && s.gradient_norm < 1.3);
    wg_random_normal(1, wg_random_key("noise"), 0, 0, 512, WG_F32, noise);
    EQ_INT(wg_wgan_gp_forward(l, "G", WG_F32_ARRAY(noise, 256, 2), false, &y), WG_OK);
    for (int i = 0; i < 512; i++) at[i % 2] += (double)((float *)y.data)[i] / 256;
    harness_check(fabs(at[0] - 2) < 0.4 && fabs(at[1] - 1) < 0.4, __FILE__, __LINE__,
                  "samples lie round (%g, %g)", at[0], at[1]);
    wg_layer_free(l);
    wg_params_free(w);
}

/* As many critic updates as were asked for although the data make fewer batches: numpy-ml does no
 * more than there are. All examples are seen: numpy-ml has the first batches alone (D6). */
static void erratum_D14_updates_beyond_the_batches(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_gan(w, false);
    wg_fit_options o = { .n_steps = 3, .batchsize = 48, .c_updates_per_epoch = 5, .verbose = -1 };
    wg_error error = { .code = WG_OK };
    wg_fit_state s;

    EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, &s, &error), WG_OK);
    NO_ERROR(&error);
    EQ_INT(s.updates, 15);
    EQ_INT(*(int64_t *)wg_params_find(w, "gan/critic/optimizer/step")->value.data, 15);
    EQ_INT(*(int64_t *)wg_params_find(w, "gan/generator/optimizer/step")->value.data, 3);
    EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, &s, &error), WG_OK);
    EQ_INT(*(int64_t *)wg_params_find(w, "gan/critic/optimizer/step")->value.data, 30);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The generator learns by way of the critic: numpy-ml's gradients of it are all 0 (D5). */
static void erratum_D5_generator_learns(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_gan(w, false), *fc4;
    double loss[2], before, c_before;
    const float *W, *C;

    EQ_INT(wg_wgan_gp_update_generator(l, 8, NULL), WG_ESTATE);
    EQ_STR(wg_layer_error(l)->text, "gan has seen no data; update the critic first");
    cloud();
    EQ_INT(wg_wgan_gp_update_critic(l, WG_F32_ARRAY(points, 32, 2), &loss[0]), WG_OK);
    fc4 = wg_layer_component(wg_layer_component(l, "generator"), "FC4");
    W = wg_layer_parameter(fc4, "W").data;
    C = wg_layer_parameter(wg_layer_component(wg_layer_component(l, "critic"), "FC4"), "W").data;
    before = (double)W[0];
    c_before = (double)C[0];
    EQ_INT(wg_wgan_gp_update_generator(l, 32, &loss[1]), WG_OK);
    NO_ERROR(wg_layer_error(l));
    CHECK((double)W[0] < before || (double)W[0] > before);
    CLOSE1((double)C[0], c_before, 0, 0);
    /* fresh noise, the critic as it is: the loss is that of Y_fake */
    CLOSE1(loss[1], -mean_of(wg_wgan_gp_derived(l, "Y_fake")), 1e-5, 1e-7);
    wg_layer_free(l);
    wg_params_free(w);
}

static void wgan_derived_and_gradients(void)
{
    static const char *const always[] = { "alpha", "Y_fake" },
                             *const debug[] = { "noise",      "X_real",   "X_fake",
                                                "Y_real",     "X_interp", "Y_interp",
                                                "gradInterp", "C_loss",   "G_loss",
                                                "dC_Y_fake",  "dY_real",  "dGrad_interp",
                                                "dG_Y_fake" },
                             *const grads[] = { "dC_Y_fake", "dC_Y_real", "dC_gradInterp",
                                                "dG_Y_fake" };

    for (int d = 0; d < 2; d++) {
        wg_params *w = wg_params_new(WG_F32, 3);
        wg_layer *l = small_gan(w, d);

        CHECK(wg_wgan_gp_derived(l, "alpha").data == NULL);
        CHECK(wg_wgan_gp_gradient(l, "dC_Y_fake").data == NULL);
        cloud();
        EQ_INT(wg_wgan_gp_update_critic(l, WG_F32_ARRAY(points, 4, 2), NULL), WG_OK);
        CHECK(wg_wgan_gp_gradient(l, "dG_Y_fake").data == NULL);
        EQ_INT(wg_wgan_gp_update_generator(l, 4, NULL), WG_OK);
        for (int i = 0; i < 2; i++) CHECK(wg_wgan_gp_derived(l, always[i]).data != NULL);
        for (int i = 0; i < 4; i++) CHECK(wg_wgan_gp_gradient(l, grads[i]).data != NULL);
        for (int i = 0; d && i < 13; i++)
            harness_check(wg_wgan_gp_derived(l, debug[i]).data != NULL, __FILE__, __LINE__, "%s",
                          debug[i]);
        CHECK((wg_wgan_gp_derived(l, "C_fwd_Y_real/critic/FC1/Z").data != NULL) == (d == 1));
        CLOSE1((double)((float *)wg_wgan_gp_gradient(l, "dC_Y_fake").data)[0], 0.25, 1e-6, 0);
        CLOSE1((double)((float *)wg_wgan_gp_gradient(l, "dC_Y_real").data)[0], -0.25, 1e-6, 0);
        CLOSE1((double)((float *)wg_wgan_gp_gradient(l, "dG_Y_fake").data)[0], -0.25, 1e-6, 0);
        CHECK(wg_wgan_gp_gradient(l, "Y_fake").data == NULL);
        CHECK(wg_wgan_gp_derived(l, "X_faek").data == NULL);
        wg_layer_free(l);
        wg_params_free(w);
    }
}

/* Weights and optimizer are left alone, gradients told, draws new each time. */
static void debug_leaves_the_weights(void)
{
    wg_params *w = wg_params_new(WG_F32, 3), *copy;
    wg_layer *l = small_gan(w, true),
             *fc1 = wg_layer_component(wg_layer_component(l, "critic"), "FC1");
    wg_fit_options o = { .n_steps = 2, .batchsize = 32, .verbose = -1 };
    wg_error error = { .code = WG_OK };
    double loss[2];

    cloud();
    EQ_INT(wg_wgan_gp_update_critic(l, WG_F32_ARRAY(points, 32, 2), &loss[0]), WG_OK);
    copy = wg_params_copy(w, WG_N_DTYPES);
    EQ_INT(wg_wgan_gp_update_critic(l, WG_F32_ARRAY(points, 32, 2), &loss[1]), WG_OK);
    CHECK(loss[0] < loss[1] || loss[0] > loss[1]);
    EQ_INT(wg_wgan_gp_update_generator(l, 8, NULL), WG_OK);
    EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, NULL, &error), WG_OK);
    NO_ERROR(&error);
    CHECK(wg_layer_gradient(fc1, "W").data != NULL);
    CHECK(wg_layer_gradient(wg_layer_component(wg_layer_component(l, "generator"), "FC4"), "b")
              .data != NULL);
    for (int i = 0; i < wg_params_count(copy); i++) {
        const wg_param *p = wg_params_at(copy, i), *q = wg_params_find(w, p->name);

        if (strcmp(p->name, "rng/run") == 0) continue;
        SAME_BITS(p->value.data, q->value.data, (size_t)wg_type_bytes(&p->value.type));
    }
    wg_layer_free(l);
    wg_params_free(w);
    wg_params_free(copy);
}

/* The verbs on modules by name; any other name is an error. */
static void wgan_verbs(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_gan(w, false),
             *fc1 = wg_layer_component(wg_layer_component(l, "critic"), "FC1");
    wg_array X = WG_F32_ARRAY(points, 8, 2), y, dX;
    float ones[8];
    double before, after;

    cloud();
    for (int i = 0; i < 8; i++) ones[i] = 1;
    EQ_INT(wg_wgan_gp_forward(l, "C", X, true, &y), WG_OK);
    EQ_INT(y.type.shape.dim[1], 1);
    before = mean_of(y);
    EQ_INT(wg_wgan_gp_backward(l, "C", WG_F32_ARRAY(ones, 8, 1), true, &dX), WG_OK);
    EQ_INT(dX.type.shape.dim[1], 2);
    CHECK(wg_layer_gradient(fc1, "W").data != NULL);
    EQ_INT(wg_wgan_gp_update(l, "C", NAN), WG_OK);
    CHECK(wg_layer_gradient(fc1, "W").data == NULL);
    EQ_INT(wg_wgan_gp_forward(l, "C", X, true, &y), WG_OK);
    after = mean_of(y);
    CHECK(after < before);
    EQ_INT(wg_wgan_gp_flush_gradients(l, "C"), WG_OK);
    EQ_INT(wg_wgan_gp_backward(l, "C", WG_F32_ARRAY(ones, 8, 1), true, &dX), WG_ESTATE);
    EQ_INT(wg_wgan_gp_forward(l, "G", X, false, &y), WG_OK);
    EQ_INT(y.type.shape.dim[1], 2);
    EQ_INT(wg_wgan_gp_forward(l, "D", X, false, &y), WG_ENAME);
    EQ_STR(wg_layer_error(l)->text, "no module is called 'D', wanted 'C' or 'G'");
    EQ_INT(wg_wgan_gp_backward(l, "c", X, true, &dX), WG_ENAME);
    EQ_STR(wg_layer_error(l)->text, "no module is called 'c', wanted 'C' or 'G'");
    EQ_INT(wg_wgan_gp_update(l, "", NAN), WG_ENAME);
    EQ_INT(wg_wgan_gp_flush_gradients(l, NULL), WG_ENAME);
    EQ_STR(wg_layer_error(l)->text, "no module is called '', wanted 'C' or 'G'");
    EQ_INT(wg_wgan_gp_forward(l, "C", WG_F32_ARRAY(points, 4, 3), false, &y), WG_ESHAPE);
    EQ_STR(wg_layer_error(l)->text, "X is f32[4 x 3], wanted [n, 2]");
    wg_layer_free(l);
    wg_params_free(w);
}

static wg_error gan_refused(wg_layer *l, wg_data X, wg_fit_options o)
{
    wg_error error = { .code = WG_OK };

    wg_wgan_gp_fit(l, X, &o, NULL, &error);
    return error;
}

static void wgan_bad_input(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_gan(w, false),
             *vae = wg_bernoulli_vae(w, "vae", (wg_bernoulli_vae_hyper){ .T = 2 });
    wg_fit_options o = { .n_steps = 1, .batchsize = 32, .verbose = -1 };
    wg_data X = cloud(), other = X;
    wg_error e = gan_refused(vae, X, o);

    EQ_ERROR(&e, WG_EARG, "the layer is BernoulliVAE, wanted a WGAN_GP");
    other.shape = WG_SHAPE(4, 6, 8);
    e = gan_refused(l, other, o);
    EQ_ERROR(&e, WG_ESHAPE, "the data are f32[4 x 6 x 8], wanted [n, n_feats]");
    o.batchsize = 97;
    e = gan_refused(l, X, o);
    EQ_ERROR(&e, WG_EARG, "batchsize is 97, the data have 96 examples");
    o.batchsize = 32;
    o.lambda_ = -1;
    e = gan_refused(l, X, o);
    EQ_ERROR(&e, WG_EARG, "lambda_ is -1, wanted 0 or more");
    o.lambda_ = 3;
    points[7] = INFINITY;
    e = gan_refused(l, X, o);
    EQ_ERROR(&e, WG_ENONFINITE, "value 1 of example 3 of the data is inf, wanted a finite number");
    points[7] = 1;
    e = gan_refused(l, X, o);
    EQ_INT(e.code, WG_OK);
    CLOSE1(((const wg_wgan_gp_hyper *)wg_layer_hyper(l))->lambda_, 3, 0, 0);
    other.shape = WG_SHAPE(64, 3);
    e = gan_refused(l, other, o);
    EQ_ERROR(&e, WG_ESHAPE, "the data are f32[64 x 3], wanted [n, 2]");
    EQ_INT(wg_wgan_gp_update_critic(l, WG_F32_ARRAY(points, 4, 3), NULL), WG_ESHAPE);
    EQ_STR(wg_layer_error(l)->text, "X_real is f32[4 x 3], wanted [n, 2]");
    EQ_INT(wg_wgan_gp_update_generator(l, 0, NULL), WG_EARG);
    EQ_STR(wg_layer_error(l)->text, "0 examples, wanted at least 1");
    CHECK(wg_wgan_gp_module(l, "C", NULL) == wg_layer_component(l, "critic"));
    CHECK(wg_wgan_gp_module(l, "G", NULL) == wg_layer_component(l, "generator"));
    e.code = WG_OK;
    CHECK(!wg_wgan_gp_module(l, "critic", &e) && e.code == WG_ENAME);
    e.code = WG_OK;
    CHECK(!wg_wgan_gp_module(vae, "C", &e) && e.code == WG_EARG);
    EQ_INT(wg_wgan_gp_update_critic(vae, WG_F32_ARRAY(points, 4, 2), NULL), WG_EARG);
    EQ_INT(wg_bernoulli_vae_backward(l, WG_F32_ARRAY(points, 4, 2), WG_F32_ARRAY(points, 4, 2),
                                     NULL, NULL),
           WG_EARG);
    wg_layer_free(l);
    wg_layer_free(vae);
    wg_params_free(w);
}

/* Other hyperparameters between two updates: weights and moments stay, a new rate is in use. */
static void wgan_set_params_goes_on(void)
{
    wg_params *w = wg_params_new(WG_F32, 3), *v = wg_params_new(WG_F32, 3);
    wg_layer *l = small_gan(w, false), *m = small_gan(v, false);
    wg_array X = WG_F32_ARRAY(points, 32, 2);
    double a, b;

    cloud();
    for (int i = 0; i < 3; i++) {
        EQ_INT(wg_wgan_gp_update_critic(l, X, &a), WG_OK);
        EQ_INT(wg_wgan_gp_update_critic(m, X, &b), WG_OK);
        SAME_BITS(&a, &b, sizeof a);
        EQ_INT(wg_wgan_gp_update_generator(l, 8, &a), WG_OK);
        EQ_INT(wg_wgan_gp_update_generator(m, 8, &b), WG_OK);
        SAME_BITS(&a, &b, sizeof a);
        EQ_INT(wg_layer_set_params(m, i ? "{\"hyperparameters\": {\"batchsize\": 64}}"
                                        : "{\"hyperparameters\": {\"n_steps\": 9}}"),
               WG_OK);
    }
    EQ_INT(wg_layer_set_optimizer(m, "Adam(lr=1e-30, decay1=0.5, decay2=0.9)"), WG_OK);
    EQ_INT(wg_wgan_gp_update_critic(l, X, &a), WG_OK);
    EQ_INT(wg_wgan_gp_update_critic(m, X, &b), WG_OK);
    SAME_BITS(&a, &b, sizeof a);
    a = *(float *)wg_params_find(v, "gan/critic/FC1/W")->value.data;
    EQ_INT(wg_wgan_gp_update_critic(m, X, &b), WG_OK);
    b = *(float *)wg_params_find(v, "gan/critic/FC1/W")->value.data;
    SAME_BITS(&a, &b, sizeof a);
    CHECK(a != (double)*(float *)wg_params_find(w, "gan/critic/FC1/W")->value.data);
    EQ_INT(wg_layer_set_optimizer(m, "SGD()"), WG_OK);
    EQ_INT(wg_wgan_gp_update_critic(m, X, &b), WG_ESTATE);
    EQ_STR(wg_layer_error(m)->text,
           "gan/critic/optimizer has been recorded with Adam(lr=1e-30, decay1=0.5, decay2=0.9, "
           "eps=1e-07, clip_norm=None, lr_scheduler=ConstantScheduler(lr=1e-30)), and its store is "
           "of no other optimizer");
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(w);
    wg_params_free(v);
}

/* A step of fit is that of the recorded functions, and a model that was saved goes on alike. */
static void wgan_saved_goes_on(void)
{
    wg_params *w = wg_params_new(WG_F32, 3), *v;
    wg_layer *l = small_gan(w, false), *m;
    wg_fit_options o = { .n_steps = 3, .batchsize = 32, .verbose = -1 };
    wg_error error = { .code = WG_OK };
    wg_fit_state a, b;
    char path[128];

    snprintf(path, sizeof path, "%s/gan.json", temp_dir());
    EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, NULL, &error), WG_OK);
    EQ_INT(wg_model_save(path, l, &error), WG_OK);
    m = wg_model_load(path, &v, &error);
    NO_ERROR(&error);
    REQUIRE(m != NULL);
    EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, &a, &error), WG_OK);
    EQ_INT(wg_wgan_gp_fit(m, cloud(), &o, &b, &error), WG_OK);
    NO_ERROR(&error);
    SAME_BITS(&a.loss, &b.loss, sizeof a.loss);
    SAME_BITS(&a.wasserstein, &b.wasserstein, sizeof a.loss);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(w);
    wg_params_free(v);
}

/* Also a fit in pieces, and one that was stopped between two updates and resumed, ends with the
 * bytes of one in one go: the place in the shuffle follows from the critic's steps. */
static void wgan_resumes_to_the_bit(void)
{
    wg_params *w[3];
    wg_train_options kit = { .folder = temp_dir(), .checkpoint = "gan", .resume = true };
    wg_error error = { .code = WG_OK };

    for (int i = 0; i < 3; i++) {
        wg_fit_options o = { .n_steps = i == 1 ? 2 : 6, .batchsize = 40, .verbose = -1 };
        wg_layer *l;

        w[i] = wg_params_new(WG_F32, 3);
        l = small_gan(w[i], false);
        if (i == 2) {
            o.train = &kit;
            o.max_updates = 13;
        }
        EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, NULL, &error), WG_OK);
        o.n_steps = i == 1 ? 4 : 6;
        if (i == 2) {
            wg_layer_free(l);
            wg_params_free(w[2]);
            w[2] = wg_params_new(WG_F32, 3);
            l = small_gan(w[2], false);
            o.max_updates = 0;
        }
        if (i > 0) EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, NULL, &error), WG_OK);
        wg_layer_free(l);
    }
    NO_ERROR(&error);
    for (int k = 1; k < 3; k++)
        for (int i = 0; i < wg_params_count(w[0]); i++) {
            const wg_param *p = wg_params_at(w[0], i), *q = wg_params_find(w[k], p->name);

            REQUIRE(q != NULL);
            SAME_BITS(p->value.data, q->value.data, (size_t)wg_type_bytes(&p->value.type));
        }
    for (int i = 0; i < 3; i++) wg_params_free(w[i]);
}

/* A line every hundred steps and for the last; why it ended before, and how to go on. */
static void wgan_lines(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_gan(w, false);
    wg_train_options kit = { .folder = temp_dir(), .checkpoint = "lines", .go_on = "this" };
    wg_fit_options o = { .n_steps = 3, .batchsize = 32, .train = &kit };
    wg_error error = { .code = WG_OK };
    char text[600] = "", want[200];

    o.to = fmemopen(text, sizeof text, "w");
    EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, NULL, &error), WG_OK);
    fclose(o.to);
    NO_ERROR(&error);
    CHECK(strncmp(text, "step 3/3  critic ", 17) == 0 && strstr(text, "  |gradient| "));
    CHECK(strstr(text, "update") == NULL);
    kit.checkpoint = "others";
    o.max_updates = 2;
    o.to = fmemopen(text, sizeof text, "w");
    EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, NULL, &error), WG_OK);
    fclose(o.to);
    NO_ERROR(&error);
    snprintf(want, sizeof want,
             "the bound of steps is reached after update 2\n"
             "saved %s/others-000000002.json; go on with this\n",
             temp_dir());
    EQ_STR(text, want);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The bar redraws on its line of a terminal, and makes room for the line of the last step. */
static void wgan_bar(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_gan(w, false);
    wg_fit_options o = { .n_steps = 3, .batchsize = 32, .verbose = 1 };
    struct winsize size = { 24, 110, 0, 0 };
    wg_error error = { .code = WG_OK };
    char text[4000] = "";
    ssize_t n, used = 0;

    REQUIRE(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    o.to = fopen(ptsname(master), "w");
    REQUIRE(o.to != NULL && ioctl(fileno(o.to), TIOCSWINSZ, &size) == 0);
    EQ_INT(wg_wgan_gp_fit(l, cloud(), &o, NULL, &error), WG_OK);
    NO_ERROR(&error);
    fclose(o.to);
    while ((n = read(master, text + used, sizeof text - 1 - (size_t)used)) > 0) used += n;
    CHECK(strncmp(text, "\rstep 1/3  [=", 13) == 0);
    CHECK(strstr(text, " 33 %  critic ") != NULL && strstr(text, "steps/s  0:0") != NULL);
    CHECK(strstr(text, " left\033[K") != NULL);
    CHECK(strstr(text, "\r\033[Kstep 3/3  critic ") != NULL && strstr(text, "  |gradient| "));
    close(master);
    wg_layer_free(l);
    wg_params_free(w);
}

static void files_of_no_model(void)
{
    wg_params *w = wg_params_new(WG_F32, 3), *v;
    wg_layer *fc = wg_fully_connected(w, "fc", (wg_fc_hyper){ .n_out = 1 });
    wg_graph *g = wg_graph_new();
    wg_error error = { .code = WG_OK };
    char path[128];

    snprintf(path, sizeof path, "%s/other.json", temp_dir());
    EQ_INT(wg_model_save(path, fc, &error), WG_EARG);
    EQ_STR(error.text, "the layer is FullyConnected, wanted a BernoulliVAE or a WGAN_GP");
    error.code = WG_OK;
    wg_begin(g, "f", WG_PREDICT);
    wg_output("y", wg_exp(wg_input(g, "x", WG_F32, WG_SHAPE(2))));
    wg_end(g);
    EQ_INT(wg_save(path, g, w, NULL, &error), WG_OK);
    CHECK(wg_model_load(path, &v, &error) == NULL && v == NULL);
    EQ_ERROR(&error, WG_EFORMAT, "the program's metadata name no model");
    error.code = WG_OK;
    CHECK(wg_model_load("/nowhere/model.json", &v, &error) == NULL && v == NULL);
    EQ_INT(error.code, WG_EIO);
    wg_graph_free(g);
    wg_layer_free(fc);
    wg_params_free(w);
}

/* A loss that ceases to be finite ends the fit. */
static void a_loss_that_is_not_finite(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_gan(w, false);
    wg_fit_options o = { .n_steps = 2, .batchsize = 32, .verbose = -1 };
    wg_error e;

    e = gan_refused(l, cloud(), o);
    EQ_INT(e.code, WG_OK);
    ((float *)wg_params_find(w, "gan/critic/FC4/b")->value.data)[0] = NAN;
    e = gan_refused(l, cloud(), o);
    EQ_ERROR(&e, WG_ENONFINITE,
             "step 1 (epoch 1): the loss is nan; first non-finite value at [0, 0] of f32[1 x 1], "
             "store entry \"gan/critic/FC4/b\"");
    wg_layer_free(l);
    wg_params_free(w);
}

TESTS(TEST(wgan_fit_learns), TEST(erratum_D14_updates_beyond_the_batches),
      TEST(erratum_D5_generator_learns), TEST(wgan_derived_and_gradients),
      TEST(debug_leaves_the_weights), TEST(wgan_verbs), TEST(wgan_bad_input),
      TEST(wgan_set_params_goes_on), TEST(wgan_saved_goes_on), TEST(wgan_resumes_to_the_bit),
      TEST(wgan_lines), TEST(wgan_bar), TEST(files_of_no_model), TEST(a_loss_that_is_not_finite))
