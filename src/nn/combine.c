/* combine.c: layers without parameters that rearrange: Flatten. */
#include <string.h>

#include "classes.h"
#include "wengert/ops.h"

static const wg_field flatten_fields[] = { WG_FIELD_STR(wg_flatten_hyper, keep_dim, "first"),
                                           WG_FIELDS_END };

static bool flatten_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_flatten_hyper *h = wg_layer_hyper(l);
    bool none = strcmp(h->keep_dim, "none") == 0;

    (void)n;
    if (!none && strcmp(h->keep_dim, "first") != 0 && strcmp(h->keep_dim, "last") != 0)
        return wg_layer_fail(l, WG_ENAME, "unknown keep_dim \"%.60s\": known are first, last, none",
                             h->keep_dim);
    if (x[0]->shape.rank >= 1 || none) return true;
    return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted rank 1 or more", WG_TYPE_STR(x[0]));
}

static wg_tensor *flatten_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_flatten_hyper *h = wg_layer_hyper(l);
    int rank = wg_rank(x[0]);

    (void)n;
    if (strcmp(h->keep_dim, "none") == 0) return wg_reshape(x[0], WG_SHAPE(1, -1));
    if (rank == 1) return wg_unsqueeze(x[0], h->keep_dim[0] == 'f' ? WG_AXES(1) : WG_AXES(0));
    return h->keep_dim[0] == 'f' ? wg_collapse(x[0], 1, -1) : wg_collapse(x[0], 0, -2);
}

const wg_layer_class wg_class_flatten = { .name = "Flatten",
                                        .hyper_size = sizeof(wg_flatten_hyper),
                                        .hyper = flatten_fields,
                                        .n_in = 1,
                                        .init = flatten_init,
                                        .apply = flatten_apply };

wg_layer *wg_flatten(wg_params *w, const char *name, wg_flatten_hyper hyper)
{
    return wg_layer_new(&wg_class_flatten, w, name, &hyper);
}
