/*
 * plan_chain.c: members of a step that follow one another and say what they do to a vector
 * (wg_op.lane) run as one chain, a function in machine code (native.h): what is made inside stays in
 * registers, and goes to memory only when something behind the chain reads it. The order among them
 * is chosen so that a value is read right after it was made. A sum of rows takes what the registers
 * hold. What is read no more after it went to memory or into such a sum joins the first chain it
 * may. The sum of a line is made beside the chain that makes the line, and is known when all of it
 * has run. Long chains also ask for the next block of operands that are read outside of chains.
 */
#include <string.h>

#include "native.h"
#include "plan.h"

enum {
    LONG = 4,          /* members of a chain for each operand read elsewhere that it asks for */
    MOST_STEPS = 1024, /* of one chain */
    MOST_CONSTANTS = 256,
    /* what a member adds beside its lane: tests of bools, and to memory or past the caches */
    BESIDE = WG_LANE_OPERANDS + 2
};

/* What a pointer of the table is for, in the order of the table. */
enum { STREAMED, MOVING, FIXED, N_USES };

/* A chain being made: members are counted from its first. */
struct maker {
    wg_build *b;
    wg_blocks *k;
    const int32_t *entry; /* of the member; -1: it repeats a value */
    int32_t first, n;
    int32_t source[WG_CHAIN_MEMBERS][WG_LANE_OPERANDS]; /* the member that made the operand's value;
                                                         * -1: none */
    uint64_t before[WG_CHAIN_MEMBERS];                  /* members that must run before this one */
    bool kept[WG_CHAIN_MEMBERS]; /* the value goes to memory: it is read behind the chain */
    int32_t order[WG_CHAIN_MEMBERS];
    int32_t value[WG_CHAIN_MEMBERS]; /* where the steps have it */
    wg_native_step step[MOST_STEPS];
    uint32_t constant[MOST_CONSTANTS];
    int32_t n_steps, n_constants;
    struct {
        int64_t key;
        int use;
        int32_t ref;
    } pointer[WG_CHAIN_FRAME];
    int32_t n_pointers, n_uses[N_USES];
    int32_t sum[WG_NATIVE_SUMS], n_sums; /* members that sum the line */
    int32_t asked[WG_CHAIN_ASKED], n_asked; /* refs of operands read elsewhere */
    wg_lane lane;
};

static const wg_member *member(const struct maker *o, int32_t i)
{
    return &o->k->member[o->first + i];
}

static bool sums(const struct maker *o, int32_t i)
{
    return wg__sums_rows(o->b, o->entry[o->first + i]);
}

static bool totals(const struct maker *o, int32_t i)
{
    return wg__sums_line(o->b, o->k, member(o, i), o->entry[o->first + i]);
}

/* ---- who reads what, and in which order ---- */

/* Members behind the chain that read this place before it is written again. */
static bool read_later(const struct maker *o, const wg_ref *place)
{
    const wg_blocks *k = o->k;

    for (int32_t i = o->first + o->n; i < k->n_members; i++) {
        const wg_member *m = &k->member[i];

        for (int32_t j = 0; j < m->n; j++)
            if (wg__same_place(&k->ref[m->first + j], place)) return true;
        if (wg__same_place(wg__result_ref(k, m), place)) return false;
    }
    return false;
}

static bool writes(const struct maker *o, int32_t i, const wg_ref *place)
{
    const wg_member *m = member(o, i);

    return wg__same_place(wg__result_ref(o->k, m), place) ||
           (m->stream && wg__same_place(wg__result_ref(o->k, m) + 1, place));
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
            bool clash = writes(o, w, wg__result_ref(o->k, m));

            for (int32_t j = 0; j < before->n; j++)
                clash = clash || writes(o, i, &o->k->ref[before->first + j]);
            if (clash) o->before[i] |= (uint64_t)1 << w;
        }
    }
    for (int32_t i = 0; i < o->n; i++) {
        const wg_ref *y = wg__result_ref(o->k, member(o, i));

        o->kept[i] = y->local < 0 || read_later(o, y);
        for (int32_t w = i + 1; w < o->n && o->kept[i]; w++)
            if (writes(o, w, y)) o->kept[i] = false;
    }
}

/* Member i reads the value made by member `held`. */
static bool reads_value(const struct maker *o, int32_t i, int32_t held)
{
    for (int32_t j = 0; j < member(o, i)->n && held >= 0; j++)
        if (o->source[i][j] == held) return true;
    return false;
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
            if (!reads_value(o, i, held)) continue;
            next = i;
            break;
        }
        o->order[t] = next;
        held = sums(o, next) ? o->source[next][1] : totals(o, next) ? o->source[next][0] : next;
        done |= (uint64_t)1 << next;
    }
}

/* ---- steps ---- */

