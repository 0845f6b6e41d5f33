/* test_shape.c: ops that only rearrange elements, against plain loops over indices. */
#include "op_run.h"

/* ---- elements by their number ----
 * A test says for each element of the result which element of x it is, -1 meaning zero. That is then
 * checked for every element type, on one thread and on two. */

enum { DTYPES = 4 };

/* The address of a value. */
#define AT(...) ((__typeof__(__VA_ARGS__)[]){ __VA_ARGS__ })

typedef wg_tensor *builder(wg_tensor *x, const void *arg);

static wg_tensor *input(wg_graph *g, const char *name, wg_dtype dtype, wg_shape shape)
{
    return wg_input(g, name, dtype, shape);
}

/* Records at extents 1 (`first` gives the example), runs at `shape`. */
static void check_moves(builder *build, const void *arg, wg_shape example, wg_shape shape,
                        wg_shape want, const int64_t *from, const char *what, int line)
{
    for (int dtype = 0; dtype < DTYPES; dtype++)
        for (int threads = 1; threads <= 3; threads += 2) {
            wg_graph *g = wg_graph_new();
            wg_tensor *y = build(input(g, "x", (wg_dtype)dtype, example), arg);
            wg_array x = numbered((wg_dtype)dtype, shape), got;
            int64_t size = (int64_t)wg_dtype_size((wg_dtype)dtype), wrong = -1;

            if (!NO_ERROR(wg_graph_error(g))) {
                free(x.data);
                wg_graph_free(g);
                return;
            }
            got = run(y, threads, 1, &(wg_feed){ "x", x });
            NO_ERROR(&run_error);
            if (harness_check(got.data && wg_shape_equal(&got.type.shape, &want) &&
                                  got.type.dtype == (wg_dtype)dtype,
                              __FILE__, line, "%s: %s, wanted %s", what, WG_TYPE_STR(&got.type),
                              WG_TYPE_STR((&(wg_type){ (wg_dtype)dtype, want })))) {
                static const char zero[8];

                for (int64_t i = 0; i < run_count(&got) && wrong < 0; i++)
                    if (memcmp((char *)got.data + i * size,
                               from[i] < 0 ? zero : (char *)x.data + from[i] * size,
                               (size_t)size) != 0)
                        wrong = i;
                harness_check(
                    wrong < 0, __FILE__, line,
                    "%s of %s on %d threads: element %" PRId64 " is not that of x at %" PRId64,
                    what, WG_TYPE_STR(&x.type), threads, wrong, wrong < 0 ? 0 : from[wrong]);
            }
            free(got.data);
            free(x.data);
            wg_graph_free(g);
        }
}
#define MOVES(build, arg, example, shape, want, from)                                              \
    check_moves(build, arg, example, shape, want, from, #build, __LINE__)

/* Multi-index of element i, and back. */
static void unravel(const wg_shape *s, int64_t i, int64_t index[WG_MAX_RANK])
{
    for (int a = s->rank - 1; a >= 0; a--) {
        index[a] = i % s->dim[a];
        i /= s->dim[a];
    }
}
static int64_t ravel(const wg_shape *s, const int64_t index[WG_MAX_RANK])
{
    int64_t at = 0;

    for (int a = 0; a < s->rank; a++) at = at * s->dim[a] + index[a];
    return at;
}

static int64_t *places(const wg_shape *s)
{
    int64_t n = wg_shape_count(s), *from = malloc((size_t)(n + 1) * sizeof *from);

    for (int64_t i = 0; i < n; i++) from[i] = i;
    return from;
}

/* ---- the same elements under other extents ---- */

static wg_tensor *do_reshape(wg_tensor *x, const void *arg)
{
    return wg_reshape(x, *(const wg_shape *)arg);
}
static wg_tensor *do_collapse(wg_tensor *x, const void *arg)
{
    return wg_collapse(x, ((const int *)arg)[0], ((const int *)arg)[1]);
}
static wg_tensor *do_squeeze(wg_tensor *x, const void *arg)
{
    return wg_squeeze(x, *(const wg_axes *)arg);
}
static wg_tensor *do_unsqueeze(wg_tensor *x, const void *arg)
{
    return wg_unsqueeze(x, *(const wg_axes *)arg);
}
static wg_tensor *do_detach(wg_tensor *x, const void *arg)
{
    (void)arg;
    return wg_detach(x);
}

static void check_same(builder *build, const void *arg, wg_shape example, wg_shape shape,
                       wg_shape want)
{
    int64_t *from = places(&want);

    MOVES(build, arg, example, shape, want, from);
    free(from);
}

static void reshape_keeps_elements(void)
{
    check_same(do_reshape, AT(WG_SHAPE(0, -1)), WG_SHAPE(1, 4, 5), WG_SHAPE(3, 4, 5),
               WG_SHAPE(3, 20));
    check_same(do_reshape, AT(WG_SHAPE(0, -1)), WG_SHAPE(1, 4, 5), WG_SHAPE(0, 4, 5),
               WG_SHAPE(0, 20));
    check_same(do_reshape, AT(WG_SHAPE(-1, 0)), WG_SHAPE(4, 0), WG_SHAPE(4, 0), WG_SHAPE(4, 0));
    check_same(do_reshape, AT(WG_SHAPE(-1, 2)), WG_SHAPE(2, 3), WG_SHAPE(6, 5), WG_SHAPE(15, 2));
    check_same(do_reshape, AT(WG_SHAPE(2, -1)), WG_SHAPE(0, 3), WG_SHAPE(0, 3), WG_SHAPE(2, 0));
    check_same(do_reshape, AT(WG_SHAPE_SCALAR), WG_SHAPE(1, 1), WG_SHAPE(1, 1), WG_SHAPE_SCALAR);
    check_same(do_reshape, AT(WG_SHAPE(-1)), WG_SHAPE_SCALAR, WG_SHAPE_SCALAR, WG_SHAPE(1));
    check_same(do_reshape, AT(WG_SHAPE(1, 2, 1, 3, 1, 2, 1, -1)), WG_SHAPE(24), WG_SHAPE(24),
               WG_SHAPE(1, 2, 1, 3, 1, 2, 1, 2));
    check_same(do_collapse, (int[]){ 0, 1 }, WG_SHAPE(1, 4, 5), WG_SHAPE(3, 4, 5), WG_SHAPE(12, 5));
    check_same(do_collapse, (int[]){ -2, -1 }, WG_SHAPE(1, 4, 5), WG_SHAPE(3, 4, 5),
               WG_SHAPE(3, 20));
    check_same(do_collapse, (int[]){ 1, 1 }, WG_SHAPE(1, 4, 5), WG_SHAPE(3, 0, 5),
               WG_SHAPE(3, 0, 5));
    check_same(do_squeeze, AT(WG_AXES(0, -1)), WG_SHAPE(1, 4, 1), WG_SHAPE(1, 7, 1), WG_SHAPE(7));
    check_same(do_squeeze, AT(WG_ALL_AXES), WG_SHAPE(1, 1), WG_SHAPE(1, 1), WG_SHAPE_SCALAR);
    check_same(do_squeeze, AT(WG_NO_AXES), WG_SHAPE(1, 2), WG_SHAPE(1, 2), WG_SHAPE(1, 2));
    check_same(do_unsqueeze, AT(WG_AXES(0, -1)), WG_SHAPE(1, 4), WG_SHAPE(7, 4),
               WG_SHAPE(1, 7, 4, 1));
    check_same(do_unsqueeze, AT(WG_AXES(1, 0)), WG_SHAPE_SCALAR, WG_SHAPE_SCALAR, WG_SHAPE(1, 1));
    check_same(do_detach, NULL, WG_SHAPE(2, 3), WG_SHAPE(200, 300), WG_SHAPE(200, 300));
}

static void reshape_like_takes_the_type_only(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F64, WG_SHAPE(1, 6)),
              *like = wg_input(g, "like", WG_I64, WG_SHAPE(1, 2, 3));
    wg_array a = numbered(WG_F64, WG_SHAPE(4, 6)), b = numbered(WG_I64, WG_SHAPE(4, 2, 3));
    wg_array got = run(wg_reshape_like(x, like), 1, 2, (wg_feed[]){ { "x", a }, { "like", b } });

    NO_ERROR(&run_error);
    EQ_STR(WG_TYPE_STR(&got.type), "f64[4 x 2 x 3]");
    SAME_BITS(got.data, a.data, 24 * sizeof(double));
    free(got.data);
    free(a.data);
    free(b.data);
    wg_graph_free(g);
}

