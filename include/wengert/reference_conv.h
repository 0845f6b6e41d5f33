/* reference_conv.h: numpy-ml's convolutions and pooling, forward and explicit backward, in plain C.
 *
 * Images are (n_ex, rows, cols, ch), kernels (kernel_rows, kernel_cols, in_ch, out_ch), sequences
 * (n_ex, length, ch) with kernels (kernel_width, in_ch, out_ch); all row-major double.
 * "Convolution" is cross-correlation. `dilation` counts the elements inserted between two taps: 0
 * is an ordinary kernel, and k taps span k (dilation + 1) - dilation elements.
 *
 * All arrays are the caller's and do not overlap. A gradient of a parameter is added to the
 * caller's array, as numpy-ml accumulates it until the next update; a gradient of an input is
 * written. Functions that return bool need scratch memory and return false when there is none, with
 * nothing added. */
#ifndef WENGERT_REFERENCE_CONV_H
#define WENGERT_REFERENCE_CONV_H

#include "wengert/reference_act.h"
#include "wengert/reference_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows and columns of zeros put around an image, or cropped from one (deconvolution). */
typedef struct {
    int64_t top, bottom, left, right;
} wg_ref_pad;

/* A convolution, deconvolution or pooling of images. stride >= 1, dilation >= 0; act_fn is Identity
 * when left zero. A pooling reads neither out_ch nor act_fn. */
typedef struct {
    int64_t n_ex, in_rows, in_cols, in_ch;
    int64_t kernel_rows, kernel_cols, out_ch;
    int64_t stride, dilation;
    wg_ref_pad pad;
    wg_ref_act act_fn;
} wg_ref_conv2d;

/* A convolution of sequences; zeros stand `left` of the first and `right` of the last element. */
typedef struct {
    int64_t n_ex, l_in, in_ch;
    int64_t kernel_width, out_ch;
    int64_t stride, dilation;
    int64_t left, right;
    wg_ref_act act_fn;
} wg_ref_conv1d;

/* ---- sizes ---- */

/** (n + before + after - span) / stride + 1 rounded down, span = kernel (dilation + 1) - dilation:
 * how often a kernel fits. 0 when it is larger than the padded input (errata U8).
 * Source: numpy-ml utils.calc_conv_out_dims. */
WG_REF_API int64_t wg_ref_conv_out(int64_t n, int64_t before, int64_t after, int64_t kernel,
                                   int64_t stride, int64_t dilation);

/** 'same': the zeros that keep n elements n at this stride, total = stride (n - 1) + span - n, half
 * of them, rounded down, before. Source: numpy-ml utils.calc_pad_dims_1D, pad2D; the total is at
 * least 0 (errata U2). */
WG_REF_API void wg_ref_pad_same(int64_t n, int64_t kernel, int64_t stride, int64_t dilation,
                                int64_t *before, int64_t *after);

/** 'causal': the same total, all of it before. Source: numpy-ml utils.pad1D. */
WG_REF_API void wg_ref_pad_causal(int64_t n, int64_t kernel, int64_t stride, int64_t dilation,
                                  int64_t *before, int64_t *after);

/** 'same' of both axes of an image; in_rows, in_cols, kernel, stride and dilation of h are read. */
WG_REF_API wg_ref_pad wg_ref_pad_same2d(const wg_ref_conv2d *h);

/** Extents of the output of a convolution or pooling. */
WG_REF_API int64_t wg_ref_conv2d_rows(const wg_ref_conv2d *h);
WG_REF_API int64_t wg_ref_conv2d_cols(const wg_ref_conv2d *h);
WG_REF_API int64_t wg_ref_conv1d_length(const wg_ref_conv1d *h);

/** 'same' of a deconvolution: what a stride of 1 pads, so that stride (in - 1) + 1 rows and columns
 * are left. kernel and dilation of h are read. Source: numpy-ml layers.Deconv2D (errata U7). */
WG_REF_API wg_ref_pad wg_ref_deconv2d_same(const wg_ref_conv2d *h);

/** Extents of the output of a deconvolution: stride (in - 1) + span less what is cropped, at least
 * 0. Source: numpy-ml layers.Deconv2D. */
WG_REF_API int64_t wg_ref_deconv2d_rows(const wg_ref_conv2d *h);
WG_REF_API int64_t wg_ref_deconv2d_cols(const wg_ref_conv2d *h);

/* ---- utils ---- */

