/*
 * plan_memory.c: where each value lies in the arena. Steps are gone through in order of running, as
 * an allocator would see them: a value takes the best-fitting free block when its step comes, and
 * gives it back after its last reader. Free blocks are found by size class and joined with their
 * neighbours by address, so the whole costs O(1) a value but for the look at a bounded number of
 * blocks of one class.
 */
#include <string.h>

#include "plan.h"

enum { CLASSES = 512, LOOK = 16 };

struct block {
    int64_t at, size;      /* in units of WG_ALIGN */
    int32_t left, right;   /* by address, -1 at the ends */
    int32_t before, after; /* in its class, while free */
    bool free;
};

struct heap {
    struct block *block;
    int64_t n, cap;
    int32_t spare; /* records out of use, linked by `after` */
    int32_t tail;  /* highest address */
    int64_t end, used, peak;
    int32_t class[CLASSES];
    uint64_t filled[CLASSES / 64];
};

/* Sizes up to 8 have a class each; above, 8 classes to each power of two. */
static int class_of(int64_t size)
{
    int top;

    if (size < 8) return (int)size;
    top = 63 - __builtin_clzll((unsigned long long)size);
    return (top - 2) * 8 + (int)(size >> (top - 3) & 7);
}

static void list_free(struct heap *h, int32_t i)
{
    int c = class_of(h->block[i].size);

    h->block[i].free = true;
    h->block[i].before = -1;
    h->block[i].after = h->class[c];
    if (h->class[c] >= 0) h->block[h->class[c]].before = i;
    h->class[c] = i;
    h->filled[c / 64] |= (uint64_t)1 << c % 64;
}

static void unlist(struct heap *h, int32_t i)
{
    struct block *k = &h->block[i];
    int c = class_of(k->size);

    k->free = false;
    if (k->before >= 0) h->block[k->before].after = k->after;
    else h->class[c] = k->after;
    if (k->after >= 0) h->block[k->after].before = k->before;
    if (h->class[c] < 0) h->filled[c / 64] &= ~((uint64_t)1 << c % 64);
}

/* A record between two neighbours; -1: out of memory. */
static int32_t new_block(struct heap *h, int64_t at, int64_t size, int32_t left, int32_t right)
{
    int32_t i = h->spare;

    if (i >= 0) {
        h->spare = h->block[i].after;
    } else {
        struct block *list =
            h->n < INT32_MAX ? wg__grow(h->block, &h->cap, h->n + 1, sizeof *list) : NULL;

        if (!list) return -1;
        h->block = list;
        i = (int32_t)h->n++;
    }
    h->block[i] = (struct block){ at, size, left, right, -1, -1, false };
    if (left >= 0) h->block[left].right = i;
    if (right >= 0) h->block[right].left = i;
    else h->tail = i;
    return i;
}

static void drop_block(struct heap *h, int32_t i)
{
    struct block *k = &h->block[i];

    if (k->left >= 0) h->block[k->left].right = k->right;
    if (k->right >= 0) h->block[k->right].left = k->left;
    else h->tail = k->left;
    k->after = h->spare;
    h->spare = i;
}

static int32_t best_in_class(const struct heap *h, int c, int64_t size)
{
    int32_t best = -1;
    int seen = 0;

    for (int32_t i = h->class[c]; i >= 0 && seen < LOOK; i = h->block[i].after, seen++) {
        if (h->block[i].size < size) continue;
        if (best < 0 || h->block[i].size < h->block[best].size) best = i;
        if (h->block[i].size == size) break;
    }
    return best;
}

static int32_t find_free(const struct heap *h, int64_t size)
{
    int c = class_of(size);
    int32_t found = best_in_class(h, c, size);

    for (int word = ++c / 64; found < 0 && word < CLASSES / 64; c = ++word * 64) {
        uint64_t bits = h->filled[word] >> c % 64;

        if (bits) found = best_in_class(h, c + __builtin_ctzll(bits), size);
    }
    return found;
}

