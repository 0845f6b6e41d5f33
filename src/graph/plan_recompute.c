/*
 * plan_recompute.c: when the values need more bytes than allowed, some are dropped between two
 * readers that lie far apart and computed again before the second one. Which ones is tried out: the
 * cheap ones first (operations for each byte), of those every 8th, 4th, 2nd; then all but one a
 * segment, for longer and longer segments (Chen, Xu, Zhang, Guestrin, "Training deep nets with
 * sublinear memory cost", 2016). Each choice is laid out as any plan would be and the first that
 * fits is taken. When none does, the smallest is the start of another round. The choices do not
 * depend on the budget, so the least that is reported can be had.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

enum {
    ROUNDS = 4,
    LEVELS = 4,     /* of price, by quarters of the bytes that could be dropped */
    GROWTH = 4,     /* a list may become this many times longer */
    NAMED = 3,      /* values that an error names */
    PRICE_ROW = 16, /* a row kernel's element in operations of a product, about as much time */
    PRICE_DRAW = 256
};

/* One way of laying the values out. */
struct layout {
    wg_build b;
    wg_spec s;
    wg_list o;
    wg_error error;
};

/* A value with a wide gap between two of its readers. */
struct candidate {
    int32_t e;
    double price; /* operations a byte */
    int64_t bytes;
};

struct search {
    wg_plan *p;
    const wg_spec_stats *simplified;
    int64_t limit, most;        /* bytes; entries */
    struct layout *base, *best; /* of the round; the smallest made from it */
    int32_t *last;              /* by owner: the step that reads it last */
    int32_t *gap;  /* by owner: the reader before its widest gap over crowded steps, -1 */
    int32_t *next; /* and behind it */
    int32_t *cut;
    double *price;
    struct candidate *list; /* in order of birth */
    int64_t n;
    int64_t total; /* their bytes */
};

static bool no_memory(wg_error *error)
{
    wg_fail(error, WG_ENOMEM, "plan_run", "out of memory");
    return false;
}

/* ---- layouts ---- */

static void layout_free(struct layout *l)
{
    if (!l) return;
    wg__build_release(&l->b);
    wg__list_free(&l->o);
    wg__arena_free(&l->s.mem);
    wg__release(l);
}

/* NULL with *error: out of memory; NULL without: the list became too long. */
static struct layout *layout_make(struct search *s, wg_error *error)
{
    struct layout *l = wg__zalloc(sizeof *l);
    bool too_many = false, ok;
    wg_plan *p = s->p;

    if (!l) {
        no_memory(error);
        return NULL;
    }
    wg__arena_init(&l->s.mem);
    l->s.apart = s->base->b.s->apart;
    l->s.stats = *s->simplified;
    l->b = (wg_build){ .p = p, .s = &l->s, .error = &l->error };
    wg__list_swap(p, &s->base->o);
    ok = wg__list_make(&s->base->b, &s->base->o, s->last, s->cut, s->most, false, &l->o, &too_many);
    wg__list_swap(p, &s->base->o);
    if (ok) {
        wg__list_swap(p, &l->o);
        ok = wg__list_build(&l->b, &l->o) && wg__plan_arrange(&l->b);
        wg__list_swap(p, &l->o);
    }
    if (ok) return l;
    if (!too_many && l->error.code != WG_ELIMIT) no_memory(error);
    layout_free(l);
    return NULL;
}

/* ---- what could be dropped ---- */

static int64_t arena_units(int64_t bytes)
{
    return bytes <= 0 ? WG_ALIGN : (bytes + WG_ALIGN - 1) / WG_ALIGN * WG_ALIGN;
}

static bool in_arena(const wg_build *b, int32_t e)
{
    return (b->mark[e] & (WG_STORED | WG_LEAF | WG_FIXED)) == WG_STORED;
}

void wg__find_last(const wg_build *b, int32_t *last)
{
    const wg_plan *p = b->p;

    for (int64_t i = 0; i < p->n; i++) last[i] = b->step[i];
    for (int32_t i = 0; i < b->first_member[b->n_steps]; i++) {
        int32_t e = b->member[i];

        for (int32_t k = p->first[e]; k < p->first[e + 1]; k++)
            if (!wg__lends_type(wg__op_at(b, e), k - p->first[e])) {
                int32_t owner = b->owner[b->in[k]];

                if (last[owner] < b->step[e]) last[owner] = b->step[e];
            }
    }
}

