/*
 * move.c: copying along strides. Elements are moved as words of 1, 4 or 8 bytes, whatever their
 * type. The tuples may be visited in any order, so axes are first put into the order in which the
 * result lies in memory, then neighbours that lie evenly in both tensors become one axis: most
 * moves end as a few long runs.
 */
#include <math.h>
#include <stdlib.h>

#include "each_real.h"
#include "move.h"

/* Elements below which a second thread costs more than it saves. */
enum { GRAIN = 32768, TILE = 16 };

void wg__steps(const wg_shape *s, int64_t step[WG_MAX_RANK])
{
    for (int i = 0; i < s->rank; i++) step[i] = wg__extents(s, i + 1, s->rank);
}

/* ---- the last two axes: rows x n elements ---- */

#define TURN_WORDS(tile, y, ld)                                                                    \
    for (int r = 0; r < TILE; r++)                                                                 \
        for (int i = 0; i < TILE; i++) (y)[r * (ld) + i] = (tile)[i][r]

/* The same by vectors of four, in registers: two rounds of dealing pairs of lines by turns. */
static void turn4(wg__word4 tile[TILE][TILE], wg__word4 *y, int64_t ld)
{
    typedef uint32_t four __attribute__((vector_size(16)));

    for (int r = 0; r < TILE; r += 4)
        for (int i = 0; i < TILE; i += 4) {
            four x[4], t[4];

            WG_UNROLL
            for (int k = 0; k < 4; k++) memcpy(&x[k], &tile[i + k][r], sizeof x[k]);
            t[0] = __builtin_shufflevector(x[0], x[2], 0, 4, 1, 5);
            t[1] = __builtin_shufflevector(x[0], x[2], 2, 6, 3, 7);
            t[2] = __builtin_shufflevector(x[1], x[3], 0, 4, 1, 5);
            t[3] = __builtin_shufflevector(x[1], x[3], 2, 6, 3, 7);
            x[0] = __builtin_shufflevector(t[0], t[2], 0, 4, 1, 5);
            x[1] = __builtin_shufflevector(t[0], t[2], 2, 6, 3, 7);
            x[2] = __builtin_shufflevector(t[1], t[3], 0, 4, 1, 5);
            x[3] = __builtin_shufflevector(t[1], t[3], 2, 6, 3, 7);
            WG_UNROLL
            for (int k = 0; k < 4; k++) memcpy(y + (r + k) * ld + i, &x[k], sizeof x[k]);
        }
}

/* The result runs along the last axis, the operand along the other: a transposition. Each tile goes
 * through a small buffer, so that a line of memory is touched once: lines that lie a power of two
 * apart fall on one another in the cache, and would not stay for a second touch. The line behind
 * each is asked for: its turn comes when all lines of the operand have been gone through. Words of
 * f32 are what time is spent on: the others are compiled for size. */
#define TRANSPOSE(HOW, NAME, WORD, TURN)                                                           \
    HOW static void NAME(const wg__plane *p, const WORD *from, WORD *to)                           \
    {                                                                                              \
        for (int64_t r0 = 0; r0 < p->rows; r0 += TILE)                                             \
            for (int64_t i0 = 0; i0 < p->n; i0 += TILE) {                                          \
                int64_t rows = p->rows - r0, n = p->n - i0;                                        \
                const WORD *x = from + r0 + i0 * p->from;                                          \
                WORD *y = to + r0 * p->to_row + i0, tile[TILE][TILE];                              \
                                                                                                   \
                if (rows >= TILE && n >= TILE) {                                                   \
                    for (int i = 0; i < TILE; i++) {                                               \
                        memcpy(tile[i], x + i * p->from, sizeof *tile);                            \
                        __builtin_prefetch(x + i * p->from + TILE);                                \
                    }                                                                              \
                    TURN(tile, y, p->to_row);                                                      \
                    continue;                                                                      \
                }                                                                                  \
                for (int64_t r = 0; r < TILE && r < rows; r++)                                     \
                    for (int64_t i = 0; i < TILE && i < n; i++)                                    \
                        y[r * p->to_row + i] = x[r + i * p->from];                                 \
            }                                                                                      \
    }
TRANSPOSE(WG_SMALL, transpose1, wg__word1, TURN_WORDS)
TRANSPOSE(, transpose4, wg__word4, turn4)
TRANSPOSE(WG_SMALL, transpose8, wg__word8, TURN_WORDS)
#undef TRANSPOSE
#undef TURN_WORDS

