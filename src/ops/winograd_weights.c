/*
 * winograd_weights.c: the adjoint of a 3x3 convolution in its weights, by the transpose of
 * F(4x4, 3x3) (winograd.h): 36 sums over all tiles of products of an element of the patch, of one
 * channel, with one of the tile, of another; from those the nine weights.
 *
 * The 36 matrices [in, out] are cut into blocks that stay in the second-level cache, block after
 * block, while the tiles pass by in groups; groups are dealt to slabs, each of which adds up
 * matrices of its own, group after group; then slabs are added in order. Blocks, groups and slabs
 * depend on extents alone.
 */
#include "winograd.h"

enum {
    GROUP = 48, /* tiles of a group: summands */
    ROWS = 64,  /* of a block */
    COLUMNS = 64,
    TASKS = 8 /* slabs of blocks, about */
};

typedef struct {
    wg__tiling g;
    int64_t groups, slabs;
    int64_t down, across; /* blocks */
    int64_t row, apart, tile_apart;
    int64_t wide, matrix; /* elements of a row of a block, whole vectors; of one of its 36 */
} layout;

static layout layout_of(const wg__conv *v)
{
    layout l = { .g = wg__tiling_of(v, false) };

    l.groups = (l.g.count + GROUP - 1) / GROUP;
    l.down = (v->in + ROWS - 1) / ROWS;
    l.across = (v->out + COLUMNS - 1) / COLUMNS;
    l.wide = wg__packed_columns(wg__least(v->out, COLUMNS), sizeof(float));
    l.matrix = wg__least(v->in, ROWS) * l.wide + WG_PATCH_SLACK;
    l.slabs = wg__least(TASKS / (l.down * l.across), l.groups);
    if (l.slabs < 1) l.slabs = 1;
    l.row = wg__packed_columns(wg__least(v->in, ROWS), sizeof(float));
    l.apart = GROUP * l.row + WG_PATCH_SLACK;
    l.tile_apart = GROUP * l.wide + WG_PATCH_SLACK;
    return l;
}

/* Scratch, in this order: slabs; zeros; for each thread patches, tiles. */
typedef struct {
    size_t slabs, zeros, patches, room;
} sizes;

static sizes sizes_of(const layout *l)
{
    int64_t channels = l->g.from > l->g.to ? l->g.from : l->g.to;
    sizes s = { wg__lines((size_t)(l->slabs * l->down * l->across * WG_PATCH * l->matrix) *
                          sizeof(float)),
                wg__lines((size_t)channels * sizeof(float)),
                wg__lines((size_t)(WG_PATCH * l->apart) * sizeof(float)), 0 };

    s.room = s.patches + wg__lines((size_t)(WG_PATCH * l->tile_apart) * sizeof(float));
    return s;
}

size_t wg__winograd_weights_scratch(const wg__conv *v, int threads)
{
    layout l = layout_of(v);
    sizes s = sizes_of(&l);

    return s.slabs + s.zeros + s.room * (size_t)wg__least(threads, l.slabs * l.down * l.across);
}

typedef struct {
    const wg__winograd_kit *kit;
    const layout *l;
    const float *x, *dy, *zeros;
    float *dw, *slabs;
    char *rooms;
    sizes s;
} job;

/* Tile i of `count`, its n channels from `first` on, into panels `count` high. */
static void pack_tile(const wg__winograd_kit *kit, const float *const *place, int64_t first,
                      int64_t n, int64_t ahead, int64_t i, int64_t count, float *to, int64_t apart)
{
    int64_t lanes = kit->lanes, panel = 2 * lanes, whole = n - n % lanes;
    wg__ends e;

    for (int64_t c = 0; c < n; c += panel) {
        int64_t here = wg__least(n - c, panel), full = wg__least(whole - c, panel);
        float *at = to + c * count + i * (here <= lanes ? lanes : panel);

        kit->spread(place, first + c, first + c + full, ahead, at, apart);
        if (full == here) continue;
        wg__ends_get(&e, WG_PLACES, place, first + c + full, here - full);
        kit->spread((const float *const *)e.at, 0, 1, 0, at + full, apart);
    }
}

/* Adds the tiles of a group to the block of rows row..row+rows-1, columns column..column+columns-1;
 * the first group sets it. */
