/* test_index.c: gathers and scatters against plain loops, on any number of threads. */
#include "op_run.h"

static int64_t pick(uint64_t *seed, int64_t lo, int64_t hi)
{
    *seed = mixed(*seed + 0x9e3779b97f4a7c15u);
    return lo + (int64_t)(*seed % (uint64_t)(hi - lo + 1));
}

static wg_array indices(wg_shape shape, int64_t extent, uint64_t seed)
{
    wg_array a = { { WG_I64, shape }, NULL };

    a.data = malloc((size_t)wg_type_bytes(&a.type) + 8);
    for (int64_t i = 0; i < wg_shape_count(&shape); i++)
        ((int64_t *)a.data)[i] = pick(&seed, 0, extent - 1);
    return a;
}

/* x's extents with the axis replaced by those of the indices. */
static wg_shape gathered(const wg_shape *x, const wg_shape *index, int axis)
{
    wg_shape s = { 0, { 0 } };

    for (int i = 0; i < x->rank; i++) {
        if (i != axis) s.dim[s.rank++] = x->dim[i];
        else
            for (int k = 0; k < index->rank; k++) s.dim[s.rank++] = index->dim[k];
    }
    return s;
}

static void around(const wg_shape *x, int axis, int64_t *outer, int64_t *inner)
{
    *outer = *inner = 1;
    for (int i = 0; i < x->rank; i++)
        if (i != axis) *(i < axis ? outer : inner) *= x->dim[i];
}

static void check_gather(wg_dtype dtype, wg_shape shape, wg_shape index_shape, int axis)
{
    wg_graph *g = wg_graph_new();
    int a = axis < 0 ? axis + shape.rank : axis;
    wg_array x = numbered(dtype, shape), index = indices(index_shape, shape.dim[a], 5);
    wg_shape one = shape, want = gathered(&shape, &index_shape, a);
    int64_t outer, inner, m = run_count(&index), n = shape.dim[a],
                          size = (int64_t)wg_dtype_size(dtype);

    around(&shape, a, &outer, &inner);
    for (int i = 0; i < one.rank; i++) one.dim[i] = 1;
    for (int threads = 1; threads < 4; threads++) {
        wg_array got = run(
            wg_gather(wg_input(g, "x", dtype, one), wg_input(g, "i", WG_I64, index_shape), axis),
            threads, 2, (wg_feed[]){ { "x", x }, { "i", index } });
        bool same = true;

        NO_ERROR(&run_error);
        if (!CHECK(got.data && wg_shape_equal(&got.type.shape, &want) && got.type.dtype == dtype))
            break;
        for (int64_t o = 0; o < outer; o++)
            for (int64_t j = 0; j < m; j++)
                same = same &&
                       memcmp((char *)got.data + (o * m + j) * inner * size,
                              (char *)x.data + (o * n + ((int64_t *)index.data)[j]) * inner * size,
                              (size_t)(inner * size)) == 0;
        CHECK(same);
        free(got.data);
    }
    free(x.data);
    free(index.data);
    wg_graph_free(g);
}

static void gather_reads_rows(void)
{
    for (int dtype = 0; dtype < WG_N_DTYPES; dtype++) {
        wg_dtype d = (wg_dtype)dtype;

        check_gather(d, WG_SHAPE(10, 4), WG_SHAPE(7), 0);
        check_gather(d, WG_SHAPE(10, 4), WG_SHAPE(3, 2), -2);
        check_gather(d, WG_SHAPE(3, 5, 4), WG_SHAPE(6), 1);
        check_gather(d, WG_SHAPE(3, 5, 4), WG_SHAPE(2, 3), -1);
        check_gather(d, WG_SHAPE(3, 5, 4), WG_SHAPE_SCALAR, 1);
        check_gather(d, WG_SHAPE(9), WG_SHAPE_SCALAR, 0);
        check_gather(d, WG_SHAPE(9, 2), WG_SHAPE(0), 0);
        check_gather(d, WG_SHAPE(0, 2), WG_SHAPE(0, 3), 0);
        check_gather(d, WG_SHAPE(4, 0), WG_SHAPE(5), 0);
        check_gather(d, WG_SHAPE(2, 1, 3, 2, 2), WG_SHAPE(2, 2, 1, 2), 2);
        check_gather(d, WG_SHAPE(200, 33), WG_SHAPE(3001), 0);
        check_gather(d, WG_SHAPE(70, 50, 3), WG_SHAPE(700), 1);
    }
}

