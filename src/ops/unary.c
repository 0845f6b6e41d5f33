/*
 * unary.c: element-wise ops of one operand. Where a derivative is a formula of the result, the rule
 * uses that: it is at hand anyway.
 */
#include "op.h"
#include "rows.h"

/* c x for a number c */
static wg_tensor *times(double c, wg_tensor *x)
{
    return wg_mul(wg_scalar_like(x, c), x);
}

/* ---- neg ---- */

WG_ROW1(neg, -x)
WG_ROW1_OF(int64_t, neg_row_i64, int64_t, 0 - (uint64_t)x)

static void neg_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_neg(v->dy);
}

const wg_op wg_op_neg = { .name = "neg",
                          .doc = "-x",
                          .n_in = 1,
                          .flags = WG_OP_LIGHT,
                          .infer = wg_infer_same_any,
                          .row = WG_ROWS_I64(neg),
                          .lane = neg_lane,
                          .vjp = neg_vjp };

wg_tensor *wg_neg(wg_tensor *x)
{
    return wg_record1(&wg_op_neg, NULL, x);
}

/* ---- square ---- */

WG_ROW1(square, (x) * (x))

static void square_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, times(2, v->x[0]));
}

const wg_op wg_op_square = { .name = "square",
                             .doc = "x x",
                             .n_in = 1,
                             .flags = WG_OP_LIGHT,
                             .infer = wg_infer_same,
                             .row = WG_ROWS(square),
                             .lane = square_lane,
                             .vjp = square_vjp };

wg_tensor *wg_square(wg_tensor *x)
{
    return wg_record1(&wg_op_square, NULL, x);
}

/* ---- sqrt ---- */

WG_ROW1(sqrt, vsqrt(x))

/* dx = dy / (2 y) */
static void sqrt_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, wg_div(wg_scalar_like(v->y, 0.5), v->y));
}

const wg_op wg_op_sqrt = { .name = "sqrt",
                           .doc = "square root",
                           .n_in = 1,
                           .infer = wg_infer_same,
                           .row = WG_ROWS(sqrt),
                           .lane = sqrt_lane,
                           .vjp = sqrt_vjp };

wg_tensor *wg_sqrt(wg_tensor *x)
{
    return wg_record1(&wg_op_sqrt, NULL, x);
}

/* ---- rsqrt ---- */

WG_ROW1(rsqrt, vrsqrt(x))

/* dx = -dy y^3 / 2 */
static void rsqrt_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, times(-0.5, wg_mul(v->y, wg_square(v->y))));
}

const wg_op wg_op_rsqrt = { .name = "rsqrt",
                            .doc = "1 / square root",
                            .n_in = 1,
                            .infer = wg_infer_same,
                            .row = WG_ROWS(rsqrt),
                            .lane = rsqrt_lane,
                            .vjp = rsqrt_vjp };

wg_tensor *wg_rsqrt(wg_tensor *x)
{
    return wg_record1(&wg_op_rsqrt, NULL, x);
}

/* ---- reciprocal ---- */

WG_ROW1(reciprocal, 1 / x)

static void reciprocal_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_neg(wg_mul(v->dy, wg_square(v->y)));
}

const wg_op wg_op_reciprocal = { .name = "reciprocal",
                                 .doc = "1 / x",
                                 .n_in = 1,
                                 .infer = wg_infer_same,
                                 .row = WG_ROWS(reciprocal),
                                 .lane = reciprocal_lane,
                                 .vjp = reciprocal_vjp };

wg_tensor *wg_reciprocal(wg_tensor *x)
{
    return wg_record1(&wg_op_reciprocal, NULL, x);
}

/* ---- abs ---- */

WG_ROW1(abs, vabs(x))
WG_ROW1_OF(int64_t, abs_row_i64, int64_t, x < 0 ? 0 - (uint64_t)x : (uint64_t)x)

static void abs_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, wg_sign(v->x[0]));
}

const wg_op wg_op_abs = { .name = "abs",
                          .doc = "|x|",
                          .n_in = 1,
                          .flags = WG_OP_LIGHT,
                          .infer = wg_infer_same_any,
                          .row = WG_ROWS_I64(abs),
                          .lane = abs_lane,
                          .vjp = abs_vjp };

wg_tensor *wg_abs(wg_tensor *x)
{
    return wg_record1(&wg_op_abs, NULL, x);
}

