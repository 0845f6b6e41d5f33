/*
 * plan_columns.c: sums of rows as members of a step: the gradients of what is added to every row or
 * times every row, the moments of a batch. Alone such an entry reads from memory what an
 * element-wise step has just written there, often for it alone.
 *
 * The order of the additions is that of the kernel (reduce_vec.h): 512 rows are a unit; row i of a
 * unit is added to one of 16 rows of sums, i % 16, which begin as +0; these are joined by halves,
 * and the sums of all units by a tree. So slices of the step begin at units. A unit's 16 rows lie
 * one behind the other, as those of the operand do, and a block goes not beyond the last: to add a
 * block to them takes one call of the row kernel of add.
 */
#include <string.h>

#include "plan.h"

enum {
    LEAST = 32, /* a row is at least so small a part of a block */
    EVEN = 8    /* a slice may be so small a part longer than if the rows were shared evenly */
};

wg_row_fn *wg__add_rows(const wg_build *b, int32_t e)
{
    return wg__row_kernel(wg__more(wg__op_at(b, e))->adds, b->type[e]->dtype, b->p->level);
}

/* Units are not so few that threads would have less to do. */
static bool shared_evenly(const wg_plan *p, int64_t count, int64_t row)
{
    int64_t unit = WG_UNIT_ROWS * row, units = (count - 1) / unit + 1;
    int64_t slices = count / (p->options.grain / 4 + 1), longest;

    if (slices > p->options.threads) slices = p->options.threads;
    if (slices < 2) return true;
    longest = ((units - 1) / slices + 1) * unit;
    return longest - longest / EVEN <= count / slices;
}

int64_t wg__own_columns(wg_build *b, int32_t e)
{
    const wg_plan *p = b->p;
    const wg_op *op = wg__op_at(b, e);
    const wg_op_more *more = wg__more(op);
    int n = wg__n_in(p, e);
    int64_t row, count;

    if (!(p->passes & WG_PASS_COLUMNS) || !more->columns || n < 1 ||
        (b->type[e]->dtype != WG_F32 && b->type[e]->dtype != WG_F64) || b->inside[e])
        return 0;
    for (int k = 0; k < n; k++) b->tx[k] = b->type[b->in[p->first[e] + k]];
    row = more->columns(&(wg_sig){ op, b->attr[e], n, b->tx, b->error }, b->type[e]);
    count = wg__elements(b->tx[0]);
    if (row < 2 || row * LEAST < p->options.block || row > WG_LINE_BLOCKS * p->options.block ||
        row * WG_ROW_LANES * (int64_t)wg_dtype_size(b->type[e]->dtype) > WG_COLUMN_BYTES)
        return 0;
    return count > row && shared_evenly(p, count, row) ? row : 0;
}

bool wg__sums_rows(const wg_build *b, int32_t e)
{
    return b->column[e] && b->shape[b->step[e]].line > 0;
}

/* ---- in a run ---- */

static void add(const wg_column *c, int64_t n, void *to, const void *from)
{
    static const int step[] = { 1, 1 };

    c->add(NULL, n, (const void *const[]){ to, from }, step, to);
}

static void clear(const wg_blocks *k, const wg_column *c, char *memory)
{
    memset(memory + c->lanes, 0, (size_t)(WG_ROW_LANES * k->line * c->size));
}

void wg__columns_begin(const wg_blocks *k, char *memory)
{
    for (int32_t i = 0; i < k->n_columns; i++) clear(k, &k->column[i], memory);
}

void wg__columns_move(const wg_blocks *k, char *memory, const void **x, int64_t lo)
{
    int64_t at = lo % (WG_ROW_LANES * k->line);

    for (int32_t i = 0; i < k->n_columns; i++) {
        const wg_column *c = &k->column[i];

        x[c->lane[0]] = x[c->lane[1]] = memory + c->lanes + at * c->size;
    }
}

/* The row of the sums of unit `unit`; that of a single one is the result. */
static char *unit_row(const wg_blocks *k, const wg_column *c, int64_t unit)
{
    if (k->count <= k->unit) return (char *)(uintptr_t)k->ref[c->sum].base;
    return k->memory + c->partial + unit * k->line * c->size;
}

void wg__columns_flush(const wg_blocks *k, char *memory, int64_t hi)
{
    if (hi % k->unit && hi < k->count) return;
    for (int32_t i = 0; i < k->n_columns; i++) {
        const wg_column *c = &k->column[i];
        char *lanes = memory + c->lanes;
        int64_t row = k->line * c->size;

        for (int64_t half = WG_ROW_LANES / 2; half > 0; half /= 2)
            add(c, half * k->line, lanes, lanes + half * row);
        memcpy(unit_row(k, c, (hi - 1) / k->unit), lanes, (size_t)row);
        clear(k, c, memory);
    }
}

void wg__columns_end(const wg_blocks *k)
{
    int64_t units = (k->count - 1) / k->unit + 1;

    if (units < 2) return;
    for (int32_t i = 0; i < k->n_columns; i++) {
        const wg_column *c = &k->column[i];

        for (int64_t half = 1; half < units; half *= 2)
            for (int64_t u = 0; u + half < units; u += 2 * half)
                add(c, k->line, unit_row(k, c, u), unit_row(k, c, u + half));
        memcpy((void *)(uintptr_t)k->ref[c->sum].base, unit_row(k, c, 0),
               (size_t)(k->line * c->size));
    }
}
