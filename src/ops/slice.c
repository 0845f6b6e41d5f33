/* slice.c: parts of a tensor, by numbers that the attributes hold; and their adjoint. */
#include "move.h"

/* ---- slice and pad_like, each the other's adjoint ---- */

/* One number of each list for each of the first axes; the other axes are whole. */
struct slice_attr {
    wg_i64s start, stop, step;
};
static const wg_field slice_fields[] = { WG_FIELD(struct slice_attr, start),
                                         WG_FIELD(struct slice_attr, stop),
                                         WG_FIELD(struct slice_attr, step), WG_FIELDS_END };

static void slice_box(const struct slice_attr *at, const wg_shape *x, wg__box *b)
{
    for (int i = 0; i < x->rank; i++)
        if (i < at->start.n)
            wg__box_axis(b, i, x->dim[i], at->start.v[i], at->stop.v[i], at->step.v[i]);
        else wg__box_axis(b, i, x->dim[i], 0, WG_SLICE_END, 1);
}

/* The part of an operand of type x that the attributes name, as a shape. */
static bool slice_shape(const wg_sig *s, const wg_type *x, wg_shape *out)
{
    const struct slice_attr *at = s->attr;
    wg__box b;

    if (at->stop.n != at->start.n || at->step.n != at->start.n)
        return wg_sig_fail(s, WG_EARG, "%d starts, %d stops and %d steps given", at->start.n,
                           at->stop.n, at->step.n);
    if (at->start.n > x->shape.rank)
        return wg_sig_fail(s, WG_EARG, "%d axes given, %s has %d", at->start.n, WG_TYPE_STR(x),
                           x->shape.rank);
    for (int i = 0; i < at->step.n; i++)
        if (at->step.v[i] < 1)
            return wg_sig_fail(
                s, WG_EARG, "step %" PRId64 " of axis %d is below 1: wg_flip turns an axis around",
                at->step.v[i], i);
    slice_box(at, &x->shape, &b);
    *out = (wg_shape){ x->shape.rank, { 0 } };
    for (int i = 0; i < out->rank; i++) out->dim[i] = b.n[i];
    return true;
}

static bool slice_infer(const wg_sig *s, wg_type *out)
{
    out->dtype = s->in[0]->dtype;
    return slice_shape(s, s->in[0], &out->shape);
}

static void slice_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_record2(&wg_op_pad_like, v->attr, v->dy, v->x[0]);
}

static void slice_eval(const wg_call *c)
{
    wg__box b;

    slice_box(c->attr, &c->tx[0]->shape, &b);
    wg__move_out(&b, c->tx[0], c->x[0], c->y, c->threads);
}

/* One run: along the first axis that is not one place the places follow one another, and the axes
 * behind are whole. */
static int64_t slice_part(const wg_sig *s, const wg_type *out, const void *const *x)
{
    const wg_shape *whole = &s->in[0]->shape;
    int64_t first = 0;
    bool inside = false;
    wg__box b;

    (void)out;
    (void)x;
    slice_box(s->attr, whole, &b);
    for (int i = 0; i < whole->rank; i++) {
        if (b.n[i] == 0 || (inside && b.n[i] != whole->dim[i]) || (b.n[i] > 1 && b.step[i] != 1))
            return -1;
        inside = inside || b.n[i] > 1;
        first = first * whole->dim[i] + b.first[i];
    }
    return first;
}

const wg_op wg_op_slice = { .name = "slice",
                            .doc = "elements from start to before stop by step",
                            .n_in = 1,
                            .flags = WG_OP_ALIAS,
                            .attr_size = sizeof(struct slice_attr),
                            .fields = slice_fields,
                            .infer = slice_infer,
                            .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(slice_eval)),
                            .vjp = slice_vjp,
                            .flops = wg__no_flops,
                            .more = WG_OP_MORE(.part = slice_part) };

wg_tensor *wg_slice(wg_tensor *x, int n, const int64_t *start, const int64_t *stop,
                    const int64_t *step)
{
    return wg_record1(&wg_op_slice, &(struct slice_attr){ { n, start }, { n, stop }, { n, step } },
                      x);
}

static bool pad_like_infer(const wg_sig *s, wg_type *out)
{
    wg_type part = { s->in[0]->dtype, { 0, { 0 } } };

    *out = *s->in[1];
    if (!wg_sig_same_dtype(s) || !slice_shape(s, s->in[1], &part.shape)) return false;
    if (wg_shape_equal(&part.shape, &s->in[0]->shape)) return true;
    return wg_sig_fail(s, WG_ESHAPE, "%s does not fit the part %s of %s", WG_TYPE_STR(s->in[0]),
                       WG_TYPE_STR(&part), WG_TYPE_STR(s->in[1]));
}

static void pad_like_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_record1(&wg_op_slice, v->attr, v->dy);
}

