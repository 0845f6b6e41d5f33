/*
 * view.h: a function of a program as boxes in boxes: its entries, grouped by scope, with what the
 * gradient rules recorded apart in a group "gradient" and the updates in a group "updates". What
 * the tree of `show` and every picture of `draw` is made from.
 */
#ifndef WENGERT_TOOLS_VIEW_H
#define WENGERT_TOOLS_VIEW_H

#include "program.h"

typedef enum { NODE_ENTRY, NODE_OUTPUT, NODE_UPDATE } node_kind;

typedef struct {
    node_kind kind;
    const wg_tensor *t; /* the entry; of an output or update what it takes */
    const char *label;  /* op, or the name of a leaf, an output, an updated entry; the graph's */
    int group, row;     /* row of boxes within its group, from 0 */
} view_node;

typedef struct {
    char *path;        /* "gradient/fc1"; "" for group 0, which holds everything */
    const char *label; /* last part of the path */
    int parent, depth; /* group 0: -1 and 0 */
    int row;
    int64_t entries; /* in it and below */
} view_group;

typedef struct {
    int from, to; /* nodes */
    bool weak;    /* lends its type only */
} view_edge;

typedef struct {
    int function;
    int n_nodes, n_groups, n_edges;
    view_node *node;
    view_group *group;
    view_edge *edge;
} view;

/** Returns the exit status; free it in any case. */
int view_make(view *v, const program *p, int function);

void view_free(view *v);

/** The group with this path; -1: none. */
int view_find(const view *v, const char *path);

/** The group at most `depth` deep that holds group g: itself, or the one it is folded into. */
int view_folded(const view *v, int g, int depth);

/** Whether group g is `of` or lies below it. */
bool view_below(const view *v, int g, int of);

#endif
