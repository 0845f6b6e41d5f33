/* conv.c: Conv1D, Conv2D, Deconv2D: y = f(x * W + b). */
#include "classes.h"
#include "wengert/ops.h"

static const char *const modes_1d[] = { "explicit", "same", "causal", NULL };
static const char *const modes_2d[] = { "explicit", "same", NULL };
static const wg_field conv1d_fields[] = { WG_FIELD(wg_conv1d_hyper, out_ch),
                                          WG_FIELD(wg_conv1d_hyper, kernel_width),
                                          WG_CHOICE(wg_conv1d_hyper, pad_mode, modes_1d),
                                          WG_FIELD(wg_conv1d_hyper, pad),
                                          WG_FIELD_NUM(wg_conv1d_hyper, stride, 1),
                                          WG_FIELD(wg_conv1d_hyper, dilation),
                                          WG_FIELD_STR(wg_conv1d_hyper, act_fn, "Identity"),
                                          WG_FIELD_STR(wg_conv1d_hyper, init, "glorot_uniform"),
                                          WG_FIELD_NOT(wg_conv1d_hyper, no_bias, "bias"),
                                          WG_FIELDS_END };
static const wg_field conv2d_fields[] = { WG_FIELD(wg_conv2d_hyper, out_ch),
                                          WG_FIELD(wg_conv2d_hyper, kernel_shape),
                                          WG_FIELD_NUM(wg_conv2d_hyper, stride, 1),
                                          WG_FIELD(wg_conv2d_hyper, dilation),
                                          WG_CHOICE(wg_conv2d_hyper, pad_mode, modes_2d),
                                          WG_FIELD(wg_conv2d_hyper, pad),
                                          WG_FIELD_STR(wg_conv2d_hyper, act_fn, "Identity"),
                                          WG_FIELD_STR(wg_conv2d_hyper, init, "glorot_uniform"),
                                          WG_FIELD_NOT(wg_conv2d_hyper, no_bias, "bias"),
                                          WG_FIELDS_END };
static const wg_field deconv2d_fields[] = { WG_FIELD(wg_deconv2d_hyper, out_ch),
                                            WG_FIELD(wg_deconv2d_hyper, kernel_shape),
                                            WG_CHOICE(wg_deconv2d_hyper, pad_mode, modes_2d),
                                            WG_FIELD(wg_deconv2d_hyper, pad),
                                            WG_FIELD_NUM(wg_deconv2d_hyper, stride, 1),
                                            WG_FIELD_STR(wg_deconv2d_hyper, act_fn, "Identity"),
                                            WG_FIELD_STR(wg_deconv2d_hyper, init, "glorot_uniform"),
                                            WG_FIELD_NOT(wg_deconv2d_hyper, no_bias, "bias"),
                                            WG_FIELDS_END };

/* ---- what the three share ---- */

static bool good_pad(wg_layer *l, int64_t mode, int64_t most, const int64_t *pad, int n)
{
    if (mode < WG_PAD_EXPLICIT || mode > most)
        return wg_layer_fail(l, WG_EARG, "pad_mode %lld is neither explicit nor same%s",
                             (long long)mode, most == WG_PAD_CAUSAL ? " nor causal" : "");
    for (int i = 0; i < n; i++)
        if (!wg__at_least(l, "pad", pad[i], 0)) return false;
    return true;
}

static bool good_kernel(wg_layer *l, int64_t out_ch, const int64_t *k)
{
    if (out_ch >= 1 && k[0] >= 1 && k[1] >= 1) return true;
    return wg_layer_fail(l, WG_EARG, "out_ch %lld and kernel_shape (%lld, %lld) must be at least 1",
                         (long long)out_ch, (long long)k[0], (long long)k[1]);
}

/* f(z + b), with the layer's value Z */
static wg_tensor *finish(const wg_layer *l, wg_tensor *z, bool no_bias, const char *act_fn)
{
    if (!no_bias) z = wg_add(z, wg_layer_leaf(l, wg_tensor_graph(z), "b"));
    return wg_act(act_fn, wg_layer_value(l, z, "Z"));
}

