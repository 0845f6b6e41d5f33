/* ref_model.c: the reference models as subjects of golden files. */
#include <stdio.h>
#include <stdlib.h>
#include <wengert/reference.h>

#include "ref_geometry.h"
#include "ref_subjects.h"

/* ---- the first optimizer step ---- */

/* The number behind `key` = in a printed optimizer. */
static double argument(const char *text, const char *key, double otherwise)
{
    const char *at = strstr(text, key);

    return at ? strtod(at + strlen(key), NULL) : otherwise;
}

/* One step of a printed optimizer with an empty cache; state holds 2 n zeros. */
static bool first_step(const char *text, int64_t n, const double *g, double *x, double *state)
{
    double lr = argument(text, "lr=", text[0] == 'S' || strstr(text, "AdaGrad") ? 0.01 : 0.001);
    double eps = argument(text, "eps=", 1e-7), clip = argument(text, "clip_norm=", 0);

    if (strncmp(text, "SGD", 3) == 0)
        wg_ref_sgd(n, lr, argument(text, "momentum=", 0), clip, g, x, state);
    else if (strncmp(text, "AdaGrad", 7) == 0) wg_ref_adagrad(n, lr, eps, clip, g, x, state);
    else if (strncmp(text, "RMSProp", 7) == 0)
        wg_ref_rmsprop(n, lr, argument(text, "decay=", 0.9), eps, clip, g, x, state);
    else if (strncmp(text, "Adam(", 5) == 0)
        wg_ref_adam(n, 1, lr, argument(text, "decay1=", 0.9), argument(text, "decay2=", 0.999), eps,
                    clip, g, x, state, state + n);
    else return false;
    return true;
}

/* updated_parameters of every gradient in r where the case has them. */
static bool put_updated(const gcase *c, const char *otherwise, gresult *r)
{
    const char *optimizer = g_str(c, "optimizer", otherwise);

    for (int k = 0; k < r->section[G_PARAM_GRAD].n && c->section[G_UPDATED].n > 0; k++) {
        const garray *g = &r->section[G_PARAM_GRAD].at[k], *x = g_param(c, g->name);
        double *to = g_put_like(r, G_UPDATED, g->name, x, x ? x->f : NULL);
        double *state = calloc((size_t)(2 * g_count(g)) + 1, sizeof *state);
        bool ok = to && state && first_step(optimizer, g_count(g), g->f, to, state);

        free(state);
        if (!ok) return false;
    }
    return true;
}

/* ---- BernoulliVAE ---- */

static const char *const vae_names[12] = {
    "encoder.Conv1.W", "encoder.Conv1.b", "encoder.Conv2.W", "encoder.Conv2.b",
    "encoder.FC4.W",   "encoder.FC4.b",   "encoder.FC5.W",   "encoder.FC5.b",
    "decoder.FC1.W",   "decoder.FC1.b",   "decoder.FC2.W",   "decoder.FC2.b",
};

static double **vae_slot(wg_ref_vae_params *p, int k)
{
    double **const slot[12] = { &p->conv1_W, &p->conv1_b, &p->conv2_W, &p->conv2_b,
                                &p->FC4_W,   &p->FC4_b,   &p->FC5_W,   &p->FC5_b,
                                &p->D1_W,    &p->D1_b,    &p->D2_W,    &p->D2_b };

    return slot[k];
}

static bool vae_geometry(const gcase *c, wg_ref_vae *h, wg_ref_vae_params *p)
{
    const garray *X = g_in(c, "X");
    const json_t *k1 = ref_hyper(c, "enc_pool1_kernel_shape");
    const json_t *k2 = ref_hyper(c, "enc_pool2_kernel_shape");

    for (int k = 0; k < 12; k++)
        if (!(*vae_slot(p, k) = ref_param(c, vae_names[k]))) return false;
    if (!X || X->rank != 4 || !g_in_f(c, "noise") || !k1 || !k2) return false;
    *h = (wg_ref_vae){ .conv1 = { .stride = g_int(c, "enc_conv1_stride", 1) },
                       .pool1 = { .stride = g_int(c, "enc_pool1_stride", 2),
                                  .kernel_rows = ref_item(k1, 0),
                                  .kernel_cols = ref_item(k1, 1) },
                       .conv2 = { .stride = g_int(c, "enc_conv2_stride", 1) },
                       .pool2 = { .stride = g_int(c, "enc_pool2_stride", 1),
                                  .kernel_rows = ref_item(k2, 0),
                                  .kernel_cols = ref_item(k2, 1) },
                       .latent_dim = g_int(c, "latent_dim", 256),
                       .T = g_int(c, "T", 5) };
    ref_set_image(&h->conv1, X);
    ref_set_kernel(&h->conv1, g_param(c, "encoder.Conv1.W"));
    ref_set_kernel(&h->conv2, g_param(c, "encoder.Conv2.W"));
    if (!ref_set_pad(&h->conv1, ref_hyper(c, "enc_conv1_pad"), wg_ref_pad_same2d)) return false;
    wg_ref_vae_link(h); /* for the image of conv2, and again when its pad is known */
    if (!ref_set_pad(&h->conv2, ref_hyper(c, "enc_conv2_pad"), wg_ref_pad_same2d)) return false;
    wg_ref_vae_link(h);
    return wg_ref_vae_flat(h) == g_dim(g_param(c, "encoder.FC4.W"), 0) &&
           wg_ref_vae_pixels(h) == g_dim(g_param(c, "decoder.FC2.W"), 1);
}