/* A block of `size` units; -1: out of memory. */
static int32_t take(struct heap *h, int64_t size)
{
    int32_t i = find_free(h, size);

    if (i < 0 && h->tail >= 0 && h->block[h->tail].free) { /* what is free at the end grows */
        i = h->tail;
        unlist(h, i);
        h->end += size - h->block[i].size;
        h->block[i].size = size;
    } else if (i < 0) {
        i = new_block(h, h->end, size, h->tail, -1);
        if (i < 0) return -1;
        h->end += size;
    } else {
        unlist(h, i);
        if (h->block[i].size > size) {
            int32_t rest =
                new_block(h, h->block[i].at + size, h->block[i].size - size, i, h->block[i].right);

            if (rest < 0) return -1;
            h->block[i].size = size;
            list_free(h, rest);
        }
    }
    h->used += size;
    if (h->used > h->peak) h->peak = h->used;
    return i;
}

static void give(struct heap *h, int32_t i)
{
    int32_t left = h->block[i].left, right = h->block[i].right;

    h->used -= h->block[i].size;
    if (left >= 0 && h->block[left].free) {
        unlist(h, left);
        h->block[left].size += h->block[i].size;
        drop_block(h, i);
        i = left;
    }
    if (right >= 0 && h->block[right].free) {
        unlist(h, right);
        h->block[i].size += h->block[right].size;
        drop_block(h, right);
    }
    list_free(h, i);
}

static int64_t units(int64_t bytes)
{
    return bytes <= 0 ? 1 : (bytes - 1) / WG_ALIGN + 1;
}

/* ---- writing over old values ---- */

/* Whether value `owner` may be overwritten by entry e, as far as types go. An operand of as many
 * elements as a step goes over is read element by element, or line by line, by all of its members;
 * but one of as many as a narrow member has may be read by others in another order. */
static bool same_elements(const wg_build *b, int32_t owner, int32_t e)
{
    return b->type[owner]->dtype == b->type[e]->dtype &&
           wg__elements(b->type[owner]) == wg__elements(b->type[e]) && !wg__narrow(b, e);
}

/* Whether store entry `owner` may be overwritten by entry e of the step that reads it last: every
 * reader there stands before e or is e. */
