/* draw.h: pictures of a function of a program. */
#ifndef WENGERT_TOOLS_DRAW_H
#define WENGERT_TOOLS_DRAW_H

#include "view.h"

/* What a box is: its colours, and in pages its style class. */
typedef struct {
    const char *name; /* "op" */
    const char *fill, *line;
    const char *dot; /* Graphviz's shape */
} box_style;

const box_style *node_style(const view_node *n);
const box_style *group_style(const view *v, int g);

/* Boxes that show when scopes below a depth are folded. shown[i] of node i is the box that stands
 * for it: i itself, or n_nodes + g of a folded group. */
typedef struct {
    int from, to;        /* boxes */
    int n;               /* edges that this one stands for */
    bool weak;           /* all of them lend a type only */
    const wg_type *type; /* of the first */
} folded_edge;

typedef struct {
    int depth; /* groups this deep are open, those below folded */
    int n_edges;
    folded_edge *edge;
    int *shown; /* of every node */
} folding;

/** false when out of memory; free it in any case. */
bool fold(folding *f, const view *v, int depth);

void fold_free(folding *f);

/** Graphviz text with open scopes as clusters. */
void draw_dot(const view *v, const folding *f, FILE *to);

/** An SVG picture: boxes in rows, open scopes as boxes in boxes. false when out of memory. */
bool draw_svg(const program *p, const view *v, const folding *f, const char *title, FILE *to);

/** A page whose scopes open and close, of n functions; it needs nothing but itself. false when out
 * of memory. */
bool draw_page(const program *p, int n, const view *v, const char *title, FILE *to);

#endif
