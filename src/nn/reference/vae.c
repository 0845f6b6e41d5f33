/* vae.c: the variational autoencoder of binary images. */
#include <math.h>
#include <wengert/reference_dense.h>
#include <wengert/reference_loss.h>
#include <wengert/reference_model.h>

#include "ref_matrix.h"

static const wg_ref_act identity = { WG_REF_IDENTITY, 0, 0 }, relu = { WG_REF_RELU, 0, 0 };
static const wg_ref_act sigmoid = { WG_REF_SIGMOID, 0, 0 };

/* The image of `next` is what `from`, of `ch` channels, puts out. */
static void chain(const wg_ref_conv2d *from, int64_t ch, wg_ref_conv2d *next)
{
    next->n_ex = from->n_ex;
    next->in_rows = wg_ref_conv2d_rows(from);
    next->in_cols = wg_ref_conv2d_cols(from);
    next->in_ch = ch;
}

void wg_ref_vae_link(wg_ref_vae *h)
{
    h->conv1.act_fn = relu;
    h->conv2.act_fn = relu;
    chain(&h->conv1, h->conv1.out_ch, &h->pool1);
    chain(&h->pool1, h->conv1.out_ch, &h->conv2);
    chain(&h->conv2, h->conv2.out_ch, &h->pool2);
}

/* Elements of an output of ch channels, of all examples. */
static int64_t out_count(const wg_ref_conv2d *c, int64_t ch)
{
    return c->n_ex * wg_ref_conv2d_rows(c) * wg_ref_conv2d_cols(c) * ch;
}

int64_t wg_ref_vae_flat(const wg_ref_vae *h)
{
    return wg_ref_conv2d_rows(&h->pool2) * wg_ref_conv2d_cols(&h->pool2) * h->conv2.out_ch;
}

int64_t wg_ref_vae_pixels(const wg_ref_vae *h)
{
    return h->conv1.in_rows * h->conv1.in_cols * h->conv1.in_ch;
}

/* What every layer computes, Z before its activation; sizes in elements of all examples. */
typedef struct {
    int64_t N, conv1, pool1, conv2, pool2, latent, code, pixels;
    double *conv1_Z, *conv1_Y, *pool1_Y, *conv2_Z, *conv2_Y, *pool2_Y;
    double *FC4_Z, *FC4_Y, *FC5_Y, *t_mean, *t_log_var, *t, *D1_Z, *D1_Y, *D2_Z, *X_recon;
} inside;

/* The next n elements of scratch memory. */
static double *take(double **from, int64_t n)
{
    double *at = *from;

    *from += n;
    return at;
}

/* Free s->conv1_Z when it is done. */
static bool run(const wg_ref_vae *h, const wg_ref_vae_params *p, const double *X,
                const double *noise, inside *s)
{
    int64_t flat = wg_ref_vae_flat(h), d = h->latent_dim, T = h->T, pixels = wg_ref_vae_pixels(h);
    double *at;

    s->N = h->conv1.n_ex;
    s->conv1 = out_count(&h->conv1, h->conv1.out_ch);
    s->pool1 = out_count(&h->pool1, h->conv1.out_ch);
    s->conv2 = out_count(&h->conv2, h->conv2.out_ch);
    s->pool2 = s->N * flat;
    s->latent = s->N * d;
    s->code = s->N * T;
    s->pixels = s->N * pixels;
    at = ref_zeros(2 * s->conv1 + s->pool1 + 2 * s->conv2 + s->pool2 + 4 * s->latent + 5 * s->code +
                   2 * s->pixels);
    if (!at) return false;
    s->conv1_Z = take(&at, s->conv1);
    s->conv1_Y = take(&at, s->conv1);
    s->pool1_Y = take(&at, s->pool1);
    s->conv2_Z = take(&at, s->conv2);
    s->conv2_Y = take(&at, s->conv2);
    s->pool2_Y = take(&at, s->pool2);
    s->FC4_Z = take(&at, s->latent);
    s->FC4_Y = take(&at, s->latent);
    s->FC5_Y = take(&at, 2 * s->code);
    s->t_mean = take(&at, s->code);
    s->t_log_var = take(&at, s->code);
    s->t = take(&at, s->code);
    s->D1_Z = take(&at, s->latent);
    s->D1_Y = take(&at, s->latent);
    s->D2_Z = take(&at, s->pixels);
    s->X_recon = take(&at, s->pixels);
    if (!wg_ref_conv2d_forward(&h->conv1, X, p->conv1_W, p->conv1_b, s->conv1_Z, s->conv1_Y))
        goto fail;
    wg_ref_pool2d_max_forward(&h->pool1, s->conv1_Y, s->pool1_Y);
    if (!wg_ref_conv2d_forward(&h->conv2, s->pool1_Y, p->conv2_W, p->conv2_b, s->conv2_Z,
                               s->conv2_Y))
        goto fail;
    wg_ref_pool2d_max_forward(&h->pool2, s->conv2_Y, s->pool2_Y);
    wg_ref_fully_connected(relu, s->N, flat, d, s->pool2_Y, p->FC4_W, p->FC4_b, s->FC4_Z, s->FC4_Y);
    wg_ref_fully_connected(identity, s->N, d, 2 * T, s->FC4_Y, p->FC5_W, p->FC5_b, s->FC5_Y, NULL);
    for (int64_t i = 0; i < s->code; i++) {
        s->t_mean[i] = s->FC5_Y[i / T * 2 * T + i % T];
        s->t_log_var[i] = s->FC5_Y[i / T * 2 * T + T + i % T];
        s->t[i] = s->t_mean[i] + noise[i] * exp(s->t_log_var[i] / 2);
    }
    wg_ref_fully_connected(relu, s->N, T, d, s->t, p->D1_W, p->D1_b, s->D1_Z, s->D1_Y);
    wg_ref_fully_connected(sigmoid, s->N, d, pixels, s->D1_Y, p->D2_W, p->D2_b, s->D2_Z,
                           s->X_recon);
    return true;
fail:
    free(s->conv1_Z);
    return false;
}

