/*
 * arith.c: arithmetic of two operands. Operands broadcast; the reverse pass sums each gradient back
 * to its operand, so no rule here looks at extents.
 */
#include "inlined.h"
#include "op.h"
#include "rows.h"

/* i64 wraps around: arithmetic in uint64_t, where that is defined. */
#define WRAP(op) ((uint64_t)a) op((uint64_t)b)

/* ---- add ---- */

WG_ROW2(add, a + b)
WG_ROW2_OF(int64_t, add_row_i64, int64_t, WRAP(+))

static void add_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = v->dy;
    dx[1] = v->dy;
}

const wg_op wg_op_add = { .name = "add",
                          .doc = "a + b",
                          .n_in = 2,
                          .flags = WG_OP_BROADCASTS | WG_OP_COMMUTES | WG_OP_LIGHT,
                          .infer = wg_infer_broadcast,
                          .row = WG_ROWS_I64(add),
                          .lane = add_lane,
                          .vjp = add_vjp,
                          .more = WG_OP_MORE(.inlines = wg__inline_onto) };

wg_tensor *wg_add(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_add, NULL, a, b);
}

/* ---- sub ---- */

WG_ROW2(sub, a - b)
WG_ROW2_OF(int64_t, sub_row_i64, int64_t, WRAP(-))

static void sub_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = v->dy;
    if (v->need[1]) dx[1] = wg_neg(v->dy);
}

const wg_op wg_op_sub = { .name = "sub",
                          .doc = "a - b",
                          .n_in = 2,
                          .flags = WG_OP_BROADCASTS | WG_OP_LIGHT,
                          .infer = wg_infer_broadcast,
                          .row = WG_ROWS_I64(sub),
                          .lane = sub_lane,
                          .vjp = sub_vjp,
                          .more = WG_OP_MORE(.unit_of = 1 << 1) };

wg_tensor *wg_sub(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_sub, NULL, a, b);
}

/* ---- mul ---- */

WG_ROW2(mul, (a) * (b))
WG_ROW2_OF(int64_t, mul_row_i64, int64_t, WRAP(*))

static void mul_vjp(const wg_vjp *v, wg_tensor **dx)
{
    if (v->need[0]) dx[0] = wg_mul(v->dy, v->x[1]);
    if (v->need[1]) dx[1] = wg_mul(v->dy, v->x[0]);
}

const wg_op wg_op_mul = { .name = "mul",
                          .doc = "a b",
                          .n_in = 2,
                          .flags = WG_OP_BROADCASTS | WG_OP_COMMUTES | WG_OP_LIGHT,
                          .infer = wg_infer_broadcast,
                          .row = WG_ROWS_I64(mul),
                          .lane = mul_lane,
                          .vjp = mul_vjp,
                          .more = WG_OP_MORE(.unit_of = 1 << 0 | 1 << 1, .unit = 1) };

wg_tensor *wg_mul(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_mul, NULL, a, b);
}

/* ---- mul_no_nan ---- */

WG_ROW2(mul_no_nan, vsel(veq(b, vset(b, 0)), b, a *b))

static void mul_no_nan_vjp(const wg_vjp *v, wg_tensor **dx)
{
    if (v->need[0]) dx[0] = wg_mul_no_nan(v->dy, v->x[1]);
    if (v->need[1]) dx[1] = wg_mul(v->dy, v->x[0]);
}

const wg_op wg_op_mul_no_nan = { .name = "mul_no_nan",
                                 .doc = "a b, and 0 where b is 0",
                                 .n_in = 2,
                                 .flags = WG_OP_BROADCASTS,
                                 .infer = wg_infer_broadcast,
                                 .row = WG_ROWS(mul_no_nan),
                                 .lane = mul_no_nan_lane,
                                 .vjp = mul_no_nan_vjp,
                                 .more = WG_OP_MORE(.unit_of = 1 << 1, .unit = 1) };

wg_tensor *wg_mul_no_nan(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_mul_no_nan, NULL, a, b);
}

/* ---- div ---- */

/* The processor traps at / 0 and at INT64_MIN / -1; both have a value here, 0 and INT64_MIN. */
static inline int64_t div_i64(int64_t a, int64_t b)
{
    if (b == 0) return 0;
    if (b == -1) return (int64_t)(0 - (uint64_t)a);
    return a / b;
}

WG_ROW2(div, a / b)
WG_ROW2_OF(int64_t, div_row_i64, int64_t, div_i64(a, b))

