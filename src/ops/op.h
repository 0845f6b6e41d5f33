/*
 * op.h: what every file of records includes: the author's header, the constructors that gradient
 * rules call, and what records share. Rules see tensors, ranks and element types; extents they
 * cannot see, because a graph recorded at one batch size is differentiated once and run at others.
 */
#ifndef WG_OPS_OP_H
#define WG_OPS_OP_H

#include <inttypes.h>
#include <string.h>

#include "wengert/op.h"
#include "wengert/ops.h"

/* ---- every record of the library ---- */

#define OP(name) extern const wg_op wg_op_##name;
#include "ops.def"
#undef OP

/* Kernel slots of a record whose one kernel serves every element type. */
#define WG_EACH_DTYPE(f)                                                                           \
    {                                                                                              \
        [WG_F32] = { f }, [WG_F64] = { f }, [WG_I64] = { f }, [WG_BOOL] = { f }                    \
    }

/* Kernels line by line, from such slots. */
#define WG_BY_LINE(...) (wg_line_fn *const[WG_N_DTYPES][WG_N_LEVELS]) __VA_ARGS__

/* ---- axes, once a shape rule has accepted them ---- */

/* Axis of a tensor of rank `rank`, counted from the front. */
static inline int wg__axis(int64_t axis, int rank)
{
    return (int)(axis < 0 ? axis + rank : axis);
}

/* Axes as a bit set. */
static inline unsigned wg__axis_set(const wg_axes *axes, int rank)
{
    unsigned set = 0;

    if (axes->n < 0) return (1u << rank) - 1;
    for (int i = 0; i < axes->n; i++) set |= 1u << wg__axis(axes->axis[i], rank);
    return set;
}

/* Product of extents first..end-1. One that overflows can only stand beside an extent of 0, whose
 * tensor has no element: it counts as 0. */
static inline int64_t wg__extents(const wg_shape *s, int first, int end)
{
    int64_t n = 1;

    for (int i = first; i < end; i++)
        if (__builtin_mul_overflow(n, s->dim[i], &n)) return 0;
    return n;
}

/* A row-major tensor as outer x n x inner around one axis: line (o, i) starts at element
 * o * n * inner + i, and its elements lie inner apart. */
static inline void wg__axis_split(const wg_type *t, int64_t axis, int64_t *outer, int64_t *n,
                                  int64_t *inner)
{
    int a = wg__axis(axis, t->shape.rank);

    *outer = wg__extents(&t->shape, 0, a);
    *n = t->shape.dim[a];
    *inner = wg__extents(&t->shape, a + 1, t->shape.rank);
}

/* Elements of a legal type. */
static inline int64_t wg__count(const wg_type *t)
{
    return wg__extents(&t->shape, 0, t->shape.rank);
}

/* ---- between files of this folder ---- */

/* Attributes of records that have one axis and nothing else. */
struct wg__axis_attr {
    int64_t axis; /* may count from the end */
};

/* Of records that move elements and compute nothing. */
double wg__no_flops(const wg_sig *s, const wg_type *out);

/* Attributes of wg_op_permute, for a product that takes a transposition as its flag. */
struct wg__permute_attr {
    wg_axes perm; /* axis i of the result is axis perm[i]; n -1: all reversed */
};

/* A constant of this type filled with one value; i64 and bool take exact values only. */
wg_tensor *wg__full(wg_graph *g, wg_dtype dtype, wg_shape shape, double value);

/* The sum, in order, of n >= 1 entries of records flagged WG_OP_GRAD_PART, as one tensor made in
 * one pass: the same bits as n - 1 additions. NULL when they do not belong together (they fill
 * different tensors, lie along different axes, or are no such entries): then add them. */
wg_tensor *wg__assemble(int n, wg_tensor *const *part);

/* What the rule of matmul gives a matrix b in y = a b: a^T dy, of matrices a and dy. The sum of n
 * such for one b is one product, of the rows of all a and of all dy; NULL when out of memory. */
bool wg__is_rows_product(const wg_tensor *d);
wg_tensor *wg__join_products(int n, wg_tensor *const *d);

/* From here on a rule that wants an extent must take a tensor instead (shape_only operand). */
#pragma GCC poison wg_tensor_type

#endif
