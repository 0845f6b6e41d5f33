/*
 * conv_weights.c: the adjoint of a convolution in its weights: dw[tap, k, q] = the sum over all
 * places of x[place under tap, k] dy[place, q].
 *
 * A product whose rows are the taps' channels and whose summands are places: the left side is read
 * through pointers into strips of x, the right side is dy, packed unit by unit. The units are dealt
 * to slabs, each of which adds up a dw of its own, unit after unit; then slabs are added in order.
 * Slabs, units and the rows that are shared out depend on extents alone.
 */
#ifndef REAL
#include "conv.h"

enum {
    SLABS = 16,
    SLAB_ELEMENTS = 1 << 20, /* of all slabs, about */
    ROWS = 192               /* rows of dw made together */
};

typedef struct {
    const wg__conv *v;
    wg__part axis[2];
    wg__units units;
    wg__strip strip;
    int64_t rows;         /* of dw as a matrix: taps x in */
    int64_t slabs, bands; /* tasks: slabs x bands of rows */
} layout;

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static layout layout_of(const wg__conv *v)
{
    layout l = { .v = v,
                 .axis = { wg__part_forwards(&v->g.axis[0]), wg__part_forwards(&v->g.axis[1]) } };
    int64_t elements;

    l.units = wg__units_of(v->n, l.axis, WG_CONV_TERMS);
    l.strip = wg__strip_of(&l.units, l.axis);
    l.rows = v->g.axis[0].taps * v->g.axis[1].taps * v->in;
    elements = most(l.rows * v->out, 1);
    l.slabs = most(wg__least(wg__least(SLABS, l.units.count), SLAB_ELEMENTS / elements), 1);
    l.bands = most(wg__least(SLABS / l.slabs, l.rows / (ROWS / 2)), 1);
    return l;
}

/* Scratch, in this order: slabs (of which dw itself is the first), then for each thread a strip,
 * packed dy. */
typedef struct {
    size_t slabs, strip, packed;
} sizes;

static sizes sizes_of(const layout *l, size_t size)
{
    const wg__units *u = &l->units;

    return (sizes){ wg__lines((size_t)((l->slabs - 1) * l->rows * l->v->out) * size),
                    wg__lines((size_t)(wg__strip_places(&l->strip, u) * l->v->in) * size),
                    wg__lines((size_t)(u->images * u->rows * u->columns *
                                       wg__packed_columns(l->v->out, size)) *
                              size) };
}

size_t wg__conv_weights_scratch(const wg__conv *v, size_t size, int threads)
{
    wg__conv laid = wg__conv_laid(v);
    layout l = layout_of(&laid);
    sizes s = sizes_of(&l, size);

    if (l.units.count == 0) return 0;
    return s.slabs + (size_t)wg__least(threads, l.slabs * l.bands) * (s.strip + s.packed);
}

/* The places of a unit as runs of a row of the left side; rows of places that lie at one distance
 * become one. */
static int unit_runs(const layout *l, const wg__unit *u, int64_t apart, wg__run *run)
{
    int64_t step = l->axis[1].from_step * l->v->in;
    int n = 0;

    for (int64_t i = 0; i < u->images; i++)
        for (int64_t a = 0; a < u->rows; a++) {
            int64_t off = (i * apart + a * l->axis[0].from_step * l->strip.columns) * l->v->in;

            if (n && run[n - 1].off + run[n - 1].len * step == off) run[n - 1].len += u->columns;
            else run[n++] = (wg__run){ off, u->columns };
        }
    return n;
}

/* A level is reached through its kit. */
#define REAL  float
#define KIT   wg__gemm_kit_f32
#define OF(x) x##_f32
#include "conv_weights.c"
#undef REAL
#undef KIT
#undef OF
#define REAL  double
#define KIT   wg__gemm_kit_f64
#define OF(x) x##_f64
#include "conv_weights.c"

#else /* for each type */

typedef struct {
    const KIT *kit;
    const layout *l;
    const REAL *x, *dy;
    REAL *dw, *slabs;
    char *rooms;
    sizes s;
} OF(weights_job);

