/* reference_seq.h: numpy-ml's recurrent layers, forward and explicit backward, in plain C.
 *
 * Sequences are (n_ex, n_in, n_t) and (n_ex, n_out, n_t), what one step sees is (n_ex, n_in); all
 * row-major double. States start from zero. All arrays are the caller's and do not overlap. A
 * gradient of a parameter is added to the caller's array, as numpy-ml accumulates it over the steps
 * and until the next update; a gradient of an input is written. Nothing is kept between calls, so
 * that a second sequence starts like the first (errata Y29).
 *
 * The backward functions work out again what the forward pass computed between its input and its
 * output: they want the arguments of the forward pass and the states it gave. Functions that return
 * bool need scratch memory and return false when there is none: a cell has then added nothing, a
 * whole sequence perhaps the steps done so far. */
#ifndef WENGERT_REFERENCE_SEQ_H
#define WENGERT_REFERENCE_SEQ_H

#include "wengert/reference_act.h"
#include "wengert/reference_base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A recurrent layer; n_t of a single step is not read. act_fn and gate_fn are Identity
 * when left zero; an RNN has no gates. */
typedef struct {
    int64_t n_ex, n_in, n_out, n_t;
    wg_ref_act act_fn, gate_fn;
} wg_ref_rnn;

/* Parameters of an RNNCell, or their gradients: Waa (n_out, n_out), Wax (n_in, n_out), ba and bx
 * (n_out, 1). */
typedef struct {
    double *Waa, *Wax, *ba, *bx;
} wg_ref_rnn_params;

/* Parameters of an LSTMCell, or their gradients: W. (n_out + n_in, n_out), rows of the hidden state
 * first; b. (1, n_out). Gates: f forget, u update, c candidate, o output. */
typedef struct {
    double *Wf, *Wu, *Wc, *Wo;
    double *bf, *bu, *bc, *bo;
} wg_ref_lstm_params;

/* ---- RNN ---- */

/** RNNCell.forward: A = act_fn(Z), Z = A_prev Waa + ba^T + X Wax + bx^T. X (n_ex, n_in), A_prev and
 * A (n_ex, n_out). Source: numpy-ml layers.RNNCell; Elman 1990. */
WG_REF_API bool wg_ref_rnn_cell_forward(const wg_ref_rnn *h, const wg_ref_rnn_params *p,
                                        const double *X, const double *A_prev, double *A);

/** RNNCell.backward, to be called from the last step to the first:
 *     dZ = (dA + dA_accumulator) act_fn'(Z), dX = dZ Wax^T, dWaa += A_prev^T dZ, dWax += X^T dZ,
 *     dba and dbx += sum of dZ over examples, dA_accumulator = dZ Waa^T.
 * dA (n_ex, n_out) is the gradient that reaches A from outside, dA_accumulator what reaches it from
 * the later steps: zeros before the last step, and on return for the step before this one. dX and
 * grads may be NULL. Source: numpy-ml layers.RNNCell.backward. */
WG_REF_API bool wg_ref_rnn_cell_backward(const wg_ref_rnn *h, const wg_ref_rnn_params *p,
                                         const double *X, const double *A_prev, const double *dA,
                                         double *dA_accumulator, double *dX,
                                         wg_ref_rnn_params *grads);

/** RNN.forward: the cell over n_t steps from a zero state. X (n_ex, n_in, n_t), Y (n_ex, n_out,
 * n_t) the hidden states. Source: numpy-ml layers.RNN, which cannot be constructed (errata Y30). */
WG_REF_API bool wg_ref_rnn_forward(const wg_ref_rnn *h, const wg_ref_rnn_params *p, const double *X,
                                   double *Y);

/** RNN.backward: the cell's from step n_t - 1 to 0. Y is what the forward pass gave, dY its
 * gradient, dX (n_ex, n_in, n_t). Source: numpy-ml layers.RNN.backward. */
WG_REF_API bool wg_ref_rnn_backward(const wg_ref_rnn *h, const wg_ref_rnn_params *p,
                                    const double *X, const double *Y, const double *dY, double *dX,
                                    wg_ref_rnn_params *grads);

/* ---- LSTM ---- */

/** LSTMCell.forward, with Z = [A_prev, X]:
 *     Gf = gate_fn(Z Wf + bf), Gu = gate_fn(Z Wu + bu), Go = gate_fn(Z Wo + bo),
 *     Cc = act_fn(Z Wc + bc), C = Gf C_prev + Gu Cc, A = Go act_fn(C).
 * X (n_ex, n_in); A_prev, C_prev, A, C (n_ex, n_out). Source: numpy-ml layers.LSTMCell; Gers,
 * Schmidhuber and Cummins 2000. */
