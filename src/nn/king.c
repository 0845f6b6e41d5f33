/*
 * king.c: Davis King's scheduler: the rate falls when the loss has stopped falling. A line is
 * fitted to the latest losses; with the variance of its slope the probability that the slope is
 * negative says whether the loss still falls.
 *
 * The state is a history of H losses, oldest first and the newest at the end, beside the same
 * losses in rising order: with the latter a quantile is two elements, and a step costs O(H).
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sched.h"
#include "wengert/op.h"
#include "wengert/ops.h"

enum { LR, PATIENCE, DECAY, CHECK_ALL, CLEAR };

/* A loss beyond, or none at all, counts as one of this size: a spike, whose square is finite. */
static const double LARGEST = 1e100;

static const wg__hyper_field fields[] = {
    { .key = "initial_lr",
      .otherwise = 0.01,
      .above_lo = true,
      .hi = DBL_MAX,
      .wanted = "a positive number" },
    { .key = "patience",
      .kind = WG__HYPER_WHOLE,
      .otherwise = 1000,
      .lo = 1,
      .hi = 1e7,
      .wanted = "1 to 10000000" },
    { .key = "decay", .otherwise = 0.99, .above_lo = true, .hi = 1, .wanted = "0 < decay <= 1" },
    { .key = "check_all",
      .kind = WG__HYPER_BOOL,
      .extra = true,
      .hi = 1,
      .wanted = "True or False" },
    { .key = "clear_history",
      .kind = WG__HYPER_BOOL,
      .extra = true,
      .hi = 1,
      .wanted = "True or False" },
};

static const wg__sched_state state[] = { { "losses", WG_F64, true },
                                         { "sorted", WG_F64, true },
                                         { "n_losses", WG_I64, false },
                                         { .key = NULL } };

/* Most losses kept. In double, as numpy-ml computes it: ceil(1.1 * 10) is 12. */
static int64_t history(double patience)
{
    return (int64_t)fmax(ceil(1.1 * (patience + 1)), 3);
}

int64_t wg__sched_history(const wg_sched *s)
{
    return s->kind == &wg__king ? history(s->value[PATIENCE].v) : 0;
}

/* ---- the parts of a step ---- */

struct king {
    const wg__ticks *t;
    int64_t h;
    wg_tensor *place; /* 0 ... h - 1, f64 */
};

static wg_tensor *num(const struct king *k, double v)
{
    return wg_scalar(k->t->g, WG_F64, v);
}

/* x with its first element dropped and `last` at the end, and the reverse. */
static wg_tensor *shift_down(const struct king *k, wg_tensor *x, wg_tensor *last)
{
    wg_tensor *part[2] = { wg_slice_axis(x, 0, 1, k->h, 1), wg_reshape(last, WG_SHAPE(1)) };

    return wg_concat(2, part, 0);
}

static wg_tensor *shift_up(const struct king *k, wg_tensor *x, wg_tensor *first)
{
    wg_tensor *part[2] = { wg_reshape(first, WG_SHAPE(1)), wg_slice_axis(x, 0, 0, k->h - 1, 1) };

    return wg_concat(2, part, 0);
}

static wg_tensor *how_many(const struct king *k, wg_tensor *cond)
{
    return wg_sum(wg_where(cond, num(k, 1), num(k, 0)), WG_ALL_AXES, false);
}

/* The rising order without `old` (where the history is full) and with `loss`; DBL_MAX where there
 * is none. */
static wg_tensor *resorted(const struct king *k, wg_tensor *sorted, wg_tensor *full, wg_tensor *old,
                           wg_tensor *loss)
{
    wg_tensor *from = how_many(k, wg_lt(sorted, old)),
              *gone = wg_logical_and(full, wg_ge(k->place, from)), *at, *above;

    sorted = wg_where(gone, shift_down(k, sorted, num(k, DBL_MAX)), sorted);
    at = how_many(k, wg_lt(sorted, loss));
    above = wg_where(wg_eq(k->place, at), loss, shift_up(k, sorted, loss));
    return wg_where(wg_lt(k->place, at), sorted, above);
}

/* The 0.9 quantile of the n smallest, interpolated as numpy does it. */
static wg_tensor *quantile(const struct king *k, wg_tensor *sorted, wg_tensor *n)
{
    wg_tensor *top = wg_sub(n, num(k, 1)), *at = wg_mul(num(k, 0.9), top), *below = wg_floor(at),
              *part = wg_sub(at, below), *above = wg_minimum(wg_add(below, num(k, 1)), top);
    wg_tensor *a = wg_gather(sorted, wg_cast(below, WG_I64), 0),
              *b = wg_gather(sorted, wg_cast(above, WG_I64), 0), *gap = wg_sub(b, a);

    return wg_where(wg_ge(part, num(k, 0.5)), wg_sub(b, wg_mul(gap, wg_sub(num(k, 1), part))),
                    wg_add(a, wg_mul(gap, part)));
}

