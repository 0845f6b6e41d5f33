/*
 * optim_update.c: numpy-ml's update callable. The composition of a step is recorded once for each
 * type of parameter into a graph of its own, with parameter, gradient and cache as inputs; its plan
 * runs for every parameter of that type. (One plan for all of a rank would be specialised anew at
 * every call: a plan keeps few extents.)
 */
#include <math.h>
#include <string.h>

#include "optim.h"
#include "wengert/op.h"
#include "wengert/ops.h"

/* The recorded step for parameters of one type. */
struct program {
    wg_type type;
    wg_graph *graph;
    wg_plan *step, *norm; /* norm: made when gradients are clipped by their common norm */
};

/* What is known of one parameter: where its cache lies. */
struct cell {
    char *name;
    wg_type type;
    wg_array slot[WG__MAX_SLOTS], sum;
    int64_t *t;
    int program;
    int64_t seen; /* the run it was updated in */
};

struct wg__updates {
    struct program *program;
    int n_programs;
    struct cell *cell;
    int n_cells, cap_cells;
    int64_t run;  /* number of the run that is open; 0: none yet */
    bool apply;   /* it is the last run of a step */
    bool counted; /* and the step number has moved for it already */
    bool asked;   /* its rate is known */
    double rate;
    wg_graph *graph; /* of the scheduler */
    wg_plan *plan;
};

static bool no_memory(const wg_optim *o, wg_error *error)
{
    wg_fail(error, WG_ENOMEM, o->kind->name, "out of memory");
    return false;
}

static bool pass_on(const wg_error *from, wg_error *error)
{
    wg_fail(error, from->code, from->op, "%s", from->text);
    return false;
}

void wg__updates_drop(wg_optim *o)
{
    struct wg__updates *u = o->updates;

    if (!u) return;
    for (int i = 0; i < u->n_programs; i++) {
        wg_plan_free(u->program[i].step);
        wg_plan_free(u->program[i].norm);
        wg_graph_free(u->program[i].graph);
    }
    for (int i = 0; i < u->n_cells; i++) wg_free(u->cell[i].name);
    wg_plan_free(u->plan);
    wg_graph_free(u->graph);
    wg_free(u->program);
    wg_free(u->cell);
    wg_free(u);
    o->updates = NULL;
}

static bool begun(wg_optim *o, wg_error *error)
{
    if (o->error.code != WG_OK) return pass_on(&o->error, error);
    if (!o->updates) o->updates = wg_alloc(1, sizeof *o->updates);
    return o->updates || no_memory(o, error);
}

/* ---- the recorded step ---- */

static wg_tensor *scalar(wg_graph *g, const char *name, wg_dtype dtype)
{
    return wg_input(g, name, dtype, WG_SHAPE_SCALAR);
}

static void record_program(const wg_optim *o, struct program *p, const wg_type *type)
{
    static const char *const slot[WG__MAX_SLOTS] = { "slot0", "slot1" };
    wg_graph *g = p->graph;
    wg__step s = { .g = g, .lr = scalar(g, "lr", WG_F64), .t = scalar(g, "t", WG_F64) };
    wg__weight old = { .w = wg_input(g, "param", type->dtype, type->shape) }, next = { 0 };
    wg_tensor *grad = wg_input(g, "grad", type->dtype, type->shape), *total = grad;

    for (int i = 0; i < wg__optim_slots(o); i++)
        old.slot[i] = wg_input(g, slot[i], type->dtype, type->shape);
    if (wg__accumulate(o) > 1) {
        old.sum = wg_input(g, "sum", type->dtype, type->shape);
        s.apply = scalar(g, "apply", WG_BOOL);
        total = wg_add(old.sum, grad);
    }
    if (o->value[WG__WEIGHT_DECAY].v != 0) s.decay = scalar(g, "decay", WG_F64);
    if (!isnan(o->value[WG__CLIP_ALL].v)) s.scale = scalar(g, "scale", WG_F64);
    wg_begin(g, "step", WG_TRAIN);
    wg__optim_begin(o, &s);
    wg__optim_one(o, &s, &old, grad, &next);
    wg_output("param", next.w);
    for (int i = 0; i < wg__optim_slots(o); i++) wg_output(slot[i], next.slot[i]);
    if (next.sum) wg_output("sum", next.sum);
    wg_end(g);
    if (!s.scale) return;
    wg_begin(g, "norm", WG_PREDICT);
    wg_output("norm", wg_cast(wg_norm(total, WG_ALL_AXES, false), WG_F64));
    wg_end(g);
}

