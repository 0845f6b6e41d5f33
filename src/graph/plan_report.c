/* plan_report.c: what a plan has become, in numbers and as text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

static bool have_spec(wg_plan *p)
{
    wg__error_clear(&p->error);
    if (p->now) return true;
    if (!wg__plan_specialise(p, true)) return false;
    p->ran = false;
    return true;
}

/* What the plan has taken through the gate, to the byte. */
static int64_t held_bytes(const wg_plan *p)
{
    const void *const block[] = { p,
                                  p->input,
                                  p->live,
                                  p->first,
                                  p->in,
                                  p->root,
                                  p->output_name,
                                  p->updated,
                                  p->by_address,
                                  p->updated_at,
                                  p->at_id,
                                  p->arena_block,
                                  p->input_names.slot,
                                  p->output_names.slot,
                                  p->names.slot };
    size_t bytes = wg__arena_bytes(&p->mem);

    for (size_t i = 0; i < sizeof block / sizeof block[0]; i++) bytes += wg__block_bytes(block[i]);
    for (int i = 0; i < WG_SPECS; i++)
        if (p->spec[i]) bytes += wg__block_bytes(p->spec[i]) + wg__arena_bytes(&p->spec[i]->mem);
    for (int64_t i = 0; i < p->n_inputs; i++) bytes += wg__block_bytes(p->input[i].own);
    return (int64_t)bytes;
}

wg_status wg_plan_report(wg_plan *p, wg_plan_stats *stats)
{
    const wg_spec_stats *s;

    if (!p || !stats) return WG_EARG;
    if (!have_spec(p)) return p->error.code;
    s = &p->now->stats;
    *stats = (wg_plan_stats){ .entries = s->entries,
                              .computed = s->computed,
                              .steps = s->steps,
                              .fused_steps = s->fused_steps,
                              .fused_entries = s->fused_entries,
                              .arena_bytes = s->arena_bytes,
                              .naive_bytes = s->naive_bytes,
                              .param_bytes = s->param_bytes,
                              .held_bytes = held_bytes(p),
                              .flops = s->flops,
                              .recomputed = s->recomputed,
                              .recompute_flops = s->recompute_flops,
                              .runs = p->runs,
                              .seconds = p->seconds,
                              .outside_steps = s->outside_steps,
                              .outside_bytes = s->outside_bytes * p->options.threads };
    for (int i = 0; i < WG_SPECS; i++) {
        stats->specialisations += p->spec[i] != NULL;
        stats->code_bytes += p->spec[i] ? (int64_t)p->spec[i]->code_bytes : 0;
    }
    return WG_OK;
}

/* ---- text ---- */

static void print_passes(const wg_spec_stats *s, FILE *to)
{
    fprintf(to, "  live: %" PRId64 " entries, %" PRId64 " of them lend values\n", s->entries,
            s->needed);
    fprintf(to,
            "  simplify: %" PRId64 " aliases, %" PRId64 " equal to others, %" PRId64
            " constants, %" PRId64 " transposes absorbed, %" PRId64 " made once for all, %" PRId64
            " read by repeating, %" PRId64 " in parts; %" PRId64 " left to compute, %" PRId64 " of them inside others\n",
            s->aliased, s->merged, s->folded, s->absorbed, s->turned, s->repeated, s->split,
            s->computed, s->inlined);
    fprintf(to, "  fuse: %" PRId64 " steps, %" PRId64 " of them run %" PRId64 " entries together\n",
            s->steps, s->fused_steps, s->fused_entries);
    fprintf(to, "  schedule: %s\n",
            s->rescheduled ? "steps that give memory back run early" : "the order of the tape");
    fprintf(to, "  lanes: %" PRId64 " times steps side by side\n", s->bundles);
    fprintf(to,
            "  memory: %" PRId64 " bytes of %" PRId64 " (at least %" PRId64
            " at one time); %" PRId64 " values inside others, %" PRId64
            " over dying operands, %" PRId64 " into their store entries\n",
            s->arena_bytes, s->naive_bytes, s->peak_bytes, s->placed, s->in_place, s->into_store);
}

static const char *instr_name(const wg_plan *p, const wg_instr *i)
{
    if (i->kind == WG_I_COPY) return "(copy)";
    if (i->kind == WG_I_SPREAD) return "(spread)";
    if (i->kind == WG_I_BLOCKS && i->as.blocks->n_entries > 1) return "(fused)";
    return p->live[i->entry]->op->name;
}

