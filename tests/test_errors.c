/*
 * test_errors.c: mistakes that recording finds, each with its code, its text to the letter and the line it
 * was made on. A record that nothing here refuses fails the suite.
 */
#include "mistakes.h"

static const wg_window plain = { 0 };

/* ---- nothing, other graphs, scopes, functions ---- */

static void nothing_passes_through(void)
{
    CHECK(wg_add(NULL, NULL) == NULL && wg_exp(NULL) == NULL &&
          wg_sum(NULL, WG_ALL_AXES, false) == NULL);
    CHECK(wg_input(NULL, "x", WG_F32, WG_SHAPE(1)) == NULL && wg_scalar(NULL, WG_F32, 1) == NULL);
    CHECK(wg_scalar_like(NULL, 1) == NULL && wg_matmul(NULL, NULL) == NULL &&
          wg_reshape(NULL, WG_SHAPE(1)) == NULL);
    CHECK(wg_mean(NULL, WG_ALL_AXES, false) == NULL && wg_var(NULL, WG_ALL_AXES, 0, false) == NULL);
    CHECK(wg_uniform_like(NULL, "u", 0, 1) == NULL && wg_concat(0, NULL, 0) == NULL &&
          wg_conv2d(NULL, NULL, plain) == NULL);
    CHECK(wg_concat(1, NULL, 0) == NULL && wg_stack(1, NULL, 0) == NULL &&
          wg_prod_others(1, NULL, WG_NO_AXES) == NULL && wg_apply_n(NULL, 1, NULL) == NULL);
    CHECK(wg_order(1, NULL, &(wg_tensor **){ NULL }) == -1 && wg_order(0, NULL, NULL) == -1);
    CHECK(wg_name(NULL, "x") == NULL && wg_output("x", NULL) == NULL &&
          wg_update("x", NULL) == NULL);
    CHECK(wg_begin(NULL, "f", WG_TRAIN) == NULL && wg_end(NULL) == NULL &&
          wg_scope_begin(NULL, "s") == NULL);
    ERROR_IS(wg_graph_error(NULL), WG_ENOMEM, "graph_new: out of memory", NULL);
}

/* What only an author of ops, or of programs that walk graphs, can leave out. */
static void nothing_where_something_belongs(void)
{
    wg_graph *other = wg_graph_new();
    wg_tensor *far = wg_input(other, "x", WG_F32, WG_SHAPE(2)), *copy;
    wg_clone_options options = { 1, &far, NULL, WG_N_DTYPES };
    wg_error error = { 0 };
    wg_array value;

    EQ_INT(wg_read(far, NULL, 1, NULL, &value, &error), WG_EARG);
    EQ_STR(error.text, "the list of feeds is NULL");
    CHECK(value.data == NULL);
    MISTAKE(wg_at(WG_SITE, wg_record1(NULL, NULL, F(2))));
    REFUSED(WG_EARG, "record: the op is NULL");
    MISTAKE(wg_at(WG_SITE, wg_record_leaf(g, NULL, NULL)));
    REFUSED(WG_EARG, "record_leaf: the op is NULL");
    MISTAKE(wg_at(WG_SITE, wg_record2(wg_tensor_record(wg_matmul(F(2, 2), F(2, 2))), NULL, F(2, 2), F(2, 2))));
    REFUSED(WG_EARG, "matmul: the attributes are NULL");
    MISTAKE(wg_at(WG_SITE, wg_record_leaf(g, wg_tensor_record(F(2)), NULL)));
    REFUSED(WG_EARG, "input: the attributes are NULL");
    MISTAKEN(wg_clone(g, 1, NULL, NULL, &copy));
    FAILED(WG_EARG, "clone: an array is NULL: outputs, copy, from or with");
    MISTAKEN(wg_clone(g, 1, (wg_tensor *[]){ F(2) }, NULL, NULL));
    FAILED(WG_EARG, "clone: an array is NULL: outputs, copy, from or with");
    MISTAKEN(wg_clone(g, 1, (wg_tensor *[]){ F(2) }, &(wg_clone_options){ 1, NULL, NULL, WG_N_DTYPES }, &copy));
    FAILED(WG_EARG, "clone: an array is NULL: outputs, copy, from or with");
    MISTAKEN((options.with = (wg_tensor *[]){ F(2) }, wg_clone(g, 1, (wg_tensor *[]){ F(2) }, &options, &copy)));
    FAILED(WG_EARG, "clone: replaced tensor 0 is not of the graph of the outputs");
    wg_graph_free(other);
}

