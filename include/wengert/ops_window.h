/* ops_window.h: convolution, pooling, windows: images are [n, rows, cols, channels]. */
#ifndef WENGERT_OPS_WINDOW_H
#define WENGERT_OPS_WINDOW_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WG_PAD_EXPLICIT, WG_PAD_SAME, WG_PAD_CAUSAL };

/* A window: zero means the default. Fields hold rows first, then columns. */
typedef struct {
    int64_t kernel[2];    /* extents of a pooling or im2col window, >= 1 there; unused by convolutions */
    int64_t stride[2];    /* >= 1; 0 means 1 */
    int64_t dilation[2];  /* elements inserted between taps; 0 is an ordinary kernel */
    int64_t pad_mode;     /* WG_PAD_SAME: total = stride (n - 1) + effective kernel - n, total / 2 of it before, the
                             rest after; WG_PAD_CAUSAL: the whole total before */
    int64_t pad[4];       /* top, bottom, left, right, >= 0; explicit mode */
} wg_window;

/** Cross-correlation of x [n, rows, cols, in] with w [krows, kcols, in, out] -> [n, rows', cols', out]. Real.
 * rows' = (rows + top + bottom - ((krows - 1)(dilation + 1) + 1)) / stride + 1, floored. Errors: WG_ESHAPE when the
 * channels differ or the window does not fit; WG_EARG for negative numbers. Source: numpy-ml layers.py, Conv2D. */
WG_API wg_tensor *wg_conv2d(wg_tensor *x, wg_tensor *w, wg_window window);

/** The adjoint of wg_conv2d in x: dy [n, rows', cols', out], w -> the type of `like`, of which only the type is used. like NULL (Deconv2D):
 * rows = stride (rows' - 1) + effective kernel - top - bottom; explicit padding only crops. */
WG_API wg_tensor *wg_conv2d_dx(wg_tensor *dy, wg_tensor *w, wg_tensor *like, wg_window window);

/** The adjoint in w: x, dy -> the type of `like` [krows, kcols, in, out], of which only the type is used. */
WG_API wg_tensor *wg_conv2d_dw(wg_tensor *x, wg_tensor *dy, wg_tensor *like, wg_window window);

/** Windows of x [n, rows, cols, ch] reduced to their mean, or their largest element -> [n, rows', cols', ch]. Padding is zeros that count
 * in the mean and take part in the maximum (numpy-ml), window.kernel gives the extents. The gradient of the maximum goes to the first of
 * equals in row-major order of the window. */
WG_API wg_tensor *wg_avg_pool2d(wg_tensor *x, wg_window window);
WG_API wg_tensor *wg_max_pool2d(wg_tensor *x, wg_window window);

/** Every window of x as a row: [n, rows', cols', krows, kcols, ch]. */
WG_API wg_tensor *wg_im2col(wg_tensor *x, wg_window window);

/** The adjoint of wg_im2col: overlapping windows add up into the type of `like`. */
WG_API wg_tensor *wg_col2im_like(wg_tensor *c, wg_tensor *like, wg_window window);

/* ---- partners that gradient rules record ---- */

/** The adjoint of wg_avg_pool2d: dy spread over the windows of `like`, of which only the type is used. */
WG_API wg_tensor *wg_avg_spread(wg_tensor *dy, wg_tensor *like, wg_window window);

/** dy put where the maxima of x's windows lie (linear in dy); u picked there (linear in u): adjoint of each other. */
WG_API wg_tensor *wg_pool_scatter(wg_tensor *dy, wg_tensor *x, wg_window window);
WG_API wg_tensor *wg_pool_pick(wg_tensor *u, wg_tensor *x, wg_window window);

/** Conv1D: x [n, length, in], w [width, in, out] -> [n, length', out], through wg_conv2d with one column; window.*[0] and the
 * first two paddings (left, right) count. */
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
