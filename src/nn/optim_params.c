/* optim_params.c: parameters of optimisers read back from JSON; copies. A change is made in a new
 * object over a private store, so that a mistake leaves the old one as it was. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optim.h"
#include "spell.h"
#include "values.h"
#include "wengert/op.h"

/* ---- reading parameters ---- */

static bool read_scheduler(wg_optim *next, const json_t *v, wg_error *error)
{
    if (json_is_string(v)) next->sched = wg_sched_from_text(json_string_value(v), error);
    else if (json_is_object(v)) next->sched = wg__sched_from_json(v, error);
    else if (json_is_null(v)) next->sched = wg__sched_from_call(NULL, error);
    else
        wg_fail(error, WG_EARG, next->kind->name, "lr_scheduler must be a text, an object or null");
    return next->sched != NULL;
}

static bool read_groups(wg_optim *next, const json_t *list, wg_error *error)
{
    const json_t *g;
    size_t i;

    json_array_foreach(list, i, g)
    {
        const json_t *lr = json_object_get(g, "lr_factor"),
                     *decay = json_object_get(g, "decay_factor");
        const char *pattern = json_string_value(json_object_get(g, "pattern"));

        if (!pattern || !json_is_number(lr) || !json_is_number(decay)) {
            wg_fail(error, WG_EFORMAT, next->kind->name,
                    "a group holds \"pattern\", \"lr_factor\" and \"decay_factor\"");
            return false;
        }
        if (wg_optim_group(next, pattern, json_number_value(lr), json_number_value(decay), error) !=
            WG_OK)
            return false;
    }
    if (json_is_array(list)) return true;
    wg_fail(error, WG_EFORMAT, next->kind->name, "\"groups\" must be a list");
    return false;
}

static bool copy_groups(wg_optim *to, const wg_optim *from)
{
    for (int i = 0; i < from->n_groups; i++)
        if (wg_optim_group(to, from->group[i].pattern, from->group[i].lr, from->group[i].decay,
                           NULL) != WG_OK)
            return false;
    return true;
}

/* Hyperparameters of `next`, which starts with the values of `o` and no scheduler. */
static bool read_hyper(const wg_optim *o, wg_optim *next, const json_t *hyper, wg_error *error)
{
    const char *key, *op = next->kind->name;
    const json_t *groups = json_object_get(hyper, "groups");
    bool new_rate = false;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)hyper, key, v)
    {
        int k;

        if (strcmp(key, "groups") == 0) continue;
        if (strcmp(key, "id") == 0) {
            if (json_is_string(v) && wg__same_name(json_string_value(v), op)) continue;
            wg_fail(error, WG_EARG, op, "these are parameters of \"%.60s\"",
                    json_is_string(v) ? json_string_value(v) : "?");
            return false;
        }
        k = wg__hyper_find(next->kind->n, next->kind->field, "lr_scheduler", key, 0, op, error);
        if (k < 0) return false;
        if (k == next->kind->n) {
            if (next->sched || !read_scheduler(next, v, error)) return false;
        } else if (!wg__hyper_from_json(&next->kind->field[k], v, &next->value[k], op, error)) {
            return false;
        }
        new_rate |= k == WG__LR;
    }
    if (groups ? !read_groups(next, groups, error) : !copy_groups(next, o)) return false;
    if (next->sched) {
        wg__sched_set_rate(next->sched, next->value[WG__LR].v, next->value[WG__LR].whole, false);
        return true;
    }
    next->sched = wg_sched_copy(o->sched);
    if (next->sched && new_rate)
        wg__sched_set_rate(next->sched, next->value[WG__LR].v, next->value[WG__LR].whole, true);
    return next->sched != NULL;
}

/* The entries of `o` that still hold for `next`. */
static bool keep_entries(const wg_optim *o, wg_optim *next, wg_error *error)
{
    bool same_rule = o->sched->kind == next->sched->kind;
    bool same_rate = same_rule && wg__sched_rate(o->sched, 0) == wg__sched_rate(next->sched, 0);

    for (int i = 0; i < o->at.n; i++) {
        const wg_param *p = wg_params_find(o->at.store, o->at.made[i]);
        size_t own = strlen(o->at.name);
        bool fresh, below = strncmp(p->name, o->at.name, own) == 0 && p->name[own] == '/';
        const char *key = below ? p->name + own + 1 : "";
        wg_type type;

        if (below && (wg__sched_state_type(o->sched, key, &type) ||
                      wg__sched_state_type(next->sched, key, &type))) {
            bool rate = strcmp(key, "lr") == 0 || strcmp(key, "initial_lr") == 0;

            if (!same_rule || (rate && !same_rate) || p->value.type.shape.rank > 0) continue;
        }
        if (!wg__entry_claim(&next->at, o->kind->name, p->name, p->value.type.dtype,
                             p->value.type.shape, &fresh, error) ||
            wg_params_set(next->at.store, p->name, p->value, error) != WG_OK)
            return false;
    }
    return !same_rule || o->sched->kind != &wg__king ||
           wg__king_move(next->sched, &next->at, &o->at, error);
}

