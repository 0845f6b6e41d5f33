/*
 * extreme.c: where the largest and the smallest elements lie: argmax, argmin, and the pair that
 * gradients of max and min record. "First" is the first in row-major order; a NaN beats every
 * number.
 */
#ifndef REAL
#include "move.h"
#include "reduce.h"
#include "reduce_vec.h"

enum { POSITIONS = 256 }; /* lines looked at together */

struct extreme_attr {
    wg_axes axes;
    bool keepdims, smallest;
};
static const wg_field extreme_fields[] = {
    WG_FIELD(struct extreme_attr, axes),
    WG_FIELD(struct extreme_attr, keepdims),
    WG_FIELD(struct extreme_attr, smallest),
    WG_FIELDS_END,
};

struct arg_attr {
    int64_t axis;
    bool keepdims;
};
static const wg_field arg_fields[] = {
    WG_FIELD(struct arg_attr, axis),
    WG_FIELD(struct arg_attr, keepdims),
    WG_FIELDS_END,
};

struct extreme_job {
    const wg_call *c;
    wg_lines lines;
    bool smallest;
};

/* Columns of one run: the lines side by side, a vector of them at a time. */
static bool lines_are_columns(const wg_lines *l)
{
    int n = l->runs.n;

    return l->at && !l->runs.reduced[n - 1] && (n == 2 || (n == 3 && !l->runs.reduced[0])) &&
           l->n <= INT32_MAX;
}

static void extreme_lines(const wg_call *c, const wg_type *x, unsigned set, bool smallest,
                          struct extreme_job *job)
{
    job->c = c;
    job->smallest = smallest;
    wg__lines(&x->shape, set, c->scratch, &job->lines);
}

#define WG_PLAIN_DOUBLE
#define WG_NO_AVX512 /* they wait for memory */
#define WG_TEMPLATE "extreme.c"
#include "each_real.h"

/* ---- argmax, argmin ---- */

WG_SMALL_BEGIN

static void arg_lines_i64(void *arg, int share, int64_t lo, int64_t hi)
{
    const struct extreme_job *job = arg;

    (void)share;
    for (int64_t line = lo; line < hi; line++) {
        const int64_t *x = (const int64_t *)job->c->x[0] + wg__line_first(&job->lines, line);
        int64_t best = 0;

        for (int64_t i = 1; i < job->lines.n; i++) {
            int64_t a = x[job->lines.at ? job->lines.at[i] : i],
                    b = x[job->lines.at ? job->lines.at[best] : best];

            if (job->smallest ? a < b : a > b) best = i;
        }
        ((int64_t *)job->c->y)[line] = best;
    }
}

static void arg_i64(const wg_call *c, bool smallest)
{
    const struct arg_attr *at = c->attr;
    struct extreme_job job;

    extreme_lines(c, c->tx[0], 1u << wg__axis(at->axis, c->tx[0]->shape.rank), smallest, &job);
    wg__shares(c, job.lines.count, job.lines.n, arg_lines_i64, &job);
}

static void argmax_eval_i64(const wg_call *c)
{
    arg_i64(c, false);
}

static void argmin_eval_i64(const wg_call *c)
{
    arg_i64(c, true);
}

static bool arg_infer(const wg_sig *s, wg_type *out)
{
    const struct arg_attr *at = s->attr;
    wg_axes axes = { 1, { 0 } };
    bool empty;

    if (!wg__sig_number(s) || !wg_sig_axis(s, at->axis, s->in[0]->shape.rank, &axes.axis[0]) ||
        !wg__reduce_type(s, s->in[0], &axes, at->keepdims, out, &empty))
        return false;
    if (empty)
        return wg_sig_fail(s, WG_ESHAPE, "no element to choose from: %s", WG_TYPE_STR(s->in[0]));
    out->dtype = WG_I64;
    return true;
}

static size_t arg_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    const struct arg_attr *at = s->attr;

    (void)out, (void)threads;
    return wg__lines_scratch(&s->in[0]->shape, 1u << wg__axis(at->axis, s->in[0]->shape.rank));
}

static double extreme_flops(const wg_sig *s, const wg_type *out)
{
    (void)out;
    return (double)wg__count(s->in[s->n_in - 1]);
}

