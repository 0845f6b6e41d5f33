/* sched.c: schedulers as objects: text, copies, parameters, and a rate asked for by itself, which
 * runs the same recorded rule that optimisers use. */
#include "sched.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "spell.h"
#include "values.h"
#include "wengert/op.h"
#include "wengert/ops.h"
#include "wengert/plan.h"

static const wg__sched_class *const classes[] = { &wg__constant, &wg__exponential, &wg__noam,
                                                  &wg__king,     &wg__cosine,      &wg__plateau };
enum { N_CLASSES = sizeof classes / sizeof classes[0] };

/* ---- making ---- */

static bool no_memory(wg_error *error)
{
    wg_fail(error, WG_ENOMEM, "sched", "out of memory");
    return false;
}

static bool is_named(const wg__sched_class *kind, const char *name)
{
    char brief[40];

    snprintf(brief, sizeof brief, "%.*s", (int)(strlen(kind->name) - strlen("Scheduler")),
             kind->name);
    return wg__same_name(name, kind->name) || wg__same_name(name, brief) ||
           (kind->other && wg__same_name(name, kind->other));
}

static const wg__sched_class *find_class(const char *name, int at, wg_error *error)
{
    const char *known[N_CLASSES];
    char place[40] = "";

    for (int i = 0; i < N_CLASSES; i++) {
        known[i] = classes[i]->name;
        if (is_named(classes[i], name)) return classes[i];
    }
    if (at > 0) snprintf(place, sizeof place, " at character %d", at);
    wg_fail(error, WG_ENAME, "sched", "unknown scheduler \"%.60s\"%s, the nearest is \"%s\"", name,
            place, wg__nearest(name, N_CLASSES, known));
    return NULL;
}

static wg_sched *make(const wg__sched_class *kind, wg_error *error)
{
    wg_sched *s = wg_alloc(1, sizeof *s);

    if (!s) {
        no_memory(error);
        return NULL;
    }
    s->kind = kind;
    wg__hyper_defaults(kind->n, kind->field, s->value);
    return s;
}

wg_sched *wg__sched_from_call(const wg__call *c, wg_error *error)
{
    const wg__sched_class *kind = c ? find_class(c->name, c->at, error) : &wg__constant;
    wg_sched *s = kind ? make(kind, error) : NULL;
    bool ok = s != NULL;

    for (int i = 0; ok && c && i < c->n; i++) {
        int k = wg__hyper_find(kind->n, kind->field, NULL, c->arg[i].key, c->arg[i].at, kind->name,
                               error);

        ok = k >= 0 &&
             wg__hyper_from_arg(&kind->field[k], &c->arg[i], &s->value[k], kind->name, error);
    }
    if (ok && (!kind->check || kind->check(s->value, error))) return s;
    wg_sched_free(s);
    return NULL;
}

bool wg__sched_read(wg_sched *s, const json_t *from, wg_error *error)
{
    wg__hyper_value value[WG__MAX_HYPER];
    const char *key;
    json_t *v;

    memcpy(value, s->value, sizeof value);
    json_object_foreach((json_t *)(uintptr_t)from, key, v)
    {
        int k;

        if (strcmp(key, "id") == 0) {
            if (json_is_string(v) && is_named(s->kind, json_string_value(v))) continue;
            wg_fail(error, WG_EARG, s->kind->name, "these are parameters of \"%.60s\"",
                    json_is_string(v) ? json_string_value(v) : "?");
            return false;
        }
        k = wg__hyper_find(s->kind->n, s->kind->field, "id", key, 0, s->kind->name, error);
        if (k < 0 || !wg__hyper_from_json(&s->kind->field[k], v, &value[k], s->kind->name, error))
            return false;
    }
    if (s->kind->check && !s->kind->check(value, error)) return false;
    memcpy(s->value, value, sizeof value);
    return true;
}

wg_sched *wg__sched_from_json(const json_t *v, wg_error *error)
{
    const char *id = json_string_value(json_object_get(v, "id"));
    const wg__sched_class *kind;
    wg_sched *s;

    if (!id) {
        wg_fail(error, WG_EFORMAT, "sched", "the object has no member \"id\" with a class's name");
        return NULL;
    }
    kind = find_class(id, 0, error);
    s = kind ? make(kind, error) : NULL;
    if (s && wg__sched_read(s, v, error)) return s;
    wg_sched_free(s);
    return NULL;
}

