/*
 * fit.h: training numpy-ml's models: `fit` with its arguments and defaults, and the verbs a layer
 * does not have by itself (wg_layer_forward, wg_layer_update and the others of layers.h work on
 * models too). fit runs the functions that models.h records under the training kit of train.h,
 * one plan a step. The optimizer of fit keeps its cache in the model's store, under
 * NAME/optimizer; that of wg_layer_update is another.
 */
#ifndef WENGERT_FIT_H
#define WENGERT_FIT_H

#include "data.h"
#include "models.h"
#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How far a fit is. Numbers that the model does not have are NaN. */
typedef struct {
    int64_t epoch, n_epochs; /* done and wanted in this fit; WGAN_GP: generator steps */
    int64_t updates;         /* steps of this fit; WGAN_GP: of the critic */
    double loss;             /* mean of the epoch, weighed by examples; WGAN_GP: of the critic */
    double previous;         /* of the epoch before; NaN in the first */
    double reconstruction;   /* BernoulliVAE: the bound's two terms in nats an example; their */
    double kl;               /* sum is the loss */
    double g_loss;           /* WGAN_GP: of the generator */
    double wasserstein;      /* mean Y_real - mean Y_fake over the step's critic updates */
    double gradient_norm;    /* mean |gradInterp|, which the penalty draws to 1 */
    double seconds;          /* since fit began */
    wg_train_end end;        /* why it ended; while it goes on WG_TRAIN_NOT_ENDED */
} wg_fit_state;

typedef struct {
    int64_t n_epochs;            /* BernoulliVAE: 0: 20 */
    int64_t n_steps;             /* WGAN_GP: generator steps; 0: the hyperparameter */
    double lambda_;              /* WGAN_GP: becomes the hyperparameter; 0: as that is */
    int64_t c_updates_per_epoch; /* WGAN_GP: 0: the hyperparameter */
    int64_t batchsize; /* at most the examples; 0: 128, WGAN_GP: the hyperparameter, or all */
    double scale;      /* values are multiplied by it; 0: 1 */
    int verbose;       /* 0: a line an epoch, WGAN_GP every 100 steps; 1: a bar too; -1: nothing */
    FILE *to;          /* of these; NULL: stderr when that is a terminal, else stdout */
    int64_t max_updates; /* 0: no bound; the environment's WENGERT_MAX_STEPS lowers it. WGAN_GP: of
                            the critic */
    /* What else the training kit has: folder, checkpoint, every_steps, every_seconds, keep, resume,
     * ops, log, go_on, stop, plan are taken from here. NULL: none. */
    const wg_train_options *train;
    /* After each epoch (WGAN_GP: step); false ends the fit. May be NULL. */
    bool (*on_epoch)(void *data, const wg_fit_state *state);
    void *data;
} wg_fit_options;

/** Trains for n_epochs over X [n, rows, cols, ch] or [n, rows, cols], of values in [0, 1] once they
 * are scaled, in batches of an order that depends on the store's seed and its count of runs. Again,
 * it goes on from weights and optimizer. A step is one run of "train" and allocates nothing once
 * each size of batch was met. *state (may be NULL) is that of the last epoch. Errors: WG_EARG for a
 * layer of another class, options out of range, values outside of [0, 1]; WG_ESHAPE for data of
 * other extents than those learned; WG_ENONFINITE for data or a loss that is not finite; those of
 * the layers; WG_ENOMEM. Source: numpy-ml vae.py, BernoulliVAE.fit. */
WG_API wg_status wg_bernoulli_vae_fit(wg_layer *l, wg_data X, const wg_fit_options *options,
                                      wg_fit_state *state, wg_error *error);

/** The bound over X by the function "predict", nothing trained: loss, reconstruction and kl of
 * *state. Of the options batchsize and scale are used. Errors as wg_bernoulli_vae_fit. */
WG_API wg_status wg_bernoulli_vae_evaluate(wg_layer *l, wg_data X, const wg_fit_options *options,
                                           wg_fit_state *state, wg_error *error);

/** After a retained wg_layer_forward of X, whose first result is X_recon: the loss, and its
 * gradients by way of wg_layer_backward: parameters, derived variables, dX (may be NULL; the
 * layer's memory, until its next verb), which is the gradient through the encoder. Errors, in
 * wg_layer_error too: WG_EARG, WG_ESTATE without such a forward, WG_ESHAPE. Source: numpy-ml
 * vae.py, backward. */
