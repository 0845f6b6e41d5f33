/*
 * assemble.c: the sum of many parts of one tensor, made in one pass. The gradient of a tensor that
 * was cut into n slices is the sum of n padded pieces; n additions of whole tensors would cost n
 * times the whole. Here each part is added at its place: O(whole + parts), with the bits of the
 * additions.
 */
#include "each_real.h"
#include "move.h"

/* ---- where parts lie ---- */

/* start, stop, step of axis 0, then axis 1, ..., of part 0, then part 1, ... */
struct like_attr {
    wg_i64s triples;
};
static const wg_field like_fields[] = { WG_FIELD(struct like_attr, triples), WG_FIELDS_END };

static void like_box(const struct like_attr *at, int k, const wg_shape *whole, wg__box *b)
{
    const int64_t *v = at->triples.v + 3 * (int64_t)whole->rank * k;

    for (int i = 0; i < whole->rank; i++)
        wg__box_axis(b, i, whole->dim[i], v[3 * i], v[3 * i + 1], v[3 * i + 2]);
}

static const wg_field at_fields[] = { WG_FIELD(struct wg__axis_attr, axis), WG_FIELDS_END };

/* ---- adding a part ---- */

/* Sums of i64 wrap around, which C defines for unsigned numbers only. */
#define ADD(NAME, T)                                                                               \
    static void NAME(const wg__plane *p, const void *from_, void *to_)                             \
    {                                                                                              \
        const T *from = from_;                                                                     \
        T *to = to_;                                                                               \
                                                                                                   \
        for (int64_t r = 0; r < p->rows; r++, from += p->from_row, to += p->to_row)                \
            if (p->from == 1 && p->to == 1)                                                        \
                for (int64_t i = 0; i < p->n; i++) to[i] += from[i];                               \
            else                                                                                   \
                for (int64_t i = 0; i < p->n; i++) to[i * p->to] += from[i * p->from];             \
    }
ADD(add_f32, float)
ADD(add_f64, double)
ADD(add_i64, uint64_t)
#undef ADD

/* Elements of the sum that are worked on at a time. */
enum { BLOCK = 65536 };

struct job {
    const wg_call *c;
    int n;    /* parts; their values are operands 1..n */
    int axis; /* threads share out this one, the first that has more than one place; -1: none */
    bool negative; /* `all` has elements */
    wg__box all;   /* the places that every part covers */
};

static void box_of(const wg_call *c, int n, int k, wg__box *b)
{
    const wg_shape *part = &c->tx[1 + k]->shape, *whole = &c->ty->shape;

    if (c->op->fields == like_fields) {
        like_box(c->attr, k, whole, b);
        return;
    }
    for (int i = 0; i < whole->rank; i++) {
        b->first[i] = 0;
        b->step[i] = 1;
        b->n[i] = part->dim[i];
    }
    b->first[wg__axis(((const struct wg__axis_attr *)c->attr)->axis, whole->rank)] =
        *(const int64_t *)c->x[1 + n + k];
}

/* Only the places lo..hi-1 of the axis. Returns how many places of the part are left out before. */
static int64_t clip(wg__box *b, int axis, int64_t lo, int64_t hi)
{
    int64_t first = b->first[axis], step = b->step[axis], n = b->n[axis];
    int64_t skip = lo > first ? (lo - first - 1) / step + 1 : 0;
    int64_t end = hi > first ? (hi - first - 1) / step + 1 : 0;

    if (end > n) end = n;
    b->n[axis] = end > skip ? end - skip : 0;
    b->first[axis] = first + skip * step;
    return b->n[axis] ? skip : 0;
}

static void assemble_block(const struct job *j, int64_t lo, int64_t hi)
{
    const wg_call *c = j->c;
    wg_dtype dtype = c->ty->dtype;
    int64_t size = (int64_t)wg_dtype_size(dtype),
            row = wg__extents(&c->ty->shape, j->axis + 1, c->ty->shape.rank);
    wg__plane_fn *add = dtype == WG_F32 ? add_f32 : dtype == WG_F64 ? add_f64 : add_i64;
    unsigned char *y = c->y;
    wg__moves m;
    wg__box b;

    memset(y + lo * row * size, 0, (size_t)((hi - lo) * row * size));
    if (j->negative) {
        static const float minus_f32 = -0.0f;
        static const double minus_f64 = -0.0;
        int64_t first;

        b = j->all;
        if (j->axis >= 0) clip(&b, j->axis, lo, hi);
        first = wg__part_moves(&b, c->ty, &m);
        memset(m.from, 0, sizeof m.from);
        if (first >= 0)
            wg__move(&m, (size_t)size, dtype == WG_F32 ? (const void *)&minus_f32 : &minus_f64,
                     y + first * size, 1);
    }
    for (int k = 0; k < j->n; k++) {
        const unsigned char *from = c->x[1 + k];
        int64_t first;

        box_of(c, j->n, k, &b);
        if (j->axis >= 0)
            from += clip(&b, j->axis, lo, hi) * size *
                    wg__extents(&c->tx[1 + k]->shape, j->axis + 1, c->ty->shape.rank);
        first = wg__part_moves(&b, c->ty, &m);
        if (first >= 0) wg__move_by(&m, (size_t)size, add, from, y + first * size);
    }
}