static int find_program(wg_optim *o, const wg_type *type, wg_error *error)
{
    struct wg__updates *u = o->updates;
    struct program *list, p = { .type = *type };
    wg_error own = { .code = WG_OK };

    for (int i = 0; i < u->n_programs; i++)
        if (wg_type_equal(&u->program[i].type, type)) return i;
    list = wg_alloc(u->n_programs + 1, sizeof *list);
    p.graph = wg_graph_new();
    if (!list || !p.graph) {
        wg_free(list);
        wg_graph_free(p.graph);
        no_memory(o, error);
        return -1;
    }
    record_program(o, &p, type);
    p.step = wg_plan_new_error(p.graph, o->at.store, "step", NULL, &own);
    if (p.step && !isnan(o->value[WG__CLIP_ALL].v))
        p.norm = wg_plan_new_error(p.graph, o->at.store, "norm", NULL, &own);
    if (own.code != WG_OK) {
        wg_plan_free(p.step);
        wg_graph_free(p.graph);
        wg_free(list);
        pass_on(&own, error);
        return -1;
    }
    if (u->n_programs) memcpy(list, u->program, (size_t)u->n_programs * sizeof *list);
    list[u->n_programs] = p;
    wg_free(u->program);
    u->program = list;
    return u->n_programs++;
}

/* ---- cells ---- */

static bool find_slot(wg_optim *o, const char *name, const char *suffix, const wg_type *type,
                      wg_array *value, bool *fresh, wg_error *error)
{
    char full[WG__ENTRY_TEXT];

    if (!wg__slot_name(o, name, suffix, full)) {
        wg_fail(error, WG_ENAME, o->kind->name, "the name \"%.80s...\" is too long", name);
        return false;
    }
    if (!wg__entry_claim(&o->at, o->kind->name, full, type->dtype, type->shape, fresh, error))
        return false;
    *value = wg_params_find(o->at.store, full)->value;
    return true;
}

/* Updates made so far, by the optimiser's own counter. */
static int64_t steps_made(const wg_optim *o)
{
    char full[WG__ENTRY_TEXT];
    const wg_param *p =
        wg__entry_name(&o->at, "step", full) ? wg_params_find(o->at.store, full) : NULL;

    return p ? *(const int64_t *)p->value.data - o->updates->counted : 0;
}

/* A cache that recorded training has left counts by the optimiser's steps. */
static bool fill_cell(wg_optim *o, struct cell *c, wg_error *error)
{
    static const wg_type count = { WG_I64, { 0, { 0 } } };
    wg_array t = { .data = NULL };
    bool fresh = true, new_t, unused;

    for (int i = 0; i < wg__optim_slots(o); i++)
        if (!find_slot(o, c->name, o->kind->slot[i], &c->type, &c->slot[i], &fresh, error))
            return false;
    if (wg__accumulate(o) > 1 && !find_slot(o, c->name, "sum", &c->type, &c->sum, &unused, error))
        return false;
    if (o->kind->counts) {
        if (!find_slot(o, c->name, "t", &count, &t, &new_t, error)) return false;
        c->t = t.data;
        if (new_t && !fresh) *c->t = steps_made(o);
    }
    c->program = find_program(o, &c->type, error);
    return c->program >= 0;
}

static struct cell *find_cell(wg_optim *o, const char *name, const wg_type *type, wg_error *error)
{
    struct wg__updates *u = o->updates;
    char got[WG_TYPE_TEXT], want[WG_TYPE_TEXT];
    struct cell *c;

    for (int i = 0; i < u->n_cells; i++) {
        if (strcmp(u->cell[i].name, name) != 0) continue;
        if (wg_type_equal(&u->cell[i].type, type)) return &u->cell[i];
        wg_fail(error, u->cell[i].type.dtype != type->dtype ? WG_EDTYPE : WG_ESHAPE, o->kind->name,
                "\"%.60s\" is %s, its cache is that of %s", name, wg_type_text(type, got),
                wg_type_text(&u->cell[i].type, want));
        return NULL;
    }
    if (u->n_cells == u->cap_cells) {
        struct cell *list = wg_alloc(2 * u->cap_cells + 8, sizeof *list);

        if (!list) {
            no_memory(o, error);
            return NULL;
        }
        if (u->n_cells) memcpy(list, u->cell, (size_t)u->n_cells * sizeof *list);
        wg_free(u->cell);
        u->cell = list;
        u->cap_cells = 2 * u->cap_cells + 8;
    }
    c = &u->cell[u->n_cells];
    *c = (struct cell){ .name = wg_text_copy(name), .type = *type };
    if (!c->name) no_memory(o, error);
    else if (fill_cell(o, c, error)) {
        u->n_cells++;
        return c;
    }
    wg_free(c->name);
    return NULL;
}

