/*
 * test_reduce.c: values of reductions, softmax and their partners against plain loops in double, over every
 * set of axes, for all element types, processor levels and one and two threads. Kernels are called through
 * the records of recorded entries, so constructors and shape rules run too.
 */
#include <float.h>
#include <wengert.h>
#include <wengert/op.h>

#include "harness.h"

enum { MOST = 1 << 20 };

/* ---- running the kernel of one entry ---- */

static void *take(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);

    if (!p) abort();
    memset(p, 0xa5, (bytes + 127) / 64 * 64); /* what a kernel leaves out shows */
    return p;
}

/* The value of t for operand values x: new memory. NULL when the record has no kernel for it. */
static void *run(const wg_tensor *t, int level, int threads, const void *const *x, wg_error *error)
{
    const wg_op *op = wg_tensor_record(t);
    const wg_type *in[8], *ty = wg_tensor_type(t);
    wg_error none = { 0 };
    wg_sig s = { op, wg_tensor_attr(t), wg_tensor_n_in(t), in, &none };
    wg_call c = { op, s.attr, s.n_in, in, x, ty, NULL, NULL, threads, error ? error : &none };
    wg_dtype dtype;

    for (int i = 0; i < s.n_in; i++) in[i] = wg_tensor_type(wg_tensor_in(t, i));
    dtype = op->decides < 0 ? ty->dtype : in[op->decides]->dtype;
    while (level > 0 && !op->eval[dtype][level]) level--;
    if (!op->eval[dtype][level]) return NULL;
    c.y = take((size_t)wg_type_bytes(ty));
    c.scratch = take(op->scratch ? op->scratch(&s, ty, threads) : 0);
    op->eval[dtype][level](&c);
    free(c.scratch);
    return c.y;
}

/* ---- numbers ---- */

static uint64_t state = 1;

static double draw(double lo, double hi)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(state >> 11) * 0x1p-53;
}

static void *values(wg_dtype dtype, int64_t n, double lo, double hi)
{
    void *p = take((size_t)n * wg_dtype_size(dtype));

    for (int64_t i = 0; i < n; i++) {
        double v = draw(lo, hi);

        if (dtype == WG_F32) ((float *)p)[i] = (float)v;
        else if (dtype == WG_F64) ((double *)p)[i] = v;
        else ((int64_t *)p)[i] = (int64_t)floor(v * 8);
    }
    return p;
}

/* ---- the oracle: elements of each result, in row-major order ---- */

typedef struct {
    int64_t count, n;
    int64_t *at; /* [count][n]: element of x */
} parts;

static parts parts_of(wg_shape s, unsigned set)
{
    parts p = { 1, 1, NULL };
    int64_t total = wg_shape_count(&s), *filled;

    for (int i = 0; i < s.rank; i++) *(set >> i & 1 ? &p.n : &p.count) *= s.dim[i];
    p.at = take((size_t)total * sizeof *p.at);
    filled = take((size_t)p.count * sizeof *filled);
    for (int64_t k = 0; k < p.count; k++) filled[k] = 0;
    for (int64_t e = 0; e < total; e++) {
        int64_t rest = e, out = 0, scale = 1;

        for (int i = s.rank - 1; i >= 0; i--) {
            if (!(set >> i & 1)) {
                out += rest % s.dim[i] * scale;
                scale *= s.dim[i];
            }
            rest /= s.dim[i];
        }
        p.at[out * p.n + filled[out]++] = e;
    }
    free(filled);
    return p;
}

typedef double reduce_fn(int64_t n, const double *x);

static double ref_sum(int64_t n, const double *x)
{
    long double r = 0;

    for (int64_t i = 0; i < n; i++) r += x[i];
    return (double)r;
}

static double ref_prod(int64_t n, const double *x)
{
    long double r = 1;

    for (int64_t i = 0; i < n; i++) r *= x[i];
    return (double)r;
}

static double ref_argmax(int64_t n, const double *x)
{
    int64_t best = 0;

    for (int64_t i = 0; i < n; i++) {
        if (isnan(x[i])) return (double)i;
        if (x[i] > x[best]) best = i;
    }
    return (double)best;
}

static double ref_argmin(int64_t n, const double *x)
{
    int64_t best = 0;

    for (int64_t i = 0; i < n; i++) {
        if (isnan(x[i])) return (double)i;
        if (x[i] < x[best]) best = i;
    }
    return (double)best;
}

static double ref_max(int64_t n, const double *x) { return x[(int64_t)ref_argmax(n, x)]; }
static double ref_min(int64_t n, const double *x) { return x[(int64_t)ref_argmin(n, x)]; }

