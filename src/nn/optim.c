/* optim.c: making optimisers, and training steps as recorded updates of weights, moments, scheduler
 * and step counter. */
#include "optim.h"

#include <math.h>
#include <string.h>

#include "spell.h"
#include "wengert/grad.h"
#include "wengert/op.h"
#include "wengert/ops.h"

/* ---- making ---- */

static const wg__optim_class *const classes[] = { &wg__sgd, &wg__adagrad, &wg__rmsprop, &wg__adam,
                                                  &wg__adamw };
enum { N_CLASSES = sizeof classes / sizeof classes[0] };

const wg__optim_class *wg__optim_find(const char *name, int at, wg_error *error)
{
    const char *known[N_CLASSES];
    char place[40] = "";

    for (int i = 0; i < N_CLASSES; i++) {
        known[i] = classes[i]->name;
        if (wg__same_name(name, known[i])) return classes[i];
    }
    if (at > 0) snprintf(place, sizeof place, " at character %d", at);
    wg_fail(error, WG_ENAME, "optim", "unknown optimiser \"%.60s\"%s, the nearest is \"%s\"", name,
            place, wg__nearest(name, N_CLASSES, known));
    return NULL;
}

wg_optim *wg__optim_make(const wg__optim_class *kind, wg_params *w, const char *name)
{
    wg_optim *o = wg_alloc(1, sizeof *o);

    if (!o) return NULL;
    o->kind = kind;
    wg__hyper_defaults(kind->n, kind->field, o->value);
    if (!wg__entries_start(&o->at, w, name ? name : "")) {
        wg_free(o);
        return NULL;
    }
    if (!o->at.name[0]) wg_fail(&o->error, WG_ENAME, kind->name, "the optimiser's name is empty");
    return o;
}

/* From a struct: 0 and NULL mean none where they are no values. */
static wg_optim *from_hyper(const wg__optim_class *kind, wg_params *w, const char *name,
                            const double *value, const char *scheduler)
{
    wg_optim *o = wg__optim_make(kind, w, name);

    if (!o) return NULL;
    if (!w) wg_fail(&o->error, WG_EARG, kind->name, "the store is NULL");
    for (int i = 0; i < kind->n; i++) {
        bool none = kind->field[i].kind == WG__HYPER_OPTIONAL && value[i] == 0;

        o->value[i] = (wg__hyper_value){ none ? (double)NAN : value[i], false, true };
        if (i == WG__ACCUMULATE && value[i] == 0) o->value[i].v = 1;
        wg__hyper_check(&kind->field[i], &o->value[i], kind->name, &o->error);
    }
    o->sched = wg_sched_from_text(scheduler, &o->error);
    if (!o->sched) o->sched = wg_sched_from_text(NULL, NULL); /* the mistake is kept */
    if (o->sched) wg__sched_set_rate(o->sched, o->value[WG__LR].v, false, false);
    if (o->sched) return o;
    wg_optim_free(o);
    return NULL;
}

#define COMMON(h)                                                                                  \
    (h).lr, (h).clip_norm, (h).clip_global_norm, (h).weight_decay, (double)(h).accumulate

wg_sgd_hyper wg_sgd_defaults(void)
{
    return (wg_sgd_hyper){ .lr = 0.01 };
}

wg_adagrad_hyper wg_adagrad_defaults(void)
{
    return (wg_adagrad_hyper){ .lr = 0.01, .eps = 1e-7 };
}

wg_rmsprop_hyper wg_rmsprop_defaults(void)
{
    return (wg_rmsprop_hyper){ .lr = 0.001, .eps = 1e-7, .decay = 0.9 };
}

wg_adam_hyper wg_adam_defaults(void)
{
    return (wg_adam_hyper){ .lr = 0.001, .decay1 = 0.9, .decay2 = 0.999, .eps = 1e-7 };
}

wg_adam_hyper wg_adamw_defaults(void)
{
    wg_adam_hyper h = wg_adam_defaults();

    h.weight_decay = 0.01;
    return h;
}

wg_optim *wg_sgd(wg_params *w, const char *name, const wg_sgd_hyper *hyper)
{
    wg_sgd_hyper h = hyper ? *hyper : wg_sgd_defaults();

    return from_hyper(&wg__sgd, w, name, (double[]){ COMMON(h), h.momentum, h.nesterov },
                      h.lr_scheduler);
}

