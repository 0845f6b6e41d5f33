/*
 * test_winograd.c: convolutions with fewer multiplications, against plain loops in double: within
 * the bound that docs/numerics.md states, at every level, with the same bits on any threads; and
 * their pass, alone and among the others.
 */
#include "graph/plan.h"
#include "ops/winograd.h"
#include "windows.h"

static const wg__winograd_kit *const kit[] = WG_LEVELS(&wg__winograd_kit_f32);

enum { Y, DX, DW };

static wg__conv conv_of(const convolution *c)
{
    return (wg__conv){ c->n, c->in, c->out,
                       wg__windows_of(&c->w, c->rows, c->columns, (int64_t[]){ 3, 3 }) };
}

/* One of the three results, from its two operands; fails when something beside it, or beside its
 * scratch, is written. What they hold before must not matter, so they hold NaN. */
static wg_array fast(const convolution *c, int which, const wg_array *a, const wg_array *b,
                     wg_shape shape, int level, int threads)
{
    wg__conv v = conv_of(c);
    wg_array out = { { WG_F32, shape }, NULL };
    size_t bytes = (size_t)wg_type_bytes(&out.type), scratch;
    unsigned char *room;

    scratch = which == DW ? wg__winograd_weights_scratch(&v, threads)
                          : wg__winograd_scratch(&v, which == DX, threads);
    out.data = malloc(bytes + GUARD);
    room = aligned_alloc(64, (scratch + GUARD + 63) / 64 * 64);
    memset(out.data, 0xff, bytes + GUARD);
    memset(room, 0xff, scratch + GUARD);
    if (which == DW)
        wg__winograd_weights(kit[level], &v, a->data, b->data, out.data, room, threads);
    else wg__winograd(kit[level], &v, which == DX, a->data, b->data, out.data, room, threads);
    CHECK(untouched((unsigned char *)out.data + bytes, 0xff));
    CHECK(untouched(room + scratch, 0xff));
    free(room);
    return out;
}

/* The three results from x, w, dy, and for each element the sum of what is multiplied: of |x w| or
 * the like, and of largest |x| in the patch times all |w| of its channel, which the bound names. */
typedef struct {
    double *value[3], *products[3], *patch[3];
    int64_t n[3];
} exact;

static double largest(const double *x, const int64_t n[2], int64_t channels, int64_t row,
                      int64_t column)
{
    double most = 0;

    for (int64_t r = row; r < row + WG_SIDE; r++)
        for (int64_t q = column; q < column + WG_SIDE; q++)
            if (r >= 0 && r < n[0] && q >= 0 && q < n[1])
                most = fmax(most, fabs(x[(r * n[1] + q) * channels]));
    return most;
}

/* Of an operand [images, n[0], n[1], from] and of all nine |w| of two channels, [to, from]. */
static void patches(int64_t images, const int64_t n[2], int64_t from, const int64_t before[2],
                    const int64_t grid[2], int64_t to, const double *x, const double *taps,
                    double *sum)
{
    for (int64_t i = 0; i < images; i++)
        for (int64_t r = 0; r < grid[0]; r++)
            for (int64_t q = 0; q < grid[1]; q++)
                for (int64_t k = 0; k < from; k++) {
                    double most = largest(x + i * n[0] * n[1] * from + k, n, from,
                                          r / 4 * 4 - before[0], q / 4 * 4 - before[1]);

                    for (int64_t m = 0; m < to; m++)
                        sum[((i * grid[0] + r) * grid[1] + q) * to + m] +=
                            most * taps[m * from + k];
                }
}

