/* optim_text.c: optimisers from and to text and JSON; copies. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optim.h"
#include "spell.h"
#include "values.h"
#include "wengert/op.h"

/* ---- from text ---- */

json_t *wg__optim_json(const char *text, wg_error *error)
{
    json_error_t at;
    json_t *v = text ? json_loads(text, JSON_REJECT_DUPLICATES, &at) : NULL;

    if (json_is_object(v)) return v;
    if (!text) wg_fail(error, WG_EFORMAT, "optim", "the text is NULL");
    else if (v) wg_fail(error, WG_EFORMAT, "optim", "the text is no JSON object");
    else
        wg_fail(error, WG_EFORMAT, "optim", "no JSON at line %d, column %d: %.120s", at.line,
                at.column, at.text);
    json_decref(v);
    return NULL;
}

/* None, a call, or a text that is one. */
static wg_sched *scheduler_of(const wg__arg *a, const char *op, wg_error *error)
{
    if (a->kind == WG__ARG_NONE) return wg__sched_from_call(NULL, error);
    if (a->kind == WG__ARG_CALL) return wg__sched_from_call(a->call, error);
    if (a->kind == WG__ARG_TEXT) return wg_sched_from_text(a->text, error);
    wg_fail(error, WG_EARG, op, "lr_scheduler is %.60s at character %d, wanted a scheduler or None",
            a->text, a->at);
    return NULL;
}

static bool read_call(wg_optim *o, const wg__call *c, wg_error *error)
{
    const wg__optim_class *kind = o->kind;

    for (int i = 0; c && i < c->n; i++) {
        const wg__arg *a = &c->arg[i];
        int k =
            wg__hyper_find(kind->n, kind->field, "lr_scheduler", a->key, a->at, kind->name, error);

        if (k < 0) return false;
        if (k == kind->n) {
            if (!(o->sched = scheduler_of(a, kind->name, error))) return false;
        } else if (!wg__hyper_from_arg(&kind->field[k], a, &o->value[k], kind->name, error)) {
            return false;
        }
    }
    if (!o->sched) o->sched = wg__sched_from_call(NULL, error);
    if (o->sched) wg__sched_set_rate(o->sched, o->value[WG__LR].v, o->value[WG__LR].whole, false);
    return o->sched != NULL;
}

static wg_optim *from_call(wg_params *w, const char *name, const wg__call *c, wg_error *error)
{
    bool nesterov = c && wg__same_name(c->name, "Nesterov");
    const wg__optim_class *kind = c && !nesterov ? wg__optim_find(c->name, c->at, error) : &wg__sgd;
    wg_optim *o = kind ? wg__optim_make(kind, w, name) : NULL;

    if (!kind) return NULL;
    if (o && nesterov) wg__optim_nesterov(o);
    if (!o) wg_fail(error, WG_ENOMEM, "optim", "out of memory");
    else if (o->error.code != WG_OK)
        wg_fail(error, o->error.code, o->error.op, "%s", o->error.text);
    else if (read_call(o, c, error)) return o;
    wg_optim_free(o);
    return NULL;
}

static wg_optim *from_json(wg_params *w, const char *name, const char *text, wg_error *error)
{
    json_t *v = wg__optim_json(text, error), *hyper = json_object_get(v, "hyperparameters");
    const char *id = json_string_value(json_object_get(hyper ? hyper : v, "id"));
    wg__call call = { .name = (char *)(uintptr_t)id };
    wg_optim *o = NULL;

    if (v && !id)
        wg_fail(error, WG_EFORMAT, "optim", "the object has no member \"id\" with a class's name");
    if (v && id) o = from_call(w, name, &call, error);
    if (o && wg_optim_set_params(o, text, error) != WG_OK) {
        wg_optim_free(o);
        o = NULL;
    }
    json_decref(v);
    return o;
}

wg_optim *wg_optim_from_text(wg_params *w, const char *name, const char *text, wg_error *error)
{
    wg__call *c;
    wg_optim *o;

    if (!text || !text[0]) return from_call(w, name, NULL, error);
    if (text[strspn(text, " \t\n")] == '{') return from_json(w, name, text, error);
    if (!(c = wg__call_parse(text, "optim", error))) return NULL;
    o = from_call(w, name, c, error);
    wg__call_free(c);
    return o;
}

/* ---- to text ---- */

/* numpy-ml's order: rate, its own, what we add, clip_norm. */
static int printed(const wg_optim *o, int i)
{
    int own = o->kind->n - WG__OWN;

    if (i == 0) return WG__LR;
    if (i <= own) return WG__OWN + i - 1;
    return i - own < 4 ? WG__CLIP_ALL + i - own - 1 : WG__CLIP;
}

char *wg_optim_text(const wg_optim *o)
{
    wg__str t = { .s = NULL };
    bool first = true;

    if (!o) return NULL;
    wg__str_add(&t, "%s(", o->kind->name);
    for (int i = 0; i < o->kind->n; i++) {
        int k = printed(o, i);

        wg__hyper_print(&o->kind->field[k], &o->value[k], &first, &t);
    }
    wg__str_add(&t, ", lr_scheduler=");
    wg__sched_print(o->sched, &t);
    wg__str_add(&t, ")");
    return t.s;
}

