/*
 * pool.c: windows of an image reduced to one element each, and the adjoints.
 *
 * avg_pool2d and avg_spread are each other's adjoint. So are pool_pick(u, x) and pool_scatter(dy,
 * x): both are linear in the first operand, and look at x only to find where the maximum of each
 * window lies. That place is a piecewise constant function of x, so neither has a gradient there,
 * and derivatives of any order of max_pool2d are made of these two.
 *
 * Kernels run along the channels, which lie together, a vector at a time.
 */
#ifndef REAL
#include "vec.h"
#include "window.h"

static const wg_field pool_fields[] = { WG_WINDOW_FIELDS(wg_window), WG_FIELDS_END };

WG_SMALL_BEGIN

/* The type of operand i's windows, one element each. */
static bool pooled(const wg_sig *s, int i, wg_type *out)
{
    const wg_window *w = s->attr;
    const wg_shape *x = &s->in[i]->shape;
    wg__windows g;

    if (!wg_sig_real(s, 0) || !wg_sig_same_dtype(s) || !wg__image_fits(s, i) ||
        !wg__windows_infer(s, w, x->dim[1], x->dim[2], w->kernel, i, &g))
        return false;
    *out =
        (wg_type){ s->in[i]->dtype, { 4, { x->dim[0], g.axis[0].out, g.axis[1].out, x->dim[3] } } };
    return true;
}

static bool pool_infer(const wg_sig *s, wg_type *out)
{
    return pooled(s, 0, out);
}

/* Operand 0 is of the type of operand 1's windows; the result is of operand 1's type. */
static bool spread_infer(const wg_sig *s, wg_type *out)
{
    wg_type windows;

    if (!pooled(s, 1, &windows)) return false;
    *out = *s->in[1];
    if (wg_type_equal(&windows, s->in[0])) return true;
    return wg_sig_fail(s, WG_ESHAPE, "the windows of %s are %s, not %s", WG_TYPE_STR(s->in[1]),
                       WG_TYPE_STR(&windows), WG_TYPE_STR(s->in[0]));
}

static bool pick_infer(const wg_sig *s, wg_type *out)
{
    if (!pooled(s, 1, out)) return false;
    if (wg_type_equal(s->in[0], s->in[1])) return true;
    return wg_sig_fail(s, WG_ESHAPE, "types differ: %s and %s", WG_TYPE_STR(s->in[0]),
                       WG_TYPE_STR(s->in[1]));
}

static double taps_of(const wg_sig *s)
{
    const wg_window *w = s->attr;

    return (double)w->kernel[0] * (double)w->kernel[1];
}

static double pool_flops(const wg_sig *s, const wg_type *out)
{
    return taps_of(s) * (double)wg__count(out);
}

static double spread_flops(const wg_sig *s, const wg_type *out)
{
    (void)out;
    return taps_of(s) * (double)wg__count(s->in[0]);
}

static void avg_pool2d_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_avg_spread(v->dy, v->x[0], *(const wg_window *)v->attr);
}

static void avg_spread_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_avg_pool2d(v->dy, *(const wg_window *)v->attr);
}

static void max_pool2d_vjp(const wg_vjp *v, wg_tensor **dx)
{
    dx[0] = wg_pool_scatter(v->dy, v->x[0], *(const wg_window *)v->attr);
}

static void pool_scatter_vjp(const wg_vjp *v, wg_tensor **dx)
{
    if (v->need[0]) dx[0] = wg_pool_pick(v->dy, v->x[1], *(const wg_window *)v->attr);
}

static void pool_pick_vjp(const wg_vjp *v, wg_tensor **dx)
{
    if (v->need[0]) dx[0] = wg_pool_scatter(v->dy, v->x[1], *(const wg_window *)v->attr);
}

enum {
    CHUNK = 64, /* bytes of channels that a task makes at least: a line of cache */
    TAPS = 64   /* windows of at most so many have a list of their places */
};

WG_SMALL_END

/* Rows or tasks that are worth a thread, when each reads this many elements. */
static int64_t grain(int64_t elements)
{
    return elements > 0 ? 1 + 32768 / elements : 32768;
}

/* What becomes of the places of a window: read where the maximum is, added to there, or, where no
 * other window sees them, all set. */
enum { PICK, ADD, SET };

/* Whether every place lies in one window. */
static bool tiles(const wg__axis_window *a)
{
    return a->step == 1 && a->stride == a->taps && a->before == 0 && a->out * a->stride >= a->n;
}

#define WG_PLAIN_DOUBLE
#define WG_NO_AVX512 /* they wait for memory */
#define WG_TEMPLATE  "pool.c"
#include "each_real.h"

