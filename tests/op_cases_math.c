/* op_cases_math.c: element-wise arithmetic, elementary functions, selection. */
#include "op_cases.h"

#include <math.h>

BUILD(add, wg_add(x[0], x[1]))
static double add_map(const double *a)
{
    return a[0] + a[1];
}

BUILD(sub, wg_sub(x[0], x[1]))
static double sub_map(const double *a)
{
    return a[0] - a[1];
}

BUILD(mul, wg_mul(x[0], x[1]))
static double mul_map(const double *a)
{
    return a[0] * a[1];
}

BUILD(mul_no_nan, wg_mul_no_nan(x[0], x[1]))
static double mul_no_nan_map(const double *a)
{
    return a[1] == 0 ? 0 : a[0] * a[1];
}

BUILD(div, wg_div(x[0], x[1]))
static double div_map(const double *a)
{
    return a[0] / a[1];
}

BUILD(pow, wg_pow(x[0], x[1]))
static double pow_map(const double *a)
{
    return pow(a[0], a[1]);
}

BUILD(maximum, wg_maximum(x[0], x[1]))
static double maximum_map(const double *a)
{
    return a[0] > a[1] ? a[0] : a[1];
}

BUILD(minimum, wg_minimum(x[0], x[1]))
static double minimum_map(const double *a)
{
    return a[0] < a[1] ? a[0] : a[1];
}

BUILD(neg, wg_neg(x[0]))
static double neg_map(const double *a)
{
    return -a[0];
}

BUILD(square, wg_square(x[0]))
static double square_map(const double *a)
{
    return a[0] * a[0];
}

BUILD(sqrt, wg_sqrt(x[0]))
static double sqrt_map(const double *a)
{
    return sqrt(a[0]);
}

BUILD(rsqrt, wg_rsqrt(x[0]))
static double rsqrt_map(const double *a)
{
    return 1 / sqrt(a[0]);
}

BUILD(reciprocal, wg_reciprocal(x[0]))
static double reciprocal_map(const double *a)
{
    return 1 / a[0];
}

BUILD(abs, wg_abs(x[0]))
static double abs_map(const double *a)
{
    return fabs(a[0]);
}

BUILD(sign, wg_sign(x[0]))
static double sign_map(const double *a)
{
    return a[0] > 0 ? 1 : a[0] < 0 ? -1 : 0;
}

BUILD(exp, wg_exp(x[0]))
static double exp_map(const double *a)
{
    return exp(a[0]);
}

BUILD(expm1, wg_expm1(x[0]))
static double expm1_map(const double *a)
{
    return expm1(a[0]);
}

BUILD(log, wg_log(x[0]))
static double log_map(const double *a)
{
    return log(a[0]);
}

BUILD(log1p, wg_log1p(x[0]))
static double log1p_map(const double *a)
{
    return log1p(a[0]);
}

BUILD(sin, wg_sin(x[0]))
static double sin_map(const double *a)
{
    return sin(a[0]);
}

BUILD(cos, wg_cos(x[0]))
static double cos_map(const double *a)
{
    return cos(a[0]);
}

BUILD(tanh, wg_tanh(x[0]))
static double tanh_map(const double *a)
{
    return tanh(a[0]);
}

BUILD(sigmoid, wg_sigmoid(x[0]))
static double sigmoid_map(const double *a)
{
    return 1 / (1 + exp(-a[0]));
}

BUILD(erf, wg_erf(x[0]))
static double erf_map(const double *a)
{
    return erf(a[0]);
}

BUILD(normal_cdf, wg_normal_cdf(x[0]))
static double normal_cdf_map(const double *a)
{
    return 0.5 * erfc(-a[0] / sqrt(2));
}

BUILD(normal_pdf, wg_normal_pdf(x[0]))
static double normal_pdf_map(const double *a)
{
    return exp(-0.5 * a[0] * a[0]) / sqrt(2 * acos(-1));
}

BUILD(softplus, wg_softplus(x[0]))
static double softplus_map(const double *a)
{
    return log1p(exp(a[0]));
}

BUILD(relu, wg_relu(x[0]))
static double relu_map(const double *a)
{
    return a[0] > 0 ? a[0] : 0;
}

BUILD(clip, wg_clip(x[0], -0.5, 0.75))
static double clip_map(const double *a)
{
    return fmin(fmax(a[0], -0.5), 0.75);
}

BUILD(floor, wg_floor(x[0]))
static double floor_map(const double *a)
{
    return floor(a[0]);
}

BUILD(round, wg_round(x[0]))
static double round_map(const double *a)
{
    return nearbyint(a[0]);
}

BUILD(where, wg_where(x[0], x[1], x[2]))
static double where_map(const double *a)
{
    return a[0] != 0 ? a[1] : a[2];
}

BUILD(cast, wg_cast(x[0], WG_F64))
static double cast_map(const double *a)
{
    return a[0];
}

BUILD(cast_int, wg_cast(x[0], WG_I64))
static double cast_int_map(const double *a)
{
    return trunc(a[0]);
}

