/*
 * layer.h: for authors of layers. A layer class is a static record: hyperparameters as a plain
 * struct with a field table, init for the parameters it learns at first use, apply to record the
 * forward pass. No layer has a backward pass of its own.
 */
#ifndef WENGERT_LAYER_H
#define WENGERT_LAYER_H

#include "nn.h"
#include "op.h"
#include "params.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wg_layer_class {
    const char *name; /* numpy-ml's own: "FullyConnected" */
    size_t hyper_size;
    const wg_field *hyper; /* same field tables as op attributes */
    int n_in;              /* operands of apply; -1: one or more */
    bool (*init)(wg_layer *l, int n,
                 const wg_type *const *x); /* first use: create parameters; NULL: none */
    wg_tensor *(*apply)(wg_layer *l, int n, wg_tensor *const *x); /* record the forward pass */
};

/** A layer of this class over the store, under `name`, with its own copy of the hyperparameters.
 * Never NULL but when out of memory; a mistake is kept and reported by the first wg_apply. The
 * caller owns it: wg_layer_free. */
WG_API wg_layer *wg_layer_new(const wg_layer_class *kind, wg_params *w, const char *name,
                              const void *hyper);

/** What init and apply may ask. Strings and structs are the layer's. */
WG_API const void *wg_layer_hyper(const wg_layer *l);
WG_API const char *wg_layer_name(const wg_layer *l);
WG_API wg_params *wg_layer_store(const wg_layer *l);

/** init: creates entry NAME/`key` of the store's element type, filled by the initialiser `init`
 * ("zeros", "ones", or one of wg_init_fill) for the activation `act_fn` (NULL: none), unless the
 * store was loaded with it. false after an error. */
WG_API bool wg_layer_param(wg_layer *l, const char *key, wg_shape shape, bool trainable,
                           const char *init, const char *act_fn);

/** apply: the parameter leaf of NAME/`key` in graph g. */
WG_API wg_tensor *wg_layer_leaf(const wg_layer *l, wg_graph *g, const char *key);

/** apply: names a value of the forward pass ("Z") for reading by path, as numpy-ml's
 * derived_variables; a layer recorded again in one scope leaves the name to its first value.
 * Returns t. */
WG_API wg_tensor *wg_layer_value(const wg_layer *l, wg_tensor *t, const char *key);

/** Reports a mistake of hyperparameters or operands from init; false, so that init can return
 * it. */
WG_API bool wg_layer_fail(wg_layer *l, wg_status code, const char *fmt, ...) WG_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif

#endif
