/* plan_emit.c: the instructions of a run, with every pointer in place. */
#include <string.h>

#include "plan.h"

static const int all_one[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };

static void *take(wg_build *b, int64_t n, size_t size)
{
    int64_t bytes;
    void *p = wg__mul(n, (int64_t)size, &bytes) ? wg__arena_take(&b->s->mem, (size_t)bytes) : NULL;

    if (!p) wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
    return p;
}

static int64_t input_at(const wg_plan *p, int32_t at)
{
    int64_t lo = 0, hi = p->n_inputs;

    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;

        if (p->input[mid].at <= at) lo = mid;
        else hi = mid;
    }
    return lo;
}

/* Puts the address of an entry's value into *slot; that of a fed one later, whenever it changes. */
static bool point(wg_build *b, int32_t in, const void **slot)
{
    int32_t owner = b->owner[in];
    struct wg_patch *list;

    *slot = b->data[owner];
    if (!(b->mark[owner] & WG_LEAF) || (wg__op_at(b, owner)->flags & WG_OP_PARAM)) return true;
    list = wg__grow(b->patch, &b->patches_cap, b->n_patches + 1, sizeof *list);
    if (!list) {
        wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
        return false;
    }
    b->patch = list;
    list[b->n_patches++] = (struct wg_patch){ input_at(b->p, owner), slot };
    return true;
}

/* Where the value of an entry can be read after a run: a leaf or constant from its copy. NULL:
 * nowhere. */
static void *kept(const wg_build *b, int32_t e)
{
    int32_t owner = b->owner[b->canon[e]];

    if (b->offset[owner] >= 0) return b->s->base + b->offset[owner];
    if (b->mark[owner] & WG_DIRECT) return b->data[owner];
    return NULL;
}

static wg_instr *add_instr(wg_build *b, wg_instr_kind kind, int32_t e, int32_t step)
{
    wg_instr *i = &b->s->instr[b->s->n_instr++];

    i->kind = kind;
    i->entry = e;
    i->step = step;
    return i;
}

/* ---- row kernels ---- */

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
    step = take(b, n, sizeof *step);
    for (int k = 0; step && k < n; k++) step[k] = advances(b, r, e, k);
    return step;
}

static bool emit_row(wg_build *b, const wg_rows *r, int32_t step, int32_t m, char *memory)
{
    const wg_plan *p = b->p;
    int32_t e = b->member[r->first + m];
    int n = wg__n_in(p, e);
    wg_instr *i = add_instr(b, WG_I_ROW, e, step);
    const void **x = take(b, n, sizeof *x);

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
        else if (!point(b, in, &x[k])) return false;
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
        wg_instr *i = add_instr(b, WG_I_SPREAD, r->use[u].in, step);

        i->as.spread.how = r->use[u].how;
        i->as.spread.to = memory + r->use[u].local;
        i->as.spread.n = r->count;
        if (!point(b, r->use[u].in, &i->as.spread.from)) return false;
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
    return point(b, in, &ref->base);
}

