/*
 * test_plan_budget.c: max_bytes: values are computed again instead of kept. The results keep their
 * bits; when the budget cannot be met the error names the least that can, and that can be had.
 */
#include <time.h>
#include <wengert.h>

#include "gate.h"
#include "graph/plan.h"
#include "plan_world.h"

/* h = tanh(h w) over and over, and the gradient of a sum by all w. */
struct chain {
    wg_graph *g;
    wg_params *w;
    int layers, rows, width;
    float *x;
};

static struct chain chain_make(int layers, int rows, int width)
{
    struct chain c = { wg_graph_new(), wg_params_new(WG_F32, 7), layers, rows, width, NULL };
    wg_tensor *h = wg_input(c.g, "x", WG_F32, WG_SHAPE(1, width)), *loss,
              **w = calloc((size_t)layers, sizeof *w), **d = calloc((size_t)layers, sizeof *d);
    char name[16];

    c.x = malloc((size_t)rows * (size_t)width * sizeof *c.x);
    for (int i = 0; i < rows * width; i++) c.x[i] = (float)sin(i);
    wg_begin(c.g, "f", WG_TRAIN);
    for (int i = 0; i < layers; i++) {
        float *v;

        snprintf(name, sizeof name, "w%d", i);
        wg_params_add(c.w, name, WG_F32, WG_SHAPE(width, width), true, NULL, NULL);
        v = wg_params_find(c.w, name)->value.data;
        for (int k = 0; k < width * width; k++) v[k] = (float)cos(k + 3 * i);
        w[i] = wg_param_leaf(c.g, c.w, name);
        h = wg_tanh(wg_matmul(h, w[i]));
    }
    loss = wg_output("loss", wg_sum(wg_square(h), WG_ALL_AXES, false));
    wg_grad(loss, layers, w, d);
    for (int i = 0; i < layers; i++) {
        snprintf(name, sizeof name, "w%d", i);
        wg_update(name, wg_sub(w[i], wg_mul(d[i], wg_scalar_like(d[i], 1e-3))));
    }
    wg_end(c.g);
    free(w);
    free(d);
    return c;
}

static void chain_free(struct chain *c)
{
    wg_graph_free(c->g);
    wg_params_free(c->w);
    free(c->x);
}

static wg_plan *chain_plan(struct chain *c, wg_params *w, int threads, int64_t max_bytes)
{
    wg_error error;
    wg_plan *p = wg_plan_new_error(
        c->g, w, "f", &(wg_plan_options){ .threads = threads, .max_bytes = max_bytes }, &error);

    NO_ERROR(&error);
    wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(c->rows, c->width), c->x));
    return p;
}

static wg_plan_stats stats_of(wg_plan *p)
{
    wg_plan_stats stats = { 0 };

    CHECK(wg_plan_report(p, &stats) == WG_OK);
    return stats;
}

/* Least bytes that any budget can have, from the error of an impossible one. */
static int64_t least_bytes(struct chain *c)
{
    wg_plan *p = chain_plan(c, c->w, 1, 1);
    const char *text;
    long long needs = 0, least = 0;

    CHECK(wg_plan_run(p) == WG_ELIMIT);
    text = wg_plan_error(p)->text;
    CHECK(sscanf(text, "the values need %lld bytes, %lld when", &needs, &least) == 2);
    wg_plan_free(p);
    return least;
}

/* Runs of the same function with and without a budget leave the same outputs and stores. */
static void same_run(struct chain *c, int threads, int64_t max_bytes, wg_plan_stats *stats)
{
    wg_params *w[2] = { wg_params_copy(c->w, WG_N_DTYPES), wg_params_copy(c->w, WG_N_DTYPES) };
    wg_plan *p[2] = { chain_plan(c, w[0], 1, 0), chain_plan(c, w[1], threads, max_bytes) };

    for (int i = 0; i < 2; i++)
        for (int run = 0; run < 2; run++) {
            CHECK(wg_plan_run(p[i]) == WG_OK);
            NO_ERROR(wg_plan_error(p[i]));
        }
    *stats = stats_of(p[1]);
    CHECK(stats->arena_bytes <= max_bytes);
    SAME_BITS(wg_plan_value(p[1], "loss")->data, wg_plan_value(p[0], "loss")->data, 4);
    for (int i = 0; i < wg_params_count(c->w); i++)
        SAME_BITS(wg_params_at(w[1], i)->value.data, wg_params_at(w[0], i)->value.data,
                  (size_t)wg_type_bytes(&wg_params_at(w[0], i)->value.type));
    for (int i = 0; i < 2; i++) {
        wg_plan_free(p[i]);
        wg_params_free(w[i]);
    }
}

