/* layer.c: what all layers share: names, hyperparameters, first use, scopes. */
#include <stdarg.h>
#include <string.h>

#include "wengert/layer.h"
#include "wengert/ops.h"

struct wg_layer {
    const wg_layer_class *kind;
    wg_params *store;
    char *name;
    void *hyper;
    char **learns; /* keys of the entries that freezing concerns: running statistics and moments are
                      others */
    int n_learns;
    bool ready; /* init has run */
    bool frozen;
    wg_error error;
};

/* Strings are copied with the struct, so a layer outlives the caller's. */
static bool copy_hyper(wg_layer *l, const void *hyper)
{
    l->hyper = wg_alloc(1, l->kind->hyper_size);
    if (!l->hyper) return false;
    if (l->kind->hyper_size) memcpy(l->hyper, hyper, l->kind->hyper_size);
    for (const wg_field *f = l->kind->hyper; f && f->name; f++) {
        const char **s = (const char **)(void *)((char *)l->hyper + f->offset);

        if (f->kind != WG_A_STR) continue;
        if (!*s) *s = f->string;
        if (*s && !(*s = wg_text_copy(*s))) return false;
    }
    return true;
}

wg_layer *wg_layer_new(const wg_layer_class *kind, wg_params *w, const char *name,
                       const void *hyper)
{
    wg_layer *l = wg_alloc(1, sizeof *l);

    if (!l) return NULL;
    l->kind = kind;
    l->store = w;
    l->name = wg_text_copy(name ? name : "");
    if (!l->name || !copy_hyper(l, hyper)) {
        wg_layer_free(l);
        return NULL;
    }
    if (!w) wg_layer_fail(l, WG_EARG, "the store is NULL");
    else if (l->name[0] == '\0') wg_layer_fail(l, WG_ENAME, "the layer's name is empty");
    return l;
}

void wg_layer_free(wg_layer *l)
{
    if (!l) return;
    for (const wg_field *f = l->kind->hyper; l->hyper && f && f->name; f++)
        if (f->kind == WG_A_STR) wg_free(*(void **)(void *)((char *)l->hyper + f->offset));
    for (int i = 0; i < l->n_learns; i++) wg_free(l->learns[i]);
    wg_free(l->learns);
    wg_free(l->hyper);
    wg_free(l->name);
    wg_free(l);
}

const void *wg_layer_hyper(const wg_layer *l)
{
    return l->hyper;
}
const char *wg_layer_name(const wg_layer *l)
{
    return l->name;
}
wg_params *wg_layer_store(const wg_layer *l)
{
    return l->store;
}

bool wg_layer_fail(wg_layer *l, wg_status code, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    wg_fail(&l->error, code, l->kind->name, "%s", text);
    return false;
}

static bool entry_name(char *full, size_t n, const wg_layer *l, const char *key)
{
    return snprintf(full, n, "%s/%s", l->name, key) < (int)n;
}

static bool remember(wg_layer *l, const char *key)
{
    char **list = wg_alloc(l->n_learns + 1, sizeof *list), *copy = wg_text_copy(key);

    if (!list || !copy) {
        wg_free(list);
        wg_free(copy);
        return wg_layer_fail(l, WG_ENOMEM, "out of memory");
    }
    if (l->n_learns) memcpy(list, l->learns, (size_t)l->n_learns * sizeof *list);
    wg_free(l->learns);
    l->learns = list;
    l->learns[l->n_learns++] = copy;
    return true;
}

bool wg_layer_param(wg_layer *l, const char *key, wg_shape shape, bool trainable, const char *init,
                    const char *act_fn)
{
    char full[1024];
    bool fresh;

    if (!entry_name(full, sizeof full, l, key))
        return wg_layer_fail(l, WG_ENAME, "the layer's name is too long");
    /* before the entry is claimed: a layer that is put right may use the name */
    if (!wg_act_known(act_fn, &l->error) || !wg_init_known(init, &l->error)) return false;
    if (wg_params_add(l->store, full, wg_params_dtype(l->store), shape, trainable, &fresh,
                      &l->error) != WG_OK)
        return false;
    if (trainable && !remember(l, key)) return false;
    return !fresh || wg_init_fill(l->store, full, init, act_fn, &l->error) == WG_OK;
}

wg_tensor *wg_layer_leaf(const wg_layer *l, wg_graph *g, const char *key)
{
    char full[1024];

    if (!entry_name(full, sizeof full, l, key))
        return wg_record_fail(g, WG_ENAME, l->kind->name, "the layer's name is too long");
    return wg_param_leaf(g, l->store, full);
}

wg_tensor *wg_layer_value(const wg_layer *l, wg_tensor *t, const char *key)
{
    char full[1300];

    (void)l;
    snprintf(full, sizeof full, "%s/%s", wg_tensor_scope(t), key);
    return wg_name_is_free(wg_tensor_graph(t), full) ? wg_name(t, key) : t;
}

static void set_trainable(wg_layer *l, bool trainable)
{
    char full[1024];

    for (int i = 0; i < l->n_learns; i++)
        if (entry_name(full, sizeof full, l, l->learns[i]))
            wg_params_set_trainable(l->store, full, trainable, NULL);
}

/* init sees example types: parameters are of fixed extents, learned from the first operands. */
static bool make_ready(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_type **types;

    if (l->error.code != WG_OK) return false;
    if (l->ready) return true;
    types = wg_alloc(n, sizeof *types);
    if (!types) return wg_layer_fail(l, WG_ENOMEM, "out of memory");
    for (int i = 0; i < n; i++) types[i] = wg_tensor_type(x[i]);
    l->ready = !l->kind->init || l->kind->init(l, n, types);
    wg_free(types);
    if (l->ready && l->frozen) set_trainable(l, false);
    return l->ready;
}

wg_tensor *wg_apply_n(wg_layer *l, int n, wg_tensor *const *x)
{
    wg_graph *g = n > 0 && x ? wg_tensor_graph(x[0]) : NULL;
    wg_tensor *y;

    if (!g) return NULL;
    if (wg_graph_error(g)) return wg_record_fail(g, WG_EARG, "apply", "the graph is in error");
    if (!l) return wg_record_fail(g, WG_EARG, "apply", "the layer is NULL");
    if (l->kind->n_in >= 0 && n != l->kind->n_in)
        return wg_record_fail(g, WG_EARG, l->kind->name, "%d operands given, wanted %d", n,
                              l->kind->n_in);
    wg_scope_begin(g, "%s", l->name[0] ? l->name : l->kind->name);
    if (wg_graph_error(g)) return wg_record_fail(g, WG_EARG, "apply", "the graph is in error");
    y = make_ready(l, n, x) ? l->kind->apply(l, n, x)
                            : wg_record_fail(g, l->error.code, l->error.op, "%s", l->error.text);
    wg_scope_end(g);
    return y;
}

wg_tensor *wg_apply(wg_layer *l, wg_tensor *x)
{
    return wg_apply_n(l, 1, &x);
}

void wg_layer_freeze(wg_layer *l)
{
    if (!l) return;
    l->frozen = true;
    if (l->ready) set_trainable(l, false);
}

void wg_layer_unfreeze(wg_layer *l)
{
    if (!l) return;
    l->frozen = false;
    if (l->ready) set_trainable(l, true);
}
