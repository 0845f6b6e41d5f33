/* ref_optim.c: reference optimiser updates and learning rates as golden subjects. */
#include <stdlib.h>
#include <string.h>
#include <wengert/reference.h>

#include "golden_case.h"
#include "ref_subjects.h"

/* Hyperparameters of a scheduler object: those of the case, or of its lr_scheduler. */
static double number(const json_t *h, const char *key, double otherwise)
{
    const json_t *v = json_object_get(h, key);

    return json_is_number(v) ? json_number_value(v) : otherwise;
}

/* The rate of a scheduler that is a function of the step; false for any other. */
static bool scheduled(const json_t *h, int64_t step, double *lr)
{
    const char *id = json_string_value(json_object_get(h, "id"));

    if (!id) return false;
    if (strcmp(id, "ConstantScheduler") == 0) *lr = wg_ref_constant_lr(step, number(h, "lr", 0.01));
    else if (strcmp(id, "ExponentialScheduler") == 0)
        *lr = wg_ref_exponential_lr(
            step, number(h, "initial_lr", 0.01), (int64_t)number(h, "stage_length", 500),
            json_is_true(json_object_get(h, "staircase")), number(h, "decay", 0.1));
    else if (strcmp(id, "NoamScheduler") == 0 && step > 0)
        *lr = wg_ref_noam_lr(step, number(h, "model_dim", 512), number(h, "scale_factor", 1),
                             (int64_t)number(h, "warmup_steps", 4000));
    else return false;
    return true;
}

static bool king_forward(const gcase *c, gresult *r)
{
    const garray *loss = g_in(c, "cur_loss");
    double *lr = g_put_like(r, G_OUTPUT, "lr", loss, NULL);
    double *p = g_put_like(r, G_OUTPUT, "p_decreasing", loss, NULL);
    double *robust = g_put_like(r, G_OUTPUT, "p_decreasing_robust", loss, NULL);
    double *cleared = g_put_like(r, G_OUTPUT, "lr_history_cleared", loss, NULL);
    int64_t patience = g_int(c, "patience", 1000);
    double *history = malloc(2 * (size_t)wg_ref_king_room(patience) * sizeof *history);
    wg_ref_king keeps = { .lr = g_num(c, "initial_lr", 0.01),
                          .decay = g_num(c, "decay", 0.99),
                          .patience = patience,
                          .history = history },
                forgets = keeps;
    bool ok = lr && p && robust && cleared && history && patience >= 3;

    forgets.forget = true;
    forgets.history = history ? history + wg_ref_king_room(patience) : NULL;
    for (int64_t i = 0; ok && i < g_count(loss); i++) {
        ok = wg_ref_king_lr(&keeps, loss->f[i], &lr[i]) &&
             wg_ref_king_lr(&forgets, loss->f[i], &cleared[i]);
        p[i] = keeps.p;
        robust[i] = keeps.p_robust;
    }
    free(history);
    return ok;
}

static bool scheduler_forward(const gcase *c, gresult *r)
{
    const garray *step = g_in(c, "step");
    double *lr;

    if (strcmp(g_str(c, "id", ""), "KingScheduler") == 0) return king_forward(c, r);
    if (!step || !step->i || !(lr = g_put_like(r, G_OUTPUT, "lr", step, NULL))) return false;
    for (int64_t i = 0; i < g_count(step); i++)
        if (!scheduled(c->hyper, step->i[i], &lr[i])) return false;
    return true;
}

/* One step of the optimiser the case's subject names. state: two arrays of n. */
static bool update(const gcase *c, int64_t n, int64_t t, double lr, const double *grad,
                   double *param, double *state)
{
    double clip = g_num(c, "clip_norm", 0);

    if (strcmp(c->subject, "SGD") == 0)
        wg_ref_sgd(n, lr, g_num(c, "momentum", 0), clip, grad, param, state);
    else if (strcmp(c->subject, "AdaGrad") == 0)
        wg_ref_adagrad(n, lr, g_num(c, "eps", 1e-7), clip, grad, param, state);
    else if (strcmp(c->subject, "RMSProp") == 0)
        wg_ref_rmsprop(n, lr, g_num(c, "decay", 0.9), g_num(c, "eps", 1e-7), clip, grad, param,
                       state);
    else if (strcmp(c->subject, "Adam") == 0)
        wg_ref_adam(n, t, lr, g_num(c, "decay1", 0.9), g_num(c, "decay2", 0.999),
                    g_num(c, "eps", 1e-7), clip, grad, param, state, state + n);
    else return false;
    return true;
}

static bool optim_forward(const gcase *c, gresult *r)
{
    const garray *param = g_in(c, "param"), *grads = g_in(c, "grads");
    const json_t *scheduler = json_object_get(c->hyper, "lr_scheduler");
    int64_t n, T;
    double *now, *params, *rates;
    bool ok;

    if (!param || !grads || grads->rank != param->rank + 1) return false;
    n = g_count(param);
    T = grads->dim[0];
    now = calloc(3 * (size_t)n + 1, sizeof *now);
    params = g_put_like(r, G_OUTPUT, "params", grads, NULL);
    rates = g_put(r, G_OUTPUT, "lr", 1, &T, NULL);
    ok = now && params && rates;
    if (ok) memcpy(now, param->f, (size_t)n * sizeof *now);
    for (int64_t t = 0; ok && t < T; t++) {
        rates[t] = g_num(c, "lr", 0.01);
        ok = (!json_is_object(scheduler) || scheduled(scheduler, t + 1, &rates[t])) &&
             update(c, n, t + 1, rates[t], grads->f + t * n, now, now + n);
        if (ok) memcpy(params + t * n, now, (size_t)n * sizeof *now);
    }
    free(now);
    return ok;
}

const gsubject ref_subjects_optim[] = {
    { "SGD", optim_forward, NULL, NULL },
    { "AdaGrad", optim_forward, NULL, NULL },
    { "RMSProp", optim_forward, NULL, NULL },
    { "Adam", optim_forward, NULL, NULL },
    { "schedulers", scheduler_forward, NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
