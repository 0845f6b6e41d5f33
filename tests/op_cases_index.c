/* op_cases_index.c: indexing by i64 tensors, with repeated indices. */
#include "op_cases.h"

/* ---- gather and its adjoint ---- */

BUILD(gather, wg_gather(x[0], x[1], 0))
static nd gather_ref(const nd *x)
{
    nd y = nd_new(2, (int64_t[]){ x[1].dim[0], 3 });

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = x[0].v[(int64_t)x[1].v[e / 3] * 3 + e % 3];
    return y;
}

/* x [B, 3, 2] by indices [2, 2] along axis 1: [B, 2, 2, 2] */
BUILD(gather_inner, wg_gather(x[0], x[1], -2))
static nd gather_inner_ref(const nd *x)
{
    nd y = nd_new(4, (int64_t[]){ x[0].dim[0], 2, 2, 2 });

    for (int64_t e = 0; e < nd_count(&y); e++)
        y.v[e] = x[0].v[(e / 8 * 3 + (int64_t)x[1].v[e / 2 % 4]) * 2 + e % 2];
    return y;
}

BUILD(scatter_add_like, wg_scatter_add_like(x[0], x[1], x[2], 0))
static nd scatter_add_like_ref(const nd *x)
{
    nd y = nd_new(2, x[2].dim);

    for (int64_t e = 0; e < nd_count(&x[0]); e++)
        y.v[(int64_t)x[1].v[e / 3] * 3 + e % 3] += x[0].v[e];
    return y;
}

BUILD(scatter_add_inner, wg_scatter_add_like(x[0], x[1], x[2], 1))
static nd scatter_add_inner_ref(const nd *x)
{
    nd y = nd_new(3, x[2].dim);

    for (int64_t e = 0; e < nd_count(&x[0]); e++)
        y.v[(e / 8 * 3 + (int64_t)x[1].v[e / 2 % 4]) * 2 + e % 2] += x[0].v[e];
    return y;
}

BUILD(scatter_add, wg_scatter_add(x[0], x[1], x[2], 0))
static nd scatter_add_ref(const nd *x)
{
    nd y = nd_new(2, x[0].dim);

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = x[0].v[e];
    for (int64_t e = 0; e < nd_count(&x[2]); e++)
        y.v[(int64_t)x[1].v[e / 3] * 3 + e % 3] += x[2].v[e];
    return y;
}

/* ---- along an axis, one index for each line ---- */

BUILD(take_along_axis, wg_take_along_axis(x[0], x[1], 1))
static nd take_along_axis_ref(const nd *x)
{
    nd y = nd_new(2, x[1].dim);

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = x[0].v[e / 4 * 3 + (int64_t)x[1].v[e]];
    return y;
}

BUILD(take_first, wg_take_along_axis(x[0], x[1], 0))
static nd take_first_ref(const nd *x)
{
    nd y = nd_new(2, x[1].dim);

    for (int64_t e = 0; e < nd_count(&y); e++) y.v[e] = x[0].v[(int64_t)x[1].v[e] * 2 + e % 2];
    return y;
}

BUILD(scatter_along_like, wg_scatter_along_like(x[0], x[1], x[2], 1))
static nd scatter_along_like_ref(const nd *x)
{
    nd y = nd_new(2, x[2].dim);

    for (int64_t e = 0; e < nd_count(&x[0]); e++) y.v[e / 4 * 3 + (int64_t)x[1].v[e]] += x[0].v[e];
    return y;
}

/* ---- one_hot ---- */

BUILD(one_hot, wg_one_hot(x[0], 4, WG_F32))
BUILD(one_hot_like, wg_one_hot_like(x[0], x[1]))
static nd one_hot_ref(const nd *x)
{
    nd y = nd_new(3, (int64_t[]){ x[0].dim[0], 2, 4 });

    for (int64_t e = 0; e < nd_count(&x[0]); e++) y.v[e * 4 + (int64_t)x[0].v[e]] = 1;
    return y;
}
#define one_hot_like_ref one_hot_ref

static const op_case rows[] = {
    REF(gather, "", LINEAR, REAL(-2, 2, 3, 3), INT(0, 2, B)),
    REF_OF("gather repeated", gather, LINEAR, REAL(-2, 2, 3, 3), INT(1, 1, 3)),
    REF_OF("gather inner", gather_inner, LINEAR, REAL(-2, 2, B, 3, 2), INT(0, 2, 2, 2)),
    REF_OF("gather i64", gather, VALUE_ONLY, INT(-9, 9, 4, 3), INT(0, 3, B)),
    REF(scatter_add_like, "", LINEAR, REAL(-2, 2, B, 3), INT(0, 3, B), REAL(-2, 2, 4, 3)),
    REF_OF("scatter_add_like inner", scatter_add_inner, LINEAR, REAL(-2, 2, B, 2, 2, 2),
           INT(0, 2, 2, 2), REAL(-2, 2, B, 3, 2)),
    REF(scatter_add, "", LINEAR, REAL(-2, 2, 4, 3), INT(0, 3, B), REAL(-2, 2, B, 3)),
    REF(take_along_axis, "", LINEAR, REAL(-2, 2, B, 3), INT(0, 2, B, 4)),
    REF_OF("take_along_axis first", take_first, LINEAR, REAL(-2, 2, 3, 2), INT(0, 2, B, 2)),
    REF(scatter_along_like, "", LINEAR, REAL(-2, 2, B, 4), INT(0, 2, B, 4), REAL(-2, 2, B, 3)),
    REF(one_hot, "", VALUE_ONLY, INT(0, 3, B, 2)),
    REF(one_hot_like, "", VALUE_ONLY, INT(0, 3, B, 2), REAL(0, 1, 4)),
};
ROWS(op_cases_index);
