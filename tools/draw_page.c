/* draw_page.c: the graph as a page: page.html, with the graph as JSON in the place it keeps for it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "draw.h"
#include "numbers.h"
#include "output.h"
#include "page.h"
#include "show.h"
#include "table.h"

static void fact(json_t *to, const char *key, const char *fmt, ...) WG_PRINTF(3, 4);

static void fact(json_t *to, const char *key, const char *fmt, ...)
{
    char text[700];
    va_list args;
    json_t *value;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    /* A text cut inside of a character is no UTF-8. */
    for (size_t n = strlen(text); !(value = json_string(text)) && n > 0;) text[--n] = '\0';
    json_object_set_new(to, key, value);
}

static void entry_facts(json_t *to, const wg_params *w, const char *name)
{
    const wg_param *e = name ? wg_params_find(w, name) : NULL;
    figures f;

    if (!e) return;
    f = figures_of(&e->value);
    fact(to, "trained", e->trainable ? "yes" : "no");
    fact(to, "min", "%.6g", f.min);
    fact(to, "max", "%.6g", f.max);
    fact(to, "mean", "%.6g", f.mean);
    fact(to, "std", "%.6g", f.std);
    if (f.finite < f.n) fact(to, "not finite", "%" PRId64 " of %" PRId64, f.n - f.finite, f.n);
}

static json_t *node_json(const program *p, const view_node *n)
{
    static const char *const kinds[] = { "entry", "output", "update" };
    const wg_op *op = wg_tensor_record(n->t);
    const char *site = program_site(p, n->t);
    char type[WG_TYPE_TEXT], attrs[600];
    json_t *facts = json_object();

    wg_type_text(wg_tensor_type(n->t), type);
    if (n->kind == NODE_ENTRY) {
        fact(facts, "op", "%s", op->name);
        fact(facts, "does", "%s", op->doc ? op->doc : "");
    } else {
        fact(facts, "is", n->kind == NODE_OUTPUT ? "an output" : "what a store entry becomes");
    }
    fact(facts, "type", "%s", type);
    attrs_text(n->t, attrs, sizeof attrs);
    if (n->kind == NODE_ENTRY && *attrs) fact(facts, "attributes", "%s", attrs);
    if (wg_tensor_name(n->t)) fact(facts, "name", "%s", wg_tensor_name(n->t));
    if (*wg_tensor_scope(n->t)) fact(facts, "scope", "%s", wg_tensor_scope(n->t));
    if (site) fact(facts, "site", "%s", site);
    if (n->kind == NODE_UPDATE || op->flags & WG_OP_PARAM) entry_facts(facts, p->params, n->label);
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:o}", "label", n->label, "kind",
                     kinds[n->kind], "style", node_style(n)->name, "type", type, "group", n->group,
                     "row", n->row, "facts", facts);
}

static json_t *group_json(const program *p, const view *v, int g)
{
    const view_group *x = &v->group[g];
    holding h = held(p->params, x->path);
    json_t *facts = json_object();
    char note[WG_TYPE_TEXT + 40], type[WG_TYPE_TEXT], count[32];
    const wg_type *result = is_layer(v, g) ? result_of(v, g) : NULL;
    int64_t n = x->entries;

    if (n == 0)
        for (int i = 0; i < v->n_nodes; i++) n += view_below(v, v->node[i].group, g);
    if (result) snprintf(note, sizeof note, "%s", wg_type_text(result, type));
    else snprintf(note, sizeof note, "%" PRId64 " entries", n);
    fact(facts, "scope", "%s", x->path);
    fact(facts, "entries", "%" PRId64, n);
    if (result) fact(facts, "result", "%s", type);
    if (is_layer(v, g)) fact(facts, "weights", "%s", grouped(h.weights, count));
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:o}", "label", x->label, "path", x->path,
                     "style", group_style(v, g)->name, "note", note, "parent", x->parent, "row",
                     x->row, "facts", facts);
}

static json_t *view_json(const program *p, const view *v)
{
    json_t *groups = json_array(), *nodes = json_array(), *edges = json_array();

    for (int g = 0; g < v->n_groups; g++) json_array_append_new(groups, group_json(p, v, g));
    for (int i = 0; i < v->n_nodes; i++) json_array_append_new(nodes, node_json(p, &v->node[i]));
    for (int e = 0; e < v->n_edges; e++)
        json_array_append_new(
            edges, json_pack("[i, i, b]", v->edge[e].from, v->edge[e].to, v->edge[e].weak));
    return json_pack("{s:s, s:o, s:o, s:o}", "name", wg_function_name(p->graph, v->function),
                     "groups", groups, "nodes", nodes, "edges", edges);
}

bool draw_page(const program *p, int n, const view *v, const char *title, FILE *to)
{
    static const char mark[] = "@DATA@";
    const char *at = strstr(page_html, mark);
    json_t *functions = json_array(), *all;
    char *text;

    for (int i = 0; i < n; i++) json_array_append_new(functions, view_json(p, &v[i]));
    all = json_pack("{s:s, s:o}", "title", title, "functions", functions);
    text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    if (!text) return false;
    fwrite(page_html, 1, (size_t)(at - page_html), to);
    for (const char *s = text; *s; s++) /* no text may end the script it stands in */
        if (*s == '<') fputs("\\u003c", to);
        else fputc(*s, to);
    fputs(at + sizeof mark - 1, to);
    free(text);
    return true;
}
