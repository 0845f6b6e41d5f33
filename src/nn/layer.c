/* layer.c: what all layers share: names, components, first use, scopes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "classes.h"
#include "layer_impl.h"
#include "wengert/ops.h"

wg_layer *wg__layer_new(const wg_layer_class *kind, wg_params *w, const char *name,
                        const void *hyper, bool exact)
{
    wg_layer *l = wg_alloc(1, sizeof *l);

    if (!l) return NULL;
    l->kind = kind;
    l->store = w;
    l->name = wg_text_copy(name ? name : "");
    l->id = l->name;
    l->hyper = wg_alloc(1, kind->hyper_size);
    if (!l->name || !l->hyper || !wg__hyper_copy(l->hyper, kind, hyper, exact)) {
        wg_layer_free(l);
        return NULL;
    }
    if (!w) wg_layer_fail(l, WG_EARG, "the store is NULL");
    else if (l->name[0] == '\0') wg_layer_fail(l, WG_ENAME, "the layer's name is empty");
    else if (strlen(l->name) + WG_KEY_MAX > WG_PATH_MAX)
        wg_layer_fail(l, WG_ENAME, "the layer's name is too long");
    else if (wg_layer_n_out(l) > WG_MOST_RESULTS)
        wg_layer_fail(l, WG_ELIMIT, "%d results, wanted at most %d", kind->n_out, WG_MOST_RESULTS);
    else if (kind->make) kind->make(l);
    return l;
}

wg_layer *wg_layer_new(const wg_layer_class *kind, wg_params *w, const char *name,
                       const void *hyper)
{
    return wg__layer_new(kind, w, name, hyper, false);
}

void wg_layer_free(wg_layer *l)
{
    if (!l) return;
    wg__verbs_free(l);
    for (int i = 0; i < l->n_components; i++) wg_layer_free(l->components[i]);
    for (int i = 0; i < l->n_entries; i++) wg_free(l->entries[i].grad.data);
    for (int i = 0; i < l->n_watches; i++) wg_free(l->watches[i].value.data);
    if (l->hyper) wg__hyper_clear(l->hyper, l->kind);
    wg_optim_free(l->optim);
    wg_optim_free(l->recorded);
    wg_free(l->components);
    wg_free(l->entries);
    wg_free(l->watches);
    wg_free(l->hyper);
    wg_free(l->name);
    wg_free(l);
}

const void *wg_layer_hyper(const wg_layer *l)
{
    return l->hyper;
}
void *wg_layer_change_hyper(wg_layer *l)
{
    return l->hyper;
}
const char *wg_layer_name(const wg_layer *l)
{
    return l ? l->name : NULL;
}
const char *wg_layer_kind(const wg_layer *l)
{
    return l ? l->kind->name : NULL;
}
wg_params *wg_layer_store(const wg_layer *l)
{
    return l->store;
}
int wg_layer_n_out(const wg_layer *l)
{
    return !l ? 0 : l->kind->n_out > 0 ? l->kind->n_out : 1;
}

const wg_error *wg_layer_error(const wg_layer *l)
{
    static const wg_error none = { .code = WG_OK },
                          no_layer = { .code = WG_ENOMEM, .op = "layer", .text = "out of memory" };

    if (!l) return &no_layer;
    if (l->error.code != WG_OK) return &l->error;
    for (int i = 0; i < l->n_components; i++)
        if (l->components[i]->broken.code != WG_OK) return &l->components[i]->broken;
    return l->broken.code != WG_OK ? &l->broken : &none;
}

wg_layer *wg__layer_root(wg_layer *l)
{
    while (l->parent) l = l->parent;
    return l;
}

bool wg_layer_fail(wg_layer *l, wg_status code, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    wg_fail(&l->broken, code, l->kind->name, "%s", text);
    return false;
}

bool wg_layer_knows(wg_layer *l, const char *act_fn, const char *init)
{
    return wg_act_known(act_fn, &l->broken) && wg_init_known(init, &l->broken);
}

/* ---- components ---- */

wg_layer *wg_layer_add(wg_layer *l, const char *id, const char *kind, const void *hyper)
{
    return wg__layer_add(l, id, kind, hyper, false);
}

wg_layer *wg__layer_add(wg_layer *l, const char *id, const char *kind, const void *hyper,
                        bool exact)
{
    const wg_layer_class *class = wg_layer_class_find(kind);

    if (class) return wg__layer_add_class(l, id, class, hyper, exact);
    wg_layer_fail(l, WG_ENAME, "no layer class is called %s", kind);
    return NULL;
}