/* Attributes of a member that goes by lines. */
static wg_line *line_attr(wg_build *b, const wg_rows *r, int32_t e)
{
    wg_line *l = take(b, 1, sizeof *l);

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

static bool emit_member(wg_build *b, const wg_rows *r, int32_t m, wg_blocks *k)
{
    const wg_plan *p = b->p;
    int32_t e = b->member[r->first + m], n = wg__n_in(p, e);
    int32_t size = (int32_t)wg_dtype_size(b->type[e]->dtype);
    wg_member *member = &k->member[k->n_members++];
    wg_ref *ref = &k->ref[k->n_refs];

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

/* Operands of which the next block is asked for: large ones that lie in a row, each once. */
static bool find_ahead(wg_build *b, const wg_rows *r, wg_blocks *k)
{
    const wg_plan *p = b->p;
    int64_t least = p->options.cache < WG_AHEAD ? p->options.cache : WG_AHEAD;
    int32_t *of = take(b, k->n_refs, sizeof *of); /* owners of the refs listed */
    const wg_member *member = k->member;

    k->ahead = take(b, k->n_refs, sizeof *k->ahead);
    if (!of || !k->ahead) return false;
    if (!(p->passes & WG_PASS_STREAM)) return true;
    for (int32_t m = 0; m < r->members; m++) {
        int32_t e = b->member[r->first + m], first = member++->first;

        member += r->repeat[m] >= 0;
        for (int32_t i = 0; i < wg__n_in(p, e); i++) {
            int32_t ref = first + i, owner = b->owner[b->in[p->first[e] + i]], at = 0;

            if (!k->ref[ref].stride || k->ref[ref].narrow || wg_type_bytes(b->type[owner]) < least)
                continue;
            if (wg__computed(b, owner) && b->step[owner] == b->step[e]) continue;
            while (at < k->n_ahead && of[at] != owner) at++;
            if (at < k->n_ahead) continue;
            of[k->n_ahead] = owner;
            k->ahead[k->n_ahead++] = ref;
        }
    }
    return true;
}

static bool emit_blocks(wg_build *b, const wg_rows *r, int32_t step, char *memory)
{
    wg_instr *i = add_instr(b, WG_I_BLOCKS, b->member[r->first + r->members - 1], step);
    wg_blocks *k = take(b, 1, sizeof *k);

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
    k->memory = memory;
    k->slice_bytes = (size_t)r->slice_bytes;
    k->pointers_at = (size_t)r->pointers_at;
    k->member = take(b, r->members + r->n_repeats, sizeof *k->member);
    k->ref = take(b, r->n_refs, sizeof *k->ref);
    k->use = take(b, r->n_uses, sizeof *k->use);
    k->pair = take(b, r->n_pairs, sizeof *k->pair);
    if (!k->member || !k->ref || !k->use || !k->pair) return false;
    for (int32_t u = 0; u < k->n_uses; u++) {
        k->use[u] = (wg_spread_use){ r->use[u].how, NULL, r->use[u].local };
        if (!point(b, r->use[u].in, &k->use[u].from)) return false;
    }
    for (int32_t m = 0; m < r->members; m++)
        if (!emit_member(b, r, m, k)) return false;
    k->past = wg__stream_copy(b->p->level);
    if (!find_ahead(b, r, k)) return false;
    if (wg__plan_chain(b, r, k)) return true;
    wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
    return false;
}

static bool emit_rows(wg_build *b, int32_t step)
{
    char *memory = b->s->base + (b->scratch[step] > 0 ? b->scratch_at[step] : 0);
    wg_rows r;
    bool ok = wg__rows_lay_out(b, step, &r);

    if (!ok) wg_fail(b->error, WG_ENOMEM, "plan_run", "out of memory");
    ok = ok && (r.blocks ? emit_blocks(b, &r, step, memory) : emit_whole(b, &r, step, memory));
    wg__rows_done(&r);
    return ok;
}

/* ---- the others ---- */

/* The kernel for the extents at hand, where the record has one. */
static bool prepare(wg_build *b, int32_t e, wg_instr *i)
{
    wg_call *c = i->as.eval.call;
    void *state = take(b, 1, WG_STATE);
    wg_eval_fn *fn;

    if (!state) return false;
    fn = c->op->prepare(&(wg_sig){ c->op, c->attr, c->n_in, c->tx, b->error }, c->ty,
                        wg__kernel_dtype(b, e), b->p->level, state);
    if (!fn) return true;
    i->as.eval.fn = fn;
    c->state = state;
    return true;
}

/* The call of entry e with n parts inside: its operands, then theirs. NULL: out of memory. */
static wg_instr *emit_call(wg_build *b, int32_t e, int32_t step, int n, const int32_t *part,
                           int lane)
{
    const wg_plan *p = b->p;
    int total = wg__n_in(p, e), at = 0;
    wg_instr *i = add_instr(b, WG_I_EVAL, e, step);
    wg_call *c = take(b, 1, sizeof *c);
    const wg_type **tx;
    const void **x;

    for (int k = 0; k < n; k++) total += wg__n_in(p, part[k]);
    tx = take(b, total, sizeof *tx);
    x = take(b, total, sizeof *x);
    if (!c || !tx || !x) return NULL;
    for (int part_at = -1; part_at < n; part_at++) {
        int32_t of = part_at < 0 ? e : part[part_at];

        for (int32_t k = p->first[of]; k < p->first[of + 1]; k++, at++) {
            tx[at] = b->type[b->in[k]];
            x[at] = NULL;
            if (!wg__lends_type(wg__op_at(b, of), k - p->first[of]) && !point(b, b->in[k], &x[at]))
                return NULL;
        }
    }
    *c = (wg_call){ .op = wg__op_at(b, e),
                    .attr = b->attr[e],
                    .n_in = total,
                    .tx = tx,
                    .x = x,
                    .ty = b->type[e],
                    .y = b->data[e],
                    .scratch = b->scratch[step] > 0 ? b->s->base + b->scratch_at[step] : NULL,
                    .threads = p->options.threads,
                    .error = lane < 0 ? &b->p->error : &b->s->lane_error[lane] };
    i->as.eval.call = c;
    return i;
}

/* One kernel for an entry and what is made inside of it; before it, whether that can fail. */
static bool emit_inlined(wg_build *b, int32_t e, int32_t step, int lane)
{
    wg_inlined in = { .state = take(b, 1, WG_STATE) };
    int32_t part[2];
    int n = in.state ? wg__inline_parts(b, e, part, &in) : 0;
    wg_instr *i;

    if (n == 0) return false;
    if (in.check) {
        i = emit_call(b, part[0], step, 0, NULL, lane);
        if (!i) return false;
        i->as.eval.fn = in.check;
    }
    i = emit_call(b, e, step, n, part, lane);
    if (!i) return false;
    i->as.eval.fn = in.fn;
    i->as.eval.call->state = in.state;
    return true;
}

static wg_eval_fn *chosen(const wg_build *b, int32_t e, const wg_call *c)
{
    const wg_plan *p = b->p;
    size_t scratch;

    return wg__eval_chosen(&(wg_sig){ c->op, c->attr, c->n_in, c->tx, b->error }, c->ty,
                           wg__kernel_dtype(b, e), p->level, p->passes, p->options.threads,
                           &scratch);
}

/* Entry e lies inside another, or its operands in it: what is left to copy. */
static bool emit_place(wg_build *b, int32_t e, int32_t step)
{
    int64_t at = 0;

    for (int32_t k = -1; wg__place_next(b, e, &k, &at);) {
        int32_t in = b->in[b->p->first[e] + k];
        wg_instr *i = add_instr(b, WG_I_COPY, e, step);

        i->as.copy.to = (char *)b->data[e] + at;
        i->as.copy.bytes = (size_t)wg_type_bytes(b->type[in]);
        if (!point(b, in, &i->as.copy.from)) return false;
    }
    return true;
}

/* `check`: not the kernel, but what looks whether it can fail. */
static bool emit_eval(wg_build *b, int32_t step, bool check, int lane)
{
    const wg_plan *p = b->p;
    int32_t e = wg__head(b, step), part[2];
    const wg_op *op = wg__op_at(b, e);
    wg_instr *i;

    if (!check && wg__is_place(b, e)) return emit_place(b, e, step);
    if (!check && wg__inline_parts(b, e, part, NULL) > 0) return emit_inlined(b, e, step, lane);
    i = emit_call(b, e, step, 0, NULL, lane);
    if (!i) return false;
    i->as.eval.fn = check ? op->check : chosen(b, e, i->as.eval.call);
    return check || !op->prepare || !(p->passes & WG_PASS_PREPARE) || prepare(b, e, i);
}

/* Notes where the instructions of bundle *at begin, are split and end; returns the lane of step k.
 */
static int follow_lanes(wg_build *b, int32_t k, int64_t *at)
{
    wg_spec *s = b->s;
    const wg_bundle *u;

    if (*at < b->n_bundles && k == b->bundle[*at].end) s->bundle[(*at)++].end = s->n_instr;
    if (*at == b->n_bundles || k < b->bundle[*at].first) return -1;
    u = &b->bundle[*at];
    if (k == u->first) s->bundle[*at].first = s->n_instr;
    if (k == u->split) s->bundle[*at].split = s->n_instr;
    return k >= u->split;
}

/* Before the first step that writes into the store: whether a later one that does can fail. */
static bool emit_checks(wg_build *b)
{
    for (int32_t k = b->first_direct; k < b->n_steps; k++) {
        uint8_t mark = b->mark[wg__head(b, k)];

        if ((mark & (WG_ROW | WG_DIRECT)) == WG_DIRECT && !emit_eval(b, k, true, -1)) return false;
    }
    return true;
}

/* Leaves and constants that are read after the run are copied before anything else: fed memory
 * is the caller's, a store entry may be about to change, and a constant goes with its
 * specialisation. */
static bool emit_copies(wg_build *b)
{
    for (int32_t e = 0; e < b->p->n; e++) {
        wg_instr *i;

        if (!(b->mark[e] & WG_STORED) || !(b->mark[e] & (WG_LEAF | WG_FIXED))) continue;
        i = add_instr(b, WG_I_COPY, e, -1);
        i->as.copy.to = b->s->base + b->offset[e];
        i->as.copy.bytes = (size_t)wg_type_bytes(b->type[e]);
        if (!point(b, e, &i->as.copy.from)) return false;
    }
    return true;
}

static bool emit_roots(wg_build *b)
{
    const wg_plan *p = b->p;
    wg_spec *s = b->s;

    s->output = take(b, p->n_outputs, sizeof *s->output);
    s->commit = take(b, p->n_updates, sizeof *s->commit);
    if (!s->output || !s->commit) return false;
    for (int64_t i = 0; i < p->n_outputs; i++)
        s->output[i] = (wg_array){ *b->type[p->root[i]], kept(b, p->root[i]) };
    for (int64_t i = 0; i < p->n_updates; i++) {
        int32_t e = p->root[p->n_outputs + i], owner = b->owner[b->canon[e]];
        const wg_array *to = &p->updated[i]->value;

        if ((b->mark[owner] & WG_DIRECT) || owner == p->updated_at[i] ||
            wg_type_bytes(&to->type) == 0)
            continue;
        s->commit[s->n_commits++] =
            (wg_commit){ to->data, kept(b, e), (size_t)wg_type_bytes(&to->type) };
    }
    if (!p->options.keep && !p->options.check) return true;
    s->value = take(b, p->n, sizeof *s->value);
    for (int32_t e = 0; s->value && e < p->n; e++)
        s->value[e] = (wg_array){ *b->type[e], kept(b, e) };
    return s->value != NULL;
}

static bool emit_patches(wg_build *b)
{
    wg_spec *s = b->s;
    int64_t n = b->p->n_inputs;

    s->patch_first = take(b, n + 1, sizeof *s->patch_first);
    s->patch = take(b, b->n_patches, sizeof *s->patch);
    if (!s->patch_first || !s->patch) return false;
    memset(s->patch_first, 0, ((size_t)n + 1) * sizeof *s->patch_first);
    for (int64_t i = 0; i < b->n_patches; i++) s->patch_first[b->patch[i].input]++;
    for (int64_t i = 1; i <= n; i++) s->patch_first[i] += s->patch_first[i - 1];
    for (int64_t i = b->n_patches; i > 0; i--)
        s->patch[--s->patch_first[b->patch[i - 1].input]] = b->patch[i - 1].slot;
    return true;
}

static void count_work(wg_build *b)
{
    const wg_plan *p = b->p;
    wg_spec_stats *stats = &b->s->stats;

    for (int32_t e = 0; e < p->n; e++) {
        const wg_op *op = wg__op_at(b, e);
        int n = wg__n_in(p, e);
        wg_sig sig;
        size_t bytes;

        if ((op->flags & WG_OP_PARAM) && (b->mark[e] & WG_NEEDED))
            stats->param_bytes += wg_type_bytes(b->type[e]);
        if (!wg__computed(b, e)) continue;
        for (int k = 0; k < n; k++) b->tx[k] = b->type[b->in[p->first[e] + k]];
        sig = (wg_sig){ op, b->attr[e], n, b->tx, b->error };
        stats->flops += op->flops ? op->flops(&sig, b->type[e]) : (double)wg__elements(b->type[e]);
        bytes = op->outside && !b->inside[e] ? op->outside(&sig, b->type[e], p->level) : 0;
        stats->outside_steps += bytes > 0;
        if (bytes > (size_t)stats->outside_bytes) stats->outside_bytes = (int64_t)bytes;
    }
    for (int64_t i = 0; i < p->n_updates; i++) {
        int32_t leaf = p->updated_at[i];

        if (leaf < 0 || !(b->mark[leaf] & WG_NEEDED))
            stats->param_bytes += wg_type_bytes(&p->updated[i]->value.type);
    }
}

bool wg__plan_emit(wg_build *b)
{
    wg_spec *s = b->s;
    int64_t at = 0;
    bool ok;

    s->base = b->p->arena;
    for (int32_t e = 0; e < b->p->n; e++) {
        if (b->mark[e] & (WG_LEAF | WG_FIXED)) b->n_instr += (b->mark[e] & WG_STORED) != 0;
        else if (b->offset[e] >= 0) b->data[e] = s->base + b->offset[e];
    }
    s->instr = take(b, b->n_instr, sizeof *s->instr);
    if (!s->instr) return false;
    memset(s->instr, 0, (size_t)b->n_instr * sizeof *s->instr);
    s->bundle = take(b, b->n_bundles, sizeof *s->bundle);
    s->n_bundles = b->n_bundles;
    if (!s->bundle) return false;
    ok = emit_copies(b);
    for (int32_t k = 0; k < b->n_steps && ok; k++) {
        int lane = follow_lanes(b, k, &at);

        if (k == b->first_direct) ok = emit_checks(b);
        if (!ok) break;
        ok = b->mark[wg__head(b, k)] & WG_ROW ? emit_rows(b, k) : emit_eval(b, k, false, lane);
    }
    if (at < b->n_bundles) s->bundle[at].end = s->n_instr;
    ok = ok && emit_roots(b) && emit_patches(b);
    if (!ok) return false;
    if (b->p->options.timing) {
        s->seconds = take(b, s->n_instr, sizeof *s->seconds);
        if (!s->seconds) return false;
        memset(s->seconds, 0, (size_t)s->n_instr * sizeof *s->seconds);
    }
    count_work(b);
    return true;
}
