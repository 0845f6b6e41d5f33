/* training.c: see training.h. */
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <wengert/op.h>

#include "progress.h"

enum { POINT = 20 }; /* steps a point of the curve */

static void curve_add(loss_curve *c, double loss)
{
    double *step, *mean;

    if (c->steps++ % POINT) {
        if (c->n > 0)
            c->loss[c->n - 1] += (loss - c->loss[c->n - 1]) / (double)((c->steps - 1) % POINT + 1);
        return;
    }
    if (c->n == c->cap) {
        int cap = c->cap * 2 + 64;

        step = realloc(c->step, (size_t)cap * sizeof *step);
        if (step) c->step = step;
        mean = realloc(c->loss, (size_t)cap * sizeof *mean);
        if (mean) c->loss = mean;
        if (!step || !mean) return;
        c->cap = cap;
    }
    c->step[c->n] = (double)c->steps;
    c->loss[c->n++] = loss;
}

void loss_curve_free(loss_curve *c)
{
    free(c->step);
    free(c->loss);
    *c = (loss_curve){ 0 };
}

int64_t train_max_steps(void)
{
    const char *text = getenv("WENGERT_MAX_STEPS");
    long long n = text ? strtoll(text, NULL, 10) : 0;

    return n > 0 ? n : INT64_MAX;
}

bool train_epoch(job *j, const char *label, uint64_t seed, int64_t epoch, loss_curve *curve,
                 wg_error *error)
{
    int64_t *order = malloc((size_t)j->examples * sizeof *order);
    int64_t most = train_max_steps();
    progress bar;
    bool ok = order != NULL;

    if (!ok) wg_fail(error, WG_ENOMEM, "train_epoch", "out of memory");
    else wg_shuffled(seed, (uint64_t)epoch, j->examples, order);
    progress_start(&bar, NULL, label, j->examples);
    for (int64_t first = 0; ok && first < j->examples && j->steps < most; first += j->batch) {
        int64_t n = j->examples - first < j->batch ? j->examples - first : j->batch;
        const wg_array *loss, *correct;

        ok = job_run(j, first, order + first, n, error);
        if (!ok) break;
        j->steps++;
        loss = wg_plan_value(j->plan, "loss");
        correct = wg_plan_value(j->plan, "correct");
        if (curve && loss) curve_add(curve, wg_item(loss));
        progress_step(&bar, n, wg_item(loss), correct ? wg_item(correct) / (double)n : NAN);
    }
    progress_end(&bar);
    free(order);
    return ok;
}

double accuracy_of(job *j, wg_error *error)
{
    return job_total(j, "correct", error) / (double)j->examples;
}
