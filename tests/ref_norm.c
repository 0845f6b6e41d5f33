/* ref_norm.c: reference normalisations and attention as golden subjects, to the second order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/reference.h>

#include "golden_case.h"
#include "ref_subjects.h"

/* ---- BatchNorm1D, BatchNorm2D ---- */

typedef struct {
    const garray *X, *scaler, *intercept;
    const double *running_mean, *running_var;
    int64_t M, C;
    double epsilon, momentum, *mean, *var; /* of the batch, or the running ones: new memory */
    bool inference;
} batchnorm;

static bool batchnorm_read(const gcase *c, batchnorm *b)
{
    *b = (batchnorm){ .X = g_in(c, "X"),
                      .scaler = g_param(c, "scaler"),
                      .intercept = g_param(c, "intercept"),
                      .running_mean = g_in_f(c, "running_mean"),
                      .running_var = g_in_f(c, "running_var"),
                      .epsilon = g_num(c, "epsilon", 1e-5),
                      .momentum = g_num(c, "momentum", 0.9) };
    b->inference = strcmp(g_str(c, "mode", "train"), "inference") == 0;
    if (!b->X || b->X->rank < 2 || !b->scaler || !b->intercept) return false;
    if (b->inference && (!b->running_mean || !b->running_var)) return false;
    b->C = g_dim(b->X, -1);
    b->M = g_extent(b->X, 0, b->X->rank - 1);
    if (g_count(b->scaler) != b->C || g_count(b->intercept) != b->C) return false;
    b->mean = calloc(2 * (size_t)b->C + 1, sizeof *b->mean);
    if (!b->mean) return false;
    b->var = b->mean + b->C;
    if (b->inference) {
        memcpy(b->mean, b->running_mean, (size_t)b->C * sizeof *b->mean);
        memcpy(b->var, b->running_var, (size_t)b->C * sizeof *b->var);
    } else {
        wg_ref_batchnorm_stats(b->M, b->C, b->X->f, b->mean, b->var);
    }
    return true;
}

/* The statistics after this batch, both readings. */
static bool put_running(const batchnorm *b, gresult *r)
{
    double *mean, *var, *unbiased, *twice = malloc((size_t)(b->C + 1) * sizeof *twice);
    bool ok;

    mean = g_put(r, G_OUTPUT, "running_mean", 1, &b->C, b->running_mean);
    var = g_put(r, G_OUTPUT, "running_var", 1, &b->C, b->running_var);
    unbiased = g_put(r, G_OUTPUT, "running_var_unbiased", 1, &b->C, b->running_var);
    ok = mean && var && unbiased && twice;
    if (ok) {
        memcpy(twice, mean, (size_t)b->C * sizeof *twice);
        wg_ref_batchnorm_running(b->M, b->C, b->momentum, false, b->mean, b->var, mean, var);
        wg_ref_batchnorm_running(b->M, b->C, b->momentum, true, b->mean, b->var, twice, unbiased);
    }
    free(twice);
    return ok;
}

static bool batchnorm_forward(const gcase *c, gresult *r)
{
    batchnorm b;
    double *Y;
    bool ok;

    if (!batchnorm_read(c, &b)) return false;
    Y = g_put_like(r, G_OUTPUT, "Y", b.X, NULL);
    ok = Y != NULL;
    if (ok)
        wg_ref_batchnorm(b.M, b.C, b.epsilon, b.X->f, b.mean, b.var, b.scaler->f, b.intercept->f,
                         Y);
    if (ok && !b.inference && b.running_mean && b.running_var) ok = put_running(&b, r);
    free(b.mean);
    return ok;
}

static bool batchnorm_backward(const gcase *c, gresult *r)
{
    const double *dY = g_out_grad_f(c, "Y");
    double *dX, *ds, *di;
    batchnorm b;
    bool ok;

    if (!dY || !batchnorm_read(c, &b)) return false;
    dX = g_put_like(r, G_INPUT_GRAD, "X", b.X, NULL);
    ds = g_put_like(r, G_PARAM_GRAD, "scaler", b.scaler, NULL);
    di = g_put_like(r, G_PARAM_GRAD, "intercept", b.intercept, NULL);
    ok = dX && ds && di;
    if (ok && b.inference)
        wg_ref_batchnorm_inference_backward(b.M, b.C, b.epsilon, b.X->f, b.mean, b.var, b.scaler->f,
                                            dY, dX, ds, di);
    else if (ok && b.X->rank == 4)
        wg_ref_batchnorm2d_backward(b.X->dim[0], b.X->dim[1], b.X->dim[2], b.C, b.epsilon, b.X->f,
                                    b.mean, b.var, b.scaler->f, dY, dX, ds, di);
    else if (ok)
        wg_ref_batchnorm1d_backward(b.M, b.C, b.epsilon, b.X->f, b.mean, b.var, b.scaler->f, dY, dX,
                                    ds, di);
    free(b.mean);
    return ok;
}

