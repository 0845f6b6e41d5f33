/* module_skip.c: SkipConnectionIdentityModule and SkipConnectionConvModule: residual blocks. */
#include "classes.h"
#include "wengert/layers_more.h"
#include "wengert/modules.h"
#include "wengert/ops.h"

#define IDENTITY "Affine(slope=1, intercept=0)"

/* ---- what both share ---- */

static bool check_kernels(wg_layer *l, int n, const int64_t (*kernel)[2], const int64_t *out_ch)
{
    for (int i = 0; i < n; i++)
        if (kernel[i][0] < 1 || kernel[i][1] < 1 || out_ch[i] < 1)
            return wg_layer_fail(
                l, WG_EARG, "out_ch %lld and kernel_shape (%lld, %lld) must be at least 1",
                (long long)out_ch[i], (long long)kernel[i][0], (long long)kernel[i][1]);
    return true;
}

static bool add_norm(wg_layer *l, const char *id, double epsilon, double momentum)
{
    wg_layer *norm = wg_layer_add(l, id, "BatchNorm2D", &(wg_batchnorm_hyper){ 0 });
    wg_batchnorm_hyper *h;

    if (!norm) return false;
    /* not through the record: a zero is meant here */
    h = wg_layer_change_hyper(norm);
    h->epsilon = epsilon;
    h->momentum = momentum;
    return true;
}

static bool check_norm(wg_layer *l, double epsilon, double momentum)
{
    if (!(epsilon >= 0 && epsilon < 1e300))
        return wg_layer_fail(l, WG_EARG, "epsilon is %g, wanted 0 or more", epsilon);
    if (!(momentum >= 0 && momentum <= 1))
        return wg_layer_fail(l, WG_EARG, "momentum is %g, wanted 0 to 1", momentum);
    return true;
}

static bool check_image(wg_layer *l, wg_tensor *x, int64_t in_ch)
{
    const wg_type *t = wg_tensor_type(x);

    if (t->shape.rank == 4 && t->shape.dim[3] == in_ch) return true;
    wg_record_fail(wg_tensor_graph(x), WG_ESHAPE, wg_layer_kind(l),
                   "the input is %s, wanted [n, rows, cols, %lld]", WG_TYPE_STR(t),
                   (long long)in_ch);
    return false;
}

static bool learn_in_ch(wg_layer *l, const wg_type *x, int64_t *in_ch)
{
    if (x->shape.rank != 4)
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, rows, cols, in_ch]",
                             WG_TYPE_STR(x));
    if (*in_ch != 0 && *in_ch != x->shape.dim[3])
        return wg_layer_fail(l, WG_ESHAPE, "the input is %s, wanted [n, rows, cols, %lld]",
                             WG_TYPE_STR(x), (long long)*in_ch);
    *in_ch = x->shape.dim[3];
    return true;
}

/* A component's result; its value and the gradient that arrives there are derived variables. */
static wg_tensor *stage(wg_layer *l, const char *id, wg_tensor *x, const char *value,
                        const char *grad)
{
    wg_tensor *y = wg_apply(wg_layer_component(l, id), x);

    return wg_layer_value_grad(l, wg_layer_value(l, y, value), grad);
}

/* batchnorm2(conv2(batchnorm1(f(conv1(x))))); conv1 has f. */
static wg_tensor *main_branch(wg_layer *l, wg_tensor *x)
{
    x = stage(l, "conv1", x, "conv1_out", "dLdConv1");
    x = stage(l, "batchnorm1", x, "batchnorm1_out", "dLdBn1");
    x = stage(l, "conv2", x, "conv2_out", "dLdConv2");
    return stage(l, "batchnorm2", x, "batchnorm2_out", "dLdBn2");
}

/* ---- SkipConnectionIdentityModule ---- */

static const wg_field identity_fields[] = { WG_FIELD(wg_skip_identity_hyper, out_ch),
                                            WG_FIELD(wg_skip_identity_hyper, kernel_shape1),
                                            WG_FIELD(wg_skip_identity_hyper, kernel_shape2),
                                            WG_FIELD_NUM(wg_skip_identity_hyper, stride1, 1),
                                            WG_FIELD_NUM(wg_skip_identity_hyper, stride2, 1),
                                            WG_FIELD_STR(wg_skip_identity_hyper, act_fn, IDENTITY),
                                            WG_FIELD_NUM(wg_skip_identity_hyper, epsilon, 1e-5),
                                            WG_FIELD_NUM(wg_skip_identity_hyper, momentum, 0.9),
                                            WG_FIELD_STR(wg_skip_identity_hyper, init,
                                                         "glorot_uniform"),
                                            WG_FIELD(wg_skip_identity_hyper, in_ch),
                                            WG_FIELDS_END };

