/* ref_module.c: the reference modules as subjects of golden files. */
#include <stdlib.h>
#include <wengert/reference.h>

#include "ref_geometry.h"
#include "ref_subjects.h"

/* ---- WavenetResidualModule ---- */

static bool wavenet_geometry(const gcase *c, wg_ref_wavenet *h, wg_ref_wavenet_params *p)
{
    const garray *X = g_in(c, "X_main"), *W = g_param(c, "conv_dilation.W");

    *p = (wg_ref_wavenet_params){ ref_param(c, "conv_dilation.W"), ref_param(c, "conv_dilation.b"),
                                  ref_param(c, "conv_1x1.W"), ref_param(c, "conv_1x1.b") };
    if (!X || X->rank != 3 || !W || W->rank != 3) return false;
    *h = (wg_ref_wavenet){ .n_ex = g_dim(X, 0),
                           .length = g_dim(X, 1),
                           .ch_residual = g_dim(X, 2),
                           .ch_dilation = g_dim(W, 2),
                           .kernel_width = g_int(c, "kernel_width", g_dim(W, 0)),
                           .dilation = g_int(c, "dilation", 0) };
    return p->conv_dilation_b && p->conv_1x1_W && p->conv_1x1_b && h->kernel_width == g_dim(W, 0) &&
           h->ch_dilation == g_int(c, "ch_dilation", h->ch_dilation) &&
           h->ch_residual == g_int(c, "ch_residual", h->ch_residual);
}

static bool wavenet_forward(const gcase *c, gresult *r)
{
    double *Y_main, *Y_skip;
    wg_ref_wavenet_params p;
    wg_ref_wavenet h;
    bool ok = true;

    if (!wavenet_geometry(c, &h, &p)) return false;
    Y_main = ref_put_like(r, G_OUTPUT, "Y_main", g_in(c, "X_main"), &ok);
    Y_skip = ref_put_like(r, G_OUTPUT, "Y_skip", g_in(c, "X_main"), &ok);
    return ok &&
           wg_ref_wavenet_forward(&h, &p, g_in_f(c, "X_main"), g_in_f(c, "X_skip"), Y_main, Y_skip);
}

static bool wavenet_backward(const gcase *c, gresult *r)
{
    const double *dY_skip = g_out_grad_f(c, "Y_skip"), *dY_main = g_out_grad_f(c, "Y_main");
    double *dX_main, *dX_skip = NULL, *none = NULL;
    wg_ref_wavenet_params p, g;
    wg_ref_wavenet h;
    bool ok = true;

    if (!wavenet_geometry(c, &h, &p) || (!dY_skip && !dY_main)) return false;
    if (!dY_skip) dY_skip = none = calloc((size_t)g_count(g_in(c, "X_main")) + 1, sizeof *none);
    dX_main = ref_put_like(r, G_INPUT_GRAD, "X_main", g_in(c, "X_main"), &ok);
    if (g_in(c, "X_skip"))
        dX_skip = ref_put_like(r, G_INPUT_GRAD, "X_skip", g_in(c, "X_skip"), &ok);
    g.conv_dilation_W = ref_put_param(r, c, "conv_dilation.W", &ok);
    g.conv_dilation_b = ref_put_param(r, c, "conv_dilation.b", &ok);
    g.conv_1x1_W = ref_put_param(r, c, "conv_1x1.W", &ok);
    g.conv_1x1_b = ref_put_param(r, c, "conv_1x1.b", &ok);
    ok = ok && dY_skip &&
         wg_ref_wavenet_backward(&h, &p, g_in_f(c, "X_main"), dY_skip, dY_main, dX_main, dX_skip,
                                 &g);
    free(none);
    return ok;
}

/* ---- skip modules ---- */

static const char *const skip_names[12] = {
    "conv1.W",
    "conv1.b",
    "conv2.W",
    "conv2.b",
    "conv_skip.W",
    "conv_skip.b",
    "batchnorm1.scaler",
    "batchnorm1.intercept",
    "batchnorm2.scaler",
    "batchnorm2.intercept",
    "batchnorm_skip.scaler",
    "batchnorm_skip.intercept",
};

static double **skip_slot(wg_ref_skip_params *p, int k)
{
    double **const slot[12] = { &p->conv1_W,
                                &p->conv1_b,
                                &p->conv2_W,
                                &p->conv2_b,
                                &p->conv_skip_W,
                                &p->conv_skip_b,
                                &p->batchnorm1_scaler,
                                &p->batchnorm1_intercept,
                                &p->batchnorm2_scaler,
                                &p->batchnorm2_intercept,
                                &p->batchnorm_skip_scaler,
                                &p->batchnorm_skip_intercept };

    return slot[k];
}

/* Whether name belongs to the branch that the identity module lacks. */
static bool of_skip(const char *name)
{
    return strstr(name, "_skip") != NULL;
}

