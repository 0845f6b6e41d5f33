/* cmd_show.c: what is in a saved program. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "numbers.h"
#include "output.h"
#include "show.h"
#include "table.h"
#include "view.h"

typedef struct {
    const char *function;
    bool tree, json, entries, params;
} show_options;

static const option table_of_options[] = {
    OPT(show_options, function, OPTION_TEXT, 'f', "function", "NAME", NULL,
        "layers and operations of this function; the first that trains, else the first of all, "
        "when none is named"),
    OPT_FLAG(show_options, tree, 't', "tree", "scopes as a tree"),
    OPT_FLAG(show_options, entries, 'e', "entries", "every entry of the function, one a line"),
    OPT_FLAG(show_options, params, 'p', "params", "every entry of the store, with its statistics"),
    OPT_FLAG(show_options, json, 'j', "json", "everything, as JSON"),
    OPTIONS_END
};

/* ---- layers: scopes of the forward pass ---- */

static bool put_layers(const program *p, const view *v)
{
    char type[WG_TYPE_TEXT], count[32], bytes[32];
    table t;

    table_begin(&t, "layer|result|>entries|>gradient|>weights|>store");
    for (int g = 1; g < v->n_groups; g++) {
        const char *path = v->group[g].path;
        const wg_type *result = is_layer(v, g) ? result_of(v, g) : NULL;
        holding h = held(p->params, path);

        if (!is_layer(v, g)) continue;
        table_cell(&t, "%s", path);
        table_cell(&t, "%s", result ? wg_type_text(result, type) : "-");
        table_cell(&t, "%" PRId64, v->group[g].entries);
        table_cell(&t, "%" PRId64, gradient_entries(v, path));
        table_cell(&t, "%s", grouped(h.weights, count));
        table_cell(&t, "%s", bytes_text(h.bytes, bytes));
    }
    return table_end(&t, stdout);
}

/* ---- functions ---- */

static bool put_functions(const program *p)
{
    const wg_graph *g = p->graph;
    char type[WG_TYPE_TEXT];
    table t;

    table_begin(&t, "function|mode||name|type");
    for (int f = 0; f < wg_function_count(g); f++) {
        wg_tensor *leaf[64];
        int n = wg_function_inputs(g, f, 64, leaf), outputs = wg_function_n_outputs(g, f);
        bool train = wg_function_mode(g, f) == WG_TRAIN;

        for (int i = 0; i < n && i < 64; i++) {
            table_cell(&t, "%s", i == 0 ? wg_function_name(g, f) : "");
            table_cell(&t, "%s", i > 0 ? "" : train ? "train" : "predict");
            table_cell(&t, "input");
            table_cell(&t, "%s", wg_tensor_leaf_name(leaf[i]));
            table_cell(&t, "%s", wg_type_text(wg_tensor_type(leaf[i]), type));
        }
        for (int i = 0; i < outputs; i++) {
            table_cell(&t, "%s", n == 0 && i == 0 ? wg_function_name(g, f) : "");
            table_cell(&t, "%s", n > 0 || i > 0 ? "" : train ? "train" : "predict");
            table_cell(&t, "output");
            table_cell(&t, "%s", wg_function_output_name(g, f, i));
            table_cell(&t, "%s", wg_type_text(wg_tensor_type(wg_function_output(g, f, i)), type));
        }
        if (wg_function_n_updates(g, f) > 0 || n + outputs == 0) {
            table_cell(&t, "%s", n + outputs == 0 ? wg_function_name(g, f) : "");
            table_cell(&t, "%s", n + outputs > 0 ? "" : train ? "train" : "predict");
            table_cell(&t, "updates");
            table_cell(&t, "%d", wg_function_n_updates(g, f));
            table_cell(&t, "store entries");
        }
    }
    return table_end(&t, stdout);
}

/* ---- operations ---- */

static bool put_ops(const view *v)
{
    op_count count[OPS_MAX];
    int n = count_ops(v, count);
    char bytes[32];
    table t;

    table_begin(&t, "operation|>forward|>gradient|>results|what it does");
    for (int k = 0; k < n; k++) {
        table_cell(&t, "%s", count[k].op->name);
        table_cell(&t, "%" PRId64, count[k].forward);
        table_cell(&t, "%" PRId64, count[k].gradient);
        table_cell(&t, "%s", bytes_text(count[k].bytes, bytes));
        table_cell(&t, "%.60s", count[k].op->doc ? count[k].op->doc : "");
    }
    return table_end(&t, stdout);
}

static bool put_entries(const program *p, const view *v)
{
    char type[WG_TYPE_TEXT];
    table t;

    table_begin(&t, ">entry|operation|operands|type|name|scope|site");
    for (int i = 0; i < v->n_nodes; i++) {
        const wg_tensor *x = v->node[i].t;
        const char *leaf = wg_tensor_leaf_name(x), *name = wg_tensor_name(x);
        const char *site = program_site(p, x);
        char in[200] = "";

        if (v->node[i].kind != NODE_ENTRY) continue;
        for (int k = 0; k < wg_tensor_n_in(x) && strlen(in) < 150; k++)
            snprintf(in + strlen(in), sizeof in - strlen(in), "%s%%%" PRId64, k ? ", " : "",
                     wg_tensor_id(wg_tensor_in(x, k)));
        table_cell(&t, "%%%" PRId64, wg_tensor_id(x));
        table_cell(&t, "%s", wg_tensor_op(x));
        table_cell(&t, "%s", in);
        table_cell(&t, "%s", wg_type_text(wg_tensor_type(x), type));
        table_cell(&t, "%s", leaf ? leaf : name ? name : "");
        table_cell(&t, "%s%s", wg_tensor_scope(x), wg_tensor_derived(x) ? " (gradient)" : "");
        table_cell(&t, "%s", site ? site : "");
    }
    return table_end(&t, stdout);
}

