/*
 * test_join.c: concat and the pieces of it, sums of parts in one pass, and the adjoint identity
 * <A x, dy> = <x, A^T dy> for every linear op that moves elements, through the rules of two orders.
 */
#include "op_run.h"

#include "ops/op.h"

static int64_t pick(uint64_t *seed, int64_t lo, int64_t hi)
{
    *seed = mixed(*seed + 0x9e3779b97f4a7c15u);
    return lo + (int64_t)(*seed % (uint64_t)(hi - lo + 1));
}

/* ---- concat, stack ---- */

enum { MANY = 12 };

/* n pieces whose extents along the axis are size[k], in shape otherwise. */
static void check_concat(wg_dtype dtype, int n, const int64_t *size, wg_shape shape, int axis,
                         int threads)
{
    wg_graph *g = wg_graph_new();
    int a = axis < 0 ? axis + shape.rank : axis;
    int64_t outer = 1, inner = 1, bytes = (int64_t)wg_dtype_size(dtype), total = 0;
    wg_tensor *x[MANY];
    wg_feed feed[MANY];
    char name[MANY][8];
    wg_array got;

    for (int i = 0; i < shape.rank; i++)
        *(i < a ? &outer : i > a ? &inner : &(int64_t){ 0 }) *= shape.dim[i];
    for (int k = 0; k < n; k++) {
        snprintf(name[k], sizeof name[k], "x%d", k);
        shape.dim[a] = 1;
        x[k] = wg_input(g, name[k], dtype, shape);
        shape.dim[a] = size[k];
        feed[k] = (wg_feed){ name[k], dtype == WG_BOOL ? numbered(dtype, shape)
                                                       : noisy(dtype, shape, (uint64_t)k) };
        total += size[k];
    }
    got = run(wg_concat(n, x, axis), threads, n, feed);
    NO_ERROR(&run_error);
    shape.dim[a] = total;
    if (CHECK(got.data && wg_shape_equal(&got.type.shape, &shape))) {
        bool same = true;
        const char *at = got.data;

        for (int64_t o = 0; o < outer; o++)
            for (int k = 0; k < n; k++) {
                int64_t width = size[k] * inner * bytes;

                same =
                    same && memcmp(at, (char *)feed[k].value.data + o * width, (size_t)width) == 0;
                at += width;
            }
        CHECK(same);
    }
    free(got.data);
    for (int k = 0; k < n; k++) free(feed[k].value.data);
    wg_graph_free(g);
}

