/*
 * numerics.c: how far the vector functions are off, and how long they take.
 *     numerics FILE    measures, and writes the tables between the markers of FILE
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

#include "../tests/vmath_kit.h"

#define WG_TEMPLATE "../../bench/numerics_real.h" /* seen from each_real.h */
#include "ops/each_real.h"

/* f32: one float in STRIDE, in every power of two and of either sign; f64: ROUNDS x CHUNK draws. */
enum { STRIDE = 509, ROUNDS = 500, TIMED = 1024, REPEATS = 200 };

static const char begin_mark[] = "<!-- written by bench/numerics: begin -->\n";
static const char end_mark[] = "<!-- written by bench/numerics: end -->\n";

/* ---- time ---- */

typedef void timed_fn(const void *f, void *y, const void *x);

static void run_libm_f32(const void *f, void *y, const void *x)
{
    float (*g)(float);

    memcpy(&g, f, sizeof g);
    for (int i = 0; i < TIMED; i++) ((float *)y)[i] = g(((const float *)x)[i]);
}

static void run_libm_f64(const void *f, void *y, const void *x)
{
    double (*g)(double);

    memcpy(&g, f, sizeof g);
    for (int i = 0; i < TIMED; i++) ((double *)y)[i] = g(((const double *)x)[i]);
}

static void run_own_f32(const void *f, void *y, const void *x)
{
    run_f32 *g;

    memcpy(&g, f, sizeof g);
    g(y, x, TIMED);
}

static void run_own_f64(const void *f, void *y, const void *x)
{
    run_f64 *g;

    memcpy(&g, f, sizeof g);
    g(y, x, TIMED);
}

/* Nanoseconds an element, the least of many runs; f points to a pointer to the function. */
static double nanoseconds(timed_fn *run, const void *f, void *y, const void *x)
{
    double least = INFINITY;

    for (int i = 0; i < REPEATS; i++) {
        struct timespec a, b;
        double t;

        clock_gettime(CLOCK_MONOTONIC, &a);
        run(f, y, x);
        clock_gettime(CLOCK_MONOTONIC, &b);
        t = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
        if (t < least) least = t;
    }
    return least / TIMED;
}

#if WG_X86
static timed_fn *const run_mvec_f32[3] = { NULL, mvec_run_f32_1, mvec_run_f32_2 };
static timed_fn *const run_mvec_f64[3] = { NULL, mvec_run_f64_1, mvec_run_f64_2 };
#else
static timed_fn *const run_mvec_f32[3], *const run_mvec_f64[3];
#endif

static void cell(FILE *out, double ns)
{
    if (isnan(ns)) fprintf(out, " - |");
    else fprintf(out, " %.2f |", ns);
}

/* libmvec's form of a function for this processor's level: 16 lanes of float or 8 of double at
 * AVX-512, half of that at AVX2. */
static void *mvec(const char *name, int bits)
{
    void *library = dlopen("libmvec.so.1", RTLD_NOW);
    int level = levels() - 1;
    char symbol[64];

    if (!library || level == 0) return NULL;
    snprintf(symbol, sizeof symbol, "_ZGV%cN%dv_%s%s", level == 2 ? 'e' : 'd',
             (level == 2 ? 512 : 256) / bits, name, bits == 32 ? "f" : "");
    return dlsym(library, symbol);
}

static void time_row(FILE *out, const struct function *f, int bits)
{
    static float x32[TIMED], y32[TIMED];
    static double x64[TIMED], y64[TIMED];
    const char *libm = strcmp(f->name, "abs") == 0 ? "fabs" : f->name;
    char symbol[32];
    uint64_t state = 7;
    void *p;

    for (int i = 0; i < TIMED; i++) {
        double u = (double)(next_random(&state) >> 11) * 0x1p-53;

        x64[i] = strstr(f->name, "log") || strstr(f->name, "sqrt") ? 10 * u : 16 * u - 8;
        x32[i] = (float)x64[i];
    }
    fprintf(out, "| %s |", f->name);
    for (int level = 0; level < 3; level++) {
        if (level >= levels()) cell(out, NAN);
        else if (bits == 32) cell(out, nanoseconds(run_own_f32, &f->f32[level], y32, x32));
        else cell(out, nanoseconds(run_own_f64, &f->f64[level], y64, x64));
    }
    snprintf(symbol, sizeof symbol, "%s%s", libm, bits == 32 ? "f" : "");
    p = dlsym(RTLD_DEFAULT, symbol);
    if (!p) cell(out, NAN);
    else if (bits == 32) cell(out, nanoseconds(run_libm_f32, &p, y32, x32));
    else cell(out, nanoseconds(run_libm_f64, &p, y64, x64));
    p = mvec(libm, bits);
    if (!p) cell(out, NAN);
    else
        cell(out, bits == 32 ? nanoseconds(run_mvec_f32[levels() - 1], &p, y32, x32)
                             : nanoseconds(run_mvec_f64[levels() - 1], &p, y64, x64));
    fprintf(out, "\n");
}

