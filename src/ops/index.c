/*
 * index.c: elements at places that i64 tensors name. All indices are checked before anything is
 * written; the threads of a scatter share out the places written to, never the values, so that what
 * falls on one place is added in the order of the indices whatever their number.
 */
#include "each_real.h"
#include "inlined.h"
#include "move.h"

/* Elements below which a second thread costs more than it saves. */
enum { INDEX_GRAIN = 65536 };

/* Elements that might be moved while a row of so many is found and moved. */
static int64_t row_cost(int64_t inner)
{
    return inner + 3;
}

static const wg_field axis_fields[] = { WG_FIELD(struct wg__axis_attr, axis), WG_FIELDS_END };

static bool indices(const wg_sig *s, int i)
{
    if (s->in[i]->dtype == WG_I64) return true;
    return wg_sig_fail(s, WG_EDTYPE, "the indices are %s, wanted i64: convert them with wg_cast",
                       WG_TYPE_STR(s->in[i]));
}

/* Operand 1 holds places 0..extent-1, along `axis` of a tensor of type `of`. False, with the first
 * that does not, otherwise. The first loop has no branch, for nearly always all is well. */
bool wg__indices_fit(const wg_call *c, int operand, int axis, const wg_type *of)
{
    const int64_t *index = c->x[operand];
    int64_t n = wg__count(c->tx[operand]), extent = of->shape.dim[axis], i = 0, step[WG_MAX_RANK];
    uint64_t wrong = 0;
    char place[WG_MAX_RANK * 22 + 1] = "";
    const wg_shape *shape = &c->tx[operand]->shape;

    for (; i < n; i++) wrong |= (uint64_t)index[i] >= (uint64_t)extent;
    if (!wrong) return true;
    for (i = 0; (uint64_t)index[i] < (uint64_t)extent; i++) continue;
    wg__steps(shape, step);
    for (int k = 0, at = 0; k < shape->rank; k++)
        at += snprintf(place + at, sizeof place - (size_t)at, "%s%" PRId64, k ? ", " : "",
                       i / step[k] % shape->dim[k]);
    wg_call_fail(c, WG_EINDEX, "index %" PRId64 " at [%s] is out of range for axis %d of %s",
                 index[i], place, axis, WG_TYPE_STR(of));
    return false;
}

/* A tensor as outer x n x inner around the axis, and m indices for each of its lines. */
struct around {
    int64_t outer, n, inner, m;
    const int64_t *index;
    /* step of the indices from one outer place to the next: 0 when all share them */
    int64_t index_row;
    const void *from;
    void *to;
    size_t size;
    int parts; /* a scatter's: how many threads share one outer place */
};

/* ---- gather ---- */

WG_SMALL_BEGIN

/* x's extents with the axis replaced by those of the indices. */
static bool gathered(const wg_sig *s, const wg_type *x, const wg_type *index, wg_type *out)
{
    const struct wg__axis_attr *at = s->attr;
    int axis, rank = x->shape.rank - 1 + index->shape.rank;

    if (!indices(s, 1) || !wg_sig_axis(s, at->axis, x->shape.rank, &axis)) return false;
    if (rank > WG_MAX_RANK)
        return wg_sig_fail(s, WG_EARG,
                           "axis %d of %s replaced by those of %s makes rank %d, above %d", axis,
                           WG_TYPE_STR(x), WG_TYPE_STR(index), rank, WG_MAX_RANK);
    *out = (wg_type){ x->dtype, { 0, { 0 } } };
    for (int i = 0; i < x->shape.rank; i++) {
        if (i != axis) out->shape.dim[out->shape.rank++] = x->shape.dim[i];
        else
            for (int k = 0; k < index->shape.rank; k++)
                out->shape.dim[out->shape.rank++] = index->shape.dim[k];
    }
    return true;
}

static bool gather_infer(const wg_sig *s, wg_type *out)
{
    return gathered(s, s->in[0], s->in[1], out);
}

static void gather_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_scatter_add_like(v->dy, v->x[1], v->x[0],
                                (int)((const struct wg__axis_attr *)v->attr)->axis);
}

WG_SMALL_END