static void print_steps(const wg_plan *p, const wg_spec *s, FILE *to)
{
    double scale = s->runs > 0 ? 1e6 / (double)s->runs : 0;

    for (int64_t k = 0; k < s->n_instr; k++) {
        const wg_instr *i = &s->instr[k];
        const wg_tensor *t = p->live[i->entry];

        if (i->step >= 0) fprintf(to, "  step %" PRId32 ": %s", i->step, instr_name(p, i));
        else fprintf(to, "  before: %s", instr_name(p, i));
        if (i->kind == WG_I_BLOCKS && i->as.blocks->n_entries > 1)
            fprintf(to, " of %" PRId32 " up to %s", i->as.blocks->n_entries, t->op->name);
        if (s->seconds) fprintf(to, ", %.3f us", s->seconds[k] * scale);
        fprintf(to, ", %%%" PRId32 "%s%s%s%s\n", t->id, t->site ? " " : "", t->site ? t->site : "",
                t->scope[0] ? " in " : "", t->scope);
    }
}

struct op_time {
    const char *name;
    double seconds;
    int64_t n;
};

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct op_time *)a)->seconds, y = ((const struct op_time *)b)->seconds;

    return (x < y) - (x > y);
}

/* Time by op, longest first. Steps that run several entries block by block stand for themselves. */
static bool print_ops(const wg_plan *p, const wg_spec *s, FILE *to)
{
    wg_table names = { NULL, 0, 0 };
    struct op_time *list = wg__array(s->n_instr, sizeof *list);
    double total = 0;
    int64_t n = 0;
    bool ok = list != NULL;

    for (int64_t k = 0; ok && k < s->n_instr; k++) {
        const char *name = instr_name(p, &s->instr[k]);
        int64_t at = wg__table_get(&names, name);

        if (at < 0) {
            at = n++;
            list[at] = (struct op_time){ name, 0, 0 };
            ok = wg__table_put(&names, name, at);
        }
        list[at].seconds += s->seconds[k];
        list[at].n++;
        total += s->seconds[k];
    }
    if (ok) qsort(list, (size_t)n, sizeof *list, by_seconds);
    for (int64_t k = 0; ok && k < n; k++)
        fprintf(to, "  %-16s %6" PRId64 " times %12.3f us a run %5.1f %%\n", list[k].name,
                list[k].n, s->runs > 0 ? list[k].seconds * 1e6 / (double)s->runs : 0,
                total > 0 ? 100 * list[k].seconds / total : 0);
    wg__table_free(&names);
    wg__release(list);
    return ok;
}

wg_status wg_plan_report_print(wg_plan *p, bool passes, FILE *to)
{
    wg_plan_stats stats;
    wg_status code;

    if (!p || !to) return WG_EARG;
    code = wg_plan_report(p, &stats);
    if (code != WG_OK) return code;
    fprintf(to,
            "%" PRId64 " entries, %" PRId64 " computed in %" PRId64 " steps; %" PRId64
            " fused steps run %" PRId64 " entries\n",
            stats.entries, stats.computed, stats.steps, stats.fused_steps, stats.fused_entries);
    fprintf(to,
            "%" PRId64 " bytes of values instead of %" PRId64 ", %" PRId64
            " bytes of parameters, %.6g operations a run\n",
            stats.arena_bytes, stats.naive_bytes, stats.param_bytes, stats.flops);
    fprintf(to, "%" PRId64 " bytes held: %zu of values, aligned, and %" PRId64 " of the plan\n",
            stats.held_bytes, wg__block_bytes(p->arena_block),
            stats.held_bytes - (int64_t)wg__block_bytes(p->arena_block));
    if (stats.code_bytes > 0)
        fprintf(to, "besides, %" PRId64 " bytes of machine code for chains of element-wise entries\n",
                stats.code_bytes);
    if (stats.outside_steps > 0)
        fprintf(to,
                "besides, OpenBLAS's own buffers, up to %" PRId64 " bytes: it does %" PRId64
                " products of a run\n",
                stats.outside_bytes, stats.outside_steps);
    else fprintf(to, "no product of a run is OpenBLAS's: it holds no buffers\n");
    if (stats.recomputed > 0)
        fprintf(to,
                "%" PRId64 " entries computed again to need fewer bytes, %.6g of the operations\n",
                stats.recomputed, stats.recompute_flops);
    if (passes) {
        print_passes(&p->now->stats, to);
        print_steps(p, p->now, to);
    }
    if (p->now->seconds) {
        fprintf(to, "%" PRId64 " runs, %.3f us each\n", stats.runs,
                stats.runs > 0 ? stats.seconds * 1e6 / (double)stats.runs : 0);
        if (!passes) print_steps(p, p->now, to);
        if (!print_ops(p, p->now, to))
            return wg_fail(&p->error, WG_ENOMEM, "plan_report", "out of memory");
    }
    return ferror(to) ? wg_fail(&p->error, WG_EIO, "plan_report", "writing failed") : WG_OK;
}
