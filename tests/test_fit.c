/* test_fit.c: fit of BernoulliVAE, its backward, saved and loaded. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wengert.h>
#include <wengert/layer.h>

#include "harness.h"
#include "temp.h"

#define EQ_ERROR(e, status, words)                                                                 \
    do {                                                                                           \
        EQ_INT((e)->code, status);                                                                 \
        EQ_STR((e)->text, words);                                                                  \
    } while (0)

/* ---- BernoulliVAE ---- */

static wg_layer *small_vae(wg_params *w, const char *name)
{
    return wg_bernoulli_vae(w, name,
                            (wg_bernoulli_vae_hyper){ .T = 2,
                                                      .latent_dim = 16,
                                                      .enc_conv1_out_ch = 4,
                                                      .enc_conv2_out_ch = 4,
                                                      .enc_conv1_kernel_shape = { 3, 3 },
                                                      .enc_conv2_kernel_shape = { 2, 2 },
                                                      .optimizer = "RMSProp(lr=0.003)" });
}

enum { IMAGES = 40, SIDE = 8, PIXELS = SIDE * SIDE };

/* Left or right half lit, by bytes of 0 and 200. */
static unsigned char halves[IMAGES * PIXELS];

static wg_data images(void)
{
    for (int i = 0; i < IMAGES * PIXELS; i++)
        halves[i] = (i % SIDE < SIDE / 2) == (i / PIXELS % 2 == 0) ? 200 : 0;
    return (wg_data){ WG_DATA_U8, true, WG_SHAPE(IMAGES, SIDE, SIDE), halves };
}

static const wg_fit_options vae_options = {
    .n_epochs = 60, .batchsize = 16, .scale = 1 / 255.0, .verbose = -1
};

static void vae_fit_learns(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_vae(w, "vae");
    wg_error error = { .code = WG_OK };
    wg_fit_state before, s, after;

    EQ_INT(wg_bernoulli_vae_evaluate(l, images(), &vae_options, &before, &error), WG_OK);
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &vae_options, &s, &error), WG_OK);
    EQ_INT(wg_bernoulli_vae_evaluate(l, images(), &vae_options, &after, &error), WG_OK);
    NO_ERROR(&error);
    EQ_INT(s.epoch, 60);
    EQ_INT(s.updates, 180);
    harness_check(after.loss < 0.6 * before.loss, __FILE__, __LINE__, "loss %g to %g", before.loss,
                  after.loss);
    CLOSE1(after.reconstruction + after.kl, after.loss, 1e-5, 0);
    CHECK(after.kl > 0 && s.previous > s.loss - 5 && s.seconds > 0);
    wg_layer_free(l);
    wg_params_free(w);
}

static void same_stores(const wg_params *a, const wg_params *b)
{
    EQ_INT(wg_params_count(a), wg_params_count(b));
    for (int i = 0; i < wg_params_count(a); i++) {
        const wg_param *p = wg_params_at(a, i), *q = wg_params_find(b, p->name);

        REQUIRE(q != NULL);
        SAME_BITS(p->value.data, q->value.data, (size_t)wg_type_bytes(&p->value.type));
    }
}

/* Two fits are one of the sum of their epochs, to the bit: weights, optimizer and shuffles go on.
 */
static void second_fit_goes_on(void)
{
    wg_params *w[2] = { wg_params_new(WG_F32, 3), wg_params_new(WG_F32, 3) };
    wg_fit_options o = vae_options;
    wg_error error = { .code = WG_OK };

    for (int i = 0; i < 2; i++) {
        wg_layer *l = small_vae(w[i], "vae");

        o.n_epochs = i ? 5 : 2;
        EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
        o.n_epochs = 3;
        if (i == 0) EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
        wg_layer_free(l);
    }
    NO_ERROR(&error);
    same_stores(w[0], w[1]);
    wg_params_free(w[0]);
    wg_params_free(w[1]);
}

/* Stopped in the middle of an epoch and gone on with by another process, as it were: the same bytes
 * as in one go. */
static void fit_resumes_to_the_bit(void)
{
    wg_params *w[2] = { wg_params_new(WG_F32, 3), NULL };
    wg_train_options kit = { .folder = temp_dir(), .checkpoint = "vae", .keep = 1 };
    wg_fit_options o = vae_options;
    wg_error error = { .code = WG_OK };
    wg_layer *l = small_vae(w[0], "vae");
    wg_fit_state s;

    o.n_epochs = 5;
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
    wg_layer_free(l);
    o.train = &kit;
    o.max_updates = 7;
    for (int i = 0; i < 3; i++) {
        wg_params_free(w[1]);
        w[1] = wg_params_new(WG_F32, 3);
        l = small_vae(w[1], "vae");
        EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, &s, &error), WG_OK);
        EQ_INT(s.end, i < 2 ? WG_TRAIN_STEPS : WG_TRAIN_DONE);
        wg_layer_free(l);
        kit.resume = true;
    }
    NO_ERROR(&error);
    same_stores(w[0], w[1]);
    wg_params_free(w[0]);
    wg_params_free(w[1]);
}

