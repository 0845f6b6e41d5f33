/*
 * layers_more.h: feed-forward layers beside those of layers.h: normalisation, convolution in one
 * dimension and transposed, sums and products, softmax, embeddings, sparse and stochastic layers.
 * Each is a composition of primitive ops. Names, defaults and shapes are numpy-ml's; a zero in a
 * hyperparameter struct means the default.
 */
#ifndef WENGERT_LAYERS_MORE_H
#define WENGERT_LAYERS_MORE_H

#include "layers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- normalisation ---- */

typedef struct {
    double momentum; /* of the running statistics, in [0, 1]; 0: 0.9 */
    double epsilon;  /* >= 0; 0: 1e-5 */
    bool unbiased;   /* running_var from the variance with divisor m - 1; false: divisor m */
} wg_batchnorm_hyper;

/** y = scaler (x - mean) / sqrt(var + epsilon) + intercept, with mean and variance (divisor m) over
 * the examples: x [n, n_in] -> the same; m = n. Parameters scaler (ones) and intercept (zeros)
 * [n_in]; running_mean (zeros) and running_var (ones) [n_in], which do not learn: after each run of
 * a training function running = momentum running + (1 - momentum) batch. In prediction, or frozen,
 * the running statistics take the place of the batch's, as constants. Errors: WG_EARG, WG_ESHAPE.
 * Source: numpy-ml layers.py, BatchNorm1D; Ioffe and Szegedy 2015, whose running variance is that
 * of `unbiased`. numpy-ml begins with scaler drawn at random; the paper with ones. */
WG_API wg_layer *wg_batchnorm1d(wg_params *w, const char *name, wg_batchnorm_hyper hyper);

/** The same for images: x [n, rows, cols, ch], statistics over examples, rows and columns, m = n
 * rows cols, parameters [ch]. Any number of rows and columns. Source: numpy-ml layers.py,
 * BatchNorm2D. */
WG_API wg_layer *wg_batchnorm2d(wg_params *w, const char *name, wg_batchnorm_hyper hyper);

typedef struct {
    double epsilon; /* >= 0; 0: 1e-5 */
} wg_layernorm_hyper;

/** y = scaler (x - mean) / sqrt(var + epsilon) + intercept, with mean and variance of each example:
 * x [n, n_in] -> the same; scaler (ones) and intercept (zeros) [n_in]. Errors: WG_EARG, WG_ESHAPE.
 * Source: numpy-ml layers.py, LayerNorm1D; Ba, Kiros and Hinton 2016. */
WG_API wg_layer *wg_layernorm1d(wg_params *w, const char *name, wg_layernorm_hyper hyper);

/** The same for images: x [n, rows, cols, ch], statistics over rows, columns and channels, scaler
 * and intercept [rows, cols, ch]: the first use fixes them. Source: numpy-ml layers.py,
 * LayerNorm2D. */
WG_API wg_layer *wg_layernorm2d(wg_params *w, const char *name, wg_layernorm_hyper hyper);

/* ---- convolution ---- */

typedef struct {
    int64_t out_ch;       /* >= 1 */
    int64_t kernel_width; /* >= 1 */
    int64_t pad_mode;     /* WG_PAD_EXPLICIT, WG_PAD_SAME, WG_PAD_CAUSAL */
    int64_t pad[2];       /* left, right, >= 0 */
    int64_t stride;       /* 0: 1 */
    int64_t dilation;     /* elements inserted between taps; 0: ordinary */
    const char *act_fn;   /* NULL: "Identity" */
    const char *init;     /* NULL: "glorot_uniform" */
    bool no_bias;         /* "bias" in text, the other way round */
} wg_conv1d_hyper;