/* ---- LayerNorm1D, LayerNorm2D ---- */

typedef struct {
    const garray *X, *scaler, *intercept;
    int64_t N, D;
    double epsilon;
} layernorm;

static bool layernorm_read(const gcase *c, layernorm *l)
{
    *l = (layernorm){ .X = g_in(c, "X"),
                      .scaler = g_param(c, "scaler"),
                      .intercept = g_param(c, "intercept"),
                      .epsilon = g_num(c, "epsilon", 1e-5) };
    if (!l->X || l->X->rank < 2 || !l->scaler || !l->intercept) return false;
    l->N = l->X->dim[0];
    l->D = g_extent(l->X, 1, l->X->rank);
    return g_count(l->scaler) == l->D && g_count(l->intercept) == l->D;
}

static bool layernorm_forward(const gcase *c, gresult *r)
{
    layernorm l;
    double *Y;

    if (!layernorm_read(c, &l) || !(Y = g_put_like(r, G_OUTPUT, "Y", l.X, NULL))) return false;
    wg_ref_layernorm(l.N, l.D, l.epsilon, l.X->f, l.scaler->f, l.intercept->f, Y);
    return true;
}

static bool layernorm_backward(const gcase *c, gresult *r)
{
    const double *dY = g_out_grad_f(c, "Y");
    double *dX, *ds, *di;
    layernorm l;

    if (!dY || !layernorm_read(c, &l)) return false;
    dX = g_put_like(r, G_INPUT_GRAD, "X", l.X, NULL);
    ds = g_put_like(r, G_PARAM_GRAD, "scaler", l.scaler, NULL);
    di = g_put_like(r, G_PARAM_GRAD, "intercept", l.intercept, NULL);
    if (!dX || !ds || !di) return false;
    if (l.X->rank == 4)
        wg_ref_layernorm2d_backward(l.N, l.X->dim[1], l.X->dim[2], l.X->dim[3], l.epsilon, l.X->f,
                                    l.scaler->f, dY, dX, ds, di);
    else wg_ref_layernorm1d_backward(l.N, l.D, l.epsilon, l.X->f, l.scaler->f, dY, dX, ds, di);
    return true;
}

/* ---- DotProductAttention ---- */

/* The operands, whose names end with `suffix` where a case has several forwards. */
static bool attention_read(const gcase *c, const char *suffix, const garray *in[3],
                           wg_ref_attention *t)
{
    const garray *mask = g_in(c, "dropout_mask");
    char name[G_NAME];

    for (int k = 0; k < 3; k++) {
        snprintf(name, sizeof name, "%c%s", "QKV"[k], suffix);
        in[k] = g_in(c, name);
        if (!in[k] || in[k]->rank < 2) return false;
    }
    *t = (wg_ref_attention){ .B = g_extent(in[0], 0, in[0]->rank - 2),
                             .nq = g_dim(in[0], -2),
                             .nk = g_dim(in[1], -2),
                             .dk = g_dim(in[0], -1),
                             .dv = g_dim(in[2], -1),
                             .factor = wg_ref_attention_factor(g_bool(c, "scale", true),
                                                               g_dim(in[0], -1)),
                             .p = g_num(c, "dropout_p", 0),
                             .Q = in[0]->f,
                             .K = in[1]->f,
                             .V = in[2]->f,
                             .mask = mask ? mask->f : NULL };
    return g_dim(in[1], -1) == t->dk && g_dim(in[2], -2) == t->nk;
}

/* How many forwards a case has, and the suffix of the k-th. */
static int forwards(const gcase *c)
{
    int several = g_numbered(&c->section[G_INPUT], "Q");

    return several ? several : 1;
}

static void suffix_of(const gcase *c, int k, char suffix[16])
{
    suffix[0] = '\0';
    if (g_numbered(&c->section[G_INPUT], "Q")) snprintf(suffix, 16, "%d", k);
}

