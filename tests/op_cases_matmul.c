/* op_cases_matmul.c: products of matrices. */
#include "op_cases.h"

/* a, b of rank 2 or 3, where a leading extent of 1, or a missing one, repeats */
static nd product(const nd *a, const nd *b, bool ta, bool tb)
{
    int ra = a->rank, rb = b->rank, rank = ra > rb ? ra : rb;
    int64_t m = a->dim[ra - (ta ? 1 : 2)], k = a->dim[ra - (ta ? 2 : 1)];
    int64_t n = b->dim[rb - (tb ? 2 : 1)];
    int64_t na = ra > 2 ? a->dim[0] : 1, nb = rb > 2 ? b->dim[0] : 1, batch = na > nb ? na : nb;
    nd y = nd_new(rank, rank > 2 ? (int64_t[]){ batch, m, n } : (int64_t[]){ m, n });

    for (int64_t s = 0; s < batch; s++) {
        const double *A = a->v + (na > 1 ? s * m * k : 0), *C = b->v + (nb > 1 ? s * k * n : 0);

        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++)
                for (int64_t l = 0; l < k; l++)
                    y.v[(s * m + i) * n + j] +=
                        A[ta ? l * m + i : i * k + l] * C[tb ? j * k + l : l * n + j];
    }
    return y;
}

#define PRODUCT(id, ta, tb)                                                                        \
    BUILD(id, wg_matmul_t(x[0], x[1], ta, tb))                                                     \
    static nd id##_ref(const nd *x)                                                                \
    {                                                                                              \
        return product(&x[0], &x[1], ta, tb);                                                      \
    }
PRODUCT(matmul, false, false)
PRODUCT(matmul_ta, true, false)
PRODUCT(matmul_tb, false, true)
PRODUCT(matmul_tt, true, true)

static const op_case rows[] = {
    REF(matmul, "", THIRD, REAL(-2, 2, B, 3), REAL(-2, 2, 3, 3)),
    REF_OF("matmul ta", matmul_ta, 0, REAL(-2, 2, 3, B), REAL(-2, 2, 3, 2)),
    REF_OF("matmul tb", matmul_tb, 0, REAL(-2, 2, B, 3), REAL(-2, 2, 2, 3)),
    REF_OF("matmul tt", matmul_tt, 0, REAL(-2, 2, 3, 2), REAL(-2, 2, B, 3)),
    REF_OF("matmul batch", matmul, 0, REAL(-2, 2, B, 2, 3), REAL(-2, 2, B, 3, 2)),
    REF_OF("matmul batch left", matmul, 0, REAL(-2, 2, B, 2, 3), REAL(-2, 2, 3, 2)),
    REF_OF("matmul batch right", matmul_tb, 0, REAL(-2, 2, 1, 2, 3), REAL(-2, 2, B, 2, 3)),
};
ROWS(op_cases_matmul);