/** Y (n_ex, rows + top + bottom, cols + left + right, ch): X (n_ex, rows, cols, ch) with zeros
 * around it. Source: numpy-ml utils.pad2D; pad1D is the same with one row. */
WG_REF_API void wg_ref_pad2D(int64_t n_ex, int64_t rows, int64_t cols, int64_t ch, wg_ref_pad pad,
                             const double *X, double *Y);

/** Y (n_ex, rows + (rows - 1) d, cols + (cols - 1) d, ch): X with d zeros between neighbours.
 * Source: numpy-ml utils.dilate. */
WG_REF_API void wg_ref_dilate(int64_t n_ex, int64_t rows, int64_t cols, int64_t ch, int64_t d,
                              const double *X, double *Y);

/** X_col (in_ch kernel_rows kernel_cols, out_rows out_cols n_ex): under every position of the
 * kernel one column with what it sees of the padded X. Rows are ordered (channel, kernel row,
 * kernel column), columns (output row, output column, example). Source: numpy-ml utils.im2col. */
WG_REF_API void wg_ref_im2col(const wg_ref_conv2d *h, const double *X, double *X_col);

/** X (n_ex, in_rows, in_cols, in_ch): the adjoint of im2col, every entry of X_col added where it
 * was read; what falls on the zeros around X is dropped. X is written. Source: numpy-ml
 * utils.col2im, in the documented axis order (errata U4). */
WG_REF_API void wg_ref_col2im(const wg_ref_conv2d *h, const double *X_col, double *X);

/** Z[n,i,j,o] = sum over u, v, c of X_pad[n, s i + u (d+1), s j + v (d+1), c] W[u,v,c,o], as the
 * product W_col X_col. Source: numpy-ml utils.conv2D. */
WG_REF_API bool wg_ref_conv2D(const wg_ref_conv2d *h, const double *X, const double *W, double *Z);

/** The same sum element by element. Source: numpy-ml utils.conv2D_naive. */
WG_REF_API void wg_ref_conv2D_naive(const wg_ref_conv2d *h, const double *X, const double *W,
                                    double *Z);

/** Z[n,t,o] = sum over u, c of X_pad[n, s t + u (d+1), c] W[u,c,o]: conv2D of images of one row.
 * Source: numpy-ml utils.conv1D. */
WG_REF_API bool wg_ref_conv1D(const wg_ref_conv1d *h, const double *X, const double *W, double *Z);

/** Transposed convolution, Z[n, s i + u (d+1) - top, s j + v (d+1) - left, o] += X[n,i,j,c]
 * W[u,v,c,o] for what lies within (deconv2d_rows, deconv2d_cols). Here as numpy-ml describes it: X
 * is dilated, surrounded by span - 1 zeros, cross-correlated with the kernel turned by 180 degrees,
 * and the result is cropped by h->pad. Source: numpy-ml utils.deconv2D_naive; each side is cropped
 * by its own pad (errata Y27), which may exceed span - 1 (errata Y28). */
WG_REF_API bool wg_ref_deconv2D_naive(const wg_ref_conv2d *h, const double *X, const double *W,
                                      double *Z);

/* ---- layers ---- */

/** Conv2D.forward: Z = conv2D(X, W) + b, Y = act_fn(Z), both (n_ex, out_rows, out_cols, out_ch).
 * b (out_ch) may be NULL. Source: numpy-ml layers.Conv2D. */
WG_REF_API bool wg_ref_conv2d_forward(const wg_ref_conv2d *h, const double *X, const double *W,
                                      const double *b, double *Z, double *Y);

/** Conv2D.backward by columns: dZ = dY act_fn'(Z), db += sum of dZ over examples and places,
 * dW_col += dZ_col X_col^T, dX = col2im(W_col^T dZ_col). Z is the stored pre-activation of the
 * forward pass; dX, dW, db may be NULL. Source: numpy-ml layers.Conv2D._bwd. */
WG_REF_API bool wg_ref_conv2d_backward(const wg_ref_conv2d *h, const double *X, const double *W,
                                       const double *Z, const double *dY, double *dX, double *dW,
                                       double *db);

/** The same gradients element by element. Source: numpy-ml layers.Conv2D._backward_naive, with the
 * gradient itself where numpy-ml multiplies the list that holds it (errata Y24). */
WG_REF_API bool wg_ref_conv2d_backward_naive(const wg_ref_conv2d *h, const double *X,
                                             const double *W, const double *Z, const double *dY,
                                             double *dX, double *dW, double *db);