/* Both scatters of rows, against additions one after the other in the same order: equal bits. */
static void check_scatter(wg_dtype dtype, wg_shape shape, wg_shape index_shape, int axis)
{
    wg_graph *g = wg_graph_new();
    int a = axis < 0 ? axis + shape.rank : axis;
    wg_shape from = gathered(&shape, &index_shape, a);
    wg_array base = noisy(dtype, shape, 3), x = noisy(dtype, from, 4),
             index = indices(index_shape, shape.dim[a], 5);
    wg_feed feed[] = { { "x", x }, { "i", index }, { "base", base } };
    wg_tensor *t = wg_input(g, "x", dtype, from), *i = wg_input(g, "i", WG_I64, index_shape);
    wg_tensor *b = wg_input(g, "base", dtype, shape);
    int64_t outer, inner, m = run_count(&index), n = shape.dim[a],
                          bytes = wg_type_bytes(&base.type);
    char *want[2] = { calloc(1, (size_t)bytes + 1), malloc((size_t)bytes + 1) };

    around(&shape, a, &outer, &inner);
    if (bytes) memcpy(want[1], base.data, (size_t)bytes);
    for (int k = 0; k < 2; k++)
        for (int64_t o = 0; o < outer; o++)
            for (int64_t j = 0; j < m; j++)
                for (int64_t c = 0; c < inner; c++) {
                    int64_t to = (o * n + ((int64_t *)index.data)[j]) * inner + c,
                            at = (o * m + j) * inner + c;

                    if (dtype == WG_F32) ((float *)(void *)want[k])[to] += ((float *)x.data)[at];
                    else if (dtype == WG_F64)
                        ((double *)(void *)want[k])[to] += ((double *)x.data)[at];
                    else ((int64_t *)(void *)want[k])[to] += ((int64_t *)x.data)[at];
                }
    for (int threads = 1; threads < 4; threads++) {
        wg_array like = run(wg_scatter_add_like(t, i, b, axis), threads, 3, feed), add;

        NO_ERROR(&run_error);
        SAME_BITS(like.data, want[0], bytes);
        add = run(wg_scatter_add(b, i, t, axis), threads, 3, feed);
        NO_ERROR(&run_error);
        SAME_BITS(add.data, want[1], bytes);
        free(like.data);
        free(add.data);
    }
    NO_ERROR(wg_graph_error(g));
    for (int k = 0; k < 3; k++) free(feed[k].value.data);
    free(want[0]);
    free(want[1]);
    wg_graph_free(g);
}

static void scatter_adds_in_order(void)
{
    static const wg_dtype dtypes[] = { WG_F32, WG_F64, WG_I64 };

    for (int d = 0; d < 3; d++) {
        check_scatter(dtypes[d], WG_SHAPE(10, 4), WG_SHAPE(70), 0);
        check_scatter(dtypes[d], WG_SHAPE(3, 5, 4), WG_SHAPE(2, 9), -2);
        check_scatter(dtypes[d], WG_SHAPE(3, 5), WG_SHAPE(60), 1);
        check_scatter(dtypes[d], WG_SHAPE(6), WG_SHAPE_SCALAR, 0);
        check_scatter(dtypes[d], WG_SHAPE(6, 3), WG_SHAPE(0), 0);
        check_scatter(dtypes[d], WG_SHAPE(6, 0), WG_SHAPE(5), 0);
        check_scatter(dtypes[d], WG_SHAPE(0, 2), WG_SHAPE(0), 0);
        check_scatter(dtypes[d], WG_SHAPE(7), WG_SHAPE(50000), 0);     /* by rows */
        check_scatter(dtypes[d], WG_SHAPE(2), WG_SHAPE(50000), 0);     /* fewer rows than threads */
        check_scatter(dtypes[d], WG_SHAPE(31, 100), WG_SHAPE(999), 0); /* by columns */
        check_scatter(dtypes[d], WG_SHAPE(9, 31, 5), WG_SHAPE(999), 1); /* by outer places */
        check_scatter(dtypes[d], WG_SHAPE(2, 31, 5), WG_SHAPE(9999), 1);
    }
}