/* ---- runs and rates ---- */

static int64_t count(const wg_optim *o, const char *key)
{
    const wg_array *a = wg__entry_value(&o->at, key);

    return a ? *(const int64_t *)a->data : 0;
}

static bool set_count(wg_optim *o, const char *key, int64_t n, wg_error *error)
{
    return wg__entry_set(&o->at, o->kind->name, key, WG_I64, (double)n, error);
}

/* Entries that were loaded with the store keep their values. */
static bool claim_count(wg_optim *o, const char *key, wg_error *error)
{
    char full[WG__ENTRY_TEXT];
    bool fresh;

    if (!wg__entry_name(&o->at, key, full)) {
        wg_fail(error, WG_ENAME, o->kind->name, "the name \"%.80s...\" is too long", o->at.name);
        return false;
    }
    return wg__entry_claim(&o->at, o->kind->name, full, WG_I64, WG_SHAPE_SCALAR, &fresh, error);
}

int64_t wg_optim_cur_step(const wg_optim *o)
{
    return o ? count(o, "step") : 0;
}

/* Opens a run; counted: by wg_optim_step, so that the step number moves with its last run. */
static bool open_run(wg_optim *o, bool counted, wg_error *error)
{
    struct wg__updates *u = o->updates;
    int64_t k = wg__accumulate(o), runs = 1;

    if (!claim_count(o, "step", error) || (k > 1 && !claim_count(o, "runs", error))) return false;
    if (k > 1) runs = count(o, "runs") + 1;
    if (k > 1 && !set_count(o, "runs", runs >= k ? 0 : runs, error)) return false;
    if (counted && runs >= k && !set_count(o, "step", count(o, "step") + 1, error)) return false;
    u->apply = runs >= k;
    u->counted = counted && u->apply;
    u->asked = false;
    u->run++;
    return true;
}

/* The rate's function lives in a graph of its own over the optimiser's store. */
static bool prepare_rate(wg_optim *o, wg_error *error)
{
    struct wg__updates *u = o->updates;
    wg__ticks t = { .sched = o->sched, .at = &o->at };

    if (u->plan) return true;
    if (!u->graph) u->graph = wg_graph_new();
    t.g = u->graph;
    wg_begin(t.g, "rate", WG_TRAIN);
    t.step = scalar(t.g, "step", WG_I64);
    t.loss = o->sched->kind->wants_loss ? scalar(t.g, "loss", WG_F64) : NULL;
    wg_output("lr", wg__sched_record(&t));
    wg_end(t.g);
    u->plan = wg_plan_new_error(t.g, o->at.store, "rate", NULL, error);
    if (u->plan) return true;
    wg_graph_free(u->graph);
    u->graph = NULL;
    return false;
}

static bool feed(wg_plan *p, const char *name, wg_dtype dtype, const void *value)
{
    return wg_plan_feed(p, name, wg_array_of(dtype, WG_SHAPE_SCALAR, value)) == WG_OK;
}

/* Asks the scheduler, once in a run: with accumulation in the last one, for the mean loss. */
static bool ask_rate(wg_optim *o, double loss, wg_error *error)
{
    struct wg__updates *u = o->updates;
    double k = (double)wg__accumulate(o);
    bool wants = o->sched->kind->wants_loss, by_step = !wants && o->sched->kind != &wg__constant;
    int64_t step = count(o, "step");

    if (u->asked) return true;
    if (wants && k > 1) {
        const wg_array *sum = wg__entry_value(&o->at, "loss_sum");

        loss += sum ? *(const double *)sum->data : 0;
        if (!wg__entry_set(&o->at, o->kind->name, "loss_sum", WG_F64, u->apply ? 0 : loss, error))
            return false;
        loss /= k;
    }
    u->asked = true;
    if (!u->apply) return true;
    u->asked = false;
    if (!prepare_rate(o, error)) return false;
    if ((by_step && !feed(u->plan, "step", WG_I64, &step)) ||
        (wants && !feed(u->plan, "loss", WG_F64, &loss)) || wg_plan_run(u->plan) != WG_OK)
        return pass_on(wg_plan_error(u->plan), error);
    u->rate = wg_item(wg_plan_value(u->plan, "lr"));
    return u->asked = true;
}

/* ---- an update ---- */

static bool feed_gradient(wg_plan *p, const struct cell *c, wg_array grad)
{
    return wg_plan_feed(p, "grad", grad) == WG_OK &&
           (!c->sum.data || wg_plan_feed(p, "sum", c->sum) == WG_OK);
}

