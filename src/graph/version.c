/* version.c: what this library is and what it runs on, for programs that ask and for bug
 * reports. */
#include <cblas.h>
#include <stdatomic.h>
#include <string.h>

#include "internal.h"

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)
#define VERSION  VALUE(WG_VERSION_MAJOR) "." VALUE(WG_VERSION_MINOR) "." VALUE(WG_VERSION_PATCH)

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "an unknown compiler"
#endif

const char *wg_version(void)
{
    return VERSION;
}

/* The level that a set of OpenBLAS kernels is written for, by the name it reports. */
static int blas_level(const char *core)
{
    static const struct {
        const char *core;
        int level;
    } known[] = {
        { "SkylakeX", WG_LEVEL_AVX512 },
        { "Cooperlake", WG_LEVEL_AVX512 },
        { "SapphireRapids", WG_LEVEL_AVX512 },
        { "Haswell", WG_LEVEL_AVX2 },
        { "Zen", WG_LEVEL_AVX2 },
        { "Excavator", WG_LEVEL_AVX2 },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(core, known[i].core) == 0) return known[i].level;
    return WG_LEVEL_PLAIN;
}

static void write_build_info(char *text, size_t n)
{
    static const char *const level_name[WG_N_LEVELS] = { "plain", "avx2", "avx512" };
    const char *config = openblas_get_config(), *core = openblas_get_corename();
    int level = wg_level();
    const char *old = blas_level(core) < level ? " (older than the processor)" : "";

    /* Of OpenBLAS's configuration the first two words: name and version. */
    int words = (int)strcspn(config, " ");

    if (config[words] == ' ') words += 1 + (int)strcspn(config + words + 1, " ");
    snprintf(text, n, "wengert %s, %s, level %s, %.*s with %s kernels%s, %s", VERSION, COMPILER,
             level_name[level], words, config, core, old,
             openblas_get_parallel() == 2   ? "openmp"
             : openblas_get_parallel() == 1 ? "pthread"
                                            : "sequential");
}

const char *wg_build_info(void)
{
    static char text[400];
    static atomic_int state; /* 0: empty, 1: being written, 2: there */
    int empty = 0;

    if (atomic_compare_exchange_strong(&state, &empty, 1)) {
        write_build_info(text, sizeof text);
        atomic_store(&state, 2);
    }
    while (atomic_load(&state) != 2) continue;
    return text;
}
