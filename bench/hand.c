/*
 * hand.c: three steps of the benchmark written out by hand, against the engine's.
 *     hand [--seconds S] [--threads N] [NAME...]
 * The limit of a row counts sums, bytes or functions alone; what a loop for just this step reaches
 * says how much of the rest is the engine's. Vectors of the processor's level, the library's own
 * functions, lines in cache, lines ahead asked for, results past the cache, products by OpenBLAS.
 * Each is held against the engine's plan, then both are timed by turns, S seconds (1) for each
 * number of threads up to N (2). Prints medians in microseconds.
 */
#define _GNU_SOURCE
#include <cblas.h>
#include <math.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "graph/internal.h"
#include "jobs.h"
#include "ops/vmath.h"
#include "timing.h"

enum { LINE = 1024, LINES = 4096, MOST_THREADS = 16, EDGE = 1 << 21 };

#define WG_TEMPLATE "hand_real.h"
#include "ops/each_real.h"

/* ---- memory ---- */

static float *huge(int64_t n)
{
    size_t bytes = ((size_t)n * sizeof(float) + EDGE - 1) / EDGE * EDGE;
    float *x = aligned_alloc(EDGE, bytes);

    if (!x) abort();
#ifdef MADV_HUGEPAGE
    madvise(x, bytes, MADV_HUGEPAGE);
#endif
    memset(x, 0, bytes);
    return x;
}

static float *copy_of(const wg_array *a)
{
    int64_t n = wg_shape_count(&a->type.shape);
    float *x = huge(n);

    memcpy(x, a->data, (size_t)n * sizeof *x);
    return x;
}

static double distance(const float *a, const float *b, int64_t n)
{
    double off = 0, most = 0;

    for (int64_t i = 0; i < n; i++) {
        off = fmax(off, fabs((double)a[i] - (double)b[i]));
        most = fmax(most, fabs((double)b[i]));
    }
    return isfinite(off) ? off / fmax(most, 1e-30) : INFINITY;
}

/* ---- what a step by hand has ---- */

typedef struct {
    int level, threads;
    double rate;
    const float *in[4], *dy; /* as they are fed */
    float *y, *d[3];
    float *sums; /* of each thread's lines */
    /* w2v_nce */
    float *table, *weight, *bias; /* [VOCABULARY, DIM] twice; [VOCABULARY] */
    float *mean, *dmean, *noise, *dnoise, *logit;
    const int64_t *id, *target, *neg;
    float loss[MOST_THREADS];
} hand;

typedef void step_fn(hand *h);

static void share(int64_t n, int part, int parts, int64_t *lo, int64_t *hi)
{
    *lo = n * part / parts;
    *hi = n * (part + 1) / parts;
}

/* ---- softmax ---- */

typedef void softmax_fn(const float *x, const float *dy, float *y, float *dx, int64_t lines);
static softmax_fn *const softmax_lines[WG_N_LEVELS] = WG_LEVELS(softmax_lines_f32);

static void softmax_step(hand *h)
{
#pragma omp parallel for num_threads(h->threads) schedule(static, 1)
    for (int t = 0; t < h->threads; t++) {
        int64_t lo, hi;

        share(LINES, t, h->threads, &lo, &hi);
        softmax_lines[h->level](h->in[0] + lo * LINE, h->dy + lo * LINE, h->y + lo * LINE,
                                h->d[0] + lo * LINE, hi - lo);
    }
}

/* ---- layernorm_chain ---- */

typedef void layernorm_fn(bool functions, const float *x, const float *r, const float *g,
                          const float *b, const float *dy, float *y, float *ds, float *dg,
                          float *db, int64_t lines);
static layernorm_fn *const layernorm_lines[WG_N_LEVELS] = WG_LEVELS(layernorm_lines_f32);

