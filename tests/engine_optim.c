/* engine_optim.c: golden cases of optimizers and schedulers, by their verbs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static char *hyper_text(const gcase *c)
{
    json_t *hyper = json_deep_copy(c->hyper);
    char *text;

    if (!json_object_get(hyper, "id")) json_object_set_new(hyper, "id", json_string(c->subject));
    text = json_dumps(hyper, 0);
    json_decref(hyper);
    return text;
}

static double loss_at(const gcase *c, int64_t t)
{
    const double *losses = g_in_f(c, "cur_loss");

    return losses ? losses[t] : (double)NAN;
}

bool engine_run_optim(const gcase *c, gresult *r, char *text)
{
    const garray *first = g_in(c, "param"), *grads = g_in(c, "grads"), *want = g_out(c, "params");
    wg_error error = { .code = WG_OK };
    char *hyper = hyper_text(c);
    wg_optim *o = wg_optim_from_text(NULL, "o", hyper, &error);
    bool ok = o && first && grads && want;
    double *params, *lr;
    wg_array w;

    free(hyper);
    text[0] = '\0';
    if (!ok) {
        engine_say(text, "optimizer", &error);
        wg_optim_free(o);
        return false;
    }
    params = g_put_like(r, G_OUTPUT, "params", want, NULL);
    lr = g_put(r, G_OUTPUT, "lr", 1, &grads->dim[0], NULL);
    w = engine_array(first, WG_F64);
    for (int64_t t = 0, n = g_count(first); t < grads->dim[0] && ok; t++) {
        wg_array g = wg_array_of(WG_F64, w.type.shape, grads->f + t * n);

        ok = wg_optim_step(o, &error) == WG_OK &&
             wg_optim_update(o, "W", w, g, loss_at(c, t), &error) == WG_OK;
        memcpy(params + t * n, w.data, (size_t)n * sizeof *params);
        lr[t] = wg_optim_lr(o);
    }
    if (!ok) engine_say(text, "update", &error);
    free(w.data);
    wg_optim_free(o);
    return ok;
}

bool engine_run_sched(const gcase *c, gresult *r, char *text)
{
    const garray *step = g_in(c, "step"), *losses = g_in(c, "cur_loss");
    int64_t n = step ? g_count(step) : losses ? g_count(losses) : 0;
    wg_error error = { .code = WG_OK };
    char *hyper = hyper_text(c);
    wg_sched *s = wg_sched_from_text(hyper, &error);
    double *lr = g_put(r, G_OUTPUT, "lr", 1, &n, NULL);
    bool ok = s && n > 0;

    free(hyper);
    text[0] = '\0';
    for (int64_t t = 0; t < n && ok; t++) {
        int64_t at = !step ? t : step->i ? step->i[t] : (int64_t)step->f[t];

        ok = wg_sched_learning_rate(s, at, loss_at(c, t), &lr[t], &error) == WG_OK;
    }
    if (!ok) engine_say(text, "scheduler", &error);
    wg_sched_free(s);
    return ok;
}