/* ---- permute, transpose, flip ---- */

static wg_tensor *do_permute(wg_tensor *x, const void *arg)
{
    return wg_permute(x, *(const wg_axes *)arg);
}
static wg_tensor *do_transpose(wg_tensor *x, const void *arg)
{
    return wg_transpose(x, ((const int *)arg)[0], ((const int *)arg)[1]);
}
static wg_tensor *do_flip(wg_tensor *x, const void *arg)
{
    return wg_flip(x, *(const wg_axes *)arg);
}

static void check_permute(builder *build, const void *arg, wg_axes perm, wg_shape shape)
{
    wg_shape want = shape, example = shape;
    int64_t *from, index[WG_MAX_RANK], of[WG_MAX_RANK];

    for (int i = 0; i < shape.rank; i++) {
        want.dim[i] = shape.dim[perm.axis[i]];
        example.dim[i] = 1;
    }
    from = places(&want);
    for (int64_t i = 0; i < wg_shape_count(&want); i++) {
        unravel(&want, i, index);
        for (int k = 0; k < shape.rank; k++) of[perm.axis[k]] = index[k];
        from[i] = ravel(&shape, of);
    }
    MOVES(build, arg, example, shape, want, from);
    free(from);
}

static void permute_moves_axes(void)
{
    wg_shape shape = WG_SHAPE(3, 4, 5, 2);

    for (int code = 0; code < 256; code++) {
        int p[4] = { code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 };
        wg_axes perm = wg_axes_of(4, p), back = perm;

        if ((1 << p[0] | 1 << p[1] | 1 << p[2] | 1 << p[3]) != 15) continue;
        check_permute(do_permute, &perm, perm, shape);
        for (int i = 0; i < 4; i++) back.axis[i] -= i % 2 ? 4 : 0;
        check_permute(do_permute, &back, perm, shape);
    }
    check_permute(do_permute, AT(WG_ALL_AXES), WG_AXES(7, 6, 5, 4, 3, 2, 1, 0),
                  WG_SHAPE(2, 3, 1, 2, 1, 4, 2, 3));
    check_permute(do_permute, AT(WG_AXES(7, 0, 6, 1, 5, 2, 4, 3)), WG_AXES(7, 0, 6, 1, 5, 2, 4, 3),
                  WG_SHAPE(2, 3, 2, 2, 1, 4, 2, 3));
    check_permute(do_permute, AT(WG_NO_AXES), WG_NO_AXES, WG_SHAPE_SCALAR);
    check_permute(do_permute, AT(WG_AXES(1, 2, 0)), WG_AXES(1, 2, 0), WG_SHAPE(3, 0, 5));
}