static exact exact_of(const convolution *c, const double *x, const double *w, const double *dy)
{
    placed p = place(&c->w, c->rows, c->columns, 3, 3);
    int64_t n[2] = { c->rows, c->columns }, turned[2] = { 2 - p.before[0], 2 - p.before[1] };
    exact e = { .n = { c->n * p.out[0] * p.out[1] * c->out, c->n * c->rows * c->columns * c->in,
                       9 * c->in * c->out } };
    double *taps = calloc((size_t)(2 * c->in * c->out) + 1, sizeof *taps),
           *back = taps + c->in * c->out;

    for (int k = 0; k < 3; k++) {
        e.value[k] = calloc((size_t)e.n[k] + 1, sizeof(double));
        e.products[k] = calloc((size_t)e.n[k] + 1, sizeof(double));
        e.patch[k] = calloc((size_t)e.n[k] + 1, sizeof(double));
    }
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t o = 0; o < p.out[0]; o++)
            for (int64_t q = 0; q < p.out[1]; q++)
                for (int64_t t = 0; t < 9; t++) {
                    int64_t at = under(c, &p, i, o, q, t / 3, t % 3);

                    for (int64_t k = 0; at >= 0 && k < c->in; k++)
                        for (int64_t m = 0; m < c->out; m++) {
                            int64_t iw = (t * c->in + k) * c->out + m;
                            int64_t iy = ((i * p.out[0] + o) * p.out[1] + q) * c->out + m;
                            int64_t to[3] = { iy, at + k, iw };
                            double term[3] = { x[at + k] * w[iw], dy[iy] * w[iw],
                                               x[at + k] * dy[iy] };

                            for (int s = 0; s < 3; s++) {
                                e.value[s][to[s]] += term[s];
                                e.products[s][to[s]] += fabs(term[s]);
                            }
                        }
                }
    for (int64_t i = 0; i < 9 * c->in * c->out; i++) {
        int64_t k = i / c->out % c->in, m = i % c->out;

        taps[m * c->in + k] += fabs(w[i]);
        back[k * c->out + m] += fabs(w[i]);
    }
    patches(c->n, n, c->in, p.before, p.out, c->out, x, taps, e.patch[Y]);
    patches(c->n, p.out, c->out, turned, n, c->in, dy, back, e.patch[DX]);
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t o = 0; o < p.out[0]; o++)
            for (int64_t q = 0; q < p.out[1]; q++)
                for (int64_t k = 0; k < c->in; k++) {
                    double most = largest(x + i * n[0] * n[1] * c->in + k, n, c->in,
                                          o / 4 * 4 - p.before[0], q / 4 * 4 - p.before[1]);

                    for (int64_t m = 0; m < c->out; m++)
                        e.patch[DW][k * c->out + m] +=
                            most * fabs(dy[((i * p.out[0] + o) * p.out[1] + q) * c->out + m]);
                }
    for (int64_t i = 1; i < 9; i++)
        memcpy(e.patch[DW] + i * c->in * c->out, e.patch[DW],
               (size_t)(c->in * c->out) * sizeof(double));
    free(taps);
    return e;
}

static void exact_free(exact *e)
{
    for (int k = 0; k < 3; k++) free(e->value[k]), free(e->products[k]), free(e->patch[k]);
}

static double tiles(const convolution *c)
{
    placed p = place(&c->w, c->rows, c->columns, 3, 3);

    return (double)(c->n * ((p.out[0] + 3) / 4) * ((p.out[1] + 3) / 4));
}

/* As wg_conv2d states them: units of 2^-24 of the sums in `patch`. */
static double bound(const convolution *c, int which)
{
    int64_t k = which == Y ? c->in : c->out;

    if (which == DW) return 162 * (84 + tiles(c) / 48);
    return 162 * (double)((k < 256 ? k : 256) + (k + 255) / 256 + 25);
}

/* Mean of the errors, in units of 2^-24 of the sum of |products|, where there are any. */
static double mean_error(const exact *e, int which, const wg_array *got)
{
    double sum = 0;
    int64_t n = 0;

    for (int64_t i = 0; i < e->n[which]; i++)
        if (e->products[which][i] > 0) {
            sum += fabs(item(got, i) - e->value[which][i]) / e->products[which][i];
            n++;
        }
    return n ? sum / (double)n * 0x1p24 : 0;
}

