/* pad.c: a tensor in a larger one: surrounded, spread out, repeated. */
#include "move.h"

/* ---- pad ---- */

struct pad_attr {
    wg_i64s before, after; /* one number an axis */
    double value;
};
static const wg_field pad_fields[] = { WG_FIELD(struct pad_attr, before),
                                       WG_FIELD(struct pad_attr, after),
                                       WG_FIELD(struct pad_attr, value), WG_FIELDS_END };

static bool pad_infer(const wg_sig *s, wg_type *out)
{
    const struct pad_attr *at = s->attr;

    *out = *s->in[0];
    if (at->before.n != out->shape.rank || at->after.n != out->shape.rank)
        return wg_sig_fail(s, WG_EARG, "numbers for %d and %d axes given, %s has %d", at->before.n,
                           at->after.n, WG_TYPE_STR(s->in[0]), out->shape.rank);
    if (!wg__value_fits(out->dtype, at->value))
        return wg_sig_fail(s, WG_EARG, "%.17g is not a value of element type %s", at->value,
                           wg_dtype_name(out->dtype));
    for (int i = 0; i < out->shape.rank; i++) {
        int64_t *n = &out->shape.dim[i];

        if (at->before.v[i] < 0 || at->after.v[i] < 0)
            return wg_sig_fail(s, WG_EARG,
                               "%" PRId64 " elements before and %" PRId64
                               " after axis %d of %s: wanted none below 0",
                               at->before.v[i], at->after.v[i], i, WG_TYPE_STR(s->in[0]));
        if (__builtin_add_overflow(*n, at->before.v[i], n) ||
            __builtin_add_overflow(*n, at->after.v[i], n))
            return wg_sig_fail(s, WG_ELIMIT, "axis %d of %s grows beyond what can be counted", i,
                               WG_TYPE_STR(s->in[0]));
    }
    return true;
}

/* The part that x became: counted from both ends, so that it needs no extent. */
static void pad_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct pad_attr *at = v->attr;
    int64_t stop[WG_MAX_RANK], step[WG_MAX_RANK];

    for (int i = 0; i < at->after.n; i++) {
        stop[i] = at->after.v[i] ? -at->after.v[i] : WG_SLICE_END;
        step[i] = 1;
    }
    dx[0] = wg_slice(v->dy, at->before.n, at->before.v, stop, step);
}

static void pad_eval(const wg_call *c)
{
    const struct pad_attr *at = c->attr;
    wg__box b;

    for (int i = 0; i < c->ty->shape.rank; i++) {
        b.first[i] = at->before.v[i];
        b.step[i] = 1;
        b.n[i] = c->tx[0]->shape.dim[i];
    }
    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), at->value, c->threads);
    wg__move_in(&b, c->ty, c->x[0], c->y, c->threads);
}

const wg_op wg_op_pad = { .name = "pad",
                          .doc = "surrounded by one value",
                          .n_in = 1,
                          .flags = WG_OP_ALIAS,
                          .attr_size = sizeof(struct pad_attr),
                          .fields = pad_fields,
                          .infer = pad_infer,
                          .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(pad_eval)),
                          .vjp = pad_vjp,
                          .flops = wg__no_flops };

wg_tensor *wg_pad(wg_tensor *x, int n, const int64_t *before, const int64_t *after, double value)
{
    return wg_record1(&wg_op_pad, &(struct pad_attr){ { n, before }, { n, after }, value }, x);
}

/* ---- dilate ---- */

struct dilate_attr {
    wg_axes axes;
    int64_t by;
};
static const wg_field dilate_fields[] = { WG_FIELD(struct dilate_attr, axes),
                                          WG_FIELD(struct dilate_attr, by), WG_FIELDS_END };

static bool dilate_infer(const wg_sig *s, wg_type *out)
{
    const struct dilate_attr *at = s->attr;
    unsigned set;

    *out = *s->in[0];
    if (!wg_sig_axes(s, &at->axes, out->shape.rank, &set)) return false;
    if (at->by < 0 || at->by == INT64_MAX)
        return wg_sig_fail(s, WG_EARG, "%" PRId64 " zeros between neighbours: wanted 0 or more",
                           at->by);
    for (int i = 0; i < out->shape.rank; i++) {
        int64_t *n = &out->shape.dim[i], gaps;

        if (!(set >> i & 1) || *n == 0) continue;
        if (__builtin_mul_overflow(*n - 1, at->by, &gaps) || __builtin_add_overflow(*n, gaps, n))
            return wg_sig_fail(s, WG_ELIMIT, "axis %d of %s grows beyond what can be counted", i,
                               WG_TYPE_STR(s->in[0]));
    }
    return true;
}