static bool attention_forward(const gcase *c, gresult *r)
{
    for (int k = 0; k < forwards(c); k++) {
        int64_t dim[G_RANK];
        const garray *in[3];
        wg_ref_attention t;
        char suffix[16], name[G_NAME];
        double *P, *A, *Y;

        suffix_of(c, k, suffix);
        if (!attention_read(c, suffix, in, &t)) return false;
        memcpy(dim, in[0]->dim, sizeof dim);
        dim[in[0]->rank - 1] = t.nk;
        snprintf(name, sizeof name, "attention_weights%s", suffix);
        A = g_put(r, G_OUTPUT, name, in[0]->rank, dim, NULL);
        dim[in[0]->rank - 1] = t.dv;
        snprintf(name, sizeof name, "Y%s", suffix);
        Y = g_put(r, G_OUTPUT, name, in[0]->rank, dim, NULL);
        P = malloc((size_t)(t.B * t.nq * t.nk + 1) * sizeof *P);
        if (A && Y && P) wg_ref_attention_forward(&t, P, A, Y);
        free(P);
        if (!A || !Y || !P) return false;
    }
    return true;
}

/* P of the forward, in new memory. */
static double *softmax_weights(const wg_ref_attention *t)
{
    int64_t n = t->B * t->nq * t->nk;
    double *P = malloc((size_t)(2 * n + t->B * t->nq * t->dv + 1) * sizeof *P);

    if (P) wg_ref_attention_forward(t, P, P + n, P + 2 * n);
    return P;
}

static bool attention_backward(const gcase *c, gresult *r)
{
    for (int k = 0; k < forwards(c); k++) {
        const garray *in[3];
        wg_ref_attention t;
        char suffix[16], name[G_NAME];
        const double *dY;
        double *P, *d[3];
        bool ok;

        suffix_of(c, k, suffix);
        snprintf(name, sizeof name, "Y%s", suffix);
        dY = g_out_grad_f(c, name);
        if (!dY || !attention_read(c, suffix, in, &t)) return false;
        for (int i = 0; i < 3; i++) d[i] = g_put_like(r, G_INPUT_GRAD, in[i]->name, in[i], NULL);
        P = softmax_weights(&t);
        ok = P && d[0] && d[1] && d[2] && wg_ref_attention_backward(&t, P, dY, d[0], d[1], d[2]);
        free(P);
        if (!ok) return false;
    }
    return true;
}

/* ---- second order ---- */

static double dot(const garray *a, const double *b)
{
    double sum = 0;

    for (int64_t i = 0; i < g_count(a); i++) sum += a->f[i] * b[i];
    return sum;
}

/* S = sum over the given G_<x> of sum G_<x> d<x>, and the d<x> themselves as outputs. */
static bool put_S(const gcase *c, gresult *r, const gresult *first)
{
    const glist *d = &first->section[G_INPUT_GRAD];
    double S = 0;

    for (int k = 0; k < d->n; k++) {
        char name[2 * G_NAME];
        const garray *G;

        snprintf(name, sizeof name, "G_%s", d->at[k].name);
        G = g_in(c, name);
        if (!G || !g_same_shape(G, &d->at[k])) continue;
        S += dot(G, d->at[k].f);
        snprintf(name, sizeof name, "d%.60s", d->at[k].name);
        if (!g_put_like(r, G_OUTPUT, name, &d->at[k], d->at[k].f)) return false;
    }
    return g_put_num(r, G_OUTPUT, "S", S) != NULL;
}

/* The first backward of a layer, its upstream gradient the input dY. */
static bool second_forward(const gcase *c, gresult *r, bool (*backward)(const gcase *c, gresult *r))
{
    const garray *dY = g_in(c, "dY");
    garray upstream;
    gresult first = { 0 };
    gcase lower = *c;
    bool ok;

    if (!dY) return false;
    upstream = *dY;
    strcpy(upstream.name, "Y");
    lower.section[G_OUTPUT_GRAD] = (glist){ &upstream, 1, 1 };
    ok = backward(&lower, &first) && put_S(c, r, &first);
    g_result_free(&first);
    return ok;
}

static bool softmax2_forward(const gcase *c, gresult *r)
{
    return second_forward(c, r, g_subject(ref_subjects_combine, "Softmax")->backward);
}

static bool softmax2_backward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X"), *G = g_in(c, "G_X"), *dY = g_in(c, "dY");
    int64_t dim = g_int(c, "dim", -1);
    double *Y, *ddY, *dX2;
    int axis;

    if (!X || !G || !dY || dim < -X->rank || dim >= X->rank) return false;
    axis = (int)(dim < 0 ? dim + X->rank : dim);
    ddY = g_put_like(r, G_INPUT_GRAD, "dY", dY, NULL);
    dX2 = g_put_like(r, G_INPUT_GRAD, "X", X, NULL);
    Y = malloc((size_t)(g_count(X) + 1) * sizeof *Y);
    if (ddY && dX2 && Y) {
        int64_t outer = g_extent(X, 0, axis), inner = g_extent(X, axis + 1, X->rank);

        wg_ref_softmax(outer, X->dim[axis], inner, X->f, Y);
        wg_ref_softmax_bwd2(outer, X->dim[axis], inner, Y, dY->f, G->f, ddY, dX2);
    }
    free(Y);
    return ddY && dX2 && Y;
}

