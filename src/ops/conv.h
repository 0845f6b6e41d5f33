/* conv.h: what the kernels of the convolutions share: geometry, and strips of images. */
#ifndef WG_OPS_CONV_H
#define WG_OPS_CONV_H

#include "gemm.h"
#include "window.h"

/* Extents of one convolution, forwards: x [n, ., ., in], y [n, ., ., out], w [., ., in, out]. */
typedef struct {
    int64_t n, in, out;
    wg__windows g;
} wg__conv;

enum {
    WG_CONV_POINTS = 192, /* places of the result made together: rows of a block of the left side */
    WG_CONV_TERMS = 256   /* places summed together by the weights' adjoint */
};

/*
 * A part of the result of a convolution or of its adjoint in x, along one axis: the places first +
 * g * to_step, g < grid. Place g is summed over tap + k * tap_step, k < taps, which meet the places
 * from + g * from_step + k * reach of the operand. Strides split the adjoint into such parts, each
 * an ordinary convolution; a convolution is one part.
 */
typedef struct {
    int64_t n; /* extent of the operand */
    int64_t grid, first, to_step;
    int64_t from, from_step;
    int64_t taps, tap, tap_step, reach;
} wg__part;

/* How the places of a part, of n images, are dealt out: units of whole images, of whole rows, or of
 * pieces of one row. */
typedef struct {
    int64_t images, rows, columns;    /* of a unit, at most */
    int64_t per_image, across, count; /* units of an image (1 if it holds many), of a row, of all */
} wg__units;

typedef struct {
    int64_t image, images, row, rows, column, columns;
} wg__unit;

/* The piece of the operand under a unit: `rows` x `columns` places for each image; copied with
 * zeros where it would stick out of the image, and read in place where it does not. */
typedef struct {
    int64_t rows, columns;
    bool whole_rows; /* no unit sticks out sideways: rows are those of the operand */
} wg__strip;

wg__part wg__part_forwards(const wg__axis_window *a);
wg__part wg__part_adjoint(const wg__axis_window *a, int64_t first);
wg__units wg__units_of(int64_t n, const wg__part part[2], int64_t most);
wg__unit wg__unit_at(const wg__units *u, int64_t n, const wg__part part[2], int64_t i);
wg__strip wg__strip_of(const wg__units *u, const wg__part part[2]);

/* Places of a strip, all images of a unit. */
static inline int64_t wg__strip_places(const wg__strip *s, const wg__units *u)
{
    return u->images * s->rows * s->columns;
}

/* Where the first tap of the unit's first place meets the operand x, whose places have `place`
 * bytes. Images lie *apart places apart, rows s->columns. `room` holds a strip. */
const void *wg__strip_put(const wg__strip *s, const wg__part part[2], const wg__unit *u,
                          size_t place, const void *x, void *room, int64_t *apart);

/* y (the operand's type when adjoint) from x and w; dw from x and dy: for each type, by the kit of a
 * level. */
#define WG_CONV_OF(REAL, T)                                                                        \
    void wg__conv_apply##T(const wg__gemm_kit##T *kit, const wg__conv *v, bool adjoint,            \
                           const REAL *x, const REAL *w, REAL *y, void *scratch, int threads);     \
    void wg__conv_weights##T(const wg__gemm_kit##T *kit, const wg__conv *v, const REAL *x,         \
                             const REAL *dy, REAL *dw, void *scratch, int threads);
WG_CONV_OF(float, _f32)
WG_CONV_OF(double, _f64)
#undef WG_CONV_OF

/* x from dy and w, for each type and level. */
#define WG_CONV_OF(REAL, S)                                                                        \
    void wg__conv_spread##S(const wg__conv *v, const REAL *dy, const REAL *w, REAL *x,             \
                            void *scratch, int threads);
WG_CONV_OF(float, _f32_0)
WG_CONV_OF(double, _f64_0)
WG_CONV_OF(float, _f32_1)
WG_CONV_OF(double, _f64_1)
WG_CONV_OF(float, _f32_2)
WG_CONV_OF(double, _f64_2)
#undef WG_CONV_OF

/* Whether the adjoint in x is better made by conv_spread than by conv_apply. */
bool wg__conv_spreads(const wg__conv *v);

/* Bytes of scratch that they want. */
size_t wg__conv_apply_scratch(const wg__conv *v, bool adjoint, size_t size, int threads);
size_t wg__conv_spread_scratch(const wg__conv *v, size_t size, int threads);
size_t wg__conv_weights_scratch(const wg__conv *v, size_t size, int threads);

/* The same convolution with an axis of extent 1 made the rows: an image of one column becomes one
 * row, and its windows whole stretches of memory. */
wg__conv wg__conv_laid(const wg__conv *v);

#endif
