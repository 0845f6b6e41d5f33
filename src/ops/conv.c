/*
 * conv.c: the bilinear family of convolution. One trilinear form, <conv(x, w), dy>, read in three
 * ways:
 *
 *   conv2d (x, w)  -> y     conv2d_dx (dy, w) -> x     conv2d_dw (x, dy) -> w
 *
 * so the rule of each is made of the other two, and no order of derivative leaves the family. The
 * shapes of the results of the last two come from a `like` operand; transposed convolution is
 * conv2d_dx without one.
 */
#ifndef REAL
#include "winograd.h"

static const wg_field conv_fields[] = { WG_WINDOW_FIELDS(wg_window), WG_FIELDS_END };

WG_SMALL_BEGIN

static bool kernel_fits(const wg_sig *s, int i)
{
    if (s->in[i]->shape.rank == 4) return true;
    return wg_sig_fail(s, WG_ESHAPE, "operand %d is %s: wanted weights [rows, cols, in, out]", i,
                       WG_TYPE_STR(s->in[i]));
}

/* Operand i has `got` channels where operand `other` has `want`. */
static bool channels_agree(const wg_sig *s, int i, int64_t got, int other, int64_t want)
{
    if (got == want) return true;
    return wg_sig_fail(s, WG_ESHAPE, "channels differ: %" PRId64 " in %s, %" PRId64 " in %s", got,
                       WG_TYPE_STR(s->in[i]), want, WG_TYPE_STR(s->in[other]));
}

/* Operand dy must be what windows over operand x give. */
static bool windows_agree(const wg_sig *s, int x, int dy, const wg__windows *g)
{
    const wg_shape *a = &s->in[x]->shape, *b = &s->in[dy]->shape;

    if (a->dim[0] == b->dim[0] && g->axis[0].out == b->dim[1] && g->axis[1].out == b->dim[2])
        return true;
    return wg_sig_fail(
        s, WG_ESHAPE,
        "%s has %" PRId64 " images of %" PRId64 " x %" PRId64 " windows, not those of %s",
        WG_TYPE_STR(s->in[x]), a->dim[0], g->axis[0].out, g->axis[1].out, WG_TYPE_STR(s->in[dy]));
}

/* Multiplications and additions: every place of y with every weight. */
static double flops(int64_t n, const wg__windows *g, int64_t in, int64_t out)
{
    return 2.0 * (double)n * (double)g->axis[0].out * (double)g->axis[1].out *
           (double)g->axis[0].taps * (double)g->axis[1].taps * (double)in * (double)out;
}

static double conv_flops(const wg__conv *v)
{
    return flops(v->n, &v->g, v->in, v->out);
}

/* ---- conv2d ---- */

static wg__conv conv2d_of(const void *attr, const wg_shape *x, const wg_shape *w)
{
    return (wg__conv){ x->dim[0], w->dim[2], w->dim[3],
                       wg__windows_of(attr, x->dim[1], x->dim[2], w->dim) };
}

static bool conv2d_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *x = &s->in[0]->shape, *w = &s->in[1]->shape;
    wg__windows g;

    if (!wg_sig_real(s, 0) || !wg_sig_same_dtype(s) || !wg__image_fits(s, 0) ||
        !kernel_fits(s, 1) || !channels_agree(s, 0, x->dim[3], 1, w->dim[2]) ||
        !wg__windows_infer(s, s->attr, x->dim[1], x->dim[2], w->dim, 0, &g))
        return false;
    *out =
        (wg_type){ s->in[0]->dtype, { 4, { x->dim[0], g.axis[0].out, g.axis[1].out, w->dim[3] } } };
    return true;
}

static size_t conv2d_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    wg__conv v = conv2d_of(s->attr, &s->in[0]->shape, &s->in[1]->shape);

    return wg__conv_apply_scratch(&v, false, wg_dtype_size(out->dtype), threads);
}

static double conv2d_flops(const wg_sig *s, const wg_type *out)
{
    wg__conv v = conv2d_of(s->attr, &s->in[0]->shape, &s->in[1]->shape);

    (void)out;
    return conv_flops(&v);
}

