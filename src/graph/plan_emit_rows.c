/* plan_emit_rows.c: the instructions of a step of row kernels. */
#include <string.h>

#include "plan.h"

static const int all_one[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };

static wg_row_fn *row_kernel(const wg_build *b, int32_t e)
{
    return wg__row_kernel(wg__op_at(b, e), wg__kernel_dtype(b, e), b->p->level);
}

/* Computed by another member of the step, at *at among them. */
static bool is_inside(const wg_build *b, int32_t in, int32_t step, int32_t *at)
{
    int32_t owner = b->owner[in];

    if (!wg__computed(b, owner) || b->step[owner] != step) return false;
    *at = b->index[owner];
    return true;
}

/* Operand k goes on from element to element: all but single elements do, and what one row has one
 * of. */
static bool advances(const wg_build *b, const wg_rows *r, int32_t e, int k)
{
    int32_t in = b->in[b->p->first[e] + k], at;
    int64_t use;

    if (wg__lends_type(wg__op_at(b, e), k) || r->count == 1) return true;
    if (wg__elements(b->type[in]) == 1) return false;
    if (wg__narrow(b, e)) return true;
    if (r->lines == 1 && is_inside(b, in, r->step, &at)) return !wg__narrow(b, b->owner[in]);
    use = wg__rows_find(r, in, b->type[e]);
    return use < 0 || !r->use[use].whole;
}

static const int *row_steps(wg_build *b, const wg_rows *r, int32_t e)
{
    int n = wg__n_in(b->p, e), ones = 0, *step;

    for (int k = 0; k < n; k++) ones += advances(b, r, e, k);
    if (ones == n && n <= (int)(sizeof all_one / sizeof all_one[0])) return all_one;
    step = wg__emit_take(b, n, sizeof *step);
    for (int k = 0; step && k < n; k++) step[k] = advances(b, r, e, k);
    return step;
}

static bool emit_row(wg_build *b, const wg_rows *r, int32_t step, int32_t m, char *memory)
{
    const wg_plan *p = b->p;
    int32_t e = b->member[r->first + m];
    int n = wg__n_in(p, e);
    wg_instr *i = wg__emit_instr(b, WG_I_ROW, e, step);
    const void **x = wg__emit_take(b, n, sizeof *x);

    if (!x) return false;
    for (int k = 0; k < n; k++) {
        int32_t in = b->in[p->first[e] + k], at;
        int64_t use;

        x[k] = NULL;
        if (wg__lends_type(wg__op_at(b, e), k)) continue;
        use = wg__rows_find(r, in, b->type[e]);
        if (is_inside(b, in, step, &at) && r->slot[at] >= 0)
            x[k] = memory + wg__rows_local(b, r, at);
        else if (use >= 0) x[k] = memory + r->use[use].local;
        else if (!wg__emit_point(b, in, &x[k])) return false;
    }
    i->as.row.fn = row_kernel(b, e);
    i->as.row.attr = b->attr[e];
    i->as.row.n = r->count;
    i->as.row.x = x;
    i->as.row.step = row_steps(b, r, e);
    i->as.row.y = r->slot[m] >= 0 ? memory + wg__rows_local(b, r, m) : b->data[e];
    return i->as.row.step != NULL;
}

static bool emit_whole(wg_build *b, const wg_rows *r, int32_t step, char *memory)
{
    for (int64_t u = 0; u < r->n_uses; u++) {
        wg_instr *i = wg__emit_instr(b, WG_I_SPREAD, r->use[u].in, step);

        i->as.spread.how = r->use[u].how;
        i->as.spread.to = memory + r->use[u].local;
        i->as.spread.n = r->count;
        if (!wg__emit_point(b, r->use[u].in, &i->as.spread.from)) return false;
    }
    for (int32_t m = 0; m < r->members; m++)
        if (!emit_row(b, r, step, m, memory)) return false;
    return true;
}

/* Where member m's value lies. */
static wg_ref result_ref(const wg_build *b, const wg_rows *r, int32_t m)
{
    int32_t e = b->member[r->first + m];

    if (r->slot[m] >= 0) return (wg_ref){ NULL, wg__rows_local(b, r, m), 0, false };
    return (wg_ref){ b->data[e], -1, (int64_t)wg_dtype_size(b->type[e]->dtype), wg__narrow(b, e) };
}

