/* test_modules.c: layers made of layers: golden values, differences, names, other sizes, two and
 * more steps, bad input. */
#include "layer_kit.h"

static const kit_subject subjects[] = {
    { .file = "module_wavenet_residual",
      .kind = "WavenetResidualModule",
      .in = { "X_main", "X_skip" },
      .out = { "Y_main", "Y_skip" } },
    { .file = "module_bidirectional_lstm",
      .kind = "BidirectionalLSTM",
      .in = { "X" },
      .out = { "Y" } },
    { .file = "module_multi_headed_attention",
      .kind = "MultiHeadedAttentionModule",
      .in = { "Q", "K", "V" },
      .out = { "Y" },
      .kept = { { "attention_weights", "layer/attention/attention_weights" } },
      .mask = "layer/attention/dropout_mask" },
    { .file = "module_skip_identity",
      .kind = "SkipConnectionIdentityModule",
      .in = { "X" },
      .out = { "Y" },
      .tol_grad = 1e-8 },
    { .file = "module_skip_conv",
      .kind = "SkipConnectionConvModule",
      .in = { "X" },
      .out = { "Y" },
      .tol_grad = 1e-8 },
};

static void golden_wavenet(void)
{
    kit_golden(&subjects[0]);
}
static void golden_bilstm(void)
{
    kit_golden(&subjects[1]);
}
static void golden_attention(void)
{
    kit_golden(&subjects[2]);
}
static void golden_skip_identity(void)
{
    kit_golden(&subjects[3]);
}
static void golden_skip_conv(void)
{
    kit_golden(&subjects[4]);
}

TESTS(TEST(golden_wavenet), TEST(golden_bilstm), TEST(golden_attention), TEST(golden_skip_identity),
      TEST(golden_skip_conv))
