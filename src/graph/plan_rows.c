/*
 * plan_rows.c: how a step of row kernels goes about its elements. All results of a step have
 * equally many. An operand lies beside them element by element, or is one element, or is spread out
 * into a buffer of one block at a time. Values used only inside the step live in such buffers too.
 */
#include <string.h>

#include "plan.h"

enum {
    PERIOD_BLOCKS = 4,
    LEAST_ROW = 128 /* elements of a row from which on blocks may end with it */
};

/* Row-major strides of `from`, 0 where it repeats, with neighbouring axes joined where both go on
 * evenly. */
void wg__spread_make(const wg_type *from, const wg_type *to, wg_spread *how)
{
    int64_t stride = 1, dim[WG_MAX_RANK], step[WG_MAX_RANK];
    int lead = to->shape.rank - from->shape.rank, n = 0;

    memset(how, 0, sizeof *how);
    how->size = (int)wg_dtype_size(from->dtype);
    how->rank = 1;
    if (wg__elements(to) == 0) return; /* beside an extent of 0 strides may overflow */
    for (int i = to->shape.rank - 1; i >= 0; i--) {
        int64_t have = i >= lead ? from->shape.dim[i - lead] : 1, want = to->shape.dim[i];
        int64_t s = have == 1 ? 0 : stride;

        if (want == 1) continue;
        if (n > 0 &&
            ((step[n - 1] == 0 && s == 0) || (step[n - 1] != 0 && s == step[n - 1] * dim[n - 1]))) {
            dim[n - 1] *= want;
        } else {
            dim[n] = want;
            step[n++] = s;
        }
        stride *= have;
    }
    how->rank = n > 0 ? n : 1;
    how->dim[0] = 1;
    for (int i = 0; i < n; i++) {
        how->dim[i] = dim[n - 1 - i];
        how->stride[i] = step[n - 1 - i];
    }
    if (how->rank == 2 && how->stride[0] == 0 && how->stride[1] == 1) how->period = how->dim[1];
}

int64_t wg__rows_find(const wg_rows *r, int32_t in, const wg_type *to)
{
    for (int64_t i = r->n_uses - 1; i >= 0; i--)
        if (r->use[i].in == in && r->use[i].to == to) return i;
    return -1;
}

static int64_t round_up(int64_t bytes)
{
    return (bytes + WG_ALIGN - 1) / WG_ALIGN * WG_ALIGN;
}

/* Computed by a member of the same step. */
static bool inside(const wg_build *b, int32_t in, int32_t step)
{
    int32_t owner = b->owner[in];

    return wg__computed(b, owner) && b->step[owner] == step;
}

static bool is_streamed(const wg_build *b, const wg_rows *r, int32_t e)
{
    return r->streams && b->stream[e];
}

/* Member m reads operand i, which is computed in its step, as a repeated narrow value. */
static bool reads_repeated(const wg_build *b, const wg_rows *r, int32_t e, int32_t owner)
{
    return r->lines > 1 && wg__narrow(b, owner) && !wg__narrow(b, e);
}

/* Buffers out of use, of one width. Those of bools stay so: a chain reads and writes vector after
 * vector, and floats would be written over bools that are read later. */
struct spare {
    int32_t slot[2 * WG_MAX_MEMBERS], n;
};
enum { NARROW, WIDE, BOOLS, N_WIDTHS };

static int32_t take_slot(struct spare *s, int32_t *all)
{
    return s->n > 0 ? s->slot[--s->n] : (*all)++;
}

/* The last member of the step to read each value, and to read it repeated. */
static void find_last(const wg_build *b, int32_t step, const wg_rows *r, int32_t *last,
                      int32_t *repeated)
{
    const wg_plan *p = b->p;

    for (int32_t m = 0; m < r->members; m++) {
        int32_t e = b->member[r->first + m];

        last[m] = repeated[m] = -1;
        for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
            int32_t owner = b->owner[b->in[i]];

            if (wg__lends_type(wg__op_at(b, e), i - p->first[e]) || !inside(b, owner, step))
                continue;
            last[b->index[owner]] = m;
            if (reads_repeated(b, r, e, owner)) repeated[b->index[owner]] = m;
        }
    }
}

static struct spare *wide_of(struct spare *spare, const wg_build *b, int32_t e)
{
    return &spare[b->type[e]->dtype == WG_BOOL ? BOOLS : WIDE];
}