/* Block by block, so that what all parts add to stays in the cache; large enough that finding the
 * places of the parts costs little beside adding them. */
static void assemble_range(void *arg, int64_t lo, int64_t hi)
{
    const struct job *j = arg;
    int64_t row = wg__extents(&j->c->ty->shape, j->axis + 1, j->c->ty->shape.rank);
    int64_t elements = BLOCK > 64 * (int64_t)j->n ? BLOCK : 64 * (int64_t)j->n,
            step = elements / row + 1;

    for (; lo < hi; lo += step) assemble_block(j, lo, hi - lo < step ? hi : lo + step);
}

/* ---- the sign of zero ---- n - 1 additions of padded parts give -0 exactly where every part has a
 * -0 of its own: elsewhere a +0 of the padding takes part. So the sum starts at -0 on the places
 * all parts cover, and at +0 on the others. */

WG_SMALL_BEGIN

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* Along axis i: the places of a that are places of b too. False when there are none. */
static bool meet(wg__box *a, const wg__box *b, int i)
{
    int64_t step = a->step[i], common = common_divisor(step, b->step[i]), v = a->first[i], last;

    if (a->n[i] == 0 || b->n[i] == 0 || (b->first[i] - v) % common) return false;
    last = a->first[i] + (a->n[i] - 1) * step;
    if (last > b->first[i] + (b->n[i] - 1) * b->step[i])
        last = b->first[i] + (b->n[i] - 1) * b->step[i];
    while (v <= last && (v < b->first[i] || (v - b->first[i]) % b->step[i])) v += step;
    if (v > last) return false;
    a->first[i] = v;
    if (__builtin_mul_overflow(step / common, b->step[i], &step)) step = INT64_MAX;
    a->n[i] = (last - v) / step + 1;
    a->step[i] = a->n[i] > 1 ? step : 1;
    return true;
}

static bool common_places(const wg_call *c, int n, wg__box *all)
{
    box_of(c, n, 0, all);
    for (int i = 0; i < c->ty->shape.rank; i++)
        if (all->n[i] == 0) return false;
    for (int k = 1; k < n; k++) {
        wg__box b;

        box_of(c, n, k, &b);
        for (int i = 0; i < c->ty->shape.rank; i++)
            if (!meet(all, &b, i)) return false;
    }
    return true;
}

static void assemble(const wg_call *c, int n)
{
    struct job j = { .c = c, .n = n, .axis = -1 };
    const wg_shape *whole = &c->ty->shape;
    int64_t places = 1, row;

    if (wg__count(c->ty) == 0) return;
    for (int i = whole->rank - 1; i >= 0; i--)
        if (whole->dim[i] > 1) j.axis = i;
    if (j.axis >= 0) places = whole->dim[j.axis];
    j.negative = wg_dtype_is_real(c->ty->dtype) && common_places(c, n, &j.all);
    row = wg__count(c->ty) / places;
    wg_parallel(c->threads, places, 32768 / row + 1, assemble_range, &j);
}

/* ---- assemble_like: parts at places the attributes hold ---- */

static bool assemble_like_infer(const wg_sig *s, wg_type *out)
{
    const struct like_attr *at = s->attr;
    int rank = s->in[0]->shape.rank;

    *out = *s->in[0];
    if (s->n_in < 2) return wg_sig_fail(s, WG_EARG, "no part is given");
    if (!wg_sig_same_dtype(s)) return false;
    if (at->triples.n != 3 * (int64_t)rank * (s->n_in - 1))
        return wg_sig_fail(s, WG_EARG,
                           "%d numbers for %d parts of %s: wanted 3 for each axis of each part",
                           at->triples.n, s->n_in - 1, WG_TYPE_STR(out));
    for (int64_t i = 2; i < at->triples.n; i += 3)
        if (at->triples.v[i] < 1)
            return wg_sig_fail(s, WG_EARG, "step %" PRId64 " of part %" PRId64 " is below 1",
                               at->triples.v[i], i / (3 * rank));
    for (int k = 0; k < s->n_in - 1; k++) {
        wg_type part = { out->dtype, { rank, { 0 } } };
        wg__box b;

        like_box(at, k, &out->shape, &b);
        for (int i = 0; i < rank; i++) part.shape.dim[i] = b.n[i];
        if (!wg_shape_equal(&part.shape, &s->in[1 + k]->shape))
            return wg_sig_fail(s, WG_ESHAPE, "part %d is %s, its place in %s is %s", k,
                               WG_TYPE_STR(s->in[1 + k]), WG_TYPE_STR(out), WG_TYPE_STR(&part));
    }
    return true;
}