/* Rows lo..hi-1 of outer x m. */
static void gather_rows(void *arg, int64_t lo, int64_t hi)
{
    const struct around *a = arg;
    size_t width = (size_t)a->inner * a->size;
    int64_t outer = lo / a->m, j = lo % a->m;
    const unsigned char *from = (const unsigned char *)a->from + (size_t)(outer * a->n) * width;
    unsigned char *to = (unsigned char *)a->to + (size_t)lo * width;

    for (; lo < hi; lo++, to += width) {
        const unsigned char *row = from + (size_t)a->index[j] * width;

        if (width == 4) memcpy(to, row, 4);
        else if (width == 8) memcpy(to, row, 8);
        else memcpy(to, row, width);
        if (++j == a->m) {
            j = 0;
            from += (size_t)a->n * width;
        }
    }
}

WG_SMALL_BEGIN

void wg__gather_check(const wg_call *c)
{
    int64_t axis = ((const struct wg__axis_attr *)c->attr)->axis;

    wg__indices_fit(c, 1, wg__axis(axis, c->tx[0]->shape.rank), c->tx[0]);
}

static void gather_eval(const wg_call *c)
{
    int64_t axis = ((const struct wg__axis_attr *)c->attr)->axis;
    struct around a = { .m = wg__count(c->tx[1]),
                        .index = c->x[1],
                        .from = c->x[0],
                        .to = c->y,
                        .size = wg_dtype_size(c->ty->dtype) };

    if (!wg__indices_fit(c, 1, wg__axis(axis, c->tx[0]->shape.rank), c->tx[0]) ||
        wg__count(c->ty) == 0)
        return;
    wg__axis_split(c->tx[0], axis, &a.outer, &a.n, &a.inner);
    wg_parallel(c->threads, a.outer * a.m, INDEX_GRAIN / row_cost(a.inner) + 1, gather_rows, &a);
}

const wg_op wg_op_gather = { .name = "gather",
                             .doc = "rows at indices along an axis",
                             .n_in = 2,
                             .attr_size = sizeof(struct wg__axis_attr),
                             .fields = axis_fields,
                             .infer = gather_infer,
                             .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(gather_eval)),
                             .vjp = gather_vjp,
                             .flops = wg__no_flops };

wg_tensor *wg_gather(wg_tensor *x, wg_tensor *idx, int axis)
{
    return wg_record2(&wg_op_gather, &(struct wg__axis_attr){ axis }, x, idx);
}

/* ---- scatter_add_like, scatter_add: the adjoint of gather ---- */

static bool fits_gathered(const wg_sig *s, const wg_type *whole, const wg_type *x)
{
    wg_type want;

    if (whole->dtype != x->dtype)
        return wg_sig_fail(s, WG_EDTYPE,
                           "element types differ: %s and %s: convert one with wg_cast",
                           WG_TYPE_STR(whole), WG_TYPE_STR(x));
    if (!gathered(s, whole, s->in[1], &want)) return false;
    if (wg_shape_equal(&want.shape, &x->shape)) return true;
    return wg_sig_fail(s, WG_ESHAPE, "%s added to %s at indices %s: wanted %s", WG_TYPE_STR(x),
                       WG_TYPE_STR(whole), WG_TYPE_STR(s->in[1]), WG_TYPE_STR(&want));
}

WG_SMALL_END

/* One outer place: what falls on rows row..row_end-1 and columns column..column_end-1. */
#define SCATTER(NAME, T)                                                                           \
    static void NAME(const struct around *a, int64_t outer, int64_t row, int64_t row_end,          \
                     int64_t column, int64_t column_end)                                           \
    {                                                                                              \
        const T *from = (const T *)a->from + outer * a->m * a->inner;                              \
        T *to = (T *)a->to + outer * a->n * a->inner;                                              \
                                                                                                   \
        for (int64_t j = 0; j < a->m; j++, from += a->inner) {                                     \
            int64_t r = a->index[j];                                                               \
            T *line = to + r * a->inner;                                                           \
                                                                                                   \
            if (r < row || r >= row_end) continue;                                                 \
            for (int64_t i = column; i < column_end; i++) line[i] += from[i];                      \
        }                                                                                          \
    }
SCATTER(scatter_f32, float)
SCATTER(scatter_f64, double)
SCATTER(scatter_i64, uint64_t)
#undef SCATTER

