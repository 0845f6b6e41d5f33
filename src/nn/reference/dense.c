/* dense.c: fully connected layers, whole and sparse, to the second order. */
#include "wengert/reference_dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *scratch(int64_t n)
{
    return calloc(n > 0 ? (size_t)n : 1, sizeof(double));
}

/* C [n, m] = A [n, k] B [k, m] */
static void product(int64_t n, int64_t k, int64_t m, const double *A, const double *B, double *C)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) {
            double sum = 0;

            for (int64_t l = 0; l < k; l++) sum += A[i * k + l] * B[l * m + j];
            C[i * m + j] = sum;
        }
    }
}

/* C [n, k] = A [n, m] B^T, B [k, m] */
static void product_Bt(int64_t n, int64_t k, int64_t m, const double *A, const double *B, double *C)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t l = 0; l < k; l++) {
            double sum = 0;

            for (int64_t j = 0; j < m; j++) sum += A[i * m + j] * B[l * m + j];
            C[i * k + l] = sum;
        }
    }
}

/* C [k, m] += A^T B, A [n, k], B [n, m] */
static void add_At_product(int64_t n, int64_t k, int64_t m, const double *A, const double *B,
                           double *C)
{
    for (int64_t l = 0; l < k; l++) {
        for (int64_t j = 0; j < m; j++) {
            double sum = 0;

            for (int64_t i = 0; i < n; i++) sum += A[i * k + l] * B[i * m + j];
            C[l * m + j] += sum;
        }
    }
}

static void add_rows(int64_t n, int64_t m, const double *A, double *sum)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) sum[j] += A[i * m + j];
}

void wg_ref_fully_connected(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out, const double *X,
                            const double *W, const double *b, double *Z, double *Y)
{
    product(N, n_in, n_out, X, W, Z);
    for (int64_t i = 0; b && i < N; i++)
        for (int64_t j = 0; j < n_out; j++) Z[i * n_out + j] += b[j];
    if (Y) wg_ref_act_fn_n(act, N * n_out, Z, Y);
}

bool wg_ref_fully_connected_backward(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out,
                                     const double *X, const double *W, const double *Z,
                                     const double *dY, double *dX, double *dW, double *db)
{
    double *dZ = scratch(N * n_out);

    if (!dZ) return false;
    wg_ref_act_backward(act, N * n_out, Z, dY, dZ);
    if (dX) product_Bt(N, n_in, n_out, dZ, W, dX);
    if (dW) add_At_product(N, n_in, n_out, X, dZ, dW);
    if (db) add_rows(N, n_out, dZ, db);
    free(dZ);
    return true;
}

bool wg_ref_fully_connected_bwd2(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out,
                                 const double *X, const double *W, const double *Z,
                                 const double *dY, const double *G, double *ddY, double *dX2,
                                 double *dW, double *db)
{
    int64_t n = N * n_out;
    double *dZ = scratch(n), *P = scratch(n), *Q = scratch(n);
    bool ok = dZ && P && Q;

    if (ok) {
        wg_ref_act_backward(act, n, Z, dY, dZ);
        product(N, n_in, n_out, G, W, P);
        for (int64_t i = 0; i < n; i++) Q[i] = P[i] * dY[i] * wg_ref_act_grad2(act, Z[i]);
        if (ddY) wg_ref_act_backward(act, n, Z, P, ddY);
        if (dX2) product_Bt(N, n_in, n_out, Q, W, dX2);
        if (dW) {
            add_At_product(N, n_in, n_out, G, dZ, dW);
            add_At_product(N, n_in, n_out, X, Q, dW);
        }
        if (db) add_rows(N, n_out, Q, db);
    }
    free(dZ);
    free(P);
    free(Q);
    return ok;
}

/* ---- SparseEvolution ---- */

/* M W */
static double *masked(int64_t n, const double *W, const double *mask)
{
    double *to = scratch(n);

    for (int64_t i = 0; to && i < n; i++) to[i] = mask[i] * W[i];
    return to;
}

