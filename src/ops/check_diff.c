/*
 * check_diff.c: central differences at halved steps, extrapolated to step 0 (Richardson; the table
 * and its error estimate as in Ridders, Advances in Engineering Software 4, 1982, 75-76).
 *
 * A central quotient is D(h) = f' + a h^2 + b h^4 + ..., so column c of the table removes h^(2c).
 * The difference of the one-sided quotients is J(h) = jump + a h + b h^3 + ...: for a smooth f it
 * goes to 0, and at a kink it does not, although the central quotient settles there too, on the
 * mean of both slopes.
 *
 * Networks of relu have a kink within any long step, so a table whose estimate is too large is made
 * again with far shorter steps; in f64 a step of 1e-8 still leaves eight digits of a slope that is
 * constant there.
 */
#include "check_diff.h"

#include <float.h>
#include <math.h>

enum { ROWS = 7, TABLES = 4 };

struct table {
    double row[ROWS], last[ROWS]; /* the newest row and the one above */
    double best, estimate;
};

/* Adds the quotient at half the step of the row above. Column c divides the leading error by factor
 * * 4^(c-1). */
static void table_add(struct table *t, int r, double quotient, double factor, double noise)
{
    for (int c = 0; c < r; c++) t->last[c] = t->row[c];
    t->row[0] = quotient;
    for (int c = 1; c <= r; c++, factor *= 4) {
        double moved = fmax(fabs(t->row[c - 1] - t->last[c - 1]) / (factor - 1), 0), err;

        t->row[c] = t->row[c - 1] + (t->row[c - 1] - t->last[c - 1]) / (factor - 1);
        err = fmax(moved, fabs(t->row[c] - t->last[c - 1])) + noise;
        if (err < t->estimate) {
            t->estimate = err;
            t->best = t->row[c];
        }
    }
}

wg__slope wg__slope_at(wg__line_fn *f, void *arg, double at0, double scale, double rtol,
                       double atol)
{
    wg__slope s = { 0, INFINITY, 0, INFINITY };

    for (int k = 0; k < TABLES; k++) {
        struct table d = { .estimate = INFINITY }, j = { .estimate = INFINITY };
        double h = ldexp(scale, -5 - 7 * k);

        for (int r = 0; r < ROWS; r++, h /= 2) {
            double up = f(arg, h), down = f(arg, -h);
            /* the error of the function's own rounding */
            double noise = 4 * DBL_EPSILON * fmax(fabs(at0), fmax(fabs(up), fabs(down))) / h;

            if (!isfinite(up) || !isfinite(down)) break;
            table_add(&d, r, (up - down) / (2 * h), 4, noise);
            table_add(&j, r, (up - 2 * at0 + down) / h, 2, 2 * noise);
            if (d.estimate < s.estimate) {
                s.value = d.best;
                s.estimate = d.estimate;
            }
            /* A kink at the point itself shows in every table, one beside it not in those of
             * shorter steps: one table without a jump clears the point. */
            if (fabs(j.best) + j.estimate < fabs(s.jump) + s.jump_estimate) {
                s.jump = j.best;
                s.jump_estimate = j.estimate;
            }
            if (fmax(s.estimate, fabs(s.jump) + s.jump_estimate) < atol + rtol * fabs(s.value))
                return s;
        }
    }
    return s;
}
