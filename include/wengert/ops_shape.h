/* ops_shape.h: rearranging: no arithmetic, any element type. */
#ifndef WENGERT_OPS_SHAPE_H
#define WENGERT_OPS_SHAPE_H

#include "graph.h"

/* As a stop: up to the end, whatever the extent. */
#define WG_SLICE_END INT64_MAX

#ifdef __cplusplus
extern "C" {
#endif

/* Operands are of any element type, which the result has too. Axes may count from the end: -1 is
 * the last. An axis out of range, or named twice, is WG_EARG; a result whose size overflows is
 * WG_ELIMIT. What depends on extents is checked again for those fed when a plan runs. Gradients are
 * themselves ops of this list. */

/** The same elements, in row-major order, in other extents: 0 copies x's extent of that axis, one
 * -1 takes the rest, so {0, -1} flattens all but the first axis, at 0 rows too. x of any shape ->
 * `shape`. Errors: WG_ESHAPE when the numbers of elements differ; WG_EARG for two -1, an extent
 * below -1, a 0 beyond x's rank. As numpy.reshape but for 0, which is ONNX's. */
WG_API wg_tensor *wg_reshape(wg_tensor *x, wg_shape shape);

/** x in the extents of `like`, whose element type may be another. Only like's type is used. Error:
 * WG_ESHAPE when the numbers of elements differ. */
WG_API wg_tensor *wg_reshape_like(wg_tensor *x, wg_tensor *like);

/** Merges axes first..last into one: [a, b, c, d] -> [a, b c, d] for 1..2. Error: WG_EARG unless
 * first <= last. */
WG_API wg_tensor *wg_collapse(wg_tensor *x, int first, int last);

/** Axis i of the result is axis perm[i] of x; WG_ALL_AXES reverses all axes. Error: WG_EARG unless
 * `perm` names every axis once. As numpy.transpose. */
WG_API wg_tensor *wg_permute(wg_tensor *x, wg_axes perm);

/** Exchanges two axes. As numpy.swapaxes. */
WG_API wg_tensor *wg_transpose(wg_tensor *x, int a, int b);

/** Removes these axes, whose extents must be 1 (WG_ESHAPE): [1, n, 1] -> [n]. WG_ALL_AXES: every
 * axis must have extent 1, for the rank of the result cannot depend on extents. */
WG_API wg_tensor *wg_squeeze(wg_tensor *x, wg_axes axes);

/** Inserts axes of extent 1 at these positions of the result: [n] with {0, -1} -> [1, n, 1]. Error:
 * WG_EARG for WG_ALL_AXES or a rank above 8. As numpy.expand_dims. */
WG_API wg_tensor *wg_unsqueeze(wg_tensor *x, wg_axes axes);

/** x broadcast to a shape; -1 keeps x's extent. Errors: WG_ESHAPE when x does not broadcast to it,
 * WG_EARG for another negative extent or a -1 where x has no axis. As numpy.broadcast_to. */
WG_API wg_tensor *wg_expand(wg_tensor *x, wg_shape shape);

/** Elements start, start + step, ... before stop along each axis: x[start:stop:step] of Python. n
 * triples for the first n axes, the others whole; start and stop may count from the end and are
 * clamped to the extent at hand, so a slice never reads outside and may be empty; WG_SLICE_END as
 * stop means the whole rest. Errors: WG_EARG for a step below 1 (wg_flip reverses) or n above x's
 * rank. */
WG_API wg_tensor *wg_slice(wg_tensor *x, int n, const int64_t *start, const int64_t *stop,
                           const int64_t *step);

/** The same along one axis, the others whole. */
WG_API wg_tensor *wg_slice_axis(wg_tensor *x, int axis, int64_t start, int64_t stop, int64_t step);

/** Zeros of like's type with x at the places wg_slice(like, n, start, stop, step) would read: the
 * adjoint of slice. Only like's type is used. Errors: WG_EDTYPE when element types differ,
 * WG_ESHAPE unless x has the extents of that slice. */
WG_API wg_tensor *wg_pad_like(wg_tensor *x, wg_tensor *like, int n, const int64_t *start,
                              const int64_t *stop, const int64_t *step);

/** Position `index` along `axis`, which is removed: [a, n, b] -> [a, b]. Negative counts from the
 * end. Error: WG_EINDEX unless -n <= index < n. */
WG_API wg_tensor *wg_select(wg_tensor *x, int axis, int64_t index);

/** Surrounds x by `value`: before[i] and after[i] >= 0 elements for each of the n = rank axes.
 * Error: WG_EARG for another n, a negative number, or a value that an i64 or bool x cannot hold. As
 * numpy.pad, mode constant. */
WG_API wg_tensor *wg_pad(wg_tensor *x, int n, const int64_t *before, const int64_t *after,
                         double value);

/** Puts `by` >= 0 zeros between neighbours along each axis of `axes`: extent n -> n + (n - 1) by, 0
 * stays 0. Error: WG_EARG for a negative number. */
WG_API wg_tensor *wg_dilate(wg_tensor *x, wg_axes axes, int64_t by);

/** Joins n >= 1 tensors along an existing axis: [a, n0, b], [a, n1, b], ... -> [a, n0 + n1 + ...,
 * b]. Errors: WG_EDTYPE, WG_ESHAPE unless element types, ranks and all other extents agree. */
WG_API wg_tensor *wg_concat(int n, wg_tensor *const *x, int axis);

/** Joins n >= 1 tensors of one type along a new axis, which `axis` names in the result. Errors as
 * wg_concat. */
WG_API wg_tensor *wg_stack(int n, wg_tensor *const *x, int axis);

/** Splits x along `axis` into n pieces of extents size[i], which sum to x's: part[i], for the
 * caller's array of n, become slices. Returns the graph. Errors: WG_ESHAPE when they do not, for
 * the extents recorded; WG_EARG for a negative extent. On error part[i] are the poison. */
WG_API wg_graph *wg_split(wg_tensor *x, int axis, int n, const int64_t *size, wg_tensor **part);

/** Reverses the order along `axes`. */
WG_API wg_tensor *wg_flip(wg_tensor *x, wg_axes axes);

/** x, but gradients stop here: its gradient is zero. */
WG_API wg_tensor *wg_detach(wg_tensor *x);

/* ---- partners that gradient rules record ---- Where a piece lies depends on extents, which a rule
 * cannot see: so it is an operand, summed from wg_extent. */

/** The piece of x that begins at `offset` (i64 scalar) along `axis` and has like's type: the
 * adjoint of one operand of concat. Only like's type is used. Errors: WG_EDTYPE; WG_ESHAPE unless
 * the other extents agree and like's is not above x's; when it runs, WG_EINDEX for an offset with
 * which it reaches outside. */
WG_API wg_tensor *wg_part_like(wg_tensor *x, wg_tensor *like, wg_tensor *offset, int axis);

/** Zeros of like's type with x at `offset` along `axis`: the adjoint of wg_part_like. Errors as
 * there, x and like exchanged. */
WG_API wg_tensor *wg_place_like(wg_tensor *x, wg_tensor *like, wg_tensor *offset, int axis);

/** Sum of n >= 1 wg_pad_like of one `like`, in operand order, made in one pass: for part k the 3
 * rank numbers triples.v[3 rank k ...] are start, stop, step of axis 0, then of axis 1 and so on.
 * f32, f64, i64; the bits are those of n - 1 additions. The reverse pass records this instead of
 * additions of whole tensors, which would make long sequences cost the square of their length.
 * Errors as wg_pad_like, and WG_EARG for a wrong number of numbers. */
WG_API wg_tensor *wg_assemble_like(wg_tensor *like, int n, wg_tensor *const *part, wg_i64s triples);

/** The same for n wg_place_like along one axis; offset[k] is the i64 scalar of part k. Errors as
 * there. */
WG_API wg_tensor *wg_assemble_at(wg_tensor *like, int n, wg_tensor *const *part,
                                 wg_tensor *const *offset, int axis);

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