static bool skip_params(const gcase *c, bool conv, wg_ref_skip_params *p)
{
    bool ok = true;

    for (int k = 0; k < 12; k++) {
        *skip_slot(p, k) = ref_param(c, skip_names[k]);
        ok = ok && (ref_param(c, skip_names[k]) || (!conv && of_skip(skip_names[k])));
    }
    return ok;
}

static bool skip_geometry(const gcase *c, bool conv, wg_ref_skip *h)
{
    const garray *X = g_in(c, "X"), *W1 = g_param(c, "conv1.W"), *W2 = g_param(c, "conv2.W");
    const garray *Ws = g_param(c, "conv_skip.W");
    bool linked;

    if (!X || X->rank != 4 || !W1 || W1->rank != 4 || !W2 || W2->rank != 4) return false;
    *h = (wg_ref_skip){ .conv1 = { .stride = g_int(c, "stride1", 1) },
                        .conv2 = { .stride = g_int(c, "stride2", 1) },
                        .conv_skip = { .stride = g_int(c, "stride_skip", 1) },
                        .epsilon = g_num(c, "epsilon", 1e-5) };
    if (!wg_ref_act_parse(g_str(c, "act_fn", NULL), &h->act_fn)) return false;
    ref_set_image(&h->conv1, X);
    ref_set_kernel(&h->conv1, W1);
    ref_set_kernel(&h->conv2, W2);
    if (conv && !Ws) return false;
    if (conv) ref_set_kernel(&h->conv_skip, Ws);
    if (!conv) h->conv1.pad = wg_ref_pad_same2d(&h->conv1);
    else if (!ref_set_pad(&h->conv1, ref_hyper(c, "pad1"), wg_ref_pad_same2d)) return false;
    /* Linked once for the image of conv2, and again when its pad is known. */
    linked = wg_ref_skip_link(h);
    if (!conv) h->conv2.pad = wg_ref_pad_same2d(&h->conv2);
    else if (!ref_set_pad(&h->conv2, ref_hyper(c, "pad2"), wg_ref_pad_same2d)) return false;
    linked = wg_ref_skip_link(h);
    return linked;
}

static const char *const stat_names[3][2] = {
    { "batchnorm1.running_mean", "batchnorm1.running_var" },
    { "batchnorm2.running_mean", "batchnorm2.running_var" },
    { "batchnorm_skip.running_mean", "batchnorm_skip.running_var" },
};

/* Running statistics after one batch, from mean 0 and variance 1. */
static bool put_running(const gcase *c, gresult *r, int which, const wg_ref_conv2d *conv,
                        const double *mean, const double *var)
{
    int64_t M = conv->n_ex * wg_ref_conv2d_rows(conv) * wg_ref_conv2d_cols(conv), C = conv->out_ch;
    bool ok = true;
    double *m = ref_put(r, G_OUTPUT, stat_names[which][0], 1, &C, &ok);
    double *v = ref_put(r, G_OUTPUT, stat_names[which][1], 1, &C, &ok);

    if (!ok) return false;
    for (int64_t k = 0; k < C; k++) v[k] = 1;
    wg_ref_batchnorm_running(M, C, g_num(c, "momentum", 0.9), false, mean, var, m, v);
    return true;
}

static bool skip_forward(const gcase *c, bool conv, gresult *r)
{
    wg_ref_skip_params p;
    wg_ref_skip_stats s;
    int64_t dim[4];
    wg_ref_skip h;
    double *Y, *all;
    size_t wide;
    bool ok = true;

    if (!skip_geometry(c, conv, &h) || !skip_params(c, conv, &p)) return false;
    dim[0] = h.conv2.n_ex;
    dim[1] = wg_ref_conv2d_rows(&h.conv2);
    dim[2] = wg_ref_conv2d_cols(&h.conv2);
    dim[3] = h.conv2.out_ch;
    Y = ref_put(r, G_OUTPUT, "Y", 4, dim, &ok);
    wide = (size_t)(h.conv1.out_ch + h.conv2.out_ch);
    all = calloc(6 * wide, sizeof *all);
    if (!ok || !all) {
        free(all);
        return false;
    }
    s = (wg_ref_skip_stats){
        all, all + wide, all + 2 * wide, all + 3 * wide, all + 4 * wide, all + 5 * wide
    };
    ok = (conv ? wg_ref_skip_conv_forward : wg_ref_skip_identity_forward)(&h, &p, g_in_f(c, "X"),
                                                                          &s, Y) &&
         put_running(c, r, 0, &h.conv1, s.mean1, s.var1) &&
         put_running(c, r, 1, &h.conv2, s.mean2, s.var2) &&
         (!conv || put_running(c, r, 2, &h.conv_skip, s.mean_skip, s.var_skip));
    free(all);
    return ok;
}

