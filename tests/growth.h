/*
 * growth.h: what size costs, in this program's own time. Quarters are compared with the whole where
 * neither fits in a cache, since across its end an entry costs half as much again; what is quadratic
 * would cost four times as much.
 */
#ifndef GROWTH_H
#define GROWTH_H

#include <math.h>
#include <sys/resource.h>

#include "harness.h"

/* Of this program alone: what the system takes to find a page, which a virtual machine may have to
 * ask its host for, grows as it likes; that bytes grow linearly is tested by themselves. */
static inline double user_seconds(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return (double)r.ru_utime.tv_sec + 1e-6 * (double)r.ru_utime.tv_usec;
}

/* 10^6 entries at once may cost 1.5 times what they cost in four programs of 250,000; make(n) returns
 * its seconds, or 0 where it failed. Both take about as long and follow upon each other, so that what
 * else the machine does meets both; the least ratio of several pairs counts, for it may begin or end
 * between the two. */
static inline void million_grows_linearly(double (*make)(int64_t n), const char *what)
{
    double least = INFINITY;

    for (int i = 0; i < 6 && least > 1.4; i++) {
        double apart = 0, at_once;

        for (int k = 0; k < 4; k++) apart += make(250000);
        at_once = make(1000000);
        REQUIRE(apart > 0 && at_once > 0);
        least = fmin(least, at_once / apart);
        printf("    %s: four of 250,000 in %.3f s, one of 10^6 in %.3f s\n", what, apart, at_once);
    }
    harness_check(least < 1.5, __FILE__, __LINE__,
                  "%s: 10^6 entries cost %.2f times what they cost in four parts", what, least);
}

#endif
