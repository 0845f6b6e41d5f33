/* test_leaf.c: leaves, fills, ranges, extents; and what the constructors of leaves and shapes refuse, to the letter. */
#include "op_run.h"

static void check_value(wg_tensor *t, const char *type, int64_t n, const double *want)
{
    wg_array got = run(t, 2, 0, NULL);

    NO_ERROR(wg_graph_error(wg_tensor_graph(t)));
    NO_ERROR(&run_error);
    EQ_STR(WG_TYPE_STR(&got.type), type);
    CLOSE_ARRAY(&got, want, n, 0, 0);
    free(got.data);
}
#define VALUE(t, type, ...)                                                                        \
    check_value(t, type, (int64_t)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double)),            \
                (double[]){ __VA_ARGS__ })

static void constants_hold_copies(void)
{
    wg_graph *g = wg_graph_new();
    float f[4] = { 1, 2, 3, 4 };
    bool b[2] = { true, false };
    wg_tensor *c = wg_constant(g, WG_F32_ARRAY(f, 2, 2)),
              *e = wg_constant(g, WG_F64_ARRAY(NULL, 3, 0));

    f[0] = 9;
    VALUE(c, "f32[2 x 2]", 1, 2, 3, 4);
    VALUE(wg_constant(g, WG_BOOL_ARRAY(b, 2)), "bool[2]", 1, 0);
    VALUE(wg_constant(g, wg_array_of(WG_I64, WG_SHAPE_SCALAR, &(int64_t){ -5 })), "i64[]", -5);
    check_value(e, "f64[3 x 0]", 0, NULL);
    {
        wg_array large = noisy(WG_F64, WG_SHAPE(300, 301), 1),
                 got = run(wg_constant(g, large), 2, 0, NULL);

        SAME_BITS(got.data, large.data, wg_type_bytes(&large.type));
        free(got.data);
        free(large.data);
    }
    wg_graph_free(g);
}

static void scalars_and_fills(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 2)),
              *b = wg_input(g, "b", WG_BOOL, WG_SHAPE(3));
    wg_array a = numbered(WG_F32, WG_SHAPE(3, 2)), got;

    VALUE(wg_scalar(g, WG_F32, 0.1), "f32[]", (double)0.1f);
    VALUE(wg_scalar(g, WG_F64, -INFINITY), "f64[]", -INFINITY);
    VALUE(wg_scalar(g, WG_I64, -0x1p63), "i64[]", -0x1p63);
    VALUE(wg_scalar(g, WG_BOOL, 1), "bool[]", 1);
    VALUE(wg_scalar_like(x, 3), "f32[]", 3);
    VALUE(wg_scalar_like(b, 0), "bool[]", 0);
    /* recorded at two rows, run at three; the values of x are not looked at */
    got = run(wg_full_like(x, 2.5), 1, 1, &(wg_feed){ "x", a });
    EQ_STR(WG_TYPE_STR(&got.type), "f32[3 x 2]");
    CLOSE_ARRAY(&got, ((float[]){ 2.5f, 2.5f, 2.5f, 2.5f, 2.5f, 2.5f }), 6, 0, 0);
    free(got.data);
    free(a.data);
    for (int dtype = 0; dtype < WG_N_DTYPES; dtype++) {
        wg_tensor *like =
            wg_constant(g, wg_array_of((wg_dtype)dtype, WG_SHAPE(2), (int64_t[]){ 0, 0 }));
        char type[8];

        snprintf(type, sizeof type, "%s[2]", wg_dtype_name((wg_dtype)dtype));
        VALUE(wg_zeros_like(like), type, 0, 0);
        VALUE(wg_ones_like(like), type, 1, 1);
    }
    CHECK(wg_scalar_like(NULL, 1) == NULL);
    CHECK(wg_ones_like(NULL) == NULL);
    wg_graph_free(g);
}

