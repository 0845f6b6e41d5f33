/* utils_shape.c: checks, paddings and extents of numpy-ml's utilities. */
#include "utils_shape.h"

static const int64_t MOST = INT32_MAX;

const char *wg__shape_text(const wg_shape *s, char buf[WG__SHAPE_TEXT])
{
    wg_type t = { WG_F64, *s };

    return wg_type_text(&t, buf) + 3; /* without "f64" */
}

wg_status wg__shape_is(const char *op, const char *what, const wg_shape *s, int rank,
                       wg_error *error)
{
    if (!s) return wg_fail(error, WG_EARG, op, "%s is NULL", what);
    if (s->rank != rank)
        return wg_fail(error, WG_ESHAPE, op, "%s is %s, wanted rank %d", what, WG__SHAPE_STR(s),
                       rank);
    for (int i = 0; i < rank; i++)
        if (s->dim[i] < 1 || s->dim[i] > MOST)
            return wg_fail(error, WG_ESHAPE, op, "%s is %s, wanted extents from 1 to %lld", what,
                           WG__SHAPE_STR(s), (long long)MOST);
    return WG_OK;
}

wg_status wg__array_is(const char *op, const char *what, const wg_array *a, int rank,
                       wg_error *error)
{
    TRY(wg__shape_is(op, what, &a->type.shape, rank, error));
    if (wg_dtype_size(a->type.dtype) == 0)
        return wg_fail(error, WG_EDTYPE, op, "%s has no element type", what);
    if (wg_type_bytes(&a->type) < 0)
        return wg_fail(error, WG_ELIMIT, op, "%s is %s: too many bytes to count", what,
                       WG_TYPE_STR(&a->type));
    if (!a->data) return wg_fail(error, WG_EARG, op, "%s has no data", what);
    return WG_OK;
}

wg_status wg__steps_are(const char *op, int64_t stride, int64_t dilation, wg_error *error)
{
    if (stride < 1 || stride > MOST)
        return wg_fail(error, WG_EARG, op, "stride is %lld, wanted 1 to %lld", (long long)stride,
                       (long long)MOST);
    if (dilation < 0 || dilation > MOST)
        return wg_fail(error, WG_EARG, op, "dilation is %lld, wanted 0 to %lld",
                       (long long)dilation, (long long)MOST);
    return WG_OK;
}

/* ---- paddings ---- */

/* The total that makes `out` of n elements, at least 0; -1 when there is none. */
static int64_t total_padding(int64_t n, int64_t out, int64_t reach, int64_t stride)
{
    int64_t total = stride * (out - 1) + reach - n;

    if (total >= 0) return total;
    return n >= reach && (n - reach) / stride + 1 == out ? 0 : -1;
}

static wg_status explicit_padding(const char *op, const wg_padding *pad, int rank, int64_t to[4],
                                  wg_error *error)
{
    const int64_t *v = pad->v;

    if (pad->n != 0 && pad->n != 1 && pad->n != 2 && (pad->n != 4 || rank == 3))
        return wg_fail(error, WG_EARG, op, "pad has %d numbers, wanted %s", pad->n,
                       rank == 4 ? "1, 2 or 4" : "1 or 2");
    for (int i = 0; i < pad->n; i++)
        if (v[i] < 0 || v[i] > MOST)
            return wg_fail(error, WG_EARG, op, "pad[%d] is %lld, wanted 0 to %lld", i,
                           (long long)v[i], (long long)MOST);
    if (rank == 3) {
        to[0] = to[1] = 0;
        to[2] = pad->n > 0 ? v[0] : 0;
        to[3] = pad->n > 1 ? v[1] : to[2];
    } else
        for (int i = 0; i < 4; i++)
            to[i] = pad->n == 0 ? 0 : pad->n == 1 ? v[0] : pad->n == 2 ? v[i / 2] : v[i];
    return WG_OK;
}

