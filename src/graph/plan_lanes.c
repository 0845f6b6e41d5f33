/*
 * plan_lanes.c: small steps that do not depend on each other run side by side. A large step shares
 * its own work among the threads; a small one cannot, but two sequences of small ones can go on
 * beside each other: the directions of a recurrent layer, the gates of a step.
 *
 * The pass goes through the steps as two workers would, by their estimated costs. The one that is
 * behind takes the next step it may: one that depends on what its own lane has done, or on nothing
 * in this bundle. When it finds none, both meet, which ends the bundle. A bundle that gains nothing
 * is undone, and its first step runs alone, as all do where no two are ready. Inside a bundle the
 * steps of the first lane are numbered before those of the second: in that order one thread could
 * run them.
 */
#include <string.h>

#include "plan.h"

enum {
    TRIED = 24, /* nodes of a bundle before it has shown to be worth it */
    LARGE = 64, /* grains: a step of this cost shares its work among all threads better */
    SHARED = 4, /* grains: from this cost on it does at all */
    BOTH = 3    /* lanes, as bits */
};

/* Steps by their number, the least first. */
struct queue {
    int32_t *at;
    int32_t n;
};

/* A node is a step together with cheap ones that it alone reads; it has the number of that step. */
struct lanes {
    wg_build *b;
    int32_t n; /* steps before those that write into the store */
    int64_t grain, meeting;
    int32_t *node;                  /* of a step */
    int32_t *next, *head;           /* steps of a node, descending */
    int32_t *first, *to;            /* nodes that read node i: to[first[i]..first[i + 1]) */
    int32_t *waits;                 /* by node: reads of nodes that have not run */
    int32_t *bundle_of;             /* by node: the bundle that `ran` is of */
    uint8_t *ran;                   /* by node: lanes of that bundle which it reads from */
    bool *alone;                    /* by node: runs by itself */
    int64_t *cost;                  /* in elements a row kernel goes over */
    struct queue any, own[2], solo; /* ready: for both lanes, for one, to run by themselves */
    int32_t *later, n_later;        /* ready, but reads from both lanes */
    int32_t *lane[2], n_lane[2];
    int32_t *order, n_order; /* steps, as they shall run */
    int32_t bundle;
};

/* ---- queues ---- */

static void push(struct queue *q, int32_t v)
{
    int32_t i = q->n++;

    for (; i > 0 && q->at[(i - 1) / 2] > v; i = (i - 1) / 2) q->at[i] = q->at[(i - 1) / 2];
    q->at[i] = v;
}

static int32_t pop(struct queue *q)
{
    int32_t least = q->at[0], v = q->at[--q->n], i = 0;

    for (int32_t k = 1; k < q->n; k = 2 * i + 1) {
        if (k + 1 < q->n && q->at[k + 1] < q->at[k]) k++;
        if (q->at[k] >= v) break;
        q->at[i] = q->at[k];
        i = k;
    }
    q->at[i] = v;
    return least;
}

static void make_ready(struct lanes *l, int32_t v)
{
    push(l->alone[v] ? &l->solo : &l->any, v);
}

/* ---- nodes ---- */

/* Elements that row kernels would go over in the time: an element that is moved counts twice, one
 * that is read or written for arithmetic once, and 8 operations are as much. */
static int64_t cost_of_entry(wg_build *b, int32_t e)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);
    int64_t elements = wg__elements(b->type[e]), read = 0;
    double flops = (double)elements;

    for (int k = 0; k < wg__n_in(p, e); k++) {
        b->tx[k] = b->type[b->in[p->first[e] + k]];
        if (!wg__lends_type(op, k)) read += wg__elements(b->tx[k]);
    }
    if (op->flops)
        flops = op->flops(&(wg_sig){ op, b->attr[e], wg__n_in(p, e), b->tx, b->error }, b->type[e]);
    if (flops <= 0) return 2 * elements + 1000;
    return elements + read + (int64_t)(flops < 1e15 ? flops / 8 : 1e15 / 8) + 1000;
}

/* Of members that are made inside one kernel, the dearest counts. */
static int64_t cost_of(wg_build *b, int32_t step)
{
    int32_t n = b->first_member[step + 1] - b->first_member[step];
    int64_t most = 0;

    if (b->mark[wg__head(b, step)] & WG_ROW) return b->shape[step].count * n + 1000;
    for (int32_t m = b->first_member[step]; m < b->first_member[step + 1]; m++) {
        int64_t cost = cost_of_entry(b, b->member[m]);

        if (cost > most) most = cost;
    }
    return most;
}

/* Indices are what kernels find fault with. */
static bool can_fail(const wg_build *b, int32_t step)
{
    const wg_plan *p = b->p;

    if (b->mark[wg__head(b, step)] & WG_ROW) return false;
    for (int32_t m = b->first_member[step]; m < b->first_member[step + 1]; m++) {
        int32_t e = b->member[m];

        for (int32_t i = p->first[e]; i < p->first[e + 1]; i++)
            if (b->type[b->in[i]]->dtype == WG_I64 && !(b->mark[b->owner[b->in[i]]] & WG_FIXED) &&
                !wg__lends_type(wg__op_at(b, e), i - p->first[e]))
                return true;
    }
    return false;
}

