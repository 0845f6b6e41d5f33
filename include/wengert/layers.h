/*
 * layers.h: layers. In a graph a layer is a function of tensors: wg_apply. On arrays it has
 * numpy-ml's verbs: forward, backward, update. Names, defaults and shapes are numpy-ml's: images
 * [n, rows, cols, channels], weights [rows, cols, in, out], sequences [n, n_in, n_t]. A zero in a
 * hyperparameter struct means the default; where zero itself is wanted, say it by
 * wg_layer_set_params.
 */
#ifndef WENGERT_LAYERS_H
#define WENGERT_LAYERS_H

#include "graph.h"
#include "ops_window.h"
#include "params.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wg_layer wg_layer;
typedef struct wg_layer_class wg_layer_class;

/* ---- in a graph ---- */

/** Records the layer on x and returns its output. The first use learns the input's extents and
 * creates the parameters; using one layer again shares them. Entries lie in the scope of the
 * layer's name; the value before the activation is called NAME/Z (see the plan option keep).
 * Errors: those of its hyperparameters and of its ops; a NULL layer is WG_EARG. */
WG_API wg_tensor *wg_apply(wg_layer *l, wg_tensor *x);

/** The same for layers with several operands; of several results it returns the first. */
WG_API wg_tensor *wg_apply_n(wg_layer *l, int n, wg_tensor *const *x);

/** The same with all results into y, wg_layer_n_out(l) of them. Returns the graph. */
WG_API wg_graph *wg_apply_all(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y);

/* ---- what all layers have ---- */

/** A layer of the class called `kind` ("Conv2D"), with hyperparameters from JSON text: an object
 * with numpy-ml's keys, or what wg_layer_hyperparameters wrote; NULL or absent keys: defaults.
 * Misspelt classes and keys are errors that name the nearest valid one. NULL on error. The caller
 * owns it: wg_layer_free. */
WG_API wg_layer *wg_layer_make(wg_params *w, const char *name, const char *kind, const char *json,
                               wg_error *error);

/** NULL is allowed. Frees the components too. The store keeps the parameters. */
WG_API void wg_layer_free(wg_layer *l);

WG_API const char *wg_layer_name(const wg_layer *l); /* its path in the store: "skip/conv1" */
WG_API const char *wg_layer_kind(const wg_layer *l); /* its class: "Conv2D" */
WG_API int wg_layer_n_out(const wg_layer *l);        /* results of a forward */

/** The first mistake of the layer's last call or of its hyperparameters; code WG_OK: none. The
 * layer's. */
WG_API const wg_error *wg_layer_error(const wg_layer *l);

/** A frozen layer's entries (and those of its components) get no gradients and no updates, and
 * batch norm and dropout behave as in prediction; effective for functions recorded afterwards and
 * for the next verb. */
WG_API void wg_layer_freeze(wg_layer *l);
WG_API void wg_layer_unfreeze(wg_layer *l);
WG_API bool wg_layer_trainable(const wg_layer *l);

/** The components of a module or wrapper, in numpy-ml's order of component_ids; the layer's. */
WG_API int wg_layer_n_components(const wg_layer *l);
WG_API wg_layer *wg_layer_component_at(const wg_layer *l, int i);
WG_API const char *wg_layer_component_id(const wg_layer *l, int i);
WG_API wg_layer *wg_layer_component(const wg_layer *l, const char *id); /* NULL: none */

/** The layer's own parameters (without its components'): "W", "b"; none before the first use.
 * The array is the store's: writing to it changes the parameter. */
WG_API int wg_layer_n_params(const wg_layer *l);
WG_API const char *wg_layer_param_key(const wg_layer *l, int i);
WG_API wg_array wg_layer_param_value(const wg_layer *l, int i);
WG_API wg_array wg_layer_parameter(const wg_layer *l, const char *key); /* data NULL: none */

/** JSON text, new memory: wg_free; NULL when out of memory. hyperparameters: {"layer": class,
 * numpy-ml's keys, "optimizer": {"cache", "hyperparameters"}, "component_ids", "components"};
 * summary: {"layer", "parameters", "hyperparameters"}, a module's components nested. */