static bool common_scale(wg_optim *o, int n, struct cell *const *cell, const wg_array *grad,
                         double *scale, wg_error *error)
{
    double sum = 0, clip = o->value[WG__CLIP_ALL].v;

    *scale = 1;
    if (isnan(clip)) return true;
    for (int i = 0; i < n; i++) {
        wg_plan *p = o->updates->program[cell[i]->program].norm;
        double norm;

        if (!feed_gradient(p, cell[i], grad[i]) || wg_plan_run(p) != WG_OK)
            return pass_on(wg_plan_error(p), error);
        norm = wg_item(wg_plan_value_at(p, 0));
        sum = i == 0 ? norm * norm : sum + norm * norm;
    }
    *scale = clip / fmax(sqrt(sum), clip);
    if (isnan(sum)) *scale = sum;
    return true;
}

static void take(wg_plan *p, int i, wg_array to)
{
    size_t bytes = (size_t)wg_type_bytes(&to.type);

    if (bytes) memcpy(to.data, wg_plan_value_at(p, i)->data, bytes);
}

static bool run_step(wg_optim *o, struct cell *c, wg_array param, wg_array grad, double scale,
                     wg_error *error)
{
    static const char *const slot[WG__MAX_SLOTS] = { "slot0", "slot1" };
    struct wg__updates *u = o->updates;
    wg_plan *p = u->program[c->program].step;
    wg__group group = wg__optim_group_of(o, c->name);
    double lr = u->rate * group.lr, decay = o->value[WG__WEIGHT_DECAY].v * group.decay;
    double t = c->t ? (double)(*c->t + 1) : 1;
    int n = wg__optim_slots(o);
    bool ok = feed_gradient(p, c, grad) && wg_plan_feed(p, "param", param) == WG_OK;

    ok = ok && feed(p, "lr", WG_F64, &lr) && (!c->t || feed(p, "t", WG_F64, &t));
    for (int i = 0; ok && i < n; i++) ok = wg_plan_feed(p, slot[i], c->slot[i]) == WG_OK;
    if (c->sum.data) ok = ok && feed(p, "apply", WG_BOOL, &u->apply);
    if (o->value[WG__WEIGHT_DECAY].v != 0) ok = ok && feed(p, "decay", WG_F64, &decay);
    if (!isnan(o->value[WG__CLIP_ALL].v)) ok = ok && feed(p, "scale", WG_F64, &scale);
    if (!ok || wg_plan_run(p) != WG_OK) return pass_on(wg_plan_error(p), error);
    take(p, 0, param);
    for (int i = 0; i < n; i++) take(p, 1 + i, c->slot[i]);
    if (c->sum.data) take(p, 1 + n, c->sum);
    if (c->t && u->apply) ++*c->t;
    return true;
}

/* ---- checks before anything changes ---- */

static bool fits(const wg_optim *o, const char *name, const wg_array *param, const wg_array *grad,
                 wg_error *error)
{
    char a[WG_TYPE_TEXT], b[WG_TYPE_TEXT];
    const char *op = o->kind->name;

    if (!name || !name[0]) wg_fail(error, WG_ENAME, op, "the parameter's name is empty");
    else if (!wg_dtype_is_real(param->type.dtype))
        wg_fail(error, WG_EDTYPE, op, "\"%.60s\" is %s, wanted f32 or f64", name,
                wg_type_text(&param->type, a));
    else if (!wg_type_equal(&param->type, &grad->type))
        wg_fail(error, param->type.dtype != grad->type.dtype ? WG_EDTYPE : WG_ESHAPE, op,
                "\"%.60s\" is %s, its gradient %s", name, wg_type_text(&param->type, a),
                wg_type_text(&grad->type, b));
    else if ((!param->data || !grad->data) && wg_type_bytes(&param->type) != 0)
        wg_fail(error, WG_EARG, op, "\"%.60s\": the %s's data pointer is NULL", name,
                param->data ? "gradient" : "parameter");
    else return true;
    return false;
}

/* The cells of a call; again: one of them has been updated in the run that is open. */
static bool gather(wg_optim *o, int n, const char *const *name, const wg_array *param,
                   const wg_array *grad, struct cell **cell, bool *again, wg_error *error)
{
    *again = o->updates->run == 0;
    for (int i = 0; i < n; i++)
        if (!fits(o, name[i], &param[i], &grad[i], error) ||
            !find_cell(o, name[i], &param[i].type, error))
            return false;
    for (int i = 0; i < n; i++) { /* their place is settled now */
        cell[i] = find_cell(o, name[i], &param[i].type, error);
        for (int k = 0; k < i; k++) {
            if (cell[k] != cell[i]) continue;
            wg_fail(error, WG_ENAME, o->kind->name, "\"%.60s\" is given twice", name[i]);
            return false;
        }
        *again |= o->updates->run > 0 && cell[i]->seen == o->updates->run;
    }
    return true;
}

