/*
 * inlined.c: kernels that make an operand's elements as they are wanted (WG_PASS_INLINE): the mean
 * of rows of a table without a copy of the rows, divided before it is written, and rows added at
 * indices that are products of a column and a row, times a number, without those products in memory.
 * Rows of a table lie anywhere, so those of the next few places are asked for early.
 */
#ifndef REAL
#include "gemm.h"
#include "inlined.h"
#include "move.h"

enum {
    GRAIN = 65536, /* elements below which a second thread costs more than it saves */
    AHEAD = 4,     /* rows */
    LOOK = 256,    /* rows that a part looks for its own among at a time */
    LINE = 64      /* elements of a part at least, and places */
};

/* ---- a product of one row and gathered rows ---- */

struct gathered_state {
    int64_t batch, k, n; /* rows of the result; gathered rows for each; columns */
    int product, by; /* slots of the call: operands of the product; divisors of its rows, or -1 */
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

/* Parts share out the places written to, or where these are few, columns. */
struct added_job {
    const wg_call *c;
    int64_t parts;
    bool across;
};

/* Where a row is added, and what it is made of. */
struct added_row {
    char *to;
    const char *from;
    int64_t row;
};

WG_SMALL_BEGIN

static struct added_job added_job(const wg_call *c)
{
    const struct added_state *st = c->state;
    int64_t places = c->ty->shape.dim[0], work = st->rows * st->columns;
    int64_t parts = wg__least(work / GRAIN, c->threads);

    return (struct added_job){ c, parts > 1 ? parts : 1,
                               places < LINE * parts && st->columns >= LINE * parts };
}

WG_SMALL_END

/* Of rows at..end-1, `size` bytes an element, those of a part: what falls on one place is one
 * part's, in the order of the indices. The places are dealt by a hash, for words that are frequent
 * have indices side by side. */
static int64_t added_rows(const struct added_job *j, uint64_t part, int64_t at, int64_t end,
                          size_t size, struct added_row *row)
{
    const struct added_state *st = j->c->state;
    const int64_t *index = j->c->x[1];
    size_t width = (size_t)st->columns * size;
    int64_t right = at / st->group, in_group = at % st->group, n = 0;
    const char *from = (const char *)j->c->x[st->how & OUTER ? st->right : st->from];
    uint64_t parts = j->across ? 1 : (uint64_t)j->parts;

    from += (size_t)right * width;
    for (; at < end; at++) {
        uint32_t mixed = (uint32_t)index[at] * 0x9E3779B1u;

        row[n] = (struct added_row){ (char *)j->c->y + (size_t)index[at] * width, from, at };
        n += parts == 1 || mixed * parts >> 32 == part; /* no branch: there is no telling which */
        if (++in_group < st->group) continue;
        in_group = 0;
        from += width;
    }
    return n;
}

#define WG_NARROW
#define WG_TEMPLATE "inlined.c"
#include "each_real.h"

WG_SMALL_BEGIN

static wg_eval_fn *pick(wg_eval_fn *const (*fn)[WG_N_LEVELS], wg_dtype by, int level)
{
    while (level > 0 && !fn[by][level]) level--;
    return fn[by][level];
}

/* Whether the entry divides each row of part 0 by a number of its own. */
static bool divides_rows(const wg_inlined *in, int64_t rows)
{
    const wg_type *by = in->sig->in[1];

    return in->n == 2 && in->part[0].operand == 0 && wg__count(by) == rows && by->shape.rank > 0 &&
           by->shape.dim[by->shape.rank - 1] == 1 && wg_type_equal(in->out, in->part[0].out);
}

bool wg__inline_gather(wg_inlined *in)
{
    static wg_eval_fn *const fn[WG_N_DTYPES][WG_N_LEVELS] = WG_REAL_NARROW(gathered_eval);
    int last = in->n - 1, divided = in->sig->op == &wg_op_div;
    const wg_sig *s = divided ? in->part[0].sig : in->sig, *g = in->part[last].sig;
    struct gathered_state *st = in->state;
    wg__product p;
    int64_t batch;

    if (s->op != &wg_op_matmul || last != divided || in->part[last].operand != 1 ||
        g->op != &wg_op_gather || ((const struct wg__axis_attr *)g->attr)->axis != 0 ||
        g->in[0]->shape.rank != 2 || !wg_type_equal(s->in[1], in->part[last].out))
        return false;
    batch = wg__products(&s->in[0]->shape, &s->in[1]->shape, s->attr,
                         &(divided ? in->part[0].out : in->out)->shape, &p);
    if (p.tb || p.m != 1 || p.n < 2 || p.k < 1 || p.k > WG_GEMM_BLOCK ||
        wg__count(s->in[0]) != batch * p.k || wg__count(g->in[1]) != batch * p.k ||
        (divided && !divides_rows(in, batch)))
        return false;
    *st = (struct gathered_state){ batch, p.k, p.n, 2 * divided, divided ? 1 : -1 };
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
    *st = (struct added_state){
        .rows = rows, .columns = count / rows, .group = 1, .from = operand, .onto = operand == 2
    };
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

WG_SMALL_END

#else /* for each type and level */

/* W vectors of columns, the last with n lanes: the sum of k rows, each times its weight, divided
 * by *by. */
WG_INLINE void FN(weighted)(const int W, int n, const struct gathered_state *st, const REAL *weight,
                            const REAL *table, const int64_t *index, const int64_t *next,
                            const REAL *by, REAL *y)
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
        if (by) acc[w] = acc[w] / VSPLAT(*by);
        if (w < W - 1 || n == W * VN) VSTORE(y + w * VN, acc[w]);
        else VSTORE_N(y + w * VN, acc[w], n - (W - 1) * VN);
    }
}

