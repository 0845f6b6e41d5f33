/* utils_shape.h: what the utilities for arrays share: checks, and a convolution's extents. */
#ifndef NN_UTILS_SHAPE_H
#define NN_UTILS_SHAPE_H

#include "wengert/op.h"
#include "wengert/utils.h"

/* Hands an error on. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        wg_status status_ = (call);                                                                \
        if (status_ != WG_OK) return status_;                                                      \
    } while (0)

/* A convolution of images; a sequence is an image of one row. */
typedef struct {
    int64_t n, in, out, stride, step; /* step: dilation + 1, from tap to tap */
    int64_t size[2], kernel[2];       /* rows, cols */
    int64_t reach[2];                 /* effective kernel */
    int64_t pad[4];                   /* top, bottom, left, right */
    int64_t result[2];                /* rows', cols' */
} wg__geometry;

/* Bytes of "[2 x 3]" for a shape without an element type. */
enum { WG__SHAPE_TEXT = WG_TYPE_TEXT };
const char *wg__shape_text(const wg_shape *s, char buf[WG__SHAPE_TEXT]);
#define WG__SHAPE_STR(s) wg__shape_text((s), (char[WG__SHAPE_TEXT]){ 0 })

/* Whether the shape has this rank and extents from 1 to 2^31 - 1; else an error that calls it
 * `what`. */
wg_status wg__shape_is(const char *op, const char *what, const wg_shape *s, int rank,
                       wg_error *error);

/* The same for an array, and that it has data. */
wg_status wg__array_is(const char *op, const char *what, const wg_array *a, int rank,
                       wg_error *error);

/* Stride in 1..2^31 - 1 and dilation in 0..2^31 - 1. */
wg_status wg__steps_are(const char *op, int64_t stride, int64_t dilation, wg_error *error);

/* The padding of an axis pair as four numbers, of an image (rank 4) or a sequence (rank 3: the
 * first two are 0). 'same' and 'causal' use w's extents, stride and reach; `turned` crops the
 * result of a transposed convolution instead. */
wg_status wg__padding(const char *op, const wg_padding *pad, int rank, bool turned, wg__geometry *w,
                      wg_error *error);

/* Everything about X_shape convolved with W_shape, both of rank 4 or both of rank 3. */
wg_status wg__convolution(const char *op, const wg_shape *X_shape, const wg_shape *W_shape,
                          int64_t stride, const wg_padding *pad, int64_t dilation, bool turned,
                          wg__geometry *w, wg_error *error);

/* A cleared result of this type; untouched after an error. */
wg_status wg__result(const char *op, wg_dtype dtype, wg_shape shape, wg_array *result,
                     wg_error *error);

/* Rounds sums in double to a result of this type; takes over the sums' memory. */
wg_status wg__rounded(const char *op, wg_dtype dtype, wg_array *sum, wg_array *result,
                      wg_error *error);

/* X and W real and of one type. */
wg_status wg__both_real(const char *op, const wg_array *X, const wg_array *W, wg_error *error);

#endif
