/* ops_leaf.h: leaves: inputs, parameters, constants, fills, ranges, random draws. */
#ifndef WENGERT_OPS_LEAF_H
#define WENGERT_OPS_LEAF_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An input: fed before a run; its extents are an example, any others of the same rank may be fed.
 * Unique per (graph, name): asking again returns the same tensor. Errors: WG_ENAME for an empty
 * name or one used with another type or rank; WG_EARG for a negative extent; WG_ELIMIT when extents
 * overflow. */
WG_API wg_tensor *wg_input(wg_graph *g, const char *name, wg_dtype dtype, wg_shape shape);

/** A parameter: the value of store entry `name`, of exactly this type. Unique per (graph, name).
 * Errors as wg_input. wg_param_leaf takes the type from the store. */
WG_API wg_tensor *wg_parameter(wg_graph *g, const char *name, wg_dtype dtype, wg_shape shape);

/** A constant: type and elements are copied into the graph and saved with it. Errors: WG_EARG for
 * NULL data with elements, WG_ELIMIT. */
WG_API wg_tensor *wg_constant(wg_graph *g, wg_array value);

/** A rank-0 constant of this element type; for i64 and bool the value must be one exactly
 * (WG_EARG). */
WG_API wg_tensor *wg_scalar(wg_graph *g, wg_dtype dtype, double value);

/** A rank-0 constant of the element type of x, whatever x's extents: the way a gradient rule writes
 * a number. */
WG_API wg_tensor *wg_scalar_like(wg_tensor *x, double value);

/** x's type filled with one value, with 0, with 1. Only the type of x is used. Error as
 * wg_scalar. */
WG_API wg_tensor *wg_full_like(wg_tensor *x, double value);
WG_API wg_tensor *wg_zeros_like(wg_tensor *x);
WG_API wg_tensor *wg_ones_like(wg_tensor *x);

/** start, start + step, ... below stop (above it for a negative step): ceil((stop - start) / step)
 * elements or none, rank 1, f32, f64 or i64; element i is start + i step, rounded once in double
 * and once to the element type. Errors: WG_EARG for step 0, numbers that are not finite, or for i64
 * not whole up to 2^53; WG_EDTYPE for bool; WG_ELIMIT. As numpy.arange. */
WG_API wg_tensor *wg_arange(wg_graph *g, wg_dtype dtype, double start, double stop, double step);

/** 0, 1, ..., n - 1 (i64, rank 1) where n is x's extent along `axis`. Only the type of x is used.
 * Error: WG_EARG for an axis out of range. */
WG_API wg_tensor *wg_arange_like(wg_tensor *x, int axis);

/** x's extent along `axis` as an i64 scalar. Only the type of x is used. Error: WG_EARG for an axis
 * out of range. */
WG_API wg_tensor *wg_extent(wg_tensor *x, int axis);

/** The number of elements of x along `axes`, as a scalar of x's own real element type: the divisor
 * of a mean. Only the type of x is used. Errors: WG_EDTYPE, WG_EARG. */
WG_API wg_tensor *wg_count(wg_tensor *x, wg_axes axes);

/** Random draws of x's shape and real element type: uniform in [lo, hi) (lo where they are
 * equal), normal, or 1 with probability p else 0. Only the type of x is used. The draw's full
 * name is scope/name and must occur once in a function (WG_ENAME asks for another). Bits depend
 * on (store seed, full name, "rng/run", index) alone. In a function of mode WG_TRAIN that has
 * updates each run advances "rng/run". wg_plan_feed under the full name replaces the draw.
 * Gradient zero. Errors: WG_ENAME for an empty name or one with a '/'; WG_EARG unless lo <= hi,
 * std >= 0, all finite, 0 <= p <= 1; WG_EDTYPE. Source of bits: wg_random_uniform and
 * wg_random_normal in op.h. */
WG_API wg_tensor *wg_uniform_like(wg_tensor *x, const char *name, double lo, double hi);
WG_API wg_tensor *wg_normal_like(wg_tensor *x, const char *name, double mean, double std);
WG_API wg_tensor *wg_bernoulli_like(wg_tensor *x, const char *name, double p);

/** The same with a fixed shape. */
WG_API wg_tensor *wg_uniform(wg_graph *g, const char *name, double lo, double hi, wg_dtype dtype,
                             wg_shape shape);
WG_API wg_tensor *wg_normal(wg_graph *g, const char *name, double mean, double std, wg_dtype dtype,
                            wg_shape shape);
WG_API wg_tensor *wg_bernoulli(wg_graph *g, const char *name, double p, wg_dtype dtype,
                               wg_shape shape);

#ifndef WG_NO_SITES
#define wg_input(...)          wg_at(WG_SITE, wg_input(__VA_ARGS__))
#define wg_parameter(...)      wg_at(WG_SITE, wg_parameter(__VA_ARGS__))
#define wg_constant(...)       wg_at(WG_SITE, wg_constant(__VA_ARGS__))
#define wg_scalar(...)         wg_at(WG_SITE, wg_scalar(__VA_ARGS__))
#define wg_scalar_like(...)    wg_at(WG_SITE, wg_scalar_like(__VA_ARGS__))
#define wg_full_like(...)      wg_at(WG_SITE, wg_full_like(__VA_ARGS__))
#define wg_zeros_like(...)     wg_at(WG_SITE, wg_zeros_like(__VA_ARGS__))
#define wg_ones_like(...)      wg_at(WG_SITE, wg_ones_like(__VA_ARGS__))
#define wg_arange(...)         wg_at(WG_SITE, wg_arange(__VA_ARGS__))
#define wg_arange_like(...)    wg_at(WG_SITE, wg_arange_like(__VA_ARGS__))
#define wg_extent(...)         wg_at(WG_SITE, wg_extent(__VA_ARGS__))
#define wg_count(...)          wg_at(WG_SITE, wg_count(__VA_ARGS__))
#define wg_uniform_like(...)   wg_at(WG_SITE, wg_uniform_like(__VA_ARGS__))
#define wg_normal_like(...)    wg_at(WG_SITE, wg_normal_like(__VA_ARGS__))
#define wg_bernoulli_like(...) wg_at(WG_SITE, wg_bernoulli_like(__VA_ARGS__))
#define wg_uniform(...)        wg_at(WG_SITE, wg_uniform(__VA_ARGS__))
#define wg_normal(...)         wg_at(WG_SITE, wg_normal(__VA_ARGS__))
#define wg_bernoulli(...)      wg_at(WG_SITE, wg_bernoulli(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