static void FN(gathered_rows)(void *arg, int64_t lo, int64_t hi)
{
    const wg_call *c = arg;
    const struct gathered_state *st = c->state;
    const void *const *x = c->x + st->product;
    const REAL *table = x[2], *weight = (const REAL *)x[0] + lo * st->k;
    const int64_t *index = (const int64_t *)x[3] + lo * st->k;
    const REAL *divisor = st->by < 0 ? NULL : c->x[st->by];
    REAL *y = (REAL *)c->y + lo * st->n;

    for (; lo < hi; lo++, index += st->k, weight += st->k, y += st->n) {
        const REAL *by = divisor ? divisor + lo : NULL;
        const int64_t *next = lo + 1 < hi ? index + st->k : index;
        int64_t j = 0, n = st->n;

        for (; n - j >= 4 * VN; j += 4 * VN)
            FN(weighted)(4, 4 * VN, st, weight, table + j, index, next, by, y + j);
        for (; n - j > VN; j += 2 * VN) {
            int two = (int)wg__least(n - j, 2 * VN);

            FN(weighted)(2, two, st, weight, table + j, index, next, by, y + j);
        }
        if (n > j) FN(weighted)(1, (int)(n - j), st, weight, table + j, index, next, by, y + j);
    }
}

static void FN(gathered_eval)(const wg_call *c)
{
    const struct gathered_state *st = c->state;
    wg_call copy = *c;

    wg_parallel(c->threads, st->batch, GRAIN / (st->n * st->k) + 1, FN(gathered_rows), &copy);
}

/* Row `made` of the table: y + (left x + none) by. What a job has not is 1 or -0, which change no
 * bits. */
static void FN(add_part)(const struct added_job *j, int64_t part, int64_t lo, int64_t hi)
{
    const struct added_state *st = j->c->state;
    const void *const *x = j->c->x;
    const REAL *left = st->how & OUTER ? x[st->left] : NULL;
    V by = VSPLAT(st->how & SCALED ? *(const REAL *)x[st->scale] : 1);
    V none = VSPLAT(left ? 0 : -(REAL)0), plus = VSPLAT(left && st->plus ? 0 : -(REAL)0);
    struct added_row row[LOOK];

    for (int64_t at = 0, n; at < st->rows; at += LOOK) {
        n = added_rows(j, (uint64_t)part, at, wg__least(at + LOOK, st->rows), sizeof(REAL), row);
        for (int64_t k = 0; k < n; k++) {
            const REAL *from = (const REAL *)row[k].from;
            const REAL *later = (const REAL *)row[wg__least(k + AHEAD, n - 1)].to;
            REAL *to = (REAL *)row[k].to;
            V factor = VSPLAT(left ? left[row[k].row] : 1);

            for (int64_t i = lo; i < hi; i += 64 / (int64_t)sizeof(REAL))
                __builtin_prefetch(later + i, 1);
            for (int64_t i = lo; i < hi; i += VN) {
                int here = (int)wg__least(hi - i, VN);
                V y = here == VN ? VLOAD(to + i) : VLOAD_N(to + i, here);

                y = y +
                    (vfma(factor, here == VN ? VLOAD(from + i) : VLOAD_N(from + i, here), none) +
                     plus) *
                        by;
                if (here == VN) VSTORE(to + i, y);
                else VSTORE_N(to + i, y, here);
            }
        }
    }
}

static void FN(add_parts)(void *arg, int64_t lo, int64_t hi)
{
    const struct added_job *j = arg;
    int64_t columns = ((const struct added_state *)j->c->state)->columns, width = columns;

    if (j->across) width = (columns / j->parts + LINE) / LINE * LINE;
    for (; lo < hi; lo++) {
        int64_t first = j->across ? lo * width : 0;

        FN(add_part)(j, lo, first, wg__least(first + width, columns));
    }
}

static void FN(added_eval)(const wg_call *c)
{
    struct added_job job = added_job(c);

    if (!wg__indices_fit(c, 1, 0, c->ty)) return;
    if (!((const struct added_state *)c->state)->onto)
        wg__fill(c->y, c->ty->dtype, wg__count(c->ty), 0, c->threads);
    else if (c->y != c->x[0]) wg__copy(c->y, c->x[0], wg_type_bytes(c->ty), c->threads);
    wg_parallel(c->threads, job.parts, 1, FN(add_parts), &job);
}
#endif
