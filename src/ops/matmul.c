/*
 * matmul: y = op(a) op(b) over the last two axes, op(a) is a or its transpose; leading axes
 * broadcast.
 *
 * Its rule is itself with other flags: nothing is ever transposed in memory. Where b is one matrix
 * for the whole batch, which is what a layer's weight is, the batch joins the rows: y and the
 * gradients of a and b are one product each, instead of many whose results are then added.
 */
#ifndef REAL
#include "gemm.h"
#include "inlined.h"
#include "op.h"

struct matmul_attr {
    bool ta, tb;
};
static const wg_field matmul_fields[] = { WG_FIELD(struct matmul_attr, ta),
                                          WG_FIELD(struct matmul_attr, tb), WG_FIELDS_END };

/* The batch is one product when the rows of all matrices of a lie one after the other. */
static bool one_product(const wg_shape *a, const wg_shape *b, bool ta)
{
    for (int i = 0; i < b->rank - 2; i++)
        if (b->dim[i] != 1) return false;
    return !ta && b->rank <= a->rank;
}

/* The number of products of one batch entry's extents, and those extents. */
int64_t wg__products(const wg_shape *a, const wg_shape *b, const void *attr, const wg_shape *y,
                     wg__product *p)
{
    const struct matmul_attr *at = attr;
    int64_t batch = 1;

    *p = (wg__product){ .ta = at->ta,
                        .tb = at->tb,
                        .m = y->dim[y->rank - 2],
                        .n = y->dim[y->rank - 1],
                        .k = a->dim[a->rank - (at->ta ? 2 : 1)],
                        .lda = a->dim[a->rank - 1],
                        .ldb = b->dim[b->rank - 1],
                        .ldc = y->dim[y->rank - 1] };
    batch = wg__extents(y, 0, y->rank - 2);
    if (!one_product(a, b, at->ta)) return batch;
    p->m *= batch;
    return 1;
}

WG_SMALL_BEGIN

static bool matmul_infer(const wg_sig *s, wg_type *out)
{
    const struct matmul_attr *at = s->attr;
    const wg_shape *a = &s->in[0]->shape, *b = &s->in[1]->shape;
    wg_type lead[2];
    const wg_type *in[2] = { &lead[0], &lead[1] };
    int64_t k, other;

    if (!wg_sig_real(s, 0) || !wg_sig_same_dtype(s)) return false;
    for (int i = 0; i < 2; i++) {
        if (s->in[i]->shape.rank < 2)
            return wg_sig_fail(s, WG_ESHAPE,
                               "operand %d is %s: wanted a matrix (wg_unsqueeze adds an axis)", i,
                               WG_TYPE_STR(s->in[i]));
        lead[i] = *s->in[i];
        lead[i].shape.rank -= 2;
        lead[i].shape.dim[lead[i].shape.rank] = lead[i].shape.dim[lead[i].shape.rank + 1] = 0;
    }
    k = a->dim[a->rank - (at->ta ? 2 : 1)];
    other = b->dim[b->rank - (at->tb ? 1 : 2)];
    if (k != other) {
        bool turn_a = a->dim[a->rank - (at->ta ? 1 : 2)] == other;
        bool turn_b = b->dim[b->rank - (at->tb ? 2 : 1)] == k;

        return wg_sig_fail(
            s, WG_ESHAPE, "inner extents differ: %s%s . %s%s%s", WG_TYPE_STR(s->in[0]),
            at->ta ? " transposed" : "", WG_TYPE_STR(s->in[1]), at->tb ? " transposed" : "",
            turn_b   ? at->tb ? "; they agree without tb" : "; they agree with tb (wg_matmul_t)"
            : turn_a ? at->ta ? "; they agree without ta" : "; they agree with ta (wg_matmul_t)"
                     : "");
    }
    out->dtype = s->in[0]->dtype;
    if (!wg_sig_broadcast(&(wg_sig){ s->op, s->attr, 2, in, NULL }, &out->shape))
        return wg_sig_fail(s, WG_ESHAPE, "leading extents do not broadcast: %s . %s",
                           WG_TYPE_STR(s->in[0]), WG_TYPE_STR(s->in[1]));
    out->shape.dim[out->shape.rank++] = a->dim[a->rank - (at->ta ? 1 : 2)];
    out->shape.dim[out->shape.rank++] = b->dim[b->rank - (at->tb ? 2 : 1)];
    return true;
}

