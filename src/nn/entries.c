/* entries.c: the store entries of one optimiser or scheduler. */
#include "entries.h"

#include <string.h>

#include "wengert/op.h"
#include "wengert/ops.h"

bool wg__entries_start(wg__entries *e, wg_params *store, const char *name)
{
    *e = (wg__entries){ .store = store, .own = !store };
    if (!store) e->store = wg_params_new(WG_F64, 0);
    e->name = wg_text_copy(name);
    if (e->store && e->name) return true;
    wg__entries_end(e);
    return false;
}

void wg__entries_end(wg__entries *e)
{
    for (int i = 0; i < e->n; i++) wg_free(e->made[i]);
    wg_free(e->made);
    wg_free(e->name);
    if (e->own) wg_params_free(e->store);
    *e = (wg__entries){ .store = NULL };
}

static bool remember(wg__entries *e, const char *full)
{
    char *copy = wg_text_copy(full);

    if (copy && e->n == e->cap) {
        char **list = wg_alloc(e->cap * 2 + 16, sizeof *list);

        if (list) {
            if (e->n) memcpy(list, e->made, (size_t)e->n * sizeof *list);
            wg_free(e->made);
            e->made = list;
            e->cap = e->cap * 2 + 16;
        }
    }
    if (!copy || e->n == e->cap) {
        wg_free(copy);
        return false;
    }
    e->made[e->n++] = copy;
    return true;
}

static bool is_mine(const wg__entries *e, const char *full)
{
    for (int i = 0; i < e->n; i++)
        if (strcmp(e->made[i], full) == 0) return true;
    return false;
}

bool wg__entries_copy(wg__entries *to, const wg__entries *from)
{
    if (!wg__entries_start(to, NULL, from->name)) return false;
    for (int i = 0; i < from->n; i++) {
        const wg_param *p = wg_params_find(from->store, from->made[i]);

        if (p &&
            wg_params_add(to->store, p->name, p->value.type.dtype, p->value.type.shape, false, NULL,
                          NULL) == WG_OK &&
            wg_params_set(to->store, p->name, p->value, NULL) == WG_OK && remember(to, p->name))
            continue;
        wg__entries_end(to);
        return false;
    }
    return true;
}

/* The store is asked first: it knows by a table what it lacks. */
bool wg__entry_claim(wg__entries *e, const char *op, const char *full, wg_dtype dtype,
                     wg_shape shape, bool *fresh, wg_error *error)
{
    wg_error own = { .code = WG_OK };
    wg_type type = { dtype, shape };
    char got[WG_TYPE_TEXT], want[WG_TYPE_TEXT];

    *fresh = false;
    if (!remember(e, full)) {
        wg_fail(error, WG_ENOMEM, op, "out of memory");
        return false;
    }
    if (wg_params_add(e->store, full, dtype, shape, false, fresh, &own) == WG_OK) return true;
    wg_free(e->made[--e->n]);
    *fresh = false;
    if (own.code == WG_ENAME && is_mine(e, full)) {
        const wg_param *p = wg_params_find(e->store, full);

        if (wg_type_equal(&p->value.type, &type)) return true;
        wg_fail(error, p->value.type.dtype != dtype ? WG_EDTYPE : WG_ESHAPE, op,
                "\"%.80s\" is %s, wanted %s", full, wg_type_text(&p->value.type, got),
                wg_type_text(&type, want));
    } else wg_fail(error, own.code, own.op, "%s", own.text);
    return false;
}

bool wg__entry_name(const wg__entries *e, const char *key, char buf[WG__ENTRY_TEXT])
{
    return snprintf(buf, WG__ENTRY_TEXT, "%s/%s", e->name, key) < WG__ENTRY_TEXT;
}

const wg_array *wg__entry_value(const wg__entries *e, const char *key)
{
    char full[WG__ENTRY_TEXT];
    const wg_param *p;

    if (!wg__entry_name(e, key, full) || !is_mine(e, full)) return NULL;
    p = wg_params_find(e->store, full);
    return p ? &p->value : NULL;
}

static bool too_long(const wg__entries *e, const char *op, wg_error *error)
{
    wg_fail(error, WG_ENAME, op, "the name \"%.80s...\" is too long", e->name);
    return false;
}

bool wg__entry_set(wg__entries *e, const char *op, const char *key, wg_dtype dtype, double value,
                   wg_error *error)
{
    char full[WG__ENTRY_TEXT];
    bool fresh;

    if (!wg__entry_name(e, key, full)) return too_long(e, op, error);
    return wg__entry_claim(e, op, full, dtype, WG_SHAPE_SCALAR, &fresh, error) &&
           wg_params_fill(e->store, full, value, error) == WG_OK;
}

wg_tensor *wg__entry_leaf(wg__entries *e, wg_graph *g, const char *op, const char *key,
                          wg_dtype dtype, wg_shape shape, double first)
{
    char full[WG__ENTRY_TEXT];
    wg_error error = { .code = WG_OK };
    bool fresh;

    if (!wg__entry_name(e, key, full)) too_long(e, op, &error);
    else if (wg__entry_claim(e, op, full, dtype, shape, &fresh, &error)) {
        if (fresh && first != 0) wg_params_fill(e->store, full, first, NULL);
        return wg_param_leaf(g, e->store, full);
    }
    return wg_record_fail(g, error.code, error.op, "%s", error.text);
}

void wg__entry_keep(const wg__entries *e, const char *key, wg_tensor *t, wg_tensor *apply)
{
    char full[WG__ENTRY_TEXT];

    if (!wg__entry_name(e, key, full)) return; /* its leaf has said so */
    if (apply) t = wg_where(apply, t, wg_param_leaf(wg_tensor_graph(t), e->store, full));
    wg_update(full, t);
}
