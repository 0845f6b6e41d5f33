/* move.h: the one engine under all ops that only rearrange elements: copying along strides. */
#ifndef WG_OPS_MOVE_H
#define WG_OPS_MOVE_H

#include "op.h"

/* Words of 1, 4 and 8 bytes may stand for elements of any type. */
typedef uint8_t wg__word1 __attribute__((may_alias));
typedef uint32_t wg__word4 __attribute__((may_alias));
typedef uint64_t wg__word8 __attribute__((may_alias));

/* One element for each index tuple below n: to[sum i_a * to_step_a] = from[sum i_a *
 * from_step_a]. Steps count elements and may be 0 (from only) or negative; no two tuples share a
 * place in `to`. */
typedef struct {
    int rank;
    int64_t n[WG_MAX_RANK], from[WG_MAX_RANK], to[WG_MAX_RANK];
} wg__moves;

/* The last two axes of a move, as the loops see them: rows x n elements. */
typedef struct {
    int64_t rows, n, from_row, from, to_row, to;
} wg__plane;
typedef void wg__plane_fn(const wg__plane *p, const void *from, void *to);

/* What wg__move does, by a loop of the caller's and on this thread: to[...] += from[...], say. */
void wg__move_by(const wg__moves *m, size_t size, wg__plane_fn *f, const void *from, void *to);

/* A part of a tensor: along axis i the places first[i], first[i] + step[i], ..., n[i] of them. */
typedef struct {
    int64_t first[WG_MAX_RANK], step[WG_MAX_RANK], n[WG_MAX_RANK];
} wg__box;

/* Which places start, stop and step >= 1 mean along axis i of this extent, as Python's slices. */
static inline void wg__box_axis(wg__box *b, int i, int64_t extent, int64_t start, int64_t stop,
                                int64_t step)
{
    if (start < 0) start = start + extent < 0 ? 0 : start + extent;
    if (stop < 0) stop = stop + extent < 0 ? 0 : stop + extent;
    if (start > extent) start = extent;
    if (stop > extent) stop = extent;
    b->first[i] = start;
    b->n[i] = stop > start ? (stop - start - 1) / step + 1 : 0;
    b->step[i] = b->n[i] > 1 ? step : 1; /* a step beyond the end has no use, and could overflow */
}

/* The moves between a part of a tensor of type `of` (the side `to`) and a dense tensor of the
 * part's extents (the side `from`). Returns the part's first element; -1 when it has none. */
int64_t wg__part_moves(const wg__box *part, const wg_type *of, wg__moves *m);

/* Copies the part of `from` to the whole of `to`; or the whole of `from` to the part of `to`. */
void wg__move_out(const wg__box *part, const wg_type *of, const void *from, void *to, int threads);
void wg__move_in(const wg__box *part, const wg_type *of, const void *from, void *to, int threads);

/* Row-major steps of a shape; 0 where they overflow, which only happens beside an extent of 0. */
void wg__steps(const wg_shape *s, int64_t step[WG_MAX_RANK]);

/* Elements of `size` bytes: 1, 4 or 8. Large copies run on up to `threads` threads. */
void wg__move(const wg__moves *m, size_t size, const void *from, void *to, int threads);

/* start, stop, step of each axis of an entry of wg_op_pad_like. */
void wg__pad_like_triples(const wg_tensor *t, int rank, int64_t *triples);

/* n elements of one value, which the element type can hold. */
void wg__fill(void *y, wg_dtype dtype, int64_t n, double value, int threads);

/* Whether `value` is one of the element type: real types round, i64 and bool take exact values. */
bool wg__value_fits(wg_dtype dtype, double value);

/* Bytes as they are. */
void wg__copy(void *to, const void *from, int64_t bytes, int threads);

#endif
