/*
 * plan_lines.c: entries that go line by line inside steps of row kernels. A step of such has a line
 * length: its blocks are whole lines of it. Beside the wide members, whose results have as many
 * elements as the step, there are narrow ones with one element a line: reductions of a line, and
 * what is computed from those. A wide member reads a narrow value as one element repeated.
 */
#include <string.h>

#include "plan.h"

bool wg__narrow(const wg_build *b, int32_t e)
{
    const wg_step_shape *shape = &b->shape[b->step[e]];

    return shape->line > 0 && wg__elements(b->type[e]) != shape->count && !b->column[e];
}

/* An operand with one element for each of several lines of the result. */
bool wg__one_a_line(const wg_type *from, const wg_type *to)
{
    int64_t n = wg__elements(from);
    wg_spread how;

    if (n < 2 || n >= wg__elements(to)) return false;
    wg__spread_make(from, to, &how);
    return how.rank == 2 && how.dim[0] == n && how.stride[1] == 0;
}

static int64_t own_line(wg_build *b, int32_t e)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);
    const wg_op_more *more = wg__more(op);
    int n = wg__n_in(p, e);
    int64_t line, count;

    if (!more->line || n < 1 || !wg__line_kernel(op, wg__kernel_dtype(b, e), p->level)) return 0;
    for (int k = 0; k < n; k++) b->tx[k] = b->type[b->in[p->first[e] + k]];
    line = more->line(&(wg_sig){ op, b->attr[e], n, b->tx, b->error }, b->type[e]);
    count = wg__elements(b->tx[0]);
    return line > 1 && line <= WG_LINE_BLOCKS * p->options.block && count > line ? line : 0;
}

/* A result of one element a line, made by an entry of the line length line[e]. */
static bool is_narrow(const wg_build *b, const int64_t *line, int32_t e)
{
    if (line[e] == 0 || b->column[e]) return false;
    if (b->mark[e] & WG_ROW) return true;
    return wg__elements(b->type[e]) < wg__elements(b->type[b->in[b->p->first[e]]]);
}

void wg__find_lines(wg_build *b, int64_t *line)
{
    const wg_plan *p = b->p;

    for (int32_t e = 0; e < p->n; e++) {
        line[e] = 0;
        b->column[e] = 0;
        if (!wg__computed(b, e)) continue;
        if (!(b->mark[e] & WG_ROW)) {
            if (p->passes & WG_PASS_LINES) line[e] = own_line(b, e);
            if (line[e] > 0) continue;
            line[e] = wg__own_columns(b, e);
            b->column[e] = line[e] > 0;
            continue;
        }
        for (int32_t k = p->first[e]; k < p->first[e + 1] && line[e] == 0; k++) {
            int32_t owner = b->owner[b->in[k]];

            if (!wg__lends_type(wg__op_at(b, e), k - p->first[e]) && is_narrow(b, line, owner) &&
                wg__elements(b->type[owner]) == wg__elements(b->type[e]))
                line[e] = line[owner];
        }
    }
}

/* A narrow member has operands of as many elements as itself, or of one. */
static bool reads_narrow(const wg_build *b, int32_t e, int64_t n)
{
    const wg_plan *p = b->p;

    for (int32_t k = p->first[e]; k < p->first[e + 1]; k++) {
        int64_t have = wg__elements(b->type[b->in[k]]);

        if (!wg__lends_type(wg__op_at(b, e), k - p->first[e]) && have != n && have != 1)
            return false;
    }
    return true;
}

int64_t wg__line_joined(const wg_build *b, int32_t e, int64_t own, int64_t count, int64_t line)
{
    int64_t n = wg__elements(b->type[e]);

    if (!(b->mark[e] & WG_ROW)) {
        if (own == 0 || wg__elements(b->type[b->in[b->p->first[e]]]) != count) return -1;
        return line == 0 || line == own ? own : -1;
    }
    if (n == count) return line;
    if (own == 0 || count <= 0 || n * own != count || (line > 0 && line != own)) return -1;
    return reads_narrow(b, e, n) ? own : -1;
}

/* ---- kernels of steps that go by lines ---- */

void wg__run_line(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    const wg_line *l = attr;

    (void)step;
    l->fn(l->attr, n / l->n, l->n, x[0], y);
}

#define REPEAT(T)                                                                                  \
    do {                                                                                           \
        const T *from = x[0];                                                                      \
        T *to = y;                                                                                 \
        for (; n > 0; n -= l->n, from++)                                                           \
            for (int64_t i = 0; i < l->n; i++) *to++ = *from;                                      \
    } while (0)

void wg__repeat_narrow(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    const wg_line *l = attr;

    (void)step;
    if (l->size == 4) REPEAT(uint32_t);
    else if (l->size == 8) REPEAT(uint64_t);
    else REPEAT(uint8_t);
}
#undef REPEAT