static void dilate_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct dilate_attr *at = v->attr;
    int rank = wg_rank(v->y);
    unsigned set = wg__axis_set(&at->axes, rank);
    int64_t start[WG_MAX_RANK] = { 0 }, stop[WG_MAX_RANK], step[WG_MAX_RANK];

    for (int i = 0; i < rank; i++) {
        stop[i] = WG_SLICE_END;
        step[i] = set >> i & 1 ? at->by + 1 : 1;
    }
    dx[0] = wg_slice(v->dy, rank, start, stop, step);
}

static void dilate_eval(const wg_call *c)
{
    const struct dilate_attr *at = c->attr;
    int rank = c->ty->shape.rank;
    unsigned set = wg__axis_set(&at->axes, rank);
    wg__box b;

    for (int i = 0; i < rank; i++) {
        b.first[i] = 0;
        b.step[i] = set >> i & 1 ? at->by + 1 : 1;
        b.n[i] = c->tx[0]->shape.dim[i];
    }
    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), 0, c->threads);
    wg__move_in(&b, c->ty, c->x[0], c->y, c->threads);
}

const wg_op wg_op_dilate = { .name = "dilate",
                             .doc = "zeros between neighbours",
                             .n_in = 1,
                             .flags = WG_OP_ALIAS,
                             .attr_size = sizeof(struct dilate_attr),
                             .fields = dilate_fields,
                             .infer = dilate_infer,
                             .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(dilate_eval)),
                             .vjp = dilate_vjp,
                             .flops = wg__no_flops };

wg_tensor *wg_dilate(wg_tensor *x, wg_axes axes, int64_t by)
{
    return wg_record1(&wg_op_dilate, &(struct dilate_attr){ axes, by }, x);
}

/* ---- expand ---- */

struct expand_attr {
    wg_shape shape; /* -1: the operand's extent */
};
static const wg_field expand_fields[] = { WG_FIELD(struct expand_attr, shape), WG_FIELDS_END };

static bool expand_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *to = &((const struct expand_attr *)s->attr)->shape, *x = &s->in[0]->shape;
    int more = to->rank - x->rank;

    *out = (wg_type){ s->in[0]->dtype, *to };
    if (more < 0)
        return wg_sig_fail(s, WG_ESHAPE, "%s has a higher rank than %s", WG_TYPE_STR(s->in[0]),
                           WG_TYPE_STR(out));
    for (int i = 0; i < to->rank; i++) {
        int64_t have = i < more ? -1 : x->dim[i - more];

        if (to->dim[i] < -1 || (to->dim[i] == -1 && have < 0))
            return wg_sig_fail(s, WG_EARG,
                               to->dim[i] < -1 ? "extent %" PRId64 " of axis %d is negative: %s"
                                               : "extent %" PRId64
                                                 " of axis %d keeps an axis that %s does not have",
                               to->dim[i], i, WG_TYPE_STR(s->in[0]));
        if (to->dim[i] == -1) out->shape.dim[i] = have;
        else if (have >= 0 && have != 1 && have != to->dim[i])
            return wg_sig_fail(s, WG_ESHAPE, "%s does not broadcast to %s", WG_TYPE_STR(s->in[0]),
                               WG_TYPE_STR(out));
    }
    return true;
}

static void expand_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_sum_to_like(v->dy, v->x[0]);
}

static void expand_eval(const wg_call *c)
{
    const wg_shape *x = &c->tx[0]->shape;
    int64_t step[WG_MAX_RANK];
    wg__moves m = { .rank = c->ty->shape.rank };
    int more = m.rank - x->rank;

    wg__steps(x, step);
    wg__steps(&c->ty->shape, m.to);
    for (int i = 0; i < m.rank; i++) {
        m.n[i] = c->ty->shape.dim[i];
        m.from[i] = i < more || x->dim[i - more] == 1 ? 0 : step[i - more];
    }
    wg__move(&m, wg_dtype_size(c->ty->dtype), c->x[0], c->y, c->threads);
}

const wg_op wg_op_expand = { .name = "expand",
                             .doc = "repeated along axes of extent 1",
                             .n_in = 1,
                             .flags = WG_OP_ALIAS,
                             .attr_size = sizeof(struct expand_attr),
                             .fields = expand_fields,
                             .infer = expand_infer,
                             .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(expand_eval)),
                             .vjp = expand_vjp,
                             .flops = wg__no_flops };

wg_tensor *wg_expand(wg_tensor *x, wg_shape shape)
{
    return wg_record1(&wg_op_expand, &(struct expand_attr){ shape }, x);
}
