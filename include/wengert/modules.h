/*
 * modules.h: layers made of layers. A module's components (wg_layer_component) hold the parameters;
 * names of components, derived variables and hyperparameters are numpy-ml's. A zero or NULL in a
 * hyperparameter struct means the default; those marked "learned" may be left 0: the first input
 * tells them.
 */
#ifndef WENGERT_MODULES_H
#define WENGERT_MODULES_H

#include "layers.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int64_t ch_residual;  /* channels of X_main and X_skip, >= 1 */
    int64_t ch_dilation;  /* channels of the dilated convolution, >= 1 */
    int64_t dilation;     /* elements inserted between taps, >= 0 */
    int64_t kernel_width; /* of the dilated convolution, >= 1 */
    const char *init;     /* NULL: "glorot_uniform" */
} wg_wavenet_hyper;

/** A residual block of WaveNet: with d the causal, dilated convolution of X_main and r =
 * conv_1x1(tanh(d) sigmoid(d)): Y_main = r + X_main, Y_skip = r + X_skip. Operands X_main and, not
 * in the first block, X_skip [n, length, ch_residual]; results Y_main, Y_skip of that shape. In the
 * last block Y_main is not used: it needs no gradient. Components conv_1x1, add_skip, add_residual,
 * conv_dilation, multiply_gate. Derived: conv_dilation_out, tanh_out, sigm_out, multiply_gate_out,
 * conv_1x1_out, and the gradients there: dLdConv_dilation, dLdTanh, dLdSigmoid, dLdMultiply,
 * dLdConv_1x1. Errors: WG_EARG, WG_ESHAPE. Source: numpy-ml modules.py, WavenetResidualModule,
 * whose one convolution feeds both gates (van den Oord et al. 2016 have one for each). */
WG_API wg_layer *wg_wavenet_residual(wg_params *w, const char *name, wg_wavenet_hyper hyper);

typedef struct {
    int64_t out_ch;           /* of conv1, >= 1 */
    int64_t kernel_shape1[2]; /* >= 1 */
    int64_t kernel_shape2[2]; /* >= 1 */
    int64_t stride1, stride2; /* 0: 1 */
    const char *act_fn;       /* NULL: "Affine(slope=1, intercept=0)" */
    double epsilon;           /* of the batch norms; 0: 1e-5 */
    double momentum;          /* of their running statistics; 0: 0.9 */
    const char *init;         /* NULL: "glorot_uniform" */
    int64_t in_ch;            /* learned; channels of X, and out_ch of conv2 */
} wg_skip_identity_hyper;

/** A residual block that keeps the shape: y = f(X + batchnorm2(conv2(batchnorm1(f(conv1(X)))))),
 * both convolutions with "same" padding: X [n, rows, cols, in_ch] -> the same. Components conv1,
 * batchnorm1, conv2, batchnorm2, add3. Derived: conv1_out, batchnorm1_out, conv2_out,
 * batchnorm2_out, and gradients there: dLdConv1, dLdBn1, dLdConv2, dLdBn2; dLdAdd3_X is the whole
 * gradient of X. Errors: WG_EARG, WG_ESHAPE. Source: numpy-ml modules.py,
 * SkipConnectionIdentityModule; He et al. 2015, who normalise before f. */
WG_API wg_layer *wg_skip_identity(wg_params *w, const char *name, wg_skip_identity_hyper hyper);

typedef struct {
    int64_t out_ch1, out_ch2;     /* of conv1; of conv2 and conv_skip, >= 1 */
    int64_t kernel_shape1[2];     /* >= 1 */
    int64_t kernel_shape2[2];     /* >= 1 */
    int64_t kernel_shape_skip[2]; /* >= 1 */
    int64_t pad1_mode, pad1[4];   /* WG_PAD_EXPLICIT, WG_PAD_SAME; top, bottom, left, right */
    int64_t pad2_mode, pad2[4];
    int64_t stride1, stride2, stride_skip; /* 0: 1 */
    const char *act_fn;                    /* NULL: "Affine(slope=1, intercept=0)" */
    double epsilon;                        /* of the batch norms; 0: 1e-5 */
    double momentum;                       /* of their running statistics; 0: 0.9 */
    const char *init;                      /* NULL: "glorot_uniform" */
    int64_t in_ch;                         /* learned */
    int64_t pad_skip[4];                   /* learned: for the size recorded last; never read */
} wg_skip_conv_hyper;