static bool read_before(const wg_build *b, int32_t owner, int32_t e)
{
    const wg_plan *p = b->p;
    int32_t k = b->step[e];

    if (!same_elements(b, owner, e)) return false;
    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
        int32_t reader = b->member[m];

        for (int32_t i = p->first[reader]; i < p->first[reader + 1]; i++) {
            if (b->owner[b->in[i]] != owner ||
                wg__lends_type(wg__op_at(b, reader), i - p->first[reader]))
                continue;
            if (reader > e) return false;
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

    if (leaf < 0 || !op->check || (b->mark[e] & WG_ROW) || b->last[leaf] != b->step[e] ||
        b->owner[b->in[p->first[e]]] != leaf || !same_elements(b, leaf, e))
        return false;
    for (int32_t i = p->first[e] + 1; i < p->first[e + 1]; i++)
        if (b->owner[b->in[i]] == leaf && !wg__lends_type(op, i - p->first[e])) return false;
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
static bool mark_direct(wg_build *b)
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

/* ---- the walk over the steps ---- */

enum { KEPT = 64 };

/* Inside a bundle a lane takes memory again that it gave itself, of the very size; all else that is
 * given waits for the end, as the other lane may be anywhere. */
struct walk {
    wg_build *b;
    struct heap heap;
    int32_t *place;   /* by owner: its block */
    int64_t bundle;   /* of the step at hand, or the next one */
    int lane;         /* 0, 1; -1: no bundle */
    int64_t *read_by; /* by owner: the bundle whose first lane reads it, -1 */
    int32_t kept[KEPT], n_kept;
    int32_t *waiting, n_waiting;
};

/* The other lane reads this value, too. */
static bool is_shared(const struct walk *w, int32_t owner)
{
    return w->lane == 1 && w->read_by[owner] == w->bundle;
}

static int32_t take_block(struct walk *w, int64_t size)
{
    for (int32_t i = w->n_kept - 1; i >= 0; i--)
        if (w->heap.block[w->kept[i]].size == size) {
            int32_t found = w->kept[i];

            w->kept[i] = w->kept[--w->n_kept];
            return found;
        }
    return take(&w->heap, size);
}

static void give_block(struct walk *w, int32_t i, bool shared)
{
    if (w->lane < 0) give(&w->heap, i);
    else if (!shared && w->n_kept < KEPT) w->kept[w->n_kept++] = i;
    else w->waiting[w->n_waiting++] = i;
}

static void read_in_lane(struct walk *w, int32_t k)
{
    const wg_build *b = w->b;

    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++)
        for (int32_t i = b->p->first[b->member[m]]; i < b->p->first[b->member[m] + 1]; i++)
            w->read_by[b->owner[b->in[i]]] = w->bundle;
}

/* Before step k. */
static void enter_lane(struct walk *w, int32_t k)
{
    const wg_bundle *u;

    if (w->bundle == w->b->n_bundles) return;
    u = &w->b->bundle[w->bundle];
    if (k < u->first) return;
    if (k == u->first) w->lane = 0;
    if (k == u->split || k == u->end) {
        while (w->n_kept > 0) w->waiting[w->n_waiting++] = w->kept[--w->n_kept];
        w->lane = 1;
    }
    if (k == u->end) {
        w->lane = -1;
        w->bundle++;
        while (w->n_waiting > 0) give(&w->heap, w->waiting[--w->n_waiting]);
        enter_lane(w, k);
    } else if (w->lane == 0) {
        read_in_lane(w, k);
    }
}

static bool dies_at(const wg_build *b, int32_t owner, int32_t k)
{
    return (b->mark[owner] & WG_STORED) && !(b->mark[owner] & (WG_LEAF | WG_FIXED)) &&
           b->last[owner] == k;
}

/* A value that this step reads last, and the last member to do so. */
struct dying {
    int32_t owner, reader;
};

static int find_dying(const struct walk *w, int32_t k, struct dying *list)
{
    const wg_build *b = w->b;
    const wg_plan *p = b->p;
    int n = 0;

    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
        int32_t e = b->member[m];

        for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
            int32_t owner = b->owner[b->in[i]];
            int at = 0;

            if (wg__lends_type(wg__op_at(b, e), i - p->first[e]) || !dies_at(b, owner, k) ||
                b->step[owner] == k || is_shared(w, owner))
                continue;
            while (at < n && list[at].owner != owner) at++;
            if (at == LOOK) continue;
            if (at == n) list[n++].owner = owner;
            list[at].reader = e;
        }
    }
    return n;
}

static bool take_values(struct walk *w, int32_t k)
{
    wg_build *b = w->b;
    bool row = (b->mark[wg__head(b, k)] & WG_ROW) != 0;
    unsigned both = WG_PASS_IN_PLACE | WG_PASS_REUSE;
    struct dying dying[LOOK];
    int n = row && (b->p->passes & both) == both ? find_dying(w, k, dying) : 0;

    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
        int32_t e = b->member[m];
        int i = 0;

        if (!(b->mark[e] & WG_STORED)) continue;
        while (i < n &&
               (dying[i].owner < 0 || dying[i].reader > e || !same_elements(b, dying[i].owner, e)))
            i++;
        if (i < n) {
            w->place[e] = w->place[dying[i].owner];
            b->last[dying[i].owner] = -1; /* its memory lives on */
            b->stream[e] = 0;             /* and has just been read: it is in the cache */
            dying[i].owner = -1;
            b->s->stats.in_place++;
        } else {
            w->place[e] = take_block(w, units(wg_type_bytes(b->type[e])));
            if (w->place[e] < 0) return false;
        }
        b->offset[e] = w->heap.block[w->place[e]].at * WG_ALIGN;
    }
    return true;
}

static void give_values(struct walk *w, int32_t k)
{
    wg_build *b = w->b;
    const wg_plan *p = b->p;

    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
        int32_t e = b->member[m];

        for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
            int32_t owner = b->owner[b->in[i]];

            if (wg__lends_type(wg__op_at(b, e), i - p->first[e]) || !dies_at(b, owner, k)) continue;
            give_block(w, w->place[owner], is_shared(w, owner));
            b->last[owner] = -1;
        }
    }
}

