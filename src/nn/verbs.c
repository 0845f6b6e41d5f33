/* verbs.c: numpy-ml's verbs on arrays: forward and backward. */
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "own.h"
#include "verbs.h"

enum { MOST_PROGRAMS = 8 };

static wg_status fail(wg_layer *l, wg_status code, const char *text)
{
    return wg_fail(&l->error, code, l->kind->name, "%s: %s", l->name, text);
}

/* ---- memory ---- */

static wg__verbs *verbs_of(wg_layer *l)
{
    if (!l->verbs) l->verbs = wg_alloc(1, sizeof *l->verbs);
    if (!l->verbs) fail(l, WG_ENOMEM, "out of memory");
    return l->verbs;
}

static void free_retained(wg__retained *r)
{
    for (int i = 0; r->residual && i < r->program->n_residuals; i++)
        wg__array_drop(&r->residual[i]);
    wg_free(r->residual);
    r->program->users--;
}

static void drop_dx(wg__verbs *v)
{
    for (int i = 0; i < v->n_dx; i++) wg__array_drop(&v->dx[i]);
    wg_free(v->dx);
    v->dx = NULL;
    v->n_dx = 0;
}

static void forget_retained(wg__verbs *v)
{
    for (int i = 0; i < v->n_retained; i++) free_retained(&v->retained[i]);
    wg_free(v->retained);
    v->retained = NULL;
    v->n_retained = v->taken = 0;
    for (int i = 0; i < WG_MOST_RESULTS; i++) {
        wg__array_drop(&v->state[i]);
        wg__array_drop(&v->d_state[i]);
    }
}

void wg__verbs_forget(wg_layer *l)
{
    wg__verbs *v = l->verbs;

    wg__steps_forget(l);
    if (!v) return;
    forget_retained(v);
    drop_dx(v);
    for (int i = 0; i < v->n_programs; i++) wg__program_free(v->programs[i]);
    wg_free(v->programs);
    v->programs = NULL;
    v->n_programs = 0;
}

void wg__verbs_free(wg_layer *l)
{
    wg__verbs_forget(l);
    wg_free(l->verbs);
    l->verbs = NULL;
}

/* ---- forward ---- */

/* Room for one more program: the oldest that no retained forward needs goes. */
static bool make_room(wg__verbs *v)
{
    wg__program **list;
    int i = 0;

    if (v->n_programs >= MOST_PROGRAMS)
        while (i < v->n_programs && v->programs[i]->users) i++;
    if (v->n_programs >= MOST_PROGRAMS && i < v->n_programs) {
        wg__program_free(v->programs[i]);
        v->n_programs--;
        memmove(v->programs + i, v->programs + i + 1,
                (size_t)(v->n_programs - i) * sizeof *v->programs);
        return true;
    }
    list = wg_alloc(v->n_programs + 1, sizeof *list);
    if (!list) return false;
    if (v->n_programs) memcpy(list, v->programs, (size_t)v->n_programs * sizeof *list);
    wg_free(v->programs);
    v->programs = list;
    return true;
}

static wg__program *program_for(wg_layer *l, int n, const wg_array *x, bool train)
{
    wg__verbs *v = l->verbs;
    wg__program *p;

    for (int i = 0; i < v->n_programs; i++)
        if (wg__program_fits(v->programs[i], l, n, x, train)) return v->programs[i];
    p = wg__program_new(l, n, x, train);
    if (!p) return NULL;
    if (!make_room(v)) {
        wg__program_free(p);
        fail(l, WG_ENOMEM, "out of memory");
        return NULL;
    }
    return v->programs[v->n_programs++] = p;
}

static bool check_inputs(wg_layer *l, int n, const wg_array *x)
{
    int most = l->kind->n_in - l->kind->n_state;

    if (n < 1 || !x) fail(l, WG_EARG, "no inputs given");
    else if (n + l->kind->n_state > WG_MOST_OPERANDS) fail(l, WG_ELIMIT, "more than 64 inputs");
    else if (l->kind->n_in >= 0 && (n > most || n < most - l->kind->n_optional))
        wg_fail(&l->error, WG_EARG, l->kind->name, "%s: %d inputs given, wanted %d", l->name, n,
                most);
    else {
        for (int i = 0; i < n; i++)
            if (wg_type_bytes(&x[i].type) < 0 ||
                (!x[i].data && wg_shape_count(&x[i].type.shape) != 0))
                wg_fail(&l->error, WG_EARG, l->kind->name, "%s: input %d has no data", l->name, i);
        return l->error.code == WG_OK;
    }
    return false;
}