/* ---- sign ---- */

WG_ROW1(sign, vsel(vlt(vset(x, 0), x), vset(x, 1), vsel(vlt(x, vset(x, 0)), vset(x, -1), x)))
WG_ROW1_OF(int64_t, sign_row_i64, int64_t, (x > 0) - (x < 0))

const wg_op wg_op_sign = { .name = "sign",
                           .doc = "-1, 0 or 1",
                           .n_in = 1,
                           .flags = WG_OP_NO_GRAD,
                           .infer = wg_infer_same_any,
                           .row = WG_ROWS_I64(sign),
                           .lane = sign_lane };

wg_tensor *wg_sign(wg_tensor *x)
{
    return wg_record1(&wg_op_sign, NULL, x);
}

/* ---- exp ---- */

WG_ROW1(exp, vexp(x))

static void exp_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, v->y);
}

const wg_op wg_op_exp = { .name = "exp",
                          .doc = "e^x",
                          .n_in = 1,
                          .infer = wg_infer_same,
                          .row = WG_ROWS(exp),
                          .lane = exp_lane,
                          .vjp = exp_vjp };

wg_tensor *wg_exp(wg_tensor *x)
{
    return wg_record1(&wg_op_exp, NULL, x);
}

/* ---- expm1 ---- */

WG_ROW1(expm1, vexpm1(x))

static void expm1_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, wg_add(v->y, wg_scalar_like(v->y, 1)));
}

const wg_op wg_op_expm1 = { .name = "expm1",
                            .doc = "e^x - 1",
                            .n_in = 1,
                            .infer = wg_infer_same,
                            .row = WG_ROWS(expm1),
                            .lane = expm1_lane,
                            .vjp = expm1_vjp };

wg_tensor *wg_expm1(wg_tensor *x)
{
    return wg_record1(&wg_op_expm1, NULL, x);
}

/* ---- log ---- */

WG_ROW1(log, vlog(x))

static void log_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_div(v->dy, v->x[0]);
}

const wg_op wg_op_log = { .name = "log",
                          .doc = "natural logarithm",
                          .n_in = 1,
                          .infer = wg_infer_same,
                          .row = WG_ROWS(log),
                          .lane = log_lane,
                          .vjp = log_vjp };

wg_tensor *wg_log(wg_tensor *x)
{
    return wg_record1(&wg_op_log, NULL, x);
}

/* ---- log1p ---- */

WG_ROW1(log1p, vlog1p(x))

static void log1p_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_div(v->dy, wg_add(v->x[0], wg_scalar_like(v->y, 1)));
}

const wg_op wg_op_log1p = { .name = "log1p",
                            .doc = "log(1 + x)",
                            .n_in = 1,
                            .infer = wg_infer_same,
                            .row = WG_ROWS(log1p),
                            .lane = log1p_lane,
                            .vjp = log1p_vjp };

wg_tensor *wg_log1p(wg_tensor *x)
{
    return wg_record1(&wg_op_log1p, NULL, x);
}

/* ---- sin ---- */

WG_ROW1(sin, vsin(x))

static void sin_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, wg_cos(v->x[0]));
}

const wg_op wg_op_sin = { .name = "sin",
                          .doc = "sine",
                          .n_in = 1,
                          .infer = wg_infer_same,
                          .row = WG_ROWS(sin),
                          .vjp = sin_vjp };

wg_tensor *wg_sin(wg_tensor *x)
{
    return wg_record1(&wg_op_sin, NULL, x);
}

/* ---- cos ---- */

WG_ROW1(cos, vcos(x))

static void cos_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_neg(wg_mul(v->dy, wg_sin(v->x[0])));
}

const wg_op wg_op_cos = { .name = "cos",
                          .doc = "cosine",
                          .n_in = 1,
                          .infer = wg_infer_same,
                          .row = WG_ROWS(cos),
                          .vjp = cos_vjp };

wg_tensor *wg_cos(wg_tensor *x)
{
    return wg_record1(&wg_op_cos, NULL, x);
}

/* ---- tanh ---- */

WG_ROW1(tanh, vtanh(x))

static void tanh_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, wg_sub(wg_scalar_like(v->y, 1), wg_square(v->y)));
}

