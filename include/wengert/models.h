/*
 * models.h: numpy-ml's models. Each is a layer whose components hold the parameters, with
 * numpy-ml's hyperparameters, and records its training steps and its predictions as named functions
 * of a graph: plan, run, save them like any other. Random quantities are draws of the engine, which
 * wg_plan_feed replaces. A zero or NULL in a hyperparameter struct means the default; "learned"
 * ones may be left 0.
 */
#ifndef WENGERT_MODELS_H
#define WENGERT_MODELS_H

#include "layers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- BernoulliVAE ---- */

typedef struct {
    int64_t T;                                    /* dimensions of the code; 0: 5 */
    int64_t latent_dim;                           /* width of the hidden layers; 0: 256 */
    int64_t enc_conv1_pad_mode, enc_conv1_pad[4]; /* WG_PAD_EXPLICIT, WG_PAD_SAME */
    int64_t enc_conv2_pad_mode, enc_conv2_pad[4];
    int64_t enc_conv1_out_ch, enc_conv2_out_ch;                   /* 0: 32, 64 */
    int64_t enc_conv1_stride, enc_pool1_stride;                   /* 0: 1, 2 */
    int64_t enc_conv2_stride, enc_pool2_stride;                   /* 0: 1, 1 */
    int64_t enc_conv1_kernel_shape[2], enc_pool1_kernel_shape[2]; /* 0: (5, 5), (2, 2) */
    int64_t enc_conv2_kernel_shape[2], enc_pool2_kernel_shape[2]; /* 0: (5, 5), (2, 2) */
    const char *optimizer;                                        /* NULL: "RMSProp(lr=0.0001)" */
    const char *init;                                             /* NULL: "glorot_uniform" */
    const char *loss;        /* NULL: "VAELoss", the only one */
    int64_t enc_conv1_in_ch; /* learned */
} wg_bernoulli_vae_hyper;

/** A variational autoencoder of images with values in [0, 1]. encoder: Conv1, Pool1, Conv2, Pool2,
 * Flatten3, FC4, FC5, ReLU but for the last, whose 2 T columns are t_mean and t_log_var; the code
 * is t = t_mean + noise e^(t_log_var / 2) with normal noise, the draw NAME/noise [n, T]; decoder:
 * FC1 (ReLU), FC2 (Sigmoid). X [n, rows, cols, ch] -> four results (wg_apply_all): X_recon [n, rows
 * cols ch], t_mean, t_log_var, t [n, T]. Image size and channels are fixed by the first use.
 * Derived variables: noise, t_mean, t_log_var and the gradients dEncoder_..._out, dDecoder_FC1_out,
 * dDecoder_FC1_in, dDecoder_t_mean, dDecoder_t_log_var (these two: what the decoder sends back).
 * Errors: WG_EARG, WG_ESHAPE. Source: numpy-ml vae.py, BernoulliVAE; Kingma and Welling 2014. */
WG_API wg_layer *wg_bernoulli_vae(wg_params *w, const char *name, wg_bernoulli_vae_hyper hyper);

/** The loss of a batch: wg_vae_loss of X, as a constant, and its reconstruction -> one element. y
 * (may be NULL) gets the four results. */
WG_API wg_tensor *wg_bernoulli_vae_loss(wg_layer *l, wg_tensor *X, wg_tensor **y);

/** Records the functions "train" and "predict" of g over input "X" [1, rows, cols, ch], of any
 * batch when run. Outputs of both: loss, X_recon, t_mean, t_log_var, t, and the loss's two terms
 * reconstruction and kl; train takes a step of the model's optimizer. Returns g. Errors: those
 * of the layers; WG_ENAME when g has such functions. */
WG_API wg_graph *wg_bernoulli_vae_record(wg_layer *l, wg_graph *g, int64_t rows, int64_t cols,
                                         int64_t ch);

/* ---- WGAN_GP ---- */

typedef struct {
    int64_t g_hidden;            /* width of the hidden layers; 0: 512 */
    const char *init;            /* NULL: "he_uniform" */
    const char *optimizer;       /* NULL: "RMSProp(lr=0.0001)" */
    double lambda_;              /* weight of the penalty, >= 0; 0: 10 */
    int64_t n_steps, batchsize;  /* of training loops; 0: 1000, 128 */
    int64_t c_updates_per_epoch; /* critic steps before each generator step; 0: 5 */
    bool debug;                  /* recorded critic steps have more outputs */
    int64_t n_feats;             /* learned */
} wg_wgan_gp_hyper;

/** A Wasserstein GAN with gradient penalty. generator: FC1, FC2, FC3 (ReLU), FC4 from n_feats
 * columns of noise to n_feats columns; critic: the same to one column. As a layer it generates:
 * noise [n, n_feats] -> X_fake [n, n_feats] and Y_fake = critic(X_fake) [n, 1]. Errors: WG_EARG,
 * WG_ESHAPE. Source: numpy-ml wgan_gp.py, WGAN_GP; Gulrajani et al. 2017. */
WG_API wg_layer *wg_wgan_gp(wg_params *w, const char *name, wg_wgan_gp_hyper hyper);

