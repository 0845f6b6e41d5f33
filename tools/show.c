/* show.c: see show.h. */
#include "show.h"

#include <string.h>

#include "numbers.h"
#include "output.h"

static bool is_in(const char *name, const char *path)
{
    size_t n = strlen(path);

    return n == 0 || (strncmp(name, path, n) == 0 && name[n] == '/');
}

holding held(const wg_params *w, const char *path)
{
    holding h = { 0, 0, 0 };

    for (int i = 0; i < wg_params_count(w); i++) {
        const wg_param *e = wg_params_at(w, i);

        if (!is_in(e->name, path)) continue;
        h.entries++;
        h.bytes += wg_type_bytes(&e->value.type);
        if (e->trainable) h.weights += wg_shape_count(&e->value.type.shape);
    }
    return h;
}

/* ---- layers: scopes of the forward pass ---- */

/* The last forward entry below a group: what the layer gives. */
const wg_type *result_of(const view *v, int g)
{
    const wg_type *type = NULL;

    for (int i = 0; i < v->n_nodes; i++)
        if (v->node[i].kind == NODE_ENTRY && wg_tensor_n_in(v->node[i].t) > 0 &&
            view_below(v, v->node[i].group, g))
            type = wg_tensor_type(v->node[i].t);
    return type;
}

int64_t gradient_entries(const view *v, const char *path)
{
    char text[1200];
    int g;

    snprintf(text, sizeof text, "gradient/%s", path);
    g = view_find(v, text);
    return g < 0 ? 0 : v->group[g].entries;
}

bool is_layer(const view *v, int g)
{
    const char *path = v->group[g].path;

    return g > 0 && v->group[g].entries > 0 && strcmp(path, "gradient") != 0 &&
           !is_in(path, "gradient") && strcmp(path, "updates") != 0;
}

int count_ops(const view *v, op_count *count)
{
    int n = 0;

    for (int i = 0; i < v->n_nodes; i++) {
        const wg_tensor *t = v->node[i].t;
        const wg_op *op = wg_tensor_record(t);
        int k = 0;

        if (v->node[i].kind != NODE_ENTRY) continue;
        while (k < n && count[k].op != op) k++;
        if (k == OPS_MAX) continue;
        if (k == n) count[n++] = (op_count){ op, 0, 0, 0 };
        if (wg_tensor_derived(t)) count[k].gradient++;
        else count[k].forward++;
        count[k].bytes += wg_type_bytes(wg_tensor_type(t));
    }
    return n;
}

int plan_stats(const program *p, int f, wg_plan_stats *stats)
{
    wg_error error = { .code = WG_OK };
    wg_plan *plan =
        wg_plan_new_error(p->graph, p->params, wg_function_name(p->graph, f), NULL, &error);
    int status = EXIT_GOOD;

    if (!plan) return trouble_of(p->command, NULL, &error);
    if (wg_plan_report(plan, stats) != WG_OK)
        status = trouble_of(p->command, NULL, wg_plan_error(plan));
    wg_plan_free(plan);
    return status;
}

/* ---- as JSON ---- */

static json_t *type_json(const wg_type *type)
{
    json_t *shape = json_array();

    for (int i = 0; i < type->shape.rank; i++)
        json_array_append_new(shape, json_integer(type->shape.dim[i]));
    return json_pack("{s:s, s:o}", "dtype", wg_dtype_name(type->dtype), "shape", shape);
}

