/*
 * rows.c: layers of a graph of boxes (Sugiyama, Tagawa, Toda 1981). An edge between two nodes is,
 * in the innermost group that holds both, an edge between two of its boxes. Boxes may form cycles
 * though entries do not (a scope entered twice); then the one that waits for fewest others goes
 * first.
 */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int group, from, to; /* boxes: node i is i, group g is n_nodes + g */
    int n;               /* edges between nodes that this one stands for */
} lifted;

static int box_parent(const view *v, int box)
{
    return box < v->n_nodes ? v->node[box].group : v->group[box - v->n_nodes].parent;
}

static int box_depth(const view *v, int box)
{
    return box < v->n_nodes ? v->group[v->node[box].group].depth + 1
                            : v->group[box - v->n_nodes].depth;
}

/* The boxes of one group that hold the two ends. */
static lifted lift(const view *v, const view_edge *e)
{
    int a = e->from, b = e->to;

    while (box_parent(v, a) != box_parent(v, b)) {
        if (box_depth(v, a) >= box_depth(v, b)) a = v->n_nodes + box_parent(v, a);
        else b = v->n_nodes + box_parent(v, b);
    }
    return (lifted){ box_parent(v, a), a, b, 1 };
}

static int by_group(const void *x, const void *y)
{
    const lifted *a = x, *b = y;

    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

typedef struct {
    int *row, *waits, *first; /* of every box: row, edges not yet met, its first edge */
    bool *placed, *source;
} state;

/* The boxes of one group in an order that edges follow, as far as it can; rows are longest paths.
 */
static void place(state *s, int n_boxes, const int *box, int n_edges, const lifted *edge)
{
    for (int k = 0; k < n_boxes; k++) s->first[box[k]] = -1;
    for (int e = n_edges - 1; e >= 0; e--) {
        s->waits[edge[e].to] += edge[e].n;
        s->source[edge[e].to] = false;
        s->first[edge[e].from] = e;
    }
    for (int done = 0; done < n_boxes; done++) {
        int next = -1;

        for (int k = 0; k < n_boxes; k++)
            if (!s->placed[box[k]] && (next < 0 || s->waits[box[k]] < s->waits[next])) {
                next = box[k];
                if (s->waits[next] == 0) break;
            }
        s->placed[next] = true;
        for (int e = s->first[next]; e >= 0 && e < n_edges && edge[e].from == next; e++) {
            int to = edge[e].to;

            s->waits[to] -= edge[e].n;
            if (!s->placed[to] && s->row[to] <= s->row[next]) s->row[to] = s->row[next] + 1;
        }
    }
    /* What waits for nothing stands right above the first that needs it. */
    for (int k = 0; k < n_boxes; k++) {
        int least = -1;

        if (!s->source[box[k]]) continue;
        for (int e = s->first[box[k]]; e >= 0 && e < n_edges && edge[e].from == box[k]; e++)
            if (least < 0 || s->row[edge[e].to] < least) least = s->row[edge[e].to];
        if (least > 0) s->row[box[k]] = least - 1;
    }
}

static void place_all(const view *v, state *s, int n_edges, const lifted *edge, int *box)
{
    int n_boxes = v->n_nodes + v->n_groups;

    for (int g = 0, e = 0; g < v->n_groups; g++) {
        int n = 0, first = e;

        for (int b = 0; b < n_boxes; b++)
            if (b != v->n_nodes && box_parent(v, b) == g) box[n++] = b;
        while (e < n_edges && edge[e].group == g) e++;
        place(s, n, box, e - first, edge + first);
    }
}

bool view_rows(view *v)
{
    size_t n = (size_t)(v->n_nodes + v->n_groups) + 1;
    state s = { calloc(n, sizeof(int)), calloc(n, sizeof(int)), calloc(n, sizeof(int)),
                calloc(n, sizeof(bool)), calloc(n, sizeof(bool)) };
    lifted *edge = calloc((size_t)v->n_edges + 1, sizeof *edge);
    int *box = calloc(n, sizeof *box), kept = 0;
    bool good = s.row && s.waits && s.first && s.placed && s.source && edge && box;

    if (good) {
        for (int e = 0; e < v->n_edges; e++) edge[e] = lift(v, &v->edge[e]);
        qsort(edge, (size_t)v->n_edges, sizeof *edge, by_group);
        for (int e = 0; e < v->n_edges; e++) {
            if (edge[e].from == edge[e].to) continue;
            if (kept > 0 && by_group(&edge[e], &edge[kept - 1]) == 0) edge[kept - 1].n++;
            else edge[kept++] = edge[e];
        }
        memset(s.source, true, n * sizeof(bool));
        place_all(v, &s, kept, edge, box);
        for (int i = 0; i < v->n_nodes; i++) v->node[i].row = s.row[i];
        for (int g = 1; g < v->n_groups; g++) v->group[g].row = s.row[v->n_nodes + g];
    }
    free(s.row);
    free(s.waits);
    free(s.first);
    free(s.placed);
    free(s.source);
    free(edge);
    free(box);
    return good;
}
