/*
 * plan_fuse.c: which entries run together, and in which order. Entries with row kernels and equally
 * many elements may form one step, which goes block by block, so that values used only inside stay
 * in the first-level cache.
 *
 * Entries are placed from the last to the first; steps are numbered as they are opened, so a higher
 * number runs earlier. An entry may join any step whose number is at least that of each of its
 * users: then no cycle can arise, whatever else is chosen, and one comparison decides it.
 */
#include <string.h>

#include "plan.h"

enum {
    NEAR = 16, /* steps an entry may be moved to stand beside others that are not its users */
    SMALL = 64 /* element counts remembered for that */
};

struct group {
    wg_step_shape shape; /* count -1: not for row kernels */
    int32_t members;
};

struct fuse {
    wg_build *b;
    struct group *group;
    int32_t n_groups;
    int32_t *bound;  /* by owner: highest number of a step that reads it, -1 */
    int32_t *barred; /* by owner: the same of one that cannot go by its lines; NULL */
    /* by owner: sums of its rows that are placed right before it, linked; -1. NULL: none wait */
    int32_t *waiting, *next;
    int64_t *line;         /* by entry: see wg__find_lines; NULL: nothing goes by lines */
    int32_t recent[SMALL]; /* by count modulo SMALL: step of few elements opened last, -1 */
};

static int64_t line_joined(const struct fuse *f, const struct group *g, int32_t e)
{
    return wg__line_joined(f->b, e, f->line ? f->line[e] : 0, g->shape.count, g->shape.line);
}

static bool fits(const struct fuse *f, int32_t group, int32_t e)
{
    return group >= 0 && group >= f->bound[e] + f->b->column[e] &&
           (!f->barred || group > f->barred[e]) && f->group[group].members < WG_MAX_MEMBERS &&
           line_joined(f, &f->group[group], e) >= 0;
}

/* The step e joins: that of its first user; else one nearby that reads an operand of e; else, when
 * only the cost of a step matters, any nearby one. -1: none. */
static int32_t find_group(const struct fuse *f, int32_t e)
{
    const wg_build *b = f->b;
    const wg_plan *p = b->p;
    int32_t bound = f->bound[e], n = wg__n_in(p, e);
    int64_t count = wg__elements(b->type[e]);

    if (fits(f, bound, e)) return bound;
    for (int32_t k = 0; k < n && k < 8; k++) {
        int32_t group;

        if (wg__lends_type(wg__op_at(b, e), k)) continue;
        group = f->bound[b->owner[b->in[p->first[e] + k]]];
        if (f->n_groups - group <= NEAR && fits(f, group, e)) return group;
    }
    if (count <= p->options.block && (b->mark[e] & WG_ROW)) {
        int32_t group = f->recent[count % SMALL];

        if (f->n_groups - group <= NEAR && fits(f, group, e)) return group;
    }
    return -1;
}

static void place(struct fuse *f, int32_t e)
{
    wg_build *b = f->b;
    const wg_plan *p = b->p;
    bool row = (b->mark[e] & WG_ROW) != 0;
    int64_t line = row || !f->line ? 0 : f->line[e], count = wg__elements(b->type[e]);
    int32_t group = (row || line > 0) && (p->passes & WG_PASS_FUSE) ? find_group(f, e) : -1;

    if (b->inside[e]) {
        group = b->step[b->inside[e] - 1];
    } else if (group >= 0) {
        f->group[group].shape.line = line_joined(f, &f->group[group], e);
    } else {
        group = f->n_groups++;
        if (line > 0) count = wg__elements(b->type[b->in[p->first[e]]]);
        f->group[group] = (struct group){ { row || line > 0 ? count : -1, line }, 0 };
        if (row && count <= p->options.block) f->recent[count % SMALL] = group;
    }
    f->group[group].members++;
    b->step[e] = group;
    for (int32_t k = p->first[e]; k < p->first[e + 1]; k++) {
        int32_t owner = b->owner[b->in[k]];
        int64_t n = wg__elements(b->type[b->in[k]]);

        if (wg__lends_type(wg__op_at(b, e), k - p->first[e])) continue;
        if (f->bound[owner] < group) f->bound[owner] = group;
        if (f->barred && f->barred[owner] < group && n != count && n > 1 && row &&
            !wg__one_a_line(b->type[b->in[k]], b->type[e]))
            f->barred[owner] = group;
    }
}