static bool operand_ref(wg_build *b, const wg_rows *r, int32_t e, int32_t in, wg_blocks *k,
                        wg_ref *ref)
{
    bool narrow = wg__narrow(b, e) && row_kernel(b, e); /* a line is wide, whatever it makes */
    int64_t use;
    int32_t at;

    if (is_inside(b, in, r->step, &at)) {
        *ref = result_ref(b, r, at);
        if (r->repeat[at] >= 0 && !narrow)
            *ref = (wg_ref){ NULL, r->repeat[at] * r->slot_bytes, 0, false };
        return true;
    }
    use = narrow ? -1 : wg__rows_find(r, in, b->type[e]);
    if (use >= 0) {
        k->pair[k->n_pairs++] = (wg_spread_ref){ (int32_t)(ref - k->ref), (int32_t)use };
        return true;
    }
    if (wg__elements(b->type[in]) != 1) ref->stride = (int64_t)wg_dtype_size(b->type[in]->dtype);
    ref->narrow = narrow;
    return wg__emit_point(b, in, &ref->base);
}

/* Attributes of a member that goes by lines. */
static wg_line *line_attr(wg_build *b, const wg_rows *r, int32_t e)
{
    wg_line *l = wg__emit_take(b, 1, sizeof *l);

    if (!l) return NULL;
    *l = (wg_line){ wg__line_kernel(wg__op_at(b, e), wg__kernel_dtype(b, e), b->p->level),
                    b->attr[e], r->line, (int)wg_dtype_size(b->type[e]->dtype) };
    return l;
}

/* Behind member m, whose value is narrow: the same with each element repeated along its line. */
static bool emit_repeat(wg_build *b, const wg_rows *r, int32_t m, wg_blocks *k)
{
    wg_line *l = line_attr(b, r, b->member[r->first + m]);
    wg_ref *ref = &k->ref[k->n_refs];

    if (!l) return false;
    k->member[k->n_members++] =
        (wg_member){ wg__repeat_narrow, l, all_one, k->n_refs, 1, 0, false };
    k->n_refs += 2;
    ref[0] = result_ref(b, r, m);
    ref[1] = (wg_ref){ NULL, r->repeat[m] * r->slot_bytes, 0, false };
    return true;
}

/* Member e adds its operand, as many rows as a block has, to as many rows of the lanes. */
static bool emit_column(wg_build *b, const wg_rows *r, int32_t e, wg_blocks *k)
{
    int32_t size = (int32_t)wg_dtype_size(b->type[e]->dtype), n = k->n_columns++;
    int64_t lanes = r->lanes_at + n * r->lane_bytes;
    wg_row_fn *add = wg__add_rows(b, e);
    wg_ref *ref = &k->ref[k->n_refs];

    ref[0] = ref[2] = (wg_ref){ NULL, lanes, 0, false };
    ref[3] = (wg_ref){ b->data[e], -1, 0, false };
    k->column[n] =
        (wg_column){ add,           size,  { k->n_refs, k->n_refs + 2 },
                     k->n_refs + 3, lanes, r->slice_bytes * r->slices + n * r->partial_bytes };
    k->member[k->n_members++] = (wg_member){ add, NULL, all_one, k->n_refs, 2, 0, false };
    k->n_refs += 4;
    ref[1] = (wg_ref){ NULL, -1, 0, false };
    return operand_ref(b, r, e, b->in[b->p->first[e]], k, &ref[1]);
}

static bool emit_member(wg_build *b, const wg_rows *r, int32_t m, wg_blocks *k)
{
    const wg_plan *p = b->p;
    int32_t e = b->member[r->first + m], n = wg__n_in(p, e);
    int32_t size = (int32_t)wg_dtype_size(b->type[e]->dtype);
    wg_member *member = &k->member[k->n_members];
    wg_ref *ref = &k->ref[k->n_refs];

    if (wg__sums_rows(b, e)) return emit_column(b, r, e, k);
    k->n_members++;
    *member = (wg_member){ row_kernel(b, e), b->attr[e], NULL, k->n_refs, n, 0, wg__narrow(b, e) };
    k->n_refs += n + 1;
    for (int32_t i = 0; i < n; i++) {
        ref[i] = (wg_ref){ NULL, -1, 0, false };
        if (!wg__lends_type(wg__op_at(b, e), i) &&
            !operand_ref(b, r, e, b->in[p->first[e] + i], k, &ref[i]))
            return false;
    }
    ref[n] = result_ref(b, r, m);
    if (r->slot[m] >= 0 && b->stream[e]) {
        k->ref[k->n_refs++] = (wg_ref){ b->data[e], -1, size, false };
        member->stream = size;
        k->streams = true;
    }
    if (member->row) {
        member->step = row_steps(b, r, e);
    } else {
        member->row = wg__run_line;
        member->attr = line_attr(b, r, e);
        member->step = all_one;
        member->narrow = false; /* it runs over the elements of its operand */
        if (!member->attr) return false;
    }
    return member->step && (r->repeat[m] < 0 || emit_repeat(b, r, m, k));
}

