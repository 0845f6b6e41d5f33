/*
 * dot.c: graphs as Graphviz text. Scopes are clusters, edges carry types, entries recorded by
 * gradient rules are drawn apart from forward ones.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Text inside a DOT string. */
static void put_text(const char *s, FILE *to)
{
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') fputc('\\', to);
        if ((unsigned char)*s >= 0x20) fputc(*s, to);
    }
}

static bool is_leaf(const wg_tensor *t)
{
    return (t->op->flags & (WG_OP_FEED | WG_OP_PARAM)) != 0;
}

static void put_node(const wg_tensor *t, FILE *to)
{
    const char *shape = "box", *fill = "#dbe9f6", *line = "#4a78a8";

    if (t->op->flags & WG_OP_FEED) shape = "oval", fill = "#fdf1d0", line = "#b58b1b";
    else if (t->op->flags & WG_OP_PARAM) shape = "cylinder", fill = "#dff0df", line = "#4f8f4f";
    else if (t->op->flags & WG_OP_CONST || (t->n_in == 0 && !(t->op->flags & WG_OP_RANDOM)))
        shape = "plaintext", fill = "#ffffff", line = "#888888";
    else if (t->derived) fill = "#f9e1dc", line = "#b0604c";
    fprintf(to, "n%" PRId32 " [shape=%s, fillcolor=\"%s\", color=\"%s\", label=\"", t->id, shape,
            fill, line);
    put_text(is_leaf(t) ? wg__leaf_name(t) : t->op->name, to);
    if (t->name) {
        fputs("\\n", to);
        put_text(t->name, to);
    }
    fputs("\"];\n", to);
}

struct in_scope {
    const char *scope;
    int64_t at; /* position in the walk: ties keep its order */
    const wg_tensor *t;
};

