/*
 * plan_place.c: values that lie inside others. What is cut out of a value in one piece is read
 * where it lies, and pieces that are joined end to end are made where they belong: neither is
 * copied. The entries keep their steps, so that the passes before know nothing of it; such a step
 * has no kernel, but a copy for each piece that could not be made in its place.
 *
 * The value around lives as long as any of those inside, from the first of them on. So the layout
 * is worked out with and without; the first stays unless it is much larger.
 */
#include <string.h>

#include "plan.h"

/* The value all of e lies in, and where; links on the way become short. */
static int32_t find(wg_build *b, int32_t e, int64_t *at)
{
    int32_t top = e;
    int64_t rest = 0;

    for (; b->whole[top] != top; top = b->whole[top]) rest += b->shift[top];
    *at = rest;
    while (e != top && b->whole[e] != top) {
        int32_t next = b->whole[e];
        int64_t step = b->shift[e];

        b->whole[e] = top;
        b->shift[e] = rest;
        rest -= step;
        e = next;
    }
    return top;
}

/* Entry e has memory of its own, made by a kernel of its own. */
static bool has_memory(const wg_build *b, int32_t e)
{
    return wg__computed(b, e) && (b->mark[e] & (WG_STORED | WG_DIRECT)) == WG_STORED &&
           b->inside[e] == 0 && wg_type_bytes(b->type[e]) > 0;
}

/* Entry e is to lie `at` bytes into `whole`. */
static void put(wg_build *b, int32_t e, int32_t whole, int64_t at)
{
    b->whole[e] = whole;
    b->shift[e] = at;
    b->around[whole] |= WG_AROUND;
    b->s->stats.placed++;
}

/* Vectors of what is not less than a line do not straddle lines. */
static bool is_aligned(const wg_build *b, int32_t e, int64_t at)
{
    return at % WG_ALIGN == 0 || wg_type_bytes(b->type[e]) < WG_ALIGN;
}

static void operand_types(wg_build *b, int32_t e, wg_sig *s)
{
    const wg_plan *p = b->p;

    *s = (wg_sig){ wg__op_at(b, e), b->attr[e], wg__n_in(p, e), b->tx, b->error };
    for (int i = 0; i < s->n_in; i++) b->tx[i] = b->type[b->in[p->first[e] + i]];
}

/* Operand k is memory that its elements fill, and that can be pointed into. */
static bool is_dense(const wg_build *b, int32_t in)
{
    int32_t owner = b->owner[in];

    if (wg_type_bytes(b->type[owner]) != wg_type_bytes(b->type[in])) return false;
    if (b->mark[owner] & WG_FIXED) return true;
    if (b->mark[owner] & WG_LEAF) return (wg__op_at(b, owner)->flags & WG_OP_PARAM) != 0;
    return (b->mark[owner] & WG_STORED) != 0 && !(b->mark[owner] & WG_DIRECT);
}

/* Operands whose values are known now. */
enum { KNOWN = 4 };

static void place_part(wg_build *b, int32_t e)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);
    const void *x[KNOWN] = { NULL };
    const int32_t *in = &b->in[p->first[e]];
    int n = wg__n_in(p, e);
    int32_t top;
    int64_t at, first;
    wg_sig s;

    if (n > KNOWN || !is_dense(b, in[0])) return;
    for (int i = 1; i < n; i++)
        if (b->mark[b->owner[in[i]]] & WG_FIXED) x[i] = b->data[b->owner[in[i]]];
    operand_types(b, e, &s);
    first = wg__more(op)->part(&s, b->type[e], x);
    if (first < 0) return;
    top = find(b, b->owner[in[0]], &at);
    at += first * (int64_t)wg_dtype_size(b->type[e]->dtype);
    if (!is_aligned(b, e, at)) return;
    if (b->mark[top] & (WG_LEAF | WG_FIXED)) {
        if (b->mark[e] & WG_ROOT) return;
        b->data[e] = (char *)b->data[top] + at;
    }
    put(b, e, top, at);
    b->around[e] |= WG_PART;
}

/* The operands follow one another in one value already: *top, from *at on. */
static bool lie_joined(wg_build *b, int32_t e, int32_t *top, int64_t *at)
{
    const wg_plan *p = b->p;
    int64_t next = 0;

    for (int32_t k = p->first[e]; k < p->first[e + 1]; k++) {
        int64_t here;
        int32_t in;

        if (wg__lends_type(wg__op_at(b, e), k - p->first[e])) continue;
        if (!is_dense(b, b->in[k])) return false;
        in = find(b, b->owner[b->in[k]], &here);
        if (b->mark[in] & (WG_LEAF | WG_FIXED)) return false;
        if (next == 0) {
            *top = in;
            *at = here;
        } else if (in != *top || here != *at + next) {
            return false;
        }
        next += wg_type_bytes(b->type[b->in[k]]);
    }
    return next > 0;
}

