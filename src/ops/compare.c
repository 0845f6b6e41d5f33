/*
 * compare.c: comparisons, logic, choice, conversion: ops whose result is of another type than an
 * operand.
 */
#include "op.h"
#include "rows.h"

/* ---- comparisons: the first operand's type picks the kernel ---- */

static bool compare_infer(const wg_sig *s, wg_type *out)
{
    if (!wg_infer_broadcast(s, out)) return false;
    out->dtype = WG_BOOL;
    return true;
}

WG_ROW2_MASK(eq, veq(a, b))
WG_ROW2_OF(uint8_t, eq_row_i64, int64_t, a == b)
WG_ROW2_OF(uint8_t, eq_row_bool, uint8_t, !a == !b)

const wg_op wg_op_eq = { .name = "eq",
                         .doc = "a = b",
                         .n_in = 2,
                         .flags = WG_OP_BROADCASTS | WG_OP_NO_GRAD | WG_OP_COMMUTES | WG_OP_LIGHT,
                         .infer = compare_infer,
                         .row = WG_ROWS_ALL(eq),
                         .lane = eq_lane };

wg_tensor *wg_eq(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_eq, NULL, a, b);
}

WG_ROW2_MASK(ne, vne(a, b))
WG_ROW2_OF(uint8_t, ne_row_i64, int64_t, a != b)
WG_ROW2_OF(uint8_t, ne_row_bool, uint8_t, !a != !b)

const wg_op wg_op_ne = { .name = "ne",
                         .doc = "a differs from b",
                         .n_in = 2,
                         .flags = WG_OP_BROADCASTS | WG_OP_NO_GRAD | WG_OP_COMMUTES | WG_OP_LIGHT,
                         .infer = compare_infer,
                         .row = WG_ROWS_ALL(ne),
                         .lane = ne_lane };

wg_tensor *wg_ne(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_ne, NULL, a, b);
}

WG_ROW2_MASK(lt, vlt(a, b))
WG_ROW2_OF(uint8_t, lt_row_i64, int64_t, a < b)

const wg_op wg_op_lt = { .name = "lt",
                         .doc = "a < b",
                         .n_in = 2,
                         .flags = WG_OP_BROADCASTS | WG_OP_NO_GRAD | WG_OP_LIGHT,
                         .infer = compare_infer,
                         .row = WG_ROWS_I64(lt),
                         .lane = lt_lane };

wg_tensor *wg_lt(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_lt, NULL, a, b);
}

WG_ROW2_MASK(le, vle(a, b))
WG_ROW2_OF(uint8_t, le_row_i64, int64_t, a <= b)

const wg_op wg_op_le = { .name = "le",
                         .doc = "a <= b",
                         .n_in = 2,
                         .flags = WG_OP_BROADCASTS | WG_OP_NO_GRAD | WG_OP_LIGHT,
                         .infer = compare_infer,
                         .row = WG_ROWS_I64(le),
                         .lane = le_lane };

wg_tensor *wg_le(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_le, NULL, a, b);
}

WG_ROW2_MASK(gt, vgt(a, b))
WG_ROW2_OF(uint8_t, gt_row_i64, int64_t, a > b)

const wg_op wg_op_gt = { .name = "gt",
                         .doc = "a > b",
                         .n_in = 2,
                         .flags = WG_OP_BROADCASTS | WG_OP_NO_GRAD | WG_OP_LIGHT,
                         .infer = compare_infer,
                         .row = WG_ROWS_I64(gt),
                         .lane = gt_lane };

wg_tensor *wg_gt(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_gt, NULL, a, b);
}

WG_ROW2_MASK(ge, vge(a, b))
WG_ROW2_OF(uint8_t, ge_row_i64, int64_t, a >= b)

const wg_op wg_op_ge = { .name = "ge",
                         .doc = "a >= b",
                         .n_in = 2,
                         .flags = WG_OP_BROADCASTS | WG_OP_NO_GRAD | WG_OP_LIGHT,
                         .infer = compare_infer,
                         .row = WG_ROWS_I64(ge),
                         .lane = ge_lane };

wg_tensor *wg_ge(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_ge, NULL, a, b);
}

/* ---- logic: a byte that is not 0 is true, whoever fed it ---- */

