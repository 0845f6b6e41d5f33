/*
 * conv_apply.c: a convolution, and its adjoint in the image, as products of pointers into strips
 * (conv_strip.c) with packed weights.
 *
 * The weights are packed once: for each part, in blocks of about WG_GEMM_BLOCK summands, panels as
 * in gemm.h. Then units of places are made on their own: for each block, all places of the unit
 * meet each panel. The order of an element's sum is that of the taps and channels, cut into the
 * blocks: extents alone.
 */
#ifndef REAL
#include "conv.h"

/* A block of summands of a part: pieces of taps, which lie in memory in fewer runs. */
typedef struct {
    int64_t k;     /* summands */
    int64_t piece; /* the part's number of its first piece of a tap */
    int64_t pieces;
    int64_t run; /* index of its first run */
    int runs;
    int64_t weights; /* offset of its panels */
} block;

/* One part of the result with everything its units need. */
typedef struct {
    wg__part axis[2];
    wg__units units;
    wg__strip strip;
    int64_t block, blocks;
} region;

typedef struct {
    const wg__conv *v;
    bool adjoint;
    int64_t from, to;  /* channels of the operand and of the result */
    int64_t cuts, cut; /* pieces of a tap, summands of a piece (the last has fewer) */
    int64_t regions, units, most_blocks, most_runs, packed, strip;
} layout;

static int64_t parts_of(const wg__axis_window *a)
{
    return wg__least(a->stride, a->n);
}

static region region_at(const layout *l, int64_t i)
{
    const wg__axis_window *r = &l->v->g.axis[0], *c = &l->v->g.axis[1];
    region p;

    if (l->adjoint) {
        p.axis[0] = wg__part_adjoint(r, i / parts_of(c));
        p.axis[1] = wg__part_adjoint(c, i % parts_of(c));
    } else {
        p.axis[0] = wg__part_forwards(r);
        p.axis[1] = wg__part_forwards(c);
    }
    p.units = wg__units_of(l->v->n, p.axis, WG_CONV_POINTS);
    p.strip = wg__strip_of(&p.units, p.axis);
    p.block = p.blocks = 0;
    return p;
}

static layout layout_of(const wg__conv *v, bool adjoint, size_t size)
{
    layout l = {
        .v = v, .adjoint = adjoint, .from = adjoint ? v->out : v->in, .to = adjoint ? v->in : v->out
    };

    l.cut = wg__gemm_block(l.from);
    l.cuts = l.cut ? (l.from + l.cut - 1) / l.cut : 0;
    l.regions = adjoint ? parts_of(&v->g.axis[0]) * parts_of(&v->g.axis[1]) : 1;
    for (int64_t i = 0; i < l.regions; i++) {
        region p = region_at(&l, i);
        int64_t pieces = p.axis[0].taps * p.axis[1].taps * l.cuts;
        int64_t places = wg__strip_places(&p.strip, &p.units) * l.from;

        l.units += p.units.count;
        l.most_runs += pieces;
        l.most_blocks += pieces > 0 ? pieces : 1;
        l.packed += p.axis[0].taps * p.axis[1].taps * l.from * wg__packed_columns(l.to, size);
        if (places > l.strip) l.strip = places;
    }
    return l;
}

/* Scratch, in this order: regions, blocks, runs, packed weights, a strip for each thread. */
typedef struct {
    size_t regions, blocks, runs, weights, strip, strips;
} sizes;

static sizes sizes_of(const layout *l, size_t size, int threads)
{
    return (sizes){ wg__lines((size_t)l->regions * sizeof(region)),
                    wg__lines((size_t)l->most_blocks * sizeof(block)),
                    wg__lines((size_t)l->most_runs * sizeof(wg__run)),
                    wg__lines((size_t)l->packed * size),
                    wg__lines((size_t)l->strip * size),
                    (size_t)wg__least(threads, l->units) * wg__lines((size_t)l->strip * size) };
}

size_t wg__conv_apply_scratch(const wg__conv *v, bool adjoint, size_t size, int threads)
{
    wg__conv laid = wg__conv_laid(v);
    layout l = layout_of(&laid, adjoint, size);
    sizes s = sizes_of(&l, size, threads);

    return l.units ? s.regions + s.blocks + s.runs + s.weights + s.strips : 0;
}

/* Piece i of a part: its tap's number in the kernel, offset in the strip, and the channels it
 * holds. */
typedef struct {
    int64_t tap, off, channel, n;
} piece;

static piece piece_at(const layout *l, const region *p, int64_t i)
{
    const wg__part *r = &p->axis[0], *c = &p->axis[1];
    int64_t tap = i / l->cuts, row = tap / c->taps, column = tap % c->taps;
    piece q = { (r->tap + row * r->tap_step) * l->v->g.axis[1].taps + c->tap + column * c->tap_step,
                0, i % l->cuts * l->cut, 0 };

    q.off = (row * r->reach * p->strip.columns + column * c->reach) * l->from + q.channel;
    q.n = wg__least(l->cut, l->from - q.channel);
    return q;
}

/* Fills blocks and runs of a part; runs that touch become one. */
static void cut_blocks(const layout *l, region *p, block *b, wg__run *run, int64_t *blocks,
                       int64_t *runs, int64_t *weights, size_t size)
{
    int64_t pieces = p->axis[0].taps * p->axis[1].taps * l->cuts, i = 0;
    int64_t least_blocks =
        (p->axis[0].taps * p->axis[1].taps * l->from + WG_GEMM_BLOCK - 1) / WG_GEMM_BLOCK;
    int64_t most = least_blocks > 1 ? (pieces + least_blocks - 1) / least_blocks : pieces;

    p->block = *blocks;
    do {
        block *here = &b[(*blocks)++];

        *here = (block){ .piece = i, .run = *runs, .weights = *weights };
        while (i < pieces && here->pieces < most) {
            piece q = piece_at(l, p, i);
            wg__run *last = here->runs ? &run[*runs - 1] : NULL;

            if (last && last->off + last->len == q.off) last->len += q.n;
            else run[(*runs)++] = (wg__run){ q.off, q.n }, here->runs++;
            here->k += q.n;
            here->pieces++;
            i++;
        }
        *weights += here->k * wg__packed_columns(l->to, size);
    } while (i < pieces);
    p->blocks = *blocks - p->block;
}

