/* heads.c: attention of several heads, between projections. */
#include <wengert/reference_dense.h>
#include <wengert/reference_model.h>
#include <wengert/reference_norm.h>

#include "ref_matrix.h"

/* ---- heads ---- */

/* S (n_ex, n_heads, t, latent_dim) of X (n_ex, t, n_heads latent_dim), and back. */
static void split(const wg_ref_heads *h, int64_t t, const double *X, double *S)
{
    int64_t d = h->kqv_dim / h->n_heads;

    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t k = 0; k < h->n_heads; k++)
            for (int64_t s = 0; s < t; s++)
                for (int64_t j = 0; j < d; j++) *S++ = X[(n * t + s) * h->kqv_dim + k * d + j];
}

static void join(const wg_ref_heads *h, int64_t t, const double *S, double *X)
{
    int64_t d = h->kqv_dim / h->n_heads;

    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t k = 0; k < h->n_heads; k++)
            for (int64_t s = 0; s < t; s++)
                for (int64_t j = 0; j < d; j++) X[(n * t + s) * h->kqv_dim + k * d + j] = *S++;
}

static const wg_ref_act identity = { WG_REF_IDENTITY, 0, 0 };

/* What lies between the inputs and the output projection. */
typedef struct {
    double *Qp, *Kp, *Vp; /* projections, as Q, K, V */
    double *Qs, *Ks, *Vs; /* the same, split */
    double *P, *A;        /* weights before and after dropout */
    double *Ys, *Yj;      /* what the heads give, split and joined */
    wg_ref_attention t;
} inside;

/* Free s->Qp when it is done. */
static bool run(const wg_ref_heads *h, const wg_ref_heads_params *p, const double *Q,
                const double *K, const double *V, const double *mask, inside *s)
{
    int64_t n = h->kqv_dim, q = h->n_ex * h->t_q, k = h->n_ex * h->t_k;
    int64_t weights = h->n_ex * h->n_heads * h->t_q * h->t_k, d = h->kqv_dim / h->n_heads;

    s->Qp = ref_zeros(4 * q * n + 4 * k * n + 2 * weights);
    if (!s->Qp) return false;
    s->Qs = s->Qp + q * n;
    s->Ys = s->Qs + q * n;
    s->Yj = s->Ys + q * n;
    s->Kp = s->Yj + q * n;
    s->Ks = s->Kp + k * n;
    s->Vp = s->Ks + k * n;
    s->Vs = s->Vp + k * n;
    s->P = s->Vs + k * n;
    s->A = s->P + weights;
    wg_ref_fully_connected(identity, q, n, n, Q, p->Q_W, p->Q_b, s->Qp, NULL);
    wg_ref_fully_connected(identity, k, n, n, K, p->K_W, p->K_b, s->Kp, NULL);
    wg_ref_fully_connected(identity, k, n, n, V, p->V_W, p->V_b, s->Vp, NULL);
    split(h, h->t_q, s->Qp, s->Qs);
    split(h, h->t_k, s->Kp, s->Ks);
    split(h, h->t_k, s->Vp, s->Vs);
    s->t = (wg_ref_attention){ .B = h->n_ex * h->n_heads,
                               .nq = h->t_q,
                               .nk = h->t_k,
                               .dk = d,
                               .dv = d,
                               .factor = wg_ref_attention_factor(true, d),
                               .p = h->dropout_p,
                               .Q = s->Qs,
                               .K = s->Ks,
                               .V = s->Vs,
                               .mask = mask };
    wg_ref_attention_forward(&s->t, s->P, s->A, s->Ys);
    join(h, h->t_q, s->Ys, s->Yj);
    return true;
}

bool wg_ref_heads_forward(const wg_ref_heads *h, const wg_ref_heads_params *p, const double *Q,
                          const double *K, const double *V, const double *mask, double *P,
                          double *A, double *Y)
{
    int64_t n = h->kqv_dim, q = h->n_ex * h->t_q;
    int64_t weights = h->n_ex * h->n_heads * h->t_q * h->t_k;
    inside s;

    if (!run(h, p, Q, K, V, mask, &s)) return false;
    wg_ref_fully_connected(identity, q, n, n, s.Yj, p->O_W, p->O_b, Y, NULL);
    for (int64_t i = 0; i < weights; i++) {
        if (P) P[i] = s.P[i];
        if (A) A[i] = s.A[i];
    }
    free(s.Qp);
    return true;
}

bool wg_ref_heads_backward(const wg_ref_heads *h, const wg_ref_heads_params *p, const double *Q,
                           const double *K, const double *V, const double *mask, const double *dY,
                           double *dQ, double *dK, double *dV, wg_ref_heads_params *grads)
{
    int64_t n = h->kqv_dim, q = h->n_ex * h->t_q, k = h->n_ex * h->t_k;
    double *dYj = ref_zeros(4 * q * n + 4 * k * n), *dYs, *dQs, *dQp, *dKs, *dKp, *dVs, *dVp;
    inside s;
    bool ok;

    if (!dYj || !run(h, p, Q, K, V, mask, &s)) {
        free(dYj);
        return false;
    }
    dYs = dYj + q * n;
    dQs = dYs + q * n;
    dQp = dQs + q * n;
    dKs = dQp + q * n;
    dKp = dKs + k * n;
    dVs = dKp + k * n;
    dVp = dVs + k * n;
    /* A projection has no activation, so its pre-activation is its output; any array will do. */
    ok = wg_ref_fully_connected_backward(identity, q, n, n, s.Yj, p->O_W, s.Yj, dY, dYj, grads->O_W,
                                         grads->O_b);
    split(h, h->t_q, dYj, dYs);
    ok = ok && wg_ref_attention_backward(&s.t, s.P, dYs, dQs, dKs, dVs);
    join(h, h->t_q, dQs, dQp);
    join(h, h->t_k, dKs, dKp);
    join(h, h->t_k, dVs, dVp);
    ok = ok &&
         wg_ref_fully_connected_backward(identity, q, n, n, Q, p->Q_W, s.Qp, dQp, dQ, grads->Q_W,
                                         grads->Q_b) &&
         wg_ref_fully_connected_backward(identity, k, n, n, K, p->K_W, s.Kp, dKp, dK, grads->K_W,
                                         grads->K_b) &&
         wg_ref_fully_connected_backward(identity, k, n, n, V, p->V_W, s.Vp, dVp, dV, grads->V_W,
                                         grads->V_b);
    free(s.Qp);
    free(dYj);
    return ok;
}
