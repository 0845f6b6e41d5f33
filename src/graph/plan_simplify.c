/*
 * plan_simplify.c: one walk forwards that decides, entry by entry, what need not be computed:
 * values that are an operand's bytes, values equal to one seen before, values that are constants,
 * transposes that a product takes as its flag. Operands have been decided when an entry is reached,
 * so one walk is enough.
 */
#include <string.h>

#include "plan.h"

enum { FOLD_OPERANDS = 8 }; /* entries with more are computed by every run */

struct search {
    const wg_build *b;
    int32_t e;
};

/* Operands of e as they count for equality: values by entry, lent types by type. Of two that
 * commute, the smaller entry first. */
static void operand_keys(const wg_build *b, int32_t e, int k, uintptr_t key[2])
{
    const wg_op *op = wg__op_at(b, e);
    int32_t in = b->in[b->p->first[e] + k];

    key[0] = wg__lends_type(op, k);
    key[1] = !key[0]                          ? (uintptr_t)in
             : (op->flags & WG_OP_LIKE_DTYPE) ? (uintptr_t)b->type[in]->dtype
                                              : (uintptr_t)b->type[in];
    if ((op->flags & WG_OP_COMMUTES) && wg__n_in(b->p, e) == 2 && op->shape_only == 0) {
        int32_t other = b->in[b->p->first[e] + 1 - k];

        if (k == 0 ? other < in : other > in) key[1] = (uintptr_t)other;
    }
}

/* An alias is its memory and its type, whatever op says so. A constant that was folded into an
 * equal one is none: it is found by its op, or equal ones would pile up under one key. */
static bool is_alias(const wg_build *b, int32_t e)
{
    return b->owner[e] != e && !(b->mark[e] & WG_FIXED);
}

static uint64_t entry_hash(const wg_build *b, int32_t e)
{
    const wg_op *op = wg__op_at(b, e);
    uint64_t h = wg__mix((uint64_t)(uintptr_t)op, (uint64_t)(uintptr_t)b->type[e]);
    int n = wg__n_in(b->p, e);

    if (is_alias(b, e)) return wg__mix((uint64_t)(uintptr_t)b->type[e], (uint64_t)b->owner[e]);
    if (op->fields) h = wg__attr_hash(h, op->fields, b->attr[e]);
    for (int k = 0; k < n; k++) {
        uintptr_t key[2];

        operand_keys(b, e, k, key);
        h = wg__mix(h, (uint64_t)key[1]);
    }
    return h;
}

static bool same_entry(const void *context, int64_t candidate)
{
    const struct search *s = context;
    const wg_build *b = s->b;
    int32_t a = s->e, c = (int32_t)candidate;
    const wg_op *op = wg__op_at(b, a);
    int n = wg__n_in(b->p, a);

    if (b->type[a] != b->type[c] || is_alias(b, a) != is_alias(b, c)) return false;
    if (is_alias(b, a)) return b->owner[a] == b->owner[c];
    if (op != wg__op_at(b, c) || n != wg__n_in(b->p, c)) return false;
    for (int k = 0; k < n; k++) {
        uintptr_t x[2], y[2];

        operand_keys(b, a, k, x);
        operand_keys(b, c, k, y);
        if (x[0] != y[0] || x[1] != y[1]) return false;
    }
    /* without a field table two attribute structs cannot be told apart */
    if (!op->fields) return op->attr_size == 0;
    return wg__attr_equal(op->fields, b->attr[a], b->attr[c]);
}

static bool no_memory(wg_build *b)
{
    wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
    return false;
}

/* ---- constants ---- */

static bool same_bytes(const void *context, int64_t candidate)
{
    const struct search *s = context;
    const wg_build *b = s->b;

    return b->type[s->e] == b->type[candidate] &&
           memcmp(b->data[s->e], b->data[candidate], (size_t)wg_type_bytes(b->type[s->e])) == 0;
}

