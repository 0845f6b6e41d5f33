/*
 * limits.c: what this machine can do at its best, in one JSON line.
 *     limits [--threads N] [--seconds S]
 * Rates are the best of short slices, S seconds of them for each figure (0.05): multiply-add peak
 * in GFLOP/s, memory in GB/s (bytes a program reads and writes), one figure for each number of
 * threads up to N (2); elementary functions of vectors in L1 in ns an element on one thread, the
 * library's own and those of libmvec where the C library has it; a step of tiny_mlp written out by
 * hand, in seconds, after it was held against the engine's.
 */
#define _GNU_SOURCE
#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "graph/internal.h"
#include "jobs.h"
#include "timing.h"
#include "ops/vmath.h"

#define WG_TEMPLATE "limits_real.h"
#include "ops/each_real.h"

enum { MOST_THREADS = 64, SHORT = 4096, FUNCTIONS = 6 };

typedef void peak_fn(float *keep, int64_t n);
typedef void memory_fn(float *y, float *a, float *b, int64_t n);
typedef void map_fn(float *y, const float *x, int n);
typedef float tiny_fn(void *weights, const void *x, double target, double rate);
typedef int64_t count_fn(void);

static peak_fn *const peaks[WG_N_LEVELS] = WG_LEVELS(peak_f32);
static count_fn *const peak_ops[WG_N_LEVELS] = WG_LEVELS(peak_ops_f32);
static tiny_fn *const tiny_steps[WG_N_LEVELS] = WG_LEVELS(tiny_step_f32);

static const struct {
    const char *name;
    int arrays; /* read or written */
    memory_fn *run[WG_N_LEVELS];
} streams[] = {
    { "read", 1, WG_LEVELS(read_f32) },     { "write", 1, WG_LEVELS(write_f32) },
    { "copy", 2, WG_LEVELS(copy_f32) },     { "triad", 3, WG_LEVELS(triad_f32) },
    { "update", 3, WG_LEVELS(update_f32) },
};
enum { N_STREAMS = sizeof streams / sizeof *streams };

/* ---- libmvec ---- */

