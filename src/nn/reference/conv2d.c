/* conv2d.c: convolutions of images and of sequences, by columns and element by element. */
#include <wengert/reference_conv.h>

#include "ref_matrix.h"
#include "ref_window.h"

/* ---- orders of axes ---- */

/* W_col (out_ch, in_ch kernel_rows kernel_cols) of W; backwards: W += W_col. */
static void kernel_columns(const wg_ref_conv2d *h, const double *W, double *W_col)
{
    int64_t at = 0;

    for (int64_t o = 0; o < h->out_ch; o++)
        for (int64_t c = 0; c < h->in_ch; c++)
            for (int64_t u = 0; u < h->kernel_rows; u++)
                for (int64_t v = 0; v < h->kernel_cols; v++)
                    W_col[at++] = W[ref_tap(h, u, v, c, o)];
}

static void add_kernel(const wg_ref_conv2d *h, const double *W_col, double *W)
{
    int64_t at = 0;

    for (int64_t o = 0; o < h->out_ch; o++)
        for (int64_t c = 0; c < h->in_ch; c++)
            for (int64_t u = 0; u < h->kernel_rows; u++)
                for (int64_t v = 0; v < h->kernel_cols; v++)
                    W[ref_tap(h, u, v, c, o)] += W_col[at++];
}

/* Z (n_ex, places, ch) of Z_col (ch, places n_ex), and back. */
static void columns_to_images(int64_t n_ex, int64_t places, int64_t ch, const double *Z_col,
                              double *Z)
{
    for (int64_t o = 0; o < ch; o++)
        for (int64_t p = 0; p < places; p++)
            for (int64_t n = 0; n < n_ex; n++)
                Z[(n * places + p) * ch + o] = Z_col[(o * places + p) * n_ex + n];
}

static void images_to_columns(int64_t n_ex, int64_t places, int64_t ch, const double *Z,
                              double *Z_col)
{
    for (int64_t o = 0; o < ch; o++)
        for (int64_t p = 0; p < places; p++)
            for (int64_t n = 0; n < n_ex; n++)
                Z_col[(o * places + p) * n_ex + n] = Z[(n * places + p) * ch + o];
}

/* ---- products ---- */

bool wg_ref_conv2D(const wg_ref_conv2d *h, const double *X, const double *W, double *Z)
{
    int64_t places = wg_ref_conv2d_rows(h) * wg_ref_conv2d_cols(h), n = places * h->n_ex;
    int64_t k = ref_col_rows(h);
    double *W_col = ref_zeros(ref_taps(h) + k * n + h->out_ch * n), *X_col, *Z_col;

    if (!W_col) return false;
    X_col = W_col + ref_taps(h);
    Z_col = X_col + k * n;
    kernel_columns(h, W, W_col);
    wg_ref_im2col(h, X, X_col);
    ref_add_product(h->out_ch, k, n, W_col, X_col, Z_col);
    columns_to_images(h->n_ex, places, h->out_ch, Z_col, Z);
    free(W_col);
    return true;
}

void wg_ref_conv2D_naive(const wg_ref_conv2d *h, const double *X, const double *W, double *Z)
{
    int64_t out_rows = wg_ref_conv2d_rows(h), out_cols = wg_ref_conv2d_cols(h), at = 0;

    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t i = 0; i < out_rows; i++)
            for (int64_t j = 0; j < out_cols; j++)
                for (int64_t o = 0; o < h->out_ch; o++) {
                    double sum = 0;

                    for (int64_t u = 0; u < h->kernel_rows; u++)
                        for (int64_t v = 0; v < h->kernel_cols; v++) {
                            int64_t seen = ref_seen(h, n, i, j, u, v);

                            for (int64_t c = 0; c < h->in_ch && seen >= 0; c++)
                                sum += X[seen + c] * W[ref_tap(h, u, v, c, o)];
                        }
                    Z[at++] = sum;
                }
}

/* ---- Conv2D ---- */

bool wg_ref_conv2d_forward(const wg_ref_conv2d *h, const double *X, const double *W,
                           const double *b, double *Z, double *Y)
{
    int64_t n = h->n_ex * wg_ref_conv2d_rows(h) * wg_ref_conv2d_cols(h);

    if (!wg_ref_conv2D(h, X, W, Z)) return false;
    if (b) ref_add_bias(n, h->out_ch, b, Z);
    wg_ref_act_fn_n(h->act_fn, n * h->out_ch, Z, Y);
    return true;
}

bool wg_ref_conv2d_backward(const wg_ref_conv2d *h, const double *X, const double *W,
                            const double *Z, const double *dY, double *dX, double *dW, double *db)
{
    int64_t places = wg_ref_conv2d_rows(h) * wg_ref_conv2d_cols(h), n = places * h->n_ex;
    int64_t k = ref_col_rows(h), taps = ref_taps(h), m = h->out_ch * n;
    double *dZ = ref_zeros(2 * m + 2 * k * n + 2 * taps), *dZ_col, *X_col, *dX_col, *W_col, *dW_col;

    if (!dZ) return false;
    dZ_col = dZ + m;
    X_col = dZ_col + m;
    dX_col = X_col + k * n;
    W_col = dX_col + k * n;
    dW_col = W_col + taps;
    wg_ref_act_backward(h->act_fn, m, Z, dY, dZ);
    images_to_columns(h->n_ex, places, h->out_ch, dZ, dZ_col);
    if (db) ref_add_rows(n, h->out_ch, dZ, db);
    if (dW) {
        wg_ref_im2col(h, X, X_col);
        ref_add_product_nt(h->out_ch, n, k, dZ_col, X_col, dW_col);
        add_kernel(h, dW_col, dW);
    }
    if (dX) {
        kernel_columns(h, W, W_col);
        ref_add_product_tn(k, h->out_ch, n, W_col, dZ_col, dX_col);
        wg_ref_col2im(h, dX_col, dX);
    }
    free(dZ);
    return true;
}