static void concat_joins(void)
{
    for (int dtype = 0; dtype < WG_N_DTYPES; dtype++)
        for (int threads = 1; threads < 4; threads++) {
            wg_dtype d = (wg_dtype)dtype;

            check_concat(d, 3, (int64_t[]){ 2, 0, 3 }, WG_SHAPE(4, 0, 5), 1, threads);
            check_concat(d, 3, (int64_t[]){ 1, 1, 1 }, WG_SHAPE(70, 0), -1, threads);
            check_concat(d, 2, (int64_t[]){ 1, 2 }, WG_SHAPE(0), 0, threads);
            check_concat(d, 1, (int64_t[]){ 4 }, WG_SHAPE(0, 2), 0, threads);
            check_concat(d, 2, (int64_t[]){ 3, 4 }, WG_SHAPE(0, 0, 5), 1, threads);
            check_concat(d, 2, (int64_t[]){ 0, 0 }, WG_SHAPE(3, 0, 5), 1, threads);
            check_concat(d, 3, (int64_t[]){ 50000, 1, 170001 }, WG_SHAPE(0), 0, threads);
            check_concat(d, 4, (int64_t[]){ 1000, 3, 0, 517 }, WG_SHAPE(301, 0), 1, threads);
            check_concat(d, 12, (int64_t[]){ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
                         WG_SHAPE(2, 1, 3, 1, 0, 2, 1, 2), 4, threads);
        }
}

static void stack_adds_an_axis(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a = wg_constant(g, WG_I64_ARRAY(((int64_t[]){ 1, 2, 3 }), 3));
    wg_tensor *b = wg_constant(g, WG_I64_ARRAY(((int64_t[]){ 4, 5, 6 }), 3));
    wg_array rows = run(wg_stack(2, (wg_tensor *[]){ a, b }, 0), 1, 0, NULL);
    wg_array columns = run(wg_stack(2, (wg_tensor *[]){ a, b }, -1), 1, 0, NULL);
    wg_array one = run(wg_stack(1, (wg_tensor *[]){ wg_scalar(g, WG_I64, 7) }, 0), 1, 0, NULL);

    NO_ERROR(wg_graph_error(g));
    EQ_STR(WG_TYPE_STR(&rows.type), "i64[2 x 3]");
    CLOSE_ARRAY(&rows, ((int64_t[]){ 1, 2, 3, 4, 5, 6 }), 6, 0, 0);
    EQ_STR(WG_TYPE_STR(&columns.type), "i64[3 x 2]");
    CLOSE_ARRAY(&columns, ((int64_t[]){ 1, 4, 2, 5, 3, 6 }), 6, 0, 0);
    EQ_STR(WG_TYPE_STR(&one.type), "i64[1]");
    CLOSE_ARRAY(&one, ((int64_t[]){ 7 }), 1, 0, 0);
    free(rows.data);
    free(columns.data);
    free(one.data);
    wg_graph_free(g);
}

/* ---- part_like, place_like ---- */

static void pieces_at_an_offset(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, 3)),
              *like = wg_input(g, "like", WG_F32, WG_SHAPE(1, 2));
    wg_tensor *at = wg_input(g, "at", WG_I64, WG_SHAPE_SCALAR);
    float whole[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, part[6] = { 1, 2, 3, 4, 5, 6 };
    int64_t offset = 2;
    wg_feed feed[] = { { "x", WG_F32_ARRAY(whole, 3, 4) },
                       { "like", WG_F32_ARRAY(part, 3, 2) },
                       { "at", wg_array_of(WG_I64, WG_SHAPE_SCALAR, &offset) } };
    wg_array got = run(wg_part_like(x, like, at, 1), 1, 3, feed);

    CLOSE_ARRAY(&got, ((float[]){ 3, 4, 7, 8, 11, 12 }), 6, 0, 0);
    free(got.data);
    got = run(wg_place_like(like, x, at, -1), 1, 3, feed);
    CLOSE_ARRAY(&got, ((float[]){ 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 5, 6 }), 12, 0, 0);
    free(got.data);
    offset = 3;
    CHECK(!run(wg_part_like(x, like, at, 1), 1, 3, feed).data);
    ERROR_IS(&run_error, WG_EINDEX,
             "part_like: f32[3 x 2] at 3 reaches beyond axis 1 of f32[3 x 4]", NULL);
    offset = -1;
    CHECK(!run(wg_place_like(like, x, at, 1), 1, 3, feed).data);
    ERROR_IS(&run_error, WG_EINDEX,
             "place_like: f32[3 x 2] at -1 reaches beyond axis 1 of f32[3 x 4]", NULL);
    CHECK(!run(wg_assemble_at(x, 1, &like, &at, 1), 1, 3, feed).data);
    ERROR_IS(&run_error, WG_EINDEX,
             "assemble_at: part 0, f32[3 x 2], at -1 reaches beyond axis 1 of f32[3 x 4]", NULL);
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

/* ---- sums of parts ---- */

/* Elements among which +0, -0 and sums that round are frequent. */
static wg_array signs(wg_dtype dtype, wg_shape shape, uint64_t seed)
{
    wg_array a = noisy(dtype, shape, seed);

    for (int64_t i = 0; i < wg_shape_count(&shape); i++) {
        uint64_t which = mixed(seed * 1000 + (uint64_t)i) % 3;

        if (dtype == WG_F32 && which) ((float *)a.data)[i] = which == 1 ? -0.0f : 0;
        if (dtype == WG_F64 && which) ((double *)a.data)[i] = which == 1 ? -0.0 : 0;
    }
    return a;
}

/* Both ways from the same parts: one by one and in one pass; the bits must agree. */
static void check_assembled(wg_graph *g, int n, wg_tensor *const *part, int n_feeds,
                            const wg_feed *feeds)
{
    wg_tensor *sum = part[0], *whole = wg__assemble(n, part);
    wg_array want, got;

    REQUIRE(whole != NULL);
    for (int k = 1; k < n; k++) sum = wg_add(sum, part[k]);
    want = run(sum, 1, n_feeds, feeds);
    NO_ERROR(wg_graph_error(g));
    NO_ERROR(&run_error);
    for (int threads = 1; threads < 4; threads++) {
        got = run(whole, threads, n_feeds, feeds);
        NO_ERROR(&run_error);
        CHECK(wg_type_equal(&got.type, &want.type));
        SAME_BITS(got.data, want.data, wg_type_bytes(&want.type));
        free(got.data);
    }
    free(want.data);
}

static void slices_assemble(void)
{
    uint64_t seed = 3;

    for (int round = 0; round < 300; round++) {
        static const wg_dtype dtypes[] = { WG_F32, WG_F64, WG_I64 };
        wg_graph *g = wg_graph_new();
        wg_dtype dtype = dtypes[round % 3];
        wg_shape shape =
            WG_SHAPE(pick(&seed, round % 7 ? 1 : 0, 5), pick(&seed, 1, 4), pick(&seed, 1, 3));
        int n = (int)pick(&seed, 1, 5), wide = (int)pick(&seed, 0, 2);
        wg_tensor *like, *part[5], *x;
        wg_feed feed[6];
        char name[5][8];

        if (round % 5 == 0) shape = WG_SHAPE_SCALAR;
        like = wg_input(g, "like", dtype, shape);
        feed[5] = (wg_feed){ "like", signs(dtype, shape, 99) };
        for (int k = 0; k < n; k++) {
            int64_t start[3], stop[3], step[3];
            wg_tensor *slice;

            for (int i = 0; i < 3; i++) {
                start[i] = wide ? pick(&seed, 0, 1) : pick(&seed, -5, 4);
                stop[i] = pick(&seed, 0, 2) ? WG_SLICE_END : pick(&seed, -2, 5);
                step[i] = pick(&seed, 1, wide ? 2 : 3);
            }
            slice = wg_slice(like, (int)pick(&seed, 0, shape.rank), start, stop, step);
            snprintf(name[k], sizeof name[k], "x%d", k);
            x = wg_input(g, name[k], dtype, slice->type->shape);
            feed[k] =
                (wg_feed){ name[k], signs(dtype, slice->type->shape, (uint64_t)(round * 8 + k)) };
            part[k] = rule(slice, x, 0);
        }
        feed[n] = feed[5];
        check_assembled(g, n, part, n + 1, feed);
        for (int k = 0; k <= n; k++) free(feed[k].value.data);
        wg_graph_free(g);
    }
}

static void placed_pieces_assemble(void)
{
    uint64_t seed = 8;

    for (int round = 0; round < 100; round++) {
        wg_graph *g = wg_graph_new();
        wg_shape shape = WG_SHAPE(pick(&seed, 1, 4), pick(&seed, 1, 6)), piece = shape;
        int axis = round % 2, n = (int)pick(&seed, 1, 5);
        wg_tensor *like = wg_input(g, "like", WG_F32, shape), *part[5];
        wg_feed feed[6];
        char name[5][8];

        feed[n] = (wg_feed){ "like", signs(WG_F32, shape, 99) };
        for (int k = 0; k < n; k++) {
            wg_tensor *at;

            piece.dim[axis] = pick(&seed, 0, shape.dim[axis]);
            at = wg_scalar(g, WG_I64, (double)pick(&seed, 0, shape.dim[axis] - piece.dim[axis]));
            snprintf(name[k], sizeof name[k], "x%d", k);
            part[k] = wg_place_like(wg_input(g, name[k], WG_F32, piece), like, at,
                                    k % 2 ? axis : axis - 2);
            feed[k] = (wg_feed){ name[k], signs(WG_F32, piece, (uint64_t)(round * 8 + k)) };
        }
        check_assembled(g, n, part, n + 1, feed);
        for (int k = 0; k <= n; k++) free(feed[k].value.data);
        wg_graph_free(g);
    }
}

/* Large enough for several threads; the parts of a sequence, overlapping and with steps. */
static void large_sums_of_parts(void)
{
    wg_graph *g = wg_graph_new();
    wg_shape shape = WG_SHAPE(64, 50, 40);
    wg_tensor *like = wg_input(g, "like", WG_F32, shape), *part[4];
    wg_feed feed[5] = { { "like", signs(WG_F32, shape, 1) } };
    static const int64_t from[4][3] = { { 0, 0, 0 }, { 1, 5, 0 }, { 3, 0, 39 }, { 0, 0, 0 } };
    static const int64_t by[4][3] = { { 1, 1, 1 }, { 3, 1, 1 }, { 1, 2, 1 }, { 2, 2, 2 } };
    static const int64_t end[3] = { WG_SLICE_END, WG_SLICE_END, WG_SLICE_END };
    char name[4][8];

    for (int k = 0; k < 4; k++) {
        wg_tensor *slice = wg_slice(like, 3, from[k], end, by[k]);

        snprintf(name[k], sizeof name[k], "x%d", k);
        feed[k + 1] = (wg_feed){ name[k], signs(WG_F32, slice->type->shape, (uint64_t)k + 7) };
        part[k] = rule(slice, wg_input(g, name[k], WG_F32, slice->type->shape), 0);
    }
    check_assembled(g, 4, part, 5, feed);
    for (int k = 0; k < 5; k++) free(feed[k].value.data);
    wg_graph_free(g);
}

static void what_does_not_belong_together(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(4, 4)),
              *z = wg_input(g, "z", WG_F32, WG_SHAPE(4, 4));
    wg_tensor *zero = wg_scalar(g, WG_I64, 0), *row = wg_slice_axis(x, 0, 0, 1, 1);
    wg_tensor *square = wg_input(g, "s", WG_F32, WG_SHAPE(4, 4));
    wg_tensor *pad = rule(row, row, 0), *other = rule(wg_slice_axis(z, 0, 0, 1, 1), row, 0);
    wg_tensor *down = wg_place_like(square, x, zero, 0),
              *across = wg_place_like(square, x, zero, 1);

    CHECK(wg__assemble(1, &pad) == pad);
    CHECK(!wg__assemble(2, (wg_tensor *[]){ pad, other }));
    CHECK(!wg__assemble(2, (wg_tensor *[]){ pad, down }));
    CHECK(!wg__assemble(2, (wg_tensor *[]){ down, across }));
    CHECK(!wg__assemble(2, (wg_tensor *[]){ x, x }));
    CHECK(!wg__assemble(2, (wg_tensor *[]){ pad, x }));
    EQ_STR(wg_tensor_op(wg__assemble(2, (wg_tensor *[]){ pad, pad })), "assemble_like");
    EQ_STR(wg_tensor_op(wg__assemble(2, (wg_tensor *[]){ down, down })), "assemble_at");
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);
}

