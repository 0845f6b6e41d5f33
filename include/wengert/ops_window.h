/* ops_window.h: convolution, pooling, windows: images are [n, rows, cols, channels]. */
#ifndef WENGERT_OPS_WINDOW_H
#define WENGERT_OPS_WINDOW_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WG_PAD_EXPLICIT, WG_PAD_SAME, WG_PAD_CAUSAL, WG_PAD_HALF, WG_PAD_FRONT };

/* A window: zero means the default. Fields hold rows first, then columns. The effective kernel is
 * what a window reaches over: (k - 1)(dilation + 1) + 1. Padding is resolved anew for the extents
 * at hand. No number exceeds 2^31 - 1. */
typedef struct {
    /* extents of a pooling or im2col window, >= 1 there; unused by convolutions */
    int64_t kernel[2];
    int64_t stride[2];   /* >= 1; 0 means 1 */
    int64_t dilation[2]; /* elements inserted between taps; 0 is an ordinary kernel */
    /* WG_PAD_SAME: total = stride (n - 1) + effective kernel - n, at least 0, total / 2 of it
     * before, the rest after: the extent stays as it is, at any stride. WG_PAD_CAUSAL: that
     * total, all before. WG_PAD_HALF, WG_PAD_FRONT: the same two with the total of stride 1,
     * effective kernel - 1: the extent becomes (n - 1) / stride + 1, floored */
    int64_t pad_mode;
    int64_t pad[4]; /* top, bottom, left, right, >= 0; explicit mode */
} wg_window;

/** Cross-correlation: y[i, o, p, q] = sum over r, c, k of x[i, o stride - top + r (dilation + 1),
 * ..., k] w[r, c, k, q]. x [n, rows, cols, in], w [krows, kcols, in, out] -> [n, rows', cols',
 * out]; f32 or f64, both alike. rows' = (rows + top + bottom - effective kernel) / stride + 1,
 * floored; zeros lie around x. An element is summed in one order, row of the kernel by row,
 * whatever the batch and the threads.
 *
 * f32 with a kernel of 3 x 3, stride 1, no dilation, 16 channels or more on both sides and images
 * of about 7 x 7 or more goes through Winograd's F(4x4, 3x3), with 4 times fewer multiplications,
 * unless WG_PASS_WINOGRAD is off. With u = 2^-24 the error is then at most 162 u (min(in, 256) +
 * in / 256 + 26) times the sum over k of the largest |x[..., k]| in the patch of 6 x 6 places that
 * the element's tile of 4 x 4 is made from, times all |w[..., k, q]|; the mean error measured is
 * 2.3 to 5.2 times that of the direct form (docs/numerics.md). What is not finite makes NaN of the
 * tiles whose patch it is in; above 4e36 it may overflow there.
 *
 * Errors: WG_ESHAPE unless both have rank 4 and in agrees, or when the window does not fit; WG_EARG
 * for negative numbers; WG_EDTYPE. Source: numpy-ml layers.py, Conv2D. */
WG_API wg_tensor *wg_conv2d(wg_tensor *x, wg_tensor *w, wg_window window);

/** The adjoint of wg_conv2d in x: dy [n, rows', cols', out], w [krows, kcols, in, out] -> the type
 * of `like` [n, rows, cols, in], of which only the type is used. like NULL is transposed
 * convolution (Deconv2D): rows = stride (rows' - 1) + effective kernel - top - bottom, where SAME
 * and CAUSAL stand for HALF and FRONT, which crop. Winograd's algorithm and its bound as for
 * wg_conv2d, with dy and out for x and in. Errors: as wg_conv2d, and WG_ESHAPE when the windows of
 * `like` are not those of dy. Source: numpy-ml layers.py, Deconv2D. */
WG_API wg_tensor *wg_conv2d_dx(wg_tensor *dy, wg_tensor *w, wg_tensor *like, wg_window window);

/** The adjoint of wg_conv2d in w: x [n, rows, cols, in], dy [n, rows', cols', out] -> the type of
 * `like` [krows, kcols, in, out], of which only the type is used. Where wg_conv2d takes Winograd's
 * algorithm, the error is at most 162 u (84 + t / 48) times the sum over all t tiles of 4 x 4
 * places of dy of the largest |x| in the tile's patch times all |dy| in the tile. Errors: WG_ESHAPE
 * when the windows of x are not those of dy, WG_EDTYPE, WG_EARG. */