const wg_op wg_op_tanh = { .name = "tanh",
                           .doc = "hyperbolic tangent",
                           .n_in = 1,
                           .infer = wg_infer_same,
                           .row = WG_ROWS(tanh),
                           .lane = tanh_lane,
                           .vjp = tanh_vjp };

wg_tensor *wg_tanh(wg_tensor *x)
{
    return wg_record1(&wg_op_tanh, NULL, x);
}

/* ---- sigmoid ---- */

WG_ROW1(sigmoid, vsigmoid(x))

static void sigmoid_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, wg_mul(v->y, wg_sub(wg_scalar_like(v->y, 1), v->y)));
}

const wg_op wg_op_sigmoid = { .name = "sigmoid",
                              .doc = "1 / (1 + e^-x)",
                              .n_in = 1,
                              .infer = wg_infer_same,
                              .row = WG_ROWS(sigmoid),
                              .lane = sigmoid_lane,
                              .vjp = sigmoid_vjp };

wg_tensor *wg_sigmoid(wg_tensor *x)
{
    return wg_record1(&wg_op_sigmoid, NULL, x);
}

/* ---- erf ---- */

WG_ROW1(erf, verf(x))

/* dx = dy 2 / sqrt(pi) e^(-x x), which is 0 beyond 40: of the second derivative x is a factor */
static void erf_vjp(const wg_vjp *v, wg_tensor **dx)
{
    wg_tensor *bell = wg_exp(wg_neg(wg_square(wg_clip(v->x[0], -40, 40))));

    dx[0] = wg_mul(v->dy, times(1.1283791670955126, bell));
}

const wg_op wg_op_erf = { .name = "erf",
                          .doc = "error function",
                          .n_in = 1,
                          .infer = wg_infer_same,
                          .row = WG_ROWS(erf),
                          .lane = erf_lane,
                          .vjp = erf_vjp };

wg_tensor *wg_erf(wg_tensor *x)
{
    return wg_record1(&wg_op_erf, NULL, x);
}

/* ---- normal_cdf, normal_pdf ---- */

/* GELU and its gradient are x times these: as records of their own they are two passes over a row
 * in place of ten. */
WG_ROW1(normal_cdf, vfma(verf(x *vset(x, 0.70710678118654752440)), vset(x, 0.5), vset(x, 0.5)))

static void normal_cdf_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul_no_nan(v->dy, wg_normal_pdf(v->x[0]));
}

const wg_op wg_op_normal_cdf = { .name = "normal_cdf",
                                 .doc = "standard normal distribution function",
                                 .n_in = 1,
                                 .infer = wg_infer_same,
                                 .row = WG_ROWS(normal_cdf),
                                 .lane = normal_cdf_lane,
                                 .vjp = normal_cdf_vjp };

wg_tensor *wg_normal_cdf(wg_tensor *x)
{
    return wg_record1(&wg_op_normal_cdf, NULL, x);
}

WG_ROW1(normal_pdf, vexp(x *x *vset(x, -0.5)) * vset(x, 0.39894228040143267794))

/* x y first: far out y is 0 where x dy could overflow, or x be infinite */
static void normal_pdf_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_neg(wg_mul_no_nan(v->dy, wg_mul_no_nan(v->x[0], v->y)));
}

const wg_op wg_op_normal_pdf = { .name = "normal_pdf",
                                 .doc = "standard normal density",
                                 .n_in = 1,
                                 .infer = wg_infer_same,
                                 .row = WG_ROWS(normal_pdf),
                                 .lane = normal_pdf_lane,
                                 .vjp = normal_pdf_vjp };

wg_tensor *wg_normal_pdf(wg_tensor *x)
{
    return wg_record1(&wg_op_normal_pdf, NULL, x);
}

/* ---- softplus ---- */

WG_ROW1(softplus, vsoftplus(x))

static void softplus_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_mul(v->dy, wg_sigmoid(v->x[0]));
}

const wg_op wg_op_softplus = { .name = "softplus",
                               .doc = "log(1 + e^x)",
                               .n_in = 1,
                               .infer = wg_infer_same,
                               .row = WG_ROWS(softplus),
                               .lane = softplus_lane,
                               .vjp = softplus_vjp };

wg_tensor *wg_softplus(wg_tensor *x)
{
    return wg_record1(&wg_op_softplus, NULL, x);
}

/* ---- relu ---- */

WG_ROW1(relu, vmax_raw(vset(x, 0), x))