static bool is_spread(const wg_blocks *k, int32_t ref)
{
    for (int32_t i = 0; i < k->n_pairs; i++)
        if (k->pair[i].ref == ref) return true;
    return false;
}

/* The pointer of ref `ref` in the table: members that read one value share it. */
static int32_t pointer(struct maker *o, int32_t ref, int64_t key, int use)
{
    int32_t at = 0;

    while (at < o->n_pointers && (o->pointer[at].key != key || o->pointer[at].use != use)) at++;
    if (at < o->n_pointers) return at;
    o->pointer[at].key = key;
    o->pointer[at].use = use;
    o->pointer[at].ref = ref;
    o->n_uses[use]++;
    o->n_pointers++;
    return at;
}

static int32_t add(struct maker *o, int op, int32_t x, int32_t y, int32_t z)
{
    if (o->n_steps < MOST_STEPS) o->step[o->n_steps] = (wg_native_step){ (int16_t)op, 0, x, y, z };
    return o->n_steps++;
}

/* The first of `times` constants in a row that are these bits. */
static int32_t constant(struct maker *o, uint32_t bits, int times)
{
    int32_t row = 0;

    for (int32_t at = 0; at < o->n_constants && at < MOST_CONSTANTS; at++) {
        row = o->constant[at] == bits ? row + 1 : 0;
        if (row == times) return WG_AT_CONSTANT | (at + 1 - times);
    }
    for (int i = 0; i < times; i++, o->n_constants++)
        if (o->n_constants < MOST_CONSTANTS) o->constant[o->n_constants] = bits;
    return WG_AT_CONSTANT | (o->n_constants - times);
}

static int32_t operand_pointer(struct maker *o, int32_t i, int32_t j)
{
    const wg_member *m = member(o, i);
    const wg_plan *p = o->b->p;
    int32_t ref = m->first + j, in = o->b->in[p->first[o->entry[o->first + i]] + j - sums(o, i)];

    return pointer(o, ref, is_spread(o->k, ref) ? p->n + ref : o->b->owner[in],
                   m->step[j] ? MOVING : FIXED);
}

static int32_t operand(struct maker *o, int32_t i, int32_t j)
{
    int32_t e = o->entry[o->first + i], at;

    if (o->source[i][j] >= 0) return o->value[o->source[i][j]];
    at = operand_pointer(o, i, j);
    if (!sums(o, i) && o->b->type[o->b->in[o->b->p->first[e] + j]]->dtype == WG_BOOL)
        return add(o, WG_NATIVE_TEST, 0, at, 0);
    return (member(o, i)->step[j] ? WG_AT_MEMORY : WG_AT_ONE) | at;
}

/* What a number of the lane is among the steps: an operand, a constant, or step n behind `base`. */
static int32_t in_steps(struct maker *o, const int32_t *x, int32_t base, int number)
{
    if (number < 0) return constant(o, o->lane.constant[-1 - number], 1);
    return number < o->lane.n_in ? x[number] : base + number - o->lane.n_in;
}

/* The steps of an op on x[0], x[1], ...; -1: it cannot be said in steps. */
static int32_t add_lane(struct maker *o, const wg_op *op, const void *attr, const int32_t *x, int n)
{
    int32_t base = o->n_steps;
    wg_lane *l = &o->lane;

    if (!wg__lane_read(op, attr, l) || l->n_in != n || l->n_steps == 0 || l->result < l->n_in)
        return -1;
    for (int j = 0; j < l->n_steps; j++) {
        const wg_lane_step *s = &l->step[j];
        int32_t c =
            s->op == WG_LANE_SIGN ? constant(o, 0x80000000u, 1) : in_steps(o, x, base, s->c);
        int32_t at = add(o, s->op, in_steps(o, x, base, s->a), in_steps(o, x, base, s->b), c);

        if (at < MOST_STEPS) o->step[at].imm = s->imm;
    }
    return base + l->result - l->n_in;
}

/* A sum adds to the row that its first operand and its result show. */
static bool add_member(struct maker *o, int32_t i)
{
    const wg_op *op = wg__op_at(o->b, o->entry[o->first + i]);
    const wg_member *m = member(o, i);
    int32_t x[WG_LANE_OPERANDS], row;

    if (sums(o, i)) {
        row = pointer(o, m->first, o->b->p->n + m->first, MOVING);
        x[0] = WG_AT_MEMORY | row;
        x[1] = operand(o, i, 1);
        o->value[i] = add_lane(o, wg__more(op)->adds, NULL, x, 2);
        add(o, WG_NATIVE_STORE, o->value[i], row, 0);
    } else if (totals(o, i)) {
        o->value[i] = add(o, WG_NATIVE_SUM, operand(o, i, 0), o->n_sums, 0);
        o->sum[o->n_sums++] = m->first + m->n;
    } else {
        for (int32_t j = 0; j < m->n; j++) x[j] = operand(o, i, j);
        o->value[i] = add_lane(o, op, m->attr, x, m->n);
    }
    return o->value[i] >= 0;
}

