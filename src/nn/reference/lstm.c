/* lstm.c: the LSTM cell, its layer, and two of them that read in both directions. */
#include <string.h>
#include <wengert/reference_seq.h>

#include "ref_matrix.h"

/* ---- one step ---- */

enum { FORGET, UPDATE, CANDIDATE, OUTPUT, N_GATES };

/* What a step computes between its operands and its states. */
typedef struct {
    double *Z;                         /* [A_prev, X] (n_ex, n_out + n_in) */
    double *sum[N_GATES], *G[N_GATES]; /* before and after the activation, (n_ex, n_out) */
} step;

static double *weight(const wg_ref_lstm_params *p, int gate)
{
    return gate == FORGET ? p->Wf : gate == UPDATE ? p->Wu : gate == CANDIDATE ? p->Wc : p->Wo;
}

static double *bias(const wg_ref_lstm_params *p, int gate)
{
    return gate == FORGET ? p->bf : gate == UPDATE ? p->bu : gate == CANDIDATE ? p->bc : p->bo;
}

static wg_ref_act activation(const wg_ref_rnn *h, int gate)
{
    return gate == CANDIDATE ? h->act_fn : h->gate_fn;
}

/* Free s->Z when it is done. */
static bool step_forward(const wg_ref_rnn *h, const wg_ref_lstm_params *p, const double *X,
                         const double *A_prev, step *s)
{
    int64_t n = h->n_ex * h->n_out, wide = h->n_out + h->n_in;

    s->Z = ref_zeros(h->n_ex * wide + 2 * N_GATES * n);
    if (!s->Z) return false;
    for (int64_t k = 0; k < h->n_ex; k++) {
        memcpy(s->Z + k * wide, A_prev + k * h->n_out, (size_t)h->n_out * sizeof *X);
        memcpy(s->Z + k * wide + h->n_out, X + k * h->n_in, (size_t)h->n_in * sizeof *X);
    }
    for (int g = 0; g < N_GATES; g++) {
        s->sum[g] = s->Z + h->n_ex * wide + g * n;
        s->G[g] = s->sum[g] + N_GATES * n;
        ref_add_product(h->n_ex, wide, h->n_out, s->Z, weight(p, g), s->sum[g]);
        ref_add_bias(h->n_ex, h->n_out, bias(p, g), s->sum[g]);
        wg_ref_act_fn_n(activation(h, g), n, s->sum[g], s->G[g]);
    }
    return true;
}

bool wg_ref_lstm_cell_forward(const wg_ref_rnn *h, const wg_ref_lstm_params *p, const double *X,
                              const double *A_prev, const double *C_prev, double *A, double *C)
{
    step s;

    if (!step_forward(h, p, X, A_prev, &s)) return false;
    for (int64_t i = 0; i < h->n_ex * h->n_out; i++) {
        C[i] = s.G[FORGET][i] * C_prev[i] + s.G[UPDATE][i] * s.G[CANDIDATE][i];
        A[i] = s.G[OUTPUT][i] * wg_ref_act_fn(h->act_fn, C[i]);
    }
    free(s.Z);
    return true;
}

bool wg_ref_lstm_cell_backward(const wg_ref_rnn *h, const wg_ref_lstm_params *p, const double *X,
                               const double *A_prev, const double *C_prev, const double *C,
                               const double *dA, const double *dC, double *dA_accumulator,
                               double *dC_accumulator, double *dX, wg_ref_lstm_params *grads)
{
    int64_t n = h->n_ex * h->n_out, wide = h->n_out + h->n_in;
    double *d = ref_zeros(N_GATES * n + h->n_ex * wide), *dZ;
    step s;

    if (!d || !step_forward(h, p, X, A_prev, &s)) {
        free(d);
        return false;
    }
    dZ = d + N_GATES * n;
    for (int64_t i = 0; i < n; i++) {
        double a = dA[i] + dA_accumulator[i];
        double c = (dC ? dC[i] : 0) + dC_accumulator[i] +
                   a * s.G[OUTPUT][i] * wg_ref_act_grad(h->act_fn, C[i]);

        d[FORGET * n + i] = c * C_prev[i];
        d[UPDATE * n + i] = c * s.G[CANDIDATE][i];
        d[CANDIDATE * n + i] = c * s.G[UPDATE][i];
        d[OUTPUT * n + i] = a * wg_ref_act_fn(h->act_fn, C[i]);
        dC_accumulator[i] = c * s.G[FORGET][i];
    }
    for (int g = 0; g < N_GATES; g++) {
        double *ds = d + g * n;

        wg_ref_act_backward(activation(h, g), n, s.sum[g], ds, ds);
        ref_add_product_nt(h->n_ex, h->n_out, wide, ds, weight(p, g), dZ);
        if (!grads) continue;
        ref_add_product_tn(wide, h->n_ex, h->n_out, s.Z, ds, weight(grads, g));
        ref_add_rows(h->n_ex, h->n_out, ds, bias(grads, g));
    }
    for (int64_t k = 0; k < h->n_ex; k++) {
        memcpy(dA_accumulator + k * h->n_out, dZ + k * wide, (size_t)h->n_out * sizeof *dZ);
        if (dX) memcpy(dX + k * h->n_in, dZ + k * wide + h->n_out, (size_t)h->n_in * sizeof *dZ);
    }
    free(s.Z);
    free(d);
    return true;
}

