/* test_reference_more.c: the references of convolutions, recurrent layers, modules and models
 * against golden values and central differences. */
#include <wengert/reference.h>

#include "harness.h"
#include "ref_run.h"
#include "ref_subjects.h"

static void golden_convolutions(void)
{
    ref_run_file("layer_conv1d", ref_subjects_conv);
    ref_run_file("layer_conv2d", ref_subjects_conv);
    ref_run_file("layer_deconv2d", ref_subjects_conv);
    ref_run_file("layer_pool2d", ref_subjects_conv);
}

/* The same files through the functions that go element by element. */
static void golden_convolutions_naive(void)
{
    ref_run_file("layer_conv1d", ref_subjects_naive);
    ref_run_file("layer_conv2d", ref_subjects_naive);
    ref_run_file("layer_deconv2d", ref_subjects_naive);
}

/* Convolutions, columns and padding of the golden utils, both ways where there are two. */
static void golden_utils(void)
{
    static const char *const has[] = { "conv1D", "conv2D", "deconv2D", "im2col",
                                       "col2im", "pad2D",  "dilate" };
    gcheck measured[REF_MEASURES] = { { .error = 0 } };
    char text[300] = "";
    gfile file;
    int ran = 0;

    if (harness_check(g_file_load("golden/utils.json", &file, text), __FILE__, __LINE__, "%s",
                      text)) {
        for (int k = 0; k < file.n; k++)
            for (size_t f = 0; f < sizeof has / sizeof has[0]; f++) {
                if (strcmp(g_str(&file.cases[k], "function", ""), has[f]) != 0) continue;
                ref_run_case(&ref_subjects_utils[0], &file.cases[k], measured);
                ref_run_case(&ref_subjects_utils[1], &file.cases[k], measured);
                ran++;
            }
        EQ_INT(ran, 26);
        printf("    %-34s outputs %.1e\n", file.subject, measured[REF_OUTPUTS].error);
    }
    g_file_free(&file);
}

static void golden_recurrent(void)
{
    ref_run_file("layer_rnncell", ref_subjects_seq);
    ref_run_file("layer_lstmcell", ref_subjects_seq);
    ref_run_file("layer_rnn", ref_subjects_seq);
    ref_run_file("layer_lstm", ref_subjects_seq);
    ref_run_file("module_bidirectional_lstm", ref_subjects_seq);
}

static void golden_modules(void)
{
    ref_run_file("module_wavenet_residual", ref_subjects_module);
    ref_run_file("module_skip_identity", ref_subjects_module);
    ref_run_file("module_skip_conv", ref_subjects_module);
    ref_run_file("module_multi_headed_attention", ref_subjects_module);
}

static void golden_models(void)
{
    ref_run_file("model_bernoulli_vae", ref_subjects_model);
    ref_run_file("model_wgan_gp", ref_subjects_model);
    ref_run_file("model_word2vec", ref_subjects_model);
}

/* Second derivatives of Conv2D and LSTM, each against golden, and Conv2D's against differences of
 * its first backward. */
static void golden_double_backward_of_windows_and_time(void)
{
    gcheck measured[REF_MEASURES] = { { .error = 0 } };
    char text[300] = "";
    gfile file;
    int ran = 0;

    if (harness_check(g_file_load("golden/double_backward.json", &file, text), __FILE__, __LINE__,
                      "%s", text)) {
        for (int k = 0; k < file.n; k++) {
            gcase *c = &file.cases[k];
            const gsubject *s = g_subject(ref_subjects_second_more, g_str(c, "layer", ""));

            if (!s) continue;
            ref_run_case(s, c, measured);
            ran++;
        }
        EQ_INT(ran, 2);
        printf("    %-34s outputs %.1e  gradients %.1e  differences %.1e of %lld\n", file.subject,
               measured[REF_OUTPUTS].error, measured[REF_GRADS].error,
               measured[REF_DIFFERENCES].error, (long long)measured[REF_DIFFERENCES].count);
    }
    g_file_free(&file);
}

TESTS(TEST(golden_convolutions), TEST(golden_convolutions_naive), TEST(golden_utils),
      TEST(golden_recurrent), TEST(golden_modules), TEST(golden_models),
      TEST(golden_double_backward_of_windows_and_time))