/** y = f(x * W + b): x [n, length, in], W [kernel_width, in, out_ch], b [1, 1, out_ch] -> [n,
 * length', out_ch], length' = (length + left + right - (kernel_width (dilation + 1) - dilation)) /
 * stride + 1. "same" and "causal" keep the length at any stride; causal pads the left side alone.
 * Errors: WG_EARG, WG_ESHAPE. Source: numpy-ml layers.py, Conv1D. */
WG_API wg_layer *wg_conv1d_layer(wg_params *w, const char *name, wg_conv1d_hyper hyper);

typedef struct {
    int64_t out_ch;          /* >= 1 */
    int64_t kernel_shape[2]; /* >= 1 */
    int64_t pad_mode;        /* WG_PAD_EXPLICIT, WG_PAD_SAME */
    int64_t pad[4];          /* rows and columns cropped: top, bottom, left, right, >= 0 */
    int64_t stride;          /* 0: 1 */
    const char *act_fn;      /* NULL: "Identity" */
    const char *init;        /* NULL: "glorot_uniform" */
    bool no_bias;
} wg_deconv2d_hyper;

/** Transposed convolution: the adjoint of a convolution of that stride without padding, then `pad`
 * cropped, and f(. + b): x [n, rows, cols, in], W [krows, kcols, in, out_ch], b [1, 1, 1, out_ch]
 * -> [n, stride (rows - 1) + krows - top - bottom, stride (cols - 1) + kcols - left - right,
 * out_ch]. "same" crops to stride (rows - 1) + 1. Each side is cropped by its own number, also
 * beyond kernel - 1 (numpy-ml spreads them evenly, or raises). Errors: WG_EARG, WG_ESHAPE. Source:
 * numpy-ml layers.py, Deconv2D; Zeiler et al. 2010. */
WG_API wg_layer *wg_deconv2d(wg_params *w, const char *name, wg_deconv2d_hyper hyper);

/* ---- several inputs, and none ---- */

typedef struct {
    const char *act_fn; /* NULL: "Identity" */
    int64_t n_inputs;   /* 0: any number */
} wg_merge_hyper;

/** y = f(x0 + x1 + ...), y = f(x0 x1 ...): one or more operands of one shape (wg_apply_n) -> that
 * shape. WG_ESHAPE for others. Source: numpy-ml layers.py, Add and Multiply. */
WG_API wg_layer *wg_add_layer(wg_params *w, const char *name, wg_merge_hyper hyper);
WG_API wg_layer *wg_multiply_layer(wg_params *w, const char *name, wg_merge_hyper hyper);

typedef struct {
    int64_t dim; /* 0: -1, the last axis; the first one of rank r is -r */
} wg_softmax_hyper;

/** y = e^x / sum of e^x along `dim`, without overflow: x of rank 1 or more. WG_EARG for an axis out
 * of range. Source: numpy-ml layers.py, Softmax, whose gradient is right for the last axis only. */
WG_API wg_layer *wg_softmax_layer(wg_params *w, const char *name, wg_softmax_hyper hyper);

typedef struct {
    int64_t n_out;      /* >= 1: numbers a word */
    int64_t vocab_size; /* >= 1 */
    const char *pool;   /* NULL: none; "sum", "mean" */
    const char *init;   /* NULL: "glorot_uniform" */
} wg_embedding_hyper;

/** Rows of W [vocab_size, n_out] by index. Operands (wg_apply_n):
 * - ids i64 [n, n_in], each 0..vocab_size-1 -> [n, n_in, n_out];
 * - ids i64 [n, n_in] and weights real [n, n_in], which multiply the rows: padding has weight 0;
 * - ids i64 [total] and offsets i64 [n + 1]: example k is ids[offsets[k]..offsets[k + 1] - 1], and
 *   offsets run from 0 to total without falling.
 * With `pool` the rows of an example become their (weighted) sum, or mean (divided by the sum of
 * the weights; zeros where that is 0): [n, 1, n_out]. Without, all examples by offsets have the
 * length recorded. A repeated id counts each time. Errors: WG_EARG, WG_ENAME, WG_EDTYPE, WG_ESHAPE;
 * when it runs WG_EINDEX for ids out of range and offsets that do not cover the ids. Source:
 * numpy-ml layers.py, Embedding. */