static json_t *parse_json(const char *text, wg_error *error)
{
    json_error_t at;
    json_t *v = text ? json_loads(text, JSON_REJECT_DUPLICATES, &at) : NULL;

    if (json_is_object(v)) return v;
    if (!text) wg_fail(error, WG_EFORMAT, "sched", "the text is NULL");
    else if (v) wg_fail(error, WG_EFORMAT, "sched", "the text is no JSON object");
    else
        wg_fail(error, WG_EFORMAT, "sched", "no JSON at line %d, column %d: %.120s", at.line,
                at.column, at.text);
    json_decref(v);
    return NULL;
}

wg_sched *wg_sched_from_text(const char *text, wg_error *error)
{
    wg_sched *s = NULL;

    if (!text || !text[0]) return wg__sched_from_call(NULL, error);
    if (text[strspn(text, " \t\n")] == '{') {
        json_t *v = parse_json(text, error);

        if (v) s = wg__sched_from_json(v, error);
        json_decref(v);
    } else {
        wg__call *c = wg__call_parse(text, "sched", error);

        if (c) s = wg__sched_from_call(c, error);
        wg__call_free(c);
    }
    return s;
}

static void drop_plan(wg_sched *s)
{
    wg_plan_free(s->plan);
    wg_graph_free(s->graph);
    s->plan = NULL;
    s->graph = NULL;
    s->asked = false;
}

void wg_sched_free(wg_sched *s)
{
    if (!s) return;
    drop_plan(s);
    wg__entries_end(&s->at);
    wg_free(s);
}

wg_sched *wg_sched_copy(const wg_sched *s)
{
    wg_sched *c = s ? wg_alloc(1, sizeof *c) : NULL;

    if (!c) return NULL;
    c->kind = s->kind;
    memcpy(c->value, s->value, sizeof c->value);
    if (!s->at.store || wg__entries_copy(&c->at, &s->at)) return c;
    wg_free(c);
    return NULL;
}

/* ---- printed form ---- */

void wg__sched_print(const wg_sched *s, wg__str *t)
{
    bool first = true;

    wg__str_add(t, "%s(", s->kind->name);
    for (int i = 0; i < s->kind->n; i++)
        wg__hyper_print(&s->kind->field[i], &s->value[i], &first, t);
    wg__str_add(t, ")");
}

char *wg_sched_text(const wg_sched *s)
{
    wg__str t = { .s = NULL };

    if (s) wg__sched_print(s, &t);
    return t.s;
}

/* ---- rates ---- */

void wg__sched_set_rate(wg_sched *s, double lr, bool whole, bool always)
{
    wg__hyper_value *v = s->kind->rate >= 0 ? &s->value[s->kind->rate] : NULL;

    if (!v || (v->given && !(always && s->kind == &wg__constant))) return;
    v->v = lr;
    v->whole = whole;
}

double wg__sched_rate(const wg_sched *s, double otherwise)
{
    return s->kind->rate >= 0 ? s->value[s->kind->rate].v : otherwise;
}

bool wg__sched_state_type(const wg_sched *s, const char *key, wg_type *type)
{
    *type = (wg_type){ WG_F64, WG_SHAPE_SCALAR };
    if (strcmp(key, "lr") == 0) return true;
    if (strcmp(key, "initial_lr") == 0) return s->kind->rate >= 0;
    for (const wg__sched_state *e = s->kind->state; e && e->key; e++) {
        if (strcmp(key, e->key) != 0) continue;
        type->dtype = e->dtype;
        if (e->history) type->shape = WG_SHAPE(wg__sched_history(s));
        return true;
    }
    return false;
}

/* ---- recording ---- */

wg_tensor *wg__tick_state(const wg__ticks *t, const char *key, wg_dtype dtype, wg_shape shape,
                          double first)
{
    return wg__entry_leaf(t->at, t->g, t->sched->kind->name, key, dtype, shape, first);
}

void wg__tick_keep(const wg__ticks *t, const char *key, wg_tensor *value)
{
    wg__entry_keep(t->at, key, value, t->apply);
}

wg_tensor *wg__sched_record(const wg__ticks *t)
{
    return t->sched->kind->record(t, t->sched->value);
}

