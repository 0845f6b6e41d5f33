/*
 * softmax.c: softmax, y[i] = e^x[i] / sum over j of e^x[j], and log_softmax, its logarithm, along
 * one axis. The largest x is subtracted first: same value, no overflow. Sums have the canonical
 * order of vec.h, so that the bits do not depend on which axis of memory the softmax runs along.
 */
#ifndef REAL
#include "reduce.h"
#include "reduce_vec.h"
#include "vmath.h"

struct softmax_attr {
    int64_t axis; /* may count from the end */
};
static const wg_field softmax_fields[] = { WG_FIELD(struct softmax_attr, axis), WG_FIELDS_END };

/* neighbouring lines taken together; levels of the tree over blocks of a line */
enum { SOFTMAX_CHUNK = 128, SOFTMAX_LEVELS = 48 };

struct softmax_job {
    const wg_call *c;
    int64_t n, inner, chunks;
    bool logarithm;
};

static __attribute__((noinline)) void softmax_any(const wg_call *c, bool logarithm,
                                                  void (*run)(void *, int64_t, int64_t))
{
    const struct softmax_attr *at = c->attr;
    struct softmax_job job = { .c = c, .logarithm = logarithm };
    int64_t outer, wide;

    wg__axis_split(c->ty, at->axis, &outer, &job.n, &job.inner);
    if (outer * job.n * job.inner == 0) return;
    job.chunks = (job.inner + SOFTMAX_CHUNK - 1) / SOFTMAX_CHUNK;
    wide = job.inner < SOFTMAX_CHUNK ? job.inner : SOFTMAX_CHUNK;
    wg_parallel(c->threads, outer * job.chunks, 1 + WG_REDUCE_GRAIN / (4 * job.n * wide), run,
                &job);
}

#define WG_NARROW
#define WG_TEMPLATE "softmax.c"
#include "each_real.h"

WG_SMALL_BEGIN

static bool softmax_infer(const wg_sig *s, wg_type *out)
{
    const struct softmax_attr *at = s->attr;
    int axis;

    *out = *s->in[0];
    return wg_sig_real(s, 0) && wg_sig_axis(s, at->axis, s->in[0]->shape.rank, &axis);
}

static double softmax_flops(const wg_sig *s, const wg_type *out)
{
    (void)s;
    return 5 * (double)wg__count(out);
}

static int64_t softmax_line(const wg_sig *s, const wg_type *out)
{
    const struct softmax_attr *at = s->attr;
    int64_t outer, n, inner;

    wg__axis_split(out, at->axis, &outer, &n, &inner);
    return inner == 1 ? n : 0;
}

/* As softmax_row has it. */
static const wg_part softmax_parts[] = {
    { &wg_op_max, { WG_PART_OPERAND } },
    { &wg_op_sub, { WG_PART_OPERAND, 0 } },
    { &wg_op_exp, { 1 } },
    { &wg_op_sum, { 2 } },
    { &wg_op_reciprocal, { 3 } },
    { &wg_op_mul, { 2, 4 } },
};
static const wg_part log_softmax_parts[] = {
    { &wg_op_max, { WG_PART_OPERAND } },
    { &wg_op_sub, { WG_PART_OPERAND, 0 } },
    { &wg_op_exp, { 1 } },
    { &wg_op_sum, { 2 } },
    { &wg_op_log, { 3 } },
    { &wg_op_sub, { 1, 4 } },
};

static void softmax_part_attr(const void *attr, int i, void *part_attr)
{
    const struct softmax_attr *at = attr;

    (void)i;
    *(struct reduce_attr *)part_attr = (struct reduce_attr){ WG_AXES((int)at->axis), true };
}

/* dx = y (dy - sum(dy y)) */
static void softmax_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct softmax_attr *at = v->attr;
    wg_tensor *dot = wg_sum(wg_mul(v->dy, v->y), WG_AXES((int)at->axis), true);

    dx[0] = wg_mul(v->y, wg_sub(v->dy, dot));
}

