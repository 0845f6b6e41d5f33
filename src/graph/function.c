/* function.c: named functions: outputs, updates, mode; names; metadata. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static wg_function *opened(const wg_graph *g)
{
    return g->open >= 0 ? &g->function[g->open] : NULL;
}

/* The graph to record into, or NULL when the call should return at once. */
static bool sound(const wg_graph *g)
{
    return g && g->error.code == WG_OK;
}

static wg_tensor *poisoned(wg_graph *g)
{
    return g ? &g->poison : NULL;
}

/* Appends under a name that the list does not hold yet; lists may be long, so each has its
 * table. */
static bool bind(wg_graph *g, wg_bindings *list, wg_table *at, const char *name, wg_tensor *t)
{
    wg_binding *item = wg__grow(list->item, &list->cap, list->n + 1, sizeof *item);
    char *own = wg__arena_text(&g->arena, name);

    if (item) list->item = item;
    if (!item || !own || !wg__table_put(at, own, list->n)) {
        wg__graph_fail(g, WG_ENOMEM, "function", "out of memory");
        return false;
    }
    item[list->n++] = (wg_binding){ own, t };
    return true;
}

/* ---- names ---- */

bool wg_claim_name(wg_graph *g, const char *function, const char *full_name)
{
    wg_table *names;
    char *own;

    if (!sound(g)) return false;
    names = opened(g) ? &opened(g)->names : &g->free_names;
    if (wg__table_get(names, full_name) != -1) {
        wg__graph_fail(g, WG_ENAME, function,
                       "\"%.160s\" is taken in this function: use another name or scope",
                       full_name);
        return false;
    }
    own = wg__arena_text(&g->arena, full_name);
    if (own && wg__table_put(names, own, g->n)) return true;
    wg__graph_fail(g, WG_ENOMEM, function, "out of memory");
    return false;
}

bool wg_name_is_free(const wg_graph *g, const char *full_name)
{
    return g && wg__table_get(opened(g) ? &opened(g)->names : &g->free_names, full_name) == -1;
}

wg_tensor *wg_name(wg_tensor *t, const char *name)
{
    char full[1024]; /* what files take too */
    wg_graph *g = t ? t->graph : NULL;

    if (!sound(g)) return poisoned(g);
    if (!name || !name[0] || strchr(name, '/')) {
        wg__graph_fail(g, WG_ENAME, "name",
                       !name || !name[0] ? "the name is empty"
                                         : "\"%.100s\" holds a '/': scopes make paths",
                       name ? name : "");
        return &g->poison;
    }
    if (t->name) return t;
    if (snprintf(full, sizeof full, "%s%s%s", t->scope, t->scope[0] ? "/" : "", name) >=
        (int)sizeof full) {
        wg__graph_fail(g, WG_ENAME, "name", "the full name is longer than %zu bytes",
                       sizeof full - 1);
        return &g->poison;
    }
    if (!wg_claim_name(g, "name", full)) return &g->poison;
    t->name = wg__arena_text(&g->arena, name);
    if (t->name) return t;
    wg__graph_fail(g, WG_ENOMEM, "name", "out of memory");
    return &g->poison;
}

/* ---- functions ---- */

wg_graph *wg_begin(wg_graph *g, const char *name, wg_mode mode)
{
    wg_function *list;
    char *own;

    if (!sound(g)) return g;
    if (!name || !name[0]) {
        wg__graph_fail(g, WG_ENAME, "begin", "the function's name is empty");
        return g;
    }
    if (opened(g)) {
        wg__graph_fail(g, WG_ESTATE, "begin", "function \"%.80s\" is still open: call wg_end first",
                       opened(g)->name);
        return g;
    }
    if (wg_function_find(g, name) >= 0) {
        wg__graph_fail(g, WG_ENAME, "begin", "the graph has a function \"%.80s\" already", name);
        return g;
    }
    if (mode != WG_TRAIN && mode != WG_PREDICT) {
        wg__graph_fail(g, WG_EARG, "begin", "mode %d is neither WG_TRAIN nor WG_PREDICT",
                       (int)mode);
        return g;
    }
    list = wg__grow(g->function, &g->functions_cap, g->n_functions + 1, sizeof *list);
    own = wg__arena_text(&g->arena, name);
    if (list) g->function = list;
    if (!list || !own) {
        wg__graph_fail(g, WG_ENOMEM, "begin", "out of memory");
        return g;
    }
    list[g->n_functions] = (wg_function){ .name = own, .mode = mode };
    g->open = (int)g->n_functions++;
    return g;
}

