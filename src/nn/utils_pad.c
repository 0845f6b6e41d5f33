/* utils_pad.c: zeros around and between the elements of images and sequences. */
#include <string.h>

#include "utils_shape.h"

/* Copies [n, size0, size1, ch] into [n, to0, to1, ch]: row r goes to pad_top + r * step. */
static void place(const wg_array *X, const int64_t *size, int64_t ch, const int64_t *to,
                  const int64_t *pad, int64_t step, wg_array *Y)
{
    size_t e = wg_dtype_size(X->type.dtype), pixel = (size_t)ch * e;
    const char *from = X->data;

    for (int64_t i = 0; i < X->type.shape.dim[0]; i++)
        for (int64_t r = 0; r < size[0]; r++) {
            int64_t row = (i * to[0] + pad[0] + r * step) * to[1] + pad[2];
            char *at = (char *)Y->data + (size_t)row * pixel;

            if (step == 1) memcpy(at, from, (size_t)size[1] * pixel);
            for (int64_t c = 0; step > 1 && c < size[1]; c++)
                memcpy(at + (size_t)(c * step) * pixel, from + (size_t)c * pixel, pixel);
            from += (size_t)size[1] * pixel;
        }
}

/* Pads with w->pad; a sequence is an image of one row. */
static wg_status padded(const char *op, const wg_array *X, const wg__geometry *w, wg_array *X_pad,
                        wg_error *error)
{
    int rank = X->type.shape.rank;
    int64_t ch = X->type.shape.dim[rank - 1], to[2];
    wg_shape shape = X->type.shape;

    for (int i = 0; i < 2; i++) to[i] = w->size[i] + w->pad[2 * i] + w->pad[2 * i + 1];
    if (rank == 4) shape.dim[1] = to[0];
    shape.dim[rank - 2] = to[1];
    TRY(wg__result(op, X->type.dtype, shape, X_pad, error));
    place(X, w->size, ch, to, w->pad, 1, X_pad);
    return WG_OK;
}

/* 'same' and 'causal' need a kernel. */
static wg_status take_kernel(const char *op, const wg_padding *pad, const int64_t *kernel,
                             int64_t stride, int64_t dilation, int first, wg__geometry *w,
                             wg_error *error)
{
    if (pad->mode == WG_PAD_EXPLICIT) return WG_OK;
    TRY(wg__steps_are(op, stride, dilation, error));
    w->stride = stride;
    for (int i = first; i < 2; i++) {
        int64_t k = kernel ? kernel[i - first] : 0;

        if (k == 0)
            return wg_fail(error, WG_EARG, op, "%s padding needs the kernel's extents",
                           pad->mode == WG_PAD_CAUSAL ? "'causal'" : "'same'");
        if (k < 1 || k > INT32_MAX)
            return wg_fail(error, WG_EARG, op, "a kernel of %lld, wanted 1 to %d", (long long)k,
                           INT32_MAX);
        w->reach[i] = (k - 1) * (dilation + 1) + 1;
    }
    return WG_OK;
}

wg_status wg_pad1d_array(wg_array X, wg_padding pad, int64_t kernel_width, int64_t stride,
                         int64_t dilation, wg_array *X_pad, int64_t *p, wg_error *error)
{
    static const char OP[] = "wg_pad1d_array";
    wg__geometry w = { .size = { 1, X.type.shape.dim[1] }, .reach = { 1, 1 } };

    if (!X_pad) return wg_fail(error, WG_EARG, OP, "X_pad is NULL");
    X_pad->data = NULL;
    TRY(wg__array_is(OP, "X", &X, 3, error));
    TRY(take_kernel(OP, &pad, &kernel_width, stride, dilation, 1, &w, error));
    TRY(wg__padding(OP, &pad, 3, false, &w, error));
    TRY(padded(OP, &X, &w, X_pad, error));
    if (p) memcpy(p, w.pad + 2, 2 * sizeof *p);
    return WG_OK;
}

wg_status wg_pad2d_array(wg_array X, wg_padding pad, const int64_t *kernel_shape, int64_t stride,
                         int64_t dilation, wg_array *X_pad, int64_t *p, wg_error *error)
{
    static const char OP[] = "wg_pad2d_array";
    wg__geometry w = { .size = { X.type.shape.dim[1], X.type.shape.dim[2] }, .reach = { 1, 1 } };

    if (!X_pad) return wg_fail(error, WG_EARG, OP, "X_pad is NULL");
    X_pad->data = NULL;
    TRY(wg__array_is(OP, "X", &X, 4, error));
    TRY(take_kernel(OP, &pad, kernel_shape, stride, dilation, 0, &w, error));
    TRY(wg__padding(OP, &pad, 4, false, &w, error));
    TRY(padded(OP, &X, &w, X_pad, error));
    if (p) memcpy(p, w.pad, 4 * sizeof *p);
    return WG_OK;
}

wg_status wg_dilate_array(wg_array X, int64_t d, wg_array *Xd, wg_error *error)
{
    static const char OP[] = "wg_dilate_array";
    static const int64_t no_pad[4];
    const int64_t *dim = X.type.shape.dim;
    int64_t to[2];

    if (!Xd) return wg_fail(error, WG_EARG, OP, "Xd is NULL");
    Xd->data = NULL;
    TRY(wg__array_is(OP, "X", &X, 4, error));
    if (d < 0 || d > INT32_MAX)
        return wg_fail(error, WG_EARG, OP, "d is %lld, wanted 0 to %d", (long long)d, INT32_MAX);
    for (int i = 0; i < 2; i++) to[i] = (dim[1 + i] - 1) * (d + 1) + 1;
    TRY(wg__result(OP, X.type.dtype, WG_SHAPE(dim[0], to[0], to[1], dim[3]), Xd, error));
    place(&X, dim + 1, dim[3], to, no_pad, d + 1, Xd);
    return WG_OK;
}