const wg_op wg_op_softmax = {
    .name = "softmax",
    .doc = "normalised exponential along one axis",
    .n_in = 1,
    .attr_size = sizeof(struct softmax_attr),
    .fields = softmax_fields,
    .infer = softmax_infer,
    .eval = WG_EVAL_KERNELS(WG_REAL_NARROW(softmax_eval)),
    .vjp = softmax_vjp,
    .flops = softmax_flops,
    .more =
        WG_OP_MORE(.line = softmax_line, .by_line = WG_BY_LINE(WG_REAL_NARROW(softmax_lines)),
                   .parts = softmax_parts, .n_parts = sizeof softmax_parts / sizeof *softmax_parts,
                   .part_attr = softmax_part_attr),
};

wg_tensor *wg_softmax(wg_tensor *x, int axis)
{
    return wg_record1(&wg_op_softmax, &(struct softmax_attr){ axis }, x);
}

/* dx = dy - e^y sum(dy) */
static void log_softmax_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct softmax_attr *at = v->attr;
    wg_tensor *total = wg_sum(v->dy, WG_AXES((int)at->axis), true);

    dx[0] = wg_sub(v->dy, wg_mul(wg_exp(v->y), total));
}

const wg_op wg_op_log_softmax = {
    .name = "log_softmax",
    .doc = "logarithm of the normalised exponential along one axis",
    .n_in = 1,
    .attr_size = sizeof(struct softmax_attr),
    .fields = softmax_fields,
    .infer = softmax_infer,
    .eval = WG_EVAL_KERNELS(WG_REAL_NARROW(log_softmax_eval)),
    .vjp = log_softmax_vjp,
    .flops = softmax_flops,
    .more =
        WG_OP_MORE(.line = softmax_line, .by_line = WG_BY_LINE(WG_REAL_NARROW(log_softmax_lines)),
                   .parts = log_softmax_parts,
                   .n_parts = sizeof log_softmax_parts / sizeof *log_softmax_parts,
                   .part_attr = softmax_part_attr),
};

wg_tensor *wg_log_softmax(wg_tensor *x, int axis)
{
    return wg_record1(&wg_op_log_softmax, &(struct softmax_attr){ axis }, x);
}

WG_SMALL_END

#else

WG_INLINE V FN(load_columns)(const REAL *p, int64_t left)
{
    return left >= VN ? VLOAD(p) : VLOAD_N(p, (int)left);
}

#if WG_IS_SMALL
/* Whole vectors of numbers, from y on, that take n. */
static __attribute__((noinline)) void FN(exps)(REAL *y, int64_t n)
{
    for (int64_t i = 0; i < n; i += VN) VSTORE(y + i, vexp(VLOAD(y + i)));
}

static __attribute__((noinline)) void FN(logs)(REAL *y, int64_t n)
{
    for (int64_t i = 0; i < n; i += VN) VSTORE(y + i, vlog(VLOAD(y + i)));
}

REAL FN(wg__exp_row)(const REAL *x, int64_t n, REAL top, REAL *y)
{
    FN(wg_tree) t = { 0, { 0 } };
    REAL term[WG_BLOCK];

    for (int64_t from = 0; from < n; from += WG_BLOCK) {
        int64_t m = n - from < WG_BLOCK ? n - from : WG_BLOCK;

        for (int64_t i = 0; i < m; i += VN)
            VSTORE(term + i, FN(load_columns)(x + from + i, m - i) - top);
        FN(exps)(term, m);
        if (y) memcpy(y + from, term, (size_t)m * sizeof(REAL));
        FN(tree_add)(&t, FN(vsum_block)(term, m));
    }
    return FN(tree_total)(&t);
}
#else
WG_INLINE void FN(logs)(REAL *y, int64_t n)
{
    for (int64_t i = 0; i < n; i += VN) VSTORE(y + i, vlog(VLOAD(y + i)));
}

