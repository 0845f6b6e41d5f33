/* deconv2d.c: transposed convolution, which is the adjoint of a convolution of its output. */
#include <wengert/reference_conv.h>

#include "ref_matrix.h"
#include "ref_window.h"

bool wg_ref_deconv2D_naive(const wg_ref_conv2d *h, const double *X, const double *W, double *Z)
{
    int64_t rows = h->in_rows > 0 ? h->in_rows + (h->in_rows - 1) * (h->stride - 1) : 0;
    int64_t cols = h->in_cols > 0 ? h->in_cols + (h->in_cols - 1) * (h->stride - 1) : 0;
    int64_t span_rows = h->kernel_rows * (h->dilation + 1) - h->dilation;
    int64_t span_cols = h->kernel_cols * (h->dilation + 1) - h->dilation;
    int64_t z_rows = wg_ref_deconv2d_rows(h), z_cols = wg_ref_deconv2d_cols(h);
    /* The full result, one row and column for every place where kernel and image touch. */
    wg_ref_conv2d full = { .n_ex = h->n_ex,
                           .in_rows = rows,
                           .in_cols = cols,
                           .in_ch = h->in_ch,
                           .kernel_rows = h->kernel_rows,
                           .kernel_cols = h->kernel_cols,
                           .out_ch = h->out_ch,
                           .stride = 1,
                           .dilation = h->dilation,
                           .pad = { span_rows - 1, span_rows - 1, span_cols - 1, span_cols - 1 } };
    int64_t full_rows = wg_ref_conv2d_rows(&full), full_cols = wg_ref_conv2d_cols(&full);
    int64_t wide = h->n_ex * rows * cols * h->in_ch;
    double *dilated = ref_zeros(wide + ref_taps(h) + h->n_ex * full_rows * full_cols * h->out_ch);
    double *turned, *whole;

    if (!dilated) return false;
    turned = dilated + wide;
    whole = turned + ref_taps(h);
    wg_ref_dilate(h->n_ex, h->in_rows, h->in_cols, h->in_ch, h->stride - 1, X, dilated);
    for (int64_t u = 0; u < h->kernel_rows; u++)
        for (int64_t v = 0; v < h->kernel_cols; v++)
            for (int64_t c = 0; c < h->in_ch; c++)
                for (int64_t o = 0; o < h->out_ch; o++)
                    turned[ref_tap(h, u, v, c, o)] =
                        W[ref_tap(h, h->kernel_rows - 1 - u, h->kernel_cols - 1 - v, c, o)];
    wg_ref_conv2D_naive(&full, dilated, turned, whole);
    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t i = 0; i < z_rows; i++)
            for (int64_t j = 0; j < z_cols; j++)
                for (int64_t o = 0; o < h->out_ch; o++)
                    Z[((n * z_rows + i) * z_cols + j) * h->out_ch + o] =
                        whole[((n * full_rows + i + h->pad.top) * full_cols + j + h->pad.left) *
                                  h->out_ch +
                              o];
    free(dilated);
    return true;
}

/* The convolution whose adjoint this deconvolution is: it reads images like Z, with the cropped
 * rows and columns as its padding, and makes images like X. */
static wg_ref_conv2d adjoint(const wg_ref_conv2d *h)
{
    wg_ref_conv2d a = *h;

    a.in_rows = wg_ref_deconv2d_rows(h);
    a.in_cols = wg_ref_deconv2d_cols(h);
    a.in_ch = h->out_ch;
    a.out_ch = h->in_ch;
    return a;
}

/* W (kernel_rows, kernel_cols, in_ch, out_ch) at row (out channel, u, v) of the columns of Z and
 * column in channel. */
static int64_t tap_of(const wg_ref_conv2d *h, int64_t row, int64_t c)
{
    int64_t v = row % h->kernel_cols, u = row / h->kernel_cols % h->kernel_rows;

    return ref_tap(h, u, v, c, row / h->kernel_cols / h->kernel_rows);
}

/* X_col (in_ch, in_rows in_cols n_ex) of X (n_ex, in_rows, in_cols, in_ch). */
static int64_t place_of(const wg_ref_conv2d *h, int64_t c, int64_t column)
{
    int64_t places = h->in_rows * h->in_cols;

    return (column % h->n_ex * places + column / h->n_ex) * h->in_ch + c;
}

bool wg_ref_deconv2d_forward(const wg_ref_conv2d *h, const double *X, const double *W,
                             const double *b, double *Z, double *Y)
{
    wg_ref_conv2d a = adjoint(h);
    int64_t rows = ref_col_rows(&a), columns = h->n_ex * h->in_rows * h->in_cols;
    int64_t out = h->n_ex * a.in_rows * a.in_cols;
    double *Z_col = ref_zeros(rows * columns);

    if (!Z_col) return false;
    if (out == 0) rows = 0; /* all is cropped: there is nothing to make */
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < h->in_ch; c++)
            for (int64_t p = 0; p < columns; p++)
                Z_col[r * columns + p] += W[tap_of(h, r, c)] * X[place_of(h, c, p)];
    if (out > 0) wg_ref_col2im(&a, Z_col, Z);
    if (b) ref_add_bias(out, h->out_ch, b, Z);
    wg_ref_act_fn_n(h->act_fn, out * h->out_ch, Z, Y);
    free(Z_col);
    return true;
}

bool wg_ref_deconv2d_backward(const wg_ref_conv2d *h, const double *X, const double *W,
                              const double *Z, const double *dY, double *dX, double *dW, double *db)
{
    wg_ref_conv2d a = adjoint(h);
    int64_t rows = ref_col_rows(&a), columns = h->n_ex * h->in_rows * h->in_cols;
    int64_t out = h->n_ex * a.in_rows * a.in_cols;
    double *dZ = ref_zeros(out * h->out_ch + rows * columns), *dZ_col;

    if (!dZ) return false;
    dZ_col = dZ + out * h->out_ch;
    wg_ref_act_backward(h->act_fn, out * h->out_ch, Z, dY, dZ);
    if (db) ref_add_rows(out, h->out_ch, dZ, db);
    if (out > 0) wg_ref_im2col(&a, dZ, dZ_col); /* else all is cropped, and no gradient flows */
    for (int64_t i = 0; i < columns * h->in_ch && dX; i++) dX[i] = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < h->in_ch; c++)
            for (int64_t p = 0; p < columns; p++) {
                int64_t tap = tap_of(h, r, c), place = place_of(h, c, p);

                if (dX) dX[place] += W[tap] * dZ_col[r * columns + p];
                if (dW) dW[tap] += X[place] * dZ_col[r * columns + p];
            }
    free(dZ);
    return true;
}