/* For each loss that counts, over it and all later ones that count: how many there are, and the
 * probability that their least squares line falls. Losses are taken relative to the newest that
 * counts, which makes equal ones exactly 0, and sums run from the end, so that early large losses
 * leave no rounding in later windows. */
static wg_tensor *falling(const struct king *k, wg_tensor *losses, wg_tensor *counts, wg_tensor **n)
{
    wg_tensor *zero = num(k, 0), *one = num(k, 1);
    wg_tensor *later = wg_cumsum(wg_where(counts, one, wg_zeros_like(losses)), 0, true);
    wg_tensor *last = wg_logical_and(counts, wg_eq(later, one)),
              *newest = wg_sum(wg_where(last, losses, zero), WG_ALL_AXES, false);
    wg_tensor *y = wg_where(counts, wg_sub(losses, newest), zero);
    wg_tensor *x = wg_neg(later), *m = wg_maximum(later, num(k, 3));
    wg_tensor *y_sum = wg_cumsum(y, 0, true), *xy_sum = wg_cumsum(wg_mul(x, y), 0, true),
              *yy_sum = wg_cumsum(wg_square(y), 0, true);
    wg_tensor *x_mean = wg_mul(wg_add(m, one), num(k, -0.5));
    wg_tensor *xx = wg_div(wg_sub(wg_mul(m, wg_square(m)), m), num(k, 12));
    wg_tensor *xy = wg_sub(xy_sum, wg_mul(x_mean, y_sum)),
              *yy = wg_sub(yy_sum, wg_div(wg_square(y_sum), m));
    wg_tensor *slope = wg_div(xy, xx), *rest = wg_maximum(wg_sub(yy, wg_mul(slope, xy)), zero);
    wg_tensor *var = wg_div(wg_div(rest, wg_sub(m, num(k, 2))), xx);
    /* as in numpy-ml, the machine epsilon keeps a line without scatter from 0 / 0 */
    wg_tensor *z =
        wg_div(wg_neg(slope), wg_sqrt(wg_mul(wg_add(var, num(k, DBL_EPSILON)), num(k, 2))));

    *n = later;
    return wg_mul(wg_add(wg_erf(z), one), num(k, 0.5));
}

/* The verdict over one selection of losses. */
struct test {
    wg_tensor *p;               /* over the last patience + 1, or as many as there are */
    wg_tensor *length;          /* how many those are */
    wg_tensor *steps, *longest; /* without decrease: over that length, over all lengths */
};

static struct test test(const struct king *k, wg_tensor *losses, wg_tensor *counts, double patience)
{
    struct test r;
    wg_tensor *n, *p = falling(k, losses, counts, &n), *zero = num(k, 0);
    wg_tensor *usable = wg_logical_and(counts, wg_ge(n, num(k, 3)));
    wg_tensor *here, *stuck = wg_logical_and(usable, wg_lt(p, num(k, 0.51)));

    r.length = wg_minimum(wg_max(n, WG_ALL_AXES, false), num(k, patience + 1));
    here = wg_logical_and(counts, wg_eq(n, r.length));
    r.p = wg_sum(wg_where(here, p, zero), WG_ALL_AXES, false);
    r.steps = wg_sum(wg_where(wg_logical_and(here, stuck), n, zero), WG_ALL_AXES, false);
    r.longest = wg_max(wg_where(stuck, n, zero), WG_ALL_AXES, false);
    return r;
}

static void show(const struct king *k, const struct test *plain, const struct test *robust,
                 wg_tensor *n, wg_tensor *plain_stuck, double patience)
{
    wg_tensor *none = num(k, -1), *three = num(k, 3);
    wg_tensor *tested = wg_logical_and(wg_ge(n, num(k, patience)), wg_ge(plain->length, three));
    wg_tensor *both = wg_logical_and(plain_stuck, wg_ge(robust->length, three));

    wg_output("p_decreasing", wg_where(tested, plain->p, none));
    wg_output("p_decreasing_robust", wg_where(both, robust->p, none));
    wg_output("steps", plain->steps);
    wg_output("steps_all", plain->longest);
    wg_output("steps_robust", robust->steps);
    wg_output("steps_robust_all", robust->longest);
}

/* ---- a step ---- */