/* With y = op(a) op(b): d op(a) = dy op(b)^T, d op(b) = op(a)^T dy; turned over where op is
 * transposition. */
static void matmul_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct matmul_attr *at = v->attr;
    wg_tensor *a = v->x[0], *b = v->x[1], *dy = v->dy;

    if (v->need[0])
        dx[0] = at->ta ? wg_matmul_t(b, dy, at->tb, true) : wg_matmul_t(dy, b, false, !at->tb);
    if (!v->need[1]) return;
    if (wg_rank(b) == 2 && wg_rank(a) > 2) {
        /* Summed over the batch inside one product: rows of a and dy belong together. */
        a = wg_collapse(at->ta ? wg_transpose(a, -1, -2) : a, 0, -2);
        dy = wg_collapse(dy, 0, -2);
        dx[1] = at->tb ? wg_matmul_t(dy, a, true, false) : wg_matmul_t(a, dy, true, false);
        return;
    }
    dx[1] = at->tb ? wg_matmul_t(dy, a, true, at->ta) : wg_matmul_t(a, dy, !at->ta, false);
}

/* sum_to_like by a matrix leaves a product of matrices as it is: the reverse pass records it for
 * all that broadcasts. */
bool wg__is_rows_product(const wg_tensor *d)
{
    const wg_tensor *y;
    const struct matmul_attr *at;

    if (wg_tensor_record(d) != &wg_op_sum_to_like || wg_rank(d) != 2) return false;
    y = wg_tensor_in(d, 0);
    if (wg_tensor_record(y) != &wg_op_matmul) return false;
    at = wg_tensor_attr(y);
    return at->ta && !at->tb && wg_rank(wg_tensor_in(y, 0)) == 2 &&
           wg_rank(wg_tensor_in(y, 1)) == 2;
}

wg_tensor *wg__join_products(int n, wg_tensor *const *d)
{
    wg_tensor **a = wg_alloc(n, sizeof *a), **dy = wg_alloc(n, sizeof *dy), *sum = NULL;

    if (a && dy) {
        for (int i = 0; i < n; i++) {
            a[i] = wg_tensor_in(wg_tensor_in(d[i], 0), 0);
            dy[i] = wg_tensor_in(wg_tensor_in(d[i], 0), 1);
        }
        sum = wg_matmul_t(wg_concat(n, a, 0), wg_concat(n, dy, 0), true, false);
        sum = wg_sum_to_like(sum, wg_tensor_in(d[0], 1));
    }
    wg_free(a);
    wg_free(dy);
    return sum;
}

static bool swaps_last_two(const struct wg__permute_attr *at, int rank)
{
    if (at->perm.n < 0) return rank == 2;
    for (int i = 0; i < rank; i++)
        if (wg__axis(at->perm.axis[i], rank) != (i < rank - 2 ? i : 2 * rank - 3 - i)) return false;
    return rank >= 2;
}

/* A transposition of the last two axes is a flag. */
static bool matmul_absorb(void *attr, int i, const wg_op *of, const void *of_attr, int rank)
{
    struct matmul_attr *at = attr;
    bool *flag = i ? &at->tb : &at->ta;

    if (of != &wg_op_permute || !swaps_last_two(of_attr, rank)) return false;
    *flag = !*flag;
    return true;
}

/* A right side that lies against its rows is packed by every product; where few rows meet it, it
 * could be read in place if it lay along them. Products that are not summed as others are
 * (wg__as_dots, one column) keep their bits by staying as they are. */
static const wg_op *matmul_turns(const wg_sig *s, const wg_type *out, int i, const void **attr)
{
    enum { MOST_ROWS = 64, MOST_ELEMENTS = 1 << 16 };
    static const struct wg__permute_attr swap = { { 2, { 1, 0 } } };
    const struct matmul_attr *at = s->attr;
    wg__product p;

    if (i != 1 || !at->tb || s->in[1]->shape.rank != 2) return NULL;
    if (wg__products(&s->in[0]->shape, &s->in[1]->shape, at, &out->shape, &p) != 1) return NULL;
    if (wg__as_dots(&p) || p.m == 0 || p.n < 2 || p.m > MOST_ROWS || p.k > MOST_ELEMENTS / p.n)
        return NULL;
    *attr = &swap;
    return &wg_op_permute;
}

