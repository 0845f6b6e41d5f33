/* model.h: what models share: chains of layers, and training steps by the model's optimizer. */
#ifndef WG_NN_MODEL_H
#define WG_NN_MODEL_H

#include "wengert/layer.h"
#include "wengert/plan.h"

/* The components of a group one after the other, in a scope of the group's. `d` (NULL: none): the
 * gradient at the result of component ID is derived variable d_ID_out of `model`. */
wg_tensor *wg__chain(wg_layer *group, wg_tensor *x, wg_layer *model, const char *d);

/* make: the optimizer of the verbs and of recorded steps. */
bool wg__model_optimizer(wg_layer *l, const char *text);

/* Records a step of the model's optimizer, whose entries lie under the name of `part`: the model,
 * or the component that learns. Recorded again, the step goes on with the same entries. */
void wg__model_minimize(wg_layer *model, wg_layer *part, wg_tensor *loss);

enum { WG__STEP_PLANS = 4 };

/* What a model has recorded for inputs of one type, batch apart, and its plans: what fit and the
 * model's own verbs run. */
typedef struct wg__steps {
    wg_graph *g;
    wg_plan *plan[WG__STEP_PLANS];
    wg_type input;   /* of batch 1 */
    uint64_t frozen; /* a bit a layer */
    double lambda_;  /* WGAN_GP: the weight that was recorded */
    int last;        /* WGAN_GP: the plan that ran last */
} wg__steps;

/* The steps for this input: those there are, if they fit, or new ones by `record`, which returns
 * false after an error of its own. NULL with *error filled. */
wg__steps *wg__steps_for(wg_layer *l, const wg_type *input, double lambda_,
                         void (*record)(wg_layer *l, wg_graph *g, const wg_type *input),
                         wg_error *error);
void wg__steps_forget(wg_layer *l);

/* The plan of function `name`, kept in place `i`; NULL with *error filled. */
wg_plan *wg__steps_plan(wg_layer *l, int i, const char *name, bool keep, wg_error *error);

#endif
