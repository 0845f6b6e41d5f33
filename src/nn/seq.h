/* seq.h: what layers of sequences share. */
#ifndef WG_NN_SEQ_H
#define WG_NN_SEQ_H

#include "wengert/layer.h"
#include "wengert/layers_seq.h"

/* Hyperparameters that recurrent layers have in common. gate_fn NULL: none. */
bool wg__recurrent_make(wg_layer *l, int64_t n_out, const char *act_fn, const char *gate_fn,
                        const char *init);

/* attention.c: a name for a random draw in the open scope: `name`, and where the function has it
 * already, as in a layer's second use, name_2, name_3, ... Returns to. */
enum { WG__DRAW_NAME = 48 };
const char *wg__draw_name(const wg_graph *g, const char *name, char to[WG__DRAW_NAME]);

#endif
