/*
 * leaf.c: entries without operands: inputs, parameters, constants; and fills, ranges and extents
 * that look at an operand's type only.
 */
#include <math.h>

#include "move.h"
#include "wengert/params.h"

/* ---- input, parameter: values from outside ---- */

struct leaf_attr {
    const char *name;
    wg_shape shape;
    wg_dtype dtype;
};
static const wg_field leaf_fields[] = { WG_FIELD(struct leaf_attr, name),
                                        WG_FIELD(struct leaf_attr, shape),
                                        WG_FIELD(struct leaf_attr, dtype), WG_FIELDS_END };

/* Sizes are checked for every op; that a user gives a negative extent happens here only. */
static bool given_type(const wg_sig *s, wg_dtype dtype, const wg_shape *shape, wg_type *out)
{
    *out = (wg_type){ dtype, *shape };
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 0)
            return wg_sig_fail(s, WG_EARG, "extent %" PRId64 " of axis %d of %s is negative",
                               shape->dim[i], i, WG_TYPE_STR(out));
    return true;
}

static bool leaf_infer(const wg_sig *s, wg_type *out)
{
    const struct leaf_attr *at = s->attr;

    if (!at->name || !at->name[0]) return wg_sig_fail(s, WG_ENAME, "the name is empty");
    return given_type(s, at->dtype, &at->shape, out);
}

const wg_op wg_op_input = { .name = "input",
                            .doc = "a value fed before each run",
                            .flags = WG_OP_FEED | WG_OP_NO_GRAD,
                            .decides = -1,
                            .attr_size = sizeof(struct leaf_attr),
                            .fields = leaf_fields,
                            .infer = leaf_infer,
                            .flops = wg__no_flops };

wg_tensor *wg_input(wg_graph *g, const char *name, wg_dtype dtype, wg_shape shape)
{
    return wg_record_leaf(g, &wg_op_input, &(struct leaf_attr){ name, shape, dtype });
}

const wg_op wg_op_parameter = { .name = "parameter",
                                .doc = "the value of a store entry",
                                .flags = WG_OP_PARAM | WG_OP_NO_GRAD,
                                .decides = -1,
                                .attr_size = sizeof(struct leaf_attr),
                                .fields = leaf_fields,
                                .infer = leaf_infer,
                                .flops = wg__no_flops };

wg_tensor *wg_parameter(wg_graph *g, const char *name, wg_dtype dtype, wg_shape shape)
{
    return wg_record_leaf(g, &wg_op_parameter, &(struct leaf_attr){ name, shape, dtype });
}

wg_tensor *wg_param_leaf(wg_graph *g, const wg_params *w, const char *name)
{
    const wg_param *p = wg_params_find(w, name);

    if (p) return wg_parameter(g, name, p->value.type.dtype, p->value.type.shape);
    return wg_record_fail(g, WG_ENAME, "param_leaf", "the store has no entry \"%.160s\"",
                          name ? name : "");
}

/* ---- constant: an array kept in the graph ---- */

struct constant_attr {
    wg_array value;
};
static const wg_field constant_fields[] = { WG_FIELD(struct constant_attr, value), WG_FIELDS_END };

static bool constant_infer(const wg_sig *s, wg_type *out)
{
    const struct constant_attr *at = s->attr;

    *out = at->value.type;
    if (!at->value.data && wg_shape_count(&out->shape) > 0)
        return wg_sig_fail(s, WG_EARG, "%s without elements: data is NULL", WG_TYPE_STR(out));
    return true;
}

static void constant_eval(const wg_call *c)
{
    const struct constant_attr *at = c->attr;

    wg__copy(c->y, at->value.data, wg_type_bytes(c->ty), c->threads);
}

const wg_op wg_op_constant = { .name = "constant",
                               .doc = "an array kept in the graph",
                               .flags = WG_OP_CONST | WG_OP_NO_GRAD,
                               .decides = -1,
                               .attr_size = sizeof(struct constant_attr),
                               .fields = constant_fields,
                               .infer = constant_infer,
                               .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(constant_eval)),
                               .flops = wg__no_flops };