/* ---- a sequence, in order or from its end ---- */

/* The step read as the t-th. */
static int64_t nth(const wg_ref_rnn *h, bool backwards, int64_t t)
{
    return backwards ? h->n_t - 1 - t : t;
}

static bool read_sequence(const wg_ref_rnn *h, bool backwards, const wg_ref_lstm_params *p,
                          const double *X, double *Y, double *C)
{
    int64_t n = h->n_ex * h->n_out, m = h->n_ex * h->n_in;
    double *A_prev = ref_zeros(4 * n + m), *C_prev, *A_t, *C_t, *X_t;
    bool ok = A_prev != NULL;

    if (!ok) return false;
    C_prev = A_prev + n;
    A_t = C_prev + n;
    C_t = A_t + n;
    X_t = C_t + n;
    for (int64_t t = 0; t < h->n_t; t++) {
        ref_get_step(m, h->n_t, nth(h, backwards, t), X, X_t);
        ok = wg_ref_lstm_cell_forward(h, p, X_t, A_prev, C_prev, A_t, C_t);
        if (!ok) break;
        ref_set_step(n, h->n_t, nth(h, backwards, t), A_t, Y);
        ref_set_step(n, h->n_t, nth(h, backwards, t), C_t, C);
        memcpy(A_prev, A_t, (size_t)n * sizeof *A_t);
        memcpy(C_prev, C_t, (size_t)n * sizeof *C_t);
    }
    free(A_prev);
    return ok;
}

/* State number t of those stored, zeros for the one before the first. */
static void get_state(const wg_ref_rnn *h, bool backwards, int64_t t, const double *Y, double *A)
{
    ref_get_step(h->n_ex * h->n_out, h->n_t, t < 0 ? -1 : nth(h, backwards, t), Y, A);
}

static bool unread_sequence(const wg_ref_rnn *h, bool backwards, const wg_ref_lstm_params *p,
                            const double *X, const double *Y, const double *C, const double *dY,
                            const double *dC, double *dX, wg_ref_lstm_params *grads)
{
    int64_t n = h->n_ex * h->n_out, m = h->n_ex * h->n_in;
    double *A_prev = ref_zeros(7 * n + 2 * m), *C_prev, *C_t, *dA_t, *dC_t, *dA_later, *dC_later;
    double *X_t, *dX_t;
    bool ok = A_prev != NULL;

    if (!ok) return false;
    C_prev = A_prev + n;
    C_t = C_prev + n;
    dA_t = C_t + n;
    dC_t = dA_t + n;
    dA_later = dC_t + n;
    dC_later = dA_later + n;
    X_t = dC_later + n;
    dX_t = X_t + m;
    for (int64_t t = h->n_t - 1; t >= 0 && ok; t--) {
        ref_get_step(m, h->n_t, nth(h, backwards, t), X, X_t);
        get_state(h, backwards, t - 1, Y, A_prev);
        get_state(h, backwards, t - 1, C, C_prev);
        get_state(h, backwards, t, C, C_t);
        get_state(h, backwards, t, dY, dA_t);
        if (dC) get_state(h, backwards, t, dC, dC_t);
        ok = wg_ref_lstm_cell_backward(h, p, X_t, A_prev, C_prev, C_t, dA_t, dC ? dC_t : NULL,
                                       dA_later, dC_later, dX_t, grads);
        if (ok && dX) ref_set_step(m, h->n_t, nth(h, backwards, t), dX_t, dX);
    }
    free(A_prev);
    return ok;
}

bool wg_ref_lstm_forward(const wg_ref_rnn *h, const wg_ref_lstm_params *p, const double *X,
                         double *Y, double *C)
{
    return read_sequence(h, false, p, X, Y, C);
}

