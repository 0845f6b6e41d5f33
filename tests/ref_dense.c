/* ref_dense.c: the reference layers of reference_dense.h as subjects of golden files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wengert/reference.h>

#include "golden_case.h"
#include "ref_subjects.h"

/* name, or name0, name1, ... where a case has several forwards before one backward. */
static const char *numbered(char text[G_NAME], const char *name, bool several, int k)
{
    if (several) snprintf(text, G_NAME, "%s%d", name, k);
    else snprintf(text, G_NAME, "%s", name);
    return text;
}

/* ---- FullyConnected, and within Dropout ---- */

typedef struct {
    wg_ref_act act;
    int64_t n_in, n_out;
    const garray *W, *b;
} dense;

static bool dense_read(const gcase *c, dense *d)
{
    d->W = g_param(c, "W");
    d->b = g_param(c, "b");
    if (!d->W || d->W->rank != 2 || !wg_ref_act_parse(g_str(c, "act_fn", NULL), &d->act))
        return false;
    d->n_in = d->W->dim[0];
    d->n_out = d->W->dim[1];
    return true;
}

static bool fits(const dense *d, const garray *X)
{
    return X && X->f && X->rank == 2 && X->dim[1] == d->n_in;
}

static const double *bias(const dense *d)
{
    return d->b ? d->b->f : NULL;
}

static double *numbers(int64_t n)
{
    return calloc((size_t)n + 1, sizeof(double));
}

static bool put_parameter_grads(gresult *r, const dense *d, double **dW, double **db)
{
    *dW = g_put_like(r, G_PARAM_GRAD, "W", d->W, NULL);
    *db = d->b ? g_put_like(r, G_PARAM_GRAD, "b", d->b, NULL) : NULL;
    return *dW && (*db || !d->b);
}

static bool fc_forward(const gcase *c, gresult *r)
{
    int several = g_numbered(&c->section[G_INPUT], "X");
    dense d;

    if (!dense_read(c, &d)) return false;
    for (int k = 0; k < (several ? several : 1); k++) {
        char name[G_NAME];
        const garray *X = g_in(c, numbered(name, "X", several, k));
        double *Z, *Y;

        if (!fits(&d, X)) return false;
        Z = numbers(X->dim[0] * d.n_out);
        Y = g_put(r, G_OUTPUT, numbered(name, "Y", several, k), 2,
                  (int64_t[]){ X->dim[0], d.n_out }, NULL);
        if (Z && Y)
            wg_ref_fully_connected(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, bias(&d), Z, Y);
        free(Z);
        if (!Z || !Y) return false;
    }
    return true;
}

static bool fc_backward(const gcase *c, gresult *r)
{
    int several = g_numbered(&c->section[G_INPUT], "X");
    double *dW, *db;
    dense d;

    if (!dense_read(c, &d) || !put_parameter_grads(r, &d, &dW, &db)) return false;
    for (int k = 0; k < (several ? several : 1); k++) {
        char name[G_NAME];
        const garray *X = g_in(c, numbered(name, "X", several, k));
        const double *dY;
        double *Z, *dX;
        bool ok;

        if (!fits(&d, X)) return false;
        dX = g_put_like(r, G_INPUT_GRAD, name, X, NULL);
        dY = g_out_grad_f(c, numbered(name, "Y", several, k));
        Z = numbers(X->dim[0] * d.n_out);
        ok = Z && dX && dY;
        if (ok) {
            wg_ref_fully_connected(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, bias(&d), Z,
                                   NULL);
            ok = wg_ref_fully_connected_backward(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, Z,
                                                 dY, dX, dW, db);
        }
        free(Z);
        if (!ok) return false;
    }
    return true;
}

static double sum_of_products(int64_t n, const double *a, const double *b)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* dX is the result of the first backward, S = sum G dX. G is also called G_X. */
bool ref_fc2_forward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    const double *dY = g_in_f(c, "dY"), *G = g_in(c, "G") ? g_in_f(c, "G") : g_in_f(c, "G_X");
    double *Z, *dX;
    dense d;
    bool ok;

    if (!dense_read(c, &d) || !fits(&d, X) || !dY || !G) return false;
    Z = numbers(X->dim[0] * d.n_out);
    dX = g_put_like(r, G_OUTPUT, "dX", X, NULL);
    ok = Z && dX;
    if (ok) {
        wg_ref_fully_connected(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, bias(&d), Z, NULL);
        ok = wg_ref_fully_connected_backward(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, Z, dY,
                                             dX, NULL, NULL) &&
             g_put_num(r, G_OUTPUT, "S", sum_of_products(g_count(X), G, dX));
    }
    free(Z);
    return ok;
}

