/* model.h: what models share: chains of layers, and training steps by the model's optimizer. */
#ifndef WG_NN_MODEL_H
#define WG_NN_MODEL_H

#include "wengert/layer.h"

/* The components of a group one after the other, in a scope of the group's. `d` (NULL: none): the
 * gradient at the result of component ID is derived variable d_ID_out of `model`. */
wg_tensor *wg__chain(wg_layer *group, wg_tensor *x, wg_layer *model, const char *d);

/* make: the optimizer of the verbs and of recorded steps. */
bool wg__model_optimizer(wg_layer *l, const char *text);

/* Records a step of the model's optimizer, whose entries lie under the name of `part`: the model,
 * or the component that learns. */
void wg__model_minimize(wg_layer *model, const wg_layer *part, wg_tensor *loss);

#endif
