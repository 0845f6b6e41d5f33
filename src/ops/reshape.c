/*
 * reshape.c: the same elements under other extents. Every record here is an alias: a plan lets the
 * result share its operand's memory; the kernel copies for those that do not.
 */
#include "move.h"

static void copy_eval(const wg_call *c)
{
    wg__copy(c->y, c->x[0], wg_type_bytes(c->ty), c->threads);
}

/* All of these give their gradient back in the operand's own extents. */
static void reshape_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_reshape_like(v->dy, v->x[0]);
}

/* ---- reshape ---- */

struct reshape_attr {
    wg_shape shape;
};
static const wg_field reshape_fields[] = { WG_FIELD(struct reshape_attr, shape), WG_FIELDS_END };

static bool same_count(const wg_sig *s, const wg_type *out)
{
    int64_t have = wg_shape_count(&s->in[0]->shape), want = wg_shape_count(&out->shape);

    if (want < 0) return wg_sig_fail(s, WG_ELIMIT, "the extents of %s overflow", WG_TYPE_STR(out));
    if (have == want) return true;
    return wg_sig_fail(s, WG_ESHAPE, "%s has %" PRId64 " elements, %s has %" PRId64,
                       WG_TYPE_STR(s->in[0]), have, WG_TYPE_STR(out), want);
}

/* What is copied cancels on both sides, so the rest is found even beside an extent of 0. */
static bool reshape_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *to = &((const struct reshape_attr *)s->attr)->shape, *x = &s->in[0]->shape;
    int rest = -1;
    int64_t left = 1, given = 1;

    *out = (wg_type){ s->in[0]->dtype, *to };
    for (int i = 0; i < to->rank; i++) {
        if (to->dim[i] > 0) {
            if (!__builtin_mul_overflow(given, to->dim[i], &given)) continue;
            return wg_sig_fail(s, WG_ELIMIT, "the extents of %s overflow", WG_TYPE_STR(out));
        }
        if (to->dim[i] < -1)
            return wg_sig_fail(s, WG_EARG, "extent %" PRId64 " of %s is negative", to->dim[i],
                               WG_TYPE_STR(out));
        if (to->dim[i] == -1) {
            if (rest >= 0)
                return wg_sig_fail(s, WG_EARG, "two extents of %s are -1", WG_TYPE_STR(out));
            rest = i;
        } else if (i >= x->rank) {
            return wg_sig_fail(s, WG_EARG,
                               "extent 0 of axis %d copies an axis that %s does not have", i,
                               WG_TYPE_STR(s->in[0]));
        }
    }
    for (int i = 0; i < x->rank; i++) {
        if (i < to->rank && to->dim[i] == 0) out->shape.dim[i] = x->dim[i];
        else if (__builtin_mul_overflow(left, x->dim[i], &left))
            return wg_sig_fail(s, WG_ELIMIT, "the extents of %s overflow", WG_TYPE_STR(s->in[0]));
    }
    if (rest >= 0) {
        if (left % given)
            return wg_sig_fail(s, WG_ESHAPE, "%s does not divide into %s", WG_TYPE_STR(s->in[0]),
                               WG_TYPE_STR(out));
        out->shape.dim[rest] = left / given;
    }
    return same_count(s, out);
}

const wg_op wg_op_reshape = { .name = "reshape",
                              .doc = "the same elements in other extents",
                              .n_in = 1,
                              .flags = WG_OP_ALIAS,
                              .attr_size = sizeof(struct reshape_attr),
                              .fields = reshape_fields,
                              .infer = reshape_infer,
                              .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(copy_eval)),
                              .vjp = reshape_vjp,
                              .flops = wg__no_flops };

wg_tensor *wg_reshape(wg_tensor *x, wg_shape shape)
{
    return wg_record1(&wg_op_reshape, &(struct reshape_attr){ shape }, x);
}

/* ---- reshape_like ---- */

static bool reshape_like_infer(const wg_sig *s, wg_type *out)
{
    *out = (wg_type){ s->in[0]->dtype, s->in[1]->shape };
    return same_count(s, out);
}

const wg_op wg_op_reshape_like = { .name = "reshape_like",
                                   .doc = "the same elements in the extents of an operand",
                                   .n_in = 2,
                                   .flags = WG_OP_ALIAS,
                                   .shape_only = WG_SHAPE_ONLY(1),
                                   .infer = reshape_like_infer,
                                   .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(copy_eval)),
                                   .vjp = reshape_vjp,
                                   .flops = wg__no_flops };

wg_tensor *wg_reshape_like(wg_tensor *x, wg_tensor *like)
{
    return wg_record2(&wg_op_reshape_like, NULL, x, like);
}

/* ---- collapse ---- */

struct collapse_attr {
    int64_t first, last;
};
static const wg_field collapse_fields[] = { WG_FIELD(struct collapse_attr, first),
                                            WG_FIELD(struct collapse_attr, last), WG_FIELDS_END };