/* Adds unit i to rows lo..hi-1 of a slab; the first one sets them. */
static void OF(weights_unit)(const OF(weights_job) * j, int64_t i, REAL *dw, int64_t lo, int64_t hi,
                             bool add, char *room)
{
    const layout *l = j->l;
    const wg__conv *v = l->v;
    const wg__axis_window *r = &v->g.axis[0], *c = &v->g.axis[1];
    wg__unit u = wg__unit_at(&l->units, v->n, l->axis, i);
    wg__run run[WG_CONV_TERMS];
    const REAL *row[ROWS], *x;
    REAL *to[ROWS], *packed = (REAL *)(room + j->s.strip);
    int64_t apart, places = u.images * u.rows * u.columns;
    const REAL *dy = j->dy + ((u.image * r->out + u.row) * c->out + u.column) * v->out;

    x = wg__strip_put(&l->strip, l->axis, &u, (size_t)v->in * sizeof(REAL), j->x, room, &apart);
    j->kit->pack(places, v->out, dy, v->out, false, packed, places, 0);

    wg__sum s = { unit_runs(l, &u, apart, run), run, c->stride * v->in, places, v->out, 0, add,
                  NULL, 0 };

    for (; lo < hi; lo += ROWS) {
        int64_t n = wg__least(hi - lo, ROWS);

        for (int64_t q = 0; q < n; q++) {
            int64_t tap = (lo + q) / v->in, channel = (lo + q) % v->in;
            int64_t at = tap / c->taps * r->step * l->strip.columns + tap % c->taps * c->step;

            row[q] = x + at * v->in + channel;
            to[q] = dw + (lo + q) * v->out;
        }
        j->kit->tiles(&s, n, row, packed, to);
    }
}

static void OF(weights_tasks)(void *arg, int worker, int64_t first, int64_t end)
{
    const OF(weights_job) *j = arg;
    const layout *l = j->l;
    char *room = j->rooms + (size_t)worker * (j->s.strip + j->s.packed);

    for (int64_t t = first; t < end; t++) {
        int64_t slab = t / l->bands, band = t % l->bands;
        int64_t i = l->units.count * slab / l->slabs, till = l->units.count * (slab + 1) / l->slabs;
        int64_t row = l->rows * band / l->bands, end_row = l->rows * (band + 1) / l->bands;
        REAL *dw = slab ? j->slabs + (slab - 1) * l->rows * l->v->out : j->dw;

        for (bool add = false; i < till; i++, add = true)
            OF(weights_unit)(j, i, dw, row, end_row, add, room);
    }
}

static void OF(weights_add)(void *arg, int64_t lo, int64_t hi)
{
    const OF(weights_job) *j = arg;
    int64_t n = j->l->rows * j->l->v->out;

    for (int64_t slab = 1; slab < j->l->slabs; slab++) {
        const REAL *x = j->slabs + (slab - 1) * n;

        for (int64_t i = lo; i < hi; i++) j->dw[i] += x[i];
    }
}

void OF(wg__conv_weights)(const KIT *kit, const wg__conv *given, const REAL *x, const REAL *dy,
                          REAL *dw, void *scratch, int threads)
{
    wg__conv v = wg__conv_laid(given);
    layout l = layout_of(&v);
    sizes s = sizes_of(&l, sizeof(REAL));
    int64_t elements = l.rows * v.out, tasks = l.slabs * l.bands;
    double flops = 2.0 * (double)elements * (double)(v.n * v.g.axis[0].out * v.g.axis[1].out);

    if (elements == 0) return;
    if (l.units.count == 0) {
        memset(dw, 0, (size_t)elements * sizeof(REAL));
        return;
    }
    if (flops < WG_GEMM_GRAIN) threads = 1;
    OF(weights_job) j = { kit, &l, x, dy, dw, scratch, (char *)scratch + s.slabs, s };

    wg_parallel_workers(threads, tasks, 1, OF(weights_tasks), &j);
    wg_parallel(threads, elements, 16384, OF(weights_add), &j);
}
#endif
