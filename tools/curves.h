/* curves.h: points of curves, and those in the log of a training run. */
#ifndef WENGERT_TOOLS_CURVES_H
#define WENGERT_TOOLS_CURVES_H

#include <stdbool.h>

typedef struct {
    int n, cap;
    double *x, *y;
} curve;

/** false when out of memory. */
bool curve_add(curve *c, double x, double y);

void curve_free(curve *c);

/* What the lines of `wengert train --log` tell, against the step. */
typedef struct {
    curve batch, smoothed;  /* of every step */
    curve mean, validation; /* of every epoch */
    curve lr;
} run_log;

/** Reads a file of JSON lines; a line that is none is an error that tells its number, but for a
 * last one that a running training has not yet finished. Returns the exit status; free it in any
 * case. */
int run_log_read(run_log *log, const char *name, const char *path);

void run_log_free(run_log *log);

#endif
