/* conv.c: Conv2D: y = f(x * W + b). */
#include "classes.h"
#include "wengert/ops.h"

static const char *const pad_modes[] = { "explicit", "same", NULL };
static const wg_field conv2d_fields[] = { WG_FIELD(wg_conv2d_hyper, out_ch),
                                          WG_FIELD(wg_conv2d_hyper, kernel_shape),
                                          WG_FIELD(wg_conv2d_hyper, stride),
                                          WG_FIELD(wg_conv2d_hyper, dilation),
                                          WG_CHOICE(wg_conv2d_hyper, pad_mode, pad_modes),
                                          WG_FIELD(wg_conv2d_hyper, pad),
                                          WG_FIELD_STR(wg_conv2d_hyper, act_fn, "Identity"),
                                          WG_FIELD_STR(wg_conv2d_hyper, init, "glorot_uniform"),
                                          WG_FIELDS_END };

static bool conv2d_init(wg_layer *l, int n, const wg_type *const *x)
{
    const wg_conv2d_hyper *h = wg_layer_hyper(l);
    const int64_t *k = h->kernel_shape;

    (void)n;
    if (h->out_ch < 1 || k[0] < 1 || k[1] < 1)
        return wg_layer_fail(l, WG_EARG,
                             "out_ch %lld and kernel_shape (%lld, %lld) must be at least 1",
                             (long long)h->out_ch, (long long)k[0], (long long)k[1]);
    if (h->pad_mode != WG_PAD_EXPLICIT && h->pad_mode != WG_PAD_SAME)
        return wg_layer_fail(l, WG_EARG, "pad_mode %lld is neither explicit nor same",
                             (long long)h->pad_mode);
    if (x[0]->shape.rank != 4)
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, rows, cols, in_ch]",
                             WG_TYPE_STR(x[0]));
    return wg_layer_param(l, "W", WG_SHAPE(k[0], k[1], x[0]->shape.dim[3], h->out_ch), true,
                          h->init, h->act_fn) &&
           wg_layer_param(l, "b", WG_SHAPE(1, 1, 1, h->out_ch), true, "zeros", NULL);
}

static wg_tensor *conv2d_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_conv2d_hyper *h = wg_layer_hyper(l);
    wg_graph *g = wg_tensor_graph(x[0]);
    wg_window window = { .stride = { h->stride, h->stride },
                         .dilation = { h->dilation, h->dilation },
                         .pad_mode = h->pad_mode };
    wg_tensor *weight = wg_layer_leaf(l, g, "W"), *b = wg_layer_leaf(l, g, "b"), *z;

    (void)n;
    for (int i = 0; i < 4; i++) window.pad[i] = h->pad[i];
    z = wg_layer_value(l, wg_add(wg_conv2d(x[0], weight, window), b), "Z");
    return wg_act(h->act_fn, z);
}

const wg_layer_class wg_class_conv2d = { .name = "Conv2D",
                                       .hyper_size = sizeof(wg_conv2d_hyper),
                                       .hyper = conv2d_fields,
                                       .n_in = 1,
                                       .init = conv2d_init,
                                       .apply = conv2d_apply };

wg_layer *wg_conv2d_layer(wg_params *w, const char *name, wg_conv2d_hyper hyper)
{
    return wg_layer_new(&wg_class_conv2d, w, name, &hyper);
}