static void null_beside_a_tensor(void)
{
    MISTAKE(wg_add(F(2), NULL));
    REFUSED(WG_EARG, "add: operand 1 is NULL");
    MISTAKE(wg_add(NULL, F(2)));
    REFUSED(WG_EARG, "add: operand 0 is NULL");
    MISTAKE(wg_matmul(NULL, F(2, 2)));
    REFUSED(WG_EARG, "matmul: operand 0 is NULL");
    MISTAKE(wg_where(M(2), F(2), NULL));
    REFUSED(WG_EARG, "where: operand 2 is NULL");
    MISTAKE(wg_concat(2, (wg_tensor *[]){ F(2), NULL }, 0));
    REFUSED(WG_EARG, "concat: operand 1 is NULL");
    MISTAKE(wg_gather(F(2), NULL, 0));
    REFUSED(WG_EARG, "gather: operand 1 is NULL");
    MISTAKE(wg_conv2d(F(1, 2, 2, 1), NULL, plain));
    REFUSED(WG_EARG, "conv2d: operand 1 is NULL");
}

/* The error lies in the graph of the first operand; the other stays sound. */
static void operands_of_two_graphs(void)
{
    wg_graph *other = wg_graph_new();
    wg_tensor *far = wg_input(other, "far", WG_F32, WG_SHAPE(2));

    MISTAKE(wg_add(F(2), far));
    REFUSED(WG_EARG, "add: operands 0 and 1 belong to different graphs");
    MISTAKE(wg_where(M(2), F(2), far));
    REFUSED(WG_EARG, "where: operands 0 and 2 belong to different graphs");
    MISTAKE(wg_stack(2, (wg_tensor *[]){ F(2), far }, 0));
    REFUSED(WG_EARG, "concat: operands 0 and 1 belong to different graphs");
    NO_ERROR(wg_graph_error(other));
    wg_graph_free(other);
}

/* An error within an expression over several lines names its own line. */
static void nested_calls_name_their_line(void)
{
    wg_tensor *a, *b, *sum;
    char line[64];

    mistake_open(__LINE__);
    a = F(2);
    b = F(3);
    sum = wg_add(a, b);
    snprintf(line, sizeof line, "test_errors.c:%d", __LINE__ - 1);
    sum = wg_exp(wg_mul(sum, a));
    ERROR_IS(wg_graph_error(g), WG_ESHAPE, "add: cannot broadcast f32[2] with f32[3]", line);
    EQ_STR(wg_tensor_op(sum), "error");
    wg_graph_free(g);
}

static void errors_name_their_scope(void)
{
    const wg_error *e;
    char text[600], want[200];
    int line;

    mistake_open(__LINE__);
    wg_scope_begin(g, "mlp");
    wg_scope_begin(g, "fc%d", 1);
    line = __LINE__ + 1;
    wg_matmul(F(32, 784), F(783, 128));
    snprintf(want, sizeof want,
             "test_errors.c:%d: matmul: inner extents differ: f32[32 x 784] . f32[783 x 128]\n  in "
             "mlp/fc1",
             line);
    e = wg_graph_error(g);
    EQ_STR(e->scope, "mlp/fc1");
    wg_error_text(e, text, sizeof text);
    EQ_STR(strstr(text, "test_errors.c"), want); /* after the folder the compiler was given */
    wg_graph_free(g);
}

static wg_tensor *in_function(wg_tensor *t)
{
    wg_begin(wg_tensor_graph(t), "f", WG_TRAIN);
    return t;
}

