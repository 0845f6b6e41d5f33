/*
 * reduce_kit.h: what tests of reductions share: running the kernel of a recorded entry at every
 * processor level with one and two threads, and plain loops in double to compare with, over any set
 * of axes.
 */
#ifndef REDUCE_KIT_H
#define REDUCE_KIT_H

#include <float.h>
#include <wengert.h>
#include <wengert/op.h>

#include "harness.h"

/* ---- running the kernel of one entry ---- */

static inline void *take(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);

    if (!p) abort();
    memset(p, 0xa5, (bytes + 127) / 64 * 64); /* what a kernel leaves out shows */
    return p;
}

/* The value of t for operand values x: new memory. NULL when the record has no kernel for it. */
static inline void *run(const wg_tensor *t, int level, int threads, const void *const *x,
                        wg_error *error)
{
    const wg_op *op = wg_tensor_record(t);
    const wg_type *in[8], *ty = wg_tensor_type(t);
    wg_error none = { 0 };
    wg_sig s = { op, wg_tensor_attr(t), wg_tensor_n_in(t), in, &none };
    wg_call c = { .op = op,
                  .attr = s.attr,
                  .n_in = s.n_in,
                  .tx = in,
                  .x = x,
                  .ty = ty,
                  .threads = threads,
                  .error = error ? error : &none };
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

static inline double draw(double lo, double hi)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(state >> 11) * 0x1p-53;
}

static inline void *values(wg_dtype dtype, int64_t n, double lo, double hi)
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

static inline parts parts_of(wg_shape s, unsigned set)
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

static inline double ref_sum(int64_t n, const double *x)
{
    long double r = 0;

    for (int64_t i = 0; i < n; i++) r += x[i];
    return (double)r;
}

static inline double ref_prod(int64_t n, const double *x)
{
    long double r = 1;

    for (int64_t i = 0; i < n; i++) r *= x[i];
    return (double)r;
}

static inline double ref_argmax(int64_t n, const double *x)
{
    int64_t best = 0;

    for (int64_t i = 0; i < n; i++) {
        if (isnan(x[i])) return (double)i;
        if (x[i] > x[best]) best = i;
    }
    return (double)best;
}

static inline double ref_argmin(int64_t n, const double *x)
{
    int64_t best = 0;

    for (int64_t i = 0; i < n; i++) {
        if (isnan(x[i])) return (double)i;
        if (x[i] < x[best]) best = i;
    }
    return (double)best;
}

static inline double ref_max(int64_t n, const double *x)
{
    return x[(int64_t)ref_argmax(n, x)];
}
static inline double ref_min(int64_t n, const double *x)
{
    return x[(int64_t)ref_argmin(n, x)];
}

static inline double ref_norm(int64_t n, const double *x)
{
    long double r = 0;

    for (int64_t i = 0; i < n; i++) r += (long double)x[i] * x[i];
    return (double)sqrtl(r);
}

static inline double ref_logsumexp(int64_t n, const double *x)
{
    long double r = 0;

    for (int64_t i = 0; i < n; i++) r += expl(x[i]);
    return (double)logl(r);
}

/* ---- one reduction over every set of axes ---- */

typedef wg_tensor *constructor(wg_tensor *x, wg_axes axes, bool keepdims);

static inline double tolerance(wg_dtype dtype)
{
    return dtype == WG_F32 ? 2e-6 : dtype == WG_F64 ? 4e-15 : 0;
}

/* A product of n numbers is rounded n - 1 times, and every rounding stays. */
static inline double roundings(wg_dtype dtype, int64_t n)
{
    return dtype == WG_I64 ? 0 : (double)n * (dtype == WG_F32 ? FLT_EPSILON : DBL_EPSILON) / 2;
}

static inline wg_axes axes_of_set(unsigned set, int rank, bool from_end)
{
    wg_axes a = { 0, { 0 } };

    for (int i = rank - 1; i >= 0; i--)
        if (set >> i & 1) a.axis[a.n++] = from_end ? i - rank : i;
    return a;
}

static inline void compare(const wg_tensor *t, const void *const *x, const double *want,
                           double rtol, double atol)
{
    int64_t n = wg_shape_count(&wg_tensor_type(t)->shape);
    size_t bytes = (size_t)wg_type_bytes(wg_tensor_type(t));

    for (int level = 0; level <= wg_level(); level++) {
        void *y = run(t, level, 1, x, NULL), *z = run(t, level, 2, x, NULL);

        harness_close(y, wg_tensor_type(t)->dtype, want, WG_F64, n, rtol, atol, wg_tensor_op(t),
                      "plain loops", __FILE__, __LINE__);
        SAME_BITS(y, z, bytes);
        free(y);
        free(z);
    }
}

static inline void every_axes(constructor *make, reduce_fn *ref, wg_shape shape, wg_dtype dtype,
                              double lo, double hi, double atol)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *in = wg_input(g, "x", dtype, shape);
    int64_t total = wg_shape_count(&shape);
    void *x = values(dtype, total, lo, hi);

    for (unsigned set = 0; set < 1u << shape.rank; set++) {
        parts p = parts_of(shape, set);
        double *want = take((size_t)p.count * sizeof *want),
               *line = take((size_t)p.n * sizeof *line);

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
            compare(y, (const void *const[]){ x }, want,
                    ref == ref_prod ? roundings(dtype, p.n) : tolerance(dtype), atol);
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
    { 4, { 2, 3, 4, 5 } },  { 4, { 3, 1, 2, 17 } }, { 4, { 1, 33, 2, 3 } }, { 4, { 2, 2, 1, 70 } },
    { 0, { 0 } },           { 3, { 2, 1300, 3 } },  { 2, { 700, 37 } },     { 2, { 5, 1111 } },
    { 3, { 2, 520, 300 } }, { 1, { 5000 } },
};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

#endif