/* One output element: its dZ goes to every weight it was made with, and to every input. */
static void spread_element(const wg_ref_conv2d *h, int64_t n, int64_t i, int64_t j, int64_t o,
                           double dz, const double *X, const double *W, double *dX, double *dW)
{
    for (int64_t u = 0; u < h->kernel_rows; u++)
        for (int64_t v = 0; v < h->kernel_cols; v++) {
            int64_t seen = ref_seen(h, n, i, j, u, v);

            for (int64_t c = 0; c < h->in_ch && seen >= 0; c++) {
                int64_t tap = ref_tap(h, u, v, c, o);

                if (dW) dW[tap] += dz * X[seen + c];
                if (dX) dX[seen + c] += dz * W[tap];
            }
        }
}

bool wg_ref_conv2d_backward_naive(const wg_ref_conv2d *h, const double *X, const double *W,
                                  const double *Z, const double *dY, double *dX, double *dW,
                                  double *db)
{
    int64_t out_rows = wg_ref_conv2d_rows(h), out_cols = wg_ref_conv2d_cols(h), at = 0;
    int64_t in = h->n_ex * h->in_rows * h->in_cols * h->in_ch;
    double *dZ = ref_zeros(h->n_ex * out_rows * out_cols * h->out_ch);

    if (!dZ) return false;
    wg_ref_act_backward(h->act_fn, h->n_ex * out_rows * out_cols * h->out_ch, Z, dY, dZ);
    for (int64_t i = 0; i < in && dX; i++) dX[i] = 0;
    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t i = 0; i < out_rows; i++)
            for (int64_t j = 0; j < out_cols; j++)
                for (int64_t o = 0; o < h->out_ch; o++, at++) {
                    if (db) db[o] += dZ[at];
                    spread_element(h, n, i, j, o, dZ[at], X, W, dX, dW);
                }
    free(dZ);
    return true;
}

bool wg_ref_conv2d_bwd2(const wg_ref_conv2d *h, const double *X, const double *W, const double *Z,
                        const double *dY, const double *G, double *ddY, double *dX2, double *dW,
                        double *db)
{
    int64_t n = h->n_ex * wg_ref_conv2d_rows(h) * wg_ref_conv2d_cols(h) * h->out_ch;
    double *P = ref_zeros(3 * n), *Q, *dZ;
    wg_ref_conv2d linear = *h;
    bool ok;

    if (!P) return false;
    Q = P + n;
    dZ = Q + n;
    linear.act_fn = (wg_ref_act){ WG_REF_IDENTITY, 0, 0 };
    ok = wg_ref_conv2D(h, G, W, P);
    wg_ref_act_backward(h->act_fn, n, Z, dY, dZ);
    wg_ref_act_backward(h->act_fn, n, Z, P, ddY);
    for (int64_t i = 0; i < n; i++) Q[i] = P[i] * dY[i] * wg_ref_act_grad2(h->act_fn, Z[i]);
    ok = ok && wg_ref_conv2d_backward(&linear, G, W, Z, dZ, NULL, dW, NULL) &&
         wg_ref_conv2d_backward(&linear, X, W, Z, Q, dX2, dW, db);
    free(P);
    return ok;
}

/* ---- Conv1D ---- */

/* A sequence is an image of one row. */
static wg_ref_conv2d one_row(const wg_ref_conv1d *h)
{
    return (wg_ref_conv2d){ .n_ex = h->n_ex,
                            .in_rows = 1,
                            .in_cols = h->l_in,
                            .in_ch = h->in_ch,
                            .kernel_rows = 1,
                            .kernel_cols = h->kernel_width,
                            .out_ch = h->out_ch,
                            .stride = h->stride,
                            .dilation = h->dilation,
                            .pad = { .left = h->left, .right = h->right },
                            .act_fn = h->act_fn };
}

bool wg_ref_conv1D(const wg_ref_conv1d *h, const double *X, const double *W, double *Z)
{
    wg_ref_conv2d image = one_row(h);

    return wg_ref_conv2D(&image, X, W, Z);
}

bool wg_ref_conv1d_forward(const wg_ref_conv1d *h, const double *X, const double *W,
                           const double *b, double *Z, double *Y)
{
    wg_ref_conv2d image = one_row(h);

    return wg_ref_conv2d_forward(&image, X, W, b, Z, Y);
}

bool wg_ref_conv1d_backward(const wg_ref_conv1d *h, const double *X, const double *W,
                            const double *Z, const double *dY, double *dX, double *dW, double *db)
{
    wg_ref_conv2d image = one_row(h);

    return wg_ref_conv2d_backward(&image, X, W, Z, dY, dX, dW, db);
}

bool wg_ref_conv1d_backward_naive(const wg_ref_conv1d *h, const double *X, const double *W,
                                  const double *Z, const double *dY, double *dX, double *dW,
                                  double *db)
{
    wg_ref_conv2d image = one_row(h);

    return wg_ref_conv2d_backward_naive(&image, X, W, Z, dY, dX, dW, db);
}
