/*
 * test_plan_bytes.c: what the library takes through its allocator is what the report said, and what
 * the process then has resident is about that.
 */
#include <unistd.h>

#include <wengert.h>
#include <wengert/op.h>

#include "gate.h"
#include "graph/internal.h"
#include "harness.h"

enum { BATCH = 256, WIDTH = 512, LAYERS = 6 };

struct model {
    wg_graph *g;
    wg_params *w;
    wg_layer *layer[LAYERS];
    wg_optim *optim;
    float *x;
};

static struct model model_make(const char *optimiser)
{
    struct model m = { .g = wg_graph_new(), .w = wg_params_new(WG_F32, 7) };
    wg_tensor *x = wg_input(m.g, "x", WG_F32, WG_SHAPE(BATCH, WIDTH)), *h = x;
    wg_error error = { .code = WG_OK };

    m.x = malloc(sizeof *m.x * BATCH * WIDTH);
    for (int i = 0; i < BATCH * WIDTH; i++) m.x[i] = (float)sin(i);
    wg_begin(m.g, "step", WG_TRAIN);
    for (int i = 0; i < LAYERS; i++) {
        char name[8];

        snprintf(name, sizeof name, "fc%d", i);
        m.layer[i] =
            wg_fully_connected(m.w, name, (wg_fc_hyper){ .n_out = WIDTH, .act_fn = "Tanh" });
        h = wg_apply(m.layer[i], h);
    }
    m.optim = wg_optim_from_text(m.w, "optim", optimiser, &error);
    NO_ERROR(&error);
    wg_minimize(m.optim, wg_output("loss", wg_mean(wg_square(h), WG_ALL_AXES, false)));
    wg_end(m.g);
    return m;
}

static void model_free(struct model *m)
{
    wg_optim_free(m->optim);
    for (int i = 0; i < LAYERS; i++) wg_layer_free(m->layer[i]);
    wg_graph_free(m->g);
    wg_params_free(m->w);
    free(m->x);
}

static wg_plan *model_plan(struct model *m, int64_t max_bytes)
{
    wg_error error;
    wg_plan *p = wg_plan_new_error(
        m->g, m->w, "step", &(wg_plan_options){ .threads = 1, .max_bytes = max_bytes }, &error);

    NO_ERROR(&error);
    wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(BATCH, WIDTH), m->x));
    return p;
}

/* The plan's bytes are those of its values, their alignment and its parts, to the byte. */
static void the_report_is_what_is_taken(void)
{
    static const char *const optimiser[] = { "SGD(lr=1e-3)", "SGD(lr=1e-3, momentum=0.9)",
                                             "Adam(lr=1e-3)", "RMSProp(lr=1e-3)" };

    for (int i = 0; i < 4; i++)
        for (int budget = 0; budget < 2; budget++) {
            struct model m = model_make(optimiser[i]);
            size_t before = wg__live_bytes();
            wg_plan *p = model_plan(&m, 0);
            wg_plan_stats stats;

            CHECK(wg_plan_run(p) == WG_OK);
            CHECK(wg_plan_report(p, &stats) == WG_OK);
            if (budget) {
                wg_plan_free(p);
                EQ_INT(wg__live_bytes(), before);
                p = model_plan(&m, stats.arena_bytes - 1);
                CHECK(wg_plan_run(p) == WG_OK);
                CHECK(wg_plan_report(p, &stats) == WG_OK);
                CHECK(stats.recomputed > 0);
            }
            EQ_INT(wg__live_bytes() - before, stats.held_bytes);
            CHECK(stats.held_bytes >= stats.arena_bytes);
            CHECK(stats.held_bytes < stats.arena_bytes + (4 << 20)); /* alignment 2 MB, parts */
            for (int run = 0; run < 3; run++) CHECK(wg_plan_run(p) == WG_OK);
            EQ_INT(wg__live_bytes() - before, stats.held_bytes);
            wg_plan_free(p);
            EQ_INT(wg__live_bytes(), before);
            model_free(&m);
        }
}

