/* reference_model.h: numpy-ml's modules and models, forward and explicit backward, in plain C.
 *
 * Built of the references of their layers. All arrays are the caller's, row-major double, and do
 * not overlap. A gradient of a parameter is added to the caller's array, a gradient of an input is
 * written; a NULL input gradient is not wanted. Nothing is kept between calls, so that a second
 * step is like the first (errata M5): the backward functions work out again what the forward pass
 * computed. Functions that return bool need scratch memory and return false when there is none; the
 * gradients of some layers have then perhaps been added, those of others not. */
#ifndef WENGERT_REFERENCE_MODEL_H
#define WENGERT_REFERENCE_MODEL_H

#include "wengert/reference_act.h"
#include "wengert/reference_conv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- WavenetResidualModule ---- */

typedef struct {
    int64_t n_ex, length, ch_residual, ch_dilation;
    int64_t kernel_width, dilation; /* dilation counts inserted zeros */
} wg_ref_wavenet;

/* conv_dilation_W (kernel_width, ch_residual, ch_dilation), conv_1x1_W (1, ch_dilation,
 * ch_residual), biases (ch_dilation) and (ch_residual); or their gradients. */
typedef struct {
    double *conv_dilation_W, *conv_dilation_b, *conv_1x1_W, *conv_1x1_b;
} wg_ref_wavenet_params;

/** WavenetResidualModule.forward: D = causal Conv1D(X_main), R = Conv1D_1x1(tanh(D) sigmoid(D)),
 * Y_main = X_main + R, Y_skip = X_skip + R, all (n_ex, length, ch_residual). X_skip NULL counts as
 * zeros (errata M8); the kernel is as wide as asked (errata M7). One convolution feeds both gates.
 * Source: numpy-ml modules.WavenetResidualModule; van den Oord et al. 2016. */
WG_REF_API bool wg_ref_wavenet_forward(const wg_ref_wavenet *h, const wg_ref_wavenet_params *p,
                                       const double *X_main, const double *X_skip, double *Y_main,
                                       double *Y_skip);

/** WavenetResidualModule.backward: dR = dY_main + dY_skip goes back through the 1x1 convolution to
 * dG, dD = dG (sigmoid(D) tanh'(D) + tanh(D) sigmoid'(D)) through the dilated one to dX, and
 * dX_main = dY_main + dX, dX_skip = dY_skip. dY_main NULL: the last block of a network, whose main
 * output leads nowhere. dX_main and dX_skip may be NULL.
 * Source: numpy-ml modules.WavenetResidualModule.backward. */
WG_REF_API bool wg_ref_wavenet_backward(const wg_ref_wavenet *h, const wg_ref_wavenet_params *p,
                                        const double *X_main, const double *dY_skip,
                                        const double *dY_main, double *dX_main, double *dX_skip,
                                        wg_ref_wavenet_params *grads);

/* ---- SkipConnectionIdentityModule, SkipConnectionConvModule ---- */

/* Fill in conv1 whole (its act_fn aside), of conv2 the kernel, stride, dilation, pad and out_ch,
 * and of conv_skip the kernel, stride and dilation; then link. The identity module has no conv_skip
 * and leaves it zero. */
typedef struct {
    wg_ref_conv2d conv1, conv2, conv_skip;
    wg_ref_act act_fn;
    double epsilon; /* of the batch norms */
} wg_ref_skip;

/* Kernels and biases as in Conv2D, scaler and intercept (ch); or their gradients. */
typedef struct {
    double *conv1_W, *conv1_b, *conv2_W, *conv2_b, *conv_skip_W, *conv_skip_b;
    double *batchnorm1_scaler, *batchnorm1_intercept;
    double *batchnorm2_scaler, *batchnorm2_intercept;
    double *batchnorm_skip_scaler, *batchnorm_skip_intercept;
} wg_ref_skip_params;

/* Mean and biased variance of the batch, (ch), as wg_ref_batchnorm_running wants them. */
typedef struct {
    double *mean1, *var1, *mean2, *var2, *mean_skip, *var_skip;
} wg_ref_skip_stats;

/** The fewest zeros with which n elements give n_out at this kernel, stride and dilation,
 * stride (n_out - 1) + span - n but at least 0, half of them, rounded down, before. False when no
 * such padding gives n_out. Source: numpy-ml utils.calc_pad_dims_1D (errata U2). */
WG_REF_API bool wg_ref_calc_pad(int64_t n, int64_t n_out, int64_t kernel, int64_t stride,
                                int64_t dilation, int64_t *before, int64_t *after);