#ifdef BENCH_MVEC
#define MVEC(f, g)                                                                                 \
    __attribute__((target("avx512f"))) __m512 _ZGVeN16v_##g(__m512 x);                             \
    __attribute__((target("avx2"))) __m256 _ZGVdN8v_##g(__m256 x);                                 \
    __attribute__((target("avx512f"))) static void mvec_##f##_2(float *y, const float *x, int n)   \
    {                                                                                              \
        for (int i = 0; i < n; i += 16)                                                            \
            _mm512_storeu_ps(y + i, _ZGVeN16v_##g(_mm512_loadu_ps(x + i)));                        \
    }                                                                                              \
    __attribute__((target("avx2"))) static void mvec_##f##_1(float *y, const float *x, int n)      \
    {                                                                                              \
        for (int i = 0; i < n; i += 8)                                                             \
            _mm256_storeu_ps(y + i, _ZGVdN8v_##g(_mm256_loadu_ps(x + i)));                         \
    }
MVEC(exp, expf)
MVEC(log, logf)
MVEC(log1p, log1pf)
MVEC(tanh, tanhf)
MVEC(erf, erff)
#undef MVEC
#define MVEC(f)                                                                                    \
    {                                                                                              \
        NULL, mvec_##f##_1, mvec_##f##_2                                                           \
    }
#else
#define MVEC(f)                                                                                    \
    {                                                                                              \
        NULL                                                                                       \
    }
#endif

static const struct {
    const char *name;
    map_fn *own[WG_N_LEVELS], *mvec[WG_N_LEVELS];
    float low, high;
} functions[FUNCTIONS] = {
    { "exp", WG_LEVELS(map_exp_f32), MVEC(exp), -4, 4 },
    { "log", WG_LEVELS(map_log_f32), MVEC(log), 0.01f, 4 },
    { "log1p", WG_LEVELS(map_log1p_f32), MVEC(log1p), -0.9f, 4 },
    { "tanh", WG_LEVELS(map_tanh_f32), MVEC(tanh), -4, 4 },
    { "sigmoid", WG_LEVELS(map_sigmoid_f32), { NULL }, -4, 4 },
    { "erf", WG_LEVELS(map_erf_f32), MVEC(erf), -4, 4 },
};

/* ---- measuring ---- */

static double slice_seconds = 0.05; /* of a figure */

/* GFLOP/s; every thread has a slice of its own. */
static double best_peak(int level, int threads)
{
    enum { ROUNDS = 100000 };
    double start = now(), best = 1e300;

    while (now() - start < slice_seconds) {
        double t = now();

#pragma omp parallel num_threads(threads)
        {
            float keep[64] = { 1, 0.5f };

            peaks[level](keep, ROUNDS);
        }
        t = now() - t;
        if (t < best) best = t;
    }
    return (double)peak_ops[level]() * ROUNDS * threads / best * 1e-9;
}

/* GB/s over arrays far larger than the caches, shared out among the threads. */
static double best_stream(int k, int level, int threads, float *const *array, int64_t n)
{
    double start = now(), best = 1e300;
    int64_t share = n / threads / 1024 * 1024;

    for (int pass = 0; pass < 3 || now() - start < 2 * slice_seconds; pass++) {
        double t = now();

#pragma omp parallel for num_threads(threads) schedule(static, 1)
        for (int i = 0; i < threads; i++)
            streams[k].run[level](array[0] + i * share, array[1] + i * share, array[2] + i * share,
                                  share);
        t = now() - t;
        if (t < best) best = t;
    }
    return (double)share * threads * streams[k].arrays * (double)sizeof(float) / best * 1e-9;
}

/* ns an element; 0 without such a function. */
static double best_map(map_fn *f, float low, float high)
{
    static float x[SHORT], y[SHORT];
    double start = now(), best = 1e300;

    if (!f) return 0;
    for (int i = 0; i < SHORT; i++)
        x[i] = low + (high - low) * ((float)((i * 2654435761u) >> 8 & 0xffff) / 65536);
    while (now() - start < slice_seconds) {
        double t = now();

        for (int i = 0; i < 10; i++) f(y, x, SHORT);
        t = (now() - t) / 10;
        if (t < best) best = t;
    }
    return best / SHORT * 1e9;
}

/* ---- tiny_mlp by hand ---- */

enum {
    HIDDEN = 16,
    W1 = 0,
    B1 = W1 + 3 * HIDDEN,
    W2 = B1 + HIDDEN,
    T2 = W2 + HIDDEN * HIDDEN,
    B2 = T2 + HIDDEN * HIDDEN,
    W3 = B2 + HIDDEN,
    B3 = W3 + HIDDEN,
    N_WEIGHTS = B3 + 1
};

static const struct {
    const char *name;
    int at;
} places[] = { { "a/W", W1 }, { "a/b", B1 }, { "b/W", W2 },
               { "b/b", B2 }, { "c/W", W3 }, { "c/b", B3 } };
enum { N_PLACES = sizeof places / sizeof *places };

static void take_weights(const job *j, float *w)
{
    for (int i = 0; i < N_PLACES; i++) {
        const wg_param *p = wg_params_find(j->w, places[i].name);

        memcpy(w + places[i].at, p->value.data,
               (size_t)wg_shape_count(&p->value.type.shape) * sizeof *w);
    }
    for (int i = 0; i < HIDDEN; i++)
        for (int k = 0; k < HIDDEN; k++) w[T2 + k * HIDDEN + i] = w[W2 + i * HIDDEN + k];
}

/* Whether three steps by hand leave the weights where the engine's leave them. */
static bool same_as_engine(int level)
{
    _Alignas(64) float mine[N_WEIGHTS], theirs[N_WEIGHTS];
    wg_error error = { .code = WG_OK };
    job j;
    wg_plan *p = NULL;
    double off = 0;

    if (job_open(&j, job_find("tiny_mlp"), (job_kind){ WG_F32, false, true }, &error)) {
        p = job_plan(&j, &(wg_plan_options){ .threads = 1 }, &error);
        if (!p) job_close(&j);
    }
    if (!p) {
        wg_error_print(&error, stderr);
        return false;
    }
    take_weights(&j, mine);
    for (int i = 0; i < 3; i++) {
        tiny_steps[level](mine, j.fed[0].data, (double)*(float *)j.fed[1].data, j.rate);
        wg_plan_run(p);
    }
    take_weights(&j, theirs);
    for (int i = 0; i < N_WEIGHTS; i++) off = fmax(off, fabs((double)mine[i] - (double)theirs[i]));
    wg_plan_free(p);
    job_close(&j);
    if (off < 1e-6) return true;
    fprintf(stderr, "limits: the step by hand is off by %g\n", off);
    return false;
}

static double best_tiny(int level)
{
    enum { PACK = 1000 };
    _Alignas(64) float w[N_WEIGHTS];
    static const float x[3] = { 0.3f, -1.2f, 0.7f };
    double start = now(), best = 1e300;

    for (int i = 0; i < N_WEIGHTS; i++) w[i] = (float)(i * 7919 % 101) / 300 - 0.17f;
    for (int i = 0; i < HIDDEN; i++)
        for (int k = 0; k < HIDDEN; k++) w[T2 + k * HIDDEN + i] = w[W2 + i * HIDDEN + k];
    while (now() - start < slice_seconds) {
        double t = now();

        for (int i = 0; i < PACK; i++) tiny_steps[level](w, x, 0.5, 1e-6);
        t = (now() - t) / PACK;
        if (t < best) best = t;
    }
    return best;
}

/* ---- the line ---- */

static void print_map(const char *kind, int level)
{
    const char *comma = "";

    printf("\"%s\": {", kind);
    for (int i = 0; i < FUNCTIONS; i++) {
        map_fn *f = kind[0] == 'o' ? functions[i].own[level] : functions[i].mvec[level];

        if (!f) continue;
        printf("%s\"%s\": %.4f", comma, functions[i].name,
               best_map(f, functions[i].low, functions[i].high));
        comma = ", ";
    }
    printf("}, ");
}

static bool print_memory(int level, int threads)
{
    enum { ELEMENTS = 1 << 24, EDGE = 1 << 21 };
    float *array[3] = { NULL }, *memory;
    size_t bytes = (size_t)ELEMENTS * sizeof(float) * 3;

    memory = aligned_alloc(EDGE, bytes);
    if (!memory) return false;
#ifdef MADV_HUGEPAGE
    madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    for (size_t i = 0; i < bytes / sizeof(float); i++) memory[i] = (float)(i % 1000) * 1e-3f;
    for (int i = 0; i < 3; i++) array[i] = memory + (size_t)i * ELEMENTS;
    printf("\"memory\": {");
    for (int k = 0; k < N_STREAMS; k++) {
        printf("%s\"%s\": [", k ? ", " : "", streams[k].name);
        for (int t = 1; t <= threads; t++)
            printf("%s%.3f", t > 1 ? ", " : "", best_stream(k, level, t, array, ELEMENTS));
        printf("]");
    }
    printf("}, ");
    free(memory);
    return true;
}

int main(int argc, char **argv)
{
    int threads = 2, level = wg_level();

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--threads") && i + 1 < argc) threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--seconds") && i + 1 < argc) slice_seconds = atof(argv[++i]);
        else {
            fprintf(stderr, "usage: limits [--threads N] [--seconds S]\n");
            return 2;
        }
    }
    if (threads < 1 || threads > MOST_THREADS || !same_as_engine(level)) return 1;
    printf("{\"info\": \"%s\", \"level\": %d, \"peak\": [", wg_build_info(), level);
    for (int t = 1; t <= threads; t++) {
        double best = 0;

        /* wider vectors are not faster on every processor */
        for (int l = 0; l <= level; l++) best = fmax(best, best_peak(l, t));
        printf("%s%.3f", t > 1 ? ", " : "", best);
    }
    printf("], ");
    if (!print_memory(level, threads)) return 1;
    print_map("own", level);
    print_map("mvec", level);
    printf("\"tiny_s\": %.4g}\n", best_tiny(level));
    return 0;
}