/* Pages of this process that are in memory, in bytes; -1 where the system does not say. */
static int64_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long long all, in = -1;

    if (!f) return -1;
    if (fscanf(f, "%lld %lld", &all, &in) != 2) in = -1;
    fclose(f);
    return in < 0 ? -1 : (int64_t)in * sysconf(_SC_PAGESIZE);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

/* A second plan of the same function: the first one has brought in code and buffers of others. */
static void so_much_is_resident(void)
{
    struct model m = model_make("Adam(lr=1e-3)");
    wg_plan *warm = model_plan(&m, 0), *p;
    wg_plan_stats stats;
    int64_t before, grown;

    CHECK(wg_plan_run(warm) == WG_OK);
    before = resident();
    p = model_plan(&m, 0);
    CHECK(wg_plan_run(p) == WG_OK);
    CHECK(wg_plan_report(p, &stats) == WG_OK);
    grown = resident() - before;
    printf("    %" PRId64 " bytes held, %" PRId64 " of them values; %" PRId64 " resident\n",
           stats.held_bytes, stats.arena_bytes, grown);
#ifndef SANITIZED
    if (before > 0) CHECK(grown * 10 < stats.held_bytes * 11);
    if (before > 0) CHECK(grown * 10 > stats.arena_bytes * 8); /* scratch may stay untouched */
#endif
    wg_plan_free(p);
    wg_plan_free(warm);
    model_free(&m);
}

/* Bytes that the report's text says OpenBLAS may hold; 0 when it says that no product is
 * OpenBLAS's; -1 when it says neither. */
static long long buffers_named(wg_plan *p)
{
    FILE *f = tmpfile();
    char line[400];
    long long bytes, found = -1;

    if (!CHECK(f != NULL)) return -1;
    CHECK(wg_plan_report_print(p, false, f) == WG_OK);
    rewind(f);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "besides, OpenBLAS's own buffers, up to %lld bytes", &bytes) == 1)
            found = bytes;
        if (strstr(line, "no product of a run is OpenBLAS's")) found = 0;
    }
    fclose(f);
    return found;
}

/* Products of 2^30 multiplications and more are OpenBLAS's, unless kernels are plain C or its build
 * cannot be kept to one thread. */
static void buffers_of_blas_are_named(void)
{
    bool pthreads = strstr(wg_build_info(), "pthread") != NULL;

    for (int n = 1008; n <= 1024; n += 16)
        for (int threads = 1; threads <= 2; threads++) {
            wg_graph *g = wg_graph_new();
            wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(n, n));
            wg_tensor *y = wg_matmul(wg_matmul(x, x), x);
            bool taken = n == 1024 && wg_level() > WG_LEVEL_PLAIN && !pthreads;
            wg_plan_stats stats;
            wg_error error;
            wg_plan *p = wg_plan_of(1, &y, NULL, &(wg_plan_options){ .threads = threads }, &error);

            NO_ERROR(&error);
            CHECK(wg_plan_report(p, &stats) == WG_OK);
            EQ_INT(stats.outside_steps, taken ? 2 : 0);
            EQ_INT(stats.outside_bytes > 0, taken);
            CHECK(stats.outside_bytes <= (int64_t)threads * 2 << 20);
            EQ_INT(buffers_named(p), stats.outside_bytes);
            wg_plan_free(p);
            wg_graph_free(g);
        }
}

/* ---- steps of real size ---- */

static wg_tensor *identity_block(struct model *m)
{
    wg_shape shape = WG_SHAPE(32, 32, 32, 64);
    wg_tensor *x = wg_input(m->g, "x", WG_F32, shape), *y = wg_input(m->g, "y", WG_F32, shape);

    m->layer[0] = wg_skip_identity(
        m->w, "l",
        (wg_skip_identity_hyper){
            .out_ch = 64, .kernel_shape1 = { 3, 3 }, .kernel_shape2 = { 3, 3 }, .act_fn = "ReLU" });
    return wg_mean(wg_square(wg_sub(wg_apply(m->layer[0], x), y)), WG_ALL_AXES, false);
}

