/* op_cases_window.c: convolution, pooling, windows. Every reference visits output places and taps one by one. */
#include "op_cases.h"

#include <math.h>

/* ---- geometry, once more and by itself ---- */

typedef struct {
    int64_t k[2], stride[2], gap[2], before[2], out[2];
} geometry;

/* From the definition: an output place o reads input places o stride + tap gap - before. */
static geometry geometry_of(const wg_window *w, int64_t k0, int64_t k1, const int64_t *in)
{
    geometry m = { .k = { k0, k1 } };

    for (int a = 0; a < 2; a++) {
        int64_t effective, total;

        m.stride[a] = w->stride[a] ? w->stride[a] : 1;
        m.gap[a] = w->dilation[a] + 1;
        effective = (m.k[a] - 1) * m.gap[a] + 1;
        total = m.stride[a] * (in[a] - 1) + effective - in[a];
        if (w->pad_mode == WG_PAD_EXPLICIT) {
            m.before[a] = w->pad[2 * a];
            total = w->pad[2 * a] + w->pad[2 * a + 1];
        } else {
            m.before[a] = w->pad_mode == WG_PAD_SAME ? total / 2 : total;
        }
        m.out[a] = (in[a] + total - effective) / m.stride[a] + 1;
    }
    return m;
}

/* Position in an image [n, rows, cols, ch] of a tap; -1 in the padding. */
static int64_t tap(const nd *x, const geometry *m, int64_t n, int64_t r, int64_t c, int64_t i,
                   int64_t j, int64_t ch)
{
    int64_t row = r * m->stride[0] + i * m->gap[0] - m->before[0];
    int64_t col = c * m->stride[1] + j * m->gap[1] - m->before[1];

    if (row < 0 || row >= x->dim[1] || col < 0 || col >= x->dim[2]) return -1;
    return ((n * x->dim[1] + row) * x->dim[2] + col) * x->dim[3] + ch;
}

/* Calls body for every (image place, weight, output place) of a convolution: the trilinear form all three
 * records share. */
typedef void triple_fn(const nd *arg, nd *result, int64_t at_x, int64_t at_w, int64_t at_y);

static void each_triple(const nd *x, const int64_t *w_dim, const geometry *m, triple_fn *body,
                        const nd *arg, nd *result)
{
    int64_t ci = w_dim[2], co = w_dim[3];

    for (int64_t n = 0; n < x->dim[0]; n++)
        for (int64_t r = 0; r < m->out[0]; r++)
            for (int64_t c = 0; c < m->out[1]; c++)
                for (int64_t i = 0; i < m->k[0]; i++)
                    for (int64_t j = 0; j < m->k[1]; j++)
                        for (int64_t p = 0; p < ci; p++)
                            for (int64_t q = 0; q < co; q++) {
                                int64_t at = tap(x, m, n, r, c, i, j, p);

                                if (at < 0) continue;
                                body(arg, result, at, ((i * m->k[1] + j) * ci + p) * co + q,
                                     ((n * m->out[0] + r) * m->out[1] + c) * co + q);
                            }
}

static void into_y(const nd *a, nd *y, int64_t at_x, int64_t at_w, int64_t at_y)
{
    y->v[at_y] += a[0].v[at_x] * a[1].v[at_w];
}
static void into_x(const nd *a, nd *dx, int64_t at_x, int64_t at_w, int64_t at_y)
{
    dx->v[at_x] += a[0].v[at_y] * a[1].v[at_w];
}
static void into_w(const nd *a, nd *dw, int64_t at_x, int64_t at_w, int64_t at_y)
{
    dw->v[at_w] += a[0].v[at_x] * a[1].v[at_y];
}

/* ---- the windows of the rows ---- */

static const wg_window plain = { 0 };
static const wg_window strided = { .stride = { 2, 1 }, .pad = { 1, 0, 1, 1 } };
static const wg_window dilated = { .dilation = { 1, 0 }, .pad_mode = WG_PAD_SAME };
static const wg_window causal = { .dilation = { 1, 1 }, .pad_mode = WG_PAD_CAUSAL };

static nd conv(const nd *x, const wg_window *w)
{
    geometry m = geometry_of(w, x[1].dim[0], x[1].dim[1], &x[0].dim[1]);
    nd y = nd_new(4, (int64_t[]){ x[0].dim[0], m.out[0], m.out[1], x[1].dim[3] });

    each_triple(&x[0], x[1].dim, &m, into_y, x, &y);
    return y;
}