static double ref_norm(int64_t n, const double *x)
{
    long double r = 0;

    for (int64_t i = 0; i < n; i++) r += (long double)x[i] * x[i];
    return (double)sqrtl(r);
}

static double ref_logsumexp(int64_t n, const double *x)
{
    long double r = 0;

    for (int64_t i = 0; i < n; i++) r += expl(x[i]);
    return (double)logl(r);
}

/* ---- one reduction over every set of axes ---- */

typedef wg_tensor *constructor(wg_tensor *x, wg_axes axes, bool keepdims);

static double tolerance(wg_dtype dtype)
{
    return dtype == WG_F32 ? 2e-6 : dtype == WG_F64 ? 4e-15 : 0;
}

/* A product of n numbers is rounded n - 1 times, and every rounding stays. */
static double roundings(wg_dtype dtype, int64_t n)
{
    return dtype == WG_I64 ? 0 : (double)n * (dtype == WG_F32 ? FLT_EPSILON : DBL_EPSILON) / 2;
}

static wg_axes axes_of_set(unsigned set, int rank, bool from_end)
{
    wg_axes a = { 0, { 0 } };

    for (int i = rank - 1; i >= 0; i--)
        if (set >> i & 1) a.axis[a.n++] = from_end ? i - rank : i;
    return a;
}

static void compare(const wg_tensor *t, const void *const *x, const double *want, double rtol, double atol)
{
    int64_t n = wg_shape_count(&wg_tensor_type(t)->shape);
    size_t bytes = (size_t)wg_type_bytes(wg_tensor_type(t));

    for (int level = 0; level <= wg_level(); level++) {
        void *y = run(t, level, 1, x, NULL), *z = run(t, level, 2, x, NULL);

        harness_close(y, wg_tensor_type(t)->dtype, want, WG_F64, n, rtol, atol, wg_tensor_op(t), "plain loops", __FILE__,
                      __LINE__);
        SAME_BITS(y, z, bytes);
        free(y);
        free(z);
    }
}

static void every_axes(constructor *make, reduce_fn *ref, wg_shape shape, wg_dtype dtype, double lo, double hi,
                       double atol)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *in = wg_input(g, "x", dtype, shape);
    int64_t total = wg_shape_count(&shape);
    void *x = values(dtype, total, lo, hi);

    for (unsigned set = 0; set < 1u << shape.rank; set++) {
        parts p = parts_of(shape, set);
        double *want = take((size_t)p.count * sizeof *want), *line = take((size_t)p.n * sizeof *line);

        for (int64_t k = 0; k < p.count; k++) {
            for (int64_t i = 0; i < p.n; i++) line[i] = harness_number(x, dtype, p.at[k * p.n + i]);
            want[k] = ref(p.n, line);
        }
        for (int keep = 0; keep < 2; keep++) {
            wg_tensor *y = make(in, axes_of_set(set, shape.rank, keep), keep);
            const wg_shape *s = &wg_tensor_type(y)->shape;

            NO_ERROR(wg_graph_error(g));
            EQ_INT(s->rank, keep ? shape.rank : shape.rank - __builtin_popcount(set));
            for (int i = 0, j = 0; i < shape.rank; i++)
                if (keep || !(set >> i & 1)) EQ_INT(s->dim[j++], set >> i & 1 ? 1 : shape.dim[i]);
            compare(y, (const void *const[]){ x }, want, ref == ref_prod ? roundings(dtype, p.n) : tolerance(dtype),
                    atol);
        }
        free(p.at);
        free(want);
        free(line);
    }
    free(x);
    wg_graph_free(g);
}

/* extents of 1 that vanish, odd tails, and more rows and columns than one block or chunk */
static const wg_shape shapes[] = {
    { 4, { 2, 3, 4, 5 } }, { 4, { 3, 1, 2, 17 } }, { 4, { 1, 33, 2, 3 } }, { 4, { 2, 2, 1, 70 } }, { 0, { 0 } },
    { 3, { 2, 1300, 3 } }, { 2, { 700, 37 } }, { 2, { 5, 1111 } }, { 3, { 2, 520, 300 } }, { 1, { 5000 } },
};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static void sums(void)
{
    for (int i = 0; i < N_SHAPES; i++)
        for (wg_dtype d = WG_F32; d <= WG_I64; d++) every_axes(wg_sum, ref_sum, shapes[i], d, 0.5, 1.5, 0);
}