static double matmul_flops(const wg_sig *s, const wg_type *out)
{
    const struct matmul_attr *at = s->attr;
    const wg_shape *a = &s->in[0]->shape;

    return 2.0 * (double)wg__count(out) * (double)a->dim[a->rank - (at->ta ? 2 : 1)];
}

/* Many products: shared out whole, each with scratch for one thread. */
static bool shared_out(int64_t batch, int threads)
{
    return threads > 1 && batch >= threads;
}

static size_t matmul_scratch(const wg_sig *s, const wg_type *out, int threads)
{
    wg__product p;
    size_t size = wg_dtype_size(out->dtype);
    int64_t batch = wg__products(&s->in[0]->shape, &s->in[1]->shape, s->attr, &out->shape, &p);

    if (shared_out(batch, threads)) return (size_t)threads * wg__gemm_scratch(&p, size, 1);
    return wg__gemm_scratch(&p, size, threads);
}

/* Our own kernels have their buffers on the stack or in the scratch. */
static size_t matmul_outside(const wg_sig *s, const wg_type *out, int level)
{
    wg__product p;
    bool turned;

    if (wg__products(&s->in[0]->shape, &s->in[1]->shape, s->attr, &out->shape, &p) == 0) return 0;
    p = wg__upright(&p, &turned);
    if (level == WG_LEVEL_PLAIN || !wg__blas_takes(&p)) return 0;
    return wg__blas_bytes(wg_dtype_size(out->dtype));
}

WG_SMALL_END

/* Where batch entry i of y reads its operand: element offset of the matrix. */
static int64_t matrix_of(const wg_shape *x, const wg_shape *y, int64_t i)
{
    int64_t at = 0, step = x->dim[x->rank - 1] * x->dim[x->rank - 2];

    for (int q = 3; q <= y->rank; q++) {
        int64_t n = y->dim[y->rank - q], k = i % n;

        i /= n;
        if (q > x->rank) break;
        if (x->dim[x->rank - q] != 1) at += k * step;
        step *= x->dim[x->rank - q];
    }
    return at;
}

typedef void multiply_fn(const wg__product *p, const void *a, const void *b, void *c, void *scratch,
                         int threads);
typedef void few_fn(const wg__product *p, int64_t n, const void *a, int64_t a_step, const void *b,
                    int64_t b_step, void *c, void *scratch);

typedef struct {
    const wg_call *c;
    multiply_fn *multiply;
    few_fn *few; /* instead, where not NULL, several of operands `left` and the other */
    wg__product p;
    int left;
    int64_t batch, step[2]; /* elements from one matrix of an operand to the next; -1: it varies */
    size_t bytes;           /* scratch of a part */
    int threads;
} batch_job;

static void batch_parts(void *arg, int worker, int64_t lo, int64_t hi)
{
    const batch_job *j = arg;
    const wg_call *c = j->c;
    char *scratch = worker ? (char *)c->scratch + (size_t)worker * j->bytes : c->scratch;
    int64_t size = (int64_t)wg_dtype_size(c->ty->dtype), step = j->p.m * j->p.n;

    if (j->few) {
        int l = j->left, r = 1 - l;

        j->few(&j->p, hi - lo, (const char *)c->x[l] + lo * j->step[l] * size, j->step[l],
               (const char *)c->x[r] + lo * j->step[r] * size, j->step[r],
               (char *)c->y + lo * step * size, scratch);
        return;
    }
    for (int64_t i = lo; i < hi; i++) {
        int64_t a = matrix_of(&c->tx[0]->shape, &c->ty->shape, i) * size;
        int64_t b = matrix_of(&c->tx[1]->shape, &c->ty->shape, i) * size;

        j->multiply(&j->p, (const char *)c->x[0] + a, (const char *)c->x[1] + b,
                    (char *)c->y + i * step * size, scratch, j->threads);
    }
}

