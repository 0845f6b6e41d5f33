/* internal.h: what the rooms of src/graph share. Nothing outside of src/graph includes it. */
#ifndef WG_GRAPH_INTERNAL_H
#define WG_GRAPH_INTERNAL_H

#include <stdarg.h>

#include "wengert/graph.h"
#include "wengert/op.h"
#include "wengert/params.h"
#include "wengert/plan.h"

/* ---- memory: alloc.c, the one gate ---- */

void *wg__alloc(size_t bytes); /* NULL when out of memory; 0 bytes give 1 */
void *wg__zalloc(size_t bytes);
size_t wg__block_bytes(const void *p);   /* of a block from wg__alloc; 0 for NULL */
void *wg__array(int64_t n, size_t size); /* overflow-checked, not cleared */
void *wg__grow(void *p, int64_t *cap, int64_t need,
               size_t size); /* at least doubles *cap; NULL: p and *cap stay */
void wg__release(void *p);   /* NULL allowed */
char *wg__strdup(const char *s);
size_t wg__live_bytes(void);                      /* bytes held through the gate now; for tests */
int64_t wg__alloc_count(void);                    /* allocations ever made; for tests */
bool wg__mul(int64_t a, int64_t b, int64_t *out); /* false on overflow or a negative factor */
bool wg__add(int64_t a, int64_t b, int64_t *out);

/* ---- arena.c: bump allocator; freed as a whole ---- */

typedef struct wg_page wg_page;
typedef struct {
    wg_page *page;
    size_t page_bytes; /* next page's size */
} wg_arena;

void wg__arena_init(wg_arena *a);
void *wg__arena_take(wg_arena *a, size_t bytes); /* aligned to 16; NULL when out of memory */
char *wg__arena_text(wg_arena *a, const char *s);
size_t wg__arena_bytes(const wg_arena *a); /* taken through the gate */
void wg__arena_free(wg_arena *a);

/* ---- table.c: hash tables ---- */

/* text -> number */
typedef struct {
    struct wg_slot *slot;
    int64_t n, cap;
} wg_table;

void wg__table_free(wg_table *t);
int64_t wg__table_get(const wg_table *t, const char *key);       /* -1: absent */
bool wg__table_put(wg_table *t, const char *key, int64_t value); /* key is borrowed; replaces */

/* 64-bit hash -> candidates; equality is the caller's: for interning types and merging entries */
typedef bool wg_same_fn(const void *context, int64_t value);
typedef struct {
    struct wg_hash_slot *slot;
    int64_t n, cap;
} wg_hash;

void wg__hash_free(wg_hash *h);
int64_t wg__hash_find(const wg_hash *h, uint64_t key, wg_same_fn *same,
                      const void *context);                 /* -1 */
bool wg__hash_add(wg_hash *h, uint64_t key, int64_t value); /* value: 0 to 2^31-1 */
bool wg__hash_reserve(wg_hash *h, int64_t n);               /* n can be added without growing */
uint64_t wg__mix(uint64_t h, uint64_t v);
uint64_t wg__hash_bytes(uint64_t h, const void *data, size_t n);

/* ---- error.c ---- */

wg_status wg__vfail(wg_error *error, wg_status code, const char *op, const char *fmt, va_list args);
void wg__error_clear(wg_error *error);
void wg__error_copy(wg_error *to,
                    const wg_error *from); /* the first one wins; NULL to is allowed */
void wg__error_scope(wg_error *error,
                     const char *scope); /* sets scope, cut short, unless it has one */

/* ---- attr.c: attributes through their field tables ---- */

bool wg__attr_copy(wg_arena *a, const wg_op *op, const void *from,
                   void **to); /* deep; false: no memory */
bool wg__attr_equal(const wg_field *fields, const void *a, const void *b);
uint64_t wg__attr_hash(uint64_t h, const wg_field *fields, const void *attr);
void wg__attr_print(const wg_field *fields, const void *attr, FILE *to); /* "{axis: 1}" or "" */
/* Legal numbers: ranks, axis counts, dtypes, list lengths, choices. Text for the caller's
 * message. */
bool wg__attr_check(const wg_field *fields, const void *attr, char *text, size_t n);
int wg__field_count(const wg_field *fields);

/* ---- tape.c ---- */

struct wg_tensor {
    wg_graph *graph;
    const wg_op *op;
    const void *attr;    /* in the graph's arena */
    const wg_type *type; /* for the example extents; interned */
    int32_t id, n_in;
    wg_tensor *const *in;
    const char *scope, *name, *site;
    bool derived; /* recorded by a gradient rule */
};

typedef struct {
    const char *name; /* graph arena */
    wg_tensor *t;
} wg_binding;