static void layernorm_step_of(hand *h, bool functions)
{
    enum { PART = 512 }; /* lines whose sums are made apart: what is added stays small */
    int parts = LINES / PART;

#pragma omp parallel for num_threads(h->threads) schedule(static)
    for (int k = 0; k < parts; k++) {
        int64_t at = (int64_t)k * PART * LINE;
        float *dg = h->sums + (int64_t)k * 2 * LINE, *db = dg + LINE;

        memset(dg, 0, 2 * LINE * sizeof *dg);
        layernorm_lines[h->level](functions, h->in[0] + at, h->in[1] + at, h->in[2], h->in[3],
                                  h->dy + at, h->y + at, h->d[0] + at, dg, db, PART);
    }
    for (int i = 0; i < LINE; i++) {
        h->d[1][i] = h->d[2][i] = 0;
        for (int k = 0; k < parts; k++) {
            h->d[1][i] += h->sums[k * 2 * LINE + i];
            h->d[2][i] += h->sums[k * 2 * LINE + LINE + i];
        }
    }
}

static void layernorm_step(hand *h)
{
    layernorm_step_of(h, true);
}

static void layernorm_plain_step(hand *h)
{
    layernorm_step_of(h, false);
}

/* ---- reading and writing alone ---- */

typedef void bare_fn(const float *x, const float *r, const float *dy, float *y, float *dx,
                     int64_t lines);
static bare_fn *const bare_lines[WG_N_LEVELS] = WG_LEVELS(bare_lines_f32);

static void bare_step_of(hand *h, bool three)
{
#pragma omp parallel for num_threads(h->threads) schedule(static, 1)
    for (int t = 0; t < h->threads; t++) {
        int64_t lo, hi;

        share(LINES, t, h->threads, &lo, &hi);
        bare_lines[h->level](h->in[0] + lo * LINE, three ? h->in[1] + lo * LINE : NULL,
                             h->dy + lo * LINE, h->y + lo * LINE, h->d[0] + lo * LINE, hi - lo);
    }
}

static void bare_step2(hand *h)
{
    bare_step_of(h, false);
}

static void bare_step3(hand *h)
{
    bare_step_of(h, true);
}

/* ---- w2v_nce ---- */

enum { VOCABULARY = 20000, DIM = 300, CONTEXT = 10, BATCH = 128, NOISE = 64, MOST_ROWS = 32 };

typedef void sum_rows_fn(const float *table, const int64_t *row, const int64_t *next, int count,
                         float factor, float *y, int64_t n);
typedef float dot_fn(const float *a, const float *b, int64_t n);
typedef void add_row_fn(float factor, const float *x, float *y, int64_t n);
typedef float noise_fn(float *z, int64_t n);
static sum_rows_fn *const sum_rows[WG_N_LEVELS] = WG_LEVELS(sum_rows_f32);
static dot_fn *const dot[WG_N_LEVELS] = WG_LEVELS(dot_f32);
static add_row_fn *const add_row[WG_N_LEVELS] = WG_LEVELS(add_row_f32);
static noise_fn *const noise_of[WG_N_LEVELS] = WG_LEVELS(noise_f32);

/* Examples lo..hi - 1: means of their contexts, logits, and gradients by both. Factors of updates
 * hold -rate already. */
static void examples(hand *h, int part, int64_t lo, int64_t hi)
{
    float *z = h->noise + lo * NOISE, rate = (float)h->rate;
    int rows = (int)(hi - lo);

    h->loss[part] = 0;
    for (int64_t i = lo; i < hi; i++) {
        const int64_t *id = h->id + i * CONTEXT;
        float *x = h->mean + i * DIM, logit;

        sum_rows[h->level](h->table, id, i + 1 < hi ? id + CONTEXT : NULL, CONTEXT, 1.0f / CONTEXT,
                           x, DIM);
        logit = dot[h->level](x, h->weight + h->target[i] * DIM, DIM) + h->bias[h->target[i]];
        h->loss[part] += log1pf(expf(-fabsf(logit))) + fmaxf(-logit, 0);
        h->logit[i] = rate / (1 + expf(logit));
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, NOISE, DIM, 1, h->mean + lo * DIM,
                DIM, h->dnoise, DIM, 0, z, NOISE);
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < NOISE; k++) z[i * NOISE + k] += h->bias[h->neg[k]];
    h->loss[part] += noise_of[h->level](z, (int64_t)rows * NOISE);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, DIM, NOISE, -rate / CONTEXT, z,
                NOISE, h->dnoise, DIM, 0, h->dmean + lo * DIM, DIM);
    for (int64_t i = lo; i < hi; i++)
        add_row[h->level](h->logit[i] / CONTEXT, h->weight + h->target[i] * DIM, h->dmean + i * DIM,
                          DIM);
}

