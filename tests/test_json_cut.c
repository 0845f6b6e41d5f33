/*
 * test_json_cut.c: nodes that are read in pieces are what they are when the text is read as a whole,
 * and of a text with a fault the same is said, to the letter: for texts in every layout, and for a
 * program with each of its bytes replaced, taken out or doubled.
 */
#include "harness.h"
#include "whole.h"

/* What comes of a text. */
struct outcome {
    wg_error error;
    char *saved; /* NULL: refused */
};

static struct outcome end(wg_program *p, wg_error error)
{
    struct outcome o = { .error = error };
    size_t n;

    if (error.code == WG_OK) wg_save_text(p->graph, p->params, NULL, &o.saved, &n, &o.error);
    wg_program_free(p);
    return o;
}

static struct outcome as_a_whole(const char *text, size_t n)
{
    wg_error error = { .code = WG_OK };
    wg_program p;

    load_whole(text, n, &p, &error);
    return end(&p, error);
}

static struct outcome in_pieces(const char *text, size_t n)
{
    wg_error error = { .code = WG_OK };
    wg_program p;

    wg_load_text(text, n, NULL, &p, &error);
    return end(&p, error);
}

static bool same(const char *text, size_t n, bool *accepted)
{
    struct outcome a = as_a_whole(text, n), b = in_pieces(text, n);
    bool ok = a.error.code == b.error.code && strcmp(a.error.text, b.error.text) == 0 &&
              !a.saved == !b.saved && (!a.saved || strcmp(a.saved, b.saved) == 0);

    if (!ok)
        fprintf(stderr, "%.*s\nas a whole: %s\nin pieces: %s\n", (int)n, text,
                a.saved ? a.saved : a.error.text, b.saved ? b.saved : b.error.text);
    *accepted = a.saved != NULL;
    wg_free(a.saved);
    wg_free(b.saved);
    return ok;
}

/* Frames that are parsed when all nodes are read in pieces; -1: they are not. */
static int64_t frames_of(const char *text)
{
    wg_error error = { .code = WG_OK };
    wg_json_nodes p;
    wg_json *root = wg__json_parse_but(text, strlen(text), &p, "text", &error);
    int64_t n = p.text ? 0 : -1;

    for (int64_t i = 0; p.text && i < p.cuts.n && n >= 0; i++) {
        wg_json_node node;
        bool ok = wg__json_node(&p, i, &node, "text", &error) == WG_OK;

        n = ok ? p.n_frames : -1;
    }
    wg__json_nodes_free(&p);
    wg__json_free(root);
    return n;
}

#define INPUT                                                                                      \
    "{\"op\": \"input\", \"in\": [], \"attr\": {\"name\": \"x\", \"shape\": [2], \"dtype\": "      \
    "\"f32\"}}"
#define BEGIN                                                                                      \
    "{\"wengert\": 1, \"functions\": {\"f\": {\"mode\": \"predict\", \"outputs\": {\"y\": 2}, "    \
    "\"updates\": {}}}, \"nodes\": ["
#define ADD "{\"op\": \"add\", \"in\": [0, 0], \"scope\": \"s\"}"

static const struct {
    const char *text;
    bool valid;
    int64_t frames; /* -1: read as a whole */
} layouts[] = {
    { BEGIN INPUT "," ADD "," ADD "]}", true, 2 },
    { BEGIN "\n" INPUT ",\n\t" ADD "  ,\r\n" ADD "\n]\n}\n", true, 3 },
    /* Members in another order, and names that are written in another way. */
    { BEGIN INPUT ", {\"in\": [0, 0], \"op\": \"add\"}, {\"in\": [1, 0], \"op\": \"add\"}]}", true,
      2 },
    { BEGIN INPUT "," ADD ", {\"op\": \"sum\", \"attr\": {\"axes\": [0], \"keepdims\": false}, "
                  "\"in\": [1]}]}",
      true, 3 },
    { "{\"nodes\": [" INPUT "," ADD "," ADD
      "], \"functions\": {\"f\": {\"mode\": \"predict\", \"outputs\": "
      "{\"y\": 2}, \"updates\": {}}}, \"wengert\": 1}",
      true, 2 },
    { "{\"wengert\": 1, \"functions\": {\"f\": {\"mode\": \"predict\", \"outputs\": {\"y\": 0}, "
      "\"updates\": {}}}, \"\\u006eodes\": [" INPUT "]}",
      true, -1 },
    { BEGIN INPUT "," ADD ", {\"op\": \"add\", \"\\u0069n\": [0, 0]}]}", true, -1 },
    /* Brackets, commas and quotes in strings. */
    { BEGIN INPUT "," ADD
                  ", {\"op\": \"add\", \"scope\": \"a],[{\\\"in\\\": [\\\\\", \"in\": [0, 0]}]}",
      true, 3 },
    { BEGIN INPUT "," ADD
                  ", {\"op\": \"add\", \"in\": [1, 0], \"scope\": \"in\", \"name\": \"]}, {\"}]}",
      true, 3 },
    /* `nodes` and `in` elsewhere. */
    { "{\"wengert\": 1, \"extensions\": {\"nodes\": [1], \"in\": [2]}, \"functions\": {\"nodes\": "
      "{\"mode\": \"predict\", \"outputs\": {\"nodes\": 0}, \"updates\": {}}}, \"nodes\": [" INPUT
      "]}",
      true, 1 },
    /* Faults that stand where a cut is. */
    { BEGIN INPUT "," ADD ",]}", false, -1 },
    { BEGIN INPUT ",," ADD "]}", false, -1 },
    { BEGIN INPUT " " ADD "," ADD "]}", false, -1 },
    { BEGIN INPUT "," ADD "," ADD "}}", false, -1 },
    { BEGIN INPUT "," ADD ", {\"op\": \"add\", \"in\": [0, 0}]]}", false, -1 },
    { BEGIN INPUT "," ADD ", {\"op\": \"add\", \"in\": [0, 0], \"in\": [0, 1]}]}", false, -1 },
    { BEGIN INPUT "," ADD ", [\"op\", \"in\", [0, 0]]]}", false, -1 },
    { BEGIN INPUT "," ADD ", {\"op\": \"add\", \"in\": 5, \"name\": [0, 0]}]}", false, -1 },
    { BEGIN INPUT "," ADD ", {\"op\": \"add\", \"in\": \"in\", \"name\": [0, 0]}]}", false, -1 },
    { BEGIN INPUT "," ADD "," ADD "], \"nodes\": []}", false, -1 },
    { BEGIN INPUT "," ADD "," ADD "]", false, -1 },
    { BEGIN "]}", false, -1 },
    { BEGIN "[[[1]]], \"in\", [0]]}", false, -1 },
    { BEGIN INPUT "," ADD "," ADD "], \"wengert\\\"nodes\": []}", false, 2 },
    { "[\"nodes\", [" INPUT "]]", false, -1 },
};

