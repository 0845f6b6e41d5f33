/*
 * inlined.c: kernels that make an operand's elements as they are wanted (WG_PASS_INLINE): the mean
 * of rows of a table without a copy of the rows, and rows added at indices that are products of a
 * column and a row, times a number, without those products in memory. Rows of a table lie anywhere,
 * so those of the next few places are asked for early.
 */
#ifndef REAL
#include "gemm.h"
#include "inlined.h"
#include "move.h"

enum {
    GRAIN = 16384, /* elements below which a second thread costs more than it saves */
    AHEAD = 4      /* rows */
};

/* ---- a product of one row and gathered rows ---- */

struct gathered_state {
    int64_t batch, k, n; /* rows of the result; gathered rows for each; columns */
};
_Static_assert(sizeof(struct gathered_state) <= WG_STATE, "fits");

/* ---- rows added at indices ---- */

enum { OUTER = 1, SCALED = 2 };

struct added_state {
    int64_t rows, columns, group;      /* consecutive rows that share a right side */
    int how, from, left, right, scale; /* bits; slots of the call */
    bool plus, onto;                   /* see wg__outer; operand 0 comes first */
};
_Static_assert(sizeof(struct added_state) <= WG_STATE, "fits");

#define WG_NARROW
#define WG_TEMPLATE "inlined.c"
#include "each_real.h"

static wg_eval_fn *pick(wg_eval_fn *const (*fn)[WG_N_LEVELS], wg_dtype by, int level)
{
    while (level > 0 && !fn[by][level]) level--;
    return fn[by][level];
}

bool wg__inline_gather(wg_inlined *in)
{
    static wg_eval_fn *const fn[WG_N_DTYPES][WG_N_LEVELS] = WG_REAL_NARROW(gathered_eval);
    const wg_sig *s = in->sig, *g = in->part[0].sig;
    struct gathered_state *st = in->state;
    wg__product p;
    int64_t batch = wg__products(&s->in[0]->shape, &s->in[1]->shape, s->attr, &in->out->shape, &p);

    if (in->n != 1 || in->part[0].operand != 1 || g->op != &wg_op_gather ||
        ((const struct wg__axis_attr *)g->attr)->axis != 0 || g->in[0]->shape.rank != 2 ||
        !wg_type_equal(s->in[1], in->part[0].out) || p.tb || p.m != 1 || p.n < 2 || p.k < 1 ||
        p.k > WG_GEMM_BLOCK || wg__count(s->in[0]) != batch * p.k ||
        wg__count(g->in[1]) != batch * p.k)
        return false;
    *st = (struct gathered_state){ batch, p.k, p.n };
    in->fn = pick(fn, in->by, in->level);
    in->check = wg__gather_check;
    return in->fn != NULL;
}

/* The product of two operands, of which one is a single number: its slot. -1: another. */
static int scale_of(const wg_inlined *in, int part, int64_t count)
{
    const wg_sig *s = in->part[part].sig;

    if (s->op != &wg_op_mul || wg__count(in->part[part].out) != count) return -1;
    for (int k = 0; k < 2; k++)
        if (wg__count(s->in[k]) == 1 && wg__count(s->in[1 - k]) == count) return k;
    return -1;
}

/* Whether part `part` is made of columns times rows of this length. */
static bool outer_of(const wg_inlined *in, int part, struct added_state *st)
{
    const wg_sig *s = in->part[part].sig;
    int64_t batch;
    wg__product p;

    if (s->op != &wg_op_matmul) return false;
    batch =
        wg__products(&s->in[0]->shape, &s->in[1]->shape, s->attr, &in->part[part].out->shape, &p);
    if (p.k != 1 || p.n != st->columns || batch * p.m != st->rows ||
        wg__count(s->in[0]) != st->rows || wg__count(s->in[1]) != batch * p.n)
        return false;
    st->group = p.m;
    st->plus = wg__as_dots(&p);
    st->how |= OUTER;
    return true;
}

bool wg__inline_scatter(wg_inlined *in)
{
    static wg_eval_fn *const fn[WG_N_DTYPES][WG_N_LEVELS] = WG_REAL_NARROW(added_eval);
    const wg_sig *s = in->sig;
    struct added_state *st = in->state;
    int operand = s->op == &wg_op_scatter_add ? 2 : 0, slot = s->n_in, part = 0;
    int64_t count = wg__count(s->in[operand]), rows = wg__count(s->in[1]);

    if (in->part[0].operand != operand || ((const struct wg__axis_attr *)s->attr)->axis != 0 ||
        count == 0 || count / rows < 2)
        return false;
    *st = (struct added_state){ .rows = rows, .columns = count / rows, .onto = operand == 2 };
    st->scale = scale_of(in, 0, count);
    if (st->scale >= 0) {
        if (in->n == 2 && in->part[1].operand == st->scale) return false;
        st->from = slot + 1 - st->scale;
        st->scale += slot;
        st->how = SCALED;
        slot += 2;
        part++;
    }
    if (part < in->n) {
        if (part + 1 != in->n || !outer_of(in, part, st)) return false;
        st->left = slot;
        st->right = slot + 1;
    }
    in->fn = pick(fn, in->by, in->level);
    return in->fn != NULL;
}

#else /* for each type and level */

