/* loss.h: what losses check alike. */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include "wengert/graph.h"

/* x, which must have the extents of `like`: while recording, with an error of `function` that
 * shows both by name, and whenever a plan runs, where arithmetic would broadcast. */
wg_tensor *wg__alike(const char *function, wg_tensor *x, const char *x_name, wg_tensor *like,
                     const char *like_name);

/* total (rank 0), a loss over x, which must have elements: an empty batch has no loss. */
wg_tensor *wg__not_empty(const char *function, wg_tensor *total, wg_tensor *x, const char *x_name);

#endif
