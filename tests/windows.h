/* windows.h: where windows lie, by their definition alone: for tests of convolutions and pools. */
#ifndef WINDOWS_H
#define WINDOWS_H

#include "kernel_run.h"

/* One convolution or pool; `in` counts the channels of a pool. */
typedef struct {
    int64_t n, rows, columns, in, out, kr, kc;
    wg_window w;
} convolution;

typedef struct {
    int64_t out[2], before[2];
} placed;

static inline int64_t stride_of(const wg_window *w, int axis)
{
    return w->stride[axis] > 1 ? w->stride[axis] : 1;
}

static inline placed place(const wg_window *w, int64_t rows, int64_t columns, int64_t kr,
                           int64_t kc)
{
    placed p;

    for (int a = 0; a < 2; a++) {
        int64_t n = a ? columns : rows, k = a ? kc : kr, s = stride_of(w, a);
        int64_t reach = (k - 1) * (w->dilation[a] + 1) + 1, total;

        switch (w->pad_mode) {
        case WG_PAD_SAME:
        case WG_PAD_CAUSAL:
            total = s * (n - 1) + reach - n;
            break;
        case WG_PAD_HALF:
        case WG_PAD_FRONT:
            total = reach - 1;
            break;
        default:
            total = w->pad[2 * a] + w->pad[2 * a + 1];
        }
        p.before[a] = w->pad_mode == WG_PAD_EXPLICIT                             ? w->pad[2 * a]
                      : w->pad_mode == WG_PAD_SAME || w->pad_mode == WG_PAD_HALF ? total / 2
                                                                                 : total;
        p.out[a] = 0;
        while (p.out[a] * s + reach <= n + total) p.out[a]++;
    }
    return p;
}

/* The element of an image under a tap of a window, or -1 in the padding. */
static inline int64_t under(const convolution *c, const placed *p, int64_t image, int64_t o,
                            int64_t q, int64_t r, int64_t t)
{
    int64_t row = o * stride_of(&c->w, 0) - p->before[0] + r * (c->w.dilation[0] + 1);
    int64_t column = q * stride_of(&c->w, 1) - p->before[1] + t * (c->w.dilation[1] + 1);

    if (row < 0 || row >= c->rows || column < 0 || column >= c->columns) return -1;
    return ((image * c->rows + row) * c->columns + column) * c->in;
}

#define PAD(...) .pad = { __VA_ARGS__ }

#endif