static void products(void)
{
    for (int i = 0; i < 5; i++)
        for (wg_dtype d = WG_F32; d <= WG_F64; d++) every_axes(wg_prod, ref_prod, shapes[i], d, 0.7, 1.3, 0);
    every_axes(wg_prod, ref_prod, WG_SHAPE(2, 1300, 3), WG_F64, 0.99, 1.01, 0);
    every_axes(wg_prod, ref_prod, WG_SHAPE(5, 1111), WG_F64, 0.99, 1.01, 0);
    every_axes(wg_prod, ref_prod, WG_SHAPE(2, 3, 2, 2), WG_I64, -0.5, 0.5, 0);
}

static void extremes(void)
{
    for (int i = 0; i < N_SHAPES; i++)
        for (wg_dtype d = WG_F32; d <= WG_I64; d++) {
            every_axes(wg_max, ref_max, shapes[i], d, -9, 9, 0);
            every_axes(wg_min, ref_min, shapes[i], d, -9, 9, 0);
        }
}

static void norms(void)
{
    for (int i = 0; i < N_SHAPES; i++)
        for (wg_dtype d = WG_F32; d <= WG_F64; d++) every_axes(wg_norm, ref_norm, shapes[i], d, -2, 2, 0);
}

static void logsumexps(void)
{
    for (int i = 0; i < N_SHAPES; i++)
        for (wg_dtype d = WG_F32; d <= WG_F64; d++)
            every_axes(wg_logsumexp, ref_logsumexp, shapes[i], d, -2, 2, tolerance(d));
}

/* ---- positions, ties, NaN ---- */

static wg_tensor *extreme_of(wg_tensor *x, int axis, bool smallest)
{
    return smallest ? wg_argmin(x, axis, false) : wg_argmax(x, axis, true);
}

/* Few distinct values, so that ties are the rule; every seventh shape position a NaN when `nans`. */
static void *tied(wg_dtype dtype, int64_t n, bool nans)
{
    void *p = values(dtype, n, 0, 3);

    for (int64_t i = 0; i < n; i++) {
        if (dtype == WG_F32) ((float *)p)[i] = nans && i % 7 == 3 ? NAN : floorf(((float *)p)[i]);
        else if (dtype == WG_F64) ((double *)p)[i] = nans && i % 7 == 3 ? NAN : floor(((double *)p)[i]);
        else ((int64_t *)p)[i] /= 8;
    }
    return p;
}

static void positions(void)
{
    for (int i = 0; i < N_SHAPES; i++) {
        for (wg_dtype d = WG_F32; d <= WG_I64; d++) {
            for (int nans = 0; nans < (d == WG_I64 ? 1 : 2); nans++) {
                wg_graph *g = wg_graph_new();
                wg_tensor *in = wg_input(g, "x", d, shapes[i]);
                void *x = tied(d, wg_shape_count(&shapes[i]), nans);

                for (int axis = 0; axis < shapes[i].rank; axis++) {
                    parts p = parts_of(shapes[i], 1u << axis);
                    double *most = take((size_t)p.count * sizeof *most), *least = take((size_t)p.count * sizeof *least);
                    double *line = take((size_t)p.n * sizeof *line);

                    for (int64_t k = 0; k < p.count; k++) {
                        for (int64_t j = 0; j < p.n; j++) line[j] = harness_number(x, d, p.at[k * p.n + j]);
                        most[k] = ref_argmax(p.n, line);
                        least[k] = ref_argmin(p.n, line);
                    }
                    compare(extreme_of(in, axis, false), (const void *const[]){ x }, most, 0, 0);
                    compare(extreme_of(in, axis - shapes[i].rank, true), (const void *const[]){ x }, least, 0, 0);
                    free(p.at);
                    free(most);
                    free(least);
                    free(line);
                }
                NO_ERROR(wg_graph_error(g));
                free(x);
                wg_graph_free(g);
            }
        }
    }
    CHECK(true);
}

