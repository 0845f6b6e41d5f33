/*
 * concat.c: tensors end to end, and the pieces of such a chain at places that are known when it
 * runs. A gradient rule cannot look at extents, so the place of a piece is an operand: a sum of
 * wg_extent entries.
 */
#include "move.h"

static const wg_field axis_fields[] = { WG_FIELD(struct wg__axis_attr, axis), WG_FIELDS_END };

/* Whether a and b agree in element type, rank and all extents but that of the axis. */
static bool fits_beside(const wg_sig *s, const wg_type *a, const wg_type *b, int axis)
{
    bool same = a->shape.rank == b->shape.rank;

    for (int i = 0; same && i < a->shape.rank; i++)
        same = i == axis || a->shape.dim[i] == b->shape.dim[i];
    if (same) return true;
    return wg_sig_fail(s, WG_ESHAPE, "%s does not go with %s along axis %d: other extents differ",
                       WG_TYPE_STR(b), WG_TYPE_STR(a), axis);
}

/* ---- concat ---- */

static bool concat_infer(const wg_sig *s, wg_type *out)
{
    const struct wg__axis_attr *at = s->attr;
    int axis;

    *out = *s->in[0];
    if (!wg_sig_same_dtype(s) || !wg_sig_axis(s, at->axis, out->shape.rank, &axis)) return false;
    for (int k = 1; k < s->n_in; k++) {
        if (!fits_beside(s, s->in[0], s->in[k], axis)) return false;
        if (__builtin_add_overflow(out->shape.dim[axis], s->in[k]->shape.dim[axis],
                                   &out->shape.dim[axis]))
            return wg_sig_fail(s, WG_ELIMIT, "axis %d of %d operands like %s overflows", axis,
                               s->n_in, WG_TYPE_STR(s->in[0]));
    }
    return true;
}

/* Each place is the one before plus an extent, so n pieces cost O(n). */
static void concat_vjp(const wg_vjp *v, wg_tensor **dx)
{
    int axis = (int)((const struct wg__axis_attr *)v->attr)->axis, last = v->n_in - 1;
    wg_tensor *place = wg_scalar(wg_tensor_graph(v->dy), WG_I64, 0);

    while (last > 0 && !v->need[last]) last--;
    for (int k = 0; k <= last; k++) {
        if (v->need[k]) dx[k] = wg_part_like(v->dy, v->x[k], place, axis);
        if (k < last)
            place = k ? wg_add(place, wg_extent(v->x[k], axis)) : wg_extent(v->x[0], axis);
    }
}

/* In bytes: where each operand begins in a row of the result, and the row's length last. */
struct concat_job {
    const wg_call *c;
    const int64_t *begin;
};

static size_t concat_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    (void)out;
    (void)threads;
    return ((size_t)s->n_in + 1) * sizeof(int64_t);
}

/* Bytes lo..hi-1 of the result. */
static void concat_range(void *arg, int64_t lo, int64_t hi)
{
    const struct concat_job *j = arg;
    const wg_call *c = j->c;
    int64_t row_bytes = j->begin[c->n_in], row = lo / row_bytes;
    int first = 0, end = c->n_in;
    unsigned char *to = (unsigned char *)c->y + lo;

    lo -= row * row_bytes;
    hi -= row * row_bytes;
    while (end - first > 1) {
        int middle = first + (end - first) / 2;

        if (j->begin[middle] <= lo) first = middle;
        else end = middle;
    }
    for (int k = first; lo < hi;) {
        int64_t width = j->begin[k + 1] - j->begin[k], skip = lo - j->begin[k], n = width - skip;
        const unsigned char *from = (const unsigned char *)c->x[k] + row * width + skip;

        if (n > hi - lo) n = hi - lo;
        if (n == 4) memcpy(to, from, 4);
        else if (n == 8) memcpy(to, from, 8);
        else if (n > 0) memcpy(to, from, (size_t)n);
        to += n;
        lo += n;
        if (++k == c->n_in) {
            k = 0;
            row++;
            lo -= row_bytes;
            hi -= row_bytes;
        }
    }
}

