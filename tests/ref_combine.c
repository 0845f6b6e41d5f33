/* ref_combine.c: softmax, embedding, add, multiply, flatten and RBM as subjects of golden files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/reference.h>

#include "golden_case.h"
#include "ref_subjects.h"

/* ---- Softmax ---- */

static bool softmax_lines(const gcase *c, const garray *X, int64_t n[3])
{
    int64_t dim = g_int(c, "dim", -1);
    int axis;

    if (!X || !X->f || dim < -X->rank || dim >= X->rank) return false;
    axis = (int)(dim < 0 ? dim + X->rank : dim);
    n[0] = g_extent(X, 0, axis);
    n[1] = X->dim[axis];
    n[2] = g_extent(X, axis + 1, X->rank);
    return true;
}

static bool softmax_forward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    int64_t n[3];
    double *Y;

    if (!softmax_lines(c, X, n) || !(Y = g_put_like(r, G_OUTPUT, "Y", X, NULL))) return false;
    wg_ref_softmax(n[0], n[1], n[2], X->f, Y);
    return true;
}

static bool softmax_backward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    const double *dY = g_out_grad_f(c, "Y");
    int64_t n[3];
    double *dX, *Y;

    if (!dY || !softmax_lines(c, X, n)) return false;
    dX = g_put_like(r, G_INPUT_GRAD, "X", X, NULL);
    Y = malloc((size_t)(g_count(X) + 1) * sizeof *Y);
    if (dX && Y) {
        wg_ref_softmax(n[0], n[1], n[2], X->f, Y);
        wg_ref_softmax_backward(n[0], n[1], n[2], Y, dY, dX);
    }
    free(Y);
    return dX && Y;
}

/* ---- Embedding ---- */

typedef struct {
    const garray *W, *offsets;
    const int64_t *ids;
    int64_t N, n_out;
    wg_ref_pool pool;
} embedding;

static bool embedding_read(const gcase *c, embedding *e)
{
    const garray *ids = g_in(c, "ids");
    const char *pool = g_str(c, "pool", "none");

    e->W = g_param(c, "W");
    e->offsets = g_in(c, "offsets");
    if (!e->W || e->W->rank != 2 || !ids || !ids->i || !e->offsets || !e->offsets->i) return false;
    e->ids = ids->i;
    e->N = g_count(e->offsets) - 1;
    e->n_out = e->W->dim[1];
    e->pool = strcmp(pool, "sum") == 0    ? WG_REF_POOL_SUM
              : strcmp(pool, "mean") == 0 ? WG_REF_POOL_MEAN
                                          : WG_REF_POOL_NONE;
    if (e->N < 1 || e->offsets->i[e->N] != g_count(ids)) return false;
    for (int64_t k = 0; k < g_count(ids); k++)
        if (ids->i[k] < 0 || ids->i[k] >= e->W->dim[0]) return false;
    return true;
}

static bool embedding_forward(const gcase *c, gresult *r)
{
    int64_t shape[3];
    embedding e;
    double *Y;

    if (!embedding_read(c, &e)) return false;
    shape[0] = e.N;
    shape[1] = e.pool == WG_REF_POOL_NONE ? e.offsets->i[e.N] / e.N : 1;
    shape[2] = e.n_out;
    Y = g_put(r, G_OUTPUT, "Y", 3, shape, NULL);
    if (Y) wg_ref_embedding(e.pool, e.N, e.n_out, e.ids, e.offsets->i, e.W->f, Y);
    return Y != NULL;
}

static bool embedding_backward(const gcase *c, gresult *r)
{
    const double *dY = g_out_grad_f(c, "Y");
    embedding e;
    double *dW;

    if (!dY || !embedding_read(c, &e)) return false;
    dW = g_put_like(r, G_PARAM_GRAD, "W", e.W, NULL);
    if (dW) wg_ref_embedding_backward(e.pool, e.N, e.n_out, e.ids, e.offsets->i, dY, dW);
    return dW != NULL;
}

/* ---- Add, Multiply ---- */

enum { MOST_INPUTS = 16 };