/* Of n layers' values about the square root of n stay; the weights' gradients are small here. */
static void a_chain_falls_to_its_root(void)
{
    for (int layers = 16; layers <= 1024; layers *= 4) {
        struct chain c = chain_make(layers, 64, 4);
        wg_plan *p = chain_plan(&c, c.w, 1, 0);
        wg_plan_stats all, part, least;

        CHECK(wg_plan_run(p) == WG_OK);
        all = stats_of(p);
        EQ_INT(all.recomputed, 0);
        wg_plan_free(p);
        same_run(&c, 1, all.arena_bytes * 3 / 4, &part);
        same_run(&c, 2, least_bytes(&c), &least);
        CHECK(part.recomputed > 0 && part.recompute_flops > 0);
        CHECK(part.flops < 1.5 * all.flops);
        printf("    %4d layers: %8" PRId64 " bytes; %8" PRId64
               " with %.2f times the operations; least %8" PRId64 " with %.2f\n",
               layers, all.arena_bytes, part.arena_bytes, part.flops / all.flops, least.arena_bytes,
               least.flops / all.flops);
        if (layers == 1024) CHECK(least.arena_bytes * 10 < all.arena_bytes);
        chain_free(&c);
    }
}

/* Draws are computed again with the same bits, in every run those of that run. */
static void draws_are_the_same_draws(void)
{
    struct chain c = { wg_graph_new(), wg_params_new(WG_F32, 7), 12, 32, 16, NULL };
    wg_tensor *x = wg_input(c.g, "x", WG_F32, WG_SHAPE(1, 16)), *h = x, *loss, *w;
    wg_plan_stats stats;
    wg_plan *p;

    wg_params_add(c.w, "w", WG_F32, WG_SHAPE(16, 16), true, NULL, NULL);
    for (int i = 0; i < 256; i++)
        ((float *)wg_params_find(c.w, "w")->value.data)[i] = (float)cos(i);
    w = wg_param_leaf(c.g, c.w, "w");
    c.x = calloc(32 * 16, sizeof *c.x);
    for (int i = 0; i < 32 * 16; i++) c.x[i] = (float)i / 100;
    wg_begin(c.g, "f", WG_TRAIN);
    for (int i = 0; i < 12; i++) {
        char name[8];

        snprintf(name, sizeof name, "u%d", i);
        h = wg_tanh(wg_matmul(wg_mul(wg_uniform_like(h, name, 0.5, 1.5), h), w));
    }
    loss = wg_output("loss", wg_sum(h, WG_ALL_AXES, false));
    wg_output("dx", wg_grad1(loss, x));
    wg_end(c.g);
    p = chain_plan(&c, c.w, 1, 0);
    CHECK(wg_plan_run(p) == WG_OK);
    stats = stats_of(p);
    wg_plan_free(p);
    same_run(&c, 2, stats.arena_bytes * 2 / 3, &stats);
    CHECK(stats.recomputed > 0);
    chain_free(&c);
}

static void what_cannot_be_had_is_said(void)
{
    struct chain c = chain_make(24, 64, 8);
    wg_plan *p = chain_plan(&c, c.w, 1, 1);
    int64_t least = least_bytes(&c);
    size_t bytes;
    unsigned char *before = snapshot(c.w, &bytes);
    wg_plan_stats stats;
    char text[200];

    CHECK(wg_plan_run(p) == WG_ELIMIT);
    same_store(c.w, before);
    CHECK(wg_plan_run(p) == WG_ELIMIT); /* again: what was fed is still too much */
    snprintf(text, sizeof text, "%" PRId64 " when computed again, allowed are 1: allow more or ",
             least);
    CHECK(strstr(wg_plan_error(p)->text, text) != NULL);
    CHECK(strstr(wg_plan_error(p)->text, "feed less; largest: ") != NULL);
    wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(1, 8), c.x));
    CHECK(wg_plan_run(p) == WG_ELIMIT);
    wg_plan_free(p);

    p = chain_plan(&c, c.w, 1, least - 1);
    CHECK(wg_plan_run(p) == WG_ELIMIT);
    wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(1, 8), c.x));
    CHECK(wg_plan_run(p) == WG_OK); /* less was fed */
    EQ_INT(stats_of(p).recomputed, 0);
    wg_plan_free(p);
    same_run(&c, 1, least, &stats);
    free(before);
    chain_free(&c);
}