static void ranges(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_constant(g, WG_F32_ARRAY(((float[]){ 1, 2, 3, 4, 5, 6 }), 3, 2));

    VALUE(wg_arange(g, WG_F32, 0, 1, 0.25), "f32[4]", 0, 0.25, 0.5, 0.75);
    VALUE(wg_arange(g, WG_F64, 1, -1, -0.75), "f64[3]", 1, 0.25, -0.5);
    VALUE(wg_arange(g, WG_I64, 5, 12, 3), "i64[3]", 5, 8, 11);
    VALUE(wg_arange(g, WG_I64, 5, 11, 3), "i64[2]", 5, 8);
    VALUE(wg_arange(g, WG_I64, 0x1p53, 0x1p53 - 3, -1), "i64[3]", 0x1p53, 0x1p53 - 1, 0x1p53 - 2);
    check_value(wg_arange(g, WG_F32, 1, 1, 1), "f32[0]", 0, NULL);
    check_value(wg_arange(g, WG_F32, 1, 5, -1), "f32[0]", 0, NULL);
    VALUE(wg_arange_like(x, 0), "i64[3]", 0, 1, 2);
    VALUE(wg_arange_like(x, -1), "i64[2]", 0, 1);
    VALUE(wg_extent(x, 0), "i64[]", 3);
    VALUE(wg_extent(x, -1), "i64[]", 2);
    VALUE(wg_count(x, WG_AXES(0)), "f32[]", 3);
    VALUE(wg_count(x, WG_ALL_AXES), "f32[]", 6);
    VALUE(wg_count(x, WG_NO_AXES), "f32[]", 1);
    wg_graph_free(g);
}

static void leaves_are_unique(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 2)),
              *p = wg_parameter(g, "x", WG_F32, WG_SHAPE(2, 2));
    const char *site;

    CHECK(wg_input(g, "x", WG_F32, WG_SHAPE(5, 2)) == x);
    CHECK(wg_parameter(g, "x", WG_F32, WG_SHAPE(2, 2)) == p);
    CHECK(x != p);
    NO_ERROR(wg_graph_error(g));
    wg_parameter(g, "x", WG_F32, WG_SHAPE(5, 2));
    site = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_ENAME,
             "parameter: \"x\" is f32[2 x 2] already, asked for f32[5 x 2]", site);
    wg_graph_free(g);
}

/* ---- every member of an attribute struct has its entry in the table ---- */

static void field_tables_are_whole(void)
{
    wg_op_list all = wg_std_ops();

    CHECK(all.n > 0);
    for (int i = 0; i < all.n; i++) {
        const wg_op *op = all.op[i];
        size_t end = 0;

        for (const wg_field *f = op->fields; f && f->name; f++) {
            size_t align = f->kind == WG_A_DTYPE || f->kind == WG_A_AXES ? 4
                           : f->kind == WG_A_BOOL                        ? 1
                                                                         : 8;

            end = (end + align - 1) / align * align;
            if (f->offset != end)
                harness_check(false, __FILE__, __LINE__, "%s: %s stands at %zu, not %zu", op->name,
                              f->name, (size_t)f->offset, end);
            end += f->size;
        }
        if (end > op->attr_size || op->attr_size - end >= 8)
            harness_check(false, __FILE__, __LINE__, "%s: fields end at %zu of %zu", op->name, end,
                          op->attr_size);
        CHECK(wg_op_find(&all, op->name) == op);
        if (!(op->vjp != NULL) != !!(op->flags & WG_OP_NO_GRAD))
            harness_check(false, __FILE__, __LINE__, "%s: a rule, or no gradient, but not both",
                          op->name);
        CHECK(op->doc && op->doc[0] && op->infer);
    }
    CHECK(wg_op_find(&all, "nonsense") == NULL);
    CHECK(wg_op_find(&all, NULL) == NULL);
    CHECK(wg_op_find(NULL, "input") == NULL);
}

/* ---- refusals ---- */

/* The site comes as an argument, for compilers number the lines of a macro's own text in different ways. */
#define REFUSED(site, expression, code, message)                                                   \
    do {                                                                                           \
        wg_graph *g = wg_graph_new();                                                              \
        wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));                                   \
        wg_tensor *i = wg_input(g, "i", WG_I64, WG_SHAPE_SCALAR);                                  \
        wg_tensor *t = expression;                                                                 \
                                                                                                   \
        CHECK(t != NULL && x && i);                                                                \
        ERROR_IS(wg_graph_error(g), code, message, site);                                          \
        wg_graph_free(g);                                                                          \
    } while (0)