/* Element by element: an element's bits do not depend on how many are computed at once. */
static void fold_rows(wg_build *b, int32_t e, wg_row_fn *row)
{
    const wg_plan *p = b->p;
    int n = wg__n_in(p, e), step[FOLD_OPERANDS] = { 0 };
    int64_t count = wg__elements(b->type[e]);
    size_t size = wg_dtype_size(b->type[e]->dtype);
    wg_spread how[FOLD_OPERANDS];
    const void *x[FOLD_OPERANDS] = { NULL };
    double cell[FOLD_OPERANDS]; /* any element, at its alignment */

    for (int k = 0; k < n; k++)
        if (!wg__lends_type(wg__op_at(b, e), k))
            wg__spread_make(b->type[b->in[p->first[e] + k]], b->type[e], &how[k]);
    for (int64_t i = 0; i < count; i++) {
        for (int k = 0; k < n; k++) {
            if (wg__lends_type(wg__op_at(b, e), k)) continue;
            wg__spread(&how[k], b->data[b->owner[b->in[p->first[e] + k]]], i, 1, &cell[k]);
            x[k] = &cell[k];
        }
        row(b->attr[e], 1, x, step, (char *)b->data[e] + (size_t)i * size);
    }
}

/* *failed: the kernel refused its operands; then the run shall say so, every time. */
static bool fold_eval(wg_build *b, int32_t e, wg_dtype by, const wg_type *const *tx, bool *failed)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);
    int n = wg__n_in(p, e);
    const void *x[FOLD_OPERANDS] = { NULL };
    wg_eval_fn *eval;
    size_t bytes;
    char *scratch = NULL, *aligned = NULL;
    wg_error error;

    error.code = WG_OK;
    wg__error_clear(&error);
    for (int k = 0; k < n; k++)
        if (!wg__lends_type(op, k)) x[k] = b->data[b->owner[b->in[p->first[e] + k]]];
    eval = wg__eval_chosen(&(wg_sig){ op, b->attr[e], n, tx, &error }, b->type[e], by, p->level,
                           p->passes, 1, &bytes);
    if (op->scratch && bytes == 0) bytes = 1; /* kernels count from its address */
    if (bytes > 0) {
        scratch = bytes <= SIZE_MAX - WG_ALIGN ? wg__alloc(bytes + WG_ALIGN) : NULL;
        if (!scratch) return false;
        aligned = scratch + (WG_ALIGN - (uintptr_t)scratch % WG_ALIGN);
    }
    eval(&(wg_call){ op, b->attr[e], n, tx, x, b->type[e], b->data[e], aligned, 1, &error, NULL });
    wg__release(scratch);
    *failed = error.code != WG_OK;
    return true;
}

static bool can_fold(const wg_build *b, int32_t e)
{
    const wg_op *op = wg__op_at(b, e);
    int n = wg__n_in(b->p, e);

    if (op->flags & (WG_OP_FEED | WG_OP_PARAM | WG_OP_RANDOM)) return false;
    if (n == 0) return (op->flags & WG_OP_CONST) != 0;
    if (wg_type_bytes(b->type[e]) > WG_FOLD_BYTES) return false;
    for (int k = 0; k < n; k++)
        if (!wg__lends_type(op, k) && !(b->mark[b->owner[b->in[b->p->first[e] + k]]] & WG_FIXED))
            return false;
    return true;
}

static bool fold(wg_build *b, int32_t e, wg_hash *constants)
{
    const wg_op *op = wg__op_at(b, e);
    int64_t bytes = wg_type_bytes(b->type[e]), found;
    const wg_type *tx[FOLD_OPERANDS];
    int n = wg__n_in(b->p, e);
    wg_dtype by;
    wg_row_fn *row;
    bool failed = false;
    uint64_t key;

    if (n > FOLD_OPERANDS) return true;
    for (int k = 0; k < n; k++) tx[k] = b->type[b->in[b->p->first[e] + k]];
    by = wg__deciding_dtype(op, n, tx, b->type[e]);
    row = wg__row_kernel(op, by, b->p->level);
    if (!row && !wg__eval_kernel(op, by, b->p->level)) return true;
    b->data[e] = wg__arena_take(&b->s->mem, (size_t)bytes + 1);
    if (!b->data[e]) return no_memory(b);
    if (row) fold_rows(b, e, row);
    else if (!fold_eval(b, e, by, tx, &failed)) return no_memory(b);
    if (failed) return true;
    b->mark[e] |= WG_FIXED;
    b->s->stats.folded++;
    if (bytes > WG_FOLD_BYTES) return true;
    /* equal constants are one, so that what is made from them can be merged */
    key = wg__hash_bytes((uint64_t)(uintptr_t)b->type[e], b->data[e], (size_t)bytes);
    found = wg__hash_find(constants, key, same_bytes, &(struct search){ b, e });
    if (found >= 0) b->canon[e] = b->owner[e] = (int32_t)found;
    else if (!wg__hash_add(constants, key, e)) return no_memory(b);
    return true;
}

