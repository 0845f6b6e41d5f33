/* ops_index.h: indexing by i64 tensors. An index out of range ends the run with WG_EINDEX, never a read outside. */
#ifndef WENGERT_OPS_INDEX_H
#define WENGERT_OPS_INDEX_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Rows of x along `axis`: result extents are x's with that axis replaced by those of idx (i64, any rank). Indices 0..n-1;
 * negative ones are out of range. */
WG_API wg_tensor *wg_gather(wg_tensor *x, wg_tensor *idx, int axis);

/** Zeros of like's type plus x added at the places wg_gather(like, idx, axis) would read. Repeated indices add up in row-major order
 * of idx, whatever the number of threads. The adjoint of gather. */
WG_API wg_tensor *wg_scatter_add_like(wg_tensor *x, wg_tensor *idx, wg_tensor *like, int axis);

/** base with x added at the places wg_gather(base, idx, axis) would read. */
WG_API wg_tensor *wg_scatter_add(wg_tensor *base, wg_tensor *idx, wg_tensor *x, int axis);

/** y[.., i, ..] = x[.., idx[.., i, ..], ..] along `axis`: idx (i64) has x's rank, and its extents but for the axis. As numpy.take_along_axis. */
WG_API wg_tensor *wg_take_along_axis(wg_tensor *x, wg_tensor *idx, int axis);

/** Zeros of like's type plus x added at the places wg_take_along_axis(like, idx, axis) would read. Its adjoint. */
WG_API wg_tensor *wg_scatter_along_like(wg_tensor *x, wg_tensor *idx, wg_tensor *like, int axis);

/** 1 at position idx[...] of a new last axis of extent depth, 0 elsewhere, of element type dtype. */
WG_API wg_tensor *wg_one_hot(wg_tensor *idx, int64_t depth, wg_dtype dtype);

/** The same with the depth and the element type of `like`: its last extent. Only like's type is used. */
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