/* The op reports other channels itself; a rank it cannot name as the layer would. */
static bool right_rank(const wg_layer *l, const wg_tensor *x, int rank)
{
    if (wg_rank(x) == rank) return true;
    wg_record_fail(wg_tensor_graph(x), WG_ESHAPE, wg_layer_kind(l), "the input is %s, wanted %s",
                   WG_TYPE_STR(wg_tensor_type(x)),
                   rank == 3 ? "[n, length, in_ch]" : "[n, rows, cols, in_ch]");
    return false;
}

static bool params_2d(wg_layer *l, const wg_type *x, const int64_t *k, int64_t out_ch, bool no_bias,
                      const char *init, const char *act_fn)
{
    if (x->shape.rank != 4)
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, rows, cols, in_ch]",
                             WG_TYPE_STR(x));
    return wg_layer_param(l, "W", WG_SHAPE(k[0], k[1], x->shape.dim[3], out_ch), true, init,
                          act_fn) &&
           (no_bias || wg_layer_param(l, "b", WG_SHAPE(1, 1, 1, out_ch), true, "zeros", NULL));
}

/* ---- Conv1D ---- */

static bool conv1d_make(wg_layer *l)
{
    const wg_conv1d_hyper *h = wg_layer_hyper(l);

    return wg__at_least(l, "out_ch", h->out_ch, 1) &&
           wg__at_least(l, "kernel_width", h->kernel_width, 1) &&
           wg__at_least(l, "stride", h->stride, 1) && wg__at_least(l, "dilation", h->dilation, 0) &&
           good_pad(l, h->pad_mode, WG_PAD_CAUSAL, h->pad, 2) &&
           wg_layer_knows(l, h->act_fn, h->init);
}

static bool conv1d_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_conv1d_hyper *h = wg_layer_hyper(l);

    (void)n;
    if (x[0]->shape.rank != 3)
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, length, in_ch]",
                             WG_TYPE_STR(x[0]));
    return wg_layer_param(l, "W", WG_SHAPE(h->kernel_width, x[0]->shape.dim[2], h->out_ch), true,
                          h->init, h->act_fn) &&
           (h->no_bias || wg_layer_param(l, "b", WG_SHAPE(1, 1, h->out_ch), true, "zeros", NULL));
}

static wg_tensor *conv1d_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_conv1d_hyper *h = wg_layer_hyper(l);
    wg_window window = { .stride = { h->stride, 1 },
                         .dilation = { h->dilation, 0 },
                         .pad_mode = h->pad_mode,
                         .pad = { h->pad[0], h->pad[1] } };

    (void)n;
    if (!right_rank(l, x[0], 3)) return NULL;
    return finish(l, wg_conv1d(x[0], wg_layer_leaf(l, wg_tensor_graph(x[0]), "W"), window),
                  h->no_bias, h->act_fn);
}

/* ---- Conv2D ---- */

static bool conv2d_make(wg_layer *l)
{
    const wg_conv2d_hyper *h = wg_layer_hyper(l);

    return good_kernel(l, h->out_ch, h->kernel_shape) && wg__at_least(l, "stride", h->stride, 1) &&
           wg__at_least(l, "dilation", h->dilation, 0) &&
           good_pad(l, h->pad_mode, WG_PAD_SAME, h->pad, 4) &&
           wg_layer_knows(l, h->act_fn, h->init);
}

static bool conv2d_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_conv2d_hyper *h = wg_layer_hyper(l);

    (void)n;
    return params_2d(l, x[0], h->kernel_shape, h->out_ch, h->no_bias, h->init, h->act_fn);
}