/* The same where each line (outer, column) has indices of its own. */
#define SCATTER(NAME, T)                                                                           \
    static void NAME(const struct around *a, int64_t outer, int64_t row, int64_t row_end,          \
                     int64_t column, int64_t column_end)                                           \
    {                                                                                              \
        const int64_t *index = a->index + outer * a->m * a->inner;                                 \
        const T *from = (const T *)a->from + outer * a->m * a->inner;                              \
        T *to = (T *)a->to + outer * a->n * a->inner;                                              \
                                                                                                   \
        for (int64_t j = 0; j < a->m; j++, from += a->inner, index += a->inner)                    \
            for (int64_t i = column; i < column_end; i++) {                                        \
                int64_t r = index[i];                                                              \
                                                                                                   \
                if (r >= row && r < row_end) to[r * a->inner + i] += from[i];                      \
            }                                                                                      \
    }
SCATTER(along_f32, float)
SCATTER(along_f64, double)
SCATTER(along_i64, uint64_t)
#undef SCATTER

struct scatter_job {
    const struct around *a;
    void (*f)(const struct around *a, int64_t outer, int64_t row, int64_t row_end, int64_t column,
              int64_t column_end);
    int64_t parts; /* pieces of one outer place */
    bool columns;  /* pieces are columns, else rows */
};

static void scatter_pieces(void *arg, int64_t lo, int64_t hi)
{
    const struct scatter_job *j = arg;

    for (; lo < hi; lo++) {
        int64_t outer = lo / j->parts, k = lo % j->parts, n = j->columns ? j->a->inner : j->a->n;
        int64_t first = n / j->parts * k + (k < n % j->parts ? k : n % j->parts);
        int64_t end = first + n / j->parts + (k < n % j->parts);

        if (j->columns) j->f(j->a, outer, 0, j->a->n, first, end);
        else j->f(j->a, outer, first, end, 0, j->a->inner);
    }
}

WG_SMALL_BEGIN

/* Columns are shared evenly whatever the indices are, so they are preferred when there are enough
 * of them; rows cost each thread a look at all indices. */
static void scatter(const wg_call *c, const struct around *a, bool along)
{
    wg_dtype dtype = c->ty->dtype;
    int64_t work = a->m * (along ? a->inner * row_cost(1) : row_cost(a->inner));
    int64_t threads = c->threads;
    struct scatter_job j = { .a = a, .parts = 1 };

    if (along) j.f = dtype == WG_F32 ? along_f32 : dtype == WG_F64 ? along_f64 : along_i64;
    else j.f = dtype == WG_F32 ? scatter_f32 : dtype == WG_F64 ? scatter_f64 : scatter_i64;
    if (work == 0 || a->outer == 0 || a->n == 0) return;
    if (a->outer < threads && work >= INDEX_GRAIN) {
        j.columns = a->inner >= 16 * threads;
        j.parts = j.columns || a->n > threads ? threads : a->n;
    }
    wg_parallel(c->threads, a->outer * j.parts, INDEX_GRAIN / work + 1, scatter_pieces, &j);
}

static bool scatter_add_like_infer(const wg_sig *s, wg_type *out)
{
    *out = *s->in[2];
    return fits_gathered(s, s->in[2], s->in[0]);
}

static void scatter_add_like_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_gather(v->dy, v->x[1], (int)((const struct wg__axis_attr *)v->attr)->axis);
}

static void scatter_add_like_eval(const wg_call *c)
{
    int64_t axis = ((const struct wg__axis_attr *)c->attr)->axis;
    struct around a = { .m = wg__count(c->tx[1]), .index = c->x[1], .from = c->x[0], .to = c->y };

    if (!wg__indices_fit(c, 1, wg__axis(axis, c->ty->shape.rank), c->ty)) return;
    wg__axis_split(c->ty, axis, &a.outer, &a.n, &a.inner);
    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), 0, c->threads);
    scatter(c, &a, false);
}

