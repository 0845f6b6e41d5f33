/* test_matmul.c: products against plain sums in double, at every level and number of threads. */
#include "kernel_run.h"

typedef struct {
    bool ta, tb;
} flags;

/* ---- against plain sums ---- */

typedef struct {
    int64_t a, b; /* batch; 0: a matrix, -1: no such axis but an empty batch */
    int64_t m, n, k;
} size;

static wg_shape matrix(int64_t batch, int64_t rows, int64_t columns)
{
    if (batch == 0) return WG_SHAPE(rows, columns);
    return WG_SHAPE(batch < 0 ? 0 : batch, rows, columns);
}

static double *plain(const size *s, flags f, const wg_array *a, const wg_array *b, int64_t batch)
{
    double *y = calloc((size_t)(batch * s->m * s->n) + 1, sizeof *y);

    for (int64_t q = 0; q < batch; q++)
        for (int64_t i = 0; i < s->m; i++)
            for (int64_t j = 0; j < s->n; j++)
                for (int64_t p = 0; p < s->k; p++) {
                    int64_t left =
                        (s->a > 1 ? q * s->m * s->k : 0) + (f.ta ? p * s->m + i : i * s->k + p);
                    int64_t right =
                        (s->b > 1 ? q * s->n * s->k : 0) + (f.tb ? j * s->k + p : p * s->n + j);

                    y[(q * s->m + i) * s->n + j] += item(a, left) * item(b, right);
                }
    return y;
}

static void check_size(const size *s, flags f, wg_dtype dtype)
{
    wg_array in[2] = { drawn(dtype, matrix(s->a, f.ta ? s->k : s->m, f.ta ? s->m : s->k), 1),
                       drawn(dtype, matrix(s->b, f.tb ? s->n : s->k, f.tb ? s->k : s->n), 2) };
    int64_t batch = s->a < 0 || s->b < 0 ? 0 : s->a > 1 ? s->a : s->b > 1 ? s->b : 1;
    double *want = plain(s, f, &in[0], &in[1], batch);

    for (int level = 0; level <= wg_level(); level++) {
        wg_array y = kernel(&wg_op_matmul, &f, 2, in, level, 1 + level);

        CHECK(CLOSE_ARRAY(&y, want, batch * s->m * s->n, 0, slack(dtype, (double)s->k)));
        free(y.data);
    }
    free(want);
    free(in[0].data);
    free(in[1].data);
}

static void check_flags(const size *s)
{
    for (int f = 0; f < 4; f++) {
        check_size(s, (flags){ f & 1, f >> 1 }, WG_F32);
        check_size(s, (flags){ f & 1, f >> 1 }, WG_F64);
    }
}

static void sizes(void)
{
    static const size list[] = {
        { 0, 0, 1, 1, 1 },     { 0, 0, 1, 16, 16 },   { 0, 0, 16, 16, 16 },  { 0, 0, 1, 33, 70 },
        { 0, 0, 2, 65, 7 },    { 0, 0, 3, 130, 40 },  { 0, 0, 4, 31, 257 },  { 0, 0, 5, 17, 513 },
        { 0, 0, 7, 1, 300 },   { 0, 0, 300, 1, 7 },   { 0, 0, 13, 10, 512 }, { 0, 0, 41, 95, 260 },
        { 0, 0, 200, 40, 30 }, { 0, 0, 25, 530, 33 }, { 0, 0, 64, 64, 600 }, { 0, 0, 193, 513, 5 },
        { 3, 3, 5, 6, 7 },     { 3, 0, 5, 6, 7 },     { 0, 3, 5, 6, 7 },     { 1, 4, 9, 3, 20 },
        { 4, 1, 50, 20, 60 },  { 17, 0, 1, 24, 24 },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) check_flags(&list[i]);
}

/* Every number of rows and of columns around the tiles and panels, so that each tile and each tail is met. */
static void every_tail(void)
{
    for (int64_t m = 1; m <= 30; m++)
        check_size(&(size){ 0, 0, m, 37, 9 }, (flags){ m & 1, m & 2 }, WG_F32);
    for (int64_t n = 1; n <= 70; n++)
        check_size(&(size){ 0, 0, 6, n, 9 }, (flags){ n & 2, n & 1 }, WG_F64);
    for (int64_t k = 1; k <= 40; k++)
        check_size(&(size){ 0, 0, 3, 9, k }, (flags){ false, true }, WG_F32);
    for (int64_t k = 254; k <= 260; k++)
        check_size(&(size){ 0, 0, 50, 70, k }, (flags){ false, true }, WG_F32);
}

