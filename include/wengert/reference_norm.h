/* reference_norm.h: normalisation and attention (numpy-ml layers.py). See reference.h for what
 * holds of all: gradients of inputs are written, those of parameters added, NULL not wanted. */
#ifndef WENGERT_REFERENCE_NORM_H
#define WENGERT_REFERENCE_NORM_H

#include "wengert/reference_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- BatchNorm1D, BatchNorm2D ---- */

/* Statistics over the M rows of X [M, C]: M = N for BatchNorm1D (X [N, n_in]), N rows cols for
 * BatchNorm2D (X [N, rows, cols, C]). The biased variance normalises. */

/** mean, var [C] of the batch, var with divisor M; written. */
WG_REF_API void wg_ref_batchnorm_stats(int64_t M, int64_t C, const double *X, double *mean,
                                       double *var);

/** Y = scaler (X - mean) / sqrt(var + epsilon) + intercept, with the statistics of the batch in
 * training and the running ones in inference; all [C]. Source: numpy-ml BatchNorm1D, BatchNorm2D;
 * Ioffe and Szegedy 2015. */
WG_REF_API void wg_ref_batchnorm(int64_t M, int64_t C, double epsilon, const double *X,
                                 const double *mean, const double *var, const double *scaler,
                                 const double *intercept, double *Y);

/** running = momentum running + (1 - momentum) batch, for mean and variance. unbiased: the batch's
 * variance times M / (M - 1), as published; numpy-ml takes the biased one. M > 1 for unbiased. */
WG_REF_API void wg_ref_batchnorm_running(int64_t M, int64_t C, double momentum, bool unbiased,
                                         const double *mean, const double *var,
                                         double *running_mean, double *running_var);

/** Training, X [N, n_in]; mean and var those of the batch. With x^ = (X - mean) / sqrt(var + eps):
 *     dintercept += sum dY; dscaler += sum dY x^; and with g = dY scaler
 *     dX = (g - mean(g) - x^ mean(g x^)) / sqrt(var + eps), means over the rows.
 * Source: numpy-ml BatchNorm1D.backward and _bwd. */
WG_REF_API void wg_ref_batchnorm1d_backward(int64_t N, int64_t n_in, double epsilon,
                                            const double *X, const double *mean, const double *var,
                                            const double *scaler, const double *dY, double *dX,
                                            double *dscaler, double *dintercept);

/** The same over rows and columns of X [N, rows, cols, C]. Source: numpy-ml BatchNorm2D.backward
 * and _bwd. */
WG_REF_API void wg_ref_batchnorm2d_backward(int64_t N, int64_t rows, int64_t cols, int64_t C,
                                            double epsilon, const double *X, const double *mean,
                                            const double *var, const double *scaler,
                                            const double *dY, double *dX, double *dscaler,
                                            double *dintercept);

/** Inference, any M and C: the running statistics are constants, dX = dY scaler / sqrt(var + eps);
 * dscaler and dintercept as above. numpy-ml has no backward here. */
WG_REF_API void wg_ref_batchnorm_inference_backward(int64_t M, int64_t C, double epsilon,
                                                    const double *X, const double *running_mean,
                                                    const double *running_var, const double *scaler,
                                                    const double *dY, double *dX, double *dscaler,
                                                    double *dintercept);

/** Gradients of S = sum G dX with the dX of training; see wg_ref_layernorm_bwd2 for the formula,
 * here over the rows of each column. ddY and dX2 [M, C] are written, dscaler is added to; that of
 * the intercept is 0. */
WG_REF_API void wg_ref_batchnorm_bwd2(int64_t M, int64_t C, double epsilon, const double *X,
                                      const double *mean, const double *var, const double *scaler,
                                      const double *dY, const double *G, double *ddY, double *dX2,
                                      double *dscaler);

/* ---- LayerNorm1D, LayerNorm2D ---- */

/** Y = scaler (X - mean) / sqrt(var + epsilon) + intercept, statistics over each row of X [N, D],
 * var with divisor D; scaler and intercept [D]: D = n_in for LayerNorm1D, rows cols ch for
 * LayerNorm2D. Source: numpy-ml LayerNorm1D, LayerNorm2D; Ba et al. 2016. */
WG_REF_API void wg_ref_layernorm(int64_t N, int64_t D, double epsilon, const double *X,
                                 const double *scaler, const double *intercept, double *Y);