wg_tensor *wg_constant(wg_graph *g, wg_array value)
{
    return wg_record_leaf(g, &wg_op_constant, &(struct constant_attr){ value });
}

/* ---- scalar, full, full_like: one value everywhere ---- */

struct scalar_attr {
    double value;
    wg_dtype dtype;
};
static const wg_field scalar_fields[] = { WG_FIELD(struct scalar_attr, value),
                                          WG_FIELD(struct scalar_attr, dtype), WG_FIELDS_END };

static bool value_fits(const wg_sig *s, wg_dtype dtype, double value)
{
    if (wg__value_fits(dtype, value)) return true;
    return wg_sig_fail(s, WG_EARG, "%.17g is not a value of element type %s", value,
                       wg_dtype_name(dtype));
}

static bool scalar_infer(const wg_sig *s, wg_type *out)
{
    const struct scalar_attr *at = s->attr;

    *out = (wg_type){ at->dtype, { 0, { 0 } } };
    return value_fits(s, at->dtype, at->value);
}

static void scalar_eval(const wg_call *c)
{
    const struct scalar_attr *at = c->attr;

    wg__fill(c->y, c->ty->dtype, 1, at->value, 1);
}

const wg_op wg_op_scalar = { .name = "scalar",
                             .doc = "one number, of rank 0",
                             .flags = WG_OP_CONST | WG_OP_NO_GRAD,
                             .decides = -1,
                             .attr_size = sizeof(struct scalar_attr),
                             .fields = scalar_fields,
                             .infer = scalar_infer,
                             .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(scalar_eval)),
                             .flops = wg__no_flops };

wg_tensor *wg_scalar(wg_graph *g, wg_dtype dtype, double value)
{
    return wg_record_leaf(g, &wg_op_scalar, &(struct scalar_attr){ value, dtype });
}

/* The element type is fixed when x is recorded, so nothing of x needs to be kept. */
wg_tensor *wg_scalar_like(wg_tensor *x, double value)
{
    return x ? wg_scalar(wg_tensor_graph(x), wg_dtype_of(x), value) : NULL;
}

struct full_attr {
    double value;
    wg_shape shape;
    wg_dtype dtype;
};
static const wg_field full_fields[] = { WG_FIELD(struct full_attr, value),
                                        WG_FIELD(struct full_attr, shape),
                                        WG_FIELD(struct full_attr, dtype), WG_FIELDS_END };

static bool full_infer(const wg_sig *s, wg_type *out)
{
    const struct full_attr *at = s->attr;

    return given_type(s, at->dtype, &at->shape, out) && value_fits(s, at->dtype, at->value);
}

static void full_eval(const wg_call *c)
{
    const struct full_attr *at = c->attr;

    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), at->value, c->threads);
}

const wg_op wg_op_full = { .name = "full",
                           .doc = "one number everywhere",
                           .flags = WG_OP_CONST | WG_OP_NO_GRAD,
                           .decides = -1,
                           .attr_size = sizeof(struct full_attr),
                           .fields = full_fields,
                           .infer = full_infer,
                           .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(full_eval)),
                           .flops = wg__no_flops };

wg_tensor *wg__full(wg_graph *g, wg_dtype dtype, wg_shape shape, double value)
{
    return wg_record_leaf(g, &wg_op_full, &(struct full_attr){ value, shape, dtype });
}

struct full_like_attr {
    double value;
};
static const wg_field full_like_fields[] = { WG_FIELD(struct full_like_attr, value),
                                             WG_FIELDS_END };

static bool full_like_infer(const wg_sig *s, wg_type *out)
{
    const struct full_like_attr *at = s->attr;

    *out = *s->in[0];
    return value_fits(s, out->dtype, at->value);
}

static void full_like_eval(const wg_call *c)
{
    const struct full_like_attr *at = c->attr;

    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), at->value, c->threads);
}

const wg_op wg_op_full_like = { .name = "full_like",
                                .doc = "one number everywhere, in the type of an operand",
                                .n_in = 1,
                                .flags = WG_OP_NO_GRAD,
                                .shape_only = WG_SHAPE_ONLY(0),
                                .attr_size = sizeof(struct full_like_attr),
                                .fields = full_like_fields,
                                .infer = full_like_infer,
                                .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(full_like_eval)),
                                .flops = wg__no_flops };

