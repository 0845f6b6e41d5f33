/* seq.h: what layers of sequences share. */
#ifndef WG_NN_SEQ_H
#define WG_NN_SEQ_H

#include "wengert/layer.h"
#include "wengert/layers_seq.h"

/* Hyperparameters that recurrent layers have in common. gate_fn NULL: none. */
bool wg__recurrent_make(wg_layer *l, int64_t n_out, const char *act_fn, const char *gate_fn,
                        const char *init);

#endif
