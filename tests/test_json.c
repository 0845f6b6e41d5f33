/* test_json.c: programs as JSON text: canonical order, every kind of attribute, bad input. */
#include <dirent.h>
#include <wengert.h>
#include <wengert/op.h>

#include "graph/internal.h"
#include "graph/program.h"
#include "harness.h"
#include "temp.h"

/* ---- records of our own, with every kind of attribute ---- */

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
static const wg_op plus = { .name = "plus",
                            .doc = "a + b",
                            .n_in = 2,
                            .flags = WG_OP_BROADCASTS,
                            .infer = wg_infer_broadcast,
                            .eval = WG_EVAL_KERNELS({ [WG_F32] = { never } }) };
static const wg_op many = { .name = "many",
                            .doc = "any number of operands",
                            .n_in = -1,
                            .infer = wg_infer_broadcast,
                            .eval = WG_EVAL_KERNELS({ [WG_F32] = { never } }) };

/* The library's records and those above. */
static wg_op_list own_ops(void)
{
    static const wg_op *all[512];
    wg_op_list std = wg_std_ops();
    int n = 0;

    for (int i = 0; i < std.n; i++) all[n++] = std.op[i];
    all[n++] = &every;
    all[n++] = &plus;
    all[n++] = &many;
    return (wg_op_list){ n, all };
}

static wg_tensor *plus_of(wg_tensor *a, wg_tensor *b)
{
    return wg_record2(&plus, NULL, a, b);
}

static wg_tensor *x_of(wg_graph *g, const char *name)
{
    return wg_input(g, name, WG_F32, WG_SHAPE(2, 3));
}

/* Saves, loads and saves again: the same bytes. The loaded program, and the text, are the caller's. */
static bool round_trip(const wg_graph *g, const wg_params *w, const wg_save_options *options,
                       wg_program *p, char **text)
{
    wg_load_options load = { .ops = own_ops() };
    wg_error error = { 0 };
    char *again = NULL;
    size_t n, m;
    bool ok;

    *p = (wg_program){ NULL, NULL };
    ok = wg_save_text(g, w, options, text, &n, &error) == WG_OK &&
         wg_load_text(*text, n, &load, p, &error) == WG_OK &&
         wg_verify(p->graph, &error) == WG_OK &&
         wg_save_text(p->graph, w ? p->params : NULL, options, &again, &m, &error) == WG_OK;
    NO_ERROR(&error);
    ok = ok && EQ_INT(m, n) && EQ_STR(again, *text);
    wg_free(again);
    return CHECK(ok);
}

static void every_kind(void)
{
    static const int64_t list[] = { INT64_MIN, -1, 0, INT64_MAX };
    static const float some[] = { 1.5f, -0.0f, 0.1f, INFINITY, -INFINITY, NAN };
    struct every_attr at = {
        .s = "tab\t \"quoted\" \\ \x01 \n \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 end",
        .list = { 4, list },
        .array = { { WG_F32, { 2, { 2, 3 } } }, (void *)(uintptr_t)some },
        .axes = { 2, { -1, 0 } },
        .shape = { 3, { 0, -1, 7 } },
        .dtype = WG_BOOL,
        .f = -0.0,
        .i = INT64_MIN,
        .fixed = { 1, -2, 3 },
        .choice = 1,
        .b = true
    };
    wg_graph *g = wg_graph_new();
    wg_program p;
    char *text;
    wg_tensor *t;

    wg_begin(g, "f", WG_PREDICT);
    wg_scope_begin(g, "outer");
    t = wg_name(wg_record1(&every, &at, x_of(g, "x")), "z");
    wg_scope_end(g);
    at.axes = WG_ALL_AXES;
    at.f = 0.1;
    at.list.n = 0;
    at.array.type.shape = WG_SHAPE(0, 3);
    wg_output("y", wg_record1(&every, &at, t));
    wg_end(g);
    NO_ERROR(wg_graph_error(g));
    REQUIRE(round_trip(g, NULL, NULL, &p, &text));
    EQ_INT(wg_graph_count(p.graph), 3);
    for (int64_t i = 1; i < 3; i++)
        CHECK(wg__attr_equal(every_fields, wg_tensor_attr(wg_graph_at(p.graph, i)),
                             wg_tensor_attr(wg_graph_at(g, i))));
    EQ_STR(wg_tensor_name(wg_graph_at(p.graph, 1)), "z");
    EQ_STR(wg_tensor_scope(wg_graph_at(p.graph, 1)), "outer");
    CHECK(strstr(text, "\"f\": -0.0,") != NULL && strstr(text, "\"f\": 0.1,") != NULL);
    CHECK(strstr(text, "[1.5, -0.0, 0.1, \"inf\", \"-inf\", \"nan\"]") != NULL);
    CHECK(strstr(text, "tab\\u0009 \\\"quoted\\\" \\\\ \\u0001 \\n \xc3\xa4") != NULL);
    wg_free(text);
    wg_program_free(&p);
    wg_graph_free(g);
}

