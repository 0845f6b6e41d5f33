/* test_loss.c: losses. */
#include <wengert.h>

#include "composed.h"
#include "golden_kinds.h"

static void golden(void)
{
    static const char *const files[] = { "loss_squared_error", "loss_cross_entropy", "loss_vae",
                                         "loss_wgan_gp", "loss_nce" };

    for (int i = 0; i < 5; i++) golden_run_file(files[i], golden_kinds_loss);
}
TESTS(TEST(golden))
