/*
 * move.c: copying along strides. Elements are moved as words of 1, 4 or 8 bytes, whatever their type.
 * The tuples may be visited in any order, so axes are first put into the order in which the result lies
 * in memory, then neighbours that lie evenly in both tensors become one axis: most moves end as a few
 * long runs.
 */
#include <math.h>
#include <stdlib.h>

#include "move.h"

/* Elements below which a second thread costs more than it saves. */
enum { GRAIN = 32768, TILE = 32 };

/* Words may stand for elements of any type. */
typedef uint8_t word1 __attribute__((may_alias));
typedef uint32_t word4 __attribute__((may_alias));
typedef uint64_t word8 __attribute__((may_alias));

void wg__steps(const wg_shape *s, int64_t step[WG_MAX_RANK])
{
    for (int i = 0; i < s->rank; i++) step[i] = wg__extents(s, i + 1, s->rank);
}

/* ---- the last two axes: rows x n elements ---- */

struct plane {
    int64_t rows, n, from_row, from, to_row, to;
};

/* The result runs along the last axis, the operand along the other: a transposition. Tiles keep the
 * lines of both in the first-level cache. */
#define TRANSPOSE(NAME, WORD)                                                                      \
    static void NAME(const struct plane *p, const WORD *from, WORD *to)                            \
    {                                                                                              \
        for (int64_t r0 = 0; r0 < p->rows; r0 += TILE)                                             \
            for (int64_t i0 = 0; i0 < p->n; i0 += TILE) {                                          \
                int64_t r1 = r0 + TILE < p->rows ? r0 + TILE : p->rows;                            \
                int64_t i1 = i0 + TILE < p->n ? i0 + TILE : p->n;                                  \
                                                                                                   \
                for (int64_t r = r0; r < r1; r++)                                                  \
                    for (int64_t i = i0; i < i1; i++)                                              \
                        to[r * p->to_row + i] = from[r + i * p->from];                             \
            }                                                                                      \
    }
TRANSPOSE(transpose1, word1)
TRANSPOSE(transpose4, word4)
TRANSPOSE(transpose8, word8)
#undef TRANSPOSE

#define PLANE(NAME, WORD, OTHER)                                                                   \
    static void NAME(const struct plane *p, const void *from_, void *to_)                          \
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
PLANE(plane1, word1, transpose1)
PLANE(plane4, word4, transpose4)
PLANE(plane8, word8, transpose8)
#undef PLANE

/* ---- all axes ---- */

struct job {
    wg__moves m;
    size_t size;
    const unsigned char *from;
    unsigned char *to;
};

/* Axes of extent 1 go; the rest are sorted so that `to` falls; neighbours are merged where both sides
 * go on evenly. Of rank 2 at least afterwards. Returns false when there is nothing to move. */
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
    struct plane p = {
        0, m->n[row + 1], m->from[row], m->from[row + 1], m->to[row], m->to[row + 1]
    };

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
        if (j->size == 4) plane4(&p, from, to);
        else if (j->size == 8) plane8(&p, from, to);
        else plane1(&p, from, to);
        lo += p.rows;
        index[row] += p.rows;
        for (int i = row; i > 0 && index[i] == m->n[i]; i--) {
            index[i] = 0;
            index[i - 1]++;
        }
    }
}

void wg__move(const wg__moves *moves, size_t size, const void *from, void *to, int threads)
{
    struct job j = { .size = size, .from = from, .to = to };
    wg__moves *m = &j.m;
    int64_t rows = 1;

    if (!simplify(moves, m)) return;
    if (m->rank < 2) {
        /* one run: as GRAIN elements a row, and what is left */
        int64_t n = m->rank == 1 ? m->n[0] : 1, f = m->rank == 1 ? m->from[0] : 1,
                t = m->rank == 1 ? m->to[0] : 1;
        int64_t width = n > 2 * GRAIN ? GRAIN : n;
        struct job tail = { .size = size, .m = { 2, { 1, n % width }, { 0, f }, { 0, t } } };

        *m = (wg__moves){ 2, { n / width, width }, { width * f, f }, { width * t, t } };
        tail.from = j.from + (n - n % width) * f * (int64_t)size;
        tail.to = j.to + (n - n % width) * t * (int64_t)size;
        if (n % width) move_rows(&tail, 0, 1);
    } else {
        pair_up(m);
    }
    for (int i = 0; i < m->rank - 1; i++) rows *= m->n[i];
    wg_parallel(threads, rows, GRAIN / m->n[m->rank - 1] + 1, move_rows, &j);
}

void wg__copy(void *to, const void *from, int64_t bytes, int threads)
{
    wg__move(&(wg__moves){ 1, { bytes }, { 1 }, { 1 } }, 1, from, to, threads);
}

/* ---- one value everywhere ---- */

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