static void check_conv(const convolution *c, uint64_t seed)
{
    static const wg_op *const op[] = { &wg_op_conv2d, &wg_op_conv2d_dx, &wg_op_conv2d_dw };
    placed p = place(&c->w, c->rows, c->columns, 3, 3);
    wg_array x = drawn(WG_F32, WG_SHAPE(c->n, c->rows, c->columns, c->in), seed);
    wg_array w = drawn(WG_F32, WG_SHAPE(3, 3, c->in, c->out), seed + 1);
    wg_array dy = drawn(WG_F32, WG_SHAPE(c->n, p.out[0], p.out[1], c->out), seed + 2);
    wg_array of[3][3] = { { x, w }, { dy, w, x }, { x, dy, w } };
    wg_shape shape[3] = { dy.type.shape, x.type.shape, w.type.shape };
    double *xs = doubles(&x), *ws = doubles(&w), *dys = doubles(&dy);
    exact e = exact_of(c, xs, ws, dys);
    wg__conv v = conv_of(c);

    CHECK(wg__winograd_can(&v));
    for (int k = 0; k < 3; k++) {
        wg_array direct = kernel(op[k], &c->w, k ? 3 : 2, of[k], wg_level(), 1);
        double mean, usual = mean_error(&e, k, &direct), most = bound(c, k) * 0x1p-24;

        for (int level = 0; level <= wg_level(); level++) {
            wg_array one = fast(c, k, &of[k][0], &of[k][1], shape[k], level, 1);
            double far = 0;

            for (int64_t i = 0; i < e.n[k]; i++) {
                double error = fabs(item(&one, i) - e.value[k][i]);

                if (!(error <= most * e.patch[k][i])) far = error;
            }
            CHECK(far == 0);
            mean = mean_error(&e, k, &one);
            /* where it is chosen, some times as far as the direct form */
            if (wg__winograd_pays(&v))
                harness_check(mean <= 5.5 * usual, __FILE__, __LINE__,
                              "result %d: mean error %g units, direct form %g", k, mean, usual);
            for (int threads = 2; threads <= 5; threads++) {
                wg_array y = fast(c, k, &of[k][0], &of[k][1], shape[k], level, threads);

                SAME_BITS(y.data, one.data, wg_type_bytes(&one.type));
                free(y.data);
            }
            free(one.data);
        }
        free(direct.data);
    }
    exact_free(&e);
    free(x.data), free(w.data), free(dy.data);
    free(xs), free(ws), free(dys);
}

static void within_the_bound(void)
{
    static const convolution list[] = {
        { 2, 8, 8, 16, 16, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 2, 7, 9, 16, 32, 3, 3, { .pad_mode = WG_PAD_EXPLICIT } },
        { 1, 3, 3, 4, 5, 3, 3, { .pad_mode = WG_PAD_EXPLICIT } }, /* one place, one tile */
        { 1, 1, 1, 3, 2, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 3, 1, 6, 5, 7, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 2, 5, 4, 17, 19, 3, 3, { PAD(1, 0, 0, 2) } },
        { 2, 6, 5, 3, 4, 3, 3, { .pad_mode = WG_PAD_CAUSAL } },
        { 1, 2, 2, 8, 8, 3, 3, { PAD(5, 4, 3, 6) } }, /* windows of padding alone */
        { 1, 4, 5, 33, 70, 3, 3, { PAD(2, 2, 2, 2) } },
        { 1, 6, 5, 300, 20, 3, 3, { .pad_mode = WG_PAD_SAME } }, /* blocks of channels */
        { 1, 5, 6, 20, 300, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 1, 4, 4, 520, 3, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 1, 4, 4, 3, 520, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 1, 4, 4, 65, 129, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 2, 29, 31, 24, 20, 3, 3, { .pad_mode = WG_PAD_SAME } }, /* many groups */
        { 3, 14, 14, 64, 48, 3, 3, { .pad_mode = WG_PAD_SAME } },
        { 16, 19, 20, 16, 17, 3, 3, { .pad_mode = WG_PAD_SAME } }, /* slabs of several groups */
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) check_conv(&list[i], 1 + 3 * i);
}

static void random_extents(void)
{
    static const int64_t channels[] = { 1, 5, 16, 18, 31, 32, 33, 48, 64, 80 };

    for (uint64_t seed = 1; seed <= 40; seed++) {
        double u[10];
        convolution c;

        wg_random_uniform(seed, 77, 0, 0, 10, WG_F64, u);
        c = (convolution){ 1 + (int64_t)(3 * u[0]),
                           3 + (int64_t)(9 * u[1]),
                           3 + (int64_t)(9 * u[2]),
                           channels[(int)(10 * u[3])],
                           channels[(int)(10 * u[4])],
                           3,
                           3,
                           { PAD((int64_t)(4 * u[5]), (int64_t)(4 * u[6]), (int64_t)(4 * u[7]),
                                 (int64_t)(4 * u[8])) } };
        if (u[9] < 0.3) c.w.pad_mode = WG_PAD_SAME;
        check_conv(&c, 1000 * seed);
    }
}