static bool skip_backward(const gcase *c, bool conv, gresult *r)
{
    wg_ref_skip_params p, g;
    wg_ref_skip h;
    double *dX;
    bool ok = true;

    if (!skip_geometry(c, conv, &h) || !skip_params(c, conv, &p) || !g_out_grad_f(c, "Y"))
        return false;
    dX = ref_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), &ok);
    for (int k = 0; k < 12; k++) *skip_slot(&g, k) = ref_put_param(r, c, skip_names[k], &ok);
    return ok && (conv ? wg_ref_skip_conv_backward : wg_ref_skip_identity_backward)(
                     &h, &p, g_in_f(c, "X"), g_out_grad_f(c, "Y"), dX, &g);
}

static bool identity_forward(const gcase *c, gresult *r)
{
    return skip_forward(c, false, r);
}
static bool identity_backward(const gcase *c, gresult *r)
{
    return skip_backward(c, false, r);
}
static bool conv_forward(const gcase *c, gresult *r)
{
    return skip_forward(c, true, r);
}
static bool conv_backward(const gcase *c, gresult *r)
{
    return skip_backward(c, true, r);
}

/* ---- MultiHeadedAttentionModule ---- */

static const char *const heads_names[8] = {
    "Q.W", "Q.b", "K.W", "K.b", "V.W", "V.b", "O.W", "O.b"
};

static double **heads_slot(wg_ref_heads_params *p, int k)
{
    double **const slot[8] = { &p->Q_W, &p->Q_b, &p->K_W, &p->K_b,
                               &p->V_W, &p->V_b, &p->O_W, &p->O_b };

    return slot[k];
}

static bool heads_geometry(const gcase *c, wg_ref_heads *h, wg_ref_heads_params *p)
{
    const garray *Q = g_in(c, "Q"), *K = g_in(c, "K"), *V = g_in(c, "V");

    if (!Q || Q->rank != 3 || !K || K->rank != 3 || !V || !g_same_shape(K, V)) return false;
    *h = (wg_ref_heads){ .n_ex = g_dim(Q, 0),
                         .t_q = g_dim(Q, 1),
                         .t_k = g_dim(K, 1),
                         .n_heads = g_int(c, "n_heads", 8),
                         .kqv_dim = g_dim(Q, 2),
                         .dropout_p = g_num(c, "dropout_p", 0) };
    for (int k = 0; k < 8; k++)
        if (!(*heads_slot(p, k) = ref_param(c, heads_names[k]))) return false;
    return h->kqv_dim % h->n_heads == 0 && g_dim(K, 0) == h->n_ex && g_dim(K, 2) == h->kqv_dim;
}

static bool heads_forward(const gcase *c, gresult *r)
{
    wg_ref_heads_params p;
    wg_ref_heads h;
    int64_t dim[4];
    double *Y, *A;
    bool ok = true;

    if (!heads_geometry(c, &h, &p)) return false;
    dim[0] = h.n_ex;
    dim[1] = h.n_heads;
    dim[2] = h.t_q;
    dim[3] = h.t_k;
    Y = ref_put_like(r, G_OUTPUT, "Y", g_in(c, "Q"), &ok);
    A = ref_put(r, G_OUTPUT, "attention_weights", 4, dim, &ok);
    return ok && wg_ref_heads_forward(&h, &p, g_in_f(c, "Q"), g_in_f(c, "K"), g_in_f(c, "V"),
                                      g_in_f(c, "dropout_mask"), NULL, A, Y);
}

static bool heads_backward(const gcase *c, gresult *r)
{
    wg_ref_heads_params p, g;
    wg_ref_heads h;
    double *dQ, *dK, *dV;
    bool ok = true;

    if (!heads_geometry(c, &h, &p) || !g_out_grad_f(c, "Y")) return false;
    dQ = ref_put_like(r, G_INPUT_GRAD, "Q", g_in(c, "Q"), &ok);
    dK = ref_put_like(r, G_INPUT_GRAD, "K", g_in(c, "K"), &ok);
    dV = ref_put_like(r, G_INPUT_GRAD, "V", g_in(c, "V"), &ok);
    for (int k = 0; k < 8; k++) *heads_slot(&g, k) = ref_put_param(r, c, heads_names[k], &ok);
    return ok &&
           wg_ref_heads_backward(&h, &p, g_in_f(c, "Q"), g_in_f(c, "K"), g_in_f(c, "V"),
                                 g_in_f(c, "dropout_mask"), g_out_grad_f(c, "Y"), dQ, dK, dV, &g);
}

const gsubject ref_subjects_module[] = {
    { "WavenetResidualModule", wavenet_forward, wavenet_backward, NULL },
    { "SkipConnectionIdentityModule", identity_forward, identity_backward, NULL },
    { "SkipConnectionConvModule", conv_forward, conv_backward, NULL },
    { "MultiHeadedAttentionModule", heads_forward, heads_backward, "dropout_mask" },
    { NULL, NULL, NULL, NULL },
};
