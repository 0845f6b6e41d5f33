/* fit.h: what the models' fits share: checked data, batches without end, lines about the way. */
#ifndef WG_NN_FIT_H
#define WG_NN_FIT_H

#include "model.h"
#include "wengert/fit.h"

typedef struct {
    wg_layer *l;
    wg_data X;
    wg_fit_options o; /* without zeros that mean defaults, but for max_updates */
    wg_batches *batches;
    wg_array batch; /* what is fed, of batchsize examples */
    int64_t n;      /* examples of the batch just fed */
    wg_fit_state s;
    int64_t first_epoch, first_step; /* of the trainer, when the fit began */
    double sum[3], seen;             /* of an epoch */
} wg__fit;

/* Whether the layer is a WGAN_GP without a mistake; else *error is filled. */
bool wg__is_wgan(const wg_layer *l, const char *function, wg_error *error);

/* Opens X for the layer. example: extents of one example. unit: values must lie in [0, 1].
 * in_order: not shuffled. False with *error filled; close it in any case. */
bool wg__fit_open(wg__fit *f, wg_layer *l, wg_data X, const wg_fit_options *o, int64_t batchsize,
                  const wg_shape *example, bool unit, bool in_order, wg_error *error);

/* Feeds batch i of this shuffle as `input`, from f->batch. */
bool wg__fit_feed(wg__fit *f, wg_plan *p, const char *input, int64_t shuffle, int64_t i,
                  wg_error *error);

/* Options of a trainer with this source of batches, whose data are the fit's. */
wg_train_options wg__fit_options(wg__fit *f, const char *function, const char *loss, int64_t epochs,
                                 const wg_train_source *source);

/* model_file.c: puts into the metadata of the recorded steps what wg_model_load needs. */
bool wg__model_describe(wg_layer *l, wg_error *error);

/* Trains to the end; f->s tells how it went. False with *error filled. */
bool wg__fit_train(wg__fit *f, const wg_train_options *o, wg_error *error);

/* How far the trainer is, as its callback is told, into f->s. */
void wg__fit_at(wg__fit *f, const wg_train_state *state);

/* The store's count of runs that draw at random. */
int64_t wg__fit_runs(const wg__fit *f);

void wg__fit_close(wg__fit *f);

/* "u8[60000 x 28 x 28]". Returns buf. */
const char *wg__fit_data_text(const wg_data *X, char buf[WG_TYPE_TEXT]);

#endif