wg_optim *wg_adagrad(wg_params *w, const char *name, const wg_adagrad_hyper *hyper)
{
    wg_adagrad_hyper h = hyper ? *hyper : wg_adagrad_defaults();

    return from_hyper(&wg__adagrad, w, name, (double[]){ COMMON(h), h.eps }, h.lr_scheduler);
}

wg_optim *wg_rmsprop(wg_params *w, const char *name, const wg_rmsprop_hyper *hyper)
{
    wg_rmsprop_hyper h = hyper ? *hyper : wg_rmsprop_defaults();

    return from_hyper(&wg__rmsprop, w, name, (double[]){ COMMON(h), h.eps, h.decay },
                      h.lr_scheduler);
}

wg_optim *wg_adam(wg_params *w, const char *name, const wg_adam_hyper *hyper)
{
    wg_adam_hyper h = hyper ? *hyper : wg_adam_defaults();

    return from_hyper(&wg__adam, w, name, (double[]){ COMMON(h), h.decay1, h.decay2, h.eps },
                      h.lr_scheduler);
}

wg_optim *wg_adamw(wg_params *w, const char *name, const wg_adam_hyper *hyper)
{
    wg_adam_hyper h = hyper ? *hyper : wg_adamw_defaults();

    return from_hyper(&wg__adamw, w, name, (double[]){ COMMON(h), h.decay1, h.decay2, h.eps },
                      h.lr_scheduler);
}

void wg_optim_free(wg_optim *o)
{
    if (!o) return;
    wg__updates_drop(o);
    for (int i = 0; i < o->n_groups; i++) wg_free(o->group[i].pattern);
    wg_free(o->group);
    wg_sched_free(o->sched);
    wg__entries_end(&o->at);
    wg_free(o);
}

/* ---- groups and rates ---- */

/* '*' any text, '?' any character. */
static bool fits(const char *pattern, const char *name)
{
    const char *star = NULL, *after = NULL;

    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            after = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++after;
        } else return false;
    }
    while (*pattern == '*') pattern++;
    return *pattern == '\0';
}

wg__group wg__optim_group_of(const wg_optim *o, const char *name)
{
    for (int i = o->n_groups - 1; i >= 0; i--)
        if (fits(o->group[i].pattern, name)) return o->group[i];
    return (wg__group){ NULL, 1, 1 };
}

wg_status wg_optim_group(wg_optim *o, const char *pattern, double lr_factor, double decay_factor,
                         wg_error *error)
{
    wg__group *list;
    char *copy;

    if (!o || !pattern)
        return wg_fail(error, WG_EARG, "optim_group", "the %s is NULL",
                       o ? "pattern" : "optimiser");
    if (!(lr_factor >= 0) || isinf(lr_factor) || !(decay_factor >= 0) || isinf(decay_factor))
        return wg_fail(error, WG_EARG, "optim_group", "the factors are %g and %g, wanted 0 or more",
                       lr_factor, decay_factor);
    copy = wg_text_copy(pattern);
    list = wg_alloc(o->n_groups + 1, sizeof *list);
    if (!copy || !list) {
        wg_free(copy);
        wg_free(list);
        return wg_fail(error, WG_ENOMEM, "optim_group", "out of memory");
    }
    if (o->n_groups) memcpy(list, o->group, (size_t)o->n_groups * sizeof *list);
    list[o->n_groups++] = (wg__group){ copy, lr_factor, decay_factor };
    wg_free(o->group);
    o->group = list;
    return WG_OK;
}

wg_status wg_optim_set_lr(wg_optim *o, double lr, wg_error *error)
{
    static const char *const keys[] = { "lr", "initial_lr" };
    const wg__sched_class *kind;

    if (!o) return wg_fail(error, WG_EARG, "optim_set_lr", "the optimiser is NULL");
    if (!(lr > 0) || isinf(lr))
        return wg_fail(error, WG_EARG, "optim_set_lr", "lr is %g, wanted a positive number", lr);
    kind = o->sched->kind;
    if (kind->rate < 0)
        return wg_fail(error, WG_ESTATE, "optim_set_lr", "%s has no starting rate", kind->name);
    o->value[WG__LR].v = lr;
    o->value[WG__LR].whole = o->sched->value[kind->rate].whole = false;
    o->sched->value[kind->rate].v = lr;
    for (int i = 0; i < 2; i++) {
        char full[WG__ENTRY_TEXT];

        if (wg__entry_name(&o->at, keys[i], full) && wg_params_find(o->at.store, full) &&
            wg_params_fill(o->at.store, full, lr, error) != WG_OK)
            return error ? error->code : WG_EARG;
    }
    return WG_OK;
}

