/* sched_kinds.c: the rules that need no history of losses but counters: compositions over the step
 * and the current loss. */
#include <float.h>
#include <math.h>

#include "sched.h"
#include "wengert/op.h"
#include "wengert/ops.h"

static wg_tensor *num(const wg__ticks *t, double v)
{
    return wg_scalar(t->g, WG_F64, v);
}

static wg_tensor *real_step(const wg__ticks *t)
{
    return wg_cast(t->step, WG_F64);
}

/* Rules of the step alone: the starting rate is an entry, so that it can be changed in a saved
 * program; the rate that came out is kept to be looked at. */
static wg_tensor *starting_rate(const wg__ticks *t, double first)
{
    return wg__tick_state(t, "initial_lr", WG_F64, WG_SHAPE_SCALAR, first);
}

static wg_tensor *show_rate(const wg__ticks *t, wg_tensor *rate)
{
    wg__tick_state(t, "lr", WG_F64, WG_SHAPE_SCALAR, 0);
    wg__tick_keep(t, "lr", rate);
    return rate;
}

/* ---- constant ---- */

static const wg__hyper_field constant_fields[] = {
    { .key = "lr",
      .otherwise = 0.01,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
};

static wg_tensor *constant_record(const wg__ticks *t, const wg__hyper_value *v)
{
    return wg__tick_state(t, "lr", WG_F64, WG_SHAPE_SCALAR, v[0].v);
}

const wg__sched_class wg__constant = {
    .name = "ConstantScheduler", .n = 1, .field = constant_fields, .record = constant_record
};

/* ---- exponential ---- */

enum { EXP_LR, EXP_STAGE, EXP_STAIRCASE, EXP_DECAY };

static const wg__hyper_field exponential_fields[] = {
    { .key = "initial_lr",
      .otherwise = 0.01,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
    { .key = "stage_length",
      .otherwise = 500,
      .whole = true,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
    { .key = "staircase", .kind = WG__HYPER_BOOL, .hi = 1, .wanted = "True or False" },
    { .key = "decay",
      .otherwise = 0.1,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
};

static wg_tensor *exponential_record(const wg__ticks *t, const wg__hyper_value *v)
{
    wg_tensor *first = starting_rate(t, v[EXP_LR].v),
              *stage = wg_div(real_step(t), num(t, v[EXP_STAGE].v));

    if (v[EXP_STAIRCASE].v != 0) stage = wg_floor(stage);
    return show_rate(t, wg_mul(first, wg_pow(num(t, v[EXP_DECAY].v), stage)));
}

/* numpy-ml's own hyperparameters call it StepScheduler. */
const wg__sched_class wg__exponential = { .name = "ExponentialScheduler",
                                          .other = "StepScheduler",
                                          .n = 4,
                                          .field = exponential_fields,
                                          .record = exponential_record };

/* ---- Noam ---- */

enum { NOAM_DIM, NOAM_SCALE, NOAM_WARMUP };

static const wg__hyper_field noam_fields[] = {
    { .key = "model_dim",
      .otherwise = 512,
      .whole = true,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
    { .key = "scale_factor",
      .otherwise = 1,
      .whole = true,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
    { .key = "warmup_steps",
      .otherwise = 4000,
      .whole = true,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
};

static wg_tensor *noam_record(const wg__ticks *t, const wg__hyper_value *v)
{
    wg_tensor *step = wg_maximum(real_step(t), num(t, 1));
    wg_tensor *falling = wg_rsqrt(step),
              *rising = wg_mul(step, num(t, pow(v[NOAM_WARMUP].v, -1.5)));
    double scale = v[NOAM_SCALE].v / sqrt(v[NOAM_DIM].v);

    return show_rate(t, wg_mul(num(t, scale), wg_minimum(falling, rising)));
}

const wg__sched_class wg__noam = {
    .name = "NoamScheduler", .n = 3, .field = noam_fields, .rate = -1, .record = noam_record
};

/* ---- cosine ---- */

enum { COS_LR, COS_TOTAL, COS_WARMUP, COS_FINAL };

static const wg__hyper_field cosine_fields[] = {
    { .key = "initial_lr",
      .otherwise = 0.01,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
    { .key = "total_steps",
      .kind = WG__HYPER_WHOLE,
      .otherwise = 1000,
      .lo = 1,
      .hi = DBL_MAX,
      .wanted = "1 or more" },
    { .key = "warmup_steps", .kind = WG__HYPER_WHOLE, .hi = DBL_MAX, .wanted = "0 or more" },
    { .key = "final_lr", .hi = DBL_MAX, .wanted = "0 or more" },
};

static bool cosine_check(const wg__hyper_value *v, wg_error *error)
{
    if (v[COS_WARMUP].v < v[COS_TOTAL].v) return true;
    wg_fail(error, WG_EARG, wg__cosine.name,
            "warmup_steps is %.0f, wanted fewer than total_steps %.0f", v[COS_WARMUP].v,
            v[COS_TOTAL].v);
    return false;
}

static wg_tensor *cosine_record(const wg__ticks *t, const wg__hyper_value *v)
{
    double warmup = v[COS_WARMUP].v;
    wg_tensor *first = starting_rate(t, v[COS_LR].v), *last = num(t, v[COS_FINAL].v),
              *step = real_step(t), *half = num(t, 0.5);
    wg_tensor *done = wg_div(wg_sub(step, num(t, warmup)), num(t, v[COS_TOTAL].v - warmup));
    wg_tensor *wave = wg_cos(wg_mul(wg_clip(done, 0, 1), num(t, 3.14159265358979323846)));
    wg_tensor *part = wg_mul(half, wg_add(num(t, 1), wave));
    wg_tensor *rate = wg_add(last, wg_mul(wg_sub(first, last), part));

    if (warmup > 0)
        rate = wg_where(wg_lt(step, num(t, warmup)), wg_mul(first, wg_div(step, num(t, warmup))),
                        rate);
    return show_rate(t, rate);
}

const wg__sched_class wg__cosine = { .name = "CosineScheduler",
                                     .n = 4,
                                     .field = cosine_fields,
                                     .check = cosine_check,
                                     .record = cosine_record };

/* ---- plateau ---- */

enum { PLA_LR, PLA_PATIENCE, PLA_DECAY, PLA_THRESHOLD, PLA_COOLDOWN, PLA_MIN };

static const wg__hyper_field plateau_fields[] = {
    { .key = "initial_lr",
      .otherwise = 0.01,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
    { .key = "patience",
      .kind = WG__HYPER_WHOLE,
      .otherwise = 10,
      .hi = DBL_MAX,
      .wanted = "0 or more" },
    { .key = "decay",
      .otherwise = 0.1,
      .above_lo = true,
      .hi = 1,
      .below_hi = true,
      .wanted = "0 < decay < 1" },
    { .key = "threshold", .otherwise = 1e-4, .hi = DBL_MAX, .wanted = "0 or more" },
    { .key = "cooldown", .kind = WG__HYPER_WHOLE, .hi = DBL_MAX, .wanted = "0 or more" },
    { .key = "min_lr", .hi = DBL_MAX, .wanted = "0 or more" },
};

static const wg__sched_state plateau_state[] = { { "best", WG_F64, false },
                                                 { "bad_steps", WG_I64, false },
                                                 { "cooling", WG_I64, false },
                                                 { .key = NULL } };

/* A loss that is not finite is no improvement: every comparison with NaN is false. */
static wg_tensor *plateau_record(const wg__ticks *t, const wg__hyper_value *v)
{
    wg_tensor *rate = wg__tick_state(t, "lr", WG_F64, WG_SHAPE_SCALAR, v[PLA_LR].v),
              *best = wg__tick_state(t, "best", WG_F64, WG_SHAPE_SCALAR, DBL_MAX),
              *bad = wg__tick_state(t, "bad_steps", WG_I64, WG_SHAPE_SCALAR, 0),
              *cooling = wg__tick_state(t, "cooling", WG_I64, WG_SHAPE_SCALAR, 0);
    wg_tensor *zero = wg_scalar_like(bad, 0), *one = wg_scalar_like(bad, 1);
    wg_tensor *margin = wg_mul(wg_abs(best), num(t, v[PLA_THRESHOLD].v));
    wg_tensor *better = wg_lt(t->loss, wg_sub(best, margin)), *cool = wg_gt(cooling, zero);
    wg_tensor *count = wg_where(wg_logical_or(better, cool), zero, wg_add(bad, one));
    wg_tensor *drop = wg_gt(count, wg_scalar_like(bad, v[PLA_PATIENCE].v));
    wg_tensor *floor = wg_minimum(rate, num(t, v[PLA_MIN].v));
    wg_tensor *lower = wg_maximum(wg_mul(rate, num(t, v[PLA_DECAY].v)), floor);
    wg_tensor *next = wg_where(drop, lower, rate);

    wg__tick_keep(t, "best", wg_where(better, t->loss, best));
    wg__tick_keep(t, "bad_steps", wg_where(drop, zero, count));
    wg__tick_keep(t, "cooling",
                  wg_where(drop, wg_scalar_like(bad, v[PLA_COOLDOWN].v),
                           wg_sub(cooling, wg_where(cool, one, zero))));
    wg__tick_keep(t, "lr", next);
    return next;
}

const wg__sched_class wg__plateau = { .name = "PlateauScheduler",
                                      .n = 6,
                                      .field = plateau_fields,
                                      .wants_loss = true,
                                      .state = plateau_state,
                                      .record = plateau_record };