/* Asks for the next block of operands that are the first to be asked for in the step. */
static void add_ahead(struct maker *o, int32_t i)
{
    wg_blocks *k = o->k;
    const wg_member *m = member(o, i);
    int32_t left = 0, ahead = (int32_t)(k->block * (int64_t)sizeof(float));

    for (int32_t at = 0; at < k->n_ahead; at++) {
        int32_t ref = k->ahead[at], j = ref - m->first;

        if (j < 0 || j >= m->n || o->source[i][j] >= 0 ||
            k->ref[ref].stride != (int64_t)sizeof(float))
            k->ahead[left++] = ref;
        else add(o, WG_NATIVE_AHEAD, 0, operand_pointer(o, i, j), ahead);
    }
    k->n_ahead = left;
}

static void ask_elsewhere(struct maker *o, int32_t ref)
{
    add(o, WG_NATIVE_AHEAD, 0, pointer(o, ref, o->b->p->n + ref, MOVING),
        (int32_t)(o->k->block * (int64_t)sizeof(float)));
}

/* Floats that go where bools are read from would be there before the last of those is read. */
static bool overtakes(const struct maker *o, int32_t i)
{
    for (int32_t w = 0; w < o->n && o->kept[i] && !sums(o, i) && !totals(o, i); w++)
        for (int32_t j = 0; j < member(o, w)->n && !sums(o, w); j++) {
            int32_t in = o->b->in[o->b->p->first[o->entry[o->first + w]] + j];

            if (o->b->type[in]->dtype == o->b->type[o->entry[o->first + i]]->dtype) continue;
            if (writes(o, i, &o->k->ref[member(o, w)->first + j])) return true;
        }
    return false;
}

static bool add_steps(struct maker *o)
{
    int32_t asked = 0;

    for (int32_t t = 0; t < o->n; t++) {
        int32_t i = o->order[t], e = o->entry[o->first + i];
        const wg_member *m = member(o, i);

        if (overtakes(o, i) || !add_member(o, i)) return false;
        if (m->stream)
            add(o, WG_NATIVE_STREAM, o->value[i], pointer(o, m->first + m->n + 1, e, STREAMED), 0);
        if (o->kept[i] && !sums(o, i) && !totals(o, i)) {
            int32_t to = pointer(o, m->first + m->n, e, MOVING);

            if (o->b->type[e]->dtype == WG_F32) add(o, WG_NATIVE_STORE, o->value[i], to, 0);
            else add(o, WG_NATIVE_BOOLS, o->value[i], to, constant(o, 0x01010101, 4));
        }
        add_ahead(o, i);
        while (asked < o->n_asked && (t + 1) * (o->n_asked + 1) >= (asked + 1) * o->n)
            ask_elsewhere(o, o->asked[asked++]);
    }
    return o->n_steps <= MOST_STEPS && o->n_constants <= MOST_CONSTANTS;
}

/* ---- chains ---- */

/* Pointers in the order of their uses; steps by their places. */
static bool finish(struct maker *o)
{
    int32_t next[N_USES] = { 0, o->n_uses[STREAMED], o->n_uses[STREAMED] + o->n_uses[MOVING] };
    int32_t *ref = wg__arena_take(&o->b->s->mem, (size_t)(o->n_pointers + o->n_sums) * sizeof *ref);
    int32_t place[WG_CHAIN_FRAME];
    wg_native n = { o->step, o->constant, o->n_steps, o->n_constants, o->n_pointers, o->n_sums };
    wg_native_code code;

    if (!ref) return false;
    for (int32_t i = 0; i < o->n_pointers; i++) {
        place[i] = next[o->pointer[i].use]++;
        ref[place[i]] = o->pointer[i].ref;
    }
    for (int32_t i = 0; i < o->n_sums; i++) ref[o->n_pointers + i] = o->sum[i];
    for (int32_t i = 0; i < o->n_steps; i++) {
        wg_native_step *s = &o->step[i];
        int32_t *x[] = { &s->a, &s->b, &s->c };
        bool lane = s->op < WG_NATIVE_STORE;

        if (!lane && s->op != WG_NATIVE_SUM) s->b = place[s->b];
        for (int j = 0; j < (lane ? 3 : 1); j++)
            if (*x[j] >= WG_AT_MEMORY) *x[j] = (*x[j] & WG_AT_ONE) | place[*x[j] & ~WG_AT_ONE];
    }
    if (wg__native_add(&o->b->native, &n, &code))
        o->k->chain[o->k->n_chains++] = (wg_chained){ .first = o->first,
                                                      .n = o->n,
                                                      .n_streams = o->n_uses[STREAMED],
                                                      .n_frame = o->n_pointers,
                                                      .n_sums = o->n_sums,
                                                      .group = code.group,
                                                      .ref = ref,
                                                      .entry = (int64_t)code.entry };
    return true;
}

