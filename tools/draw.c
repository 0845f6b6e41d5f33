/* draw.c: what all pictures share: colours and folding; and the picture for Graphviz. */
#include "draw.h"

#include <stdlib.h>
#include <string.h>

static const box_style styles[] = {
    { "op", "#dbe9f6", "#4a78a8", "box" },         { "input", "#fdf1d0", "#b58b1b", "oval" },
    { "param", "#dff0df", "#4f8f4f", "cylinder" }, { "const", "#ffffff", "#999999", "plaintext" },
    { "grad", "#f9e1dc", "#b0604c", "box" },       { "output", "#ece3f4", "#7a5ba0", "oval" },
};
enum { OP, INPUT, PARAM, CONST, GRAD, OUTPUT };

const box_style *node_style(const view_node *n)
{
    const wg_op *op = wg_tensor_record(n->t);

    if (n->kind == NODE_OUTPUT) return &styles[OUTPUT];
    if (n->kind == NODE_UPDATE || op->flags & WG_OP_PARAM) return &styles[PARAM];
    if (op->flags & WG_OP_FEED) return &styles[INPUT];
    if (op->flags & WG_OP_CONST || (wg_tensor_n_in(n->t) == 0 && !(op->flags & WG_OP_RANDOM)))
        return &styles[CONST];
    return &styles[wg_tensor_derived(n->t) ? GRAD : OP];
}

const box_style *group_style(const view *v, int g)
{
    if (strcmp(v->group[g].path, "updates") == 0) return &styles[PARAM];
    return &styles[strncmp(v->group[g].path, "gradient", 8) == 0 ? GRAD : OP];
}

/* ---- folding ---- */

static int by_ends(const void *x, const void *y)
{
    const folded_edge *a = x, *b = y;

    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

bool fold(folding *f, const view *v, int depth)
{
    int kept = 0;

    *f = (folding){ .depth = depth,
                    .edge = calloc((size_t)v->n_edges + 1, sizeof *f->edge),
                    .shown = calloc((size_t)v->n_nodes + 1, sizeof *f->shown) };
    if (!f->edge || !f->shown) return false;
    for (int i = 0; i < v->n_nodes; i++) {
        int g = view_folded(v, v->node[i].group, depth + 1);

        f->shown[i] = v->group[g].depth > depth ? v->n_nodes + g : i;
    }
    for (int e = 0; e < v->n_edges; e++)
        f->edge[e] = (folded_edge){ f->shown[v->edge[e].from], f->shown[v->edge[e].to], 1,
                                    v->edge[e].weak, wg_tensor_type(v->node[v->edge[e].from].t) };
    qsort(f->edge, (size_t)v->n_edges, sizeof *f->edge, by_ends);
    for (int e = 0; e < v->n_edges; e++) {
        folded_edge *last = kept > 0 ? &f->edge[kept - 1] : NULL;

        if (f->edge[e].from == f->edge[e].to) continue;
        if (last && by_ends(last, &f->edge[e]) == 0)
            last->n++, last->weak = last->weak && f->edge[e].weak;
        else f->edge[kept++] = f->edge[e];
    }
    f->n_edges = kept;
    return true;
}

void fold_free(folding *f)
{
    free(f->edge);
    free(f->shown);
    *f = (folding){ 0 };
}

/* ---- Graphviz ---- */

static void put_quoted(const char *s, FILE *to)
{
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') fputc('\\', to);
        if ((unsigned char)*s >= 0x20) fputc(*s, to);
    }
}

static void put_dot_box(int box, const box_style *style, const char *label, const char *more,
                        FILE *to)
{
    fprintf(to, "n%d [shape=%s, fillcolor=\"%s\", color=\"%s\", label=\"", box, style->dot,
            style->fill, style->line);
    put_quoted(label, to);
    if (*more) {
        fputs("\\n", to);
        put_quoted(more, to);
    }
    fputs("\"];\n", to);
}

static void put_dot_group(const view *v, const folding *f, int g, FILE *to)
{
    char more[96];

    if (v->group[g].depth > f->depth) {
        more[0] = '\0';
        if (v->group[g].entries > 0)
            snprintf(more, sizeof more, "%lld entries", (long long)v->group[g].entries);
        put_dot_box(v->n_nodes + g, group_style(v, g), v->group[g].label, more, to);
        return;
    }
    if (g > 0) {
        fprintf(to, "subgraph cluster_%d {\nstyle=rounded; color=\"#999999\"; label=\"", g);
        put_quoted(v->group[g].label, to);
        fputs("\";\n", to);
    }
    for (int i = 0; i < v->n_nodes; i++) {
        const view_node *n = &v->node[i];

        if (n->group != g) continue;
        put_dot_box(i, node_style(n), n->label,
                    n->kind == NODE_UPDATE ? "updated" : WG_TYPE_STR(wg_tensor_type(n->t)), to);
    }
    for (int k = 1; k < v->n_groups; k++)
        if (v->group[k].parent == g) put_dot_group(v, f, k, to);
    if (g > 0) fputs("}\n", to);
}

void draw_dot(const view *v, const folding *f, FILE *to)
{
    fputs("digraph wengert {\nrankdir=TB; newrank=true;\nfontname=\"Helvetica\";\n"
          "node [style=filled, fontname=\"Helvetica\", fontsize=11];\n"
          "edge [fontname=\"Helvetica\", fontsize=9, color=\"#777777\", fontcolor=\"#555555\"];\n",
          to);
    put_dot_group(v, f, 0, to);
    for (int e = 0; e < f->n_edges; e++) {
        const folded_edge *x = &f->edge[e];

        fprintf(to, "n%d -> n%d [label=\"%s", x->from, x->to, WG_TYPE_STR(x->type));
        if (x->n > 1) fprintf(to, " and %d more", x->n - 1);
        fprintf(to, "\"%s];\n", x->weak ? ", style=dotted" : "");
    }
    fputs("}\n", to);
}