/** Sets what follows from the rest: act_fn of conv1, the image of conv2, and for a module with a
 * conv_skip its image, out_ch and the pad that makes both branches equally large, for this size of
 * image (errata M19). False when there is none, or when the identity module's branches differ in
 * size or channels. pads of conv1 and conv2 may be any (errata M11): where conv2 is to be padded
 * 'same', its image is set when this returns, whatever it returns, and after
 * conv2.pad = wg_ref_pad_same2d(&conv2) one more call sets the rest.
 * Source: numpy-ml modules.SkipConnectionConvModule._calc_skip_padding. */
WG_REF_API bool wg_ref_skip_link(wg_ref_skip *h);

/** SkipConnectionIdentityModule.forward, in training: with Bk = BatchNormk over examples and
 * places,
 *     Y = act_fn(X + B2(conv2(B1(act_fn(conv1(X)))))).
 * X and Y (n_ex, in_rows, in_cols, in_ch). Convolutions before the norms, as documented.
 * stats is written. Source: numpy-ml modules.SkipConnectionIdentityModule; He et al. 2015. */
WG_REF_API bool wg_ref_skip_identity_forward(const wg_ref_skip *h, const wg_ref_skip_params *p,
                                             const double *X, wg_ref_skip_stats *stats, double *Y);

/** Its backward: dS = dY act_fn'(S) at the sum S goes back through B2, conv2, B1 and conv1, and
 * dX = dS + what comes out of conv1. Source: numpy-ml
 * modules.SkipConnectionIdentityModule.backward. */
WG_REF_API bool wg_ref_skip_identity_backward(const wg_ref_skip *h, const wg_ref_skip_params *p,
                                              const double *X, const double *dY, double *dX,
                                              wg_ref_skip_params *grads);

/** SkipConnectionConvModule.forward, in training:
 *     Y = act_fn(B_skip(conv_skip(X)) + B2(conv2(B1(act_fn(conv1(X)))))).
 * Y as large as the output of conv2. stats is written.
 * Source: numpy-ml modules.SkipConnectionConvModule; He et al. 2015. */
WG_REF_API bool wg_ref_skip_conv_forward(const wg_ref_skip *h, const wg_ref_skip_params *p,
                                         const double *X, wg_ref_skip_stats *stats, double *Y);

/** Its backward: dS goes back through both branches, and dX is the sum of what comes out.
 * Source: numpy-ml modules.SkipConnectionConvModule.backward. */
WG_REF_API bool wg_ref_skip_conv_backward(const wg_ref_skip *h, const wg_ref_skip_params *p,
                                          const double *X, const double *dY, double *dX,
                                          wg_ref_skip_params *grads);

/* ---- MultiHeadedAttentionModule ---- */

/* t_q queries look at t_k keys. latent_dim = kqv_dim / n_heads, without remainder. dropout_p is the
 * probability that a weight is dropped. */
typedef struct {
    int64_t n_ex, t_q, t_k, n_heads, kqv_dim;
    double dropout_p;
} wg_ref_heads;

/* Weights (kqv_dim, kqv_dim), biases (kqv_dim); or their gradients. */
typedef struct {
    double *Q_W, *Q_b, *K_W, *K_b, *V_W, *V_b, *O_W, *O_b;
} wg_ref_heads_params;

/** MultiHeadedAttentionModule.forward: Q Q_W + Q_b, K K_W + K_b, V V_W + V_b are split into heads
 * of latent_dim columns, P = softmax(Q' K'^T / sqrt(latent_dim)) of each head, A = P, or P mask /
 * (1 - dropout_p), and Y = [A V' of all heads side by side] O_W + O_b. Q and Y (n_ex, t_q,
 * kqv_dim), K and V (n_ex, t_k, kqv_dim); P, A and mask (n_ex, n_heads, t_q, t_k). mask holds zeros
 * and ones; NULL drops nothing. P and A may be NULL: not wanted. Any number of steps (errata M2);
 * nothing but the weights is dropped (errata M4). Source: numpy-ml
 * modules.MultiHeadedAttentionModule; Vaswani et al. 2017. */
WG_REF_API bool wg_ref_heads_forward(const wg_ref_heads *h, const wg_ref_heads_params *p,
                                     const double *Q, const double *K, const double *V,
                                     const double *mask, double *P, double *A, double *Y);

/** Its backward: through the output projection, the attention of every head and the three
 * projections. dQ, dK, dV as Q, K, V. Source: numpy-ml
 * modules.MultiHeadedAttentionModule.backward, for any number of steps (errata M2). */