/* take_along_axis in all types, scatter_along_like in those that add. */
static void check_along(wg_dtype dtype, wg_shape shape, int64_t m, int axis)
{
    wg_graph *g = wg_graph_new();
    int a = axis < 0 ? axis + shape.rank : axis;
    wg_shape short_ = shape;
    wg_array x = numbered(dtype, shape), index, from;
    wg_tensor *like, *i;
    int64_t outer, inner, n = shape.dim[a], size = (int64_t)wg_dtype_size(dtype),
                          bytes = wg_type_bytes(&x.type);
    char *want = calloc(1, (size_t)bytes + 1);
    wg_feed feed[3];

    short_.dim[a] = m;
    index = indices(short_, n, 5);
    from = dtype == WG_BOOL ? numbered(dtype, short_) : noisy(dtype, short_, 3);
    like = wg_input(g, "like", dtype, shape);
    i = wg_input(g, "i", WG_I64, short_);
    feed[0] = (wg_feed){ "like", x };
    feed[1] = (wg_feed){ "i", index };
    feed[2] = (wg_feed){ "from", from };
    around(&shape, a, &outer, &inner);
    for (int threads = 1; threads < 4; threads++) {
        wg_array got = run(wg_take_along_axis(like, i, axis), threads, 2, feed);
        bool same = true;

        NO_ERROR(&run_error);
        if (!CHECK(got.data && wg_shape_equal(&got.type.shape, &short_))) break;
        for (int64_t at = 0; at < run_count(&got); at++) {
            int64_t o = at / (m * inner), c = at % inner, r = ((int64_t *)index.data)[at];

            same = same &&
                   memcmp((char *)got.data + at * size,
                          (char *)x.data + ((o * n + r) * inner + c) * size, (size_t)size) == 0;
        }
        CHECK(same);
        free(got.data);
    }
    for (int64_t at = 0; at < run_count(&from); at++) {
        int64_t o = at / (m * inner), c = at % inner,
                to = (o * n + ((int64_t *)index.data)[at]) * inner + c;

        if (dtype == WG_F32) ((float *)(void *)want)[to] += ((float *)from.data)[at];
        else if (dtype == WG_F64) ((double *)(void *)want)[to] += ((double *)from.data)[at];
        else if (dtype == WG_I64) ((int64_t *)(void *)want)[to] += ((int64_t *)from.data)[at];
    }
    for (int threads = 1; threads < 4 && dtype != WG_BOOL; threads++) {
        wg_array got = run(wg_scatter_along_like(wg_input(g, "from", dtype, short_), i, like, axis),
                           threads, 3, feed);

        NO_ERROR(&run_error);
        SAME_BITS(got.data, want, bytes);
        free(got.data);
    }
    for (int k = 0; k < 3; k++) free(feed[k].value.data);
    free(want);
    wg_graph_free(g);
}

static void along_an_axis(void)
{
    for (int dtype = 0; dtype < WG_N_DTYPES; dtype++) {
        wg_dtype d = (wg_dtype)dtype;

        check_along(d, WG_SHAPE(3, 5, 4), 7, 1);
        check_along(d, WG_SHAPE(3, 5, 4), 1, 0);
        check_along(d, WG_SHAPE(3, 5, 4), 2, -1);
        check_along(d, WG_SHAPE(5), 20, 0);
        check_along(d, WG_SHAPE(3, 5), 0, 1);
        check_along(d, WG_SHAPE(0, 5), 3, 1);
        check_along(d, WG_SHAPE(2, 1, 2, 2, 3, 1, 2, 2), 4, 4);
        check_along(d, WG_SHAPE(3, 40), 30000, 0);
        check_along(d, WG_SHAPE(3, 90), 3000, 0);
        check_along(d, WG_SHAPE(50, 9, 30), 70, 1);
        check_along(d, WG_SHAPE(9), 70000, 0);
    }
}

