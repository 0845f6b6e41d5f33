/*
 * plan_schedule.c: a step that gives back more memory than it takes runs as soon as it can. The
 * order of the tape is that of the roots: the gradients by weights stand behind the whole way back,
 * and keep what they are made of until then. Steps are gone through in that order; whenever one has
 * run, those that are ready and give memory back come next. The new order is taken only when the
 * most that is alive at one time becomes less. Updates stay last.
 */
#include <string.h>

#include "plan.h"

struct schedule {
    wg_build *b;
    int32_t *first_read, *read; /* by step: values it reads that other steps make, each once */
    int32_t *first_user, *user; /* by step: steps that read what it makes */
    int32_t *waits;             /* by step: values it reads that have not been made */
    int32_t *readers;           /* by owner: steps that read it and have not run */
    int32_t *one;               /* by owner: exclusive or of those: the last of them */
    int32_t *seen;
    int32_t *order, *stack;
    int32_t n_order, n_stack;
    bool *done;
};

static int64_t bytes_of(const wg_build *b, int32_t e)
{
    int64_t bytes = wg_type_bytes(b->type[e]);

    return bytes <= 0 ? WG_ALIGN : (bytes + WG_ALIGN - 1) / WG_ALIGN * WG_ALIGN;
}

static bool is_stored(const wg_build *b, int32_t e)
{
    return (b->mark[e] & WG_STORED) != 0;
}

static bool take_room(struct schedule *s)
{
    const wg_build *b = s->b;
    int64_t n = b->p->n, steps = b->n_steps;

    s->first_read = wg__array(steps + 1, sizeof *s->first_read);
    s->read = wg__array(b->p->first[n], sizeof *s->read);
    s->first_user = wg__array(steps + 2, sizeof *s->first_user);
    s->user = wg__array(b->p->first[n], sizeof *s->user);
    s->waits = wg__array(steps, sizeof *s->waits);
    s->readers = wg__array(n, sizeof *s->readers);
    s->one = wg__array(n, sizeof *s->one);
    s->seen = wg__array(n, sizeof *s->seen);
    s->order = wg__array(steps, sizeof *s->order);
    s->stack = wg__array(b->p->first[n] + steps, sizeof *s->stack);
    s->done = wg__zalloc((size_t)steps + 1);
    return s->first_read && s->read && s->first_user && s->user && s->waits && s->readers &&
           s->one && s->seen && s->order && s->stack && s->done;
}

static void give_room(struct schedule *s)
{
    wg__release(s->first_read);
    wg__release(s->read);
    wg__release(s->first_user);
    wg__release(s->user);
    wg__release(s->waits);
    wg__release(s->readers);
    wg__release(s->one);
    wg__release(s->seen);
    wg__release(s->order);
    wg__release(s->stack);
    wg__release(s->done);
}

static void find_reads(struct schedule *s)
{
    const wg_build *b = s->b;
    const wg_plan *p = b->p;
    int32_t n = 0;

    for (int64_t i = 0; i < p->n; i++) {
        s->seen[i] = -1;
        s->readers[i] = s->one[i] = 0;
    }
    memset(s->first_user, 0, ((size_t)b->n_steps + 2) * sizeof *s->first_user);
    for (int32_t k = 0; k < b->n_steps; k++) {
        s->first_read[k] = n;
        for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++) {
            int32_t e = b->member[m];

            for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
                int32_t v = b->owner[b->in[i]];

                if (wg__lends_type(wg__op_at(b, e), i - p->first[e]) || !wg__computed(b, v) ||
                    b->step[v] == k || s->seen[v] == k)
                    continue;
                s->seen[v] = k;
                s->read[n++] = v;
                s->readers[v]++;
                s->one[v] ^= k;
                s->first_user[b->step[v] + 2]++;
            }
        }
        s->waits[k] = n - s->first_read[k];
    }
    s->first_read[b->n_steps] = n;
    for (int32_t k = 0; k < b->n_steps; k++) s->first_user[k + 2] += s->first_user[k + 1];
    for (int32_t k = 0; k < b->n_steps; k++)
        for (int32_t i = s->first_read[k]; i < s->first_read[k + 1]; i++)
            s->user[s->first_user[b->step[s->read[i]] + 1]++] = k;
}