static bool identity_make(wg_layer *l)
{
    const wg_skip_identity_hyper *h = wg_layer_hyper(l);
    const int64_t kernels[][2] = { { h->kernel_shape1[0], h->kernel_shape1[1] },
                                   { h->kernel_shape2[0], h->kernel_shape2[1] } };
    /* conv2 gives back as many channels as X has: learned, 1 until then */
    const int64_t out_ch[] = { h->out_ch, h->in_ch ? h->in_ch : 1 };
    wg_conv2d_hyper conv1 = { .out_ch = h->out_ch,
                              .kernel_shape = { h->kernel_shape1[0], h->kernel_shape1[1] },
                              .stride = h->stride1,
                              .pad_mode = WG_PAD_SAME,
                              .act_fn = h->act_fn,
                              .init = h->init };
    wg_conv2d_hyper conv2 = { .out_ch = out_ch[1],
                              .kernel_shape = { h->kernel_shape2[0], h->kernel_shape2[1] },
                              .stride = h->stride2,
                              .pad_mode = WG_PAD_SAME,
                              .act_fn = IDENTITY,
                              .init = h->init };

    return wg__at_least(l, "stride1", h->stride1, 1) && wg__at_least(l, "stride2", h->stride2, 1) &&
           wg__at_least(l, "in_ch", h->in_ch, 0) && check_kernels(l, 2, kernels, out_ch) &&
           check_norm(l, h->epsilon, h->momentum) && wg_layer_knows(l, h->act_fn, h->init) &&
           wg_layer_add(l, "conv1", "Conv2D", &conv1) &&
           add_norm(l, "batchnorm1", h->epsilon, h->momentum) &&
           wg_layer_add(l, "conv2", "Conv2D", &conv2) &&
           add_norm(l, "batchnorm2", h->epsilon, h->momentum) &&
           wg_layer_add(l, "add3", "Add", &(wg_merge_hyper){ .act_fn = h->act_fn });
}

static bool identity_init(wg_layer *l, int n, const wg_type *const *x)
{
    wg_skip_identity_hyper *h = wg_layer_change_hyper(l);

    (void)n;
    if (!learn_in_ch(l, x[0], &h->in_ch)) return false;
    ((wg_conv2d_hyper *)wg_layer_change_hyper(wg_layer_component(l, "conv2")))->out_ch = h->in_ch;
    return true;
}

static wg_tensor *identity_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_skip_identity_hyper *h = wg_layer_hyper(l);

    (void)n;
    if (!check_image(l, x[0], h->in_ch)) return NULL;
    wg_layer_value_grad(l, x[0], "dLdAdd3_X");
    return wg_apply_n(wg_layer_component(l, "add3"), 2,
                      (wg_tensor *[]){ x[0], main_branch(l, x[0]) });
}

const wg_layer_class wg_class_skip_identity = { .name = "SkipConnectionIdentityModule",
                                                .hyper_size = sizeof(wg_skip_identity_hyper),
                                                .hyper = identity_fields,
                                                .n_in = 1,
                                                .make = identity_make,
                                                .init = identity_init,
                                                .apply = identity_apply };

wg_layer *wg_skip_identity(wg_params *w, const char *name, wg_skip_identity_hyper hyper)
{
    return wg_layer_new(&wg_class_skip_identity, w, name, &hyper);
}

/* ---- SkipConnectionConvModule ---- */

