/*
 * passes_models.h: training steps for test_passes.c: one of each layer class and module, and small
 * ones of the kinds that bench/jobs.c times. Every real input and every weight has its gradient
 * as an output, an optimiser updates the store.
 */
#ifndef PASSES_MODELS_H
#define PASSES_MODELS_H

#include <wengert.h>
#include <wengert/layer.h>

#include "harness.h"
#include "layer_samples.h"

enum { MOST_LEAVES = 40, EXAMPLE = 3 };

typedef struct {
    wg_graph *g;
    wg_params *w;
    wg_layer *layer[3];
    wg_optim *optim;
    int n_layers, n_in;
    operand in[MOST_IN];
    wg_tensor *x[MOST_IN];
} model;

static const char *const input_name[MOST_IN] = { "x0", "x1", "x2", "x3" };
static const char *const output_name[MOST_OUT] = { "y0", "y1", "y2", "y3" };

/* One of each kind of update, clipping, decay and rate. */
static const char *const optimisers[] = {
    "SGD(lr=0.1)",
    "SGD(lr=0.1, momentum=0.9)",
    "Adam(lr=0.01)",
    "RMSProp(lr=0.01, clip_norm=0.3)",
    "AdaGrad(lr=0.1, clip_global_norm=0.5)",
    "AdamW(lr=0.01, weight_decay=0.1)",
    "SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)",
    "Adam(lr=0.01, accumulate=2)",
    "RMSProp(lr_scheduler=\"ExponentialScheduler(initial_lr=0.02, stage_length=2, decay=0.5)\")",
};

enum { OPTIMISERS = sizeof optimisers / sizeof *optimisers };

static wg_tensor *one_input(model *m, int rank, const int64_t *dim, int64_t below)
{
    wg_shape s = wg_shape_of(rank, dim);
    int i = m->n_in++;

    m->in[i] = (operand){ .rank = rank, .below = below };
    for (int k = 0; k < rank; k++) {
        m->in[i].dim[k] = dim[k];
        if (dim[k] < 0) s.dim[k] = EXAMPLE;
    }
    return m->x[i] = wg_input(m->g, input_name[i], below ? WG_I64 : wg_params_dtype(m->w), s);
}

#define DIMS(...) sizeof((int64_t[]){ __VA_ARGS__ }) / 8, (int64_t[]){ __VA_ARGS__ }

static wg_tensor *all_squares(wg_tensor *t)
{
    return wg_mean(wg_square(t), WG_ALL_AXES, false);
}

static wg_layer *keep_layer(model *m, wg_layer *l)
{
    return m->layer[m->n_layers++] = l;
}

static wg_tensor *dense(model *m, const char *name, int64_t n_out, const char *act_fn, wg_tensor *x)
{
    wg_fc_hyper hyper = { .n_out = n_out, .act_fn = act_fn };

    return wg_apply(keep_layer(m, wg_fully_connected(m->w, name, hyper)), x);
}

/* ---- the kinds bench/jobs.c times ---- */

static wg_tensor *mlp(model *m)
{
    wg_tensor *x = one_input(m, DIMS(-1, 45), 0), *y = one_input(m, DIMS(-1), 10);

    x = dense(m, "b", 35, "ReLU", dense(m, "a", 70, "Tanh", x));
    return wg_cross_entropy_index(y, dense(m, "c", 10, NULL, x));
}

static wg_tensor *critic(model *m)
{
    wg_tensor *x = one_input(m, DIMS(-1, 2), 0);
    wg_layer *l = keep_layer(m, wg_wgan_gp(m->w, "gan", (wg_wgan_gp_hyper){ .g_hidden = 20 }));
    wg_tensor *loss = wg_wgan_gp_critic_step(l, x, NULL);

    wg_layer_freeze(wg_layer_component(l, "generator"));
    return loss;
}

static wg_tensor *vae(model *m)
{
    wg_bernoulli_vae_hyper hyper = { .T = 3, .latent_dim = 4, .enc_conv1_out_ch = 5,
                                     .enc_conv2_out_ch = 3, .enc_conv1_kernel_shape = { 3, 3 },
                                     .enc_conv2_kernel_shape = { 3, 2 } };

    return wg_bernoulli_vae_loss(keep_layer(m, wg_bernoulli_vae(m->w, "vae", hyper)),
                                 one_input(m, DIMS(-1, 12, 12, 1), 0), NULL);
}

