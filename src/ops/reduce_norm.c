/* reduce_norm.c: logsumexp and norm over any set of axes: reductions that must not overflow on the
 * way. */
#ifndef REAL
#include <math.h>

#include "reduce.h"
#include "reduce_vec.h"

/* Lines that lie side by side are gathered together, so that each piece of memory is read once. */
enum { TILE_LINES = 16, TILE_ELEMENTS = 32768 };

struct tile_job {
    const wg_call *c;
    wg_lines lines;
    char *tile; /* for each share: lines, gathered into rows */
    size_t tile_bytes;
    int64_t tile_lines;
};

static int64_t tile_lines(int64_t n)
{
    int64_t m = n > 0 ? TILE_ELEMENTS / n : TILE_LINES;

    return m < 1 ? 1 : m > TILE_LINES ? TILE_LINES : m;
}

static void tile_begin(const wg_call *c, struct tile_job *job)
{
    const struct reduce_attr *at = c->attr;
    const wg_shape *x = &c->tx[0]->shape;
    unsigned set = wg__axis_set(&at->axes, x->rank);

    job->c = c;
    wg__lines(x, set, c->scratch, &job->lines);
    job->tile = (char *)c->scratch + wg__lines_scratch(x, set);
    job->tile_lines = tile_lines(job->lines.n);
    job->tile_bytes =
        wg__round64((size_t)(job->tile_lines * job->lines.n) * wg_dtype_size(c->tx[0]->dtype));
}

#define WG_PLAIN_DOUBLE
#define WG_TEMPLATE "reduce_norm.c"
#include "each_real.h"

WG_SMALL_BEGIN

static bool norm_infer(const wg_sig *s, wg_type *out)
{
    const struct reduce_attr *at = s->attr;
    bool empty;

    return wg_sig_real(s, 0) && wg__reduce_type(s, s->in[0], &at->axes, at->keepdims, out, &empty);
}

static size_t norm_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    const struct reduce_attr *at = s->attr;
    const wg_shape *x = &s->in[0]->shape;
    unsigned set = wg__axis_set(&at->axes, x->rank);
    size_t table = wg__lines_scratch(x, set);
    int64_t n = 1;

    if (table == 0) return 0;
    for (int i = 0; i < x->rank; i++) n *= set >> i & 1 ? x->dim[i] : 1;
    return table +
           (size_t)threads * wg__round64((size_t)(tile_lines(n) * n) * wg_dtype_size(out->dtype));
}

static double norm_flops(const wg_sig *s, const wg_type *out)
{
    (void)out;
    return 2 * (double)wg__count(s->in[0]);
}

/* ---- logsumexp: log of the sum of e^x; the largest x is subtracted first ---- */

/* dx = dy e^(x - y). Where y is -inf there is no largest x to follow: the gradient is 0. */
static void logsumexp_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct reduce_attr *at = v->attr;
    wg_tensor *none = wg_eq(v->y, wg_scalar_like(v->y, -INFINITY));
    wg_tensor *y = wg_where(none, wg_scalar_like(v->y, 0), v->y);
    wg_tensor *part = wg_exp(wg_sub(v->x[0], wg_expand_like(y, v->x[0], at->axes, at->keepdims)));

    dx[0] = wg_mul(wg_expand_like(v->dy, v->x[0], at->axes, at->keepdims), part);
}

const wg_op wg_op_logsumexp = {
    .name = "logsumexp",
    .doc = "logarithm of the sum of exponentials over a set of axes",
    .n_in = 1,
    .attr_size = sizeof(struct reduce_attr),
    .fields = wg__reduce_fields,
    .infer = norm_infer,
    .eval = WG_EVAL_KERNELS(WG_REAL_SINGLE(logsumexp_eval)),
    .scratch = norm_scratch,
    .vjp = logsumexp_vjp,
    .flops = norm_flops,
};

wg_tensor *wg_logsumexp(wg_tensor *x, wg_axes axes, bool keepdims)
{
    return wg_record1(&wg_op_logsumexp, &(struct reduce_attr){ axes, keepdims }, x);
}

/* ---- norm: square root of the sum of squares ---- */

/* dx = dy x / y, and 0 where y is 0. x / y is at most 1, whatever the size of both. */
static void norm_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct reduce_attr *at = v->attr;
    wg_tensor *zero = wg_eq(v->y, wg_scalar_like(v->y, 0));
    wg_tensor *y = wg_where(zero, wg_scalar_like(v->y, 1), v->y);
    wg_tensor *dy = wg_where(zero, wg_scalar_like(v->y, 0), v->dy);
    wg_tensor *direction = wg_div(v->x[0], wg_expand_like(y, v->x[0], at->axes, at->keepdims));

    dx[0] = wg_mul(wg_expand_like(dy, v->x[0], at->axes, at->keepdims), direction);
}