wg_status wg__padding(const char *op, const wg_padding *pad, int rank, bool turned, wg__geometry *w,
                      wg_error *error)
{
    if (pad->mode == WG_PAD_EXPLICIT) return explicit_padding(op, pad, rank, w->pad, error);
    if (pad->mode == WG_PAD_CAUSAL && rank == 4)
        return wg_fail(error, WG_EARG, op, "'causal' padding of images, it is for sequences");
    if (pad->mode != WG_PAD_SAME && pad->mode != WG_PAD_CAUSAL)
        return wg_fail(error, WG_EARG, op,
                       "padding mode %lld, wanted WG_PAD_EXPLICIT, WG_PAD_SAME or WG_PAD_CAUSAL",
                       (long long)pad->mode);
    for (int i = rank == 3; i < 2; i++) {
        int64_t total = turned ? w->reach[i] - 1
                               : total_padding(w->size[i], w->size[i], w->reach[i], w->stride);

        w->pad[2 * i] = pad->mode == WG_PAD_CAUSAL ? total : total / 2;
        w->pad[2 * i + 1] = total - w->pad[2 * i];
    }
    return WG_OK;
}

static wg_status calc_pad(const char *op, int axes, const int64_t *size, const int64_t *out,
                          const int64_t *kernel, int64_t stride, int64_t dilation, bool causal,
                          int64_t *pad, wg_error *error)
{
    TRY(wg__steps_are(op, stride, dilation, error));
    for (int i = 0; i < axes; i++) {
        int64_t reach, total;

        if (kernel[i] < 1 || kernel[i] > MOST)
            return wg_fail(error, WG_EARG, op, "a kernel of %lld, wanted 1 to %lld",
                           (long long)kernel[i], (long long)MOST);
        if (out[i] < 1 || out[i] > MOST)
            return wg_fail(error, WG_EARG, op, "a result of %lld, wanted 1 to %lld",
                           (long long)out[i], (long long)MOST);
        reach = (kernel[i] - 1) * (dilation + 1) + 1;
        total = total_padding(size[i], out[i], reach, stride);
        if (total < 0)
            return wg_fail(error, WG_ESHAPE, op,
                           "no padding makes %lld of %lld elements with a kernel of %lld (reach "
                           "%lld), stride %lld: without any there are %lld",
                           (long long)out[i], (long long)size[i], (long long)kernel[i],
                           (long long)reach, (long long)stride,
                           (long long)((size[i] - reach) / stride + 1));
        pad[2 * i] = causal ? total : total / 2;
        pad[2 * i + 1] = total - pad[2 * i];
    }
    return WG_OK;
}

wg_status wg_calc_pad_dims_1d(const wg_shape *X_shape, int64_t l_out, int64_t kernel_width,
                              int64_t stride, int64_t dilation, bool causal, int64_t pad[2],
                              wg_error *error)
{
    static const char OP[] = "wg_calc_pad_dims_1d";

    TRY(wg__shape_is(OP, "X_shape", X_shape, 3, error));
    if (!pad) return wg_fail(error, WG_EARG, OP, "pad is NULL");
    return calc_pad(OP, 1, X_shape->dim + 1, &l_out, &kernel_width, stride, dilation, causal, pad,
                    error);
}

wg_status wg_calc_pad_dims_2d(const wg_shape *X_shape, const int64_t out_dim[2],
                              const int64_t kernel_shape[2], int64_t stride, int64_t dilation,
                              int64_t pad[4], wg_error *error)
{
    static const char OP[] = "wg_calc_pad_dims_2d";

    TRY(wg__shape_is(OP, "X_shape", X_shape, 4, error));
    if (!pad || !out_dim || !kernel_shape)
        return wg_fail(error, WG_EARG, OP, "%s is NULL",
                       !pad       ? "pad"
                       : !out_dim ? "out_dim"
                                  : "kernel_shape");
    return calc_pad(OP, 2, X_shape->dim + 1, out_dim, kernel_shape, stride, dilation, false, pad,
                    error);
}

/* ---- convolutions ---- */