static void assemble_like_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct like_attr *at = v->attr;
    int rank = wg_rank(v->y);

    for (int k = 0; k < v->n_in - 1; k++) {
        const int64_t *triple = at->triples.v + 3 * (int64_t)rank * k;
        int64_t start[WG_MAX_RANK], stop[WG_MAX_RANK], step[WG_MAX_RANK];

        if (!v->need[1 + k]) continue;
        for (int i = 0; i < rank; i++) {
            start[i] = triple[3 * i];
            stop[i] = triple[3 * i + 1];
            step[i] = triple[3 * i + 2];
        }
        dx[1 + k] = wg_slice(v->dy, rank, start, stop, step);
    }
}

static void assemble_like_eval(const wg_call *c)
{
    assemble(c, c->n_in - 1);
}

const wg_op wg_op_assemble_like = {
    .name = "assemble_like",
    .doc = "the sum of parts at given places of zeros of an operand's type",
    .n_in = -1,
    .shape_only = WG_SHAPE_ONLY(0),
    .attr_size = sizeof(struct like_attr),
    .fields = like_fields,
    .infer = assemble_like_infer,
    .eval = WG_EVAL_KERNELS({ [WG_F32] = { assemble_like_eval },
                              [WG_F64] = { assemble_like_eval },
                              [WG_I64] = { assemble_like_eval } }),
    .vjp = assemble_like_vjp
};

/* Operands in one list: like, then the first n, then the second n (may be NULL). */
static wg_tensor *record_parts(const wg_op *op, const void *attr, wg_tensor *like, int n,
                               wg_tensor *const *first, wg_tensor *const *second)
{
    int64_t n_in = first && n > 0 ? 1 + (int64_t)n * (second ? 2 : 1) : 1;
    wg_tensor **in = n_in <= INT32_MAX ? wg_alloc(n_in, sizeof *in) : NULL, *y;

    if (n_in == 1) n = 0; /* the shape rule refuses it */
    if (!in)
        return wg_record_fail(wg_tensor_graph(like), WG_ENOMEM, op->name,
                              "no memory for %d operands", n);
    in[0] = like;
    for (int i = 0; i < n; i++) in[1 + i] = first[i];
    for (int i = 0; i < n && second; i++) in[1 + n + i] = second[i];
    y = wg_record(op, attr, (int)n_in, in);
    wg_free(in);
    return y;
}

wg_tensor *wg_assemble_like(wg_tensor *like, int n, wg_tensor *const *part, wg_i64s triples)
{
    return record_parts(&wg_op_assemble_like, &(struct like_attr){ triples }, like, n, part, NULL);
}

/* ---- assemble_at: parts along one axis, at offsets that are operands ---- */

static bool assemble_at_infer(const wg_sig *s, wg_type *out)
{
    const struct wg__axis_attr *at = s->attr;
    int n = (s->n_in - 1) / 2, axis;

    *out = *s->in[0];
    if (s->n_in < 3 || s->n_in % 2 == 0)
        return wg_sig_fail(s, WG_EARG, "%d operands: wanted one, then as many parts as offsets",
                           s->n_in);
    if (!wg_sig_axis(s, at->axis, out->shape.rank, &axis)) return false;
    for (int k = 1; k <= n; k++) {
        const wg_type *part = s->in[k], *offset = s->in[n + k];
        bool fits = part->shape.rank == out->shape.rank;

        if (offset->dtype != WG_I64 || offset->shape.rank != 0)
            return wg_sig_fail(s, WG_EDTYPE, "offset %d is %s, wanted i64[]", k - 1,
                               WG_TYPE_STR(offset));
        if (part->dtype != out->dtype)
            return wg_sig_fail(s, WG_EDTYPE,
                               "element types differ: %s and %s: convert one with wg_cast",
                               WG_TYPE_STR(out), WG_TYPE_STR(part));
        for (int i = 0; fits && i < out->shape.rank; i++)
            fits = i == axis ? part->shape.dim[i] <= out->shape.dim[i]
                             : part->shape.dim[i] == out->shape.dim[i];
        if (!fits)
            return wg_sig_fail(s, WG_ESHAPE, "part %d, %s, does not fit into %s along axis %d",
                               k - 1, WG_TYPE_STR(part), WG_TYPE_STR(out), axis);
    }
    return true;
}

