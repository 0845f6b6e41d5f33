/* rbm.c: contrastive divergence of a restricted Boltzmann machine. */
#include "wengert/reference_dense.h"

#include <stdlib.h>
#include <string.h>

/* s(V W + b_out) of one example */
static void to_hidden(const wg_ref_rbm *rbm, const double *v, double *h)
{
    for (int64_t j = 0; j < rbm->n_out; j++) {
        double z = rbm->b_out[j];

        for (int64_t i = 0; i < rbm->n_in; i++) z += v[i] * rbm->W[i * rbm->n_out + j];
        h[j] = wg_ref_sigmoid(z);
    }
}

/* s(H W^T + b_in) of one example */
static void to_visible(const wg_ref_rbm *rbm, const double *h, double *v)
{
    for (int64_t i = 0; i < rbm->n_in; i++) {
        double z = rbm->b_in[i];

        for (int64_t j = 0; j < rbm->n_out; j++) z += h[j] * rbm->W[i * rbm->n_out + j];
        v[i] = wg_ref_sigmoid(z);
    }
}

static void sample(int64_t n, const double *U, const double *p, double *h)
{
    for (int64_t j = 0; j < n; j++) h[j] = U[j] <= p[j];
}

static void give(double *to, int64_t row, int64_t n, const double *from)
{
    if (to) memcpy(to + row * n, from, (size_t)n * sizeof *to);
}

bool wg_ref_rbm_gibbs(const wg_ref_rbm *rbm, int64_t N, int64_t K, const double *V, const double *U,
                      double *p_H, double *H, double *p_V_prime, double *p_H_prime)
{
    int64_t n_in = rbm->n_in, n_out = rbm->n_out;
    double *v = calloc((size_t)n_in + 1, sizeof *v), *p = calloc((size_t)n_out + 1, sizeof *p),
           *h = calloc((size_t)n_out + 1, sizeof *h);
    bool ok = v && p && h;

    for (int64_t i = 0; ok && i < N; i++) {
        to_hidden(rbm, V + i * n_in, p);
        sample(n_out, U + i * n_out, p, h);
        give(p_H, i, n_out, p);
        give(H, i, n_out, h);
        for (int64_t k = 1; k <= K; k++) {
            to_visible(rbm, h, v);
            to_hidden(rbm, v, p);
            if (k < K) sample(n_out, U + (k * N + i) * n_out, p, h);
        }
        give(p_V_prime, i, n_in, v);
        give(p_H_prime, i, n_out, p);
    }
    free(v);
    free(p);
    free(h);
    return ok;
}

void wg_ref_rbm_backward(const wg_ref_rbm *rbm, int64_t N, const double *V, const double *p_H,
                         const double *p_V_prime, const double *p_H_prime, double *dW,
                         double *db_in, double *db_out)
{
    int64_t n_in = rbm->n_in, n_out = rbm->n_out;

    for (int64_t n = 0; n < N; n++) {
        const double *v = V + n * n_in, *vp = p_V_prime + n * n_in, *h = p_H + n * n_out,
                     *hp = p_H_prime + n * n_out;

        for (int64_t i = 0; dW && i < n_in; i++)
            for (int64_t j = 0; j < n_out; j++) dW[i * n_out + j] += vp[i] * hp[j] - v[i] * h[j];
        for (int64_t i = 0; db_in && i < n_in; i++) db_in[i] += vp[i] - v[i];
        for (int64_t j = 0; db_out && j < n_out; j++) db_out[j] += hp[j] - h[j];
    }
}

void wg_ref_rbm_free_energy(const wg_ref_rbm *rbm, int64_t N, const double *V, double *F)
{
    for (int64_t n = 0; n < N; n++) {
        const double *v = V + n * rbm->n_in;

        F[n] = 0;
        for (int64_t i = 0; i < rbm->n_in; i++) F[n] -= v[i] * rbm->b_in[i];
        for (int64_t j = 0; j < rbm->n_out; j++) {
            double z = rbm->b_out[j];

            for (int64_t i = 0; i < rbm->n_in; i++) z += v[i] * rbm->W[i * rbm->n_out + j];
            F[n] -= wg_ref_softplus(z);
        }
    }
}
