/*
 * reduce.c: sum, prod, max, min over any set of axes, and sum_to_like, the adjoint of broadcasting.
 * All are one step, [outer, n, inner] joined over n, taken once for each reduced run of axes.
 */
#ifndef REAL
#include "reduce.h"
#include "reduce_vec.h"

_Static_assert(WG_BLOCK == WG_REDUCE_BLOCK, "partial results are those of the canonical blocks");

struct step {
    int op;
    int64_t outer, n, inner, blocks;
    int64_t chunk, chunks; /* columns of an item; items across a row */
    const void *x;
    void *y, *partial; /* [outer, inner], [outer, blocks, inner] */
};

/* Joins the partial results of one row's blocks: on the way up half of them vanish, as in the tree
 * of vec.h, so that sums keep their one order. Each partial is a row of its own here. */
#define FOR_TREE(i, half, blocks)                                                                  \
    for (int64_t half = 1; half < (blocks); half *= 2)                                             \
        for (int64_t i = 0; i + half < (blocks); i += 2 * half)

/* Axes of x along which `like` was repeated: those it lacks, and those where it has one element. */
static unsigned broadcast_axes(const wg_shape *x, const wg_shape *like)
{
    int extra = x->rank - like->rank;
    unsigned set = 0;

    for (int i = 0; i < x->rank; i++)
        if (i < extra || like->dim[i - extra] == 1) set |= 1u << i;
    return set;
}

/* Over the axes of the call's attributes. */
static __attribute__((noinline)) void over_axes(const wg_call *c, size_t size, wg_join_fn *step)
{
    const struct reduce_attr *at = c->attr;
    wg_runs runs;

    wg__runs(&c->tx[0]->shape, wg__axis_set(&at->axes, c->tx[0]->shape.rank), &runs);
    wg__reduce_runs(c, &runs, size, step);
}

/* Over the axes along which operand 1, and the result, was repeated. */
static __attribute__((noinline)) void over_repeated(const wg_call *c, size_t size, wg_join_fn *step)
{
    wg_runs runs;

    wg__runs(&c->tx[0]->shape, broadcast_axes(&c->tx[0]->shape, &c->ty->shape), &runs);
    wg__reduce_runs(c, &runs, size, step);
}

#define WG_PLAIN_DOUBLE /* their order, and so their bits, are those of all levels */
#define WG_TEMPLATE "reduce.c"
#include "each_real.h"

WG_SMALL_BEGIN

/* ---- i64: exact, wraps around; any order gives the same ---- */

static inline int64_t join_i64(int op, int64_t a, int64_t b)
{
    if (op == WG_JOIN_SUM) return (int64_t)((uint64_t)a + (uint64_t)b);
    if (op == WG_JOIN_PROD) return (int64_t)((uint64_t)a * (uint64_t)b);
    if (op == WG_JOIN_MAX) return b > a ? b : a;
    return b < a ? b : a;
}

static inline void step_i64(int op, const struct step *s, int64_t lo, int64_t hi)
{
    for (int64_t item = lo; item < hi; item++) {
        int64_t o = item / s->chunks, from = item % s->chunks * s->chunk;
        int64_t m = s->inner - from < s->chunk ? s->inner - from : s->chunk;
        const int64_t *x = (const int64_t *)s->x + o * s->n * s->inner + from;
        int64_t *y = (int64_t *)s->y + o * s->inner + from;

        if (s->inner == 1) {
            int64_t r = op == WG_JOIN_PROD ? 1 : op == WG_JOIN_SUM ? 0 : x[0];

            for (int64_t i = 0; i < s->n; i++) r = join_i64(op, r, x[i]);
            *y = r;
            continue;
        }
        for (int64_t j = 0; j < m; j++) y[j] = s->n > 0 ? x[j] : op == WG_JOIN_PROD;
        for (int64_t i = 1; i < s->n; i++)
            for (int64_t j = 0; j < m; j++) y[j] = join_i64(op, y[j], x[i * s->inner + j]);
    }
}

