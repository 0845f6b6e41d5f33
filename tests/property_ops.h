/* property_ops.h: one generator for each kind of record. */
#ifndef PROPERTY_OPS_H
#define PROPERTY_OPS_H

#include "property.h"

/* ---- element-wise ---- */

static wg_tensor *gen_unary(gen *r)
{
    wg_tensor *x = real(r);

    switch (below(r, 23)) {
    case 0:
        return wg_neg(x);
    case 1:
        return tame(r, wg_square(x));
    case 2:
        return wg_sqrt(positive(r, x));
    case 3:
        return wg_rsqrt(positive(r, x));
    case 4:
        return wg_reciprocal(positive(r, x));
    case 5:
        return wg_abs(x);
    case 6:
        return wg_sign(x);
    case 7:
        return wg_exp(tame(r, x));
    case 8:
        return wg_expm1(tame(r, x));
    case 9:
        return wg_log(positive(r, x));
    case 10:
        return wg_log1p(positive(r, x));
    case 11:
        return wg_sin(x);
    case 12:
        return wg_cos(x);
    case 13:
        return wg_tanh(x);
    case 14:
        return wg_sigmoid(x);
    case 15:
        return wg_erf(x);
    case 16:
        return wg_softplus(x);
    case 17:
        return wg_relu(x);
    case 18:
        return wg_floor(x);
    case 19:
        return wg_round(x);
    case 20:
        return wg_normal_cdf(x);
    case 21:
        return wg_normal_pdf(x);
    default:
        return wg_clip(x, -1, 1.5);
    }
}

static wg_tensor *gen_binary(gen *r)
{
    wg_tensor *a = real(r), *b = partner(r, a);

    switch (below(r, 8)) {
    case 0:
        return wg_add(a, b);
    case 1:
        return wg_sub(a, b);
    case 2:
        return tame(r, wg_mul(a, b));
    case 7:
        return tame(r, wg_mul_no_nan(a, chance(r, 50) ? wg_relu(b) : b));
    case 3:
        return wg_div(a, positive(r, b));
    case 4:
        return wg_pow(positive(r, tame(r, a)), tame(r, b));
    case 5:
        return wg_maximum(a, b);
    default:
        return wg_minimum(a, b);
    }
}

static wg_tensor *gen_integers(gen *r)
{
    wg_tensor *a = of_dtype(r, WG_I64), *b = partner(r, a);

    switch (below(r, 9)) {
    case 0:
        return wg_add(a, b);
    case 1:
        return wg_sub(a, b);
    case 2:
        return wg_mul(a, b);
    case 3:
        return wg_div(a, b);
    case 4:
        return wg_maximum(a, b);
    case 5:
        return wg_minimum(a, b);
    case 6:
        return wg_neg(a);
    case 7:
        return wg_abs(a);
    default:
        return wg_sign(a);
    }
}

static wg_tensor *gen_compare(gen *r)
{
    wg_tensor *a = chance(r, 80) ? real(r) : of_dtype(r, WG_I64), *b = partner(r, a);

    switch (below(r, 7)) {
    case 0:
        return wg_eq(a, b);
    case 1:
        return wg_ne(a, b);
    case 2:
        return wg_lt(a, b);
    case 3:
        return wg_le(a, b);
    case 4:
        return wg_gt(a, b);
    case 5:
        return wg_ge(a, b);
    default:
        return wg_is_finite(real(r));
    }
}

static wg_tensor *gen_logic(gen *r)
{
    wg_tensor *a = of_dtype(r, WG_BOOL), *b = partner(r, a);

    switch (below(r, 4)) {
    case 0:
        return wg_logical_and(a, b);
    case 1:
        return wg_logical_or(a, b);
    case 2:
        return wg_logical_xor(a, b);
    default:
        return wg_logical_not(a);
    }
}

static wg_tensor *gen_where(gen *r)
{
    wg_tensor *a = real(r), *b = partner(r, a);

    return wg_where(wg_lt(a, b), chance(r, 50) ? b : a, wg_neg(b));
}

static wg_tensor *gen_cast(gen *r)
{
    wg_tensor *x = any(r);

    return chance(r, 50) ? wg_cast(x, (wg_dtype)below(r, WG_N_DTYPES)) : wg_cast_like(x, any(r));
}

/* ---- leaves ---- */