const wg_op wg_op_scatter_add_like = { .name = "scatter_add_like",
                                       .doc =
                                           "zeros of an operand's type with rows added at indices",
                                       .n_in = 3,
                                       .shape_only = WG_SHAPE_ONLY(2),
                                       .attr_size = sizeof(struct wg__axis_attr),
                                       .fields = axis_fields,
                                       .infer = scatter_add_like_infer,
                                       .eval = WG_EVAL_KERNELS(
                                           { [WG_F32] = { scatter_add_like_eval },
                                             [WG_F64] = { scatter_add_like_eval },
                                             [WG_I64] = { scatter_add_like_eval } }),
                                       .vjp = scatter_add_like_vjp,
                                       .more = WG_OP_MORE(.inlines = wg__inline_scatter) };

wg_tensor *wg_scatter_add_like(wg_tensor *x, wg_tensor *idx, wg_tensor *like, int axis)
{
    return wg_record3(&wg_op_scatter_add_like, &(struct wg__axis_attr){ axis }, x, idx, like);
}

static bool scatter_add_infer(const wg_sig *s, wg_type *out)
{
    *out = *s->in[0];
    return fits_gathered(s, s->in[0], s->in[2]);
}

static void scatter_add_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = v->dy;
    if (v->need[2])
        dx[2] = wg_gather(v->dy, v->x[1], (int)((const struct wg__axis_attr *)v->attr)->axis);
}

static void scatter_add_check(const wg_call *c)
{
    int64_t axis = ((const struct wg__axis_attr *)c->attr)->axis;

    wg__indices_fit(c, 1, wg__axis(axis, c->ty->shape.rank), c->ty);
}

static void scatter_add_eval(const wg_call *c)
{
    int64_t axis = ((const struct wg__axis_attr *)c->attr)->axis;
    struct around a = { .m = wg__count(c->tx[1]), .index = c->x[1], .from = c->x[2], .to = c->y };

    if (!wg__indices_fit(c, 1, wg__axis(axis, c->ty->shape.rank), c->ty)) return;
    wg__axis_split(c->ty, axis, &a.outer, &a.n, &a.inner);
    if (c->y != c->x[0]) wg__copy(c->y, c->x[0], wg_type_bytes(c->ty), c->threads);
    scatter(c, &a, false);
}

const wg_op wg_op_scatter_add = { .name = "scatter_add",
                                  .doc = "an operand with rows added at indices",
                                  .n_in = 3,
                                  .attr_size = sizeof(struct wg__axis_attr),
                                  .fields = axis_fields,
                                  .infer = scatter_add_infer,
                                  .eval = WG_EVAL_KERNELS({ [WG_F32] = { scatter_add_eval },
                                                            [WG_F64] = { scatter_add_eval },
                                                            [WG_I64] = { scatter_add_eval } }),
                                  .vjp = scatter_add_vjp,
                                  .more = WG_OP_MORE(.check = scatter_add_check,
                                                     .inlines = wg__inline_scatter) };

wg_tensor *wg_scatter_add(wg_tensor *base, wg_tensor *idx, wg_tensor *x, int axis)
{
    return wg_record3(&wg_op_scatter_add, &(struct wg__axis_attr){ axis }, base, idx, x);
}

/* ---- take_along_axis and scatter_along_like, each the other's adjoint ---- */

/* The indices have the extents of `whole` but for the axis. */
static bool along_fits(const wg_sig *s, const wg_type *whole, int *axis)
{
    const wg_shape *index = &s->in[1]->shape;
    bool fits = index->rank == whole->shape.rank;

    if (!indices(s, 1)) return false;
    if (!wg_sig_axis(s, ((const struct wg__axis_attr *)s->attr)->axis, whole->shape.rank, axis))
        return false;
    for (int i = 0; fits && i < index->rank; i++)
        fits = i == *axis || index->dim[i] == whole->shape.dim[i];
    if (fits) return true;
    return wg_sig_fail(s, WG_ESHAPE, "indices %s along axis %d of %s: other extents differ",
                       WG_TYPE_STR(s->in[1]), *axis, WG_TYPE_STR(whole));
}

static bool take_along_axis_infer(const wg_sig *s, wg_type *out)
{
    int axis;

    *out = (wg_type){ s->in[0]->dtype, s->in[1]->shape };
    return along_fits(s, s->in[0], &axis);
}

static void take_along_axis_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_scatter_along_like(v->dy, v->x[1], v->x[0],
                                  (int)((const struct wg__axis_attr *)v->attr)->axis);
}