static bool add_update(wg_graph *g, wg_function *f, const char *entry, wg_tensor *t)
{
    bool *read = wg__grow(f->read, &f->read_cap, f->updates.n + 1, sizeof *read);

    if (read) f->read = read;
    if (strlen(entry) > 1000) {
        wg__graph_fail(g, WG_ENAME, "update", "the entry's name is longer than 1,000 bytes");
        return false;
    }
    if (!read) {
        wg__graph_fail(g, WG_ENOMEM, "update", "out of memory");
        return false;
    }
    read[f->updates.n] = false;
    return bind(g, &f->updates, &f->update_at, entry, t);
}

wg_graph *wg_end(wg_graph *g)
{
    wg_function *f;

    if (!sound(g)) return g;
    f = opened(g);
    if (!f) {
        wg__graph_fail(g, WG_ESTATE, "end", "no function is open");
        return g;
    }
    if (f->outputs.n + f->updates.n == 0) {
        wg__graph_fail(g, WG_ESTATE, "end", "function \"%.80s\" has neither outputs nor updates",
                       f->name);
        return g;
    }
    if (f->updates.n > 0)
        for (int64_t i = 0; i < f->along.n; i++)
            if (wg__table_get(&f->update_at, f->along.item[i].name) < 0 &&
                !add_update(g, f, f->along.item[i].name, f->along.item[i].t))
                return g;
    wg__release(f->along.item);
    f->along = (wg_bindings){ NULL, 0, 0 };
    wg__table_free(&f->along_at);
    g->open = -1;
    return g;
}

wg_mode wg_mode_of(const wg_graph *g)
{
    return g && opened(g) ? opened(g)->mode : WG_PREDICT;
}

wg_tensor *wg_output(const char *name, wg_tensor *t)
{
    wg_graph *g = t ? t->graph : NULL;
    wg_function *f;

    if (!sound(g)) return poisoned(g);
    f = opened(g);
    if (!f) wg__graph_fail(g, WG_ESTATE, "output", "no function is open: call wg_begin first");
    else if (!name || !name[0]) wg__graph_fail(g, WG_ENAME, "output", "the name is empty");
    else if (wg__table_get(&f->output_at, name) >= 0)
        wg__graph_fail(g, WG_ENAME, "output", "function \"%.80s\" has an output \"%.80s\" already",
                       f->name, name);
    else if (bind(g, &f->outputs, &f->output_at, name, t)) return t;
    return &g->poison;
}

/* The entry's parameter leaf in this graph; NULL if it was never recorded. */
static wg_tensor *leaf_of(const wg_graph *g, const char *entry)
{
    char key[1100];
    int64_t id;

    if (snprintf(key, sizeof key, "PARAM %s", entry) >= (int)sizeof key) return NULL;
    id = wg__table_get(&g->leaves, key);
    return id < 0 ? NULL : g->tape[id];
}