const wg_op wg_op_norm = {
    .name = "norm",
    .doc = "square root of the sum of squares over a set of axes",
    .n_in = 1,
    .attr_size = sizeof(struct reduce_attr),
    .fields = wg__reduce_fields,
    .infer = norm_infer,
    .eval = WG_EVAL_KERNELS(WG_REAL_SINGLE(norm_eval)),
    .scratch = norm_scratch,
    .vjp = norm_vjp,
    .flops = norm_flops,
};

wg_tensor *wg_norm(wg_tensor *x, wg_axes axes, bool keepdims)
{
    return wg_record1(&wg_op_norm, &(struct reduce_attr){ axes, keepdims }, x);
}

WG_SMALL_END

#else

/* Lines line .. line + m - 1 as contiguous rows; returns where they are. */
static const REAL *FN(tile)(const struct tile_job *job, int share, int64_t line, int64_t end,
                            int64_t *m)
{
    const wg_lines *l = &job->lines;
    const REAL *x = (const REAL *)job->c->x[0] + wg__line_first(l, line);
    REAL *row = (REAL *)(job->tile + (size_t)share * job->tile_bytes);
    int last = l->runs.n - 1;

    *m = 1;
    if (!l->at) return x;
    if (!l->runs.reduced[last]) {
        *m = l->runs.extent[last] - line % l->runs.extent[last];
        if (*m > end - line) *m = end - line;
        if (*m > job->tile_lines) *m = job->tile_lines;
    }
    for (int64_t i = 0; i < l->n; i++)
        for (int64_t k = 0; k < *m; k++) row[k * l->n + i] = x[l->at[i] + k];
    return row;
}

static REAL FN(logsumexp_row)(const REAL *x, int64_t n)
{
    REAL top = n > 0 ? FN(row)(WG_JOIN_MAX, x, n) : 0;

    if (!isfinite(top)) top = 0;
    return (REAL)log((double)FN(wg__exp_row)(x, n, top, NULL)) + top;
}

static void FN(logsumexp_lines)(void *arg, int share, int64_t lo, int64_t hi)
{
    const struct tile_job *job = arg;

    for (int64_t line = lo, m; line < hi; line += m) {
        const REAL *x = FN(tile)(job, share, line, hi, &m);

        for (int64_t k = 0; k < m; k++)
            ((REAL *)job->c->y)[line + k] = FN(logsumexp_row)(x + k * job->lines.n, job->lines.n);
    }
}

static void FN(logsumexp_eval)(const wg_call *c)
{
    struct tile_job job;

    tile_begin(c, &job);
    wg__shares(c, job.lines.count, 4 * job.lines.n, FN(logsumexp_lines), &job);
}

/* The squares over- or underflow: f32 has room in double; f64 is scaled by a power of two. */
static REAL FN(norm_far)(const REAL *x, int64_t n)
{
    double top = 0, sum = 0, scale = 1;
    int e;

    for (int64_t i = 0; i < n; i++) {
        double a = fabs((double)x[i]);

        if (a > top || a != a) top = a;
        if (a != a) return x[i];
    }
    if (top == 0 || isinf(top)) return (REAL)top;
    if (sizeof(REAL) == sizeof(double)) {
        frexp(top, &e);
        scale = ldexp(1, e < -1000 ? 1000 : e > 1000 ? -1000 : -e);
    }
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * scale * ((double)x[i] * scale);
    return (REAL)(sqrt(sum) / scale);
}

static REAL FN(norm_row)(const REAL *x, int64_t n)
{
    /* below `low` squares may have lost digits to underflow */
    const REAL low = sizeof(REAL) == sizeof(float) ? (REAL)1e-28 : (REAL)1e-280;
    REAL term[WG_BLOCK], total;
    FN(wg_tree) sum = { 0, { 0 } };

    for (int64_t from = 0; from < n; from += WG_BLOCK) {
        int64_t m = n - from < WG_BLOCK ? n - from : WG_BLOCK;

        for (int64_t i = 0; i < m; i += VN) {
            int w = m - i < VN ? (int)(m - i) : VN;
            V v = w == VN ? VLOAD(x + from + i) : VLOAD_N(x + from + i, w);

            if (w == VN) VSTORE(term + i, v * v);
            else VSTORE_N(term + i, v * v, w);
        }
        FN(tree_add)(&sum, FN(vsum_block)(term, m));
    }
    total = FN(tree_total)(&sum);
    return total >= low && isfinite(total) ? (REAL)sqrt((double)total) : FN(norm_far)(x, n);
}

static void FN(norm_lines)(void *arg, int share, int64_t lo, int64_t hi)
{
    const struct tile_job *job = arg;

    for (int64_t line = lo, m; line < hi; line += m) {
        const REAL *x = FN(tile)(job, share, line, hi, &m);

        for (int64_t k = 0; k < m; k++)
            ((REAL *)job->c->y)[line + k] = FN(norm_row)(x + k * job->lines.n, job->lines.n);
    }
}

static void FN(norm_eval)(const wg_call *c)
{
    struct tile_job job;

    tile_begin(c, &job);
    wg__shares(c, job.lines.count, job.lines.n, FN(norm_lines), &job);
}

#endif
