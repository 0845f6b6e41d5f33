/* ops_reduce.h: reductions, cumulative sums, products of matrices, softmax. */
#ifndef WENGERT_OPS_REDUCE_H
#define WENGERT_OPS_REDUCE_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `axes`: any set of axes, WG_ALL_AXES for every one, none allowed; keepdims leaves extents of 1.
 * Sums of real numbers have one canonical order: the same bits for any number of threads, fused or
 * not. */

/** Sum, mean, product. f32, f64; sum and prod also i64. prod's gradient is right with zeros. An
 * empty sum is 0, an empty product 1, an empty mean NaN. */
WG_API wg_tensor *wg_sum(wg_tensor *x, wg_axes axes, bool keepdims);
WG_API wg_tensor *wg_mean(wg_tensor *x, wg_axes axes, bool keepdims);
WG_API wg_tensor *wg_prod(wg_tensor *x, wg_axes axes, bool keepdims);

/** Largest, smallest element; NaN if one is NaN. f32, f64, i64. The gradient goes to the first of
 * equals in row-major order. WG_ESHAPE for a reduction over no elements. */
WG_API wg_tensor *wg_max(wg_tensor *x, wg_axes axes, bool keepdims);
WG_API wg_tensor *wg_min(wg_tensor *x, wg_axes axes, bool keepdims);

/** mean of (x - mean)^2 with divisor n - ddof, or 0 below that. Real. */
WG_API wg_tensor *wg_var(wg_tensor *x, wg_axes axes, int ddof, bool keepdims);

/** log of the sum of e^x, without overflow; -inf for an empty or all -inf one. Real. */
WG_API wg_tensor *wg_logsumexp(wg_tensor *x, wg_axes axes, bool keepdims);

/** Square root of the sum of squares, scaled against overflow. Real. Gradient x / norm, 0 where the
 * norm is 0. */
WG_API wg_tensor *wg_norm(wg_tensor *x, wg_axes axes, bool keepdims);

/** Position (i64) of the first largest, smallest element along `axis` (removed unless keepdims);
 * the first NaN if there is one. f32, f64, i64. Gradient zero. */
WG_API wg_tensor *wg_argmax(wg_tensor *x, int axis, bool keepdims);
WG_API wg_tensor *wg_argmin(wg_tensor *x, int axis, bool keepdims);

/** Running sum along `axis`; reversed: from the end. f32, f64, i64. */
WG_API wg_tensor *wg_cumsum(wg_tensor *x, int axis, bool reverse);

/** Matrix product over the last two axes: y[..., i, j] = sum over l of a[..., i, l] b[..., l, j]. a
 * [..., m, k], b [..., k, n] -> [..., m, n]; leading axes broadcast; ta, tb: a, b are read
 * transposed. f32 or f64, both alike; rank at least 2; k = 0 gives zeros. The bits never depend on
 * the number of threads. Products of 2^30 multiplications and more with extents of 64 and more are
 * OpenBLAS's, tile by tile; in smaller ones an element is summed by blocks of at most 256 summands
 * in order, and a row has the bits it has alone (but products of up to 4 rows with b transposed,
 * and of one column, are summed in lanes). Errors: WG_ESHAPE unless the inner extents agree and the
 * leading ones broadcast; WG_EDTYPE. */
WG_API wg_tensor *wg_matmul_t(wg_tensor *a, wg_tensor *b, bool ta, bool tb);
WG_API wg_tensor *wg_matmul(wg_tensor *a, wg_tensor *b);

/** e^x / sum of e^x along `axis`, and its logarithm; no overflow. Real. */
WG_API wg_tensor *wg_softmax(wg_tensor *x, int axis);
WG_API wg_tensor *wg_log_softmax(wg_tensor *x, int axis);

/* ---- partners that gradient rules record ---- */

/** Sums x down to the extents of `like` (which broadcasts to x's): the adjoint of broadcasting.
 * Only like's type is used. */
WG_API wg_tensor *wg_sum_to_like(wg_tensor *x, wg_tensor *like);