WG_SMALL_END

/* Rows lo..hi-1 of outer x m. */
#define TAKE(SIZE, WORD)                                                                           \
    static void take##SIZE(void *arg, int64_t lo, int64_t hi)                                      \
    {                                                                                              \
        const struct around *a = arg;                                                              \
        const int64_t *index = a->index + lo * a->inner;                                           \
        WORD *to = (WORD *)a->to + lo * a->inner;                                                  \
                                                                                                   \
        for (; lo < hi; lo++, index += a->inner, to += a->inner) {                                 \
            const WORD *from = (const WORD *)a->from + lo / a->m * a->n * a->inner;                \
                                                                                                   \
            for (int64_t i = 0; i < a->inner; i++) to[i] = from[index[i] * a->inner + i];          \
        }                                                                                          \
    }
TAKE(1, wg__word1)
TAKE(4, wg__word4)
TAKE(8, wg__word8)
#undef TAKE

WG_SMALL_BEGIN

static void take_along_axis_eval(const wg_call *c)
{
    int64_t axis = ((const struct wg__axis_attr *)c->attr)->axis;
    size_t size = wg_dtype_size(c->ty->dtype);
    struct around a = { .m = c->ty->shape.dim[wg__axis(axis, c->ty->shape.rank)],
                        .index = c->x[1],
                        .from = c->x[0],
                        .to = c->y };

    if (!wg__indices_fit(c, 1, wg__axis(axis, c->ty->shape.rank), c->tx[0]) ||
        wg__count(c->ty) == 0)
        return;
    wg__axis_split(c->tx[0], axis, &a.outer, &a.n, &a.inner);
    wg_parallel(c->threads, a.outer * a.m, INDEX_GRAIN / (a.inner * row_cost(1)) + 1,
                size == 4   ? take4
                : size == 8 ? take8
                            : take1,
                &a);
}

const wg_op wg_op_take_along_axis = {
    .name = "take_along_axis",
    .doc = "for each line along an axis, the elements at its indices",
    .n_in = 2,
    .attr_size = sizeof(struct wg__axis_attr),
    .fields = axis_fields,
    .infer = take_along_axis_infer,
    .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(take_along_axis_eval)),
    .vjp = take_along_axis_vjp,
    .flops = wg__no_flops
};

wg_tensor *wg_take_along_axis(wg_tensor *x, wg_tensor *idx, int axis)
{
    return wg_record2(&wg_op_take_along_axis, &(struct wg__axis_attr){ axis }, x, idx);
}

static bool scatter_along_like_infer(const wg_sig *s, wg_type *out)
{
    int axis;

    *out = *s->in[2];
    if (s->in[0]->dtype != out->dtype)
        return wg_sig_fail(s, WG_EDTYPE,
                           "element types differ: %s and %s: convert one with wg_cast",
                           WG_TYPE_STR(s->in[0]), WG_TYPE_STR(out));
    if (!along_fits(s, out, &axis)) return false;
    if (wg_shape_equal(&s->in[0]->shape, &s->in[1]->shape)) return true;
    return wg_sig_fail(s, WG_ESHAPE, "%s has not the extents of its indices %s",
                       WG_TYPE_STR(s->in[0]), WG_TYPE_STR(s->in[1]));
}

static void scatter_along_like_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_take_along_axis(v->dy, v->x[1], (int)((const struct wg__axis_attr *)v->attr)->axis);
}

static void scatter_along_like_eval(const wg_call *c)
{
    int64_t axis = ((const struct wg__axis_attr *)c->attr)->axis;
    struct around a = { .m = c->tx[1]->shape.dim[wg__axis(axis, c->ty->shape.rank)],
                        .index = c->x[1],
                        .from = c->x[0],
                        .to = c->y };

    if (!wg__indices_fit(c, 1, wg__axis(axis, c->ty->shape.rank), c->ty)) return;
    wg__axis_split(c->ty, axis, &a.outer, &a.n, &a.inner);
    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), 0, c->threads);
    scatter(c, &a, true);
}