static wg_tensor *word2vec(model *m)
{
    wg_word2vec_hyper hyper = { .vocab_size = 90, .embedding_dim = 19, .num_negative_samples = 6 };
    wg_tensor *y[2];

    one_input(m, DIMS(-1, 4), 90);
    one_input(m, DIMS(-1, 4), 0);
    one_input(m, DIMS(-1), 90);
    one_input(m, DIMS(6), 90);
    wg_apply_all(keep_layer(m, wg_word2vec(m->w, "w2v", hyper)), 4, m->x, y);
    return y[0];
}

static wg_tensor *bilstm(model *m)
{
    wg_bidirectional_lstm_hyper hyper = { .n_out = 17 };
    wg_tensor *x = one_input(m, DIMS(-1, 9, 4), 0), *y = one_input(m, DIMS(-1, 34, 4), 0);

    return all_squares(
        wg_sub(wg_apply(keep_layer(m, wg_bidirectional_lstm(m->w, "l", hyper)), x), y));
}

static wg_tensor *attention(model *m)
{
    wg_mha_hyper hyper = { .n_heads = 3 };
    wg_tensor *x = one_input(m, DIMS(-1, 9, 24), 0);
    wg_layer *l = keep_layer(m, wg_multi_headed_attention(m->w, "l", hyper));

    return all_squares(wg_sub(wg_apply_n(l, 3, (wg_tensor *[]){ x, x, x }), x));
}

static wg_tensor *wavenet(model *m)
{
    wg_wavenet_hyper hyper = { .ch_residual = 5, .ch_dilation = 6, .dilation = 3,
                               .kernel_width = 2 };
    wg_tensor *out[2];

    one_input(m, DIMS(-1, 40, 5), 0);
    one_input(m, DIMS(-1, 40, 5), 0);
    wg_apply_all(keep_layer(m, wg_wavenet_residual(m->w, "l", hyper)), 2, m->x, out);
    return wg_add(all_squares(out[0]), all_squares(out[1]));
}

static wg_tensor *resnet(model *m)
{
    wg_skip_identity_hyper hyper = { .out_ch = 18, .kernel_shape1 = { 3, 3 },
                                     .kernel_shape2 = { 3, 3 }, .act_fn = "ReLU" };
    wg_tensor *x = one_input(m, DIMS(-1, 9, 8, 18), 0);

    return all_squares(wg_apply(keep_layer(m, wg_skip_identity(m->w, "l", hyper)), x));
}

static wg_tensor *elements(model *m)
{
    wg_tensor *x[4], *y;

    for (int i = 0; i < 4; i++) x[i] = one_input(m, DIMS(-1, 701), 0);
    y = wg_mul(wg_tanh(wg_add(wg_mul(x[0], x[1]), x[2])), wg_sigmoid(x[3]));
    return wg_sum(wg_sub(y, wg_exp(wg_neg(wg_square(x[1])))), WG_ALL_AXES, false);
}

static wg_tensor *softmax(model *m)
{
    wg_tensor *x = one_input(m, DIMS(-1, 130), 0);

    return all_squares(wg_mul(wg_softmax(x, -1), x));
}

static wg_tensor *norm(model *m)
{
    wg_tensor *x = one_input(m, DIMS(-1, 5, 67), 0), *r = one_input(m, DIMS(-1, 5, 67), 0),
              *g = one_input(m, DIMS(67), 0), *b = one_input(m, DIMS(67), 0), *s = wg_add(x, r),
              *mean = wg_mean(s, WG_AXES(-1), true), *var = wg_var(s, WG_AXES(-1), 0, true), *n;

    n = wg_mul(wg_sub(s, mean), wg_rsqrt(wg_add(var, wg_scalar_like(var, 1e-5))));
    return all_squares(wg_act("GELU(approximate=False)", wg_add(wg_mul(n, g), b)));
}

static wg_tensor *(*const made[])(model *m) = {
    mlp,     critic, vae,      word2vec, bilstm, attention,
    wavenet, resnet, elements, softmax,  norm,
};

static const char *const made_name[] = { "mlp",     "critic",  "vae",      "word2vec", "bilstm",
                                         "attention", "wavenet", "resnet", "elements", "softmax",
                                         "norm" };

enum { MADE = sizeof made / sizeof *made, MODELS = MADE + SAMPLES };

/* ---- any of them ---- */

static const char *model_name(int k)
{
    return k < MADE ? made_name[k] : samples[k - MADE].kind;
}

