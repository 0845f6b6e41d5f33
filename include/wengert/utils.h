/*
 * utils.h: numpy-ml's utilities for plain arrays, without a graph: padding, dilation, windows as
 * columns, convolutions, minibatches. Images are [n_ex, rows, cols, ch], sequences [n_ex, length,
 * ch], kernels [rows, cols, in, out] or [width, in, out]. They are meant for preparing and checking
 * data; inside a model the ops of ops_window.h and ops_shape.h are faster and have gradients.
 *
 * Every function that fills a wg_array allocates its data: the caller releases it with
 * wg_free(result.data). After an error the data are NULL. No extent is 0 and no number exceeds
 * 2^31 - 1. Common errors: WG_ESHAPE for ranks and extents that do not fit, WG_EDTYPE, WG_EARG for
 * a number out of range or a NULL pointer, WG_ELIMIT for a result too large to count, WG_ENOMEM.
 */
#ifndef WENGERT_UTILS_H
#define WENGERT_UTILS_H

#include "base.h"
#include "ops_window.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- padding ---- */

/* Padding as numpy-ml writes it; all zero is none. */
typedef struct {
    int64_t mode; /* WG_PAD_EXPLICIT, or WG_PAD_SAME, WG_PAD_CAUSAL: then n is 0 */
    int n;        /* how many numbers v holds: 0 (none), 1, 2 or 4 */
    int64_t v[4]; /* >= 0 */
} wg_padding;

/** pad = p: all sides. */
static inline wg_padding wg_padding_all(int64_t p)
{
    wg_padding pad = { WG_PAD_EXPLICIT, 1, { p, 0, 0, 0 } };

    return pad;
}

/** pad = (a, b): images a rows above and below and b columns left and right; sequences a elements
 * on the left and b on the right. */
static inline wg_padding wg_padding_two(int64_t a, int64_t b)
{
    wg_padding pad = { WG_PAD_EXPLICIT, 2, { a, b, 0, 0 } };

    return pad;
}

/** pad = (top, bottom, left, right): images only. (numpy-ml documents another order than it uses;
 * this is the one it uses.) */
static inline wg_padding wg_padding_four(int64_t top, int64_t bottom, int64_t left, int64_t right)
{
    wg_padding pad = { WG_PAD_EXPLICIT, 4, { top, bottom, left, right } };

    return pad;
}

/** pad = 'same': the result has the extent of the input, at any stride (TensorFlow's has ceil(n /
 * stride)): total = stride (n - 1) + effective kernel - n, total / 2 of it before, the rest
 * after. */
static inline wg_padding wg_padding_same(void)
{
    wg_padding pad = { WG_PAD_SAME, 0, { 0, 0, 0, 0 } };

    return pad;
}

/** pad = 'causal': that total, all before; sequences only. */
static inline wg_padding wg_padding_causal(void)
{
    wg_padding pad = { WG_PAD_CAUSAL, 0, { 0, 0, 0, 0 } };

    return pad;
}

/** The padding (left, right) with which a kernel of kernel_width makes l_out elements of X_shape
 * [n_ex, l_in, in_ch]: total = max(0, stride (l_out - 1) + effective kernel - l_in), total / 2 on
 * the left and the rest on the right; causal: all on the left. The effective kernel is
 * (kernel_width - 1) (dilation + 1) + 1. Errors: WG_ESHAPE unless rank 3, or when no padding gives
 * l_out; WG_EARG. Source: numpy-ml utils.py, calc_pad_dims_1D, which also refuses sizes that need
 * no padding. */
WG_API wg_status wg_calc_pad_dims_1d(const wg_shape *X_shape, int64_t l_out, int64_t kernel_width,
                                     int64_t stride, int64_t dilation, bool causal, int64_t pad[2],
                                     wg_error *error);

/** The same for images: X_shape [n_ex, rows, cols, in_ch], out_dim and kernel_shape (rows, cols) ->
 * (top, bottom, left, right). Source: numpy-ml utils.py, calc_pad_dims_2D. */