static bool step_scratch(wg_build *b, int32_t k, int64_t *bytes)
{
    const wg_plan *p = b->p;
    int32_t e = wg__head(b, k), part[2];
    const wg_op *op = wg__op_at(b, e);
    size_t need;

    if (b->mark[e] & WG_ROW) return wg__rows_scratch(b, k, bytes);
    *bytes = 0;
    b->n_instr++;
    if (wg__inline_parts(b, e, part, NULL) > 0) {
        b->n_instr++; /* its check */
        return true;
    }
    if (!op->scratch) return true;
    for (int i = 0; i < wg__n_in(p, e); i++) b->tx[i] = b->type[b->in[p->first[e] + i]];
    wg__eval_chosen(&(wg_sig){ op, b->attr[e], wg__n_in(p, e), b->tx, b->error }, b->type[e],
                    wg__kernel_dtype(b, e), p->level, p->passes, p->options.threads, &need);
    /* at least one byte: kernels count from its address */
    *bytes = need > INT64_MAX ? INT64_MAX : need ? (int64_t)need : 1;
    return true;
}

static bool lay_out(struct walk *w)
{
    wg_build *b = w->b;
    bool reuse = (b->p->passes & WG_PASS_REUSE) != 0;

    for (int64_t i = 0; i < b->p->n; i++) /* copies live through the whole run */
        if ((b->mark[i] & WG_STORED) && (b->mark[i] & (WG_LEAF | WG_FIXED))) {
            w->place[i] = take(&w->heap, units(wg_type_bytes(b->type[i])));
            if (w->place[i] < 0) return false;
            b->offset[i] = w->heap.block[w->place[i]].at * WG_ALIGN;
        }
    for (int32_t k = 0; k < b->n_steps; k++) {
        int32_t own = -1;

        enter_lane(w, k);
        if (!take_values(w, k) || !step_scratch(b, k, &b->scratch[k])) return false;
        if (b->scratch[k] > 0) {
            own = take_block(w, units(b->scratch[k]));
            if (own < 0) return false;
            b->scratch_at[k] = w->heap.block[own].at * WG_ALIGN;
            give_block(w, own, false);
        }
        if (reuse) give_values(w, k);
        if (w->heap.end > PTRDIFF_MAX / WG_ALIGN / 2) {
            wg_fail(b->error, WG_ELIMIT, "plan_run",
                    "the values need more bytes than can be counted");
            return false;
        }
    }
    return true;
}

bool wg__plan_memory(wg_build *b)
{
    struct walk w = { .b = b, .lane = -1 };
    bool ok;

    w.heap.spare = w.heap.tail = -1;
    for (int i = 0; i < CLASSES; i++) w.heap.class[i] = -1;
    w.place = wg__array(b->p->n, sizeof *w.place);
    b->scratch = wg__array(b->n_steps, sizeof *b->scratch);
    b->scratch_at = wg__array(b->n_steps, sizeof *b->scratch_at);
    w.read_by = wg__array(b->p->n, sizeof *w.read_by);
    /* a block is given once, and those of scratch are as many as the steps */
    w.waiting = wg__array(b->p->n + b->n_steps, sizeof *w.waiting);
    ok = w.place && w.read_by && w.waiting && b->scratch && b->scratch_at;
    for (int64_t i = 0; ok && i < b->p->n; i++) w.read_by[i] = -1;
    ok = ok && wg__plan_stream(b) && mark_direct(b) && lay_out(&w);
    wg__release(w.place);
    wg__release(w.read_by);
    wg__release(w.waiting);
    wg__release(w.heap.block);
    if (!ok) {
        wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
        return false;
    }
    b->s->arena_bytes = (size_t)w.heap.end * WG_ALIGN;
    b->s->stats.arena_bytes = w.heap.end * WG_ALIGN;
    b->s->stats.peak_bytes = w.heap.peak * WG_ALIGN;
    return true;
}
