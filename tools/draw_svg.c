/*
 * draw_svg.c: the picture of a function. Each open group is a column of rows of boxes; sizes come
 * from the inside out, places from the outside in. An edge to the next row is a curve; one that
 * skips rows or goes back runs in a lane at the right of the group that holds both ends, one lane
 * for each box it leads to.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "output.h"
#include "show.h"

enum {
    GAP_X = 18,
    GAP_Y = 30,
    PAD = 14,
    HEAD = 22, /* room for the name of an open group */
    LANE = 9,
    LANES = 10, /* most of a group; more edges share them */
    LINE_MAX_W = 1400
};

typedef struct {
    double x, y, w, h; /* x, y: within the parent, later within the picture */
    double order;      /* among the boxes of its row */
    int line;          /* of the rows as drawn: a long row is broken */
    int lanes;         /* of an open group */
    bool there;
} rect;

typedef struct {
    const program *p;
    const view *v;
    const folding *f;
    rect *box; /* nodes, then groups */
    int n;
    int *lane; /* of every edge; -1: none */
    int *item; /* scratch: the boxes of a group */
} canvas;

static bool is_group(const canvas *c, int box)
{
    return box >= c->v->n_nodes;
}

static const view_group *group(const canvas *c, int box)
{
    return &c->v->group[box - c->v->n_nodes];
}

static bool is_open(const canvas *c, int box)
{
    return is_group(c, box) && group(c, box)->depth <= c->f->depth;
}

static int parent(const canvas *c, int box)
{
    int g = is_group(c, box) ? group(c, box)->parent : c->v->node[box].group;

    return g < 0 ? -1 : c->v->n_nodes + g;
}

static int row(const canvas *c, int box)
{
    return is_group(c, box) ? group(c, box)->row : c->v->node[box].row;
}

static int depth(const canvas *c, int box)
{
    return is_group(c, box) ? group(c, box)->depth : depth(c, parent(c, box)) + 1;
}

/* The two boxes of one group that hold the ends of an edge; returns that group. */
static int common(const canvas *c, int *a, int *b)
{
    while (parent(c, *a) != parent(c, *b)) {
        if (depth(c, *a) >= depth(c, *b)) *a = parent(c, *a);
        else *b = parent(c, *b);
    }
    return parent(c, *a);
}

/* ---- texts ---- */

static void second_line(const canvas *c, int box, char *buf, size_t n)
{
    const view *v = c->v;
    char type[WG_TYPE_TEXT];

    buf[0] = '\0';
    if (!is_group(c, box)) {
        snprintf(buf, n, "%s",
                 v->node[box].kind == NODE_UPDATE
                     ? "updated"
                     : wg_type_text(wg_tensor_type(v->node[box].t), type));
        return;
    }
    if (group(c, box)->entries > 0) {
        const wg_type *result =
            is_layer(v, box - v->n_nodes) ? result_of(v, box - v->n_nodes) : NULL;

        if (result) snprintf(buf, n, "%s", wg_type_text(result, type));
        else snprintf(buf, n, "%lld entries", (long long)group(c, box)->entries);
        return;
    }
    for (int i = 0, k = 0; i < v->n_nodes; i++)
        if (v->node[i].group == box - v->n_nodes) snprintf(buf, n, "%d entries", ++k);
}

static const char *first_line(const canvas *c, int box)
{
    return is_group(c, box) ? group(c, box)->label : c->v->node[box].label;
}

static double text_width(const char *s, double size)
{
    return 0.58 * size * (double)strlen(s);
}

/* ---- sizes ---- */

static int by_row(const canvas *c, int a, int b)
{
    if (row(c, a) != row(c, b)) return row(c, a) < row(c, b) ? -1 : 1;
    if (c->box[a].order != c->box[b].order) return c->box[a].order < c->box[b].order ? -1 : 1;
    return (a > b) - (a < b);
}

static int collect(const canvas *c, int g, int *item)
{
    int n = 0;

    for (int b = 0; b < c->n; b++)
        if (c->box[b].there && parent(c, b) == g) item[n++] = b;
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && by_row(c, item[k - 1], item[k]) > 0; k--) {
            int swap = item[k];

            item[k] = item[k - 1];
            item[k - 1] = swap;
        }
    return n;
}

/* A box stands where those it depends on stand on average: two sweeps down the rows. */
static void arrange(canvas *c)
{
    double *sum = calloc((size_t)c->n + 1, sizeof *sum), *n = calloc((size_t)c->n + 1, sizeof *n);

    for (int b = 0; b < c->n; b++) c->box[b].order = b;
    for (int sweep = 0; sum && n && sweep < 2; sweep++) {
        memset(sum, 0, (size_t)c->n * sizeof *sum);
        memset(n, 0, (size_t)c->n * sizeof *n);
        for (int e = 0; e < c->f->n_edges; e++) {
            int a = c->f->edge[e].from, b = c->f->edge[e].to;

            common(c, &a, &b);
            if (row(c, a) >= row(c, b)) continue;
            sum[b] += c->box[a].order;
            n[b]++;
        }
        for (int b = 0; b < c->n; b++)
            if (n[b] > 0) c->box[b].order = sum[b] / n[b];
    }
    free(sum);
    free(n);
}

