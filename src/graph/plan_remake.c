/*
 * plan_remake.c: large element-wise values that are made again in each step that reads them,
 * instead of being kept from one to the next: x - mean, a mask, a scaled gradient. A step that
 * reads what such a value is made of has it for an instruction an element, where reading it would
 * fetch as many bytes from memory; its writing is saved, and it takes no memory in between.
 *
 * Work is counted in bytes that move: an element of a light kernel counts as its bytes. A value is
 * made again when that costs no more than keeping it; one that is alive while much is, also when
 * all of these together add a small part to the work of a run. The list of entries that follows is
 * arranged like any other, and taken when it needs fewer bytes.
 */
#include "plan.h"

enum {
    ROUNDS = 3,
    PARTS = 12,     /* most entries that are made to have a value again */
    NEEDS = 6,      /* and most large values they read */
    SMALL = 8,      /* a value this many times smaller may live on */
    LARGE = 32,     /* a value counts from options.cache / LARGE bytes on */
    GROWTH = 2,     /* the list may become this many times longer */
    PART_MORE = 128 /* of the work of a run that may be added */
};

#define FLOPS_A_BYTE 2.5 /* of products, in the time in which a byte comes from memory */

/* Step k has entry e at hand: it reads it, or a copy is made there. */
struct pair {
    int32_t e, k;
};

struct pick {
    const wg_build *b;
    int32_t *last, *cut;      /* by owner */
    int32_t *first_use, *use; /* by owner: steps but its own that read it, ascending */
    bool *whole;              /* by use: by row kernels alone, element by element */
    int64_t *crowded; /* by step: steps before it at which nearly as much is alive as ever */
    wg_hash at_hand;
    struct pair *pair;
    int64_t n_pairs, pairs_cap;
    double added, most; /* work */
    int32_t part[PARTS], need[NEEDS];
    int n_parts, n_needs;
    int64_t picked;
    bool out_of_memory;
};

/* ---- who reads what ---- */

static bool reads_whole(const wg_build *b, int32_t e, int32_t in, int32_t k)
{
    int64_t n = wg__elements(b->type[in]);

    return (b->mark[e] & WG_ROW) && !b->inside[e] && n == b->shape[k].count &&
           n == wg__elements(b->type[b->owner[in]]);
}

/* Counts uses, and then, with `fill`, lists them. */
static void walk_uses(struct pick *s, int32_t *seen, int32_t *next, bool fill)
{
    const wg_build *b = s->b;
    const wg_plan *p = b->p;

    for (int64_t i = 0; i < p->n; i++) seen[i] = -1;
    for (int32_t k = 0; k < b->n_steps; k++)
        for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
            int32_t e = b->member[m];

            for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
                int32_t v = b->owner[b->in[i]];

                if (wg__lends_type(wg__op_at(b, e), i - p->first[e]) ||
                    (wg__computed(b, v) && b->step[v] == k))
                    continue;
                if (seen[v] != k) {
                    seen[v] = k;
                    if (fill) {
                        s->use[next[v]] = k;
                        s->whole[next[v]] = true;
                    }
                    next[v]++;
                }
                if (fill && !reads_whole(b, e, b->in[i], k)) s->whole[next[v] - 1] = false;
            }
        }
}

static bool find_uses(struct pick *s)
{
    int64_t n = s->b->p->n;
    int32_t *seen = wg__array(n, sizeof *seen), *next = wg__zalloc((size_t)n * sizeof *next);
    int32_t total = 0;
    bool ok = seen && next;

    if (ok) {
        walk_uses(s, seen, next, false);
        for (int64_t i = 0; i < n; i++) {
            s->first_use[i] = total;
            total += next[i];
            next[i] = s->first_use[i];
        }
        s->first_use[n] = total;
        s->use = wg__array(total, sizeof *s->use);
        s->whole = wg__array(total, sizeof *s->whole);
        ok = s->use && s->whole;
    }
    if (ok) walk_uses(s, seen, next, true);
    wg__release(seen);
    wg__release(next);
    return ok;
}

static bool same_pair(const void *context, int64_t i)
{
    const struct pick *s = context;
    const struct pair *a = &s->pair[s->n_pairs], *c = &s->pair[i];

    return a->e == c->e && a->k == c->k;
}

static uint64_t pair_key(int32_t e, int32_t k)
{
    return wg__mix((uint64_t)e + 1, (uint64_t)k);
}

/* Room for one more pair, which is the one looked for. */
static bool set_pair(struct pick *s, int32_t e, int32_t k)
{
    struct pair *list = wg__grow(s->pair, &s->pairs_cap, s->n_pairs + 1, sizeof *list);

    if (!list) {
        s->out_of_memory = true;
        return false;
    }
    s->pair = list;
    list[s->n_pairs] = (struct pair){ e, k };
    return true;
}

static bool has(struct pick *s, int32_t e, int32_t k)
{
    return set_pair(s, e, k) && wg__hash_find(&s->at_hand, pair_key(e, k), same_pair, s) >= 0;
}