static wg_tensor *autoencoder(struct model *m)
{
    wg_tensor *x = wg_input(m->g, "x", WG_F32, WG_SHAPE(64, 28, 28, 1));

    m->layer[0] = wg_bernoulli_vae(m->w, "vae", (wg_bernoulli_vae_hyper){ .T = 5 });
    return wg_bernoulli_vae_loss(m->layer[0], x, NULL);
}

/* What a plan of one training step says before it has run. */
static wg_plan_stats step_stats(wg_tensor *(*loss)(struct model *m), const char *optimiser,
                                wg_plan_options o)
{
    struct model m = { .g = wg_graph_new(), .w = wg_params_new(WG_F32, 7) };
    wg_error error = { .code = WG_OK };
    wg_plan_stats stats = { 0 };
    wg_plan *p;

    wg_begin(m.g, "step", WG_TRAIN);
    m.optim = wg_optim_from_text(m.w, "optim", optimiser, &error);
    wg_minimize(m.optim, wg_output("loss", loss(&m)));
    wg_end(m.g);
    p = wg_plan_new_error(m.g, m.w, "step", &o, &error);
    NO_ERROR(&error);
    CHECK(p && wg_plan_report(p, &stats) == WG_OK);
    wg_plan_free(p);
    model_free(&m);
    return stats;
}

/* Bytes of values of two training steps that bench/README.md holds against PyTorch: a block of
 * convolutions and batch norms keeps four values of 8 MiB at one time, an autoencoder less than
 * three of its largest, of 4.5 MiB. Kernels of another processor may want other scratch. */
static void training_steps_stay_small(void)
{
    const int64_t mega = 1 << 20, value = 8 * mega;
    wg_plan_stats s;

    for (int threads = 1; threads <= 2; threads++) {
        wg_plan_options o = { .threads = threads };

        s = step_stats(identity_block, "SGD(lr=1e-6, momentum=0.9)", o);
        printf("    %d threads: %" PRId64 " bytes of values, %" PRId64 " entries again, ", threads,
               s.arena_bytes, s.recomputed);
        CHECK(s.arena_bytes >= 4 * value && s.arena_bytes < 4 * value + 4 * mega);
        CHECK(s.recomputed > 0 && s.recompute_flops < s.flops / 100);
        s = step_stats(autoencoder, "RMSProp(lr=1e-6)", o);
        printf("%" PRId64 " bytes\n", s.arena_bytes);
        CHECK(s.arena_bytes < 15 * mega);
    }
    /* kept as they are made, the same values take more */
    s = step_stats(identity_block, "SGD(lr=1e-6, momentum=0.9)",
                   (wg_plan_options){ .threads = 1, .passes_off = WG_PASS_REMAKE });
    CHECK(s.arena_bytes >= 8 * value && s.recomputed == 0);
}

/* ---- values that are made again ---- */

enum { ROWS = 64, COLUMNS = 24 };

/* Products and batch norms by turns: x - mean and its multiples are read far apart. */
static struct model normed_make(void)
{
    struct model m = { .g = wg_graph_new(), .w = wg_params_new(WG_F32, 7) };
    wg_tensor *h = wg_input(m.g, "x", WG_F32, WG_SHAPE(ROWS, COLUMNS));
    wg_error error = { .code = WG_OK };

    m.x = malloc(sizeof *m.x * ROWS * COLUMNS);
    for (int i = 0; i < ROWS * COLUMNS; i++) m.x[i] = (float)sin(i * i);
    wg_begin(m.g, "step", WG_TRAIN);
    for (int i = 0; i < LAYERS; i++) {
        char name[8];

        snprintf(name, sizeof name, "l%d", i);
        m.layer[i] = i % 2 ? wg_batchnorm1d(m.w, name, (wg_batchnorm_hyper){ 0 })
                           : wg_fully_connected(m.w, name, (wg_fc_hyper){ .n_out = COLUMNS });
        h = wg_apply(m.layer[i], h);
        if (i % 2) h = wg_relu(h);
    }
    m.optim = wg_optim_from_text(m.w, "optim", "SGD(lr=1e-1)", &error);
    wg_minimize(m.optim, wg_output("loss", wg_mean(wg_square(h), WG_ALL_AXES, false)));
    wg_end(m.g);
    return m;
}

