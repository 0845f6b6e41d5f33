/* property_chain.h: values long enough for WG_PASS_CHAIN, and entries over them that read each
 * other in every form: in registers, from memory, one element for all, one a row. */
#ifndef PROPERTY_CHAIN_H
#define PROPERTY_CHAIN_H

#include "property.h"

static wg_tensor *chain_link(gen *r, wg_tensor *a, wg_tensor *b)
{
    switch (below(r, 24)) {
    case 0:
    case 1:
        return wg_add(a, b);
    case 2:
    case 3:
        return wg_sub(a, b);
    case 4:
    case 5:
        return wg_mul(wg_clip(a, -2, 2), b);
    case 6:
        return wg_div(a, wg_add(wg_abs(b), wg_scalar_like(b, 0.5)));
    case 7:
        return wg_maximum(a, b);
    case 8:
        return wg_minimum(a, b);
    case 9:
        return wg_neg(a);
    case 10:
        return wg_square(wg_tanh(a));
    case 11:
        return wg_sqrt(wg_abs(a));
    case 12:
        return wg_reciprocal(wg_add(wg_square(a), wg_scalar_like(a, 1)));
    case 13:
        return wg_relu(a);
    case 14:
        return wg_exp(wg_minimum(a, wg_scalar_like(a, 3)));
    case 15:
        return wg_tanh(a);
    case 16:
        return wg_sigmoid(a);
    case 17:
        return wg_normal_cdf(a);
    case 18:
        return wg_normal_pdf(a);
    case 19:
        return wg_where(wg_lt(a, b), a, b);
    case 20:
        return wg_rank(a) > 0 ? wg_mean(a, WG_AXES(-1), true) : wg_sin(a);
    case 21:
        return wg_rank(a) > 0 ? wg_softmax(a, -1) : wg_cos(a);
    case 22:
        return wg_rank(a) > 0 ? wg_log_softmax(wg_clip(a, -20, 20), -1) : wg_square(a);
    default:
        return wg_log1p(wg_abs(a));
    }
}

static wg_tensor *gen_chain(gen *r)
{
    enum { LEAVES = 4, MOST = 18 };
    int64_t n = 100 + below(r, 700), rows = 1 + below(r, 2);
    wg_shape row = WG_SHAPE(n), all = rows > 1 ? WG_SHAPE(rows, n) : row;
    wg_tensor *v[LEAVES + MOST] = { leaf_of(r, WG_F32, all), leaf_of(r, WG_F32, all),
                                    leaf_of(r, WG_F32, row), wg_scalar(r->g, WG_F32, number(r)) };
    int many = 4 + (int)below(r, MOST - 3), m = LEAVES;

    for (; m < LEAVES + many; m++) {
        wg_tensor *a = chance(r, 60) ? v[m - 1] : v[below(r, m)], *b = v[below(r, m)];

        v[m] = chance(r, 80) ? chain_link(r, a, b) : chain_link(r, b, a);
    }
    if (chance(r, 30)) return v[m - 1];
    /* a sum reads every element, and what else is made of it stays small */
    return wg_add(wg_sum(v[m - 1], WG_ALL_AXES, false),
                  wg_sum(v[LEAVES + below(r, many)], WG_ALL_AXES, false));
}

/* Sums of the rows that element-wise entries make, of few rows and of more than one unit. */
static wg_tensor *gen_columns(gen *r)
{
    bool many = chance(r, 25);
    int64_t rows = many ? 1000 + below(r, 700) : 2 + below(r, 60);
    int64_t n = many ? 16 + below(r, 8) : 2 + below(r, 40);
    wg_dtype dtype = chance(r, 80) ? WG_F32 : WG_F64;
    wg_tensor *x = leaf_of(r, dtype, WG_SHAPE(rows, n)), *row = leaf_of(r, dtype, WG_SHAPE(n));
    wg_tensor *v = wg_tanh(chance(r, 50) ? wg_mul(x, row) : wg_add(x, row)), *s, *t;

    if (chance(r, 30)) v = wg_sub(v, wg_mean(v, WG_AXES(-1), true));
    s = chance(r, 50) ? wg_sum_to_like(v, row) : wg_sum(v, WG_AXES(0), false);
    t = wg_sum(wg_square(chance(r, 50) ? v : wg_sub(x, s)), WG_AXES(0), true);
    return wg_add(t, chance(r, 50) ? s : wg_sum(wg_sin(wg_mul(v, t)), WG_AXES(0), false));
}

#endif
