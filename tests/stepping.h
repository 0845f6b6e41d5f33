/* stepping.h: training any program, from its own description: inputs are asked of the graph, what they get depends on
 * their name, their type and the number of the step alone. */
#ifndef STEPPING_H
#define STEPPING_H

#include <stdlib.h>
#include <wengert.h>
#include <wengert/op.h>

enum { STEPPING_INPUTS = 8 };

/* Runs the first function of mode WG_TRAIN for steps first..end-1. */
static inline bool stepping_train(wg_graph *g, wg_params *w, int first, int end, wg_error *error)
{
    wg_tensor *leaf[STEPPING_INPUTS];
    void *data[STEPPING_INPUTS] = { NULL };
    int f = 0, n;
    bool ok = false;
    wg_plan *p;

    while (f < wg_function_count(g) && wg_function_mode(g, f) != WG_TRAIN) f++;
    n = wg_function_inputs(g, f, STEPPING_INPUTS, leaf);
    p = n < 0 || n > STEPPING_INPUTS ? NULL
                                     : wg_plan_new_error(g, w, wg_function_name(g, f), NULL, error);
    for (int i = 0; p && i < n; i++)
        data[i] = calloc((size_t)wg_type_bytes(wg_tensor_type(leaf[i])) + 1, 1);
    ok = p != NULL;
    for (int step = first; ok && step < end; step++) {
        for (int i = 0; ok && i < n; i++) {
            const char *name = wg_tensor_leaf_name(leaf[i]);
            const wg_type *type = wg_tensor_type(leaf[i]);

            wg_random_normal(99, wg_random_key(name), (uint64_t)step, 0,
                             wg_shape_count(&type->shape), type->dtype, data[i]);
            ok = wg_plan_feed(p, name, wg_array_of(type->dtype, type->shape, data[i])) == WG_OK;
        }
        ok = ok && wg_plan_run(p) == WG_OK;
        if (!ok) *error = *wg_plan_error(p);
    }
    for (int i = 0; i < STEPPING_INPUTS; i++) free(data[i]);
    wg_plan_free(p);
    return ok;
}

#endif
