/*
 * graph.h: the tape. A tensor is one entry of it: an op, its attributes, its operands and the type
 * inferred from them; it holds no value. Recording never returns NULL for a user's mistake: the
 * graph keeps the first error, and every later constructor returns the graph's poison tensor, so
 * calls nest and one check at the end is enough.
 */
#ifndef WENGERT_GRAPH_H
#define WENGERT_GRAPH_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wg_graph wg_graph;
typedef struct wg_tensor wg_tensor;
typedef struct wg_op wg_op;

/** A new, empty graph; NULL when out of memory. The caller owns it: wg_graph_free. */
WG_API wg_graph *wg_graph_new(void);

/** Frees the graph and all its tensors. Plans made from it keep it alive until the last of them is
 * freed. NULL is allowed. */
WG_API void wg_graph_free(wg_graph *g);

/** The first error of the recording, or NULL when there is none. For NULL a static out-of-memory
 * error. Owned by the graph. */
WG_API const wg_error *wg_graph_error(const wg_graph *g);

/** Number of entries recorded so far. */
WG_API int64_t wg_graph_count(const wg_graph *g);

/** Entry `id` in recording order; NULL when out of range. */
WG_API wg_tensor *wg_graph_at(const wg_graph *g, int64_t id);

/* ---- what a tensor is ---- */

WG_API wg_graph *wg_tensor_graph(const wg_tensor *t);
WG_API const wg_type *wg_tensor_type(const wg_tensor *t); /* for the example extents */
WG_API int64_t wg_tensor_id(const wg_tensor *t);
WG_API const char *wg_tensor_op(const wg_tensor *t); /* record name, "matmul" */
WG_API int wg_tensor_n_in(const wg_tensor *t);
WG_API wg_tensor *wg_tensor_in(const wg_tensor *t, int i);
WG_API const char *wg_tensor_name(const wg_tensor *t);  /* given by wg_name, or NULL */
WG_API const char *wg_tensor_scope(const wg_tensor *t); /* "encoder/fc1" or "" */
WG_API const char *wg_tensor_site(const wg_tensor *t);  /* "model.c:42" or NULL */
WG_API bool wg_tensor_derived(const wg_tensor *t);      /* recorded by a gradient rule */

/** The name of an input, a store entry's leaf, or a random draw (its full name): what wg_plan_feed
 * and wg_params_find take. NULL for any other tensor. The graph's. */
WG_API const char *wg_tensor_leaf_name(const wg_tensor *t);

/* ---- call sites ---- */

/** Stamps every entry recorded since the last stamp, or the error that has just happened, with
 * `site`, and returns t. The macros that shadow the constructors call it; a user never does. */
WG_API wg_tensor *wg_at(const char *site, wg_tensor *t);

/** The same for functions that return the graph. */
WG_API wg_graph *wg_at_graph(const char *site, wg_graph *g);

/* ---- names and scopes ---- */

/** Names a tensor for pictures, errors, and reading with the plan option `keep`: its full name is
 * scope/name, in the scope it was recorded in: fc1/name for the result of a layer fc1. Returns t.
 * Error: WG_ENAME when name is empty or holds '/', or when another tensor of this function has that
 * full name. */
WG_API wg_tensor *wg_name(wg_tensor *t, const char *name);

/** Opens a scope, printf-like: entries recorded until the matching wg_scope_end lie in outer/inner.
 * Error: WG_ENAME for an empty name. Returns g. */
WG_API wg_graph *wg_scope_begin(wg_graph *g, const char *fmt, ...) WG_PRINTF(2, 3);

/** Closes the innermost scope. Error: WG_ESTATE when none is open. Returns g. */
WG_API wg_graph *wg_scope_end(wg_graph *g);

/** The path of the open scopes, "encoder/fc1", or "" at the top. */
WG_API const char *wg_scope(const wg_graph *g);

/* ---- functions: named entry points ---- */

typedef enum { WG_TRAIN, WG_PREDICT } wg_mode;

/** Opens the function `name`; outputs and updates recorded until wg_end belong to it.
 * Errors: WG_ENAME when empty or already used, WG_ESTATE when another one is open. Returns g. */
WG_API wg_graph *wg_begin(wg_graph *g, const char *name, wg_mode mode);

/** Closes the open function. Error: WG_ESTATE when none is open. Returns g. */
WG_API wg_graph *wg_end(wg_graph *g);

/** The mode of the open function; WG_PREDICT outside of one. */
WG_API wg_mode wg_mode_of(const wg_graph *g);

/** Makes t an output of the open function under `name`. Returns t. Errors: WG_ESTATE outside of a
 * function, WG_ENAME for an empty name or one the function has. */
WG_API wg_tensor *wg_output(const char *name, wg_tensor *t);

/** Store entry `entry` takes the value of t after each successful run of the open function. The
 * type must be that of the entry's parameter leaf, if the graph has one (else it is checked when a
 * plan is made). Returns t. Errors: WG_ESTATE outside of a function; WG_ENAME when the function
 * updates the entry already and the pending value was not read by wg_pending since (it would be
 * lost); WG_ESHAPE, WG_EDTYPE. */
