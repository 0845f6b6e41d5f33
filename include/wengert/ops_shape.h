/* ops_shape.h: rearranging: no arithmetic, any element type. */
#ifndef WENGERT_OPS_SHAPE_H
#define WENGERT_OPS_SHAPE_H

#include "graph.h"

#define WG_SLICE_END INT64_MAX

#ifdef __cplusplus
extern "C" {
#endif

/** The same elements in other extents: 0 copies x's extent of that axis, one -1 takes the rest: {0, -1} flattens.
 * WG_ESHAPE when the counts differ. */
WG_API wg_tensor *wg_reshape(wg_tensor *x, wg_shape shape);

/** x in the extents of `like`. Only like's type is used. */
WG_API wg_tensor *wg_reshape_like(wg_tensor *x, wg_tensor *like);

/** Merges axes first..last into one (both may count from the end). */
WG_API wg_tensor *wg_collapse(wg_tensor *x, int first, int last);

/** Axis i of the result is axis perm[i] of x; WG_ALL_AXES reverses all axes. WG_EARG unless a permutation. */
WG_API wg_tensor *wg_permute(wg_tensor *x, wg_axes perm);

/** Exchanges two axes. */
WG_API wg_tensor *wg_transpose(wg_tensor *x, int a, int b);

/** Removes axes of extent 1; inserts axes of extent 1 at these positions of the result. WG_ESHAPE, WG_EARG. */
WG_API wg_tensor *wg_squeeze(wg_tensor *x, wg_axes axes);
WG_API wg_tensor *wg_unsqueeze(wg_tensor *x, wg_axes axes);

/** x broadcast to a shape; -1 keeps x's extent. WG_ESHAPE when it does not broadcast. */
WG_API wg_tensor *wg_expand(wg_tensor *x, wg_shape shape);

/** Elements start, start + step, ... before stop along each axis. n triples for the first n axes (the others whole); start
 * and stop may count from the end and are clamped as in Python; WG_SLICE_END as stop means the whole rest; step >= 1. */
WG_API wg_tensor *wg_slice(wg_tensor *x, int n, const int64_t *start, const int64_t *stop, const int64_t *step);
WG_API wg_tensor *wg_slice_axis(wg_tensor *x, int axis, int64_t start, int64_t stop, int64_t step);

/** Zeros of like's type with x at the places wg_slice with the same triples would read: the adjoint of slice. */
WG_API wg_tensor *wg_pad_like(wg_tensor *x, wg_tensor *like, int n, const int64_t *start, const int64_t *stop, const int64_t *step);

/** Position `index` along `axis`, which is removed. Negative counts from the end. */
WG_API wg_tensor *wg_select(wg_tensor *x, int axis, int64_t index);

/** Surrounds x by `value`: before[i] and after[i] >= 0 elements for each of the n = rank axes. */
WG_API wg_tensor *wg_pad(wg_tensor *x, int n, const int64_t *before, const int64_t *after, double value);

/** Puts `by` >= 0 zeros between neighbours along each axis of `axes`. */
WG_API wg_tensor *wg_dilate(wg_tensor *x, wg_axes axes, int64_t by);

/** Joins n >= 1 tensors along an existing axis; all other extents agree. */
WG_API wg_tensor *wg_concat(int n, wg_tensor *const *x, int axis);

/** Joins n >= 1 tensors of one type along a new axis. */
WG_API wg_tensor *wg_stack(int n, wg_tensor *const *x, int axis);

/** Reverses the order along `axes`. */
WG_API wg_tensor *wg_flip(wg_tensor *x, wg_axes axes);

/** x, but gradients stop here. */
WG_API wg_tensor *wg_detach(wg_tensor *x);

/* ---- partners that gradient rules record ---- */

/** The piece of x that lies at `offset` (i64 scalar) along `axis` and has like's extents: the adjoint of one operand of concat. */
WG_API wg_tensor *wg_part_like(wg_tensor *x, wg_tensor *like, wg_tensor *offset, int axis);

/** Zeros of like's type with x at `offset` along `axis`: the adjoint of wg_part_like. */
WG_API wg_tensor *wg_place_like(wg_tensor *x, wg_tensor *like, wg_tensor *offset, int axis);

/** Sum of n wg_pad_like of one `like`, in operand order, made in one pass: for part k the 3 rank numbers
 * triples.v[3 rank k ...] are start, stop, step of axis 0, then of axis 1 and so on. The reverse pass records
 * this instead of n - 1 additions of whole tensors. */
WG_API wg_tensor *wg_assemble_like(wg_tensor *like, int n, wg_tensor *const *part, wg_i64s triples);

/** The same for n wg_place_like along one axis; offset[k] is the i64 scalar of part k. */
WG_API wg_tensor *wg_assemble_at(wg_tensor *like, int n, wg_tensor *const *part, wg_tensor *const *offset, int axis);

/** Splits x along `axis` into n pieces of extent size[i], which sum to x's: part[i] are slices. Returns the graph.
 * WG_ESHAPE when they do not, for the example extents. */
WG_API wg_graph *wg_split(wg_tensor *x, int axis, int n, const int64_t *size, wg_tensor **part);

#ifndef WG_NO_SITES
#define wg_split(...)         wg_at_graph(WG_SITE, wg_split(__VA_ARGS__))
#define wg_reshape(...)       wg_at(WG_SITE, wg_reshape(__VA_ARGS__))
#define wg_reshape_like(...)  wg_at(WG_SITE, wg_reshape_like(__VA_ARGS__))
#define wg_collapse(...)      wg_at(WG_SITE, wg_collapse(__VA_ARGS__))
#define wg_permute(...)       wg_at(WG_SITE, wg_permute(__VA_ARGS__))
#define wg_transpose(...)     wg_at(WG_SITE, wg_transpose(__VA_ARGS__))
#define wg_squeeze(...)       wg_at(WG_SITE, wg_squeeze(__VA_ARGS__))
#define wg_unsqueeze(...)     wg_at(WG_SITE, wg_unsqueeze(__VA_ARGS__))
#define wg_expand(...)        wg_at(WG_SITE, wg_expand(__VA_ARGS__))
#define wg_slice(...)         wg_at(WG_SITE, wg_slice(__VA_ARGS__))
#define wg_slice_axis(...)    wg_at(WG_SITE, wg_slice_axis(__VA_ARGS__))
#define wg_pad_like(...)      wg_at(WG_SITE, wg_pad_like(__VA_ARGS__))
#define wg_select(...)        wg_at(WG_SITE, wg_select(__VA_ARGS__))
#define wg_pad(...)           wg_at(WG_SITE, wg_pad(__VA_ARGS__))
#define wg_dilate(...)        wg_at(WG_SITE, wg_dilate(__VA_ARGS__))
#define wg_concat(...)        wg_at(WG_SITE, wg_concat(__VA_ARGS__))
#define wg_stack(...)         wg_at(WG_SITE, wg_stack(__VA_ARGS__))
#define wg_flip(...)          wg_at(WG_SITE, wg_flip(__VA_ARGS__))
#define wg_detach(...)        wg_at(WG_SITE, wg_detach(__VA_ARGS__))
#define wg_part_like(...)     wg_at(WG_SITE, wg_part_like(__VA_ARGS__))
#define wg_place_like(...)    wg_at(WG_SITE, wg_place_like(__VA_ARGS__))
#define wg_assemble_like(...) wg_at(WG_SITE, wg_assemble_like(__VA_ARGS__))
#define wg_assemble_at(...)   wg_at(WG_SITE, wg_assemble_at(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