static void assemble_at_vjp(const wg_vjp *v, wg_tensor **dx)
{
    const struct wg__axis_attr *at = v->attr;
    int n = (v->n_in - 1) / 2;

    for (int k = 1; k <= n; k++)
        if (v->need[k]) dx[k] = wg_part_like(v->dy, v->x[k], v->x[n + k], (int)at->axis);
}

static void assemble_at_eval(const wg_call *c)
{
    int axis = wg__axis(((const struct wg__axis_attr *)c->attr)->axis, c->ty->shape.rank);
    int n = (c->n_in - 1) / 2;

    for (int k = 0; k < n; k++) {
        int64_t offset = *(const int64_t *)c->x[1 + n + k];

        if (offset >= 0 && offset <= c->ty->shape.dim[axis] - c->tx[1 + k]->shape.dim[axis])
            continue;
        wg_call_fail(c, WG_EINDEX, "part %d, %s, at %" PRId64 " reaches beyond axis %d of %s", k,
                     WG_TYPE_STR(c->tx[1 + k]), offset, axis, WG_TYPE_STR(c->ty));
        return;
    }
    assemble(c, n);
}

const wg_op wg_op_assemble_at = {
    .name = "assemble_at",
    .doc = "the sum of parts at offsets along an axis of zeros of an operand's type",
    .n_in = -1,
    .shape_only = WG_SHAPE_ONLY(0),
    .attr_size = sizeof(struct wg__axis_attr),
    .fields = at_fields,
    .infer = assemble_at_infer,
    .eval = WG_EVAL_KERNELS({ [WG_F32] = { assemble_at_eval },
                              [WG_F64] = { assemble_at_eval },
                              [WG_I64] = { assemble_at_eval } }),
    .vjp = assemble_at_vjp
};

wg_tensor *wg_assemble_at(wg_tensor *like, int n, wg_tensor *const *part, wg_tensor *const *offset,
                          int axis)
{
    return record_parts(&wg_op_assemble_at, &(struct wg__axis_attr){ axis }, like, n, part, offset);
}

/* ---- what the reverse pass calls ---- */

static bool together(const wg_tensor *a, const wg_tensor *b)
{
    const wg_op *op = wg_tensor_record(a);
    int rank = wg_rank(a);

    if (wg_tensor_record(b) != op || wg_tensor_in(b, 1) != wg_tensor_in(a, 1)) return false;
    if (op == &wg_op_pad_like) return true;
    return op == &wg_op_place_like &&
           wg__axis(((const struct wg__axis_attr *)wg_tensor_attr(a))->axis, rank) ==
               wg__axis(((const struct wg__axis_attr *)wg_tensor_attr(b))->axis, rank);
}

wg_tensor *wg__assemble(int n, wg_tensor *const *part)
{
    int rank = wg_rank(part[0]);
    bool pads = wg_tensor_record(part[0]) == &wg_op_pad_like;
    wg_tensor *like = wg_tensor_in(part[0], 1), **value, **offset, *y = NULL;
    int64_t *triples;

    for (int k = 0; k < n; k++)
        if (!together(part[0], part[k])) return NULL;
    if (n == 1) return part[0];
    if (3 * (int64_t)rank * n > INT32_MAX) return NULL;
    value = wg_alloc(n, sizeof *value);
    offset = wg_alloc(n, sizeof *offset);
    triples = wg_alloc(3 * (int64_t)rank * n, sizeof *triples);
    if (value && offset && triples) {
        for (int k = 0; k < n; k++) {
            value[k] = wg_tensor_in(part[k], 0);
            offset[k] = wg_tensor_in(part[k], 2);
            if (pads) wg__pad_like_triples(part[k], rank, triples + 3 * (int64_t)rank * k);
        }
        y = pads ? wg_assemble_like(like, n, value, (wg_i64s){ 3 * rank * n, triples })
                 : wg_assemble_at(
                       like, n, value, offset,
                       (int)((const struct wg__axis_attr *)wg_tensor_attr(part[0]))->axis);
    }
    wg_free(value);
    wg_free(offset);
    wg_free(triples);
    return y;
}

WG_SMALL_END