/* States of a cell join its inputs: those of the step before, or zeros. */
static bool add_states(wg_layer *l, int n, wg_array *all)
{
    const wg_type *types[WG_MOST_OPERANDS];
    wg__verbs *v = l->verbs;

    for (int i = 0; i < n; i++) types[i] = &all[i].type;
    for (int i = 0; i < l->kind->n_state; i++) {
        wg_type want = { all[0].type.dtype, l->kind->state(l, types, i) };

        if (v->state[i].data && !wg_type_equal(&v->state[i].type, &want)) {
            wg_fail(&l->error, WG_ESHAPE, l->kind->name,
                    "%s: the state is %s, this step wants %s; wg_layer_flush_gradients starts anew",
                    l->name, WG_TYPE_STR(&v->state[i].type), WG_TYPE_STR(&want));
            return false;
        }
        if (!v->state[i].data && !wg__array_fresh(&v->state[i], &want)) {
            fail(l, WG_ENOMEM, "out of memory");
            return false;
        }
        all[n + i] = v->state[i];
    }
    return true;
}

/* A run that draws at random counts, so that the next one draws others. */
static void count_run(wg_layer *l, const wg__program *p, int64_t before)
{
    const wg_param *run = wg_params_find(l->store, "rng/run");

    if (p->random && p->train && run && *(int64_t *)run->value.data == before)
        *(int64_t *)run->value.data += 1;
}

static bool run_forward(wg_layer *l, wg__program *p, const wg_array *x)
{
    const wg_param *counter = wg_params_find(l->store, "rng/run");
    int64_t before = counter ? *(int64_t *)counter->value.data : 0;
    char name[24];

    for (int i = 0; i < p->n; i++) {
        snprintf(name, sizeof name, "x%d", i);
        /* an input the function does not use need not be fed */
        if (wg_plan_feed(p->forward, name, x[i]) != WG_OK &&
            wg_plan_error(p->forward)->code != WG_ENAME)
            break;
        if (i + 1 < p->n) continue;
        if (wg_plan_run(p->forward) != WG_OK) break;
        count_run(l, p, before);
        return true;
    }
    l->error = *wg_plan_error(p->forward);
    return false;
}

/* Copies what the gradient will need. Nothing is retained when memory runs out. */
static bool retain_run(wg_layer *l, wg__program *p)
{
    wg__verbs *v = l->verbs;
    wg__retained *list = wg_alloc(v->n_retained + 1, sizeof *list), r = { .program = p };
    int first = wg_layer_n_out(l) + p->values.n;
    bool ok = list != NULL;

    r.residual = wg_alloc(p->n_residuals + 1, sizeof *r.residual);
    p->users++;
    for (int i = 0; i < p->n_residuals && ok && r.residual; i++)
        ok = wg__array_copy(&r.residual[i], wg_plan_value_at(p->forward, first + i));
    for (int i = 0; i < wg_layer_n_out(l); i++) r.y[i] = wg_plan_value_at(p->forward, i)->type;
    for (int i = 0; i < p->values.n && ok; i++)
        for (int k = 0; k < p->values.at[i].layer->n_watches; k++) {
            wg__watch *w = &p->values.at[i].layer->watches[k];

            if (!w->grad && !strcmp(w->key, p->values.at[i].key))
                ok = wg__array_keep(&w->value, wg_plan_value_at(p->forward, wg_layer_n_out(l) + i));
        }
    if (!ok || !r.residual) {
        free_retained(&r);
        wg_free(list);
        return false;
    }
    if (v->n_retained) memcpy(list, v->retained, (size_t)v->n_retained * sizeof *list);
    wg_free(v->retained);
    v->retained = list;
    v->retained[v->n_retained++] = r;
    return true;
}