static void leaves_refuse(void)
{
    REFUSED(HERE, wg_input(g, "", WG_F32, WG_SHAPE(1)), WG_ENAME, "input: the name is empty");
    REFUSED(HERE, wg_input(g, NULL, WG_F32, WG_SHAPE(1)), WG_EARG, "input: name is NULL");
    REFUSED(HERE, wg_input(g, "x", WG_F64, WG_SHAPE(2, 3)), WG_ENAME,
            "input: \"x\" is f32[2 x 3] already, asked for f64[2 x 3]");
    REFUSED(HERE, wg_input(g, "y", WG_F32, WG_SHAPE(INT64_MAX, 2)), WG_ELIMIT,
            "input: the result f32[9223372036854775807 x 2] has more bytes than can be counted");
    REFUSED(HERE, wg_input(g, "y", WG_F32, WG_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)), WG_EARG,
            "input: shape has a rank above 8");
    REFUSED(HERE, wg_input(g, "y", WG_F32, WG_SHAPE(-1, 2)), WG_EARG,
            "input: extent -1 of axis 0 of f32[-1 x 2] is negative");
    REFUSED(HERE, wg_uniform(g, "y", 0, 1, WG_F32, WG_SHAPE(2, -3)), WG_EARG,
            "full: extent -3 of axis 1 of f32[2 x -3] is negative");
    REFUSED(HERE, wg_constant(g, WG_F32_ARRAY(NULL, 2)), WG_EARG,
            "constant: value has no elements");
    REFUSED(HERE, wg_scalar(g, WG_I64, 0.5), WG_EARG,
            "scalar: 0.5 is not a value of element type i64");
    REFUSED(HERE, wg_scalar(g, WG_BOOL, 2), WG_EARG,
            "scalar: 2 is not a value of element type bool");
    REFUSED(HERE, wg_scalar(g, WG_I64, NAN), WG_EARG,
            "scalar: nan is not a value of element type i64");
    REFUSED(HERE, wg_full_like(i, 0x1p63), WG_EARG,
            "full_like: 9.2233720368547758e+18 is not a value of element type i64");
    REFUSED(HERE, wg_arange(g, WG_F32, 0, 1, 0), WG_EARG,
            "arange: from 0 to 1 by 0: wanted finite numbers and a step other than 0");
    REFUSED(HERE, wg_arange(g, WG_F32, 0, INFINITY, 1), WG_EARG,
            "arange: from 0 to inf by 1: wanted finite numbers and a step other than 0");
    REFUSED(HERE, wg_arange(g, WG_I64, 0, 3, 0.5), WG_EARG,
            "arange: from 0 to 3 by 0.5: wanted whole numbers up to 2^53 for i64");
    REFUSED(HERE, wg_arange(g, WG_F64, 0, 1e300, 1e-300), WG_ELIMIT,
            "arange: from 0 to 1e+300 by 1e-300: too many elements");
    REFUSED(HERE, wg_arange(g, WG_BOOL, 0, 1, 1), WG_EDTYPE,
            "arange: a range of bool: wanted f32, f64 or i64");
    REFUSED(HERE, wg_arange_like(x, 2), WG_EARG,
            "arange_like: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, wg_extent(i, 0), WG_EARG, "extent: axis 0 is out of range for rank 0: i64[]");
    REFUSED(HERE, wg_count(i, WG_ALL_AXES), WG_EDTYPE,
            "count: operand 0 is i64[], wanted f32 or f64: convert it with wg_cast");
    CHECK(wg_scalar(NULL, WG_F32, 0) == NULL);
}