const wg_op wg_op_scatter_along_like = {
    .name = "scatter_along_like",
    .doc = "zeros of an operand's type with elements added at each line's indices",
    .n_in = 3,
    .shape_only = WG_SHAPE_ONLY(2),
    .attr_size = sizeof(struct wg__axis_attr),
    .fields = axis_fields,
    .infer = scatter_along_like_infer,
    .eval = WG_EVAL_KERNELS({ [WG_F32] = { scatter_along_like_eval },
                              [WG_F64] = { scatter_along_like_eval },
                              [WG_I64] = { scatter_along_like_eval } }),
    .vjp = scatter_along_like_vjp
};

wg_tensor *wg_scatter_along_like(wg_tensor *x, wg_tensor *idx, wg_tensor *like, int axis)
{
    return wg_record3(&wg_op_scatter_along_like, &(struct wg__axis_attr){ axis }, x, idx, like);
}

/* ---- one_hot, one_hot_like ---- */

struct one_hot_attr {
    int64_t depth;
    wg_dtype dtype;
};
static const wg_field one_hot_fields[] = { WG_FIELD(struct one_hot_attr, depth),
                                           WG_FIELD(struct one_hot_attr, dtype), WG_FIELDS_END };

static bool one_hot_type(const wg_sig *s, wg_dtype dtype, int64_t depth, wg_type *out)
{
    if (!indices(s, 0)) return false;
    *out = (wg_type){ dtype, s->in[0]->shape };
    if (depth < 0) return wg_sig_fail(s, WG_EARG, "depth %" PRId64 " is negative", depth);
    if (out->shape.rank == WG_MAX_RANK)
        return wg_sig_fail(s, WG_EARG, "indices %s leave no room for another axis: ranks end at %d",
                           WG_TYPE_STR(s->in[0]), WG_MAX_RANK);
    out->shape.dim[out->shape.rank++] = depth;
    return true;
}

static bool one_hot_infer(const wg_sig *s, wg_type *out)
{
    const struct one_hot_attr *at = s->attr;

    return one_hot_type(s, at->dtype, at->depth, out);
}

static void one_hot_eval(const wg_call *c)
{
    const int64_t *index = c->x[0];
    int64_t n = wg__count(c->tx[0]), depth = c->ty->shape.dim[c->ty->shape.rank - 1];

    if (!wg__indices_fit(c, 0, c->ty->shape.rank - 1, c->ty)) return;
    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), 0, c->threads);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i * depth + index[i];

        if (c->ty->dtype == WG_F32) ((float *)c->y)[at] = 1;
        else if (c->ty->dtype == WG_F64) ((double *)c->y)[at] = 1;
        else if (c->ty->dtype == WG_I64) ((int64_t *)c->y)[at] = 1;
        else ((unsigned char *)c->y)[at] = 1;
    }
}

const wg_op wg_op_one_hot = { .name = "one_hot",
                              .doc = "1 at each index along a new last axis",
                              .n_in = 1,
                              .flags = WG_OP_NO_GRAD,
                              .decides = -1,
                              .attr_size = sizeof(struct one_hot_attr),
                              .fields = one_hot_fields,
                              .infer = one_hot_infer,
                              .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(one_hot_eval)),
                              .flops = wg__no_flops };

wg_tensor *wg_one_hot(wg_tensor *idx, int64_t depth, wg_dtype dtype)
{
    return wg_record1(&wg_op_one_hot, &(struct one_hot_attr){ depth, dtype }, idx);
}

static bool one_hot_like_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *like = &s->in[1]->shape;

    if (like->rank == 0)
        return wg_sig_fail(s, WG_ESHAPE, "%s has no last axis to take the depth from",
                           WG_TYPE_STR(s->in[1]));
    return one_hot_type(s, s->in[1]->dtype, like->dim[like->rank - 1], out);
}

const wg_op wg_op_one_hot_like = {
    .name = "one_hot_like",
    .doc = "1 at each index along a new last axis, as long as an operand's",
    .n_in = 2,
    .flags = WG_OP_NO_GRAD,
    .shape_only = WG_SHAPE_ONLY(1),
    .decides = -1,
    .infer = one_hot_like_infer,
    .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(one_hot_eval)),
    .flops = wg__no_flops
};

wg_tensor *wg_one_hot_like(wg_tensor *idx, wg_tensor *like)
{
    return wg_record2(&wg_op_one_hot_like, NULL, idx, like);
}

WG_SMALL_END
