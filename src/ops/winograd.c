/*
 * winograd.c: 3x3 convolutions by F(4x4, 3x3), and their adjoint in the image (winograd.h).
 *
 * The weights are transformed once, into 36 matrices packed as in gemm.h. Then tiles are made in
 * groups on their own: all patches of a group are transformed; for each panel of the weights the 36
 * products, and the tiles from them. A group is as large as the second-level cache bears. An
 * element's bits depend on its tile and the channels alone.
 */
#include "winograd.h"

enum {
    LEAST_CHANNELS = 16, /* of image and result: measured, as the next */
    PATCH_COST = 190,    /* multiplications that take as long as a patch or tile of a channel, */
    WEIGHTS_COST = 130,  /* as a pair's weights, transformed for a few images */
    SHARES = 8,          /* few tiles are still cut into so many groups, for threads */
    STEP = 12,           /* tiles of a group are a multiple: rows of the largest tile of gemm.c */
    MOST_TILES = 48,     /* of a group */
    GROUP_BYTES = 262144 /* of transformed patches and products of a group, about */
};

#define MOST_WEIGHTS (INT64_MAX / 1024) /* pairs of channels: 144 bytes of scratch each */

wg__tiling wg__tiling_of(const wg__conv *v, bool adjoint)
{
    wg__tiling g = {
        .n = v->n, .from = adjoint ? v->out : v->in, .to = adjoint ? v->in : v->out, .count = v->n
    };

    for (int i = 0; i < 2; i++) {
        const wg__axis_window *a = &v->g.axis[i];

        g.extent[i] = adjoint ? a->out : a->n;
        g.grid[i] = adjoint ? a->n : a->out;
        g.before[i] = adjoint ? 2 - a->before : a->before;
        g.tiles[i] = (g.grid[i] + WG_TILE - 1) / WG_TILE;
        g.count *= g.tiles[i];
    }
    return g;
}

bool wg__winograd_can(const wg__conv *v)
{
    if (v->in > 0 && v->out > MOST_WEIGHTS / v->in) return false;
    for (int i = 0; i < 2; i++) {
        const wg__axis_window *a = &v->g.axis[i];

        if (a->taps != 3 || a->stride != 1 || a->step != 1 || a->out == 0 || a->n == 0)
            return false;
    }
    return v->n > 0 && v->in > 0 && v->out > 0;
}

/* The multiplications that one image saves, for each pair of channels, must pay for transforming
 * its patches and tiles, and the weights, though these are shared with other images: their number
 * does not count, so that an image's bits do not depend on it. Borders make patches that are half
 * used. */
static bool saves(const wg__conv *v, bool adjoint)
{
    wg__tiling g = wg__tiling_of(v, adjoint);
    double direct = 9.0 * (double)g.grid[0] * (double)g.grid[1];
    double tile = WG_PATCH + PATCH_COST / (double)v->in + PATCH_COST / (double)v->out;

    return direct - tile * (double)g.tiles[0] * (double)g.tiles[1] >= WEIGHTS_COST;
}

bool wg__winograd_pays(const wg__conv *v)
{
    return wg__winograd_can(v) && v->in >= LEAST_CHANNELS && v->out >= LEAST_CHANNELS &&
           saves(v, false) && saves(v, true);
}

void wg__patch_at(const float *x, int64_t image, int64_t row, int64_t column, int size,
                  const int64_t extent[2], int64_t channels, const float *zeros,
                  const float **place)
{
    int64_t at = ((image * extent[0] + row) * extent[1] + column) * channels;

    if (row >= 0 && column >= 0 && row + size <= extent[0] && column + size <= extent[1]) {
        for (int i = 0; i < size; i++, at += extent[1] * channels)
            for (int j = 0; j < size; j++) *place++ = x + at + j * channels;
        return;
    }
    for (int i = 0; i < size; i++, at += extent[1] * channels)
        for (int j = 0; j < size; j++)
            *place++ =
                row + i >= 0 && row + i < extent[0] && column + j >= 0 && column + j < extent[1]
                    ? x + at + j * channels
                    : zeros;
}