static json_t *groups_to_json(const wg_optim *o)
{
    json_t *list = json_array();

    for (int i = 0; list && i < o->n_groups; i++) {
        json_t *g = json_pack("{s:s, s:f, s:f}", "pattern", o->group[i].pattern, "lr_factor",
                              o->group[i].lr, "decay_factor", o->group[i].decay);

        if (json_array_append_new(list, g) == 0) continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *hyperparameters(const wg_optim *o)
{
    json_t *v = json_object();
    wg__str t = { .s = NULL };
    bool ok = v && json_object_set_new(v, "id", json_string(o->kind->name)) == 0;

    for (int i = 0; ok && i < o->kind->n; i++) {
        int k = printed(o, i);

        ok = wg__hyper_to_json(&o->kind->field[k], &o->value[k], v);
    }
    wg__sched_print(o->sched, &t);
    ok = ok && t.s && json_object_set_new(v, "lr_scheduler", json_string(t.s)) == 0;
    if (o->n_groups) ok = ok && json_object_set_new(v, "groups", groups_to_json(o)) == 0;
    wg_free(t.s);
    if (ok) return v;
    json_decref(v);
    return NULL;
}

/* ---- the cache: one member a parameter ---- */

bool wg__optim_member(const wg_optim *o, int i, const char **key, const char **suffix,
                      bool *counter)
{
    int slots = wg__optim_slots(o);

    *counter = false;
    if (i < slots) {
        *key = o->kind->cache[i];
        *suffix = o->kind->slot[i];
        return true;
    }
    i -= slots;
    if (o->kind->counts && i-- == 0) {
        *counter = true;
        *key = *suffix = "t";
        return true;
    }
    *key = *suffix = "sum";
    return wg__accumulate(o) > 1 && i == 0;
}

/* A parameter with one slot alone has its array, as in numpy-ml. */
static bool is_bare(const wg_optim *o)
{
    return wg__optim_slots(o) == 1 && !o->kind->counts && wg__accumulate(o) == 1;
}

/* The length of W where `full` is W/NAME_suffix; 0 for other names. */
static size_t owner_length(const wg_optim *o, const char *full, const char *suffix)
{
    size_t n = strlen(full), tail = strlen(o->at.name) + strlen(suffix) + 2;
    char end[WG__ENTRY_TEXT];

    snprintf(end, sizeof end, "/%s_%s", o->at.name, suffix);
    return n > tail && strcmp(full + n - tail, end) == 0 ? n - tail : 0;
}

static bool add_member(json_t *cache, const wg_optim *o, const char *full, const wg_array *a)
{
    const char *key, *suffix;
    char owner[WG__ENTRY_TEXT];
    bool counter;
    json_t *v, *object;

    for (int i = 0; wg__optim_member(o, i, &key, &suffix, &counter); i++) {
        size_t n = owner_length(o, full, suffix);

        if (n == 0) continue;
        snprintf(owner, sizeof owner, "%.*s", (int)n, full);
        v = counter ? json_integer(*(const int64_t *)a->data) : wg__array_to_json(a);
        if (is_bare(o)) return json_object_set_new(cache, owner, v) == 0;
        object = json_object_get(cache, owner);
        if (!object) {
            object = json_object();
            if (json_object_set_new(cache, owner, object) != 0) object = NULL;
        }
        if (object) return json_object_set_new(object, key, v) == 0;
        json_decref(v);
        return false;
    }
    return true;
}

static json_t *number(const wg_array *a)
{
    if (a->type.shape.rank > 0) return wg__array_to_json(a);
    return a->type.dtype == WG_I64 ? json_integer(*(const int64_t *)a->data)
                                   : wg__real_to_json(*(const double *)a->data);
}

static json_t *cache_to_json(const wg_optim *o)
{
    json_t *cache = json_object();
    size_t own = strlen(o->at.name);
    bool ok = cache != NULL;

    for (int i = 0; ok && i < o->at.n; i++) {
        const char *full = o->at.made[i];
        const wg_param *p = wg_params_find(o->at.store, full);

        if (strncmp(full, o->at.name, own) == 0 && full[own] == '/' && !strchr(full + own + 1, '/'))
            ok = json_object_set_new(cache, full + own, number(&p->value)) == 0;
        else ok = add_member(cache, o, full, &p->value);
    }
    if (ok) return cache;
    json_decref(cache);
    return NULL;
}

char *wg_optim_summary(const wg_optim *o)
{
    json_t *v = o ? json_object() : NULL;
    bool ok = v && json_object_set_new(v, "cache", cache_to_json(o)) == 0 &&
              json_object_set_new(v, "hyperparameters", hyperparameters(o)) == 0;
    char *text = ok ? json_dumps(v, JSON_COMPACT) : NULL, *copy = text ? wg_text_copy(text) : NULL;

    free(text);
    json_decref(v);
    return copy;
}