/* A sum of rows stands beside what makes them: it is placed when all else that reads them has been,
 * so that its step may be that of their maker. */
static void place_all(struct fuse *f, uint8_t tail)
{
    const wg_build *b = f->b;

    for (int32_t e = (int32_t)b->p->n - 1; e >= 0; e--) {
        int32_t from;

        if (!wg__computed(b, e) || (b->mark[e] & WG_TAIL) != tail) continue;
        for (int32_t k = f->waiting ? f->waiting[e] : -1; k >= 0; k = f->next[k]) place(f, k);
        from = b->column[e] ? b->owner[b->in[b->p->first[e]]] : -1;
        if (from < 0 || !wg__computed(b, from)) {
            place(f, e);
            continue;
        }
        f->next[e] = f->waiting[from];
        f->waiting[from] = e;
    }
}

static bool find_kernels(wg_build *b, int64_t *computed)
{
    *computed = 0;
    for (int32_t e = 0; e < b->p->n; e++) {
        const wg_op *op = wg__op_at(b, e);
        wg_dtype by;

        if (!wg__computed(b, e)) continue;
        b->mark[e] &= (uint8_t)~WG_ROW; /* that of a line, in an earlier arrangement */
        ++*computed;
        by = wg__kernel_dtype(b, e);
        if (wg__row_kernel(op, by, b->p->level)) {
            b->mark[e] |= WG_ROW;
        } else if (!wg__eval_kernel(op, by, b->p->level)) {
            wg_fail(b->error, WG_EDTYPE, op->name, "no kernel for element type %s",
                    wg_dtype_name(by));
            wg__blame(b->error, b->p->live[e]);
            return false;
        }
    }
    return true;
}

/* The arithmetic that only updates need. It goes last, behind everything that can fail, so that new
 * values may be written straight over old ones; so do updates of which `check` tells beforehand
 * whether they can. */
static void mark_tail(wg_build *b)
{
    const wg_plan *p = b->p;

    for (int64_t i = 0; i < p->n; i++)
        if (b->mark[i] & WG_ROW) b->mark[i] |= WG_TAIL;
    for (int64_t i = 0; i < p->n_updates; i++) {
        int32_t e = b->owner[b->canon[p->root[p->n_outputs + i]]];

        if (wg__computed(b, e) && wg__more(wg__op_at(b, e))->check) b->mark[e] |= WG_TAIL;
    }
    for (int64_t i = 0; i < p->n_outputs; i++)
        b->mark[b->owner[b->canon[p->root[i]]]] &= (uint8_t)~WG_TAIL;
    for (int32_t e = (int32_t)p->n - 1; e >= 0; e--) {
        if (!wg__computed(b, e) || (b->mark[e] & WG_TAIL)) continue;
        for (int32_t k = p->first[e]; k < p->first[e + 1]; k++)
            if (!wg__lends_type(wg__op_at(b, e), k - p->first[e]))
                b->mark[b->owner[b->in[k]]] &= (uint8_t)~WG_TAIL;
    }
}

/* Members of each step, in post-order. */
static bool list_members(wg_build *b)
{
    const wg_plan *p = b->p;
    int32_t *first = b->first_member;

    if (!first) first = wg__array((int64_t)b->n_steps + 1, sizeof *first);
    if (!first) return false;
    b->first_member = first;
    memset(first, 0, ((size_t)b->n_steps + 1) * sizeof *first);
    for (int32_t e = 0; e < p->n; e++)
        if (wg__computed(b, e)) b->index[e] = first[b->step[e] + 1]++;
    for (int32_t k = 0; k < b->n_steps; k++) first[k + 1] += first[k];
    for (int32_t e = 0; e < p->n; e++)
        if (wg__computed(b, e)) b->member[first[b->step[e]] + b->index[e]] = e;
    return true;
}