/** x broadcast to the extents of `like` as in numpy. Only like's type is used. */
WG_API wg_tensor *wg_broadcast_like(wg_tensor *x, wg_tensor *like);

/** The adjoint of wg_sum: x is a reduction of something of like's type over `axes`; it is repeated
 * along them. */
WG_API wg_tensor *wg_expand_like(wg_tensor *x, wg_tensor *like, wg_axes axes, bool keepdims);

/** The adjoint of wg_max (wg_min when `smallest`) with respect to x: zeros of x's extents with dy,
 * a reduction of x over `axes`, at the place of the first extreme. Linear in dy; x says where, and
 * gets no gradient. Real. */
WG_API wg_tensor *wg_extreme_scatter(wg_tensor *dy, wg_tensor *x, wg_axes axes, bool keepdims,
                                     bool smallest);

/** What u, of x's type, holds at the places of x's extremes over `axes`: the adjoint of
 * wg_extreme_scatter. */
WG_API wg_tensor *wg_extreme_pick(wg_tensor *u, wg_tensor *x, wg_axes axes, bool keepdims,
                                  bool smallest);

/** Derivatives of products. n = 1: element j is the product over `axes` of all elements of x[0] but
 * the j-th, right with zeros too. n > 1: that value's derivative along the directions x[1], ...,
 * x[n - 1]: the sum over distinct i1, ..., each other than j, of x[1][i1] x[2][i2] ... times the
 * product of the elements of x[0] left over. All operands and the result have x[0]'s real type. Its
 * gradients are of the same kind, so products differentiate to any order; at most 6 operands
 * (WG_ELIMIT). */
WG_API wg_tensor *wg_prod_others(int n, wg_tensor *const *x, wg_axes axes);

#ifndef WG_NO_SITES
#define wg_sum(...)             wg_at(WG_SITE, wg_sum(__VA_ARGS__))
#define wg_mean(...)            wg_at(WG_SITE, wg_mean(__VA_ARGS__))
#define wg_prod(...)            wg_at(WG_SITE, wg_prod(__VA_ARGS__))
#define wg_max(...)             wg_at(WG_SITE, wg_max(__VA_ARGS__))
#define wg_min(...)             wg_at(WG_SITE, wg_min(__VA_ARGS__))
#define wg_var(...)             wg_at(WG_SITE, wg_var(__VA_ARGS__))
#define wg_logsumexp(...)       wg_at(WG_SITE, wg_logsumexp(__VA_ARGS__))
#define wg_norm(...)            wg_at(WG_SITE, wg_norm(__VA_ARGS__))
#define wg_argmax(...)          wg_at(WG_SITE, wg_argmax(__VA_ARGS__))
#define wg_argmin(...)          wg_at(WG_SITE, wg_argmin(__VA_ARGS__))
#define wg_cumsum(...)          wg_at(WG_SITE, wg_cumsum(__VA_ARGS__))
#define wg_matmul_t(...)        wg_at(WG_SITE, wg_matmul_t(__VA_ARGS__))
#define wg_matmul(...)          wg_at(WG_SITE, wg_matmul(__VA_ARGS__))
#define wg_softmax(...)         wg_at(WG_SITE, wg_softmax(__VA_ARGS__))
#define wg_log_softmax(...)     wg_at(WG_SITE, wg_log_softmax(__VA_ARGS__))
#define wg_sum_to_like(...)     wg_at(WG_SITE, wg_sum_to_like(__VA_ARGS__))
#define wg_broadcast_like(...)  wg_at(WG_SITE, wg_broadcast_like(__VA_ARGS__))
#define wg_expand_like(...)     wg_at(WG_SITE, wg_expand_like(__VA_ARGS__))
#define wg_extreme_scatter(...) wg_at(WG_SITE, wg_extreme_scatter(__VA_ARGS__))
#define wg_extreme_pick(...)    wg_at(WG_SITE, wg_extreme_pick(__VA_ARGS__))
#define wg_prod_others(...)     wg_at(WG_SITE, wg_prod_others(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