/* Whether every element of a constant has the bits of this number. */
static bool is_all(const wg_build *b, int32_t in, double value)
{
    const wg_type *type = b->type[in];
    const char *x = b->data[b->owner[in]];
    size_t size = wg_dtype_size(type->dtype);
    int64_t n = wg__elements(type), whole = (int64_t)value;
    float single = (float)value;
    const void *bits = type->dtype == WG_F32   ? (const void *)&single
                       : type->dtype == WG_F64 ? (const void *)&value
                                               : (const void *)&whole;

    if (type->dtype == WG_BOOL || n * (int64_t)size > WG_FOLD_BYTES) return false;
    for (int64_t i = 0; i < n; i++)
        if (memcmp(x + (size_t)i * size, bits, size) != 0) return false;
    return n > 0;
}

/* The operand that entry e leaves as it is: x of 1 x, x - 0; -1. */
static int32_t left_alone(const wg_build *b, int32_t e)
{
    const wg_op_more *more = wg__more(wg__op_at(b, e));
    const int32_t *in = &b->in[b->p->first[e]];

    for (int k = 0; k < 2 && more->unit_of; k++)
        if ((more->unit_of >> k & 1) && (b->mark[b->owner[in[k]]] & WG_FIXED) &&
            b->type[in[1 - k]] == b->type[e] && is_all(b, in[k], more->unit))
            return in[1 - k];
    return -1;
}

/* ---- transposes ---- */

/* Operand after operand, as long as the record can take what stands before it. */
static bool absorb(wg_build *b, int32_t e)
{
    const wg_op *op = wg__op_at(b, e);
    const wg_op_more *more = wg__more(op);
    int32_t *in = &b->in[b->p->first[e]];
    int n = wg__n_in(b->p, e);
    unsigned char *attr = NULL, *before = NULL;
    bool ok = true;

    if (!more->absorb || op->attr_size == 0) return true;
    for (int k = 0; k < n; k++) {
        while (!wg__lends_type(op, k)) {
            int32_t from = in[k];
            const wg_op *of = wg__op_at(b, from);

            if (wg__n_in(b->p, from) < 1 || (b->mark[from] & (WG_LEAF | WG_FIXED)) ||
                wg__lends_type(of, 0))
                break;
            if (!attr) {
                attr = wg__arena_take(&b->s->mem, op->attr_size);
                before = wg__alloc(op->attr_size);
                if (!attr || !before) {
                    ok = no_memory(b);
                    goto done;
                }
                memcpy(attr, b->attr[e], op->attr_size);
            }
            memcpy(before, attr, op->attr_size);
            if (!more->absorb(attr, k, of, b->attr[from],
                              b->type[b->in[b->p->first[from]]]->shape.rank)) {
                memcpy(attr, before, op->attr_size);
                break;
            }
            b->attr[e] = attr;
            in[k] = b->in[b->p->first[from]];
            b->s->stats.absorbed++;
        }
    }
done:
    wg__release(before);
    return ok;
}

/* ---- the walk ---- */

/* Which values the roots need, as recorded: so that nothing unused is folded. */
static void mark_needed(wg_build *b, const int32_t *in, bool simplified)
{
    const wg_plan *p = b->p;

    for (int64_t i = 0; i < p->n; i++) {
        /* what is to be kept stays needed though nobody reads it any more */
        if (simplified && p->options.keep && (b->mark[i] & WG_NEEDED))
            b->mark[b->canon[i]] |= WG_NEEDED;
        else b->mark[i] &= (uint8_t)~WG_NEEDED;
    }
    for (int64_t i = 0; i < p->n_outputs + p->n_updates; i++)
        b->mark[b->canon[p->root[i]]] |= WG_NEEDED;
    for (int32_t e = (int32_t)p->n - 1; e >= 0; e--) {
        const wg_op *op = wg__op_at(b, e);

        if (!(b->mark[e] & WG_NEEDED) || (b->mark[e] & (WG_LEAF | WG_FIXED))) continue;
        if (b->owner[e] != e) {
            b->mark[b->owner[e]] |= WG_NEEDED;
            continue;
        }
        for (int32_t k = p->first[e]; k < p->first[e + 1]; k++)
            if (!wg__lends_type(op, k - p->first[e]))
                b->mark[simplified ? in[k] : b->canon[in[k]]] |= WG_NEEDED;
    }
}