/* Rows' and cols', checked. */
static wg_status extents(const char *op, const wg_shape *X_shape, const wg_shape *W_shape,
                         bool turned, wg__geometry *w, wg_error *error)
{
    const int64_t *p = w->pad;

    for (int i = 0; i < 2; i++) {
        int64_t pads = p[2 * i] + p[2 * i + 1];

        if (turned) w->result[i] = w->stride * (w->size[i] - 1) + w->reach[i] - pads;
        else if (w->size[i] + pads < w->reach[i]) w->result[i] = 0;
        else w->result[i] = (w->size[i] + pads - w->reach[i]) / w->stride + 1;
    }
    if (w->result[0] >= 1 && w->result[1] >= 1) return WG_OK;
    if (turned)
        return wg_fail(error, WG_ESHAPE, op,
                       "pad (%lld, %lld, %lld, %lld) leaves nothing of X %s by W %s, stride %lld",
                       (long long)p[0], (long long)p[1], (long long)p[2], (long long)p[3],
                       WG__SHAPE_STR(X_shape), WG__SHAPE_STR(W_shape), (long long)w->stride);
    return wg_fail(error, WG_ESHAPE, op,
                   "W %s, dilation %lld, is larger than X %s with padding (%lld, %lld, %lld, %lld)",
                   WG__SHAPE_STR(W_shape), (long long)(w->step - 1), WG__SHAPE_STR(X_shape),
                   (long long)p[0], (long long)p[1], (long long)p[2], (long long)p[3]);
}

wg_status wg__convolution(const char *op, const wg_shape *X_shape, const wg_shape *W_shape,
                          int64_t stride, const wg_padding *pad, int64_t dilation, bool turned,
                          wg__geometry *w, wg_error *error)
{
    int rank = X_shape && X_shape->rank == 3 ? 3 : 4, first = rank == 3;

    TRY(wg__shape_is(op, "X", X_shape, rank, error));
    TRY(wg__shape_is(op, "W", W_shape, rank, error));
    TRY(wg__steps_are(op, stride, dilation, error));
    if (X_shape->dim[rank - 1] != W_shape->dim[rank - 2])
        return wg_fail(error, WG_ESHAPE, op, "X %s has %lld channels, W %s wants %lld",
                       WG__SHAPE_STR(X_shape), (long long)X_shape->dim[rank - 1],
                       WG__SHAPE_STR(W_shape), (long long)W_shape->dim[rank - 2]);
    *w = (wg__geometry){ .n = X_shape->dim[0],
                         .in = X_shape->dim[rank - 1],
                         .out = W_shape->dim[rank - 1],
                         .stride = stride,
                         .step = dilation + 1,
                         .size = { 1, 1 },
                         .kernel = { 1, 1 } };
    for (int i = first; i < 2; i++) {
        w->size[i] = X_shape->dim[1 + i - first];
        w->kernel[i] = W_shape->dim[i - first];
    }
    for (int i = 0; i < 2; i++) w->reach[i] = (w->kernel[i] - 1) * w->step + 1;
    TRY(wg__padding(op, pad, rank, turned, w, error));
    return extents(op, X_shape, W_shape, turned, w, error);
}

wg_status wg_calc_conv_out_dims(const wg_shape *X_shape, const wg_shape *W_shape, int64_t stride,
                                wg_padding pad, int64_t dilation, wg_shape *out_dims,
                                wg_error *error)
{
    static const char OP[] = "wg_calc_conv_out_dims";
    wg__geometry w;

    if (!out_dims) return wg_fail(error, WG_EARG, OP, "out_dims is NULL");
    TRY(wg__convolution(OP, X_shape, W_shape, stride, &pad, dilation, false, &w, error));
    *out_dims = X_shape->rank == 3 ? WG_SHAPE(w.n, w.result[1], w.out)
                                   : WG_SHAPE(w.n, w.result[0], w.result[1], w.out);
    return WG_OK;
}

wg_status wg__result(const char *op, wg_dtype dtype, wg_shape shape, wg_array *result,
                     wg_error *error)
{
    wg_type t = { dtype, shape };

    if (wg_type_bytes(&t) < 0)
        return wg_fail(error, WG_ELIMIT, op, "the result %s has too many bytes to count",
                       WG_TYPE_STR(&t));
    *result = wg_array_of(dtype, shape, wg_alloc(wg_shape_count(&shape), wg_dtype_size(dtype)));
    if (!result->data) return wg_fail(error, WG_ENOMEM, op, "the result %s", WG_TYPE_STR(&t));
    return WG_OK;
}

wg_status wg__both_real(const char *op, const wg_array *X, const wg_array *W, wg_error *error)
{
    if (wg_dtype_is_real(X->type.dtype) && X->type.dtype == W->type.dtype) return WG_OK;
    return wg_fail(error, WG_EDTYPE, op, "X is %s and W is %s, wanted both f32 or both f64",
                   wg_dtype_name(X->type.dtype), wg_dtype_name(W->type.dtype));
}