WG_API char *wg_layer_hyperparameters(const wg_layer *l);
WG_API char *wg_layer_summary(const wg_layer *l);

/** Reads a summary (or a part of one): hyperparameters, parameters, optimizer with cache,
 * components. Absent keys keep their values, and components those of their own unless the layer
 * itself is changed. Where a hyperparameter changes, retained forwards are forgotten. Random draws
 * are no part of it: they go on from the store's own rng/seed and rng/run, by the layer's name. On
 * an error the layer is as it was. Errors: WG_EFORMAT for text that is not JSON, WG_ENAME for
 * unknown keys (with the nearest valid one) and for the summary of another class, WG_ESHAPE,
 * WG_EARG for values out of range. */
WG_API wg_status wg_layer_set_params(wg_layer *l, const char *json);

/* ---- numpy-ml's verbs, on arrays ---- */

/** Runs the layer on n arrays. y gets wg_layer_n_out(l) arrays: the layer's memory, valid until its
 * next verb. With `retain`, as in training: batch norm uses the batch, dropout drops, and what the
 * gradient needs is kept for wg_layer_backward, whatever happens to parameters and inputs
 * meanwhile; without, as in prediction. Cells (RNNCell, LSTMCell) take one step: n counts the
 * inputs without the states, which the layer carries, zeros at first. Batch, image size and length
 * may differ from call to call. Errors: those of the ops, with the layer's path. */
WG_API wg_status wg_layer_forward(wg_layer *l, int n, const wg_array *x, bool retain, wg_array *y);

/** Gradients of sum(dy * y): dy holds wg_layer_n_out(l) arrays for each of `forwards` retained
 * forwards, oldest first (data NULL: zero); dx (may be NULL) gets as many arrays as those forwards
 * had inputs, in order: the layer's memory, valid until its next verb; data NULL for an integer
 * input. With `retain_grads` parameter gradients are added to the layer's and its components'
 * gradients. Cells step backwards: forwards is 1, and every call takes the latest step not yet
 * taken. Errors: WG_ESTATE when fewer forwards are retained; WG_ESHAPE. */
WG_API wg_status wg_layer_backward(wg_layer *l, int forwards, const wg_array *dy, bool retain_grads,
                                   wg_array *dx);

/** Applies the optimizer to every trainable parameter of the layer and its components, then
 * flushes. cur_loss is for schedulers that ask for it; NAN: none. WG_ESTATE for a frozen layer. */
WG_API wg_status wg_layer_update(wg_layer *l, double cur_loss);

/** Forgets gradients, retained forwards, derived variables and states of cells. */
WG_API void wg_layer_flush_gradients(wg_layer *l);

/** The optimizer of update, from its text ("Adam(lr=0.01)"), for the layer and its components;
 * NULL: SGD(), which is the default. */
WG_API wg_status wg_layer_set_optimizer(wg_layer *l, const char *text);

/** The gradient added up for the parameter; data NULL when there is none. The layer's memory. */
WG_API wg_array wg_layer_gradient(const wg_layer *l, const char *key);

/** A derived variable of the last retained forward ("Z", "conv1_out") or backward ("dLdConv1");
 * data NULL when there is none. The layer's memory, until the next verb. */
WG_API wg_array wg_layer_derived(const wg_layer *l, const char *key);

/* ---- layers ---- */

typedef struct {
    int64_t n_out;      /* >= 1 */
    const char *act_fn; /* NULL: "Identity" */
    const char *init;   /* NULL: "glorot_uniform" */
    bool no_bias;       /* "bias" in text, the other way round */
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
    bool no_bias;
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
#define wg_apply(...)     wg_at(WG_SITE, wg_apply(__VA_ARGS__))
#define wg_apply_n(...)   wg_at(WG_SITE, wg_apply_n(__VA_ARGS__))
#define wg_apply_all(...) wg_at_graph(WG_SITE, wg_apply_all(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
