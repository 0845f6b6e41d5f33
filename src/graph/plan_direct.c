/*
 * plan_direct.c: new values of store entries that are written straight over the old ones, instead
 * of into the arena and from there into the store once the run has gone well.
 */
#include "plan.h"

bool wg__same_elements(const wg_build *b, int32_t owner, int32_t e)
{
    return b->type[owner]->dtype == b->type[e]->dtype &&
           wg__elements(b->type[owner]) == wg__elements(b->type[e]) && !wg__narrow(b, e) &&
           !wg__sums_rows(b, e);
}

/* Whether store entry `owner` may be overwritten by entry e of the step that reads it last: every
 * reader there stands before e or is e. */
static bool read_before(const wg_build *b, int32_t owner, int32_t e)
{
    const wg_plan *p = b->p;
    int32_t k = b->step[e];

    if (!wg__same_elements(b, owner, e)) return false;
    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
        int32_t reader = b->member[m];

        for (int32_t i = p->first[reader]; i < p->first[reader + 1]; i++) {
            int32_t in = b->owner[b->in[i]];

            if (wg__whole(b, in) != owner ||
                wg__lends_type(wg__op_at(b, reader), i - p->first[reader]))
                continue;
            if (reader > e || in != owner) return false;
        }
    }
    return true;
}

/* Whether update e, by a record with `check`, may be made in store entry `leaf`: e reads it last,
 * as operand 0 and nowhere else. */
static bool over_operand(const wg_build *b, int32_t leaf, int32_t e)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);

    if (leaf < 0 || !wg__more(op)->check || (b->mark[e] & WG_ROW) || b->last[leaf] != b->step[e] ||
        b->owner[b->in[p->first[e]]] != leaf || !wg__same_elements(b, leaf, e))
        return false;
    for (int32_t i = p->first[e] + 1; i < p->first[e + 1]; i++)
        if (wg__whole(b, b->owner[b->in[i]]) == leaf && !wg__lends_type(op, i - p->first[e]))
            return false;
    return true;
}

/* Whether update i may be written straight into its store entry, from step `safe` on. */
static bool is_direct(const wg_build *b, const uint8_t *uses, int64_t i, int32_t safe)
{
    const wg_plan *p = b->p;
    int32_t e = b->owner[b->canon[p->root[p->n_outputs + i]]], leaf = p->updated_at[i];

    if (uses[e] != 1 || !wg__computed(b, e) || b->step[e] < safe) return false;
    /* the other lane may still read the old value */
    if (b->n_bundles > 0 && b->step[e] < b->bundle[b->n_bundles - 1].end) return false;
    if (!(b->mark[e] & WG_ROW)) return (b->mark[e] & WG_TAIL) && over_operand(b, leaf, e);
    if (leaf < 0 || b->last[leaf] < b->step[e]) return true;
    return b->last[leaf] == b->step[e] && read_before(b, leaf, e);
}

/* The first step behind everything that can fail but those updates that are checked beforehand. */
static int32_t find_safe(const wg_build *b)
{
    int32_t k = b->n_steps;

    for (; k > 0; k--) {
        uint8_t mark = b->mark[wg__head(b, k - 1)];

        if (!(mark & (WG_ROW | WG_TAIL))) break;
    }
    return k;
}

/* What `check` of update e looks at is there before the first step that writes into the store. */
static bool checked_in_time(const wg_build *b, int32_t e)
{
    const wg_plan *p = b->p;

    for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
        int32_t owner = b->owner[b->in[i]];

        if (b->type[b->in[i]]->dtype == WG_I64 && wg__computed(b, owner) &&
            b->step[owner] >= b->first_direct)
            return false;
    }
    return true;
}

/* Updates that cannot be written straight are taken from the tail, for they may fail there; what
 * remains depends on that, so it is looked at again. Returns the first safe step. */
static int32_t settle(wg_build *b, const uint8_t *uses)
{
    const wg_plan *p = b->p;

    for (;;) {
        int32_t safe = find_safe(b);
        bool again = false;

        b->first_direct = b->n_steps;
        for (int64_t i = 0; i < p->n_updates; i++) {
            int32_t e = b->owner[b->canon[p->root[p->n_outputs + i]]];

            if (is_direct(b, uses, i, safe) && b->step[e] < b->first_direct)
                b->first_direct = b->step[e];
        }
        for (int64_t i = 0; i < p->n_updates; i++) {
            int32_t e = b->owner[b->canon[p->root[p->n_outputs + i]]];

            if (!wg__computed(b, e) || (b->mark[e] & (WG_ROW | WG_TAIL)) != WG_TAIL) continue;
            if (is_direct(b, uses, i, safe) && checked_in_time(b, e)) continue;
            b->mark[e] &= (uint8_t)~WG_TAIL;
            again = true;
        }
        if (!again) return safe;
    }
}

/* New values of store entries that may be written straight there: nothing that can fail comes
 * later, and every other reader of the old value has run. */
bool wg__plan_direct(wg_build *b)
{
    const wg_plan *p = b->p;
    int32_t safe;
    uint8_t *uses;

    b->first_direct = b->n_steps;
    if (!(p->passes & WG_PASS_IN_PLACE) || b->s->apart || p->n_updates == 0) return true;
    uses = wg__zalloc((size_t)p->n);
    if (!uses) return false;
    for (int64_t i = 0; i < p->n_outputs + p->n_updates; i++) {
        uint8_t *n = &uses[b->owner[b->canon[p->root[i]]]];

        if (*n < 2) ++*n;
    }
    for (int64_t i = 0; i < p->n_outputs; i++) uses[b->owner[b->canon[p->root[i]]]] = 2;
    safe = settle(b, uses);
    for (int64_t i = 0; i < p->n_updates; i++) {
        int32_t e = b->owner[b->canon[p->root[p->n_outputs + i]]];

        if (!is_direct(b, uses, i, safe)) continue;
        b->mark[e] |= WG_DIRECT;
        b->mark[e] &= (uint8_t)~WG_STORED;
        b->stream[e] = 0;
        b->data[e] = p->updated[i]->value.data;
        b->s->stats.into_store++;
        b->n_instr += !(b->mark[e] & WG_ROW); /* its check */
    }
    wg__release(uses);
    return true;
}