static void names_scopes_functions(void)
{
    MISTAKEN(wg_name(F(2), ""));
    FAILED(WG_ENAME, "name: the name is empty");
    MISTAKEN(wg_name(F(2), "a/b"));
    FAILED(WG_ENAME, "name: \"a/b\" holds a '/': scopes make paths");
    MISTAKEN(wg_name(F(2), NULL));
    FAILED(WG_ENAME, "name: the name is empty");
    MISTAKEN(wg_name(F(2), "a"), wg_name(F(2), "a"));
    FAILED(WG_ENAME, "name: \"a\" is taken in this function: use another name or scope");
    MISTAKEN(wg_output("y", F(2)));
    FAILED(WG_ESTATE, "output: no function is open: call wg_begin first");
    MISTAKEN(wg_output("", in_function(F(2))));
    FAILED(WG_ENAME, "output: the name is empty");
    MISTAKEN(wg_output("y", wg_output("y", in_function(F(2)))));
    FAILED(WG_ENAME, "output: function \"f\" has an output \"y\" already");
    MISTAKEN(wg_update("W", F(2)));
    FAILED(WG_ESTATE, "update: no function is open: call wg_begin first");
    MISTAKEN(wg_update("", in_function(F(2))));
    FAILED(WG_ENAME, "update: the entry's name is empty");
    MISTAKEN(wg_update("W", wg_update("W", in_function(F(2)))));
    FAILED(WG_ENAME,
           "update: \"W\" is updated already and that value would be lost: extend wg_pending");
    MISTAKEN(
        wg_update("p", in_function(wg_mul(wg_parameter(g, "p", WG_F32, WG_SHAPE(3)), F(1, 3)))));
    FAILED(WG_ESHAPE, "update: \"p\" is f32[3], the new value f32[1 x 3]");
    MISTAKEN(
        wg_update("p", in_function(wg_cast(wg_parameter(g, "p", WG_F32, WG_SHAPE(3)), WG_F64))));
    FAILED(WG_EDTYPE, "update: \"p\" is f32[3], the new value f64[3]");
    MISTAKEN(wg_pending(g, "W"));
    FAILED(WG_ENAME, "pending: the graph has no parameter \"W\"");
    MISTAKEN(wg_begin(g, "", WG_TRAIN));
    FAILED(WG_ENAME, "begin: the function's name is empty");
    MISTAKEN(wg_begin(g, NULL, WG_TRAIN));
    FAILED(WG_ENAME, "begin: the function's name is empty");
    MISTAKEN(wg_begin(wg_begin(g, "f", WG_TRAIN), "h", WG_TRAIN));
    FAILED(WG_ESTATE, "begin: function \"f\" is still open: call wg_end first");
    MISTAKEN(wg_end(wg_begin(g, "f", WG_TRAIN)));
    FAILED(WG_ESTATE, "end: function \"f\" has neither outputs nor updates");
    MISTAKEN(wg_output("y", in_function(F(2))), wg_end(g), wg_begin(g, "f", WG_TRAIN));
    FAILED(WG_ENAME, "begin: the graph has a function \"f\" already");
    MISTAKEN(wg_end(g));
    FAILED(WG_ESTATE, "end: no function is open");
    MISTAKEN(wg_scope_begin(g, "%s", ""));
    FAILED(WG_ENAME, "scope_begin: the name is empty");
    MISTAKEN(wg_scope_begin(g, NULL));
    FAILED(WG_ENAME, "scope_begin: the name is NULL");
    MISTAKEN(wg_scope_end(g));
    FAILED(WG_ESTATE, "scope_end: no scope is open");
}

static void every_record_refuses_something(void)
{
    wg_op_list ops = wg_std_ops();

    for (int k = 0; k < ops.n; k++)
        harness_check(has_refused(ops.op[k]->name), __FILE__, __LINE__,
                      "nothing here is refused by %s", ops.op[k]->name);
}

TESTS(TEST(leaves), TEST(arithmetic), TEST(comparisons), TEST(reductions), TEST(shapes),
      TEST(indexing), TEST(windows), TEST(every_record_refuses_something),
      TEST(nothing_passes_through), TEST(nothing_where_something_belongs), TEST(null_beside_a_tensor), TEST(operands_of_two_graphs),
      TEST(nested_calls_name_their_line), TEST(errors_name_their_scope),
      TEST(names_scopes_functions))
