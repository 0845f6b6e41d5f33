/*
 * conv_spread.c: the adjoint of a convolution in the image, made the other way round: each place of
 * dy, times all weights, gives what it adds to the image under its window; that is added up.
 *
 * conv_apply.c asks for each place of the image which windows see it. That wastes work where many
 * of those windows lie outside (large kernels on small images without padding) and where the image
 * has few channels, which fill a vector badly. Here the vectors run along taps and channels, and
 * every product counts; the price is a pass over them that only adds. Images are made one by one,
 * so they are what threads share.
 */
#ifndef REAL
#include "conv.h"

typedef struct {
    const wg__conv *v;
    int64_t columns;         /* taps x channels of the image */
    int64_t places, windows; /* of an image */
    int64_t block;           /* summands */
} layout;

static layout layout_of(const wg__conv *v)
{
    const wg__axis_window *r = &v->g.axis[0], *c = &v->g.axis[1];

    return (layout){ v, r->taps * c->taps * v->in, r->n * c->n, r->out * c->out,
                     wg__gemm_block(v->out) };
}

/* Estimated work of both ways, by the extents of one image: a multiplication for each lane in use,
 * and a pass of additions that costs as much as eight. */
bool wg__conv_spreads(const wg__conv *v)
{
    const wg__axis_window *r = &v->g.axis[0], *c = &v->g.axis[1];
    double lanes = (double)wg__packed_columns(v->in, sizeof(float));
    double taps = (double)r->taps * (double)c->taps, out = (double)v->out;
    double seen = (double)r->n * (double)c->n * taps / (double)r->stride / (double)c->stride;
    double columns = (double)wg__packed_columns(r->taps * c->taps * v->in, sizeof(float));

    return (double)r->out * (double)c->out * columns * (out + 8) < 0.8 * seen * lanes * out;
}

/* Scratch, in this order: packed weights, then for each thread the products of a unit of places. */
typedef struct {
    size_t weights, products;
} sizes;

static sizes sizes_of(const layout *l, size_t size)
{
    int64_t units = wg__least(l->windows, WG_CONV_POINTS);

    return (sizes){ wg__lines((size_t)(l->v->out * wg__packed_columns(l->columns, size)) * size),
                    wg__lines((size_t)(units * l->columns) * size) };
}

size_t wg__conv_spread_scratch(const wg__conv *v, size_t size, int threads)
{
    layout l = layout_of(v);
    sizes s = sizes_of(&l, size);

    return s.weights + (size_t)wg__least(threads, v->n) * s.products;
}

#define WG_NARROW
#define WG_TEMPLATE "conv_spread.c"
#include "each_real.h"

#else /* for each type and level */

typedef struct {
    const layout *l;
    const REAL *dy, *packed;
    REAL *x;
    char *rooms;
    size_t room_bytes;
} FN(spread_job);

/* n elements. */
WG_INLINE void FN(add)(REAL *to, const REAL *from, int64_t n)
{
    int64_t i = 0;

    for (; i + VN <= n; i += VN) VSTORE(to + i, VLOAD(to + i) + VLOAD(from + i));
#if LEVEL == 2
    if (i < n) {
        int left = (int)(n - i);

        VSTORE_N(to + i, VLOAD_N(to + i, left) + VLOAD_N(from + i, left), left);
    }
#else
    for (; i < n; i++) to[i] += from[i];
#endif
}

/* The products of one window, where they belong in an image. */
static void FN(spread_window)(const wg__conv *v, int64_t window, const REAL *from, REAL *image)
{
    const wg__axis_window *r = &v->g.axis[0], *c = &v->g.axis[1];
    int64_t o = window / c->out, p = window % c->out, in = v->in;
    int64_t r_end, r_first = wg__taps_inside(r, o, &r_end);
    int64_t end, first = wg__taps_inside(c, p, &end);
    int64_t left = p * c->stride - c->before;

    if (first == end) return;
    for (int64_t q = r_first; q < r_end; q++) {
        REAL *to = image + (o * r->stride - r->before + q * r->step) * c->n * in;
        const REAL *line = from + q * c->taps * in;

        if (c->step == 1) {
            FN(add)(to + (left + first) * in, line + first * in, (end - first) * in);
            continue;
        }
        for (int64_t t = first; t < end; t++)
            FN(add)(to + (left + t * c->step) * in, line + t * in, in);
    }
}

static void FN(spread_image)(const layout *l, const REAL *dy, const REAL *packed, REAL *room,
                             REAL *image)
{
    const wg__conv *v = l->v;
    const REAL *row[WG_CONV_POINTS];
    REAL *to[WG_CONV_POINTS];

    memset(image, 0, (size_t)(l->places * v->in) * sizeof(REAL));
    for (int64_t i = 0; i < l->windows; i += WG_CONV_POINTS) {
        int64_t n = wg__least(l->windows - i, WG_CONV_POINTS);

        for (int64_t k = 0; k < v->out; k += l->block) {
            wg__run run = { 0, wg__least(v->out - k, l->block) };
            wg__sum s = { 1, &run, 1, run.len, l->columns, 0, k > 0, NULL, 0 };
            const REAL *b = packed + k * wg__packed_columns(l->columns, sizeof(REAL));

            for (int64_t q = 0; q < n; q++) {
                row[q] = dy + (i + q) * v->out + k;
                to[q] = room + q * l->columns;
            }
            FN(wg__tiles)(&s, n, row, b, to);
        }
        for (int64_t q = 0; q < n; q++) FN(spread_window)(v, i + q, to[q], image);
    }
}

static void FN(spread_images)(void *arg, int worker, int64_t lo, int64_t hi)
{
    const FN(spread_job) *j = arg;
    const layout *l = j->l;
    REAL *room = (REAL *)(j->rooms + (size_t)worker * j->room_bytes);

    for (int64_t i = lo; i < hi; i++) {
        const REAL *dy = j->dy + i * l->windows * l->v->out;

        FN(spread_image)(l, dy, j->packed, room, j->x + i * l->places * l->v->in);
    }
}

void FN(wg__conv_spread)(const wg__conv *v, const REAL *dy, const REAL *w, REAL *x, void *scratch,
                         int threads)
{
    layout l = layout_of(v);
    sizes s = sizes_of(&l, sizeof(REAL));
    REAL *packed = scratch;
    double flops = 2.0 * (double)(v->n * l.windows) * (double)l.columns * (double)v->out;

    if (flops < WG_GEMM_GRAIN) threads = 1;
    FN(spread_job) j = { &l, dy, packed, x, (char *)scratch + s.weights, s.products };

    for (int64_t k = 0; k < v->out; k += l.block) {
        int64_t n = wg__least(v->out - k, l.block);
        REAL *to = packed + k * wg__packed_columns(l.columns, sizeof(REAL));

        FN(wg__pack)(n, l.columns, w + k, v->out, true, to, n, 0);
    }
    wg_parallel_workers(threads, v->n, 1, FN(spread_images), &j);
}
#endif