static void concat_eval(const wg_call *c)
{
    const struct wg__axis_attr *at = c->attr;
    int axis = wg__axis(at->axis, c->ty->shape.rank);
    int64_t *begin = c->scratch, total = wg_type_bytes(c->ty);

    if (total == 0) return;
    begin[0] = 0;
    for (int k = 0; k < c->n_in; k++)
        begin[k + 1] = begin[k] + wg__extents(&c->tx[k]->shape, axis, c->ty->shape.rank) *
                                      (int64_t)wg_dtype_size(c->ty->dtype);
    wg_parallel(c->threads, total, 1 << 17, concat_range, &(struct concat_job){ c, begin });
}

/* Pieces lie one after the other where nothing stands before the axis. */
static bool concat_joins(const wg_sig *s, const wg_type *out)
{
    const struct wg__axis_attr *at = s->attr;

    return wg__extents(&out->shape, 0, wg__axis(at->axis, out->shape.rank)) == 1;
}

const wg_op wg_op_concat = { .name = "concat",
                             .doc = "tensors joined along an axis",
                             .n_in = -1,
                             .flags = WG_OP_ALIAS,
                             .attr_size = sizeof(struct wg__axis_attr),
                             .fields = axis_fields,
                             .infer = concat_infer,
                             .scratch = concat_scratch,
                             .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(concat_eval)),
                             .vjp = concat_vjp,
                             .flops = wg__no_flops,
                             .more = WG_OP_MORE(.joins = concat_joins) };

wg_tensor *wg_concat(int n, wg_tensor *const *x, int axis)
{
    return wg_record(&wg_op_concat, &(struct wg__axis_attr){ axis }, n, x);
}

wg_tensor *wg_stack(int n, wg_tensor *const *x, int axis)
{
    wg_tensor **piece = x ? wg_alloc(n, sizeof *piece) : NULL, *y;

    if (!piece)
        return x && n > 0
                   ? wg_record_fail(wg_tensor_graph(x[0]), WG_ENOMEM, "stack", "out of memory")
                   : NULL;
    for (int i = 0; i < n; i++) piece[i] = wg_unsqueeze(x[i], WG_AXES(axis));
    y = wg_concat(n, piece, axis);
    wg_free(piece);
    return y;
}

/* ---- part_like and place_like, each the other's adjoint ---- */

/* Operands: x, like, offset. The smaller of whole and part is read at offset of the larger. */
static bool piece_infer(const wg_sig *s, const wg_type *whole, const wg_type *part)
{
    const struct wg__axis_attr *at = s->attr;
    int axis;

    if (s->in[2]->dtype != WG_I64 || s->in[2]->shape.rank != 0)
        return wg_sig_fail(s, WG_EDTYPE, "the offset is %s, wanted i64[]", WG_TYPE_STR(s->in[2]));
    if (whole->dtype != part->dtype)
        return wg_sig_fail(s, WG_EDTYPE,
                           "element types differ: %s and %s: convert one with wg_cast",
                           WG_TYPE_STR(s->in[0]), WG_TYPE_STR(s->in[1]));
    if (!wg_sig_axis(s, at->axis, whole->shape.rank, &axis) || !fits_beside(s, whole, part, axis))
        return false;
    if (part->shape.dim[axis] <= whole->shape.dim[axis]) return true;
    return wg_sig_fail(s, WG_ESHAPE, "%s is longer than %s along axis %d", WG_TYPE_STR(part),
                       WG_TYPE_STR(whole), axis);
}