/* The partners of max and min: to and from the first of equals in row-major order of the reduced set. */
static void partners(void)
{
    for (int i = 0; i < N_SHAPES; i++) {
        for (int smallest = 0; smallest < 2; smallest++) {
            wg_graph *g = wg_graph_new();
            wg_tensor *in = wg_input(g, "x", WG_F64, shapes[i]);
            int64_t total = wg_shape_count(&shapes[i]);
            double *x = tied(WG_F64, total, false), *u = values(WG_F64, total, -1, 1);

            for (unsigned set = 0; set < 1u << shapes[i].rank; set++) {
                parts p = parts_of(shapes[i], set);
                double *line = take((size_t)p.n * sizeof *line), *picked = take((size_t)p.count * sizeof *picked);
                double *put = take((size_t)total * sizeof *put);
                wg_axes axes = axes_of_set(set, shapes[i].rank, false);
                wg_tensor *dy = wg_max(in, axes, false);

                for (int64_t k = 0; k < total; k++) put[k] = 0;
                for (int64_t k = 0; k < p.count; k++) {
                    for (int64_t j = 0; j < p.n; j++) line[j] = x[p.at[k * p.n + j]];
                    int64_t at = p.at[k * p.n + (int64_t)(smallest ? ref_argmin : ref_argmax)(p.n, line)];

                    picked[k] = u[at];
                    put[at] = picked[k];
                }
                compare(wg_extreme_pick(in, in, axes, true, smallest), (const void *const[]){ u, x }, picked, 0, 0);
                compare(wg_extreme_scatter(dy, in, axes, false, smallest), (const void *const[]){ picked, x }, put, 0, 0);
                free(p.at);
                free(line);
                free(picked);
                free(put);
            }
            NO_ERROR(wg_graph_error(g));
            free(x);
            free(u);
            wg_graph_free(g);
        }
    }
}

/* ---- derivatives of products, by their definition ---- */

static double others(int64_t n, const double *x, int64_t j, const double *d, const double *e)
{
    double sum = 0;

    for (int64_t a = -1; a < n; a++) {
        for (int64_t b = -1; b < n; b++) {
            double part = 1;

            if ((d ? a < 0 : a >= 0) || (e ? b < 0 : b >= 0) || a == j || b == j || (a >= 0 && a == b)) continue;
            for (int64_t i = 0; i < n; i++)
                if (i != j) part *= i == a ? d[i] : i == b ? e[i] : x[i];
            sum += part;
        }
    }
    return sum;
}