static char start[1 << 20]; /* the first weights */

static void copy_weights(struct model *m, bool back)
{
    size_t at = 0;

    for (int i = 0; i < wg_params_count(m->w); i++) {
        const wg_array *a = &wg_params_at(m->w, i)->value;
        size_t bytes = (size_t)wg_type_bytes(&a->type);

        if (!CHECK(at + bytes <= sizeof start)) return;
        if (back) memcpy(a->data, start + at, bytes);
        else memcpy(start + at, a->data, bytes);
        at += bytes;
    }
}

/* Two runs, after which the weights are the first ones again; the checksum of the result and of all
 * weights, or 0 with *error. */
static uint64_t normed_run(struct model *m, wg_plan_options o, wg_plan_stats *stats,
                           wg_error *error)
{
    wg_plan *p = wg_plan_new_error(m->g, m->w, "step", &o, error);
    uint64_t sum = 0;

    if (p) {
        wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(ROWS, COLUMNS), m->x));
        for (int run = 0; run < 2; run++) wg_plan_run(p);
        *error = *wg_plan_error(p);
        if (error->code == WG_OK && wg_plan_report(p, stats) == WG_OK) {
            sum = wg__hash_bytes(1, wg_plan_value_at(p, 0)->data, sizeof(float));
            for (int i = 0; i < wg_params_count(m->w); i++) {
                const wg_array *a = &wg_params_at(m->w, i)->value;

                sum = wg__hash_bytes(sum, a->data, (size_t)wg_type_bytes(&a->type));
            }
        }
    }
    wg_plan_free(p);
    copy_weights(m, true);
    return sum;
}

static void made_again_the_bits_are_the_same(void)
{
    struct model m = normed_make();
    wg_error error = { .code = WG_OK };
    wg_plan_stats kept, again, within;
    uint64_t want;

    copy_weights(&m, false);
    want = normed_run(&m, (wg_plan_options){ .threads = 1 }, &kept, &error);
    EQ_INT(kept.recomputed, 0); /* as they are small */
    for (int threads = 1; threads <= 2; threads++) {
        wg_plan_options o = { .threads = threads, .cache = 1, .grain = threads - 1 };

        CHECK(normed_run(&m, o, &again, &error) == want);
        CHECK(again.recomputed > 0 && again.arena_bytes * 10 < kept.arena_bytes * 9);
        o.max_bytes = again.arena_bytes - 1;
        CHECK(normed_run(&m, o, &within, &error) == want);
        CHECK(within.arena_bytes <= o.max_bytes && within.recomputed > again.recomputed);
        printf("    %" PRId64 " bytes kept, %" PRId64 " with %" PRId64 " entries again, %" PRId64
               " within one byte less\n",
               kept.arena_bytes, again.arena_bytes, again.recomputed, within.arena_bytes);
    }
    for (int i = 0; i < 5; i++) {
        wg_plan_options o = { .threads = 1, .cache = 1, .check = i == 0, .keep = i == 1 };

        if (i > 1) o.passes_off = i == 2 ? WG_PASS_REMAKE : i == 3 ? WG_PASS_FUSE : WG_PASS_REUSE;
        CHECK(normed_run(&m, o, &again, &error) == want);
        EQ_INT(again.recomputed, 0);
    }
    NO_ERROR(&error);
    model_free(&m);
}

static int64_t allowed; /* of one_plan */

static wg_status one_plan(void *arg, wg_error *error)
{
    wg_plan_options o = { .threads = 1, .cache = 1, .max_bytes = allowed };
    wg_plan_stats stats;

    if (normed_run(arg, o, &stats, error) != 0) CHECK(stats.recomputed > 0);
    return error->code;
}

static void every_allocation_may_fail(void)
{
    struct model m = normed_make();
    wg_plan_stats stats = { 0 };
    wg_error error = { .code = WG_OK };

    copy_weights(&m, false);
    gate_every_allocation(one_plan, &m, "values made again");
    CHECK(normed_run(&m, (wg_plan_options){ .threads = 1, .cache = 1 }, &stats, &error) != 0);
    allowed = stats.arena_bytes - 1;
    gate_every_allocation(one_plan, &m, "and within fewer bytes");
    model_free(&m);
}