static wg_tensor *conv2d_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_conv2d_hyper *h = wg_layer_hyper(l);
    wg_window window = { .stride = { h->stride, h->stride },
                         .dilation = { h->dilation, h->dilation },
                         .pad_mode = h->pad_mode };

    (void)n;
    if (!right_rank(l, x[0], 4)) return NULL;
    for (int i = 0; i < 4; i++) window.pad[i] = h->pad[i];
    return finish(l, wg_conv2d(x[0], wg_layer_leaf(l, wg_tensor_graph(x[0]), "W"), window),
                  h->no_bias, h->act_fn);
}

/* ---- Deconv2D ---- */

static bool deconv2d_make(wg_layer *l)
{
    const wg_deconv2d_hyper *h = wg_layer_hyper(l);

    return good_kernel(l, h->out_ch, h->kernel_shape) && wg__at_least(l, "stride", h->stride, 1) &&
           good_pad(l, h->pad_mode, WG_PAD_SAME, h->pad, 4) &&
           wg_layer_knows(l, h->act_fn, h->init);
}

static bool deconv2d_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_deconv2d_hyper *h = wg_layer_hyper(l);

    (void)n;
    return params_2d(l, x[0], h->kernel_shape, h->out_ch, h->no_bias, h->init, h->act_fn);
}

/* The adjoint of a convolution takes what it put out, [.., out], with weights [.., in, out]: here
 * the layer's input is that output, so its weights are read with the channels exchanged. */
static wg_tensor *deconv2d_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_deconv2d_hyper *h = wg_layer_hyper(l);
    wg_window window = { .stride = { h->stride, h->stride }, .pad_mode = h->pad_mode };
    wg_graph *g = wg_tensor_graph(x[0]);
    wg_tensor *weight, *z;

    (void)n;
    if (!right_rank(l, x[0], 4)) return NULL;
    for (int i = 0; i < 4; i++) window.pad[i] = h->pad[i];
    weight = wg_transpose(wg_layer_leaf(l, g, "W"), 2, 3);
    z = wg_conv2d_dx(x[0], weight, NULL, window);
    if (!wg_graph_error(g) && wg_shape_count(&wg_tensor_type(z)->shape) == 0 &&
        wg_shape_count(&wg_tensor_type(x[0])->shape) > 0)
        return wg_record_fail(g, WG_ESHAPE, "Deconv2D", "the input is %s: pad leaves %s",
                              WG_TYPE_STR(wg_tensor_type(x[0])), WG_TYPE_STR(wg_tensor_type(z)));
    return finish(l, z, h->no_bias, h->act_fn);
}

const wg_layer_class wg_class_conv1d = { .name = "Conv1D",
                                         .hyper_size = sizeof(wg_conv1d_hyper),
                                         .hyper = conv1d_fields,
                                         .n_in = 1,
                                         .make = conv1d_make,
                                         .init = conv1d_init,
                                         .apply = conv1d_apply };
const wg_layer_class wg_class_conv2d = { .name = "Conv2D",
                                         .hyper_size = sizeof(wg_conv2d_hyper),
                                         .hyper = conv2d_fields,
                                         .n_in = 1,
                                         .make = conv2d_make,
                                         .init = conv2d_init,
                                         .apply = conv2d_apply };
const wg_layer_class wg_class_deconv2d = { .name = "Deconv2D",
                                           .hyper_size = sizeof(wg_deconv2d_hyper),
                                           .hyper = deconv2d_fields,
                                           .n_in = 1,
                                           .make = deconv2d_make,
                                           .init = deconv2d_init,
                                           .apply = deconv2d_apply };

wg_layer *wg_conv1d_layer(wg_params *w, const char *name, wg_conv1d_hyper hyper)
{
    return wg_layer_new(&wg_class_conv1d, w, name, &hyper);
}
wg_layer *wg_conv2d_layer(wg_params *w, const char *name, wg_conv2d_hyper hyper)
{
    return wg_layer_new(&wg_class_conv2d, w, name, &hyper);
}
wg_layer *wg_deconv2d(wg_params *w, const char *name, wg_deconv2d_hyper hyper)
{
    return wg_layer_new(&wg_class_deconv2d, w, name, &hyper);
}
