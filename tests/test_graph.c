/* test_graph.c: the tape: recording, sticky errors, sites, scopes, functions, walks, clones, pictures. */
#include <wengert.h>
#include <wengert/op.h>

#include "graph/internal.h"
#include "harness.h"

/* ---- three records of our own, so that the tape is tested without the library's ops ---- */

static void add_row(const void *attr, int64_t n, const void *const *x, const int *step, void *y)
{
    const float *a = x[0], *b = x[1];

    (void)attr;
    for (int64_t i = 0; i < n; i++) ((float *)y)[i] = a[i * step[0]] + b[i * step[1]];
}

static const wg_op plus = { .name = "plus",
                            .doc = "a + b",
                            .n_in = 2,
                            .flags = WG_OP_BROADCASTS,
                            .infer = wg_infer_broadcast,
                            .row = WG_ROW_KERNELS({ [WG_F32] = { add_row } }) };

struct every_attr {
    const char *s;
    wg_i64s list;
    wg_array array;
    wg_axes axes;
    wg_shape shape;
    wg_dtype dtype;
    double f;
    int64_t i, fixed[3], choice;
    bool b;
};
static const char *const choices[] = { "red", "green", NULL };
static const wg_field every_fields[] = {
    WG_FIELD(struct every_attr, s),     WG_FIELD(struct every_attr, list),
    WG_FIELD(struct every_attr, array), WG_FIELD(struct every_attr, axes),
    WG_FIELD(struct every_attr, shape), WG_FIELD(struct every_attr, dtype),
    WG_FIELD(struct every_attr, f),     WG_FIELD(struct every_attr, i),
    WG_FIELD(struct every_attr, fixed), WG_CHOICE(struct every_attr, choice, choices),
    WG_FIELD(struct every_attr, b),     WG_FIELDS_END
};

static void never(const wg_call *c)
{
    (void)c;
}

static const wg_op every = { .name = "every",
                             .doc = "an attribute of each kind",
                             .n_in = 1,
                             .attr_size = sizeof(struct every_attr),
                             .fields = every_fields,
                             .infer = wg_infer_same,
                             .eval = WG_EVAL_KERNELS({ [WG_F32] = { never } }) };

static wg_tensor *(plus_of)(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&plus, NULL, a, b);
}
#define plus_of(...) wg_at(WG_SITE, plus_of(__VA_ARGS__))

static wg_tensor *x_of(wg_graph *g, const char *name)
{
    return wg_input(g, name, WG_F32, WG_SHAPE(2, 3));
}

/* ---- recording ---- */

static void records_types_and_sites(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a = x_of(g, "a"), *b = wg_input(g, "b", WG_F32, WG_SHAPE(3));
    wg_tensor *c = plus_of(a, b);
    const char *line = ABOVE;

    NO_ERROR(wg_graph_error(g));
    EQ_STR(WG_TYPE_STR(wg_tensor_type(c)), "f32[2 x 3]");
    EQ_INT(wg_tensor_n_in(c), 2);
    CHECK(wg_tensor_in(c, 1) == b && wg_tensor_in(c, 2) == NULL);
    EQ_STR(wg_tensor_leaf_name(b), "b");
    CHECK(wg_tensor_leaf_name(c) == NULL && wg_tensor_leaf_name(NULL) == NULL);
    EQ_STR(harness_base(wg_tensor_site(c)), line);
    CHECK(x_of(g, "a") == a);
    EQ_INT(wg_graph_count(g), 3);
    CHECK(wg_graph_at(g, 2) == c && wg_graph_at(g, 3) == NULL && wg_graph_at(g, -1) == NULL);
    CHECK(wg_tensor_type(a) == wg_tensor_type(c)); /* types are interned */
    wg_graph_free(g);
}

static void first_error_sticks(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a = x_of(g, "a"), *b = wg_input(g, "b", WG_F32, WG_SHAPE(4)), *bad, *worse;
    const char *line;

    wg_scope_begin(g, "mlp");
    wg_scope_begin(g, "fc%d", 1);
    bad = plus_of(a, b);
    line = ABOVE;
    worse = plus_of(plus_of(bad, a), wg_input(g, "", WG_F32, WG_SHAPE(1)));
    CHECK(bad == worse);
    ERROR_IS(wg_graph_error(g), WG_ESHAPE, "plus: cannot broadcast f32[2 x 3] with f32[4]", line);
    EQ_STR(wg_graph_error(g)->scope, "mlp/fc1");
    EQ_INT(wg_graph_count(g), 2);
    wg_graph_free(g);
}