/* Operand `in` of e may be made `at` bytes into e. */
static bool fits_in(const wg_build *b, int32_t e, int32_t in, int64_t at)
{
    int32_t owner = b->owner[in];

    return owner != e && has_memory(b, owner) && !(b->mark[owner] & WG_ROOT) &&
           b->whole[owner] == owner && b->step[owner] < b->step[e] && is_aligned(b, owner, at) &&
           wg_type_bytes(b->type[owner]) == wg_type_bytes(b->type[in]);
}

/* More than half of the bytes of e can be made in their place; what is left is copied. */
static void place_pieces(wg_build *b, int32_t e)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);
    int64_t at = 0, fit = 0;
    int32_t top = e;
    wg_sig s;

    operand_types(b, e, &s);
    if (!wg__more(op)->joins(&s, b->type[e])) return;
    if (lie_joined(b, e, &top, &at) && is_aligned(b, e, at)) {
        put(b, e, top, at);
        b->around[e] |= WG_PART;
        return;
    }
    for (int put_in = 0; put_in < 2; put_in++) {
        at = 0;
        for (int32_t k = p->first[e]; k < p->first[e + 1]; k++) {
            int32_t in = b->in[k];

            if (wg__lends_type(op, k - p->first[e])) continue;
            if (fits_in(b, e, in, at)) {
                if (put_in) put(b, b->owner[in], e, at);
                else fit += wg_type_bytes(b->type[in]);
            }
            at += wg_type_bytes(b->type[in]);
        }
        if (2 * fit <= at) return;
    }
    b->around[e] |= WG_JOINED;
}

/* Lives of values around others reach from the first to the last of those. */
static void join_lives(wg_build *b)
{
    for (int32_t e = 0; e < b->p->n; e++) {
        int64_t at;
        int32_t top = find(b, e, &at);

        if (b->last[e] > b->last[top]) b->last[top] = b->last[e];
    }
}

bool wg__plan_place(wg_build *b, int32_t *alone)
{
    const wg_plan *p = b->p;

    b->s->stats.placed = 0;
    if (!(p->passes & WG_PASS_PLACE)) return true;
    b->whole = wg__array(p->n, sizeof *b->whole);
    b->shift = wg__zalloc((size_t)p->n * sizeof *b->shift);
    b->around = wg__zalloc((size_t)p->n);
    if (!b->whole || !b->shift || !b->around) return false;
    for (int32_t e = 0; e < p->n; e++) b->whole[e] = e;
    for (int32_t k = 0; k < b->n_steps; k++) {
        int32_t e = wg__head(b, k);

        if ((b->mark[e] & WG_ROW) || b->first_member[k + 1] - b->first_member[k] != 1 ||
            !has_memory(b, e))
            continue;
        if (wg__more(wg__op_at(b, e))->part) place_part(b, e);
        else if (wg__more(wg__op_at(b, e))->joins) place_pieces(b, e);
    }
    memcpy(alone, b->last, (size_t)p->n * sizeof *alone);
    if (b->s->stats.placed > 0) join_lives(b);
    else wg__place_drop(b);
    return true;
}

void wg__place_drop(wg_build *b)
{
    wg__release(b->whole);
    wg__release(b->shift);
    wg__release(b->around);
    b->whole = NULL;
    b->shift = NULL;
    b->around = NULL;
    b->s->stats.placed = 0;
}

bool wg__place_next(const wg_build *b, int32_t e, int32_t *k, int64_t *at)
{
    const wg_plan *p = b->p;

    if (!(b->around[e] & WG_JOINED)) return false;
    while (*k + 1 < wg__n_in(p, e)) {
        int32_t in;

        if (*k >= 0 && !wg__lends_type(wg__op_at(b, e), *k))
            *at += wg_type_bytes(b->type[b->in[p->first[e] + *k]]);
        in = b->owner[b->in[p->first[e] + ++*k]];
        if (!wg__lends_type(wg__op_at(b, e), *k) &&
            (b->whole[in] != b->whole[e] || b->shift[in] != b->shift[e] + *at))
            return true;
    }
    return false;
}
