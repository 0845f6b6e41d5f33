/* columns.c: sizes of convolutions, padding, and images as columns. */
#include <string.h>
#include <wengert/reference_conv.h>

#include "ref_window.h"

/* ---- sizes ---- */

static int64_t span(int64_t kernel, int64_t dilation)
{
    return kernel * (dilation + 1) - dilation;
}

int64_t wg_ref_conv_out(int64_t n, int64_t before, int64_t after, int64_t kernel, int64_t stride,
                        int64_t dilation)
{
    int64_t room = n + before + after - span(kernel, dilation);

    return room < 0 ? 0 : room / stride + 1;
}

static int64_t same_total(int64_t n, int64_t kernel, int64_t stride, int64_t dilation)
{
    int64_t total = stride * (n - 1) + span(kernel, dilation) - n;

    return total < 0 ? 0 : total;
}

void wg_ref_pad_same(int64_t n, int64_t kernel, int64_t stride, int64_t dilation, int64_t *before,
                     int64_t *after)
{
    int64_t total = same_total(n, kernel, stride, dilation);

    *before = total / 2;
    *after = total - total / 2;
}

void wg_ref_pad_causal(int64_t n, int64_t kernel, int64_t stride, int64_t dilation, int64_t *before,
                       int64_t *after)
{
    *before = same_total(n, kernel, stride, dilation);
    *after = 0;
}

wg_ref_pad wg_ref_pad_same2d(const wg_ref_conv2d *h)
{
    wg_ref_pad pad = { 0 };

    wg_ref_pad_same(h->in_rows, h->kernel_rows, h->stride, h->dilation, &pad.top, &pad.bottom);
    wg_ref_pad_same(h->in_cols, h->kernel_cols, h->stride, h->dilation, &pad.left, &pad.right);
    return pad;
}

wg_ref_pad wg_ref_deconv2d_same(const wg_ref_conv2d *h)
{
    wg_ref_pad pad = { 0 };

    wg_ref_pad_same(1, h->kernel_rows, 1, h->dilation, &pad.top, &pad.bottom);
    wg_ref_pad_same(1, h->kernel_cols, 1, h->dilation, &pad.left, &pad.right);
    return pad;
}

int64_t wg_ref_conv2d_rows(const wg_ref_conv2d *h)
{
    return wg_ref_conv_out(h->in_rows, h->pad.top, h->pad.bottom, h->kernel_rows, h->stride,
                           h->dilation);
}

int64_t wg_ref_conv2d_cols(const wg_ref_conv2d *h)
{
    return wg_ref_conv_out(h->in_cols, h->pad.left, h->pad.right, h->kernel_cols, h->stride,
                           h->dilation);
}

int64_t wg_ref_conv1d_length(const wg_ref_conv1d *h)
{
    return wg_ref_conv_out(h->l_in, h->left, h->right, h->kernel_width, h->stride, h->dilation);
}

static int64_t deconv_out(int64_t n, int64_t before, int64_t after, int64_t span, int64_t stride)
{
    int64_t out = stride * (n - 1) + span - before - after;

    return n < 1 || out < 0 ? 0 : out;
}

int64_t wg_ref_deconv2d_rows(const wg_ref_conv2d *h)
{
    return deconv_out(h->in_rows, h->pad.top, h->pad.bottom, span(h->kernel_rows, h->dilation),
                      h->stride);
}

int64_t wg_ref_deconv2d_cols(const wg_ref_conv2d *h)
{
    return deconv_out(h->in_cols, h->pad.left, h->pad.right, span(h->kernel_cols, h->dilation),
                      h->stride);
}

/* ---- padding and dilation ---- */

/* Y (n_ex, y_rows, y_cols, ch): zeros, but X[n,i,j] at (first_row + step i, first_col + step j). */
static void spread(int64_t n_ex, int64_t rows, int64_t cols, int64_t ch, const double *X,
                   int64_t y_rows, int64_t y_cols, int64_t first_row, int64_t first_col,
                   int64_t step, double *Y)
{
    memset(Y, 0, (size_t)(n_ex * y_rows * y_cols * ch) * sizeof *Y);
    for (int64_t n = 0; n < n_ex; n++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++) {
                int64_t row = first_row + step * i, col = first_col + step * j;

                memcpy(Y + ((n * y_rows + row) * y_cols + col) * ch,
                       X + ((n * rows + i) * cols + j) * ch, (size_t)ch * sizeof *Y);
            }
}

void wg_ref_pad2D(int64_t n_ex, int64_t rows, int64_t cols, int64_t ch, wg_ref_pad pad,
                  const double *X, double *Y)
{
    spread(n_ex, rows, cols, ch, X, rows + pad.top + pad.bottom, cols + pad.left + pad.right,
           pad.top, pad.left, 1, Y);
}

void wg_ref_dilate(int64_t n_ex, int64_t rows, int64_t cols, int64_t ch, int64_t d, const double *X,
                   double *Y)
{
    spread(n_ex, rows, cols, ch, X, rows > 0 ? rows + (rows - 1) * d : 0,
           cols > 0 ? cols + (cols - 1) * d : 0, 0, 0, d + 1, Y);
}

/* ---- columns ---- */

void wg_ref_im2col(const wg_ref_conv2d *h, const double *X, double *X_col)
{
    int64_t out_rows = wg_ref_conv2d_rows(h), out_cols = wg_ref_conv2d_cols(h), at = 0;

    for (int64_t c = 0; c < h->in_ch; c++)
        for (int64_t u = 0; u < h->kernel_rows; u++)
            for (int64_t v = 0; v < h->kernel_cols; v++)
                for (int64_t i = 0; i < out_rows; i++)
                    for (int64_t j = 0; j < out_cols; j++)
                        for (int64_t n = 0; n < h->n_ex; n++) {
                            int64_t seen = ref_seen(h, n, i, j, u, v);

                            X_col[at++] = seen < 0 ? 0 : X[seen + c];
                        }
}

void wg_ref_col2im(const wg_ref_conv2d *h, const double *X_col, double *X)
{
    int64_t out_rows = wg_ref_conv2d_rows(h), out_cols = wg_ref_conv2d_cols(h), at = 0;

    memset(X, 0, (size_t)(h->n_ex * h->in_rows * h->in_cols * h->in_ch) * sizeof *X);
    for (int64_t c = 0; c < h->in_ch; c++)
        for (int64_t u = 0; u < h->kernel_rows; u++)
            for (int64_t v = 0; v < h->kernel_cols; v++)
                for (int64_t i = 0; i < out_rows; i++)
                    for (int64_t j = 0; j < out_cols; j++)
                        for (int64_t n = 0; n < h->n_ex; n++, at++) {
                            int64_t seen = ref_seen(h, n, i, j, u, v);

                            if (seen >= 0) X[seen + c] += X_col[at];
                        }
}