static void one_hot_marks(void)
{
    for (int dtype = 0; dtype < WG_N_DTYPES; dtype++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *idx = wg_input(g, "i", WG_I64, WG_SHAPE(1, 2));
        wg_tensor *like = wg_input(g, "like", (wg_dtype)dtype, WG_SHAPE(5, 3));
        wg_array i = indices(WG_SHAPE(3, 2), 3, 1),
                 other = numbered((wg_dtype)dtype, WG_SHAPE(1, 3));
        wg_feed feed[] = { { "i", i }, { "like", other } };
        wg_tensor *y[] = { wg_one_hot(idx, 3, (wg_dtype)dtype), wg_one_hot_like(idx, like) };

        for (int k = 0; k < 2; k++) {
            wg_array got = run(y[k], 1, 2, feed);

            NO_ERROR(&run_error);
            REQUIRE(got.data && got.type.shape.rank == 3 && got.type.dtype == (wg_dtype)dtype);
            EQ_INT(run_count(&got), 18);
            for (int64_t at = 0; at < 18; at++)
                EQ_INT(harness_number(got.data, got.type.dtype, at),
                       ((int64_t *)i.data)[at / 3] == at % 3);
            free(got.data);
        }
        NO_ERROR(wg_graph_error(g));
        free(i.data);
        free(other.data);
        wg_graph_free(g);
    }
}

/* ---- an index out of range: found before anything is written ---- */

static void check_range(wg_tensor *t, wg_shape index_shape, int64_t at, int64_t index,
                        const char *message)
{
    wg_array i = indices(index_shape, 3, 9);
    wg_shape whole = WG_SHAPE(10, 4);
    wg_feed feed[] = { { "i", i },
                       { "w", numbered(WG_F32, whole) },
                       { "x", numbered(WG_F32, gathered(&whole, &index_shape, 0)) },
                       { "along", numbered(WG_F32, index_shape) } };

    ((int64_t *)i.data)[at] = index;
    CHECK(!run(t, 2, 4, feed).data);
    ERROR_IS(&run_error, WG_EINDEX, message, NULL);
    for (int k = 0; k < 4; k++) free(feed[k].value.data);
}

static void indices_out_of_range(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *w = wg_input(g, "w", WG_F32, WG_SHAPE(10, 4)),
              *i = wg_input(g, "i", WG_I64, WG_SHAPE(1));
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(1, 4)), *j;

    check_range(wg_gather(w, i, 0), WG_SHAPE(5), 3, 12,
                "gather: index 12 at [3] is out of range for axis 0 of f32[10 x 4]");
    check_range(wg_gather(w, i, -1), WG_SHAPE(5), 0, -1,
                "gather: index -1 at [0] is out of range for axis 1 of f32[10 x 4]");
    check_range(wg_scatter_add_like(x, i, w, 0), WG_SHAPE(5), 4, 10,
                "scatter_add_like: index 10 at [4] is out of range for axis 0 of f32[10 x 4]");
    check_range(
        wg_scatter_add(w, i, x, 0), WG_SHAPE(5), 4, INT64_MIN,
        "scatter_add: index -9223372036854775808 at [4] is out of range for axis 0 of f32[10 x 4]");
    check_range(wg_one_hot(i, 5, WG_F32), WG_SHAPE(5), 2, 5,
                "one_hot: index 5 at [2] is out of range for axis 1 of f32[5 x 5]");
    check_range(wg_one_hot_like(i, w), WG_SHAPE(5), 2, 4,
                "one_hot_like: index 4 at [2] is out of range for axis 1 of f32[5 x 4]");
    wg_graph_free(g);

    g = wg_graph_new();
    w = wg_input(g, "w", WG_F32, WG_SHAPE(10, 4));
    i = wg_input(g, "i", WG_I64, WG_SHAPE(1, 4));
    x = wg_input(g, "along", WG_F32, WG_SHAPE(1, 4));
    check_range(wg_take_along_axis(w, i, 0), WG_SHAPE(6, 4), 22, 10,
                "take_along_axis: index 10 at [5, 2] is out of range for axis 0 of f32[10 x 4]");
    check_range(wg_scatter_along_like(x, i, w, 0), WG_SHAPE(6, 4), 22, -3,
                "scatter_along_like: index -3 at [5, 2] is out of range for axis 0 of f32[10 x 4]");
    NO_ERROR(wg_graph_error(g));
    wg_graph_free(g);

    g = wg_graph_new();
    j = wg_input(g, "i", WG_I64, WG_SHAPE_SCALAR);
    {
        int64_t zero = 0;
        wg_feed feed[] = { { "i", wg_array_of(WG_I64, WG_SHAPE_SCALAR, &zero) },
                           { "w", wg_array_of(WG_F32, WG_SHAPE(0, 4), NULL) } };

        CHECK(!run(wg_gather(wg_input(g, "w", WG_F32, WG_SHAPE(1, 4)), j, 0), 1, 2, feed).data);
        ERROR_IS(&run_error, WG_EINDEX,
                 "gather: index 0 at [] is out of range for axis 0 of f32[0 x 4]", NULL);
    }
    wg_graph_free(g);
}