static void products_but_one(void)
{
    const wg_shape shape = WG_SHAPE(2, 3, 2);
    double x[12], d[12], e[12], want[12], line[3][12];
    wg_graph *g = wg_graph_new();
    wg_tensor *in[3];

    for (int i = 0; i < 3; i++) in[i] = wg_input(g, (const char *[]){ "x", "d", "e" }[i], WG_F64, shape);
    for (int zeros = 0; zeros < 4; zeros++) {
        for (int i = 0; i < 12; i++) {
            x[i] = i < 3 * zeros && i % 2 == 0 ? 0 : draw(0.5, 2);
            d[i] = draw(-1, 1);
            e[i] = draw(-1, 1);
        }
        for (unsigned set = 0; set < 8; set++) {
            for (int n = 1; n <= 3; n++) {
                parts p = parts_of(shape, set);

                for (int64_t k = 0; k < p.count; k++) {
                    for (int64_t i = 0; i < p.n; i++) {
                        line[0][i] = x[p.at[k * p.n + i]];
                        line[1][i] = d[p.at[k * p.n + i]];
                        line[2][i] = e[p.at[k * p.n + i]];
                    }
                    for (int64_t i = 0; i < p.n; i++)
                        want[p.at[k * p.n + i]] = others(p.n, line[0], i, n > 1 ? line[1] : NULL, n > 2 ? line[2] : NULL);
                }
                compare(wg_prod_others(n, in, axes_of_set(set, 3, false)), (const void *const[]){ x, d, e }, want, 1e-13,
                        1e-13);
                free(p.at);
            }
        }
    }
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

/* ---- softmax ---- */

static void softmaxes(void)
{
    for (int i = 0; i < N_SHAPES; i++) {
        for (wg_dtype d = WG_F32; d <= WG_F64; d++) {
            wg_graph *g = wg_graph_new();
            wg_tensor *in = wg_input(g, "x", d, shapes[i]);
            int64_t total = wg_shape_count(&shapes[i]);
            void *x = values(d, total, -50, 900); /* e^900 overflows */

            for (int axis = 0; axis < shapes[i].rank; axis++) {
                parts p = parts_of(shapes[i], 1u << axis);
                double *want = take((size_t)total * sizeof *want), *logs = take((size_t)total * sizeof *logs);

                for (int64_t k = 0; k < p.count; k++) {
                    double top = -INFINITY, sum = 0;

                    for (int64_t j = 0; j < p.n; j++) top = fmax(top, harness_number(x, d, p.at[k * p.n + j]));
                    for (int64_t j = 0; j < p.n; j++) sum += exp(harness_number(x, d, p.at[k * p.n + j]) - top);
                    for (int64_t j = 0; j < p.n; j++) {
                        double a = harness_number(x, d, p.at[k * p.n + j]) - top;

                        want[p.at[k * p.n + j]] = exp(a) / sum;
                        logs[p.at[k * p.n + j]] = a - log(sum);
                    }
                }
                /* a difference of two f32 near 900 is off by up to 6e-5, e^ of it by that share */
                compare(wg_softmax(in, axis), (const void *const[]){ x }, want, d == WG_F32 ? 5e-6 : 1e-14, 1e-38);
                compare(wg_log_softmax(in, axis - shapes[i].rank), (const void *const[]){ x }, logs,
                        d == WG_F32 ? 5e-7 : 1e-15, d == WG_F32 ? 5e-7 : 1e-15);
                free(p.at);
                free(want);
                free(logs);
            }
            NO_ERROR(wg_graph_error(g));
            free(x);
            wg_graph_free(g);
        }
    }
    CHECK(true);
}

/* ---- running sums ---- */

static void running_sums(void)
{
    for (int i = 0; i < N_SHAPES; i++) {
        for (wg_dtype d = WG_F32; d <= WG_I64; d++) {
            wg_graph *g = wg_graph_new();
            wg_tensor *in = wg_input(g, "x", d, shapes[i]);
            int64_t total = wg_shape_count(&shapes[i]);
            void *x = values(d, total, 0.5, 1.5);

            for (int axis = 0; axis < shapes[i].rank; axis++) {
                parts p = parts_of(shapes[i], 1u << axis);
                double *want = take((size_t)total * sizeof *want);

                for (int reverse = 0; reverse < 2; reverse++) {
                    for (int64_t k = 0; k < p.count; k++) {
                        double sum = 0;

                        for (int64_t j = 0; j < p.n; j++) {
                            int64_t e = p.at[k * p.n + (reverse ? p.n - 1 - j : j)];

                            sum += harness_number(x, d, e);
                            want[e] = sum;
                        }
                    }
                    compare(wg_cumsum(in, axis, reverse), (const void *const[]){ x }, want,
                            d == WG_F32 ? 3e-5 : 1e-13, 0);
                }
                free(p.at);
                free(want);
            }
            NO_ERROR(wg_graph_error(g));
            free(x);
            wg_graph_free(g);
        }
    }
    CHECK(true);
}

/* ---- repeating and its adjoint ---- */

static void broadcasts(void)
{
    const wg_shape shape = WG_SHAPE(2, 3, 4, 5);

    for (unsigned set = 0; set < 16; set++) {
        for (int drop = 0; drop < 2; drop++) {
            wg_graph *g = wg_graph_new();
            parts p = parts_of(shape, set);
            wg_shape small = shape;
            double *x = values(WG_F64, 120, -1, 1), *sum = take(120 * sizeof *sum), want[120];
            wg_tensor *big = wg_input(g, "x", WG_F64, shape), *like;
            int lead = 0;

            for (int i = 0; i < 4; i++)
                if (set >> i & 1) small.dim[i] = 1;
            while (drop && lead < 4 && set >> lead & 1) lead++;
            small = wg_shape_of(4 - lead, small.dim + lead);
            like = wg_input(g, "like", WG_F64, small);
            for (int64_t k = 0; k < p.count; k++) {
                sum[k] = 0;
                for (int64_t i = 0; i < p.n; i++) sum[k] += x[p.at[k * p.n + i]];
            }
            for (int64_t k = 0; k < p.count; k++)
                for (int64_t i = 0; i < p.n; i++) want[p.at[k * p.n + i]] = sum[k];
            compare(wg_sum_to_like(big, like), (const void *const[]){ x, NULL }, sum, 1e-14, 1e-14);
            compare(wg_broadcast_like(like, big), (const void *const[]){ sum, NULL }, want, 0, 0);
            for (int keep = 0; keep < 2; keep++) {
                wg_axes axes = axes_of_set(set, 4, keep);

                compare(wg_expand_like(wg_sum(big, axes, keep), big, axes, keep), (const void *const[]){ sum, NULL }, want,
                        0, 0);
            }
            NO_ERROR(wg_graph_error(g));
            free(p.at);
            free(x);
            free(sum);
            wg_graph_free(g);
        }
    }
}

/* ---- the one order of sums ---- */

/* Rows, columns, levels and threads: the same bits. */
static void one_order(void)
{
    static const int64_t extents[][2] = { { 3, 5 }, { 17, 16 }, { 1025, 33 }, { 2600, 70 }, { 100000, 3 }, { 3, 100000 } };

    for (int e = 0; e < 6; e++) {
        int64_t rows = extents[e][0], cols = extents[e][1];
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(rows, cols));
        wg_tensor *xt = wg_input(g, "xt", WG_F32, WG_SHAPE(cols, rows));
        wg_tensor *down = wg_sum(x, WG_AXES(0), false), *along = wg_sum(xt, WG_AXES(1), false);
        float *v = values(WG_F32, rows * cols, -1, 1), *t = take((size_t)(rows * cols) * sizeof *t);
        float *first = NULL;

        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++) t[j * rows + i] = v[i * cols + j];
        for (int level = 0; level <= wg_level(); level++) {
            for (int threads = 1; threads <= 3; threads++) {
                float *a = run(down, level, threads, (const void *const[]){ v }, NULL);
                float *b = run(along, level, threads, (const void *const[]){ t }, NULL);

                if (!first) first = a;
                SAME_BITS(a, first, (size_t)cols * sizeof *a);
                SAME_BITS(b, first, (size_t)cols * sizeof *b);
                if (a != first) free(a);
                free(b);
            }
        }
        free(first);
        free(v);
        free(t);
        wg_graph_free(g);
    }
}

