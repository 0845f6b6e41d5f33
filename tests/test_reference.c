/* test_reference.c: the reference backward methods against golden values and central differences. */
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

TESTS(TEST(golden_activations))