static bool next_states(wg_layer *l, wg__program *p)
{
    int n_out = wg_layer_n_out(l), n_state = l->kind->n_state;
    wg__verbs *v = l->verbs;

    for (int i = 0; i < n_state; i++)
        if (!wg__array_keep(&v->state[i], wg_plan_value_at(p->forward, n_out - n_state + i)))
            return false;
    return true;
}

wg_status wg_layer_forward(wg_layer *l, int n, const wg_array *x, bool retain, wg_array *y)
{
    wg_array all[WG_MOST_OPERANDS];
    wg__program *p;
    wg__verbs *v;

    if (!l || !y) return WG_EARG;
    l->error = l->broken;
    if (l->error.code != WG_OK) return l->error.code;
    v = verbs_of(l);
    if (!v || !check_inputs(l, n, x)) return l->error.code;
    memcpy(all, x, (size_t)n * sizeof *all);
    if (l->kind->n_state && !add_states(l, n, all)) return l->error.code;
    p = program_for(l, n + l->kind->n_state, all, retain);
    if (!p || !run_forward(l, p, all)) return l->error.code;
    if ((retain && !retain_run(l, p)) || !next_states(l, p))
        return fail(l, WG_ENOMEM, "out of memory");
    for (int i = 0; i < wg_layer_n_out(l); i++) y[i] = *wg_plan_value_at(p->forward, i);
    return WG_OK;
}

/* ---- backward ---- */

/* Gradients of a call before they are added: all or none. */
typedef struct {
    wg_array *params; /* forwards x parameters of the program */
    wg_array *dx;
    int n_dx, n_params;
} outcome;

static void drop_outcome(outcome *o)
{
    for (int i = 0; o->params && i < o->n_params; i++) wg__array_drop(&o->params[i]);
    for (int i = 0; o->dx && i < o->n_dx; i++) wg__array_drop(&o->dx[i]);
    wg_free(o->params);
    wg_free(o->dx);
    *o = (outcome){ .n_dx = 0 };
}

static bool check_dy(wg_layer *l, const wg__retained *r, const wg_array *dy, int forward)
{
    for (int k = 0; k < wg_layer_n_out(l); k++) {
        if (!dy[k].data || wg_type_equal(&dy[k].type, &r->y[k])) continue;
        wg_fail(&l->error, WG_ESHAPE, l->kind->name,
                "%s: the gradient of result %d of forward %d is %s, the result was %s", l->name, k,
                forward, WG_TYPE_STR(&dy[k].type), WG_TYPE_STR(&r->y[k]));
        return false;
    }
    return true;
}

static bool feed(wg_layer *l, wg_plan *plan, const char *name, wg_array a)
{
    if (wg_plan_feed(plan, name, a) == WG_OK || wg_plan_error(plan)->code == WG_ENAME) return true;
    l->error = *wg_plan_error(plan);
    return false;
}

static bool run_backward(wg_layer *l, const wg__retained *r, const wg_array *dy)
{
    wg_plan *plan = r->program->backward;
    wg_array zero[WG_MOST_RESULTS] = { 0 };
    char name[24];
    bool ok = true;

    for (int i = 0; i < r->program->n_residuals && ok; i++) {
        snprintf(name, sizeof name, "r%d", i);
        ok = feed(l, plan, name, r->residual[i]);
    }
    for (int k = 0; k < wg_layer_n_out(l) && ok; k++) {
        if (!dy[k].data && !wg__array_fresh(&zero[k], &r->y[k])) {
            fail(l, WG_ENOMEM, "out of memory");
            ok = false;
            break;
        }
        snprintf(name, sizeof name, "dy%d", k);
        ok = feed(l, plan, name, dy[k].data ? dy[k] : zero[k]);
    }
    if (ok && wg_plan_run(plan) != WG_OK) {
        l->error = *wg_plan_error(plan);
        ok = false;
    }
    for (int k = 0; k < WG_MOST_RESULTS; k++) wg__array_drop(&zero[k]);
    return ok;
}

static int n_real_inputs(const wg__program *p)
{
    int n = 0;

    for (int i = 0; i < p->n; i++) n += p->dx[i] >= 0;
    return n;
}

