/* like.c: repeating elements: broadcast_like, expand_like. Their adjoints, sums, are in reduce.c.
 */
#include "move.h"
#include "reduce.h"

/* y is `to`; axis i of it reads x with step[i], 0 where x is repeated. */
static void repeat(const wg_call *c, const int64_t *step)
{
    wg__moves m = { .rank = c->ty->shape.rank };

    wg__steps(&c->ty->shape, m.to);
    for (int i = 0; i < m.rank; i++) {
        m.n[i] = c->ty->shape.dim[i];
        m.from[i] = step[i];
    }
    wg__move(&m, wg_dtype_size(c->ty->dtype), c->x[0], c->y, c->threads);
}

/* ---- broadcast_like: the adjoint of sum_to_like ---- */

static bool broadcast_like_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *x = &s->in[0]->shape, *like = &s->in[1]->shape;
    int extra = like->rank - x->rank;
    bool fits = extra >= 0;

    for (int i = 0; i < x->rank && fits; i++)
        fits = x->dim[i] == 1 || x->dim[i] == like->dim[i + extra];
    if (!fits)
        return wg_sig_fail(s, WG_ESHAPE, "%s does not broadcast to %s", WG_TYPE_STR(s->in[0]),
                           WG_TYPE_STR(s->in[1]));
    *out = (wg_type){ s->in[0]->dtype, *like };
    return true;
}

static void broadcast_like_eval(const wg_call *c)
{
    const wg_shape *x = &c->tx[0]->shape;
    int64_t step[WG_MAX_RANK], from[WG_MAX_RANK];
    int extra = c->ty->shape.rank - x->rank;

    wg__steps(x, from);
    for (int i = 0; i < c->ty->shape.rank; i++)
        step[i] = i < extra || x->dim[i - extra] == 1 ? 0 : from[i - extra];
    repeat(c, step);
}

static void broadcast_like_repeats(const wg_sig *s, const wg_type *out, wg_type *as)
{
    (void)out;
    *as = *s->in[0];
}

static void broadcast_like_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_sum_to_like(v->dy, v->x[0]);
}

const wg_op wg_op_broadcast_like = {
    .name = "broadcast_like",
    .doc = "broadcast to the extents of another tensor",
    .n_in = 2,
    .flags = WG_OP_ALIAS,
    .shape_only = WG_SHAPE_ONLY(1),
    .infer = broadcast_like_infer,
    .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(broadcast_like_eval)),
    .vjp = broadcast_like_vjp,
    .more = WG_OP_MORE(.repeats = broadcast_like_repeats),
};

wg_tensor *wg_broadcast_like(wg_tensor *x, wg_tensor *like)
{
    return wg_record2(&wg_op_broadcast_like, NULL, x, like);
}

/* ---- expand_like: the adjoint of sum ---- */

static bool expand_like_infer(const wg_sig *s, wg_type *out)
{
    const struct reduce_attr *at = s->attr;
    wg_type reduced;
    bool empty;

    if (!wg__reduce_type(s, s->in[1], &at->axes, at->keepdims, &reduced, &empty)) return false;
    reduced.dtype = s->in[0]->dtype;
    if (!wg_type_equal(s->in[0], &reduced))
        return wg_sig_fail(s, WG_ESHAPE, "%s is not %s reduced: wanted %s", WG_TYPE_STR(s->in[0]),
                           WG_TYPE_STR(s->in[1]), WG_TYPE_STR(&reduced));
    *out = (wg_type){ s->in[0]->dtype, s->in[1]->shape };
    return true;
}

static void expand_like_eval(const wg_call *c)
{
    const struct reduce_attr *at = c->attr;
    unsigned set = wg__axis_set(&at->axes, c->ty->shape.rank);
    int64_t step[WG_MAX_RANK], stride = 1;

    for (int i = c->ty->shape.rank - 1; i >= 0; i--) {
        step[i] = set >> i & 1 ? 0 : stride;
        if (step[i]) stride *= c->ty->shape.dim[i];
    }
    if (wg__count(c->ty) > 0) repeat(c, step);
}

static void expand_like_repeats(const wg_sig *s, const wg_type *out, wg_type *as)
{
    const struct reduce_attr *at = s->attr;
    unsigned set = wg__axis_set(&at->axes, out->shape.rank);

    *as = *out;
    for (int i = 0; i < out->shape.rank; i++)
        if (set >> i & 1) as->shape.dim[i] = 1;
}

static void expand_like_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct reduce_attr *at = v->attr;

    dx[0] = wg_sum(v->dy, at->axes, at->keepdims);
}

const wg_op wg_op_expand_like = {
    .name = "expand_like",
    .doc = "a reduction repeated along the axes it was reduced over",
    .n_in = 2,
    .flags = WG_OP_ALIAS,
    .shape_only = WG_SHAPE_ONLY(1),
    .attr_size = sizeof(struct reduce_attr),
    .fields = wg__reduce_fields,
    .infer = expand_like_infer,
    .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(expand_like_eval)),
    .vjp = expand_like_vjp,
    .more = WG_OP_MORE(.repeats = expand_like_repeats),
};

wg_tensor *wg_expand_like(wg_tensor *x, wg_tensor *like, wg_axes axes, bool keepdims)
{
    return wg_record2(&wg_op_expand_like, &(struct reduce_attr){ axes, keepdims }, x, like);
}
