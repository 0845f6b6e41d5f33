/* ref_matrix.h: what the references need of linear algebra, written out. Not public. */
#ifndef REF_MATRIX_H
#define REF_MATRIX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* n zeros; free them. NULL when there is no memory, never for n = 0. */
static inline double *ref_zeros(int64_t n)
{
    return calloc(n > 0 ? (size_t)n : 1, sizeof(double));
}

/* C (n, m) += A (n, k) B (k, m). */
static inline void ref_add_product(int64_t n, int64_t k, int64_t m, const double *A,
                                   const double *B, double *C)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t l = 0; l < k; l++)
            for (int64_t j = 0; j < m; j++) C[i * m + j] += A[i * k + l] * B[l * m + j];
}

/* C (n, m) += A (n, k) B^T, B (m, k). */
static inline void ref_add_product_nt(int64_t n, int64_t k, int64_t m, const double *A,
                                      const double *B, double *C)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++)
            for (int64_t l = 0; l < k; l++) C[i * m + j] += A[i * k + l] * B[j * k + l];
}

/* C (n, m) += A^T B, A (k, n), B (k, m). */
static inline void ref_add_product_tn(int64_t n, int64_t k, int64_t m, const double *A,
                                      const double *B, double *C)
{
    for (int64_t l = 0; l < k; l++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < m; j++) C[i * m + j] += A[l * n + i] * B[l * m + j];
}

/* sums (m) += the rows of A (n, m) added up. */
static inline void ref_add_rows(int64_t n, int64_t m, const double *A, double *sums)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) sums[j] += A[i * m + j];
}

/* Every row of A (n, m) += b (m). */
static inline void ref_add_bias(int64_t n, int64_t m, const double *b, double *A)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) A[i * m + j] += b[j];
}

/* One step of a sequence: x (n) = X (n, n_t) at t, zeros before the first; and back. */
static inline void ref_get_step(int64_t n, int64_t n_t, int64_t t, const double *X, double *x)
{
    for (int64_t i = 0; i < n; i++) x[i] = t < 0 ? 0 : X[i * n_t + t];
}

static inline void ref_set_step(int64_t n, int64_t n_t, int64_t t, const double *x, double *X)
{
    for (int64_t i = 0; i < n; i++) X[i * n_t + t] = x[i];
}

#endif