static bool stop_at_two(void *data, const wg_fit_state *s)
{
    *(int64_t *)data = s->epoch;
    return s->epoch < 2;
}

static void fit_ends_when_told(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_vae(w, "vae");
    wg_fit_options o = vae_options;
    wg_error error = { .code = WG_OK };
    wg_fit_state s;
    int64_t seen = 0;

    o.on_epoch = stop_at_two;
    o.data = &seen;
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, &s, &error), WG_OK);
    EQ_INT(seen, 2);
    EQ_INT(s.epoch, 2);
    o.max_updates = 1;
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, &s, &error), WG_OK);
    EQ_INT(s.updates, 1);
    o.max_updates = 0;
    setenv("WENGERT_MAX_STEPS", "2", 1);
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, &s, &error), WG_OK);
    unsetenv("WENGERT_MAX_STEPS");
    EQ_INT(s.updates, 2);
    NO_ERROR(&error);
    wg_layer_free(l);
    wg_params_free(w);
}

/* A line an epoch, with the change since the last one, and the two terms. */
static void lines_of_a_fit(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_vae(w, "vae");
    wg_fit_options o = vae_options;
    wg_error error = { .code = WG_OK };
    char text[400] = "";

    o.n_epochs = 2;
    o.verbose = 0;
    o.to = fmemopen(text, sizeof text, "w");
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
    fclose(o.to);
    CHECK(strncmp(text, "epoch 1/2  loss ", 16) == 0);
    CHECK(strstr(text, "\nepoch 2/2  loss ") && strstr(text, "(-") &&
          strstr(text, "\n  reconstruction ") && strstr(text, " + kl "));
    wg_layer_free(l);
    wg_params_free(w);
}

/* forward, backward, update: the loss falls, and its gradient is that of the recorded step. */
static void vae_verbs(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = small_vae(w, "vae"),
             *fc1 = wg_layer_component(wg_layer_component(l, "decoder"), "FC1");
    double x[4 * PIXELS], first = 0, loss = 0;
    wg_array X = WG_F64_ARRAY(x, 4, SIDE, SIDE, 1), y[4], dX;

    images();
    for (int i = 0; i < 4 * PIXELS; i++) x[i] = halves[i] / 255.0;
    EQ_INT(wg_bernoulli_vae_backward(l, X, X, NULL, NULL), WG_ESTATE);
    EQ_STR(wg_layer_error(l)->text, "vae: backward without a retained forward");
    for (int i = 0; i < 150; i++) {
        EQ_INT(wg_layer_forward(l, 1, &X, true, y), WG_OK);
        EQ_INT(wg_bernoulli_vae_backward(l, X, y[0], &loss, &dX), WG_OK);
        if (i == 0) {
            first = loss;
            CHECK(wg_type_equal(&dX.type, &X.type));
            CHECK(wg_layer_gradient(fc1, "W").data != NULL);
            CHECK(wg_layer_derived(l, "dDecoder_t_mean").data != NULL);
            CHECK(wg_layer_derived(l, "noise").data != NULL);
        }
        EQ_INT(wg_layer_update(l, loss), WG_OK);
        CHECK(wg_layer_gradient(fc1, "W").data == NULL);
    }
    NO_ERROR(wg_layer_error(l));
    harness_check(loss < 0.7 * first, __FILE__, __LINE__, "loss %g to %g", first, loss);
    EQ_INT(wg_layer_forward(l, 1, &X, true, y), WG_OK);
    wg_layer_flush_gradients(l);
    EQ_INT(wg_bernoulli_vae_backward(l, X, X, NULL, NULL), WG_ESTATE);
    wg_layer_free(l);
    wg_params_free(w);
}