static int operands(const gcase *c, const double *X[MOST_INPUTS], wg_ref_act *act)
{
    int K = g_numbered(&c->section[G_INPUT], "X");

    if (K < 1 || K > MOST_INPUTS || !wg_ref_act_parse(g_str(c, "act_fn", NULL), act)) return 0;
    for (int k = 0; k < K; k++) {
        char name[G_NAME];

        snprintf(name, sizeof name, "X%d", k);
        X[k] = g_in_f(c, name);
        if (!X[k] || !g_same_shape(g_in(c, name), g_in(c, "X0"))) return 0;
    }
    return K;
}

static bool combine_forward(const gcase *c, gresult *r, bool multiply)
{
    const double *X[MOST_INPUTS];
    wg_ref_act act;
    int K = operands(c, X, &act);
    double *Y = K ? g_put_like(r, G_OUTPUT, "Y", g_in(c, "X0"), NULL) : NULL;

    if (!Y) return false;
    (multiply ? wg_ref_multiply : wg_ref_add)(act, K, g_count(g_in(c, "X0")), X, Y);
    return true;
}

static bool combine_backward(const gcase *c, gresult *r, bool multiply)
{
    const double *X[MOST_INPUTS], *dY = g_out_grad_f(c, "Y");
    double *dX[MOST_INPUTS];
    wg_ref_act act;
    int K = operands(c, X, &act);

    if (!K || !dY) return false;
    for (int k = 0; k < K; k++) {
        char name[G_NAME];

        snprintf(name, sizeof name, "X%d", k);
        dX[k] = g_put_like(r, G_INPUT_GRAD, name, g_in(c, name), NULL);
        if (!dX[k]) return false;
    }
    (multiply ? wg_ref_multiply_backward : wg_ref_add_backward)(act, K, g_count(g_in(c, "X0")), X,
                                                                dY, dX);
    return true;
}

static bool add_forward(const gcase *c, gresult *r)
{
    return combine_forward(c, r, false);
}

static bool add_backward(const gcase *c, gresult *r)
{
    return combine_backward(c, r, false);
}

static bool multiply_forward(const gcase *c, gresult *r)
{
    return combine_forward(c, r, true);
}

static bool multiply_backward(const gcase *c, gresult *r)
{
    return combine_backward(c, r, true);
}

/* ---- Flatten ---- */

static bool flatten_forward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    const char *keep = g_str(c, "keep_dim", "");
    int64_t shape[2];

    if (!X) return false;
    wg_ref_flatten_shape(strcmp(keep, "first") == 0  ? WG_REF_KEEP_FIRST
                         : strcmp(keep, "last") == 0 ? WG_REF_KEEP_LAST
                                                     : WG_REF_KEEP_NONE,
                         X->rank, X->dim, shape);
    return g_put(r, G_OUTPUT, "Y", 2, shape, X->f) != NULL;
}

static bool flatten_backward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    const double *dY = g_out_grad_f(c, "Y");
    double *dX = X && dY ? g_put_like(r, G_INPUT_GRAD, "X", X, NULL) : NULL;

    if (dX) wg_ref_flatten_backward(g_count(X), dY, dX);
    return dX != NULL;
}

/* ---- RBM ---- */

typedef struct {
    wg_ref_rbm rbm;
    int64_t N, K;
    const double *V, *U;
} boltzmann;

static bool rbm_read(const gcase *c, boltzmann *b)
{
    const garray *V = g_in(c, "V"), *U = g_in(c, "U"), *W = g_param(c, "W");

    if (!V || V->rank != 2 || !U || U->rank != 3 || !W || W->rank != 2) return false;
    b->rbm =
        (wg_ref_rbm){ W->dim[0], W->dim[1], W->f, g_param_f(c, "b_in"), g_param_f(c, "b_out") };
    b->N = V->dim[0];
    b->K = g_int(c, "n_steps", g_int(c, "K", 1));
    b->V = V->f;
    b->U = U->f;
    return b->rbm.b_in && b->rbm.b_out && V->dim[1] == W->dim[0] && U->dim[0] >= b->K;
}

