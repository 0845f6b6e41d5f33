/* ref_window.h: where a window stands over an image. Not public. */
#ifndef REF_WINDOW_H
#define REF_WINDOW_H

#include <wengert/reference_conv.h>

/* Index of channel 0 of the element of X that tap (u, v) of the window at (i, j) of example n sees;
 * -1 where it sees a zero around the image. */
static inline int64_t ref_seen(const wg_ref_conv2d *h, int64_t n, int64_t i, int64_t j, int64_t u,
                               int64_t v)
{
    int64_t row = i * h->stride + u * (h->dilation + 1) - h->pad.top;
    int64_t col = j * h->stride + v * (h->dilation + 1) - h->pad.left;

    if (row < 0 || row >= h->in_rows || col < 0 || col >= h->in_cols) return -1;
    return ((n * h->in_rows + row) * h->in_cols + col) * h->in_ch;
}

/* W (kernel_rows, kernel_cols, in_ch, out_ch) at (u, v, c, o). */
static inline int64_t ref_tap(const wg_ref_conv2d *h, int64_t u, int64_t v, int64_t c, int64_t o)
{
    return ((u * h->kernel_cols + v) * h->in_ch + c) * h->out_ch + o;
}

/* Entries of the kernel. */
static inline int64_t ref_taps(const wg_ref_conv2d *h)
{
    return h->kernel_rows * h->kernel_cols * h->in_ch * h->out_ch;
}

/* Rows of X_col. */
static inline int64_t ref_col_rows(const wg_ref_conv2d *h)
{
    return h->in_ch * h->kernel_rows * h->kernel_cols;
}

#endif
