/*
 * sched.h: learning rate schedulers. A scheduler is made from numpy-ml's text; an optimiser that
 * has one records it with the step (see optim.h), and it can be asked by itself.
 */
#ifndef WENGERT_SCHED_H
#define WENGERT_SCHED_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wg_sched wg_sched;

/** A scheduler from its printed form; NULL or "" is ConstantScheduler(). Letter case does not
 * matter, "Scheduler" may be left out of the name, and arguments that are left out have these
 * values:
 *     ConstantScheduler(lr=0.01)
 *         the same rate at every step
 *     ExponentialScheduler(initial_lr=0.01, stage_length=500, staircase=False, decay=0.1)
 *         initial_lr decay^(step / stage_length), or with staircase its floor as exponent
 *     NoamScheduler(model_dim=512, scale_factor=1, warmup_steps=4000)
 *         scale_factor model_dim^-0.5 min(step^-0.5, step warmup_steps^-1.5); step 0 counts as 1
 *     KingScheduler(initial_lr=0.01, patience=1000, decay=0.99)
 *         the rate is multiplied by decay when, over the last patience + 1 losses, the probability
 *         that their fitted line falls is below 0.51, among all losses and among those that are not
 *         above the 0.9 quantile of the history of ceil(1.1 (patience + 1)) losses. Fewer than 3
 *         losses are never tested. Further arguments: check_all=True looks at every length of
 *         history instead of one; clear_history=True forgets the losses at each decay.
 *     CosineScheduler(initial_lr=0.01, total_steps=1000, warmup_steps=0, final_lr=0.0)
 *         rises along a line from 0 at step 0 to initial_lr at warmup_steps, falls along half a
 *         cosine to final_lr at total_steps, stays there
 *     PlateauScheduler(initial_lr=0.01, patience=10, decay=0.1, threshold=0.0001, cooldown=0,
 *                      min_lr=0.0)
 *         multiplied by decay, down to min_lr, once the loss has not come below best - threshold
 *         |best| for more than patience steps; the next cooldown steps do not count
 * A JSON object text works too: {"id": "NoamScheduler", "model_dim": 16}. NULL on error: WG_EARG
 * for a text that does not parse (with the character), WG_ENAME for an unknown class or argument
 * (with the nearest), WG_EARG for a value out of range, WG_ENOMEM. The caller owns it:
 * wg_sched_free. Sources: numpy-ml schedulers.py; Vaswani et al. 2017 (Noam); King 2018, dlib
 * (King); Loshchilov and Hutter 2017 (cosine). Differences from numpy-ml: the robust test of King
 * reaches its verdict at every patience, and no test runs on fewer than 3 losses. */
WG_API wg_sched *wg_sched_from_text(const char *text, wg_error *error);

/** NULL is allowed. */
WG_API void wg_sched_free(wg_sched *s);

/** A deep copy with all state (current rate, history). NULL when out of memory. */
WG_API wg_sched *wg_sched_copy(const wg_sched *s);

/** The printed form, numpy-ml's to the letter; wg_free. NULL when out of memory. */
WG_API char *wg_sched_text(const wg_sched *s);

/** The rate for this step into *lr. cur_loss, NaN for none, is recorded as the loss of this step by
 * King and Plateau, which want it: once a step. Errors: WG_EARG when it is missing or step is
 * negative; WG_ENOMEM. */
WG_API wg_status wg_sched_learning_rate(wg_sched *s, int64_t step, double cur_loss, double *lr,
                                        wg_error *error);

/** JSON text {"hyperparameters": {"id": ..., ...}, "state": {...}}; wg_free. NULL when out of
 * memory. */
WG_API char *wg_sched_summary(const wg_sched *s);

/** Takes hyperparameters, as an object of their own or in a summary with its state. The values in
 * use change; keys that are absent keep theirs; a given initial rate becomes the current one unless
 * the state says otherwise; a history that gets shorter keeps its newest losses. On error the
 * scheduler is as it was: WG_EFORMAT for no JSON object, WG_ENAME, WG_EARG for another class or a
 * value out of range, WG_ENOMEM. */
WG_API wg_status wg_sched_set_params(wg_sched *s, const char *json, wg_error *error);

/** King, after wg_sched_learning_rate: for how many of the latest losses the probability of a
 * falling line has been below 0.51, 0 when it is not: over patience + 1 losses, or with check_all
 * the longest of all lengths from 3 on; robust: among the losses not above the 0.9 quantile. Error:
 * WG_ESTATE for other schedulers. Source: numpy-ml schedulers.py, _steps_without_decrease, whose
 * check_all does this although its text says the reverse. */
WG_API wg_status wg_sched_steps_without_decrease(const wg_sched *s, bool robust, bool check_all,
                                                 int64_t *steps, wg_error *error);

/** King, after wg_sched_learning_rate: the two probabilities of the last decision, -1 where the
 * test was not made. Error: WG_ESTATE for other schedulers. */
WG_API wg_status wg_sched_p_decreasing(const wg_sched *s, double *plain, double *robust,
                                       wg_error *error);

#ifdef __cplusplus
}
#endif

#endif
