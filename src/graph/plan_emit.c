/* plan_emit.c: the instructions of a run, with every pointer in place. */
#include <string.h>

#include "plan.h"

void *wg__emit_take(wg_build *b, int64_t n, size_t size)
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

bool wg__emit_point(wg_build *b, int32_t in, const void **slot)
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

wg_instr *wg__emit_instr(wg_build *b, wg_instr_kind kind, int32_t e, int32_t step)
{
    wg_instr *i = &b->s->instr[b->s->n_instr++];

    i->kind = kind;
    i->entry = e;
    i->step = step;
    return i;
}

/* ---- the others ---- */

/* The kernel for the extents at hand, where the record has one. */
static bool prepare(wg_build *b, int32_t e, wg_instr *i)
{
    wg_call *c = i->as.eval.call;
    void *state = wg__emit_take(b, 1, WG_STATE);
    wg_eval_fn *fn;

    if (!state) return false;
    fn = wg__more(c->op)->prepare(&(wg_sig){ c->op, c->attr, c->n_in, c->tx, b->error }, c->ty,
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
    wg_instr *i = wg__emit_instr(b, WG_I_EVAL, e, step);
    wg_call *c = wg__emit_take(b, 1, sizeof *c);
    const wg_type **tx;
    const void **x;

    for (int k = 0; k < n; k++) total += wg__n_in(p, part[k]);
    tx = wg__emit_take(b, total, sizeof *tx);
    x = wg__emit_take(b, total, sizeof *x);
    if (!c || !tx || !x) return NULL;
    for (int part_at = -1; part_at < n; part_at++) {
        int32_t of = part_at < 0 ? e : part[part_at];

        for (int32_t k = p->first[of]; k < p->first[of + 1]; k++, at++) {
            tx[at] = b->type[b->in[k]];
            x[at] = NULL;
            if (!wg__lends_type(wg__op_at(b, of), k - p->first[of]) &&
                !wg__emit_point(b, b->in[k], &x[at]))
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
    wg_inlined in = { .state = wg__emit_take(b, 1, WG_STATE) };
    int32_t part[2];
    int n = in.state ? wg__inline_parts(b, e, part, &in) : 0;
    wg_instr *i;

    if (n == 0) return false;
    if (in.check) {
        i = emit_call(b, part[n - 1], step, 0, NULL, lane);
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
        wg_instr *i = wg__emit_instr(b, WG_I_COPY, e, step);

        i->as.copy.to = (char *)b->data[e] + at;
        i->as.copy.bytes = (size_t)wg_type_bytes(b->type[in]);
        if (!wg__emit_point(b, in, &i->as.copy.from)) return false;
    }
    return true;
}

/* `check`: not the kernel, but what looks whether it can fail. */
static bool emit_eval(wg_build *b, int32_t step, bool check, int lane)
{
    const wg_plan *p = b->p;
    int32_t e = wg__head(b, step), part[2];
    const wg_op_more *more = wg__more(wg__op_at(b, e));
    wg_instr *i;

    if (!check && wg__is_place(b, e)) return emit_place(b, e, step);
    if (!check && wg__inline_parts(b, e, part, NULL) > 0) return emit_inlined(b, e, step, lane);
    i = emit_call(b, e, step, 0, NULL, lane);
    if (!i) return false;
    i->as.eval.fn = check ? more->check : chosen(b, e, i->as.eval.call);
    return check || !more->prepare || !(p->passes & WG_PASS_PREPARE) || prepare(b, e, i);
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
        i = wg__emit_instr(b, WG_I_COPY, e, -1);
        i->as.copy.to = b->s->base + b->offset[e];
        i->as.copy.bytes = (size_t)wg_type_bytes(b->type[e]);
        if (!wg__emit_point(b, e, &i->as.copy.from)) return false;
    }
    return true;
}

static bool emit_roots(wg_build *b)
{
    const wg_plan *p = b->p;
    wg_spec *s = b->s;

    s->output = wg__emit_take(b, p->n_outputs, sizeof *s->output);
    s->commit = wg__emit_take(b, p->n_updates, sizeof *s->commit);
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
    s->value = wg__emit_take(b, p->n, sizeof *s->value);
    for (int32_t e = 0; s->value && e < p->n; e++)
        s->value[e] = (wg_array){ *b->type[e], kept(b, e) };
    return s->value != NULL;
}

static bool emit_patches(wg_build *b)
{
    wg_spec *s = b->s;
    int64_t n = b->p->n_inputs;

    s->patch_first = wg__emit_take(b, n + 1, sizeof *s->patch_first);
    s->patch = wg__emit_take(b, b->n_patches, sizeof *s->patch);
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
        const wg_op_more *more = wg__more(op);
        int n = wg__n_in(p, e);
        wg_sig sig;
        size_t bytes;

        if ((op->flags & WG_OP_PARAM) && (b->mark[e] & WG_NEEDED))
            stats->param_bytes += wg_type_bytes(b->type[e]);
        if (!wg__computed(b, e)) continue;
        for (int k = 0; k < n; k++) b->tx[k] = b->type[b->in[p->first[e] + k]];
        sig = (wg_sig){ op, b->attr[e], n, b->tx, b->error };
        stats->flops += op->flops ? op->flops(&sig, b->type[e]) : (double)wg__elements(b->type[e]);
        bytes = more->outside && !b->inside[e] ? more->outside(&sig, b->type[e], p->level) : 0;
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
    s->instr = wg__emit_take(b, b->n_instr, sizeof *s->instr);
    if (!s->instr) return false;
    memset(s->instr, 0, (size_t)b->n_instr * sizeof *s->instr);
    s->bundle = wg__emit_take(b, b->n_bundles, sizeof *s->bundle);
    s->n_bundles = b->n_bundles;
    if (!s->bundle) return false;
    ok = emit_copies(b);
    for (int32_t k = 0; k < b->n_steps && ok; k++) {
        int lane = follow_lanes(b, k, &at);

        if (k == b->first_direct) ok = emit_checks(b);
        if (!ok) break;
        ok = b->mark[wg__head(b, k)] & WG_ROW ? wg__emit_rows(b, k) : emit_eval(b, k, false, lane);
    }
    if (at < b->n_bundles) s->bundle[at].end = s->n_instr;
    ok = ok && emit_roots(b) && emit_patches(b);
    if (!ok) return false;
    if (b->p->options.timing) {
        s->seconds = wg__emit_take(b, s->n_instr, sizeof *s->seconds);
        if (!s->seconds) return false;
        memset(s->seconds, 0, (size_t)s->n_instr * sizeof *s->seconds);
    }
    count_work(b);
    wg__chains_map(b);
    return true;
}