static void multiply_all(const wg_call *c, multiply_fn *multiply, few_fn *few)
{
    batch_job j = { .c = c, .multiply = multiply, .threads = c->threads };
    int workers = 1;

    j.batch = wg__products(&c->tx[0]->shape, &c->tx[1]->shape, c->attr, &c->ty->shape, &j.p);
    if (j.p.m == 0 || j.p.n == 0) return;
    if (j.batch == 1) {
        multiply(&j.p, c->x[0], c->x[1], c->y, c->scratch, c->threads);
        return;
    }
    for (int k = 0; k < 2; k++) {
        int64_t n = wg__count(c->tx[k]), of = k ? j.p.k * j.p.n : j.p.m * j.p.k;

        j.step[k] = n == of ? 0 : n == j.batch * of ? of : -1;
    }
    if (shared_out(j.batch, c->threads)) {
        double flops = 2.0 * (double)j.p.m * (double)j.p.n * (double)j.p.k * (double)j.batch;

        j.threads = 1;
        j.bytes = wg__gemm_scratch(&j.p, wg_dtype_size(c->ty->dtype), 1);
        if (flops >= WG_GEMM_GRAIN) workers = c->threads;
    }
    /* what is found out about them is found out once */
    if (wg__is_few(&j.p) && j.step[0] >= 0 && j.step[1] >= 0) {
        bool turned;

        j.few = few;
        j.p = wg__upright(&j.p, &turned);
        j.left = turned;
    }
    wg_parallel_workers(workers, j.batch, 1, batch_parts, &j);
}

/* One small product, of which all is known but where it lies. */
struct matmul_state {
    wg__product p;
    int left; /* the operand that is its left side */
};
_Static_assert(sizeof(struct matmul_state) <= WG_STATE, "fits");

#define WG_TEMPLATE "matmul.c"
#include "each_real.h"

WG_SMALL_BEGIN

static wg_eval_fn *matmul_prepare(const wg_sig *s, const wg_type *out, wg_dtype by, int level,
                                  void *state)
{
    static wg_eval_fn *const few[WG_N_DTYPES][WG_N_LEVELS] = WG_REAL(matmul_few);
    struct matmul_state *m = state;
    wg__product p;
    bool turned;

    if (wg__products(&s->in[0]->shape, &s->in[1]->shape, s->attr, &out->shape, &p) != 1 ||
        !wg__is_few(&p))
        return NULL;
    m->p = wg__upright(&p, &turned);
    m->left = turned;
    while (!few[by][level]) level--;
    return few[by][level];
}

const wg_op wg_op_matmul = { .name = "matmul",
                             .doc = "product of matrices",
                             .n_in = 2,
                             .flags = WG_OP_BROADCASTS,
                             .attr_size = sizeof(struct matmul_attr),
                             .fields = matmul_fields,
                             .infer = matmul_infer,
                             .eval = WG_EVAL_KERNELS(WG_REAL(matmul_eval)),
                             .scratch = matmul_scratch,
                             .vjp = matmul_vjp,
                             .flops = matmul_flops,
                             .more = WG_OP_MORE(.outside = matmul_outside, .absorb = matmul_absorb,
                                                .turns = matmul_turns, .prepare = matmul_prepare,
                                                .inlines = wg__inline_gather) };

wg_tensor *wg_matmul_t(wg_tensor *a, wg_tensor *b, bool ta, bool tb)
{
    return wg_record2(&wg_op_matmul, &(struct matmul_attr){ ta, tb }, a, b);
}

wg_tensor *wg_matmul(wg_tensor *a, wg_tensor *b)
{
    return wg_matmul_t(a, b, false, false);
}

WG_SMALL_END

#else /* for each type and level */

static void FN(multiply)(const wg__product *p, const void *a, const void *b, void *c, void *scratch,
                         int threads)
{
#if BITS == 32
    wg__gemm_f32(&FN(wg__gemm_kit), p, a, b, c, scratch, threads);
#else
    wg__gemm_f64(&FN(wg__gemm_kit), p, a, b, c, scratch, threads);
#endif
}

static void FN(multiply_few)(const wg__product *p, int64_t n, const void *a, int64_t a_step,
                             const void *b, int64_t b_step, void *c, void *scratch)
{
    const REAL *left = a, *right = b;
    REAL *to = c;

#if LEVEL == 2 && !WG_IS_SMALL
    if (p->m == 1 && p->n == 1 && wg__as_dots(p)) {
        FN(wg__dot_pairs)(n, p->k, left, a_step, right, b_step, to);
        return;
    }
#endif
    for (; n > 0; n--, left += a_step, right += b_step, to += p->m * p->n)
        FN(wg__gemm_few)(p, left, right, to, scratch);
}

static void FN(matmul_eval)(const wg_call *c)
{
    multiply_all(c, FN(multiply), FN(multiply_few));
}

static void FN(matmul_few)(const wg_call *c)
{
    const struct matmul_state *m = c->state;

    FN(wg__gemm_few)(&m->p, c->x[m->left], c->x[1 - m->left], c->y, c->scratch);
}
#endif