static void run_i64(void *arg, int64_t lo, int64_t hi)
{
    const struct step *s = arg;

    if (s->op == WG_JOIN_SUM) step_i64(WG_JOIN_SUM, s, lo, hi);
    else if (s->op == WG_JOIN_PROD) step_i64(WG_JOIN_PROD, s, lo, hi);
    else if (s->op == WG_JOIN_MAX) step_i64(WG_JOIN_MAX, s, lo, hi);
    else step_i64(WG_JOIN_MIN, s, lo, hi);
}

static void step_any_i64(const wg_call *c, int op, int64_t outer, int64_t n, int64_t inner,
                         const void *x, void *y)
{
    struct step s = {
        .op = op, .outer = outer, .n = n, .inner = inner, .x = x, .y = y, .chunk = 256
    };

    s.chunks = (inner + s.chunk - 1) / s.chunk;
    wg_parallel(c->threads, outer * s.chunks,
                1 + WG_REDUCE_GRAIN / (1 + n * (inner < s.chunk ? inner : s.chunk)), run_i64, &s);
}

#define JOIN_I64(name, op)                                                                         \
    static void name##_step_i64(const wg_call *c, int64_t outer, int64_t n, int64_t inner,         \
                                const void *x, void *y, void *partial)                             \
    {                                                                                              \
        (void)partial;                                                                             \
        step_any_i64(c, op, outer, n, inner, x, y);                                                \
    }                                                                                              \
    static void name##_eval_i64(const wg_call *c)                                                  \
    {                                                                                              \
        over_axes(c, sizeof(int64_t), name##_step_i64);                                            \
    }                                                                                              \
    static void name##_line_i64(const void *attr, int64_t lines, int64_t n, const void *x,         \
                                void *y)                                                           \
    {                                                                                              \
        (void)attr;                                                                                \
        step_any_i64(&(wg_call){ .threads = 1 }, op, lines, n, 1, x, y);                           \
    }
JOIN_I64(sum, WG_JOIN_SUM)
JOIN_I64(prod, WG_JOIN_PROD)
JOIN_I64(max, WG_JOIN_MAX)
JOIN_I64(min, WG_JOIN_MIN)
#undef JOIN_I64

#define WG_NUMBER(f)                                                                               \
    {                                                                                              \
        [WG_F32] = WG_LEVELS(f##_f32), [WG_F64] = { f##_f64_0 }, [WG_I64] = { f##_i64 }            \
    }

/* ---- what the four records share ---- */

static size_t join_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    const struct reduce_attr *at = s->attr;
    wg_runs runs;

    (void)threads;
    wg__runs(&s->in[0]->shape, wg__axis_set(&at->axes, s->in[0]->shape.rank), &runs);
    return wg__reduce_runs_scratch(&runs, wg_dtype_size(out->dtype));
}

static void join_runs(const wg_sig *s, wg_runs *runs)
{
    const struct reduce_attr *at = s->attr;

    wg__runs(&s->in[0]->shape, wg__axis_set(&at->axes, s->in[0]->shape.rank), runs);
}

static int64_t join_line(const wg_sig *s, const wg_type *out)
{
    wg_runs runs;

    (void)out;
    join_runs(s, &runs);
    return wg__runs_line(&runs);
}

static bool join_infer(const wg_sig *s, wg_type *out)
{
    const struct reduce_attr *at = s->attr;
    bool empty;

    return wg__sig_number(s) && wg__reduce_type(s, s->in[0], &at->axes, at->keepdims, out, &empty);
}

static double join_flops(const wg_sig *s, const wg_type *out)
{
    (void)out;
    return (double)wg__count(s->in[0]);
}

/* ---- sum ---- */

static int64_t sum_columns(const wg_sig *s, const wg_type *out)
{
    wg_runs runs;

    (void)out;
    join_runs(s, &runs);
    return wg__runs_columns(&runs);
}