static void conv2d_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const wg_window *at = v->attr;

    if (v->need[0]) dx[0] = wg_conv2d_dx(v->dy, v->x[1], v->x[0], *at);
    if (v->need[1]) dx[1] = wg_conv2d_dw(v->x[0], v->dy, v->x[1], *at);
}

/* ---- conv2d_dx: its adjoint in x, and transposed convolution ---- */

static wg__conv conv2d_dx_of(const void *attr, const wg_shape *dy, const wg_shape *w,
                             const wg_shape *like)
{
    return (wg__conv){ dy->dim[0], w->dim[2], w->dim[3],
                       like ? wg__windows_of(attr, like->dim[1], like->dim[2], w->dim)
                            : wg__windows_spread_of(attr, dy->dim[1], dy->dim[2], w->dim) };
}

static wg__conv conv2d_dx_sig(const wg_sig *s)
{
    return conv2d_dx_of(s->attr, &s->in[0]->shape, &s->in[1]->shape,
                        s->n_in == 3 ? &s->in[2]->shape : NULL);
}

static bool conv2d_dx_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *dy = &s->in[0]->shape, *w;
    wg__windows g;

    if (s->n_in < 2 || s->n_in > 3)
        return wg_sig_fail(s, WG_EARG, "%d operands: wanted dy, w and perhaps an image", s->n_in);
    w = &s->in[1]->shape;
    if (!wg_sig_real(s, 0) || !wg_sig_same_dtype(s) || !wg__image_fits(s, 0) ||
        !kernel_fits(s, 1) || !channels_agree(s, 0, dy->dim[3], 1, w->dim[3]))
        return false;
    if (s->n_in == 2) {
        if (!wg__windows_spread(s, s->attr, dy->dim[1], dy->dim[2], w->dim, 0, &g)) return false;
        *out = (wg_type){ s->in[0]->dtype,
                          { 4, { dy->dim[0], g.axis[0].n, g.axis[1].n, w->dim[2] } } };
        return true;
    }
    *out = *s->in[2];
    return wg__image_fits(s, 2) && channels_agree(s, 2, out->shape.dim[3], 1, w->dim[2]) &&
           wg__windows_infer(s, s->attr, out->shape.dim[1], out->shape.dim[2], w->dim, 2, &g) &&
           windows_agree(s, 2, 0, &g);
}

static size_t conv2d_dx_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    wg__conv v = conv2d_dx_sig(s);

    if (wg__conv_spreads(&v))
        return wg__conv_spread_scratch(&v, wg_dtype_size(out->dtype), threads);
    return wg__conv_apply_scratch(&v, true, wg_dtype_size(out->dtype), threads);
}

static double conv2d_dx_flops(const wg_sig *s, const wg_type *out)
{
    wg__conv v = conv2d_dx_sig(s);

    (void)out;
    return conv_flops(&v);
}

static void conv2d_dx_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const wg_window *at = v->attr;

    if (v->need[0]) dx[0] = wg_conv2d(v->dy, v->x[1], *at);
    if (v->need[1]) dx[1] = wg_conv2d_dw(v->dy, v->x[0], v->x[1], *at);
}

/* ---- conv2d_dw: its adjoint in w ---- */

static wg__conv conv2d_dw_sig(const wg_sig *s)
{
    return conv2d_of(s->attr, &s->in[0]->shape, &s->in[2]->shape);
}

static bool conv2d_dw_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *x = &s->in[0]->shape, *dy = &s->in[1]->shape, *w = &s->in[2]->shape;
    wg__windows g;

    *out = *s->in[2];
    return wg_sig_real(s, 0) && wg_sig_same_dtype(s) && wg__image_fits(s, 0) &&
           wg__image_fits(s, 1) && kernel_fits(s, 2) &&
           channels_agree(s, 0, x->dim[3], 2, w->dim[2]) &&
           channels_agree(s, 1, dy->dim[3], 2, w->dim[3]) &&
           wg__windows_infer(s, s->attr, x->dim[1], x->dim[2], w->dim, 0, &g) &&
           windows_agree(s, 0, 1, &g);
}

static size_t conv2d_dw_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    wg__conv v = conv2d_dw_sig(s);

    return wg__conv_weights_scratch(&v, wg_dtype_size(out->dtype), threads);
}