#define CONV(id, window)                                                                           \
    BUILD(id, wg_conv2d(x[0], x[1], window))                                                       \
    static nd id##_ref(const nd *x)                                                                \
    {                                                                                              \
        return conv(x, &window);                                                                   \
    }
CONV(conv2d, plain)
CONV(conv2d_strided, strided)
CONV(conv2d_dilated, dilated)
CONV(conv2d_causal, causal)

/* operands dy, w, like */
static nd conv_dx(const nd *x, const wg_window *w)
{
    geometry m = geometry_of(w, x[1].dim[0], x[1].dim[1], &x[2].dim[1]);
    nd y = nd_new(4, x[2].dim);

    each_triple(&x[2], x[1].dim, &m, into_x, x, &y);
    return y;
}
BUILD(conv2d_dx, wg_conv2d_dx(x[0], x[1], x[2], plain))
BUILD(conv2d_dx_strided, wg_conv2d_dx(x[0], x[1], x[2], strided))
BUILD(conv2d_dx_free, wg_conv2d_dx(x[0], x[1], NULL, strided))
static nd conv2d_dx_ref(const nd *x)
{
    return conv_dx(x, &plain);
}
static nd conv2d_dx_strided_ref(const nd *x)
{
    return conv_dx(x, &strided);
}
/* dy [B, 2, 3, 2], w [2, 2, 2, 2]: rows 2 (2 - 1) + 2 - 1 = 3, columns 3 - 1 + 2 - 2 = 2 */
static nd conv2d_dx_free_ref(const nd *x)
{
    nd like = nd_new(4, (int64_t[]){ x[0].dim[0], 3, 2, 2 }), y;

    y = conv_dx((nd[]){ x[0], x[1], like }, &strided);
    nd_free(&like);
    return y;
}

/* operands x, dy, like */
static nd conv_dw(const nd *x, const wg_window *w)
{
    geometry m = geometry_of(w, x[2].dim[0], x[2].dim[1], &x[0].dim[1]);
    nd y = nd_new(4, x[2].dim);

    each_triple(&x[0], x[2].dim, &m, into_w, x, &y);
    return y;
}
BUILD(conv2d_dw, wg_conv2d_dw(x[0], x[1], x[2], plain))
BUILD(conv2d_dw_strided, wg_conv2d_dw(x[0], x[1], x[2], strided))
static nd conv2d_dw_ref(const nd *x)
{
    return conv_dw(x, &plain);
}
static nd conv2d_dw_strided_ref(const nd *x)
{
    return conv_dw(x, &strided);
}

BUILD(conv1d, wg_conv1d(x[0], x[1], (wg_window){ .stride = { 2, 0 }, .pad = { 1, 1 } }))
static nd conv1d_ref(const nd *x)
{
    int64_t n = x[0].dim[0], len = x[0].dim[1], out = (len + 2 - 2) / 2 + 1;
    nd y = nd_new(3, (int64_t[]){ n, out, 2 });

    for (int64_t b = 0; b < n; b++)
        for (int64_t o = 0; o < out; o++)
            for (int64_t q = 0; q < 2; q++)
                for (int64_t i = 0; i < 2; i++)
                    for (int64_t p = 0; p < 2; p++) {
                        int64_t at = 2 * o + i - 1;

                        if (at >= 0 && at < len)
                            y.v[(b * out + o) * 2 + q] +=
                                x[0].v[(b * len + at) * 2 + p] * x[1].v[(i * 2 + p) * 2 + q];
                    }
    return y;
}

/* ---- pooling ---- */

static const wg_window pool = { .kernel = { 2, 2 }, .stride = { 2, 2 } };
static const wg_window overlap = { .kernel = { 2, 3 }, .stride = { 1, 1 }, .pad = { 1, 0, 1, 1 } };

/* Position of the largest element of a window, padding counted as zeros (-1). */
static int64_t argmax_of(const nd *x, const geometry *m, int64_t n, int64_t r, int64_t c,
                         int64_t ch)
{
    double top = -INFINITY;
    int64_t best = -1;

    for (int64_t i = 0; i < m->k[0]; i++)
        for (int64_t j = 0; j < m->k[1]; j++) {
            int64_t at = tap(x, m, n, r, c, i, j, ch);
            double v = at < 0 ? 0 : x->v[at];

            if (v > top) {
                top = v;
                best = at;
            }
        }
    return best;
}

/* What pools and their partners do at one output place, whose position is `at`. */
typedef void place_fn(const nd *a, nd *result, const geometry *m, int64_t at, int64_t n, int64_t r,
                      int64_t c, int64_t ch);

