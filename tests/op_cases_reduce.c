/* op_cases_reduce.c: reductions, cumulative sums, softmax, broadcasting. */
#include "op_cases.h"

#include <math.h>

/* ---- lines: what a reduction does to the elements of one group ---- */

static double line_sum(const double *a, int64_t n)
{
    double s = 0;

    for (int64_t i = 0; i < n; i++) s += a[i];
    return s;
}

static double line_mean(const double *a, int64_t n)
{
    return line_sum(a, n) / (double)n;
}

static double line_prod(const double *a, int64_t n)
{
    double p = 1;

    for (int64_t i = 0; i < n; i++) p *= a[i];
    return p;
}

static double line_max(const double *a, int64_t n)
{
    double m = a[0];

    for (int64_t i = 1; i < n; i++) m = a[i] > m ? a[i] : m;
    return m;
}

static double line_min(const double *a, int64_t n)
{
    double m = a[0];

    for (int64_t i = 1; i < n; i++) m = a[i] < m ? a[i] : m;
    return m;
}

static double line_argmax(const double *a, int64_t n)
{
    int64_t k = 0;

    for (int64_t i = 1; i < n; i++) k = a[i] > a[k] ? i : k;
    return (double)k;
}

static double line_argmin(const double *a, int64_t n)
{
    int64_t k = 0;

    for (int64_t i = 1; i < n; i++) k = a[i] < a[k] ? i : k;
    return (double)k;
}

static double line_var(const double *a, int64_t n)
{
    double m = line_mean(a, n), s = 0;

    for (int64_t i = 0; i < n; i++) s += (a[i] - m) * (a[i] - m);
    return s / (double)n;
}

static double line_var1(const double *a, int64_t n)
{
    return line_var(a, n) * (double)n / (double)(n - 1);
}

static double line_logsumexp(const double *a, int64_t n)
{
    double s = 0;

    for (int64_t i = 0; i < n; i++) s += exp(a[i]);
    return log(s);
}

static double line_norm(const double *a, int64_t n)
{
    double s = 0;

    for (int64_t i = 0; i < n; i++) s += a[i] * a[i];
    return sqrt(s);
}