/* '/' sorts before everything else, so that all of "a/..." stands together, right behind "a". */
static int by_scope(const void *a, const void *b)
{
    const struct in_scope *x = a, *y = b;
    const unsigned char *p = (const unsigned char *)x->scope, *q = (const unsigned char *)y->scope;

    while (*p && *p == *q) p++, q++;
    if (*p != *q) return !*p ? -1 : !*q ? 1 : *p == '/' ? -1 : *q == '/' ? 1 : *p < *q ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Length of the first `depth` parts of a path. */
static size_t prefix(const char *path, int depth)
{
    size_t n = 0;

    while (depth > 0 && path[n])
        if (path[++n] == '/' || path[n] == '\0') depth--;
    return n;
}

static int depth_of(const char *path)
{
    int depth = path[0] != '\0';

    for (; *path; path++) depth += *path == '/';
    return depth;
}

/* Nested clusters from entries sorted by path: close what the next path leaves, open what it
 * enters. */
static void put_clusters(struct in_scope *entry, int64_t n, int *cluster, FILE *to)
{
    const char *open = "";

    for (int64_t i = 0; i < n; i++) {
        const char *path = entry[i].scope;
        int was = depth_of(open), is = depth_of(path), common = 0;

        while (common < was && common < is &&
               prefix(open, common + 1) == prefix(path, common + 1) &&
               strncmp(open, path, prefix(path, common + 1)) == 0)
            common++;
        for (int d = was; d > common; d--) fputs("}\n", to);
        for (int d = common; d < is; d++) {
            size_t from = d ? prefix(path, d) + 1 : 0, length = prefix(path, d + 1) - from;
            char part[160];

            snprintf(part, sizeof part, "%.*s", (int)length, path + from);
            fprintf(to,
                    "subgraph cluster_%d {\nstyle=\"rounded\"; color=\"#999999\"; "
                    "fontcolor=\"#555555\"; label=\"",
                    (*cluster)++);
            put_text(part, to);
            fputs("\";\n", to);
        }
        put_node(entry[i].t, to);
        open = path;
    }
    for (int d = depth_of(open); d > 0; d--) fputs("}\n", to);
}

static void put_roots(const wg_graph *g, int f, const wg_binding *updates, FILE *to)
{
    const wg_function *fn = &g->function[f];

    for (int64_t i = 0; i < fn->outputs.n; i++) {
        fprintf(to,
                "f%do%" PRId64 " [shape=oval, fillcolor=\"#ece3f4\", color=\"#7a5ba0\", label=\"",
                f, i);
        put_text(fn->name, to);
        fputs(": ", to);
        put_text(fn->outputs.item[i].name, to);
        fprintf(to, "\"];\nn%" PRId32 " -> f%do%" PRId64 " [label=\"%s\"];\n",
                fn->outputs.item[i].t->id, f, i, WG_TYPE_STR(fn->outputs.item[i].t->type));
    }
    for (int64_t i = 0; i < fn->updates.n; i++) {
        fprintf(to,
                "f%du%" PRId64
                " [shape=cylinder, fillcolor=\"#dff0df\", color=\"#4f8f4f\", label=\"<- ",
                f, i);
        put_text(updates[i].name, to);
        fprintf(to, "\"];\nn%" PRId32 " -> f%du%" PRId64 " [style=bold];\n", updates[i].t->id, f,
                i);
    }
}

static bool put_graph(const wg_graph *g, int first, int last, FILE *to)
{
    wg_tensor **roots = NULL, **order = NULL;
    wg_binding **updates = wg__zalloc((size_t)(last - first) * sizeof *updates);
    struct in_scope *entry = NULL;
    int64_t n = 0, cap = 0, count = -1;
    int cluster = 0;

    for (int f = first; updates && f < last; f++) {
        wg_tensor **some, **more;
        int64_t k = wg__function_roots(g, f, &some, &updates[f - first]);

        if (k < 0) goto done;
        more = wg__grow(roots, &cap, n + k, sizeof *roots);
        if (more) memcpy((roots = more) + n, some, (size_t)k * sizeof *some);
        wg__release(some);
        if (!more) goto done;
        n += k;
    }
    count = updates ? wg_order((int)n, roots, &order) : -1;
    entry = count < 0 ? NULL : wg__array(count, sizeof *entry);
    if (!entry) {
        count = -1;
        goto done;
    }
    for (int64_t i = 0; i < count; i++)
        entry[i] = (struct in_scope){ order[i]->scope, i, order[i] };
    qsort(entry, (size_t)count, sizeof *entry, by_scope);
    fputs("digraph wengert {\nrankdir=TB; newrank=true;\nfontname=\"Helvetica\";\nnode "
          "[style=filled, "
          "fontname=\"Helvetica\", fontsize=11];\n"
          "edge [fontname=\"Helvetica\", fontsize=9, color=\"#777777\", fontcolor=\"#555555\"];\n",
          to);
    put_clusters(entry, count, &cluster, to);
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < order[i]->n_in; k++)
            fprintf(to, "n%" PRId32 " -> n%" PRId32 " [label=\"%s\"%s];\n", order[i]->in[k]->id,
                    order[i]->id, WG_TYPE_STR(order[i]->in[k]->type),
                    order[i]->op->shape_only >> (k < 31 ? k : 31) & 1 ? ", style=dotted" : "");
    for (int f = first; f < last; f++) put_roots(g, f, updates[f - first], to);
    fputs("}\n", to);
done:
    for (int f = first; updates && f < last; f++) wg__release(updates[f - first]);
    wg__release(updates);
    wg__release(roots);
    wg__release(order);
    wg__release(entry);
    return count >= 0;
}

wg_status wg_dot_write(const wg_graph *g, const char *function, FILE *to, wg_error *error)
{
    int first = 0, last = wg_function_count(g);

    if (!g || !to)
        return wg_fail(error, WG_EARG, "dot_write", "the %s is NULL", g ? "file" : "graph");
    if (g->error.code != WG_OK) {
        wg__error_copy(error, &g->error);
        return g->error.code;
    }
    if (function) {
        first = wg_function_find(g, function);
        if (first < 0)
            return wg_fail(error, WG_ENAME, "dot_write", "the graph has no function \"%.120s\"",
                           function);
        last = first + 1;
    }
    if (!put_graph(g, first, last, to))
        return wg_fail(error, WG_ENOMEM, "dot_write", "out of memory");
    if (fflush(to) != 0 || ferror(to))
        return wg_fail(error, WG_EIO, "dot_write", "writing failed: %s", strerror(errno));
    return WG_OK;
}
