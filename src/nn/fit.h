/* fit.h: what the models' fits share: checked data, batches without end, lines about the way. */
#ifndef WG_NN_FIT_H
#define WG_NN_FIT_H

#include "model.h"
#include "wengert/fit.h"

typedef struct {
    wg_layer *l;
    wg_data X;
    wg_fit_options o; /* no zero that means a default but max_updates */
    wg_batches *batches;
    wg_array batch; /* what is fed, of batchsize examples */
    int64_t run, i; /* of the shuffle that is under way: its number, its next batch; run -1: none */
    int64_t n;      /* examples of the batch just fed */
    double began;   /* in seconds */
} wg__fit;

/* Opens X for the layer. example: extents of one example. unit: values must lie in [0, 1].
 * in_order: not shuffled. False with *error filled; close it in any case. */
bool wg__fit_open(wg__fit *f, wg_layer *l, wg_data X, const wg_fit_options *o, int64_t batchsize,
                  const wg_shape *example, bool unit, bool in_order, wg_error *error);

/* The next batch, in f->batch and fed as `input`, after a shuffle when one is due. */
bool wg__fit_next(wg__fit *f, wg_plan *p, const char *input, wg_error *error);

/* Whether the output `loss` of the last run is finite; else WG_ENONFINITE, with the update. */
bool wg__fit_is_finite(const wg__fit *f, wg_plan *p, const char *loss, const wg_fit_state *s,
                       wg_error *error);

void wg__fit_close(wg__fit *f);

/* A state without numbers. */
wg_fit_state wg__fit_state(int64_t n_epochs);

/* Seconds since some moment. */
double wg__fit_now(void);

/* "u8[60000 x 28 x 28]". Returns buf. */
const char *wg__fit_data_text(const wg_data *X, char buf[WG_TYPE_TEXT]);

#endif