/* Thousands of operands, recorded at one step each and run at another. */
static void thousands_of_pieces(void)
{
    enum { N = 3000 };
    wg_graph *g = wg_graph_new();
    wg_tensor **x = calloc(N, sizeof *x), *y, *dy, **dx = calloc(N, sizeof *dx), *back;
    bool *need = calloc(N, sizeof *need);
    wg_array a = noisy(WG_F32, WG_SHAPE(2, N), 4), got;

    dy = wg_input(g, "dy", WG_F32, WG_SHAPE(2, N));
    for (int k = 0; k < N; k++) {
        x[k] = wg_slice_axis(dy, 1, k, k + 1, 1);
        need[k] = true;
    }
    y = wg_concat(N, x, 1);
    got = run(y, 2, 1, &(wg_feed){ "dy", a });
    SAME_BITS(got.data, a.data, 2 * N * sizeof(float));
    free(got.data);

    /* the rule of concat, and the sum of the pieces it gives */
    y->op->vjp(&(wg_vjp){ y, dy, N, x, need, y->attr }, dx);
    for (int k = 0; k < N; k++) dx[k] = rule(dx[k], dx[k], 0);
    back = wg__assemble(N, dx);
    REQUIRE(back != NULL);
    EQ_INT(wg_tensor_n_in(back), 2 * N + 1);
    got = run(back, 2, 1, &(wg_feed){ "dy", a });
    NO_ERROR(&run_error);
    SAME_BITS(got.data, a.data, 2 * N * sizeof(float));
    free(got.data);
    NO_ERROR(wg_graph_error(g));
    free(a.data);
    free(x);
    free(dx);
    free(need);
    wg_graph_free(g);
}