static bool logic_infer(const wg_sig *s, wg_type *out)
{
    for (int i = 0; i < s->n_in; i++)
        if (s->in[i]->dtype != WG_BOOL)
            return wg_sig_fail(s, WG_EDTYPE,
                               "operand %d is %s, not bool: compare it or use wg_cast", i,
                               WG_TYPE_STR(s->in[i]));
    return wg_infer_broadcast(s, out);
}

WG_ROW2_OF(uint8_t, logical_and_row, uint8_t, !!a & !!b)

const wg_op wg_op_logical_and = { .name = "logical_and",
                                  .doc = "a and b",
                                  .n_in = 2,
                                  .flags = WG_OP_BROADCASTS | WG_OP_NO_GRAD | WG_OP_COMMUTES | WG_OP_LIGHT,
                                  .infer = logic_infer,
                                  .row = WG_ROW_KERNELS({ [WG_BOOL] = { logical_and_row } }),
                                  .lane = "vand(m, n)" };

wg_tensor *wg_logical_and(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_logical_and, NULL, a, b);
}

WG_ROW2_OF(uint8_t, logical_or_row, uint8_t, !!a | !!b)

const wg_op wg_op_logical_or = { .name = "logical_or",
                                 .doc = "a or b",
                                 .n_in = 2,
                                 .flags = WG_OP_BROADCASTS | WG_OP_NO_GRAD | WG_OP_COMMUTES | WG_OP_LIGHT,
                                 .infer = logic_infer,
                                 .row = WG_ROW_KERNELS({ [WG_BOOL] = { logical_or_row } }),
                                 .lane = "vor(m, n)" };

wg_tensor *wg_logical_or(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_logical_or, NULL, a, b);
}

WG_ROW2_OF(uint8_t, logical_xor_row, uint8_t, !!a ^ !!b)

const wg_op wg_op_logical_xor = { .name = "logical_xor",
                                  .doc = "either a or b",
                                  .n_in = 2,
                                  .flags = WG_OP_BROADCASTS | WG_OP_NO_GRAD | WG_OP_COMMUTES,
                                  .infer = logic_infer,
                                  .row = WG_ROW_KERNELS({ [WG_BOOL] = { logical_xor_row } }),
                                  .lane = "vor(vand(m, vnot(n)), vand(vnot(m), n))" };

wg_tensor *wg_logical_xor(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&wg_op_logical_xor, NULL, a, b);
}

WG_ROW1_OF(uint8_t, logical_not_row, uint8_t, !x)

const wg_op wg_op_logical_not = { .name = "logical_not",
                                  .doc = "not x",
                                  .n_in = 1,
                                  .flags = WG_OP_NO_GRAD,
                                  .infer = logic_infer,
                                  .row = WG_ROW_KERNELS({ [WG_BOOL] = { logical_not_row } }),
                                  .lane = "vnot(m)" };

wg_tensor *wg_logical_not(wg_tensor *x)
{
    return wg_record1(&wg_op_logical_not, NULL, x);
}

/* ---- is_finite ---- */

static bool is_finite_infer(const wg_sig *s, wg_type *out)
{
    *out = (wg_type){ WG_BOOL, s->in[0]->shape };
    return wg_sig_real(s, 0);
}

WG_ROW1_MASK(is_finite, vlt(vabs(x), vset(x, INFINITY)))

const wg_op wg_op_is_finite = { .name = "is_finite",
                                .doc = "whether x is neither infinite nor NaN",
                                .n_in = 1,
                                .flags = WG_OP_NO_GRAD,
                                .infer = is_finite_infer,
                                .row = WG_ROWS(is_finite),
                                .lane = is_finite_lane };

wg_tensor *wg_is_finite(wg_tensor *x)
{
    return wg_record1(&wg_op_is_finite, NULL, x);
}

/* ---- where: the type of the branches picks the kernel ---- */

static bool where_infer(const wg_sig *s, wg_type *out)
{
    if (s->in[0]->dtype != WG_BOOL)
        return wg_sig_fail(s, WG_EDTYPE, "the condition is %s, not bool: compare it or use wg_cast",
                           WG_TYPE_STR(s->in[0]));
    if (s->in[1]->dtype != s->in[2]->dtype)
        return wg_sig_fail(s, WG_EDTYPE,
                           "branches of two element types, %s and %s: convert one with wg_cast",
                           WG_TYPE_STR(s->in[1]), WG_TYPE_STR(s->in[2]));
    out->dtype = s->in[1]->dtype;
    return wg_sig_broadcast(s, &out->shape);
}

