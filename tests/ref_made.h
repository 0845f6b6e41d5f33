/* ref_made.h: golden cases made in a test, of numbers that a seed gives. */
#ifndef REF_MADE_H
#define REF_MADE_H

#include <string.h>

#include "golden_case.h"
#include "harness.h"

/* n numbers between -1 and 1, away from 0 */
static inline void made_numbers(uint64_t seed, int64_t n, double *x)
{
    for (int64_t i = 0; i < n; i++) {
        double u;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        u = (double)(seed >> 11) / 9007199254740992.0;
        x[i] = u < 0.5 ? -0.05 - 1.9 * u : 0.05 + 1.9 * (u - 0.5);
    }
}

/* A case under construction: arrays are put as into a result. */
static inline gcase made_case(const char *subject, const gresult *arrays, const json_t *hyper)
{
    gcase c = { .subject = subject, .name = "made here", .note = "", .hyper = hyper };

    memcpy(c.section, arrays->section, sizeof c.section);
    return c;
}

static inline double *put_numbers(gresult *r, gsection s, const char *name, int rank,
                                  const int64_t *dim, uint64_t seed)
{
    double *x = g_put(r, s, name, rank, dim, NULL);

    if (x) made_numbers(seed, g_count(g_find(&r->section[s], name)), x);
    return x;
}

/* Gradients against differences, in at least `least` places. */
static inline void expect_differences(const gsubject *s, gcase *c, int64_t least)
{
    gcheck check = g_check_differences(s, c);

    harness_check(check.error <= 1e-7, __FILE__, __LINE__, "%s: %.3g: %s", c->subject, check.error,
                  check.where);
    harness_check(check.count >= least, __FILE__, __LINE__, "%s: only %lld gradients", c->subject,
                  (long long)check.count);
}

#endif