/* Above the grain of a thread, with tiles that do not come out even. */
static void large_transpositions(void)
{
    check_permute(do_permute, AT(WG_AXES(1, 0)), WG_AXES(1, 0), WG_SHAPE(301, 517));
    check_permute(do_permute, AT(WG_AXES(0, 2, 1)), WG_AXES(0, 2, 1), WG_SHAPE(7, 131, 97));
    check_permute(do_permute, AT(WG_AXES(2, 0, 1)), WG_AXES(2, 0, 1), WG_SHAPE(67, 97, 33));
    check_permute(do_permute, AT(WG_AXES(1, 0, 2)), WG_AXES(1, 0, 2), WG_SHAPE(300, 200, 3));
    check_permute(do_permute, AT(WG_AXES(0, 3, 1, 2)), WG_AXES(0, 3, 1, 2),
                  WG_SHAPE(8, 28, 28, 16));
    check_permute(do_transpose, (int[]){ 0, -1 }, WG_AXES(2, 1, 0), WG_SHAPE(50, 60, 70));
    check_permute(do_transpose, (int[]){ 1, 1 }, WG_AXES(0, 1), WG_SHAPE(200, 300));
}

static void check_flip(wg_axes axes, unsigned set, wg_shape shape)
{
    int64_t *from = places(&shape), index[WG_MAX_RANK];

    for (int64_t i = 0; i < wg_shape_count(&shape); i++) {
        unravel(&shape, i, index);
        for (int k = 0; k < shape.rank; k++)
            if (set >> k & 1) index[k] = shape.dim[k] - 1 - index[k];
        from[i] = ravel(&shape, index);
    }
    MOVES(do_flip, &axes, shape, shape, shape, from);
    free(from);
}

