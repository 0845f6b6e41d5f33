/* test_plan_chain.c: entries of fused steps that run as chains (WG_PASS_CHAIN) give the bits that
 * they give one by one. */
#include "graph/plan.h"

#include <stdlib.h>
#include <wengert.h>

#include "harness.h"

enum { MOST = 6000, VALUES = 16 };

typedef wg_tensor *binary(wg_tensor *a, wg_tensor *b);
typedef wg_tensor *unary(wg_tensor *x);

static binary *const binaries[] = { wg_add, wg_sub, wg_mul, wg_div, wg_maximum, wg_minimum };
static unary *const unaries[] = {
    wg_neg,  wg_square,  wg_sqrt,       wg_reciprocal, wg_abs,  wg_exp,
    wg_tanh, wg_sigmoid, wg_normal_cdf, wg_normal_pdf, wg_relu, wg_log1p,
};
enum { N_BINARY = sizeof binaries / sizeof *binaries, N_UNARY = sizeof unaries / sizeof *unaries };

static float data[4][MOST];
static int64_t chains, members, sums;

static void fill(void)
{
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < MOST; i++) data[k][i] = sinf((float)(i * (k + 1))) * 2;
    data[0][0] = data[0][130] = INFINITY;
    data[1][1] = data[1][131] = -INFINITY;
    data[2][2] = -0.0f;
    data[2][140] = NAN;
}

static void count(const wg_plan *p)
{
    for (int64_t i = 0; i < p->now->n_instr; i++) {
        const wg_instr *in = &p->now->instr[i];

        if (in->kind != WG_I_BLOCKS) continue;
        chains += in->as.blocks->n_chains;
        for (int32_t c = 0; c < in->as.blocks->n_chains; c++) {
            members += in->as.blocks->chain[c].n;
            sums += in->as.blocks->chain[c].n_sums;
        }
    }
}

/* Equal, or both not a number. */
static bool same(const wg_array *x, const wg_array *y)
{
    int64_t n = wg_shape_count(&x->type.shape);
    const float *a = x->data, *b = y->data;

    for (int64_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return false;
    return wg_type_equal(&x->type, &y->type);
}

static wg_plan *run(int n, wg_tensor *const *out, wg_params *w, wg_shape shape, wg_plan_options o)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    wg_plan *p = wg_plan_of(n, out, w, &o, NULL);

    if (!CHECK(p != NULL)) return NULL;
    for (int k = 0; k < 4; k++) {
        wg_status s = wg_plan_feed(p, names[k], (wg_array){ { WG_F32, shape }, data[k] });

        CHECK(s == WG_OK || s == WG_ENAME);
    }
    if (CHECK(wg_plan_run(p) == WG_OK && wg_plan_run(p) == WG_OK)) return p;
    wg_plan_free(p);
    return NULL;
}

/* All outputs with the pass and without, in many ways. */
static void compare(int n, wg_tensor *const *out, wg_shape shape, const char *what)
{
    static const wg_plan_options ways[] = {
        { .threads = 1 },
        { .threads = 2, .grain = 1 },
        { .threads = 1, .cache = 1 },
        { .threads = 2, .grain = 1, .block = 128, .cache = 1 },
        { .threads = 1, .block = 200, .cache = 1 }, /* streams that are not aligned */
        { .threads = 1, .block = 1000 },
        { .threads = 1, .block = 127 },
        { .threads = 1, .passes_off = WG_PASS_LINES | WG_PASS_STREAM },
    };

    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        wg_plan_options off = ways[k];
        wg_plan *with = run(n, out, NULL, shape, ways[k]), *without;

        off.passes_off |= WG_PASS_CHAIN;
        without = run(n, out, NULL, shape, off);
        for (int i = 0; with && without && i < n; i++)
            harness_check(same(wg_plan_value_at(with, i), wg_plan_value_at(without, i)), __FILE__,
                          __LINE__, "%s, way %zu: output %d of %" PRId64 " elements differs", what,
                          k, i, wg_shape_count(&shape));
        if (with) count(with);
        wg_plan_free(with);
        wg_plan_free(without);
    }
}

static const int64_t counts[] = { 513, 640, 1000, 1024, 5003 };
enum { COUNTS = sizeof counts / sizeof *counts };

/* Value in registers first or second, both in memory, one element for all first or second, twice
 * the same value. */