bool ref_fc2_backward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X"), *dY = g_in(c, "dY");
    const double *G = g_in(c, "G") ? g_in_f(c, "G") : g_in_f(c, "G_X");
    double *Z, *dX2, *ddY, *dW, *db;
    dense d;
    bool ok;

    if (!dense_read(c, &d) || !fits(&d, X) || !dY || !G || g_out_grad(c, "dX")) return false;
    if (!g_out_grad_f(c, "S") || g_out_grad_f(c, "S")[0] != 1) return false;
    if (!put_parameter_grads(r, &d, &dW, &db)) return false;
    dX2 = g_put_like(r, G_INPUT_GRAD, "X", X, NULL);
    ddY = g_put_like(r, G_INPUT_GRAD, "dY", dY, NULL);
    Z = numbers(X->dim[0] * d.n_out);
    ok = Z && dX2 && ddY;
    if (ok) {
        wg_ref_fully_connected(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, bias(&d), Z, NULL);
        ok = wg_ref_fully_connected_bwd2(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, Z, dY->f,
                                         G, ddY, dX2, dW, db);
    }
    free(Z);
    return ok;
}

/* ---- SparseEvolution ---- */

/* Mask and weights before one evolution step. */
static bool prune(const gcase *c, gresult *r)
{
    const garray *W = g_in(c, "W"), *M = g_in(c, "W_mask");
    int64_t n = g_count(W), dropped, connections = 0, *after, *which, at = 0;
    double *mask = numbers(n), *left = numbers(n);
    bool ok = mask && left && g_same_shape(W, M);

    for (int64_t i = 0; ok && i < n; i++) {
        mask[i] = M->i ? (double)M->i[i] : M->f[i];
        connections += mask[i] != 0;
    }
    dropped = ok ? wg_ref_sparse_evolution_prune(n, g_num(c, "zeta", 0.3), W->f, mask, left) : -1;
    if (dropped >= 0) {
        after = g_put_i(r, G_OUTPUT, "mask_after_pruning", W->rank, W->dim, NULL);
        which = g_put_i(r, G_OUTPUT, "dropped_flat_indices", 1, &dropped, NULL);
        ok = after && which && g_put_i(r, G_OUTPUT, "n_rewired", 0, NULL, &dropped) &&
             g_put_i(r, G_OUTPUT, "n_connections", 0, NULL, &connections);
        for (int64_t i = 0; ok && i < n; i++) {
            after[i] = left[i] != 0;
            if (mask[i] != 0 && left[i] == 0) which[at++] = i;
        }
    }
    free(mask);
    free(left);
    return ok && dropped >= 0;
}

static bool sparse_forward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X"), *M = g_in(c, "W_mask");
    double *Z, *Y;
    dense d;
    bool ok;

    if (g_in(c, "W") && M) return prune(c, r);
    if (!X)
        return g_put_num(r, G_OUTPUT, "p",
                         wg_ref_sparse_evolution_density(g_int(c, "n_in", 0), g_int(c, "n_out", 0),
                                                         g_num(c, "epsilon", 20))) != NULL;
    if (!dense_read(c, &d) || !fits(&d, X) || !M || !M->f || !g_same_shape(M, d.W)) return false;
    Z = numbers(X->dim[0] * d.n_out);
    Y = g_put(r, G_OUTPUT, "Y", 2, (int64_t[]){ X->dim[0], d.n_out }, NULL);
    ok = Z && Y &&
         wg_ref_sparse_evolution(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, M->f, bias(&d), Z,
                                 Y);
    free(Z);
    return ok;
}

static bool sparse_backward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X"), *M = g_in(c, "W_mask");
    const double *dY = g_out_grad_f(c, "Y");
    double *Z, *dX, *dW, *db;
    dense d;
    bool ok;

    if (!dense_read(c, &d) || !fits(&d, X) || !M || !M->f || !dY) return false;
    if (!put_parameter_grads(r, &d, &dW, &db)) return false;
    Z = numbers(X->dim[0] * d.n_out);
    dX = g_put_like(r, G_INPUT_GRAD, "X", X, NULL);
    ok = Z && dX &&
         wg_ref_sparse_evolution(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, M->f, bias(&d), Z,
                                 NULL) &&
         wg_ref_sparse_evolution_backward(d.act, X->dim[0], d.n_in, d.n_out, X->f, d.W->f, M->f, Z,
                                          dY, dX, dW, db);
    free(Z);
    return ok;
}

