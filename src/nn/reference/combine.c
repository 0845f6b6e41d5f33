/* combine.c: embedding, add, multiply, flatten, dropout. */
#include "wengert/reference_dense.h"

#include <string.h>

void wg_ref_embedding(wg_ref_pool pool, int64_t N, int64_t n_out, const int64_t *ids,
                      const int64_t *offsets, const double *W, double *Y)
{
    int64_t rows = pool == WG_REF_POOL_NONE ? offsets[N] : N;

    memset(Y, 0, (size_t)(rows * n_out) * sizeof *Y);
    for (int64_t k = 0; k < N; k++) {
        double count = (double)(offsets[k + 1] - offsets[k]);

        for (int64_t i = offsets[k]; i < offsets[k + 1]; i++) {
            double *to = Y + (pool == WG_REF_POOL_NONE ? i : k) * n_out;

            for (int64_t j = 0; j < n_out; j++)
                to[j] += W[ids[i] * n_out + j] / (pool == WG_REF_POOL_MEAN ? count : 1);
        }
    }
}

void wg_ref_embedding_backward(wg_ref_pool pool, int64_t N, int64_t n_out, const int64_t *ids,
                               const int64_t *offsets, const double *dY, double *dW)
{
    for (int64_t k = 0; k < N; k++) {
        double count = (double)(offsets[k + 1] - offsets[k]);

        for (int64_t i = offsets[k]; i < offsets[k + 1]; i++) {
            const double *from = dY + (pool == WG_REF_POOL_NONE ? i : k) * n_out;

            for (int64_t j = 0; j < n_out; j++)
                dW[ids[i] * n_out + j] += from[j] / (pool == WG_REF_POOL_MEAN ? count : 1);
        }
    }
}

static double sum_at(int64_t K, const double *const *X, int64_t i)
{
    double sum = 0;

    for (int64_t k = 0; k < K; k++) sum += X[k][i];
    return sum;
}

/* Of all but one; `without` < 0: of all. */
static double product_at(int64_t K, const double *const *X, int64_t i, int64_t without)
{
    double product = 1;

    for (int64_t k = 0; k < K; k++)
        if (k != without) product *= X[k][i];
    return product;
}

void wg_ref_add(wg_ref_act act, int64_t K, int64_t n, const double *const *X, double *Y)
{
    for (int64_t i = 0; i < n; i++) Y[i] = wg_ref_act_fn(act, sum_at(K, X, i));
}

void wg_ref_multiply(wg_ref_act act, int64_t K, int64_t n, const double *const *X, double *Y)
{
    for (int64_t i = 0; i < n; i++) Y[i] = wg_ref_act_fn(act, product_at(K, X, i, -1));
}

void wg_ref_add_backward(wg_ref_act act, int64_t K, int64_t n, const double *const *X,
                         const double *dY, double *const *dX)
{
    for (int64_t i = 0; i < n; i++) {
        double dz = dY[i] * wg_ref_act_grad(act, sum_at(K, X, i));

        for (int64_t k = 0; k < K; k++)
            if (dX[k]) dX[k][i] = dz;
    }
}

void wg_ref_multiply_backward(wg_ref_act act, int64_t K, int64_t n, const double *const *X,
                              const double *dY, double *const *dX)
{
    for (int64_t i = 0; i < n; i++) {
        double dz = dY[i] * wg_ref_act_grad(act, product_at(K, X, i, -1));

        for (int64_t k = 0; k < K; k++)
            if (dX[k]) dX[k][i] = dz * product_at(K, X, i, k);
    }
}

void wg_ref_flatten_shape(wg_ref_keep keep, int rank, const int64_t *dim, int64_t flat[2])
{
    int64_t kept = 1, rest = 1;

    for (int k = 0; k < rank; k++) {
        bool keeps =
            (keep == WG_REF_KEEP_FIRST && k == 0) || (keep == WG_REF_KEEP_LAST && k == rank - 1);

        if (keeps) kept = dim[k];
        else rest *= dim[k];
    }
    flat[0] = keep == WG_REF_KEEP_LAST ? rest : kept;
    flat[1] = keep == WG_REF_KEEP_LAST ? kept : rest;
}

void wg_ref_flatten_backward(int64_t n, const double *dY, double *dX)
{
    memmove(dX, dY, (size_t)n * sizeof *dX);
}

void wg_ref_dropout_input(int64_t n, double p, bool scale_input, const double *mask,
                          const double *X, double *Y)
{
    double scale = scale_input ? 1 / (1 - p) : 1;

    for (int64_t i = 0; i < n; i++) Y[i] = mask[i] != 0 ? X[i] * scale : 0;
}

void wg_ref_dropout_output(int64_t n, double p, const double *Y, double *scaled)
{
    for (int64_t i = 0; i < n; i++) scaled[i] = Y[i] / (1 - p);
}

void wg_ref_dropout_output_backward(int64_t n, double p, const double *dY, double *scaled)
{
    wg_ref_dropout_output(n, p, dY, scaled);
}

/* Masking is its own adjoint. */
void wg_ref_dropout_input_backward(int64_t n, double p, bool scale_input, const double *mask,
                                   const double *d, double *dX)
{
    wg_ref_dropout_input(n, p, scale_input, mask, d, dX);
}
