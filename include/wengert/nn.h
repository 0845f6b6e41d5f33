/*
 * nn.h: activations, initialisers and losses, as compositions of ops. Names and defaults are
 * numpy-ml's.
 */
#ifndef WENGERT_NN_H
#define WENGERT_NN_H

#include "graph.h"
#include "params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- activations ---- */

/** y = f(x), element by element, with f from its numpy-ml name: "Identity", "Sigmoid", "Tanh",
 * "ReLU", "Leaky ReLU(alpha=0.3)", "ELU(alpha=1.0)", "SELU", "GELU(approximate=True)",
 * "Exponential", "Hard Sigmoid", "SoftPlus", "Affine(slope=1, intercept=0)". Letter case, blanks,
 * '_' and '-' in names do not matter; arguments may be left out. NULL or "" is Identity. x f32 or
 * f64, any shape -> the same type. Errors: WG_ENAME for an unknown name, with the nearest one;
 * WG_EARG for an argument that is unknown or no number, and for text that does not parse, with the
 * column; WG_EDTYPE. Source: numpy-ml activations.py. */
WG_API wg_tensor *wg_act(const char *act_fn, wg_tensor *x);

/** f'(x), f''(x), element by element: the derivative the engine records, but for Sigmoid, Tanh,
 * SoftPlus, ELU, SELU and GELU written so that the tails keep their digits (Sigmoid' at 40 is
 * 4.2e-18, not 0). At a break of slope the side numpy-ml documents as "otherwise": at 0 that of x
 * <= 0, for Hard Sigmoid slope 0.2 at -2.5 and 2.5. Errors as wg_act. Source: numpy-ml
 * activations.py, grad and grad2. */
WG_API wg_tensor *wg_act_grad(const char *act_fn, wg_tensor *x);
WG_API wg_tensor *wg_act_grad2(const char *act_fn, wg_tensor *x);

/** f, f' or f'' (order 0, 1, 2) of an array; i64 is computed in f64. y->data is new memory for the
 * caller: wg_free. Errors as wg_act; WG_EARG for another order. */
WG_API wg_status wg_act_array(const char *act_fn, int order, wg_array x, wg_array *y,
                              wg_error *error);

/** The printed form with all arguments, as numpy-ml's str(): "Leaky ReLU(alpha=0.3)" for
 * "leakyrelu". It reads back to the same activation. New memory for the caller: wg_free. NULL
 * after an error of wg_act or out of memory, with the reason in *error (may be NULL). */
WG_API char *wg_act_text(const char *act_fn, wg_error *error);

/** Whether wg_act understands the text; else false with the reason in *error (may be NULL). */
WG_API bool wg_act_known(const char *act_fn, wg_error *error);

/** The gain Glorot initialisers use: 5/3 for Tanh, sqrt(2) for ReLU, sqrt(2 / (1 + alpha^2)) for
 * Leaky ReLU, else 1. Source: numpy-ml initializers.py, WeightInitializer. */
WG_API double wg_act_gain(const char *act_fn);

/* ---- initialisers ---- */

/** Fan-in and fan-out of weights [in, out], [width, in, out] or [rows, cols, in, out]: the last two
 * extents times the receptive field. false for other ranks. Source: numpy-ml utils.py, calc_fan. */
WG_API bool wg_calc_fan(const wg_shape *shape, double *fan_in, double *fan_out);

/** Fills a store entry. `init`: "zeros", "ones", "he_uniform" (bound sqrt(6 / fan_in)), "he_normal"
 * (std sqrt(2 / fan_in)), "glorot_uniform" (bound gain sqrt(6 / (fan_in + fan_out))),
 * "glorot_normal" (std gain sqrt(2 / (fan_in + fan_out))), "std_normal", "trunc_normal"; normal
 * ones but std_normal are drawn again beyond two standard deviations, which leaves 0.7737 of the
 * variance. NULL: glorot_uniform. The gain is act_fn's. Draws depend on (store seed, entry name,
 * index) alone. Errors: WG_ENAME for an entry, an initialiser (with the nearest name) or an
 * activation that is not known, WG_ESHAPE for a rank without a fan, WG_EDTYPE. Source: numpy-ml
 * initializers.py; He et al. 2015, Glorot and Bengio 2010. */
WG_API wg_status wg_init_fill(wg_params *w, const char *entry, const char *init, const char *act_fn,
                              wg_error *error);

/** Normal draws of this mean and standard deviation, drawn again while they lie beyond two standard
 * deviations from the mean; f32 or f64. Draws as wg_init_fill. Errors: WG_ENAME, WG_EDTYPE, WG_EARG
 * unless both are finite and std >= 0. Source: numpy-ml utils.py, truncated_normal. */
WG_API wg_status wg_init_trunc_normal(wg_params *w, const char *entry, double mean, double std,
                                      wg_error *error);

/** Whether wg_init_fill understands the name (NULL: glorot_uniform); else false with the reason in
 * *error (may be NULL). */
WG_API bool wg_init_known(const char *init, wg_error *error);

/* ---- losses ---- */

/* Each is a tensor of one element; its gradient is wg_loss_grad, or wg_minimize takes it. Targets
 * and predictions have equal extents: others are WG_ESHAPE, while recording and again for the
 * extents fed, for nothing is broadcast; so is a batch without elements. Mixed element types are
 * WG_EDTYPE. */

/** 1/2 sum (y_pred - y)^2. Source: numpy-ml losses.py, SquaredError. */
WG_API wg_tensor *wg_squared_error(wg_tensor *y, wg_tensor *y_pred);