WG_REF_API bool wg_ref_heads_backward(const wg_ref_heads *h, const wg_ref_heads_params *p,
                                      const double *Q, const double *K, const double *V,
                                      const double *mask, const double *dY, double *dQ, double *dK,
                                      double *dV, wg_ref_heads_params *grads);

/* ---- BernoulliVAE ---- */

/* Fill in conv1 whole (its act_fn aside), of the others the kernel, stride, pad and, of conv2,
 * out_ch; then link. T is the size of the code. */
typedef struct {
    wg_ref_conv2d conv1, pool1, conv2, pool2;
    int64_t latent_dim, T;
} wg_ref_vae;

/* encoder: Conv1, Conv2, FC4 (flat, latent_dim), FC5 (latent_dim, 2 T); decoder: D1 (T,
 * latent_dim), D2 (latent_dim, pixels); or their gradients. */
typedef struct {
    double *conv1_W, *conv1_b, *conv2_W, *conv2_b, *FC4_W, *FC4_b, *FC5_W, *FC5_b;
    double *D1_W, *D1_b, *D2_W, *D2_b;
} wg_ref_vae_params;

/** Sets what follows from the rest: the image of every layer and its activation. */
WG_REF_API void wg_ref_vae_link(wg_ref_vae *h);

/** Entries of a flattened output of pool2, and of an image. */
WG_REF_API int64_t wg_ref_vae_flat(const wg_ref_vae *h);
WG_REF_API int64_t wg_ref_vae_pixels(const wg_ref_vae *h);

/** BernoulliVAE.forward:
 *     [t_mean, t_log_var] = FC5(ReLU FC4(flat max pool2(ReLU conv2(max pool1(ReLU conv1(X)))))),
 *     t = t_mean + noise exp(t_log_var / 2), X_recon = Sigmoid D2(ReLU D1(t)).
 * X (n_ex, rows, cols, ch); noise, t_mean, t_log_var, t (n_ex, T); X_recon (n_ex, pixels). The
 * noise is scaled by the standard deviation (errata D1). Source: numpy-ml models.vae.BernoulliVAE;
 * Kingma and Welling 2014. */
WG_REF_API bool wg_ref_vae_forward(const wg_ref_vae *h, const wg_ref_vae_params *p, const double *X,
                                   const double *noise, double *t_mean, double *t_log_var,
                                   double *t, double *X_recon);

/** BernoulliVAE.backward: gradients of VAELoss(target, X_recon, t_mean, t_log_var), whose value is
 * written to *loss unless NULL. Through the decoder to dt; dt_mean = dt + dLoss/dt_mean, dt_log_var
 * = dt noise exp(t_log_var / 2) / 2 + dLoss/dt_log_var (errata D1); through the encoder to dX
 * (n_ex, rows, cols, ch). target (n_ex, pixels) is a constant. Source: numpy-ml
 * models.vae.BernoulliVAE.backward. */
WG_REF_API bool wg_ref_vae_backward(const wg_ref_vae *h, const wg_ref_vae_params *p,
                                    const double *X, const double *noise, const double *target,
                                    double *loss, double *dX, wg_ref_vae_params *grads);

/* ---- WGAN_GP ---- */

enum { WG_REF_WGAN_LAYERS = 4 };

/* A generator (n_out = n_in) or a critic (n_out = 1): FC1, FC2, FC3 of n_hidden units with act_fn,
 * numpy-ml's ReLU, and FC4 without. */
typedef struct {
    int64_t n_ex, n_in, n_hidden, n_out;
    wg_ref_act act_fn;
} wg_ref_wgan;

/* W[k], b[k] of FC(k + 1); or their gradients. */
typedef struct {
    double *W[WG_REF_WGAN_LAYERS], *b[WG_REF_WGAN_LAYERS];
} wg_ref_wgan_params;

/** WGAN_GP.forward of one network: Y (n_ex, n_out) of X (n_ex, n_in).
 * Source: numpy-ml models.wgan_gp.WGAN_GP. */
WG_REF_API bool wg_ref_wgan_forward(const wg_ref_wgan *h, const wg_ref_wgan_params *p,
                                    const double *X, double *Y);

/** WGAN_GP.backward of one network: dX (n_ex, n_in) and the parameters' gradients from dY (n_ex,
 * n_out). grads may be NULL. Source: numpy-ml models.wgan_gp.WGAN_GP.backward. */
WG_REF_API bool wg_ref_wgan_backward(const wg_ref_wgan *h, const wg_ref_wgan_params *p,
                                     const double *X, const double *dY, double *dX,
                                     wg_ref_wgan_params *grads);