static void count_lanes(canvas *c)
{
    int *target = calloc((size_t)c->n + 1, sizeof *target); /* lane + 1 of the box it leads to */

    for (int e = 0; e < c->f->n_edges; e++) {
        int a = c->f->edge[e].from, b = c->f->edge[e].to, g = common(c, &a, &b);

        c->lane[e] = -1;
        if (row(c, b) == row(c, a) + 1 || !target) continue;
        if (target[b] == 0) target[b] = ++c->box[g].lanes;
        c->lane[e] = (target[b] - 1) % LANES;
    }
    for (int b = 0; b < c->n; b++)
        if (c->box[b].lanes > LANES) c->box[b].lanes = LANES;
    free(target);
}

static void measure(canvas *c, int box)
{
    rect *r = &c->box[box];
    char more[WG_TYPE_TEXT];
    int n, *item, line = -1, last_row = -1;
    double width = 0, height = 0, x = 0, y;

    if (!is_open(c, box)) {
        second_line(c, box, more, sizeof more);
        r->w = 22 + fmax(text_width(first_line(c, box), 13), text_width(more, 10.5));
        r->h = *more ? 40 : 26;
        return;
    }
    item = c->item;
    n = collect(c, box, item);
    item = c->item;
    c->item += n; /* the groups inside use what is behind */
    for (int i = 0; i < n; i++) measure(c, item[i]);
    y = box == c->v->n_nodes ? 0 : HEAD;
    for (int i = 0; i < n; i++) {
        rect *k = &c->box[item[i]];

        if (line < 0 || row(c, item[i]) != last_row || x + k->w > LINE_MAX_W) {
            if (line >= 0) y += height + (row(c, item[i]) != last_row ? GAP_Y : GAP_X / 2.0);
            line++, x = 0, height = 0;
            last_row = row(c, item[i]);
        }
        k->line = line;
        k->x = x;
        k->y = y;
        x += k->w + GAP_X;
        height = fmax(height, k->h);
        width = fmax(width, x - GAP_X);
    }
    if (box != c->v->n_nodes) width = fmax(width, text_width(first_line(c, box), 13));
    for (int i = 0, first = 0; i < n; i++) { /* each line to the middle */
        rect *k = &c->box[item[i]];
        double free_room;

        if (i + 1 < n && c->box[item[i + 1]].line == k->line) continue;
        free_room = width - (k->x + k->w);
        for (; first <= i; first++) c->box[item[first]].x += PAD + free_room / 2;
    }
    r->w = width + 2 * PAD + (r->lanes ? r->lanes * LANE + 6 : 0);
    r->h = y + height + PAD + (box == c->v->n_nodes ? PAD : 0);
    if (box == c->v->n_nodes)
        for (int i = 0; i < n; i++) c->box[item[i]].y += PAD;
    c->item -= n;
}

static void place(canvas *c, int box)
{
    for (int b = 0; b < c->n; b++) {
        if (!c->box[b].there || parent(c, b) != box) continue;
        c->box[b].x += c->box[box].x;
        c->box[b].y += c->box[box].y;
        if (is_open(c, b)) place(c, b);
    }
}

/* ---- drawing ---- */

static void put_open(const canvas *c, int box, FILE *to)
{
    const rect *r = &c->box[box];

    if (box != c->v->n_nodes) {
        fprintf(to,
                "<rect class=\"open\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                "rx=\"7\"/>\n<text class=\"head\" x=\"%.1f\" y=\"%.1f\">",
                r->x, r->y, r->w, r->h, r->x + PAD, r->y + 16);
        put_escaped(first_line(c, box), to);
        fputs("</text>\n", to);
    }
    for (int b = 0; b < c->n; b++)
        if (c->box[b].there && parent(c, b) == box && is_open(c, b)) put_open(c, b, to);
}

static void put_box(const canvas *c, int box, FILE *to)
{
    const rect *r = &c->box[box];
    const view *v = c->v;
    const box_style *style =
        is_group(c, box) ? group_style(v, box - v->n_nodes) : node_style(&v->node[box]);
    char more[WG_TYPE_TEXT];
    bool round = strcmp(style->dot, "oval") == 0;

    second_line(c, box, more, sizeof more);
    fprintf(to,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%d\" fill=\"%s\" "
            "stroke=\"%s\"%s/>\n<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">",
            r->x, r->y, r->w, r->h, round ? 19 : 4, style->fill, style->line,
            is_group(c, box) ? " stroke-width=\"2\"" : "", is_group(c, box) ? "big" : "name",
            r->x + r->w / 2, r->y + 17);
    put_escaped(first_line(c, box), to);
    fputs("</text>\n", to);
    if (!*more) return;
    fprintf(to, "<text class=\"type\" x=\"%.1f\" y=\"%.1f\">", r->x + r->w / 2, r->y + 32);
    put_escaped(more, to);
    fputs("</text>\n", to);
}