static void sum_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct reduce_attr *at = v->attr;

    dx[0] = wg_expand_like(v->dy, v->x[0], at->axes, at->keepdims);
}

const wg_op wg_op_sum = {
    .name = "sum",
    .doc = "sum over a set of axes",
    .n_in = 1,
    .flags = WG_OP_ALIAS,
    .attr_size = sizeof(struct reduce_attr),
    .fields = wg__reduce_fields,
    .infer = join_infer,
    .eval = WG_EVAL_KERNELS(WG_NUMBER(sum_eval)),
    .scratch = join_scratch,
    .vjp = sum_vjp,
    .flops = join_flops,
    .more = WG_OP_MORE(.line = join_line, .by_line = WG_BY_LINE(WG_NUMBER(sum_line)),
                       .columns = sum_columns, .adds = &wg_op_add),
};

wg_tensor *wg_sum(wg_tensor *x, wg_axes axes, bool keepdims)
{
    return wg_record1(&wg_op_sum, &(struct reduce_attr){ axes, keepdims }, x);
}

/* ---- prod ---- */

static void prod_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct reduce_attr *at = v->attr;
    wg_tensor *others = wg_prod_others(1, v->x, at->axes);

    dx[0] = wg_mul(wg_expand_like(v->dy, v->x[0], at->axes, at->keepdims), others);
}

const wg_op wg_op_prod = {
    .name = "prod",
    .doc = "product over a set of axes",
    .n_in = 1,
    .flags = WG_OP_ALIAS,
    .attr_size = sizeof(struct reduce_attr),
    .fields = wg__reduce_fields,
    .infer = join_infer,
    .eval = WG_EVAL_KERNELS(WG_NUMBER(prod_eval)),
    .scratch = join_scratch,
    .vjp = prod_vjp,
    .flops = join_flops,
    .more = WG_OP_MORE(.line = join_line, .by_line = WG_BY_LINE(WG_NUMBER(prod_line))),
};

wg_tensor *wg_prod(wg_tensor *x, wg_axes axes, bool keepdims)
{
    return wg_record1(&wg_op_prod, &(struct reduce_attr){ axes, keepdims }, x);
}

/* ---- max, min ---- */

static bool extreme_infer(const wg_sig *s, wg_type *out)
{
    const struct reduce_attr *at = s->attr;
    bool empty;

    if (!wg__sig_number(s) || !wg__reduce_type(s, s->in[0], &at->axes, at->keepdims, out, &empty))
        return false;
    if (empty)
        return wg_sig_fail(s, WG_ESHAPE, "no element to choose from: %s", WG_TYPE_STR(s->in[0]));
    return true;
}

static void max_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct reduce_attr *at = v->attr;

    dx[0] = wg_extreme_scatter(v->dy, v->x[0], at->axes, at->keepdims, false);
}

static void min_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct reduce_attr *at = v->attr;

    dx[0] = wg_extreme_scatter(v->dy, v->x[0], at->axes, at->keepdims, true);
}

const wg_op wg_op_max = {
    .name = "max",
    .doc = "largest element over a set of axes",
    .n_in = 1,
    .flags = WG_OP_ALIAS,
    .attr_size = sizeof(struct reduce_attr),
    .fields = wg__reduce_fields,
    .infer = extreme_infer,
    .eval = WG_EVAL_KERNELS(WG_NUMBER(max_eval)),
    .scratch = join_scratch,
    .vjp = max_vjp,
    .flops = join_flops,
    .more = WG_OP_MORE(.line = join_line, .by_line = WG_BY_LINE(WG_NUMBER(max_line))),
};

wg_tensor *wg_max(wg_tensor *x, wg_axes axes, bool keepdims)
{
    return wg_record1(&wg_op_max, &(struct reduce_attr){ axes, keepdims }, x);
}