static void every_form_of_two_operands(void)
{
    fill();
    for (int k = 0; k < N_BINARY; k++)
        for (int c = 0; c < COUNTS; c++) {
            wg_graph *g = wg_graph_new();
            wg_tensor *a = wg_input(g, "a", WG_F32, WG_SHAPE(counts[c]));
            wg_tensor *b = wg_input(g, "b", WG_F32, WG_SHAPE(counts[c]));
            wg_tensor *one = wg_scalar(g, WG_F32, 0.75), *x = wg_neg(a);
            wg_tensor *out[] = {
                binaries[k](wg_tanh(a), b),   binaries[k](b, wg_square(a)),
                wg_neg(binaries[k](b, a)),    binaries[k](wg_abs(b), one),
                binaries[k](one, wg_relu(b)), binaries[k](x, x),
                wg_neg(binaries[k](one, a)),  wg_neg(binaries[k](a, one)),
            };

            compare(8, out, WG_SHAPE(counts[c]), wg_tensor_op(out[0]));
            wg_graph_free(g);
        }
}

static void every_op_of_one_operand(void)
{
    fill();
    for (int c = 0; c < COUNTS; c++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *a = wg_input(g, "a", WG_F32, WG_SHAPE(counts[c]));
        wg_tensor *b = wg_input(g, "b", WG_F32, WG_SHAPE(counts[c]));
        wg_tensor *out[N_UNARY + 1];

        for (int k = 0; k < N_UNARY; k++) out[k] = wg_sub(b, unaries[k](wg_add(a, b)));
        out[N_UNARY] = wg_clip(wg_mul(a, b), -0.5, 1.25);
        compare(N_UNARY + 1, out, WG_SHAPE(counts[c]), "one operand");
        wg_graph_free(g);
    }
}

/* Values that several later ones read, so that slots are handed on, with members that are in no
 * chain between them. */
static void values_read_late(void)
{
    fill();
    for (int c = 0; c < COUNTS; c++)
        for (int seed = 1; seed < 12; seed++) {
            wg_graph *g = wg_graph_new();
            wg_tensor *v[VALUES * 4] = { wg_input(g, "a", WG_F32, WG_SHAPE(counts[c])),
                                         wg_input(g, "b", WG_F32, WG_SHAPE(counts[c])),
                                         wg_input(g, "c", WG_F32, WG_SHAPE(counts[c])),
                                         wg_input(g, "d", WG_F32, WG_SHAPE(counts[c])) };
            wg_tensor *out[3];
            int n = 4;
            unsigned state = (unsigned)seed;

            for (; n < 4 + seed * 5; n++) {
                unsigned i = (state = state * 1664525u + 1013904223u) >> 8;
                wg_tensor *x = v[i % (unsigned)n], *y = v[n - 1 - (int)(i / 64 % 3)];

                v[n] = i / 1024 % 7 == 0   ? wg_log1p(wg_abs(x))
                       : i / 1024 % 7 == 1 ? wg_tanh(x)
                                           : binaries[i / 8192 % 3](y, x);
            }
            for (int k = 0; k < 3; k++) out[k] = v[n - 1 - k];
            compare(3, out, WG_SHAPE(counts[c]), "values read late");
            wg_graph_free(g);
        }
}

/* Lines: what is narrow stands between chains and is read as one element for all, or repeated. */
static void with_lines(void)
{
    static const int64_t lines[][2] = {
        { 5, 1000 }, { 7, 128 }, { 9, 60 }, { 3, 1500 }, { 2, 520 }
    };

    fill();
    for (size_t c = 0; c < sizeof lines / sizeof *lines; c++) {
        wg_shape shape = WG_SHAPE(lines[c][0], lines[c][1]);
        wg_graph *g = wg_graph_new();
        wg_tensor *a = wg_input(g, "a", WG_F32, shape), *b = wg_input(g, "b", WG_F32, shape);
        wg_tensor *row = wg_constant(g, (wg_array){ { WG_F32, WG_SHAPE(lines[c][1]) }, data[3] });
        wg_tensor *x = wg_add(wg_tanh(a), wg_relu(b)), *mean = wg_mean(x, WG_AXES(-1), true);
        wg_tensor *y = wg_mul(wg_sub(x, mean), wg_mul(row, wg_tanh(a)));
        wg_tensor *column = wg_sum(x, WG_AXES(0), true);
        wg_tensor *out[] = { y, wg_mul(wg_softmax(y, -1), wg_sub(x, row)),
                             wg_add(wg_mul(x, row), wg_tanh(b)), wg_sub(wg_mul(x, column), y) };

        compare(4, out, shape, "lines");
        wg_graph_free(g);
    }
}

/* Sums of a line of one to eight blocks, which the members behind them wait for; more of them than
 * a chain makes; of what an operand holds as it is; of values that are read again and that are not. */