wg_layer *wg__layer_add_class(wg_layer *l, const char *id, const wg_layer_class *class,
                              const void *hyper, bool exact)
{
    wg_layer **list = wg_alloc(l->n_components + 1, sizeof *list), *c = NULL;
    char full[WG_PATH_MAX];

    if (!wg__layer_path(full, sizeof full, l, id))
        wg_layer_fail(l, WG_ENAME, "the layer's name is too long");
    else c = wg__layer_new(class, l->store, full, hyper, exact);
    if (!list || !c) {
        wg_layer_fail(l, WG_ENOMEM, "out of memory");
        wg_layer_free(c);
        wg_free(list);
        return NULL;
    }
    if (l->n_components) memcpy(list, l->components, (size_t)l->n_components * sizeof *list);
    wg_free(l->components);
    l->components = list;
    l->components[l->n_components++] = c;
    c->parent = l;
    c->id = c->name + strlen(c->name) - strlen(id);
    if (c->broken.code != WG_OK) {
        wg_layer_fail(l, c->broken.code, "%s: %s", c->name, c->broken.text);
        return NULL;
    }
    return c;
}

int wg_layer_n_components(const wg_layer *l)
{
    return l ? l->n_components : 0;
}
wg_layer *wg_layer_component_at(const wg_layer *l, int i)
{
    return l && i >= 0 && i < l->n_components ? l->components[i] : NULL;
}
const char *wg_layer_component_id(const wg_layer *l, int i)
{
    wg_layer *c = wg_layer_component_at(l, i);

    return c ? c->id : NULL;
}

wg_layer *wg_layer_component(const wg_layer *l, const char *id)
{
    for (int i = 0; l && id && i < l->n_components; i++)
        if (!strcmp(l->components[i]->id, id)) return l->components[i];
    return NULL;
}

/* ---- entries ---- */

bool wg__layer_path(char *full, size_t n, const wg_layer *l, const char *key)
{
    return snprintf(full, n, "%s/%s", l->name, key) < (int)n;
}

wg__entry *wg__layer_entry(const wg_layer *l, const char *key)
{
    for (int i = 0; l && key && i < l->n_entries; i++)
        if (!strcmp(l->entries[i].key, key)) return &l->entries[i];
    return NULL;
}

wg__entry *wg__layer_new_entry(wg_layer *l, const char *key, bool learns)
{
    wg__entry *list = wg_alloc(l->n_entries + 1, sizeof *list), *e;

    if (!list) {
        wg_layer_fail(l, WG_ENOMEM, "out of memory");
        return NULL;
    }
    if (l->n_entries) memcpy(list, l->entries, (size_t)l->n_entries * sizeof *list);
    wg_free(l->entries);
    l->entries = list;
    e = &list[l->n_entries++];
    snprintf(e->key, sizeof e->key, "%s", key);
    e->learns = learns;
    return e;
}

/* The entry that set_params has made before the first use must be the one the layer wants. */
static bool take_early(wg_layer *l, wg__entry *e, const char *full, const wg_shape *shape,
                       bool trainable, bool *fresh)
{
    const wg_param *p = wg_params_find(l->store, full);

    if (!p || !wg_shape_equal(&p->value.type.shape, shape))
        return wg_layer_fail(l, WG_ESHAPE, "%s is %s, wanted %s", full,
                             p ? WG_TYPE_STR(&p->value.type) : "missing",
                             WG_TYPE_STR(&((wg_type){ wg_params_dtype(l->store), *shape })));
    *fresh = !e->valued;
    e->early = false;
    e->learns = trainable;
    if (p->trainable != trainable) wg_params_set_trainable(l->store, full, trainable, NULL);
    return true;
}

bool wg_layer_param(wg_layer *l, const char *key, wg_shape shape, bool trainable, const char *init,
                    const char *act_fn)
{
    char full[WG_PATH_MAX];
    wg__entry *e = wg__layer_entry(l, key);
    bool fresh;

    if (!wg__layer_path(full, sizeof full, l, key))
        return wg_layer_fail(l, WG_ENAME, "the layer's name is too long");
    /* before the entry is claimed: a layer that is put right may use the name */
    if (!wg_layer_knows(l, act_fn, init)) return false;
    if (e && !e->early) return true;
    if (e) {
        if (!take_early(l, e, full, &shape, trainable, &fresh)) return false;
    } else if (wg_params_add(l->store, full, wg_params_dtype(l->store), shape, trainable, &fresh,
                             &l->broken) != WG_OK ||
               !wg__layer_new_entry(l, key, trainable)) {
        return false;
    }
    return !fresh || wg_init_fill(l->store, full, init, act_fn, &l->broken) == WG_OK;
}