static bool put_params(const program *p)
{
    char type[WG_TYPE_TEXT];
    table t;

    table_begin(&t, "store entry|type|trained|>min|>max|>mean|>std");
    for (int i = 0; i < wg_params_count(p->params); i++) {
        const wg_param *e = wg_params_at(p->params, i);
        figures f = figures_of(&e->value);

        table_cell(&t, "%s", e->name);
        table_cell(&t, "%s", wg_type_text(&e->value.type, type));
        table_cell(&t, "%s", e->trainable ? "yes" : "no");
        table_cell(&t, "%.4g", f.min);
        table_cell(&t, "%.4g", f.max);
        table_cell(&t, "%.4g", f.mean);
        table_cell(&t, "%.4g", f.std);
    }
    return table_end(&t, stdout);
}

/* ---- the tree ---- */

static void put_branch(const program *p, const view *v, int g, bool last, const char *before)
{
    char next[300], count[32], type[WG_TYPE_TEXT];
    const wg_type *result;
    int left = 0;

    if (g > 0) {
        holding h = held(p->params, v->group[g].path);

        printf("%s%s%s", before, last ? "`-- " : "|-- ", v->group[g].label);
        result = is_layer(v, g) ? result_of(v, g) : NULL;
        if (result) printf("  %s", wg_type_text(result, type));
        if (h.weights > 0) printf("  %s weights", grouped(h.weights, count));
        if (v->group[g].entries > 0) printf("  %" PRId64 " entries", v->group[g].entries);
        putchar('\n');
    }
    snprintf(next, sizeof next, "%.250s%s", before, g == 0 ? "" : last ? "    " : "|   ");
    for (int k = 1; k < v->n_groups; k++) left += v->group[k].parent == g;
    for (int k = 1; k < v->n_groups; k++)
        if (v->group[k].parent == g) put_branch(p, v, k, --left == 0, next);
}

/* ---- memory ---- */

static int put_memory(const program *p)
{
    char a[32], b[32], c[32];
    table t;
    int status = EXIT_GOOD;

    table_begin(&t, "memory of|>entries|>computed|>steps|>fused|>values|>each apart|>store|>flops");
    for (int f = 0; f < wg_function_count(p->graph) && status == EXIT_GOOD; f++) {
        wg_plan_stats s;

        status = plan_stats(p, f, &s);
        if (status != EXIT_GOOD) break;
        table_cell(&t, "%s", wg_function_name(p->graph, f));
        table_cell(&t, "%" PRId64, s.entries);
        table_cell(&t, "%" PRId64, s.computed);
        table_cell(&t, "%" PRId64, s.steps);
        table_cell(&t, "%" PRId64, s.fused_entries);
        table_cell(&t, "%s", bytes_text(s.arena_bytes, a));
        table_cell(&t, "%s", bytes_text(s.naive_bytes, b));
        table_cell(&t, "%s", bytes_text(s.param_bytes, c));
        table_cell(&t, "%.4g", s.flops);
    }
    /* A row is whole or was not begun. */
    if (!table_end(&t, stdout) && status == EXIT_GOOD)
        status = trouble(p->command, NULL, "out of memory");
    return status;
}

/* ---- all of it ---- */

static void put_title(const program *p)
{
    const char *name = wg_metadata_get(p->graph, "name");
    holding all = held(p->params, "");
    char count[32], bytes[32];

    printf("%s%s%s: %s weights in %d store entries of %s\n\n", p->path, name ? ": " : "",
           name ? name : "", grouped(all.weights, count), all.entries,
           bytes_text(all.bytes, bytes));
}

static int put_all(const program *p, const view *v)
{
    const char *name = wg_function_name(p->graph, v->function);
    bool good;

    put_title(p);
    good = put_functions(p);
    printf("\nlayers of \"%s\"\n", name);
    good = put_layers(p, v) && good;
    printf("\noperations of \"%s\"\n", name);
    good = put_ops(v) && good;
    putchar('\n');
    return good ? put_memory(p) : trouble(p->command, NULL, "out of memory");
}

static int show(int argc, char *const *operand, void *given)
{
    const show_options *o = given;
    program p;
    view v = { 0 };
    int status = program_load(&p, "show", operand[0]), f = 0;

    (void)argc;
    if (status == EXIT_GOOD) f = program_function(&p, o->function, WG_TRAIN);
    if (f < 0) status = EXIT_TROUBLE;
    if (status == EXIT_GOOD) status = view_make(&v, &p, f);
    if (status == EXIT_GOOD) {
        bool good = true;

        if (o->json) status = put_json("show", show_json(&p, &v));
        else if (o->tree) put_title(&p), put_branch(&p, &v, 0, true, "");
        else if (o->entries) good = put_entries(&p, &v);
        else if (o->params) good = put_params(&p);
        else status = put_all(&p, &v);
        if (!good) status = trouble("show", NULL, "out of memory");
    }
    view_free(&v);
    program_free(&p);
    return status;
}

const command_spec show_command = {
    "show",
    "MODEL.json",
    "layers, shapes, parameters, memory and operations of a saved program",
    "examples:\n"
    "  wengert show model.json\n"
    "  wengert show --tree model.json\n"
    "  wengert show --json model.json | python3 -m json.tool\n",
    table_of_options,
    1,
    1,
    show,
    sizeof(show_options)
};
