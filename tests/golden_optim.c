/*
 * golden_optim.c: runs the cases of golden/optim_*.json and golden/schedulers.json, each in all the
 * ways a step can be made: by the update callable, as a recorded training function, and in f32;
 * rates asked of the scheduler itself and through an optimiser that has it.
 */
#include <math.h>

#include "golden_kinds.h"

/* An optimiser with the hyperparameters of the case; over a private store when w is NULL. */
static wg_optim *make_optim(const json_t *c, const char *subject, wg_params *w, wg_error *error)
{
    wg_optim *o = wg_optim_from_text(w, "o", subject, error);
    const json_t *hyper = json_object_get(c, "hyperparameters");
    char *text = hyper ? json_dumps(hyper, 0) : NULL;

    if (o && text && wg_optim_set_params(o, text, error) != WG_OK) {
        wg_optim_free(o);
        o = NULL;
    }
    free(text);
    return o;
}

/* The same numbers in another real type; free the data. */
static wg_array converted(wg_array a, wg_dtype dtype)
{
    int64_t n = wg_shape_count(&a.type.shape);
    wg_array b = { { dtype, a.type.shape }, calloc((size_t)n + 1, 8) };

    for (int64_t i = 0; i < n; i++) {
        double x = harness_number(a.data, a.type.dtype, i);

        if (dtype == WG_F32) ((float *)b.data)[i] = (float)x;
        else ((double *)b.data)[i] = x;
    }
    return b;
}

struct steps {
    const json_t *c;
    const char *subject;
    wg_array first, grads, want, rates, losses;
    int64_t n;
};

static double loss_of(const struct steps *s, int64_t t)
{
    return s->losses.data ? ((const double *)s->losses.data)[t] : (double)NAN;
}

/* One step's result beside the golden one. */
static bool compare(const struct steps *s, int64_t t, const wg_array *got, double lr, double tol,
                    double *worst)
{
    wg_array want = golden_step(s->want, t), one = wg_array_of(WG_F64, WG_SHAPE_SCALAR, &lr);
    char what[64];
    bool ok;

    snprintf(what, sizeof what, "params[%lld] in %s", (long long)t, wg_dtype_name(got->type.dtype));
    ok = golden_near(s->c, what, got, &want, tol, worst);
    if (!s->rates.data) return ok;
    snprintf(what, sizeof what, "lr[%lld]", (long long)t);
    want = golden_step(s->rates, t);
    return golden_near(s->c, what, &one, &want, 1e-12, worst) && ok;
}

static bool by_update(const struct steps *s, wg_dtype dtype, double tol, double *worst)
{
    wg_error error = { .code = WG_OK };
    wg_optim *o = make_optim(s->c, s->subject, NULL, &error);
    wg_array param = converted(s->first, dtype);
    bool ok = o || golden_error(s->c, &error);

    for (int64_t t = 0; ok && t < s->n; t++) {
        wg_array grad = converted(golden_step(s->grads, t), dtype);

        ok = wg_optim_step(o, &error) == WG_OK &&
             wg_optim_update(o, "layer/W", param, grad, loss_of(s, t), &error) == WG_OK;
        free(grad.data);
        ok = ok ? compare(s, t, &param, wg_optim_lr(o), tol, worst) : golden_error(s->c, &error);
    }
    free(param.data);
    wg_optim_free(o);
    return ok;
}

/* The loss sum(W g) has the gradient g; a reported loss takes the place of its value alone. */
static wg_tensor *recorded_loss(wg_graph *g, wg_tensor *w, wg_array first, bool reported)
{
    wg_tensor *grad = wg_input(g, "grad", first.type.dtype, first.type.shape);
    wg_tensor *loss = wg_sum(wg_mul(w, grad), WG_ALL_AXES, false);

    if (!reported) return loss;
    return wg_add(wg_sub(loss, wg_detach(loss)),
                  wg_input(g, "loss", first.type.dtype, WG_SHAPE_SCALAR));
}

static bool recorded_steps(const struct steps *s, wg_plan *p, wg_params *w, const wg_optim *o,
                           wg_dtype dtype, double tol, double *worst)
{
    bool ok = true;

    for (int64_t t = 0; ok && t < s->n; t++) {
        wg_array grad = converted(golden_step(s->grads, t), dtype), loss = { .data = NULL };

        ok = wg_plan_feed(p, "grad", grad) == WG_OK;
        if (s->losses.data) {
            loss = converted(golden_step(s->losses, t), dtype);
            ok = ok && wg_plan_feed(p, "loss", loss) == WG_OK;
        }
        ok = ok && wg_plan_run(p) == WG_OK;
        ok = ok ? compare(s, t, &wg_params_find(w, "W")->value, wg_optim_lr(o), tol, worst)
                : golden_error(s->c, wg_plan_error(p));
        free(grad.data);
        free(loss.data);
    }
    return ok;
}