/* What is added is still in registers. */
REAL FN(wg__exp_row)(const REAL *x, int64_t n, REAL top, REAL *y)
{
    FN(wg_tree) t = { 0, { 0 } };

    for (int64_t from = 0; from < n; from += WG_BLOCK) {
        int64_t end = n - from < WG_BLOCK ? n : from + WG_BLOCK, i = from;
        V lane[16 / VN], e;

        WG_UNROLL
        for (int k = 0; k < 16 / VN; k++) lane[k] = VSPLAT(0);
        for (; i + 16 <= end; i += 16) {
            WG_UNROLL
            for (int k = 0; k < 16 / VN; k++) {
                e = vexp(VLOAD(x + i + k * VN) - top);
                if (y) VSTORE(y + i + k * VN, e);
                lane[k] += e;
            }
        }
        if (i < end) {
            REAL last[16] = { 0 }; /* lanes beyond add +0 */

            for (int64_t at = i; at < end; at += VN) {
                int w = end - at < VN ? (int)(end - at) : VN;

                VSTORE_N(last + (at - i), vexp(VLOAD_N(x + at, w) - top), w);
            }
            if (y) memcpy(y + i, last, (size_t)(end - i) * sizeof(REAL));
            WG_UNROLL
            for (int k = 0; k < 16 / VN; k++) lane[k] += VLOAD(last + k * VN);
        }
        FN(tree_add)(&t, FN(lanes_total)(lane));
    }
    return FN(tree_total)(&t);
}
#endif

/* One contiguous line, which y may be. It holds the exponentials until their sum is known. */
static void FN(softmax_row)(const REAL *x, int64_t n, REAL *y, bool logarithm)
{
    REAL top = FN(row)(WG_JOIN_MAX, x, n);
    V scale = VSPLAT(FN(wg__exp_row)(x, n, top, logarithm ? NULL : y));
    int64_t i;

    if (logarithm) {
        REAL total[VN];

        VSTORE(total, scale);
        FN(logs)(total, VN);
        scale = VLOAD(total);
        for (i = 0; i + VN <= n; i += VN) VSTORE(y + i, (VLOAD(x + i) - top) - scale);
        if (i < n) VSTORE_N(y + i, (VLOAD_N(x + i, (int)(n - i)) - top) - scale, (int)(n - i));
        return;
    }
    scale = 1 / scale;
    for (i = 0; i + VN <= n; i += VN) VSTORE(y + i, VLOAD(y + i) * scale);
    if (i < n) VSTORE_N(y + i, VLOAD_N(y + i, (int)(n - i)) * scale, (int)(n - i));
}

/* y = e^(x - top) and its sums, for m <= SOFTMAX_CHUNK neighbouring lines whose elements lie `step`
 * apart: wg__exp_row with a row of numbers in place of each. Columns beyond m are computed with the
 * last vector and never read. */
static void FN(exp_columns)(const REAL *x, int64_t n, int64_t step, int64_t m, const REAL *top,
                            REAL *y, REAL *sum)
{
    _Alignas(64) REAL lane[16][SOFTMAX_CHUNK], part[SOFTMAX_LEVELS][SOFTMAX_CHUNK];
#if WG_IS_SMALL
    REAL row[SOFTMAX_CHUNK];
#endif
    int64_t blocks = 0;
    bool any = false;

    for (int64_t from = 0; from < n; from += WG_BLOCK, blocks++) {
        int64_t end = n - from < WG_BLOCK ? n : from + WG_BLOCK;
        int k = 0;

        memset(lane, 0, sizeof lane);
        for (int64_t i = from; i < end; i++) {
            REAL *to = lane[(i - from) & 15];

#if WG_IS_SMALL
            for (int64_t j = 0; j < m; j += VN)
                VSTORE(row + j, FN(load_columns)(x + i * step + j, m - j) - VLOAD(top + j));
            FN(exps)(row, m);
#endif
            for (int64_t j = 0; j < m; j += VN) {
#if WG_IS_SMALL
                V e = VLOAD(row + j);
#else
                V e = vexp(FN(load_columns)(x + i * step + j, m - j) - VLOAD(top + j));
#endif

                FN(store_columns)(y + i * step + j, m - j, e);
                VSTORE(to + j, VLOAD(to + j) + e);
            }
        }
        for (int half = 8; half > 0; half /= 2)
            for (int l = 0; l < half; l++)
                for (int64_t j = 0; j < m; j += VN)
                    VSTORE(&lane[l][j], VLOAD(&lane[l][j]) + VLOAD(&lane[l + half][j]));
        for (; blocks >> k & 1; k++)
            for (int64_t j = 0; j < m; j += VN)
                VSTORE(&lane[0][j], VLOAD(&part[k][j]) + VLOAD(&lane[0][j]));
        memcpy(part[k], lane[0], sizeof lane[0]);
    }
    for (int k = 0; blocks >> k; k++) {
        if (!(blocks >> k & 1)) continue;
        for (int64_t j = 0; j < m; j += VN)
            VSTORE(sum + j, any ? VLOAD(&part[k][j]) + VLOAD(sum + j) : VLOAD(&part[k][j]));
        any = true;
    }
}