/* V_prob and V_sample for a reconstruction, all of CD-k otherwise. */
static bool rbm_forward(const gcase *c, gresult *r)
{
    const garray *V = g_in(c, "V"), *W = g_param(c, "W");
    const double *U_V = g_in_f(c, "U_V");
    int64_t hidden[2];
    double *p, *h, *vp, *hp, *F, *pos, *neg;
    boltzmann b;

    if (!rbm_read(c, &b)) return false;
    if (U_V) {
        int64_t *sample = g_put_i(r, G_OUTPUT, "V_sample", 2, V->dim, NULL);

        vp = g_put_like(r, G_OUTPUT, "V_prob", V, NULL);
        if (!sample || !vp || !wg_ref_rbm_gibbs(&b.rbm, b.N, b.K, b.V, b.U, NULL, NULL, vp, NULL))
            return false;
        for (int64_t i = 0; i < g_count(V); i++) sample[i] = U_V[i] <= vp[i];
        return true;
    }
    hidden[0] = b.N;
    hidden[1] = b.rbm.n_out;
    p = g_put(r, G_OUTPUT, "p_H", 2, hidden, NULL);
    h = g_put(r, G_OUTPUT, "H", 2, hidden, NULL);
    vp = g_put_like(r, G_OUTPUT, "p_V_prime", V, NULL);
    hp = g_put(r, G_OUTPUT, "p_H_prime", 2, hidden, NULL);
    F = g_put(r, G_OUTPUT, "free_energy", 1, hidden, NULL);
    pos = g_put_like(r, G_OUTPUT, "positive_grad", W, NULL);
    neg = g_put_like(r, G_OUTPUT, "negative_grad", W, NULL);
    if (!p || !h || !vp || !hp || !F || !pos || !neg ||
        !wg_ref_rbm_gibbs(&b.rbm, b.N, b.K, b.V, b.U, p, h, vp, hp))
        return false;
    wg_ref_rbm_free_energy(&b.rbm, b.N, b.V, F);
    for (int64_t n = 0; n < b.N; n++) {
        for (int64_t i = 0; i < W->dim[0]; i++) {
            for (int64_t j = 0; j < W->dim[1]; j++) {
                pos[i * W->dim[1] + j] += b.V[n * W->dim[0] + i] * p[n * W->dim[1] + j];
                neg[i * W->dim[1] + j] += vp[n * W->dim[0] + i] * hp[n * W->dim[1] + j];
            }
        }
    }
    return true;
}

static bool rbm_backward(const gcase *c, gresult *r)
{
    const garray *V = g_in(c, "V");
    double *p, *vp, *hp, *dW, *db_in, *db_out;
    boltzmann b;
    bool ok;

    if (!rbm_read(c, &b)) return false;
    p = calloc((size_t)(b.N * b.rbm.n_out) + 1, sizeof *p);
    hp = calloc((size_t)(b.N * b.rbm.n_out) + 1, sizeof *hp);
    vp = calloc((size_t)g_count(V) + 1, sizeof *vp);
    dW = g_put_like(r, G_PARAM_GRAD, "W", g_param(c, "W"), NULL);
    db_in = g_put_like(r, G_PARAM_GRAD, "b_in", g_param(c, "b_in"), NULL);
    db_out = g_put_like(r, G_PARAM_GRAD, "b_out", g_param(c, "b_out"), NULL);
    ok = p && hp && vp && dW && db_in && db_out &&
         wg_ref_rbm_gibbs(&b.rbm, b.N, b.K, b.V, b.U, p, NULL, vp, hp);
    if (ok) wg_ref_rbm_backward(&b.rbm, b.N, b.V, p, vp, hp, dW, db_in, db_out);
    free(p);
    free(hp);
    free(vp);
    return ok;
}

const gsubject ref_subjects_combine[] = {
    { "Softmax", softmax_forward, softmax_backward, NULL },
    { "Embedding", embedding_forward, embedding_backward, "ids offsets" },
    { "Add", add_forward, add_backward, NULL },
    { "Multiply", multiply_forward, multiply_backward, NULL },
    { "Flatten", flatten_forward, flatten_backward, NULL },
    { "RBM", rbm_forward, rbm_backward, "U U_V" },
    { NULL, NULL, NULL, NULL },
};
