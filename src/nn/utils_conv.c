/* utils_conv.c: convolutions of arrays. */
#include "own.h"
#include "utils_shape.h"

/* ---- sums in double, whatever the element type ---- */

wg_status wg__rounded(const char *op, wg_dtype dtype, wg_array *sum, wg_array *result,
                      wg_error *error)
{
    wg_status status;
    int64_t n = wg_shape_count(&sum->type.shape);

    if (dtype == WG_F64) {
        *result = *sum;
        return WG_OK;
    }
    status = wg__result(op, dtype, sum->type.shape, result, error);
    for (int64_t i = 0; status == WG_OK && i < n; i++)
        ((float *)result->data)[i] = (float)((double *)sum->data)[i];
    wg_free(sum->data);
    return status;
}

/* What a convolution of X and W needs, checked; *sum is a cleared result in double. */
static wg_status begin(const char *op, int rank, const wg_array *X, const wg_array *W,
                       int64_t stride, const wg_padding *pad, int64_t dilation, bool turned,
                       wg__geometry *w, wg_array *Z, wg_array *sum, wg_error *error)
{
    wg_shape shape;

    if (!Z) return wg_fail(error, WG_EARG, op, "the result is NULL");
    Z->data = NULL;
    TRY(wg__array_is(op, "X", X, rank, error));
    TRY(wg__array_is(op, "W", W, rank, error));
    TRY(wg__both_real(op, X, W, error));
    TRY(wg__convolution(op, &X->type.shape, &W->type.shape, stride, pad, dilation, turned, w,
                        error));
    shape = rank == 3 ? WG_SHAPE(w->n, w->result[1], w->out)
                      : WG_SHAPE(w->n, w->result[0], w->result[1], w->out);
    return wg__result(op, WG_F64, shape, sum, error);
}

/* ---- window by window: a row of X's windows times W as a matrix ---- */

/* The window at (o, p) as K = krows kcols in numbers, in the order of W's rows. */
static void take_window(const wg__geometry *w, const wg_array *X, int64_t i, int64_t o, int64_t p,
                        double *x)
{
    for (int64_t r = 0; r < w->kernel[0]; r++)
        for (int64_t c = 0; c < w->kernel[1]; c++, x += w->in) {
            int64_t row = o * w->stride + r * w->step - w->pad[0],
                    col = p * w->stride + c * w->step - w->pad[2];
            int64_t from = ((i * w->size[0] + row) * w->size[1] + col) * w->in;
            bool inside = row >= 0 && row < w->size[0] && col >= 0 && col < w->size[1];

            for (int64_t m = 0; m < w->in; m++) x[m] = inside ? wg__array_at(X, from + m) : 0;
        }
}

/* z[q] = sum over k of x[k] W[k, q]: four rows of W at a time, so that z is loaded and stored a
 * quarter as often. */
static void times_matrix(int64_t n_k, int64_t n_q, const double *restrict x,
                         const double *restrict W, double *restrict z)
{
    int64_t k = 0;

    for (; k + 4 <= n_k; k += 4) {
        const double *restrict w0 = W + k * n_q, *restrict w1 = w0 + n_q, *restrict w2 = w1 + n_q,
                               *restrict w3 = w2 + n_q;

        for (int64_t q = 0; q < n_q; q++)
            z[q] += (x[k] * w0[q] + x[k + 1] * w1[q]) + (x[k + 2] * w2[q] + x[k + 3] * w3[q]);
    }
    for (; k < n_k; k++)
        for (int64_t q = 0; q < n_q; q++) z[q] += x[k] * W[k * n_q + q];
}

static wg_status convolution(const char *op, int rank, wg_array X, wg_array W, int64_t stride,
                             const wg_padding *pad, int64_t dilation, wg_array *Z, wg_error *error)
{
    wg__geometry w;
    wg_array sum;
    int64_t n_w = 0, n_k = 0;
    double *kernel, *z;

    TRY(begin(op, rank, &X, &W, stride, pad, dilation, false, &w, Z, &sum, error));
    n_w = wg_shape_count(&W.type.shape);
    n_k = n_w / w.out;
    kernel = n_w < INT64_MAX - n_k ? wg_alloc(n_w + n_k, sizeof *kernel) : NULL;
    if (!kernel) {
        wg_free(sum.data);
        return wg_fail(error, WG_ENOMEM, op, "W %s in double", WG_TYPE_STR(&W.type));
    }
    for (int64_t i = 0; i < n_w; i++) kernel[i] = wg__array_at(&W, i);
    z = sum.data;
    for (int64_t i = 0; i < w.n; i++)
        for (int64_t o = 0; o < w.result[0]; o++)
            for (int64_t p = 0; p < w.result[1]; p++, z += w.out) {
                take_window(&w, &X, i, o, p, kernel + n_w);
                times_matrix(n_k, w.out, kernel + n_w, kernel, z);
            }
    wg_free(kernel);
    return wg__rounded(op, X.type.dtype, &sum, Z, error);
}