static void empty(void)
{
    static const size list[] = {
        { 0, 0, 0, 5, 3 }, { 0, 0, 5, 0, 3 },  { 0, 0, 5, 4, 0 },
        { 0, 0, 1, 1, 0 }, { 0, 0, 0, 0, 0 },  { 2, 2, 3, 4, 0 },
        { 2, 0, 3, 4, 0 }, { -1, 0, 3, 4, 5 }, { -1, 1, 3, 4, 5 },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) check_flags(&list[i]);
}

static void leading_axes_broadcast(void)
{
    wg_array a = drawn(WG_F64, WG_SHAPE(2, 1, 4, 3), 1), b = drawn(WG_F64, WG_SHAPE(5, 3, 2), 2), y;
    double want[2 * 5 * 4 * 2] = { 0 };

    for (int p = 0; p < 2; p++)
        for (int q = 0; q < 5; q++)
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 2; j++)
                    for (int k = 0; k < 3; k++)
                        want[((p * 5 + q) * 4 + i) * 2 + j] +=
                            item(&a, (p * 4 + i) * 3 + k) * item(&b, (q * 3 + k) * 2 + j);
    for (int level = 0; level <= wg_level(); level++) {
        y = kernel(&wg_op_matmul, &(flags){ false, false }, 2, (wg_array[]){ a, b }, level, 2);
        CHECK(has_shape(&y.type, WG_SHAPE(2, 5, 4, 2)));
        CLOSE_ARRAY(&y, want, 80, 0, 1e-14);
        free(y.data);
    }
    free(a.data);
    free(b.data);
}

/* ---- bits ---- */

static void check_threads(const size *s, flags f, wg_dtype dtype)
{
    wg_array in[2] = { drawn(dtype, matrix(s->a, f.ta ? s->k : s->m, f.ta ? s->m : s->k), 1),
                       drawn(dtype, matrix(s->b, f.tb ? s->n : s->k, f.tb ? s->k : s->n), 2) };

    for (int level = 0; level <= wg_level(); level++) {
        wg_array one = kernel(&wg_op_matmul, &f, 2, in, level, 1);

        for (int threads = 2; threads <= 5; threads++) {
            wg_array y = kernel(&wg_op_matmul, &f, 2, in, level, threads);

            SAME_BITS(y.data, one.data, wg_type_bytes(&one.type));
            free(y.data);
        }
        free(one.data);
    }
    free(in[0].data);
    free(in[1].data);
}

