/* seq.h: what layers of sequences share. */
#ifndef WG_NN_SEQ_H
#define WG_NN_SEQ_H

#include "wengert/layer.h"
#include "wengert/layers_seq.h"

/* Hyperparameters that recurrent layers have in common. gate_fn NULL: none. */
bool wg__recurrent_make(wg_layer *l, int64_t n_out, const char *act_fn, const char *gate_fn,
                        const char *init);

/* An LSTM or LSTMCell along the last axis of x [n, n_in, n_t], from zero states; from the last step
 * to the first when `backwards`. The hidden states, in the order of time: [n, n_out, n_t]. named:
 * gates and candidate are derived variables, as in a cell. */
wg_tensor *wg__lstm_steps(wg_layer *l, wg_tensor *x, bool backwards, bool named);

#endif