static void put(struct pick *s, int32_t e, int32_t k)
{
    if (has(s, e, k) || s->out_of_memory) return;
    if (wg__hash_add(&s->at_hand, pair_key(e, k), s->n_pairs)) s->n_pairs++;
    else s->out_of_memory = true;
}

static bool reads(struct pick *s, int32_t v, int32_t k)
{
    int32_t lo = s->first_use[v], hi = s->first_use[v + 1];

    while (lo < hi) {
        int32_t mid = lo + (hi - lo) / 2;

        if (s->use[mid] == k) return true;
        if (s->use[mid] < k) lo = mid + 1;
        else hi = mid;
    }
    return has(s, v, k);
}

/* ---- what a value is made of ---- */

static bool is_light(const wg_build *b, int32_t e)
{
    const wg_op *op = wg__op_at(b, e);

    return (op->flags & WG_OP_LIGHT) && wg__can_repeat(b, e) && !b->inside[e] &&
           !(b->mark[e] & WG_DIRECT) && wg__elements(b->type[e]) == b->shape[b->step[e]].count &&
           wg__row_kernel(op, wg__kernel_dtype(b, e), b->p->level);
}

static bool add(int32_t *list, int *n, int most, int32_t e)
{
    for (int i = 0; i < *n; i++)
        if (list[i] == e) return true;
    if (*n == most) return false;
    list[(*n)++] = e;
    return true;
}

/* Operand `in` of a part of v: read where it lies, or a part too. */
static bool gather_operand(struct pick *s, int32_t v, int32_t in)
{
    const wg_build *b = s->b;
    int32_t o = b->owner[in];
    bool wide = wg__elements(b->type[in]) == wg__elements(b->type[v]);

    if (wg__computed(b, o) && (!(b->mark[o] & WG_STORED) || s->cut[o] != WG_NO_CUT))
        return wide && is_light(b, o) && add(s->part, &s->n_parts, PARTS, o);
    if (!wide && wg_type_bytes(b->type[o]) <= wg_type_bytes(b->type[v]) / SMALL) return true;
    return add(s->need, &s->n_needs, NEEDS, o);
}

static bool gather(struct pick *s, int32_t v)
{
    const wg_build *b = s->b;
    const wg_plan *p = b->p;

    s->n_parts = s->n_needs = 0;
    if (!is_light(b, v)) return false;
    s->part[s->n_parts++] = v;
    for (int n = 0; n < s->n_parts; n++) {
        int32_t e = s->part[n];

        for (int32_t i = p->first[e]; i < p->first[e + 1]; i++)
            if (!wg__lends_type(wg__op_at(b, e), i - p->first[e]) &&
                !gather_operand(s, v, b->in[i]))
                return false;
    }
    return true;
}

/* ---- the choice ---- */

/* Whether what v is made of may live until v was read last: for no more bytes than v, and for
 * longer than v is kept by readers that need it whole. */
static bool worth(const struct pick *s, int32_t v, int32_t from, int32_t until)
{
    const wg_build *b = s->b;
    int64_t bytes = wg_type_bytes(b->type[v]), longer = 0;

    for (int i = 0; i < s->n_needs; i++) {
        int32_t c = s->need[i];

        if ((b->mark[c] & (WG_LEAF | WG_FIXED | WG_ROOT)) || s->last[c] >= until) continue;
        if (s->last[c] <= from) return false;
        longer += wg_type_bytes(b->type[c]);
    }
    return longer <= bytes;
}

static void pick(struct pick *s, int32_t v, bool free_only)
{
    const wg_build *b = s->b;
    int32_t from = b->step[v], first = s->first_use[v + 1];
    double bytes = (double)wg_type_bytes(b->type[v]), more = 0;

    while (first > s->first_use[v] && s->whole[first - 1]) first--;
    if (first > s->first_use[v]) from = s->use[first - 1];
    else more -= bytes; /* it is not written */
    if (first == s->first_use[v + 1] || !gather(s, v) || !worth(s, v, from, s->last[v])) return;
    for (int32_t i = first; i < s->first_use[v + 1]; i++) {
        int32_t k = s->use[i];

        more -= bytes;
        for (int n = 0; n < s->n_parts; n++)
            if (!has(s, s->part[n], k)) more += (double)wg_type_bytes(b->type[s->part[n]]);
        for (int n = 0; n < s->n_needs; n++)
            if (!reads(s, s->need[n], k)) more += (double)wg_type_bytes(b->type[s->need[n]]);
    }
    if (more > 0 &&
        (free_only || s->added + more > s->most || s->crowded[s->last[v]] == s->crowded[from + 1]))
        return;
    s->added += more;
    s->picked++;
    s->cut[v] = from;
    for (int n = 1; n < s->n_parts; n++)
        if (s->cut[s->part[n]] == WG_NO_CUT) s->cut[s->part[n]] = b->step[s->part[n]];
    for (int n = 0; n < s->n_needs; n++)
        if (s->last[s->need[n]] < s->last[v]) s->last[s->need[n]] = s->last[v];
    for (int32_t i = first; i < s->first_use[v + 1]; i++) {
        for (int n = 0; n < s->n_parts; n++) put(s, s->part[n], s->use[i]);
        for (int n = 0; n < s->n_needs; n++) put(s, s->need[n], s->use[i]);
    }
}