wg_tensor *wg_layer_leaf(const wg_layer *l, wg_graph *g, const char *key)
{
    char full[WG_PATH_MAX];

    if (!wg__layer_path(full, sizeof full, l, key))
        return wg_record_fail(g, WG_ENAME, l->kind->name, "the layer's name is too long");
    return wg_param_leaf(g, l->store, full);
}

wg_tensor *wg_layer_pending(const wg_layer *l, wg_graph *g, const char *key)
{
    char full[WG_PATH_MAX];
    wg_tensor *leaf = wg_layer_leaf(l, g, key);

    if (!leaf || wg_graph_error(g) || !wg__layer_path(full, sizeof full, l, key)) return leaf;
    return wg_pending(g, full);
}

wg_tensor *wg_layer_assign(const wg_layer *l, wg_tensor *t, const char *key)
{
    char full[WG_PATH_MAX];

    if (!t || !wg__layer_path(full, sizeof full, l, key)) return t;
    return wg_mode_of(wg_tensor_graph(t)) == WG_TRAIN ? wg_update(full, t) : t;
}

int wg_layer_n_params(const wg_layer *l)
{
    return l ? l->n_entries : 0;
}
const char *wg_layer_param_key(const wg_layer *l, int i)
{
    return l && i >= 0 && i < l->n_entries ? l->entries[i].key : NULL;
}
wg_array wg_layer_param_value(const wg_layer *l, int i)
{
    return wg_layer_parameter(l, wg_layer_param_key(l, i));
}

wg_array wg_layer_parameter(const wg_layer *l, const char *key)
{
    char full[WG_PATH_MAX];
    const wg_param *p = wg__layer_entry(l, key) && wg__layer_path(full, sizeof full, l, key)
                            ? wg_params_find(l->store, full)
                            : NULL;

    return p ? p->value : (wg_array){ .data = NULL };
}

wg_array wg_layer_gradient(const wg_layer *l, const char *key)
{
    wg__entry *e = wg__layer_entry(l, key);

    return e ? e->grad : (wg_array){ .data = NULL };
}

/* ---- values ---- */

static void watch(const wg_layer *layer, wg_tensor *t, const char *key, bool grad)
{
    wg_layer *l = (wg_layer *)layer; /* notes are no part of what the caller holds constant */
    wg__watch *list;

    if (!t || !l->watched || wg_tensor_graph(t) != l->watched) return;
    for (int i = 0; i < l->n_watches; i++)
        if (!strcmp(l->watches[i].key, key) && l->watches[i].grad == grad) {
            if (!l->watches[i].t) l->watches[i].t = t;
            return;
        }
    list = wg_alloc(l->n_watches + 1, sizeof *list);
    if (!list) {
        wg_layer_fail(l, WG_ENOMEM, "out of memory");
        return;
    }
    if (l->n_watches) memcpy(list, l->watches, (size_t)l->n_watches * sizeof *list);
    wg_free(l->watches);
    l->watches = list;
    snprintf(list[l->n_watches].key, sizeof list->key, "%s", key);
    list[l->n_watches].t = t;
    list[l->n_watches++].grad = grad;
}

wg_tensor *wg_layer_value(const wg_layer *l, wg_tensor *t, const char *key)
{
    char full[WG_PATH_MAX + 300];

    watch(l, t, key, false);
    snprintf(full, sizeof full, "%s/%s", wg_tensor_scope(t), key);
    /* a tensor that has a name keeps it: derived variables may be one tensor under two keys */
    if (wg_tensor_name(t)) return t;
    return wg_name_is_free(wg_tensor_graph(t), full) ? wg_name(t, key) : t;
}

wg_tensor *wg_layer_value_grad(const wg_layer *l, wg_tensor *t, const char *key)
{
    watch(l, t, key, true);
    return t;
}

/* ---- use ---- */

bool wg_layer_trains(const wg_layer *l, const wg_graph *g)
{
    return wg_mode_of(g) == WG_TRAIN && wg_layer_trainable(l);
}

static void set_trainable(wg_layer *l)
{
    bool trainable = wg_layer_trainable(l);
    char full[WG_PATH_MAX];

    for (int i = 0; i < l->n_entries; i++)
        if (l->entries[i].learns && wg__layer_path(full, sizeof full, l, l->entries[i].key))
            wg_params_set_trainable(l->store, full, trainable, NULL);
    for (int i = 0; i < l->n_components; i++) set_trainable(l->components[i]);
}