static bool by_minimize(const struct steps *s, wg_dtype dtype, double tol, double *worst)
{
    wg_error error = { .code = WG_OK };
    wg_params *w = wg_params_new(dtype, 1);
    wg_graph *g = wg_graph_new();
    wg_array first = converted(s->first, dtype);
    wg_optim *o = make_optim(s->c, s->subject, w, &error);
    wg_plan *p = NULL;
    bool ok;

    wg_params_add(w, "W", dtype, first.type.shape, true, NULL, &error);
    wg_params_set(w, "W", first, &error);
    wg_begin(g, "train", WG_TRAIN);
    wg_minimize(o, recorded_loss(g, wg_param_leaf(g, w, "W"), first, s->losses.data != NULL));
    wg_end(g);
    if (error.code == WG_OK) p = wg_plan_new_error(g, w, "train", NULL, &error);
    ok = p ? recorded_steps(s, p, w, o, dtype, tol, worst) : golden_error(s->c, &error);
    free(first.data);
    wg_plan_free(p);
    wg_optim_free(o);
    wg_graph_free(g);
    wg_params_free(w);
    return ok;
}

static bool optim_case(const json_t *c, const char *subject, double *worst)
{
    struct steps s = { c,
                       subject,
                       golden_array(c, "inputs", "param"),
                       golden_array(c, "inputs", "grads"),
                       golden_array(c, "outputs", "params"),
                       golden_array(c, "outputs", "lr"),
                       golden_array(c, "inputs", "cur_loss"),
                       0 };
    double single = 0; /* f32 has a tolerance of its own */
    bool ok = s.first.data && s.grads.data && s.want.data;

    if (!ok) golden_wrong(c, "wanted inputs param and grads, outputs params");
    else s.n = s.grads.type.shape.rank > 0 ? s.grads.type.shape.dim[0] : 0;
    if (ok && (s.n == 0 || !wg_shape_equal(&s.grads.type.shape, &s.want.type.shape) ||
               s.grads.type.shape.rank != s.first.type.shape.rank + 1))
        ok = golden_wrong(c, "grads and params must have one shape, steps first");
    ok = ok && by_update(&s, WG_F64, 1e-9, worst) && by_minimize(&s, WG_F64, 1e-9, worst) &&
         by_update(&s, WG_F32, 1e-4, &single) && by_minimize(&s, WG_F32, 1e-4, &single);
    free(s.first.data);
    free(s.grads.data);
    free(s.want.data);
    free(s.rates.data);
    free(s.losses.data);
    return ok;
}

/* ---- schedulers ---- */

struct rates {
    const json_t *c;
    wg_array step, losses;
    int64_t n;
};

static double number_at(const wg_array *a, int64_t i, double otherwise)
{
    return a->data ? harness_number(a->data, a->type.dtype, i) : otherwise;
}

static bool series(const struct rates *r, const char *key, const double *got, double *worst)
{
    wg_array want = golden_array(r->c, "outputs", key), have = WG_F64_ARRAY(got, r->n);
    bool ok = !want.data || golden_near(r->c, key, &have, &want, 1e-12, worst);

    free(want.data);
    return ok;
}

/* Asked by itself; cleared: the variant that forgets its history at each decay. */
static bool ask(const struct rates *r, const char *hyper, bool cleared, double *worst)
{
    wg_error error = { .code = WG_OK };
    wg_sched *s = wg_sched_from_text(hyper, &error);
    double *lr = calloc(3 * (size_t)r->n + 1, sizeof *lr), *p = lr + r->n, *q = p + r->n;
    bool king = false, ok = s != NULL;

    if (ok && cleared) ok = wg_sched_set_params(s, "{\"clear_history\": true}", &error) == WG_OK;
    for (int64_t i = 0; ok && i < r->n; i++) {
        ok = wg_sched_learning_rate(s, (int64_t)number_at(&r->step, i, (double)i),
                                    number_at(&r->losses, i, (double)NAN), &lr[i], &error) == WG_OK;
        king = ok && wg_sched_p_decreasing(s, &p[i], &q[i], NULL) == WG_OK;
    }
    if (!ok) golden_error(r->c, &error);
    ok = ok && series(r, cleared ? "lr_history_cleared" : "lr", lr, worst);
    if (king && !cleared)
        ok =
            ok && series(r, "p_decreasing", p, worst) && series(r, "p_decreasing_robust", q, worst);
    free(lr);
    wg_sched_free(s);
    return ok;
}