/* Watched gradients of the last backward, by layer and key. */
static bool keep_watched(const wg__program *p)
{
    int first = n_real_inputs(p) + p->params.n;

    for (int i = 0; i < p->gradients.n; i++)
        for (int k = 0; k < p->gradients.at[i].layer->n_watches; k++) {
            wg__watch *w = &p->gradients.at[i].layer->watches[k];

            if (w->grad && !strcmp(w->key, p->gradients.at[i].key) &&
                !wg__array_keep(&w->value, wg_plan_value_at(p->backward, first + i)))
                return false;
        }
    return true;
}

static bool gather(wg_layer *l, const wg__retained *r, outcome *o, int at_dx, int at_param)
{
    const wg__program *p = r->program;
    int first = n_real_inputs(p);

    for (int i = 0; i < p->n; i++)
        if (p->dx[i] >= 0 &&
            !wg__array_copy(&o->dx[at_dx + i], wg_plan_value_at(p->backward, p->dx[i])))
            return fail(l, WG_ENOMEM, "out of memory") == WG_OK;
    for (int i = 0; i < p->params.n; i++)
        if (!wg__array_copy(&o->params[at_param + i], wg_plan_value_at(p->backward, first + i)))
            return fail(l, WG_ENOMEM, "out of memory") == WG_OK;
    if (!keep_watched(p)) return fail(l, WG_ENOMEM, "out of memory") == WG_OK;
    return true;
}

/* Adds the gradients of one forward; memory for the sums was found before. */
static void add_gradients(const wg__program *p, const wg_array *params)
{
    for (int i = 0; i < p->params.n; i++) {
        wg__entry *e = wg__layer_entry(p->params.at[i].layer, p->params.at[i].key);

        if (e && wg_layer_trainable(p->params.at[i].layer)) wg__array_add_to(&e->grad, &params[i]);
    }
}

static bool room_for_gradients(const wg__program *p, const wg_array *params)
{
    for (int i = 0; i < p->params.n; i++) {
        wg__entry *e = wg__layer_entry(p->params.at[i].layer, p->params.at[i].key);

        if (e && !e->grad.data && !wg__array_fresh(&e->grad, &params[i].type)) return false;
    }
    return true;
}

static bool all_runs(wg_layer *l, int first, int forwards, const wg_array *dy, outcome *o)
{
    wg__verbs *v = l->verbs;
    int dx = 0, param = 0;

    for (int i = 0; i < forwards; i++) {
        o->n_dx += v->retained[first + i].program->n;
        o->n_params += v->retained[first + i].program->params.n;
        if (!check_dy(l, &v->retained[first + i], dy + i * wg_layer_n_out(l), first + i))
            return false;
    }
    o->dx = wg_alloc(o->n_dx + 1, sizeof *o->dx);
    o->params = wg_alloc(o->n_params + 1, sizeof *o->params);
    if (!o->dx || !o->params) return fail(l, WG_ENOMEM, "out of memory") == WG_OK;
    for (int i = 0; i < forwards; i++) {
        const wg__retained *r = &v->retained[first + i];

        if (r->program->backward &&
            (!run_backward(l, r, dy + i * wg_layer_n_out(l)) || !gather(l, r, o, dx, param)))
            return false;
        dx += r->program->n;
        param += r->program->params.n;
    }
    return true;
}

static bool add_all(wg_layer *l, int first, int forwards, const outcome *o)
{
    const wg__retained *r = l->verbs->retained + first;

    for (int i = 0, at = 0; i < forwards; at += r[i].program->params.n, i++)
        if (r[i].program->backward && !room_for_gradients(r[i].program, o->params + at))
            return fail(l, WG_ENOMEM, "out of memory") == WG_OK;
    for (int i = 0, at = 0; i < forwards; at += r[i].program->params.n, i++)
        if (r[i].program->backward) add_gradients(r[i].program, o->params + at);
    return true;
}