/* Columns lo..hi - 1 of the updates, all rows in their order. */
static void updates(hand *h, int64_t lo, int64_t hi)
{
    enum { AHEAD = 6 };
    int n = (int)(hi - lo);

    for (int64_t i = 0; i < BATCH * CONTEXT; i++) {
        const float *later =
            h->table + h->id[i + AHEAD < BATCH * CONTEXT ? i + AHEAD : i] * DIM + lo;

        for (int k = 0; k < n; k += 16) __builtin_prefetch(later + k, 1);
        add_row[h->level](1, h->dmean + i / CONTEXT * DIM + lo, h->table + h->id[i] * DIM + lo, n);
    }
    for (int64_t i = 0; i < BATCH; i++)
        add_row[h->level](h->logit[i], h->mean + i * DIM + lo, h->weight + h->target[i] * DIM + lo,
                          n);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, NOISE, n, BATCH, (float)-h->rate, h->noise,
                NOISE, h->mean + lo, DIM, 0, h->dnoise + lo, DIM);
    for (int64_t k = 0; k < NOISE; k++)
        add_row[h->level](1, h->dnoise + k * DIM + lo, h->weight + h->neg[k] * DIM + lo, n);
}

static void w2v_step(hand *h)
{
    for (int64_t k = 0; k < NOISE; k++)
        memcpy(h->dnoise + k * DIM, h->weight + h->neg[k] * DIM, DIM * sizeof *h->dnoise);
#pragma omp parallel num_threads(h->threads)
    {
        int64_t lo, hi;
        int part = 0;

#ifdef _OPENMP
        part = omp_get_thread_num();
#endif
        share(BATCH, part, h->threads, &lo, &hi);
        examples(h, part, lo, hi);
#pragma omp barrier
        share((DIM + 15) / 16, part, h->threads, &lo, &hi);
        updates(h, lo * 16, hi * 16 < DIM ? hi * 16 : DIM);
    }
    for (int64_t i = 0; i < BATCH; i++) h->bias[h->target[i]] += h->logit[i];
    for (int64_t k = 0; k < NOISE; k++) {
        float sum = 0;

        for (int64_t i = 0; i < BATCH; i++) sum += h->noise[i * NOISE + k];
        h->bias[h->neg[k]] -= (float)h->rate * sum;
    }
}

/* ---- against the engine ---- */

static const struct {
    const char *name, *job;
    step_fn *step;
    bool whole; /* computes what the engine does */
} steps[] = {
    { "softmax", "softmax", softmax_step, true },
    { "  reading and writing", "softmax", bare_step2, false },
    { "layernorm_chain", "layernorm_chain", layernorm_step, true },
    { "  without erf and exp", "layernorm_chain", layernorm_plain_step, false },
    { "  reading and writing", "layernorm_chain", bare_step3, false },
    { "w2v_nce", "w2v_nce", w2v_step, true },
};
enum { N_STEPS = sizeof steps / sizeof *steps, FIRST_W2V = 5 };

/* The entry of the store whose extents are these. */
static const wg_param *entry_of(const job *j, int nth, wg_shape shape)
{
    for (int i = 0; i < wg_params_count(j->w); i++) {
        const wg_param *p = wg_params_at(j->w, i);

        if (wg_shape_equal(&p->value.type.shape, &shape) && nth-- == 0) return p;
    }
    abort();
}

static wg_shape table_shape(void)
{
    return WG_SHAPE(VOCABULARY, DIM);
}