static void add_masked(int64_t n, const double *mask, const double *from, double *to)
{
    for (int64_t i = 0; i < n; i++) to[i] += mask[i] * from[i];
}

bool wg_ref_sparse_evolution(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out,
                             const double *X, const double *W, const double *mask, const double *b,
                             double *Z, double *Y)
{
    double *MW = masked(n_in * n_out, W, mask);

    if (!MW) return false;
    wg_ref_fully_connected(act, N, n_in, n_out, X, MW, b, Z, Y);
    free(MW);
    return true;
}

bool wg_ref_sparse_evolution_backward(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out,
                                      const double *X, const double *W, const double *mask,
                                      const double *Z, const double *dY, double *dX, double *dW,
                                      double *db)
{
    int64_t n = n_in * n_out;
    double *MW = masked(n, W, mask), *dMW = scratch(n);
    bool ok = MW && dMW &&
              wg_ref_fully_connected_backward(act, N, n_in, n_out, X, MW, Z, dY, dX, dMW, db);

    if (ok && dW) add_masked(n, mask, dMW, dW);
    free(MW);
    free(dMW);
    return ok;
}

bool wg_ref_sparse_evolution_bwd2(wg_ref_act act, int64_t N, int64_t n_in, int64_t n_out,
                                  const double *X, const double *W, const double *mask,
                                  const double *Z, const double *dY, const double *G, double *ddY,
                                  double *dX2, double *dW, double *db)
{
    int64_t n = n_in * n_out;
    double *MW = masked(n, W, mask), *dMW = scratch(n);
    bool ok = MW && dMW &&
              wg_ref_fully_connected_bwd2(act, N, n_in, n_out, X, MW, Z, dY, G, ddY, dX2, dMW, db);

    if (ok && dW) add_masked(n, mask, dMW, dW);
    free(MW);
    free(dMW);
    return ok;
}

double wg_ref_sparse_evolution_density(int64_t n_in, int64_t n_out, double epsilon)
{
    double p = epsilon * (double)(n_in + n_out) / ((double)n_in * (double)n_out);

    return p < 1 ? p : 1;
}

typedef struct {
    double size;
    int64_t at;
} connection;

static int nearer_zero(const void *a, const void *b)
{
    const connection *x = a, *y = b;

    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

/* Drops floor(zeta count) of the connections whose weight has this sign. */
static int64_t prune_sign(int64_t n, double zeta, int sign, const double *W, connection *of,
                          double *mask)
{
    int64_t count = 0, drop;

    for (int64_t i = 0; i < n; i++)
        if (mask[i] != 0 && sign * W[i] > 0) of[count++] = (connection){ fabs(W[i]), i };
    qsort(of, (size_t)count, sizeof *of, nearer_zero);
    drop = (int64_t)floor(zeta * (double)count);
    for (int64_t k = 0; k < drop; k++) mask[of[k].at] = 0;
    return drop;
}

int64_t wg_ref_sparse_evolution_prune(int64_t n, double zeta, const double *W, const double *mask,
                                      double *after)
{
    connection *of = calloc(n > 0 ? (size_t)n : 1, sizeof *of);
    int64_t dropped;

    if (!of) return -1;
    memmove(after, mask, (size_t)n * sizeof *after);
    dropped = prune_sign(n, zeta, 1, W, of, after);
    dropped += prune_sign(n, zeta, -1, W, of, after);
    free(of);
    return dropped;
}

/* The k-th place without a connection, counted again for each draw: simple rather than fast. */
int64_t wg_ref_sparse_evolution_grow(int64_t n, int64_t grow, const double *u, const double *weight,
                                     double *W, double *mask)
{
    int64_t room = 0, grown;

    for (int64_t i = 0; i < n; i++) room += mask[i] == 0;
    for (grown = 0; grown < grow && grown < room; grown++) {
        int64_t left = room - grown, k = (int64_t)(u[grown] * (double)left), at = 0;

        if (k >= left) k = left - 1;
        while (mask[at] != 0 || k-- > 0) at++;
        mask[at] = 1;
        W[at] = weight[grown];
    }
    return grown;
}