/* Work of a run, in bytes. */
static double find_work(const struct pick *s)
{
    const wg_build *b = s->b;
    const wg_plan *p = b->p;
    double work = 0;

    for (int32_t i = 0; i < b->first_member[b->n_steps]; i++) {
        int32_t e = b->member[i];
        const wg_op *op = wg__op_at(b, e);
        double n = (double)wg_type_bytes(b->type[e]);

        for (int k = 0; k < wg__n_in(p, e); k++) b->tx[k] = b->type[b->in[p->first[e] + k]];
        if (op->flops)
            n += op->flops(&(wg_sig){ op, b->attr[e], wg__n_in(p, e), b->tx, b->error },
                           b->type[e]) /
                 FLOPS_A_BYTE;
        work += n;
        if (b->mark[e] & WG_STORED)
            work += (double)wg_type_bytes(b->type[e]) * (s->first_use[e + 1] - s->first_use[e]);
    }
    return work;
}

static void find_crowded(struct pick *s)
{
    const wg_build *b = s->b;
    int32_t most = wg__find_use(b, s->last, s->crowded);
    int64_t much = s->crowded[most] / 4 * 3, n = 0;

    for (int32_t k = 0; k <= b->n_steps; k++) {
        int64_t is = k < b->n_steps && s->crowded[k] > much;

        s->crowded[k] = n;
        n += is;
    }
}

static bool is_large(const wg_build *b, int32_t e)
{
    return wg_type_bytes(b->type[e]) >= (b->p->options.cache - 1) / LARGE + 1;
}

/* false: out of memory */
static bool choose(struct pick *s)
{
    const wg_build *b = s->b;
    int64_t n = b->p->n;

    s->last = wg__array(n, sizeof *s->last);
    s->cut = wg__array(n, sizeof *s->cut);
    s->first_use = wg__array(n + 1, sizeof *s->first_use);
    s->crowded = wg__array((int64_t)b->n_steps + 1, sizeof *s->crowded);
    if (!s->last || !s->cut || !s->first_use || !s->crowded || !find_uses(s)) return false;
    wg__find_last(b, s->last);
    find_crowded(s);
    s->most = find_work(s) / PART_MORE;
    for (int64_t i = 0; i < n; i++) s->cut[i] = WG_NO_CUT;
    for (int again = 0; again < 2; again++)
        for (int32_t e = 0; e < n && !s->out_of_memory; e++)
            if (wg__computed(b, e) && (b->mark[e] & WG_STORED) && s->cut[e] == WG_NO_CUT &&
                is_large(b, e))
                pick(s, e, again == 0);
    return !s->out_of_memory;
}

static void give_room(struct pick *s)
{
    wg__release(s->last);
    wg__release(s->cut);
    wg__release(s->first_use);
    wg__release(s->use);
    wg__release(s->whole);
    wg__release(s->crowded);
    wg__release(s->pair);
    wg__hash_free(&s->at_hand);
}

/* ---- the pass ---- */

/* The list o in the plan's place, with a build of it; taken when it needs fewer bytes. */
static bool try_list(wg_build *b, wg_list *o, const wg_spec_stats *simplified, bool *better)
{
    wg_spec *s = b->s;
    wg_spec_stats had = s->stats;
    size_t bytes = s->arena_bytes;
    wg_build l = { .p = b->p, .s = s, .error = b->error, .list = b->list };
    bool ok;

    s->stats = *simplified;
    wg__list_swap(b->p, o);
    ok = wg__list_build(&l, o) && wg__plan_arrange(&l);
    wg__list_swap(b->p, o);
    *better = ok && s->arena_bytes < bytes;
    if (*better) {
        wg__build_release(b);
        *b = l;
        wg__list_put(b, o);
        wg__count_again(b);
    } else {
        wg__build_release(&l);
        s->stats = had;
        s->arena_bytes = bytes;
    }
    return ok;
}

bool wg__plan_remake(wg_build *b, const wg_spec_stats *simplified)
{
    const wg_plan *p = b->p;
    unsigned all = WG_PASS_REMAKE | WG_PASS_REUSE | WG_PASS_FUSE;
    bool ok = true, better = true;

    if ((p->passes & all) != all || p->options.check || p->options.keep) return true;
    for (int i = 0; i < ROUNDS && ok && better; i++) {
        struct pick s = { .b = b };
        wg_list o = { .n = 0 };
        bool too_many = false;
        int64_t most = p->n < INT32_MAX / GROWTH - 64 ? GROWTH * p->n + 64 : INT32_MAX;

        ok = choose(&s);
        better = ok && s.picked > 0;
        if (better) {
            wg_list base = { .from = b->list->from, .again = b->list->again };

            better = wg__list_make(b, &base, s.last, s.cut, most, true, &o, &too_many);
            ok = better || too_many;
        }
        give_room(&s);
        if (ok && better) ok = try_list(b, &o, simplified, &better);
        wg__list_free(&o);
    }
    if (!ok) wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
    return ok;
}