static void flip_turns_axes_around(void)
{
    for (unsigned set = 0; set < 8; set++) {
        int axis[3], n = 0;

        for (int i = 0; i < 3; i++)
            if (set >> i & 1) axis[n++] = i - (i == 1 ? 3 : 0);
        check_flip(wg_axes_of(n, axis), set, WG_SHAPE(3, 4, 5));
        check_flip(wg_axes_of(n, axis), set, WG_SHAPE(41, 43, 51));
    }
    check_flip(WG_ALL_AXES, 255, WG_SHAPE(2, 1, 3, 2, 1, 2, 2, 3));
    check_flip(WG_ALL_AXES, 0, WG_SHAPE_SCALAR);
    check_flip(WG_AXES(0), 1, WG_SHAPE(0, 3));
}

/* ---- slice, pad_like, select, split ---- */

struct triples {
    int n;
    int64_t start[WG_MAX_RANK], stop[WG_MAX_RANK], step[WG_MAX_RANK];
};

static wg_tensor *do_slice(wg_tensor *x, const void *arg)
{
    const struct triples *t = arg;

    return wg_slice(x, t->n, t->start, t->stop, t->step);
}

/* The places Python's x[start:stop:step] reads, one by one. */
static int64_t python(int64_t extent, int64_t start, int64_t stop, int64_t step, int64_t *place)
{
    int64_t n = 0;

    for (int64_t i = 0; i < extent; i++) {
        int64_t from = start < 0 ? (start < -extent ? 0 : start + extent) : start;
        bool before = stop == WG_SLICE_END || (stop < 0 ? i < stop + extent : i < stop);

        if (i >= from && before && (i - from) % step == 0) place[n++] = i;
    }
    return n;
}

static int64_t pick(uint64_t *seed, int64_t lo, int64_t hi)
{
    *seed = mixed(*seed + 0x9e3779b97f4a7c15u);
    return lo + (int64_t)(*seed % (uint64_t)(hi - lo + 1));
}

static struct triples random_triples(uint64_t *seed, const wg_shape *shape)
{
    struct triples t = { .n = (int)pick(seed, 0, shape->rank) };

    for (int i = 0; i < t.n; i++) {
        t.start[i] = pick(seed, -shape->dim[i] - 2, shape->dim[i] + 1);
        t.stop[i] =
            pick(seed, 0, 3) ? pick(seed, -shape->dim[i] - 2, shape->dim[i] + 2) : WG_SLICE_END;
        t.step[i] = pick(seed, 0, 9) ? pick(seed, 1, 3) : INT64_MAX;
    }
    return t;
}

/* The elements of x that the slice reads, in order; *want gets the result's extents. */
static int64_t *sliced(const struct triples *t, const wg_shape *shape, wg_shape *want)
{
    int64_t place[WG_MAX_RANK][64], *from, index[WG_MAX_RANK];

    *want = *shape;
    for (int i = 0; i < shape->rank; i++)
        want->dim[i] = i < t->n
                           ? python(shape->dim[i], t->start[i], t->stop[i], t->step[i], place[i])
                           : python(shape->dim[i], 0, WG_SLICE_END, 1, place[i]);
    from = places(want);
    for (int64_t i = 0; i < wg_shape_count(want); i++) {
        unravel(want, i, index);
        for (int k = 0; k < shape->rank; k++) index[k] = place[k][index[k]];
        from[i] = ravel(shape, index);
    }
    return from;
}

static void slice_reads_what_python_reads(void)
{
    uint64_t seed = 11;

    for (int i = 0; i < 400; i++) {
        wg_shape shape = WG_SHAPE(pick(&seed, 0, 6), pick(&seed, 1, 7), pick(&seed, 1, 5)), want;
        struct triples t = random_triples(&seed, &shape);
        int64_t *from = sliced(&t, &shape, &want);

        MOVES(do_slice, &t, WG_SHAPE(1, 1, 1), shape, want, from);
        free(from);
    }
    for (int step = 1; step < 3; step++) {
        wg_shape shape = WG_SHAPE(61, 37, 50), want;
        struct triples t = { 3, { 1, -36, 2 }, { 60, WG_SLICE_END, -1 }, { step, 1, step } };
        int64_t *from = sliced(&t, &shape, &want);

        MOVES(do_slice, &t, WG_SHAPE(1, 1, 1), shape, want, from);
        free(from);
    }
}

static wg_tensor *do_slice_axis(wg_tensor *x, const void *arg)
{
    (void)arg;
    return wg_slice_axis(x, -2, 1, WG_SLICE_END, 2);
}
static wg_tensor *do_select(wg_tensor *x, const void *arg)
{
    return wg_select(x, ((const int *)arg)[0], ((const int *)arg)[1]);
}

