/*
 * test_pool.c: pools and windows as rows against plain loops in double, at every level and number of threads.
 */
#include "windows.h"

/* Element of the image under each tap of a window of one channel, in row-major order; -1 in the padding. */
static int64_t taps_of(const convolution *c, const placed *p, int64_t window, int64_t *at)
{
    int64_t q = window % p->out[1], o = window / p->out[1] % p->out[0],
            i = window / p->out[1] / p->out[0];

    for (int64_t r = 0; r < c->kr; r++)
        for (int64_t t = 0; t < c->kc; t++) at[r * c->kc + t] = under(c, p, i, o, q, r, t);
    return c->kr * c->kc;
}

/* x is full of equal elements, so that ties are the rule; some are NaN. */
static wg_array few_values(wg_dtype dtype, wg_shape shape)
{
    wg_array a = drawn(dtype, shape, 1);

    for (int64_t i = 0; i < count_of(&a); i++) {
        double v = floor(item(&a, i) * 3);

        if (i % 29 == 28) v = NAN;
        if (dtype == WG_F32) ((float *)a.data)[i] = (float)v;
        else ((double *)a.data)[i] = v;
    }
    return a;
}

static void check_pool(const convolution *c, wg_dtype dtype)
{
    enum { MEAN, SPREAD, LARGEST, PUT, READ, ROWS, FOLD, N };
    const wg_op *op[N] = { &wg_op_avg_pool2d,   &wg_op_avg_spread, &wg_op_max_pool2d,
                           &wg_op_pool_scatter, &wg_op_pool_pick,  &wg_op_im2col,
                           &wg_op_col2im_like };
    placed p = place(&c->w, c->rows, c->columns, c->kr, c->kc);
    wg_shape image = WG_SHAPE(c->n, c->rows, c->columns, c->in);
    wg_array x = drawn(dtype, image, 1), tied = few_values(dtype, image),
             u = drawn(dtype, image, 2);
    wg_array dy = drawn(dtype, WG_SHAPE(c->n, p.out[0], p.out[1], c->in), 3);
    wg_array rows = drawn(dtype, WG_SHAPE(c->n, p.out[0], p.out[1], c->kr, c->kc, c->in), 4);
    wg_array in[N][2] = {
        { x }, { dy, x }, { tied }, { dy, tied }, { u, tied }, { x }, { rows, x }
    };
    const wg_array *like[N] = { &dy, &x, &dy, &x, &dy, &rows, &x };
    double *want[N];
    int64_t *at = malloc((size_t)(c->kr * c->kc) * sizeof *at), ch = c->in;

    for (int i = 0; i < N; i++) want[i] = calloc((size_t)count_of(like[i]) + 1, sizeof(double));
    for (int64_t y = 0; y < count_of(&dy); y++) {
        int64_t taps = taps_of(c, &p, y / (ch ? ch : 1), at), k = y % ch, first = 0;
        double sum = 0, top = 0;

        for (int64_t t = 0; t < taps; t++) {
            double v = at[t] < 0 ? 0 : item(&tied, at[t] + k);
            int64_t row = (y / ch * taps + t) * ch + k;

            if (t == 0 || v > top || (isnan(v) && !isnan(top))) top = v, first = t;
            if (at[t] < 0) continue;
            sum += item(&x, at[t] + k);
            want[SPREAD][at[t] + k] += item(&dy, y) / (double)taps;
            want[ROWS][row] = item(&x, at[t] + k);
            want[FOLD][at[t] + k] += item(&rows, row);
        }
        want[MEAN][y] = sum / (double)taps;
        want[LARGEST][y] = top;
        if (at[first] < 0) continue;
        want[PUT][at[first] + k] += item(&dy, y);
        want[READ][y] = item(&u, at[first] + k);
    }
    for (int level = 0; level <= wg_level(); level++)
        for (int i = 0; i < N; i++) {
            int n_in = i == MEAN || i == LARGEST || i == ROWS ? 1 : 2;
            double atol =
                i == LARGEST || i == READ || i == ROWS ? 0 : slack(dtype, (double)(c->kr * c->kc));
            wg_array got = kernel(op[i], &c->w, n_in, in[i], level, 1 + level);

            CHECK(wg_type_equal(&got.type, &like[i]->type));
            CHECK(CLOSE_ARRAY(&got, want[i], count_of(like[i]), 0, atol));
            free(got.data);
        }
    for (int i = 0; i < N; i++) free(want[i]);
    free(x.data), free(tied.data), free(u.data), free(dy.data), free(rows.data), free(at);
}

#define POOL(n, rows, columns, ch, kr, kc, ...)                                                    \
    {                                                                                              \
        n, rows, columns, ch, 0, kr, kc,                                                           \
        {                                                                                          \
            .kernel = { kr, kc }, __VA_ARGS__                                                      \
        }                                                                                          \
    }

static void pools(void)
{
    static const convolution list[] = {
        POOL(2, 6, 8, 5, 2, 2, .stride = { 2, 2 }),
        POOL(2, 7, 9, 5, 2, 2, .stride = { 2, 2 }), /* windows that are not whole */
        POOL(2, 7, 9, 19, 2, 2, .stride = { 2, 2 }, PAD(0, 1, 0, 1)), /* that stick out at the end */
        POOL(2, 7, 7, 3, 3, 3, .stride = { 2, 1 }), /* overlapping */
        POOL(1, 7, 7, 33, 3, 2, PAD(1, 2, 0, 1)),
        POOL(1, 6, 7, 17, 3, 3, .stride = { 2, 2 }, .pad_mode = WG_PAD_SAME),
        POOL(1, 9, 9, 8, 2, 3, .dilation = { 1, 2 }, PAD(1, 0, 2, 2)),
        POOL(3, 5, 5, 1, 5, 5, .stride = { 1, 1 }),
        POOL(1, 3, 3, 2, 2, 2, PAD(4, 4, 4, 4)), /* windows of padding alone */
        POOL(2, 10, 12, 5, 9, 8, .stride = { 1, 2 }), /* too many taps for a list of them */
        POOL(1, 9, 2, 4, 1, 1, .stride = { 3, 1 }),
        POOL(1, 8, 8, 40, 2, 2, .stride = { 4, 3 }),
        POOL(0, 6, 6, 3, 2, 2, .stride = { 2, 2 }),
        POOL(2, 6, 6, 0, 2, 2, .stride = { 2, 2 }),
        POOL(2, 0, 3, 2, 2, 2, PAD(1, 2, 0, 0)),
        POOL(40, 12, 12, 20, 2, 2, .stride = { 2, 2 }),
        POOL(40, 13, 13, 20, 2, 2, .stride = { 2, 2 }), /* enough for threads */
    };

    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        check_pool(&list[i], WG_F32);
        check_pool(&list[i], WG_F64);
    }
}

TESTS(TEST(pools))