/** -sum y log(y_pred + 2^-52): y one-hot or class probabilities, y_pred probabilities, both [...,
 * classes]. The guard is in the value alone: the gradient is -y / y_pred, so that by the input z
 * of a softmax it is softmax(z) sum(y) - y, for any y and however small y_pred. A row of y_pred
 * that is further than 0.01 from summing to one ends the run with WG_EINDEX in the scope "rows of
 * y_pred sum to 1" (wg_check_probs says which, and is strict). Source: numpy-ml losses.py,
 * CrossEntropy. */
WG_API wg_tensor *wg_cross_entropy(wg_tensor *y, wg_tensor *y_pred);

/** The same from the input z [..., classes] of the softmax, without overflow: -sum y
 * log_softmax(z). */
WG_API wg_tensor *wg_cross_entropy_logits(wg_tensor *y, wg_tensor *z);

/** The same from class indices, i64 [...]: -sum over k of log_softmax(z)[k, index[k]]. An index out
 * of range ends the run with WG_EINDEX. */
WG_API wg_tensor *wg_cross_entropy_index(wg_tensor *index, wg_tensor *z);

/** Negative variational lower bound of a Bernoulli VAE, a mean over the n examples:
 * 1/n sum [ -y log p - (1 - y) log(1 - p) - 1/2 (1 + t_log_var - t_mean^2 - e^t_log_var) ], with p
 * = y_pred limited to [eps, 1 - eps], eps the machine epsilon of its type. y, y_pred [n, ...] in
 * [0, 1], t_mean, t_log_var [n, ...] -> one element. Where the limit is active the gradient by
 * y_pred is 0. Source: numpy-ml losses.py, VAELoss; Kingma and Welling 2014. */
WG_API wg_tensor *wg_vae_loss(wg_tensor *y, wg_tensor *y_pred, wg_tensor *t_mean,
                              wg_tensor *t_log_var);

/** The gradient of each y_interp[i] by its own x_interp[i], recorded, so that a loss of it
 * differentiates again: gradInterp of the critic's penalty. No y_interp[i] may depend on another
 * example (no batch norm in the critic). -> the type of x_interp. */
WG_API wg_tensor *wg_gradient_at(wg_tensor *y_interp, wg_tensor *x_interp);

/** mean(Y_fake) - mean(Y_real) + lambda_ mean((|gradInterp| - 1)^2): what the critic minimises.
 * Y_fake, Y_real of any extents, each with its own mean; gradInterp [n, m, ...], |.| the Euclidean
 * norm of an example (its gradient at 0 is 0). lambda_ >= 0, numpy-ml's usual 10. Errors: WG_EARG,
 * WG_ESHAPE. Source: numpy-ml losses.py, WGAN_GPLoss; Gulrajani et al. 2017. */
WG_API wg_tensor *wg_wgan_gp_critic_loss(wg_tensor *Y_fake, wg_tensor *Y_real,
                                         wg_tensor *gradInterp, double lambda_);

/** -mean(Y_fake): what the generator minimises. */
WG_API wg_tensor *wg_wgan_gp_generator_loss(wg_tensor *Y_fake);

/** The gradient of a loss by `wrt`, of wrt's type: what numpy-ml's grad(...) of the loss returns
 * when `wrt` is the tensor meant there: the input of the activation for SquaredError, of the
 * softmax for CrossEntropy. Errors: those of wg_grad; WG_EARG when the loss is not made from
 * wrt. */
WG_API wg_tensor *wg_loss_grad(wg_tensor *loss, wg_tensor *wrt);

/** Whether an array of class indices (i64) lies in 0..n_classes - 1; else WG_EINDEX with the first
 * that does not, WG_EDTYPE. */
WG_API wg_status wg_check_labels(wg_array labels, int64_t n_classes, wg_error *error);

/** Whether each row (the last axis) of a real array holds probabilities that sum to one, to
 * rounding; else WG_EARG with the first row that does not, WG_EDTYPE, WG_ESHAPE for rank 0. */
WG_API wg_status wg_check_probs(wg_array p, wg_error *error);

#ifndef WG_NO_SITES
#define wg_act(...)                  wg_at(WG_SITE, wg_act(__VA_ARGS__))
#define wg_act_grad(...)             wg_at(WG_SITE, wg_act_grad(__VA_ARGS__))
#define wg_act_grad2(...)            wg_at(WG_SITE, wg_act_grad2(__VA_ARGS__))
#define wg_squared_error(...)        wg_at(WG_SITE, wg_squared_error(__VA_ARGS__))
#define wg_cross_entropy(...)        wg_at(WG_SITE, wg_cross_entropy(__VA_ARGS__))
#define wg_cross_entropy_logits(...) wg_at(WG_SITE, wg_cross_entropy_logits(__VA_ARGS__))
#define wg_cross_entropy_index(...)  wg_at(WG_SITE, wg_cross_entropy_index(__VA_ARGS__))
#define wg_vae_loss(...)             wg_at(WG_SITE, wg_vae_loss(__VA_ARGS__))
#define wg_gradient_at(...)          wg_at(WG_SITE, wg_gradient_at(__VA_ARGS__))
#define wg_wgan_gp_critic_loss(...)  wg_at(WG_SITE, wg_wgan_gp_critic_loss(__VA_ARGS__))
#define wg_wgan_gp_generator_loss(...)                                                             \
    wg_at(WG_SITE, wg_wgan_gp_generator_loss(__VA_ARGS__))
#define wg_loss_grad(...) wg_at(WG_SITE, wg_loss_grad(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