/* Large enough for threads to be used at all. */
static void any_threads_same_bits(void)
{
    static const size list[] = {
        { 0, 0, 128, 512, 300 }, { 0, 0, 40, 1000, 70 },    { 0, 0, 3000, 10, 64 },
        { 0, 0, 1, 1500, 900 },  { 0, 0, 1500, 1, 900 },    { 0, 0, 129, 513, 257 },
        { 9, 9, 70, 50, 60 },    { 64, 0, 20, 32, 32 },     { 0, 0, 300, 600, 150 },
        { 0, 0, 600, 257, 90 },  { 3001, 3001, 1, 1, 402 },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        for (int f = 0; f < 4; f++)
            check_threads(&list[i], (flags){ f & 1, f >> 1 }, i % 2 ? WG_F64 : WG_F32);
}

/* Products that are left to OpenBLAS, in tiles that do not divide them: the plain kernels' values
 * and any threads' bits. Numbers small enough to be added exactly in any order. */
static void large_products(void)
{
    enum { M = 1037, N = 1043, K = 1009 };
    wg_array in[2] = { drawn(WG_F32, WG_SHAPE(M * K), 1), drawn(WG_F32, WG_SHAPE(N * K), 2) };

    for (int i = 0; i < 2; i++)
        for (int64_t j = 0; j < (i ? N : M) * K; j++)
            ((float *)in[i].data)[j] = rintf(((float *)in[i].data)[j] * 4);
    for (int f = 0; f < 4; f++) {
        flags t = { f & 1, f >> 1 };
        wg_array want;

        in[0].type.shape = t.ta ? WG_SHAPE(K, M) : WG_SHAPE(M, K);
        in[1].type.shape = t.tb ? WG_SHAPE(N, K) : WG_SHAPE(K, N);
        want = kernel(&wg_op_matmul, &t, 2, in, 0, 2);
        for (int threads = 1; threads <= 3; threads++) {
            wg_array y = kernel(&wg_op_matmul, &t, 2, in, wg_level(), threads);

            SAME_BITS(y.data, want.data, wg_type_bytes(&want.type));
            free(y.data);
        }
        free(want.data);
    }
    free(in[0].data);
    free(in[1].data);
}

/* A row of a product does not depend on the other rows: the bits of an example are those it has alone. */
static void any_batch_same_bits(void)
{
    static const int64_t columns[] = { 1, 2, 77 };

    for (int c = 0; c < 3; c++) {
        int64_t n = columns[c];
        wg_array x = drawn(WG_F32, WG_SHAPE(200, 300), 1), w = drawn(WG_F32, WG_SHAPE(300, n), 2);

        for (int level = 0; level <= wg_level(); level++) {
            wg_array all =
                kernel(&wg_op_matmul, &(flags){ false, false }, 2, (wg_array[]){ x, w }, level, 1);

            for (int64_t rows = 1; rows < 60; rows += 7) {
                wg_array part = { { WG_F32, WG_SHAPE(rows, 300) }, (float *)x.data + 100 * 300 }, y;

                y = kernel(&wg_op_matmul, &(flags){ false, false }, 2, (wg_array[]){ part, w },
                           level, 1);
                SAME_BITS(y.data, (float *)all.data + 100 * n, rows * n * 4);
                free(y.data);
            }
            free(all.data);
        }
        free(x.data);
        free(w.data);
    }
}

/* Nor does a product of a batch depend on the others, whether an operand has one for each of them or
 * one for all. */
static void any_place_in_a_batch_same_bits(void)
{
    static const size list[] = {
        { 7, 7, 1, 1, 1 },  { 1, 7, 1, 1, 16 },   { 7, 1, 1, 1, 300 }, { 9, 9, 1, 1, 37 },
        { 5, 5, 1, 40, 1 }, { 5, 5, 3, 1, 20 },    { 6, 6, 12, 40, 7 },
        { 1, 6, 2, 33, 9 }, { 4, 4, 5, 20, 260 },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        for (int way = 0; way < 8; way++) {
            const size *s = &list[i];
            flags f = { way & 1, way >> 1 & 1 };
            wg_dtype dtype = way & 4 ? WG_F64 : WG_F32;
            int64_t bytes = way & 4 ? 8 : 4, n = s->a > s->b ? s->a : s->b,
                    out = s->m * s->n * bytes;
            wg_array in[2] = {
                drawn(dtype, matrix(s->a, f.ta ? s->k : s->m, f.ta ? s->m : s->k), 1),
                drawn(dtype, matrix(s->b, f.tb ? s->n : s->k, f.tb ? s->k : s->n), 2)
            };

            for (int level = 0; level <= wg_level(); level++) {
                wg_array all = kernel(&wg_op_matmul, &f, 2, in, level, 1);

                for (int64_t q = 0; q < n; q++) {
                    wg_array one[2] = { in[0], in[1] }, y;

                    for (int k = 0; k < 2; k++) {
                        int64_t step = (k ? s->k * s->n : s->m * s->k) * bytes;

                        if (one[k].type.shape.dim[0] > 1)
                            one[k].data = (char *)in[k].data + q * step;
                        one[k].type.shape.dim[0] = 1;
                    }
                    y = kernel(&wg_op_matmul, &f, 2, one, level, 1);
                    SAME_BITS(y.data, (char *)all.data + q * out, out);
                    free(y.data);
                }
                free(all.data);
            }
            free(in[0].data);
            free(in[1].data);
        }
}

/* Not-a-number and infinity get where they belong and nowhere else, padding of panels notwithstanding. */
static void not_finite(void)
{
    wg_array a = drawn(WG_F32, WG_SHAPE(7, 5), 1), b = drawn(WG_F32, WG_SHAPE(5, 19), 2);

    ((float *)a.data)[3 * 5 + 2] = NAN;
    ((float *)b.data)[4 * 19 + 17] = INFINITY;
    for (int level = 0; level <= wg_level(); level++) {
        wg_array y =
            kernel(&wg_op_matmul, &(flags){ false, false }, 2, (wg_array[]){ a, b }, level, 1);

        for (int i = 0; i < 7; i++)
            for (int j = 0; j < 19; j++) {
                double v = item(&y, i * 19 + j);

                CHECK(i == 3 ? isnan(v) : j == 17 ? isinf(v) : isfinite(v));
            }
        free(y.data);
    }
    free(a.data);
    free(b.data);
}

/* ---- as recorded ---- */

static void refusals(void)
{
    struct {
        wg_shape a, b;
        bool ta, tb;
        wg_status code;
        const char *text;
    } list[] = {
        { WG_SHAPE(32, 784), WG_SHAPE(783, 128), false, false, WG_ESHAPE,
          "matmul: inner extents differ: f32[32 x 784] . f32[783 x 128]" },
        { WG_SHAPE(32, 784), WG_SHAPE(128, 784), false, false, WG_ESHAPE,
          "matmul: inner extents differ: f32[32 x 784] . f32[128 x 784]; they agree with tb "
          "(wg_matmul_t)" },
        { WG_SHAPE(784, 32), WG_SHAPE(784, 128), false, false, WG_ESHAPE,
          "matmul: inner extents differ: f32[784 x 32] . f32[784 x 128]; they agree with ta "
          "(wg_matmul_t)" },
        { WG_SHAPE(32, 784), WG_SHAPE(784, 128), false, true, WG_ESHAPE,
          "matmul: inner extents differ: f32[32 x 784] . f32[784 x 128] transposed; they agree "
          "without tb" },
        { WG_SHAPE(2, 3, 4), WG_SHAPE(5, 4, 6), false, false, WG_ESHAPE,
          "matmul: leading extents do not broadcast: f32[2 x 3 x 4] . f32[5 x 4 x 6]" },
        { WG_SHAPE(784), WG_SHAPE(784, 128), false, false, WG_ESHAPE,
          "matmul: operand 0 is f32[784]: wanted a matrix (wg_unsqueeze adds an axis)" },
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *a = wg_input(g, "a", WG_F32, list[i].a),
                  *b = wg_input(g, "b", WG_F32, list[i].b);
        const char *site;

        wg_matmul_t(a, b, list[i].ta, list[i].tb), site = HERE;
        ERROR_IS(wg_graph_error(g), list[i].code, list[i].text, site);
        wg_graph_free(g);
    }
}

static void other_types_refused(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a = wg_input(g, "a", WG_I64, WG_SHAPE(2, 2));

    wg_matmul(a, a);
    CHECK(wg_graph_error(g) && wg_graph_error(g)->code == WG_EDTYPE);
    wg_graph_free(g);
    g = wg_graph_new();
    wg_matmul(wg_input(g, "a", WG_F32, WG_SHAPE(2, 2)), wg_input(g, "b", WG_F64, WG_SHAPE(2, 2)));
    CHECK(wg_graph_error(g) && wg_graph_error(g)->code == WG_EDTYPE);
    wg_graph_free(g);
}

/* The gradient of one matrix under a batch is one product: what a plan computes is counted. */
static void weight_gradient_is_one_product(void)
{
    for (int f = 0; f < 4; f++) {
        bool ta = f & 1, tb = f >> 1;
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F32, ta ? WG_SHAPE(2, 3, 6, 4) : WG_SHAPE(2, 3, 4, 6));
        wg_tensor *w = wg_input(g, "w", WG_F32, tb ? WG_SHAPE(5, 6) : WG_SHAPE(6, 5)), *dw, *in[2];
        int rank[2];

        dw = wg_grad1(wg_sum(wg_matmul_t(x, w, ta, tb), WG_ALL_AXES, false), w);
        NO_ERROR(wg_graph_error(g));
        while (strcmp(wg_tensor_op(dw), "matmul") != 0) dw = wg_tensor_in(dw, 0);
        for (int i = 0; i < 2; i++) {
            in[i] = wg_tensor_in(dw, i);
            rank[i] = wg_rank(in[i]);
        }
        EQ_INT(rank[0], 2);
        EQ_INT(rank[1], 2);
        wg_graph_free(g);
    }
}

TESTS(TEST(sizes), TEST(every_tail), TEST(empty), TEST(leading_axes_broadcast),
      TEST(any_threads_same_bits), TEST(large_products), TEST(any_batch_same_bits),
      TEST(any_place_in_a_batch_same_bits), TEST(not_finite), TEST(refusals),
      TEST(other_types_refused), TEST(weight_gradient_is_one_product))