/* ---- what does not fit, when recorded ---- */

/* The site comes as an argument, for compilers number the lines of a macro's own text in different ways. */
#define REFUSED(site, expression, code, message)                                                   \
    do {                                                                                           \
        wg_graph *g = wg_graph_new();                                                              \
        wg_tensor *w = wg_input(g, "w", WG_F32, WG_SHAPE(10, 4));                                  \
        wg_tensor *i = wg_input(g, "i", WG_I64, WG_SHAPE(5, 2));                                   \
        wg_tensor *b = wg_input(g, "b", WG_BOOL, WG_SHAPE(5, 2));                                  \
        wg_tensor *t = expression;                                                                 \
                                                                                                   \
        CHECK(t != NULL && w && i && b);                                                           \
        ERROR_IS(wg_graph_error(g), code, message, site);                                          \
        wg_graph_free(g);                                                                          \
    } while (0)

/* With n more axes of extent 1. */
static wg_tensor *deep(wg_tensor *x, int n)
{
    while (n-- > 0) x = wg_unsqueeze(x, WG_AXES(0));
    return x;
}

static void what_does_not_fit(void)
{
    REFUSED(HERE, wg_gather(w, w, 0), WG_EDTYPE,
            "gather: the indices are f32[10 x 4], wanted i64: convert them with wg_cast");
    REFUSED(HERE, wg_gather(w, i, 2), WG_EARG,
            "gather: axis 2 is out of range for rank 2: f32[10 x 4]");
    REFUSED(HERE, wg_gather(deep(w, 5), deep(i, 1), 0), WG_EARG,
            "gather: axis 0 of f32[1 x 1 x 1 x 1 x 1 x 10 x 4] replaced by those of i64[1 x 5 x 2] "
            "makes rank 9, "
            "above 8");
    REFUSED(HERE, wg_scatter_add(w, i, w, 0), WG_ESHAPE,
            "scatter_add: f32[10 x 4] added to f32[10 x 4] at indices i64[5 x 2]: wanted f32[5 x 2 "
            "x 4]");
    REFUSED(HERE, wg_scatter_add_like(i, i, w, 0), WG_EDTYPE,
            "scatter_add_like: element types differ: f32[10 x 4] and i64[5 x 2]: convert one with "
            "wg_cast");
    REFUSED(HERE, wg_scatter_add_like(wg_gather(b, i, 0), i, b, 0), WG_EDTYPE,
            "scatter_add_like: not defined for bool[5 x 2 x 2]: convert operands with wg_cast");
    REFUSED(HERE, wg_take_along_axis(w, i, 0), WG_ESHAPE,
            "take_along_axis: indices i64[5 x 2] along axis 0 of f32[10 x 4]: "
            "other extents differ");
    REFUSED(HERE, wg_take_along_axis(w, wg_select(i, 0, 0), 0), WG_ESHAPE,
            "take_along_axis: indices i64[2] along axis 0 of f32[10 x 4]: other extents differ");
    REFUSED(HERE, wg_scatter_along_like(w, wg_concat(2, (wg_tensor *[]){ i, i }, 1), w, 0),
            WG_ESHAPE,
            "scatter_along_like: f32[10 x 4] has not the extents of its indices i64[5 x 4]");
    REFUSED(HERE, wg_one_hot(i, -1, WG_F32), WG_EARG, "one_hot: depth -1 is negative");
    REFUSED(HERE, wg_one_hot(w, 3, WG_F32), WG_EDTYPE,
            "one_hot: the indices are f32[10 x 4], wanted i64: convert them with wg_cast");
    REFUSED(HERE, wg_one_hot(deep(i, 6), 3, WG_F32), WG_EARG,
            "one_hot: indices i64[1 x 1 x 1 x 1 x 1 x 1 x 5 x 2] leave no room for another axis: "
            "ranks end at 8");
    REFUSED(HERE, wg_one_hot(i, INT64_MAX, WG_F32), WG_ELIMIT,
            "one_hot: the result f32[5 x 2 x 9223372036854775807] has more bytes than can be "
            "counted");
    REFUSED(HERE, wg_one_hot_like(i, wg_scalar(g, WG_F32, 1)), WG_ESHAPE,
            "one_hot_like: f32[] has no last axis to take the depth from");
}

