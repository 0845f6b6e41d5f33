/* nce_kit.h: what the tests of NCELoss share: a noise distribution and a training step over it. */
#ifndef NCE_KIT_H
#define NCE_KIT_H

#include <wengert.h>

#include "harness.h"

static const double noise5[] = { 0.1, 0.3, 0.2, 0.25, 0.15 };

/* Function "train" with the inputs X [n, 2, 3], target [n], neg [2]; output "loss". */
static inline wg_graph *trainer(wg_params *w, wg_layer *l)
{
    wg_graph *g = wg_graph_new();
    wg_optim *o = wg_sgd(w, "sgd", &(wg_sgd_hyper){ .lr = 0.05 });
    wg_tensor *x[4] = { wg_input(g, "X", WG_F64, WG_SHAPE(1, 2, 3)),
                        wg_input(g, "target", WG_I64, WG_SHAPE(1)),
                        wg_input(g, "neg", WG_I64, WG_SHAPE(2)),
                        wg_constant(g, WG_F64_ARRAY(noise5, 5)) },
              *y[2];

    wg_begin(g, "train", WG_TRAIN);
    wg_apply_all(l, 4, x, y);
    wg_minimize(o, wg_output("loss", y[0]));
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    wg_optim_free(o);
    return g;
}

#endif
