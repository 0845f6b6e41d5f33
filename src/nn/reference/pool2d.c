/* pool2d.c: the largest or the mean element of windows. */
#include <string.h>
#include <wengert/reference_conv.h>

#include "ref_window.h"

/* Index in X of the first largest element of channel c in the window, -1 when that is a zero around
 * the image; *most is its value. */
static int64_t largest(const wg_ref_conv2d *h, const double *X, int64_t n, int64_t i, int64_t j,
                       int64_t c, double *most)
{
    int64_t where = -1;

    for (int64_t u = 0; u < h->kernel_rows; u++)
        for (int64_t v = 0; v < h->kernel_cols; v++) {
            int64_t seen = ref_seen(h, n, i, j, u, v);
            double x = seen < 0 ? 0 : X[seen + c];

            if ((u > 0 || v > 0) && !(x > *most)) continue;
            *most = x;
            where = seen < 0 ? -1 : seen + c;
        }
    return where;
}

void wg_ref_pool2d_max_forward(const wg_ref_conv2d *h, const double *X, double *Y)
{
    int64_t out_rows = wg_ref_conv2d_rows(h), out_cols = wg_ref_conv2d_cols(h);

    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t i = 0; i < out_rows; i++)
            for (int64_t j = 0; j < out_cols; j++)
                for (int64_t c = 0; c < h->in_ch; c++) largest(h, X, n, i, j, c, Y++);
}

void wg_ref_pool2d_max_backward(const wg_ref_conv2d *h, const double *X, const double *dY,
                                double *dX)
{
    int64_t out_rows = wg_ref_conv2d_rows(h), out_cols = wg_ref_conv2d_cols(h);

    memset(dX, 0, (size_t)(h->n_ex * h->in_rows * h->in_cols * h->in_ch) * sizeof *dX);
    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t i = 0; i < out_rows; i++)
            for (int64_t j = 0; j < out_cols; j++)
                for (int64_t c = 0; c < h->in_ch; c++, dY++) {
                    double most = 0;
                    int64_t where = largest(h, X, n, i, j, c, &most);

                    if (where >= 0) dX[where] += *dY;
                }
}

void wg_ref_pool2d_average_forward(const wg_ref_conv2d *h, const double *X, double *Y)
{
    int64_t out_rows = wg_ref_conv2d_rows(h), out_cols = wg_ref_conv2d_cols(h);

    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t i = 0; i < out_rows; i++)
            for (int64_t j = 0; j < out_cols; j++)
                for (int64_t c = 0; c < h->in_ch; c++) {
                    double sum = 0;

                    for (int64_t u = 0; u < h->kernel_rows; u++)
                        for (int64_t v = 0; v < h->kernel_cols; v++) {
                            int64_t seen = ref_seen(h, n, i, j, u, v);

                            if (seen >= 0) sum += X[seen + c];
                        }
                    *Y++ = sum / (double)(h->kernel_rows * h->kernel_cols);
                }
}

void wg_ref_pool2d_average_backward(const wg_ref_conv2d *h, const double *dY, double *dX)
{
    int64_t out_rows = wg_ref_conv2d_rows(h), out_cols = wg_ref_conv2d_cols(h);

    memset(dX, 0, (size_t)(h->n_ex * h->in_rows * h->in_cols * h->in_ch) * sizeof *dX);
    for (int64_t n = 0; n < h->n_ex; n++)
        for (int64_t i = 0; i < out_rows; i++)
            for (int64_t j = 0; j < out_cols; j++)
                for (int64_t c = 0; c < h->in_ch; c++, dY++)
                    for (int64_t u = 0; u < h->kernel_rows; u++)
                        for (int64_t v = 0; v < h->kernel_cols; v++) {
                            int64_t seen = ref_seen(h, n, i, j, u, v);

                            if (seen >= 0)
                                dX[seen + c] += *dY / (double)(h->kernel_rows * h->kernel_cols);
                        }
}