static void each_place(const nd *x, const geometry *m, place_fn *body, const nd *a, nd *result)
{
    int64_t at = 0;

    for (int64_t n = 0; n < x->dim[0]; n++)
        for (int64_t r = 0; r < m->out[0]; r++)
            for (int64_t c = 0; c < m->out[1]; c++)
                for (int64_t ch = 0; ch < x->dim[3]; ch++) body(a, result, m, at++, n, r, c, ch);
}

static void put_mean(const nd *a, nd *y, const geometry *m, int64_t at, int64_t n, int64_t r,
                     int64_t c, int64_t ch)
{
    for (int64_t i = 0; i < m->k[0]; i++)
        for (int64_t j = 0; j < m->k[1]; j++) {
            int64_t from = tap(&a[0], m, n, r, c, i, j, ch);

            if (from >= 0) y->v[at] += a[0].v[from] / (double)(m->k[0] * m->k[1]);
        }
}
/* a: dy, like */
static void spread_mean(const nd *a, nd *dx, const geometry *m, int64_t at, int64_t n, int64_t r,
                        int64_t c, int64_t ch)
{
    for (int64_t i = 0; i < m->k[0]; i++)
        for (int64_t j = 0; j < m->k[1]; j++) {
            int64_t to = tap(&a[1], m, n, r, c, i, j, ch);

            if (to >= 0) dx->v[to] += a[0].v[at] / (double)(m->k[0] * m->k[1]);
        }
}
static void put_max(const nd *a, nd *y, const geometry *m, int64_t at, int64_t n, int64_t r,
                    int64_t c, int64_t ch)
{
    int64_t from = argmax_of(&a[0], m, n, r, c, ch);

    y->v[at] = from < 0 ? 0 : a[0].v[from];
}
/* a: u, x */
static void pick(const nd *a, nd *y, const geometry *m, int64_t at, int64_t n, int64_t r, int64_t c,
                 int64_t ch)
{
    int64_t from = argmax_of(&a[1], m, n, r, c, ch);

    y->v[at] = from < 0 ? 0 : a[0].v[from];
}
/* a: dy, x */
static void put_back(const nd *a, nd *dx, const geometry *m, int64_t at, int64_t n, int64_t r,
                     int64_t c, int64_t ch)
{
    int64_t to = argmax_of(&a[1], m, n, r, c, ch);

    if (to >= 0) dx->v[to] += a[0].v[at];
}

static nd pooled(const nd *a, const nd *x, const wg_window *w, place_fn *body)
{
    geometry m = geometry_of(w, w->kernel[0], w->kernel[1], &x->dim[1]);
    nd y = nd_new(4, (int64_t[]){ x->dim[0], m.out[0], m.out[1], x->dim[3] });

    each_place(x, &m, body, a, &y);
    return y;
}
static nd unpooled(const nd *a, const nd *x, const wg_window *w, place_fn *body)
{
    geometry m = geometry_of(w, w->kernel[0], w->kernel[1], &x->dim[1]);
    nd y = nd_new(4, x->dim);

    each_place(x, &m, body, a, &y);
    return y;
}

BUILD(avg_pool2d, wg_avg_pool2d(x[0], pool))
BUILD(avg_overlap, wg_avg_pool2d(x[0], overlap))
BUILD(max_pool2d, wg_max_pool2d(x[0], pool))
BUILD(max_overlap, wg_max_pool2d(x[0], overlap))
BUILD(avg_spread, wg_avg_spread(x[0], x[1], overlap))
BUILD(pool_scatter, wg_pool_scatter(x[0], x[1], overlap))
BUILD(pool_pick, wg_pool_pick(x[0], x[1], overlap))
static nd avg_pool2d_ref(const nd *x)
{
    return pooled(x, &x[0], &pool, put_mean);
}
static nd avg_overlap_ref(const nd *x)
{
    return pooled(x, &x[0], &overlap, put_mean);
}
static nd max_pool2d_ref(const nd *x)
{
    return pooled(x, &x[0], &pool, put_max);
}
static nd max_overlap_ref(const nd *x)
{
    return pooled(x, &x[0], &overlap, put_max);
}
static nd avg_spread_ref(const nd *x)
{
    return unpooled(x, &x[1], &overlap, spread_mean);
}
static nd pool_scatter_ref(const nd *x)
{
    return unpooled(x, &x[1], &overlap, put_back);
}
static nd pool_pick_ref(const nd *x)
{
    return pooled(x, &x[1], &overlap, pick);
}

/* ---- windows as rows ---- */

