/* cmd_draw.c: a picture of a saved program. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "draw.h"
#include "output.h"

typedef struct {
    const char *output, *function, *format;
    int64_t depth;
} draw_options;

static const option table_of_options[] = {
    OPT(draw_options, output, OPTION_TEXT, 'o', "output", "FILE", NULL,
        "where the picture goes; its ending says the format; - is standard output"),
    OPT(draw_options, format, OPTION_CHOICE, 0, "format", "svg|dot|html", NULL,
        "the format, where the file's name does not say it"),
    OPT(draw_options, function, OPTION_TEXT, 'f', "function", "NAME", NULL,
        "this function; without it html shows all of them, svg and dot the first that predicts, "
        "else the first of all"),
    OPT_RANGE(draw_options, depth, OPTION_WHOLE, "depth", "N", "0",
              "levels of scopes that are open in svg and dot; those below are folded into one box",
              0, 100),
    OPTIONS_END
};

static const char *format_of(const draw_options *o)
{
    const char *dot = o->output ? strrchr(o->output, '.') : NULL;

    if (o->format) return o->format;
    if (dot && (strcmp(dot, ".svg") == 0 || strcmp(dot, ".dot") == 0 || strcmp(dot, ".html") == 0))
        return dot + 1;
    if (dot && (strcmp(dot, ".gv") == 0 || strcmp(dot, ".htm") == 0))
        return dot[1] == 'g' ? "dot" : "html";
    return NULL;
}

static int draw_views(const program *p, const draw_options *o, const char *format, int n,
                      const view *v)
{
    const char *name = wg_metadata_get(p->graph, "name");
    char title[300];
    folding f = { 0 };
    output to;
    bool good;

    good = output_open(&to, o->output);
    snprintf(title, sizeof title, "%.200s%s%.80s", name ? name : p->path, n == 1 ? ": " : "",
             n == 1 ? wg_function_name(p->graph, v->function) : "");
    if (good && strcmp(format, "html") == 0) {
        good = draw_page(p, n, v, title, to.to);
    } else if (good) {
        good = fold(&f, v, (int)o->depth);
        if (good && strcmp(format, "dot") == 0) draw_dot(v, &f, to.to);
        else if (good) good = draw_svg(p, v, &f, title, to.to);
    }
    fold_free(&f);
    return output_close(&to, "draw", good ? EXIT_GOOD : trouble("draw", NULL, "out of memory"));
}

static int draw(int argc, char *const *operand, void *given)
{
    const draw_options *o = given;
    const char *format = format_of(o);
    program p;
    view *v = NULL;
    int first = 0, n = 0, status;

    (void)argc;
    if (!o->output && !o->format)
        return misuse("draw", "for instance: wengert draw model.json -o graph.svg",
                      "say where the picture goes: -o FILE");
    if (!format)
        return misuse("draw", NULL, "\"%s\" ends in none of .svg, .dot, .html: add --format=svg",
                      o->output);
    status = program_load(&p, "draw", operand[0]);
    if (status == EXIT_GOOD) {
        n = wg_function_count(p.graph);
        if (o->function || strcmp(format, "html") != 0) {
            first = program_function(&p, o->function, WG_PREDICT);
            n = 1;
        }
        v = calloc((size_t)n + 1, sizeof *v);
        if (first < 0) status = EXIT_TROUBLE;
        else if (!v) status = trouble("draw", NULL, "out of memory");
    }
    for (int i = 0; i < n && status == EXIT_GOOD; i++) status = view_make(&v[i], &p, first + i);
    if (status == EXIT_GOOD) status = draw_views(&p, o, format, n, v);
    for (int i = 0; v && i < n; i++) view_free(&v[i]);
    free(v);
    program_free(&p);
    return status;
}

const command_spec draw_command = {
    "draw",
    "MODEL.json",
    "a picture of a saved program, its scopes folded: SVG, Graphviz or a page to click through",
    "The page is one file that needs no network: scopes open and close, and a click on a box\n"
    "shows operation, type, attributes, call site, and the statistics of store entries. It has\n"
    "call sites where the program was saved with them.\n\nexamples:\n"
    "  wengert draw model.json -o graph.svg\n"
    "  wengert draw --function train --depth 1 model.json -o train.svg\n"
    "  wengert draw model.json -o graph.html\n"
    "  wengert draw --format dot model.json | dot -Tpdf -o graph.pdf\n",
    table_of_options,
    1,
    1,
    draw,
    sizeof(draw_options)
};