#define PLANE(HOW, NAME, WORD, OTHER)                                                              \
    HOW static void NAME(const wg__plane *p, const void *from_, void *to_)                         \
    {                                                                                              \
        const WORD *from = from_;                                                                  \
        WORD *to = to_;                                                                            \
                                                                                                   \
        if (p->to == 1 && p->from_row == 1 && p->from != 1 && p->from != 0 && p->rows > 1) {       \
            OTHER(p, from, to);                                                                    \
            return;                                                                                \
        }                                                                                          \
        for (int64_t r = 0; r < p->rows; r++, from += p->from_row, to += p->to_row) {              \
            if (p->from == 1 && p->to == 1) {                                                      \
                if (p->n >= 16) memcpy(to, from, (size_t)p->n * sizeof *to);                       \
                else                                                                               \
                    for (int64_t i = 0; i < p->n; i++) to[i] = from[i];                            \
            } else if (p->from == 0 && p->to == 1) {                                               \
                WORD value = *from;                                                                \
                                                                                                   \
                for (int64_t i = 0; i < p->n; i++) to[i] = value;                                  \
            } else if (p->to == 1) {                                                               \
                for (int64_t i = 0; i < p->n; i++) to[i] = from[i * p->from];                      \
            } else {                                                                               \
                for (int64_t i = 0; i < p->n; i++) to[i * p->to] = from[i * p->from];              \
            }                                                                                      \
        }                                                                                          \
    }
PLANE(WG_SMALL, plane1, wg__word1, transpose1)
PLANE(, plane4, wg__word4, transpose4)
PLANE(WG_SMALL, plane8, wg__word8, transpose8)
#undef PLANE

/* ---- all axes ---- */

struct job {
    wg__moves m;
    wg__plane_fn *f;
    size_t size;
    const unsigned char *from;
    unsigned char *to;
};

/* Axes of extent 1 go; the rest are sorted so that `to` falls; neighbours are merged where both
 * sides go on evenly. Of rank 2 at least afterwards. Returns false when there is nothing to
 * move. */
static bool simplify(const wg__moves *in, wg__moves *m)
{
    m->rank = 0;
    for (int i = 0; i < in->rank; i++) {
        int at;

        if (in->n[i] == 0) return false;
        if (in->n[i] == 1) continue;
        for (at = m->rank; at > 0 && llabs(m->to[at - 1]) < llabs(in->to[i]); at--) {
            m->n[at] = m->n[at - 1];
            m->from[at] = m->from[at - 1];
            m->to[at] = m->to[at - 1];
        }
        m->n[at] = in->n[i];
        m->from[at] = in->from[i];
        m->to[at] = in->to[i];
        m->rank++;
    }
    for (int i = m->rank - 1; i > 0; i--) {
        if (m->from[i - 1] != m->n[i] * m->from[i] || m->to[i - 1] != m->n[i] * m->to[i]) continue;
        m->n[i - 1] *= m->n[i];
        m->from[i - 1] = m->from[i];
        m->to[i - 1] = m->to[i];
        m->rank--;
        for (int k = i; k < m->rank; k++) {
            m->n[k] = m->n[k + 1];
            m->from[k] = m->from[k + 1];
            m->to[k] = m->to[k + 1];
        }
    }
    return true;
}

/* Puts the axis along which the operand runs beside the last, where the plane loops can tile it. */
static void pair_up(wg__moves *m)
{
    int last = m->rank - 1, at = last - 1;
    wg__moves old = *m;

    if (m->from[last] == 1 || m->from[last] == 0) return;
    while (at >= 0 && m->from[at] != 1) at--;
    if (at < 0) return;
    for (int i = at; i < last - 1; i++) {
        m->n[i] = old.n[i + 1];
        m->from[i] = old.from[i + 1];
        m->to[i] = old.to[i + 1];
    }
    m->n[last - 1] = old.n[at];
    m->from[last - 1] = old.from[at];
    m->to[last - 1] = old.to[at];
}

/* Rows lo..hi-1, counted over all axes but the last. */
static void move_rows(void *arg, int64_t lo, int64_t hi)
{
    const struct job *j = arg;
    const wg__moves *m = &j->m;
    int row = m->rank - 2;
    int64_t index[WG_MAX_RANK], rest = lo;
    wg__plane p = { 0, m->n[row + 1], m->from[row], m->from[row + 1], m->to[row], m->to[row + 1] };

    for (int i = row; i >= 0; i--) {
        index[i] = rest % m->n[i];
        rest /= m->n[i];
    }
    while (lo < hi) {
        const unsigned char *from = j->from;
        unsigned char *to = j->to;

        for (int i = 0; i <= row; i++) {
            from += index[i] * m->from[i] * (int64_t)j->size;
            to += index[i] * m->to[i] * (int64_t)j->size;
        }
        p.rows = m->n[row] - index[row];
        if (p.rows > hi - lo) p.rows = hi - lo;
        j->f(&p, from, to);
        lo += p.rows;
        index[row] += p.rows;
        for (int i = row; i > 0 && index[i] == m->n[i]; i--) {
            index[i] = 0;
            index[i - 1]++;
        }
    }
}

