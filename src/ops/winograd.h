/*
 * winograd.h: 3x3 convolutions of stride 1 with 4 times fewer multiplications, f32 only.
 *
 * The result is cut into tiles of 4 x 4 places; a tile is summed over a patch of 6 x 6 places of
 * the operand. With g the 3 x 3 weights of one pair of channels and d a patch of one channel,
 *
 *     y = A^T [(G g G^T) . (B^T d B)] A            . element by element: 36 instead of 144
 *
 *           p    0   -s    0    1    0             1/p      0      0              1   0   0   0
 *           0 -ab^2 -b^2   a    1    0             1/aaN    1/aN   1/N            1   a  a^2 a^3
 *     B^T = 0  ab^2 -b^2  -a    1    0       G =   1/aaN   -1/aN   1/N       A =  1  -a  a^2 -a^3
 *           0 -ba^2 -a^2   b    1    0            -1/bbN   -1/bN  -1/N            1   b  b^2 b^3
 *           0  ba^2 -a^2  -b    1    0            -1/bbN    1/bN  -1/N            1  -b  b^2 -b^3
 *           0    p    0   -s    0    1             0        0      1              0   0   0   1
 *
 * where s = a^2 + b^2, p = a^2 b^2, N = 2 (a^2 - b^2): the points 0, a, -a, b, -b, infinity
 * (Lavin, Gray: "Fast algorithms for convolutional neural networks", 2016, F(4x4, 3x3), with a = 1
 * and b = 2). a = 25/16 and b = 21/32 are exact in all of A and B and have half the error of 1
 * and 2: among the best of all that were measured (docs/numerics.md). The sum
 * over channels goes between the brackets and A, so that the work is 36 products of matrices, one
 * for each element of a patch. The adjoint in the image is the same with the weights turned
 * around; that in the weights is the transpose of the same formula, G^T [sum over tiles of
 * (B^T d B) . (A dy A^T)] G.
 */
#ifndef WG_OPS_WINOGRAD_H
#define WG_OPS_WINOGRAD_H

#include "conv.h"

enum {
    WG_TILE = 4,        /* places of a side of a tile, */
    WG_SIDE = 6,        /* of its patch, */
    WG_PLACES = 16,     /* of the tile, */
    WG_PATCH = 36,      /* of the patch */
    WG_PATCH_SLACK = 16 /* keeps the 36 matrices off each other's cache sets */
};

/* Patches of an operand [n, extent[0], extent[1], from], and tiles of a result [n, grid[0],
 * grid[1], to]: tile (a, b) begins at place (4 a, 4 b) of the result, its patch `before` earlier in
 * the operand. */
typedef struct {
    int64_t n, from, to;
    int64_t extent[2], before[2], grid[2];
    int64_t tiles[2], count; /* down, across; of all images */
} wg__tiling;

wg__tiling wg__tiling_of(const wg__conv *v, bool adjoint);

/* The size x size places of image `image` from (row, column) on, as pointers: `channels` floats
 * each; `zeros` for those outside. */
void wg__patch_at(const float *x, int64_t image, int64_t row, int64_t column, int size,
                  const int64_t extent[2], int64_t channels, const float *zeros,
                  const float **place);

/* The ends of `count` rows of channels, shorter than a vector, copied to where whole vectors may be
 * read, with zeros behind; and back from where whole vectors were written. */
typedef struct {
    float lane[WG_PATCH][WG_GEMM_LINE / sizeof(float)];
    float *at[WG_PATCH];
} wg__ends;

void wg__ends_get(wg__ends *e, int count, const float *const *row, int64_t from, int64_t n);
void wg__ends_room(wg__ends *e, int count);
void wg__ends_put(const wg__ends *e, int count, float *const *row, int64_t from, int64_t n);

/* Image and coordinates of tile i. */
static inline void wg__tile_at(const wg__tiling *g, int64_t i, int64_t at[3])
{
    int64_t each = g->tiles[0] * g->tiles[1];

    at[0] = i / each;
    at[1] = i % each / g->tiles[1];
    at[2] = i % g->tiles[1];
}

/* Places whose channels, or some of them, are wanted soon: their lines are asked for in WG_PATCH
 * goes, between products, when memory has nothing else to do. */
typedef struct {
    const char *at, *end;
    int64_t bytes, apart; /* of a place; between places */
    int64_t places;       /* at a time */
} wg__soon;

/* What `count` tiles from `first` on add to what those before have read of `wide` channels of x [n,
 * extent[0], extent[1], channels], about: tiles come in order, but a row of them wants all its
 * places. */
wg__soon wg__soon_of(const wg__tiling *g, const float *x, const int64_t extent[2], int64_t channels,
                     int64_t wide, int64_t first, int64_t count);

static inline void wg__ask(wg__soon *s)
{
    for (int64_t i = 0; i < s->places && s->at < s->end; i++, s->at += s->apart)
        for (int64_t k = 0; k < s->bytes; k += WG_GEMM_LINE) __builtin_prefetch(s->at + k, 0, 2);
}

/* Whether the algorithm can make this convolution, and whether it is worth while: looks at the
 * extents of one image, its windows and channels only. */
bool wg__winograd_can(const wg__conv *v);
bool wg__winograd_pays(const wg__conv *v);

/* Bytes of scratch for as many threads. */
size_t wg__winograd_scratch(const wg__conv *v, bool adjoint, int threads);
size_t wg__winograd_weights_scratch(const wg__conv *v, int threads);

/*
 * What depends on the level, on channels c..end-1, which are whole vectors of `lanes`: G g G^T of
 * nine taps, B^T d B of 36 places, A dy A^T of 16: element i goes to to + i apart. tile: A^T m A to
 * 16 places. `ahead`: elements to where the next tile has the same place. finish: G^T u G of one
 * vector to nine, u the sum of slabs `between` apart, each 36 matrices.
 */
typedef struct {
    int lanes;
    void (*weights)(const float *const *place, int64_t c, int64_t end, float *to, int64_t apart);
    void (*patch)(const float *const *place, int64_t c, int64_t end, int64_t ahead, float *to,
                  int64_t apart);
    void (*tile)(const float *m, int64_t apart, float *const *place, int64_t c, int64_t end,
                 int64_t ahead);
    void (*spread)(const float *const *place, int64_t c, int64_t end, int64_t ahead, float *to,
                   int64_t apart);
    void (*finish)(const float *sum, int64_t slabs, int64_t between, int64_t apart,
                   float *const *place);
    void (*pack)(int64_t k, int64_t n, const float *b, int64_t ldb, bool tb, float *to,
                 int64_t height, int64_t at);
    void (*tiles)(const wg__sum *s, int64_t m, const float *const *row, const float *b,
                  float *const *to);
} wg__winograd_kit;

extern const wg__winograd_kit wg__winograd_kit_f32_0, wg__winograd_kit_f32_1,
    wg__winograd_kit_f32_2;

/* All channels of a patch: whole vectors, zeros behind the last. */
void wg__winograd_patch(const wg__winograd_kit *kit, const float *const *place, int64_t channels,
                        int64_t ahead, float *to, int64_t apart);

/* As wg__conv_apply and wg__conv_weights. */
void wg__winograd(const wg__winograd_kit *kit, const wg__conv *v, bool adjoint, const float *x,
                  const float *w, float *y, void *scratch, int threads);
void wg__winograd_weights(const wg__winograd_kit *kit, const wg__conv *v, const float *x,
                          const float *dy, float *dw, void *scratch, int threads);

#endif
