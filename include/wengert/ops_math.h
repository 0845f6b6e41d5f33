/* ops_math.h: element-wise arithmetic, elementary functions, comparisons, selection; broadcast as
 * numpy does. */
#ifndef WENGERT_OPS_MATH_H
#define WENGERT_OPS_MATH_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Operands broadcast as in numpy. Mixed element types are an error (WG_EDTYPE) that names
 * wg_cast. */

/** a + b, a - b, a b, a / b. f32, f64, i64 (wraps around; division truncates, by zero gives 0). */
WG_API wg_tensor *wg_add(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_sub(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_mul(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_div(wg_tensor *a, wg_tensor *b);

/** a b, and 0 where b is 0 whatever a: for a tail b that goes to 0 faster than a grows. Real. The
 * gradient with respect to b is that of a b. Source: TensorFlow, multiply_no_nan. */
WG_API wg_tensor *wg_mul_no_nan(wg_tensor *a, wg_tensor *b);

/** a to the power b, with C's special values: x^0 and 1^x are 1, a negative base wants an integer
 * exponent (else NaN). Real. The gradient with respect to b is 0 where a or the power is 0; with
 * respect to a, 0 where a and b are. */
WG_API wg_tensor *wg_pow(wg_tensor *a, wg_tensor *b);

/** The larger, the smaller of two; NaN if either is. f32, f64, i64. At ties the gradient goes to
 * a. */
WG_API wg_tensor *wg_maximum(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_minimum(wg_tensor *a, wg_tensor *b);

/** -x. f32, f64, i64. */
WG_API wg_tensor *wg_neg(wg_tensor *x);

/** x x. Real. */
WG_API wg_tensor *wg_square(wg_tensor *x);

/** Square root, 1 / square root, 1 / x. Real. */
WG_API wg_tensor *wg_sqrt(wg_tensor *x);
WG_API wg_tensor *wg_rsqrt(wg_tensor *x);
WG_API wg_tensor *wg_reciprocal(wg_tensor *x);

/** |x|, f32, f64, i64; gradient sign(x), which is 0 at 0. */
WG_API wg_tensor *wg_abs(wg_tensor *x);

/** -1, 0, 1 (NaN for NaN). f32, f64, i64. Gradient zero. */
WG_API wg_tensor *wg_sign(wg_tensor *x);

/** e^x, e^x - 1, log x, log(1 + x). Real; expm1 and log1p keep their accuracy near 0. */
WG_API wg_tensor *wg_exp(wg_tensor *x);
WG_API wg_tensor *wg_expm1(wg_tensor *x);
WG_API wg_tensor *wg_log(wg_tensor *x);
WG_API wg_tensor *wg_log1p(wg_tensor *x);

/** Sine, cosine, hyperbolic tangent. Real, radians. */
WG_API wg_tensor *wg_sin(wg_tensor *x);
WG_API wg_tensor *wg_cos(wg_tensor *x);
WG_API wg_tensor *wg_tanh(wg_tensor *x);

/** 1 / (1 + e^-x). Real. */
WG_API wg_tensor *wg_sigmoid(wg_tensor *x);

/** 2 / sqrt(pi) times the integral of e^(-t t) from 0 to x. Real. */
WG_API wg_tensor *wg_erf(wg_tensor *x);

/** Distribution function and density of the standard normal distribution: (1 + erf(x / sqrt 2)) / 2
 * and e^(-x x / 2) / sqrt(2 pi). Real. The former is exact to an ulp of 1, not of itself: below -5
 * it has few digits. */
WG_API wg_tensor *wg_normal_cdf(wg_tensor *x);
WG_API wg_tensor *wg_normal_pdf(wg_tensor *x);

/** log(1 + e^x) without overflow. Real. */
WG_API wg_tensor *wg_softplus(wg_tensor *x);

/** max(x, 0); NaN stays. Real. Gradient 0 at 0. */
WG_API wg_tensor *wg_relu(wg_tensor *x);

/** x limited to [lo, hi]; NaN stays. f32, f64, i64. The gradient passes where lo <= x <= hi.
 * WG_EARG unless lo <= hi, or when no integer lies between them and x is i64. */
WG_API wg_tensor *wg_clip(wg_tensor *x, double lo, double hi);

/** Largest integer not above x; nearest integer, ties to even. Real. Gradient zero. */
WG_API wg_tensor *wg_floor(wg_tensor *x);
WG_API wg_tensor *wg_round(wg_tensor *x);

/** Comparisons: bool result. f32, f64, i64, and for eq and ne bool. Any comparison with NaN is
 * false but ne. */
WG_API wg_tensor *wg_eq(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_ne(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_lt(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_le(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_gt(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_ge(wg_tensor *a, wg_tensor *b);

/** Logical and, or, exclusive or of bools. */
WG_API wg_tensor *wg_logical_and(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_logical_or(wg_tensor *a, wg_tensor *b);
WG_API wg_tensor *wg_logical_xor(wg_tensor *a, wg_tensor *b);

/** Logical negation of a bool. */
WG_API wg_tensor *wg_logical_not(wg_tensor *x);

/** Whether an element is finite. Real -> bool. */
WG_API wg_tensor *wg_is_finite(wg_tensor *x);

/** a where cond, else b: cond bool, a and b of one type; all broadcast. The gradient selects too,
 * so a value that is not finite in the branch not taken does not matter; what that branch
 * multiplies it by may. */
WG_API wg_tensor *wg_where(wg_tensor *cond, wg_tensor *a, wg_tensor *b);

/** x converted. Real to i64 truncates; NaN becomes 0, values out of range the nearest i64. To bool:
 * x != 0. The gradient is cast back when both are real, zero otherwise. */
WG_API wg_tensor *wg_cast(wg_tensor *x, wg_dtype dtype);

/** x converted to the element type of `like`, of which only the type is used. */
WG_API wg_tensor *wg_cast_like(wg_tensor *x, wg_tensor *like);

#ifndef WG_NO_SITES
#define wg_add(...)         wg_at(WG_SITE, wg_add(__VA_ARGS__))
#define wg_sub(...)         wg_at(WG_SITE, wg_sub(__VA_ARGS__))
#define wg_mul(...)         wg_at(WG_SITE, wg_mul(__VA_ARGS__))
#define wg_mul_no_nan(...)  wg_at(WG_SITE, wg_mul_no_nan(__VA_ARGS__))
#define wg_div(...)         wg_at(WG_SITE, wg_div(__VA_ARGS__))
#define wg_pow(...)         wg_at(WG_SITE, wg_pow(__VA_ARGS__))
#define wg_maximum(...)     wg_at(WG_SITE, wg_maximum(__VA_ARGS__))
#define wg_minimum(...)     wg_at(WG_SITE, wg_minimum(__VA_ARGS__))
#define wg_neg(...)         wg_at(WG_SITE, wg_neg(__VA_ARGS__))
#define wg_square(...)      wg_at(WG_SITE, wg_square(__VA_ARGS__))
#define wg_sqrt(...)        wg_at(WG_SITE, wg_sqrt(__VA_ARGS__))
#define wg_rsqrt(...)       wg_at(WG_SITE, wg_rsqrt(__VA_ARGS__))
#define wg_reciprocal(...)  wg_at(WG_SITE, wg_reciprocal(__VA_ARGS__))
#define wg_abs(...)         wg_at(WG_SITE, wg_abs(__VA_ARGS__))
#define wg_sign(...)        wg_at(WG_SITE, wg_sign(__VA_ARGS__))
#define wg_exp(...)         wg_at(WG_SITE, wg_exp(__VA_ARGS__))
#define wg_expm1(...)       wg_at(WG_SITE, wg_expm1(__VA_ARGS__))
#define wg_log(...)         wg_at(WG_SITE, wg_log(__VA_ARGS__))
#define wg_log1p(...)       wg_at(WG_SITE, wg_log1p(__VA_ARGS__))
#define wg_sin(...)         wg_at(WG_SITE, wg_sin(__VA_ARGS__))
#define wg_cos(...)         wg_at(WG_SITE, wg_cos(__VA_ARGS__))
#define wg_tanh(...)        wg_at(WG_SITE, wg_tanh(__VA_ARGS__))
#define wg_sigmoid(...)     wg_at(WG_SITE, wg_sigmoid(__VA_ARGS__))
#define wg_erf(...)         wg_at(WG_SITE, wg_erf(__VA_ARGS__))
#define wg_normal_cdf(...)  wg_at(WG_SITE, wg_normal_cdf(__VA_ARGS__))
#define wg_normal_pdf(...)  wg_at(WG_SITE, wg_normal_pdf(__VA_ARGS__))
#define wg_softplus(...)    wg_at(WG_SITE, wg_softplus(__VA_ARGS__))
#define wg_relu(...)        wg_at(WG_SITE, wg_relu(__VA_ARGS__))
#define wg_clip(...)        wg_at(WG_SITE, wg_clip(__VA_ARGS__))
#define wg_floor(...)       wg_at(WG_SITE, wg_floor(__VA_ARGS__))
#define wg_round(...)       wg_at(WG_SITE, wg_round(__VA_ARGS__))
#define wg_eq(...)          wg_at(WG_SITE, wg_eq(__VA_ARGS__))
#define wg_ne(...)          wg_at(WG_SITE, wg_ne(__VA_ARGS__))
#define wg_lt(...)          wg_at(WG_SITE, wg_lt(__VA_ARGS__))
#define wg_le(...)          wg_at(WG_SITE, wg_le(__VA_ARGS__))
#define wg_gt(...)          wg_at(WG_SITE, wg_gt(__VA_ARGS__))
#define wg_ge(...)          wg_at(WG_SITE, wg_ge(__VA_ARGS__))
#define wg_logical_and(...) wg_at(WG_SITE, wg_logical_and(__VA_ARGS__))
#define wg_logical_or(...)  wg_at(WG_SITE, wg_logical_or(__VA_ARGS__))
#define wg_logical_xor(...) wg_at(WG_SITE, wg_logical_xor(__VA_ARGS__))
#define wg_logical_not(...) wg_at(WG_SITE, wg_logical_not(__VA_ARGS__))
#define wg_is_finite(...)   wg_at(WG_SITE, wg_is_finite(__VA_ARGS__))
#define wg_where(...)       wg_at(WG_SITE, wg_where(__VA_ARGS__))
#define wg_cast(...)        wg_at(WG_SITE, wg_cast(__VA_ARGS__))
#define wg_cast_like(...)   wg_at(WG_SITE, wg_cast_like(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