static bool update_fits(wg_graph *g, const char *function, const char *entry, const wg_tensor *t)
{
    const wg_tensor *leaf;

    if (!entry || !entry[0]) {
        wg__graph_fail(g, WG_ENAME, function, "the entry's name is empty");
        return false;
    }
    if (!opened(g)) {
        wg__graph_fail(g, WG_ESTATE, function, "no function is open: call wg_begin first");
        return false;
    }
    leaf = leaf_of(g, entry);
    if (!leaf || wg_type_equal(leaf->type, t->type)) return true;
    wg__graph_fail(g, leaf->type->dtype != t->type->dtype ? WG_EDTYPE : WG_ESHAPE, function,
                   "\"%.60s\" is %s, the new value %s", entry, WG_TYPE_STR(leaf->type),
                   WG_TYPE_STR(t->type));
    return false;
}

wg_tensor *wg_update(const char *entry, wg_tensor *t)
{
    wg_graph *g = t ? t->graph : NULL;
    wg_function *f;
    int64_t i;

    if (!sound(g)) return poisoned(g);
    if (!update_fits(g, "update", entry, t)) return &g->poison;
    f = opened(g);
    i = wg__table_get(&f->update_at, entry);
    if (i < 0) return add_update(g, f, entry, t) ? t : &g->poison;
    if (!f->read[i]) {
        wg__graph_fail(
            g, WG_ENAME, "update",
            "\"%.80s\" is updated already and that value would be lost: extend wg_pending", entry);
        return &g->poison;
    }
    f->updates.item[i].t = t;
    f->read[i] = false;
    return t;
}

wg_tensor *wg_update_along(const char *entry, wg_tensor *t)
{
    wg_graph *g = t ? t->graph : NULL;
    wg_function *f;

    if (!sound(g)) return poisoned(g);
    if (!update_fits(g, "update_along", entry, t)) return &g->poison;
    f = opened(g);
    if (wg__table_get(&f->along_at, entry) >= 0) return t;
    return bind(g, &f->along, &f->along_at, entry, t) ? t : &g->poison;
}

wg_tensor *wg_pending(wg_graph *g, const char *entry)
{
    wg_function *f;
    wg_tensor *leaf;
    int64_t i;

    if (!sound(g)) return poisoned(g);
    if (!entry || !entry[0]) {
        wg__graph_fail(g, WG_ENAME, "pending", "the entry's name is empty");
        return &g->poison;
    }
    f = opened(g);
    i = f ? wg__table_get(&f->update_at, entry) : -1;
    if (i >= 0) {
        f->read[i] = true;
        return f->updates.item[i].t;
    }
    leaf = leaf_of(g, entry);
    if (leaf) return leaf;
    wg__graph_fail(g, WG_ENAME, "pending", "the graph has no parameter \"%.80s\"", entry);
    return &g->poison;
}

/* ---- asking ---- */

static const wg_function *function_at(const wg_graph *g, int f)
{
    return g && f >= 0 && f < g->n_functions ? &g->function[f] : NULL;
}

static const wg_binding *binding_at(const wg_bindings *list, int i)
{
    return list && i >= 0 && i < list->n ? &list->item[i] : NULL;
}

int wg_function_count(const wg_graph *g)
{
    return g ? (int)g->n_functions : 0;
}

const char *wg_function_name(const wg_graph *g, int f)
{
    return function_at(g, f) ? g->function[f].name : NULL;
}

wg_mode wg_function_mode(const wg_graph *g, int f)
{
    return function_at(g, f) ? g->function[f].mode : WG_PREDICT;
}

int wg_function_find(const wg_graph *g, const char *name)
{
    for (int f = 0; name && f < wg_function_count(g); f++)
        if (strcmp(g->function[f].name, name) == 0) return f;
    return -1;
}

int wg_function_n_outputs(const wg_graph *g, int f)
{
    return function_at(g, f) ? (int)g->function[f].outputs.n : 0;
}

int wg_function_n_updates(const wg_graph *g, int f)
{
    return function_at(g, f) ? (int)g->function[f].updates.n : 0;
}

const char *wg_function_output_name(const wg_graph *g, int f, int i)
{
    const wg_binding *b = function_at(g, f) ? binding_at(&g->function[f].outputs, i) : NULL;

    return b ? b->name : NULL;
}