int32_t wg__find_use(const wg_build *b, const int32_t *last, int64_t *used)
{
    int32_t most = 0;
    int64_t now = 0;

    for (int32_t k = 0; k <= b->n_steps; k++) used[k] = 0;
    for (int64_t e = 0; e < b->p->n; e++) {
        if (!in_arena(b, (int32_t)e)) continue;
        used[b->step[e]] += arena_units(wg_type_bytes(b->type[e]));
        if (!(b->mark[e] & WG_ROOT)) used[last[e] + 1] -= arena_units(wg_type_bytes(b->type[e]));
    }
    for (int32_t k = 0; k < b->n_steps; k++) {
        now += used[k];
        used[k] = now + b->scratch[k];
        if (used[k] > used[most]) most = k;
    }
    return most;
}

/* The gap of each value that holds most crowded steps: those with more than half of the peak. */
static void find_gaps(struct search *s, int64_t *crowded, int32_t *seen)
{
    const wg_build *b = &s->base->b;
    const wg_plan *p = b->p;
    int32_t most = wg__find_use(b, s->last, crowded);
    int64_t half = crowded[most] / 2, n = 0;

    for (int32_t k = 0; k <= b->n_steps; k++) { /* crowded steps before k */
        int64_t is = k < b->n_steps && crowded[k] > half;

        crowded[k] = n;
        n += is;
    }
    for (int64_t i = 0; i < p->n; i++) {
        seen[i] = b->step[i];
        s->gap[i] = -1;
        s->next[i] = -1;
    }
    for (int32_t i = 0; i < b->first_member[b->n_steps]; i++) {
        int32_t e = b->member[i], k = b->step[e];

        for (int32_t j = p->first[e]; j < p->first[e + 1]; j++) {
            int32_t v = b->owner[b->in[j]];

            if (wg__lends_type(wg__op_at(b, e), j - p->first[e]) || !in_arena(b, v)) continue;
            n = crowded[k] - crowded[seen[v] + 1 < k ? seen[v] + 1 : k];
            if (n > (s->gap[v] < 0 ? 0 : crowded[s->next[v]] - crowded[s->gap[v] + 1])) {
                s->gap[v] = seen[v];
                s->next[v] = k;
            }
            seen[v] = k;
        }
    }
}

/* Operations to have value e again at the end of its gap; of those of its operands that are gone
 * by then too, but not of those that are candidates themselves. */
static void find_prices(struct search *s)
{
    const wg_build *b = &s->base->b;
    const wg_plan *p = b->p;

    for (int32_t i = 0; i < b->first_member[b->n_steps]; i++) {
        int32_t e = b->member[i], until = s->next[e] < 0 ? INT32_MAX : s->next[e];
        const wg_op *op = wg__op_at(b, e);
        double n = (double)wg__elements(b->type[e]);

        s->price[e] = op->flags & WG_OP_RANDOM ? PRICE_DRAW * n : PRICE_ROW * n;
        if (op->flops) {
            for (int k = 0; k < wg__n_in(p, e); k++) b->tx[k] = b->type[b->in[p->first[e] + k]];
            n = op->flops(&(wg_sig){ op, b->attr[e], wg__n_in(p, e), b->tx, b->error }, b->type[e]);
            if (n > s->price[e]) s->price[e] = n;
        }
        for (int32_t k = p->first[e]; k < p->first[e + 1]; k++) {
            int32_t v = b->owner[b->in[k]];

            if (wg__lends_type(op, k - p->first[e]) || !wg__computed(b, v) || s->gap[v] >= 0 ||
                (b->mark[v] & WG_ROOT) || s->last[v] >= until || !(s->price[v] < 1e30))
                continue;
            s->price[e] += s->price[v];
        }
    }
}

static void list_candidates(struct search *s)
{
    const wg_build *b = &s->base->b;

    s->n = s->total = 0;
    for (int32_t i = 0; i < b->first_member[b->n_steps]; i++) {
        int32_t e = b->member[i];
        int64_t bytes = wg_type_bytes(b->type[e]);
        bool row = (b->mark[e] & WG_ROW) != 0;

        if (s->gap[e] < 0) continue;
        /* what updates alone read is made before the first of them, all at one time */
        if (bytes > 0 && wg__can_repeat(b, e) &&
            (row || !(b->mark[wg__head(b, s->next[e])] & WG_TAIL))) {
            s->list[s->n++] = (struct candidate){ e, s->price[e] / (double)bytes, bytes };
            s->total += bytes;
        }
    }
}

static int by_price(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->price != y->price) return x->price < y->price ? -1 : 1;
    return (x->e > y->e) - (x->e < y->e);
}

/* The highest price of each quarter of the bytes. */
static bool find_levels(struct search *s, double level[LEVELS])
{
    struct candidate *sorted = wg__array(s->n, sizeof *sorted);
    int64_t bytes = 0;
    int at = 0;

    if (!sorted) return false;
    memcpy(sorted, s->list, (size_t)s->n * sizeof *sorted);
    qsort(sorted, (size_t)s->n, sizeof *sorted, by_price);
    for (int64_t i = 0; i < s->n; i++) {
        bytes += sorted[i].bytes;
        while (at < LEVELS && (double)bytes >= (double)s->total / LEVELS * (at + 1) * 0.999)
            level[at++] = sorted[i].price;
    }
    while (at < LEVELS) level[at++] = sorted[s->n - 1].price;
    wg__release(sorted);
    return true;
}