static bool vae_forward(const gcase *c, gresult *r)
{
    const double *target = g_in_f(c, "target");
    int64_t code[2], image[2];
    wg_ref_vae_params p;
    wg_ref_vae h;
    double *m, *v, *t, *X_recon;
    bool ok = true;

    if (!vae_geometry(c, &h, &p) || !target) return false;
    code[0] = image[0] = h.conv1.n_ex;
    code[1] = h.T;
    image[1] = wg_ref_vae_pixels(&h);
    m = ref_put(r, G_OUTPUT, "t_mean", 2, code, &ok);
    v = ref_put(r, G_OUTPUT, "t_log_var", 2, code, &ok);
    t = ref_put(r, G_OUTPUT, "t", 2, code, &ok);
    X_recon = ref_put(r, G_OUTPUT, "X_recon", 2, image, &ok);
    ok = ok && wg_ref_vae_forward(&h, &p, g_in_f(c, "X"), g_in_f(c, "noise"), m, v, t, X_recon);
    return ok && g_put_num(r, G_OUTPUT, "loss",
                           wg_ref_vae_loss(image[0], image[1], h.T, target, X_recon, m, v));
}

static bool vae_backward(const gcase *c, gresult *r)
{
    wg_ref_vae_params p, g;
    wg_ref_vae h;
    double *dX;
    bool ok = true;

    if (!vae_geometry(c, &h, &p) || !g_in_f(c, "target")) return false;
    dX = ref_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), &ok);
    for (int k = 0; k < 12; k++) *vae_slot(&g, k) = ref_put_param(r, c, vae_names[k], &ok);
    return ok &&
           wg_ref_vae_backward(&h, &p, g_in_f(c, "X"), g_in_f(c, "noise"), g_in_f(c, "target"),
                               NULL, dX, &g) &&
           put_updated(c, "RMSProp(lr=0.0001)", r);
}

/* ---- WGAN_GP ---- */

/* One network of a case; gradients where r is one. */
static bool wgan_net(const gcase *c, const char *net, gresult *r, wg_ref_wgan *h,
                     wg_ref_wgan_params *p)
{
    bool ok = true;

    for (int k = 0; k < WG_REF_WGAN_LAYERS; k++) {
        char W[G_NAME], b[G_NAME];

        snprintf(W, sizeof W, "%s.FC%d.W", net, k + 1);
        snprintf(b, sizeof b, "%s.FC%d.b", net, k + 1);
        p->W[k] = r ? ref_put_param(r, c, W, &ok) : ref_param(c, W);
        p->b[k] = r ? ref_put_param(r, c, b, &ok) : ref_param(c, b);
        if (!ok || !p->W[k] || !p->b[k]) return false;
        if (k == 0) h->n_in = g_dim(g_param(c, W), 0);
        if (k == 0) h->n_hidden = g_dim(g_param(c, W), 1);
        if (k == WG_REF_WGAN_LAYERS - 1) h->n_out = g_dim(g_param(c, W), 1);
    }
    h->n_ex = g_dim(g_in(c, "noise"), 0);
    h->act_fn = (wg_ref_act){ WG_REF_RELU, 0, 0 };
    return true;
}

/* Forward when backward is false: outputs, otherwise gradients. */
static bool critic_step(const gcase *c, bool backward, gresult *r)
{
    wg_ref_wgan generator, critic;
    wg_ref_wgan_params gp, cp, grads;
    int64_t one[2], wide[2];
    double *X_fake, *C_loss, *X_interp, *grad, *fake, *real, *interp, lambda;
    bool ok = true;

    if (!wgan_net(c, "generator", NULL, &generator, &gp) ||
        !wgan_net(c, "critic", NULL, &critic, &cp) || !g_in_f(c, "X_real") || !g_in_f(c, "alpha"))
        return false;
    one[0] = wide[0] = critic.n_ex;
    one[1] = 1;
    wide[1] = critic.n_in;
    lambda = g_num(c, "lambda_", 10);
    X_fake = ref_put(r, G_OUTPUT, "X_fake", 2, wide, &ok);
    X_interp = ref_put(r, G_OUTPUT, "X_interp", 2, wide, &ok);
    grad = ref_put(r, G_OUTPUT, "gradInterp", 2, wide, &ok);
    fake = ref_put(r, G_OUTPUT, "Y_fake", 2, one, &ok);
    real = ref_put(r, G_OUTPUT, "Y_real", 2, one, &ok);
    interp = ref_put(r, G_OUTPUT, "Y_interp", 2, one, &ok);
    C_loss = ref_put(r, G_OUTPUT, "C_loss", 0, NULL, &ok);
    if (!ok || (backward && !wgan_net(c, "critic", r, &critic, &grads))) return false;
    return wg_ref_wgan_forward(&generator, &gp, g_in_f(c, "noise"), X_fake) &&
           wg_ref_wgan_critic_step(&critic, &cp, lambda, g_in_f(c, "X_real"), X_fake,
                                   g_in_f(c, "alpha"), C_loss, X_interp, grad, fake, real, interp,
                                   backward ? &grads : NULL);
}