/* ---- asked by itself ---- */

static bool prepare(wg_sched *s, wg_error *error)
{
    wg__ticks t = { .sched = s, .at = &s->at, .show = true };

    if (s->plan) return true;
    if (!s->at.store && !wg__entries_start(&s->at, NULL, "scheduler")) return no_memory(error);
    t.g = s->graph = wg_graph_new();
    wg_begin(t.g, "rate", WG_TRAIN);
    t.step = wg_input(t.g, "step", WG_I64, WG_SHAPE_SCALAR);
    t.loss = s->kind->wants_loss ? wg_input(t.g, "loss", WG_F64, WG_SHAPE_SCALAR) : NULL;
    wg_output("lr", wg__sched_record(&t));
    wg_end(t.g);
    s->plan = wg_plan_new_error(t.g, s->at.store, "rate", NULL, error);
    if (!s->plan) drop_plan(s);
    return s->plan != NULL;
}

wg_status wg_sched_learning_rate(wg_sched *s, int64_t step, double cur_loss, double *lr,
                                 wg_error *error)
{
    wg_error own = { .code = WG_OK };
    bool takes_step;

    if (!s || !lr)
        return wg_fail(error, WG_EARG, "learning_rate", "%s is NULL", s ? "lr" : "the scheduler");
    if (step < 0)
        return wg_fail(error, WG_EARG, s->kind->name, "the step is %lld, wanted 0 or more",
                       (long long)step);
    if (s->kind->wants_loss && isnan(cur_loss))
        return wg_fail(error, WG_EARG, s->kind->name,
                       "wants the loss of the step: cur_loss is missing");
    if (!prepare(s, &own)) return wg_fail(error, own.code, own.op, "%s", own.text);
    takes_step = s->kind != &wg__constant && !s->kind->wants_loss;
    if ((takes_step &&
         wg_plan_feed(s->plan, "step", wg_array_of(WG_I64, WG_SHAPE_SCALAR, &step)) != WG_OK) ||
        (s->kind->wants_loss &&
         wg_plan_feed(s->plan, "loss", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &cur_loss)) != WG_OK) ||
        wg_plan_run(s->plan) != WG_OK) {
        const wg_error *e = wg_plan_error(s->plan);

        return wg_fail(error, e->code, e->op, "%s", e->text);
    }
    s->asked = true;
    *lr = wg_item(wg_plan_value(s->plan, "lr"));
    return WG_OK;
}

static wg_status ask_king(const wg_sched *s, const char *name, double *value, wg_error *error)
{
    if (!s || s->kind != &wg__king)
        return wg_fail(error, WG_ESTATE, s ? s->kind->name : "sched",
                       "only KingScheduler tests losses");
    if (!s->asked)
        return wg_fail(error, WG_ESTATE, s->kind->name, "no learning rate was asked for yet");
    *value = wg_item(wg_plan_value(s->plan, name));
    return WG_OK;
}

wg_status wg_sched_steps_without_decrease(const wg_sched *s, bool robust, bool check_all,
                                          int64_t *steps, wg_error *error)
{
    static const char *const name[2][2] = { { "steps", "steps_all" },
                                            { "steps_robust", "steps_robust_all" } };
    double value = 0;
    wg_status status = ask_king(s, name[robust][check_all], &value, error);

    if (status == WG_OK) *steps = (int64_t)value;
    return status;
}

wg_status wg_sched_p_decreasing(const wg_sched *s, double *plain, double *robust, wg_error *error)
{
    wg_status status = ask_king(s, "p_decreasing", plain, error);

    return status == WG_OK ? ask_king(s, "p_decreasing_robust", robust, error) : status;
}

/* ---- parameters ---- */

static json_t *hyperparameters(const wg_sched *s)
{
    json_t *v = json_object();
    bool ok = v && json_object_set_new(v, "id", json_string(s->kind->name)) == 0;

    for (int i = 0; ok && i < s->kind->n; i++)
        ok = wg__hyper_to_json(&s->kind->field[i], &s->value[i], v);
    if (ok) return v;
    json_decref(v);
    return NULL;
}