/* The verbs' gradient of a parameter against central differences of the loss, on fixed noise. */
static void vae_backward_is_the_gradient(void)
{
    wg_params *w = wg_params_new(WG_F64, 3);
    wg_layer *l = small_vae(w, "vae"),
             *fc2 = wg_layer_component(wg_layer_component(l, "decoder"), "FC2");
    int64_t *run = wg_params_find(w, "rng/run")->value.data;
    double x[2 * PIXELS], loss[2], *W, h = 1e-5;
    wg_array X = WG_F64_ARRAY(x, 2, SIDE, SIDE, 1), y[4];

    images();
    for (int i = 0; i < 2 * PIXELS; i++) x[i] = halves[i] / 255.0;
    EQ_INT(wg_layer_forward(l, 1, &X, false, y), WG_OK);
    W = wg_layer_parameter(fc2, "W").data;
    for (int k = 0; k < 3; k++) {
        double *at = W + 17 * k, kept = *at, grad;

        for (int side = 0; side < 2; side++) {
            *run = 7;
            *at = kept + (side ? h : -h);
            wg_layer_flush_gradients(l);
            EQ_INT(wg_layer_forward(l, 1, &X, true, y), WG_OK);
            EQ_INT(wg_bernoulli_vae_backward(l, X, y[0], &loss[side], NULL), WG_OK);
        }
        *at = kept;
        *run = 7;
        wg_layer_flush_gradients(l);
        EQ_INT(wg_layer_forward(l, 1, &X, true, y), WG_OK);
        EQ_INT(wg_bernoulli_vae_backward(l, X, y[0], NULL, NULL), WG_OK);
        grad = ((double *)wg_layer_gradient(fc2, "W").data)[17 * k];
        CLOSE1(grad, (loss[1] - loss[0]) / (2 * h), 1e-6, 1e-8);
    }
    wg_layer_free(l);
    wg_params_free(w);
}

static wg_error refused(wg_layer *l, wg_data X, wg_fit_options o)
{
    wg_error error = { .code = WG_OK };

    wg_bernoulli_vae_fit(l, X, &o, NULL, &error);
    return error;
}

static void vae_bad_input(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_vae(w, "vae"),
             *other = wg_wgan_gp(w, "gan", (wg_wgan_gp_hyper){ .debug = false });
    float v[2 * 36];
    wg_data X = images(), small = wg_data_of(WG_F32_ARRAY(v, 2, 6, 6));
    wg_fit_options o = vae_options;
    wg_error e;

    for (int i = 0; i < 72; i++) v[i] = 0.5f;
    o.n_epochs = 1;
    e = refused(other, X, o);
    EQ_ERROR(&e, WG_EARG, "the layer is WGAN_GP, wanted a BernoulliVAE");
    e = refused(NULL, X, o);
    EQ_ERROR(&e, WG_EARG, "the layer is NULL, wanted a BernoulliVAE");
    o.batchsize = 41;
    e = refused(l, X, o);
    EQ_ERROR(&e, WG_EARG, "batchsize is 41, the data have 40 examples");
    o.batchsize = -1;
    e = refused(l, X, o);
    EQ_ERROR(&e, WG_EARG,
             "n_epochs 1, n_steps 1, c_updates_per_epoch 1 and batchsize -1 must be at least 1");
    o.batchsize = 2;
    o.scale = 1;
    e = refused(l, X, o);
    EQ_ERROR(&e, WG_EARG, "value 0 of example 0 of the data is 200, wanted 0 to 1");
    v[40] = NAN;
    e = refused(l, small, o);
    EQ_ERROR(&e, WG_ENONFINITE, "value 4 of example 1 of the data is nan, wanted 0 to 1");
    v[40] = 0.5f;
    small.shape = WG_SHAPE(2, 36);
    e = refused(l, small, o);
    EQ_ERROR(&e, WG_ESHAPE, "the data are f32[2 x 36], wanted [n, rows, cols, ch]");
    small.shape = WG_SHAPE(2, 6, 6);
    o.scale = 1 / 255.0;
    e = refused(l, X, o);
    EQ_INT(e.code, WG_OK);
    o.scale = 1;
    e = refused(l, small, o);
    EQ_ERROR(
        &e, WG_ESHAPE,
        "the data are f32[2 x 6 x 6]; the model has learned images of 64 values in 1 channels");
    wg_layer_free(l);
    wg_layer_free(other);
    wg_params_free(w);
}

/* Other hyperparameters between two fits: weights, moments and the image size stay. */
static void vae_set_params_goes_on(void)
{
    wg_params *w = wg_params_new(WG_F32, 3), *v = wg_params_new(WG_F32, 3);
    wg_layer *l = small_vae(w, "vae"), *m = small_vae(v, "vae");
    wg_fit_options o = vae_options;
    wg_error error = { .code = WG_OK };
    wg_fit_state a, b;

    o.n_epochs = 2;
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
    EQ_INT(wg_bernoulli_vae_fit(m, images(), &o, NULL, &error), WG_OK);
    EQ_INT(wg_layer_set_params(m, "{\"hyperparameters\": {\"init\": \"he_uniform\"}}"), WG_OK);
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, &a, &error), WG_OK);
    EQ_INT(wg_bernoulli_vae_fit(m, images(), &o, &b, &error), WG_OK);
    NO_ERROR(&error);
    SAME_BITS(&a.loss, &b.loss, sizeof a.loss);
    EQ_INT(wg_layer_set_params(m, "{\"hyperparameters\": {\"T\": 2}}"), WG_OK);
    EQ_INT(wg_bernoulli_vae_fit(m, images(), &o, &b, &error), WG_OK);
    NO_ERROR(&error);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(w);
    wg_params_free(v);
}