/* Which of the two tables is the embedding's: that of NCELoss has a bias beside it. */
static const wg_param *table_of(const job *j, bool weight)
{
    const wg_param *p = entry_of(j, 0, table_shape()), *q = entry_of(j, 1, table_shape());
    const wg_param *b = entry_of(j, 0, WG_SHAPE(1, VOCABULARY));
    size_t n = (size_t)(strrchr(b->name, '/') - b->name);
    bool first = strncmp(p->name, b->name, n) == 0 && strrchr(p->name, '/') == p->name + n;

    return first == weight ? p : q;
}

static void open_hand(hand *h, const job *j, int k, wg_plan *p)
{
    h->rate = j->rate;
    if (k >= FIRST_W2V) {
        h->id = j->fed[0].data;
        h->target = j->fed[2].data;
        h->neg = j->fed[3].data;
        h->table = copy_of(&table_of(j, false)->value);
        h->weight = copy_of(&table_of(j, true)->value);
        h->bias = copy_of(&entry_of(j, 0, WG_SHAPE(1, VOCABULARY))->value);
        h->mean = huge(BATCH * DIM);
        h->dmean = huge(BATCH * DIM);
        h->noise = huge(BATCH * NOISE);
        h->dnoise = huge(NOISE * DIM);
        h->logit = huge(BATCH);
        return;
    }
    for (int i = 0; i < j->n_fed; i++) {
        float *x = copy_of(&j->fed[i]);

        wg_plan_feed(p, j->name[i], (wg_array){ j->fed[i].type, x });
        if (strcmp(j->name[i], "dy") == 0) h->dy = x;
        else h->in[i] = x;
    }
    h->y = huge((int64_t)LINES * LINE);
    for (int i = 0; i < 3; i++) h->d[i] = huge((int64_t)LINES * LINE);
    h->sums = huge((int64_t)LINES * LINE);
}

static void close_hand(hand *h)
{
    float *all[] = { h->y,    h->d[0], h->d[1],  h->d[2],  h->sums,   h->table, h->weight,
                     h->bias, h->mean, h->dmean, h->noise, h->dnoise, h->logit };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    for (int i = 0; i < 4; i++) free((void *)(uintptr_t)h->in[i]);
    free((void *)(uintptr_t)h->dy);
}

static bool close_to(const char *step, const char *what, const float *mine, const float *theirs,
                     int64_t n, double bound)
{
    double off = distance(mine, theirs, n);

    if (off <= bound) return true;
    fprintf(stderr, "hand: %s of %s is off by %.3g of its largest element\n", what, step, off);
    return false;
}

/* One step of both gives the same; of w2v_nce at a rate that shows. */
static bool same_as_engine(int k, int level)
{
    static const char *const lines[] = { "y", "d0", "d2", "d3" };
    hand h = { .level = level, .threads = 2 };
    wg_error error = { .code = WG_OK };
    const char *name = steps[k].name;
    wg_plan *p = NULL;
    bool ok = true;
    job j;

    if (job_open(&j, job_find(steps[k].job), (job_kind){ WG_F32, false, true }, &error)) {
        p = job_plan(&j, &(wg_plan_options){ .threads = 1 }, &error);
        if (!p) job_close(&j);
    }
    if (!p) {
        wg_error_print(&error, stderr);
        return false;
    }
    open_hand(&h, &j, k, p);
    steps[k].step(&h);
    wg_plan_run(p);
    if (k >= FIRST_W2V) {
        const wg_param *mine[] = { table_of(&j, false), table_of(&j, true),
                                   entry_of(&j, 0, WG_SHAPE(1, VOCABULARY)) };
        float *of[] = { h.table, h.weight, h.bias }, loss = h.loss[0] + h.loss[1];

        for (int i = 0; i < 3; i++)
            ok = close_to(name, mine[i]->name, of[i], mine[i]->value.data,
                          wg_shape_count(&mine[i]->value.type.shape), 2e-6) &&
                 ok;
        ok = close_to(name, "loss", &loss, wg_plan_value(p, "loss")->data, 1, 2e-6) && ok;
    } else {
        const float *of[] = { h.y, h.d[0], h.d[1], h.d[2] };

        for (int i = 0; i < (steps[k].step == softmax_step ? 2 : 4); i++) {
            const wg_array *a = wg_plan_value(p, lines[i]);

            ok = close_to(name, lines[i], of[i], a->data, wg_shape_count(&a->type.shape), 2e-6) &&
                 ok;
        }
    }
    close_hand(&h);
    wg_plan_free(p);
    job_close(&j);
    return ok;
}