/* ---- <A x, dy> = <x, A^T dy> ---- */

static void adjoints(void)
{
    for (int op = 0; op < 5; op++) {
        wg_graph *g = wg_graph_new();
        wg_tensor *w = wg_input(g, "w", WG_F64, WG_SHAPE(3, 5, 4)),
                  *x = wg_input(g, "x", WG_F64, WG_SHAPE(3, 7, 4));
        wg_tensor *row = wg_input(g, "row", WG_I64, WG_SHAPE(7)),
                  *each = wg_input(g, "each", WG_I64, WG_SHAPE(3, 7, 4));
        wg_tensor *y, *dy, *dx, *dz, *z;
        wg_feed feed[] = { { "w", noisy(WG_F64, WG_SHAPE(3, 5, 4), 1) },
                           { "x", noisy(WG_F64, WG_SHAPE(3, 7, 4), 2) },
                           { "row", indices(WG_SHAPE(7), 5, 3) },
                           { "each", indices(WG_SHAPE(3, 7, 4), 5, 4) },
                           { "dy", { { WG_F64, { 0, { 0 } } }, NULL } },
                           { "dz", { { WG_F64, { 0, { 0 } } }, NULL } } };
        const wg_array *of = &feed[op == 0 || op == 1 ? 0 : 1].value;
        wg_array ay, adx, az;

        switch (op) {
        case 0:
            y = wg_gather(w, row, 1);
            break;
        case 1:
            y = wg_take_along_axis(w, each, 1);
            break;
        case 2:
            y = wg_scatter_add_like(x, row, w, -2);
            break;
        case 3:
            y = wg_scatter_along_like(x, each, w, 1);
            break;
        default:
            y = wg_scatter_add(wg_zeros_like(w), row, x, 1);
        }
        dy = wg_input(g, "dy", WG_F64, y->type->shape);
        dx = rule(y, dy, op == 4 ? 2 : 0);
        dz = wg_input(g, "dz", WG_F64, of->type.shape);
        z = rule(dx, dz, 0);
        REQUIRE(NO_ERROR(wg_graph_error(g)));
        feed[4].value = noisy(WG_F64, y->type->shape, 5);
        feed[5].value = noisy(WG_F64, of->type.shape, 6);
        ay = run(y, 2, 6, feed);
        adx = run(dx, 2, 6, feed);
        az = run(z, 2, 6, feed);
        NO_ERROR(&run_error);
        CLOSE1(inner(&ay, &feed[4].value), inner(of, &adx), 1e-12, 1e-12);
        CLOSE1(inner(&az, &feed[4].value), inner(&feed[5].value, &adx), 1e-12, 1e-12);
        if (op == 4) CHECK(rule(y, dy, 0) == dy);
        free(ay.data);
        free(adx.data);
        free(az.data);
        for (int k = 0; k < 6; k++) free(feed[k].value.data);
        wg_graph_free(g);
    }
}

TESTS(TEST(gather_reads_rows), TEST(scatter_adds_in_order), TEST(along_an_axis),
      TEST(one_hot_marks), TEST(indices_out_of_range), TEST(what_does_not_fit), TEST(adjoints))