/* ---- neighbours ---- */

/* Whether step k, of as many elements as the joined steps before it, reads a value of theirs or one
 * they read, element by element; `by` says of owners which joined steps touched them last. */
static bool touches(const wg_build *b, const int32_t *by, int32_t joined, int32_t k)
{
    const wg_plan *p = b->p;
    int64_t count = b->shape[k].count;

    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
        int32_t e = b->member[m];

        for (int32_t i = p->first[e]; i < p->first[e + 1]; i++)
            if (by[b->owner[b->in[i]]] == joined && wg__elements(b->type[b->in[i]]) == count &&
                !wg__lends_type(wg__op_at(b, e), i - p->first[e]))
                return true;
    }
    return false;
}

/* Whether step k can do with what the joined steps make of a line before they go on to the next:
 * nothing of theirs has to be ready as a whole. `to` says which joined steps a step belongs to. */
static bool keeps_pace(const wg_build *b, const int32_t *to, int32_t joined, int32_t k)
{
    const wg_plan *p = b->p;
    int64_t count = b->shape[k].count;

    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
        int32_t e = b->member[m];

        for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
            int32_t owner = b->owner[b->in[i]];

            if (wg__lends_type(wg__op_at(b, e), i - p->first[e]) || !wg__computed(b, owner) ||
                b->step[owner] >= k || to[b->step[owner]] != joined)
                continue;
            if (b->column[owner]) return false;
            if (wg__elements(b->type[e]) == count && wg__elements(b->type[owner]) != count &&
                !wg__one_a_line(b->type[b->in[i]], b->type[e]))
                return false;
        }
    }
    return true;
}

static void mark_touched(const wg_build *b, int32_t *by, int32_t joined, int32_t k)
{
    const wg_plan *p = b->p;

    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
        int32_t e = b->member[m];

        by[e] = joined;
        for (int32_t i = p->first[e]; i < p->first[e + 1]; i++)
            if (!wg__lends_type(wg__op_at(b, e), i - p->first[e])) by[b->owner[b->in[i]]] = joined;
    }
}

/* Steps that come one after the other and touch the same values become one, which fetches those
 * once. Their entries are results of equal count, or go by the same lines. */
static bool join_steps(wg_build *b)
{
    const wg_plan *p = b->p;
    int32_t *by = wg__array(p->n, sizeof *by), *to = wg__array(b->n_steps, sizeof *to);
    int32_t joined = -1, members = 0;
    bool ok = by && to;

    for (int64_t i = 0; ok && i < p->n; i++) by[i] = -1;
    for (int32_t k = 0; ok && k < b->n_steps; k++) {
        int32_t n = b->first_member[k + 1] - b->first_member[k];
        wg_step_shape s = b->shape[k], *have = joined >= 0 ? &b->shape[joined] : NULL;

        if (have && s.count > p->options.block && s.count == have->count &&
            (s.line == 0 || have->line == 0 || s.line == have->line) &&
            members + n <= WG_MAX_MEMBERS && touches(b, by, joined, k) &&
            keeps_pace(b, to, joined, k)) {
            members += n;
            if (have->line == 0) have->line = s.line;
        } else {
            b->shape[++joined] = s;
            members = n;
        }
        mark_touched(b, by, joined, k);
        to[k] = joined;
    }
    for (int32_t e = 0; ok && e < p->n; e++)
        if (wg__computed(b, e)) b->step[e] = to[b->step[e]];
    wg__release(by);
    wg__release(to);
    b->n_steps = joined + 1;
    return ok && list_members(b);
}

/* A member that goes by lines is to its step what a row kernel is; alone it goes about its work
 * itself. */
static void settle_lines(wg_build *b)
{
    for (int32_t k = 0; k < b->n_steps; k++) {
        if (b->first_member[k + 1] - b->first_member[k] < 2) b->shape[k].line = 0;
        for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++)
            if (b->shape[k].line > 0) b->mark[b->member[m]] |= WG_ROW;
    }
}