/* False, with an error, when the part would reach beyond the whole. */
static bool piece_box(const wg_call *c, const wg_type *whole, const wg_type *part, wg__box *b)
{
    const struct wg__axis_attr *at = c->attr;
    int axis = wg__axis(at->axis, whole->shape.rank);
    int64_t offset = *(const int64_t *)c->x[2];

    for (int i = 0; i < whole->shape.rank; i++) {
        b->first[i] = i == axis ? offset : 0;
        b->step[i] = 1;
        b->n[i] = part->shape.dim[i];
    }
    if (offset >= 0 && offset <= whole->shape.dim[axis] - part->shape.dim[axis]) return true;
    wg_call_fail(c, WG_EINDEX, "%s at %" PRId64 " reaches beyond axis %d of %s", WG_TYPE_STR(part),
                 offset, axis, WG_TYPE_STR(whole));
    return false;
}

static bool part_like_infer(const wg_sig *s, wg_type *out)
{
    *out = *s->in[1];
    return piece_infer(s, s->in[0], s->in[1]);
}

static void part_like_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct wg__axis_attr *at = v->attr;

    dx[0] = wg_place_like(v->dy, v->x[0], v->x[2], (int)at->axis);
}

static void part_like_eval(const wg_call *c)
{
    wg__box b;

    if (piece_box(c, c->tx[0], c->ty, &b)) wg__move_out(&b, c->tx[0], c->x[0], c->y, c->threads);
}

static int64_t part_like_part(const wg_sig *s, const wg_type *out, const void *const *x)
{
    const struct wg__axis_attr *at = s->attr;
    const wg_shape *whole = &s->in[0]->shape;
    int axis = wg__axis(at->axis, whole->rank);
    int64_t offset = x[2] ? *(const int64_t *)x[2] : -1;

    if (wg__extents(whole, 0, axis) != 1 || offset < 0 ||
        offset > whole->dim[axis] - out->shape.dim[axis])
        return -1;
    return offset * wg__extents(whole, axis + 1, whole->rank);
}

const wg_op wg_op_part_like = { .name = "part_like",
                                .doc = "the piece at an offset, in the extents of an operand",
                                .n_in = 3,
                                .shape_only = WG_SHAPE_ONLY(1),
                                .attr_size = sizeof(struct wg__axis_attr),
                                .fields = axis_fields,
                                .infer = part_like_infer,
                                .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(part_like_eval)),
                                .vjp = part_like_vjp,
                                .flops = wg__no_flops,
                                .more = WG_OP_MORE(.part = part_like_part) };

wg_tensor *wg_part_like(wg_tensor *x, wg_tensor *like, wg_tensor *offset, int axis)
{
    return wg_record3(&wg_op_part_like, &(struct wg__axis_attr){ axis }, x, like, offset);
}

static bool place_like_infer(const wg_sig *s, wg_type *out)
{
    *out = *s->in[1];
    return piece_infer(s, s->in[1], s->in[0]);
}

static void place_like_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct wg__axis_attr *at = v->attr;

    dx[0] = wg_part_like(v->dy, v->x[0], v->x[2], (int)at->axis);
}

static void place_like_eval(const wg_call *c)
{
    wg__box b;

    if (!piece_box(c, c->ty, c->tx[0], &b)) return;
    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), 0, c->threads);
    wg__move_in(&b, c->ty, c->x[0], c->y, c->threads);
}

const wg_op wg_op_place_like = { .name = "place_like",
                                 .doc = "zeros of an operand's type with another at an offset",
                                 .n_in = 3,
                                 .flags = WG_OP_GRAD_PART,
                                 .shape_only = WG_SHAPE_ONLY(1),
                                 .attr_size = sizeof(struct wg__axis_attr),
                                 .fields = axis_fields,
                                 .infer = place_like_infer,
                                 .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(place_like_eval)),
                                 .vjp = place_like_vjp,
                                 .flops = wg__no_flops };

wg_tensor *wg_place_like(wg_tensor *x, wg_tensor *like, wg_tensor *offset, int axis)
{
    return wg_record3(&wg_op_place_like, &(struct wg__axis_attr){ axis }, x, like, offset);
}