static wg_tensor *gen_leaf(gen *r)
{
    wg_tensor *x = any(r), *axis = axed(r, false);

    switch (below(r, 8)) {
    case 0:
        return constant(r, (wg_dtype)below(r, WG_N_DTYPES), some_shape(r), 0);
    case 1:
        return wg_scalar(r->g, some_real(r), number(r));
    case 2:
        return chance(r, 50) ? wg_full_like(x, 1) : wg_zeros_like(x);
    case 3:
        return wg_arange(r->g, chance(r, 50) ? WG_F32 : WG_I64, (double)below(r, 3),
                         (double)below(r, 9), 1);
    case 4:
        return wg_arange_like(axis, some_axis(r, axis));
    case 5:
        return wg_extent(axis, some_axis(r, axis));
    case 6:
        return wg_count(axis, some_axes(r, wg_rank(axis)));
    default:
        return leaf_of(r, (wg_dtype)below(r, WG_N_DTYPES), some_shape(r));
    }
}

static wg_tensor *gen_random(gen *r)
{
    wg_tensor *x = real(r);
    char name[16];

    fresh(r, name);
    switch (below(r, 6)) {
    case 0:
        return wg_uniform_like(x, name, -1, 2);
    case 1:
        return wg_normal_like(x, name, 0.5, 0.5);
    case 2:
        return wg_bernoulli_like(x, name, 0.3);
    case 3:
        return wg_uniform(r->g, name, 0, 1, some_real(r), some_shape(r));
    case 4:
        return wg_normal(r->g, name, 0, 1, some_real(r), some_shape(r));
    default:
        return wg_bernoulli(r->g, name, 0.5, some_real(r), some_shape(r));
    }
}

/* ---- reductions ---- */

static wg_tensor *gen_reduce(gen *r)
{
    wg_tensor *x = axed(r, true);
    wg_axes axes = some_axes(r, wg_rank(x));
    bool keep = chance(r, 50);

    switch (below(r, 14)) {
    case 0:
        return tame(r, wg_sum(x, axes, keep));
    case 1:
        return wg_mean(x, axes, keep);
    case 2:
        return wg_prod(wg_tanh(x), axes, keep);
    case 3:
        return wg_max(x, axes, keep);
    case 4:
        return wg_min(x, axes, keep);
    case 5:
        return tame(r, wg_var(x, axes, 0, keep));
    case 6:
        return wg_logsumexp(tame(r, x), axes, keep);
    case 7:
        return tame(r, wg_norm(x, axes, keep));
    case 8:
        return wg_argmax(x, some_axis(r, x), keep);
    case 9:
        return wg_argmin(x, some_axis(r, x), keep);
    case 10:
        return tame(r, wg_cumsum(x, some_axis(r, x), chance(r, 50)));
    case 11:
        return wg_softmax(x, some_axis(r, x));
    case 12:
        return wg_log_softmax(tame(r, x), some_axis(r, x));
    default:
        return wg_expand_like(wg_sum(tame(r, x), axes, keep), x, axes, keep);
    }
}

static wg_tensor *gen_like(gen *r)
{
    wg_tensor *x = real(r);
    wg_shape out = { 0, { 0 } };

    for (int i = 0; i < 60; i++) {
        wg_tensor *like = any(r);

        if (!joined(shape_of(x), shape_of(like), &out)) continue;
        if (wg_shape_equal(&out, shape_of(x)) && chance(r, 60))
            return tame(r, wg_sum_to_like(x, like));
        if (wg_shape_equal(&out, shape_of(like))) return wg_broadcast_like(x, like);
    }
    return NULL;
}

/* ---- rearranging ---- */

static wg_tensor *gen_reshape(gen *r)
{
    wg_tensor *x = any(r);
    int rank = wg_rank(x), at;
    wg_axes ones = { 0, { 0 } };

    switch (below(r, 7)) {
    case 0:
        return count_of(x) > 0 ? wg_reshape(x, WG_SHAPE(-1)) : NULL;
    case 1:
        return rank > 1 && count_of(x) > 0 ? wg_reshape(x, WG_SHAPE(0, -1)) : NULL;
    case 2:
        for (int i = 0; i < 20; i++) {
            wg_tensor *like = any(r);

            if (count_of(like) == count_of(x) && count_of(x) > 0) return wg_reshape_like(x, like);
        }
        return NULL;
    case 3:
        at = rank > 0 ? (int)below(r, rank) : -1;
        return at >= 0 ? wg_collapse(x, at, rank - 1) : NULL;
    case 4:
        for (int i = 0; i < rank; i++)
            if (shape_of(x)->dim[i] == 1) ones.axis[ones.n++] = i;
        return ones.n > 0 ? wg_squeeze(x, ones) : NULL;
    case 5:
        return rank < 6 ? wg_unsqueeze(x, WG_AXES((int)below(r, rank + 1))) : NULL;
    default:
        return wg_detach(x);
    }
}