static void layouts_of_a_text(void)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        const char *text = layouts[i].text;
        bool accepted;

        if (!same(text, strlen(text), &accepted) || accepted != layouts[i].valid ||
            (layouts[i].frames != -1 && frames_of(text) != layouts[i].frames))
            harness_check(false, __FILE__, __LINE__, "layout %zu: %d %" PRId64, i, accepted,
                          frames_of(text));
        CHECK(layouts[i].frames != -1 || !accepted || frames_of(text) == -1);
    }
}

/* A model's training step, and what there is to a program beside nodes. */
static char *program_text(size_t *n)
{
    wg_graph *g = wg_graph_new();
    wg_params *w = wg_params_new(WG_F32, 3);
    wg_tensor *x = wg_input(g, "x", WG_F32, WG_SHAPE(2, 3));
    wg_error error = { .code = WG_OK };
    char *text = NULL;

    wg_params_add(w, "W", WG_F32, WG_SHAPE(3, 1), true, NULL, NULL);
    wg_metadata_set(g, "name", "a \"name\" with [brackets], {braces} and \\");
    wg_begin(g, "step", WG_TRAIN);
    wg_scope_begin(g, "layer");
    x = wg_matmul(x, wg_param_leaf(g, w, "W"));
    wg_scope_end(g);
    wg_output("loss", wg_mean(wg_square(x), WG_ALL_AXES, false));
    wg_update("W", wg_sub(wg_param_leaf(g, w, "W"),
                          wg_mul(wg_param_leaf(g, w, "W"), wg_param_leaf(g, w, "W"))));
    wg_end(g);
    wg_save_text(g, w, NULL, &text, n, &error);
    NO_ERROR(&error);
    wg_graph_free(g);
    wg_params_free(w);
    return text;
}

static void every_byte(void)
{
    static const char others[] = "\"\\[]{},: \n0-x";
    size_t n = 0;
    char *text = program_text(&n), *bent = malloc(n + 2);
    int step = harness_slow() ? 17 : 1, refused = 0, all = 0;
    bool ok = true, accepted;

    REQUIRE(text && bent);
    CHECK(same(text, n, &accepted) && accepted && frames_of(text) > 3);
    for (size_t i = 0; i < n && ok; i += (size_t)step) {
        for (const char *c = others; ok && c < others + sizeof others; c++) {
            memcpy(bent, text, n);
            bent[i] = *c;
            ok = same(bent, n, &accepted);
            refused += !accepted;
            all++;
        }
        memcpy(bent, text, i);
        memcpy(bent + i, text + i + 1, n - i - 1);
        ok = ok && same(bent, n - 1, &accepted);
        memcpy(bent, text, i + 1);
        memcpy(bent + i + 1, text + i, n - i);
        ok = ok && same(bent, n + 1, &accepted);
    }
    CHECK(ok);
    CHECK(refused > all / 2 && refused < all);
    free(bent);
    wg_free(text);
}

/* Several parts; each node uses the one before. `last` stands at the end of the list. */
static char *chain_text(int nodes, const char *last)
{
    char *text = malloc((size_t)nodes * 60 + 1000), *at = text;

    if (!text) return NULL;
    at += sprintf(at,
                  "{\"wengert\": 1, \"functions\": {\"f\": {\"mode\": \"predict\", \"outputs\": "
                  "{\"y\": %d}, \"updates\": {}}}, \"nodes\": [" INPUT,
                  nodes - 1);
    for (int i = 1; i < nodes; i++)
        at += sprintf(at, ",\n{\"op\": \"%s\", \"in\": [%d%s]}", i % 3 ? "add" : "exp", i - 1,
                      i % 3 ? ", 0" : "");
    sprintf(at, "%s]}", last);
    return text;
}

static void many_parts(void)
{
    static const char *const lasts[] = { "",
                                         ",",
                                         ", {\"op\": \"add\", \"in\": [3000, 0]}",
                                         ", {\"op\": \"odd\", \"in\": []}",
                                         ", {\"op\": \"add\"}",
                                         ", {\"op\": \"add\", \"in\": [0, 0" };

    for (size_t i = 0; i < sizeof lasts / sizeof *lasts; i++) {
        char *text = chain_text(3000, lasts[i]);
        bool accepted;

        REQUIRE(text != NULL);
        if (i == 0) EQ_INT(frames_of(text), 3);
        CHECK(same(text, strlen(text), &accepted));
        CHECK(accepted == (i == 0));
        free(text);
    }
}

TESTS(TEST(layouts_of_a_text), TEST(every_byte), TEST(many_parts))