const wg_op wg_op_min = {
    .name = "min",
    .doc = "smallest element over a set of axes",
    .n_in = 1,
    .flags = WG_OP_ALIAS,
    .attr_size = sizeof(struct reduce_attr),
    .fields = wg__reduce_fields,
    .infer = extreme_infer,
    .eval = WG_EVAL_KERNELS(WG_NUMBER(min_eval)),
    .scratch = join_scratch,
    .vjp = min_vjp,
    .flops = join_flops,
    .more = WG_OP_MORE(.line = join_line, .by_line = WG_BY_LINE(WG_NUMBER(min_line))),
};

wg_tensor *wg_min(wg_tensor *x, wg_axes axes, bool keepdims)
{
    return wg_record1(&wg_op_min, &(struct reduce_attr){ axes, keepdims }, x);
}

/* ---- sum_to_like: the adjoint of broadcasting; broadcast_like, in like.c, is its own ---- */

static bool sum_to_like_infer(const wg_sig *s, wg_type *out)
{
    const wg_shape *x = &s->in[0]->shape, *like = &s->in[1]->shape;
    int extra = x->rank - like->rank;
    bool fits = extra >= 0;

    if (!wg__sig_number(s)) return false;
    for (int i = 0; i < like->rank && fits; i++)
        fits = like->dim[i] == 1 || like->dim[i] == x->dim[i + extra];
    if (!fits)
        return wg_sig_fail(s, WG_ESHAPE, "%s does not broadcast to %s", WG_TYPE_STR(s->in[1]),
                           WG_TYPE_STR(s->in[0]));
    *out = (wg_type){ s->in[0]->dtype, *like };
    return true;
}

static size_t sum_to_like_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    wg_runs runs;

    (void)threads;
    wg__runs(&s->in[0]->shape, broadcast_axes(&s->in[0]->shape, &out->shape), &runs);
    return wg__reduce_runs_scratch(&runs, wg_dtype_size(out->dtype));
}

static int64_t sum_to_like_line(const wg_sig *s, const wg_type *out)
{
    wg_runs runs;

    wg__runs(&s->in[0]->shape, broadcast_axes(&s->in[0]->shape, &out->shape), &runs);
    return wg__runs_line(&runs);
}

static int64_t sum_to_like_columns(const wg_sig *s, const wg_type *out)
{
    wg_runs runs;

    wg__runs(&s->in[0]->shape, broadcast_axes(&s->in[0]->shape, &out->shape), &runs);
    return wg__runs_columns(&runs);
}

static void sum_to_like_eval_i64(const wg_call *c)
{
    over_repeated(c, sizeof(int64_t), sum_step_i64);
}

static void sum_to_like_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_broadcast_like(v->dy, v->x[0]);
}

const wg_op wg_op_sum_to_like = {
    .name = "sum_to_like",
    .doc = "sum down to the extents of another tensor",
    .n_in = 2,
    .flags = WG_OP_ALIAS,
    .shape_only = WG_SHAPE_ONLY(1),
    .infer = sum_to_like_infer,
    .eval = WG_EVAL_KERNELS(WG_NUMBER(sum_to_like_eval)),
    .scratch = sum_to_like_scratch,
    .vjp = sum_to_like_vjp,
    .flops = join_flops,
    .more = WG_OP_MORE(.line = sum_to_like_line, .by_line = WG_BY_LINE(WG_NUMBER(sum_line)),
                       .columns = sum_to_like_columns, .adds = &wg_op_add),
};

wg_tensor *wg_sum_to_like(wg_tensor *x, wg_tensor *like)
{
    return wg_record2(&wg_op_sum_to_like, NULL, x, like);
}

WG_SMALL_END

#else /* the step, for each type and level */

/* ---- rows: inner is 1 ---- */

