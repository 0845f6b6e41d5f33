/* model_vae.c: BernoulliVAE: convolutional encoder, reparameterised code, dense decoder. */
#include <string.h>

#include "classes.h"
#include "layer_impl.h"
#include "model.h"
#include "wengert/models.h"
#include "wengert/ops.h"

#define VAE wg_bernoulli_vae_hyper

static const char *const pad_modes[] = { "explicit", "same", NULL };
static const wg_field vae_fields[] = { WG_FIELD_NUM(VAE, T, 5),
                                       WG_FIELD_NUM(VAE, latent_dim, 256),
                                       WG_CHOICE(VAE, enc_conv1_pad_mode, pad_modes),
                                       WG_FIELD(VAE, enc_conv1_pad),
                                       WG_CHOICE(VAE, enc_conv2_pad_mode, pad_modes),
                                       WG_FIELD(VAE, enc_conv2_pad),
                                       WG_FIELD_NUM(VAE, enc_conv1_out_ch, 32),
                                       WG_FIELD_NUM(VAE, enc_conv2_out_ch, 64),
                                       WG_FIELD_NUM(VAE, enc_conv1_stride, 1),
                                       WG_FIELD_NUM(VAE, enc_pool1_stride, 2),
                                       WG_FIELD_NUM(VAE, enc_conv2_stride, 1),
                                       WG_FIELD_NUM(VAE, enc_pool2_stride, 1),
                                       WG_FIELD(VAE, enc_conv1_kernel_shape),
                                       WG_FIELD(VAE, enc_pool1_kernel_shape),
                                       WG_FIELD(VAE, enc_conv2_kernel_shape),
                                       WG_FIELD(VAE, enc_pool2_kernel_shape),
                                       WG_FIELD_STR(VAE, optimizer, "RMSProp(lr=0.0001)"),
                                       WG_FIELD_STR(VAE, init, "glorot_uniform"),
                                       WG_FIELD_STR(VAE, loss, "VAELoss"),
                                       WG_FIELD(VAE, enc_conv1_in_ch),
                                       WG_FIELDS_END };

typedef struct {
    int64_t latent_dim;
    int64_t N; /* learned: values of an image */
    const char *init;
} decoder_hyper;

static const wg_field decoder_fields[] = { WG_FIELD(decoder_hyper, latent_dim),
                                           WG_FIELD(decoder_hyper, N),
                                           WG_FIELD_STR(decoder_hyper, init, "glorot_uniform"),
                                           WG_FIELDS_END };

static wg_tensor *group_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    (void)n;
    return wg__chain(l, x[0], NULL, NULL);
}

/* ---- the two halves ---- */

static wg_conv2d_hyper conv_of(const int64_t *kernel, int64_t out_ch, int64_t stride,
                               int64_t pad_mode, const int64_t *pad, const char *init)
{
    return (wg_conv2d_hyper){ .out_ch = out_ch,
                              .kernel_shape = { kernel[0], kernel[1] },
                              .stride = stride,
                              .pad_mode = pad_mode,
                              .pad = { pad[0], pad[1], pad[2], pad[3] },
                              .act_fn = "ReLU",
                              .init = init };
}

static bool encoder_make(wg_layer *l)
{
    const VAE *h = wg_layer_hyper(l);
    wg_conv2d_hyper conv1 =
        conv_of(h->enc_conv1_kernel_shape, h->enc_conv1_out_ch, h->enc_conv1_stride,
                h->enc_conv1_pad_mode, h->enc_conv1_pad, h->init);
    wg_conv2d_hyper conv2 =
        conv_of(h->enc_conv2_kernel_shape, h->enc_conv2_out_ch, h->enc_conv2_stride,
                h->enc_conv2_pad_mode, h->enc_conv2_pad, h->init);
    wg_pool2d_hyper pool1 = { .kernel_shape = { h->enc_pool1_kernel_shape[0],
                                                h->enc_pool1_kernel_shape[1] },
                              .stride = h->enc_pool1_stride };
    wg_pool2d_hyper pool2 = { .kernel_shape = { h->enc_pool2_kernel_shape[0],
                                                h->enc_pool2_kernel_shape[1] },
                              .stride = h->enc_pool2_stride };
    wg_fc_hyper fc4 = { .n_out = h->latent_dim, .act_fn = "ReLU", .init = h->init };
    wg_fc_hyper fc5 = { .n_out = 2 * h->T,
                        .act_fn = "Affine(slope=1, intercept=0)",
                        .init = h->init };

    return wg_layer_add(l, "Conv1", "Conv2D", &conv1) &&
           wg_layer_add(l, "Pool1", "Pool2D", &pool1) &&
           wg_layer_add(l, "Conv2", "Conv2D", &conv2) &&
           wg_layer_add(l, "Pool2", "Pool2D", &pool2) &&
           wg_layer_add(l, "Flatten3", "Flatten", &(wg_flatten_hyper){ 0 }) &&
           wg_layer_add(l, "FC4", "FullyConnected", &fc4) &&
           wg_layer_add(l, "FC5", "FullyConnected", &fc5);
}