/* ---- saved and loaded ---- */

static void vae_saved_goes_on(void)
{
    char path[128];
    wg_params *w = wg_params_new(WG_F32, 3), *v;
    wg_layer *l = small_vae(w, "vae"), *m;
    wg_fit_options o = vae_options;
    wg_error error = { .code = WG_OK };
    wg_fit_state a, b;

    snprintf(path, sizeof path, "%s/vae.json", temp_dir());
    EQ_INT(wg_model_save(path, l, &error), WG_ESTATE);
    EQ_STR(error.text, "vae has seen no data; fit it first");
    error.code = WG_OK;
    o.n_epochs = 2;
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
    EQ_INT(wg_model_save(path, l, &error), WG_OK);
    m = wg_model_load(path, &v, &error);
    NO_ERROR(&error);
    REQUIRE(m != NULL);
    EQ_STR(wg_layer_name(m), "vae");
    EQ_INT(((const wg_bernoulli_vae_hyper *)wg_layer_hyper(m))->T, 2);
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, &a, &error), WG_OK);
    EQ_INT(wg_bernoulli_vae_fit(m, images(), &o, &b, &error), WG_OK);
    NO_ERROR(&error);
    SAME_BITS(&a.loss, &b.loss, sizeof a.loss);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(w);
    wg_params_free(v);
}

/* A checkpoint is a saved model: what it says of an image is what the trained one says. */
static void checkpoints_are_models(void)
{
    wg_params *w = wg_params_new(WG_F32, 3), *v = NULL;
    wg_train_options kit = { .folder = temp_dir(), .checkpoint = "kept", .keep = 1 };
    wg_fit_options o = vae_options;
    wg_layer *l = small_vae(w, "vae"), *m;
    wg_error error = { .code = WG_OK };
    wg_fit_state a, b;
    char path[128];

    o.n_epochs = 2;
    o.train = &kit;
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
    snprintf(path, sizeof path, "%s/kept-000000006.json", temp_dir());
    m = wg_model_load(path, &v, &error);
    NO_ERROR(&error);
    REQUIRE(m != NULL);
    EQ_INT(wg_bernoulli_vae_evaluate(l, images(), &o, &a, &error), WG_OK);
    EQ_INT(wg_bernoulli_vae_evaluate(m, images(), &o, &b, &error), WG_OK);
    NO_ERROR(&error);
    SAME_BITS(&a.loss, &b.loss, sizeof a.loss);
    wg_layer_free(l);
    wg_layer_free(m);
    wg_params_free(w);
    wg_params_free(v);
}

/* A half that is frozen stays as it is, the other learns; thawed, both do. */
static void a_frozen_half(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_layer *l = small_vae(w, "vae"), *encoder = wg_layer_component(l, "encoder");
    wg_fit_options o = vae_options;
    wg_error error = { .code = WG_OK };
    const float *frozen, *other;
    float before[2];

    o.n_epochs = 1;
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
    frozen = wg_params_find(w, "vae/encoder/FC5/W")->value.data;
    other = wg_params_find(w, "vae/decoder/FC2/W")->value.data;
    before[0] = frozen[0];
    before[1] = other[0];
    wg_layer_freeze(encoder);
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
    SAME_BITS(frozen, before, sizeof *before);
    CHECK(memcmp(other, before + 1, sizeof *before) != 0);
    wg_layer_unfreeze(encoder);
    EQ_INT(wg_bernoulli_vae_fit(l, images(), &o, NULL, &error), WG_OK);
    CHECK(memcmp(frozen, before, sizeof *before) != 0);
    NO_ERROR(&error);
    wg_layer_free(l);
    wg_params_free(w);
}

TESTS(TEST(vae_fit_learns), TEST(second_fit_goes_on), TEST(fit_resumes_to_the_bit),
      TEST(fit_ends_when_told), TEST(lines_of_a_fit), TEST(vae_verbs),
      TEST(vae_backward_is_the_gradient), TEST(vae_bad_input), TEST(vae_set_params_goes_on),
      TEST(vae_saved_goes_on), TEST(checkpoints_are_models), TEST(a_frozen_half))
