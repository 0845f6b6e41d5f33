/*
 * prod.c: prod_others, the derivatives of products over a set of axes.
 * With formal increments e1, ..., em the product of (x_i + e1 d1_i + ... + em dm_i) over all i but
 * j is a polynomial; wanted is the coefficient of e1 e2 ... em. A polynomial without squares has
 * one coefficient for each subset of the increments, so products from the front and from the back,
 * 2^m numbers each, give every j in one sweep, without a division and hence right with zeros.
 */
#ifndef REAL
#include "reduce.h"

enum { MAX_OPERANDS = 6 };

struct others_attr {
    wg_axes axes;
};
static const wg_field others_fields[] = { WG_FIELD(struct others_attr, axes), WG_FIELDS_END };

struct others_job {
    const wg_call *c;
    wg_lines lines;
    char *back; /* for each share: n + 1 polynomials, products from the back */
    size_t back_bytes;
};

static size_t back_bytes(int64_t n, int n_in, size_t size)
{
    return wg__round64((size_t)(n + 1) * size << (n_in - 1));
}

#define WG_ONE_LEVEL
#define WG_TEMPLATE "prod.c"
#include "each_real.h"
#undef WG_ONE_LEVEL

static bool others_infer(const wg_sig *s, wg_type *out)
{
    const struct others_attr *at = s->attr;
    bool empty;

    if (s->n_in > MAX_OPERANDS)
        return wg_sig_fail(s, WG_ELIMIT, "a product can be differentiated %d times at most",
                           MAX_OPERANDS);
    if (!wg_sig_real(s, 0) || !wg_sig_same_dtype(s) ||
        !wg__reduce_type(s, s->in[0], &at->axes, true, out, &empty))
        return false;
    for (int i = 1; i < s->n_in; i++)
        if (!wg_type_equal(s->in[0], s->in[i]))
            return wg_sig_fail(s, WG_ESHAPE, "types differ: %s and %s", WG_TYPE_STR(s->in[0]),
                               WG_TYPE_STR(s->in[i]));
    *out = *s->in[0];
    return true;
}

static size_t others_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    const struct others_attr *at = s->attr;
    unsigned set = wg__axis_set(&at->axes, out->shape.rank);
    int64_t n = 1;

    if (wg__count(out) == 0) return 0;
    for (int i = 0; i < out->shape.rank; i++) n *= set >> i & 1 ? out->shape.dim[i] : 1;
    return wg__lines_scratch(&out->shape, set) +
           (size_t)threads * back_bytes(n, s->n_in, wg_dtype_size(out->dtype));
}

static double others_flops(const wg_sig *s, const wg_type *out)
{
    return (double)wg__count(out) * 3 * s->n_in * (double)(1 << (s->n_in - 1));
}

/* The rule is the record itself: moving x adds a direction, moving a direction replaces it. */
static void others_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct others_attr *at = v->attr;
    wg_tensor *x[MAX_OPERANDS + 1];

    for (int i = 0; i < v->n_in; i++) x[i] = v->x[i];
    x[v->n_in] = v->dy;
    if (v->need[0]) dx[0] = wg_prod_others(v->n_in + 1, x, at->axes);
    for (int i = 1; i < v->n_in; i++) {
        x[i] = v->dy;
        if (v->need[i]) dx[i] = wg_prod_others(v->n_in, x, at->axes);
        x[i] = v->x[i];
    }
}

const wg_op wg_op_prod_others = {
    .name = "prod_others",
    .doc = "product over a set of axes of all elements but one, and its derivatives",
    .n_in = -1,
    .attr_size = sizeof(struct others_attr),
    .fields = others_fields,
    .infer = others_infer,
    .eval = WG_EVAL_KERNELS(WG_REAL_ONE(others_eval)),
    .scratch = others_scratch,
    .vjp = others_vjp,
    .flops = others_flops,
};

wg_tensor *wg_prod_others(int n, wg_tensor *const *x, wg_axes axes)
{
    return wg_record(&wg_op_prod_others, &(struct others_attr){ axes }, n, x);
}

#else

/* p times the element's polynomial, in place: coefficients of larger sets first, since they need
 * the old ones of smaller sets. */
static inline void FN(times)(REAL *p, int m, REAL x, const REAL *d)
{
    for (int set = (1 << m) - 1; set >= 0; set--) {
        REAL sum = p[set] * x;

        for (int k = 0; k < m; k++)
            if (set >> k & 1) sum += p[set ^ 1 << k] * d[k];
        p[set] = sum;
    }
}

static void FN(others_lines)(void *arg, int share, int64_t lo, int64_t hi)
{
    const struct others_job *job = arg;
    const wg_call *c = job->c;
    const wg_lines *l = &job->lines;
    const REAL *x = c->x[0];
    REAL *back = (REAL *)(job->back + (size_t)share * job->back_bytes), *y = c->y, d[MAX_OPERANDS];
    int m = c->n_in - 1, all = (1 << m) - 1;

    for (int64_t line = lo; line < hi; line++) {
        int64_t first = wg__line_first(l, line);
        REAL front[1 << (MAX_OPERANDS - 1)] = { 1 }, *p = back + (l->n << m);

        for (int set = 0; set <= all; set++) p[set] = set == 0;
        for (int64_t i = l->n - 1; i > 0; i--, p -= 1 << m) {
            int64_t at = first + (l->at ? l->at[i] : i);

            for (int k = 0; k < m; k++) d[k] = ((const REAL *)c->x[k + 1])[at];
            memcpy(p - (1 << m), p, sizeof(REAL) << m);
            FN(times)(p - (1 << m), m, x[at], d);
        }
        for (int64_t i = 0; i < l->n; i++) {
            int64_t at = first + (l->at ? l->at[i] : i);
            const REAL *rest = back + ((i + 1) << m);
            REAL sum = 0;

            for (int set = 0; set <= all; set++) sum += front[set] * rest[all ^ set];
            y[at] = sum;
            for (int k = 0; k < m; k++) d[k] = ((const REAL *)c->x[k + 1])[at];
            FN(times)(front, m, x[at], d);
        }
    }
}

static void FN(others_eval)(const wg_call *c)
{
    const struct others_attr *at = c->attr;
    unsigned set = wg__axis_set(&at->axes, c->ty->shape.rank);
    struct others_job job = { .c = c };

    if (wg__count(c->ty) == 0) return;
    wg__lines(&c->ty->shape, set, c->scratch, &job.lines);
    job.back = (char *)c->scratch + wg__lines_scratch(&c->ty->shape, set);
    job.back_bytes = back_bytes(job.lines.n, c->n_in, sizeof(REAL));
    wg__shares(c, job.lines.count, job.lines.n * 4 * c->n_in, FN(others_lines), &job);
}

#endif