/* W vectors of columns, the last with n lanes: the sum of k rows, each times its weight. */
WG_INLINE void FN(weighted)(const int W, int n, const struct gathered_state *st, const REAL *weight,
                            const REAL *table, const int64_t *index, const int64_t *next, REAL *y)
{
    V acc[4];

    WG_UNROLL
    for (int w = 0; w < W; w++) acc[w] = VSPLAT(0);
    for (int64_t k = 0; k < st->k; k++) {
        const REAL *row = table + index[k] * st->n, *later = table + next[k] * st->n;
        V left = VSPLAT(weight[k]);

        WG_UNROLL
        for (int w = 0; w < W; w++) {
            V right = w < W - 1 || n == W * VN ? VLOAD(row + w * VN)
                                               : VLOAD_N(row + w * VN, n - (W - 1) * VN);

            __builtin_prefetch(later + w * VN);
            acc[w] = vfma(left, right, acc[w]);
        }
    }
    WG_UNROLL
    for (int w = 0; w < W; w++) {
        if (w < W - 1 || n == W * VN) VSTORE(y + w * VN, acc[w]);
        else VSTORE_N(y + w * VN, acc[w], n - (W - 1) * VN);
    }
}

static void FN(gathered_rows)(void *arg, int64_t lo, int64_t hi)
{
    const wg_call *c = arg;
    const struct gathered_state *st = c->state;
    const REAL *table = c->x[2], *weight = (const REAL *)c->x[0] + lo * st->k;
    const int64_t *index = (const int64_t *)c->x[3] + lo * st->k;
    REAL *y = (REAL *)c->y + lo * st->n;

    for (; lo < hi; lo++, index += st->k, weight += st->k, y += st->n) {
        const int64_t *next = lo + 1 < hi ? index + st->k : index;
        int64_t j = 0, n = st->n;

        for (; n - j >= 4 * VN; j += 4 * VN)
            FN(weighted)(4, 4 * VN, st, weight, table + j, index, next, y + j);
        for (; n - j > VN; j += 2 * VN) {
            int two = (int)wg__least(n - j, 2 * VN);

            FN(weighted)(2, two, st, weight, table + j, index, next, y + j);
        }
        if (n > j) FN(weighted)(1, (int)(n - j), st, weight, table + j, index, next, y + j);
    }
}

static void FN(gathered_eval)(const wg_call *c)
{
    const struct gathered_state *st = c->state;
    wg_call copy = *c;

    wg_parallel(c->threads, st->batch, GRAIN / (st->n * st->k) + 1, FN(gathered_rows), &copy);
}

WG_INLINE void FN(add_row)(const int HOW, const struct added_state *st, REAL a, REAL scale,
                           const REAL *from, REAL *to, int64_t n)
{
    V left = VSPLAT(a), by = VSPLAT(scale), zero = VSPLAT(0);

    for (int64_t i = 0; i < n; i += VN) {
        int here = (int)wg__least(n - i, VN);
        V x = here == VN ? VLOAD(from + i) : VLOAD_N(from + i, here);
        V y = here == VN ? VLOAD(to + i) : VLOAD_N(to + i, here);

        if (HOW & OUTER) x = vfma(left, x, zero);
        if ((HOW & OUTER) && st->plus) x = x + zero;
        if (HOW & SCALED) x = x * by;
        y = y + x;
        if (here == VN) VSTORE(to + i, y);
        else VSTORE_N(to + i, y, here);
    }
}

/* Columns lo..hi-1 of all rows, in their order. */
WG_INLINE void FN(add_rows)(const int HOW, const wg_call *c, int64_t lo, int64_t hi)
{
    const struct added_state *st = c->state;
    const int64_t *index = c->x[1];
    const REAL *from = (const REAL *)c->x[HOW & OUTER ? st->right : st->from] + lo;
    const REAL *left = HOW & OUTER ? c->x[st->left] : NULL;
    REAL scale = HOW & SCALED ? *(const REAL *)c->x[st->scale] : 1, *to = (REAL *)c->y + lo;
    int64_t group = HOW & OUTER ? st->group : 1, in_group = 0;

    for (int64_t j = 0; j < st->rows; j++) {
        const REAL *later = to + index[wg__least(j + AHEAD, st->rows - 1)] * st->columns;
        REAL factor = HOW & OUTER ? left[j] : 1, *row = to + index[j] * st->columns;

        for (int64_t i = 0; i < hi - lo; i += 64 / (int64_t)sizeof(REAL))
            __builtin_prefetch(later + i, 1);
        FN(add_row)(HOW, st, factor, scale, from, row, hi - lo);
        if (++in_group < group) continue;
        in_group = 0;
        from += st->columns;
    }
}

static void FN(add_columns)(void *arg, int64_t lo, int64_t hi)
{
    const wg_call *c = arg;

    switch (((const struct added_state *)c->state)->how) {
    case OUTER:
        FN(add_rows)(OUTER, c, lo, hi);
        break;
    case SCALED:
        FN(add_rows)(SCALED, c, lo, hi);
        break;
    default:
        FN(add_rows)(OUTER | SCALED, c, lo, hi);
    }
}

static void FN(added_eval)(const wg_call *c)
{
    const struct added_state *st = c->state;
    wg_call copy = *c;
    int64_t grain = (GRAIN / st->rows + 1 + 15) / 16 * 16;

    if (!wg__indices_fit(c, 1, 0, c->ty)) return;
    if (!st->onto) wg__fill(c->y, c->ty->dtype, wg__count(c->ty), 0, c->threads);
    else if (c->y != c->x[0]) wg__copy(c->y, c->x[0], wg_type_bytes(c->ty), c->threads);
    wg_parallel(c->threads, st->columns, grain, FN(add_columns), &copy);
}
#endif