wg_status wg_conv1d_array(wg_array X, wg_array W, int64_t stride, wg_padding pad, int64_t dilation,
                          wg_array *Z, wg_error *error)
{
    return convolution("wg_conv1d_array", 3, X, W, stride, &pad, dilation, Z, error);
}

wg_status wg_conv2d_array(wg_array X, wg_array W, int64_t stride, wg_padding pad, int64_t dilation,
                          wg_array *Z, wg_error *error)
{
    return convolution("wg_conv2d_array", 4, X, W, stride, &pad, dilation, Z, error);
}

/* ---- by the formula ---- */

/* X_pad[i, row, col, m], rows and columns counted in the padded image. */
static double padded_element(const wg__geometry *w, const wg_array *X, int64_t i, int64_t row,
                             int64_t col, int64_t m)
{
    int64_t r = row - w->pad[0], c = col - w->pad[2];

    if (r < 0 || r >= w->size[0] || c < 0 || c >= w->size[1]) return 0;
    return wg__array_at(X, ((i * w->size[0] + r) * w->size[1] + c) * w->in + m);
}

static double kernel_element(const wg__geometry *w, const wg_array *W, int64_t r, int64_t c,
                             int64_t m, int64_t q)
{
    return wg__array_at(W, ((r * w->kernel[1] + c) * w->in + m) * w->out + q);
}

static double one_sum(const wg__geometry *w, const wg_array *X, const wg_array *W, int64_t i,
                      int64_t o, int64_t p, int64_t q)
{
    double sum = 0;

    for (int64_t r = 0; r < w->kernel[0]; r++)
        for (int64_t c = 0; c < w->kernel[1]; c++)
            for (int64_t m = 0; m < w->in; m++)
                sum += padded_element(w, X, i, o * w->stride + r * w->step,
                                      p * w->stride + c * w->step, m) *
                       kernel_element(w, W, r, c, m, q);
    return sum;
}

wg_status wg_conv2d_naive(wg_array X, wg_array W, int64_t stride, wg_padding pad, int64_t dilation,
                          wg_array *Z, wg_error *error)
{
    static const char OP[] = "wg_conv2d_naive";
    wg__geometry w;
    wg_array sum;
    double *z;

    TRY(begin(OP, 4, &X, &W, stride, &pad, dilation, false, &w, Z, &sum, error));
    z = sum.data;
    for (int64_t i = 0; i < w.n; i++)
        for (int64_t o = 0; o < w.result[0]; o++)
            for (int64_t p = 0; p < w.result[1]; p++)
                for (int64_t q = 0; q < w.out; q++) *z++ = one_sum(&w, &X, &W, i, o, p, q);
    return wg__rounded(OP, X.type.dtype, &sum, Z, error);
}

/* One pixel of X under every tap of the kernel: what of it lies within the cropped result. */
static void spread(const wg__geometry *w, const wg_array *X, const wg_array *W, int64_t i,
                   int64_t o, int64_t p, double *Y)
{
    int64_t x = ((i * w->size[0] + o) * w->size[1] + p) * w->in;

    for (int64_t r = 0; r < w->kernel[0]; r++)
        for (int64_t c = 0; c < w->kernel[1]; c++) {
            int64_t row = o * w->stride + r * w->step - w->pad[0],
                    col = p * w->stride + c * w->step - w->pad[2];
            double *y;

            if (row < 0 || row >= w->result[0] || col < 0 || col >= w->result[1]) continue;
            y = Y + ((i * w->result[0] + row) * w->result[1] + col) * w->out;
            for (int64_t m = 0; m < w->in; m++)
                for (int64_t q = 0; q < w->out; q++)
                    y[q] += wg__array_at(X, x + m) * kernel_element(w, W, r, c, m, q);
        }
}

wg_status wg_deconv2d_naive(wg_array X, wg_array W, int64_t stride, wg_padding pad,
                            int64_t dilation, wg_array *Y, wg_error *error)
{
    static const char OP[] = "wg_deconv2d_naive";
    wg__geometry w;
    wg_array sum;

    TRY(begin(OP, 4, &X, &W, stride, &pad, dilation, true, &w, Y, &sum, error));
    for (int64_t i = 0; i < w.n; i++)
        for (int64_t o = 0; o < w.size[0]; o++)
            for (int64_t p = 0; p < w.size[1]; p++) spread(&w, &X, &W, i, o, p, sum.data);
    return wg__rounded(OP, X.type.dtype, &sum, Y, error);
}