/* How many entries the second derivative through n slices, joined again, depends on, and how many of them
 * are as large as the whole. */
static void count_entries(int n, bool select, int64_t *all, int64_t *whole)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(2, n)),
              **piece = calloc((size_t)n, sizeof *piece);
    wg_tensor *y, *d, *dd, **order;

    for (int k = 0; k < n; k++) {
        piece[k] = select ? wg_select(x, 1, k) : wg_slice_axis(x, 1, k, k + 1, 1);
        piece[k] = wg_mul(piece[k], wg_mul(piece[k], piece[k]));
    }
    y = select ? wg_stack(n, piece, 1) : wg_concat(n, piece, 1);
    d = wg_grad1(wg_sum(wg_mul(y, y), WG_ALL_AXES, false), x);
    dd = wg_grad1(wg_sum(wg_mul(d, d), WG_ALL_AXES, false), x);
    NO_ERROR(wg_graph_error(g));
    *all = wg_order(1, &dd, &order);
    *whole = 0;
    for (int64_t i = 0; i < *all; i++) {
        const wg_shape *shape = &order[i]->type->shape;

        *whole += shape->rank == 2 && shape->dim[1] == n;
    }
    if (n == 40) { /* sum of x^6: 6 x^5, whose squares' sum has the gradient 360 x^9 */
        wg_array ax = noisy(WG_F64, WG_SHAPE(2, n), 12), a;
        double want[80];

        for (int i = 0; i < 2 * n; i++) want[i] = 360 * pow(((double *)ax.data)[i], 9);
        a = run(dd, 1, 1, &(wg_feed){ "x", ax });
        NO_ERROR(&run_error);
        CLOSE_ARRAY(&a, want, 2 * n, 1e-11, 1e-13);
        free(a.data);
        free(ax.data);
    }
    wg_free(order);
    free(piece);
    wg_graph_free(g);
}

