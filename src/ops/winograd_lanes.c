/*
 * winograd_lanes.c: the transforms of winograd.h, a vector of channels at a time, for each level.
 * Each goes over a square twice: down its columns, then along its rows. Those loops stay loops: a
 * square of 36 vectors goes through memory at any level.
 */
#ifndef REAL
#include "winograd.h"

/* The points a and b, and what the matrices hold of them: all but the fractions of `weights_line`
 * and `finish_line` are exact. */
#define PA (25.0 / 16)
#define PB (21.0 / 32)
#define NA (2 * (PA * PA - PB * PB)) /* a^2 times this is what row a of G is divided by */
#define NB (2 * (PB * PB - PA * PA))

#if defined(__clang__)
#define ROLLED _Pragma("clang loop unroll(disable)")
#else
#define ROLLED _Pragma("GCC unroll 1")
#endif

enum { SIDE = WG_SIDE, TILE = WG_TILE };

#define WG_TEMPLATE "winograd_lanes.c"
#include "each_real.h"

#elif BITS == 32 /* for each level */

/* G g: three to six. In double, for what is lost here is the same in all tiles and adds up. */
typedef double FN(twice) __attribute__((vector_size(2 * sizeof(V))));

WG_INLINE void FN(weights_line)(const FN(twice) * g, FN(twice) * u)
{
    FN(twice) ea = g[0] * (1 / (PA * PA * NA)) + g[2] * (1 / NA), oa = g[1] * (1 / (PA * NA));
    FN(twice) eb = g[0] * (1 / (PB * PB * NB)) + g[2] * (1 / NB), ob = g[1] * (1 / (PB * NB));

    u[0] = g[0] * (1 / (PA * PA * PB * PB));
    u[1] = ea + oa;
    u[2] = ea - oa;
    u[3] = eb + ob;
    u[4] = eb - ob;
    u[5] = g[2];
}

/* B^T d: six to six */
WG_INLINE void FN(patch_line)(const V *d, V *v)
{
    V aa = VSPLAT((REAL)(-PA * PA)), bb = VSPLAT((REAL)(-PB * PB));
    V both = VSPLAT((REAL)(PA * PA * PB * PB)), sum = VSPLAT((REAL)(-PA * PA - PB * PB));
    V ea = vfma(bb, d[2], d[4]), eb = vfma(aa, d[2], d[4]);
    V oa = vfma(bb, d[1], d[3]) * (REAL)PA, ob = vfma(aa, d[1], d[3]) * (REAL)PB;

    v[0] = vfma(both, d[0], vfma(sum, d[2], d[4]));
    v[1] = ea + oa;
    v[2] = ea - oa;
    v[3] = eb + ob;
    v[4] = eb - ob;
    v[5] = vfma(both, d[1], vfma(sum, d[3], d[5]));
}

/* A^T m: six to four */
WG_INLINE void FN(tile_line)(const V *m, V *y)
{
    V pa = m[1] + m[2], qa = m[1] - m[2], pb = m[3] + m[4], qb = m[3] - m[4];

    y[0] = m[0] + pa + pb;
    y[1] = vfma(VSPLAT((REAL)PA), qa, qb * (REAL)PB);
    y[2] = vfma(VSPLAT((REAL)(PA * PA)), pa, pb * (REAL)(PB * PB));
    y[3] = vfma(VSPLAT((REAL)(PA * PA * PA)), qa, vfma(VSPLAT((REAL)(PB * PB * PB)), qb, m[5]));
}

/* A y: four to six */
WG_INLINE void FN(spread_line)(const V *y, V *m)
{
    V ea = vfma(VSPLAT((REAL)(PA * PA)), y[2], y[0]);
    V eb = vfma(VSPLAT((REAL)(PB * PB)), y[2], y[0]);
    V oa = vfma(VSPLAT((REAL)(PA * PA)), y[3], y[1]) * (REAL)PA;
    V ob = vfma(VSPLAT((REAL)(PB * PB)), y[3], y[1]) * (REAL)PB;

    m[0] = y[0];
    m[1] = ea + oa;
    m[2] = ea - oa;
    m[3] = eb + ob;
    m[4] = eb - ob;
    m[5] = y[3];
}

/* G^T u: six to three */
WG_INLINE void FN(finish_line)(const V *u, V *g)
{
    V pa = u[1] + u[2], qa = u[1] - u[2], pb = u[3] + u[4], qb = u[3] - u[4];

    g[0] =
        vfma(pa, VSPLAT((REAL)(1 / (PA * PA * NA))),
             vfma(pb, VSPLAT((REAL)(1 / (PB * PB * NB))), u[0] * (REAL)(1 / (PA * PA * PB * PB))));
    g[1] = vfma(qa, VSPLAT((REAL)(1 / (PA * NA))), qb * (REAL)(1 / (PB * NB)));
    g[2] = vfma(pa, VSPLAT((REAL)(1 / NA)), vfma(pb, VSPLAT((REAL)(1 / NB)), u[5]));
}

