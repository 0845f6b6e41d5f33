/*
 * winograd_lanes.c: the transforms of winograd.h, a vector of channels at a time, for each level.
 */
#ifndef REAL
#include "winograd.h"

#define WG_TEMPLATE "winograd_lanes.c"
#include "each_real.h"

#elif BITS == 32 /* for each level */

/* G g G^T of pairs of channels. */
static void FN(weights_lanes)(const REAL *const *tap, int64_t c, int64_t end, REAL *to,
                              int64_t apart)
{
    for (; c < end; c += VN, to += VN) {
        V t[4][3];

        WG_UNROLL
        for (int j = 0; j < 3; j++) {
            V p = VLOAD(tap[j] + c), q = VLOAD(tap[3 + j] + c), r = VLOAD(tap[6 + j] + c);

            t[0][j] = p;
            t[1][j] = (p + q + r) * (REAL)0.5;
            t[2][j] = (p - q + r) * (REAL)0.5;
            t[3][j] = r;
        }
        WG_UNROLL
        for (int i = 0; i < 4; i++) {
            REAL *at = to + 4 * i * apart;
            V p = t[i][0], q = t[i][1], r = t[i][2];

            VSTORE(at, p);
            VSTORE(at + apart, (p + q + r) * (REAL)0.5);
            VSTORE(at + 2 * apart, (p - q + r) * (REAL)0.5);
            VSTORE(at + 3 * apart, r);
        }
    }
}

/* B^T d B */
static void FN(patch_lanes)(const REAL *const *place, int64_t c, int64_t end, REAL *to,
                            int64_t apart)
{
    for (; c < end; c += VN, to += VN) {
        V d[4][4], t[4][4];

        WG_UNROLL
        for (int i = 0; i < 16; i++) d[i / 4][i % 4] = VLOAD(place[i] + c);
        WG_UNROLL
        for (int i = 0; i < 4; i++) {
            t[0][i] = d[0][i] - d[2][i];
            t[1][i] = d[1][i] + d[2][i];
            t[2][i] = d[2][i] - d[1][i];
            t[3][i] = d[1][i] - d[3][i];
        }
        WG_UNROLL
        for (int i = 0; i < 4; i++) {
            REAL *at = to + 4 * i * apart;

            VSTORE(at, t[i][0] - t[i][2]);
            VSTORE(at + apart, t[i][1] + t[i][2]);
            VSTORE(at + 2 * apart, t[i][2] - t[i][1]);
            VSTORE(at + 3 * apart, t[i][1] - t[i][3]);
        }
    }
}

/* A^T m A */
static void FN(tile_lanes)(const REAL *m, int64_t apart, REAL *const *place, int64_t c, int64_t end)
{
    for (; c < end; c += VN, m += VN) {
        V t[2][4];

        WG_UNROLL
        for (int i = 0; i < 4; i++) {
            V p = VLOAD(m + i * apart), q = VLOAD(m + (4 + i) * apart);
            V r = VLOAD(m + (8 + i) * apart), s = VLOAD(m + (12 + i) * apart);

            t[0][i] = p + q + r;
            t[1][i] = q - r - s;
        }
        WG_UNROLL
        for (int i = 0; i < 2; i++) {
            VSTORE(place[2 * i] + c, t[i][0] + t[i][1] + t[i][2]);
            VSTORE(place[2 * i + 1] + c, t[i][1] - t[i][2] - t[i][3]);
        }
    }
}

/* A dy A^T, into a panel. */
static void FN(spread_lanes)(const REAL *const *place, int64_t c, int64_t end, REAL *to,
                             int64_t apart)
{
    for (; c < end; c += VN, to += VN) {
        V d[4], t[4][2];

        WG_UNROLL
        for (int i = 0; i < 4; i++) d[i] = VLOAD(place[i] + c);
        WG_UNROLL
        for (int i = 0; i < 2; i++) {
            t[0][i] = d[i];
            t[1][i] = d[i] + d[2 + i];
            t[2][i] = d[i] - d[2 + i];
            t[3][i] = -d[2 + i];
        }
        WG_UNROLL
        for (int i = 0; i < 4; i++) {
            REAL *at = to + 4 * i * apart;

            VSTORE(at, t[i][0]);
            VSTORE(at + apart, t[i][0] + t[i][1]);
            VSTORE(at + 2 * apart, t[i][0] - t[i][1]);
            VSTORE(at + 3 * apart, -t[i][1]);
        }
    }
}

/* G^T u G of a vector of elements, u the sum of the slabs. */
static void FN(finish_lanes)(const REAL *slab, int64_t slabs, int64_t apart, REAL *const *dw,
                             int64_t c)
{
    V u[16], t[3][4];

    WG_UNROLL
    for (int i = 0; i < 16; i++) u[i] = VLOAD(slab + i * apart);
    for (int64_t k = 1; k < slabs; k++) {
        slab += WG_PATCH * apart;
        WG_UNROLL
        for (int i = 0; i < 16; i++) u[i] = u[i] + VLOAD(slab + i * apart);
    }
    WG_UNROLL
    for (int i = 0; i < 4; i++) {
        V plus = (u[4 + i] + u[8 + i]) * (REAL)0.5, minus = (u[4 + i] - u[8 + i]) * (REAL)0.5;

        t[0][i] = u[i] + plus;
        t[1][i] = minus;
        t[2][i] = plus + u[12 + i];
    }
    WG_UNROLL
    for (int i = 0; i < 3; i++, dw += 3) {
        V plus = (t[i][1] + t[i][2]) * (REAL)0.5, minus = (t[i][1] - t[i][2]) * (REAL)0.5;

        VSTORE(dw[0] + c, t[i][0] + plus);
        VSTORE(dw[1] + c, minus);
        VSTORE(dw[2] + c, plus + t[i][3]);
    }
}

const wg__winograd_kit FN(wg__winograd_kit) = { .lanes = VN,
                                                .weights = FN(weights_lanes),
                                                .patch = FN(patch_lanes),
                                                .tile = FN(tile_lanes),
                                                .spread = FN(spread_lanes),
                                                .finish = FN(finish_lanes),
                                                .pack = FN(wg__pack),
                                                .tiles = FN(wg__tiles) };

#else /* f64 takes the direct form: something for the attributes of each_real.h to stand at */

WG_INLINE __attribute__((unused)) void FN(no_lanes)(void) {}
#endif
