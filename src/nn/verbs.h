/* verbs.h: what verbs.c (forward, backward, update) and program.c (recording) share. */
#ifndef WG_NN_VERBS_H
#define WG_NN_VERBS_H

#include "layer_impl.h"
#include "wengert/grad.h"
#include "wengert/plan.h"

/* Where an output of a program goes: a derived variable or a parameter's gradient. */
typedef struct {
    wg_layer *layer;
    char key[WG_KEY_MAX];
    wg_tensor *t; /* while recording */
} wg__target;

typedef struct {
    wg__target *at;
    int n;
} wg__targets;

/* A layer recorded for inputs of these types in this state, and its gradient. The gradient is a
 * graph of its own: what it takes from the forward pass comes in as inputs (residuals), so nothing
 * that happens between the two changes it. */
typedef struct wg__program {
    int n;
    wg_type type[WG_MOST_OPERANDS];
    bool train;
    char *frozen; /* one letter a layer, in the order of components */
    int users;    /* retained forwards */
    bool random;
    wg_graph *g, *gb;
    wg_plan *forward, *backward;
    wg__targets values, params, gradients;
    int n_residuals;
    int dx[WG_MOST_OPERANDS]; /* output of the backward plan; -1: none */
} wg__program;

typedef struct {
    wg__program *program;
    wg_array *residual;
    wg_type y[WG_MOST_RESULTS];
} wg__retained;

struct wg__verbs {
    wg__program **programs;
    int n_programs;
    wg__retained *retained;
    int n_retained;
    int taken; /* cells: steps that backward has taken */
    wg_array state[WG_MOST_RESULTS], d_state[WG_MOST_RESULTS];
    wg_array *dx;
    int n_dx;
};

/* program.c; NULL with l->error after a mistake */
wg__program *wg__program_new(wg_layer *l, int n, const wg_array *x, bool train);
bool wg__program_fits(const wg__program *p, const wg_layer *l, int n, const wg_array *x,
                      bool train);
void wg__program_free(wg__program *p);

#endif