static void shapes_refuse(void)
{
    static const int64_t zero[3] = { 0, 0, 0 }, one[3] = { 1, 1, 1 }, minus[2] = { 0, -1 };

    REFUSED(HERE, wg_reshape(x, WG_SHAPE(4, 2)), WG_ESHAPE,
            "reshape: f32[2 x 3] has 6 elements, f32[4 x 2] has 8");
    REFUSED(HERE, wg_reshape(x, WG_SHAPE(4, -1)), WG_ESHAPE,
            "reshape: f32[2 x 3] does not divide into f32[4 x -1]");
    REFUSED(HERE, wg_reshape(x, WG_SHAPE(-1, -1)), WG_EARG,
            "reshape: two extents of f32[-1 x -1] are -1");
    REFUSED(HERE, wg_reshape(x, WG_SHAPE(-2, 3)), WG_EARG,
            "reshape: extent -2 of f32[-2 x 3] is negative");
    REFUSED(HERE, wg_reshape(x, WG_SHAPE(2, 3, 0)), WG_EARG,
            "reshape: extent 0 of axis 2 copies an axis that f32[2 x 3] does not have");
    REFUSED(HERE, wg_reshape(x, WG_SHAPE(INT64_MAX, INT64_MAX)), WG_ELIMIT,
            "reshape: the extents of f32[9223372036854775807 x 9223372036854775807] overflow");
    REFUSED(HERE, wg_reshape_like(x, i), WG_ESHAPE,
            "reshape_like: f32[2 x 3] has 6 elements, f32[] has 1");
    REFUSED(HERE, wg_collapse(x, 1, 0), WG_EARG, "collapse: axis 1 comes after axis 0: f32[2 x 3]");
    REFUSED(HERE, wg_collapse(x, 0, 2), WG_EARG,
            "collapse: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, wg_squeeze(x, WG_AXES(0)), WG_ESHAPE,
            "squeeze: axis 0 of f32[2 x 3] has not extent 1");
    REFUSED(HERE, wg_squeeze(x, WG_AXES(0, -2)), WG_EARG, "squeeze: axis -2 is named twice");
    REFUSED(HERE, wg_unsqueeze(x, WG_AXES(3, 4)), WG_EARG,
            "unsqueeze: axis 4 is out of range for rank 4: f32[2 x 3]");
    REFUSED(HERE, wg_unsqueeze(x, WG_ALL_AXES), WG_EARG,
            "unsqueeze: WG_ALL_AXES does not say how many axes to insert");
    REFUSED(HERE, wg_unsqueeze(x, WG_AXES(0, 1, 2, 3, 4, 5, 6)), WG_EARG,
            "unsqueeze: 7 more axes than f32[2 x 3] has are above rank 8");
    REFUSED(HERE, wg_permute(x, WG_AXES(1)), WG_EARG, "permute: 1 axes given, f32[2 x 3] has 2");
    REFUSED(HERE, wg_permute(x, WG_AXES(1, 1)), WG_EARG, "permute: axis 1 is named twice");
    REFUSED(HERE, wg_transpose(x, 0, 2), WG_EARG,
            "permute: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, wg_transpose(x, -3, 0), WG_EARG,
            "permute: axis -3 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, wg_flip(x, WG_AXES(2)), WG_EARG,
            "flip: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, wg_expand(x, WG_SHAPE(3)), WG_ESHAPE,
            "expand: f32[2 x 3] has a higher rank than f32[3]");
    REFUSED(HERE, wg_expand(x, WG_SHAPE(4, 3)), WG_ESHAPE,
            "expand: f32[2 x 3] does not broadcast to f32[4 x 3]");
    REFUSED(HERE, wg_expand(x, WG_SHAPE(-1, 2, 3)), WG_EARG,
            "expand: extent -1 of axis 0 keeps an axis that f32[2 x 3] does not have");
    REFUSED(HERE, wg_expand(x, WG_SHAPE(-2, 3)), WG_EARG,
            "expand: extent -2 of axis 0 is negative: f32[2 x 3]");
    REFUSED(HERE, wg_slice(x, 1, zero, one, zero), WG_EARG,
            "slice: step 0 of axis 0 is below 1: wg_flip turns an axis around");
    REFUSED(HERE, wg_slice(x, 3, zero, one, one), WG_EARG, "slice: 3 axes given, f32[2 x 3] has 2");
    REFUSED(HERE, wg_slice(x, -1, zero, one, one), WG_EARG, "slice: start is no list");
    REFUSED(HERE, wg_slice_axis(x, 2, 0, 1, 1), WG_EARG,
            "slice_axis: axis 2 is out of range for rank 2: f32[2 x 3]");
    REFUSED(HERE, wg_select(x, 1, 3), WG_EINDEX,
            "select: index 3 is out of range for axis 1 of f32[2 x 3]");
    REFUSED(HERE, wg_select(x, 0, -3), WG_EINDEX,
            "select: index -3 is out of range for axis 0 of f32[2 x 3]");
    REFUSED(HERE, wg_pad_like(x, x, 1, zero, one, one), WG_ESHAPE,
            "pad_like: f32[2 x 3] does not fit the part f32[1 x 3] of f32[2 x 3]");
    REFUSED(HERE, wg_pad(x, 1, one, one, 0), WG_EARG,
            "pad: numbers for 1 and 1 axes given, f32[2 x 3] has 2");
    REFUSED(HERE, wg_pad(x, 2, one, minus, 0), WG_EARG,
            "pad: 1 elements before and -1 after axis 1 of f32[2 x 3]: wanted none below 0");
    REFUSED(HERE, wg_pad(i, 0, NULL, NULL, 0.5), WG_EARG,
            "pad: 0.5 is not a value of element type i64");
    REFUSED(HERE, wg_pad(x, 2, zero, (int64_t[]){ 0, INT64_MAX }, 0), WG_ELIMIT,
            "pad: axis 1 of f32[2 x 3] grows beyond what can be counted");
    REFUSED(HERE, wg_dilate(x, WG_AXES(0), -1), WG_EARG,
            "dilate: -1 zeros between neighbours: wanted 0 or more");
    REFUSED(HERE, wg_dilate(x, WG_AXES(1), INT64_MAX / 2 + 1), WG_ELIMIT,
            "dilate: axis 1 of f32[2 x 3] grows beyond what can be counted");
    REFUSED(HERE, wg_concat(2, (wg_tensor *[]){ x, i }, 0), WG_EDTYPE,
            "concat: element types differ: f32[2 x 3] and i64[]: convert one with wg_cast");
    REFUSED(HERE, wg_concat(2, (wg_tensor *[]){ x, wg_transpose(x, 0, 1) }, 0), WG_ESHAPE,
            "concat: f32[3 x 2] does not go with f32[2 x 3] along axis 0: other extents differ");
    REFUSED(HERE, wg_concat(1, (wg_tensor *[]){ i }, 0), WG_EARG,
            "concat: axis 0 is out of range for rank 0: i64[]");
    REFUSED(HERE, wg_part_like(x, x, x, 0), WG_EDTYPE,
            "part_like: the offset is f32[2 x 3], wanted i64[]");
    REFUSED(HERE, wg_part_like(wg_select(x, 0, 0), x, i, 0), WG_ESHAPE,
            "part_like: f32[2 x 3] does not go with f32[3] along axis 0: other extents differ");
    REFUSED(HERE, wg_place_like(x, wg_slice_axis(x, 1, 0, 1, 1), i, 1), WG_ESHAPE,
            "place_like: f32[2 x 3] is longer than f32[2 x 1] along axis 1");
    REFUSED(HERE, wg_assemble_like(x, 1, &x, (wg_i64s){ 3, one }), WG_EARG,
            "assemble_like: 3 numbers for 1 parts of f32[2 x 3]: "
            "wanted 3 for each axis of each part");
    REFUSED(HERE, wg_assemble_like(x, 1, &x, (wg_i64s){ 6, (int64_t[]){ 0, 2, 1, 0, 2, 1 } }),
            WG_ESHAPE,
            "assemble_like: part 0 is f32[2 x 3], its place in f32[2 x 3] is f32[2 x 2]");
    REFUSED(HERE, wg_assemble_like(x, -1, &x, (wg_i64s){ 0, NULL }), WG_EARG,
            "assemble_like: no part is given");
    REFUSED(HERE, wg_assemble_at(x, 1, NULL, &i, 0), WG_EARG,
            "assemble_at: 1 operands: wanted one, then as many parts as offsets");
    REFUSED(HERE, wg_assemble_at(x, 1, &x, &x, 0), WG_EDTYPE,
            "assemble_at: offset 0 is f32[2 x 3], wanted i64[]");
    REFUSED(HERE, wg_assemble_at(wg_flip(wg_select(x, 0, 0), WG_AXES(0)), 1, &x, &i, 0), WG_ESHAPE,
            "assemble_at: part 0, f32[2 x 3], does not fit into f32[3] along axis 0");
    CHECK(wg_stack(0, NULL, 0) == NULL);
    CHECK(wg_concat(0, NULL, 0) == NULL);
    CHECK(wg_reshape(NULL, WG_SHAPE(1)) == NULL);
}

