/*
 * kernels.c: GFLOP/s of products and convolutions, median (best) over short repetitions, on one
 * thread and on several; products beside OpenBLAS, convolutions beside Winograd's form of them,
 * with the multiplications of the direct one counted for both. Arguments: threads (2), seconds a
 * figure (0.2), words that pick lines.
 */
#include <cblas.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "graph/internal.h"
#include "ops/op.h"

enum { MOST = 400, WAYS = 4 };

typedef struct {
    const wg_op *op;
    const void *attr;
    int n_in;
    wg_array in[3];
    unsigned passes; /* WG_PASS_WINOGRAD or not */
} job;

static double now(void)
{
    struct timespec t;

    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static wg_array drawn(wg_shape shape)
{
    wg_array a = { { WG_F32, shape }, NULL };
    int64_t n = wg_shape_count(&shape);

    a.data = malloc((size_t)n * 4 + 64);
    wg_random_uniform(1, 2, 0, 0, n, WG_F32, a.data);
    return a;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* ---- the two sides ---- */

typedef struct {
    wg_call call;
    wg_eval_fn *eval;
    wg_type out;
    wg_sig s;
    const wg_type *type[3];
    const void *x[3];
    wg_error error;
    double flops;
} ready;

static void prepare(ready *r, const job *j, int threads)
{
    size_t scratch;

    for (int i = 0; i < j->n_in; i++) {
        r->type[i] = &j->in[i].type;
        r->x[i] = j->in[i].data;
    }
    r->error = (wg_error){ 0 };
    r->s = (wg_sig){ j->op, j->attr, j->n_in, r->type, &r->error };
    if (!wg__infer(j->op, j->attr, j->n_in, r->type, &r->out, &r->error)) {
        wg_error_print(&r->error, stderr);
        exit(1);
    }
    r->flops = j->op->flops(&r->s, &r->out);
    r->eval = wg__eval_chosen(&r->s, &r->out, WG_F32, wg_level(), j->passes, threads, &scratch);
    r->call = (wg_call){ j->op,
                         j->attr,
                         j->n_in,
                         r->type,
                         r->x,
                         &r->out,
                         malloc((size_t)wg_type_bytes(&r->out) + 64),
                         aligned_alloc(64, scratch / 64 * 64 + 128),
                         threads,
                         &r->error,
                         NULL };
}

static void finish(ready *r)
{
    free(r->call.y);
    free(r->call.scratch);
}

static void blas(const ready *r, int threads)
{
    const bool *t = r->call.attr; /* ta, tb */
    const wg_shape *a = &r->type[0]->shape, *b = &r->type[1]->shape, *y = &r->out.shape;

#ifdef _OPENMP
    omp_set_num_threads(threads); /* OpenBLAS's openmp build takes this thread's number */
#endif
    cblas_sgemm(CblasRowMajor, t[0] ? CblasTrans : CblasNoTrans, t[1] ? CblasTrans : CblasNoTrans,
                (int)y->dim[0], (int)y->dim[1], (int)a->dim[t[0] ? 0 : 1], 1, r->x[0],
                (int)a->dim[1], r->x[1], (int)b->dim[1], 0, r->call.y, (int)y->dim[1]);
}

/* ---- measuring ---- */

/* Ways by turns: 0, 1 ours on one and several threads; 2, 3 OpenBLAS. */
static void measure(const char *name, const job *j, int threads, double seconds)
{
    static double time[WAYS][MOST];
    ready r[2];
    int ways = j->op == &wg_op_matmul ? 4 : 2, n = 0, inner;
    double start = now(), once;

    prepare(&r[0], j, 1);
    prepare(&r[1], j, threads);
    r[0].eval(&r[0].call);
    once = now();
    r[0].eval(&r[0].call);
    once = now() - once;
    inner = once > 2e-5 ? 1 : 1 + (int)(2e-5 / (once + 1e-9));
    while (n < 5 || (n < MOST && now() - start < seconds * ways)) {
        for (int w = 0; w < ways; w++) {
            double t = now();

            for (int i = 0; i < inner; i++) {
                if (w < 2) r[w].eval(&r[w].call);
                else blas(&r[0], w == 2 ? 1 : threads);
            }
            time[w][n] = (now() - t) / inner;
        }
        n++;
    }
    printf("%-34s", name);
    for (int w = 0; w < ways; w++) {
        qsort(time[w], (size_t)n, sizeof(double), ascending);
        printf("  %6.1f (%6.1f)", r[0].flops / time[w][n / 2] * 1e-9,
               r[0].flops / time[w][0] * 1e-9);
    }
    printf("  %9.2f us\n", time[0][n / 2] * 1e6);
    finish(&r[0]);
    finish(&r[1]);
}

static bool chosen(const char *name, int argc, char **argv)
{
    for (int i = 3; i < argc; i++)
        if (strstr(name, argv[i])) return true;
    return argc < 4;
}

static void products(int argc, char **argv, int threads, double seconds)
{
    static const int list[][5] = {
        { 0, 0, 1, 16, 16 },     { 0, 0, 1, 784, 784 },    { 0, 1, 1, 784, 784 },
        { 0, 0, 16, 16, 16 },    { 0, 0, 64, 64, 64 },     { 0, 0, 128, 128, 128 },
        { 0, 0, 256, 256, 256 }, { 0, 0, 512, 512, 512 },  { 0, 0, 1024, 1024, 1024 },
        { 0, 0, 128, 512, 784 }, { 0, 1, 128, 784, 512 },  { 1, 0, 784, 512, 128 },
        { 0, 0, 32, 10, 512 },   { 0, 1, 32, 512, 10 },    { 1, 0, 512, 10, 32 },
        { 0, 0, 128, 10, 512 },  { 0, 1, 128, 10, 512 },   { 1, 0, 512, 10, 128 },
        { 0, 0, 64, 256, 3136 }, { 0, 1, 64, 3136, 256 },  { 1, 0, 3136, 256, 64 },
        { 0, 0, 4096, 64, 800 }, { 1, 0, 800, 64, 4096 },  { 0, 0, 32, 128, 128 },
        { 0, 1, 32, 128, 128 },  { 1, 0, 128, 128, 1568 }, { 0, 0, 1600, 128, 64 },
        { 1, 0, 64, 128, 1600 }, { 0, 1, 128, 64, 300 },   { 0, 0, 128, 300, 64 },
        { 1, 0, 64, 300, 128 },
    };

    printf("%-34s  %15s  %12s %2d  %15s  %12s %2d  %s\n", "product", "1 thread", "threads", threads,
           "OpenBLAS 1", "OpenBLAS", threads, "1 thread");
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        const int *s = list[i];
        bool flags[2] = { s[0], s[1] };
        char name[64];
        job j = { &wg_op_matmul,
                  flags,
                  2,
                  { drawn(s[0] ? WG_SHAPE(s[4], s[2]) : WG_SHAPE(s[2], s[4])),
                    drawn(s[1] ? WG_SHAPE(s[3], s[4]) : WG_SHAPE(s[4], s[3])) },
                  0 };

        snprintf(name, sizeof name, "%s%s %d x %d x %d", s[0] ? "T" : "N", s[1] ? "T" : "N", s[2],
                 s[3], s[4]);
        if (chosen(name, argc, argv)) measure(name, &j, threads, seconds);
        free(j.in[0].data);
        free(j.in[1].data);
    }
}

static bool has_fast(const job *j)
{
    job direct = *j;
    ready a, b;
    bool has;

    direct.passes = 0;
    prepare(&a, j, 1);
    prepare(&b, &direct, 1);
    has = a.eval != b.eval;
    finish(&a);
    finish(&b);
    return has;
}

static void convolutions(int argc, char **argv, int threads, double seconds)
{
    static const struct {
        const char *name;
        int64_t n, rows, columns, in, kr, kc, out;
        wg_window w;
    } list[] = {
        { "5x5 1 -> 32, 28x28", 64, 28, 28, 1, 5, 5, 32, { .pad_mode = WG_PAD_EXPLICIT } },
        { "3x3 1 -> 16, 28x28 same", 100, 28, 28, 1, 3, 3, 16, { .pad_mode = WG_PAD_SAME } },
        { "3x3 16 -> 32, 14x14 same", 100, 14, 14, 16, 3, 3, 32, { .pad_mode = WG_PAD_SAME } },
        { "5x5 32 -> 64, 12x12", 64, 12, 12, 32, 5, 5, 64, { .pad_mode = WG_PAD_EXPLICIT } },
        { "3x3 64 -> 64, 32x32 same", 32, 32, 32, 64, 3, 3, 64, { .pad_mode = WG_PAD_SAME } },
        { "3x3 32 -> 64, 14x14 same", 64, 14, 14, 32, 3, 3, 64, { .pad_mode = WG_PAD_SAME } },
        { "3x3 64 -> 64, 32x32 stride 2",
          32,
          32,
          32,
          64,
          3,
          3,
          64,
          { .stride = { 2, 2 }, .pad_mode = WG_PAD_HALF } },
        { "2 64 -> 64, 1032 dilation 7", 8, 1032, 1, 64, 2, 1, 64, { .dilation = { 7, 0 } } },
        { "1x1 64 -> 64, 32x32", 8, 32, 32, 64, 1, 1, 64, { .pad_mode = WG_PAD_EXPLICIT } },
        { "3x3 256 -> 256, 14x14 same", 8, 14, 14, 256, 3, 3, 256, { .pad_mode = WG_PAD_SAME } },
        { "3x3 256 -> 256, 7x7 same", 32, 7, 7, 256, 3, 3, 256, { .pad_mode = WG_PAD_SAME } },
        { "3x3 256 -> 256, 4x4 same", 8, 4, 4, 256, 3, 3, 256, { .pad_mode = WG_PAD_SAME } },
    };
    static const char *const side[] = { "y ", "dx", "dw" };

    printf("%-34s  %15s  %12s %2d  %s\n", "convolution", "1 thread", "threads", threads,
           "1 thread");
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        wg_array x = drawn(WG_SHAPE(list[i].n, list[i].rows, list[i].columns, list[i].in)), dy;
        wg_array w = drawn(WG_SHAPE(list[i].kr, list[i].kc, list[i].in, list[i].out));
        job y = { &wg_op_conv2d, &list[i].w, 2, { x, w }, 0 };
        ready r;

        prepare(&r, &y, 1);
        dy = drawn(r.out.shape);
        finish(&r);

        job j[] = { y,
                    { &wg_op_conv2d_dx, &list[i].w, 3, { dy, w, x }, 0 },
                    { &wg_op_conv2d_dw, &list[i].w, 3, { x, dy, w }, 0 } };

        for (int k = 0; k < 6; k++) {
            char name[64];

            j[k / 2].passes = k % 2 ? WG_PASS_WINOGRAD : 0;
            if (k % 2 && !has_fast(&j[k / 2])) continue;
            snprintf(name, sizeof name, "%s %s%s", side[k / 2], list[i].name,
                     k % 2 ? ", Winograd" : "");
            if (chosen(name, argc, argv)) measure(name, &j[k / 2], threads, seconds);
        }
        free(x.data);
        free(w.data);
        free(dy.data);
    }
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 2;
    double seconds = argc > 2 ? atof(argv[2]) : 0.2;

    puts(wg_build_info());
    products(argc, argv, threads, seconds);
    convolutions(argc, argv, threads, seconds);
    return 0;
}