static void refuses_strangers(void)
{
    const char *line;
    wg_graph *g = wg_graph_new(), *h = wg_graph_new();

    plus_of(x_of(g, "a"), x_of(h, "a"));
    line = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_EARG, "plus: operands 0 and 1 belong to different graphs", line);
    NO_ERROR(wg_graph_error(h));
    plus_of(x_of(h, "a"), NULL);
    ERROR_IS(wg_graph_error(h), WG_EARG, "plus: operand 1 is NULL", ABOVE);
    wg_graph_free(g);
    wg_graph_free(h);
    CHECK(plus_of(NULL, NULL) == NULL);
    CHECK(wg_input(NULL, "x", WG_F32, WG_SHAPE(1)) == NULL);
    EQ_INT(wg_graph_error(NULL)->code, WG_ENOMEM);
}

static void leaves_are_unique(void)
{
    wg_graph *g = wg_graph_new();
    const char *line;

    CHECK(wg_input(g, "x", WG_F32, WG_SHAPE(1, 2)) == wg_input(g, "x", WG_F32, WG_SHAPE(7, 2)));
    wg_input(g, "x", WG_F64, WG_SHAPE(1, 2));
    line = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_ENAME,
             "input: \"x\" is f32[1 x 2] already, asked for f64[1 x 2]", line);
    wg_graph_free(g);
    g = wg_graph_new();
    wg_parameter(g, "w", WG_F32, WG_SHAPE(2));
    wg_parameter(g, "w", WG_F32, WG_SHAPE(3));
    line = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_ENAME, "parameter: \"w\" is f32[2] already, asked for f32[3]",
             line);
    wg_graph_free(g);
}

static void sizes_are_checked(void)
{
    static const int64_t big[] = { INT64_MAX / 2, 3 }, nine[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    wg_graph *g = wg_graph_new();

    wg_input(g, "x", WG_F32, wg_shape_of(2, big));
    EQ_INT(wg_graph_error(g)->code, WG_ELIMIT);
    wg_graph_free(g);
    g = wg_graph_new();
    wg_input(g, "x", WG_F32, wg_shape_of(9, nine));
    ERROR_IS(wg_graph_error(g), WG_EARG, "input: shape has a rank above 8", ABOVE);
    wg_graph_free(g);
    g = wg_graph_new();
    EQ_INT(wg_type_bytes(
               wg_tensor_type(wg_input(g, "x", WG_F64, WG_SHAPE(0, 1 << 30, 1 << 30, 1 << 30)))),
           0);
    NO_ERROR(wg_graph_error(g));
    wg_input(g, "y", WG_F32, WG_SHAPE(2, -1));
    EQ_INT(wg_graph_error(g)->code, WG_EARG);
    wg_graph_free(g);
}

static void attributes_are_owned(void)
{
    wg_graph *g = wg_graph_new(), *h = wg_graph_new();
    char text[] = "text";
    int64_t list[] = { 1, 2, 3 };
    float data[] = { 1, 2 };
    struct every_attr at = { text,
                             { 3, list },
                             WG_F32_ARRAY(data, 2),
                             WG_AXES(0, -1),
                             WG_SHAPE(4, 5),
                             WG_I64,
                             0.5,
                             7,
                             { 1, 2, 3 },
                             1,
                             true };
    wg_tensor *x = x_of(g, "x"), *t = wg_record1(&every, &at, x),
              *same = wg_record1(&every, &at, x), *copy;
    const struct every_attr *own;

    text[0] = 'T', list[0] = 9, data[0] = 9;
    own = wg_tensor_attr(t);
    EQ_STR(own->s, "text");
    EQ_INT(own->list.v[0], 1);
    CLOSE1(((float *)own->array.data)[0], 1, 0, 0);
    CHECK(wg__attr_equal(every_fields, own, wg_tensor_attr(same)));
    CHECK(!wg__attr_equal(every_fields, own, &at));
    CHECK(wg__attr_hash(1, every_fields, own) ==
          wg__attr_hash(1, every_fields, wg_tensor_attr(same)));

    wg_clone(h, 1, &t, &(wg_clone_options){ 0, NULL, NULL, WG_N_DTYPES }, &copy);
    NO_ERROR(wg_graph_error(h));
    CHECK(wg__attr_equal(every_fields, own, wg_tensor_attr(copy)));
    NO_ERROR(wg_graph_error(g));
    EQ_INT(wg_verify(g, NULL), WG_OK);
    EQ_INT(wg_verify(h, NULL), WG_OK);

    at.choice = 2;
    wg_record1(&every, &at, x);
    ERROR_IS(wg_graph_error(g), WG_EARG, "every: choice is no legal choice", NULL);
    wg_graph_free(g);
    wg_graph_free(h);
}

static void attributes_print(void)
{
    wg_graph *g = wg_graph_new();
    int64_t list[] = { 1, 2 };
    float data[] = { 1, 2 };
    struct every_attr at = { "t",         { 2, list }, WG_F32_ARRAY(data, 2),
                             WG_ALL_AXES, WG_SHAPE(4), WG_I64,
                             INFINITY,    7,           { 1, 2, 3 },
                             1,           true };
    wg_tensor *t = wg_record1(&every, &at, x_of(g, "x"));
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);

    wg_name(t, "out");
    wg_print(1, &t, to);
    fclose(to);
    CHECK(strstr(text, "every(%0) {s: \"t\", list: [1, 2], array: f32[2], axes: all, shape: [4], "
                       "dtype: i64, f: inf, "
                       "i: 7, fixed: [1, 2, 3], choice: green, b: true} : f32[2 x 3]  \"out\"  "
                       "test_graph.c:") != NULL);
    free(text);
    wg_graph_free(g);
}