/* Buffers for values used only inside or streamed, handed on once their last reader has run. A
 * reader of the same element type and width may write over them. */
static void give_slots(const wg_build *b, int32_t step, wg_rows *r)
{
    const wg_plan *p = b->p;
    int32_t last[WG_MAX_MEMBERS], repeated[WG_MAX_MEMBERS];
    struct spare spare[N_WIDTHS] = { { .n = 0 } };

    find_last(b, step, r, last, repeated);
    for (int32_t m = 0; m < r->members; m++) {
        int32_t e = b->member[r->first + m];

        r->slot[m] = r->repeat[m] = -1;
        for (int pass = 0; pass < 2; pass++) {
            for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
                int32_t owner = b->owner[b->in[i]], at;

                if (wg__lends_type(wg__op_at(b, e), i - p->first[e]) || !inside(b, owner, step))
                    continue;
                at = b->index[owner];
                if (pass == 0 && b->type[owner]->dtype != b->type[e]->dtype) continue;
                if (last[at] == m && r->slot[at] >= 0) {
                    struct spare *to =
                        wg__narrow(b, owner) ? &spare[NARROW] : wide_of(spare, b, owner);

                    to->slot[to->n++] = r->slot[at];
                    last[at] = -1;
                }
                if (repeated[at] == m) {
                    struct spare *to = wide_of(spare, b, owner);

                    to->slot[to->n++] = r->repeat[at];
                    repeated[at] = -1;
                }
            }
            if (pass > 0 || wg__sums_rows(b, e) ||
                ((b->mark[e] & (WG_STORED | WG_DIRECT)) && !is_streamed(b, r, e)))
                continue;
            if (wg__narrow(b, e)) r->slot[m] = take_slot(&spare[NARROW], &r->n_narrow);
            else r->slot[m] = take_slot(wide_of(spare, b, e), &r->n_slots);
        }
        if (last[m] < 0 && r->slot[m] >= 0) { /* streamed */
            struct spare *to = wide_of(spare, b, e);

            to->slot[to->n++] = r->slot[m];
        }
        if (repeated[m] < 0) continue;
        r->repeat[m] = take_slot(wide_of(spare, b, e), &r->n_slots);
        r->n_repeats++;
    }
}

int64_t wg__rows_local(const wg_build *b, const wg_rows *r, int32_t m)
{
    if (r->slot[m] < 0) return -1;
    if (wg__narrow(b, b->member[r->first + m])) return r->narrow_at + r->slot[m] * r->narrow_bytes;
    return r->slot[m] * r->slot_bytes;
}

static bool add_use(wg_build *b, wg_rows *r, int32_t in, const wg_type *to)
{
    wg_rows_use *list = wg__grow(r->use, &r->uses_cap, r->n_uses + 1, sizeof *list);
    wg_spread *how = wg__arena_take(&b->s->mem, sizeof *how);

    if (list) r->use = list;
    if (!list || !how) return false;
    wg__spread_make(b->type[in], to, how);
    /* a block that is one line begins and ends with lines of the operand */
    if (how->period > PERIOD_BLOCKS * r->block || (r->lines == 1 && how->period >= r->line))
        how->period = 0;
    list[r->n_uses++] = (wg_rows_use){ in, to, how, false, 0 };
    return true;
}

static bool find_uses(wg_build *b, wg_rows *r)
{
    const wg_plan *p = b->p;

    for (int32_t m = 0; m < r->members; m++) {
        int32_t e = b->member[r->first + m];

        r->n_refs += wg__n_in(p, e) + 1;
        if (wg__sums_rows(b, e)) r->n_columns++, r->n_refs += 3;
        if (wg__narrow(b, e)) continue;
        for (int32_t i = p->first[e]; i < p->first[e + 1]; i++) {
            int64_t n = wg__elements(b->type[b->in[i]]);

            if (wg__lends_type(wg__op_at(b, e), i - p->first[e]) || n == 1 || n == r->count ||
                (r->line > 0 && inside(b, b->in[i], r->step)))
                continue;
            r->n_pairs++;
            if (wg__rows_find(r, b->in[i], b->type[e]) < 0 && !add_use(b, r, b->in[i], b->type[e]))
                return false;
        }
    }
    return true;
}