#define JOIN_LINES(name, op)                                                                       \
    static void FN(name##_line)(const void *attr, int64_t lines, int64_t n, const void *x,         \
                                void *y)                                                           \
    {                                                                                              \
        (void)attr;                                                                                \
        for (int64_t i = 0; i < lines; i++)                                                        \
            ((REAL *)y)[i] = FN(row)(op, (const REAL *)x + i * n, n);                              \
    }
JOIN_LINES(sum, WG_JOIN_SUM)
JOIN_LINES(prod, WG_JOIN_PROD)
JOIN_LINES(max, WG_JOIN_MAX)
JOIN_LINES(min, WG_JOIN_MIN)
#undef JOIN_LINES

static void FN(run_rows)(void *arg, int64_t lo, int64_t hi)
{
    const struct step *s = arg;
    const REAL *x = (const REAL *)s->x + lo * s->n;
    REAL *y = (REAL *)s->y + lo;

    switch (s->op) {
    case WG_JOIN_SUM:
        FN(sum_line)(NULL, hi - lo, s->n, x, y);
        break;
    case WG_JOIN_PROD:
        FN(prod_line)(NULL, hi - lo, s->n, x, y);
        break;
    case WG_JOIN_MAX:
        FN(max_line)(NULL, hi - lo, s->n, x, y);
        break;
    default:
        FN(min_line)(NULL, hi - lo, s->n, x, y);
        break;
    }
}

/* Blocks of few long rows: item o * blocks + b. */
static void FN(run_row_blocks)(void *arg, int64_t lo, int64_t hi)
{
    const struct step *s = arg;
    REAL *partial = s->partial;

    for (int64_t item = lo; item < hi; item++) {
        int64_t from = item % s->blocks * WG_BLOCK,
                n = s->n - from < WG_BLOCK ? s->n - from : WG_BLOCK;
        const REAL *x = (const REAL *)s->x + item / s->blocks * s->n + from;

        partial[item] = s->op == WG_JOIN_SUM ? FN(vsum)(x, n) : FN(wg__join_row)(s->op, x, n);
    }
}

static void FN(step_rows)(const wg_call *c, struct step *s)
{
    REAL *y = s->y, *partial = s->partial;

    if (c->threads < 2 || s->blocks < 2 || s->outer >= 4 * c->threads ||
        s->outer * s->n < 2 * WG_REDUCE_GRAIN) {
        wg_parallel(c->threads, s->outer, 1 + WG_REDUCE_GRAIN / s->n, FN(run_rows), s);
        return;
    }
    wg_parallel(c->threads, s->outer * s->blocks, WG_REDUCE_GRAIN / WG_BLOCK, FN(run_row_blocks),
                s);
    for (int64_t o = 0; o < s->outer; o++) {
        const REAL *p = partial + o * s->blocks;

        if (s->op == WG_JOIN_SUM) {
            y[o] = FN(tree_of)(p, s->blocks);
            continue;
        }
        y[o] = p[0];
        for (int64_t b = 1; b < s->blocks; b++) y[o] = FN(join1)(s->op, y[o], p[b]);
    }
}

/* ---- columns ---- */

/* Item (o chunks + chunk) blocks + block. */
static void FN(run_columns)(void *arg, int64_t lo, int64_t hi)
{
    const struct step *s = arg;
    const REAL *end = (const REAL *)s->x + s->outer * s->n * s->inner;

    for (int64_t item = lo; item < hi; item++) {
        int64_t b = item % s->blocks, chunk = item / s->blocks % s->chunks,
                o = item / s->blocks / s->chunks;
        int64_t row = b * WG_BLOCK, n = s->n - row < WG_BLOCK ? s->n - row : WG_BLOCK;
        int64_t from = chunk * s->chunk,
                m = s->inner - from < s->chunk ? s->inner - from : s->chunk;
        const REAL *x = (const REAL *)s->x + (o * s->n + row) * s->inner + from;
        REAL *y = s->blocks > 1 ? (REAL *)s->partial + (o * s->blocks + b) * s->inner + from
                                : (REAL *)s->y + o * s->inner + from;

        switch (s->op) {
        case WG_JOIN_SUM:
            FN(sum_columns)(x, n, s->inner, m, end, y);
            break;
#if WG_IS_SMALL
        default:
            FN(join_columns)(s->op, x, n, s->inner, m, end, y);
            break;
#else
        case WG_JOIN_PROD:
            FN(join_columns)(WG_JOIN_PROD, x, n, s->inner, m, end, y);
            break;
        case WG_JOIN_MAX:
            FN(join_columns)(WG_JOIN_MAX, x, n, s->inner, m, end, y);
            break;
        default:
            FN(join_columns)(WG_JOIN_MIN, x, n, s->inner, m, end, y);
            break;
#endif
        }
    }
}