/* false: out of memory. A chain that cannot be made leaves its members as they are. */
static bool make(struct maker *o, int32_t first, int32_t n)
{
    o->first = first;
    o->n = n;
    o->n_steps = o->n_constants = o->n_pointers = o->n_sums = 0;
    memset(o->n_uses, 0, sizeof o->n_uses);
    find_sources(o);
    choose_order(o);
    return !add_steps(o) || finish(o);
}

/* The entries of k's members: behind one whose value is narrow comes one that repeats it. */
static void find_entries(const wg_build *b, const wg_rows *r, int32_t *entry)
{
    for (int32_t m = 0; m < r->members; m++) {
        *entry++ = b->member[r->first + m];
        if (r->repeat[m] >= 0) *entry++ = -1;
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

/* How many steps member i adds at most; 0: it may not be in a chain. */
static int32_t steps_of(const wg_build *b, const wg_blocks *k, int32_t i, int32_t e, wg_lane *lane)
{
    const wg_member *m = &k->member[i];

    if (!wg__chain_fits(b, k, m, e)) return 0;
    if (wg__sums_rows(b, e) || wg__sums_line(b, k, m, e)) return 1 + BESIDE;
    return wg__lane_read(wg__op_at(b, e), m->attr, lane) ? lane->n_steps + BESIDE : 0;
}

/* Member i reads the sum of a line that one of first..i - 1 makes, or sums a line itself where
 * there are enough of those. */
static bool waits(const wg_build *b, const wg_blocks *k, const int32_t *entry, int32_t first,
                  int32_t i)
{
    int32_t sums = wg__sums_line(b, k, &k->member[i], entry[i]);

    for (int32_t w = first; w < i; w++) {
        if (!wg__sums_line(b, k, &k->member[w], entry[w])) continue;
        if (wg__reads_place(k, &k->member[i], wg__result_ref(k, &k->member[w])) ||
            ++sums > WG_NATIVE_SUMS)
            return true;
    }
    return false;
}

static int32_t find_chains(wg_build *b, const wg_blocks *k, const int32_t *entry, wg_lane *lane,
                           struct range *chain)
{
    int32_t chains = 0;

    for (int32_t i = 0, n = 0; i < k->n_members; i += (n > 0) ? n : 1) {
        int32_t left = MOST_STEPS - WG_CHAIN_ASKED;

        for (n = 0; n < WG_CHAIN_MEMBERS && i + n < k->n_members; n++) {
            int32_t steps = steps_of(b, k, i + n, entry[i + n], lane);

            if (steps == 0 || steps > left || waits(b, k, entry, i, i + n)) break;
            left -= steps;
        }
        if (n >= 2 || (n > 0 && k->member[i].stream))
            chain[chains++] = (struct range){ .first = i, .n = n };
    }
    return chains;
}

static bool make_all(struct maker *o, const struct range *chain, int32_t n)
{
    for (int32_t c = 0; c < n; c++) {
        int32_t before = o->k->n_chains;

        o->n_asked = chain[c].n_asked;
        memcpy(o->asked, chain[c].asked, sizeof o->asked);
        if (!make(o, chain[c].first, chain[c].n)) return false;
        if (o->k->n_chains > before) o->k->n_asks -= chain[c].n;
    }
    return true;
}

bool wg__plan_chain(wg_build *b, const wg_rows *r, wg_blocks *k)
{
    int32_t entry[2 * WG_MAX_MEMBERS], chains;
    struct range *chain;
    struct maker *o;
    bool ok;

    k->n_asks = 0;
    for (int32_t i = 0; i < k->n_members; i++) k->n_asks += !k->member[i].narrow;
    if (!(b->p->passes & WG_PASS_CHAIN) || b->p->level < WG_LEVEL_AVX512 || r->block < WG_CHUNK)
        return true;
    k->chain = wg__arena_take(&b->s->mem, (size_t)k->n_members * sizeof *k->chain);
    chain = wg__array(k->n_members, sizeof *chain);
    o = wg__alloc(sizeof *o);
    ok = k->chain && chain && o;
    if (ok) {
        o->b = b;
        o->k = k;
        o->entry = entry;
        find_entries(b, r, entry);
        wg__move_ends(b, k, entry);
        chains = find_chains(b, k, entry, &o->lane, chain);
        share_ahead(k, chain, chains);
        ok = make_all(o, chain, chains);
    }
    wg__release(chain);
    wg__release(o);
    k->one_chain = ok && k->n_chains == 1 && k->n_asks == 0 && k->n_uses == 0 && k->line == 0;
    return ok;
}
