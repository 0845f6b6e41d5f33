/* test_build.c: version, processor level, build information. */
#include "harness.h"
#include "levels.h"

#include <wengert/op.h>
#include <wengert/plan.h>

static void version_is_that_of_the_headers(void)
{
    char text[40];

    snprintf(text, sizeof text, "%d.%d.%d", WG_VERSION_MAJOR, WG_VERSION_MINOR, WG_VERSION_PATCH);
    EQ_STR(wg_version(), text);
}

/* The variable lowers the level and never raises it; what is no digit changes nothing. */
static void level_follows_the_environment(void)
{
    const char *set = getenv("WENGERT_LEVEL");
    char *kept = set ? strdup(set) : NULL;
    int best;

    unsetenv("WENGERT_LEVEL");
    best = wg_level();
    EQ_INT(best, levels() - 1);
    for (int wish = 0; wish <= 9; wish++) {
        char digit[2] = { (char)('0' + wish), '\0' };

        setenv("WENGERT_LEVEL", digit, 1);
        EQ_INT(wg_level(), wish < best ? wish : best);
    }
    for (const char *const *odd = (const char *const[]){ "", "-1", "00", "x", NULL }; *odd; odd++) {
        setenv("WENGERT_LEVEL", *odd, 1);
        EQ_INT(wg_level(), best);
    }
    if (kept) setenv("WENGERT_LEVEL", kept, 1);
    else unsetenv("WENGERT_LEVEL");
    free(kept);
}

static void build_info_names_what_runs(void)
{
    static const char *const level[] = { "level plain", "level avx2", "level avx512" };
    const char *info = wg_build_info();

    CHECK(strncmp(info, "wengert ", 8) == 0);
    CHECK(strstr(info, wg_version()) != NULL);
    CHECK(strstr(info, level[wg_level()]) != NULL);
    CHECK(strstr(info, "OpenBLAS ") != NULL);
    CHECK(strchr(info, '\n') == NULL);
    CHECK(wg_build_info() == info);
}

TESTS(TEST(version_is_that_of_the_headers), TEST(level_follows_the_environment),
      TEST(build_info_names_what_runs))
