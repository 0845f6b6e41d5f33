/* test_module_memory.c: every allocation of making and recording recurrent layers, modules and
 * models refused in turn: an error, and nothing is left behind. */
#include "gate.h"
#include "module_kit.h"

/* What went wrong: out of memory, where nothing says so (a constructor gave NULL). */
static wg_status report(const wg_error *e, wg_error *error)
{
    static const wg_error none = { .code = WG_ENOMEM, .text = "out of memory" };

    *error = e ? *e : none;
    return error->code;
}

static wg_status record(void *arg, wg_error *error)
{
    static const char *const names[] = { "x0", "x1", "x2" };
    const struct module *m = arg;
    wg_error made = { .code = WG_OK };
    wg_params *w = wg_params_new(WG_F64, 11);
    wg_graph *g = wg_graph_new();
    wg_layer *l = w ? wg_layer_make(w, "m", m->kind, m->json, &made) : NULL;
    wg_status status = WG_OK;
    wg_tensor *x[3];

    if (!w || !g || !l) {
        status = report(made.code != WG_OK ? &made : NULL, error);
    } else {
        wg_begin(g, "f", WG_TRAIN);
        for (int i = 0; i < m->n; i++) x[i] = wg_input(g, names[i], WG_F64, m->small[i]);
        wg_output("y", wg_apply_n(l, m->n, x));
        wg_end(g);
        if (wg_graph_error(g)) status = report(wg_graph_error(g), error);
        else if (wg_layer_error(l)->code != WG_OK) status = report(wg_layer_error(l), error);
    }
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
    return status;
}

static void modules_recorded(void)
{
    EACH_MODULE(m) gate_every_allocation(record, (void *)(uintptr_t)m, m->kind);
}

static void layers_recorded(void)
{
    static const struct module layers[] = {
        { .kind = "RNN", .json = "{\"n_out\": 2}", .n = 1, .small = { { 3, { 2, 2, 3 } } } },
        { .kind = "LSTM", .json = "{\"n_out\": 2}", .n = 1, .small = { { 3, { 2, 2, 3 } } } },
        { .kind = "RNNCell",
          .json = "{\"n_out\": 2}",
          .n = 2,
          .small = { { 2, { 2, 3 } }, { 2, { 2, 2 } } } },
        { .kind = "LSTMCell",
          .json = "{\"n_out\": 2}",
          .n = 3,
          .small = { { 2, { 2, 3 } }, { 2, { 2, 2 } }, { 2, { 2, 2 } } } },
        { .kind = "DotProductAttention",
          .json = "{\"dropout_p\": 0.5}",
          .n = 3,
          .small = { { 2, { 2, 3 } }, { 2, { 4, 3 } }, { 2, { 4, 2 } } } },
    };

    for (int i = 0; i < 5; i++)
        gate_every_allocation(record, (void *)(uintptr_t)&layers[i], layers[i].kind);
}

/* ---- models: all their functions ---- */

static const char *const model_kinds[] = { "BernoulliVAE", "WGAN_GP", "Word2Vec" };

static wg_status record_model(void *arg, wg_error *error)
{
    static const char vae[] =
        "{\"T\": 1, \"latent_dim\": 2, \"enc_conv1_out_ch\": 1, \"enc_conv2_out_ch\": 1, "
        "\"enc_conv1_kernel_shape\": [2, 2], \"enc_conv2_kernel_shape\": [1, 1]}";
    static const char *const json[] = { vae, "{\"g_hidden\": 2}",
                                        "{\"vocab_size\": 4, \"num_negative_samples\": 2}" };
    const char *kind = arg;
    int k = kind == model_kinds[0] ? 0 : kind == model_kinds[1] ? 1 : 2;
    wg_error made = { .code = WG_OK };
    wg_params *w = wg_params_new(WG_F64, 11);
    wg_graph *g = wg_graph_new();
    wg_layer *l = w ? wg_layer_make(w, "m", kind, json[k], &made) : NULL;
    wg_status status = WG_OK;

    if (!w || !g || !l) {
        status = report(made.code != WG_OK ? &made : NULL, error);
    } else {
        if (k == 0) wg_bernoulli_vae_record(l, g, 5, 5, 1);
        else if (k == 1) wg_wgan_gp_record(l, g, 2);
        else wg_word2vec_record(l, g, true);
        if (wg_graph_error(g)) status = report(wg_graph_error(g), error);
        else if (wg_layer_error(l)->code != WG_OK) status = report(wg_layer_error(l), error);
    }
    wg_layer_free(l);
    wg_graph_free(g);
    wg_params_free(w);
    return status;
}

static void models_recorded(void)
{
    for (int k = 0; k < 3; k++)
        gate_every_allocation(record_model, (void *)(uintptr_t)model_kinds[k], model_kinds[k]);
}

TESTS(TEST(layers_recorded), TEST(modules_recorded), TEST(models_recorded))