/* da = dy / b, db = -dy y / b */
static void div_vjp(const wg_vjp *v, wg_tensor **dx)
{
    wg_tensor *da = wg_div(v->dy, v->x[1]);

    dx[0] = da;
    if (v->need[1]) dx[1] = wg_neg(wg_mul(da, v->y));
}

const wg_op wg_op_div = { .name = "div",
                          .doc = "a / b",
                          .n_in = 2,
                          .flags = WG_OP_BROADCASTS,
                          .infer = wg_infer_broadcast,
                          .row = WG_ROWS_I64(div),
                          .lane = div_lane,
                          .vjp = div_vjp,
                          .more = WG_OP_MORE(.unit_of = 1 << 1, .unit = 1,
                                             .inlines = wg__inline_gather) };

wg_tensor *wg_div(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_div, NULL, a, b);
}

/* ---- pow ---- */

WG_ROW2(pow, vpow(a, b))

/* da = dy b a^(b-1), where 0 0^-1 counts as 0; db = dy y log(a), 0 where a or y is 0. The
 * selections stand around operands, so that second derivatives meet no 0 times infinity either. */
static void pow_vjp(const wg_vjp *v, wg_tensor **dx)
{
    wg_tensor *a = v->x[0], *b = v->x[1], *zero = wg_scalar_like(v->y, 0),
              *one = wg_scalar_like(v->y, 1);
    wg_tensor *at_zero = wg_eq(a, zero);

    if (v->need[0]) {
        wg_tensor *both = wg_logical_and(at_zero, wg_eq(b, zero));
        wg_tensor *less = wg_where(both, one, wg_sub(b, one));

        dx[0] = wg_mul(v->dy, wg_mul(b, wg_pow(a, less)));
    }
    if (v->need[1]) {
        wg_tensor *slope = wg_mul_no_nan(wg_log(wg_where(at_zero, one, a)), v->y);

        dx[1] = wg_mul(v->dy, wg_where(at_zero, zero, slope));
    }
}

const wg_op wg_op_pow = { .name = "pow",
                          .doc = "a to the power b",
                          .n_in = 2,
                          .flags = WG_OP_BROADCASTS,
                          .infer = wg_infer_broadcast,
                          .row = WG_ROWS(pow),
                          .vjp = pow_vjp };

wg_tensor *wg_pow(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_pow, NULL, a, b);
}

/* ---- maximum, minimum: the first of equals has the gradient ---- */

WG_ROW2(maximum, vmax(a, b))
WG_ROW2_OF(int64_t, maximum_row_i64, int64_t, a > b ? a : b)

static void maximum_vjp(const wg_vjp *v, wg_tensor **dx)
{
    wg_tensor *first = wg_ge(v->x[0], v->x[1]), *zero = wg_scalar_like(v->y, 0);

    if (v->need[0]) dx[0] = wg_where(first, v->dy, zero);
    if (v->need[1]) dx[1] = wg_where(first, zero, v->dy);
}

const wg_op wg_op_maximum = { .name = "maximum",
                              .doc = "the larger of two",
                              .n_in = 2,
                              .flags = WG_OP_BROADCASTS | WG_OP_LIGHT,
                              .infer = wg_infer_broadcast,
                              .row = WG_ROWS_I64(maximum),
                              .lane = maximum_lane,
                              .vjp = maximum_vjp };

wg_tensor *wg_maximum(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_maximum, NULL, a, b);
}

WG_ROW2(minimum, vmin(a, b))
WG_ROW2_OF(int64_t, minimum_row_i64, int64_t, a < b ? a : b)

static void minimum_vjp(const wg_vjp *v, wg_tensor **dx)
{
    wg_tensor *first = wg_le(v->x[0], v->x[1]), *zero = wg_scalar_like(v->y, 0);

    if (v->need[0]) dx[0] = wg_where(first, v->dy, zero);
    if (v->need[1]) dx[1] = wg_where(first, zero, v->dy);
}

const wg_op wg_op_minimum = { .name = "minimum",
                              .doc = "the smaller of two",
                              .n_in = 2,
                              .flags = WG_OP_BROADCASTS | WG_OP_LIGHT,
                              .infer = wg_infer_broadcast,
                              .row = WG_ROWS_I64(minimum),
                              .lane = minimum_lane,
                              .vjp = minimum_vjp };

wg_tensor *wg_minimum(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_minimum, NULL, a, b);
}
