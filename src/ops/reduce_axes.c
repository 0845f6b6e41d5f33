/* reduce_axes.c: axes as runs and lines; the shape rule of reductions; sharing work among threads.
 */
#include "each_real.h"
#include "reduce.h"

const wg_field wg__reduce_fields[] = {
    WG_FIELD(struct reduce_attr, axes),
    WG_FIELD(struct reduce_attr, keepdims),
    WG_FIELDS_END,
};

WG_SMALL_BEGIN

bool wg__reduce_type(const wg_sig *s, const wg_type *x, const wg_axes *axes, bool keepdims,
                     wg_type *out, bool *empty)
{
    unsigned set;
    int rank = 0;

    if (!wg_sig_axes(s, axes, x->shape.rank, &set)) return false;
    memset(out, 0, sizeof *out);
    out->dtype = x->dtype;
    *empty = false;
    for (int i = 0; i < x->shape.rank; i++) {
        bool reduced = set >> i & 1;

        if (reduced && x->shape.dim[i] == 0) *empty = true;
        if (!reduced || keepdims) out->shape.dim[rank++] = reduced ? 1 : x->shape.dim[i];
    }
    out->shape.rank = rank;
    return true;
}

bool wg__sig_number(const wg_sig *s)
{
    if (s->in[0]->dtype != WG_BOOL) return true;
    return wg_sig_fail(s, WG_EDTYPE,
                       "operand 0 is %s, wanted f32, f64 or i64: convert it with wg_cast",
                       WG_TYPE_STR(s->in[0]));
}

/* ---- runs ---- */

WG_SMALL_END

/* Beside an extent of 0 a product may overflow; nothing is read then, and it counts as 0. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t n;

    return __builtin_mul_overflow(a, b, &n) ? 0 : n;
}

void wg__runs(const wg_shape *shape, unsigned set, wg_runs *runs)
{
    runs->n = 0;
    for (int i = 0; i < shape->rank; i++) {
        bool reduced = set >> i & 1;

        if (shape->dim[i] == 1) continue;
        if (runs->n > 0 && runs->reduced[runs->n - 1] == reduced) {
            runs->extent[runs->n - 1] = times(runs->extent[runs->n - 1], shape->dim[i]);
            continue;
        }
        runs->extent[runs->n] = shape->dim[i];
        runs->reduced[runs->n++] = reduced;
    }
}

int64_t wg__runs_line(const wg_runs *runs)
{
    return runs->n == 2 && runs->reduced[1] ? runs->extent[1] : 0;
}

int64_t wg__runs_columns(const wg_runs *runs)
{
    return runs->n == 2 && runs->reduced[0] ? runs->extent[1] : 0;
}

static int64_t product(const int64_t *extent, int from, int to)
{
    int64_t n = 1;

    for (int i = from; i < to; i++) n = times(n, extent[i]);
    return n;
}

/* The last reduced run; -1 when none is left. */
static int last_reduced(const wg_runs *runs)
{
    int i = runs->n - 1;

    while (i >= 0 && !runs->reduced[i]) i--;
    return i;
}

static void drop_run(wg_runs *runs, int i)
{
    runs->n--;
    memmove(&runs->extent[i], &runs->extent[i + 1], (size_t)(runs->n - i) * sizeof runs->extent[0]);
    memmove(&runs->reduced[i], &runs->reduced[i + 1],
            (size_t)(runs->n - i) * sizeof runs->reduced[0]);
}

/* Room for the partial results of one step, one for each block. */
static size_t partial_bytes(int64_t outer, int64_t n, int64_t inner, size_t size)
{
    int64_t blocks = n / WG_REDUCE_BLOCK + (n % WG_REDUCE_BLOCK > 0);

    if (outer == 0 || inner == 0) return 0; /* beside an extent of 0 others may be any */
    return blocks > 1 ? wg__round64((size_t)(outer * blocks * inner) * size) : 0;
}

/* Scratch: the results of even steps, those of odd steps, partial results. */
struct pass_sizes {
    size_t step[2], partial;
};

static struct pass_sizes pass_sizes(const wg_runs *runs, size_t size)
{
    struct pass_sizes need = { { 0, 0 }, 0 };
    wg_runs left = *runs;