/* One case of a reduction: constructor with its axes, reference with the same as a bit set. */
#define FOLD(id, op, line, axes, set, keep)                                                        \
    BUILD(id, wg_##op(x[0], axes, keep))                                                           \
    static nd id##_ref(const nd *x)                                                                \
    {                                                                                              \
        return nd_fold(&x[0], set, keep, line);                                                    \
    }

FOLD(sum, sum, line_sum, WG_AXES(1), 2, false)
FOLD(sum_keep, sum, line_sum, WG_AXES(-1, 0), 5, true)
FOLD(sum_all, sum, line_sum, WG_ALL_AXES, 7, false)
FOLD(sum_none, sum, line_sum, WG_NO_AXES, 0, false)
FOLD(mean, mean, line_mean, WG_AXES(0, 2), 5, false)
FOLD(prod, prod, line_prod, WG_AXES(1), 2, false)
FOLD(prod_all, prod, line_prod, WG_ALL_AXES, 3, true)
FOLD(max, max, line_max, WG_AXES(1), 2, false)
FOLD(max_all, max, line_max, WG_ALL_AXES, 7, true)
FOLD(max_two, max, line_max, WG_AXES(0, 2), 5, false)
FOLD(min, min, line_min, WG_AXES(-1), 4, true)
BUILD(var1, wg_var(x[0], WG_AXES(0, 1), 1, false))
static nd var1_ref(const nd *x)
{
    return nd_fold(&x[0], 3, false, line_var1);
}
FOLD(logsumexp, logsumexp, line_logsumexp, WG_AXES(1), 2, false)
FOLD(logsumexp_all, logsumexp, line_logsumexp, WG_ALL_AXES, 3, true)
FOLD(norm, norm, line_norm, WG_AXES(1), 2, false)
FOLD(norm_all, norm, line_norm, WG_ALL_AXES, 3, true)

BUILD(var, wg_var(x[0], WG_AXES(1), 0, false))
static nd var_ref(const nd *x)
{
    return nd_fold(&x[0], 2, false, line_var);
}

BUILD(argmax, wg_argmax(x[0], 1, false))
static nd argmax_ref(const nd *x)
{
    return nd_fold(&x[0], 2, false, line_argmax);
}

BUILD(argmin, wg_argmin(x[0], 0, true))
static nd argmin_ref(const nd *x)
{
    return nd_fold(&x[0], 1, true, line_argmin);
}

/* ---- what the rules of max, min and prod record ---- */

/* The gradient of max(x1) for dy = x0: x0 put where the maxima lie. */
static wg_tensor *extreme_scatter_build(wg_graph *g, wg_tensor *const *x)
{
    wg_tensor *dx = NULL;

    (void)g;
    wg_vjp_of(wg_max(x[1], WG_AXES(1), false), x[0], 1, &x[1], &dx);
    return dx;
}
static nd extreme_scatter_ref(const nd *x)
{
    nd y = nd_new(2, x[1].dim), at = nd_fold(&x[1], 2, false, line_argmax);

    for (int64_t i = 0; i < y.dim[0]; i++) y.v[i * 3 + (int64_t)at.v[i]] = x[0].v[i];
    nd_free(&at);
    return y;
}

/* Its own adjoint: x0 read where the minima of x1 lie. */
static wg_tensor *extreme_pick_build(wg_graph *g, wg_tensor *const *x)
{
    wg_tensor *least = wg_min(x[1], WG_AXES(1), true), *dy = wg_full_like(least, 1), *dx = NULL,
              *u = NULL;

    (void)g;
    wg_vjp_of(least, dy, 1, &x[1], &dx);
    wg_vjp_of(dx, x[0], 1, &dy, &u);
    return u;
}
static nd extreme_pick_ref(const nd *x)
{
    nd y = nd_fold(&x[1], 2, true, line_argmin);

    for (int64_t i = 0; i < y.dim[0]; i++) y.v[i] = x[0].v[i * 3 + (int64_t)y.v[i]];
    return y;
}

/* The product of all elements of a row but one, and its derivatives along the further operands. */
static wg_tensor *others(int n, wg_tensor *const *x)
{
    struct {
        wg_axes axes;
    } attr = { WG_AXES(1) };
    wg_op_list ops = wg_std_ops();

    return wg_record(wg_op_find(&ops, "prod_others"), &attr, n, x);
}
BUILD(prod_others, others(1, x))
BUILD(prod_others_two, others(2, x))
BUILD(prod_others_three, others(3, x))
static nd prod_others_ref(const nd *x)
{
    nd y = nd_new(2, x[0].dim);

    for (int64_t e = 0; e < nd_count(&y); e++) {
        const double *row = x[0].v + e / 3 * 3;

        y.v[e] = row[(e + 1 - e / 3 * 3) % 3] * row[(e + 2 - e / 3 * 3) % 3];
    }
    return y;
}
/* of three elements a, b, c: at a the derivative of b c along d is d_b c + b d_c */
static nd bilinear_others(const nd *p, const nd *q)
{
    nd y = nd_new(2, p->dim);

    for (int64_t e = 0; e < nd_count(&y); e++) {
        int64_t row = e / 3 * 3, b = row + (e + 1 - row) % 3, c = row + (e + 2 - row) % 3;

        y.v[e] = p->v[b] * q->v[c] + q->v[b] * p->v[c];
    }
    return y;
}
static nd prod_others_two_ref(const nd *x)
{
    return bilinear_others(&x[0], &x[1]);
}
static nd prod_others_three_ref(const nd *x)
{
    return bilinear_others(&x[1], &x[2]);
}

/* ---- cumsum ---- */

static nd running(const nd *x, int axis, bool reverse)
{
    nd y = nd_new(x->rank, x->dim);
    int64_t inner = 1, n = x->dim[axis];

    for (int k = axis + 1; k < x->rank; k++) inner *= x->dim[k];
    for (int64_t e = 0; e < nd_count(x); e++) {
        int64_t i = e / inner % n;

        for (int64_t j = reverse ? i : 0; j <= (reverse ? n - 1 : i); j++)
            y.v[e] += x->v[e + (j - i) * inner];
    }
    return y;
}

BUILD(cumsum, wg_cumsum(x[0], 1, false))
BUILD(cumsum_reverse, wg_cumsum(x[0], -2, true))
static nd cumsum_ref(const nd *x)
{
    return running(&x[0], 1, false);
}
static nd cumsum_reverse_ref(const nd *x)
{
    return running(&x[0], 0, true);
}

/* ---- softmax ---- */

static nd softmax_along(const nd *x, int axis, bool logarithm)
{
    nd y = nd_new(x->rank, x->dim);
    int64_t inner = 1, n = x->dim[axis];

    for (int k = axis + 1; k < x->rank; k++) inner *= x->dim[k];
    for (int64_t e = 0; e < nd_count(x); e++) {
        int64_t first = e - e / inner % n * inner;
        double s = 0;

        for (int64_t j = 0; j < n; j++) s += exp(x->v[first + j * inner]);
        y.v[e] = logarithm ? x->v[e] - log(s) : exp(x->v[e]) / s;
    }
    return y;
}

BUILD(softmax, wg_softmax(x[0], -1))
BUILD(softmax_first, wg_softmax(x[0], 0))
BUILD(log_softmax, wg_log_softmax(x[0], 1))
BUILD(log_softmax_first, wg_log_softmax(x[0], 0))
static nd softmax_ref(const nd *x)
{
    return softmax_along(&x[0], 1, false);
}
static nd softmax_first_ref(const nd *x)
{
    return softmax_along(&x[0], 0, false);
}
static nd log_softmax_ref(const nd *x)
{
    return softmax_along(&x[0], 1, true);
}
static nd log_softmax_first_ref(const nd *x)
{
    return softmax_along(&x[0], 0, true);
}

/* ---- broadcasting and its adjoints ---- */

BUILD(sum_to_like, wg_sum_to_like(x[0], x[1]))
static nd sum_to_like_ref(const nd *x)
{
    return nd_fold(&x[0], 1, false, line_sum); /* [B, 3] to [3] */
}

BUILD(sum_to_like_column, wg_sum_to_like(x[0], x[1]))
static nd sum_to_like_column_ref(const nd *x)
{
    return nd_fold(&x[0], 2, true, line_sum); /* [B, 3] to [B, 1] */
}

BUILD(broadcast_like, wg_broadcast_like(x[0], x[1]))
static double first_of_two(const double *a)
{
    return a[0];
}
#define broadcast_like_map first_of_two

BUILD(expand_like, wg_expand_like(x[0], x[1], WG_AXES(1), false))
static nd expand_like_ref(const nd *x)
{
    nd y = nd_new(3, x[1].dim);

    for (int64_t i = 0; i < y.dim[0]; i++)
        for (int64_t j = 0; j < y.dim[1]; j++)
            for (int64_t k = 0; k < y.dim[2]; k++)
                y.v[(i * y.dim[1] + j) * y.dim[2] + k] = x[0].v[i * y.dim[2] + k];
    return y;
}

BUILD(expand_like_keep, wg_expand_like(x[0], x[1], WG_AXES(0, -1), true))
#define expand_like_keep_map first_of_two

static const op_case rows[] = {
    REF(sum, "", LINEAR, REAL(-2, 2, B, 2, 3)),
    REF_OF("sum keepdims", sum_keep, LINEAR, REAL(-2, 2, B, 2, 3)),
    REF_OF("sum all", sum_all, LINEAR, REAL(-2, 2, B, 2, 3)),
    REF_OF("sum none", sum_none, LINEAR, REAL(-2, 2, B, 3)),
    REF_OF("sum i64", sum, VALUE_ONLY, INT(-9, 9, B, 3)),
    REF(mean, "", LINEAR, REAL(-2, 2, B, 2, 3)),
    REF(prod, "", THIRD, SIGNED(0.5, 2, B, 3)),
    REF_OF("prod all", prod_all, 0, SIGNED(0.5, 1.5, B, 2)),
    REF(prod_others, "", THIRD, SIGNED(0.5, 2, B, 3)),
    REF_OF("prod_others two", prod_others_two, 0, SIGNED(0.5, 2, B, 3), REAL(-2, 2, B, 3)),
    REF_OF("prod_others three", prod_others_three, 0, SIGNED(0.5, 2, B, 3), REAL(-2, 2, B, 3),
           REAL(-2, 2, B, 3)),
    REF(extreme_scatter, "", LINEAR, REAL(-2, 2, B), GRID(-4, 4, B, 3)),
    REF(extreme_pick, "", LINEAR, REAL(-2, 2, B, 3), GRID(-4, 4, B, 3)),
    REF_OF("prod i64", prod, VALUE_ONLY, INT(-3, 3, B, 3)),
    REF(max, "", LINEAR, GRID(-4, 4, B, 3)),
    REF_OF("max all", max_all, LINEAR, GRID(-4, 4, B, 2, 3)),
    REF_OF("max two axes", max_two, LINEAR, GRID(-4, 4, B, 2, 3)),
    REF_OF("max i64", max, VALUE_ONLY, INT(-9, 9, B, 3)),
    REF(min, "", LINEAR, GRID(-4, 4, B, 2, 3)),
    REF(var, "", 0, REAL(-2, 2, B, 4)),
    REF_OF("var sample", var1, 0, REAL(-2, 2, B, 2, 3)),
    REF(logsumexp, "", THIRD, REAL(-2, 2, B, 3)),
    REF_OF("logsumexp all", logsumexp_all, 0, REAL(-2, 2, B, 3)),
    REF(norm, "", THIRD, SIGNED(0.5, 2, B, 3)),
    REF_OF("norm all", norm_all, 0, SIGNED(0.5, 2, B, 3)),
    REF(argmax, "", VALUE_ONLY, GRID(-4, 4, B, 3)),
    REF(argmin, "", VALUE_ONLY, GRID(-4, 4, B, 3)),
    REF(cumsum, "", LINEAR, REAL(-2, 2, B, 4)),
    REF_OF("cumsum reverse", cumsum_reverse, LINEAR, REAL(-2, 2, B, 3)),
    REF_OF("cumsum i64", cumsum, VALUE_ONLY, INT(-9, 9, B, 3)),
    REF(softmax, "", THIRD, REAL(-2, 2, B, 3)),
    REF_OF("softmax first", softmax_first, 0, REAL(-2, 2, B, 2)),
    REF(log_softmax, "", THIRD, REAL(-2, 2, B, 3)),
    REF_OF("log_softmax first", log_softmax_first, 0, REAL(-2, 2, B, 2)),
    REF(sum_to_like, "", LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, 3)),
    REF_OF("sum_to_like column", sum_to_like_column, LINEAR, REAL(-2, 2, B, 3), REAL(-2, 2, B, 1)),
    MAP(broadcast_like, "", LINEAR, REAL(-2, 2, 3), REAL(-2, 2, B, 3)),
    MAP_OF("broadcast_like column", broadcast_like, LINEAR, REAL(-2, 2, B, 1), REAL(-2, 2, B, 3)),
    REF(expand_like, "", LINEAR, REAL(-2, 2, B, 2), REAL(-2, 2, B, 3, 2)),
    MAP_OF("expand_like keepdims", expand_like_keep, LINEAR, REAL(-2, 2, 1, 2, 1),
           REAL(-2, 2, B, 2, 3)),
};
ROWS(op_cases_reduce);