bool wg_ref_vae_forward(const wg_ref_vae *h, const wg_ref_vae_params *p, const double *X,
                        const double *noise, double *t_mean, double *t_log_var, double *t,
                        double *X_recon)
{
    inside s;

    if (!run(h, p, X, noise, &s)) return false;
    for (int64_t i = 0; i < s.code; i++) {
        t_mean[i] = s.t_mean[i];
        t_log_var[i] = s.t_log_var[i];
        t[i] = s.t[i];
    }
    for (int64_t i = 0; i < s.pixels; i++) X_recon[i] = s.X_recon[i];
    free(s.conv1_Z);
    return true;
}

/* From dX_recon to dt; d has room for the gradient at D1's output too. */
static bool decoder_backward(const wg_ref_vae *h, const wg_ref_vae_params *p, const inside *s,
                             const double *dX_recon, double *dD1_Y, double *dt,
                             wg_ref_vae_params *g)
{
    return wg_ref_fully_connected_backward(sigmoid, s->N, h->latent_dim, wg_ref_vae_pixels(h),
                                           s->D1_Y, p->D2_W, s->D2_Z, dX_recon, dD1_Y, g->D2_W,
                                           g->D2_b) &&
           wg_ref_fully_connected_backward(relu, s->N, h->T, h->latent_dim, s->t, p->D1_W, s->D1_Z,
                                           dD1_Y, dt, g->D1_W, g->D1_b);
}

/* From dFC5_Y, the gradient at [t_mean, t_log_var], to dX. */
static bool encoder_backward(const wg_ref_vae *h, const wg_ref_vae_params *p, const double *X,
                             const inside *s, const double *dFC5_Y, double *dX,
                             wg_ref_vae_params *g)
{
    int64_t flat = wg_ref_vae_flat(h), d = h->latent_dim;
    double *dFC4_Y = ref_zeros(s->latent + s->pool2 + s->conv2 + s->pool1 + s->conv1), *at = dFC4_Y;
    double *dpool2_Y, *dconv2_Y, *dpool1_Y, *dconv1_Y;
    bool ok;

    if (!at) return false;
    at += s->latent;
    dpool2_Y = take(&at, s->pool2);
    dconv2_Y = take(&at, s->conv2);
    dpool1_Y = take(&at, s->pool1);
    dconv1_Y = take(&at, s->conv1);
    ok = wg_ref_fully_connected_backward(identity, s->N, d, 2 * h->T, s->FC4_Y, p->FC5_W, s->FC5_Y,
                                         dFC5_Y, dFC4_Y, g->FC5_W, g->FC5_b) &&
         wg_ref_fully_connected_backward(relu, s->N, flat, d, s->pool2_Y, p->FC4_W, s->FC4_Z,
                                         dFC4_Y, dpool2_Y, g->FC4_W, g->FC4_b);
    wg_ref_pool2d_max_backward(&h->pool2, s->conv2_Y, dpool2_Y, dconv2_Y);
    ok = ok && wg_ref_conv2d_backward(&h->conv2, s->pool1_Y, p->conv2_W, s->conv2_Z, dconv2_Y,
                                      dpool1_Y, g->conv2_W, g->conv2_b);
    wg_ref_pool2d_max_backward(&h->pool1, s->conv1_Y, dpool1_Y, dconv1_Y);
    ok = ok && wg_ref_conv2d_backward(&h->conv1, X, p->conv1_W, s->conv1_Z, dconv1_Y, dX,
                                      g->conv1_W, g->conv1_b);
    free(dFC4_Y);
    return ok;
}

bool wg_ref_vae_backward(const wg_ref_vae *h, const wg_ref_vae_params *p, const double *X,
                         const double *noise, const double *target, double *loss, double *dX,
                         wg_ref_vae_params *grads)
{
    double *dX_recon, *dt_mean, *dt_log_var, *dFC5_Y, *dD1_Y, *dt, *at;
    int64_t T = h->T, pixels = wg_ref_vae_pixels(h);
    inside s;
    bool ok;

    if (!run(h, p, X, noise, &s)) return false;
    dX_recon = at = ref_zeros(s.pixels + 5 * s.code + s.latent);
    if (!at) {
        free(s.conv1_Z);
        return false;
    }
    at += s.pixels;
    dt_mean = take(&at, s.code);
    dt_log_var = take(&at, s.code);
    dt = take(&at, s.code);
    dFC5_Y = take(&at, 2 * s.code);
    dD1_Y = take(&at, s.latent);
    if (loss) *loss = wg_ref_vae_loss(s.N, pixels, T, target, s.X_recon, s.t_mean, s.t_log_var);
    wg_ref_vae_loss_grad(s.N, pixels, T, target, s.X_recon, s.t_mean, s.t_log_var, dX_recon,
                         dt_log_var, dt_mean);
    ok = decoder_backward(h, p, &s, dX_recon, dD1_Y, dt, grads);
    for (int64_t i = 0; i < s.code; i++) {
        dFC5_Y[i / T * 2 * T + i % T] = dt_mean[i] + dt[i];
        dFC5_Y[i / T * 2 * T + T + i % T] =
            dt_log_var[i] + dt[i] * noise[i] * exp(s.t_log_var[i] / 2) / 2;
    }
    ok = ok && encoder_backward(h, p, X, &s, dFC5_Y, dX, grads);
    free(dX_recon);
    free(s.conv1_Z);
    return ok;
}