/* A softmax down the columns is that of the transposed along its rows, to the bit. */
static void softmax_of_columns(void)
{
    static const int64_t extents[][2] = { { 3, 5 }, { 17, 130 }, { 1025, 33 }, { 1600, 3 } };

    for (int e = 0; e < 4; e++) {
        int64_t rows = extents[e][0], cols = extents[e][1];
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(rows, cols)), *xt = wg_input(g, "xt", WG_F32, WG_SHAPE(cols, rows));
        float *v = values(WG_F32, rows * cols, -9, 9), *t = take((size_t)(rows * cols) * sizeof *t);
        float *back = take((size_t)(rows * cols) * sizeof *back);

        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++) t[j * rows + i] = v[i * cols + j];
        for (int level = 0; level <= wg_level(); level++) {
            for (int logs = 0; logs < 2; logs++) {
                wg_tensor *down = logs ? wg_log_softmax(x, 0) : wg_softmax(x, 0);
                wg_tensor *along = logs ? wg_log_softmax(xt, 1) : wg_softmax(xt, 1);
                float *a = run(down, level, 2, (const void *const[]){ v }, NULL);
                float *b = run(along, level, 2, (const void *const[]){ t }, NULL);

                for (int64_t i = 0; i < rows; i++)
                    for (int64_t j = 0; j < cols; j++) back[i * cols + j] = b[j * rows + i];
                SAME_BITS(a, back, (size_t)(rows * cols) * sizeof *a);
                free(a);
                free(b);
            }
        }
        free(v);
        free(t);
        free(back);
        wg_graph_free(g);
    }
}

/* ---- special values ---- */

static double one(wg_tensor *t, const void *x, int level)
{
    void *y = run(t, level, 1, (const void *const[]){ x }, NULL);
    double r = harness_number(y, wg_tensor_type(t)->dtype, 0);

    free(y);
    return r;
}

static void special_values(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(40)), *d = wg_input(g, "d", WG_F64, WG_SHAPE(40));
    float none[40], big[40], tiny[40], nan[40];
    double huge[40], small[40], zero[40] = { 0 };

    for (int i = 0; i < 40; i++) {
        none[i] = -INFINITY;
        big[i] = 1e38f;
        tiny[i] = 1e-44f;
        nan[i] = i == 33 ? NAN : (float)i;
        huge[i] = 1e300;
        small[i] = 1e-310;
    }
    for (int level = 0; level <= wg_level(); level++) {
        CHECK(one(wg_logsumexp(x, WG_ALL_AXES, false), none, level) == -INFINITY);
        none[7] = INFINITY;
        CHECK(one(wg_logsumexp(x, WG_ALL_AXES, false), none, level) == INFINITY);
        none[7] = -INFINITY;
        CLOSE1(one(wg_logsumexp(x, WG_ALL_AXES, false), big, level), (double)1e38f, 1e-6, 0);
        CHECK(isnan(one(wg_logsumexp(x, WG_ALL_AXES, false), nan, level)));
        CLOSE1(one(wg_norm(d, WG_ALL_AXES, false), huge, level), sqrt(40) * 1e300, 1e-15, 0);
        CLOSE1(one(wg_norm(d, WG_ALL_AXES, false), small, level), sqrt(40) * 1e-310, 1e-13, 0);
        CHECK(one(wg_norm(d, WG_ALL_AXES, false), zero, level) == 0);
        CLOSE1(one(wg_norm(x, WG_ALL_AXES, false), tiny, level), sqrt(40) * (double)1e-44f, 0.02, 0);
        CHECK(one(wg_norm(x, WG_ALL_AXES, false), big, level) == INFINITY);
        big[20] = INFINITY;
        CHECK(one(wg_norm(x, WG_ALL_AXES, false), big, level) == INFINITY);
        big[20] = 1e38f;
        CHECK(isnan(one(wg_norm(x, WG_ALL_AXES, false), nan, level)));
        CHECK(isnan(one(wg_max(x, WG_ALL_AXES, false), nan, level)));
        CHECK(isnan(one(wg_min(x, WG_ALL_AXES, false), nan, level)));
        CHECK(isnan(one(wg_sum(x, WG_ALL_AXES, false), nan, level)));
        EQ_INT(one(wg_argmax(x, 0, false), nan, level), 33);
        EQ_INT(one(wg_argmin(x, 0, false), nan, level), 33);
        CHECK(one(wg_max(x, WG_ALL_AXES, false), none, level) == -INFINITY);
        EQ_INT(one(wg_argmax(x, 0, false), none, level), 0);
        /* one -inf among numbers gets no share; all of them have no softmax */
        big[3] = -INFINITY;
        CHECK(one(wg_softmax(x, 0), big, level) > 0);
        CHECK(one(wg_softmax(x, 0), none, level) != one(wg_softmax(x, 0), none, level));
        big[3] = 1e38f;
    }
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