static wg_tensor *gen_permute(gen *r)
{
    wg_tensor *x = any(r);
    int rank = wg_rank(x);
    wg_axes perm = { rank, { 0 } };

    if (rank == 0) return NULL;
    if (chance(r, 40)) return wg_flip(x, some_axes(r, rank));
    if (chance(r, 30) && rank > 1) return wg_transpose(x, -1, -2);
    for (int i = 0; i < rank; i++) {
        int k = (int)below(r, i + 1);

        perm.axis[i] = perm.axis[k];
        perm.axis[k] = i;
    }
    return wg_permute(x, perm);
}

static wg_tensor *gen_slice(gen *r)
{
    wg_tensor *x = axed(r, true), *y;
    int rank = wg_rank(x), n = 1 + (int)below(r, rank);
    int64_t start[WG_MAX_RANK], stop[WG_MAX_RANK], step[WG_MAX_RANK];

    for (int i = 0; i < n; i++) {
        start[i] = below(r, shape_of(x)->dim[i]);
        stop[i] = chance(r, 50) ? WG_SLICE_END : start[i] + 1 + below(r, 4);
        step[i] = 1 + below(r, 3);
    }
    y = wg_slice(x, n, start, stop, step);
    switch (below(r, 4)) {
    case 0:
        return wg_select(x, some_axis(r, x), 0);
    case 1: {
        wg_tensor *two[2] = { y, wg_neg(y) };
        int64_t triples[2 * 3 * WG_MAX_RANK];

        if (chance(r, 50)) return wg_pad_like(y, x, n, start, stop, step);
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < rank; i++) {
                int64_t *t = &triples[3 * (k * rank + i)];

                t[0] = i < n ? start[i] : 0;
                t[1] = i < n ? stop[i] : WG_SLICE_END;
                t[2] = i < n ? step[i] : 1;
            }
        return wg_assemble_like(x, 2, two, (wg_i64s){ 2 * 3 * rank, triples });
    }
    default:
        return y;
    }
}

static wg_tensor *gen_pad(gen *r)
{
    wg_tensor *x = axed(r, false);
    int rank = wg_rank(x);
    int64_t before[WG_MAX_RANK], after[WG_MAX_RANK];
    wg_shape to = *shape_of(x);

    for (int i = 0; i < rank; i++) {
        before[i] = below(r, 3);
        after[i] = below(r, 2);
        if (to.dim[i] == 1) to.dim[i] = chance(r, 50) ? 3 : -1;
    }
    switch (below(r, 3)) {
    case 0:
        return wg_pad(x, rank, before, after, 0.5);
    case 1:
        return wg_dilate(x, some_axes(r, rank), 1 + below(r, 2));
    default:
        return wg_expand(x, to);
    }
}

static wg_tensor *gen_join(gen *r)
{
    wg_tensor *x = axed(r, false), *list[3], *y;
    int axis = (int)below(r, wg_rank(x)), n = 1 + (int)below(r, 3);
    wg_tensor *place;

    for (int i = 0; i < n; i++) list[i] = i == 0 ? x : chance(r, 50) ? wg_neg(x) : x;
    if (chance(r, 25)) return wg_stack(n, list, axis);
    y = wg_concat(n, list, axis);
    if (chance(r, 40)) return y;
    place = chance(r, 50) ? wg_scalar(r->g, WG_I64, 0) : wg_extent(x, axis);
    if (n < 2) place = wg_scalar(r->g, WG_I64, 0);
    switch (below(r, 3)) {
    case 0:
        return wg_part_like(y, x, place, axis);
    case 1:
        return wg_place_like(x, y, place, axis);
    default: {
        wg_tensor *zero = wg_scalar(r->g, WG_I64, 0), *part[2] = { x, wg_neg(x) },
                  *at[2] = { zero, place };

        return wg_assemble_at(y, 2, part, at, axis);
    }
    }
}

/* ---- indices ---- */