/* ---- reading the cache ---- */

static bool read_entry(wg_optim *next, const char *full, const wg_type *type, const json_t *v,
                       const char *what, wg_error *error)
{
    const char *op = next->kind->name;
    wg_array a;
    bool fresh, ok;

    if (json_is_object(v)) {
        if (!wg__array_from_json(v, &a, op, what, error)) return false;
        if (type && !wg_type_equal(type, &a.type)) {
            char got[WG_TYPE_TEXT], want[WG_TYPE_TEXT];

            wg_fail(error, a.type.dtype != type->dtype ? WG_EDTYPE : WG_ESHAPE, op,
                    "%.80s is %s, wanted %s", what, wg_type_text(&a.type, got),
                    wg_type_text(type, want));
            wg_free(a.data);
            return false;
        }
    } else { /* a counter or a rate */
        double x;

        if (!type || type->shape.rank > 0 || !wg__real_from_json(v, &x) ||
            (type->dtype == WG_I64 && !json_is_integer(v))) {
            wg_fail(error, WG_EFORMAT, op, "%.80s: wanted a%s", what,
                    type && type->shape.rank == 0 ? " number" : "n array");
            return false;
        }
        a = (wg_array){ *type, wg_alloc(1, 8) };
        if (!a.data) {
            wg_fail(error, WG_ENOMEM, op, "out of memory");
            return false;
        }
        if (type->dtype == WG_I64) *(int64_t *)a.data = json_integer_value(v);
        else *(double *)a.data = x;
    }
    ok = wg__entry_claim(&next->at, op, full, type ? type->dtype : a.type.dtype,
                         type ? type->shape : a.type.shape, &fresh, error) &&
         wg_params_set(next->at.store, full, a, error) == WG_OK;
    wg_free(a.data);
    return ok;
}

static bool read_state(wg_optim *next, const char *key, const json_t *v, wg_error *error)
{
    static const wg_type counter = { WG_I64, { 0, { 0 } } }, real = { WG_F64, { 0, { 0 } } };
    char full[WG__ENTRY_TEXT];
    wg_type type;

    if (strcmp(key, "step") == 0 || strcmp(key, "runs") == 0) type = counter;
    else if (strcmp(key, "loss_sum") == 0) type = real;
    else if (!wg__sched_state_type(next->sched, key, &type)) {
        wg_fail(error, WG_ENAME, next->kind->name, "%s keeps no \"/%.60s\"",
                next->sched->kind->name, key);
        return false;
    }
    return wg__entry_name(&next->at, key, full) && read_entry(next, full, &type, v, key, error);
}

static bool read_weight(wg_optim *next, const char *owner, const json_t *v, wg_error *error)
{
    static const wg_type counter = { WG_I64, { 0, { 0 } } };
    const char *key, *suffix, *known[WG__MAX_SLOTS + 2], *given;
    bool count, bare = json_object_get(v, "shape") != NULL;
    char full[WG__ENTRY_TEXT];
    json_t *x;
    int n = 0;

    for (int i = 0; wg__optim_member(next, i, &key, &suffix, &count); i++) {
        const json_t *part = bare ? (i == 0 ? v : NULL) : json_object_get(v, key);

        known[n++] = key;
        if (!part) continue;
        if (!wg__slot_name(next, owner, suffix, full)) {
            wg_fail(error, WG_ENAME, next->kind->name, "the name \"%.80s...\" is too long", owner);
            return false;
        }
        if (!read_entry(next, full, count ? &counter : NULL, part, owner, error)) return false;
    }
    if (bare && n > 0) return true;
    json_object_foreach((json_t *)(uintptr_t)v, given, x)
    {
        bool is_known = false;

        (void)x;
        for (int i = 0; i < n; i++) is_known |= strcmp(given, known[i]) == 0;
        if (is_known) continue;
        wg_fail(error, WG_ENAME, next->kind->name, "the cache of \"%.60s\" has no \"%.40s\"%s%s%s",
                owner, given, n ? ", the nearest is \"" : "", n ? wg__nearest(given, n, known) : "",
                n ? "\"" : "");
        return false;
    }
    if (json_is_object(v)) return true;
    wg_fail(error, WG_EFORMAT, next->kind->name, "the cache of \"%.60s\" must be an object", owner);
    return false;
}

static bool read_cache(wg_optim *next, const json_t *cache, wg_error *error)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)cache, key, v)
    {
        if (key[0] == '/' ? !read_state(next, key + 1, v, error)
                          : !read_weight(next, key, v, error))
            return false;
    }
    return true;
}

/* ---- set_params ---- */

/* Whether the entry `full` of the shared store has this type, or is not there. */
static bool can_become(const wg_optim *o, const char *full, const wg_type *type, wg_error *error)
{
    const wg_param *p = wg_params_find(o->at.store, full);
    char have[WG_TYPE_TEXT], want[WG_TYPE_TEXT];

    if (!p || wg_type_equal(type, &p->value.type)) return true;
    wg_fail(error, WG_ESTATE, o->kind->name, "\"%.60s\" is %s in the store and cannot become %s",
            full, wg_type_text(&p->value.type, have), wg_type_text(type, want));
    return false;
}