static void with_sums_of_lines(void)
{
    static const int64_t lines[][2] = {
        { 5, 257 }, { 3, 512 }, { 4, 513 }, { 6, 1000 }, { 5, 1024 }, { 3, 1537 }, { 2, 3000 },
    };

    fill();
    for (size_t c = 0; c < sizeof lines / sizeof *lines; c++) {
        wg_shape shape = WG_SHAPE(lines[c][0], lines[c][1]);
        wg_graph *g = wg_graph_new();
        wg_tensor *a = wg_input(g, "a", WG_F32, shape), *b = wg_input(g, "b", WG_F32, shape);
        wg_tensor *d = wg_input(g, "d", WG_F32, shape), *ab = wg_mul(b, d);
        wg_tensor *dot = wg_sum(ab, WG_AXES(-1), true), *of = wg_sum(d, WG_AXES(-1), true);
        wg_tensor *centred = wg_sub(d, dot),
                  *square = wg_sum(wg_square(centred), WG_AXES(-1), true);
        wg_tensor *many = wg_mul(wg_tanh(a), of), *out[4];

        for (int k = 0; k < 11; k++)
            many =
                wg_add(many, wg_sum(wg_mul(d, wg_add(b, wg_scalar_like(b, k))), WG_AXES(-1), true));
        out[0] = wg_mul(wg_mul(centred, wg_rsqrt(square)), wg_sigmoid(d));
        out[1] = square;
        out[2] = many;
        out[3] = wg_sum(wg_exp(wg_sub(a, wg_mul(of, dot))), WG_AXES(-1), false);
        compare(4, out, shape, "sums of lines");
        wg_graph_free(g);
    }
}

/* Updates that write over the entry they read. */
static void in_the_store(void)
{
    wg_array start = { { WG_F32, WG_SHAPE(3, 1111) }, data[3] };
    wg_graph *g = wg_graph_new();
    wg_params *w[2];
    wg_tensor *p, *m, *d;

    fill();
    for (int i = 0; i < 2; i++) {
        w[i] = wg_params_new(WG_F32, 1);
        for (int k = 0; k < 2; k++) {
            wg_params_add(w[i], k ? "m" : "p", WG_F32, start.type.shape, true, NULL, NULL);
            wg_params_set(w[i], k ? "m" : "p", start, NULL);
        }
    }
    wg_begin(g, "f", WG_TRAIN);
    p = wg_param_leaf(g, w[0], "p");
    m = wg_param_leaf(g, w[0], "m");
    d = wg_add(wg_mul(m, wg_scalar(g, WG_F32, 0.9)), wg_square(wg_tanh(p)));
    wg_output("old", wg_add(p, m));
    wg_update("m", d);
    wg_update("p", wg_sub(p, wg_div(d, wg_add(wg_sqrt(wg_abs(m)), wg_scalar(g, WG_F32, 0.1)))));
    wg_end(g);
    for (int i = 0; i < 2; i++) {
        wg_plan_options o = { .threads = 1, .passes_off = i ? WG_PASS_CHAIN : 0 };
        wg_plan *plan = wg_plan_new(g, w[i], "f", &o);

        for (int k = 0; k < 3; k++) CHECK(plan && wg_plan_run(plan) == WG_OK);
        if (i == 0 && plan) count(plan);
        wg_plan_free(plan);
    }
    CHECK(same(&wg_params_find(w[0], "p")->value, &wg_params_find(w[1], "p")->value));
    CHECK(same(&wg_params_find(w[0], "m")->value, &wg_params_find(w[1], "m")->value));
    for (int i = 0; i < 2; i++) wg_params_free(w[i]);
    wg_graph_free(g);
}

/* A bound whose bits are those of four bools that are true, beside bools that go to memory. */
static void constants_alike(void)
{
    wg_graph *g = wg_graph_new();
    wg_shape shape = WG_SHAPE(5, 1000);
    wg_tensor *a = wg_input(g, "a", WG_F32, shape), *b = wg_input(g, "b", WG_F32, shape), *out;

    fill();
    out = wg_cast(wg_lt(wg_clip(a, 0x1.020202p-125, 2.5), b), WG_F32);
    compare(1, &out, shape, "constants_alike");
    wg_graph_free(g);
}

static void chains_were_made(void)
{
    printf("%" PRId64 " chains of %" PRId64 " members, %" PRId64 " sums\n", chains, members, sums);
    CHECK(wg_level() < WG_LEVEL_AVX512 || (chains > 500 && members > 10000 && sums > 300));
}

TESTS(TEST(every_form_of_two_operands), TEST(every_op_of_one_operand), TEST(values_read_late),
      TEST(with_lines), TEST(with_sums_of_lines), TEST(in_the_store), TEST(constants_alike),
      TEST(chains_were_made))