wg__soon wg__soon_of(const wg__tiling *g, const float *x, const int64_t extent[2], int64_t channels,
                     int64_t wide, int64_t first, int64_t count)
{
    int64_t all = g->n * extent[0] * extent[1], row = WG_TILE * extent[1];
    int64_t from = wg__least(all * first / g->count + row, all);
    int64_t to = wg__least(all * (first + count) / g->count + row, all);
    int64_t size = (int64_t)sizeof *x;

    return (wg__soon){ (const char *)(x + from * channels), (const char *)(x + to * channels),
                       wide * size, channels * size, 1 + (to - from) / WG_PATCH };
}

void wg__ends_room(wg__ends *e, int count)
{
    for (int i = 0; i < count; i++) e->at[i] = e->lane[i];
}

void wg__ends_get(wg__ends *e, int count, const float *const *row, int64_t from, int64_t n)
{
    memset(e->lane, 0, (size_t)count * sizeof e->lane[0]);
    wg__ends_room(e, count);
    for (int i = 0; i < count; i++) memcpy(e->lane[i], row[i] + from, (size_t)n * sizeof(float));
}

void wg__ends_put(const wg__ends *e, int count, float *const *row, int64_t from, int64_t n)
{
    for (int i = 0; i < count; i++) memcpy(row[i] + from, e->lane[i], (size_t)n * sizeof(float));
}

/* Tiles of a group, elements between its rows of patches and between its 36 matrices; the
 * transformed weights: elements of each, rows transformed at a time and the number of such. */
typedef struct {
    wg__tiling g;
    int64_t group, groups;
    int64_t row, column, apart, products;
    int64_t block, weights, slabs;
    bool adjoint;
} layout;

enum {
    SLAB = 32,  /* rows of the weights transformed at a time */
    PIECE = 32, /* and columns, where they are turned around */
    SLAB_APART = SLAB * PIECE + WG_PATCH_SLACK
};

static layout layout_of(const wg__conv *v, bool adjoint)
{
    layout l = { .g = wg__tiling_of(v, adjoint), .adjoint = adjoint };
    int64_t each, most;

    l.row = wg__packed_columns(l.g.from, sizeof(float));
    if (l.row % 128 == 0) l.row += WG_PATCH_SLACK; /* see gemm.c */
    l.column = wg__packed_columns(l.g.to, sizeof(float));
    if (l.column % 128 == 0) l.column += WG_PATCH_SLACK;
    each = WG_PATCH * (l.row + l.column) * (int64_t)sizeof(float);
    most = wg__least(GROUP_BYTES / each / STEP * STEP, MOST_TILES);
    if (most < STEP) most = STEP;
    l.group = (l.g.count / SHARES + STEP - 1) / STEP * STEP;
    if (l.group < STEP) l.group = STEP;
    l.group = wg__least(l.group, most);
    l.groups = (l.g.count + l.group - 1) / l.group;
    l.apart = l.group * l.row + WG_PATCH_SLACK;
    l.products = l.group * l.column + WG_PATCH_SLACK;
    l.block = wg__gemm_block(l.g.from);
    l.weights = l.g.from * wg__packed_columns(l.g.to, sizeof(float)) + WG_PATCH_SLACK;
    l.slabs = (v->in + SLAB - 1) / SLAB;
    return l;
}

/* Scratch, in this order: transformed weights; zeros; for each thread either some weights before
 * they are packed, or patches, products, and where places outside the result go. */
typedef struct {
    size_t weights, zeros, patches, none, room, rooms;
} sizes;

static sizes sizes_of(const layout *l, int threads)
{
    sizes s = { wg__lines((size_t)(WG_PATCH * l->weights) * sizeof(float)),
                wg__lines((size_t)l->row * sizeof(float)),
                wg__lines((size_t)(WG_PATCH * l->apart) * sizeof(float)),
                0,
                0,
                0 };
    size_t slab = wg__lines(WG_PATCH * SLAB_APART * sizeof(float));

    s.none = s.patches + wg__lines((size_t)(WG_PATCH * l->products) * sizeof(float));
    s.room = s.none + wg__lines((size_t)l->column * sizeof(float));
    if (s.room < slab) s.room = slab;
    s.rooms = s.room * (size_t)wg__least(threads, l->groups > l->slabs ? l->groups : l->slabs);
    return s;
}