static double conv2d_dw_flops(const wg_sig *s, const wg_type *out)
{
    wg__conv v = conv2d_dw_sig(s);

    (void)out;
    return conv_flops(&v);
}

static void conv2d_dw_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const wg_window *at = v->attr;

    if (v->need[0]) dx[0] = wg_conv2d_dx(v->x[1], v->dy, v->x[0], *at);
    if (v->need[1]) dx[1] = wg_conv2d(v->x[0], v->dy, *at);
}

WG_SMALL_END

#define WG_NARROW
#define WG_TEMPLATE "conv.c"
#include "each_real.h"

WG_SMALL_BEGIN

/* ---- with fewer multiplications ---- */

#define FAST(name, conv, bytes)                                                                    \
    static wg_eval_fn *name##_fast(const wg_sig *s, const wg_type *out, wg_dtype by, int level,    \
                                   int threads, size_t *scratch)                                   \
    {                                                                                              \
        static wg_eval_fn *const kernel[] = WG_LEVELS(name##_fast_f32);                            \
        wg__conv v = conv;                                                                         \
                                                                                                   \
        (void)out;                                                                                 \
        if (by != WG_F32 || !wg__winograd_pays(&v)) return NULL;                                   \
        *scratch = bytes;                                                                          \
        return kernel[level];                                                                      \
    }
FAST(conv2d, conv2d_of(s->attr, &s->in[0]->shape, &s->in[1]->shape),
     wg__winograd_scratch(&v, false, threads))
FAST(conv2d_dx, conv2d_dx_sig(s), wg__winograd_scratch(&v, true, threads))
FAST(conv2d_dw, conv2d_dw_sig(s), wg__winograd_weights_scratch(&v, threads))
#undef FAST

const wg_op wg_op_conv2d = { .name = "conv2d",
                             .doc = "cross-correlation of images with a kernel",
                             .n_in = 2,
                             .attr_size = sizeof(wg_window),
                             .fields = conv_fields,
                             .infer = conv2d_infer,
                             .eval = WG_EVAL_KERNELS(WG_REAL_NARROW(conv2d_eval)),
                             .scratch = conv2d_scratch,
                             .vjp = conv2d_vjp,
                             .flops = conv2d_flops,
                             .more = WG_OP_MORE(.fast = conv2d_fast) };

wg_tensor *wg_conv2d(wg_tensor *x, wg_tensor *w, wg_window window)
{
    return wg_record2(&wg_op_conv2d, &window, x, w);
}

const wg_op wg_op_conv2d_dx = { .name = "conv2d_dx",
                                .doc = "adjoint of conv2d in the image; transposed convolution",
                                .n_in = -1,
                                .shape_only = WG_SHAPE_ONLY(2),
                                .attr_size = sizeof(wg_window),
                                .fields = conv_fields,
                                .infer = conv2d_dx_infer,
                                .eval = WG_EVAL_KERNELS(WG_REAL_NARROW(conv2d_dx_eval)),
                                .scratch = conv2d_dx_scratch,
                                .vjp = conv2d_dx_vjp,
                                .flops = conv2d_dx_flops,
                                .more = WG_OP_MORE(.fast = conv2d_dx_fast) };

wg_tensor *wg_conv2d_dx(wg_tensor *dy, wg_tensor *w, wg_tensor *like, wg_window window)
{
    if (like) return wg_record3(&wg_op_conv2d_dx, &window, dy, w, like);
    /* The modes that keep an extent at any stride need that extent; these do not, and conv2d with
     * them gives back the extents of dy. */
    if (window.pad_mode == WG_PAD_SAME) window.pad_mode = WG_PAD_HALF;
    if (window.pad_mode == WG_PAD_CAUSAL) window.pad_mode = WG_PAD_FRONT;
    return wg_record2(&wg_op_conv2d_dx, &window, dy, w);
}

const wg_op wg_op_conv2d_dw = { .name = "conv2d_dw",
                                .doc = "adjoint of conv2d in the kernel",
                                .n_in = 3,
                                .shape_only = WG_SHAPE_ONLY(2),
                                .attr_size = sizeof(wg_window),
                                .fields = conv_fields,
                                .infer = conv2d_dw_infer,
                                .eval = WG_EVAL_KERNELS(WG_REAL_NARROW(conv2d_dw_eval)),
                                .scratch = conv2d_dw_scratch,
                                .vjp = conv2d_dw_vjp,
                                .flops = conv2d_dw_flops,
                                .more = WG_OP_MORE(.fast = conv2d_dw_fast) };

wg_tensor *wg_conv2d_dw(wg_tensor *x, wg_tensor *dy, wg_tensor *like, wg_window window)
{
    return wg_record3(&wg_op_conv2d_dw, &window, x, dy, like);
}

/* ---- conv1d ---- */

wg_tensor *wg_conv1d(wg_tensor *x, wg_tensor *w, wg_window window)
{
    wg_window rows = { .kernel = { window.kernel[0], 0 },
                       .stride = { window.stride[0], 0 },
                       .dilation = { window.dilation[0], 0 },
                       .pad_mode = window.pad_mode,
                       .pad = { window.pad[0], window.pad[1], 0, 0 } };

    if (!x || !w) return NULL;
    if (wg_rank(x) != 3 || wg_rank(w) != 3)
        return wg_record_fail(
            wg_tensor_graph(x), WG_ESHAPE, "conv1d",
            "operands of rank %d and %d: wanted [n, length, in] and [width, in, out]", wg_rank(x),
            wg_rank(w));
    x = wg_unsqueeze(x, WG_AXES(2));
    return wg_squeeze(wg_conv2d(x, wg_unsqueeze(w, WG_AXES(1)), rows), WG_AXES(2));
}

WG_SMALL_END

#else /* for each type and level */

#if BITS == 32
#define OF(x) x##_f32
#else
#define OF(x) x##_f64
#endif

static void FN(conv2d_eval)(const wg_call *c)
{
    wg__conv v = conv2d_of(c->attr, &c->tx[0]->shape, &c->tx[1]->shape);

    OF(wg__conv_apply)(&FN(wg__gemm_kit), &v, false, c->x[0], c->x[1], c->y, c->scratch,
                       c->threads);
}

static void FN(conv2d_dx_eval)(const wg_call *c)
{
    wg__conv v = conv2d_dx_of(c->attr, &c->tx[0]->shape, &c->tx[1]->shape,
                              c->n_in == 3 ? &c->tx[2]->shape : NULL);

    if (wg__conv_spreads(&v))
        FN(wg__conv_spread)(&v, c->x[0], c->x[1], c->y, c->scratch, c->threads);
    else
        OF(wg__conv_apply)(&FN(wg__gemm_kit), &v, true, c->x[0], c->x[1], c->y, c->scratch,
                           c->threads);
}

static void FN(conv2d_dw_eval)(const wg_call *c)
{
    wg__conv v = conv2d_of(c->attr, &c->tx[0]->shape, &c->tx[2]->shape);

    OF(wg__conv_weights)(&FN(wg__gemm_kit), &v, c->x[0], c->x[1], c->y, c->scratch, c->threads);
}

#if BITS == 32
static void FN(conv2d_fast)(const wg_call *c)
{
    wg__conv v = conv2d_of(c->attr, &c->tx[0]->shape, &c->tx[1]->shape);

    wg__winograd(&FN(wg__winograd_kit), &v, false, c->x[0], c->x[1], c->y, c->scratch, c->threads);
}

static void FN(conv2d_dx_fast)(const wg_call *c)
{
    wg__conv v = conv2d_dx_of(c->attr, &c->tx[0]->shape, &c->tx[1]->shape,
                              c->n_in == 3 ? &c->tx[2]->shape : NULL);

    wg__winograd(&FN(wg__winograd_kit), &v, true, c->x[0], c->x[1], c->y, c->scratch, c->threads);
}

static void FN(conv2d_dw_fast)(const wg_call *c)
{
    wg__conv v = conv2d_of(c->attr, &c->tx[0]->shape, &c->tx[2]->shape);

    wg__winograd_weights(&FN(wg__winograd_kit), &v, c->x[0], c->x[1], c->y, c->scratch, c->threads);
}
#endif
#undef OF
#endif