static bool collapse_infer(const wg_sig *s, wg_type *out)
{
    const struct collapse_attr *at = s->attr;
    const wg_shape *x = &s->in[0]->shape;
    int first, last;
    int64_t n = 1;

    if (!wg_sig_axis(s, at->first, x->rank, &first) || !wg_sig_axis(s, at->last, x->rank, &last))
        return false;
    if (first > last)
        return wg_sig_fail(s, WG_EARG, "axis %d comes after axis %d: %s", first, last,
                           WG_TYPE_STR(s->in[0]));
    for (int i = first; i <= last; i++)
        if (__builtin_mul_overflow(n, x->dim[i], &n))
            return wg_sig_fail(s, WG_ELIMIT, "the extents of %s overflow", WG_TYPE_STR(s->in[0]));
    *out = (wg_type){ s->in[0]->dtype, { 0, { 0 } } };
    for (int i = 0; i < first; i++) out->shape.dim[out->shape.rank++] = x->dim[i];
    out->shape.dim[out->shape.rank++] = n;
    for (int i = last + 1; i < x->rank; i++) out->shape.dim[out->shape.rank++] = x->dim[i];
    return true;
}

const wg_op wg_op_collapse = { .name = "collapse",
                               .doc = "neighbouring axes as one",
                               .n_in = 1,
                               .flags = WG_OP_ALIAS,
                               .attr_size = sizeof(struct collapse_attr),
                               .fields = collapse_fields,
                               .infer = collapse_infer,
                               .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(copy_eval)),
                               .vjp = reshape_vjp,
                               .flops = wg__no_flops };

wg_tensor *wg_collapse(wg_tensor *x, int first, int last)
{
    return wg_record1(&wg_op_collapse, &(struct collapse_attr){ first, last }, x);
}

/* ---- squeeze, unsqueeze ---- */

struct squeeze_attr {
    wg_axes axes;
};
static const wg_field squeeze_fields[] = { WG_FIELD(struct squeeze_attr, axes), WG_FIELDS_END };

static bool squeeze_infer(const wg_sig *s, wg_type *out)
{
    const struct squeeze_attr *at = s->attr;
    const wg_shape *x = &s->in[0]->shape;
    unsigned set;

    if (!wg_sig_axes(s, &at->axes, x->rank, &set)) return false;
    *out = (wg_type){ s->in[0]->dtype, { 0, { 0 } } };
    for (int i = 0; i < x->rank; i++) {
        if (!(set >> i & 1)) out->shape.dim[out->shape.rank++] = x->dim[i];
        else if (x->dim[i] != 1)
            return wg_sig_fail(s, WG_ESHAPE, "axis %d of %s has not extent 1", i,
                               WG_TYPE_STR(s->in[0]));
    }
    return true;
}

const wg_op wg_op_squeeze = { .name = "squeeze",
                              .doc = "without some axes of extent 1",
                              .n_in = 1,
                              .flags = WG_OP_ALIAS,
                              .attr_size = sizeof(struct squeeze_attr),
                              .fields = squeeze_fields,
                              .infer = squeeze_infer,
                              .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(copy_eval)),
                              .vjp = reshape_vjp,
                              .flops = wg__no_flops };

wg_tensor *wg_squeeze(wg_tensor *x, wg_axes axes)
{
    return wg_record1(&wg_op_squeeze, &(struct squeeze_attr){ axes }, x);
}

/* The axes are positions of the result, whose rank follows from how many there are. */
static bool unsqueeze_infer(const wg_sig *s, wg_type *out)
{
    const struct squeeze_attr *at = s->attr;
    const wg_shape *x = &s->in[0]->shape;
    int rank = x->rank + at->axes.n;
    unsigned set;

    if (at->axes.n < 0)
        return wg_sig_fail(s, WG_EARG, "WG_ALL_AXES does not say how many axes to insert");
    if (rank > WG_MAX_RANK)
        return wg_sig_fail(s, WG_EARG, "%d more axes than %s has are above rank %d", at->axes.n,
                           WG_TYPE_STR(s->in[0]), WG_MAX_RANK);
    if (!wg_sig_axes(s, &at->axes, rank, &set)) return false;
    *out = (wg_type){ s->in[0]->dtype, { rank, { 0 } } };
    for (int i = 0, k = 0; i < rank; i++) out->shape.dim[i] = set >> i & 1 ? 1 : x->dim[k++];
    return true;
}

const wg_op wg_op_unsqueeze = { .name = "unsqueeze",
                                .doc = "with some more axes of extent 1",
                                .n_in = 1,
                                .flags = WG_OP_ALIAS,
                                .attr_size = sizeof(struct squeeze_attr),
                                .fields = squeeze_fields,
                                .infer = unsqueeze_infer,
                                .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(copy_eval)),
                                .vjp = reshape_vjp,
                                .flops = wg__no_flops };

wg_tensor *wg_unsqueeze(wg_tensor *x, wg_axes axes)
{
    return wg_record1(&wg_op_unsqueeze, &(struct squeeze_attr){ axes }, x);
}

/* ---- detach ---- */

const wg_op wg_op_detach = { .name = "detach",
                             .doc = "its operand, but gradients stop here",
                             .n_in = 1,
                             .flags = WG_OP_ALIAS | WG_OP_NO_GRAD,
                             .infer = wg_infer_same_any,
                             .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(copy_eval)),
                             .flops = wg__no_flops };

wg_tensor *wg_detach(wg_tensor *x)
{
    return wg_record1(&wg_op_detach, NULL, x);
}