#define WHERE_REAL(name, T, L, result, loop, expr)                                                 \
    WG_TARGET_##L static void name##_row_##T##_##L(WG_ROW_PARAMS)                                  \
    {                                                                                              \
        loop##_##T##_##L(attr, n, xs, step, y, name##_row_##T##_##L);                              \
    }
WG_ROW_EACH(WHERE_REAL, where, wg_v, row_select, none)

#define WHERE_OF(name, T)                                                                          \
    static void name(WG_ROW_PARAMS)                                                                \
    {                                                                                              \
        const uint8_t *m = xs[0];                                                                  \
        const T *a = xs[1], *b = xs[2];                                                            \
        T *py = y;                                                                                 \
                                                                                                   \
        (void)attr;                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                          \
            T p = a[step[1] ? i : 0], q = b[step[2] ? i : 0];                                      \
                                                                                                   \
            py[i] = m[step[0] ? i : 0] ? p : q;                                                    \
        }                                                                                          \
    }
WHERE_OF(where_row_i64, int64_t)
WHERE_OF(where_row_bool, uint8_t)

/* Selects, never multiplies: what is not finite in the branch not taken stays out. */
static void where_vjp(const wg_vjp *v, wg_tensor **dx)
{
    wg_tensor *zero = wg_scalar_like(v->y, 0);

    if (v->need[1]) dx[1] = wg_where(v->x[0], v->dy, zero);
    if (v->need[2]) dx[2] = wg_where(v->x[0], zero, v->dy);
}

const wg_op wg_op_where = { .name = "where",
                            .doc = "a where the condition holds, else b",
                            .n_in = 3,
                            .flags = WG_OP_BROADCASTS | WG_OP_LIGHT,
                            .infer = where_infer,
                            .row = WG_ROWS_ALL(where),
                            .lane = "vsel(m, a, b)",
                            .decides = 1,
                            .vjp = where_vjp };

wg_tensor *wg_where(wg_tensor *cond, wg_tensor *a, wg_tensor *b)
{
    return wg_record3(&wg_op_where, NULL, cond, a, b);
}

/* ---- cast, cast_like: from every element type to every other ---- */