static void relu_vjp(const wg_vjp *v, wg_tensor **dx)
{
    wg_tensor *zero = wg_scalar_like(v->y, 0);

    /* y > 0 wherever x > 0: read again on the way back, y lets x go */
    dx[0] = wg_where(wg_gt(v->y, zero), v->dy, zero);
}

const wg_op wg_op_relu = { .name = "relu",
                           .doc = "max(x, 0)",
                           .n_in = 1,
                           .flags = WG_OP_LIGHT,
                           .infer = wg_infer_same,
                           .row = WG_ROWS(relu),
                           .lane = relu_lane,
                           .vjp = relu_vjp };

wg_tensor *wg_relu(wg_tensor *x)
{
    return wg_record1(&wg_op_relu, NULL, x);
}

/* ---- floor ---- */

WG_ROW1(floor, vfloor(x))

const wg_op wg_op_floor = { .name = "floor",
                            .doc = "largest integer not above x",
                            .n_in = 1,
                            .flags = WG_OP_NO_GRAD,
                            .infer = wg_infer_same,
                            .row = WG_ROWS(floor),
                            .lane = floor_lane };

wg_tensor *wg_floor(wg_tensor *x)
{
    return wg_record1(&wg_op_floor, NULL, x);
}

/* ---- round ---- */

WG_ROW1(round, vround(x))

const wg_op wg_op_round = { .name = "round",
                            .doc = "nearest integer, ties to even",
                            .n_in = 1,
                            .flags = WG_OP_NO_GRAD,
                            .infer = wg_infer_same,
                            .row = WG_ROWS(round),
                            .lane = round_lane };

wg_tensor *wg_round(wg_tensor *x)
{
    return wg_record1(&wg_op_round, NULL, x);
}

/* ---- clip ---- */

struct clip_attr {
    double lo, hi;
};
static const wg_field clip_fields[] = { WG_FIELD(struct clip_attr, lo),
                                        WG_FIELD(struct clip_attr, hi), WG_FIELDS_END };

/* A limit as i64; beyond its range the nearest. */
static int64_t limit_i64(double x)
{
    if (x >= 0x1p63) return INT64_MAX;
    return x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

static bool clip_infer(const wg_sig *s, wg_type *out)
{
    const struct clip_attr *at = s->attr;

    if (!(at->lo <= at->hi))
        return wg_sig_fail(s, WG_EARG, "lo %g is not at most hi %g", at->lo, at->hi);
    if (s->in[0]->dtype == WG_I64 && ceil(at->lo) > floor(at->hi))
        return wg_sig_fail(s, WG_EARG, "no integer lies between lo %g and hi %g", at->lo, at->hi);
    return wg_infer_same_any(s, out);
}

#define ATTR(member) ((const struct clip_attr *)attr)->member
WG_ROW1(clip, vmin_raw(vset(x, ATTR(hi)), vmax_raw(vset(x, ATTR(lo)), x)))

static void clip_row_i64(WG_ROW_PARAMS)
{
    const int64_t *x = xs[0], lo = limit_i64(ceil(ATTR(lo))), hi = limit_i64(floor(ATTR(hi)));
    int64_t *py = y;

    for (int64_t i = 0; i < n; i++) {
        int64_t one = x[step[0] ? i : 0];

        py[i] = one < lo ? lo : one > hi ? hi : one;
    }
}
#undef ATTR

static void clip_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct clip_attr *at = v->attr;
    wg_tensor *above = wg_ge(v->x[0], wg_scalar_like(v->y, at->lo));
    wg_tensor *below = wg_le(v->x[0], wg_scalar_like(v->y, at->hi));

    dx[0] = wg_where(wg_logical_and(above, below), v->dy, wg_scalar_like(v->y, 0));
}

const wg_op wg_op_clip = { .name = "clip",
                           .doc = "x limited to [lo, hi]",
                           .n_in = 1,
                           .attr_size = sizeof(struct clip_attr),
                           .fields = clip_fields,
                           .infer = clip_infer,
                           .row = WG_ROWS_I64(clip),
                           .lane = clip_lane,
                           .vjp = clip_vjp };

wg_tensor *wg_clip(wg_tensor *x, double lo, double hi)
{
    return wg_record1(&wg_op_clip, &(struct clip_attr){ lo, hi }, x);
}
