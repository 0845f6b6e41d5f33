/* combine.c: layers without parameters that rearrange and combine: Flatten, Add, Multiply, Softmax.
 */
#include <string.h>

#include "classes.h"
#include "wengert/ops.h"

/* ---- Flatten ---- */

static const wg_field flatten_fields[] = { WG_FIELD_STR(wg_flatten_hyper, keep_dim, "first"),
                                           WG_FIELDS_END };

/* numpy-ml writes -1 for none */
static bool keeps_none(const wg_flatten_hyper *h)
{
    return strcmp(h->keep_dim, "none") == 0 || strcmp(h->keep_dim, "-1") == 0;
}

static bool flatten_make(wg_layer *l)
{
    const wg_flatten_hyper *h = wg_layer_hyper(l);

    if (keeps_none(h) || strcmp(h->keep_dim, "first") == 0 || strcmp(h->keep_dim, "last") == 0)
        return true;
    return wg_layer_fail(l, WG_ENAME, "unknown keep_dim \"%.60s\": known are first, last, none",
                         h->keep_dim);
}

static wg_tensor *flatten_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_flatten_hyper *h = wg_layer_hyper(l);
    int rank = wg_rank(x[0]);

    (void)n;
    if (keeps_none(h)) return wg_reshape(x[0], WG_SHAPE(1, -1));
    if (rank == 0)
        return wg_record_fail(wg_tensor_graph(x[0]), WG_ESHAPE, "Flatten",
                              "the input is %s, wanted rank 1 or more",
                              WG_TYPE_STR(wg_tensor_type(x[0])));
    if (rank == 1) return wg_unsqueeze(x[0], h->keep_dim[0] == 'f' ? WG_AXES(1) : WG_AXES(0));
    return h->keep_dim[0] == 'f' ? wg_collapse(x[0], 1, -1) : wg_collapse(x[0], 0, -2);
}

/* ---- Add, Multiply ---- */

static const wg_field merge_fields[] = { WG_FIELD_STR(wg_merge_hyper, act_fn, "Identity"),
                                         WG_FIELD(wg_merge_hyper, n_inputs), WG_FIELDS_END };

static bool merge_make(wg_layer *l)
{
    const wg_merge_hyper *h = wg_layer_hyper(l);

    if (h->n_inputs < 0)
        return wg_layer_fail(l, WG_EARG, "n_inputs is %lld, wanted 0 (any) or more",
                             (long long)h->n_inputs);
    return wg_layer_knows(l, h->act_fn, NULL);
}

static bool same_shapes(const wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_merge_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x[0]);

    if (h->n_inputs && n != h->n_inputs) {
        wg_record_fail(g, WG_EARG, wg_layer_kind(l), "%d operands given, n_inputs is %lld", n,
                       (long long)h->n_inputs);
        return false;
    }
    for (int i = 1; i < n; i++) {
        if (wg_type_equal(wg_tensor_type(x[i]), wg_tensor_type(x[0]))) continue;
        wg_record_fail(g, WG_ESHAPE, wg_layer_kind(l), "operand %d is %s, operand 0 is %s", i,
                       WG_TYPE_STR(wg_tensor_type(x[i])), WG_TYPE_STR(wg_tensor_type(x[0])));
        return false;
    }
    return true;
}

/* expand_like along no axes is x itself, and refuses other extents when the plan runs, where the
 * sum would broadcast. */
static wg_tensor *merge(wg_layer *l, int n, wg_tensor *const *x,
                        wg_tensor *(*op)(wg_tensor *, wg_tensor *))
{
    const wg_merge_hyper *h = wg_layer_hyper(l);
    wg_tensor *y = x[0];

    if (!same_shapes(l, n, x)) return NULL;
    for (int i = 1; i < n; i++) y = op(y, wg_expand_like(x[i], y, WG_NO_AXES, false));
    return wg_act(h->act_fn, y);
}

static wg_tensor *add_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    return merge(l, n, x, wg_add);
}
static wg_tensor *multiply_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    return merge(l, n, x, wg_mul);
}

/* ---- Softmax ---- */

static const wg_field softmax_fields[] = { WG_FIELD_NUM(wg_softmax_hyper, dim, -1), WG_FIELDS_END };

static wg_tensor *softmax_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_softmax_hyper *h = wg_layer_hyper(l);
    int rank = wg_rank(x[0]);

    (void)n;
    if (h->dim < -rank || h->dim >= rank)
        return wg_record_fail(wg_tensor_graph(x[0]), WG_EARG, "Softmax",
                              "dim is %lld, the input is %s", (long long)h->dim,
                              WG_TYPE_STR(wg_tensor_type(x[0])));
    return wg_softmax(x[0], (int)h->dim);
}

/* ---- records ---- */

const wg_layer_class wg_class_flatten = { .name = "Flatten",
                                          .hyper_size = sizeof(wg_flatten_hyper),
                                          .hyper = flatten_fields,
                                          .n_in = 1,
                                          .make = flatten_make,
                                          .apply = flatten_apply };

const wg_layer_class wg_class_add = { .name = "Add",
                                      .hyper_size = sizeof(wg_merge_hyper),
                                      .hyper = merge_fields,
                                      .n_in = -1,
                                      .make = merge_make,
                                      .apply = add_apply };
const wg_layer_class wg_class_multiply = { .name = "Multiply",
                                           .hyper_size = sizeof(wg_merge_hyper),
                                           .hyper = merge_fields,
                                           .n_in = -1,
                                           .make = merge_make,
                                           .apply = multiply_apply };
const wg_layer_class wg_class_softmax = { .name = "Softmax",
                                          .hyper_size = sizeof(wg_softmax_hyper),
                                          .hyper = softmax_fields,
                                          .n_in = 1,
                                          .apply = softmax_apply };

wg_layer *wg_flatten(wg_params *w, const char *name, wg_flatten_hyper hyper)
{
    return wg_layer_new(&wg_class_flatten, w, name, &hyper);
}
wg_layer *wg_add_layer(wg_params *w, const char *name, wg_merge_hyper hyper)
{
    return wg_layer_new(&wg_class_add, w, name, &hyper);
}
wg_layer *wg_multiply_layer(wg_params *w, const char *name, wg_merge_hyper hyper)
{
    return wg_layer_new(&wg_class_multiply, w, name, &hyper);
}
wg_layer *wg_softmax_layer(wg_params *w, const char *name, wg_softmax_hyper hyper)
{
    return wg_layer_new(&wg_class_softmax, w, name, &hyper);
}