double wg_optim_lr(const wg_optim *o)
{
    const wg_array *lr = o ? wg__entry_value(&o->at, "lr") : NULL;

    if (lr && wg_item(lr) != 0) return wg_item(lr);
    return o && o->sched ? wg__sched_rate(o->sched, (double)NAN) : (double)NAN;
}

bool wg__slot_name(const wg_optim *o, const char *entry, const char *suffix,
                   char buf[WG__ENTRY_TEXT])
{
    return snprintf(buf, WG__ENTRY_TEXT, "%s/%s_%s", entry, o->at.name, suffix) < WG__ENTRY_TEXT;
}

/* ---- one step ---- */

/* The leaf of an optimiser's entry, made of zeros with the type of `like` unless the store was
 * loaded with it. */
static wg_tensor *slot(wg_optim *o, wg_graph *g, const char *entry, const char *suffix,
                       wg_tensor *like)
{
    char name[WG__ENTRY_TEXT];
    wg_error error = { .code = WG_OK };
    bool fresh;
    const wg_type *type = wg_tensor_type(like);

    if (!wg__slot_name(o, entry, suffix, name))
        return wg_record_fail(g, WG_ENAME, o->kind->name, "the name \"%.80s...\" is too long",
                              entry);
    if (!wg__entry_claim(&o->at, o->kind->name, name, type->dtype, type->shape, &fresh, &error))
        return wg_record_fail(g, error.code, error.op, "%s", error.text);
    return wg_param_leaf(g, o->at.store, name);
}

static void update_slot(const wg_optim *o, const char *entry, const char *suffix, wg_tensor *value)
{
    char name[WG__ENTRY_TEXT];

    if (wg__slot_name(o, entry, suffix, name)) wg_update(name, value);
}

/* The trainable real leaves the loss depends on, in the order every walk takes. */
static int find_weights(const wg_optim *o, wg_tensor *loss, wg_tensor ***weights)
{
    wg_tensor **order;
    int64_t count = wg_order(1, &loss, &order);
    int n = 0;

    for (int64_t i = 0; i < count; i++) {
        const wg_param *p;

        if (!(wg_tensor_record(order[i])->flags & WG_OP_PARAM) ||
            !wg_dtype_is_real(wg_dtype_of(order[i])))
            continue;
        p = wg_params_find(o->at.store, wg_tensor_leaf_name(order[i]));
        if (p && p->trainable) order[n++] = order[i];
    }
    *weights = order;
    return count < 0 ? -1 : n;
}

static wg_tensor *leaf(wg_optim *o, wg_graph *g, const char *key, wg_dtype dtype)
{
    return wg__entry_leaf(&o->at, g, o->kind->name, key, dtype, WG_SHAPE_SCALAR, 0);
}

/* Counters and rate. With accumulation all of them move in the last run of a step alone. */
static void record_rate(wg_optim *o, wg_tensor *loss, wg__step *s)
{
    wg_tensor *step = leaf(o, s->g, "step", WG_I64), *one = wg_scalar_like(step, 1),
              *next = wg_add(step, one);
    wg__ticks t = { .sched = o->sched, .at = &o->at, .g = s->g, .step = next };
    double k = (double)wg__accumulate(o);

    if (k > 1) {
        wg_tensor *runs = wg_add(leaf(o, s->g, "runs", WG_I64), one);

        t.apply = s->apply = wg_ge(runs, wg_scalar_like(runs, k));
        wg__entry_keep(&o->at, "runs", wg_where(s->apply, wg_scalar_like(runs, 0), runs), NULL);
    }
    if (o->sched->kind->wants_loss) {
        t.loss = wg_cast(wg_reshape(loss, WG_SHAPE_SCALAR), WG_F64);
        if (k > 1) {
            wg_tensor *sum = wg_add(leaf(o, s->g, "loss_sum", WG_F64), t.loss);

            t.loss = wg_div(sum, wg_scalar_like(sum, k));
            wg__entry_keep(&o->at, "loss_sum", wg_where(s->apply, wg_scalar_like(sum, 0), sum),
                           NULL);
        }
    }
    s->lr = wg__sched_record(&t);
    s->t = wg_cast_like(next, s->lr);
    wg__entry_keep(&o->at, "step", next, s->apply);
}