/* What is left to the direct form, by extents alone. */
static void what_is_left(void)
{
    static const struct {
        convolution c;
        bool can, pays;
    } list[] = {
        { { 1, 8, 8, 64, 64, 3, 3, { PAD(1, 1, 1, 1) } }, true, true },
        { { 9, 8, 8, 64, 64, 3, 3, { PAD(1, 1, 1, 1) } }, true, true },
        { { 1, 6, 6, 16, 16, 3, 3, { PAD(1, 1, 1, 1) } }, true, false },
        { { 1, 6, 6, 32, 32, 3, 3, { PAD(1, 1, 1, 1) } }, true, true },
        { { 1, 7, 7, 16, 16, 3, 3, { PAD(1, 1, 1, 1) } }, true, true },
        { { 1, 5, 5, 64, 64, 3, 3, { PAD(1, 1, 1, 1) } }, true, false },
        { { 9, 5, 5, 512, 512, 3, 3, { PAD(1, 1, 1, 1) } }, true, false },
        { { 99, 4, 4, 512, 512, 3, 3, { PAD(1, 1, 1, 1) } }, true, false },
        { { 1, 3, 3, 512, 512, 3, 3, { PAD(1, 1, 1, 1) } }, true, false },
        { { 1, 7, 7, 64, 64, 3, 3, { PAD(0, 0, 0, 0) } }, true, false },
        { { 1, 8, 8, 64, 64, 3, 3, { PAD(0, 0, 0, 0) } }, true, true },
        { { 1, 1, 99, 64, 64, 3, 3, { PAD(1, 1, 1, 1) } }, true, false },
        { { 1, 8, 8, 8, 64, 3, 3, { PAD(1, 1, 1, 1) } }, true, false },
        { { 1, 8, 8, 64, 8, 3, 3, { PAD(1, 1, 1, 1) } }, true, false },
        { { 1, 8, 8, 64, 64, 3, 3, { .stride = { 2, 1 } } }, false, false },
        { { 1, 8, 8, 64, 64, 3, 3, { .stride = { 1, 2 } } }, false, false },
        { { 1, 8, 8, 64, 64, 3, 3, { .dilation = { 1, 0 } } }, false, false },
        { { 0, 8, 8, 64, 64, 3, 3, { PAD(1, 1, 1, 1) } }, false, false },
        { { 1, 8, 8, 0, 64, 3, 3, { PAD(1, 1, 1, 1) } }, false, false },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        wg__conv v = conv_of(&list[i].c);

        EQ_INT(wg__winograd_can(&v), list[i].can);
        EQ_INT(wg__winograd_pays(&v), list[i].pays);
    }
}

/* ---- the pass ---- */

enum { BATCH = 3, SIDE = 9, IN = 24, OUT = 32 };

/* A convolution of a convolution with the gradients by image and weights; one of constants
 * among it, which folding computes. */
static int record(wg_graph *g, wg_dtype dtype, int64_t in, wg_tensor **out)
{
    wg_window same = { .pad_mode = WG_PAD_SAME };
    wg_tensor *x = wg_input(g, "x", dtype, WG_SHAPE(BATCH, SIDE, SIDE, in));
    wg_tensor *w = wg_input(g, "w", dtype, WG_SHAPE(3, 3, in, OUT)), *y, *d[2];
    wg_tensor *still =
        wg_sin(wg_reshape(wg_arange(g, dtype, 0, 64.0 * IN, 1), WG_SHAPE(1, 8, 8, IN)));
    wg_tensor *taps =
        wg_cos(wg_reshape(wg_arange(g, dtype, 0, 9.0 * IN * 16, 1), WG_SHAPE(3, 3, IN, 16)));

    y = wg_conv2d(wg_tanh(wg_conv2d(x, w, same)), wg_permute(w, WG_AXES(0, 1, 3, 2)), same);
    wg_grad(wg_sum(wg_square(wg_sin(y)), WG_ALL_AXES, false), 2, (wg_tensor *[]){ x, w }, d);
    out[0] = y;
    out[1] = d[0];
    out[2] = d[1];
    out[3] = wg_conv2d(still, taps, same);
    NO_ERROR(wg_graph_error(g));
    return 4;
}

static wg_plan *run_plan(wg_dtype dtype, int64_t in, int n, wg_tensor *const *out,
                         wg_plan_options o)
{
    wg_array x = drawn(dtype, WG_SHAPE(BATCH, SIDE, SIDE, in), 5);
    wg_array w = drawn(dtype, WG_SHAPE(3, 3, in, OUT), 6);
    wg_error error;
    wg_plan *p = wg_plan_of(n, out, NULL, &o, &error);

    if (!p) NO_ERROR(&error);
    for (int i = 0; p && i < 2; i++) {
        EQ_INT(wg_plan_feed(p, "x", x), WG_OK);
        EQ_INT(wg_plan_feed(p, "w", w), WG_OK);
        EQ_INT(wg_plan_run(p), WG_OK);
    }
    free(x.data), free(w.data);
    return p;
}

