/* ops_index.h: indexing by i64 tensors. An index out of range ends the run with WG_EINDEX, never a
 * read outside. */
#ifndef WENGERT_OPS_INDEX_H
#define WENGERT_OPS_INDEX_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `idx` is i64 (WG_EDTYPE otherwise) and holds 0..n-1 for an axis of extent n: negative indices are
 * out of range, too. All indices are looked at before anything is written; an index out of range is
 * WG_EINDEX when the plan runs, with its value and place, and the store stays as it was. No
 * gradient flows to indices. Sums of repeated places are made in row-major order of idx: the same
 * bits for any number of threads. */

/** Rows of x along `axis`: y[a.., i.., b..] = x[a.., idx[i..], b..]. x of any element type; result
 * extents are x's with that axis replaced by those of idx (any rank; a scalar removes the axis).
 * Error: WG_EARG for a rank above 8. As numpy.take. */
WG_API wg_tensor *wg_gather(wg_tensor *x, wg_tensor *idx, int axis);

/** Zeros of like's type plus x added at the places wg_gather(like, idx, axis) would read: the
 * adjoint of gather. Only like's type is used. f32, f64, i64. Errors: WG_EDTYPE; WG_ESHAPE unless x
 * has the extents of that gather. */
WG_API wg_tensor *wg_scatter_add_like(wg_tensor *x, wg_tensor *idx, wg_tensor *like, int axis);

/** base with x added at the places wg_gather(base, idx, axis) would read. f32, f64, i64. Errors as
 * above. */
WG_API wg_tensor *wg_scatter_add(wg_tensor *base, wg_tensor *idx, wg_tensor *x, int axis);

/** y[.., i, ..] = x[.., idx[.., i, ..], ..] along `axis`: idx has x's rank, and its extents but for
 * the axis; so has the result. Any element type. Error: WG_ESHAPE otherwise. As
 * numpy.take_along_axis. */
WG_API wg_tensor *wg_take_along_axis(wg_tensor *x, wg_tensor *idx, int axis);

/** Zeros of like's type plus x added at the places wg_take_along_axis(like, idx, axis) would read:
 * its adjoint. Only like's type is used. f32, f64, i64. Errors: WG_EDTYPE; WG_ESHAPE unless x has
 * the extents of idx. */
WG_API wg_tensor *wg_scatter_along_like(wg_tensor *x, wg_tensor *idx, wg_tensor *like, int axis);

/** 1 at position idx[...] of a new last axis of extent depth, 0 elsewhere: idx [...] -> dtype [...,
 * depth]. An index that is not 0..depth-1 is WG_EINDEX. Error: WG_EARG for a negative depth or a
 * rank above 8. Gradient zero. */
WG_API wg_tensor *wg_one_hot(wg_tensor *idx, int64_t depth, wg_dtype dtype);

/** The same with the depth and the element type of `like`: its last extent. Only like's type is
 * used. */
WG_API wg_tensor *wg_one_hot_like(wg_tensor *idx, wg_tensor *like);

#ifndef WG_NO_SITES
#define wg_gather(...)             wg_at(WG_SITE, wg_gather(__VA_ARGS__))
#define wg_scatter_add_like(...)   wg_at(WG_SITE, wg_scatter_add_like(__VA_ARGS__))
#define wg_scatter_add(...)        wg_at(WG_SITE, wg_scatter_add(__VA_ARGS__))
#define wg_take_along_axis(...)    wg_at(WG_SITE, wg_take_along_axis(__VA_ARGS__))
#define wg_scatter_along_like(...) wg_at(WG_SITE, wg_scatter_along_like(__VA_ARGS__))
#define wg_one_hot(...)            wg_at(WG_SITE, wg_one_hot(__VA_ARGS__))
#define wg_one_hot_like(...)       wg_at(WG_SITE, wg_one_hot_like(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