/* From `from` x `from` vectors to `to` x `to`, both squares row by row: columns, then rows. */
#define SQUARE(T, line, from, to, LOAD, STORE)                                                     \
    do {                                                                                           \
        T x[SIDE], y[SIDE], t[(to) * (from)];                                                      \
                                                                                                   \
        ROLLED for (int i = 0; i < (from); i++)                                                    \
        {                                                                                          \
            WG_UNROLL                                                                              \
            for (int k = 0; k < (from); k++) x[k] = LOAD(k * (from) + i);                          \
            FN(line)(x, y);                                                                        \
            WG_UNROLL                                                                              \
            for (int k = 0; k < (to); k++) t[k * (from) + i] = y[k];                               \
        }                                                                                          \
        ROLLED for (int i = 0; i < (to); i++)                                                      \
        {                                                                                          \
            FN(line)(t + i * (from), y);                                                           \
            WG_UNROLL                                                                              \
            for (int k = 0; k < (to); k++) STORE(i *(to) + k, y[k]);                               \
        }                                                                                          \
    } while (0)

/* The next tile's places come and go meanwhile: they lie `ahead`. */
#define FROM_TAP(i)      __builtin_convertvector(VLOAD(place[i] + c), FN(twice))
#define TO_WEIGHTS(i, v) VSTORE(to + (i)*apart, __builtin_convertvector(v, V))
#define FROM_PLACE(i)    (__builtin_prefetch(place[i] + c + ahead), VLOAD(place[i] + c))
#define TO_PLACE(i, v)   (__builtin_prefetch(place[i] + c + ahead, 1), VSTORE(place[i] + c, v))
#define FROM_APART(i)    VLOAD(m + (i)*apart)
#define TO_APART(i, v)   VSTORE(to + (i)*apart, v)
#define FROM_SUM(i)      u[i]
#define TO_WEIGHT(i, v)  VSTORE(place[i], v)

static void FN(weights_lanes)(const REAL *const *place, int64_t c, int64_t end, REAL *to,
                              int64_t apart)
{
    for (; c < end; c += VN, to += VN)
        SQUARE(FN(twice), weights_line, 3, SIDE, FROM_TAP, TO_WEIGHTS);
}

static void FN(patch_lanes)(const REAL *const *place, int64_t c, int64_t end, int64_t ahead,
                            REAL *to, int64_t apart)
{
    for (; c < end; c += VN, to += VN) SQUARE(V, patch_line, SIDE, SIDE, FROM_PLACE, TO_APART);
}

static void FN(tile_lanes)(const REAL *m, int64_t apart, REAL *const *place, int64_t c, int64_t end,
                           int64_t ahead)
{
    for (; c < end; c += VN, m += VN) SQUARE(V, tile_line, SIDE, TILE, FROM_APART, TO_PLACE);
}

static void FN(spread_lanes)(const REAL *const *place, int64_t c, int64_t end, int64_t ahead,
                             REAL *to, int64_t apart)
{
    for (; c < end; c += VN, to += VN) SQUARE(V, spread_line, TILE, SIDE, FROM_PLACE, TO_APART);
}

/* Of one vector of elements, u the sum of the slabs. */
static void FN(finish_lanes)(const REAL *sum, int64_t slabs, int64_t between, int64_t apart,
                             REAL *const *place)
{
    V u[WG_PATCH];

    for (int i = 0; i < WG_PATCH; i++, sum += apart) {
        u[i] = VLOAD(sum);
        for (int64_t k = 1; k < slabs; k++) u[i] = u[i] + VLOAD(sum + k * between);
    }
    SQUARE(V, finish_line, SIDE, 3, FROM_SUM, TO_WEIGHT);
}

const wg__winograd_kit FN(wg__winograd_kit) = { .lanes = VN,
                                                .weights = FN(weights_lanes),
                                                .patch = FN(patch_lanes),
                                                .tile = FN(tile_lanes),
                                                .spread = FN(spread_lanes),
                                                .finish = FN(finish_lanes),
                                                .pack = FN(wg__pack),
                                                .tiles = FN(wg__tiles) };

#undef SQUARE
#undef FROM_TAP
#undef TO_WEIGHTS
#undef FROM_PLACE
#undef TO_PLACE
#undef FROM_APART
#undef TO_APART
#undef FROM_SUM
#undef TO_WEIGHT

#else /* f64 takes the direct form: something for the attributes of each_real.h to stand at */

WG_INLINE __attribute__((unused)) void FN(no_lanes)(void) {}
#endif