WG_API wg_layer *wg_embedding(wg_params *w, const char *name, wg_embedding_hyper hyper);

/** The rows of an embedding's W for ids (i64, any shape below rank 8) -> [..., n_out], without
 * pooling. y->data is new memory: wg_free. Errors: WG_ESTATE before the first use, WG_EDTYPE,
 * WG_EINDEX, WG_EARG for another class, WG_ENOMEM; detail: wg_layer_error. */
WG_API wg_status wg_embedding_lookup(wg_layer *l, wg_array ids, wg_array *y);

/* ---- sparse ---- */

typedef struct {
    int64_t n_out;      /* >= 1 */
    double zeta;        /* part of the connections an evolution step replaces, in [0, 1]; 0: 0.3 */
    double epsilon;     /* > 0, density of connections; 0: 20 */
    const char *act_fn; /* NULL: "Identity" */
    const char *init;   /* NULL: "glorot_uniform" */
} wg_sparse_hyper;

/** y = f(x (W_mask W) + b): x [..., n_in], W [n_in, n_out], b [1, n_out], W_mask [n_in, n_out] of 0
 * and 1, which does not learn; it begins as an Erdos-Renyi graph: a connection has probability
 * min(1, epsilon (n_in + n_out) / (n_in n_out)). No gradient reaches W where there is no
 * connection. wg_layer_update lets connections evolve after the step; a recorded step does not:
 * call wg_sparse_evolve between runs. Errors: WG_EARG, WG_ESHAPE. Source: numpy-ml layers.py,
 * SparseEvolution; Mocanu et al. 2018. */
WG_API wg_layer *wg_sparse_evolution(wg_params *w, const char *name, wg_sparse_hyper hyper);

/** One evolution step (SET): of the connections with a positive weight the floor(zeta count) of
 * smallest weight are cut, and of those with a negative weight the floor(zeta count) nearest to
 * zero; as many are grown at places without a connection, drawn at random from (store seed, layer,
 * step) alone. A grown one has the weight W holds there. *n_rewired (may be NULL) counts. Errors:
 * WG_EARG for another class, WG_ESTATE before the first use or for a frozen layer, WG_ENOMEM;
 * detail: wg_layer_error. Source: Mocanu et al. 2018, algorithm 1. */
WG_API wg_status wg_sparse_evolve(wg_layer *l, uint64_t step, int64_t *n_rewired);

/** min(1, epsilon (n_in + n_out) / (n_in n_out)): how likely a connection is at first. */
WG_API double wg_sparse_density(double epsilon, int64_t n_in, int64_t n_out);

/** The first half of an evolution step on arrays: cuts connections in `mask`, of `weight`'s real
 * type. How many; -1 for other types, a zeta outside [0, 1], or when out of memory. */
WG_API int64_t wg_sparse_prune(wg_array weight, wg_array mask, double zeta);

/* ---- dropout ---- */

typedef struct {
    double p;                    /* probability of dropping, in [0, 1) */
    int64_t scale;               /* WG_DROPOUT_OUTPUT, WG_DROPOUT_INPUT */
    const char *wrapped;         /* class of the wrapped layer: "FullyConnected" */
    const char *hyperparameters; /* its hyperparameters as a JSON object; NULL: defaults */
} wg_dropout_hyper;

enum { WG_DROPOUT_OUTPUT, WG_DROPOUT_INPUT };