WG_API wg_status wg_bernoulli_vae_backward(wg_layer *l, wg_array X, wg_array X_recon, double *loss,
                                           wg_array *dX);

/** Trains for n_steps: each c_updates_per_epoch critic updates on batches of X [n, n_feats], and
 * one generator update. Batches come from one shuffle after the other, so that there are always
 * as many as asked for. Again, it goes on from weights and optimizers. With the hyperparameter
 * debug the weights stay as they are. Errors: as wg_bernoulli_vae_fit, but for the range of
 * values. Source: numpy-ml wgan_gp.py, WGAN_GP.fit. */
WG_API wg_status wg_wgan_gp_fit(wg_layer *l, wg_data X, const wg_fit_options *options,
                                wg_fit_state *state, wg_error *error);

/** One update of the critic on X_real [n, n_feats]; of the generator, with fresh noise through the
 * critic as it is now, for n examples. loss may be NULL. With the hyperparameter debug weights and
 * optimizer stay as they are, every intermediate is kept and wg_layer_gradient tells the gradients
 * of the module's parameters. Errors, in wg_layer_error too: WG_EARG, WG_ESHAPE, those of
 * wg_plan_run. Source: numpy-ml wgan_gp.py, update_critic and update_generator. */
WG_API wg_status wg_wgan_gp_update_critic(wg_layer *l, wg_array X_real, double *loss);
WG_API wg_status wg_wgan_gp_update_generator(wg_layer *l, int64_t n, double *loss);

/** A value of the last such updates under numpy-ml's name: always alpha, X_fake, Y_fake, Y_real,
 * X_interp, Y_interp, gradInterp, C_loss, G_loss; with debug noise, X_real, dC_Y_fake, dY_real,
 * dGrad_interp, dG_Y_fake too, and every value of the networks by its path below NAME:
 * C_fwd_Y_real/critic/FC1/Z, and so for G_fwd_X_fake, C_fwd_Y_fake, C_fwd_Y_interp,
 * C_dY_interp_wrt. data NULL: none. The layer's memory, until the next update. */
WG_API wg_array wg_wgan_gp_derived(const wg_layer *l, const char *key);

/** One of the four gradients of the last updates: dC_Y_fake, dC_Y_real, dC_gradInterp, dG_Y_fake;
 * data NULL: none. The layer's memory, until the next update. */
WG_API wg_array wg_wgan_gp_gradient(const wg_layer *l, const char *key);

/** The module called "C", the critic, or "G", the generator: a layer with the verbs of layers.h,
 * which the model owns. NULL with WG_ENAME for any other name, WG_EARG for another layer. */
WG_API wg_layer *wg_wgan_gp_module(wg_layer *l, const char *module, wg_error *error);

/** numpy-ml's verbs on a module: those of layers.h with the module's name checked, as
 * wg_wgan_gp_module. y and dX are one array each. */
WG_API wg_status wg_wgan_gp_forward(wg_layer *l, const char *module, wg_array X, bool retain,
                                    wg_array *y);
WG_API wg_status wg_wgan_gp_backward(wg_layer *l, const char *module, wg_array dy,
                                     bool retain_grads, wg_array *dX);
WG_API wg_status wg_wgan_gp_update(wg_layer *l, const char *module, double loss);
WG_API wg_status wg_wgan_gp_flush_gradients(wg_layer *l, const char *module);

/** Saves a BernoulliVAE or WGAN_GP that has seen data as a program (wg_save): its functions, its
 * whole store, and in the metadata what wg_model_load needs. Errors: WG_EARG for another class;
 * WG_ESTATE before the first data; those of wg_save. */
WG_API wg_status wg_model_save(const char *path, wg_layer *l, wg_error *error);

/** Loads it, or a checkpoint of a fit: the layer, and its store in *store, both the caller's. It
 * goes on as if it had never been saved. NULL on error, with *store NULL: WG_EFORMAT for a
 * program that wg_model_save did not write; those of wg_load and wg_layer_make. */
WG_API wg_layer *wg_model_load(const char *path, wg_params **store, wg_error *error);

#ifdef __cplusplus
}
#endif

#endif
