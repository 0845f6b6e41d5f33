/* numbers.h: figures of an array. */
#ifndef WENGERT_TOOLS_NUMBERS_H
#define WENGERT_TOOLS_NUMBERS_H

#include <wengert.h>

typedef struct {
    int64_t n;                /* elements */
    int64_t finite, zeros;    /* of them */
    double min, max;          /* of the finite ones; NaN when there is none, like the others */
    double mean, std;         /* std with divisor n */
    double mean_abs, max_abs; /* of the finite ones */
} figures;

figures figures_of(const wg_array *a);

/** Element i as a double; bool 0 or 1. */
double element(const wg_array *a, int64_t i);

#endif
