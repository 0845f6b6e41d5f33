/* softmax.c: softmax along any axis, to the second order. */
#include "wengert/reference_dense.h"

#include <math.h>

/* The line of C elements, `inner` apart, that line number `k` of outer * inner starts at. */
static int64_t line_start(int64_t k, int64_t C, int64_t inner)
{
    return k / inner * C * inner + k % inner;
}

void wg_ref_softmax(int64_t outer, int64_t C, int64_t inner, const double *X, double *Y)
{
    for (int64_t k = 0; k < outer * inner; k++) {
        int64_t from = line_start(k, C, inner), to = from + C * inner;
        double top = -INFINITY, sum = 0;

        for (int64_t i = from; i < to; i += inner) top = fmax(top, X[i]);
        for (int64_t i = from; i < to; i += inner) sum += Y[i] = exp(X[i] - top);
        for (int64_t i = from; i < to; i += inner) Y[i] /= sum;
    }
}

void wg_ref_softmax_backward(int64_t outer, int64_t C, int64_t inner, const double *Y,
                             const double *dY, double *dX)
{
    for (int64_t k = 0; k < outer * inner; k++) {
        int64_t from = line_start(k, C, inner), to = from + C * inner;
        double dot = 0;

        for (int64_t i = from; i < to; i += inner) dot += dY[i] * Y[i];
        for (int64_t i = from; i < to; i += inner) dX[i] = Y[i] * (dY[i] - dot);
    }
}

void wg_ref_softmax_bwd2(int64_t outer, int64_t C, int64_t inner, const double *Y, const double *dY,
                         const double *G, double *ddY, double *dX2)
{
    for (int64_t k = 0; k < outer * inner; k++) {
        int64_t from = line_start(k, C, inner), to = from + C * inner;
        double dot = 0, gdot = 0, hdot = 0;

        for (int64_t i = from; i < to; i += inner) {
            dot += dY[i] * Y[i];
            gdot += G[i] * Y[i];
        }
        for (int64_t i = from; i < to; i += inner) {
            dX2[i] = G[i] * (dY[i] - dot) - dY[i] * gdot; /* h */
            hdot += dX2[i] * Y[i];
        }
        for (int64_t i = from; i < to; i += inner) {
            dX2[i] = Y[i] * (dX2[i] - hdot);
            ddY[i] = Y[i] * (G[i] - gdot);
        }
    }
}