static bool generator_step(const gcase *c, bool backward, gresult *r)
{
    wg_ref_wgan generator, critic;
    wg_ref_wgan_params gp, cp, grads;
    int64_t one[2], wide[2];
    double *X_fake, *Y_fake, *G_loss;
    bool ok = true;

    if (!wgan_net(c, "generator", NULL, &generator, &gp) ||
        !wgan_net(c, "critic", NULL, &critic, &cp))
        return false;
    one[0] = wide[0] = generator.n_ex;
    one[1] = 1;
    wide[1] = generator.n_out;
    X_fake = ref_put(r, G_OUTPUT, "X_fake", 2, wide, &ok);
    Y_fake = ref_put(r, G_OUTPUT, "Y_fake", 2, one, &ok);
    G_loss = ref_put(r, G_OUTPUT, "G_loss", 0, NULL, &ok);
    if (!ok || (backward && !wgan_net(c, "generator", r, &generator, &grads))) return false;
    return wg_ref_wgan_generator_step(&generator, &gp, &critic, &cp, g_in_f(c, "noise"), G_loss,
                                      X_fake, Y_fake, backward ? &grads : NULL);
}

static bool wgan_step(const gcase *c, bool backward, gresult *r)
{
    const char *step = g_str(c, "step", "");

    if (!g_in(c, "noise") || g_in(c, "noise")->rank != 2) return false;
    if (strcmp(step, "critic") == 0) return critic_step(c, backward, r);
    return strcmp(step, "generator") == 0 && generator_step(c, backward, r);
}

static bool wgan_forward(const gcase *c, gresult *r)
{
    return wgan_step(c, false, r);
}

static bool wgan_backward(const gcase *c, gresult *r)
{
    return wgan_step(c, true, r) && put_updated(c, "RMSProp(lr=0.0001)", r);
}

/* ---- Word2Vec ---- */

static bool word2vec_geometry(const gcase *c, wg_ref_word2vec *h, wg_ref_word2vec_params *p)
{
    const garray *W = g_param(c, "embeddings.W"), *offsets = g_in(c, "offsets");

    *p = (wg_ref_word2vec_params){ ref_param(c, "embeddings.W"), ref_param(c, "loss.W"),
                                   ref_param(c, "loss.b") };
    if (!W || W->rank != 2 || !offsets || !p->loss_W || !p->loss_b) return false;
    *h = (wg_ref_word2vec){ .n_ex = g_count(offsets) - 1,
                            .vocab_size = g_dim(W, 0),
                            .embedding_dim = g_dim(W, 1),
                            .n_neg = g_in(c, "neg_samples") ? g_count(g_in(c, "neg_samples")) : 0,
                            .ids = g_in_i(c, "ids"),
                            .offsets = g_in_i(c, "offsets"),
                            .target = g_in_i(c, "target"),
                            .neg = g_in_i(c, "neg_samples") };
    return h->ids && h->offsets && h->target && h->neg;
}

static bool word2vec_forward(const gcase *c, gresult *r)
{
    wg_ref_word2vec_params p;
    wg_ref_word2vec h;
    double *loss, *y_pred;
    int64_t dim[2];
    bool ok = true;

    if (!word2vec_geometry(c, &h, &p)) return false;
    dim[0] = h.n_ex;
    dim[1] = 1;
    loss = ref_put(r, G_OUTPUT, "loss", 0, NULL, &ok);
    y_pred = ref_put(r, G_OUTPUT, "y_pred", 2, dim, &ok);
    return ok && wg_ref_word2vec_forward(&h, &p, loss, y_pred);
}

static bool word2vec_backward(const gcase *c, gresult *r)
{
    wg_ref_word2vec_params p, g;
    wg_ref_word2vec h;
    bool ok = true;

    if (!word2vec_geometry(c, &h, &p)) return false;
    g.embeddings_W = ref_put_param(r, c, "embeddings.W", &ok);
    g.loss_W = ref_put_param(r, c, "loss.W", &ok);
    g.loss_b = ref_put_param(r, c, "loss.b", &ok);
    return ok && wg_ref_word2vec_backward(&h, &p, &g) && put_updated(c, "SGD(lr=0.1)", r);
}

const gsubject ref_subjects_model[] = {
    { "BernoulliVAE", vae_forward, vae_backward, "noise target" },
    { "WGAN_GP", wgan_forward, wgan_backward, "X_real noise alpha" },
    { "Word2Vec", word2vec_forward, word2vec_backward, NULL },
    { NULL, NULL, NULL, NULL },
};