/* ---- times ---- */

enum { MOST_ROUNDS = 20000 };

static bool time_step(int k, int level, int threads, double seconds)
{
    static double mine[MOST_ROUNDS], theirs[MOST_ROUNDS];
    hand h = { .level = level, .threads = threads };
    wg_error error = { .code = WG_OK };
    wg_plan *p = NULL;
    int n = 0;
    job j;

    if (job_open(&j, job_find(steps[k].job), (job_kind){ WG_F32, false, false }, &error))
        p = job_plan(&j, &(wg_plan_options){ .threads = threads }, &error);
    if (!p) {
        wg_error_print(&error, stderr);
        return false;
    }
    open_hand(&h, &j, k, p);
    for (double start = now(); n < MOST_ROUNDS && (n < 3 || now() - start < seconds); n++) {
        double t = now(), between;

        /* a few steps of each, since the first finds the other's data in the caches */
        for (int i = 0; i < 3; i++) {
            t = now();
            steps[k].step(&h);
            between = now();
            mine[n] = between - t;
        }
        for (int i = 0; i < 3 && steps[k].whole; i++) {
            t = now();
            wg_plan_run(p);
            theirs[n] = now() - t;
        }
    }
    qsort(mine, (size_t)n, sizeof *mine, by_size);
    qsort(theirs, (size_t)n, sizeof *theirs, by_size);
    if (steps[k].whole)
        printf("%-22s %7d %10.1f %10.1f %12.2f\n", steps[k].name, threads, mine[n / 2] * 1e6,
               theirs[n / 2] * 1e6, theirs[n / 2] / mine[n / 2]);
    else printf("%-22s %7d %10.1f\n", steps[k].name, threads, mine[n / 2] * 1e6);
    close_hand(&h);
    wg_plan_free(p);
    job_close(&j);
    return true;
}

static bool wanted(int k, int argc, char **argv)
{
    bool any = false;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') i++;
        else if (!strcmp(argv[i], steps[k].job)) return true;
        else any = true;
    }
    return !any;
}

int main(int argc, char **argv)
{
    int threads = 2, level = wg_level();
    double seconds = 1;

    for (int i = 1; i < argc; i++) {
        bool known = false;

        for (int k = 0; k < N_STEPS; k++) known = known || !strcmp(argv[i], steps[k].job);
        if (!strcmp(argv[i], "--threads") && i + 1 < argc) threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--seconds") && i + 1 < argc) seconds = atof(argv[++i]);
        else if (!known) {
            fprintf(stderr, "usage: hand [--seconds S] [--threads N] [softmax] [layernorm_chain] "
                            "[w2v_nce]\n");
            return 2;
        }
    }
    if (threads < 1 || threads > MOST_THREADS) {
        fprintf(stderr, "hand: --threads takes 1 to %d\n", MOST_THREADS);
        return 2;
    }
    openblas_set_num_threads(1); /* each of our threads calls it for itself */
    for (int k = 0; k < N_STEPS; k++)
        if (wanted(k, argc, argv) && steps[k].whole && !same_as_engine(k, level)) return 1;
    printf("%-22s %7s %10s %10s %12s\n", "step", "threads", "hand, us", "engine, us",
           "engine / hand");
    for (int k = 0; k < N_STEPS; k++)
        for (int t = 1; t <= threads && wanted(k, argc, argv); t++)
            if (!time_step(k, level, t, seconds)) return 1;
    return 0;
}
