/* reference_loss.h: losses and their gradients (numpy-ml losses.py). */
#ifndef WENGERT_REFERENCE_LOSS_H
#define WENGERT_REFERENCE_LOSS_H

#include "wengert/reference_act.h"

#ifdef __cplusplus
extern "C" {
#endif

/** SquaredError: 1/2 sum (y_pred - y)^2 over n numbers. */
WG_REF_API double wg_ref_squared_error(int64_t n, const double *y, const double *y_pred);

/** dz = (y_pred - y) f'(z), with y_pred = f(z); written. Source: numpy-ml SquaredError.grad. */
WG_REF_API void wg_ref_squared_error_grad(wg_ref_act act, int64_t n, const double *y,
                                          const double *y_pred, const double *z, double *dz);

/** CrossEntropy: -sum y log y_pred over rows of C classes, y_pred the softmax of z; both [N, C].
 * Computed from z as sum y (log sum e^z - z): y_pred may underflow, and numpy-ml's guard
 * log(y_pred + eps) is off by eps / y_pred. */
WG_REF_API double wg_ref_cross_entropy(int64_t N, int64_t C, const double *y, const double *z);

/** dz = y_pred sum_c y - y, the gradient at the input of the softmax; written. For rows that sum to
 * one this is numpy-ml's y_pred - y, which is wrong for others. Source: numpy-ml
 * CrossEntropy.grad. */
WG_REF_API void wg_ref_cross_entropy_grad(int64_t N, int64_t C, const double *y,
                                          const double *y_pred, double *dz);

/** The same from class indices, label [N] in 0 <= label < C: y is 1 at label, 0 elsewhere. */
WG_REF_API double wg_ref_cross_entropy_index(int64_t N, int64_t C, const int64_t *label,
                                             const double *z);
WG_REF_API void wg_ref_cross_entropy_index_grad(int64_t N, int64_t C, const int64_t *label,
                                                const double *y_pred, double *dz);

/** VAELoss: mean over the N examples of
 *     -sum_D (y log p + (1 - y) log(1 - p)) - 1/2 sum_T (1 + t_log_var - t_mean^2 - e^t_log_var),
 * p = y_pred kept in [eps, 1 - eps] with eps = 2^-52. y, y_pred [N, D]; t_mean, t_log_var [N, T].
 * Source: numpy-ml VAELoss; Kingma and Welling 2014. */
WG_REF_API double wg_ref_vae_loss(int64_t N, int64_t D, int64_t T, const double *y,
                                  const double *y_pred, const double *t_mean,
                                  const double *t_log_var);

/** dY_pred = ((1 - y) / (1 - p) - y / p) / N, and 0 where y_pred is clipped (numpy-ml keeps the
 * slope at the clipped value, up to 1 / (N eps)); dLogVar = (e^t_log_var - 1) / (2 N);
 * dMean = t_mean / N. All written. Source: numpy-ml VAELoss.grad, which returns them in this
 * order. */
WG_REF_API void wg_ref_vae_loss_grad(int64_t N, int64_t D, int64_t T, const double *y,
                                     const double *y_pred, const double *t_mean,
                                     const double *t_log_var, double *dY_pred, double *dLogVar,
                                     double *dMean);

/** WGAN_GPLoss of the critic: mean Y_fake - mean Y_real + lambda mean_n (||gradInterp_n|| - 1)^2.
 * Y_fake [n_fake], Y_real [n_real], gradInterp [n, m]; no penalty when it is NULL.
 * Source: numpy-ml WGAN_GPLoss; Gulrajani et al. 2017. */
WG_REF_API double wg_ref_wgan_gp_critic(int64_t n_fake, int64_t n_real, int64_t n, int64_t m,
                                        double lambda_, const double *Y_fake, const double *Y_real,
                                        const double *gradInterp);

/** dY_fake = 1 / n_fake, dY_real = -1 / n_real (numpy-ml has both signs reversed),
 * dGradInterp_n = 2 lambda / n (1 - 1 / ||gradInterp_n||) gradInterp_n, 0 for a row of zeros.
 * Written; NULL is not wanted. Source: numpy-ml WGAN_GPLoss.grad, module 'C'. */
WG_REF_API void wg_ref_wgan_gp_critic_grad(int64_t n_fake, int64_t n_real, int64_t n, int64_t m,
                                           double lambda_, const double *gradInterp,
                                           double *dY_fake, double *dY_real, double *dGradInterp);

/** WGAN_GPLoss of the generator: -mean Y_fake; dY_fake = -1 / n. Source: numpy-ml
 * WGAN_GPLoss.grad, module 'G'. */
WG_REF_API double wg_ref_wgan_gp_generator(int64_t n, const double *Y_fake);
WG_REF_API void wg_ref_wgan_gp_generator_grad(int64_t n, double *dY_fake);

/** What an NCE loss is about. X [N, C, D] (C contexts an example), target [N], neg [K] noise
 * classes shared by the batch, W [n_classes, D], b [n_classes]. log_q [n_classes]: log noise
 * probabilities to subtract from the logits (subtract_log_label_prob), or NULL. A loss that is not
 * trained draws no noise: K = 0. */
typedef struct {
    int64_t N, C, D, K;
    const double *X, *W, *b, *log_q;
    const int64_t *target, *neg;
} wg_ref_nce;

/** NCELoss: sum over N, C of softplus(-z_target) + sum_K softplus(z_neg), with the logits
 * z_c = X . W_c + b_c - log_q_c. y_pred [N, C] = s(z_target), or NULL. Every target and noise term
 * counts, also where a noise class is a target. From the logits: clipped probabilities have a wrong
 * value and no gradient beyond |z| = 37. Source: numpy-ml NCELoss.loss; Mnih and Teh 2012. */
WG_REF_API double wg_ref_nce_loss(const wg_ref_nce *t, double *y_pred);

/** dz = s(z) - 1 for a target, s(z) for noise; dX = sum dz W_c written, dW_c += dz X, db_c += dz,
 * of every occurrence. Parameters accumulate; NULL is not wanted. Source: numpy-ml NCELoss.grad,
 * which drops the target's gradients where a noise class equals it although the loss has them. */
WG_REF_API void wg_ref_nce_loss_grad(const wg_ref_nce *t, double *dX, double *dW, double *db);

#ifdef __cplusplus
}
#endif

#endif