static void integers_wrap(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_I64, WG_SHAPE(2, 2));
    int64_t v[4] = { INT64_MAX, 1, 3, INT64_MAX }, *y;
    const void *in[] = { v };

    y = run(wg_sum(x, WG_AXES(1), false), 0, 1, in, NULL);
    CHECK(y[0] == INT64_MIN && y[1] == INT64_MIN + 2);
    free(y);
    y = run(wg_cumsum(x, 1, true), 0, 1, in, NULL);
    CHECK(y[0] == INT64_MIN && y[1] == 1 && y[2] == INT64_MIN + 2);
    free(y);
    y = run(wg_prod(x, WG_AXES(0), false), 0, 1, in, NULL);
    CHECK(y[0] == INT64_MAX - 2 && y[1] == INT64_MAX); /* (2^63 - 1) 3 = 2^63 - 3 modulo 2^64 */
    free(y);
    wg_graph_free(g);
}

/* Sums and products over nothing, and results without elements. */
static void empty(void)
{
    static const wg_shape nothing[] = { { 2, { 0, 3 } }, { 2, { 3, 0 } }, { 3, { 2, 0, 3 } }, { 1, { 0 } }, { 2, { 0, 0 } } };

    for (int i = 0; i < 5; i++) {
        for (wg_dtype d = WG_F32; d <= WG_I64; d++) {
            every_axes(wg_sum, ref_sum, nothing[i], d, 0, 1, 0);
            every_axes(wg_prod, ref_prod, nothing[i], d, 0, 1, 0);
        }
        every_axes(wg_norm, ref_norm, nothing[i], WG_F64, 0, 1, 0);
        every_axes(wg_logsumexp, ref_logsumexp, nothing[i], WG_F64, 0, 1, 0);
    }
    for (int i = 0; i < 5; i++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F32, nothing[i]);
        double none = 0;

        compare(wg_softmax(x, 0), (const void *const[]){ &none }, &none, 0, 0);
        compare(wg_softmax(x, -1), (const void *const[]){ &none }, &none, 0, 0);
        compare(wg_cumsum(x, 0, true), (const void *const[]){ &none }, &none, 0, 0);
        compare(wg_prod_others(1, &x, WG_ALL_AXES), (const void *const[]){ &none }, &none, 0, 0);
        wg_graph_free(g);
    }
}

/* ---- errors ---- */

static wg_graph *wrong(wg_dtype dtype, wg_shape shape, wg_tensor **x)
{
    wg_graph *g = wg_graph_new();

    *x = wg_input(g, "x", dtype, shape);
    return g;
}

#define REFUSED(dtype, shape, call, code, message)                                                 \
    do {                                                                                           \
        wg_tensor *x;                                                                              \
        wg_graph *g = wrong(dtype, shape, &x);                                                     \
        const char *here = harness_site((char[64]){ 0 }, __FILE__, __LINE__);                      \
                                                                                                   \
        call;                                                                                      \
        ERROR_IS(wg_graph_error(g), code, message, here);                                          \
        wg_graph_free(g);                                                                          \
    } while (0)