bool wg_ref_lstm_backward(const wg_ref_rnn *h, const wg_ref_lstm_params *p, const double *X,
                          const double *Y, const double *C, const double *dY, const double *dC,
                          double *dX, wg_ref_lstm_params *grads)
{
    return unread_sequence(h, false, p, X, Y, C, dY, dC, dX, grads);
}

/* ---- both directions ---- */

/* Hidden and cell states of both directions, each (n_ex, n_out, n_t); free all[0]. */
static bool both_forward(const wg_ref_rnn *h, const wg_ref_lstm_params *cell_fwd,
                         const wg_ref_lstm_params *cell_bwd, const double *X, double *all[4])
{
    int64_t n = h->n_ex * h->n_out * h->n_t;

    all[0] = ref_zeros(4 * n);
    if (!all[0]) return false;
    for (int k = 1; k < 4; k++) all[k] = all[0] + k * n;
    if (read_sequence(h, false, cell_fwd, X, all[0], all[1]) &&
        read_sequence(h, true, cell_bwd, X, all[2], all[3]))
        return true;
    free(all[0]);
    return false;
}

bool wg_ref_bidirectional_forward(const wg_ref_rnn *h, wg_ref_merge merge,
                                  const wg_ref_lstm_params *cell_fwd,
                                  const wg_ref_lstm_params *cell_bwd, const double *X, double *Y)
{
    int64_t one = h->n_out * h->n_t, n = h->n_ex * one;
    double *all[4], *F, *B;

    if (!both_forward(h, cell_fwd, cell_bwd, X, all)) return false;
    F = all[0];
    B = all[2];
    if (merge == WG_REF_CONCAT) {
        for (int64_t k = 0; k < h->n_ex; k++) {
            memcpy(Y + 2 * k * one, F + k * one, (size_t)one * sizeof *Y);
            memcpy(Y + (2 * k + 1) * one, B + k * one, (size_t)one * sizeof *Y);
        }
    } else {
        for (int64_t i = 0; i < n; i++)
            Y[i] = merge == WG_REF_MULTIPLY ? F[i] * B[i]
                   : merge == WG_REF_SUM    ? F[i] + B[i]
                                            : (F[i] + B[i]) / 2;
    }
    free(all[0]);
    return true;
}

/* What of dY reaches each direction. */
static void split(const wg_ref_rnn *h, wg_ref_merge merge, const double *F, const double *B,
                  const double *dY, double *dF, double *dB)
{
    int64_t one = h->n_out * h->n_t;

    for (int64_t k = 0; k < h->n_ex; k++)
        for (int64_t j = 0; j < one; j++) {
            int64_t i = k * one + j;

            switch (merge) {
            case WG_REF_CONCAT:
                dF[i] = dY[2 * k * one + j];
                dB[i] = dY[(2 * k + 1) * one + j];
                break;
            case WG_REF_SUM:
                dF[i] = dB[i] = dY[i];
                break;
            case WG_REF_AVERAGE:
                dF[i] = dB[i] = dY[i] / 2;
                break;
            case WG_REF_MULTIPLY:
                dF[i] = dY[i] * B[i];
                dB[i] = dY[i] * F[i];
                break;
            }
        }
}

bool wg_ref_bidirectional_backward(const wg_ref_rnn *h, wg_ref_merge merge,
                                   const wg_ref_lstm_params *cell_fwd,
                                   const wg_ref_lstm_params *cell_bwd, const double *X,
                                   const double *dY, double *dX, wg_ref_lstm_params *grads_fwd,
                                   wg_ref_lstm_params *grads_bwd)
{
    int64_t n = h->n_ex * h->n_out * h->n_t, m = h->n_ex * h->n_in * h->n_t;
    double *all[4], *dF = ref_zeros(2 * n + m), *dB, *dX_bwd;
    bool ok;

    if (!dF || !both_forward(h, cell_fwd, cell_bwd, X, all)) {
        free(dF);
        return false;
    }
    dB = dF + n;
    dX_bwd = dB + n;
    split(h, merge, all[0], all[2], dY, dF, dB);
    ok = unread_sequence(h, false, cell_fwd, X, all[0], all[1], dF, NULL, dX, grads_fwd) &&
         unread_sequence(h, true, cell_bwd, X, all[2], all[3], dB, NULL, dX_bwd, grads_bwd);
    for (int64_t i = 0; i < m && ok && dX; i++) dX[i] += dX_bwd[i];
    free(all[0]);
    free(dF);
    return ok;
}