/* ---- Dropout around FullyConnected or Flatten ---- */

static bool dropped_input(const gcase *c, const garray *X, bool *scale_input, bool *frozen,
                          double **masked)
{
    const double *mask = g_in_f(c, "dropout_mask");

    *scale_input = strcmp(g_str(c, "scale", "output"), "input") == 0;
    *frozen = !g_bool(c, "trainable", true);
    if (!X || !X->f || (!mask && !*frozen)) return false;
    *masked = numbers(g_count(X));
    if (!*masked) return false;
    if (*frozen) memcpy(*masked, X->f, (size_t)g_count(X) * sizeof **masked);
    else wg_ref_dropout_input(g_count(X), g_num(c, "p", 0.5), *scale_input, mask, X->f, *masked);
    return true;
}

static bool dropout_forward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X");
    double *masked = NULL, *Z = NULL, *Y = NULL;
    bool scale_input, frozen, flatten = strcmp(g_str(c, "wrapped", ""), "Flatten") == 0, ok;
    int64_t shape[2];
    dense d;

    if (!dropped_input(c, X, &scale_input, &frozen, &masked)) return false;
    if (flatten) {
        wg_ref_flatten_shape(WG_REF_KEEP_FIRST, X->rank, X->dim, shape);
        Y = g_put(r, G_OUTPUT, "Y", 2, shape, masked);
        ok = Y != NULL;
    } else {
        ok = dense_read(c, &d) && fits(&d, X);
        if (ok) {
            shape[0] = X->dim[0];
            shape[1] = d.n_out;
            Z = numbers(shape[0] * shape[1]);
            Y = g_put(r, G_OUTPUT, "Y", 2, shape, NULL);
            ok = Z && Y;
        }
        if (ok)
            wg_ref_fully_connected(d.act, shape[0], d.n_in, d.n_out, masked, d.W->f, bias(&d), Z,
                                   Y);
    }
    if (ok && !frozen && !scale_input)
        wg_ref_dropout_output(shape[0] * shape[1], g_num(c, "p", 0.5), Y, Y);
    free(masked);
    free(Z);
    return ok;
}

static bool dropout_backward(const gcase *c, gresult *r)
{
    const garray *X = g_in(c, "X"), *dY = g_out_grad(c, "Y");
    double *masked = NULL, *d_out = NULL, *Z = NULL, *dX = NULL, *dW, *db, p = g_num(c, "p", 0.5);
    bool scale_input, frozen, flatten = strcmp(g_str(c, "wrapped", ""), "Flatten") == 0, ok;
    dense d;

    if (!dY || !dropped_input(c, X, &scale_input, &frozen, &masked)) return false;
    d_out = numbers(g_count(dY));
    dX = g_put_like(r, G_INPUT_GRAD, "X", X, NULL);
    ok = d_out && dX;
    if (ok && !frozen && !scale_input) wg_ref_dropout_output_backward(g_count(dY), p, dY->f, d_out);
    else if (ok) memcpy(d_out, dY->f, (size_t)g_count(dY) * sizeof *d_out);
    if (ok && flatten) {
        wg_ref_flatten_backward(g_count(X), d_out, dX);
    } else if (ok) {
        ok = dense_read(c, &d) && fits(&d, X) && put_parameter_grads(r, &d, &dW, &db) &&
             (Z = numbers(X->dim[0] * d.n_out));
        if (ok) {
            wg_ref_fully_connected(d.act, X->dim[0], d.n_in, d.n_out, masked, d.W->f, bias(&d), Z,
                                   NULL);
            ok = wg_ref_fully_connected_backward(d.act, X->dim[0], d.n_in, d.n_out, masked, d.W->f,
                                                 Z, d_out, dX, dW, db);
        }
    }
    if (ok && !frozen)
        wg_ref_dropout_input_backward(g_count(X), p, scale_input, g_in_f(c, "dropout_mask"), dX,
                                      dX);
    free(masked);
    free(d_out);
    free(Z);
    return ok;
}

const gsubject ref_subjects_dense[] = {
    { "FullyConnected", fc_forward, fc_backward, NULL },
    { "FullyConnected second-order backward", ref_fc2_forward, ref_fc2_backward, "G" },
    { "SparseEvolution", sparse_forward, sparse_backward, "W_mask" },
    { "Dropout", dropout_forward, dropout_backward, "dropout_mask" },
    { NULL, NULL, NULL, NULL },
};