/** Gradients of S = sum G dX, with dX the result of conv2d_backward and G (n_ex, in_rows, in_cols,
 * in_ch): with P = conv2D(G, W) and Q = P dY act_fn''(Z),
 *     ddY = P act_fn'(Z), dX2 = col2im(W_col^T Q_col), db += sum of Q,
 *     dW_col += dZ_col G_col^T + Q_col X_col^T, dZ = dY act_fn'(Z).
 * ddY and dX2 are written. numpy-ml has no such method; a gradient penalty through a convolution
 * would want it. */
WG_REF_API bool wg_ref_conv2d_bwd2(const wg_ref_conv2d *h, const double *X, const double *W,
                                   const double *Z, const double *dY, const double *G, double *ddY,
                                   double *dX2, double *dW, double *db);

/** Conv1D.forward: Z = conv1D(X, W) + b, Y = act_fn(Z), both (n_ex, l_out, out_ch). b (out_ch) may
 * be NULL. Source: numpy-ml layers.Conv1D. */
WG_REF_API bool wg_ref_conv1d_forward(const wg_ref_conv1d *h, const double *X, const double *W,
                                      const double *b, double *Z, double *Y);

/** Conv1D.backward: that of Conv2D on images of one row. Source: numpy-ml layers.Conv1D._bwd. */
WG_REF_API bool wg_ref_conv1d_backward(const wg_ref_conv1d *h, const double *X, const double *W,
                                       const double *Z, const double *dY, double *dX, double *dW,
                                       double *db);

/** The same gradients element by element. Source: numpy-ml layers.Conv1D._backward_naive. */
WG_REF_API bool wg_ref_conv1d_backward_naive(const wg_ref_conv1d *h, const double *X,
                                             const double *W, const double *Z, const double *dY,
                                             double *dX, double *dW, double *db);

/** Deconv2D.forward: Z = deconv2D(X, W) + b, Y = act_fn(Z), both (n_ex, deconv2d_rows,
 * deconv2d_cols, out_ch). The transposed convolution is the adjoint of a convolution, so it is
 * computed as col2im of W_col^T X_col. b (out_ch) may be NULL. Source: numpy-ml layers.Deconv2D. */
WG_REF_API bool wg_ref_deconv2d_forward(const wg_ref_conv2d *h, const double *X, const double *W,
                                        const double *b, double *Z, double *Y);

/** Deconv2D.backward: dZ = dY act_fn'(Z), db += sum of dZ,
 *     dX[n,i,j,c] = sum over u, v, o of
 *         dZ[n, s i + u (d+1) - top, s j + v (d+1) - left, o] W[u,v,c,o],
 *     dW[u,v,c,o] += sum over n, i, j of
 *         X[n,i,j,c] dZ[n, s i + u (d+1) - top, s j + v (d+1) - left, o],
 * where dZ is 0 in the cropped rows and columns. dX, dW, db may be NULL.
 * Source: numpy-ml layers.Deconv2D._bwd, with pads as above (errata Y27, Y28). */
WG_REF_API bool wg_ref_deconv2d_backward(const wg_ref_conv2d *h, const double *X, const double *W,
                                         const double *Z, const double *dY, double *dX, double *dW,
                                         double *db);

/** Pool2D.forward: Y (n_ex, out_rows, out_cols, in_ch), the largest or the mean element of every
 * window. The zeros around X take part in the maximum and are counted in the mean; incomplete
 * windows at the end are dropped. Source: numpy-ml layers.Pool2D, mode 'max' and 'average'. */
WG_REF_API void wg_ref_pool2d_max_forward(const wg_ref_conv2d *h, const double *X, double *Y);
WG_REF_API void wg_ref_pool2d_average_forward(const wg_ref_conv2d *h, const double *X, double *Y);

/** Pool2D.backward. Maximum: dY goes to the first of the largest elements in row-major order of the
 * window, and is lost where that is one of the zeros around X. Mean: each element of the window
 * gets dY / (kernel_rows kernel_cols). dX (n_ex, in_rows, in_cols, in_ch) is written. Source:
 * numpy-ml layers.Pool2D.backward; windows are those of the padded image (errata Y25). */
WG_REF_API void wg_ref_pool2d_max_backward(const wg_ref_conv2d *h, const double *X,
                                           const double *dY, double *dX);
WG_REF_API void wg_ref_pool2d_average_backward(const wg_ref_conv2d *h, const double *dY,
                                               double *dX);

#ifdef __cplusplus
}
#endif

#endif
