/*
 * plan_chain.c: members of a step that follow one another and have handlers (wg_op.chain) run as
 * one chain: 128 elements at a time go through all of them, and the value just made stays in
 * registers. It goes to memory only when another than the next one reads it, and what lives only
 * inside the chain has one chunk of memory, not a block. The order among them is chosen so that a
 * value is read right after it was made. A sum of rows takes what the registers hold and leaves them
 * as they are. What is read no more after it went to memory or into such a sum joins the first chain
 * it may. Long chains also ask for the next block of operands that are read outside of chains.
 */
#include <string.h>

#include "plan.h"

enum {
    LONG = 4, /* members of a chain for each operand read elsewhere that it asks for */
    MOST_LINKS = 6 * WG_CHAIN_MEMBERS + WG_CHAIN_ASKED + 1
};

/* What a pointer of the table is for, in the order of the table. */
enum { STREAMED, MOVING, FIXED, N_USES };

/* A chain being made: members are counted from its first. */
struct maker {
    wg_build *b;
    const wg_rows *r;
    wg_blocks *k;
    const int32_t *entry; /* of the member; -1: it repeats a value */
    int32_t first, n;
    int32_t source[WG_CHAIN_MEMBERS][2]; /* the member that made the operand's value; -1: none */
    uint64_t before[WG_CHAIN_MEMBERS];   /* members that must run before this one */
    bool later[WG_CHAIN_MEMBERS];        /* the value is read behind the chain */
    bool kept[WG_CHAIN_MEMBERS];         /* the value goes to memory */
    bool block[WG_CHAIN_MEMBERS];        /* to that of the whole block */
    int32_t order[WG_CHAIN_MEMBERS];
    wg_link link[MOST_LINKS];
    int32_t n_links;
    struct {
        int64_t key;
        int use;
        wg_chain_at at;
    } pointer[WG_CHAIN_FRAME];
    int32_t n_pointers, n_uses[N_USES];
    int32_t asked[WG_CHAIN_ASKED], n_asked; /* refs of operands read elsewhere */
};

static const wg_member *member(const struct maker *o, int32_t i)
{
    return &o->k->member[o->first + i];
}

static const wg_op *op_of(const struct maker *o, int32_t i)
{
    return wg__op_at(o->b, o->entry[o->first + i]);
}

static bool sums(const struct maker *o, int32_t i)
{
    return wg__sums_rows(o->b, o->entry[o->first + i]);
}

static const wg_ref *result(const wg_blocks *k, const wg_member *m)
{
    return &k->ref[m->first + m->n];
}

static bool same_place(const wg_ref *x, const wg_ref *y)
{
    if (x->local >= 0 || y->local >= 0) return x->local == y->local;
    return x->base && x->base == y->base;
}

/* ---- what may be in a chain ---- */

static bool fits(const wg_build *b, const wg_member *m, int32_t e)
{
    const wg_op *op = e >= 0 ? wg__op_at(b, e) : NULL;

    if (op && wg__sums_rows(b, e))
        return b->type[e]->dtype == WG_F32 && wg__more(op)->adds->chain &&
               wg__more(op)->adds->chain->fn[WG_LINK_XM];
    if (!op || !op->chain || op->shape_only || !(b->mark[e] & WG_ROW) || m->narrow) return false;
    if (wg__kernel_dtype(b, e) != WG_F32 || b->type[e]->dtype != WG_F32) return false;
    if (m->n == 1) return m->step[0] && op->chain->fn[WG_LINK_X];
    return m->n == 2 && (m->step[0] || m->step[1]) && op->chain->fn[WG_LINK_XM];
}

/* ---- who reads what, and in which order ---- */

/* Members behind the chain that read this place before it is written again. */
static bool read_later(const struct maker *o, const wg_ref *place)
{
    const wg_blocks *k = o->k;

    for (int32_t i = o->first + o->n; i < k->n_members; i++) {
        const wg_member *m = &k->member[i];

        for (int32_t j = 0; j < m->n; j++)
            if (same_place(&k->ref[m->first + j], place)) return true;
        if (same_place(result(k, m), place)) return false;
    }
    return false;
}

static bool writes(const struct maker *o, int32_t i, const wg_ref *place)
{
    const wg_member *m = member(o, i);

    return same_place(result(o->k, m), place) ||
           (m->stream && same_place(result(o->k, m) + 1, place));
}