/* init sees example types: parameters are of fixed extents, learned from the first operands. */
bool wg__layer_ready(wg_layer *l, int n, const wg_type *const *types)
{
    int before = l->n_entries;

    if (l->broken.code != WG_OK) return false;
    if (l->ready) return true;
    if (l->kind->init && !l->kind->init(l, n, types)) {
        if (l->n_entries > before) return false;
        /* an input that does not fit: the layer can still be used with one that does */
        l->error = l->broken;
        l->broken = (wg_error){ .code = WG_OK };
        return false;
    }
    for (int i = 0; i < l->n_entries; i++)
        if (l->entries[i].early)
            return wg_layer_fail(l, WG_ENAME, "%s has no parameter %s", l->name, l->entries[i].key);
    l->ready = true;
    if (!wg_layer_trainable(l)) set_trainable(l);
    return true;
}

void wg__layer_why(const wg_layer *l, wg_graph *g)
{
    const wg_error *e = l->broken.code != WG_OK ? &l->broken : &l->error;

    wg_record_fail(g, e->code, e->op, "%s", e->text);
}

static bool make_ready(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_type **types = wg_alloc(n, sizeof *types);
    bool ok;

    if (!types) return wg_layer_fail(l, WG_ENOMEM, "out of memory");
    for (int i = 0; i < n; i++) types[i] = wg_tensor_type(x[i]);
    ok = wg__layer_ready(l, n, types);
    wg_free(types);
    return ok;
}

/* NULL, or the poison, when the layer cannot be applied to n operands. */
static bool may_apply(wg_layer *l, wg_graph *g, int n)
{
    int least = l ? l->kind->n_in - l->kind->n_optional : 0;

    if (wg_graph_error(g)) wg_record_fail(g, WG_EARG, "apply", "the graph is in error");
    else if (!l) wg_record_fail(g, WG_EARG, "apply", "the layer is NULL");
    else if (l->kind->n_in >= 0 && (n < least || n > l->kind->n_in)) {
        if (least == l->kind->n_in)
            wg_record_fail(g, WG_EARG, l->kind->name, "%d operands given, wanted %d", n, least);
        else
            wg_record_fail(g, WG_EARG, l->kind->name, "%d operands given, wanted %d to %d", n,
                           least, l->kind->n_in);
    } else return true;
    return false;
}

bool wg__layer_begin(wg_layer *l, wg_graph *g, int n, wg_tensor *const *x)
{
    wg_scope_begin(g, "%s", l->id[0] ? l->id : l->kind->name);
    if (wg_graph_error(g)) return false;
    if (make_ready(l, n, x)) return true;
    wg__layer_why(l, g);
    wg_scope_end(g);
    return false;
}

wg_graph *wg_apply_all(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y)
{
    wg_graph *g = n > 0 && x ? wg_tensor_graph(x[0]) : NULL;
    wg_tensor *failed = NULL;
    bool ok = false;

    if (!g || !y) return g;
    for (int i = 0; i < n; i++)
        if (!x[i] || wg_tensor_graph(x[i]) != g) {
            failed = wg_record_fail(g, WG_EARG, "apply", "operand %d is %s", i,
                                    x[i] ? "of another graph" : "NULL");
            break;
        }
    if (!failed && may_apply(l, g, n) && wg__layer_begin(l, g, n, x)) {
        if (l->kind->apply_all) ok = l->kind->apply_all(l, n, x, y);
        else ok = (y[0] = l->kind->apply(l, n, x)) != NULL;
        wg_scope_end(g);
    }
    if (!ok || wg_graph_error(g)) {
        failed = wg_record_fail(g, WG_EARG, "apply", "the graph is in error");
        for (int i = 0; i < (l ? wg_layer_n_out(l) : 1) && i < WG_MOST_RESULTS; i++) y[i] = failed;
    }
    return g;
}

wg_tensor *wg_apply_n(wg_layer *l, int n, wg_tensor *const *x)
{
    wg_tensor *y[WG_MOST_RESULTS] = { NULL };

    return wg_apply_all(l, n, x, y) ? y[0] : NULL;
}

wg_tensor *wg_apply(wg_layer *l, wg_tensor *x)
{
    return wg_apply_n(l, 1, &x);
}

bool wg_layer_trainable(const wg_layer *l)
{
    for (; l; l = l->parent)
        if (l->frozen) return false;
    return true;
}

void wg_layer_freeze(wg_layer *l)
{
    if (!l) return;
    l->frozen = true;
    set_trainable(l);
}

void wg_layer_unfreeze(wg_layer *l)
{
    if (!l) return;
    l->frozen = false;
    set_trainable(l);
}