WG_API wg_tensor *wg_update(const char *entry, wg_tensor *t);

/** The value last assigned to `entry` in the open function; else the entry's parameter leaf, which
 * must have been recorded. Error: WG_ENAME otherwise. */
WG_API wg_tensor *wg_pending(wg_graph *g, const char *entry);

/** As wg_update, but it takes effect only when the function has another update when it is closed,
 * and only if nothing else updates the entry: the way random draws advance their run counter. */
WG_API wg_tensor *wg_update_along(const char *entry, wg_tensor *t);

/* Asking: what a program offers, for code that does not know the model. All strings and tensors
 * are the graph's. Out-of-range indices give NULL. */
WG_API int wg_function_count(const wg_graph *g);
WG_API const char *wg_function_name(const wg_graph *g, int f);
WG_API wg_mode wg_function_mode(const wg_graph *g, int f);
WG_API int wg_function_find(const wg_graph *g, const char *name); /* -1: none */
WG_API int wg_function_n_outputs(const wg_graph *g, int f);
WG_API const char *wg_function_output_name(const wg_graph *g, int f, int i);
WG_API wg_tensor *wg_function_output(const wg_graph *g, int f, int i);
WG_API int wg_function_n_updates(const wg_graph *g, int f);
WG_API const char *wg_function_update_name(const wg_graph *g, int f, int i);
WG_API wg_tensor *wg_function_update(const wg_graph *g, int f, int i);

/** The inputs function f needs, in order of first use: at most max of them into leaf (which may be
 * NULL when max is 0). wg_tensor_leaf_name is the name to feed one by. Returns their number; -1
 * when out of memory or f is out of range. */
WG_API int wg_function_inputs(const wg_graph *g, int f, int max, wg_tensor **leaf);

/** Metadata: free strings that are saved with the graph. Setting NULL removes. Returns g. */
WG_API wg_graph *wg_metadata_set(wg_graph *g, const char *key, const char *value);
WG_API const char *wg_metadata_get(const wg_graph *g, const char *key);

/* ---- walking, printing, copying ---- */

/** Left-to-right post-order of everything the n outputs depend on, operands before users: into
 * *order (wg_free it), returns the number of entries, -1 when out of memory or for a NULL array.
 * Every walk of the library is this one, so nothing depends on the order in which C evaluated
 * arguments. */
WG_API int64_t wg_order(int n, wg_tensor *const *outputs, wg_tensor ***order);

/** Prints the entries that the n outputs depend on, one a line:
 * `%3 = matmul(%1, %2) {ta: false} : f32[32 x 10]  model.c:42 in mlp/fc1`. */
WG_API void wg_print(int n, wg_tensor *const *outputs, FILE *to);

/** Prints functions with outputs and updates, each with its entries. */
WG_API void wg_graph_print(const wg_graph *g, FILE *to);

/** Graphviz text of one function (NULL: all): scopes as clusters, types on edges, gradient entries
 * drawn apart from forward ones. WG_ENAME for an unknown function, WG_EIO when writing failed. */
WG_API wg_status wg_dot_write(const wg_graph *g, const char *function, FILE *to, wg_error *error);

/** Re-infers every entry and compares; checks operands and attributes. WG_OK, or the first
 * fault. */
WG_API wg_status wg_verify(const wg_graph *g, wg_error *error);

/** Copies what the n outputs depend on into graph `to` (which may be the same graph). Tensors in
 * from[0..n_sub) are replaced by with[i] (tensors of `to`). Where `real` is WG_F32 or WG_F64, every
 * real element type in attributes, constants and leaves becomes that one; WG_N_DTYPES keeps them.
 * copy[i] becomes the copy of outputs[i]. Returns to. Errors are kept in `to`. */
typedef struct {
    int n_sub;
    wg_tensor *const *from, *const *with;
    wg_dtype real;
} wg_clone_options;
WG_API wg_graph *wg_clone(wg_graph *to, int n, wg_tensor *const *outputs,
                          const wg_clone_options *options, wg_tensor **copy);

#ifndef WG_NO_SITES
#define wg_name(...)        wg_at(WG_SITE, wg_name(__VA_ARGS__))
#define wg_output(...)      wg_at(WG_SITE, wg_output(__VA_ARGS__))
#define wg_update(...)      wg_at(WG_SITE, wg_update(__VA_ARGS__))
#define wg_pending(...)     wg_at(WG_SITE, wg_pending(__VA_ARGS__))
#define wg_begin(...)       wg_at_graph(WG_SITE, wg_begin(__VA_ARGS__))
#define wg_end(...)         wg_at_graph(WG_SITE, wg_end(__VA_ARGS__))
#define wg_scope_begin(...) wg_at_graph(WG_SITE, wg_scope_begin(__VA_ARGS__))
#define wg_scope_end(...)   wg_at_graph(WG_SITE, wg_scope_end(__VA_ARGS__))
#define wg_clone(...)       wg_at_graph(WG_SITE, wg_clone(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