wg_tensor *wg_function_output(const wg_graph *g, int f, int i)
{
    const wg_binding *b = function_at(g, f) ? binding_at(&g->function[f].outputs, i) : NULL;

    return b ? b->t : NULL;
}

const char *wg_function_update_name(const wg_graph *g, int f, int i)
{
    const wg_binding *b = function_at(g, f) ? binding_at(&g->function[f].updates, i) : NULL;

    return b ? b->name : NULL;
}

wg_tensor *wg_function_update(const wg_graph *g, int f, int i)
{
    const wg_binding *b = function_at(g, f) ? binding_at(&g->function[f].updates, i) : NULL;

    return b ? b->t : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const wg_binding *)a)->name, ((const wg_binding *)b)->name);
}

int64_t wg__function_roots(const wg_graph *g, int f, wg_tensor ***roots, wg_binding **updates)
{
    const wg_function *fn = &g->function[f];
    int64_t n = fn->outputs.n + fn->updates.n;
    wg_binding *sorted = wg__array(fn->updates.n, sizeof *sorted);
    wg_tensor **list = wg__array(n, sizeof *list);

    if (!sorted || !list) {
        wg__release(sorted);
        wg__release(list);
        return -1;
    }
    if (fn->updates.n) memcpy(sorted, fn->updates.item, (size_t)fn->updates.n * sizeof *sorted);
    qsort(sorted, (size_t)fn->updates.n, sizeof *sorted, by_name);
    for (int64_t i = 0; i < fn->outputs.n; i++) list[i] = fn->outputs.item[i].t;
    for (int64_t i = 0; i < fn->updates.n; i++) list[fn->outputs.n + i] = sorted[i].t;
    if (updates) *updates = sorted;
    else wg__release(sorted);
    *roots = list;
    return n;
}

int wg_function_inputs(const wg_graph *g, int f, int max, wg_tensor **leaf)
{
    wg_tensor **roots, **order;
    int64_t n;
    int found = 0;

    if (!function_at(g, f) || (n = wg__function_roots(g, f, &roots, NULL)) < 0) return -1;
    n = wg_order((int)n, roots, &order);
    wg__release(roots);
    for (int64_t i = 0; i < n; i++)
        if (order[i]->op->flags & WG_OP_FEED) {
            if (found < max) leaf[found] = order[i];
            found++;
        }
    wg__release(order);
    return n < 0 ? -1 : found;
}

/* ---- metadata ---- */

wg_graph *wg_metadata_set(wg_graph *g, const char *key, const char *value)
{
    int64_t i = 0;
    struct wg_meta *meta;

    if (!sound(g)) return g;
    if (!key || !key[0]) {
        wg__graph_fail(g, WG_ENAME, "metadata_set", "the key is empty");
        return g;
    }
    while (i < g->n_meta && strcmp(g->meta[i].key, key) != 0) i++;
    if (!value) {
        if (i < g->n_meta) {
            memmove(&g->meta[i], &g->meta[i + 1], (size_t)(g->n_meta - i - 1) * sizeof *g->meta);
            g->n_meta--;
        }
        return g;
    }
    meta = wg__grow(g->meta, &g->meta_cap, i + 1, sizeof *meta);
    key = wg__arena_text(&g->arena, key);
    value = wg__arena_text(&g->arena, value);
    if (meta) g->meta = meta;
    if (!meta || !key || !value) {
        wg__graph_fail(g, WG_ENOMEM, "metadata_set", "out of memory");
        return g;
    }
    meta[i] = (struct wg_meta){ key, value };
    if (i == g->n_meta) g->n_meta++;
    return g;
}

const char *wg_metadata_get(const wg_graph *g, const char *key)
{
    for (int64_t i = 0; g && key && i < g->n_meta; i++)
        if (strcmp(g->meta[i].key, key) == 0) return g->meta[i].value;
    return NULL;
}