static void find_sources(struct maker *o)
{
    for (int32_t i = 0; i < o->n; i++) {
        const wg_member *m = member(o, i);

        o->before[i] = 0;
        for (int32_t j = 0; j < m->n; j++) {
            const wg_ref *x = &o->k->ref[m->first + j];

            o->source[i][j] = -1;
            for (int32_t w = 0; w < i; w++) {
                if (!writes(o, w, x)) continue;
                o->source[i][j] = w;
                o->before[i] |= (uint64_t)1 << w;
            }
        }
        for (int32_t w = 0; w < i; w++) { /* what is written over has been read */
            const wg_member *before = member(o, w);
            bool clash = writes(o, w, result(o->k, m));

            for (int32_t j = 0; j < before->n; j++)
                clash = clash || writes(o, i, &o->k->ref[before->first + j]);
            if (clash) o->before[i] |= (uint64_t)1 << w;
        }
    }
    for (int32_t i = 0; i < o->n; i++) {
        const wg_ref *y = result(o->k, member(o, i));

        o->later[i] = read_later(o, y);
        for (int32_t w = i + 1; w < o->n && o->later[i]; w++)
            if (writes(o, w, y)) o->later[i] = false;
    }
}

/* The operand that is the value made by member `held`, of one of the two places at most; -1. */
static int in_registers(const struct maker *o, int32_t i, int32_t held)
{
    const wg_member *m = member(o, i);

    for (int j = 0; j < m->n && held >= 0; j++)
        if (o->source[i][j] == held && m->step[j]) return j;
    return -1;
}

/* The member whose value is in the registers once member i has run. */
static int32_t held_after(const struct maker *o, int32_t i)
{
    return sums(o, i) ? o->source[i][1] : i;
}

/* A reader of the value just made comes next where there is one, else the earliest member. */
static void choose_order(struct maker *o)
{
    uint64_t done = 0;
    int32_t held = -1;

    for (int32_t t = 0; t < o->n; t++) {
        int32_t next = -1;

        for (int32_t i = 0; i < o->n; i++) {
            if ((done >> i & 1) || (o->before[i] & ~done)) continue;
            if (next < 0) next = i;
            if (in_registers(o, i, held) < 0) continue;
            next = i;
            break;
        }
        o->order[t] = next;
        held = held_after(o, next);
        done |= (uint64_t)1 << next;
    }
}

/* A slot holds blocks when some value in it comes from before the chain or is read behind it. */
static bool holds_blocks(const struct maker *o, const wg_ref *slot)
{
    for (int32_t i = 0; i < o->n; i++) {
        const wg_member *m = member(o, i);

        for (int32_t j = 0; j < m->n; j++)
            if (o->source[i][j] < 0 && same_place(&o->k->ref[m->first + j], slot)) return true;
        if (o->later[i] && same_place(result(o->k, m), slot)) return true;
    }
    return false;
}

static void find_kept(struct maker *o)
{
    int32_t held = -1;

    for (int32_t i = 0; i < o->n; i++) {
        const wg_ref *y = result(o->k, member(o, i));

        o->kept[i] = y->local < 0 || o->later[i];
        o->block[i] = y->local < 0 || holds_blocks(o, y);
    }
    for (int32_t t = 0; t < o->n; held = held_after(o, o->order[t++])) {
        int32_t i = o->order[t];
        int from = in_registers(o, i, held);

        for (int j = 0; j < member(o, i)->n; j++)
            if (j != from && o->source[i][j] >= 0) o->kept[o->source[i][j]] = true;
    }
}

/* ---- links ---- */

/* Slots lie multiples of 2048 bytes apart, in few sets of the cache: the chunks in them lie at
 * different places of their slots. */
static int32_t skew_of(const struct maker *o, int64_t local)
{
    int64_t chunk = WG_CHUNK * (int64_t)sizeof(float), places = o->r->slot_bytes / chunk;

    return (int32_t)(local / 4096 % places * chunk);
}

static bool is_spread(const wg_blocks *k, int32_t ref)
{
    for (int32_t i = 0; i < k->n_pairs; i++)
        if (k->pair[i].ref == ref) return true;
    return false;
}

