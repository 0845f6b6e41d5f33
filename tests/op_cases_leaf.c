/* op_cases_leaf.c: leaves, fills and draws. Operand x0 lends the element type where a graph alone would not. */
#include "op_cases.h"

BUILD(input, x[0])
static double input_map(const double *a)
{
    return a[0];
}

BUILD(parameter, wg_mul(wg_parameter(g, "p", wg_dtype_of(x[0]), WG_SHAPE(2, 3)), x[0]))
static double parameter_map(const double *a)
{
    return 0.75 * a[0];
}

static wg_tensor *constant_build(wg_graph *g, wg_tensor *const *x)
{
    static const float f[] = { 0.5f, -1.25f, 3 };
    static const double d[] = { 0.5, -1.25, 3 };

    return wg_mul(x[0], wg_constant(g, wg_dtype_of(x[0]) == WG_F32 ? WG_F32_ARRAY(f, 3)
                                                                   : WG_F64_ARRAY(d, 3)));
}
static nd constant_ref(const nd *x)
{
    static const double v[] = { 0.5, -1.25, 3 };
    nd y = nd_new(2, x[0].dim);

    for (int64_t i = 0; i < nd_count(&y); i++) y.v[i] = x[0].v[i] * v[i % 3];
    return y;
}

BUILD(scalar, wg_mul(x[0], wg_scalar(g, wg_dtype_of(x[0]), 2.5)))
static double scalar_map(const double *a)
{
    return 2.5 * a[0];
}

BUILD(scalar_like, wg_add(x[0], wg_scalar_like(x[0], 2.5)))
static double scalar_like_map(const double *a)
{
    return a[0] + 2.5;
}

/* No constructor records it by itself: it lends draws of a fixed shape their type. */
static wg_tensor *full_build(wg_graph *g, wg_tensor *const *x)
{
    struct {
        double value;
        wg_shape shape;
        wg_dtype dtype;
    } attr = { 2.5, WG_SHAPE(1, 3), wg_dtype_of(x[0]) };
    wg_op_list ops = wg_std_ops();

    return wg_mul(x[0], wg_record_leaf(g, wg_op_find(&ops, "full"), &attr));
}
#define full_map scalar_map

BUILD(full_like, wg_mul(x[0], wg_full_like(x[1], -0.5)))
static double full_like_map(const double *a)
{
    return -0.5 * a[0];
}

BUILD(zeros_like, wg_add(x[0], wg_zeros_like(x[0])))
BUILD(ones_like, wg_mul(x[0], wg_ones_like(x[0])))
static double zeros_like_map(const double *a)
{
    return a[0];
}
#define ones_like_map zeros_like_map

BUILD(arange, wg_mul(x[0], wg_arange(g, wg_dtype_of(x[0]), 1, 2, 0.25)))
static nd arange_ref(const nd *x)
{
    nd y = nd_new(2, x[0].dim);

    for (int64_t i = 0; i < nd_count(&y); i++) y.v[i] = x[0].v[i] * (1 + 0.25 * (double)(i % 4));
    return y;
}

BUILD(arange_down, wg_arange(g, WG_I64, 5, -1, -2))
static nd arange_down_ref(const nd *x)
{
    nd y = nd_of(1, 3);

    (void)x;
    for (int i = 0; i < 3; i++) y.v[i] = 5 - 2 * i;
    return y;
}

BUILD(arange_like,
      wg_mul(x[0], wg_cast_like(wg_unsqueeze(wg_arange_like(x[0], 0), WG_AXES(1)), x[0])))
static nd arange_like_ref(const nd *x)
{
    nd y = nd_new(2, x[0].dim);

    for (int64_t i = 0; i < nd_count(&y); i++) y.v[i] = x[0].v[i] * (double)(i / y.dim[1]);
    return y;
}

BUILD(extent, wg_extent(x[0], -2))
static nd extent_ref(const nd *x)
{
    nd y = nd_of(0);

    y.v[0] = (double)x[0].dim[0];
    return y;
}

BUILD(count, wg_mul(x[0], wg_count(x[0], WG_AXES(0, 2))))
static nd count_ref(const nd *x)
{
    nd y = nd_new(3, x[0].dim);

    for (int64_t i = 0; i < nd_count(&y); i++) y.v[i] = x[0].v[i] * (double)(y.dim[0] * y.dim[2]);
    return y;
}

BUILD(uniform, wg_uniform(g, "u", -1, 1, wg_dtype_of(x[0]), WG_SHAPE(2, 3)))
BUILD(normal, wg_normal(g, "n", 0, 1, wg_dtype_of(x[0]), WG_SHAPE(2, 3)))
BUILD(bernoulli, wg_bernoulli(g, "b", 0.25, wg_dtype_of(x[0]), WG_SHAPE(2, 3)))
BUILD(uniform_like, wg_uniform_like(x[0], "u", -1, 1))
BUILD(normal_like, wg_normal_like(x[0], "n", 0, 1))
BUILD(bernoulli_like, wg_bernoulli_like(x[0], "b", 0.25))
static nd draw_ref(const nd *x)
{
    return nd_new(x[0].rank, x[0].dim);
}
#define uniform_ref        draw_ref
#define normal_ref         draw_ref
#define bernoulli_ref      draw_ref
#define uniform_like_ref   draw_ref
#define normal_like_ref    draw_ref
#define bernoulli_like_ref draw_ref

static const op_case rows[] = {
    MAP(input, "", LINEAR, REAL(-2, 2, B, 3)),
    MAP(parameter, "", LINEAR, REAL(-2, 2, 2, 3)),
    REF(constant, "", LINEAR, REAL(-2, 2, B, 3)),
    MAP(scalar, "", LINEAR, REAL(-2, 2, B, 3)),
    MAP(full, "", LINEAR, REAL(-2, 2, B, 3)),
    MAP_OF("scalar like", scalar_like, LINEAR, REAL(-2, 2, B, 3)),
    MAP(full_like, "", LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, B, 3)),
    MAP_OF("full_like zeros", zeros_like, LINEAR, REAL(-2, 2, B, 3)),
    MAP_OF("full_like ones", ones_like, LINEAR, REAL(-2, 2, B, 3)),
    REF(arange, "", LINEAR, REAL(-2, 2, B, 4)),
    REF_OF("arange down", arange_down, VALUE_ONLY, REAL(0, 1, 1)),
    REF(arange_like, "", LINEAR, REAL(-2, 2, B, 2)),
    REF(extent, "", VALUE_ONLY, REAL(-2, 2, B, 2)),
    REF(count, "", LINEAR, REAL(-2, 2, B, 2, 2)),
    REF(uniform, "", DRAWS, REAL(0, 1, 2, 3)),
    REF(normal, "", DRAWS, REAL(0, 1, 2, 3)),
    REF(bernoulli, "", DRAWS, REAL(0, 1, 2, 3)),
    REF_OF("uniform like", uniform_like, DRAWS, REAL(0, 1, B, 3)),
    REF_OF("normal like", normal_like, DRAWS, REAL(0, 1, B, 3)),
    REF_OF("bernoulli like", bernoulli_like, DRAWS, REAL(0, 1, B, 3)),
};
ROWS(op_cases_leaf);