static wg_tensor *gen_index(gen *r)
{
    wg_tensor *x = axed(r, true), *idx, *like;
    int axis = some_axis(r, x), at = axis < 0 ? axis + wg_rank(x) : axis;
    int64_t n = shape_of(x)->dim[at];
    wg_shape along = *shape_of(x), out = { 0, { 0 } };

    along.dim[at] = 1 + below(r, 4);
    switch (below(r, 7)) {
    case 0:
        return wg_gather(x, constant(r, WG_I64, WG_SHAPE(3, 2), n), axis);
    case 1: /* what gather gives back to where it came from */
        idx = constant(r, WG_I64, WG_SHAPE(5), n);
        return tame(r, wg_scatter_add_like(wg_gather(x, idx, axis), idx, x, axis));
    case 2:
        idx = constant(r, WG_I64, WG_SHAPE(4), n);
        return tame(r, wg_scatter_add(x, idx, wg_gather(x, idx, axis), axis));
    case 3:
        return wg_take_along_axis(x, constant(r, WG_I64, along, n), axis);
    case 4:
        idx = constant(r, WG_I64, along, n);
        return tame(r, wg_scatter_along_like(wg_take_along_axis(x, idx, axis), idx, x, axis));
    case 5:
        return wg_one_hot(constant(r, WG_I64, WG_SHAPE(2, 3), 5), 5, some_real(r));
    default:
        for (int i = 0; i < wg_rank(x) - 1; i++) out.dim[out.rank++] = shape_of(x)->dim[i];
        n = shape_of(x)->dim[wg_rank(x) - 1];
        like = x;
        return n > 0 ? wg_one_hot_like(constant(r, WG_I64, out, n), like) : NULL;
    }
}

/* ---- products and windows ---- */

static wg_tensor *gen_product(gen *r)
{
    wg_tensor *a = axed(r, false), *b;
    wg_shape s;
    bool ta = chance(r, 40), tb = chance(r, 40);
    int64_t k, n = (const int64_t[]){ 1, 3, 18 }[below(r, 3)];

    if (wg_rank(a) < 2) a = wg_unsqueeze(a, WG_AXES(0));
    s = *shape_of(a);
    k = s.dim[s.rank - (ta ? 2 : 1)];
    if (chance(r, 30)) { /* with itself, so that extents agree whatever they are */
        b = a;
        tb = !ta;
        if (count_of(a) > 4000) return NULL;
    } else {
        b = leaf_of(r, wg_dtype_of(a), tb ? WG_SHAPE(n, k) : WG_SHAPE(k, n));
    }
    if (chance(r, 30)) {
        a = wg_transpose(a, -1, -2);
        ta = !ta;
    }
    if (chance(r, 30)) {
        b = wg_transpose(b, -1, -2);
        tb = !tb;
    }
    return tame(r, wg_matmul_t(a, b, ta, tb));
}

/* Products of the rows of a sequence with one matrix, which they read against its rows. */
static wg_tensor *gen_steps(gen *r)
{
    wg_dtype dtype = chance(r, 60) ? WG_F32 : WG_F64;
    int64_t rows = (const int64_t[]){ 3, 5, 13, 70 }[below(r, 4)], n = 2 + below(r, 40);
    wg_tensor *w = leaf_of(r, dtype, WG_SHAPE(n, n)), *x = leaf_of(r, dtype, WG_SHAPE(rows, n));

    for (int i = 2 + below(r, 6); i > 0; i--) x = wg_tanh(wg_matmul_t(x, w, false, true));
    return x;
}

/* Rows that are products of columns and rows, perhaps times a number, added to rows of x. */
static inline wg_tensor *added_rows(gen *r, wg_tensor *x, bool like)
{
    int64_t n = 1 + below(r, 6), m = 1 + below(r, 3), width = shape_of(x)->dim[1];
    wg_tensor *idx = constant(r, WG_I64, WG_SHAPE(n, m), shape_of(x)->dim[0]), *left, *rows;
    bool ta = chance(r, 50), tb = chance(r, 30);

    left = leaf_of(r, wg_dtype_of(x), ta ? WG_SHAPE(n, 1, m) : WG_SHAPE(n, m, 1));
    rows = leaf_of(r, wg_dtype_of(x), tb ? WG_SHAPE(n, width, 1) : WG_SHAPE(n, 1, width));
    rows = chance(r, 80) ? wg_matmul_t(left, rows, ta, tb)
                         : leaf_of(r, wg_dtype_of(x), WG_SHAPE(n, m, width));
    if (chance(r, 70)) rows = wg_mul(rows, wg_sum(left, WG_ALL_AXES, chance(r, 50)));
    return like ? wg_scatter_add_like(rows, idx, x, 0) : wg_scatter_add(x, idx, rows, 0);
}