/* The pointer of ref `ref` in the table: members that read one value share it. */
static int64_t pointer(struct maker *o, int32_t ref, int64_t key, int use, int32_t skew)
{
    int32_t at = 0;

    while (at < o->n_pointers && (o->pointer[at].key != key || o->pointer[at].use != use)) at++;
    if (at < o->n_pointers) return at;
    o->pointer[at].key = key;
    o->pointer[at].use = use;
    o->pointer[at].at = (wg_chain_at){ ref, skew };
    o->n_uses[use]++;
    o->n_pointers++;
    return at;
}

static int64_t place_of(struct maker *o, int32_t i)
{
    const wg_member *m = member(o, i);
    int64_t local = o->k->ref[m->first + m->n].local;
    bool block = o->block[i];

    return pointer(o, m->first + m->n, o->entry[o->first + i], block ? MOVING : FIXED,
                   block ? 0 : skew_of(o, local));
}

static int64_t operand(struct maker *o, int32_t i, int j)
{
    const wg_member *m = member(o, i);
    const wg_plan *p = o->b->p;
    int32_t ref = m->first + j, in = o->b->in[p->first[o->entry[o->first + i]] + j - sums(o, i)];

    if (o->source[i][j] >= 0) return place_of(o, o->source[i][j]);
    return pointer(o, ref, is_spread(o->k, ref) ? p->n + ref : o->b->owner[in],
                   m->step[j] ? MOVING : FIXED, 0);
}

static void add(struct maker *o, void (*fn)(void), int64_t x, int64_t y, const void *attr)
{
    o->link[o->n_links++] = (wg_link){ fn, { x, y }, attr };
}

static void add_part(struct maker *o, wg_chain_part part, int64_t x, int64_t y)
{
    add(o, wg__chain_handler(part), x, y, NULL);
}

static void add_handler(struct maker *o, int32_t i, int held)
{
    const wg_member *m = member(o, i);
    const wg_chain *chain = op_of(o, i)->chain;
    int form = WG_LINK_X, other = 1 - held;
    int64_t x = 0, y = 0;

    if (sums(o, i)) {
        if (held < 0) add_part(o, WG_CHAIN_LOAD, operand(o, i, 1), 0);
        add_part(o, WG_CHAIN_SUM, pointer(o, m->first, o->b->p->n + m->first, MOVING, 0), 0);
        return;
    }
    if (m->n == 1) {
        if (held < 0) add_part(o, WG_CHAIN_LOAD, operand(o, i, 0), 0);
    } else if (held < 0 && m->step[0] && m->step[1]) {
        form = WG_LINK_MM;
        x = operand(o, i, 0);
        y = operand(o, i, 1);
    } else {
        if (held < 0) {
            other = !m->step[1];
            add_part(o, WG_CHAIN_LOAD, operand(o, i, 1 - other), 0);
        }
        x = operand(o, i, other);
        if (m->step[other]) form = other ? WG_LINK_XM : WG_LINK_MX;
        else form = other ? WG_LINK_XO : WG_LINK_OX;
    }
    add(o, chain->fn[form], x, y, m->attr);
}

/* Asks for the next block of operands that are the first to be asked for in the step. */
static void add_ahead(struct maker *o, int32_t i)
{
    wg_blocks *k = o->k;
    const wg_member *m = member(o, i);
    int32_t left = 0;

    for (int32_t at = 0; at < k->n_ahead; at++) {
        int32_t ref = k->ahead[at], j = ref - m->first;

        if (j < 0 || j >= m->n || o->source[i][j] >= 0) k->ahead[left++] = ref;
        else add_part(o, WG_CHAIN_AHEAD, operand(o, i, j), k->block * (int64_t)sizeof(float));
    }
    k->n_ahead = left;
}

static void ask_elsewhere(struct maker *o, int32_t ref)
{
    add_part(o, WG_CHAIN_AHEAD, pointer(o, ref, o->b->p->n + ref, MOVING, 0),
             o->k->block * (int64_t)sizeof(float));
}