#define WG_NUMBER(f)                                                                               \
    {                                                                                              \
        [WG_F32] = WG_LEVELS_NARROW(f##_f32), [WG_F64] = { f##_f64_0 },                            \
        [WG_I64] = { f##_i64 }                                                                     \
    }

const wg_op wg_op_argmax = {
    .name = "argmax",
    .doc = "position of the first largest element along an axis",
    .n_in = 1,
    .flags = WG_OP_NO_GRAD,
    .attr_size = sizeof(struct arg_attr),
    .fields = arg_fields,
    .infer = arg_infer,
    .eval = WG_EVAL_KERNELS(WG_NUMBER(argmax_eval)),
    .scratch = arg_scratch,
    .flops = extreme_flops,
};

wg_tensor *wg_argmax(wg_tensor *x, int axis, bool keepdims)
{
    return wg_record1(&wg_op_argmax, &(struct arg_attr){ axis, keepdims }, x);
}

const wg_op wg_op_argmin = {
    .name = "argmin",
    .doc = "position of the first smallest element along an axis",
    .n_in = 1,
    .flags = WG_OP_NO_GRAD,
    .attr_size = sizeof(struct arg_attr),
    .fields = arg_fields,
    .infer = arg_infer,
    .eval = WG_EVAL_KERNELS(WG_NUMBER(argmin_eval)),
    .scratch = arg_scratch,
    .flops = extreme_flops,
};

wg_tensor *wg_argmin(wg_tensor *x, int axis, bool keepdims)
{
    return wg_record1(&wg_op_argmin, &(struct arg_attr){ axis, keepdims }, x);
}

/* ---- extreme_scatter, extreme_pick: each the other's adjoint in the first operand ---- */

static size_t extreme_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    const struct extreme_attr *at = s->attr;

    (void)out, (void)threads;
    return wg__lines_scratch(&s->in[1]->shape, wg__axis_set(&at->axes, s->in[1]->shape.rank));
}

/* Both operands real and of one element type; *reduced is the type of x reduced. */
static bool extreme_operands(const wg_sig *s, wg_type *reduced)
{
    const struct extreme_attr *at = s->attr;
    bool empty;

    if (!wg_sig_real(s, 0) || !wg_sig_same_dtype(s) ||
        !wg__reduce_type(s, s->in[1], &at->axes, at->keepdims, reduced, &empty))
        return false;
    return !empty ||
           wg_sig_fail(s, WG_ESHAPE, "no element to choose from: %s", WG_TYPE_STR(s->in[1]));
}

static bool extreme_scatter_infer(const wg_sig *s, wg_type *out)
{
    wg_type reduced;

    if (!extreme_operands(s, &reduced)) return false;
    if (!wg_type_equal(s->in[0], &reduced))
        return wg_sig_fail(s, WG_ESHAPE, "%s is not %s reduced: wanted %s", WG_TYPE_STR(s->in[0]),
                           WG_TYPE_STR(s->in[1]), WG_TYPE_STR(&reduced));
    *out = *s->in[1];
    return true;
}

static void extreme_scatter_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct extreme_attr *at = v->attr;

    if (v->need[0]) dx[0] = wg_extreme_pick(v->dy, v->x[1], at->axes, at->keepdims, at->smallest);
}

const wg_op wg_op_extreme_scatter = {
    .name = "extreme_scatter",
    .doc = "values put where the extremes over a set of axes lie",
    .n_in = 2,
    .attr_size = sizeof(struct extreme_attr),
    .fields = extreme_fields,
    .infer = extreme_scatter_infer,
    .eval = WG_EVAL_KERNELS(WG_REAL_SINGLE_AVX2(extreme_scatter_eval)),
    .scratch = extreme_scratch,
    .vjp = extreme_scatter_vjp,
    .flops = extreme_flops,
};

wg_tensor *wg_extreme_scatter(wg_tensor *dy, wg_tensor *x, wg_axes axes, bool keepdims,
                              bool smallest)
{
    return wg_record2(&wg_op_extreme_scatter, &(struct extreme_attr){ axes, keepdims, smallest },
                      dy, x);
}