static json_t *function_json(const program *p, int f)
{
    const wg_graph *g = p->graph;
    json_t *inputs = json_object(), *outputs = json_object(), *updates = json_array();
    wg_tensor *leaf[256];
    int n = wg_function_inputs(g, f, 256, leaf);
    wg_plan_stats s;

    for (int i = 0; i < n && i < 256; i++)
        json_object_set_new(inputs, wg_tensor_leaf_name(leaf[i]),
                            type_json(wg_tensor_type(leaf[i])));
    for (int i = 0; i < wg_function_n_outputs(g, f); i++)
        json_object_set_new(outputs, wg_function_output_name(g, f, i),
                            type_json(wg_tensor_type(wg_function_output(g, f, i))));
    for (int i = 0; i < wg_function_n_updates(g, f); i++)
        json_array_append_new(updates, json_string(wg_function_update_name(g, f, i)));
    if (plan_stats(p, f, &s) != EXIT_GOOD) s = (wg_plan_stats){ 0 };
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}}", "name",
        wg_function_name(g, f), "mode", wg_function_mode(g, f) == WG_TRAIN ? "train" : "predict",
        "inputs", inputs, "outputs", outputs, "updates", updates, "plan", "entries",
        (json_int_t)s.entries, "computed", (json_int_t)s.computed, "steps", (json_int_t)s.steps,
        "fused_entries", (json_int_t)s.fused_entries, "arena_bytes", (json_int_t)s.arena_bytes,
        "naive_bytes", (json_int_t)s.naive_bytes, "param_bytes", (json_int_t)s.param_bytes, "flops",
        json_number(s.flops));
}

static json_t *layers_json(const program *p, const view *v)
{
    json_t *layers = json_array();

    for (int g = 1; g < v->n_groups; g++) {
        const wg_type *result = is_layer(v, g) ? result_of(v, g) : NULL;
        holding h = held(p->params, v->group[g].path);

        if (!is_layer(v, g)) continue;
        json_array_append_new(
            layers, json_pack("{s:s, s:o, s:I, s:I, s:I, s:I}", "path", v->group[g].path, "result",
                              result ? type_json(result) : json_null(), "entries",
                              (json_int_t)v->group[g].entries, "gradient_entries",
                              (json_int_t)gradient_entries(v, v->group[g].path), "weights",
                              (json_int_t)h.weights, "store_bytes", (json_int_t)h.bytes));
    }
    return layers;
}

static json_t *ops_json(const view *v)
{
    op_count count[OPS_MAX];
    json_t *ops = json_array();
    int n = count_ops(v, count);

    for (int k = 0; k < n; k++)
        json_array_append_new(ops, json_pack("{s:s, s:I, s:I, s:I}", "op", count[k].op->name,
                                             "forward", (json_int_t)count[k].forward, "gradient",
                                             (json_int_t)count[k].gradient, "result_bytes",
                                             (json_int_t)count[k].bytes));
    return ops;
}

static json_t *params_json(const wg_params *w)
{
    json_t *params = json_object();

    for (int i = 0; i < wg_params_count(w); i++) {
        const wg_param *e = wg_params_at(w, i);
        figures f = figures_of(&e->value);

        json_object_set_new(params, e->name,
                            json_pack("{s:o, s:b, s:I, s:I, s:o, s:o, s:o, s:o}", "type",
                                      type_json(&e->value.type), "trainable", e->trainable,
                                      "elements", (json_int_t)f.n, "finite", (json_int_t)f.finite,
                                      "min", json_number(f.min), "max", json_number(f.max), "mean",
                                      json_number(f.mean), "std", json_number(f.std)));
    }
    return params;
}

json_t *show_json(const program *p, const view *v)
{
    json_t *functions = json_array();
    const char *name = wg_metadata_get(p->graph, "name");
    holding all = held(p->params, "");

    for (int f = 0; f < wg_function_count(p->graph); f++)
        json_array_append_new(functions, function_json(p, f));
    return json_pack("{s:s, s:s?, s:I, s:I, s:o, s:s, s:o, s:o, s:o}", "file", p->path, "name",
                     name, "weights", (json_int_t)all.weights, "store_bytes", (json_int_t)all.bytes,
                     "functions", functions, "function", wg_function_name(p->graph, v->function),
                     "layers", layers_json(p, v), "operations", ops_json(v), "params",
                     params_json(p->params));
}
