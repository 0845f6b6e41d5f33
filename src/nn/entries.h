/* entries.h: store entries that belong to one optimiser or scheduler, below one name. */
#ifndef WG_NN_ENTRIES_H
#define WG_NN_ENTRIES_H

#include "wengert/graph.h"
#include "wengert/params.h"

typedef struct {
    wg_params *store;
    bool own; /* the store is freed with the entries */
    char *name;
    char **made; /* full names of the entries made or claimed; a second function uses them again */
    int n, cap;
} wg__entries;

/* store NULL: a private one. false when out of memory. */
bool wg__entries_start(wg__entries *e, wg_params *store, const char *name);
void wg__entries_end(wg__entries *e);

/* Another set over a private copy of the store that holds these entries alone. */
bool wg__entries_copy(wg__entries *to, const wg__entries *from);

/* Sees to it that the store has `full`, not trainable, of this type. fresh: it was made now, of
 * zeros. Errors, as `op`'s: those of wg_params_add. */
bool wg__entry_claim(wg__entries *e, const char *op, const char *full, wg_dtype dtype,
                     wg_shape shape, bool *fresh, wg_error *error);

/* The value of NAME/key when this set has made it; NULL otherwise. Writable memory of the store. */
const wg_array *wg__entry_value(const wg__entries *e, const char *key);

/* NAME/key filled with `value` (a scalar or more), made when the store lacks it. */
bool wg__entry_set(wg__entries *e, const char *op, const char *key, wg_dtype dtype, double value,
                   wg_error *error);

/* The leaf of NAME/key in g: zeros, or `first` in every element, unless the store has it. The
 * poison after an error. */
wg_tensor *wg__entry_leaf(wg__entries *e, wg_graph *g, const char *op, const char *key,
                          wg_dtype dtype, wg_shape shape, double first);

/* Records NAME/key <- t, or with `apply` (bool scalar, may be NULL) only where that is true. */
void wg__entry_keep(const wg__entries *e, const char *key, wg_tensor *t, wg_tensor *apply);

enum { WG__ENTRY_TEXT = 1024 };

/* "NAME/key" into buf; false when it does not fit. */
bool wg__entry_name(const wg__entries *e, const char *key, char buf[WG__ENTRY_TEXT]);

#endif