WG_API wg_tensor *wg_conv2d_dw(wg_tensor *x, wg_tensor *dy, wg_tensor *like, wg_window window);

/** Windows of x [n, rows, cols, ch] reduced to their mean, or their largest element (NaN if one is
 * NaN) -> [n, rows', cols', ch]; window.kernel gives the extents; f32 or f64. Windows that are not
 * whole at the end are dropped. Padding is zeros that count in the mean and take part in the
 * maximum (numpy-ml). The gradient of the maximum goes to the first of equals in row-major order of
 * the window, nowhere when that is padding. Errors: WG_ESHAPE unless rank 4 and the window fits;
 * WG_EARG. Source: numpy-ml layers.py, Pool2D. */
WG_API wg_tensor *wg_avg_pool2d(wg_tensor *x, wg_window window);
WG_API wg_tensor *wg_max_pool2d(wg_tensor *x, wg_window window);

/** Every window of x [n, rows, cols, ch] as a row: -> [n, rows', cols', krows, kcols, ch]; f32 or
 * f64; zeros for padding. Errors: as the pools. Source: numpy-ml utils.py, im2col (whose result has
 * these as columns). */
WG_API wg_tensor *wg_im2col(wg_tensor *x, wg_window window);

/** The adjoint of wg_im2col: overlapping windows add up into the type of `like` [n, rows, cols,
 * ch]. Errors: WG_ESHAPE when c is not the windows of `like`. */
WG_API wg_tensor *wg_col2im_like(wg_tensor *c, wg_tensor *like, wg_window window);

/* ---- partners that gradient rules record ---- */

/** The adjoint of wg_avg_pool2d: dy spread over the windows of `like`, of which only the type is
 * used. */
WG_API wg_tensor *wg_avg_spread(wg_tensor *dy, wg_tensor *like, wg_window window);

/** dy [n, rows', cols', ch] put, and added up, where the maxima of the windows of x [n, rows, cols,
 * ch] lie (linear in dy); and u, of x's type, read there, 0 in padding (linear in u): adjoint of
 * each other. Their gradient with respect to x is zero. */
WG_API wg_tensor *wg_pool_scatter(wg_tensor *dy, wg_tensor *x, wg_window window);
WG_API wg_tensor *wg_pool_pick(wg_tensor *u, wg_tensor *x, wg_window window);

/** Conv1D: x [n, length, in], w [width, in, out] -> [n, length', out], through wg_conv2d with one
 * column; window.*[0] and the first two paddings (left, right) count. */
WG_API wg_tensor *wg_conv1d(wg_tensor *x, wg_tensor *w, wg_window window);

#ifndef WG_NO_SITES
#define wg_conv2d(...)       wg_at(WG_SITE, wg_conv2d(__VA_ARGS__))
#define wg_conv2d_dx(...)    wg_at(WG_SITE, wg_conv2d_dx(__VA_ARGS__))
#define wg_conv2d_dw(...)    wg_at(WG_SITE, wg_conv2d_dw(__VA_ARGS__))
#define wg_avg_pool2d(...)   wg_at(WG_SITE, wg_avg_pool2d(__VA_ARGS__))
#define wg_max_pool2d(...)   wg_at(WG_SITE, wg_max_pool2d(__VA_ARGS__))
#define wg_im2col(...)       wg_at(WG_SITE, wg_im2col(__VA_ARGS__))
#define wg_col2im_like(...)  wg_at(WG_SITE, wg_col2im_like(__VA_ARGS__))
#define wg_avg_spread(...)   wg_at(WG_SITE, wg_avg_spread(__VA_ARGS__))
#define wg_pool_scatter(...) wg_at(WG_SITE, wg_pool_scatter(__VA_ARGS__))
#define wg_pool_pick(...)    wg_at(WG_SITE, wg_pool_pick(__VA_ARGS__))
#define wg_conv1d(...)       wg_at(WG_SITE, wg_conv1d(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
