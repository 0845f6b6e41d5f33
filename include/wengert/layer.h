/*
 * layer.h: for authors of layers. A layer class is a static record: hyperparameters as a plain
 * struct with a field table, make for what can be done before any input is known, init for the
 * parameters it learns at first use, apply to record the forward pass. No layer has a backward pass
 * of its own.
 */
#ifndef WENGERT_LAYER_H
#define WENGERT_LAYER_H

#include "layers.h"
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
    int n_in;              /* most operands of apply; -1: one or more */
    int n_optional;        /* so many of the last ones may be left out */
    int n_out;             /* results, at most 8; 0: one */
    /* Cells: the last n_state operands are states, the last n_state results their next values. */
    int n_state;
    /* At construction: checks hyperparameters, adds components. NULL: nothing to do. */
    bool (*make)(wg_layer *l);
    /* First use: creates the parameters. NULL: none. */
    bool (*init)(wg_layer *l, int n, const wg_type *const *x);
    /* Records the forward pass: apply for one result, apply_all for more. */
    wg_tensor *(*apply)(wg_layer *l, int n, wg_tensor *const *x);
    bool (*apply_all)(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y);
    /* Cells: the extents of state i for inputs of these types. */
    wg_shape (*state)(const wg_layer *l, const wg_type *const *x, int i);
    /* After step number `step` of wg_layer_update, unless frozen; false after an error. NULL:
     * nothing to do. */
    bool (*updated)(wg_layer *l, int64_t step);
};

/** All classes of the library, models (models.h) among them; the record of that name, letter case
 * apart, or NULL. */
WG_API int wg_layer_n_classes(void);
WG_API const wg_layer_class *wg_layer_class_at(int i);
WG_API const wg_layer_class *wg_layer_class_find(const char *name);

/** A layer of this class over the store, under `name`, with its own copy of the hyperparameters:
 * zeros and NULLs there are replaced by the defaults of the field table. Never NULL but when out of
 * memory; a mistake is kept (wg_layer_error) and reported by the first wg_apply. The caller owns
 * it: wg_layer_free. */
WG_API wg_layer *wg_layer_new(const wg_layer_class *kind, wg_params *w, const char *name,
                              const void *hyper);

/** What make, init and apply may ask. Strings and structs are the layer's. */
WG_API const void *wg_layer_hyper(const wg_layer *l);
WG_API wg_params *wg_layer_store(const wg_layer *l);

/** make, init: the layer's own struct of hyperparameters, to put there what only the first input
 * tells (the channels of X), and in a component's a zero that is meant. Strings are not to be
 * changed. */
WG_API void *wg_layer_change_hyper(wg_layer *l);

/** apply: whether the layer trains in graph g: the open function is for training and neither the
 * layer nor one it is a component of is frozen. */
WG_API bool wg_layer_trains(const wg_layer *l, const wg_graph *g);

/** make: adds the component `id` of the class called `kind`, under NAME/id, with its own
 * hyperparameters; the layer owns it. NULL after an error. In apply record it by wg_apply. */
WG_API wg_layer *wg_layer_add(wg_layer *l, const char *id, const char *kind, const void *hyper);

/** make: whether wg_act and wg_init_fill understand these; else false, with their reason kept. */
WG_API bool wg_layer_knows(wg_layer *l, const char *act_fn, const char *init);

/** init: creates entry NAME/`key` of the store's element type, filled by the initialiser `init`
 * ("zeros", "ones", or one of wg_init_fill) for the activation `act_fn` (NULL: none), unless the
 * store was loaded with it. false after an error. */
WG_API bool wg_layer_param(wg_layer *l, const char *key, wg_shape shape, bool trainable,
                           const char *init, const char *act_fn);

/** apply: the parameter leaf of NAME/`key` in graph g. */
WG_API wg_tensor *wg_layer_leaf(const wg_layer *l, wg_graph *g, const char *key);

/** apply: NAME/`key` takes the value of t after each run of the open function (running statistics);
 * outside of a function nothing happens. Used again in one function, a layer goes on from
 * wg_layer_pending: the value assigned last, else the leaf. Return t, and the value. */
WG_API wg_tensor *wg_layer_assign(const wg_layer *l, wg_tensor *t, const char *key);
WG_API wg_tensor *wg_layer_pending(const wg_layer *l, wg_graph *g, const char *key);

/** apply: names a value of the forward pass ("Z") for reading by path, as numpy-ml's
 * derived_variables; a layer recorded again in one scope leaves the name to its first value.
 * Returns t. */
WG_API wg_tensor *wg_layer_value(const wg_layer *l, wg_tensor *t, const char *key);

/** apply: the gradient that arrives at t is the derived variable `key` ("dLdConv1") of a backward.
 * Returns t. */
WG_API wg_tensor *wg_layer_value_grad(const wg_layer *l, wg_tensor *t, const char *key);

/** Reports a mistake of hyperparameters or operands from make or init; false, so that they can
 * return it. From apply: wg_record_fail. */
WG_API bool wg_layer_fail(wg_layer *l, wg_status code, const char *fmt, ...) WG_PRINTF(3, 4);

/* A bool hyperparameter whose default is true is held the other way round in the struct, so that
 * zero is the default there too: `json` is the name and sense of the text form. */
#define WG_FIELD_NOT(T, f, json)                                                                   \
    {                                                                                              \
        json, WG_A_BOOL, offsetof(T, f), sizeof(((T *)0)->f), NULL, 1, "not"                       \
    }

/* Field tables of layers: an int64_t f[2] or f[4] called NAME beside a WG_CHOICE called NAME_mode
 * is numpy-ml's pad in text form: "same", "causal", an int, [r, c] or [top, bottom, left, right].
 */

#ifdef __cplusplus
}
#endif

#endif