static void mark_leaves(wg_build *b)
{
    const wg_plan *p = b->p;

    for (int64_t i = 0; i < p->n_inputs; i++)
        if (!p->input[i].random || p->input[i].fed) b->mark[p->input[i].at] |= WG_LEAF;
    for (int64_t i = 0; i < p->n; i++)
        if (p->live[i]->op->flags & WG_OP_PARAM) {
            b->mark[i] |= WG_LEAF;
            b->data[i] = wg__params_find(p->params, wg__leaf_name(p->live[i]))->value.data;
        }
}

/* What each entry would take if it had memory of its own. Beyond what any machine has, the passes
 * behind could not add it up. */
static bool count_naive(wg_build *b)
{
    int64_t *bytes = &b->s->stats.naive_bytes, split = 0;

    for (int64_t i = 0; i < b->p->n; i++) {
        while (split < b->p->n_split && b->p->split[split].at <= i) split++;
        /* of parts the last stands for the entry */
        if (split < b->p->n_split && i >= b->p->split[split].first &&
            i < b->p->split[split].at - 1)
            continue;
        if (!(b->mark[i] & WG_NEEDED)) continue;
        b->s->stats.needed++;
        if (b->mark[i] & WG_LEAF) continue;
        if (wg__add(*bytes, wg_type_bytes(b->type[i]), bytes) && *bytes <= WG_MOST_BYTES) continue;
        wg_fail(b->error, WG_ELIMIT, "plan_run", "the values need more bytes than can be counted");
        return false;
    }
    return true;
}

static bool simplify_entry(wg_build *b, int32_t e, wg_hash *entries, wg_hash *constants)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);
    unsigned passes = p->passes;

    for (int32_t k = p->first[e]; k < p->first[e + 1]; k++) b->in[k] = b->canon[b->in[k]];
    if (b->canon[e] != e) { /* a part stands for it */
        b->canon[e] = b->canon[b->canon[e]];
        b->owner[e] = b->owner[b->canon[e]];
        return true;
    }
    if (b->mark[e] & WG_LEAF || !(b->mark[e] & WG_NEEDED)) return true;
    if ((passes & WG_PASS_TRANSPOSE) && !absorb(b, e)) return false;
    if ((passes & WG_PASS_ALIAS) && (op->flags & WG_OP_ALIAS) && wg__n_in(p, e) > 0 &&
        !wg__lends_type(op, 0)) {
        int32_t from = b->in[p->first[e]];

        if (b->type[from]->dtype == b->type[e]->dtype &&
            wg__elements(b->type[from]) == wg__elements(b->type[e])) {
            b->s->stats.aliased++;
            b->owner[e] = b->owner[from];
            if (b->type[from] == b->type[e]) {
                b->canon[e] = from;
                return true;
            }
        }
    }
    if (passes & WG_PASS_FOLD) {
        int32_t same = left_alone(b, e);

        if (same >= 0) {
            b->s->stats.folded++;
            b->canon[e] = same;
            b->owner[e] = b->owner[same];
            return true;
        }
    }
    if ((passes & WG_PASS_MERGE) && !(op->flags & WG_OP_RANDOM)) {
        uint64_t key = entry_hash(b, e);
        int64_t found = wg__hash_find(entries, key, same_entry, &(struct search){ b, e });

        if (found >= 0) {
            b->canon[e] = b->canon[found];
            b->owner[e] = b->owner[found];
            b->s->stats.merged++;
            return true;
        }
        if (!wg__hash_add(entries, key, e)) return no_memory(b);
    }
    if ((passes & WG_PASS_FOLD) && b->owner[e] == e && can_fold(b, e)) return fold(b, e, constants);
    return true;
}

bool wg__plan_simplify(wg_build *b)
{
    const wg_plan *p = b->p;
    wg_hash entries = { NULL, 0, 0 }, constants = { NULL, 0, 0 };
    bool ok = true;

    mark_leaves(b);
    mark_needed(b, p->in, false);
    if (!count_naive(b)) return false;
    if ((p->passes & WG_PASS_MERGE) && !wg__hash_reserve(&entries, b->s->stats.needed))
        return no_memory(b);
    for (int32_t e = 0; e < p->n && ok; e++) ok = simplify_entry(b, e, &entries, &constants);
    wg__hash_free(&entries);
    wg__hash_free(&constants);
    if (!ok) return false;
    mark_needed(b, b->in, true);
    for (int64_t i = 0; i < p->n_outputs + p->n_updates; i++)
        b->mark[b->owner[b->canon[p->root[i]]]] |= WG_ROOT;
    return true;
}