/* Calls f(l, step read, step) for every read of another step's value. */
static void each_read(struct lanes *l, void (*f)(struct lanes *l, int32_t from, int32_t to))
{
    const wg_build *b = l->b;
    const wg_plan *p = b->p;

    for (int32_t k = 0; k < l->n; k++)
        for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
            int32_t e = b->member[m];

            for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
                int32_t owner = b->owner[b->in[i]];

                if (wg__lends_type(wg__op_at(b, e), i - p->first[e]) || !wg__computed(b, owner) ||
                    b->step[owner] == k)
                    continue;
                f(l, b->step[owner], k);
            }
        }
}

/* node[from] becomes its only reader, -2 when there are several. */
static void note_reader(struct lanes *l, int32_t from, int32_t to)
{
    if (l->node[from] == -1) l->node[from] = to;
    else if (l->node[from] != to) l->node[from] = -2;
}

static void count_read(struct lanes *l, int32_t from, int32_t to)
{
    if (l->node[from] != l->node[to]) l->first[l->node[from] + 1]++;
}

static void add_read(struct lanes *l, int32_t from, int32_t to)
{
    if (l->node[from] == l->node[to]) return;
    l->to[l->waits[l->node[from]]++] = l->node[to];
}

static bool make_nodes(struct lanes *l)
{
    for (int32_t k = 0; k < l->n; k++) {
        l->node[k] = l->head[k] = -1;
        l->cost[k] = cost_of(l->b, k);
        l->alone[k] = l->cost[k] >= LARGE * l->grain || can_fail(l->b, k);
    }
    each_read(l, note_reader);
    for (int32_t k = l->n - 1; k >= 0; k--) {
        int32_t reader = l->node[k];
        bool along =
            reader >= 0 && !l->alone[k] && l->cost[k] < l->grain / 2 && !l->alone[l->node[reader]];

        l->node[k] = along ? l->node[reader] : k;
    }
    for (int32_t k = 0; k < l->n; k++) {
        int32_t v = l->node[k];

        if (v != k) l->cost[v] += l->cost[k];
        l->next[k] = l->head[v];
        l->head[v] = k;
    }
    memset(l->first, 0, ((size_t)l->n + 1) * sizeof *l->first);
    each_read(l, count_read);
    for (int32_t k = 0; k < l->n; k++) l->first[k + 1] += l->first[k];
    l->to = wg__array(l->first[l->n], sizeof *l->to);
    if (!l->to) return false;
    for (int32_t k = 0; k < l->n; k++) l->waits[k] = l->first[k];
    each_read(l, add_read);
    memset(l->waits, 0, (size_t)l->n * sizeof *l->waits);
    for (int32_t i = 0; i < l->first[l->n]; i++) l->waits[l->to[i]]++;
    for (int32_t k = 0; k < l->n; k++)
        if (l->node[k] == k && l->waits[k] == 0) make_ready(l, k);
    return true;
}

/* ---- bundles ---- */

/* Node v has run in lane w; -1: by itself. */
static void ran(struct lanes *l, int32_t v, int w)
{
    for (int32_t i = l->first[v]; i < l->first[v + 1]; i++) {
        int32_t u = l->to[i];

        if (l->bundle_of[u] != l->bundle) l->ran[u] = 0;
        l->bundle_of[u] = l->bundle;
        if (w >= 0) l->ran[u] |= (uint8_t)(1 << w);
        if (--l->waits[u] > 0) continue;
        if (l->ran[u] == 0) make_ready(l, u);
        else if (l->ran[u] == BOTH || l->alone[u]) l->later[l->n_later++] = u;
        else push(&l->own[l->ran[u] - 1], u);
    }
}

static void append(struct lanes *l, int32_t v)
{
    int32_t at = l->n_order;

    for (int32_t k = l->head[v]; k >= 0; k = l->next[k]) l->n_order++;
    at = l->n_order;
    for (int32_t k = l->head[v]; k >= 0; k = l->next[k]) l->order[--at] = k;
}

/* What both lanes may take from now on. */
static void meet(struct lanes *l)
{
    for (int w = 0; w < 2; w++)
        while (l->own[w].n > 0) push(&l->any, l->own[w].at[--l->own[w].n]);
    while (l->n_later > 0) make_ready(l, l->later[--l->n_later]);
    l->bundle++;
}

/* As if the nodes of both lanes had not run. */
static void undo(struct lanes *l)
{
    l->own[0].n = l->own[1].n = l->n_later = 0;
    l->any.n = 0;
    for (int w = 0; w < 2; w++)
        for (int32_t k = 0; k < l->n_lane[w]; k++) {
            int32_t v = l->lane[w][k];

            for (int32_t i = l->first[v]; i < l->first[v + 1]; i++) l->waits[l->to[i]]++;
        }
}

static void run_alone(struct lanes *l)
{
    bool solo = l->any.n == 0 || (l->solo.n > 0 && l->solo.at[0] < l->any.at[0]);
    int32_t v = pop(solo ? &l->solo : &l->any);

    append(l, v);
    l->bundle++;
    ran(l, v, -1);
}

