/*
 * checksum.c: XXH64 with seed 0, after its published specification, so that anybody's `xxhsum -H64`
 * or xxhash module can check a weights file. It finds damage and mix-ups; it is no signature.
 */
#include <string.h>

#include "program.h"

static const uint64_t p1 = 0x9e3779b185ebca87u, p2 = 0xc2b2ae3d27d4eb4fu, p3 = 0x165667b19e3779f9u,
                      p4 = 0x85ebca77c2b2ae63u, p5 = 0x27d4eb2f165667c5u;

static uint64_t rotate(uint64_t v, int by)
{
    return v << by | v >> (64 - by);
}

static uint64_t little64(const unsigned char *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

static uint64_t little32(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

static uint64_t round64(uint64_t lane, uint64_t word)
{
    return rotate(lane + word * p2, 31) * p1;
}

static void stripe(wg_checksum *s, const unsigned char *p)
{
    for (int i = 0; i < 4; i++) s->lane[i] = round64(s->lane[i], little64(p + 8 * i));
}

void wg__checksum_begin(wg_checksum *s)
{
    *s = (wg_checksum){ .lane = { p1 + p2, p2, 0, 0 - p1 } };
}

void wg__checksum_add(wg_checksum *s, const void *data, size_t n)
{
    const unsigned char *p = data;
    size_t held = (size_t)(s->total % sizeof s->rest);

    if (n == 0) return;
    s->total += n;
    if (held > 0) {
        size_t take = sizeof s->rest - held < n ? sizeof s->rest - held : n;

        memcpy(s->rest + held, p, take);
        if (held + take < sizeof s->rest) return;
        stripe(s, s->rest);
        p += take;
        n -= take;
    }
    for (; n >= sizeof s->rest; p += sizeof s->rest, n -= sizeof s->rest) stripe(s, p);
    memcpy(s->rest, p, n);
}

uint64_t wg__checksum_end(const wg_checksum *s)
{
    const unsigned char *p = s->rest;
    size_t n = (size_t)(s->total % sizeof s->rest);
    uint64_t h = p5;

    if (s->total >= sizeof s->rest) {
        h = rotate(s->lane[0], 1) + rotate(s->lane[1], 7) + rotate(s->lane[2], 12) +
            rotate(s->lane[3], 18);
        for (int i = 0; i < 4; i++) h = (h ^ round64(0, s->lane[i])) * p1 + p4;
    }
    h += s->total;
    for (; n >= 8; p += 8, n -= 8) h = rotate(h ^ round64(0, little64(p)), 27) * p1 + p4;
    for (; n >= 4; p += 4, n -= 4) h = rotate(h ^ little32(p) * p1, 23) * p2 + p3;
    for (; n > 0; p++, n--) h = rotate(h ^ *p * p5, 11) * p1;
    h = (h ^ h >> 33) * p2;
    h = (h ^ h >> 29) * p3;
    return h ^ h >> 32;
}