/* Not a budget: 0 and less. Without the pass, or with what keeps all values, none can be met. */
static void ways_that_keep_all(void)
{
    struct chain c = chain_make(8, 64, 8);
    static const wg_plan_options ways[] = {
        { .max_bytes = 10000, .threads = 1, .passes_off = WG_PASS_RECOMPUTE },
        { .max_bytes = 10000, .threads = 1, .passes_off = WG_PASS_REUSE },
        { .max_bytes = 10000, .threads = 1, .check = true },
        { .max_bytes = 10000, .threads = 1, .keep = true },
        { .max_bytes = -1, .threads = 1 },
        { .max_bytes = INT64_MAX, .threads = 1 },
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        wg_error error;
        wg_plan *p = wg_plan_new_error(c.g, c.w, "f", &ways[i], &error);

        wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(64, 8), c.x));
        if (i < 4) {
            CHECK(wg_plan_run(p) == WG_ELIMIT);
            CHECK(strstr(wg_plan_error(p)->text, "bytes, allowed are 10000: ") != NULL);
        } else {
            CHECK(wg_plan_run(p) == WG_OK);
            EQ_INT(stats_of(p).recomputed, 0);
        }
        wg_plan_free(p);
    }
    chain_free(&c);
}

static int64_t allowed; /* of one_plan */

static wg_status one_plan(void *arg, wg_error *error)
{
    struct chain *c = arg;
    wg_plan_options o = { .threads = 1, .max_bytes = allowed };
    wg_plan *p = wg_plan_new_error(c->g, c->w, "f", &o, error);
    wg_plan_stats stats;
    wg_status code;

    if (!p) return error->code;
    wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(c->rows, c->width), c->x));
    code = wg_plan_run(p);
    *error = *wg_plan_error(p);
    if (code == WG_OK) CHECK(wg_plan_report(p, &stats) == WG_OK && stats.recomputed > 0);
    wg_plan_free(p);
    return code;
}

static void every_allocation_may_fail(void)
{
    struct chain c = chain_make(6, 64, 8);
    wg_plan *p = chain_plan(&c, c.w, 1, 0);

    allowed = stats_of(p).arena_bytes * 9 / 10;
    wg_plan_free(p);
    gate_every_allocation(one_plan, &c, "plan within a budget");
    chain_free(&c);
}

/* The gradient by a layer's weights is made when what it is made of is there, not after the whole
 * way back. */
static void gradients_do_not_wait(void)
{
    struct chain c = chain_make(100, 64, 4);
    int64_t bytes[2];

    for (int i = 0; i < 2; i++) {
        wg_plan_options o = { .threads = 1, .passes_off = i ? WG_PASS_SCHEDULE : 0 };
        wg_error error;
        wg_plan *p = wg_plan_new_error(c.g, c.w, "f", &o, &error);

        wg_plan_feed(p, "x", wg_array_of(WG_F32, WG_SHAPE(64, 4), c.x));
        CHECK(wg_plan_run(p) == WG_OK);
        bytes[i] = stats_of(p).arena_bytes;
        wg_plan_free(p);
    }
    printf("    100 layers: %" PRId64 " bytes, %" PRId64 " in the order of the tape\n", bytes[0],
           bytes[1]);
    CHECK(bytes[0] * 5 < bytes[1] * 3);
    chain_free(&c);
}

/* What a budget costs when compiling is linear: 8 times the layers may take 16 times as long. */
static double compile_seconds(int layers)
{
    struct chain c = chain_make(layers, 64, 4);
    double best = INFINITY;

    for (int i = 0; i < 3; i++) {
        wg_plan *p = chain_plan(&c, c.w, 1, 1);
        clock_t start = clock();

        CHECK(wg_plan_run(p) == WG_ELIMIT);
        best = fmin(best, (double)(clock() - start) / CLOCKS_PER_SEC);
        wg_plan_free(p);
    }
    chain_free(&c);
    return best;
}

static void compiling_stays_linear(void)
{
    double small = compile_seconds(250), large = compile_seconds(2000);

    printf("    an impossible budget is refused in %.3f s for 250 layers, %.3f s for 2000\n", small,
           large);
    CHECK(large < 16 * small);
}

TESTS(TEST(a_chain_falls_to_its_root), TEST(draws_are_the_same_draws),
      TEST(what_cannot_be_had_is_said), TEST(ways_that_keep_all), TEST(gradients_do_not_wait),
      TEST(every_allocation_may_fail), TEST(compiling_stays_linear))
