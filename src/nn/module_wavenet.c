/* module_wavenet.c: WavenetResidualModule: a gated, dilated, causal convolution with two residual
 * outputs. */
#include "classes.h"
#include "wengert/layers_more.h"
#include "wengert/modules.h"
#include "wengert/ops.h"

static const wg_field wavenet_fields[] = { WG_FIELD(wg_wavenet_hyper, ch_residual),
                                           WG_FIELD(wg_wavenet_hyper, ch_dilation),
                                           WG_FIELD(wg_wavenet_hyper, dilation),
                                           WG_FIELD(wg_wavenet_hyper, kernel_width),
                                           WG_FIELD_STR(wg_wavenet_hyper, init, "glorot_uniform"),
                                           WG_FIELDS_END };

static bool wavenet_make(wg_layer *l)
{
    const wg_wavenet_hyper *h = wg_layer_hyper(l);

    if (h->ch_residual < 1 || h->ch_dilation < 1 || h->kernel_width < 1)
        return wg_layer_fail(
            l, WG_EARG,
            "ch_residual %lld, ch_dilation %lld and kernel_width %lld must be at least 1",
            (long long)h->ch_residual, (long long)h->ch_dilation, (long long)h->kernel_width);
    return wg_layer_add(l, "conv_1x1", "Conv1D",
                        &(wg_conv1d_hyper){ .out_ch = h->ch_residual,
                                            .kernel_width = 1,
                                            .pad_mode = WG_PAD_SAME,
                                            .init = h->init }) &&
           wg_layer_add(l, "add_skip", "Add", &(wg_merge_hyper){ 0 }) &&
           wg_layer_add(l, "add_residual", "Add", &(wg_merge_hyper){ 0 }) &&
           wg_layer_add(l, "conv_dilation", "Conv1D",
                        &(wg_conv1d_hyper){ .out_ch = h->ch_dilation,
                                            .kernel_width = h->kernel_width,
                                            .pad_mode = WG_PAD_CAUSAL,
                                            .dilation = h->dilation,
                                            .init = h->init }) &&
           wg_layer_add(l, "multiply_gate", "Multiply", &(wg_merge_hyper){ 0 });
}

static bool check_operands(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_wavenet_hyper *h = wg_layer_hyper(l);

    for (int i = 0; i < n; i++) {
        const wg_type *t = wg_tensor_type(x[i]);

        if (t->shape.rank == 3 && t->shape.dim[2] == h->ch_residual &&
            wg_shape_equal(&t->shape, &wg_tensor_type(x[0])->shape))
            continue;
        wg_record_fail(wg_tensor_graph(x[0]), WG_ESHAPE, wg_layer_kind(l),
                       "%s is %s, wanted [n, length, %lld]%s", i ? "X_skip" : "X_main",
                       WG_TYPE_STR(t), (long long)h->ch_residual, i ? " like X_main" : "");
        return false;
    }
    return true;
}

/* A component's result, by the name of its value and of the gradient that arrives there. */
static wg_tensor *stage(wg_layer *l, wg_tensor *t, const char *value, const char *grad)
{
    return wg_layer_value_grad(l, wg_layer_value(l, t, value), grad);
}

static bool wavenet_apply(wg_layer *l, int n, wg_tensor *const *x, wg_tensor **y)
{
    wg_tensor *dilated, *tanh_out, *sigm_out, *gated, *r, *skip;

    if (!check_operands(l, n, x)) return false;
    dilated = stage(l, wg_apply(wg_layer_component(l, "conv_dilation"), x[0]), "conv_dilation_out",
                    "dLdConv_dilation");
    tanh_out = stage(l, wg_tanh(dilated), "tanh_out", "dLdTanh");
    sigm_out = stage(l, wg_sigmoid(dilated), "sigm_out", "dLdSigmoid");
    gated = wg_apply_n(wg_layer_component(l, "multiply_gate"), 2,
                       (wg_tensor *[]){ tanh_out, sigm_out });
    gated = stage(l, gated, "multiply_gate_out", "dLdMultiply");
    r = stage(l, wg_apply(wg_layer_component(l, "conv_1x1"), gated), "conv_1x1_out", "dLdConv_1x1");
    skip = n > 1 ? x[1] : wg_zeros_like(x[0]);
    y[1] = wg_apply_n(wg_layer_component(l, "add_skip"), 2, (wg_tensor *[]){ skip, r });
    y[0] = wg_apply_n(wg_layer_component(l, "add_residual"), 2, (wg_tensor *[]){ r, x[0] });
    return true;
}

const wg_layer_class wg_class_wavenet_residual = { .name = "WavenetResidualModule",
                                                   .hyper_size = sizeof(wg_wavenet_hyper),
                                                   .hyper = wavenet_fields,
                                                   .n_in = 2,
                                                   .n_optional = 1,
                                                   .n_out = 2,
                                                   .make = wavenet_make,
                                                   .apply_all = wavenet_apply };

wg_layer *wg_wavenet_residual(wg_params *w, const char *name, wg_wavenet_hyper hyper)
{
    return wg_layer_new(&wg_class_wavenet_residual, w, name, &hyper);
}