/* ---- scopes, names, functions ---- */

static void scopes_and_names(void)
{
    const char *line;
    wg_graph *g = wg_graph_new();
    wg_tensor *a = x_of(g, "a"), *b;

    wg_scope_begin(g, "enc");
    b = wg_name(plus_of(a, a), "z");
    EQ_STR(wg_tensor_scope(b), "enc");
    EQ_STR(wg_tensor_scope(a), "");
    wg_scope_end(g);
    EQ_STR(wg_scope(g), "");
    wg_name(plus_of(a, a), "z");
    wg_scope_begin(g, "enc");
    NO_ERROR(wg_graph_error(g));
    wg_name(plus_of(a, a), "z");
    line = ABOVE;
    ERROR_IS(wg_graph_error(g), WG_ENAME,
             "name: \"enc/z\" is taken in this function: use another name or scope", line);
    wg_graph_free(g);
    g = wg_graph_new();
    wg_scope_end(g);
    ERROR_IS(wg_graph_error(g), WG_ESTATE, "scope_end: no scope is open", ABOVE);
    wg_graph_free(g);
}

static void functions_hold_outputs_and_updates(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = x_of(g, "x"), *w = wg_parameter(g, "w", WG_F32, WG_SHAPE(2, 3)), *inputs[2];

    wg_begin(g, "train", WG_TRAIN);
    EQ_INT(wg_mode_of(g), WG_TRAIN);
    CHECK(wg_pending(g, "w") == w);
    wg_update_along("w", x);
    wg_update("w", plus_of(w, x));
    wg_update("w", plus_of(wg_pending(g, "w"), x));
    wg_output("y", x);
    wg_end(g);
    wg_begin(g, "predict", WG_PREDICT);
    wg_output("y", plus_of(w, w));
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    EQ_INT(wg_function_count(g), 2);
    EQ_INT(wg_function_find(g, "predict"), 1);
    EQ_INT(wg_function_n_updates(g, 0), 1);
    EQ_STR(wg_function_update_name(g, 0, 0), "w");
    EQ_INT(wg_tensor_n_in(wg_tensor_in(wg_function_update(g, 0, 0), 0)), 2);
    EQ_STR(wg_function_output_name(g, 1, 0), "y");
    CHECK(wg_function_output_name(g, 1, 1) == NULL && wg_function_output(g, 2, 0) == NULL);
    EQ_INT(wg_function_inputs(g, 0, 2, inputs), 1);
    CHECK(inputs[0] == x);
    EQ_INT(wg_function_inputs(g, 1, 0, NULL), 0);
    EQ_INT(wg_function_inputs(g, 2, 0, NULL), -1);
    wg_graph_free(g);
}

