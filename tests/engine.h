/*
 * engine.h: the engine as subjects of golden files: a layer of the subject's class, recorded in a
 * graph or driven by its verbs, in double or in float.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <wengert.h>

#include "golden_case.h"

enum { ENGINE_MOST = 64, ENGINE_MOST_WANTED = 160 };

/* A case being recorded: begin, in and param for its arrays, out for its outputs, end. */
typedef struct {
    wg_graph *g;
    wg_params *w; /* freed by the caller after engine_end */
    const gcase *c;
    wg_dtype real;
    wg_tensor *in[ENGINE_MOST], *out[ENGINE_MOST], *total;
    wg_tensor *wrt[ENGINE_MOST_WANTED], *d[ENGINE_MOST_WANTED];
    char in_name[ENGINE_MOST][G_NAME], out_name[ENGINE_MOST][G_NAME];
    char wrt_name[ENGINE_MOST_WANTED][G_NAME];
    gsection wrt_section[ENGINE_MOST_WANTED];
    int n_in, n_out, n_wrt;
    /* random draws that the case gives, by their full names */
    char draw_name[ENGINE_MOST][2 * G_NAME];
    wg_array draw[ENGINE_MOST];
    int n_draws;
    const char *inner; /* parameters lie in this component of L, or NULL */
} engine;

void engine_begin(engine *k, const gcase *c, wg_dtype real, wg_mode mode);
wg_tensor *engine_in(engine *k, const char *name); /* NULL: the case has none */
void engine_value(engine *k, const char *name);    /* "conv1.W": entry "L/conv1/W" takes it */
void engine_out(engine *k, const char *name, wg_tensor *t); /* ignored where the case has none */

/* A random draw takes a given value: step `at` of the array, or all of it for -1. */
void engine_draw(engine *k, const wg_tensor *t, const garray *a, int64_t at);

/* Outputs and gradients of the case into the result; frees the graph. false: text[400] says why. */
bool engine_end(engine *k, gresult *r, char *text);

wg_array engine_array(const garray *a, wg_dtype real); /* new memory: free */
bool engine_put(gresult *r, gsection s, const char *name, const wg_array *a);
void engine_read_entries(const engine *k, gresult *r); /* running statistics among the outputs */
void engine_say(char *text, const char *what, const wg_error *e);

/* A subject that is an expression: record adds inputs and outputs; false when an input lacks. */
typedef struct {
    const char *subject;
    bool (*record)(engine *k);
} engine_expr;

extern const engine_expr engine_exprs[];  /* ends with an empty row */
extern const engine_expr engine_models[]; /* likewise */
const engine_expr *engine_expr_of(const char *subject);
bool engine_run_expr(const engine_expr *expr, const gcase *c, wg_dtype real, gresult *r,
                     char *text);

/* One row a class. Names are separated by blanks. */
typedef struct {
    const char *subject, *kind; /* golden subject, layer class */
    const char *operands;       /* input names in the order of operands */
    const char *results;        /* output names in the order of results */
    const char *also;           /* outputs that are derived variables of the same name, or NULL */
    const char *apart;          /* keys of `hyperparameters` that are not the layer's, or NULL */
    bool many;                  /* operands X0, X1, ... are those of one forward */
    const char *inner;          /* the component that holds the parameters, or NULL */
    bool cell;                  /* fed step by step along the last axis */
} engine_layer;

extern const engine_layer engine_layers[]; /* ends with an empty row */
const engine_layer *engine_layer_of(const char *subject);

/* Fills outputs and gradients of the case; false, with the reason in text[400], when it cannot.
 * verbs: through wg_layer_forward and wg_layer_backward instead of one graph. */
bool engine_run(const engine_layer *row, const gcase *c, wg_dtype real, bool verbs, gresult *r,
                char *text);

/* Optimizers: params and lr of every step. Schedulers: lr of every step. */
bool engine_run_optim(const gcase *c, gresult *r, char *text);
bool engine_run_sched(const gcase *c, gresult *r, char *text);

/* Cases of SparseEvolution that have no X (engine_sparse.c). */
bool engine_sparse(const gcase *c, wg_dtype real, gresult *r);

/* The gradient of a gradient: cases with upstream gradients of the first one (G or G_X). */
bool engine_run_second(const gcase *c, wg_dtype real, gresult *r, char *text);

/* Whether the verbs can run the case: they take no masks from outside, and infer without gradient. */
bool engine_has_verbs(const gcase *c);

#endif