typedef struct {
    wg_binding *item;
    int64_t n, cap;
} wg_bindings;

typedef struct {
    const char *name;
    wg_mode mode;
    wg_bindings outputs, updates; /* updates in order of recording; walks sort them by name */
    wg_bindings along;            /* wg_update_along, until the function is closed */
    bool *read; /* while open: updates[i] was read by wg_pending since it was set */
    int64_t read_cap;
    wg_table names; /* full names given by wg_name, and keys of draws, in this function */
    wg_table output_at, update_at, along_at; /* name -> index in the list */
} wg_function;

struct wg_graph {
    wg_arena arena; /* entries, attributes, names: freed together */
    wg_tensor **tape;
    int64_t n, cap;
    int64_t stamped;   /* entries below have been offered a site */
    wg_tensor poison;  /* what constructors return once the graph is in error */
    wg_error error;    /* the first one, kept */
    const char *scope; /* path of the open scopes, "" at the top */
    struct wg_scope_link *scopes;
    wg_table scope_names; /* interned paths: index into tape-independent list of texts */
    wg_hash types;        /* interned types */
    const wg_type **type_list;
    int64_t n_types, types_cap;
    wg_table leaves;       /* "FEED name" / "PARAM name" -> id */
    wg_function *function; /* all, in order */
    int64_t n_functions, functions_cap;
    int open;            /* index of the open one, -1 */
    wg_table free_names; /* names given outside of functions */
    struct wg_meta {
        const char *key, *value;
    } * meta;
    int64_t n_meta, meta_cap;
    const char *derive_site, *derive_scope; /* while a gradient rule runs */
    int deriving;
    int users; /* the graph itself and plans; freed when 0 */
};

wg_status wg__graph_fail(wg_graph *g, wg_status code, const char *op, const char *fmt, ...)
    WG_PRINTF(4, 5);
const wg_type *wg__intern_type(wg_graph *g, const wg_type *type); /* NULL: out of memory */
const char *wg__intern_scope(wg_graph *g, const char *path);
void wg__graph_hold(wg_graph *g);    /* one more user */
void wg__graph_release(wg_graph *g); /* one less; frees at 0 */
const char *wg__leaf_name(const wg_tensor *t);
/* As wg_record, with site, scope and name given: how loading and cloning replay. */
wg_tensor *wg__replay(wg_graph *g, const wg_op *op, const void *attr, int n, wg_tensor *const *x,
                      const char *site, const char *scope, const char *name, bool derived);
/* Runs op's shape rule for these operand types; checks the result's size. */
bool wg__infer(const wg_op *op, const void *attr, int n, const wg_type *const *in, wg_type *out,
               wg_error *error);
/* What few records have; all empty where op has nothing of it. */
const wg_op_more *wg__more(const wg_op *op);
/* The kernel for the processor level: highest level not above `level` that is filled; NULL if
 * none. */
wg_row_fn *wg__row_kernel(const wg_op *op, wg_dtype dtype, int level);
wg_eval_fn *wg__eval_kernel(const wg_op *op, wg_dtype dtype, int level);
wg_line_fn *wg__line_kernel(const wg_op *op, wg_dtype dtype, int level);
/* The same, or the record's fast one for these types where `passes` has WG_PASS_WINOGRAD; *scratch:
 * the bytes it wants of `threads` threads. */
wg_eval_fn *wg__eval_chosen(const wg_sig *s, const wg_type *out, wg_dtype dtype, int level,
                            unsigned passes, int threads, size_t *scratch);
wg_dtype wg__deciding_dtype(const wg_op *op, int n, const wg_type *const *in, const wg_type *out);

/* ---- function.c ---- */

/* Roots of function f: outputs in declared order, then updates by entry name. *updates gets the
 * sorted updates (arena-free memory, wg__release), or NULL wanted. */
int64_t wg__function_roots(const wg_graph *g, int f, wg_tensor ***roots, wg_binding **updates);

/* ---- params.c ---- */

struct wg_params {
    wg_dtype dtype;
    uint64_t seed;
    struct wg_entry {
        wg_param param;
        void *block; /* the values lie in it */
        bool claimed;
    } * *entry; /* each its own memory: addresses stay */
    int64_t n, cap;
    wg_table names;
};

wg_param *wg__params_find(const wg_params *w, const char *name);
/* Adds without claiming, and without elements: loading. */
wg_status wg__params_load_entry(wg_params *w, const char *name, const wg_type *type, bool trainable,
                                wg_param **out, wg_error *error);
wg_params *wg__params_empty(wg_dtype dtype, uint64_t seed); /* without the rng entries */

#endif
