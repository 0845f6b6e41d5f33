/* recurrent.c: the Elman cell and its layer. */
#include <string.h>
#include <wengert/reference_seq.h>

#include "ref_matrix.h"

/* Z (n_ex, n_out) = A_prev Waa + ba^T + X Wax + bx^T. */
static void cell_sum(const wg_ref_rnn *h, const wg_ref_rnn_params *p, const double *X,
                     const double *A_prev, double *Z)
{
    memset(Z, 0, (size_t)(h->n_ex * h->n_out) * sizeof *Z);
    ref_add_product(h->n_ex, h->n_out, h->n_out, A_prev, p->Waa, Z);
    ref_add_product(h->n_ex, h->n_in, h->n_out, X, p->Wax, Z);
    ref_add_bias(h->n_ex, h->n_out, p->ba, Z);
    ref_add_bias(h->n_ex, h->n_out, p->bx, Z);
}

bool wg_ref_rnn_cell_forward(const wg_ref_rnn *h, const wg_ref_rnn_params *p, const double *X,
                             const double *A_prev, double *A)
{
    double *Z = ref_zeros(h->n_ex * h->n_out);

    if (!Z) return false;
    cell_sum(h, p, X, A_prev, Z);
    wg_ref_act_fn_n(h->act_fn, h->n_ex * h->n_out, Z, A);
    free(Z);
    return true;
}

bool wg_ref_rnn_cell_backward(const wg_ref_rnn *h, const wg_ref_rnn_params *p, const double *X,
                              const double *A_prev, const double *dA, double *dA_accumulator,
                              double *dX, wg_ref_rnn_params *grads)
{
    int64_t n = h->n_ex * h->n_out;
    double *Z = ref_zeros(2 * n), *dZ;

    if (!Z) return false;
    dZ = Z + n;
    cell_sum(h, p, X, A_prev, Z);
    for (int64_t i = 0; i < n; i++) dZ[i] = dA[i] + dA_accumulator[i];
    wg_ref_act_backward(h->act_fn, n, Z, dZ, dZ);
    if (grads) {
        ref_add_product_tn(h->n_out, h->n_ex, h->n_out, A_prev, dZ, grads->Waa);
        ref_add_product_tn(h->n_in, h->n_ex, h->n_out, X, dZ, grads->Wax);
        ref_add_rows(h->n_ex, h->n_out, dZ, grads->ba);
        ref_add_rows(h->n_ex, h->n_out, dZ, grads->bx);
    }
    if (dX) {
        memset(dX, 0, (size_t)(h->n_ex * h->n_in) * sizeof *dX);
        ref_add_product_nt(h->n_ex, h->n_out, h->n_in, dZ, p->Wax, dX);
    }
    memset(dA_accumulator, 0, (size_t)n * sizeof *dA_accumulator);
    ref_add_product_nt(h->n_ex, h->n_out, h->n_out, dZ, p->Waa, dA_accumulator);
    free(Z);
    return true;
}

bool wg_ref_rnn_forward(const wg_ref_rnn *h, const wg_ref_rnn_params *p, const double *X, double *Y)
{
    int64_t n = h->n_ex * h->n_out;
    double *A_prev = ref_zeros(2 * n + h->n_ex * h->n_in), *A, *X_t;
    bool ok = A_prev != NULL;

    A = ok ? A_prev + n : NULL;
    X_t = ok ? A + n : NULL;
    for (int64_t t = 0; t < h->n_t && ok; t++) {
        ref_get_step(h->n_ex * h->n_in, h->n_t, t, X, X_t);
        ok = wg_ref_rnn_cell_forward(h, p, X_t, A_prev, A);
        if (!ok) break;
        ref_set_step(n, h->n_t, t, A, Y);
        memcpy(A_prev, A, (size_t)n * sizeof *A);
    }
    free(A_prev);
    return ok;
}

bool wg_ref_rnn_backward(const wg_ref_rnn *h, const wg_ref_rnn_params *p, const double *X,
                         const double *Y, const double *dY, double *dX, wg_ref_rnn_params *grads)
{
    int64_t n = h->n_ex * h->n_out, m = h->n_ex * h->n_in;
    double *A_prev = ref_zeros(3 * n + 2 * m), *dA, *dA_accumulator, *X_t, *dX_t;
    bool ok = A_prev != NULL;

    if (!ok) return false;
    dA = A_prev + n;
    dA_accumulator = dA + n;
    X_t = dA_accumulator + n;
    dX_t = X_t + m;
    for (int64_t t = h->n_t - 1; t >= 0 && ok; t--) {
        ref_get_step(m, h->n_t, t, X, X_t);
        ref_get_step(n, h->n_t, t - 1, Y, A_prev);
        ref_get_step(n, h->n_t, t, dY, dA);
        ok = wg_ref_rnn_cell_backward(h, p, X_t, A_prev, dA, dA_accumulator, dX_t, grads);
        if (ok && dX) ref_set_step(m, h->n_t, t, dX_t, dX);
    }
    free(A_prev);
    return ok;
}