wg_tensor *wg_full_like(wg_tensor *x, double value)
{
    return wg_record1(&wg_op_full_like, &(struct full_like_attr){ value }, x);
}

wg_tensor *wg_zeros_like(wg_tensor *x)
{
    return wg_full_like(x, 0);
}

wg_tensor *wg_ones_like(wg_tensor *x)
{
    return wg_full_like(x, 1);
}

/* ---- arange, arange_like: numbers in order ---- */

struct arange_attr {
    double start, stop, step;
    wg_dtype dtype;
};
static const wg_field arange_fields[] = { WG_FIELD(struct arange_attr, start),
                                          WG_FIELD(struct arange_attr, stop),
                                          WG_FIELD(struct arange_attr, step),
                                          WG_FIELD(struct arange_attr, dtype), WG_FIELDS_END };

static const double EXACT = 9007199254740992.0; /* 2^53: whole numbers up to here are doubles */

static bool arange_infer(const wg_sig *s, wg_type *out)
{
    const struct arange_attr *at = s->attr;
    double n = ceil((at->stop - at->start) / at->step);

    if (at->dtype == WG_BOOL)
        return wg_sig_fail(s, WG_EDTYPE, "a range of bool: wanted f32, f64 or i64");
    if (!isfinite(at->start) || !isfinite(at->stop) || !isfinite(at->step) || at->step == 0)
        return wg_sig_fail(s, WG_EARG,
                           "from %g to %g by %g: wanted finite numbers and a step other than 0",
                           at->start, at->stop, at->step);
    if (at->dtype == WG_I64 &&
        (at->start != trunc(at->start) || at->step != trunc(at->step) || fabs(at->start) > EXACT ||
         fabs(at->step) > EXACT || fabs(at->stop) > EXACT))
        return wg_sig_fail(s, WG_EARG,
                           "from %g to %g by %g: wanted whole numbers up to 2^53 for i64",
                           at->start, at->stop, at->step);
    if (n > EXACT)
        return wg_sig_fail(s, WG_ELIMIT, "from %g to %g by %g: too many elements", at->start,
                           at->stop, at->step);
    *out = (wg_type){ at->dtype, { 1, { n > 0 ? (int64_t)n : 0 } } };
    return true;
}

/* start + i step, one rounding in double, then one to the element type. */
static void arange_fill(wg_dtype dtype, double start, double step, int64_t n, void *y)
{
    if (dtype == WG_F32)
        for (int64_t i = 0; i < n; i++) ((float *)y)[i] = (float)(start + (double)i * step);
    else if (dtype == WG_F64)
        for (int64_t i = 0; i < n; i++) ((double *)y)[i] = start + (double)i * step;
    else
        for (int64_t i = 0; i < n; i++) ((int64_t *)y)[i] = (int64_t)start + i * (int64_t)step;
}

static void arange_eval(const wg_call *c)
{
    const struct arange_attr *at = c->attr;

    arange_fill(c->ty->dtype, at->start, at->step, c->ty->shape.dim[0], c->y);
}

const wg_op wg_op_arange = {
    .name = "arange",
    .doc = "numbers from start by step, before stop",
    .flags = WG_OP_CONST | WG_OP_NO_GRAD,
    .decides = -1,
    .attr_size = sizeof(struct arange_attr),
    .fields = arange_fields,
    .infer = arange_infer,
    .eval = WG_EVAL_KERNELS({ [WG_F32] = { arange_eval },
                              [WG_F64] = { arange_eval },
                              [WG_I64] = { arange_eval } }),
    .flops = wg__no_flops
};

wg_tensor *wg_arange(wg_graph *g, wg_dtype dtype, double start, double stop, double step)
{
    return wg_record_leaf(g, &wg_op_arange, &(struct arange_attr){ start, stop, step, dtype });
}

static const wg_field axis_fields[] = { WG_FIELD(struct wg__axis_attr, axis), WG_FIELDS_END };