static void FN(softmax_columns)(const REAL *x, int64_t n, int64_t step, int64_t m, REAL *y,
                                bool logarithm)
{
    _Alignas(64) REAL top[SOFTMAX_CHUNK] = { 0 }, scale[SOFTMAX_CHUNK];

    for (int64_t j = 0; j < m; j += VN) VSTORE(top + j, FN(load_columns)(x + j, m - j));
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = 0; j < m; j += VN)
            VSTORE(top + j, vmax(VLOAD(top + j), FN(load_columns)(x + i * step + j, m - j)));
    FN(exp_columns)(x, n, step, m, top, y, scale);
    if (logarithm) FN(logs)(scale, m);
    for (int64_t j = 0; j < m && !logarithm; j += VN) VSTORE(scale + j, 1 / VLOAD(scale + j));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j += VN) {
            V s = VLOAD(scale + j), t = VLOAD(top + j);
            REAL *to = y + i * step + j;

            if (logarithm)
                FN(store_columns)(to, m - j, (FN(load_columns)(x + i * step + j, m - j) - t) - s);
            else FN(store_columns)(to, m - j, FN(load_columns)(to, m - j) * s);
        }
}

static void FN(softmax_lines)(const void *attr, int64_t lines, int64_t n, const void *x, void *y)
{
    (void)attr;
    for (int64_t i = 0; i < lines; i++)
        FN(softmax_row)((const REAL *)x + i * n, n, (REAL *)y + i * n, false);
}

static void FN(log_softmax_lines)(const void *attr, int64_t lines, int64_t n, const void *x,
                                  void *y)
{
    (void)attr;
    for (int64_t i = 0; i < lines; i++)
        FN(softmax_row)((const REAL *)x + i * n, n, (REAL *)y + i * n, true);
}

static void FN(run_softmax)(void *arg, int64_t lo, int64_t hi)
{
    const struct softmax_job *job = arg;
    const REAL *x = job->c->x[0];
    REAL *y = job->c->y;

    for (int64_t item = lo; item < hi; item++) {
        int64_t from = item % job->chunks * SOFTMAX_CHUNK, left = job->inner - from;
        int64_t first = item / job->chunks * job->n * job->inner + from;
        int64_t m = left < SOFTMAX_CHUNK ? left : SOFTMAX_CHUNK;

        if (job->inner == 1) {
            if (job->logarithm) FN(log_softmax_lines)(NULL, 1, job->n, x + first, y + first);
            else FN(softmax_lines)(NULL, 1, job->n, x + first, y + first);
        } else FN(softmax_columns)(x + first, job->n, job->inner, m, y + first, job->logarithm);
    }
}

static void FN(softmax_eval)(const wg_call *c)
{
    softmax_any(c, false, FN(run_softmax));
}

static void FN(log_softmax_eval)(const wg_call *c)
{
    softmax_any(c, true, FN(run_softmax));
}

#endif
