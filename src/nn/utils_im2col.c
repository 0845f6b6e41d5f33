/* utils_im2col.c: the windows of images as columns, and back. */
#include <string.h>

#include "own.h"
#include "utils_shape.h"

/* What both directions walk: element (row of the result's matrix, column) and where it lies in X;
 * -1 in the padding. */
static int64_t image_index(const wg__geometry *w, int64_t i, int64_t o, int64_t p, int64_t r,
                           int64_t c, int64_t ch)
{
    int64_t row = o * w->stride + r * w->step - w->pad[0],
            col = p * w->stride + c * w->step - w->pad[2];

    if (row < 0 || row >= w->size[0] || col < 0 || col >= w->size[1]) return -1;
    return ((i * w->size[0] + row) * w->size[1] + col) * w->in + ch;
}

/* Calls for every element of the matrix, in its order. */
typedef void each_fn(void *arg, int64_t at, int64_t from);

static void walk(const wg__geometry *w, each_fn *each, void *arg)
{
    int64_t at = 0;

    for (int64_t ch = 0; ch < w->in; ch++)
        for (int64_t r = 0; r < w->kernel[0]; r++)
            for (int64_t c = 0; c < w->kernel[1]; c++)
                for (int64_t o = 0; o < w->result[0]; o++)
                    for (int64_t p = 0; p < w->result[1]; p++)
                        for (int64_t i = 0; i < w->n; i++, at++)
                            each(arg, at, image_index(w, i, o, p, r, c, ch));
}

/* The matrix's shape; false when it cannot be counted. */
static wg_status matrix(const char *op, const wg__geometry *w, wg_shape *s, wg_error *error)
{
    wg_shape rows = WG_SHAPE(w->in, w->kernel[0], w->kernel[1]),
             cols = WG_SHAPE(w->result[0], w->result[1], w->n);
    int64_t n_rows = wg_shape_count(&rows), n_cols = wg_shape_count(&cols);

    if (n_rows < 0 || n_cols < 0)
        return wg_fail(error, WG_ELIMIT, op, "%s windows of %s have too many elements to count",
                       WG__SHAPE_STR(&cols), WG__SHAPE_STR(&rows));
    *s = WG_SHAPE(n_rows, n_cols);
    return WG_OK;
}

typedef struct {
    size_t size;
    const char *from;
    char *to;
} copying;

static void copy_one(void *arg, int64_t at, int64_t from)
{
    const copying *k = arg;

    if (from >= 0) memcpy(k->to + (size_t)at * k->size, k->from + (size_t)from * k->size, k->size);
}

wg_status wg_im2col_array(wg_array X, const wg_shape *W_shape, wg_padding pad, int64_t stride,
                          int64_t dilation, wg_array *X_col, int64_t *p, wg_error *error)
{
    static const char OP[] = "wg_im2col_array";
    wg__geometry w;
    wg_shape shape;

    if (!X_col) return wg_fail(error, WG_EARG, OP, "X_col is NULL");
    X_col->data = NULL;
    TRY(wg__array_is(OP, "X", &X, 4, error));
    TRY(wg__convolution(OP, &X.type.shape, W_shape, stride, &pad, dilation, false, &w, error));
    TRY(matrix(OP, &w, &shape, error));
    TRY(wg__result(OP, X.type.dtype, shape, X_col, error));
    walk(&w, copy_one, &(copying){ wg_dtype_size(X.type.dtype), X.data, X_col->data });
    if (p) memcpy(p, w.pad, sizeof w.pad);
    return WG_OK;
}

typedef struct {
    const wg_array *from;
    double *to;
} adding;

static void add_one(void *arg, int64_t at, int64_t to)
{
    const adding *k = arg;

    if (to >= 0) k->to[to] += wg__array_at(k->from, at);
}

wg_status wg_col2im_array(wg_array X_col, const wg_shape *X_shape, const wg_shape *W_shape,
                          wg_padding pad, int64_t stride, int64_t dilation, wg_array *X,
                          wg_error *error)
{
    static const char OP[] = "wg_col2im_array";
    wg__geometry w;
    wg_shape shape;
    wg_array sum;

    if (!X) return wg_fail(error, WG_EARG, OP, "X is NULL");
    X->data = NULL;
    if (pad.mode != WG_PAD_EXPLICIT || pad.n != 4)
        return wg_fail(error, WG_EARG, OP,
                       "pad has %d numbers, wanted four: top, bottom, left, right",
                       pad.mode == WG_PAD_EXPLICIT ? pad.n : 0);
    TRY(wg__array_is(OP, "X_col", &X_col, 2, error));
    if (!wg_dtype_is_real(X_col.type.dtype))
        return wg_fail(error, WG_EDTYPE, OP, "X_col is %s, wanted f32 or f64",
                       wg_dtype_name(X_col.type.dtype));
    TRY(wg__shape_is(OP, "X_shape", X_shape, 4, error));
    TRY(wg__convolution(OP, X_shape, W_shape, stride, &pad, dilation, false, &w, error));
    TRY(matrix(OP, &w, &shape, error));
    if (!wg_shape_equal(&shape, &X_col.type.shape))
        return wg_fail(error, WG_ESHAPE, OP, "X_col is %s, the windows of X_shape %s are %s",
                       WG__SHAPE_STR(&X_col.type.shape), WG__SHAPE_STR(X_shape),
                       WG__SHAPE_STR(&shape));
    TRY(wg__result(OP, WG_F64, *X_shape, &sum, error));
    walk(&w, add_one, &(adding){ &X_col, sum.data });
    return wg__rounded(OP, X_col.type.dtype, &sum, X, error);
}