/* Item o chunks + chunk: the tree over its blocks. */
static void FN(run_tree)(void *arg, int64_t lo, int64_t hi)
{
    const struct step *s = arg;

    for (int64_t item = lo; item < hi; item++) {
        int64_t o = item / s->chunks, from = item % s->chunks * s->chunk;
        int64_t m = s->inner - from < s->chunk ? s->inner - from : s->chunk;
        REAL *p = (REAL *)s->partial + o * s->blocks * s->inner + from;

        FOR_TREE(b, half, s->blocks)
        {
            REAL *to = p + b * s->inner;
            const REAL *other = to + half * s->inner;

            for (int64_t j = 0; j < m; j++) to[j] = FN(join1)(s->op, to[j], other[j]);
        }
        memcpy((REAL *)s->y + o * s->inner + from, p, (size_t)m * sizeof(REAL));
    }
}

static void FN(step_any)(const wg_call *c, int op, int64_t outer, int64_t n, int64_t inner,
                         const void *x, void *y, void *partial)
{
    struct step s = {
        .op = op, .outer = outer, .n = n, .inner = inner, .x = x, .y = y, .partial = partial
    };
    int64_t work;

    if (n == 0) {
        for (int64_t i = 0; i < outer * inner; i++) ((REAL *)y)[i] = op == WG_JOIN_PROD;
        return;
    }
    s.blocks = n / WG_BLOCK + (n % WG_BLOCK > 0);
    if (inner == 1) {
        FN(step_rows)(c, &s);
        return;
    }
    s.chunk = FN(WG_CHUNK);
    s.chunks = (inner + s.chunk - 1) / s.chunk;
    work = (n < WG_BLOCK ? n : WG_BLOCK) * (inner < s.chunk ? inner : s.chunk);
    wg_parallel(c->threads, outer * s.chunks * s.blocks, 1 + WG_REDUCE_GRAIN / (1 + work),
                FN(run_columns), &s);
    if (s.blocks > 1)
        wg_parallel(c->threads, outer * s.chunks, 1 + WG_REDUCE_GRAIN / (1 + s.blocks * s.chunk),
                    FN(run_tree), &s);
}

#define JOIN_REAL(name, op)                                                                        \
    static void FN(name##_step)(const wg_call *c, int64_t outer, int64_t n, int64_t inner,         \
                                const void *x, void *y, void *partial)                             \
    {                                                                                              \
        FN(step_any)(c, op, outer, n, inner, x, y, partial);                                       \
    }                                                                                              \
    static void FN(name##_eval)(const wg_call *c)                                                  \
    {                                                                                              \
        over_axes(c, sizeof(REAL), FN(name##_step));                                               \
    }
JOIN_REAL(sum, WG_JOIN_SUM)
JOIN_REAL(prod, WG_JOIN_PROD)
JOIN_REAL(max, WG_JOIN_MAX)
JOIN_REAL(min, WG_JOIN_MIN)
#undef JOIN_REAL

static void FN(sum_to_like_eval)(const wg_call *c)
{
    over_repeated(c, sizeof(REAL), FN(sum_step));
}

#endif