/* A product with rows of a table, and the way back. */
static wg_tensor *gen_table(gen *r)
{
    wg_dtype dtype = some_real(r);
    int64_t n = 1 + below(r, 4), m = 1 + below(r, 5), most = 2 + below(r, 5);
    wg_tensor *x, *w = leaf_of(r, dtype, WG_SHAPE(n, m)), *y;

    x = leaf_of(r, dtype, WG_SHAPE(most, (const int64_t[]){ 1, 3, 17, 75 }[below(r, 4)]));
    if (chance(r, 40)) return tame(r, added_rows(r, x, chance(r, 30)));
    y = wg_gather(x, constant(r, WG_I64, WG_SHAPE(n, m), most), 0);
    y = wg_matmul_t(wg_unsqueeze(w, WG_AXES(2)), y, true, false);
    if (chance(r, 50)) return tame(r, y);
    return tame(r, wg_grad1(wg_sum(wg_tanh(y), WG_ALL_AXES, false), x));
}

static wg_tensor *gen_window(gen *r)
{
    wg_dtype dtype = some_real(r);
    wg_shape image = WG_SHAPE(1 + below(r, 3), 5 + below(r, 4), 5 + below(r, 4), 1 + below(r, 3));
    wg_tensor *x = leaf_of(r, dtype, image), *w, *y;
    wg_window k = { .kernel = { 1 + below(r, 3), 1 + below(r, 3) },
                    .stride = { 1 + below(r, 2), 1 + below(r, 2) },
                    .dilation = { below(r, 2), 0 },
                    .pad = { below(r, 2), below(r, 2), below(r, 2), 0 } };

    if (chance(r, 40)) k.pad_mode = WG_PAD_SAME;
    if (chance(r, 30)) x = tame(r, x);
    switch (below(r, 9)) {
    case 0:
        return wg_avg_pool2d(x, k);
    case 1:
        return wg_max_pool2d(x, k);
    case 2:
        return wg_im2col(x, k);
    case 3:
        return tame(r, wg_col2im_like(wg_im2col(x, k), x, k));
    case 4:
        return tame(r, wg_avg_spread(wg_avg_pool2d(x, k), x, k));
    case 5:
        return tame(r, wg_pool_scatter(wg_max_pool2d(x, k), x, k));
    case 6:
        return wg_pool_pick(wg_sin(x), x, k);
    default:
        w = leaf_of(r, dtype, WG_SHAPE(k.kernel[0], k.kernel[1], image.dim[3], 2));
        k.kernel[0] = k.kernel[1] = 0;
        y = wg_conv2d(x, w, k);
        if (chance(r, 50)) return tame(r, y);
        return tame(r, chance(r, 50) ? wg_conv2d_dx(y, w, x, k) : wg_conv2d_dw(x, y, w, k));
    }
}

/* ---- gradients ---- */

/* Of a value with respect to a leaf, to first or second order: the partners of rules that have no constructor. */
static wg_tensor *gen_gradient(gen *r)
{
    wg_tensor *wrt, *loss, *d;

    if (r->n_leaves == 0) return NULL;
    wrt = r->leaf[below(r, r->n_leaves)];
    loss = wg_sum(tame(r, real(r)), WG_ALL_AXES, false);
    d = wg_grad1(loss, wrt);
    if (chance(r, 15)) d = wg_grad1(wg_sum(wg_sin(d), WG_ALL_AXES, false), wrt);
    return tame(r, d);
}

/* Extremes and products, which have partners that only gradients record. */
static wg_tensor *gen_partners(gen *r)
{
    wg_tensor *x = leaf_of(r, some_real(r), WG_SHAPE(2, 3, 2)), *y, *d;
    wg_axes axes = some_axes(r, 3);

    if (wg_tensor_n_in(x) == 0 && wg_tensor_record(x)->flags & WG_OP_CONST) return NULL;
    y = chance(r, 50)   ? wg_max(x, axes, true)
        : chance(r, 50) ? wg_min(x, axes, true)
                        : wg_prod(x, axes, true);
    d = wg_grad1(wg_sum(wg_square(y), WG_ALL_AXES, false), x);
    if (chance(r, 60)) d = wg_grad1(wg_sum(wg_square(d), WG_ALL_AXES, false), x);
    return tame(r, d);
}

#endif