    for (int step = 0, i; (i = last_reduced(&left)) >= 0; step++) {
        int64_t outer = product(left.extent, 0, i), inner = product(left.extent, i + 1, left.n);
        size_t partial = partial_bytes(outer, left.extent[i], inner, size);

        if (partial > need.partial) need.partial = partial;
        drop_run(&left, i);
        if (step < 2 && last_reduced(&left) >= 0)
            need.step[step] = wg__round64((size_t)(outer * inner) * size);
    }
    return need;
}

size_t wg__reduce_runs_scratch(const wg_runs *runs, size_t size)
{
    struct pass_sizes need = pass_sizes(runs, size);

    return need.step[0] + need.step[1] + need.partial;
}

void wg__reduce_runs(const wg_call *c, const wg_runs *runs, size_t size, wg_join_fn *join)
{
    struct pass_sizes need = pass_sizes(runs, size);
    char *step_at[2] = { c->scratch, (char *)c->scratch + need.step[0] },
         *partial = step_at[1] + need.step[1];
    const void *x = c->x[0];
    wg_runs left = *runs;
    int i = last_reduced(&left);

    if (i < 0) {
        int64_t bytes = product(left.extent, 0, left.n) * (int64_t)size;

        if (bytes > 0) memcpy(c->y, x, (size_t)bytes);
        return;
    }
    for (int step = 0; i >= 0; step++) {
        int64_t n = left.extent[i], outer = product(left.extent, 0, i),
                inner = product(left.extent, i + 1, left.n);
        void *y;

        drop_run(&left, i);
        i = last_reduced(&left);
        y = i < 0 ? c->y : (void *)step_at[step & 1];
        join(c, outer, n, inner, x, y, partial);
        x = y;
    }
}

/* ---- lines ---- */

WG_SMALL_BEGIN

static bool lines_contiguous(const wg_runs *runs)
{
    int last = last_reduced(runs);

    return last < 0 || (last == runs->n - 1 && runs->n <= 2);
}

/* Without lines there is nothing to tabulate, however long they would be. */
static int64_t lines_count(const wg_runs *runs)
{
    int64_t n = 1;

    for (int i = 0; i < runs->n; i++) n = times(n, runs->reduced[i] ? 1 : runs->extent[i]);
    return n;
}

static int64_t lines_n(const wg_runs *runs)
{
    int64_t n = 1;

    for (int i = 0; i < runs->n; i++) n = times(n, runs->reduced[i] ? runs->extent[i] : 1);
    return n;
}

/* Where number `k` in the row-major order of the runs of one kind lies. */
static int64_t place(const wg_runs *runs, bool reduced, int64_t k)
{
    int64_t at = 0, stride = 1;

    for (int i = runs->n - 1; i >= 0; i--) {
        if (runs->reduced[i] == reduced) {
            at += k % runs->extent[i] * stride;
            k /= runs->extent[i];
        }
        stride *= runs->extent[i];
    }
    return at;
}

size_t wg__lines_scratch(const wg_shape *shape, unsigned set)
{
    wg_runs runs;

    wg__runs(shape, set, &runs);
    if (lines_count(&runs) == 0 || lines_contiguous(&runs)) return 0;
    return wg__round64((size_t)lines_n(&runs) * sizeof(int64_t));
}

void wg__lines(const wg_shape *shape, unsigned set, void *table, wg_lines *lines)
{
    int64_t *at = table;

    wg__runs(shape, set, &lines->runs);
    lines->n = lines_n(&lines->runs);
    lines->count = lines_count(&lines->runs);
    lines->at = NULL;
    if (lines->count == 0 || lines_contiguous(&lines->runs)) return;
    for (int64_t i = 0; i < lines->n; i++) at[i] = place(&lines->runs, true, i);
    lines->at = at;
}

WG_SMALL_END

int64_t wg__line_first(const wg_lines *lines, int64_t line)
{
    return lines->at ? place(&lines->runs, false, line) : line * lines->n;
}

/* ---- threads ---- */

void wg__shares(const wg_call *c, int64_t n, int64_t weight,
                void (*body)(void *arg, int worker, int64_t lo, int64_t hi), void *arg)
{
    wg_parallel_workers(c->threads, n, 1 + WG_REDUCE_GRAIN / (weight > 0 ? weight : 1), body, arg);
}