/* Operands with one element a row are cheap when blocks end with the row. */
static void end_at_rows(const wg_build *b, wg_rows *r)
{
    for (int64_t i = 0; i < r->n_uses; i++) {
        const wg_spread *how = r->use[i].how;

        if (how->rank != 2 || how->stride[1] != 0) continue;
        if (r->line > 0) {
            r->use[i].whole = r->lines == 1 && how->dim[1] % r->line == 0;
            continue;
        }
        if (how->dim[1] < LEAST_ROW) continue;
        if (r->row == 0) r->row = how->dim[1];
        r->use[i].whole = how->dim[1] == r->row;
    }
    if (r->row > 0 && r->row < r->count) { /* parts of equal length */
        int64_t limit = b->p->options.block, parts = (r->row - 1) / limit + 1;
        int64_t even = ((r->row - 1) / parts / 16 + 1) * 16;

        r->block = even < limit ? even : limit;
    }
}

bool wg__rows_lay_out(wg_build *b, int32_t step, wg_rows *r)
{
    const wg_plan *p = b->p;
    int64_t most = 1, at, n, blocks, grain;

    memset(r, 0, sizeof *r);
    r->step = step;
    r->first = b->first_member[step];
    r->members = b->first_member[step + 1] - r->first;
    r->count = b->shape[step].count;
    r->line = b->shape[step].line;
    r->block = r->count < p->options.block ? r->count : p->options.block;
    if (r->line > 0) {
        r->lines = r->line < r->block ? r->block / r->line : 1;
        for (int32_t m = 0; m < r->members; m++)
            if (wg__sums_rows(b, b->member[r->first + m])) r->unit = WG_UNIT_ROWS * r->line;
        while (r->unit > 0 && WG_ROW_LANES % r->lines) r->lines--;
        r->block = r->lines * r->line;
    }
    r->slices = 1;
    if (!find_uses(b, r)) return false;
    for (int32_t m = 0; m < r->members && r->count > r->block; m++)
        if (b->stream[b->member[r->first + m]]) r->streams = true, r->n_refs++;
    give_slots(b, step, r);
    for (int32_t m = 0; m < r->members; m++) {
        int64_t size = (int64_t)wg_dtype_size(b->type[b->member[r->first + m]]->dtype);

        if (size > most) most = size;
    }
    if (r->line > 0 || r->count > r->block) {
        blocks = (r->count - 1) / (r->unit > 0 ? r->unit : r->block) + 1;
        grain = p->options.grain / r->members;
        n = r->count / (grain > 0 ? grain : 1);
        if (n > blocks) n = blocks;
        if (n > p->options.threads) n = p->options.threads;
        if (n > 1) r->slices = (int32_t)n;
        r->blocks = r->line > 0 || r->members > 1 || r->n_uses > 0 || r->slices > 1 || r->streams;
        if (r->blocks) end_at_rows(b, r);
    }
    r->slot_bytes = round_up(r->block * most);
    r->narrow_at = r->n_slots * r->slot_bytes;
    r->narrow_bytes = round_up(r->lines * most);
    at = r->narrow_at + r->n_narrow * r->narrow_bytes;
    r->n_refs += 2 * r->n_repeats;
    for (int64_t i = 0; i < r->n_uses; i++) {
        wg_rows_use *u = &r->use[i];

        u->local = u->whole ? -1 : at;
        if (u->whole) continue;
        at += round_up((r->block + (r->blocks ? u->how->period : 0)) * u->how->size);
    }
    r->lanes_at = at;
    r->lane_bytes = round_up(WG_ROW_LANES * r->line * most);
    at += r->n_columns * r->lane_bytes;
    if (r->count > r->unit && r->n_columns > 0)
        r->partial_bytes = round_up(((r->count - 1) / r->unit + 1) * r->line * most);
    r->pointers_at = at;
    if (r->blocks) at += (r->n_refs + r->n_uses) * (int64_t)sizeof(void *);
    r->slice_bytes = round_up(at);
    return true;
}

void wg__rows_done(wg_rows *r)
{
    wg__release(r->use);
}

bool wg__rows_scratch(wg_build *b, int32_t step, int64_t *bytes)
{
    wg_rows r;
    bool ok = wg__rows_lay_out(b, step, &r);

    *bytes = r.slice_bytes * r.slices + r.n_columns * r.partial_bytes;
    b->n_instr += r.blocks ? 1 : r.members + r.n_uses;
    wg__rows_done(&r);
    return ok;
}
