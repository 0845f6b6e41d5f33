/*
 * reduce.h: what reductions share. The axes of an operand become runs: extents of 1 vanish and
 * neighbours of one kind, kept or reduced, merge, so that nearly every reduction is [outer, n,
 * inner] over n, and the rest is a few of those one after the other.
 */
#ifndef WG_OPS_REDUCE_SHARED_H
#define WG_OPS_REDUCE_SHARED_H

#include "op.h"

struct reduce_attr {
    wg_axes axes;
    bool keepdims;
};

extern const wg_field wg__reduce_fields[];

/* Elements below which one more thread costs more than it brings: starting one takes about as long
 * as reading this many from memory. */
enum { WG_REDUCE_GRAIN = 32768 };

/* The type left when `axes` of x are reduced; *empty tells that nothing is reduced over. */
bool wg__reduce_type(const wg_sig *s, const wg_type *x, const wg_axes *axes, bool keepdims,
                     wg_type *out, bool *empty);

/* Operand 0 must be f32, f64 or i64. WG_EDTYPE otherwise, with the remedy. */
bool wg__sig_number(const wg_sig *s);

/* ---- runs ---- */

typedef struct {
    int n;
    int64_t extent[WG_MAX_RANK];
    bool reduced[WG_MAX_RANK];
} wg_runs;

void wg__runs(const wg_shape *shape, unsigned set, wg_runs *runs);

/* Elements of a line when the reduced axes are the last ones of several; else 0. */
int64_t wg__runs_line(const wg_runs *runs);

/* The same when the reduced axes are the first ones. */
int64_t wg__runs_columns(const wg_runs *runs);

/* One step of a reduction: x [outer, n, inner] -> y [outer, inner], with room for partial results.
 */
typedef void wg_join_fn(const wg_call *c, int64_t outer, int64_t n, int64_t inner, const void *x,
                        void *y, void *partial);

/* Reduces run after run, the last one first, by `join`; intermediate results lie in c->scratch. */
void wg__reduce_runs(const wg_call *c, const wg_runs *runs, size_t size, wg_join_fn *join);
size_t wg__reduce_runs_scratch(const wg_runs *runs, size_t size);

/* Items of a reduction that are joined before a fixed tree joins these blocks; that of the
 * canonical sum. */
enum { WG_REDUCE_BLOCK = 512 };

/* ---- lines: the elements that one result is made of, for any set of axes ---- */

typedef struct {
    wg_runs runs;
    int64_t count, n;  /* lines, elements of each */
    const int64_t *at; /* where element i lies, from the line's first; NULL: at i */
} wg_lines;

/* `table` holds runs' n numbers (wg__lines_scratch bytes) and is filled when the lines are not
 * contiguous. */
void wg__lines(const wg_shape *shape, unsigned set, void *table, wg_lines *lines);
int64_t wg__line_first(const wg_lines *lines, int64_t line);
size_t wg__lines_scratch(const wg_shape *shape, unsigned set);

/* wg_parallel_workers for n lines of `weight` elements of work. */
void wg__shares(const wg_call *c, int64_t n, int64_t weight,
                void (*body)(void *arg, int worker, int64_t lo, int64_t hi), void *arg);

static inline size_t wg__round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

#endif