static bool extreme_pick_infer(const wg_sig *s, wg_type *out)
{
    if (!extreme_operands(s, out)) return false;
    return wg_type_equal(s->in[0], s->in[1]) ||
           wg_sig_fail(s, WG_ESHAPE, "types differ: %s and %s", WG_TYPE_STR(s->in[0]),
                       WG_TYPE_STR(s->in[1]));
}

static void extreme_pick_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct extreme_attr *at = v->attr;

    if (v->need[0])
        dx[0] = wg_extreme_scatter(v->dy, v->x[1], at->axes, at->keepdims, at->smallest);
}

const wg_op wg_op_extreme_pick = {
    .name = "extreme_pick",
    .doc = "values read where the extremes over a set of axes lie",
    .n_in = 2,
    .attr_size = sizeof(struct extreme_attr),
    .fields = extreme_fields,
    .infer = extreme_pick_infer,
    .eval = WG_EVAL_KERNELS(WG_REAL_SINGLE_AVX2(extreme_pick_eval)),
    .scratch = extreme_scratch,
    .vjp = extreme_pick_vjp,
    .flops = extreme_flops,
};

wg_tensor *wg_extreme_pick(wg_tensor *u, wg_tensor *x, wg_axes axes, bool keepdims, bool smallest)
{
    return wg_record2(&wg_op_extreme_pick, &(struct extreme_attr){ axes, keepdims, smallest }, u,
                      x);
}

WG_SMALL_END

#else /* finding, for each type and level */

/* Is a better than b, of which the first wins at ties? */
WG_INLINE M FN(better)(bool smallest, V a, V b)
{
    M nan_first = vand(vne(a, a), veq(b, b));

    return smallest ? vor(vlt(a, b), nan_first) : vor(vgt(a, b), nan_first);
}

WG_INLINE bool FN(better1)(bool smallest, REAL a, REAL b)
{
    return (smallest ? a < b : a > b) || (a != a && b == b);
}

/* Position of the first extreme of a contiguous row: its value first, then where that value is. */
static int64_t FN(find_row)(const REAL *x, int64_t n, bool smallest)
{
    REAL top = FN(wg__join_row)(smallest ? WG_JOIN_MIN : WG_JOIN_MAX, x, n);
    bool nan = top != top;
    int64_t i = 0;

    for (; i + VN <= n; i += VN) {
        V v = VLOAD(x + i);

        if (nan ? vany(vne(v, v)) : vany(veq(v, VSPLAT(top)))) break;
    }
    while (nan ? x[i] == x[i] : x[i] != top) i++;
    return i;
}

/* m <= POSITIONS neighbouring columns: the best so far and its row, lane by lane. */
WG_INLINE void FN(find_columns)(const REAL *x, int64_t n, int64_t step, int64_t m, bool smallest,
                                int64_t *row)
{
    _Alignas(64) REAL best[POSITIONS];
    _Alignas(64) REAL where[POSITIONS]; /* integers of the same size, moved by the same masks */
    INT at[POSITIONS];

    memcpy(best, x, (size_t)m * sizeof(REAL));
    for (int64_t j = m; j < m + VN && j < POSITIONS; j++) best[j] = 0;
    memset(where, 0, sizeof where);
    for (int64_t i = 1; i < n; i++) {
        const REAL *p = x + i * step;
        V here = (V)((VI){ 0 } + (INT)i);

        for (int64_t j = 0; j < m; j += VN) {
            V v = m - j >= VN ? VLOAD(p + j) : VLOAD_N(p + j, (int)(m - j)), b = VLOAD(best + j);
            M better = FN(better)(smallest, v, b);

            VSTORE(best + j, vsel(better, v, b));
            VSTORE(where + j, vsel(better, here, VLOAD(where + j)));
        }
    }
    memcpy(at, where, sizeof at);
    for (int64_t j = 0; j < m; j++) row[j] = at[j];
}

/* Position of the first extreme of a line whose elements lie anywhere. */
WG_INLINE int64_t FN(find_at)(const REAL *x, const int64_t *at, int64_t n, bool smallest)
{
    REAL top = x[at[0]];
    int64_t first = 0;

    for (int64_t i = 1; i < n; i++) {
        REAL here = x[at[i]];

        if (!FN(better1)(smallest, here, top)) continue;
        top = here;
        first = i;
    }
    return first;
}