static void pad_like_eval(const wg_call *c)
{
    wg__box b;

    slice_box(c->attr, &c->ty->shape, &b);
    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), 0, c->threads);
    wg__move_in(&b, c->ty, c->x[0], c->y, c->threads);
}

const wg_op wg_op_pad_like = {
    .name = "pad_like",
    .doc = "zeros of an operand's type with another at the places a slice reads",
    .n_in = 2,
    .flags = WG_OP_ALIAS | WG_OP_GRAD_PART,
    .shape_only = WG_SHAPE_ONLY(1),
    .attr_size = sizeof(struct slice_attr),
    .fields = slice_fields,
    .infer = pad_like_infer,
    .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(pad_like_eval)),
    .vjp = pad_like_vjp,
    .flops = wg__no_flops
};

wg_tensor *wg_pad_like(wg_tensor *x, wg_tensor *like, int n, const int64_t *start,
                       const int64_t *stop, const int64_t *step)
{
    return wg_record2(&wg_op_pad_like,
                      &(struct slice_attr){ { n, start }, { n, stop }, { n, step } }, x, like);
}

void wg__pad_like_triples(const wg_tensor *t, int rank, int64_t *triples)
{
    const struct slice_attr *at = wg_tensor_attr(t);

    for (int i = 0; i < rank; i++) {
        triples[3 * i] = i < at->start.n ? at->start.v[i] : 0;
        triples[3 * i + 1] = i < at->start.n ? at->stop.v[i] : WG_SLICE_END;
        triples[3 * i + 2] = i < at->start.n ? at->step.v[i] : 1;
    }
}

/* ---- select: one position ---- */

struct select_attr {
    int64_t axis, index;
};
static const wg_field select_fields[] = { WG_FIELD(struct select_attr, axis),
                                          WG_FIELD(struct select_attr, index), WG_FIELDS_END };

static bool select_infer(const wg_sig *s, wg_type *out)
{
    const struct select_attr *at = s->attr;
    const wg_shape *x = &s->in[0]->shape;
    int axis;

    if (!wg_sig_axis(s, at->axis, x->rank, &axis)) return false;
    if (at->index < -x->dim[axis] || at->index >= x->dim[axis])
        return wg_sig_fail(s, WG_EINDEX, "index %" PRId64 " is out of range for axis %d of %s",
                           at->index, axis, WG_TYPE_STR(s->in[0]));
    *out = (wg_type){ s->in[0]->dtype, { 0, { 0 } } };
    for (int i = 0; i < x->rank; i++)
        if (i != axis) out->shape.dim[out->shape.rank++] = x->dim[i];
    return true;
}

/* Back through a slice of extent 1, so that the selections of an unrolled sequence assemble. */
static void select_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct select_attr *at = v->attr;
    int axis = wg__axis(at->axis, wg_rank(v->x[0]));

    int64_t start[WG_MAX_RANK] = { 0 }, stop[WG_MAX_RANK], step[WG_MAX_RANK];

    for (int i = 0; i <= axis; i++) {
        stop[i] = WG_SLICE_END;
        step[i] = 1;
    }
    start[axis] = at->index;
    if (at->index != -1) stop[axis] = at->index + 1;
    dx[0] = wg_pad_like(wg_unsqueeze(v->dy, WG_AXES(axis)), v->x[0], axis + 1, start, stop, step);
}

static void select_eval(const wg_call *c)
{
    const struct select_attr *at = c->attr;
    const wg_shape *x = &c->tx[0]->shape;
    int axis = wg__axis(at->axis, x->rank);
    wg__box b;

    for (int i = 0; i < x->rank; i++) wg__box_axis(&b, i, x->dim[i], 0, WG_SLICE_END, 1);
    b.first[axis] = at->index < 0 ? at->index + x->dim[axis] : at->index;
    b.n[axis] = 1;
    wg__move_out(&b, c->tx[0], c->x[0], c->y, c->threads);
}

static int64_t select_part(const wg_sig *s, const wg_type *out, const void *const *x)
{
    const struct select_attr *at = s->attr;
    const wg_shape *whole = &s->in[0]->shape;
    int axis = wg__axis(at->axis, whole->rank);

    (void)out;
    (void)x;
    if (wg__extents(whole, 0, axis) != 1) return -1;
    return (at->index < 0 ? at->index + whole->dim[axis] : at->index) *
           wg__extents(whole, axis + 1, whole->rank);
}

const wg_op wg_op_select = { .name = "select",
                             .doc = "one position along an axis, which goes",
                             .n_in = 1,
                             .flags = WG_OP_ALIAS,
                             .attr_size = sizeof(struct select_attr),
                             .fields = select_fields,
                             .infer = select_infer,
                             .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(select_eval)),
                             .vjp = select_vjp,
                             .flops = wg__no_flops,
                             .more = WG_OP_MORE(.part = select_part) };

wg_tensor *wg_select(wg_tensor *x, int axis, int64_t index)
{
    return wg_record1(&wg_op_select, &(struct select_attr){ axis, index }, x);
}