static void slices_along_one_axis(void)
{
    MOVES(do_slice_axis, NULL, WG_SHAPE(2, 4, 2), WG_SHAPE(2, 4, 2), WG_SHAPE(2, 2, 2),
          ((int64_t[]){ 2, 3, 6, 7, 10, 11, 14, 15 }));
    MOVES(do_select, ((int[]){ 1, -1 }), WG_SHAPE(2, 4, 2), WG_SHAPE(2, 4, 2), WG_SHAPE(2, 2),
          ((int64_t[]){ 6, 7, 14, 15 }));
    MOVES(do_select, ((int[]){ -3, 0 }), WG_SHAPE(2, 1, 2), WG_SHAPE(2, 4, 2), WG_SHAPE(4, 2),
          ((int64_t[]){ 0, 1, 2, 3, 4, 5, 6, 7 }));
    MOVES(do_select, ((int[]){ 0, 2 }), WG_SHAPE(3), WG_SHAPE(3), WG_SHAPE_SCALAR,
          ((int64_t[]){ 2 }));
}

static void split_covers_an_axis(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_I64, WG_SHAPE(2, 5)), *part[3];
    wg_array a = numbered(WG_I64, WG_SHAPE(2, 5));
    static const int64_t want[3][6] = { { 1, 2, 6, 7 }, { 0 }, { 3, 4, 5, 8, 9, 10 } };

    CHECK(wg_split(x, -1, 3, (int64_t[]){ 2, 0, 3 }, part) == g);
    REQUIRE(NO_ERROR(wg_graph_error(g)));
    for (int k = 0; k < 3; k++) {
        wg_array got = run(part[k], 1, 1, &(wg_feed){ "x", a });

        CLOSE_ARRAY(&got, want[k], k == 0 ? 4 : k == 1 ? 0 : 6, 0, 0);
        free(got.data);
    }
    free(a.data);
    wg_graph_free(g);
}

/* Zeros with x where the slice reads: undone by the slice. */
static void pad_like_is_the_slice_backwards(void)
{
    uint64_t seed = 5;

    for (int round = 0; round < 200; round++) {
        wg_graph *g = wg_graph_new();
        wg_shape shape = WG_SHAPE(pick(&seed, 0, 6), pick(&seed, 1, 7), pick(&seed, 1, 5)), part;
        struct triples t = random_triples(&seed, &shape);
        int64_t *from = sliced(&t, &shape, &part), n = wg_shape_count(&shape);
        wg_tensor *like = wg_input(g, "like", WG_I64, shape), *x = wg_input(g, "x", WG_I64, part);
        wg_array a = numbered(WG_I64, part), b = numbered(WG_I64, shape), got;
        int64_t *want = calloc((size_t)n + 1, sizeof *want);

        for (int64_t i = 0; i < wg_shape_count(&part); i++) want[from[i]] = i + 1;
        got = run(wg_pad_like(x, like, t.n, t.start, t.stop, t.step), 2, 2,
                  (wg_feed[]){ { "x", a }, { "like", b } });
        NO_ERROR(&run_error);
        CLOSE_ARRAY(&got, want, n, 0, 0);
        free(got.data);
        free(a.data);
        free(b.data);
        free(want);
        free(from);
        wg_graph_free(g);
    }
}

/* ---- pad, dilate, expand ---- */

struct padding {
    int64_t before[3], after[3];
};
static wg_tensor *do_pad(wg_tensor *x, const void *arg)
{
    const struct padding *p = arg;

    return wg_pad(x, wg_rank(x), p->before, p->after, 0);
}
static wg_tensor *do_dilate(wg_tensor *x, const void *arg)
{
    return wg_dilate(x, WG_AXES(0, -1), *(const int64_t *)arg);
}
static wg_tensor *do_expand(wg_tensor *x, const void *arg)
{
    return wg_expand(x, *(const wg_shape *)arg);
}

static void check_pad(struct padding p, wg_shape shape)
{
    wg_shape want = shape;
    int64_t *from, index[WG_MAX_RANK];

    for (int i = 0; i < shape.rank; i++) want.dim[i] += p.before[i] + p.after[i];
    from = places(&want);
    for (int64_t i = 0; i < wg_shape_count(&want); i++) {
        bool inside = true;

        unravel(&want, i, index);
        for (int k = 0; k < shape.rank; k++) {
            index[k] -= p.before[k];
            inside = inside && index[k] >= 0 && index[k] < shape.dim[k];
        }
        from[i] = inside ? ravel(&shape, index) : -1;
    }
    MOVES(do_pad, &p, shape, shape, want, from);
    free(from);
}