/* ---- error ---- */

static void error_row(FILE *out, const char *name, double bound, const worst_errors *w,
                      int arguments)
{
    fprintf(out, "| %s | %g |", name, bound);
    for (int level = 0; level < 3; level++) {
        if (level >= levels()) fprintf(out, " - |");
        else if (w->ulp[level] == 0) fprintf(out, " 0 |");
        else if (arguments == 1) fprintf(out, " %.3f at %.9g |", w->ulp[level], w->at[level][0]);
        else fprintf(out, " %.3f at %.9g, %.9g |", w->ulp[level], w->at[level][0], w->at[level][1]);
    }
    for (int level = 1; level < 3; level++)
        fprintf(out, " %.3g %% |", 100 * (double)w->differ[level] / (double)w->points);
    fprintf(out, "\n");
}

static void error_table(FILE *out, int bits)
{
    worst_errors w;

    fprintf(out,
            "\n### f%d, error in units in the last place\n\n"
            "| function | bound | plain | AVX2 | AVX-512 | AVX2 not plain | AVX-512 not AVX2 |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n",
            bits);
    for (int f = 0; f < N_FUNCTIONS; f++) {
        if (bits == 32) worst_f32(&functions[f], STRIDE, &w);
        else worst_f64(&functions[f], ROUNDS, &w);
        error_row(out, functions[f].name, bits == 32 ? functions[f].bound32 : functions[f].bound64,
                  &w, 1);
    }
    if (bits == 32) worst_pow_f32(ROUNDS, &w);
    else worst_pow_f64(ROUNDS, &w);
    error_row(out, "pow", bits == 32 ? POW_BOUND_32 : POW_BOUND_64, &w, 2);
}

static void time_table(FILE *out, int bits)
{
    fprintf(out,
            "\n### f%d, nanoseconds an element, in first-level cache\n\n"
            "| function | plain | AVX2 | AVX-512 | libm | libmvec |\n"
            "| --- | --- | --- | --- | --- | --- |\n",
            bits);
    for (int f = 0; f < N_FUNCTIONS; f++) time_row(out, &functions[f], bits);
}

/* ---- the document ---- */

static char *read_text(const char *path)
{
    FILE *in = fopen(path, "r");
    long n = in && fseek(in, 0, SEEK_END) == 0 ? ftell(in) : -1;
    char *text = n >= 0 ? malloc((size_t)n + 1) : NULL;

    if (text) {
        rewind(in);
        if (fread(text, 1, (size_t)n, in) != (size_t)n) n = 0;
        text[n] = '\0';
    }
    if (in) fclose(in);
    return text;
}

int main(int argc, char **argv)
{
    char *text, *from, *to;
    FILE *out;

    if (argc != 2) {
        fprintf(stderr, "usage: numerics FILE\n");
        return 2;
    }
    text = read_text(argv[1]);
    from = text ? strstr(text, begin_mark) : NULL;
    to = from ? strstr(from, end_mark) : NULL;
    if (!to) {
        fprintf(stderr, "numerics: %s: no such file, or no markers in it\n", argv[1]);
        return 1;
    }
    out = fopen(argv[1], "w");
    if (!out) {
        fprintf(stderr, "numerics: %s cannot be written\n", argv[1]);
        return 1;
    }
    fprintf(out, "%.*s", (int)(from - text) + (int)strlen(begin_mark), text);
    error_table(out, 32);
    error_table(out, 64);
    time_table(out, 32);
    time_table(out, 64);
    fprintf(out, "\n%s", to);
    free(text);
    return fclose(out) != 0;
}