static void along_needs_another_update(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = x_of(g, "x");

    wg_begin(g, "a", WG_TRAIN);
    wg_update_along("run", x);
    wg_output("x", x);
    wg_end(g);
    wg_begin(g, "b", WG_TRAIN);
    wg_update_along("run", x);
    wg_update("w", x);
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    EQ_INT(wg_function_n_updates(g, 0), 0);
    EQ_INT(wg_function_n_updates(g, 1), 2);
    wg_graph_free(g);
}

#define FUNCTION_ERROR(code, message, ...)                                                         \
    do {                                                                                           \
        wg_graph *g = wg_graph_new();                                                              \
        wg_tensor *x = x_of(g, "x");                                                               \
                                                                                                   \
        (void)x;                                                                                   \
        __VA_ARGS__;                                                                               \
        REQUIRE(wg_graph_error(g) && wg_graph_error(g)->site);                                     \
        ERROR_IS(wg_graph_error(g), code, message, harness_base(wg_graph_error(g)->site));         \
        wg_graph_free(g);                                                                          \
    } while (0)

static void function_errors(void)
{
    FUNCTION_ERROR(WG_ESTATE, "end: no function is open", wg_end(g));
    FUNCTION_ERROR(WG_ESTATE, "output: no function is open: call wg_begin first",
                   wg_output("y", x));
    FUNCTION_ERROR(WG_ENAME, "begin: the function's name is empty", wg_begin(g, "", WG_TRAIN));
    FUNCTION_ERROR(WG_ESTATE, "begin: function \"f\" is still open: call wg_end first",
                   wg_begin(g, "f", WG_TRAIN);
                   wg_begin(g, "h", WG_TRAIN));
    FUNCTION_ERROR(WG_ESTATE, "end: function \"f\" has neither outputs nor updates",
                   wg_begin(g, "f", WG_TRAIN);
                   wg_end(g));
    FUNCTION_ERROR(WG_ENAME, "begin: the graph has a function \"f\" already",
                   wg_begin(g, "f", WG_TRAIN);
                   wg_output("y", x); wg_end(g); wg_begin(g, "f", WG_PREDICT));
    FUNCTION_ERROR(WG_ENAME, "output: function \"f\" has an output \"y\" already",
                   wg_begin(g, "f", WG_TRAIN);
                   wg_output("y", x); wg_output("y", x));
    FUNCTION_ERROR(
        WG_ENAME,
        "update: \"w\" is updated already and that value would be lost: extend wg_pending",
        wg_begin(g, "f", WG_TRAIN);
        wg_update("w", x); wg_update("w", x));
    FUNCTION_ERROR(WG_ESHAPE, "update: \"w\" is f32[5], the new value f32[2 x 3]",
                   wg_parameter(g, "w", WG_F32, WG_SHAPE(5));
                   wg_begin(g, "f", WG_TRAIN); wg_update("w", x));
    FUNCTION_ERROR(WG_ENAME, "pending: the graph has no parameter \"w\"", wg_pending(g, "w"));
}

/* ---- walks ---- */

static void order_is_left_to_right(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a = x_of(g, "a"), *b = x_of(g, "b"), *c = x_of(g, "c");
    wg_tensor *bc = plus_of(b, c), *y = plus_of(plus_of(c, a), bc), **order;
    wg_tensor *want[] = { c, a, wg_tensor_in(y, 0), b, bc, y };

    EQ_INT(wg_order(1, &y, &order), 6);
    for (int i = 0; i < 6; i++) CHECK(order[i] == want[i]);
    wg_free(order);
    EQ_INT(wg_order(0, NULL, &order), 0);
    wg_free(order);
    wg_graph_free(g);
}

