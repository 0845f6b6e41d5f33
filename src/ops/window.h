/*
 * window.h: where the windows of a convolution or a pooling lie: resolved from a wg_window and the
 * extents at hand, each time anew, because a graph is recorded at one size and run at others.
 */
#ifndef WG_OPS_WINDOW_H
#define WG_OPS_WINDOW_H

#include "op.h"

/* One axis: window o covers the places o * stride - before + t * step, t < taps; those below 0 or
 * from n on are padding. */
typedef struct {
    int64_t n, out;     /* extents of the image and of its windows */
    int64_t taps, step; /* step: 1 + inserted elements */
    int64_t stride;
    int64_t before; /* padding */
} wg__axis_window;

typedef struct {
    wg__axis_window axis[2]; /* rows, columns */
} wg__windows;

extern const char *const wg__pad_modes[];

/* The fields of a struct T that is, or begins with, a wg_window. */
#define WG_WINDOW_FIELDS(T)                                                                        \
    WG_FIELD(T, kernel), WG_FIELD(T, stride), WG_FIELD(T, dilation),                               \
        WG_CHOICE(T, pad_mode, wg__pad_modes), WG_FIELD(T, pad)

/* Operand i must have the four axes of an image. WG_ESHAPE otherwise. */
static inline bool wg__image_fits(const wg_sig *s, int i)
{
    if (s->in[i]->shape.rank == 4) return true;
    return wg_sig_fail(s, WG_ESHAPE, "operand %d is %s: wanted an image [n, rows, cols, channels]",
                       i, WG_TYPE_STR(s->in[i]));
}

/* Errors: WG_EARG for negative or huge numbers, WG_ESHAPE when a window does not fit into rows x
 * columns with their padding; the text shows operand `shown`. `taps` are the window's extents. */
bool wg__windows_infer(const wg_sig *s, const wg_window *w, int64_t rows, int64_t columns,
                       const int64_t taps[2], int shown, wg__windows *to);

/* The same backwards: rows and columns from those of the windows, as transposed convolution has
 * them. */
bool wg__windows_spread(const wg_sig *s, const wg_window *w, int64_t rows, int64_t columns,
                        const int64_t taps[2], int shown, wg__windows *to);

/* The same for what a shape rule has accepted. */
wg__windows wg__windows_of(const wg_window *w, int64_t rows, int64_t columns,
                           const int64_t taps[2]);
wg__windows wg__windows_spread_of(const wg_window *w, int64_t rows, int64_t columns,
                                  const int64_t taps[2]);

/* Taps t of window o that lie inside the image: first..*end-1. */
static inline int64_t wg__taps_inside(const wg__axis_window *a, int64_t o, int64_t *end)
{
    int64_t start = o * a->stride - a->before, first, last;

    if (start >= 0 && start + (a->taps - 1) * a->step < a->n) { /* no division */
        *end = a->taps;
        return 0;
    }
    first = start >= 0 ? 0 : (-start + a->step - 1) / a->step;
    last = a->n - start <= 0 ? 0 : (a->n - start + a->step - 1) / a->step;
    *end = last < a->taps ? last : a->taps;
    if (first > *end) first = *end;
    return first;
}

#endif