BUILD(cast_like, wg_cast_like(x[0], x[1]))
static double cast_like_map(const double *a)
{
    return a[0];
}

static const op_case rows[] = {
    MAP(add, "", LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, B, 3)),
    MAP(add, " broadcast", LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, 3)),
    MAP(add, " rows columns", LINEAR, REAL(-2, 2, B, 1, 2), REAL(-2, 2, 3, 1)),
    MAP(add, " i64", VALUE_ONLY, INT(-9, 9, B, 3), INT(-9, 9, 3)),
    MAP(sub, "", LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, B, 3)),
    MAP(sub, " broadcast", LINEAR, REAL(-2, 2, 3), REAL(-2, 2, B, 3)),
    MAP(mul_no_nan, "", THIRD, REAL(-2, 2, B, 3), SIGNED(0.25, 2, B, 3)),
    MAP(mul_no_nan, " broadcast", 0, REAL(-2, 2, B, 3), SIGNED(0.25, 2, 1, 3)),
    MAP(mul, "", THIRD, REAL(-2, 2, B, 3), REAL(-2, 2, B, 3)),
    MAP(mul, " broadcast", 0, REAL(-2, 2, B, 3), REAL(-2, 2, 1, 3)),
    MAP(mul, " scalar", 0, REAL(-2, 2, B, 3), REAL(-2, 2, 0)),
    MAP(div, "", THIRD, REAL(-2, 2, B, 3), SIGNED(0.75, 2, B, 3)),
    MAP(div, " broadcast", 0, REAL(-2, 2, B, 1), SIGNED(0.75, 2, 3)),
    MAP(pow, "", THIRD, REAL(0.5, 2, B, 3), REAL(-2, 2, B, 3)),
    MAP(maximum, "", LINEAR, GRID(-4, 4, B, 3), GRID(-4, 4, B, 3)),
    MAP(maximum, " broadcast", LINEAR, GRID(-4, 4, B, 3), GRID(-4, 4, B, 1)),
    MAP(minimum, "", LINEAR, GRID(-4, 4, B, 3), GRID(-4, 4, B, 3)),
    MAP(neg, "", LINEAR, REAL(-2, 2, B, 3)),
    MAP(square, "", THIRD, REAL(-2, 2, B, 3)),
    MAP(sqrt, "", THIRD, REAL(0.5, 3, B, 3)),
    MAP(rsqrt, "", THIRD, REAL(0.5, 3, B, 3)),
    MAP(reciprocal, "", THIRD, SIGNED(0.75, 3, B, 3)),
    MAP(abs, "", LINEAR, SIGNED(0.125, 3, B, 3)),
    MAP(sign, "", LINEAR, SIGNED(0.125, 3, B, 3)),
    MAP(exp, "", THIRD, REAL(-2, 2, B, 3)),
    MAP(expm1, "", THIRD, REAL(-2, 2, B, 3)),
    MAP(log, "", THIRD, REAL(0.5, 3, B, 3)),
    MAP(log1p, "", THIRD, REAL(-0.5, 2, B, 3)),
    MAP(sin, "", THIRD, REAL(-3, 3, B, 3)),
    MAP(cos, "", THIRD, REAL(-3, 3, B, 3)),
    MAP(tanh, "", THIRD, REAL(-2, 2, B, 3)),
    MAP(sigmoid, "", THIRD, REAL(-3, 3, B, 3)),
    MAP(erf, "", THIRD, REAL(-2, 2, B, 3)),
    MAP(normal_cdf, "", THIRD, REAL(-3, 3, B, 3)),
    MAP(normal_pdf, "", THIRD, REAL(-3, 3, B, 3)),
    MAP(softplus, "", THIRD, REAL(-3, 3, B, 3)),
    MAP(relu, "", LINEAR, SIGNED(0.125, 3, B, 3)),
    MAP(clip, "", LINEAR, GRID(-4, 4, B, 3)),
    MAP(floor, "", LINEAR, GRID(-4, 4, B, 3)),
    MAP(round, "", LINEAR, GRID(-4, 4, B, 3)),
    MAP(neg, " i64", VALUE_ONLY, INT(-9, 9, B, 3)),
    MAP(abs, " i64", VALUE_ONLY, INT(-9, 9, B, 3)),
    MAP(sign, " i64", VALUE_ONLY, INT(-9, 9, B, 3)),
    MAP(where, "", LINEAR, MASK(B, 3), REAL(-2, 2, B, 3), REAL(-2, 2, B, 3)),
    MAP(where, " broadcast", LINEAR, MASK(3), REAL(-2, 2, B, 1), REAL(-2, 2, 0)),
    MAP(cast, "", LINEAR, REAL(-2, 2, B, 3)),
    MAP_OF("cast to i64", cast_int, VALUE_ONLY, GRID(-4, 4, B, 3)),
    MAP(cast, " from i64", VALUE_ONLY, INT(-9, 9, B, 3)),
    MAP(cast_like, "", LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, B, 1)),
    MAP(cast_like, " from i64", VALUE_ONLY, INT(-9, 9, B, 3), REAL(-2, 2, 1)),
};
ROWS(op_cases_math);
