/*
 * optim.h: optimisers. An optimiser describes; wg_minimize records gradient, clipping, moments and
 * new weights as updates of the open function, so a whole training step is one function that can be
 * planned and saved. wg_optim_update makes the same step with arrays, numpy-ml's way.
 */
#ifndef WENGERT_OPTIM_H
#define WENGERT_OPTIM_H

#include "graph.h"
#include "params.h"
#include "sched.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wg_optim wg_optim;

/* ---- making ---- */

/* Members every optimiser has, at the end of its struct. */
#define WG_OPTIM_HYPER                                                                             \
    const char *lr_scheduler; /* text for wg_sched_from_text; NULL: constant */                    \
    double clip_global_norm;  /* all gradients are scaled down to this common norm; 0: none */     \
    double weight_decay;      /* decoupled: W is first multiplied by 1 - lr weight_decay */        \
    int64_t accumulate        /* gradients of this many runs add up to one step; 0: 1 */

typedef struct {
    double lr;        /* > 0 */
    double momentum;  /* 0 <= momentum < 1 */
    double clip_norm; /* each gradient is scaled down to this L2 norm when longer; 0: not */
    WG_OPTIM_HYPER;
    bool nesterov; /* step from where the momentum leads */
} wg_sgd_hyper;

typedef struct {
    double lr;        /* > 0 */
    double eps;       /* > 0 */
    double clip_norm; /* 0: none */
    WG_OPTIM_HYPER;
} wg_adagrad_hyper;

typedef struct {
    double lr;        /* > 0 */
    double eps;       /* > 0 */
    double decay;     /* of the mean square, in [0, 1) */
    double clip_norm; /* 0: none */
    WG_OPTIM_HYPER;
} wg_rmsprop_hyper;

typedef struct {
    double lr;             /* > 0 */
    double decay1, decay2; /* of the first and second moment, in [0, 1) */
    double eps;            /* > 0 */
    double clip_norm;      /* 0: none */
    WG_OPTIM_HYPER;
} wg_adam_hyper;

/** numpy-ml's defaults: SGD lr 0.01, momentum 0; AdaGrad lr 0.01, eps 1e-7; RMSProp lr 0.001, eps
 * 1e-7, decay 0.9; Adam lr 0.001, decay1 0.9, decay2 0.999, eps 1e-7; AdamW the same and
 * weight_decay 0.01; no clipping, the constant scheduler. */
WG_API wg_sgd_hyper wg_sgd_defaults(void);
WG_API wg_adagrad_hyper wg_adagrad_defaults(void);
WG_API wg_rmsprop_hyper wg_rmsprop_defaults(void);
WG_API wg_adam_hyper wg_adam_defaults(void);
WG_API wg_adam_hyper wg_adamw_defaults(void);

/** c <- momentum c + lr g; W <- W - c, or with nesterov W <- W - (momentum c + lr g). The store
 * gets NAME/lr (f64) and NAME/step (i64), and an entry W/NAME_c for each weight when momentum is
 * not 0. hyper NULL: defaults. Never NULL but when out of memory; a mistake is reported by the
 * first wg_minimize or wg_optim_update. Source: numpy-ml optimizers.py, SGD; Sutskever et al.
 * 2013. */
WG_API wg_optim *wg_sgd(wg_params *w, const char *name, const wg_sgd_hyper *hyper);

/** s <- s + g g; W <- W - lr g / (sqrt(s) + eps). Entries W/NAME_s. Source: numpy-ml optimizers.py,
 * AdaGrad; Duchi et al. 2011. */
WG_API wg_optim *wg_adagrad(wg_params *w, const char *name, const wg_adagrad_hyper *hyper);

/** s <- decay s + (1 - decay) g g; W <- W - lr g / (sqrt(s) + eps). Entries W/NAME_s. Source:
 * numpy-ml optimizers.py, RMSProp; Tieleman and Hinton 2012. */
