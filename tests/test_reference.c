/* test_reference.c: the explicit backward methods against golden values and differences. */
#include <wengert/reference.h>

#include "harness.h"
#include "ref_run.h"
#include "ref_subjects.h"

static void golden_activations(void)
{
    static const char *const files[] = { "act_affine",    "act_elu",         "act_exponential",
                                         "act_gelu",      "act_hardsigmoid", "act_identity",
                                         "act_leakyrelu", "act_relu",        "act_selu",
                                         "act_sigmoid",   "act_softplus",    "act_tanh" };

    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
        ref_run_file(files[k], ref_subjects_act);
}

static void golden_losses(void)
{
    static const char *const files[] = { "loss_squared_error", "loss_cross_entropy", "loss_vae",
                                         "loss_wgan_gp", "loss_nce" };

    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
        ref_run_file(files[k], ref_subjects_loss);
}

static void golden_dense_layers(void)
{
    static const char *const files[] = { "layer_fully_connected", "layer_fully_connected_bwd2",
                                         "layer_sparse_evolution", "wrapper_dropout" };

    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
        ref_run_file(files[k], ref_subjects_dense);
}

static void golden_combining_layers(void)
{
    static const char *const files[] = { "layer_softmax",  "layer_embedding", "layer_add",
                                         "layer_multiply", "layer_flatten",   "layer_rbm" };

    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
        ref_run_file(files[k], ref_subjects_combine);
}

static void golden_norms_and_attention(void)
{
    static const char *const files[] = { "layer_batchnorm1d", "layer_batchnorm2d",
                                         "layer_layernorm1d", "layer_layernorm2d",
                                         "layer_dot_product_attention" };

    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
        ref_run_file(files[k], ref_subjects_norm);
}

static void golden_optimizers(void)
{
    static const char *const files[] = { "optim_sgd", "optim_adagrad", "optim_rmsprop",
                                         "optim_adam", "schedulers" };

    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++)
        ref_run_file(files[k], ref_subjects_optim);
}

/* The cases whose layer has an explicit second-order backward here; the others have no such method
 * in numpy-ml and are the engine's alone. */
static void golden_double_backward(void)
{
    gcheck measured[REF_MEASURES] = { { 0, 0, 0, "" }, { 0, 0, 0, "" }, { 0, 0, 0, "" } };
    char text[300] = "";
    gfile file;
    int ran = 0;

    if (harness_check(g_file_load("golden/double_backward.json", &file, text), __FILE__, __LINE__,
                      "%s", text)) {
        for (int k = 0; k < file.n; k++) {
            const gsubject *s = g_subject(ref_subjects_second, g_str(&file.cases[k], "layer", ""));

            if (!s) continue;
            ref_run_case(s, &file.cases[k], measured);
            ran++;
        }
        EQ_INT(ran, 5);
        printf("    %-34s outputs %.1e  gradients %.1e  differences %.1e of %lld\n", file.subject,
               measured[REF_OUTPUTS].error, measured[REF_GRADS].error,
               measured[REF_DIFFERENCES].error, (long long)measured[REF_DIFFERENCES].count);
    }
    g_file_free(&file);
}

TESTS(TEST(golden_activations), TEST(golden_losses), TEST(golden_dense_layers),
      TEST(golden_combining_layers), TEST(golden_norms_and_attention), TEST(golden_optimizers),
      TEST(golden_double_backward))