static bool layernorm2_forward(const gcase *c, gresult *r)
{
    return second_forward(c, r, layernorm_backward);
}

static bool layernorm2_backward(const gcase *c, gresult *r)
{
    const garray *G = g_in(c, "G_X"), *dY = g_in(c, "dY");
    double *ddY, *dX2, *ds;
    layernorm l;

    if (!G || !dY || !layernorm_read(c, &l)) return false;
    ddY = g_put_like(r, G_INPUT_GRAD, "dY", dY, NULL);
    dX2 = g_put_like(r, G_INPUT_GRAD, "X", l.X, NULL);
    ds = g_put_like(r, G_PARAM_GRAD, "scaler", l.scaler, NULL);
    if (!ddY || !dX2 || !ds || !g_put_like(r, G_PARAM_GRAD, "intercept", l.intercept, NULL))
        return false;
    wg_ref_layernorm_bwd2(l.N, l.D, l.epsilon, l.X->f, l.scaler->f, dY->f, G->f, ddY, dX2, ds);
    return true;
}

static bool batchnorm2_forward(const gcase *c, gresult *r)
{
    return second_forward(c, r, batchnorm_backward);
}

static bool batchnorm2_backward(const gcase *c, gresult *r)
{
    const garray *G = g_in(c, "G_X"), *dY = g_in(c, "dY");
    double *ddY, *dX2, *ds;
    batchnorm b;
    bool ok;

    if (!G || !dY || !batchnorm_read(c, &b)) return false;
    ddY = g_put_like(r, G_INPUT_GRAD, "dY", dY, NULL);
    dX2 = g_put_like(r, G_INPUT_GRAD, "X", b.X, NULL);
    ds = g_put_like(r, G_PARAM_GRAD, "scaler", b.scaler, NULL);
    ok = ddY && dX2 && ds && g_put_like(r, G_PARAM_GRAD, "intercept", b.intercept, NULL);
    if (ok)
        wg_ref_batchnorm_bwd2(b.M, b.C, b.epsilon, b.X->f, b.mean, b.var, b.scaler->f, dY->f, G->f,
                              ddY, dX2, ds);
    free(b.mean);
    return ok;
}

static bool attention2_forward(const gcase *c, gresult *r)
{
    return second_forward(c, r, attention_backward);
}

static bool attention2_backward(const gcase *c, gresult *r)
{
    const garray *in[3], *dY = g_in(c, "dY");
    wg_ref_attention t;
    double *P, *ddY, *d[3];
    bool ok;

    if (!dY || !attention_read(c, "", in, &t)) return false;
    for (int i = 0; i < 3; i++) d[i] = g_put_like(r, G_INPUT_GRAD, in[i]->name, in[i], NULL);
    ddY = g_put_like(r, G_INPUT_GRAD, "dY", dY, NULL);
    P = softmax_weights(&t);
    ok = P && ddY && d[0] && d[1] && d[2] &&
         wg_ref_attention_bwd2(&t, P, dY->f, g_in_f(c, "G_Q"), g_in_f(c, "G_K"), g_in_f(c, "G_V"),
                               ddY, d[0], d[1], d[2]);
    free(P);
    return ok;
}

const gsubject ref_subjects_second[] = {
    { "FullyConnected", ref_fc2_forward, ref_fc2_backward, "G_X" },
    { "Softmax", softmax2_forward, softmax2_backward, "G_X" },
    { "LayerNorm1D", layernorm2_forward, layernorm2_backward, "G_X" },
    { "LayerNorm2D", layernorm2_forward, layernorm2_backward, "G_X" },
    { "BatchNorm1D", batchnorm2_forward, batchnorm2_backward, "G_X" },
    { "BatchNorm2D", batchnorm2_forward, batchnorm2_backward, "G_X" },
    { "DotProductAttention", attention2_forward, attention2_backward, "G_Q G_K G_V" },
    { NULL, NULL, NULL, NULL },
};

const gsubject ref_subjects_norm[] = {
    { "BatchNorm1D", batchnorm_forward, batchnorm_backward, "running_mean running_var" },
    { "BatchNorm2D", batchnorm_forward, batchnorm_backward, "running_mean running_var" },
    { "LayerNorm1D", layernorm_forward, layernorm_backward, NULL },
    { "LayerNorm2D", layernorm_forward, layernorm_backward, NULL },
    { "DotProductAttention", attention_forward, attention_backward, "dropout_mask" },
    { NULL, NULL, NULL, NULL },
};