/* The common norm of all gradients, in f64. */
static void record_scale(wg_optim *o, wg__step *s, int n, wg_tensor *const *grad,
                         const wg__weight *old)
{
    wg_tensor *sum = NULL;

    for (int i = 0; i < n; i++) {
        wg_tensor *g = old[i].sum ? wg_add(old[i].sum, grad[i]) : grad[i];
        wg_tensor *part = wg_square(wg_cast(wg_norm(g, WG_ALL_AXES, false), WG_F64));

        sum = sum ? wg_add(sum, part) : part;
    }
    s->scale = wg__clip_scale(wg_sqrt(sum), o->value[WG__CLIP_ALL].v);
}

static void record_weight(wg_optim *o, const wg__step *common, wg_tensor *w, const wg__weight *old,
                          wg_tensor *grad)
{
    const char *entry = wg_tensor_leaf_name(w);
    wg__group group = wg__optim_group_of(o, entry);
    double decay = o->value[WG__WEIGHT_DECAY].v * group.decay;
    wg__step s = *common;
    wg__weight next = { 0 };

    if (group.lr != 1) {
        s.lr = wg_mul(s.lr, wg_scalar_like(s.lr, group.lr));
        wg__optim_begin(o, &s);
    }
    s.decay = decay != 0 ? wg_scalar(s.g, WG_F64, decay) : NULL;
    next.w = wg__optim_rows(o, &s, w, grad);
    if (next.w) {
        wg_update(entry, next.w);
        return;
    }
    wg__optim_one(o, &s, old, grad, &next);
    for (int i = 0; i < wg__optim_slots(o); i++)
        update_slot(o, entry, o->kind->slot[i], next.slot[i]);
    if (next.sum) update_slot(o, entry, "sum", next.sum);
    wg_update(entry, next.w);
}

static void record_step(wg_optim *o, wg_tensor *loss, int n, wg_tensor *const *w, wg_tensor **grad,
                        wg__weight *old)
{
    wg__step s = { .g = wg_tensor_graph(loss) };

    wg_grad(loss, n, w, grad);
    record_rate(o, loss, &s);
    wg__optim_begin(o, &s);
    for (int i = 0; i < n && !wg_graph_error(s.g); i++) {
        const char *entry = wg_tensor_leaf_name(w[i]);

        old[i].w = w[i];
        for (int k = 0; k < wg__optim_slots(o); k++)
            old[i].slot[k] = slot(o, s.g, entry, o->kind->slot[k], w[i]);
        if (s.apply) old[i].sum = slot(o, s.g, entry, "sum", w[i]);
    }
    if (wg_graph_error(s.g)) return;
    if (!isnan(o->value[WG__CLIP_ALL].v)) record_scale(o, &s, n, grad, old);
    for (int i = 0; i < n && !wg_graph_error(s.g); i++)
        record_weight(o, &s, w[i], &old[i], grad[i]);
}

wg_graph *wg_minimize(wg_optim *o, wg_tensor *loss)
{
    wg_graph *g = wg_tensor_graph(loss);
    wg_tensor **w = NULL, **grad;
    wg__weight *old;
    int n;

    if (!g || wg_graph_error(g)) return g;
    if (!o) wg_record_fail(g, WG_EARG, "minimize", "the optimiser is NULL");
    else if (o->error.code != WG_OK)
        wg_record_fail(g, o->error.code, o->error.op, "%s", o->error.text);
    else if (o->at.own)
        wg_record_fail(g, WG_EARG, "minimize", "the optimiser was made without a store");
    if (wg_graph_error(g)) return g;
    n = find_weights(o, loss, &w);
    grad = n > 0 ? wg_alloc(n, sizeof *grad) : NULL;
    old = n > 0 ? wg_alloc(n, sizeof *old) : NULL;
    if (n == 0)
        wg_record_fail(g, WG_EARG, "minimize",
                       "the loss depends on no trainable entry of the store");
    else if (!grad || !old) wg_record_fail(g, WG_ENOMEM, "minimize", "out of memory");
    else {
        wg_scope_begin(g, "%s", o->at.name);
        record_step(o, loss, n, w, grad, old);
        wg_scope_end(g);
    }
    wg_free(old);
    wg_free(grad);
    wg_free(w);
    return g;
}