BUILD(im2col, wg_im2col(x[0], overlap))
static nd im2col_ref(const nd *x)
{
    geometry m = geometry_of(&overlap, 2, 3, &x[0].dim[1]);
    nd y = nd_new(6, (int64_t[]){ x[0].dim[0], m.out[0], m.out[1], 2, 3, x[0].dim[3] });
    int64_t ch = x[0].dim[3];

    for (int64_t e = 0; e < nd_count(&y); e++) {
        int64_t place = e / (6 * ch), from;

        from = tap(&x[0], &m, place / (m.out[0] * m.out[1]), place / m.out[1] % m.out[0],
                   place % m.out[1], e / (3 * ch) % 2, e / ch % 3, e % ch);
        if (from >= 0) y.v[e] = x[0].v[from];
    }
    return y;
}

BUILD(col2im_like, wg_col2im_like(x[0], x[1], overlap))
static nd col2im_like_ref(const nd *x)
{
    geometry m = geometry_of(&overlap, 2, 3, &x[1].dim[1]);
    nd y = nd_new(4, x[1].dim);
    int64_t ch = x[1].dim[3];

    for (int64_t e = 0; e < nd_count(&x[0]); e++) {
        int64_t place = e / (6 * ch), to;

        to = tap(&x[1], &m, place / (m.out[0] * m.out[1]), place / m.out[1] % m.out[0],
                 place % m.out[1], e / (3 * ch) % 2, e / ch % 3, e % ch);
        if (to >= 0) y.v[to] += x[0].v[e];
    }
    return y;
}

static const op_case rows[] = {
    REF(conv2d, "", 0, REAL(-1, 1, B, 3, 3, 2), REAL(-1, 1, 2, 2, 2, 2)),
    REF_OF("conv2d strided", conv2d_strided, 0, REAL(-1, 1, B, 4, 3, 1), REAL(-1, 1, 2, 2, 1, 2)),
    REF_OF("conv2d dilated", conv2d_dilated, 0, REAL(-1, 1, B, 4, 3, 1), REAL(-1, 1, 2, 2, 1, 2)),
    REF_OF("conv2d causal", conv2d_causal, 0, REAL(-1, 1, B, 3, 3, 1), REAL(-1, 1, 2, 2, 1, 1)),
    REF_OF("conv2d one row", conv1d, 0, REAL(-1, 1, B, 4, 2), REAL(-1, 1, 2, 2, 2)),
    REF(conv2d_dx, "", 0, REAL(-1, 1, B, 2, 2, 2), REAL(-1, 1, 2, 2, 2, 2),
        REAL(-1, 1, B, 3, 3, 2)),
    REF_OF("conv2d_dx strided", conv2d_dx_strided, 0, REAL(-1, 1, B, 2, 4, 2),
           REAL(-1, 1, 2, 2, 1, 2), REAL(-1, 1, B, 4, 3, 1)),
    REF_OF("conv2d_dx free", conv2d_dx_free, 0, REAL(-1, 1, B, 2, 3, 2), REAL(-1, 1, 2, 2, 2, 2)),
    REF(conv2d_dw, "", 0, REAL(-1, 1, B, 3, 3, 2), REAL(-1, 1, B, 2, 2, 2),
        REAL(-1, 1, 2, 2, 2, 2)),
    REF_OF("conv2d_dw strided", conv2d_dw_strided, 0, REAL(-1, 1, B, 4, 3, 1),
           REAL(-1, 1, B, 2, 4, 2), REAL(-1, 1, 2, 2, 1, 2)),
    REF(avg_pool2d, "", LINEAR, REAL(-1, 1, B, 4, 4, 1)),
    REF_OF("avg_pool2d overlap", avg_overlap, LINEAR, REAL(-1, 1, B, 3, 3, 2)),
    REF(max_pool2d, "", LINEAR, GRID(-8, 8, B, 4, 4, 1)),
    REF_OF("max_pool2d overlap", max_overlap, LINEAR, GRID(-8, 8, B, 3, 3, 2)),
    REF(avg_spread, "", LINEAR, REAL(-1, 1, B, 3, 3, 2), REAL(-1, 1, B, 3, 3, 2)),
    REF(pool_scatter, "", LINEAR, REAL(-1, 1, B, 3, 3, 2), GRID(-8, 8, B, 3, 3, 2)),
    REF(pool_pick, "", LINEAR, REAL(-1, 1, B, 3, 3, 2), GRID(-8, 8, B, 3, 3, 2)),
    REF(im2col, "", LINEAR, REAL(-1, 1, B, 2, 3, 2)),
    REF(col2im_like, "", LINEAR, REAL(-1, 1, B, 2, 3, 2, 3, 2), REAL(-1, 1, B, 2, 3, 2)),
};
ROWS(op_cases_window);