/* ---- values inside others ---- */

static wg_plan_stats cut_stats(wg_tensor *y, unsigned passes_off)
{
    wg_plan_options o = { .threads = 1, .passes_off = passes_off };
    wg_plan_stats stats = { 0 };
    wg_error error;
    wg_plan *p = wg_plan_of(1, &y, NULL, &o, &error);

    if (!p) NO_ERROR(&error);
    EQ_INT(wg_plan_report(p, &stats), WG_OK);
    wg_plan_free(p);
    return stats;
}

/* One row of a product is read after four more products: as a part of the first it would keep all
 * of that alive. Of the second half of a sum that is read at once the part is free. */
static void cuts_take_no_more(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(512, 512)), *h = wg_matmul(x, x), *y = x;
    wg_tensor *row =
        wg_slice(h, 2, (int64_t[]){ 0, 0 }, (int64_t[]){ 1, 512 }, (int64_t[]){ 1, 1 });
    wg_tensor *half = wg_slice(wg_cumsum(x, 0, false), 2, (int64_t[]){ 256, 0 },
                               (int64_t[]){ 512, 512 }, (int64_t[]){ 1, 1 });

    for (int i = 0; i < 4; i++) y = wg_matmul(wg_tanh(i == 0 ? wg_add(y, row) : y), x);
    y = wg_sum(wg_mul(y, row), WG_ALL_AXES, false);
    NO_ERROR(wg_graph_error(g));
    EQ_INT(cut_stats(y, 0).arena_bytes, cut_stats(y, WG_PASS_PLACE).arena_bytes);
    y = wg_matmul(half, wg_input(g, "v", WG_F32, WG_SHAPE(512, 1)));
    NO_ERROR(wg_graph_error(g));
    CHECK(cut_stats(y, 0).arena_bytes < cut_stats(y, WG_PASS_PLACE).arena_bytes);
    wg_graph_free(g);
}

/* ---- scratch of a faster kernel ---- */

enum { WANTED = 1000 };

static void no_kernel(const wg_call *c)
{
    (void)c;
}

/* Writes all the scratch it asked for. */
static void fast_kernel(const wg_call *c)
{
    if (!c->scratch) return;
    memset(c->scratch, 0xff, WANTED);
    memcpy(c->y, c->x[0], (size_t)wg_type_bytes(c->ty));
}

static wg_eval_fn *fast_of(const wg_sig *s, const wg_type *out, wg_dtype by, int level, int threads,
                           size_t *scratch)
{
    (void)s, (void)out, (void)by, (void)level, (void)threads;
    *scratch = WANTED;
    return fast_kernel;
}

static const wg_op fast_op = { .name = "quick",
                               .doc = "",
                               .n_in = 1,
                               .flags = WG_OP_NO_GRAD,
                               .infer = wg_infer_same,
                               .eval = WG_EVAL_KERNELS({ [WG_F32] = { no_kernel } }),
                               .more = WG_OP_MORE(.fast = fast_of) };

static void a_faster_kernel_gets_its_scratch(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *y = wg_record1(&fast_op, NULL, wg_input(g, "x", WG_F32, WG_SHAPE(4)));
    float x[4] = { 1, 2, 3, 4 };
    wg_error error;
    wg_plan *p = wg_plan_of(1, &y, NULL, NULL, &error);

    if (!p) NO_ERROR(&error);
    EQ_INT(wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(4), x)), WG_OK);
    EQ_INT(wg_plan_run(p), WG_OK);
    CHECK(memcmp(wg_plan_value_at(p, 0)->data, x, sizeof x) == 0);
    wg_plan_free(p);
    wg_graph_free(g);
}

TESTS(TEST(the_report_is_what_is_taken), TEST(so_much_is_resident), TEST(buffers_of_blas_are_named),
      TEST(training_steps_stay_small), TEST(made_again_the_bits_are_the_same),
      TEST(every_allocation_may_fail), TEST(cuts_take_no_more),
      TEST(a_faster_kernel_gets_its_scratch))