/* Elements, counted along their lines, that are the extremes of lines line .. line + count - 1; as
 * many as fit together are found, at most POSITIONS, and their number is returned. */
__attribute__((noinline)) static int FN(find)(const struct extreme_job *job, const REAL *x,
                                              int64_t line, int64_t end, int64_t *index)
{
    const wg_lines *l = &job->lines;

    if (!l->at) {
        index[0] = FN(find_row)(x + line * l->n, l->n, job->smallest);
        return 1;
    }
    if (lines_are_columns(l)) {
        int64_t inner = l->runs.extent[l->runs.n - 1], m = inner - line % inner;

        if (m > end - line) m = end - line;
        if (m > POSITIONS) m = POSITIONS;
        x += wg__line_first(l, line);
        if (job->smallest) FN(find_columns)(x, l->n, inner, m, true, index);
        else FN(find_columns)(x, l->n, inner, m, false, index);
        return (int)m;
    }
    x += wg__line_first(l, line);
    index[0] = job->smallest ? FN(find_at)(x, l->at, l->n, true)
                             : FN(find_at)(x, l->at, l->n, false);
    return 1;
}

static void FN(arg_lines)(void *arg, int share, int64_t lo, int64_t hi)
{
    const struct extreme_job *job = arg;
    int64_t *y = job->c->y, index[POSITIONS];

    (void)share;
    for (int64_t line = lo; line < hi;) {
        int m = FN(find)(job, job->c->x[0], line, hi, index);

        memcpy(y + line, index, (size_t)m * sizeof *y);
        line += m;
    }
}

WG_INLINE void FN(arg_eval)(const wg_call *c, bool smallest)
{
    const struct arg_attr *at = c->attr;
    struct extreme_job job;

    extreme_lines(c, c->tx[0], 1u << wg__axis(at->axis, c->tx[0]->shape.rank), smallest, &job);
    wg__shares(c, job.lines.count, job.lines.n, FN(arg_lines), &job);
}

static void FN(argmax_eval)(const wg_call *c)
{
    FN(arg_eval)(c, false);
}

static void FN(argmin_eval)(const wg_call *c)
{
    FN(arg_eval)(c, true);
}

static void FN(scatter_lines)(void *arg, int share, int64_t lo, int64_t hi)
{
    const struct extreme_job *job = arg;
    const wg_lines *l = &job->lines;
    const REAL *dy = job->c->x[0];
    int64_t index[POSITIONS];

    (void)share;
    for (int64_t line = lo; line < hi;) {
        int m = FN(find)(job, job->c->x[1], line, hi, index);

        for (int k = 0; k < m; k++, line++)
            ((REAL *)job->c->y)[wg__line_first(l, line) + (l->at ? l->at[index[k]] : index[k])] =
                dy[line];
    }
}

static void FN(extreme_scatter_eval)(const wg_call *c)
{
    const struct extreme_attr *at = c->attr;
    struct extreme_job job;

    extreme_lines(c, c->tx[1], wg__axis_set(&at->axes, c->tx[1]->shape.rank), at->smallest, &job);
    wg__fill(c->y, c->ty->dtype, wg__count(c->ty), 0, c->threads);
    if (wg__count(c->ty) > 0) wg__shares(c, job.lines.count, job.lines.n, FN(scatter_lines), &job);
}

static void FN(pick_lines)(void *arg, int share, int64_t lo, int64_t hi)
{
    const struct extreme_job *job = arg;
    const wg_lines *l = &job->lines;
    const REAL *u = job->c->x[0];
    int64_t index[POSITIONS];

    (void)share;
    for (int64_t line = lo; line < hi;) {
        int m = FN(find)(job, job->c->x[1], line, hi, index);

        for (int k = 0; k < m; k++, line++)
            ((REAL *)job->c->y)[line] =
                u[wg__line_first(l, line) + (l->at ? l->at[index[k]] : index[k])];
    }
}

static void FN(extreme_pick_eval)(const wg_call *c)
{
    const struct extreme_attr *at = c->attr;
    struct extreme_job job;

    extreme_lines(c, c->tx[1], wg__axis_set(&at->axes, c->tx[1]->shape.rank), at->smallest, &job);
    wg__shares(c, job.lines.count, job.lines.n, FN(pick_lines), &job);
}

#endif
