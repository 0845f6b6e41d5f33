#include "golden_kinds.h"
static void golden_schedulers(void)
{
    golden_run_file("schedulers", golden_kinds_optim);
}
TESTS(TEST(golden_schedulers))