static bool same(wg_plan *a, wg_plan *b, int i)
{
    const wg_array *x = wg_plan_value_at(a, i), *y = wg_plan_value_at(b, i);

    return x && y && memcmp(x->data, y->data, (size_t)wg_type_bytes(&x->type)) == 0;
}

static void same_bits_with_other_passes(void)
{
    static const wg_plan_options ways[] = {
        { .threads = 1, .passes_off = WG_PASS_ALL & ~WG_PASS_WINOGRAD },
        { .threads = 2 },
        { .threads = 3, .grain = 1, .block = 7, .cache = 1 },
        { .threads = 1, .passes_off = WG_PASS_FOLD },
        { .threads = 2, .passes_off = WG_PASS_PREPARE | WG_PASS_REUSE },
        { .threads = 2, .keep = true },
        { .threads = 2, .check = true },
        { .threads = 1, .timing = true },
    };
    wg_graph *g = wg_graph_new();
    wg_tensor *out[4];
    int n = record(g, WG_F32, IN, out);
    wg_plan *one = run_plan(WG_F32, IN, n, out, (wg_plan_options){ .threads = 1 });

    for (size_t i = 0; one && i < sizeof ways / sizeof ways[0]; i++) {
        wg_plan *p = run_plan(WG_F32, IN, n, out, ways[i]);

        for (int k = 0; p && k < n; k++) CHECK(same(p, one, k));
        wg_plan_free(p);
    }
    CHECK(one && one->now->stats.folded > 0);
    wg_plan_free(one);
    wg_graph_free(g);
}

/* The root of the mean square of how far result k of a plan is from that in double. */
static double far(wg_plan *p, wg_plan *truth, int k)
{
    const wg_array *x = wg_plan_value_at(p, k), *want = wg_plan_value_at(truth, k);
    double sum = 0;

    for (int64_t i = 0; i < count_of(x); i++)
        sum += (item(x, i) - item(want, i)) * (item(x, i) - item(want, i));
    return sqrt(sum / (double)count_of(x));
}

/* With the pass and without: other bits, some times as far from the results in double: of random
 * values 3.2 to 3.3 times, of sines, whose sums cancel (the last result), 6.6 times. */
static void off_is_the_direct_form(void)
{
    wg_plan_options on = { .threads = 1 }, off = { .threads = 1, .passes_off = WG_PASS_WINOGRAD };
    wg_graph *g = wg_graph_new(), *g64 = wg_graph_new();
    wg_tensor *out[4], *out64[4];
    int n = record(g, WG_F32, IN, out);
    wg_plan *a = run_plan(WG_F32, IN, n, out, on), *b = run_plan(WG_F32, IN, n, out, off);
    wg_plan *truth = run_plan(WG_F64, IN, record(g64, WG_F64, IN, out64), out64, on);

    for (int k = 0; a && b && truth && k < n; k++) {
        CHECK(!same(a, b, k));
        CHECK(far(a, truth, k) > 0 && far(a, truth, k) <= (k < 3 ? 4 : 8) * far(b, truth, k));
    }
    wg_plan_free(a);
    wg_plan_free(b);
    wg_plan_free(truth);
    wg_graph_free(g);
    wg_graph_free(g64);
}

/* Few channels, and f64, are the direct form either way. */
static void others_keep_their_bits(void)
{
    for (int i = 0; i < 2; i++) {
        wg_dtype dtype = i ? WG_F64 : WG_F32;
        int64_t in = i ? IN : 8;
        wg_plan_options off = { .threads = 1, .passes_off = WG_PASS_WINOGRAD };
        wg_graph *g = wg_graph_new();
        wg_tensor *out[4];
        wg_plan *a, *b;

        record(g, dtype, in, out);
        a = run_plan(dtype, in, 3, out, (wg_plan_options){ .threads = 1 });
        b = run_plan(dtype, in, 3, out, off);
        for (int k = 0; a && b && k < 3; k++) CHECK(same(a, b, k));
        wg_plan_free(a);
        wg_plan_free(b);
        wg_graph_free(g);
    }
}

TESTS(TEST(within_the_bound), TEST(random_extents), TEST(what_is_left),
      TEST(same_bits_with_other_passes), TEST(off_is_the_direct_form), TEST(others_keep_their_bits))