size_t wg__winograd_scratch(const wg__conv *v, bool adjoint, int threads)
{
    layout l = layout_of(v, adjoint);
    sizes s = sizes_of(&l, threads);

    return s.weights + s.zeros + s.rooms;
}

typedef struct {
    const wg__winograd_kit *kit;
    const layout *l;
    const wg__conv *v;
    const float *x, *w, *zeros;
    float *y, *weights;
    char *rooms;
    sizes s;
} job;

/* ---- the weights ---- */

/* The vector from c on of n pairs of channels, to where it belongs. */
static void weights_at(const wg__winograd_kit *kit, const float *const *tap, int64_t c, int64_t n,
                       float *to, int64_t apart)
{
    wg__ends e;

    if (n - c >= kit->lanes) {
        kit->weights(tap, c, c + 1, to, apart);
        return;
    }
    wg__ends_get(&e, 9, tap, c, n - c);
    kit->weights((const float *const *)e.at, 0, 1, to, apart);
}

/* Row `first` of the channels of the image, in its place in all panels. */
static void weights_row(const job *j, int64_t first)
{
    const layout *l = j->l;
    int64_t out = j->v->out, block = first / l->block * l->block, lanes = j->kit->lanes;
    int64_t high = wg__least(l->block, j->v->in - block);
    float *to = j->weights + block * wg__packed_columns(out, sizeof(float));
    const float *tap[9];

    for (int t = 0; t < 9; t++) tap[t] = j->w + (t * j->v->in + first) * out;
    for (int64_t c = 0; c < out; c += lanes) {
        int64_t panel = c / (2 * lanes) * (2 * lanes);
        int64_t wide = out - panel <= lanes ? lanes : 2 * lanes;

        weights_at(j->kit, tap, c, out, to + panel * high + (first - block) * wide + (c - panel),
                   l->weights);
    }
}

/* Rows first..first+rows-1, which become columns: of weights turned around. Those have their first
 * and last row exchanged, and columns likewise; the others are the same. */
static void weights_columns(const job *j, int64_t first, int64_t rows, float *room)
{
    const layout *l = j->l;
    const wg__conv *v = j->v;
    const float *tap[9];
    int64_t n;

    for (int64_t k = 0; k < v->out; k += n) { /* pieces that lie in one block */
        int64_t block = k / l->block * l->block, high = wg__least(l->block, v->out - block);

        n = wg__least(wg__least(PIECE, v->out - k), block + high - k);
        for (int64_t i = 0; i < rows; i++) {
            for (int t = 0; t < 9; t++) tap[t] = j->w + ((8 - t) * v->in + first + i) * v->out + k;
            for (int64_t c = 0; c < n; c += j->kit->lanes)
                weights_at(j->kit, tap, c, n, room + i * PIECE + c, SLAB_APART);
        }
        for (int a = 0; a < WG_PATCH; a++) {
            float *to = j->weights + a * l->weights;

            to += block * wg__packed_columns(v->in, sizeof(float)) + first * high;
            j->kit->pack(n, rows, room + a * SLAB_APART, PIECE, true, to, high, k - block);
        }
    }
}

static void weights_slabs(void *arg, int worker, int64_t lo, int64_t hi)
{
    const job *j = arg;
    float *room = (float *)(j->rooms + (size_t)worker * j->s.room);

    for (int64_t i = lo; i < hi; i++) {
        int64_t first = i * SLAB, rows = wg__least(SLAB, j->v->in - first);

        if (j->l->adjoint) weights_columns(j, first, rows, room);
        else
            for (int64_t k = 0; k < rows; k++) weights_row(j, first + k);
    }
}

/* ---- tiles ---- */

void wg__winograd_patch(const wg__winograd_kit *kit, const float *const *place, int64_t channels,
                        int64_t ahead, float *to, int64_t apart)
{
    int64_t whole = channels - channels % kit->lanes;
    wg__ends e;

    kit->patch(place, 0, whole, ahead, to, apart);
    if (whole == channels) return;
    wg__ends_get(&e, WG_PATCH, place, whole, channels - whole);
    kit->patch((const float *const *)e.at, 0, 1, 0, to + whole, apart);
}

