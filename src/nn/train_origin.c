/*
 * train_origin.c: where a loss ceased to be finite. A copy of the store, taken now and then, is
 * what the last steps are made from once more, under the plan's finite check.
 */
#include <string.h>

#include "train_impl.h"

/* Least steps between copies of the store, which a step that went wrong is found again from; and
 * how many times longer the steps take than the copy. */
enum { HOLD = 32, HOLD_SHARE = 50 };

void wg__hold(wg_train *t)
{
    double began = wg__train_now();

    wg__train_copy(t->held, t->w);
    t->held_at = (wg__place_in_run){ t->s.epoch, t->s.batch, t->s.step };
    t->held_since = wg__train_now();
    t->hold_cost = t->held_since - began;
}

bool wg__hold_due(const wg_train *t)
{
    if (t->s.batch == 0) return true; /* steps made once more are of one epoch */
    return t->s.step - t->held_at.step >= HOLD &&
           t->began + t->s.seconds - t->held_since >= HOLD_SHARE * t->hold_cost;
}

/* The error of the checked run, with the step it happened in. */
static void name_origin(const wg_train *t, double loss, wg_error *error)
{
    char text[sizeof error->text];

    snprintf(text, sizeof text, "step %lld (epoch %lld): the loss is %g; %.170s",
             (long long)t->s.step + 1, (long long)t->s.epoch + 1, loss, error->text);
    memcpy(error->text, text, sizeof text);
}

/*
 * The loss of the step at hand is not finite, and its updates are in the store. From the copy of
 * the store the steps since are made once more, the last two under the finite check: a weight that
 * became infinite in the step before was made there. The check commits nothing when it fails.
 */
wg_status wg__find_origin(wg_train *t, double loss, wg_error *error)
{
    wg_train_state bad = t->s;
    wg_plan_options options = t->o.plan;

    options.check = true;
    if (!t->check) t->check = wg_plan_new_error(t->g, t->w, t->train.name, &options, error);
    if (!t->check) return error->code;
    wg__train_copy(t->w, t->held);
    t->s.replaying = true;
    t->s.batch = t->held_at.batch;
    t->s.step = t->held_at.step;
    while (error->code == WG_OK && t->s.step <= bad.step) {
        int64_t n;
        bool last = t->s.step >= bad.step - 1;

        if (wg__run_batch(t, last ? t->check : t->train.plan, &n, error) != WG_OK) {
            if (error->code == WG_ENONFINITE) name_origin(t, loss, error);
            break;
        }
        if (t->s.step == bad.step) {
            wg_fail(error, WG_ENONFINITE, "wg_train_run",
                    "step %lld (epoch %lld): the loss is %g, although all entries are finite",
                    (long long)bad.step + 1, (long long)bad.epoch + 1, loss);
            break;
        }
        t->s.batch++;
        t->s.step++;
        t->s.loss = wg__side_loss(&t->train, last ? t->check : t->train.plan);
        wg__tell(t, t->o.on_batch, error);
    }
    t->s.replaying = false;
    t->s.loss = bad.loss;
    return error->code == WG_OK ? WG_ENONFINITE : error->code;
}

/* The rows of a validation batch once more, under the finite check. */
wg_status wg__find_in_validation(wg_train *t, const int64_t *row, int64_t first, int64_t n,
                                 double loss, wg_error *error)
{
    wg_plan_options options = t->o.plan;
    wg_plan *check;
    char text[sizeof error->text];

    options.check = true;
    check = wg_plan_new_error(t->g, t->w, t->validation.name, &options, error);
    if (check && wg__side_feed(&t->validation, check, row, first, n, error) == WG_OK &&
        wg_plan_run(check) != WG_OK)
        *error = *wg_plan_error(check);
    wg_plan_free(check);
    if (error->code != WG_OK && error->code != WG_ENONFINITE) return error->code;
    snprintf(text, sizeof text, "validation after epoch %lld: the loss is %g; %.170s",
             (long long)t->s.epoch + 1, loss,
             error->code == WG_OK ? "all entries are finite" : error->text);
    if (error->code == WG_OK) return wg_fail(error, WG_ENONFINITE, "wg_train_run", "%s", text);
    memcpy(error->text, text, sizeof text);
    return WG_ENONFINITE;
}
