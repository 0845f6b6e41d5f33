/* attention.c: dot-product attention, to the second order. */
#include "wengert/reference_norm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wengert/reference_dense.h"

double wg_ref_attention_factor(bool scale, int64_t dk)
{
    return scale ? 1 / sqrt((double)dk) : 1;
}

/* C [n, m] += k A [n, l] B^T, B [m, l] */
static void add_ABt(int64_t n, int64_t m, int64_t l, double k, const double *A, const double *B,
                    double *C)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) {
            double sum = 0;

            for (int64_t e = 0; e < l; e++) sum += A[i * l + e] * B[j * l + e];
            C[i * m + j] += k * sum;
        }
    }
}

/* C [n, m] += k A [n, l] B [l, m] */
static void add_AB(int64_t n, int64_t m, int64_t l, double k, const double *A, const double *B,
                   double *C)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t e = 0; e < l; e++)
            for (int64_t j = 0; j < m; j++) C[i * m + j] += k * A[i * l + e] * B[e * m + j];
}

/* C [n, m] += k A^T B, A [l, n], B [l, m] */
static void add_AtB(int64_t n, int64_t m, int64_t l, double k, const double *A, const double *B,
                    double *C)
{
    for (int64_t e = 0; e < l; e++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < m; j++) C[i * m + j] += k * A[e * n + i] * B[e * m + j];
}

static void zero(int64_t n, double *a)
{
    if (a) memset(a, 0, (size_t)n * sizeof *a);
}

/* to = from mask / (1 - p) for the weights of attention b */
static void drop(const wg_ref_attention *t, int64_t b, const double *from, double *to)
{
    int64_t n = t->nq * t->nk;

    for (int64_t i = 0; i < n; i++) {
        if (!t->mask) to[i] = from[i];
        else to[i] = t->mask[b * n + i] != 0 ? from[i] / (1 - t->p) : 0;
    }
}

/* Those of one attention among the B. */
typedef struct {
    const double *Q, *K, *V, *P, *dY;
} one;

static one attention_at(const wg_ref_attention *t, int64_t b, const double *P, const double *dY)
{
    return (one){ t->Q + b * t->nq * t->dk, t->K + b * t->nk * t->dk, t->V + b * t->nk * t->dv,
                  P + b * t->nq * t->nk, dY ? dY + b * t->nq * t->dv : NULL };
}

void wg_ref_attention_forward(const wg_ref_attention *t, double *P, double *A, double *Y)
{
    int64_t n = t->nq * t->nk;

    zero(t->B * n, P);
    zero(t->B * t->nq * t->dv, Y);
    for (int64_t b = 0; b < t->B; b++) {
        one a = attention_at(t, b, P, NULL);

        add_ABt(t->nq, t->nk, t->dk, t->factor, a.Q, a.K, P + b * n);
        wg_ref_softmax(t->nq, t->nk, 1, P + b * n, P + b * n);
        drop(t, b, P + b * n, A + b * n);
        add_AB(t->nq, t->dv, t->nk, 1, A + b * n, a.V, Y + b * t->nq * t->dv);
    }
}

bool wg_ref_attention_backward(const wg_ref_attention *t, const double *P, const double *dY,
                               double *dQ, double *dK, double *dV)
{
    int64_t n = t->nq * t->nk;
    double *A = calloc((size_t)n + 1, sizeof *A), *dS = calloc((size_t)n + 1, sizeof *dS);
    bool ok = A && dS;

    if (ok) {
        zero(t->B * t->nq * t->dk, dQ);
        zero(t->B * t->nk * t->dk, dK);
        zero(t->B * t->nk * t->dv, dV);
    }
    for (int64_t b = 0; ok && b < t->B; b++) {
        one a = attention_at(t, b, P, dY);

        drop(t, b, a.P, A);
        if (dV) add_AtB(t->nk, t->dv, t->nq, 1, A, a.dY, dV + b * t->nk * t->dv);
        zero(n, dS);
        add_ABt(t->nq, t->nk, t->dv, 1, a.dY, a.V, dS);
        drop(t, b, dS, dS);
        wg_ref_softmax_backward(t->nq, t->nk, 1, a.P, dS, dS);
        if (dQ) add_AB(t->nq, t->dk, t->nk, t->factor, dS, a.K, dQ + b * t->nq * t->dk);
        if (dK) add_AtB(t->nk, t->dk, t->nq, t->factor, dS, a.Q, dK + b * t->nk * t->dk);
    }
    free(A);
    free(dS);
    return ok;
}

bool wg_ref_attention_bwd2(const wg_ref_attention *t, const double *P, const double *dY,
                           const double *G_Q, const double *G_K, const double *G_V, double *ddY,
                           double *dQ2, double *dK2, double *dV2)
{
    int64_t nq = t->nq, nk = t->nk, dk = t->dk, dv = t->dv, n = nq * nk;
    double *all = calloc((size_t)(6 * n) + 1, sizeof *all), c = t->factor;

    if (!all) return false;
    zero(t->B * nq * dv, ddY);
    zero(t->B * nq * dk, dQ2);
    zero(t->B * nk * dk, dK2);
    zero(t->B * nk * dv, dV2);
    for (int64_t b = 0; b < t->B; b++) {
        double *A = all, *dP = A + n, *dS = dP + n, *U = dS + n, *ddA = U + n, *S2 = ddA + n;
        double *to_y = ddY + b * nq * dv, *to_q = dQ2 + b * nq * dk, *to_k = dK2 + b * nk * dk,
               *to_v = dV2 + b * nk * dv;
        one a = attention_at(t, b, P, dY);

        /* what the first backward has */
        drop(t, b, a.P, A);
        zero(3 * n, dP);
        add_ABt(nq, nk, dv, 1, a.dY, a.V, dP);
        drop(t, b, dP, dP);
        wg_ref_softmax_backward(nq, nk, 1, a.P, dP, dS);
        /* S2 = T D here, the gradient at P that comes by dV = A^T dY */
        zero(n, S2);
        if (G_V) add_ABt(nq, nk, dv, 1, a.dY, G_V + b * nk * dv, S2);
        drop(t, b, S2, S2);
        if (G_V) add_AB(nq, dv, nk, 1, A, G_V + b * nk * dv, to_y);
        if (G_Q) add_ABt(nq, nk, dk, c, G_Q + b * nq * dk, a.K, U);
        if (G_K) add_ABt(nq, nk, dk, c, a.Q, G_K + b * nk * dk, U);
        if (G_Q) add_AtB(nk, dk, nq, c, dS, G_Q + b * nq * dk, to_k);
        if (G_K) add_AB(nq, dk, nk, c, dS, G_K + b * nk * dk, to_q);
        /* the softmax's own second order, and what reaches its input another way */
        wg_ref_softmax_backward(nq, nk, 1, a.P, S2, S2);
        wg_ref_softmax_bwd2(nq, nk, 1, a.P, dP, U, ddA, A);
        for (int64_t i = 0; i < n; i++) S2[i] += A[i];
        drop(t, b, ddA, ddA);
        add_AB(nq, dv, nk, 1, ddA, a.V, to_y);
        add_AtB(nk, dv, nq, 1, ddA, a.dY, to_v);
        add_AB(nq, dk, nk, c, S2, a.K, to_q);
        add_AtB(nk, dk, nq, c, S2, a.Q, to_k);
    }
    free(all);
    return true;
}
