/*
 * nn.h: activations, initialisers, losses and layers, as compositions of ops. Names, defaults and
 * shapes are numpy-ml's: images [n, rows, cols, channels], weights [rows, cols, in, out].
 */
#ifndef WENGERT_NN_H
#define WENGERT_NN_H

#include "graph.h"
#include "ops_window.h"
#include "params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- activations ---- */

/** y = f(x), with f from its numpy-ml name: "Identity", "Sigmoid", "Tanh", "ReLU", "Leaky
 * ReLU(alpha=0.3)", "ELU(alpha=1.0)", "SELU", "GELU(approximate=True)", "Exponential", "Hard
 * Sigmoid", "SoftPlus", "Affine(slope=1, intercept=0)". Letter case, blanks, '_' and '-' in names
 * do not matter; arguments may be left out. NULL or "" is Identity. x real, any shape. Errors:
 * WG_ENAME for an unknown name, WG_EARG for a bad argument. Source: numpy-ml activations.py. */
WG_API wg_tensor *wg_act(const char *act_fn, wg_tensor *x);

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
 * ones but std_normal are drawn again beyond two standard deviations. Draws depend on (store seed,
 * entry name, index) alone. Errors: WG_ENAME, WG_ESHAPE for a rank without a fan, WG_EDTYPE.
 * Source: numpy-ml initializers.py; He et al. 2015, Glorot and Bengio 2010. */
WG_API wg_status wg_init_fill(wg_params *w, const char *entry, const char *init, const char *act_fn,
                              wg_error *error);

/** Whether wg_init_fill understands the name (NULL: glorot_uniform); else false with the reason in
 * *error (may be NULL). */
WG_API bool wg_init_known(const char *init, wg_error *error);

/* ---- losses: sums over the batch, as in numpy-ml ---- */

/** 1/2 sum (y_pred - y)^2 -> one element. Source: numpy-ml losses.py, SquaredError. */
WG_API wg_tensor *wg_squared_error(wg_tensor *y, wg_tensor *y_pred);

/** -sum y log(y_pred + 2^-52): y one-hot or class probabilities, y_pred probabilities, both [n,
 * classes] -> one element. Source: numpy-ml losses.py, CrossEntropy. */
WG_API wg_tensor *wg_cross_entropy(wg_tensor *y, wg_tensor *y_pred);

/** The same from the input z [n, classes] of the softmax, without overflow: -sum y
 * log_softmax(z). */
WG_API wg_tensor *wg_cross_entropy_logits(wg_tensor *y, wg_tensor *z);

/** The same from class indices, i64 [n]: -sum over k of log_softmax(z)[k, index[k]]. Error at run
 * time: WG_EINDEX. */
WG_API wg_tensor *wg_cross_entropy_index(wg_tensor *index, wg_tensor *z);

/* ---- layers ---- */

typedef struct wg_layer wg_layer;
typedef struct wg_layer_class wg_layer_class;

/** Records the layer on x and returns its output. The first use learns the input's extents and
 * creates the parameters; using one layer again shares them. Entries lie in the scope of the
 * layer's name; the value before the activation is called NAME/Z (see the plan option keep).
 * Errors: those of its hyperparameters and of its ops; a NULL layer is WG_EARG. */
WG_API wg_tensor *wg_apply(wg_layer *l, wg_tensor *x);

/** The same for layers with several operands. */
WG_API wg_tensor *wg_apply_n(wg_layer *l, int n, wg_tensor *const *x);

/** A frozen layer's entries get no updates; effective for functions recorded afterwards. */
WG_API void wg_layer_freeze(wg_layer *l);
WG_API void wg_layer_unfreeze(wg_layer *l);

/** NULL is allowed. The store keeps the parameters. */
WG_API void wg_layer_free(wg_layer *l);

typedef struct {
    int64_t n_out;      /* >= 1 */
    const char *act_fn; /* NULL: "Identity" */
    const char *init;   /* NULL: "glorot_uniform" */
} wg_fc_hyper;

/** y = f(x W + b): x [..., n_in], W [n_in, n_out], b [1, n_out] -> [..., n_out].
 * Source: numpy-ml layers.py, FullyConnected. */
WG_API wg_layer *wg_fully_connected(wg_params *w, const char *name, wg_fc_hyper hyper);

typedef struct {
    int64_t out_ch;          /* >= 1 */
    int64_t kernel_shape[2]; /* >= 1 */
    int64_t stride;          /* 0: 1 */
    int64_t dilation;        /* inserted elements; 0: ordinary */
    int64_t pad_mode;        /* WG_PAD_EXPLICIT, WG_PAD_SAME */
    int64_t pad[4];          /* top, bottom, left, right */
    const char *act_fn;      /* NULL: "Identity" */
    const char *init;        /* NULL: "glorot_uniform" */
} wg_conv2d_hyper;

/** y = f(x * W + b): x [n, rows, cols, in], W [krows, kcols, in, out_ch], b [1, 1, 1, out_ch].
 * Source: numpy-ml layers.py, Conv2D. */
WG_API wg_layer *wg_conv2d_layer(wg_params *w, const char *name, wg_conv2d_hyper hyper);

typedef struct {
    int64_t kernel_shape[2]; /* >= 1 */
    int64_t stride;          /* 0: 1 */
    int64_t pad_mode, pad[4];
    const char *mode; /* NULL: "max"; "average" */
} wg_pool2d_hyper;

/** Pooling of [n, rows, cols, ch]. Source: numpy-ml layers.py, Pool2D. */
WG_API wg_layer *wg_pool2d(wg_params *w, const char *name, wg_pool2d_hyper hyper);

typedef struct {
    const char
        *keep_dim; /* NULL: "first": [n, ...] -> [n, rest]; "last": [rest, m]; "none": [1, all] */
} wg_flatten_hyper;

/** Source: numpy-ml layers.py, Flatten. */
WG_API wg_layer *wg_flatten(wg_params *w, const char *name, wg_flatten_hyper hyper);

#ifndef WG_NO_SITES
#define wg_act(...)                  wg_at(WG_SITE, wg_act(__VA_ARGS__))
#define wg_squared_error(...)        wg_at(WG_SITE, wg_squared_error(__VA_ARGS__))
#define wg_cross_entropy(...)        wg_at(WG_SITE, wg_cross_entropy(__VA_ARGS__))
#define wg_cross_entropy_logits(...) wg_at(WG_SITE, wg_cross_entropy_logits(__VA_ARGS__))
#define wg_cross_entropy_index(...)  wg_at(WG_SITE, wg_cross_entropy_index(__VA_ARGS__))
#define wg_apply(...)                wg_at(WG_SITE, wg_apply(__VA_ARGS__))
#define wg_apply_n(...)              wg_at(WG_SITE, wg_apply_n(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