/** WGAN_GP._dGradInterp: the second-order backward through all four layers. With dX what
 * wg_ref_wgan_backward gives for dY, and G (n_ex, n_in) the gradient of a loss at that dX: the
 * loss's gradients at the parameters, at dY (ddY, n_ex x n_out) and at X (dX2, n_ex x n_in); both
 * may be NULL. Layer by layer, FullyConnected's _bwd2 from FC1 to FC4 turns the gradient at dX into
 * that at dY, and what the second derivatives of act_fn leave goes back from FC4 to FC1 as in
 * backward; that is nothing for ReLU, the only case numpy-ml has. Source: numpy-ml
 * models.wgan_gp.WGAN_GP._dGradInterp. */
WG_REF_API bool wg_ref_wgan_bwd2(const wg_ref_wgan *h, const wg_ref_wgan_params *p, const double *X,
                                 const double *dY, const double *G, double *ddY, double *dX2,
                                 wg_ref_wgan_params *grads);

/** WGAN_GP.update_critic, loss and gradients: X_interp = alpha X_real + (1 - alpha) X_fake,
 * gradInterp = dY_interp / dX_interp, C_loss = mean Y_fake - mean Y_real + lambda mean of
 * (||gradInterp row|| - 1)^2. X_real, X_fake (n_ex, n_in), alpha (n_ex). X_fake is a constant. Any
 * but p may be NULL: the interpolated input, gradInterp (both n_ex x n_in), Y_fake, Y_real,
 * Y_interp (n_ex). The gradients of the penalty take the way of wg_ref_wgan_bwd2. Source: numpy-ml
 * models.wgan_gp.WGAN_GP.update_critic; Gulrajani et al. 2017. */
WG_REF_API bool wg_ref_wgan_critic_step(const wg_ref_wgan *critic, const wg_ref_wgan_params *p,
                                        double lambda, const double *X_real, const double *X_fake,
                                        const double *alpha, double *C_loss, double *X_interp,
                                        double *gradInterp, double *Y_fake, double *Y_real,
                                        double *Y_interp, wg_ref_wgan_params *grads);

/** WGAN_GP.update_generator, loss and gradients: X_fake = generator(noise),
 * G_loss = -mean critic(X_fake). The gradient goes back through the critic, whose parameters are
 * constants, and from there through the generator (errata D5). noise, X_fake (n_ex, n_in), Y_fake
 * (n_ex); G_loss, X_fake, Y_fake and grads may be NULL.
 * Source: numpy-ml models.wgan_gp.WGAN_GP.update_generator. */
WG_REF_API bool wg_ref_wgan_generator_step(const wg_ref_wgan *generator,
                                           const wg_ref_wgan_params *p, const wg_ref_wgan *critic,
                                           const wg_ref_wgan_params *critic_p, const double *noise,
                                           double *G_loss, double *X_fake, double *Y_fake,
                                           wg_ref_wgan_params *grads);

/* ---- Word2Vec ---- */

/* Example k of n_ex has the context ids[offsets[k] .. offsets[k + 1]), one id for skip-gram, and
 * the word target[k]; n_neg words neg are its noise. All ids lie in 0 .. vocab_size - 1. */
typedef struct {
    int64_t n_ex, vocab_size, embedding_dim, n_neg;
    const int64_t *ids, *offsets, *target, *neg;
} wg_ref_word2vec;

/* embeddings_W and loss_W (vocab_size, embedding_dim), loss_b (vocab_size); or their gradients. */
typedef struct {
    double *embeddings_W, *loss_W, *loss_b;
} wg_ref_word2vec_params;

/** Word2Vec.forward: the mean embedding of each context against the target and the noise words by
 * negative sampling, NCELoss without log noise probabilities. y_pred (n_ex) may be NULL.
 * Source: numpy-ml models.w2v.Word2Vec; Mikolov et al. 2013. */
WG_REF_API bool wg_ref_word2vec_forward(const wg_ref_word2vec *h, const wg_ref_word2vec_params *p,
                                        double *loss, double *y_pred);

/** Word2Vec.backward: NCELoss's gradients, and from there the mean embedding's, each id as often as
 * it occurs (errata Y16, L2). Source: numpy-ml models.w2v.Word2Vec.backward. */
WG_REF_API bool wg_ref_word2vec_backward(const wg_ref_word2vec *h, const wg_ref_word2vec_params *p,
                                         wg_ref_word2vec_params *grads);

#ifdef __cplusplus
}
#endif

#endif
