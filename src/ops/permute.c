/* permute.c: axes in another order, or run through backwards. */
#include "move.h"

/* ---- permute ---- */

static const wg_field permute_fields[] = { WG_FIELD(struct wg__permute_attr, perm), WG_FIELDS_END };

/* Axis i of the result is axis from[i] of the operand. */
static void permutation(const wg_axes *perm, int rank, int from[WG_MAX_RANK])
{
    for (int i = 0; i < rank; i++)
        from[i] = perm->n < 0 ? rank - 1 - i : wg__axis(perm->axis[i], rank);
}

static bool permute_infer(const wg_sig *s, wg_type *out)
{
    const struct wg__permute_attr *at = s->attr;
    const wg_shape *x = &s->in[0]->shape;
    int from[WG_MAX_RANK];
    unsigned set;

    if (!wg_sig_axes(s, &at->perm, x->rank, &set)) return false;
    if (at->perm.n >= 0 && at->perm.n != x->rank)
        return wg_sig_fail(s, WG_EARG, "%d axes given, %s has %d", at->perm.n,
                           WG_TYPE_STR(s->in[0]), x->rank);
    *out = (wg_type){ s->in[0]->dtype, { x->rank, { 0 } } };
    permutation(&at->perm, x->rank, from);
    for (int i = 0; i < x->rank; i++) out->shape.dim[i] = x->dim[from[i]];
    return true;
}

static void permute_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct wg__permute_attr *at = v->attr;
    int rank = wg_rank(v->y), from[WG_MAX_RANK];
    wg_axes back = { rank, { 0 } };

    permutation(&at->perm, rank, from);
    for (int i = 0; i < rank; i++) back.axis[from[i]] = i;
    dx[0] = wg_permute(v->dy, back);
}

static void permute_eval(const wg_call *c)
{
    const struct wg__permute_attr *at = c->attr;
    int from[WG_MAX_RANK];
    int64_t step[WG_MAX_RANK];
    wg__moves m = { .rank = c->ty->shape.rank };

    permutation(&at->perm, m.rank, from);
    wg__steps(&c->tx[0]->shape, step);
    wg__steps(&c->ty->shape, m.to);
    for (int i = 0; i < m.rank; i++) {
        m.n[i] = c->ty->shape.dim[i];
        m.from[i] = step[from[i]];
    }
    wg__move(&m, wg_dtype_size(c->ty->dtype), c->x[0], c->y, c->threads);
}

const wg_op wg_op_permute = { .name = "permute",
                              .doc = "axes in another order",
                              .n_in = 1,
                              .attr_size = sizeof(struct wg__permute_attr),
                              .fields = permute_fields,
                              .infer = permute_infer,
                              .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(permute_eval)),
                              .vjp = permute_vjp,
                              .flops = wg__no_flops };

wg_tensor *wg_permute(wg_tensor *x, wg_axes perm)
{
    return wg_record1(&wg_op_permute, &(struct wg__permute_attr){ perm }, x);
}

/* An axis out of range goes on to permute's shape rule, which reports it. */
wg_tensor *wg_transpose(wg_tensor *x, int a, int b)
{
    int rank = wg_rank(x);
    bool a_fits = a >= -rank && a < rank, b_fits = b >= -rank && b < rank;
    wg_axes perm = { rank, { 0 } };

    if (!a_fits || !b_fits) return wg_permute(x, (wg_axes){ 1, { a_fits ? b : a } });
    for (int i = 0; i < rank; i++) perm.axis[i] = i;
    perm.axis[wg__axis(a, rank)] = wg__axis(b, rank);
    perm.axis[wg__axis(b, rank)] = wg__axis(a, rank);
    return wg_permute(x, perm);
}

/* ---- flip: its own adjoint ---- */

struct flip_attr {
    wg_axes axes;
};
static const wg_field flip_fields[] = { WG_FIELD(struct flip_attr, axes), WG_FIELDS_END };

static bool flip_infer(const wg_sig *s, wg_type *out)
{
    const struct flip_attr *at = s->attr;
    unsigned set;

    *out = *s->in[0];
    return wg_sig_axes(s, &at->axes, out->shape.rank, &set);
}

static void flip_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_flip(v->dy, ((const struct flip_attr *)v->attr)->axes);
}

static void flip_eval(const wg_call *c)
{
    const struct flip_attr *at = c->attr;
    const wg_shape *shape = &c->ty->shape;
    size_t size = wg_dtype_size(c->ty->dtype);
    unsigned set = wg__axis_set(&at->axes, shape->rank);
    const unsigned char *from = c->x[0];
    wg__moves m = { .rank = shape->rank };

    if (wg__count(c->ty) == 0) return;
    wg__steps(shape, m.to);
    for (int i = 0; i < m.rank; i++) {
        m.n[i] = shape->dim[i];
        m.from[i] = set >> i & 1 ? -m.to[i] : m.to[i];
        if (set >> i & 1) from += (m.n[i] - 1) * m.to[i] * (int64_t)size;
    }
    wg__move(&m, size, from, c->y, c->threads);
}

const wg_op wg_op_flip = { .name = "flip",
                           .doc = "the order reversed along axes",
                           .n_in = 1,
                           .attr_size = sizeof(struct flip_attr),
                           .fields = flip_fields,
                           .infer = flip_infer,
                           .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(flip_eval)),
                           .vjp = flip_vjp,
                           .flops = wg__no_flops };

wg_tensor *wg_flip(wg_tensor *x, wg_axes axes)
{
    return wg_record1(&wg_op_flip, &(struct flip_attr){ axes }, x);
}