/* ---- choices ---- */

/* density < 0: one of -density is dropped; otherwise density times as many bytes as are kept;
 * INT64_MAX: all. */
static void choose(struct search *s, double highest, int64_t density)
{
    int64_t sum = 0, count = 0, since = 0, mean;

    for (int64_t i = 0; i < s->base->b.p->n; i++) s->cut[i] = WG_NO_CUT;
    for (int64_t i = 0; i < s->n; i++)
        if (s->list[i].price <= highest) {
            sum += s->list[i].bytes;
            count++;
        }
    mean = count > 0 ? sum / count : 0;
    for (int64_t i = 0; i < s->n; i++) {
        const struct candidate *c = &s->list[i];
        bool drop = true;

        if (c->price > highest) continue;
        since += c->bytes;
        if (density < 0) drop = since >= -density * mean;
        else if (density != INT64_MAX) drop = since <= density * mean;
        if (drop) s->cut[c->e] = s->gap[c->e];
        if (drop == (density < 0)) since = 0;
    }
}

static int64_t denser(int64_t density, int64_t n)
{
    if (density < -2) return density / 2;
    if (density < 0) return 1;
    return density * 2 < n ? density * 2 : INT64_MAX;
}

/* Tries the choices of one round; true when one fits: it is s->best. */
static bool try_round(struct search *s, wg_error *error)
{
    double level[LEVELS];

    if (!find_levels(s, level)) return no_memory(error);
    for (int i = 0; i < LEVELS; i++) {
        size_t least = SIZE_MAX;
        int worse = 0;

        if (i > 0 && level[i] <= level[i - 1]) continue;
        for (int64_t density = -8; worse < 3; density = denser(density, s->n)) {
            struct layout *l;

            wg__list_swap(s->p, &s->base->o);
            choose(s, level[i], density);
            wg__list_swap(s->p, &s->base->o);
            l = layout_make(s, error);
            if (!l && error->code != WG_OK) return false;
            worse = l && l->s.arena_bytes < least ? 0 : worse + 1;
            if (worse == 0) least = l->s.arena_bytes;
            if (l && l->s.arena_bytes < (s->best ? s->best : s->base)->b.s->arena_bytes) {
                layout_free(s->best);
                s->best = l;
                if (l->s.arena_bytes <= (size_t)s->limit) return true;
            } else {
                layout_free(l);
            }
            if (density == INT64_MAX) break;
        }
    }
    return false;
}

static bool take_room(struct search *s)
{
    int64_t n = s->base->b.p->n;

    s->last = wg__array(n, sizeof *s->last);
    s->gap = wg__array(n, sizeof *s->gap);
    s->next = wg__array(n, sizeof *s->next);
    s->cut = wg__array(n, sizeof *s->cut);
    s->price = wg__array(n, sizeof *s->price);
    s->list = wg__array(n, sizeof *s->list);
    return s->last && s->gap && s->next && s->cut && s->price && s->list;
}

static void give_room(struct search *s)
{
    wg__release(s->last);
    wg__release(s->gap);
    wg__release(s->next);
    wg__release(s->cut);
    wg__release(s->price);
    wg__release(s->list);
    s->last = s->gap = s->next = s->cut = NULL;
    s->price = NULL;
    s->list = NULL;
}

/* One round: what could be dropped from the base, then the choices. */
static bool run_round(struct search *s, wg_error *error)
{
    int64_t *crowded;
    bool ok;

    wg__list_swap(s->p, &s->base->o);
    crowded = wg__array((int64_t)s->base->b.n_steps + 1, sizeof *crowded);
    ok = take_room(s) && crowded;
    if (ok) {
        wg__find_last(&s->base->b, s->last);
        find_gaps(s, crowded, s->cut);
        find_prices(s);
        list_candidates(s);
    }
    wg__release(crowded);
    wg__list_swap(s->p, &s->base->o);
    if (!ok) no_memory(error);
    else ok = s->n > 0 && try_round(s, error);
    give_room(s);
    return ok;
}

/* ---- the budget cannot be met ---- */