/* Into a store others use: types are looked at before anything is written, those of the rule's
 * state too, which may be left from another rule. */
static bool write_back(wg_optim *o, const wg_optim *next, wg_error *error)
{
    const wg__sched_state *state = next->sched->kind->state;
    char full[WG__ENTRY_TEXT];
    wg_type type;
    bool fresh;

    for (; state && state->key; state++)
        if (wg__sched_state_type(next->sched, state->key, &type) &&
            wg__entry_name(&o->at, state->key, full) && !can_become(o, full, &type, error))
            return false;
    for (int i = 0; i < next->at.n; i++) {
        const wg_param *p = wg_params_find(next->at.store, next->at.made[i]);

        if (!can_become(o, p->name, &p->value.type, error)) return false;
    }
    for (int i = 0; i < next->at.n; i++) {
        const wg_param *p = wg_params_find(next->at.store, next->at.made[i]);

        if (!wg__entry_claim(&o->at, o->kind->name, p->name, p->value.type.dtype,
                             p->value.type.shape, &fresh, error) ||
            wg_params_set(o->at.store, p->name, p->value, error) != WG_OK)
            return false;
    }
    return true;
}

/* A rate that was given is not kept from the old entries: with a shared store it is written
 * here. */
static bool write_rate(wg_optim *o, const wg_optim *next, wg_error *error)
{
    static const char *const keys[] = { "lr", "initial_lr" };
    const wg__sched_class *kind = next->sched->kind;

    for (int i = 0; i < 2 && kind->rate >= 0; i++) {
        char full[WG__ENTRY_TEXT];

        if (wg__entry_value(&next->at, keys[i]) || !wg__entry_value(&o->at, keys[i])) continue;
        if (!wg__entry_name(&o->at, keys[i], full) ||
            wg_params_fill(o->at.store, full, next->sched->value[kind->rate].v, error) != WG_OK)
            return false;
    }
    return true;
}

static void swap(wg_optim *o, wg_optim *next)
{
    wg_optim old = *o;

    *o = *next;
    *next = old;
    if (next->at.own) return;
    next->at = o->at; /* the shared store stays */
    o->at = old.at;
}

static bool set_params(wg_optim *o, const json_t *v, wg_error *error)
{
    const json_t *hyper = json_object_get(v, "hyperparameters"),
                 *cache = json_object_get(v, "cache");
    bool summary = hyper || cache, ok;
    wg_optim *next;

    if (summary && json_object_size(v) != (hyper != NULL) + (size_t)(cache != NULL)) {
        wg_fail(error, WG_ENAME, o->kind->name,
                "a summary holds \"cache\" and \"hyperparameters\", nothing else");
        return false;
    }
    if ((hyper && !json_is_object(hyper)) || (cache && !json_is_object(cache))) {
        wg_fail(error, WG_EFORMAT, o->kind->name, "\"%s\" must be an object",
                hyper && !json_is_object(hyper) ? "hyperparameters" : "cache");
        return false;
    }
    if (!summary) hyper = v;
    next = wg__optim_make(o->kind, NULL, o->at.name);
    if (!next) {
        wg_fail(error, WG_ENOMEM, o->kind->name, "out of memory");
        return false;
    }
    memcpy(next->value, o->value, sizeof next->value);
    ok = read_hyper(o, next, hyper, error) && keep_entries(o, next, error) &&
         (!cache || read_cache(next, cache, error)) &&
         (o->at.own || (write_back(o, next, error) && write_rate(o, next, error)));
    if (ok) {
        swap(o, next);
        wg__updates_drop(o);
    } else if (!error || error->code == WG_OK) {
        wg_fail(error, WG_ENOMEM, o->kind->name, "out of memory");
    }
    wg_optim_free(next);
    return ok;
}

wg_status wg_optim_set_params(wg_optim *o, const char *json, wg_error *error)
{
    wg_error own = { .code = WG_OK };
    json_t *v;

    if (!o) return wg_fail(error, WG_EARG, "set_params", "the optimiser is NULL");
    v = wg__optim_json(json, &own);
    if (v) set_params(o, v, &own);
    json_decref(v);
    return own.code == WG_OK ? WG_OK : wg_fail(error, own.code, own.op, "%s", own.text);
}

/* ---- copy ---- */

wg_optim *wg_optim_copy(const wg_optim *o)
{
    wg_optim *c = o ? wg__optim_make(o->kind, NULL, o->at.name) : NULL;

    if (!c) return NULL;
    memcpy(c->value, o->value, sizeof c->value);
    c->error = o->error;
    wg__entries_end(&c->at);
    c->sched = wg_sched_copy(o->sched);
    if (wg__entries_copy(&c->at, &o->at) && c->sched && copy_groups(c, o) && wg__updates_copy(c, o))
        return c;
    wg_optim_free(c);
    return NULL;
}