#define POOL(NAME, DOC, N_IN, SHAPE_ONLY, INFER, FLOPS)                                            \
    const wg_op wg_op_##NAME = { .name = #NAME,                                                    \
                                 .doc = DOC,                                                       \
                                 .n_in = N_IN,                                                     \
                                 .shape_only = SHAPE_ONLY,                                         \
                                 .attr_size = sizeof(wg_window),                                   \
                                 .fields = pool_fields,                                            \
                                 .infer = INFER,                                                   \
                                 .eval = WG_EVAL_KERNELS(WG_REAL_SINGLE_AVX2(NAME##_eval)),        \
                                 .vjp = NAME##_vjp,                                                \
                                 .flops = FLOPS };
POOL(avg_pool2d, "means of the windows of an image", 1, 0, pool_infer, pool_flops)
POOL(avg_spread, "adjoint of avg_pool2d", 2, WG_SHAPE_ONLY(1), spread_infer, spread_flops)
POOL(max_pool2d, "largest elements of the windows of an image", 1, 0, pool_infer, pool_flops)
POOL(pool_scatter, "elements put where the windows' maxima lie", 2, 0, spread_infer, spread_flops)
POOL(pool_pick, "elements read where the windows' maxima lie", 2, 0, pick_infer, pool_flops)
#undef POOL

wg_tensor *wg_avg_pool2d(wg_tensor *x, wg_window window)
{
    return wg_record1(&wg_op_avg_pool2d, &window, x);
}

wg_tensor *wg_avg_spread(wg_tensor *dy, wg_tensor *like, wg_window window)
{
    return wg_record2(&wg_op_avg_spread, &window, dy, like);
}

wg_tensor *wg_max_pool2d(wg_tensor *x, wg_window window)
{
    return wg_record1(&wg_op_max_pool2d, &window, x);
}

wg_tensor *wg_pool_scatter(wg_tensor *dy, wg_tensor *x, wg_window window)
{
    return wg_record2(&wg_op_pool_scatter, &window, dy, x);
}

wg_tensor *wg_pool_pick(wg_tensor *u, wg_tensor *x, wg_window window)
{
    return wg_record2(&wg_op_pool_pick, &window, u, x);
}

#else /* for each type and level */

#define LOAD(p, n)     ((n) >= VN ? VLOAD(p) : VLOAD_N(p, (int)(n)))
#define STORE(p, x, n) ((n) >= VN ? VSTORE(p, x) : VSTORE_N(p, x, (int)(n)))

typedef struct {
    wg__axis_window row, column;
    int64_t channels, wide;
    const REAL *x, *u; /* the image; what goes with it */
    REAL *y;
    int64_t tap[TAPS]; /* places of the taps of a window inside the image, from its first */
    int taps;          /* 0: too many for the list */
} FN(pool_job);

/* The taps of one window that lie in the image, and where its tap (0, 0) would lie. */
typedef struct {
    int64_t r, r_end, c, c_end, at;
} FN(window);

WG_INLINE FN(window) FN(window_at)(const FN(pool_job) * j, int64_t o, int64_t p)
{
    const wg__axis_window *row = &j->row, *column = &j->column;
    FN(window) w;

    w.r = wg__taps_inside(row, o, &w.r_end);
    w.c = wg__taps_inside(column, p, &w.c_end);
    w.at = (o * row->stride - row->before) * column->n + p * column->stride - column->before;
    return w;
}

WG_INLINE int64_t FN(place)(const FN(pool_job) * j, const FN(window) * w, int64_t r, int64_t c)
{
    return (w->at + r * j->row.step * j->column.n + c * j->column.step) * j->channels;
}

/* Whether some tap lies in the padding. */
WG_INLINE bool FN(sticks_out)(const FN(pool_job) * j, const FN(window) * w)
{
    return (w->r_end - w->r < j->row.taps) | (w->c_end - w->c < j->column.taps);
}

/* Whether the window has all its taps in the list. What is compiled for size has no form of its own
 * for those. */
WG_INLINE bool FN(is_listed)(const FN(pool_job) * j, const FN(window) * w)
{
    return !WG_IS_SMALL && j->taps > 0 && !FN(sticks_out)(j, w);
}

/* Bytes to the windows that come a row later: fetched meanwhile. */
WG_INLINE uintptr_t FN(below)(const FN(pool_job) * j)
{
    return (uintptr_t)(j->row.stride * j->column.n * j->channels) * sizeof(REAL);
}

WG_INLINE V FN(largest)(const FN(pool_job) * j, const FN(window) * w, const REAL *x, int64_t n)
{
    bool any = FN(sticks_out)(j, w);
    uintptr_t below = FN(below)(j);
    V top = { 0 };

    for (int64_t r = w->r; r < w->r_end; r++)
        for (int64_t c = w->c; c < w->c_end; c++) {
            const REAL *at = x + FN(place)(j, w, r, c);
            V here = LOAD(at, n);

            __builtin_prefetch((const void *)((uintptr_t)at + below));
            top = any ? vmax(top, here) : here;
            any = true;
        }
    return top;
}

WG_INLINE V FN(total)(const FN(pool_job) * j, const FN(window) * w, const REAL *x, int64_t n)
{
    V sum = { 0 };

    for (int64_t r = w->r; r < w->r_end; r++)
        for (int64_t c = w->c; c < w->c_end; c++) sum += LOAD(x + FN(place)(j, w, r, c), n);
    return sum;
}

/* The same of a window that is listed; x: its first place. */
WG_INLINE V FN(reduced)(const bool mean, const FN(pool_job) * j, const REAL *x)
{
    uintptr_t below = FN(below)(j);
    V v = VLOAD(x);

    if (mean) v += (V){ 0 };
    __builtin_prefetch((const void *)((uintptr_t)x + below));
    for (int t = 1; t < j->taps; t++) {
        const REAL *at = x + j->tap[t];
        V here = VLOAD(at);

        __builtin_prefetch((const void *)((uintptr_t)at + below));
        v = mean ? v + here : vmax(v, here);
    }
    return v;
}

/* ---- avg_pool2d, max_pool2d: rows of windows ---- */

WG_INLINE void FN(pool_rows)(const bool mean, const FN(pool_job) * j, int64_t lo, int64_t hi)
{
    int64_t ch = j->channels;
    REAL taps = (REAL)j->row.taps * (REAL)j->column.taps;

    for (int64_t i = lo; i < hi; i++) {
        const REAL *x = j->x + i / j->row.out * j->row.n * j->column.n * ch;
        REAL *y = j->y + i * j->column.out * ch;

        for (int64_t p = 0; p < j->column.out; p++, y += ch) {
            FN(window) w = FN(window_at)(j, i % j->row.out, p);

            int64_t k = 0;

            if (FN(is_listed)(j, &w))
                for (; k + VN <= ch; k += VN) {
                    V v = FN(reduced)(mean, j, x + w.at * ch + k);

                    VSTORE(y + k, mean ? v / taps : v);
                }
            for (; k < ch; k += VN) {
                V v = mean ? FN(total)(j, &w, x + k, ch - k) / taps
                           : FN(largest)(j, &w, x + k, ch - k);

                STORE(y + k, v, ch - k);
            }
        }
    }
}

static void FN(avg_pool_rows)(void *arg, int64_t lo, int64_t hi)
{
    FN(pool_rows)(true, arg, lo, hi);
}

static void FN(max_pool_rows)(void *arg, int64_t lo, int64_t hi)
{
    FN(pool_rows)(false, arg, lo, hi);
}

/* The job for an image type; u and y as they come. */
static FN(pool_job) FN(job_of)(const wg_call *c, const wg_type *image)
{
    const wg_shape *x = &image->shape;
    const wg_window *w = c->attr;
    wg__windows g = wg__windows_of(w, x->dim[1], x->dim[2], w->kernel);
    FN(pool_job) j = { .row = g.axis[0], .column = g.axis[1], .channels = x->dim[3], .y = c->y };

    if (w->kernel[0] > TAPS || w->kernel[1] > TAPS || w->kernel[0] * w->kernel[1] > TAPS) return j;
    for (int64_t r = 0; r < w->kernel[0]; r++)
        for (int64_t q = 0; q < w->kernel[1]; q++)
            j.tap[j.taps++] = (r * j.row.step * j.column.n + q * j.column.step) * j.channels;
    return j;
}

static int64_t FN(window_grain)(const FN(pool_job) * j)
{
    return grain(j->column.out * j->channels * j->row.taps * j->column.taps);
}

static void FN(avg_pool2d_eval)(const wg_call *c)
{
    FN(pool_job) j = FN(job_of)(c, c->tx[0]);

    j.x = c->x[0];
    wg_parallel(c->threads, c->tx[0]->shape.dim[0] * j.row.out, FN(window_grain)(&j),
                FN(avg_pool_rows), &j);
}

static void FN(max_pool2d_eval)(const wg_call *c)
{
    FN(pool_job) j = FN(job_of)(c, c->tx[0]);

    j.x = c->x[0];
    wg_parallel(c->threads, c->tx[0]->shape.dim[0] * j.row.out, FN(window_grain)(&j),
                FN(max_pool_rows), &j);
}

/* ---- avg_spread: rows of the image, which whatever windows see them add up to ---- */

static void FN(avg_spread_rows)(void *arg, int64_t lo, int64_t hi)
{
    const FN(pool_job) *j = arg;
    const wg__axis_window *row = &j->row, *column = &j->column;
    int64_t ch = j->channels, line = column->n * ch;
    REAL taps = (REAL)row->taps * (REAL)column->taps;

    for (int64_t i = lo; i < hi; i++) {
        REAL *y = j->y + i * line;

        memset(y, 0, (size_t)line * sizeof(REAL));
        for (int64_t r = 0; r < row->taps; r++) {
            int64_t at = i % row->n + row->before - r * row->step, o = at / row->stride;
            const REAL *dy;

            if (at < 0 || at % row->stride || o >= row->out) continue;
            dy = j->u + (i / row->n * row->out + o) * column->out * ch;
            for (int64_t p = 0; p < column->out; p++, dy += ch) {
                int64_t end, first = wg__taps_inside(column, p, &end);

                for (int64_t c = first; c < end; c++) {
                    REAL *to = y + (p * column->stride - column->before + c * column->step) * ch;

                    for (int64_t k = 0; k < ch; k += VN)
                        STORE(to + k, LOAD(to + k, ch - k) + LOAD(dy + k, ch - k), ch - k);
                }
            }
        }
        for (int64_t k = 0; k < line; k += VN) STORE(y + k, LOAD(y + k, line - k) / taps, line - k);
    }
}

static void FN(avg_spread_eval)(const wg_call *c)
{
    FN(pool_job) j = FN(job_of)(c, c->ty);

    j.u = c->x[0];
    if (wg__count(c->ty) == 0) return;
    wg_parallel(c->threads, c->ty->shape.dim[0] * j.row.n, grain(j.column.n * j.channels * 4),
                FN(avg_spread_rows), &j);
}

/* ---- pool_pick, pool_scatter: where the maxima lie ---- */

/*
 * Visits the taps of one window in row-major order until the first maximum of every channel is
 * found, those in the padding, which are zeros, included. NaN counts as largest.
 */
WG_INLINE V FN(at_largest)(const int how, const FN(pool_job) * j, const FN(window) * w, int64_t k,
                           V u, const REAL *x, const REAL *from, REAL *to)
{
    int64_t n = j->channels - k;
    V top = FN(largest)(j, w, x + k, n), got = { 0 };
    M found = vlt(top, top), nan = vne(top, top);

    for (int64_t r = 0; r < j->row.taps; r++)
        for (int64_t c = 0; c < j->column.taps; c++) {
            bool inside = r >= w->r && r < w->r_end && c >= w->c && c < w->c_end;
            int64_t at = inside ? FN(place)(j, w, r, c) + k : 0;
            V here = inside ? LOAD(x + at, n) : (V){ 0 };
            M hit = vand(vor(veq(here, top), vand(nan, vne(here, here))), vnot(found));

            found = vor(found, hit);
            if (inside && how == SET) {
                __builtin_prefetch((const void *)((uintptr_t)(to + at) + FN(below)(j)), 1);
                STORE(to + at, vsel(hit, 0 + u, (V){ 0 }), n);
            } else if (inside && how == ADD) {
                V y = LOAD(to + at, n);

                STORE(to + at, vsel(hit, y + u, y), n);
            } else if (inside) {
                got = vsel(hit, LOAD(from + at, n), got);
            }
            if (how != SET && !vany(vnot(found))) return got;
        }
    return got;
}

/* The same for a window that is listed; x, from, to: its first place. One pass finds
 * the tap, as a number in each lane. */
WG_INLINE V FN(at_listed)(const int how, const FN(pool_job) * j, V u, const REAL *x,
                          const REAL *from, REAL *to)
{
    V top = VLOAD(x), which = { 0 }, number = { 0 }, got = { 0 };

    for (int t = 1; t < j->taps; t++) {
        V here = VLOAD(x + j->tap[t]);
        M larger = vand(vnot(vle(here, top)), veq(top, top));

        number += 1;
        top = vsel(larger, here, top);
        which = vsel(larger, number, which);
    }
    number = (V){ 0 };
    for (int t = 0; t < j->taps; t++, number += 1) {
        int64_t at = j->tap[t];
        M hit = veq(which, number);

        if (how == SET) {
            __builtin_prefetch((const void *)((uintptr_t)(x + at) + FN(below)(j)));
            __builtin_prefetch((const void *)((uintptr_t)(to + at) + FN(below)(j)), 1);
            VSTORE(to + at, vsel(hit, 0 + u, (V){ 0 }));
        } else if (how == ADD) {
            V y = VLOAD(to + at);

            VSTORE(to + at, vsel(hit, y + u, y));
        } else {
            got = vsel(hit, VLOAD(from + at), got);
        }
    }
    return got;
}

static void FN(pick_rows)(void *arg, int64_t lo, int64_t hi)
{
    const FN(pool_job) *j = arg;
    int64_t ch = j->channels;

    for (int64_t i = lo; i < hi; i++) {
        int64_t image = i / j->row.out * j->row.n * j->column.n * ch;
        REAL *y = j->y + i * j->column.out * ch;

        for (int64_t p = 0; p < j->column.out; p++, y += ch) {
            FN(window) w = FN(window_at)(j, i % j->row.out, p);
            int64_t at = image + w.at * ch, k = 0;

            if (FN(is_listed)(j, &w))
                for (; k + VN <= ch; k += VN)
                    VSTORE(y + k,
                           FN(at_listed)(PICK, j, (V){ 0 }, j->x + at + k, j->u + at + k, NULL));
            for (; k < ch; k += VN) {
                V got = FN(at_largest)(PICK, j, &w, k, (V){ 0 }, j->x + image, j->u + image, NULL);

                STORE(y + k, got, ch - k);
            }
        }
    }
}

static void FN(pool_pick_eval)(const wg_call *c)
{
    FN(pool_job) j = FN(job_of)(c, c->tx[1]);

    j.u = c->x[0];
    j.x = c->x[1];
    wg_parallel(c->threads, c->tx[1]->shape.dim[0] * j.row.out, FN(window_grain)(&j), FN(pick_rows),
                &j);
}

/* The windows of one image, some channels. set: they tile it. */
WG_INLINE void FN(scatter_windows)(const bool set, const FN(pool_job) * j, const REAL *x,
                                   const REAL *dy, REAL *y, int64_t first, int64_t n)
{
    for (int64_t o = 0; o < j->row.out; o++)
        for (int64_t p = 0; p < j->column.out; p++, dy += j->channels) {
            FN(window) w = FN(window_at)(j, o, p);
            int64_t at = w.at * j->channels, k = first;
            int how = set ? SET : ADD;

            if (FN(is_listed)(j, &w))
                for (; k + VN <= first + n; k += VN)
                    FN(at_listed)(how, j, VLOAD(dy + k), x + at + k, NULL, y + at + k);
            for (; k < first + n; k += VN) {
                V v = LOAD(dy + k, j->channels - k);

                FN(at_largest)(how, j, &w, k, v, x, NULL, y);
            }
        }
}

/* Windows may overlap, so a task owns some channels of a whole image: all of them, unless there are
 * more threads than images. */
static void FN(scatter_tasks)(void *arg, int64_t lo, int64_t hi)
{
    const FN(pool_job) *j = arg;
    int64_t ch = j->channels, wide = j->wide, chunks = (ch + wide - 1) / wide;
    int64_t places = j->row.n * j->column.n;
    bool set = tiles(&j->row) && tiles(&j->column);

    for (int64_t t = lo; t < hi; t++) {
        int64_t image = t / chunks, first = t % chunks * wide;
        int64_t n = first + wide < ch ? wide : ch - first;
        const REAL *x = j->x + image * places * ch;
        const REAL *dy = j->u + image * j->row.out * j->column.out * ch;
        REAL *y = j->y + image * places * ch;

        if (!set && n == ch) memset(y, 0, (size_t)(places * ch) * sizeof(REAL));
        for (int64_t q = 0; q < places && !set && n < ch; q++)
            memset(y + q * ch + first, 0, (size_t)n * sizeof(REAL));
        if (WG_IS_SMALL) FN(scatter_windows)(set, j, x, dy, y, first, n);
        else if (set) FN(scatter_windows)(true, j, x, dy, y, first, n);
        else FN(scatter_windows)(false, j, x, dy, y, first, n);
    }
}

static void FN(pool_scatter_eval)(const wg_call *c)
{
    FN(pool_job) j = FN(job_of)(c, c->ty);
    int64_t images = c->ty->shape.dim[0];

    j.u = c->x[0];
    j.x = c->x[1];
    j.wide = images < c->threads ? CHUNK / (int64_t)sizeof(REAL) : j.channels;
    if (wg__count(c->ty) == 0) return;
    wg_parallel(c->threads, images * ((j.channels + j.wide - 1) / j.wide),
                grain(j.row.n * j.column.n * j.wide), FN(scatter_tasks), &j);
}

#undef LOAD
#undef STORE
#endif
