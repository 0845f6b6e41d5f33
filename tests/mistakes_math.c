/* mistakes_math.c: leaves, arithmetic, comparisons, reductions, products. */
#include "mistakes.h"

static const int64_t nine[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static const int nine_axes[9] = { 0, 0, 0, 0, 0, 0, 0, 0, 0 };

struct extreme {
    wg_axes axes;
    bool keepdims, smallest;
};

struct one_axes {
    wg_axes axes;
};

/* A record that only gradient rules record. */
static wg_tensor *record(const char *name, const void *attr, int n, wg_tensor *a, wg_tensor *b)
{
    wg_op_list ops = wg_std_ops();

    return wg_record(wg_op_find(&ops, name), attr, n, (wg_tensor *[]){ a, b });
}
#define record(...) wg_at(WG_SITE, record(__VA_ARGS__))

void leaves(void)
{
    MISTAKE(wg_input(g, "", WG_F32, WG_SHAPE(3)));
    REFUSED(WG_ENAME, "input: the name is empty");
    MISTAKE(wg_input(g, NULL, WG_F32, WG_SHAPE(3)));
    REFUSED(WG_EARG, "input: name is NULL");
    MISTAKE(wg_input(g, "x", WG_F32, WG_SHAPE(3, -1)));
    REFUSED(WG_EARG, "input: extent -1 of axis 1 of f32[3 x -1] is negative");
    MISTAKE(wg_input(g, "x", WG_F32, wg_shape_of(9, nine)));
    REFUSED(WG_EARG, "input: shape has a rank above 8");
    MISTAKE(wg_input(g, "x", (wg_dtype)7, WG_SHAPE(3)));
    REFUSED(WG_EARG, "input: dtype is no element type");
    MISTAKE(wg_input(g, "x", WG_F32, WG_SHAPE(INT64_C(1) << 40, INT64_C(1) << 40)));
    REFUSED(
        WG_ELIMIT,
        "input: the result f32[1099511627776 x 1099511627776] has more bytes than can be counted");
    MISTAKE(wg_input(g, "x", WG_F64, WG_SHAPE(INT64_C(1) << 61)));
    REFUSED(WG_ELIMIT,
            "input: the result f64[2305843009213693952] has more bytes than can be counted");
    MISTAKE((wg_input(g, "x", WG_F32, WG_SHAPE(3)), wg_input(g, "x", WG_F32, WG_SHAPE(3, 3))));
    REFUSED(WG_ENAME, "input: \"x\" is f32[3] already, asked for f32[3 x 3]");
    MISTAKE((wg_input(g, "x", WG_F32, WG_SHAPE(3)), wg_input(g, "x", WG_F64, WG_SHAPE(3))));
    REFUSED(WG_ENAME, "input: \"x\" is f32[3] already, asked for f64[3]");
    MISTAKE(wg_parameter(g, "", WG_F32, WG_SHAPE(3)));
    REFUSED(WG_ENAME, "parameter: the name is empty");
    MISTAKE((wg_parameter(g, "p", WG_F32, WG_SHAPE(3)), wg_parameter(g, "p", WG_F32, WG_SHAPE(4))));
    REFUSED(WG_ENAME, "parameter: \"p\" is f32[3] already, asked for f32[4]");
    MISTAKE(wg_constant(g, wg_array_of(WG_F32, WG_SHAPE(2), NULL)));
    REFUSED(WG_EARG, "constant: value has no elements");
    MISTAKE(wg_constant(g, wg_array_of(WG_F32, WG_SHAPE(2, -1), NULL)));
    REFUSED(WG_EARG, "constant: value has no legal type");
    MISTAKE(wg_scalar(g, WG_I64, 2.5));
    REFUSED(WG_EARG, "scalar: 2.5 is not a value of element type i64");
    MISTAKE(wg_scalar(g, WG_BOOL, 2));
    REFUSED(WG_EARG, "scalar: 2 is not a value of element type bool");
    MISTAKE(wg_scalar(g, WG_I64, NAN));
    REFUSED(WG_EARG, "scalar: nan is not a value of element type i64");
    MISTAKE(wg_scalar_like(I(3), 0.5));
    REFUSED(WG_EARG, "scalar: 0.5 is not a value of element type i64");
    MISTAKE(wg_full_like(M(3), 2));
    REFUSED(WG_EARG, "full_like: 2 is not a value of element type bool");
    MISTAKE(wg_arange(g, WG_F32, 0, 1, 0));
    REFUSED(WG_EARG, "arange: from 0 to 1 by 0: wanted finite numbers and a step other than 0");
    MISTAKE(wg_arange(g, WG_BOOL, 0, 2, 1));
    REFUSED(WG_EDTYPE, "arange: a range of bool: wanted f32, f64 or i64");
    MISTAKE(wg_arange(g, WG_I64, 0, 2, 0.5));
    REFUSED(WG_EARG, "arange: from 0 to 2 by 0.5: wanted whole numbers up to 2^53 for i64");
    MISTAKE(wg_arange(g, WG_F64, 0, 1e300, 1e-300));
    REFUSED(WG_ELIMIT, "arange: from 0 to 1e+300 by 1e-300: too many elements");
    MISTAKE(wg_arange_like(F(3, 4), 2));
    REFUSED(WG_EARG, "arange_like: axis 2 is out of range for rank 2: f32[3 x 4]");
    MISTAKE(wg_extent(F(3), -2));
    REFUSED(WG_EARG, "extent: axis -2 is out of range for rank 1: f32[3]");
    MISTAKE(wg_count(I(3), WG_ALL_AXES));
    REFUSED(WG_EDTYPE, "count: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_count(F(3), WG_AXES(1)));
    REFUSED(WG_EARG, "count: axis 1 is out of range for rank 1: f32[3]");
    MISTAKE(wg_uniform(g, "u", 1, 0, WG_F32, WG_SHAPE(2)));
    REFUSED(WG_EARG, "uniform: from 1 to 0: wanted finite bounds in order");
    MISTAKE(wg_uniform(g, "u", 0, 1, WG_I64, WG_SHAPE(2)));
    REFUSED(WG_EDTYPE, "uniform: operand 0 is i64[2], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_uniform_like(I(3), "u", 0, 1));
    REFUSED(WG_EDTYPE, "uniform: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_uniform(g, "u", 0, 1, WG_F32, WG_SHAPE(2, -1)));
    REFUSED(WG_EARG, "full: extent -1 of axis 1 of f32[2 x -1] is negative");
    MISTAKE(wg_normal(g, "n", 0, -1, WG_F32, WG_SHAPE(2)));
    REFUSED(WG_EARG,
            "normal: mean 0, standard deviation -1: wanted finite numbers, the second not below 0");
    MISTAKE(wg_normal_like(F(3), "", 0, 1));
    REFUSED(WG_ENAME, "normal: the draw's name is empty");
    MISTAKE(wg_bernoulli(g, "b", 1.5, WG_F32, WG_SHAPE(2)));
    REFUSED(WG_EARG, "bernoulli: probability 1.5, wanted one from 0 to 1");
    MISTAKE((wg_bernoulli(g, "b", 0.5, WG_F32, WG_SHAPE(2)),
             wg_bernoulli(g, "b", 0.5, WG_F32, WG_SHAPE(2))));
    REFUSED(WG_ENAME, "bernoulli: \"b\" is taken in this function: use another name or scope");
}

void arithmetic(void)
{
    MISTAKE(wg_add(F(7, 3), F(5, 3)));
    REFUSED(WG_ESHAPE, "add: cannot broadcast f32[7 x 3] with f32[5 x 3]");
    MISTAKE(wg_add(F(3), D(3)));
    REFUSED(WG_EDTYPE, "add: element types differ: f32[3] and f64[3]: convert one with wg_cast");
    MISTAKE(wg_add(M(3), M(3)));
    REFUSED(WG_EDTYPE, "add: not defined for bool[3]: convert operands with wg_cast");
    MISTAKE(wg_sub(F(2, 3), F(4)));
    REFUSED(WG_ESHAPE, "sub: cannot broadcast f32[2 x 3] with f32[4]");
    MISTAKE(wg_mul(F(3), I(3)));
    REFUSED(WG_EDTYPE, "mul: element types differ: f32[3] and i64[3]: convert one with wg_cast");
    MISTAKE(wg_mul(F(2, 1, 3), F(4, 2, 2)));
    REFUSED(WG_ESHAPE, "mul: cannot broadcast f32[2 x 1 x 3] with f32[4 x 2 x 2]");
    MISTAKE(wg_mul_no_nan(I(3), I(3)));
    REFUSED(WG_EDTYPE, "mul_no_nan: not defined for i64[3]: convert operands with wg_cast");
    MISTAKE(wg_div(M(2), M(2)));
    REFUSED(WG_EDTYPE, "div: not defined for bool[2]: convert operands with wg_cast");
    MISTAKE(wg_pow(I(3), I(3)));
    REFUSED(WG_EDTYPE, "pow: not defined for i64[3]: convert operands with wg_cast");
    MISTAKE(wg_maximum(F(2), F(3)));
    REFUSED(WG_ESHAPE, "maximum: cannot broadcast f32[2] with f32[3]");
    MISTAKE(wg_minimum(M(2), M(2)));
    REFUSED(WG_EDTYPE, "minimum: not defined for bool[2]: convert operands with wg_cast");
    MISTAKE(wg_neg(M(3)));
    REFUSED(WG_EDTYPE, "neg: not defined for bool[3]: convert operands with wg_cast");
    MISTAKE(wg_square(I(3)));
    REFUSED(WG_EDTYPE, "square: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_sqrt(I(3)));
    REFUSED(WG_EDTYPE, "sqrt: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_rsqrt(M(3)));
    REFUSED(WG_EDTYPE, "rsqrt: operand 0 is bool[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_reciprocal(I(3)));
    REFUSED(WG_EDTYPE,
            "reciprocal: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_abs(M(3)));
    REFUSED(WG_EDTYPE, "abs: not defined for bool[3]: convert operands with wg_cast");
    MISTAKE(wg_sign(M(3)));
    REFUSED(WG_EDTYPE, "sign: not defined for bool[3]: convert operands with wg_cast");
    MISTAKE(wg_exp(I(3)));
    REFUSED(WG_EDTYPE, "exp: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_expm1(I(3)));
    REFUSED(WG_EDTYPE, "expm1: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_log(I(3)));
    REFUSED(WG_EDTYPE, "log: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_log1p(I(3)));
    REFUSED(WG_EDTYPE, "log1p: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_sin(I(3)));
    REFUSED(WG_EDTYPE, "sin: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_cos(I(3)));
    REFUSED(WG_EDTYPE, "cos: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_tanh(M(2, 2)));
    REFUSED(WG_EDTYPE,
            "tanh: operand 0 is bool[2 x 2], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_sigmoid(I(3)));
    REFUSED(WG_EDTYPE, "sigmoid: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_erf(I(3)));
    REFUSED(WG_EDTYPE, "erf: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_normal_cdf(I(3)));
    REFUSED(WG_EDTYPE,
            "normal_cdf: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_normal_pdf(I(3)));
    REFUSED(WG_EDTYPE,
            "normal_pdf: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_softplus(I(3)));
    REFUSED(WG_EDTYPE, "softplus: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_relu(I(3)));
    REFUSED(WG_EDTYPE, "relu: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_floor(I(3)));
    REFUSED(WG_EDTYPE, "floor: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_round(I(3)));
    REFUSED(WG_EDTYPE, "round: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_clip(F(3), 1, 0));
    REFUSED(WG_EARG, "clip: lo 1 is not at most hi 0");
    MISTAKE(wg_clip(F(3), NAN, 1));
    REFUSED(WG_EARG, "clip: lo nan is not at most hi 1");
    MISTAKE(wg_clip(M(3), 0, 1));
    REFUSED(WG_EDTYPE, "clip: not defined for bool[3]: convert operands with wg_cast");
    MISTAKE(wg_add(F(INT64_C(1) << 31, 1), F(1, INT64_C(1) << 32)));
    REFUSED(WG_ELIMIT,
            "add: the result f32[2147483648 x 4294967296] has more bytes than can be counted");
}

void comparisons(void)
{
    MISTAKE(wg_eq(F(7, 3), F(5, 3)));
    REFUSED(WG_ESHAPE, "eq: cannot broadcast f32[7 x 3] with f32[5 x 3]");
    MISTAKE(wg_ne(F(3), I(3)));
    REFUSED(WG_EDTYPE, "ne: element types differ: f32[3] and i64[3]: convert one with wg_cast");
    MISTAKE(wg_lt(M(3), M(3)));
    REFUSED(WG_EDTYPE, "lt: not defined for bool[3]: convert operands with wg_cast");
    MISTAKE(wg_le(F(3), D(3)));
    REFUSED(WG_EDTYPE, "le: element types differ: f32[3] and f64[3]: convert one with wg_cast");
    MISTAKE(wg_gt(F(2), F(3)));
    REFUSED(WG_ESHAPE, "gt: cannot broadcast f32[2] with f32[3]");
    MISTAKE(wg_ge(M(1), M(1)));
    REFUSED(WG_EDTYPE, "ge: not defined for bool[1]: convert operands with wg_cast");
    MISTAKE(wg_logical_and(M(3), F(3)));
    REFUSED(WG_EDTYPE, "logical_and: operand 1 is f32[3], not bool: compare it or use wg_cast");
    MISTAKE(wg_logical_or(F(3), F(3)));
    REFUSED(WG_EDTYPE, "logical_or: operand 0 is f32[3], not bool: compare it or use wg_cast");
    MISTAKE(wg_logical_xor(M(2), M(3)));
    REFUSED(WG_ESHAPE, "logical_xor: cannot broadcast bool[2] with bool[3]");
    MISTAKE(wg_logical_not(F(3)));
    REFUSED(WG_EDTYPE, "logical_not: operand 0 is f32[3], not bool: compare it or use wg_cast");
    MISTAKE(wg_is_finite(I(3)));
    REFUSED(WG_EDTYPE,
            "is_finite: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_where(F(3), F(3), F(3)));
    REFUSED(WG_EDTYPE, "where: the condition is f32[3], not bool: compare it or use wg_cast");
    MISTAKE(wg_where(M(3), F(3), D(3)));
    REFUSED(WG_EDTYPE,
            "where: branches of two element types, f32[3] and f64[3]: convert one with wg_cast");
    MISTAKE(wg_where(M(2), F(3), F(3)));
    REFUSED(WG_ESHAPE, "where: cannot broadcast bool[2] with f32[3]");
    MISTAKE(wg_cast(F(3), (wg_dtype)9));
    REFUSED(WG_EARG, "cast: dtype is no element type");
    MISTAKE(wg_cast_like(F(3), NULL));
    REFUSED(WG_EARG, "cast_like: operand 1 is NULL");
}

void reductions(void)
{
    MISTAKE(wg_sum(F(2, 3), WG_AXES(2), false));
    REFUSED(WG_EARG, "sum: axis 2 is out of range for rank 2: f32[2 x 3]");
    MISTAKE(wg_sum(F(2, 3), WG_AXES(0, -2), false));
    REFUSED(WG_EARG, "sum: axis -2 is named twice");
    MISTAKE(wg_sum(F(2, 3), wg_axes_of(9, nine_axes), false));
    REFUSED(WG_EARG, "sum: axes holds more than 8 axes");
    MISTAKE(wg_sum(M(3), WG_ALL_AXES, false));
    REFUSED(WG_EDTYPE,
            "sum: operand 0 is bool[3], wanted f32, f64 or i64: convert it with wg_cast");
    MISTAKE(wg_mean(I(3), WG_ALL_AXES, false));
    REFUSED(WG_EDTYPE, "mean: operand 0 is i64, wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_mean(F(3), WG_AXES(1), false));
    REFUSED(WG_EARG, "sum: axis 1 is out of range for rank 1: f32[3]");
    MISTAKE(wg_prod(M(3), WG_ALL_AXES, false));
    REFUSED(WG_EDTYPE,
            "prod: operand 0 is bool[3], wanted f32, f64 or i64: convert it with wg_cast");
    MISTAKE(wg_max(F(0, 3), WG_AXES(0), false));
    REFUSED(WG_ESHAPE, "max: no element to choose from: f32[0 x 3]");
    MISTAKE(wg_max(F(2, 3), WG_AXES(1, 1), false));
    REFUSED(WG_EARG, "max: axis 1 is named twice");
    MISTAKE(wg_min(M(3), WG_ALL_AXES, true));
    REFUSED(WG_EDTYPE,
            "min: operand 0 is bool[3], wanted f32, f64 or i64: convert it with wg_cast");
    MISTAKE(wg_var(I(3), WG_ALL_AXES, 0, false));
    REFUSED(WG_EDTYPE, "var: operand 0 is i64, wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_logsumexp(I(3), WG_ALL_AXES, false));
    REFUSED(WG_EDTYPE,
            "logsumexp: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_norm(I(3), WG_ALL_AXES, false));
    REFUSED(WG_EDTYPE, "norm: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_argmax(F(2, 3), 2, false));
    REFUSED(WG_EARG, "argmax: axis 2 is out of range for rank 2: f32[2 x 3]");
    MISTAKE(wg_argmax(F(2, 0), 1, false));
    REFUSED(WG_ESHAPE, "argmax: no element to choose from: f32[2 x 0]");
    MISTAKE(wg_argmin(M(3), 0, false));
    REFUSED(WG_EDTYPE,
            "argmin: operand 0 is bool[3], wanted f32, f64 or i64: convert it with wg_cast");
    MISTAKE(wg_cumsum(F(2, 3), -3, false));
    REFUSED(WG_EARG, "cumsum: axis -3 is out of range for rank 2: f32[2 x 3]");
    MISTAKE(wg_softmax(F(2, 3), 2));
    REFUSED(WG_EARG, "softmax: axis 2 is out of range for rank 2: f32[2 x 3]");
    MISTAKE(wg_softmax(I(3), 0));
    REFUSED(WG_EDTYPE, "softmax: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_log_softmax(F(2, 3), -3));
    REFUSED(WG_EARG, "log_softmax: axis -3 is out of range for rank 2: f32[2 x 3]");
    MISTAKE(wg_sum_to_like(F(2, 3), F(2, 2)));
    REFUSED(WG_ESHAPE, "sum_to_like: f32[2 x 2] does not broadcast to f32[2 x 3]");
    MISTAKE(wg_broadcast_like(F(2, 3), F(3)));
    REFUSED(WG_ESHAPE, "broadcast_like: f32[2 x 3] does not broadcast to f32[3]");
    MISTAKE(wg_expand_like(F(2), F(2, 3), WG_AXES(0), false));
    REFUSED(WG_ESHAPE, "expand_like: f32[2] is not f32[2 x 3] reduced: wanted f32[3]");
    MISTAKE(wg_matmul(F(32, 784), F(783, 128)));
    REFUSED(WG_ESHAPE, "matmul: inner extents differ: f32[32 x 784] . f32[783 x 128]");
    MISTAKE(wg_matmul(F(3), F(3, 2)));
    REFUSED(WG_ESHAPE, "matmul: operand 0 is f32[3]: wanted a matrix (wg_unsqueeze adds an axis)");
    MISTAKE(wg_matmul(I(2, 2), I(2, 2)));
    REFUSED(WG_EDTYPE,
            "matmul: operand 0 is i64[2 x 2], wanted f32 or f64: convert it with wg_cast");
    MISTAKE(wg_matmul(F(2, 2), D(2, 2)));
    REFUSED(WG_EDTYPE,
            "matmul: element types differ: f32[2 x 2] and f64[2 x 2]: convert one with wg_cast");
    MISTAKE(wg_matmul(F(5, 2, 3), F(4, 3, 2)));
    REFUSED(WG_ESHAPE, "matmul: leading extents do not broadcast: f32[5 x 2 x 3] . f32[4 x 3 x 2]");
    MISTAKE(wg_matmul_t(F(2, 3), F(2, 3), true, true));
    REFUSED(WG_ESHAPE, "matmul: inner extents differ: f32[2 x 3] transposed . f32[2 x 3] "
                       "transposed; they agree without tb");
    MISTAKE(
        record("extreme_scatter", &(struct extreme){ WG_AXES(1), false, false }, 2, F(2), F(3, 3)));
    REFUSED(WG_ESHAPE, "extreme_scatter: f32[2] is not f32[3 x 3] reduced: wanted f32[3]");
    MISTAKE(
        record("extreme_pick", &(struct extreme){ WG_AXES(1), false, false }, 2, F(3, 2), F(3, 3)));
    REFUSED(WG_ESHAPE, "extreme_pick: types differ: f32[3 x 2] and f32[3 x 3]");
    MISTAKE(record("prod_others", &(struct one_axes){ WG_AXES(2) }, 1, F(2, 3), NULL));
    REFUSED(WG_EARG, "prod_others: axis 2 is out of range for rank 2: f32[2 x 3]");
}