/** As BatchNorm's backward with means over each row; the parameters are elementwise.
 * Source: numpy-ml LayerNorm1D.backward and _bwd. */
WG_REF_API void wg_ref_layernorm1d_backward(int64_t N, int64_t n_in, double epsilon,
                                            const double *X, const double *scaler, const double *dY,
                                            double *dX, double *dscaler, double *dintercept);

/** X [N, rows, cols, ch], parameters [rows, cols, ch]. Source: numpy-ml LayerNorm2D.backward and
 * _bwd. */
WG_REF_API void wg_ref_layernorm2d_backward(int64_t N, int64_t rows, int64_t cols, int64_t ch,
                                            double epsilon, const double *X, const double *scaler,
                                            const double *dY, double *dX, double *dscaler,
                                            double *dintercept);

/** Gradients of S = sum G dX. For each normalised group of m elements, s = sqrt(var + epsilon),
 * g = dY scaler, v = G, dX = (g - mean(g) - x^ mean(g x^)) / s:
 *     dg = (v - mean(v) - x^ mean(v x^)) / s; ddY = dg scaler; dscaler += dg dY;
 *     h = -(mean(v x^) g + mean(g x^) v) / s;
 *     dX2 = (h - mean(h) - x^ mean(h x^)) / s - x^ mean(v dX) / s.
 * ddY and dX2 [N, D] are written. */
WG_REF_API void wg_ref_layernorm_bwd2(int64_t N, int64_t D, double epsilon, const double *X,
                                      const double *scaler, const double *dY, const double *G,
                                      double *ddY, double *dX2, double *dscaler);

/* ---- DotProductAttention ---- */

/** B attentions of nq queries over nk keys: Q [B, nq, dk], K [B, nk, dk], V [B, nk, dv]; B is the
 * product of all leading axes (examples, heads), 1 for matrices. `factor` scales the scores:
 * 1 / sqrt(dk), or 1. mask [B, nq, nk] of zeros and ones drops weights, kept ones are divided by
 * 1 - p; NULL drops none. */
typedef struct {
    int64_t B, nq, nk, dk, dv;
    double factor, p;
    const double *Q, *K, *V, *mask;
} wg_ref_attention;

/** 1 / sqrt(dk) when scale, else 1. */
WG_REF_API double wg_ref_attention_factor(bool scale, int64_t dk);

/** P = softmax(factor Q K^T) over the keys, A = P mask / (1 - p), Y = A V. Written: P and A
 * [B, nq, nk] (A may be P when mask is NULL, and is then a copy of it), Y [B, nq, dv].
 * Source: numpy-ml DotProductAttention, whose dropout masks the scores instead; Vaswani et al.
 * 2017. */
WG_REF_API void wg_ref_attention_forward(const wg_ref_attention *t, double *P, double *A,
                                         double *Y);

/** dV = A^T dY; dP = (dY V^T) mask / (1 - p); dS = P (dP - sum_keys dP P);
 * dQ = factor dS K; dK = factor dS^T Q. Written; NULL is not wanted. Source: numpy-ml
 * DotProductAttention.backward and _bwd. */
WG_REF_API bool wg_ref_attention_backward(const wg_ref_attention *t, const double *P,
                                          const double *dY, double *dQ, double *dK, double *dV);

/** Gradients of S = sum G_Q dQ + sum G_K dK + sum G_V dV with the results of the first backward;
 * a NULL G counts as zeros. ddY, dQ2, dK2, dV2 are written. With c = factor, D = mask / (1 - p),
 * r = sum_keys dP P:
 *     U = c (G_Q K^T + Q G_K^T); T = dY G_V^T; u = sum_keys U P;
 *     ddA = P (U - u) D; ddY = A G_V + ddA V; dV2 = ddA^T dY;
 *     h = U (dP - r) - dP u + T D; S2 = P (h - sum_keys h P);
 *     dQ2 = c (S2 K + dS G_K); dK2 = c (S2^T Q + dS^T G_Q). */
WG_REF_API bool wg_ref_attention_bwd2(const wg_ref_attention *t, const double *P, const double *dY,
                                      const double *G_Q, const double *G_K, const double *G_V,
                                      double *ddY, double *dQ2, double *dK2, double *dV2);

#ifdef __cplusplus
}
#endif

#endif
