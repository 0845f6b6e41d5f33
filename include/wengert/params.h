/*
 * params.h: the parameter store: weights, optimiser moments, running statistics, learning rates and
 * counters, found by name. A store is outside of the graph; plans read it and commit updates to it.
 */
#ifndef WENGERT_PARAMS_H
#define WENGERT_PARAMS_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wg_params wg_params;

typedef struct {
    const char *name; /* "encoder/fc1/W"; the store's */
    wg_array value;   /* memory of the store; stays at its address until the store is freed */
    bool trainable;
} wg_param;

/** A new store. `dtype` (f32 or f64) is the element type layers give their weights, `seed` what all
 * initial values and random draws of its programs come from. It holds two entries at once:
 * "rng/seed" and "rng/run" (i64 scalars, not trainable). NULL when out of memory or dtype is not
 * real. */
WG_API wg_params *wg_params_new(wg_dtype dtype, uint64_t seed);

/** NULL is allowed. */
WG_API void wg_params_free(wg_params *w);

WG_API wg_dtype wg_params_dtype(const wg_params *w);
WG_API uint64_t wg_params_seed(const wg_params *w);

/** Adds an entry filled with zeros and claims it. An entry that was loaded with the same type is
 * claimed as it is, and *fresh (may be NULL) becomes false: its value is kept. Errors: WG_ENAME for
 * an empty name or one claimed already (two layers with one path), WG_ESHAPE or WG_EDTYPE when the
 * loaded entry has another type, WG_ENOMEM. */
WG_API wg_status wg_params_add(wg_params *w, const char *name, wg_dtype dtype, wg_shape shape,
                               bool trainable, bool *fresh, wg_error *error);

WG_API int wg_params_count(const wg_params *w);
WG_API const wg_param *wg_params_at(const wg_params *w, int i); /* in order of addition */
WG_API const wg_param *wg_params_find(const wg_params *w, const char *name); /* NULL: none */

/** Sets whether `name`, or with a trailing "/" or for "" every entry below it, is trained. WG_ENAME
 * when nothing matches. */
WG_API wg_status wg_params_set_trainable(wg_params *w, const char *name, bool trainable,
                                         wg_error *error);

/** Copies an entry's value into / from the caller's array, whose type must be the entry's.
 * Errors: WG_ENAME, WG_ESHAPE, WG_EDTYPE. */
WG_API wg_status wg_params_get(const wg_params *w, const char *name, wg_array to, wg_error *error);
WG_API wg_status wg_params_set(wg_params *w, const char *name, wg_array from, wg_error *error);

/** Fill an entry: one value; uniform in [lo, hi); normal. Draws depend on (seed, name, index)
 * alone. */
WG_API wg_status wg_params_fill(wg_params *w, const char *name, double value, wg_error *error);
WG_API wg_status wg_params_fill_uniform(wg_params *w, const char *name, double lo, double hi,
                                        wg_error *error);
WG_API wg_status wg_params_fill_normal(wg_params *w, const char *name, double mean, double std,
                                       wg_error *error);

/** A deep copy; entries of real type are converted to `real` (WG_N_DTYPES keeps them). NULL: out of
 * memory. */
WG_API wg_params *wg_params_copy(const wg_params *w, wg_dtype real);

/** The parameter leaf of an entry of the store, recorded in g on first use. WG_ENAME when the store
 * has no such entry. */
WG_API wg_tensor *wg_param_leaf(wg_graph *g, const wg_params *w, const char *name);

#ifndef WG_NO_SITES
#define wg_param_leaf(...) wg_at(WG_SITE, wg_param_leaf(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