static const char *const pad_modes[] = { "explicit", "same", NULL };
static const wg_field conv_fields[] = { WG_FIELD(wg_skip_conv_hyper, out_ch1),
                                        WG_FIELD(wg_skip_conv_hyper, out_ch2),
                                        WG_FIELD(wg_skip_conv_hyper, kernel_shape1),
                                        WG_FIELD(wg_skip_conv_hyper, kernel_shape2),
                                        WG_FIELD(wg_skip_conv_hyper, kernel_shape_skip),
                                        WG_CHOICE(wg_skip_conv_hyper, pad1_mode, pad_modes),
                                        WG_FIELD(wg_skip_conv_hyper, pad1),
                                        WG_CHOICE(wg_skip_conv_hyper, pad2_mode, pad_modes),
                                        WG_FIELD(wg_skip_conv_hyper, pad2),
                                        WG_FIELD_NUM(wg_skip_conv_hyper, stride1, 1),
                                        WG_FIELD_NUM(wg_skip_conv_hyper, stride2, 1),
                                        WG_FIELD_NUM(wg_skip_conv_hyper, stride_skip, 1),
                                        WG_FIELD_STR(wg_skip_conv_hyper, act_fn, IDENTITY),
                                        WG_FIELD_NUM(wg_skip_conv_hyper, epsilon, 1e-5),
                                        WG_FIELD_NUM(wg_skip_conv_hyper, momentum, 0.9),
                                        WG_FIELD_STR(wg_skip_conv_hyper, init, "glorot_uniform"),
                                        WG_FIELD(wg_skip_conv_hyper, in_ch),
                                        WG_FIELD(wg_skip_conv_hyper, pad_skip),
                                        WG_FIELDS_END };

static bool conv_make(wg_layer *l)
{
    const wg_skip_conv_hyper *h = wg_layer_hyper(l);
    const int64_t kernels[][2] = { { h->kernel_shape1[0], h->kernel_shape1[1] },
                                   { h->kernel_shape2[0], h->kernel_shape2[1] },
                                   { h->kernel_shape_skip[0], h->kernel_shape_skip[1] } };
    const int64_t out_ch[] = { h->out_ch1, h->out_ch2, h->out_ch2 };
    wg_conv2d_hyper conv1 = { .out_ch = h->out_ch1,
                              .kernel_shape = { kernels[0][0], kernels[0][1] },
                              .stride = h->stride1,
                              .pad_mode = h->pad1_mode,
                              .pad = { h->pad1[0], h->pad1[1], h->pad1[2], h->pad1[3] },
                              .act_fn = h->act_fn,
                              .init = h->init };
    wg_conv2d_hyper conv2 = { .out_ch = h->out_ch2,
                              .kernel_shape = { kernels[1][0], kernels[1][1] },
                              .stride = h->stride2,
                              .pad_mode = h->pad2_mode,
                              .pad = { h->pad2[0], h->pad2[1], h->pad2[2], h->pad2[3] },
                              .act_fn = IDENTITY,
                              .init = h->init };
    /* its input comes padded */
    wg_conv2d_hyper skip = { .out_ch = h->out_ch2,
                             .kernel_shape = { kernels[2][0], kernels[2][1] },
                             .stride = h->stride_skip,
                             .act_fn = IDENTITY,
                             .init = h->init };

    return wg__at_least(l, "stride1", h->stride1, 1) && wg__at_least(l, "stride2", h->stride2, 1) &&
           wg__at_least(l, "stride_skip", h->stride_skip, 1) &&
           wg__at_least(l, "in_ch", h->in_ch, 0) && check_kernels(l, 3, kernels, out_ch) &&
           check_norm(l, h->epsilon, h->momentum) && wg_layer_knows(l, h->act_fn, h->init) &&
           wg_layer_add(l, "add3", "Add", &(wg_merge_hyper){ .act_fn = h->act_fn }) &&
           wg_layer_add(l, "conv1", "Conv2D", &conv1) &&
           wg_layer_add(l, "conv2", "Conv2D", &conv2) &&
           wg_layer_add(l, "conv_skip", "Conv2D", &skip) &&
           add_norm(l, "batchnorm1", h->epsilon, h->momentum) &&
           add_norm(l, "batchnorm2", h->epsilon, h->momentum) &&
           add_norm(l, "batchnorm_skip", h->epsilon, h->momentum);
}

static bool conv_init(wg_layer *l, int n, const wg_type *const *x)
{
    wg_skip_conv_hyper *h = wg_layer_change_hyper(l);

    (void)n;
    return learn_in_ch(l, x[0], &h->in_ch);
}

/* The padding for the sizes recorded, and whether there is one: with fewer than 1 - stride rows of
 * padding the skip branch is larger than the main branch whatever one does. */
