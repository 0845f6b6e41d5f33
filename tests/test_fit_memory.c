/* test_fit_memory.c: every allocation of a fit and of the models' verbs refused in turn: an error,
 * and nothing is left behind. Steps take none. */
#include <wengert.h>
#include <wengert/layer.h>

#include "gate.h"

static wg_status told(const wg_layer *l, wg_error *error)
{
    static const wg_error none = { .code = WG_ENOMEM, .text = "out of memory" };

    if (error->code == WG_OK) *error = l ? *wg_layer_error(l) : none;
    return error->code;
}

static float pixels[2 * 4 * 4];

static wg_status fit_vae(void *arg, wg_error *error)
{
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_bernoulli_vae_hyper h = { .T = 1,
                                 .latent_dim = 2,
                                 .enc_conv1_out_ch = 1,
                                 .enc_conv2_out_ch = 1,
                                 .enc_conv1_kernel_shape = { 1, 1 },
                                 .enc_conv2_kernel_shape = { 1, 1 },
                                 .enc_pool2_kernel_shape = { 1, 1 } };
    wg_layer *l = w ? wg_bernoulli_vae(w, "vae", h) : NULL;
    wg_array X = WG_F32_ARRAY(pixels, 2, 4, 4, 1), y[4];
    wg_status status = l ? WG_OK : told(NULL, error);

    (void)arg;
    if (l)
        status = wg_bernoulli_vae_fit(
            l, wg_data_of(X), &(wg_fit_options){ .n_epochs = 1, .verbose = -1 }, NULL, error);
    if (status == WG_OK && (wg_layer_forward(l, 1, &X, true, y) != WG_OK ||
                            wg_bernoulli_vae_backward(l, X, y[0], NULL, NULL) != WG_OK))
        status = told(l, error);
    wg_layer_free(l);
    wg_params_free(w);
    return status;
}

static wg_status fit_wgan(void *arg, wg_error *error)
{
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_wgan_gp_hyper h = { .g_hidden = 2, .debug = *(bool *)arg };
    wg_layer *l = w ? wg_wgan_gp(w, "gan", h) : NULL;
    wg_array X = WG_F32_ARRAY(pixels, 16, 2);
    wg_status status = l ? WG_OK : told(NULL, error);

    if (l && h.debug &&
        (wg_wgan_gp_update_critic(l, X, NULL) != WG_OK ||
         wg_wgan_gp_update_generator(l, 2, NULL) != WG_OK))
        status = told(l, error);
    if (l && !h.debug)
        status = wg_wgan_gp_fit(
            l, wg_data_of(X),
            &(wg_fit_options){ .n_steps = 1, .c_updates_per_epoch = 1, .verbose = -1 }, NULL,
            error);
    wg_layer_free(l);
    wg_params_free(w);
    return status;
}

static void vae(void)
{
    for (int i = 0; i < 32; i++) pixels[i] = (float)(i % 3) / 2;
    gate_every_allocation(fit_vae, NULL, "BernoulliVAE");
}

static void wgan(void)
{
    bool debug = false;

    gate_every_allocation(fit_wgan, &debug, "WGAN_GP");
}

static void wgan_debug(void)
{
    bool debug = true;

    gate_every_allocation(fit_wgan, &debug, "WGAN_GP, debug");
}

/* Blocks taken by a fit of so many epochs. */
static int64_t blocks(bool gan, int64_t epochs)
{
    wg_fit_options o = { .n_epochs = epochs,
                         .n_steps = epochs,
                         .c_updates_per_epoch = 2,
                         .batchsize = gan ? 5 : 2,
                         .verbose = -1 };
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_bernoulli_vae_hyper h = { .latent_dim = 2,
                                 .enc_conv1_kernel_shape = { 1, 1 },
                                 .enc_conv2_kernel_shape = { 1, 1 },
                                 .enc_pool2_kernel_shape = { 1, 1 } };
    wg_layer *l = gan ? wg_wgan_gp(w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 2 })
                      : wg_bernoulli_vae(w, "vae", h);
    wg_data X = gan ? wg_data_of(WG_F32_ARRAY(pixels, 16, 2))
                    : wg_data_of(WG_F32_ARRAY(pixels, 2, 4, 4, 1));
    wg_error error = { .code = WG_OK };

    memset(&gate, 0, sizeof gate);
    gate.watching = true;
    if (gan) wg_wgan_gp_fit(l, X, &o, NULL, &error);
    else wg_bernoulli_vae_fit(l, X, &o, NULL, &error);
    gate.watching = false;
    NO_ERROR(&error);
    wg_layer_free(l);
    wg_params_free(w);
    return gate.count;
}

/* Each size of batch was met by the end of the fourth epoch: from there on nothing is taken. */
static void steps_take_no_memory(void)
{
    static const wg_allocator allocator = { gate_alloc, gate_release, NULL };

    wg_set_allocator(&allocator);
    for (int gan = 0; gan < 2; gan++) EQ_INT(blocks(gan, 12), blocks(gan, 4));
    wg_set_allocator(NULL);
}

TESTS(TEST(vae), TEST(wgan), TEST(wgan_debug), TEST(steps_take_no_memory))
