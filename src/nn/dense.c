/* dense.c: FullyConnected: y = f(x W + b). */
#include "classes.h"
#include "wengert/ops.h"

static const wg_field fc_fields[] = { WG_FIELD(wg_fc_hyper, n_out),
                                      WG_FIELD_STR(wg_fc_hyper, act_fn, "Identity"),
                                      WG_FIELD_STR(wg_fc_hyper, init, "glorot_uniform"),
                                      WG_FIELD_NOT(wg_fc_hyper, no_bias, "bias"), WG_FIELDS_END };

static bool fc_make(wg_layer *l)
{
    const wg_fc_hyper *h = wg_layer_hyper(l);

    if (!wg__at_least(l, "n_out", h->n_out, 1)) return false;
    return wg_layer_knows(l, h->act_fn, h->init);
}

static bool fc_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_fc_hyper *h = wg_layer_hyper(l);
    int64_t n_in;

    (void)n;
    if (x[0]->shape.rank < 2)
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, ..., n_in]",
                             WG_TYPE_STR(x[0]));
    n_in = x[0]->shape.dim[x[0]->shape.rank - 1];
    return wg_layer_param(l, "W", WG_SHAPE(n_in, h->n_out), true, h->init, h->act_fn) &&
           (h->no_bias || wg_layer_param(l, "b", WG_SHAPE(1, h->n_out), true, "zeros", NULL));
}

static wg_tensor *fc_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_fc_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x[0]);
    wg_tensor *z = wg_matmul(x[0], wg_layer_leaf(l, g, "W"));

    (void)n;
    if (!h->no_bias) z = wg_add(z, wg_layer_leaf(l, g, "b"));
    return wg_act(h->act_fn, wg_layer_value(l, z, "Z"));
}

const wg_layer_class wg_class_fully_connected = { .name = "FullyConnected",
                                                  .hyper_size = sizeof(wg_fc_hyper),
                                                  .hyper = fc_fields,
                                                  .n_in = 1,
                                                  .make = fc_make,
                                                  .init = fc_init,
                                                  .apply = fc_apply };

wg_layer *wg_fully_connected(wg_params *w, const char *name, wg_fc_hyper hyper)
{
    return wg_layer_new(&wg_class_fully_connected, w, name, &hyper);
}