/* One run, as rows of GRAIN elements and what is left, so that threads can share it. */
static void move_run(struct job *j, int threads)
{
    wg__moves *m = &j->m;
    int64_t n = m->rank ? m->n[0] : 1, from = m->rank ? m->from[0] : 1, to = m->rank ? m->to[0] : 1;
    int64_t width = n > 2 * GRAIN ? GRAIN : n, rows = n / width, left = n % width;
    struct job tail = { .m = { 2, { 1, left }, { 0, from }, { 0, to } },
                        .f = j->f,
                        .size = j->size };

    *m = (wg__moves){ 2, { rows, width }, { width * from, from }, { width * to, to } };
    tail.from = j->from + (n - left) * from * (int64_t)j->size;
    tail.to = j->to + (n - left) * to * (int64_t)j->size;
    wg_parallel(threads, rows, 1, move_rows, j);
    if (left) move_rows(&tail, 0, 1);
}

static void move_job(struct job *j, const wg__moves *moves, int threads)
{
    int64_t rows = 1;

    if (!simplify(moves, &j->m)) return;
    if (j->m.rank < 2) {
        move_run(j, threads);
        return;
    }
    pair_up(&j->m);
    for (int i = 0; i < j->m.rank - 1; i++) rows *= j->m.n[i];
    wg_parallel(threads, rows, GRAIN / j->m.n[j->m.rank - 1] + 1, move_rows, j);
}

void wg__move(const wg__moves *m, size_t size, const void *from, void *to, int threads)
{
    move_job(&(struct job){ .f = size == 4   ? plane4
                                 : size == 8 ? plane8
                                             : plane1,
                            .size = size,
                            .from = from,
                            .to = to },
             m, threads);
}

void wg__move_by(const wg__moves *m, size_t size, wg__plane_fn *f, const void *from, void *to)
{
    move_job(&(struct job){ .f = f, .size = size, .from = from, .to = to }, m, 1);
}

int64_t wg__part_moves(const wg__box *part, const wg_type *of, wg__moves *m)
{
    wg_shape shape = { of->shape.rank, { 0 } };
    int64_t first = 0;

    m->rank = shape.rank;
    for (int i = 0; i < shape.rank; i++) {
        if (part->n[i] == 0) return -1;
        m->n[i] = shape.dim[i] = part->n[i];
    }
    wg__steps(&shape, m->from);
    wg__steps(&of->shape, m->to);
    for (int i = 0; i < shape.rank; i++) {
        first += part->first[i] * m->to[i];
        m->to[i] *= part->step[i];
    }
    return first;
}

void wg__move_in(const wg__box *part, const wg_type *of, const void *from, void *to, int threads)
{
    size_t size = wg_dtype_size(of->dtype);
    wg__moves m;
    int64_t first = wg__part_moves(part, of, &m);

    if (first >= 0) wg__move(&m, size, from, (unsigned char *)to + first * (int64_t)size, threads);
}

void wg__move_out(const wg__box *part, const wg_type *of, const void *from, void *to, int threads)
{
    size_t size = wg_dtype_size(of->dtype);
    wg__moves m, back;
    int64_t first = wg__part_moves(part, of, &m);

    if (first < 0) return;
    back = m;
    memcpy(back.from, m.to, sizeof m.to);
    memcpy(back.to, m.from, sizeof m.from);
    wg__move(&back, size, (const unsigned char *)from + first * (int64_t)size, to, threads);
}

void wg__copy(void *to, const void *from, int64_t bytes, int threads)
{
    wg__move(&(wg__moves){ 1, { bytes }, { 1 }, { 1 } }, 1, from, to, threads);
}

/* ---- one value everywhere ---- */

WG_SMALL_BEGIN

bool wg__value_fits(wg_dtype dtype, double value)
{
    if (dtype == WG_BOOL) return value == 0 || value == 1;
    if (dtype == WG_I64) return value == trunc(value) && value >= -0x1p63 && value < 0x1p63;
    return true;
}

void wg__fill(void *y, wg_dtype dtype, int64_t n, double value, int threads)
{
    union {
        float f32;
        double f64;
        int64_t i64;
        unsigned char b;
    } one;

    switch (dtype) {
    case WG_F32:
        one.f32 = (float)value;
        break;
    case WG_F64:
        one.f64 = value;
        break;
    case WG_I64:
        one.i64 = (int64_t)value;
        break;
    default:
        one.b = value != 0;
    }
    wg__move(&(wg__moves){ 1, { n }, { 0 }, { 1 } }, wg_dtype_size(dtype), &one, y, threads);
}

WG_SMALL_END
