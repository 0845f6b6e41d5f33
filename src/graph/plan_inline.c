/*
 * plan_inline.c: values that only one entry reads are made inside its kernel, where its record has
 * one for both: they are never written. Such an entry stands in its reader's step.
 */
#include <string.h>

#include "plan.h"

enum { LARGER = 64 }; /* times: what is small beside a value */

/* What the record says about entry e with n parts, the last of which is read by the one before. */
static bool ask(const wg_build *b, int32_t e, int n, const int32_t *part, const int *operand,
                wg_inlined *in)
{
    const wg_plan *p = b->p;
    const wg_type *type[3][WG_INLINE_OPERANDS];
    wg_sig sig[3];

    *in = (wg_inlined){ .out = b->type[e],
                        .by = wg__kernel_dtype(b, e),
                        .level = p->level,
                        .threads = p->options.threads,
                        .n = n,
                        .state = in->state };
    for (int i = 0; i <= n; i++) {
        int32_t at = i ? part[i - 1] : e;
        int n_in = wg__n_in(p, at);

        if (n_in > WG_INLINE_OPERANDS) return false;
        for (int k = 0; k < n_in; k++) type[i][k] = b->type[b->in[p->first[at] + k]];
        sig[i] = (wg_sig){ wg__op_at(b, at), b->attr[at], n_in, type[i], NULL };
        if (!i) continue;
        in->part[i - 1].operand = operand[i - 1];
        in->part[i - 1].sig = &sig[i];
        in->part[i - 1].out = b->type[at];
    }
    in->sig = &sig[0];
    return wg__more(wg__op_at(b, e))->inlines(in);
}

/* The operand of entry e that is made inside it. -1: none. */
static int made_inside(const wg_build *b, int32_t e)
{
    const wg_plan *p = b->p;

    for (int32_t k = p->first[e]; k < p->first[e + 1]; k++)
        if (!wg__lends_type(wg__op_at(b, e), k - p->first[e]) &&
            b->inside[b->owner[b->in[k]]] == e + 1)
            return k - p->first[e];
    return -1;
}

int wg__inline_parts(const wg_build *b, int32_t e, int32_t part[2], wg_inlined *in)
{
    int operand[2], n = 0;

    for (int32_t at = e; n < 2; at = part[n++]) {
        operand[n] = made_inside(b, at);
        if (operand[n] < 0) break;
        part[n] = b->owner[b->in[b->p->first[at] + operand[n]]];
    }
    if (n == 0 || !in) return n;
    ask(b, e, n, part, operand, in);
    return n;
}

/* The entry whose value is operand k of e and can be made inside, or is: nothing else reads it. -1:
 * there is none. */
static int32_t candidate(const wg_build *b, const uint8_t *reads, int32_t e, int k)
{
    int32_t owner = b->owner[b->in[b->p->first[e] + k]];

    if (wg__lends_type(wg__op_at(b, e), k) || !wg__computed(b, owner) || reads[owner] != 1 ||
        (b->mark[owner] & WG_ROOT) || (b->inside[owner] && b->inside[owner] != e + 1))
        return -1;
    return owner;
}

/* Operand 0, over which e may be written, is read by no part. */
static bool keeps_off(const wg_build *b, int32_t e, int n, const int32_t *part)
{
    const wg_plan *p = b->p;
    int32_t over = b->owner[b->in[p->first[e]]];

    for (int i = 0; i < n && wg__more(wg__op_at(b, e))->check; i++)
        for (int32_t k = p->first[part[i]]; k < p->first[part[i] + 1]; k++)
            if (b->owner[b->in[k]] == over) return false;
    return true;
}

/* An entry with a row kernel leaves its chain for a part: worth it when all else that it reads lies
 * in memory anyway, or is small beside it, and nothing asks for its value there. */
static bool leaves_chain(const wg_build *b, int32_t e, int operand)
{
    const wg_plan *p = b->p;

    if (b->mark[e] & WG_ROOT) return false;
    for (int k = 0; k < wg__n_in(p, e); k++) {
        int32_t owner = b->owner[b->in[p->first[e] + k]];
        const wg_op_more *more = wg__more(wg__op_at(b, owner));

        if (k == operand || wg__lends_type(wg__op_at(b, e), k) || !wg__computed(b, owner) ||
            wg__elements(b->type[owner]) < wg__elements(b->type[e]) / LARGER)
            continue;
        if ((b->mark[owner] & WG_ROW) || more->line || more->columns) return false;
    }
    return true;
}

static bool try(wg_build *b, int32_t e, int n, const int32_t *part, const int *operand)
{
    _Alignas(16) char state[WG_STATE];
    wg_inlined in = { .state = state };
    int had = n == 2 && b->inside[part[1]];

    if ((b->mark[e] & WG_ROW) && !leaves_chain(b, e, operand[0])) return false;
    if (made_inside(b, part[n - 1]) >= 0 || !keeps_off(b, e, n, part) ||
        !ask(b, e, n, part, operand, &in))
        return false;
    b->mark[e] &= (uint8_t)~WG_ROW;
    b->inside[part[0]] = e + 1;
    if (n == 2) b->inside[part[1]] = part[0] + 1;
    b->s->stats.inlined += n - had;
    return true;
}

static void inline_into(wg_build *b, const uint8_t *reads, int32_t e)
{
    int32_t part[2];
    int operand[2], n = wg__n_in(b->p, e);

    for (operand[0] = 0; operand[0] < n; operand[0]++) {
        int inner;

        part[0] = candidate(b, reads, e, operand[0]);
        if (part[0] < 0) continue;
        inner = wg__n_in(b->p, part[0]);
        for (operand[1] = 0; operand[1] < inner; operand[1]++) {
            part[1] = candidate(b, reads, part[0], operand[1]);
            if (part[1] >= 0 && try(b, e, 2, part, operand)) return;
        }
        if (try(b, e, 1, part, operand)) return;
    }
}

static bool wants(const wg_build *b, int32_t e)
{
    return wg__computed(b, e) && wg__more(wg__op_at(b, e))->inlines && !b->inside[e];
}

bool wg__plan_inline(wg_build *b)
{
    const wg_plan *p = b->p;
    uint8_t *reads;

    memset(b->inside, 0, (size_t)p->n * sizeof *b->inside);
    if (!(p->passes & WG_PASS_INLINE)) return true;
    reads = wg__zalloc((size_t)p->n);
    if (!reads) {
        wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
        return false;
    }
    for (int32_t e = 0; e < p->n; e++)
        for (int32_t k = p->first[e]; wg__computed(b, e) && k < p->first[e + 1]; k++) {
            uint8_t *n = &reads[b->owner[b->in[k]]];

            if (!wg__lends_type(wg__op_at(b, e), k - p->first[e]) && *n < 2) ++*n;
        }
    for (int32_t e = (int32_t)p->n - 1; e >= 0; e--)
        if (wants(b, e) && !(b->mark[e] & WG_ROW)) inline_into(b, reads, e);
    /* sums of products: each is one of the next */
    for (int32_t e = 0; e < p->n; e++)
        if (wants(b, e) && (b->mark[e] & WG_ROW)) inline_into(b, reads, e);
    wg__release(reads);
    return true;
}
