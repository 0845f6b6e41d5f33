/*
 * rng.c: the counter-based generator Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random
 * numbers: as easy as 1, 2, 3; SC 2011). A draw depends on (seed, key, run, index) alone: no state,
 * no order, no threads.
 */
#include <math.h>
#include <string.h>

#include "internal.h"

uint64_t wg_random_key(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}

static void philox(uint64_t key, uint64_t block, uint64_t run, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)run,
             c3 = (uint32_t)(run >> 32);

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xd2511f53u * c0, p1 = (uint64_t)0xcd9e8d57u * c2;

        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* Seed and key make one 64-bit key: a bijection of each for the other fixed. */
static uint64_t stream(uint64_t seed, uint64_t key)
{
    seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9u;
    seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebu;
    return key ^ seed ^ (seed >> 31);
}

static double unit53(uint32_t hi, uint32_t lo)
{
    return (double)(((uint64_t)hi << 32 | lo) >> 11) * 0x1p-53;
}

void wg_random_uniform(uint64_t seed, uint64_t key, uint64_t run, int64_t first, int64_t n,
                       wg_dtype dtype, void *y)
{
    uint64_t k = stream(seed, key), have = UINT64_MAX;
    int per = dtype == WG_F32 ? 4 : 2;
    uint32_t u[4];

    for (int64_t i = 0; i < n; i++) {
        uint64_t index = (uint64_t)(first + i), block = index / (uint64_t)per,
                 lane = index % (uint64_t)per;

        if (block != have) philox(k, have = block, run, u);
        if (dtype == WG_F32) ((float *)y)[i] = (float)(u[lane] >> 8) * 0x1p-24f;
        else ((double *)y)[i] = unit53(u[2 * lane], u[2 * lane + 1]);
    }
}

void wg_random_normal(uint64_t seed, uint64_t key, uint64_t run, int64_t first, int64_t n,
                      wg_dtype dtype, void *y)
{
    uint64_t k = stream(seed, key), have = UINT64_MAX;
    double pair[2] = { 0, 0 };

    for (int64_t i = 0; i < n; i++) {
        uint64_t index = (uint64_t)(first + i), block = index / 2;

        if (block != have) {
            uint32_t u[4];
            double radius, angle;

            philox(k, have = block, run, u);
            radius = sqrt(-2 * log(1 - unit53(u[0], u[1]))); /* 1 - u lies in (0, 1] */
            angle = 6.283185307179586476925 * unit53(u[2], u[3]);
            pair[0] = radius * cos(angle);
            pair[1] = radius * sin(angle);
        }
        if (dtype == WG_F32) ((float *)y)[i] = (float)pair[index & 1];
        else ((double *)y)[i] = pair[index & 1];
    }
}