/* The largest values at the step that needs most. */
static bool find_largest(const wg_build *b, int32_t named[NAMED])
{
    int32_t *last = wg__array(b->p->n, sizeof *last), most;
    int64_t *used = wg__array((int64_t)b->n_steps + 1, sizeof *used);
    bool ok = last && used;

    for (int i = 0; i < NAMED; i++) named[i] = -1;
    if (ok) {
        wg__find_last(b, last);
        most = wg__find_use(b, last, used);
        for (int32_t e = 0; e < b->p->n; e++) {
            int i = NAMED;

            if (!in_arena(b, e) || b->step[e] > most || (last[e] < most && !(b->mark[e] & WG_ROOT)))
                continue;
            while (i > 0 && (named[i - 1] < 0 ||
                             wg_type_bytes(b->type[e]) > wg_type_bytes(b->type[named[i - 1]])))
                i--;
            for (int k = NAMED - 1; k > i; k--) named[k] = named[k - 1];
            if (i < NAMED) named[i] = e;
        }
    }
    wg__release(last);
    wg__release(used);
    return ok;
}

/* The smallest layout is `l`; `needs` bytes without computing again, which was `tried` or not. */
static bool refuse(struct search *s, struct layout *l, size_t needs, bool tried, wg_error *error)
{
    int32_t named[NAMED];
    char text[256] = "", least[60] = "";
    bool ok;

    wg__list_swap(s->p, &l->o);
    ok = find_largest(&l->b, named);
    for (int i = 0; i < NAMED && ok && named[i] >= 0; i++) {
        size_t at = strlen(text);

        snprintf(text + at, sizeof text - at, "%s%.20s %.40s", i > 0 ? ", " : "",
                 wg__op_at(&l->b, named[i])->name, WG_TYPE_STR(l->b.type[named[i]]));
    }
    wg__list_swap(s->p, &l->o);
    if (!ok) return no_memory(error);
    if (tried) snprintf(least, sizeof least, ", %zu when computed again", l->b.s->arena_bytes);
    wg_fail(error, WG_ELIMIT, "plan_run",
            "the values need %zu bytes%s, allowed are %" PRId64
            ": allow more or feed less; largest: %s",
            needs, least, s->limit, text[0] ? text : "steps' own memory");
    return false;
}

/* ---- the pass ---- */

void wg__count_again(wg_build *b)
{
    const wg_plan *p = b->p;
    wg_spec_stats *stats = &b->s->stats;

    for (int32_t e = 0; e < p->n; e++) {
        const wg_op *op = wg__op_at(b, e);
        int n = wg__n_in(p, e);

        if (!wg__computed(b, e) || !b->list->again[e]) continue;
        for (int k = 0; k < n; k++) b->tx[k] = b->type[b->in[p->first[e] + k]];
        stats->recomputed++;
        stats->recompute_flops +=
            op->flops ? op->flops(&(wg_sig){ op, b->attr[e], n, b->tx, b->error }, b->type[e])
                      : (double)wg__elements(b->type[e]);
    }
}

/* The list of `l` becomes that of b, which is arranged again in memory of its own. */
static bool settle(wg_build *b, struct layout *l, const wg_spec_stats *simplified)
{
    wg_build fresh = { .p = b->p, .s = b->s, .error = b->error, .list = b->list };

    wg__build_release(b);
    *b = fresh;
    wg__list_put(b, &l->o);
    b->s->stats = *simplified;
    if (!wg__list_build(b, b->list)) return no_memory(b->error);
    if (!wg__plan_arrange(b)) return false;
    wg__count_again(b);
    return true;
}

bool wg__plan_recompute(wg_build *b, const wg_spec_stats *simplified)
{
    /* in front of the list that may stand there already, its entries keep their names */
    struct layout first = { .b = *b, .o = { .from = b->list->from, .again = b->list->again } };
    struct search s = { .p = b->p,
                        .simplified = simplified,
                        .limit = b->p->options.max_bytes,
                        .most =
                            b->p->n < INT32_MAX / GROWTH - 64 ? GROWTH * b->p->n + 64 : INT32_MAX,
                        .base = &first };
    size_t needs = b->s->arena_bytes;
    unsigned both = WG_PASS_RECOMPUTE | WG_PASS_REUSE;
    bool fits = false, tried, ok;

    if (s.limit <= 0 || needs <= (size_t)s.limit) return true;
    tried = ok = (b->p->passes & both) == both && !b->p->options.check && !b->p->options.keep;
    for (int i = 0; i < ROUNDS && ok && !fits; i++) {
        fits = run_round(&s, b->error);
        ok = s.best && b->error->code == WG_OK;
        if (fits || !ok) break;
        if (s.base != &first) layout_free(s.base);
        s.base = s.best;
        s.best = NULL;
    }
    if (fits) fits = settle(b, s.best, simplified);
    else if (b->error->code == WG_OK) refuse(&s, s.best ? s.best : s.base, needs, tried, b->error);
    layout_free(s.best);
    if (s.base != &first) layout_free(s.base);
    return fits;
}