WG_API wg_optim *wg_rmsprop(wg_params *w, const char *name, const wg_rmsprop_hyper *hyper);

/** m <- d1 m + (1 - d1) g; v <- d2 v + (1 - d2) g g; W <- W - lr m^ / (sqrt(v^) + eps), with m^ = m
 * / (1 - d1^t), v^ = v / (1 - d2^t). Entries W/NAME_m, W/NAME_v. Source: numpy-ml optimizers.py,
 * Adam; Kingma and Ba 2015. AdamW: weight decay apart from the gradient; Loshchilov and Hutter
 * 2019. */
WG_API wg_optim *wg_adam(wg_params *w, const char *name, const wg_adam_hyper *hyper);
WG_API wg_optim *wg_adamw(wg_params *w, const char *name, const wg_adam_hyper *hyper);

/** An optimiser from numpy-ml's text, letter case of no matter; NULL or "" is SGD(). Arguments left
 * out have their defaults:
 *     SGD(lr=0.01, momentum=0.0, clip_norm=None, lr_scheduler=None)
 *     AdaGrad(lr=0.01, eps=1e-07, ...), RMSProp(lr=0.001, eps=1e-07, decay=0.9, ...)
 *     Adam(lr=0.001, decay1=0.9, decay2=0.999, eps=1e-07, ...)
 *     AdamW(lr=0.001, decay1=0.9, decay2=0.999, eps=1e-07, weight_decay=0.01, ...)
 * All take clip_global_norm=None, weight_decay=0.0 and accumulate=1 too, SGD nesterov=False;
 * Nesterov() is SGD(momentum=0.9, nesterov=True). The scheduler is a call, a text in quotes, or
 * None for ConstantScheduler(lr); lr is the starting rate of a scheduler that names none. A JSON
 * object text, {"id": "SGD", "lr": 0.1}, works too. w NULL: the optimiser has a private store for
 * its cache, for wg_optim_update alone. NULL on error: WG_EARG for a text that does not parse
 * (with the character) or a value out of range, WG_ENAME for an unknown class or argument (with
 * the nearest), WG_ENOMEM. */
WG_API wg_optim *wg_optim_from_text(wg_params *w, const char *name, const char *text,
                                    wg_error *error);

/** NULL is allowed. The store keeps the moments. */
WG_API void wg_optim_free(wg_optim *o);

/** A deep copy with cache, counters and scheduler, over a private store. NULL when out of
 * memory. */
WG_API wg_optim *wg_optim_copy(const wg_optim *o);

/** Another rate and another decay for some weights: those whose whole name fits the pattern, in
 * which '*' stands for any text and '?' for any character: the rate is multiplied by
 * lr_factor, weight_decay by decay_factor. The group that was added last wins. Effective for what
 * is recorded or updated afterwards. Errors: WG_EARG for a NULL pattern or factors that are
 * negative or not finite; WG_ENOMEM. */
WG_API wg_status wg_optim_group(wg_optim *o, const char *pattern, double lr_factor,
                                double decay_factor, wg_error *error);

/* ---- recorded training ---- */

/** Records one step that makes `loss` (one element) smaller, as updates of the open function: of
 * every trainable real entry of the optimiser's store that the loss depends on. The rate comes from
 * the scheduler, for step NAME/step + 1 and from this loss; its history is in entries NAME/..., so
 * that a saved program goes on exactly; NAME/lr is the rate of the last step, NAME/initial_lr the
 * starting rate of schedulers that compute theirs from the step. With accumulate the runs between
 * steps add their gradients into W/NAME_sum, and the scheduler sees their mean loss. Returns the
 * graph. Errors: WG_ESTATE outside of a function; WG_EARG for bad hyperparameters, a NULL
 * optimiser, or a loss no trainable entry leads to; those of wg_grad. */
WG_API wg_graph *wg_minimize(wg_optim *o, wg_tensor *loss);