static void errors(void)
{
    REFUSED(WG_BOOL, WG_SHAPE(3), wg_sum(x, WG_ALL_AXES, false), WG_EDTYPE,
            "sum: operand 0 is bool[3], wanted f32, f64 or i64: convert it with wg_cast");
    REFUSED(WG_I64, WG_SHAPE(3), wg_norm(x, WG_ALL_AXES, false), WG_EDTYPE,
            "norm: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    REFUSED(WG_I64, WG_SHAPE(3), wg_softmax(x, 0), WG_EDTYPE,
            "softmax: operand 0 is i64[3], wanted f32 or f64: convert it with wg_cast");
    REFUSED(WG_I64, WG_SHAPE(3), wg_mean(x, WG_ALL_AXES, false), WG_EDTYPE,
            "mean: operand 0 is i64, wanted f32 or f64: convert it with wg_cast");
    REFUSED(WG_I64, WG_SHAPE(3), wg_var(x, WG_ALL_AXES, 0, false), WG_EDTYPE,
            "var: operand 0 is i64, wanted f32 or f64: convert it with wg_cast");
    REFUSED(WG_F32, WG_SHAPE(2, 3), wg_sum(x, WG_AXES(2), false), WG_EARG,
            "sum: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(WG_F32, WG_SHAPE(2, 3), wg_prod(x, WG_AXES(-3), false), WG_EARG,
            "prod: axis -3 is out of range for rank 2: f32[2 x 3]");
    REFUSED(WG_F32, WG_SHAPE(2, 3), wg_max(x, WG_AXES(1, -1), false), WG_EARG, "max: axis -1 is named twice");
    REFUSED(WG_F32, WG_SHAPE(2, 0), wg_max(x, WG_AXES(1), false), WG_ESHAPE, "max: no element to choose from: f32[2 x 0]");
    REFUSED(WG_F32, WG_SHAPE(2, 0), wg_min(x, WG_ALL_AXES, true), WG_ESHAPE, "min: no element to choose from: f32[2 x 0]");
    REFUSED(WG_F32, WG_SHAPE(2, 0), wg_argmax(x, 1, true), WG_ESHAPE, "argmax: no element to choose from: f32[2 x 0]");
    REFUSED(WG_F32, WG_SHAPE(2, 3), wg_argmin(x, 2, true), WG_EARG,
            "argmin: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(WG_F32, WG_SHAPE(2, 3), wg_cumsum(x, 2, true), WG_EARG,
            "cumsum: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(WG_F32, WG_SHAPE(2, 3), wg_log_softmax(x, 5), WG_EARG,
            "log_softmax: axis 5 is out of range for rank 2: f32[2 x 3]");
    REFUSED(WG_F32, WG_SHAPE(5, 3), wg_sum_to_like(x, wg_input(g, "y", WG_F32, WG_SHAPE(2, 3))), WG_ESHAPE,
            "sum_to_like: f32[2 x 3] does not broadcast to f32[5 x 3]");
    REFUSED(WG_F32, WG_SHAPE(5, 3), wg_broadcast_like(x, wg_input(g, "y", WG_F32, WG_SHAPE(3))), WG_ESHAPE,
            "broadcast_like: f32[5 x 3] does not broadcast to f32[3]");
    REFUSED(WG_F32, WG_SHAPE(5), wg_expand_like(x, wg_input(g, "y", WG_F32, WG_SHAPE(5, 4)), WG_AXES(0), false), WG_ESHAPE,
            "expand_like: f32[5] is not f32[5 x 4] reduced: wanted f32[4]");
    REFUSED(WG_F32, WG_SHAPE(5), wg_extreme_scatter(x, x, WG_AXES(0), false, false), WG_ESHAPE,
            "extreme_scatter: f32[5] is not f32[5] reduced: wanted f32[]");
    REFUSED(WG_F32, WG_SHAPE(5), wg_extreme_pick(x, wg_input(g, "y", WG_F32, WG_SHAPE(4)), WG_AXES(0), false, false),
            WG_ESHAPE, "extreme_pick: types differ: f32[5] and f32[4]");
    REFUSED(WG_F32, WG_SHAPE(5), wg_prod_others(7, (wg_tensor *[]){ x, x, x, x, x, x, x }, WG_ALL_AXES), WG_ELIMIT,
            "prod_others: a product can be differentiated 6 times at most");
}

TESTS(TEST(sums), TEST(products), TEST(extremes), TEST(norms), TEST(logsumexps), TEST(positions), TEST(partners),
      TEST(products_but_one), TEST(softmaxes), TEST(running_sums), TEST(broadcasts), TEST(one_order), TEST(softmax_of_columns), TEST(special_values),
      TEST(integers_wrap), TEST(empty), TEST(errors))