/* When each value is read last, and which values outlive their step. */
static void find_lives(wg_build *b)
{
    const wg_plan *p = b->p;
    bool all = p->options.keep || p->options.check;

    for (int64_t i = 0; i < p->n; i++) b->last[i] = -1;
    for (int32_t e = 0; e < p->n; e++) {
        if ((b->mark[e] & (WG_LEAF | WG_FIXED)) && b->owner[e] == e &&
            ((b->mark[e] & WG_ROOT) || (all && (b->mark[e] & WG_NEEDED))))
            b->mark[e] |= WG_STORED;
        if (!wg__computed(b, e)) continue;
        if (all || (b->mark[e] & WG_ROOT) || !((b->mark[e] & WG_ROW) || b->inside[e]))
            b->mark[e] |= WG_STORED;
        for (int32_t k = p->first[e]; k < p->first[e + 1]; k++) {
            int32_t owner = b->owner[b->in[k]];

            if (wg__lends_type(wg__op_at(b, e), k - p->first[e])) continue;
            if (b->last[owner] < b->step[e]) b->last[owner] = b->step[e];
            if (!(b->mark[owner] & (WG_LEAF | WG_FIXED)) && b->step[owner] != b->step[e])
                b->mark[owner] |= WG_STORED;
        }
    }
    for (int32_t e = 0; e < p->n; e++)
        if (b->mark[e] & WG_ROOT) b->last[e] = b->n_steps;
}

static void count_steps(wg_build *b)
{
    wg_spec_stats *stats = &b->s->stats;

    stats->steps = b->n_steps;
    for (int32_t k = 0; k < b->n_steps; k++) {
        int32_t members = b->first_member[k + 1] - b->first_member[k];

        stats->computed += members;
        if (members > 1) stats->fused_steps++;
        if (members > 1) stats->fused_entries += members;
    }
}

bool wg__plan_fuse(wg_build *b)
{
    struct fuse f = { .b = b };
    const wg_plan *p = b->p;
    int64_t computed;
    bool ok;

    if (!find_kernels(b, &computed) || !wg__plan_inline(b)) return false;
    for (int i = 0; i < SMALL; i++) f.recent[i] = -1;
    f.group = wg__array(computed, sizeof *f.group);
    f.bound = wg__array(p->n, sizeof *f.bound);
    ok = f.group && f.bound;
    if (p->passes & (WG_PASS_LINES | WG_PASS_COLUMNS)) {
        f.line = wg__array(p->n, sizeof *f.line);
        f.barred = wg__array(p->n, sizeof *f.barred);
        f.waiting = wg__array(p->n, sizeof *f.waiting);
        f.next = wg__array(p->n, sizeof *f.next);
        ok = ok && f.line && f.barred && f.waiting && f.next;
    }
    if (ok) {
        if (f.line) wg__find_lines(b, f.line);
        for (int64_t i = 0; i < p->n; i++) f.bound[i] = -1;
        for (int64_t i = 0; f.barred && i < p->n; i++) f.barred[i] = f.waiting[i] = -1;
        if ((p->passes & WG_PASS_IN_PLACE) && !b->s->apart) mark_tail(b);
        place_all(&f, WG_TAIL);
        place_all(&f, 0);
        b->n_steps = f.n_groups;
        for (int32_t e = 0; e < p->n; e++) /* in order of running */
            if (wg__computed(b, e)) b->step[e] = b->n_steps - 1 - b->step[e];
        b->shape = wg__array(b->n_steps, sizeof *b->shape);
        ok = b->shape && list_members(b);
        for (int32_t k = 0; ok && k < b->n_steps; k++)
            b->shape[k] = f.group[b->n_steps - 1 - k].shape;
        if (ok && (p->passes & WG_PASS_FUSE)) ok = join_steps(b);
        if (ok) settle_lines(b);
        if (ok) find_lives(b);
        ok = ok && wg__plan_schedule(b) && wg__plan_lanes(b);
    }
    wg__release(f.group);
    wg__release(f.bound);
    wg__release(f.barred);
    wg__release(f.line);
    wg__release(f.waiting);
    wg__release(f.next);
    if (!ok) {
        wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
        return false;
    }
    find_lives(b);
    count_steps(b);
    return true;
}
