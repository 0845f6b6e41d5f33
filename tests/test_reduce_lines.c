/*
 * test_reduce_lines.c: what works along lines rather than reducing them: positions, the partners of
 * max, min and prod, softmax, running sums, repeating; and that sums have one order.
 */
#include "reduce_kit.h"

/* ---- positions, ties, NaN ---- */

static wg_tensor *extreme_of(wg_tensor *x, int axis, bool smallest)
{
    return smallest ? wg_argmin(x, axis, false) : wg_argmax(x, axis, true);
}

/* Few distinct values, so that ties are the rule; every seventh shape position a NaN when `nans`.
 */
static void *tied(wg_dtype dtype, int64_t n, bool nans)
{
    void *p = values(dtype, n, 0, 3);

    for (int64_t i = 0; i < n; i++) {
        if (dtype == WG_F32) ((float *)p)[i] = nans && i % 7 == 3 ? NAN : floorf(((float *)p)[i]);
        else if (dtype == WG_F64)
            ((double *)p)[i] = nans && i % 7 == 3 ? NAN : floor(((double *)p)[i]);
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
                    double *most = take((size_t)p.count * sizeof *most),
                           *least = take((size_t)p.count * sizeof *least);
                    double *line = take((size_t)p.n * sizeof *line);

                    for (int64_t k = 0; k < p.count; k++) {
                        for (int64_t j = 0; j < p.n; j++)
                            line[j] = harness_number(x, d, p.at[k * p.n + j]);
                        most[k] = ref_argmax(p.n, line);
                        least[k] = ref_argmin(p.n, line);
                    }
                    compare(extreme_of(in, axis, false), (const void *const[]){ x }, most, 0, 0);
                    compare(extreme_of(in, axis - shapes[i].rank, true), (const void *const[]){ x },
                            least, 0, 0);
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

/* The partners of max and min: to and from the first of equals in row-major order of the reduced
 * set. */
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
                double *line = take((size_t)p.n * sizeof *line),
                       *picked = take((size_t)p.count * sizeof *picked);
                double *put = take((size_t)total * sizeof *put);
                wg_axes axes = axes_of_set(set, shapes[i].rank, false);
                wg_tensor *dy = wg_max(in, axes, false);

                for (int64_t k = 0; k < total; k++) put[k] = 0;
                for (int64_t k = 0; k < p.count; k++) {
                    for (int64_t j = 0; j < p.n; j++) line[j] = x[p.at[k * p.n + j]];
                    int64_t at =
                        p.at[k * p.n + (int64_t)(smallest ? ref_argmin : ref_argmax)(p.n, line)];

                    picked[k] = u[at];
                    put[at] = picked[k];
                }
                compare(wg_extreme_pick(in, in, axes, true, smallest),
                        (const void *const[]){ u, x }, picked, 0, 0);
                compare(wg_extreme_scatter(dy, in, axes, false, smallest),
                        (const void *const[]){ picked, x }, put, 0, 0);
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

            if ((d ? a < 0 : a >= 0) || (e ? b < 0 : b >= 0) || a == j || b == j ||
                (a >= 0 && a == b))
                continue;
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

    for (int i = 0; i < 3; i++)
        in[i] = wg_input(g, (const char *[]){ "x", "d", "e" }[i], WG_F64, shape);
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
                        want[p.at[k * p.n + i]] =
                            others(p.n, line[0], i, n > 1 ? line[1] : NULL, n > 2 ? line[2] : NULL);
                }
                compare(wg_prod_others(n, in, axes_of_set(set, 3, false)),
                        (const void *const[]){ x, d, e }, want, 1e-13, 1e-13);
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
                double *want = take((size_t)total * sizeof *want),
                       *logs = take((size_t)total * sizeof *logs);

                for (int64_t k = 0; k < p.count; k++) {
                    double top = -INFINITY, sum = 0;

                    for (int64_t j = 0; j < p.n; j++)
                        top = fmax(top, harness_number(x, d, p.at[k * p.n + j]));
                    for (int64_t j = 0; j < p.n; j++)
                        sum += exp(harness_number(x, d, p.at[k * p.n + j]) - top);
                    for (int64_t j = 0; j < p.n; j++) {
                        double a = harness_number(x, d, p.at[k * p.n + j]) - top;

                        want[p.at[k * p.n + j]] = exp(a) / sum;
                        logs[p.at[k * p.n + j]] = a - log(sum);
                    }
                }
                /* a difference of two f32 near 900 is off by up to 6e-5, e^ of it by that share */
                compare(wg_softmax(in, axis), (const void *const[]){ x }, want,
                        d == WG_F32 ? 5e-6 : 1e-14, 1e-38);
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

                compare(wg_expand_like(wg_sum(big, axes, keep), big, axes, keep),
                        (const void *const[]){ sum, NULL }, want, 0, 0);
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
    static const int64_t extents[][2] = { { 3, 5 },     { 17, 16 },    { 1025, 33 },
                                          { 2600, 70 }, { 100000, 3 }, { 3, 100000 } };

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
        wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(rows, cols)),
                  *xt = wg_input(g, "xt", WG_F32, WG_SHAPE(cols, rows));
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

TESTS(TEST(positions), TEST(partners), TEST(products_but_one), TEST(softmaxes), TEST(running_sums),
      TEST(broadcasts), TEST(one_order), TEST(softmax_of_columns))