static void a_million_deep(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *y = x_of(g, "a"), **order, *copy;
    wg_graph *h = wg_graph_new();

    for (int i = 0; i < 1000000; i++) y = plus_of(y, y);
    EQ_INT(wg_order(1, &y, &order), 1000001);
    wg_free(order);
    wg_clone(h, 1, &y, NULL, &copy);
    NO_ERROR(wg_graph_error(h));
    EQ_INT(wg_graph_count(h), 1000001);
    wg_graph_free(g);
    wg_graph_free(h);
}

static void clones_replace_and_convert(void)
{
    const char *line;
    wg_graph *g = wg_graph_new(), *h = wg_graph_new();
    float one = 1;
    wg_tensor *a = x_of(g, "a"), *k = wg_constant(g, WG_F32_ARRAY(&one, 1)),
              *y = plus_of(a, plus_of(a, a)), *copy;
    wg_tensor *z = wg_input(h, "z", WG_F32, WG_SHAPE(1)), *kk;

    wg_clone(h, 1, &y, &(wg_clone_options){ 1, &a, &z, WG_N_DTYPES }, &copy);
    EQ_INT(wg_graph_count(h), 3);
    EQ_STR(WG_TYPE_STR(wg_tensor_type(copy)), "f32[1]");
    EQ_STR(wg_tensor_site(copy), wg_tensor_site(y));
    wg_clone(h, 1, &k, &(wg_clone_options){ 0, NULL, NULL, WG_F64 }, &kk);
    NO_ERROR(wg_graph_error(h));
    EQ_STR(WG_TYPE_STR(wg_tensor_type(kk)), "f64[1]");
    wg_clone(h, 1, &a, &(wg_clone_options){ 1, &a, &a, WG_N_DTYPES }, &copy);
    line = ABOVE;
    ERROR_IS(wg_graph_error(h), WG_EARG,
             "clone: replacement 0 is NULL or not of the graph copied to", line);
    wg_graph_free(g);
    wg_graph_free(h);
}

static void pictures(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = x_of(g, "x"), *y;
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    wg_error error = { 0 };
    int depth = 0;

    wg_begin(g, "f", WG_PREDICT);
    wg_scope_begin(g, "a");
    y = plus_of(x, x);
    wg_scope_begin(g, "b");
    y = plus_of(y, x);
    wg_scope_end(g);
    wg_scope_end(g);
    wg_scope_begin(g, "a.c");
    y = plus_of(y, x);
    wg_scope_end(g);
    wg_output("y", y);
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    EQ_INT(wg_dot_write(g, "f", to, &error), WG_OK);
    fclose(to);
    for (const char *c = text; *c; c++) depth += (*c == '{') - (*c == '}');
    EQ_INT(depth, 0);
    CHECK(strstr(text, "subgraph cluster_2") != NULL && strstr(text, "subgraph cluster_3") == NULL);
    CHECK(strstr(text, "label=\"f32[2 x 3]\"") != NULL);
    free(text);
    EQ_INT(wg_dot_write(g, "h", stderr, &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "dot_write: the graph has no function \"h\"", NULL);
    wg_graph_free(g);
}

static void metadata(void)
{
    wg_graph *g = wg_graph_new();

    wg_metadata_set(g, "a", "1");
    wg_metadata_set(g, "b", "2");
    wg_metadata_set(g, "a", "3");
    EQ_STR(wg_metadata_get(g, "a"), "3");
    wg_metadata_set(g, "a", NULL);
    EQ_STR(wg_metadata_get(g, "a"), NULL);
    EQ_STR(wg_metadata_get(g, "b"), "2");
    wg_graph_free(g);
}

/* Every allocation of a recording fails in turn: an error or NULL, nothing leaks. */
static int64_t left;

static void *failing_alloc(void *data, size_t bytes)
{
    (void)data;
    return left-- > 0 ? malloc(bytes) : NULL;
}

static void failing_release(void *data, void *p, size_t bytes)
{
    (void)data;
    (void)bytes;
    free(p);
}

static bool record_something(void)
{
    wg_graph *g = wg_graph_new(), *h = wg_graph_new();
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_tensor *x = x_of(g, "x"), *copy, *y;
    bool ok;

    wg_params_add(w, "w", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_begin(g, "f", WG_TRAIN);
    wg_scope_begin(g, "s");
    y = wg_name(plus_of(x, wg_param_leaf(g, w, "w")), "y");
    wg_scope_end(g);
    wg_update("w", y);
    wg_output("y", y);
    wg_end(g);
    if (!wg_graph_error(g)) wg_clone(h, 1, &y, NULL, &copy);
    ok = w && !wg_graph_error(g) && !wg_graph_error(h);
    wg_graph_free(g);
    wg_graph_free(h);
    wg_params_free(w);
    return ok;
}

static void out_of_memory(void)
{
    size_t before = wg__live_bytes();
    int64_t n = 0;
    bool ok;

    wg_set_allocator(&(wg_allocator){ failing_alloc, failing_release, NULL });
    do {
        left = n++;
        ok = record_something();
        if (wg__live_bytes() != before) break;
    } while (!ok && n < 1000);
    wg_set_allocator(NULL);
    CHECK(ok);
    CHECK(n > 10);
    EQ_INT(wg__live_bytes(), before);
}

/* Names of tensors, outputs, updates and what goes along are apart, whatever they look like. */
static void names_do_not_meet(void)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2));

    wg_begin(g, "f", WG_TRAIN);
    for (int i = 0; i < 1000; i++) x = wg_neg(x);
    wg_name(x, "<- w");
    wg_name(wg_neg(x), "-> y");
    wg_update("w", x);
    wg_output("y", x);
    wg_output("w", x);
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    EQ_INT(wg_function_n_outputs(g, 0), 2);
    EQ_INT(wg_function_n_updates(g, 0), 1);
    CHECK(wg_concat(2, NULL, 0) == NULL);
    wg_graph_free(g);
}