static void pad_surrounds(void)
{
    check_pad((struct padding){ { 1, 0, 2 }, { 0, 3, 1 } }, WG_SHAPE(2, 3, 4));
    check_pad((struct padding){ { 0, 0, 0 }, { 0, 0, 0 } }, WG_SHAPE(2, 3, 4));
    check_pad((struct padding){ { 2, 1, 0 }, { 0, 0, 0 } }, WG_SHAPE(0, 3, 4));
    check_pad((struct padding){ { 1, 1, 1 }, { 1, 1, 1 } }, WG_SHAPE(30, 40, 50));
    check_pad((struct padding){ { 0 }, { 0 } }, WG_SHAPE_SCALAR);
    {
        wg_graph *g = wg_graph_new();
        wg_tensor *x = wg_constant(g, WG_F32_ARRAY(((float[]){ 1, 2 }), 2));
        wg_array got = run(wg_pad(x, 1, (int64_t[]){ 1 }, (int64_t[]){ 2 }, -INFINITY), 1, 0, NULL);

        CLOSE_ARRAY(&got, ((float[]){ -INFINITY, 1, 2, -INFINITY, -INFINITY }), 5, 0, 0);
        free(got.data);
        wg_graph_free(g);
    }
}

static void check_dilate(int64_t by, wg_shape shape)
{
    wg_shape want = shape;
    int64_t *from, index[WG_MAX_RANK];

    for (int i = 0; i < 3; i += 2)
        want.dim[i] = shape.dim[i] ? (shape.dim[i] - 1) * (by + 1) + 1 : 0;
    from = places(&want);
    for (int64_t i = 0; i < wg_shape_count(&want); i++) {
        unravel(&want, i, index);
        if (index[0] % (by + 1) || index[2] % (by + 1)) from[i] = -1;
        else {
            index[0] /= by + 1;
            index[2] /= by + 1;
            from[i] = ravel(&shape, index);
        }
    }
    MOVES(do_dilate, &by, WG_SHAPE(1, 1, 1), shape, want, from);
    free(from);
}

static void dilate_spreads(void)
{
    check_dilate(0, WG_SHAPE(2, 3, 4));
    check_dilate(1, WG_SHAPE(2, 3, 4));
    check_dilate(3, WG_SHAPE(1, 3, 2));
    check_dilate(2, WG_SHAPE(0, 3, 2));
    check_dilate(1, WG_SHAPE(40, 31, 32));
}

static void check_expand(wg_shape shape, wg_shape to, wg_shape want)
{
    int64_t *from = places(&want), index[WG_MAX_RANK];
    int more = want.rank - shape.rank;

    for (int64_t i = 0; i < wg_shape_count(&want); i++) {
        unravel(&want, i, index);
        for (int k = 0; k < shape.rank; k++) index[k] = shape.dim[k] == 1 ? 0 : index[k + more];
        from[i] = ravel(&shape, index);
    }
    MOVES(do_expand, &to, shape, shape, want, from);
    free(from);
}

static void expand_repeats(void)
{
    check_expand(WG_SHAPE(3, 1), WG_SHAPE(-1, 4), WG_SHAPE(3, 4));
    check_expand(WG_SHAPE(1, 3), WG_SHAPE(5, 2, -1), WG_SHAPE(5, 2, 3));
    check_expand(WG_SHAPE(2, 1, 3, 1), WG_SHAPE(2, 4, -1, 5), WG_SHAPE(2, 4, 3, 5));
    check_expand(WG_SHAPE(1), WG_SHAPE(0), WG_SHAPE(0));
    check_expand(WG_SHAPE_SCALAR, WG_SHAPE(2, 3), WG_SHAPE(2, 3));
    check_expand(WG_SHAPE(1, 400), WG_SHAPE(300, 400), WG_SHAPE(300, 400));
    check_expand(WG_SHAPE(300, 1), WG_SHAPE(300, 400), WG_SHAPE(300, 400));
}

TESTS(TEST(reshape_keeps_elements), TEST(reshape_like_takes_the_type_only),
      TEST(permute_moves_axes), TEST(large_transpositions), TEST(flip_turns_axes_around),
      TEST(slice_reads_what_python_reads), TEST(slices_along_one_axis), TEST(split_covers_an_axis),
      TEST(pad_like_is_the_slice_backwards), TEST(pad_surrounds), TEST(dilate_spreads),
      TEST(expand_repeats))