static bool arange_like_infer(const wg_sig *s, wg_type *out)
{
    const struct wg__axis_attr *at = s->attr;
    int axis;

    if (!wg_sig_axis(s, at->axis, s->in[0]->shape.rank, &axis)) return false;
    *out = (wg_type){ WG_I64, { 1, { s->in[0]->shape.dim[axis] } } };
    return true;
}

static void arange_like_eval(const wg_call *c)
{
    arange_fill(WG_I64, 0, 1, c->ty->shape.dim[0], c->y);
}

const wg_op wg_op_arange_like = { .name = "arange_like",
                                  .doc = "0, 1, ... along an operand's axis",
                                  .n_in = 1,
                                  .flags = WG_OP_NO_GRAD,
                                  .shape_only = WG_SHAPE_ONLY(0),
                                  .decides = -1,
                                  .attr_size = sizeof(struct wg__axis_attr),
                                  .fields = axis_fields,
                                  .infer = arange_like_infer,
                                  .eval = WG_EVAL_KERNELS({ [WG_I64] = { arange_like_eval } }),
                                  .flops = wg__no_flops };

wg_tensor *wg_arange_like(wg_tensor *x, int axis)
{
    return wg_record1(&wg_op_arange_like, &(struct wg__axis_attr){ axis }, x);
}

/* ---- extent, count: extents as values ---- */

static bool extent_infer(const wg_sig *s, wg_type *out)
{
    const struct wg__axis_attr *at = s->attr;
    int axis;

    *out = (wg_type){ WG_I64, { 0, { 0 } } };
    return wg_sig_axis(s, at->axis, s->in[0]->shape.rank, &axis);
}

static void extent_eval(const wg_call *c)
{
    const struct wg__axis_attr *at = c->attr;
    const wg_shape *x = &c->tx[0]->shape;

    *(int64_t *)c->y = x->dim[wg__axis(at->axis, x->rank)];
}

const wg_op wg_op_extent = { .name = "extent",
                             .doc = "the extent of an operand's axis",
                             .n_in = 1,
                             .flags = WG_OP_NO_GRAD,
                             .shape_only = WG_SHAPE_ONLY(0),
                             .decides = -1,
                             .attr_size = sizeof(struct wg__axis_attr),
                             .fields = axis_fields,
                             .infer = extent_infer,
                             .eval = WG_EVAL_KERNELS({ [WG_I64] = { extent_eval } }),
                             .flops = wg__no_flops };

wg_tensor *wg_extent(wg_tensor *x, int axis)
{
    return wg_record1(&wg_op_extent, &(struct wg__axis_attr){ axis }, x);
}

struct axes_attr {
    wg_axes axes;
};
static const wg_field axes_fields[] = { WG_FIELD(struct axes_attr, axes), WG_FIELDS_END };

static bool count_infer(const wg_sig *s, wg_type *out)
{
    const struct axes_attr *at = s->attr;
    unsigned set;

    *out = (wg_type){ s->in[0]->dtype, { 0, { 0 } } };
    return wg_sig_real(s, 0) && wg_sig_axes(s, &at->axes, s->in[0]->shape.rank, &set);
}

static void count_eval(const wg_call *c)
{
    const struct axes_attr *at = c->attr;
    const wg_shape *x = &c->tx[0]->shape;
    unsigned set = wg__axis_set(&at->axes, x->rank);
    double n = 1;

    for (int i = 0; i < x->rank; i++)
        if (set >> i & 1) n *= (double)x->dim[i];
    wg__fill(c->y, c->ty->dtype, 1, n, 1);
}

const wg_op wg_op_count = { .name = "count",
                            .doc = "the number of elements along an operand's axes",
                            .n_in = 1,
                            .flags = WG_OP_NO_GRAD,
                            .shape_only = WG_SHAPE_ONLY(0),
                            .attr_size = sizeof(struct axes_attr),
                            .fields = axes_fields,
                            .infer = count_infer,
                            .eval = WG_EVAL_KERNELS({ [WG_F32] = { count_eval },
                                                      [WG_F64] = { count_eval } }),
                            .flops = wg__no_flops };

wg_tensor *wg_count(wg_tensor *x, wg_axes axes)
{
    return wg_record1(&wg_op_count, &(struct axes_attr){ axes }, x);
}
