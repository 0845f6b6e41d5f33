/*
 * optim.h: optimisers. An optimiser describes; wg_minimize records gradient, clipping, moments and
 * new weights as updates of the open function, so a whole training step is one function that can be
 * planned and saved.
 */
#ifndef WENGERT_OPTIM_H
#define WENGERT_OPTIM_H

#include "graph.h"
#include "params.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wg_optim wg_optim;

typedef struct {
    double lr;        /* > 0 */
    double momentum;  /* 0 <= momentum < 1 */
    double clip_norm; /* each gradient is scaled down to this L2 norm when longer; 0: not */
} wg_sgd_hyper;

typedef struct {
    double lr;             /* > 0 */
    double decay1, decay2; /* of the first and second moment, in [0, 1) */
    double eps;            /* > 0 */
    double clip_norm;      /* 0: none */
} wg_adam_hyper;

/** numpy-ml's defaults: lr 0.01, momentum 0; lr 0.001, decay1 0.9, decay2 0.999, eps 1e-7; no
 * clipping. */
WG_API wg_sgd_hyper wg_sgd_defaults(void);
WG_API wg_adam_hyper wg_adam_defaults(void);

/** c <- momentum c + lr g; W <- W - c. The store gets NAME/lr (f64) and NAME/step (i64), and an
 * entry W/NAME_c for each weight when momentum is not 0. hyper NULL: defaults. Never NULL but when
 * out of memory; a mistake is reported by the first wg_minimize. Source: numpy-ml optimizers.py,
 * SGD. */
WG_API wg_optim *wg_sgd(wg_params *w, const char *name, const wg_sgd_hyper *hyper);

/** m <- d1 m + (1 - d1) g; v <- d2 v + (1 - d2) g g; W <- W - lr m^ / (sqrt(v^) + eps), with m^ = m
 * / (1 - d1^t), v^ = v / (1 - d2^t). Entries W/NAME_m, W/NAME_v. Source: numpy-ml optimizers.py,
 * Adam; Kingma and Ba 2015. */
WG_API wg_optim *wg_adam(wg_params *w, const char *name, const wg_adam_hyper *hyper);

/** NULL is allowed. The store keeps the moments. */
WG_API void wg_optim_free(wg_optim *o);

/** Records one step that makes `loss` (one element) smaller, as updates of the open function: of
 * every trainable real entry of the optimiser's store that the loss depends on. Returns the graph.
 * Errors: WG_ESTATE outside of a function; WG_EARG for bad hyperparameters, a NULL optimiser, or a
 * loss no trainable entry leads to; those of wg_grad. */
WG_API wg_graph *wg_minimize(wg_optim *o, wg_tensor *loss);

/** Sets NAME/lr in the store: the next runs use it. */
WG_API wg_status wg_optim_set_lr(wg_optim *o, double lr, wg_error *error);

#ifndef WG_NO_SITES
#define wg_minimize(...) wg_at_graph(WG_SITE, wg_minimize(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
