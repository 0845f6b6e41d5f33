/* ref_loss.c: the reference losses as subjects of golden files. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/reference.h>

#include "golden_case.h"
#include "ref_subjects.h"

/* ---- SquaredError, CrossEntropy: y_pred = f(z) or softmax(z) ---- */

/* y_pred in new memory, or NULL; square tells which of the two. */
static double *predict(const gcase *c, bool square, wg_ref_act *act)
{
    const garray *y = g_in(c, "y"), *z = g_in(c, "z");
    double *y_pred;

    if (!y || !y->f || !z || !z->f || !g_same_shape(y, z) || z->rank < 1) return NULL;
    if (square && !wg_ref_act_parse(g_str(c, "act_fn", NULL), act)) return NULL;
    y_pred = malloc(((size_t)g_count(z) + 1) * sizeof *y_pred);
    if (!y_pred) return NULL;
    if (square) wg_ref_act_fn_n(*act, g_count(z), z->f, y_pred);
    else wg_ref_softmax(g_extent(z, 0, z->rank - 1), g_dim(z, -1), 1, z->f, y_pred);
    return y_pred;
}

static bool supervised_forward(const gcase *c, gresult *r, bool square)
{
    const garray *y = g_in(c, "y"), *z = g_in(c, "z");
    wg_ref_act act = { WG_REF_IDENTITY, 0, 0 };
    double *y_pred = predict(c, square, &act), loss;
    bool ok;

    if (!y_pred) return false;
    loss = square ? wg_ref_squared_error(g_count(y), y->f, y_pred)
                  : wg_ref_cross_entropy(g_extent(z, 0, z->rank - 1), g_dim(z, -1), y->f, z->f);
    ok = g_put_like(r, G_OUTPUT, "y_pred", z, y_pred) && g_put_num(r, G_OUTPUT, "loss", loss);
    free(y_pred);
    return ok;
}

static bool supervised_backward(const gcase *c, gresult *r, bool square)
{
    const garray *y = g_in(c, "y"), *z = g_in(c, "z");
    const double *dloss = g_out_grad_f(c, "loss");
    wg_ref_act act = { WG_REF_IDENTITY, 0, 0 };
    double *y_pred = predict(c, square, &act), *dz;

    dz = y_pred ? g_put_like(r, G_INPUT_GRAD, "z", z, NULL) : NULL;
    if (!dz || !dloss || g_out_grad(c, "y_pred")) {
        free(y_pred);
        return false;
    }
    if (square) wg_ref_squared_error_grad(act, g_count(z), y->f, y_pred, z->f, dz);
    else wg_ref_cross_entropy_grad(g_extent(z, 0, z->rank - 1), g_dim(z, -1), y->f, y_pred, dz);
    for (int64_t i = 0; i < g_count(z); i++) dz[i] *= dloss[0];
    free(y_pred);
    return true;
}

static bool squared_forward(const gcase *c, gresult *r)
{
    return supervised_forward(c, r, true);
}

static bool squared_backward(const gcase *c, gresult *r)
{
    return supervised_backward(c, r, true);
}

static bool entropy_forward(const gcase *c, gresult *r)
{
    return supervised_forward(c, r, false);
}

static bool entropy_backward(const gcase *c, gresult *r)
{
    return supervised_backward(c, r, false);
}

/* ---- VAELoss ---- */

typedef struct {
    const garray *y, *p, *mean, *log_var;
} vae;

static bool vae_read(const gcase *c, vae *v)
{
    *v = (vae){ g_in(c, "y"), g_in(c, "y_pred"), g_in(c, "t_mean"), g_in(c, "t_log_var") };
    return v->y && v->p && v->mean && v->log_var && g_same_shape(v->y, v->p) &&
           g_same_shape(v->mean, v->log_var) && v->y->rank > 0;
}

static bool vae_forward(const gcase *c, gresult *r)
{
    vae v;

    if (!vae_read(c, &v)) return false;
    return g_put_num(r, G_OUTPUT, "loss",
                     wg_ref_vae_loss(g_dim(v.y, 0), g_extent(v.y, 1, v.y->rank),
                                     g_extent(v.mean, 1, v.mean->rank), v.y->f, v.p->f, v.mean->f,
                                     v.log_var->f)) != NULL;
}

static bool vae_backward(const gcase *c, gresult *r)
{
    const double *dloss = g_out_grad_f(c, "loss");
    double *dp, *dmean, *dlog_var;
    vae v;

    if (!vae_read(c, &v) || !dloss) return false;
    dp = g_put_like(r, G_INPUT_GRAD, "y_pred", v.p, NULL);
    dmean = g_put_like(r, G_INPUT_GRAD, "t_mean", v.mean, NULL);
    dlog_var = g_put_like(r, G_INPUT_GRAD, "t_log_var", v.mean, NULL);
    if (!dp || !dmean || !dlog_var) return false;
    wg_ref_vae_loss_grad(g_dim(v.y, 0), g_extent(v.y, 1, v.y->rank),
                         g_extent(v.mean, 1, v.mean->rank), v.y->f, v.p->f, v.mean->f, v.log_var->f,
                         dp, dlog_var, dmean);
    for (int64_t i = 0; i < g_count(v.p); i++) dp[i] *= dloss[0];
    for (int64_t i = 0; i < g_count(v.mean); i++) {
        dmean[i] *= dloss[0];
        dlog_var[i] *= dloss[0];
    }
    return true;
}

/* ---- WGAN_GPLoss ---- */

