/*
 * plan_ends.c: which members may be in chains (plan_chain.c), and those at whose results nothing of
 * a chain looks: sums, and what is read no more.
 */
#include <string.h>

#include "native.h"
#include "plan.h"

/* Member m, of entry e, sums a line, and a block is one line. */
bool wg__sums_line(const wg_build *b, const wg_blocks *k, const wg_member *m, int32_t e)
{
    const wg_op_more *more = e >= 0 ? wg__more(wg__op_at(b, e)) : NULL;

    return more && m->row == wg__run_line && k->block == k->line && more->line && more->adds &&
           b->type[e]->dtype == WG_F32;
}

const wg_ref *wg__result_ref(const wg_blocks *k, const wg_member *m)
{
    return &k->ref[m->first + m->n];
}

bool wg__same_place(const wg_ref *x, const wg_ref *y)
{
    if (x->local >= 0 || y->local >= 0) return x->local == y->local;
    return x->base && x->base == y->base;
}

/* ---- what may be in a chain ---- */

bool wg__chain_fits(const wg_build *b, const wg_blocks *k, const wg_member *m, int32_t e)
{
    const wg_op *op = e >= 0 ? wg__op_at(b, e) : NULL;
    bool moves = false;

    if (op && wg__sums_rows(b, e)) return b->type[e]->dtype == WG_F32 && wg__more(op)->adds->lane;
    if (wg__sums_line(b, k, m, e)) return true;
    if (!op || !op->lane || op->shape_only || !(b->mark[e] & WG_ROW) || m->narrow) return false;
    if (wg__kernel_dtype(b, e) != WG_F32 || m->n > WG_LANE_OPERANDS) return false;
    for (int32_t j = 0; j < m->n; j++) {
        wg_dtype t = b->type[b->in[b->p->first[e] + j]]->dtype;

        if (t != WG_F32 && (t != WG_BOOL || !m->step[j])) return false;
        moves = moves || m->step[j];
    }
    return moves && (b->type[e]->dtype == WG_F32 || (b->type[e]->dtype == WG_BOOL && !m->stream));
}

static bool writes_place(const wg_blocks *k, const wg_member *m, const wg_ref *place)
{
    return wg__same_place(wg__result_ref(k, m), place) ||
           (m->stream && wg__same_place(wg__result_ref(k, m) + 1, place));
}

bool wg__reads_place(const wg_blocks *k, const wg_member *m, const wg_ref *place)
{
    for (int32_t j = 0; j < m->n; j++)
        if (wg__same_place(&k->ref[m->first + j], place)) return true;
    return false;
}

/* Members from..to - 1 neither make what m reads nor touch where it writes. */
static bool may_pass(const wg_blocks *k, const wg_member *m, int32_t from, int32_t to)
{
    for (int32_t i = from; i < to; i++) {
        const wg_member *other = &k->member[i];

        for (int32_t j = 0; j <= m->n + (m->stream > 0); j++)
            if (writes_place(k, other, &k->ref[m->first + j])) return false;
        for (int32_t j = m->n; j <= m->n + (m->stream > 0); j++)
            if (wg__reads_place(k, other, &k->ref[m->first + j])) return false;
    }
    return true;
}

/* By member: nothing in the step but sums of rows reads its value, if anything does; or it is the
 * sum of a line, which those behind the chain wait for. */
static void find_ends(const wg_build *b, const wg_blocks *k, const int32_t *entry, bool *ends)
{
    for (int32_t i = k->n_members - 1; i >= 0; i--) {
        const wg_ref *y = wg__result_ref(k, &k->member[i]);

        ends[i] = wg__chain_fits(b, k, &k->member[i], entry[i]);
        if (ends[i] && (wg__sums_rows(b, entry[i]) || wg__sums_line(b, k, &k->member[i], entry[i])))
            continue;
        for (int32_t w = i + 1; w < k->n_members && ends[i]; w++) {
            if (wg__reads_place(k, &k->member[w], y))
                ends[i] = entry[w] >= 0 && wg__sums_rows(b, entry[w]);
            if (writes_place(k, &k->member[w], y)) break;
        }
    }
}

/* Such a member goes to the end of the first chain where all it reads is there: later that would
 * have to be kept in memory for it. */
void wg__move_ends(const wg_build *b, wg_blocks *k, int32_t *entry)
{
    bool ends[2 * WG_MAX_MEMBERS];

    find_ends(b, k, entry, ends);
    for (int32_t i = 1; i < k->n_members; i++) {
        wg_member m = k->member[i];
        int32_t e = entry[i], to = 1;

        if (!ends[i]) continue;
        while (to < i &&
               (!wg__chain_fits(b, k, &k->member[to - 1], entry[to - 1]) ||
                wg__chain_fits(b, k, &k->member[to], entry[to]) || !may_pass(k, &m, to, i)))
            to++;
        memmove(&k->member[to + 1], &k->member[to], (size_t)(i - to) * sizeof m);
        memmove(&entry[to + 1], &entry[to], (size_t)(i - to) * sizeof e);
        memmove(&ends[to + 1], &ends[to], (size_t)(i - to) * sizeof *ends);
        k->member[to] = m;
        entry[to] = e;
        ends[to] = true;
    }
}
