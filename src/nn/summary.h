/* summary.h: what summary.c and set_params.c share. */
#ifndef WG_NN_SUMMARY_H
#define WG_NN_SUMMARY_H

#include "layer_impl.h"

/* The object wg_layer_hyperparameters prints; NULL: out of memory. The caller's reference. */
json_t *wg__layer_hyper_json(const wg_layer *l);

/* Frees what json_dumps gave. */
void wg__json_text_free(char *text);

#endif