WG_API wg_status wg_calc_pad_dims_2d(const wg_shape *X_shape, const int64_t out_dim[2],
                                     const int64_t kernel_shape[2], int64_t stride,
                                     int64_t dilation, int64_t pad[4], wg_error *error);

/** The shape of a convolution's result: rows' = (rows + top + bottom - effective kernel) / stride +
 * 1, floored. X_shape [n_ex, rows, cols, in_ch] and W_shape [rows, cols, in_ch, out_ch], or X_shape
 * [n_ex, l_in, in_ch] and W_shape [width, in_ch, out_ch]. Errors: WG_ESHAPE for other ranks,
 * channels that differ, or a kernel larger than the padded input; WG_EARG. Source: numpy-ml
 * utils.py, calc_conv_out_dims. */
WG_API wg_status wg_calc_conv_out_dims(const wg_shape *X_shape, const wg_shape *W_shape,
                                       int64_t stride, wg_padding pad, int64_t dilation,
                                       wg_shape *out_dims, wg_error *error);

/** X [n_ex, length, ch], of any element type, between zeros. p (may be NULL) takes (left, right).
 * kernel_width, stride and dilation count for 'same' and 'causal' only; kernel_width 0 says that
 * there is none, which these two refuse with WG_EARG. Source: numpy-ml utils.py, pad1D. */
WG_API wg_status wg_pad1d_array(wg_array X, wg_padding pad, int64_t kernel_width, int64_t stride,
                                int64_t dilation, wg_array *X_pad, int64_t *p, wg_error *error);

/** X [n_ex, rows, cols, ch], of any element type, between zeros. p (may be NULL) takes (top,
 * bottom, left, right). kernel_shape (rows, cols), stride and dilation count for 'same' only, which
 * refuses a NULL kernel_shape with WG_EARG. Source: numpy-ml utils.py, pad2D. */
WG_API wg_status wg_pad2d_array(wg_array X, wg_padding pad, const int64_t *kernel_shape,
                                int64_t stride, int64_t dilation, wg_array *X_pad, int64_t *p,
                                wg_error *error);

/** d zeros between neighbouring rows and columns of X [n_ex, rows, cols, ch], of any element type
 * -> [n_ex, rows (d + 1) - d, cols (d + 1) - d, ch]. Source: numpy-ml utils.py, dilate. */
WG_API wg_status wg_dilate_array(wg_array X, int64_t d, wg_array *Xd, wg_error *error);

/* ---- windows as columns ---- */

/** The windows of X [n_ex, rows, cols, in_ch], of any element type, under a kernel of W_shape
 * [rows, cols, in_ch, out_ch], as columns: -> [in_ch krows kcols, rows' cols' n_ex], rows ordered
 * (channel, kernel row, kernel column), columns (row', col', example). p (may be NULL) takes the
 * padding (top, bottom, left, right). Errors: those of wg_calc_conv_out_dims. Source: numpy-ml
 * utils.py, im2col. */
WG_API wg_status wg_im2col_array(wg_array X, const wg_shape *W_shape, wg_padding pad,
                                 int64_t stride, int64_t dilation, wg_array *X_col, int64_t *p,
                                 wg_error *error);

/** The adjoint of wg_im2col_array: elements of X_col go back where they came from, overlaps add up,
 * padding is cropped: -> X_shape [n_ex, rows, cols, in_ch]; f32 or f64, summed in double. Errors:
 * WG_EARG unless pad has four numbers; WG_ESHAPE when X_col is not the windows of X_shape. Source:
 * numpy-ml utils.py, col2im, which documents this order of the axes and returns another. */
WG_API wg_status wg_col2im_array(wg_array X_col, const wg_shape *X_shape, const wg_shape *W_shape,
                                 wg_padding pad, int64_t stride, int64_t dilation, wg_array *X,
                                 wg_error *error);

/* ---- convolutions: X and W f32 or f64, both alike; sums in double, rounded once ---- */

