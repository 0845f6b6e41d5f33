/*
 * plan_repeat.c: values that repeat an operand are not written out when element-wise entries alone
 * read them: a row kernel reads an operand that broadcasts where it lies. Such an entry becomes an
 * alias of its operand, seen with the type whose broadcast it is.
 */
#include "plan.h"

/* Values that somebody reads as a whole, or under another type: by owner. Of canonical entries, the
 * type that they have is meant too. */
static void find_wanted(const wg_build *b, bool *wanted)
{
    const wg_plan *p = b->p;

    for (int32_t e = 0; e < p->n; e++) {
        if (!(b->mark[e] & WG_NEEDED) || (b->mark[e] & (WG_LEAF | WG_FIXED))) continue;
        if (b->mark[e] & WG_ROOT) wanted[e] = true;
        if (b->owner[e] != e) wanted[b->owner[e]] = true;
        if (!wg__computed(b, e) ||
            wg__row_kernel(wg__op_at(b, e), wg__kernel_dtype(b, e), p->level))
            continue;
        for (int32_t k = p->first[e]; k < p->first[e + 1]; k++)
            wanted[b->in[k]] = wanted[b->owner[b->in[k]]] = true;
    }
}

static bool alias(wg_build *b, int32_t e)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);
    int32_t from = b->in[p->first[e]];
    int n = wg__n_in(p, e);
    const wg_type *type;
    wg_type as;

    for (int k = 0; k < n; k++) b->tx[k] = b->type[b->in[p->first[e] + k]];
    wg__more(op)->repeats(&(wg_sig){ op, b->attr[e], n, b->tx, b->error }, b->type[e], &as);
    type = wg__build_type(b, &as);
    if (!type) {
        wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
        return false;
    }
    b->type[e] = type;
    b->owner[e] = b->owner[from];
    b->s->stats.repeated++;
    return true;
}

bool wg__plan_repeat(wg_build *b)
{
    const wg_plan *p = b->p;
    bool *wanted, ok = true;

    if (!(p->passes & WG_PASS_REPEAT)) return true;
    wanted = wg__zalloc((size_t)p->n * sizeof *wanted);
    if (!wanted) {
        wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
        return false;
    }
    find_wanted(b, wanted);
    for (int32_t e = 0; e < p->n && ok; e++)
        if (wg__computed(b, e) && wg__more(wg__op_at(b, e))->repeats && !wanted[e])
            ok = alias(b, e);
    wg__release(wanted);
    return ok;
}