/* Takes nodes until the lane that is behind finds none; false when that gains nothing. */
static bool fill(struct lanes *l, int64_t time[2])
{
    int64_t serial = 0, most;

    time[0] = time[1] = 0;
    l->n_lane[0] = l->n_lane[1] = 0;
    for (;;) {
        int w = time[1] < time[0];
        struct queue *q = l->own[w].n > 0 ? &l->own[w] : &l->any;
        int32_t v;

        if (q->n == 0) break;
        if (l->n_lane[0] + l->n_lane[1] == TRIED && time[!w] >= time[w] && time[w] < l->meeting)
            return false;
        v = pop(q);
        l->lane[w][l->n_lane[w]++] = v;
        time[w] += l->cost[v];
        serial += l->cost[v] < SHARED * l->grain ? l->cost[v] : l->cost[v] * 5 / 9;
        ran(l, v, w);
    }
    most = time[time[1] > time[0]];
    return l->n_lane[1] > 0 && (most + l->meeting) < serial - serial / 10;
}

/* The nodes that were ready stay so, but for those that ran. */
static bool try_bundle(struct lanes *l, int32_t *was, wg_bundle *made)
{
    int32_t n_was = l->any.n;
    int64_t time[2];

    memcpy(was, l->any.at, (size_t)n_was * sizeof *was);
    if (!fill(l, time)) {
        undo(l);
        memcpy(l->any.at, was, (size_t)n_was * sizeof *was);
        l->any.n = n_was;
        l->bundle++;
        return false;
    }
    made->first = l->n_order;
    for (int32_t k = 0; k < l->n_lane[0]; k++) append(l, l->lane[0][k]);
    made->split = l->n_order;
    for (int32_t k = 0; k < l->n_lane[1]; k++) append(l, l->lane[1][k]);
    made->end = l->n_order;
    meet(l);
    return true;
}

static bool make_order(struct lanes *l)
{
    wg_build *b = l->b;
    int64_t cap = 0;
    int32_t *was = wg__array(l->n, sizeof *was);

    while (was && l->any.n + l->solo.n > 0) {
        wg_bundle *list;

        if (l->any.n < 2 || (l->solo.n > 0 && l->solo.at[0] < l->any.at[0])) {
            run_alone(l);
            continue;
        }
        list = wg__grow(b->bundle, &cap, b->n_bundles + 1, sizeof *list);
        if (!list) break;
        b->bundle = list;
        if (try_bundle(l, was, &list[b->n_bundles])) b->n_bundles++;
        else run_alone(l);
    }
    wg__release(was);
    return l->n_order == l->n;
}

static bool take_lists(struct lanes *l)
{
    int64_t n = l->n;
    int32_t **list[] = { &l->node,    &l->next,    &l->head,      &l->waits,     &l->bundle_of,
                         &l->any.at,  &l->solo.at, &l->own[0].at, &l->own[1].at, &l->later,
                         &l->lane[0], &l->lane[1], &l->order };
    bool ok = true;

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        *list[i] = wg__array(n, sizeof **list[i]);
        ok = ok && *list[i];
    }
    l->first = wg__array(n + 1, sizeof *l->first);
    l->cost = wg__array(n, sizeof *l->cost);
    l->ran = wg__zalloc((size_t)n);
    l->alone = wg__zalloc((size_t)n * sizeof *l->alone);
    if (!ok || !l->first || !l->cost || !l->ran || !l->alone) return false;
    for (int64_t i = 0; i < n; i++) l->bundle_of[i] = -1;
    return true;
}

static void release_lists(struct lanes *l)
{
    void *list[] = { l->node,    l->next,  l->head,      l->waits,     l->bundle_of, l->any.at,
                     l->solo.at, l->later, l->own[0].at, l->own[1].at, l->order,     l->lane[0],
                     l->lane[1], l->first, l->to,        l->cost,      l->ran,       l->alone };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) wg__release(list[i]);
}

/* Steps that hold nothing that may be written over the store: those come last. */
static int32_t before_updates(const wg_build *b)
{
    int32_t n = 0;

    while (n < b->n_steps) {
        for (int32_t m = b->first_member[n]; m < b->first_member[n + 1]; m++)
            if (b->mark[b->member[m]] & WG_TAIL) return n;
        n++;
    }
    return n;
}

bool wg__plan_lanes(wg_build *b)
{
    const wg_plan *p = b->p;
    struct lanes l = { .b = b, .grain = p->options.grain, .meeting = p->options.grain / 4 };
    bool ok;

    if (!(p->passes & WG_PASS_LANES) || p->options.threads < 2 || p->options.check ||
        p->options.max_bytes > 0)
        return true;
    l.n = before_updates(b);
    if (l.n < 2) return true;
    ok = take_lists(&l) && make_nodes(&l) && make_order(&l) &&
         (b->n_bundles == 0 || wg__build_reorder(b, l.order, l.n));
    release_lists(&l);
    b->s->stats.bundles = b->n_bundles;
    return ok;
}