static void split_refuses(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3)), *part[2] = { NULL, NULL };
    const char *site;

    wg_split(x, 1, 2, (int64_t[]){ 1, 1 }, part);
    site = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_ESHAPE,
             "split: 2 pieces have 2 in all, axis 1 of f32[2 x 3] has 3", site);
    CHECK(part[0] && part[0] == part[1]);
    wg_graph_free(g);
    g = wg_graph_new();
    x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));
    wg_split(x, 1, 2, (int64_t[]){ 4, -1 }, part);
    site = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_EARG, "split: piece 1 has extent -1: f32[2 x 3]", site);
    wg_graph_free(g);
    g = wg_graph_new();
    x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));
    wg_split(x, -3, 2, (int64_t[]){ 4, -1 }, part);
    site = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_EARG, "split: axis -3 is out of range for rank 2: f32[2 x 3]",
             site);
    wg_graph_free(g);
    g = wg_graph_new();
    x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));
    wg_split(x, 0, 2, NULL, part);
    site = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_EARG, "split: no extents for 2 pieces: size is NULL", site);
    wg_graph_free(g);
    g = wg_graph_new();
    x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));
    wg_split(x, 0, 2, (int64_t[]){ 1, 1 }, NULL);
    site = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_EARG, "split: no room for 2 pieces: part is NULL", site);
    wg_graph_free(g);
    CHECK(wg_stack(2, NULL, 0) == NULL);
    CHECK(wg_split(NULL, 0, 2, (int64_t[]){ 4, -1 }, part) == NULL);
    CHECK(!part[0] && !part[1]);
}

TESTS(TEST(constants_hold_copies), TEST(scalars_and_fills), TEST(ranges), TEST(leaves_are_unique),
      TEST(field_tables_are_whole), TEST(leaves_refuse), TEST(shapes_refuse), TEST(split_refuses))