/** Sets the rate: NAME/lr in the store, and the starting rate of a scheduler that has one; the next
 * runs use it. Errors: WG_EARG unless lr is positive; WG_ESTATE for a scheduler without a starting
 * rate. */
WG_API wg_status wg_optim_set_lr(wg_optim *o, double lr, wg_error *error);

/** The rate of the last step, by either way; before the first the starting rate (NaN for a
 * scheduler without one and for NULL). */
WG_API double wg_optim_lr(const wg_optim *o);

/* ---- numpy-ml's verbs, on arrays ---- */

/** One update of one parameter, in place: param and grad of one type, f32 or f64. `name` is its
 * whole name ("fc1/W"), by which its cache is kept: W/NAME_c and so on in the optimiser's store,
 * and for Adam its count of updates, W/NAME_t. cur_loss, NaN for none, is the loss of this step,
 * recorded once a step for all parameters. A step begins with wg_optim_step; a name that comes
 * again without it begins a run of its own at the same step number. Errors: WG_EARG for a mistake
 * of the constructor, NULL data, or a missing loss; WG_ENAME for an empty name; WG_ESHAPE,
 * WG_EDTYPE where types do not fit; WG_ESTATE with clip_global_norm, which needs
 * wg_optim_update_n; WG_ENOMEM. On error nothing was updated. Source: numpy-ml optimizers.py,
 * update. */
WG_API wg_status wg_optim_update(wg_optim *o, const char *name, wg_array param, wg_array grad,
                                 double cur_loss, wg_error *error);

/** The same for n parameters of one step: the way to clip by their common norm. */
WG_API wg_status wg_optim_update_n(wg_optim *o, int n, const char *const *name,
                                   const wg_array *param, const wg_array *grad, double cur_loss,
                                   wg_error *error);

/** Counts one step (with accumulate one run), before the updates of it. reset_step: the count
 * becomes 0. Errors: those of the constructor, WG_ENOMEM. */
WG_API wg_status wg_optim_step(wg_optim *o, wg_error *error);
WG_API wg_status wg_optim_reset_step(wg_optim *o, wg_error *error);

/** The steps counted so far, by either way; 0 for NULL. Source: numpy-ml optimizers.py,
 * cur_step. */
WG_API int64_t wg_optim_cur_step(const wg_optim *o);

/* ---- parameters ---- */

/** numpy-ml's printed form, to the letter; members numpy-ml does not have only when they are not
 * the default. wg_free. NULL when out of memory. */
WG_API char *wg_optim_text(const wg_optim *o);

/** JSON text {"cache": {...}, "hyperparameters": {...}}; wg_free. Hyperparameters: "id", those of
 * the printed form (None is null), "lr_scheduler" as printed text, "groups" when there are any.
 * Cache: for each parameter its array, {"shape", "data", "dtype" unless f64}, or where it has
 * several an object of them ({"t": 3, "mean": ..., "var": ...} of Adam); and the counter and the
 * scheduler's state as "/step", "/lr" and so on. NULL when out of memory. */
WG_API char *wg_optim_summary(const wg_optim *o);

/** Reads that back, or hyperparameters alone as an object. Keys that are absent keep their value;
 * the values in use change: a new lr reaches the scheduler unless that has a rate of its own.
 * Functions recorded before keep all but rate and cache. On error the optimiser is as it was:
 * WG_EFORMAT for what is no such JSON; WG_ENAME for an unknown key (with the nearest); WG_EARG for
 * another class or a value out of range; WG_ESHAPE, WG_EDTYPE for a cache of other types; WG_ESTATE
 * for another length of history in a store that is not private; WG_ENOMEM. */
WG_API wg_status wg_optim_set_params(wg_optim *o, const char *json, wg_error *error);

#ifndef WG_NO_SITES
#define wg_minimize(...) wg_at_graph(WG_SITE, wg_minimize(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