/** A wrapper: every element of the input is dropped (set to 0) with probability p, independently;
 * then the wrapped layer, component "layer", is applied. WG_DROPOUT_OUTPUT, as numpy-ml documents:
 * y = layer(mask x) / (1 - p). WG_DROPOUT_INPUT, as published: y = layer(mask x / (1 - p)). When
 * frozen or in prediction: y = layer(x). One real operand, as the wrapped layer wants it. The mask
 * is the random draw NAME/dropout_mask (the second use in one function: NAME/dropout_mask_2), which
 * wg_plan_feed replaces, and the derived variable "dropout_mask". Errors: WG_EARG, WG_ENAME.
 * Source: numpy-ml wrappers.py, Dropout; Srivastava et al. 2014. */
WG_API wg_layer *wg_dropout(wg_params *w, const char *name, wg_dropout_hyper hyper);

/* ---- restricted Boltzmann machine ---- */

typedef struct {
    int64_t n_out;    /* hidden units, >= 1 */
    int64_t K;        /* steps of contrastive divergence, >= 1; 0: 1 */
    const char *init; /* NULL: "glorot_uniform" */
} wg_rbm_hyper;

/** A restricted Boltzmann machine: v [n, n_in] of probabilities or 0 and 1, W [n_in, n_out], b_in
 * [1, n_in], b_out [1, n_out]. Two results (wg_apply_all): the hidden probabilities p_H = sigmoid(v
 * W + b_out) [n, n_out], and the loss of contrastive divergence, one element: sum over the batch of
 * F(v) - F(v2), with the free energy F(v) = -v b_in - sum softplus(v W + b_out). v2 comes of K
 * Gibbs steps: hidden states are drawn (U <= p), visible ones stay probabilities, sigmoid(h W^T +
 * b_in); it counts as a constant, so that the gradient is negative minus positive statistics:
 * parameters descend. Draws are NAME/U0, ..., NAME/U(K-1) (used again in one function: NAME/U0_2,
 * ...), which wg_plan_feed replaces. Derived variables: p_H, H, p_V_prime (v2), p_H_prime,
 * positive_grad = v^T p_H, negative_grad = v2^T p_H_prime, free_energy [n]. Errors: WG_EARG,
 * WG_ESHAPE. Source: numpy-ml layers.py, RBM; Hinton 2002. */
WG_API wg_layer *wg_rbm(wg_params *w, const char *name, wg_rbm_hyper hyper);

/** F(v) of every row: v [n, n_in] -> [n]. A layer not used yet learns n_in here. Errors: WG_EARG
 * for another class; WG_ESHAPE. */
WG_API wg_tensor *wg_rbm_free_energy(wg_layer *l, wg_tensor *v);

/** The visible probabilities after n_steps Gibbs steps from v, [n, n_in] -> the same; or, unless
 * return_prob, units drawn from them: 1 where U <= p. Hidden states are drawn on all steps:
 * NAME/reconstruct/U0, U1, ..., visible ones at the end: NAME/reconstruct/U_V. Errors: as above,
 * and WG_EARG for n_steps below 1. Source: numpy-ml layers.py, RBM.reconstruct. */
WG_API wg_tensor *wg_rbm_reconstruction(wg_layer *l, wg_tensor *v, int64_t n_steps,
                                        bool return_prob);

/** The same on arrays, frozen or not; each call draws anew. y->data is new memory: wg_free. Detail
 * of an error: wg_layer_error. */
WG_API wg_status wg_rbm_reconstruct(wg_layer *l, wg_array v, int64_t n_steps, bool return_prob,
                                    wg_array *y);

/** One step of contrastive divergence on a batch v [n, n_in]: forward, backward, update. Errors:
 * those of the verbs. Source: numpy-ml layers.py, RBM.CD_update. */
WG_API wg_status wg_rbm_cd_update(wg_layer *l, wg_array v);

#ifndef WG_NO_SITES
#define wg_rbm_free_energy(...)    wg_at(WG_SITE, wg_rbm_free_energy(__VA_ARGS__))
#define wg_rbm_reconstruction(...) wg_at(WG_SITE, wg_rbm_reconstruction(__VA_ARGS__))
#endif

#ifdef __cplusplus
}
#endif

#endif