/* Through an optimiser that has it, as recorded training. */
static bool train(const struct rates *r, const json_t *hyper, double *worst)
{
    wg_error error = { .code = WG_OK };
    wg_params *w = wg_params_new(WG_F64, 1);
    wg_graph *g = wg_graph_new();
    wg_array first = { { WG_F64, { 0, { 0 } } }, NULL };
    wg_optim *o = wg_optim_from_text(w, "o", "SGD", &error);
    json_t *params = json_pack("{s:O}", "lr_scheduler", hyper);
    char *text = json_dumps(params, 0);
    double *lr = calloc((size_t)r->n + 1, sizeof *lr), grad = 0;
    wg_plan *p = NULL;
    bool ok;

    wg_optim_set_params(o, text, &error);
    wg_params_add(w, "W", WG_F64, first.type.shape, true, NULL, &error);
    wg_begin(g, "train", WG_TRAIN);
    wg_minimize(o, recorded_loss(g, wg_param_leaf(g, w, "W"), first, r->losses.data != NULL));
    wg_end(g);
    if (error.code == WG_OK) p = wg_plan_new_error(g, w, "train", NULL, &error);
    ok = p != NULL;
    if (ok) wg_plan_feed(p, "grad", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &grad));
    for (int64_t i = 0; ok && i < r->n; i++) {
        double loss = number_at(&r->losses, i, 0);
        int64_t step = (int64_t)number_at(&r->step, i, (double)(i + 1)) - 1;

        wg_params_set(w, "o/step", wg_array_of(WG_I64, WG_SHAPE_SCALAR, &step), &error);
        if (r->losses.data) wg_plan_feed(p, "loss", wg_array_of(WG_F64, WG_SHAPE_SCALAR, &loss));
        ok = wg_plan_run(p) == WG_OK && error.code == WG_OK;
        if (!ok) golden_error(r->c, wg_plan_error(p));
        lr[i] = wg_item(&wg_params_find(w, "o/lr")->value);
    }
    if (error.code != WG_OK) golden_error(r->c, &error);
    ok = ok && series(r, "lr", lr, worst);
    free(text);
    free(lr);
    json_decref(params);
    wg_plan_free(p);
    wg_optim_free(o);
    wg_graph_free(g);
    wg_params_free(w);
    return ok;
}

static bool sched_case(const json_t *c, double *worst)
{
    const json_t *hyper = json_object_get(c, "hyperparameters");
    char *text = hyper ? json_dumps(hyper, 0) : NULL;
    struct rates r = { c, golden_array(c, "inputs", "step"), golden_array(c, "inputs", "cur_loss"),
                       0 };
    bool ok = text && (r.step.data || r.losses.data);

    if (!ok) golden_wrong(c, "wanted hyperparameters, and inputs step or cur_loss");
    else r.n = wg_shape_count(r.step.data ? &r.step.type.shape : &r.losses.type.shape);
    if (ok && r.step.data && r.losses.data && wg_shape_count(&r.losses.type.shape) != r.n)
        ok = golden_wrong(c, "step and cur_loss differ in length");
    if (ok && !json_object_get(json_object_get(c, "outputs"), "lr"))
        ok = golden_wrong(c, "nothing to compare");
    ok = ok && ask(&r, text, false, worst) && train(&r, hyper, worst);
    if (ok && json_object_get(json_object_get(c, "outputs"), "lr_history_cleared"))
        ok = ask(&r, text, true, worst);
    free(text);
    free(r.step.data);
    free(r.losses.data);
    return ok;
}

/* ---- by subject ---- */

static bool sgd_case(const json_t *c, double *worst)
{
    return optim_case(c, "SGD", worst);
}

static bool adagrad_case(const json_t *c, double *worst)
{
    return optim_case(c, "AdaGrad", worst);
}

static bool rmsprop_case(const json_t *c, double *worst)
{
    return optim_case(c, "RMSProp", worst);
}

static bool adam_case(const json_t *c, double *worst)
{
    return optim_case(c, "Adam", worst);
}

static bool nesterov_case(const json_t *c, double *worst)
{
    return optim_case(c, "Nesterov", worst);
}

static bool adamw_case(const json_t *c, double *worst)
{
    return optim_case(c, "AdamW", worst);
}

const golden_kind golden_kinds_optim[] = {
    { "SGD", sgd_case },          { "AdaGrad", adagrad_case },
    { "RMSProp", rmsprop_case },  { "Adam", adam_case },
    { "AdamW", adamw_case },      { "Nesterov", nesterov_case },
    { "schedulers", sched_case }, { NULL, NULL },
};