static bool wgan_forward(const gcase *c, gresult *r)
{
    const garray *fake = g_in(c, "Y_fake"), *real = g_in(c, "Y_real"), *g = g_in(c, "gradInterp");

    if (!fake) return false;
    if (strcmp(g_str(c, "module", ""), "G") == 0)
        return g_put_num(r, G_OUTPUT, "G_loss", wg_ref_wgan_gp_generator(g_count(fake), fake->f)) !=
               NULL;
    if (!real) return false;
    return g_put_num(r, G_OUTPUT, "C_loss",
                     wg_ref_wgan_gp_critic(g_count(fake), g_count(real), g ? g_dim(g, 0) : 0,
                                           g ? g_extent(g, 1, g->rank) : 0, g_num(c, "lambda_", 10),
                                           fake->f, real->f, g ? g->f : NULL)) != NULL;
}

static bool wgan_backward(const gcase *c, gresult *r)
{
    const garray *fake = g_in(c, "Y_fake"), *real = g_in(c, "Y_real"), *g = g_in(c, "gradInterp");
    bool generator = strcmp(g_str(c, "module", ""), "G") == 0;
    const double *dloss = g_out_grad_f(c, generator ? "G_loss" : "C_loss");
    double *dfake = g_put_like(r, G_INPUT_GRAD, "Y_fake", fake, NULL), *dreal = NULL, *dg = NULL;

    if (!dloss || !dfake) return false;
    if (generator) {
        wg_ref_wgan_gp_generator_grad(g_count(fake), dfake);
    } else {
        dreal = g_put_like(r, G_INPUT_GRAD, "Y_real", real, NULL);
        dg = g_put_like(r, G_INPUT_GRAD, "gradInterp", g, NULL);
        if (!dreal || (g && !dg)) return false;
        wg_ref_wgan_gp_critic_grad(g_count(fake), g_count(real), g ? g_dim(g, 0) : 0,
                                   g ? g_extent(g, 1, g->rank) : 0, g_num(c, "lambda_", 10),
                                   g ? g->f : NULL, dfake, dreal, dg);
    }
    for (int64_t i = 0; i < g_count(fake); i++) dfake[i] *= dloss[0];
    for (int64_t i = 0; dreal && i < g_count(real); i++) dreal[i] *= dloss[0];
    for (int64_t i = 0; dg && i < g_count(g); i++) dg[i] *= dloss[0];
    return true;
}

/* ---- NCELoss ---- */

/* log_q is new memory when the case subtracts it: free it. */
static bool nce_read(const gcase *c, wg_ref_nce *t, double **log_q)
{
    const garray *X = g_in(c, "X"), *neg = g_in(c, "neg_samples"), *W = g_param(c, "W");
    const json_t *probs = json_object_get(c->hyper, "noise_probs"), *p;
    bool subtract = g_bool(c, "subtract_log_label_prob", true);
    size_t k;

    *log_q = NULL;
    *t = (wg_ref_nce){ 0 };
    if (!X || X->rank != 3 || !W || W->rank != 2 || !g_in_i(c, "target") || !g_param_f(c, "b"))
        return false;
    *t = (wg_ref_nce){ .N = X->dim[0], .C = X->dim[1], .D = X->dim[2], .X = X->f, .W = W->f };
    t->b = g_param_f(c, "b");
    t->target = g_in_i(c, "target");
    t->neg = neg ? neg->i : NULL;
    /* a loss that is not trained draws no noise */
    t->K = neg && g_bool(c, "trainable", true) ? g_count(neg) : 0;
    if (!subtract) return true;
    if ((int64_t)json_array_size(probs) != W->dim[0]) return false;
    *log_q = malloc((size_t)W->dim[0] * sizeof **log_q);
    if (!*log_q) return false;
    json_array_foreach(probs, k, p)(*log_q)[k] = log(json_number_value(p));
    t->log_q = *log_q;
    return true;
}

static bool nce_forward(const gcase *c, gresult *r)
{
    double *log_q, *y_pred;
    wg_ref_nce t;
    bool ok = nce_read(c, &t, &log_q);

    y_pred = ok ? g_put(r, G_OUTPUT, "y_pred", 2, (int64_t[]){ t.N, t.C }, NULL) : NULL;
    ok = y_pred && g_put_num(r, G_OUTPUT, "loss", wg_ref_nce_loss(&t, y_pred));
    free(log_q);
    return ok;
}

static bool nce_backward(const gcase *c, gresult *r)
{
    const double *dloss = g_out_grad_f(c, "loss");
    double *log_q, *dX = NULL, *dW = NULL, *db = NULL;
    wg_ref_nce t;
    bool ok = nce_read(c, &t, &log_q) && dloss && !g_out_grad(c, "y_pred");

    if (ok) {
        dX = g_put_like(r, G_INPUT_GRAD, "X", g_in(c, "X"), NULL);
        dW = g_put_like(r, G_PARAM_GRAD, "W", g_param(c, "W"), NULL);
        db = g_put_like(r, G_PARAM_GRAD, "b", g_param(c, "b"), NULL);
    }
    ok = dX && dW && db;
    if (ok) {
        wg_ref_nce_loss_grad(&t, dX, dW, db);
        for (int64_t i = 0; i < g_count(g_in(c, "X")); i++) dX[i] *= dloss[0];
        for (int64_t i = 0; i < g_count(g_param(c, "W")); i++) dW[i] *= dloss[0];
        for (int64_t i = 0; i < g_count(g_param(c, "b")); i++) db[i] *= dloss[0];
    }
    free(log_q);
    return ok;
}

const gsubject ref_subjects_loss[] = {
    { "SquaredError", squared_forward, squared_backward, "y" },
    { "CrossEntropy", entropy_forward, entropy_backward, "y" },
    { "VAELoss", vae_forward, vae_backward, "y" },
    { "WGAN_GPLoss", wgan_forward, wgan_backward, NULL },
    { "NCELoss", nce_forward, nce_backward, "target neg_samples" },
    { NULL, NULL, NULL, NULL },
};