/* The text of the smallest program there is, to the letter. */
static void text_to_the_letter(void)
{
    wg_params *w = wg_params_new(WG_F32, 7);
    wg_graph *g = wg_graph_new();
    wg_tensor *x, *W;
    wg_program p;
    wg_save_options compact = { .compact = true }, sites = { .sites = true };
    char *text;

    wg_params_add(w, "W", WG_F32, WG_SHAPE(3), true, NULL, NULL);
    wg_params_fill(w, "W", 0.1, NULL);
    x = x_of(g, "x");
    W = wg_param_leaf(g, w, "W");
    wg_begin(g, "train", WG_TRAIN);
    wg_output("y", plus_of(x, W));
    wg_update("W", W);
    wg_end(g);
    wg_metadata_set(g, "b", "2");
    wg_metadata_set(g, "a", "1");
    NO_ERROR(wg_graph_error(g));
    REQUIRE(round_trip(g, w, NULL, &p, &text));
    EQ_STR(
        text,
        "{\n"
        "\"wengert\": 1,\n"
        "\"functions\": {\n"
        "\"train\": {\"mode\": \"train\", \"outputs\": {\"y\": 2}, \"updates\": {\"W\": 1}}\n"
        "},\n"
        "\"schedulers\": {},\n"
        "\"metadata\": {\n"
        "\"a\": \"1\",\n"
        "\"b\": \"2\"\n"
        "},\n"
        "\"store\": {\"dtype\": \"f32\", \"seed\": \"7\"},\n"
        "\"nodes\": [\n"
        "{\"op\": \"input\", \"in\": [], \"attr\": {\"name\": \"x\", \"shape\": [2, 3], \"dtype\": "
        "\"f32\"}},\n"
        "{\"op\": \"parameter\", \"in\": [], \"attr\": {\"name\": \"W\", \"shape\": [3], "
        "\"dtype\": \"f32\"}},\n"
        "{\"op\": \"plus\", \"in\": [0, 1]}\n"
        "],\n"
        "\"params\": {\n"
        "\"W\": {\"dtype\": \"f32\", \"shape\": [3], \"trainable\": true, \"data\": [0.1, 0.1, "
        "0.1]},\n"
        "\"rng/run\": {\"dtype\": \"i64\", \"shape\": [], \"trainable\": false, \"data\": [0]},\n"
        "\"rng/seed\": {\"dtype\": \"i64\", \"shape\": [], \"trainable\": false, \"data\": [7]}\n"
        "}\n"
        "}\n");
    EQ_INT(wg_params_seed(p.params), 7);
    EQ_INT(wg_params_dtype(p.params), WG_F32);
    EQ_INT(wg_function_mode(p.graph, 0), WG_TRAIN);
    CHECK(wg_params_find(p.params, "W")->trainable &&
          !wg_params_find(p.params, "rng/run")->trainable);
    wg_free(text);
    wg_program_free(&p);
    REQUIRE(round_trip(g, w, &compact, &p, &text));
    CHECK(strchr(text, '\n') == NULL);
    wg_free(text);
    wg_program_free(&p);
    REQUIRE(wg_save_text(g, w, &sites, &text, NULL, NULL) == WG_OK);
    CHECK(strstr(text, "\"debug\": {\"sites\": [\n") != NULL);
    CHECK(strstr(text, "\"test_json.c:") != NULL &&
          strchr(strstr(text, "\"test_json.c:"), '/') == NULL);
    wg_free(text);
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- order ---- */

static char *saved(wg_graph *g, const wg_params *w, const wg_save_options *options)
{
    wg_error error = { 0 };
    char *text = NULL;

    wg_save_text(g, w, options, &text, NULL, &error);
    NO_ERROR(wg_graph_error(g));
    NO_ERROR(&error);
    return text;
}

/* The same program, its pieces recorded in another order, with entries that nothing needs in between. */
static wg_graph *shuffled(bool backwards)
{
    wg_graph *g = wg_graph_new();
    wg_tensor *a, *b, *c, *d;

    if (backwards) {
        b = x_of(g, "b");
        a = x_of(g, "a");
        plus_of(a, a);
        d = plus_of(b, a);
        plus_of(d, d);
        c = plus_of(a, b);
    } else {
        a = x_of(g, "a");
        b = x_of(g, "b");
        c = plus_of(a, b);
        d = plus_of(b, a);
    }
    wg_begin(g, "f", WG_TRAIN);
    wg_output("y", plus_of(c, d));
    if (backwards) {
        wg_update("U", d);
        wg_update("T", c);
    } else {
        wg_update("T", c);
        wg_update("U", d);
    }
    wg_end(g);
    wg_begin(g, "g", WG_PREDICT);
    wg_output("only", d);
    wg_end(g);
    return g;
}

static void equal_graphs_equal_bytes(void)
{
    wg_graph *g = shuffled(false), *h = shuffled(true);
    wg_params *w = wg_params_new(WG_F64, 1), *v = wg_params_new(WG_F64, 1);
    char *a, *b;

    wg_params_add(w, "T", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_params_add(w, "U", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_params_add(v, "U", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    wg_params_add(v, "T", WG_F32, WG_SHAPE(2, 3), true, NULL, NULL);
    a = saved(g, w, NULL);
    b = saved(h, v, NULL);
    EQ_STR(b, a);
    wg_free(a);
    wg_free(b);
    wg_params_free(v);
    wg_params_free(w);
    wg_graph_free(h);
    wg_graph_free(g);
}

static void one_function_only(void)
{
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_graph *g = wg_graph_new();
    wg_save_options only = { .function = "small" };
    wg_error error = { 0 };
    wg_program p;
    wg_tensor *a;
    char *text;

    wg_params_add(w, "read", WG_F32, WG_SHAPE(3), true, NULL, NULL);
    wg_params_add(w, "written", WG_F32, WG_SHAPE(3), true, NULL, NULL);
    wg_params_add(w, "neither", WG_F32, WG_SHAPE(3), true, NULL, NULL);
    wg_begin(g, "large", WG_TRAIN);
    wg_output("y", plus_of(x_of(g, "x"), wg_param_leaf(g, w, "neither")));
    wg_end(g);
    wg_begin(g, "small", WG_TRAIN);
    a = wg_param_leaf(g, w, "read");
    wg_update("written", plus_of(a, a));
    wg_end(g);
    REQUIRE(round_trip(g, w, &only, &p, &text));
    EQ_INT(wg_function_count(p.graph), 1);
    EQ_INT(wg_graph_count(p.graph), 2);
    EQ_INT(wg_params_count(p.params), 4);
    CHECK(wg_params_find(p.params, "read") && wg_params_find(p.params, "written") &&
          wg_params_find(p.params, "rng/seed"));
    CHECK(!wg_params_find(p.params, "neither"));
    wg_free(text);
    wg_program_free(&p);
    only.function = "none";
    EQ_INT(wg_save_text(g, w, &only, &text, NULL, &error), WG_ENAME);
    ERROR_IS(&error, WG_ENAME, "text: the graph has no function \"none\"", NULL);
    CHECK(text == NULL);
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- what surrounds the nodes ---- */

static void kept_objects(void)
{
    static const char schedulers[] = "{\"lr\":{\"class\":\"King\",\"history\":[1.5,2,-0.0,1e400]}}";
    static const char sound[] =
        "{\"lr\":{\"class\":\"King\",\"history\":[1.5,2,0.1,-0.0]},\"other\":{}}";
    wg_graph *g = wg_graph_new();
    wg_error error = { 0 };
    wg_program p;
    char *text;

    wg_begin(g, "f", WG_PREDICT);
    wg_output("y", x_of(g, "x"));
    wg_end(g);
    wg_metadata_set(g, "wengert.schedulers", schedulers);
    EQ_INT(wg_save_text(g, NULL, NULL, &text, NULL, &error), WG_EFORMAT);
    ERROR_IS(&error, WG_EFORMAT,
             "wengert.schedulers: line 1, column 49: a number is out of range near '1e400'", NULL);
    wg_metadata_set(g, "wengert.schedulers", "{\"lr\": 3}");
    error = (wg_error){ 0 };
    EQ_INT(wg_save_text(g, NULL, NULL, &text, NULL, &error), WG_EFORMAT);
    ERROR_IS(&error, WG_EFORMAT, "wengert.schedulers: \"lr\" is an integer, not an object", NULL);
    wg_metadata_set(g, "wengert.schedulers", sound);
    wg_metadata_set(g, "wengert.extensions", "{\"a\": [null, true, {\"deep\": \"x\"}]}");
    REQUIRE(round_trip(g, NULL, NULL, &p, &text));
    CHECK(strstr(text, "\"schedulers\": {\"lr\": {\"class\": \"King\", \"history\": [1.5, 2, 0.1, "
                       "-0.0]}, \"other\": {}},") != NULL);
    CHECK(strstr(text, "\"extensions\": {\"a\": [null, true, {\"deep\": \"x\"}]},") != NULL);
    CHECK(strstr(text, "\"metadata\": {},") != NULL);
    wg_free(text);
    wg_program_free(&p);
    wg_graph_free(g);
}

static void refuses_to_save(void)
{
    wg_graph *g = wg_graph_new();
    wg_params *w = wg_params_new(WG_F32, 1);
    wg_error error = { 0 };
    const char *line;
    char *text = NULL;

    EQ_INT(wg_save_text(NULL, NULL, NULL, &text, NULL, &error), WG_ENOMEM);
    error = (wg_error){ 0 };
    EQ_INT(wg_save_text(g, w, NULL, NULL, NULL, &error), WG_EARG);
    ERROR_IS(&error, WG_EARG, "save_text: text is NULL", NULL);
    error = (wg_error){ 0 };
    wg_save_text(g, w, NULL, &text, NULL, &error);
    ERROR_IS(&error, WG_ESTATE, "text: the graph has no function: call wg_begin and wg_end", NULL);
    wg_begin(g, "f", WG_PREDICT);
    wg_output("y", wg_parameter(g, "W", WG_F32, WG_SHAPE(2)));
    error = (wg_error){ 0 };
    wg_save_text(g, w, NULL, &text, NULL, &error);
    ERROR_IS(&error, WG_ESTATE, "text: function \"f\" is still open: call wg_end first", NULL);
    wg_end(g);
    error = (wg_error){ 0 };
    wg_save_text(g, w, NULL, &text, NULL, &error);
    ERROR_IS(&error, WG_ENAME, "text: parameter: node 0: the store has no entry \"W\"", NULL);
    wg_params_add(w, "W", WG_F32, WG_SHAPE(3), true, NULL, NULL);
    error = (wg_error){ 0 };
    wg_save_text(g, w, NULL, &text, NULL, &error);
    ERROR_IS(&error, WG_ESHAPE, "text: parameter: node 0: \"W\" is f32[2], the store's f32[3]",
             NULL);
    wg_metadata_set(g, "broken \xff name", "x");
    error = (wg_error){ 0 };
    wg_save_text(g, NULL, NULL, &text, NULL, &error);
    ERROR_IS(&error, WG_ENAME, "text: \"broken \xff name\" is not UTF-8", NULL);
    wg_metadata_set(g, "broken \xff name", NULL);
    error = (wg_error){ 0 };
    EQ_INT(wg_save_text(g, NULL, NULL, &text, NULL, &error), WG_OK);
    wg_free(text);
    wg_begin(g, "f", WG_PREDICT);
    line = ABOVE;
    error = (wg_error){ 0 };
    wg_save_text(g, w, NULL, &text, NULL, &error);
    ERROR_IS(&error, WG_ENAME, "begin: the graph has a function \"f\" already", line);
    CHECK(text == NULL);
    wg_graph_free(g);
    wg_params_free(w);
}

/* ---- bad input: each folder of bad_json holds an input and what must be said of it ---- */

static char *read_whole(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;

    *n = 0;
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    text = calloc(1, (size_t)ftell(f) + 1);
    *n = (size_t)ftell(f);
    rewind(f);
    if (fread(text, 1, *n, f) != *n) *n = 0;
    fclose(f);
    return text;
}

static void check_bad(const char *folder)
{
    char path[600], got[400], *want, *text;
    size_t n, live = wg__live_bytes();
    wg_error error = { 0 };
    wg_program p = { NULL, NULL };

    snprintf(path, sizeof path, "%s/error", folder);
    want = read_whole(path, &n);
    if (want && n > 0 && want[n - 1] == '\n') want[n - 1] = '\0';
    snprintf(path, sizeof path, "%s/input", folder);
    wg_load(path, NULL, &p, &error);
    snprintf(got, sizeof got, "%s\n%s", wg_status_name(error.code), error.text);
    if (!EQ_STR(got, want)) fprintf(stderr, "    in %s\n", folder);
    CHECK(p.graph == NULL && p.params == NULL);
    /* The same from memory, where the name is another. */
    text = read_whole(path, &n);
    if (text && !strstr(text, "\"weights\"")) {
        error = (wg_error){ 0 };
        wg_load_text(text, n, NULL, &p, &error);
        if (want && strstr(want, "input: "))
            EQ_STR(error.text + strlen("text: "), strstr(want, "input: ") + strlen("input: "));
    }
    EQ_INT(wg__live_bytes(), live);
    free(text);
    free(want);
}

static void bad_files(void)
{
    DIR *all = opendir("bad_json");
    int n = 0;

    REQUIRE(all != NULL);
    for (struct dirent *d; (d = readdir(all));) {
        char path[512];

        if (d->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "bad_json/%s", d->d_name);
        check_bad(path);
        n++;
    }
    closedir(all);
    CHECK(n >= 80);
}

static void limits_of_the_caller(void)
{
    wg_graph *g = shuffled(false);
    wg_load_options load = { .ops = own_ops(), .max_nodes = 4 };
    wg_error error = { 0 };
    wg_program p;
    char *text = saved(g, NULL, NULL);

    EQ_INT(wg_load_text(text, strlen(text), &load, &p, &error), WG_ELIMIT);
    ERROR_IS(&error, WG_ELIMIT, "text: 5 nodes are more than the 4 allowed", NULL);
    EQ_INT(wg_load_text(NULL, 0, &load, &p, NULL), WG_EARG);
    EQ_INT(wg_load_text(text, strlen(text), &load, NULL, NULL), WG_EARG);
    EQ_INT(wg_load(NULL, &load, &p, NULL), WG_EARG);
    wg_program_free(NULL);
    wg_free(text);
    wg_graph_free(g);
}

/* A text cut anywhere is refused, and nothing of it is left. */
static void cut_anywhere(void)
{
    wg_params *w = wg_params_new(WG_F32, 7);
    wg_graph *g = wg_graph_new();
    wg_load_options load = { .ops = own_ops() };
    size_t live, n;
    int accepted = 0;
    char *text;

    wg_begin(g, "f", WG_PREDICT);
    wg_output("y", plus_of(x_of(g, "x"), x_of(g, "z")));
    wg_end(g);
    text = saved(g, w, NULL);
    n = strlen(text);
    live = wg__live_bytes();
    for (size_t cut = 0; cut + 2 < n; cut++) {
        wg_program p;
        wg_error error = { 0 };

        accepted += wg_load_text(text, cut, &load, &p, &error) == WG_OK;
        accepted += error.code == WG_OK || error.text[0] == '\0';
    }
    EQ_INT(accepted, 0);
    EQ_INT(wg__live_bytes(), live);
    wg_free(text);
    wg_graph_free(g);
    wg_params_free(w);
}

static void no_params_gives_zeros(void)
{
    wg_params *w = wg_params_new(WG_F64, 9);
    wg_graph *g = wg_graph_new();
    wg_load_options load = { .ops = own_ops(), .no_params = true };
    wg_program p;
    char *text;

    wg_params_add(w, "W", WG_F64, WG_SHAPE(2), true, NULL, NULL);
    wg_params_fill(w, "W", 3, NULL);
    wg_begin(g, "f", WG_PREDICT);
    wg_output("y", wg_param_leaf(g, w, "W"));
    wg_end(g);
    text = saved(g, w, NULL);
    REQUIRE(wg_load_text(text, strlen(text), &load, &p, NULL) == WG_OK);
    CLOSE((double *)wg_params_find(p.params, "W")->value.data, ((double[]){ 0, 0 }), 2, 0, 0);
    EQ_INT(wg_params_seed(p.params), 9);
    wg_free(text);
    wg_program_free(&p);
    wg_graph_free(g);
    wg_params_free(w);
}

TESTS(TEST(every_kind), TEST(text_to_the_letter), TEST(equal_graphs_equal_bytes),
      TEST(one_function_only), TEST(kept_objects), TEST(refuses_to_save), TEST(bad_files),
      TEST(limits_of_the_caller), TEST(cut_anywhere), TEST(no_params_gives_zeros))
