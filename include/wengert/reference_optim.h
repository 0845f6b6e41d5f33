/* reference_optim.h: updates and learning rates (numpy-ml optimizers.py, schedulers.py). */
#ifndef WENGERT_REFERENCE_OPTIM_H
#define WENGERT_REFERENCE_OPTIM_H

#include "wengert/reference_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- updates ---- */

/* All change param [n] in place, and the state arrays [n] that belong to it (zeros before the first
 * step). grad is scaled down to the L2 norm clip_norm when longer; 0: never. */

/** The factor of that scaling: clip_norm / ||grad|| when the norm is larger, else 1. */
WG_REF_API double wg_ref_clip_factor(int64_t n, double clip_norm, const double *grad);

/** c = momentum c + lr g; param -= c. Source: numpy-ml SGD.update. */
WG_REF_API void wg_ref_sgd(int64_t n, double lr, double momentum, double clip_norm,
                           const double *grad, double *param, double *c);

/** c = momentum c + lr g; param -= momentum c + lr g. Source: Sutskever et al. 2013, with the step
 * written at the point the gradient was taken. */
WG_REF_API void wg_ref_nesterov(int64_t n, double lr, double momentum, double clip_norm,
                                const double *grad, double *param, double *c);

/** c += g^2; param -= lr g / (sqrt(c) + eps). Source: numpy-ml AdaGrad.update; Duchi et al.
 * 2011. */
WG_REF_API void wg_ref_adagrad(int64_t n, double lr, double eps, double clip_norm,
                               const double *grad, double *param, double *c);

/** c = decay c + (1 - decay) g^2; param -= lr g / (sqrt(c) + eps). Source: numpy-ml
 * RMSProp.update. */
WG_REF_API void wg_ref_rmsprop(int64_t n, double lr, double decay, double eps, double clip_norm,
                               const double *grad, double *param, double *c);

/** m = decay1 m + (1 - decay1) g; v = decay2 v + (1 - decay2) g^2; with t >= 1 the number of this
 * step, param -= lr m^ / (sqrt(v^) + eps), m^ = m / (1 - decay1^t), v^ = v / (1 - decay2^t).
 * Source: numpy-ml Adam.update; Kingma and Ba 2015. */
WG_REF_API void wg_ref_adam(int64_t n, int64_t t, double lr, double decay1, double decay2,
                            double eps, double clip_norm, const double *grad, double *param,
                            double *m, double *v);

/** Adam with decoupled weight decay: param -= lr (m^ / (sqrt(v^) + eps) + weight_decay param).
 * Source: Loshchilov and Hutter 2019. */
WG_REF_API void wg_ref_adamw(int64_t n, int64_t t, double lr, double decay1, double decay2,
                             double eps, double weight_decay, double clip_norm, const double *grad,
                             double *param, double *m, double *v);

/* ---- learning rates ---- */

/** lr at every step. Source: numpy-ml ConstantScheduler. */
WG_REF_API double wg_ref_constant_lr(int64_t step, double lr);

/** initial_lr decay^(step / stage_length), the exponent rounded down when staircase.
 * Source: numpy-ml ExponentialScheduler. */
WG_REF_API double wg_ref_exponential_lr(int64_t step, double initial_lr, int64_t stage_length,
                                        bool staircase, double decay);

/** scale_factor model_dim^-1/2 min(step^-1/2, step warmup_steps^-3/2), step >= 1.
 * Source: numpy-ml NoamScheduler; Vaswani et al. 2017. */
WG_REF_API double wg_ref_noam_lr(int64_t step, double model_dim, double scale_factor,
                                 int64_t warmup_steps);

/** P(slope < 0) of the least squares line through n losses at 0, 1, ..., with the slope normal of
 * standard error sqrt(RSS / (n - 2) / sum (i - mean)^2 + 2^-52), in which the 2^-52 decides where
 * there is no residual; n >= 3. Source: numpy-ml KingScheduler, after dlib. */
WG_REF_API double wg_ref_p_decreasing(int64_t n, const double *loss);

/** King's state: lr starts at initial_lr, history holds the last ceil(1.1 (patience + 1)) losses
 * (computed in double, so that 1.1 times 10 gives 12), memory of wg_ref_king_room(patience)
 * doubles by the caller. */
typedef struct {
    double lr, decay;
    int64_t patience; /* >= 3 */
    bool forget;      /* empty the history after each decay, as published; numpy-ml keeps it */
    int64_t count;
    double *history;
    double p, p_robust; /* of the last step, -1 where it was not asked */
} wg_ref_king;

WG_REF_API int64_t wg_ref_king_room(int64_t patience);

/** The learning rate after `loss` was reported. It is multiplied by decay when the losses have
 * stopped falling: P(slope < 0) of the last patience + 1 losses is below 0.51, and so it is of
 * those that are left when what lies above the 0.9 quantile of the history is dropped, of which at
 * least min(patience + 1, floor(0.9 (H - 1)) + 1) must be there, H the length of a full history
 * (numpy-ml asks for more than can be left when patience is 100 or more). false: out of memory.
 * Source: numpy-ml KingScheduler.learning_rate, _steps_without_decrease; King 2018. */
WG_REF_API bool wg_ref_king_lr(wg_ref_king *king, double loss, double *lr);

#ifdef __cplusplus
}
#endif

#endif