static wg_tensor *record(const wg__ticks *t, const wg__hyper_value *v)
{
    double patience = v[PATIENCE].v;
    struct king k = { t, history(patience), NULL };
    wg_tensor *rate = wg__tick_state(t, "lr", WG_F64, WG_SHAPE_SCALAR, v[LR].v),
              *losses = wg__tick_state(t, "losses", WG_F64, WG_SHAPE(k.h), 0),
              *sorted = wg__tick_state(t, "sorted", WG_F64, WG_SHAPE(k.h), DBL_MAX),
              *seen = wg__tick_state(t, "n_losses", WG_I64, WG_SHAPE_SCALAR, 0);
    /* numpy-ml asks for patience + 1 losses left over by the robust test, which a history this
     * short cannot have at every patience: the losses it drops are not asked for */
    double need = fmin(patience + 1, floor(0.9 * (double)(k.h - 1)) + 1);
    wg_tensor *most = wg_scalar_like(seen, (double)k.h),
              *loss = wg_where(wg_is_finite(t->loss), wg_clip(t->loss, -LARGEST, LARGEST),
                               num(&k, LARGEST));
    wg_tensor *now = wg_minimum(wg_add(seen, wg_scalar_like(seen, 1)), most),
              *n = wg_cast(now, WG_F64), *next = shift_down(&k, losses, loss);
    wg_tensor *counts, *kept, *plain_stuck, *stuck, *lower;
    struct test plain, robust;

    k.place = wg_arange(t->g, WG_F64, 0, (double)k.h, 1);
    sorted = resorted(&k, sorted, wg_ge(seen, most), wg_select(losses, 0, 0), loss);
    counts = wg_ge(k.place, wg_sub(num(&k, (double)k.h), n));
    kept = wg_logical_and(counts, wg_le(next, quantile(&k, sorted, n)));
    plain = test(&k, next, counts, patience);
    robust = test(&k, next, kept, patience);
    plain_stuck = wg_ge(v[CHECK_ALL].v != 0 ? plain.longest : plain.steps, num(&k, patience + 1));
    stuck = wg_logical_and(
        plain_stuck, wg_ge(v[CHECK_ALL].v != 0 ? robust.longest : robust.steps, num(&k, need)));
    lower = wg_where(stuck, wg_mul(rate, num(&k, v[DECAY].v)), rate);
    if (t->show) show(&k, &plain, &robust, n, plain_stuck, patience);
    if (v[CLEAR].v != 0) {
        now = wg_where(stuck, wg_scalar_like(now, 0), now);
        sorted = wg_where(stuck, num(&k, DBL_MAX), sorted);
    }
    wg__tick_keep(t, "losses", next);
    wg__tick_keep(t, "sorted", sorted);
    wg__tick_keep(t, "n_losses", now);
    wg__tick_keep(t, "lr", lower);
    return lower;
}

const wg__sched_class wg__king = { .name = "KingScheduler",
                                   .n = 5,
                                   .field = fields,
                                   .wants_loss = true,
                                   .state = state,
                                   .record = record };

/* ---- another patience ---- */

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

bool wg__king_move(const wg_sched *s, wg__entries *to, const wg__entries *from, wg_error *error)
{
    const wg_array *losses = wg__entry_value(from, "losses"),
                   *seen = wg__entry_value(from, "n_losses");
    int64_t h = history(s->value[PATIENCE].v), n = seen ? *(const int64_t *)seen->data : 0;
    const char *op = wg__king.name;
    char full[WG__ENTRY_TEXT];
    bool fresh, ok;
    double *next;

    if (!losses || n <= 0) return true;
    if (n > losses->type.shape.dim[0]) n = losses->type.shape.dim[0];
    next = wg_alloc(h, sizeof *next);
    if (!next) {
        wg_fail(error, WG_ENOMEM, op, "out of memory");
        return false;
    }
    memcpy(next + h - (n < h ? n : h),
           (const double *)losses->data + losses->type.shape.dim[0] - (n < h ? n : h),
           (size_t)(n < h ? n : h) * sizeof *next);
    n = n < h ? n : h;
    ok = wg__entry_set(to, op, "n_losses", WG_I64, (double)n, error);
    for (int pass = 0; ok && pass < 2; pass++) {
        if (pass == 1) { /* the rising order: what there is, then none */
            memmove(next, next + h - n, (size_t)n * sizeof *next);
            for (int64_t i = n; i < h; i++) next[i] = DBL_MAX;
            qsort(next, (size_t)n, sizeof *next, by_size);
        }
        ok = wg__entry_name(to, pass ? "sorted" : "losses", full) &&
             wg__entry_claim(to, op, full, WG_F64, WG_SHAPE(h), &fresh, error) &&
             wg_params_set(to->store, full, WG_F64_ARRAY(next, h), error) == WG_OK;
    }
    wg_free(next);
    return ok;
}