static wg_tensor *sample_loss(model *m, const sample *s)
{
    const wg_layer_class *kind = wg_layer_class_find(s->kind);
    wg_error error = { .code = WG_OK };
    wg_layer *l = wg_layer_make(m->w, "l", s->kind, s->json, &error);
    wg_tensor *y[MOST_OUT], *loss = NULL;

    NO_ERROR(&error);
    keep_layer(m, l);
    for (int i = 0; i < s->n; i++) one_input(m, s->in[i].rank, s->in[i].dim, s->in[i].below);
    for (int i = 0; i < kind->n_state; i++) {
        wg_shape shape = kind->state(l, (const wg_type *[]){ wg_tensor_type(m->x[0]) }, i);

        shape.dim[0] = -1;
        one_input(m, shape.rank, shape.dim, 0);
    }
    wg_apply_all(l, m->n_in, m->x, y);
    for (int k = 0; k < wg_layer_n_out(l) && !wg_graph_error(m->g); k++) {
        wg_tensor *part;

        if (!wg_dtype_is_real(wg_dtype_of(y[k]))) continue;
        wg_output(output_name[k], y[k]);
        part = all_squares(y[k]);
        loss = loss ? wg_add(loss, part) : part;
    }
    return loss;
}

static void output_gradients(model *m, wg_tensor *loss)
{
    wg_tensor *leaf[MOST_LEAVES], *grad[MOST_LEAVES];
    char name[200];
    int n = 0;

    for (int i = 0; i < m->n_in; i++)
        if (!m->in[i].below) leaf[n++] = m->x[i];
    for (int i = 0; i < wg_params_count(m->w) && n < MOST_LEAVES; i++) {
        const wg_param *p = wg_params_at(m->w, i);

        if (p->trainable && wg_dtype_is_real(p->value.type.dtype))
            leaf[n++] = wg_param_leaf(m->g, m->w, p->name);
    }
    wg_grad(loss, n, leaf, grad);
    for (int i = 0; i < n && !wg_graph_error(m->g); i++) {
        snprintf(name, sizeof name, "g.%s", wg_tensor_leaf_name(leaf[i]));
        wg_output(name, grad[i]);
    }
}

/* Model k as the function "step". A weight of its own scales the loss where a class has none. */
static bool model_open(model *m, int k, wg_dtype real)
{
    static const double one = 1.25;
    wg_error error = { .code = WG_OK };
    wg_tensor *loss, *scale;

    *m = (model){ .g = wg_graph_new(), .w = wg_params_new(real, 5) };
    wg_params_add(m->w, "scale", WG_F64, WG_SHAPE(1), true, NULL, NULL);
    wg_params_set(m->w, "scale", WG_F64_ARRAY(&one, 1), NULL);
    wg_begin(m->g, "step", WG_TRAIN);
    loss = k < MADE ? made[k](m) : sample_loss(m, &samples[k - MADE]);
    if (!wg_graph_error(m->g)) {
        scale = wg_sigmoid(wg_cast(wg_param_leaf(m->g, m->w, "scale"), real));
        loss = wg_sum(wg_mul(loss, scale), WG_ALL_AXES, false);
        wg_output("loss", loss);
        output_gradients(m, loss);
        m->optim = wg_optim_from_text(m->w, "optim", optimisers[(k + 1) % OPTIMISERS], &error);
        NO_ERROR(&error);
        wg_minimize(m->optim, loss);
    }
    wg_end(m->g);
    return harness_check(!wg_graph_error(m->g), __FILE__, __LINE__, "%s: %s", model_name(k),
                         wg_graph_error(m->g) ? wg_graph_error(m->g)->text : "");
}

static void model_close(model *m)
{
    wg_optim_free(m->optim);
    for (int i = 0; i < m->n_layers; i++) wg_layer_free(m->layer[i]);
    wg_graph_free(m->g);
    wg_params_free(m->w);
}

/* Numbers in (-0.3, 0.7) or indices: the same for the same seed and input. */
static wg_array model_data(const model *m, int i, int64_t batch, int seed)
{
    wg_shape s = wg_shape_of(m->in[i].rank, m->in[i].dim);
    wg_dtype dtype = m->in[i].below ? WG_I64 : wg_params_dtype(m->w);
    wg_array a = { .type.dtype = dtype };
    int64_t n;

    for (int k = 0; k < s.rank; k++)
        if (s.dim[k] < 0) s.dim[k] = batch;
    n = wg_shape_count(&s);
    a.type.shape = s;
    a.data = malloc((size_t)n * 8 + 1);
    for (int64_t k = 0; k < n; k++) {
        double v = fmod(0.618033988749895 * (double)(k + 1 + 1000 * i + 7777 * seed), 1);

        if (dtype == WG_I64) ((int64_t *)a.data)[k] = (int64_t)(v * (double)m->in[i].below);
        else if (dtype == WG_F32) ((float *)a.data)[k] = (float)(v - 0.3);
        else ((double *)a.data)[k] = v - 0.3;
    }
    return a;
}

#endif
