/* test_reference_more.c: the references of convolutions, recurrent layers, modules and models against
 * golden values and central differences. */
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

static void golden_recurrent(void)
{
    ref_run_file("layer_rnncell", ref_subjects_seq);
    ref_run_file("layer_lstmcell", ref_subjects_seq);
    ref_run_file("layer_rnn", ref_subjects_seq);
    ref_run_file("layer_lstm", ref_subjects_seq);
    ref_run_file("module_bidirectional_lstm", ref_subjects_seq);
}

TESTS(TEST(golden_convolutions), TEST(golden_convolutions_naive), TEST(golden_recurrent))