/* A record of the user's own that is a parameter is one to wg_update and wg_pending too. */
static void own_record_of_a_parameter(void)
{
    wg_op_list list = wg_std_ops();
    wg_op mine = *wg_op_find(&list, "parameter");
    wg_graph *g = wg_graph_new();
    const char *name = "w";
    wg_dtype dtype = WG_F64;
    wg_shape shape = WG_SHAPE(3);
    char attr[256] = { 0 };
    wg_tensor *leaf;

    mine.name = "my_parameter";
    REQUIRE(mine.attr_size <= sizeof attr);
    for (const wg_field *f = mine.fields; f->name; f++) {
        if (f->kind == WG_A_STR) memcpy(attr + f->offset, &name, sizeof name);
        if (f->kind == WG_A_DTYPE) memcpy(attr + f->offset, &dtype, sizeof dtype);
        if (f->kind == WG_A_SHAPE) memcpy(attr + f->offset, &shape, sizeof shape);
    }
    leaf = wg_record_leaf(g, &mine, attr);
    wg_begin(g, "f", WG_TRAIN);
    CHECK(wg_pending(g, "w") == leaf && !wg_graph_error(g));
    wg_update("w", wg_sum(leaf, WG_ALL_AXES, false));
    ERROR_IS(wg_graph_error(g), WG_ESHAPE, "update: \"w\" is f64[3], the new value f64[]", ABOVE);
    wg_graph_free(g);
    g = wg_graph_new();
    wg_parameter(g, "w", WG_F64, WG_SHAPE(3));
    wg_record_leaf(g, &mine, attr);
    CHECK(wg_graph_error(g) && wg_graph_error(g)->code == WG_ENAME);
    EQ_STR(wg_graph_error(g) ? wg_graph_error(g)->text : NULL,
           "\"w\" is a leaf of the record parameter already");
    wg_graph_free(g);
}

TESTS(TEST(own_record_of_a_parameter), TEST(names_do_not_meet), TEST(records_types_and_sites),
      TEST(first_error_sticks), TEST(refuses_strangers), TEST(leaves_are_unique),
      TEST(sizes_are_checked), TEST(attributes_are_owned), TEST(attributes_print),
      TEST(scopes_and_names), TEST(functions_hold_outputs_and_updates),
      TEST(along_needs_another_update), TEST(function_errors), TEST(order_is_left_to_right),
      TEST(a_million_deep), TEST(clones_replace_and_convert), TEST(pictures), TEST(metadata),
      TEST(out_of_memory))
