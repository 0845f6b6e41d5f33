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
            w->read_by[wg__whole(b, b->owner[b->in[i]])] = w->bundle;
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

/* Its memory is not all its own. */
static bool lies_with_others(const wg_build *b, int32_t owner)
{
    return b->whole && (b->whole[owner] != owner || (b->around[owner] & WG_AROUND));
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
                b->step[owner] == k || is_shared(w, owner) || lies_with_others(b, owner))
                continue;
            while (at < n && list[at].owner != owner) at++;
            if (at == LOOK) continue;
            if (at == n) list[n++].owner = owner;
            list[at].reader = e;
        }
    }
    return n;
}

/* Memory for a value around others, when the first of them comes. The other lane may make the next:
 * no memory that this one has used before in the bundle. */
static bool take_whole(struct walk *w, int32_t e)
{
    wg_build *b = w->b;
    int32_t top = b->whole[e];

    if ((b->mark[top] & (WG_LEAF | WG_FIXED)) || w->place[top] >= 0) return true;
    w->place[top] = take(&w->heap, units(wg_type_bytes(b->type[top])));
    if (w->place[top] < 0) return false;
    b->offset[top] = w->heap.block[w->place[top]].at * WG_ALIGN;
    return true;
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
        if (lies_with_others(b, e)) {
            if (!take_whole(w, e)) return false;
            continue;
        }
        while (i < n && (dying[i].owner < 0 || dying[i].reader > e ||
                         !wg__same_elements(b, dying[i].owner, e)))
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
            int32_t owner = wg__whole(b, b->owner[b->in[i]]);

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
    _Alignas(16) char state[WG_STATE];
    wg_inlined in = { .state = state };
    size_t need;

    if (b->mark[e] & WG_ROW) return wg__rows_scratch(b, k, bytes);
    *bytes = 0;
    if (wg__is_place(b, e)) {
        int64_t at = 0;

        for (int32_t i = -1; wg__place_next(b, e, &i, &at);) b->n_instr++;
        return true;
    }
    b->n_instr++;
    if (wg__inline_parts(b, e, part, &in) > 0) {
        b->n_instr++; /* its check */
        *bytes = (int64_t)in.scratch;
        return true;
    }
    if (!op->scratch && !wg__more(op)->fast) return true;
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

static bool walk_steps(struct walk *w)
{
    const wg_plan *p = w->b->p;

    w->heap.n = w->heap.end = w->heap.used = w->heap.peak = 0;
    w->heap.spare = w->heap.tail = w->lane = -1;
    memset(w->heap.filled, 0, sizeof w->heap.filled);
    for (int i = 0; i < CLASSES; i++) w->heap.class[i] = -1;
    w->bundle = w->n_kept = w->n_waiting = 0;
    for (int64_t i = 0; i < p->n; i++) w->read_by[i] = w->place[i] = -1;
    return lay_out(w);
}

/* What a walk changes, to begin again. */
struct before {
    int32_t *last;
    uint8_t *stream;
    int64_t n_instr, in_place;
};

static bool note_before(const wg_build *b, struct before *o)
{
    size_t n = (size_t)b->p->n;

    *o = (struct before){ wg__alloc(n * sizeof *o->last), wg__alloc(n), b->n_instr,
                          b->s->stats.in_place };
    if (!o->last || !o->stream) return false;
    memcpy(o->last, b->last, n * sizeof *o->last);
    memcpy(o->stream, b->stream, n);
    return true;
}

static void go_back(wg_build *b, const struct before *o)
{
    memcpy(b->last, o->last, (size_t)b->p->n * sizeof *b->last);
    memcpy(b->stream, o->stream, (size_t)b->p->n);
    for (int64_t i = 0; i < b->p->n; i++) b->offset[i] = -1;
    b->n_instr = o->n_instr;
    b->s->stats.in_place = o->in_place;
}

/* Copies that are left out are worth this part of the memory. */
enum { PLACE_MORE = 8 };

/* With values inside others, unless that takes much more memory than without, when they live
 * `alone`; or any more, where there is a bound. */
static bool walk_placed(struct walk *w, const int32_t *alone)
{
    wg_build *b = w->b;
    size_t bytes = (size_t)b->p->n * sizeof *b->last;
    int32_t *whole = b->whole;
    struct before o;
    int64_t end;
    bool ok = note_before(b, &o);

    b->whole = NULL;
    memcpy(b->last, alone, bytes);
    ok = ok && walk_steps(w);
    b->whole = whole;
    end = w->heap.end;
    if (ok) go_back(b, &o);
    ok = ok && walk_steps(w);
    if (ok && w->heap.end > end + (b->p->options.max_bytes > 0 ? 0 : end / PLACE_MORE)) {
        go_back(b, &o);
        wg__place_drop(b);
        memcpy(b->last, alone, bytes);
        ok = walk_steps(w);
    }
    for (int64_t i = 0; ok && b->whole && i < b->p->n; i++)
        if (b->whole[i] != i && b->offset[b->whole[i]] >= 0)
            b->offset[i] = b->offset[b->whole[i]] + b->shift[i];
    wg__release(o.last);
    wg__release(o.stream);
    return ok;
}

bool wg__plan_memory(wg_build *b)
{
    struct walk w = { .b = b };
    int32_t *alone = wg__array(b->p->n, sizeof *alone);
    bool ok;

    w.place = wg__array(b->p->n, sizeof *w.place);
    b->scratch = wg__array(b->n_steps, sizeof *b->scratch);
    b->scratch_at = wg__array(b->n_steps, sizeof *b->scratch_at);
    w.read_by = wg__array(b->p->n, sizeof *w.read_by);
    /* a block is given once, and those of scratch are as many as the steps */
    w.waiting = wg__array(b->p->n + b->n_steps, sizeof *w.waiting);
    ok = alone && w.place && w.read_by && w.waiting && b->scratch && b->scratch_at;
    ok = ok && wg__plan_stream(b) && wg__plan_place(b, alone) && wg__plan_direct(b) &&
         (b->whole ? walk_placed(&w, alone) : walk_steps(&w));
    wg__release(alone);
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
