/*
 * layers_seq.h: layers of sequences: recurrent cells and layers, attention. Sequences are
 * [n, n_in, n_t]; a zero or NULL in a hyperparameter struct means the default.
 */
#ifndef WENGERT_LAYERS_SEQ_H
#define WENGERT_LAYERS_SEQ_H

#include "layers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- recurrent layers ---- */

typedef struct {
    int64_t n_out;      /* >= 1 */
    const char *act_fn; /* NULL: "Tanh" */
    const char *init;   /* NULL: "glorot_uniform" */
} wg_rnn_hyper;

/** One step of a recurrent layer: a' = f(a Waa + ba^T + x Wax + bx^T). Operands x [n, n_in] and the
 * state a [n, n_out]; result a' [n, n_out]. Waa [n_out, n_out], Wax [n_in, n_out], ba and bx
 * [n_out, 1]. wg_layer_forward takes x alone and carries the state, zeros at first. Derived: "Z",
 * the value before f. Errors: WG_EARG for n_out below 1, WG_ESHAPE. Source: numpy-ml layers.py,
 * RNNCell. */
WG_API wg_layer *wg_rnn_cell(wg_params *w, const char *name, wg_rnn_hyper hyper);

/** The same over a whole sequence, from a zero state: x [n, n_in, n_t] -> [n, n_out, n_t], n_t >=
 * 1. The graph holds every step: it runs for other n, not for other n_t (WG_ESHAPE). Parameters as
 * RNNCell. Source: numpy-ml layers.py, RNN. */
WG_API wg_layer *wg_rnn(wg_params *w, const char *name, wg_rnn_hyper hyper);

typedef struct {
    int64_t n_out;       /* >= 1 */
    const char *act_fn;  /* NULL: "Tanh": of candidate and cell state */
    const char *gate_fn; /* NULL: "Sigmoid" */
    const char *init;    /* NULL: "glorot_uniform" */
} wg_lstm_hyper;

/** One step of a long short-term memory: with z = [a, x], gates Gf, Gu, Go = gate_fn(z W + b) and
 * the candidate Cc = act_fn(z Wc + bc): c' = Gf c + Gu Cc, a' = Go act_fn(c'). Operands x [n,
 * n_in], a and c [n, n_out]; results a' and c'. Wf, Wu, Wc, Wo [n_out + n_in, n_out]; bf, bu, bc,
 * bo [1, n_out]. wg_layer_forward takes x alone and carries the states; wg_layer_backward takes
 * gradients of both results (data NULL: zero). Derived: "Gf", "Gu", "Go", "Cc". Errors: WG_EARG for
 * n_out below 1, WG_ESHAPE. Source: numpy-ml layers.py, LSTMCell; Hochreiter and Schmidhuber
 * 1997. */
WG_API wg_layer *wg_lstm_cell(wg_params *w, const char *name, wg_lstm_hyper hyper);

/** The same over a whole sequence, from zero states: x [n, n_in, n_t] -> [n, n_out, n_t], n_t >= 1,
 * of which all steps are recorded as in wg_rnn. Parameters as LSTMCell. Source: numpy-ml layers.py,
 * LSTM. */
WG_API wg_layer *wg_lstm(wg_params *w, const char *name, wg_lstm_hyper hyper);

/* ---- attention ---- */

typedef struct {
    bool unscaled;    /* true: without the division by sqrt(d_k); "scale": false in text */
    double dropout_p; /* of the weights, 0 <= p < 1 */
    const char *init; /* nothing to initialise: numpy-ml's key */
} wg_attention_hyper;

/** y = softmax(q k^T / sqrt(d_k) + mask) v along the keys. Operands q [..., n_q, d_k], k [...,
 * n_k, d_k], v [..., n_k, d_v] -> [..., n_q, d_v]; any batch axes. The mask may be left out; it
 * is of q's element type, in extents that broadcast to [..., n_q, n_k]: 0 where a query sees a
 * key, -1e9 or -inf where it must not, or any bias; a query that sees no key at all has weights
 * of NaN with -inf. In training each weight is dropped with probability dropout_p and the others
 * are scaled by 1 / (1 - dropout_p); the draw is called NAME/dropout_mask (used again in one
 * function: NAME/dropout_mask_2, ...) and may be fed. Derived: "attention_weights" [..., n_q,
 * n_k], as they multiply v. Errors: WG_ESHAPE, WG_EDTYPE, WG_EARG for dropout_p out of range.
 * Source: numpy-ml layers.py, DotProductAttention, which has no mask; Vaswani et al. 2017. */
WG_API wg_layer *wg_dot_product_attention(wg_params *w, const char *name, wg_attention_hyper hyper);

#ifdef __cplusplus
}
#endif

#endif