/** Cross-correlation: Z[i, o, q] = sum over r, k of X_pad[i, o stride + r (dilation + 1), k]
 * W[r, k, q]. X [n_ex, l_in, in_ch], W [width, in_ch, out_ch] -> [n_ex, l_out, out_ch]. Errors:
 * those of wg_calc_conv_out_dims. Source: numpy-ml utils.py, conv1D. */
WG_API wg_status wg_conv1d_array(wg_array X, wg_array W, int64_t stride, wg_padding pad,
                                 int64_t dilation, wg_array *Z, wg_error *error);

/** The same for images: X [n_ex, rows, cols, in_ch], W [krows, kcols, in_ch, out_ch] -> [n_ex,
 * rows', cols', out_ch]. Source: numpy-ml utils.py, conv2D. */
WG_API wg_status wg_conv2d_array(wg_array X, wg_array W, int64_t stride, wg_padding pad,
                                 int64_t dilation, wg_array *Z, wg_error *error);

/** The same, one element after the other, as the formula reads: slow, to check others by. Source:
 * numpy-ml utils.py, conv2D_naive. */
WG_API wg_status wg_conv2d_naive(wg_array X, wg_array W, int64_t stride, wg_padding pad,
                                 int64_t dilation, wg_array *Z, wg_error *error);

/** Transposed convolution: every X[i, o, p, k] adds W[r, c, k, q] X to Y_full[i, o stride + r
 * (dilation + 1), p stride + c (dilation + 1), q]; then pad rows and columns are cropped from
 * Y_full. X [n_ex, rows, cols, in_ch], W [krows, kcols, in_ch, out_ch] -> [n_ex, stride (rows - 1)
 * + effective kernel - top - bottom, ..., out_ch]. 'same' crops effective kernel - 1, half of it
 * before: stride (rows - 1) + 1 rows are left. Errors: WG_ESHAPE when nothing is left. Source:
 * numpy-ml utils.py, deconv2D_naive, which shifts the result unless pads are alike. */
WG_API wg_status wg_deconv2d_naive(wg_array X, wg_array W, int64_t stride, wg_padding pad,
                                   int64_t dilation, wg_array *Y, wg_error *error);

/* ---- minibatches ---- */

typedef struct wg_minibatch wg_minibatch;

/** The numbers 0..n-1 in batches of batchsize (0: 256), the last one smaller when they do not come
 * out even. Shuffled they are a permutation that depends on (seed, run) alone (wg_shuffled in
 * data.h); run counts the epochs. The caller owns the result: wg_minibatch_free. NULL on error:
 * WG_EARG for n < 1 or batchsize < 0, WG_ENOMEM. Source: numpy-ml utils.py, minibatch. */
WG_API wg_minibatch *wg_minibatch_new(int64_t n, int64_t batchsize, bool shuffle, uint64_t seed,
                                      uint64_t run, wg_error *error);

/** The number of batches of the whole epoch. */
WG_API int64_t wg_minibatch_n_batches(const wg_minibatch *b);

/** The next batch: how many rows it has, 0 when the epoch is over; *rows borrows their numbers
 * until b is freed. */
WG_API int64_t wg_minibatch_next(wg_minibatch *b, const int64_t **rows);

/** Goes to batch k of the epoch, 0 <= k <= n_batches: how a run is resumed. false otherwise. */
WG_API bool wg_minibatch_seek(wg_minibatch *b, int64_t k);

/** NULL is allowed. */
WG_API void wg_minibatch_free(wg_minibatch *b);

/** Copies rows of X [n, ...]: to[k, ...] = X[row[k], ...]. `to` is the caller's memory [n_rows,
 * ...], of X's element type. Errors: WG_EINDEX for a row out of range, WG_ESHAPE, WG_EDTYPE,
 * WG_EARG. */
WG_API wg_status wg_take_rows(wg_array X, int64_t n_rows, const int64_t *row, wg_array to,
                              wg_error *error);

#ifdef __cplusplus
}
#endif

#endif
