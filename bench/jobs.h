/*
 * jobs.h: the workloads: training steps of thirteen models, recorded over random data of fixed
 * seeds. A step is forward, loss, backward and the optimiser's update; of the last three forward
 * and backward alone. bench/torch_twin.py says the same in PyTorch, over the same numbers.
 */
#ifndef BENCH_JOBS_H
#define BENCH_JOBS_H

#include <wengert.h>

enum { MOST_FEEDS = 8, MOST_LAYERS = 4 };

typedef struct {
    wg_dtype real;  /* WG_F32, WG_F64: of data and weights */
    bool gradients; /* also the gradients, "g.NAME", and each ReLU's result, "relu.K", as outputs */
    bool visible;   /* a rate at which a step changes the weights visibly */
} job_kind;

typedef struct {
    job_kind kind;
    double rate; /* of the optimiser; 0: there is none */
    wg_graph *g;
    wg_params *w;
    wg_layer *layer[MOST_LAYERS];
    wg_optim *optim;
    wg_array fed[MOST_FEEDS]; /* inputs, and the random draws, which are fed too */
    const char *name[MOST_FEEDS];
    int n_layers, n_fed;
} job;

int job_count(void);
const char *job_name(int k);
int job_find(const char *name); /* -1: none */

/* Records workload k as the function "step". false: *error says why, and nothing is left. */
bool job_open(job *j, int k, job_kind kind, wg_error *error);
void job_close(job *j);

/* A plan of it with everything fed; NULL: *error says why. */
wg_plan *job_plan(const job *j, const wg_plan_options *options, wg_error *error);

#endif