static void put_tiles(const job *j, int64_t first, int64_t count, const float *m, float *none)
{
    const layout *l = j->l;
    const wg__tiling *g = &l->g;
    int64_t whole = g->to - g->to % j->kit->lanes;
    const float *place[WG_PLACES];
    wg__ends e;

    wg__ends_room(&e, WG_PLACES);
    for (int64_t i = 0; i < count; i++, m += l->column) {
        float *const *to = (float *const *)place;
        int64_t at[3];

        wg__tile_at(g, first + i, at);
        wg__patch_at(j->y, at[0], WG_TILE * at[1], WG_TILE * at[2], WG_TILE, g->grid, g->to, none,
                     place);
        j->kit->tile(m, l->products, to, 0, whole, WG_TILE * g->to);
        if (whole == g->to) continue;
        j->kit->tile(m + whole, l->products, e.at, 0, 1, 0);
        wg__ends_put(&e, WG_PLACES, to, whole, g->to - whole);
    }
}

static void make_group(const job *j, int64_t first, char *room)
{
    const layout *l = j->l;
    const wg__tiling *g = &l->g;
    int64_t count = wg__least(l->group, g->count - first), lanes = j->kit->lanes, at[3];
    float *patches = (float *)room, *products = (float *)(room + j->s.patches);
    const float *place[WG_PATCH], *row[MOST_TILES];
    float *to[MOST_TILES];
    int64_t next = first + l->group;
    wg__soon x = wg__soon_of(g, j->x, g->extent, g->from, g->from, next, l->group);
    wg__soon y = wg__soon_of(g, j->y, g->grid, g->to, g->to, next, l->group);

    for (int64_t i = 0; i < count; i++) {
        wg__tile_at(g, first + i, at);
        wg__patch_at(j->x, at[0], WG_TILE * at[1] - g->before[0], WG_TILE * at[2] - g->before[1],
                     WG_SIDE, g->extent, g->from, j->zeros, place);
        wg__winograd_patch(j->kit, place, g->from, WG_TILE * g->from, patches + i * l->row,
                           l->apart);
    }
    for (int a = 0; a < WG_PATCH; a++) {
        for (int64_t i = 0; i < count; i++) to[i] = products + a * l->products + i * l->column;
        for (int64_t k = 0; k < g->from; k += l->block) {
            wg__run run = { 0, wg__least(l->block, g->from - k) };
            wg__sum s = {
                1, &run, 1, run.len, (g->to + lanes - 1) / lanes * lanes, 0, k > 0, NULL, 0
            };
            const float *w = j->weights + a * l->weights;

            w += k * wg__packed_columns(g->to, sizeof(float));
            for (int64_t i = 0; i < count; i++) row[i] = patches + a * l->apart + i * l->row + k;
            j->kit->tiles(&s, count, row, w, to);
        }
        wg__ask(&x);
        wg__ask(&y);
    }
    put_tiles(j, first, count, products, (float *)(room + j->s.none));
}

static void make_groups(void *arg, int worker, int64_t lo, int64_t hi)
{
    const job *j = arg;

    for (int64_t i = lo; i < hi; i++)
        make_group(j, i * j->l->group, j->rooms + (size_t)worker * j->s.room);
}

void wg__winograd(const wg__winograd_kit *kit, const wg__conv *v, bool adjoint, const float *x,
                  const float *w, float *y, void *scratch, int threads)
{
    layout l = layout_of(v, adjoint);
    sizes s = sizes_of(&l, threads);
    char *at = scratch;
    float *zeros = (float *)(at + s.weights);
    job j = { kit, &l, v, x, w, zeros, y, scratch, at + s.weights + s.zeros, s };

    memset(zeros, 0, s.zeros);
    if (2.0 * WG_PATCH * (double)(l.weights * l.g.count) < WG_GEMM_GRAIN) threads = 1;
    wg_parallel_workers(l.weights * WG_PATCH < 65536 ? 1 : threads, l.slabs, 1, weights_slabs, &j);
    wg_parallel_workers(threads, l.groups, 1, make_groups, &j);
}