static bool has_loss(const wg_optim *o, double loss, wg_error *error)
{
    if (!o->sched->kind->wants_loss || !isnan(loss)) return true;
    wg_fail(error, WG_EARG, o->sched->kind->name,
            "wants the loss of the step: cur_loss is missing");
    return false;
}

static bool update(wg_optim *o, int n, const char *const *name, const wg_array *param,
                   const wg_array *grad, double loss, wg_error *error)
{
    struct cell **cell;
    bool again, ok;
    double scale = 1;

    if (!begun(o, error)) return false;
    cell = wg_alloc(n > 0 ? n : 1, sizeof(struct cell *));
    if (!cell) return no_memory(o, error);
    ok = gather(o, n, name, param, grad, cell, &again, error);
    if (ok && (again || !o->updates->asked)) ok = has_loss(o, loss, error);
    ok = ok && (!again || open_run(o, false, error)) && ask_rate(o, loss, error) &&
         common_scale(o, n, cell, grad, &scale, error);
    for (int i = 0; ok && i < n; i++) {
        ok = run_step(o, cell[i], param[i], grad[i], scale, error);
        cell[i]->seen = o->updates->run;
    }
    wg_free(cell);
    return ok;
}

/* ---- public ---- */

static wg_status report(const wg_error *own, wg_error *error)
{
    return own->code == WG_OK ? WG_OK : wg_fail(error, own->code, own->op, "%s", own->text);
}

wg_status wg_optim_update_n(wg_optim *o, int n, const char *const *name, const wg_array *param,
                            const wg_array *grad, double cur_loss, wg_error *error)
{
    wg_error own = { .code = WG_OK };

    if (!o) return wg_fail(error, WG_EARG, "optim_update", "the optimiser is NULL");
    if (n < 0 || (n > 0 && (!name || !param || !grad)))
        return wg_fail(error, WG_EARG, o->kind->name, "the lists are NULL or of negative length");
    update(o, n, name, param, grad, cur_loss, &own);
    return report(&own, error);
}

wg_status wg_optim_update(wg_optim *o, const char *name, wg_array param, wg_array grad,
                          double cur_loss, wg_error *error)
{
    if (o && o->error.code == WG_OK && !isnan(o->value[WG__CLIP_ALL].v))
        return wg_fail(error, WG_ESTATE, o->kind->name,
                       "clip_global_norm needs all gradients at once: use wg_optim_update_n");
    return wg_optim_update_n(o, 1, &name, &param, &grad, cur_loss, error);
}

wg_status wg_optim_step(wg_optim *o, wg_error *error)
{
    wg_error own = { .code = WG_OK };

    if (!o) return wg_fail(error, WG_EARG, "optim_step", "the optimiser is NULL");
    if (begun(o, &own)) open_run(o, true, &own);
    return report(&own, error);
}

wg_status wg__optim_whole_step(wg_optim *o, int n, const char *const *name, const wg_array *param,
                               const wg_array *grad, double cur_loss, wg_error *error)
{
    wg_error own = { .code = WG_OK };

    if (begun(o, &own) && (n == 0 || has_loss(o, cur_loss, &own)) && open_run(o, true, &own) &&
        n > 0)
        update(o, n, name, param, grad, cur_loss, &own);
    return report(&own, error);
}

wg_status wg_optim_reset_step(wg_optim *o, wg_error *error)
{
    wg_error own = { .code = WG_OK };

    if (!o) return wg_fail(error, WG_EARG, "optim_reset_step", "the optimiser is NULL");
    if (begun(o, &own)) set_count(o, "step", 0, &own);
    return report(&own, error);
}

/* A copy goes on within the same run. */
bool wg__updates_copy(wg_optim *to, const wg_optim *from)
{
    const struct wg__updates *u = from->updates;

    if (!u) return true;
    if (!begun(to, NULL)) return false;
    to->updates->run = u->run;
    to->updates->apply = u->apply;
    to->updates->counted = u->counted;
    to->updates->asked = u->asked;
    to->updates->rate = u->rate;
    for (int i = 0; i < u->n_cells; i++) {
        struct cell *c = find_cell(to, u->cell[i].name, &u->cell[i].type, NULL);

        if (!c) return false;
        c->seen = u->cell[i].seen;
    }
    return true;
}