static const wg_layer_class encoder_class = { .name = "BernoulliVAE encoder",
                                              .hyper_size = sizeof(VAE),
                                              .hyper = vae_fields,
                                              .n_in = 1,
                                              .make = encoder_make,
                                              .apply = group_apply };

static bool decoder_make(wg_layer *l)
{
    const decoder_hyper *h = wg_layer_hyper(l);
    wg_fc_hyper fc1 = { .n_out = h->latent_dim, .act_fn = "ReLU", .init = h->init };
    wg_fc_hyper fc2 = { .n_out = h->N ? h->N : 1, .act_fn = "Sigmoid", .init = h->init };

    return wg_layer_add(l, "FC1", "FullyConnected", &fc1) &&
           wg_layer_add(l, "FC2", "FullyConnected", &fc2);
}

static const wg_layer_class decoder_class = { .name = "BernoulliVAE decoder",
                                              .hyper_size = sizeof(decoder_hyper),
                                              .hyper = decoder_fields,
                                              .n_in = 1,
                                              .make = decoder_make,
                                              .apply = group_apply };

/* ---- the model ---- */

static void default_kernel(int64_t *kernel, int64_t size)
{
    for (int i = 0; i < 2; i++)
        if (kernel[i] == 0) kernel[i] = size;
}

static bool vae_make(wg_layer *l)
{
    VAE *h = wg_layer_change_hyper(l);
    decoder_hyper decoder = { h->latent_dim, 0, h->init };

    if (h->T < 1 || h->latent_dim < 1)
        return wg_layer_fail(l, WG_EARG, "T %lld and latent_dim %lld must be at least 1",
                             (long long)h->T, (long long)h->latent_dim);
    if (h->loss && strcmp(h->loss, "VAELoss") != 0)
        return wg_layer_fail(l, WG_ENAME, "loss is \"%s\", wanted \"VAELoss\"", h->loss);
    default_kernel(h->enc_conv1_kernel_shape, 5);
    default_kernel(h->enc_pool1_kernel_shape, 2);
    default_kernel(h->enc_conv2_kernel_shape, 5);
    default_kernel(h->enc_pool2_kernel_shape, 2);
    return wg__model_optimizer(l, h->optimizer) &&
           wg__layer_add_class(l, "encoder", &encoder_class, h, true) &&
           wg__layer_add_class(l, "decoder", &decoder_class, &decoder, true);
}

/* The decoder gives back as many values as an image has: learned from the first one that gets so
 * far, and the same from then on. */
static bool learn_image(wg_layer *l, const wg_tensor *X)
{
    wg_layer *decoder = wg_layer_component(l, "decoder"),
             *last = wg_layer_component(decoder, "FC2");
    wg_fc_hyper *fc2 = wg_layer_change_hyper(last);
    decoder_hyper *h = wg_layer_change_hyper(decoder);
    const wg_type *t = wg_tensor_type(X);
    const int64_t *d = t->shape.dim;

    if (t->shape.rank != 4 || d[1] * d[2] * d[3] < 1) {
        wg_record_fail(wg_tensor_graph(X), WG_ESHAPE, wg_layer_kind(l),
                       "X is %s, wanted [n, rows, cols, ch]", WG_TYPE_STR(t));
        return false;
    }
    /* without N, as after other hyperparameters, the weights there are say whether it fits */
    if (wg_layer_n_params(last) > 0 && h->N > 0 && h->N != d[1] * d[2] * d[3]) {
        wg_record_fail(wg_tensor_graph(X), WG_ESHAPE, wg_layer_kind(l),
                       "X is %s, wanted images of %lld values", WG_TYPE_STR(t), (long long)h->N);
        return false;
    }
    ((VAE *)wg_layer_change_hyper(l))->enc_conv1_in_ch = d[3];
    h->N = fc2->n_out = d[1] * d[2] * d[3];
    return true;
}

/* t = t_mean + noise e^(t_log_var / 2). What the decoder sends back to mean and variance, apart
 * from what the loss does, arrives at the two values used here. */