char *wg_sched_summary(const wg_sched *s)
{
    json_t *v = s ? json_object() : NULL, *state = json_object();
    bool ok = v && state && json_object_set_new(v, "hyperparameters", hyperparameters(s)) == 0;
    char *text, *copy = NULL;

    for (int i = 0; ok && i < s->at.n; i++) {
        const char *key = s->at.made[i] + strlen(s->at.name) + 1;
        const wg_array *a = wg__entry_value(&s->at, key);

        ok = a && json_object_set_new(state, key, wg__array_to_json(a)) == 0;
    }
    ok = ok && json_object_set(v, "state", state) == 0;
    text = ok ? json_dumps(v, JSON_COMPACT) : NULL;
    if (text) copy = wg_text_copy(text);
    free(text);
    json_decref(state);
    json_decref(v);
    return copy;
}

static bool read_state(wg_sched *s, const json_t *state, wg_error *error)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)state, key, v)
    {
        char full[WG__ENTRY_TEXT];
        wg_type type;
        bool fresh;

        if (!wg__sched_state_type(s, key, &type)) {
            wg_fail(error, WG_ENAME, s->kind->name, "its state has no \"%.60s\"", key);
            return false;
        }
        if (!wg__entry_name(&s->at, key, full) ||
            !wg__entry_claim(&s->at, s->kind->name, full, type.dtype, type.shape, &fresh, error) ||
            !wg__array_read_json(v, wg_params_find(s->at.store, full)->value, s->kind->name, key,
                                 error))
            return false;
    }
    return true;
}

/* The new values, what state stays, and the state that is given: in a new object, which takes the
 * place of the old one when all went well. */
static bool change(wg_sched *s, wg_sched *next, const json_t *hyper, const json_t *state,
                   wg_error *error)
{
    int rate = s->kind->rate;
    bool moved;

    if (!wg__entries_start(&next->at, NULL, "scheduler")) return no_memory(error);
    for (int i = 0; i < next->kind->n; i++) next->value[i].given = false;
    if (hyper && !wg__sched_read(next, hyper, error)) return false;
    moved = rate >= 0 && next->value[rate].given;
    for (int i = 0; i < next->kind->n; i++) next->value[i].given |= s->value[i].given;
    for (int i = 0; i < s->at.n; i++) {
        const char *key = s->at.made[i] + strlen(s->at.name) + 1;
        const wg_array *a = wg__entry_value(&s->at, key);
        bool is_rate = strcmp(key, "lr") == 0 || strcmp(key, "initial_lr") == 0;

        if (!a || a->type.shape.rank > 0 || (is_rate && moved)) continue;
        if (!wg__entry_set(&next->at, s->kind->name, key, a->type.dtype, wg_item(a), error))
            return false;
    }
    if (s->kind == &wg__king && !wg__king_move(next, &next->at, &s->at, error)) return false;
    return !state || read_state(next, state, error);
}

wg_status wg_sched_set_params(wg_sched *s, const char *json, wg_error *error)
{
    wg_error own = { .code = WG_OK };
    json_t *v, *hyper, *state;
    wg_sched *next;
    bool summary, ok;

    if (!s) return wg_fail(error, WG_EARG, "set_params", "the scheduler is NULL");
    if (!(v = parse_json(json, &own))) return wg_fail(error, own.code, own.op, "%s", own.text);
    hyper = json_object_get(v, "hyperparameters");
    state = json_object_get(v, "state");
    summary = hyper || state;
    next = make(s->kind, &own);
    ok = next != NULL;
    if (ok) memcpy(next->value, s->value, sizeof next->value);
    if (ok && summary && json_object_size(v) != (hyper != NULL) + (size_t)(state != NULL)) {
        wg_fail(&own, WG_ENAME, s->kind->name,
                "a summary holds \"hyperparameters\" and \"state\", nothing else");
        ok = false;
    }
    if (ok && ((hyper && !json_is_object(hyper)) || (state && !json_is_object(state)))) {
        wg_fail(&own, WG_EFORMAT, s->kind->name, "\"%s\" must be an object",
                json_is_object(hyper) || !hyper ? "state" : "hyperparameters");
        ok = false;
    }
    ok = ok && change(s, next, summary ? hyper : v, state, &own);
    if (ok) {
        wg_sched old = *s;

        *s = *next;
        *next = old;
    }
    wg_sched_free(next);
    json_decref(v);
    return ok ? WG_OK : wg_fail(error, own.code, own.op, "%s", own.text);
}