static bool find_padding(wg_layer *l, wg_tensor *x, wg_tensor *y)
{
    wg_skip_conv_hyper *h = wg_layer_change_hyper(l);
    const wg_type *tx = wg_tensor_type(x), *ty = wg_tensor_type(y);

    for (int i = 0; i < 2; i++) {
        int64_t total = h->stride_skip * (ty->shape.dim[i + 1] - 1) + h->kernel_shape_skip[i] -
                        tx->shape.dim[i + 1];

        if (total <= -h->stride_skip) {
            wg_record_fail(wg_tensor_graph(x), WG_ESHAPE, wg_layer_kind(l),
                           "no padding of %s gives conv_skip the size of the main branch, %s",
                           WG_TYPE_STR(tx), WG_TYPE_STR(ty));
            return false;
        }
        total = total > 0 ? total : 0;
        h->pad_skip[2 * i] = total / 2;
        h->pad_skip[2 * i + 1] = total - total / 2;
    }
    return true;
}

/* x, placed at half the padding (floored) along `axis` in zeros of the type of `like`. */
static wg_tensor *place(wg_tensor *x, wg_tensor *wanted, wg_tensor *like, int axis)
{
    wg_graph *g = wg_tensor_graph(x);
    wg_tensor *total = wg_sub(wg_extent(wanted, axis), wg_extent(x, axis));
    wg_tensor *half = wg_div(wg_maximum(total, wg_scalar(g, WG_I64, 0)), wg_scalar(g, WG_I64, 2));

    return wg_place_like(x, like, half, axis);
}

/* x padded for conv_skip, by extents that the graph derives anew for every size fed. Of `wanted`,
 * `room` and `rows_first` only the types count. wanted: the least image of which conv_skip makes an
 * image of y's size, which is what the adjoint of a convolution without padding gives; room: with
 * the stride - 1 rows and columns more that would make no window more, for when x is larger. */
static wg_tensor *pad_skip(wg_layer *l, wg_tensor *x, wg_tensor *y)
{
    const wg_skip_conv_hyper *h = wg_layer_hyper(l);
    int64_t s = h->stride_skip, none[4] = { 0 }, after[4] = { 0, s - 1, s - 1, 0 };
    wg_window window = { .stride = { s, s } };
    wg_tensor *kernel = wg_zeros_like(x), *wanted, *room, *rows_first;

    /* [n, rows, cols, in_ch] -> [krows, kcols, in_ch, out_ch2] */
    kernel = wg_sum(kernel, WG_AXES(0, 1, 2), true);
    kernel =
        wg_expand(wg_unsqueeze(wg_squeeze(kernel, WG_AXES(0, 1)), WG_AXES(-1)),
                  WG_SHAPE(h->kernel_shape_skip[0], h->kernel_shape_skip[1], h->in_ch, h->out_ch2));
    wanted = wg_conv2d_dx(y, kernel, NULL, window);
    room = wg_pad(wanted, 4, none, after, 0);
    rows_first = wg_add(wg_slice_axis(room, 2, 0, 1, 1), wg_slice_axis(x, 1, 0, 1, 1));
    return place(place(x, wanted, rows_first, 1), wanted, room, 2);
}

static wg_tensor *conv_apply(wg_layer *l, int n, wg_tensor *const *x)
{
    const wg_skip_conv_hyper *h = wg_layer_hyper(l);
    wg_tensor *main, *skip;

    (void)n;
    if (!check_image(l, x[0], h->in_ch)) return NULL;
    wg_layer_value_grad(l, x[0], "dLdAdd3_X");
    main = main_branch(l, x[0]);
    if (wg_graph_error(wg_tensor_graph(x[0])) || !find_padding(l, x[0], main)) return NULL;
    skip = stage(l, "conv_skip", pad_skip(l, x[0], main), "conv_skip_out", "dLdConvSkip");
    skip = stage(l, "batchnorm_skip", skip, "batchnorm_skip_out", "dLdBnSkip");
    return wg_apply_n(wg_layer_component(l, "add3"), 2, (wg_tensor *[]){ skip, main });
}

const wg_layer_class wg_class_skip_conv = { .name = "SkipConnectionConvModule",
                                            .hyper_size = sizeof(wg_skip_conv_hyper),
                                            .hyper = conv_fields,
                                            .n_in = 1,
                                            .make = conv_make,
                                            .init = conv_init,
                                            .apply = conv_apply };

wg_layer *wg_skip_conv(wg_params *w, const char *name, wg_skip_conv_hyper hyper)
{
    return wg_layer_new(&wg_class_skip_conv, w, name, &hyper);
}