/* Operands of which the next block is asked for: large ones that lie in a row, each once; as a row
 * kernel reads them, where one does, for those may be in chains. */
static bool find_ahead(wg_build *b, const wg_rows *r, wg_blocks *k)
{
    const wg_plan *p = b->p;
    int64_t least = p->options.cache < WG_AHEAD ? p->options.cache : WG_AHEAD;
    int32_t *of = wg__emit_take(b, k->n_refs, sizeof *of); /* owners of the refs listed; -1 - those
                                                            * that line kernels alone read so far */
    const wg_member *member = k->member;

    k->ahead = wg__emit_take(b, k->n_refs, sizeof *k->ahead);
    if (!of || !k->ahead) return false;
    if (!(p->passes & WG_PASS_STREAM)) return true;
    for (int32_t m = 0; m < r->members; m++) {
        int32_t e = b->member[r->first + m], first = member++->first + wg__sums_rows(b, e);

        member += r->repeat[m] >= 0;
        for (int32_t i = 0; i < wg__n_in(p, e); i++) {
            int32_t ref = first + i, owner = b->owner[b->in[p->first[e] + i]], at = 0;

            if (!k->ref[ref].stride || k->ref[ref].narrow || wg_type_bytes(b->type[owner]) < least)
                continue;
            if (wg__computed(b, owner) && b->step[owner] == b->step[e]) continue;
            while (at < k->n_ahead && of[at] != owner && of[at] != -1 - owner) at++;
            if (at < k->n_ahead && (of[at] >= 0 || !(b->mark[e] & WG_ROW))) continue;
            of[at] = b->mark[e] & WG_ROW ? owner : -1 - owner;
            k->ahead[at] = ref;
            k->n_ahead += at == k->n_ahead;
        }
    }
    return true;
}

static void find_moving(wg_blocks *k)
{
    for (int32_t i = 0; i < k->n_refs; i++) {
        const wg_ref *r = &k->ref[i];
        int64_t n = r->narrow ? k->block / k->line : k->block;

        if (!r->stride) continue;
        k->moving[k->n_moving++] = (wg_moving){ i, r->narrow, r->stride, n * r->stride };
    }
}

static bool emit_blocks(wg_build *b, const wg_rows *r, int32_t step, char *memory)
{
    wg_instr *i = wg__emit_instr(b, WG_I_BLOCKS, b->member[r->first + r->members - 1], step);
    wg_blocks *k = wg__emit_take(b, 1, sizeof *k);

    if (!k) return false;
    memset(k, 0, sizeof *k);
    i->as.blocks = k;
    k->n_entries = r->members;
    k->n_uses = (int32_t)r->n_uses;
    k->slices = r->slices;
    k->count = r->count;
    k->block = r->block;
    k->row = r->row;
    k->line = r->line;
    k->unit = r->unit > 0 ? r->unit : r->block;
    k->memory = memory;
    k->slice_bytes = (size_t)r->slice_bytes;
    k->pointers_at = (size_t)r->pointers_at;
    k->member = wg__emit_take(b, r->members + r->n_repeats, sizeof *k->member);
    k->ref = wg__emit_take(b, r->n_refs, sizeof *k->ref);
    k->moving = wg__emit_take(b, r->n_refs, sizeof *k->moving);
    k->use = wg__emit_take(b, r->n_uses, sizeof *k->use);
    k->pair = wg__emit_take(b, r->n_pairs, sizeof *k->pair);
    k->column = wg__emit_take(b, r->n_columns, sizeof *k->column);
    if (!k->member || !k->ref || !k->moving || !k->use || !k->pair || !k->column) return false;
    for (int32_t u = 0; u < k->n_uses; u++) {
        k->use[u] = (wg_spread_use){ r->use[u].how, NULL, r->use[u].local };
        if (!wg__emit_point(b, r->use[u].in, &k->use[u].from)) return false;
    }
    for (int32_t m = 0; m < r->members; m++)
        if (!emit_member(b, r, m, k)) return false;
    find_moving(k);
    k->past = wg__stream_copy(b->p->level);
    if (!find_ahead(b, r, k)) return false;
    if (wg__plan_chain(b, r, k)) return true;
    wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
    return false;
}

bool wg__emit_rows(wg_build *b, int32_t step)
{
    char *memory = b->s->base + (b->scratch[step] > 0 ? b->scratch_at[step] : 0);
    wg_rows r;
    bool ok = wg__rows_lay_out(b, step, &r);

    if (!ok) wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
    ok = ok && (r.blocks ? emit_blocks(b, &r, step, memory) : emit_whole(b, &r, step, memory));
    wg__rows_done(&r);
    return ok;
}