static void add_links(struct maker *o)
{
    int32_t held = -1, asked = 0;

    for (int32_t t = 0; t < o->n; held = held_after(o, o->order[t++])) {
        int32_t i = o->order[t];
        const wg_member *m = member(o, i);

        add_handler(o, i, in_registers(o, i, held));
        if (m->stream)
            add_part(o, WG_CHAIN_STREAM,
                     pointer(o, m->first + m->n + 1, o->entry[o->first + i], STREAMED, 0), 0);
        if (o->kept[i]) add_part(o, WG_CHAIN_STORE, place_of(o, i), 0);
        add_ahead(o, i);
        while (asked < o->n_asked && (t + 1) * (o->n_asked + 1) >= (asked + 1) * o->n)
            ask_elsewhere(o, o->asked[asked++]);
    }
    add_part(o, WG_CHAIN_END, 0, 0);
}

/* ---- chains ---- */

static bool finish(struct maker *o)
{
    wg_arena *mem = &o->b->s->mem;
    wg_chained *c = &o->k->chain[o->k->n_chains++];
    wg_link *link = wg__arena_take(mem, (size_t)o->n_links * sizeof *link);
    wg_chain_at *at = wg__arena_take(mem, (size_t)o->n_pointers * sizeof *at);
    int32_t next[N_USES] = { 0, o->n_uses[STREAMED], o->n_uses[STREAMED] + o->n_uses[MOVING] };
    int64_t offset[WG_CHAIN_FRAME];

    if (!link || !at) return false;
    for (int32_t i = 0; i < o->n_pointers; i++) {
        int32_t to = next[o->pointer[i].use]++;

        at[to] = o->pointer[i].at;
        offset[i] = to * (int64_t)sizeof(void *);
    }
    for (int32_t i = 0; i < o->n_links; i++) {
        link[i] = o->link[i];
        link[i].x[0] = offset[link[i].x[0]];
        if (link[i].fn != wg__chain_handler(WG_CHAIN_AHEAD)) link[i].x[1] = offset[link[i].x[1]];
    }
    *c = (wg_chained){ .first = o->first,
                       .n = o->n,
                       .n_streams = o->n_uses[STREAMED],
                       .n_moving = o->n_uses[STREAMED] + o->n_uses[MOVING],
                       .n_frame = o->n_pointers,
                       .at = at,
                       .link = link };
    return true;
}

static bool make(struct maker *o, int32_t first, int32_t n)
{
    o->first = first;
    o->n = n;
    o->n_links = o->n_pointers = 0;
    memset(o->n_uses, 0, sizeof o->n_uses);
    find_sources(o);
    choose_order(o);
    find_kept(o);
    add_links(o);
    return finish(o);
}

/* The entries of k's members: behind one whose value is narrow comes one that repeats it. */
static void find_entries(const wg_build *b, const wg_rows *r, int32_t *entry)
{
    for (int32_t m = 0; m < r->members; m++) {
        *entry++ = b->member[r->first + m];
        if (r->repeat[m] >= 0) *entry++ = -1;
    }
}

/* ---- members that end here ---- */

static bool writes_place(const wg_blocks *k, const wg_member *m, const wg_ref *place)
{
    return same_place(result(k, m), place) || (m->stream && same_place(result(k, m) + 1, place));
}

static bool reads_place(const wg_blocks *k, const wg_member *m, const wg_ref *place)
{
    for (int32_t j = 0; j < m->n; j++)
        if (same_place(&k->ref[m->first + j], place)) return true;
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
            if (reads_place(k, other, &k->ref[m->first + j])) return false;
    }
    return true;
}

/* By member: nothing in the step but sums of rows reads its value, if anything does. */
static void find_ends(const wg_build *b, const wg_blocks *k, const int32_t *entry, bool *ends)
{
    for (int32_t i = k->n_members - 1; i >= 0; i--) {
        const wg_ref *y = result(k, &k->member[i]);

        ends[i] = fits(b, &k->member[i], entry[i]);
        if (ends[i] && wg__sums_rows(b, entry[i])) continue;
        for (int32_t w = i + 1; w < k->n_members && ends[i]; w++) {
            if (reads_place(k, &k->member[w], y)) ends[i] = wg__sums_rows(b, entry[w]);
            if (writes_place(k, &k->member[w], y)) break;
        }
    }
}

/* Such a member goes to the end of the first chain where all it reads is there: later that would
 * have to be kept in memory for it. */