/* A level is reached through its kit. */
#define REAL  float
#define KIT   wg__gemm_kit_f32
#define OF(x) x##_f32
#include "conv_apply.c"
#undef REAL
#undef KIT
#undef OF
#define REAL  double
#define KIT   wg__gemm_kit_f64
#define OF(x) x##_f64
#include "conv_apply.c"

#else /* for each type */

typedef struct {
    const KIT *kit;
    const layout *l;
    const region *part;
    const block *block;
    const wg__run *run;
    const REAL *x, *w;
    REAL *y, *packed;
    char *strips;
    size_t strip_bytes;
} OF(apply_job);

/* Panels of the blocks lo..hi-1 of all parts. */
static void OF(apply_pack)(void *arg, int64_t lo, int64_t hi)
{
    const OF(apply_job) *j = arg;
    const layout *l = j->l;
    const region *p = j->part;

    for (int64_t b = lo; b < hi; b++) {
        const block *here = &j->block[b];
        int64_t at = 0, ld = l->adjoint ? l->from : l->to;
        REAL *to = j->packed + here->weights;

        while (b >= p->block + p->blocks) p++;
        for (int64_t i = 0; i < here->pieces; i++) {
            piece q = piece_at(l, p, here->piece + i);
            const REAL *w = j->w + q.tap * l->from * l->to;

            w += l->adjoint ? q.channel : q.channel * l->to;
            j->kit->pack(q.n, l->to, w, ld, l->adjoint, to, here->k, at);
            at += q.n;
        }
    }
}

static void OF(apply_unit)(const OF(apply_job) * j, const region *p, int64_t i, REAL *room)
{
    const layout *l = j->l;
    wg__unit u = wg__unit_at(&p->units, l->v->n, p->axis, i);
    const wg__part *r = &p->axis[0], *c = &p->axis[1];
    const wg__axis_window *rows = &l->v->g.axis[0], *columns = &l->v->g.axis[1];
    int64_t high = l->adjoint ? rows->n : rows->out, wide = l->adjoint ? columns->n : columns->out;
    const REAL *row[WG_CONV_POINTS];
    REAL *to[WG_CONV_POINTS];
    int64_t apart, points = 0;
    const REAL *x =
        wg__strip_put(&p->strip, p->axis, &u, (size_t)l->from * sizeof(REAL), j->x, room, &apart);

    for (int64_t image = 0; image < u.images; image++)
        for (int64_t a = 0; a < u.rows; a++) {
            const REAL *from = x + (image * apart + a * r->from_step * p->strip.columns) * l->from;
            REAL *y =
                j->y + (((u.image + image) * high + r->first + (u.row + a) * r->to_step) * wide +
                        c->first + u.column * c->to_step) *
                           l->to;

            for (int64_t q = 0; q < u.columns; q++) {
                row[points] = from + q * c->from_step * l->from;
                to[points++] = y + q * c->to_step * l->to;
            }
        }
    for (int64_t b = 0; b < p->blocks; b++) {
        const block *here = &j->block[p->block + b];
        wg__sum s = { here->runs, j->run + here->run, 1, here->k, l->to, 0, b > 0, NULL, 0 };

        j->kit->tiles(&s, points, row, j->packed + here->weights, to);
    }
}

static void OF(apply_units)(void *arg, int worker, int64_t lo, int64_t hi)
{
    const OF(apply_job) *j = arg;
    REAL *room = (REAL *)(j->strips + (size_t)worker * j->strip_bytes);
    const region *p = j->part;
    int64_t before = 0;

    for (int64_t i = lo; i < hi; i++) {
        for (; i >= before + p->units.count; p++) before += p->units.count;
        OF(apply_unit)(j, p, i - before, room);
    }
}

void OF(wg__conv_apply)(const KIT *kit, const wg__conv *given, bool adjoint, const REAL *x,
                        const REAL *w, REAL *y, void *scratch, int threads)
{
    wg__conv v = wg__conv_laid(given);
    layout l = layout_of(&v, adjoint, sizeof(REAL));
    sizes s = sizes_of(&l, sizeof(REAL), threads);
    char *at = scratch;
    region *part = (region *)at;
    block *b = (block *)(at += s.regions);
    wg__run *run = (wg__run *)(at += s.blocks);
    REAL *packed = (REAL *)(at += s.runs);
    int64_t blocks = 0, runs = 0, weights = 0, points = v.n * v.g.axis[0].out * v.g.axis[1].out;
    double flops = 2.0 * (double)(l.packed * points);

    if (l.units == 0 || l.to == 0) return;
    for (int64_t i = 0; i < l.regions; i++) {
        part[i] = region_at(&l, i);
        cut_blocks(&l, &part[i], b, run, &blocks, &runs, &weights, sizeof(REAL));
    }
    if (flops < WG_GEMM_GRAIN) threads = 1;
    OF(apply_job) j = { kit, &l, part, b, run, x, w, y, packed, at + s.weights, s.strip };

    wg_parallel(l.packed < 65536 ? 1 : threads, blocks, 1, OF(apply_pack), &j);
    wg_parallel_workers(threads, l.units, 1, OF(apply_units), &j);
}
#endif
