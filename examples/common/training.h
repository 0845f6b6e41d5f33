/* training.h: one epoch of a program's "train" function, with a progress bar; accuracy of its
 * "test" function. */
#ifndef EXAMPLES_TRAINING_H
#define EXAMPLES_TRAINING_H

#include "../../tools/chart.h"
#include "job.h"

typedef struct {
    double *step, *loss; /* a mean loss each so many steps, for the chart */
    int n, cap;
    int64_t steps;
} loss_curve;

/** How many steps a training run may make: the environment's WENGERT_MAX_STEPS, for tests that want
 * to see it begin and end; INT64_MAX without. */
int64_t train_max_steps(void);

/** Trains on every example once, in the order of epoch number `epoch` (from 0), unless the job has
 * made train_max_steps() steps before that. The curve may be NULL. */
bool train_epoch(job *j, const char *label, uint64_t seed, int64_t epoch, loss_curve *curve,
                 wg_error *error);

/** Share of right answers over the whole set, from the output "correct"; NaN after an error. */
double accuracy_of(job *j, wg_error *error);

void loss_curve_free(loss_curve *c);

#endif