/* Bytes that step k takes, less those that nobody reads after it. */
static int64_t taken_by(const struct schedule *s, int32_t k)
{
    const wg_build *b = s->b;
    int64_t bytes = 0;

    for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++)
        if (is_stored(b, b->member[m])) bytes += bytes_of(b, b->member[m]);
    for (int32_t i = s->first_read[k]; i < s->first_read[k + 1]; i++) {
        int32_t v = s->read[i];

        if (is_stored(b, v) && !(b->mark[v] & WG_ROOT) && s->readers[v] == 1)
            bytes -= bytes_of(b, v);
    }
    return bytes;
}

/* Step k comes next; who may come right after it goes on the stack. */
static void run(struct schedule *s, int32_t k, int32_t movable)
{
    const wg_build *b = s->b;

    s->done[k] = true;
    s->order[s->n_order++] = k;
    for (int32_t i = s->first_user[k]; i < s->first_user[k + 1]; i++)
        if (--s->waits[s->user[i]] == 0 && s->user[i] < movable)
            s->stack[s->n_stack++] = s->user[i];
    for (int32_t i = s->first_read[k]; i < s->first_read[k + 1]; i++) {
        int32_t v = s->read[i];

        s->one[v] ^= k;
        if (--s->readers[v] == 1 && is_stored(b, v) && s->one[v] < movable)
            s->stack[s->n_stack++] = s->one[v];
    }
}

static void find_order(struct schedule *s, int32_t movable)
{
    for (int32_t k = 0; k < s->b->n_steps; k++) {
        if (!s->done[k]) run(s, k, movable);
        while (s->n_stack > 0) {
            int32_t next = s->stack[--s->n_stack];

            if (!s->done[next] && s->waits[next] == 0 && taken_by(s, next) < 0)
                run(s, next, movable);
        }
    }
}

/* Most bytes alive at one time; the order NULL: as steps are numbered. */
static int64_t find_peak(struct schedule *s, const int32_t *order)
{
    const wg_build *b = s->b;
    int64_t now = 0, most = 0;

    for (int32_t i = 0; i < s->first_read[b->n_steps]; i++) s->readers[s->read[i]] = 0;
    for (int32_t i = 0; i < s->first_read[b->n_steps]; i++) s->readers[s->read[i]]++;
    for (int32_t i = 0; i < b->n_steps; i++) {
        int32_t k = order ? order[i] : i;

        for (int32_t m = b->first_member[k]; m < b->first_member[k + 1]; m++)
            if (is_stored(b, b->member[m])) now += bytes_of(b, b->member[m]);
        if (now > most) most = now;
        for (int32_t j = s->first_read[k]; j < s->first_read[k + 1]; j++) {
            int32_t v = s->read[j];

            if (--s->readers[v] == 0 && is_stored(b, v) && !(b->mark[v] & WG_ROOT))
                now -= bytes_of(b, v);
        }
    }
    return most;
}

bool wg__plan_schedule(wg_build *b)
{
    struct schedule s = { .b = b };
    int32_t movable = b->n_steps;
    bool ok;

    if (!(b->p->passes & WG_PASS_SCHEDULE) || b->n_steps < 3) return true;
    while (movable > 0 && (b->mark[wg__head(b, movable - 1)] & WG_TAIL)) movable--;
    ok = take_room(&s);
    if (ok) {
        find_reads(&s);
        find_order(&s, movable);
        if (find_peak(&s, s.order) < find_peak(&s, NULL)) {
            ok = wg__build_reorder(s.b, s.order, s.b->n_steps);
            b->s->stats.rescheduled = true;
        }
    }
    give_room(&s);
    return ok;
}