static void pieces_cost_what_they_weigh(void)
{
    for (int select = 0; select < 2; select++) {
        int64_t all[2], whole[2];

        count_entries(40, select, &all[0], &whole[0]);
        count_entries(80, select, &all[1], &whole[1]);
        EQ_INT(whole[1], whole[0]);
        CHECK(all[1] <= 2 * all[0]);
    }
}

/* ---- <A x, dy> = <x, A^T dy>, and the same for the rule of A^T ---- */

/* y depends linearly on operand k, whose value depends on the input of the same name as `of`. */
static void check_adjoint(wg_tensor *y, int k, int n_feeds, wg_feed *feeds, const char *of)
{
    wg_graph *g = wg_tensor_graph(y);
    wg_tensor *dy, *dx, *dz, *z = NULL;
    wg_array ay, av = { 0 }, adx, az;

    REQUIRE(NO_ERROR(wg_graph_error(g)));
    dy = wg_input(g, "dy", WG_F64, y->type->shape);
    dx = rule(y, dy, k);
    REQUIRE(dx != NULL);
    dz = wg_input(g, "dz", WG_F64, dx->type->shape);
    if (dx->op->vjp && dx != dy) z = rule(dx, dz, dx->in[0] == dy ? 0 : 1);
    REQUIRE(NO_ERROR(wg_graph_error(g)));
    for (int i = 0; i < n_feeds; i++)
        if (strcmp(feeds[i].name, of) == 0) av = feeds[i].value;
    ay = run(y, 1, n_feeds, feeds);
    REQUIRE(NO_ERROR(&run_error));
    feeds[n_feeds] = (wg_feed){ "dy", noisy(WG_F64, ay.type.shape, 77) };
    adx = run(dx, 2, n_feeds + 1, feeds);
    NO_ERROR(&run_error);
    CHECK(wg_type_equal(&adx.type, &av.type));
    CLOSE1(inner(&ay, &feeds[n_feeds].value), inner(&av, &adx), 1e-12, 1e-12);

    /* z = A x' again, by the rule of A^T */
    feeds[n_feeds + 1] = (wg_feed){ "dz", noisy(WG_F64, av.type.shape, 78) };
    if (z) {
        az = run(z, 2, n_feeds + 2, feeds);
        NO_ERROR(&run_error);
        CLOSE1(inner(&az, &feeds[n_feeds].value), inner(&feeds[n_feeds + 1].value, &adx), 1e-12,
               1e-12);
        free(az.data);
    }
    free(feeds[n_feeds + 1].value.data);
    free(feeds[n_feeds].value.data);
    free(adx.data);
    free(ay.data);
}