/* What comes from the step after joins the gradient of a cell's new states. */
static bool add_d_states(wg_layer *l, const wg__retained *r, const wg_array *dy, wg_array *all)
{
    int n_out = wg_layer_n_out(l), n_state = l->kind->n_state;

    for (int k = 0; k < n_out; k++) all[k] = (wg_array){ .data = NULL };
    if (!check_dy(l, r, dy, l->verbs->n_retained - 1 - l->verbs->taken)) return false;
    for (int k = 0; k < n_out; k++) {
        const wg_array *later =
            k < n_out - n_state ? NULL : &l->verbs->d_state[k - n_out + n_state];

        if (!wg__array_fresh(&all[k], &r->y[k]))
            return fail(l, WG_ENOMEM, "out of memory") == WG_OK;
        if (dy[k].data) wg__array_add_to(&all[k], &dy[k]);
        if (later && later->data) wg__array_add_to(&all[k], later);
    }
    return true;
}

static wg_status cell_backward(wg_layer *l, const wg_array *dy, bool retain_grads, outcome *o)
{
    wg__verbs *v = l->verbs;
    int at = v->n_retained - 1 - v->taken, n_state = l->kind->n_state;
    wg_array all[WG_MOST_RESULTS];
    bool ok;

    ok = add_d_states(l, &v->retained[at], dy, all) && all_runs(l, at, 1, all, o) &&
         (!retain_grads || add_all(l, at, 1, o));
    for (int k = 0; k < wg_layer_n_out(l); k++) wg__array_drop(&all[k]);
    if (!ok) return l->error.code;
    v->taken++;
    o->n_dx -= n_state;
    for (int i = 0; i < n_state; i++) {
        wg__array_drop(&v->d_state[i]);
        v->d_state[i] = o->dx[o->n_dx + i];
        o->dx[o->n_dx + i] = (wg_array){ .data = NULL };
    }
    return WG_OK;
}

static void hand_out(outcome *o, wg_array *dx)
{
    for (int i = 0; i < o->n_dx; i++) dx[i] = o->dx[i];
}

wg_status wg_layer_backward(wg_layer *l, int forwards, const wg_array *dy, bool retain_grads,
                            wg_array *dx)
{
    outcome o = { .n_dx = 0 };
    wg_status status;
    wg__verbs *v;

    if (!l || !dy) return WG_EARG;
    l->error = l->broken;
    if (l->error.code != WG_OK) return l->error.code;
    v = verbs_of(l);
    if (!v) return l->error.code;
    if (forwards < 1) return fail(l, WG_EARG, "backward of no forwards");
    if (l->kind->n_state && forwards != 1)
        return fail(l, WG_EARG, "cells step backwards one by one");
    if (forwards > v->n_retained - (l->kind->n_state ? v->taken : 0))
        return wg_fail(&l->error, WG_ESTATE, l->kind->name,
                       "%s: backward of %d forwards, %d are retained; forward with retain first",
                       l->name, forwards, v->n_retained - (l->kind->n_state ? v->taken : 0));
    if (l->kind->n_state) {
        status = cell_backward(l, dy, retain_grads, &o);
    } else {
        bool ok =
            all_runs(l, 0, forwards, dy, &o) && (!retain_grads || add_all(l, 0, forwards, &o));

        status = ok ? WG_OK : l->error.code;
    }
    if (status != WG_OK) {
        drop_outcome(&o);
        return status;
    }
    drop_dx(v);
    v->dx = o.dx;
    v->n_dx = o.n_dx;
    if (dx) hand_out(&o, dx);
    o.dx = NULL;
    drop_outcome(&o);
    return WG_OK;
}

/* ---- between steps ---- */

void wg_layer_flush_gradients(wg_layer *l)
{
    if (!l) return;
    if (l->verbs) forget_retained(l->verbs);
    for (int i = 0; i < l->n_entries; i++) wg__array_drop(&l->entries[i].grad);
    for (int i = 0; i < l->n_watches; i++) wg__array_drop(&l->watches[i].value);
    for (int i = 0; i < l->n_components; i++) wg_layer_flush_gradients(l->components[i]);
}

wg_array wg_layer_derived(const wg_layer *l, const char *key)
{
    for (int i = 0; l && key && i < l->n_watches; i++)
        if (!strcmp(l->watches[i].key, key) && l->watches[i].value.data) return l->watches[i].value;
    return (wg_array){ .data = NULL };
}
