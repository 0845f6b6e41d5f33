/* op_cases_compare.c: comparisons and logic: bool results, no gradient. */
#include "op_cases.h"

BUILD(eq, wg_eq(x[0], x[1]))
static double eq_map(const double *a)
{
    return a[0] == a[1];
}

BUILD(ne, wg_ne(x[0], x[1]))
static double ne_map(const double *a)
{
    return a[0] != a[1];
}

BUILD(lt, wg_lt(x[0], x[1]))
static double lt_map(const double *a)
{
    return a[0] < a[1];
}

BUILD(le, wg_le(x[0], x[1]))
static double le_map(const double *a)
{
    return a[0] <= a[1];
}

BUILD(gt, wg_gt(x[0], x[1]))
static double gt_map(const double *a)
{
    return a[0] > a[1];
}

BUILD(ge, wg_ge(x[0], x[1]))
static double ge_map(const double *a)
{
    return a[0] >= a[1];
}

BUILD(logical_and, wg_logical_and(x[0], x[1]))
static double logical_and_map(const double *a)
{
    return a[0] != 0 && a[1] != 0;
}

BUILD(logical_or, wg_logical_or(x[0], x[1]))
static double logical_or_map(const double *a)
{
    return a[0] != 0 || a[1] != 0;
}

BUILD(logical_xor, wg_logical_xor(x[0], x[1]))
static double logical_xor_map(const double *a)
{
    return (a[0] != 0) != (a[1] != 0);
}

BUILD(logical_not, wg_logical_not(x[0]))
static double logical_not_map(const double *a)
{
    return a[0] == 0;
}

BUILD(is_finite, wg_is_finite(wg_log(x[0])))
static double is_finite_map(const double *a)
{
    return a[0] > 0;
}

static const op_case rows[] = {
    MAP(eq, "", VALUE_ONLY, INT(-2, 2, B, 3), INT(-2, 2, B, 3)),
    MAP(eq, " real", VALUE_ONLY, GRID(-1, 1, B, 3), GRID(-1, 1, 3)),
    MAP(ne, "", VALUE_ONLY, INT(-2, 2, B, 3), INT(-2, 2, B, 3)),
    MAP(ne, " real", VALUE_ONLY, GRID(-1, 1, B, 3), GRID(-1, 1, 3)),
    MAP(lt, "", VALUE_ONLY, INT(-2, 2, B, 3), INT(-2, 2, B, 3)),
    MAP(lt, " real", VALUE_ONLY, GRID(-1, 1, B, 3), GRID(-1, 1, 3)),
    MAP(le, "", VALUE_ONLY, INT(-2, 2, B, 3), INT(-2, 2, B, 3)),
    MAP(le, " real", VALUE_ONLY, GRID(-1, 1, B, 3), GRID(-1, 1, 3)),
    MAP(gt, "", VALUE_ONLY, INT(-2, 2, B, 3), INT(-2, 2, B, 3)),
    MAP(gt, " real", VALUE_ONLY, GRID(-1, 1, B, 3), GRID(-1, 1, 3)),
    MAP(ge, "", VALUE_ONLY, INT(-2, 2, B, 3), INT(-2, 2, B, 3)),
    MAP(ge, " real", VALUE_ONLY, GRID(-1, 1, B, 3), GRID(-1, 1, 3)),
    MAP(eq, " bool", VALUE_ONLY, MASK(B, 3), MASK(B, 3)),
    MAP(ne, " bool", VALUE_ONLY, MASK(B, 3), MASK(B, 3)),
    MAP(logical_and, "", VALUE_ONLY, MASK(B, 3), MASK(3)),
    MAP(logical_or, "", VALUE_ONLY, MASK(B, 3), MASK(3)),
    MAP(logical_xor, "", VALUE_ONLY, MASK(B, 3), MASK(3)),
    MAP(logical_not, "", VALUE_ONLY, MASK(B, 3)),
    MAP(is_finite, "", VALUE_ONLY, GRID(-2, 2, B, 3)),
};
ROWS(op_cases_compare);