WG_REF_API bool wg_ref_lstm_cell_forward(const wg_ref_rnn *h, const wg_ref_lstm_params *p,
                                         const double *X, const double *A_prev,
                                         const double *C_prev, double *A, double *C);

/** LSTMCell.backward, to be called from the last step to the first. With dA, dC the gradients that
 * reach the two states from outside, and the two accumulators those from the later steps:
 *     a   = dA + dA_accumulator,          c   = dC + dC_accumulator + a Go act_fn'(C),
 *     dZo = a act_fn(C) gate_fn'(Z Wo + bo),  dZf = c C_prev gate_fn'(Z Wf + bf),
 *     dZu = c Cc gate_fn'(Z Wu + bu),         dZc = c Gu act_fn'(Z Wc + bc),
 *     dW. += Z^T dZ., db. += sum of dZ. over examples,
 *     [dA_accumulator, dX] = dZf Wf^T + dZu Wu^T + dZc Wc^T + dZo Wo^T,  dC_accumulator = c Gf.
 * C is the cell state that the forward pass gave. dC (n_ex, n_out) may be NULL: none (errata Y32).
 * The accumulators are zeros before the last step. dX and grads may be NULL.
 * Source: numpy-ml layers.LSTMCell.backward. */
WG_REF_API bool wg_ref_lstm_cell_backward(const wg_ref_rnn *h, const wg_ref_lstm_params *p,
                                          const double *X, const double *A_prev,
                                          const double *C_prev, const double *C, const double *dA,
                                          const double *dC, double *dA_accumulator,
                                          double *dC_accumulator, double *dX,
                                          wg_ref_lstm_params *grads);

/** LSTM.forward: the cell over n_t steps from zero states. X (n_ex, n_in, n_t), Y (n_ex, n_out,
 * n_t) the hidden and C the cell states. Source: numpy-ml layers.LSTM, which cannot be constructed
 * (errata Y30). */
WG_REF_API bool wg_ref_lstm_forward(const wg_ref_rnn *h, const wg_ref_lstm_params *p,
                                    const double *X, double *Y, double *C);

/** LSTM.backward: the cell's from step n_t - 1 to 0. Y, C are what the forward pass gave; dY, dC
 * (may be NULL) their gradients; dX (n_ex, n_in, n_t).
 * Source: numpy-ml layers.LSTM.backward, with the cell's single result (errata Y31). */
WG_REF_API bool wg_ref_lstm_backward(const wg_ref_rnn *h, const wg_ref_lstm_params *p,
                                     const double *X, const double *Y, const double *C,
                                     const double *dY, const double *dC, double *dX,
                                     wg_ref_lstm_params *grads);

/* ---- BidirectionalLSTM ---- */

typedef enum {
    WG_REF_CONCAT,  /* [forward, backward] along the features: (n_ex, 2 n_out, n_t) */
    WG_REF_SUM,     /* forward + backward: (n_ex, n_out, n_t), as the next two */
    WG_REF_AVERAGE, /* (forward + backward) / 2 */
    WG_REF_MULTIPLY /* forward * backward */
} wg_ref_merge;

/** BidirectionalLSTM.forward: one LSTM reads the steps in order, another from the last to the
 * first; their hidden states of the same step are merged. X (n_ex, n_in, n_t), Y as `merge` says.
 * Both start from zero states at every call (errata M18). Source: numpy-ml
 * modules.BidirectionalLSTM; Schuster and Paliwal 1997. */
WG_REF_API bool wg_ref_bidirectional_forward(const wg_ref_rnn *h, wg_ref_merge merge,
                                             const wg_ref_lstm_params *cell_fwd,
                                             const wg_ref_lstm_params *cell_bwd, const double *X,
                                             double *Y);

/** BidirectionalLSTM.backward: dY is taken apart by the rule of `merge` (multiply: each side's part
 * is dY times the other side's states, errata M1), each LSTM's backward runs against its own order,
 * and dX (n_ex, n_in, n_t) is the sum of the two. Source: numpy-ml modules.BidirectionalLSTM. */
WG_REF_API bool wg_ref_bidirectional_backward(const wg_ref_rnn *h, wg_ref_merge merge,
                                              const wg_ref_lstm_params *cell_fwd,
                                              const wg_ref_lstm_params *cell_bwd, const double *X,
                                              const double *dY, double *dX,
                                              wg_ref_lstm_params *grads_fwd,
                                              wg_ref_lstm_params *grads_bwd);

#ifdef __cplusplus
}
#endif

#endif