static void adjoints(void)
{
    static const int64_t start[3] = { 0, -3, 1 }, stop[3] = { WG_SLICE_END, 4, WG_SLICE_END },
                         step[3] = { 2, 1, 1 };
    static const int64_t before[3] = { 1, 0, 2 }, after[3] = { 0, 2, 1 };
    wg_shape shape = WG_SHAPE(3, 4, 2);

    for (int op = 0; op < 22; op++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_input(g, "x", WG_F64, shape), *y = NULL, *big,
                  *at = wg_scalar(g, WG_I64, 1), *piece;
        wg_feed feed[6] = { { "x", noisy(WG_F64, shape, 1) } };
        const char *of = "x";
        int n = 1, k = 0;

        switch (op) {
        case 0:
            y = wg_reshape(x, WG_SHAPE(0, -1));
            break;
        case 1:
            y = wg_collapse(x, 1, -1);
            break;
        case 2:
            y = wg_unsqueeze(x, WG_AXES(1, -1));
            break;
        case 3:
            of = "x1";
            feed[n++] = (wg_feed){ of, noisy(WG_F64, WG_SHAPE(3, 1, 4), 2) };
            y = wg_squeeze(wg_input(g, of, WG_F64, WG_SHAPE(3, 1, 4)), WG_AXES(1));
            break;
        case 4:
            y = wg_permute(x, WG_AXES(2, 0, -2));
            break;
        case 5:
            y = wg_permute(x, WG_ALL_AXES);
            break;
        case 6:
            y = wg_transpose(x, 0, -1);
            break;
        case 7:
            y = wg_flip(x, WG_AXES(0, -1));
            break;
        case 8:
            y = wg_slice(x, 3, start, stop, step);
            break;
        case 9:
            y = wg_slice_axis(x, 1, 1, 3, 1);
            break;
        case 10:
            y = wg_select(x, 1, -1);
            break;
        case 11:
            y = wg_select(x, 0, 1);
            break;
        case 12:
            y = wg_pad(x, 3, before, after, 0);
            break;
        case 13:
            y = wg_dilate(x, WG_AXES(0, -1), 2);
            break;
        case 14:
            y = wg_concat(2, (wg_tensor *[]){ x, wg_zeros_like(x) }, 1);
            break;
        case 15:
            y = wg_concat(2, (wg_tensor *[]){ wg_zeros_like(x), x }, 1);
            k = 1;
            break;
        case 16:
            big = wg_input(g, "big", WG_F64, WG_SHAPE(3, 2, 2));
            feed[n++] = (wg_feed){ "big", noisy(WG_F64, WG_SHAPE(3, 2, 2), 2) };
            y = wg_part_like(x, big, at, 1);
            break;
        case 17:
            big = wg_input(g, "big", WG_F64, WG_SHAPE(3, 7, 2));
            feed[n++] = (wg_feed){ "big", noisy(WG_F64, WG_SHAPE(3, 7, 2), 2) };
            y = wg_place_like(x, big, at, -2);
            break;
        case 18:
            y = wg_reshape_like(x, wg_input(g, "x2", WG_F64, WG_SHAPE(8, 3)));
            feed[n++] = (wg_feed){ "x2", noisy(WG_F64, WG_SHAPE(8, 3), 2) };
            break;
        case 19: /* x is part 1 of an assemble_at */
            big = wg_input(g, "big", WG_F64, WG_SHAPE(3, 7, 2));
            feed[n++] = (wg_feed){ "big", noisy(WG_F64, WG_SHAPE(3, 7, 2), 2) };
            piece = wg_zeros_like(x);
            y = wg_assemble_at(big, 2, (wg_tensor *[]){ piece, x },
                               (wg_tensor *[]){ at, wg_scalar(g, WG_I64, 2) }, 1);
            k = 2;
            break;
        case 20: /* and of an assemble_like */
            big = wg_input(g, "big", WG_F64, WG_SHAPE(5, 4, 2));
            feed[n++] = (wg_feed){ "big", noisy(WG_F64, WG_SHAPE(5, 4, 2), 2) };
            piece = wg_zeros_like(x);
            y = wg_assemble_like(
                big, 2, (wg_tensor *[]){ piece, x },
                (wg_i64s){ 18, (int64_t[]){ 0, 3, 1, 0, WG_SLICE_END, 1, 0, WG_SLICE_END, 1, 0,
                                            WG_SLICE_END, 2, 0, 4, 1, -2, WG_SLICE_END, 1 } });
            k = 2;
            break;
        default:
            y = wg_pad_like(x, big = wg_input(g, "big", WG_F64, WG_SHAPE(5, 4, 2)), 1,
                            (int64_t[]){ -5 }, (int64_t[]){ WG_SLICE_END }, (int64_t[]){ 2 });
            feed[n++] = (wg_feed){ "big", noisy(WG_F64, WG_SHAPE(5, 4, 2), 2) };
        }
        check_adjoint(y, k, n, feed, of);
        for (int i = 0; i < n; i++) free(feed[i].value.data);
        wg_graph_free(g);
    }
}

TESTS(TEST(concat_joins), TEST(stack_adds_an_axis), TEST(pieces_at_an_offset),
      TEST(slices_assemble), TEST(placed_pieces_assemble), TEST(large_sums_of_parts),
      TEST(what_does_not_belong_together), TEST(thousands_of_pieces),
      TEST(pieces_cost_what_they_weigh), TEST(adjoints))
