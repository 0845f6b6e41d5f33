/*
 * job.h: running a function of a program over a data set, for programs that need not know the
 * model: which inputs there are is asked of the graph, where their values come from of its
 * metadata, under "data.SET.INPUT":
 *
 *     "idx FILE SCALE"    an idx file, elements times SCALE, examples along the first axis
 *     "values V V V ..."  numbers, as many examples as they fill
 */
#ifndef EXAMPLES_JOB_H
#define EXAMPLES_JOB_H

#include <wengert.h>

enum { JOB_INPUTS = 8 };

typedef struct {
    const char *name;
    wg_idx idx; /* of an idx source */
    double scale;
    double *value;  /* of a list */
    int64_t per;    /* elements an example */
    wg_array batch; /* what is fed; owned */
} job_input;

typedef struct {
    wg_graph *graph;
    wg_plan *plan;
    int function, n_inputs;
    job_input input[JOB_INPUTS];
    int64_t examples; /* in the set */
    int64_t batch;    /* most at a time */
    int64_t steps;    /* of training, so far */
} job;

/** Opens function `name` of a program over the data set `set` ("train", "test"), at most `batch`
 * examples at a time. False with *error filled when the function, a source or a file is missing.
 * Close it in any case. */
bool job_open(job *j, wg_graph *g, wg_params *w, const char *name, const char *set, int64_t batch,
              wg_error *error);

/** Feeds the examples row[0..n) (NULL: first, first + 1, ...) and runs once. */
bool job_run(job *j, int64_t first, const int64_t *row, int64_t n, wg_error *error);

/** Sum of a one-element output over the whole set, in order; NaN after an error or when there is no
 * such output. */
double job_total(job *j, const char *output, wg_error *error);

void job_close(job *j);

#endif
