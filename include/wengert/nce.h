/*
 * nce.h: noise-contrastive estimation: a softmax over many classes learned from a few negative
 * samples a step, which are an input that the host draws.
 */
#ifndef WENGERT_NCE_H
#define WENGERT_NCE_H

#include "layers.h"
#include "sampler.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int64_t n_classes;            /* >= 1 */
    int64_t num_negative_samples; /* k, 1 to n_classes */
    const char *init;             /* NULL: "glorot_uniform" */
    /* false: subtract_log_label_prob, numpy-ml's default: noise-contrastive estimation; true:
     * negative sampling */
    bool keep_log_label_prob;
} wg_nce_hyper;

/** Noise-contrastive loss, a layer of four operands and two results. Operands: X [n_ex, n_c, n_in];
 * target, i64 [n_ex]; neg_samples, i64 [k]; noise_probs [n_classes], the probabilities Q of the
 * noise, a constant, an input or a store entry, f32 or f64, which may be left out with
 * keep_log_label_prob. Parameters: W
 * [n_classes, n_in], b [1, n_classes]. With the logit Z(w) = X W[w] + b[w] - log Q(w) (without
 * log Q: keep_log_label_prob), for each example and each of its n_c contexts:
 *     loss = sum [ softplus(-Z(target)) + sum over neg_samples of softplus(Z(w)) ]
 * -> one element, and y_pred = sigmoid(Z(target)) [n_ex, n_c]. Made from logits: no probability
 * saturates. Every target and noise term counts, a noise sample that equals a target too. In
 * prediction or frozen the loss is that of the targets alone. Record it by wg_apply_all.
 * derived_variables: target_logits, noise_logits, y_pred. Errors: WG_EARG for hyperparameters,
 * WG_ESHAPE, WG_EDTYPE; WG_EINDEX, when it runs, for a label out of range. Differs from numpy-ml:
 * the gradient keeps accidental hits, as the loss does. Source: numpy-ml losses.py, NCELoss; Mnih
 * and Teh 2012. */
WG_API wg_layer *wg_nce_loss(wg_params *w, const char *name, wg_nce_hyper hyper);

/** Draws the k negative samples of this step into neg: they depend on (seed, name, step) and the
 * noise alone, so that of the sampling only the step has to be saved. Errors: WG_EARG when the
 * noise has fewer possible values than k, and those of wg_discrete_sampler_draw. */
WG_API wg_status wg_nce_draw(wg_discrete_sampler *noise, uint64_t seed, const char *name,
                             uint64_t step, int64_t k, int64_t *neg, wg_error *error);

/** The probabilities of the noise, Q of wg_nce_loss, as an f64 array [n_classes] in new memory for
 * the caller: wg_free. WG_ENOMEM. */
WG_API wg_status wg_nce_noise_probs(const wg_discrete_sampler *noise, wg_array *probs,
                                    wg_error *error);

/** Keeps the noise in store entry `entry` (f64, not trained), so that it is saved and loaded with
 * the weights; the leaf of the entry is noise_probs. An entry that was loaded keeps its value.
 * Errors: WG_EARG for NULL, those of wg_params_add. */
WG_API wg_status wg_nce_keep_noise(wg_params *w, const char *entry,
                                   const wg_discrete_sampler *noise, wg_error *error);

/** A sampler of the noise kept there, to draw from again in a program that was loaded; for equal
 * draws before and after make both samplers this way. The caller owns it:
 * wg_discrete_sampler_free. NULL on error: WG_ENAME without such an entry, and those of
 * wg_discrete_sampler_new. */
WG_API wg_discrete_sampler *wg_nce_kept_noise(const wg_params *w, const char *entry,
                                              bool with_replacement, wg_error *error);

#ifdef __cplusplus
}
#endif

#endif