static wg_tensor *sample(wg_layer *l, wg_tensor *t_mean, wg_tensor *t_log_var)
{
    char name[WG__DRAW_NAME];
    wg_tensor *noise, *mean, *log_var, *std;

    noise = wg_normal_like(t_mean, wg__draw_name(wg_tensor_graph(t_mean), "noise", name), 0, 1);
    mean = wg_layer_value_grad(l, wg_reshape_like(t_mean, t_mean), "dDecoder_t_mean");
    log_var = wg_layer_value_grad(l, wg_reshape_like(t_log_var, t_log_var), "dDecoder_t_log_var");
    std = wg_exp(wg_mul(log_var, wg_scalar_like(log_var, 0.5)));
    return wg_add(mean, wg_mul(wg_layer_value(l, noise, "noise"), std));
}

static bool vae_apply(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y)
{
    const VAE *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x[0]);
    wg_layer *decoder = wg_layer_component(l, "decoder");
    wg_tensor *code, *hidden;

    (void)n;
    if (!learn_image(l, x[0])) return false;
    wg_scope_begin(g, "encoder");
    code = wg__chain(wg_layer_component(l, "encoder"), x[0], l, "dEncoder");
    wg_scope_end(g);
    y[1] = wg_layer_value(l, wg_slice_axis(code, 1, 0, h->T, 1), "t_mean");
    y[2] = wg_layer_value(l, wg_slice_axis(code, 1, h->T, 2 * h->T, 1), "t_log_var");
    y[3] = wg_layer_value_grad(l, sample(l, y[1], y[2]), "dDecoder_FC1_in");
    wg_scope_begin(g, "decoder");
    hidden = wg_apply(wg_layer_component(decoder, "FC1"), y[3]);
    wg_layer_value_grad(l, hidden, "dDecoder_FC1_out");
    y[0] = wg_apply(wg_layer_component(decoder, "FC2"), hidden);
    wg_scope_end(g);
    return true;
}

const wg_layer_class wg_class_bernoulli_vae = { .name = "BernoulliVAE",
                                                .hyper_size = sizeof(VAE),
                                                .hyper = vae_fields,
                                                .n_in = 1,
                                                .n_out = 4,
                                                .make = vae_make,
                                                .apply_all = vae_apply };

wg_layer *wg_bernoulli_vae(wg_params *w, const char *name, wg_bernoulli_vae_hyper hyper)
{
    return wg_layer_new(&wg_class_bernoulli_vae, w, name, &hyper);
}

wg_tensor *wg_bernoulli_vae_loss(wg_layer *l, wg_tensor *X, wg_tensor **y)
{
    wg_tensor *results[4], **r = y ? y : results, *target;

    if (!X) return NULL;
    if (l && l->kind != &wg_class_bernoulli_vae)
        return wg_record_fail(wg_tensor_graph(X), WG_EARG, "bernoulli_vae_loss",
                              "the layer is a %s", l->kind->name);
    wg_apply_all(l, 1, &X, r);
    if (wg_graph_error(wg_tensor_graph(X))) return r[0];
    target = wg_detach(wg_collapse(X, 1, 3));
    return wg_vae_loss(target, r[0], r[1], r[2]);
}

/* The two terms of the loss: their sum is it. */
static void output_terms(wg_tensor *loss, wg_tensor *t_mean, wg_tensor *t_log_var)
{
    wg_tensor *one = wg_scalar_like(t_mean, 1), *inside, *kl;

    inside = wg_sub(wg_add(one, t_log_var), wg_add(wg_square(t_mean), wg_exp(t_log_var)));
    kl = wg_mean(wg_sum(inside, WG_AXES(1), false), WG_ALL_AXES, false);
    kl = wg_output("kl", wg_mul(kl, wg_scalar_like(kl, -0.5)));
    wg_output("reconstruction", wg_sub(loss, kl));
}

wg_graph *wg_bernoulli_vae_record(wg_layer *l, wg_graph *g, int64_t rows, int64_t cols, int64_t ch)
{
    static const char *const names[] = { "X_recon", "t_mean", "t_log_var", "t" };
    wg_tensor *X, *y[4], *loss;

    if (!l) {
        wg_record_fail(g, WG_EARG, "bernoulli_vae_record", "the layer is NULL");
        return g;
    }
    for (int train = 1; train >= 0; train--) {
        wg_begin(g, train ? "train" : "predict", train ? WG_TRAIN : WG_PREDICT);
        X = wg_input(g, "X", wg_params_dtype(l->store), WG_SHAPE(1, rows, cols, ch));
        loss = wg_bernoulli_vae_loss(l, X, y);
        if (wg_graph_error(g)) return g;
        wg_output("loss", loss);
        for (int i = 0; i < 4; i++) wg_output(names[i], y[i]);
        output_terms(loss, y[1], y[2]);
        if (train) wg__model_minimize(l, l, loss);
        wg_end(g);
    }
    return g;
}