static void add_group(const job *j, int64_t group, int64_t row, int64_t rows, int64_t column,
                      int64_t columns, bool add, float *sum, char *room)
{
    const layout *l = j->l;
    const wg__tiling *g = &l->g;
    int64_t first = group * GROUP, count = wg__least(GROUP, g->count - first), at[3];
    float *patches = (float *)room, *tiles = (float *)(room + j->s.patches);
    const float *place[WG_PATCH], *left[ROWS];
    float *to[ROWS];
    wg__run run = { 0, count };
    int64_t lanes = j->kit->lanes, whole = (columns + lanes - 1) / lanes * lanes;
    wg__sum s = { 1, &run, l->row, count, whole, 0, add, NULL, 0 };
    wg__soon x = wg__soon_of(g, j->x + row, g->extent, g->from, rows, first + count, GROUP);
    wg__soon y = wg__soon_of(g, j->dy + column, g->grid, g->to, columns, first + count, GROUP);

    for (int64_t i = 0; i < count; i++) {
        wg__tile_at(g, first + i, at);
        wg__patch_at(j->x + row, at[0], WG_TILE * at[1] - g->before[0],
                     WG_TILE * at[2] - g->before[1], WG_SIDE, g->extent, g->from, j->zeros, place);
        wg__winograd_patch(j->kit, place, rows, WG_TILE * g->from, patches + i * l->row, l->apart);
        wg__patch_at(j->dy, at[0], WG_TILE * at[1], WG_TILE * at[2], WG_TILE, g->grid, g->to,
                     j->zeros, place);
        pack_tile(j->kit, place, column, columns, WG_TILE * g->to, i, count, tiles, l->tile_apart);
    }
    for (int a = 0; a < WG_PATCH; a++) {
        for (int64_t i = 0; i < rows; i++) {
            left[i] = patches + a * l->apart + i;
            to[i] = sum + a * l->matrix + i * l->wide;
        }
        j->kit->tiles(&s, rows, left, tiles + a * l->tile_apart, to);
        wg__ask(&x);
        wg__ask(&y);
    }
}

static void add_groups(void *arg, int worker, int64_t lo, int64_t hi)
{
    const job *j = arg;
    const layout *l = j->l;
    int64_t blocks = l->down * l->across;

    for (int64_t t = lo; t < hi; t++) {
        int64_t slab = t / blocks, row = t % blocks / l->across * ROWS;
        int64_t column = t % l->across * COLUMNS;
        int64_t i = l->groups * slab / l->slabs, till = l->groups * (slab + 1) / l->slabs;

        for (bool add = false; i < till; i++, add = true)
            add_group(j, i, row, wg__least(ROWS, l->g.from - row), column,
                      wg__least(COLUMNS, l->g.to - column), add,
                      j->slabs + t * WG_PATCH * l->matrix, j->rooms + (size_t)worker * j->s.room);
    }
}

/* Rows lo..hi-1 of the nine. */
static void finish(void *arg, int64_t lo, int64_t hi)
{
    const job *j = arg;
    const layout *l = j->l;
    int64_t lanes = j->kit->lanes, blocks = l->down * l->across, out = l->g.to;
    int64_t apart = l->matrix * WG_PATCH * blocks; /* of slabs */
    wg__ends e;

    wg__ends_room(&e, 9);
    for (int64_t i = lo; i < hi; i++)
        for (int64_t c = 0; c < out; c += lanes) {
            int64_t block = i / ROWS * l->across + c / COLUMNS;
            const float *sum =
                j->slabs + block * WG_PATCH * l->matrix + i % ROWS * l->wide + c % COLUMNS;
            float *dw[9];

            for (int t = 0; t < 9; t++) dw[t] = j->dw + (t * l->g.from + i) * out + c;
            if (out - c >= lanes) {
                j->kit->finish(sum, l->slabs, apart, l->matrix, dw);
                continue;
            }
            j->kit->finish(sum, l->slabs, apart, l->matrix, e.at);
            wg__ends_put(&e, 9, dw, 0, out - c);
        }
}

void wg__winograd_weights(const wg__winograd_kit *kit, const wg__conv *v, const float *x,
                          const float *dy, float *dw, void *scratch, int threads)
{
    layout l = layout_of(v);
    sizes s = sizes_of(&l);
    char *at = scratch;
    float *zeros = (float *)(at + s.slabs);
    job j = { kit, &l, x, dy, zeros, dw, scratch, at + s.slabs + s.zeros, s };

    memset(zeros, 0, s.zeros);
    if (2.0 * WG_PATCH * (double)(v->in * v->out * l.g.count) < WG_GEMM_GRAIN) threads = 1;
    wg_parallel_workers(threads, l.slabs * l.down * l.across, 1, add_groups, &j);
    wg_parallel(threads, v->in, 1 + 1024 / v->out, finish, &j);
}