static void put_edge(const canvas *c, int e, FILE *to)
{
    const folded_edge *x = &c->f->edge[e];
    const rect *a = &c->box[x->from], *b = &c->box[x->to];
    int ra = x->from, rb = x->to, g = common(c, &ra, &rb);

    fprintf(to, "<path class=\"%s\" d=\"", x->weak ? "weak" : "edge");
    if (c->lane[e] < 0) {
        double x1 = a->x + a->w / 2, y1 = a->y + a->h, x2 = b->x + b->w / 2, y2 = b->y - 3;
        double bend = fmax(10, (y2 - y1) / 2);

        fprintf(to, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x1, y1, x1, y1 + bend, x2,
                y2 - bend, x2, y2);
    } else {
        double x1 = a->x + a->w, y1 = a->y + a->h / 2, x2 = b->x + b->w + 3, y2 = b->y + b->h / 2;
        double lane = c->box[g].x + c->box[g].w - 6 - LANE * c->lane[e];
        double turn = y2 > y1 ? 6 : -6;

        fprintf(to, "M%.1f %.1fH%.1fq6 0 6 %.1fV%.1fq0 %.1f -6 %.1fH%.1f", x1, y1, lane - 6, turn,
                y2 - turn, turn, turn, x2);
    }
    fprintf(to, "\" marker-end=\"url(#tip)\"><title>%s", WG_TYPE_STR(x->type));
    if (x->n > 1) fprintf(to, " and %d more", x->n - 1);
    fputs("</title></path>\n", to);
}

static void put_all(const canvas *c, const char *title, FILE *to)
{
    const rect *all = &c->box[c->v->n_nodes];
    double head = 34, width = fmax(all->w, text_width(title, 16) + 2 * PAD);

    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" fill=\"#222\">\n",
            width, all->h + head, width, all->h + head);
    fputs("<defs><marker id=\"tip\" markerWidth=\"7\" markerHeight=\"7\" refX=\"4\" refY=\"3\" "
          "orient=\"auto\"><path d=\"M0 0L6 3L0 6z\" fill=\"#666\"/></marker></defs>\n"
          "<style>text{text-anchor:middle}.edge{fill:none;stroke:#777}"
          ".weak{fill:none;stroke:#aaa;stroke-dasharray:2 3}.name{font-size:13px}"
          ".big{font-size:13px;font-weight:bold}.type{font-size:10.5px;fill:#555}"
          ".head{font-size:12px;fill:#555;text-anchor:start}"
          ".title{font-size:16px;font-weight:bold;text-anchor:start}"
          ".open{fill:#888;fill-opacity:.06;stroke:#aaa}</style>\n",
          to);
    fprintf(to, "<rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n", width, all->h + head);
    fprintf(to, "<text class=\"title\" x=\"%d\" y=\"24\">", PAD);
    put_escaped(title, to);
    fprintf(to, "</text>\n<g transform=\"translate(%.1f,%.0f)\">\n", (width - all->w) / 2, head);
    put_open(c, c->v->n_nodes, to);
    for (int e = 0; e < c->f->n_edges; e++) put_edge(c, e, to);
    for (int b = 0; b < c->n; b++)
        if (c->box[b].there && !is_open(c, b)) put_box(c, b, to);
    fputs("</g>\n</svg>\n", to);
}

bool draw_svg(const program *p, const view *v, const folding *f, const char *title, FILE *to)
{
    canvas c = { .p = p, .v = v, .f = f, .n = v->n_nodes + v->n_groups };
    int *item = calloc((size_t)c.n * 2 + 1, sizeof *item);
    bool good;

    c.box = calloc((size_t)c.n + 1, sizeof *c.box);
    c.lane = calloc((size_t)f->n_edges + 1, sizeof *c.lane);
    c.item = item;
    good = c.box && c.lane && item;
    if (good) {
        for (int i = 0; i < v->n_nodes; i++) c.box[f->shown[i]].there = true;
        for (int g = 0; g < v->n_groups; g++)
            if (v->group[g].depth <= f->depth) c.box[v->n_nodes + g].there = true;
        arrange(&c);
        count_lanes(&c);
        measure(&c, v->n_nodes);
        place(&c, v->n_nodes);
        put_all(&c, title, to);
    }
    free(c.box);
    free(c.lane);
    free(item);
    return good;
}