/** A residual block that changes the shape: y = f(batchnorm_skip(conv_skip(X)) +
 * batchnorm2(conv2(batchnorm1(f(conv1(X)))))): X [n, rows, cols, in_ch] -> [n, rows', cols',
 * out_ch2]. X is padded for conv_skip so that both branches have one size: total = stride_skip
 * (rows' - 1) + kernel - rows, half of it (floored) above and left, derived anew for every size.
 * Components add3, conv1, conv2, conv_skip, batchnorm1, batchnorm2, batchnorm_skip. Derived: those
 * of SkipConnectionIdentityModule, conv_skip_out, batchnorm_skip_out, dLdConvSkip, dLdBnSkip.
 * Errors: WG_EARG; WG_ESHAPE, also when no padding gives that size. Source: numpy-ml modules.py,
 * SkipConnectionConvModule; He et al. 2015. */
WG_API wg_layer *wg_skip_conv(wg_params *w, const char *name, wg_skip_conv_hyper hyper);

typedef struct {
    int64_t n_out;          /* of each direction, >= 1 */
    const char *act_fn;     /* NULL: "Tanh" */
    const char *gate_fn;    /* NULL: "Sigmoid" */
    const char *merge_mode; /* NULL: "concat"; "sum", "average", "multiply" */
    const char *init;       /* NULL: "glorot_uniform" */
    int64_t n_in;           /* learned */
} wg_bidirectional_lstm_hyper;

/** Two LSTMs over a sequence, one in each direction of time, each from zero states, merged step by
 * step: X [n, n_in, n_t] -> [n, n_out, n_t], or for "concat" [n, 2 n_out, n_t], forward ones first;
 * n_t >= 1. The graph holds every step: it runs for other n, not for other n_t. Components cell_fwd
 * and cell_bwd (LSTMCell). Derived: Y_fwd, Y_bwd. Errors: WG_EARG, WG_ENAME for merge_mode,
 * WG_ESHAPE. Source: numpy-ml modules.py, BidirectionalLSTM; Schuster and Paliwal 1997. */
WG_API wg_layer *wg_bidirectional_lstm(wg_params *w, const char *name,
                                       wg_bidirectional_lstm_hyper hyper);

typedef struct {
    int64_t n_heads;    /* 0: 8 */
    double dropout_p;   /* of each head's weights, 0 <= p < 1 */
    const char *init;   /* NULL: "glorot_uniform" */
    int64_t kqv_dim;    /* learned; a multiple of n_heads */
    int64_t latent_dim; /* learned: kqv_dim / n_heads */
} wg_mha_hyper;

/** Attention by several heads: Q, K, V are projected, head i takes columns i latent_dim .. (i + 1)
 * latent_dim of each projection, DotProductAttention gives each head's result, and their columns
 * side by side are projected by O. Operands Q [n, t_q, kqv_dim], K and V [n, t_k, kqv_dim], and,
 * unless left out, a mask that is added to the scores of every head as in DotProductAttention, in
 * extents that broadcast to [n, n_heads, t_q, t_k] -> [n, t_q, kqv_dim]; any numbers of steps.
 * Components attention, Q, K, V, O. In training weights are dropped by the draw
 * NAME/attention/dropout_mask [n, n_heads, t_q, t_k]. Derived: Q_proj, K_proj, V_proj [n, n_heads,
 * t, latent_dim], attention_weights [n, n_heads, t_q, t_k], attention_out [n, t_q, kqv_dim], and
 * gradients dQ_proj, dK_proj, dV_proj. Errors: WG_EARG when kqv_dim is no multiple of n_heads;
 * WG_ESHAPE. Source: numpy-ml modules.py, MultiHeadedAttentionModule; Vaswani et al. 2017. */
WG_API wg_layer *wg_multi_headed_attention(wg_params *w, const char *name, wg_mha_hyper hyper);

#ifdef __cplusplus
}
#endif

#endif