/* Cut towards 0; what has no i64 becomes the nearest, NaN 0: C leaves those undefined. */
static inline int64_t real_to_i64(double x)
{
    if (x != x) return 0;
    if (x >= 0x1p63) return INT64_MAX;
    return x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

typedef void convert_fn(int64_t n, const void *from, void *to);

/* The first argument: nothing, or that it is compiled for size. */
#define CONVERT(HOW, from, From, to, To, expr)                                                     \
    HOW static void from##_to_##to(int64_t n, const void *xs, void *ys)                            \
    {                                                                                              \
        const From *px = xs;                                                                       \
        To *py = ys;                                                                               \
                                                                                                   \
        for (int64_t i = 0; i < n; i++) {                                                          \
            From x = px[i];                                                                        \
                                                                                                   \
            py[i] = (To)(expr);                                                                    \
        }                                                                                          \
    }
CONVERT(, f32, float, f32, float, x)
CONVERT(, f32, float, f64, double, x)
CONVERT(WG_SMALL, f32, float, i64, int64_t, real_to_i64((double)x))
CONVERT(, f32, float, bool, uint8_t, x != 0)
CONVERT(, f64, double, f32, float, x)
CONVERT(WG_SMALL, f64, double, f64, double, x)
CONVERT(WG_SMALL, f64, double, i64, int64_t, real_to_i64(x))
CONVERT(WG_SMALL, f64, double, bool, uint8_t, x != 0)
CONVERT(, i64, int64_t, f32, float, x)
CONVERT(WG_SMALL, i64, int64_t, f64, double, x)
CONVERT(WG_SMALL, i64, int64_t, i64, int64_t, x)
CONVERT(WG_SMALL, i64, int64_t, bool, uint8_t, x != 0)
CONVERT(, bool, uint8_t, f32, float, x != 0)
CONVERT(WG_SMALL, bool, uint8_t, f64, double, x != 0)
CONVERT(WG_SMALL, bool, uint8_t, i64, int64_t, x != 0)
CONVERT(WG_SMALL, bool, uint8_t, bool, uint8_t, x != 0)

static convert_fn *const convert[WG_N_DTYPES][WG_N_DTYPES] = {
    [WG_F32] = { [WG_F32] = f32_to_f32,
                 [WG_F64] = f32_to_f64,
                 [WG_I64] = f32_to_i64,
                 [WG_BOOL] = f32_to_bool },
    [WG_F64] = { [WG_F32] = f64_to_f32,
                 [WG_F64] = f64_to_f64,
                 [WG_I64] = f64_to_i64,
                 [WG_BOOL] = f64_to_bool },
    [WG_I64] = { [WG_F32] = i64_to_f32,
                 [WG_F64] = i64_to_f64,
                 [WG_I64] = i64_to_i64,
                 [WG_BOOL] = i64_to_bool },
    [WG_BOOL] = { [WG_F32] = bool_to_f32,
                  [WG_F64] = bool_to_f64,
                  [WG_I64] = bool_to_i64,
                  [WG_BOOL] = bool_to_bool },
};

/* Elements below which a second thread costs more than it saves. */
enum { CAST_GRAIN = 32768 };

WG_SMALL_BEGIN

static void cast_part(void *arg, int64_t lo, int64_t hi)
{
    const wg_call *c = arg;
    wg_dtype from = c->tx[0]->dtype, to = c->ty->dtype;

    convert[from][to](hi - lo, (const char *)c->x[0] + (size_t)lo * wg_dtype_size(from),
                      (char *)c->y + (size_t)lo * wg_dtype_size(to));
}

static void cast_eval(const wg_call *c)
{
    wg_call copy = *c;

    wg_parallel(c->threads, wg__count(c->ty), CAST_GRAIN, cast_part, &copy);
}

struct cast_state {
    convert_fn *f;
    int64_t n;
};
_Static_assert(sizeof(struct cast_state) <= WG_STATE, "fits");

static void cast_few(const wg_call *c)
{
    const struct cast_state *s = c->state;

    s->f(s->n, c->x[0], c->y);
}

static wg_eval_fn *cast_prepare(const wg_sig *s, const wg_type *out, wg_dtype by, int level,
                                void *state)
{
    (void)by;
    (void)level;
    *(struct cast_state *)state =
        (struct cast_state){ convert[s->in[0]->dtype][out->dtype], wg__count(out) };
    return wg__count(out) < CAST_GRAIN ? cast_few : NULL;
}

struct cast_attr {
    wg_dtype dtype;
};
static const wg_field cast_fields[] = { WG_FIELD(struct cast_attr, dtype), WG_FIELDS_END };

static bool cast_infer(const wg_sig *s, wg_type *out)
{
    const struct cast_attr *at = s->attr;

    *out = (wg_type){ at->dtype, s->in[0]->shape };
    return true;
}

static void cast_vjp(const wg_vjp *v, wg_tensor **dx)
{
    if (wg_dtype_is_real(wg_dtype_of(v->y)) && wg_dtype_is_real(wg_dtype_of(v->x[0])))
        dx[0] = wg_cast_like(v->dy, v->x[0]);
}

const wg_op wg_op_cast = { .name = "cast",
                           .doc = "x converted to another element type",
                           .n_in = 1,
                           .flags = WG_OP_ALIAS,
                           .attr_size = sizeof(struct cast_attr),
                           .fields = cast_fields,
                           .infer = cast_infer,
                           .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(cast_eval)),
                           .vjp = cast_vjp,
                           .more = WG_OP_MORE(.prepare = cast_prepare) };

wg_tensor *wg_cast(wg_tensor *x, wg_dtype dtype)
{
    return wg_record1(&wg_op_cast, &(struct cast_attr){ dtype }, x);
}

static bool cast_like_infer(const wg_sig *s, wg_type *out)
{
    *out = (wg_type){ s->in[1]->dtype, s->in[0]->shape };
    return true;
}

const wg_op wg_op_cast_like = { .name = "cast_like",
                                .doc = "x converted to the element type of another tensor",
                                .n_in = 2,
                                .flags = WG_OP_ALIAS | WG_OP_LIKE_DTYPE,
                                .shape_only = WG_SHAPE_ONLY(1),
                                .infer = cast_like_infer,
                                .eval = WG_EVAL_KERNELS(WG_EACH_DTYPE(cast_eval)),
                                .vjp = cast_vjp,
                                .more = WG_OP_MORE(.prepare = cast_prepare) };

wg_tensor *wg_cast_like(wg_tensor *x, wg_tensor *like)
{
    return wg_record2(&wg_op_cast_like, NULL, x, like);
}

WG_SMALL_END
