/* move.h: the one engine under all ops that only rearrange elements: copying along strides. */
#ifndef WG_OPS_MOVE_H
#define WG_OPS_MOVE_H

#include "op.h"

/* One element for each index tuple below n: to[sum i_a * to_step_a] = from[sum i_a * from_step_a].
 * Steps count elements and may be 0 (from only) or negative; no two tuples share a place in `to`. */
typedef struct {
    int rank;
    int64_t n[WG_MAX_RANK], from[WG_MAX_RANK], to[WG_MAX_RANK];
} wg__moves;

/* Row-major steps of a shape; 0 where they overflow, which only happens beside an extent of 0. */
void wg__steps(const wg_shape *s, int64_t step[WG_MAX_RANK]);

/* Elements of `size` bytes: 1, 4 or 8. Large copies run on up to `threads` threads. */
void wg__move(const wg__moves *m, size_t size, const void *from, void *to, int threads);

/* n elements of one value, which the element type can hold. */
void wg__fill(void *y, wg_dtype dtype, int64_t n, double value, int threads);

/* Whether `value` is one of the element type: real types round, i64 and bool take exact values. */
bool wg__value_fits(wg_dtype dtype, double value);

/* Bytes as they are. */
void wg__copy(void *to, const void *from, int64_t bytes, int threads);

#endif
