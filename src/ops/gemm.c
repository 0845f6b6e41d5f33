/*
 * gemm.c: products of matrices.
 *
 * A panel of the right side (in first-level cache) meets all rows of a block of the left side (in
 * second-level cache), tile by tile of the result (tiles.c).
 */
#include <stddef.h>
#include <string.h>

#include "gemm.h"
#include "wengert/op.h"

enum {
    ROWS = 192,    /* rows of a block of the left side */
    COLUMNS = 512, /* columns of a block of the right side */
    SLACK = 16     /* keeps copied rows off each other's cache sets */
};

/* How the result is shared: down x across parts, each a whole number of tiles. */
typedef struct {
    int down, across;
    int64_t rows, columns; /* of a part */
} split;

/* Depends on no more than it must: bits are the same for every split. */
static split split_of(const wg__product *p, size_t size, int threads)
{
    int64_t tile_rows = 12, tile_columns = 2 * WG_GEMM_LINE / (int64_t)size;
    int64_t high, wide, lowest = INT64_MAX;
    split best = { 1, 1, p->m, p->n };

    if (threads < 2 || 2.0 * (double)p->m * (double)p->n * (double)p->k < WG_GEMM_GRAIN)
        return best;
    high = (p->m + tile_rows - 1) / tile_rows;
    wide = (p->n + tile_columns - 1) / tile_columns;
    for (int across = 1; across <= threads && across <= wide; across++) {
        int down = threads / across < high ? threads / across : (int)high;
        int64_t r = (high + down - 1) / down, c = (wide + across - 1) / across;
        /* each part packs its columns: worth half a tile row, two when it must transpose */
        int64_t cost = 2 * r * c + (p->tb ? 4 : 1) * c;

        if (cost >= lowest) continue;
        lowest = cost;
        best = (split){ down, across, r * tile_rows, c * tile_columns };
    }
    return best;
}

/* Elements of one part's scratch: the packed right side, then the copied left side. */
static int64_t packed_count(const wg__product *p, const split *s, size_t size)
{
    return wg__gemm_block(p->k) * wg__packed_columns(wg__least(s->columns, COLUMNS), size);
}

static int64_t copied_count(const wg__product *p, const split *s)
{
    int64_t rows = wg__least(s->rows, ROWS);

    return (wg__gemm_block(p->k) + SLACK) * (rows + SLACK);
}

static size_t part_bytes(const wg__product *p, const split *s, size_t size)
{
    return wg__lines((size_t)packed_count(p, s, size) * size) +
           wg__lines((size_t)copied_count(p, s) * size);
}

size_t wg__gemm_scratch(const wg__product *p, size_t size, int threads)
{
    bool turned;
    wg__product u = wg__upright(p, &turned);
    split s = split_of(&u, size, threads);

    if (p->m == 0 || p->n == 0 || p->k == 0) return 0;
    return (size_t)s.down * (size_t)s.across * part_bytes(&u, &s, size);
}

#define REAL  float
#define KIT   wg__gemm_kit_f32
#define OF(x) x##_f32
#include "gemm_real.h"
#undef REAL
#undef KIT
#undef OF

#define REAL  double
#define KIT   wg__gemm_kit_f64
#define OF(x) x##_f64
#include "gemm_real.h"
#undef REAL
#undef KIT
#undef OF