/* What a step computes; the generator's leaves what it has not NULL. */
typedef struct {
    wg_tensor *loss, *X_fake, *Y_fake, *Y_real, *X_interp, *Y_interp, *gradInterp;
    wg_tensor *noise, *alpha; /* the draws; the generator has no alpha */
} wg_wgan_gp_values;

/** The critic's loss on a batch X_real [n, n_feats]: X_fake = generator(noise), a constant here;
 * X_interp = alpha X_real + (1 - alpha) X_fake; gradInterp, the gradient of each Y_interp by its
 * X_interp, is part of the loss, which differentiates through it: wg_wgan_gp_critic_loss. Draws:
 * NAME/noise (normal) of X_real's shape, NAME/alpha (uniform) [n, 1]. v may be NULL. Returns the
 * loss. */
WG_API wg_tensor *wg_wgan_gp_critic_step(wg_layer *l, wg_tensor *X_real, wg_wgan_gp_values *v);

/** The generator's loss: -mean(critic(generator(noise))), with a draw NAME/noise of the shape of
 * `like`, of which only the type is used. Its gradient by the generator goes through the critic. */
WG_API wg_tensor *wg_wgan_gp_generator_step(wg_layer *l, wg_tensor *like, wg_wgan_gp_values *v);

/** Records the functions "critic" (input "X_real" [1, n_feats]; outputs C_loss, X_fake, Y_fake,
 * Y_real, X_interp, Y_interp, gradInterp, alpha; a step of the critic's optimizer), "generator"
 * (input "X_real", of which only the extents are used; outputs G_loss, X_fake, Y_fake; a step of
 * the generator's) and "predict" (input "noise"; outputs X_fake, Y_fake). The gradients
 * dC_Y_fake, dC_Y_real, dC_gradInterp and dG_Y_fake are outputs as well, with debug under
 * numpy-ml's other names dY_real and dGrad_interp too. A plan of "critic" with the option keep
 * has the networks' hidden values by path: NAME/G_fwd_X_fake/..., C_fwd_Y_real, C_fwd_Y_fake,
 * C_fwd_Y_interp, C_dY_interp_wrt. Returns g. */
WG_API wg_graph *wg_wgan_gp_record(wg_layer *l, wg_graph *g, int64_t n_feats);

/* ---- Word2Vec ---- */

typedef struct {
    int64_t vocab_size;           /* >= 1 */
    int64_t context_len;          /* words on either side; 0: 5 */
    bool skip_gram;               /* false: CBOW, which averages a context's words */
    int64_t embedding_dim;        /* 0: 300 */
    int64_t num_negative_samples; /* 0: 64; at most vocab_size */
    double noise_dist_power;      /* 0: 0.75 */
    int64_t min_count;            /* of a word to be kept; 0: any */
    int64_t max_tokens;           /* 0: any number */
    bool keep_stopwords;          /* "filter_stopwords" in text, the other way round */
    const char *optimizer;        /* NULL: "SGD(lr=0.1)" */
    const char *init;             /* NULL: "glorot_uniform" */
} wg_word2vec_hyper;

/** Word embeddings by negative sampling. Components embeddings (Embedding) and loss (NCELoss with
 * keep_log_label_prob). Operands: contexts, as ids and offsets or ids and weights (see
 * wg_embedding; for skip-gram one id an example); target, i64 [n]; neg_samples, i64
 * [num_negative_samples]. Results: loss, one element, and y_pred [n, 1]. Errors: WG_EARG; those of
 * the components. Source: numpy-ml w2v.py, Word2Vec; Mikolov et al. 2013. */
WG_API wg_layer *wg_word2vec(wg_params *w, const char *name, wg_word2vec_hyper hyper);

/** Records the functions "train" (outputs loss, y_pred; a step of the optimizer), "predict"
 * (outputs loss, of the targets alone, and y_pred) and "embed" (input "words", i64 [n]; output
 * embeddings [n, embedding_dim]). Inputs of the first two: contexts as "ids" [total] and "offsets"
 * [n + 1] or, with `padded` and CBOW, as "ids" and real "weights" [n, 2 context_len], where padding
 * has weight 0; "target" [n], "neg_samples" [num_negative_samples] (wg_nce_draw). Returns g. */
WG_API wg_graph *wg_word2vec_record(wg_layer *l, wg_graph *g, bool padded);

#ifndef WG_NO_SITES
#define wg_bernoulli_vae_loss(...)     wg_at(WG_SITE, wg_bernoulli_vae_loss(__VA_ARGS__))
#define wg_bernoulli_vae_record(...)   wg_at_graph(WG_SITE, wg_bernoulli_vae_record(__VA_ARGS__))
#define wg_wgan_gp_critic_step(...)    wg_at(WG_SITE, wg_wgan_gp_critic_step(__VA_ARGS__))
#define wg_wgan_gp_generator_step(...) wg_at(WG_SITE, wg_wgan_gp_generator_step(__VA_ARGS__))
#define wg_wgan_gp_record(...)         wg_at_graph(WG_SITE, wg_wgan_gp_record(__VA_ARGS__))
#define wg_word2vec_record(...)        wg_at_graph(WG_SITE, wg_word2vec_record(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