static void move_ends(const wg_build *b, wg_blocks *k, int32_t *entry)
{
    bool ends[2 * WG_MAX_MEMBERS];

    find_ends(b, k, entry, ends);
    for (int32_t i = 1; i < k->n_members; i++) {
        wg_member m = k->member[i];
        int32_t e = entry[i], to = 1;

        if (!ends[i]) continue;
        while (to < i && (!fits(b, &k->member[to - 1], entry[to - 1]) ||
                          fits(b, &k->member[to], entry[to]) || !may_pass(k, &m, to, i)))
            to++;
        memmove(&k->member[to + 1], &k->member[to], (size_t)(i - to) * sizeof m);
        memmove(&entry[to + 1], &entry[to], (size_t)(i - to) * sizeof e);
        memmove(&ends[to + 1], &ends[to], (size_t)(i - to) * sizeof *ends);
        k->member[to] = m;
        entry[to] = e;
        ends[to] = true;
    }
}

/* ---- all chains of a step ---- */

/* Chains before any is made: whose members they are, and what they ask for beside their own. */
struct range {
    int32_t first, n;
    int32_t asked[WG_CHAIN_ASKED], n_asked;
};

static bool reads(const wg_blocks *k, const struct range *c, int32_t ref)
{
    for (const wg_member *m = &k->member[c->first], *end = m + c->n; m < end; m++)
        if (ref >= m->first && ref < m->first + m->n) return true;
    return false;
}

/* Operands that no chain reads are asked for by long ones, a chunk at a time: elsewhere members ask
 * for several lines at once. */
static void share_ahead(wg_blocks *k, struct range *chain, int32_t n)
{
    int32_t left = 0;

    for (int32_t at = 0; at < k->n_ahead; at++) {
        int32_t ref = k->ahead[at];
        struct range *to = NULL;
        bool read = k->ref[ref].stride != (int64_t)sizeof(float);

        for (int32_t c = 0; c < n && !read; c++) {
            read = reads(k, &chain[c], ref);
            if (chain[c].n_asked < WG_CHAIN_ASKED && chain[c].n >= LONG * (chain[c].n_asked + 1) &&
                (!to || chain[c].n * (to->n_asked + 1) > to->n * (chain[c].n_asked + 1)))
                to = &chain[c];
        }
        if (read || !to) k->ahead[left++] = ref;
        else to->asked[to->n_asked++] = ref;
    }
    k->n_ahead = left;
}

static bool make_all(wg_build *b, const wg_rows *r, wg_blocks *k, const int32_t *entry,
                     const struct range *chain, int32_t n)
{
    struct maker *o = wg__alloc(sizeof *o);
    bool ok = o != NULL;

    for (int32_t c = 0; ok && c < n; c++) {
        o->b = b;
        o->r = r;
        o->k = k;
        o->entry = entry;
        o->n_asked = chain[c].n_asked;
        memcpy(o->asked, chain[c].asked, sizeof o->asked);
        ok = make(o, chain[c].first, chain[c].n);
        k->n_asks -= chain[c].n;
    }
    wg__release(o);
    return ok;
}

bool wg__plan_chain(wg_build *b, const wg_rows *r, wg_blocks *k)
{
    int32_t entry[2 * WG_MAX_MEMBERS], chains = 0;
    struct range *chain;
    bool ok;

    k->n_asks = 0;
    for (int32_t i = 0; i < k->n_members; i++) k->n_asks += !k->member[i].narrow;
    if (!(b->p->passes & WG_PASS_CHAIN) || b->p->level < WG_LEVEL_AVX512 || r->block < WG_CHUNK)
        return true;
    k->chain = wg__arena_take(&b->s->mem, (size_t)k->n_members * sizeof *k->chain);
    chain = wg__array(k->n_members, sizeof *chain);
    ok = k->chain && chain;
    if (ok) find_entries(b, r, entry);
    if (ok) move_ends(b, k, entry);
    for (int32_t i = 0, n = 0; ok && i < k->n_members; i += (n > 0) ? n : 1) {
        for (n = 0; n < WG_CHAIN_MEMBERS && i + n < k->n_members; n++)
            if (!fits(b, &k->member[i + n], entry[i + n])) break;
        if (n >= 2 || (n > 0 && k->member[i].stream))
            chain[chains++] = (struct range){ .first = i, .n = n };
    }
    if (ok) share_ahead(k, chain, chains);
    ok = ok && make_all(b, r, k, entry, chain, chains);
    wg__release(chain);
    k->one_chain = ok && k->n_chains == 1 && k->n_asks == 0 && k->n_uses == 0 && k->line == 0;
    return ok;
}
