/* layer_samples.h: one small example of each layer class, for tests that ask something of all. */
#ifndef LAYER_SAMPLES_H
#define LAYER_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MOST_IN = 4, MOST_OUT = 4 };

/* One operand: extents with -1 where the batch stands; indices below `below`, else reals. */
typedef struct {
    int rank;
    int64_t dim[4];
    int64_t below;
} operand;

typedef struct {
    const char *kind, *json;
    int n;
    operand in[MOST_IN];
    bool no_differences; /* draws in prediction, or kinks of ReLU at the start: no quotients, no f32 */
} sample;

static const sample samples[] = {
    { "Add", "{\"act_fn\": \"Tanh\"}", 2, { { 2, { -1, 3 }, 0 }, { 2, { -1, 3 }, 0 } }, false },
    { "Multiply",
      "{}",
      3,
      { { 2, { -1, 3 }, 0 }, { 2, { -1, 3 }, 0 }, { 2, { -1, 3 }, 0 } },
      false },
    { "BatchNorm1D", "{}", 1, { { 2, { -1, 3 }, 0 } }, false },
    { "BatchNorm2D", "{}", 1, { { 4, { -1, 2, 3, 2 }, 0 } }, false },
    { "LayerNorm1D", "{}", 1, { { 2, { -1, 4 }, 0 } }, false },
    { "LayerNorm2D", "{}", 1, { { 4, { -1, 2, 2, 2 }, 0 } }, false },
    { "Conv1D",
      "{\"out_ch\": 2, \"kernel_width\": 2, \"pad\": \"causal\", \"act_fn\": \"Tanh\"}",
      1,
      { { 3, { -1, 5, 2 }, 0 } },
      false },
    { "Conv2D",
      "{\"out_ch\": 2, \"kernel_shape\": [2, 2], \"pad\": \"same\", \"act_fn\": \"Tanh\"}",
      1,
      { { 4, { -1, 3, 4, 2 }, 0 } },
      false },
    { "Deconv2D",
      "{\"out_ch\": 2, \"kernel_shape\": [2, 3], \"stride\": 2}",
      1,
      { { 4, { -1, 2, 3, 2 }, 0 } },
      false },
    { "Pool2D",
      "{\"kernel_shape\": [2, 2], \"stride\": 2, \"mode\": \"average\"}",
      1,
      { { 4, { -1, 4, 4, 2 }, 0 } },
      false },
    { "Flatten", "{}", 1, { { 3, { -1, 2, 3 }, 0 } }, false },
    { "FullyConnected",
      "{\"n_out\": 3, \"act_fn\": \"Sigmoid\"}",
      1,
      { { 2, { -1, 4 }, 0 } },
      false },
    { "Softmax", "{}", 1, { { 2, { -1, 4 }, 0 } }, false },
    { "SparseEvolution",
      "{\"n_out\": 3, \"epsilon\": 2, \"act_fn\": \"Tanh\"}",
      1,
      { { 2, { -1, 4 }, 0 } },
      false },
    { "Embedding",
      "{\"n_out\": 3, \"vocab_size\": 7, \"pool\": \"mean\"}",
      1,
      { { 2, { -1, 3 }, 7 } },
      false },
    { "Dropout",
      "{\"p\": 0.3, \"wrapped\": \"FullyConnected\", \"hyperparameters\": \"{\\\"n_out\\\": 3, "
      "\\\"act_fn\\\": \\\"Tanh\\\"}\"}",
      1,
      { { 2, { -1, 4 }, 0 } },
      false },
    { "DotProductAttention",
      "{}",
      3,
      { { 3, { -1, 2, 3 }, 0 }, { 3, { -1, 4, 3 }, 0 }, { 3, { -1, 4, 2 }, 0 } },
      false },
    { "RBM", "{\"n_out\": 3}", 1, { { 2, { -1, 4 }, 0 } }, true },
    { "RNNCell", "{\"n_out\": 3}", 1, { { 2, { -1, 2 }, 0 } }, false },
    { "LSTMCell", "{\"n_out\": 3}", 1, { { 2, { -1, 2 }, 0 } }, false },
    { "RNN", "{\"n_out\": 3}", 1, { { 3, { -1, 2, 4 }, 0 } }, false },
    { "LSTM", "{\"n_out\": 3}", 1, { { 3, { -1, 2, 3 }, 0 } }, false },
    { "BidirectionalLSTM",
      "{\"n_out\": 2, \"merge_mode\": \"multiply\"}",
      1,
      { { 3, { -1, 2, 3 }, 0 } },
      false },
    { "MultiHeadedAttentionModule",
      "{\"n_heads\": 2, \"dropout_p\": 0.2}",
      3,
      { { 3, { -1, 2, 4 }, 0 }, { 3, { -1, 3, 4 }, 0 }, { 3, { -1, 3, 4 }, 0 } },
      false },
    { "SkipConnectionIdentityModule",
      "{\"out_ch\": 3, \"kernel_shape1\": [2, 2], \"kernel_shape2\": [3, 3], \"act_fn\": \"Tanh\"}",
      1,
      { { 4, { -1, 3, 4, 2 }, 0 } },
      false },
    { "SkipConnectionConvModule",
      "{\"out_ch1\": 2, \"out_ch2\": 3, \"kernel_shape1\": [2, 2], \"kernel_shape2\": [2, 2], "
      "\"kernel_shape_skip\": [1, 1], \"pad1\": \"same\", \"pad2\": \"same\", \"act_fn\": "
      "\"Tanh\"}",
      1,
      { { 4, { -1, 3, 4, 2 }, 0 } },
      false },
    { "WavenetResidualModule",
      "{\"ch_residual\": 2, \"ch_dilation\": 3, \"dilation\": 1, \"kernel_width\": 2}",
      2,
      { { 3, { -1, 5, 2 }, 0 }, { 3, { -1, 5, 2 }, 0 } },
      false },
    { "NCELoss",
      "{\"n_classes\": 7, \"num_negative_samples\": 2, \"subtract_log_label_prob\": false}",
      3,
      { { 3, { -1, 2, 3 }, 0 }, { 1, { -1 }, 7 }, { 1, { 2 }, 7 } },
      false },
    { "BernoulliVAE",
      "{\"T\": 2, \"latent_dim\": 3, \"enc_conv1_out_ch\": 2, \"enc_conv2_out_ch\": 2, "
      "\"enc_conv1_kernel_shape\": [2, 2], \"enc_conv2_kernel_shape\": [2, 2]}",
      1,
      { { 4, { -1, 8, 8, 1 }, 0 } },
      true },
    { "WGAN_GP", "{\"g_hidden\": 3}", 1, { { 2, { -1, 2 }, 0 } }, true },
    { "Word2Vec",
      "{\"vocab_size\": 7, \"embedding_dim\": 3, \"num_negative_samples\": 2}",
      4,
      { { 2, { -1, 3 }, 7 }, { 2, { -1, 3 }, 0 }, { 1, { -1 }, 7 }, { 1, { 2 }, 7 } },
      false },
};

enum { SAMPLES = sizeof samples / sizeof *samples };

static inline const sample *sample_of(const char *kind)
{
    for (int i = 0; i < SAMPLES; i++)
        if (!strcmp(samples[i].kind, kind)) return &samples[i];
    return NULL;
}

#endif
