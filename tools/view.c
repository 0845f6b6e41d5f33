/* view.c: see view.h. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "rows.h"

int view_find(const view *v, const char *path)
{
    for (int g = 0; g < v->n_groups; g++)
        if (strcmp(v->group[g].path, path) == 0) return g;
    return -1;
}

int view_folded(const view *v, int g, int depth)
{
    while (v->group[g].depth > depth) g = v->group[g].parent;
    return g;
}

bool view_below(const view *v, int g, int of)
{
    while (g >= 0 && g != of) g = v->group[g].parent;
    return g == of;
}

/* The group with this path, made with those above it when there is none; -1 out of memory. */
static int group_at(view *v, const char *path)
{
    int g = view_find(v, path), parent = 0;
    const char *slash = strrchr(path, '/');
    view_group *more;
    char *copy;

    if (g >= 0) return g;
    if (slash) {
        char *above = strndup(path, (size_t)(slash - path));

        parent = above ? group_at(v, above) : -1;
        free(above);
        if (parent < 0) return -1;
    } else if (*path == '\0') {
        parent = -1;
    }
    copy = strdup(path);
    more = copy ? realloc(v->group, ((size_t)v->n_groups + 1) * sizeof *more) : NULL;
    if (!more) {
        free(copy);
        return -1;
    }
    v->group = more;
    more[v->n_groups] = (view_group){ .path = copy,
                                      .label = slash ? copy + (slash - path) + 1 : copy,
                                      .parent = parent,
                                      .depth = parent < 0 ? 0 : more[parent].depth + 1 };
    return v->n_groups++;
}

static int group_of(view *v, const wg_tensor *t)
{
    const char *scope = wg_tensor_scope(t);
    char *path;
    int g;

    if (!wg_tensor_derived(t)) return group_at(v, scope);
    path = malloc(strlen(scope) + sizeof "gradient/");
    if (!path) return -1;
    sprintf(path, "gradient%s%s", *scope ? "/" : "", scope);
    g = group_at(v, path);
    free(path);
    return g;
}

static bool is_param(const wg_tensor *t)
{
    return (wg_tensor_record(t)->flags & WG_OP_PARAM) != 0;
}

/* Entries in the order of the walk, so that node numbers are positions; then outputs, then updates.
 */
static bool add_nodes(view *v, const wg_graph *g, int64_t n, wg_tensor *const *order)
{
    int outputs = wg_function_n_outputs(g, v->function);
    int updates = wg_function_n_updates(g, v->function);
    int home;

    v->node = calloc((size_t)(n + outputs + updates) + 1, sizeof *v->node);
    if (!v->node || group_at(v, "") < 0) return false;
    for (int64_t i = 0; i < n; i++) {
        const char *leaf = wg_tensor_leaf_name(order[i]);
        int group = is_param(order[i]) ? -1 : group_of(v, order[i]);

        if (group < 0 && !is_param(order[i])) return false;
        v->node[v->n_nodes++] =
            (view_node){ NODE_ENTRY, order[i], leaf ? leaf : wg_tensor_op(order[i]), group, 0 };
    }
    for (int i = 0; i < outputs; i++)
        v->node[v->n_nodes++] = (view_node){ NODE_OUTPUT, wg_function_output(g, v->function, i),
                                             wg_function_output_name(g, v->function, i), 0, 0 };
    home = updates > 0 ? group_at(v, "updates") : 0;
    for (int i = 0; i < updates; i++)
        v->node[v->n_nodes++] = (view_node){ NODE_UPDATE, wg_function_update(g, v->function, i),
                                             wg_function_update_name(g, v->function, i), home, 0 };
    return home >= 0;
}

/* A parameter lies where it is first used. */
static bool add_edges(view *v, const wg_graph *g, int64_t entries)
{
    int64_t total = 0;
    int *number = malloc((size_t)(wg_graph_count(g) + 1) * sizeof *number);

    for (int i = 0; i < v->n_nodes; i++)
        total += v->node[i].kind == NODE_ENTRY ? wg_tensor_n_in(v->node[i].t) : 1;
    v->edge = calloc((size_t)total + 1, sizeof *v->edge);
    if (!number || !v->edge) {
        free(number);
        return false;
    }
    for (int64_t i = 0; i < entries; i++) number[wg_tensor_id(v->node[i].t)] = (int)i;
    for (int i = 0; i < v->n_nodes; i++) {
        const view_node *to = &v->node[i];
        int n = to->kind == NODE_ENTRY ? wg_tensor_n_in(to->t) : 1;

        for (int k = 0; k < n; k++) {
            const wg_tensor *in = to->kind == NODE_ENTRY ? wg_tensor_in(to->t, k) : to->t;
            int from = number[wg_tensor_id(in)];
            bool weak = to->kind == NODE_ENTRY &&
                        (wg_tensor_record(to->t)->shape_only >> (k < 31 ? k : 31) & 1);

            v->edge[v->n_edges++] = (view_edge){ from, i, weak };
            if (v->node[from].group < 0) v->node[from].group = to->group;
        }
    }
    for (int i = 0; i < v->n_nodes; i++)
        if (v->node[i].group < 0) v->node[i].group = 0;
    free(number);
    return true;
}

int view_make(view *v, const program *p, int function)
{
    const wg_graph *g = p->graph;
    int outputs = wg_function_n_outputs(g, function), updates = wg_function_n_updates(g, function);
    wg_tensor **root = calloc((size_t)(outputs + updates) + 1, sizeof *root), **order = NULL;
    int64_t n = -1;
    bool good;

    *v = (view){ .function = function };
    for (int i = 0; root && i < outputs; i++) root[i] = wg_function_output(g, function, i);
    for (int i = 0; root && i < updates; i++)
        root[outputs + i] = wg_function_update(g, function, i);
    if (root) n = wg_order(outputs + updates, root, &order);
    good = n >= 0 && n < INT32_MAX / 2 && add_nodes(v, g, n, order) && add_edges(v, g, n) &&
           view_rows(v);
    for (int i = 0; good && i < v->n_nodes; i++)
        for (int k = v->node[i].group; v->node[i].kind == NODE_ENTRY && k >= 0;
             k = v->group[k].parent)
            v->group[k].entries++;
    free(root);
    wg_free(order);
    return good ? EXIT_GOOD : trouble(p->command, NULL, "out of memory");
}

void view_free(view *v)
{
    for (int g = 0; g < v->n_groups; g++) free(v->group[g].path);
    free(v->group);
    free(v->node);
    free(v->edge);
    *v = (view){ 0 };
}
